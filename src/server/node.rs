//! A node: opens the store, starts the workers, and takes everything down in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;

use tokio::task::LocalSet;

use super::certificates::Certificates;
use super::control::Control;
use super::descriptors::Descriptors;
use super::engine::Engine;
use super::keep::{self, StoreKeeper};
use super::listen;
use super::mailbox::Mailbox;
use super::memory::decline_huge_pages;
use super::node_key::node_key;
use super::shared::{Shared, unix, unix_at_most};
use super::worker::Worker;
use crate::account::Directory;
use crate::config::{Config, ConfigError, Durability};
use crate::dispatch::{Hub, HubConfig};
use crate::error::Status;
use crate::figures::{self, Figures};
use crate::front::Order;
use crate::hooks::{Callbacks, http_client};
use crate::limits::BLOCKING_THREADS_MAX;
use crate::log::{self, FjallLog, LogError, MemoryLog, Storage};

/// Why a node does not start.
#[derive(Debug)]
pub enum StartError {
    /// The store cannot be opened.
    Store(LogError),
    /// What the store or the configuration says of applications is of no use.
    Accounts(Status),
    /// What the store has of figures of rooms is of no use.
    Figures(Status),
    /// The process may open too few files.
    Descriptors(String),
    /// A file for TLS is of no use.
    Tls(ConfigError),
    /// An address cannot be listened on.
    Listen {
        /// Which.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// A thread or a runtime cannot be made.
    Thread(std::io::Error),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StartError::Store(error) => write!(f, "{error}"),
            StartError::Accounts(status) => write!(f, "{status}; look at the apps in the configuration"),
            StartError::Figures(status) => write!(f, "{status}; the store may be damaged"),
            StartError::Descriptors(reason) => write!(f, "{reason}"),
            StartError::Tls(error) => write!(f, "{error}"),
            StartError::Listen { address, error } => {
                write!(f, "cannot listen on {address}: {error}; choose another with --listen or --admin, port 0 for any")
            }
            StartError::Thread(error) => {
                write!(f, "cannot start a thread: {error}; look at the limits of this user (ulimit -u)")
            }
        }
    }
}

impl std::error::Error for StartError {}

/// A running node.
pub struct Node {
    /// The way to the rooms.
    pub engine: Engine,
    /// Applications and accounts.
    pub accounts: Arc<Directory>,
    /// True while the node takes connections; see [`Node::store_failure`] too.
    pub ready: Arc<AtomicBool>,
    /// Where the wire protocol is spoken.
    pub wire: SocketAddr,
    /// Where it is spoken over TLS.
    pub wire_tls: Option<SocketAddr>,
    /// How the open files of the process are shared out.
    pub descriptors: Descriptors,
    pub(super) storage: Storage,
    pub(super) shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    counting: JoinHandle<()>,
    control: Option<Control>,
    pub(super) history_days: u32,
}

