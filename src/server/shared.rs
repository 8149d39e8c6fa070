//! What all workers of a node share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::apps::Apps;
use super::broadcast::Broadcasts;
use super::certificates::Certificates;
use super::descriptors::Descriptors;
use super::logbook::{self, RebuildError};
use super::mailbox::Mailbox;
use super::memory::unfinished_bytes;
use super::node_key::{node_key, random};
use crate::account::Directory;
use crate::config::Config;
use crate::dispatch::{Rebuilt, Rules};
use crate::error::{Code, Status};
use crate::figures::Figures;
use crate::front::{Bounds, Common, CommonConfig, Keys, Post, Pressure};
use crate::hooks::{Callbacks, Webhooks};
use crate::id::{AccountId, RoomId, Seq, Time, UnixMs};
use crate::limits::{HTTP_HISTORY_SCANS_MAX, PAGE_MAX};
use crate::log::{LogError, Storage};
use crate::room::{Anchor, FindQuery, HistoryPage, HistoryQuery, HistoryScope, Query, Replay, ReplayScope, Room};
use crate::session::SessionConfig;
use crate::wire::pb;

/// What all workers of a node share.
pub(crate) struct Shared {
    /// What their fronts share.
    pub(crate) common: Arc<Common>,
    pub(crate) apps: Arc<Apps>,
    pub(crate) callbacks: Callbacks,
    pub(crate) broadcasts: Broadcasts,
    /// What happens in rooms, by hours and days.
    pub(crate) figures: Figures,
    pub(crate) certificates: Certificates,
    pub(crate) webhooks: Arc<Webhooks>,
    history_days: u32,
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
        let common = CommonConfig { session, bounds, apps: apps.clone(), accounts, keys, pressures, post };
        Ok(Shared {
            common: Arc::new(Common::new(common)),
            apps,
            callbacks,
            broadcasts: Broadcasts::new(),
            figures,
            certificates,
            webhooks: Arc::default(),
            history_days: config.history.days,
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

    /// Rebuilds a room from the log; the hub gives it the settings of its application. Waits for the disk.
    pub(crate) fn load(&self, id: RoomId) -> Result<Rebuilt<Room>, Status> {
        let rebuilt = logbook::rebuild(self.storage.log.as_ref(), id, unix_at_most(), self.apps.settings(""));
        rebuilt.map_err(|error| match error {
            RebuildError::Log(error) => store_failed(&error),
            RebuildError::Snapshot(status) => status,
        })
    }

    /// Where the log has a message that is to be recalled, if it is still in the history's time. Waits for the disk.
    pub(crate) fn find(&self, room: RoomId, request: &pb::MessageRecallRequest) -> Result<Option<Seq>, Status> {
        let (time, from) = (UnixMs(request.time_ms), AccountId::parse(&request.from)?);
        // Without a history the log holds messages for a while all the same.
        if time < self.not_before().min(UnixMs(self.unix().0 - crate::limits::RECALL_WINDOW_MS)) {
            return Ok(None);
        }
        let query = FindQuery { room, time, message_id: request.message_id.clone(), from };
        logbook::find(self.storage.log.as_ref(), &query).map_err(|error| store_failed(&error))
    }

    /// The oldest time the history reaches back to.
    fn not_before(&self) -> UnixMs {
        UnixMs(self.unix().0 - i64::from(self.history_days) * 86_400_000)
    }

    /// Reads what a connection missed of a room. Waits for the disk.
    pub(crate) fn replay(&self, room: RoomId, scope: ReplayScope) -> Result<Replay, Status> {
        logbook::replay(self.storage.log.as_ref(), room, &scope).map_err(|error| store_failed(&error))
    }

    /// Reads a page of history that the room has found permitted (chatroom.md §c.3). Where the answer cannot say how far it
    /// `reaches`, a page with no item is not the answer while there is more. Waits for the disk.
    pub(crate) fn history(
        &self,
        room: RoomId,
        query: &Query,
        scope: HistoryScope,
        reaches: bool,
    ) -> Result<HistoryPage, Status> {
        let oldest = self.not_before();
        let mut query = match query {
            Query::History(request) => page_of_all(room, request, oldest, scope),
            Query::HistoryByTags(request) => page_by_tags(room, request, oldest, scope),
            _ => return Err(Status::new(Code::ServerError, "not a question about the history")),
        };
        for _ in 0..HTTP_HISTORY_SCANS_MAX {
            let page = logbook::history(self.storage.log.as_ref(), &query).map_err(|error| store_failed(&error))?;
            let goes_on = !reaches && page.items.is_empty() && page.has_more;
            match page.reached.filter(|_| goes_on) {
                Some(reached) => query.anchor = Some(Anchor::Seq(reached)),
                None => return Ok(page),
            }
        }
        Err(Status::new(Code::Busy, "nothing matched among very many entries: begin at another time"))
    }
}

fn page_of_all(room: RoomId, request: &pb::MessageHistoryRequest, oldest: UnixMs, scope: HistoryScope) -> HistoryQuery {
    HistoryQuery {
        room,
        anchor: match (request.last_seq, request.time_ms) {
            (0, 0) => None,
            (0, time) => Some(Anchor::Time(UnixMs(time))),
            (seq, _) => Some(Anchor::Seq(Seq(seq))),
        },
        limit: page_limit(request.limit),
        oldest_first: request.reverse,
        types: request.types.clone(),
        not_before: oldest,
        not_after: None,
        scope,
    }
}

/// The end at which reading begins is an anchor, and so exclusive (chatroom.md §e.6); the other one is inclusive.
fn page_by_tags(room: RoomId, request: &pb::MessageHistoryByTagsRequest, oldest: UnixMs, scope: HistoryScope) -> HistoryQuery {
    let (from, to) = (request.from_time_ms, request.to_time_ms);
    let (after, before) = if request.reverse { (1, 0) } else { (0, 1) };
    let not_before = if from == 0 { oldest } else { oldest.max(UnixMs(from.saturating_add(after))) };
    HistoryQuery {
        room,
        anchor: (request.last_seq != 0).then_some(Anchor::Seq(Seq(request.last_seq))),
        limit: page_limit(request.limit),
        oldest_first: request.reverse,
        types: request.types.clone(),
        not_before,
        not_after: (to != 0).then_some(UnixMs(to.saturating_sub(before))),
        scope,
    }
}

fn page_limit(asked: u32) -> u32 {
    if asked == 0 { PAGE_MAX } else { asked }
}

/// What a failing store comes to for the one who asked; the details are for the log.
pub(super) fn store_failed(error: &LogError) -> Status {
    tracing::error!(%error, "the store failed");
    Status::new(Code::ServerError, "the store failed")
}
