//! Positions in a room that clients name: which of them still hold (im.md §0.2, chatroom.md §d.7).
//!
//! A number means one thing within its epoch. A crash takes numbers back that were given and never became durable, and the next
//! epoch gives them again; so a position holds as long as no later epoch began at or before it.

use crate::subject::Standing;
use std::sync::Arc;

use smallvec::SmallVec;

use super::space::Place;
use crate::id::{AccountId, ConnId, Epoch, Seq};
use crate::limits::ROOM_EPOCHS_MAX;
use crate::wire::pb;

/// The last epochs in which a room got entries, ascending, each with the number it began with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Boundaries(SmallVec<[(Epoch, Seq); 1]>);

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

    /// The state of a position in a room whose entries reach up to `last`.
    pub fn standing(&self, epoch: Epoch, seq: Seq, last: Seq) -> Standing {
        if self.0.first().is_none_or(|(oldest, _)| epoch < *oldest) {
            return Standing::Unknown;
        }
        let taken_back = self.0.iter().filter(|(later, first)| *later > epoch && *first <= seq);
        let stands = taken_back.map(|(_, first)| Seq(first.0.saturating_sub(1))).min().unwrap_or(seq).min(last);
        if stands < seq { Standing::RolledBack { to: stands } } else { Standing::Valid }
    }
}

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
    /// The connection it takes over from: what that one said itself is not missing.
    pub replaces: Option<ConnId>,
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
