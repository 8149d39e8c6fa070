//! Rooms made by clients: made, found and switched to under an alias, come back to after a loss, and where they stand is told
//! (chatroom.md §c.6 and §g, roomStateChanged).

use crate::link::*;
use chatroom::error::{Code, Status, Sub};
use chatroom::session::{ClientOutput, RoomState, RoomStateCause, RoomStateChange};
use chatroom::wire::{Push, Request, Response, pb};

use RoomState::{Connected, Connecting, Disconnected};

fn create(alias: &str, enter_existing: bool) -> Request {
    let enter = pb::RoomEnterRequest { nick: "Al".into(), ..Default::default() };
    Request::RoomCreate(Box::new(pb::RoomCreateRequest {
        alias: alias.into(),
        enter_existing,
        enter: Some(enter),
        ..Default::default()
    }))
}

/// A room with an alias, as its server answers.
fn made(room_id: i64, alias: &str, created: bool) -> pb::RoomEnterResponse {
    let room = Some(pb::RoomInfo { room_id, alias: alias.into(), ..Default::default() });
    pb::RoomEnterResponse { room, epoch: 5, last_seq: 1, created, ..Default::default() }
}

/// Where rooms have come to stand, in order; taken.
fn changes(link: &mut Link) -> Vec<(i64, String, RoomState, RoomStateCause)> {
    let mut changes = Vec::new();
    link.told.retain(|output| match output {
        ClientOutput::RoomState(RoomStateChange { room_id, alias, state, cause }) => {
            changes.push((*room_id, alias.clone(), *state, *cause));
            false
        }
        _ => true,
    });
    changes
}

fn answer_next(link: &mut Link, response: &Response) {
    link.turn();
    let (sequence, _) = link.asked[0];
    link.answer(sequence, response);
    link.turn();
}

/// A link whose client is in room 1, and in room 7, which it made as "party".
fn in_party() -> Link {
    let mut link = Link::in_room_1();
    link.request(create("party", false)).unwrap();
    answer_next(&mut link, &Response::RoomCreate(Box::new(made(7, "party", true))));
    assert_eq!(changes(&mut link), [(7, "party".into(), Connected, RoomStateCause::ActiveCreate)]);
    link
}

#[test]
fn a_room_that_was_made_is_entered_again_by_its_alias_and_number() {
    let mut link = in_party();
    assert_eq!(link.client.positions().len(), 2);
    link.cut();
    assert_eq!(changes(&mut link), [(7, "party".into(), Connecting, RoomStateCause::NetInterrupted)]);
    link.up();
    link.turn();
    link.welcome(pb::LoginResponse { enter: Some(entered(1, 5, 10)), ..Default::default() });
    link.turn();
    let asked = link.asked.clone();
    let [(sequence, Request::RoomEnter(enter))] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((enter.room_id, enter.alias.as_str(), enter.nick.as_str()), (7, "party", "Al"));
    link.answer(*sequence, &Response::RoomEnter(Box::new(made(7, "party", false))));
    link.turn();
    assert_eq!(changes(&mut link), [(7, "party".into(), Connected, RoomStateCause::Success)]);
}

#[test]
fn a_room_that_ended_meanwhile_is_told_and_one_made_anew_has_its_new_number() {
    let mut link = in_party();
    link.cut();
    link.up();
    link.turn();
    link.welcome(pb::LoginResponse { enter: Some(entered(1, 5, 10)), ..Default::default() });
    link.turn();
    changes(&mut link);
    let (sequence, _) = link.asked[0];
    link.refuse(sequence, &Status::with_sub(Code::NotFound, Sub::RoomMissing));
    link.turn();
    assert_eq!(changes(&mut link), [(7, "party".into(), Disconnected, RoomStateCause::RoomNotExist)]);
    assert!(link.told.iter().any(|output| matches!(output, ClientOutput::Left { room_id: 7, .. })));

    // Somebody else made another room of that name.
    let mut link = in_party();
    link.cut();
    link.up();
    link.turn();
    link.welcome(pb::LoginResponse { enter: Some(entered(1, 5, 10)), ..Default::default() });
    answer_next(&mut link, &Response::RoomEnter(Box::new(made(9, "party", false))));
    let rooms: Vec<i64> = link.client.positions().iter().map(|position| position.room_id).collect();
    assert_eq!(rooms, [1, 9]);
}

#[test]
fn a_switch_leaves_one_room_and_enters_the_other_and_a_refused_one_changes_nothing() {
    let switch = |create_missing| {
        let to = Some(pb::RoomCreateRequest { alias: "hall".into(), ..Default::default() });
        Request::RoomSwitch(Box::new(pb::RoomSwitchRequest { from_room_id: 7, to, create_missing }))
    };
    let rooms = |link: &Link| link.client.positions().iter().map(|position| position.room_id).collect::<Vec<_>>();
    let mut link = in_party();
    link.request(switch(false)).unwrap();
    link.turn();
    let (sequence, _) = link.asked[0];
    link.refuse(sequence, &Status::with_sub(Code::NotFound, Sub::RoomMissing));
    link.turn();
    assert_eq!(changes(&mut link), [(0, "hall".into(), Disconnected, RoomStateCause::RoomNotExist)]);
    assert_eq!(rooms(&link), [1, 7]);

    link.request(switch(true)).unwrap();
    answer_next(&mut link, &Response::RoomSwitch(Box::new(made(8, "hall", true))));
    assert_eq!(
        changes(&mut link),
        [
            (7, "party".into(), Disconnected, RoomStateCause::ActiveSwitch),
            (8, "hall".into(), Connected, RoomStateCause::ActiveSwitch)
        ]
    );
    assert_eq!(rooms(&link), [1, 8]);

    // From a room to itself is no change.
    let to = Some(pb::RoomCreateRequest { alias: "hall".into(), ..Default::default() });
    link.request(Request::RoomSwitch(Box::new(pb::RoomSwitchRequest { from_room_id: 8, to, create_missing: false }))).unwrap();
    // The server names the room and nothing else: what was seen of it is as it was.
    let before = link.client.positions();
    let room = Some(pb::RoomInfo { room_id: 8, alias: "hall".into(), ..Default::default() });
    answer_next(&mut link, &Response::RoomSwitch(Box::new(pb::RoomEnterResponse { room, ..Default::default() })));
    assert_eq!((changes(&mut link), rooms(&link)), (vec![], vec![1, 8]));
    assert_eq!(link.client.positions(), before);
}

