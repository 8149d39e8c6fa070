//! Rooms made by clients as a worker keeps them: made durably, ended in time, and tidied up after a restart (chatroom.md §c.6, §f.4).

use crate::world::{GRACE_MS, World, client_room, enter, entered, open, opening, text};
use chatroom::error::{Code, Sub};
use chatroom::limits::RESUME_ITEMS_MAX;
use chatroom::room::{Actor, Op, Settings};
use chatroom::wire::{Push, pb};

const OK: (Code, Option<Sub>) = (Code::Ok, None);
const MISSING: (Code, Option<Sub>) = (Code::NotFound, Some(Sub::ClientRoomMissing));

fn world() -> World {
    World::new(Settings::default())
}

fn set(key: &str, going: bool) -> Op {
    let attributes = [(key.to_owned(), "1".to_owned())].into();
    Op::SetAttributes(pb::AttributesSetRequest { attributes, delete_after_owner_left: going, ..Default::default() })
}

fn keys(entered: &pb::RoomEnterResponse) -> Vec<&str> {
    entered.attributes.iter().map(|attribute| attribute.key.as_str()).collect()
}

#[test]
fn who_makes_a_room_is_told_so_before_it_hears_it_and_misses_nothing() {
    for number in [1, 2, 3, 4] {
        let mut world = world();
        let room = client_room(number);
        let (ann, bob) = (world.connect("ann"), world.connect("bob"));
        world.commits = false;
        let sequence = world.ask(&ann, room, opening(open(room)));
        world.settle();
        assert!(world.take_answer(&ann, sequence).is_none(), "the answer waits for the disk");
        assert!(world.heard(&ann).is_empty(), "and so does what the room hears");
        assert_eq!(world.came_to(&bob, room, enter(room)), OK);
        let sent = world.ask(&bob, room, text("hello"));
        world.settle();
        assert!(world.heard(&ann).is_empty());
        world.commits = true;
        world.settle();
        assert!(entered(world.take_answer(&ann, sequence).unwrap()).created);
        assert!(world.take_answer(&bob, sent).unwrap().is_ok());
        assert_eq!(world.heard(&ann), ["301", "301", "hello"], "everything from its own arrival on, once");
        world.command(&bob, room, text("again")).unwrap();
        assert_eq!(world.heard(&ann), ["again"]);
        // Who left before the answer came does not hear the room.
        let carol = world.connect("carol");
        world.commits = false;
        let (other, _) = (client_room(number + 10), world.ask(&carol, client_room(number + 10), opening(open(room))));
        world.ask(&carol, other, Op::Exit);
        world.settle();
        world.commits = true;
        world.settle();
        assert!(world.heard(&carol).is_empty());
    }
}

#[test]
fn who_made_a_room_that_said_too_much_before_the_disk_had_it_is_told_of_the_gap() {
    for number in [1, 2, 3, 4] {
        let mut world = World::new(Settings { sends_per_second: 0, room_intake_per_second: 0, ..Settings::default() });
        let room = client_room(number);
        let (ann, bob) = (world.connect("ann"), world.connect("bob"));
        world.commits = false;
        let sequence = world.ask(&ann, room, opening(open(room)));
        world.settle();
        assert_eq!(world.came_to(&bob, room, enter(room)), OK);
        for body in 0..RESUME_ITEMS_MAX {
            world.ask(&bob, room, text(&body.to_string()));
        }
        world.settle();
        world.commits = true;
        world.settle();
        assert!(entered(world.take_answer(&ann, sequence).unwrap()).created);
        // The two arrivals and the messages: one frame more than a join replays would have been too many.
        let last_seq = 2 + RESUME_ITEMS_MAX as u64;
        let gap = Push::Gap(pb::Gap { room_id: room.get(), first_seq: 1, last_seq });
        assert_eq!(world.heard(&ann), [format!("{gap:?}")]);
        world.command(&bob, room, text("after")).unwrap();
        assert_eq!(world.heard(&ann), ["after"]);
    }
}

