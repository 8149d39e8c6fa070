//! What the log on disk acknowledged survives whatever ends the process.
//!
//! The test program starts itself again as the process that is killed: an environment variable names the folder it writes to.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::records::*;
use crate::store_files::{copy, journal};
use chatroom::id::{Epoch, Seq, UnixMs};
use chatroom::log::{Batch, Durability, FjallLog, Log as _, LogError, Options, Snapshot, Space, Store as _};

const FOLDER: &str = "CHATROOM_TEST_LOG_FOLDER";
const INTERVAL: &str = "CHATROOM_TEST_LOG_INTERVAL";
const ROOMS: u64 = 3;

fn open(folder: &Path) -> FjallLog {
    FjallLog::open(folder, &Options::default()).unwrap()
}

/// The last entry of a room; every one before it is there once, in order.
fn last_in_order(log: &FjallLog, number: u64) -> u64 {
    let records = log.records(room(number as i64), Seq(0), usize::MAX).unwrap();
    let expected: Vec<u64> = (1..=records.len() as u64).collect();
    assert_eq!(seqs(&records), expected, "room {number}");
    for record in &records {
        assert_eq!(*record, entry(number, record.entry.seq.0), "what came back is what was written");
    }
    records.len() as u64
}

/// Entries of growing size, now and then larger than what the store writes at once, over two days.
fn entry(number: u64, seq: u64) -> chatroom::room::Record {
    let mut record = text(room(number as i64), seq, NOON + seq as i64 * DAY_MS / 20_000);
    if seq.is_multiple_of(50)
        && let Some(chatroom::room::PushBody::Message { body, .. }) = &record.push
    {
        let mut message = <chatroom::wire::pb::Message as prost::Message>::decode(body.clone()).unwrap();
        message.body = vec![b'x'; 3000].into();
        let body = prost::Message::encode_to_vec(&message).into();
        record.entry.command = chatroom::room::Command::send_from_message(&message);
        record.push = Some(chatroom::room::PushBody::Message { message_type: 0, body });
    }
    record
}

/// The process that is killed: appends without end, several batches under way, and prints the seq of each that was acknowledged.
///
/// An ordinary run of the tests gives it no folder and it has nothing to do.
#[test]
fn process_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let durability = match std::env::var_os(INTERVAL) {
        Some(_) => Durability::Interval { ms: 60_000 },
        None => Durability::Commit,
    };
    let log = FjallLog::open(Path::new(&folder), &Options { durability, ..Options::default() }).unwrap();
    let mut next = 1 + (1..=ROOMS).map(|number| last_in_order(&log, number)).min().unwrap();
    let (tell, told) = channel();
    let mut under_way = 0;
    loop {
        while under_way < 8 {
            let count = 1 + next % 97;
            let last = next + count - 1;
            let records = (next..=last).flat_map(|seq| (1..=ROOMS).map(move |number| entry(number, seq))).collect();
            let snapshots = if next % 5 == 0 { vec![snapshot(room(1), last)] } else { vec![] };
            let tell = tell.clone();
            let committed = Box::new(move |result: Result<(), LogError>| tell.send(result.map(|()| last)).unwrap());
            log.append(Batch { records: written(records), snapshots, reports: Vec::new(), shards: Vec::new(), committed });
            next = last + 1;
            under_way += 1;
        }
        let acknowledged = told.recv().unwrap().unwrap();
        under_way -= 1;
        // Straight to the descriptor: what the test harness captures would never be seen.
        let mut out = std::io::stdout().lock();
        writeln!(out, "acknowledged {acknowledged}").and_then(|()| out.flush()).unwrap();
    }
}

struct Killed(Child);

impl Killed {
    fn start(folder: &Path, interval: bool) -> Killed {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["crash::process_that_is_killed", "--exact", "--nocapture", "--test-threads=1"]).env(FOLDER, folder);
        if interval {
            command.env(INTERVAL, "1");
        }
        Killed(command.stdout(Stdio::piped()).spawn().unwrap())
    }

    /// Kills the process once it has acknowledged something and `after` has passed since; gives what it acknowledged last.
    fn kill(mut self, after: Duration) -> u64 {
        let out = BufReader::new(self.0.stdout.take().unwrap());
        let (tell, told) = channel();
        let reader = std::thread::spawn(move || {
            let mut last = 0;
            for line in out.lines() {
                // The last line may be cut off by the kill.
                let Some(seq) = line.unwrap().rsplit_once("acknowledged ").and_then(|(_, seq)| seq.parse().ok()) else {
                    continue;
                };
                last = seq;
                let _ = tell.send(());
            }
            last
        });
        told.recv_timeout(DEADLINE).expect("the process acknowledges something");
        let until = Instant::now() + after;
        while Instant::now() < until && told.recv_timeout(until - Instant::now()).is_ok() {}
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        reader.join().unwrap()
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // Already dead unless the test failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    for interval in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let mut epoch = Epoch(0);
        for round in 0..6_u64 {
            let acknowledged = Killed::start(folder.path(), interval).kill(Duration::from_millis(fastrand::u64(0..300)));
            let log = open(folder.path());
            assert!(log.epoch().0 >= epoch.0 + 2, "each start has a higher epoch");
            epoch = log.epoch();
            let lasts: Vec<u64> = (1..=ROOMS).map(|number| last_in_order(&log, number)).collect();
            assert!(lasts[0] >= acknowledged, "round {round}: {} of {acknowledged} acknowledged", lasts[0]);
            assert!(lasts.iter().all(|last| *last == lasts[0]), "a batch is there as a whole or not at all");
            let loaded = log.rebuilding(room(1), UnixMs(NOON)).unwrap().unwrap();
            assert_eq!(loaded.records.last().map(|record| record.entry.seq), Some(Seq(lasts[0])));
        }
    }
}

