//! Positions in a subject that clients name: which of them still hold (im.md §0.2), and what was missed since.
//!
//! A number means one thing within its epoch. A crash takes numbers back that were given and never became durable, and the next
//! epoch gives them again; so a position holds as long as no later epoch began at or before it.

use smallvec::SmallVec;

use super::entry::PushBody;
use crate::id::{ConnId, Epoch, Seq};
use crate::limits::ROOM_EPOCHS_MAX;

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

/// The last epochs in which a subject got entries, ascending, each with the number it began with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Boundaries(SmallVec<[(Epoch, Seq); 1]>);

impl Boundaries {
    /// Notes that an epoch began with this entry, unless the epoch is known.
    pub fn note(&mut self, epoch: Epoch, first: Seq) {
        if self.0.last().is_some_and(|(last, _)| *last >= epoch) {
            return;
        }
        if self.0.len() >= ROOM_EPOCHS_MAX {
            self.0.remove(0);
        }
        self.0.push((epoch, first));
    }

    /// The number an epoch began with, if it is the latest.
    pub fn first_of(&self, epoch: Epoch) -> Option<Seq> {
        self.0.last().filter(|(last, _)| *last == epoch).map(|(_, first)| *first)
    }

    /// All of them, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (Epoch, Seq)> {
        self.0.iter().copied()
    }

    /// The state of a position in a subject whose entries reach up to `last`.
    pub fn standing(&self, epoch: Epoch, seq: Seq, last: Seq) -> Standing {
        if self.0.first().is_none_or(|(oldest, _)| epoch < *oldest) {
            return Standing::Unknown;
        }
        let taken_back = self.0.iter().filter(|(later, first)| *later > epoch && *first <= seq);
        let stands = taken_back.map(|(_, first)| Seq(first.0.saturating_sub(1))).min().unwrap_or(seq).min(last);
        if stands < seq { Standing::RolledBack { to: stands } } else { Standing::Valid }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boundaries(of: &[(u64, u64)]) -> Boundaries {
        let mut boundaries = Boundaries::default();
        of.iter().for_each(|(epoch, first)| boundaries.note(Epoch(*epoch), Seq(*first)));
        boundaries
    }

    #[test]
    fn a_position_holds_until_a_later_epoch_begins_at_or_before_it() {
        let known = boundaries(&[(1, 1), (3, 8), (4, 12)]);
        let standing = |epoch, seq| known.standing(Epoch(epoch), Seq(seq), Seq(15));
        assert_eq!(standing(1, 7), Standing::Valid);
        assert_eq!(standing(1, 8), Standing::RolledBack { to: Seq(7) });
        assert_eq!(standing(2, 9), Standing::RolledBack { to: Seq(7) }, "an epoch without entries of its own");
        assert_eq!(standing(3, 11), Standing::Valid);
        assert_eq!(standing(3, 14), Standing::RolledBack { to: Seq(11) });
        assert_eq!(standing(1, 14), Standing::RolledBack { to: Seq(7) }, "the least of all");
        assert_eq!(standing(4, 15), Standing::Valid);
        assert_eq!(standing(4, 16), Standing::RolledBack { to: Seq(15) });
        assert_eq!(standing(0, 1), Standing::Unknown);
    }

    #[test]
    fn sixty_four_epochs_are_kept_and_older_positions_are_unknown() {
        let all: Vec<(u64, u64)> = (1..=100).map(|epoch| (epoch, 10 * epoch)).collect();
        let known = boundaries(&all);
        assert_eq!(known.iter().count(), ROOM_EPOCHS_MAX);
        assert_eq!(known.standing(Epoch(36), Seq(1), Seq(2000)), Standing::Unknown);
        assert_eq!(known.standing(Epoch(37), Seq(379), Seq(2000)), Standing::Valid);
    }
}
