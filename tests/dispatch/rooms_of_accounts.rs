//! Which rooms an account is in, over all workers: exact whatever way it comes and goes, and bounded (chatroom.md §d.5).

use crate::world::{GRACE_MS, WORKERS, World, client_room, enter, entered, open, opening};
use chatroom::dispatch::owner_of;
use chatroom::error::{Code, Sub};
use chatroom::id::{AccountId, RoomId};
use chatroom::limits::LOADING_COMMANDS_MAX;
use chatroom::room::{Enter, Op, Settings};
use chatroom::wire::pb;

const FULL: (Code, Option<Sub>) = (Code::OverQuota, Some(Sub::JoinedRoomsQuota));
const OK: (Code, Option<Sub>) = (Code::Ok, None);

#[test]
fn an_account_is_in_two_rooms_at_once_and_hears_both() {
    // S003-014
    let mut world = World::new(Settings::default());
    let (one, two) = (world.create(1), world.create(2));
    let (ann, bob) = (world.connect("ann"), world.connect("bob"));
    for room in [one, two] {
        world.enter(&ann, room);
        world.enter(&bob, room);
    }
    world.heard(&ann);
    world.command(&bob, one, crate::world::text("one")).unwrap();
    world.command(&bob, two, crate::world::text("two")).unwrap();
    let mut heard = world.heard(&ann);
    heard.sort();
    assert_eq!(heard, ["one", "two"]);
    assert_eq!(world.rooms("ann"), [one, two]);
}

#[test]
fn entering_the_eleventh_room_leaves_the_first() {
    let mut world = World::new(Settings::default());
    let rooms: Vec<RoomId> = (1..=11).map(|number| world.create(number)).collect();
    let (ann, again) = (world.connect("ann"), world.connect("ann"));
    let watcher = world.connect("watcher");
    world.enter(&watcher, rooms[0]);
    world.enter(&again, rooms[0]);
    rooms[..10].iter().for_each(|room| drop(world.enter(&ann, *room)));
    assert_eq!(world.rooms("ann"), rooms[..10], "ten are no more than there may be");
    assert_eq!(world.heard(&watcher), ["301", "301"]);
    world.enter(&ann, rooms[10]);
    assert_eq!(world.rooms("ann"), rooms[1..]);
    assert_eq!(world.heard(&watcher), ["302"], "others see the account leave, once");
    assert!(world.heard(&ann).contains(&"kicked 4 false".to_owned()), "without coming back by itself");
    assert!(world.heard(&again).contains(&"kicked 4 false".to_owned()), "with all its connections");
    let info = Op::UpdateSelf(Box::new(pb::MemberUpdateSelfRequest { nick: Some("x".into()), ..Default::default() }));
    assert_eq!(world.came_to(&ann, rooms[0], info.clone()), (Code::Forbidden, Some(Sub::NotInRoom)));
    assert_eq!(world.came_to(&ann, rooms[1], info), OK);
    // Coming back makes that room the newest, and the next oldest goes.
    world.enter(&ann, rooms[0]);
    let expected: Vec<RoomId> = rooms[2..].iter().chain(&rooms[..1]).copied().collect();
    assert_eq!(world.rooms("ann"), expected);
    assert_eq!(world.rooms("watcher"), rooms[..1]);
}

#[test]
fn the_sixth_room_of_clients_is_refused_until_one_is_left() {
    // S004-154
    let mut world = World::new(Settings::default());
    let rooms: Vec<RoomId> = (1..=6).map(client_room).collect();
    let (ann, bob) = (world.connect("ann"), world.connect("bob"));
    for room in &rooms[..5] {
        assert_eq!(world.came_to(&ann, *room, opening(open(*room))), OK);
    }
    assert_eq!(world.came_to(&ann, rooms[5], opening(open(rooms[5]))), FULL);
    assert_eq!(world.came_to(&bob, rooms[5], opening(open(rooms[5]))), OK, "it was not made");
    assert_eq!(world.came_to(&ann, rooms[5], enter(rooms[5])), FULL);
    let second = world.connect("ann");
    assert_eq!(world.came_to(&second, rooms[5], enter(rooms[5])), FULL, "over all connections of the account");
    assert_eq!(world.came_to(&second, rooms[0], enter(rooms[0])), OK, "where the account is already, nothing is added");
    // Rooms made over HTTP are counted apart.
    let hall = world.create(7);
    world.enter(&ann, hall);
    assert_eq!(world.came_to(&ann, rooms[1], Op::Exit), OK);
    assert_eq!(world.came_to(&ann, rooms[5], enter(rooms[5])), OK);
    assert_eq!(world.rooms("ann"), [rooms[0], rooms[2], rooms[3], rooms[4], hall, rooms[5]]);
    assert_eq!(world.came_to(&ann, rooms[1], opening(open(rooms[1]))), FULL);
}

