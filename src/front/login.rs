//! Logging in: who is it, which room, and does it take over from a lost connection (chatroom.md §c.1, §d).

use std::sync::Arc;

use bytes::BytesMut;

use super::accounts::Then;
use super::calls::{Callback, LoginQuestion, NoAnswer, Question, Verdict};
use super::connection::{Connection, Identity, Phase, Resume};
use super::journey::Journey;
use super::passing::{AccountMail, LoggedIn};
use super::{Front, Line, find, overloaded};
use crate::account::{CALLBACK, Changed, Claim, Login, Look, TokenKind, Verified, wrong_token};
use crate::dispatch::{Answer, Asked};
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, ConnId, RoomId, Time, UnixMs};
use crate::limits::{CLIENT_ROOM_TOKEN_SECONDS_MAX, SDK_VERSION_CHARS_MAX, TOKEN_BYTES_MAX};
use crate::room::{Ask, ClientFacts, Op};
use crate::session::CloseReason;
use crate::user::Session;
use crate::wire::frame::VERSIONS;
use crate::wire::packet::encode_status;
use crate::wire::{PacketKind, Response, pb};

/// What a client that does not say its type counts as: a desktop (chatroom.md §a.5).
const CLIENT_TYPE_UNSET: u32 = 4;

/// A login on its way.
pub(super) struct Attempt {
    sequence: u32,
    request: pb::LoginRequest,
    /// The room to enter in the same round trip, if it can be one.
    enter: Option<(Result<RoomId, Status>, pb::RoomEnterRequest)>,
}

/// A login that waits for its room.
pub(super) struct Arrival {
    response: pb::LoginResponse,
    token_expires: Option<Time>,
}

impl<L: Line> Front<L> {
    /// Verifies a login; with a room in it, the answer waits for the room's.
    pub(super) fn login(&mut self, id: ConnId, sequence: u32, mut request: pb::LoginRequest) {
        if request.client_type == 0 {
            request.client_type = CLIENT_TYPE_UNSET;
        }
        let enter = request.enter.take();
        let proof = match self.prove(&request, enter.as_ref()) {
            Ok(proof) => proof,
            Err(status) => return self.refuse_login(id, sequence, &status, None),
        };
        let enter = enter.map(|enter| (self.common.room_of(&request.app_key, &enter), enter));
        match (proof, enter) {
            // The application is not bothered with what cannot be.
            (Proof::ToAskFor(_), Some((Err(status), _))) => self.refuse_login(id, sequence, &status, None),
            (Proof::ToAskFor(account), enter) => self.ask_about_login(id, Attempt { sequence, request, enter }, account),
            (Proof::Given(claim), enter) => self.look_who(id, Attempt { sequence, request, enter }, claim),
        }
    }

    /// Looks at the account of a login that is in order otherwise.
    fn look_who(&mut self, id: ConnId, attempt: Attempt, claim: Claim) {
        match self.common.accounts.look_for(&attempt.request.app_key, &claim) {
            Ok(Some(look)) => self.go_on_with_login(id, attempt, claim, Ok(look)),
            Ok(None) => {
                let app_key = self.common.app_key(&attempt.request.app_key);
                let (account, registers) = (claim.account.clone(), claim.is_proved());
                self.read_accounts(id, app_key, vec![account], registers, Then::Login(Box::new(attempt), claim));
            }
            Err(status) => self.refuse_login(id, attempt.sequence, &status, None),
        }
    }

    /// The account of a login was looked at.
    pub(super) fn go_on_with_login(&mut self, id: ConnId, attempt: Attempt, claim: Claim, look: Result<Look, Status>) {
        let (directory, token) = (&self.common.accounts, &attempt.request.token);
        match look.and_then(|look| directory.conclude_login(claim, token, &look, self.unix)) {
            Ok(verified) => self.admit(id, attempt, verified),
            Err(status) => self.refuse_login(id, attempt.sequence, &status, None),
        }
    }

