//! The accounts a node keeps in memory, bounded in bytes: those used last.
//!
//! A part that never had to let a row go knows all of its accounts, so that a name it does not know is nobody's. Others have to be read.
//! An answer carries a [`Stamp`]: as long as that is current nothing has changed about the account.

use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

use super::known::{Known, hash};
use crate::id::AccountId;

/// Parts, so that workers seldom wait for each other.
pub(super) const PARTS: usize = 64;
/// Counters of changes; accounts that share one only look once more than they need.
const STAMPS: usize = 4096;
/// Bytes of a row's slot, with what is free between slots.
const SLOT_BYTES: usize = 24;
/// Slots of a part that gets its first row.
const SLOTS_MIN: usize = 8;

/// How many changes there had been when an account was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp(u32);

/// The answer of memory about an account.
pub(super) enum Found {
    /// It is known.
    Row(Known),
    /// There is no such account.
    Nobody,
    /// The disk has to be asked.
    Unread,
}

/// The beginning of a registration.
pub(super) enum Begun {
    /// The name is taken, until the registration ends.
    New,
    /// It was taken before.
    Taken(Known),
    /// Whether it is free has to be read, or read again.
    Unread,
}

pub(super) struct Cache {
    parts: [Mutex<Part>; PARTS],
    stamps: Box<[AtomicU32]>,
    part_bytes_max: usize,
}

struct Part {
    /// Rows at the place of their hash, or as near behind it as there is one free.
    slots: Vec<Option<Known>>,
    /// Rows that were looked at since the hand came by.
    used: Vec<bool>,
    rows: usize,
    bytes: usize,
    hand: usize,
    is_complete: bool,
    /// Registrations under way: bounded by the threads that register.
    coming: Vec<Coming>,
}

/// A registration under way.
struct Coming {
    known: Known,
    /// The account was changed since: what the registration brought is old.
    is_overtaken: bool,
}

impl Cache {
    /// An empty one that knows all of its accounts.
    pub fn new(bytes_max: usize) -> Cache {
        let part =
            || Part { slots: Vec::new(), used: Vec::new(), rows: 0, bytes: 0, hand: 0, is_complete: true, coming: Vec::new() };
        Cache {
            parts: std::array::from_fn(|_| Mutex::new(part())),
            stamps: (0..STAMPS).map(|_| AtomicU32::default()).collect(),
            part_bytes_max: bytes_max / PARTS,
        }
    }

    /// The answer of memory about an account.
    pub fn find(&self, app: u32, id: &AccountId) -> (Found, Stamp) {
        let mut part = self.part(id).lock();
        let stamp = self.stamp(id);
        let found = match part.position(app, id) {
            Some(at) => {
                part.use_slot(at);
                part.row(at).map_or(Found::Unread, Found::Row)
            }
            None if part.is_complete => Found::Nobody,
            None => Found::Unread,
        };
        (found, stamp)
    }

    /// The stamp an account has now.
    pub fn stamp(&self, id: &AccountId) -> Stamp {
        Stamp(self.counter(id).load(Ordering::Acquire))
    }

    /// An account as it is on disk from now on.
    pub fn put(&self, id: &AccountId, known: Known) {
        let mut part = self.part(id).lock();
        self.count(id);
        part.coming.iter_mut().filter(|coming| coming.known.is_same(&known)).for_each(|coming| coming.is_overtaken = true);
        part.insert(known, self.part_bytes_max);
    }

    /// An account as it was on disk while it had this stamp: kept unless it has changed since. What is known of it now, if anything is.
    pub fn learn(&self, app: u32, id: &AccountId, known: Known, stamp: Stamp) -> Option<Known> {
        let mut part = self.part(id).lock();
        if let Some(at) = part.position(app, id) {
            return part.row(at);
        }
        if self.stamp(id) == stamp {
            part.insert(known, self.part_bytes_max);
        }
        None
    }

    /// An account that the store holds at the start, if there is room for it.
    pub fn load(&self, id: &AccountId, known: Known) {
        let mut part = self.part(id).lock();
        let has_room = part.bytes + known.bytes() + SLOT_BYTES <= self.part_bytes_max;
        if has_room {
            part.insert(known, self.part_bytes_max);
        }
        part.is_complete &= has_room;
    }

