//! The lasting half of a user: its place in the log, and the rooms that the account has created.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::command::{Op, not_yours};
use crate::error::Status;
use crate::id::{Epoch, RoomId, Seq, UnixMs, UserId};
use crate::subject::{self, Boundaries, Link, Origin, SharedModerator, Stamp};
use crate::wire::{Response, store};

/// A command on its way to a user.
pub(super) type Command = subject::Command<Op>;
/// A command with its place in the log of its user.
pub(super) type Entry = subject::Entry<Op>;
/// The outcome of an entry of a user.
pub(super) type Outcome = subject::Outcome<Op, ()>;

/// The settings of an application's users.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Settings {
    /// Judges profiles; `None`: nobody does.
    pub moderator: Option<SharedModerator>,
}

/// Everything of an account that lasts. One that was never changed is the same as one that never was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    pub(super) id: UserId,
    pub(super) last_seq: Seq,
    /// The last entry that the log has.
    pub(super) logged_seq: Seq,
    pub(super) epoch: Epoch,
    pub(super) last_time: UnixMs,
    pub(super) last_clock: UnixMs,
    pub(super) boundaries: Boundaries,
    pub(super) rooms: BTreeSet<RoomId>,
    /// Application and profile; `None`: nobody has changed the user yet, and the account's row in the directory counts.
    pub(super) begun: Option<Box<store::UserBegin>>,
    pub(super) settings: Arc<Settings>,
}

impl User {
    /// A user of which the log has nothing.
    pub fn new(id: UserId, settings: Arc<Settings>) -> User {
        User {
            id,
            last_seq: Seq(0),
            logged_seq: Seq(0),
            epoch: Epoch(0),
            last_time: UnixMs::default(),
            last_clock: UnixMs::default(),
            boundaries: Boundaries::default(),
            rooms: BTreeSet::new(),
            begun: None,
            settings,
        }
    }

    /// The rooms that the account has created and that are open, ascending.
    pub fn rooms(&self) -> impl Iterator<Item = RoomId> {
        self.rooms.iter().copied()
    }

    /// Applies an entry; a refused one leaves no trace.
    pub(super) fn apply(&mut self, entry: &Entry) -> Result<Outcome, Status> {
        let Command { actor, op } = &entry.command;
        let mut outcome = decide!((self, entry) op => {
            Op::Gone => Ok(done(false)),
            Op::NoteRoom { .. } | Op::Begin(_) if actor.origin != Origin::Server => Err(not_yours()),
            Op::NoteRoom { room, is_open } => Ok(done(self.note_room(*room, *is_open))),
            Op::Begin(begin) => Ok(done(self.note_begin(begin))),
        })?;
        if outcome.durable {
            outcome.link = self.note_entry(entry.epoch, entry.seq, entry.stamp);
        }
        Ok(outcome)
    }

    /// Applies an entry that the log has, after what it says of its epoch.
    pub fn replay(&mut self, entry: &Entry, link: &Link) {
        if entry.seq <= self.last_seq {
            return;
        }
        self.boundaries.note(entry.epoch, link.epoch_first.unwrap_or(entry.seq));
        replay!((self, entry) &entry.command.op => {
            Op::Gone => {}
            Op::NoteRoom { room, is_open } => _ = self.note_room(*room, *is_open),
            Op::Begin(begin) => _ = self.note_begin(begin),
        });
        self.note_entry(entry.epoch, entry.seq, entry.stamp);
    }

    /// True if this was news.
    fn note_room(&mut self, room: RoomId, is_open: bool) -> bool {
        if is_open { self.rooms.insert(room) } else { self.rooms.remove(&room) }
    }

    /// Applies an entry that the log has and that says nothing of the user: it takes a place.
    pub fn replay_pass(&mut self, epoch: Epoch, seq: Seq, time: UnixMs) {
        if seq > self.last_seq {
            let stamp = Stamp { time, clock: self.last_clock, random: 0 };
            self.note_entry(epoch, seq, stamp);
        }
    }

    /// True if this was the first.
    fn note_begin(&mut self, begin: &store::UserBegin) -> bool {
        let is_first = self.begun.is_none();
        self.begun.get_or_insert_with(|| Box::new(begin.clone()));
        is_first
    }

    pub(super) fn note_entry(&mut self, epoch: Epoch, seq: Seq, stamp: Stamp) -> Link {
        let (previous, is_first) = (self.logged_seq, epoch > self.epoch);
        self.boundaries.note(epoch, seq);
        (self.last_seq, self.logged_seq, self.epoch) = (seq, seq, epoch);
        (self.last_time, self.last_clock) = (self.last_time.max(stamp.time), self.last_clock.max(stamp.clock));
        Link { previous, epoch_first: if is_first { self.boundaries.first_of(epoch) } else { None } }
    }
}

/// The outcome of what only the server says, which waits for no answer.
fn done(is_changed: bool) -> Outcome {
    Outcome { durable: is_changed, ..Outcome::reply(Response::Ping(bytes::Bytes::new())) }
}
