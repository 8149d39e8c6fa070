//! Replays to a connection what it missed before it joined (chatroom.md §d.7), from the feed's ring or from the log.
//!
//! A connection whose replay comes out of the log has its seat at once, held: what comes meanwhile waits in the ring. The answer to
//! its request, the missed items and then what waited leave in this order once the log was read.

use bytes::{Bytes, BytesMut};

use super::commit::Held;
use super::hub::{Effect, Hub};
use super::mail::{Asked, Asker, Mail};
use super::owner::Owned;
use crate::error::Status;
use crate::id::{Epoch, RoomId, Seq};
use crate::room::{Command, Presence, PushBody, Replay, ReplayScope, Standing};
use crate::wire::packet::encode_push_body;
use crate::wire::{PacketKind, Response, pb};

/// A connection that waits for what it missed.
pub struct CatchUp {
    /// Whom to answer.
    pub asked: Asked,
    /// Scope of the read.
    pub scope: ReplayScope,
    /// The answer, but for what the log says.
    reply: Box<pb::RoomEnterResponse>,
    /// Messages of high priority that it hears once more, unless they are among the missed ones.
    resent: Vec<(Seq, Bytes)>,
}

/// A position that a client names as it enters.
pub(super) struct Named {
    epoch: Epoch,
    seq: Seq,
    /// The client knows from `log_seq` what it has lost; an earlier one is told of a gap.
    knows_log: bool,
}

impl Named {
    /// The position in an entry to a room, or the one that came with the resume.
    pub fn of(command: &Command, resume: Option<&pb::RoomPosition>) -> Option<Named> {
        let named = command.op.position()?;
        let position = named.or(resume)?;
        Some(Named { epoch: Epoch(position.epoch), seq: Seq(position.last_seq), knows_log: named.is_some() })
    }
}

/// Source of the items a connection missed.
pub(super) enum Source {
    /// These frames are all of it.
    Ring(Vec<Bytes>),
    /// The log has it.
    Log(ReplayScope),
}

impl Hub {
    /// Completes the answer to an enter with the state of the position it names, and says where what was missed comes from.
    /// `heard` is the last place before the entry.
    pub(super) fn missed(
        &self,
        id: RoomId,
        heard: Seq,
        command: &Command,
        named: Option<&Named>,
        presence: &[Presence],
        reply: &mut Response,
    ) -> Source {
        let nothing = || Source::Ring(Vec::new());
        let (Response::RoomEnter(reply), Some(named)) = (reply, named) else { return nothing() };
        let Some(Owned::Live(live)) = self.rooms.get(&id) else { return nothing() };
        let come = presence.iter().find_map(|change| match *change {
            Presence::Joined(connection) => Some((connection, None)),
            Presence::Resumed { connection, replaces } => Some((connection, Some(replaces))),
            Presence::Left(_) => None,
        });
        let Some((connection, replaces)) = come else { return nothing() };
        reply.resumed = replaces.is_some();
        let after = match live.room.standing(self.config.epoch, (named.epoch, named.seq), heard) {
            Standing::Valid => {
                reply.log_seq = Some(heard.0);
                named.seq
            }
            Standing::RolledBack { to } => {
                reply.log_seq = Some(to.0);
                reply.gap = !named.knows_log;
                to
            }
            Standing::Unknown => {
                reply.gap = true;
                return nothing();
            }
        };
        if after >= heard {
            return nothing();
        }
        if let Some(replaces) = replaces
            && let Some(frames) = self.feeds.get(&id).and_then(|feed| feed.replay(after, replaces))
        {
            reply.replayed = u32::try_from(frames.len()).unwrap_or(u32::MAX);
            return Source::Ring(frames);
        }
        let scope = live.room.replay_scope(&command.actor.account, connection, replaces, after, heard);
        // Presence alone is missing, which no log holds.
        if scope.logged <= scope.after { nothing() } else { Source::Log(scope) }
    }

    /// Has the answer to an enter wait until the log was read.
    pub(super) fn catch_up_later(&mut self, asked: Asked, scope: ReplayScope, reply: Response, resent: Vec<(Seq, Bytes)>) {
        let Response::RoomEnter(reply) = reply else { return };
        self.after_writes(Held::CatchUp(Box::new(CatchUp { asked, scope, reply, resent })));
    }

    /// Delivers items read from the log to a connection of this worker that waits for them. A failed read is reported to the
    /// connection as a gap.
    pub fn on_caught_up(&mut self, waiting: CatchUp, read: Result<Replay, Status>) {
        let CatchUp { asked, scope, mut reply, resent } = waiting;
        let replay = read.unwrap_or_else(|_| Replay { items: Vec::new(), gap: Some((scope.after.next(), scope.last)) });
        reply.replayed = u32::try_from(replay.items.len()).unwrap_or(u32::MAX);
        if let Some((first, last)) = replay.gap {
            (reply.gap, reply.gap_first, reply.gap_last) = (true, first.0, last.0);
        }
        let key = (asked.connection, asked.room);
        // One that has left meanwhile, and perhaps entered again, hears nothing of it.
        let is_held = self.held_seats.get(&key) == Some(&asked.sequence);
        self.receive(Mail::Answer(asked, Box::new(Ok(Response::RoomEnter(reply)))));
        if !is_held {
            return;
        }
        self.held_seats.remove(&key);
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
        self.released.push(key);
    }
}

/// Whom a request's answer goes to, if a connection waits for it.
pub(super) fn asked_by(asker: &Asker) -> Option<Asked> {
    match asker {
        Asker::Connection(asked) => Some(*asked),
        _ => None,
    }
}
