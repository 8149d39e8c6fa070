//! What the log costs: records per second and processor time per record, by the size of a batch.
//!
//! Every commit is durable, on the disk that holds the folder for temporary files. As many batches are under way as a node with
//! two workers has. Run with `cargo bench --bench log`; `-- interval` for the other durability, `-- memory` for the log in memory.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use chatroom::id::{AccountId, Epoch, RoomId, Seq, UnixMs};
use chatroom::log::{Batch, Durability, FjallLog, Log, MemoryLog, Options, Pen};
use chatroom::room::{Actor, Command, Entry, HistoryQuery, Link, Op, Origin, PushBody, Record, Stamp};
use chatroom::server::logbook;
use chatroom::wire::pb;
use prost::Message as _;

const ROOMS: u64 = 500;
const UNDER_WAY: usize = 8;
const TIME: Duration = Duration::from_secs(5);

fn main() {
    let is_asked = |word: &str| std::env::args().any(|argument| argument == word);
    let durability = if is_asked("interval") { Durability::Interval { ms: 1000 } } else { Durability::Commit };
    println!("memory at start: {} KiB", resident_kib());
    println!("batch  records/s  commits/s  commit mean  CPU/record: all threads, writer, store");
    for size in [1, 64, 1000] {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let log: Box<dyn Log> = if is_asked("memory") {
            Box::new(MemoryLog::new().expect("a thread"))
        } else {
            Box::new(FjallLog::open(folder.path(), &Options { durability, ..Options::default() }).expect("a new folder"))
        };
        if size == 1 {
            println!("memory with an empty log: {} KiB", resident_kib());
        }
        measure(&*log, size);
    }
}

fn measure(log: &dyn Log, size: u64) {
    let (tell, told) = channel();
    let (started, cpu) = (Instant::now(), Cpu::now());
    // Making the records is no part of the log's cost: the same body serves all.
    let (template, mut pen) = (template(), Pen::default());
    let (mut next, mut done, mut under_way, mut making) = (0, 0, 0, Duration::ZERO);
    while started.elapsed() < TIME || under_way > 0 {
        while under_way < UNDER_WAY && started.elapsed() < TIME {
            let making_since = Instant::now();
            let records: Vec<Record> = (next..next + size).map(|number| record(&template, number)).collect();
            making += making_since.elapsed();
            let write = |record| logbook::write(&mut pen, record).expect("a message can be kept");
            let records = records.into_iter().map(write).collect();
            next += size;
            under_way += 1;
            let tell = tell.clone();
            let committed = Box::new(move |result| tell.send(result).expect("the bench waits for it"));
            log.append(Batch { records, snapshots: Vec::new(), reports: Vec::new(), shards: Vec::new(), committed });
        }
        told.recv().expect("a sender is here").expect("the disk takes it");
        under_way -= 1;
        done += size;
    }
    let (took, used) = (started.elapsed().as_secs_f64(), Cpu::now().since(&cpu));
    let stats = log.stats().expect("counted");
    let commits = stats.commits.load(std::sync::atomic::Ordering::Relaxed);
    let mean = stats.commit_us.load(std::sync::atomic::Ordering::Relaxed) / commits.max(1);
    let each = |ms: u64| ms as f64 * 1e3 / done as f64;
    println!(
        "{size:5}  {:9.0}  {:9.0}  {mean:8} us  {:.2} us, {:.2} us, {:.2} us; memory {} KiB",
        done as f64 / took,
        commits as f64 / took,
        each(used.all.saturating_sub(making.as_millis() as u64)),
        each(used.writer),
        each(used.store),
        resident_kib()
    );
    let room = RoomId::new(1).expect("positive");
    let query = HistoryQuery {
        room,
        anchor: None,
        limit: 100,
        oldest_first: false,
        types: Vec::new(),
        not_before: UnixMs(0),
        not_after: None,
        scope: Default::default(),
    };
    let asked = Instant::now();
    let mut items = 0;
    for _ in 0..20 {
        items = logbook::history(log, &query).expect("readable").items.len();
    }
    println!("       last {items} of a room: {} us", asked.elapsed().as_micros() / 20);
}

struct Template {
    actor: Actor,
    op: Op,
    body: bytes::Bytes,
}

fn template() -> Template {
    let message = pb::Message {
        room_id: 1,
        seq: 1,
        time_ms: 1_700_000_000_000,
        message_id: "6f9619ff-8b86-d011-b42d-00c04fc964ff".into(),
        from: "alice".into(),
        from_nick: "Alice".into(),
        body: vec![b'x'; 100].into(),
        ..Default::default()
    };
    let command = Command::send_from_message(&message);
    let actor = Actor {
        account: AccountId::parse("alice").expect("a name"),
        connection: None,
        origin: Origin::Member,
        anonymous: false,
        globally_muted: false,
        names_nobody: false,
        client_type: 16,
        on_behalf: None,
    };
    Template { actor, op: command.op, body: message.encode_to_vec().into() }
}

fn record(template: &Template, number: u64) -> Record {
    let (room, seq) = (number % ROOMS + 1, number / ROOMS + 1);
    let stamp =
        Stamp { time: UnixMs(1_700_000_000_000 + seq as i64), clock: UnixMs(1_700_000_000_000 + seq as i64), random: number };
    let command = Command { actor: template.actor.clone(), op: template.op.clone() };
    let entry = Entry { seq: Seq(seq), epoch: Epoch(1), stamp, command };
    let push = Some(PushBody::Message { message_type: 0, body: template.body.clone() });
    Record {
        room: RoomId::new(room as i64).expect("positive"),
        entry,
        push,
        notify_target_tags: String::new(),
        in_history: true,
        link: Link::default(),
    }
}

/// Milliseconds of processor time, by the name of the thread. Zero where there is no `/proc`.
struct Cpu {
    all: u64,
    writer: u64,
    store: u64,
}

impl Cpu {
    fn now() -> Cpu {
        let mut cpu = Cpu { all: 0, writer: 0, store: 0 };
        for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
            let read = |file| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
            let ns: u64 = read("schedstat").split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
            cpu.all += ns / 1_000_000;
            match read("comm").trim() {
                "log-writer" => cpu.writer += ns / 1_000_000,
                "fjall:worker" => cpu.store += ns / 1_000_000,
                _ => {}
            }
        }
        cpu
    }

    fn since(&self, earlier: &Cpu) -> Cpu {
        Cpu {
            all: self.all.saturating_sub(earlier.all),
            writer: self.writer.saturating_sub(earlier.writer),
            store: self.store.saturating_sub(earlier.store),
        }
    }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    line.and_then(|line| line.split_whitespace().nth(1)).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}
