//! Messages of high priority: who gets them, how many, and who hears them again on entering (chatroom.md §e.3, §e.4).

use crate::world::*;
use chatroom::error::Code;
use chatroom::id::RoomId;
use chatroom::room::{Actor, Enter, Link, Op, Outcome, PushBody, Record, Room, Settings};
use chatroom::wire::pb::{self, MessageSendRequest, RoleChange};
use chatroom::wire::{Push, Response};
use prost::Message as _;

fn high(id: &str) -> MessageSendRequest {
    MessageSendRequest { high_priority: true, ..text(id, "read all about it") }
}

/// Whether sender and receivers were told that it is of high priority, and whether it waits for who enters.
fn flags(outcome: &Outcome) -> (bool, bool) {
    let Response::MessageSend(reply) = &outcome.reply else { panic!("a send answers {:?}", outcome.reply) };
    let message = message(outcome);
    assert_eq!(reply.high_priority, message.high_priority, "both are told the same");
    assert!(!message.resent, "nothing is sent again the first time");
    (message.high_priority, message.resend_on_enter)
}

fn is_high(world: &mut World, actor: &Actor, request: MessageSendRequest) -> bool {
    flags(&world.apply(actor, send(request)).unwrap()).0
}

/// Has a new connection of the account enter, and gives the ids of what it hears once more.
fn hears(world: &mut World, account: &str) -> (Actor, Vec<String>) {
    let actor = world.connection(account);
    let ids = hears_on(world, &actor, enter(""));
    (actor, ids)
}

fn hears_on(world: &mut World, actor: &Actor, enter: Enter) -> Vec<String> {
    let outcome = world.apply(actor, Op::Enter(Box::new(enter))).unwrap();
    assert!(outcome.resent.iter().all(|message| message.resent && message.high_priority));
    assert!(outcome.resent.windows(2).all(|pair| pair[0].seq < pair[1].seq), "oldest first");
    outcome.resent.iter().map(|message| message.message_id.clone()).collect()
}

// S002-036
#[test]
fn ten_in_any_second_are_of_high_priority_and_the_next_is_an_ordinary_one() {
    let mut world = World::new();
    let boss = world.enter("boss");
    for number in 0..10 {
        assert!(is_high(&mut world, &boss, high(&format!("m{number}"))));
        world.time_ms += 50;
    }
    assert_eq!(flags(&world.apply(&boss, send(high("m10"))).unwrap()), (false, false));
    assert!(!is_high(&mut world, &boss, text("m11", "ordinary")), "who does not ask does not get it");
    // 999 ms after the first it still counts, a millisecond later it does not; the second is still there.
    world.time_ms = START_MS + 999;
    assert!(!is_high(&mut world, &boss, high("m12")));
    world.time_ms = START_MS + 1000;
    assert!(is_high(&mut world, &boss, high("m13")));
    assert!(!is_high(&mut world, &boss, high("m14")));
}

#[test]
fn the_rate_is_the_rooms_whoever_sends() {
    let mut world = World::with(Settings { high_priority_per_second: 2, sends_per_second: 0, ..Settings::default() });
    let boss = world.enter("boss");
    assert!(is_high(&mut world, &boss, high("m1")));
    assert!(is_high(&mut world, &http("robot"), high("m2")), "over HTTP everybody may ask for it");
    assert!(!is_high(&mut world, &boss, high("m3")));
    let mut none = World::with(Settings { high_priority_per_second: 0, ..Settings::default() });
    let boss = none.enter("boss");
    assert!(!is_high(&mut none, &boss, high("m1")));
}

#[test]
fn of_clients_only_the_creator_and_administrators_get_it() {
    let mut world = World::new();
    let boss = world.enter("boss");
    for (account, change) in [("common", RoleChange::Common), ("admin", RoleChange::Administrator)] {
        world.set_role(&boss, account, change, true).unwrap();
    }
    for (account, expected) in [("boss", true), ("admin", true), ("common", false), ("visitor", false)] {
        let actor = world.enter(account);
        assert_eq!(is_high(&mut world, &actor, high("m")), expected, "{account}");
    }
    let visitor = Actor { anonymous: true, ..world.connection("anon_1") };
    world.apply(&visitor, Op::Enter(Box::new(enter("guest")))).unwrap();
    assert_eq!(world.code(&visitor, send(high("m"))), Code::Forbidden);
}

