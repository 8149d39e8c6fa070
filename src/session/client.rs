//! The client's side: one login that outlives its connections.

mod batch;
mod entering;
mod liveness;

pub use batch::BatchConfig;

use bytes::{Bytes, BytesMut};

use super::pending::{Open, Pending, Purpose};
use super::room_state::{RoomState, RoomStateCause, RoomStateChange};
use super::rooms::{Room, Rooms};
use super::server::encode_echo;
use super::status::{head_of, status_of};
use super::{CloseReason, ProtocolError, uuid};
use crate::error::{Code, Status};
use crate::id::Time;
use crate::limits;
use crate::wire::packet::encode_status;
use crate::wire::{Frame, FrameError, PacketKind, Push, Request, Response, pb};

/// How patient a client is, and how much it keeps.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Time for a response, the one to the login included.
    pub response_timeout_ms: u64,
    /// Time a send may take in all, over all its connections; at most [`limits::SEND_TIMEOUT_MS`].
    pub send_timeout_ms: u64,
    /// Silence of either side after which a ping is sent; the server may ask for less.
    pub heartbeat_ms: u64,
    /// Time after that ping in which something must be heard.
    pub ping_timeout_ms: u64,
    /// Open requests; one more is refused with 503.
    pub requests_max: usize,
}

impl Default for ClientConfig {
    fn default() -> ClientConfig {
        ClientConfig {
            response_timeout_ms: limits::RESPONSE_TIMEOUT_MS,
            send_timeout_ms: limits::SEND_TIMEOUT_MS,
            heartbeat_ms: limits::HEARTBEAT_MS,
            ping_timeout_ms: limits::PING_TIMEOUT_MS,
            requests_max: limits::CLIENT_QUEUE_MAX,
        }
    }
}

/// One request of this client, over all its connections.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequestId(pub u64);

/// What a client session wants done, in this order.
#[derive(Clone, PartialEq, Debug)]
pub enum ClientOutput {
    /// Write this whole frame.
    Transmit(Bytes),
    /// The login was accepted, and the room it asked for was entered.
    LoggedIn(Box<pb::LoginResponse>),
    /// The login was refused, or not answered in time. `Close` follows.
    LoginRefused(Status),
    /// The client is in a room without a request of the host: by its login, or again after a lost connection.
    Entered(Box<pb::RoomEnterResponse>),
    /// The client could not come back into a room.
    Left {
        /// The room.
        room_id: i64,
        /// Why.
        status: Status,
    },
    /// A room made by a client stands elsewhere than before.
    RoomState(RoomStateChange),
    /// A request is complete: each id that `request` gave comes here exactly once.
    Response {
        /// The request.
        id: RequestId,
        /// What it came to.
        result: Result<Response, Status>,
    },
    /// Something was said unasked.
    Push(Push),
    /// Close the transport, then call `on_transport_lost`.
    Close(CloseReason),
}

/// What follows from the loss of a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Loss {
    /// Try again after the usual delay.
    Retry,
    /// Try again at once: the host asked whether the connection lives, and it does not.
    Again,
    /// The server sent us away and will have us back, but not before this time.
    Return {
        /// The least delay.
        retry_after_ms: u32,
        /// The range of delays the server names, where it has drawn the other one out of it; else 0.
        spread_ms: u32,
    },
    /// Do not come back by yourself.
    Final(Status),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Link {
    /// No transport.
    Down,
    /// A transport, and no login.
    Up,
    /// The login is sent.
    LoggingIn { sequence: u32, deadline: Time },
    /// Logged in; requests wait until the rooms are entered again.
    Entering,
    /// Logged in.
    In,
    /// `Close` was said; nothing more is read.
    Closing,
}