    /// Lets somebody in who is who they say.
    fn admit(&mut self, id: ConnId, attempt: Attempt, verified: Verified) {
        let Attempt { sequence, request, enter } = attempt;
        let enter = match enter.map(|(room, enter)| Ok((room?, enter))).transpose() {
            Ok(enter) => enter,
            Err(status) => return self.refuse_login(id, sequence, &status, None),
        };
        let (common, now, unix) = (self.common.clone(), self.now, self.unix);
        let token_expires = verified.expires.map(|at| self.time_of(at));
        let old =
            request.resume.as_ref().and_then(|resume| common.resume.verify(&resume.token, &request.app_key, &verified.account));
        let response = pb::LoginResponse {
            account: verified.account.to_string(),
            connection_id: id.to_string(),
            server_time_ms: unix.0,
            heartbeat_seconds: seconds(common.session.heartbeat_ms),
            idle_timeout_seconds: seconds(common.session.idle_timeout_ms),
            frame_bytes_max: u32::try_from(common.session.frame_bytes_max).unwrap_or(u32::MAX),
            resume_token: common.resume.issue(id, &request.app_key, &verified.account),
            ..pb::LoginResponse::default()
        };
        let long_token = is_long(verified.token_seconds);
        if let Some((room, _)) = &enter
            && let Err(status) = check_family(*room, long_token)
        {
            return self.refuse_login(id, sequence, &status, Some(*room));
        }
        let wants_client = self.app(&request.app_key).wants_clients;
        if self.connection(id).is_none() {
            return;
        }
        let session = Session {
            connection: id,
            client_type: u16::try_from(request.client_type).unwrap_or(u16::MAX),
            since_seconds: u32::try_from(unix.0 / 1000).unwrap_or(u32::MAX),
        };
        let app_key = common.app_key(&request.app_key);
        let hash = common.account_key().account(&app_key, &verified.account);
        let seen = verified.seen();
        let login = LoggedIn { hash, session, app_key: app_key.clone(), seen: seen.clone() };
        self.send_to_owner(hash, AccountMail::LoggedIn(Box::new(login)));
        let Some(connection) = find(&mut self.connections, id) else { return };
        // A change after the look at the account, and before the connection could be found, shows here, or to the owner of the account.
        let mut is_muted = verified.globally_muted;
        let refusal = match common.accounts.changed_since(&app_key, &seen) {
            None => None,
            Some(Changed::Lost) => Some(overloaded()),
            Some(Changed::Taken) => Some(wrong_token()),
            Some(Changed::Blocked) => Some(Status::with_sub(Code::AccountDisabled, Sub::AccountBanned)),
            Some(Changed::Muted(now)) => {
                is_muted = now;
                None
            }
        };
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
            app_key,
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
        if let Some(status) = refusal {
            return self.refuse_login(id, sequence, &status, None);
        }
        match enter {
            Some((room, enter)) => {
                self.wait_for(id, sequence, Journey::Arrival(Box::new(Arrival { response, token_expires })));
                let ask = Ask::Command(Op::Enter(Box::new(self.enter(id, room, enter))));
                // Under the kind of a login, whose answer sets nothing aside.
                self.ask(Asked { connection: id, sequence, kind: PacketKind::Login as u16, subject: room }, ask);
            }
            None => {
                // Whoever is answered can be found.
                self.post_about_accounts();
                let Some(connection) = find(&mut self.connections, id) else { return };
                connection.session.accept_login(now, token_expires);
                let mut frame = BytesMut::new();
                Response::Login(Box::new(response)).encode(sequence, &mut frame);
                connection.transmit(now, &frame);
            }
        }
    }

    /// Asks the application whether somebody may log in; the login goes on when it has answered, if the connection still waits.
    fn ask_about_login(&mut self, id: ConnId, attempt: Attempt, account: AccountId) {
        let Some(connection) = self.connection(id) else { return };
        let question = LoginQuestion {
            app_key: attempt.request.app_key.clone(),
            accid: account.to_string(),
            token: attempt.request.token.clone(),
            login_ext: attempt.request.login_ext.clone(),
            client_type: attempt.request.client_type,
            ip: connection.address.to_string(),
        };
        let sequence = attempt.sequence;
        match self.ask_about_token(id, sequence, question) {
            Ok(()) => self.wait_for(id, sequence, Journey::Proof(Box::new(attempt), account)),
            Err(status) => self.refuse_login(id, sequence, &status, None),
        }
    }

    /// The application has said whether somebody may log in.
    pub(super) fn on_proof(&mut self, id: ConnId, attempt: Attempt, account: AccountId, verdict: Result<Verdict, NoAnswer>) {
        match judge(verdict) {
            Ok(expires) => self.look_who(id, attempt, Claim::by_callback(account, expires)),
            Err(status) => self.refuse_login(id, attempt.sequence, &status, None),
        }
    }

    /// Asks an application about a token. Fails with 514 if the application cannot be asked, and with 503 if too many are being asked.
    fn ask_about_token(&mut self, id: ConnId, sequence: u32, question: LoginQuestion) -> Result<(), Status> {
        if !self.app(&question.app_key).is_asked_about_logins {
            return Err(Status::new(Code::Unavailable, "the application has no callback for logins"));
        }
        let app_key = self.common.app_key(&question.app_key);
        match self.call((id, sequence), app_key, Callback::Login, Question::Login(Box::new(question))) {
            true => Ok(()),
            false => Err(overloaded()),
        }
    }

