//! The front of a node: what one connection wants of several subjects. Login, resume, admission, requests of several steps, messages
//! that wait to be permitted; and the passing half of the accounts that the worker owns. No sockets, no disk, no runtime, no clock: the
//! same front runs under the server and in a simulation.
//!
//! A [`Front`] is the whole sans-IO half of one worker: its connections, its [`Hub`] and what is on its way.
//! Its host hands it bytes ([`Front::on_bytes`]), what has come from other workers ([`Front::turn`]) and the time
//! ([`Front::set_clock`]), and carries out what it leaves: [`Effect`]s, whose answers come back by `on_…`, mail for other workers, and
//! what is to be written to the log. Frames leave through the [`Line`] of each connection, without being copied.
//!
//! May use: `wire`, `session`, `room`, `user`, `dispatch`, `account`.

mod accounts;
mod alias;
mod budgets;
mod calls;
mod common;
mod connection;
mod gate;
mod journey;
mod ledger;
mod line;
mod login;
mod orders;
mod passing;
mod pause;
mod presend;
mod pressure;
mod rare;
mod reads;
mod resume;
mod serve;
mod steps;
#[cfg(test)]
mod tests;
mod turn;
mod unread;
mod users;

use core::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use slab::Slab;

pub use accounts::AccountRead;
pub use budgets::Bounds;
pub use calls::{Call, Callback, Called, LoginQuestion, NoAnswer, Question, SendQuestion, Verdict};
pub use common::{AppRow, AppTable, Apps, Common, CommonConfig, Keys, Post, PostAboutAccounts, Unanswered};
pub(crate) use connection::{Connection, Pause, Phase};
pub(crate) use gate::Gate;
pub use line::{Line, Lost, Sent};
pub use orders::Order;
pub use passing::{AccountMail, SessionsTold};
pub use pressure::{Inbox, Pressure};
pub use reads::HistoryRead;
pub use turn::LogHealth;
pub use users::{Errand, Rows, begin, keep_profile, user_of};

use self::accounts::AccountReads;
use self::calls::CallsUnderWay;
use self::pause::Paused;
use self::reads::Reads;
use self::users::Errands;
use crate::dispatch::{self, Bundle, CatchUp, Find, Hub, Tallies, UserHub, Writes};
use crate::error::{Code, Status};
use crate::id::{ConnId, RoomId, Time, UnixMs, UserId};
use crate::limits::READ_BYTES;
use crate::room;
use crate::session::{CloseReason, ServerOutput, ServerSession};
use crate::subject::{Rules, Shard};
use crate::user::{self, Passing};

/// How long a closing connection may take to take our last word, in milliseconds.
const LINGER_MS: u64 = 2000;

/// Measures how long the making of large answers takes. In a simulation it stands still.
#[derive(Clone)]
pub struct Stopwatch(Arc<dyn Fn() -> Time + Send + Sync>);

impl Stopwatch {
    /// One that shows what `read` says: the same clock that [`Front::set_clock`] goes by.
    pub fn new(read: impl Fn() -> Time + Send + Sync + 'static) -> Stopwatch {
        Stopwatch(Arc::new(read))
    }

    fn read(&self) -> Time {
        (self.0)()
    }
}

/// Configuration of a front.
pub struct FrontConfig {
    /// Which worker this is, from 0.
    pub worker: usize,
    /// State that the workers of the node share.
    pub common: Arc<Common>,
    /// Its part of dispatch: that of users is made beside it.
    pub hub: Hub,
    /// Seed of what has to be spread.
    pub seed: u64,
    /// How long large answers take.
    pub stopwatch: Stopwatch,
}

/// Work that a front wants done, in this order. All but [`Effect::Call`] wait for the log.
pub enum Effect {
    /// Read a room: [`Front::on_loaded`].
    Load(RoomId),
    /// Read a user: [`Front::on_user_loaded`].
    LoadUser(UserId),
    /// Say which user the address of a letter names: [`Front::on_user_located`].
    LocateUser(Box<dispatch::Sent>),
    /// Ask the log where a message stands: [`Front::on_found`].
    Find(Box<Find>),
    /// Read what a connection missed: [`Front::on_caught_up`].
    CatchUp(Box<CatchUp>),
    /// Read a page of history: [`Front::on_history`].
    History(Box<HistoryRead>),
    /// Read accounts: [`Front::on_accounts`].
    Accounts(Box<AccountRead>),
    /// Do this in the directory: [`Front::on_errand`].
    Errand(Box<Errand>),
    /// Ask an application: [`Front::on_verdict`].
    Call(Box<Call>),
}

/// Wish of a connection towards its line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Want {
    /// Nothing: it is to be removed, with [`Front::remove`].
    Removal,
    /// Input, with [`Front::on_bytes`] or [`Front::on_lost`]; with `write`, also to hear when the line is writable, with
    /// [`Front::on_writable`].
    Input {
        /// The line took less than it was given.
        write: bool,
    },
    /// Not to be read for now; with `write` as above.
    Rest {
        /// The line took less than it was given.
        write: bool,
    },
    /// The end of our side: nothing more is written. Then [`Front::on_finished`].
    Finish,
}

