//! Commands and questions from a seed: few accounts, few keys, few ids, so that they meet; mostly what is allowed, sometimes what
//! is not, now and then at a limit or one above it.

use chatroom::id::{AccountId, ConnId};
use chatroom::room::command::{AddRobots, RemoveRobots, RobotProfile};
use chatroom::room::{Actor, Command, Create, Op, Origin, Query};
use chatroom::wire::pb;

use super::{APP, Conn, Model, ROOM};

pub const ACCOUNTS: [&str; 10] = ["boss", "ada", "abe", "mia", "max", "vic", "val", "gag", "anon_1", "anon_2"];
/// Connections each account has at hand.
pub const PLACES: usize = 4;
pub const CLIENT_TYPES: [u32; PLACES] = [1, 16, 1, 4];
/// The third connection is the device of the first; the fourth does not say.
pub const DEVICES: [&str; PLACES] = ["phone", "web", "phone", ""];

/// One step of a room's life.
#[derive(Clone, Debug)]
pub struct Step {
    /// Milliseconds that pass before it.
    pub advance: i64,
    pub random: u64,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    Command(Command),
    Query(Actor, Query),
}

pub fn actor(account: &str, place: Option<usize>, origin: Origin) -> Actor {
    let number = ACCOUNTS.iter().position(|name| *name == account).unwrap_or(ACCOUNTS.len());
    let connection = place.map(|place| {
        let number = u32::try_from(number * PLACES + place + 1).expect("few connections");
        ConnId::new(0, number, number)
    });
    let account_id = AccountId::parse(account).expect("the names are well-formed");
    Actor {
        connection,
        origin,
        anonymous: account.starts_with("anon"),
        client_type: place.map_or(32, |place| CLIENT_TYPES[place]),
        ..Actor::http(account_id)
    }
}

pub fn actor_of(conn: &Conn) -> Actor {
    Actor {
        connection: Some(conn.id),
        origin: Origin::Member,
        anonymous: conn.anonymous,
        client_type: conn.client_type,
        ..Actor::http(AccountId::parse(&conn.account).expect("the names are well-formed"))
    }
}

pub fn create() -> Create {
    Create {
        app_key: APP.into(),
        creator: AccountId::parse("boss").expect("the name is well-formed"),
        name: "hall".into(),
        announcement: None,
        broadcast_url: String::new(),
        ext: String::new(),
        queue_level: 0,
        moderation_id: String::new(),
        silent_in_out: false,
    }
}

/// Where commands come from.
pub struct Source {
    pub rng: fastrand::Rng,
    /// When the step happens that is being made.
    pub now: i64,
}

