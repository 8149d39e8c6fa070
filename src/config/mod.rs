//! Configuration: a TOML file, the environment and flags, in ascending order of precedence, all checked before anything starts.
//!
//! Every key of the file is also `CHATROOMD_<SECTION>_<KEY>` in the environment and `--set section.key=value` on the command
//! line; the most used have flags of their own. Holds numbers only: what they mean is the business of the modules they go to.

mod app;
mod callback;
mod error;
mod network;
mod policy;
mod sources;
mod tls;
mod webhooks;
mod words;
mod zone;

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::account::Secret;
use crate::limits;
use crate::tls::{HTTP_ALPN, WIRE_ALPN};

pub use app::{AppConfig, OnFailure, Rooms};
pub use callback::CallbackUrl;
pub use error::ConfigError;
pub use network::Network;
pub use policy::Policy;
pub use sources::{Command, command};
pub(crate) use tls::TlsFiles;
pub use tls::{MaybeAddress, Tls};
pub use webhooks::{Webhook, Webhooks};
pub use words::Moderation;
pub use zone::TimeZone;

/// Everything a node can be told. `Config::default()` is what it does when it is told nothing.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where clients connect; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the HTTP API, health and metrics are; port 0 takes a free one.
    pub admin: SocketAddr,
    /// The folder that holds log, history, snapshots and accounts.
    pub data: PathBuf,
    /// Keep nothing; `data` is not touched.
    pub memory: bool,
    /// Threads with connections; 0: one per core.
    pub workers: usize,
    /// When a send is acknowledged.
    pub durability: Durability,
    /// The first valid dynamic token of an unknown account creates it.
    pub auto_register: bool,
    /// The applications that may use the node.
    #[serde(skip_serializing)]
    pub apps: Vec<AppConfig>,
    /// Bounds on what clients may do.
    pub limits: Limits,
    /// What rooms go by.
    pub rooms: Rooms,
    /// How long things take.
    pub timers: Timers,
    /// What is kept of the past.
    pub history: History,
    /// How much memory the store takes.
    pub store: Store,
    /// What may not be said.
    pub moderation: Moderation,
    /// The HTTP API.
    pub http: Http,
    /// What is counted.
    pub stats: Stats,
    /// TLS for clients and callbacks.
    pub tls: Tls,
    /// Telling applications what happens in their rooms.
    pub webhooks: Webhooks,
    /// What the node says about itself.
    pub log: Log,
    /// Check the configuration and exit (`--check-config`).
    #[serde(skip)]
    pub check_only: bool,
}

/// When a send is acknowledged (architecture.md §6).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Durability {
    /// After the commit that covers it: survives power loss.
    Commit,
    /// At once; the disk follows within this many milliseconds: survives a killed process.
    Interval {
        /// Longest time between two syncs.
        interval_ms: u64,
    },
}

impl TryFrom<String> for Durability {
    type Error = String;

    fn try_from(text: String) -> Result<Durability, String> {
        let expected =
            || format!("'{text}' is not a durability: write \"commit\" or, say, \"interval(1s)\" or \"interval(200ms)\"");
        if text == "commit" {
            return Ok(Durability::Commit);
        }
        let inner = text.strip_prefix("interval(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(expected)?;
        let (number, unit_ms) = match inner.strip_suffix("ms") {
            Some(number) => (number, 1),
            None => (inner.strip_suffix('s').ok_or_else(expected)?, 1000),
        };
        let interval_ms = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_ms)).ok_or_else(expected)?;
        if !(1..=limits::SYNC_INTERVAL_MS_MAX).contains(&interval_ms) {
            return Err(format!("the interval of '{text}' must be 1ms to {}s", limits::SYNC_INTERVAL_MS_MAX / 1000));
        }
        Ok(Durability::Interval { interval_ms })
    }
}

impl From<Durability> for String {
    fn from(durability: Durability) -> String {
        match durability {
            Durability::Commit => "commit".to_owned(),
            Durability::Interval { interval_ms } if interval_ms % 1000 == 0 => format!("interval({}s)", interval_ms / 1000),
            Durability::Interval { interval_ms } => format!("interval({interval_ms}ms)"),
        }
    }
}

