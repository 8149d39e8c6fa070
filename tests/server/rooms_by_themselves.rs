//! What rooms of a running node do when their time comes, and who is put into them without a connection: through
//! `server::Engine`, as the HTTP API does.

use std::net::SocketAddr;
use std::path::Path;

use crate::support::peer::login;
use crate::support::process::{APP_KEY, APP_SECRET};
use crate::support::{Peer, wait_until};
use chatroom::account::Secret;
use chatroom::config::{AppConfig, Config, Timers};
use chatroom::dispatch::owner_of;
use chatroom::error::{Code, Status};
use chatroom::id::{AccountId, RoomId};
use chatroom::room::{Actor, AddRobots, Command, Create, Op, Query, RemoveRobots, RobotProfile};
use chatroom::server::Node;
use chatroom::wire::pb::{self, KickReason, MemberQuery, NotificationType};
use chatroom::wire::{Push, Request, Response};

struct World {
    node: Node,
    runtime: tokio::runtime::Runtime,
}

fn account(name: &str) -> AccountId {
    AccountId::parse(name).unwrap()
}

impl World {
    fn start(data: Option<&Path>, app: AppConfig) -> World {
        World::with_workers(2, data, app)
    }

    fn with_workers(workers: usize, data: Option<&Path>, app: AppConfig) -> World {
        let config = Config {
            memory: data.is_none(),
            data: data.map(Path::to_owned).unwrap_or_default(),
            workers,
            apps: vec![app],
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            timers: Timers { drain_ms: 100, ..Timers::default() },
            ..Config::default()
        };
        let node = Node::start(&config).unwrap();
        World { node, runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap() }
    }

    fn create(&self) -> RoomId {
        let create = Create {
            app_key: APP_KEY.into(),
            creator: account("boss"),
            name: "hall".into(),
            announcement: None,
            broadcast_url: String::new(),
            ext: String::new(),
            queue_level: 0,
            moderation_id: String::new(),
            silent_in_out: false,
        };
        self.runtime.block_on(self.node.engine.create(Actor::http(account("boss")), create)).unwrap()
    }

    fn command(&self, room: RoomId, by: &str, op: Op) -> Result<Response, Status> {
        let command = Command { actor: Actor::http(account(by)), op };
        self.runtime.block_on(self.node.engine.command(APP_KEY, room, command))
    }

    fn info(&self, room: RoomId) -> pb::RoomInfo {
        let query = Query::Info(pb::RoomInfoRequest { room_id: room.get() });
        match self.runtime.block_on(self.node.engine.query(APP_KEY, room, Actor::http(account("boss")), query)) {
            Ok(Response::RoomInfo(info)) => info.room.unwrap(),
            other => panic!("the room answers {other:?}"),
        }
    }

    fn join(&self, name: &str, room: RoomId) -> (Peer, pb::LoginResponse) {
        let mut peer = Peer::connect(self.node.wire);
        match peer.call(Request::Login(Box::new(login(name, Some(room.get()))))) {
            Response::Login(answer) => (peer, *answer),
            other => panic!("a login was answered with {other:?}"),
        }
    }
}

fn app() -> AppConfig {
    AppConfig::new(APP_KEY, Secret::new(APP_SECRET))
}

fn delay(policy: u32, delay_seconds: u32) -> Op {
    Op::DelayClose(pb::DelayClose { policy, delay_seconds, start_time_ms: 0 })
}

fn expect(peer: &mut Peer, kind: NotificationType) -> pb::Notification {
    loop {
        let notice = peer.notification();
        if notice.r#type() == kind {
            return notice;
        }
    }
}

#[test]
fn a_room_closes_when_its_time_has_come_and_puts_everybody_out() {
    let world = World::start(None, app());
    let room = world.create();
    let (mut alice, _) = world.join("alice", room);
    world.command(room, "boss", delay(1, 1)).unwrap();
    let notice = expect(&mut alice, NotificationType::RoomClosed);
    assert_eq!(notice.operator, "boss");
    let Push::Kicked(kicked) = alice.push() else { panic!("who is put out is told why") };
    assert_eq!(kicked.reason(), KickReason::RoomClosed);
    alice.expect_closed();
    assert!(!world.info(room).valid);
    let (mut refused, answer) = world.join("alice", room);
    assert_eq!((answer.code, answer.sub), (13002, 113406));
    refused.expect_closed();
    world.node.stop();
}

#[test]
fn an_empty_room_closes_and_the_time_runs_on_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let world = World::start(Some(&data), app());
    let (empty, fixed, later) = (world.create(), world.create(), world.create());
    let (mut alice, _) = world.join("alice", empty);
    world.command(empty, "boss", delay(2, 1)).unwrap();
    world.command(fixed, "boss", delay(1, 2)).unwrap();
    world.command(later, "boss", delay(1, 604_800)).unwrap();
    alice.call(Request::Logout(pb::LogoutRequest::default()));
    wait_until("the empty room to close", || !world.info(empty).valid);
    world.node.stop();

    let world = World::start(Some(&data), app());
    wait_until("the other room to close", || !world.info(fixed).valid);
    let later = world.info(later);
    assert!(later.valid && later.delay_close.unwrap().delay_seconds == 604_800);
    assert!(!world.info(empty).valid);
    world.node.stop();
}

