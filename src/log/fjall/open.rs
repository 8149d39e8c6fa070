//! Opening the folder: lock, format, epoch.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ::fjall::config::{BlockSizePolicy, FilterPolicy};
use ::fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use parking_lot::{Mutex, RwLock};

use super::commits::COUNT_KEY;
use super::cut::cut;
use super::journal::Marks;
use super::state::{Ledger, Reach, sync_folder};
use super::survey::{Depth, FORMAT, Survey, survey};
use super::{Days, Lasting, META_EPOCH, META_FORMAT, META_LAST_NUMBER, Options, Store, failed};
use crate::id::Epoch;
use crate::limits::{STORE_COUNT_BUFFER_BYTES, STORE_LOCK_PATIENCE_MS, STORE_START_CHECK_BYTES};
use crate::log::stats::LogStats;
use crate::log::{LogError, private};

/// Bytes of journals beyond which the store writes buffers out early: bounds what a start after a crash reads again.
const JOURNAL_BYTES: u64 = 128 << 20;
/// Threads that write buffers out and merge what was written: one for each kind of work.
const STORE_THREADS: usize = 2;
/// Bytes of reports held in memory before they are written out sorted; most are delivered and removed long before.
const SPOOL_BUFFER_BYTES: u64 = 8 << 20;
/// Between two tries to take a folder.
const LOCK_PAUSE: Duration = Duration::from_millis(5);
const DAY_PREFIX: &str = "day-";

/// The keyspaces of every store of this format, but for the days.
const KEYSPACES: [&str; 10] =
    ["meta", "snapshots", "carried", "apps", "accounts", "node", "created", "figures", "reports", "commits"];

/// Makes the folder if there is none, and takes it for this process alone. Where it is refused, nothing has been changed.
pub(super) fn take(folder: &Path) -> Result<(File, Survey), LogError> {
    let unusable = |error: std::io::Error| LogError::Store(format!("{}: {error}", folder.display()));
    private::own_folder(folder)?;
    if !folder.join("lock").try_exists().map_err(unusable)? && folder.join("store").try_exists().map_err(unusable)? {
        look(folder)?;
    }
    let lock = lock(folder)?;
    let survey = look(folder)?;
    announce(&lock).map_err(unusable)?;
    private::narrow(folder)?;
    Ok((lock, survey))
}

/// Opens the store of a folder that is taken and looked at, or makes it. May be called again once everything of the last [`Store`] is
/// dropped; then `last` is the number of the last batch that was acknowledged, which must be found.
pub(super) fn open(
    folder: &Path,
    options: &Options,
    lasting: &Lasting,
    last: Option<u64>,
    survey: &Survey,
) -> Result<(Store, Epoch), LogError> {
    let unusable = |error: std::io::Error| LogError::Store(format!("{}: {error}", folder.display()));
    let path = folder.join("store");
    prepare(folder, survey, &lasting.stats)?;
    if !path.try_exists().map_err(unusable)? {
        create(folder, options)?;
    }
    // It holds nothing; without it the library does not open the store.
    private::open_file(&path.join("lock")).map_err(unusable)?;
    let db = database(&path, options).map_err(|error| unopened(&path, &error))?;
    if last.is_some_and(|last| db.seqno() <= last) {
        return Err(LogError::Corrupt(
            "what was acknowledged last is not on the disk; restart the server to serve what is".into(),
        ));
    }
    let format = format(folder, &db)?;
    let keyspaces = Keyspaces::open(&db, format)?;
    let meta = keyspaces.get("meta")?;
    let commits = keyspaces.get("commits")?;
    let count = number(&commits, COUNT_KEY)?.unwrap_or(0).max(survey.commits().unwrap_or(0));
    match survey.is_short(count) {
        None => {}
        Some(Ok(words)) => tracing::error!(folder = %folder.display(), "{words}"),
        Some(Err(words)) => return Err(damaged(folder, &[words])),
    }
    let days = days(&db, options.write_buffer_bytes)?;
    let folders = keyspaces.0.values().chain(days.values()).filter_map(folder_of).collect();
    let ledger = Ledger::open(folder, FORMAT, count, folders).map_err(unusable)?;
    let epoch = number(&meta, META_EPOCH)?.unwrap_or(0).saturating_add(1);
    let mut batch = db.batch().durability(Some(PersistMode::SyncAll));
    batch.insert(&meta, META_EPOCH, epoch.to_be_bytes());
    if format != FORMAT {
        batch.insert(&meta, META_FORMAT, FORMAT.to_be_bytes());
        tracing::info!(folder = %folder.display(), from = format, to = FORMAT, "the format of the store is raised");
    }
    let counted = ledger.commit(Reach::Disk, |count| {
        batch.insert(&commits, COUNT_KEY, count.to_be_bytes());
        batch.commit()
    });
    counted.map_err(failed)?;
    let last_number = number(&meta, META_LAST_NUMBER)?.unwrap_or(0);
    let last_number = i64::try_from(last_number).map_err(|_| LogError::Corrupt("the highest number of a subject".into()))?;
    let reports = keyspaces.get("reports")?;
    let (mut records, mut bytes) = (0, 0);
    for found in reports.iter() {
        let (key, value) = found.into_inner().map_err(failed)?;
        records += 1;
        bytes += (key.len() + value.len()) as u64;
    }
    lasting.spool.set(records, bytes);
    lasting.last_number.fetch_max(last_number, Ordering::Relaxed);
    let marks = Marks { last: None, good: db.seqno(), synced: db.seqno() };
    let store = Store {
        reports,
        lasting: lasting.clone(),
        marks: Mutex::new(marks),
        snapshots: keyspaces.get("snapshots")?,
        carried: keyspaces.get("carried")?,
        apps: keyspaces.get("apps")?,
        accounts: keyspaces.get("accounts")?,
        node: keyspaces.get("node")?,
        created: keyspaces.get("created")?,
        figures: keyspaces.get("figures")?,
        days: RwLock::new(Days { open: days, first: i64::MIN }),
        write_buffer_bytes: options.write_buffer_bytes,
        meta,
        commits,
        db,
        ledger,
    };
    // What the library made by the umask of a program that has another one.
    private::narrow(folder)?;
    Ok((store, Epoch(epoch)))
}

