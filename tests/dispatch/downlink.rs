//! Where the application sets a limit on what one connection is sent, the excess is left out at random, of ordinary messages only;
//! without a limit nobody pays for it.

use std::collections::HashMap;

use bytes::Bytes;
use chatroom::dispatch::{Class, Downlink, Feed, Item, Outlet, Place};
use chatroom::id::{ConnId, Seq, Time};
use chatroom::room::Audience;

/// Sockets that take everything, and the numbers of what they took; one that is blocked takes nothing.
#[derive(Default)]
struct Sockets {
    heard: HashMap<ConnId, Vec<u64>>,
    blocked: Vec<ConnId>,
    writes: usize,
}

impl Outlet for Sockets {
    fn write(&mut self, connection: ConnId, bytes: &[u8]) -> usize {
        self.writes += 1;
        if self.blocked.contains(&connection) {
            return 0;
        }
        let numbers = bytes.chunks(8).map(|frame| u64::from_be_bytes(frame.try_into().expect("whole frames only")));
        self.heard.entry(connection).or_default().extend(numbers);
        bytes.len()
    }

    fn hold(&mut self, connection: ConnId, rest: Bytes) {
        panic!("{connection} was sent a part of a frame, {} bytes are left", rest.len());
    }
}

/// A feed, its readers, and a clock.
struct World {
    feed: Feed,
    downlink: Downlink,
    sockets: Sockets,
    readers: Vec<(ConnId, Place)>,
    seq: u64,
    now_ms: u64,
    scratch: Vec<u8>,
}

impl World {
    fn new(normal_per_second: u32, high_per_second: u32, readers: u32) -> World {
        let mut feed = Feed::new(1 << 20);
        let downlink = Downlink { normal_per_second, high_per_second };
        let connection = |number| ConnId::new(0, number, number);
        let readers = (1..=readers).map(|number| (connection(number), feed.join(connection(number)))).collect();
        World { feed, downlink, sockets: Sockets::default(), readers, seq: 0, now_ms: 10_000, scratch: Vec::new() }
    }

    /// So many frames, evenly over a second, a few in a turn.
    fn second(&mut self, frames: u64, class: impl Fn(u64) -> Class) {
        for number in 0..frames {
            self.append(class(number), Audience::All, 1000 * number / frames);
            if number % 4 == 3 {
                self.flush();
            }
        }
        self.flush();
        self.now_ms += 1000;
    }

    fn append(&mut self, class: Class, audience: Audience, after_ms: u64) {
        self.seq += 1;
        let frame = Bytes::copy_from_slice(&self.seq.to_be_bytes());
        let at = Time(0).plus_ms(self.now_ms + after_ms);
        let is_named = |(connection, place): &(ConnId, Place)| audience.named().contains(connection).then_some(*place);
        let named: Vec<Place> = self.readers.iter().filter_map(is_named).collect();
        self.feed.append(Item { frame, seq: Seq(self.seq), audience, class, downlink: self.downlink, at }, &named);
    }

    fn flush(&mut self) {
        self.feed.flush(&mut self.scratch, &mut self.sockets);
    }

    fn heard(&self, reader: usize) -> &[u64] {
        self.sockets.heard.get(&self.readers[reader].0).map_or(&[], Vec::as_slice)
    }
}

// S003-007: beyond the limit messages may be lost, and only then.
#[test]
fn up_to_the_limit_nothing_is_left_out() {
    let mut world = World::new(20, 10, 3);
    for _ in 0..5 {
        world.second(20, |_| Class::Normal);
        world.second(10, |_| Class::High);
    }
    for reader in 0..3 {
        assert_eq!(world.heard(reader), (1..=150).collect::<Vec<_>>());
    }
}

#[test]
fn in_the_second_after_a_burst_nothing_is_left_out_up_to_the_limit() {
    for calm in [1, 5, 19, 20] {
        let mut world = World::new(20, 0, 50);
        for burst in [1000, 21, 200] {
            world.second(burst, |_| Class::Normal);
            let start = world.seq;
            if burst == 21 {
                // At once.
                (0..calm).for_each(|_| world.append(Class::Normal, Audience::All, 500));
                world.flush();
                world.now_ms += 1000;
            } else {
                world.second(calm, |_| Class::Normal);
            }
            let expected: Vec<u64> = (start + 1..=world.seq).collect();
            for reader in 0..50 {
                let heard: Vec<u64> = world.heard(reader).iter().copied().filter(|seq| *seq > start).collect();
                assert_eq!(heard, expected, "after {burst} in a second");
            }
        }
    }
}

#[test]
fn never_more_than_the_limit_comes_in_a_second_and_never_less_where_there_is_more() {
    let mut world = World::new(20, 0, 50);
    const SECONDS: u64 = 10;
    for _ in 0..SECONDS {
        world.second(200, |_| Class::Normal);
    }
    for reader in 0..50 {
        for second in 0..SECONDS {
            let count = world.heard(reader).iter().filter(|seq| (**seq - 1) / 200 == second).count();
            assert_eq!(count, 20, "in second {second}");
        }
    }
}

