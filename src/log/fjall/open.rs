//! Opening the folder: lock, format, epoch.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::sync::atomic::Ordering;

use ::fjall::config::{BlockSizePolicy, FilterPolicy};
use ::fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use parking_lot::{Mutex, RwLock};

use super::journal::Marks;
use super::{Days, Lasting, META_EPOCH, META_FORMAT, META_LAST_ROOM_ID, Options, Store, failed};
use crate::id::Epoch;
use crate::log::{LogError, private};

/// The one format there is. Grows with each change that an older program could not read.
const FORMAT: u64 = 1;
/// Bytes of journals beyond which the store writes buffers out early: bounds what a start after a crash reads again.
const JOURNAL_BYTES: u64 = 128 << 20;
/// Threads that write buffers out and merge what was written: one for each kind of work.
const STORE_THREADS: usize = 2;
/// Bytes of reports held in memory before they are written out sorted; most are delivered and removed long before.
const SPOOL_BUFFER_BYTES: u64 = 8 << 20;
/// What the store writes at the end of a commit.
const END_MARK: [u8; 4] = *b"FJL\x03";
const DAY_PREFIX: &str = "day-";

/// Makes the folder if there is none, and takes it for this process alone.
pub(super) fn take(folder: &Path) -> Result<File, LogError> {
    private::own_folder(folder)?;
    let lock = lock(folder)?;
    private::narrow(folder)?;
    Ok(lock)
}

/// Opens the store of a folder that is taken. May be called again once everything of the last [`Store`] is dropped; then `last` is
/// the number of the last batch that was acknowledged, which must be found.
pub(super) fn open(folder: &Path, options: &Options, lasting: &Lasting, last: Option<u64>) -> Result<(Store, Epoch), LogError> {
    let unusable = |error: std::io::Error| LogError::Store(format!("{}: {error}", folder.display()));
    let path = folder.join("store");
    if !path.try_exists().map_err(unusable)? {
        create(folder, options)?;
    }
    let db = database(&path, options).or_else(|error| {
        if matches!(error, ::fjall::Error::JournalRecovery(_)) && cut_last_commit(&path).map_err(unusable)? {
            return database(&path, options).map_err(|error| unopened(&path, &error));
        }
        Err(unopened(&path, &error))
    })?;
    if last.is_some_and(|last| db.seqno() <= last) {
        return Err(LogError::Corrupt(
            "what was acknowledged last is not on the disk; restart the server to serve what is".into(),
        ));
    }
    if !db.keyspace_exists("meta") {
        return Err(LogError::Corrupt(format!("{} is not the store of a chatroomd", path.display())));
    }
    let small = |name: &str| db.keyspace(name, KeyspaceCreateOptions::default).map_err(failed);
    let meta = small("meta")?;
    match number(&meta, META_FORMAT)? {
        Some(FORMAT) => {}
        found => {
            let found = found.map_or("no format".into(), |found| format!("format {found}"));
            let folder = folder.display();
            return Err(LogError::Store(format!("{folder} has {found}; this chatroomd reads format {FORMAT} only")));
        }
    }
    let epoch = number(&meta, META_EPOCH)?.unwrap_or(0).saturating_add(1);
    let mut batch = db.batch().durability(Some(PersistMode::SyncAll));
    batch.insert(&meta, META_EPOCH, epoch.to_be_bytes());
    batch.commit().map_err(failed)?;
    let last_room_id = number(&meta, META_LAST_ROOM_ID)?.unwrap_or(0);
    let last_room_id = i64::try_from(last_room_id).map_err(|_| LogError::Corrupt("the highest room id".into()))?;
    let reports =
        db.keyspace("reports", || KeyspaceCreateOptions::default().max_memtable_size(SPOOL_BUFFER_BYTES)).map_err(failed)?;
    let (mut records, mut bytes) = (0, 0);
    for found in reports.iter() {
        let (key, value) = found.into_inner().map_err(failed)?;
        records += 1;
        bytes += (key.len() + value.len()) as u64;
    }
    lasting.spool.set(records, bytes);
    lasting.last_room_id.fetch_max(last_room_id, Ordering::Relaxed);
    let marks = Marks { last: None, good: db.seqno(), synced: db.seqno() };
    let store = Store {
        reports,
        lasting: lasting.clone(),
        marks: Mutex::new(marks),
        snapshots: small("snapshots")?,
        carried: small("carried")?,
        apps: small("apps")?,
        accounts: small("accounts")?,
        node: small("node")?,
        created: small("created")?,
        figures: small("figures")?,
        days: RwLock::new(Days { open: days(&db, options.write_buffer_bytes)?, first: i64::MIN }),
        write_buffer_bytes: options.write_buffer_bytes,
        meta,
        db,
    };
    Ok((store, Epoch(epoch)))
}

