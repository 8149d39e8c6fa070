//! A member as others see it, and what it may change about itself (chatroom.md §a.4, §c.2).

use super::check;
use super::entry::{Entry, Outcome};
use super::mutes::seconds_left;
use super::permissions::Operation;
use super::presence::Profile;
use super::roster::{Record, Role};
use super::state::Room;
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, UnixMs};
use crate::limits;
use crate::subject::{Actor, Origin};
use crate::wire::Response;
use crate::wire::pb::{self, MemberType, NotificationType};

impl Room {
    /// An account as the room's members see it.
    pub(super) fn member(&self, account: &AccountId, now: UnixMs) -> pb::Member {
        let record = self.roster.record(account);
        let person = self.people.person(account);
        let (nick, avatar, ext) = self.shown(account);
        let connections = person.map_or(&[][..], |person| &person.connections).iter();
        let until = self.roster.muted_until(account, now);
        let robot_until = person.filter(|person| person.robot).and_then(|_| self.people.robot_until(account));
        pb::Member {
            account: account.as_str().into(),
            r#type: self.member_type(account) as i32,
            level: record.and_then(|record| record.level),
            nick: nick.to_string(),
            avatar: avatar.to_string(),
            ext: ext.to_string(),
            online: person.is_some(),
            enter_time_ms: self.last_enter_time(account).0,
            update_time_ms: record.map_or(0, |record| record.update_time.0),
            blocklisted: record.is_some_and(|record| record.blocklisted),
            muted: record.is_some_and(|record| record.muted),
            temp_mute_seconds: until.map_or(0, |until| seconds_left(until, now)),
            connections: connections
                .map(|own| pb::OnlineConnection {
                    nick: nick.to_string(),
                    avatar: avatar.to_string(),
                    enter_time_ms: own.enter_time.0,
                    client_type: own.client_type.into(),
                    connection_id: own.id.to_string(),
                })
                .collect(),
            robot: robot_until.is_some(),
            robot_expire_seconds: robot_until.map_or(0, |until| seconds_left(until, now)),
            ..Default::default()
        }
    }

    /// Nick, avatar and ext of an account: of one that is here what it shows, of a fixed member that is not what is kept.
    pub(super) fn shown(&self, account: &AccountId) -> (&str, &str, &str) {
        match self.people.person(account) {
            Some(person) => match person.profile.as_deref() {
                Some(live) => (&live.nick, &live.avatar, &live.ext),
                None => ("", "", ""),
            },
            None => self.roster.record(account).map_or(("", "", ""), |record| (&record.nick, &record.avatar, &record.ext)),
        }
    }

    /// The type of a member, derived in the order of chatroom.md §a.4.
    pub(super) fn member_type(&self, account: &AccountId) -> MemberType {
        let person = self.people.person(account);
        match (self.roster.record(account), person) {
            (Some(Record { role: Role::Creator, .. }), _) => MemberType::Creator,
            (Some(Record { role: Role::Administrator, .. }), _) => MemberType::Administrator,
            (Some(record), _) if record.blocklisted || record.muted => MemberType::Limited,
            (Some(_), _) => MemberType::Common,
            (None, Some(person)) if person.anonymous => MemberType::Anonymous,
            (None, Some(person)) if person.robot => MemberType::Virtual,
            (None, Some(_)) => MemberType::Visitor,
            (None, None) => MemberType::Unset,
        }
    }

