//! The room's own affairs: born, changed, muted, closed and opened again (chatroom.md §c.1).

use super::check;
use super::command::Create;
use super::entry::{Entry, Farewell, Outcome};
use super::permissions::Operation;
use super::presence::People;
use super::roster::{Record, Role};
use super::state::Room;
use crate::error::{Code, Status, Sub};
use crate::id::UnixMs;
use crate::limits;
use crate::subject::{Actor, Origin};
use crate::wire::Response;
use crate::wire::pb::{self, KickReason, NotificationType};

impl Room {
    pub(super) fn create(&mut self, entry: &Entry, create: &Create) -> Result<Outcome, Status> {
        check::chars_some("app_key", &create.app_key, limits::APP_KEY_CHARS_MAX)?;
        check::chars_some("name", &create.name, limits::ROOM_NAME_CHARS_MAX)?;
        let announcement = create.announcement.as_deref().unwrap_or_default();
        check::chars("announcement", announcement, limits::ANNOUNCEMENT_CHARS_MAX)?;
        check::chars("broadcast_url", &create.broadcast_url, limits::BROADCAST_URL_CHARS_MAX)?;
        check::chars("ext", &create.ext, limits::EXT_CHARS_MAX)?;
        check::chars("moderation_id", &create.moderation_id, limits::MODERATION_ID_CHARS_MAX)?;
        queue_level(create.queue_level)?;
        if self.exists() {
            return Err(Status::with_sub(Code::Repeated, Sub::RoomRepeated));
        }
        self.settings.moderate_room([&create.name, announcement, &create.broadcast_url, &create.ext])?;
        self.note_create(create, entry.stamp.time);
        Ok(Outcome::lasting(Response::RoomInfo(self.info_response())))
    }

    pub(super) fn note_create(&mut self, create: &Create, time: UnixMs) {
        self.app_key = create.app_key.as_str().into();
        self.creator = Some(create.creator.clone());
        self.info = pb::RoomInfo {
            room_id: self.id.get(),
            creator: create.creator.as_str().into(),
            name: create.name.clone(),
            announcement: create.announcement.clone(),
            broadcast_url: create.broadcast_url.clone(),
            ext: create.ext.clone(),
            queue_level: create.queue_level,
            valid: true,
            in_out_notification: !create.silent_in_out,
            create_time_ms: time.0,
            update_time_ms: time.0,
            moderation_id: create.moderation_id.clone(),
            ..Default::default()
        };
        self.roster.put(&create.creator, Record { role: Role::Creator, update_time: time, ..Default::default() });
    }

