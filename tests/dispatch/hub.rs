//! Two workers without sockets, disk or clock: what a room's members hear and what those who ask are answered, wherever
//! connection and room live.

use crate::world::{GRACE_MS, WORKERS, World, enter, over_http, room_of, text};
use chatroom::dispatch::{Answer, Asked, Asker, Request};
use chatroom::error::{Code, Sub};
use chatroom::id::{AccountId, ConnId, Epoch, RoomId, Time, UnixMs};
use chatroom::limits::{ROBOT_TTL_SECONDS, ROOM_IDLE_MS, SNAPSHOT_ENTRIES};
use chatroom::room::{Actor, AddRobots, Ask, Enter, Op, Query, Recall, RobotProfile, Settings};
use chatroom::wire::{Response, pb};

fn world() -> World {
    World::new(Settings { sends_per_second: 0, room_intake_per_second: 0, ..Settings::default() })
}

/// A node, and a room on it that the given worker owns.
fn world_with_room(worker: usize, creator: &str) -> (World, RoomId) {
    let (mut world, room) = (world(), room_of(worker));
    world.create_by(creator, room);
    (world, room)
}

/// Enters a room in place of another connection.
fn instead_of(room: RoomId, replaces: Option<ConnId>) -> Op {
    match enter(room) {
        Op::Enter(enter) => Op::Enter(Box::new(Enter { replaces, ..*enter })),
        other => other,
    }
}

#[test]
fn members_on_every_worker_hear_a_room_in_one_order_whoever_owns_it() {
    for owner in 0..WORKERS {
        let (mut world, room) = world_with_room(owner, "carol");
        let people =
            [world.connect_to(0, "ann"), world.connect_to(1, "bob"), world.connect_to(0, "carol"), world.connect_to(1, "dan")];
        people.iter().for_each(|person| drop(world.enter(person, room)));
        people.iter().for_each(|person| drop(world.heard(person)));
        // S000-011: in seq order; the sender has its response and no echo.
        for body in ["one", "two"] {
            world.command(&people[0], room, text(body)).unwrap();
        }
        world.command(&people[1], room, text("three")).unwrap();
        assert_eq!(world.heard(&people[0]), ["three"]);
        assert_eq!(world.heard(&people[1]), ["one", "two"]);
        assert_eq!(world.heard(&people[2]), ["one", "two", "three"]);
        assert_eq!(world.heard(&people[3]), ["one", "two", "three"]);
    }
}

#[test]
fn what_is_for_a_tag_goes_to_workers_that_hold_a_carrier_and_the_record_says_for_whom() {
    let (mut world, room) = world_with_room(0, "carol");
    let tagged = |tags: &[&str]| {
        let tags = tags.iter().map(|tag| tag.to_string()).collect();
        let request = pb::RoomEnterRequest { room_id: room.get(), tags, ..Default::default() };
        Op::Enter(Box::new(Enter { app_key: "app".into(), ..Enter::from_request(request) }))
    };
    let people =
        [world.connect_to(0, "ann"), world.connect_to(0, "bob"), world.connect_to(1, "dan"), world.connect_to(1, "eve")];
    for (person, tags) in people.iter().zip([&["a"][..], &[], &[], &["b"]]) {
        world.command(person, room, tagged(tags)).unwrap();
    }
    people.iter().for_each(|person| drop(world.heard(person)));
    let to = |tag: &str, body: &str| match text(body) {
        Op::Send(send) => {
            let notify_target_tags = Some(format!("{{\"tag\":\"{tag}\"}}"));
            Op::Send(Box::new(pb::MessageSendRequest { notify_target_tags, ..*send }))
        }
        other => other,
    };
    // Room and sender are of worker 0, and so is the only carrier: the other worker need not know.
    world.ask(&people[1], room, to("a", "to a"));
    assert!(world.hubs[0].take_mail(1).is_empty());
    world.settle();
    world.command(&people[1], room, to("b", "to b")).unwrap();
    world.command(&people[1], room, text("to all")).unwrap();
    let heard = people.each_ref().map(|person| world.heard(person));
    assert_eq!(heard, [vec!["to a", "to all"], vec![], vec!["to all"], vec!["to b", "to all"]]);
    let records = world.records(room).iter().filter(|record| matches!(record.entry.command.op, Op::Send(_)));
    let targets: Vec<&str> = records.map(|record| &*record.notify_target_tags).collect();
    assert_eq!(targets, ["{\"tag\":\"a\"}", "{\"tag\":\"b\"}", ""]);
}