/// Looks at the files before anything touches them.
pub(super) fn look(folder: &Path) -> Result<Survey, LogError> {
    let found = survey(folder, Depth::Start(STORE_START_CHECK_BYTES), &mut |_, _| {});
    let found = found.map_err(|error| LogError::Store(format!("{}: {error}", folder.display())))?;
    if !found.problems.is_empty() {
        return Err(damaged(folder, &found.problems));
    }
    Ok(found)
}

/// Says what is wrong with a store that is not opened.
fn damaged(folder: &Path, problems: &[String]) -> LogError {
    let folder = folder.display();
    let more = match problems.len() {
        0 | 1 => String::new(),
        count => format!("; and {} more", count - 1),
    };
    let first = problems.first().map_or("", String::as_str);
    LogError::Corrupt(format!(
        "{folder}: {first}{more}. Nothing was cut. `chatroomd verify {folder}` lists everything, docs/operations.md says what to do"
    ))
}

/// Says what the look found, and cuts a torn end.
fn prepare(folder: &Path, survey: &Survey, stats: &LogStats) -> Result<(), LogError> {
    for note in &survey.notes {
        tracing::error!(folder = %folder.display(), "{note}");
    }
    let Some((journal, damage)) = survey.journals.last().and_then(|journal| Some((journal, journal.damage.as_ref()?))) else {
        return Ok(());
    };
    let kept = cut(folder, journal).map_err(|error| LogError::Store(format!("{}: {error}", journal.path.display())))?;
    LogStats::count(&stats.cut_ends, 1);
    stats.cut_bytes.fetch_add(damage.bytes, Ordering::Relaxed);
    tracing::error!(
        journal = %journal.path.display(),
        at = journal.end,
        bytes = damage.bytes,
        commits_left = survey.commits(),
        original = %kept.display(),
        "the torn end of the newest journal was cut; the original is kept"
    );
    Ok(())
}

/// The format of an open store.
fn format(folder: &Path, db: &Database) -> Result<u64, LogError> {
    if !db.keyspace_exists("meta") {
        return Err(LogError::Corrupt(format!("{} is not the store of a chatroomd", folder.display())));
    }
    let meta = db.keyspace("meta", KeyspaceCreateOptions::default).map_err(failed)?;
    match number(&meta, META_FORMAT)? {
        Some(found) if (1..=FORMAT).contains(&found) => Ok(found),
        found => {
            let found = found.map_or("no format".into(), |found| format!("format {found}"));
            let folder = folder.display();
            Err(LogError::Store(format!("{folder} has {found}; this chatroomd reads formats 1 to {FORMAT}")))
        }
    }
}

