//! What requests hold: texts at their limits now and then, otherwise few words, so that they meet.

use std::collections::BTreeMap;

use bytes::Bytes;
use chatroom::id::Seq;
use chatroom::room::{Actor, Command, Create, Enter, Op, Origin, Recall};
use chatroom::wire::pb;

use super::commands::{ACCOUNTS, DEVICES, PLACES, Source, actor, actor_of, create};
use super::{APP, Accepted, Conn, Model, ROOM};

impl Source {
    pub fn create(&mut self) -> Create {
        Create {
            name: if self.one_in(10) { self.text(128) } else { "hall".into() },
            announcement: self.maybe_text(4096),
            broadcast_url: self.text(1024),
            ext: self.text(4096),
            queue_level: if self.one_in(20) { 2 } else { u32::from(self.one_in(4)) },
            silent_in_out: self.one_in(6),
            ..create()
        }
    }

    pub fn enter(&mut self, model: &Model) -> Command {
        let (account, place) = (self.of(&ACCOUNTS), self.rng.usize(0..PLACES));
        let mut actor = actor(account, Some(place), Origin::Member);
        let nick = if actor.anonymous && !self.one_in(10) { "guest".into() } else { self.text(64) };
        let request = pb::RoomEnterRequest {
            room_id: ROOM,
            nick,
            avatar: if self.one_in(4) { self.text(1024) } else { String::new() },
            ext: if self.one_in(4) { self.text(4096) } else { String::new() },
            enter_ext: self.notify_ext(2048),
            ..self.place()
        };
        let mut enter = Enter {
            app_key: if self.one_in(80) { "other".into() } else { APP.into() },
            account_nick: if actor.anonymous { String::new() } else { account.to_uppercase() },
            account_avatar: if actor.anonymous { String::new() } else { format!("https://{account}") },
            device_id: DEVICES[place].into(),
            custom_client_type: if self.one_in(3) { self.rng.u32(1..3) } else { 0 },
            ..Enter::from_request(request)
        };
        // Who was lost comes back, on a new connection of the same device.
        let lost: Vec<&Conn> =
            model.conns.iter().filter(|conn| Some(conn.id) != actor.connection && (conn.detached || self.one_in(12))).collect();
        if !lost.is_empty() && self.rng.bool() {
            let old = lost[self.rng.usize(0..lost.len())];
            if old.account == account || self.one_in(20) {
                enter.replaces = Some(old.id);
                if old.account == account {
                    enter.device_id = old.device;
                    enter.custom_client_type = old.custom;
                    actor.client_type = old.client_type;
                }
            }
        }
        Command { actor, op: Op::Enter(Box::new(enter)) }
    }

    /// A connection is lost, or its grace is over.
    pub fn lose(&mut self, model: &Model) -> Command {
        let lost: Vec<&Conn> = model.conns.iter().filter(|conn| conn.detached).collect();
        if !lost.is_empty() && self.rng.bool() {
            let conn = lost[self.rng.usize(0..lost.len())];
            return Command { actor: Actor { origin: Origin::Server, ..actor_of(conn) }, op: Op::Exit };
        }
        let actor = self.actor(model, false);
        Command { actor: Actor { origin: Origin::Server, ..actor }, op: Op::Detach }
    }

    pub fn update(&mut self) -> pb::RoomUpdateRequest {
        pb::RoomUpdateRequest {
            room_id: ROOM,
            name: self.maybe_text(128),
            announcement: self.maybe_text(4096),
            broadcast_url: self.maybe_text(1024),
            ext: self.maybe_text(4096),
            queue_level: self.one_in(3).then(|| if self.one_in(10) { 2 } else { u32::from(self.one_in(3)) }),
            silent: self.one_in(4),
            notify_ext: self.notify_ext(2048),
            moderation_id: None,
            in_out_notification: self.one_in(4).then(|| !self.one_in(3)),
        }
    }

    pub fn set_role(&mut self, model: &Model) -> pb::MemberSetRoleRequest {
        let mut account = if self.rng.bool() { self.present(model) } else { self.account() };
        // A role is given to registered accounts only; the room knows others while they are here.
        if account.starts_with("anon") && !model.is_here(&account) {
            account = "nobody".into();
        }
        pb::MemberSetRoleRequest {
            room_id: ROOM,
            account,
            change: if self.one_in(50) { self.of(&[0, 5, -1]) } else { self.rng.i32(1..5) },
            set: self.rng.bool(),
            level: self.of(&[0, 0, 1, 7, u32::MAX]),
            notify_ext: self.notify_ext(2048),
        }
    }

