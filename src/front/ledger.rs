//! Counts how much of one kind of memory all connections of a node hold together, and chooses which connection has to go when
//! that is too much: of the address that holds most, the one that has held it longest. The oldest of all would be an honest slow
//! one, thrown out by any peer that opens more.

use core::net::{IpAddr, Ipv6Addr};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::id::{ConnId, Time};
use crate::limits::LEDGER_ADDRESSES_LOOKED_AT;

/// Told of a connection that has to go. Must not call the ledger.
type Dismiss = Box<dyn Fn(ConnId) + Send + Sync>;

/// Bytes by address and connection, with a bound on their sum. Any thread.
pub(crate) struct Ledger {
    bytes_max: usize,
    /// How long a connection may hold what it holds before it can be made to go. Beyond twice the bound anybody can.
    patience_ms: u64,
    dismiss: Dismiss,
    held: AtomicUsize,
    reserved: AtomicUsize,
    rows: Mutex<Rows>,
}

#[derive(Default)]
struct Rows {
    by_address: HashMap<IpAddr, Row>,
    by_bytes: BTreeSet<(usize, IpAddr)>,
    claims_made: u64,
    /// Claims of those who have been told to go and have not gone yet, and the sum of their bytes.
    leaving: HashMap<u64, usize>,
    leaving_bytes: usize,
}

#[derive(Default)]
struct Row {
    bytes: usize,
    /// Those that can be made to go, the longest held first.
    claims: BTreeMap<u64, Held>,
}

struct Held {
    connection: ConnId,
    since: Time,
    bytes: usize,
}

impl Ledger {
    pub(super) fn new(bytes_max: usize, patience_ms: u64, dismiss: Dismiss) -> Ledger {
        let (held, reserved) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Ledger { bytes_max, patience_ms, dismiss, held, reserved, rows: Mutex::default() }
    }

    /// Bytes held, and bytes reserved for what is under way.
    pub(crate) fn bytes(&self) -> usize {
        self.held.load(Ordering::Relaxed).saturating_add(self.reserved.load(Ordering::Relaxed))
    }

    /// True if half of the bytes that may be held are held.
    pub(crate) fn is_half_full(&self) -> bool {
        self.bytes() >= self.bytes_max / 2
    }

    /// Sets bytes aside for what is about to be made. False: there are none; who has held some for too long is made to go.
    pub(crate) fn reserve(&self, now: Time, bytes: usize) -> bool {
        let before = self.reserved.fetch_add(bytes, Ordering::AcqRel);
        let used = before.saturating_add(self.held.load(Ordering::Relaxed));
        if used == 0 || used.saturating_add(bytes) <= self.bytes_max {
            return true;
        }
        self.release(bytes);
        self.make_room(now, used.saturating_add(bytes));
        false
    }

    /// Gives back what was reserved.
    pub(crate) fn release(&self, bytes: usize) {
        self.reserved.fetch_sub(bytes, Ordering::AcqRel);
    }

    /// Makes so many go that `used` bytes come down to the bound.
    fn make_room(&self, now: Time, used: usize) {
        if used <= self.bytes_max {
            return;
        }
        let mut victims = SmallVec::<[ConnId; 4]>::new();
        let mut rows = self.rows.lock();
        while used.saturating_sub(rows.leaving_bytes) > self.bytes_max {
            let patience_ms = if used / 2 > self.bytes_max { 0 } else { self.patience_ms };
            let Some(victim) = rows.take_oldest_of_most(now, patience_ms) else { break };
            victims.push(victim);
        }
        drop(rows);
        victims.into_iter().for_each(|victim| (self.dismiss)(victim));
    }
}