#[test]
fn who_goes_from_room_to_room_may_be_in_as_many_as_ever() {
    // S004-138: the limit counts as after leaving.
    let mut world = World::new(Settings::default());
    let rooms: Vec<RoomId> = (1..=6).map(client_room).collect();
    let ann = world.connect("ann");
    for room in &rooms[..5] {
        assert_eq!(world.came_to(&ann, *room, opening(open(*room))), OK);
    }
    let Op::Open(mut going) = opening(open(rooms[5])) else { unreachable!() };
    going.enter.leaves = Some(rooms[0]);
    assert_eq!(world.came_to(&ann, rooms[5], Op::Open(going)), OK);
    assert_eq!(world.came_to(&ann, rooms[0], Op::Exit), OK);
    assert_eq!(world.rooms("ann"), rooms[1..]);
}

#[test]
fn what_comes_to_nothing_does_not_count() {
    let mut world = World::new(Settings::default());
    let hall = world.create(1);
    let ann = world.connect("ann");
    let missing = client_room(9);
    assert_eq!(world.came_to(&ann, missing, enter(missing)), (Code::NotFound, Some(Sub::ClientRoomMissing)));
    let elsewhere = Enter { app_key: "other".into(), ..Enter::from_request(pb::RoomEnterRequest::default()) };
    assert_eq!(world.came_to(&ann, hall, Op::Enter(Box::new(elsewhere))).0, Code::NotFound);
    let long = pb::RoomEnterRequest { nick: "n".repeat(65), ..Default::default() };
    let long = Enter { app_key: "app".into(), ..Enter::from_request(long) };
    assert_eq!(world.came_to(&ann, hall, Op::Enter(Box::new(long))).0, Code::BadParameter);
    let other = world.key.account("other", &AccountId::parse("ann").unwrap());
    assert!(world.rooms("ann").is_empty() && world.accounts.rooms(other).is_empty());
    assert!(world.accounts.is_empty());
    // A refusal of somebody who is in the room already leaves it there.
    world.enter(&ann, hall);
    assert_eq!(world.came_to(&ann, hall, enter(hall)).0, Code::Repeated);
    assert_eq!(world.rooms("ann"), [hall]);
}

