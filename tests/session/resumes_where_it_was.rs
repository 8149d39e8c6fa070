//! What a client does after a lost connection (chatroom.md §d.7), and what it shows its host only once (§e.2).

use crate::link::*;
use chatroom::error::{Code, Status, Sub};
use chatroom::session::{ClientOutput, CloseReason, Loss};
use chatroom::wire::{Packet, Push, Request, Response, pb};

/// Messages the client told its host, by id.
fn messages(link: &Link) -> Vec<&str> {
    let id = |output| match output {
        &ClientOutput::Push(Push::Message(ref message)) => Some(message.message_id.as_str()),
        _ => None,
    };
    link.told.iter().filter_map(id).collect()
}

/// A login response that resumes room 1.
fn resumed() -> pb::LoginResponse {
    pb::LoginResponse {
        resume_token: "r2".into(),
        resumed: true,
        resumed_rooms: vec![pb::RoomEnterResponse { resumed: true, replayed: 2, ..entered(1, 5, 14) }],
        ..Default::default()
    }
}

#[test]
fn a_login_after_a_loss_names_the_last_token_and_item() {
    let mut link = Link::in_room_1();
    link.push(&message(11, "bob", "m11"));
    link.push(&Push::Notification(Box::new(pb::Notification { room_id: 1, seq: 12, epoch: 5, ..Default::default() })));
    link.turn();
    assert_eq!(link.cut(), Loss::Retry);
    link.up();
    link.turn();
    let resume = link.logins[1].resume.clone().unwrap();
    assert_eq!(resume.token, "r1");
    assert_eq!(resume.rooms, [pb::RoomPosition { room_id: 1, epoch: 5, last_seq: 12 }]);

    link.welcome(resumed());
    link.push(&message(13, "bob", "m13"));
    link.turn();
    link.cut();
    link.up();
    link.turn();
    let resume = link.logins[2].resume.clone().unwrap();
    assert_eq!(resume.token, "r2", "each token is good once");
    assert_eq!(resume.rooms[0].last_seq, 13, "not 14: item 14 was announced for the replay, and has not come");
}

#[test]
fn an_item_seen_before_the_loss_is_not_shown_again() {
    let mut link = Link::in_room_1();
    link.push(&message(11, "bob", "m1"));
    link.turn();
    link.cut();
    link.up();
    link.turn();
    link.welcome(resumed());
    // S002-033
    link.push(&message(11, "bob", "m1"));
    link.push(&message(12, "carol", "m1"));
    link.push(&message(13, "bob", "m2"));
    link.push(&message(14, "bob", "m2"));
    link.turn();
    assert_eq!(messages(&link), ["m1", "m1", "m2"]);
    assert_eq!(link.client.positions()[0].last_seq, 14, "a double moves the position all the same");
}

#[test]
fn a_send_on_its_way_is_repeated_under_its_id_and_one_that_waited_is_not_marked() {
    let mut link = Link::in_room_1();
    let first = link.request(send("")).unwrap();
    link.turn();
    let Request::MessageSend(sent) = link.asked[0].1.clone() else { panic!() };
    assert_eq!((sent.message_id.len(), sent.resend), (36, false), "the client makes ids");
    link.cut();
    let second = link.request(send("second")).unwrap();
    link.up();
    link.turn();
    link.welcome(resumed());
    link.turn();
    let asked: Vec<_> = link.asked.clone();
    let [(one, Request::MessageSend(again)), (two, Request::MessageSend(waited))] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((&again.message_id, again.resend), (&sent.message_id, true));
    assert_eq!((waited.message_id.as_str(), waited.resend), ("second", false));
    let answer = |seq| Response::MessageSend(pb::MessageSendResponse { seq, ..Default::default() });
    link.answer(*two, &answer(16));
    link.answer(*one, &answer(15));
    link.turn();
    assert_eq!(link.take_results(), [(second, Ok(answer(16))), (first, Ok(answer(15)))]);
    assert_eq!(link.client.requests_open(), 0);
}

#[test]
fn what_carries_no_message_id_ends_with_the_connection() {
    let mut link = Link::in_room_1();
    let id = link.request(info()).unwrap();
    let leaving = link.request(Request::Logout(pb::LogoutRequest {})).unwrap();
    link.turn();
    link.cut();
    let results = link.take_results();
    assert_eq!(results[0], (id, Err(Status::new(Code::NoServer, "connection lost before the answer"))));
    assert_eq!((results[1].0, results[1].1.is_ok()), (leaving, true), "a lost connection has been left");
}

