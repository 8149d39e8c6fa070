//! Counts: bits of what was heard, histograms of how long it took, and what each thread brings home.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Longest latency told apart: a minute.
const LATENCY_US_MAX: u64 = 60_000_000;
/// Digits that are exact.
const DIGITS: u8 = 3;

/// What is shown while the run goes on, and what says that everything has arrived.
#[derive(Default)]
pub(super) struct Live {
    /// When the run began, for all connections alike. Set before any of them may send: whoever receives a message finds it here.
    pub(super) start: OnceLock<Instant>,
    /// Messages heard, over all receivers.
    pub(super) delivered: AtomicU64,
    /// Messages acknowledged, times those who must hear them.
    pub(super) expected: AtomicU64,
    /// Messages sent and not answered yet.
    pub(super) unanswered: AtomicU64,
}

impl Live {
    /// Time since the run began; `None` before.
    pub(super) fn elapsed(&self) -> Option<Duration> {
        self.start.get().map(Instant::elapsed)
    }

    pub(super) fn count(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }
}

/// Message numbers, one bit each.
#[derive(Clone, Default)]
pub(super) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// Puts a number in; whether it was new.
    pub(super) fn insert(&mut self, number: u32) -> bool {
        let word = number as usize / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let (bit, word) = (1 << (number % 64), &mut self.words[word]);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Puts everything of `other` in.
    pub(super) fn extend(&mut self, other: &Bits) {
        if other.words.len() > self.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// How many numbers here are in neither of the others.
    pub(super) fn count_missing(&self, one: &Bits, other: &Bits) -> u64 {
        let word = |bits: &Bits, place: usize| bits.words.get(place).copied().unwrap_or(0);
        let missing = |(place, mine): (usize, &u64)| mine & !word(one, place) & !word(other, place);
        self.words.iter().enumerate().map(missing).map(|word| u64::from(word.count_ones())).sum()
    }
}

/// Latencies in microseconds.
pub(super) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(super) fn new() -> Latencies {
        Latencies(
            Histogram::new_with_max(LATENCY_US_MAX, DIGITS).expect("a minute in microseconds to three digits is in bounds"),
        )
    }

    pub(super) fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    pub(super) fn extend(&mut self, other: &Latencies) {
        self.0.add(&other.0).expect("both have the same bounds");
    }

    /// The latency in microseconds that `percent` of all do not exceed; 0 if there are none.
    pub(super) fn percentile(&self, percent: f64) -> u64 {
        if self.0.is_empty() { 0 } else { self.0.value_at_percentile(percent) }
    }
}

/// What became of one connection.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) room: usize,
    pub(super) heard: Bits,
    /// Own messages, acknowledged.
    pub(super) accepted: Bits,
    pub(super) sent: u64,
    /// Own messages, refused, by code.
    pub(super) refused: BTreeMap<i32, u64>,
    pub(super) unanswered: u64,
    /// Messages heard again, and own ones.
    pub(super) doubled: u64,
    /// Messages whose seq was not above the one before.
    pub(super) disordered: u64,
    /// Times the server said that it left something out.
    pub(super) gaps: u64,
    /// The seq heard last.
    pub(super) last_seq: u64,
    /// Why the connection ended before the run did.
    pub(super) cut: Option<String>,
}

/// What a thread brings home.
pub(super) struct Harvest {
    pub(super) ledgers: Vec<Ledger>,
    /// From the time a message was due to each receiver that heard it.
    pub(super) delivery: Latencies,
    /// From the time a message was due to its answer.
    pub(super) answer: Latencies,
    /// When the last message was heard, since the start.
    pub(super) last_delivery: Duration,
}

impl Harvest {
    pub(super) fn new() -> Harvest {
        Harvest { ledgers: Vec::new(), delivery: Latencies::new(), answer: Latencies::new(), last_delivery: Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(numbers: &[u32]) -> Bits {
        let mut bits = Bits::default();
        for number in numbers {
            assert!(bits.insert(*number));
        }
        bits
    }

    #[test]
    fn a_number_is_new_once() {
        let mut bits = bits(&[0, 63, 64, 1000]);
        assert!(!bits.insert(63));
        assert_eq!(bits.len(), 4);
        bits.extend(&self::bits(&[1, 5000]));
        assert_eq!(bits.len(), 6);
    }

    #[test]
    fn what_was_accepted_and_neither_heard_nor_sent_is_missing() {
        let accepted = bits(&[0, 1, 2, 3, 200]);
        assert_eq!(accepted.count_missing(&bits(&[0, 1]), &bits(&[2])), 2);
        assert_eq!(accepted.count_missing(&accepted, &Bits::default()), 0);
    }

    #[test]
    fn percentiles_are_exact_to_three_digits() {
        let mut latencies = Latencies::new();
        assert_eq!(latencies.percentile(50.0), 0);
        for us in 1..=1000 {
            latencies.record(Duration::from_micros(us));
        }
        assert_eq!(latencies.percentile(50.0), 500);
        assert_eq!(latencies.percentile(100.0), 1000);
    }
}