/// Bounds on what clients may do. For every rate 0 means without limit, but for `high_priority_per_second`, where it means none.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections of the node.
    pub connections_max: usize,
    /// Connections from one address; loopback is exempt.
    pub connections_per_address_max: usize,
    /// Bytes of a frame after login.
    pub frame_bytes_max: usize,
    /// Bytes of a frame before login.
    pub frame_bytes_max_before_login: usize,
    /// Requests of one session per second.
    pub requests_per_second: u32,
    /// Requests of one session at once after a rest.
    pub requests_burst: u32,
    /// Messages of one account in one room per second.
    pub client_send_per_second: u32,
    /// Messages of one account in one room at once after a rest.
    pub client_send_burst: u32,
    /// Messages of one account in one room in any five minutes.
    pub client_send_per_five_minutes: u32,
    /// Messages a room takes from clients per second.
    pub room_intake_per_second: u32,
    /// Messages of high priority of a room per second.
    pub high_priority_per_second: u32,
    /// Ordinary messages of a room that one connection is sent per second.
    pub downlink_normal_per_second: u32,
    /// Messages of high priority of a room that one connection is sent per second.
    pub downlink_high_per_second: u32,
    /// Bytes of recent frames a room's feed keeps.
    pub feed_bytes_max: usize,
    /// Bytes of answers that may wait for a slow connection before nothing more is taken from it.
    pub backlog_bytes_max: usize,
    /// Bytes of answers that may wait for all connections, and of large ones under way.
    pub answers_bytes_max: usize,
    /// Bytes of frames of all connections that have begun and are not complete; 0: a 32nd of the memory there is.
    pub unfinished_bytes_max: usize,
    /// Bytes of accounts in memory; what does not fit is read when it is asked for.
    pub account_cache_bytes: usize,
}

/// How long things take, in milliseconds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timers {
    /// Silence after which a client pings; told to it at login.
    pub heartbeat_ms: u64,
    /// Silence after which a connection is closed.
    pub idle_timeout_ms: u64,
    /// Time from connect to login.
    pub login_timeout_ms: u64,
    /// How long a lost connection keeps its place in its rooms.
    pub detach_grace_ms: u64,
    /// How long a stopping node waits for its clients to go.
    pub drain_ms: u64,
}

/// What is kept of the past.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct History {
    /// Days a message stays; 0: no history.
    pub days: u32,
}

/// The HTTP API (rest-api.md §1).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// What every path of the API begins with.
    pub base: String,
    /// Calls of one endpoint by one application per second; 0: without limit.
    pub calls_per_second: u32,
    /// How long an application that exceeded it is refused that endpoint.
    pub block_ms: u64,
    /// Calls of `queryChatroomMsg` by one application per minute, after which it is refused for a minute; 0: without limit.
    pub history_calls_per_minute: u32,
    /// Calls of `broadcast`, likewise.
    pub broadcast_calls_per_minute: u32,
    /// Answers have the names of the first documents beside those real clients know.
    pub seed_aliases: bool,
    /// Connections of the HTTP listener.
    pub connections_max: usize,
    /// Connections of the HTTP listener from one address; loopback is exempt.
    pub connections_per_address_max: usize,
    /// Time for the head of a request to arrive, which is also how long a connection may lie idle.
    pub head_timeout_ms: u64,
    /// Time for the body of a request to arrive.
    pub body_timeout_ms: u64,
    /// Networks whose word about the address a call comes from is taken (`X-Forwarded-For`), with commas between them.
    pub trusted_proxies: String,
    /// Addresses that clients are told to connect to, as `host:port` separated by commas; empty: `listen`; `none`: nothing.
    pub client_addresses: String,
    /// Addresses that WebSocket clients are told to connect to, likewise; empty: those the others are told.
    pub websocket_addresses: String,
    /// A PEM file: the certificate the API shows, then those between it and the root; empty: it speaks no TLS.
    pub certificate: PathBuf,
    /// A PEM file: the private key of that certificate.
    pub key: PathBuf,
}

/// How much memory the store takes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// Bytes of new entries held in memory before they are written out sorted.
    pub write_buffer_bytes: u64,
    /// Bytes of blocks read from disk that are held in memory.
    pub cache_bytes: u64,
}

/// What is counted in rooms (rest-api.md §4.14).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stats {
    /// Where its days begin.
    pub time_zone: TimeZone,
}

/// What the node says about itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// The least important lines written to stderr.
    pub level: LogLevel,
    /// Their form.
    pub format: LogFormat,
}

