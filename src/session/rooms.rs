//! What a client remembers of the rooms it is in, so that it can come back to them: how it entered, what it has seen.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::room_state::{RoomState, RoomStateCause, RoomStateChange};
use crate::id::Time;
use crate::limits;
use crate::wire::{Request, pb};

/// One room.
#[derive(Debug)]
pub(super) struct Room {
    /// How to enter it again: the values of the first entry, kept up to date.
    pub enter: pb::RoomEnterRequest,
    /// The epoch and seq of the last item seen; zeros before the first entry.
    pub position: (u64, u64),
    /// The last number seen of a message or of a notification that the server keeps.
    lasting: u64,
    /// Missed items that are on their way, and the place that is reached with the last of them.
    replay: Option<(u32, u64)>,
    /// When to enter it again, if that is to be tried.
    pub enter_at: Option<Time>,
    /// The attribute operations that are collected, between the begin of a batch and its end.
    pub batch: Option<pb::AttributesBatchRequest>,
    /// What the host was last told of a room made by a client.
    state: RoomState,
    seen: Seen,
}

impl Room {
    fn new(enter: pb::RoomEnterRequest, position: (u64, u64)) -> Room {
        let (lasting, replay, seen) = (position.1, None, Seen::default());
        Room { enter, position, lasting, replay, enter_at: None, batch: None, state: RoomState::Disconnected, seen }
    }

    /// How to enter it again, so that what was missed follows.
    pub fn again(&self) -> pb::RoomEnterRequest {
        let (epoch, last_seq) = self.position;
        let position = pb::RoomPosition { room_id: self.enter.room_id, epoch, last_seq };
        pb::RoomEnterRequest { position: (self.position != (0, 0)).then_some(position), ..self.enter.clone() }
    }

    /// An item was seen; `lasts` says whether the server keeps it.
    fn advance(&mut self, epoch: u64, seq: u64, lasts: bool) {
        if epoch > self.position.0 {
            self.position = (epoch, seq);
        } else {
            // What an earlier epoch numbered has its number still, or nobody would have sent it.
            self.position.1 = self.position.1.max(seq);
        }
        if lasts {
            self.lasting = self.lasting.max(seq);
        }
        if let Some((left, until)) = self.replay {
            self.replay = Some((left.saturating_sub(1), until)).filter(|(left, _)| *left > 0 && seq < until);
            if self.replay.is_none() {
                self.position.1 = self.position.1.max(until);
            }
        }
    }

    /// The room goes on under a new epoch, and what was seen beyond `log_seq` is gone.
    pub fn roll_back(&mut self, epoch: u64, log_seq: u64) {
        self.position = (epoch, self.position.1.min(log_seq));
        self.lasting = self.lasting.min(log_seq);
        self.replay = None;
    }
}

/// The rooms of one client, in the order of their ids.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    rooms: BTreeMap<i64, Room>,
    /// Keeps the digests of message ids apart from those of other clients.
    seed: u64,
}

impl Rooms {
    /// No rooms yet.
    pub fn new(seed: u64) -> Rooms {
        Rooms { rooms: BTreeMap::new(), seed }
    }

    /// A room to enter, of which nothing was seen yet.
    pub fn intend(&mut self, enter: pb::RoomEnterRequest) {
        let room = Room::new(enter, (0, 0));
        self.rooms.entry(room.enter.room_id).or_insert(room);
    }

    /// Forgets all rooms.
    pub fn clear(&mut self) {
        self.rooms.clear();
    }

    /// The connection is gone, and with it what was on its way.
    pub fn on_transport_lost(&mut self) {
        self.rooms.values_mut().for_each(|room| room.replay = None);
    }

    /// Forgets one room.
    pub fn remove(&mut self, room_id: i64) {
        self.rooms.remove(&room_id);
    }

