//! `chatroom load`: many connections in one or a few threads, messages on a schedule, and a count of every one that arrived.
//!
//! Frames are spoken directly, without the client library: a load generator reconnects nothing, resumes nothing and has no host to
//! tell, and one connection must cost a task and a few hundred bytes. A room's messages are numbered by the senders among
//! themselves, so that each receiver keeps one bit per message, and what was acknowledged and not heard is known exactly.

mod connection;
mod plan;
mod report;
mod rooms;
mod tally;
mod worker;

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;

use super::failure::Failure;
use super::who::Where;
use plan::{MESSAGE_BYTES_MIN, Pace, Plan};
use report::Report;
use tally::{Harvest, Live};
use worker::Phase;

/// Between two looks at the counters.
const LOOK: Duration = Duration::from_millis(50);

#[derive(Args)]
pub(super) struct Flags {
    #[command(flatten)]
    place: Where,
    /// The application's secret: every connection is an account of its own, with a token made from it
    #[arg(long, env = "CHATROOM_SECRET", hide_env_values = true)]
    secret: String,
    /// Rooms that exist
    #[arg(long, value_name = "ID,…", value_delimiter = ',', value_parser = clap::value_parser!(i64).range(1..), required_unless_present = "create", conflicts_with = "create")]
    rooms: Vec<i64>,
    /// Make so many rooms, which tell nobody who comes and goes
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    create: Option<u32>,
    /// Where the server accepts HTTP, as https://HOST:PORT if over TLS, for --create
    #[arg(long, value_name = "HOST:PORT", env = "CHATROOM_ADMIN", default_value = "127.0.0.1:7480")]
    admin: String,
    /// Connections, spread evenly over the rooms
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    connections: u32,
    /// How many of them send, spread likewise; one per room unless given
    #[arg(long, value_name = "K")]
    senders: Option<u32>,
    /// Messages per second, of all senders together, whatever the server does
    #[arg(long, value_name = "R", default_value_t = 10.0)]
    rate: f64,
    /// Instead of a rate: messages each sender keeps unanswered. Shows the highest throughput; latency counts from the send
    #[arg(long, value_name = "W", conflicts_with = "rate", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    window: Option<u32>,
    /// Bytes of a message's text
    #[arg(long, value_name = "BYTES", default_value_t = 100, value_parser = clap::value_parser!(u32).range(i64::from(MESSAGE_BYTES_MIN)..=4096))]
    size: u32,
    /// Seconds of sending
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    duration: f64,
    /// How many seconds to wait for what is still on its way, since something last arrived
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    drain: f64,
    /// Threads of the generator
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    threads: u32,
    /// Own addresses to connect from, in turn: one address has about 28,000 ports to one server
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    source: Vec<std::net::IpAddr>,
    /// Refused messages are no failure: a server's limits are what is measured
    #[arg(long)]
    allow_refusals: bool,
    /// Print the report as one line of JSON
    #[arg(long)]
    json: bool,
}

/// Makes the load and prints the report. Losses, doubles, disorder, refusals and connections that end early are a failure.
pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    let rooms = match flags.create {
        Some(count) => rooms::create(&flags.admin, &flags.place, &flags.secret, count)?,
        None => flags.rooms.clone(),
    };
    let plan = Arc::new(Plan::new(flags, rooms)?);
    let (phase, live) = (watch::Sender::new(Phase::Connecting), Arc::new(Live::default()));
    let (ready, entered) = mpsc::channel();
    let mut threads = Vec::new();
    for share in 0..plan.threads {
        let (plan, live, phase, ready) = (plan.clone(), live.clone(), phase.subscribe(), ready.clone());
        let name = format!("load-{share}");
        let work = move || worker::run(&plan, share, &live, phase, &ready);
        let thread = std::thread::Builder::new().name(name).spawn(work);
        threads.push(thread.map_err(|error| Failure::failed(format!("no thread: {error}")))?);
    }
    drop(ready);
    let bar = progress_bar(flags.json);
    let shots = connect_all(&plan, &entered, flags.place.timeout, &bar)?;

    let start = *live.start.get_or_init(Instant::now);
    phase.send_replace(Phase::Sending);
    if let Pace::Rate(per_second) = plan.pace {
        shots.keep_pace(&plan, per_second, start, &live, |elapsed| show(&bar, &plan, &live, elapsed));
    } else {
        while start.elapsed() < plan.duration {
            std::thread::sleep(LOOK.min(plan.duration.saturating_sub(start.elapsed())));
            show(&bar, &plan, &live, start.elapsed());
        }
    }
    phase.send_replace(Phase::Draining);
    drain(&live, Duration::from_secs_f64(flags.drain));
    phase.send_replace(Phase::Over);
    bar.finish_and_clear();

    let mut harvests: Vec<Harvest> = Vec::new();
    for thread in threads {
        harvests.push(thread.join().map_err(|_| Failure::failed("a thread of the generator ended before its time"))?);
    }
    let report = Report::new(&plan, harvests);
    println!("{}", if flags.json { report.json() } else { report.text() });
    report.verdict(flags.allow_refusals)
}

/// Waits until every connection is in its room, and gives up when none has come in for `patience`; what comes back hands messages
/// to the senders.
fn connect_all(
    plan: &Plan,
    entered: &mpsc::Receiver<worker::Ready>,
    patience: Duration,
    bar: &ProgressBar,
) -> Result<plan::Shots, Failure> {
    bar.set_length(plan.connections as u64);
    bar.set_message("connecting");
    let mut shots = plan::Shots::new(plan.senders.len());
    for count in 0..plan.connections {
        match entered.recv_timeout(patience) {
            Ok(Ok(sender)) => {
                if let Some((sender, trigger)) = sender {
                    shots.put(sender, trigger);
                }
                bar.inc(1);
            }
            Ok(Err(failure)) => {
                bar.finish_and_clear();
                return Err(failure);
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                bar.finish_and_clear();
                return Err(Failure::unreachable(format!(
                    "{count} of {} connections are in, and no other was let in for {} s: no answer. Is it chatroomd's port for clients?",
                    plan.connections,
                    patience.as_secs_f64()
                )));
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(Failure::failed("a thread of the generator ended before its time"));
            }
        }
    }
    Ok(shots)
}

/// Waits until everything acknowledged has been heard by everyone, or nothing has been heard for a while.
fn drain(live: &Live, patience: Duration) {
    let mut last_change = Instant::now();
    let mut before = (0, 0);
    loop {
        std::thread::sleep(LOOK);
        let delivered = live.delivered.load(Ordering::Relaxed);
        let open = live.unanswered.load(Ordering::Relaxed);
        if open == 0 && delivered >= live.expected.load(Ordering::Relaxed) {
            return;
        }
        if (delivered, open) != before {
            before = (delivered, open);
            last_change = Instant::now();
        } else if last_change.elapsed() > patience {
            return;
        }
    }
}

/// A bar for people; nothing in a pipe or beside JSON.
fn progress_bar(quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}").expect("the template is a constant and well-formed");
    ProgressBar::new(0).with_style(style)
}

fn show(bar: &ProgressBar, plan: &Plan, live: &Live, elapsed: Duration) {
    let delivered = live.delivered.load(Ordering::Relaxed);
    let per_second = delivered as f64 / elapsed.as_secs_f64().max(0.001);
    bar.set_length(plan.duration.as_secs());
    bar.set_position(elapsed.as_secs());
    bar.set_message(format!("{delivered} delivered, {per_second:.0}/s"));
}
