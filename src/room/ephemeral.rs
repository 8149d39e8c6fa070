//! Rooms made by clients: begun by who comes first, gone with who leaves last (chatroom.md §c.6). And who leaves a room, of either
//! family, for a reason outside it: too many rooms, another device.

use super::entry::{Entry, Farewell, Outcome};
use crate::subject::{Actor, Kick, Origin, Presence};
use std::collections::BTreeSet;

use super::attribute_ops::check_set;
use super::attributes::{Attribute, Map, check_room};
use super::check;
use super::command::{Op, Open, Query};
use super::permissions::Operation;
use super::presence::Bearing;
use super::rate::Bucket;
use super::report::Way;
use super::roster::Roster;
use super::state::Room;
use crate::error::{Code, Status, Sub};
use crate::id::{ConnId, DeviceId, Seq};
use crate::limits;
use crate::wire::pb::{self, KickReason, NotificationType};
use crate::wire::{Push, Response};

impl Room {
    /// Enters a room made by a client, and makes it if it is not there.
    pub(super) fn open(&mut self, entry: &Entry, open: &Open) -> Result<Outcome, Status> {
        let (actor, Open { request, enter, must_exist }) = (&entry.command.actor, open);
        let connection = actor.connection.ok_or_else(|| Status::bad_parameter("only a connection makes a room"))?;
        if !self.is_of_client {
            return Err(Status::bad_parameter("a room with this number is not made by clients"));
        }
        check_open(request)?;
        self.check_enter(actor, enter)?;
        let bearing = self.check_bearing(enter)?;
        if actor.anonymous && !self.settings.anonymous_enabled {
            self.permit(actor, Operation::Enter, entry.stamp.clock)?;
        }
        if self.exists() {
            return self.open_existing(entry, open, bearing, connection);
        }
        if *must_exist {
            return Err(self.missing());
        }
        if actor.anonymous {
            return Err(Status::with_sub(Code::Forbidden, Sub::AnonymousRefused));
        }
        if enter.over_quota {
            return Err(Status::with_sub(Code::OverQuota, Sub::JoinedRoomsQuota));
        }
        if enter.is_barred {
            return Err(Status::with_sub(Code::OverQuota, Sub::RoomsQuota));
        }
        check_room(&initial(actor, request))?;
        self.settings.moderate_profile([&enter.request.nick, &enter.request.avatar, &enter.request.ext])?;
        self.note_open(entry, open);
        let mut outcome = self.seat(entry, enter, bearing, connection)?;
        if let Response::RoomEnter(reply) = &mut outcome.reply {
            reply.created = true;
        }
        outcome.durable = true;
        Ok(outcome)
    }

    fn open_existing(&mut self, entry: &Entry, open: &Open, bearing: Bearing, connection: ConnId) -> Result<Outcome, Status> {
        let (actor, Open { request, enter, must_exist }) = (&entry.command.actor, open);
        let is_named = self.is_named(&enter.app_key, &request.alias);
        // Another room has the number: the one that is meant is missing, and cannot be made either.
        if *must_exist && !is_named {
            return Err(self.missing());
        }
        let enters = is_named && (request.enter_existing || *must_exist);
        if enters && self.people.has(&actor.account, connection) {
            return Ok(Outcome::reply(self.enter_response(entry, connection, false)));
        }
        if !enters && enter.over_quota && self.people.person(&actor.account).is_none() {
            return Err(Status::with_sub(Code::OverQuota, Sub::JoinedRoomsQuota));
        }
        if !enters {
            return Err(Status::with_sub(Code::Repeated, Sub::RoomExists));
        }
        self.let_in(entry, enter, bearing, connection)
    }

    pub(super) fn note_open(&mut self, entry: &Entry, open: &Open) {
        let (actor, Open { request, enter, .. }) = (&entry.command.actor, open);
        self.begin_anew();
        self.born = entry.seq;
        self.app_key = enter.app_key.as_str().into();
        self.creator = Some(actor.account.clone());
        let attributes = initial(actor, request);
        if !attributes.is_empty() {
            *self.attributes = attributes;
        }
        self.info = pb::RoomInfo {
            room_id: self.id.get(),
            creator: actor.account.as_str().into(),
            name: if request.name.is_empty() { request.alias.clone() } else { request.name.clone() },
            alias: request.alias.clone(),
            destroy_delay_seconds: request.destroy_delay_seconds,
            valid: true,
            in_out_notification: true,
            create_time_ms: entry.stamp.time.0,
            update_time_ms: entry.stamp.time.0,
            ..Default::default()
        };
    }

