//! Rooms made by clients that everybody has left, and when each of them ends (chatroom.md §a.3, §c.6). Such a room leaves memory like
//! any other that nobody uses; what stays of it here is a time, and it is read again when that has come. After a start of the node the
//! rooms that the log knows to exist are read one after the other: nobody is in them, so they end unless somebody comes back.

use std::collections::{BTreeSet, VecDeque};

use super::hub::{Effect, Hub};
use super::live::Owned;
use super::mail::owner_of;
use crate::id::{ByNumber, UnixMs};
use crate::limits::ENDINGS_PER_TICK;
use crate::subject::{AccountHash, Key, Note, Subject};

/// A room that everybody has left.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Left {
    since: UnixMs,
    ends_at: UnixMs,
    maker: Maker,
}

/// The maker of a room: an account, and its application.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Maker {
    account: AccountHash,
    app: AccountHash,
}

/// The rooms of one worker that wait for their end.
pub(super) struct Endings<K> {
    left: ByNumber<K, Left>,
    by_time: BTreeSet<(UnixMs, K)>,
    /// Rooms that were there before the node started and have not been looked at since.
    unseen: VecDeque<K>,
}

impl<K> Default for Endings<K> {
    fn default() -> Endings<K> {
        Endings { left: ByNumber::default(), by_time: BTreeSet::new(), unseen: VecDeque::new() }
    }
}

impl<K: Key> Endings<K> {
    /// Since when nobody is in a room.
    pub fn left_since(&self, room: K) -> Option<UnixMs> {
        self.left.get(&room).map(|left| left.since)
    }
}

impl<S: Subject> Hub<S> {
    /// The rooms made by clients that the log knows to exist, at the start. Those of other workers are passed over.
    pub fn expect_endings(&mut self, rooms: &[S::Key]) {
        let (worker, workers) = (self.config.worker, self.config.workers);
        self.owner.endings.unseen.extend(rooms.iter().filter(|room| owner_of(**room, workers) == worker));
    }

    /// How many rooms wait for their end, in memory or not.
    pub fn waiting_for_end(&self) -> usize {
        self.owner.endings.left.len()
    }

    /// Somebody has come into a room made by a client, or left it, or it has ended.
    pub(super) fn note_left(&mut self, id: S::Key) {
        let Some(Owned::Live(live)) = self.owner.subjects.get(&id) else { return };
        let room = &live.subject;
        // The room's own clock may be ahead, and by less when it is read again.
        let on_our_clock = |at: UnixMs| UnixMs(at.0.saturating_sub(live.ahead_ms));
        let left = room.ends_at().zip(room.maker()).map(|(ends_at, maker)| Left {
            since: on_our_clock(room.empty_since()),
            ends_at: on_our_clock(ends_at),
            maker: Maker {
                account: self.config.accounts.account(room.app_key(), maker),
                app: self.config.accounts.app(room.app_key()),
            },
        });
        let before = match left {
            Some(left) => self.owner.endings.left.insert(id, left),
            None => self.owner.endings.left.remove(&id),
        };
        if left == before {
            return;
        }
        if let Some(before) = before {
            self.owner.endings.by_time.remove(&(before.ends_at, id));
            self.note_waiting(before.maker, false);
        }
        if let Some(left) = left {
            self.owner.endings.by_time.insert((left.ends_at, id));
            self.note_waiting(left.maker, true);
        }
    }

    /// Makers of the subjects that wait for their end: for each of them its account and its application.
    pub fn makers_waiting(&self) -> impl Iterator<Item = AccountHash> {
        self.owner.endings.left.values().flat_map(|left| [left.maker.account, left.maker.app])
    }

    /// Has the owners of an account and of its application count a room that waits for its end, or count it no more.
    fn note_waiting(&mut self, maker: Maker, is_one_more: bool) {
        for hash in [maker.account, maker.app] {
            self.notes.push(Note::Waits { hash, is_one_more });
        }
    }

    /// Has rooms read whose end has come while they were not in memory, and those that nobody has looked at since the start, a few
    /// at a time.
    pub(super) fn read_ending_rooms(&mut self) {
        let due = self.owner.endings.by_time.iter().take_while(|(at, _)| *at <= self.clock.steady).map(|(_, id)| *id);
        let mut ids: Vec<S::Key> = due.filter(|id| !self.owner.subjects.contains_key(id)).take(ENDINGS_PER_TICK).collect();
        // Those who were in a room as the node went down have the grace to come back to it.
        if self.clock.started.is_some_and(|started| self.clock.now >= started.plus_ms(self.config.detach_grace_ms)) {
            while ids.len() < ENDINGS_PER_TICK
                && let Some(id) = self.owner.endings.unseen.pop_front()
            {
                ids.extend(
                    Some(id).filter(|id| !self.owner.subjects.contains_key(id) && !self.owner.endings.left.contains_key(id)),
                );
            }
        }
        for id in ids {
            self.owner.subjects.insert(id, Owned::Loading(Vec::new()));
            self.effects.push(Effect::Load(id));
        }
    }
}
