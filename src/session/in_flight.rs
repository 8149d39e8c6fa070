//! The sequences of requests that wait for their answers, small for the many sessions that have none or a few.

/// Sequences held without the heap.
const INLINE: usize = 4;

/// A set of sequences. Sequence 0 is never in it. Uses the heap only beyond four, and gives it back when the rest has gone.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    /// The first few; 0 marks a free place.
    inline: [u32; INLINE],
    /// The others, in no order.
    // The box keeps the many sessions that have few under way small.
    #[allow(clippy::box_collection)]
    spilled: Option<Box<Vec<u32>>>,
}

impl InFlight {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.inline.iter().filter(|place| **place != 0).count() + self.spilled().len()
    }

    /// Whether this one waits.
    pub fn contains(&self, sequence: u32) -> bool {
        sequence != 0 && (self.inline.contains(&sequence) || self.spilled().contains(&sequence))
    }

    /// Adds a sequence that is not in the set.
    pub fn insert(&mut self, sequence: u32) {
        debug_assert!(sequence != 0 && !self.contains(sequence));
        match self.inline.iter_mut().find(|place| **place == 0) {
            Some(place) => *place = sequence,
            None => self.spilled.get_or_insert_default().push(sequence),
        }
    }

    /// Takes a sequence out; whether it was there.
    pub fn remove(&mut self, sequence: u32) -> bool {
        if sequence == 0 {
            return false;
        }
        if let Some(place) = self.inline.iter_mut().find(|place| **place == sequence) {
            *place = self.spilled.as_mut().and_then(|spilled| spilled.pop()).unwrap_or(0);
        } else if let Some(spilled) = &mut self.spilled
            && let Some(at) = spilled.iter().position(|waiting| *waiting == sequence)
        {
            spilled.swap_remove(at);
        } else {
            return false;
        }
        if self.spilled().is_empty() {
            self.spilled = None;
        }
        true
    }

    fn spilled(&self) -> &[u32] {
        self.spilled.as_deref().map_or(&[], Vec::as_slice)
    }

    /// Whether the set holds no memory but its own.
    #[cfg(test)]
    pub fn is_compact(&self) -> bool {
        self.spilled.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_is_found_until_it_is_removed() {
        let mut set = InFlight::default();
        for sequence in 1..=100 {
            set.insert(sequence);
        }
        assert_eq!(set.len(), 100);
        for sequence in (1..=100).step_by(2) {
            assert!(set.remove(sequence));
            assert!(!set.remove(sequence));
        }
        assert!((1..=100).all(|sequence| set.contains(sequence) == (sequence % 2 == 0)));
        for sequence in (2..=100).step_by(2) {
            assert!(set.remove(sequence));
        }
        assert_eq!(set.len(), 0);
        assert!(set.is_compact() && !set.contains(0) && !set.remove(0));
    }
}
