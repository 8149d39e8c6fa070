//! What every log must keep, for how long, and how it is found again when a room is loaded.

use super::every_log::Home;
use super::records::*;
use bytes::Bytes;
use chatroom::id::{RoomId, Seq, UnixMs};
use chatroom::limits;
use chatroom::log::Space;
use chatroom::room::{Enter, Op, Open};

fn keeps_what_is_appended(log: &dyn Kept) {
    let records =
        vec![create(room(1), NOON), text(room(1), 2, NOON), notification(room(1), 3, NOON + 1), text(room(2), 1, NOON)];
    append(log, records.clone(), vec![]);
    let loaded = log.rebuilding(room(1), UnixMs(NOON)).unwrap().unwrap();
    assert_eq!(loaded.snapshot, None);
    assert_eq!(loaded.records, records[..3]);
    assert_eq!(log.rebuilding(room(2), UnixMs(NOON)).unwrap().unwrap().records, records[3..]);
    assert_eq!(log.rebuilding(room(3), UnixMs(NOON)).unwrap(), None);
}

fn loads_the_newest_snapshot_and_what_follows(log: &dyn Kept) {
    let now = NOON + 2 * limits::DEDUP_WINDOW_MS;
    // Sends 1..=5 are older than the window, 6..=10 are not; 7 is no send.
    let old = (1..=5).map(|seq| text(room(1), seq, NOON));
    let young = (6..=10).map(|seq| if seq == 7 { notification(room(1), seq, now) } else { text(room(1), seq, now) });
    append(log, old.chain(young).collect(), vec![snapshot(room(1), 4)]);
    append(log, vec![], vec![snapshot(room(1), 9)]);
    // An older one changes nothing.
    append(log, vec![], vec![snapshot(room(1), 8)]);
    let loaded = log.rebuilding(room(1), UnixMs(now)).unwrap().unwrap();
    assert_eq!(loaded.snapshot, Some(snapshot(room(1), 9)));
    // Before the snapshot only sends of the window are of use.
    assert_eq!(seqs(&loaded.records), [6, 8, 9, 10]);
    let loaded = log.rebuilding(room(1), UnixMs(now + DAY_MS)).unwrap().unwrap();
    assert_eq!(seqs(&loaded.records), [10]);
}

fn a_snapshot_alone_makes_a_room(log: &dyn Kept) {
    append(log, vec![], vec![snapshot(room(5), 3)]);
    let loaded = log.rebuilding(room(5), UnixMs(NOON)).unwrap().unwrap();
    assert_eq!((loaded.snapshot, loaded.records), (Some(snapshot(room(5), 3)), vec![]));
}

