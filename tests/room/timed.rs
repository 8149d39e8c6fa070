//! A room that closes by itself (chatroom.md §a.3, delayInfo).

use crate::world::*;
use chatroom::error::Code;
use chatroom::id::UnixMs;
use chatroom::room::{Actor, Op, Origin, Room, Settings};
use chatroom::wire::pb::{self, KickReason, NotificationType};

const FIXED: u32 = 1;
const EMPTY: u32 = 2;

fn delay(policy: u32, delay_seconds: u32) -> Op {
    Op::DelayClose(pb::DelayClose { policy, delay_seconds, start_time_ms: 0 })
}

/// The room as a restart finds it: the snapshot, and the entries after it.
fn restart(world: &mut World) {
    let state = world.room.snapshot();
    let id = world.room.id();
    world.room = Room::restore(id, world.settings.clone(), &state).expect("our own snapshot is readable");
}

#[test]
fn after_a_fixed_time_it_closes_in_the_creators_name_whoever_is_in() {
    let mut world = World::new();
    let alice = world.enter("alice");
    world.apply(&http("boss"), delay(FIXED, 60)).unwrap();
    assert_eq!(world.info().delay_close.unwrap(), pb::DelayClose { policy: FIXED, delay_seconds: 60, start_time_ms: START_MS });
    assert_eq!(world.room.deadline(), Some(UnixMs(START_MS + 60_000)));
    world.time_ms += 59_999;
    assert!(world.tick().is_empty());
    world.time_ms += 1;
    let closed = world.tick().pop().expect("its time has come");
    assert_eq!((kind(&closed), notice(&closed).operator.as_str()), (NotificationType::RoomClosed, "boss"));
    assert_eq!((left(&closed), closed.kicks[0].kicked.reason()), (vec![alice.connection.unwrap()], KickReason::RoomClosed));
    assert!(!world.info().valid && world.info().delay_close.is_none());
    assert_eq!(world.room.deadline(), None, "it closes once");
    world.apply(&http("boss"), Op::Reopen).unwrap();
    assert_eq!(world.room.deadline(), None, "a room that is opened again does not close by what was set before");
}

#[test]
fn empty_for_so_long_it_closes_and_whoever_comes_meanwhile_stops_the_clock() {
    let mut world = World::new();
    world.apply(&http("boss"), delay(EMPTY, 60)).unwrap();
    world.time_ms += 50_000;
    let alice = world.enter("alice");
    assert_eq!(world.room.deadline(), None, "somebody is in");
    world.time_ms += 50_000;
    assert!(world.tick().is_empty());
    world.apply(&alice, Op::Exit).unwrap();
    assert_eq!(world.room.deadline(), Some(UnixMs(world.time_ms + 60_000)), "the time begins when the last one has left");
    world.time_ms += 60_000;
    assert_eq!(world.tick().len(), 1);
    assert!(!world.info().valid);
}

#[test]
fn setting_it_again_starts_anew_and_zero_takes_it_back() {
    let mut world = World::new();
    world.apply(&http("boss"), delay(FIXED, 60)).unwrap();
    world.time_ms += 30_000;
    world.apply(&http("boss"), delay(FIXED, 60)).unwrap();
    assert_eq!(world.room.deadline(), Some(UnixMs(START_MS + 90_000)));
    world.apply(&http("boss"), delay(0, 0)).unwrap();
    assert_eq!((world.room.deadline(), world.info().delay_close), (None, None));
}

#[test]
fn it_outlives_a_restart() {
    for policy in [FIXED, EMPTY] {
        let mut world = World::new();
        world.apply(&http("boss"), delay(policy, 60)).unwrap();
        let log = world.log.clone();
        restart(&mut world);
        assert_eq!(world.room.deadline(), Some(UnixMs(START_MS + 60_000)), "from a snapshot");
        world.room = Room::new(world.room.id(), world.settings.clone());
        log.iter().for_each(|entry| world.room.replay(entry));
        assert_eq!(world.room.deadline(), Some(UnixMs(START_MS + 60_000)), "from the log");
    }
    let mut world = World::new();
    world.apply(&http("boss"), delay(EMPTY, 60)).unwrap();
    let alice = world.enter("alice");
    world.time_ms += 10_000;
    world.apply(&alice, send(text("m", "hello"))).unwrap();
    restart(&mut world);
    let known = world.room.deadline();
    assert_eq!(known, Some(UnixMs(START_MS + 70_000)), "empty since the last time that is known");
    world.time_ms += 5_000;
    world.apply(&http("boss"), send(text("n", "is anybody there"))).unwrap();
    assert_eq!(world.room.deadline(), known, "what happens in an empty room does not fill it");
}

#[test]
fn only_the_creator_sets_it_and_only_over_http() {
    let mut world = World::new();
    let boss = world.enter("boss");
    assert_eq!(world.code(&boss, delay(FIXED, 1)), Code::Forbidden, "a member's connection has no such request");
    assert_eq!(world.code(&http("alice"), delay(FIXED, 1)), Code::Forbidden);
    assert_eq!(world.code(&http("boss"), delay(3, 1)), Code::BadParameter);
    assert_eq!(world.code(&http("boss"), delay(FIXED, 604_801)), Code::BadParameter);
    assert_eq!(world.code(&http("boss"), delay(FIXED, 604_800)), Code::Ok);
    let server = Actor { origin: Origin::Server, ..http("boss") };
    assert_eq!(world.code(&server, delay(0, 0)), Code::Ok);
    world.apply(&http("boss"), Op::Close(pb::RoomCloseRequest::default())).unwrap();
    assert_eq!(world.code(&http("boss"), delay(FIXED, 1)), Code::RoomClosed);
    let mut nothing = World::nothing(Settings::default());
    assert_eq!(nothing.code(&http("boss"), delay(FIXED, 1)), Code::NotFound);
}

// S003-005
#[test]
fn closing_what_is_closed_is_refused() {
    let mut world = World::new();
    let close = || Op::Close(pb::RoomCloseRequest::default());
    world.apply(&http("boss"), close()).unwrap();
    assert_eq!(world.code(&http("boss"), close()), Code::Repeated, "over HTTP the state is there already");
    assert_eq!(world.code(&http("alice"), close()), Code::Forbidden);
    let boss = world.connection("boss");
    assert_eq!(world.code(&boss, close()), Code::RoomClosed, "for a member a closed room is out of reach");
}
