//! The items a feed keeps beyond its ring, for readers that have fallen behind.

use std::collections::VecDeque;

use super::item::Item;
use crate::limits::FEED_SAVED_BYTES_MAX;
use crate::subject::{Class, vacant};

/// Items that the ring has dropped while some reader still lacked them, with their running numbers, for those readers.
#[derive(Default)]
pub(super) struct Saved {
    notifications: VecDeque<(u64, Item)>,
    /// Messages of high priority; they make room for notifications.
    high: VecDeque<(u64, Item)>,
    bytes: usize,
}

vacant!(Saved);

impl Saved {
    /// Keeps an item; the oldest make room for it. Gives the running number of the last notification that had to.
    pub fn add(&mut self, number: u64, item: Item) -> Option<u64> {
        self.bytes += item.saved_weight();
        let kind = if item.class == Class::High { &mut self.high } else { &mut self.notifications };
        kind.push_back((number, item));
        let mut lost = None;
        while self.bytes > FEED_SAVED_BYTES_MAX {
            if let Some((_, item)) = self.high.pop_front() {
                self.bytes -= item.saved_weight();
                continue;
            }
            let Some((number, item)) = self.notifications.pop_front() else { break };
            self.bytes -= item.saved_weight();
            lost = Some(number);
        }
        lost
    }

    /// Items from this running number on, in their order.
    pub fn since(&self, next: u64) -> impl Iterator<Item = &Item> {
        let (mut kept, mut high) = (self.notifications.iter().peekable(), self.high.iter().peekable());
        let in_order = std::iter::from_fn(move || match (kept.peek(), high.peek()) {
            (Some(one), Some(other)) if other.0 < one.0 => high.next(),
            (Some(_), _) => kept.next(),
            (None, _) => high.next(),
        });
        in_order.filter(move |(number, _)| *number >= next).map(|(_, item)| item)
    }
}
