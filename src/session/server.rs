//! The server's side of a connection.

use bytes::{Bytes, BytesMut};

use super::in_flight::InFlight;
use super::{CloseReason, ProtocolError};
use crate::error::{Code, Status};
use crate::id::Time;
use crate::limits;
use crate::wire::packet::encode_status;
use crate::wire::{Frame, FrameError, PacketError, PacketKind, Push, Request, Response, pb};

/// What all sessions of a node share. Passed by reference, because a node holds very many sessions.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// Bytes of a frame before login.
    pub frame_bytes_max_before_login: usize,
    /// Bytes of a frame after login.
    pub frame_bytes_max: usize,
    /// Silence after which a client is asked, in the login response, to send a ping.
    pub heartbeat_ms: u64,
    /// Silence after which a connection is closed.
    pub idle_timeout_ms: u64,
    /// Time from transport up to an accepted login.
    pub login_timeout_ms: u64,
    /// Requests per second after a rest is used up; 0 sets no limit.
    pub requests_per_second: u32,
    /// Requests at once after a rest.
    pub requests_burst: u32,
    /// Requests that may wait for their answers.
    pub requests_in_flight_max: usize,
}

impl Default for SessionConfig {
    fn default() -> SessionConfig {
        SessionConfig {
            frame_bytes_max_before_login: limits::FRAME_BYTES_MAX_BEFORE_LOGIN,
            frame_bytes_max: limits::FRAME_BYTES_MAX,
            heartbeat_ms: limits::HEARTBEAT_MS,
            idle_timeout_ms: limits::IDLE_TIMEOUT_MS,
            login_timeout_ms: limits::LOGIN_TIMEOUT_MS,
            requests_per_second: limits::SESSION_REQUESTS_PER_SECOND,
            requests_burst: limits::SESSION_REQUESTS_BURST,
            requests_in_flight_max: limits::REQUESTS_IN_FLIGHT_MAX,
        }
    }
}

/// What a server session wants done, in this order.
#[derive(Clone, PartialEq, Debug)]
pub enum ServerOutput {
    /// Write this whole frame.
    Transmit(Bytes),
    /// Verify the login, then call `accept_login` or `refuse_login` and write the response.
    Login {
        /// The sequence the response carries.
        sequence: u32,
        /// What the client says of itself.
        request: Box<pb::LoginRequest>,
    },
    /// A request for the rooms. Call `answered` when its response is written.
    Request {
        /// The sequence the response carries.
        sequence: u32,
        /// The question.
        request: Request,
    },
    /// Verify the token; call `renewed` if it is good, and in any case write the response and call `answered`.
    RenewToken {
        /// The sequence the response carries.
        sequence: u32,
        /// The new token.
        token: String,
    },
    /// Leave all rooms, write the response, close.
    Logout {
        /// The sequence the response carries.
        sequence: u32,
    },
    /// Close the transport after what was transmitted has been written. Nothing follows.
    Close(CloseReason),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// No login yet.
    Fresh,
    /// A login is being verified.
    LoggingIn,
    /// In.
    LoggedIn { warned: bool },
    /// Over: nothing is read and nothing is said any more.
    Closed,
}

/// Marks a point in time that never comes.
const NEVER: Time = Time(u64::MAX);
/// The unit in which the rate is counted: parts of a request gained per microsecond and request per second.
const REQUEST_PARTS: u64 = 1_000_000;

/// One connection's protocol on the server, without socket, clock or thread. Small, and without heap when idle.
#[derive(Debug)]
pub struct ServerSession {
    heard: Time,
    /// Before login the time by which it must have happened, after it the time the token expires.
    due: Time,
    /// What may still be asked at once, in parts of a request, as of `heard`.
    allowance: u64,
    in_flight: InFlight,
    ignored: u32,
    state: State,
}

impl ServerSession {
    /// A session on a transport that has just come up.
    pub fn new(config: &SessionConfig, now: Time) -> ServerSession {
        ServerSession {
            heard: now,
            due: now.plus_ms(config.login_timeout_ms),
            allowance: u64::from(config.requests_burst) * REQUEST_PARTS,
            in_flight: InFlight::default(),
            ignored: 0,
            state: State::Fresh,
        }
    }

    /// Bytes of the longest frame the codec may let through now.
    pub fn frame_bytes_max(&self, config: &SessionConfig) -> usize {
        if self.is_logged_in() { config.frame_bytes_max } else { config.frame_bytes_max_before_login }
    }

    /// True if a login was accepted and the session is not over.
    pub fn is_logged_in(&self) -> bool {
        matches!(self.state, State::LoggedIn { .. })
    }

    /// Frames that were ignored because wire.md §2 says so: unexpected responses, unknown pushes.
    pub fn ignored(&self) -> u32 {
        self.ignored
    }

    /// Requests that wait for their answers.
    pub fn requests_in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// True if so many requests wait for their answers that the next one would be refused.
    pub fn is_full(&self, config: &SessionConfig) -> bool {
        self.in_flight.len() >= config.requests_in_flight_max
    }

