//! How many connections there may be, and how much one of them may ask.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Instant;

use crate::support::peer::login;
use crate::support::process::{UNLIMITED, prepared};
use crate::support::{PATIENCE, Peer, Server, Setup, raise_open_files, wait_until};
use chatroom::wire::{Request, Response, pb};

fn start(config: &str) -> Server {
    Server::start(Setup { config: config.into(), ..Setup::default() })
}

/// Whether the connection is answered rather than closed.
fn is_served(peer: &mut Peer) -> bool {
    peer.try_call(&Request::Ping(Default::default())).is_ok()
}

#[test]
fn beyond_the_total_connections_are_closed_until_places_come_free() {
    let server = start("[limits]\nconnections_max = 5");
    let mut held: Vec<Peer> = (0..5).map(|_| Peer::connect(server.wire)).collect();
    assert!(held.iter_mut().all(is_served));
    assert!(!is_served(&mut Peer::connect(server.wire)), "a sixth was let in");
    assert!(held.iter_mut().all(is_served), "those who are in stay in");
    held.pop();
    wait_until("a place to come free", || is_served(&mut Peer::connect(server.wire)));
}

/// `CHATROOM_MEMBERS=15000 CHATROOM_STRANGERS=2000 CHATROOM_HARD_LIMIT=20000` has this test fill a node as large as a machine lets it.
#[test]
fn a_node_full_of_members_and_strangers_keeps_files_for_its_store_and_for_http() {
    let of = |name: &str, default: usize| std::env::var(name).map_or(default, |text| text.parse().expect("a number"));
    let (members, strangers) = (of("CHATROOM_MEMBERS", 300), of("CHATROOM_STRANGERS", 1100));
    let hard_limit = of("CHATROOM_HARD_LIMIT", 1024);
    raise_open_files((members + strangers + 200) as u64);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let limits = format!("ulimit -Sn {} && ulimit -Hn {hard_limit}", hard_limit.min(4096) / 4);
    let server = Server::start(Setup {
        program: Some(prepared(folder.path(), &limits, "")),
        config: format!("{UNLIMITED}\n[timers]\nlogin_timeout_ms = 120000\nidle_timeout_ms = 240000\n"),
        ..Setup::default()
    });
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_quiet_room("owner", "full");
    let mut inside: Vec<Peer> = (0..members).map(|number| Peer::join(&server, &format!("member-{number}"), room)).collect();
    let silent: Vec<TcpStream> = (0..strangers).filter_map(|_| TcpStream::connect(server.wire).ok()).collect();
    assert!(silent.len() * 10 >= strangers * 9, "{} strangers are at the door", silent.len());

    for (round, member) in inside.iter_mut().enumerate().take(3) {
        assert_eq!(member.send_text(room, &format!("m{round}"), "kept").code, 0, "an acknowledged send is on disk");
        let another = admin.create_quiet_room("owner", "another");
        assert!(another > room, "the HTTP API accepts, and the store takes what it is given");
    }
    let metrics = admin.page("/metrics").1;
    let value = |name: &str| -> usize {
        let line = metrics.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("no {name}"));
        line.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a gauge is a number")
    };
    assert_eq!(value("chatroom_descriptors_max"), hard_limit, "the soft limit is raised to the hard one");
    let connections_max = value("chatroom_connections_max");
    assert!((members..hard_limit).contains(&connections_max), "{connections_max} connections of {hard_limit} files");
    println!("{members} members and {} strangers of at most {connections_max} connections, {hard_limit} files", silent.len());
    drop(silent);
    wait_until("places to come free", || is_served(&mut Peer::connect(server.wire)));
    assert!(inside.iter_mut().all(is_served), "nobody inside was put out");
}

#[test]
fn a_process_that_may_open_too_few_files_does_not_start_and_says_what_to_raise() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let program = Some(prepared(folder.path(), "ulimit -Sn 100 && ulimit -Hn 200", ""));
    let error = Server::try_start(Setup { program, ..Setup::default() }).err().expect("200 files are too few");
    assert!(error.contains("200 files") && error.contains("ulimit -Hn"), "{error}");
}

