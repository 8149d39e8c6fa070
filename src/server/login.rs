//! Logging in: who is it, which room, and does it take over from a lost connection (chatroom.md §c.1, §d).

use std::rc::Rc;

use bytes::BytesMut;

use super::connection::{Identity, PendingLogin, Resume};
use super::worker::{State, Worker};
use crate::account::{Login, Verified};
use crate::dispatch::{Answer, Asked};
use crate::error::{Code, Status};
use crate::id::{ConnId, RoomId};
use crate::room::{Ask, Op};
use crate::session::CloseReason;
use crate::wire::frame::VERSIONS;
use crate::wire::{PacketKind, Response, pb};

impl State {
    /// Verifies a login; with a room in it, the answer waits for the room's.
    pub(super) fn login(&mut self, worker: &Rc<Worker>, id: ConnId, sequence: u32, mut request: pb::LoginRequest) {
        let enter = request.enter.take();
        let verified = verify(worker, &request, enter.as_ref());
        let room = enter.as_ref().map(|enter| RoomId::new(enter.room_id)).transpose();
        let (verified, room) = match verified.and_then(|verified| Ok((verified, room?))) {
            Ok(both) => both,
            Err(status) => return self.refuse_login(worker, id, sequence, &status, None),
        };
        let shared = &worker.shared;
        let token_expires = verified.expires.map(|at| shared.time_of(at));
        let old =
            request.resume.as_ref().and_then(|resume| shared.resume.verify(&resume.token, &request.app_key, &verified.account));
        let response = pb::LoginResponse {
            account: verified.account.to_string(),
            connection_id: id.to_string(),
            server_time_ms: shared.unix().0,
            heartbeat_seconds: seconds(shared.session.heartbeat_ms),
            idle_timeout_seconds: seconds(shared.session.idle_timeout_ms),
            frame_bytes_max: u32::try_from(shared.session.frame_bytes_max).unwrap_or(u32::MAX),
            resume_token: shared.resume.issue(id, &request.app_key, &verified.account),
            resumed: old.is_some() && room.is_none(),
            ..pb::LoginResponse::default()
        };
        let Some(connection) = self.connection(id) else { return };
        connection.resume =
            old.zip(request.resume).map(|(replaces, resume)| Box::new(Resume { replaces, rooms: resume.rooms }));
        connection.identity = Some(Box::new(Identity {
            account: verified.account,
            app_key: shared.app_key(&request.app_key),
            anonymous: verified.anonymous,
            globally_muted: verified.globally_muted,
            client_type: request.client_type,
            nick: verified.nick.into(),
            avatar: verified.avatar.into(),
            device_id: request.device_id.into(),
        }));
        match enter.zip(room) {
            Some((enter, room)) => {
                connection.pending_login = Some(Box::new(PendingLogin { sequence, response, token_expires }));
                let ask = Ask::Command(Op::Enter(Box::new(self.enter(id, enter))));
                self.ask(worker, Asked { connection: id, sequence, kind: PacketKind::RoomEnter as u16, room }, ask);
            }
            None => {
                connection.session.accept_login(shared.now(), token_expires);
                let mut frame = BytesMut::new();
                Response::Login(Box::new(response)).encode(sequence, &mut frame);
                connection.transmit(&frame);
            }
        }
    }

    /// The room has answered the login that wanted to enter it.
    pub(super) fn complete_login(&mut self, worker: &Rc<Worker>, asked: Asked, answer: Answer) {
        let id = asked.connection;
        let Some(connection) = self.connections.get_mut(id.slot()).filter(|connection| connection.id == id) else { return };
        let Some(pending) = connection.pending_login.take() else { return };
        let enter = match answer {
            Ok(Response::RoomEnter(enter)) => enter,
            Ok(_) => return,
            Err(status) => return self.refuse_login(worker, id, pending.sequence, &status, Some(asked.room)),
        };
        connection.session.accept_login(worker.shared.now(), pending.token_expires);
        let mut response = pending.response;
        response.resumed = enter.resumed;
        if enter.resumed
            && let Some(resume) = &connection.resume
        {
            response.connection_id = resume.replaces.to_string();
        }
        response.enter = Some(*enter);
        Response::Login(Box::new(response)).encode(pending.sequence, &mut self.staging);
    }

    fn refuse_login(&mut self, worker: &Rc<Worker>, id: ConnId, sequence: u32, status: &Status, room: Option<RoomId>) {
        metrics::counter!("chatroom_logins_refused_total", "code" => status.code.number().to_string()).increment(1);
        tracing::debug!(%id, %status, "login refused");
        let plain = pb::Status::from(status);
        let response = pb::LoginResponse {
            code: plain.code,
            sub: plain.sub,
            desc: plain.desc.clone(),
            enter: room.map(|room| pb::RoomEnterResponse {
                code: plain.code,
                sub: plain.sub,
                desc: plain.desc,
                room: Some(pb::RoomInfo { room_id: room.get(), ..pb::RoomInfo::default() }),
                ..pb::RoomEnterResponse::default()
            }),
            ..pb::LoginResponse::default()
        };
        let mut frame = BytesMut::new();
        Response::Login(Box::new(response)).encode(sequence, &mut frame);
        let Some(connection) = self.connection(id) else { return };
        connection.session.refuse_login();
        connection.transmit(&frame);
        self.end(worker, id, CloseReason::LoginRefused);
    }

    /// A new token for a connection that stays (chatroom.md §d.1).
    pub(super) fn renew_token(&mut self, worker: &Rc<Worker>, id: ConnId, sequence: u32, token: &str) {
        let shared = &worker.shared;
        let Some(connection) = self.connections.get_mut(id.slot()).filter(|connection| connection.id == id) else { return };
        let Some(identity) = connection.identity.as_deref() else { return };
        let renewed = shared.accounts.verify_renewal(&identity.app_key, &identity.account, token, shared.unix());
        let status = match renewed {
            Ok(expires) => {
                connection.session.renewed(shared.now(), expires.map(|at| shared.time_of(at)));
                Status::OK
            }
            Err(status) => status,
        };
        connection.session.answered(sequence);
        self.respond(id, PacketKind::RenewToken as u16, sequence, &status);
    }
}

fn verify(worker: &Worker, request: &pb::LoginRequest, enter: Option<&pb::RoomEnterRequest>) -> Result<Verified, Status> {
    let version = request.protocol_version;
    if version != 0 && !VERSIONS.contains(&version) {
        return Err(Status::new(Code::VersionTooOld, "this server speaks protocol version 1"));
    }
    let login = Login {
        app_key: &request.app_key,
        account: &request.account,
        token: &request.token,
        auth_type: request.auth_type,
        login_ext: &request.login_ext,
        anonymous: request.anonymous,
        nick: enter.map(|enter| enter.nick.as_str()),
        device_id: &request.device_id,
        custom_tag: &request.custom_tag,
    };
    worker.shared.accounts.verify_login(&login, worker.shared.unix())
}

fn seconds(ms: u64) -> u32 {
    u32::try_from(ms / 1000).unwrap_or(u32::MAX)
}
