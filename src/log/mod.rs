//! The seam between one machine and many: the ordered [`Log`] of every subject with its snapshots, the small tables of a [`Store`], and
//! the [`Outbox`] of what is still to be told (architecture.md §6).
//!
//! The only module that touches disk. Knows how to keep entries and how to find them again; what they say is for others to know: it
//! knows no rule and no operation. May use: `wire`, for the storage messages of its own.

pub mod fjall;
pub mod memory;
mod private;
mod query;
pub mod record;
mod spool;
mod stats;
mod writer;

pub use self::fjall::{Copied, Durability, FjallLog, Options, restore, verify};
pub use memory::MemoryLog;
pub use private::{give_to_owner, make_files_private};
pub use record::{Facts, Opens, Pen, Record, Redacts, Stored, Strip, fuzz_entry};
pub use spool::{Line, Report, Spool, SpoolPosition, Spooled};
pub use stats::LogStats;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::id::{Epoch, RoomId, Seq, SubjectId, UnixMs};
use crate::limits::SHARD_KEY_BYTES_MAX;

/// Why the log could not do what was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogError {
    /// The store failed; nothing of the batch may be acknowledged.
    Store(String),
    /// The store holds something else than we wrote.
    Corrupt(String),
    /// The writer's queue is full.
    Busy,
}

impl std::fmt::Display for LogError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LogError::Store(reason) => write!(f, "the store failed: {reason}"),
            LogError::Corrupt(reason) => write!(f, "the store holds what we did not write: {reason}"),
            LogError::Busy => write!(f, "the log's writer has too much waiting"),
        }
    }
}

impl std::error::Error for LogError {}

/// Number of the part that every snapshot has, and that can be read without the others.
pub const HEAD: u32 = 0;

/// A part of a lasting state.
#[derive(Clone, PartialEq, Debug)]
pub struct Part {
    /// Its number: [`HEAD`], or one that its subject gave it.
    pub number: u32,
    /// Its bytes; none: the part is gone.
    pub state: Bytes,
}

/// The lasting state of a subject at one place of its log: of a state in parts those that have changed since the snapshot before, the
/// head always among them.
#[derive(Clone, PartialEq, Debug)]
pub struct Snapshot {
    /// Its subject.
    pub subject: SubjectId,
    /// All entries up to this one are in it.
    pub seq: Seq,
    /// As it is loaded: all there are, in the order of their numbers.
    pub parts: Vec<Part>,
}

impl Snapshot {
    /// A state that has no parts but the head.
    pub fn whole(subject: impl Into<SubjectId>, seq: Seq, state: Bytes) -> Snapshot {
        Snapshot { subject: subject.into(), seq, parts: vec![Part { number: HEAD, state }] }
    }

    /// The bytes of its head; none if it has no head.
    pub fn head(&self) -> &[u8] {
        self.parts.iter().find(|part| part.number == HEAD).map_or(&[], |part| &part.state)
    }

    /// Bytes of its parts.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.state.len()).sum()
    }
}

/// Called once, on a thread of the log's own and never from within [`Log::append`], when a batch is durable or has failed.
///
/// Must not block, and must not call anything of the log that reads or writes the disk. Batches are answered in the order of
/// their appending; only [`LogError::Busy`] may overtake.
pub type Committed = Box<dyn FnOnce(Result<(), LogError>) + Send>;

/// Changes of one turn of a worker, written all or nothing.
pub struct Batch {
    /// Entries, in the order they were applied.
    pub records: Vec<Record>,
    /// Snapshots taken since the last batch.
    pub snapshots: Vec<Snapshot>,
    /// Reports for the outbox. Those that find the spool full are left out and counted.
    pub reports: Vec<Report>,
    /// Changes of the states of shards, in their order: of one row the last word counts.
    pub shards: Vec<ShardRow>,
    /// Told when it is done.
    pub committed: Committed,
}

/// A row of the state of a shard: a letter on its way, the last id it has given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShardRow {
    /// Number of the shard.
    pub shard: u8,
    /// Its key among the rows of its shard, at most [`SHARD_KEY_BYTES_MAX`] bytes.
    pub key: Bytes,
    /// Its content; `None` removes it.
    pub value: Option<Bytes>,
}

impl Batch {
    /// Refuses a batch that cannot be kept.
    fn check(&self) -> Result<(), LogError> {
        self.records.iter().try_for_each(record::check)?;
        if self.snapshots.iter().any(|snapshot| snapshot.parts.iter().all(|part| part.number != HEAD)) {
            return Err(LogError::Store("a snapshot has a head".into()));
        }
        if self.shards.iter().any(|row| row.key.len() > SHARD_KEY_BYTES_MAX) {
            return Err(LogError::Store(format!("the key of a row of a shard has at most {SHARD_KEY_BYTES_MAX} bytes")));
        }
        Ok(())
    }
}

/// Entries and snapshot that a subject is rebuilt from.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Loaded {
    /// The newest snapshot, if any.
    pub snapshot: Option<Snapshot>,
    /// Every entry after it, in ascending order.
    pub entries: Vec<Stored>,
}