#[test]
fn who_enters_hears_its_own_arrival_and_nothing_older() {
    let (mut world, room) = world_with_room(1, "carol");
    let (ann, bob) = (world.connect_to(0, "ann"), world.connect_to(0, "bob"));
    world.enter(&ann, room);
    world.ask(&ann, room, text("before"));
    let response = world.enter(&bob, room);
    assert_eq!(world.heard(&bob), ["301"]);
    assert_eq!(world.heard(&ann), ["301", "301"]);
    // Deliveries follow from the number the answer names.
    assert_eq!(response.last_seq, 3);
}

#[test]
fn an_answer_waits_for_the_commit_and_the_delivery_does_not() {
    let (mut world, room) = world_with_room(0, "carol");
    let (ann, bob) = (world.connect_to(0, "ann"), world.connect_to(1, "bob"));
    world.enter(&ann, room);
    world.enter(&bob, room);
    world.heard(&bob);
    world.commits = false;
    let sequence = world.ask(&ann, room, text("hello"));
    world.settle();
    assert_eq!(world.heard(&bob), ["hello"]);
    assert!(world.take_answer(&ann, sequence).is_none());
    world.commits = true;
    world.settle();
    assert!(world.take_answer(&ann, sequence).unwrap().is_ok());
    assert!(world.records(room).iter().any(|record| record.in_history));
}

#[test]
fn a_message_sent_again_is_not_acknowledged_before_the_first_one_is_durable() {
    let (mut world, room) = world_with_room(0, "carol");
    let ann = world.connect_to(0, "ann");
    world.enter(&ann, room);
    world.commits = false;
    let again = || match text("hello") {
        Op::Send(send) => Op::Send(Box::new(pb::MessageSendRequest { resend: true, ..*send })),
        other => other,
    };
    let first = world.ask(&ann, room, again());
    let second = world.ask(&ann, room, again());
    world.settle();
    let _under_way = world.hubs[0].take_writes().expect("the first one is to be written");
    let third = world.ask(&ann, room, again());
    world.settle();
    assert!([first, second, third].iter().all(|sequence| world.take_answer(&ann, *sequence).is_none()));
    world.hubs[0].on_committed(true);
    world.settle();
    let seqs = [first, second, third].map(|sequence| match world.take_answer(&ann, sequence) {
        Some(Ok(Response::MessageSend(response))) => (response.seq, response.duplicate),
        other => panic!("not an answer to a send: {other:?}"),
    });
    // S000-043
    assert_eq!(seqs, [(3, false), (3, true), (3, true)]);
}

#[test]
fn a_failed_commit_acknowledges_nothing_and_nothing_after_it() {
    let (mut world, room) = world_with_room(0, "carol");
    let ann = world.connect_to(0, "ann");
    world.enter(&ann, room);
    world.commits = false;
    let sequence = world.ask(&ann, room, text("lost"));
    world.settle();
    world.hubs[0].take_writes().expect("something is to be written");
    world.hubs[0].on_committed(false);
    world.settle();
    let answer = world.take_answer(&ann, sequence).unwrap();
    assert_eq!(answer.unwrap_err().code, Code::ServerError);
    assert_eq!(world.command(&ann, room, text("next")).unwrap_err().code, Code::ServerError);
    assert!(world.hubs[0].is_broken());
}

#[test]
fn who_is_kicked_hears_why_before_it_goes_and_nothing_after() {
    // S000-032
    let (mut world, room) = world_with_room(0, "carol");
    let (carol, bob) = (world.connect_to(0, "carol"), world.connect_to(1, "bob"));
    world.enter(&carol, room);
    world.enter(&bob, room);
    world.heard(&bob);
    let kick = pb::MemberKickRequest { room_id: room.get(), account: "bob".into(), ..Default::default() };
    world.command(&carol, room, Op::Kick(kick)).unwrap();
    world.command(&carol, room, text("gone")).unwrap();
    assert_eq!(world.heard(&bob), ["313", "kicked 2 false"]);
    assert_eq!(world.kicked[0].1.room_id, room.get());
    // May enter again.
    world.enter(&bob, room);
}

#[test]
fn a_lost_connection_keeps_its_place_for_the_grace_and_leaves_after_it() {
    let (mut world, room) = world_with_room(1, "carol");
    let (ann, bob) = (world.connect_to(0, "ann"), world.connect_to(0, "bob"));
    world.enter(&ann, room);
    world.enter(&bob, room);
    world.heard(&ann);
    world.hubs[0].on_connection_gone(&bob, false);
    world.settle();
    world.pass(GRACE_MS / 2);
    assert_eq!(world.heard(&ann), [""; 0]);
    world.pass(GRACE_MS);
    assert_eq!(world.heard(&ann), ["302"]);
}

