//! What the workers of a node share of their front: who is who, who is where, and how much may wait.

use core::cell::RefCell;
use core::net::IpAddr;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::RwLock;

use super::alias::AliasKey;
use super::budgets::{Bounds, Budgets};
use super::gate::Gate;
use super::orders::Order;
use super::passing::{AccountMail, SessionsTold};
use super::pressure::Pressure;
use super::resume::ResumeKey;
use crate::account::Directory;
use crate::dispatch::owner_of;
use crate::error::Status;
use crate::id::{AccountId, ConnId, RoomId};
use crate::room::Op;
use crate::session::SessionConfig;
use crate::subject::{AccountHash, AccountKey};
use crate::wire::pb;

/// How an order reaches the worker that holds a connection. Any thread; must not block, nor call the front.
pub type Post = Arc<dyn Fn(ConnId, Order) + Send + Sync>;

/// How mail about accounts reaches a worker: what is posted to one of them arrives in order. Any thread; must not block, nor call the
/// front.
pub type PostAboutAccounts = Arc<dyn Fn(usize, Vec<AccountMail>) + Send + Sync>;

/// Rows of the applications. The answers may change while the node runs.
pub trait Apps: Send + Sync {
    /// Grows whenever [`Apps::table`] changes.
    fn version(&self) -> u64;

    /// The rows in force.
    fn table(&self) -> Arc<AppTable>;
}

/// Settings of every application, as far as its connections are concerned.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct AppTable {
    /// By key. Of an application that is not here nothing special has been said.
    pub apps: HashMap<String, AppRow>,
    /// True if any of them wants to be asked about messages. Most nodes ask nobody, and then a message costs no look-up.
    pub asks_before_sends: bool,
}

/// Settings of one application.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct AppRow {
    /// It can be asked whether somebody may log in.
    pub is_asked_about_logins: bool,
    /// It is asked whether a message may be sent; with that, what becomes of one about which it gives no answer.
    pub is_asked_about_sends: Option<Unanswered>,
    /// It is told who comes and goes, from where and with which library.
    pub wants_clients: bool,
}

/// Fate of a message about which an application gives no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unanswered {
    /// It is sent.
    Sent,
    /// It is refused.
    Refused,
}

/// Keys that a node keeps to itself.
#[derive(Clone, Copy)]
pub struct Keys {
    /// For the numbers of rooms made by clients: lasts as long as the store.
    pub aliases: [u8; 32],
    /// For resume tokens: lasts as long as the process.
    pub resume: [u8; 32],
    /// For hashes of accounts: lasts as long as the process.
    pub accounts: [u64; 2],
}

/// Configuration that the workers of a node share.
pub struct CommonConfig {
    /// Settings of all sessions.
    pub session: SessionConfig,
    /// How much connections may hold, and how many there may be.
    pub bounds: Bounds,
    /// Rows of the applications.
    pub apps: Arc<dyn Apps>,
    /// Applications and accounts.
    pub accounts: Arc<Directory>,
    /// The node's keys.
    pub keys: Keys,
    /// Pressure on each worker.
    pub pressures: Arc<[Pressure]>,
    /// How orders reach workers.
    pub post: Post,
    /// How mail about accounts reaches workers.
    pub post_about_accounts: PostAboutAccounts,
}

/// State that the workers of a node share. Any thread.
pub struct Common {
    pub(crate) session: SessionConfig,
    pub(crate) apps: Arc<dyn Apps>,
    pub(crate) accounts: Arc<Directory>,
    pub(crate) budgets: Arc<Budgets>,
    pub(crate) gate: Gate,
    pub(super) resume: ResumeKey,
    pub(super) aliases: AliasKey,
    account_key: AccountKey,
    pressures: Arc<[Pressure]>,
    post: Post,
    post_about_accounts: PostAboutAccounts,
    app_keys: RwLock<HashSet<Arc<str>>>,
}

impl Common {
    /// Nobody is connected yet.
    pub fn new(config: CommonConfig) -> Common {
        let CommonConfig { session, bounds, apps, accounts, keys, pressures, post, post_about_accounts } = config;
        Common {
            session,
            apps,
            accounts,
            budgets: Arc::new(Budgets::new(&bounds, &post)),
            gate: Gate::new(bounds.connections_max, bounds.connections_per_address_max),
            resume: ResumeKey::new(keys.resume),
            aliases: AliasKey::new(keys.aliases),
            account_key: AccountKey::new(keys.accounts),
            pressures,
            post,
            post_about_accounts,
            app_keys: RwLock::default(),
        }
    }