    /// True if there is a part that has room for more rows of the store.
    pub fn has_room(&self) -> bool {
        self.parts.iter().any(|part| part.lock().is_complete)
    }

    /// No part knows all of its accounts.
    pub fn expect_more(&self) {
        self.parts.iter().for_each(|part| part.lock().is_complete = false);
    }

    /// Takes a name, unless it is taken. `free` is the stamp with which the disk had no such account.
    pub fn begin(&self, app: u32, id: &AccountId, known: &Known, free: Option<Stamp>) -> Begun {
        let mut part = self.part(id).lock();
        if let Some(taken) = part.position(app, id).and_then(|at| part.row(at)) {
            return Begun::Taken(taken);
        }
        if let Some(coming) = part.coming.iter().find(|coming| coming.known.is(app, id)) {
            return Begun::Taken(coming.known.clone());
        }
        if !part.is_complete && free != Some(self.stamp(id)) {
            return Begun::Unread;
        }
        part.coming.push(Coming { known: known.clone(), is_overtaken: false });
        Begun::New
    }

    /// The end of a registration that took a name: the account is on disk, or is not.
    pub fn end(&self, app: u32, id: &AccountId, is_kept: bool) {
        let mut part = self.part(id).lock();
        let Some(at) = part.coming.iter().position(|coming| coming.known.is(app, id)) else { return };
        let Coming { known, is_overtaken } = part.coming.swap_remove(at);
        if is_kept && !is_overtaken {
            self.count(id);
            part.insert(known, self.part_bytes_max);
        }
    }

    /// Everything may be otherwise on disk.
    pub fn forget(&self) {
        for part in &self.parts {
            let mut part = part.lock();
            (part.slots, part.used) = (Vec::new(), Vec::new());
            (part.rows, part.bytes, part.hand, part.is_complete) = (0, 0, 0, false);
            part.coming.iter_mut().for_each(|coming| coming.is_overtaken = true);
            // Under the lock of a part, so that nobody learns what it read before.
            self.stamps.iter().for_each(|counter| _ = counter.fetch_add(1, Ordering::AcqRel));
        }
    }

    /// Bytes of the rows and their slots.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.lock().bytes).sum()
    }

    fn part(&self, id: &AccountId) -> &Mutex<Part> {
        &self.parts[part_number(id)]
    }

    fn counter(&self, id: &AccountId) -> &AtomicU32 {
        // Accounts of one part never share a counter with those of another.
        &self.stamps[(id.hashed() >> 32) as usize % STAMPS]
    }

    fn count(&self, id: &AccountId) {
        self.counter(id).fetch_add(1, Ordering::AcqRel);
    }
}

/// The part an account lies in.
pub(super) fn part_number(id: &AccountId) -> usize {
    (id.hashed() >> 32) as usize % PARTS
}

impl Part {
    fn position(&self, app: u32, id: &AccountId) -> Option<usize> {
        self.probe(hash(app, id)).find_map(|at| match &self.slots[at] {
            None => Some(None),
            Some(known) if known.is(app, id) => Some(Some(at)),
            Some(_) => None,
        })?
    }

    fn row(&self, at: usize) -> Option<Known> {
        self.slots.get(at).cloned().flatten()
    }

    fn use_slot(&mut self, at: usize) {
        if let Some(used) = self.used.get_mut(at) {
            *used = true;
        }
    }

    /// Adds a row or replaces the one of its account, and lets rows go that were not used lately as long as there are too many bytes.
    fn insert(&mut self, known: Known, bytes_max: usize) {
        if self.rows + 1 > self.slots.len() * 7 / 8 {
            self.grow();
        }
        let bytes = known.bytes() + SLOT_BYTES;
        let place = self.probe(known.hash()).find(|at| self.slots[*at].as_ref().is_none_or(|other| other.is_same(&known)));
        let Some(at) = place else { return };
        match self.slots[at].replace(known) {
            Some(before) => self.bytes -= before.bytes() + SLOT_BYTES,
            None => self.rows += 1,
        }
        self.bytes += bytes;
        self.use_slot(at);
        while self.bytes > bytes_max && self.rows > 0 {
            self.is_complete = false;
            self.hand = if self.hand + 1 < self.slots.len() { self.hand + 1 } else { 0 };
            match std::mem::take(&mut self.used[self.hand]) {
                true => {}
                false => self.remove(self.hand),
            }
        }
    }