#[test]
fn a_resume_within_the_grace_replays_what_was_missed_and_nobody_notices() {
    for (owner, new_worker) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let (mut world, room) = world_with_room(owner, "carol");
        let (ann, bob) = (world.connect_to(0, "ann"), world.connect_to(0, "bob"));
        world.enter(&ann, room);
        let heard_to = world.enter(&bob, room).last_seq + 1;
        world.heard(&ann);
        world.hubs[0].on_connection_gone(&bob, false);
        world.command(&ann, room, text("missed")).unwrap();
        let again = world.connect_to(new_worker, "bob");
        let asked = Asked { connection: again.connection.unwrap(), sequence: 7, kind: 0, subject: room };
        let position = pb::RoomPosition { room_id: room.get(), epoch: 1, last_seq: heard_to };
        world.hubs[usize::from(new_worker)].request(Request {
            subject: room,
            asker: Asker::Connection(asked),
            actor: again.clone(),
            ask: Ask::Command(instead_of(room, bob.connection)),
            app_key: None,
            resume: Some(Box::new(position)),
        });
        world.settle();
        let Ok(Response::RoomEnter(response)) = world.take_answer(&again, 7).unwrap() else {
            panic!("the resume is not answered as an enter");
        };
        assert!(response.resumed && !response.gap);
        assert_eq!(response.replayed, 1);
        world.command(&ann, room, text("after")).unwrap();
        assert_eq!(world.heard(&again), ["missed", "after"]);
        assert_eq!(world.heard(&ann), [""; 0], "nobody left and nobody came");
    }
}

#[test]
fn a_room_that_never_was_is_missing_and_one_that_is_busy_says_so() {
    let mut world = world();
    let ann = world.connect_to(0, "ann");
    let beyond = RoomId::new(1001).unwrap();
    assert_eq!(world.command(&ann, beyond, enter(beyond)).unwrap_err().code, Code::NotFound);
    let never = RoomId::new(5).unwrap();
    assert_eq!(world.command(&ann, never, enter(never)).unwrap_err().code, Code::NotFound);
    assert!(!world.hubs[0].is_in_a_room(ann.connection.unwrap()), "a refused enter leaves no trace");
}

#[test]
fn another_application_s_room_is_missing() {
    let (mut world, room) = world_with_room(0, "carol");
    for (app_key, expected) in [("app", None), ("other", Some(Code::NotFound))] {
        let connection = ConnId::new(0, 77, 77);
        let asked = Asked { connection, sequence: 1, kind: 0, subject: room };
        world.hubs[0].request(Request {
            subject: room,
            asker: Asker::Connection(asked),
            actor: Actor::http(AccountId::parse("x").unwrap()),
            ask: Ask::Query(Query::Info(pb::RoomInfoRequest { room_id: room.get() })),
            app_key: Some(app_key.into()),
            resume: None,
        });
        world.settle();
        let answer = world.answer_to(connection, 1).unwrap();
        assert_eq!(answer.err().map(|status| status.code), expected);
    }
}

#[test]
fn a_snapshot_follows_every_so_many_entries() {
    let (mut world, room) = world_with_room(0, "carol");
    let ann = world.connect_to(0, "ann");
    world.enter(&ann, room);
    for number in 1..SNAPSHOT_ENTRIES {
        world.command(&ann, room, text(&number.to_string())).unwrap();
    }
    assert_eq!(world.snapshots, 1);
}

#[test]
fn a_room_leaves_memory_without_a_snapshot_where_the_log_since_the_last_is_shorter() {
    let (mut world, room) = world_with_room(0, "carol");
    let carol = over_http("carol");
    let update = |ext: &str| {
        let request = pb::RoomUpdateRequest { room_id: room.get(), ext: Some(ext.into()), ..Default::default() };
        Op::Update(Box::new(request))
    };
    world.command(&carol, room, update(&"x".repeat(4000))).unwrap();
    world.pass(2 * ROOM_IDLE_MS);
    assert_eq!((world.snapshots, world.rooms_in_memory()), (1, 1), "the log was all there is of the room");
    world.command(&carol, room, update("short")).unwrap();
    world.pass(2 * ROOM_IDLE_MS);
    assert_eq!((world.snapshots, world.rooms_in_memory()), (1, 0));
    world.command(&carol, room, update("again")).unwrap();
    assert_eq!(
        world.records(room).iter().map(|record| record.entry.seq.0).collect::<Vec<_>>(),
        [1, 2, 3, 4],
        "it is read again"
    );
}

