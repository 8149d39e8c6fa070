//! Which messages were accepted lately, so that one sent again is answered and not repeated (chatroom.md §e.2).

use std::collections::VecDeque;

use super::rate::Bucket;
use crate::id::{AccountId, ByAccount, Epoch, MessageId, Seq, UnixMs};
use crate::limits;
use crate::subject::Stamp;

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
#[derive(Clone, Copy, Default)]
struct Sender {
    /// Number of its newest in [`Senders::order`].
    newest: u32,
    /// How many there are.
    count: u32,
    /// Outlives the presence of the sender, so that leaving and entering gives nobody a fresh allowance.
    bucket: Bucket,
}

/// A message that is remembered, or a moment at which an account was charged. Kept small: a busy room has thousands.
struct Remembered {
    account: AccountId,
    /// `None`: nothing but the sender's allowance is kept.
    id: Option<MessageId>,
    seq: Seq,
    epoch: Epoch,
    stamp: When,
    /// Number of the one before it of the same account, if there is one.
    before: u32,
    high_priority: bool,
}

/// The accounts that have sent something lately.
#[derive(Default)]
pub(super) struct Senders {
    by_account: ByAccount<Sender>,
    /// Oldest first; one that its sender's bound has pushed out stays here until its turn.
    order: VecDeque<Remembered>,
    /// Number of the oldest. Numbers begin anew after the highest; there are never so many at a time.
    first: u32,
}

impl Senders {
    /// The account's answer for this message, if it was accepted within the window.
    pub fn accepted(&self, account: &AccountId, id: &str, now: UnixMs) -> Option<Accepted> {
        let mut messages = self.messages(self.by_account.get(account)?);
        let (id, message) =
            messages.find_map(|message| Some((message.id.as_ref().filter(|own| own.as_str() == id)?, message)))?;
        let Remembered { seq, epoch, stamp, high_priority, .. } = *message;
        is_recent(stamp.clock, now).then(|| Accepted { id: id.clone(), seq, epoch, stamp, high_priority })
    }

    /// What the account has left of its pace.
    pub fn bucket(&self, account: &AccountId) -> Bucket {
        self.by_account.get(account).map(|sender| sender.bucket).unwrap_or_default()
    }

    /// How many milliseconds the account has to wait until fewer than `most` of its messages were accepted in the last
    /// [`SENDS_LONG_MS`](limits::SENDS_LONG_MS); 0: not at all.
    pub fn wait_ms(&self, account: &AccountId, now: UnixMs, most: usize) -> i64 {
        let sender = self.by_account.get(account).filter(|sender| sender.count as usize >= most);
        let oldest = sender.and_then(|sender| self.messages(sender).nth(most.checked_sub(1)?));
        oldest.map_or(0, |oldest| oldest.stamp.clock.0.saturating_add(limits::SENDS_LONG_MS).saturating_sub(now.0).max(0))
    }

    /// The last messages of a sender, latest first, up to its bound.
    fn messages(&self, sender: &Sender) -> impl Iterator<Item = &Remembered> {
        let mut number = sender.newest;
        let own = (0..sender.count).map_while(move |_| {
            let own = self.order.get(number.wrapping_sub(self.first) as usize)?;
            number = own.before;
            Some(own)
        });
        own.take(limits::DEDUP_IDS_PER_SENDER).filter(|own| own.id.is_some())
    }

    /// Remembers a message and what its sender has left; forgets what is beyond the bounds.
    pub fn remember(&mut self, account: &AccountId, accepted: Accepted, bucket: Option<Bucket>) {
        let Accepted { id, seq, epoch, stamp, high_priority } = accepted;
        while self.order.len() >= limits::DEDUP_IDS_PER_ROOM
            || self.order.front().is_some_and(|oldest| !is_recent(oldest.stamp.clock, stamp.clock))
        {
            self.forget_oldest();
        }
        self.add(Remembered { account: account.clone(), id: Some(id), seq, epoch, stamp, before: 0, high_priority }, bucket);
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
        // So that it is forgotten in its turn.
        let (account, stamp) = (account.clone(), When { time: now, clock: now });
        let (seq, epoch) = (Seq::default(), Epoch::default());
        self.add(Remembered { account, id: None, seq, epoch, stamp, before: 0, high_priority: false }, Some(bucket));
    }

    /// Adds the newest of an account.
    fn add(&mut self, mut newest: Remembered, bucket: Option<Bucket>) {
        if self.order.len() == self.order.capacity() {
            // A quarter more instead of twice as much: every busy room of a node has one of these.
            self.order.reserve_exact(self.order.len() / 4 + 2);
        }
        let behind = u32::try_from(self.order.len()).unwrap_or(u32::MAX);
        let sender = match self.by_account.get_mut(&newest.account) {
            Some(sender) => sender,
            None => self.by_account.entry(newest.account.clone()).or_default(),
        };
        (newest.before, sender.newest) = (sender.newest, self.first.wrapping_add(behind));
        sender.count += 1;
        if let Some(bucket) = bucket {
            sender.bucket = bucket;
        }
        self.order.push_back(newest);
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.order.pop_front() else { return };
        self.first = self.first.wrapping_add(1);
        let Some(sender) = self.by_account.get_mut(&oldest.account) else { return };
        sender.count = sender.count.saturating_sub(1);
        if sender.count == 0 {
            self.by_account.remove(&oldest.account);
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
        assert_eq!((senders.order.len(), senders.by_account[&alice].count), (1, 1));
    }

    #[test]
    fn a_remembered_message_is_small() {
        assert!(size_of::<Remembered>() <= 72 && size_of::<(AccountId, Sender)>() <= 32);
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
