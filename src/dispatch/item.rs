//! Items of a feed: one frame serves many connections.

use bytes::Bytes;

use crate::id::{ConnId, Seq, Time};
use crate::limits::FEED_SAVED_FRAME_BYTES;
use crate::subject::{Audience, Class, Downlink};

/// A frame of a subject, encoded once, for whoever of the subject hears it.
#[derive(Clone, Debug)]
pub struct Item {
    /// The bytes on the wire.
    pub frame: Bytes,
    /// Its place in the subject.
    pub seq: Seq,
    /// Who hears it.
    pub audience: Audience,
    /// What is left out first when a reader cannot have everything (chatroom.md §e.7).
    pub class: Class,
    /// How much of the subject one reader is sent, as the subject's settings have it by now.
    pub downlink: Downlink,
    /// When it came.
    pub at: Time,
}

impl Item {
    pub(super) fn is_for(&self, connection: ConnId) -> bool {
        self.audience.admits(connection)
    }

    /// True if it is for the many: for whoever its audience does not name.
    pub(super) fn is_common(&self) -> bool {
        !matches!(self.audience, Audience::Only(_))
    }

    /// About how many bytes it keeps: the frame, and the connections its audience names.
    pub fn weight(&self) -> usize {
        self.frame.len() + size_of_val(self.audience.named())
    }

    /// Weight of the item once the ring has dropped it.
    pub(super) fn saved_weight(&self) -> usize {
        self.frame.len().min(FEED_SAVED_FRAME_BYTES) + size_of_val(self.audience.named())
    }
}