impl Source {
    pub fn one_in(&mut self, count: u32) -> bool {
        self.rng.u32(0..count) == 0
    }

    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.rng.usize(0..choices.len())]
    }

    /// A text of at most `max` characters, rarely one more.
    pub fn text(&mut self, max: usize) -> String {
        match self.rng.u32(0..200) {
            0 => "é".repeat(max),
            1 => "é".repeat(max + 1),
            2 => "x".repeat(max),
            3..=39 => String::new(),
            _ => self.of(&["one", "two", "three"]).into(),
        }
    }

    pub fn maybe_text(&mut self, max: usize) -> Option<String> {
        self.rng.bool().then(|| self.text(max))
    }

    pub fn notify_ext(&mut self, max: usize) -> String {
        if self.one_in(4) { self.text(max) } else { String::new() }
    }

    /// An account's name as a request spells it.
    pub fn account(&mut self) -> String {
        match self.rng.u32(0..60) {
            0 => String::new(),
            1 => "a".repeat(33),
            2 => "no body".into(),
            3 => "MIA".into(),
            4 => "nobody".into(),
            _ => self.of(&ACCOUNTS).into(),
        }
    }

    /// An account that is here, preferably.
    pub fn present(&mut self, model: &Model) -> String {
        if model.conns.is_empty() || self.one_in(4) {
            return self.account();
        }
        model.conns[self.rng.usize(0..model.conns.len())].account.clone()
    }

    pub fn advance(&mut self) -> i64 {
        match self.rng.u32(0..1000) {
            0..=299 => 0,
            300..=799 => self.rng.i64(1..150),
            800..=939 => self.rng.i64(150..3_000),
            940..=979 => self.rng.i64(3_000..40_000),
            980..=994 => self.rng.i64(40_000..700_000),
            995..=998 => self.of(&[600_000, 600_001, 120_000, 120_001, 30_000, 30_001, 1000]),
            _ => self.rng.i64(700_000..100_000_000),
        }
    }

    /// Who acts: mostly somebody who is here and has power, seldom somebody who is not.
    pub fn actor(&mut self, model: &Model, wants_power: bool) -> Actor {
        let mut actor = match self.rng.u32(0..100) {
            0..=9 => {
                // HTTP acts for registered accounts only.
                let account = if self.rng.bool() { "boss" } else { self.of(&ACCOUNTS[..8]) };
                actor(account, None, Origin::Http)
            }
            10..=15 => {
                let (account, place) = (self.of(&ACCOUNTS), self.rng.usize(0..PLACES));
                actor(account, Some(place), Origin::Member)
            }
            _ => {
                let here: Vec<&Conn> = model.conns.iter().filter(|conn| !conn.detached).collect();
                let strong: Vec<&Conn> = here.iter().copied().filter(|conn| model.class(&conn.account).is_manager()).collect();
                let among = if wants_power && !strong.is_empty() && !self.one_in(4) { &strong } else { &here };
                match among.is_empty() {
                    true => actor(self.of(&ACCOUNTS), Some(0), Origin::Member),
                    false => actor_of(among[self.rng.usize(0..among.len())]),
                }
            }
        };
        actor.globally_muted = if actor.account.as_str() == "gag" { self.one_in(3) } else { self.one_in(80) };
        actor
    }

    pub fn step(&mut self, model: &Model) -> Step {
        let advance = self.advance_to_end(model).unwrap_or_else(|| self.advance());
        let random = self.rng.u64(..);
        self.now = model.now + advance;
        let what = if self.one_in(10) {
            let actor = self.actor(model, false);
            What::Query(actor, self.query(model))
        } else {
            What::Command(if model.of_client { self.command_of_client(model) } else { self.command(model) })
        };
        Step { advance, random, what }
    }

    fn command(&mut self, model: &Model) -> Command {
        if !model.exists && self.one_in(3) {
            return Command { actor: actor("boss", None, Origin::Http), op: Op::Create(Box::new(self.create())) };
        }
        if !model.open && self.one_in(4) {
            return Command { actor: actor("boss", None, Origin::Http), op: Op::Reopen };
        }
        if model.exists && model.open && model.conns.len() < 3 && self.rng.bool() {
            return self.enter(model);
        }
        self.lasting_command(model)
    }

    /// A command to a room made over HTTP, or what somebody may take for one.
    pub fn lasting_command(&mut self, model: &Model) -> Command {
        let with = |actor: Actor, op: Op| Command { actor, op };
        match self.rng.u32(0..1000) {
            0..=129 => self.enter(model),
            130..=179 => with(self.actor(model, false), Op::Exit),
            180..=209 => self.lose(model),
            210..=219 => self.put_out(model),
            220..=225 => {
                let robots = if self.one_in(3) {
                    let count = self.rng.usize(0..4);
                    let mut names: Vec<AccountId> =
                        (0..count).filter_map(|_| AccountId::parse(self.of(&ACCOUNTS[..8])).ok()).collect();
                    names.sort();
                    names.dedup();
                    Op::RemoveRobots(RemoveRobots { accounts: self.one_in(3).then_some(names), silent: self.rng.bool() })
                } else {
                    let mut robots: Vec<(AccountId, RobotProfile)> = Vec::new();
                    for _ in 0..self.rng.usize(0..4) {
                        let name = self.of(&ACCOUNTS[1..8]);
                        let account = AccountId::parse(name).expect("the names are well-formed");
                        let profile = RobotProfile { nick: name.to_uppercase(), avatar: format!("https://{name}") };
                        if robots.iter().all(|robot| robot.0 != account) {
                            robots.push((account, profile));
                        }
                    }
                    let (ext, notify_ext) = (self.notify_ext(4096), self.notify_ext(2048));
                    Op::AddRobots(Box::new(AddRobots { robots, ext, notify_ext }))
                };
                with(actor("boss", None, Origin::Http), robots)
            }
            246..=249 => {
                let request = pb::DelayClose {
                    policy: self.of(&[0, 1, 1, 2, 2, 2, 3]),
                    delay_seconds: self.of(&[0, 1, 5, 30, 300, 604_800, 604_801]),
                    start_time_ms: 0,
                };
                with(actor("boss", None, Origin::Http), Op::DelayClose(request))
            }
            226..=245 => {
                let actor = self.actor(model, true);
                with(actor, Op::Update(Box::new(self.update())))
            }
            250 | 251 => {
                let actor = self.actor(model, true);
                with(actor, Op::Close(pb::RoomCloseRequest { room_id: ROOM, notify_ext: self.notify_ext(2048) }))
            }
            252 | 253 => with(actor("boss", None, Origin::Http), Op::Reopen),
            254 => with(actor("boss", None, Origin::Http), Op::Create(Box::new(self.create()))),
            255..=274 => {
                let actor = self.actor(model, true);
                let request = pb::RoomMuteRequest {
                    room_id: ROOM,
                    mute: self.one_in(3),
                    silent: self.one_in(4),
                    notify_ext: self.notify_ext(2048),
                };
                with(actor, Op::MuteRoom(request))
            }
            275..=424 => {
                let actor = self.actor(model, true);
                with(actor, Op::SetRole(self.set_role(model)))
            }
            425..=454 => {
                let actor = self.actor(model, true);
                let request =
                    pb::MemberKickRequest { room_id: ROOM, account: self.present(model), notify_ext: self.notify_ext(2048) };
                with(actor, Op::Kick(request))
            }
            455..=514 => {
                let actor = self.actor(model, true);
                let request = pb::MemberTempMuteRequest {
                    room_id: ROOM,
                    account: self.present(model),
                    seconds: self.of(&[0, 0, 1, 2, 5, 60, 60, 600, 2_592_000, 2_592_001]),
                    silent: self.one_in(4),
                    notify_ext: self.notify_ext(2048),
                };
                with(actor, Op::TempMute(request))
            }
            515..=554 => {
                let actor = self.actor(model, false);
                with(actor, Op::UpdateSelf(Box::new(self.update_self())))
            }
            555..=614 => {
                let op = self.tags();
                let wants_power = matches!(op, Op::TagTempMute(_));
                let mut actor = self.actor(model, wants_power);
                if actor.origin == Origin::Http && !wants_power {
                    actor.origin = Origin::Member;
                }
                with(actor, op)
            }
            615..=654 => {
                let actor = self.actor(model, self.rng.clone().bool());
                with(actor.clone(), Op::Recall(Box::new(self.recall(model, &actor))))
            }
            655..=704 => {
                let actor = self.actor(model, false);
                with(actor, self.attributes(model))
            }
            705..=799 => {
                let actor = self.actor(model, false);
                with(actor, Op::Send(Box::new(self.message(model))))
            }
            _ => {
                let op = self.queue(model);
                let wants_power = matches!(op, Op::QueueDrop(_) | Op::QueueInit(_)) || model.queue_level == 1;
                with(self.actor(model, wants_power), op)
            }
        }
    }
}
