//! Health, readiness and metrics, for whoever watches a server.
#![cfg(feature = "server")]

mod support;

use support::{Peer, Server, wait_until};

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
