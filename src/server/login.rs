//! Logging in: who is it, which room, and does it take over from a lost connection (chatroom.md §c.1, §d).

use std::rc::Rc;
use std::sync::Arc;

use bytes::BytesMut;
use serde::Serialize;

use super::connection::{Connection, Identity, PendingLogin, Phase, Resume};
use super::sessions::Session;
use super::worker::{State, Worker, overloaded};
use crate::account::{CALLBACK, Login, TokenKind, Verified, wrong_token};
use crate::dispatch::{Answer, Asked};
use crate::error::{Code, Status, Sub};
use crate::hooks::{Callback, NoAnswer, Verdict};
use crate::id::{AccountId, ConnId, RoomId, UnixMs};
use crate::limits::{CLIENT_ROOM_TOKEN_SECONDS_MAX, LOGIN_CALLBACK_MS, SDK_VERSION_CHARS_MAX, TOKEN_BYTES_MAX};
use crate::room::{Ask, ClientFacts, Op};
use crate::session::CloseReason;
use crate::wire::frame::VERSIONS;
use crate::wire::packet::encode_status;
use crate::wire::{PacketKind, Response, pb};

/// What a client that does not say its type counts as: a desktop (chatroom.md §a.5).
const CLIENT_TYPE_UNSET: u32 = 4;

/// A login on its way.
struct Attempt {
    sequence: u32,
    request: pb::LoginRequest,
    /// The room to enter in the same round trip.
    enter: Option<(RoomId, pb::RoomEnterRequest)>,
}

/// What an application is asked about a login, or about a new token.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    app_key: String,
    accid: String,
    token: String,
    login_ext: String,
    client_type: u32,
    ip: String,
}

impl State {
    /// Verifies a login; with a room in it, the answer waits for the room's.
    pub(super) fn login(&mut self, worker: &Rc<Worker>, id: ConnId, sequence: u32, mut request: pb::LoginRequest) {
        if request.client_type == 0 {
            request.client_type = CLIENT_TYPE_UNSET;
        }
        let enter = request.enter.take();
        let proof = prove(worker, &request, enter.as_ref());
        let room = enter.as_ref().map(|enter| worker.shared.room_of(&request.app_key, enter)).transpose();
        let (proof, room) = match proof.and_then(|proof| Ok((proof, room?))) {
            Ok(both) => both,
            Err(status) => return self.refuse_login(worker, id, sequence, &status, None),
        };
        let attempt = Attempt { sequence, request, enter: room.zip(enter) };
        match proof {
            Proof::Given(verified) => self.admit(worker, id, attempt, verified),
            Proof::ToAskFor(account) => self.ask_about_login(worker, id, attempt, account),
        }
    }

