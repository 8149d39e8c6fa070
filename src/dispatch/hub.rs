//! One worker's part of dispatch: the connections it holds and what they hear. What it does for the rooms it owns stands in
//! `owner.rs`.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;

use super::accounts::AccountRooms;
use super::broadcast::Broadcasts;
use super::commit::{Find, Writes};
use super::endings::Endings;
use super::feed::{Feed, Outlet, Place};
use super::item::Item;
use super::mail::{Asked, Asker, Mail, Request, owner_of};
use super::owner::{Live, Owned};
use super::replay::CatchUp;
use super::tally::Tally;
use crate::id::{ByNumber, ConnId, Epoch, RoomId, Time, UnixMs};
use crate::subject::{Actor, Answer, Ask, Operation, Rules, Subject};
use crate::wire::{Push, pb};

/// What a hub is told once.
#[derive(Clone, Debug)]
pub struct Config<T> {
    /// Which worker this is, from 0.
    pub worker: usize,
    /// How many workers there are.
    pub workers: usize,
    /// The epoch of this start of the node.
    pub epoch: Epoch,
    /// Seed of the random numbers that entries carry.
    pub seed: u64,
    /// What the rooms go by.
    pub rules: Arc<dyn Rules<T>>,
    /// Bytes of recent frames a feed keeps.
    pub feed_bytes_max: usize,
    /// How long a lost connection keeps its place.
    pub detach_grace_ms: u64,
    /// The highest room id given out on this node.
    pub last_room: Arc<AtomicI64>,
    /// Which rooms each account is in; shared by all workers of the node.
    pub accounts: Arc<AccountRooms>,
}

/// What a hub wants done. To be carried out in this order, before [`Hub::flush`].
pub enum Effect<S: Subject> {
    /// Write the answer to a request.
    Answer(Asked, Box<Answer>),
    /// Write these bytes, whole frames.
    Transmit {
        /// To whom.
        connection: ConnId,
        /// The frames.
        bytes: Bytes,
    },
    /// Tell a connection that it has to go, and close it if it is in no room any more.
    Kicked {
        /// Whom.
        connection: ConnId,
        /// What it is told.
        kicked: Box<pb::Kicked>,
        /// Whether it is left without a room.
        is_last_room: bool,
    },
    /// Read a room's state from the log and hand it to [`Hub::on_loaded`].
    Load(RoomId),
    /// Ask the log where a message stands and hand that to [`Hub::on_found`].
    Find(Box<Find<S>>),
    /// Read what a connection missed and hand it to [`Hub::on_caught_up`].
    CatchUp(Box<CatchUp<S>>),
    /// Read a page of history and answer with it.
    History {
        /// Who waits.
        asker: Asker,
        /// Of which room.
        room: RoomId,
        /// What is asked; already found permitted.
        query: Box<S::Query>,
        /// How much of it may be read.
        scope: S::History,
    },
}

/// What has happened so far on one worker.
#[derive(Clone, Copy, Default, Debug)]
pub struct Counters {
    /// Entries applied.
    pub entries: u64,
    /// Commands refused.
    pub refused: u64,
    /// Frames taken by sockets.
    pub deliveries: u64,
    /// Gaps told to slow readers.
    pub gaps: u64,
    /// Readers closed because they were too slow even for notifications.
    pub hopeless: u64,
    /// Reports to applications that found no place while the log took nothing.
    pub reports_lost: u64,
}

/// A connection's place in one room.
#[derive(Clone, Copy)]
struct Membership {
    room: RoomId,
    /// `None` while the room has not yet said yes.
    place: Option<Place>,
    /// Requests to enter that are unanswered. While there are any, the room's word on earlier ones does not end the membership.
    asking: u32,
}

/// The rooms of one connection: nearly always one.
#[derive(Default)]
struct Reader {
    connection: Option<ConnId>,
    rooms: SmallVec<[Membership; 1]>,
}

