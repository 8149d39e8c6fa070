//! Entries and outcomes of a room.

use super::command::{Op, Query};
use super::report::Noted;
use crate::id::RoomId;
use crate::subject::{Link, PushBody};
use crate::wire::pb::{self, KickReason};
use crate::wire::{Push, Response};

/// A command on its way to a room.
pub type Command = crate::subject::Command<Op>;

/// A command of a room with its place in the log.
pub type Entry = crate::subject::Entry<Op>;

/// Outcome of an entry of a room.
pub type Outcome = crate::subject::Outcome<Op, Noted>;

/// A request as a room sees it.
pub type Ask = crate::subject::Ask<Op, Query>;

/// Why somebody is taken out of the room, and the words that go with it.
pub(super) struct Farewell<'a> {
    pub reason: KickReason,
    pub message: &'a str,
    pub ext: &'a str,
}

impl Outcome {
    /// An outcome that lasts.
    pub(super) fn lasting(reply: Response) -> Outcome {
        Outcome { durable: true, ..Outcome::reply(reply) }
    }

    /// The same, and everybody in the room is notified, unless there is nothing to say; the history keeps it.
    pub(super) fn notified(reply: Response, notice: Option<Box<pb::Notification>>) -> Outcome {
        Outcome { in_history: notice.is_some(), push: notice.map(Push::Notification), ..Outcome::lasting(reply) }
    }

    /// The notification among the pushes, if there is one.
    pub fn notification(&self) -> Option<&pb::Notification> {
        match &self.push {
            Some(Push::Notification(notice)) => Some(notice),
            _ => None,
        }
    }
}

/// What the log keeps of an entry: the entry, and the body of its push as the members received it.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    /// Whose log.
    pub room: RoomId,
    /// The entry.
    pub entry: Entry,
    /// True if the push is a message or a notification, and its encoded body.
    pub push: Option<PushBody>,
    /// The expression of the push, so that history queries filter without decoding it; empty if it has none.
    pub notify_target_tags: String,
    /// True if history queries return the push.
    pub in_history: bool,
    /// Position of the entry in the log.
    pub link: Link,
}
