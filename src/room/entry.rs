//! A command with its place in the log, and what comes of it.

use std::sync::Arc;

use bytes::Bytes;

use super::command::{Command, Op, Stamp};
use super::report::{InOut, QueueReport};
use crate::id::{AccountId, ConnId, Epoch, RoomId, Seq};
use crate::wire::pb::{self, KickReason, NotificationType};
use crate::wire::{Push, Response};

/// A command with its place, time and random number. Applying the same entries to the same state gives the same state.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// Its place: `room.next_seq()` at the time. Its push, if it has one, carries this number.
    pub seq: Seq,
    /// The epoch of the node that gave the place.
    pub epoch: Epoch,
    /// Its time and random number.
    pub stamp: Stamp,
    /// What is to be done.
    pub command: Command,
}

/// Who of a room's connections hears a push.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Audience {
    /// Every connection in the room.
    #[default]
    All,
    /// Every connection but the one whose request it was: it has its response.
    AllBut(ConnId),
    /// Only these, in ascending order.
    Only(Arc<[ConnId]>),
    /// Every connection but these, which stand in ascending order.
    Except(Arc<[ConnId]>),
}

/// How a connection's relation to the room changes, for dispatch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Presence {
    /// From now on the connection hears the room.
    Joined(ConnId),
    /// As `Joined`, in place of a connection that was lost; what it missed is replayed.
    Resumed {
        /// The connection that hears the room now.
        connection: ConnId,
        /// The one that did.
        replaces: ConnId,
    },
    /// The connection hears the room no more.
    Left(ConnId),
}

/// A connection that has to go, and what it is told.
#[derive(Clone, PartialEq, Debug)]
pub struct Kick {
    /// Who goes.
    pub connection: ConnId,
    /// What it is told; `room_id` names the room it is taken out of.
    pub kicked: pb::Kicked,
}

/// Why somebody is taken out of the room, and the words that go with it.
pub(super) struct Farewell<'a> {
    pub reason: KickReason,
    pub message: &'a str,
    pub ext: &'a str,
}

/// How dear a frame is to a reader that does not get everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// An ordinary message, and who came and went: the first to be left out.
    Normal,
    /// A message of high priority.
    High,
    /// Every other notification: never left out.
    Kept,
}

impl Class {
    /// How dear a push is (chatroom.md §e.7).
    pub fn of(push: &Push) -> Class {
        match push {
            Push::Message(message) if message.high_priority => Class::High,
            Push::Notification(notice)
                if !matches!(notice.r#type(), NotificationType::MemberEnter | NotificationType::MemberExit) =>
            {
                Class::Kept
            }
            _ => Class::Normal,
        }
    }
}

/// What an entry came to.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    /// For the one who asked.
    pub reply: Response,
    /// True: the reply repeats that of an earlier entry, and leaves once everything before it is durable.
    pub waits: bool,
    /// What the room hears: a `Push::Message` or a `Push::Notification` with room, seq, epoch and time filled in.
    pub push: Option<Push>,
    /// Who hears it.
    pub audience: Audience,
    /// True: the entry belongs in the log, and the reply leaves after the commit that covers it. False for presence, for what
    /// answers a duplicate, and for an abandoned message.
    pub durable: bool,
    /// True: the push belongs in the history (chatroom.md §e.6). Implies `durable`.
    pub in_history: bool,
    /// Connections that come and go: who comes hears the push already, who goes hears it last.
    pub presence: Vec<Presence>,
    /// Connections that are told to leave this room; each also stands in `presence` as `Left`.
    pub kicks: Vec<Kick>,
    /// What the log keeps in place of the operation, where who was here decided how much of it was done: a replay knows nobody.
    pub kept: Option<Box<Op>>,
    /// Accounts whose last connection left the room with this entry, and robots that were put out by it.
    pub departed: Vec<AccountId>,
    /// Messages of high priority that who enters hears once more, oldest first (chatroom.md §e.4).
    pub resent: Vec<Box<pb::Message>>,
    /// Who comes and goes, in order, if the application wants to know.
    pub in_out: Vec<InOut>,
    /// Change of the queue, if the application wants to know.
    pub queue: Option<Box<QueueReport>>,
    /// Of a durable entry: where it stands in the log.
    pub link: Link,
    /// Consequences: commands to apply right after this one, in this order, each with its own seq.
    pub follow_ups: Vec<Command>,
}

impl Audience {
    /// The connections it names, in ascending order: those it is for, or those it is not for.
    pub fn named(&self) -> &[ConnId] {
        match self {
            Audience::All => &[],
            Audience::AllBut(sender) => std::slice::from_ref(sender),
            Audience::Only(connections) | Audience::Except(connections) => connections,
        }
    }

    /// Those of the connections it names that a worker holds.
    pub fn named_on(&self, worker: usize) -> &[ConnId] {
        let named = self.named();
        // The worker stands in the highest bits of a connection's number.
        let start = named.partition_point(|connection| connection.worker() < worker);
        let end = named.partition_point(|connection| connection.worker() <= worker);
        named.get(start..end).unwrap_or_default()
    }

    /// The same for the connections of one worker: it names no others.
    pub fn on(&self, worker: usize) -> Audience {
        match (self, self.named_on(worker)) {
            (Audience::Only(_), named) => Audience::Only(named.into()),
            (Audience::Except(_), []) => Audience::All,
            (Audience::Except(_), named) => Audience::Except(named.into()),
            (Audience::All | Audience::AllBut(_), _) => self.clone(),
        }
    }

    /// Whether this connection hears it.
    pub fn admits(&self, connection: ConnId) -> bool {
        match self {
            Audience::All => true,
            Audience::AllBut(sender) => *sender != connection,
            Audience::Only(connections) => connections.binary_search(&connection).is_ok(),
            Audience::Except(connections) => connections.binary_search(&connection).is_err(),
        }
    }
}

impl Outcome {
    /// An outcome that is only a reply: nothing changes, nobody else hears of it.
    pub fn reply(reply: Response) -> Outcome {
        Outcome {
            reply,
            waits: false,
            push: None,
            audience: Audience::All,
            durable: false,
            in_history: false,
            presence: Vec::new(),
            kicks: Vec::new(),
            kept: None,
            departed: Vec::new(),
            resent: Vec::new(),
            in_out: Vec::new(),
            queue: None,
            link: Link::default(),
            follow_ups: Vec::new(),
        }
    }

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

/// Position of an entry in the log beside its number: it tells a reader whether something before the entry is missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Link {
    /// The entry of the room that the log has before it; 0: none.
    pub previous: Seq,
    /// The number its epoch began with, in the first entry the log has of that epoch.
    pub epoch_first: Option<Seq>,
}

/// What the log keeps of an entry: the entry, and the body of its push as the members received it.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    /// Whose log.
    pub room: RoomId,
    /// The entry.
    pub entry: Entry,
    /// Whether the push is a message or a notification, and its encoded body.
    pub push: Option<PushBody>,
    /// The expression of the push, so that history queries filter without decoding it; empty if it has none.
    pub notify_target_tags: String,
    /// Whether history queries return the push.
    pub in_history: bool,
    /// Position of the entry in the log.
    pub link: Link,
}

/// The encoded body of a room push.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PushBody {
    /// Body of kind 0x0380, and its message type.
    Message {
        /// Number of the message type, so that a query filters without decoding.
        message_type: i32,
        /// The bytes.
        body: Bytes,
    },
    /// Body of kind 0x0381.
    Notification(Bytes),
}
