//! Every reader of a feed hears exactly what is meant for it, in order and whole, however its socket behaves; one that is too
//! slow is told what it missed, and costs a bounded number of bytes.

use std::collections::HashMap;
use std::sync::Arc;

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

/// Connections in the order an audience wants them.
fn named(numbers: &[u32]) -> Arc<[ConnId]> {
    let mut named: Vec<ConnId> = numbers.iter().map(|number| connection(*number)).collect();
    named.sort();
    named.dedup();
    named.into()
}

/// Where those sit whom an audience names.
fn seated(places: &HashMap<u32, Place>, audience: &Audience) -> Vec<Place> {
    let named = audience.named();
    places.iter().filter(|(reader, _)| named.contains(&connection(**reader))).map(|(_, place)| *place).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Join(u32),
    Leave(u32),
    Append {
        len: usize,
        audience: u8,
        who: u32,
        others: Vec<u32>,
    },
    /// Several in a row for some readers only: a turn in which no frame is for the many.
    Whisper {
        count: usize,
        others: Vec<u32>,
    },
    Flush,
    Limit {
        who: u32,
        bytes: usize,
    },
    Open {
        who: u32,
        bytes: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..6u32).prop_map(Step::Join),
        1 => (0..6u32).prop_map(Step::Leave),
        6 => (12..90usize, 0..10u8, 0..6u32, prop::collection::vec(0..6u32, 0..5))
            .prop_map(|(len, audience, who, others)| Step::Append { len, audience, who, others }),
        2 => (1..4usize, prop::collection::vec(0..6u32, 0..4)).prop_map(|(count, others)| Step::Whisper { count, others }),
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
                Step::Append { len, audience, who, others } => {
                    seq += 1;
                    let (audience, is_for): (_, Box<dyn Fn(u32) -> bool>) = match audience {
                        0..=4 => (Audience::All, Box::new(|_| true)),
                        5 => (Audience::AllBut(connection(who)), Box::new(move |reader| reader != who)),
                        6..=7 => (Audience::Except(named(&others)), Box::new(move |reader| !others.contains(&reader))),
                        _ => (Audience::Only(named(&others)), Box::new(move |reader| others.contains(&reader))),
                    };
                    for reader in places.keys().filter(|reader| is_for(**reader)) {
                        expected.entry(*reader).or_default().push(seq);
                    }
                    feed.append(item(seq, len, audience.clone()), &seated(&places, &audience));
                }
                Step::Whisper { count, others } => {
                    feed.flush(&mut scratch, &mut sockets);
                    for _ in 0..count {
                        seq += 1;
                        for reader in places.keys().filter(|reader| others.contains(reader)) {
                            expected.entry(*reader).or_default().push(seq);
                        }
                        let audience = Audience::Only(named(&others));
                        feed.append(item(seq, 40, audience.clone()), &seated(&places, &audience));
                    }
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
    (1..=64).for_each(|seq| feed.append(item(seq, 100, Audience::All), &[]));
    assert_eq!(feed.flush(&mut scratch, &mut sockets), 6400);
    assert_eq!(sockets.writes, 100);
}

#[test]
fn what_is_for_some_visits_nobody_else() {
    let (mut feed, mut sockets, mut scratch) = (Feed::new(1 << 20), Sockets::default(), Vec::new());
    let places: HashMap<u32, Place> = (0..100).map(|who| (who, feed.join(connection(who)))).collect();
    let whisper = |feed: &mut Feed, seq, others: &[u32]| {
        let audience = Audience::Only(named(others));
        feed.append(item(seq, 100, audience.clone()), &seated(&places, &audience));
    };
    whisper(&mut feed, 1, &[3, 4]);
    whisper(&mut feed, 2, &[4, 5]);
    assert_eq!(feed.flush(&mut scratch, &mut sockets), 4);
    assert_eq!(sockets.writes, 3);
    // Nobody of the others lags because of it.
    assert_eq!(feed.laggards(), 0);
    // Together with what is for all, the many get one write, and those who are named get theirs.
    whisper(&mut feed, 3, &[7]);
    feed.append(item(4, 100, Audience::All), &[]);
    let but = Audience::Except(named(&[7, 8]));
    feed.append(item(5, 100, but.clone()), &seated(&places, &but));
    sockets.writes = 0;
    assert_eq!(feed.flush(&mut scratch, &mut sockets), 98 * 2 + 2 + 1);
    assert_eq!(sockets.writes, 100);
    let heard = |who| seqs(&sockets.written[&connection(who)]);
    assert_eq!((heard(7), heard(8), heard(9)), (vec![3, 4], vec![4], vec![4, 5]));
}

#[test]
fn a_long_list_of_hearers_counts_against_the_ring() {
    let (mut feed, mut sockets, mut scratch) = (Feed::new(10_000), Sockets::default(), Vec::new());
    let many: Vec<u32> = (0..1000).collect();
    for seq in 1..=10 {
        feed.append(item(seq, 100, Audience::Only(named(&many))), &[]);
        feed.flush(&mut scratch, &mut sockets);
        feed.trim(Time(0));
    }
    // 8 bytes for each of a thousand: only the last one fits into 10,000 bytes.
    assert_eq!(feed.replay(Seq(8), connection(1)), None);
    assert_eq!(feed.replay(Seq(9), connection(1)).map(|frames| frames.len()), Some(1));
}

#[test]
fn a_reader_that_is_overtaken_learns_what_it_missed_but_loses_no_notification() {
    let (mut feed, mut sockets, mut scratch) = (Feed::new(10_000), Sockets::default(), Vec::new());
    let place = feed.join(connection(1));
    sockets.free.insert(connection(1), 150);
    for seq in 1..=1000 {
        feed.append(Item { class: if seq == 300 { Class::Kept } else { Class::Normal }, ..item(seq, 100, Audience::All) }, &[]);
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
fn a_reader_that_is_overtaken_and_leaves_has_the_notifications_still_to_hear() {
    let (mut feed, mut sockets, mut scratch) = (Feed::new(10_000), Sockets::default(), Vec::new());
    let place = feed.join(connection(1));
    sockets.free.insert(connection(1), 0);
    for seq in 1..=1000 {
        feed.append(Item { class: if seq == 300 { Class::Kept } else { Class::Normal }, ..item(seq, 100, Audience::All) }, &[]);
        feed.flush(&mut scratch, &mut sockets);
        feed.trim(Time(0));
    }
    let unheard = seqs(&feed.leave(place).concat());
    assert_eq!((unheard[0], unheard.last()), (300, Some(&1000)));
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
        feed.append(Item { class: class(seq), ..item(seq, 1000, Audience::All) }, &[]);
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
fn a_notification_for_very_many_is_kept_for_those_who_lack_it() {
    let (mut feed, mut sockets, mut scratch) = (Feed::new(10_000), Sockets::default(), Vec::new());
    let places: HashMap<u32, Place> = (1..=3).map(|who| (who, feed.join(connection(who)))).collect();
    let many: Vec<u32> = (0..FEED_SAVED_BYTES_MAX as u32 / 8).filter(|who| *who != 2).collect();
    let audience = Audience::Only(named(&many));
    for who in [1, 2] {
        sockets.free.insert(connection(who), 0);
    }
    for seq in 1..=10 {
        feed.append(Item { class: Class::Kept, ..item(seq, 100, audience.clone()) }, &seated(&places, &audience));
        feed.flush(&mut scratch, &mut sockets);
        feed.trim(Time(0));
    }
    assert!(sockets.open(connection(1), usize::MAX));
    assert!(!feed.missed(places[&1]).unwrap().is_hopeless, "the list of the others costs it nothing");
    feed.catch_up(places[&1], &mut scratch, &mut sockets);
    assert_eq!(seqs(&sockets.written[&connection(1)]), (1..=10).collect::<Vec<_>>());
    assert_eq!(feed.missed(places[&2]), None, "what is not for a reader is not missed");
}

#[test]
fn a_reader_that_lacks_too_many_notifications_is_hopeless() {
    let (mut feed, mut sockets, mut scratch) = (Feed::new(10_000), Sockets::default(), Vec::new());
    let place = feed.join(connection(1));
    sockets.free.insert(connection(1), 0);
    for seq in 1..=(2 * FEED_SAVED_BYTES_MAX as u64 / 1000) {
        feed.append(Item { class: Class::Kept, ..item(seq, 1000, Audience::All) }, &[]);
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
        feed.append(item(seq, 100, audience), &[]);
    }
    feed.flush(&mut scratch, &mut sockets);
    let replayed = feed.replay(Seq(100), connection(7)).unwrap();
    let heard: Vec<u64> = replayed.iter().map(|frame| seqs(frame)[0]).collect();
    assert_eq!(heard, (101..=150).filter(|seq| *seq != 120).collect::<Vec<_>>());
    assert_eq!(feed.replay(Seq(150), connection(7)), Some(Vec::new()));
    for seq in 151..=150 + FEED_FRAMES_MAX as u64 {
        feed.append(item(seq, 100, Audience::All), &[]);
    }
    feed.flush(&mut scratch, &mut sockets);
    feed.trim(Time(0));
    assert_eq!(feed.replay(Seq(100), connection(7)), None);
}

#[test]
fn a_quiet_room_keeps_nothing() {
    let (mut feed, mut sockets, mut scratch) = (Feed::new(1 << 20), Sockets::default(), Vec::new());
    feed.append(item(1, 100, Audience::All), &[]);
    feed.flush(&mut scratch, &mut sockets);
    feed.trim(Time(0).plus_ms(29_999));
    assert!(!feed.is_spent());
    feed.trim(Time(0).plus_ms(30_000));
    assert!(feed.is_spent());
}

#[test]
fn nobody_resumes_without_a_gap_from_before_a_feed_began() {
    let mut feed = Feed::new(1 << 20);
    let mut outlet = Sockets::default();
    feed.append(item(20, 100, Audience::All), &[]);
    feed.flush(&mut Vec::new(), &mut outlet);
    // What lies between 15 and 20 was told while another feed stood here.
    assert_eq!(feed.replay(Seq(15), connection(1)), None);
    assert_eq!(feed.replay(Seq(19), connection(1)).map(|frames| frames.len()), Some(1));
}

/// The notifications that tell of a full queue of which every element goes at once, ten of 424 KiB in one turn, reach a reader whose
/// socket takes little at a time.
#[test]
fn a_burst_of_the_largest_notifications_puts_no_slow_reader_out() {
    let (mut feed, mut sockets, mut scratch) = (Feed::new(1 << 20), Sockets::default(), Vec::new());
    let place = feed.join(connection(1));
    sockets.free.insert(connection(1), 64 * 1024);
    let burst = 1..=10;
    burst.clone().for_each(|seq| feed.append(Item { class: Class::Kept, ..item(seq, 424 * 1024, Audience::All) }, &[]));
    feed.flush(&mut scratch, &mut sockets);
    feed.trim(Time(0));
    for seq in 11..=2000 {
        feed.append(item(seq, 1000, Audience::All), &[]);
        feed.flush(&mut scratch, &mut sockets);
        feed.trim(Time(0));
    }
    assert!(sockets.open(connection(1), usize::MAX));
    assert!(feed.missed(place).is_none_or(|missed| !missed.is_hopeless));
    feed.catch_up(place, &mut scratch, &mut sockets);
    assert_eq!(seqs(&sockets.written[&connection(1)])[..10], burst.collect::<Vec<_>>());
}
