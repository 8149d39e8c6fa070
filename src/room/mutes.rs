//! What is muted for a time, and until when: accounts and tags alike.

use std::borrow::Borrow;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use crate::id::UnixMs;
use crate::limits;

/// Names that are muted, each until its time.
pub(super) struct Mutes<K> {
    until: HashMap<K, UnixMs>,
    by_end: BTreeSet<(UnixMs, K)>,
}

impl<K: Ord> Default for Mutes<K> {
    fn default() -> Mutes<K> {
        Mutes { until: HashMap::new(), by_end: BTreeSet::new() }
    }
}

impl<K: Clone + Eq + Hash + Ord> Mutes<K> {
    /// True if none was ever muted, or all that were have been forgotten.
    pub fn is_empty(&self) -> bool {
        self.until.is_empty()
    }

    /// Until when the name is muted, if it still is.
    pub fn until<Q: Eq + Hash + ?Sized>(&self, name: &Q, now: UnixMs) -> Option<UnixMs>
    where
        K: Borrow<Q>,
    {
        self.until.get(name).copied().filter(|until| *until > now)
    }

    /// True if one more name may be muted for a time.
    pub fn has_room_for(&self, name: &K, now: UnixMs) -> bool {
        let over = self.by_end.iter().take_while(|(until, _)| *until <= now).count();
        self.until.contains_key(name) || self.until.len() - over < limits::TEMP_MUTES_MAX
    }

    /// Mutes a name until then; a time that has come lifts the mute. Forgets the mutes that are over.
    pub fn set(&mut self, name: &K, until: UnixMs, now: UnixMs) {
        while let Some((end, over)) = self.by_end.pop_first() {
            if end > now {
                self.by_end.insert((end, over));
                break;
            }
            self.until.remove(&over);
        }
        if let Some(old) = self.until.remove(name) {
            self.by_end.remove(&(old, name.clone()));
        }
        if until > now {
            self.until.insert(name.clone(), until);
            self.by_end.insert((until, name.clone()));
        }
    }

    /// Every mute, in the order they end.
    pub fn iter(&self) -> impl Iterator<Item = (&K, UnixMs)> {
        self.by_end.iter().map(|(until, name)| (name, *until))
    }
}

/// Seconds until then, rounded up.
pub(super) fn seconds_left(until: UnixMs, now: UnixMs) -> u32 {
    let left_ms = until.0.saturating_sub(now.0).max(0);
    u32::try_from(left_ms.saturating_add(999) / 1000).unwrap_or(u32::MAX)
}
