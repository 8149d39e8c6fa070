//! A second room, written from chatroom.md alone: plain maps, full scans, no cleverness. What it says and what `room::Room` says
//! must agree, command by command.

pub mod attributes;
pub mod client_commands;
pub mod client_rooms;
pub mod commands;
pub mod devices;
pub mod enter;
pub mod expressions;
pub mod life;
pub mod members;
pub mod messages;
pub mod profile;
pub mod queries;
pub mod queue;
pub mod recall;
pub mod requests;
pub mod robots;
pub mod rules;
pub mod tags;
pub mod timed;

use std::collections::{BTreeMap, BTreeSet};

use chatroom::error::{Code, Sub};
use chatroom::id::{ConnId, DeviceId, RoomId};
use chatroom::room::{Actor, Command, Op, Origin, Presence, Settings};
use chatroom::wire::pb::{self, KickReason, MemberType, NotificationType};
use chatroom::wire::{Push, Response};

use rules::{Class, Right};

pub const ROOM: i64 = 7;
pub const EPOCH: u64 = 5;
pub const APP: &str = "app";

/// A refusal: what is compared of a status.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    pub code: Code,
    pub sub: i32,
    /// With 416: how long to wait.
    pub retry: Option<u32>,
}

impl Refusal {
    pub fn code(code: Code) -> Refusal {
        Refusal { code, sub: 0, retry: None }
    }

    pub fn sub(code: Code, sub: Sub) -> Refusal {
        Refusal { code, sub: sub.number(), retry: None }
    }

    pub fn bad() -> Refusal {
        Refusal::code(Code::BadParameter)
    }
}

/// A kick without the words for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kicked {
    pub connection: ConnId,
    pub reason: KickReason,
    pub ext: String,
    pub may_reconnect: bool,
}

/// What a command has to come to.
#[derive(Clone, PartialEq, Debug)]
pub struct Want {
    pub reply: Response,
    pub push: Option<Push>,
    /// Who hears the push; empty without one.
    pub receivers: BTreeSet<ConnId>,
    pub durable: bool,
    pub in_history: bool,
    pub presence: Vec<Presence>,
    pub kicks: Vec<Kicked>,
    pub departed: Vec<String>,
    pub resent: Vec<pb::Message>,
    /// Account and name of each consequence, sorted.
    pub follow_ups: Vec<(String, &'static str)>,
}

impl Want {
    pub fn reply(reply: Response) -> Want {
        Want {
            reply,
            push: None,
            receivers: BTreeSet::new(),
            durable: false,
            in_history: false,
            presence: Vec::new(),
            kicks: Vec::new(),
            departed: Vec::new(),
            resent: Vec::new(),
            follow_ups: Vec::new(),
        }
    }

    pub fn durable(reply: Response) -> Want {
        Want { durable: true, ..Want::reply(reply) }
    }
}

pub type Verdict = Result<Want, Refusal>;

/// What an account shows in the room.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Profile {
    pub nick: String,
    pub avatar: String,
    pub ext: String,
}

/// A fixed member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fixed {
    pub class: Class,
    pub level: Option<u32>,
    pub profile: Profile,
    pub enter_time: i64,
    pub update_time: i64,
}

/// A connection in the room.
#[derive(Clone, PartialEq, Debug)]
pub struct Conn {
    pub id: ConnId,
    pub account: String,
    pub anonymous: bool,
    pub client_type: u32,
    pub custom: u32,
    pub device: DeviceId,
    pub entered: i64,
    pub detached: bool,
    pub tags: Vec<String>,
    /// What it said itself; absent means its default (§a.10).
    pub expression: Option<String>,
    pub location: pb::Location,
}

/// An element of the queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Element {
    pub key: String,
    pub value: Vec<u8>,
    pub owner: String,
    pub transient: bool,
}

/// A message that was accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    pub from: String,
    pub id: String,
    pub seq: u64,
    pub time: i64,
    pub high: bool,
}

/// What kind of room lives, and by which settings.
#[derive(Clone, Debug)]
pub struct World {
    pub settings: Settings,
    /// Made by a client (§c.6), not over HTTP.
    pub of_client: bool,
}

