//! A node of one to three workers: the real fronts, with a world in place of sockets, threads and disk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::disk::Disk;
use super::network::SimLine;
use super::plan::Plan;
use crate::account::{Account, App, Directory, Keeper, Secret, Urgency};
use crate::dispatch::{Answer, Asker, Bundle, Hub, HubConfig, Mail, Request, owner_of};
use crate::error::Status;
use crate::front::{
    AccountMail, AppRow, AppTable, Apps, Bounds, Common, CommonConfig, Front, FrontConfig, Inbox, Keys, LogHealth, Order,
    Pressure, Stopwatch,
};
use crate::id::{AccountId, ConnId, RoomId, Time, UnixMs};
use crate::limits;
use crate::log::{Log as _, LogError, Pen};
use crate::room::{Actor, Ask, Settings};
use crate::session::SessionConfig;

/// Key of the one application.
pub(super) const APP: &str = "app";
/// Every account's token.
pub(super) const TOKEN: &str = "token";

/// Mail about accounts on its way, with the workers it is for.
type PostedMail = Arc<Mutex<Vec<(usize, Vec<AccountMail>)>>>;

/// One life of a node.
pub(super) struct Node {
    /// Which life of it: nothing of an earlier one reaches it.
    pub life: u64,
    /// When it began.
    pub started: Time,
    /// When it began, by the calendar.
    pub began: UnixMs,
    /// Its workers.
    pub workers: Vec<Worker>,
    /// State that they share.
    pub common: Arc<Common>,
    /// The highest number of a room.
    pub last_room: Arc<AtomicI64>,
    /// It is on its way down, and waits for its connections until then.
    pub draining_until: Option<Time>,
    clock: Arc<AtomicU64>,
    orders: Arc<Mutex<Vec<(ConnId, Order)>>>,
    account_mail: PostedMail,
    committed: Arc<Mutex<Vec<(usize, bool)>>>,
    answers: Arc<Mutex<Vec<(u64, Answer)>>>,
}

/// One worker.
pub(super) struct Worker {
    /// Its front.
    pub front: Front<SimLine>,
    /// Input that has come for it.
    pub inbox: Inbox,
    /// Connections it has taken in, and the links they came over.
    pub links: BTreeMap<ConnId, u32>,
    /// A turn is due.
    pub is_due: bool,
    /// It does nothing before this time.
    pub stalled: Time,
    /// Pen for its entries.
    pub pen: Pen,
    /// It has had its rooms written down before its end.
    pub is_saved: bool,
    /// It is at its end.
    pub is_down: bool,
}

struct Nowhere;

impl Keeper for Nowhere {
    fn keep_app(&self, _app: &App) -> Result<(), Status> {
        Ok(())
    }

    fn keep_account(&self, _app_key: &str, _account: &Account, _urgency: Urgency) -> Result<(), Status> {
        Ok(())
    }
}

struct Told(Arc<AppTable>);

impl Apps for Told {
    fn version(&self) -> u64 {
        0
    }

    fn table(&self) -> Arc<AppTable> {
        self.0.clone()
    }
}

fn directory(plan: &Plan) -> Result<Directory, Status> {
    let directory = Directory::new(Arc::new(Nowhere), false);
    directory.insert_app(App::new(APP, Secret::new("secret"))?);
    for account in &plan.accounts {
        directory.load_account(APP, Account { token: Secret::new(TOKEN), ..Account::new(account.clone()) })?;
    }
    Ok(directory)
}