#[test]
fn a_refusal_on_the_way_takes_nobody_out_of_a_room_it_is_in() {
    let mut world = world();
    let (ann, bob) = (world.connect("ann"), world.connect("bob"));
    for (number, first_fails) in [(1, false), (2, true)] {
        let room = client_room(number);
        world.commits = false;
        // Refused because the room is missing, made, refused because it is there: all on their way at once.
        let missing = first_fails.then(|| world.ask(&ann, room, enter(room)));
        let made = world.ask(&ann, room, opening(open(room)));
        let twice = world.ask(&ann, room, opening(open(room)));
        world.settle();
        if let Some(missing) = missing {
            assert_eq!(world.take_answer(&ann, missing).unwrap().unwrap_err().sub, Some(Sub::ClientRoomMissing));
        }
        assert_eq!(world.take_answer(&ann, twice).unwrap().unwrap_err().sub, Some(Sub::RoomExists));
        world.commits = true;
        world.settle();
        assert!(world.take_answer(&ann, made).unwrap().is_ok());
        assert_eq!(world.came_to(&bob, room, enter(room)), OK);
        assert_eq!(world.heard(&ann), ["301", "301"]);
        // A refusal alone leaves no trace of the connection.
        let never = client_room(number + 100);
        assert_eq!(world.came_to(&ann, never, enter(never)), MISSING);
        assert_eq!(world.hubs[ann.connection.unwrap().worker()].client_rooms(ann.connection.unwrap()).last(), Some(&room));
    }
}

#[test]
fn a_room_ends_with_the_last_leave_and_leaves_memory_at_once() {
    // S004-140, S004-153
    let mut world = world();
    let room = client_room(1);
    let (ann, bob) = (world.connect("ann"), world.connect("bob"));
    world.command(&ann, room, opening(open(room))).unwrap();
    world.command(&ann, room, set("a", false)).unwrap();
    assert_eq!(world.came_to(&ann, room, Op::Exit), OK);
    assert_eq!(world.came_to(&bob, room, enter(room)), MISSING);
    world.pass(1000);
    world.pass(1000);
    assert_eq!(world.rooms_in_memory(), 0);
    let loads = world.loads;
    let next = entered(world.command(&bob, room, opening(open(room))));
    assert_eq!(world.loads, loads + 1);
    assert!(next.created && next.attributes.is_empty());
    assert!(next.last_seq >= 4, "its numbers go on: {}", next.last_seq);
}

#[test]
fn names_that_nobody_used_do_not_stay_in_memory() {
    let mut world = world();
    let ann = world.connect("ann");
    for number in 1..=20 {
        assert_eq!(world.came_to(&ann, client_room(number), enter(client_room(number))), MISSING);
    }
    assert_eq!(world.rooms_in_memory(), 20);
    world.pass(1000);
    assert_eq!(world.rooms_in_memory(), 0);
}

#[test]
fn a_room_with_a_delay_ends_when_it_is_over() {
    let mut world = world();
    let room = client_room(2);
    let (ann, bob) = (world.connect("ann"), world.connect("bob"));
    let request = pb::RoomCreateRequest { destroy_delay_seconds: 120, ..open(room) };
    world.command(&ann, room, opening(request)).unwrap();
    world.command(&ann, room, set("a", false)).unwrap();
    world.command(&ann, room, Op::Exit).unwrap();
    world.pass(100_000);
    assert_eq!(world.rooms_in_memory(), 1, "a room with something to do stays");
    assert_eq!(keys(&entered(world.command(&bob, room, enter(room)))), ["a"]);
    // Lost, not left: the grace counts first.
    world.lose(&bob, false);
    world.pass(GRACE_MS + 1000);
    world.pass(110_000);
    assert_eq!(world.rooms_in_memory(), 1);
    world.pass(11_000);
    assert_eq!(world.came_to(&ann, room, enter(room)), MISSING);
}

#[test]
fn after_a_restart_members_find_their_room_for_the_grace() {
    let mut world = world();
    let room = client_room(3);
    let (ann, bob) = (world.connect("ann"), world.connect("bob"));
    world.command(&ann, room, opening(open(room))).unwrap();
    world.command(&bob, room, enter(room)).unwrap();
    for actor in [&ann, &bob] {
        let name = actor.account.as_str();
        world.command(actor, room, set(name, true)).unwrap();
    }
    world.restart();
    world.pass(GRACE_MS / 2);
    let ann = world.connect("ann");
    assert_eq!(keys(&entered(world.command(&ann, room, enter(room)))), ["ann", "bob"]);
    world.pass(GRACE_MS);
    world.pass(GRACE_MS);
    // Ann has come back and Bob has not: what goes with him has gone, and she has heard of it.
    assert_eq!(world.heard(&ann), ["301", "401"]);
    let carol = world.connect("carol");
    assert_eq!(keys(&entered(world.command(&carol, room, enter(room)))), ["ann"]);
}