    /// Half as many slots more.
    fn grow(&mut self) {
        let slots = SLOTS_MIN.max(self.slots.len() + self.slots.len() / 2);
        let before = std::mem::replace(&mut self.slots, vec![None; slots]);
        let used = std::mem::replace(&mut self.used, vec![false; slots]);
        for (row, used) in before.into_iter().zip(used) {
            let Some(known) = row else { continue };
            if let Some(at) = self.probe(known.hash()).find(|at| self.slots[*at].is_none()) {
                (self.slots[at], self.used[at]) = (Some(known), used);
            }
        }
    }

    /// Empties a slot, and moves those rows up that stood behind it for want of a place.
    fn remove(&mut self, at: usize) {
        let Some(gone) = self.slots[at].take() else { return };
        self.bytes -= gone.bytes() + SLOT_BYTES;
        self.rows -= 1;
        let slots = self.slots.len();
        let mut free = at;
        for next in (1..slots).map(|step| (at + step) % slots) {
            let Some(home) = self.slots[next].as_ref().map(|known| home(known.hash(), slots)) else { break };
            // It may stand anywhere from its home on.
            if (next + slots - home) % slots >= (next + slots - free) % slots {
                self.slots[free] = self.slots[next].take();
                self.used[free] = std::mem::take(&mut self.used[next]);
                free = next;
            }
        }
    }

    /// The slots where a row of this hash may be, in their order.
    fn probe(&self, hash: u32) -> impl Iterator<Item = usize> + use<> {
        let slots = self.slots.len();
        let home = home(hash, slots);
        (0..slots).map(move |step| (home + step) % slots)
    }
}

