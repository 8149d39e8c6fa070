//! The lasting half of a user: its place in the log, and the rooms that the account has created.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::command::{Op, not_yours};
use crate::error::Status;
use crate::id::{Epoch, RoomId, Seq, UnixMs, UserId};
use crate::subject::{self, Boundaries, Link, Origin, Rules, Stamp};
use crate::wire::Response;

/// A command on its way to a user.
pub(super) type Command = subject::Command<Op>;
/// A command with its place in the log of its user.
pub(super) type Entry = subject::Entry<Op>;
/// What an entry of a user came to.
pub(super) type Outcome = subject::Outcome<Op, ()>;

/// The settings of users: so far all go by the same.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Settings;

impl Rules<Settings> for Settings {
    fn settings(&self, _app_key: &str) -> Arc<Settings> {
        Arc::new(Settings)
    }

    fn version(&self) -> u64 {
        0
    }
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
        let done = Outcome::reply(Response::Ping(bytes::Bytes::new()));
        let is_changed = match *op {
            Op::Gone => false,
            Op::NoteRoom { .. } if actor.origin != Origin::Server => return Err(not_yours()),
            Op::NoteRoom { room, is_open } => self.note_room(room, is_open),
        };
        if !is_changed {
            return Ok(done);
        }
        let link = self.note_entry(entry.epoch, entry.seq, entry.stamp);
        Ok(Outcome { durable: true, link, ..done })
    }

    /// Applies an entry that the log has, after what it says of its epoch.
    pub fn replay(&mut self, entry: &Entry, link: &Link) {
        if entry.seq <= self.last_seq {
            return;
        }
        self.boundaries.note(entry.epoch, link.epoch_first.unwrap_or(entry.seq));
        match entry.command.op {
            Op::Gone => {}
            Op::NoteRoom { room, is_open } => _ = self.note_room(room, is_open),
        }
        self.note_entry(entry.epoch, entry.seq, entry.stamp);
    }

    /// True if this was news.
    fn note_room(&mut self, room: RoomId, is_open: bool) -> bool {
        if is_open { self.rooms.insert(room) } else { self.rooms.remove(&room) }
    }

    fn note_entry(&mut self, epoch: Epoch, seq: Seq, stamp: Stamp) -> Link {
        let (previous, is_first) = (self.logged_seq, epoch > self.epoch);
        self.boundaries.note(epoch, seq);
        (self.last_seq, self.logged_seq, self.epoch) = (seq, seq, epoch);
        (self.last_time, self.last_clock) = (self.last_time.max(stamp.time), self.last_clock.max(stamp.clock));
        Link { previous, epoch_first: if is_first { self.boundaries.first_of(epoch) } else { None } }
    }
}