#[test]
fn a_refused_resume_enters_with_the_latest_values_and_tells_the_gap() {
    let mut link = Link::in_room_1();
    let updates = [
        Request::MemberUpdateTags(Box::new(pb::MemberUpdateTagsRequest {
            room_id: 1,
            tags: vec!["vip".into()],
            set_tags: true,
            notify_target_tags: Some("{\"tag\":\"vip\"}".into()),
            ..Default::default()
        })),
        Request::MemberUpdateLocation(pb::MemberUpdateLocationRequest {
            room_id: 1,
            location: Some(pb::Location { x: Some(1.0), ..Default::default() }),
        }),
        Request::MemberUpdateSelf(Box::new(pb::MemberUpdateSelfRequest {
            room_id: 1,
            nick: Some("Alice".into()),
            ..Default::default()
        })),
    ];
    for update in updates {
        let kind = update.kind();
        link.request(update).unwrap();
        link.turn();
        let (sequence, _) = link.asked[0];
        let body = Response::decode(kind as u16, bytes::Bytes::new()).unwrap();
        link.answer(sequence, &body);
        link.turn();
    }
    link.cut();
    link.up();
    link.turn();
    let enter = link.logins[1].enter.clone().unwrap();
    assert_eq!((enter.nick.as_str(), &enter.tags[..]), ("Alice", &["vip".to_owned()][..]));
    assert_eq!(enter.notify_target_tags.as_deref(), Some("{\"tag\":\"vip\"}"));
    assert_eq!(enter.location.unwrap().x, Some(1.0));

    link.told.clear();
    link.welcome(pb::LoginResponse { enter: Some(entered(1, 5, 14)), ..Default::default() });
    link.turn();
    let room = link.told.iter().find_map(|output| match output {
        ClientOutput::Entered(room) => Some(room),
        _ => None,
    });
    assert!(room.unwrap().gap, "items 11 to 14 are in the history only");
    assert_eq!(link.client.positions()[0].last_seq, 14);
}

/// A link whose client is in rooms 1 and 2, and whose connection was lost and is up again, the login on its way.
fn back_with_two_rooms() -> Link {
    let mut link = Link::in_room_1();
    link.request(Request::RoomEnter(Box::new(pb::RoomEnterRequest { room_id: 2, ..Default::default() }))).unwrap();
    link.turn();
    let (sequence, _) = link.asked[0];
    link.answer(sequence, &Response::RoomEnter(Box::new(entered(2, 3, 7))));
    link.turn();
    link.request(send("m1")).unwrap();
    link.turn();
    link.cut();
    link.up();
    link.turn();
    assert_eq!(link.logins[1].resume.as_ref().unwrap().rooms.len(), 2);
    link.told.clear();
    link.take_results();
    link
}

#[test]
fn rooms_the_login_does_not_bring_back_are_entered_before_anything_is_sent() {
    let mut link = back_with_two_rooms();
    link.welcome(pb::LoginResponse { enter: Some(entered(1, 5, 10)), ..Default::default() });
    link.turn();
    let asked = link.asked.clone();
    let [(sequence, Request::RoomEnter(enter))] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(enter.room_id, 2);
    link.answer(*sequence, &Response::RoomEnter(Box::new(entered(2, 3, 7))));
    link.turn();
    assert!(matches!(&link.asked[..], [(_, Request::MessageSend(send))] if send.resend));
    let rooms: Vec<_> = link.told.iter().filter(|output| matches!(output, ClientOutput::Entered(_))).collect();
    assert_eq!(rooms.len(), 2);
}

#[test]
fn a_room_that_is_lost_for_good_is_told_and_forgotten_and_holds_nothing_up() {
    let mut link = back_with_two_rooms();
    let closed = pb::RoomEnterResponse { code: 13002, sub: 113406, desc: "closed".into(), ..Default::default() };
    link.welcome(pb::LoginResponse {
        resumed: true,
        resumed_rooms: vec![pb::RoomEnterResponse { resumed: true, ..entered(1, 5, 10) }, closed],
        ..Default::default()
    });
    link.turn();
    let left = link.told.iter().find_map(|output| match output {
        ClientOutput::Left { room_id, status } => Some((*room_id, status.clone())),
        _ => None,
    });
    let (room_id, status) = left.unwrap();
    assert_eq!((room_id, status.code, status.sub), (2, Code::RoomClosed, Some(Sub::RoomClosed)));
    assert!(matches!(&link.asked[..], [(_, Request::MessageSend(_))]));
    assert_eq!(link.client.positions().len(), 1);
}

