//! The part of a room's log that a connection missed (chatroom.md §d.7).

use std::sync::Arc;

use super::space::Place;
use crate::id::{AccountId, Seq};
use crate::subject::Predecessor;
use crate::wire::pb;

/// Range of entries to replay to a connection, and the filter for those that may be meant for it.
#[derive(Clone, PartialEq, Debug)]
pub struct ReplayScope {
    /// The connection has everything up to here.
    pub after: Seq,
    /// It hears everything beyond.
    pub last: Seq,
    /// The last entry the log has, up to `last`.
    pub logged: Seq,
    /// Whose connection it is.
    pub account: AccountId,
    /// The connection it takes over from.
    pub replaces: Option<Predecessor>,
    /// Its tags.
    pub tags: Arc<[Arc<str>]>,
    pub(super) place: Place,
}

impl ReplayScope {
    /// True if the connection receives messages sent at a point.
    pub fn reaches(&self, at: pb::Point) -> bool {
        self.place.hears([at.x, at.y, at.z])
    }

    /// A scope of somebody without tags and without a place.
    pub fn of_all(account: AccountId, after: Seq, last: Seq) -> ReplayScope {
        let (tags, place) = (Arc::from([]), Place::default());
        ReplayScope { after, last, logged: last, account, replaces: None, tags, place }
    }
}
