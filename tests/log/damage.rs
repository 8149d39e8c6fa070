//! Damage of a store on disk: whatever byte, file or folder it hits, what was acknowledged is there, or the start is refused with
//! words and changes nothing.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::records::*;
use crate::store_files::{copy_used, flip, is_journal, journal};
use chatroom::id::Seq;
use chatroom::log::{Durability, FjallLog, Log as _, Options, Space, Store as _, restore, verify};

/// Entries of each store, one commit each.
const ENTRIES: u64 = 40;

fn options() -> Options {
    // Small buffers, so that a small store has tables.
    Options { write_buffer_bytes: 16 << 10, cache_bytes: 1 << 20, ..Options::default() }
}

fn open(folder: &Path) -> FjallLog {
    FjallLog::open(folder, &options()).unwrap()
}

/// A folder in memory where there is such: what disks do is not what these tests are about.
fn home() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// The files of a folder with what they hold.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for path in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = fs::read(&path) {
                // An open store removes files meanwhile.
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), bytes);
            }
        }
    }
    found
}

/// Of the files of each kind two.
fn of_each_kind(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut kinds: BTreeMap<String, Vec<(PathBuf, Vec<u8>)>> = BTreeMap::new();
    for (name, bytes) in files(folder) {
        kinds.entry(name.to_str().unwrap().replace(|c: char| c.is_ascii_digit(), "")).or_default().push((name, bytes));
    }
    kinds.into_values().flat_map(|files| files.into_iter().rev().take(2)).collect()
}

/// Writes entries `from..=to`; with bodies that fill tables, if asked for, until there is one of a day.
fn fill(log: &FjallLog, folder: &Path, from: u64, to: u64, has_tables: bool) {
    for seq in from..=to {
        append(log, vec![text(room(1), seq, NOON)], vec![snapshot(room(1), seq)]);
        log.put(Space::Apps, format!("app{seq}").as_bytes(), b"secret").unwrap();
    }
    let mut seq = 0;
    let until = Instant::now() + DEADLINE;
    let is_table = |path: &&PathBuf| !path.starts_with("0") && path.to_str().unwrap().contains("tables/");
    let has_table = || files(&folder.join("store/keyspaces")).keys().filter(is_table).count() > 1;
    while has_tables && !has_table() {
        assert!(Instant::now() < until, "no table was written");
        seq += 1;
        append(log, (1..=200).map(|at| text(room(2), seq * 200 + at, NOON)).collect(), vec![]);
    }
}

/// What a store of `ENTRIES` holds that was acknowledged.
fn kept(log: &FjallLog) -> (Vec<u64>, usize) {
    (seqs(&log.records(room(1), Seq(0), 1000).unwrap()), log.scan(Space::Apps).unwrap().len())
}

fn all() -> (Vec<u64>, usize) {
    ((1..=ENTRIES).collect(), ENTRIES as usize)
}

/// A store after a clean stop, and one as a kill leaves it.
fn stores(home: &Path, has_tables: bool) -> [PathBuf; 2] {
    let (stopped, killed) = (home.join("stopped"), home.join("killed"));
    let log = open(&stopped);
    fill(&log, &stopped, 1, ENTRIES, has_tables);
    copy_used(&stopped, &killed);
    drop(log);
    let trimmed = home.join("trimmed/stopped");
    copy_used(&stopped, &trimmed);
    [trimmed, killed]
}

/// Opens a damaged store: everything is there, or it is refused with numbers and left as it is. Says which.
fn whole_or_refused(folder: &Path, what: &str) -> bool {
    let before = files(folder);
    let mut lines = Vec::new();
    let verified = verify(folder, &mut |_, _| {}, &mut |line| lines.push(line));
    match FjallLog::open(folder, &options()) {
        Ok(log) => {
            assert_eq!(kept(&log), all(), "{what} opened in silence");
            assert_eq!(verified, Ok(true), "{what}: {lines:?}");
            true
        }
        Err(error) => {
            let words = error.to_string();
            assert!(words.contains("Nothing was cut") && words.contains("verify"), "{what}: {words}");
            assert_eq!(verified, Ok(false), "{what}: {words} {lines:?}");
            assert!(files(folder) == before, "{what}: the refused start changed something ({words})");
            false
        }
    }
}

