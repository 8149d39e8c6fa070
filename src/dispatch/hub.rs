//! One worker's part of dispatch, and the way in and out of it. Who hears what stands in `desk.rs`, what it does for the subjects it
//! owns in `owner.rs` and `apply.rs`, what waits for the disk in `commit.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;

use super::commit::{Commit, Find};
use super::desk::Desk;
use super::feed::Outlet;
use super::mail::{Asked, Asker, Mail, Request, owner_of};
use super::owner::Owner;
use super::replay::CatchUp;
use crate::id::{ConnId, Epoch, SubjectId, Time, UnixMs};
use crate::planted::{self, Bug};
use crate::subject::{AccountKey, Actor, Answer, Ask, Key, Note, Operation, Quota, Rules, Subject};
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
    /// Settings of the subjects.
    pub rules: Arc<dyn Rules<T>>,
    /// Bytes of recent frames a feed keeps.
    pub feed_bytes_max: usize,
    /// How long a lost connection keeps its place.
    pub detach_grace_ms: u64,
    /// The highest subject id given out on this node.
    pub last_room: Arc<AtomicI64>,
    /// The key under which the node hashes accounts.
    pub accounts: AccountKey,
}

/// What a hub wants done. To be carried out in this order, before [`Hub::flush`].
pub enum Effect<S: Subject> {
    /// Write the answer to a request.
    Answer(Asked<S::Key>, Box<Answer>),
    /// Write these bytes, whole frames.
    Transmit {
        /// To whom.
        connection: ConnId,
        /// The frames.
        bytes: Bytes,
    },
    /// Tell a connection that it has to go, and close it if it is in no subject any more.
    Kicked {
        /// Whom.
        connection: ConnId,
        /// What it is told.
        kicked: Box<pb::Kicked>,
        /// True if it is left without a subject.
        is_last_room: bool,
    },
    /// Read a subject's state from the log and hand it to [`Hub::on_loaded`].
    Load(S::Key),
    /// Ask the log where a message stands and hand that to [`Hub::on_found`].
    Find(Box<Find<S>>),
    /// Read what a connection missed and hand it to [`Hub::on_caught_up`].
    CatchUp(Box<CatchUp<S>>),
    /// Read a page of history and answer with it.
    History {
        /// The asker.
        asker: Asker<S::Key>,
        /// Of which subject.
        subject: S::Key,
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

/// The time, as a hub was told it last.
#[derive(Default)]
pub(super) struct Clock {
    pub now: Time,
    /// The clock of the calendar, which may be set at any time.
    pub unix: UnixMs,
    /// The clock of durations.
    pub steady: UnixMs,
    /// The calendar's time at which `now` was 0.
    start_ms: Option<i64>,
    /// When the hub first learned the time.
    pub started: Option<Time>,
}

/// One worker's part of dispatch: the connections it holds are at its desk, the subjects it owns with its owner, and what waits for
/// the disk in its commit.
pub struct Hub<S: Subject> {
    pub(super) config: Config<S::Settings>,
    pub(super) clock: Clock,
    pub(super) desk: Desk,
    pub(super) owner: Owner<S>,
    pub(super) commit: Commit<S>,
    pub(super) effects: Vec<Effect<S>>,
    /// Facts for the owners of accounts.
    pub(super) notes: Vec<Note<S::Key>>,
    pub(super) counters: Counters,
    /// The epoch in which the node started.
    pub(super) born: Epoch,
    outboxes: Vec<Vec<Mail<S>>>,
    arena: BytesMut,
}

impl<S: Subject> Hub<S> {
    /// A hub without subjects and connections.
    pub fn new(config: Config<S::Settings>) -> Hub<S> {
        Hub {
            clock: Clock::default(),
            effects: Vec::new(),
            notes: Vec::new(),
            counters: Counters::default(),
            outboxes: (0..config.workers).map(|_| Vec::new()).collect(),
            arena: BytesMut::new(),
            desk: Desk::new(config.worker, config.feed_bytes_max),
            owner: Owner::new(config.seed, config.rules.version()),
            commit: Commit::default(),
            born: config.epoch,
            config,
        }
    }

    /// A hub of another kind of subject for the same worker.
    pub fn beside<T: Subject>(&self, rules: Arc<dyn Rules<T::Settings>>) -> Hub<T> {
        let Config { worker, workers, epoch, seed, feed_bytes_max, detach_grace_ms, accounts, .. } = self.config;
        let last_room = self.config.last_room.clone();
        let seed = seed ^ 0x9E37_79B9_7F4A_7C15;
        let config = Config { worker, workers, epoch, seed, rules, feed_bytes_max, detach_grace_ms, last_room, accounts };
        Hub::new(config)
    }

    /// Sets the clock for what follows; to be called before each batch of inputs.
    pub fn set_clock(&mut self, now: Time, unix: UnixMs) {
        // From the calendar at the start, and on from there as time passes.
        let start_ms = *self.clock.start_ms.get_or_insert(unix.0.saturating_sub(now.ms()));
        (self.clock.now, self.clock.unix, self.clock.steady) = (now, unix, UnixMs(start_ms.saturating_add(now.ms())));
        self.clock.started.get_or_insert(now);
    }

    /// A request for a subject, from a connection of this worker or from within the process.
    pub fn request(&mut self, request: Request<S>) {
        if let (&Asker::Connection(Asked { connection, sequence, subject, .. }), Ask::Command(op)) =
            (&request.asker, &request.ask)
            && op.follows()
        {
            self.desk.await_seat(subject.into(), connection, sequence);
        }
        if request.subject.is_counted() && request.subject.into().number() > self.config.last_room.load(Ordering::Acquire) {
            return self.refuse_nowhere(request);
        }
        let owner = owner_of(request.subject, self.config.workers);
        self.send(owner, Mail::Request(Box::new(request)));
    }

    /// A connection hears a subject that it is about to ask for no earlier than the request with this sequence is answered:
    /// [`Hub::release`].
    pub fn hold(&mut self, subject: S::Key, connection: ConnId, sequence: u32) {
        self.desk.hold(subject.into(), connection, sequence);
    }

    /// The answer to a request is on its way: its connection hears what has waited for that.
    pub fn release(&mut self, connection: ConnId, sequence: u32) {
        let frames = self.desk.release_all(connection, sequence);
        self.effects.extend(frames.into_iter().map(|bytes| Effect::Transmit { connection, bytes }));
    }

    /// A connection of this worker is gone. With `at_once` its subjects see it leave, otherwise they keep its place for the grace.
    pub fn on_connection_gone(&mut self, actor: &Actor, at_once: bool) {
        let Some(connection) = actor.connection else { return };
        for subject in self.desk.remove(connection).filter_map(S::Key::of) {
            let ask = Ask::Command(S::Op::of_gone(at_once));
            self.request(Request { subject, asker: Asker::Nobody, actor: actor.clone(), ask, app_key: None, resume: None });
        }
    }

    /// The rooms made by clients that the connection is in or about to be.
    pub fn client_rooms(&self, connection: ConnId) -> Vec<S::Key> {
        self.desk.subjects(connection).filter_map(S::Key::of).filter(|subject| !subject.is_counted()).collect()
    }

    /// True if the connection is in a subject or about to be.
    pub fn is_in_a_room(&self, connection: ConnId) -> bool {
        self.desk.subjects(connection).next().is_some()
    }

    /// Mail from other workers, in the order they sent it.
    pub fn on_mail(&mut self, batch: Vec<Mail<S>>) {
        batch.into_iter().for_each(|mail| self.receive(mail));
    }

    /// Mail for another worker, if there is any.
    pub fn take_mail(&mut self, worker: usize) -> Vec<Mail<S>> {
        self.outboxes.get_mut(worker).map(std::mem::take).unwrap_or_default()
    }

    /// Facts for the owners of accounts, in the order they became true. They have to arrive before anything is answered that was decided
    /// after them: take them to where they belong before effects are carried out.
    pub fn take_notes(&mut self) -> Vec<Note<S::Key>> {
        std::mem::take(&mut self.notes)
    }

    /// True if [`Hub::take_notes`] has something to return.
    pub fn has_notes(&self) -> bool {
        !self.notes.is_empty()
    }

    /// Takes a vector back, so that turns need no allocation of their own.
    pub fn recycle_notes(&mut self, notes: Vec<Note<S::Key>>) {
        if self.notes.is_empty() {
            self.notes = notes;
        }
    }

    /// How many subjects an account of this application may be in, and have left.
    pub fn quota(&self, app_key: &str) -> Quota {
        S::quota(&self.config.rules.settings(app_key))
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

    /// Writes the frames of this turn: each dirty subject once, one write per reader that is up to date.
    pub fn flush(&mut self, outlet: &mut impl Outlet) {
        // What they missed goes before what waits for them.
        if self.effects.is_empty() {
            for (connection, subject) in self.desk.take_released() {
                self.catch_up(connection, subject, outlet);
            }
        }
        self.counters.deliveries += self.desk.flush(self.clock.now, outlet);
    }

    /// A connection's socket takes bytes again: it catches up in every subject in which it lags.
    pub fn on_writable(&mut self, connection: ConnId, outlet: &mut impl Outlet) {
        let subjects: SmallVec<[SubjectId; 1]> = self.desk.subjects(connection).collect();
        for subject in subjects {
            if !self.catch_up(connection, subject, outlet) {
                return;
            }
        }
    }

    /// Writes on to a reader that lags, and tells it what it has missed for good. False: the connection has to go.
    fn catch_up(&mut self, connection: ConnId, subject: SubjectId, outlet: &mut impl Outlet) -> bool {
        let missed = self.desk.missed(connection, subject);
        if let Some(missed) = missed.filter(|_| !planted::is(Bug::GapUntold)) {
            self.counters.gaps += 1;
            let gap = S::Key::of(subject).and_then(|subject| S::gap(subject, missed.first, missed.last));
            let frame = gap.map(|gap| self.encode(&gap)).unwrap_or_default();
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
        self.counters.deliveries += self.desk.catch_up(connection, subject, outlet);
        true
    }

    /// True if [`Hub::take_effects`] has something to return: a flush may leave a connection to be sent away.
    pub fn has_effects(&self) -> bool {
        !self.effects.is_empty()
    }

    /// Once a second or so: graces that are over, rules that have changed, what subjects do by themselves, frames that are old, subjects
    /// that are idle.
    pub fn on_tick(&mut self) {
        self.end_graces();
        self.refresh_rules();
        self.reload_ahead();
        self.tidy_vacated();
        self.do_what_is_due();
        self.read_ending_rooms();
        self.desk.trim(self.clock.now);
        self.forget_unused_expressions();
        self.evict_idle_rooms();
    }

    /// True after a commit has failed, until [`Hub::on_log_back`]: no change is acknowledged.
    pub fn is_broken(&self) -> bool {
        self.commit.is_broken
    }

    /// True while the outcome of a commit is still to come.
    pub fn is_committing(&self) -> bool {
        self.commit.in_flight.is_some()
    }

    /// What has happened so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Subjects in memory, readers seated, and readers that lag.
    pub fn gauges(&self) -> (usize, usize, usize) {
        let (readers, laggards) = self.desk.readers();
        (self.owner.subjects.len(), readers, laggards)
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

    /// The subject with this number, if it is in memory and nothing of it waits for the log.
    #[cfg(feature = "sim")]
    pub fn settled(&self, id: S::Key) -> Option<&S> {
        match self.owner.subjects.get(&id)? {
            super::live::Owned::Live(live) if !self.has_uncommitted() && !self.is_read_only(id) => Some(&live.subject),
            _ => None,
        }
    }

    /// Sends an answer on its way to whoever waits for it.
    pub fn answer(&mut self, asker: Asker<S::Key>, answer: Answer) {
        match asker {
            Asker::Connection(asked) => self.send(asked.connection.worker(), Mail::Answer(asked, Box::new(answer))),
            Asker::Caller(done) => done(answer),
            Asker::Nobody => {}
        }
    }

    pub(super) fn receive(&mut self, mail: Mail<S>) {
        match mail {
            Mail::Request(request) => self.own(*request),
            Mail::Broadcast(broadcasting) => self.owner.broadcasts.begin(*broadcasting),
            Mail::Answer(asked, answer) => {
                self.desk.note_answered(asked.subject.into(), asked.connection, asked.sequence, answer.is_ok());
                self.effects.push(Effect::Answer(asked, answer));
            }
            Mail::History { asked, query, scope } => {
                self.effects.push(Effect::History { asker: Asker::Connection(asked), subject: asked.subject, query, scope });
            }
            Mail::CatchUp(waiting) => self.effects.push(Effect::CatchUp(waiting)),
            Mail::Joined { subject, connection, replay, held } => self.join(subject, connection, replay, held),
            Mail::Left { subject, connection, kicked } => self.leave(subject, connection, kicked),
            Mail::Frame { subject, item } => self.desk.append(subject.into(), item),
        }
    }

    fn join(&mut self, subject: S::Key, connection: ConnId, replay: Vec<Bytes>, held: Option<u32>) {
        let frames = self.desk.join(subject.into(), connection, held, replay);
        self.effects.extend(frames.into_iter().map(|bytes| Effect::Transmit { connection, bytes }));
    }

    fn leave(&mut self, subject: S::Key, connection: ConnId, kicked: Option<Box<pb::Kicked>>) {
        if planted::is(Bug::KickedStays) && kicked.is_some() {
            return;
        }
        let (Some(left), Some(kicked)) = (self.desk.leave(subject.into(), connection), kicked) else { return };
        if let Some(gap) = left.missed.and_then(|missed| S::gap(subject, missed.first, missed.last)) {
            let bytes = self.encode(&gap);
            self.effects.push(Effect::Transmit { connection, bytes });
        }
        self.effects.extend(left.unheard.into_iter().map(|bytes| Effect::Transmit { connection, bytes }));
        self.effects.push(Effect::Kicked { connection, kicked, is_last_room: left.is_last });
    }
}
