//! Tags, places, and mutes of tags (chatroom.md §a.10, §a.11, §c.1, §c.2).

use std::collections::BTreeSet;

use chatroom::error::{Code, Sub};
use chatroom::id::ConnId;
use chatroom::room::Actor;
use chatroom::wire::pb::{self, NotificationType};
use chatroom::wire::{Push, Response};

use super::expressions::{Expression, admits};
use super::rules::Right;
use super::{Conn, Model, Refusal, Verdict, Want, chars};

/// Row 3 of §c.0 for a list of tags: at most ten of 1-32 characters, doubles collapsed.
pub fn checked_tags(tags: &[String]) -> Result<Vec<String>, Refusal> {
    if tags.len() > 10 {
        return Err(Refusal::bad());
    }
    let mut kept: Vec<String> = Vec::new();
    for tag in tags {
        checked_tag(tag)?;
        if !kept.contains(tag) {
            kept.push(tag.clone());
        }
    }
    Ok(kept)
}

pub fn checked_tag(tag: &str) -> Result<(), Refusal> {
    if tag.is_empty() || tag.chars().any(char::is_control) {
        return Err(Refusal::bad());
    }
    chars(tag, 32)
}

pub fn checked_expression(text: &Option<String>) -> Result<(), Refusal> {
    match text.as_deref().map(Expression::parse) {
        Some(Err(())) => Err(Refusal::bad()),
        _ => Ok(()),
    }
}

pub fn checked_location(location: &pb::Location) -> Result<(), Refusal> {
    let numbers = [location.x, location.y, location.z, location.distance];
    if numbers.iter().flatten().any(|number| !number.is_finite()) || location.distance.is_some_and(|far| far < 0.0) {
        return Err(Refusal::bad());
    }
    Ok(())
}

/// What an update or an entry leaves unsaid stays.
pub fn moved(old: &pb::Location, new: &pb::Location) -> pb::Location {
    pb::Location {
        x: new.x.or(old.x),
        y: new.y.or(old.y),
        z: new.z.or(old.z),
        distance: new.distance.or(old.distance),
        enabled: new.enabled.or(old.enabled),
    }
}

/// What was never said is 0 and off.
fn same_place(a: &pb::Location, b: &pb::Location) -> bool {
    let whole = |place: &pb::Location| (place.x(), place.y(), place.z(), place.distance(), place.enabled());
    whole(a) == whole(b)
}

/// §a.10: the expression of a connection; its default is the AND of its tags, or everyone.
pub fn expression_of(conn: &Conn) -> String {
    match &conn.expression {
        Some(text) => text.clone(),
        None => {
            let matcher = |tag: &String| format!("{{\"tag\":{}}}", serde_json::Value::from(tag.as_str()));
            conn.tags.iter().map(matcher).collect::<Vec<_>>().join(" and ")
        }
    }
}

/// §a.10: the default may be longer than an expression may be written, so it is judged by what it means.
pub fn hears(expression_of_conn: &Conn, tags: &[String]) -> bool {
    match &expression_of_conn.expression {
        Some(text) => admits(text, tags),
        None => expression_of_conn.tags.iter().all(|tag| tags.contains(tag)),
    }
}

/// §a.11: a connection with its location switched on hears what is said within its distance.
pub fn is_near(conn: &Conn, at: &pb::Point) -> bool {
    let place = &conn.location;
    if place.enabled != Some(true) {
        return true;
    }
    let (x, y, z) = (place.x.unwrap_or(0.0), place.y.unwrap_or(0.0), place.z.unwrap_or(0.0));
    let far = ((x - at.x).powi(2) + (y - at.y).powi(2) + (z - at.z).powi(2)).sqrt();
    far <= place.distance.unwrap_or(0.0)
}

impl Model {
    /// The connections an expression admits.
    pub fn admitted(&self, expression: &str) -> BTreeSet<ConnId> {
        self.conns.iter().filter(|conn| admits(expression, &conn.tags)).map(|conn| conn.id).collect()
    }

    pub fn update_tags(&mut self, actor: &Actor, request: &pb::MemberUpdateTagsRequest) -> Verdict {
        if !request.set_tags && (request.notify_target_tags.is_none() || !request.tags.is_empty()) {
            return Err(Refusal::bad());
        }
        let tags = if request.set_tags { Some(checked_tags(&request.tags)?) } else { None };
        checked_expression(&request.notify_target_tags)?;
        chars(&request.notify_ext, 2048)?;
        self.check_right(actor, Right::UpdateTags)?;
        let id = actor.connection;
        let Some(conn) = self.conns.iter_mut().find(|conn| Some(conn.id) == id) else {
            return Err(Refusal::sub(Code::Forbidden, Sub::NotInRoom));
        };
        let changed = Conn {
            tags: tags.unwrap_or_else(|| conn.tags.clone()),
            expression: request.notify_target_tags.clone().or(conn.expression.clone()),
            ..conn.clone()
        };
        if changed == *conn {
            return Err(Refusal::sub(Code::NoChange, Sub::IdenticalFields));
        }
        *conn = changed;
        let shown =
            pb::TagsUpdated { tags: conn.tags.clone(), notify_target_tags: conn.expression.clone().unwrap_or_default() };
        let mut want = Want::reply(Response::MemberUpdateTags(pb::Status::default()));
        let account = actor.account.as_str();
        let mut notice = self.notice(NotificationType::TagsUpdated, account, &[account], &request.notify_ext);
        notice.tags_updated = Some(shown);
        // Without needNotify the account's own connections hear of it all the same.
        want.receivers = self.connections_of(account).into_iter().collect();
        if request.notify {
            let given = request.notify_target_tags.clone().unwrap_or_default();
            want.receivers.extend(self.admitted(&given));
            notice.notify_target_tags = given;
        }
        want.push = Some(Push::Notification(notice));
        Ok(want)
    }

