//! A whole client: the session that ships, and a driver that connects, backs off and comes back as the library's does.

use std::collections::{BTreeMap, VecDeque};

use bytes::{Bytes, BytesMut};

use super::node::{APP, TOKEN};
use crate::id::{AccountId, Time};
use crate::limits::{RECONNECT_MS_MAX, RECONNECT_MS_MIN};
use crate::session::{Backoff, ClientConfig, ClientSession, RequestId};
use crate::wire::frame::VERSIONS;
use crate::wire::pb;

/// State of a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stand {
    /// It does not want to be connected.
    Off,
    /// It connects again then.
    Waiting(Time),
    /// It waits for this connection to come up, until then.
    Connecting(u32, Time),
    /// It speaks over this connection.
    Up(u32),
}

/// Request that a client waits for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Doing {
    /// A message.
    Send { room: i64, id: String },
    /// A change that the log has once it is answered, by its token.
    Change { room: i64, token: u64 },
    /// Anything else.
    Other,
}

/// A client.
pub(super) struct Client {
    pub account: AccountId,
    pub session: ClientSession,
    pub template: pb::LoginRequest,
    pub stand: Stand,
    pub backoff: Backoff,
    /// Bytes cut into no frame yet.
    pub read: BytesMut,
    /// Bytes that have arrived while it reads nothing.
    pub unread: VecDeque<Bytes>,
    /// It reads nothing before this time.
    pub stalled: Time,
    /// Its session knows that it reads nothing.
    pub is_paused: bool,
    /// The answer to something it wanted came too late: it may be in other rooms than it thinks, until it logs in again.
    pub is_unsure: bool,
    pub doing: BTreeMap<RequestId, Doing>,
    /// Messages it has sent: room, id, time, sender.
    pub sent: Vec<(i64, String, i64, String)>,
    /// Bytes on their way to it.
    pub window: usize,
}

impl Client {
    /// A client that wants nothing yet.
    pub fn new(number: usize, account: AccountId, asks_login: bool, window: usize, seed: u64) -> Client {
        let template = pb::LoginRequest {
            app_key: APP.into(),
            account: account.to_string(),
            token: TOKEN.into(),
            auth_type: if asks_login { 2 } else { 0 },
            client_type: 1,
            device_id: format!("device {number}"),
            protocol_version: VERSIONS[0],
            ..pb::LoginRequest::default()
        };
        Client {
            account,
            session: ClientSession::new(ClientConfig::default(), seed, Time(0)),
            template,
            stand: Stand::Off,
            backoff: new_backoff(),
            read: BytesMut::new(),
            unread: VecDeque::new(),
            stalled: Time(0),
            is_paused: false,
            is_unsure: false,
            doing: BTreeMap::new(),
            sent: Vec::new(),
            window,
        }
    }

    /// The connection it uses.
    pub fn link(&self) -> Option<u32> {
        match self.stand {
            Stand::Up(link) => Some(link),
            _ => None,
        }
    }

    /// When something is to be done without anything having come.
    pub fn next_at(&self) -> Option<Time> {
        let own = match self.stand {
            Stand::Waiting(at) | Stand::Connecting(_, at) => Some(at),
            Stand::Off | Stand::Up(_) => None,
        };
        let awake = (self.is_paused || !self.unread.is_empty()).then_some(self.stalled);
        [own, awake, self.session.deadline()].into_iter().flatten().min()
    }
}

/// How long a client waits between attempts.
pub(super) fn new_backoff() -> Backoff {
    Backoff::new(RECONNECT_MS_MIN, RECONNECT_MS_MAX)
}
