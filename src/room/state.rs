//! The room itself: its state, and the ways entries and questions come to it.
//!
//! Every operation has two halves. The first checks everything (chatroom.md §c.0) and may look at who is here; the second
//! changes the lasting state, cannot fail, and depends on nothing but the entry and the lasting state, so that it is also how
//! the log is replayed.

use super::entry::{Entry, Outcome};
use crate::planted::{self, Bug};
use crate::subject::{Actor, Boundaries, Lazy, Link, Origin, Stamp, vacant};
use std::sync::Arc;

use super::attributes::{Map, MemberAttributes};
use super::command::{Op, Query};
use super::dedup::Senders;
use super::expression::Expressions;
use super::permissions::{self, Class, Grant, Operation, Standing};
use super::presence::People;
use super::priority::Priority;
use super::queries::Queries;
use super::queue::Queue;
use super::rate::Bucket;
use super::recall::Recalled;
use super::roster::{Record, Role, Roster};
use super::settings::Settings;
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, ConnId, Epoch, RoomId, Seq, UnixMs};
use crate::wire::{Response, pb};

/// One room: a state machine over its log.
pub struct Room {
    pub(super) id: RoomId,
    /// A client made the room, or would make it (chatroom.md §c.6): the last to leave ends it.
    pub(super) is_of_client: bool,
    pub(super) settings: Arc<Settings>,
    pub(super) last_seq: Seq,
    pub(super) last_time: UnixMs,
    pub(super) last_clock: UnixMs,
    pub(super) epoch: Epoch,
    pub(super) app_key: Box<str>,
    /// Absent until the room is created.
    pub(super) creator: Option<AccountId>,
    /// The room's profile. The number of people in it is filled in when it is shown.
    pub(super) info: pb::RoomInfo,
    pub(super) roster: Roster,
    pub(super) people: Lazy<People>,
    pub(super) queue: Lazy<Queue>,
    pub(super) attributes: Lazy<Map>,
    pub(super) member_attributes: Lazy<MemberAttributes>,
    pub(super) queries: Lazy<Queries>,
    pub(super) senders: Lazy<Senders>,
    pub(super) intake: Bucket,
    /// Since when nobody is in the room, while nobody is. After loading the last time known.
    pub(super) empty_since: UnixMs,
    pub(super) priority: Lazy<Priority>,
    pub(super) recalled: Lazy<Recalled>,
    /// The entry with which the room began: what stands before it in the log is another's.
    pub(super) born: Seq,
    /// The last epochs in which the room got entries.
    pub(super) boundaries: Boundaries,
    /// The last entry that belongs in the log: presence has taken the numbers beyond it.
    pub(super) logged_seq: Seq,
    /// The epoch of that entry, if it was given its number since the room is in memory.
    logged_epoch: Epoch,
    pub(super) expressions: Expressions,
    /// Since when nobody was in the room when its state was written down.
    pub(super) left_before: Option<UnixMs>,
}

vacant!(People, Queue, Map, MemberAttributes, Queries, Senders, Priority, Recalled);

impl Room {
    /// A room that does not exist yet: until it is created, everything asked of it is 404.
    pub fn new(id: RoomId, settings: Arc<Settings>) -> Room {
        Room {
            id,
            is_of_client: id.is_of_client(),
            settings,
            last_seq: Seq::default(),
            last_time: UnixMs::default(),
            last_clock: UnixMs::default(),
            epoch: Epoch::default(),
            app_key: Box::default(),
            creator: None,
            info: pb::RoomInfo::default(),
            roster: Roster::default(),
            people: Lazy::default(),
            queue: Lazy::default(),
            attributes: Lazy::default(),
            member_attributes: Lazy::default(),
            queries: Lazy::default(),
            senders: Lazy::default(),
            intake: Bucket::default(),
            empty_since: UnixMs::default(),
            priority: Lazy::default(),
            recalled: Lazy::default(),
            born: Seq::default(),
            boundaries: Boundaries::default(),
            logged_seq: Seq::default(),
            logged_epoch: Epoch::default(),
            expressions: Expressions::default(),
            left_before: None,
        }
    }

    /// True if the room was ever created.
    pub fn exists(&self) -> bool {
        self.creator.is_some()
    }

    /// The room's number.
    pub fn id(&self) -> RoomId {
        self.id
    }

    /// The place of the next entry.
    pub fn next_seq(&self) -> Seq {
        self.last_seq.next()
    }

    /// The time of the last entry: the next one may not lie before it.
    pub fn last_time(&self) -> UnixMs {
        self.last_time
    }

    /// The time of the last entry on the clock of durations: the next one may not lie before it.
    pub fn last_clock(&self) -> UnixMs {
        self.last_clock
    }

    /// The application the room belongs to; empty until the room exists.
    pub fn app_key(&self) -> &str {
        &self.app_key
    }

    /// What the room goes by.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// True if nobody is in the room.
    pub fn is_empty_of_people(&self) -> bool {
        self.people.len() == 0
    }

    /// True if an account is in the room with a connection.
    pub fn is_connected(&self, account: &AccountId) -> bool {
        self.people.person(account).is_some_and(|person| !person.connections.is_empty())
    }

