//! What every log answers to one who asks for the history of a room.

use std::sync::Arc;

use super::records::*;
use bytes::Bytes;
use chatroom::id::{AccountId, Seq, UnixMs};
use chatroom::limits;
use chatroom::room::{Anchor, HistoryFilter, HistoryQuery, HistoryScope, Link, PushBody, Record, Replay, ReplayScope};
use chatroom::wire::pb;
use prost::Message;

// S000-041, S001-068: both directions, pages chain without loss.
fn history_pages_chain_in_both_directions(log: &dyn Kept) {
    // Eight entries a day, over several days.
    let at = |seq: u64| NOON + seq as i64 * DAY_MS / 8;
    append(log, (1..=50).map(|seq| text(room(1), seq, at(seq))).collect(), vec![]);
    append(log, (1..=50).map(|seq| text(room(2), seq, NOON)).collect(), vec![]);
    for (oldest_first, by_time) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut query = HistoryQuery { oldest_first, ..query(room(1), 7) };
        let mut all = Vec::new();
        loop {
            let page = log.history(&query).unwrap();
            all.extend(items(&page));
            assert_eq!(page.has_more, all.len() < 50);
            let Some(last) = all.last().copied().filter(|_| page.has_more) else { break };
            assert_eq!(page.items.len(), 7);
            query.anchor = Some(if by_time { Anchor::Time(UnixMs(at(last))) } else { Anchor::Seq(Seq(last)) });
        }
        let mut expected: Vec<u64> = (1..=50).collect();
        if !oldest_first {
            expected.reverse();
        }
        assert_eq!(all, expected);
    }
}

fn anchors_are_exclusive_wherever_they_lie(log: &dyn Kept) {
    // Times 0, 10, 20, … and holes in the seqs, as presence leaves them.
    append(log, (0..40).map(|n| text(room(1), 3 * n + 1, NOON + 10 * n as i64)).collect(), vec![]);
    let page = |anchor, oldest_first| {
        let query = HistoryQuery { anchor: Some(anchor), oldest_first, ..query(room(1), 2) };
        items(&log.history(&query).unwrap())
    };
    for n in 2..38_u64 {
        let (own, time) = (3 * n + 1, NOON + 10 * n as i64);
        assert_eq!(page(Anchor::Time(UnixMs(time)), true), [own + 3, own + 6]);
        assert_eq!(page(Anchor::Time(UnixMs(time - 1)), true), [own, own + 3]);
        assert_eq!(page(Anchor::Time(UnixMs(time + 1)), false), [own, own - 3]);
        assert_eq!(page(Anchor::Time(UnixMs(time)), false), [own - 3, own - 6]);
        assert_eq!(page(Anchor::Seq(Seq(own)), true), [own + 3, own + 6]);
        assert_eq!(page(Anchor::Seq(Seq(own + 1)), true), [own + 3, own + 6]);
        assert_eq!(page(Anchor::Seq(Seq(own)), false), [own - 3, own - 6]);
        assert_eq!(page(Anchor::Seq(Seq(own + 1)), false), [own, own - 3]);
    }
    assert_eq!(page(Anchor::Time(UnixMs(NOON)), false), [0; 0]);
    assert_eq!(page(Anchor::Time(UnixMs(NOON + 390)), true), [0; 0]);
    assert_eq!(page(Anchor::Time(UnixMs(i64::MAX)), true), [0; 0]);
    assert_eq!(page(Anchor::Time(UnixMs(i64::MIN)), false), [0; 0]);
    assert_eq!(page(Anchor::Time(UnixMs(i64::MAX)), false), [118, 115]);
    assert_eq!(page(Anchor::Seq(Seq(0)), false), [0; 0]);
    assert_eq!(page(Anchor::Seq(Seq(u64::MAX)), true), [0; 0]);
}

