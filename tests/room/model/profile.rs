//! The room itself: creation, information, opening and closing, silence (chatroom.md §c.1).

use chatroom::error::{Code, Sub};
use chatroom::id::ConnId;
use chatroom::room::{Actor, Create, Origin, Presence};
use chatroom::wire::pb::{self, KickReason, NotificationType};
use chatroom::wire::{Push, Response};

use super::rules::{self, Class, Right};
use super::{Fixed, Kicked, Model, Profile, ROOM, Refusal, Verdict, Want, chars, chars_opt};

impl Model {
    pub fn create(&mut self, create: &Create) -> Verdict {
        name(&create.name)?;
        chars_opt(&create.announcement, 4096)?;
        chars(&create.broadcast_url, 1024)?;
        chars(&create.ext, 4096)?;
        chars(&create.moderation_id, 1024)?;
        if create.queue_level > 1 {
            return Err(Refusal::bad());
        }
        if self.exists {
            return Err(Refusal::sub(Code::Repeated, Sub::RoomRepeated));
        }
        self.exists = true;
        self.app = create.app_key.clone();
        self.creator = create.creator.as_str().into();
        self.name = create.name.clone();
        self.announcement = create.announcement.clone();
        self.broadcast_url = create.broadcast_url.clone();
        self.ext = create.ext.clone();
        self.queue_level = create.queue_level;
        self.moderation_id = create.moderation_id.clone();
        self.in_out = !create.silent_in_out;
        self.created = self.now;
        self.updated = self.now;
        let fixed =
            Fixed { class: Class::Creator, level: None, profile: Profile::default(), enter_time: 0, update_time: self.now };
        self.fixed.insert(self.creator.clone(), fixed);
        Ok(Want::durable(self.info_reply(Response::RoomInfo)))
    }

    fn info_reply(&self, kind: fn(Box<pb::RoomInfoResponse>) -> Response) -> Response {
        kind(Box::new(pb::RoomInfoResponse { room: Some(self.info()), ..Default::default() }))
    }

    pub fn update(&mut self, actor: &Actor, request: &pb::RoomUpdateRequest) -> Verdict {
        if request.name.is_none()
            && request.announcement.is_none()
            && request.broadcast_url.is_none()
            && request.ext.is_none()
            && request.queue_level.is_none()
            && request.moderation_id.is_none()
            && request.in_out_notification.is_none()
        {
            return Err(Refusal::bad());
        }
        if request.in_out_notification.is_some() && actor.origin != Origin::Http {
            return Err(Refusal::bad());
        }
        if let Some(text) = &request.name {
            name(text)?;
        }
        chars_opt(&request.announcement, 4096)?;
        chars_opt(&request.broadcast_url, 1024)?;
        chars_opt(&request.ext, 4096)?;
        chars_opt(&request.moderation_id, 1024)?;
        if request.queue_level.is_some_and(|level| level > 1) {
            return Err(Refusal::bad());
        }
        chars(&request.notify_ext, 2048)?;
        self.check_right(actor, Right::Update)?;
        let differs = |new: &Option<String>, old: &str| new.clone().filter(|new| new != old);
        let changed = pb::RoomUpdateRequest {
            name: differs(&request.name, &self.name),
            announcement: request.announcement.clone().filter(|new| Some(new) != self.announcement.as_ref()),
            broadcast_url: differs(&request.broadcast_url, &self.broadcast_url),
            ext: differs(&request.ext, &self.ext),
            queue_level: request.queue_level.filter(|new| *new != self.queue_level),
            moderation_id: differs(&request.moderation_id, &self.moderation_id),
            in_out_notification: request.in_out_notification.filter(|new| *new != self.in_out),
            ..Default::default()
        };
        if changed == pb::RoomUpdateRequest::default() {
            return Err(Refusal::sub(Code::NoChange, Sub::IdenticalFields));
        }
        self.name = changed.name.clone().unwrap_or(std::mem::take(&mut self.name));
        self.announcement = changed.announcement.clone().or(self.announcement.take());
        self.broadcast_url = changed.broadcast_url.clone().unwrap_or(std::mem::take(&mut self.broadcast_url));
        self.ext = changed.ext.clone().unwrap_or(std::mem::take(&mut self.ext));
        self.queue_level = changed.queue_level.unwrap_or(self.queue_level);
        self.moderation_id = changed.moderation_id.clone().unwrap_or(std::mem::take(&mut self.moderation_id));
        self.in_out = changed.in_out_notification.unwrap_or(self.in_out);
        self.updated = self.now;
        let mut want = Want::durable(self.info_reply(Response::RoomUpdate));
        if !request.silent {
            let mut notice = self.notice(NotificationType::RoomUpdated, actor.account.as_str(), &[], &request.notify_ext);
            notice.room_updated = Some(pb::RoomUpdateRequest { room_id: ROOM, ..changed });
            want.push = Some(Push::Notification(notice));
            want.receivers = self.everybody();
            want.in_history = true;
        }
        Ok(want)
    }

