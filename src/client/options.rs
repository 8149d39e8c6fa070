//! How a client connects and who it is.

use super::event::LogLevel;
use super::transport::Trust;
use crate::limits;
use crate::wire::pb;

/// Who connects, where to, and how patiently.
#[derive(Clone)]
pub struct ClientOptions {
    /// `host:port`, or `tls://host:port` where the server speaks TLS. They are tried beside each other, the next one 250 ms after
    /// the one before; the one that led to a login comes first the next time, and those that did not come last.
    pub addresses: Vec<String>,
    /// Whose certificates are good at addresses with `tls://`.
    pub trust: Trust,
    /// The app.
    pub app_key: String,
    /// The account; may be empty when anonymous.
    pub account: String,
    /// What proves it; empty when anonymous.
    pub token: String,
    /// What kind of token it is.
    pub auth_type: pb::AuthType,
    /// What the app's callback is told at login.
    pub login_ext: String,
    /// Whether to log in without an account of one's own.
    pub anonymous: bool,
    /// 1 Android, 2 iOS, 4 PC, 16 Web, 64 Mac, 65 HarmonyOS.
    pub client_type: u32,
    /// Refines the client type; 0 for none.
    pub custom_client_type: u32,
    /// The login's label.
    pub custom_tag: String,
    /// Names this device for good; when empty one is made up for the life of this client.
    pub device_id: String,
    /// The room to enter with the login.
    pub enter: Option<pb::RoomEnterRequest>,
    /// How many reconnects may fail in a row before the client gives up; `None` never gives up.
    pub reconnect_attempts_max: Option<u32>,
    /// Time for the transport to one address to come up.
    pub connect_timeout_ms: u64,
    /// Time for an answer.
    pub response_timeout_ms: u64,
    /// Time a send may take in all, lost connections included; at most [`limits::SEND_TIMEOUT_MS`], which is below the server's
    /// memory of message ids. Then it ends with 408, and is never repeated.
    pub send_timeout_ms: u64,
    /// Silence of either side after which a ping is sent; the server may ask for less.
    pub heartbeat_ms: u64,
    /// Time for the answer to that ping.
    pub ping_timeout_ms: u64,
    /// The longest first delay of a reconnect; the range doubles with each, and is drawn from at random.
    pub reconnect_ms_min: u64,
    /// The longest delay of a reconnect.
    pub reconnect_ms_max: u64,
    /// The longest random delay before coming back to a node that sent this client away.
    pub return_spread_ms: u64,
    /// Seeds message ids and jitter; a random one when absent.
    pub seed: Option<u64>,
    /// The least level of the lines told as [`Event::Log`](super::Event::Log); `None` tells none.
    pub log: Option<LogLevel>,
}

impl Default for ClientOptions {
    fn default() -> ClientOptions {
        ClientOptions {
            addresses: Vec::new(),
            trust: Trust::default(),
            app_key: String::new(),
            account: String::new(),
            token: String::new(),
            auth_type: pb::AuthType::Static,
            login_ext: String::new(),
            anonymous: false,
            client_type: 4,
            custom_client_type: 0,
            custom_tag: String::new(),
            device_id: String::new(),
            enter: None,
            reconnect_attempts_max: None,
            connect_timeout_ms: limits::CONNECT_TIMEOUT_MS,
            response_timeout_ms: limits::RESPONSE_TIMEOUT_MS,
            send_timeout_ms: limits::SEND_TIMEOUT_MS,
            heartbeat_ms: limits::HEARTBEAT_MS,
            ping_timeout_ms: limits::PING_TIMEOUT_MS,
            reconnect_ms_min: limits::RECONNECT_MS_MIN,
            reconnect_ms_max: limits::RECONNECT_MS_MAX,
            return_spread_ms: limits::RETURN_SPREAD_MS,
            seed: None,
            log: None,
        }
    }
}

impl std::fmt::Debug for ClientOptions {
    /// Everything but the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientOptions")
            .field("addresses", &self.addresses)
            .field("trust", &self.trust)
            .field("app_key", &self.app_key)
            .field("account", &self.account)
            .field("anonymous", &self.anonymous)
            .field("enter", &self.enter.as_ref().map(|enter| enter.room_id))
            .finish_non_exhaustive()
    }
}
