//! Messages of high priority: how many a second, and who hears them again on entering (chatroom.md §e.3, §e.4).

use std::collections::VecDeque;

use bytes::Bytes;
use prost::Message as _;

use crate::id::{AccountId, ByAccount, ConnId, Seq, UnixMs};
use crate::limits;
use crate::subject::Audience;
use crate::wire::pb;

/// The time over which messages of high priority are counted.
const WINDOW_MS: i64 = 1000;

/// A message that who enters hears once more.
pub(super) struct Pending {
    /// Running number in the backlog: neighbours there have neighbouring numbers, whatever lies between them in the room.
    pub number: u64,
    pub message: Box<pb::Message>,
    /// When it was said, by the clock of durations.
    clock: UnixMs,
    audience: Audience,
    weight: usize,
}

/// What an account has heard of the backlog by connections that hear the room no more, or by having entered.
struct Heard {
    /// Running numbers, each range from its first to its last, ascending and apart.
    ranges: Vec<(u64, u64)>,
    noted: UnixMs,
}

impl Heard {
    fn has(&self, number: u64) -> bool {
        self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&number))
    }

    fn add(&mut self, number: u64) {
        match self.ranges.iter_mut().find(|(first, last)| (first.saturating_sub(1)..=last.saturating_add(1)).contains(&number))
        {
            Some((first, last)) => (*first, *last) = ((*first).min(number), (*last).max(number)),
            None => self.ranges.push((number, number)),
        }
        if self.ranges.len() > limits::PRIORITY_RANGES_MAX {
            self.ranges.sort_unstable();
            self.ranges.remove(0);
        }
    }
}

/// What a room remembers of its messages of high priority. Not in the snapshot: the log's last sends bring it back.
#[derive(Default)]
pub(super) struct Priority {
    /// When the last ones were admitted, oldest first.
    admitted: VecDeque<UnixMs>,
    /// Those that are still valid, oldest first.
    backlog: VecDeque<Pending>,
    backlog_bytes: usize,
    next: u64,
    heard: ByAccount<Heard>,
    /// Every note in `heard`, oldest first; an account noted anew stands here more than once.
    order: VecDeque<(UnixMs, AccountId)>,
}

impl Priority {
    /// True if one more message would be of high priority: fewer than `per_second` were so in the preceding second.
    pub fn admits(&mut self, now: UnixMs, per_second: usize) -> bool {
        while self.admitted.front().is_some_and(|time| now.0.saturating_sub(time.0) >= WINDOW_MS) {
            self.admitted.pop_front();
        }
        self.admitted.len() < per_second.min(limits::HIGH_PRIORITY_PER_SECOND_MAX)
    }

    /// True if one more message is of high priority, which then counts.
    pub fn admit(&mut self, now: UnixMs, per_second: usize) -> bool {
        let admits = self.admits(now, per_second);
        if admits {
            self.admitted.push_back(now);
        }
        admits
    }

    /// Keeps a message for who enters. Its texts are copied: a slice would keep all of what it was received in.
    pub fn keep(&mut self, message: &pb::Message, audience: &Audience, clock: UnixMs) {
        let copied = pb::Message {
            body: Bytes::copy_from_slice(&message.body),
            attach: Bytes::copy_from_slice(&message.attach),
            ext: Bytes::copy_from_slice(&message.ext),
            ..message.clone()
        };
        let listed = match audience {
            Audience::All | Audience::AllBut(_) => 0,
            Audience::Only(connections) | Audience::Except(connections) => connections.len(),
        };
        // A list that is too long to keep: nobody counts as having heard the message, and who comes back hears it twice.
        let is_short = listed <= limits::PRIORITY_LISTED_MAX;
        let audience = if is_short { audience.clone() } else { Audience::Only([].into()) };
        let listed_bytes = if is_short { listed * size_of::<ConnId>() } else { 0 };
        let weight = limits::PRIORITY_MESSAGE_BYTES + copied.encoded_len() + listed_bytes;
        self.backlog_bytes += weight;
        self.backlog.push_back(Pending { number: self.next, message: Box::new(copied), clock, audience, weight });
        self.next += 1;
        while self.backlog_bytes > limits::PRIORITY_BACKLOG_BYTES_MAX || self.backlog.len() > limits::PRIORITY_BACKLOG_MAX {
            self.drop_oldest();
        }
    }

    /// Forgets what is no longer valid.
    pub fn expire(&mut self, now: UnixMs, valid_ms: i64) {
        let is_over = |time: UnixMs| now.0.saturating_sub(time.0) > valid_ms;
        while self.backlog.front().is_some_and(|pending| is_over(pending.clock)) {
            self.drop_oldest();
        }
        if self.backlog.is_empty() && !self.order.is_empty() {
            self.heard = ByAccount::default();
            self.order = VecDeque::new();
        }
        // Whatever was heard by then was sent before it.
        while self.order.front().is_some_and(|(noted, _)| is_over(*noted)) {
            self.forget_oldest_note();
        }
    }

    /// A message was recalled.
    pub fn forget(&mut self, seq: Seq) {
        if let Some(place) = self.backlog.iter().position(|pending| pending.message.seq == seq.0)
            && let Some(pending) = self.backlog.remove(place)
        {
            self.backlog_bytes -= pending.weight;
        }
    }