#[test]
fn after_the_grace_a_room_that_nobody_came_back_to_has_ended() {
    let mut world = world();
    let (room, slow) = (client_room(4), client_room(5));
    let ann = world.connect("ann");
    world.command(&ann, room, opening(open(room))).unwrap();
    world.command(&ann, slow, opening(pb::RoomCreateRequest { destroy_delay_seconds: 60, ..open(slow) })).unwrap();
    world.restart();
    world.pass(GRACE_MS + 1000);
    let bob = world.connect("bob");
    // Nobody has asked for it since: it ends before the first who does is answered.
    assert_eq!(world.came_to(&bob, room, enter(room)), MISSING);
    let made = entered(world.command(&bob, room, opening(open(room))));
    assert!(made.created && made.room.unwrap().creator == "bob");
    assert_eq!(world.came_to(&bob, slow, enter(slow)), OK, "its delay is not over");
    world.restart();
    world.pass(GRACE_MS + 61_000);
    assert_eq!(world.came_to(&bob, slow, enter(slow)), MISSING);
}

#[test]
fn after_a_restart_a_room_loses_what_goes_with_those_who_stay_away() {
    // §f.4: after the grace on connection loss.
    let mut world = world();
    let hall = world.create(1);
    let (ann, bob) = (world.connect("ann"), world.connect("bob"));
    for actor in [&ann, &bob] {
        world.enter(actor, hall);
        let key = actor.account.as_str().to_owned();
        let offer = pb::QueueOfferRequest { key: key.clone(), value: "1".into(), transient: true, ..Default::default() };
        world.command(actor, hall, Op::QueueOffer(Box::new(offer))).unwrap();
        world.command(actor, hall, set(&key, true)).unwrap();
        let seat = pb::MemberAttributesSetRequest {
            accounts: vec![key],
            attributes: [("seat".to_owned(), "1".to_owned())].into(),
            ..Default::default()
        };
        world.command(actor, hall, Op::SetMemberAttributes(Box::new(seat))).unwrap();
    }
    world.restart();
    let ann = world.connect("ann");
    assert_eq!(keys(&world.enter(&ann, hall)), ["ann", "bob"]);
    world.pass(GRACE_MS - 2000);
    assert_eq!(world.heard(&ann), ["301"]);
    world.pass(3000);
    assert_eq!(world.heard(&ann), ["320", "401", "403"], "elements, attributes of the room, attributes he carried");
    let watcher: Actor = world.connect("watcher");
    assert_eq!(keys(&world.enter(&watcher, hall)), ["ann"]);
    // And so it is on the disk.
    world.restart();
    world.pass(0);
    let ann = world.connect("ann");
    assert_eq!(keys(&world.enter(&ann, hall)), ["ann"]);
}

/// A room that ends an hour after the last leave, made and left by this account.
fn made_and_left(world: &mut World, account: &str, number: u64) -> (Code, Option<Sub>) {
    let (room, actor) = (client_room(number), world.connect(account));
    let request = pb::RoomCreateRequest { destroy_delay_seconds: 3600, ..open(room) };
    let came_to = world.came_to(&actor, room, opening(request));
    if came_to == OK {
        assert_eq!(world.came_to(&actor, room, set("a", false)), OK);
        assert_eq!(world.came_to(&actor, room, Op::Exit), OK);
    }
    came_to
}

fn has_ended(world: &World, number: u64) -> bool {
    world.records(client_room(number)).last().is_some_and(|last| matches!(last.entry.command.op, Op::Destroy))
}

fn waiting(world: &World) -> usize {
    world.hubs.iter().map(|hub| hub.waiting_for_end()).sum()
}

#[test]
fn rooms_that_were_left_leave_memory_like_others_and_end_in_time_all_the_same() {
    let mut world = World::new(Settings { client_rooms_left_per_account_max: 100, ..Settings::default() });
    (1..=40).for_each(|number| assert_eq!(made_and_left(&mut world, "ann", number), OK));
    world.pass(61_000);
    world.pass(1000);
    assert_eq!((world.rooms_in_memory(), waiting(&world)), (0, 40));
    world.pass(3_500_000);
    let bob = world.connect("bob");
    assert_eq!(keys(&entered(world.command(&bob, client_room(7), enter(client_room(7))))), ["a"], "it is there until its end");
    assert_eq!(waiting(&world), 39);
    assert_eq!(world.came_to(&bob, client_room(7), Op::Exit), OK);
    world.pass(20_000);
    assert!((1..=40).all(|number| !has_ended(&world, number)));
    world.pass(20_000);
    assert!((1..=40).all(|number| has_ended(&world, number) == (number != 7)), "nobody has asked for them");
    world.pass(61_000);
    world.pass(1000);
    assert_eq!((world.rooms_in_memory(), waiting(&world)), (0, 1));
    world.pass(3_600_000);
    assert!(has_ended(&world, 7));
}