#[test]
fn when_a_fixed_member_entered_is_known_after_the_room_has_left_memory() {
    let (mut world, room) = world_with_room(0, "carol");
    let over_http = over_http("carol");
    let update = |ext: String| Op::Update(Box::new(pb::RoomUpdateRequest { ext: Some(ext), ..Default::default() }));
    // A snapshot beside which an entry is nothing.
    world.command(&over_http, room, update("x".repeat(4000))).unwrap();
    world.pass(2 * ROOM_IDLE_MS);
    let carol = world.connect_to(0, "carol");
    world.enter(&carol, room);
    let entered = world.member("carol", room).enter_time_ms;
    assert!(entered > 0);
    world.lose(&carol, true);
    world.command(&over_http, room, update("later".into())).unwrap();
    world.pass(2 * ROOM_IDLE_MS);
    world.pass(0);
    assert_eq!(world.rooms_in_memory(), 0);
    assert_eq!(world.member("carol", room).enter_time_ms, entered);
}

#[test]
fn a_room_does_what_is_due_at_the_tick_and_stays_in_memory_while_robots_are_in_it() {
    let (mut world, room) = world_with_room(0, "carol");
    let carol = over_http("carol");
    let robots = vec![(AccountId::parse("robot").unwrap(), RobotProfile::default())];
    world.command(&carol, room, Op::AddRobots(Box::new(AddRobots { robots, ..Default::default() }))).unwrap();
    let ann = world.connect_to(1, "ann");
    let is_in_memory = |world: &mut World, ms_later: u64| {
        // At the first tick the state is written down, at the second it may go.
        world.pass(ms_later);
        world.pass(0);
        world.rooms_in_memory() == 1
    };
    assert!(is_in_memory(&mut world, 2 * ROOM_IDLE_MS), "nobody else would remember the robot");
    world.enter(&ann, room);
    world.heard(&ann);
    assert!(is_in_memory(&mut world, ROBOT_TTL_SECONDS as u64 * 1000));
    assert_eq!(world.heard(&ann), ["302"], "its time is over");
    let delay = pb::DelayClose { policy: 1, delay_seconds: 5, start_time_ms: 0 };
    world.command(&carol, room, Op::DelayClose(delay)).unwrap();
    assert!(is_in_memory(&mut world, 4_000) && world.heard(&ann).is_empty());
    assert!(is_in_memory(&mut world, 1_000));
    assert_eq!(world.heard(&ann), ["311", "kicked 1 false"]);
    assert!(!is_in_memory(&mut world, 2 * ROOM_IDLE_MS));
}

fn recall(room: RoomId, id: &str, time_ms: i64, from: &str) -> Op {
    let request = pb::MessageRecallRequest {
        room_id: room.get(),
        message_id: id.into(),
        time_ms,
        from: from.into(),
        ..Default::default()
    };
    Op::Recall(Box::new(Recall { request, seq: None }))
}

fn time_of(answer: Answer) -> i64 {
    match answer {
        Ok(Response::MessageSend(sent)) => sent.time_ms,
        other => panic!("not an answer to a send: {other:?}"),
    }
}

#[test]
fn a_recall_asks_the_log_once_everything_before_it_is_durable() {
    for worker in 0..WORKERS {
        let (mut world, room) = world_with_room(worker, "boss");
        let (alice, bob) = (world.connect_to(0, "alice"), world.connect_to(1, "bob"));
        world.enter(&alice, room);
        world.enter(&bob, room);
        let time = time_of(world.command(&alice, room, text("m1")));
        world.commits = false;
        world.ask(&alice, room, text("m2"));
        world.settle();
        let recalled = world.ask(&alice, room, recall(room, "m1", time, "alice"));
        let unknown = world.ask(&alice, room, recall(room, "m7", time, "alice"));
        world.settle();
        // The first commit is under way or waits; nothing may be looked up before it.
        assert_eq!(world.finds, 0);
        world.commits = true;
        world.settle();
        assert_eq!(world.finds, 2);
        assert!(matches!(world.take_answer(&alice, recalled), Some(Ok(Response::MessageRecall(_)))));
        let missing = world.take_answer(&alice, unknown).unwrap().unwrap_err();
        assert_eq!((missing.code, missing.sub), (Code::NotFound, Some(Sub::MessageMissing)));
        // The log of this test still has it, as one that is slow to forget would.
        let again = world.command(&alice, room, recall(room, "m1", time, "alice")).unwrap_err();
        assert_eq!((again.code, again.sub), (Code::NotFound, Some(Sub::MessageMissing)));
        assert_eq!(world.heard(&bob), ["301", "m1", "m2", "323"]);
        // Who may not is told so without a look into the log.
        let finds = world.finds;
        assert_eq!(world.command(&bob, room, recall(room, "m2", time, "alice")).unwrap_err().code, Code::Forbidden);
        assert_eq!(world.finds, finds);
    }
}