    pub fn update_location(&mut self, actor: &Actor, request: &pb::MemberUpdateLocationRequest) -> Verdict {
        let Some(location) = &request.location else { return Err(Refusal::bad()) };
        if *location == pb::Location::default() {
            return Err(Refusal::bad());
        }
        checked_location(location)?;
        self.check_right(actor, Right::UpdateLocation)?;
        let id = actor.connection;
        let Some(conn) = self.conns.iter_mut().find(|conn| Some(conn.id) == id) else {
            return Err(Refusal::sub(Code::Forbidden, Sub::NotInRoom));
        };
        let moved = moved(&conn.location, location);
        if same_place(&moved, &conn.location) {
            return Err(Refusal::sub(Code::NoChange, Sub::IdenticalFields));
        }
        conn.location = moved;
        Ok(Want::reply(Response::MemberUpdateLocation(pb::Status::default())))
    }

    pub fn tag_temp_mute(&mut self, actor: &Actor, request: &pb::MemberTagTempMuteRequest) -> Verdict {
        checked_tag(&request.tag)?;
        chars(&request.notify_ext, 2048)?;
        if request.seconds > 2_592_000 {
            return Err(Refusal::bad());
        }
        checked_expression(&request.notify_target_tags)?;
        self.check_right(actor, Right::TagTempMute)?;
        let left = self.tag_mute_left(&request.tag);
        let (kind, seconds) = if request.seconds == 0 {
            let reply = pb::MemberTempMuteResponse { seconds: left, ..Default::default() };
            if left == 0 {
                return Ok(Want::reply(Response::MemberTagTempMute(reply)));
            }
            self.tag_mutes.remove(&request.tag);
            (NotificationType::TagTempMuteRemove, left)
        } else {
            self.tag_mutes.insert(request.tag.clone(), self.now + i64::from(request.seconds) * 1000);
            (NotificationType::TagTempMuteAdd, request.seconds)
        };
        let reply = pb::MemberTempMuteResponse { seconds, ..Default::default() };
        let mut want = Want::durable(Response::MemberTagTempMute(reply));
        if !request.silent {
            let mut notice = self.notice(kind, actor.account.as_str(), &[], &request.notify_ext);
            notice.target_tag = request.tag.clone();
            notice.mute_seconds = seconds;
            want.receivers = match &request.notify_target_tags {
                Some(given) => self.admitted(given),
                None => self.conns.iter().filter(|conn| conn.tags.contains(&request.tag)).map(|conn| conn.id).collect(),
            };
            notice.notify_target_tags = request
                .notify_target_tags
                .clone()
                .unwrap_or_else(|| format!("{{\"tag\":{}}}", serde_json::Value::from(request.tag.as_str())));
            want.push = Some(Push::Notification(notice));
            want.in_history = true;
        }
        Ok(want)
    }

    pub fn tag_mute_left(&self, tag: &str) -> u32 {
        self.tag_mutes.get(tag).map_or(0, |until| super::shown::seconds_left(*until, self.now))
    }

    /// One record for each connection with the tag, the newest first; and whether there are more.
    pub fn members_by_tag(&self, tag: &str, anchor: i64, limit: usize) -> (Vec<pb::Member>, String) {
        let mut found: Vec<&Conn> = self.conns.iter().filter(|conn| conn.tags.iter().any(|own| own == tag)).collect();
        found.retain(|conn| anchor == 0 || conn.entered < anchor);
        found.sort_by_key(|conn| (-conn.entered, conn.account.clone(), conn.id));
        let mut count = limit.min(found.len());
        while count > 0 && count < found.len() && found[count].entered == found[count - 1].entered {
            count += 1;
        }
        let member = |conn: &&Conn| {
            let mut member = self.member(&conn.account).expect("who has a connection is a member");
            member.enter_time_ms = conn.entered;
            member.tags = conn.tags.clone();
            member.notify_target_tags = conn.expression.clone().unwrap_or_default();
            member.connections.retain(|one| one.connection_id == conn.id.to_string());
            member
        };
        let last_time = found[..count].last().filter(|_| count < found.len()).map(|conn| conn.entered);
        let last = found[..count].iter().filter(|conn| last_time == Some(conn.entered)).map(|conn| conn.id.get()).min();
        let next = last.zip(last_time).map_or(String::new(), |(id, time)| format!("{time} {id}"));
        (found[..count].iter().map(member).collect(), next)
    }
}
