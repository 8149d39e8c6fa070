//! The room's own affairs: created, changed, closed, opened, written down and read back.

use crate::world::*;
use chatroom::error::{Code, Sub};
use chatroom::room::{Ask, Create, Op, Query, Room, Settings};
use chatroom::wire::pb::{self, KickReason, MemberType, NotificationType, RoleChange, RoomUpdateRequest};
use chatroom::wire::{Request, Response};

fn update(change: RoomUpdateRequest) -> Op {
    Op::Update(Box::new(RoomUpdateRequest { room_id: 7, ..change }))
}

// S002-008, S003-003
#[test]
fn a_room_is_born_with_its_creator() {
    let mut world = World::nothing(Settings::default());
    let born = Create { announcement: Some("welcome".into()), queue_level: 1, ..create() };
    let outcome = world.apply(&http("boss"), Op::Create(Box::new(born))).unwrap();
    assert!(outcome.durable && outcome.push.is_none());
    assert_eq!((world.room.exists(), world.room.app_key()), (true, "app"));
    let info = world.info();
    assert_eq!((info.creator.as_str(), info.name.as_str(), info.announcement.as_deref()), ("boss", "hall", Some("welcome")));
    assert_eq!((info.valid, info.muted, info.in_out_notification, info.queue_level), (true, false, true, 1));
    assert_eq!((info.create_time_ms, info.update_time_ms, info.online_count), (world.time_ms, world.time_ms, 0));
    assert_eq!(world.member(&http("boss"), "boss").unwrap().r#type(), MemberType::Creator);
    assert_eq!(world.code(&http("boss"), Op::Create(Box::new(create()))), Code::Repeated);
}

// S002-008, S002-043
#[test]
fn a_room_is_not_born_with_more_than_it_may_hold() {
    let mut world = World::nothing(Settings::default());
    let long = |chars: usize| "é".repeat(chars);
    for refused in [
        Create { name: String::new(), ..create() },
        Create { name: long(129), ..create() },
        Create { announcement: Some(long(4097)), ..create() },
        Create { broadcast_url: long(1025), ..create() },
        Create { ext: long(4097), ..create() },
        Create { queue_level: 2, ..create() },
        Create { app_key: String::new(), ..create() },
    ] {
        assert_eq!(world.code(&http("boss"), Op::Create(Box::new(refused))), Code::BadParameter);
    }
    let full =
        Create { name: long(128), announcement: Some(long(4096)), broadcast_url: long(1024), ext: long(4096), ..create() };
    assert_eq!(world.code(&http("boss"), Op::Create(Box::new(full))), Code::Ok);
}

// S000-022, S003-004
#[test]
fn an_update_changes_the_given_fields_and_tells_which() {
    let mut world = World::new();
    let (boss, alice) = (world.enter("boss"), world.enter("alice"));
    world.time_ms += 10;
    let change = RoomUpdateRequest {
        name: Some("hall".into()),
        announcement: Some("tonight".into()),
        notify_ext: "why".into(),
        ..Default::default()
    };
    let outcome = world.apply(&boss, update(change.clone())).unwrap();
    let notice = notice(&outcome);
    assert_eq!((kind(&outcome), notice.ext.as_str()), (NotificationType::RoomUpdated, "why"));
    let changed = notice.room_updated.as_ref().unwrap();
    assert_eq!((changed.name.as_deref(), changed.announcement.as_deref()), (None, Some("tonight")), "the name was that before");
    let Response::RoomUpdate(reply) = &outcome.reply else { panic!("{:?}", outcome.reply) };
    assert_eq!(reply.room.as_ref().unwrap().update_time_ms, world.time_ms);
    let status = world.apply(&boss, update(change)).unwrap_err();
    assert_eq!((status.code, status.sub), (Code::NoChange, Some(Sub::IdenticalFields)));
    let silent = RoomUpdateRequest { ext: Some("{}".into()), silent: true, ..Default::default() };
    let outcome = world.apply(&boss, update(silent)).unwrap();
    assert!(outcome.push.is_none() && outcome.durable);
    for refused in [
        RoomUpdateRequest::default(),
        RoomUpdateRequest { name: Some(String::new()), ..Default::default() },
        RoomUpdateRequest { queue_level: Some(2), ..Default::default() },
        RoomUpdateRequest { in_out_notification: Some(false), ..Default::default() },
        // S002-044
        RoomUpdateRequest { ext: Some("e".into()), notify_ext: "é".repeat(2049), ..Default::default() },
    ] {
        assert_eq!(world.code(&boss, update(refused)), Code::BadParameter);
    }
    let status = world.apply(&alice, update(RoomUpdateRequest { ext: Some("e".into()), ..Default::default() })).unwrap_err();
    assert_eq!((status.code, status.sub), (Code::Forbidden, Some(Sub::OwnerOrManagerOnly)));
}

// S000-021, S002-012, S003-005
#[test]
fn a_closed_room_tells_everybody_and_puts_them_out_until_it_is_opened_again() {
    let mut world = World::new();
    let (boss, alice) = (world.enter("boss"), world.enter("alice"));
    world.set_role(&boss, "alice", RoleChange::Administrator, true).unwrap();
    let offer = pb::QueueOfferRequest { room_id: 7, key: "a".into(), transient: true, ..Default::default() };
    world.apply(&alice, Op::QueueOffer(Box::new(offer))).unwrap();
    let close = || Op::Close(pb::RoomCloseRequest { room_id: 7, notify_ext: "good night".into() });
    let status = world.apply(&alice, close()).unwrap_err();
    assert_eq!((status.code, status.sub), (Code::Forbidden, Some(Sub::OwnerOnly)));
    let outcome = world.apply(&boss, close()).unwrap();
    assert_eq!((kind(&outcome), notice(&outcome).ext.as_str()), (NotificationType::RoomClosed, "good night"));
    assert_eq!((outcome.kicks.len(), outcome.presence.len(), outcome.follow_ups.len()), (2, 2, 0));
    assert!(outcome.kicks.iter().all(|kick| kick.kicked.reason() == KickReason::RoomClosed));
    assert!(world.room.is_empty_of_people());
    let status = world.apply(&alice, Op::Enter(Box::new(enter("")))).unwrap_err();
    assert_eq!((status.code, status.sub), (Code::RoomClosed, Some(Sub::RoomClosed)));
    assert!(!world.info().valid, "HTTP still reads it");
    assert_eq!(world.code(&http("alice"), Op::Reopen), Code::Forbidden);
    world.apply(&http("boss"), Op::Reopen).unwrap();
    assert_eq!(world.code(&http("boss"), Op::Reopen), Code::Repeated);
    let alice = world.enter("alice");
    assert_eq!(world.member(&alice, "alice").unwrap().r#type(), MemberType::Administrator, "roles outlast closing");
    let list = world.query(&alice, &Query::QueueList(pb::QueueListRequest { room_id: 7, ..Default::default() }));
    assert!(matches!(list, Ok(Response::QueueList(list)) if list.elements.is_empty()));
}

#[test]
fn a_room_read_back_is_the_room_that_was_written_down() {
    let mut world = World::new();
    let (boss, alice) = (world.enter("boss"), world.enter("alice"));
    world.set_role(&boss, "bob", RoleChange::Mute, true).unwrap();
    world.set_role(&boss, "carol", RoleChange::Common, true).unwrap();
    let temp = pb::MemberTempMuteRequest { room_id: 7, account: "alice".into(), seconds: 60, ..Default::default() };
    world.apply(&boss, Op::TempMute(temp)).unwrap();
    let offer = pb::QueueOfferRequest { room_id: 7, key: "a".into(), ..Default::default() };
    world.apply(&alice, Op::QueueOffer(Box::new(offer))).unwrap();
    let state = world.room.snapshot();
    let restored = Room::restore(world.room.id(), world.settings.clone(), &state).unwrap();
    assert_eq!(restored.snapshot(), state);
    assert_eq!((restored.next_seq(), restored.last_time()), (world.room.next_seq(), world.room.last_time()));
    assert!(restored.is_empty_of_people() && restored.exists());
    world.room = restored;
    assert_eq!((world.member(&http("boss"), "bob").unwrap().muted, world.info().online_count), (true, 0));
    let alice = world.enter("alice");
    assert_eq!(world.apply(&alice, send(text("m", "hello"))).unwrap_err().sub, Some(Sub::TempMuted));
    for damaged in [&state[..state.len() - 1], b"\xff\xff\xff"] {
        assert!(Room::restore(world.room.id(), world.settings.clone(), damaged).is_err());
    }
    let other = chatroom::id::RoomId::new(8).unwrap();
    assert!(Room::restore(other, world.settings.clone(), &state).is_err());
}

#[test]
fn the_deduplication_window_is_rebuilt_from_the_log() {
    let mut world = World::new();
    let alice = world.enter("alice");
    for id in ["m1", "m2"] {
        world.apply(&alice, send(text(id, "hello"))).unwrap();
    }
    let (state, next) = (world.room.snapshot(), world.room.next_seq());
    world.apply(&alice, send(text("m3", "hello"))).unwrap();
    let mut room = Room::restore(world.room.id(), world.settings.clone(), &state).unwrap();
    let sends = world.log.iter().filter(|entry| matches!(entry.command.op, Op::Send(_)));
    sends.clone().take(2).for_each(|entry| room.replay(entry));
    assert_eq!(room.next_seq(), next, "what the snapshot covers moves nothing");
    sends.skip(2).for_each(|entry| room.replay(entry));
    assert_eq!(room.next_seq(), next.next());
    world.room = room;
    let alice = world.enter("alice");
    for id in ["m1", "m2", "m3"] {
        let again = pb::MessageSendRequest { resend: true, ..text(id, "hello") };
        let outcome = world.apply(&alice, send(again)).unwrap();
        assert!(matches!(outcome.reply, Response::MessageSend(reply) if reply.duplicate), "{id}");
    }
}

#[test]
fn an_entry_out_of_its_place_is_refused() {
    let mut world = World::new();
    let mut entry = world.log[0].clone();
    assert_eq!(world.room.apply(&entry).unwrap_err().code, Code::ServerError);
    entry.seq = world.room.next_seq();
    entry.stamp.time.0 -= 1;
    assert_eq!(world.room.apply(&entry).unwrap_err().code, Code::ServerError);
}

// S003-002
#[test]
fn requests_find_their_room_and_clients_create_none() {
    let exit = |room_id| Ask::from_request(Request::RoomExit(pb::RoomExitRequest { room_id }));
    assert_eq!(exit(7), Ok((chatroom::id::RoomId::new(7).unwrap(), Ask::Command(Op::Exit))));
    for room_id in [0, -1] {
        assert_eq!(exit(room_id).unwrap_err().code, Code::BadParameter);
    }
    assert_eq!(Ask::from_request(Request::Logout(pb::LogoutRequest {})).unwrap_err().code, Code::InvalidProtocol);
}
