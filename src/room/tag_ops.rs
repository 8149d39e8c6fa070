//! What is done by tag: changing one's own, muting one, finding members by one (chatroom.md §a.10, §c.1, §c.2).

use super::entry::{Entry, Outcome};
use crate::subject::{Actor, Audience};
use std::ops::Bound;

use super::audience::Selection;
use super::check;
use super::command::Enter;
use super::expression::all_of;
use super::mutes::seconds_left;
use super::paging;
use super::permissions::Operation;
use super::presence::Bearing;
use super::space::Place;
use super::state::Room;
use crate::error::{Code, Status, Sub};
use crate::id::{ConnId, UnixMs};
use crate::limits;
use crate::wire::pb::{self, NotificationType};
use crate::wire::{Push, Response};

impl Room {
    /// Row 3 of chatroom.md §c.0, for what a connection that enters says about tags and place.
    pub(super) fn check_bearing(&self, enter: &Enter) -> Result<Bearing, Status> {
        let request = &enter.request;
        let tags = check::tags("tags", &request.tags)?;
        let target = request.notify_target_tags.as_deref();
        self.check_expression(target)?;
        if let Some(location) = &request.location {
            Place::default().with(location)?;
        }
        Ok(Bearing { tags, target: target.map(Box::from), location: request.location })
    }

    /// Writes down what a connection that has entered, perhaps in place of another, says about tags and place. What it does
    /// not say stays as it was.
    pub(super) fn bear(&mut self, actor: &Actor, connection: ConnId, bearing: Bearing) -> Result<(), Status> {
        let Bearing { tags, target, location } = bearing;
        if !tags.is_empty() || target.is_some() {
            let old = self.people.tags().tagged(connection);
            let tags = if tags.is_empty() { self.people.tags().of(connection).to_vec() } else { tags };
            let target = target.or_else(|| old.and_then(|old| old.target.clone()));
            self.people.set_tags(&actor.account, connection, &tags, target);
        }
        if let Some(location) = location {
            let place = self.people.space().place(connection).with(&location)?;
            self.people.set_place(connection, place);
        }
        Ok(())
    }

    pub(super) fn update_tags(&mut self, entry: &Entry, request: &pb::MemberUpdateTagsRequest) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        let tags = check::tags("tags", &request.tags)?;
        if !request.set_tags && !tags.is_empty() {
            return Err(Status::bad_parameter("tags are given, but set_tags is not"));
        }
        if !request.set_tags && request.notify_target_tags.is_none() {
            return Err(Status::bad_parameter("tags or notify_target_tags must be given"));
        }
        self.check_expression(request.notify_target_tags.as_deref())?;
        check::notify_ext(&request.notify_ext)?;
        let connection = self.here(actor)?;
        self.permit(actor, Operation::UpdateTags, entry.stamp.clock)?;

        let known = self.people.tags().tagged(connection);
        let old_target = known.and_then(|known| known.target.clone());
        let old_tags = self.people.tags().of(connection);
        let tags = if request.set_tags { tags } else { old_tags.to_vec() };
        let target = request.notify_target_tags.as_deref().map(Box::from).or_else(|| old_target.clone());
        if tags == old_tags && target == old_target {
            return Err(Status::with_sub(Code::NoChange, Sub::IdenticalFields));
        }
        self.people.set_tags(&actor.account, connection, &tags, target.clone());