impl Node {
    /// Opens the store and starts the workers. When this returns, the wire listener accepts.
    pub fn start(config: &Config) -> Result<Node, StartError> {
        super::metrics::describe();
        decline_huge_pages();
        let descriptors = Descriptors::of(config).map_err(StartError::Descriptors)?;
        descriptors.report(config);
        let listener = bind(config.listen)?;
        let wire = listener.local_addr().map_err(StartError::Thread)?;
        let certificates = Certificates::load(config).map_err(StartError::Tls)?;
        let tls_listener = config.tls.listen.0.map(bind).transpose()?;
        let wire_tls = tls_listener.as_ref().map(|listener| listener.local_addr()).transpose().map_err(StartError::Thread)?;
        let storage = open_storage(config, &descriptors).map_err(StartError::Store)?;
        let Storage { log, store, outbox } = storage.clone();
        let accounts = Arc::new(Directory::bounded(
            Arc::new(StoreKeeper(store.clone())),
            config.auto_register,
            config.limits.account_cache_bytes,
        ));
        accounts.number_in(log.epoch());
        keep::fill(&accounts, store.as_ref()).map_err(StartError::Accounts)?;
        for app in &config.apps {
            let app = app.app().map_err(|error| StartError::Accounts(Status::bad_parameter(error.to_string())))?;
            accounts.create_app(app, unix()).map_err(StartError::Accounts)?;
        }
        let client = http_client(config.callback_tls().map_err(StartError::Tls)?);
        let callbacks = Callbacks::start(client.clone()).map_err(StartError::Thread)?;
        let figures_key = node_key(store.as_ref(), figures::KEY).map_err(StartError::Figures)?;
        let counting = Figures::start(store, figures_key, config.stats.time_zone.ahead_ms(), unix);
        let (figures, counting) = counting.map_err(StartError::Figures)?;
        let shared = Shared::new(config, &descriptors, accounts.clone(), storage.clone(), callbacks, figures, certificates);
        let shared = Arc::new(shared.map_err(StartError::Accounts)?);
        let mailboxes = shared.mailboxes.clone();
        // Weak, or the log would hold itself open.
        let (watched, directory) = (Arc::downgrade(&log), Arc::downgrade(&accounts));
        log.watch(Box::new(move || {
            // What was not on the disk yet is not in a store that was opened again.
            if watched.upgrade().is_some_and(|log| log.failure().is_none()) {
                directory.upgrade().inspect(|directory| directory.forget_accounts());
            }
            mailboxes.iter().for_each(Mailbox::wake);
        }));
        let told = Arc::downgrade(&shared);
        accounts.when_registered(move |app_key, account| {
            if let Some(shared) = told.upgrade() {
                shared.common.order_all(app_key, account, Order::GiveUpName);
            }
        });
        outbox.spool().set_bytes_max(config.webhooks.spool_bytes_max);
        shared.webhooks.start(outbox, shared.apps.clone(), client, unix_at_most).map_err(StartError::Thread)?;
        let last_room = Arc::new(AtomicI64::new(log.last_number()));
        let count = shared.mailboxes.len();
        let mut workers = Vec::with_capacity(count);
        let client_rooms = log.listed().map_err(StartError::Store)?;
        for index in 0..count {
            let mut hub = Hub::new(HubConfig {
                worker: index,
                workers: count,
                epoch: log.epoch(),
                seed: fastrand::u64(..),
                rules: shared.apps.clone(),
                feed_bytes_max: config.limits.feed_bytes_max,
                detach_grace_ms: config.timers.detach_grace_ms,
                last_room: last_room.clone(),
                accounts: shared.common.account_key(),
            });
            hub.expect_endings(&client_rooms);
            let listener = listener.try_clone().map_err(StartError::Thread)?;
            let tls_listener =
                tls_listener.as_ref().map(|listener| listener.try_clone()).transpose().map_err(StartError::Thread)?;
            workers.push(spawn(shared.clone(), index, hub, listener, tls_listener)?);
        }
        let owned = |named: Vec<&str>| named.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let addresses = config.http.client_addresses().map_or_else(|| vec![wire.to_string()], owned);
        let web_socket_addresses = config.http.websocket_addresses().map_or_else(|| addresses.clone(), owned);
        let engine = Engine::new(shared.clone(), last_room, addresses, web_socket_addresses);
        let ready = shared.ready.clone();
        let control = (!config.memory).then(|| Control::start(&config.data, log));
        let control = control.and_then(|control| {
            let named = config.data.display();
            control
                .inspect_err(|error| tracing::warn!(%error, "no socket in {named}: `chatroomd backup` needs the node stopped"))
                .ok()
        });
        let history_days = config.history.days;
        Ok(Node {
            engine,
            accounts,
            ready,
            wire,
            wire_tls,
            descriptors,
            storage,
            shared,
            workers,
            counting,
            control,
            history_days,
        })
    }

    /// Says why the store takes nothing at present; nothing while it is well.
    pub fn store_failure(&self) -> Arc<dyn Fn() -> Option<String> + Send + Sync> {
        let log = self.storage.log.clone();
        Arc::new(move || log.failure())
    }

    /// Sends everybody away, writes down what there is, and returns when that is done. Blocks.
    pub fn stop(self) {
        self.ready.store(false, Ordering::Release);
        drop(self.control);
        self.shared.start_drain();
        for worker in self.workers {
            if worker.join().is_err() {
                tracing::error!("a worker ended by a panic");
            }
        }
        self.shared.webhooks.stop();
        self.shared.figures.stop();
        if self.counting.join().is_err() {
            tracing::error!("the thread of the figures ended by a panic");
        }
    }
}

/// Opens a listening socket.
pub fn bind(address: SocketAddr) -> Result<std::net::TcpListener, StartError> {
    listen::bind(address).map_err(|error| StartError::Listen { address, error })
}

fn open_storage(config: &Config, descriptors: &Descriptors) -> Result<Storage, LogError> {
    if config.memory {
        return Ok(Storage::of(Arc::new(MemoryLog::new()?)));
    }
    let durability = match config.durability {
        Durability::Commit => log::Durability::Commit,
        Durability::Interval { interval_ms } => log::Durability::Interval { ms: interval_ms },
    };
    let options = log::Options {
        durability,
        cache_bytes: config.store.cache_bytes,
        write_buffer_bytes: config.store.write_buffer_bytes,
        files_cached: descriptors.store_files_cached(),
    };
    Ok(Storage::of(Arc::new(FjallLog::open(&config.data, &options)?)))
}

fn spawn(
    shared: Arc<Shared>,
    index: usize,
    hub: Hub,
    listener: std::net::TcpListener,
    tls_listener: Option<std::net::TcpListener>,
) -> Result<JoinHandle<()>, StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_name(format!("disk-{index}"))
        .build()
        .map_err(StartError::Thread)?;
    let (listener, tls_listener) = {
        let _guard = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener).map_err(StartError::Thread)?;
        let tls_listener = tls_listener.map(tokio::net::TcpListener::from_std).transpose().map_err(StartError::Thread)?;
        (listener, tls_listener)
    };
    let body = move || {
        LocalSet::new().block_on(&runtime, async move {
            let worker = Worker::new(shared, index, hub);
            let accepting = tokio::task::spawn_local(listen::accept(worker.clone(), listener, tls_listener));
            worker.run(accepting).await;
        });
    };
    std::thread::Builder::new().name(format!("worker-{index}")).spawn(body).map_err(StartError::Thread)
}
