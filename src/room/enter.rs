//! Entering and leaving (chatroom.md §c.1, §d.4, §d.7). Presence: none of it is in the log.

use super::attributes;
use super::check;
use super::command::Enter;
use super::entry::{Entry, Farewell, Outcome};
use super::ephemeral;
use super::permissions::Operation;
use super::presence::{Bearing, Connection, Profile};
use super::report::Way;
use super::settings::Kind;
use super::state::Room;
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, ConnId, UnixMs};
use crate::limits;
use crate::subject::{Actor, Kick, Origin, Presence};
use crate::wire::pb::{self, KickReason, NotificationType};
use crate::wire::{Push, Response};

impl Room {
    pub(super) fn enter(&mut self, entry: &Entry, enter: &Enter) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        let connection = actor.connection.ok_or_else(|| Status::bad_parameter("only a connection enters a room"))?;
        self.check_enter(actor, enter)?;
        let bearing = self.check_bearing(enter)?;
        if actor.anonymous && !self.settings.anonymous_enabled {
            self.permit(actor, Operation::Enter, entry.stamp.clock)?;
        }
        if !self.exists() || !self.is_named(&enter.app_key, &enter.request.alias) {
            return Err(self.missing());
        }
        if !self.info.valid {
            return Err(Status::with_sub(Code::RoomClosed, Sub::RoomClosed));
        }
        self.permit(actor, Operation::Enter, entry.stamp.clock)?;
        if self.people.has(&actor.account, connection) {
            let sub = if self.is_of_client { Sub::AlreadyInRoom } else { Sub::RoomRepeated };
            return Err(Status::with_sub(Code::Repeated, sub));
        }
        self.let_in(entry, enter, bearing, connection)
    }

    /// Lets a connection in that is not here, once everything else is checked: in the place of a lost one, or anew.
    pub(super) fn let_in(
        &mut self,
        entry: &Entry,
        enter: &Enter,
        bearing: Bearing,
        connection: ConnId,
    ) -> Result<Outcome, Status> {
        let (actor, now) = (&entry.command.actor, entry.stamp.clock);
        // A name that stands in the room's records is somebody's, whether the application knows the account or not.
        if actor.anonymous && (self.creator.as_ref() == Some(&actor.account) || self.roster.record(&actor.account).is_some()) {
            return Err(Status::with_sub(Code::WrongToken, Sub::InvalidToken));
        }
        let takes_over = enter.replaces.is_some_and(|replaces| self.people.has(&actor.account, replaces));
        if actor.anonymous && !takes_over && enter.request.nick.is_empty() {
            return Err(nick_missing());
        }
        if enter.over_quota && self.people.person(&actor.account).is_none() {
            return Err(Status::with_sub(Code::OverQuota, Sub::JoinedRoomsQuota));
        }
        self.settings.moderate_profile([&enter.request.nick, &enter.request.avatar, &enter.request.ext])?;
        if let Some(replaces) = enter.replaces {
            self.note_replaced(&actor.account, replaces, now);
        }
        if let Some(replaces) = enter.replaces
            && self.people.replace(&actor.account, replaces, connection, self.last_seq)
        {
            self.show(actor, enter, false);
            self.bear(actor, connection, bearing)?;
            let reply = self.enter_response(entry, connection, true);
            return Ok(Outcome { presence: vec![Presence::Resumed { connection, replaces }], ..Outcome::reply(reply) });
        }
        self.seat(entry, enter, bearing, connection)
    }

    /// Seats a connection anew.
    pub(super) fn seat(
        &mut self,
        entry: &Entry,
        enter: &Enter,
        bearing: Bearing,
        connection: ConnId,
    ) -> Result<Outcome, Status> {
        let (actor, now) = (&entry.command.actor, entry.stamp.clock);
        let mut outcome = Outcome::reply(Response::RoomEnter(Box::default()));
        let displaced = self.displaced(actor, enter);
        let fixed = self.roster.record(&actor.account).is_some();
        let kind = kind_of(actor, enter);
        let enter_time = self.people.arrive(entry.stamp.time);
        let added = Connection {
            id: connection,
            enter_time,
            after: self.last_seq,
            device: enter.device_id,
            client_type: kind.client,
            custom_type: kind.custom,
            detached: false,
        };
        let is_new = self.people.add(&actor.account, added, actor.anonymous, fixed);
        self.displace(actor, displaced, now, &mut outcome);
        outcome.presence.push(Presence::Joined(connection));
        self.show(actor, enter, is_new);
        self.bear(actor, connection, bearing)?;
        self.roster.set_enter_time(&actor.account, enter_time);
        self.note_passage(&actor.account, connection, Way::In, &enter.request.enter_ext, &mut outcome);
        outcome.told.in_out.last_mut().into_iter().for_each(|passage| passage.client = enter.client.clone());
        if is_new {
            self.tell_in_out(entry, NotificationType::MemberEnter, &enter.request.enter_ext, connection, &mut outcome);
        }
        outcome.resent = self.resend(&actor.account, connection, now).into_iter().map(Box::new).collect();
        outcome.reply = self.enter_response(entry, connection, false);
        Ok(outcome)
    }

    pub(super) fn check_enter(&self, actor: &Actor, enter: &Enter) -> Result<(), Status> {
        let request = &enter.request;
        check::nick(&request.nick)?;
        check::chars("avatar", &request.avatar, limits::AVATAR_CHARS_MAX)?;
        check::chars("ext", &request.ext, limits::EXT_CHARS_MAX)?;
        check::chars("enter_ext", &request.enter_ext, limits::NOTIFY_EXT_CHARS_MAX)?;
        check::chars("moderation_id", &request.moderation_id, limits::MODERATION_ID_CHARS_MAX)?;
        if !request.alias.is_empty() {
            ephemeral::check_alias(&request.alias)?;
        }
        if actor.anonymous && enter.replaces.is_none() && request.nick.is_empty() {
            return Err(nick_missing());
        }
        Ok(())
    }

    /// Which connections of the account give way to a new one: that of the same device, those the policy of the application
    /// names, and the oldest when the account would have more than it may have.
    fn displaced(&self, actor: &Actor, enter: &Enter) -> Vec<ConnId> {
        let Some(person) = self.people.person(&actor.account) else { return Vec::new() };
        let (device, kind) = (enter.device_id, kind_of(actor, enter));
        let policy = &self.settings.multi_client;
        let gives_way = |own: &Connection| {
            let is_same = device.is_named() && own.device == device && own.client_type == kind.client;
            is_same || policy.displaces(kind, own.kind())
        };
        let (gone, others): (Vec<&Connection>, Vec<&Connection>) = person.connections.iter().partition(|own| gives_way(own));
        let too_many = (others.len() + 1).saturating_sub(self.settings.connections_per_account_max.max(1));
        gone.into_iter().chain(others.into_iter().take(too_many)).map(|own| own.id).collect()
    }

    /// Takes those connections out. The account has entered anew by now, so nobody is told that it left.
    fn displace(&mut self, actor: &Actor, displaced: Vec<ConnId>, now: UnixMs, outcome: &mut Outcome) {
        for connection in displaced {
            self.note_heard(&actor.account, connection, now);
            let ext = format!("{{\"clientType\":{}}}", actor.client_type);
            let message = "the account has entered from elsewhere";
            let farewell = Farewell { reason: KickReason::SamePlatform, message, ext: &ext };
            self.note_passage(&actor.account, connection, Way::LoginKick, "", outcome);
            self.people.remove(&actor.account, connection);
            outcome.presence.push(Presence::Left(connection));
            outcome.kicks.push(Kick { connection, kicked: self.kicked(&farewell) });
        }
    }

    /// What the account shows from now on: what it asks for, else what it showed, else what is kept of it.
    fn show(&mut self, actor: &Actor, enter: &Enter, is_new: bool) {
        let record = self.roster.record(&actor.account);
        let live = self.people.person(&actor.account).and_then(|person| person.profile.as_deref());
        let choose = |asked: &str, shown: Option<&str>, kept: Option<&str>, default: &str| -> Box<str> {
            let before = if is_new { kept.filter(|kept| !kept.is_empty()).or(Some(default)) } else { shown };
            if asked.is_empty() { before.unwrap_or_default().into() } else { asked.into() }
        };
        let (request, nick, avatar) = (&enter.request, &enter.account_nick, &enter.account_avatar);
        let profile = Profile {
            nick: choose(&request.nick, live.map(|live| &*live.nick), record.map(|record| &*record.nick), nick),
            avatar: choose(&request.avatar, live.map(|live| &*live.avatar), record.map(|record| &*record.avatar), avatar),
            ext: choose(&request.ext, live.map(|live| &*live.ext), record.map(|record| &*record.ext), ""),
        };
        self.people.set_profile(&actor.account, profile);
    }

    pub(super) fn enter_response(&self, entry: &Entry, connection: ConnId, resumed: bool) -> Response {
        let mut member = self.member(&entry.command.actor.account, entry.stamp.clock);
        self.show_tags(&mut member, connection);
        Response::RoomEnter(Box::new(pb::RoomEnterResponse {
            room: Some(self.room_info()),
            member: Some(member),
            epoch: entry.epoch.0,
            last_seq: self.last_seq.0,
            resumed,
            connection_id: connection.to_string(),
            attributes: attributes::list(&self.attributes),
            ..Default::default()
        }))
    }

    /// 301 or 302, if the room has them switched on, to those the expression of the connection means.
    fn tell_in_out(&mut self, entry: &Entry, kind: NotificationType, ext: &str, connection: ConnId, outcome: &mut Outcome) {
        let Some(mut notice) = self.in_out_notice(entry, kind, ext) else { return };
        let target = self.people.tags().target(connection);
        outcome.audience = self.told_of(&target, connection, kind == NotificationType::MemberEnter);
        notice.notify_target_tags = target;
        outcome.push = Some(Push::Notification(notice));
    }

    /// What 301 and 302 say, if the room has them switched on.
    pub(super) fn in_out_notice(&self, entry: &Entry, kind: NotificationType, ext: &str) -> Option<Box<pb::Notification>> {
        if !self.info.in_out_notification {
            return None;
        }
        let actor = &entry.command.actor;
        let mut notice = self.notice_about(entry, kind, &actor.account, ext);
        let member = self.member(&actor.account, entry.stamp.clock);
        notice.entered = Some(pb::Entered {
            muted: member.muted,
            temp_mute_seconds: member.temp_mute_seconds,
            client_type: actor.client_type,
            member_type: member.r#type,
            avatar: member.avatar,
        });
        Some(notice)
    }

    pub(super) fn exit(&mut self, entry: &Entry) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        let connection = self.here(actor)?;
        let mut outcome = Outcome::reply(self.exit_response());
        let is_last = self.people.person(&actor.account).is_some_and(|person| person.connections.len() == 1 && !person.robot);
        if is_last {
            self.tell_in_out(entry, NotificationType::MemberExit, "", connection, &mut outcome);
        }
        let way = match actor.origin {
            Origin::Member => Way::Exit,
            Origin::Http => Way::Kick,
            Origin::Server => Way::Offline,
        };
        self.note_passage(&actor.account, connection, way, "", &mut outcome);
        self.leave(&actor.account, connection, entry.stamp.clock, &mut outcome);
        outcome.presence.push(Presence::Left(connection));
        Ok(outcome)
    }

    pub(super) fn detach(&mut self, entry: &Entry) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        let connection = self.here(actor)?;
        self.note_heard(&actor.account, connection, entry.stamp.clock);
        self.people.detach(&actor.account, connection);
        Ok(Outcome::reply(self.exit_response()))
    }

    fn exit_response(&self) -> Response {
        let alias = self.info.alias.clone();
        Response::RoomExit(pb::RoomExitResponse { room_id: self.id.get(), alias, ..Default::default() })
    }

    /// The actor's connection, which is in the room.
    pub(super) fn here(&self, actor: &Actor) -> Result<ConnId, Status> {
        self.check_exists()?;
        if !self.info.valid {
            return Err(Status::with_sub(Code::RoomClosed, Sub::RoomClosed));
        }
        let connection = actor.connection.filter(|connection| self.people.has(&actor.account, *connection));
        connection.ok_or_else(|| Status::with_sub(Code::Forbidden, Sub::NotInRoom))
    }

    /// When somebody entered last, for a member that is not here.
    pub(super) fn last_enter_time(&self, account: &AccountId) -> UnixMs {
        let here = self.people.person(account).map(|person| person.enter_time);
        here.or_else(|| self.roster.record(account).map(|record| record.enter_time)).unwrap_or_default()
    }
}

/// What kind of client enters. A type beyond all numbers there are counts as the last one.
fn kind_of(actor: &Actor, enter: &Enter) -> Kind {
    Kind { client: u16::try_from(actor.client_type).unwrap_or(u16::MAX), custom: enter.custom_client_type }
}

/// Who takes its old place over is known by name; every other anonymous visitor has to say what it is called.
fn nick_missing() -> Status {
    Status::bad_parameter("nick must be given by an anonymous visitor")
}
