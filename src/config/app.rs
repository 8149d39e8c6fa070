//! What may be said of each application, and what holds where nothing is said of one (chatroom.md §a.1).

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::callback::CallbackUrl;
use super::network::Network;
use super::policy::Policy;
use super::webhooks::Webhook;
use super::{Config, ConfigError, secret, yes};
use crate::account::{App, JwtKeys, Secret, TokenRules};
use crate::id::UnixMs;
use crate::limits;
use crate::room::Settings;

/// What rooms go by, unless their application says otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rooms {
    /// Who gives way when an account enters a room once more.
    pub multi_client: Policy,
    /// Connections of one account in one room; the next one takes the place of the oldest.
    pub connections_per_account_max: usize,
    /// Rooms made by the HTTP API that one account may be in at once.
    pub rooms_per_account_max: usize,
    /// Rooms made by clients that one account may be in at once.
    pub client_rooms_per_account_max: usize,
    /// Rooms made by one account that everybody has left and that wait for their end; at so many it makes no other.
    pub client_rooms_left_per_account_max: usize,
    /// The same of all accounts of an application.
    pub client_rooms_left_per_app_max: usize,
    /// True if rooms made by clients keep a history.
    pub client_room_history: bool,
    /// Fixed members of a room.
    pub fixed_members_max: usize,
    /// How long a message of high priority is sent again to who enters.
    pub high_priority_resend_seconds: u32,
    /// Robots of a room.
    pub robots_max: usize,
    /// How long a robot stays.
    pub robot_ttl_seconds: u32,
}

impl Default for Rooms {
    fn default() -> Rooms {
        let Settings {
            multi_client,
            connections_per_account_max,
            rooms_per_account_max,
            client_rooms_per_account_max,
            client_rooms_left_per_account_max,
            client_rooms_left_per_app_max,
            client_rooms_have_history,
            fixed_members_max,
            high_priority_resend_ms,
            robots_max,
            robot_ttl_ms,
            ..
        } = Settings::default();
        Rooms {
            multi_client: Policy(multi_client),
            connections_per_account_max,
            rooms_per_account_max,
            client_rooms_per_account_max,
            client_rooms_left_per_account_max,
            client_rooms_left_per_app_max,
            client_room_history: client_rooms_have_history,
            fixed_members_max,
            high_priority_resend_seconds: seconds(high_priority_resend_ms),
            robots_max,
            robot_ttl_seconds: seconds(robot_ttl_ms),
        }
    }
}