/// A message of some 16 KiB.
fn heavy(seq: u64, time: i64) -> Record {
    let (mut record, ext) = (text(room(1), seq, time), "x".repeat(16 * 1024).into_bytes());
    let message = pb::Message { room_id: 1, seq, time_ms: time, from: "alice".into(), ext: ext.into(), ..Default::default() };
    record.push = Some(PushBody::Message { message_type: 0, body: message.encode_to_vec().into() });
    record
}

/// A page ends before it would not fit into a frame any more, and the next one goes on from there.
fn a_page_is_bounded_in_bytes(log: &dyn Kept) {
    append(log, (1..=100).map(|seq| heavy(seq, NOON)).collect(), vec![]);
    let (mut query, mut all) = (HistoryQuery { oldest_first: true, ..query(room(1), 100) }, Vec::new());
    loop {
        let page = log.history(&query).unwrap();
        let bytes: usize = page.items.iter().filter_map(|item| item.message.as_ref()).map(Bytes::len).sum();
        assert!(bytes <= limits::HISTORY_PAGE_BYTES_MAX);
        all.extend(items(&page));
        if !page.has_more {
            break;
        }
        query.anchor = page.reached.map(Anchor::Seq);
    }
    assert_eq!(all, (1..=100).collect::<Vec<u64>>());
}

// chatroom.md §e.6: a page ends before equal times that would not fit; only what exceeds the limit alone grows it, to twice that.
fn equal_times_are_not_split(log: &dyn Kept) {
    // Groups of four with one time.
    append(log, (0..24).map(|n| text(room(1), n + 1, NOON + n as i64 / 4)).collect(), vec![]);
    for (limit, expected) in [(1, 2), (2, 4), (3, 4), (4, 4), (5, 4), (6, 4), (7, 4), (8, 8), (9, 8), (11, 8), (12, 12)] {
        for oldest_first in [false, true] {
            let page = log.history(&HistoryQuery { oldest_first, ..query(room(1), limit) }).unwrap();
            assert_eq!((page.items.len(), page.has_more), (expected, true), "limit {limit}");
        }
    }
    // A group longer than twice the limit goes on with the exact anchor.
    let first = log.history(&HistoryQuery { oldest_first: true, ..query(room(1), 1) }).unwrap();
    assert_eq!((items(&first), first.reached), (vec![1, 2], Some(Seq(2))));
    let anchor = first.reached.map(Anchor::Seq);
    let second = log.history(&HistoryQuery { oldest_first: true, anchor, ..query(room(1), 1) }).unwrap();
    assert_eq!(items(&second), [3, 4]);
    // Ten of one time, then four of another, by pages of twelve: the four are a page of their own.
    append(log, (1..=14).map(|n| text(room(2), n, NOON + i64::from(n > 10))).collect(), vec![]);
    let first = log.history(&HistoryQuery { oldest_first: true, ..query(room(2), 12) }).unwrap();
    assert_eq!((items(&first).len(), first.has_more), (10, true));
    let anchor = Some(Anchor::Time(UnixMs(NOON)));
    let second = log.history(&HistoryQuery { oldest_first: true, anchor, ..query(room(2), 12) }).unwrap();
    assert_eq!((items(&second), second.has_more), ((11..=14).collect(), false));
}

/// Equal times that do not fit into the bytes of an answer any more are left to the next page, which the time leads to as well.
fn equal_times_that_weigh_too_much_are_left_to_the_next_page(log: &dyn Kept) {
    // Groups of seven with some 16 KiB each: four groups fit into a page, and a part of the fifth.
    append(log, (0..70).map(|n| heavy(n + 1, NOON + n as i64 / 7)).collect(), vec![]);
    for oldest_first in [false, true] {
        let (mut query, mut all) = (HistoryQuery { oldest_first, ..query(room(1), 100) }, Vec::new());
        loop {
            let page = log.history(&query).unwrap();
            let found = items(&page);
            assert!(found.len().is_multiple_of(7) && !found.is_empty(), "{} items", found.len());
            let last = *found.last().unwrap();
            all.extend(found);
            if !page.has_more {
                break;
            }
            query.anchor = Some(Anchor::Time(UnixMs(NOON + (last as i64 - 1) / 7)));
        }
        all.sort_unstable();
        assert_eq!(all, (1..=70).collect::<Vec<u64>>());
    }
}