    pub(super) fn update_self(&mut self, entry: &Entry, request: &pb::MemberUpdateSelfRequest) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        check_update_self(actor, request)?;
        self.reach(actor)?;
        self.permit(actor, Operation::UpdateSelf, entry.stamp.clock)?;
        let is_fixed = self.roster.record(&actor.account).is_some();
        if actor.origin == Origin::Http && !is_fixed && self.people.person(&actor.account).is_none() {
            return Err(Status::with_sub(Code::NotFound, Sub::MemberMissing));
        }
        if names_nothing(request) {
            return Err(Status::with_sub(Code::NoChange, Sub::IdenticalFields));
        }
        self.check_profile_changes(actor, request)?;
        self.settings
            .moderate_profile([&request.nick, &request.avatar, &request.ext].map(|text| text.as_deref().unwrap_or_default()))?;
        self.change_live_profile(actor, request);
        self.note_update_self(entry, request);
        let notice = (!request.silent).then(|| {
            let mut notice = self.notice_about(entry, NotificationType::MemberUpdated, &actor.account, &request.notify_ext);
            let (nick, avatar, ext) = self.shown(&actor.account);
            let (nick, avatar, ext) = (Some(nick.into()), Some(avatar.into()), Some(ext.into()));
            notice.member_updated = Some(pb::MemberUpdated { nick, avatar, ext });
            notice
        });
        let reply = Response::MemberUpdateSelf(pb::Status::default());
        // What neither lasts nor is heard of has no place in the log.
        let leaves_a_mark = notice.is_some() || (request.save && is_fixed);
        Ok(if leaves_a_mark { Outcome::notified(reply, notice) } else { Outcome::reply(reply) })
    }

    /// Row 12 of chatroom.md §c.0: 406 if all that the request would write stands there already.
    fn check_profile_changes(&self, actor: &Actor, request: &pb::MemberUpdateSelfRequest) -> Result<(), Status> {
        let live = self.people.person(&actor.account).map(|_| self.shown(&actor.account));
        let kept = self.roster.record(&actor.account).filter(|_| request.save);
        let kept = kept.map(|record| (&*record.nick, &*record.avatar, &*record.ext));
        let is_so = |wish: &Option<String>, now: &str| wish.as_deref().is_none_or(|wish| wish == now);
        let stands = |(nick, avatar, ext): (&str, &str, &str)| {
            is_so(&request.nick, nick) && is_so(&request.avatar, avatar) && is_so(&request.ext, ext)
        };
        let mut written = live.into_iter().chain(kept).peekable();
        if written.peek().is_some() && written.all(stands) {
            return Err(Status::with_sub(Code::NoChange, Sub::IdenticalFields));
        }
        Ok(())
    }

    fn change_live_profile(&mut self, actor: &Actor, request: &pb::MemberUpdateSelfRequest) {
        let Some(person) = self.people.person(&actor.account) else { return };
        let mut profile = person.profile.as_deref().cloned().unwrap_or_default();
        let Profile { nick, avatar, ext } = &mut profile;
        for (field, new) in [(nick, &request.nick), (avatar, &request.avatar), (ext, &request.ext)] {
            if let Some(new) = new {
                *field = new.as_str().into();
            }
        }
        self.people.set_profile(&actor.account, profile);
    }

    pub(super) fn note_update_self(&mut self, entry: &Entry, request: &pb::MemberUpdateSelfRequest) {
        let (account, time) = (&entry.command.actor.account, entry.stamp.time);
        let Some(record) = self.roster.record(account).filter(|_| request.save) else { return };
        let mut record = Record { update_time: time, ..record.clone() };
        for (field, new) in
            [(&mut record.nick, &request.nick), (&mut record.avatar, &request.avatar), (&mut record.ext, &request.ext)]
        {
            if let Some(new) = new {
                *field = new.as_str().into();
            }
        }
        self.roster.put(account, record);
    }
}

fn names_nothing(request: &pb::MemberUpdateSelfRequest) -> bool {
    request.nick.is_none() && request.avatar.is_none() && request.ext.is_none()
}

fn check_update_self(actor: &Actor, request: &pb::MemberUpdateSelfRequest) -> Result<(), Status> {
    // Over HTTP it is no mistake to change nothing (rest-api.md §4.17).
    if names_nothing(request) && actor.origin != Origin::Http {
        return Err(Status::bad_parameter("nick, avatar or ext must be given"));
    }
    check::nick(request.nick.as_deref().unwrap_or_default())?;
    check::chars("avatar", request.avatar.as_deref().unwrap_or_default(), limits::AVATAR_CHARS_MAX)?;
    check::chars("ext", request.ext.as_deref().unwrap_or_default(), limits::EXT_CHARS_MAX)?;
    check::notify_ext(&request.notify_ext)
}