/// The room as the specification has it.
#[derive(Clone, Debug)]
pub struct Model {
    pub settings: Settings,
    pub of_client: bool,
    pub exists: bool,
    /// The application it belongs to.
    pub app: String,
    /// Of a room made by a client: its name, and the seconds it outlives its last member.
    pub alias: String,
    pub destroy_delay: u32,
    pub creator: String,
    pub name: String,
    pub announcement: Option<String>,
    pub broadcast_url: String,
    pub ext: String,
    pub queue_level: u32,
    pub moderation_id: String,
    pub in_out: bool,
    pub open: bool,
    pub muted: bool,
    pub created: i64,
    pub updated: i64,
    pub seq: u64,
    pub now: i64,
    pub random: u64,
    pub fixed: BTreeMap<String, Fixed>,
    pub temp_mutes: BTreeMap<String, i64>,
    pub tag_mutes: BTreeMap<String, i64>,
    /// In the order they entered.
    pub conns: Vec<Conn>,
    /// Of the accounts that are here.
    pub profiles: BTreeMap<String, Profile>,
    pub queue: Vec<Element>,
    pub queue_size: u32,
    pub accepted: Vec<Accepted>,
    /// Thousandths of a message each account may still send, and when that was so.
    pub buckets: BTreeMap<String, (i64, i64)>,
    pub intake: Option<(i64, i64)>,
    /// When messages were let through as high.
    pub high: Vec<i64>,
    pub robots: BTreeMap<String, robots::Robot>,
    pub delay: Option<pb::DelayClose>,
    /// Since when nobody is here.
    pub empty_since: Option<i64>,
    pub waiting: Vec<recall::Waiting>,
    /// Places of messages taken back, and when they were.
    pub recalled: BTreeMap<u64, i64>,
    pub attributes: attributes::Attributes,
    pub member_attributes: BTreeMap<String, attributes::Attributes>,
}

impl Model {
    pub fn new(settings: Settings, of_client: bool) -> Model {
        Model {
            settings,
            of_client,
            exists: false,
            app: String::new(),
            alias: String::new(),
            destroy_delay: 0,
            creator: String::new(),
            name: String::new(),
            announcement: None,
            broadcast_url: String::new(),
            ext: String::new(),
            queue_level: 0,
            moderation_id: String::new(),
            in_out: true,
            open: true,
            muted: false,
            created: 0,
            updated: 0,
            seq: 0,
            now: 0,
            random: 0,
            fixed: BTreeMap::new(),
            temp_mutes: BTreeMap::new(),
            tag_mutes: BTreeMap::new(),
            conns: Vec::new(),
            profiles: BTreeMap::new(),
            queue: Vec::new(),
            queue_size: 1000,
            accepted: Vec::new(),
            buckets: BTreeMap::new(),
            intake: None,
            high: Vec::new(),
            robots: BTreeMap::new(),
            delay: None,
            empty_since: None,
            waiting: Vec::new(),
            recalled: BTreeMap::new(),
            attributes: BTreeMap::new(),
            member_attributes: BTreeMap::new(),
        }
    }

