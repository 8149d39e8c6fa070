//! Commands out of bytes: few accounts, keys, tags and ids, so that they meet; mostly what is allowed, and all else besides. Requests are
//! drawn out of the tables of `wire::operations`: a new one needs no line here.

use crate::room::entry::Command;
use crate::subject::{Actor, Origin};
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::id::{AccountId, ConnId, Seq};
use crate::room::command::{AddRobots, Create, Enter, Op, Open, Recall, RemoveRobots, RobotProfile};
use crate::room::{Ask, Broadcast, Settings};
use crate::wire::fields::{self, Value};
use crate::wire::operations::{Does, Label, Message, OPERATIONS, Operation, Shape, Subject, operation};
use crate::wire::{PacketKind, Request, pb};

pub(super) const ACCOUNTS: [&str; 6] = ["boss", "alice", "bob", "carol", "anon_1", "dave"];

pub(super) fn actor(account: &str, connection: Option<u8>, origin: Origin) -> Actor {
    Actor {
        account: AccountId::parse(account).expect("the name is well-formed"),
        connection: connection.map(|number| ConnId::new(0, u32::from(number), u32::from(number))),
        origin,
        anonymous: account.starts_with("anon_"),
        globally_muted: account == "dave",
        names_nobody: false,
        client_type: 16,
        on_behalf: None,
    }
}

pub(super) fn create() -> Create {
    Create {
        app_key: "app".into(),
        creator: AccountId::parse(ACCOUNTS[0]).expect("the name is well-formed"),
        name: "hall".into(),
        announcement: None,
        broadcast_url: String::new(),
        ext: String::new(),
        queue_level: 0,
        moderation_id: String::new(),
        silent_in_out: false,
    }
}

/// A client makes the room, or enters it.
pub(super) fn open(enter_existing: bool, destroy_delay_seconds: u8) -> Op {
    let request = pb::RoomCreateRequest {
        alias: "hall".into(),
        enter_existing,
        destroy_delay_seconds: destroy_delay_seconds.into(),
        attributes: BTreeMap::from([("k1".into(), "v".into())]),
        ..Default::default()
    };
    Op::Open(Box::new(Open { request, enter: enter(), must_exist: false }))
}

/// A connection that wants nothing but to come in.
pub(super) fn enter() -> Enter {
    let request = pb::RoomEnterRequest { nick: "n".into(), ..Default::default() };
    Enter { app_key: "app".into(), ..Enter::from_request(request) }
}

/// Bytes, read as choices; when they end, every choice is the first one.
pub(super) struct Draw<'a>(pub &'a [u8]);

