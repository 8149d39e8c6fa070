//! What a room says of positions that clients name (chatroom.md §d.7).

use super::position::ReplayScope;
use super::state::Room;
use crate::id::{AccountId, ConnId, Epoch, Seq};
use crate::subject::{Link, Predecessor, Standing};

impl Room {
    /// The state of a position that somebody names, where the room's entries reach up to `last` and the node is in epoch `now`.
    pub fn standing(&self, now: Epoch, position: (Epoch, Seq), last: Seq) -> Standing {
        let (epoch, seq) = position;
        // A store that was put back to an earlier state knows nothing of what came after.
        if epoch > now { Standing::Unknown } else { self.boundaries.standing(epoch, seq, last) }
    }

    /// The last entry that belongs in the log.
    pub fn logged_seq(&self) -> Seq {
        self.logged_seq
    }

    /// Notes what the log says of an entry's epoch, before the entry is replayed. An entry that an earlier program wrote says
    /// nothing: positions of earlier epochs are not trusted then.
    pub fn replay_epoch(&mut self, epoch: Epoch, seq: Seq, link: &Link) {
        if seq > self.last_seq {
            self.boundaries.note(epoch, link.epoch_first.unwrap_or(Seq(1)));
        }
    }

    /// Scope of the items a connection missed after `after`, up to `last`.
    pub fn replay_scope(
        &self,
        account: &AccountId,
        connection: ConnId,
        replaces: Option<Predecessor>,
        after: Seq,
        last: Seq,
    ) -> ReplayScope {
        ReplayScope {
            // What stands before the room's birth belongs to another.
            after: after.max(Seq(self.born.0.saturating_sub(1))),
            last,
            logged: self.logged_seq.min(last),
            account: account.clone(),
            replaces,
            tags: self.people.tags().of(connection).into(),
            place: self.people.space().place(connection),
        }
    }

    /// An epoch begins for the room with this number.
    pub fn note_epoch(&mut self, epoch: Epoch, first: Seq) {
        self.boundaries.note(epoch, first);
    }
}
