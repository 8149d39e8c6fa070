//! What all workers of a node share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::apps::Apps;
use super::broadcast::Broadcasts;
use super::certificates::Certificates;
use super::descriptors::Descriptors;
use super::mailbox::Mailbox;
use super::memory::unfinished_bytes;
use super::node_key::{node_key, random};
use super::reader::Reader;
use crate::account::Directory;
use crate::config::Config;
use crate::error::{Code, Status};
use crate::figures::Figures;
use crate::front::{Bounds, Common, CommonConfig, Keys, Post, PostAboutAccounts, Pressure};
use crate::hooks::{Callbacks, Webhooks};
use crate::id::{Time, UnixMs};
use crate::log::{LogError, Storage};
use crate::session::SessionConfig;

/// What all workers of a node share.
pub(crate) struct Shared {
    /// State that their fronts share.
    pub(crate) common: Arc<Common>,
    pub(crate) apps: Arc<Apps>,
    pub(crate) callbacks: Callbacks,
    pub(crate) broadcasts: Broadcasts,
    /// What happens in rooms, by hours and days.
    pub(crate) figures: Figures,
    pub(crate) certificates: Certificates,
    pub(crate) webhooks: Arc<Webhooks>,
    /// Reads rooms and what is kept of them.
    pub(crate) reader: Reader,
    drain_ms: u64,
    pub(crate) storage: Storage,
    pub(crate) mailboxes: Arc<[Mailbox]>,
    /// The node takes connections.
    pub(crate) ready: Arc<AtomicBool>,
    started: Instant,
    drain_until: AtomicU64,
}

/// Where the key is kept that names of rooms made by clients are hashed with.
const ALIASES_KEY: &[u8] = b"client_rooms_key";

/// The clock of the calendar.
pub(crate) fn unix() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The calendar's time, or less if the calendar was set ahead since the process began: by it nothing is older than it is.
pub(crate) fn unix_at_most() -> UnixMs {
    static START: OnceLock<(Instant, UnixMs)> = OnceLock::new();
    let (began, at) = START.get_or_init(|| (Instant::now(), unix()));
    let passed_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    unix().min(UnixMs(at.0.saturating_add(passed_ms)))
}

impl Shared {
    pub(crate) fn new(
        config: &Config,
        descriptors: &Descriptors,
        accounts: Arc<Directory>,
        storage: Storage,
        callbacks: Callbacks,
        figures: Figures,
        certificates: Certificates,
    ) -> Result<Shared, Status> {
        let (limits, timers) = (&config.limits, &config.timers);
        let pressures = Pressure::of_workers(config.worker_count());
        let mailboxes = Mailbox::of_workers(&pressures);
        let apps = Arc::new(Apps::new(config).map_err(|error| Status::bad_parameter(error.to_string()))?);
        unix_at_most();
        let session = SessionConfig {
            frame_bytes_max_before_login: limits.frame_bytes_max_before_login,
            frame_bytes_max: limits.frame_bytes_max,
            heartbeat_ms: timers.heartbeat_ms,
            idle_timeout_ms: timers.idle_timeout_ms,
            login_timeout_ms: timers.login_timeout_ms,
            requests_per_second: limits.requests_per_second,
            requests_burst: limits.requests_burst,
            ..SessionConfig::default()
        };
        let unfinished_bytes = match limits.unfinished_bytes_max {
            0 => unfinished_bytes(),
            bytes => bytes,
        };
        let bounds = Bounds {
            connections_max: descriptors.connections,
            connections_per_address_max: limits.connections_per_address_max,
            backlog_bytes_max: limits.backlog_bytes_max,
            answers_bytes_max: limits.answers_bytes_max,
            // Who sends one frame, and nobody else does, is not in anybody's way.
            unfinished_bytes_max: unfinished_bytes.max(2 * limits.frame_bytes_max),
        };
        let word = || random().map(u64::from_ne_bytes);
        let keys =
            Keys { aliases: node_key(storage.store.as_ref(), ALIASES_KEY)?, resume: random()?, accounts: [word()?, word()?] };
        let posted = mailboxes.clone();
        let post: Post = Arc::new(move |connection, order| {
            if let Some(mailbox) = posted.get(connection.worker()) {
                mailbox.order(connection, order);
            }
        });
        let posted = mailboxes.clone();
        let post_about_accounts: PostAboutAccounts = Arc::new(move |worker, mail| {
            if let Some(mailbox) = posted.get(worker) {
                mailbox.post_about_accounts(mail);
            }
        });
        let common = CommonConfig { session, bounds, apps: apps.clone(), accounts, keys, pressures, post, post_about_accounts };
        Ok(Shared {
            common: Arc::new(Common::new(common)),
            apps: apps.clone(),
            callbacks,
            broadcasts: Broadcasts::new(),
            figures,
            certificates,
            webhooks: Arc::default(),
            reader: Reader::new(storage.log.clone(), apps, config.history.days),
            drain_ms: timers.drain_ms,
            storage,
            mailboxes,
            ready: Arc::new(AtomicBool::new(true)),
            started: Instant::now(),
            drain_until: AtomicU64::new(u64::MAX),
        })
    }

    /// The clock of sessions and hubs.
    pub(crate) fn now(&self) -> Time {
        Time(u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// The clock of entries.
    pub(crate) fn unix(&self) -> UnixMs {
        unix()
    }

    /// Starts the drain: until when connections may take to go.
    pub(crate) fn start_drain(&self) {
        self.drain_until.store(self.now().plus_ms(self.drain_ms).0, Ordering::Release);
        self.mailboxes.iter().for_each(Mailbox::drain);
    }

    /// Until when a draining server waits for its connections.
    pub(crate) fn drain_until(&self) -> Time {
        Time(self.drain_until.load(Ordering::Acquire))
    }
}

/// What a failing store comes to for the one who asked; the details are for the log.
pub(super) fn store_failed(error: &LogError) -> Status {
    tracing::error!(%error, "the store failed");
    Status::new(Code::ServerError, "the store failed")
}