    /// Ends a room in which nobody is left. The numbers of its entries go on if it is made again.
    pub(super) fn destroy(&mut self, entry: &Entry) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        if actor.origin == Origin::Http && !self.is_of_client {
            return self.delete(entry);
        }
        self.reach_clearing(actor)?;
        if !self.is_of_client || self.people.len() > 0 {
            return Err(Status::new(Code::Forbidden, "only a room made by a client ends, and only when nobody is in it"));
        }
        self.note_destroy();
        Ok(Outcome::lasting(Response::RoomClose(pb::Status::default())))
    }

    /// A closed room made over HTTP ends for good, with everything in it.
    fn delete(&mut self, entry: &Entry) -> Result<Outcome, Status> {
        self.check_exists()?;
        self.permit(&entry.command.actor, Operation::Close, entry.stamp.clock)?;
        if self.info.valid {
            return Err(Status::new(Code::Forbidden, "close the room before you delete it"));
        }
        self.note_destroy();
        Ok(Outcome::lasting(Response::RoomClose(pb::Status::default())))
    }

    pub(super) fn note_destroy(&mut self) {
        self.begin_anew();
        self.born = Seq::default();
        self.app_key = Box::default();
        self.creator = None;
        self.info = pb::RoomInfo::default();
    }

    /// Forgets everything that lasts, except the place in the log.
    fn begin_anew(&mut self) {
        self.roster = Roster::default();
        self.intake = Bucket::default();
        (self.attributes, self.member_attributes) = Default::default();
        (self.queue, self.queries, self.senders) = Default::default();
        (self.priority, self.recalled) = Default::default();
    }

    /// True if the room is the one that goes by this name in this application. Rooms made over HTTP have no alias, and one that
    /// is entered by its number need not be named.
    pub(super) fn is_named(&self, app_key: &str, alias: &str) -> bool {
        *self.app_key == *app_key && (alias.is_empty() || self.info.alias == alias)
    }

    /// 404, as it is told of rooms of this family.
    pub(super) fn missing(&self) -> Status {
        let sub = if self.is_of_client { Sub::ClientRoomMissing } else { Sub::RoomMissing };
        Status::with_sub(Code::NotFound, sub)
    }

    /// True if pushes of this room belong in the history.
    pub(super) fn keeps_history(&self) -> bool {
        !self.is_of_client || self.settings.client_rooms_have_history
    }

    /// Refuses commands that rooms made by clients do not know: these are flat (chatroom.md §b, note 6).
    pub(super) fn check_family(&self, op: &Op) -> Result<(), Status> {
        match op {
            _ if !self.is_of_client => Ok(()),
            Op::Create(_) | Op::Update(_) | Op::Close(_) | Op::Reopen | Op::DelayClose(_) | Op::MuteRoom(_) => {
                Err(unknown_here())
            }
            Op::AddRobots(_) | Op::RemoveRobots(_) | Op::SeatRobot(_) | Op::UnseatRobot { .. } => Err(unknown_here()),
            Op::SetRole(_) | Op::Kick(_) | Op::TempMute(_) | Op::TagTempMute(_) => Err(unknown_here()),
            Op::QueueInit(_) | Op::QueueOffer(_) | Op::QueueBatchOffer(_) | Op::QueuePoll(_) => Err(unknown_here()),
            Op::QueueChange(_) | Op::QueueDrop(_) | Op::QueueClearOwner | Op::QueueClearSome(_) => Err(unknown_here()),
            Op::Recall(_) => self.check_recalls(),
            _ => Ok(()),
        }
    }

    /// Messages are not taken back in rooms made by clients (chatroom.md §c.6).
    pub(super) fn check_recalls(&self) -> Result<(), Status> {
        if self.is_of_client { Err(Status::with_sub(Code::Unavailable, Sub::NotForClientRooms)) } else { Ok(()) }
    }

    /// As [`Room::check_family`], of questions.
    pub(super) fn check_family_of_query(&self, query: &Query) -> Result<(), Status> {
        match query {
            Query::QueueList(_) | Query::QueuePeek(_) | Query::QueueMultiGet(_) if self.is_of_client => Err(unknown_here()),
            _ => Ok(()),
        }
    }

    /// The account has entered more rooms than it may be in, and this is the one it entered first (chatroom.md §d.5); or it was let in
    /// by a change of the blocklist that was lost.
    pub(super) fn expel_account(&mut self, entry: &Entry) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        self.reach_clearing(actor)?;
        let Some(person) = self.people.person(&actor.account) else {
            return Err(Status::with_sub(Code::NotFound, Sub::TargetOffline));
        };
        let leaving = person.connections.iter().map(|own| own.id).collect();
        let mut outcome = self.leaving(entry, leaving);
        let is_kept_out = self.roster.record(&actor.account).is_some_and(|record| record.blocklisted);
        let (reason, message) = match is_kept_out {
            true => (KickReason::Blocklisted, "on the room's blocklist"),
            false => (KickReason::Silent, "the account has entered too many rooms"),
        };
        let farewell = Farewell { reason, message, ext: "" };
        self.expel(&actor.account, &farewell, entry.stamp.clock, &mut outcome);
        Ok(outcome)
    }

    /// The actor puts its other connections out, or those of the named devices; the one it asks from stays (chatroom.md §d.4).
    pub(super) fn kick_devices(&mut self, entry: &Entry, request: &pb::KickDevicesRequest) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        check_devices(request)?;
        self.check_exists()?;
        let devices: BTreeSet<DeviceId> = request.device_ids.iter().map(|device| device.as_str().into()).collect();
        let connections = self.people.person(&actor.account).map_or(&[][..], |person| &person.connections);
        let is_meant = |device: DeviceId| devices.is_empty() || devices.contains(&device);
        let others = connections.iter().filter(|own| Some(own.id) != actor.connection && is_meant(own.device));
        let leaving: Vec<ConnId> = others.map(|own| own.id).collect();
        let stays = self.people.is_robot(&actor.account);
        let is_last = !leaving.is_empty() && leaving.len() == connections.len() && !stays;
        let mut outcome = if is_last { self.leaving(entry, leaving.clone()) } else { Outcome::reply(kicked_devices()) };
        let ext = format!("{{\"clientType\":{}}}", actor.client_type);
        let message = "put out by another device of the account";
        let farewell = Farewell { reason: KickReason::SamePlatform, message, ext: &ext };
        for connection in leaving {
            self.note_passage(&actor.account, connection, Way::LoginKick, "", &mut outcome);
            outcome.presence.push(Presence::Left(connection));
            outcome.kicks.push(Kick { connection, kicked: self.kicked(&farewell) });
            self.leave(&actor.account, connection, entry.stamp.clock, &mut outcome);
        }
        Ok(outcome)
    }

    /// An outcome that tells those whom the last of those who leave means, but none of these, that the actor has left.
    fn leaving(&self, entry: &Entry, leaving: Vec<ConnId>) -> Outcome {
        let Some(mut notice) = self.in_out_notice(entry, NotificationType::MemberExit, "") else {
            return Outcome::reply(kicked_devices());
        };
        let target = leaving.last().map(|last| self.people.tags().target(*last)).unwrap_or_default();
        let mut heard = self.meant(&target);
        leaving.iter().for_each(|connection| heard.exclude(*connection));
        notice.notify_target_tags = target;
        let (push, audience) = (Some(Push::Notification(notice)), self.audience_of(heard));
        Outcome { push, audience, ..Outcome::reply(kicked_devices()) }
    }
}

