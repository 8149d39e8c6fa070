//! Commands to a room made by a client: it fills and empties again and again, so that it ends and begins often.

use chatroom::id::AccountId;
use chatroom::room::{Actor, Command, Enter, Op, Open, Origin};
use chatroom::wire::pb;

use super::commands::{DEVICES, PLACES, Source};
use super::{APP, Conn, Model, ROOM};

const ALIAS: &str = "lobby";

impl Source {
    /// The name of the room, rarely another or none.
    fn alias(&mut self) -> String {
        match self.rng.u32(0..400) {
            0 => String::new(),
            1 => "a".repeat(32),
            2 => "a".repeat(33),
            3 => "~!@#$%^&*()_+=-`;',.<>/\\".into(),
            4 => "l\u{f6}bby".into(),
            5 => "two words".into(),
            6 => "other".into(),
            _ => ALIAS.into(),
        }
    }

    /// How a connection comes into a room made by a client.
    fn entering(&mut self, model: &Model) -> (Actor, Enter) {
        let Command { actor, op: Op::Enter(mut enter) } = self.enter(model) else { unreachable!("that is how one enters") };
        if !model.exists && !self.one_in(10) {
            enter.app_key = APP.into();
        }
        enter.over_quota = self.one_in(10);
        (actor, *enter)
    }

    fn open(&mut self, model: &Model) -> Command {
        let (actor, enter) = self.entering(model);
        let name = match self.rng.u32(0..60) {
            0 => "n".repeat(64),
            1 => "n".repeat(65),
            2 => "\u{e9}".repeat(33),
            number => ["", "The Lobby"][number as usize % 2].into(),
        };
        let mut attributes = Default::default();
        if self.one_in(4) {
            attributes = self.pairs(&["a", "b", "c", "d", "e", "f"], 16, 1024, 20);
        } else if self.one_in(40) {
            attributes = (0..6).map(|number| (format!("k{number}"), "v".repeat(self.of(&[100, 851, 852])))).collect();
        }
        let request = pb::RoomCreateRequest {
            alias: self.alias(),
            name,
            enter_existing: !self.one_in(4),
            destroy_delay_seconds: if self.one_in(60) { 3601 } else { self.of(&[0, 0, 1, 5, 60, 3600]) },
            attributes,
            enter: None,
        };
        Command { actor, op: Op::Open(Box::new(Open { request, enter, must_exist: self.one_in(8) })) }
    }

    fn join(&mut self, model: &Model) -> Command {
        let (actor, mut enter) = self.entering(model);
        if self.rng.bool() {
            enter.request.alias = self.alias();
        }
        Command { actor, op: Op::Enter(Box::new(enter)) }
    }

    fn come(&mut self, model: &Model) -> Command {
        if self.rng.bool() { self.open(model) } else { self.join(model) }
    }

    pub fn command_of_client(&mut self, model: &Model) -> Command {
        // Moods of the room: in one of three everybody is about to go.
        let is_emptying = model.seq / 48 % 3 == 2;
        if !model.exists && !self.one_in(5) {
            return self.open(model);
        }
        if is_emptying && self.rng.bool() {
            return self.go(model);
        }
        if model.conns.len() < 3 && !is_emptying && self.rng.bool() {
            return self.come(model);
        }
        match self.rng.u32(0..1000) {
            0..=119 if is_emptying => self.go(model),
            0..=119 => self.come(model),
            120..=159 => self.go(model),
            160..=199 => self.lose(model),
            200..=279 => self.lasting_command(model),
            280..=284 => Command { actor: Actor::server(AccountId::parse("boss").expect("well-formed")), op: Op::Destroy },
            285..=304 => self.put_out(model),
            305..=349 => {
                let request = self.update_self();
                Command { actor: self.actor(model, false), op: Op::UpdateSelf(Box::new(request)) }
            }
            350..=429 => {
                let mut actor = self.actor(model, false);
                actor.origin = Origin::Member;
                Command { actor, op: self.tags() }
            }
            430..=729 => Command { actor: self.actor(model, false), op: self.attributes(model) },
            _ => {
                let mut message = self.message(model);
                if self.one_in(5) {
                    message.r#type = pb::MessageType::Barrage as i32;
                }
                Command { actor: self.actor(model, false), op: Op::Send(Box::new(message)) }
            }
        }
    }

    /// Somebody leaves, or is found to be gone.
    fn go(&mut self, model: &Model) -> Command {
        let here: Vec<&Conn> = model.conns.iter().filter(|conn| !conn.detached).collect();
        if here.is_empty() || self.one_in(4) {
            self.lose(model)
        } else {
            Command { actor: self.actor(model, false), op: Op::Exit }
        }
    }

    /// Another device of the account wants to be alone, or the account is in too many rooms.
    pub fn put_out(&mut self, model: &Model) -> Command {
        let mut actor = self.actor(model, false);
        if self.one_in(4) {
            actor.origin = Origin::Server;
            // A robot is in no other room, and never in too many.
            if !model.robots.contains_key(actor.account.as_str()) {
                return Command { actor, op: Op::Expel };
            }
        }
        actor.origin = Origin::Member;
        if self.one_in(4) {
            actor = super::commands::actor(actor.account.as_str(), Some(self.rng.usize(0..PLACES)), Origin::Member);
        }
        let device_ids = match self.rng.u32(0..60) {
            0 => vec!["phone".into(); 100],
            1 => vec!["phone".into(); 101],
            2 => vec!["\u{e9}".repeat(65)],
            3 => vec!["phone".into(), "\u{e9}".repeat(64)],
            _ => (0..self.rng.usize(0..3)).map(|_| self.of(&DEVICES).to_owned()).collect(),
        };
        Command { actor, op: Op::KickDevices(pb::KickDevicesRequest { device_ids }) }
    }

    /// To the moment at which an empty room ends, or the one before.
    pub fn advance_to_end(&mut self, model: &Model) -> Option<i64> {
        let since = model.empty_since.filter(|_| model.of_client && model.exists && self.one_in(3))?;
        let end = since + i64::from(model.destroy_delay) * 1000;
        Some((end - self.rng.i64(0..2) - model.now).max(0))
    }

    pub fn update_self(&mut self) -> pb::MemberUpdateSelfRequest {
        pb::MemberUpdateSelfRequest {
            room_id: ROOM,
            nick: self.maybe_text(64),
            avatar: self.maybe_text(1024),
            ext: self.maybe_text(4096),
            silent: self.one_in(4),
            save: self.rng.bool(),
            notify_ext: self.notify_ext(2048),
        }
    }
}