#[test]
fn the_room_of_the_login_that_is_lost_for_good_is_forgotten_like_any_other() {
    let mut link = back_with_two_rooms();
    let closed = pb::RoomEnterResponse { code: 13002, sub: 113406, desc: "closed".into(), ..Default::default() };
    link.welcome(pb::LoginResponse {
        resumed: true,
        resumed_rooms: vec![closed.clone(), pb::RoomEnterResponse { resumed: true, ..entered(2, 3, 7) }],
        enter: Some(closed),
        ..Default::default()
    });
    link.turn();
    assert!(link.told.iter().any(|output| matches!(output, ClientOutput::Left { room_id: 1, .. })));
    let rooms: Vec<i64> = link.client.positions().iter().map(|position| position.room_id).collect();
    assert_eq!(rooms, [2]);
    // The other room is the last one now.
    link.push(&Push::Kicked(kick_out_of(2, pb::KickReason::ManagerKick, false)));
    link.turn();
    assert!(link.closed.is_some());
    assert!(matches!(link.cut(), Loss::Final(_)));
}

#[test]
fn a_room_that_was_to_be_tried_again_when_the_connection_was_lost_is_tried_once() {
    let mut link = back_with_two_rooms();
    link.welcome(pb::LoginResponse { enter: Some(entered(1, 5, 10)), ..Default::default() });
    link.turn();
    let (sequence, _) = link.asked[0];
    link.refuse(sequence, &Status::new(Code::TryAgain, "loading"));
    link.turn();
    link.cut();
    link.pass_ms(2_000);
    link.up();
    link.turn();
    link.welcome(pb::LoginResponse { enter: Some(entered(1, 5, 10)), ..Default::default() });
    link.turn();
    link.drive(|client, now, out| client.on_timeout(now, out));
    link.turn();
    let entries = link.asked.iter().filter(|(_, request)| matches!(request, Request::RoomEnter(_)));
    assert_eq!(entries.count(), 1);
}

#[test]
fn a_room_that_is_busy_is_tried_again_later() {
    let mut link = back_with_two_rooms();
    link.welcome(pb::LoginResponse { enter: Some(entered(1, 5, 10)), ..Default::default() });
    link.turn();
    let (sequence, _) = link.asked[0];
    link.refuse(sequence, &Status::new(Code::TryAgain, "loading"));
    link.turn();
    assert!(matches!(&link.asked[..], [(_, Request::MessageSend(_))]), "the other room goes on");
    link.pass_ms(1_599);
    assert!(link.to_server.is_empty());
    link.pass_ms(1);
    link.turn();
    assert!(matches!(&link.asked[1..], [(_, Request::RoomEnter(enter))] if enter.room_id == 2));
}

#[test]
fn a_room_that_was_left_is_not_entered_again() {
    let mut link = Link::in_room_1();
    link.request(Request::RoomExit(pb::RoomExitRequest { room_id: 1 })).unwrap();
    link.turn();
    let (sequence, _) = link.asked[0];
    link.answer(sequence, &Response::RoomExit(pb::RoomExitResponse::default()));
    link.turn();
    link.cut();
    link.up();
    link.turn();
    assert_eq!(link.logins[1].enter, None);
    assert!(link.logins[1].resume.as_ref().unwrap().rooms.is_empty());
}

#[test]
fn a_kick_says_whether_to_come_back() {
    use pb::KickReason::*;
    for (reason, may_reconnect, code) in [
        (Silent, true, None),
        (Silent, false, Some(Code::NotLoggedIn)),
        (RoomClosed, true, Some(Code::NotLoggedIn)),
        (ManagerKick, false, Some(Code::NotLoggedIn)),
        (SamePlatform, false, Some(Code::NotLoggedIn)),
        (TokenExpired, false, Some(Code::TokenExpired)),
    ] {
        let mut link = Link::in_room_1();
        let kicked = pb::Kicked { reason: reason.into(), may_reconnect, retry_after_ms: 70, ..Default::default() };
        link.push(&Push::Kicked(Box::new(kicked.clone())));
        link.turn();
        assert!(link.closed.is_some());
        let shown = link.told.contains(&ClientOutput::Push(Push::Kicked(Box::new(kicked))));
        match (link.cut(), code) {
            (Loss::Return { retry_after_ms: 70, spread_ms: 0 }, None) => assert!(!shown, "silently"),
            (Loss::Final(status), Some(code)) => assert!(shown && status.code == code, "{status}"),
            other => panic!("{reason:?}: {other:?}"),
        }
    }
    // A reason from the future is final: nobody here can judge it.
    let mut link = Link::in_room_1();
    link.push(&Push::Kicked(Box::new(pb::Kicked { reason: 99, may_reconnect: true, ..Default::default() })));
    link.turn();
    assert!(matches!(link.cut(), Loss::Final(_)));
}

