//! What others need to know of a command or a question, so that nobody but the room knows which ones there are.

use super::command::{Enter, Op, Query, Recall};
use crate::id::{ConnId, RoomId, Seq, UnixMs};
use crate::wire::{Response, pb};

/// Whether a command is taken in while the log is behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// If there is room.
    IfThereIsRoom,
    /// Always: it tells what has happened, or waits for no disk.
    Always,
}

/// An account that is about to be in one room more.
pub struct Entering<'a> {
    /// The application it has logged in to.
    pub app_key: &'a str,
    /// The room made by a client which it leaves for this one, and which does not count any more.
    pub leaves: Option<RoomId>,
    /// To be set if it is in as many as it may be, and not in this one.
    pub over_quota: &'a mut bool,
}

/// What the copy of a message says that goes to the application.
pub struct Copied<'a> {
    /// The environment it goes to; empty: the default.
    pub env: &'a str,
    /// The sender said that it sends it again.
    pub resend: bool,
    /// Whom alone it is for; empty: everybody.
    pub to: &'a [String],
}

impl Op {
    /// The command of a connection that is gone: `at_once` for good, else its member stays for the grace.
    pub fn of_gone(at_once: bool) -> Op {
        if at_once { Op::Exit } else { Op::Detach }
    }

    /// The command that takes an account out which is in more rooms than it may be in.
    pub fn beyond_quota() -> Op {
        Op::Expel
    }

    /// Whether it is taken in while the log is behind.
    pub fn admission(&self) -> Admission {
        match self {
            Op::Exit | Op::Detach | Op::Broadcast(_) => Admission::Always,
            _ => Admission::IfThereIsRoom,
        }
    }

    /// True if its connection hears the room from then on, once it is granted.
    pub fn follows(&self) -> bool {
        matches!(self, Op::Enter(_) | Op::Open(_))
    }

    /// True if its connection was lost and keeps its place for the grace.
    pub fn loses_connection(&self) -> bool {
        matches!(self, Op::Detach)
    }

    /// The application of a room that begins with this command and with nothing else, so that the log need not be asked for it.
    pub fn begins(&self) -> Option<&str> {
        match self {
            Op::Create(create) => Some(&create.app_key),
            _ => None,
        }
    }

    /// The application of a room that begins with this command if it is not there.
    pub fn may_begin(&self) -> Option<&str> {
        match self {
            Op::Open(open) => Some(&open.enter.app_key),
            _ => None,
        }
    }

    /// Once it has become an entry of the log: true if the room is there from then on, false if it is no more.
    pub fn opens(&self) -> Option<bool> {
        match self {
            Op::Create(_) | Op::Open(_) => Some(true),
            Op::Destroy => Some(false),
            _ => None,
        }
    }

    /// Once it has become an entry of the log: place and time of the message that it takes back.
    pub fn redacts(&self) -> Option<(Seq, UnixMs)> {
        match self {
            Op::Recall(recall) => recall.seq.map(|seq| (seq, UnixMs(recall.request.time_ms))),
            _ => None,
        }
    }

    /// The account that enters with it, for the count of the rooms it is in.
    pub fn entering(&mut self) -> Option<Entering<'_>> {
        let Enter { app_key, leaves, over_quota, .. } = match self {
            Op::Enter(enter) => enter.as_mut(),
            Op::Open(open) => &mut open.enter,
            _ => return None,
        };
        Some(Entering { app_key, leaves: *leaves, over_quota })
    }

    /// The connection that it takes over from.
    pub fn takes_over(&self) -> Option<ConnId> {
        match self {
            Op::Enter(enter) => enter.replaces,
            _ => None,
        }
    }

    /// True if its connection comes, and the position it names in that case.
    pub fn position(&self) -> Option<Option<&pb::RoomPosition>> {
        match self {
            Op::Enter(enter) => Some(enter.request.position.as_ref()),
            Op::Open(open) => Some(open.enter.request.position.as_ref()),
            _ => None,
        }
    }

    /// True if it cannot be decided before the log has been asked for what it is about.
    pub fn needs_look_up(&self) -> bool {
        matches!(self, Op::Recall(recall) if recall.seq.is_none())
    }

    /// What the log is to be asked for.
    pub fn into_look_up(self) -> Option<pb::MessageRecallRequest> {
        match self {
            Op::Recall(recall) => Some(recall.request),
            _ => None,
        }
    }

    /// The command, with what the log has answered.
    pub fn found(request: pb::MessageRecallRequest, seq: Seq) -> Op {
        Op::Recall(Box::new(Recall { request, seq: Some(seq) }))
    }

    /// True if this is the reply to a message that the room took, and not as one of high priority.
    pub fn is_ordinary(reply: &Response) -> bool {
        matches!(reply, Response::MessageSend(sent) if !sent.high_priority)
    }

    /// True if what it tells the room counts among the room's messages in the figures.
    pub fn counts(&self) -> bool {
        matches!(self, Op::Send(_))
    }

    /// The copy of its message for the application, if its sender lets it have one.
    pub fn copied(&self) -> Option<Copied<'_>> {
        match self {
            Op::Send(request) if request.route.unwrap_or(true) => {
                Some(Copied { env: &request.env, resend: request.resend, to: &request.to_accounts })
            }
            _ => None,
        }
    }
}

impl Query {
    /// True if the log has the answer, and the room only says how much of it may be read.
    pub fn reads_log(&self) -> bool {
        matches!(self, Query::History(_) | Query::HistoryByTags(_))
    }
}