    pub fn message(&mut self, model: &Model) -> pb::MessageSendRequest {
        let kind = match self.rng.u32(0..20) {
            0 => self.of(&[5, 11, 7, 20, -1, 101]),
            1 => self.of(&[1, 2, 3, 6]),
            2 => 4,
            3 => 10,
            4 | 5 => 100,
            _ => 0,
        };
        let attach = match kind {
            4 => self
                .of(&[
                    "{\"lng\":13.4,\"lat\":52.5,\"title\":\"t\"}",
                    "{\"lng\":-180,\"lat\":90,\"title\":\"t\"}",
                    "{\"lng\":180.1,\"lat\":0,\"title\":\"t\"}",
                    "{\"lng\":1}",
                ])
                .to_owned(),
            1 | 2 | 3 | 6 => self.of(&["{}", "{\"url\":\"u\"}", "[]", "", "{"]).to_owned(),
            _ => self.notify_ext(4096),
        };
        let mut body = self.text(4096);
        if body.is_empty() && !self.one_in(10) {
            body = "hello".into();
        }
        pb::MessageSendRequest {
            room_id: ROOM,
            message_id: match self.rng.u32(0..80) {
                0 => String::new(),
                1 => "é".repeat(64),
                2 => "é".repeat(65),
                number => format!("m{}", number % 6),
            },
            r#type: kind,
            body: if self.one_in(150) { Bytes::from_static(b"\xff") } else { body.into() },
            attach: attach.into(),
            ext: self.notify_ext(4096).into(),
            sub_type: if self.one_in(6) { self.rng.u32(..) } else { 0 },
            resend: self.one_in(3),
            skip_history: self.one_in(5),
            abandon_ratio: self.one_in(8).then(|| self.of(&[0, 1, 5000, 9999, 10_000])),
            to_accounts: match self.rng.u32(0..40) {
                0..=3 => (0..self.rng.usize(1..4)).map(|_| self.present(model)).collect(),
                4 if self.one_in(4) => vec!["mia".into(); 100],
                4 if self.one_in(3) => vec!["mia".into(); 101],
                _ => Vec::new(),
            },
            notify_target_tags: if self.one_in(4) { Some(self.expression()) } else { None },
            high_priority: self.one_in(2),
            high_priority_resend: if self.one_in(4) { Some(self.rng.bool()) } else { None },
            at: if self.one_in(5) { Some(self.point()) } else { None },
            ..Default::default()
        }
    }

    /// What an entry says about tags and places.
    pub fn place(&mut self) -> pb::RoomEnterRequest {
        if self.rng.bool() {
            return pb::RoomEnterRequest::default();
        }
        pb::RoomEnterRequest {
            tags: self.tag_list(),
            notify_target_tags: self.one_in(4).then(|| self.expression()),
            location: self.one_in(3).then(|| self.location()),
            ..Default::default()
        }
    }

    pub fn recall(&mut self, model: &Model, actor: &Actor) -> Recall {
        let own: Vec<&Accepted> = model.accepted.iter().filter(|one| one.from == actor.account.as_str()).collect();
        let recent: Vec<&Accepted> = model.accepted.iter().collect();
        let among = if !own.is_empty() && self.rng.bool() { &own } else { &recent };
        let notify_ext = self.notify_ext(1024);
        if among.is_empty() || self.one_in(8) {
            let request = pb::MessageRecallRequest {
                room_id: ROOM,
                message_id: self.of(&["m1", "m2", ""]).into(),
                time_ms: model.now,
                from: self.account(),
                notify_ext,
            };
            return Recall { request, seq: None };
        }
        let one = among[self.rng.usize(0..among.len())];
        let request = pb::MessageRecallRequest {
            room_id: ROOM,
            message_id: one.id.clone(),
            time_ms: one.time,
            from: one.from.clone(),
            notify_ext,
        };
        // The log has what was taken back for a moment longer, and no more after that.
        let is_gone = model.recalled.get(&one.seq).is_some_and(|when| self.now - when > 59_000);
        Recall { request, seq: (!is_gone).then_some(Seq(one.seq)) }
    }

    pub fn pairs(&mut self, keys: &[&str], key_max: usize, value_max: usize, most: usize) -> BTreeMap<String, String> {
        let count = if self.one_in(40) { most + 1 } else { self.rng.usize(1..4) };
        let mut pairs = BTreeMap::new();
        for number in 0..count {
            let key = match self.rng.u32(0..60) {
                0 => "k".repeat(key_max),
                1 => "k".repeat(key_max + 1),
                2 => String::new(),
                _ if count > most => format!("k{number}"),
                _ => self.of(keys).into(),
            };
            let value = match self.rng.u32(0..30) {
                0 | 1 => "v".repeat(value_max),
                2 => "v".repeat(value_max + 1),
                3..=6 => String::new(),
                7..=9 => "v".repeat(value_max / 2),
                _ => self.of(&["1", "2"]).into(),
            };
            pairs.insert(key, value);
        }
        if self.one_in(60) {
            pairs.clear();
        }
        pairs
    }