/// An application in the file. What is not said of it is as the node has it.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppConfig {
    /// 1-64 letters, digits, `_` or `-`.
    pub key: String,
    /// 1-64 characters.
    #[serde(deserialize_with = "secret")]
    pub secret: Secret,
    /// Refuse every login and HTTP call.
    #[serde(default)]
    pub disabled: bool,
    /// Let visitors in without an account.
    #[serde(default = "yes")]
    pub anonymous: bool,
    /// Networks its HTTP calls may come from; empty: any.
    #[serde(default)]
    pub http_allowed: Vec<Network>,
    /// Take dynamic tokens in the vendor's format. JWTs are taken all the same.
    #[serde(default = "yes")]
    pub vendor_tokens: bool,
    /// Lives of the tokens it mints in that format, in seconds; absent: the usual ones.
    pub token_ttls: Option<Vec<u64>>,
    /// Since when it has minted them, in milliseconds since 1970; absent: since it was made on this server, less the longest life.
    pub tokens_since: Option<i64>,
    /// A file with the public keys of its JWTs, as a JWKS or in PEM; absent: its secret signs them.
    pub jwt_keys: Option<PathBuf>,
    /// Who is asked whether somebody may log in, with `auth_type` 2; absent: that is not offered.
    #[serde(default)]
    pub login_callback: Option<CallbackUrl>,
    /// Who is asked whether a member's message may be sent; absent: nobody is.
    #[serde(default)]
    pub send_callback: Option<CallbackUrl>,
    /// What becomes of a message when `send_callback` gives no answer.
    #[serde(default)]
    pub send_callback_fail: OnFailure,
    /// Who is told what happens in the rooms.
    #[serde(default)]
    pub webhook: Webhook,
    /// See `limits.client_send_per_second`.
    pub client_send_per_second: Option<u32>,
    /// See `limits.client_send_burst`.
    pub client_send_burst: Option<u32>,
    /// See `limits.room_intake_per_second`.
    pub room_intake_per_second: Option<u32>,
    /// See [`Rooms::multi_client`].
    pub multi_client: Option<Policy>,
    /// See [`Rooms::connections_per_account_max`].
    pub connections_per_account_max: Option<usize>,
    /// See [`Rooms::rooms_per_account_max`].
    pub rooms_per_account_max: Option<usize>,
    /// See [`Rooms::client_rooms_per_account_max`].
    pub client_rooms_per_account_max: Option<usize>,
    /// See [`Rooms::client_rooms_left_per_account_max`].
    pub client_rooms_left_per_account_max: Option<usize>,
    /// See [`Rooms::client_rooms_left_per_app_max`].
    pub client_rooms_left_per_app_max: Option<usize>,
    /// See [`Rooms::client_room_history`].
    pub client_room_history: Option<bool>,
    /// See [`Rooms::fixed_members_max`].
    pub fixed_members_max: Option<usize>,
    /// See `limits.high_priority_per_second`.
    pub high_priority_per_second: Option<u32>,
    /// See [`Rooms::high_priority_resend_seconds`].
    pub high_priority_resend_seconds: Option<u32>,
    /// See `limits.downlink_normal_per_second`.
    pub downlink_normal_per_second: Option<u32>,
    /// See `limits.downlink_high_per_second`.
    pub downlink_high_per_second: Option<u32>,
    /// See [`Rooms::robots_max`].
    pub robots_max: Option<usize>,
    /// See [`Rooms::robot_ttl_seconds`].
    pub robot_ttl_seconds: Option<u32>,
}

/// What becomes of a message when the callback that is to judge it gives no answer in time, or none that can be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// It is sent.
    Open,
    /// It is refused.
    #[default]
    Closed,
}

impl AppConfig {
    /// An application of which nothing is said but its key and secret.
    pub fn new(key: impl Into<String>, secret: Secret) -> AppConfig {
        AppConfig {
            key: key.into(),
            secret,
            disabled: false,
            anonymous: true,
            http_allowed: Vec::new(),
            vendor_tokens: true,
            token_ttls: None,
            tokens_since: None,
            jwt_keys: None,
            login_callback: None,
            send_callback: None,
            send_callback_fail: OnFailure::default(),
            webhook: Webhook::default(),
            client_send_per_second: None,
            client_send_burst: None,
            room_intake_per_second: None,
            multi_client: None,
            connections_per_account_max: None,
            rooms_per_account_max: None,
            client_rooms_per_account_max: None,
            client_rooms_left_per_account_max: None,
            client_rooms_left_per_app_max: None,
            client_room_history: None,
            fixed_members_max: None,
            high_priority_per_second: None,
            high_priority_resend_seconds: None,
            downlink_normal_per_second: None,
            downlink_high_per_second: None,
            robots_max: None,
            robot_ttl_seconds: None,
        }
    }

    /// True if a token of one application can be cut into one of the other: the vendor's format signs key, account, time, life and secret
    /// without separators, so that what the longer key has more could be the beginning of an account.
    pub(super) fn signs_like(&self, other: &AppConfig) -> bool {
        let (key, secret) = (self.key.as_str(), self.secret.reveal());
        let alike = key != other.key && key.starts_with(&other.key) && {
            let theirs = other.secret.reveal();
            secret.ends_with(theirs) || theirs.ends_with(secret)
        };
        alike && self.vendor_tokens && other.vendor_tokens
    }