/// A part of a subject's history: what is no older than the days that are held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    /// The subject.
    pub subject: SubjectId,
    /// Only entries that were written with this key.
    pub key: Option<Box<[u8]>>,
    /// The first place, inclusive.
    pub first: Seq,
    /// The last place, inclusive.
    pub last: Seq,
    /// The earliest time, inclusive.
    pub not_before: UnixMs,
    /// The latest time, inclusive.
    pub not_after: UnixMs,
    /// Direction.
    pub oldest_first: bool,
}

impl Span {
    /// All entries of a subject, newest first.
    pub fn all(subject: impl Into<SubjectId>) -> Span {
        let subject = subject.into();
        let (not_before, not_after) = (UnixMs(i64::MIN), UnixMs(i64::MAX));
        Span { subject, key: None, first: Seq(0), last: Seq(u64::MAX), not_before, not_after, oldest_first: false }
    }
}

/// Is shown one entry after the other, and says when it has seen enough: within a bound of its own, for the entries may be many.
pub type Visit<'a> = &'a mut dyn FnMut(Stored) -> Result<ControlFlow<()>, LogError>;

/// The ordered log of every subject of this node.
pub trait Log: Send + Sync + 'static {
    /// The epoch of the last opening, at the start or after a failure: higher than that of every earlier one.
    fn epoch(&self) -> Epoch;

    /// Why nothing can be written at present; `None` while all is well. Cheap enough to ask at every turn.
    fn failure(&self) -> Option<String> {
        None
    }

    /// Names who is told, on any thread, that the store has failed or is open again: [`Log::failure`] says which. It must not
    /// block, nor call anything of the log that reads or writes the disk. Only the first one named is told.
    fn watch(&self, told: Box<dyn Fn() + Send + Sync>) {
        drop(told);
    }

    /// Hands a batch to the writer and returns at once; `Batch::committed` is called exactly once, even on [`LogError::Busy`].
    ///
    /// A batch that was refused or failed leaves a hole behind what its subjects have applied: ask [`Log::is_full`] before
    /// applying anything.
    fn append(&self, batch: Batch);

    /// True if the next batch would be refused as busy. Cheap enough to ask before every command.
    fn is_full(&self) -> bool {
        false
    }

    /// Reads all that a subject is rebuilt from; `None` if there never was such a subject. Reads the disk: not for a worker's thread.
    fn load(&self, subject: SubjectId) -> Result<Option<Loaded>, LogError>;

    /// The head of a subject's newest snapshot and its place, without the other parts. Reads the disk.
    fn head(&self, subject: SubjectId) -> Result<Option<(Seq, Bytes)>, LogError>;

    /// Entries after `after`, oldest first, at most `limit`. Reads the disk.
    fn follow(&self, subject: SubjectId, after: Seq, limit: usize) -> Result<Vec<Stored>, LogError>;

    /// Shows the entries of a part of the history, until the visitor has seen enough. What days that went left behind is no
    /// history. Reads the disk.
    fn read(&self, span: &Span, visit: Visit<'_>) -> Result<(), LogError>;

    /// The highest number of those that came with [`Opens::Number`], 0 if none.
    fn last_number(&self) -> i64;

    /// The rooms that began with [`Opens::Begin`] and have not ended. Reads the disk.
    fn listed(&self) -> Result<Vec<RoomId>, LogError>;

    /// The subjects with entries in days older than that which no snapshot covers, each once. Reads the disk.
    fn uncovered(&self, now: UnixMs, days: u32) -> Result<Vec<SubjectId>, LogError>;

    /// Removes whole days older than `days` before `now`, keeping every entry that no durable snapshot covers yet.
    /// Returns how many days went.
    fn expire(&self, now: UnixMs, days: u32) -> Result<usize, LogError>;

    /// The UTC days, counted from 1970, of which entries are held, oldest first; what is carried counts to none.
    fn days(&self) -> Vec<i64>;

    /// Removes everything of a subject but its last entry, which says that the subject is gone, durably with some later commit. Nothing
    /// may be appended to the subject any more. Reads and writes the disk.
    fn erase(&self, subject: SubjectId) -> Result<(), LogError>;

    /// The state of a shard: key and value of each of its rows, in the order of keys. Reads the disk.
    fn shard(&self, shard: u8) -> Result<Vec<(Bytes, Bytes)>, LogError>;

    /// Copies everything that was acknowledged before the call to an empty folder, while the log goes on. `goes_on` hears of the
    /// progress, and ends the copying with false. Reads and writes the disk, for as long as it takes.
    fn backup(&self, target: &Path, goes_on: &mut dyn FnMut(Copied) -> bool) -> Result<Copied, LogError> {
        let _ = (target, goes_on);
        Err(LogError::Store("this node keeps nothing that could be copied".into()))
    }

    /// Counters of the writer, where it counts.
    fn stats(&self) -> Option<&LogStats> {
        None
    }
}

