//! How every log keeps users beside rooms.

use std::sync::Arc;

use super::every_log::Home;
use super::records::*;
use chatroom::id::{AccountId, Epoch, RoomId, Seq, SubjectId, UnixMs, UserId};
use chatroom::log::{Log, Pen, Snapshot};
use chatroom::room::{Actor, Stamp};
use chatroom::server::logbook;
use chatroom::subject::{Command, Entry, Subject as _};
use chatroom::user::{Op, User};

/// The user whose number, without its kind, is that of a room.
fn user(number: i64) -> UserId {
    UserId::new(number, 9).unwrap()
}

fn fresh(number: i64) -> User {
    User::new(user(number), Arc::default())
}

/// Applies a note about a room to a user, and appends the record of it.
#[track_caller]
fn note(log: &(impl Log + ?Sized), user: &mut User, (of_room, is_open): (i64, bool), (epoch, time): (u64, i64)) {
    let op = Op::NoteRoom { room: RoomId::new(of_room).unwrap(), is_open };
    let stamp = Stamp { time: UnixMs(time), clock: UnixMs(time + 5), random: 7 };
    let command = Command { actor: Actor::server(AccountId::parse("alice").unwrap()), op };
    let entry = Entry { seq: user.next_seq(), epoch: Epoch(epoch), stamp, command };
    let outcome = user.decide(&entry).expect("the server may say so");
    assert!(outcome.durable, "it is news");
    let record = User::record(user.id(), entry, None, false, outcome.link);
    let written = logbook::write_user(&mut Pen::default(), record).unwrap();
    assert_eq!(hand_over(log, vec![written], vec![]).recv_timeout(DEADLINE).unwrap(), Ok(()));
}

fn rebuilt(log: &(impl Log + ?Sized), number: i64) -> User {
    logbook::rebuild_user(log, user(number), Arc::default()).unwrap().subject
}

fn snapshot_of(user: &User) -> Snapshot {
    let last = Seq(user.next_seq().0 - 1);
    logbook::snapshot((user.id(), last, user.snapshot(Seq(0), false)))
}

fn a_user_comes_back_as_it_was(log: &dyn Kept) {
    assert_eq!(rebuilt(log, 3), fresh(3), "one that never was is one that nothing has changed");
    let mut alice = fresh(3);
    for (room, is_open) in [(11, true), (12, true), (11, false)] {
        note(log, &mut alice, (room, is_open), (1, NOON));
    }
    note(log, &mut alice, (13, true), (4, NOON + 1));
    assert_eq!(rebuilt(log, 3), alice);
    // From a snapshot and what follows it, too.
    append(log, vec![], vec![snapshot_of(&alice)]);
    note(log, &mut alice, (14, true), (4, NOON + 2));
    let again = rebuilt(log, 3);
    assert_eq!(again, alice);
    assert_eq!(again.rooms().map(RoomId::get).collect::<Vec<_>>(), [12, 13, 14]);
}

fn a_room_and_a_user_of_one_number_are_two_subjects(log: &dyn Kept) {
    let number = SubjectId::from(user(5)).number();
    append(log, vec![create(room(number), NOON), text(room(number), 2, NOON)], vec![snapshot(room(number), 1)]);
    let mut alice = fresh(5);
    note(log, &mut alice, (11, true), (1, NOON));
    log.erase(room(number).into()).unwrap();
    assert_eq!(rebuilt(log, 5), alice);
    assert_eq!(seqs(&log.records(room(number), Seq(0), 10).unwrap()), [2]);
    log.erase(user(5).into()).unwrap();
    assert_eq!(seqs(&log.records(room(number), Seq(0), 10).unwrap()), [2]);
}

fn a_user_outlives_the_days_it_was_written_in(log: &dyn Kept) {
    let (mut alice, mut bob) = (fresh(6), fresh(7));
    note(log, &mut alice, (11, true), (1, NOON));
    note(log, &mut bob, (12, true), (1, NOON));
    append(log, vec![create(room(8), NOON)], vec![snapshot_of(&bob)]);
    let later = UnixMs(NOON + 20 * DAY_MS);
    assert_eq!(log.uncovered(later, 10).unwrap().len(), 2, "a room and a user");
    assert_eq!(log.expire(later, 10).unwrap(), 1);
    assert_eq!((rebuilt(log, 6), rebuilt(log, 7)), (alice, bob));
}

fn users_are_there_after_a_start(home: &dyn Home) {
    let log = home.open();
    let mut alice = fresh(9);
    note(&*log, &mut alice, (11, true), (log.epoch().0, NOON));
    drop(log);
    let again = rebuilt(&*home.open(), 9);
    assert!(again == alice || again == fresh(9), "what is kept at all is kept as it was: {again:?}");
}

checks! {
    [
        a_user_comes_back_as_it_was
        a_room_and_a_user_of_one_number_are_two_subjects
        a_user_outlives_the_days_it_was_written_in
    ],
    [users_are_there_after_a_start]
}