#[test]
fn a_torn_tail_is_cut_and_what_stands_before_it_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let whole = home.path().join("whole");
    let log = open(&whole);
    append(&log, (1..=10).map(|seq| text(room(1), seq, NOON)).collect(), vec![]);
    let (_, before) = journal(&whole);
    append(&log, (11..=40).map(|seq| text(room(1), seq, NOON)).collect(), vec![]);
    let (_, after) = journal(&whole);
    // As a process that is killed leaves it: after a clean stop nothing may be missing.
    let left = home.path().join("left");
    copy(&whole, &left);
    drop(log);
    let whole = left;
    for (number, cut) in
        [before + 1, before + (after - before) / 3, before + (after - before) / 2, after - 1].into_iter().enumerate()
    {
        let torn = home.path().join(number.to_string());
        copy(&whole, &torn);
        let (path, _) = journal(&torn);
        let file = OpenOptions::new().write(true).open(path).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(cut).unwrap();
        // What the file system had not brought to the disk reads as zeros.
        if number % 2 == 0 {
            file.set_len(length).unwrap();
        }
        drop(file);
        let original = std::fs::read(journal(&torn).0).unwrap();
        let log = open(&torn);
        let kept = std::fs::read_dir(torn.join("store.cut")).unwrap().next().unwrap().unwrap().path();
        assert!(std::fs::read(kept).unwrap() == original, "the original is kept");
        let stats = log.stats().unwrap();
        let ends = stats.cut_ends.load(std::sync::atomic::Ordering::Relaxed);
        let bytes = stats.cut_bytes.load(std::sync::atomic::Ordering::Relaxed);
        assert!(ends == 1 && (1..=cut - before).contains(&bytes), "{ends} ends of {bytes} bytes, {cut} - {before}");
        assert_eq!(seqs(&log.records(room(1), Seq(0), 100).unwrap()), (1..=10).collect::<Vec<_>>());
        append(&log, vec![text(room(1), 11, NOON)], vec![]);
        drop(log);
        assert_eq!(seqs(&open(&torn).records(room(1), Seq(0), 100).unwrap()), (1..=11).collect::<Vec<_>>());
    }
}

/// The recall and what it takes out are one commit: whichever part of it reached the disk, either both are there or neither.
#[test]
fn a_torn_recall_is_whole_or_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let said = text(room(1), 1, NOON);
    let log = open(folder.path());
    append(&log, vec![said.clone()], vec![]);
    drop(log);
    let log = open(folder.path());
    let (_, before) = journal(folder.path());
    append(&log, vec![recall(room(1), 2, NOON + 1, &said)], vec![]);
    let (_, after) = journal(folder.path());
    let left = tempfile::tempdir().unwrap();
    copy(folder.path(), left.path());
    drop(log);
    let folder = left;
    let mut outcomes = [0, 0];
    let step = usize::try_from((after - before) / 10).unwrap().max(1);
    for cut in (before..=after).step_by(step).chain([after]) {
        let torn = tempfile::tempdir().unwrap();
        copy(folder.path(), torn.path());
        OpenOptions::new().write(true).open(journal(torn.path()).0).unwrap().set_len(cut).unwrap();
        let log = open(torn.path());
        let records = log.records(room(1), Seq(0), 10).unwrap();
        let is_found = log.find(&find(&said)).unwrap().is_some();
        match seqs(&records)[..] {
            [1] => assert!(is_found && records[0] == said, "cut at {cut} of {after}"),
            [1, 2] => assert!(!is_found && records[0] != said, "cut at {cut} of {after}"),
            ref other => panic!("cut at {cut} of {after}: {other:?}"),
        }
        outcomes[records.len() - 1] += 1;
    }
    assert!(outcomes[0] > 0 && outcomes[1] > 0, "{outcomes:?}");
}

