//! How fast history goes: a clock that is wrong must be seen before it costs what cannot be had again.

use std::time::{Duration, Instant};

use super::node::Node;
use crate::id::UnixMs;
use crate::limits::{DEDUP_WINDOW_MS, EXPIRE_EVERY_MS};
use crate::log::Log;

const DAY_MS: i64 = 86_400_000;

/// Plan of one turn of the retention.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Plan {
    /// The time at which the turn takes place, as far as the log is concerned: so late that the oldest day goes, and no other.
    at: Option<UnixMs>,
    /// Days that are older than the retention and stay for now.
    left: usize,
}

/// Plans a turn over the days that are `held`, oldest first. `may_remove` is false at the start of the node.
fn plan(held: &[i64], now: UnixMs, days: u32, may_remove: bool) -> Plan {
    let first_kept = now.0.div_euclid(DAY_MS).saturating_sub(i64::from(days));
    let old = held.iter().filter(|day| **day < first_kept).count();
    let oldest = held.first().filter(|_| old > 0 && may_remove);
    // Entries are kept for as long as a sender may send them again, whatever the retention.
    let gone_at = |day: i64| day.saturating_add(1 + i64::from(days)).saturating_mul(DAY_MS).saturating_add(DEDUP_WINDOW_MS);
    let at = oldest.map(|oldest| now.min(UnixMs(gone_at(*oldest))));
    Plan { at, left: old - usize::from(at.is_some()) }
}

impl Node {
    /// Removes what is older than the retention: one day's worth at most for every hour the node is up. Never returns.
    pub async fn expire(&self) {
        let period = Duration::from_millis(EXPIRE_EVERY_MS);
        let mut hourly = tokio::time::interval(period);
        let started = Instant::now();
        loop {
            hourly.tick().await;
            let (log, now, days) = (self.storage.log.clone(), self.shared.unix(), self.history_days);
            let Plan { at, left } = plan(&log.days(), now, days, started.elapsed() >= period);
            if left > 0 {
                tracing::warn!(
                    days = left,
                    retention_days = days,
                    "more days than one are older than the retention; one goes each hour: if the clock is wrong, set it now"
                );
            }
            let Some(at) = at else { continue };
            expire(log, at, days).await;
        }
    }
}

async fn expire(log: std::sync::Arc<dyn Log>, at: UnixMs, days: u32) {
    match tokio::task::spawn_blocking(move || log.expire(at, days)).await {
        Ok(Ok(0)) => {}
        Ok(Ok(days)) => tracing::info!(days, "history expired"),
        Ok(Err(error)) => tracing::error!(%error, "history could not be expired"),
        Err(error) => tracing::error!(%error, "expiring the history failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Epoch, RoomId, Seq};
    use crate::log::{Batch, Facts, MemoryLog, Pen};

    const TODAY: i64 = 20_000;

    fn noon(day: i64) -> UnixMs {
        UnixMs(day * DAY_MS + DAY_MS / 2)
    }

    #[test]
    fn one_day_goes_in_an_hour_and_none_at_the_start() {
        let held = [TODAY - 12, TODAY - 11, TODAY - 10, TODAY];
        let at_start = plan(&held, noon(TODAY), 10, false);
        assert_eq!(at_start, Plan { at: None, left: 2 });
        let later = plan(&held, noon(TODAY), 10, true);
        assert_eq!(later.left, 1);
        assert_eq!(plan(&held[2..], noon(TODAY), 10, true), Plan { at: None, left: 0 }, "what is young enough stays");
    }

    #[test]
    fn a_clock_a_year_ahead_costs_one_day_in_an_hour() {
        let log = MemoryLog::new().unwrap();
        let (room, mut pen) = (RoomId::new(1).unwrap(), Pen::default());
        let mut entry = |number: i64| {
            let (prev, time) = (Seq(u64::try_from(number).unwrap()), noon(TODAY - 9 + number));
            let facts = Facts { room, seq: prev.next(), prev, epoch: Epoch(1), time, redacts: None, opens: None, keys: vec![] };
            pen.write(facts, 0, |_| {})
        };
        let records = (0..10).map(&mut entry).collect();
        let (done, written) = std::sync::mpsc::channel();
        let committed = Box::new(move |result| done.send(result).unwrap());
        log.append(Batch { records, snapshots: Vec::new(), reports: Vec::new(), committed });
        written.recv().unwrap().unwrap();
        let wrong = noon(TODAY + 365);
        for hour in 1..=3 {
            let before = log.days();
            let at = plan(&before, wrong, 10, true).at.expect("something is older than the retention");
            assert_eq!(log.expire(at, 10).unwrap(), 1, "hour {hour}");
            assert_eq!(log.days(), before[1..]);
        }
    }
}
