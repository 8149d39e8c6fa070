//! What the server costs per delivery and per join, as a share of what the kernel alone costs. docs/performance.md explains it.
//!
//! The real `chatroomd` and the bare loop run side by side, each pinned to processor 0; one generator per server runs on
//! processor 1. Rounds alternate between the two, and the figure is the median of the rounds' ratios.

#[path = "support/bare.rs"]
mod bare;
#[path = "support/generator.rs"]
mod generator;
#[path = "support/instructions.rs"]
mod instructions;
#[path = "support/joins.rs"]
mod joins;
#[path = "support/plan.rs"]
mod plan;
#[path = "support/report.rs"]
mod report;
#[path = "../tests/support/mod.rs"]
mod support;
#[path = "support/target.rs"]
mod target;
#[path = "support/wire_bytes.rs"]
mod wire_bytes;

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rustix::thread::{CpuSet, sched_setaffinity};

use plan::{Pace, Plan, Round, Target};
use report::{Line, Report, Verdict};
use support::{Peer, Server, Setup, raise_open_files};

/// Says to a copy of this program that it is the bare loop or a generator; the value is the path of its input.
const ROLE_BARE: &str = "CHATROOM_FANOUT_BARE";
const ROLE_GENERATOR: &str = "CHATROOM_FANOUT_GENERATOR";
/// Processor of the servers.
const SERVER_CPU: usize = 0;
/// Processor of the generators.
const GENERATOR_CPU: usize = 1;
/// Bytes of a delivery when there is no server of ours to take one from.
const DELIVERY_BYTES: usize = 240;
/// Files a process may need: the connections of figure 3, and some.
const OPEN_FILES: u64 = 16_000;

const USAGE: &str = "\
cargo bench --bench fanout -- [FIGURE...] [--memory] [--redis] [--against PATH] [--without-ours]
                           [--seconds S] [--rounds N] [--check]

FIGURE      numbers from 1 to 8; all of them when none is given
--memory    run chatroomd with --memory instead of a data folder with durability=commit
--redis     also measure Redis publish/subscribe in figures 1, 2, 3 and 7 (needs redis-server)
--against   also measure another chatroomd, say one built before a change: the program at this path
--without-ours
            leave chatroomd out of figures 1, 2, 3, 6 and 7: shows what the machine gives the others, and prints no table
--seconds   measured time of a round (default 1)
--rounds    rounds of each server and figure (default 7)
--check     end with an error when a target is missed";

/// What the command line asks for.
#[derive(Clone)]
struct Wishes {
    figures: Vec<u32>,
    memory: bool,
    redis: bool,
    against: Option<PathBuf>,
    without_ours: bool,
    seconds: f64,
    rounds: usize,
    check: bool,
}

fn main() -> ExitCode {
    let outcome = if let Ok(path) = std::env::var(ROLE_BARE) {
        std::fs::read(path).and_then(|push| bare::serve(&push)).map(|()| ExitCode::SUCCESS)
    } else if let Ok(path) = std::env::var(ROLE_GENERATOR) {
        std::fs::read(path).and_then(|plan| generator::run(serde_json::from_slice(&plan)?)).map(|()| ExitCode::SUCCESS)
    } else {
        match wishes(std::env::args().skip(1)) {
            Ok(wishes) => measure(&wishes),
            Err(usage) => {
                eprintln!("{usage}");
                return ExitCode::from(2);
            }
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("fanout: {error}");
        ExitCode::FAILURE
    })
}

fn wishes(arguments: impl Iterator<Item = String>) -> Result<Wishes, String> {
    let mut wishes = Wishes {
        figures: Vec::new(),
        memory: false,
        redis: false,
        against: None,
        without_ours: false,
        seconds: 1.0,
        rounds: 7,
        check: false,
    };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        if argument == "--against" {
            wishes.against = Some(arguments.next().ok_or(USAGE)?.into());
            continue;
        }
        let mut number =
            || arguments.next().and_then(|text| text.parse::<f64>().ok()).filter(|number| *number > 0.0).ok_or(USAGE);
        match argument.as_str() {
            // What cargo adds by itself.
            "--bench" => {}
            "--memory" => wishes.memory = true,
            "--redis" => wishes.redis = true,
            "--without-ours" => wishes.without_ours = true,
            "--check" => wishes.check = true,
            "--seconds" => wishes.seconds = number()?,
            "--rounds" => wishes.rounds = number()? as usize,
            _ => match argument.parse() {
                Ok(figure @ 1..=8) => wishes.figures.push(figure),
                _ => return Err(USAGE.into()),
            },
        }
    }
    if wishes.figures.is_empty() {
        wishes.figures = (1..=8).collect();
    }
    Ok(wishes)
}