    /// Lets somebody in who is who they say.
    fn admit(&mut self, worker: &Rc<Worker>, id: ConnId, attempt: Attempt, verified: Verified) {
        let Attempt { sequence, request, enter } = attempt;
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
            ..pb::LoginResponse::default()
        };
        let long_token = is_long(verified.token_seconds);
        if let Some((room, _)) = &enter
            && let Err(status) = check_family(*room, long_token)
        {
            return self.refuse_login(worker, id, sequence, &status, Some(*room));
        }
        let wants_client =
            self.apps(worker).settings(&request.app_key).reports.as_ref().is_some_and(|reports| reports.tells_in_out());
        let Some(connection) = self.connection(id) else { return };
        let session = Session {
            connection: id,
            client_type: u16::try_from(request.client_type).unwrap_or(u16::MAX),
            since_seconds: u32::try_from(shared.unix().0 / 1000).unwrap_or(u32::MAX),
        };
        shared.sessions.enter(&request.app_key, &verified.account, session);
        // Whose name was taken, or who was blocked or muted after the look at its account, and before its connection could be found, learns it here.
        let account = shared.accounts.account(&request.app_key, &verified.account);
        let is_taken = verified.anonymous && account.is_some();
        let (is_blocked, is_muted) = account.map_or((false, verified.globally_muted), |account| {
            (account.blocked && !verified.anonymous, account.is_muted_in_rooms())
        });
        let token_kind = kind_of(&request);
        // Without a place to take over the positions serve the room of the login alone.
        let is_of_use = old.is_some() || enter.as_ref().is_some_and(|(_, enter)| enter.position.is_none());
        let resume = request.resume.filter(|_| is_of_use);
        let resume = resume.map(|resume| Box::new(Resume { replaces: old, rooms: resume.rooms }));
        let client = wants_client.then(|| {
            let sdk_version: String = request.sdk_version.chars().take(SDK_VERSION_CHARS_MAX).collect();
            Arc::new(ClientFacts { address: connection.address.to_string().into(), sdk_version: sdk_version.into() })
        });
        connection.change_rare(|rare| (rare.resume, rare.client) = (resume, client));
        connection.identity = Some(Box::new(Identity {
            account: verified.account,
            app_key: shared.app_key(&request.app_key),
            anonymous: verified.anonymous,
            globally_muted: is_muted,
            client_type: request.client_type,
            custom_client_type: request.custom_client_type,
            token_kind,
            long_token,
            face: (!verified.nick.is_empty() || !verified.avatar.is_empty())
                .then(|| Box::new((verified.nick.into(), verified.avatar.into()))),
            device_id: request.device_id.as_str().into(),
        }));
        if is_taken {
            return self.refuse_login(worker, id, sequence, &wrong_token(), None);
        }
        if is_blocked {
            let status = Status::with_sub(Code::AccountDisabled, Sub::AccountBanned);
            return self.refuse_login(worker, id, sequence, &status, None);
        }
        match enter {
            Some((room, enter)) => {
                let pending = Box::new(PendingLogin { sequence, response, token_expires });
                connection.change_rare(|rare| rare.pending_login = Some(pending));
                let ask = Ask::Command(Op::Enter(Box::new(self.enter(id, room, enter))));
                // Under the kind of a login, whose answer sets nothing aside.
                self.ask(worker, Asked { connection: id, sequence, kind: PacketKind::Login as u16, room }, ask);
            }
            None => {
                connection.session.accept_login(shared.now(), token_expires);
                let mut frame = BytesMut::new();
                Response::Login(Box::new(response)).encode(sequence, &mut frame);
                connection.transmit(&frame);
            }
        }
    }

    /// Asks the application whether somebody may log in; the login goes on when it has answered, if the connection still waits.
    fn ask_about_login(&mut self, worker: &Rc<Worker>, id: ConnId, attempt: Attempt, account: AccountId) {
        let app_key = attempt.request.app_key.clone();
        let Some(connection) = self.connection(id) else { return };
        let question = Question {
            app_key: app_key.clone(),
            accid: account.to_string(),
            token: attempt.request.token.clone(),
            login_ext: attempt.request.login_ext.clone(),
            client_type: attempt.request.client_type,
            ip: connection.address.to_string(),
        };
        let sequence = attempt.sequence;
        let then = move |state: &mut State, worker: &Rc<Worker>, expires: Result<Option<UnixMs>, Status>| {
            let waits = |connection: &mut Connection| connection.phase == Phase::Open && connection.identity.is_none();
            if !state.connection(id).is_some_and(waits) {
                return;
            }
            let shared = &worker.shared;
            let verified =
                expires.and_then(|expires| shared.accounts.finish_callback_login(&app_key, &account, expires, shared.unix()));
            match verified {
                Ok(verified) => state.admit(worker, id, attempt, verified),
                Err(status) => state.refuse_login(worker, id, sequence, &status, None),
            }
        };
        if let Err(status) = self.ask_application_about(worker, question, then) {
            self.refuse_login(worker, id, sequence, &status, None);
        }
    }

    /// Asks an application about a token, and does `then` with what it comes to: when it expires, or why it is not good. Fails
    /// with 514 if the application cannot be asked, and with 503 if too many are being asked.
    fn ask_application_about(
        &mut self,
        worker: &Rc<Worker>,
        question: Question,
        then: impl FnOnce(&mut State, &Rc<Worker>, Result<Option<UnixMs>, Status>) + 'static,
    ) -> Result<(), Status> {
        let uri = self.apps(worker).login_callback(&question.app_key).cloned();
        let uri = uri.ok_or_else(|| Status::new(Code::Unavailable, "the application has no callback for logins"))?;
        let asking = (worker.shared.app_key(&question.app_key), Callback::Login);
        if !self.callbacks.begin(&asking) {
            return Err(overloaded());
        }
        let worker = worker.clone();
        tokio::task::spawn_local(async move {
            let verdict = worker.shared.callbacks.ask(&uri, &question, LOGIN_CALLBACK_MS).await;
            worker.with(|state| {
                state.callbacks.end(&asking);
                then(state, &worker, judge(verdict));
            });
        });
        Ok(())
    }

    /// The room has answered the login that wanted to enter it.
    pub(super) fn complete_login(&mut self, worker: &Rc<Worker>, asked: Asked, answer: Answer) {
        let id = asked.connection;
        let Some(connection) = self.connections.get_mut(id.slot()).filter(|connection| connection.id == id) else { return };
        let Some(pending) = connection.change_rare(|rare| rare.pending_login.take()) else { return };
        let enter = match answer {
            Ok(Response::RoomEnter(enter)) => enter,
            Ok(_) => return,
            // Who comes back to other rooms too is out of this one alone (chatroom.md §d.7).
            Err(status) if is_out_for_good(status.code) && is_elsewhere(connection, asked.room) => {
                Box::new(refused(&status, asked.room))
            }
            Err(status) => return self.refuse_login(worker, id, pending.sequence, &status, Some(asked.room)),
        };
        connection.session.accept_login(worker.shared.now(), pending.token_expires);
        let mut response = pending.response;
        response.resumed = enter.resumed;
        if enter.resumed
            && let Some(replaces) = connection.resume().and_then(|resume| resume.replaces)
        {
            response.connection_id = replaces.to_string();
        }
        connection.change_rare(|rare| _ = rare.resume.take_if(|resume| resume.replaces.is_none()));
        response.enter = Some(*enter);
        Response::Login(Box::new(response)).encode(pending.sequence, &mut self.staging);
    }

    fn refuse_login(&mut self, worker: &Rc<Worker>, id: ConnId, sequence: u32, status: &Status, room: Option<RoomId>) {
        metrics::counter!("chatroom_logins_refused_total", "code" => status.code.number().to_string()).increment(1);
        tracing::debug!(%id, %status, "login refused");
        let mut frame = BytesMut::new();
        match room {
            Some(room) => {
                let enter = refused(status, room);
                let (code, sub, desc) = (enter.code, enter.sub, enter.desc.clone());
                let response = pb::LoginResponse { code, sub, desc, enter: Some(enter), ..pb::LoginResponse::default() };
                Response::Login(Box::new(response)).encode(sequence, &mut frame);
            }
            None => encode_status(PacketKind::Login as u16, sequence, status, &mut frame),
        }
        let Some(connection) = self.connection(id) else { return };
        connection.session.refuse_login();
        connection.transmit(&frame);
        self.end(worker, id, CloseReason::LoginRefused);
    }

    /// A new token for a connection that stays (chatroom.md §d.1).
    pub(super) fn renew_token(&mut self, worker: &Rc<Worker>, id: ConnId, sequence: u32, token: String) {
        let Some(connection) = self.connection(id) else { return };
        let Some(identity) = connection.identity.as_deref_mut() else { return };
        if identity.token_kind != TokenKind::Callback {
            let (accounts, now) = (&worker.shared.accounts, worker.shared.unix());
            let term = accounts.verify_renewal(&identity.app_key, &identity.account, identity.token_kind, &token, now);
            if let Ok(term) = &term {
                identity.long_token = is_long(term.map(|term| term.seconds));
            }
            return self.renewed(worker, id, sequence, term.map(|term| term.map(|term| term.expires)));
        }
        let question = Question {
            app_key: identity.app_key.to_string(),
            accid: identity.account.to_string(),
            token,
            login_ext: String::new(),
            client_type: identity.client_type,
            ip: connection.address.to_string(),
        };
        let refused = if (1..=TOKEN_BYTES_MAX).contains(&question.token.len()) {
            let then = move |state: &mut State, worker: &Rc<Worker>, expires| state.renewed(worker, id, sequence, expires);
            self.ask_application_about(worker, question, then)
        } else {
            Err(Status::bad_parameter("token must be 1-4096 bytes"))
        };
        if let Err(status) = refused {
            self.renewed(worker, id, sequence, Err(status));
        }
    }

    /// What a new token came to.
    fn renewed(&mut self, worker: &Rc<Worker>, id: ConnId, sequence: u32, expires: Result<Option<UnixMs>, Status>) {
        let shared = &worker.shared;
        let Some(connection) = self.connection(id).filter(|connection| connection.phase == Phase::Open) else { return };
        let status = match expires {
            Ok(Some(expires)) if expires <= shared.unix() => wrong_token(),
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

/// The answer to an enter that comes with that to a login.
fn refused(status: &Status, room: RoomId) -> pb::RoomEnterResponse {
    let plain = pb::Status::from(status);
    pb::RoomEnterResponse {
        code: plain.code,
        sub: plain.sub,
        desc: plain.desc,
        room: Some(pb::RoomInfo { room_id: room.get(), ..pb::RoomInfo::default() }),
        ..pb::RoomEnterResponse::default()
    }
}

/// True if a room that refuses with this code will not have the account back.
fn is_out_for_good(code: Code) -> bool {
    matches!(code, Code::Forbidden | Code::NotFound | Code::RoomClosed | Code::Blocklisted)
}

/// True if a connection that takes over from a lost one comes back to rooms other than this.
fn is_elsewhere(connection: &Connection, room: RoomId) -> bool {
    let resume = connection.resume().filter(|resume| resume.replaces.is_some());
    resume.is_some_and(|resume| resume.rooms.iter().any(|position| position.room_id != room.get()))
}

/// How a login that was let in has proved itself.
fn kind_of(request: &pb::LoginRequest) -> TokenKind {
    match request.auth_type {
        _ if request.anonymous => TokenKind::Anonymous,
        CALLBACK => TokenKind::Callback,
        0 => TokenKind::Static,
        _ => TokenKind::Dynamic,
    }
}

/// Whether a dynamic token was made for longer than rooms made by clients take. Tokens of both families look the same; which one it is
/// shows when a room is entered.
fn is_long(token_seconds: Option<u64>) -> bool {
    token_seconds.is_some_and(|seconds| seconds > CLIENT_ROOM_TOKEN_SECONDS_MAX)
}

/// 302 for a room made by a client where the token was made for longer than such rooms take.
pub(super) fn check_family(room: RoomId, long_token: bool) -> Result<(), Status> {
    if !(long_token && room.is_of_client()) {
        return Ok(());
    }
    let desc = "rooms made by clients take tokens made for at most 24 days: log in with a shorter one";
    Err(Status { desc: desc.into(), ..wrong_token() })
}

/// What an application's answer about a token comes to.
fn judge(verdict: Result<Verdict, NoAnswer>) -> Result<Option<UnixMs>, Status> {
    match verdict {
        Ok(verdict) if verdict.code == 200 => Ok(verdict.expire_at_ms.map(UnixMs)),
        Ok(_) => Err(wrong_token()),
        Err(failure) => {
            metrics::counter!("chatroom_callbacks_failed_total", "callback" => "login", "reason" => failure.as_str())
                .increment(1);
            tracing::debug!(?failure, "the callback of a login gave no answer");
            Err(wrong_token())
        }
    }
}

/// How somebody proves who they are.
enum Proof {
    /// By what they brought along.
    Given(Verified),
    /// By the word of the application, about this account.
    ToAskFor(AccountId),
}

fn prove(worker: &Worker, request: &pb::LoginRequest, enter: Option<&pb::RoomEnterRequest>) -> Result<Proof, Status> {
    let version = request.protocol_version;
    if !VERSIONS.contains(&version) {
        return Err(Status::new(Code::VersionTooOld, "this server speaks protocol version 1: say so in protocol_version"));
    }
    let (accounts, login) = (&worker.shared.accounts, login_of(request, enter));
    if request.auth_type == CALLBACK && !request.anonymous {
        return accounts.check_callback_login(&login).map(Proof::ToAskFor);
    }
    accounts.verify_login(&login, worker.shared.unix()).map(Proof::Given)
}

fn login_of<'a>(request: &'a pb::LoginRequest, enter: Option<&'a pb::RoomEnterRequest>) -> Login<'a> {
    Login {
        app_key: &request.app_key,
        account: &request.account,
        token: &request.token,
        auth_type: request.auth_type,
        login_ext: &request.login_ext,
        anonymous: request.anonymous,
        nick: enter.map(|enter| enter.nick.as_str()),
        device_id: &request.device_id,
        custom_tag: &request.custom_tag,
    }
}

fn seconds(ms: u64) -> u32 {
    u32::try_from(ms / 1000).unwrap_or(u32::MAX)
}
