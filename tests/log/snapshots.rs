//! How every log keeps snapshots in parts.

use super::every_log::Home;
use super::records::*;
use bytes::Bytes;
use chatroom::id::{Seq, UnixMs};
use chatroom::log::{HEAD, LogError, Part, Snapshot};

fn part(number: u32, state: &str) -> Part {
    Part { number, state: Bytes::copy_from_slice(state.as_bytes()) }
}

fn of(of_room: i64, seq: u64, parts: &[(u32, &str)]) -> Snapshot {
    Snapshot {
        subject: room(of_room).into(),
        seq: Seq(seq),
        parts: parts.iter().map(|(number, state)| part(*number, state)).collect(),
    }
}

fn loaded(log: &dyn Kept, of_room: i64) -> Snapshot {
    log.load(room(of_room).into()).unwrap().expect("there is such a room").snapshot.expect("it has a snapshot")
}

fn parts_that_were_not_written_again_stay(log: &dyn Kept) {
    append(
        log,
        vec![],
        vec![of(1, 5, &[(HEAD, "head 5"), (1, "one"), (2, "two"), (300, "many")]), of(2, 5, &[(HEAD, "other")])],
    );
    append(log, vec![], vec![of(1, 9, &[(HEAD, "head 9"), (2, "two again"), (3, "three")])]);
    let expected = of(1, 9, &[(HEAD, "head 9"), (1, "one"), (2, "two again"), (3, "three"), (300, "many")]);
    assert_eq!(loaded(log, 1), expected);
    assert_eq!(loaded(log, 2), of(2, 5, &[(HEAD, "other")]));
    // The head is read without the rest.
    assert_eq!(log.head(room(1).into()).unwrap(), Some((Seq(9), Bytes::from("head 9"))));
    assert_eq!(log.head(room(3).into()).unwrap(), None);
    // What has become empty is gone; a head may be empty.
    append(log, vec![], vec![of(1, 12, &[(HEAD, ""), (1, ""), (300, "")])]);
    assert_eq!(loaded(log, 1), of(1, 12, &[(HEAD, ""), (2, "two again"), (3, "three")]));
}

fn the_head_says_how_far_a_snapshot_goes(log: &dyn Kept) {
    append(log, (1..=10).map(|seq| notification(room(1), seq, NOON)).collect(), vec![of(1, 4, &[(HEAD, "4"), (1, "a")])]);
    append(log, vec![], vec![of(1, 8, &[(HEAD, "8")])]);
    // One that was overtaken changes nothing, none of its parts either.
    append(log, vec![], vec![of(1, 6, &[(HEAD, "6"), (1, "b"), (2, "c")])]);
    assert_eq!(loaded(log, 1), of(1, 8, &[(HEAD, "8"), (1, "a")]));
    assert_eq!(log.load(room(1).into()).unwrap().unwrap().entries.len(), 2);
}

fn snapshots_of_one_commit_are_put_together(log: &dyn Kept) {
    let release = block(log);
    let first = append_later(log, vec![], vec![of(1, 5, &[(HEAD, "5"), (1, "one"), (2, "two")])]);
    let second = append_later(log, vec![], vec![of(1, 7, &[(HEAD, "7"), (2, "two again")])]);
    drop(release);
    assert_eq!([first, second].map(|told| told.recv_timeout(DEADLINE).unwrap()), [Ok(()), Ok(())]);
    assert_eq!(loaded(log, 1), of(1, 7, &[(HEAD, "7"), (1, "one"), (2, "two again")]));
}

fn a_snapshot_without_a_head_is_refused(log: &dyn Kept) {
    let refused =
        append_later(log, vec![text(room(1), 1, NOON)], vec![of(1, 1, &[(1, "one")])]).recv_timeout(DEADLINE).unwrap();
    assert!(matches!(refused, Err(LogError::Store(_))), "{refused:?}");
    assert_eq!(log.load(room(1).into()).unwrap(), None);
}

fn an_erased_room_has_no_parts(log: &dyn Kept) {
    append(log, vec![text(room(1), 1, NOON)], vec![of(1, 1, &[(HEAD, "1"), (1, "one")])]);
    log.erase(room(1).into()).unwrap();
    assert_eq!((log.load(room(1).into()).unwrap().unwrap().snapshot, log.head(room(1).into()).unwrap()), (None, None));
}

/// Retention is told which rooms have to be written down before a day may go.
fn rooms_that_only_old_days_tell_of_are_named(log: &dyn Kept) {
    let at = |day: i64| NOON + day * DAY_MS;
    append(log, [1, 2, 3].map(|number| text(room(number), 1, at(0))).into(), vec![snapshot(room(1), 1)]);
    append(log, vec![text(room(2), 2, at(1)), text(room(4), 1, at(12))], vec![]);
    assert_eq!(log.uncovered(UnixMs(at(12)), 10).unwrap(), [room(2).into(), room(3).into()]);
    append(log, vec![], vec![snapshot(room(2), 2), snapshot(room(3), 1)]);
    assert_eq!(log.uncovered(UnixMs(at(12)), 10).unwrap(), []);
    assert_eq!(log.expire(UnixMs(at(12)), 10).unwrap(), 2);
    assert_eq!(log.follow(room(3).into(), Seq(0), 10).unwrap(), [], "nothing had to be carried");
}

fn parts_are_there_after_a_restart(home: &dyn Home) {
    let log = home.open();
    append(&*log, vec![], vec![of(1, 5, &[(HEAD, "head"), (7, "seven")])]);
    drop(log);
    let again = home.open().load(room(1).into()).unwrap();
    assert!(
        again.is_none_or(|again| again.snapshot == Some(of(1, 5, &[(HEAD, "head"), (7, "seven")]))),
        "kept whole, or not at all"
    );
}

checks! {
    [
        parts_that_were_not_written_again_stay
        the_head_says_how_far_a_snapshot_goes
        snapshots_of_one_commit_are_put_together
        a_snapshot_without_a_head_is_refused
        an_erased_room_has_no_parts
        rooms_that_only_old_days_tell_of_are_named
    ],
    [
        parts_are_there_after_a_restart
    ]
}