/// One client's protocol, without socket, clock or thread.
///
/// A lost connection loses no send: a send that was on its way is repeated after the next login under the same message id and
/// with `resend` set, so that the server takes it once. All other requests on their way end with 415. Requests made while there
/// is no connection wait for one, and end with 408 when that takes too long. A send ends so after its deadline wherever it is,
/// and is never repeated beyond it: the server's memory of message ids reaches further, so that no message is stored twice.
#[derive(Debug)]
pub struct ClientSession {
    config: ClientConfig,
    random: fastrand::Rng,
    link: Link,
    loss: Loss,
    pending: Pending,
    last_id: u64,
    rooms: Rooms,
    /// The account an anonymous login was given.
    account: String,
    /// The latest token, where it is not the one in the template.
    token: Option<String>,
    resume_token: Option<String>,
    /// The room the login on its way asks for.
    asked: Option<pb::RoomEnterRequest>,
    /// A login has succeeded since the host connected: the list of rooms says where this client is, not the template.
    has_been_in: bool,
    /// The client was taken out of its last room for good: the connection ends with it, unless an entry on its way succeeds.
    evicted: Option<Status>,
    frame_bytes_max: usize,
    heartbeat_ms: u64,
    sent: Time,
    /// When something last arrived.
    heard: Time,
    /// The heartbeat on its way.
    ping_sequence: u32,
    /// When the connection is dead unless something is heard.
    dead_at: Option<Time>,
    is_paused: bool,
    /// The host has asked whether the connection lives, and nothing was heard since.
    is_probing: bool,
    ignored: u32,
}

impl ClientSession {
    /// A session without a transport.
    pub fn new(config: ClientConfig, seed: u64, now: Time) -> ClientSession {
        let mut random = fastrand::Rng::with_seed(seed);
        let rooms = Rooms::new(random.u64(..));
        ClientSession {
            random,
            link: Link::Down,
            loss: Loss::Retry,
            pending: Pending::default(),
            last_id: 0,
            rooms,
            account: String::new(),
            token: None,
            resume_token: None,
            asked: None,
            has_been_in: false,
            evicted: None,
            frame_bytes_max: limits::FRAME_BYTES_MAX,
            heartbeat_ms: config.heartbeat_ms,
            sent: now,
            heard: now,
            ping_sequence: 0,
            dead_at: None,
            is_paused: false,
            is_probing: false,
            ignored: 0,
            config,
        }
    }

    /// Whether requests go out at once.
    pub fn is_logged_in(&self) -> bool {
        matches!(self.link, Link::Entering | Link::In)
    }

    /// Frames that were ignored because wire.md §2 says so, and messages dropped as doubles.
    pub fn ignored(&self) -> u32 {
        self.ignored
    }

    /// Requests that are not complete.
    pub fn requests_open(&self) -> usize {
        self.pending.len()
    }

    /// Where this client stands in each of its rooms.
    pub fn positions(&self) -> Vec<pb::RoomPosition> {
        self.rooms.positions()
    }

    /// Bytes of the longest frame the server takes and sends.
    pub fn frame_bytes_max(&self) -> usize {
        self.frame_bytes_max
    }

    /// Randomness for the driver: one seed is enough to repeat a whole run.
    pub fn random(&mut self) -> &mut fastrand::Rng {
        &mut self.random
    }

    /// The token of the next login, instead of the template's.
    pub fn set_token(&mut self, token: String) {
        self.token = Some(token);
    }

    /// Forgets the rooms and the right to resume: the next login is a first one.
    pub fn forget(&mut self, out: &mut Vec<ClientOutput>) {
        self.change_all(RoomState::Disconnected, RoomStateCause::NetDisconnected, out);
        self.rooms.clear();
        self.resume_token = None;
        self.has_been_in = false;
        self.loss = Loss::Retry;
    }

    /// A transport is up. Log in next.
    pub fn on_transport_up(&mut self, now: Time) {
        self.link = Link::Up;
        self.loss = Loss::Retry;
        self.evicted = None;
        self.sent = now;
        self.heard = now;
        self.dead_at = None;
        self.is_paused = false;
        self.is_probing = false;
    }