/// Every way of reading on from page to page sees each item that is asked for, once and in order: by the time of the last item as
/// long as no group is longer than twice the limit, and by what the page reached in any case.
fn every_way_of_paging_sees_every_item_once(log: &dyn Kept) {
    const KINDS: [i32; 4] = [0, 10, 100, 5];
    let mut random = fastrand::Rng::with_seed(9);
    for case in 1..=40 {
        let id = room(case);
        let longest = random.i64(1..=9);
        let (mut time, mut records) = (NOON, Vec::new());
        for seq in 1..=random.u64(1..=120) {
            time += i64::from(random.i64(0..longest) == 0) * random.i64(1..=20);
            let mut record = match KINDS[random.usize(..KINDS.len())] {
                5 => notification(id, seq, time),
                kind => message(id, seq, time, kind),
            };
            record.in_history = random.u8(..8) > 0;
            record.notify_target_tags = ["", "", "{tag:\"red\"}", "{tag:\"blue\"}"][random.usize(..4)].into();
            records.push(record);
        }
        append(log, records.clone(), vec![]);
        for _ in 0..8 {
            let types = if random.bool() { vec![] } else { random.choose_multiple(KINDS, 2) };
            let filter = match random.u8(..3) {
                0 => HistoryFilter::Everything,
                1 => HistoryFilter::Listener(tags(&["red"])),
                _ => HistoryFilter::Tags(tags(&["red"])),
            };
            let is_wanted = |record: &&Record| {
                let kind = match &record.push {
                    Some(PushBody::Message { message_type, .. }) => *message_type,
                    _ => 5,
                };
                let hears = match (&filter, record.notify_target_tags.as_str()) {
                    (HistoryFilter::Everything, _) | (HistoryFilter::Listener(_), "") => true,
                    (_, expression) => expression.contains("red"),
                };
                record.in_history && hears && (types.is_empty() || types.contains(&kind))
            };
            let wanted: Vec<(u64, i64)> =
                records.iter().filter(is_wanted).map(|record| (record.entry.seq.0, record.entry.stamp.time.0)).collect();
            let longest = wanted.chunk_by(|one, other| one.1 == other.1).map(<[_]>::len).max().unwrap_or(0);
            let limit = random.u32(1..=12);
            for (oldest_first, by_time) in [(false, false), (false, true), (true, false), (true, true)] {
                if by_time && longest > 2 * limit as usize {
                    continue;
                }
                let (types, scope) = (types.clone(), scope(filter.clone()));
                let mut asked = HistoryQuery { oldest_first, types, scope, ..query(id, limit) };
                let mut all = Vec::new();
                loop {
                    let page = log.history(&asked).unwrap();
                    assert!(page.items.len() <= 2 * limit as usize);
                    all.extend(items(&page));
                    if !page.has_more {
                        break;
                    }
                    let time_of = |seq: u64| records[seq as usize - 1].entry.stamp.time;
                    asked.anchor = match by_time {
                        true => all.last().map(|last| Anchor::Time(time_of(*last))),
                        false => page.reached.map(Anchor::Seq),
                    };
                }
                if !oldest_first {
                    all.reverse();
                }
                let expected: Vec<u64> = wanted.iter().map(|(seq, _)| *seq).collect();
                assert_eq!(all, expected, "room {case}, limit {limit}, oldest first {oldest_first}, by time {by_time}");
            }
        }
    }
}

