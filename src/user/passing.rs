//! The passing half of users: on which connections each account has logged in, and which rooms it is in (chatroom.md §d.5). In memory
//! at the account's owner, in no log; an account that does neither takes nothing, and anonymous ones have only this half.

use std::collections::hash_map::Entry;

use crate::id::{AccountId, ByNumber, ConnId, RoomId};
use crate::subject::{AccountHash, Note};

/// A connection on which an account has logged in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Session {
    /// Which.
    pub connection: ConnId,
    /// Number of its client type (chatroom.md §a.5).
    pub client_type: u16,
    /// When it logged in, in seconds since 1970.
    pub since_seconds: u32,
}

/// A room that an account may not be in any more, because it is in more than it may be: the one it entered first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Beyond {
    /// The account.
    pub account: AccountId,
    /// The room.
    pub room: RoomId,
}

/// The passing half of the users of one worker. Bounded by the limits on connections and on rooms of an account.
#[derive(Default, Debug)]
pub struct Passing {
    rows: ByNumber<AccountHash, Row>,
}

/// One account. Nearly every one has one connection and is in one room: others stand in a box.
#[derive(Default, Debug)]
struct Row {
    session: Option<Session>,
    room: Option<Room>,
    more: Option<Box<More>>,
}

/// A room that an account is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Room(core::num::NonZeroI64);

/// Parts that few accounts have.
#[derive(Default, Debug)]
struct More {
    /// Later sessions, in the order of their logins.
    sessions: Vec<Session>,
    /// Rooms entered later, in that order.
    rooms: Vec<RoomId>,
    /// Rooms made by clients that it is about to enter, one for each request.
    reserved: Vec<RoomId>,
    /// Rooms it has made that wait for their end.
    waiting: u32,
}

impl Room {
    fn of(room: RoomId) -> Option<Room> {
        core::num::NonZeroI64::new(room.get()).map(Room)
    }

    fn id(self) -> Option<RoomId> {
        RoomId::new(self.0.get()).ok()
    }
}

impl Passing {
    /// An account has logged in.
    pub fn log_in(&mut self, hash: AccountHash, session: Session) {
        let row = self.rows.entry(hash).or_default();
        match row.session {
            None => row.session = Some(session),
            Some(_) => row.more().sessions.push(session),
        }
    }

    /// A connection is gone.
    pub fn log_out(&mut self, hash: AccountHash, connection: ConnId) {
        self.change(hash, |row| {
            let is_first = row.session.is_some_and(|session| session.connection == connection);
            match &mut row.more {
                Some(more) if is_first => row.session = (!more.sessions.is_empty()).then(|| more.sessions.remove(0)),
                Some(more) => more.sessions.retain(|session| session.connection != connection),
                None if is_first => row.session = None,
                None => {}
            }
        });
    }

    /// The connections of an account, in the order of their logins.
    pub fn sessions(&self, hash: AccountHash) -> Vec<Session> {
        let Some(row) = self.rows.get(&hash) else { return Vec::new() };
        row.session.into_iter().chain(row.more.iter().flat_map(|more| more.sessions.iter().copied())).collect()
    }

    /// The rooms that an account is in, in the order it entered them.
    pub fn rooms(&self, hash: AccountHash) -> Vec<RoomId> {
        self.rows.get(&hash).map(|row| row.rooms().collect()).unwrap_or_default()
    }

    /// Reserves a room made by a client for an account, until a note says what came of it. False: it is in as many as it may be, or about
    /// to be; `leaves` is one of these that does not count.
    pub fn reserve(&mut self, hash: AccountHash, room: RoomId, leaves: Option<RoomId>, rooms_max: usize) -> bool {
        let row = self.rows.entry(hash).or_default();
        let reserved = row.more.as_ref().map_or(&[][..], |more| &more.reserved);
        let is_known = row.rooms().any(|own| own == room) || reserved.contains(&room);
        let mut others: Vec<RoomId> = row.rooms().chain(reserved.iter().copied()).collect();
        others.retain(|own| own.is_of_client() && Some(*own) != leaves);
        others.sort_unstable();
        others.dedup();
        let is_granted = is_known || others.len() < rooms_max.max(1);
        if is_granted {
            row.more().reserved.push(room);
        } else {
            self.change(hash, |_| {});
        }
        is_granted
    }