    pub fn close(&mut self, actor: &Actor, request: &pb::RoomCloseRequest) -> Verdict {
        chars(&request.notify_ext, 2048)?;
        if self.exists && !self.open && actor.origin == Origin::Http {
            // rest-api.md §4.5: over HTTP that is how it is already.
            self.check_not_blocked(actor)?;
            rules::permitted(Right::Close, self.class_of(actor))?;
            return Err(Refusal::sub(Code::Repeated, Sub::RoomRepeated));
        }
        if actor.origin == Origin::Server {
            self.check_open()?;
        } else {
            self.check_right(actor, Right::Close)?;
        }
        let notice = self.notice(NotificationType::RoomClosed, actor.account.as_str(), &[], &request.notify_ext);
        let mut want = Want::durable(Response::RoomClose(pb::Status::default()));
        want.push = Some(Push::Notification(notice));
        want.receivers = self.everybody();
        want.in_history = true;
        let all: Vec<ConnId> = self.conns.iter().map(|conn| conn.id).collect();
        want.kicks = kicks(&all, KickReason::RoomClosed, &request.notify_ext);
        want.presence = all.iter().map(|id| Presence::Left(*id)).collect();
        let mut departed = self.remove(&all);
        for name in std::mem::take(&mut self.robots).into_keys() {
            self.profiles.remove(&name);
            departed.push(name);
        }
        self.open = false;
        self.queue.clear();
        self.delay = None;
        self.waiting.clear();
        // Nobody is here any more: what goes with its owner goes without a word (§c.6).
        self.attributes.retain(|_, attribute| !attribute.transient);
        self.member_attributes.values_mut().for_each(|own| own.retain(|_, attribute| !attribute.transient));
        self.member_attributes.retain(|_, own| !own.is_empty());
        want.follow_ups = self.consequences(&departed);
        Ok(want)
    }

    pub fn reopen(&mut self, actor: &Actor) -> Verdict {
        if !self.exists {
            return Err(Refusal::sub(Code::NotFound, Sub::RoomMissing));
        }
        if actor.origin != Origin::Http {
            return Err(Refusal::code(Code::Forbidden));
        }
        if self.open {
            return Err(Refusal::sub(Code::Repeated, Sub::RoomRepeated));
        }
        self.open = true;
        Ok(Want::durable(Response::RoomClose(pb::Status::default())))
    }

    pub fn mute_room(&mut self, actor: &Actor, request: &pb::RoomMuteRequest) -> Verdict {
        chars(&request.notify_ext, 2048)?;
        self.check_right(actor, Right::MuteRoom)?;
        let reply = Response::RoomMute(pb::Status::default());
        if self.muted == request.mute {
            return Ok(Want::reply(reply));
        }
        self.muted = request.mute;
        let mut want = Want::durable(reply);
        if !request.silent {
            let kind = if request.mute { NotificationType::RoomMuted } else { NotificationType::RoomUnmuted };
            want.push = Some(Push::Notification(self.notice(kind, actor.account.as_str(), &[], &request.notify_ext)));
            want.receivers = self.everybody();
            want.in_history = true;
        }
        Ok(want)
    }
}

fn name(text: &str) -> Result<(), Refusal> {
    if text.is_empty() { Err(Refusal::bad()) } else { chars(text, 128) }
}

pub fn kicks(connections: &[ConnId], reason: KickReason, ext: &str) -> Vec<Kicked> {
    let kicked = |id: &ConnId| Kicked { connection: *id, reason, ext: ext.into(), may_reconnect: false };
    connections.iter().map(kicked).collect()
}