impl Rows {
    /// Takes out the claim that has to go, if one may.
    fn take_oldest_of_most(&mut self, now: Time, patience_ms: u64) -> Option<ConnId> {
        let oldest = |row: &Row| row.claims.first_key_value().map(|(stamp, held)| (*stamp, held.since));
        let is_over = |row: &Row| oldest(row).is_some_and(|(_, since)| now.ms_since(since) >= patience_ms);
        let most = self.by_bytes.iter().rev().take(LEDGER_ADDRESSES_LOOKED_AT);
        let address = most.map(|(_, address)| *address).find(|address| self.by_address.get(address).is_some_and(is_over))?;
        let (stamp, held) = self.by_address.get_mut(&address)?.claims.pop_first()?;
        self.leaving.insert(stamp, held.bytes);
        self.leaving_bytes += held.bytes;
        // It holds no more, as far as who holds most is concerned.
        self.change(address, held.bytes, 0);
        self.tidy(address);
        Some(held.connection)
    }

    /// One address holds `to` bytes instead of `from`.
    fn change(&mut self, address: IpAddr, from: usize, to: usize) -> &mut Row {
        let row = self.by_address.entry(address).or_default();
        self.by_bytes.remove(&(row.bytes, address));
        row.bytes = row.bytes.saturating_sub(from).saturating_add(to);
        self.by_bytes.insert((row.bytes, address));
        row
    }

    /// Nothing is kept of an address that holds nothing.
    fn tidy(&mut self, address: IpAddr) {
        if self.by_address.get(&address).is_some_and(|row| row.bytes == 0) {
            self.by_bytes.remove(&(0, address));
            self.by_address.remove(&address);
        }
    }

    /// Of a claim that has been told to go: it holds so many bytes now. False: it has not.
    fn change_leaving(&mut self, stamp: u64, bytes: usize) -> bool {
        let Some(before) = self.leaving.remove(&stamp) else { return false };
        self.leaving_bytes = self.leaving_bytes.saturating_sub(before).saturating_add(bytes);
        if bytes > 0 {
            self.leaving.insert(stamp, bytes);
        }
        true
    }
}

/// Bytes one connection holds. Gives them back when it is dropped.
pub(crate) struct Claim {
    ledger: Arc<Ledger>,
    address: IpAddr,
    connection: ConnId,
    /// Its place among those of its address, 0 while it holds nothing it could be made to give back.
    stamp: u64,
    bytes: usize,
}

impl Claim {
    /// A claim on nothing yet.
    pub(crate) fn new(ledger: Arc<Ledger>, address: IpAddr, connection: ConnId) -> Claim {
        Claim { ledger, address: network_of(address), connection, stamp: 0, bytes: 0 }
    }

    /// It holds so many bytes. `is_new`: not the same as before, but what came after them. With `stays` nobody makes it go for them.
    pub(crate) fn set(&mut self, now: Time, bytes: usize, is_new: bool, stays: bool) {
        if bytes == self.bytes && !is_new && stays == (self.stamp == 0) {
            return;
        }
        let ledger = self.ledger.clone();
        let before = std::mem::replace(&mut self.bytes, bytes);
        if bytes >= before {
            ledger.held.fetch_add(bytes - before, Ordering::AcqRel);
        } else {
            ledger.held.fetch_sub(before - bytes, Ordering::AcqRel);
        }
        self.enter(now, &mut ledger.rows.lock(), before, is_new, stays);
        if bytes > before {
            ledger.make_room(now, ledger.bytes());
        }
    }

    fn enter(&mut self, now: Time, rows: &mut Rows, before: usize, is_new: bool, stays: bool) {
        let bytes = self.bytes;
        if self.stamp != 0 && rows.change_leaving(self.stamp, bytes) {
            return;
        }
        rows.claims_made += 1;
        let stamp = rows.claims_made;
        let row = rows.change(self.address, before, bytes);
        if bytes == 0 || stays {
            row.claims.remove(&self.stamp);
            self.stamp = 0;
        } else if let Some(held) = row.claims.get_mut(&self.stamp).filter(|_| !is_new) {
            held.bytes = bytes;
        } else {
            row.claims.remove(&self.stamp);
            row.claims.insert(stamp, Held { connection: self.connection, since: now, bytes });
            self.stamp = stamp;
        }
        rows.tidy(self.address);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.set(Time::default(), 0, false, true);
    }
}

