//! The states of shards, of every log there is: rows that are written and removed with the entries they stand beside.

use std::sync::mpsc::channel;

use super::every_log::Home;
use super::records::*;
use chatroom::limits::{SHARD_KEY_BYTES_MAX, SHARDS};
use chatroom::log::{Batch, Facts, FjallLog, Log as _, Options, Pen, ShardRow};

fn row(shard: u8, key: &str, value: Option<&str>) -> ShardRow {
    let bytes = |text: &str| text.as_bytes().to_vec().into();
    ShardRow { shard, key: bytes(key), value: value.map(bytes) }
}

fn write(log: &dyn Kept, records: Vec<chatroom::log::Record>, shards: Vec<ShardRow>) -> bool {
    let (tell, told) = channel();
    let committed = Box::new(move |result: Result<(), _>| tell.send(result.is_ok()).expect("it is waited for"));
    log.append(Batch { records, snapshots: vec![], reports: vec![], shards, committed });
    told.recv_timeout(DEADLINE).expect("an answer in time")
}

fn rows(log: &dyn Kept, shard: u8) -> Vec<(String, String)> {
    let text = |bytes: bytes::Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    log.shard(shard).unwrap().into_iter().map(|(key, value)| (text(key), text(value))).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

fn keeps_the_rows_of_shards_apart_and_in_order(log: &dyn Kept) {
    let last = u8::try_from(SHARDS - 1).unwrap();
    let all = vec![row(1, "b", Some("2")), row(1, "a", Some("1")), row(0, "b", Some("0")), row(last, "", Some("end"))];
    assert!(write(log, written(vec![text(room(1), 1, NOON)]), all));
    assert_eq!(rows(log, 1), pairs(&[("a", "1"), ("b", "2")]));
    assert_eq!((rows(log, 0), rows(log, last)), (pairs(&[("b", "0")]), pairs(&[("", "end")])));
    assert!(write(log, vec![], vec![row(1, "a", None), row(1, "never", None), row(1, "b", Some("3"))]));
    assert_eq!((rows(log, 1), rows(log, 2)), (pairs(&[("b", "3")]), vec![]));
}

fn of_a_row_the_last_word_counts(log: &dyn Kept) {
    let first = vec![row(3, "a", Some("1")), row(3, "a", Some("2")), row(3, "b", Some("1")), row(3, "b", None)];
    assert!(write(log, vec![], first));
    assert_eq!(rows(log, 3), pairs(&[("a", "2")]));
    assert!(write(log, vec![], vec![row(3, "a", None), row(3, "a", Some("3"))]));
    assert_eq!(rows(log, 3), pairs(&[("a", "3")]));
}

fn a_batch_that_cannot_be_kept_changes_no_shard(log: &dyn Kept) {
    let key = "k".repeat(SHARD_KEY_BYTES_MAX);
    assert!(write(log, vec![], vec![row(2, &key, Some("1"))]), "the longest key is none too long");
    assert!(!write(log, vec![impossible(room(1), 1)], vec![row(1, "a", Some("1"))]));
    assert_eq!(rows(log, 1), vec![]);
}

fn a_key_that_is_too_long_is_refused(log: &dyn Kept) {
    assert!(!write(log, vec![], vec![row(1, &"k".repeat(SHARD_KEY_BYTES_MAX + 1), Some("1"))]));
}

fn a_note_stands_beside_its_entry(log: &dyn Kept) {
    let (prev, time) = (chatroom::id::Seq(0), chatroom::id::UnixMs(NOON));
    let facts = Facts { note: "noted".into(), prev, time, ..written(vec![text(room(1), 1, NOON)]).remove(0).facts };
    assert!(write(log, vec![Pen::default().write(facts, 0, |_| {})], vec![]));
    let found = log.follow(room(1).into(), prev, 10).unwrap().remove(0);
    assert_eq!((&found.note[..], &found.bytes[..]), (&b"noted"[..], &b""[..]));
}

/// What is kept at all is kept over a restart.
fn rows_are_there_again_after_a_restart(home: &dyn Home) {
    let log = home.open();
    assert!(write(&*log, vec![], vec![row(5, "a", Some("1")), row(5, "b", Some("2"))]));
    assert!(write(&*log, vec![], vec![row(5, "a", None)]));
    drop(log);
    let again = rows(&*home.open(), 5);
    assert!(again == pairs(&[("b", "2")]) || again.is_empty(), "{again:?}");
}

checks! {
    [
        keeps_the_rows_of_shards_apart_and_in_order
        of_a_row_the_last_word_counts
        a_batch_that_cannot_be_kept_changes_no_shard
        a_key_that_is_too_long_is_refused
        a_note_stands_beside_its_entry
    ],
    [
        rows_are_there_again_after_a_restart
    ]
}

#[test]
fn a_backup_has_the_rows_of_shards() {
    let home = tempfile::tempdir().unwrap();
    let log = FjallLog::open(&home.path().join("data"), &Options::default()).unwrap();
    assert!(write(&log, vec![], vec![row(9, "a", Some("1"))]));
    let target = home.path().join("backup");
    log.backup(&target, &mut |_| true).unwrap();
    drop(log);
    assert_eq!(rows(&FjallLog::open(&target, &Options::default()).unwrap(), 9), pairs(&[("a", "1")]));
}