#[test]
fn a_recall_of_a_failed_log_is_refused() {
    let (mut world, room) = world_with_room(0, "boss");
    let alice = world.connect_to(0, "alice");
    world.enter(&alice, room);
    world.commits = false;
    world.ask(&alice, room, text("m1"));
    let recalled = world.ask(&alice, room, recall(room, "m1", 1, "alice"));
    world.settle();
    world.hubs[0].take_writes().unwrap();
    world.hubs[0].on_committed(false);
    world.settle();
    let refused = world.take_answer(&alice, recalled).unwrap().unwrap_err();
    assert_eq!((refused.code, world.finds), (Code::ServerError, 0));
}

// S002-033: who enters hears what it has not heard, after the answer.
#[test]
fn messages_of_high_priority_reach_who_enters_later_on_any_worker() {
    for worker in 0..WORKERS {
        let (mut world, room) = world_with_room(worker, "boss");
        let (boss, bob) = (world.connect_to(0, "boss"), world.connect_to(1, "bob"));
        world.enter(&boss, room);
        for id in ["m1", "m2"] {
            let Op::Send(request) = text(id) else { unreachable!() };
            let request = pb::MessageSendRequest { high_priority: id == "m2", ..*request };
            world.command(&boss, room, Op::Send(Box::new(request))).unwrap();
        }
        world.enter(&bob, room);
        assert_eq!(world.heard(&bob), ["m2", "301"]);
    }
}

// wire.md §3: every request is answered, and after `Kicked` nobody reads any more.
#[test]
fn who_closes_the_room_is_answered_before_it_has_to_go() {
    for worker in 0..WORKERS {
        let (mut world, room) = world_with_room(worker, "boss");
        let (boss, bob) = (world.connect_to(0, "boss"), world.connect_to(1, "bob"));
        world.enter(&boss, room);
        world.enter(&bob, room);
        world.heard(&boss);
        world.heard(&bob);
        world.commits = false;
        let close = Op::Close(pb::RoomCloseRequest { room_id: room.get(), ..Default::default() });
        let sequence = world.ask(&boss, room, close);
        world.settle();
        assert_eq!(world.heard(&bob), ["311", "kicked 1 false"]);
        assert_eq!(world.heard(&boss), ["311"]);
        assert!(world.take_answer(&boss, sequence).is_none());
        world.commits = true;
        world.settle();
        assert!(matches!(world.take_answer(&boss, sequence), Some(Ok(Response::RoomClose(_)))));
        assert_eq!(world.heard(&boss), ["kicked 1 false"]);
    }
}

/// An hour, by which clocks are wrong here.
const HOUR_MS: i64 = 3_600_000;

fn mute(account: &str, seconds: u32) -> Op {
    Op::TempMute(pb::MemberTempMuteRequest { account: account.into(), seconds, ..Default::default() })
}

#[test]
fn a_calendar_that_was_ahead_for_one_message_silences_nobody() {
    let mut world = World::new(Settings::default());
    let room = room_of(0);
    world.create_by("carol", room);
    let ann = world.connect_to(0, "ann");
    world.enter(&ann, room);
    world.calendar_ahead_ms = HOUR_MS;
    world.command(&ann, room, text("from the future")).unwrap();
    world.calendar_ahead_ms = 0;
    // The rate of one sender is 10 per second: half of it goes on for as long as it likes.
    for number in 0..100 {
        world.pass(200);
        world.command(&ann, room, text(&format!("m{number}"))).unwrap_or_else(|status| panic!("message {number}: {status:?}"));
    }
    let times: Vec<_> = world.records(room).iter().map(|record| record.entry.stamp.time).collect();
    assert!(times.is_sorted(), "what people see never goes back");
}

