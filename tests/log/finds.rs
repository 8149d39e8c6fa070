//! How every log finds entries again: by the keys they were written with, by place, by time.

use std::ops::ControlFlow;

use super::records::*;
use chatroom::id::{Seq, UnixMs};
use chatroom::limits::INDEX_KEYS_MAX;
use chatroom::log::{self, LogError, Span};

/// A text that is found again under these keys.
fn keyed(of_room: i64, seq: u64, time: i64, keys: &[&str]) -> log::Record {
    let mut record = written(vec![text(room(of_room), seq, time)]).remove(0);
    record.facts.keys = keys.iter().map(|key| Box::from(key.as_bytes())).collect();
    record
}

#[track_caller]
fn keep(log: &dyn Kept, records: Vec<log::Record>) {
    assert_eq!(hand_over(log, records, vec![]).recv_timeout(DEADLINE).expect("an answer in time"), Ok(()));
}

/// The places of a span, as they are shown.
fn places(log: &dyn Kept, span: &Span) -> Vec<u64> {
    let mut seen = Vec::new();
    log.read(span, &mut |entry| {
        seen.push(entry.seq.0);
        Ok(ControlFlow::Continue(()))
    })
    .unwrap();
    seen
}

fn under(of_room: i64, key: &str) -> Span {
    Span { key: Some(Box::from(key.as_bytes())), oldest_first: true, ..Span::all(room(of_room)) }
}

fn entries_are_found_under_each_of_their_keys(log: &dyn Kept) {
    // Three conversations, of which one name begins like another, over several days, in two rooms.
    let at = |seq: u64| NOON + seq as i64 * DAY_MS / 8;
    let conversation = |seq: u64| ["to:a", "to:ab", "to:b"][seq as usize % 3];
    let id = |seq: u64| format!("id:{seq}");
    for of_room in [1, 2] {
        keep(log, (1..=60).map(|seq| keyed(of_room, seq, at(seq), &[conversation(seq), &id(seq)])).collect());
    }
    keep(log, vec![keyed(1, 61, at(61), &[])]);
    for (place, key) in ["to:a", "to:ab", "to:b"].into_iter().enumerate() {
        let expected: Vec<u64> = (1..=60).filter(|seq| *seq as usize % 3 == place).collect();
        assert_eq!(places(log, &under(1, key)), expected, "{key}");
        let newest_first = Span { oldest_first: false, ..under(2, key) };
        assert_eq!(places(log, &newest_first), expected.iter().rev().copied().collect::<Vec<_>>(), "{key}");
        let part = Span { first: Seq(10), last: Seq(40), ..under(1, key) };
        let within: Vec<u64> = expected.iter().copied().filter(|seq| (10..=40).contains(seq)).collect();
        assert_eq!(places(log, &part), within);
        let times = Span { not_before: UnixMs(at(10)), not_after: UnixMs(at(40)), oldest_first: false, ..under(1, key) };
        assert_eq!(places(log, &times), within.iter().rev().copied().collect::<Vec<_>>());
    }
    for seq in [1, 30, 60] {
        assert_eq!(places(log, &under(2, &id(seq))), [seq]);
    }
    for nothing in [under(3, "to:a"), under(1, "to:"), under(1, "to:abc"), under(1, "id:61"), under(1, "")] {
        assert_eq!(places(log, &nothing), [0; 0], "{nothing:?}");
    }
}

fn a_visitor_that_has_seen_enough_is_shown_no_more(log: &dyn Kept) {
    keep(log, (1..=20).map(|seq| keyed(1, seq, NOON + seq as i64, &["k"])).collect());
    for span in [under(1, "k"), Span { oldest_first: true, ..Span::all(room(1)) }] {
        let mut seen = 0;
        let read = log.read(&span, &mut |entry| {
            seen += 1;
            assert_eq!((entry.seq.0, entry.time), (seen, UnixMs(NOON + seen as i64)));
            Ok(if seen == 7 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        assert_eq!((read, seen), (Ok(()), 7));
        let refused = log.read(&span, &mut |_| Err(LogError::Corrupt("what this test is about".into())));
        assert_eq!(refused, Err(LogError::Corrupt("what this test is about".into())), "what a visitor cannot read is said");
    }
}

/// Whoever asks is told the entry before, whatever presence took between the two.
fn entries_name_the_one_before(log: &dyn Kept) {
    let linked = [(1, 0), (4, 1), (9, 4)].map(|(seq, prev)| {
        let mut record = text(room(1), seq, NOON + seq as i64);
        record.link.previous = Seq(prev);
        record
    });
    append(log, linked.into(), vec![]);
    let entries = log.follow(room(1).into(), Seq(0), 10).unwrap();
    assert_eq!(entries.iter().map(|entry| (entry.seq.0, entry.prev.0)).collect::<Vec<_>>(), [(1, 0), (4, 1), (9, 4)]);
}

fn what_is_redacted_is_found_as_it_was_left(log: &dyn Kept) {
    keep(log, vec![keyed(1, 1, NOON, &["k"]), keyed(1, 2, NOON + 1, &["k"])]);
    append(log, vec![recall(room(1), 3, NOON + 2, &text(room(1), 1, NOON))], vec![]);
    let mut found = Vec::new();
    log.read(&under(1, "k"), &mut |entry| {
        found.push(entry.bytes.windows(4).any(|window| window == b"body"));
        Ok(ControlFlow::Continue(()))
    })
    .unwrap();
    assert_eq!(found, [false, true]);
}

fn keys_go_with_their_days_and_with_their_room(log: &dyn Kept) {
    let at = |day: i64| NOON + day * DAY_MS;
    for of_room in [1, 2] {
        keep(log, (0..12).map(|day| keyed(of_room, day as u64 + 1, at(day), &["k"])).collect());
    }
    append(log, vec![], vec![snapshot(room(1), 12)]);
    assert_eq!(log.expire(UnixMs(at(12)), 10).unwrap(), 2);
    for of_room in [1, 2] {
        assert_eq!(places(log, &under(of_room, "k")), (3..=12).collect::<Vec<_>>(), "what is carried is no history");
    }
    log.erase(room(1).into()).unwrap();
    assert_eq!(places(log, &under(1, "k")), [0; 0]);
    assert_eq!(places(log, &under(2, "k")).len(), 10);
}

fn too_many_keys_are_refused_and_as_many_as_may_be_are_not(log: &dyn Kept) {
    let names: Vec<String> = (0..INDEX_KEYS_MAX).map(|number| number.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    keep(log, vec![keyed(1, 1, NOON, &names)]);
    assert!(names.iter().all(|name| places(log, &under(1, name)) == [1]));
    let refused = hand_over(log, vec![impossible(room(1), 2)], vec![]).recv_timeout(DEADLINE).unwrap();
    assert!(matches!(refused, Err(LogError::Store(_))), "{refused:?}");
}

checks! {
    [
        entries_are_found_under_each_of_their_keys
        a_visitor_that_has_seen_enough_is_shown_no_more
        entries_name_the_one_before
        what_is_redacted_is_found_as_it_was_left
        keys_go_with_their_days_and_with_their_room
        too_many_keys_are_refused_and_as_many_as_may_be_are_not
    ],
    []
}