    /// What the command has to come to; a refusal changes nothing.
    pub fn apply(&mut self, now: i64, random: u64, command: &Command) -> Verdict {
        self.now = now;
        self.random = random;
        let actor = &command.actor;
        self.check_family(&command.op)?;
        let may_go =
            matches!(command.op, Op::Exit | Op::Kick(_) | Op::KickDevices(_) | Op::Expel | Op::SetRole(_) | Op::Close(_));
        let before: Vec<Conn> = if may_go { self.conns.clone() } else { Vec::new() };
        let mut want = match &command.op {
            Op::Create(create) => self.create(create),
            Op::Enter(enter) => self.enter(actor, enter),
            Op::Open(open) => self.open(actor, open),
            Op::Destroy => self.destroy(actor),
            Op::KickDevices(request) => self.kick_devices(actor, request),
            Op::Expel => self.expel(actor),
            Op::Exit => self.exit(actor),
            Op::Detach => self.detach(actor),
            Op::Update(request) => self.update(actor, request),
            Op::Close(request) => self.close(actor, request),
            Op::DelayClose(request) => self.delay_close(actor, request),
            Op::AddRobots(request) => self.add_robots(actor, request),
            Op::RemoveRobots(request) => self.remove_robots(actor, request),
            Op::SeatRobot(seat) => self.seat_robot(actor, seat),
            Op::UnseatRobot { silent } => self.unseat_robot(actor, *silent),
            Op::Reopen => self.reopen(actor),
            Op::MuteRoom(request) => self.mute_room(actor, request),
            Op::SetRole(request) => self.set_role(actor, request),
            Op::Kick(request) => self.kick(actor, request),
            Op::TempMute(request) => self.temp_mute(actor, request),
            Op::TagTempMute(request) => self.tag_temp_mute(actor, request),
            Op::UpdateTags(request) => self.update_tags(actor, request),
            Op::UpdateLocation(request) => self.update_location(actor, request),
            Op::UpdateSelf(request) => self.update_self(actor, request),
            Op::Send(request) => self.send(actor, request),
            Op::Recall(recall) => self.recall(actor, recall),
            Op::SetAttributes(request) => self.set_attributes(actor, request),
            Op::DeleteAttributes(request) => self.delete_attributes(actor, request),
            Op::BatchAttributes(request) => self.batch_attributes(actor, request),
            Op::ClearOwnerAttributes => self.clear_owner_attributes(actor),
            Op::SetMemberAttributes(request) => self.set_member_attributes(actor, request),
            Op::ClearMemberAttributes => self.clear_member_attributes(actor),
            Op::QueueInit(request) => self.queue_init(actor, request),
            Op::QueueOffer(request) => self.queue_offer(actor, request),
            Op::QueueBatchOffer(request) => self.queue_batch_offer(actor, request),
            Op::QueuePoll(request) => self.queue_poll(actor, request),
            Op::QueueChange(request) => self.queue_change(actor, request),
            Op::QueueDrop(_) => self.queue_drop(actor),
            Op::QueueClearOwner => self.queue_clear_owner(actor),
            other => panic!("the model knows no {other:?}"),
        }?;
        if !self.conns.is_empty() || !self.robots.is_empty() {
            self.empty_since = None;
        } else if self.empty_since.is_none() {
            self.empty_since = Some(now);
        }
        if !want.presence.is_empty() {
            let mut departed: Vec<String> = before.into_iter().map(|conn| conn.account).collect();
            departed.sort();
            departed.dedup();
            departed.retain(|account| self.conns.iter().all(|conn| conn.account != *account));
            want.departed = departed;
        }
        if want.push.is_some() || want.durable {
            self.seq += 1;
        }
        // §c.6: the history of this family is off by default.
        want.in_history &= !self.of_client || self.settings.client_rooms_have_history;
        Ok(want)
    }

    /// The number of the room.
    pub fn id(&self) -> i64 {
        room_id(self.of_client).get()
    }

    /// Rows 4 and 5 of §c.0.
    pub fn check_open(&self) -> Result<(), Refusal> {
        if !self.exists {
            return Err(self.missing());
        }
        if !self.open {
            return Err(Refusal::sub(Code::RoomClosed, Sub::RoomClosed));
        }
        Ok(())
    }

    /// Rows 4 to 6 of §c.0. HTTP needs nobody in the room (§b, note 5).
    pub fn check_here(&self, actor: &Actor) -> Result<(), Refusal> {
        self.check_open()?;
        if actor.origin != Origin::Http && self.conn_of(actor).is_none() {
            return Err(Refusal::sub(Code::Forbidden, Sub::NotInRoom));
        }
        Ok(())
    }

    /// Row 8 of §c.0.
    pub fn check_not_blocked(&self, actor: &Actor) -> Result<(), Refusal> {
        match self.class_of(actor) {
            Class::Limited { blocked: true, .. } => Err(Refusal::sub(Code::Blocklisted, Sub::MemberBlocklisted)),
            _ => Ok(()),
        }
    }

    /// Rows 4 to 9 of §c.0.
    pub fn check_right(&self, actor: &Actor, right: Right) -> Result<(), Refusal> {
        self.check_here(actor)?;
        self.check_not_blocked(actor)?;
        rules::permitted(right, self.class_of(actor))
    }