/// Takes the folder for this process alone; whoever has it is named in the error.
fn lock(folder: &Path) -> Result<File, LogError> {
    let path = folder.join("lock");
    let unusable = |error: std::io::Error| LogError::Store(format!("{}: {error}", path.display()));
    let mut file = private::open_file(&path).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            // Only words for people: an owner that cannot be read has no number.
            let _ = (&file).take(20).read_to_string(&mut owner);
            let (folder, owner) = (folder.display(), owner.trim());
            return Err(LogError::Store(format!("{folder} is in use by another chatroomd (process {owner})")));
        }
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
    }
    file.set_len(0).map_err(unusable)?;
    file.rewind().map_err(unusable)?;
    writeln!(file, "{}", std::process::id()).map_err(unusable)?;
    Ok(file)
}

/// Makes an empty store under another name first, so that a crash on the way leaves nothing half made.
fn create(folder: &Path, options: &Options) -> Result<(), LogError> {
    let (new, path) = (folder.join("store.new"), folder.join("store"));
    let unusable = |error: std::io::Error| LogError::Store(format!("{}: {error}", new.display()));
    if new.try_exists().map_err(unusable)? {
        std::fs::remove_dir_all(&new).map_err(unusable)?;
    }
    let db = database(&new, options).map_err(|error| unopened(&new, &error))?;
    let meta = db.keyspace("meta", KeyspaceCreateOptions::default).map_err(failed)?;
    let mut batch = db.batch().durability(Some(PersistMode::SyncAll));
    batch.insert(&meta, META_FORMAT, FORMAT.to_be_bytes());
    batch.commit().map_err(failed)?;
    drop((meta, db));
    std::fs::rename(&new, &path).map_err(unusable)?;
    // Only a folder that was synced remembers the name.
    #[cfg(unix)]
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(unusable)?;
    Ok(())
}

fn database(path: &Path, options: &Options) -> ::fjall::Result<Database> {
    Database::builder(path)
        .cache_size(options.cache_bytes)
        .max_cached_files(Some(options.files_cached))
        .max_journaling_size(JOURNAL_BYTES)
        .worker_threads(STORE_THREADS)
        // The writer says for each batch how far it has to go.
        .manual_journal_persist(true)
        .open()
}

fn unopened(path: &Path, error: &::fjall::Error) -> LogError {
    LogError::Store(format!("{}: {error}", path.display()))
}

/// Takes the end mark off the last commit of the newest journal, so that the store cuts it as one that never ended. False if
/// there is none.
///
/// The store cuts a torn commit by itself but for one case: power was lost while it was on its way, and a hole lies within a
/// single large value, which only the checksum notices; then it refuses to open. Nobody was told that such a commit is durable.
fn cut_last_commit(store: &Path) -> std::io::Result<bool> {
    let number = |path: &Path| path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
    let mut newest = None;
    for file in std::fs::read_dir(store)? {
        let path = file?.path();
        if path.extension().is_some_and(|end| end == "jnl") {
            newest = newest.max(number(&path).map(|number| (number, path)));
        }
    }
    let Some((_, path)) = newest else { return Ok(false) };
    let bytes = std::fs::read(&path)?;
    let Some(end) = bytes.windows(END_MARK.len()).rposition(|window| window == END_MARK) else { return Ok(false) };
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(end as u64)?;
    file.sync_all()?;
    Ok(true)
}

/// The keyspaces of the days there are.
fn days(db: &Database, write_buffer_bytes: u64) -> Result<BTreeMap<i64, Keyspace>, LogError> {
    let mut days = BTreeMap::new();
    for name in db.list_keyspace_names() {
        if let Some(day) = name.strip_prefix(DAY_PREFIX).and_then(|day| day.parse().ok()) {
            days.insert(day, day_keyspace(db, day, write_buffer_bytes)?);
        }
    }
    Ok(days)
}

/// The keyspace of a day, made if there is none.
pub(super) fn day_keyspace(db: &Database, day: i64, write_buffer_bytes: u64) -> Result<Keyspace, LogError> {
    // Entries are found by ranges, never by a whole key: filters would be built for nothing.
    let options = || {
        KeyspaceCreateOptions::default()
            .max_memtable_size(write_buffer_bytes)
            .filter_policy(FilterPolicy::disabled())
            .data_block_size_policy(BlockSizePolicy::all(16 << 10))
    };
    db.keyspace(&format!("{DAY_PREFIX}{day}"), options).map_err(failed)
}

fn number(meta: &Keyspace, key: &str) -> Result<Option<u64>, LogError> {
    let Some(value) = meta.get(key).map_err(failed)? else { return Ok(None) };
    let bytes = <[u8; 8]>::try_from(&*value).map_err(|_| LogError::Corrupt(format!("{key} is not a number")))?;
    Ok(Some(u64::from_be_bytes(bytes)))
}
