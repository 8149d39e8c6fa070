//! Every reader of a feed hears exactly what is meant for it, in order and whole, however its socket behaves; one that is too
//! slow is told what it missed, and costs a bounded number of bytes.

use std::collections::HashMap;

use bytes::Bytes;
use chatroom::dispatch::{Class, Downlink, Feed, Item, Missed, Outlet, Place};
use chatroom::id::{ConnId, Seq, Time};
use chatroom::limits::{FEED_FRAMES_MAX, FEED_SAVED_BYTES_MAX};
use chatroom::room::Audience;
use proptest::prelude::*;

/// Sockets with a given room each, and what was written to them. Holds rests as the server does.
#[derive(Default)]
struct Sockets {
    free: HashMap<ConnId, usize>,
    written: HashMap<ConnId, Vec<u8>>,
    held: HashMap<ConnId, Bytes>,
    writes: usize,
}

impl Outlet for Sockets {
    fn write(&mut self, connection: ConnId, bytes: &[u8]) -> usize {
        self.writes += 1;
        if self.held.contains_key(&connection) {
            return 0;
        }
        let free = self.free.entry(connection).or_insert(usize::MAX);
        let taken = bytes.len().min(*free);
        *free -= taken;
        self.written.entry(connection).or_default().extend_from_slice(&bytes[..taken]);
        taken
    }

    fn hold(&mut self, connection: ConnId, rest: Bytes) {
        assert!(self.held.insert(connection, rest).is_none(), "a frame is begun before the last one is whole");
    }
}

impl Sockets {
    /// The socket takes `more` bytes: first what is held. True if it can go on.
    fn open(&mut self, connection: ConnId, more: usize) -> bool {
        *self.free.entry(connection).or_insert(0) = more;
        if let Some(rest) = self.held.remove(&connection) {
            let taken = self.write(connection, &rest);
            if taken < rest.len() {
                self.held.insert(connection, rest.slice(taken..));
                return false;
            }
        }
        true
    }
}

fn connection(number: u32) -> ConnId {
    ConnId::new(0, number, number)
}

/// A frame whose bytes say which one it is.
fn frame(seq: u64, len: usize) -> Bytes {
    let mut bytes = vec![b'.'; len.max(12)];
    bytes[..8].copy_from_slice(&seq.to_be_bytes());
    let total = u32::try_from(bytes.len()).unwrap();
    bytes[8..12].copy_from_slice(&total.to_be_bytes());
    bytes.into()
}

fn seqs(mut written: &[u8]) -> Vec<u64> {
    let mut seqs = Vec::new();
    while !written.is_empty() {
        seqs.push(u64::from_be_bytes(written[..8].try_into().unwrap()));
        let len = u32::from_be_bytes(written[8..12].try_into().unwrap()) as usize;
        written = &written[len..];
    }
    seqs
}

fn item(seq: u64, len: usize, audience: Audience) -> Item {
    Item { frame: frame(seq, len), seq: Seq(seq), audience, class: Class::Normal, downlink: Downlink::default(), at: Time(0) }
}

#[derive(Clone, Debug)]
enum Step {
    Join(u32),
    Leave(u32),
    Append { len: usize, audience: u8, who: u32 },
    Flush,
    Limit { who: u32, bytes: usize },
    Open { who: u32, bytes: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..6u32).prop_map(Step::Join),
        1 => (0..6u32).prop_map(Step::Leave),
        6 => (12..90usize, 0..8u8, 0..6u32).prop_map(|(len, audience, who)| Step::Append { len, audience, who }),
        4 => Just(Step::Flush),
        2 => (0..6u32, 0..200usize).prop_map(|(who, bytes)| Step::Limit { who, bytes }),
        3 => (0..6u32, 0..400usize).prop_map(|(who, bytes)| Step::Open { who, bytes }),
    ]
}