    pub fn class_of(&self, actor: &Actor) -> Class {
        match self.fixed.get(actor.account.as_str()) {
            Some(fixed) => fixed.class,
            None if actor.anonymous => Class::Anonymous,
            None => Class::Visitor,
        }
    }

    /// §a.4: a robot without a role is shown as one.
    pub fn shown_type(&self, account: &str) -> MemberType {
        match self.class(account) {
            Class::Visitor if self.robots.contains_key(account) => MemberType::Virtual,
            class => member_type(class),
        }
    }

    /// What the account is, seen from the room.
    pub fn class(&self, account: &str) -> Class {
        match self.fixed.get(account) {
            Some(fixed) => fixed.class,
            None if self.conns.iter().any(|conn| conn.account == account && conn.anonymous) => Class::Anonymous,
            None => Class::Visitor,
        }
    }

    pub fn conn_of(&self, actor: &Actor) -> Option<&Conn> {
        self.conns.iter().find(|conn| Some(conn.id) == actor.connection && conn.account == actor.account.as_str())
    }

    pub fn is_here(&self, account: &str) -> bool {
        self.robots.contains_key(account) || self.conns.iter().any(|conn| conn.account == account)
    }

    pub fn online(&self) -> u64 {
        let connected = self.conns.iter().map(|conn| conn.account.as_str());
        connected.chain(self.robots.keys().map(String::as_str)).collect::<BTreeSet<_>>().len() as u64
    }

    pub fn temp_mute_left(&self, account: &str) -> u32 {
        self.temp_mutes.get(account).map_or(0, |until| seconds_left(*until, self.now))
    }

    pub fn profile(&self, account: &str) -> Profile {
        if let Some(profile) = self.profiles.get(account) {
            return profile.clone();
        }
        self.fixed.get(account).map(|fixed| fixed.profile.clone()).unwrap_or_default()
    }

    /// Every connection that is here.
    pub fn everybody(&self) -> BTreeSet<ConnId> {
        self.conns.iter().map(|conn| conn.id).collect()
    }

    pub fn notice(&self, kind: NotificationType, operator: &str, targets: &[&str], ext: &str) -> Box<pb::Notification> {
        Box::new(pb::Notification {
            room_id: self.id(),
            seq: self.seq + 1,
            time_ms: self.now,
            epoch: EPOCH,
            r#type: kind as i32,
            operator: operator.into(),
            operator_nick: self.profile(operator).nick,
            targets: targets.iter().map(|target| target.to_string()).collect(),
            target_nicks: targets.iter().map(|target| self.profile(target).nick).collect(),
            ext: ext.into(),
            ..Default::default()
        })
    }

    /// §a.4: the record of an account, if it has any relation to the room.
    pub fn member(&self, account: &str) -> Option<pb::Member> {
        let fixed = self.fixed.get(account);
        let here: Vec<&Conn> = self.conns.iter().filter(|conn| conn.account == account).collect();
        let robot = self.robots.get(account);
        if fixed.is_none() && here.is_empty() && robot.is_none() {
            return None;
        }
        let profile = self.profile(account);
        let class = self.class(account);
        let (blocked, muted) = match class {
            Class::Limited { blocked, muted } => (blocked, muted),
            _ => (false, false),
        };
        let earliest = here.iter().map(|conn| conn.entered).chain(robot.map(|robot| robot.since)).min();
        Some(pb::Member {
            account: account.into(),
            r#type: self.shown_type(account) as i32,
            level: fixed.and_then(|fixed| fixed.level),
            nick: profile.nick.clone(),
            avatar: profile.avatar.clone(),
            ext: profile.ext,
            online: !here.is_empty() || robot.is_some(),
            enter_time_ms: earliest.or(fixed.map(|fixed| fixed.enter_time)).unwrap_or(0),
            update_time_ms: fixed.map_or(0, |fixed| fixed.update_time),
            blocklisted: blocked,
            muted,
            temp_mute_seconds: self.temp_mute_left(account),
            robot: robot.is_some(),
            robot_expire_seconds: robot.map_or(0, |robot| seconds_left(robot.until, self.now)),
            tags: Vec::new(),
            notify_target_tags: String::new(),
            connections: here
                .iter()
                .map(|conn| pb::OnlineConnection {
                    nick: profile.nick.clone(),
                    avatar: profile.avatar.clone(),
                    enter_time_ms: conn.entered,
                    client_type: conn.client_type,
                    connection_id: conn.id.to_string(),
                })
                .collect(),
        })
    }

