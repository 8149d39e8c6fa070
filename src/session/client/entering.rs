//! How a client comes into rooms, comes back to them, and goes: the part of the session that keeps the list of its rooms.

use bytes::Bytes;

use super::{ClientOutput, ClientSession, Link, Loss, may_pass};
use crate::error::{Code, Status, Sub};
use crate::id::Time;
use crate::limits;
use crate::session::CloseReason;
use crate::session::pending::{Open, Purpose};
use crate::session::room_state::{RoomState, RoomStateCause, RoomStateChange};
use crate::session::rooms::Room;
use crate::session::status::{head_of, status_from_parts};
use crate::wire::{PacketKind, Push, Request, Response, pb};

impl ClientSession {
    /// Draws the consequences of an answer for the rooms this client is in.
    pub(super) fn on_answered(&mut self, open: &Open, result: &mut Result<Response, Status>, out: &mut Vec<ClientOutput>) {
        use RoomStateCause::*;
        let Some(request) = &open.request else { return };
        match (request, &mut *result) {
            (Request::RoomEnter(enter), Ok(Response::RoomEnter(response))) => {
                self.come_in((**enter).clone(), response, ActiveEnter, out);
            }
            (Request::RoomCreate(create), Ok(Response::RoomCreate(response))) => {
                let cause = if response.created { ActiveCreate } else { ActiveEnter };
                self.come_in(enter_of(create), response, cause, out);
            }
            (Request::RoomSwitch(switch), Ok(Response::RoomSwitch(response))) => {
                let to = response.room.as_ref().map_or(0, |room| room.room_id);
                if to == switch.from_room_id {
                    // It stays where it is.
                    return;
                }
                self.go_out(switch.from_room_id, ActiveSwitch, out);
                self.come_in(
                    enter_of(switch.to.as_ref().unwrap_or(&pb::RoomCreateRequest::default())),
                    response,
                    ActiveSwitch,
                    out,
                );
            }
            (Request::RoomLeaveAll(_), Ok(Response::RoomLeaveAll(response))) => {
                for room_id in response.room_ids.clone() {
                    self.go_out(room_id, Success, out);
                }
            }
            (Request::RoomExit(exit), Ok(_)) => self.go_out(exit.room_id, Success, out),
            (Request::RoomExit(exit), Err(status)) if status.sub == Some(Sub::NotInRoom) => {
                self.go_out(exit.room_id, NetDisconnected, out);
            }
            (Request::RoomEnter(enter), Err(status)) if open.purpose == Purpose::Host => {
                self.stay_out(&enter.alias, status, EnterFailed, out);
            }
            (Request::RoomCreate(create), Err(status)) => {
                self.stay_out(&create.alias, status, if create.enter_existing { EnterFailed } else { CreateFailed }, out);
            }
            (Request::RoomSwitch(switch), Err(status)) => {
                self.stay_out(switch.to.as_ref().map_or("", |to| &to.alias), status, SwitchFailed, out);
            }
            (Request::RenewToken(renewal), Ok(_)) => self.token = Some(renewal.token.clone()),
            (request, Ok(_)) => self.rooms.granted(request),
            _ => {}
        }
    }

    /// The client is in a room. From here on it comes back to it after a lost connection.
    fn come_in(
        &mut self,
        mut enter: pb::RoomEnterRequest,
        response: &mut pb::RoomEnterResponse,
        cause: RoomStateCause,
        out: &mut Vec<ClientOutput>,
    ) {
        let asked_id = enter.room_id;
        if let Some(room) = &response.room {
            if !room.alias.is_empty() {
                enter.alias.clone_from(&room.alias);
            }
            if room.room_id != 0 && !enter.alias.is_empty() {
                enter.room_id = room.room_id;
            }
        }
        if enter.room_id != asked_id {
            // The alias has come to name another room: the one it named is gone.
            self.rooms.remove(asked_id);
        }
        let room_id = enter.room_id;
        let cause = if self.rooms.room(room_id).is_some() { RoomStateCause::Success } else { cause };
        self.rooms.entered(enter, response);
        self.evicted = None;
        out.extend(self.rooms.change(room_id, RoomState::Connected, cause).map(ClientOutput::RoomState));
    }

    /// The client is out of a room, and does not come back to it by itself.
    fn go_out(&mut self, room_id: i64, cause: RoomStateCause, out: &mut Vec<ClientOutput>) {
        out.extend(self.rooms.change(room_id, RoomState::Disconnected, cause).map(ClientOutput::RoomState));
        self.rooms.remove(room_id);
    }