proptest! {
    #[test]
    fn every_reader_hears_exactly_what_is_meant_for_it(steps in prop::collection::vec(step(), 1..120)) {
        let (mut feed, mut sockets, mut scratch) = (Feed::new(1 << 20), Sockets::default(), Vec::new());
        let mut places: HashMap<u32, Place> = HashMap::new();
        let mut expected: HashMap<u32, Vec<u64>> = HashMap::new();
        let mut seq = 0;
        for step in steps {
            match step {
                Step::Join(who) => {
                    places.entry(who).or_insert_with(|| feed.join(connection(who)));
                }
                Step::Leave(who) => {
                    if let Some(place) = places.remove(&who) {
                        // What it has yet to hear comes back whole and in order.
                        let rest = feed.leave(place);
                        let written = sockets.written.entry(connection(who)).or_default();
                        written.extend(sockets.held.remove(&connection(who)).unwrap_or_default());
                        rest.iter().for_each(|frame| written.extend_from_slice(frame));
                        prop_assert_eq!(seqs(written), expected.get(&who).cloned().unwrap_or_default());
                    }
                }
                Step::Append { len, audience, who } => {
                    seq += 1;
                    let audience = match audience {
                        0..=4 => Audience::All,
                        5 => Audience::AllBut(connection(who)),
                        6 => Audience::Except([connection(who)].into()),
                        _ => Audience::Only([connection(who)].into()),
                    };
                    for reader in places.keys() {
                        let is_for = match &audience {
                            Audience::All => true,
                            Audience::AllBut(_) => *reader != who,
                            Audience::Only(_) => *reader == who,
                            Audience::Except(_) => *reader != who,
                        };
                        if is_for {
                            expected.entry(*reader).or_default().push(seq);
                        }
                    }
                    let sender = matches!(audience, Audience::AllBut(_)).then(|| places.get(&who).copied()).flatten();
                    feed.append(item(seq, len, audience), sender);
                }
                Step::Flush => {
                    feed.flush(&mut scratch, &mut sockets);
                    feed.trim(Time(0));
                }
                Step::Limit { who, bytes } => {
                    sockets.free.insert(connection(who), bytes);
                }
                Step::Open { who, bytes } => {
                    if sockets.open(connection(who), bytes) && let Some(place) = places.get(&who) {
                        prop_assert_eq!(feed.missed(*place), None);
                        feed.catch_up(*place, &mut scratch, &mut sockets);
                    }
                }
            }
        }
        feed.flush(&mut scratch, &mut sockets);
        for (who, place) in &places {
            while !sockets.open(connection(*who), usize::MAX) {}
            feed.catch_up(*place, &mut scratch, &mut sockets);
            let written = sockets.written.get(&connection(*who)).cloned().unwrap_or_default();
            prop_assert_eq!(seqs(&written), expected.get(who).cloned().unwrap_or_default());
        }
        prop_assert_eq!(feed.laggards(), 0);
    }
}

#[test]
fn a_turn_costs_one_write_per_reader_that_is_up_to_date() {
    let (mut feed, mut sockets, mut scratch) = (Feed::new(1 << 20), Sockets::default(), Vec::new());
    for who in 0..100 {
        feed.join(connection(who));
    }
    (1..=64).for_each(|seq| feed.append(item(seq, 100, Audience::All), None));
    assert_eq!(feed.flush(&mut scratch, &mut sockets), 6400);
    assert_eq!(sockets.writes, 100);
}

#[test]
fn a_reader_that_is_overtaken_learns_what_it_missed_but_loses_no_notification() {
    let (mut feed, mut sockets, mut scratch) = (Feed::new(10_000), Sockets::default(), Vec::new());
    let place = feed.join(connection(1));
    sockets.free.insert(connection(1), 150);
    for seq in 1..=1000 {
        feed.append(
            Item { class: if seq == 300 { Class::Kept } else { Class::Normal }, ..item(seq, 100, Audience::All) },
            None,
        );
        feed.flush(&mut scratch, &mut sockets);
        feed.trim(Time(0));
    }
    assert!(sockets.open(connection(1), usize::MAX));
    let missed = feed.missed(place).unwrap();
    feed.catch_up(place, &mut scratch, &mut sockets);
    let heard = seqs(&sockets.written[&connection(1)]);
    assert_eq!(heard[..3], [1, 2, 300], "the frame that was begun is completed, the notification is kept");
    let ring = heard[3];
    assert_eq!(missed, Missed { first: Seq(3), last: Seq(ring - 1), is_hopeless: false }, "the gap ends where the ring begins");
    assert_eq!(heard[3..], (ring..=1000).collect::<Vec<_>>());
    assert!(heard.len() <= 103, "the ring holds 10,000 bytes");
}