#[test]
fn ten_refused_starts_change_nothing_and_say_how_much_can_be_read() {
    let home = home();
    for store in stores(home.path(), false) {
        let (path, used) = journal(&store);
        flip(&path, used / 4);
        let before = files(&store);
        for _ in 0..10 {
            let words = FjallLog::open(&store, &options()).map(drop).unwrap_err().to_string();
            assert!(words.contains("damaged after commit") && words.contains("of at least 81"), "{words}");
        }
        assert!(files(&store) == before, "a refused start changed something");
        flip(&path, used / 4);
        assert_eq!(kept(&open(&store)), all(), "with the byte put right everything is there");
    }
}

#[test]
fn one_wrong_byte_of_a_journal_is_never_swallowed() {
    let home = home();
    for store in stores(home.path(), false) {
        let is_killed = store.ends_with("killed");
        let (path, used) = journal(&store);
        let bytes = fs::read(&path).unwrap();
        let last = bytes[..used as usize - 4].windows(4).rposition(|four| four == b"FJL\x03").unwrap() as u64 + 4;
        let places = (0..used).step_by(307).chain([0, 1, 5, last - 1, last, last + 1, last + 5, last + 20, used - 1]);
        for at in places {
            let torn = home.path().join("torn");
            copy_used(&store, &torn);
            flip(&torn.join(path.strip_prefix(&store).unwrap()), at);
            // Sequence numbers have no checksum: the last one may be wrong, and does no harm.
            // That of the first one, which makes the store, is compared with 0.
            let may_be_whole = (last + 5..last + 13).contains(&at) || (5..8).contains(&at);
            if is_killed && at >= last && !may_be_whole {
                // Nobody can tell it from a commit that was on its way.
                let log = open(&torn);
                let (entries, apps) = kept(&log);
                assert_eq!(
                    (entries.len() as u64, apps as u64),
                    (ENTRIES, ENTRIES - 1),
                    "byte {at}: the last commit goes, no other"
                );
                assert!(torn.join("store.cut").is_dir(), "byte {at}: the original is kept");
            } else {
                let is_whole = whole_or_refused(&torn, &format!("byte {at} of {used}, {}", store.display()));
                assert!(!is_whole || may_be_whole, "byte {at} of {used} was missed");
            }
            fs::remove_dir_all(&torn).unwrap();
        }
    }
}

#[test]
fn one_wrong_byte_of_any_other_file_is_never_swallowed() {
    let home = home();
    for store in stores(home.path(), true) {
        let mut refused = 0;
        for (name, bytes) in of_each_kind(&store) {
            if is_journal(&name) || bytes.is_empty() {
                continue;
            }
            let length = bytes.len() as u64;
            for at in [0, length / 2, length - 1] {
                flip(&store.join(&name), at);
                let copied = home.path().join("copied");
                copy_used(&store, &copied);
                flip(&store.join(&name), at);
                refused += u32::from(!whole_or_refused(&copied, &format!("byte {at} of {length} of {}", name.display())));
                fs::remove_dir_all(&copied).unwrap();
            }
        }
        assert!(refused >= 12, "lists and tables were hit: {refused}");
    }
}

#[test]
fn a_file_cut_short_or_missing_is_never_swallowed() {
    let home = home();
    for store in stores(home.path(), true) {
        let is_killed = store.ends_with("killed");
        for (name, bytes) in of_each_kind(&store) {
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1) as u64;
            for length in [None, Some(0), Some(used / 2), Some(used.saturating_sub(1))] {
                let copied = home.path().join("copied");
                copy_used(&store, &copied);
                let path = copied.join(&name);
                match length {
                    None => fs::remove_file(&path).unwrap(),
                    Some(length) => OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap(),
                }
                let what = format!("{} with {length:?} of {used} bytes", name.display());
                if is_killed && is_journal(&name) && length == Some(used - 1) {
                    drop(open(&copied));
                    assert!(copied.join("store.cut").is_dir(), "{what}: the original is kept");
                } else {
                    let is_whole = whole_or_refused(&copied, &what);
                    assert!(!is_journal(&name) || !is_whole, "{what} is missed");
                }
                fs::remove_dir_all(&copied).unwrap();
            }
        }
        for folder in fs::read_dir(store.join("store/keyspaces")).unwrap().map(|entry| entry.unwrap().file_name()) {
            let copied = home.path().join("copied");
            copy_used(&store, &copied);
            fs::remove_dir_all(copied.join("store/keyspaces").join(&folder)).unwrap();
            assert!(!whole_or_refused(&copied, &format!("keyspaces/{} missing", folder.display())));
            fs::remove_dir_all(&copied).unwrap();
        }
        fs::remove_dir_all(store.join("store")).unwrap();
        assert!(!whole_or_refused(&store, "the whole store missing"));
    }
}