/// Small tables beside the subjects: accounts, applications, secrets.
pub trait Store: Send + Sync + 'static {
    /// Keeps a small value under a key, durable when it returns. Reads and writes the disk.
    fn put(&self, space: Space, key: &[u8], value: &[u8]) -> Result<(), LogError>;

    /// As `put`, but durable with some later commit: for what can be learned again.
    fn put_soon(&self, space: Space, key: &[u8], value: &[u8]) -> Result<(), LogError>;

    /// The value under a key. Reads the disk.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, LogError>;

    /// Those pairs of a space that follow on a key, in the order of keys, at most `limit`. Reads the disk.
    fn scan_after(&self, space: Space, key: &[u8], limit: usize) -> Result<Vec<(Bytes, Bytes)>, LogError>;

    /// Every pair of a space, in the order of keys.
    fn scan(&self, space: Space) -> Result<Vec<(Bytes, Bytes)>, LogError> {
        self.scan_prefix(space, &[])
    }

    /// Those pairs of a space whose keys begin with `prefix`, in the order of keys. Reads the disk.
    fn scan_prefix(&self, space: Space, prefix: &[u8]) -> Result<Vec<(Bytes, Bytes)>, LogError>;

    /// Removes a pair, durably with some later commit; one that is not there is no error.
    fn remove(&self, space: Space, key: &[u8]) -> Result<(), LogError> {
        self.change(space, vec![(key.to_vec(), None)])
    }

    /// Puts and removes pairs of a space, all or nothing, durable with some later commit; `None` removes. No key may stand there
    /// twice. Writes the disk.
    fn change(&self, space: Space, changes: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Result<(), LogError>;
}

/// Reports that came with batches and wait in lines until somebody has delivered them.
pub trait Outbox: Send + Sync + 'static {
    /// The reports of a line from a position on, in order: at least one if there is one, at most `count_max` and about `bytes_max`
    /// bytes. Reads the disk.
    fn reports(&self, line: &Line, from: SpoolPosition, count_max: usize, bytes_max: u64) -> Result<Vec<Spooled>, LogError>;

    /// The first report of the first line beyond this one; without one, of all lines. Reads the disk.
    fn next_line(&self, after: Option<&Line>) -> Result<Option<Spooled>, LogError>;

    /// Removes reports, each given once, durably with some later commit. Writes to the disk.
    fn remove_reports(&self, done: &[Spooled]) -> Result<(), LogError>;

    /// How full the spool of reports is.
    fn spool(&self) -> &Spool;
}

/// One place that keeps all three, as its users see it.
#[derive(Clone)]
pub struct Storage {
    /// Its log.
    pub log: Arc<dyn Log>,
    /// Its small tables.
    pub store: Arc<dyn Store>,
    /// Its outbox.
    pub outbox: Arc<dyn Outbox>,
}

impl Storage {
    /// Storage in one thing that is all three.
    pub fn of(one: Arc<impl Log + Store + Outbox>) -> Storage {
        Storage { log: one.clone(), store: one.clone(), outbox: one }
    }
}

/// The small tables of a [`Store`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Space {
    /// Applications by key.
    Apps,
    /// Accounts by application key, NUL, account.
    Accounts,
    /// The node's own: secrets, the demo room, and the rooms that are listed.
    Node,
    /// Rooms by application key, NUL, creator, NUL, number.
    Created,
    /// Figures of rooms, by hours and days.
    Figures,
}

/// The places that entries redact.
fn redactions(records: &[Record]) -> impl Iterator<Item = (SubjectId, Redacts)> {
    records.iter().filter_map(|record| Some((record.facts.subject, record.facts.redacts?)))
}

/// Key prefix, in [`Space::Node`], of the rooms that are listed; the room's number follows it.
const LISTED: &[u8] = b"client_room\0";

fn listed_key(room: RoomId) -> Vec<u8> {
    [LISTED, &room.get().to_be_bytes()].concat()
}

/// The rooms behind the rows of those that are listed.
fn listed_rooms(rows: &[(Bytes, Bytes)]) -> Vec<RoomId> {
    let numbers = rows.iter().filter_map(|(key, _)| Some(i64::from_be_bytes(key.get(LISTED.len()..)?.try_into().ok()?)));
    numbers.filter_map(|number| RoomId::new(number).ok()).collect()
}

/// The rooms that a batch begins, true, or ends; the last word on each counts.
fn listings(records: &[Record]) -> impl Iterator<Item = (RoomId, bool)> {
    records.iter().filter_map(|record| match record.facts.opens? {
        Opens::Begin => Some((record.facts.subject.room()?, true)),
        Opens::End => Some((record.facts.subject.room()?, false)),
        Opens::Number => None,
    })
}

/// The key of a row of a shard, among those of all shards.
fn shard_key(shard: u8, key: &[u8]) -> Vec<u8> {
    [&[shard], key].concat()
}

/// The highest number a batch gives out, 0 if none.
fn highest_number(records: &[Record]) -> i64 {
    let numbered = records.iter().filter(|record| record.facts.opens == Some(Opens::Number));
    numbered.map(|record| record.facts.subject.number()).max().unwrap_or(0)
}