fn measure(wishes: &Wishes) -> io::Result<ExitCode> {
    let files = raise_open_files(OPEN_FILES);
    if files < OPEN_FILES {
        eprintln!("fanout: only {files} files may be open; figures 3, 4 and 5 need {OPEN_FILES}");
    }
    // The processes started from here inherit it, ours and the others alike: what else the machine does disturbs less.
    if rustix::process::setpriority_process(None, -20).is_err() {
        eprintln!("fanout: not allowed to raise the priority; other work on this machine will show in the figures");
    }
    let begin = Instant::now();
    let mut report = Report::default();
    for &figure in &wishes.figures {
        match figure {
            1 => ratio(
                wishes,
                &mut report,
                1,
                "1,000 members, 64 outstanding, 128 B",
                (1, 1, 1000),
                Pace::Outstanding(64),
                (0.60, 0.90),
            )?,
            2 => ratio(
                wishes,
                &mut report,
                2,
                "1,000 members, 1 outstanding, 128 B",
                (1, 1, 1000),
                Pace::Outstanding(1),
                (0.80, 1.10),
            )?,
            3 => ratio(
                wishes,
                &mut report,
                3,
                "1,000 rooms x 10 members, 1 outstanding each, 128 B",
                (1000, 1, 10),
                Pace::Outstanding(1),
                (0.60, 0.90),
            )?,
            // Figures 4 and 5 come from the same 10,000 connections.
            4 if wishes.figures.contains(&5) => {}
            4 | 5 => {
                let against = wishes.against.as_deref().map(|program| (program, wishes.rounds));
                joins::measure(wishes.memory, against, &wishes.figures, &mut report)?;
            }
            6 => latency(wishes, &mut report)?,
            7 => ratio(
                wishes,
                &mut report,
                7,
                "1,000 members, 10 of them in turn, 64 outstanding, 128 B",
                (1, 10, 1000),
                Pace::Outstanding(64),
                (0.60, 0.90),
            )?,
            _ => instructions::measure(wishes.against.as_deref(), &mut report)?,
        }
    }
    if wishes.without_ours {
        return Ok(ExitCode::SUCCESS);
    }
    report.print(wishes.memory, begin.elapsed());
    Ok(if wishes.check && report.missed() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Figures 1, 2, 3 and 7: deliveries per second of server processor time, ours as a share of the bare loop's.
fn ratio(
    wishes: &Wishes,
    report: &mut Report,
    figure: u32,
    title: &str,
    (rooms, publishers, receivers): (usize, u32, u32),
    pace: Pace,
    (target, goal): (f64, f64),
) -> io::Result<()> {
    let rounds = contest(wishes, figure, (rooms, publishers, receivers), pace, wishes.redis)?;
    let share = |round: &Results, of: usize| Some(round[of].as_ref()?.per_cpu_second() / round[1].as_ref()?.per_cpu_second());
    report.lines.push(Line {
        figure,
        title: format!("{title}: ours / bare"),
        measured: median(rounds.iter().filter_map(|round| share(round, 0))),
        unit: "",
        target,
        goal,
        verdict: Verdict::AtLeast,
    });
    if wishes.redis {
        report.notes.push(format!(
            "{figure}: Redis / bare {:.2}, ours / Redis {:.2}",
            median(rounds.iter().filter_map(|round| share(round, 2))),
            median(rounds.iter().filter_map(|round| Some(share(round, 0)? / share(round, 2)?)))
        ));
    }
    if wishes.against.is_some() {
        let against = rounds.iter().filter_map(|round| Some(share(round, 0)? / share(round, 3)?));
        report.notes.push(format!("{figure}: ours / the other chatroomd {:.2}", median(against)));
    }
    Ok(())
}

/// Figure 6: the delay of 20,000 deliveries a second, ours over the bare loop's.
fn latency(wishes: &Wishes, report: &mut Report) -> io::Result<()> {
    let rounds = contest(wishes, 6, (10, 1, 100), Pace::PerSecond(20.0), false)?;
    let ratio = |round: &Results, of: usize| Some(round[0].as_ref()?.p99_us as f64 / round[of].as_ref()?.p99_us.max(1) as f64);
    report.lines.push(Line {
        figure: 6,
        title: "p99 delivery latency, 20,000 deliveries/s (10 rooms x 100): ours / bare".into(),
        measured: median(rounds.iter().filter_map(|round| ratio(round, 1))),
        unit: "",
        target: 1.5,
        goal: 1.0,
        verdict: Verdict::AtMost,
    });
    if wishes.against.is_some() {
        let against = median(rounds.iter().filter_map(|round| ratio(round, 3)));
        report.notes.push(format!("6: ours / the other chatroomd {against:.2}"));
    }
    Ok(())
}

/// One round of each: ours, the bare loop, Redis, another `chatroomd`.
type Results = [Option<Round>; 4];

/// Runs alternating rounds of ours, the bare loop and, if wanted, Redis and another `chatroomd`.
fn contest(
    wishes: &Wishes,
    figure: u32,
    (rooms, publishers, receivers): (usize, u32, u32),
    pace: Pace,
    redis: bool,
) -> io::Result<Vec<Results>> {
    let folder = tempfile::tempdir()?;
    let server = if wishes.without_ours { None } else { Some(start_server(wishes.memory, None)?) };
    let against = wishes.against.as_deref().map(|program| start_server(wishes.memory, Some(program))).transpose()?;
    let mut ids: Vec<i64> = (1..).take(rooms).collect();
    for server in server.iter().chain(&against) {
        let admin = server.admin();
        admin.create_user("owner");
        ids = (0..rooms).map(|number| admin.create_quiet_room("owner", &format!("room {number}"))).collect();
    }
    let sample_every = if matches!(pace, Pace::PerSecond(_)) { 1 } else { 16 };
    let plan = |target, address, server_pid| Plan {
        target,
        address,
        server_pid,
        rooms: ids.clone(),
        publishers,
        receivers,
        pace,
        body_bytes: 128,
        sample_every,
    };
    let mut generators = [None, None, None, None];
    let mut push = vec![0; DELIVERY_BYTES];
    push[..wire_bytes::HEADER_BYTES].copy_from_slice(&wire_bytes::FrameHeader::message(DELIVERY_BYTES));
    if let Some(server) = &server {
        let ours = plan(Target::Chatroom, server.wire, server.pid());
        push = capture_push(server, &ours)?;
        eprintln!("figure {figure}: chatroomd is process {}, a delivery is {} bytes", server.pid(), push.len());
        generators[0] = Some(Generator::start(&folder, &ours)?);
    }
    let bare = start_bare(&folder, &push)?;
    generators[1] = Some(Generator::start(&folder, &plan(Target::Bare, bare.address, bare.child.id()))?);
    let redis = if redis { Some(start_redis()?) } else { None };
    if let Some(redis) = &redis {
        generators[2] = Some(Generator::start(&folder, &plan(Target::Redis, redis.address, redis.child.id()))?);
    }
    if let Some(against) = &against {
        generators[3] = Some(Generator::start(&folder, &plan(Target::Chatroom, against.wire, against.pid()))?);
    }
    let mut rounds = Vec::new();
    for number in 1..=wishes.rounds {
        let mut results = [None, None, None, None];
        for ((generator, result), name) in generators.iter_mut().zip(&mut results).zip(["ours ", "bare ", "redis", "other"]) {
            if let Some(generator) = generator {
                let round = generator.round(Duration::from_secs_f64(wishes.seconds))?;
                eprintln!(
                    "  round {number} {name} {:>9.0} deliveries per CPU second ({:>6.3} us each), {:>9.0} per second, busy {:>3.0} %, p50 {:>6} us, p99 {:>6} us",
                    round.per_cpu_second(),
                    1e6 / round.per_cpu_second(),
                    round.per_second(),
                    100.0 * round.server_cpu_ns as f64 / round.wall_ns as f64,
                    round.p50_us,
                    round.p99_us
                );
                *result = Some(round);
            }
        }
        rounds.push(results);
    }
    Ok(rounds)
}

/// Starts `chatroomd`, this build's or the given one, on its processor and without limits on rates.
fn start_server(memory: bool, program: Option<&Path>) -> io::Result<Server> {
    let program = program.map(Path::to_owned);
    let config = support::process::UNLIMITED.into();
    on_cpu(SERVER_CPU, || Server::start(Setup { config, memory, workers: Some(1), program, ..Setup::default() }))
}

/// Does something with this thread pinned to a processor; processes started meanwhile stay pinned to it.
fn on_cpu<T>(cpu: usize, work: impl FnOnce() -> T) -> io::Result<T> {
    let before = rustix::thread::sched_getaffinity(None)?;
    let mut only = CpuSet::new();
    only.set(cpu);
    if !before.is_set(cpu) {
        return Err(io::Error::other(format!("processor {cpu} is not ours to use; two processors are needed")));
    }
    sched_setaffinity(None, &only)?;
    let result = work();
    sched_setaffinity(None, &before)?;
    Ok(result)
}

/// The frame a receiver of this plan gets for one message, byte for byte as the server sends it.
fn capture_push(server: &Server, plan: &Plan) -> io::Result<Vec<u8>> {
    let room = plan.rooms[0];
    let mut receiver = Peer::join(server, &format!("g0-{}", plan.publishers), room);
    let mut publisher = Peer::join(server, "g0-0", room);
    publisher.write(&target::message(plan, 0, 0))?;
    loop {
        let frame = receiver.frame(Instant::now() + support::PATIENCE)?;
        if frame.header.kind == chatroom::wire::PacketKind::Message as u16 {
            let mut bytes = BytesMut::new();
            frame.encode(&mut bytes);
            return Ok(bytes.to_vec());
        }
    }
}

/// A process that ends with this value.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start_bare(folder: &tempfile::TempDir, push: &[u8]) -> io::Result<Process> {
    let path = folder.path().join("push");
    std::fs::write(&path, push)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.env(ROLE_BARE, path).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = on_cpu(SERVER_CPU, || command.spawn())??;
    let stdout = child.stdout.take().expect("stdout is piped");
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let address = line.trim().strip_prefix("bare ready ").and_then(|address| address.parse().ok());
    Ok(Process { child, address: address.ok_or_else(|| io::Error::other("the bare loop is not ready"))? })
}

fn start_redis() -> io::Result<Process> {
    let address = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?.local_addr()?;
    let mut command = Command::new("redis-server");
    command.args(["--port", &address.port().to_string(), "--save", "", "--appendonly", "no", "--maxclients", "15000"]);
    command.args(["--bind", "127.0.0.1", "--client-output-buffer-limit", "pubsub 0 0 0"]);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let child = on_cpu(SERVER_CPU, || command.spawn())??;
    let process = Process { child, address };
    support::wait_until("redis-server", || TcpStream::connect(address).is_ok());
    Ok(process)
}

/// A generator process.
struct Generator {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Generator {
    /// Starts a generator and waits until its connections have joined.
    fn start(folder: &tempfile::TempDir, plan: &Plan) -> io::Result<Generator> {
        let path = folder.path().join(format!("{:?}-{}", plan.target, plan.server_pid));
        std::fs::write(&path, serde_json::to_vec(plan)?)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.env(ROLE_GENERATOR, path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = on_cpu(GENERATOR_CPU, || command.spawn())??;
        let answers = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut generator = Generator { child, answers };
        generator.answer()?;
        Ok(generator)
    }

    fn round(&mut self, measured: Duration) -> io::Result<Round> {
        let mut stdin = self.child.stdin.as_ref().expect("stdin is piped");
        writeln!(stdin, "{}", measured.as_millis())?;
        Ok(serde_json::from_str(&self.answer()?)?)
    }

    fn answer(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line)? {
            0 => Err(io::Error::other("a generator has failed")),
            _ => Ok(line),
        }
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