#[test]
fn a_file_of_an_earlier_stop_is_never_swallowed() {
    let home = home();
    let (store, early) = (home.path().join("store"), home.path().join("early"));
    let log = open(&store);
    fill(&log, &store, 1, ENTRIES / 2, true);
    drop(log);
    copy_used(&store, &early);
    let log = open(&store);
    fill(&log, &store, ENTRIES / 2 + 1, ENTRIES, false);
    for _ in 0..20 {
        append(&log, (1..=200).map(|at| text(room(3), at, NOON)).collect(), vec![]);
    }
    drop(log);
    for (name, _) in of_each_kind(&early).into_iter().filter(|(name, _)| store.join(name).exists()) {
        let copied = home.path().join("copied");
        copy_used(&store, &copied);
        fs::copy(early.join(&name), copied.join(&name)).unwrap();
        let is_whole = whole_or_refused(&copied, &format!("{} of an earlier stop", name.display()));
        assert!(!is_journal(&name) || !is_whole, "{} is missed", name.display());
        fs::remove_dir_all(&copied).unwrap();
    }
    // The whole store of an earlier stop.
    fs::remove_dir_all(store.join("store")).unwrap();
    copy_used(&early.join("store"), &store.join("store"));
    assert!(!whole_or_refused(&store, "the store of an earlier stop"));
}

#[test]
fn a_backup_under_load_holds_all_that_was_acknowledged_before_and_can_be_restored() {
    let home = home();
    let (store, backup, restored) = (home.path().join("store"), home.path().join("backup"), home.path().join("restored"));
    let log = open(&store);
    fill(&log, &store, 1, ENTRIES, true);
    let (before, mut copied) = (log.epoch(), 0);
    std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let busy = &log;
        scope.spawn(move || {
            let mut seq = 1;
            while seq < 10_000 && stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                append(busy, (seq..seq + 50).map(|seq| text(room(9), seq, NOON)).collect(), vec![snapshot(room(9), seq)]);
                seq += 50;
            }
        });
        for round in 1..=2 {
            let backup = home.path().join(format!("backup{round}"));
            let last = log.records(room(9), Seq(0), usize::MAX).unwrap().len();
            copied = log.backup(&backup, &mut |_| true).unwrap().commits;
            assert_eq!(verify(&backup, &mut |_, _| {}, &mut |_| {}), Ok(true), "round {round}");
            let opened = open(&backup);
            assert_eq!(kept(&opened), all(), "round {round}");
            let after = seqs(&opened.records(room(9), Seq(0), usize::MAX).unwrap());
            assert!(after.len() >= last && after == (1..=after.len() as u64).collect::<Vec<_>>(), "round {round}");
        }
        log.backup(&backup, &mut |_| true).unwrap();
        drop(stop);
    });
    assert!(copied > 80, "{copied} commits");
    let words = log.backup(&backup, &mut |_| true).unwrap_err().to_string();
    assert!(words.contains("not empty"), "{words}");
    let ended = log.backup(&home.path().join("ended"), &mut |_| false);
    assert!(ended.is_err() && !home.path().join("ended/store").exists(), "one that was ended is none");
    drop(log);

    restore(&backup, &restored, &mut |_, _| true).unwrap();
    assert_eq!(verify(&restored, &mut |_, _| {}, &mut |_| {}), Ok(true));
    let log = open(&restored);
    assert_eq!(kept(&log), all());
    assert!(log.epoch().0 > before.0 + 1_000_000, "no client has seen a later epoch");
    drop(log);
    assert!(restore(&backup, &restored, &mut |_, _| true).is_err(), "only an empty folder is filled");
    let (path, used) = journal(&backup);
    let table = files(&backup.join("store")).into_keys().find(|name| name.to_str().unwrap().contains("tables/")).unwrap();
    for (path, at) in [(path, used / 2), (backup.join("store").join(table), 10)] {
        flip(&path, at);
        assert!(restore(&backup, &home.path().join("bad"), &mut |_, _| true).is_err(), "{}", path.display());
        flip(&path, at);
    }
    assert!(!home.path().join("bad").exists(), "a refused restore leaves nothing");
}

