//! Callers that fail to prove who they are, counted by address: who does it too often has to wait.
//!
//! Nobody is locked out: a call that proves itself is worked on wherever it comes from, and checking that costs a microsecond.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use parking_lot::Mutex;

use crate::limits::{HTTP_FAILING_ADDRESSES_MAX, HTTP_FAILURES_BURST, HTTP_FAILURES_PER_SECOND};

/// Failures by address. Any thread.
pub(super) struct Strangers {
    table: Mutex<Table>,
    addresses_max: usize,
}

#[derive(Default)]
struct Table {
    rows: HashMap<IpAddr, Bucket>,
    swept_ms: u64,
}

/// A token bucket in thousandths of a failure, which flow in one per millisecond and failure per second.
#[derive(Clone, Copy)]
struct Bucket {
    parts: u64,
    filled_ms: u64,
}

const FAILURE: u64 = 1000;
const FULL: u64 = HTTP_FAILURES_BURST * FAILURE;
/// Where the addresses are counted that find no row of their own.
const SHARED: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
/// How often rows that say nothing any more are looked for.
const SWEEP_MS: u64 = 1000;

impl Strangers {
    /// Nobody has failed yet.
    pub(super) fn new() -> Strangers {
        Strangers { table: Mutex::default(), addresses_max: HTTP_FAILING_ADDRESSES_MAX }
    }

    /// Counts a failure; true if the address has failed too often.
    pub(super) fn fail(&self, now_ms: u64, address: IpAddr) -> bool {
        let mut table = self.table.lock();
        let name = network(address);
        let name = if table.rows.contains_key(&name) || table.has_place(now_ms, self.addresses_max) { name } else { SHARED };
        let bucket = table.rows.entry(name).or_insert(Bucket { parts: FULL, filled_ms: now_ms });
        bucket.fill(now_ms);
        let is_over = bucket.parts < FAILURE;
        bucket.parts = bucket.parts.saturating_sub(FAILURE);
        is_over
    }

    /// Whether the next failure of an address would be one too many.
    pub(super) fn is_over(&self, now_ms: u64, address: IpAddr) -> bool {
        let table = self.table.lock();
        let of = |name: &IpAddr| table.rows.get(name).map(|bucket| bucket.at(now_ms) < FAILURE);
        of(&network(address)).or_else(|| of(&SHARED).filter(|_| table.rows.len() >= self.addresses_max)).unwrap_or(false)
    }
}

impl Table {
    /// Whether there is a place for another row; rows that say nothing any more are thrown out where there is none.
    fn has_place(&mut self, now_ms: u64, rows_max: usize) -> bool {
        if self.rows.len() >= rows_max && now_ms.saturating_sub(self.swept_ms) >= SWEEP_MS {
            self.swept_ms = now_ms;
            self.rows.retain(|_, bucket| bucket.at(now_ms) < FULL);
        }
        self.rows.len() < rows_max
    }
}

impl Bucket {
    fn at(&self, now_ms: u64) -> u64 {
        let gained = now_ms.saturating_sub(self.filled_ms).saturating_mul(HTTP_FAILURES_PER_SECOND);
        self.parts.saturating_add(gained).min(FULL)
    }

    fn fill(&mut self, now_ms: u64) {
        *self = Bucket { parts: self.at(now_ms), filled_ms: now_ms };
    }
}

/// Whose failures are counted together: an IPv4 address, or the 64 bits of IPv6 that one subscriber has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const TWO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn who_fails_too_often_is_told_from_who_does_not_and_time_heals() {
        let strangers = Strangers::new();
        assert!((0..HTTP_FAILURES_BURST).all(|_| !strangers.is_over(0, ONE) && !strangers.fail(0, ONE)));
        assert!(strangers.is_over(0, ONE) && strangers.fail(0, ONE) && strangers.fail(99, ONE));
        assert!(!strangers.is_over(0, TWO) && !strangers.fail(0, TWO));
        assert!(!strangers.is_over(199, ONE) && !strangers.fail(199, ONE) && strangers.fail(199, ONE));
        assert!((0..HTTP_FAILURES_BURST).all(|_| !strangers.fail(10_000, ONE)));
    }

    #[test]
    fn the_addresses_of_one_subscriber_are_counted_together() {
        let strangers = Strangers::new();
        let of = |host: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, host));
        for host in 0..50 {
            strangers.fail(0, of(host));
        }
        assert!(strangers.is_over(0, of(99)) && !strangers.is_over(0, "2001:db8:0:2::1".parse().unwrap()));
    }

    #[test]
    fn the_table_is_bounded_and_whom_it_has_no_row_for_shares_one() {
        let strangers = Strangers { addresses_max: 2, ..Strangers::new() };
        let address = |last: u8| IpAddr::from([198, 51, 100, last]);
        let fail = |now_ms, last| (0..60).map(|_| strangers.fail(now_ms, address(last))).filter(|over| *over).count();
        assert_eq!((fail(0, 1), fail(0, 2), fail(0, 3)), (10, 10, 10));
        assert!(strangers.is_over(0, address(4)) && fail(0, 4) == 60);
        assert!(strangers.table.lock().rows.len() <= 3);
        // After some seconds the rows are full again and make place.
        assert_eq!(fail(60_000, 5), 10);
        assert!(strangers.table.lock().rows.len() <= 2);
    }
}
