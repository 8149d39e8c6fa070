//! Which messages were accepted lately, so that one sent again is answered and not repeated (chatroom.md §e.2).

use crate::subject::Stamp;
use std::collections::{HashMap, VecDeque};

use super::rate::Bucket;
use crate::id::{AccountId, Epoch, MessageId, Seq, UnixMs};
use crate::limits;

/// A message as its sender was told of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Accepted {
    pub id: MessageId,
    pub seq: Seq,
    pub epoch: Epoch,
    pub stamp: When,
    pub high_priority: bool,
}

/// When it was, on both clocks of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct When {
    pub time: UnixMs,
    pub clock: UnixMs,
}

impl From<Stamp> for When {
    fn from(Stamp { time, clock, .. }: Stamp) -> When {
        When { time, clock }
    }
}

/// One account that has sent something lately, here or not.
#[derive(Default)]
struct Sender {
    /// Oldest first.
    accepted: VecDeque<Accepted>,
    /// Outlives the presence of the sender, so that leaving and entering gives nobody a fresh allowance.
    bucket: Bucket,
}

/// The accounts that have sent something lately.
#[derive(Default)]
pub(super) struct Senders {
    by_account: HashMap<AccountId, Sender>,
    /// Every remembered message, oldest first; one that its sender's bound has pushed out stays here until its turn.
    order: VecDeque<(AccountId, Seq, UnixMs)>,
}

impl Senders {
    /// What the account was told about this message, if it was accepted within the window.
    pub fn accepted(&self, account: &AccountId, id: &str, now: UnixMs) -> Option<&Accepted> {
        let sender = self.by_account.get(account)?;
        let found = sender.accepted.iter().rev().find(|accepted| accepted.id.as_str() == id)?;
        is_recent(found.stamp.clock, now).then_some(found)
    }

    /// What the account has left of its pace.
    pub fn bucket(&self, account: &AccountId) -> Bucket {
        self.by_account.get(account).map(|sender| sender.bucket).unwrap_or_default()
    }

    /// How many milliseconds the account has to wait until fewer than `most` of its messages were accepted in the last
    /// [`SENDS_LONG_MS`](limits::SENDS_LONG_MS); 0: not at all.
    pub fn wait_ms(&self, account: &AccountId, now: UnixMs, most: usize) -> i64 {
        let Some(sender) = self.by_account.get(account) else { return 0 };
        let place = sender.accepted.len().checked_sub(most);
        let oldest = place.and_then(|place| sender.accepted.get(place));
        oldest.map_or(0, |oldest| oldest.stamp.clock.0.saturating_add(limits::SENDS_LONG_MS).saturating_sub(now.0).max(0))
    }

    /// Remembers a message and what its sender has left; forgets what is beyond the bounds.
    pub fn remember(&mut self, account: &AccountId, accepted: Accepted, bucket: Option<Bucket>) {
        let (seq, clock) = (accepted.seq, accepted.stamp.clock);
        while self.order.len() >= limits::DEDUP_IDS_PER_ROOM
            || self.order.front().is_some_and(|oldest| !is_recent(oldest.2, clock))
        {
            self.forget_oldest();
        }
        let sender = match self.by_account.get_mut(account) {
            Some(sender) => sender,
            None => self.by_account.entry(account.clone()).or_default(),
        };
        if sender.accepted.len() >= limits::DEDUP_IDS_PER_SENDER {
            sender.accepted.pop_front();
        }
        sender.accepted.push_back(accepted);
        if let Some(bucket) = bucket {
            sender.bucket = bucket;
        }
        self.order.push_back((account.clone(), seq, clock));
    }

    /// Notes what an account has left after a message of which nothing else is kept.
    pub fn charge(&mut self, account: &AccountId, bucket: Bucket, now: UnixMs) {
        if let Some(sender) = self.by_account.get_mut(account) {
            sender.bucket = bucket;
            return;
        }
        if self.order.len() >= limits::DEDUP_IDS_PER_ROOM {
            self.forget_oldest();
        }
        self.by_account.insert(account.clone(), Sender { bucket, ..Sender::default() });
        // So that it is forgotten in its turn; no message has this number.
        self.order.push_back((account.clone(), Seq(0), now));
    }

    fn forget_oldest(&mut self) {
        let Some((account, seq, _)) = self.order.pop_front() else { return };
        let Some(sender) = self.by_account.get_mut(&account) else { return };
        if sender.accepted.front().is_some_and(|oldest| oldest.seq == seq) {
            sender.accepted.pop_front();
        }
        if sender.accepted.is_empty() {
            self.by_account.remove(&account);
        }
    }
}

fn is_recent(time: UnixMs, now: UnixMs) -> bool {
    now.0.saturating_sub(time.0) <= limits::DEDUP_WINDOW_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(seq: u64, time: i64) -> Accepted {
        Accepted {
            id: MessageId::parse(&format!("m{seq}")).unwrap(),
            seq: Seq(seq),
            epoch: Epoch(1),
            stamp: When { time: UnixMs(time), clock: UnixMs(time) },
            high_priority: false,
        }
    }

    fn sent(senders: &mut Senders, account: &AccountId, count: u64) {
        (1..=count).for_each(|seq| senders.remember(account, accepted(seq, 0), None));
    }

    #[test]
    fn a_message_is_remembered_for_ten_minutes() {
        let (mut senders, alice) = (Senders::default(), AccountId::parse("alice").unwrap());
        senders.remember(&alice, accepted(1, 1000), None);
        assert!(senders.accepted(&alice, "m1", UnixMs(601_000)).is_some());
        assert!(senders.accepted(&alice, "m1", UnixMs(601_001)).is_none());
        assert!(senders.accepted(&AccountId::parse("bob").unwrap(), "m1", UnixMs(1000)).is_none());
        senders.remember(&alice, accepted(2, 601_001), None);
        assert_eq!((senders.order.len(), senders.by_account[&alice].accepted.len()), (1, 1));
    }

    #[test]
    fn the_last_thousand_of_a_sender_are_remembered() {
        let (mut senders, alice) = (Senders::default(), AccountId::parse("alice").unwrap());
        sent(&mut senders, &alice, 1001);
        assert!(senders.accepted(&alice, "m1", UnixMs(0)).is_none());
        assert!(senders.accepted(&alice, "m2", UnixMs(0)).is_some());
    }

    #[test]
    fn a_room_remembers_no_more_than_its_bound() {
        let (mut senders, alice) = (Senders::default(), AccountId::parse("alice").unwrap());
        sent(&mut senders, &alice, limits::DEDUP_IDS_PER_ROOM as u64 + 5);
        assert_eq!(senders.order.len(), limits::DEDUP_IDS_PER_ROOM);
        senders.remember(&AccountId::parse("bob").unwrap(), accepted(1 << 40, limits::DEDUP_WINDOW_MS + 1), None);
        assert_eq!((senders.order.len(), senders.by_account.len()), (1, 1));
    }
}