#[test]
fn a_reader_that_is_overtaken_lacks_normal_messages_first_and_those_of_high_priority_next() {
    let (mut feed, mut sockets, mut scratch) = (Feed::new(10_000), Sockets::default(), Vec::new());
    let (patient, late) = (feed.join(connection(1)), feed.join(connection(2)));
    for number in [1, 2] {
        sockets.free.insert(connection(number), 0);
    }
    let class = |seq: u64| match seq % 10 {
        0 => Class::Kept,
        5 => Class::High,
        _ => Class::Normal,
    };
    let mut push = |feed: &mut Feed, sockets: &mut Sockets, seq: u64| {
        feed.append(Item { class: class(seq), ..item(seq, 1000, Audience::All) }, None);
        feed.flush(&mut scratch, sockets);
        feed.trim(Time(0));
    };
    (1..=300).for_each(|seq| push(&mut feed, &mut sockets, seq));
    sockets.open(connection(1), usize::MAX);
    assert!(!feed.missed(patient).unwrap().is_hopeless);
    feed.catch_up(patient, &mut Vec::new(), &mut sockets);
    let expected: Vec<u64> = (1..=300).filter(|seq| *seq > 290 || seq % 5 == 0).collect();
    assert_eq!(seqs(&sockets.written[&connection(1)]), expected);
    // Once there is no room for both, messages of high priority go and notifications stay.
    let last = FEED_SAVED_BYTES_MAX as u64 / 1000 * 10 - 100;
    (301..=last).for_each(|seq| push(&mut feed, &mut sockets, seq));
    sockets.open(connection(2), usize::MAX);
    assert!(!feed.missed(late).unwrap().is_hopeless);
    feed.catch_up(late, &mut Vec::new(), &mut sockets);
    let heard = seqs(&sockets.written[&connection(2)]);
    assert!(heard.windows(2).all(|pair| pair[0] < pair[1]), "in order");
    assert!((1..=last / 10).all(|number| heard.binary_search(&(10 * number)).is_ok()), "no notification is lost");
    assert!(heard.binary_search(&5).is_err(), "the oldest of high priority is lost");
    assert!(heard.binary_search(&(last - 15)).is_ok(), "the newest is not");
}

#[test]
fn a_reader_that_lacks_too_many_notifications_is_hopeless() {
    let (mut feed, mut sockets, mut scratch) = (Feed::new(10_000), Sockets::default(), Vec::new());
    let place = feed.join(connection(1));
    sockets.free.insert(connection(1), 0);
    for seq in 1..=(2 * FEED_SAVED_BYTES_MAX as u64 / 1000) {
        feed.append(Item { class: Class::Kept, ..item(seq, 1000, Audience::All) }, None);
        feed.flush(&mut scratch, &mut sockets);
        feed.trim(Time(0));
    }
    sockets.open(connection(1), usize::MAX);
    assert!(feed.missed(place).unwrap().is_hopeless);
}

#[test]
fn a_resume_replays_what_was_missed_or_says_that_it_cannot() {
    let (mut feed, mut sockets, mut scratch) = (Feed::new(1 << 20), Sockets::default(), Vec::new());
    for seq in 1..=150 {
        let audience = if seq == 120 { Audience::AllBut(connection(7)) } else { Audience::All };
        feed.append(item(seq, 100, audience), None);
    }
    feed.flush(&mut scratch, &mut sockets);
    let replayed = feed.replay(Seq(100), connection(7)).unwrap();
    let heard: Vec<u64> = replayed.iter().map(|frame| seqs(frame)[0]).collect();
    assert_eq!(heard, (101..=150).filter(|seq| *seq != 120).collect::<Vec<_>>());
    assert_eq!(feed.replay(Seq(150), connection(7)), Some(Vec::new()));
    for seq in 151..=150 + FEED_FRAMES_MAX as u64 {
        feed.append(item(seq, 100, Audience::All), None);
    }
    feed.flush(&mut scratch, &mut sockets);
    feed.trim(Time(0));
    assert_eq!(feed.replay(Seq(100), connection(7)), None);
}

#[test]
fn a_quiet_room_keeps_nothing() {
    let (mut feed, mut sockets, mut scratch) = (Feed::new(1 << 20), Sockets::default(), Vec::new());
    feed.append(item(1, 100, Audience::All), None);
    feed.flush(&mut scratch, &mut sockets);
    feed.trim(Time(0).plus_ms(29_999));
    assert!(!feed.is_spent());
    feed.trim(Time(0).plus_ms(30_000));
    assert!(feed.is_spent());
}