    /// Sends the login: the template, with the latest token, account and room values, and with the right to resume.
    pub fn login(&mut self, now: Time, template: &pb::LoginRequest, out: &mut Vec<ClientOutput>) {
        let mut request = Box::new(template.clone());
        if let Some(token) = &self.token {
            request.token.clone_from(token);
        }
        if request.anonymous && request.account.is_empty() {
            request.account.clone_from(&self.account);
        }
        if let Some(token) = &self.resume_token {
            request.resume = Some(pb::Resume { token: token.clone(), rooms: self.rooms.positions() });
        }
        if self.has_been_in {
            // A room that was left in the meantime, or that put this client out, is not entered again.
            request.enter = request.enter.as_ref().and_then(|enter| self.rooms.wanted(enter)).map(Room::again);
        }
        self.asked.clone_from(&request.enter);
        let sequence = self.pending.next_sequence();
        let deadline = now.plus_ms(self.config.response_timeout_ms);
        self.link = Link::LoggingIn { sequence, deadline };
        let mut bytes = BytesMut::new();
        Request::Login(request).encode(sequence, &mut bytes);
        self.transmit(now, bytes, out);
    }

    /// Asks for something. Sent at once when logged in, else after the next login. A send without message id gets one.
    ///
    /// An error means that nothing was accepted: 503 when too many requests are open.
    pub fn request(&mut self, now: Time, mut request: Request, out: &mut Vec<ClientOutput>) -> Result<RequestId, Status> {
        if matches!(request, Request::Login(_)) {
            return Err(Status::new(Code::AlreadyLoggedIn, "a client logs in by connecting"));
        }
        if matches!(&request, Request::Ping(body) if body.len() > limits::PING_BYTES_MAX) {
            return Err(Status::bad_parameter("the body of a ping has at most 64 bytes"));
        }
        // Whoever has too much open may still go.
        if self.pending.len() >= self.config.requests_max && !matches!(request, Request::Logout(_)) {
            return Err(Status::new(Code::Busy, "too many requests are open: wait for some of them"));
        }
        if let Some(result) = self.collect(&request) {
            let id = self.next_id();
            out.push(ClientOutput::Response { id, result });
            return Ok(id);
        }
        let patience_ms = match &mut request {
            Request::MessageSend(send) => {
                if send.message_id.is_empty() {
                    send.message_id = uuid(&mut self.random);
                }
                self.config.send_timeout_ms.min(limits::SEND_TIMEOUT_MS)
            }
            _ => self.config.response_timeout_ms,
        };
        let id = self.next_id();
        self.pending.insert(id, Purpose::Host, request, Some(now.plus_ms(patience_ms)));
        if self.link == Link::In {
            self.send(now, id, out);
        }
        Ok(id)
    }

    /// A frame has arrived.
    pub fn on_frame(&mut self, now: Time, frame: Frame, out: &mut Vec<ClientOutput>) {
        if matches!(self.link, Link::Down | Link::Closing) {
            return;
        }
        // Whatever comes is a sign of life.
        self.heard = now;
        self.dead_at = None;
        self.is_probing = false;
        let (kind, sequence) = (frame.header.kind, frame.header.sequence);
        if frame.is_response() {
            self.on_response(now, kind, sequence, frame.body, out);
        } else if sequence == 0 {
            match Push::decode(kind, frame.body) {
                Ok(push) => self.on_push(now, push, out),
                Err(_) => self.ignore(),
            }
        } else {
            let mut bytes = BytesMut::new();
            if kind == PacketKind::Ping as u16 {
                encode_echo(sequence, frame.body, &mut bytes);
            } else {
                encode_status(kind, sequence, &Status::new(Code::NotFound, "a client answers only pings"), &mut bytes);
            }
            self.transmit(now, bytes, out);
        }
    }

    /// The stream of bytes is not a stream of frames any more.
    pub fn on_frame_error(&mut self, error: FrameError, out: &mut Vec<ClientOutput>) {
        let reason = match error {
            FrameError::NotOurs { .. } => CloseReason::NotOurs,
            FrameError::Transport => CloseReason::TransportLost,
            error => CloseReason::Protocol(ProtocolError::Frame(error)),
        };
        self.close(reason, out);
    }

