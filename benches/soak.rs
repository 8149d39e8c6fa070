//! Whether memory has a level: connections that join, send and leave, for half an hour, and the slope of the server's size over the
//! last third of it. Explained in docs/performance.md. `make soak` runs it; `SOAK_MINUTES` says for how long.

#[path = "../tests/support/mod.rs"]
mod support;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use chatroom::wire::Request;
use support::ask::{send, text};
use support::peer::login;
use support::process::UNLIMITED;
use support::{Server, Setup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout_at};

const CONNECTIONS: usize = 2_000;
const ROOMS: usize = 200;
/// Between two messages of one connection.
const SEND_EVERY: Duration = Duration::from_secs(5);
/// How long a connection stays.
const STAY_MS: std::ops::Range<u64> = 5_000..30_000;
/// How long it stays away.
const AWAY_MS: std::ops::Range<u64> = 0..2_000;
const TEXT_BYTES: usize = 200;
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Looks that make a minute.
const LOOKS: usize = 12;
/// Unless `SOAK_CONFIG` says otherwise: large buffers of the store fill and empty in minutes, which looks like growth.
const SMALL_STORE: &str = "[store]\nwrite_buffer_bytes = 8388608\ncache_bytes = 8388608\n";
/// MiB per minute beyond which there is no level.
const SLOPE_MAX: f64 = 0.2;

fn main() -> ExitCode {
    let number = |name: &str, default: f64| std::env::var(name).map_or(default, |text| text.parse().expect("a number"));
    let minutes = number("SOAK_MINUTES", 30.0);
    let program = std::env::var_os("SOAK_SERVER").map(Into::into);
    let config = format!("{UNLIMITED}\n{}\n", std::env::var("SOAK_CONFIG").unwrap_or_else(|_| SMALL_STORE.into()));
    let server = Server::start(Setup { config, program, ..Setup::default() });
    let admin = server.admin();
    admin.create_user("boss");
    let rooms: Rc<[i64]> = (0..ROOMS).map(|number| admin.create_room("boss", &format!("Hall {number}"))).collect();
    let (wire, pid) = (server.wire, server.pid());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let (began, length) = (Instant::now(), Duration::from_secs_f64(minutes * 60.0));
    let sizes = tokio::task::LocalSet::new().block_on(&runtime, async move {
        for number in 0..CONNECTIONS {
            tokio::task::spawn_local(come_and_go(wire, number, rooms.clone()));
        }
        let mut sizes: Vec<(f64, f64)> = Vec::new();
        while began.elapsed() < length {
            sleep(LOOK_EVERY).await;
            let at = began.elapsed().as_secs_f64() / 60.0;
            sizes.push((at, support::process::rss_bytes(pid) as f64 / f64::from(1 << 20)));
            if sizes.len().is_multiple_of(LOOKS) {
                let [least, most] =
                    [f64::min, f64::max].map(|of| sizes[sizes.len() - LOOKS..].iter().map(|size| size.1).reduce(of));
                println!("{at:5.1} min  {:6.1} to {:6.1} MiB", least.unwrap_or(0.0), most.unwrap_or(0.0));
            }
        }
        sizes
    });
    let (_, page) = admin.page("/metrics");
    for name in ["chatroom_log_records_total", "chatroom_connections_accepted_total", "chatroom_store"] {
        page.lines().filter(|line| line.starts_with(name)).for_each(|line| println!("{line}"));
    }
    // The least of each minute: what a flush or a merge of the store takes for a moment is no growth, and a leak raises it as well.
    let minute = |looks: &[(f64, f64)]| looks.iter().copied().min_by(|one, other| one.1.total_cmp(&other.1));
    let last = &sizes[sizes.len() * 2 / 3..];
    // A run too short for that is taken look by look.
    let step = if last.len() < 3 * LOOKS { 1 } else { LOOKS };
    let last: Vec<(f64, f64)> = last.chunks_exact(step).filter_map(minute).collect();
    let slope = slope(&last);
    let level = last.iter().map(|size| size.1).sum::<f64>() / last.len() as f64;
    println!("level {level:.1} MiB, slope {slope:+.3} MiB/min over the last {:.1} min (at most {SLOPE_MAX})", minutes / 3.0);
    if slope <= SLOPE_MAX { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One connection after the other, as one account.
async fn come_and_go(wire: SocketAddr, number: usize, rooms: Rc<[i64]>) {
    loop {
        sleep(Duration::from_millis(fastrand::u64(AWAY_MS))).await;
        let stay = Instant::now() + Duration::from_millis(fastrand::u64(STAY_MS));
        let room = rooms[fastrand::usize(..rooms.len())];
        // A server that is behind closes what it cannot take: the next attempt follows.
        let _ = stay_a_while(wire, &format!("s{number}"), room, stay).await;
    }
}

async fn stay_a_while(wire: SocketAddr, account: &str, room: i64, until: Instant) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(wire).await?;
    let mut out = BytesMut::new();
    Request::Login(Box::new(login(account, Some(room)))).encode(1, &mut out);
    stream.write_all(&out).await?;
    let (mut read, mut sequence) = (vec![0; 16 << 10], 1);
    let body = "x".repeat(TEXT_BYTES);
    while Instant::now() < until {
        let next = (Instant::now() + SEND_EVERY).min(until);
        while let Ok(taken) = timeout_at(next.into(), stream.read(&mut read)).await {
            if taken? == 0 {
                return Ok(());
            }
        }
        sequence += 1;
        out.clear();
        send(text(room, &format!("{account}-{sequence}-{:08x}", fastrand::u32(..)), &body)).encode(sequence, &mut out);
        stream.write_all(&out).await?;
    }
    Ok(())
}

/// The slope of the line that fits best, least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0 / count, sum.1 + point.1 / count));
    let over: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let under: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    over / under
}
