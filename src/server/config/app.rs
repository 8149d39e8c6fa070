//! What may be said of each application, and what holds where nothing is said of one (chatroom.md §a.1).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::callback::CallbackUrl;
use super::network::Network;
use super::policy::Policy;
use super::webhooks::Webhook;
use super::{Config, ConfigError, secret, yes};
use crate::account::{App, Secret};
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
    /// Whether rooms made by clients keep a history.
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

    /// The application it describes; the words name what is wrong.
    pub fn app(&self) -> Result<App, ConfigError> {
        let app = App::new(self.key.as_str(), self.secret.clone()).map_err(|status| ConfigError::OutOfBounds {
            key: "apps".to_owned(),
            reason: format!("'{}': {}", self.key, status.desc),
        })?;
        let http_allowed = self.http_allowed.iter().map(|network| network.0).collect();
        Ok(App { disabled: self.disabled, anonymous_enabled: self.anonymous, http_allowed, ..app })
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

fn seconds(ms: i64) -> u32 {
    u32::try_from(ms / 1000).unwrap_or(u32::MAX)
}