#[test]
fn an_account_counts_until_its_last_connection_has_gone() {
    let mut world = World::new(Settings { connections_per_account_max: 2, ..Settings::default() });
    let hall = world.create(1);
    let (boss, ann, second, third) = (world.connect("boss"), world.connect("ann"), world.connect("ann"), world.connect("ann"));
    world.enter(&boss, hall);
    world.enter(&ann, hall);
    world.enter(&second, hall);
    // The third takes the place of the oldest.
    world.enter(&third, hall);
    assert_eq!(world.rooms("ann"), [hall]);
    world.command(&second, hall, Op::Exit).unwrap();
    assert_eq!(world.rooms("ann"), [hall]);
    // A lost connection counts for the grace, and a resume within it changes nothing.
    world.lose(&third, false);
    let fourth = world.connect("ann");
    let Op::Enter(mut resuming) = enter(hall) else { unreachable!() };
    resuming.replaces = third.connection;
    assert!(entered(world.command(&fourth, hall, Op::Enter(resuming))).resumed);
    assert_eq!(world.rooms("ann"), [hall]);
    world.lose(&fourth, false);
    world.pass(GRACE_MS - 1000);
    assert_eq!(world.rooms("ann"), [hall]);
    world.pass(2000);
    assert!(world.rooms("ann").is_empty(), "the grace is over");
    // Logging out, being kicked, blocked, and the end of the room.
    world.enter(&ann, hall);
    world.lose(&ann, true);
    assert!(world.rooms("ann").is_empty());
    let kicked = world.connect("kicked");
    world.enter(&kicked, hall);
    let kick = pb::MemberKickRequest { account: "kicked".into(), ..Default::default() };
    world.command(&boss, hall, Op::Kick(kick)).unwrap();
    let blocked = world.connect("blocked");
    world.enter(&blocked, hall);
    let block = pb::MemberSetRoleRequest {
        account: "blocked".into(),
        change: pb::RoleChange::Blocklist as i32,
        set: true,
        ..Default::default()
    };
    world.command(&boss, hall, Op::SetRole(block)).unwrap();
    let away = world.connect("away");
    world.enter(&away, hall);
    let put_out = world.connect("away");
    world.command(&put_out, hall, Op::KickDevices(Default::default())).unwrap();
    let last = world.connect("last");
    world.enter(&last, hall);
    assert_eq!(world.accounts.len(), 2);
    world.command(&boss, hall, Op::Close(Default::default())).unwrap();
    assert!(world.accounts.is_empty(), "everybody has left");
}

#[test]
fn who_leaves_and_comes_back_in_one_breath_hears_the_room_and_can_be_lost() {
    let mut world = World::new(Settings::default());
    let (ann, bob) = (world.connect("ann"), world.connect("bob"));
    for number in 1..=4 {
        let hall = world.create(number);
        world.enter(&ann, hall);
        world.enter(&bob, hall);
        world.ask(&ann, hall, Op::Exit);
        let back = world.ask(&ann, hall, enter(hall));
        world.settle();
        assert!(world.take_answer(&ann, back).unwrap().is_ok());
        world.heard(&ann);
        world.command(&bob, hall, crate::world::text("hello")).unwrap();
        assert_eq!(world.heard(&ann), ["hello"]);
    }
    world.lose(&ann, true);
    assert!(world.rooms("ann").is_empty(), "its rooms have seen it go");
    assert_eq!(world.heard(&bob).last().map(String::as_str), Some("302"));
}