    /// The key under which accounts are hashed.
    pub fn account_key(&self) -> AccountKey {
        self.account_key
    }

    /// How many workers there are.
    pub(super) fn workers(&self) -> usize {
        self.pressures.len()
    }

    /// Applications and accounts.
    pub fn directory(&self) -> &Directory {
        &self.accounts
    }

    /// Lets a connection in, or says why not. Every one let in is given to a front, or back with [`Common::turn_away`].
    pub fn let_in(&self, address: IpAddr) -> Result<(), &'static str> {
        self.gate.enter(address)
    }

    /// A connection that was let in comes to nothing.
    pub fn turn_away(&self, address: IpAddr) {
        self.gate.leave(address);
    }

    /// Takes mail about accounts to a worker.
    pub(super) fn post_about_accounts(&self, worker: usize, mail: Vec<AccountMail>) {
        (self.post_about_accounts)(worker, mail);
    }

    /// Asks the owners of accounts for their connections. Each owner that is asked calls what `told` makes of the places, in `accounts`,
    /// of those it is asked about.
    pub fn ask_for_sessions(&self, app_key: &str, accounts: &[AccountId], told: impl Fn(Vec<usize>) -> SessionsTold) {
        let mut asked: Vec<(Vec<usize>, Vec<AccountHash>)> = vec![Default::default(); self.workers()];
        for (place, account) in accounts.iter().enumerate() {
            let hash = self.account_key.account(app_key, account);
            if let Some((places, hashes)) = asked.get_mut(hash.owner(self.workers())) {
                places.push(place);
                hashes.push(hash);
            }
        }
        for (worker, (places, hashes)) in asked.into_iter().enumerate().filter(|(_, (places, _))| !places.is_empty()) {
            self.post_about_accounts(worker, vec![AccountMail::Sessions(hashes, told(places))]);
        }
    }

    /// Has a connection do what is wanted.
    pub fn order(&self, connection: ConnId, order: Order) {
        (self.post)(connection, order);
    }

    /// Has the connections of an account do what is wanted.
    pub fn order_all(&self, app_key: &str, account: &AccountId, order: Order) {
        let hash = self.account_key.account(app_key, account);
        self.post_about_accounts(hash.owner(self.workers()), vec![AccountMail::Order(hash, None, order)]);
    }

    /// The one shared copy of an application's key.
    pub(super) fn app_key(&self, key: &str) -> Arc<str> {
        if let Some(shared) = self.app_keys.read().get(key) {
            return shared.clone();
        }
        let shared: Arc<str> = key.into();
        self.app_keys.write().insert(shared.clone());
        shared
    }

    /// The room somebody wants to enter: by the name a client gave it, else by its number.
    pub(super) fn room_of(&self, app_key: &str, enter: &pb::RoomEnterRequest) -> Result<RoomId, Status> {
        if enter.alias.is_empty() { RoomId::new(enter.room_id) } else { Ok(self.aliases.room(app_key, &enter.alias)) }
    }

    /// The accounts that a command names, and that have to be read to say whether there are such; or whether all of them are there.
    /// What is no name of an account is for the room to refuse.
    pub(crate) fn names_known(&self, app_key: &str, op: &Op) -> Result<bool, Vec<AccountId>> {
        let unread = RefCell::default();
        let is_known = |name: &str| match AccountId::parse(name) {
            Err(_) => true,
            Ok(id) => self.accounts.look(app_key, &id).map_or_else(
                || {
                    Vec::push(&mut unread.borrow_mut(), id);
                    true
                },
                |look| look.known.is_some(),
            ),
        };
        match (op.names_known(is_known), unread.into_inner()) {
            (true, unread) if !unread.is_empty() => Err(unread),
            (are_known, _) => Ok(are_known),
        }
    }

    /// True if the worker that owns a room has so much waiting that requests are better refused.
    pub(crate) fn is_overloaded(&self, room: RoomId) -> bool {
        self.pressure_of(room).is_full()
    }

    /// Pressure on the worker that owns a room.
    pub(super) fn pressure_of(&self, room: RoomId) -> &Pressure {
        self.pressure(self.owner_of(room))
    }

    /// Pressure on a worker.
    pub fn pressure(&self, worker: usize) -> &Pressure {
        &self.pressures[worker]
    }

    /// The worker that owns a room.
    pub(super) fn owner_of(&self, room: RoomId) -> usize {
        owner_of(room, self.pressures.len())
    }
}