    /// Accounts in the room, each counted once.
    pub fn online_count(&self) -> u64 {
        self.people.len() as u64
    }

    /// Connections in the room.
    pub fn connections(&self) -> usize {
        self.people.connections()
    }

    /// Lets go of compiled expressions that were not used since this was called last.
    pub fn forget_unused_expressions(&self) {
        self.expressions.forget_unused();
    }

    /// Applies an entry.
    ///
    /// `Err`: it left no trace, and its place goes to the next entry. So does the place of an outcome with neither a push nor
    /// durability.
    pub fn apply(&mut self, entry: &Entry) -> Result<Outcome, Status> {
        if entry.seq != self.next_seq() || entry.stamp.time < self.last_time || entry.stamp.clock < self.last_clock {
            return Err(Status::new(Code::ServerError, "the entry is out of its place"));
        }
        self.check_family(&entry.command.op)?;
        let was_empty = self.is_empty_of_people();
        if let Some(priority) = self.priority.present() {
            priority.expire(entry.stamp.clock, self.settings.high_priority_resend_ms);
        }
        let mut outcome = self.decide(entry)?;
        if !was_empty && self.is_empty_of_people() {
            self.empty_since = entry.stamp.clock;
            // Nobody says anything to anybody any more.
            (self.people, self.expressions) = Default::default();
        }
        outcome.in_history &= self.keeps_history();
        if outcome.push.is_some() || outcome.durable {
            self.advance(entry);
        }
        if outcome.durable {
            let is_first = self.logged_epoch != entry.epoch;
            let epoch_first = if is_first { self.boundaries.first_of(entry.epoch) } else { None };
            outcome.link = Link { previous: self.logged_seq, epoch_first };
            (self.logged_seq, self.logged_epoch) = (entry.seq, entry.epoch);
        }
        Ok(outcome)
    }

    /// Applies an entry that the log holds: no checks, no outcome, and nobody is here.
    ///
    /// Entries up to the snapshot's place rebuild the deduplication window only.
    pub fn replay(&mut self, entry: &Entry) {
        if entry.seq <= self.last_seq {
            if let Op::Send(request) = &entry.command.op
                && entry.seq > self.born
            {
                self.note_send(entry, request);
            }
            return;
        }
        let Stamp { time, clock, .. } = entry.stamp;
        replay!((self, entry) &entry.command.op => {
            Op::TempMute(_) if planted::is(Bug::MuteForgotten) => {}
            Op::Create(create) => self.note_create(create, time),
            Op::Reopen => self.info.valid = true,
            Op::QueueClearOwner => drop(self.queue.clear_owner(&entry.command.actor.account, usize::MAX)),
            Op::QueueClearSome(count) => {
                drop(self.queue.clear_owner(&entry.command.actor.account, usize::try_from(*count).unwrap_or(usize::MAX)));
            }
            Op::DelayClose(delay) => self.note_delay_close(delay, clock),
            Op::Open(open) => self.note_open(entry, open),
            Op::Destroy => self.note_destroy(),
            Op::Recall(recall) => self.note_recall(recall, clock),
            Op::ClearOwnerAttributes => self.note_clear_owner_attributes(&entry.command.actor.account),
            Op::ClearMemberAttributes => self.note_clear_member_attributes(&entry.command.actor.account),
            // Presence: in the log it would change nothing.
            Op::Enter(_) | Op::Exit | Op::Detach | Op::Expel | Op::KickDevices(_) | Op::Broadcast(_) => {}
            Op::AddRobots(_) | Op::RemoveRobots(_) | Op::SeatRobot(_) | Op::UnseatRobot { .. } => {}
        });
        self.advance(entry);
        self.logged_seq = entry.seq;
        self.empty_since = self.last_clock;
    }

    /// Every account here with its connections, in the order of accounts.
    pub fn everybody(&self) -> Vec<(AccountId, Vec<ConnId>)> {
        self.people.everybody()
    }

    /// Takes over who is here, and what lasts no longer than they do, from what memory had of the same room. That may have been
    /// ahead of the log from which this one was rebuilt: its numbers are not given again.
    pub fn take_people(&mut self, old: Room) {
        self.people = old.people;
        let roster = &self.roster;
        self.people.settle_fixed(|account| roster.record(account).is_some());
        self.last_seq = self.last_seq.max(old.last_seq.next());
        self.last_time = self.last_time.max(old.last_time);
        self.last_clock = self.last_clock.max(old.last_clock);
        self.empty_since = old.empty_since;
        self.intake = old.intake;
        self.queries = old.queries;
        self.expressions = old.expressions;
    }

    /// Puts the settings of the room's application in force.
    pub fn set_settings(&mut self, settings: Arc<Settings>) {
        self.settings = settings;
    }

    /// Answers a question. For the history an empty answer says that the actor may read it; how much of it, says
    /// [`Room::history_scope`].
    pub fn query(&self, now: UnixMs, actor: &Actor, query: &Query) -> Result<Response, Status> {
        self.check_family_of_query(query)?;
        answer!((self, now, actor) query => {
            Query::MaySend(request) => self.may_send_query(now, actor, request),
        })
    }

