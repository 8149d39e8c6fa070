//! A room as one kind of subject: what `dispatch` asks of it.

use std::sync::Arc;

use bytes::Bytes;

use super::command::{Op, Query};
use super::entry::{Command, Entry, Outcome, Record};
use super::history::HistoryScope;
use super::position::ReplayScope;
use super::report::{Noted, Report, Reported};
use super::settings::Settings;
use super::state::Room;
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, ConnId, Epoch, RoomId, Seq, SubjectId, UnixMs};
use crate::subject::{
    Actor, Answer, Class, Downlink, Key, Link, Part, Predecessor, Presence, PushBody, Quota, Resumption, Scope, Standing,
    Subject, Telling,
};
use crate::wire::pb::{self, NotificationType};
use crate::wire::{Push, Response};

impl Scope for ReplayScope {
    fn after(&self) -> Seq {
        self.after
    }

    fn last(&self) -> Seq {
        self.last
    }

    fn logged(&self) -> Seq {
        self.logged
    }
}

impl Key for RoomId {
    fn of(subject: SubjectId) -> Option<RoomId> {
        subject.room()
    }

    fn is_counted(self) -> bool {
        !self.is_of_client()
    }
}

impl Subject for Room {
    type Key = RoomId;
    type Op = Op;
    type Query = Query;
    type Settings = Settings;
    type Told = Noted;
    type Report = Report;
    type Record = Record;
    type Scope = ReplayScope;
    type History = HistoryScope;

    fn vacant(id: RoomId, settings: Arc<Settings>) -> Room {
        Room::new(id, settings)
    }

    fn id(&self) -> RoomId {
        self.id
    }

    fn exists(&self) -> bool {
        Room::exists(self)
    }

