//! The spool of reports, of every log there is: written with the entries they stand beside, kept until they are removed, bounded.

use std::sync::mpsc::channel;

use super::records::*;
use chatroom::log::{Batch, FjallLog, Line, Options, Outbox as _, Report, SpoolPosition};

fn report(number: u64, of_room: i64, env: &str) -> Report {
    let record = format!("report {number}").into_bytes().into();
    Report { line: line(of_room, env), position: SpoolPosition { epoch: 1, number }, record }
}

fn line(of_room: i64, env: &str) -> Line {
    Line { room: room(of_room), env: env.into() }
}

fn write(log: &dyn Kept, records: Vec<chatroom::log::Record>, reports: Vec<Report>) -> bool {
    let (tell, told) = channel();
    let committed = Box::new(move |result: Result<(), _>| tell.send(result.is_ok()).expect("it is waited for"));
    log.append(Batch { records, snapshots: vec![], reports, shards: Vec::new(), committed });
    told.recv_timeout(DEADLINE).expect("an answer in time")
}

fn numbers(log: &dyn Kept, line: &Line, from: u64, count_max: usize, bytes_max: u64) -> Vec<u64> {
    let found = log.reports(line, SpoolPosition { epoch: 1, number: from }, count_max, bytes_max).unwrap();
    assert!(found.iter().all(|spooled| spooled.line == *line && spooled.record.starts_with(b"report ")));
    found.iter().map(|spooled| spooled.position.number).collect()
}

fn keeps_lines_apart_and_in_order(log: &dyn Kept) {
    let reports = vec![report(1, 2, ""), report(2, 1, ""), report(3, 2, "test"), report(4, 2, ""), report(5, 2, "tes")];
    assert!(write(log, written(vec![text(room(1), 1, NOON)]), reports));
    assert!(write(log, vec![], vec![report(6, 2, "")]));
    assert_eq!(numbers(log, &line(2, ""), 0, 100, u64::MAX), [1, 4, 6]);
    assert_eq!(numbers(log, &line(2, ""), 2, 1, u64::MAX), [4]);
    assert_eq!(numbers(log, &line(2, ""), 0, 100, 1), [1], "one at the least");
    assert_eq!(numbers(log, &line(2, "test"), 0, 100, u64::MAX), [3]);
    let (mut lines, mut after) = (Vec::new(), None);
    while let Some(first) = log.next_line(after.as_ref()).unwrap() {
        lines.push((first.line.clone(), first.position.number));
        after = Some(first.line);
    }
    assert_eq!(lines, [(line(1, ""), 2), (line(2, ""), 1), (line(2, "tes"), 5), (line(2, "test"), 3)]);
    assert_eq!(log.spool().records(), 6);
    let done = log.reports(&line(2, ""), SpoolPosition::default(), 2, u64::MAX).unwrap();
    let bytes = log.spool().bytes() - done.iter().map(|spooled| spooled.bytes).sum::<u64>();
    log.remove_reports(&done).unwrap();
    assert_eq!(numbers(log, &line(2, ""), 0, 100, u64::MAX), [6]);
    assert_eq!((log.spool().records(), log.spool().bytes()), (4, bytes));
}

fn a_batch_that_cannot_be_kept_reports_nothing(log: &dyn Kept) {
    assert!(!write(log, vec![impossible(room(1), 1)], vec![report(1, 1, "")]));
    assert_eq!((log.next_line(None).unwrap(), log.spool().records()), (None, 0));
}

fn what_finds_it_full_is_left_out_and_the_entry_is_kept(log: &dyn Kept) {
    assert!(write(log, written(vec![text(room(1), 1, NOON)]), vec![report(1, 1, "")]));
    let one = log.spool().bytes();
    log.spool().set_bytes_max(2 * one);
    assert!(write(log, written(vec![text(room(1), 2, NOON)]), (2..=4).map(|number| report(number, 1, "")).collect()));
    assert_eq!(numbers(log, &line(1, ""), 0, 100, u64::MAX), [1, 2]);
    assert_eq!((log.spool().bytes(), log.spool().dropped()), (2 * one, 2));
    assert_eq!(log.records(room(1), chatroom::id::Seq(0), 10).unwrap().len(), 2);
    let done = log.reports(&line(1, ""), SpoolPosition::default(), 1, u64::MAX).unwrap();
    log.remove_reports(&done).unwrap();
    assert!(write(log, vec![], vec![report(5, 1, "")]));
    assert_eq!(numbers(log, &line(1, ""), 0, 100, u64::MAX), [2, 5]);
}

checks! {
    [
        keeps_lines_apart_and_in_order
        a_batch_that_cannot_be_kept_reports_nothing
        what_finds_it_full_is_left_out_and_the_entry_is_kept
    ],
    []
}

#[test]
fn reports_are_there_after_a_restart_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let open = || FjallLog::open(folder.path(), &Options::default()).unwrap();
    let log = open();
    assert!(write(&log, written(vec![text(room(1), 1, NOON)]), (1..=9).map(|number| report(number, 1, "")).collect()));
    let done = log.reports(&line(1, ""), SpoolPosition::default(), 4, u64::MAX).unwrap();
    log.remove_reports(&done).unwrap();
    let held = (log.spool().records(), log.spool().bytes());
    drop(log);
    let log = open();
    assert_eq!((log.spool().records(), log.spool().bytes()), held);
    assert_eq!(numbers(&log, &line(1, ""), 0, 100, u64::MAX), [5, 6, 7, 8, 9]);
}
