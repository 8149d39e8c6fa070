//! A message of the application to all its rooms, as one room takes it (rest-api.md §5).

use std::sync::Arc;

use crate::world::*;
use chatroom::error::{Code, Sub};
use chatroom::room::{Actor, Audience, Broadcast, OnBehalf, Op, Outcome, Settings, SharedModerator, WordList};
use chatroom::wire::pb::{self, MessageSendRequest, RoleChange};
use chatroom::wire::{Push, Response};

fn broadcast(request: &MessageSendRequest) -> Op {
    let broadcast = Broadcast::new(&Arc::new(Settings::default()), &http("news"), request);
    Op::Broadcast(Arc::new(broadcast.expect("it may be sent")))
}

fn high(id: &str) -> MessageSendRequest {
    MessageSendRequest { high_priority: true, ..text(id, "read all about it") }
}

/// Whether the answer and the message say that it is of high priority.
fn is_high(outcome: &Outcome) -> bool {
    let Response::MessageSend(reply) = &outcome.reply else { panic!("a broadcast answers {:?}", outcome.reply) };
    assert_eq!(reply.high_priority, message(outcome).high_priority);
    reply.high_priority
}

#[test]
fn it_reaches_everybody_as_a_message_of_the_room_and_nothing_of_it_is_stored() {
    let mut world = World::new();
    world.enter("alice");
    let on_behalf = OnBehalf { nick: "News".into(), avatar: "https://n".into(), ..OnBehalf::default() };
    let news = Actor { on_behalf: Some(Box::new(on_behalf)), ..http("news") };
    let seq = world.room.next_seq();
    let outcome = world.apply(&news, broadcast(&text("b1", "hear, hear"))).unwrap();
    let said = message(&outcome);
    assert_eq!((said.room_id, said.seq, said.time_ms), (7, seq.0, START_MS));
    assert_eq!((said.from.as_str(), said.from_nick.as_str(), said.from_avatar.as_str()), ("news", "News", "https://n"));
    assert_eq!((&said.body[..], said.from_client_type, said.directed), (&b"hear, hear"[..], 32, false));
    assert!(said.skip_history && !outcome.durable && !outcome.in_history);
    assert_eq!(outcome.audience, Audience::All);
    assert_eq!(world.room.next_seq(), seq.next(), "it has a place of its own in what members hear");
}

#[test]
fn what_a_room_has_against_its_sender_does_not_hold_it_back() {
    let mut world = World::new();
    let boss = world.enter("boss");
    for change in [RoleChange::Mute, RoleChange::Blocklist] {
        world.set_role(&boss, "news", change, true).unwrap();
    }
    world.apply(&boss, Op::MuteRoom(pb::RoomMuteRequest { room_id: 7, mute: true, ..Default::default() })).unwrap();
    assert!(world.apply(&http("news"), broadcast(&text("b1", "x"))).is_ok());
    world.apply(&http("boss"), Op::Close(pb::RoomCloseRequest { room_id: 7, ..Default::default() })).unwrap();
    assert_eq!(world.code(&http("news"), broadcast(&text("b2", "x"))), Code::RoomClosed);
}

#[test]
fn only_the_application_sends_it() {
    let mut world = World::new();
    let alice = world.enter("alice");
    assert_eq!(world.code(&alice, broadcast(&text("b1", "x"))), Code::Forbidden);
    assert_eq!(world.code(&Actor::server(alice.account), broadcast(&text("b1", "x"))), Code::Forbidden);
}

#[test]
fn its_expression_says_who_hears_it() {
    let mut world = World::new();
    let (vip, _) = (world.connection("alice"), world.enter("bob"));
    let mut entering = enter("");
    entering.request.tags = vec!["vip".into()];
    world.apply(&vip, Op::Enter(Box::new(entering))).unwrap();
    for (expression, meant) in
        [(r#"{"tag":"vip"}"#, true), (r#"{"tag":"v.p","matchType":"regex"}"#, true), (r#"{"tag":"none"}"#, false)]
    {
        let request = MessageSendRequest { notify_target_tags: Some(expression.into()), ..text("b1", "x") };
        let outcome = world.apply(&http("news"), broadcast(&request)).unwrap();
        assert_eq!(message(&outcome).notify_target_tags, expression);
        let heard = world.room.connections();
        assert_eq!(heard, 2);
        assert_eq!(outcome.audience.admits(vip.connection.unwrap()), meant, "{expression}");
    }
}

#[test]
fn of_high_priority_it_counts_among_the_rooms_and_who_enters_hears_it() {
    // S002-036
    let mut world = World::new();
    let _alice = world.enter("alice");
    for number in 0..10 {
        assert!(is_high(&world.apply(&http("news"), broadcast(&high(&format!("b{number}")))).unwrap()));
    }
    assert!(!is_high(&world.apply(&http("news"), broadcast(&high("b10"))).unwrap()));
    world.time_ms += 1000;
    let unsent = MessageSendRequest { high_priority_resend: Some(false), ..high("b11") };
    assert!(is_high(&world.apply(&http("news"), broadcast(&unsent)).unwrap()));
    let bob = world.connection("bob");
    let outcome = world.apply(&bob, Op::Enter(Box::new(enter("")))).unwrap();
    let resent: Vec<&str> = outcome.resent.iter().map(|message| message.message_id.as_str()).collect();
    assert_eq!(resent, ["b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9"]);
}

#[test]
fn what_is_wrong_with_it_is_said_once_for_all_rooms() {
    let settings = Settings {
        moderator: Some(SharedModerator::new(WordList::new(&["scam".into()], &["darn".into()]).unwrap())),
        ..Settings::default()
    };
    let settings = Arc::new(settings);
    let refusal = |actor: &Actor, request: &MessageSendRequest| {
        Broadcast::new(&settings, actor, request).map_or_else(|status| (status.code, status.sub), |_| (Code::Ok, None))
    };
    let bad = (Code::BadParameter, None);
    let news = http("news");
    assert_eq!(refusal(&news, &text("", "x")), bad);
    assert_eq!(refusal(&news, &text(&"i".repeat(65), "x")), bad);
    assert_eq!(refusal(&news, &text("b", &"x".repeat(4097))), bad);
    for expression in ["{", &"x".repeat(129)] {
        assert_eq!(refusal(&news, &MessageSendRequest { notify_target_tags: Some(expression.into()), ..text("b", "x") }), bad);
    }
    assert_eq!(refusal(&news, &text("b", "a scam")), (Code::Forbidden, Some(Sub::RoomModerated)));
    let muted = Actor { globally_muted: true, ..http("news") };
    assert_eq!(refusal(&muted, &text("b", "a scam")), (Code::AccountMuted, Some(Sub::AccountMuted)));
    assert_eq!(refusal(&muted, &text("", "a scam")), bad);
    let masked = Broadcast::new(&settings, &news, &text("b", "darn it")).unwrap();
    let mut world = World::new();
    world.enter("alice");
    let outcome = world.apply(&news, Op::Broadcast(Arc::new(masked))).unwrap();
    assert!(matches!(&outcome.push, Some(Push::Message(message)) if &message.body[..] == b"**** it"));
}