/// What a folder of format 1 is: no count, no word of the last run.
#[test]
fn a_folder_of_format_1_opens_and_is_raised() {
    let home = home();
    let log = open(home.path());
    fill(&log, home.path(), 1, ENTRIES, false);
    drop(log);
    for name in ["store.state", "store.mark"] {
        fs::remove_file(home.path().join(name)).unwrap();
    }
    let db = ::fjall::Database::builder(home.path().join("store")).open().unwrap();
    db.delete_keyspace(db.keyspace("commits", ::fjall::KeyspaceCreateOptions::default).unwrap()).unwrap();
    let meta = db.keyspace("meta", ::fjall::KeyspaceCreateOptions::default).unwrap();
    meta.insert("format", 1_u64.to_be_bytes()).unwrap();
    db.persist(::fjall::PersistMode::SyncAll).unwrap();
    drop((meta, db));
    assert_eq!(kept(&open(home.path())), all());
    let db = ::fjall::Database::builder(home.path().join("store")).open().unwrap();
    let meta = db.keyspace("meta", ::fjall::KeyspaceCreateOptions::default).unwrap();
    assert_eq!(meta.get("format").unwrap().as_deref(), Some(&4_u64.to_be_bytes()[..]));
    drop((meta, db));
    assert_eq!(kept(&open(home.path())), all());
}

/// Makes the word of the last run say that it was before the last start of the machine.
fn lose_power(folder: &Path) {
    name_boot(folder, "another");
}

/// Makes the word of the last run name this start of the machine.
fn name_boot(folder: &Path, name: &str) {
    let path = folder.join("store.state");
    let text = fs::read_to_string(&path).unwrap();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let body = text.lines().next().unwrap().replace(boot.trim(), name);
    let sum = xxhash_rust::xxh3::xxh3_64(body.as_bytes());
    fs::write(&path, format!("{body}\n{sum:016x}\n")).unwrap();
}

#[test]
fn a_power_loss_may_tear_what_the_disk_was_not_waited_for_and_nothing_else() {
    let home = home();
    let (live, left) = (home.path().join("live"), home.path().join("left"));
    let log = FjallLog::open(&live, &Options { durability: Durability::Interval { ms: 3_600_000 }, ..options() }).unwrap();
    fill(&log, &live, 1, ENTRIES, false);
    // The last entry that a sync covers is the one before the last of `fill`, which syncs each pair.
    let (path, synced) = journal(&live);
    for seq in ENTRIES + 1..=ENTRIES + 10 {
        append(&log, vec![text(room(1), seq, NOON)], vec![]);
    }
    copy_used(&live, &left);
    drop(log);
    let (_, used) = journal(&left);
    let path = left.join(path.strip_prefix(&live).unwrap());
    let hole = synced + (used - synced) / 2;
    flip(&path, hole);
    assert!(!whole_or_refused(&left, "a wrong byte without a power loss"));
    let nameless = home.path().join("nameless");
    copy_used(&left, &nameless);
    name_boot(&nameless, "");
    assert!(!kept(&open(&nameless)).0.is_empty(), "where starts of the machine have no names");
    lose_power(&left);
    let again = home.path().join("again");
    copy_used(&left, &again);
    flip(&again.join(path.strip_prefix(&left).unwrap()), synced / 2);
    assert!(!whole_or_refused(&again, "a wrong byte of what was synced"));
    let entries = kept(&open(&left)).0;
    assert!((ENTRIES..ENTRIES + 10).contains(&(entries.len() as u64)), "{} entries", entries.len());
    assert!(left.join("store.cut").is_dir());
}
