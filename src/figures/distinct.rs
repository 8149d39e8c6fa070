//! How many different accounts there were: exactly while they are few, then by a sample.
//!
//! Of hashes that are spread evenly the smallest ones are kept. As long as that is all of them, they are counted; after that the
//! largest one kept says how thickly they lie (the estimate of k minimum values, Bar-Yossef and others 2002): with 4096 kept the
//! standard error is one in 64. A sample made smaller is the sample a smaller bound would have given.

/// Different accounts, by the hashes that stand for them.
#[derive(Default)]
pub(super) struct Distinct {
    /// Ascending, each once.
    hashes: Vec<u64>,
    /// Only the smallest are kept, and stay as many as they are.
    is_sample: bool,
}

impl Distinct {
    /// What was kept before, in any order; `sample` as [`Distinct::sample`] gave it.
    pub fn restore(mut hashes: Vec<u64>, sample: usize) -> Distinct {
        hashes.sort_unstable();
        hashes.dedup();
        if sample > 0 {
            hashes.truncate(sample);
        }
        Distinct { hashes, is_sample: sample > 0 }
    }

    /// Notes an account; at most `exact_max` are kept. True if it is kept and was not before.
    pub fn insert(&mut self, hash: u64, exact_max: usize) -> bool {
        let Err(place) = self.hashes.binary_search(&hash) else { return false };
        if !self.is_sample && self.hashes.len() < exact_max {
            if self.hashes.len() == self.hashes.capacity() {
                // A quarter more instead of twice as much: every busy room of a node has two of these.
                self.hashes.reserve_exact(self.hashes.len() / 4 + 4);
            }
            self.hashes.insert(place, hash);
            return true;
        }
        self.is_sample = true;
        if place == self.hashes.len() {
            return false;
        }
        self.hashes.pop();
        self.hashes.insert(place, hash);
        true
    }

    /// Keeps no more than this many.
    pub fn trim(&mut self, max: usize) {
        if self.hashes.len() > max {
            self.hashes.truncate(max);
            self.hashes.shrink_to_fit();
            self.is_sample = true;
        }
    }

    /// How many accounts there were.
    pub fn estimate(&self) -> u32 {
        let kept = self.hashes.len();
        let Some(largest) = self.hashes.last().filter(|_| self.is_sample) else {
            return u32::try_from(kept).unwrap_or(u32::MAX);
        };
        // A cast from a float stops at the largest number there is.
        let share = (*largest as f64 / u64::MAX as f64).max(f64::MIN_POSITIVE);
        ((kept.saturating_sub(1)) as f64 / share) as u32
    }

    /// The hashes that are kept.
    pub fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    /// How many are kept.
    pub fn kept(&self) -> usize {
        self.hashes.len()
    }

    /// 0 if all accounts are kept, else how many.
    pub fn sample(&self) -> usize {
        if self.is_sample { self.hashes.len() } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(accounts: u64, exact_max: usize) -> Distinct {
        let mut random = fastrand::Rng::with_seed(7);
        let mut distinct = Distinct::default();
        for _ in 0..accounts {
            let hash = random.u64(..);
            distinct.insert(hash, exact_max);
            assert!(!distinct.insert(hash, exact_max), "nobody counts twice");
        }
        distinct
    }

    #[test]
    fn few_accounts_are_counted_exactly() {
        for accounts in [0, 1, 2, 1000, 4096] {
            let distinct = filled(accounts, 4096);
            assert_eq!((u64::from(distinct.estimate()), distinct.sample()), (accounts, 0));
        }
    }

    #[test]
    fn many_accounts_are_estimated_within_four_standard_errors_from_a_bounded_sample() {
        for accounts in [4097_u64, 10_000, 300_000] {
            let distinct = filled(accounts, 4096);
            let error = (f64::from(distinct.estimate()) / accounts as f64 - 1.0).abs();
            assert!(error < 4.0 / 64.0, "{accounts}: {}", distinct.estimate());
            assert_eq!((distinct.kept(), distinct.sample()), (4096, 4096));
        }
    }

    #[test]
    fn a_sample_made_smaller_is_that_of_the_smaller_bound() {
        let mut distinct = filled(20_000, 4096);
        distinct.trim(256);
        assert_eq!(distinct.hashes, filled(20_000, 256).hashes);
        let error = (f64::from(distinct.estimate()) / 20_000.0 - 1.0).abs();
        assert!(error < 4.0 / 16.0, "{}", distinct.estimate());
    }

    #[test]
    fn what_was_kept_goes_on_as_it_was() {
        let (mut first, mut hashes) = (Distinct::default(), Vec::new());
        let mut random = fastrand::Rng::with_seed(9);
        for _ in 0..1000 {
            let hash = random.u64(..);
            if first.insert(hash, 100) {
                hashes.push(hash);
            }
        }
        let second = Distinct::restore(hashes, first.sample());
        assert_eq!((&second.hashes, second.is_sample), (&first.hashes, true));
    }

    #[test]
    fn the_smallest_hashes_do_no_harm() {
        let mut distinct = Distinct::default();
        (0..20).for_each(|hash| _ = distinct.insert(hash, 2));
        assert_eq!(distinct.estimate(), u32::MAX);
        distinct.trim(0);
        assert_eq!(distinct.estimate(), 0);
    }
}