/// A link whose client is in rooms 1 and 2.
fn in_two_rooms() -> Link {
    let mut link = Link::in_room_1();
    link.request(Request::RoomEnter(Box::new(pb::RoomEnterRequest { room_id: 2, ..Default::default() }))).unwrap();
    link.turn();
    let (sequence, _) = link.asked[0];
    link.answer(sequence, &Response::RoomEnter(Box::new(entered(2, 5, 3))));
    link.turn();
    link.told.clear();
    link
}

fn kick_out_of(room_id: i64, reason: pb::KickReason, may_reconnect: bool) -> Box<pb::Kicked> {
    Box::new(pb::Kicked { reason: reason.into(), room_id, may_reconnect, ..Default::default() })
}

// chatroom.md §d.6, §d.7
#[test]
fn a_kick_out_of_one_of_several_rooms_leaves_the_connection_and_is_not_undone() {
    for (reason, may_reconnect) in [(pb::KickReason::ManagerKick, true), (pb::KickReason::Silent, false)] {
        let mut link = in_two_rooms();
        let kicked = kick_out_of(1, reason, may_reconnect);
        link.push(&Push::Kicked(kicked.clone()));
        link.turn();
        assert_eq!(link.told, [ClientOutput::Push(Push::Kicked(kicked))]);
        assert_eq!((link.closed, link.client.positions().len()), (None, 1));
        link.pass_ms(10_000);
        link.turn();
        assert!(link.asked.iter().all(|(_, request)| !matches!(request, Request::RoomEnter(_))));
        // Nor by the next login, although that is made with the room that the first one asked for.
        assert_eq!(link.cut(), Loss::Retry);
        link.up();
        link.turn();
        let login = link.logins.last().unwrap();
        assert_eq!((login.enter.as_ref(), login.resume.as_ref().unwrap().rooms.len()), (None, 1));
    }
}

#[test]
fn a_kick_out_of_the_last_room_is_told_and_ends_the_connection_for_good() {
    use pb::KickReason::*;
    for reason in [RoomClosed, ManagerKick, SamePlatform, Silent, Blocklisted, AccountBlocked, TokenExpired] {
        let mut link = Link::in_room_1();
        let kicked = kick_out_of(1, reason, false);
        link.push(&Push::Kicked(kicked.clone()));
        link.turn();
        assert_eq!(link.told, [ClientOutput::Push(Push::Kicked(kicked))], "{reason:?}");
        assert!(link.closed.is_some(), "{reason:?}");
        let code = if reason == TokenExpired { Code::TokenExpired } else { Code::NotLoggedIn };
        assert!(matches!(link.cut(), Loss::Final(status) if status.code == code), "{reason:?}");
    }
    // A reset that is to be undone is undone silently.
    let mut link = Link::in_room_1();
    link.push(&Push::Kicked(kick_out_of(1, Silent, true)));
    link.turn();
    assert!(link.told.is_empty() && link.closed.is_none());
    link.pass_ms(1_600);
    link.turn();
    assert!(matches!(&link.asked[..], [(_, Request::RoomEnter(_))]));
}

#[test]
fn one_who_is_entering_another_room_when_the_last_one_puts_it_out_hears_whether_it_may() {
    for may_enter in [true, false] {
        let mut link = Link::in_room_1();
        link.request(Request::RoomEnter(Box::new(pb::RoomEnterRequest { room_id: 2, ..Default::default() }))).unwrap();
        link.turn();
        let (sequence, _) = link.asked[0];
        link.push(&Push::Kicked(kick_out_of(1, pb::KickReason::ManagerKick, false)));
        link.turn();
        assert_eq!(link.closed, None);
        if may_enter {
            link.answer(sequence, &Response::RoomEnter(Box::new(entered(2, 5, 3))));
        } else {
            link.refuse(sequence, &Status::new(Code::RoomClosed, "no"));
        }
        link.turn();
        assert_eq!(link.closed.is_none(), may_enter);
        assert_eq!(matches!(link.cut(), Loss::Final(_)), !may_enter);
    }
    // The server may close before it answers.
    let mut link = Link::in_room_1();
    link.request(Request::RoomEnter(Box::new(pb::RoomEnterRequest { room_id: 2, ..Default::default() }))).unwrap();
    link.push(&Push::Kicked(kick_out_of(1, pb::KickReason::ManagerKick, false)));
    link.deliver_to_client();
    assert!(matches!(link.cut(), Loss::Final(_)));
}

