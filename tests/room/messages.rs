//! Messages: who may send what, what the others hear, and what is answered to a message sent twice.

use crate::world::*;
use bytes::Bytes;
use chatroom::error::{Code, Sub};
use chatroom::room::{Actor, Audience, Op, Query, Settings};
use chatroom::wire::Response;
use chatroom::wire::pb::{self, MessageSendRequest, NotificationType, RoleChange};

fn sent(reply: &Response) -> &pb::MessageSendResponse {
    match reply {
        Response::MessageSend(response) => response,
        other => panic!("a send answers {other:?}"),
    }
}

fn geo(attach: &str) -> MessageSendRequest {
    MessageSendRequest { r#type: 4, attach: Bytes::copy_from_slice(attach.as_bytes()), ..text("m", "") }
}

// S000-036
#[test]
fn a_text_reaches_everybody_else_with_its_place_and_its_sender() {
    let mut world = World::new();
    let alice = world.connection("alice");
    world.apply(&alice, Op::Enter(Box::new(enter("Al")))).unwrap();
    let request = MessageSendRequest { ext: Bytes::from_static(b"{}"), ..text("m1", "good evening") };
    let outcome = world.apply(&alice, send(request)).unwrap();
    let message = message(&outcome);
    assert_eq!((message.room_id, message.epoch, message.time_ms), (7, 5, world.time_ms));
    assert_eq!((message.from.as_str(), message.from_nick.as_str(), message.from_client_type), ("alice", "Al", 16));
    assert_eq!((&message.body[..], &message.ext[..], message.r#type), (&b"good evening"[..], &b"{}"[..], 0));
    assert_eq!(outcome.audience, Audience::AllBut(alice.connection.unwrap()));
    assert!(outcome.durable && outcome.in_history);
    let reply = sent(&outcome.reply);
    assert_eq!((reply.seq, reply.time_ms, reply.message_id.as_str()), (message.seq, message.time_ms, "m1"));
    let next = world.apply(&alice, send(text("m2", "again"))).unwrap();
    assert_eq!(crate::world::message(&next).seq, message.seq + 1);
}

#[test]
fn a_message_over_http_reaches_everybody() {
    let mut world = World::new();
    world.enter("alice");
    let outcome = world.apply(&http("robot"), send(text("m", "news"))).unwrap();
    assert_eq!(outcome.audience, Audience::All);
    assert_eq!(message(&outcome).from_client_type, 32);
}

// S000-036, S002-030, S002-041
#[test]
fn contents_end_at_their_limits() {
    let mut world = World::new();
    let alice = world.enter("alice");
    let long = |chars: usize| Bytes::from("é".repeat(chars));
    let accepted = [
        MessageSendRequest { body: long(4096), ext: long(4096), ..text("m", "") },
        // S000-038, S000-039
        MessageSendRequest { r#type: 100, attach: long(4096), sub_type: 9, ..text("m", "") },
        MessageSendRequest { r#type: 10, ..text(&"é".repeat(64), "psst") },
        MessageSendRequest { r#type: 1, attach: Bytes::from_static(b"{\"url\":\"https://a/1.png\"}"), ..text("m", "") },
    ];
    for request in accepted {
        assert_eq!(world.code(&alice, send(request)), Code::Ok);
    }
    let refused = [
        text("m", ""),
        text("", "hello"),
        text(&"é".repeat(65), "hello"),
        MessageSendRequest { body: long(4097), ..text("m", "") },
        MessageSendRequest { attach: long(4097), r#type: 100, ..text("m", "") },
        MessageSendRequest { ext: long(4097), ..text("m", "hello") },
        MessageSendRequest { body: Bytes::from_static(b"\xff"), ..text("m", "") },
        MessageSendRequest { r#type: 7, ..text("m", "hello") },
        MessageSendRequest { r#type: 20, ..text("m", "hello") },
        MessageSendRequest { r#type: 6, attach: Bytes::from_static(b"[]"), ..text("m", "") },
        MessageSendRequest { abandon_ratio: Some(10_000), ..text("m", "hello") },
        MessageSendRequest { to_accounts: vec!["bob".into(); 101], ..text("m", "hello") },
    ];
    for request in refused {
        assert_eq!(world.code(&alice, send(request.clone())), Code::BadParameter, "{request:?}");
    }
    for kind in [5, 11] {
        assert_eq!(world.code(&alice, send(MessageSendRequest { r#type: kind, ..text("m", "") })), Code::Forbidden);
    }
}

// S000-040
#[test]
fn a_place_is_any_json_object() {
    let mut world = World::new();
    let alice = world.enter("alice");
    for attach in ["{\"lng\":13.4,\"lat\":52.5,\"title\":\"Berlin\"}", "{\"lng\":181,\"lat\":\"north\"}", "{}"] {
        assert_eq!(world.code(&alice, send(geo(attach))), Code::Ok, "{attach}");
    }
    for attach in ["", "[]", "here", "null"] {
        assert_eq!(world.code(&alice, send(geo(attach))), Code::BadParameter, "{attach}");
    }
}

// S000-043, S002-032
#[test]
fn a_message_sent_again_is_answered_as_before_and_delivered_once() {
    let mut world = World::new();
    let alice = world.enter("alice");
    let first = world.apply(&alice, send(text("m1", "hello"))).unwrap();
    let accepted = sent(&first.reply).clone();
    world.time_ms += 5_000;
    let next = world.room.next_seq();
    let again = MessageSendRequest { resend: true, ..text("m1", "hello") };
    let outcome = world.apply(&alice, send(again.clone())).unwrap();
    assert_eq!(sent(&outcome.reply), &pb::MessageSendResponse { duplicate: true, ..accepted });
    assert!(outcome.push.is_none() && !outcome.durable && world.room.next_seq() == next);
    // Without the flag nobody looks; with it, another sender's message is another message.
    assert!(world.apply(&alice, send(text("m1", "hello"))).unwrap().push.is_some());
    let bob = world.enter("bob");
    assert!(world.apply(&bob, send(again)).unwrap().push.is_some());
}

#[test]
fn a_duplicate_is_answered_even_to_a_sender_who_is_muted_by_now() {
    let mut world = World::new();
    let (boss, alice) = (world.enter("boss"), world.enter("alice"));
    world.apply(&alice, send(text("m1", "hello"))).unwrap();
    world.set_role(&boss, "alice", RoleChange::Mute, true).unwrap();
    let again = MessageSendRequest { resend: true, ..text("m1", "hello") };
    assert!(sent(&world.apply(&alice, send(again)).unwrap().reply).duplicate);
    let unknown = MessageSendRequest { resend: true, ..text("m2", "hello") };
    assert_eq!(world.code(&alice, send(unknown)), Code::Muted);
}

#[test]
fn a_message_is_forgotten_after_ten_minutes() {
    let mut world = World::new();
    let alice = world.enter("alice");
    world.apply(&alice, send(text("m1", "hello"))).unwrap();
    world.time_ms += 600_001;
    let again = MessageSendRequest { resend: true, ..text("m1", "hello") };
    assert!(!sent(&world.apply(&alice, send(again)).unwrap().reply).duplicate);
}

// chatroom.md §d.3, §e.2
#[test]
fn a_send_that_is_repeated_at_its_deadline_in_the_busiest_room_is_stored_once() {
    const SENDERS: usize = 200;
    let mut world = World::with(Settings::default());
    let senders: Vec<Actor> = (0..SENDERS).map(|at| world.enter(&format!("sender{at}"))).collect();
    // The library sends, the room accepts, and the link is cut before the answer.
    let mut link = crate::link::Link::in_room_1();
    link.request(crate::link::send("kept")).unwrap();
    link.turn();
    let asked = |link: &crate::link::Link| match &link.asked[..] {
        [(_, chatroom::wire::Request::MessageSend(request))] => {
            MessageSendRequest { room_id: 7, body: "x".into(), ..(**request).clone() }
        }
        other => panic!("one send, not {other:?}"),
    };
    let first = sent(&world.apply(&senders[0], send(asked(&link))).unwrap().reply).clone();
    link.cut();
    // Ten a second of each sender, two thousand a second of the room, up to the last moment at which the library repeats it.
    let limit_ms = i64::try_from(chatroom::limits::SEND_TIMEOUT_MS).unwrap() - 1;
    let start_ms = world.time_ms;
    let mut stored = 1;
    for slot in 1..=limit_ms / 100 {
        world.time_ms = start_ms + slot * 100;
        for sender in &senders {
            let id = format!("{slot}");
            stored += usize::from(world.apply(sender, send(text(&id, "x"))).is_ok());
        }
    }
    assert!(stored > 119_000, "{stored} messages at the full rate");
    world.time_ms = start_ms + limit_ms;
    let back = |link: &mut crate::link::Link| {
        link.up();
        link.turn();
        link.welcome(pb::LoginResponse { enter: Some(crate::link::entered(1, 5, 10)), ..Default::default() });
        link.turn();
    };
    link.pass_ms(u64::try_from(limit_ms).unwrap());
    back(&mut link);
    let again = sent(&world.apply(&senders[0], send(asked(&link))).unwrap().reply).clone();
    assert_eq!((again.duplicate, again.seq, again.time_ms), (true, first.seq, first.time_ms));
    // From its deadline on it is not repeated any more, whenever the link comes back.
    link.cut();
    link.pass_ms(1);
    assert_eq!(link.take_results()[0].1.as_ref().unwrap_err().code, Code::Timeout);
    link.pass_ms(600_000);
    back(&mut link);
    assert!(link.asked.is_empty());
}

// S002-034
#[test]
fn a_message_kept_out_of_the_history_is_delivered_all_the_same() {
    let mut world = World::new();
    let alice = world.enter("alice");
    let outcome = world.apply(&alice, send(MessageSendRequest { skip_history: true, ..text("m", "secret") })).unwrap();
    assert!(outcome.push.is_some() && outcome.durable && !outcome.in_history);
}

// S002-035
#[test]
fn an_abandoned_message_is_answered_and_nobody_hears_it() {
    let mut world = World::new();
    let alice = world.enter("alice");
    for (random, ratio, abandoned) in [(4_999, 5_000, true), (5_000, 5_000, false), (10_000, 1, true), (0, 0, false)] {
        world.random = random;
        let request = MessageSendRequest { abandon_ratio: Some(ratio), high_priority: true, ..text("m", "hello") };
        let outcome = world.apply(&alice, send(request)).unwrap();
        assert_eq!(
            (sent(&outcome.reply).abandoned, outcome.push.is_none(), !outcome.durable),
            (abandoned, abandoned, abandoned)
        );
    }
}

#[test]
fn a_directed_message_reaches_the_named_and_the_sender_elsewhere() {
    let mut world = World::new();
    let (phone, desk) = (world.enter("alice"), world.enter("alice"));
    let (bob, _carol) = (world.enter("bob"), world.enter("carol"));
    let request = MessageSendRequest { to_accounts: vec!["bob".into(), "nobody".into()], ..text("m", "psst") };
    let outcome = world.apply(&phone, send(request)).unwrap();
    assert_eq!(outcome.audience, Audience::Only([desk.connection.unwrap(), bob.connection.unwrap()].into()));
    assert!(message(&outcome).directed && !outcome.in_history);
}

// S003-011, S002-020
#[test]
fn in_a_muted_room_only_those_with_power_speak() {
    let mut world = World::new();
    let (boss, alice, bob) = (world.enter("boss"), world.enter("alice"), world.enter("bob"));
    world.set_role(&boss, "alice", RoleChange::Administrator, true).unwrap();
    let mute = |mute| Op::MuteRoom(pb::RoomMuteRequest { room_id: 7, mute, ..Default::default() });
    assert_eq!(kind(&world.apply(&alice, mute(true)).unwrap()), NotificationType::RoomMuted);
    assert!(world.apply(&alice, mute(true)).unwrap().push.is_none(), "muting twice is no news");
    let status = world.apply(&bob, send(text("m", "hello"))).unwrap_err();
    assert_eq!((status.code, status.sub), (Code::RoomMuted, Some(Sub::RoomMuted)));
    for actor in [&boss, &alice] {
        assert_eq!(world.code(actor, send(text("m", "hello"))), Code::Ok);
    }
    assert_eq!(world.code(&bob, mute(false)), Code::Forbidden);
    assert_eq!(kind(&world.apply(&boss, mute(false)).unwrap()), NotificationType::RoomUnmuted);
    assert_eq!(world.code(&bob, send(text("m", "hello"))), Code::Ok);
}

#[test]
fn an_account_muted_everywhere_cannot_send_even_as_creator() {
    let mut world = World::new();
    let boss = world.enter("boss");
    let muted = chatroom::room::Actor { globally_muted: true, ..boss };
    assert_eq!(world.code(&muted, send(text("m", "hello"))), Code::AccountMuted);
}

#[test]
fn an_account_that_sends_too_much_waits_and_is_told_how_long() {
    let mut world = World::with(Settings::default());
    let (phone, desk) = (world.enter("alice"), world.enter("alice"));
    for number in 0..20 {
        assert_eq!(world.code(if number % 2 == 0 { &phone } else { &desk }, send(text("m", "hello"))), Code::Ok);
    }
    let status = world.apply(&phone, send(text("m", "hello"))).unwrap_err();
    assert_eq!((status.code, status.sub, status.retry_after_ms), (Code::TooFrequent, Some(Sub::MessageRate), 100));
    // Coming back brings no fresh allowance.
    world.apply(&phone, Op::Exit).unwrap();
    world.apply(&desk, Op::Exit).unwrap();
    let phone = world.enter("alice");
    assert_eq!(world.code(&phone, send(text("m", "hello"))), Code::TooFrequent);
    world.time_ms += 100;
    assert_eq!(world.code(&phone, send(text("m", "hello"))), Code::Ok);
    for _ in 0..50 {
        assert_eq!(world.code(&http("alice"), send(text("m", "hello"))), Code::Ok, "HTTP has rates of its own");
    }
}

#[test]
fn a_room_takes_so_many_messages_a_second() {
    let mut world = World::with(Settings { sends_per_second: 0, room_intake_per_second: 100, ..Settings::default() });
    let (alice, bob) = (world.enter("alice"), world.enter("bob"));
    for number in 0..100 {
        assert_eq!(world.code(if number % 2 == 0 { &alice } else { &bob }, send(text("m", "hello"))), Code::Ok);
    }
    assert_eq!(world.code(&bob, send(text("m", "hello"))), Code::TooFrequent);
    world.time_ms += 10;
    assert_eq!(world.code(&bob, send(text("m", "hello"))), Code::Ok);
}

#[test]
fn refusals_come_in_the_order_of_the_checks() {
    let mut world = World::new();
    let boss = world.enter("boss");
    let outside = world.connection("alice");
    assert_eq!(world.code(&outside, send(text("m", ""))), Code::BadParameter);
    assert_eq!(world.code(&outside, send(text("m", "hello"))), Code::Forbidden);
    world.apply(&boss, Op::Close(pb::RoomCloseRequest::default())).unwrap();
    assert_eq!(world.code(&outside, send(text("m", "hello"))), Code::RoomClosed);
    let mut nothing = World::nothing(Settings::default());
    assert_eq!(nothing.code(&outside, send(text("m", ""))), Code::BadParameter);
    assert_eq!(nothing.code(&outside, send(text("m", "hello"))), Code::NotFound);
}

#[test]
fn whether_a_message_may_be_sent_is_answered_as_the_send_would_be_and_changes_nothing() {
    let mut world = World::with(Settings { sends_per_second: 1, sends_burst: 1, ..Settings::default() });
    let alice = world.enter("alice");
    let may = |world: &World, actor: &Actor, request: pb::MessageSendRequest| {
        world.query(actor, &Query::MaySend(Box::new(request))).map_err(|status| status.code)
    };
    let empty = Response::MessageSend(pb::MessageSendResponse::default());
    let next = world.room.next_seq();
    for _ in 0..3 {
        assert_eq!(may(&world, &alice, text("m1", "hello")), Ok(empty.clone()), "asking costs nothing");
    }
    assert_eq!(world.room.next_seq(), next);
    let first = world.apply(&alice, send(text("m1", "hello"))).unwrap();
    assert_eq!(may(&world, &alice, text("m2", "hello")), Err(Code::TooFrequent), "the allowance is used up");
    let again = pb::MessageSendRequest { resend: true, ..text("m1", "hello") };
    let (Response::MessageSend(first), Ok(Response::MessageSend(again))) = (first.reply, may(&world, &alice, again)) else {
        panic!("a send is answered as one");
    };
    assert_eq!((again.seq, again.time_ms, again.duplicate), (first.seq, first.time_ms, true));
    let outside = world.connection("bob");
    assert_eq!(may(&world, &outside, text("m3", "hello")), Err(Code::Forbidden));
    assert_eq!(may(&world, &alice, text("m3", "")), Err(Code::BadParameter));
}

// S000-036: the other form of a text.
#[test]
fn a_text_may_come_in_the_attachment() {
    let mut world = World::new();
    let alice = world.enter("alice");
    let with = |attach: &'static str| send(MessageSendRequest { attach: attach.into(), ..text("m", "") });
    let outcome = world.apply(&alice, with(r#"{"msg":"good evening"}"#)).unwrap();
    assert_eq!((&message(&outcome).body[..], &message(&outcome).attach[..]), (&b"good evening"[..], &b""[..]));
    for bad in [r#"{"msg":""}"#, r#"{"msg":5}"#, r#"{"text":"good evening"}"#, "good evening"] {
        assert_eq!(world.code(&alice, with(bad)), Code::BadParameter, "{bad}");
    }
}

// S002-030, S003-006
#[test]
fn every_type_of_the_table_is_taken_as_it_stands_there() {
    let mut world = World::new();
    let alice = world.enter("alice");
    let of = |kind, body: &'static str, attach: &'static str| {
        send(MessageSendRequest { r#type: kind, attach: attach.into(), body: body.into(), ..text("m", "") })
    };
    let place = r#"{"lng":1.5,"lat":-2,"title":"t"}"#;
    for (kind, body, attach) in [(0, "text", ""), (1, "", "{}"), (2, "", "{}"), (3, "", "{}"), (4, "", place), (6, "", "{}")] {
        assert_eq!(world.code(&alice, of(kind, body, attach)), Code::Ok, "type {kind}");
        assert_eq!(world.code(&alice, of(kind, "", "no object")), Code::BadParameter, "type {kind}");
        assert_eq!(world.code(&alice, of(kind, "", "[1]")), Code::BadParameter, "type {kind}");
    }
    for (kind, body, attach) in [(10, "tip", ""), (10, "", ""), (100, "", "free <text>"), (100, "", r#"{"a":1}"#)] {
        let outcome = world.apply(&alice, of(kind, body, attach)).unwrap();
        let message = message(&outcome);
        assert_eq!((message.r#type, &message.body[..], &message.attach[..]), (kind, body.as_bytes(), attach.as_bytes()));
    }
    for kind in [5, 11] {
        assert_eq!(world.code(&alice, of(kind, "x", "{}")), Code::Forbidden, "type {kind} is the server's");
    }
    for kind in [-1, 7, 8, 9, 12, 99, 101, 200, i32::MAX] {
        assert_eq!(world.code(&alice, of(kind, "x", "{}")), Code::BadParameter, "type {kind} is none");
    }
}

// S002-031, S002-038
#[test]
fn what_goes_along_with_a_message_is_carried_or_ends_at_its_limit() {
    let mut world = World::new();
    let alice = world.enter("alice");
    let outcome = world.apply(&alice, send(MessageSendRequest { sub_type: 7, ..text("m", "x") })).unwrap();
    assert_eq!(message(&outcome).sub_type, 7);
    let moderated = |change: fn(&mut pb::Moderation, String), length| {
        let mut moderation = pb::Moderation::default();
        change(&mut moderation, "é".repeat(length));
        MessageSendRequest { moderation: Some(moderation), ..text("m", "x") }
    };
    let env = |length| MessageSendRequest { env: "é".repeat(length), ..text("m", "x") };
    let callback = |length| MessageSendRequest { callback_ext: "é".repeat(length), ..text("m", "x") };
    let cases: [(MessageSendRequest, MessageSendRequest); 6] = [
        (env(32), env(33)),
        (callback(1024), callback(1025)),
        (moderated(|m, s| m.bid = s, 1024), moderated(|m, s| m.bid = s, 1025)),
        (moderated(|m, s| m.antispam_custom = s, 5000), moderated(|m, s| m.antispam_custom = s, 5001)),
        (moderated(|m, s| m.yidun_anti_cheating = s, 1024), moderated(|m, s| m.yidun_anti_cheating = s, 1025)),
        (moderated(|m, s| m.yidun_antispam_ext = s, 1024), moderated(|m, s| m.yidun_antispam_ext = s, 1025)),
    ];
    for (fits, over) in cases {
        assert_eq!(world.code(&alice, send(fits)), Code::Ok);
        assert_eq!(world.code(&alice, send(over)), Code::BadParameter);
    }
    for (ratio, code) in [(0, Code::Ok), (9999, Code::Ok), (10_000, Code::BadParameter)] {
        let request = MessageSendRequest { abandon_ratio: Some(ratio), ..text("m", "x") };
        assert_eq!(world.code(&alice, send(request)), code, "{ratio}");
    }
}

#[test]
fn an_account_may_be_held_to_so_many_messages_in_five_minutes() {
    let settings = Settings { sends_per_second: 0, sends_per_five_minutes: 3, ..Settings::default() };
    let mut world = World::with(settings);
    let (alice, bob) = (world.enter("alice"), world.enter("bob"));
    for number in 0..3 {
        world.apply(&alice, send(text(&format!("m{number}"), "x"))).unwrap();
        world.time_ms += 1000;
    }
    let refused = world.apply(&alice, send(text("m3", "x"))).unwrap_err();
    assert_eq!((refused.code, refused.sub, refused.retry_after_ms), (Code::TooFrequent, Some(Sub::MessageRate), 297_000));
    world.apply(&bob, send(text("m3", "x"))).expect("another account is not held");
    world.apply(&http("alice"), send(text("m3", "x"))).expect("over HTTP nobody is held");
    world.time_ms += 297_000;
    let refused = world.apply(&alice, send(text("m4", "x"))).unwrap_err();
    assert_eq!(refused.retry_after_ms, 1000, "that one counts all the same, and the second leaves in a second");
    world.time_ms += 1000;
    world.apply(&alice, send(text("m4", "x"))).unwrap();
}

// A message is 416 for clients alone when the room takes no more.
#[test]
fn over_http_a_room_takes_whatever_comes() {
    let mut world = World::with(Settings { sends_per_second: 0, room_intake_per_second: 2, ..Settings::default() });
    let alice = world.enter("alice");
    for number in 0..2 {
        world.apply(&alice, send(text(&format!("m{number}"), "x"))).unwrap();
    }
    let refused = world.apply(&alice, send(text("m2", "x"))).unwrap_err();
    assert_eq!((refused.code, refused.sub, refused.retry_after_ms), (Code::TooFrequent, Some(Sub::MessageRate), 500));
    world.apply(&http("robot"), send(text("m2", "x"))).unwrap();
}

// chatroom.md §e.7: the rate is of what an account sends, whatever becomes of it.
#[test]
fn an_abandoned_message_counts_and_says_when_it_was() {
    let mut world = World::with(Settings { sends_per_second: 2, sends_burst: 3, ..Settings::default() });
    let alice = world.enter("alice");
    let abandoned = |id: &str| send(MessageSendRequest { abandon_ratio: Some(9999), ..text(id, "x") });
    for id in ["a", "b", "c"] {
        let Ok(outcome) = world.apply(&alice, abandoned(id)) else { panic!("{id} is within the burst") };
        let Response::MessageSend(answer) = outcome.reply else { panic!("a send answers {:?}", outcome.reply) };
        assert_eq!((answer.abandoned, answer.time_ms, outcome.push), (true, START_MS, None));
    }
    let refused = world.apply(&alice, abandoned("d")).unwrap_err();
    assert_eq!((refused.code, refused.retry_after_ms), (Code::TooFrequent, 500));
}
