//! Reading the configuration again while the node runs: what is said of applications and of rooms and the certificates take effect at
//! once, everything else at the next start.

use tokio::signal::unix::{SignalKind, signal};

use super::certificates::Certificates;
use super::node::Node;
use super::shared::unix;
use crate::config::{Config, ConfigError};
use crate::error::Status;

/// Keys that take effect without a restart, beside `apps`.
const AT_ONCE: [&str; 7] = [
    "rooms.",
    "limits.client_send_",
    "limits.room_intake_per_second",
    "limits.high_priority_per_second",
    "limits.downlink_",
    "moderation.",
    "webhooks.",
];

fn count(result: &'static str) {
    metrics::counter!("chatroom_reloads_total", "result" => result).increment(1);
}

impl Node {
    /// Reads the configuration again with `load` whenever the process is sent SIGHUP, and puts in force what can be; a bad one is
    /// refused as a whole. Ends only if signals cannot be had.
    pub async fn reload_on_hangup(
        &self,
        mut current: Config,
        load: impl Fn() -> Result<Config, ConfigError>,
    ) -> std::io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        while hangup.recv().await.is_some() {
            match load() {
                Ok(config) => match self.reload(&current, &config).await {
                    Ok(()) => {
                        count("done");
                        current = config;
                    }
                    Err(status) => {
                        count("refused");
                        tracing::error!(%status, "the configuration could not be put in force");
                    }
                },
                Err(error) => {
                    count("refused");
                    tracing::error!(%error, "the configuration is refused; the old one stays in force");
                }
            }
        }
        std::future::pending().await
    }

    /// Puts a checked configuration in force in place of another, as far as that can be done while the node runs.
    pub async fn reload(&self, old: &Config, new: &Config) -> Result<(), Status> {
        // First, because these may fail, and then nothing has changed.
        let certificates = Certificates::load(new).map_err(|error| Status::bad_parameter(error.to_string()))?;
        self.shared.apps.replace(new).map_err(|error| Status::bad_parameter(error.to_string()))?;
        self.shared.certificates.replace(&certificates);
        self.storage.outbox.spool().set_bytes_max(new.webhooks.spool_bytes_max);
        self.shared.webhooks.wake();
        for app in &new.apps {
            let before = old.apps.iter().find(|before| before.key == app.key);
            let app_now = app.app().map_err(|error| Status::bad_parameter(error.to_string()))?;
            // The file of its keys may hold others under the same name.
            let has_same_tokens = self.accounts.app(&app.key).is_some_and(|current| current.tokens == app_now.tokens);
            if before == Some(app) && has_same_tokens {
                continue;
            }
            let accounts = self.accounts.clone();
            // Keeping it waits for the disk.
            let kept = tokio::task::spawn_blocking(move || accounts.create_app(app_now, unix())).await;
            kept.unwrap_or_else(|error| Err(Status::new(crate::error::Code::ServerError, error.to_string())))?;
            tracing::info!(app = %app.key, "{}", if before.is_some() { "application changed" } else { "application added" });
        }
        for app in old.apps.iter().filter(|app| new.apps.iter().all(|now| now.key != app.key)) {
            tracing::warn!(app = %app.key, "application no longer named: its clients may still come; to refuse them, set disabled = true");
        }
        for key in old.differences(new) {
            match AT_ONCE.iter().any(|begin| key.starts_with(begin)) || self.shared.certificates.takes(&key, &certificates) {
                true => tracing::info!(key, "changed"),
                false => tracing::warn!(key, "changed; takes effect at the next start"),
            }
        }
        tracing::info!("the configuration was read again");
        Ok(())
    }
}