#[test]
fn the_excess_of_a_burst_is_left_out_at_random() {
    let mut world = World::new(20, 0, 50);
    const SECONDS: u64 = 10;
    for _ in 0..SECONDS {
        // At once, so that the choice is among all of them.
        (0..200).for_each(|number| world.append(Class::Normal, Audience::All, number / 50));
        world.flush();
        world.now_ms += 1000;
    }
    let mut chosen: HashMap<u64, usize> = HashMap::new();
    for reader in 0..50 {
        let heard = world.heard(reader);
        assert_eq!(heard.len() as u64, 20 * SECONDS, "reader {reader}");
        heard.iter().for_each(|seq| *chosen.entry(*seq).or_default() += 1);
    }
    // Different readers hear different ones: nearly every message reaches somebody, none reaches all.
    assert!(chosen.len() as u64 > 200 * SECONDS * 8 / 10, "{} of {} were heard by somebody", chosen.len(), 200 * SECONDS);
    assert!(chosen.values().all(|count| *count < 25), "no message is everybody's");
    // Early and late in a burst alike.
    let early = chosen.keys().filter(|seq| (**seq - 1) % 200 < 100).count();
    assert!((chosen.len() / 3..=chosen.len() * 2 / 3).contains(&early), "{early} of {} are early", chosen.len());
}

#[test]
fn messages_of_high_priority_have_a_limit_of_their_own() {
    let mut world = World::new(20, 10, 1);
    world.second(30, |number| if number % 2 == 0 { Class::High } else { Class::Normal });
    let heard = world.heard(0);
    assert_eq!(heard.iter().filter(|seq| **seq % 2 == 1).count(), 10, "of fifteen of high priority ten come");
    assert_eq!(heard.iter().filter(|seq| **seq % 2 == 0).count(), 15, "and all ordinary ones");
    let mut world = World::new(5, 0, 1);
    world.second(100, |number| if number % 2 == 0 { Class::High } else { Class::Normal });
    assert_eq!(world.heard(0).iter().filter(|seq| **seq % 2 == 1).count(), 50, "without a limit all of them come");
}

#[test]
fn notifications_are_never_left_out() {
    let mut world = World::new(1, 1, 5);
    for _ in 0..3 {
        world.second(100, |_| Class::Kept);
    }
    for reader in 0..5 {
        assert_eq!(world.heard(reader), (1..=300).collect::<Vec<_>>());
    }
}

#[test]
fn what_is_not_for_a_reader_does_not_count_against_it() {
    let mut world = World::new(20, 0, 2);
    let first: Audience = Audience::Only([world.readers[0].0].into());
    for second in 0..3 {
        for number in 0..100 {
            world.append(Class::Normal, first.clone(), 10 * number);
        }
        let second_reader: Audience = Audience::Only([world.readers[1].0].into());
        (0..20).for_each(|_| world.append(Class::Normal, second_reader.clone(), 999));
        world.flush();
        world.now_ms += 1000;
        let own = world.heard(1).iter().filter(|seq| (**seq - 1) / 120 == second).count();
        assert_eq!(own, 20, "the flood is another's");
    }
}

#[test]
fn a_reader_that_was_blocked_hears_the_same_choice_when_it_catches_up() {
    let mut world = World::new(10, 0, 1);
    let (connection, place) = world.readers[0];
    world.second(50, |_| Class::Normal);
    world.sockets.blocked.push(connection);
    for _ in 0..4 {
        world.second(50, |_| Class::Normal);
    }
    assert!(world.heard(0).iter().all(|seq| *seq <= 50));
    world.sockets.blocked.clear();
    world.feed.catch_up(place, &mut world.scratch, &mut world.sockets);
    let heard = world.heard(0);
    for second in 0..5 {
        assert!(heard.iter().filter(|seq| (**seq - 1) / 50 == second).count() <= 10);
    }
    assert!(heard.windows(2).all(|pair| pair[0] < pair[1]), "in order and once");
    assert!(heard.iter().any(|seq| *seq > 200), "up to the end");
}

#[test]
fn a_limit_that_changes_holds_from_the_next_frame_on() {
    let mut world = World::new(0, 0, 3);
    world.second(50, |_| Class::Normal);
    let unlimited = world.downlink;
    world.downlink = Downlink { normal_per_second: 10, high_per_second: 0 };
    world.second(50, |_| Class::Normal);
    let newcomer = ConnId::new(0, 9, 9);
    world.readers.push((newcomer, world.feed.join(newcomer)));
    world.second(50, |_| Class::Normal);
    world.downlink = unlimited;
    world.second(50, |_| Class::Normal);
    for reader in 0..4 {
        let in_second = |second| world.heard(reader).iter().filter(|seq| (**seq - 1) / 50 == second).count();
        let is_old = reader < 3;
        assert_eq!((in_second(0), in_second(3)), (if is_old { 50 } else { 0 }, 50));
        assert!((usize::from(is_old)..=10).contains(&in_second(1)) && (1..=10).contains(&in_second(2)));
    }
}

#[test]
fn a_seat_taken_over_begins_anew() {
    let mut world = World::new(5, 0, 1);
    world.second(5, |_| Class::Normal);
    world.now_ms -= 1000;
    let (connection, place) = world.readers[0];
    world.feed.leave(place);
    let newcomer = ConnId::new(0, 9, 9);
    world.readers[0] = (newcomer, world.feed.join(newcomer));
    world.second(5, |_| Class::Normal);
    assert_eq!((world.sockets.heard[&connection].len(), world.heard(0).len()), (5, 5));
}

#[test]
fn without_a_limit_a_turn_is_one_write_for_each_reader() {
    let mut world = World::new(0, 0, 100);
    for _ in 0..64 {
        world.append(Class::Normal, Audience::All, 0);
    }
    world.flush();
    assert_eq!(world.sockets.writes, 100);
    assert_eq!(world.heard(99).len(), 64);
}