// S002-035: its presence disables high priority.
#[test]
fn with_an_abandon_ratio_the_wish_is_void() {
    let mut world = World::new();
    let boss = world.enter("boss");
    assert!(!is_high(&mut world, &boss, MessageSendRequest { abandon_ratio: Some(0), ..high("m1") }));
    world.random = 5;
    let outcome = world.apply(&boss, send(MessageSendRequest { abandon_ratio: Some(9999), ..high("m2") })).unwrap();
    assert!(outcome.push.is_none());
    assert_eq!(hears(&mut world, "alice").1, [""; 0], "what is abandoned waits for nobody");
}

#[test]
fn a_duplicate_is_told_of_its_priority_too() {
    let mut world = World::new();
    let boss = world.enter("boss");
    assert!(is_high(&mut world, &boss, high("m1")));
    let again = world.apply(&boss, send(MessageSendRequest { resend: true, ..high("m1") })).unwrap();
    let Response::MessageSend(reply) = again.reply else { panic!("a send is answered as one") };
    assert!(reply.duplicate && reply.high_priority && again.push.is_none());
}

// S002-037
#[test]
fn who_enters_within_thirty_seconds_hears_it_once() {
    let mut world = World::new();
    let boss = world.enter("boss");
    world.apply(&boss, send(high("m1"))).unwrap();
    world.time_ms += 1000;
    world.apply(&boss, send(text("m2", "ordinary"))).unwrap();
    world.apply(&boss, send(MessageSendRequest { high_priority_resend: Some(false), ..high("m3") })).unwrap();
    world.apply(&boss, send(MessageSendRequest { to_accounts: vec!["alice".into()], ..high("m4") })).unwrap();
    world.apply(&boss, send(MessageSendRequest { skip_history: true, ..high("m5") })).unwrap();
    let (alice, ids) = hears(&mut world, "alice");
    assert_eq!(ids, ["m1", "m5"]);
    assert_eq!(hears(&mut world, "alice").1, [""; 0], "its other device comes to what the account has heard");
    world.apply(&alice, Op::Exit).unwrap();
    world.time_ms = START_MS + 30_000;
    assert_eq!(hears(&mut world, "bob").1, ["m1", "m5"], "30 s are not over yet");
    world.time_ms += 1;
    assert_eq!(hears(&mut world, "carol").1, ["m5"]);
    world.time_ms += 1000;
    assert_eq!(hears(&mut world, "dave").1, [""; 0]);
}

#[test]
fn what_an_account_has_heard_or_sent_it_does_not_hear_again() {
    let mut world = World::new();
    let (boss, alice) = (world.enter("boss"), world.enter("alice"));
    world.apply(&boss, send(high("m1"))).unwrap();
    world.apply(&alice, Op::Exit).unwrap();
    world.apply(&boss, send(high("m2"))).unwrap();
    let (alice, ids) = hears(&mut world, "alice");
    assert_eq!(ids, ["m2"], "only what it missed");
    world.apply(&alice, Op::Exit).unwrap();
    assert_eq!(hears(&mut world, "alice").1, [""; 0], "what it heard on entering counts");
    world.apply(&boss, Op::Exit).unwrap();
    world.apply(&http("robot"), send(high("m3"))).unwrap();
    assert_eq!(hears(&mut world, "boss").1, ["m3"], "its own messages it knows");
    assert_eq!(hears(&mut world, "robot").1, ["m1", "m2"]);
}

#[test]
fn who_is_put_out_and_comes_back_hears_only_what_is_new() {
    let mut world = World::new();
    let boss = world.enter("boss");
    world.enter("alice");
    world.apply(&boss, send(high("m1"))).unwrap();
    let kick = pb::MemberKickRequest { room_id: 7, account: "alice".into(), ..Default::default() };
    world.apply(&boss, Op::Kick(kick)).unwrap();
    world.apply(&boss, send(high("m2"))).unwrap();
    assert_eq!(hears(&mut world, "alice").1, ["m2"]);
}