impl Node {
    /// Begins a life on what the disk holds.
    pub fn start(plan: &Plan, disk: &Arc<Disk>, life: u64, (now, began): (Time, UnixMs), seed: u64) -> Result<Node, LogError> {
        let row =
            AppRow { is_asked_about_logins: plan.asks_logins, is_asked_about_sends: plan.asks_sends, wants_clients: false };
        let table = AppTable { apps: [(APP.to_owned(), row)].into(), asks_before_sends: plan.asks_sends.is_some() };
        let (clock, orders) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::default()));
        let posted: Arc<Mutex<Vec<(ConnId, Order)>>> = orders;
        let post = posted.clone();
        let account_mail = PostedMail::default();
        let posted_about = account_mail.clone();
        let pressures = Pressure::of_workers(plan.workers);
        let accounts = directory(plan).map_err(|status| LogError::Store(status.to_string()))?;
        let common = Arc::new(Common::new(CommonConfig {
            session: SessionConfig { requests_per_second: 0, ..SessionConfig::default() },
            bounds: Bounds {
                connections_max: 64,
                connections_per_address_max: 64,
                backlog_bytes_max: limits::BACKLOG_BYTES_MAX,
                answers_bytes_max: 64 << 20,
                unfinished_bytes_max: 64 << 20,
            },
            apps: Arc::new(Told(Arc::new(table))),
            accounts: Arc::new(accounts),
            keys: Keys { aliases: [1; 32], resume: [u8::try_from(life % 251).unwrap_or(0); 32], accounts: [3, 4] },
            pressures,
            post: Arc::new(move |connection, order| post.lock().push((connection, order))),
            post_about_accounts: Arc::new(move |worker, mail| posted_about.lock().push((worker, mail))),
        }));
        let last_room = Arc::new(AtomicI64::new(disk.last_number()));
        let client_rooms = disk.listed()?;
        let mut workers = Vec::new();
        for worker in 0..plan.workers {
            let mut hub = Hub::new(HubConfig {
                worker,
                workers: plan.workers,
                epoch: disk.epoch(),
                seed: seed.wrapping_add(worker as u64),
                rules: Arc::new(Settings::clone(&plan.settings)),
                feed_bytes_max: plan.feed_bytes,
                detach_grace_ms: limits::DETACH_GRACE_MS,
                last_room: last_room.clone(),
                accounts: common.account_key(),
            });
            hub.expect_endings(&client_rooms);
            let read = clock.clone();
            let stopwatch = Stopwatch::new(move || Time(read.load(Ordering::Relaxed)));
            let front = Front::new(FrontConfig { worker, common: common.clone(), hub, seed: seed ^ worker as u64, stopwatch });
            let (inbox, links) = (Inbox::default(), BTreeMap::new());
            let (is_due, is_saved, is_down) = (false, false, false);
            workers.push(Worker { front, inbox, links, is_due, pen: Pen::default(), stalled: Time(0), is_saved, is_down });
        }
        let (committed, answers) = (Arc::default(), Arc::default());
        Ok(Node {
            life,
            started: now,
            began,
            workers,
            common,
            last_room,
            draining_until: None,
            clock,
            orders: posted,
            account_mail,
            committed,
            answers,
        })
    }

    /// All its workers are at their end.
    pub fn is_down(&self) -> bool {
        self.workers.iter().all(|worker| worker.is_down)
    }

    /// Sets the clocks of a worker.
    pub fn set_clock(&mut self, worker: usize, now: Time, unix: UnixMs) {
        let own = Time(now.0.saturating_sub(self.started.0));
        self.clock.store(own.0, Ordering::Relaxed);
        if let Some(worker) = self.workers.get_mut(worker) {
            worker.front.set_clock(own, unix);
        }
    }

    /// Takes mail to a worker.
    pub fn post(&mut self, worker: usize, batch: Bundle) {
        self.common.pressure(worker).add(batch.weight());
        if let Some(worker) = self.workers.get_mut(worker) {
            worker.inbox.mail.append(batch);
            worker.is_due = true;
        }
    }

    /// Asks a room something as the HTTP API does; the answer comes by [`Node::take_answers`].
    pub fn ask(&mut self, number: u64, room: RoomId, account: AccountId, ask: Ask) {
        let answers = self.answers.clone();
        let asker = Asker::Caller(Box::new(move |answer| answers.lock().push((number, answer))));
        let (actor, app_key) = (Actor::http(account), Some(APP.into()));
        let request = Request { subject: room, asker, actor, ask, app_key, resume: None };
        self.post(owner_of(room, self.workers.len()), Bundle::of_rooms(vec![Mail::Request(Box::new(request))]));
    }

    /// Answers to what was asked over HTTP.
    pub fn take_answers(&mut self) -> Vec<(u64, Answer)> {
        std::mem::take(&mut *self.answers.lock())
    }

    /// Has a worker told what becomes of the batch it hands to the disk next.
    pub fn teller(&self, worker: usize) -> impl FnOnce(bool) + Send + 'static {
        let committed = self.committed.clone();
        move |is_durable| committed.lock().push((worker, is_durable))
    }

    /// Takes to the workers what the disk and the fronts have for them.
    pub fn sort(&mut self) {
        for (worker, mail) in self.account_mail.lock().drain(..) {
            if let Some(worker) = self.workers.get_mut(worker) {
                worker.inbox.accounts.extend(mail);
                worker.is_due = true;
            }
        }
        for (connection, order) in self.orders.lock().drain(..) {
            if let Some(worker) = self.workers.get_mut(connection.worker()) {
                worker.inbox.orders.push((connection, order));
                worker.is_due = true;
            }
        }
        for (worker, is_durable) in self.committed.lock().drain(..) {
            if let Some(worker) = self.workers.get_mut(worker) {
                worker.inbox.committed = Some(is_durable);
                worker.is_due = true;
            }
        }
    }
}

/// How the disk is, as a worker sees it.
pub(super) fn health(disk: &Disk) -> LogHealth {
    if disk.failure().is_some() { LogHealth::Failed } else { LogHealth::Well(disk.epoch()) }
}
