//! A second room, written from chatroom.md (§a – §i) alone: plain maps, full scans, no cleverness. What it says and what `room::Room`
//! says must agree, command by command.

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
pub mod questions;
pub mod queue;
pub mod recall;
pub mod requests;
pub mod robots;
pub mod rules;
pub mod shown;
pub mod shrink;
pub mod tags;
pub mod timed;

use std::collections::{BTreeMap, BTreeSet};

use chatroom::error::{Code, Sub};
use chatroom::id::{ConnId, DeviceId, RoomId};
use chatroom::room::{Command, Op, Presence, Settings};
use chatroom::wire::pb::{self, KickReason};
use chatroom::wire::{Push, Response};

use rules::Class;

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
    /// When the last of all entered.
    pub last_enter: i64,
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
            last_enter: 0,
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
}

pub fn room_id(of_client: bool) -> RoomId {
    if of_client { RoomId::of_client(ROOM.unsigned_abs() << 2) } else { RoomId::new(ROOM).expect("it is positive") }
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
