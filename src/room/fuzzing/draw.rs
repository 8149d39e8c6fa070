//! Commands out of bytes: few accounts, keys, tags and ids, so that they meet; mostly what is allowed, and all else besides.

use crate::room::entry::Command;
use crate::subject::{Actor, Origin};
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::id::{AccountId, ConnId, Seq};
use crate::room::command::{AddRobots, Create, Enter, Op, Open, Recall, RemoveRobots, RobotProfile};
use crate::room::{Broadcast, Settings};
use crate::wire::pb;

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
            26..=30 => self.by_tag_or_place(),
            31..=36 => self.attributes(),
            37 => Op::Recall(Box::new(Recall {
                request: pb::MessageRecallRequest {
                    message_id: format!("m{}", self.below(4)),
                    time_ms: 1_700_000_000_000,
                    from: self.account(),
                    ..Default::default()
                },
                seq: sent.filter(|_| self.below(4) > 0),
            })),
            38 | 39 => self.by_itself(),
            24 | 25 => Op::SetRole(pb::MemberSetRoleRequest {
                account: self.account(),
                change: 1 + i32::from(self.below(4)),
                set: self.flag(),
                ..Default::default()
            }),
            0 => Op::Create(Box::new(create())),
            1..=5 => Op::Enter(Box::new(self.enter())),
            6 => Op::Exit,
            7 => Op::Detach,
            8 => Op::Update(Box::new(pb::RoomUpdateRequest {
                name: self.text(),
                announcement: self.text(),
                queue_level: Some(u32::from(self.below(3))),
                in_out_notification: self.flag().then(|| self.flag()),
                silent: self.flag(),
                ..Default::default()
            })),
            9 if self.below(4) == 0 => Op::Close(pb::RoomCloseRequest::default()),
            9 | 10 => Op::Reopen,
            11 => Op::MuteRoom(pb::RoomMuteRequest { mute: self.flag(), silent: self.flag(), ..Default::default() }),
            12 | 13 => Op::SetRole(pb::MemberSetRoleRequest {
                account: self.account(),
                change: i32::from(self.below(5)),
                set: self.below(3) > 0,
                level: u32::from(self.below(3)),
                ..Default::default()
            }),
            14 => Op::Kick(pb::MemberKickRequest { account: self.account(), ..Default::default() }),
            15 => Op::TempMute(pb::MemberTempMuteRequest {
                account: self.account(),
                seconds: u32::from(self.below(3)),
                silent: self.flag(),
                ..Default::default()
            }),
            16 => Op::UpdateSelf(Box::new(pb::MemberUpdateSelfRequest {
                nick: self.text(),
                ext: self.text(),
                save: self.flag(),
                silent: self.flag(),
                ..Default::default()
            })),
            17 | 18 => Op::Send(Box::new(self.message())),
            19 => Op::QueueInit(pb::QueueInitRequest { room_id: 7, size_limit: self.flag().then_some(2) }),
            20 => Op::QueueOffer(Box::new(pb::QueueOfferRequest {
                key: self.key(),
                value: Bytes::from_static(b"v"),
                transient: self.flag(),
                owner: self.account(),
                ..Default::default()
            })),
            21 => Op::QueueBatchOffer(pb::QueueBatchOfferRequest {
                elements: self.elements(),
                notify: self.flag(),
                ..Default::default()
            }),
            22 => Op::QueuePoll(pb::QueuePollRequest { room_id: 7, key: self.key() }),
            _ if self.flag() => Op::QueueDrop(pb::QueueDropRequest::default()),
            _ => Op::QueueChange(pb::QueueChangeRequest {
                elements: self.elements(),
                notify: self.flag(),
                notify_ext: "why".into(),
                ..Default::default()
            }),
        }
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

    fn message(&mut self) -> pb::MessageSendRequest {
        let attach = ["{\"lng\":1,\"lat\":2,\"title\":\"t\"}", "{}", "", "["][usize::from(self.below(4))];
        pb::MessageSendRequest {
            message_id: format!("m{}", self.below(4)),
            r#type: [0, 1, 4, 5, 10, 100, 7, 20][usize::from(self.below(8))],
            body: self.text().unwrap_or_default().into(),
            attach: Bytes::from_static(attach.as_bytes()),
            resend: self.flag(),
            skip_history: self.flag(),
            abandon_ratio: (self.below(4) == 0).then_some(5000),
            to_accounts: if self.below(4) == 0 { vec![self.account()] } else { Vec::new() },
            high_priority: self.flag(),
            notify_target_tags: self.expression(),
            at: (self.below(4) == 0).then(|| pb::Point { x: self.coordinate(), y: 0.0, z: 0.0 }),
            ..Default::default()
        }
    }

    /// What is done by tags and in space.
    fn by_tag_or_place(&mut self) -> Op {
        match self.below(4) {
            0 => Op::UpdateLocation(pb::MemberUpdateLocationRequest { room_id: 7, location: Some(self.location()) }),
            1 => Op::TagTempMute(pb::MemberTagTempMuteRequest {
                tag: self.tags().pop().unwrap_or_default(),
                seconds: u32::from(self.below(3)),
                silent: self.flag(),
                notify_target_tags: self.expression(),
                ..Default::default()
            }),
            _ => Op::UpdateTags(Box::new(pb::MemberUpdateTagsRequest {
                tags: self.tags(),
                set_tags: self.below(4) > 0,
                notify_target_tags: self.expression(),
                notify: self.flag(),
                ..Default::default()
            })),
        }
    }

    /// What is done with attributes, of the room and of its members.
    fn attributes(&mut self) -> Op {
        let (force, delete_after_owner_left) = (self.flag(), self.flag());
        match self.below(5) {
            0 | 1 => Op::SetAttributes(pb::AttributesSetRequest {
                room_id: 7,
                attributes: self.map(),
                force,
                update_owner: self.flag(),
                delete_after_owner_left,
            }),
            2 => {
                Op::DeleteAttributes(pb::AttributesDeleteRequest { room_id: 7, keys: self.map().into_keys().collect(), force })
            }
            3 => Op::BatchAttributes(pb::AttributesBatchRequest {
                room_id: 7,
                operations: (0..self.below(4)).map(|_| self.operation()).collect(),
                force,
                update_owner: self.flag(),
                delete_after_owner_left,
            }),
            _ => Op::SetMemberAttributes(Box::new(pb::MemberAttributesSetRequest {
                room_id: 7,
                accounts: (0..self.below(4)).map(|_| self.account()).collect(),
                attributes: self.map(),
                force,
                delete_after_owner_left: self.flag().then_some(delete_after_owner_left),
            })),
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
        (0..self.below(4)).map(|_| ["a", "b", "c", "", "a b"][usize::from(self.below(5))].to_string()).collect()
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

    fn map(&mut self) -> BTreeMap<String, String> {
        let long = "k".repeat(17);
        let key = |number: u8| ["k1", "k2", "k3", "", &long][usize::from(number)].to_string();
        (0..self.below(4)).map(|_| (key(self.below(5)), self.text().unwrap_or_default())).collect()
    }

    fn operation(&mut self) -> pb::AttributesOperation {
        match self.flag() {
            true => pb::AttributesOperation { set: self.map(), delete: Vec::new() },
            false => pb::AttributesOperation { set: BTreeMap::new(), delete: self.map().into_keys().collect() },
        }
    }

    fn elements(&mut self) -> Vec<pb::QueueElement> {
        let count = self.below(4);
        let mut element =
            || pb::QueueElement { key: self.key(), value: Bytes::new(), owner: String::new(), transient: self.flag() };
        (0..count).map(|_| element()).collect()
    }
}