/// The sans-IO half of one worker: its connections, the rooms and users it owns, and what is on its way between them.
pub struct Front<L> {
    worker: usize,
    common: Arc<Common>,
    pub(crate) hub: Hub,
    pub(crate) users: UserHub,
    /// Of the accounts that this worker owns.
    passing: Passing,
    /// News of accounts for other workers, by worker.
    account_outboxes: Vec<Vec<AccountMail>>,
    pub(crate) connections: Slab<Connection<L>>,
    /// Buffer that lines are read into; whole frames are cut out of it.
    pub(crate) read: BytesMut,
    outputs: Vec<ServerOutput>,
    /// Answers on their way into a line.
    staging: BytesMut,
    connections_made: u32,
    now: Time,
    unix: UnixMs,
    stopwatch: Stopwatch,
    random: fastrand::Rng,
    paused: Paused,
    /// Answers are being staged.
    is_carrying_out: bool,
    reads: Reads,
    account_reads: AccountReads,
    errands: Errands,
    /// Applications that have not answered yet.
    calls: CallsUnderWay,
    /// Rows of the applications, as of the version last seen.
    apps: (u64, Arc<AppTable>),
    effects: Vec<Effect>,
}

impl<L: Line> Front<L> {
    /// A front without connections.
    pub fn new(config: FrontConfig) -> Front<L> {
        let FrontConfig { worker, common, hub, seed, stopwatch } = config;
        Front {
            worker,
            users: hub.beside(Arc::new(UserRules(hub.rules()))),
            passing: Passing::default(),
            account_outboxes: (0..common.workers()).map(|_| Vec::new()).collect(),
            hub,
            connections: Slab::new(),
            read: BytesMut::with_capacity(READ_BYTES),
            outputs: Vec::new(),
            staging: BytesMut::new(),
            connections_made: 0,
            now: Time::default(),
            unix: UnixMs::default(),
            stopwatch,
            random: fastrand::Rng::with_seed(seed),
            paused: Paused::default(),
            is_carrying_out: false,
            reads: Reads::default(),
            account_reads: AccountReads::default(),
            errands: Errands::default(),
            calls: CallsUnderWay::default(),
            apps: (common.apps.version(), common.apps.table()),
            effects: Vec::new(),
            common,
        }
    }

    /// Sets the clocks for what follows: that of sessions and that of the calendar. To be called before each batch of inputs.
    pub fn set_clock(&mut self, now: Time, unix: UnixMs) {
        (self.now, self.unix) = (now, unix);
        self.hub.set_clock(now, unix);
        self.users.set_clock(now, unix);
    }

    /// The clock of sessions, as it was set last.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Takes a connection in that [`Common::let_in`] has let in.
    pub fn adopt(&mut self, line: L, address: IpAddr) -> ConnId {
        let entry = self.connections.vacant_entry();
        let slot = u32::try_from(entry.key()).expect("a worker holds at most 16 M connections");
        self.connections_made = self.connections_made.wrapping_add(1);
        let worker = u8::try_from(self.worker).expect("WORKERS_MAX is 256");
        let id = ConnId::new(worker, self.connections_made, slot);
        let session = ServerSession::new(&self.common.session, self.now);
        entry.insert(Connection::new(id, line, session, address, self.common.budgets.clone()));
        id
    }

    /// The wish of a connection towards its line; `None`: it is gone.
    pub fn want(&self, id: ConnId) -> Option<Want> {
        let connection = self.connections.get(id.slot()).filter(|connection| connection.id == id)?;
        let write = connection.is_blocked;
        Some(match connection.phase {
            Phase::Dead => Want::Removal,
            Phase::Closing if !write && !connection.has_backlog() => Want::Finish,
            Phase::Open if connection.pause != Pause::No => Want::Rest { write },
            _ => Want::Input { write },
        })
    }

    /// The line of a connection.
    pub fn line(&mut self, id: ConnId) -> Option<&mut L> {
        self.connection(id).map(|connection| &mut connection.line)
    }

    /// Bytes have come. A host that is told [`Want::Rest`] leaves them where they are, which holds the peer back.
    pub fn on_bytes(&mut self, id: ConnId, bytes: &[u8]) {
        if self.connection(id).is_some_and(|connection| connection.phase == Phase::Open) {
            self.read.extend_from_slice(bytes);
            self.on_read(id);
        }
    }

    /// The peer has closed, or is lost.
    pub fn on_lost(&mut self, id: ConnId) {
        if let Some(connection) = self.connection(id) {
            connection.die(CloseReason::TransportLost);
        }
    }

