//! Ids that servers make (im.md §0.1 rule 4): unique in an application, rising within a shard, and each names its shard.

use super::shard::Shard;
use crate::id::UnixMs;
use crate::limits::SHARDS;

/// 2024-01-01, UTC, from which ids count milliseconds.
const BEGIN_MS: i64 = 1_704_067_200_000;
/// Bits of the counter, and of the shard above it.
const COUNTER_BITS: u32 = 6;
const SHARD_BITS: u32 = SHARDS.ilog2();

/// An id out of 41 bits of milliseconds since 2024-01-01, 6 bits of the shard and 6 bits of a counter: 53 bits until the year 2093,
/// so that it survives as a number in JSON. 0 stands for none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ServerId(i64);

impl ServerId {
    /// The id behind a number that [`ServerId::get`] gave.
    pub fn of_number(number: i64) -> ServerId {
        ServerId(number.max(0))
    }

    /// The first id of a shard at this time.
    pub fn first(shard: Shard, now: UnixMs) -> ServerId {
        let most = i64::MAX >> (COUNTER_BITS + SHARD_BITS);
        let ms = now.0.saturating_sub(BEGIN_MS).clamp(1, most - 1);
        ServerId((ms << SHARD_BITS | i64::from(shard.number())) << COUNTER_BITS)
    }

    /// The next id of a shard whose last one this is. Rises whatever the clock does: a full counter takes the next millisecond.
    pub fn next(self, shard: Shard, now: UnixMs) -> ServerId {
        let first = ServerId::first(shard, now);
        if first > self {
            return first;
        }
        let counter_max = (1 << COUNTER_BITS) - 1;
        if self.0 & counter_max < counter_max {
            return ServerId(self.0 + 1);
        }
        ServerId::first(shard, UnixMs(self.time().0.saturating_add(1)))
    }

    /// Its shard.
    pub fn shard(self) -> Shard {
        Shard::masked((self.0 >> COUNTER_BITS).unsigned_abs())
    }

    /// The time it was given, or a little later where many were given at once.
    pub fn time(self) -> UnixMs {
        UnixMs((self.0 >> (COUNTER_BITS + SHARD_BITS)).saturating_add(BEGIN_MS))
    }

    /// The number, as both sides see it.
    pub fn get(self) -> i64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_800_000_000_000);

    fn shard() -> Shard {
        Shard::new(41).unwrap()
    }

    #[test]
    fn an_id_says_its_time_and_shard_in_53_bits() {
        let id = ServerId::default().next(shard(), NOW);
        assert_eq!((id.shard(), id.time()), (shard(), NOW));
        assert_eq!(id.get(), (1_800_000_000_000 - 1_704_067_200_000) << 12 | 41 << 6);
        let last = ServerId::first(Shard::new(63).unwrap(), UnixMs(BEGIN_MS + (1 << 41) - 1));
        assert!(last.get() < 1 << 53);
    }

    #[test]
    fn a_full_counter_takes_the_next_millisecond() {
        let mut id = ServerId::default();
        for count in 0..200 {
            let next = id.next(shard(), NOW);
            assert!(next > id && next.shard() == shard());
            assert_eq!(next.time().0, NOW.0 + count / 64);
            id = next;
        }
        assert_eq!(id.next(shard(), UnixMs(NOW.0 + 10)).time().0, NOW.0 + 10);
    }

    #[test]
    fn a_clock_that_goes_back_or_lies_makes_no_id_twice() {
        let mut id = ServerId::default().next(shard(), NOW);
        for clock in [NOW.0 - 60_000, 0, i64::MIN, NOW.0 + 1, i64::MAX, NOW.0] {
            let next = id.next(shard(), UnixMs(clock));
            assert!(next > id && next.get() > 0 && next.shard() == shard(), "{clock}");
            id = next;
        }
        assert!(ServerId::first(shard(), UnixMs(0)).get() > 0);
        assert_eq!(ServerId::of_number(-1), ServerId::default());
    }
}