#[test]
fn what_went_to_a_lost_connection_was_not_heard() {
    let mut world = World::new();
    let (boss, lost) = (world.enter("boss"), world.enter("alice"));
    world.apply(&boss, send(high("m1"))).unwrap();
    world.apply(&lost, Op::Detach).unwrap();
    world.apply(&boss, send(high("m2"))).unwrap();
    assert_eq!(hears(&mut world, "alice").1, ["m2"], "it comes back on another device");
    world.apply(&lost, Op::Exit).unwrap();
    assert_eq!(hears(&mut world, "alice").1, [""; 0]);
}

#[test]
fn who_resumes_is_replayed_what_it_missed_and_hears_nothing_twice() {
    let mut world = World::new();
    let (boss, lost) = (world.enter("boss"), world.enter("alice"));
    world.apply(&lost, Op::Detach).unwrap();
    world.apply(&boss, send(high("m1"))).unwrap();
    let back = world.connection("alice");
    let resume = Enter { replaces: lost.connection, ..enter("") };
    assert_eq!(hears_on(&mut world, &back, resume), [""; 0], "dispatch replays it");
    world.apply(&back, Op::Exit).unwrap();
    assert_eq!(hears(&mut world, "alice").1, [""; 0]);
}

#[test]
fn two_devices_that_left_one_after_the_other_have_heard_for_the_account() {
    let mut world = World::new();
    let (boss, phone) = (world.enter("boss"), world.enter("alice"));
    let desk = world.enter("alice");
    world.apply(&boss, send(high("m1"))).unwrap();
    world.apply(&phone, Op::Exit).unwrap();
    world.apply(&boss, send(high("m2"))).unwrap();
    world.apply(&desk, Op::Exit).unwrap();
    assert_eq!(hears(&mut world, "alice").1, [""; 0]);
}

#[test]
fn a_device_that_takes_its_own_place_hears_only_what_is_new() {
    let mut world = World::new();
    let boss = world.enter("boss");
    let phone = || Enter { device_id: "phone".into(), ..enter("") };
    let first = world.connection("alice");
    hears_on(&mut world, &first, phone());
    world.apply(&boss, send(high("m1"))).unwrap();
    world.apply(&first, Op::Detach).unwrap();
    world.apply(&boss, send(high("m2"))).unwrap();
    let second = world.connection("alice");
    assert_eq!(hears_on(&mut world, &second, phone()), ["m2"]);
}

fn tagged(tag: &str) -> Enter {
    let mut enter = enter("");
    enter.request.tags = vec![tag.into()];
    enter
}

// S002-039: of who enters too only those hear it whom the expression means.
#[test]
fn what_is_for_some_is_sent_again_to_some() {
    let mut world = World::new();
    let boss = world.enter("boss");
    let (red, blue) = (world.connection("red"), world.connection("blue"));
    hears_on(&mut world, &red, tagged("red"));
    hears_on(&mut world, &blue, tagged("blue"));
    let to = |tag: &str, id: &str| MessageSendRequest { notify_target_tags: Some(format!("{{tag:\"{tag}\"}}")), ..high(id) };
    world.apply(&boss, send(to("red", "m1"))).unwrap();
    let place = MessageSendRequest { at: Some(pb::Point { x: 100.0, y: 0.0, z: 0.0 }), ..high("m2") };
    world.apply(&boss, send(place)).unwrap();
    for actor in [&red, &blue] {
        world.apply(actor, Op::Exit).unwrap();
    }
    assert_eq!(hears(&mut world, "plain").1, ["m2"], "who has no place hears every place");
    let late = world.connection("late");
    assert_eq!(hears_on(&mut world, &late, tagged("red")), ["m1", "m2"]);
    let again = world.connection("red");
    assert_eq!(hears_on(&mut world, &again, tagged("red")), [""; 0], "it has heard both");
    let other = world.connection("blue");
    assert_eq!(hears_on(&mut world, &other, tagged("red")), ["m1"], "in another colour it is meant now");
    let mut near = enter("");
    let location = |x| pb::Location { x: Some(x), y: Some(0.0), z: Some(0.0), distance: Some(10.0), enabled: Some(true) };
    for (x, expected) in [(0.0, vec![]), (95.0, vec!["m2".to_owned()])] {
        near.request.location = Some(location(x));
        let actor = world.connection(&format!("at-{x}"));
        assert_eq!(hears_on(&mut world, &actor, near.clone()), expected);
    }
}