    /// How many rooms that an account, or an application, has made wait for their end.
    pub fn waiting(&self, hash: AccountHash) -> usize {
        self.rows.get(&hash).and_then(|row| row.more.as_ref()).map_or(0, |more| more.waiting as usize)
    }

    /// Takes down a fact about an account. It may be in a room too many now, which counts no more.
    pub fn note(&mut self, note: Note<RoomId>) -> Option<Beyond> {
        match note {
            Note::Entered { hash, account, subject, entered_max, is_reserved } => {
                let row = self.rows.entry(hash).or_default();
                if is_reserved {
                    row.unreserve(subject);
                }
                row.enter(subject);
                let room = row.beyond(entered_max as usize);
                self.change(hash, |row| room.into_iter().for_each(|room| row.leave(room)));
                return room.map(|room| Beyond { account, room });
            }
            Note::Refused { hash, subject } => self.change(hash, |row| row.unreserve(subject)),
            Note::Left { hash, subject } => self.change(hash, |row| row.leave(subject)),
            Note::Waits { hash, is_one_more: true } => {
                let waiting = &mut self.rows.entry(hash).or_default().more().waiting;
                *waiting = waiting.saturating_add(1);
            }
            Note::Waits { hash, is_one_more: false } => self.change(hash, |row| {
                if let Some(more) = &mut row.more {
                    more.waiting = more.waiting.saturating_sub(1);
                }
            }),
        }
        None
    }

    /// Accounts, and applications, of which there is anything to know.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True if there is nothing to know of anybody.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Accounts, and applications, of which there is anything to know.
    pub fn known(&self) -> impl Iterator<Item = AccountHash> {
        self.rows.keys().copied()
    }

    /// How many rooms are reserved for an account.
    pub fn reserved(&self, hash: AccountHash) -> usize {
        self.rows.get(&hash).and_then(|row| row.more.as_ref()).map_or(0, |more| more.reserved.len())
    }

    /// Changes an account that is known, and forgets what is empty then.
    fn change(&mut self, hash: AccountHash, change: impl FnOnce(&mut Row)) {
        let Entry::Occupied(mut row) = self.rows.entry(hash) else { return };
        change(row.get_mut());
        if row.get_mut().tidy() {
            row.remove();
        }
    }
}

impl Row {
    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    fn rooms(&self) -> impl Iterator<Item = RoomId> {
        self.room.and_then(Room::id).into_iter().chain(self.more.iter().flat_map(|more| more.rooms.iter().copied()))
    }

    fn enter(&mut self, room: RoomId) {
        if self.rooms().any(|own| own == room) {
            return;
        }
        match self.room {
            None => self.room = Room::of(room),
            Some(_) => self.more().rooms.push(room),
        }
    }

    fn leave(&mut self, room: RoomId) {
        let is_first = self.room == Room::of(room);
        match &mut self.more {
            Some(more) if is_first => {
                self.room = if more.rooms.is_empty() { None } else { Room::of(more.rooms.remove(0)) };
            }
            Some(more) => more.rooms.retain(|own| *own != room),
            None if is_first => self.room = None,
            None => {}
        }
    }

    fn unreserve(&mut self, room: RoomId) {
        let Some(more) = &mut self.more else { return };
        if let Some(at) = more.reserved.iter().position(|reserved| *reserved == room) {
            more.reserved.swap_remove(at);
        }
    }

    /// The room made over HTTP that was entered first, if there are more of them than there may be.
    fn beyond(&self, rooms_max: usize) -> Option<RoomId> {
        let mut counted = self.rooms().filter(|room| !room.is_of_client());
        let first = counted.next()?;
        (counted.count() >= rooms_max.max(1)).then_some(first)
    }

