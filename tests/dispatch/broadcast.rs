//! A message to all rooms on its way through the workers, and what the workers count: both cost little, however many rooms there are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::world::{GRACE_MS, WORKERS, World, client_room, open, opening, text};
use chatroom::dispatch::{Broadcasting, Mail, RoomTally, Tallies, Told};
use chatroom::error::Code;
use chatroom::id::{AccountId, RoomId};
use chatroom::limits::{BROADCAST_STEPS_PER_ROOM, BROADCAST_STEPS_PER_TURN};
use chatroom::room::{Actor, AddRobots, Broadcast, Op, RobotProfile, Settings};
use chatroom::wire::pb;

fn world() -> World {
    World::new(Settings { sends_per_second: 0, room_intake_per_second: 0, ..Settings::default() })
}

/// Gives a broadcast of an application to both workers; what it comes to, and how many workers are done.
fn begin(world: &mut World, app_key: &str, body: &str) -> (Arc<Told>, Arc<AtomicUsize>) {
    let request = pb::MessageSendRequest { message_id: body.into(), body: body.to_owned().into(), ..Default::default() };
    let actor = Actor::http(AccountId::parse("news").unwrap());
    let broadcast = Op::Broadcast(Arc::new(Broadcast::new(&world.settings, &actor, &request).unwrap()));
    let (told, done) = (Arc::new(Told::default()), Arc::new(AtomicUsize::new(0)));
    for hub in &mut world.hubs {
        let is_done = done.clone();
        hub.on_mail(vec![Mail::Broadcast(Box::new(Broadcasting {
            app_key: app_key.into(),
            actor: actor.clone(),
            op: broadcast.clone(),
            told: told.clone(),
            done: Box::new(move || _ = is_done.fetch_add(1, Ordering::Relaxed)),
        }))]);
    }
    (told, done)
}

fn rooms(told: &Told) -> (u64, u64) {
    (told.rooms.load(Ordering::Relaxed), told.refused.load(Ordering::Relaxed))
}

#[test]
fn a_broadcast_reaches_the_rooms_of_its_application_in_which_somebody_is() {
    let mut world = world();
    let (alice, bob, carol) = (world.connect("alice"), world.connect("bob"), world.connect("carol"));
    let [hall, yard, empty] = [1, 2, 3].map(|number| world.create(number));
    world.enter(&alice, hall);
    world.enter(&bob, hall);
    world.enter(&carol, yard);
    let made = client_room(9);
    world.command(&alice, made, opening(open(made))).unwrap();
    let seq = world.enter(&carol, empty).last_seq;
    world.command(&carol, empty, Op::Exit).unwrap();
    for actor in [&alice, &bob, &carol] {
        world.heard(actor);
    }
    let (told, done) = begin(&mut world, "app", "hear");
    world.settle();
    assert_eq!((rooms(&told), done.load(Ordering::Relaxed)), ((3, 0), WORKERS));
    assert_eq!(world.heard(&alice), ["hear", "hear"], "once in each of its rooms");
    assert_eq!(world.heard(&bob), ["hear"]);
    assert_eq!(world.heard(&carol), ["hear"]);
    // Entering and leaving took two places; the broadcast none.
    assert_eq!(world.enter(&carol, empty).last_seq, seq + 2);
    let (told, done) = begin(&mut world, "other", "psst");
    world.settle();
    assert_eq!((rooms(&told), done.load(Ordering::Relaxed)), ((0, 0), WORKERS));
    assert!(!world.heard(&alice).contains(&"psst".to_owned()));
}

#[test]
fn who_comes_back_within_the_grace_has_not_missed_it() {
    let mut world = world();
    let alice = world.connect("alice");
    let hall = world.create(1);
    world.enter(&alice, hall);
    world.lose(&alice, false);
    assert_eq!(rooms(&begin(&mut world, "app", "hear").0), (0, 0), "nothing happens before its turn");
    world.settle();
    let (told, _) = begin(&mut world, "app", "again");
    world.settle();
    assert_eq!(rooms(&told), (1, 0));
    world.pass(GRACE_MS);
    let (told, _) = begin(&mut world, "app", "gone");
    world.settle();
    assert_eq!(rooms(&told), (0, 0), "its place is given up, and nobody is in the room");
}