    /// The client could not come into a room made by a client, unless it is there already.
    fn stay_out(&mut self, alias: &str, status: &Status, cause: RoomStateCause, out: &mut Vec<ClientOutput>) {
        if !alias.is_empty() && self.rooms.by_alias(alias).is_none() {
            let cause = RoomStateCause::of_refusal(status.code, cause);
            let change = RoomStateChange { room_id: 0, alias: alias.to_owned(), state: RoomState::Disconnected, cause };
            out.push(ClientOutput::RoomState(change));
        }
    }

    /// Something happened that all rooms of this client feel.
    pub(super) fn change_all(&mut self, state: RoomState, cause: RoomStateCause, out: &mut Vec<ClientOutput>) {
        for room_id in self.rooms.ids() {
            out.extend(self.rooms.change(room_id, state, cause).map(ClientOutput::RoomState));
        }
    }

    /// Enters a room again on behalf of the session itself.
    pub(super) fn enter(&mut self, now: Time, room_id: i64, out: &mut Vec<ClientOutput>) {
        let Some(room) = self.rooms.room_mut(room_id) else { return };
        // One attempt at a time.
        room.enter_at = None;
        let request = Request::RoomEnter(Box::new(room.again()));
        let id = self.next_id();
        self.pending.insert(id, Purpose::Enter { room_id }, request, None);
        self.send(now, id, out);
    }

    /// A room did not take this client back: tries again where that may help, and forgets the room where not.
    pub(super) fn on_enter_refused(&mut self, now: Time, room_id: i64, status: Status, out: &mut Vec<ClientOutput>) {
        if may_pass(status.code) || status.code == Code::TooFrequent {
            let delay_ms = u64::from(status.retry_after_ms).max(limits::RECONNECT_MS_MIN);
            if let Some(room) = self.rooms.room_mut(room_id) {
                room.enter_at = Some(now.plus_ms(delay_ms));
            }
        } else {
            self.go_out(room_id, RoomStateCause::of_refusal(status.code, RoomStateCause::EnterFailed), out);
            out.push(ClientOutput::Left { room_id, status });
        }
    }

    pub(super) fn on_login_response(&mut self, now: Time, body: Bytes, out: &mut Vec<ClientOutput>) {
        let Some(status) = head_of(&body) else { return self.ignore() };
        if !status.is_ok() {
            return self.refuse_login(status, out);
        }
        let Ok(Response::Login(mut response)) = Response::decode(PacketKind::Login as u16, body) else { return self.ignore() };
        self.resume_token = Some(response.resume_token.clone()).filter(|token| !token.is_empty());
        self.account.clone_from(&response.account);
        self.frame_bytes_max = match response.frame_bytes_max {
            0 => limits::FRAME_BYTES_MAX,
            bytes => usize::try_from(bytes).unwrap_or(usize::MAX).min(limits::FRAME_BYTES_CEILING),
        };
        let asked_ms = u64::from(response.heartbeat_seconds) * 1000;
        self.heartbeat_ms = if asked_ms == 0 { self.config.heartbeat_ms } else { asked_ms.min(self.config.heartbeat_ms) };

        let known = self.rooms.positions();
        let resumed = std::mem::take(&mut response.resumed_rooms);
        let in_order = resumed.len() == known.len();
        let mut answers = Vec::new();
        for (place, answer) in resumed.into_iter().enumerate() {
            // A refusal carries no room; the answers stand in the order of the positions.
            let by_place = known.get(place).filter(|_| in_order).map(|position| position.room_id);
            answers.extend(answer.room.as_ref().map(|room| room.room_id).or(by_place).map(|room_id| (room_id, answer)));
        }
        let mut asked = self.asked.take();
        if let (Some(asked), Some(answer)) = (&mut asked, response.enter.take()) {
            if asked.room_id == 0 {
                // It was asked for by its alias; its number is in the answer.
                asked.room_id = answer.room.as_ref().map_or(0, |room| room.room_id);
            }
            let asked_id = asked.room_id;
            let is_in_already = answers.iter().any(|(room_id, answer)| *room_id == asked.room_id && is_success(answer));
            let status = enter_status(&answer);
            if status.is_ok() {
                answers.retain(|(room_id, _)| *room_id != asked.room_id);
                answers.push((asked.room_id, answer));
            } else if known.iter().any(|position| position.room_id != asked_id && self.rooms.room(position.room_id).is_some()) {
                // It comes back to the other rooms without this one.
                answers.retain(|(room_id, _)| *room_id != asked_id);
                answers.push((asked_id, answer));
            } else if !is_in_already {
                // The room the login is about: without it, the login is worth nothing.
                return self.refuse_login(status, out);
            }
        }
        let mut unanswered: Vec<i64> = known.iter().map(|position| position.room_id).collect();
        if let Some(asked) = &asked
            && !unanswered.contains(&asked.room_id)
        {
            unanswered.push(asked.room_id);
        }
        unanswered.retain(|room_id| answers.iter().all(|(answered, _)| answered != room_id));
        self.link = Link::Entering;
        self.has_been_in = true;
        out.push(ClientOutput::LoggedIn(response));
        for (room_id, mut answer) in answers {
            let status = enter_status(&answer);
            let enter = match &asked {
                Some(asked) if asked.room_id == room_id => Some(asked.clone()),
                _ => self.rooms.room(room_id).map(Room::again),
            };
            // What we did not ask for is not ours.
            let Some(enter) = enter else { continue };
            if status.is_ok() {
                self.come_in(enter, &mut answer, RoomStateCause::ActiveEnter, out);
                out.push(ClientOutput::Entered(Box::new(answer)));
            } else {
                self.on_enter_refused(now, room_id, status, out);
            }
        }
        if let Some(asked) = asked
            && unanswered.contains(&asked.room_id)
            && self.rooms.wanted(&asked).is_none()
        {
            self.rooms.intend(asked);
        }
        for room_id in unanswered {
            self.enter(now, room_id, out);
        }
        if self.evicted.is_some() && !self.pending.is_coming_in() {
            return self.close(CloseReason::Kicked, out);
        }
        self.flush(now, out);
    }