    /// The peer is not heard because it is not listened to, or gives a sign of life below the frames: that is no silence.
    pub fn on_life(&mut self, config: &SessionConfig, now: Time) {
        self.hear(config, now);
    }

    /// True if the peer has been silent for too long.
    pub fn is_silent(&self, config: &SessionConfig, now: Time) -> bool {
        now >= self.heard.plus_ms(config.idle_timeout_ms)
    }

    /// A frame has arrived.
    pub fn on_frame(&mut self, config: &SessionConfig, now: Time, frame: Frame, out: &mut Vec<ServerOutput>) {
        if self.state == State::Closed {
            return;
        }
        self.hear(config, now);
        let (kind, sequence) = (frame.header.kind, frame.header.sequence);
        let is_request = sequence != 0 && !frame.is_response();
        if is_request && kind == PacketKind::Ping as u16 {
            return echo(sequence, frame.body, out);
        }
        match self.state {
            State::LoggedIn { .. } if is_request => self.on_request(config, sequence, frame, out),
            // We ask clients nothing, so no response is waited for, and clients have nothing to push.
            State::LoggedIn { .. } => self.ignored = self.ignored.saturating_add(1),
            State::Fresh if is_request && kind == PacketKind::Login as u16 => self.on_login(sequence, frame.body, out),
            _ => self.fail(ProtocolError::BeforeLogin { kind }, out),
        }
    }

    /// The stream of bytes is not a stream of frames any more.
    pub fn on_frame_error(&mut self, error: FrameError, out: &mut Vec<ServerOutput>) {
        if self.state == State::Closed {
            return;
        }
        match error {
            FrameError::NotOurs { .. } => self.close(CloseReason::NotOurs, out),
            FrameError::Transport => self.close(CloseReason::TransportLost, out),
            FrameError::UnknownVersion { .. } => {
                let status = pb::Status::from(&Status::new(Code::VersionTooOld, error.to_string()));
                out.push(ServerOutput::Transmit(encode_push(&Push::Status(Box::new(status)))));
                self.close(CloseReason::Protocol(ProtocolError::Frame(error)), out);
            }
            error => self.fail(ProtocolError::Frame(error), out),
        }
    }

    /// `deadline` has come, or is near.
    pub fn on_timeout(&mut self, config: &SessionConfig, now: Time, out: &mut Vec<ServerOutput>) {
        match self.state {
            State::Closed => {}
            State::Fresh | State::LoggingIn if now >= self.due => {
                self.kick(pb::KickReason::Silent, "no login in time", true, CloseReason::LoginTimeout, out);
            }
            State::LoggedIn { .. } if now >= self.due => {
                let text = "the token has expired: log in with a new one";
                self.kick(pb::KickReason::TokenExpired, text, false, CloseReason::TokenExpired, out);
            }
            _ if self.is_silent(config, now) => {
                let text = "nothing was heard for too long: send pings";
                self.kick(pb::KickReason::Silent, text, true, CloseReason::IdleTimeout, out);
            }
            State::LoggedIn { warned: false } if now >= self.warn_at() => {
                self.state = State::LoggedIn { warned: true };
                let seconds = u32::try_from(self.due.ms_since(now).div_ceil(1000)).unwrap_or(u32::MAX);
                out.push(ServerOutput::Transmit(encode_push(&Push::TokenWillExpire(pb::TokenWillExpire { seconds }))));
            }
            _ => {}
        }
    }

    /// When to call `on_timeout`.
    pub fn deadline(&self, config: &SessionConfig) -> Time {
        let due = match self.state {
            State::Closed => return NEVER,
            State::LoggedIn { warned: false } => self.warn_at(),
            _ => self.due,
        };
        due.min(self.heard.plus_ms(config.idle_timeout_ms))
    }

    /// The login was good. The caller writes the response. `token_expires` is `None` for a token that does not.
    pub fn accept_login(&mut self, now: Time, token_expires: Option<Time>) {
        if matches!(self.state, State::LoggingIn) {
            self.state = State::LoggedIn { warned: false };
            self.renewed(now, token_expires);
        }
    }

    /// The login was refused. The caller writes the response and closes.
    pub fn refuse_login(&mut self) {
        self.state = State::Closed;
    }

    /// The session has a new token. The caller writes the response.
    pub fn renewed(&mut self, _now: Time, token_expires: Option<Time>) {
        if self.is_logged_in() {
            self.due = token_expires.unwrap_or(NEVER);
            self.state = State::LoggedIn { warned: self.due == NEVER };
        }
    }

    /// The response to this request was written; its sequence may come again.
    pub fn answered(&mut self, sequence: u32) {
        self.in_flight.remove(sequence);
    }

    /// Any frame counts as life; the time since the last one gives the right to ask again.
    fn hear(&mut self, config: &SessionConfig, now: Time) {
        let gained = now.0.saturating_sub(self.heard.0).saturating_mul(u64::from(config.requests_per_second));
        let full = u64::from(config.requests_burst) * REQUEST_PARTS;
        self.allowance = self.allowance.saturating_add(gained).min(full);
        self.heard = self.heard.max(now);
    }