    /// The application it describes, with the keys its file holds; the words name what is wrong.
    pub fn app(&self) -> Result<App, ConfigError> {
        let app = App::new(self.key.as_str(), self.secret.clone()).map_err(|status| ConfigError::OutOfBounds {
            key: "apps".to_owned(),
            reason: format!("'{}': {}", self.key, status.desc),
        })?;
        let http_allowed = self.http_allowed.iter().map(|network| network.0).collect();
        let tokens = self.token_rules()?;
        Ok(App { disabled: self.disabled, anonymous_enabled: self.anonymous, http_allowed, tokens, ..app })
    }

    fn token_rules(&self) -> Result<TokenRules, ConfigError> {
        let refuse =
            |key: &str, reason: String| ConfigError::OutOfBounds { key: format!("apps: '{}': {key}", self.key), reason };
        let listed = self.token_ttls.clone().unwrap_or_default();
        let is_life = |seconds: &u64| (1..=limits::TOKEN_LIFE_SECONDS_MAX).contains(seconds);
        if self.token_ttls.is_some() && !(1..=limits::TOKEN_LIVES_MAX).contains(&listed.len()) || !listed.iter().all(is_life) {
            let (count, most) = (limits::TOKEN_LIVES_MAX, limits::TOKEN_LIFE_SECONDS_MAX);
            let reason =
                format!("must list 1 to {count} lives of 1 to {most} s; to refuse them all, set vendor_tokens = false");
            return Err(refuse("token_ttls", reason));
        }
        if self.tokens_since.is_some_and(|since| !limits::TOKEN_TIMES_MS.contains(&since)) {
            return Err(refuse("tokens_since", "must be in milliseconds since 1970, which has 13 digits".to_owned()));
        }
        let keys = match &self.jwt_keys {
            None => Arc::default(),
            Some(path) => {
                let of_file = |reason| refuse("jwt_keys", format!("names {}, which {reason}", path.display()));
                let text =
                    read(path, limits::JWT_KEYS_BYTES_MAX).map_err(|error| of_file(format!("cannot be read: {error}")))?;
                Arc::new(JwtKeys::parse(&text).map_err(of_file)?)
            }
        };
        Ok(TokenRules { vendor: self.vendor_tokens, listed, since: self.tokens_since.map(UnixMs), keys })
    }
}

impl Config {
    /// What the rooms go by of an application of which nothing is said.
    pub fn common_settings(&self) -> Settings {
        let (rooms, bounds) = (&self.rooms, &self.limits);
        Settings {
            sends_per_second: bounds.client_send_per_second,
            sends_burst: bounds.client_send_burst,
            room_intake_per_second: bounds.room_intake_per_second,
            fixed_members_max: rooms.fixed_members_max,
            connections_per_account_max: rooms.connections_per_account_max,
            anonymous_enabled: true,
            multi_client: rooms.multi_client.0.clone(),
            high_priority_per_second: bounds.high_priority_per_second as usize,
            high_priority_resend_ms: i64::from(rooms.high_priority_resend_seconds) * 1000,
            downlink_normal_per_second: bounds.downlink_normal_per_second,
            downlink_high_per_second: bounds.downlink_high_per_second,
            rooms_per_account_max: rooms.rooms_per_account_max,
            client_rooms_per_account_max: rooms.client_rooms_per_account_max,
            client_rooms_left_per_account_max: rooms.client_rooms_left_per_account_max,
            client_rooms_left_per_app_max: rooms.client_rooms_left_per_app_max,
            client_rooms_have_history: rooms.client_room_history,
            robots_max: rooms.robots_max,
            robot_ttl_ms: i64::from(rooms.robot_ttl_seconds) * 1000,
            sends_per_five_minutes: bounds.client_send_per_five_minutes as usize,
            // The files it reads are the node's: `Apps` puts it in.
            moderator: None,
            reports: None,
        }
    }