#[test]
fn one_turn_serves_so_many_rooms_and_no_more_and_other_commands_come_between() {
    const ROOMS: i64 = 700;
    let mut world = world();
    let people: Vec<(Actor, RoomId)> = (1..=ROOMS)
        .map(|number| {
            let actor = world.connect(&format!("a{number}"));
            let room = world.create(number);
            world.enter(&actor, room);
            world.heard(&actor);
            (actor, room)
        })
        .collect();
    let (told, done) = begin(&mut world, "app", "hear");
    let most = u64::try_from(BROADCAST_STEPS_PER_TURN / (BROADCAST_STEPS_PER_ROOM + 1) + 1).unwrap();
    let mut served = 0;
    for turn in 1..=2 {
        world.hubs[0].go_on_broadcasting();
        let now = rooms(&told).0;
        assert!(now > served && now - served <= most, "{now} rooms after turn {turn}");
        served = now;
        assert_eq!(world.hubs[0].is_broadcasting(), turn == 1);
    }
    assert_eq!(done.load(Ordering::Relaxed), 1, "one worker is done, the other has not begun");
    // The other one is asked something as it is on it.
    world.hubs[1].go_on_broadcasting();
    assert!(world.hubs[1].is_broadcasting());
    let (actor, room) = people.last().unwrap();
    world.command(actor, *room, text("hello")).unwrap();
    assert_eq!((rooms(&told), done.load(Ordering::Relaxed)), ((ROOMS as u64, 0), WORKERS));
    for (actor, _) in &people {
        assert_eq!(world.heard(actor).iter().filter(|heard| *heard == "hear").count(), 1);
    }
}

/// What both workers have counted: rooms by number, with accounts in order.
fn counted(world: &mut World) -> Vec<(i64, u32, u32, Vec<String>)> {
    let tallies: Vec<Tallies> = world.hubs.iter_mut().flat_map(|hub| hub.take_tallies()).collect();
    let row = |(room, tally): (RoomId, RoomTally)| {
        assert_eq!(&*tally.app_key, "app");
        let mut accounts: Vec<String> = tally.accounts.iter().map(AccountId::to_string).collect();
        accounts.sort();
        (room.get(), tally.messages, tally.enters, accounts)
    };
    let mut rows: Vec<_> = tallies.into_iter().flat_map(|tallies| tallies.rooms).map(row).collect();
    rows.sort();
    rows
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn messages_enters_and_accounts_are_counted_and_robots_broadcasts_and_repetitions_are_not() {
    // S002-021
    let mut world = world();
    let (alice, bob) = (world.connect("alice"), world.connect("bob"));
    let [hall, yard] = [1, 2].map(|number| world.create(number));
    assert_eq!(counted(&mut world), [], "making rooms is not being active in them");
    world.enter(&alice, hall);
    world.enter(&bob, hall);
    world.enter(&bob, yard);
    world.command(&alice, hall, text("one")).unwrap();
    let again = match text("one") {
        Op::Send(request) => Op::Send(Box::new(pb::MessageSendRequest { resend: true, ..*request })),
        other => other,
    };
    world.command(&alice, hall, again).unwrap();
    world.command(&alice, hall, text("two")).unwrap();
    let directed = pb::MessageSendRequest {
        message_id: "three".into(),
        body: "psst".into(),
        to_accounts: vec!["bob".into()],
        ..Default::default()
    };
    world.command(&alice, hall, Op::Send(Box::new(directed))).unwrap();
    assert_eq!(world.came_to(&alice, yard, text("no")).0, Code::Forbidden);
    assert_eq!(counted(&mut world), [(1, 3, 2, names(&["alice", "bob"])), (2, 0, 1, names(&["bob"]))]);
    assert_eq!(counted(&mut world), [], "it is counted once");
    // The application sends in somebody's name, a robot sends, and all rooms hear something.
    let http = |name: &str| Actor { connection: alice.connection, ..Actor::http(AccountId::parse(name).unwrap()) };
    let robots = vec![(AccountId::parse("marvin").unwrap(), RobotProfile::default())];
    world.command(&http("boss"), hall, Op::AddRobots(Box::new(AddRobots { robots, ..AddRobots::default() }))).unwrap();
    world.command(&http("marvin"), hall, text("beep")).unwrap();
    world.command(&http("carol"), hall, text("hi")).unwrap();
    begin(&mut world, "app", "hear");
    world.settle();
    assert_eq!(counted(&mut world), [(1, 1, 0, names(&["carol"]))]);
    // Leaving is nothing; coming back is an enter, but not within the grace on the same place.
    world.command(&bob, yard, Op::Exit).unwrap();
    world.lose(&alice, false);
    assert_eq!(counted(&mut world), []);
    world.enter(&bob, yard);
    assert_eq!(counted(&mut world), [(2, 0, 1, names(&["bob"]))]);
}

#[test]
fn what_happens_is_told_apart_by_quarters_of_an_hour() {
    // S002-021
    let mut world = world();
    let alice = world.connect("alice");
    let hall = world.create(1);
    world.enter(&alice, hall);
    world.pass(900_000);
    world.command(&alice, hall, text("one")).unwrap();
    let tallies: Vec<Tallies> = world.hubs.iter_mut().flat_map(|hub| hub.take_tallies()).collect();
    let seen: Vec<_> = tallies.iter().map(|tallies| (tallies.rooms[&hall].enters, tallies.rooms[&hall].messages)).collect();
    assert_eq!(seen, [(1, 0), (0, 1)]);
    assert_eq!(tallies[1].quarter.0 - tallies[0].quarter.0, 900_000);
    assert_eq!(tallies[0].quarter.0 % 900_000, 0);
}
