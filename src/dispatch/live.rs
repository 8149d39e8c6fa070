//! A subject in memory, and what surrounds it: who hears it, who was lost, who was put out.

use std::collections::VecDeque;

use super::cover::Cover;
use super::envelope::Envelope;
use super::mail::Request;
use crate::id::{ByNumber, ConnId, Epoch, Seq, Time, UnixMs};
use crate::limits::KICKS_KEPT_MAX;
use crate::subject::{Actor, Command, Lazy, Operation, Part, Subject, vacant};
use crate::wire::pb;

/// A subject this worker owns.
pub(super) enum Owned<S: Subject> {
    /// Its state is on its way; these wait for it.
    Loading(Vec<Request<S>>),
    /// In memory.
    Live(Box<Live<S>>),
}

/// A subject in memory and what surrounds it.
pub(super) struct Live<S: Subject> {
    pub(super) subject: S,
    pub(super) envelope: Envelope,
    /// The epoch of its new entries: that in which it was last read from the log.
    pub(super) epoch: Epoch,
    /// How far the subject's clock of durations is ahead of the hub's.
    pub(super) ahead_ms: i64,
    /// How many connections hear it, by worker.
    pub(super) followers: Box<[u32]>,
    pub(super) lost: Lazy<Lost>,
    pub(super) cover: Cover,
    pub(super) used: Time,
}

/// Connections that a subject has lost.
#[derive(Default)]
pub(super) struct Lost {
    /// Those that keep their place, and on whose behalf they leave in the end.
    pub detached: ByNumber<ConnId, Actor>,
    /// Kick notices of disconnected connections, oldest first, each with the time until which a connection that takes one over
    /// receives it: the notice may have gone to a connection that was lost already.
    pub kicked: VecDeque<(Time, ConnId, Box<pb::Kicked>)>,
}

vacant!(Lost);

impl<S: Subject> Live<S> {
    /// A subject, and by how much its clock of durations is ahead of `steady`: one that has gone further does not stand still until
    /// that has caught up.
    pub(super) fn new(subject: S, workers: usize, epoch: Epoch, now: Time, steady: UnixMs) -> Live<S> {
        let followers = vec![0; workers].into();
        let ahead_ms = subject.last_clock().0.saturating_sub(steady.0).max(0);
        Live {
            subject,
            envelope: Envelope::default(),
            epoch,
            ahead_ms,
            followers,
            lost: Lazy::default(),
            cover: Cover::default(),
            used: now,
        }
    }

    /// The subject's clock of durations.
    pub(super) fn clock(&self, steady: UnixMs) -> UnixMs {
        UnixMs(steady.0.saturating_add(self.ahead_ms)).max(self.subject.last_clock())
    }

    pub(super) fn is_deserted(&self) -> bool {
        self.lost.detached.is_empty() && self.followers.iter().all(|count| *count == 0)
    }

    pub(super) fn last_seq(&self) -> Seq {
        Seq(self.subject.next_seq().0.saturating_sub(1))
    }

    /// True if the log alone does not tell cheaply enough what is in memory, or not at all: what presence left behind, a time since
    /// which nobody is here; or if the subject has ended, so that the snapshot of what it was goes.
    pub(super) fn is_worth_saving(&self) -> bool {
        let last = self.last_seq();
        let (waits_for_end, has_ended) = (self.subject.ends_at().is_some(), !self.subject.exists());
        self.cover.is_worth_it(last) || self.cover.saved < last && (waits_for_end || has_ended)
    }

    /// The state as it is to be written down.
    pub(super) fn take_snapshot(&mut self, with_end: bool) -> Vec<Part> {
        let parts = self.parts(self.cover.saved, with_end);
        self.cover.note_snapshot(&parts);
        parts
    }

    /// The parts of the subject that have changed since, and its envelope.
    pub(super) fn parts(&self, since: Seq, with_end: bool) -> Vec<Part> {
        let mut parts = self.subject.snapshot(since, with_end);
        parts.extend(self.envelope.part());
        parts
    }

    /// A connection was put out: whoever takes it over before that time is told.
    pub(super) fn remember_kick(&mut self, (now, until): (Time, Time), connection: ConnId, kicked: &pb::Kicked) {
        if let Some(Lost { kicked, .. }) = self.lost.present() {
            while kicked.len() >= KICKS_KEPT_MAX || kicked.front().is_some_and(|(until, ..)| *until <= now) {
                kicked.pop_front();
            }
        }
        if !kicked.may_reconnect {
            self.lost.kicked.push_back((until, connection, Box::new(kicked.clone())));
        }
    }

    /// Kick notice of the connection that this entry takes over from.
    pub(super) fn kick_met(&self, now: Time, command: &Command<S::Op>) -> Option<Box<pb::Kicked>> {
        if self.lost.kicked.is_empty() {
            return None;
        }
        let replaces = command.op.takes_over()?;
        let met = self.lost.kicked.iter().find(|(until, connection, _)| *until > now && *connection == replaces);
        met.map(|(_, _, kicked)| kicked.clone())
    }

    pub(super) fn follow(&mut self, connection: ConnId) {
        if let Some(lost) = self.lost.present() {
            lost.kicked.retain(|(_, kicked, _)| *kicked != connection);
        }
        if let Some(count) = self.followers.get_mut(connection.worker()) {
            *count += 1;
        }
    }

    /// True if the connection was still attached.
    pub(super) fn unfollow(&mut self, connection: ConnId) -> bool {
        if self.lost.present().is_some_and(|lost| lost.detached.remove(&connection).is_some()) {
            return false;
        }
        if let Some(count) = self.followers.get_mut(connection.worker()) {
            *count = count.saturating_sub(1);
        }
        true
    }
}
