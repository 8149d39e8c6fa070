//! What every log must do, run over every implementation there is.

mod log_records;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};

use bytes::Bytes;
use chatroom::id::{AccountId, Epoch, Seq, UnixMs};
use chatroom::limits;
use chatroom::log::{Anchor, Batch, FindQuery, FjallLog, HistoryQuery, LogError, MemoryLog, Options, RoomLog, Space};
use chatroom::room::{HistoryFilter, HistoryScope, Op, PushBody, Record};
use chatroom::wire::pb;
use log_records::*;
use prost::Message;

fn keeps_what_is_appended(log: &dyn RoomLog) {
    let records =
        vec![create(room(1), NOON), text(room(1), 2, NOON), notification(room(1), 3, NOON + 1), text(room(2), 1, NOON)];
    append(log, records.clone(), vec![]);
    let loaded = log.load(room(1), UnixMs(NOON)).unwrap().unwrap();
    assert_eq!(loaded.snapshot, None);
    assert_eq!(loaded.records, records[..3]);
    assert_eq!(log.load(room(2), UnixMs(NOON)).unwrap().unwrap().records, records[3..]);
    assert_eq!(log.load(room(3), UnixMs(NOON)).unwrap(), None);
}

fn loads_the_newest_snapshot_and_what_follows(log: &dyn RoomLog) {
    let now = NOON + 2 * limits::DEDUP_WINDOW_MS;
    // Sends 1..=5 are older than the window, 6..=10 are not; 7 is no send.
    let old = (1..=5).map(|seq| text(room(1), seq, NOON));
    let young = (6..=10).map(|seq| if seq == 7 { notification(room(1), seq, now) } else { text(room(1), seq, now) });
    append(log, old.chain(young).collect(), vec![snapshot(room(1), 4)]);
    append(log, vec![], vec![snapshot(room(1), 9)]);
    // An older one changes nothing.
    append(log, vec![], vec![snapshot(room(1), 8)]);
    let loaded = log.load(room(1), UnixMs(now)).unwrap().unwrap();
    assert_eq!(loaded.snapshot, Some(snapshot(room(1), 9)));
    // Before the snapshot only sends of the window are of use.
    assert_eq!(seqs(&loaded.records), [6, 8, 9, 10]);
    let loaded = log.load(room(1), UnixMs(now + DAY_MS)).unwrap().unwrap();
    assert_eq!(seqs(&loaded.records), [10]);
}

fn a_snapshot_alone_makes_a_room(log: &dyn RoomLog) {
    append(log, vec![], vec![snapshot(room(5), 3)]);
    let loaded = log.load(room(5), UnixMs(NOON)).unwrap().unwrap();
    assert_eq!((loaded.snapshot, loaded.records), (Some(snapshot(room(5), 3)), vec![]));
}