/// Checks the devices an account wants to put out: 414 says what is wrong with them.
pub fn check_devices(request: &pb::KickDevicesRequest) -> Result<(), Status> {
    if request.device_ids.len() > limits::KICK_DEVICES_MAX {
        return Err(Status::bad_parameter(format!("device_ids must not be more than {}", limits::KICK_DEVICES_MAX)));
    }
    request.device_ids.iter().try_for_each(|device| check::chars_some("device_ids", device, limits::DEVICE_ID_CHARS_MAX))
}

/// Checks the name of a room made by a client (chatroom.md §a.3).
pub(super) fn check_alias(alias: &str) -> Result<(), Status> {
    if alias.is_empty() || alias.len() > limits::ALIAS_BYTES_MAX {
        let most = limits::ALIAS_BYTES_MAX;
        return Err(Status::bad_parameter(format!("alias must be 1-{most} bytes")).refined(Sub::Parameter));
    }
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"~!@#$%^&*()_+=-`;',.<>/\\".contains(&byte);
    if !alias.bytes().all(is_allowed) {
        let status = Status::bad_parameter("alias must be letters, digits and ~!@#$%^&*()_+=-`;',.<>/\\");
        return Err(status.refined(Sub::Parameter));
    }
    Ok(())
}

fn check_open(request: &pb::RoomCreateRequest) -> Result<(), Status> {
    check_alias(&request.alias)?;
    if request.name.len() > limits::CLIENT_ROOM_NAME_BYTES_MAX {
        let most = limits::CLIENT_ROOM_NAME_BYTES_MAX;
        return Err(Status::bad_parameter(format!("name must not exceed {most} bytes")).refined(Sub::Parameter));
    }
    if request.destroy_delay_seconds > limits::DESTROY_DELAY_SECONDS_MAX {
        let most = limits::DESTROY_DELAY_SECONDS_MAX;
        return Err(Status::bad_parameter(format!("destroy_delay_seconds must not exceed {most}")).refined(Sub::Parameter));
    }
    // Of how many there are the room itself decides once it is known that it begins.
    match check_set(&request.attributes) {
        Err(status) if status.code == Code::BadParameter && !request.attributes.is_empty() => Err(status),
        _ => Ok(()),
    }
}

/// What a room begins with: owned by its maker, and staying when its maker leaves.
fn initial(actor: &Actor, request: &pb::RoomCreateRequest) -> Map {
    let attribute = |value: &String| Attribute { value: value.as_str().into(), owner: actor.account.clone(), goes: false };
    request.attributes.iter().map(|(key, value)| (key.as_str().into(), attribute(value))).collect()
}

fn kicked_devices() -> Response {
    Response::KickDevices(pb::Status::default())
}

fn unknown_here() -> Status {
    Status::new(Code::NotFound, "rooms made by clients do not know this command")
}
