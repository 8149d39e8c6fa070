//! Peers that mean no good cost the server little memory and the others little time.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::peer::login;
use crate::support::process::UNLIMITED;
use crate::support::{PATIENCE, Peer, Server, Setup, quantile, raise_open_files, wait_until};
use bytes::BytesMut;
use chatroom::wire::{PacketKind, Push, Request};

const MIB: u64 = 1 << 20;
/// What a message of the two well-behaved members may take at the median, whatever the others do.
const MEDIAN_MAX: Duration = Duration::from_millis(100);
/// What no message of theirs may take longer than.
const LONGEST_MAX: Duration = Duration::from_secs(3);

/// Two members who talk all the while, and the room they talk in.
struct Pair {
    room: i64,
    sender: Peer,
    receiver: Peer,
}

impl Pair {
    fn new(server: &Server) -> Pair {
        let admin = server.admin();
        admin.create_user("owner");
        let room = admin.create_quiet_room("owner", "hostile");
        Pair { room, sender: Peer::join(server, "sender", room), receiver: Peer::join(server, "receiver", room) }
    }

    /// Sends messages one by one until `attack` is over, at least fifty; panics when one takes too long.
    fn talk_during(&mut self, attack: impl FnOnce() + Send) {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _end = SetOnDrop(&over);
                attack();
            });
            let mut latencies_us = Vec::new();
            while !over.load(Ordering::Acquire) || latencies_us.len() < 50 {
                let begin = Instant::now();
                let id = format!("{}", latencies_us.len());
                assert_eq!(self.sender.send_text(self.room, &id, "text").code, 0);
                assert_eq!(self.receiver.message().message_id, id);
                latencies_us.push(begin.elapsed().as_micros() as u64);
                // Who only listens is closed for its silence, like the attacker.
                self.receiver.call(Request::Ping(Default::default()));
            }
            let (median, longest) = (quantile(&mut latencies_us, 0.5), quantile(&mut latencies_us, 1.0));
            println!("{} messages meanwhile, median {median} us, longest {longest} us", latencies_us.len());
            assert!(median <= MEDIAN_MAX.as_micros() as u64, "half of the messages took more than {median} us");
            assert!(longest <= LONGEST_MAX.as_micros() as u64, "a message took {longest} us");
        });
    }
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Reads until the server has closed; returns how many bytes it said.
fn read_to_end(stream: &mut TcpStream) -> usize {
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Ok(len) => len,
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset) => said.len(),
        Err(error) => panic!("the server did not close: {error}"),
    }
}

fn assert_grown_less_than(server: &Server, before: u64, bound: u64, what: &str) {
    let grown = server.rss_bytes().saturating_sub(before);
    println!("{what}: memory grew by {} KiB", grown / 1024);
    assert!(grown < bound, "{what}: memory grew by {grown} bytes, more than {bound}");
}

#[test]
fn a_peer_that_sends_a_byte_a_second_is_closed_by_the_login_and_idle_timers() {
    let _alone = crate::alone();
    let timers = "[timers]\nlogin_timeout_ms = 2000\nheartbeat_ms = 1000\nidle_timeout_ms = 3000\n";
    let server = Server::start(Setup { config: format!("{UNLIMITED}\n{timers}"), ..Setup::default() });
    let mut pair = Pair::new(&server);
    let mut frame = BytesMut::new();
    Request::Ping(vec![b'x'; 64].into()).encode(1, &mut frame);
    let drip = |mut peer: Peer| {
        let begin = Instant::now();
        for byte in frame.iter().cycle() {
            assert!(begin.elapsed() < PATIENCE, "it is still open");
            // The pace is the attack; nothing waits for it.
            if peer.write(&[*byte]).is_err() {
                return;
            }
            match peer.try_push(Duration::from_secs(1)) {
                Ok(Push::Kicked(kicked)) => assert!(kicked.may_reconnect, "{kicked:?}"),
                Ok(other) => panic!("the server said {other:?}"),
                Err(error) if error.kind() == ErrorKind::TimedOut => {}
                Err(_) => return,
            }
        }
    };
    let (logged_in, answer) = Peer::log_in(&server, login("slow", None));
    assert_eq!(answer.code, 0);
    let fresh = Peer::connect(server.wire);
    pair.talk_during(|| {
        std::thread::scope(|scope| {
            scope.spawn(|| drip(fresh));
            scope.spawn(|| drip(logged_in));
        });
    });
}