    fn decide(&mut self, entry: &Entry) -> Result<Outcome, Status> {
        decide!((self, entry) &entry.command.op => {
            Op::Create(create) => self.create(entry, create),
            Op::Enter(enter) => self.enter(entry, enter),
            Op::Exit => self.exit(entry),
            Op::Detach => self.detach(entry),
            Op::Reopen => self.reopen(entry),
            Op::Broadcast(broadcast) => self.broadcast(entry, broadcast),
            Op::QueueClearOwner | Op::QueueClearSome(_) => self.queue_clear_owner(entry),
            Op::Recall(recall) => self.recall(entry, recall),
            Op::DelayClose(delay) => self.delay_close(entry, delay),
            Op::Open(open) => self.open(entry, open),
            Op::Destroy => self.destroy(entry),
            Op::Expel => self.expel_account(entry),
            Op::KickDevices(request) => self.kick_devices(entry, request),
            Op::AddRobots(request) => self.add_robots(entry, request),
            Op::RemoveRobots(request) => self.remove_robots(entry, request),
            Op::SeatRobot(robot) => self.seat_robot(entry, robot),
            Op::UnseatRobot { silent } => self.unseat_robot(entry, *silent),
            Op::ClearOwnerAttributes => self.clear_owner_attributes(entry),
            Op::ClearMemberAttributes => self.clear_member_attributes(entry),
        })
    }

    fn advance(&mut self, entry: &Entry) {
        self.last_seq = entry.seq;
        self.last_time = self.last_time.max(entry.stamp.time);
        self.last_clock = self.last_clock.max(entry.stamp.clock);
        self.epoch = entry.epoch;
        self.boundaries.note(entry.epoch, entry.seq);
    }

    /// Rows 4, 5 and 6 of chatroom.md §c.0: the room is there, it is open, and the caller is in it.
    pub(super) fn reach(&self, actor: &Actor) -> Result<(), Status> {
        self.check_exists()?;
        if !self.info.valid {
            return Err(Status::with_sub(Code::RoomClosed, Sub::RoomClosed));
        }
        let outside = || Err(Status::with_sub(Code::Forbidden, Sub::NotInRoom));
        match (actor.origin, actor.connection) {
            (Origin::Member, Some(connection)) if self.people.has(&actor.account, connection) => Ok(()),
            (Origin::Member, _) => outside(),
            (Origin::Http | Origin::Server, _) => Ok(()),
        }
    }

    /// Rows 4 to 9 of chatroom.md §c.0 for a question. With the application's authority nobody's role is looked at (note 5 of §b),
    /// and a closed room answers too (rest-api.md §1.3).
    pub(super) fn reach_to_read(&self, actor: &Actor, operation: Operation, now: UnixMs) -> Result<(), Status> {
        if actor.origin != Origin::Member {
            return self.check_exists();
        }
        self.reach(actor)?;
        self.permit(actor, operation, now).map(drop)
    }

    /// Row 4 of chatroom.md §c.0: the room is there, open or not.
    pub(super) fn check_exists(&self) -> Result<(), Status> {
        if self.exists() { Ok(()) } else { Err(self.missing()) }
    }

    /// Rows 8, 9 and 11 of chatroom.md §c.0: the matrix lets the caller do it.
    pub(super) fn permit(&self, actor: &Actor, operation: Operation, now: UnixMs) -> Result<(Grant, Class), Status> {
        let record = self.roster.record(&actor.account);
        let class = match class_by_record(record, actor.anonymous) {
            // A robot has no connection: what it does comes over HTTP.
            Class::Visitor if actor.origin == Origin::Http && self.people.is_robot(&actor.account) => Class::Robot,
            class => class,
        };
        let standing = Standing {
            class,
            blocklisted: record.is_some_and(|record| record.blocklisted),
            globally_muted: actor.globally_muted,
            muted: record.is_some_and(|record| record.muted),
            temp_muted: self.roster.muted_until(&actor.account, now).is_some(),
            tag_muted: self.is_tag_muted(actor, now),
            room_muted: self.info.muted,
            anonymous_enabled: self.settings.anonymous_enabled,
        };
        let ignores_mutes = actor.on_behalf.as_ref().is_some_and(|wishes| wishes.ignores_mutes);
        let standing = if ignores_mutes { standing.unmuted() } else { standing };
        Ok((permissions::check(operation, &standing)?, class))
    }

    /// What an account is here, before any restriction.
    pub(super) fn class_of(&self, account: &AccountId) -> Class {
        let is_anonymous = || self.people.person(account).is_some_and(|person| person.anonymous);
        let record = self.roster.record(account);
        class_by_record(record, record.is_none() && is_anonymous())
    }
}

fn class_by_record(record: Option<&Record>, is_anonymous: bool) -> Class {
    match record.map(|record| record.role) {
        _ if is_anonymous => Class::Anonymous,
        Some(Role::Creator) => Class::Creator,
        Some(Role::Administrator) => Class::Administrator,
        Some(Role::Common) => Class::Common,
        Some(Role::Visitor) | None => Class::Visitor,
    }
}
