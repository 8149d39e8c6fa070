//! Requests that take more than one question to a room: switching rooms, leaving all of them, putting other devices out
//! (chatroom.md §c.6, §d.4). Each step is asked under the sequence of the request; the answer leaves with the last.

use std::sync::Arc;

use super::connection::Phase;
use super::journey::Journey;
use super::orders::Order;
use super::passing::AccountMail;
use super::{Front, Line, find, overloaded};
use crate::dispatch::{Answer, Asked};
use crate::error::{Code, Status, Sub};
use crate::id::{ConnId, DeviceId, RoomId};
use crate::room::{Ask, Op, Open, Query, check_devices};
use crate::wire::{PacketKind, Response, pb};

/// The step that is waited for.
pub(super) enum Step {
    /// True if the connection is in the room it leaves, and whether its account is there with others too.
    Look { from: RoomId, to: RoomId, open: Box<Open> },
    /// The room it goes to.
    Enter { from: RoomId },
    /// The room it leaves; the answer of the one it has entered.
    Leave { entered: Box<pb::RoomEnterResponse> },
    /// So many rooms that it leaves.
    LeaveAll { waiting: usize, left: Vec<(String, i64)> },
    /// The rooms in which devices are to be put out.
    FindRooms { request: pb::KickDevicesRequest },
    /// So many rooms that put devices out.
    KickDevices { waiting: usize, devices: Arc<[DeviceId]> },
}

impl<L: Line> Front<L> {
    /// Enters one room made by a client and leaves another; whatever fails, the connection stays where it was.
    pub(super) fn switch(&mut self, id: ConnId, sequence: u32, request: pb::RoomSwitchRequest) {
        const KIND: u16 = PacketKind::RoomSwitch as u16;
        let (from, to, open) = match self.what_switch(id, request) {
            Ok(switch) => switch,
            Err(status) => return self.refuse(id, KIND, sequence, &status),
        };
        if self.common.is_overloaded(from) || self.common.is_overloaded(to) {
            return self.refuse(id, KIND, sequence, &overloaded());
        }
        let Some(account) = self.connection(id).and_then(|connection| connection.actor()).map(|actor| actor.account) else {
            return;
        };
        self.wait_for(id, sequence, Journey::Rooms(Step::Look { from, to, open }));
        let accounts = vec![account.as_str().to_owned()];
        let look = Query::Lookup(pb::MemberLookupRequest { room_id: from.get(), accounts });
        self.ask(Asked { connection: id, sequence, kind: KIND, subject: from }, Ask::Query(look));
    }

    fn what_switch(&mut self, id: ConnId, request: pb::RoomSwitchRequest) -> Result<(RoomId, RoomId, Box<Open>), Status> {
        let from = RoomId::new(request.from_room_id)?;
        if !from.is_of_client() {
            return Err(Status::bad_parameter("from_room_id must be a room made by a client").refined(Sub::Parameter));
        }
        let to = request.to.ok_or_else(|| Status::bad_parameter("to must be given").refined(Sub::Parameter))?;
        let wishes = pb::RoomCreateRequest { enter_existing: true, ..to };
        let (to, open) = self.open(id, wishes)?;
        Ok((from, to, Box::new(Open { must_exist: !request.create_missing, ..open })))
    }

    /// Leaves every room made by a client.
    pub(super) fn leave_all(&mut self, id: ConnId, sequence: u32) {
        let rooms = self.hub.client_rooms(id);
        let next = Step::LeaveAll { waiting: rooms.len(), left: Vec::new() };
        self.ask_each(id, sequence, PacketKind::RoomLeaveAll, &rooms, next, || Ask::Command(Op::Exit));
    }

    /// Puts other connections of the account out of every room it is in.
    pub(super) fn kick_devices(&mut self, id: ConnId, sequence: u32, request: &pb::KickDevicesRequest) {
        if let Err(status) = check_devices(request) {
            return self.refuse(id, PacketKind::KickDevices as u16, sequence, &status);
        }
        let Some(hash) = self.account_hash(id) else { return };
        self.wait_for(id, sequence, Journey::Rooms(Step::FindRooms { request: request.clone() }));
        self.send_to_owner(hash, AccountMail::Rooms(hash, id, sequence));
    }

    /// The owner of an account has said which rooms the account is in.
    pub(super) fn on_rooms(&mut self, id: ConnId, sequence: u32, rooms: &[RoomId]) {
        let Some(connection) = self.connection(id).filter(|connection| connection.phase == Phase::Open) else { return };
        let request = match connection.take_journey(sequence) {
            Some(Journey::Rooms(Step::FindRooms { request })) => request,
            Some(other) => return self.wait_for(id, sequence, other),
            None => return,
        };
        let devices: Arc<[DeviceId]> = request.device_ids.iter().map(|device| device.as_str().into()).collect();
        if rooms.is_empty() {
            self.kick_sessions(id, &devices);
        }
        let next = Step::KickDevices { waiting: rooms.len(), devices };
        let ask = || Ask::Command(Op::KickDevices(request.clone()));
        self.ask_each(id, sequence, PacketKind::KickDevices, rooms, next, ask);
        self.arrived(id);
    }