#[test]
fn ten_thousand_connections_that_never_log_in_cost_little_and_are_closed() {
    let _alone = crate::alone();
    const WANTED: u64 = 10_000;
    let files = raise_open_files(WANTED + 500);
    let connections = WANTED.min(files.saturating_sub(500)) as usize;
    if connections < WANTED as usize {
        println!("only {files} files may be open: {connections} connections instead of {WANTED}");
    }
    let config = format!("{UNLIMITED}\n[timers]\nlogin_timeout_ms = 10000\n");
    let server = Server::start(Setup { config, ..Setup::default() });
    let mut pair = Pair::new(&server);
    pair.talk_during(|| {});
    let before = server.rss_bytes();
    let address = server.wire;
    let mut silent: Vec<TcpStream> = Vec::new();
    pair.talk_during(|| {
        for number in 0..connections {
            let mut stream = TcpStream::connect(address).expect("the server accepts");
            // Half of them begin a header and stop there.
            if number % 2 == 0 {
                stream.write_all(&[0xC1, 0, 2]).expect("the server reads");
            }
            silent.push(stream);
        }
    });
    // 3 KiB each: a socket, a session, a task and, for half of them, the three bytes.
    assert_grown_less_than(&server, before, connections as u64 * 3 * 1024 + 4 * MIB, "connections that never log in");
    pair.talk_during(|| {
        silent.iter_mut().for_each(|stream| {
            read_to_end(stream);
        })
    });
}

#[test]
fn a_flood_of_bad_tokens_is_refused_one_by_one() {
    let _alone = crate::alone();
    let server = Server::start_unlimited();
    let mut pair = Pair::new(&server);
    pair.talk_during(|| {});
    let before = server.rss_bytes();
    let attack = |thread: usize| {
        for number in 0..1000 {
            let account = format!("thief{thread}-{number}");
            let mut request = login(&account, None);
            request.token = if number % 2 == 0 { "x".repeat(3000) } else { login("somebody", None).token };
            let (mut peer, answer) = Peer::log_in(&server, request);
            assert_eq!(answer.code, 302, "{}", answer.desc);
            peer.expect_closed();
        }
    };
    pair.talk_during(|| {
        std::thread::scope(|scope| {
            scope.spawn(|| attack(0));
            scope.spawn(|| attack(1));
        });
    });
    assert_grown_less_than(&server, before, 10 * MIB, "2,000 refused logins");
}

#[test]
fn a_length_field_reserves_nothing() {
    let _alone = crate::alone();
    let server = Server::start_unlimited();
    let mut pair = Pair::new(&server);
    pair.talk_during(|| {});
    let before = server.rss_bytes();
    let promise = |length: u32| {
        let mut header = [0; 16];
        header[0] = 0xC1;
        header[2..4].copy_from_slice(&(PacketKind::MessageSend as u16).to_le_bytes());
        header[4..8].copy_from_slice(&length.to_le_bytes());
        header[8] = 9;
        header
    };
    // Over the limit: refused at once.
    pair.talk_during(|| {
        for _ in 0..500 {
            let mut stream = TcpStream::connect(server.wire).expect("the server accepts");
            stream.write_all(&promise(1 << 30)).expect("the server reads");
            assert!(read_to_end(&mut stream) > 0, "a status comes before the end");
        }
    });
    assert_grown_less_than(&server, before, 10 * MIB, "500 promises of 1 GiB");
    // Within the limit: as much memory as has arrived, not as was promised. 200 times 1 MiB is what they would get.
    let mut waiting = Vec::new();
    pair.talk_during(|| {
        for number in 0..200 {
            let (mut peer, answer) = Peer::log_in(&server, login(&format!("promise{number}"), None));
            assert_eq!(answer.code, 0);
            peer.write(&promise((1 << 20) - 16)).expect("the server reads");
            peer.write(&[0; 1000]).expect("the server reads");
            waiting.push(peer);
        }
    });
    assert_grown_less_than(&server, before, 30 * MIB, "200 promises of 1 MiB");
}

#[test]
fn a_peer_that_asks_and_never_reads_is_closed_before_it_costs_much() {
    let _alone = crate::alone();
    let server = Server::start_unlimited();
    let mut pair = Pair::new(&server);
    pair.talk_during(|| {});
    let before = server.rss_bytes();
    let (mut greedy, answer) = Peer::log_in(&server, login("greedy", None));
    assert_eq!(answer.code, 0);
    let mut pings = BytesMut::new();
    for sequence in 1..=1000 {
        Request::Ping(vec![b'x'; 64].into()).encode(sequence, &mut pings);
    }
    greedy.stream().set_write_timeout(Some(Duration::from_millis(200))).expect("a socket has a timeout");
    pair.talk_during(|| {
        let deadline = Instant::now() + PATIENCE;
        // It ends with a full pipe that nobody empties, or with the connection.
        while greedy.write(&pings).is_ok() {
            assert!(Instant::now() < deadline, "the server took 64 bytes for 64 for {PATIENCE:?} and kept them all");
        }
    });
    assert_grown_less_than(&server, before, 10 * MIB, "a peer that never reads");
    drop(greedy);
    wait_until("the others to be served", || pair.sender.send_text(pair.room, "after", "text").code == 0);
}