/// The keyspaces every store has.
pub(super) struct Keyspaces(pub(super) BTreeMap<&'static str, Keyspace>);

impl Keyspaces {
    /// Opens all of them. Only a new store, or one of format 1, may lack one.
    pub(super) fn open(db: &Database, format: u64) -> Result<Keyspaces, LogError> {
        if format > 1
            && let Some(missing) = KEYSPACES.iter().find(|name| !db.keyspace_exists(name))
        {
            return Err(LogError::Corrupt(format!("the table '{missing}' of the store is missing")));
        }
        let all = KEYSPACES.iter().map(|name| {
            let options = || match *name {
                "reports" => KeyspaceCreateOptions::default().max_memtable_size(SPOOL_BUFFER_BYTES),
                "commits" => KeyspaceCreateOptions::default().max_memtable_size(STORE_COUNT_BUFFER_BYTES),
                _ => KeyspaceCreateOptions::default(),
            };
            Ok((*name, db.keyspace(name, options).map_err(failed)?))
        });
        all.collect::<Result<_, _>>().map(Keyspaces)
    }

    pub(super) fn get(&self, name: &str) -> Result<Keyspace, LogError> {
        self.0.get(name).cloned().ok_or_else(|| LogError::Corrupt(format!("the table '{name}' of the store is missing")))
    }
}

/// The number of the folder of a keyspace.
pub(super) fn folder_of(keyspace: &Keyspace) -> Option<u64> {
    keyspace.path().file_name()?.to_str()?.parse().ok()
}

/// Takes the folder for this process alone; whoever has it is named in the error. Waits a moment for a process that is just
/// ending, and for one that was just forked: until it runs another program it holds what its parent held.
fn lock(folder: &Path) -> Result<File, LogError> {
    let path = folder.join("lock");
    let unusable = |error: std::io::Error| LogError::Store(format!("{}: {error}", path.display()));
    let file = private::open_file(&path).map_err(unusable)?;
    let give_up = Instant::now() + Duration::from_millis(STORE_LOCK_PATIENCE_MS);
    let locked = loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < give_up => std::thread::sleep(LOCK_PAUSE),
            locked => break locked,
        }
    };
    match locked {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            // Only words for people: an owner that cannot be read has no number.
            let _ = (&file).take(20).read_to_string(&mut owner);
            let (folder, owner) = (folder.display(), owner.trim());
            Err(LogError::Store(format!(
                "{folder} is in use by another chatroomd (process {owner}): choose another folder with --data"
            )))
        }
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// Writes into the lock whose it is.
fn announce(mut lock: &File) -> std::io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}

/// Makes an empty store under another name first, so that a crash on the way leaves nothing half made.
fn create(folder: &Path, options: &Options) -> Result<(), LogError> {
    let (new, path) = (folder.join("store.new"), folder.join("store"));
    let unusable = |error: std::io::Error| LogError::Store(format!("{}: {error}", new.display()));
    if new.try_exists().map_err(unusable)? {
        std::fs::remove_dir_all(&new).map_err(unusable)?;
    }
    let db = database(&new, options).map_err(|error| unopened(&new, &error))?;
    let keyspaces = Keyspaces::open(&db, 0)?;
    let mut batch = db.batch().durability(Some(PersistMode::SyncAll));
    batch.insert(&keyspaces.get("meta")?, META_FORMAT, FORMAT.to_be_bytes());
    batch.commit().map_err(failed)?;
    drop((keyspaces, db));
    std::fs::rename(&new, &path).and_then(|()| sync_folder(folder)).map_err(unusable)
}

pub(super) fn database(path: &Path, options: &Options) -> ::fjall::Result<Database> {
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

/// True if a keyspace is that of a day.
pub(super) fn is_day(name: &str) -> bool {
    name.starts_with(DAY_PREFIX)
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
            // The store's buffers are bounded together.
            .max_memtable_size(write_buffer_bytes.max(1 << 20))
            .filter_policy(FilterPolicy::disabled())
            .data_block_size_policy(BlockSizePolicy::all(16 << 10))
    };
    db.keyspace(&format!("{DAY_PREFIX}{day}"), options).map_err(failed)
}

pub(super) fn number(meta: &Keyspace, key: impl AsRef<[u8]>) -> Result<Option<u64>, LogError> {
    let Some(value) = meta.get(key).map_err(failed)? else { return Ok(None) };
    let bytes =
        <[u8; 8]>::try_from(&*value).map_err(|_| LogError::Corrupt("a number of the store has another length".into()))?;
    Ok(Some(u64::from_be_bytes(bytes)))
}
