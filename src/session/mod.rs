//! One connection's protocol, either side, as a state machine: login, requests in flight, heartbeats, resume (wire.md §2-§4).
//!
//! Sans-IO: no socket, no clock, no thread. `on_*` says that something happened, plain verbs that the user wants something;
//! both write what is to be done into a vector of the caller's, so that an idle connection owns no buffer. `deadline` is the
//! time to call `on_timeout`, and is asked again after every call. Time is the caller's; randomness comes from a seed.
//!
//! May use `wire`. Knows nothing of sockets, of tokio, or of what the rooms do with a request.

mod backoff;
mod client;
mod in_flight;
mod pending;
mod room_state;
mod rooms;
mod server;
mod status;

pub use backoff::{Backoff, return_delay_ms};
pub use client::{BatchConfig, ClientConfig, ClientOutput, ClientSession, Loss, RequestId};
pub use room_state::{RoomState, RoomStateCause, RoomStateChange};
pub use server::{ServerOutput, ServerSession, SessionConfig};
pub use status::status_of;

use crate::wire::FrameError;

/// How a peer broke the protocol. Each one is answered with a `Status` push and ends the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProtocolError {
    /// The bytes are no frames.
    Frame(FrameError),
    /// Something other than a login or a ping came before login.
    BeforeLogin {
        /// The kind of the frame.
        kind: u16,
    },
    /// The body of a request before login could not be read.
    BadBody {
        /// The kind of the frame.
        kind: u16,
    },
    /// A request carries the sequence of one that is still unanswered.
    SequenceReused {
        /// The sequence.
        sequence: u32,
    },
}

impl std::fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ProtocolError::Frame(error) => error.fmt(f),
            ProtocolError::BeforeLogin { kind } => write!(f, "frame of kind {kind:#06x} before login: log in first"),
            ProtocolError::BadBody { kind } => write!(f, "body of kind {kind:#06x} cannot be read"),
            ProtocolError::SequenceReused { sequence } => write!(f, "sequence {sequence} is still waiting for its answer"),
        }
    }
}

/// Why a connection ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseReason {
    /// The first byte was not our protocol's; nothing is sent.
    NotOurs,
    /// The peer broke the protocol.
    Protocol(ProtocolError),
    /// No login came in time.
    LoginTimeout,
    /// Nothing was heard from the peer for too long.
    IdleTimeout,
    /// A ping stayed without answer.
    PingTimeout,
    /// The token the session logged in with has expired.
    TokenExpired,
    /// The login was refused.
    LoginRefused,
    /// The peer said with a `Status` push why it closes.
    Dismissed,
    /// The client logged out.
    LoggedOut,
    /// The transport failed or the peer closed it.
    TransportLost,
    /// The peer reads too slowly.
    Slow,
    /// All peers together have begun more frames than there is memory for, and this one has kept one open longest.
    Unfinished,
    /// The account was taken off: by an administrator, by another login of its own, or with its room.
    Kicked,
    /// The node is shutting down.
    Draining,
    /// The node holds as many connections as it may.
    TooMany,
}

impl CloseReason {
    /// The reason as the label of a metric.
    pub fn as_str(&self) -> &'static str {
        match self {
            CloseReason::NotOurs => "not_ours",
            CloseReason::Protocol(_) => "protocol",
            CloseReason::LoginTimeout => "login_timeout",
            CloseReason::IdleTimeout => "idle_timeout",
            CloseReason::PingTimeout => "ping_timeout",
            CloseReason::TokenExpired => "token_expired",
            CloseReason::LoginRefused => "login_refused",
            CloseReason::Dismissed => "dismissed",
            CloseReason::LoggedOut => "logged_out",
            CloseReason::TransportLost => "transport_lost",
            CloseReason::Slow => "slow",
            CloseReason::Unfinished => "unfinished",
            CloseReason::Kicked => "kicked",
            CloseReason::Draining => "draining",
            CloseReason::TooMany => "too_many",
        }
    }
}

impl std::fmt::Display for CloseReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CloseReason::Protocol(error) => write!(f, "protocol: {error}"),
            other => f.write_str(other.as_str()),
        }
    }
}

/// A random UUID (version 4) out of the caller's randomness: message ids and device ids.
pub fn uuid(random: &mut fastrand::Rng) -> String {
    let bits = random.u128(..) & !(0xF << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
