//! Positions in a subject that clients name, and what they missed since.

use super::entry::PushBody;
use crate::id::{ConnId, Epoch, Seq};

/// The state of a position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Everything up to the position stands.
    Valid,
    /// Items beyond this place were seen and never became durable.
    RolledBack {
        /// The last place that stands.
        to: Seq,
    },
    /// The subject knows nothing of the position's epoch.
    Unknown,
}

/// The connection that a newcomer takes over from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Predecessor {
    /// Its number: what it said itself is not missing.
    pub connection: ConnId,
    /// The epoch in which its node started. What the log has of an earlier one under that number another connection said.
    pub since: Epoch,
}

/// One missed item, as the members received it.
#[derive(Clone, PartialEq, Debug)]
pub struct Missed {
    /// Its place.
    pub seq: Seq,
    /// A message or a notification, and its encoded body.
    pub push: PushBody,
}

/// Items a connection missed, as far as one replay goes.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Replay {
    /// The newest items for the connection, ascending: at most [`REPLAY_ITEMS_MAX`](crate::limits::REPLAY_ITEMS_MAX) in at most
    /// [`REPLAY_BYTES_MAX`](crate::limits::REPLAY_BYTES_MAX) bytes of frames.
    pub items: Vec<Missed>,
    /// The first and the last place among which more may be missing, if any may.
    pub gap: Option<(Seq, Seq)>,
}

impl Replay {
    /// Bytes of the bodies of its items.
    pub fn bytes(&self) -> usize {
        let body = |item: &Missed| match &item.push {
            PushBody::Message { body, .. } | PushBody::Notification(body) => body.len(),
        };
        self.items.iter().map(body).sum()
    }
}

/// Told to a connection that comes back: what it missed, and what of that follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Resumption {
    /// It takes over from a connection that was lost.
    pub resumed: bool,
    /// The last entry that stands of what it knows; `None` where its position says nothing.
    pub log_seq: Option<Seq>,
    /// Something may be missing that is not replayed.
    pub gap: bool,
    /// The first and the last place among which that lies, if they are known.
    pub range: Option<(Seq, Seq)>,
    /// Items that are replayed.
    pub replayed: u32,
}
