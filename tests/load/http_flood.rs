//! A flood of HTTP calls that cannot prove who makes them leaves the wire at 95 % of its rate. The same at full load, and at the
//! server's best: `cargo bench --bench flood`.

use std::time::Duration;

use crate::flood::{Crowd, Flood, Pace, median, priorities, refused};
use crate::support::process::UNLIMITED;
use crate::support::{Server, Setup, wait_until};

/// Deliveries per second that are asked for.
const OFFERED: u64 = 20_000;
/// Wrong calls per second; an application may make a hundred right ones of an endpoint.
const WRONG_CALLS: u32 = 1_000;

fn start() -> Server {
    Server::start(Setup { config: UNLIMITED.into(), memory: true, workers: Some(2), ..Setup::default() })
}

/// The shares of its rate that the wire keeps, in windows with and without a flood by turns.
fn share(server: &Server, crowd: &mut Crowd, flood: impl Fn() -> Flood) -> f64 {
    let window = Duration::from_millis(600);
    let (mut calm, mut flooded) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        calm.push(crowd.rate(Pace::Deliveries(OFFERED), window));
        let before = refused(&server.admin());
        let running = flood();
        flooded.push(crowd.rate(Pace::Deliveries(OFFERED), window));
        let sent = running.stop();
        println!("{sent} wrong calls sent, {} refused meanwhile", refused(&server.admin()) - before);
    }
    println!("calm {calm:.0?}, flooded {flooded:.0?} deliveries per second");
    median(flooded) / median(calm)
}

/// A machine that is busy with something else may spoil a measurement; a server that gives in spoils all of them.
fn keeps_its_rate(server: &Server, crowd: &mut Crowd, flood: impl Fn() -> Flood) {
    let mut seen = Vec::new();
    while seen.len() < 4 {
        let share = share(server, crowd, &flood);
        if share >= 0.95 {
            return;
        }
        seen.push(share);
    }
    panic!("the wire keeps {seen:.2?} of its rate");
}

#[test]
fn a_flood_from_everywhere_leaves_the_wire_its_rate() {
    let _alone = crate::alone();
    let server = start();
    let before = refused(&server.admin());
    keeps_its_rate(&server, &mut Crowd::gather(&server), || Flood::from_everywhere(server.admin, 4, WRONG_CALLS));
    assert!(refused(&server.admin()) > before + 100, "there was no flood");
}

#[test]
fn a_flood_from_one_address_is_made_to_wait_and_leaves_the_wire_its_rate() {
    let _alone = crate::alone();
    let server = start();
    keeps_its_rate(&server, &mut Crowd::gather(&server), || Flood::from_one_address(server.admin, 8));
    // Fifty at once and ten a second, and one for each of eight connections and each second that it waits.
    let began = std::time::Instant::now();
    let before = refused(&server.admin());
    let running = Flood::from_one_address(server.admin, 8);
    std::thread::sleep(Duration::from_secs(2));
    running.stop();
    let most = 50.0 + 18.0 * (began.elapsed().as_secs_f64() + 1.0);
    let found = (refused(&server.admin()) - before) as f64;
    assert!(found <= most, "{found} calls were answered, {most} at most");
}

#[test]
fn the_thread_of_the_http_api_gives_way_to_all_others() {
    let _alone = crate::alone();
    let server = start();
    let nice = |name: &str| {
        let found = priorities(server.pid());
        found.iter().filter(|(known, _)| known.starts_with(name)).map(|(_, nice)| *nice).collect::<Vec<_>>()
    };
    // A thread has its name and its priority once it runs.
    let own = rustix::process::getpriority_process(None).expect("a process has a priority");
    wait_until("the workers to run", || nice("worker-") == [own, own]);
    server.admin().create_user("somebody");
    let http = nice("http");
    assert!(!http.is_empty() && http.iter().all(|nice| *nice == (own + 10).min(19)), "{http:?}");
}
