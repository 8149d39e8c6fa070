//! A store that failed is closed and opened again, by the writer's thread, until it works. What it acknowledged is there then; what
//! it refused is not.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::fjall::{OwnedWriteBatch, PersistMode};
use parking_lot::{Mutex, RwLock};

use super::commits::COUNT_KEY;
use super::journal::{self, Marks};
use super::state::Reach;
use super::{Lasting, Options, Store, open};
use crate::id::Epoch;
use crate::limits::STORE_PROBE_BYTES;
use crate::log::LogError;
use crate::log::stats::LogStats;

/// How often is looked whether the last reader of a store that is to be closed is gone.
const READERS_PAUSE: Duration = Duration::from_millis(2);

/// The folder, and the store in it while it is open.
pub(super) struct Shared {
    folder: PathBuf,
    options: Options,
    pub(super) lasting: Lasting,
    store: RwLock<Option<Arc<Store>>>,
    /// How far the store came that was closed last.
    left: Mutex<Marks>,
    epoch: AtomicU64,
    // Last, so that the folder is free only when all else is closed.
    _lock: File,
}

impl Shared {
    pub fn open(folder: &Path, options: &Options) -> Result<Shared, LogError> {
        let (lock, survey) = open::take(folder)?;
        let lasting = Lasting::default();
        let (store, epoch) = open::open(folder, options, &lasting, None, &survey)?;
        Ok(Shared {
            folder: folder.into(),
            options: options.clone(),
            lasting,
            store: RwLock::new(Some(Arc::new(store))),
            left: Mutex::default(),
            epoch: AtomicU64::new(epoch.0),
            _lock: lock,
        })
    }

    /// The epoch of the last opening.
    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    /// The store to read from: one that failed still knows what it acknowledged.
    pub fn store(&self) -> Result<Arc<Store>, LogError> {
        self.store.read().clone().ok_or_else(|| self.closed())
    }

    /// The store to write to.
    pub fn writable(&self) -> Result<Arc<Store>, LogError> {
        if self.lasting.health.has_failed() {
            return Err(self.closed());
        }
        self.store()
    }

    fn closed(&self) -> LogError {
        LogError::Store(self.lasting.health.failure().unwrap_or_else(|| "it is being opened again".into()))
    }

    /// Closes the store and opens it again. Only the writer's thread calls this.
    pub fn reopen(&self) -> Result<(), LogError> {
        // Cheaper than reading journals again in vain.
        self.probe().map_err(|error| LogError::Store(error.to_string()))?;
        let old = self.store.write().take();
        if let Some(mut old) = old {
            *self.left.lock() = *old.marks.lock();
            // Readers hold it for the time of one query.
            while Arc::get_mut(&mut old).is_none() {
                std::thread::sleep(READERS_PAUSE);
            }
        }
        let marks = *self.left.lock();
        let path = self.folder.join("store");
        journal::mend(&path, &marks).map_err(|error| LogError::Store(format!("{}: {error}", path.display())))?;
        let survey = open::look(&self.folder)?;
        let (store, epoch) = open::open(&self.folder, &self.options, &self.lasting, marks.last, &survey)?;
        self.epoch.store(epoch.0, Ordering::Release);
        *self.store.write() = Some(Arc::new(store));
        Ok(())
    }

    /// Tries whether a file can be opened, written and synced here.
    fn probe(&self) -> std::io::Result<()> {
        let path = self.folder.join("probe");
        let written = OpenOptions::new().write(true).create(true).truncate(true).open(&path).and_then(|mut file| {
            file.write_all(&vec![0; STORE_PROBE_BYTES])?;
            file.sync_all()
        });
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => written.and(Err(error)),
            _ => written,
        }
    }
}

impl Store {
    /// Commits a batch under the next running count, as far as said: `None` leaves it to the next commit. A failure closes the store
    /// to all later ones.
    pub(super) fn commit(&self, mut batch: OwnedWriteBatch, mode: Option<PersistMode>) -> Result<(), LogError> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut marks = self.marks.lock();
        let before = self.db.seqno();
        let reach = match mode {
            None => Reach::Memory,
            Some(PersistMode::Buffer) => Reach::System,
            Some(PersistMode::SyncData | PersistMode::SyncAll) => Reach::Disk,
        };
        let commit = |count: u64| {
            batch.insert(&self.commits, COUNT_KEY, count.to_be_bytes());
            batch.durability(mode).commit()
        };
        self.ledger.commit(reach, commit).map_err(|error| self.failed(&error))?;
        marks.good = self.db.seqno();
        match mode {
            None => {}
            Some(PersistMode::Buffer) => marks.last = Some(before),
            Some(PersistMode::SyncData | PersistMode::SyncAll) => {
                marks.last = Some(before);
                marks.synced = marks.good;
            }
        }
        Ok(())
    }

    /// Brings everything committed to the disk.
    pub(super) fn sync(&self) -> Result<(), LogError> {
        let mut marks = self.marks.lock();
        self.ledger.sync(|| self.db.persist(PersistMode::SyncData)).map_err(|error| self.failed(&error))?;
        marks.synced = marks.good;
        Ok(())
    }

    /// Notices a store that a thread of its own has stopped.
    pub(super) fn check(&self) -> Result<(), LogError> {
        let _marks = self.marks.lock();
        self.db.persist(PersistMode::Buffer).map_err(|error| self.failed(&error))
    }

    /// Says that the store has failed, and why.
    pub(super) fn failed(&self, error: &::fjall::Error) -> LogError {
        let cause = match error {
            ::fjall::Error::Poisoned => "a write in the background failed".into(),
            error => cause(error),
        };
        self.lasting.failed(&cause);
        LogError::Store(cause)
    }
}

impl Lasting {
    /// Closes the store to everybody.
    pub(super) fn failed(&self, cause: &str) {
        if self.health.fail(cause.into()) {
            LogStats::count(&self.stats.failures, 1);
        }
    }
}

/// Error of the operating system if the refusal came from there, else the store's own.
pub(super) fn cause(error: &::fjall::Error) -> String {
    let mut at: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = at {
        if let Some(inner) = inner.downcast_ref::<std::io::Error>() {
            return inner.to_string();
        }
        at = inner.source();
    }
    error.to_string()
}