// S000-041: filtered by type.
fn history_filters_by_type(log: &dyn Kept) {
    let kinds = [0, 100, 5, 10, 0, 4, 5, 100];
    let entry = |(n, kind): (usize, &i32)| match *kind {
        5 => notification(room(1), n as u64 + 1, NOON + n as i64),
        kind => message(room(1), n as u64 + 1, NOON + n as i64, kind),
    };
    append(log, kinds.iter().enumerate().map(entry).collect(), vec![]);
    let of = |types: &[i32]| {
        let page = log.history(&HistoryQuery { types: types.to_vec(), oldest_first: true, ..query(room(1), 100) }).unwrap();
        assert!(!page.has_more);
        items(&page)
    };
    assert_eq!(of(&[]), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(of(&[0]), [1, 5]);
    assert_eq!(of(&[5]), [3, 7]);
    assert_eq!(of(&[100, 5]), [2, 3, 7, 8]);
    assert_eq!(of(&[20]), [0; 0]);
    // The last page of a type says so although other entries follow.
    let page = log.history(&HistoryQuery { types: vec![4], oldest_first: true, ..query(room(1), 1) }).unwrap();
    assert_eq!((items(&page), page.has_more), (vec![6], false));
}

// S002-034, S003-007: a message may choose not to be stored.
fn what_is_not_for_the_history_is_not_in_it(log: &dyn Kept) {
    let hidden = Record { in_history: false, ..text(room(1), 2, NOON) };
    let silent = Record { push: None, ..notification(room(1), 3, NOON) };
    append(log, vec![text(room(1), 1, NOON), hidden, silent, text(room(1), 4, NOON)], vec![]);
    assert_eq!(items(&log.history(&query(room(1), 100)).unwrap()), [4, 1]);
    assert_eq!(seqs(&log.rebuilding(room(1), UnixMs(NOON)).unwrap().unwrap().records), [1, 2, 3, 4]);
}

// S000-041, S003-007: nothing older than the retention.
fn history_ends_at_the_retention(log: &dyn Kept) {
    append(log, (1..=30).map(|seq| text(room(1), seq, NOON + seq as i64 * DAY_MS / 2)).collect(), vec![]);
    let not_before = UnixMs(NOON + 20 * DAY_MS / 2);
    let mut query = HistoryQuery { not_before, ..query(room(1), 100) };
    let page = log.history(&query).unwrap();
    assert_eq!((items(&page), page.has_more), ((20..=30).rev().collect(), false));
    query.oldest_first = true;
    assert_eq!(items(&log.history(&query).unwrap()), (20..=30).collect::<Vec<_>>());
    query.anchor = Some(Anchor::Seq(Seq(3)));
    assert_eq!(items(&log.history(&query).unwrap())[0], 20);
    query.anchor = Some(Anchor::Time(UnixMs(NOON)));
    assert_eq!(items(&log.history(&query).unwrap())[0], 20);
    query.not_before = UnixMs(NOON + 100 * DAY_MS);
    assert_eq!(log.history(&query).unwrap().items, []);
}

/// A text that was sent with an expression.
fn tagged(seq: u64, time: i64, expression: &str) -> Record {
    Record { notify_target_tags: expression.into(), ..text(room(1), seq, time) }
}

fn scope(filter: HistoryFilter) -> HistoryScope {
    HistoryScope { filter, ..HistoryScope::default() }
}

fn tags(names: &[&str]) -> Arc<[Arc<str>]> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

// S000-041, S000-042: what was sent with an expression is for those it holds for.
fn history_filters_by_expression(log: &dyn Kept) {
    let red = "{\"tag\":\"red\"}";
    let notice = Record { notify_target_tags: red.into(), ..notification(room(1), 6, NOON) };
    let records = vec![
        text(room(1), 1, NOON),
        tagged(2, NOON, red),
        tagged(3, NOON, "{tag:\"blue\"}"),
        tagged(4, NOON, "{tag:\"red\"} and {tag:\"blue\"}"),
        tagged(5, NOON, "not {tag:\".*\",matchType:\"regex\"}"),
        notice,
        tagged(7, NOON, "no expression at all"),
    ];
    append(log, records.clone(), vec![]);
    let of = |filter| {
        let page = log.history(&HistoryQuery { oldest_first: true, scope: scope(filter), ..query(room(1), 100) }).unwrap();
        assert!(!page.has_more);
        items(&page)
    };
    assert_eq!(of(HistoryFilter::Everything), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(of(HistoryFilter::Listener(tags(&[]))), [1, 5]);
    assert_eq!(of(HistoryFilter::Listener(tags(&["red"]))), [1, 2, 6]);
    assert_eq!(of(HistoryFilter::Listener(tags(&["red", "blue"]))), [1, 2, 3, 4, 6]);
    assert_eq!(of(HistoryFilter::Tags(tags(&["red"]))), [2, 6]);
    assert_eq!(of(HistoryFilter::Tags(tags(&["red", "blue"]))), [2, 3, 4, 6]);
    assert_eq!(log.rebuilding(room(1), UnixMs(NOON)).unwrap().unwrap().records, records, "the expression comes back");
}

/// Regular expressions that were never met are compiled for a bounded time per page, and the query goes on.
fn a_history_full_of_regular_expressions_is_read_in_bounded_pages(log: &dyn Kept) {
    const COUNT: u64 = 500;
    let regex = |seq: u64| tagged(seq, NOON + seq as i64, &format!("{{tag:\"a|{seq}\",matchType:\"regex\"}}"));
    append(log, (1..=COUNT).map(regex).collect(), vec![]);
    let listener = scope(HistoryFilter::Listener(tags(&["x"])));
    let mut query = HistoryQuery { oldest_first: true, scope: listener, ..query(room(1), 100) };
    let mut pages = 0;
    loop {
        let page = log.history(&query).unwrap();
        assert_eq!(page.items, []);
        pages += 1;
        if !page.has_more {
            break;
        }
        query.anchor = page.reached.map(Anchor::Seq);
    }
    let at_once = (limits::HISTORY_SCAN_MAX / limits::HISTORY_EXPRESSION_ENTRIES) as u64;
    assert_eq!(pages, COUNT.div_ceil(at_once));
}

fn history_keeps_within_its_scope_and_times(log: &dyn Kept) {
    append(log, (1..=20).map(|seq| text(room(1), seq, NOON + 10 * seq as i64)).collect(), vec![]);
    let of = |first, not_before, not_after: Option<i64>, oldest_first| {
        let scope = HistoryScope { first: Seq(first), ..HistoryScope::default() };
        let (not_before, not_after) = (UnixMs(NOON + not_before), not_after.map(|time| UnixMs(NOON + time)));
        let mut found =
            items(&log.history(&HistoryQuery { scope, not_before, not_after, oldest_first, ..query(room(1), 100) }).unwrap());
        if !oldest_first {
            found.reverse();
        }
        found
    };
    for oldest_first in [false, true] {
        // Both ends are inclusive.
        assert_eq!(of(0, 50, Some(80), oldest_first), [5, 6, 7, 8]);
        assert_eq!(of(0, 51, Some(79), oldest_first), [6, 7]);
        assert_eq!(of(7, 50, Some(80), oldest_first), [7, 8]);
        assert_eq!(of(19, 0, None, oldest_first), [19, 20]);
        assert_eq!(of(21, 0, None, oldest_first), [0; 0]);
        assert_eq!(of(0, 0, Some(9), oldest_first), [0; 0]);
        assert_eq!(of(0, 201, Some(i64::MAX - NOON), oldest_first), [0; 0]);
        assert_eq!(of(18, 0, Some(i64::MAX - NOON), oldest_first), [18, 19, 20]);
    }
}

fn a_filter_that_matches_nothing_is_bounded_and_can_go_on(log: &dyn Kept) {
    let last = limits::HISTORY_SCAN_MAX as u64 + 500;
    let mut records = vec![message(room(1), 1, NOON, 100)];
    records.extend((2..=last).map(|seq| text(room(1), seq, NOON + seq as i64)));
    // Beyond what the log in memory holds of a room, only what no snapshot covers is sure to be there.
    append(log, records, vec![]);
    let mut query = HistoryQuery { types: vec![100], ..query(room(1), 10) };
    let page = log.history(&query).unwrap();
    assert_eq!((page.items.len(), page.has_more), (0, true));
    assert_eq!(page.reached, Some(Seq(last - limits::HISTORY_SCAN_MAX as u64 + 1)));
    query.anchor = page.reached.map(Anchor::Seq);
    let page = log.history(&query).unwrap();
    assert_eq!((items(&page), page.has_more), (vec![1], false));
}

fn replayed(replay: &Replay) -> Vec<u64> {
    replay.items.iter().map(|item| item.seq.0).collect()
}

// By chatroom.md §d.7: what retention removed is told as missing, what presence took is not.
fn a_replay_tells_what_expired_and_not_what_presence_took(log: &dyn Kept) {
    let carol = AccountId::parse("carol").unwrap();
    let link = |previous| Link { previous: Seq(previous), epoch_first: None };
    // Presence took 3 to 5, and 7; the day of the first two is over.
    let old = [(1, 0), (2, 1)].map(|(seq, before)| Record { link: link(before), ..text(room(1), seq, NOON) });
    let new = [(6, 2), (8, 6)].map(|(seq, before)| Record { link: link(before), ..text(room(1), seq, NOON + 5 * DAY_MS) });
    append(log, old.into(), vec![]);
    append(log, new.into(), vec![snapshot(room(1), 8)]);
    let replay = |after, last| {
        let scope = ReplayScope::of_all(carol.clone(), Seq(after), Seq(last));
        log.replay(room(1), &scope).unwrap()
    };
    assert_eq!((replayed(&replay(0, 8)), replay(0, 8).gap), (vec![1, 2, 6, 8], None));
    assert_eq!((replayed(&replay(2, 6)), replay(2, 6).gap), (vec![6], None));
    assert!(log.expire(UnixMs(NOON + 5 * DAY_MS), 1).unwrap() > 0);
    assert_eq!((replayed(&replay(0, 8)), replay(0, 8).gap), (vec![6, 8], Some((Seq(1), Seq(2)))));
    assert_eq!((replayed(&replay(3, 8)), replay(3, 8).gap), (vec![6, 8], None), "only presence lies between");
}

fn a_replay_leaves_out_what_was_recalled_and_stays_within_its_bounds(log: &dyn Kept) {
    let carol = AccountId::parse("carol").unwrap();
    let link = |seq: u64| Link { previous: Seq(seq - 1), epoch_first: None };
    let mut records: Vec<Record> =
        (1..=1500).map(|seq| Record { link: link(seq), ..text(room(1), seq, NOON + seq as i64) }).collect();
    let said = records[1399].clone();
    records.push(Record { link: link(1501), ..recall(room(1), 1501, NOON + 2000, &said) });
    append(log, records, vec![]);
    let scope = ReplayScope::of_all(carol, Seq(100), Seq(1501));
    let replay = log.replay(room(1), &scope).unwrap();
    let expected: Vec<u64> = (501..=1501).filter(|seq| *seq != 1400).collect();
    assert_eq!((replayed(&replay), replay.gap), (expected, Some((Seq(101), Seq(500)))));
}

checks! {
    [
        a_replay_tells_what_expired_and_not_what_presence_took
        a_replay_leaves_out_what_was_recalled_and_stays_within_its_bounds
        history_pages_chain_in_both_directions
        anchors_are_exclusive_wherever_they_lie
        a_page_is_bounded_in_bytes
        equal_times_are_not_split
        equal_times_that_weigh_too_much_are_left_to_the_next_page
        every_way_of_paging_sees_every_item_once
        history_filters_by_type
        what_is_not_for_the_history_is_not_in_it
        history_ends_at_the_retention
        history_filters_by_expression
        a_history_full_of_regular_expressions_is_read_in_bounded_pages
        history_keeps_within_its_scope_and_times
        a_filter_that_matches_nothing_is_bounded_and_can_go_on
    ],
    []
}