#[test]
fn a_hole_in_a_large_value_of_the_last_commit_costs_that_commit_only() {
    let home = tempfile::tempdir().unwrap();
    let log = open(home.path());
    append(&log, (1..=10).map(|seq| text(room(1), seq, NOON)).collect(), vec![snapshot(room(1), 5)]);
    let large = Snapshot::whole(room(1), Seq(11), vec![b'x'; 20_000].into());
    append(&log, vec![text(room(1), 11, NOON)], vec![large]);
    let left = tempfile::tempdir().unwrap();
    copy(home.path(), left.path());
    drop(log);
    let home = left;
    let (path, used) = journal(home.path());
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(used - 12_000)).unwrap();
    file.write_all(&[0; 4096]).unwrap();
    drop(file);
    let loaded = open(home.path()).rebuilding(room(1), UnixMs(NOON)).unwrap().unwrap();
    assert_eq!((loaded.snapshot, seqs(&loaded.records)), (Some(snapshot(room(1), 5)), (1..=10).collect()));
}

#[test]
fn a_restart_finds_everything_again() {
    let home = tempfile::tempdir().unwrap();
    let log = open(home.path());
    append(&log, vec![create(room(9), NOON), text(room(9), 2, NOON + DAY_MS)], vec![snapshot(room(9), 1)]);
    log.put(Space::Apps, b"app", b"secret").unwrap();
    log.put_soon(Space::Accounts, b"app\0alice", b"token").unwrap();
    // The room's number is taken even if nothing of it is left.
    append(&log, vec![create(room(12), NOON)], vec![]);
    let (epoch, loaded) = (log.epoch(), log.rebuilding(room(9), UnixMs(NOON + DAY_MS)).unwrap());
    assert!(loaded.is_some());
    drop(log);
    let log = open(home.path());
    assert_eq!(log.epoch(), Epoch(epoch.0 + 1));
    assert_eq!(log.last_number(), 12);
    assert_eq!(log.rebuilding(room(9), UnixMs(NOON + DAY_MS)).unwrap(), loaded);
    assert_eq!(log.scan(Space::Apps).unwrap()[0].1, "secret");
    assert_eq!(log.scan(Space::Accounts).unwrap()[0].1, "token");
    // S003-007: an expired day is gone after a restart, the state it held is not.
    let (long_after, days) = (UnixMs(NOON + 30 * DAY_MS), 10);
    assert_eq!(log.expire(long_after, days).unwrap(), 2);
    drop(log);
    let log = open(home.path());
    assert_eq!(log.expire(long_after, days).unwrap(), 0);
    assert_eq!(seqs(&log.rebuilding(room(9), long_after).unwrap().unwrap().records), [2]);
    assert_eq!(seqs(&log.rebuilding(room(12), long_after).unwrap().unwrap().records), [1]);
    assert_eq!(log.last_number(), 12);
}

#[test]
fn a_folder_belongs_to_one_process_at_a_time() {
    let home = tempfile::tempdir().unwrap();
    let log = open(home.path());
    let error = FjallLog::open(home.path(), &Options::default()).map(drop).unwrap_err();
    let words = error.to_string();
    assert!(words.contains("in use by another chatroomd"), "{words}");
    assert!(words.contains(&std::process::id().to_string()), "{words}");
    drop(log);
    open(home.path());
}

#[test]
fn an_unknown_format_is_refused_and_left_alone() {
    let home = tempfile::tempdir().unwrap();
    drop(open(home.path()));
    let set_format = |format: u64| {
        let db = ::fjall::Database::builder(home.path().join("store")).open().unwrap();
        let meta = db.keyspace("meta", ::fjall::KeyspaceCreateOptions::default).unwrap();
        meta.insert("format", format.to_be_bytes()).unwrap();
        db.persist(::fjall::PersistMode::SyncAll).unwrap();
    };
    set_format(5);
    let words = FjallLog::open(home.path(), &Options::default()).map(drop).unwrap_err().to_string();
    assert!(words.contains("format 5") && words.contains("formats 1 to 4"), "{words}");
    set_format(1);
    assert_eq!(open(home.path()).epoch(), Epoch(2), "the refused start did not count");
    assert_eq!(open(home.path()).epoch(), Epoch(3), "one of format 1 was raised");
}

#[test]
fn a_first_start_that_was_cut_off_begins_again() {
    let home = tempfile::tempdir().unwrap();
    let half_made = home.path().join("store.new");
    std::fs::create_dir_all(half_made.join("keyspaces")).unwrap();
    std::fs::write(half_made.join("0.jnl"), b"").unwrap();
    let log = open(home.path());
    append(&log, vec![text(room(1), 1, NOON)], vec![]);
    assert!(!half_made.exists());
}