    pub fn attribute_keys(&mut self) -> Vec<String> {
        let count = if self.one_in(40) { self.of(&[0, 20, 21]) } else { self.rng.usize(1..4) };
        (0..count).map(|_| self.of(&["a", "b", "c", "d", "e", "f"]).to_owned()).collect()
    }

    pub fn attributes(&mut self, model: &Model) -> Op {
        const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
        let (force, update_owner, delete_after_owner_left) = (self.one_in(3), self.rng.bool(), self.rng.bool());
        match self.rng.u32(0..12) {
            0..=3 => Op::SetAttributes(pb::AttributesSetRequest {
                room_id: ROOM,
                attributes: self.pairs(&KEYS, 16, 1024, 20),
                force,
                update_owner,
                delete_after_owner_left,
            }),
            4 | 5 => Op::DeleteAttributes(pb::AttributesDeleteRequest { room_id: ROOM, keys: self.attribute_keys(), force }),
            6 | 7 => {
                let count = if self.one_in(40) { self.of(&[0, 50, 51]) } else { self.rng.usize(1..4) };
                let operations = (0..count)
                    .map(|_| match self.rng.u32(0..40) {
                        0 => pb::AttributesOperation::default(),
                        1..=15 => pb::AttributesOperation { delete: self.attribute_keys(), ..Default::default() },
                        _ => pb::AttributesOperation { set: self.pairs(&KEYS, 16, 1024, 20), ..Default::default() },
                    })
                    .collect();
                Op::BatchAttributes(pb::AttributesBatchRequest {
                    room_id: ROOM,
                    operations,
                    force,
                    update_owner,
                    delete_after_owner_left,
                })
            }
            _ => {
                let count = if self.one_in(60) { self.of(&[0, 100, 101]) } else { self.rng.usize(1..4) };
                Op::SetMemberAttributes(Box::new(pb::MemberAttributesSetRequest {
                    room_id: ROOM,
                    accounts: (0..count).map(|_| self.present(model)).collect(),
                    attributes: self.pairs(&KEYS, 8, 64, 30),
                    force,
                    delete_after_owner_left: self.of(&[None, Some(true), Some(false)]),
                }))
            }
        }
    }

    pub fn tag(&mut self) -> String {
        match self.rng.u32(0..120) {
            0 => String::new(),
            1 => "é".repeat(32),
            2 => "é".repeat(33),
            3 => "a\u{7}".into(),
            4 => "quo\"te".into(),
            _ => self.of(&["a", "b", "ab", "a1"]).into(),
        }
    }

    pub fn tag_list(&mut self) -> Vec<String> {
        let count = if self.one_in(60) { self.of(&[10, 11]) } else { self.rng.usize(0..4) };
        (0..count).map(|_| self.tag()).collect()
    }

    pub fn expression(&mut self) -> String {
        const TEXTS: [&str; 30] = [
            "",
            "{\"tag\":\"a\"}",
            "{\"tag\": \"b\"}",
            "{tag:\"ab\"}",
            "{\"tag\":\"a\"} and {\"tag\":\"b\"}",
            "{\"tag\":\"a\"} or {\"tag\":\"b\"} and {\"tag\":\"ab\"}",
            "({\"tag\":\"a\"}or{\"tag\":\"b\"})AND{\"tag\":\"ab\"}",
            "not {\"tag\":\"a\"}",
            "NOT not {\"tag\":\"a\"}",
            "not({\"tag\":\"a\"} or {\"tag\":\"b\"})",
            "{\"tag\":\"a.*\",\"matchType\":\"regex\"}",
            "{\"matchType\":\"regex\",\"tag\":\".*\"}",
            "{tag:\"b|a1\",matchType:\"regex\"}",
            "{\"tag\":\"a\",\"matchType\":\"exact\"}",
            "not {\"tag\":\".*\",\"matchType\":\"regex\"}",
            "{\"tag\":\"a\"} or not {\"tag\":\"b\"} and {\"tag\":\"ab\"}",
            "{\"tag\":\"quo\\\"te\"}",
            "(((((((({\"tag\":\"a\"}))))))))",
            "((((((((({\"tag\":\"a\"})))))))))",
            "{\"tag\":\"\"}",
            "{\"tag\":\"a\"",
            "{\"tag\":\"a\"} {\"tag\":\"b\"}",
            "{\"tag\":\"a\"} and",
            "{\"name\":\"a\"}",
            "{\"matchType\":\"regex\"}",
            "{\"tag\":\"*\",\"matchType\":\"regex\"}",
            "{\"tag\":\"(\",\"matchType\":\"regex\"}",
            "{\"tag\":\"a\",\"matchType\":\"glob\"}",
            "a",
            "()",
        ];
        let right = 18;
        match self.rng.u32(0..100) {
            0 => format!("{{\"tag\":\"{}\"}}", "x".repeat(118)),
            1 => format!("{{\"tag\":\"{}\"}}", "x".repeat(119)),
            2..=9 => TEXTS[self.rng.usize(right..TEXTS.len())].into(),
            _ => TEXTS[self.rng.usize(0..right)].into(),
        }
    }