#[test]
fn a_recalled_message_waits_for_nobody() {
    let mut world = World::new();
    let boss = world.enter("boss");
    let (seq, time_ms) = match &world.apply(&boss, send(high("m1"))).unwrap().reply {
        Response::MessageSend(sent) => (sent.seq, sent.time_ms),
        other => panic!("a send answers {other:?}"),
    };
    world.apply(&boss, send(high("m2"))).unwrap();
    let request =
        pb::MessageRecallRequest { room_id: 7, message_id: "m1".into(), time_ms, from: "boss".into(), ..Default::default() };
    let recall = chatroom::room::Recall { request, seq: Some(chatroom::id::Seq(seq)) };
    world.apply(&boss, Op::Recall(Box::new(recall))).unwrap();
    assert_eq!(hears(&mut world, "alice").1, ["m2"]);
}

#[test]
fn a_room_that_closes_forgets_what_everybody_in_it_has_heard() {
    let mut world = World::new();
    let boss = world.enter("boss");
    world.enter("alice");
    world.apply(&boss, send(high("m1"))).unwrap();
    world.apply(&boss, Op::Close(pb::RoomCloseRequest::default())).unwrap();
    world.apply(&http("boss"), Op::Reopen).unwrap();
    assert_eq!(hears(&mut world, "alice").1, [""; 0]);
}

#[test]
fn the_log_brings_the_backlog_back() {
    let mut world = World::new();
    let boss = world.enter("boss");
    let mut records = Vec::new();
    let requests = [high("m1"), text("m2", "ordinary"), MessageSendRequest { high_priority_resend: Some(false), ..high("m3") }];
    for request in requests {
        let outcome = world.apply(&boss, send(request)).unwrap();
        let entry = world.log.last().unwrap().clone();
        let Some(Push::Message(message)) = &outcome.push else { panic!("a message is pushed") };
        let command = chatroom::room::Command::send_from_message(message);
        let push = PushBody::Message { message_type: message.r#type, body: message.encode_to_vec().into() };
        let entry = chatroom::room::Entry { command, ..entry };
        records.push(Record {
            room: RoomId::new(7).unwrap(),
            entry,
            push: Some(push),
            notify_target_tags: String::new(),
            in_history: true,
            link: Link::default(),
        });
    }
    // Once over the whole log, once over a snapshot that covers all of it.
    let snapshot = world.room.snapshot();
    let over_all = {
        let mut room = Room::new(RoomId::new(7).unwrap(), world.settings.clone());
        room.replay(&world.log[0]);
        room
    };
    let over_snapshot = Room::restore(RoomId::new(7).unwrap(), world.settings.clone(), &snapshot).unwrap();
    for mut room in [over_all, over_snapshot] {
        for record in &records {
            room.replay(&record.entry);
            room.replay_push(record);
        }
        let mut later = World::new();
        std::mem::swap(&mut later.room, &mut room);
        later.time_ms = START_MS + 20_000;
        assert_eq!(hears(&mut later, "alice").1, ["m1"]);
        later.log = world.log.clone();
    }
}

#[test]
fn a_fresh_connection_is_sent_no_more_than_it_can_take() {
    let mut world = World::with(Settings { high_priority_per_second: 100, sends_per_second: 0, ..Settings::default() });
    let boss = world.enter("boss");
    for number in 0..100 {
        let body = "x".repeat(4096).into();
        world.apply(&boss, send(MessageSendRequest { body, ..high(&format!("m{number:02}")) })).unwrap();
    }
    let (_, ids) = hears(&mut world, "alice");
    let last = ids.len();
    assert!((30..50).contains(&last), "{last} messages of 4 KiB are somewhat under 192 KiB");
    let newest: Vec<String> = (100 - last..100).map(|number| format!("m{number:02}")).collect();
    assert_eq!(ids, newest);
}