    /// Closes the other connections of the account on these devices, in a room or not; on all devices where none is named.
    fn kick_sessions(&mut self, id: ConnId, devices: &Arc<[DeviceId]>) {
        let Some(identity) = find(&mut self.connections, id).and_then(|connection| connection.identity.as_deref()) else {
            return;
        };
        let ext = format!("{{\"clientType\":{}}}", identity.client_type);
        let Some(hash) = self.account_hash(id) else { return };
        self.send_to_owner(hash, AccountMail::Order(hash, Some(id), Order::KickDevice(devices.clone(), ext.into())));
    }

    #[allow(clippy::too_many_arguments)]
    fn ask_each(&mut self, id: ConnId, sequence: u32, kind: PacketKind, rooms: &[RoomId], next: Step, ask: impl Fn() -> Ask) {
        let kind = kind as u16;
        if rooms.iter().any(|room| self.common.is_overloaded(*room)) {
            return self.refuse(id, kind, sequence, &overloaded());
        }
        if rooms.is_empty() {
            // There is nothing to wait for: done.
            return self.refuse(id, kind, sequence, &Status::OK);
        }
        self.wait_for(id, sequence, Journey::Rooms(next));
        for room in rooms {
            self.ask_on(Asked { connection: id, sequence, kind, subject: *room }, ask());
        }
    }

    /// The next step, or the answer to the whole request.
    pub(super) fn step(&mut self, asked: Asked, step: Step, answer: Answer) -> Result<Step, Box<Answer>> {
        match step {
            Step::Look { from, to, mut open } => {
                let is_alone = is_alone(answer).map_err(|status| Box::new(Err(status)))?;
                if from == to {
                    let room = Some(pb::RoomInfo { room_id: to.get(), alias: open.request.alias, ..Default::default() });
                    return Err(Box::new(Ok(switched(pb::RoomEnterResponse { room, ..Default::default() }))));
                }
                open.enter.leaves = is_alone.then_some(from);
                // What is said there comes after the answer that names the room.
                self.hub.hold(to, asked.connection, asked.sequence);
                self.ask_on(Asked { subject: to, ..asked }, Ask::Command(Op::Open(open)));
                Ok(Step::Enter { from })
            }
            Step::Enter { from } => match answer {
                Ok(Response::RoomEnter(entered)) => {
                    self.ask_on(Asked { subject: from, ..asked }, Ask::Command(Op::Exit));
                    Ok(Step::Leave { entered })
                }
                other => Err(Box::new(other)),
            },
            // If it was put out of that room meanwhile, it has left all the same.
            Step::Leave { entered } => Err(Box::new(Ok(switched(*entered)))),
            Step::LeaveAll { waiting, mut left } => {
                if let Ok(Response::RoomExit(room)) = answer {
                    left.push((room.alias, room.room_id));
                }
                if waiting > 1 {
                    return Ok(Step::LeaveAll { waiting: waiting - 1, left });
                }
                left.sort_unstable();
                let (aliases, room_ids) = left.into_iter().unzip();
                let all = pb::RoomLeaveAllResponse { room_ids, aliases, ..Default::default() };
                Err(Box::new(Ok(Response::RoomLeaveAll(all))))
            }
            // It is the owner of the account that is waited for.
            Step::FindRooms { request } => Ok(Step::FindRooms { request }),
            Step::KickDevices { waiting, devices } if waiting > 1 => Ok(Step::KickDevices { waiting: waiting - 1, devices }),
            // A room the account has left meanwhile holds none of its devices.
            Step::KickDevices { devices, .. } => {
                self.kick_sessions(asked.connection, &devices);
                Err(Box::new(Ok(Response::KickDevices(pb::Status::default()))))
            }
        }
    }
}

/// True if the connection is the only one of its account in the room that answers; 403 if it is not there, 503 if the room
/// could not say.
fn is_alone(answer: Answer) -> Result<bool, Status> {
    match answer {
        Ok(Response::MemberLookup(found)) => Ok(found.members.first().is_none_or(|member| member.connections.len() <= 1)),
        Err(status) if status.code == Code::NotFound => Err(Status::with_sub(Code::Forbidden, Sub::NotInRoom)),
        Err(status) => Err(status),
        Ok(_) => Err(Status::new(Code::ServerError, "a look-up came to something else")),
    }
}

fn switched(entered: pb::RoomEnterResponse) -> Response {
    Response::RoomSwitch(Box::new(entered))
}