    pub fn number(&mut self) -> f64 {
        if self.one_in(80) {
            return self.of(&[f64::NAN, f64::INFINITY, -1.0]);
        }
        self.of(&[0.0, 0.0, 3.0, 4.0, 5.0, 12.0])
    }

    pub fn point(&mut self) -> pb::Point {
        pb::Point { x: self.number(), y: self.number(), z: self.number() }
    }

    pub fn location(&mut self) -> pb::Location {
        pb::Location {
            x: self.rng.bool().then(|| self.number()),
            y: self.rng.bool().then(|| self.number()),
            z: self.rng.bool().then(|| self.number()),
            distance: self.rng.bool().then(|| self.number()),
            enabled: self.rng.bool().then(|| !self.one_in(4)),
        }
    }

    pub fn tags(&mut self) -> Op {
        match self.rng.u32(0..10) {
            0..=3 => Op::UpdateTags(Box::new(pb::MemberUpdateTagsRequest {
                room_id: ROOM,
                tags: self.tag_list(),
                set_tags: !self.one_in(4),
                notify_target_tags: self.one_in(3).then(|| self.expression()),
                notify: self.rng.bool(),
                notify_ext: self.notify_ext(2048),
            })),
            4..=6 => Op::UpdateLocation(pb::MemberUpdateLocationRequest {
                room_id: ROOM,
                location: (!self.one_in(30)).then(|| self.location()),
            }),
            _ => Op::TagTempMute(pb::MemberTagTempMuteRequest {
                room_id: ROOM,
                tag: self.tag(),
                seconds: self.of(&[0, 0, 1, 5, 60, 2_592_000, 2_592_001]),
                silent: self.one_in(4),
                notify_ext: self.notify_ext(2048),
                notify_target_tags: self.one_in(3).then(|| self.expression()),
            }),
        }
    }

    pub fn key(&mut self) -> String {
        match self.rng.u32(0..60) {
            0 => String::new(),
            1 => "k".repeat(128),
            2 => "k".repeat(129),
            3 => "é".repeat(65),
            _ => self.of(&["a", "b", "c", "d", "e"]).into(),
        }
    }

    pub fn value(&mut self) -> Bytes {
        match self.rng.u32(0..120) {
            0 => "v".repeat(4096).into(),
            1 => "v".repeat(4097).into(),
            2 => Bytes::from_static(b"\xff"),
            _ => self.of(&["", "1", "2"]).into(),
        }
    }

    pub fn owner(&mut self, model: &Model) -> String {
        if self.one_in(5) { self.present(model) } else { String::new() }
    }

    pub fn elements(&mut self, model: &Model) -> Vec<pb::QueueElement> {
        let count = if self.one_in(100) { self.of(&[100, 101]) } else { self.rng.usize(0..4) };
        let names_owner = self.one_in(6);
        (0..count)
            .map(|_| pb::QueueElement {
                key: self.key(),
                value: self.value(),
                owner: if names_owner { self.owner(model) } else { String::new() },
                transient: self.one_in(3),
            })
            .collect()
    }

    pub fn queue(&mut self, model: &Model) -> Op {
        match self.rng.u32(0..20) {
            0..=8 => Op::QueueOffer(Box::new(pb::QueueOfferRequest {
                room_id: ROOM,
                key: self.key(),
                value: self.value(),
                transient: self.rng.bool(),
                owner: self.owner(model),
            })),
            9..=13 => {
                let key = if self.one_in(3) { String::new() } else { self.key() };
                Op::QueuePoll(pb::QueuePollRequest { room_id: ROOM, key })
            }
            14 | 15 => Op::QueueBatchOffer(pb::QueueBatchOfferRequest {
                room_id: ROOM,
                elements: self.elements(model),
                notify: self.rng.bool(),
                notify_ext: self.notify_ext(2048),
            }),
            16 | 17 => Op::QueueChange(pb::QueueChangeRequest {
                room_id: ROOM,
                elements: self.elements(model),
                notify: self.rng.bool(),
                notify_ext: if self.one_in(4) { self.text(2048) } else { "why".into() },
            }),
            18 => Op::QueueInit(pb::QueueInitRequest {
                room_id: ROOM,
                size_limit: if self.one_in(6) { None } else { Some(self.of(&[0, 2, 3, 4, 1000, 1001])) },
            }),
            _ => Op::QueueDrop(pb::QueueDropRequest { room_id: ROOM }),
        }
    }
}