    /// The room has answered the login that wanted to enter it.
    pub(super) fn complete_login(&mut self, asked: Asked, arrival: Arrival, answer: Answer) {
        let id = asked.connection;
        let Some(connection) = find(&mut self.connections, id) else { return };
        let enter = match answer {
            Ok(Response::RoomEnter(enter)) => enter,
            Ok(_) => return,
            // Who comes back to other rooms too is out of this one alone (chatroom.md §d.7).
            Err(status) if is_out_for_good(status.code) && is_elsewhere(connection, asked.subject) => {
                Box::new(refused(&status, asked.subject))
            }
            Err(status) => return self.refuse_login(id, asked.sequence, &status, Some(asked.subject)),
        };
        connection.session.accept_login(self.now, arrival.token_expires);
        let mut response = arrival.response;
        response.resumed = enter.resumed;
        if enter.resumed
            && let Some(replaces) = connection.resume().and_then(|resume| resume.replaces)
        {
            response.connection_id = replaces.to_string();
        }
        connection.change_rare(|rare| _ = rare.resume.take_if(|resume| resume.replaces.is_none()));
        response.enter = Some(*enter);
        Response::Login(Box::new(response)).encode(asked.sequence, &mut self.staging);
    }

    fn refuse_login(&mut self, id: ConnId, sequence: u32, status: &Status, room: Option<RoomId>) {
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
        let Some(connection) = find(&mut self.connections, id) else { return };
        connection.session.refuse_login();
        connection.transmit(self.now, &frame);
        self.end(id, CloseReason::LoginRefused);
    }

    /// A new token for a connection that stays (chatroom.md §d.1).
    pub(super) fn renew_token(&mut self, id: ConnId, sequence: u32, token: String) {
        let Some(connection) = find(&mut self.connections, id) else { return };
        let Some(identity) = connection.identity.as_deref() else { return };
        if identity.token_kind != TokenKind::Callback {
            let (app_key, account) = (identity.app_key.clone(), identity.account.clone());
            return match self.common.accounts.look(&app_key, &account) {
                Some(look) => self.go_on_with_renewal(id, sequence, &token, Ok(look)),
                None => self.read_accounts(id, app_key, vec![account], false, Then::Renewal(sequence, token)),
            };
        }
        let question = LoginQuestion {
            app_key: identity.app_key.to_string(),
            accid: identity.account.to_string(),
            token,
            login_ext: String::new(),
            client_type: identity.client_type,
            ip: connection.address.to_string(),
        };
        let asked = if (1..=TOKEN_BYTES_MAX).contains(&question.token.len()) {
            self.ask_about_token(id, sequence, question)
        } else {
            Err(Status::bad_parameter("token must be 1-4096 bytes"))
        };
        match asked {
            Ok(()) => self.wait_for(id, sequence, Journey::Renewal),
            Err(status) => self.renewed(id, sequence, Err(status)),
        }
    }

    /// The account that renews its token was looked at.
    pub(super) fn go_on_with_renewal(&mut self, id: ConnId, sequence: u32, token: &str, look: Result<Look, Status>) {
        let Some(connection) = find(&mut self.connections, id) else { return };
        let Some(identity) = connection.identity.as_deref_mut() else { return };
        let term = look.and_then(|look| {
            let (account, kind) = ((&identity.account, &look), identity.token_kind);
            self.common.accounts.conclude_renewal(&identity.app_key, account, kind, token, self.unix)
        });
        if let Ok(term) = &term {
            identity.long_token = is_long(term.map(|term| term.seconds));
        }
        self.renewed(id, sequence, term.map(|term| term.map(|term| term.expires)));
    }

    /// The application has said whether a new token is good.
    pub(super) fn on_renewal(&mut self, id: ConnId, sequence: u32, verdict: Result<Verdict, NoAnswer>) {
        self.renewed(id, sequence, judge(verdict));
    }

    /// What a new token came to.
    fn renewed(&mut self, id: ConnId, sequence: u32, expires: Result<Option<UnixMs>, Status>) {
        let due = expires.as_ref().map_or(None, |expires| expires.map(|at| self.time_of(at)));
        let (now, unix) = (self.now, self.unix);
        let Some(connection) = self.connection(id).filter(|connection| connection.phase == Phase::Open) else { return };
        let status = match expires {
            Ok(Some(expires)) if expires <= unix => wrong_token(),
            Ok(_) => {
                connection.session.renewed(now, due);
                Status::OK
            }
            Err(status) => status,
        };
        self.refuse(id, PacketKind::RenewToken as u16, sequence, &status);
    }

    fn prove(&self, request: &pb::LoginRequest, enter: Option<&pb::RoomEnterRequest>) -> Result<Proof, Status> {
        let version = request.protocol_version;
        if !VERSIONS.contains(&version) {
            return Err(Status::new(Code::VersionTooOld, "this server speaks protocol version 1: say so in protocol_version"));
        }
        let (accounts, login) = (&self.common.accounts, login_of(request, enter));
        if request.auth_type == CALLBACK && !request.anonymous {
            return accounts.check_callback_login(&login).map(Proof::ToAskFor);
        }
        accounts.check_login(&login, self.unix).map(Proof::Given)
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
fn is_elsewhere<L>(connection: &Connection<L>, room: RoomId) -> bool {
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
    /// By what they brought along, if there is such an account.
    Given(Claim),
    /// By the word of the application, about this account.
    ToAskFor(AccountId),
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
