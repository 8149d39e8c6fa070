//! What a flood of HTTP calls that cannot prove who makes them takes from the wire: deliveries per second, with and without it, by the
//! clock and at the server's best. Explained in docs/performance.md.

#[path = "../tests/support/flood.rs"]
mod flood;
#[path = "../tests/support/http_caller.rs"]
mod http_caller;
#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use flood::{Crowd, Flood, Pace, median, refused};
use support::process::{UNLIMITED, cpu_ns};
use support::{Server, Setup};

const ROUNDS: usize = 5;
const WINDOW: Duration = Duration::from_secs(2);
/// Wrong calls per second; an application may make a hundred right ones of an endpoint.
const WRONG_CALLS: u32 = 2_000;

fn main() {
    // Members that only listen would be taken for dead.
    let config = format!("{UNLIMITED}\n[timers]\nidle_timeout_ms = 86400000\n");
    let setup = Setup { config, memory: true, workers: Some(2), ..Setup::default() };
    let server = Server::start(setup);
    let mut crowd = Crowd::gather(&server);
    println!("| load | calm | flooded | share | wrong calls sent / answered per second | server's CPU calm / flooded |");
    println!("|---|---|---|---|---|---|");
    for (name, pace) in
        [("20,000 deliveries/s by the clock", Pace::Deliveries(20_000)), ("64 messages outstanding", Pace::Outstanding(64))]
    {
        for from in ["everywhere", "one address"] {
            let start = || match from {
                "everywhere" => Flood::from_everywhere(server.admin, 4, WRONG_CALLS),
                _ => Flood::from_one_address(server.admin, 32),
            };
            let (mut calm, mut flooded, mut shares, mut calls, mut cpu) = (vec![], vec![], vec![], vec![], (vec![], vec![]));
            for _ in 0..ROUNDS {
                let (rate, busy) = measured(&server, || crowd.rate(pace, WINDOW));
                let before = refused(&server.admin());
                let (began, running) = (Instant::now(), start());
                let (under, busy_under) = measured(&server, || crowd.rate(pace, WINDOW));
                let sent = running.stop() as f64;
                let seconds = began.elapsed().as_secs_f64();
                calls.push((sent / seconds, (refused(&server.admin()) - before) as f64 / seconds));
                calm.push(rate);
                flooded.push(under);
                shares.push(under / rate);
                cpu.0.push(busy);
                cpu.1.push(busy_under);
            }
            let (sent, answered): (Vec<f64>, Vec<f64>) = calls.into_iter().unzip();
            println!(
                "| {name}, from {from} | {:.0} | {:.0} | {:.3} | {:.0} / {:.0} | {:.0} % / {:.0} % |",
                median(calm),
                median(flooded),
                median(shares),
                median(sent),
                median(answered),
                median(cpu.0) * 100.0,
                median(cpu.1) * 100.0
            );
        }
    }
}

/// A measurement, and the processors the server was busy with meanwhile.
fn measured(server: &Server, mut work: impl FnMut() -> f64) -> (f64, f64) {
    let (before, began) = (cpu_ns(server.pid()), Instant::now());
    let found = work();
    (found, (cpu_ns(server.pid()) - before) as f64 / began.elapsed().as_nanos() as f64)
}