/// One worker's part of dispatch.
pub struct Hub<S: Subject> {
    pub(super) config: Config<S::Settings>,
    pub(super) now: Time,
    /// The clock of the calendar, which may be set at any time.
    pub(super) unix: UnixMs,
    /// The clock of durations.
    pub(super) steady: UnixMs,
    /// The calendar's time at which `now` was 0.
    start_ms: Option<i64>,
    pub(super) effects: Vec<Effect<S>>,
    pub(super) counters: Counters,
    pub(super) feeds: ByNumber<RoomId, Feed>,
    dirty: Vec<RoomId>,
    readers: Vec<Reader>,
    outboxes: Vec<Vec<Mail<S>>>,
    scratch: Vec<u8>,
    /// Where the readers sit that a frame names; empty between frames.
    places: Vec<Place>,
    /// Connections that hear a room only once the request with this sequence is answered.
    pub(super) held_seats: HashMap<(ConnId, RoomId), u32, foldhash::fast::RandomState>,
    /// Connections that hear their room from the next flush on.
    pub(super) released: Vec<(ConnId, RoomId)>,
    // The owner's part.
    pub(super) rooms: ByNumber<RoomId, Owned<S>>,
    pub(super) writes: Writes<S>,
    pub(super) in_flight: Option<Writes<S>>,
    /// Requests to enter, of connections of this worker, that are unanswered.
    entering: HashSet<(ConnId, u32), foldhash::fast::RandomState>,
    pub(super) grace: VecDeque<(Time, RoomId, ConnId)>,
    /// Rooms that were rebuilt, and when those who were in them before must have come back.
    pub(super) vacated: VecDeque<(Time, RoomId)>,
    /// Ticks so far.
    pub(super) ticks: u32,
    /// Rooms made by clients that wait for their end.
    pub(super) endings: Endings,
    /// When this hub first learned the time.
    pub(super) started: Option<Time>,
    pub(super) arena: BytesMut,
    pub(super) random: fastrand::Rng,
    pub(super) is_broken: bool,
    /// Rooms whose state in memory is ahead of the log, because the log refused something.
    pub(super) ahead: BTreeSet<RoomId>,
    /// State that memory had of the rooms that are being read again.
    pub(super) stale: ByNumber<RoomId, Box<Live<S>>>,
    /// Reports made so far: the number of the next one.
    pub(super) reports_made: u64,
    /// The version of the rules that the rooms here go by.
    pub(super) rules_version: u64,
    pub(super) broadcasts: Broadcasts<S>,
    /// What has happened in the rooms since [`Hub::take_tallies`].
    pub(super) tally: Tally,
}

impl<S: Subject> Hub<S> {
    /// A hub without rooms and connections.
    pub fn new(config: Config<S::Settings>) -> Hub<S> {
        Hub {
            now: Time::default(),
            unix: UnixMs::default(),
            steady: UnixMs::default(),
            start_ms: None,
            effects: Vec::new(),
            counters: Counters::default(),
            feeds: ByNumber::default(),
            dirty: Vec::new(),
            readers: Vec::new(),
            outboxes: (0..config.workers).map(|_| Vec::new()).collect(),
            scratch: Vec::new(),
            places: Vec::new(),
            held_seats: HashMap::default(),
            released: Vec::new(),
            rooms: ByNumber::default(),
            writes: Writes::default(),
            in_flight: None,
            entering: HashSet::default(),
            grace: VecDeque::new(),
            vacated: VecDeque::new(),
            ticks: 0,
            endings: Endings::default(),
            started: None,
            arena: BytesMut::new(),
            random: fastrand::Rng::with_seed(config.seed),
            is_broken: false,
            ahead: BTreeSet::new(),
            stale: ByNumber::default(),
            reports_made: 0,
            rules_version: config.rules.version(),
            broadcasts: Broadcasts::default(),
            tally: Tally::default(),
            config,
        }
    }

    /// Sets the clock for what follows; to be called before each batch of inputs.
    pub fn set_clock(&mut self, now: Time, unix: UnixMs) {
        // From the calendar at the start, and on from there as time passes.
        let start_ms = *self.start_ms.get_or_insert(unix.0.saturating_sub(now.ms()));
        (self.now, self.unix, self.steady) = (now, unix, UnixMs(start_ms.saturating_add(now.ms())));
        self.started.get_or_insert(now);
    }