#[test]
fn a_mute_lasts_as_long_as_it_was_set_for_whatever_the_calendar_does() {
    for (before, after) in [(0, -HOUR_MS), (HOUR_MS, 0), (0, HOUR_MS)] {
        let (mut world, room) = world_with_room(0, "carol");
        let (ann, carol) = (world.connect_to(0, "ann"), world.connect_to(1, "carol"));
        world.enter(&ann, room);
        world.enter(&carol, room);
        world.calendar_ahead_ms = before;
        world.command(&carol, room, mute("ann", 8)).unwrap();
        world.calendar_ahead_ms = after;
        world.pass(7_500);
        assert_eq!(world.command(&ann, room, text("muted")).unwrap_err().sub, Some(Sub::TempMuted), "{before} to {after}");
        world.pass(1_000);
        world.command(&ann, room, text("free")).unwrap();
    }
}

#[test]
fn a_mute_set_by_a_clock_that_was_ahead_ends_in_its_time_after_a_restart() {
    let (mut world, room) = world_with_room(0, "carol");
    let (ann, carol) = (world.connect_to(0, "ann"), world.connect_to(1, "carol"));
    world.enter(&ann, room);
    world.enter(&carol, room);
    world.calendar_ahead_ms = HOUR_MS;
    world.command(&carol, room, mute("ann", 8)).unwrap();
    world.calendar_ahead_ms = 0;
    world.restart();
    let ann = world.connect_to(0, "ann");
    world.enter(&ann, room);
    assert_eq!(world.command(&ann, room, text("muted")).unwrap_err().sub, Some(Sub::TempMuted));
    world.pass(8_100);
    world.command(&ann, room, text("free")).unwrap();
}

#[test]
fn a_log_that_is_back_has_its_rooms_go_on_without_what_was_refused_and_with_everybody_in_them() {
    let (mut world, room) = world_with_room(0, "carol");
    let (ann, bob) = (world.connect_to(0, "ann"), world.connect_to(1, "bob"));
    world.enter(&ann, room);
    world.enter(&bob, room);
    world.command(&ann, room, text("kept")).unwrap();
    world.commits = false;
    let sequence = world.ask(&ann, room, text("refused"));
    world.settle();
    world.hubs[0].take_writes().unwrap();
    world.hubs[0].on_committed(false);
    world.settle();
    assert_eq!(world.take_answer(&ann, sequence).unwrap().unwrap_err().code, Code::ServerError);
    let carol = world.connect_to(1, "carol");
    world.enter(&carol, room);
    world.heard(&bob);
    world.commits = true;
    world.hubs[0].on_log_back(Epoch(7));
    world.settle();
    let heard = world.heard(&bob);
    assert!(heard.len() == 2 && heard[0].starts_with("Gap") && heard[1].starts_with("RoomEpoch"), "{heard:?}");
    let Response::MessageSend(sent) = world.command(&carol, room, text("next")).unwrap() else { unreachable!() };
    assert_eq!(sent.epoch, 7);
    assert_eq!(world.heard(&bob), ["next"]);
    assert_eq!(world.heard(&ann).last().map(String::as_str), Some("next"));
    let epochs: Vec<_> = world.records(room).iter().map(|record| record.entry.epoch.0).collect();
    assert_eq!(epochs, [1, 1, 7], "the room's creation, what was kept, and what came after");
}

#[test]
fn a_grace_that_ends_while_its_room_is_read_again_is_not_forgotten() {
    let (mut world, room) = world_with_room(0, "carol");
    let (ann, bob) = (world.connect_to(0, "ann"), world.connect_to(1, "bob"));
    world.enter(&ann, room);
    world.enter(&bob, room);
    world.commits = false;
    world.ask(&ann, room, text("refused"));
    world.settle();
    world.hubs[1].on_connection_gone(&bob, false);
    world.settle();
    world.hubs[0].take_writes().unwrap();
    world.hubs[0].on_committed(false);
    world.settle();
    world.heard(&ann);
    world.commits = true;
    world.hubs[0].on_log_back(Epoch(7));
    // The room is still on its way.
    let end = Time::default().plus_ms(10 * GRACE_MS);
    world.hubs[0].set_clock(end, UnixMs(1_700_000_000_000 + 10 * i64::try_from(GRACE_MS).unwrap()));
    world.hubs[0].on_tick();
    world.settle();
    world.pass(11 * GRACE_MS);
    assert_eq!(world.heard(&ann).last().map(String::as_str), Some("302"), "he has left");
}