    /// True if this client is in no room, and on its way into none.
    pub fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }

    /// One room.
    pub fn room(&self, room_id: i64) -> Option<&Room> {
        self.rooms.get(&room_id)
    }

    /// One room, to change it.
    pub fn room_mut(&mut self, room_id: i64) -> Option<&mut Room> {
        self.rooms.get_mut(&room_id)
    }

    /// The room made by a client that this alias names, if this client is in it.
    pub fn by_alias(&self, alias: &str) -> Option<&Room> {
        self.rooms.values().find(|room| !alias.is_empty() && room.enter.alias == alias)
    }

    /// The room that this entry is about, by its number or its alias.
    pub fn wanted(&self, enter: &pb::RoomEnterRequest) -> Option<&Room> {
        self.room(enter.room_id).or_else(|| self.by_alias(&enter.alias))
    }

    /// The ids of all rooms.
    pub fn ids(&self) -> Vec<i64> {
        self.rooms.keys().copied().collect()
    }

    /// A room stands there now: what the host is to be told, if the room is one made by a client and stood elsewhere before.
    pub fn change(&mut self, room_id: i64, state: RoomState, cause: RoomStateCause) -> Option<RoomStateChange> {
        let room = self.rooms.get_mut(&room_id).filter(|room| !room.enter.alias.is_empty() && room.state != state)?;
        room.state = state;
        Some(RoomStateChange { room_id, alias: room.enter.alias.clone(), state, cause })
    }

    /// All rooms.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &Room)> {
        self.rooms.iter().map(|(room_id, room)| (*room_id, room))
    }

    /// The earliest time at which a room is to be entered again.
    pub fn enter_at(&self) -> Option<Time> {
        self.rooms.values().filter_map(|room| room.enter_at).min()
    }

    /// The rooms to enter again by now; each is named once.
    pub fn take_due(&mut self, now: Time) -> Vec<i64> {
        let due = self.rooms.iter_mut().filter(|(_, room)| room.enter_at.is_some_and(|at| at <= now));
        due.map(|(room_id, room)| {
            room.enter_at = None;
            *room_id
        })
        .collect()
    }

    /// Where this client stands in each room, for a resume.
    pub fn positions(&self) -> Vec<pb::RoomPosition> {
        let position = |(room_id, room): (i64, &Room)| {
            let (epoch, last_seq) = room.position;
            pb::RoomPosition { room_id, epoch, last_seq }
        };
        // One that is known by its alias only has not been seen yet.
        self.iter().filter(|(room_id, _)| *room_id != 0).map(position).collect()
    }

    /// The client is in the room. Where it was there before and has lost items, or missed some that nobody will replay, the
    /// response comes to say so by its `gap`.
    pub fn entered(&mut self, mut enter: pb::RoomEnterRequest, response: &mut pb::RoomEnterResponse) {
        let here = (response.epoch, response.last_seq);
        let named = enter.position.take().map_or((0, 0), |position| (position.epoch, position.last_seq));
        let room = self.rooms.entry(enter.room_id).or_insert_with(|| Room::new(enter.clone(), named));
        (room.enter_at, room.replay) = (None, None);
        room.enter = enter;
        if let Some(log_seq) = response.log_seq {
            // Presence that a crash took back is no loss (chatroom.md §d.7).
            if room.lasting > log_seq {
                if response.gap_first == 0 {
                    (response.gap_first, response.gap_last) = (log_seq.saturating_add(1), room.lasting);
                }
                response.gap = true;
            }
            room.roll_back(here.0, log_seq);
            if response.replayed == 0 {
                room.position = here;
            } else {
                room.replay = Some((response.replayed, here.1));
            }
        } else if !response.resumed || response.gap || room.position == (0, 0) {
            let has_missed = room.position.0 != here.0 || room.position.1 < here.1;
            response.gap |= has_missed && room.position != (0, 0);
            if room.position == (0, 0) {
                room.lasting = 0;
            }
            room.roll_back(here.0, here.1);
            room.position = here;
        }
    }

    /// A message has arrived.
    pub fn on_message(&mut self, message: &pb::Message) {
        // What is sent once more to who enters lies before everything else that follows.
        if !message.resent
            && let Some(room) = self.rooms.get_mut(&message.room_id)
        {
            room.advance(message.epoch, message.seq, message.r#type != pb::MessageType::Barrage as i32);
        }
    }

    /// A notification has arrived.
    pub fn on_notification(&mut self, notification: &pb::Notification) {
        use pb::NotificationType::*;
        if let Some(room) = self.rooms.get_mut(&notification.room_id) {
            let lasts = !matches!(notification.r#type(), MemberEnter | MemberExit | TagsUpdated);
            room.advance(notification.epoch, notification.seq, lasts);
        }
    }

    /// A message of this client's own goes out: if the server replays it, it is none to be delivered.
    pub fn sends(&mut self, room_id: i64, account: &str, message_id: &str) {
        let message = pb::Message { room_id, from: account.into(), message_id: message_id.into(), ..pb::Message::default() };
        self.is_double(&message);
    }

    /// True if this message was delivered before (chatroom.md §e.2); if not, it has been now.
    pub fn is_double(&mut self, message: &pb::Message) -> bool {
        let Some(room) = self.rooms.get_mut(&message.room_id) else { return false };
        if message.message_id.is_empty() {
            return false;
        }
        let mut hasher = DefaultHasher::new();
        (self.seed, &message.from, &message.message_id).hash(&mut hasher);
        !room.seen.insert(hasher.finish())
    }

    /// A request was granted: keeps the values up to date that an entry after a lost connection is made with.
    pub fn granted(&mut self, request: &Request) {
        match request {
            Request::MemberUpdateTags(request) => {
                if let Some(room) = self.room_mut(request.room_id) {
                    if request.set_tags {
                        room.enter.tags.clone_from(&request.tags);
                    }
                    if request.notify_target_tags.is_some() {
                        room.enter.notify_target_tags.clone_from(&request.notify_target_tags);
                    }
                }
            }
            Request::MemberUpdateLocation(request) => {
                if let (Some(room), Some(new)) = (self.room_mut(request.room_id), &request.location) {
                    let location = room.enter.location.get_or_insert_default();
                    location.x = new.x.or(location.x);
                    location.y = new.y.or(location.y);
                    location.z = new.z.or(location.z);
                    location.distance = new.distance.or(location.distance);
                    location.enabled = new.enabled.or(location.enabled);
                }
            }
            Request::MemberUpdateSelf(request) => {
                if let Some(room) = self.room_mut(request.room_id) {
                    room.enter.nick = request.nick.clone().unwrap_or_else(|| room.enter.nick.clone());
                    room.enter.avatar = request.avatar.clone().unwrap_or_else(|| room.enter.avatar.clone());
                    room.enter.ext = request.ext.clone().unwrap_or_else(|| room.enter.ext.clone());
                }
            }
            _ => {}
        }
    }
}

/// The last message ids of a room, as digests: the least recently seen one goes first.
#[derive(Debug, Default)]
struct Seen {
    digests: BTreeSet<u64>,
    order: VecDeque<u64>,
}

impl Seen {
    /// True if the digest is new.
    fn insert(&mut self, digest: u64) -> bool {
        let is_new = self.digests.insert(digest);
        if !is_new {
            // A double is rare, so that looking for its place costs nothing that matters.
            self.order.retain(|known| *known != digest);
        } else if self.order.len() >= limits::CLIENT_SEEN_MESSAGES
            && let Some(oldest) = self.order.pop_front()
        {
            self.digests.remove(&oldest);
        }
        self.order.push_back(digest);
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: usize) -> pb::Message {
        pb::Message { room_id: 1, from: "alice".into(), message_id: id.to_string(), ..Default::default() }
    }

    fn in_room() -> Rooms {
        let mut rooms = Rooms::default();
        rooms.entered(pb::RoomEnterRequest { room_id: 1, ..Default::default() }, &mut pb::RoomEnterResponse::default());
        rooms
    }

    #[test]
    fn a_thousand_ids_are_remembered_the_least_recently_seen_goes_first() {
        let mut rooms = in_room();
        for id in 0..limits::CLIENT_SEEN_MESSAGES {
            assert!(!rooms.is_double(&message(id)));
        }
        assert!(rooms.is_double(&message(0)), "seen again, and so the youngest");
        assert!(!rooms.is_double(&message(5000)), "pushes out number 1");
        assert!(rooms.is_double(&message(0)) && !rooms.is_double(&message(1)));
    }

    #[test]
    fn the_same_id_of_another_sender_is_another_message() {
        let mut rooms = in_room();
        assert!(!rooms.is_double(&message(1)));
        assert!(!rooms.is_double(&pb::Message { from: "bob".into(), ..message(1) }));
    }

    #[test]
    fn an_entry_after_a_loss_says_whether_items_were_missed() {
        let enter = pb::RoomEnterRequest { room_id: 1, ..Default::default() };
        let entered = |response: pb::RoomEnterResponse| {
            let mut rooms = in_room();
            rooms.room_mut(1).unwrap().position = (0, 0);
            rooms.room_mut(1).unwrap().advance(3, 10, true);
            let mut response = response;
            rooms.entered(enter.clone(), &mut response);
            (response.gap, rooms.room(1).unwrap().position)
        };
        let response = pb::RoomEnterResponse { epoch: 3, last_seq: 14, ..Default::default() };
        assert_eq!(entered(response.clone()), (true, (3, 14)), "four items nobody replays");
        let resumed = pb::RoomEnterResponse { resumed: true, ..response.clone() };
        assert_eq!(entered(resumed.clone()), (false, (3, 10)), "the replay follows");
        assert_eq!(entered(pb::RoomEnterResponse { gap: true, ..resumed }), (true, (3, 14)));
        assert_eq!(entered(pb::RoomEnterResponse { last_seq: 10, ..response.clone() }), (false, (3, 10)));
        assert_eq!(entered(pb::RoomEnterResponse { epoch: 4, last_seq: 10, ..response }), (true, (4, 10)));
    }

    fn seen(last_lasting: u64, last: u64) -> Rooms {
        let mut rooms = in_room();
        let room = rooms.room_mut(1).unwrap();
        room.roll_back(0, 0);
        room.advance(3, last_lasting, true);
        room.advance(3, last, false);
        rooms
    }

    fn come_back(rooms: &mut Rooms, response: pb::RoomEnterResponse) -> pb::RoomEnterResponse {
        let mut response = pb::RoomEnterResponse { epoch: 4, ..response };
        rooms.entered(pb::RoomEnterRequest { room_id: 1, ..Default::default() }, &mut response);
        response
    }

    #[test]
    fn presence_beyond_the_log_is_no_loss_and_a_message_is() {
        for (last_lasting, gap) in [(10, false), (11, true)] {
            let answer = pb::RoomEnterResponse { log_seq: Some(10), last_seq: 10, ..Default::default() };
            let mut rooms = seen(last_lasting, 14);
            let told = come_back(&mut rooms, answer.clone());
            assert_eq!((told.gap, told.gap_first != 0), (gap, gap));
            assert_eq!(rooms.room(1).unwrap().position, (4, 10));
            assert!(!come_back(&mut rooms, answer).gap, "told once");
        }
    }

    #[test]
    fn a_cut_in_the_middle_of_a_replay_goes_on_where_it_was() {
        let answer = pb::RoomEnterResponse { log_seq: Some(30), last_seq: 30, replayed: 3, ..Default::default() };
        let mut rooms = seen(10, 10);
        assert!(!come_back(&mut rooms, answer).gap);
        let place = |rooms: &Rooms| rooms.room(1).unwrap().position;
        assert_eq!(place(&rooms), (4, 10));
        let mut hear = |seq, resent| {
            rooms.on_message(&pb::Message { room_id: 1, seq, epoch: 3, resent, ..Default::default() });
            place(&rooms)
        };
        assert_eq!(hear(25, true), (4, 10), "what comes once more lies before it");
        assert_eq!([hear(12, false), hear(17, false)], [(4, 12), (4, 17)]);
        assert_eq!(hear(18, false), (4, 30), "what is left up to there is for others");
    }

    #[test]
    fn what_was_on_its_way_over_a_connection_that_is_gone_is_not_waited_for() {
        let answer = pb::RoomEnterResponse { log_seq: Some(30), last_seq: 30, replayed: 2, ..Default::default() };
        let mut rooms = seen(10, 10);
        come_back(&mut rooms, answer);
        let hear = |rooms: &mut Rooms, seq| {
            rooms.on_message(&pb::Message { room_id: 1, seq, epoch: 3, ..Default::default() });
            rooms.room(1).unwrap().position
        };
        assert_eq!(hear(&mut rooms, 12), (4, 12));
        rooms.on_transport_lost();
        // Over the next connection, whose answer was given up: nothing says how many follow.
        assert_eq!(hear(&mut rooms, 17), (4, 17));
    }

    #[test]
    fn a_message_of_its_own_is_none_to_be_delivered() {
        let mut rooms = in_room();
        rooms.sends(1, "alice", "7");
        assert!(rooms.is_double(&message(7)) && !rooms.is_double(&message(8)));
    }
}