    pub(super) fn update(&mut self, entry: &Entry, request: &pb::RoomUpdateRequest) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        self.check_update(actor, request)?;
        self.reach(actor)?;
        self.permit(actor, Operation::Update, entry.stamp.clock)?;
        let changed = self.changes(request);
        if changed == (pb::RoomUpdateRequest { room_id: self.id.get(), ..Default::default() }) {
            return Err(Status::with_sub(Code::NoChange, Sub::IdenticalFields));
        }
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let texts = [&changed.name, &changed.announcement, &changed.broadcast_url, &changed.ext].map(text);
        self.settings.moderate_room(texts.each_ref().map(String::as_str))?;
        self.note_update(entry, request);
        let notice = (!request.silent).then(|| {
            let mut notice = self.notice(entry, NotificationType::RoomUpdated, &request.notify_ext);
            notice.room_updated = Some(changed);
            notice
        });
        Ok(Outcome::notified(Response::RoomUpdate(self.info_response()), notice))
    }

    fn check_update(&self, actor: &Actor, request: &pb::RoomUpdateRequest) -> Result<(), Status> {
        let some = |text: &Option<String>, field, max| text.as_deref().map_or(Ok(()), |text| check::chars(field, text, max));
        if let Some(name) = &request.name {
            check::chars_some("name", name, limits::ROOM_NAME_CHARS_MAX)?;
        }
        some(&request.announcement, "announcement", limits::ANNOUNCEMENT_CHARS_MAX)?;
        some(&request.broadcast_url, "broadcast_url", limits::BROADCAST_URL_CHARS_MAX)?;
        some(&request.ext, "ext", limits::EXT_CHARS_MAX)?;
        some(&request.moderation_id, "moderation_id", limits::MODERATION_ID_CHARS_MAX)?;
        check::notify_ext(&request.notify_ext)?;
        queue_level(request.queue_level.unwrap_or_default())?;
        if request.in_out_notification.is_some() && actor.origin == Origin::Member {
            return Err(Status::bad_parameter("in_out_notification is changed over HTTP only"));
        }
        let nothing = pb::RoomUpdateRequest {
            room_id: request.room_id,
            silent: request.silent,
            notify_ext: request.notify_ext.clone(),
            ..Default::default()
        };
        if *request == nothing {
            Err(Status::bad_parameter("name, announcement, broadcast_url, ext, queue_level or moderation_id must be given"))
        } else {
            Ok(())
        }
    }

    /// Those fields of an update that differ from what is.
    fn changes(&self, request: &pb::RoomUpdateRequest) -> pb::RoomUpdateRequest {
        let info = &self.info;
        let text = |new: &Option<String>, old: &str| new.clone().filter(|new| new != old);
        pb::RoomUpdateRequest {
            room_id: self.id.get(),
            name: text(&request.name, &info.name),
            announcement: request.announcement.clone().filter(|_| request.announcement != info.announcement),
            broadcast_url: text(&request.broadcast_url, &info.broadcast_url),
            ext: text(&request.ext, &info.ext),
            queue_level: request.queue_level.filter(|new| *new != info.queue_level),
            silent: false,
            notify_ext: String::new(),
            moderation_id: text(&request.moderation_id, &info.moderation_id),
            in_out_notification: request.in_out_notification.filter(|new| *new != info.in_out_notification),
        }
    }

    pub(super) fn note_update(&mut self, entry: &Entry, request: &pb::RoomUpdateRequest) {
        fn set<T: Clone>(field: &mut T, new: &Option<T>) {
            if let Some(new) = new {
                *field = new.clone();
            }
        }
        let info = &mut self.info;
        set(&mut info.name, &request.name);
        if request.announcement.is_some() {
            info.announcement = request.announcement.clone();
        }
        set(&mut info.broadcast_url, &request.broadcast_url);
        set(&mut info.ext, &request.ext);
        set(&mut info.queue_level, &request.queue_level);
        set(&mut info.moderation_id, &request.moderation_id);
        set(&mut info.in_out_notification, &request.in_out_notification);
        info.update_time_ms = entry.stamp.time.0;
    }

    pub(super) fn mute_room(&mut self, entry: &Entry, request: &pb::RoomMuteRequest) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        check::notify_ext(&request.notify_ext)?;
        self.reach(actor)?;
        self.permit(actor, Operation::MuteRoom, entry.stamp.clock)?;
        let reply = Response::RoomMute(pb::Status::default());
        if self.info.muted == request.mute {
            return Ok(Outcome::reply(reply));
        }
        self.note_mute_room(entry, request);
        let kind = if request.mute { NotificationType::RoomMuted } else { NotificationType::RoomUnmuted };
        let notice = (!request.silent).then(|| self.notice(entry, kind, &request.notify_ext));
        Ok(Outcome::notified(reply, notice))
    }

    pub(super) fn note_mute_room(&mut self, _: &Entry, request: &pb::RoomMuteRequest) {
        self.info.muted = request.mute;
    }

    pub(super) fn close(&mut self, entry: &Entry, request: &pb::RoomCloseRequest) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        check::notify_ext(&request.notify_ext)?;
        if actor.origin == Origin::Http && self.exists() && !self.info.valid {
            self.permit(actor, Operation::Close, entry.stamp.clock)?;
            return Err(Status::with_sub(Code::Repeated, Sub::RoomRepeated));
        }
        self.reach(actor)?;
        self.permit(actor, Operation::Close, entry.stamp.clock)?;
        let notice = self.notice(entry, NotificationType::RoomClosed, &request.notify_ext);
        let mut outcome = Outcome::notified(Response::RoomClose(pb::Status::default()), Some(notice));
        let farewell = Farewell { reason: KickReason::RoomClosed, message: "the room is closed", ext: &request.notify_ext };
        for (account, person) in self.people.present().map(People::clear).unwrap_or_default() {
            self.say_farewell(&account, &person, &farewell, &mut outcome);
            outcome.departed.push(account);
        }
        self.empty_since = entry.stamp.clock;
        self.note_close(entry, request);
        Ok(outcome)
    }

    pub(super) fn note_close(&mut self, _: &Entry, _: &pb::RoomCloseRequest) {
        self.info.valid = false;
        self.info.delay_close = None;
        if let Some(queue) = self.queue.present() {
            queue.drop_all();
        }
        // Who is put out here has heard it all.
        if let Some(priority) = self.priority.present() {
            priority.clear();
        }
        // Nobody is here any more: what goes with who leaves has gone.
        if let Some(attributes) = self.attributes.present() {
            attributes.retain(|_, attribute| !attribute.goes);
        }
        if let Some(member_attributes) = self.member_attributes.present() {
            member_attributes.clear_all_going();
        }
    }

    pub(super) fn reopen(&mut self, entry: &Entry) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        self.check_exists()?;
        self.permit(actor, Operation::Close, entry.stamp.clock)?;
        if self.info.valid {
            return Err(Status::with_sub(Code::Repeated, Sub::RoomRepeated));
        }
        self.info.valid = true;
        Ok(Outcome::lasting(Response::RoomClose(pb::Status::default())))
    }

    pub(super) fn info_query(&self, now: UnixMs, actor: &Actor, _: &pb::RoomInfoRequest) -> Result<Response, Status> {
        self.reach_to_read(actor, Operation::Info, now)?;
        Ok(Response::RoomInfo(self.info_response()))
    }

    /// The room as it shows itself.
    pub(super) fn room_info(&self) -> pb::RoomInfo {
        pb::RoomInfo { online_count: self.online_count(), queue_size_limit: self.queue.size_limit(), ..self.info.clone() }
    }

    pub(super) fn info_response(&self) -> Box<pb::RoomInfoResponse> {
        Box::new(pb::RoomInfoResponse { room: Some(self.room_info()), ..Default::default() })
    }
}

fn queue_level(level: u32) -> Result<(), Status> {
    if level <= 1 { Ok(()) } else { Err(Status::bad_parameter("queue_level must be 0 or 1")) }
}