    /// The transport is gone, or could not be used, or was closed as `Close` asked. Says what follows.
    pub fn on_transport_lost(&mut self, out: &mut Vec<ClientOutput>) -> Loss {
        self.link = Link::Down;
        self.dead_at = None;
        self.rooms.on_transport_lost();
        for id in self.pending.sent_ids() {
            match self.pending.open_mut(id) {
                Some(Open { request: Some(Request::MessageSend(send)), .. }) => {
                    send.resend = true;
                    self.pending.unsent(id);
                }
                Some(Open { request: Some(Request::Logout(_)), .. }) => {
                    // A connection that is gone has been left, whether or not the server still said so.
                    self.complete(id, Ok(Response::Logout(pb::Status::default())), out);
                }
                _ => self.complete(id, Err(Status::new(Code::NoServer, "connection lost before the answer")), out),
            }
        }
        let mut loss = std::mem::replace(&mut self.loss, Loss::Retry);
        if let Some(status) = self.evicted.take()
            && !matches!(loss, Loss::Final(_))
        {
            loss = Loss::Final(status);
        }
        if !matches!(loss, Loss::Final(_)) {
            self.change_all(RoomState::Connecting, RoomStateCause::NetInterrupted, out);
        }
        loss
    }

    /// Completes everything that is open with this status: no connection will come any more.
    pub fn give_up(&mut self, status: &Status, out: &mut Vec<ClientOutput>) {
        while let Some(id) = self.pending.first() {
            self.complete(id, Err(status.clone()), out);
        }
    }

    /// Ends a request of the host now, as the host wishes. One that was sent may have been done all the same; it is not repeated.
    pub fn cancel(&mut self, id: RequestId, out: &mut Vec<ClientOutput>) {
        let was_sent = self.pending.open_mut(id).is_some_and(|open| open.was_sent);
        let desc =
            if was_sent { "cancelled; it was sent before, and may have been done" } else { "cancelled before it was sent" };
        self.complete(id, Err(Status::new(Code::Cancelled, desc)), out);
    }

    fn next_id(&mut self) -> RequestId {
        self.last_id += 1;
        RequestId(self.last_id)
    }

    fn ignore(&mut self) {
        self.ignored = self.ignored.saturating_add(1);
    }

    fn transmit(&mut self, now: Time, bytes: BytesMut, out: &mut Vec<ClientOutput>) {
        self.sent = now;
        out.push(ClientOutput::Transmit(bytes.freeze()));
    }

    fn close(&mut self, reason: CloseReason, out: &mut Vec<ClientOutput>) {
        if !matches!(self.link, Link::Down | Link::Closing) {
            self.link = Link::Closing;
            out.push(ClientOutput::Close(reason));
        }
    }

    /// Sends a request that waits.
    fn send(&mut self, now: Time, id: RequestId, out: &mut Vec<ClientOutput>) {
        if self.pending.has_expired(id, now) {
            // Its time passed while nobody looked at the clock: the server may have forgotten its message id.
            return self.finish(now, id, Err(Status::new(Code::Timeout, "no connection in time")), out);
        }
        let sequence = self.pending.next_sequence();
        let Some(open) = self.pending.open_mut(id) else { return };
        let Some(request) = &open.request else { return };
        let mut bytes = BytesMut::new();
        request.encode(sequence, &mut bytes);
        if bytes.len() > self.frame_bytes_max {
            let status = Status::bad_parameter(format!("request of {} bytes is over the server's limit", bytes.len()));
            return self.finish(now, id, Err(status), out);
        }
        if let Request::MessageSend(send) = request {
            self.rooms.sends(send.room_id, &self.account, &send.message_id);
        }
        if !is_needed_later(request) {
            open.request = None;
        }
        self.pending.sent(id, sequence, now, now.plus_ms(self.config.response_timeout_ms));
        self.transmit(now, bytes, out);
    }

    /// Sends what waits, in the order in which it was asked.
    fn flush(&mut self, now: Time, out: &mut Vec<ClientOutput>) {
        if self.link == Link::Entering && !self.pending.is_entering() {
            self.link = Link::In;
            for id in self.pending.unsent_ids() {
                self.send(now, id, out);
            }
        }
    }