    /// Gives back what is not needed. True if nothing is left.
    fn tidy(&mut self) -> bool {
        self.more.take_if(|more| {
            let More { sessions, rooms, reserved, waiting } = &**more;
            sessions.is_empty() && rooms.is_empty() && reserved.is_empty() && *waiting == 0
        });
        self.session.is_none() && self.room.is_none() && self.more.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::AccountKey;

    fn alice() -> (AccountHash, AccountId) {
        let alice = AccountId::parse("alice").unwrap();
        (AccountKey::new([1, 2]).account("app", &alice), alice)
    }

    fn session(slot: u32) -> Session {
        Session { connection: ConnId::new(0, 1, slot), client_type: 1, since_seconds: slot }
    }

    fn of_client(number: u64) -> RoomId {
        RoomId::of_client(number << 2)
    }

    fn entered(subject: RoomId, entered_max: u32) -> Note<RoomId> {
        let (hash, account) = alice();
        Note::Entered { hash, account, subject, entered_max, is_reserved: subject.is_of_client() }
    }

    #[test]
    fn an_account_with_one_connection_in_one_room_is_small() {
        // 96 bytes are what the two tables of before took of it, when they were half full.
        assert!(size_of::<(AccountHash, Row)>() <= 40);
    }

    #[test]
    fn an_account_has_the_connections_that_have_not_left() {
        let mut passing = Passing::default();
        let (alice, _) = alice();
        (1..4).for_each(|slot| passing.log_in(alice, session(slot)));
        assert_eq!(passing.sessions(alice), [session(1), session(2), session(3)]);
        passing.log_out(alice, session(2).connection);
        assert_eq!(passing.sessions(alice), [session(1), session(3)]);
        passing.log_out(alice, session(1).connection);
        assert_eq!(passing.sessions(alice), [session(3)]);
        passing.log_out(alice, session(1).connection);
        passing.log_out(alice, session(3).connection);
        assert!(passing.is_empty());
    }

    #[test]
    fn a_room_beyond_the_limit_is_the_one_entered_first() {
        let mut passing = Passing::default();
        let room = |number| RoomId::new(number).unwrap();
        for number in 1..=3 {
            assert_eq!(passing.note(entered(room(number), 3)), None);
        }
        assert_eq!(passing.note(entered(room(2), 3)), None, "it is there already");
        let (hash, account) = alice();
        assert_eq!(passing.note(entered(room(4), 3)), Some(Beyond { account, room: room(1) }));
        assert_eq!(passing.rooms(hash), [room(2), room(3), room(4)]);
        (1..=4).for_each(|number| drop(passing.note(Note::Left { hash, subject: room(number) })));
        assert!(passing.is_empty());
    }

    #[test]
    fn reservations_count_until_something_came_of_them() {
        let mut passing = Passing::default();
        let (hash, _) = alice();
        let rooms: Vec<RoomId> = (1..=3).map(of_client).collect();
        assert!(
            passing.reserve(hash, rooms[0], None, 2) && passing.reserve(hash, rooms[0], None, 2),
            "one room, asked for twice"
        );
        assert!(passing.reserve(hash, rooms[1], None, 2));
        assert!(!passing.reserve(hash, rooms[2], None, 2), "both count though neither was entered");
        passing.note(entered(rooms[0], 9));
        passing.note(Note::Refused { hash, subject: rooms[0] });
        passing.note(Note::Refused { hash, subject: rooms[1] });
        assert_eq!(passing.rooms(hash), rooms[..1]);
        assert!(passing.reserve(hash, rooms[2], None, 2));
        passing.note(entered(rooms[2], 9));
        assert!(!passing.reserve(hash, rooms[1], None, 2));
        assert!(passing.reserve(hash, rooms[1], Some(rooms[0]), 2), "one that is left for it does not count");
        passing.note(Note::Refused { hash, subject: rooms[1] });
        rooms.iter().for_each(|room| drop(passing.note(Note::Left { hash, subject: *room })));
        assert!(passing.is_empty());
    }
}
