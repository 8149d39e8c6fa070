//! Replays to a connection what it missed before it joined (chatroom.md §d.7), from the feed's ring or from the log.
//!
//! A connection whose replay comes out of the log has its seat at once, held: what comes meanwhile waits in the ring. The answer to
//! its request, the missed items and then what waited leave in this order once the log was read.

use bytes::{Bytes, BytesMut};

use super::commit::Held;
use super::hub::{Effect, Hub};
use super::live::Owned;
use super::mail::{Asked, Asker, Mail};
use crate::error::{Code, Status};
use crate::id::{Epoch, Seq};
use crate::planted::{self, Bug};
use crate::subject::{Command, Operation, Predecessor, Presence, PushBody, Replay, Resumption, Scope, Standing, Subject};
use crate::wire::packet::encode_push_body;
use crate::wire::{PacketKind, Response, pb};

/// A connection that waits for what it missed.
pub struct CatchUp<S: Subject> {
    /// Whom to answer.
    pub asked: Asked<S::Key>,
    /// Scope of the read.
    pub scope: S::Scope,
    /// The answer, but for what the log says.
    pub(super) reply: Response,
    /// The word on what it missed.
    pub(super) told: Resumption,
    /// Messages of high priority that it hears once more, unless they are among the missed ones.
    pub(super) resent: Vec<(Seq, Bytes)>,
}

/// A position that a client names as it enters.
pub(super) struct Named {
    epoch: Epoch,
    seq: Seq,
    /// The client knows from `log_seq` what it has lost; an earlier one is told of a gap.
    knows_log: bool,
}

impl Named {
    /// The position in an entry to a subject, or the one that came with the resume.
    pub fn of<O: Operation>(command: &Command<O>, resume: Option<&pb::RoomPosition>) -> Option<Named> {
        let named = command.op.position()?;
        let position = named.or(resume)?;
        Some(Named { epoch: Epoch(position.epoch), seq: Seq(position.last_seq), knows_log: named.is_some() })
    }
}

/// Source of the items a connection missed.
pub(super) enum Source<C> {
    /// These frames are all of it.
    Ring(Vec<Bytes>),
    /// The log has it.
    Log(Box<(C, Resumption)>),
}

impl<S: Subject> Hub<S> {
    /// Completes the answer to an enter with the state of the position it names, and says where what was missed comes from.
    /// `heard` is the last place before the entry.
    pub(super) fn missed(
        &self,
        id: S::Key,
        heard: Seq,
        command: &Command<S::Op>,
        named: Option<&Named>,
        presence: &[Presence],
        reply: &mut Response,
    ) -> Source<S::Scope> {
        let nothing = || Source::Ring(Vec::new());
        let Some(named) = named else { return nothing() };
        let Some(Owned::Live(live)) = self.owner.subjects.get(&id) else { return nothing() };
        let come = presence.iter().find_map(|change| match *change {
            Presence::Joined(connection) => Some((connection, None)),
            Presence::Resumed { connection, replaces } => Some((connection, Some(replaces))),
            Presence::Left(_) => None,
        });
        let Some((connection, replaces)) = come else { return nothing() };
        let mut told = Resumption { resumed: replaces.is_some(), ..Resumption::default() };
        let after = match live.subject.standing(self.config.epoch, (named.epoch, named.seq), heard) {
            Standing::Valid => {
                told.log_seq = Some(heard);
                named.seq
            }
            Standing::RolledBack { to } => {
                (told.log_seq, told.gap) = (Some(to), !named.knows_log);
                to
            }
            Standing::Unknown => {
                told.gap = true;
                S::tell_missed(reply, &told);
                return nothing();
            }
        };
        S::tell_missed(reply, &told);
        if after >= heard {
            return nothing();
        }
        if let Some(replaces) = replaces
            && let Some(mut frames) = self.desk.feed(id.into()).and_then(|feed| feed.replay(after, replaces))
        {
            if planted::is(Bug::ResumeLosesItem) && frames.len() > 1 {
                frames.remove(0);
            }
            told.replayed = u32::try_from(frames.len()).unwrap_or(u32::MAX);
            S::tell_missed(reply, &told);
            return Source::Ring(frames);
        }
        let replaces = replaces.map(|connection| Predecessor { connection, since: self.born });
        let Some(scope) = live.subject.scope(&command.actor.account, connection, replaces, after, heard) else {
            return nothing();
        };
        // Presence alone is missing, which no log holds.
        if scope.logged() <= scope.after() { nothing() } else { Source::Log(Box::new((scope, told))) }
    }

    /// Has the answer to an enter wait until the log was read.
    pub(super) fn catch_up_later(&mut self, waiting: CatchUp<S>) {
        self.after_writes(Held::CatchUp(Box::new(waiting)));
    }

    /// Delivers items read from the log to a connection of this worker that waits for them. A failed read is reported to the
    /// connection as a gap.
    pub fn on_caught_up(&mut self, waiting: CatchUp<S>, read: Result<Replay, Status>) {
        let CatchUp { asked, scope, mut reply, mut told, resent } = waiting;
        let replay = read.unwrap_or_else(|_| Replay { items: Vec::new(), gap: Some((scope.after().next(), scope.last())) });
        told.replayed = u32::try_from(replay.items.len()).unwrap_or(u32::MAX);
        (told.gap, told.range) = (told.gap || replay.gap.is_some(), replay.gap);
        S::tell_missed(&mut reply, &told);
        if !self.desk.release(asked.subject.into(), asked.connection, asked.sequence) {
            // It has left meanwhile, perhaps to enter again: a yes would come after the answer to that.
            let left = Status::new(Code::Forbidden, "left before what was missed could be read");
            return self.receive(Mail::Answer(asked, Box::new(Err(left))));
        }
        self.receive(Mail::Answer(asked, Box::new(Ok(reply))));
        let mut frames = BytesMut::new();
        for (seq, frame) in resent {
            if replay.items.iter().all(|item| item.seq != seq) {
                frames.extend_from_slice(&frame);
            }
        }
        for item in &replay.items {
            match &item.push {
                PushBody::Message { body, .. } => encode_push_body(PacketKind::Message, body, &mut frames),
                PushBody::Notification(body) => encode_push_body(PacketKind::Notification, body, &mut frames),
            }
        }
        if !frames.is_empty() {
            self.effects.push(Effect::Transmit { connection: asked.connection, bytes: frames.freeze() });
        }
    }
}

/// Whom a request's answer goes to, if a connection waits for it.
pub(super) fn asked_by<K: Copy>(asker: &Asker<K>) -> Option<Asked<K>> {
    match asker {
        Asker::Connection(asked) => Some(*asked),
        _ => None,
    }
}