    fn on_response(&mut self, now: Time, kind: u16, sequence: u32, body: Bytes, out: &mut Vec<ClientOutput>) {
        if let Link::LoggingIn { sequence: login, .. } = self.link
            && (kind, sequence) == (PacketKind::Login as u16, login)
        {
            return self.on_login_response(now, body, out);
        }
        if kind == PacketKind::Ping as u16 && sequence == self.ping_sequence {
            return;
        }
        let Some(id) = self.pending.awaited(sequence, kind) else { return self.ignore() };
        let result = match head_of(&body) {
            // The body of a ping is whatever was sent, and no message.
            _ if kind == PacketKind::Ping as u16 => Ok(Response::Ping(body)),
            None => return self.ignore(),
            Some(status) if status.is_ok() => match Response::decode(kind, body) {
                Ok(response) => Ok(response),
                Err(_) => return self.ignore(),
            },
            Some(status) => Err(status),
        };
        self.finish(now, id, result, out);
    }

    /// A request has come to something: draws the consequences, and tells the host if it was the host's.
    fn finish(&mut self, now: Time, id: RequestId, mut result: Result<Response, Status>, out: &mut Vec<ClientOutput>) {
        let Some(open) = self.pending.remove(id) else { return };
        self.on_answered(&open, &mut result, out);
        match open.purpose {
            Purpose::Host => {
                let has_left = matches!((&open.request, &result), (Some(Request::Logout(_)), Ok(_)));
                out.push(ClientOutput::Response { id, result });
                if has_left {
                    self.loss = Loss::Final(Status::OK);
                    self.change_all(RoomState::Disconnected, RoomStateCause::Success, out);
                    self.close(CloseReason::LoggedOut, out);
                }
            }
            Purpose::Enter { room_id } => {
                match result {
                    Ok(Response::RoomEnter(response)) => out.push(ClientOutput::Entered(response)),
                    Ok(_) => {}
                    Err(status) => self.on_enter_refused(now, room_id, status, out),
                }
                self.flush(now, out);
            }
        }
        if self.evicted.is_some() && !self.pending.is_coming_in() {
            self.close(CloseReason::Kicked, out);
        }
    }

    /// Takes a request out and tells the host, without consequences.
    fn complete(&mut self, id: RequestId, result: Result<Response, Status>, out: &mut Vec<ClientOutput>) {
        if let Some(open) = self.pending.remove(id)
            && open.purpose == Purpose::Host
        {
            out.push(ClientOutput::Response { id, result });
        }
    }

    fn on_push(&mut self, now: Time, push: Push, out: &mut Vec<ClientOutput>) {
        match &push {
            Push::Message(message) => {
                self.rooms.on_message(message);
                if self.rooms.is_double(message) {
                    return self.ignore();
                }
            }
            Push::Notification(notification) => self.rooms.on_notification(notification),
            Push::RoomEpoch(told) => {
                if let Some(room) = self.rooms.room_mut(told.room_id) {
                    room.roll_back(told.epoch, told.log_seq);
                }
                return;
            }
            Push::Gap(gap) => {
                if let Some(room) = self.rooms.room_mut(gap.room_id) {
                    room.position.1 = room.position.1.max(gap.last_seq);
                }
            }
            Push::Kicked(kicked) => return self.on_kicked(now, kicked.clone(), out),
            Push::Status(status) => {
                // The server's last word (wire.md §2).
                let status = status_of(status);
                self.loss = if may_pass(status.code) { Loss::Retry } else { Loss::Final(status) };
                out.push(ClientOutput::Push(push));
                return self.close(CloseReason::Dismissed, out);
            }
            Push::TokenWillExpire(_) => {}
        }
        out.push(ClientOutput::Push(push));
    }
}

/// Whether a login refused with this code is worth another try (chatroom.md §d.2).
fn may_pass(code: Code) -> bool {
    use Code::*;
    matches!(code, Timeout | NoServer | TryAgain | ServerError | Busy | Unavailable)
}

/// Whether a request on its way is kept: to repeat it, or to know what its answer means.
fn is_needed_later(request: &Request) -> bool {
    use Request::*;
    matches!(
        request,
        MessageSend(_)
            | Logout(_)
            | RenewToken(_)
            | RoomEnter(_)
            | RoomExit(_)
            | RoomCreate(_)
            | RoomSwitch(_)
            | RoomLeaveAll(_)
            | MemberUpdateTags(_)
            | MemberUpdateLocation(_)
            | MemberUpdateSelf(_)
    )
}
