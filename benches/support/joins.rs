//! Figures 4 and 5: what 10,000 joins cost in processor time, and what the connections occupy once they are idle.

use std::io::{self, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::report::{Line, Report, Verdict};
use crate::support::process::{UNLIMITED, cpu_ns};
use crate::support::{Server, Setup};
use crate::target::{join_frame, read_join_answer};
use crate::{SERVER_CPU, median, on_cpu, start_server};

/// Connections that join.
const CONNECTIONS: usize = 10_000;
/// Rooms they join, in turn: few large ones, or many small ones.
const ROOMS: [usize; 2] = [10, 1_000];
/// Bytes of a connection to stay within, by rooms: when its account is known, and when the join registers it.
const BYTES_EACH_MAX: [(f64, f64); 2] = [(1_024.0, 1_800.0), (1_600.0, 2_400.0)];
/// Connections that join and leave before anything is measured, so that what the server needs once is not counted.
const WARM_UP: usize = 32;
/// Connections that are on their way in at the same time.
const BATCH: usize = 256;
/// Time the server gets to come to rest before its memory is read.
const REST: Duration = Duration::from_secs(2);

/// Measures both figures and reports those that are wanted.
///
/// Every account joins twice: the first join registers it, the second finds it. On disk the server is started anew in between, so
/// that nothing it has allocated for the first visit serves the second; with `--memory` that would forget the accounts, so there is
/// no memory of the second visit.
///
/// With another `chatroomd` to compare with, rounds alternate between the two, and so does which comes first: ports that are not
/// free yet make the second of a round slower. The medians of both stand in a note.
pub fn measure(memory: bool, against: Option<(&Path, usize)>, wanted: &[u32], report: &mut Report) -> io::Result<()> {
    for (rooms, bytes_max) in ROOMS.into_iter().zip(BYTES_EACH_MAX) {
        let is_first = rooms == ROOMS[0];
        // Joins per second come from the large rooms alone.
        if is_first || wanted.contains(&4) {
            let (ours, other) = compare(memory, against, rooms)?;
            if wanted.contains(&4) {
                report_memory(memory, rooms, bytes_max, (&ours, other.as_ref()), report);
            }
            if is_first && wanted.contains(&5) {
                report_joins(&ours, other.as_ref(), report);
            }
        }
    }
    Ok(())
}

/// The medians of ours and of the other program, if there is one.
fn compare(memory: bool, against: Option<(&Path, usize)>, rooms: usize) -> io::Result<(Joins, Option<Joins>)> {
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for round in 0..against.map_or(1, |(_, rounds)| rounds.max(1)) {
        let other_first = round % 2 == 0;
        if let Some((program, _)) = against.filter(|_| other_first) {
            others.push(measure_one(memory, Some(program), rooms)?);
        }
        own.push(measure_one(memory, None, rooms)?);
        if let Some((program, _)) = against.filter(|_| !other_first) {
            others.push(measure_one(memory, Some(program), rooms)?);
        }
    }
    Ok((Joins::medians(&own), (!others.is_empty()).then(|| Joins::medians(&others))))
}

fn report_memory(
    memory: bool,
    rooms: usize,
    (known_max, registered_max): (f64, f64),
    (ours, other): (&Joins, Option<&Joins>),
    report: &mut Report,
) {
    let mut line = |kind: &str, of: fn(&Joins) -> f64, bytes_max: f64| {
        let title = format!("memory per idle connection, 10,000 over {rooms} rooms, {kind}");
        if let Some(other) = other {
            report.notes.push(format!("4: {title}: {:.0} B with the other chatroomd, {:.0} B with ours", of(other), of(ours)));
        }
        let (unit, verdict) = ("B", Verdict::AtMost);
        report.lines.push(Line { figure: 4, title, measured: of(ours), unit, target: bytes_max, goal: bytes_max, verdict });
    };
    if !memory {
        line("accounts exist", |joins| joins.bytes_each, known_max);
    }
    line("joins register", |joins| joins.registering_bytes_each, registered_max);
}

fn report_joins(ours: &Joins, other: Option<&Joins>, report: &mut Report) {
    report.lines.push(Line {
        figure: 5,
        title: "joins (connect, login with dynamic token, enter) per server CPU second".into(),
        measured: ours.joins_per_cpu_second,
        unit: "/s",
        target: 8000.0,
        goal: 15_000.0,
        verdict: Verdict::AtLeast,
    });
    let registering = ours.registering_per_cpu_second;
    report.notes.push(format!("5: {registering:.0} joins per CPU second when the join also registers the account"));
    if let Some(other) = other {
        report.notes.push(format!(
            "5: with the other chatroomd {:.0} joins per CPU second, {:.0} that register",
            other.joins_per_cpu_second, other.registering_per_cpu_second
        ));
    }
}

/// Both figures of one program.
struct Joins {
    bytes_each: f64,
    registering_bytes_each: f64,
    joins_per_cpu_second: f64,
    registering_per_cpu_second: f64,
}

impl Joins {
    fn medians(rounds: &[Joins]) -> Joins {
        let of = |figure: fn(&Joins) -> f64| median(rounds.iter().map(figure));
        Joins {
            bytes_each: of(|round| round.bytes_each),
            registering_bytes_each: of(|round| round.registering_bytes_each),
            joins_per_cpu_second: of(|round| round.joins_per_cpu_second),
            registering_per_cpu_second: of(|round| round.registering_per_cpu_second),
        }
    }
}

fn measure_one(memory: bool, program: Option<&Path>, rooms: usize) -> io::Result<Joins> {
    let data = tempfile::tempdir()?;
    let setup = || Setup {
        config: UNLIMITED.into(),
        data: Some(data.path().into()),
        workers: Some(1),
        program: program.map(Path::to_owned),
        // A step of 2 MiB would be 210 bytes for each connection.
        environment: vec![("MIMALLOC_ALLOW_THP", "0")],
        ..Setup::default()
    };
    let mut server = if memory { start_server(true, program)? } else { on_cpu(SERVER_CPU, || Server::start(setup()))? };
    let admin = server.admin();
    admin.create_user("owner");
    let rooms: Vec<i64> = (0..rooms).map(|number| admin.create_quiet_room("owner", &format!("room {number}"))).collect();
    let (first, connections) = visit(&server, &rooms, "when it also registers its account")?;
    drop(connections);
    if !memory {
        server.terminate();
        server.wait(Duration::from_secs(20));
        server = on_cpu(SERVER_CPU, || Server::start(setup()))?;
    }
    let (second, connections) = visit(&server, &rooms, "when its account is known")?;
    drop(connections);
    Ok(Joins {
        bytes_each: second.bytes_each,
        registering_bytes_each: first.bytes_each,
        joins_per_cpu_second: second.joins_per_cpu_second,
        registering_per_cpu_second: first.joins_per_cpu_second,
    })
}

/// What it cost to let everybody in once.
struct Visit {
    joins_per_cpu_second: f64,
    bytes_each: f64,
}

/// Lets everybody in, and measures; the connections are still open.
fn visit(server: &Server, rooms: &[i64], kind: &str) -> io::Result<(Visit, Vec<TcpStream>)> {
    drop(join_all(server, rooms, "w", WARM_UP)?);
    std::thread::sleep(REST);
    let (rss_before, cpu_before, begin) = (server.rss_bytes(), cpu_ns(server.pid()), Instant::now());
    let connections = join_all(server, rooms, "j", CONNECTIONS)?;
    let (took, cpu) = (begin.elapsed(), cpu_ns(server.pid()) - cpu_before);
    std::thread::sleep(REST);
    let rss_after = server.rss_bytes();
    let visit = Visit {
        joins_per_cpu_second: CONNECTIONS as f64 * 1e9 / cpu.max(1) as f64,
        bytes_each: rss_after.saturating_sub(rss_before) as f64 / CONNECTIONS as f64,
    };
    eprintln!(
        "  {CONNECTIONS} joins in {:.2} s, {:.1} us of CPU each {kind}; memory {:.1} MiB before, {:.1} MiB after",
        took.as_secs_f64(),
        1e6 / visit.joins_per_cpu_second,
        rss_before as f64 / f64::from(1 << 20),
        rss_after as f64 / f64::from(1 << 20)
    );
    Ok((visit, connections))
}

/// Joins so many connections, of accounts whose names begin so, and returns them, still open.
fn join_all(server: &Server, rooms: &[i64], prefix: &str, count: usize) -> io::Result<Vec<TcpStream>> {
    let frames: Vec<Vec<u8>> =
        (0..count).map(|number| join_frame(&format!("{prefix}{number}"), rooms[number % rooms.len()])).collect();
    let mut connections = Vec::with_capacity(count);
    for batch in frames.chunks(BATCH) {
        let mut opened = Vec::with_capacity(batch.len());
        for frame in batch {
            let mut stream = TcpStream::connect(server.wire)?;
            stream.set_nodelay(true)?;
            stream.write_all(frame)?;
            opened.push(stream);
        }
        for stream in &mut opened {
            read_join_answer(stream)?;
        }
        connections.extend(opened);
    }
    Ok(connections)
}
