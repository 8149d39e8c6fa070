//! The word on the store: well, or failed and why. Any thread may report a failure; the writer alone reopens.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::limits::{STORE_RETRY_MS_FIRST, STORE_RETRY_MS_MAX, STORE_STEADY_MS};

type Nudge = Box<dyn Fn() + Send + Sync>;

/// State of the store's health, shared by its users.
#[derive(Default)]
pub(super) struct Health {
    has_failed: AtomicBool,
    cause: Mutex<String>,
    nudge: OnceLock<Nudge>,
    told: OnceLock<Nudge>,
}

impl Health {
    /// Why the store takes nothing; `None` while it is well.
    pub fn failure(&self) -> Option<String> {
        self.has_failed().then(|| self.cause.lock().clone())
    }

    pub fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    /// Names who is woken by a failure: the writer.
    pub fn wakes(&self, nudge: Nudge) {
        let _ = self.nudge.set(nudge);
    }

    /// Names who is told of a failure and of its end.
    pub fn tells(&self, told: Nudge) {
        let _ = self.told.set(told);
    }

    /// Writes down a failure; false if the store had failed before. The first cause stands until [`Health::refresh`] finds another.
    pub fn fail(&self, cause: String) -> bool {
        {
            let mut known = self.cause.lock();
            if self.has_failed() {
                return false;
            }
            *known = cause;
            self.has_failed.store(true, Ordering::Release);
            tracing::error!(cause = %*known, "the store failed; changes are refused until it is open again");
        }
        self.nudge.get().inspect(|nudge| nudge());
        self.told.get().inspect(|told| told());
        true
    }

    /// Puts what stands in the way now in place of the first cause.
    pub fn refresh(&self, cause: String) {
        let mut known = self.cause.lock();
        if *known != cause {
            tracing::error!(%cause, "the store is still closed to changes");
            *known = cause;
        }
    }

    pub fn recover(&self) {
        self.has_failed.store(false, Ordering::Release);
        self.told.get().inspect(|told| told());
    }
}

/// When the next attempt is due. The pause doubles with each failure, and is short again only after the store was well for long.
pub(super) struct Pauses {
    pause_ms: u64,
    due: Option<Instant>,
    well_since: Option<Instant>,
}

impl Pauses {
    pub fn new() -> Pauses {
        Pauses { pause_ms: STORE_RETRY_MS_FIRST, due: None, well_since: None }
    }

    /// The time of the next attempt, counted from the failure.
    pub fn due(&mut self, now: Instant) -> Instant {
        if let Some(due) = self.due {
            return due;
        }
        if self.well_since.take().is_some_and(|since| now.duration_since(since) >= Duration::from_millis(STORE_STEADY_MS)) {
            self.pause_ms = STORE_RETRY_MS_FIRST;
        }
        let due = now + Duration::from_millis(self.pause_ms);
        self.pause_ms = self.pause_ms.saturating_mul(2).min(STORE_RETRY_MS_MAX);
        *self.due.insert(due)
    }

    /// An attempt failed, or it succeeded.
    pub fn attempted(&mut self, now: Instant, is_well: bool) {
        self.due = None;
        self.well_since = is_well.then_some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_bound_and_shrink_only_after_a_steady_time() {
        let mut now = Instant::now();
        let mut pauses = Pauses::new();
        let mut seen = Vec::new();
        for _ in 0..8 {
            let due = pauses.due(now);
            assert_eq!(pauses.due(now + Duration::from_millis(1)), due, "asking again moves nothing");
            seen.push(u64::try_from((due - now).as_millis()).unwrap());
            now = due;
            pauses.attempted(now, false);
        }
        assert!(seen.windows(2).all(|two| two[1] == (two[0] * 2).min(STORE_RETRY_MS_MAX)), "{seen:?}");
        pauses.attempted(now, true);
        now += Duration::from_millis(STORE_STEADY_MS - 1);
        assert_eq!(pauses.due(now) - now, Duration::from_millis(STORE_RETRY_MS_MAX), "it failed again at once");
        pauses.attempted(now, true);
        now += Duration::from_millis(STORE_STEADY_MS);
        assert_eq!(pauses.due(now) - now, Duration::from_millis(STORE_RETRY_MS_FIRST));
    }
}