#[test]
fn what_is_delivered_again_to_one_who_comes_back_is_shown_once() {
    let mut link = Link::in_room_1();
    let resent = |seq, id: &str| {
        let Push::Message(message) = message(seq, "bob", id) else { unreachable!() };
        Push::Message(Box::new(pb::Message { resent: true, high_priority: true, ..*message }))
    };
    link.push(&message(11, "bob", "seen"));
    link.push(&resent(11, "seen"));
    // Older than anything this client has seen, and new to it all the same.
    link.push(&resent(7, "unseen"));
    link.push(&resent(7, "unseen"));
    link.turn();
    assert_eq!(messages(&link), ["seen", "unseen"]);
    assert_eq!(link.client.positions()[0].last_seq, 11, "what comes late moves no position back");
}

#[test]
fn the_servers_last_word_decides_whether_to_come_back() {
    for (code, is_final) in [(509, true), (201, true), (503, false)] {
        let mut link = Link::in_room_1();
        link.push(&Push::Status(Box::new(pb::Status { code, ..Default::default() })));
        link.turn();
        assert_eq!(link.closed, Some(CloseReason::Dismissed));
        match link.cut() {
            Loss::Final(status) => assert!(is_final && status.code.number() == code),
            Loss::Retry => assert!(!is_final),
            loss => panic!("{loss:?}"),
        }
    }
}

#[test]
fn a_login_is_refused_for_good_or_for_now() {
    for (code, is_final) in [
        (Code::Timeout, false),
        (Code::NoServer, false),
        (Code::TryAgain, false),
        (Code::ServerError, false),
        (Code::Busy, false),
        (Code::Unavailable, false),
        (Code::WrongToken, true),
        (Code::TokenExpired, true),
        (Code::AccountDisabled, true),
        (Code::NotFound, true),
    ] {
        let mut link = Link::new(pb::LoginRequest::default());
        link.up();
        link.turn();
        link.turn_away(&Status::new(code, "no"));
        link.turn();
        assert!(matches!(&link.told[..], [ClientOutput::LoginRefused(status)] if status.code == code));
        assert_eq!(link.closed, Some(CloseReason::LoginRefused));
        assert_eq!(matches!(link.cut(), Loss::Final(_)), is_final, "{code:?}");
    }
}

#[test]
fn an_anonymous_account_and_a_renewed_token_serve_the_next_login() {
    let mut link = Link::new(pb::LoginRequest { anonymous: true, token: "old".into(), ..Default::default() });
    link.up();
    link.turn();
    link.welcome(pb::LoginResponse { account: "anon_0123456789abcdef".into(), ..Default::default() });
    link.turn();
    link.request(Request::RenewToken(pb::RenewTokenRequest { token: "new".into() })).unwrap();
    link.turn();
    let (sequence, _) = link.asked[0];
    link.answer(sequence, &Response::RenewToken(pb::Status::default()));
    link.turn();
    link.cut();
    link.up();
    link.turn();
    assert_eq!((link.logins[1].account.as_str(), link.logins[1].token.as_str()), ("anon_0123456789abcdef", "new"));
    assert_eq!(link.logins[1].resume, None, "no token, no resume");
}

#[test]
fn a_client_answers_the_servers_pings() {
    let mut link = Link::in_room_1();
    let mut bytes = bytes::BytesMut::new();
    Request::Ping("42".into()).encode(9, &mut bytes);
    link.to_client.push_back(bytes.freeze());
    link.deliver_to_client();
    assert_eq!(packet(&link.to_server[0]), Packet::Response { sequence: 9, response: Response::Ping("42".into()) });
}

#[test]
fn nonsense_of_a_server_is_ignored_and_counted() {
    let mut link = Link::in_room_1();
    let id = link.request(info()).unwrap();
    link.turn();
    let (sequence, _) = link.asked[0];
    let frames = [
        raw(info().kind() as u16, 1, sequence + 100, b""),
        raw(0x0300, 1, sequence, b""),
        raw(info().kind() as u16, 1, sequence, &[0xFF]),
        raw(0x7777, 0, 0, b""),
        raw(0x0380, 0, 0, &[0xFF]),
    ];
    for frame in frames {
        let mut bytes = bytes::BytesMut::new();
        frame.encode(&mut bytes);
        link.to_client.push_back(bytes.freeze());
    }
    link.turn();
    assert_eq!((link.client.ignored(), link.closed), (5, None));
    link.answer(sequence, &Response::RoomInfo(Box::default()));
    link.turn();
    assert_eq!(link.take_results(), [(id, Ok(Response::RoomInfo(Box::default())))]);
}