impl Draw<'_> {
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub fn below(&mut self, bound: u8) -> u8 {
        self.byte() % bound
    }

    fn account(&mut self) -> String {
        ACCOUNTS.get(usize::from(self.below(7))).unwrap_or(&"").to_string()
    }

    fn key(&mut self) -> String {
        ["", "a", "b", "c", &"k".repeat(129)].get(usize::from(self.below(5))).copied().unwrap_or_default().to_string()
    }

    fn text(&mut self) -> Option<String> {
        match self.below(16) {
            0 => Some("x".repeat(4097)),
            1..=4 => None,
            5..=7 => Some(String::new()),
            _ => Some(format!("text {}", self.below(3))),
        }
    }

    /// Somebody does something. `sent` is the place of the last message, for who takes it back.
    pub fn command(&mut self, sent: Option<Seq>) -> Command {
        // The creator acts more often than others, so that more of what is tried is allowed.
        let place = match self.below(18) {
            place @ 0..12 => place,
            place => place % 2 * 6,
        };
        let account = ACCOUNTS[usize::from(place % 6)];
        let (origin, connection) = match self.below(10) {
            0 => (Origin::Http, None),
            1 => (Origin::Server, Some(place)),
            // A connection belongs to one account for its whole life.
            2 => (Origin::Member, Some(place % 6 + 6 * self.below(4))),
            _ => (Origin::Member, Some(place)),
        };
        Command { actor: actor(account, connection, origin), op: self.op(sent) }
    }

    fn op(&mut self, sent: Option<Seq>) -> Op {
        match self.below(40) {
            0 => Op::Create(Box::new(create())),
            1..=5 => Op::Enter(Box::new(self.enter())),
            6 => Op::Exit,
            7 => Op::Detach,
            8 => Op::Reopen,
            // What everything else needs comes more often than what comes up in turn.
            9 | 10 => self.of_kind(PacketKind::MessageSend),
            11 | 12 => self.of_kind(PacketKind::MemberSetRole),
            13 => Op::Recall(Box::new(Recall {
                request: pb::MessageRecallRequest {
                    message_id: format!("m{}", self.below(4)),
                    time_ms: 1_700_000_000_000,
                    from: self.account(),
                    ..Default::default()
                },
                seq: sent.filter(|_| self.below(4) > 0),
            })),
            14 | 15 => self.by_itself(),
            _ => {
                let commands = || OPERATIONS.iter().filter(|operation| is_plain_command(operation));
                let place = usize::from(self.byte()) % commands().count().max(1);
                let kind = commands().nth(place).map_or(PacketKind::MessageSend, |operation| operation.kind);
                // A closed room refuses everything.
                if kind == PacketKind::RoomClose && self.below(8) > 0 { Op::Reopen } else { self.of_kind(kind) }
            }
        }
    }

    /// A request of a kind, each of its fields with a value that its name and its type suggest.
    fn of_kind(&mut self, kind: PacketKind) -> Op {
        let body = operation(kind).map(|operation| self.message(operation.request)).unwrap_or_default();
        let ask = Request::decode(kind as u16, body.into()).ok().and_then(|request| Ask::from_request(request).ok());
        if let Some((_, Ask::Command(op))) = ask { op } else { Op::Reopen }
    }

    /// The bytes of a message. Few fields are left out: those that may be absent, and those that narrow who hears.
    fn message(&mut self, message: &'static Message) -> Vec<u8> {
        let mut out = Vec::new();
        for field in message.fields {
            let count = match (field.label, field.name) {
                (_, "room_id") => 1,
                (Label::Repeated, "to_accounts") => self.below(8) / 7,
                (Label::Repeated, _) => self.below(4),
                (Label::Optional, "abandon_ratio") | (_, "at" | "moderation") => self.below(8) / 7,
                (Label::Optional, _) => self.below(3).min(1),
                _ => 1,
            };
            for _ in 0..count {
                let value = self.value(field.name, &field.shape);
                fields::append(&mut out, field.number, &field.shape, &value);
            }
        }
        out
    }

    fn value(&mut self, name: &str, shape: &Shape) -> Value {
        let text = match (shape, name) {
            (Shape::Message(message), _) => return Value::Bytes(self.message(message)),
            (Shape::Map(..), _) => return self.pair(),
            (Shape::Double | Shape::Float, _) => return Value::Real(self.coordinate()),
            (Shape::Text | Shape::Bytes, "account" | "accounts" | "to_accounts") => self.account(),
            // Mostly for oneself.
            (Shape::Text | Shape::Bytes, "owner") => {
                if self.flag() {
                    String::new()
                } else {
                    self.account()
                }
            }
            (Shape::Text | Shape::Bytes, "key") => self.key(),
            (Shape::Text | Shape::Bytes, "keys" | "delete") => self.attribute_key(),
            (Shape::Text | Shape::Bytes, "tag" | "tags") => self.tag(),
            (Shape::Text | Shape::Bytes, "notify_target_tags") => self.expression().unwrap_or_default(),
            (Shape::Text | Shape::Bytes, "message_id") => format!("m{}", self.below(4)),
            (Shape::Text | Shape::Bytes, "value") => "v".into(),
            (Shape::Text | Shape::Bytes, "attach") => {
                ["{\"lng\":1,\"lat\":2,\"title\":\"t\"}", "{}", "", "["][usize::from(self.below(4))].into()
            }
            // Empty or too long now and then: a request has several.
            (Shape::Text | Shape::Bytes, _) if self.below(8) == 0 => self.text().unwrap_or_default(),
            (Shape::Text | Shape::Bytes, _) => format!("text {}", self.below(3)),
            (Shape::Bool, _) => return Value::Whole(i128::from(self.flag())),
            (Shape::Enum(it), _) => {
                let numbers = it.values.iter().map(|value| i128::from(value.number));
                return Value::Whole(numbers.chain([99]).nth(usize::from(self.below(6))).unwrap_or_default());
            }
            (_, "room_id") => return Value::Whole(7),
            (_, "type") => return Value::Whole([0, 1, 4, 5, 10, 100, 7, 20][usize::from(self.below(8))]),
            (_, "abandon_ratio") => return Value::Whole(5000),
            _ => return Value::Whole(i128::from(self.below(3))),
        };
        Value::Bytes(text.into_bytes())
    }

    fn enter(&mut self) -> Enter {
        let request = pb::RoomEnterRequest {
            nick: self.text().unwrap_or_default(),
            ext: self.text().unwrap_or_default(),
            tags: self.tags(),
            notify_target_tags: self.expression(),
            location: self.flag().then(|| self.location()),
            ..Default::default()
        };
        let replaced = self.below(16);
        Enter {
            app_key: if self.below(16) == 0 { "other".into() } else { "app".into() },
            account_nick: "nick".into(),
            device_id: ["", "phone", "desk"][usize::from(self.below(3))].into(),
            replaces: self.flag().then(|| ConnId::new(0, u32::from(replaced), u32::from(replaced))),
            ..Enter::from_request(request)
        }
    }

    /// What nobody in the room does: timers, the HTTP API, the rooms of an account.
    fn by_itself(&mut self) -> Op {
        match self.below(11) {
            0 => Op::Destroy,
            1 => Op::Expel,
            2 => Op::ClearOwnerAttributes,
            3 => Op::ClearMemberAttributes,
            4 => Op::KickDevices(pb::KickDevicesRequest { device_ids: vec!["phone".into()] }),
            5 => Op::DelayClose(pb::DelayClose {
                policy: u32::from(self.below(4)),
                delay_seconds: u32::from(self.below(3)),
                start_time_ms: 0,
            }),
            6 | 7 => {
                let robots = (0..self.below(3)).filter_map(|_| AccountId::parse(&self.account()).ok());
                let robots = robots.map(|account| (account, RobotProfile::default())).collect();
                Op::AddRobots(Box::new(AddRobots { robots, ..Default::default() }))
            }
            8 => Op::RemoveRobots(RemoveRobots { accounts: None, silent: self.flag() }),
            9 => {
                let request = pb::MessageSendRequest {
                    message_id: "news".into(),
                    body: Bytes::from_static(b"news"),
                    high_priority: self.flag(),
                    notify_target_tags: self.expression(),
                    ..Default::default()
                };
                let news = Broadcast::new(&Arc::new(Settings::default()), &actor(ACCOUNTS[0], None, Origin::Http), &request);
                news.map_or(Op::Expel, |news| Op::Broadcast(Arc::new(news)))
            }
            _ => open(self.flag(), self.below(3)),
        }
    }

    fn tags(&mut self) -> Vec<String> {
        (0..self.below(4)).map(|_| self.tag()).collect()
    }

    fn tag(&mut self) -> String {
        ["a", "b", "c", "", "a b"][usize::from(self.below(5))].to_string()
    }

    fn expression(&mut self) -> Option<String> {
        const EXPRESSIONS: [&str; 6] = [
            "",
            r#"{"tag":"a"}"#,
            r#"{"tag":"a"} and not {"tag":"b"}"#,
            r#"{"tag":"a|b","matchType":"regex"} or {"tag":"c"}"#,
            "not {tag:\"c\"}",
            "{",
        ];
        (self.below(3) == 0).then(|| EXPRESSIONS[usize::from(self.below(6))].to_string())
    }

    fn location(&mut self) -> pb::Location {
        pb::Location {
            x: self.flag().then(|| self.coordinate()),
            distance: self.flag().then(|| self.coordinate()),
            enabled: self.flag().then(|| self.flag()),
            ..Default::default()
        }
    }

    fn coordinate(&mut self) -> f64 {
        [0.0, 1.0, 2.5, -1.0, 1e300, f64::MIN_POSITIVE, f64::NAN, f64::INFINITY][usize::from(self.below(8))]
    }

    fn pair(&mut self) -> Value {
        let (key, value) = (self.attribute_key(), self.text().unwrap_or_default());
        Value::Pair(Box::new(Value::Bytes(key.into_bytes())), Box::new(Value::Bytes(value.into_bytes())))
    }

    fn attribute_key(&mut self) -> String {
        ["k1", "k2", "k3", "", &"k".repeat(17)][usize::from(self.below(5))].to_string()
    }
}

/// True of requests that a room takes as commands as they are.
fn is_plain_command(operation: &Operation) -> bool {
    operation.subject == Subject::Room && operation.does == Does::Command && !operation.wrapped
}