    /// A request for a room, from a connection of this worker or from within the process.
    pub fn request(&mut self, request: Request<S>) {
        if let (&Asker::Connection(Asked { connection, room, sequence, .. }), Ask::Command(op)) = (&request.asker, &request.ask)
            && op.follows()
        {
            let memberships = self.memberships(connection);
            match memberships.iter_mut().find(|membership| membership.room == room) {
                Some(membership) => membership.asking += 1,
                None => memberships.push(Membership { room, place: None, asking: 1 }),
            }
            self.entering.insert((connection, sequence));
        }
        if !request.room.is_of_client() && request.room.get() > self.config.last_room.load(Ordering::Acquire) {
            return self.refuse_nowhere(request);
        }
        let owner = owner_of(request.room, self.config.workers);
        self.send(owner, Mail::Request(Box::new(request)));
    }

    /// A connection of this worker is gone. With `at_once` its rooms see it leave, otherwise they keep its place for the grace.
    pub fn on_connection_gone(&mut self, actor: &Actor, at_once: bool) {
        let Some(connection) = actor.connection else { return };
        let rooms = match self.readers.get_mut(connection.slot()) {
            Some(reader) if reader.connection == Some(connection) => std::mem::take(reader).rooms,
            _ => return,
        };
        if !self.held_seats.is_empty() {
            self.held_seats.retain(|(held, _), _| *held != connection);
        }
        for Membership { room, place, .. } in rooms {
            if let (Some(place), Some(feed)) = (place, self.feeds.get_mut(&room)) {
                feed.leave(place);
            }
            let ask = Ask::Command(S::Op::of_gone(at_once));
            self.request(Request { room, asker: Asker::Nobody, actor: actor.clone(), ask, app_key: None, resume: None });
        }
    }

    /// The rooms made by clients that the connection is in or about to be.
    pub fn client_rooms(&self, connection: ConnId) -> Vec<RoomId> {
        let reader = self.readers.get(connection.slot()).filter(|reader| reader.connection == Some(connection));
        let rooms = reader.map_or(&[][..], |reader| &reader.rooms).iter().map(|membership| membership.room);
        rooms.filter(|room| room.is_of_client()).collect()
    }

    /// Whether the connection is in a room or about to be.
    pub fn is_in_a_room(&self, connection: ConnId) -> bool {
        self.readers
            .get(connection.slot())
            .is_some_and(|reader| reader.connection == Some(connection) && !reader.rooms.is_empty())
    }

    /// Mail from other workers, in the order they sent it.
    pub fn on_mail(&mut self, batch: Vec<Mail<S>>) {
        batch.into_iter().for_each(|mail| self.receive(mail));
    }

    /// Mail for another worker, if there is any.
    pub fn take_mail(&mut self, worker: usize) -> Vec<Mail<S>> {
        self.outboxes.get_mut(worker).map(std::mem::take).unwrap_or_default()
    }

    /// What is to be done, in order. Give the emptied vector back with [`Hub::recycle`].
    pub fn take_effects(&mut self) -> Vec<Effect<S>> {
        std::mem::take(&mut self.effects)
    }

    /// Takes a vector back, so that turns need no allocation of their own.
    pub fn recycle(&mut self, mut effects: Vec<Effect<S>>) {
        if self.effects.is_empty() {
            effects.clear();
            self.effects = effects;
        }
    }

    /// Writes the frames of this turn: each dirty room once, one write per reader that is up to date.
    pub fn flush(&mut self, outlet: &mut impl Outlet) {
        // What they missed goes before what waits for them.
        let released = if self.effects.is_empty() { std::mem::take(&mut self.released) } else { Vec::new() };
        for (connection, room) in released {
            let Some(place) = self.place(connection, room) else { continue };
            if let Some(feed) = self.feeds.get_mut(&room) {
                feed.release(place);
            }
            self.catch_up(connection, room, place, outlet);
        }
        for room in std::mem::take(&mut self.dirty) {
            if let Some(feed) = self.feeds.get_mut(&room) {
                self.counters.deliveries += feed.flush(&mut self.scratch, outlet);
                feed.trim(self.now);
            }
        }
    }

    /// A connection's socket takes bytes again: it catches up in every room in which it lags.
    pub fn on_writable(&mut self, connection: ConnId, outlet: &mut impl Outlet) {
        let Some(reader) = self.readers.get(connection.slot()).filter(|reader| reader.connection == Some(connection)) else {
            return;
        };
        for index in 0..reader.rooms.len() {
            let Membership { room, place: Some(place), .. } = self.readers[connection.slot()].rooms[index] else { continue };
            if !self.catch_up(connection, room, place, outlet) {
                return;
            }
        }
    }