/// The slot of a hash among so many.
fn home(hash: u32, slots: usize) -> usize {
    // The high bits count; below `slots`, since the hash is below 2^32.
    ((u64::from(hash) * slots as u64) >> u32::BITS) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;

    fn id(name: &str) -> AccountId {
        AccountId::parse(name).unwrap()
    }

    fn row(name: &str, number: i64) -> Known {
        Known::new(0, &Account { number, ..Account::new(id(name)) })
    }

    fn number(cache: &Cache, name: &str) -> Option<i64> {
        match cache.find(0, &id(name)).0 {
            Found::Row(known) => Some(known.number()),
            Found::Nobody | Found::Unread => None,
        }
    }

    #[test]
    fn a_part_holds_what_fits_and_lets_go_what_was_not_used() {
        let part_of = |name: &str| part_number(&id(name));
        let names: Vec<String> = (0..20_000).map(|number| format!("n{number}")).filter(|name| part_of(name) == 0).collect();
        let each = row("n1234", 1).bytes() + SLOT_BYTES;
        let cache = Cache::new(100 * each * PARTS);
        let mut expected = std::collections::BTreeMap::new();
        for (number, name) in (1..).zip(&names) {
            cache.put(&id(name), row(name, number));
            expected.insert(name.clone(), number);
            // The first is used all the time.
            assert_eq!(super::tests::number(&cache, &names[0]), Some(1));
            assert!(cache.bytes() <= 100 * each + 8);
        }
        assert!(names.len() > 200, "enough to turn the part over");
        let here: Vec<_> = names.iter().filter_map(|name| Some((name, super::tests::number(&cache, name)?))).collect();
        assert!(here.len() >= 95 && here.iter().all(|(name, number)| expected[*name] == *number), "{}", here.len());
        assert!(
            matches!(cache.find(0, &id(&names[1])).0, Found::Unread),
            "it has gone, and the part says that it does not know"
        );
        let of_another_part = (0..).map(|number| format!("x{number}")).find(|name| part_of(name) != 0).unwrap();
        assert!(matches!(cache.find(0, &id(&of_another_part)).0, Found::Nobody));
    }

    #[test]
    fn a_row_takes_less_than_100_bytes_and_one_with_token_and_profile_less_than_300() {
        let cache = Cache::new(usize::MAX / 2);
        (0..10_000).for_each(|number| cache.put(&id(&format!("j{number}")), row(&format!("j{number}"), number)));
        let slots: usize = cache.parts.iter().map(|part| part.lock().slots.capacity()).sum();
        // A slot is a pointer with a length and a flag; the allocator rounds a row up to 16 bytes.
        let bytes = slots * (size_of::<Option<Known>>() + 1) + 10_000 * row("j1234", 0).bytes().next_multiple_of(16);
        assert!(bytes < 1_000_000, "{bytes}");
        let account = Account { name: "N".repeat(16), icon: "i".repeat(100), ..Account::new(id("somebody_x")) };
        let full = Known::new(0, &Account { token: crate::account::Secret::new("0".repeat(32)), ..account });
        assert!(full.bytes() + SLOT_BYTES < 300);
    }

    #[test]
    fn what_was_read_before_a_change_is_not_learned_after_it() {
        let cache = Cache::new(1 << 20);
        cache.expect_more();
        let alice = id("alice");
        let (found, stamp) = cache.find(0, &alice);
        assert!(matches!(found, Found::Unread));
        cache.put(&alice, row("alice", 2));
        assert_eq!(cache.learn(0, &alice, row("alice", 1), stamp).map(|known| known.number()), Some(2));
        cache.forget();
        assert!(cache.learn(0, &alice, row("alice", 1), stamp).is_none());
        assert_eq!(number(&cache, "alice"), None, "the stamp is old");
        let stamp = cache.stamp(&alice);
        assert!(cache.learn(0, &alice, row("alice", 3), stamp).is_none());
        assert_eq!(number(&cache, "alice"), Some(3));
    }

    #[test]
    fn a_registration_that_was_overtaken_by_a_change_does_not_take_it_back() {
        let cache = Cache::new(1 << 20);
        let alice = id("alice");
        assert!(matches!(cache.begin(0, &alice, &row("alice", 1), None), Begun::New));
        assert!(matches!(cache.begin(0, &alice, &row("alice", 2), None), Begun::Taken(known) if known.number() == 1));
        assert!(matches!(cache.find(0, &alice).0, Found::Nobody), "it may still fail");
        cache.put(&alice, row("alice", 9));
        cache.end(0, &alice, true);
        assert_eq!(number(&cache, "alice"), Some(9));
        let bob = id("bob");
        assert!(matches!(cache.begin(0, &bob, &row("bob", 3), None), Begun::New));
        cache.end(0, &bob, false);
        assert!(matches!(cache.find(0, &bob).0, Found::Nobody));
    }

    #[test]
    fn a_name_is_free_on_the_word_of_the_disk_only_while_nothing_has_changed() {
        let cache = Cache::new(1 << 20);
        cache.expect_more();
        let alice = id("alice");
        assert!(matches!(cache.begin(0, &alice, &row("alice", 1), None), Begun::Unread));
        let stamp = cache.stamp(&alice);
        cache.put(&alice, row("alice", 5));
        cache.forget();
        assert!(matches!(cache.begin(0, &alice, &row("alice", 1), Some(stamp)), Begun::Unread));
        let stamp = cache.stamp(&alice);
        assert!(matches!(cache.begin(0, &alice, &row("alice", 1), Some(stamp)), Begun::New));
    }

    #[test]
    fn rows_stay_where_they_are_found_while_others_come_and_go() {
        let mut part =
            Part { slots: Vec::new(), used: Vec::new(), rows: 0, bytes: 0, hand: 0, is_complete: true, coming: Vec::new() };
        let mut random = fastrand::Rng::with_seed(7);
        let mut here = std::collections::BTreeSet::new();
        for _ in 0..20_000 {
            let number = random.i64(0..300);
            let name = format!("m{number}");
            match part.position(0, &id(&name)) {
                Some(at) if random.bool() => {
                    part.remove(at);
                    here.remove(&number);
                }
                Some(_) => {}
                None => {
                    assert!(!here.contains(&number));
                    part.insert(row(&name, number), usize::MAX);
                    here.insert(number);
                }
            }
        }
        assert!(here.iter().all(|number| part.position(0, &id(&format!("m{number}"))).is_some()));
        assert_eq!((part.rows, part.slots.iter().flatten().count()), (here.len(), here.len()));
    }
}