fn follows_from_any_place(log: &dyn RoomLog) {
    append(log, (1..=10).map(|seq| text(room(1), seq, NOON + seq as i64 * DAY_MS / 4)).collect(), vec![]);
    assert_eq!(seqs(&log.follow(room(1), Seq(0), 3).unwrap()), [1, 2, 3]);
    assert_eq!(seqs(&log.follow(room(1), Seq(3), 100).unwrap()), [4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(seqs(&log.follow(room(1), Seq(10), 100).unwrap()), [0; 0]);
    assert_eq!(seqs(&log.follow(room(1), Seq(u64::MAX), 100).unwrap()), [0; 0]);
}

// S000-041, S001-068: both directions, pages chain without loss.
fn history_pages_chain_in_both_directions(log: &dyn RoomLog) {
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

fn anchors_are_exclusive_wherever_they_lie(log: &dyn RoomLog) {
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

/// A page ends before it would not fit into a frame any more, and the next one goes on from there.
fn a_page_is_bounded_in_bytes(log: &dyn RoomLog) {
    let heavy = |seq: u64| {
        let (mut record, body) = (text(room(1), seq, NOON), "x".repeat(16 * 1024).into_bytes());
        let message =
            pb::Message { room_id: 1, seq, time_ms: NOON, from: "alice".into(), ext: body.into(), ..Default::default() };
        record.push = Some(PushBody::Message { message_type: 0, body: message.encode_to_vec().into() });
        record
    };
    append(log, (1..=100).map(heavy).collect(), vec![]);
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

fn equal_times_are_not_split(log: &dyn RoomLog) {
    // Groups of four with one time.
    append(log, (0..24).map(|n| text(room(1), n + 1, NOON + n as i64 / 4)).collect(), vec![]);
    for limit in 1..=7 {
        for oldest_first in [false, true] {
            let page = log.history(&HistoryQuery { oldest_first, ..query(room(1), limit) }).unwrap();
            let whole_groups = (limit as usize).div_ceil(4) * 4;
            assert_eq!(page.items.len(), whole_groups.min(2 * limit as usize), "limit {limit}");
            assert!(page.has_more);
        }
    }
    // A group longer than twice the limit goes on with the exact anchor.
    let first = log.history(&HistoryQuery { oldest_first: true, ..query(room(1), 1) }).unwrap();
    assert_eq!(items(&first), [1, 2]);
    let anchor = Some(Anchor::Seq(Seq(2)));
    let second = log.history(&HistoryQuery { oldest_first: true, anchor, ..query(room(1), 1) }).unwrap();
    assert_eq!(items(&second), [3, 4]);
}

// S000-041: filtered by type.
fn history_filters_by_type(log: &dyn RoomLog) {
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
fn what_is_not_for_the_history_is_not_in_it(log: &dyn RoomLog) {
    let hidden = Record { in_history: false, ..text(room(1), 2, NOON) };
    let silent = Record { push: None, ..notification(room(1), 3, NOON) };
    append(log, vec![text(room(1), 1, NOON), hidden, silent, text(room(1), 4, NOON)], vec![]);
    assert_eq!(items(&log.history(&query(room(1), 100)).unwrap()), [4, 1]);
    assert_eq!(seqs(&log.load(room(1), UnixMs(NOON)).unwrap().unwrap().records), [1, 2, 3, 4]);
}

// S000-041, S003-007: nothing older than the retention.
fn history_ends_at_the_retention(log: &dyn RoomLog) {
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

fn a_message_is_found_by_what_its_members_know(log: &dyn RoomLog) {
    // Five in each millisecond, over more than a day, and others in between.
    let at = |seq: u64| NOON + (seq / 5) as i64 * DAY_MS / 60;
    let entry =
        |seq: u64| if seq.is_multiple_of(7) { notification(room(1), seq, at(seq)) } else { text(room(1), seq, at(seq)) };
    append(log, (1..=500).map(entry).collect(), vec![]);
    append(log, (1..=20).map(|seq| text(room(2), seq, NOON)).collect(), vec![]);
    for seq in 1..=500_u64 {
        let expected = (!seq.is_multiple_of(7)).then_some(Seq(seq));
        assert_eq!(log.find(&find(&text(room(1), seq, at(seq)))).unwrap(), expected, "{seq}");
    }
    let said = text(room(1), 100, at(100));
    let nowhere = [
        FindQuery { room: room(3), ..find(&said) },
        FindQuery { room: room(2), ..find(&said) },
        FindQuery { time: UnixMs(at(100) - 1), ..find(&said) },
        FindQuery { time: UnixMs(at(100) + 1), ..find(&said) },
        FindQuery { time: UnixMs(i64::MAX), ..find(&said) },
        FindQuery { time: UnixMs(i64::MIN), ..find(&said) },
        FindQuery { message_id: "m1000".into(), ..find(&said) },
        FindQuery { from: AccountId::parse("bob").unwrap(), ..find(&said) },
    ];
    for query in nowhere {
        assert_eq!(log.find(&query).unwrap(), None, "{query:?}");
    }
}

// S001-053: what was said is gone; that it was said, by whom and under which id, is not.
fn a_recalled_message_loses_what_it_said(log: &dyn RoomLog) {
    let said: Vec<Record> = (1..=4).map(|seq| text(room(1), seq, NOON + seq as i64)).collect();
    append(log, said.clone(), vec![]);
    // One that an earlier commit holds, one that comes with its recall, and one recalled twice.
    let late = text(room(1), 6, NOON + 6);
    append(log, vec![recall(room(1), 5, NOON + 5, &said[1])], vec![]);
    append(log, vec![late.clone(), recall(room(1), 7, NOON + 7, &late), recall(room(1), 8, NOON + 8, &said[1])], vec![]);
    assert_eq!(items(&log.history(&query(room(1), 100)).unwrap()), [8, 7, 5, 4, 3, 1]);
    let texts = HistoryQuery { types: vec![0], oldest_first: true, ..query(room(1), 2) };
    assert_eq!(items(&log.history(&texts).unwrap()), [1, 3]);
    assert_eq!(log.find(&find(&said[1])).unwrap(), None);
    assert_eq!(log.find(&find(&late)).unwrap(), None);
    assert_eq!(log.find(&find(&said[0])).unwrap(), Some(Seq(1)));
    let records = log.load(room(1), UnixMs(NOON)).unwrap().unwrap().records;
    assert_eq!(seqs(&records), [1, 2, 3, 4, 5, 6, 7, 8]);
    for (place, before) in [(1, &said[1]), (5, &late)] {
        let after = &records[place];
        assert_eq!((after.entry.seq, after.entry.stamp, after.entry.epoch), (before.entry.seq, before.entry.stamp, Epoch(1)));
        let (Op::Send(request), Some(PushBody::Message { message_type: 0, body })) = (&after.entry.command.op, &after.push)
        else {
            panic!("a recalled message is still a message: {after:?}");
        };
        assert_eq!((request.message_id.clone(), &request.body[..]), (format!("m{}", place + 1), &b""[..]));
        let message = pb::Message::decode(body.clone()).unwrap();
        assert_eq!((message.seq, message.from.as_str(), &message.body[..]), (after.entry.seq.0, "alice", &b""[..]));
    }
}

fn a_recall_of_what_is_not_there_changes_nothing(log: &dyn RoomLog) {
    let said = text(room(1), 1, NOON);
    let notice = notification(room(1), 2, NOON);
    append(log, vec![said.clone(), notice.clone()], vec![]);
    let unknown = text(room(1), 9, NOON + 40 * DAY_MS);
    let recalls = vec![recall(room(1), 3, NOON, &unknown), recall(room(1), 4, NOON, &notice)];
    append(log, recalls, vec![]);
    assert_eq!(log.follow(room(1), Seq(0), 2).unwrap(), [said, notice]);
}

/// What a day that went has left behind is recalled as well.
fn a_recall_reaches_what_was_carried(log: &dyn RoomLog) {
    let said = text(room(1), 1, NOON);
    append(log, vec![said.clone(), text(room(1), 2, NOON + 30 * DAY_MS)], vec![]);
    assert_eq!(log.expire(UnixMs(NOON + 30 * DAY_MS), 10).unwrap(), 1);
    append(log, vec![recall(room(1), 3, NOON + 30 * DAY_MS, &said)], vec![]);
    let records = log.follow(room(1), Seq(0), 10).unwrap();
    assert_eq!(seqs(&records), [1, 2, 3]);
    let Op::Send(request) = &records[0].entry.command.op else { panic!("a message is a message") };
    assert_eq!((request.message_id.as_str(), &request.body[..]), ("m1", &b""[..]));
}

/// A batch that is not kept recalls nothing, in whatever company it comes.
fn a_recall_that_fails_leaves_the_message(log: &dyn RoomLog) {
    let said = text(room(1), 1, NOON);
    append(log, vec![said.clone()], vec![]);
    let release = block(log);
    let presence = record_of(room(1), 3, NOON, Op::Exit, None);
    let failing = append_later(log, vec![recall(room(1), 2, NOON, &said), presence], vec![]);
    let other = append_later(log, vec![text(room(2), 1, NOON)], vec![]);
    drop(release);
    assert!(matches!(failing.recv_timeout(DEADLINE).unwrap(), Err(LogError::Store(_))));
    assert_eq!(other.recv_timeout(DEADLINE).unwrap(), Ok(()));
    assert_eq!(log.follow(room(1), Seq(0), 10).unwrap(), [said]);
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
fn history_filters_by_expression(log: &dyn RoomLog) {
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
    assert_eq!(log.load(room(1), UnixMs(NOON)).unwrap().unwrap().records, records, "the expression comes back");
}

/// Regular expressions that were never met are compiled for a bounded time per page, and the query goes on.
fn a_history_full_of_regular_expressions_is_read_in_bounded_pages(log: &dyn RoomLog) {
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

fn history_keeps_within_its_scope_and_times(log: &dyn RoomLog) {
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

fn a_filter_that_matches_nothing_is_bounded_and_can_go_on(log: &dyn RoomLog) {
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

// S003-007: days go after the retention; what a room is made of stays.
fn days_expire_and_state_does_not(log: &dyn RoomLog) {
    // A snapshot covers all of room 1, half of room 2 and nothing of room 3; room 4 has nothing old.
    let at = |day: i64| NOON + day * DAY_MS;
    for number in 1..=3 {
        append(log, (0..4).map(|n| text(room(number), n + 1, at(n as i64 / 2))).collect(), vec![]);
    }
    append(log, vec![text(room(4), 1, at(12))], vec![snapshot(room(1), 4), snapshot(room(2), 2)]);
    let states = || -> Vec<_> {
        (1..=4).map(|number| seqs(&log.load(room(number), UnixMs(at(12))).unwrap().unwrap().records)).collect()
    };
    let before = [vec![], vec![3, 4], vec![1, 2, 3, 4], vec![1]];
    assert_eq!(states(), before);
    assert_eq!(log.expire(UnixMs(at(10)), 10).unwrap(), 0);
    assert_eq!(log.expire(UnixMs(at(11)), 10).unwrap(), 1);
    assert_eq!(states(), before);
    assert_eq!(items(&log.history(&query(room(1), 10)).unwrap()), [4, 3]);
    assert_eq!(log.expire(UnixMs(at(12)), 10).unwrap(), 1);
    assert_eq!(log.expire(UnixMs(at(12)), 10).unwrap(), 0);
    assert_eq!(states(), before);
    for number in 1..=3 {
        assert_eq!(log.history(&query(room(number), 10)).unwrap().items, []);
    }
    assert_eq!(items(&log.history(&query(room(4), 10)).unwrap()), [1]);
    assert_eq!(seqs(&log.follow(room(3), Seq(1), 2).unwrap()), [2, 3]);
    // What a later snapshot covers is not carried any further.
    append(log, vec![text(room(3), 5, at(12))], vec![snapshot(room(3), 4)]);
    log.expire(UnixMs(at(12)), 10).unwrap();
    assert_eq!(seqs(&log.follow(room(3), Seq(0), 10).unwrap()), [5]);
    assert_eq!(seqs(&log.load(room(3), UnixMs(at(12))).unwrap().unwrap().records), [5]);
    // A clock that went far back loses nothing either.
    append(log, vec![text(room(6), 1, at(0)), text(room(6), 2, at(12))], vec![]);
    assert_eq!(seqs(&log.load(room(6), UnixMs(at(12))).unwrap().unwrap().records), [1, 2]);
}

fn the_dedup_window_survives_midnight(log: &dyn RoomLog) {
    let midnight = NOON + DAY_MS / 2;
    append(log, vec![text(room(1), 1, midnight - 1000), text(room(1), 2, midnight + 1000)], vec![snapshot(room(1), 2)]);
    assert_eq!(log.expire(UnixMs(midnight + 2000), 0).unwrap(), 0);
    assert_eq!(seqs(&log.load(room(1), UnixMs(midnight + 2000)).unwrap().unwrap().records), [1, 2]);
}

fn the_highest_room_id_is_remembered(log: &dyn RoomLog) {
    assert_eq!(log.last_room_id(), 0);
    append(log, vec![create(room(7), NOON), create(room(3), NOON)], vec![]);
    assert_eq!(log.last_room_id(), 7);
    append(log, vec![text(room(100), 1, NOON)], vec![]);
    assert_eq!(log.last_room_id(), 7);
}

fn spaces_hold_pairs_in_the_order_of_keys(log: &dyn RoomLog) {
    log.put(Space::Accounts, b"b", b"1").unwrap();
    log.put_soon(Space::Accounts, b"a", b"2").unwrap();
    log.put(Space::Accounts, b"b", b"3").unwrap();
    log.put(Space::Apps, b"b", b"").unwrap();
    let pair = |key: &'static str, value: &'static str| (Bytes::from(key), Bytes::from(value));
    assert_eq!(log.scan(Space::Accounts).unwrap(), [pair("a", "2"), pair("b", "3")]);
    assert_eq!(log.scan(Space::Apps).unwrap(), [pair("b", "")]);
    assert_eq!(log.scan(Space::Node).unwrap(), []);
}

fn a_space_takes_several_changes_at_once(log: &dyn RoomLog) {
    let key = |key: &str| key.as_bytes().to_vec();
    let changes = [("a", "1"), ("b", "2"), ("c", "3")].map(|(name, value)| (key(name), Some(key(value))));
    log.change(Space::Figures, changes.into()).unwrap();
    log.change(Space::Figures, vec![(key("a"), None), (key("b"), Some(key("4"))), (key("never"), None)]).unwrap();
    log.change(Space::Figures, Vec::new()).unwrap();
    let pair = |key: &'static str, value: &'static str| (Bytes::from(key), Bytes::from(value));
    assert_eq!(log.scan(Space::Figures).unwrap(), [pair("b", "4"), pair("c", "3")]);
    assert_eq!(log.scan(Space::Created).unwrap(), []);
}

fn a_space_is_searched_by_the_beginnings_of_keys(log: &dyn RoomLog) {
    for key in ["a\u{0}b", "a\u{0}bc", "a\u{0}c", "aa"] {
        log.put(Space::Created, key.as_bytes(), b"").unwrap();
    }
    let found = |prefix: &str| log.scan_prefix(Space::Created, prefix.as_bytes()).unwrap().into_iter().map(|(key, _)| key);
    assert_eq!(found("a\u{0}b").collect::<Vec<_>>(), ["a\u{0}b", "a\u{0}bc"]);
    log.remove(Space::Created, b"a\0b").unwrap();
    log.remove(Space::Created, b"never").unwrap();
    assert_eq!(found("a\u{0}b").collect::<Vec<_>>(), ["a\u{0}bc"]);
    assert_eq!(found("b").count(), 0);
}

fn of_a_room_that_is_erased_its_last_entry_stays(log: &dyn RoomLog) {
    // Over several days, so that some lie in one table and some in another.
    let at = |seq: u64| NOON + seq as i64 * DAY_MS / 4;
    append(log, (1..=10).map(|seq| text(room(1), seq, at(seq))).collect(), vec![snapshot(room(1), 7)]);
    append(log, (1..=3).map(|seq| text(room(2), seq, NOON)).collect(), vec![snapshot(room(2), 1)]);
    log.erase(room(1)).unwrap();
    let loaded = log.load(room(1), UnixMs(at(10))).unwrap().unwrap();
    assert_eq!((loaded.snapshot, seqs(&loaded.records)), (None, vec![10]));
    assert_eq!(seqs(&log.follow(room(1), Seq(0), 100).unwrap()), [10]);
    let other = log.load(room(2), UnixMs(NOON)).unwrap().unwrap();
    assert_eq!(other.snapshot, Some(snapshot(room(2), 1)));
    assert_eq!(seqs(&log.follow(room(2), Seq(0), 100).unwrap()), [1, 2, 3]);
    log.erase(room(3)).unwrap();
    assert_eq!(log.load(room(3), UnixMs(NOON)).unwrap(), None);
}

fn a_batch_that_cannot_be_kept_leaves_no_trace(log: &dyn RoomLog) {
    let release = block(log);
    let presence = record_of(room(1), 2, NOON, Op::Exit, None);
    let good = append_later(log, vec![text(room(2), 1, NOON)], vec![]);
    let bad = append_later(log, vec![create(room(1), NOON), presence], vec![snapshot(room(1), 2)]);
    let also_good = append_later(log, vec![text(room(2), 2, NOON)], vec![]);
    drop(release);
    // One commit takes all three.
    assert_eq!(good.recv_timeout(DEADLINE).unwrap(), Ok(()));
    assert!(matches!(bad.recv_timeout(DEADLINE).unwrap(), Err(LogError::Store(_))));
    assert_eq!(also_good.recv_timeout(DEADLINE).unwrap(), Ok(()));
    assert_eq!(log.load(room(1), UnixMs(NOON)).unwrap(), None);
    assert_eq!(seqs(&log.load(room(2), UnixMs(NOON)).unwrap().unwrap().records), [1, 2]);
    let stats = log.stats().unwrap();
    assert_eq!((stats.failed.load(Ordering::Relaxed), stats.records.load(Ordering::Relaxed)), (1, 2));
}

/// Blocks the writer in a callback until the returned sender is dropped.
fn block(log: &dyn RoomLog) -> Sender<()> {
    let (release, released) = channel::<()>();
    let (tell, blocked) = channel();
    let committed = Box::new(move |_| {
        let _ = tell.send(());
        let _ = released.recv_timeout(DEADLINE);
    });
    log.append(Batch { records: vec![], snapshots: vec![], reports: Vec::new(), committed });
    blocked.recv_timeout(DEADLINE).unwrap();
    release
}

fn a_full_queue_refuses_at_once_and_answers_each_batch_once(log: &dyn RoomLog) {
    let release = block(log);
    let accept = |seq| {
        assert!(!log.is_full());
        append_later(log, vec![text(room(1), seq, NOON)], vec![])
    };
    let accepted: Vec<_> = (1..=limits::LOG_QUEUE_MAX as u64).map(accept).collect();
    assert!(log.is_full());
    let refused = append_later(log, vec![text(room(1), 5000, NOON)], vec![]);
    // The writer is still blocked.
    assert_eq!(refused.recv_timeout(DEADLINE).unwrap(), Err(LogError::Busy));
    drop(release);
    for told in accepted {
        assert_eq!(told.recv_timeout(DEADLINE).unwrap(), Ok(()));
        assert!(told.recv_timeout(DEADLINE).is_err(), "the callback is gone after its one call");
    }
    assert!(refused.recv_timeout(DEADLINE).is_err(), "the callback is gone after its one call");
    assert!(!log.is_full());
    let kept = log.load(room(1), UnixMs(NOON)).unwrap().unwrap().records;
    assert_eq!(seqs(&kept), (1..=limits::LOG_QUEUE_MAX as u64).collect::<Vec<_>>());
}

fn callbacks_come_in_order_and_never_from_within_append(log: &dyn RoomLog) {
    let (tell, told) = channel();
    for number in 0..500_u64 {
        let tell = tell.clone();
        let committed = Box::new(move |result| drop(tell.send((number, result, std::thread::current().id()))));
        log.append(Batch { records: vec![text(room(1), number + 1, NOON)], snapshots: vec![], reports: Vec::new(), committed });
    }
    for number in 0..500 {
        let (at, result, thread) = told.recv_timeout(DEADLINE).unwrap();
        assert_eq!((at, result), (number, Ok(())));
        assert_ne!(thread, std::thread::current().id());
    }
}

fn a_callback_that_panics_takes_nothing_along(log: &dyn RoomLog) {
    log.append(Batch {
        records: vec![],
        snapshots: vec![],
        reports: Vec::new(),
        committed: Box::new(|_| panic!("the panic this test is about")),
    });
    append(log, vec![text(room(1), 1, NOON)], vec![]);
}

/// Where a log lives: opens it, again and again if need be.
trait Home {
    fn open(&self) -> Arc<dyn RoomLog>;
}

struct Memory;

impl Home for Memory {
    fn open(&self) -> Arc<dyn RoomLog> {
        Arc::new(MemoryLog::new().unwrap())
    }
}

struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Disk {
        Disk(tempfile::tempdir().unwrap())
    }
}

impl Home for Disk {
    fn open(&self) -> Arc<dyn RoomLog> {
        Arc::new(FjallLog::open(self.0.path(), &Options::default()).unwrap())
    }
}

fn closing_answers_all_that_was_accepted(home: &dyn Home) {
    let log = home.open();
    let release = block(&*log);
    let told: Vec<_> = (1..=100).map(|seq| append_later(&*log, vec![text(room(1), seq, NOON)], vec![])).collect();
    drop(release);
    drop(log);
    for told in told {
        assert_eq!(told.try_recv(), Ok(Ok(())), "dropping the log waits for the answers");
    }
}

fn the_last_owner_may_be_a_callback(home: &dyn Home) {
    let log = home.open();
    let (tell, told) = channel();
    let (start, started) = channel::<()>();
    let own = log.clone();
    let committed = Box::new(move |result| {
        let _ = started.recv_timeout(DEADLINE);
        drop(own);
        drop(tell.send(result));
    });
    log.append(Batch { records: vec![text(room(1), 1, NOON)], snapshots: vec![], reports: Vec::new(), committed });
    drop(log);
    drop(start);
    assert_eq!(told.recv_timeout(DEADLINE).unwrap(), Ok(()));
}

fn every_start_has_a_higher_epoch(home: &dyn Home) {
    let epochs: Vec<_> = (0..3).map(|_| home.open().epoch()).collect();
    assert!(epochs.windows(2).all(|pair| pair[0] < pair[1]), "{epochs:?}");
}

macro_rules! suite {
    ($module:ident, $home:expr, [$($log_test:ident)*], [$($home_test:ident)*]) => {
        mod $module {
            use super::*;

            $(#[test]
            fn $log_test() {
                let home = $home;
                super::$log_test(&*home.open());
            })*

            $(#[test]
            fn $home_test() {
                super::$home_test(&$home);
            })*
        }
    };
}

macro_rules! suites {
    ($($module:ident, $home:expr;)*) => {
        $(suite!($module, $home, [
            keeps_what_is_appended
            loads_the_newest_snapshot_and_what_follows
            a_snapshot_alone_makes_a_room
            follows_from_any_place
            history_pages_chain_in_both_directions
            anchors_are_exclusive_wherever_they_lie
            a_page_is_bounded_in_bytes
            equal_times_are_not_split
            history_filters_by_type
            what_is_not_for_the_history_is_not_in_it
            a_message_is_found_by_what_its_members_know
            a_recalled_message_loses_what_it_said
            a_recall_of_what_is_not_there_changes_nothing
            a_recall_reaches_what_was_carried
            a_recall_that_fails_leaves_the_message
            history_ends_at_the_retention
            history_filters_by_expression
            a_history_full_of_regular_expressions_is_read_in_bounded_pages
            history_keeps_within_its_scope_and_times
            a_filter_that_matches_nothing_is_bounded_and_can_go_on
            days_expire_and_state_does_not
            the_dedup_window_survives_midnight
            the_highest_room_id_is_remembered
            spaces_hold_pairs_in_the_order_of_keys
            a_space_takes_several_changes_at_once
            a_space_is_searched_by_the_beginnings_of_keys
            of_a_room_that_is_erased_its_last_entry_stays
            a_batch_that_cannot_be_kept_leaves_no_trace
            a_full_queue_refuses_at_once_and_answers_each_batch_once
            callbacks_come_in_order_and_never_from_within_append
            a_callback_that_panics_takes_nothing_along
        ], [
            closing_answers_all_that_was_accepted
            the_last_owner_may_be_a_callback
            every_start_has_a_higher_epoch
        ]);)*
    };
}

suites! {
    memory, Memory;
    disk, Disk::new();
}
