//! What the applications of the node have been told: settings of their rooms, and who is asked on their behalf. Changes while the
//! node runs.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::Uri;
use parking_lot::RwLock;

use crate::account::Secret;
use crate::config::{AppConfig, Config, ConfigError, OnFailure, Webhook, Webhooks};
use crate::dispatch::Rules;
use crate::front::{self, AppRow as Told, Unanswered};
use crate::hooks::{Receivers, Terms};
use crate::room::Settings;

/// What has been said of each application. Any thread.
pub(crate) struct Apps {
    current: RwLock<Arc<AppTable>>,
    version: AtomicU64,
}

/// All of it at one moment.
pub(crate) struct AppTable {
    common: Arc<Settings>,
    by_key: HashMap<String, AppRow>,
    /// Settings of the workers' fronts.
    told: Arc<front::AppTable>,
    /// What is the same for the webhooks of all applications.
    webhooks: Webhooks,
}

/// Settings of one application.
struct AppRow {
    settings: Arc<Settings>,
    login_callback: Option<Uri>,
    send_callback: Option<Uri>,
    webhook: Webhook,
    secret: Secret,
}

impl Apps {
    /// Fails if the moderator's words cannot be read.
    pub(crate) fn new(config: &Config) -> Result<Apps, ConfigError> {
        Ok(Apps { current: RwLock::new(Arc::new(AppTable::new(config)?)), version: AtomicU64::new(1) })
    }

    /// Puts in force what the configuration says now; leaves everything as it is if that fails.
    pub(crate) fn replace(&self, config: &Config) -> Result<(), ConfigError> {
        *self.current.write() = Arc::new(AppTable::new(config)?);
        self.version.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// The rows in force.
    pub(crate) fn table(&self) -> Arc<AppTable> {
        self.current.read().clone()
    }
}

impl AppTable {
    fn new(config: &Config) -> Result<AppTable, ConfigError> {
        let moderator = config.moderation.moderator()?;
        let moderated = |settings| Arc::new(Settings { moderator: moderator.clone(), ..settings });
        let row = |app: &AppConfig| AppRow {
            settings: moderated(config.settings_of(app)),
            login_callback: app.login_callback.as_ref().map(|url| url.uri().clone()),
            send_callback: app.send_callback.as_ref().map(|url| url.uri().clone()),
            webhook: app.webhook.clone(),
            secret: app.secret.clone(),
        };
        Ok(AppTable {
            common: moderated(config.common_settings()),
            by_key: config.apps.iter().map(|app| (app.key.clone(), row(app))).collect(),
            webhooks: config.webhooks.clone(),
            told: Arc::new(told(config)),
        })
    }

    /// The settings of an application's rooms.
    pub(crate) fn settings(&self, app_key: &str) -> &Arc<Settings> {
        self.by_key.get(app_key).map_or(&self.common, |row| &row.settings)
    }

    /// Who is asked whether somebody may log in.
    pub(crate) fn login_callback(&self, app_key: &str) -> Option<&Uri> {
        self.by_key.get(app_key)?.login_callback.as_ref()
    }

    /// Who is asked whether a message may be sent.
    pub(crate) fn send_callback(&self, app_key: &str) -> Option<&Uri> {
        self.by_key.get(app_key)?.send_callback.as_ref()
    }
}

impl Rules<Settings> for Apps {
    fn settings(&self, app_key: &str) -> Arc<Settings> {
        self.current.read().settings(app_key).clone()
    }

    fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }
}

impl front::Apps for Apps {
    fn version(&self) -> u64 {
        Rules::version(self)
    }

    fn table(&self) -> Arc<front::AppTable> {
        self.current.read().told.clone()
    }
}

/// Settings of the fronts.
fn told(config: &Config) -> front::AppTable {
    let row = |app: &AppConfig| Told {
        is_asked_about_logins: app.login_callback.is_some(),
        is_asked_about_sends: app.send_callback.is_some().then_some(match app.send_callback_fail {
            OnFailure::Open => Unanswered::Sent,
            OnFailure::Closed => Unanswered::Refused,
        }),
        wants_clients: config.settings_of(app).reports.is_some_and(|reports| reports.tells_in_out()),
    };
    front::AppTable {
        apps: config.apps.iter().map(|app| (app.key.clone(), row(app))).collect(),
        asks_before_sends: config.apps.iter().any(|app| app.send_callback.is_some()),
    }
}

impl Receivers for Apps {
    fn version(&self) -> u64 {
        Rules::version(self)
    }

    fn webhook(&self, app_key: &str, env: &str) -> Option<(Uri, Secret)> {
        let table = Apps::table(self);
        let row = table.by_key.get(app_key)?;
        Some((row.webhook.url(env)?.uri().clone(), row.secret.clone()))
    }

    fn terms(&self) -> Terms {
        let Webhooks { timeout_ms, keep_hours, refused_seconds, .. } = Apps::table(self).webhooks;
        Terms { timeout_ms, keep_hours, refused_seconds }
    }
}

impl std::fmt::Debug for Apps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Apps").field("version", &Rules::version(self)).finish_non_exhaustive()
    }
}
