//! A command with its place in the log, and what comes of it.

use bytes::Bytes;

use super::actor::Actor;
use super::audience::Audience;
use super::letter::Letter;
use crate::id::{AccountId, ConnId, Epoch, Seq, UnixMs};
use crate::wire::{Push, Response, pb};

/// The moment a command is looked at: its owner's clock and a random number. A subject has no other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// The clock of the calendar, which people see. Never before the subject's last entry, and so it may stand still.
    pub time: UnixMs,
    /// The clock of rates and durations: it goes on from entry to entry as time passes, whatever the calendar's does.
    pub clock: UnixMs,
    /// Uniform over all 64-bit numbers.
    pub random: u64,
}

/// A command on its way to its subject.
#[derive(Clone, PartialEq, Debug)]
pub struct Command<O> {
    /// Who.
    pub actor: Actor,
    /// What.
    pub op: O,
}

/// What a request is to its subject: the one place that tells commands from questions.
#[derive(Clone, PartialEq, Debug)]
pub enum Ask<O, Q> {
    /// It changes the subject.
    Command(O),
    /// It does not.
    Query(Q),
}

/// A command with its place, time and random number. Applying the same entries to the same state gives the same state.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry<O> {
    /// Its place: the next one of the subject at the time. Its push, if it has one, carries this number.
    pub seq: Seq,
    /// The epoch of the node that gave the place.
    pub epoch: Epoch,
    /// Its time and random number.
    pub stamp: Stamp,
    /// What is to be done.
    pub command: Command<O>,
}

/// How a connection's relation to the subject changes, for dispatch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Presence {
    /// From now on the connection hears the subject.
    Joined(ConnId),
    /// As `Joined`, in place of a connection that was lost; what it missed is replayed.
    Resumed {
        /// The connection that hears the subject now.
        connection: ConnId,
        /// The one that did.
        replaces: ConnId,
    },
    /// The connection hears the subject no more.
    Left(ConnId),
}

/// A connection that has to go, and what it is told.
#[derive(Clone, PartialEq, Debug)]
pub struct Kick {
    /// Who goes.
    pub connection: ConnId,
    /// What it is told; it names the subject it is taken out of.
    pub kicked: pb::Kicked,
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

/// Position of an entry in the log beside its number: it tells a reader whether something before the entry is missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Link {
    /// The entry of the subject that the log has before it; 0: none.
    pub previous: Seq,
    /// The number its epoch began with, in the first entry the log has of that epoch.
    pub epoch_first: Option<Seq>,
}

/// What an entry came to.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome<O, T> {
    /// For the one who asked.
    pub reply: Response,
    /// True: the reply repeats that of an earlier entry, and leaves once everything before it is durable.
    pub waits: bool,
    /// What everybody hears: a `Push::Message` or a `Push::Notification` with subject, seq, epoch and time filled in.
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
    /// Connections that are told to leave; each also stands in `presence` as `Left`.
    pub kicks: Vec<Kick>,
    /// What the log keeps in place of the operation, where who was here decided how much of it was done: a replay knows nobody.
    pub kept: Option<Box<O>>,
    /// Accounts whose last connection left with this entry, and robots that were put out by it.
    pub departed: Vec<AccountId>,
    /// Messages of high priority that who enters hears once more, oldest first (chatroom.md §e.4).
    pub resent: Vec<Box<pb::Message>>,
    /// What the application is to be told beside the push, if it wants to know.
    pub told: T,
    /// Of a durable entry: where it stands in the log.
    pub link: Link,
    /// Letters to other subjects once the entry is durable; only a durable one may have any.
    pub letters: Vec<Letter>,
    /// Consequences: commands to apply right after this one, in this order, each with its own seq.
    pub follow_ups: Vec<Command<O>>,
}

impl<O, T: Default> Outcome<O, T> {
    /// An outcome that is only a reply: nothing changes, nobody else hears of it.
    pub fn reply(reply: Response) -> Outcome<O, T> {
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
            told: T::default(),
            link: Link::default(),
            letters: Vec::new(),
            follow_ups: Vec::new(),
        }
    }
}

/// The encoded body of a push.
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
