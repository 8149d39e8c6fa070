//! How much is too much: a bucket of tokens in one number.

use crate::error::{Code, Status, Sub};
use crate::id::UnixMs;

/// So many per second, and so many at once after a rest. A rate of 0 bounds nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Pace {
    pub per_second: u32,
    pub burst: u32,
}

/// What has been taken of a pace: the time, in microseconds, at which the bucket is full again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Bucket {
    full_us: i64,
}

impl Bucket {
    /// The bucket after one more, or 416 with the time to wait.
    pub fn take(self, now: UnixMs, pace: Pace) -> Result<Bucket, Status> {
        if pace.per_second == 0 {
            return Ok(self);
        }
        let each_us = 1_000_000 / i64::from(pace.per_second);
        let room_us = each_us.saturating_mul(i64::from(pace.burst.max(1)) - 1);
        let now_us = now.0.saturating_mul(1000);
        let full_us = self.full_us.max(now_us);
        let wait_us = full_us.saturating_sub(now_us).saturating_sub(room_us);
        too_frequent(wait_us.saturating_add(999) / 1000)?;
        Ok(Bucket { full_us: full_us.saturating_add(each_us) })
    }
}

/// 416 if there is anything to wait for.
pub(super) fn too_frequent(wait_ms: i64) -> Result<(), Status> {
    if wait_ms <= 0 {
        return Ok(());
    }
    let retry_after_ms = u32::try_from(wait_ms).unwrap_or(u32::MAX);
    Err(Status { retry_after_ms, ..Status::with_sub(Code::TooFrequent, Sub::MessageRate) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_pace_holds() {
        let pace = Pace { per_second: 10, burst: 20 };
        let mut bucket = Bucket::default();
        for _ in 0..20 {
            bucket = bucket.take(UnixMs(1_000_000), pace).unwrap();
        }
        let refused = bucket.take(UnixMs(1_000_000), pace).unwrap_err();
        assert_eq!((refused.code, refused.retry_after_ms), (Code::TooFrequent, 100));
        bucket = bucket.take(UnixMs(1_000_100), pace).unwrap();
        assert_eq!(bucket.take(UnixMs(1_000_150), pace).unwrap_err().retry_after_ms, 50);
    }

    #[test]
    fn a_rate_of_zero_bounds_nothing() {
        let mut bucket = Bucket::default();
        for _ in 0..10_000 {
            bucket = bucket.take(UnixMs(5), Pace { per_second: 0, burst: 0 }).unwrap();
        }
    }
}
