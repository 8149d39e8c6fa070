//! A node inside the test's own process: the wire protocol over real sockets, and beside it the engine, as the HTTP API has it.

use std::net::{Ipv4Addr, SocketAddr};

use chatroom::account::{Account, NewAccount};
use chatroom::config::{AppConfig, Config};
use chatroom::error::{Code, Status};
use chatroom::id::{AccountId, RoomId};
use chatroom::room::{Actor, AddRobots, Ask, Command, Create, Op, RobotProfile};
use chatroom::server::Node;
use chatroom::wire::{Request, Response, pb};

use super::Peer;
use super::ask::Came;
use super::peer::login;
use super::process::{APP_KEY, APP_SECRET};

/// The key of an application that lets no anonymous visitors in; its secret is that of the test application.
pub const APP_WITHOUT_ANONYMOUS: &str = "testapp-named";

/// A node in this process. Keeps nothing, and has no limits on rates unless a test sets some.
pub struct LocalNode {
    node: Option<Node>,
    runtime: tokio::runtime::Runtime,
    /// Where it accepts the wire protocol.
    pub wire: SocketAddr,
}

impl LocalNode {
    /// Starts a node; `adjust` may change its configuration.
    pub fn start(adjust: impl FnOnce(&mut Config)) -> LocalNode {
        // As from a file, so that what is not said has its default.
        let app = |key: &str, anonymous: bool| -> AppConfig {
            let text = format!("key = \"{key}\"\nsecret = \"{APP_SECRET}\"\nanonymous = {anonymous}");
            toml::from_str(&text).expect("an application is described so")
        };
        let mut config = Config {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            memory: true,
            workers: 2,
            apps: vec![app(APP_KEY, true), app(APP_WITHOUT_ANONYMOUS, false)],
            ..Config::default()
        };
        config.limits.requests_per_second = 0;
        config.limits.client_send_per_second = 0;
        config.limits.room_intake_per_second = 0;
        config.timers.drain_ms = 0;
        adjust(&mut config);
        let node = Node::start(&config).unwrap_or_else(|error| panic!("the node does not start: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be made");
        LocalNode { wire: node.wire, node: Some(node), runtime }
    }

    fn node(&self) -> &Node {
        self.node.as_ref().expect("the node runs until it is dropped")
    }

    /// Makes sure that there is an account of this name.
    pub fn create_account(&self, name: &str) {
        let new = NewAccount { account: name.into(), ..NewAccount::default() };
        let made = self.node().accounts.create_account(APP_KEY, new);
        assert!(made.is_ok() || self.node().accounts.account(APP_KEY, &account(name)).unwrap().is_some(), "{name}: {made:?}");
    }

    /// Changes an account of the test application as an operator might.
    pub fn change_account(&self, name: &str, change: impl FnOnce(&mut Account)) {
        self.create_account(name);
        let changed = self.node().accounts.change_account(APP_KEY, &account(name), |held| {
            change(held);
            Ok(())
        });
        changed.expect("it was just created");
    }

    /// Makes a room that does not tell who comes and goes. The creator must exist.
    pub fn create_room(&self, creator: &str) -> i64 {
        self.create_room_with(creator, |_| {})
    }

    /// Makes a room; `adjust` may change what it is born with.
    pub fn create_room_with(&self, creator: &str, adjust: impl FnOnce(&mut Create)) -> i64 {
        self.try_create_room(creator, adjust).unwrap_or_else(|status| panic!("a room of {creator}: {status}"))
    }

    /// As [`LocalNode::create_room_with`], for what may be refused.
    pub fn try_create_room(&self, creator: &str, adjust: impl FnOnce(&mut Create)) -> Result<i64, Status> {
        let mut create = Create {
            app_key: APP_KEY.into(),
            creator: account(creator),
            name: "room".into(),
            announcement: None,
            broadcast_url: String::new(),
            ext: String::new(),
            queue_level: 0,
            moderation_id: String::new(),
            silent_in_out: true,
        };
        adjust(&mut create);
        let made = self.runtime.block_on(self.node().engine.create(Actor::http(account(creator)), create));
        made.map(RoomId::get)
    }

    /// Has an operation applied with the authority of the HTTP API, in the name of an account.
    pub fn apply(&self, room: i64, who: &str, op: Op) -> Result<Response, Status> {
        self.apply_as(room, Actor::http(account(who)), op)
    }

    /// Has an operation applied in somebody's name.
    pub fn apply_as(&self, room: i64, actor: Actor, op: Op) -> Result<Response, Status> {
        let room = RoomId::new(room).expect("a room has a number");
        self.runtime.block_on(self.node().engine.command(APP_KEY, room, Command { actor, op }))
    }

    /// Puts accounts into a room as robots.
    pub fn add_robots(&self, room: i64, names: &[&str]) {
        let robots = names.iter().map(|name| (account(name), RobotProfile::default())).collect();
        let add = AddRobots { robots, ..AddRobots::default() };
        self.apply(room, "http", Op::AddRobots(Box::new(add))).unwrap_or_else(|status| panic!("{names:?}: {status}"));
    }

    /// The answer to a request of the wire protocol when the HTTP API makes it in somebody's name.
    pub fn answer_to(&self, actor: Actor, request: Request) -> Result<Response, Status> {
        match Ask::from_request(request)? {
            (room, Ask::Command(op)) => self.runtime.block_on(self.node().engine.command(APP_KEY, room, Command { actor, op })),
            (room, Ask::Query(query)) => self.runtime.block_on(self.node().engine.query(APP_KEY, room, actor, query)),
        }
    }

    /// Code and sub code of that answer.
    pub fn came_of(&self, actor: Actor, request: Request) -> Came {
        came_of(&self.answer_to(actor, request))
    }

    /// Logs in and enters a room; both must succeed.
    pub fn join(&self, name: &str, room: i64) -> Peer {
        self.join_with(name, pb::RoomEnterRequest { room_id: room, ..Default::default() })
    }

    /// Logs in and enters a room with what the request says; both must succeed.
    pub fn join_with(&self, name: &str, enter: pb::RoomEnterRequest) -> Peer {
        let (peer, answer) = self.log_in(pb::LoginRequest { enter: Some(enter), ..login(name, None) });
        assert_eq!(answer.code, 0, "login of {name}: {} {}", answer.sub, answer.desc);
        peer
    }

    /// Logs in without an account and enters a room.
    pub fn join_anonymously(&self, name: &str, room: i64) -> Peer {
        let enter = pb::RoomEnterRequest { room_id: room, nick: "nobody".into(), ..Default::default() };
        let (peer, answer) = self.log_in(anonymous(name, Some(enter)));
        assert_eq!(answer.code, 0, "login of {name}: {} {}", answer.sub, answer.desc);
        peer
    }

    /// Logs in and enters nothing.
    pub fn log_in_only(&self, name: &str) -> Peer {
        let (peer, answer) = self.log_in(login(name, None));
        assert_eq!(answer.code, 0, "login of {name}: {} {}", answer.sub, answer.desc);
        peer
    }

    /// Opens a connection and sends a login.
    pub fn log_in(&self, request: pb::LoginRequest) -> (Peer, pb::LoginResponse) {
        let mut peer = Peer::connect(self.wire);
        match peer.call(Request::Login(Box::new(request))) {
            Response::Login(answer) => (peer, *answer),
            other => panic!("a login was answered with {other:?}"),
        }
    }
}

impl Drop for LocalNode {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            node.stop();
        }
    }
}

/// Code and sub code of an answer of the engine.
pub fn came_of(answer: &Result<Response, Status>) -> Came {
    match answer {
        Ok(_) => (Code::Ok.number(), 0),
        Err(status) => (status.code.number(), status.sub_number()),
    }
}

/// A login without an account.
pub fn anonymous(name: &str, enter: Option<pb::RoomEnterRequest>) -> pb::LoginRequest {
    pb::LoginRequest { anonymous: true, token: String::new(), enter, ..login(name, None) }
}

/// An account's name, checked.
pub fn account(name: &str) -> AccountId {
    AccountId::parse(name).expect("the name is a valid account")
}