#[test]
fn beyond_the_limit_of_an_address_connections_are_closed_but_loopback_is_exempt() {
    let limits = "[limits]\nconnections_per_address_max = 3";
    let server = start(limits);
    let mut held: Vec<Peer> = (0..10).map(|_| Peer::connect(server.wire)).collect();
    assert!(held.iter_mut().all(is_served), "loopback is exempt: proxies live there");
    let Some(own) = own_address() else {
        println!("this machine has no address but loopback: the limit itself is not tried");
        return;
    };
    let server = Server::start(Setup {
        config: limits.into(),
        arguments: vec!["--listen".into(), SocketAddr::new(own, 0).to_string()],
        no_listen: true,
        ..Setup::default()
    });
    let mut held: Vec<Peer> = (0..3).map(|_| Peer::connect(server.wire)).collect();
    assert!(held.iter_mut().all(is_served));
    assert!(!is_served(&mut Peer::connect(server.wire)), "a fourth from one address was let in");
}

/// An address of this machine that is not loopback. Nothing is sent to find it.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|address| !address.is_loopback() && !address.is_unspecified())
}

#[test]
fn who_does_not_log_in_in_time_is_told_and_closed() {
    let server = start("[timers]\nlogin_timeout_ms = 500");
    let mut stream = TcpStream::connect(server.wire).expect("the server accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
    let begin = Instant::now();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).expect("the server closes");
    assert!(said.len() > 16 && said[2] == 0x80, "a kicked push: {said:02x?}");
    assert!(begin.elapsed().as_millis() >= 400, "not before its time");
}

#[test]
fn who_says_nothing_for_too_long_is_closed_and_a_ping_is_enough_to_stay() {
    let server = start("[timers]\nheartbeat_ms = 1000\nidle_timeout_ms = 1500");
    let (mut silent, answer) = Peer::log_in(&server, login("silent", None));
    assert_eq!(answer.code, 0);
    let (mut lively, _) = Peer::log_in(&server, login("lively", None));
    let mut pings = 0;
    loop {
        // The lively one pings while the silent one is waited for.
        assert!(is_served(&mut lively), "pings keep it alive");
        pings += 1;
        match silent.try_push(std::time::Duration::from_millis(100)) {
            Ok(push) => break assert!(matches!(push, chatroom::wire::Push::Kicked(_)), "{push:?}"),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::TimedOut),
        }
        assert!(pings < 200, "the silent one was never closed");
    }
    assert!(is_served(&mut lively));
}

#[test]
fn a_session_that_asks_too_much_is_told_how_long_to_wait() {
    // chatroom.md §c.0 row 2.
    let server = start("[limits]\nrequests_per_second = 1\nrequests_burst = 5");
    let (mut peer, answer) = Peer::log_in(&server, login("eager", None));
    assert_eq!(answer.code, 0);
    let asked: Vec<u32> =
        (0..8).map(|_| peer.ask(&Request::RoomInfo(pb::RoomInfoRequest { room_id: 1 })).expect("the server reads")).collect();
    let codes: Vec<i32> = asked
        .iter()
        .map(|&sequence| match peer.response(sequence, PATIENCE).expect("every request is answered") {
            Response::RoomInfo(answer) => answer.code,
            other => panic!("room info was answered with {other:?}"),
        })
        .collect();
    assert!(codes[..5].iter().all(|code| *code != 416), "{codes:?}");
    assert!(codes[6..].iter().all(|code| *code == 416), "{codes:?}");
    assert!(is_served(&mut peer), "the connection lives");
}

#[test]
fn a_member_that_sends_too_much_is_refused_and_the_rest_is_not() {
    // chatroom.md §e.7.
    let server = start("[limits]\nclient_send_per_second = 1\nclient_send_burst = 3\n[http]\ncalls_per_second = 0");
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_quiet_room("owner", "rates");
    let (mut eager, mut calm) = (Peer::join(&server, "eager", room), Peer::join(&server, "calm", room));
    let codes: Vec<i32> = (0..6).map(|number| eager.send_text(room, &number.to_string(), "text").code).collect();
    assert_eq!(codes[..3], [0, 0, 0]);
    assert!(codes.contains(&416), "{codes:?}");
    assert_eq!(calm.send_text(room, "calm", "text").code, 0);
}
