//! Who is told over HTTP what happens in the rooms of an application, and how long the node tries (chatroom.md §e.9).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CallbackUrl, ConfigError, yes};
use crate::limits;
use crate::room::Reports;

/// What is the same for the webhooks of all applications.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    /// Bytes of what applications are still to be told; what comes when they are used up is dropped.
    pub spool_bytes_max: u64,
    /// How long a receiver may take to answer.
    pub timeout_ms: u64,
    /// How long what cannot be delivered is kept.
    pub keep_hours: u64,
    /// How long what a receiver refuses with a status of 4xx is sent again.
    pub refused_seconds: u64,
}

impl Default for Webhooks {
    fn default() -> Webhooks {
        Webhooks {
            spool_bytes_max: limits::WEBHOOK_SPOOL_BYTES_MAX,
            timeout_ms: limits::WEBHOOK_TIMEOUT_MS,
            keep_hours: limits::WEBHOOK_KEEP_HOURS,
            refused_seconds: limits::WEBHOOK_REFUSED_SECONDS,
        }
    }
}

/// Where an application is told what happens in its rooms. Without an address it is told nothing.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Address for copies of messages that name no environment of `envs`, for joins and leaves, and for changes of the queue.
    #[serde(default)]
    pub url: Option<CallbackUrl>,
    /// Where copies of messages go that name these environments.
    #[serde(default)]
    pub envs: BTreeMap<String, CallbackUrl>,
    /// Copies of messages.
    #[serde(default = "yes")]
    pub messages: bool,
    /// Who comes and goes.
    #[serde(default = "yes")]
    pub in_out: bool,
    /// Changes of the queue.
    #[serde(default = "yes")]
    pub queue: bool,
}

impl Default for Webhook {
    fn default() -> Webhook {
        Webhook { url: None, envs: BTreeMap::new(), messages: true, in_out: true, queue: true }
    }
}

impl Webhook {
    /// What the rooms of the application make for it; `None`: nothing.
    pub(crate) fn reports(&self, app_key: &str) -> Option<Reports> {
        let by_default = self.url.is_some();
        if !by_default && self.envs.is_empty() {
            return None;
        }
        let envs = self.envs.keys().map(|env| env.as_str().into()).collect();
        let Webhook { messages, in_out, queue, .. } = *self;
        Some(Reports { app_key: app_key.into(), by_default, messages, in_out, queue, envs })
    }

    /// Where what goes to this environment is posted; the default one has no name.
    pub(crate) fn url(&self, env: &str) -> Option<&CallbackUrl> {
        if env.is_empty() { self.url.as_ref() } else { self.envs.get(env) }
    }

    /// Refuses names a message cannot carry; the words say whose they are.
    pub(super) fn check(&self, app_key: &str) -> Result<(), ConfigError> {
        let is_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let is_name = |env: &String| (1..=limits::MESSAGE_ENV_CHARS_MAX).contains(&env.len()) && env.chars().all(is_char);
        let refused = |reason: String| {
            let key = format!("apps: '{app_key}': webhook.envs");
            Err(ConfigError::OutOfBounds { key, reason })
        };
        if self.envs.len() > limits::WEBHOOK_ENVS_MAX {
            return refused(format!("holds {} names; at most {} can be", self.envs.len(), limits::WEBHOOK_ENVS_MAX));
        }
        match self.envs.keys().find(|env| !is_name(env)) {
            Some(env) => {
                let most = limits::MESSAGE_ENV_CHARS_MAX;
                refused(format!("holds '{env}'; write 1-{most} letters, digits, '_', '-' or '.'"))
            }
            None => Ok(()),
        }
    }
}