        let mut notice = self.notice_about(entry, NotificationType::TagsUpdated, &actor.account, &request.notify_ext);
        notice.tags_updated = Some(pb::TagsUpdated {
            tags: tags.iter().map(|tag| tag.to_string()).collect(),
            notify_target_tags: target.map(String::from).unwrap_or_default(),
        });
        // The account's own connections learn of it in any case.
        let own = self.own_connections(actor);
        let audience = if request.notify {
            let given = request.notify_target_tags.as_deref().unwrap_or_default();
            notice.notify_target_tags = given.into();
            self.told(given, &own)
        } else {
            Audience::Only(own)
        };
        let reply = Response::MemberUpdateTags(pb::Status::default());
        Ok(Outcome { push: Some(Push::Notification(notice)), audience, ..Outcome::reply(reply) })
    }

    /// Who hears a notification with an expression: those it means, and these.
    pub(super) fn told(&self, target: &str, also: &[ConnId]) -> Audience {
        if target.is_empty() {
            return Audience::All;
        }
        let mut heard = self.meant(target);
        also.iter().for_each(|connection| heard.include(*connection));
        self.audience_of(heard)
    }

    /// Who hears that a connection comes or goes, by the expression of that connection: itself when it comes.
    pub(super) fn told_of(&self, target: &str, connection: ConnId, comes: bool) -> Audience {
        let mut heard = if target.is_empty() { Selection::everyone() } else { self.meant(target) };
        if comes {
            heard.include(connection);
        } else {
            heard.exclude(connection);
        }
        self.audience_of(heard)
    }

    /// True if the connection that acts carries a tag that is muted.
    pub(super) fn is_tag_muted(&self, actor: &Actor, now: UnixMs) -> bool {
        let mutes = &self.roster.tag_mutes;
        let Some(connection) = actor.connection.filter(|_| !mutes.is_empty()) else { return false };
        self.people.tags().of(connection).iter().any(|tag| mutes.until(&**tag, now).is_some())
    }

    pub(super) fn tag_temp_mute(&mut self, entry: &Entry, request: &pb::MemberTagTempMuteRequest) -> Result<Outcome, Status> {
        let (actor, time) = (&entry.command.actor, entry.stamp.clock);
        check::tag("tag", &request.tag)?;
        if request.seconds > limits::TEMP_MUTE_SECONDS_MAX {
            return Err(Status::bad_parameter(format!("seconds must not exceed {}", limits::TEMP_MUTE_SECONDS_MAX)));
        }
        check::notify_ext(&request.notify_ext)?;
        self.check_expression(request.notify_target_tags.as_deref())?;
        self.reach(actor)?;
        self.permit(actor, Operation::TagTempMute, time)?;
        let reply = |seconds| Response::MemberTagTempMute(pb::MemberTempMuteResponse { seconds, ..Default::default() });
        let mutes = &self.roster.tag_mutes;
        let (kind, seconds) = match (request.seconds, mutes.until(&*request.tag, time)) {
            (0, None) => return Ok(Outcome::reply(reply(0))),
            (0, Some(until)) => (NotificationType::TagTempMuteRemove, seconds_left(until, time)),
            (seconds, _) => (NotificationType::TagTempMuteAdd, seconds),
        };
        if request.seconds > 0 && !mutes.has_room_for(&request.tag.as_str().into(), time) {
            return Err(Status::new(Code::OverQuota, "too many muted tags in this room"));
        }
        self.note_tag_temp_mute(entry, request);
        if request.silent {
            return Ok(Outcome::lasting(reply(seconds)));
        }
        let mut notice = self.notice(entry, kind, &request.notify_ext);
        notice.mute_seconds = seconds;
        notice.target_tag = request.tag.clone();
        notice.notify_target_tags = request.notify_target_tags.clone().unwrap_or_else(|| all_of(&[&request.tag]));
        let audience = self.told(&notice.notify_target_tags, &[]);
        Ok(Outcome { audience, ..Outcome::notified(reply(seconds), Some(notice)) })
    }

    pub(super) fn note_tag_temp_mute(&mut self, entry: &Entry, request: &pb::MemberTagTempMuteRequest) {
        let time = entry.stamp.clock;
        let until = UnixMs(time.0.saturating_add(i64::from(request.seconds) * 1000));
        self.roster.tag_mutes.set(&request.tag.as_str().into(), until, time);
    }

    pub(super) fn members_by_tag_query(
        &self,
        now: UnixMs,
        actor: &Actor,
        request: &pb::MemberListByTagRequest,
    ) -> Result<Response, Status> {
        check::tag("tag", &request.tag)?;
        let limit = check::page(request.limit)?;
        check::anchor(request.time_ms)?;
        let next = paging::place_after::<ConnId>(&request.next)?;
        self.reach_to_read(actor, Operation::Members, now)?;
        let before = match (next, request.time_ms) {
            (Some(place), _) => Bound::Excluded(place),
            (None, 0) => Bound::Unbounded,
            (None, time_ms) => Bound::Excluded((UnixMs(time_ms), ConnId::from_raw(0))),
        };
        let carriers = self.people.tags().carriers(&request.tag);
        let newest_first = carriers.into_iter().flat_map(|carriers| carriers.order().range((Bound::Unbounded, before)).rev());
        let show = |connection: &ConnId| self.member_by_connection(*connection, now);
        Ok(Response::MemberListByTag(paging::fill(newest_first, limit, 2 * limit, paging::page_bytes(actor), show)))
    }

    pub(super) fn count_by_tag_query(
        &self,
        now: UnixMs,
        actor: &Actor,
        request: &pb::MemberCountByTagRequest,
    ) -> Result<Response, Status> {
        check::tag("tag", &request.tag)?;
        self.reach_to_read(actor, Operation::Members, now)?;
        let count = self.people.tags().carriers(&request.tag).map_or(0, |carriers| carriers.accounts() as u64);
        Ok(Response::MemberCountByTag(pb::MemberCountByTagResponse { count, ..Default::default() }))
    }

    /// A member as one of its connections, which has said something about tags, shows it.
    fn member_by_connection(&self, connection: ConnId, now: UnixMs) -> Option<pb::Member> {
        let tagged = self.people.tags().tagged(connection)?;
        let mut member = self.member(&tagged.account, now);
        let own = connection.to_string();
        member.connections.retain(|shown| shown.connection_id == own);
        member.enter_time_ms = tagged.enter_time.0;
        self.show_tags(&mut member, connection);
        Some(member)
    }

    /// Adds to a member what one of its connections has said about tags.
    pub(super) fn show_tags(&self, member: &mut pb::Member, connection: ConnId) {
        if let Some(tagged) = self.people.tags().tagged(connection) {
            member.tags = tagged.tags.iter().map(|tag| tag.to_string()).collect();
            member.notify_target_tags = tagged.target.as_deref().unwrap_or_default().into();
        }
    }
}