    /// Writes on to a reader that lags, and tells it what it has missed for good. False: the connection has to go.
    fn catch_up(&mut self, connection: ConnId, room: RoomId, place: Place, outlet: &mut impl Outlet) -> bool {
        let Some(feed) = self.feeds.get(&room) else { return true };
        let missed = feed.missed(place);
        if let Some(missed) = missed {
            self.counters.gaps += 1;
            let frame = self.encode(&S::gap(room, missed.first, missed.last));
            let taken = outlet.write(connection, &frame);
            if taken < frame.len() {
                outlet.hold(connection, frame.slice(taken..));
            }
        }
        if missed.is_some_and(|missed| missed.is_hopeless) {
            self.counters.hopeless += 1;
            let kicked = Box::new(pb::Kicked {
                reason: pb::KickReason::Silent as i32,
                message: "reads too slowly: notifications were lost".into(),
                may_reconnect: true,
                ..pb::Kicked::default()
            });
            self.effects.push(Effect::Kicked { connection, kicked, is_last_room: true });
            return false;
        }
        if let Some(feed) = self.feeds.get_mut(&room) {
            self.counters.deliveries += feed.catch_up(place, &mut self.scratch, outlet);
        }
        true
    }

    /// True if [`Hub::take_effects`] has something to return: a flush may leave a connection to be sent away.
    pub fn has_effects(&self) -> bool {
        !self.effects.is_empty()
    }

    /// Once a second or so: graces that are over, rules that have changed, what rooms do by themselves, frames that are old, rooms
    /// that are idle.
    pub fn on_tick(&mut self) {
        self.end_graces();
        self.refresh_rules();
        self.reload_ahead();
        self.tidy_vacated();
        self.do_what_is_due();
        self.read_ending_rooms();
        let now = self.now;
        self.feeds.retain(|_, feed| {
            feed.trim(now);
            !feed.is_spent()
        });
        self.forget_unused_expressions();
        self.evict_idle_rooms();
    }

    /// True after a commit has failed, until [`Hub::on_log_back`]: no change is acknowledged.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// True while the outcome of a commit is still to come.
    pub fn is_committing(&self) -> bool {
        self.in_flight.is_some()
    }

    /// What has happened so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Rooms in memory, readers seated, and readers that lag.
    pub fn gauges(&self) -> (usize, usize, usize) {
        let readers = self.feeds.values().map(Feed::readers).sum();
        (self.rooms.len(), readers, self.feeds.values().map(Feed::laggards).sum())
    }

    pub(super) fn encode(&mut self, push: &Push) -> Bytes {
        const ARENA_BYTES: usize = 16 * 1024;
        if self.arena.capacity() < 1024 {
            self.arena.reserve(ARENA_BYTES);
        }
        push.encode(&mut self.arena);
        self.arena.split().freeze()
    }

    pub(super) fn send(&mut self, worker: usize, mail: Mail<S>) {
        if worker == self.config.worker {
            self.receive(mail);
        } else if let Some(outbox) = self.outboxes.get_mut(worker) {
            outbox.push(mail);
        }
    }

    /// Sends an answer on its way to whoever waits for it.
    pub fn answer(&mut self, asker: Asker, answer: Answer) {
        match asker {
            Asker::Connection(asked) => self.send(asked.connection.worker(), Mail::Answer(asked, Box::new(answer))),
            Asker::Caller(done) => done(answer),
            Asker::Nobody => {}
        }
    }

    pub(super) fn receive(&mut self, mail: Mail<S>) {
        match mail {
            Mail::Request(request) => self.own(*request),
            Mail::Broadcast(broadcasting) => self.broadcasts.begin(*broadcasting),
            Mail::Answer(asked, answer) => {
                if !self.entering.is_empty() && self.entering.remove(&(asked.connection, asked.sequence)) {
                    self.note_entered(asked.connection, asked.room, answer.is_ok());
                }
                self.effects.push(Effect::Answer(asked, answer));
            }
            Mail::History { asked, query, scope } => {
                self.effects.push(Effect::History { asker: Asker::Connection(asked), room: asked.room, query, scope });
            }
            Mail::CatchUp(waiting) => self.effects.push(Effect::CatchUp(waiting)),
            Mail::Joined { room, connection, replay, held } => self.join(room, connection, replay, held),
            Mail::Left { room, connection, kicked } => self.leave(room, connection, kicked),
            Mail::Frame { room, item } => self.append(room, item),
        }
    }

