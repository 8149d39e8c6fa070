//! How much of a subject one reader is sent, where the application sets a limit (chatroom.md §e.7).
//!
//! Nothing is stored for a reader while there is no limit. With one, what a reader is sent depends on the frames alone: the same
//! reader, asked again about the same frames, hears the same of them.

use crate::id::{ConnId, Time};
use crate::subject::{Class, Downlink};

/// Frames a reader was sent in this second, and frames known to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Allowance {
    /// The second, counted from the start of the clock.
    second: u64,
    normal: u32,
    high: u32,
    /// Normal frames of this second that are for it and have come already, without those it was asked about.
    waiting: u32,
}

impl Allowance {
    /// Looks at the frames a reader will now be asked about: those of the first second among them that are normal and for it are
    /// what the choice is made from.
    pub fn look_at<'a>(&mut self, mut normal: impl Iterator<Item = &'a Time>) {
        self.waiting = 0;
        let Some(first) = normal.next() else { return };
        self.enter(second_of(*first));
        self.waiting = 1;
        while normal.next().is_some_and(|at| second_of(*at) == self.second) {
            self.waiting = self.waiting.saturating_add(1);
        }
    }

    fn enter(&mut self, second: u64) {
        if second != self.second {
            *self = Allowance { second, ..Allowance::default() };
        }
    }

    /// True if a reader is sent a frame that is for it. Frames come in their order.
    ///
    /// Nothing is left out before a second has brought more than the limit. Where more waits than there is left of it, chance
    /// chooses, differently for different readers; never more than the limit is sent in one second.
    pub fn takes(&mut self, limits: &Downlink, connection: ConnId, seq: u64, class: Class, at: Time) -> bool {
        self.enter(second_of(at));
        match class {
            Class::Normal if limits.normal_per_second > 0 => {
                let left = limits.normal_per_second.saturating_sub(self.normal);
                let takes = left > 0 && chance(connection, seq) % u64::from(self.waiting.max(1)) < u64::from(left);
                self.waiting = self.waiting.saturating_sub(1);
                self.normal += u32::from(takes);
                takes
            }
            Class::High if limits.high_per_second > 0 => {
                let takes = self.high < limits.high_per_second;
                self.high += u32::from(takes);
                takes
            }
            _ => true,
        }
    }
}

fn second_of(at: Time) -> u64 {
    at.0 / 1_000_000
}

/// A number that looks random and is the same whenever one asks (the finisher of SplitMix64).
fn chance(connection: ConnId, seq: u64) -> u64 {
    let mut bits = connection.get() ^ seq.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