    /// The end of our side is said; what the peer still sends is thrown away.
    pub fn on_finished(&mut self, id: ConnId) {
        if let Some(connection) = self.connection(id).filter(|connection| connection.phase == Phase::Closing) {
            connection.phase = Phase::Lingering;
        }
    }

    /// Effects since the last time.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Mail for another worker, if there is any.
    pub fn take_mail(&mut self, worker: usize) -> Bundle {
        let mut post = self.hub.take_post(worker);
        post.extend(self.users.take_post(worker));
        Bundle { rooms: self.hub.take_mail(worker), users: self.users.take_mail(worker), post }
    }

    /// Writes for the log, if anything is and no commit is under way; its outcome comes with [`Inbox::committed`].
    pub fn take_writes(&mut self) -> Option<Writes> {
        if self.hub.is_committing() || self.users.is_committing() {
            return None;
        }
        match (self.hub.take_writes(), self.users.take_writes()) {
            (None, None) => None,
            (rooms, users) => Some(Writes { rooms: rooms.unwrap_or_default(), users: users.unwrap_or_default() }),
        }
    }

    /// True if a commit is under way or something waits for one.
    pub fn has_uncommitted(&self) -> bool {
        self.hub.has_uncommitted() || self.users.has_uncommitted()
    }

    /// Takes in what the store has of a shard, at the start. Gives how many rows cannot be read.
    pub fn restore_shard(&mut self, shard: Shard, rows: &[(Bytes, Bytes)]) -> usize {
        self.users.restore_shard(shard, rows);
        self.hub.restore_shard(shard, rows)
    }

    /// Letters of subjects of this worker that wait for their verdict.
    pub fn letters_waiting(&self) -> usize {
        self.hub.letters_waiting() + self.users.letters_waiting()
    }

    /// Asks for a snapshot of every subject that is worth one, as a draining server does.
    pub fn save_subjects(&mut self) {
        self.hub.save_subjects();
        self.users.save_subjects();
    }

    /// Counts of the rooms here.
    pub fn take_tallies(&mut self) -> Vec<Tallies> {
        self.hub.take_tallies()
    }

    /// Its part of dispatch.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// How many connections it holds.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// True if a turn is due though nothing has come.
    pub fn wants_turn(&self) -> bool {
        self.hub.has_effects() || self.users.has_effects()
    }

    /// True if a turn would go on with what the last one has left, after what has come meanwhile.
    pub fn has_more(&self) -> bool {
        self.hub.is_broadcasting() || self.paused.is_waiting() && self.paused.is_eager(self.stopwatch.read())
    }

    /// How long the next turn may wait, because somebody waits for others who may not wake this worker, or letters are to be sent again.
    pub fn next_look(&self) -> Option<Duration> {
        let paused = self.paused.is_waiting().then(|| self.paused.next_look(self.stopwatch.read()));
        let letters = [self.hub.letters_due(), self.users.letters_due()].into_iter().flatten().min();
        let letters = letters.map(|due| Duration::from_micros(due.0.saturating_sub(self.now.0)));
        paused.into_iter().chain(letters).min()
    }

    pub(crate) fn connection(&mut self, id: ConnId) -> Option<&mut Connection<L>> {
        find(&mut self.connections, id)
    }

    /// Rows of the applications.
    fn apps(&mut self) -> &AppTable {
        let version = self.common.apps.version();
        if self.apps.0 != version {
            self.apps = (version, self.common.apps.table());
        }
        &self.apps.1
    }

    /// Settings of one of them.
    fn app(&mut self, key: &str) -> AppRow {
        self.apps().apps.get(key).copied().unwrap_or_default()
    }

    /// The monotonic time at which the calendar's clock will show `at`.
    fn time_of(&self, at: UnixMs) -> Time {
        let ahead = at.0.saturating_sub(self.unix.0);
        self.now.plus_ms(u64::try_from(ahead).unwrap_or(0))
    }
}

/// The settings of users, out of those of the rooms of their application.
#[derive(Debug)]
struct UserRules(Arc<dyn Rules<room::Settings>>);

impl Rules<user::Settings> for UserRules {
    fn settings(&self, app_key: &str) -> Arc<user::Settings> {
        Arc::new(user::Settings { moderator: self.0.settings(app_key).moderator.clone() })
    }

    fn version(&self) -> u64 {
        self.0.version()
    }
}

/// A connection that is still there.
fn find<L>(connections: &mut Slab<Connection<L>>, id: ConnId) -> Option<&mut Connection<L>> {
    connections.get_mut(id.slot()).filter(|connection| connection.id == id)
}

/// Refusal of a request whose room's worker cannot keep up.
fn overloaded() -> Status {
    Status::new(Code::Busy, "the server has too much waiting; try again")
}

/// True if who is on the connection leaves for good, without the grace of a lost connection.
fn is_on_purpose(reason: CloseReason) -> bool {
    matches!(reason, CloseReason::LoggedOut | CloseReason::Kicked | CloseReason::LoginRefused | CloseReason::TokenExpired)
}