    fn join(&mut self, room: RoomId, connection: ConnId, replay: Vec<Bytes>, held: Option<u32>) {
        let Some(reader) = self.readers.get_mut(connection.slot()).filter(|reader| reader.connection == Some(connection))
        else {
            return;
        };
        let Some(membership) = reader.rooms.iter_mut().find(|membership| membership.room == room) else { return };
        if membership.place.is_none() {
            let feed = self.feeds.entry(room).or_insert_with(|| Feed::new(self.config.feed_bytes_max));
            membership.place = Some(match held {
                Some(_) => feed.join_held(connection),
                None => feed.join(connection),
            });
            if let Some(sequence) = held {
                self.held_seats.insert((connection, room), sequence);
            }
        }
        self.effects.extend(replay.into_iter().map(|bytes| Effect::Transmit { connection, bytes }));
    }

    fn leave(&mut self, room: RoomId, connection: ConnId, kicked: Option<Box<pb::Kicked>>) {
        let Some(reader) = self.readers.get_mut(connection.slot()).filter(|reader| reader.connection == Some(connection))
        else {
            return;
        };
        let Some(index) = reader.rooms.iter().position(|membership| membership.room == room) else { return };
        let place = reader.rooms[index].place.take();
        if !self.held_seats.is_empty() {
            self.held_seats.remove(&(connection, room));
        }
        if reader.rooms[index].asking == 0 {
            reader.rooms.swap_remove(index);
        }
        let is_last_room = reader.rooms.is_empty();
        let unheard = match (place, self.feeds.get_mut(&room)) {
            (Some(place), Some(feed)) => feed.leave(place),
            _ => Vec::new(),
        };
        let Some(kicked) = kicked else { return };
        self.effects.extend(unheard.into_iter().map(|bytes| Effect::Transmit { connection, bytes }));
        self.effects.push(Effect::Kicked { connection, kicked, is_last_room });
    }

    pub(super) fn append(&mut self, room: RoomId, item: Item) {
        let mut places = std::mem::take(&mut self.places);
        let named = item.audience.named_on(self.config.worker);
        places.extend(named.iter().filter_map(|connection| self.place(*connection, room)));
        let feed = self.feeds.entry(room).or_insert_with(|| Feed::new(self.config.feed_bytes_max));
        if !feed.is_dirty() {
            self.dirty.push(room);
        }
        feed.append(item, &places);
        places.clear();
        self.places = places;
    }

    fn place(&self, connection: ConnId, room: RoomId) -> Option<Place> {
        if connection.worker() != self.config.worker {
            return None;
        }
        let reader = self.readers.get(connection.slot()).filter(|reader| reader.connection == Some(connection))?;
        reader.rooms.iter().find(|membership| membership.room == room)?.place
    }

    /// A request to enter is answered. Who was refused, and asks no more, has no seat.
    fn note_entered(&mut self, connection: ConnId, room: RoomId, is_in: bool) {
        let Some(reader) = self.readers.get_mut(connection.slot()).filter(|reader| reader.connection == Some(connection))
        else {
            return;
        };
        let Some(place) = reader.rooms.iter().position(|membership| membership.room == room) else { return };
        let membership = &mut reader.rooms[place];
        membership.asking = membership.asking.saturating_sub(1);
        if !is_in && membership.asking == 0 && membership.place.is_none() {
            reader.rooms.swap_remove(place);
        }
    }

    fn memberships(&mut self, connection: ConnId) -> &mut SmallVec<[Membership; 1]> {
        let slot = connection.slot();
        if self.readers.len() <= slot {
            self.readers.resize_with(slot + 1, Reader::default);
        }
        let reader = &mut self.readers[slot];
        if reader.connection != Some(connection) {
            *reader = Reader { connection: Some(connection), rooms: SmallVec::new() };
        }
        &mut reader.rooms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_of_one_room_is_small() {
        assert!(size_of::<Reader>() <= 32);
    }
}
