//! Health, readiness and metrics, for whoever watches a server.

use crate::support::peer::login;
use crate::support::process::{UNLIMITED, prepared};
use crate::support::{Peer, Server, Setup, wait_until};
use chatroom::wire::Request;

/// The sum of a metric over its labels.
fn metric(server: &Server, name: &str) -> f64 {
    let (status, text) = server.admin().page("/metrics");
    assert_eq!(status, 200);
    let of = |line: &str| {
        let (series, value) = line.rsplit_once(' ')?;
        (series.split('{').next() == Some(name)).then(|| value.parse::<f64>().ok())?
    };
    text.lines().filter_map(of).sum()
}

#[test]
fn a_server_that_serves_is_alive_and_ready() {
    let server = Server::start_unlimited();
    let admin = server.admin();
    assert_eq!(admin.page("/healthz").0, 200);
    assert_eq!(admin.page("/readyz").0, 200);
    let (status, body) = admin.page("/health/liveness.action");
    assert_eq!((status, body.as_str()), (200, "{\"code\":200}"));
}

#[test]
fn metrics_count_connections_members_and_deliveries() {
    let server = Server::start_unlimited();
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_quiet_room("owner", "metrics");
    let mut sender = Peer::join(&server, "sender", room);
    let mut members: Vec<Peer> = (0..4).map(|number| Peer::join(&server, &format!("member{number}"), room)).collect();
    for number in 0..10 {
        assert_eq!(sender.send_text(room, &number.to_string(), "text").code, 0);
    }
    for member in &mut members {
        (0..10).for_each(|_| drop(member.message()));
    }
    wait_until("the gauges to follow", || {
        metric(&server, "chatroom_connections") == 5.0
            && metric(&server, "chatroom_members") == 5.0
            && metric(&server, "chatroom_deliveries_total") >= 40.0
    });
    assert!(metric(&server, "chatroom_connections_accepted_total") >= 5.0);
    drop(members);
    wait_until("the gauge to follow", || metric(&server, "chatroom_connections") == 1.0);
}

#[test]
fn a_log_that_nobody_reads_costs_lines_which_are_counted_and_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("stderr");
    let make = format!("mkfifo {}", pipe.display());
    // Opened for both directions by the server itself: nothing is ever taken out of it.
    let program = Some(prepared(folder.path(), &make, &format!("2<>{}", pipe.display())));
    let config = UNLIMITED.replace("\"warn\"", "\"trace\"");
    let server = Server::start(Setup { program, config, memory: true, ..Setup::default() });
    let (mut member, answer) = Peer::log_in(&server, login("member", None));
    assert_eq!(answer.code, 0);
    let dropped = || metric(&server, "chatroom_log_lines_dropped_total");
    let strangers = |round: usize| {
        for number in 0..500 {
            let wrong =
                chatroom::wire::pb::LoginRequest { token: "x".repeat(2000), ..login(&format!("s{round}-{number}"), None) };
            assert_eq!(Peer::log_in(&server, wrong).1.code, 302);
        }
    };
    for round in 0.. {
        strangers(round);
        assert!(member.try_call(&Request::Ping(Default::default())).is_ok(), "every worker goes on");
        if dropped() > 0.0 {
            break;
        }
        assert!(round < 100, "no line was ever dropped");
    }
}