    /// Forgets everything that waits for who enters.
    pub fn clear(&mut self) {
        (self.backlog, self.backlog_bytes) = (VecDeque::new(), 0);
        (self.heard, self.order) = (ByAccount::default(), VecDeque::new());
    }

    /// Notes what a connection has heard, which from now on hears the room no more, or under another name.
    pub fn note_heard(&mut self, account: &AccountId, connection: ConnId, after: Seq, now: UnixMs) {
        let heard = self.backlog.iter().filter(|pending| pending.is_heard_by(connection, after));
        let numbers: Vec<u64> = heard.map(|pending| pending.number).collect();
        self.note(account, &numbers, now);
    }

    /// True if no message waits for who enters.
    pub fn is_empty(&self) -> bool {
        self.backlog.is_empty()
    }

    /// The messages for an account which enters that it has not heard, oldest first. If they are more than a fresh connection
    /// should be sent, the newest.
    pub fn unheard(&self, account: &AccountId, is_for: impl Fn(&Pending) -> bool) -> Vec<&Pending> {
        let heard = self.heard.get(account);
        let unheard = |pending: &&Pending| !heard.is_some_and(|heard| heard.has(pending.number)) && is_for(pending);
        let mut bytes = 0;
        let fits = |pending: &&Pending| {
            bytes += pending.weight;
            bytes <= limits::PRIORITY_RESENT_BYTES_MAX
        };
        let mut chosen: Vec<&Pending> = self.backlog.iter().rev().filter(unheard).take_while(fits).collect();
        chosen.reverse();
        chosen
    }

    /// Notes that an account has heard the messages with these running numbers.
    pub fn note(&mut self, account: &AccountId, numbers: &[u64], now: UnixMs) {
        if numbers.is_empty() {
            return;
        }
        if self.order.len() >= limits::PRIORITY_NOTES_MAX {
            self.forget_oldest_note();
        }
        let heard = self.heard.entry(account.clone()).or_insert(Heard { ranges: Vec::new(), noted: now });
        heard.noted = now;
        numbers.iter().for_each(|number| heard.add(*number));
        self.order.push_back((now, account.clone()));
    }

    fn forget_oldest_note(&mut self) {
        let Some((noted, account)) = self.order.pop_front() else { return };
        if self.heard.get(&account).is_some_and(|heard| heard.noted <= noted) {
            self.heard.remove(&account);
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(pending) = self.backlog.pop_front() {
            self.backlog_bytes -= pending.weight;
        }
    }
}

impl Pending {
    /// True if a connection that hears the room after this place has heard it.
    pub fn is_heard_by(&self, connection: ConnId, after: Seq) -> bool {
        self.message.seq > after.0 && self.audience.admits(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(seq: u64, time_ms: i64, bytes: usize) -> pb::Message {
        pb::Message { seq, time_ms, body: vec![b'x'; bytes].into(), ..Default::default() }
    }

    #[test]
    fn the_preceding_second_counts_and_no_more() {
        let mut priority = Priority::default();
        assert!((0..10).all(|step| priority.admit(UnixMs(step * 10), 10)));
        assert!(!priority.admit(UnixMs(999), 10));
        assert!(priority.admit(UnixMs(1000), 10));
        assert!(!priority.admit(UnixMs(1009), 10));
    }

    #[test]
    fn a_backlog_is_bounded_in_bytes_and_in_messages() {
        let mut priority = Priority::default();
        for seq in 0..200 {
            priority.keep(&message(seq, 0, 16 * 1024), &Audience::All, UnixMs(0));
            assert!(priority.backlog_bytes <= limits::PRIORITY_BACKLOG_BYTES_MAX);
        }
        for seq in 0..2 * limits::PRIORITY_BACKLOG_MAX as u64 {
            priority.keep(&message(seq, 0, 1), &Audience::All, UnixMs(0));
        }
        assert_eq!(priority.backlog.len(), limits::PRIORITY_BACKLOG_MAX);
        priority.expire(UnixMs(1), 0);
        assert_eq!((priority.backlog.len(), priority.backlog_bytes), (0, 0));
    }

    #[test]
    fn notes_are_bounded_and_go_with_the_backlog() {
        let mut priority = Priority::default();
        let connection = ConnId::new(0, 1, 1);
        priority.keep(&message(1, 0, 1), &Audience::All, UnixMs(0));
        for number in 0..limits::PRIORITY_NOTES_MAX + 10 {
            let account = AccountId::parse(&format!("a{number}")).unwrap();
            priority.note_heard(&account, connection, Seq(0), UnixMs(0));
        }
        assert_eq!((priority.order.len(), priority.heard.len()), (limits::PRIORITY_NOTES_MAX, limits::PRIORITY_NOTES_MAX));
        priority.forget(Seq(1));
        priority.expire(UnixMs(0), 1000);
        assert_eq!((priority.order.len(), priority.heard.len(), priority.backlog_bytes), (0, 0, 0));
    }

    #[test]
    fn ranges_grow_together_and_are_bounded() {
        let mut heard = Heard { ranges: Vec::new(), noted: UnixMs(0) };
        (0..10).for_each(|number| heard.add(number));
        assert_eq!(heard.ranges, [(0, 9)]);
        (0..100).for_each(|number| heard.add(20 + 3 * number));
        assert_eq!(heard.ranges.len(), limits::PRIORITY_RANGES_MAX);
        assert!(heard.has(20 + 3 * 99) && !heard.has(19 + 3 * 99) && !heard.has(0), "the oldest is forgotten first");
    }
}