#[test]
fn rooms_that_were_left_are_forgotten_and_entering_twice_is_told_once() {
    let mut link = in_party();
    link.request(create("party", true)).unwrap();
    answer_next(&mut link, &Response::RoomCreate(Box::new(made(7, "party", false))));
    assert_eq!(changes(&mut link), []);
    link.request(Request::RoomLeaveAll(pb::RoomLeaveAllRequest {})).unwrap();
    let left = pb::RoomLeaveAllResponse { room_ids: vec![7], aliases: vec!["party".into()], ..Default::default() };
    answer_next(&mut link, &Response::RoomLeaveAll(left));
    assert_eq!(changes(&mut link), [(7, "party".into(), Disconnected, RoomStateCause::Success)]);
    let rooms: Vec<i64> = link.client.positions().iter().map(|position| position.room_id).collect();
    assert_eq!(rooms, [1], "rooms of the other family are not left");
}

#[test]
fn what_keeps_a_client_out_is_told_with_its_cause() {
    for (request, status, cause) in [
        (create("x", false), Status::new(Code::Repeated, ""), RoomStateCause::CreateFailed),
        (create("x", true), Status::new(Code::OverQuota, ""), RoomStateCause::EnterFailed),
    ] {
        let mut link = Link::in_room_1();
        link.request(request).unwrap();
        link.turn();
        let (sequence, _) = link.asked[0];
        link.refuse(sequence, &status);
        link.turn();
        assert_eq!(changes(&mut link), [(0, "x".into(), Disconnected, cause)]);
    }
    let mut link = Link::in_room_1();
    link.request(create("slow", false)).unwrap();
    link.pass_ms(8_000);
    assert_eq!(changes(&mut link), [(0, "slow".into(), Disconnected, RoomStateCause::ConnectTimeout)]);
}

#[test]
fn being_taken_out_is_told_with_its_cause() {
    use pb::KickReason::*;
    for (reason, room_id, cause) in [
        (RoomClosed, 7, RoomStateCause::RoomNotExist),
        (ManagerKick, 7, RoomStateCause::KickedOut),
        (SamePlatform, 0, RoomStateCause::KickedOutByOtherDevice),
        (AccountBlocked, 0, RoomStateCause::KickedOut),
        (TokenExpired, 0, RoomStateCause::NetDisconnected),
    ] {
        let mut link = in_party();
        link.push(&Push::Kicked(Box::new(pb::Kicked { reason: reason.into(), room_id, ..Default::default() })));
        link.turn();
        assert_eq!(changes(&mut link), [(7, "party".into(), Disconnected, cause)], "{reason:?}");
    }
}

#[test]
fn a_login_may_enter_by_an_alias() {
    let enter = Some(pb::RoomEnterRequest { alias: "party".into(), ..Default::default() });
    let mut link = Link::new(pb::LoginRequest { account: "alice".into(), enter, ..Default::default() });
    link.up();
    link.turn();
    let welcome = pb::LoginResponse {
        resume_token: "r1".into(),
        enter: Some(made(7, "party", false)),
        heartbeat_seconds: 30,
        ..Default::default()
    };
    link.welcome(welcome);
    link.turn();
    assert_eq!(changes(&mut link), [(7, "party".into(), Connected, RoomStateCause::ActiveEnter)]);
    assert_eq!(link.client.positions()[0].room_id, 7);
    link.cut();
    link.up();
    link.turn();
    let enter = link.logins[1].enter.clone().unwrap();
    assert_eq!((enter.room_id, enter.alias.as_str()), (7, "party"));
}

#[test]
fn a_login_that_finds_another_room_under_its_alias_leaves_nothing_of_the_one_before() {
    let enter = Some(pb::RoomEnterRequest { alias: "party".into(), ..Default::default() });
    let mut link = Link::new(pb::LoginRequest { account: "alice".into(), enter, ..Default::default() });
    for room_id in [7, 9, 9] {
        link.up();
        link.turn();
        let enter = Some(made(room_id, "party", false));
        link.welcome(pb::LoginResponse { resume_token: "r1".into(), enter, heartbeat_seconds: 30, ..Default::default() });
        link.turn();
        let rooms: Vec<i64> = link.client.positions().iter().map(|position| position.room_id).collect();
        assert_eq!(rooms, [room_id], "nobody stands in the room that ended");
        link.cut();
    }
    assert_eq!(link.logins.len(), 3);
    assert_eq!(link.logins[2].enter.as_ref().unwrap().room_id, 9);
}