    /// §a.3.
    pub fn info(&self) -> pb::RoomInfo {
        pb::RoomInfo {
            room_id: self.id(),
            creator: self.creator.clone(),
            name: self.name.clone(),
            announcement: self.announcement.clone(),
            broadcast_url: self.broadcast_url.clone(),
            ext: self.ext.clone(),
            queue_level: self.queue_level,
            valid: self.open,
            muted: self.muted,
            in_out_notification: self.in_out,
            online_count: self.online(),
            create_time_ms: self.created,
            update_time_ms: self.updated,
            delay_close: self.delay,
            queue_size_limit: self.queue_size,
            moderation_id: self.moderation_id.clone(),
            alias: self.alias.clone(),
            destroy_delay_seconds: self.destroy_delay,
        }
    }

    /// Takes connections out; gives the accounts that are gone with them.
    pub fn remove(&mut self, gone: &[ConnId]) -> Vec<String> {
        let mut accounts: Vec<String> = Vec::new();
        let before = self.conns.clone();
        self.conns.retain(|conn| !gone.contains(&conn.id));
        for conn in before.iter().filter(|conn| gone.contains(&conn.id)) {
            if self.is_here(&conn.account) || accounts.contains(&conn.account) {
                continue;
            }
            self.profiles.remove(&conn.account);
            accounts.push(conn.account.clone());
        }
        accounts
    }

    /// What has to follow when the last connection of each account is gone.
    pub fn consequences(&self, departed: &[String]) -> Vec<(String, &'static str)> {
        // §c.6: of what goes with the room itself nothing is told.
        if !departed.is_empty() && self.of_client && self.conns.is_empty() && self.destroy_delay == 0 {
            return vec![(self.creator.clone(), "Destroy")];
        }
        let mut all = Vec::new();
        for account in departed {
            if self.queue.iter().any(|element| element.transient && element.owner == *account) {
                all.push((account.clone(), "QueueClearOwner"));
            }
        }
        for account in departed {
            if self.attributes.values().any(|attribute| attribute.transient && attribute.owner == *account) {
                all.push((account.clone(), "ClearOwnerAttributes"));
            }
            let own = self.member_attributes.get(account);
            if own.is_some_and(|own| own.values().any(|attribute| attribute.transient)) {
                all.push((account.clone(), "ClearMemberAttributes"));
            }
        }
        all.sort();
        all
    }
}

pub fn room_id(of_client: bool) -> RoomId {
    if of_client { RoomId::of_client(ROOM.unsigned_abs() << 2) } else { RoomId::new(ROOM).expect("it is positive") }
}

pub fn member_type(class: Class) -> MemberType {
    match class {
        Class::Creator => MemberType::Creator,
        Class::Administrator => MemberType::Administrator,
        Class::Common => MemberType::Common,
        Class::Visitor => MemberType::Visitor,
        Class::Anonymous => MemberType::Anonymous,
        Class::Limited { .. } => MemberType::Limited,
    }
}

/// Whole seconds until a moment, rounded up; 0 if it is past.
pub fn seconds_left(until: i64, now: i64) -> u32 {
    if until <= now { 0 } else { u32::try_from((until - now + 999) / 1000).unwrap_or(u32::MAX) }
}

pub fn chars(text: &str, max: usize) -> Result<(), Refusal> {
    if text.chars().count() > max { Err(Refusal::bad()) } else { Ok(()) }
}

pub fn chars_opt(text: &Option<String>, max: usize) -> Result<(), Refusal> {
    text.as_deref().map_or(Ok(()), |text| chars(text, max))
}

/// An account's name in lower case.
pub fn account(name: &str) -> Result<String, Refusal> {
    if name.is_empty() || name.len() > 32 || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Refusal::bad());
    }
    Ok(name.to_ascii_lowercase())
}
