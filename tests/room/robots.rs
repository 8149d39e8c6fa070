//! Robots: accounts without connections, for a time (chatroom.md §a.8, §b column Ro).

use crate::world::*;
use chatroom::error::{Code, Sub};
use chatroom::id::{AccountId, UnixMs};
use chatroom::limits;
use chatroom::room::{AddRobots, Op, Outcome, Query, RemoveRobots, RobotProfile, Settings};
use chatroom::wire::Response;
use chatroom::wire::pb::{self, MemberQuery, MemberType, NotificationType, RoleChange};

fn account(name: &str) -> AccountId {
    AccountId::parse(name).unwrap()
}

fn add(names: &[&str]) -> Op {
    let profile = |name: &str| RobotProfile { nick: format!("nick of {name}"), avatar: String::new() };
    let robots = names.iter().map(|name| (account(name), profile(name))).collect();
    Op::AddRobots(Box::new(AddRobots { robots, ext: "machine".into(), notify_ext: "beep".into() }))
}

fn remove(names: &[&str], silent: bool) -> Op {
    Op::RemoveRobots(RemoveRobots { accounts: Some(names.iter().map(|name| account(name)).collect()), silent })
}

/// Who came or went by an outcome's reply, and who was here already.
fn told(outcome: &Outcome) -> (Vec<String>, Vec<String>) {
    match &outcome.reply {
        Response::MemberList(list) => {
            (list.members.iter().map(|member| member.account.clone()).collect(), list.already_here.clone())
        }
        other => panic!("a list was expected, not {other:?}"),
    }
}

fn visitors(world: &World) -> Vec<pb::Member> {
    let request = pb::MemberListRequest { query: MemberQuery::VisitorsOldest as i32, ..Default::default() };
    match world.query(&http("boss"), &Query::Members(request)) {
        Ok(Response::MemberList(list)) => list.members,
        other => panic!("a list was expected, not {other:?}"),
    }
}

fn pushes(world: &World) -> Vec<(NotificationType, String)> {
    world
        .consequences
        .iter()
        .filter(|outcome| outcome.push.is_some())
        .map(|o| (kind(o), notice(o).targets.first().cloned().unwrap_or_default()))
        .collect()
}