/// How important a line of the log is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// The form of a line of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: (Ipv4Addr::LOCALHOST, limits::WIRE_PORT).into(),
            admin: (Ipv4Addr::LOCALHOST, limits::ADMIN_PORT).into(),
            data: "chatroom-data".into(),
            memory: false,
            workers: 0,
            durability: Durability::Commit,
            auto_register: true,
            apps: Vec::new(),
            limits: Limits::default(),
            rooms: Rooms::default(),
            timers: Timers::default(),
            history: History::default(),
            store: Store::default(),
            moderation: Moderation::default(),
            http: Http::default(),
            stats: Stats::default(),
            tls: Tls::default(),
            webhooks: Webhooks::default(),
            log: Log::default(),
            check_only: false,
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_max: limits::CONNECTIONS_MAX,
            connections_per_address_max: limits::CONNECTIONS_PER_ADDRESS_MAX,
            frame_bytes_max: limits::FRAME_BYTES_MAX,
            frame_bytes_max_before_login: limits::FRAME_BYTES_MAX_BEFORE_LOGIN,
            requests_per_second: limits::SESSION_REQUESTS_PER_SECOND,
            requests_burst: limits::SESSION_REQUESTS_BURST,
            client_send_per_second: limits::SENDS_PER_SECOND,
            client_send_burst: limits::SENDS_BURST,
            client_send_per_five_minutes: 0,
            room_intake_per_second: limits::ROOM_INTAKE_PER_SECOND,
            high_priority_per_second: limits::HIGH_PRIORITY_PER_SECOND as u32,
            downlink_normal_per_second: 0,
            downlink_high_per_second: 0,
            feed_bytes_max: limits::FEED_BYTES_MAX,
            backlog_bytes_max: limits::BACKLOG_BYTES_MAX,
            answers_bytes_max: limits::ANSWERS_BYTES_MAX,
            unfinished_bytes_max: 0,
            account_cache_bytes: limits::ACCOUNT_CACHE_BYTES,
        }
    }
}

impl Default for Timers {
    fn default() -> Timers {
        Timers {
            heartbeat_ms: limits::HEARTBEAT_MS,
            idle_timeout_ms: limits::IDLE_TIMEOUT_MS,
            login_timeout_ms: limits::LOGIN_TIMEOUT_MS,
            detach_grace_ms: limits::DETACH_GRACE_MS,
            drain_ms: limits::DRAIN_MS,
        }
    }
}

impl Default for History {
    fn default() -> History {
        History { days: limits::HISTORY_DAYS }
    }
}

impl Default for Store {
    fn default() -> Store {
        Store { write_buffer_bytes: limits::STORE_WRITE_BUFFER_BYTES, cache_bytes: limits::STORE_CACHE_BYTES }
    }
}

impl Default for Http {
    fn default() -> Http {
        Http {
            base: "/nimserver".to_owned(),
            calls_per_second: limits::HTTP_CALLS_PER_SECOND,
            block_ms: limits::HTTP_BLOCK_MS,
            history_calls_per_minute: limits::HTTP_HISTORY_CALLS_PER_MINUTE,
            broadcast_calls_per_minute: limits::HTTP_BROADCAST_CALLS_PER_MINUTE,
            seed_aliases: true,
            connections_max: limits::HTTP_CONNECTIONS_MAX,
            connections_per_address_max: limits::HTTP_CONNECTIONS_PER_ADDRESS_MAX,
            head_timeout_ms: limits::HTTP_HEAD_TIMEOUT_MS,
            body_timeout_ms: limits::HTTP_BODY_TIMEOUT_MS,
            trusted_proxies: String::new(),
            client_addresses: String::new(),
            websocket_addresses: String::new(),
            certificate: PathBuf::new(),
            key: PathBuf::new(),
        }
    }
}

impl Http {
    /// The networks in [`trusted_proxies`](Http::trusted_proxies).
    pub(crate) fn trusted_proxies(&self) -> Result<Vec<ipnet::IpNet>, String> {
        let texts = self.trusted_proxies.split(',').map(str::trim).filter(|text| !text.is_empty());
        texts.map(|text| text.parse::<Network>().map(|network| network.0)).collect()
    }

    /// The addresses in [`client_addresses`](Http::client_addresses); `None`: it names none, not even that there are none.
    pub(crate) fn client_addresses(&self) -> Option<Vec<&str>> {
        addresses(&self.client_addresses)
    }

    /// The addresses in [`websocket_addresses`](Http::websocket_addresses), likewise.
    pub(crate) fn websocket_addresses(&self) -> Option<Vec<&str>> {
        addresses(&self.websocket_addresses)
    }
}