// The owner of a room is the owner of its shard, free to differ at each start (im.md §0.1 rule 2).
#[test]
fn rooms_go_on_with_any_number_of_workers() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let world = World::with_workers(1, Some(&data), app());
    let rooms: Vec<RoomId> = (0..12).map(|_| world.create()).collect();
    world.node.stop();
    for workers in [3, 5, 2] {
        let world = World::with_workers(workers, Some(&data), app());
        let owners: std::collections::BTreeSet<usize> = rooms.iter().map(|room| owner_of(*room, workers)).collect();
        assert_eq!(owners.len(), workers, "every worker has a room");
        for room in &rooms {
            let (mut alice, entered) = world.join("alice", *room);
            assert_eq!(entered.code, 0);
            let answer = alice.send_text(room.get(), &format!("with {workers}"), "hello");
            assert!(answer.code == 0 && world.info(*room).valid, "{answer:?}");
        }
        world.node.stop();
    }
}

// S003-005
#[test]
fn opening_and_closing_takes_effect_at_once() {
    let world = World::start(None, app());
    let room = world.create();
    let (mut alice, _) = world.join("alice", room);
    let close = || Op::Close(pb::RoomCloseRequest { room_id: room.get(), notify_ext: "bye".into() });
    assert_eq!(world.command(room, "alice", close()).unwrap_err().code, Code::Forbidden);
    world.command(room, "boss", close()).unwrap();
    assert_eq!(expect(&mut alice, NotificationType::RoomClosed).ext, "bye");
    alice.expect_closed_after_pushes();
    assert_eq!(world.join("alice", room).1.code, 13002);
    assert_eq!(world.command(room, "boss", close()).unwrap_err().code, Code::Repeated);
    world.command(room, "boss", Op::Reopen).unwrap();
    assert_eq!(world.command(room, "boss", Op::Reopen).unwrap_err().code, Code::Repeated);
    assert_eq!(world.join("alice", room).1.code, 0);
    world.node.stop();
}

// S003-017
#[test]
fn robots_are_seen_to_come_and_to_go_when_their_time_is_over() {
    let world = World::start(None, AppConfig { robot_ttl_seconds: Some(2), robots_max: Some(3), ..app() });
    let room = world.create();
    let (mut alice, _) = world.join("alice", room);
    let add = |names: &[&str]| {
        let robots = names.iter().map(|name| (account(name), RobotProfile::default())).collect();
        Op::AddRobots(Box::new(AddRobots { robots, ..Default::default() }))
    };
    let Ok(Response::MemberList(added)) = world.command(room, "boss", add(&["r1", "r2", "r3", "r4", "alice"])) else {
        panic!("robots come")
    };
    let names: Vec<_> = added.members.iter().map(|member| member.account.as_str()).collect();
    assert_eq!((names, added.already_here), (vec!["r1", "r2", "r3"], vec!["alice".to_owned()]));
    for name in ["alice", "r1", "r2", "r3"] {
        assert_eq!(expect(&mut alice, NotificationType::MemberEnter).targets, [name]);
    }
    let query = MemberQuery::VisitorsOldest as i32;
    let list = alice.call(Request::MemberList(pb::MemberListRequest { room_id: room.get(), query, ..Default::default() }));
    let Response::MemberList(list) = list else { panic!("a list was asked for") };
    assert_eq!(list.members.iter().filter(|member| member.robot && member.robot_expire_seconds > 0).count(), 3);
    assert_eq!(world.info(room).online_count, 4);
    let remove = RemoveRobots { accounts: Some(vec![account("r2")]), silent: false };
    world.command(room, "boss", Op::RemoveRobots(remove)).unwrap();
    assert_eq!(expect(&mut alice, NotificationType::MemberExit).targets, ["r2"]);
    for name in ["r1", "r3"] {
        assert_eq!(expect(&mut alice, NotificationType::MemberExit).targets, [name]);
    }
    assert_eq!(world.info(room).online_count, 1);
    world.node.stop();
}

#[test]
fn an_account_that_is_muted_everywhere_may_not_even_as_creator_send() {
    let world = World::start(None, app());
    let room = world.create();
    let boss = chatroom::account::Account { muted: true, ..chatroom::account::Account::new(account("boss")) };
    world.node.accounts.load_account(APP_KEY, boss).unwrap();
    let (mut boss, _) = world.join("boss", room);
    let answer = boss.send_text(room.get(), "m1", "hello");
    assert_eq!((answer.code, answer.sub), (423, 102421));
    world.node.stop();
}