    fn app_key(&self) -> &str {
        &self.app_key
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn set_settings(&mut self, settings: Arc<Settings>) {
        self.settings = settings;
    }

    fn next_seq(&self) -> Seq {
        Room::next_seq(self)
    }

    fn last_time(&self) -> UnixMs {
        self.last_time
    }

    fn last_clock(&self) -> UnixMs {
        self.last_clock
    }

    fn decide(&mut self, entry: &Entry) -> Result<Outcome, Status> {
        self.apply(entry)
    }

    fn may_look_up(&self, now: UnixMs, actor: &Actor, request: &pb::MessageRecallRequest) -> Result<(), Status> {
        self.may_recall(now, actor, request)
    }

    fn answer(&mut self, now: UnixMs, actor: &Actor, query: &Query) -> Answer {
        self.count_query(now, actor, query)?;
        self.query(now, actor, query)
    }

    fn history(&self, now: UnixMs, actor: &Actor, query: &Query) -> Result<HistoryScope, Status> {
        self.history_scope(now, actor, query)
    }

    fn deadline(&self) -> Option<UnixMs> {
        Room::deadline(self)
    }

    fn due(&self, now: UnixMs) -> Option<Command> {
        Room::due(self, now)
    }

    fn snapshot(&self, _since: Seq, with_end: bool) -> Vec<Part> {
        vec![Part::head(if with_end { self.snapshot_with_end() } else { Room::snapshot(self) })]
    }

    fn record(id: RoomId, entry: Entry, push: Option<(Push, PushBody)>, in_history: bool, link: Link) -> Record {
        let (notify_target_tags, push) = match push {
            Some((Push::Message(message), body)) => (message.notify_target_tags, Some(body)),
            Some((Push::Notification(notice), body)) => (notice.notify_target_tags, Some(body)),
            Some((_, body)) => (String::new(), Some(body)),
            None => (String::new(), None),
        };
        Record { room: id, entry, push, notify_target_tags, in_history, link }
    }

    fn is_empty_of_people(&self) -> bool {
        Room::is_empty_of_people(self)
    }

    fn is_connected(&self, account: &AccountId) -> bool {
        Room::is_connected(self, account)
    }

    fn connections(&self) -> usize {
        Room::connections(self)
    }

    fn everybody(&self) -> Vec<(AccountId, Vec<ConnId>)> {
        Room::everybody(self)
    }

    fn take_people(&mut self, old: Room) {
        Room::take_people(self, old);
    }

    fn left_behind(&self) -> Vec<Command> {
        Room::left_behind(self)
    }

    fn tidy(&self) {
        self.forget_unused_expressions();
    }

    fn standing(&self, now: Epoch, position: (Epoch, Seq), last: Seq) -> Standing {
        Room::standing(self, now, position, last)
    }

    fn scope(
        &self,
        account: &AccountId,
        connection: ConnId,
        replaces: Option<Predecessor>,
        after: Seq,
        last: Seq,
    ) -> Option<ReplayScope> {
        Some(self.replay_scope(account, connection, replaces, after, last))
    }

    fn note_epoch(&mut self, epoch: Epoch, first: Seq) {
        Room::note_epoch(self, epoch, first);
    }

    fn tell_missed(reply: &mut Response, missed: &Resumption) {
        let Response::RoomEnter(reply) = reply else { return };
        (reply.resumed, reply.log_seq) = (missed.resumed, missed.log_seq.map(|seq| seq.0));
        (reply.gap, reply.replayed) = (missed.gap, missed.replayed);
        if let Some((first, last)) = missed.range {
            (reply.gap_first, reply.gap_last) = (first.0, last.0);
        }
    }

    fn is_passing(&self) -> bool {
        self.is_of_client
    }

    fn ends_at(&self) -> Option<UnixMs> {
        Room::ends_at(self)
    }

    fn empty_since(&self) -> UnixMs {
        self.empty_since
    }

    fn maker(&self) -> Option<&AccountId> {
        self.creator.as_ref()
    }

    fn vacated(&mut self, since: UnixMs, exactly: bool) {
        if exactly { self.empty_for_long(since) } else { Room::vacated(self, since) }
    }

    fn missing_subject() -> Status {
        Status::with_sub(Code::NotFound, Sub::RoomMissing)
    }

    fn gap(id: RoomId, first: Seq, last: Seq) -> Option<Push> {
        Some(Push::Gap(pb::Gap { room_id: id.get(), first_seq: first.0, last_seq: last.0 }))
    }

    fn epoch_begun(id: RoomId, epoch: Epoch, log_seq: Seq) -> Option<Push> {
        Some(Push::RoomEpoch(pb::RoomEpoch { room_id: id.get(), epoch: epoch.0, log_seq: log_seq.0 }))
    }

    fn taken_over(id: RoomId) -> pb::Kicked {
        pb::Kicked {
            reason: pb::KickReason::SamePlatform as i32,
            message: "taken over by a newer connection".into(),
            room_id: id.get(),
            ..pb::Kicked::default()
        }
    }

    fn class_of(push: &Push) -> Class {
        match push {
            Push::Message(message) if message.high_priority => Class::High,
            Push::Notification(notice)
                if !matches!(notice.r#type(), NotificationType::MemberEnter | NotificationType::MemberExit) =>
            {
                Class::Kept
            }
            _ => Class::Normal,
        }
    }

    fn push_body(push: &Push, body: Bytes) -> PushBody {
        match push {
            Push::Message(message) => PushBody::Message { message_type: message.r#type, body },
            _ => PushBody::Notification(body),
        }
    }

    fn downlink(&self) -> Downlink {
        let Settings { downlink_normal_per_second, downlink_high_per_second, .. } = *self.settings;
        Downlink { normal_per_second: downlink_normal_per_second, high_per_second: downlink_high_per_second }
    }

    fn quota(settings: &Settings) -> Quota {
        Quota {
            entered: settings.rooms_per_account_max,
            entered_of_clients: settings.client_rooms_per_account_max,
            left_of_account: settings.client_rooms_left_per_account_max,
            left_of_app: settings.client_rooms_left_per_app_max,
        }
    }

    /// Robots do not count, and neither do broadcasts, which are no room's own.
    fn tally(&self, entry: &Entry, outcome: &Outcome) -> (bool, u32) {
        let is_message = matches!(outcome.push, Some(Push::Message(_))) && matches!(entry.command.op, Op::Send(_));
        let enters = outcome.presence.iter().filter(|change| matches!(change, Presence::Joined(_))).count();
        if !is_message && enters == 0 || self.is_only_robot(&entry.command.actor.account) {
            return (false, 0);
        }
        (is_message, u32::try_from(enters).unwrap_or(u32::MAX))
    }

    fn tells(&self) -> bool {
        self.settings.reports.is_some()
    }

    fn reports(&self, entry: &Entry, push: Option<&PushBody>, told: Noted, is_durable: bool) -> Vec<Telling<Report>> {
        let Some(reports) = &self.settings.reports else { return Vec::new() };
        let telling = |env: &str, weight: usize, what: Reported| {
            let (app_key, time) = (reports.app_key.clone(), entry.stamp.time);
            let report = Report { room: self.id, app_key, env: env.into(), epoch: entry.epoch, number: 0, time, what };
            Telling { report, weight }
        };
        let mut tellings = Vec::new();
        if reports.messages
            && let (Op::Send(request), Some(PushBody::Message { body, .. })) = (&entry.command.op, push)
            && request.route.unwrap_or(true)
            && let Some(env) = reports.env_of(&request.env)
        {
            let (resend, to) = (request.resend, request.to_accounts.clone());
            let weight = if is_durable { 0 } else { body.len() };
            tellings.push(telling(env, weight, Reported::Message { body: body.clone(), resend, to }));
        }
        for passage in told.in_out {
            tellings.push(telling("", passage.weight(), Reported::InOut(Box::new(passage))));
        }
        if let Some(change) = told.queue {
            tellings.push(telling("", change.weight(), Reported::Queue(change)));
        }
        tellings
    }

    fn number(report: &mut Report, epoch: Epoch, number: u64) {
        (report.epoch, report.number) = (epoch, number);
    }
}