/// Addresses with commas between them; `none` is an empty list, and nothing at all is no list.
fn addresses(text: &str) -> Option<Vec<&str>> {
    if text.trim() == "none" {
        return Some(Vec::new());
    }
    let named: Vec<&str> = text.split(',').map(str::trim).filter(|address| !address.is_empty()).collect();
    (!named.is_empty()).then_some(named)
}

impl Default for Log {
    fn default() -> Log {
        Log { level: LogLevel::Info, format: LogFormat::Text }
    }
}

impl Config {
    /// Reads flags (the first of `args` is the program's name), the process's environment and the file they name.
    pub fn load<I, T>(args: I) -> Result<Config, ConfigError>
    where
        I: IntoIterator<Item = T>,
        T: Into<std::ffi::OsString> + Clone,
    {
        Config::load_with(args, |name| std::env::var(name).ok())
    }

    /// As [`Config::load`], with the environment as a function.
    pub fn load_with<I, T>(args: I, environment: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError>
    where
        I: IntoIterator<Item = T>,
        T: Into<std::ffi::OsString> + Clone,
    {
        let config = sources::read(args, &environment)?;
        config.check()?;
        Ok(config)
    }

    /// Every key of the file but `apps`, as `section.key`, with its default in the file's own words.
    pub fn keys() -> Vec<(String, String)> {
        sources::defaults().into_iter().map(|(key, value)| (key, sources::text(&value))).collect()
    }

    /// The keys, but `apps`, that have other values than in `other`.
    pub fn differences(&self, other: &Config) -> Vec<String> {
        sources::differences(self, other)
    }

    /// Threads with connections: as configured, else one per core.
    pub(crate) fn worker_count(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from).min(limits::WORKERS_MAX),
            count => count,
        }
    }

    /// True if the values make sense, one by one and together.
    fn check(&self) -> Result<(), ConfigError> {
        let (Config { limits: bounds, timers, .. }, day_ms) = (self, 86_400_000);
        let ranges = [
            ("workers", self.workers as u64, 0, limits::WORKERS_MAX as u64),
            ("limits.connections_max", bounds.connections_max as u64, 1, u64::from(u32::MAX)),
            ("limits.connections_per_address_max", bounds.connections_per_address_max as u64, 1, u64::from(u32::MAX)),
            (
                "limits.frame_bytes_max",
                bounds.frame_bytes_max as u64,
                limits::FRAME_BYTES_MIN as u64,
                limits::FRAME_BYTES_CEILING as u64,
            ),
            (
                "limits.frame_bytes_max_before_login",
                bounds.frame_bytes_max_before_login as u64,
                512,
                bounds.frame_bytes_max as u64,
            ),
            ("limits.requests_burst", u64::from(bounds.requests_burst), u64::from(bounds.requests_per_second.min(1)), 1 << 31),
            (
                "limits.client_send_burst",
                u64::from(bounds.client_send_burst),
                u64::from(bounds.client_send_per_second.min(1)),
                1 << 31,
            ),
            (
                "limits.client_send_per_five_minutes",
                u64::from(bounds.client_send_per_five_minutes),
                0,
                limits::DEDUP_IDS_PER_SENDER as u64,
            ),
            (
                "limits.high_priority_per_second",
                u64::from(bounds.high_priority_per_second),
                0,
                limits::HIGH_PRIORITY_PER_SECOND_MAX as u64,
            ),
            ("limits.feed_bytes_max", bounds.feed_bytes_max as u64, 4096, 1 << 40),
            ("limits.backlog_bytes_max", bounds.backlog_bytes_max as u64, 4096, 1 << 40),
            ("limits.answers_bytes_max", bounds.answers_bytes_max as u64, 1 << 20, 1 << 40),
            ("limits.unfinished_bytes_max", bounds.unfinished_bytes_max as u64, 0, 1 << 40),
            ("limits.account_cache_bytes", bounds.account_cache_bytes as u64, limits::ACCOUNT_CACHE_BYTES_MIN, 1 << 40),
            ("timers.heartbeat_ms", timers.heartbeat_ms, 1000, day_ms),
            ("timers.idle_timeout_ms", timers.idle_timeout_ms, timers.heartbeat_ms.saturating_add(1), day_ms),
            ("timers.login_timeout_ms", timers.login_timeout_ms, 100, day_ms),
            ("timers.detach_grace_ms", timers.detach_grace_ms, 0, limits::DETACH_GRACE_MS_MAX),
            ("timers.drain_ms", timers.drain_ms, 0, day_ms),
            (
                "store.write_buffer_bytes",
                self.store.write_buffer_bytes,
                limits::STORE_MEMORY_BYTES_MIN,
                limits::STORE_MEMORY_BYTES_MAX,
            ),
            ("store.cache_bytes", self.store.cache_bytes, limits::STORE_MEMORY_BYTES_MIN, limits::STORE_MEMORY_BYTES_MAX),
            ("history.days", u64::from(self.history.days), 0, u64::from(limits::HISTORY_DAYS_MAX)),
            ("http.block_ms", self.http.block_ms, 0, day_ms),
            ("http.connections_max", self.http.connections_max as u64, 1, u64::from(u32::MAX)),
            ("http.connections_per_address_max", self.http.connections_per_address_max as u64, 1, u64::from(u32::MAX)),
            ("http.head_timeout_ms", self.http.head_timeout_ms, 100, day_ms),
            ("http.body_timeout_ms", self.http.body_timeout_ms, 100, day_ms),
            ("webhooks.spool_bytes_max", self.webhooks.spool_bytes_max, 0, 1 << 40),
            ("webhooks.timeout_ms", self.webhooks.timeout_ms, 10, 60_000),
            ("webhooks.keep_hours", self.webhooks.keep_hours, 1, 24 * 365),
            ("webhooks.refused_seconds", self.webhooks.refused_seconds, 0, 86_400),
        ];
        for (key, value, min, max) in ranges {
            if !(min..=max).contains(&value) {
                let why = match key {
                    "limits.frame_bytes_max" if value < min => ": the largest push needs as much",
                    _ => "",
                };
                let reason = format!("is {value}; choose a value from {min} to {max}{why}");
                return Err(ConfigError::OutOfBounds { key: key.to_owned(), reason });
            }
        }
        self.moderation.moderator()?;
        for (files, protocol) in [(self.wire_tls()?, WIRE_ALPN), (self.http_tls()?, HTTP_ALPN)] {
            files.map(|files| files.read(protocol)).transpose()?;
        }
        if self.callback_ca().is_some() {
            self.callback_tls()?;
        }
        self.http
            .trusted_proxies()
            .map_err(|reason| ConfigError::OutOfBounds { key: "http.trusted_proxies".to_owned(), reason })?;
        let base = &self.http.base;
        if !(base.is_empty()
            || base.starts_with('/') && !base.ends_with('/') && base.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err(ConfigError::OutOfBounds {
                key: "http.base".to_owned(),
                reason: format!("is '{base}'; begin it with '/' and end it without, as in \"/nimserver\", or leave it empty"),
            });
        }
        app::check("rooms.", &self.common_settings())?;
        let is_address = |address: &&str| {
            address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        };
        let lists = [
            ("http.client_addresses", self.http.client_addresses()),
            ("http.websocket_addresses", self.http.websocket_addresses()),
        ];
        for (key, addresses) in lists {
            let addresses = addresses.unwrap_or_default();
            if addresses.len() > limits::CLIENT_ADDRESSES_MAX || !addresses.iter().all(is_address) {
                let most = limits::CLIENT_ADDRESSES_MAX;
                let reason = format!("write at most {most} times host:port, with commas between them, or none");
                return Err(ConfigError::OutOfBounds { key: key.to_owned(), reason });
            }
        }
        let mut keys = HashSet::new();
        for app in &self.apps {
            app.app()?;
            app::check(&format!("apps: '{}': ", app.key), &self.settings_of(app))?;
            app.webhook.check(&app.key)?;
            if let Some(other) = self.apps.iter().find(|other| app.signs_like(other)) {
                return Err(ConfigError::OutOfBounds {
                    key: "apps".to_owned(),
                    reason: format!(
                        "'{}' and '{}' have keys that begin alike and secrets that end alike, so that a token of the one can be cut into \
                         one of the other: give them secrets that have nothing in common, or set vendor_tokens = false for one",
                        app.key, other.key
                    ),
                });
            }
            if !keys.insert(&app.key) {
                return Err(ConfigError::OutOfBounds {
                    key: "apps".to_owned(),
                    reason: format!("'{}' stands there twice; remove one", app.key),
                });
            }
        }
        Ok(())
    }
}

fn yes() -> bool {
    true
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    // The reader's own words would quote the value.
    String::deserialize(deserializer)
        .map(Secret::new)
        .map_err(|_| serde::de::Error::custom("a secret must be a text in quotes"))
}