#[test]
fn whatever_happens_an_account_counts_where_it_is_and_nowhere_else() {
    let seed = match std::env::var("CHATROOM_SEED") {
        Ok(text) => text.parse().expect("CHATROOM_SEED is a number"),
        Err(_) => fastrand::u64(..),
    };
    println!("CHATROOM_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let (rooms_max, client_rooms_max) = (2, 2);
    let mut world = World::new(Settings {
        rooms_per_account_max: rooms_max,
        client_rooms_per_account_max: client_rooms_max,
        connections_per_account_max: 2,
        ..Settings::default()
    });
    let mut rooms: Vec<RoomId> = (1..=4).map(|number| world.create(number)).collect();
    rooms.extend((1..=4).map(client_room));
    let names = ["ann", "bob", "boss"];
    let mut connections: Vec<chatroom::room::Actor> = names.iter().cycle().take(9).map(|name| world.connect(name)).collect();
    for _ in 0..1500 {
        let place = random.usize(..connections.len());
        let (actor, room) = (connections[place].clone(), rooms[random.usize(..rooms.len())]);
        let other = names[random.usize(..names.len())].to_owned();
        let op = match random.u32(..20) {
            0..6 => enter(room),
            6..9 if room.is_of_client() => {
                let request = pb::RoomCreateRequest {
                    enter_existing: random.bool(),
                    destroy_delay_seconds: random.u32(..3),
                    ..open(room)
                };
                opening(request)
            }
            6..9 => enter(room),
            9..13 => Op::Exit,
            13 => Op::KickDevices(Default::default()),
            14 => Op::Kick(pb::MemberKickRequest { account: other, ..Default::default() }),
            15 => {
                let boss = chatroom::room::Actor { account: AccountId::parse("boss").unwrap(), ..actor.clone() };
                let boss = chatroom::room::Actor { origin: chatroom::room::Origin::Http, ..boss };
                let op = if random.bool() { Op::Close(Default::default()) } else { Op::Reopen };
                world.ask(&boss, room, op);
                continue;
            }
            16 | 17 => {
                world.lose(&actor, random.bool());
                connections[place] = world.connect(actor.account.as_str());
                continue;
            }
            18 => {
                world.pass(random.u64(..GRACE_MS));
                continue;
            }
            _ => {
                world.settle();
                continue;
            }
        };
        // Most commands are on their way together.
        world.ask(&actor, room, op);
    }
    world.settle();
    for name in names {
        let mut expected: Vec<RoomId> = Vec::new();
        for room in &rooms {
            if world.is_here(name, *room) {
                expected.push(*room);
            }
        }
        let mut counted = world.rooms(name);
        counted.sort_unstable();
        assert_eq!(counted, expected, "{name}");
        assert!(counted.iter().filter(|room| !room.is_of_client()).count() <= rooms_max);
        assert!(counted.iter().filter(|room| room.is_of_client()).count() <= client_rooms_max);
    }
    // When everybody is gone, nobody counts and no room of a client is left.
    connections.iter().for_each(|actor| world.lose(actor, false));
    world.pass(GRACE_MS + 1000);
    world.pass(5000);
    world.pass(1000);
    assert!(world.accounts.is_empty());
    assert!(!names.iter().any(|name| rooms.iter().any(|room| world.is_here(name, *room))));
    world.pass(120_000);
    world.pass(1000);
    world.pass(1000);
    assert_eq!(world.rooms_in_memory(), 0);
}

#[test]
fn a_room_that_was_reserved_and_never_asked_comes_free() {
    let mut world = World::new(Settings { client_rooms_per_account_max: 1, ..Settings::default() });
    let (one, two) = (client_room(1), client_room(2));
    let owner = u8::try_from(owner_of(two, WORKERS)).unwrap();
    let ann = world.connect_to(owner, "ann");
    // All of it waits for one load, and the last is too much.
    let asked: Vec<u32> = (0..=LOADING_COMMANDS_MAX).map(|_| world.ask(&ann, two, enter(two))).collect();
    world.settle();
    let refusals: Vec<Code> = asked.into_iter().map(|one| world.take_answer(&ann, one).unwrap().unwrap_err().code).collect();
    assert!(refusals[..LOADING_COMMANDS_MAX].iter().all(|code| *code == Code::NotFound));
    assert_eq!(refusals[LOADING_COMMANDS_MAX], Code::Busy);
    assert!(world.accounts.is_empty());
    assert_eq!(world.came_to(&ann, one, opening(open(one))), OK, "nothing of that is left");
}

#[test]
fn what_has_happened_is_not_lost_while_a_room_loads_however_much_waits_for_it() {
    let mut world = World::new(Settings::default());
    let room = world.create(1);
    world.restart();
    // Everybody is where the room is, so that it all waits for the load at once.
    let mut connect = |account: &str| loop {
        let actor = world.connect(account);
        if actor.connection.unwrap().worker() == owner_of(room, WORKERS) {
            break actor;
        }
    };
    let [ann, bob, carol, dan] = ["ann", "bob", "carol", "dan"].map(&mut connect);
    let loads = world.loads;
    let entering = [&ann, &bob, &carol].map(|actor| world.ask(actor, room, enter(room)));
    for _ in entering.len()..LOADING_COMMANDS_MAX {
        world.ask(&dan, room, enter(room));
    }
    let beyond = world.ask(&dan, room, enter(room));
    let left = world.ask(&ann, room, Op::Exit);
    world.hubs[owner_of(room, WORKERS)].on_connection_gone(&bob, true);
    world.settle();
    assert_eq!(world.loads, loads + 1, "all of it waited for one load");
    assert_eq!(world.take_answer(&dan, beyond).unwrap().unwrap_err().code, Code::Busy);
    assert!(world.take_answer(&ann, left).unwrap().is_ok());
    for (account, is_here) in [("ann", false), ("bob", false), ("carol", true), ("dan", true)] {
        assert_eq!(world.is_here(account, room), is_here, "{account}");
    }
}
