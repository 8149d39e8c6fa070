//! How long a client waits before it tries again (chatroom.md §d.3).

/// Delays that grow, each drawn at random, so that clients whom one crash sent away do not come back in one instant.
#[derive(Clone, Debug)]
pub struct Backoff {
    first_ms: u64,
    max_ms: u64,
    /// The longest delay that was possible last; `None` before the first.
    range_ms: Option<u64>,
}

impl Backoff {
    /// The first delay is at most `first_ms`, each further one at most twice as long as the one before could be, and never over
    /// `max_ms`.
    pub fn new(first_ms: u64, max_ms: u64) -> Backoff {
        Backoff { first_ms, max_ms: max_ms.max(first_ms), range_ms: None }
    }

    /// The next delay in milliseconds: the first out of its whole range, the others out of the upper half of theirs.
    pub fn next(&mut self, random: &mut fastrand::Rng) -> u64 {
        let (least, most) = match self.range_ms {
            None => (0, self.first_ms),
            Some(range) => {
                let most = range.saturating_mul(2).min(self.max_ms);
                (most / 2, most)
            }
        };
        self.range_ms = Some(most);
        random.u64(least..=most)
    }
}

/// The delay of a client that the server sent away and will have back: out of the whole range that the server names, if it names
/// one, else not before `retry_after_ms`; spread over `spread_max_ms`.
pub fn return_delay_ms(retry_after_ms: u64, spread_ms: u64, spread_max_ms: u64, random: &mut fastrand::Rng) -> u64 {
    if spread_ms > 0 {
        return random.u64(0..=spread_ms.min(spread_max_ms));
    }
    let most = if retry_after_ms < spread_max_ms { spread_max_ms } else { retry_after_ms.saturating_add(spread_max_ms) };
    random.u64(retry_after_ms..=most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{RECONNECT_MS_MAX, RECONNECT_MS_MIN, RETURN_SPREAD_MS};

    /// How many of a thousand draws fall on each tenth of 0 to `most`.
    fn tenths(most: u64, mut draw: impl FnMut(&mut fastrand::Rng) -> u64) -> [usize; 10] {
        let mut random = fastrand::Rng::with_seed(7);
        let mut tenths = [0; 10];
        for _ in 0..1000 {
            let delay = draw(&mut random);
            assert!(delay <= most, "{delay} ms of {most}");
            tenths[usize::try_from(delay * 10 / (most + 1)).unwrap()] += 1;
        }
        tenths
    }

    #[test]
    fn the_first_delay_comes_out_of_its_whole_range_and_later_ones_out_of_the_upper_half_of_theirs() {
        for (attempt, most) in [1600, 3200, 6400, 8000, 8000].into_iter().enumerate() {
            let tenths = tenths(most, |random| {
                let mut backoff = Backoff::new(RECONNECT_MS_MIN, RECONNECT_MS_MAX);
                (0..attempt).for_each(|_| _ = backoff.next(random));
                backoff.next(random)
            });
            let (lower, upper) = tenths.split_at(5);
            assert!(upper.iter().all(|count| *count > 50), "{tenths:?}");
            // The least delay, half of a range, falls on the fifth tenth.
            assert!(lower.iter().all(|count| if attempt == 0 { *count > 50 } else { *count < 10 }), "{tenths:?}");
        }
    }

    #[test]
    fn those_sent_away_come_back_out_of_the_whole_range() {
        let (most, spread) = (RETURN_SPREAD_MS, 8000);
        for (retry_after, spread) in [(17, spread), (7990, spread), (0, 0), (17, 0)] {
            let tenths = tenths(most, |random| return_delay_ms(retry_after, spread, most, random));
            assert!(tenths.iter().all(|count| *count > 50), "{tenths:?}");
        }
        let late = return_delay_ms(60_000, 0, most, &mut fastrand::Rng::with_seed(1));
        assert!((60_000..=68_000).contains(&late), "{late} ms");
    }
}
