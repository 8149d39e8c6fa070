//! What all workers of a node share.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use parking_lot::RwLock;

use super::alias::AliasKey;
use super::apps::Apps;
use super::broadcast::Broadcasts;
use super::budgets::Budgets;
use super::certificates::Certificates;
use super::descriptors::Descriptors;
use super::gate::Gate;
use super::logbook::{self, RebuildError};
use super::mailbox::{Mailbox, Order};
use super::resume::ResumeKey;
use super::sessions::Sessions;
use crate::account::Directory;
use crate::config::Config;
use crate::dispatch::{AccountRooms, Rules, owner_of};
use crate::error::{Code, Status};
use crate::figures::Figures;
use crate::hooks::Callbacks;
use crate::hooks::Webhooks;
use crate::id::{AccountId, RoomId, Seq, Time, UnixMs};
use crate::limits::{HTTP_HISTORY_SCANS_MAX, PAGE_MAX};
use crate::log::{LogError, Storage};
use crate::room::{Anchor, FindQuery, HistoryPage, HistoryQuery, HistoryScope, Query, Room};
use crate::session::SessionConfig;
use crate::wire::pb;

/// What all workers of a node share.
pub(crate) struct Shared {
    pub(crate) session: SessionConfig,
    pub(crate) apps: Arc<Apps>,
    pub(crate) callbacks: Callbacks,
    pub(crate) broadcasts: Broadcasts,
    /// What happens in rooms, by hours and days.
    pub(crate) figures: Figures,
    pub(crate) certificates: Certificates,
    pub(crate) webhooks: Arc<Webhooks>,
    pub(crate) budgets: Arc<Budgets>,
    pub(crate) history_days: u32,
    pub(crate) drain_ms: u64,
    pub(crate) accounts: Arc<Directory>,
    pub(crate) storage: Storage,
    pub(crate) mailboxes: Arc<[Mailbox]>,
    pub(crate) gate: Gate,
    pub(crate) resume: ResumeKey,
    pub(crate) aliases: AliasKey,
    /// Which rooms each account is in.
    pub(crate) account_rooms: Arc<AccountRooms>,
    /// Which connections each account has.
    pub(crate) sessions: Sessions,
    /// The node takes connections.
    pub(crate) ready: Arc<AtomicBool>,
    started: Instant,
    drain_until: AtomicU64,
    app_keys: RwLock<HashSet<Arc<str>>>,
}

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
        let bounds = &config.limits;
        let mailboxes: Arc<[Mailbox]> = (0..config.worker_count()).map(|_| Mailbox::default()).collect();
        unix_at_most();
        Ok(Shared {
            session: SessionConfig {
                frame_bytes_max_before_login: bounds.frame_bytes_max_before_login,
                frame_bytes_max: bounds.frame_bytes_max,
                heartbeat_ms: config.timers.heartbeat_ms,
                idle_timeout_ms: config.timers.idle_timeout_ms,
                login_timeout_ms: config.timers.login_timeout_ms,
                requests_per_second: bounds.requests_per_second,
                requests_burst: bounds.requests_burst,
                ..SessionConfig::default()
            },
            apps: Arc::new(Apps::new(config).map_err(|error| Status::bad_parameter(error.to_string()))?),
            callbacks,
            broadcasts: Broadcasts::new(),
            figures,
            certificates,
            webhooks: Arc::default(),
            account_rooms: Arc::new(AccountRooms::new(random_key()?)),
            aliases: AliasKey::of(storage.store.as_ref())?,
            budgets: Arc::new(Budgets::new(bounds, &mailboxes)),
            history_days: config.history.days,
            drain_ms: config.timers.drain_ms,
            accounts,
            storage,
            mailboxes,
            gate: Gate::new(descriptors.connections, bounds.connections_per_address_max),
            resume: ResumeKey::random()?,
            sessions: Sessions::new(),
            ready: Arc::new(AtomicBool::new(true)),
            started: Instant::now(),
            drain_until: AtomicU64::new(u64::MAX),
            app_keys: RwLock::default(),
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

    /// The monotonic time at which the calendar's clock will show `at`.
    pub(crate) fn time_of(&self, at: UnixMs) -> Time {
        let ahead = at.0.saturating_sub(self.unix().0);
        self.now().plus_ms(u64::try_from(ahead).unwrap_or(0))
    }

    /// The one shared copy of an application's key.
    pub(crate) fn app_key(&self, key: &str) -> Arc<str> {
        if let Some(shared) = self.app_keys.read().get(key) {
            return shared.clone();
        }
        let shared: Arc<str> = key.into();
        self.app_keys.write().insert(shared.clone());
        shared
    }

    /// The room somebody wants to enter: by the name a client gave it, else by its number.
    pub(crate) fn room_of(&self, app_key: &str, enter: &pb::RoomEnterRequest) -> Result<RoomId, Status> {
        if enter.alias.is_empty() { RoomId::new(enter.room_id) } else { Ok(self.aliases.room(app_key, &enter.alias)) }
    }

    /// Has the connections of an account do what the application wants.
    pub(crate) fn order(&self, app_key: &str, account: &AccountId, order: impl Fn() -> Order) {
        for session in self.sessions.of(app_key, account) {
            if let Some(mailbox) = self.mailboxes.get(session.connection.worker()) {
                mailbox.order(session.connection, order());
            }
        }
    }

    /// Whether there is such an account; what is no name of an account is for the room to refuse.
    pub(crate) fn is_known(&self, app_key: &str, name: &str) -> bool {
        AccountId::parse(name).map_or(true, |id| self.accounts.account(app_key, &id).is_some())
    }

    /// Whether the worker that owns a room has so much waiting that requests are better refused.
    pub(crate) fn is_overloaded(&self, room: RoomId) -> bool {
        self.mailbox_of(room).is_full()
    }

    /// Mailbox of the worker that owns a room.
    pub(crate) fn mailbox_of(&self, room: RoomId) -> &Mailbox {
        &self.mailboxes[self.owner_of(room)]
    }

    /// The worker that owns a room.
    pub(crate) fn owner_of(&self, room: RoomId) -> usize {
        owner_of(room, self.mailboxes.len())
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
    pub(crate) fn load(&self, id: RoomId) -> Result<Room, Status> {
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

fn random_key() -> Result<[u64; 2], Status> {
    let word = || getrandom::u64().map_err(|_| Status::new(Code::ServerError, "the system gives no random numbers"));
    Ok([word()?, word()?])
}

/// What a failing store comes to for the one who asked; the details are for the log.
pub(super) fn store_failed(error: &LogError) -> Status {
    tracing::error!(%error, "the store failed");
    Status::new(Code::ServerError, "the store failed")
}
