//! One receiver of webhooks, as far as the sender goes by it: which lines wait for it, and how hard it may be tried.
//!
//! A report that fails waits longer each time. A receiver that fails whatever it is sent is tried with one call at a time, and with
//! pauses that grow; as soon as it takes a report, all lines that waited go on.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use crate::limits::{WEBHOOK_CALLS_MAX, WEBHOOK_FAILURES_MAX, WEBHOOK_RETRY_MS_MAX, WEBHOOK_RETRY_MS_MIN};
use crate::log::Line;

/// The waits between attempts: doubling, and spread by chance so that many nodes do not come back at once.
pub(super) fn backoff() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_factor(2.0)
        .with_min_delay(Duration::from_millis(WEBHOOK_RETRY_MS_MIN))
        .with_max_delay(Duration::from_millis(WEBHOOK_RETRY_MS_MAX))
        .without_max_times()
        .with_jitter_seed(fastrand::u64(..))
        .with_jitter()
        .build()
}

/// The next wait.
pub(super) fn next_wait(backoff: &mut ExponentialBackoff) -> Duration {
    backoff.next().unwrap_or(Duration::from_millis(WEBHOOK_RETRY_MS_MAX))
}

/// A receiver.
#[derive(Default)]
pub(super) struct Receiver {
    ready: VecDeque<Line>,
    waiting: BTreeSet<(Instant, Line)>,
    calls: usize,
    /// With no success between them.
    failures: u32,
    pause: Option<(Instant, ExponentialBackoff)>,
}

impl Receiver {
    /// A line that may be read and sent from now.
    pub(super) fn add(&mut self, line: Line) {
        self.ready.push_back(line);
    }

    /// A line that has to wait.
    pub(super) fn add_at(&mut self, at: Instant, line: Line) {
        self.waiting.insert((at, line));
    }

    /// The line whose turn it is, if a call may begin now. It counts as a call until [`Receiver::end_call`].
    pub(super) fn next(&mut self, now: Instant) -> Option<Line> {
        while self.waiting.first().is_some_and(|(at, _)| *at <= now)
            && let Some((_, line)) = self.waiting.pop_first()
        {
            self.ready.push_back(line);
        }
        if self.is_paused(now) || self.calls >= self.calls_max() {
            return None;
        }
        let line = self.ready.pop_front()?;
        self.calls += 1;
        Some(line)
    }

    /// When [`Receiver::next`] may have a line that it has not now; `None`: not before something happens.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        let pause = self.pause.as_ref().map(|(until, _)| *until).filter(|until| *until > now);
        let waiting = self.waiting.first().map(|(at, _)| *at);
        match (self.ready.is_empty(), pause) {
            (false, Some(until)) => Some(until),
            (false, None) if self.calls < self.calls_max() => Some(now),
            (_, Some(until)) => waiting.map(|at| at.max(until)),
            (true, None) => waiting,
            (false, None) => None,
        }
    }

    /// A call is over.
    pub(super) fn end_call(&mut self) {
        self.calls = self.calls.saturating_sub(1);
    }

    /// A report has arrived. True: the receiver had failed for long, and is back.
    pub(super) fn succeeded(&mut self) -> bool {
        let was_down = self.is_down();
        self.failures = 0;
        self.pause = None;
        if was_down {
            self.try_again();
        }
        was_down
    }

    /// Everything that waits is tried now.
    pub(super) fn try_again(&mut self) {
        self.pause = None;
        self.ready.extend(std::mem::take(&mut self.waiting).into_iter().map(|(_, line)| line));
    }

    /// A report has not arrived. True: the receiver counts as failing from now on.
    pub(super) fn failed(&mut self, now: Instant) -> bool {
        let was_down = self.is_down();
        self.failures = self.failures.saturating_add(1);
        if !self.is_down() {
            return false;
        }
        // Calls that were under way together fail together: that is one failure.
        if !self.is_paused(now) {
            let mut backoff = self.pause.take().map_or_else(backoff, |(_, backoff)| backoff);
            self.pause = Some((now + next_wait(&mut backoff), backoff));
        }
        !was_down
    }

    /// True if it fails whatever it is sent.
    pub(super) fn is_down(&self) -> bool {
        self.failures >= WEBHOOK_FAILURES_MAX
    }

    fn calls_max(&self) -> usize {
        if self.is_down() { 1 } else { WEBHOOK_CALLS_MAX }
    }

    fn is_paused(&self, now: Instant) -> bool {
        self.pause.as_ref().is_some_and(|(until, _)| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RoomId;

    fn line(room: i64) -> Line {
        Line { room: RoomId::new(room).unwrap(), env: "".into() }
    }

    #[test]
    fn calls_under_way_are_bounded() {
        let (mut receiver, now) = (Receiver::default(), Instant::now());
        (1..=100).for_each(|room| receiver.add(line(room)));
        let begun = std::iter::from_fn(|| receiver.next(now)).count();
        assert_eq!((begun, receiver.due(now)), (WEBHOOK_CALLS_MAX, None));
        receiver.end_call();
        assert_eq!(receiver.due(now), Some(now));
        assert!(receiver.next(now).is_some());
    }

    #[test]
    fn one_that_fails_is_tried_with_one_call_after_growing_pauses_and_comes_back_at_once() {
        let (mut receiver, mut now) = (Receiver::default(), Instant::now());
        (1..=10).for_each(|room| receiver.add_at(now + Duration::from_secs(3600), line(room)));
        receiver.add(line(11));
        for number in 1..=WEBHOOK_FAILURES_MAX {
            assert_eq!(receiver.failed(now), number == WEBHOOK_FAILURES_MAX);
        }
        let mut pauses = Vec::new();
        for _ in 0..5 {
            assert_eq!(receiver.next(now), None, "it rests");
            let due = receiver.due(now).unwrap();
            pauses.push(due - now);
            now = due;
            let tried = receiver.next(now).unwrap();
            receiver.add(line(12));
            assert_eq!((receiver.next(now), receiver.due(now)), (None, None), "one call at a time");
            receiver.end_call();
            receiver.failed(now);
            receiver.add(tried);
        }
        for (number, pause) in pauses.iter().enumerate() {
            let least = Duration::from_millis(WEBHOOK_RETRY_MS_MIN << number);
            assert!((least..=2 * least).contains(pause), "{number}: {pause:?}");
        }
        assert!(receiver.succeeded());
        assert!(std::iter::from_fn(|| receiver.next(now)).count() > 10, "who waited goes on");
    }

    #[test]
    fn failures_with_successes_between_them_bring_nobody_down() {
        let (mut receiver, now) = (Receiver::default(), Instant::now());
        for _ in 0..20 {
            assert!(!receiver.failed(now) && !receiver.succeeded());
        }
        receiver.add(line(1));
        assert!(receiver.next(now).is_some());
    }
}