#[test]
fn of_a_room_that_has_ended_no_snapshot_says_what_it_was() {
    let (mut world, room) = (world(), client_room(1));
    let ann = world.connect("ann");
    let request = pb::RoomCreateRequest { destroy_delay_seconds: 70, ..open(room) };
    world.command(&ann, room, opening(request)).unwrap();
    ["one", "two", "three"].iter().for_each(|key| drop(world.command(&ann, room, set(key, false)).unwrap()));
    world.command(&ann, room, Op::Exit).unwrap();
    // It is written down, and ends before it has left memory.
    world.pass(65_000);
    let before = world.snapshot_bytes(room);
    world.pass(10_000);
    assert!(has_ended(&world, 1));
    world.pass(1000);
    let after = world.snapshot_bytes(room);
    assert!(0 < after && after < before / 2, "{before} and {after} bytes");
}

#[test]
fn rooms_that_were_left_end_in_time_after_a_restart() {
    let mut world = World::new(Settings { client_rooms_left_per_account_max: 1000, ..Settings::default() });
    (1..=300).for_each(|number| assert_eq!(made_and_left(&mut world, "ann", number), OK));
    world.pass(61_000);
    world.pass(1000);
    assert_eq!(world.rooms_in_memory(), 0);
    let loads = world.loads;
    world.restart();
    assert_eq!((world.loads, waiting(&world)), (loads, 0));
    world.pass(GRACE_MS);
    let at_once = world.loads - loads;
    assert!((1..300).contains(&at_once), "{at_once} of 300 are read in the first second");
    (0..10).for_each(|_| world.pass(1000));
    assert_eq!(waiting(&world), 300);
    world.pass(61_000);
    world.pass(1000);
    assert_eq!(world.rooms_in_memory(), 0, "they have left memory again");
    world.pass(3_420_000);
    assert!((1..=300).all(|number| !has_ended(&world, number)));
    (0..12).for_each(|_| world.pass(10_000));
    assert!((1..=300).all(|number| has_ended(&world, number)), "an hour after they were left");
    assert_eq!(waiting(&world), 0);
}

#[test]
fn who_has_left_too_many_rooms_makes_no_other_until_some_have_ended() {
    const REFUSED: (Code, Option<Sub>) = (Code::OverQuota, Some(Sub::RoomsQuota));
    let settings = Settings { client_rooms_left_per_account_max: 3, client_rooms_left_per_app_max: 5, ..Settings::default() };
    let mut world = World::new(settings);
    (1..=3).for_each(|number| assert_eq!(made_and_left(&mut world, "ann", number), OK));
    assert_eq!(made_and_left(&mut world, "ann", 4), REFUSED);
    // What leaves memory counts on.
    world.pass(61_000);
    world.pass(1000);
    assert_eq!(world.rooms_in_memory(), 0);
    assert_eq!(made_and_left(&mut world, "ann", 4), REFUSED);
    // A room that is there may be entered, and counts no more while somebody is in it.
    let ann = world.connect("ann");
    assert_eq!(world.came_to(&ann, client_room(1), enter(client_room(1))), OK);
    assert_eq!(made_and_left(&mut world, "ann", 4), OK);
    assert_eq!(made_and_left(&mut world, "ann", 5), REFUSED);
    (6..=7).for_each(|number| assert_eq!(made_and_left(&mut world, "bob", number), OK));
    assert_eq!(made_and_left(&mut world, "carol", 8), REFUSED, "all of the application together");
    world.pass(3_600_000);
    (0..3).for_each(|_| world.pass(1000));
    assert_eq!((made_and_left(&mut world, "ann", 5), made_and_left(&mut world, "carol", 8)), (OK, OK));
}

#[test]
fn who_was_let_in_by_an_entry_that_was_lost_is_not_in_the_room_that_the_log_still_has() {
    let mut world = world();
    let room = client_room(11);
    let ann = world.connect("ann");
    world.command(&ann, room, opening(open(room))).unwrap();
    world.commits = false;
    world.ask(&ann, room, Op::Exit);
    let again = world.ask(&ann, room, opening(open(room)));
    world.settle();
    assert!(world.take_answer(&ann, again).is_none(), "that the room ended and was made again waits for the disk");
    world.reopen_store();
    assert_eq!(world.take_answer(&ann, again).unwrap().unwrap_err().code, Code::ServerError);
    assert!(!world.is_here("ann", room));
    assert!(world.rooms("ann").is_empty(), "nor does it count");
}