    /// What the rooms of an application go by.
    pub fn settings_of(&self, app: &AppConfig) -> Settings {
        fn set<T: Clone>(field: &mut T, said: &Option<T>) {
            if let Some(said) = said {
                *field = said.clone();
            }
        }
        let reports = app.webhook.reports(&app.key).map(Arc::new);
        let mut settings = Settings { anonymous_enabled: app.anonymous, reports, ..self.common_settings() };
        set(&mut settings.sends_per_second, &app.client_send_per_second);
        set(&mut settings.sends_burst, &app.client_send_burst);
        set(&mut settings.room_intake_per_second, &app.room_intake_per_second);
        set(&mut settings.fixed_members_max, &app.fixed_members_max);
        set(&mut settings.connections_per_account_max, &app.connections_per_account_max);
        set(&mut settings.multi_client, &app.multi_client.as_ref().map(|policy| policy.0.clone()));
        set(&mut settings.high_priority_per_second, &app.high_priority_per_second.map(|said| said as usize));
        set(&mut settings.high_priority_resend_ms, &app.high_priority_resend_seconds.map(|said| i64::from(said) * 1000));
        set(&mut settings.downlink_normal_per_second, &app.downlink_normal_per_second);
        set(&mut settings.downlink_high_per_second, &app.downlink_high_per_second);
        set(&mut settings.rooms_per_account_max, &app.rooms_per_account_max);
        set(&mut settings.client_rooms_per_account_max, &app.client_rooms_per_account_max);
        set(&mut settings.client_rooms_left_per_account_max, &app.client_rooms_left_per_account_max);
        set(&mut settings.client_rooms_left_per_app_max, &app.client_rooms_left_per_app_max);
        set(&mut settings.client_rooms_have_history, &app.client_room_history);
        set(&mut settings.robots_max, &app.robots_max);
        set(&mut settings.robot_ttl_ms, &app.robot_ttl_seconds.map(|said| i64::from(said) * 1000));
        settings
    }
}

/// Refuses settings out of bounds; `of` is whose they are, as the refusal puts it before the key.
pub(super) fn check(of: &str, settings: &Settings) -> Result<(), ConfigError> {
    let number = |value: usize| value as u64;
    let seconds = |ms: i64| u64::from(seconds(ms));
    let ranges = [
        ("client_send_burst", u64::from(settings.sends_burst), u64::from(settings.sends_per_second.min(1)), 1 << 31),
        ("connections_per_account_max", number(settings.connections_per_account_max), 1, 100),
        ("rooms_per_account_max", number(settings.rooms_per_account_max), 1, 1000),
        ("client_rooms_per_account_max", number(settings.client_rooms_per_account_max), 1, 100),
        ("client_rooms_left_per_account_max", number(settings.client_rooms_left_per_account_max), 1, 10_000),
        ("client_rooms_left_per_app_max", number(settings.client_rooms_left_per_app_max), 1, 10_000_000),
        ("fixed_members_max", number(settings.fixed_members_max), 1, limits::FIXED_MEMBERS_CEILING),
        ("high_priority_per_second", number(settings.high_priority_per_second), 0, limits::HIGH_PRIORITY_PER_SECOND_MAX as u64),
        (
            "high_priority_resend_seconds",
            seconds(settings.high_priority_resend_ms),
            0,
            limits::HIGH_PRIORITY_RESEND_SECONDS_MAX,
        ),
        ("robots_max", number(settings.robots_max), 0, limits::ROBOTS_CEILING),
        ("robot_ttl_seconds", seconds(settings.robot_ttl_ms), 1, limits::ROBOT_TTL_SECONDS_MAX),
    ];
    for (key, value, min, max) in ranges {
        if !(min..=max).contains(&value) {
            return Err(ConfigError::OutOfBounds {
                key: format!("{of}{key}"),
                reason: format!("is {value}; choose a value from {min} to {max}"),
            });
        }
    }
    Ok(())
}

/// Reads a file: all of it, or `bytes_max` bytes and one more if it holds more.
fn read(path: &Path, bytes_max: usize) -> std::io::Result<Vec<u8>> {
    // Anything else, a pipe say, may never end or never begin.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    let mut text = Vec::new();
    std::fs::File::open(path)?.take(bytes_max as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

fn seconds(ms: i64) -> u32 {
    u32::try_from(ms / 1000).unwrap_or(u32::MAX)
}