/// Whose an address is: of the sixth version one has 2^64 of them.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(7_000_000);

    struct World {
        ledger: Arc<Ledger>,
        gone: Arc<Mutex<Vec<u32>>>,
    }

    impl World {
        fn new(bytes_max: usize, patience_ms: u64) -> World {
            let gone: Arc<Mutex<Vec<u32>>> = Arc::default();
            let told = gone.clone();
            let dismiss = Box::new(move |id: ConnId| told.lock().push(u32::try_from(id.slot()).unwrap()));
            World { ledger: Arc::new(Ledger::new(bytes_max, patience_ms, dismiss)), gone }
        }

        fn claim(&self, address: [u8; 4], connection: u32, bytes: usize) -> Claim {
            let mut claim = Claim::new(self.ledger.clone(), address.into(), ConnId::new(0, 1, connection));
            claim.set(NOW, bytes, false, false);
            claim
        }

        fn gone(&self) -> Vec<u32> {
            std::mem::take(&mut self.gone.lock())
        }
    }

    const HONEST: [u8; 4] = [10, 0, 0, 1];
    const GREEDY: [u8; 4] = [10, 0, 0, 2];

    #[test]
    fn the_address_that_holds_most_loses_its_oldest_and_not_the_oldest_of_all() {
        let world = World::new(1000, 0);
        let mut oldest = world.claim(HONEST, 1, 300);
        let (mut second, third) = (world.claim(GREEDY, 2, 300), world.claim(GREEDY, 3, 300));
        assert!(world.gone().is_empty());
        oldest.set(NOW, 400, false, false);
        assert!(world.gone().is_empty(), "just what may be held");
        let _fourth = world.claim(GREEDY, 4, 100);
        assert_eq!(world.gone(), [2]);
        second.set(NOW, 350, false, false);
        let _fifth = world.claim(GREEDY, 5, 100);
        assert!(world.gone().is_empty(), "who has been told to go is told once, and nobody goes in its place");
        drop(second);
        assert_eq!(world.ledger.bytes(), 900);
        drop(third);
    }

    #[test]
    fn what_begins_anew_is_not_old() {
        let world = World::new(100, 0);
        let (mut first, _second) = (world.claim(GREEDY, 1, 40), world.claim(GREEDY, 2, 40));
        first.set(NOW, 45, true, false);
        let _third = world.claim(GREEDY, 3, 30);
        assert_eq!(world.gone(), [2]);
    }

    #[test]
    fn who_holds_it_for_our_sake_stays_and_nothing_remains_of_who_has_gone() {
        let world = World::new(100, 0);
        let mut ours = world.claim(HONEST, 1, 0);
        ours.set(NOW, 500, false, true);
        assert!(world.gone().is_empty());
        ours.set(NOW, 500, false, false);
        let theirs = world.claim(GREEDY, 2, 1);
        assert_eq!(world.gone(), [1]);
        drop((ours, theirs));
        let rows = world.ledger.rows.lock();
        assert!(rows.by_address.is_empty() && rows.by_bytes.is_empty() && rows.leaving.is_empty());
        assert_eq!((rows.leaving_bytes, world.ledger.bytes()), (0, 0));
    }

    #[test]
    fn what_is_reserved_counts_and_who_makes_no_progress_for_too_long_goes_for_it() {
        let world = World::new(100, 3_600_000);
        let _held = world.claim(HONEST, 1, 60);
        assert!(world.ledger.reserve(NOW, 40) && !world.ledger.reserve(NOW, 1));
        assert!(world.gone().is_empty(), "it has not held it for an hour");
        world.ledger.release(40);
        assert!(world.ledger.reserve(NOW, 30) && world.ledger.bytes() == 90);
        world.ledger.release(30);
        let impatient = World::new(100, 0);
        let _held = impatient.claim(HONEST, 1, 60);
        assert!(!impatient.ledger.reserve(NOW, 41));
        assert_eq!(impatient.gone(), [1]);
        let empty = World::new(100, 0);
        assert!(empty.ledger.reserve(NOW, 1000), "one alone is made, however long");
        assert!(!empty.ledger.reserve(NOW, 1));
    }

    #[test]
    fn the_addresses_of_one_network_of_the_sixth_version_are_one() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1:2:3"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_ne!(network("10.0.0.1"), network("10.0.0.2"));
    }
}