fn follows_from_any_place(log: &dyn Kept) {
    append(log, (1..=10).map(|seq| text(room(1), seq, NOON + seq as i64 * DAY_MS / 4)).collect(), vec![]);
    assert_eq!(seqs(&log.records(room(1), Seq(0), 3).unwrap()), [1, 2, 3]);
    assert_eq!(seqs(&log.records(room(1), Seq(3), 100).unwrap()), [4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(seqs(&log.records(room(1), Seq(10), 100).unwrap()), [0; 0]);
    assert_eq!(seqs(&log.records(room(1), Seq(u64::MAX), 100).unwrap()), [0; 0]);
}

// S003-007: days go after the retention; what a room is made of stays.
fn days_expire_and_state_does_not(log: &dyn Kept) {
    // A snapshot covers all of room 1, half of room 2 and nothing of room 3; room 4 has nothing old.
    let at = |day: i64| NOON + day * DAY_MS;
    for number in 1..=3 {
        append(log, (0..4).map(|n| text(room(number), n + 1, at(n as i64 / 2))).collect(), vec![]);
    }
    append(log, vec![text(room(4), 1, at(12))], vec![snapshot(room(1), 4), snapshot(room(2), 2)]);
    let states = || -> Vec<_> {
        (1..=4).map(|number| seqs(&log.rebuilding(room(number), UnixMs(at(12))).unwrap().unwrap().records)).collect()
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
    assert_eq!(seqs(&log.records(room(3), Seq(1), 2).unwrap()), [2, 3]);
    // What a later snapshot covers is not carried any further.
    append(log, vec![text(room(3), 5, at(12))], vec![snapshot(room(3), 4)]);
    log.expire(UnixMs(at(12)), 10).unwrap();
    assert_eq!(seqs(&log.records(room(3), Seq(0), 10).unwrap()), [5]);
    assert_eq!(seqs(&log.rebuilding(room(3), UnixMs(at(12))).unwrap().unwrap().records), [5]);
    // A clock that went far back loses nothing either.
    append(log, vec![text(room(6), 1, at(0)), text(room(6), 2, at(12))], vec![]);
    assert_eq!(seqs(&log.rebuilding(room(6), UnixMs(at(12))).unwrap().unwrap().records), [1, 2]);
}

fn the_dedup_window_survives_midnight(log: &dyn Kept) {
    let midnight = NOON + DAY_MS / 2;
    append(log, vec![text(room(1), 1, midnight - 1000), text(room(1), 2, midnight + 1000)], vec![snapshot(room(1), 2)]);
    assert_eq!(log.expire(UnixMs(midnight + 2000), 0).unwrap(), 0);
    assert_eq!(seqs(&log.rebuilding(room(1), UnixMs(midnight + 2000)).unwrap().unwrap().records), [1, 2]);
}

fn the_highest_room_id_is_remembered(log: &dyn Kept) {
    assert_eq!(log.last_number(), 0);
    append(log, vec![create(room(7), NOON), create(room(3), NOON)], vec![]);
    assert_eq!(log.last_number(), 7);
    append(log, vec![text(room(100), 1, NOON)], vec![]);
    assert_eq!(log.last_number(), 7);
}

fn spaces_hold_pairs_in_the_order_of_keys(log: &dyn Kept) {
    log.put(Space::Accounts, b"b", b"1").unwrap();
    log.put_soon(Space::Accounts, b"a", b"2").unwrap();
    log.put(Space::Accounts, b"b", b"3").unwrap();
    log.put(Space::Apps, b"b", b"").unwrap();
    let pair = |key: &'static str, value: &'static str| (Bytes::from(key), Bytes::from(value));
    assert_eq!(log.scan(Space::Accounts).unwrap(), [pair("a", "2"), pair("b", "3")]);
    assert_eq!(log.scan(Space::Apps).unwrap(), [pair("b", "")]);
    assert_eq!(log.scan(Space::Node).unwrap(), []);
    assert_eq!(log.get(Space::Accounts, b"b").unwrap().as_deref(), Some(&b"3"[..]));
    assert_eq!((log.get(Space::Accounts, b"").unwrap(), log.get(Space::Node, b"b").unwrap()), (None, None));
    let after = |key: &[u8], limit| log.scan_after(Space::Accounts, key, limit).unwrap();
    assert_eq!((after(b"", 1), after(b"a", 9)), (vec![pair("a", "2")], vec![pair("b", "3")]));
    assert_eq!((after(b"b", 9), after(b"", 9).len()), (vec![], 2));
}

fn a_space_takes_several_changes_at_once(log: &dyn Kept) {
    let key = |key: &str| key.as_bytes().to_vec();
    let changes = [("a", "1"), ("b", "2"), ("c", "3")].map(|(name, value)| (key(name), Some(key(value))));
    log.change(Space::Figures, changes.into()).unwrap();
    log.change(Space::Figures, vec![(key("a"), None), (key("b"), Some(key("4"))), (key("never"), None)]).unwrap();
    log.change(Space::Figures, Vec::new()).unwrap();
    let pair = |key: &'static str, value: &'static str| (Bytes::from(key), Bytes::from(value));
    assert_eq!(log.scan(Space::Figures).unwrap(), [pair("b", "4"), pair("c", "3")]);
    assert_eq!(log.scan(Space::Created).unwrap(), []);
}

fn a_space_is_searched_by_the_beginnings_of_keys(log: &dyn Kept) {
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

fn of_a_room_that_is_erased_its_last_entry_stays(log: &dyn Kept) {
    // Over several days, so that some lie in one table and some in another.
    let at = |seq: u64| NOON + seq as i64 * DAY_MS / 4;
    append(log, (1..=10).map(|seq| text(room(1), seq, at(seq))).collect(), vec![snapshot(room(1), 7)]);
    append(log, (1..=3).map(|seq| text(room(2), seq, NOON)).collect(), vec![snapshot(room(2), 1)]);
    log.erase(room(1).into()).unwrap();
    let loaded = log.rebuilding(room(1), UnixMs(at(10))).unwrap().unwrap();
    assert_eq!((loaded.snapshot, seqs(&loaded.records)), (None, vec![10]));
    assert_eq!(seqs(&log.records(room(1), Seq(0), 100).unwrap()), [10]);
    let other = log.rebuilding(room(2), UnixMs(NOON)).unwrap().unwrap();
    assert_eq!(other.snapshot, Some(snapshot(room(2), 1)));
    assert_eq!(seqs(&log.records(room(2), Seq(0), 100).unwrap()), [1, 2, 3]);
    log.erase(room(3).into()).unwrap();
    assert_eq!(log.rebuilding(room(3), UnixMs(NOON)).unwrap(), None);
}

/// A node that starts finds the rooms made by clients that are there, without reading all rooms.
fn rooms_made_by_clients_are_listed_for_as_long_as_they_exist(home: &dyn Home) {
    let of_client = |number: u64| RoomId::of_client(number << 2);
    let opened = |number: u64, seq: u64| {
        let enter = Enter::from_request(Default::default());
        let open = Open { request: Default::default(), enter, must_exist: false };
        record_of(of_client(number), seq, NOON, Op::Open(Box::new(open)), None)
    };
    let ended = |number: u64, seq: u64| record_of(of_client(number), seq, NOON, Op::Destroy, None);
    let listed = |log: &dyn Kept| {
        let mut rooms = log.listed().unwrap();
        rooms.sort_unstable();
        rooms
    };
    let log = home.open();
    append(&*log, vec![opened(1, 1), opened(2, 1), create(room(7), NOON)], vec![]);
    append(&*log, vec![opened(3, 1), ended(3, 2), ended(2, 2)], vec![]);
    append(&*log, vec![opened(4, 1), ended(4, 2), opened(4, 3)], vec![]);
    assert_eq!(listed(&*log), [of_client(1), of_client(4)]);
    append(&*log, vec![ended(1, 2)], vec![]);
    drop(log);
    let again = listed(&*home.open());
    assert!(again == [of_client(4)] || again.is_empty(), "what is kept at all is kept as it was: {again:?}");
}

fn every_start_has_a_higher_epoch(home: &dyn Home) {
    let epochs: Vec<_> = (0..3).map(|_| home.open().epoch()).collect();
    assert!(epochs.windows(2).all(|pair| pair[0] < pair[1]), "{epochs:?}");
}

checks! {
    [
        keeps_what_is_appended
        loads_the_newest_snapshot_and_what_follows
        a_snapshot_alone_makes_a_room
        follows_from_any_place
        days_expire_and_state_does_not
        the_dedup_window_survives_midnight
        the_highest_room_id_is_remembered
        spaces_hold_pairs_in_the_order_of_keys
        a_space_takes_several_changes_at_once
        a_space_is_searched_by_the_beginnings_of_keys
        of_a_room_that_is_erased_its_last_entry_stays
    ],
    [
        every_start_has_a_higher_epoch
        rooms_made_by_clients_are_listed_for_as_long_as_they_exist
    ]
}