// S002-046, S003-017
#[test]
fn a_robot_is_an_online_visitor_until_its_day_is_over() {
    let mut world = World::new();
    let alice = world.enter("alice");
    let outcome = world.apply(&http("boss"), add(&["r1", "r2"])).unwrap();
    assert_eq!(told(&outcome), (vec!["r1".to_owned(), "r2".to_owned()], vec![]));
    assert!(!outcome.durable && world.consequences.iter().all(|outcome| !outcome.durable), "robots are presence");
    let came = |name: &str| (NotificationType::MemberEnter, name.to_owned());
    assert_eq!(pushes(&world), [came("r1"), came("r2")], "one 301 for each");
    let first = notice(&world.consequences[0]);
    assert_eq!((first.ext.as_str(), first.target_nicks[0].as_str()), ("beep", "nick of r1"));
    assert_eq!((world.info().online_count, world.room.connections()), (3, 1));
    let robot = world.member(&alice, "r1").unwrap();
    assert_eq!((robot.r#type(), robot.online, robot.robot, robot.ext.as_str()), (MemberType::Virtual, true, true, "machine"));
    assert_eq!((robot.robot_expire_seconds, robot.connections.len()), (86_400, 0));
    assert_eq!(visitors(&world).len(), 3);

    world.time_ms += 3_600_000;
    let outcome = world.apply(&http("boss"), add(&["r1", "alice"])).unwrap();
    assert_eq!(told(&outcome), (vec![], vec!["r1".to_owned(), "alice".to_owned()]));
    assert!(pushes(&world).is_empty(), "who was here does not come");
    assert_eq!(world.member(&alice, "r1").unwrap().robot_expire_seconds, 86_400, "its day begins again");
    assert_eq!(world.member(&alice, "r2").unwrap().robot_expire_seconds, 82_800, "an hour of its day is over");
    assert!(!world.member(&alice, "alice").unwrap().robot);

    assert_eq!(world.room.deadline(), Some(UnixMs(START_MS + 86_400_000)));
    world.time_ms = START_MS + 86_400_000 - 1;
    assert!(world.tick().is_empty(), "not before its time");
    assert_eq!(world.member(&alice, "r2").map(|robot| robot.robot_expire_seconds), Some(1), "its last second");
    world.time_ms = START_MS + 86_400_000;
    let gone = world.tick();
    assert_eq!(gone.len(), 1);
    assert_eq!((kind(&gone[0]), notice(&gone[0]).targets[0].as_str()), (NotificationType::MemberExit, "r2"));
    assert!(world.member(&alice, "r2").is_none() && world.member(&alice, "r1").is_some());
    world.time_ms += 3_600_000;
    assert_eq!(world.tick().len(), 1);
    assert_eq!((world.info().online_count, world.room.deadline()), (1, None));
}

// S003-017
#[test]
fn up_to_a_hundred_come_or_go_in_one_call() {
    let mut world = World::new();
    let names: Vec<String> = (0..101).map(|number| format!("r{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(world.code(&http("boss"), add(&names)), Code::BadParameter);
    assert_eq!(world.code(&http("boss"), remove(&names, false)), Code::BadParameter);
    assert_eq!(world.code(&http("boss"), add(&[])), Code::BadParameter);
    assert_eq!(told(&world.apply(&http("boss"), add(&names[..100])).unwrap()).0.len(), 100);
    assert_eq!((world.consequences.len(), world.info().online_count), (100, 100));
    let outcome = world.apply(&http("boss"), remove(&names[1..101], false)).unwrap();
    assert_eq!(told(&outcome).0.len(), 99, "one of them was no robot here");
    assert_eq!(pushes(&world).len(), 99, "one 302 for each");
    world.apply(&http("boss"), add(&names[..2])).unwrap();
    let outcome = world.apply(&http("boss"), Op::RemoveRobots(RemoveRobots { accounts: None, silent: true })).unwrap();
    assert_eq!((told(&outcome).0.len(), pushes(&world).len(), world.info().online_count), (2, 0, 0));
}

#[test]
fn a_robot_that_is_named_twice_goes_once() {
    let mut world = World::new();
    world.apply(&http("boss"), add(&["r1"])).unwrap();
    let outcome = world.apply(&http("boss"), remove(&["r1", "r1"], false)).unwrap();
    assert_eq!(told(&outcome), (vec!["r1".to_owned()], vec![]));
    assert_eq!(pushes(&world), [(NotificationType::MemberExit, "r1".to_owned())]);
}

#[test]
fn who_is_on_the_blocklist_or_one_too_many_does_not_come() {
    let mut world = World::with(Settings { robots_max: 2, ..Settings::default() });
    let boss = world.enter("boss");
    for name in ["bad", "worse"] {
        world.set_role(&boss, name, RoleChange::Blocklist, true).unwrap();
    }
    let status = world.apply(&http("boss"), add(&["bad", "worse"])).unwrap_err();
    assert_eq!((status.code, status.sub), (Code::Blocklisted, Some(Sub::MemberBlocklisted)));
    let outcome = world.apply(&http("boss"), add(&["bad", "r1", "r2", "r3"])).unwrap();
    assert_eq!(told(&outcome).0, ["r1", "r2"]);
    assert_eq!(world.code(&http("boss"), add(&["r3"])), Code::OverQuota);
    assert_eq!(world.info().online_count, 3);
}

#[test]
fn robots_come_over_http_and_to_open_rooms_and_go_when_the_room_closes() {
    let mut world = World::new();
    let boss = world.enter("boss");
    assert_eq!(world.code(&boss, add(&["r1"])), Code::Forbidden);
    let long =
        AddRobots { robots: vec![(account("r1"), RobotProfile::default())], ext: "x".repeat(4097), ..Default::default() };
    assert_eq!(world.code(&http("boss"), Op::AddRobots(Box::new(long))), Code::BadParameter);
    world.apply(&http("boss"), add(&["r1"])).unwrap();
    let offer = pb::QueueOfferRequest { key: "a".into(), owner: "r1".into(), transient: true, ..Default::default() };
    world.apply(&http("boss"), Op::QueueOffer(Box::new(offer))).unwrap();
    world.apply(&boss, Op::Close(pb::RoomCloseRequest::default())).unwrap();
    assert!(world.room.is_empty_of_people());
    assert_eq!(world.room.deadline(), None);
    assert_eq!(world.code(&http("boss"), add(&["r1"])), Code::RoomClosed);
}

#[test]
fn what_a_robot_owns_goes_with_it() {
    let mut world = World::new();
    let boss = world.enter("boss");
    world.apply(&http("boss"), add(&["r1"])).unwrap();
    let offer = pb::QueueOfferRequest { key: "a".into(), owner: "r1".into(), transient: true, ..Default::default() };
    world.apply(&boss, Op::QueueOffer(Box::new(offer))).unwrap();
    world.apply(&http("boss"), remove(&["r1"], true)).unwrap();
    let kinds: Vec<_> = pushes(&world).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds.len(), 1, "the removal from the queue: {kinds:?}");
    let list = world.query(&boss, &Query::QueueList(pb::QueueListRequest { room_id: 7, ..Default::default() }));
    assert!(matches!(list, Ok(Response::QueueList(list)) if list.elements.is_empty()));
}

#[test]
fn an_account_that_is_here_with_connections_besides_stays_while_either_holds() {
    let mut world = World::new();
    world.apply(&http("boss"), add(&["r1"])).unwrap();
    world.time_ms += 5;
    let phone = world.connection("r1");
    let entered = world.apply(&phone, Op::Enter(Box::new(enter("")))).unwrap();
    assert!(entered.push.is_none(), "it was here before");
    let left_by_phone = world.apply(&phone, Op::Exit).unwrap();
    assert!(left_by_phone.push.is_none() && world.info().online_count == 1, "the robot is still here");
    let desk = world.enter("r1");
    world.apply(&http("boss"), remove(&["r1"], false)).unwrap();
    assert!(pushes(&world).is_empty(), "its connection is still here");
    let member = world.member(&desk, "r1").unwrap();
    assert_eq!((member.robot, member.r#type(), member.enter_time_ms), (false, MemberType::Visitor, START_MS + 6));
    assert_eq!(kind(&world.apply(&desk, Op::Exit).unwrap()), NotificationType::MemberExit);
}

#[test]
fn a_robot_speaks_over_http_and_manages_nothing() {
    let mut world = World::new();
    world.enter("alice");
    world.apply(&http("boss"), add(&["r1"])).unwrap();
    let said = world.apply(&http("r1"), send(text("m", "hello"))).unwrap();
    assert_eq!((message(&said).from.as_str(), message(&said).from_nick.as_ref()), ("r1", "nick of r1".as_bytes()));
    assert_eq!(
        world.code(&http("r1"), Op::Kick(pb::MemberKickRequest { account: "alice".into(), ..Default::default() })),
        Code::Forbidden
    );
    world.apply(&http("boss"), Op::MuteRoom(pb::RoomMuteRequest { mute: true, ..Default::default() })).unwrap();
    assert_eq!(world.code(&http("r1"), send(text("n", "hello"))), Code::RoomMuted);
    let kick = Op::Kick(pb::MemberKickRequest { account: "r1".into(), ..Default::default() });
    let outcome = world.apply(&http("boss"), kick).unwrap();
    assert_eq!((kind(&outcome), outcome.kicks.len(), world.info().online_count), (NotificationType::MemberKicked, 0, 1));
    assert_eq!(world.room.deadline(), None, "it does not come back to leave once more");
}

#[test]
fn a_room_that_tells_nobody_who_comes_is_silent_about_robots_too() {
    let mut world = World::new();
    let update = pb::RoomUpdateRequest { in_out_notification: Some(false), ..Default::default() };
    world.apply(&http("boss"), Op::Update(Box::new(update))).unwrap();
    world.apply(&http("boss"), add(&["r1"])).unwrap();
    assert!(pushes(&world).is_empty() && world.info().online_count == 1);
    world.time_ms += limits::ROBOT_TTL_SECONDS * 1000;
    assert!(world.tick()[0].push.is_none());
    assert_eq!(world.info().online_count, 0);
}