    fn refuse_login(&mut self, status: Status, out: &mut Vec<ClientOutput>) {
        self.loss = if may_pass(status.code) { Loss::Retry } else { Loss::Final(status.clone()) };
        out.push(ClientOutput::LoginRefused(status));
        self.close(CloseReason::LoginRefused, out);
    }

    pub(super) fn on_kicked(&mut self, now: Time, kicked: Box<pb::Kicked>, out: &mut Vec<ClientOutput>) {
        // A reason newer than this build is one that nobody here can judge, and so a final one (chatroom.md §d.6).
        let is_silent = kicked.reason == i32::from(pb::KickReason::Silent) && kicked.may_reconnect;
        if kicked.room_id != 0 {
            if is_silent && let Some(room) = self.rooms.room_mut(kicked.room_id) {
                let delay_ms = u64::from(kicked.retry_after_ms).max(limits::RECONNECT_MS_MIN);
                room.enter_at = Some(now.plus_ms(delay_ms));
                return;
            }
            self.go_out(kicked.room_id, RoomStateCause::of_kick(kicked.reason), out);
            let (reason, status) = end_of(&kicked);
            out.push(ClientOutput::Push(Push::Kicked(kicked)));
            if self.rooms.is_empty() {
                // The server closes a connection that is in no room any more. One that is about to enter another is given the
                // time to hear whether it may, and one that comes back, and meets the kick it missed, what its login comes to.
                self.evicted = Some(status);
                if !self.pending.is_coming_in() && !matches!(self.link, Link::LoggingIn { .. }) {
                    self.close(reason, out);
                }
            }
        } else if is_silent {
            self.loss = Loss::Return { retry_after_ms: kicked.retry_after_ms, spread_ms: kicked.spread_ms };
            self.close(CloseReason::Kicked, out);
        } else {
            let (reason, status) = end_of(&kicked);
            self.loss = Loss::Final(status);
            self.change_all(RoomState::Disconnected, RoomStateCause::of_kick(kicked.reason), out);
            out.push(ClientOutput::Push(Push::Kicked(kicked)));
            self.close(reason, out);
        }
    }
}

/// How a kick for good ends the connection, and the status that says so.
fn end_of(kicked: &pb::Kicked) -> (CloseReason, Status) {
    let expired = kicked.reason == i32::from(pb::KickReason::TokenExpired);
    let (reason, code) =
        if expired { (CloseReason::TokenExpired, Code::TokenExpired) } else { (CloseReason::Kicked, Code::NotLoggedIn) };
    (reason, Status::new(code, format!("kicked with reason {}: {}", kicked.reason, kicked.message)))
}

fn enter_status(response: &pb::RoomEnterResponse) -> Status {
    status_from_parts(response.code, response.sub, response.desc.clone())
}

fn is_success(response: &pb::RoomEnterResponse) -> bool {
    enter_status(response).is_ok()
}

/// How a room that this request made, or found, is entered again.
fn enter_of(create: &pb::RoomCreateRequest) -> pb::RoomEnterRequest {
    let enter = create.enter.clone().unwrap_or_default();
    pb::RoomEnterRequest { room_id: 0, alias: create.alias.clone(), ..enter }
}