    fn on_login(&mut self, sequence: u32, body: Bytes, out: &mut Vec<ServerOutput>) {
        match Request::decode(PacketKind::Login as u16, body) {
            Ok(Request::Login(request)) => {
                self.state = State::LoggingIn;
                out.push(ServerOutput::Login { sequence, request });
            }
            _ => self.fail(ProtocolError::BadBody { kind: PacketKind::Login as u16 }, out),
        }
    }

    fn on_request(&mut self, config: &SessionConfig, sequence: u32, frame: Frame, out: &mut Vec<ServerOutput>) {
        let kind = frame.header.kind;
        if self.in_flight.contains(sequence) {
            return self.fail(ProtocolError::SequenceReused { sequence }, out);
        }
        // The cheap checks stand before the body is read, so that a flood costs little.
        if let Err(status) = self.spend(config) {
            return refuse(kind, sequence, &status, out);
        }
        if self.in_flight.len() >= config.requests_in_flight_max {
            let status = Status::new(Code::Busy, "too many requests wait for their answers: wait for some of them");
            return refuse(kind, sequence, &status, out);
        }
        match Request::decode(kind, frame.body) {
            Ok(Request::Login(_)) => {
                let status = Status::new(Code::Repeated, "this connection is logged in already");
                refuse(kind, sequence, &status, out);
            }
            Ok(request) => {
                self.in_flight.insert(sequence);
                out.push(match request {
                    Request::Logout(_) => ServerOutput::Logout { sequence },
                    Request::RenewToken(renewal) => ServerOutput::RenewToken { sequence, token: renewal.token },
                    request => ServerOutput::Request { sequence, request },
                });
            }
            Err(error @ PacketError::UnknownKind { .. }) => {
                refuse(kind, sequence, &Status::new(Code::NotFound, error.to_string()), out);
            }
            Err(error) => refuse(kind, sequence, &Status::bad_parameter(error.to_string()), out),
        }
    }

    /// Takes one request out of the allowance; 416 with the time to wait when there is none.
    fn spend(&mut self, config: &SessionConfig) -> Result<(), Status> {
        let per_second = u64::from(config.requests_per_second);
        if per_second == 0 {
            return Ok(());
        }
        if let Some(rest) = self.allowance.checked_sub(REQUEST_PARTS) {
            self.allowance = rest;
            return Ok(());
        }
        let missing = REQUEST_PARTS - self.allowance;
        let wait_ms = missing.div_ceil(per_second).div_ceil(1000);
        let mut status = Status::new(Code::TooFrequent, "too many requests: wait retry_after_ms");
        status.retry_after_ms = u32::try_from(wait_ms).unwrap_or(u32::MAX);
        Err(status)
    }

    fn warn_at(&self) -> Time {
        Time(self.due.0.saturating_sub(u64::from(limits::TOKEN_WARNING_SECONDS) * 1_000_000))
    }

    /// Says what the peer did wrong, and ends.
    fn fail(&mut self, error: ProtocolError, out: &mut Vec<ServerOutput>) {
        let status = Status::new(Code::InvalidProtocol, error.to_string());
        out.push(ServerOutput::Transmit(encode_push(&Push::Status(Box::new(pb::Status::from(&status))))));
        self.close(CloseReason::Protocol(error), out);
    }

    fn kick(
        &mut self,
        reason: pb::KickReason,
        message: &str,
        may_reconnect: bool,
        close: CloseReason,
        out: &mut Vec<ServerOutput>,
    ) {
        let kicked = pb::Kicked { reason: reason.into(), message: message.to_owned(), may_reconnect, ..Default::default() };
        out.push(ServerOutput::Transmit(encode_push(&Push::Kicked(Box::new(kicked)))));
        self.close(close, out);
    }

    fn close(&mut self, reason: CloseReason, out: &mut Vec<ServerOutput>) {
        self.state = State::Closed;
        out.push(ServerOutput::Close(reason));
    }
}

/// Answers a ping. It is not counted against the rate, because refusing it would cost as much.
fn echo(sequence: u32, body: Bytes, out: &mut Vec<ServerOutput>) {
    let mut bytes = BytesMut::new();
    encode_echo(sequence, body, &mut bytes);
    out.push(ServerOutput::Transmit(bytes.freeze()));
}

/// Appends the answer to a ping: the same body, or 414 if that is too long.
pub(super) fn encode_echo(sequence: u32, body: Bytes, out: &mut BytesMut) {
    if body.len() > limits::PING_BYTES_MAX {
        let status = Status::bad_parameter("the body of a ping has at most 64 bytes");
        encode_status(PacketKind::Ping as u16, sequence, &status, out);
    } else {
        Response::Ping(body).encode(sequence, out);
    }
}

fn refuse(kind: u16, sequence: u32, status: &Status, out: &mut Vec<ServerOutput>) {
    let mut bytes = BytesMut::new();
    encode_status(kind, sequence, status, &mut bytes);
    out.push(ServerOutput::Transmit(bytes.freeze()));
}

fn encode_push(push: &Push) -> Bytes {
    let mut bytes = BytesMut::new();
    push.encode(&mut bytes);
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_small() {
        assert!(size_of::<ServerSession>() <= 96, "{} bytes", size_of::<ServerSession>());
    }
}
