//! Frames that have begun and are not complete cost what has come of them, and all together no more than a bound: beyond it the address
//! that holds most loses the connection that has held its own longest.

use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};

use crate::support::ask::text;
use crate::support::peer::login;
use crate::support::process::UNLIMITED;
use crate::support::{PATIENCE, Peer, Server, Setup, raise_open_files, wait_until};
use bytes::BytesMut;
use chatroom::wire::{PacketKind, Push, Request, Response};

const MIB: usize = 1 << 20;
const BOUND: usize = 4 * MIB;

fn bounded() -> Server {
    let config = UNLIMITED.replace("[limits]\n", &format!("[limits]\nunfinished_bytes_max = {BOUND}\n"));
    Server::start(Setup { config: config + "[timers]\nidle_timeout_ms = 3600000\n", memory: true, ..Setup::default() })
}

fn log_in(mut peer: Peer, account: &str) -> Peer {
    match peer.call(Request::Login(Box::new(login(account, None)))) {
        Response::Login(answer) => assert_eq!(answer.code, 0, "{}", answer.desc),
        other => panic!("a login was answered with {other:?}"),
    }
    peer
}

/// The header of a frame of so many bytes, and the beginning of its body.
fn beginning(frame_bytes: usize, of_it: usize) -> Vec<u8> {
    let mut bytes = vec![0; of_it];
    bytes[0] = 0xC1;
    bytes[2..4].copy_from_slice(&(PacketKind::MessageSend as u16).to_le_bytes());
    bytes[4..8].copy_from_slice(&u32::try_from(frame_bytes - 16).unwrap().to_le_bytes());
    bytes[8] = 9;
    bytes
}

/// A metric, summed over its labels; 0 while it is not there.
fn metric(server: &Server, name: &str) -> f64 {
    let (_, page) = server.admin().page("/metrics");
    let of = |line: &str| line.strip_prefix(name)?.rsplit_once(' ')?.1.parse::<f64>().ok();
    page.lines().filter_map(of).sum()
}

fn closed(server: &Server) -> f64 {
    metric(server, "chatroom_connections_closed_total{reason=\"unfinished\"}")
}

#[test]
fn beyond_the_bound_the_address_that_holds_most_loses_its_oldest_and_an_honest_slow_sender_goes_on() {
    let server = bounded();
    server.admin().create_user("owner");
    let room = server.admin().create_quiet_room("owner", "room");
    let mut honest = Peer::join(&server, "owner", room);
    let mut frame = BytesMut::new();
    Request::MessageSend(Box::new(text(room, "slow", &"m".repeat(4096)))).encode(77, &mut frame);
    let (front, rest) = frame.split_at(3000);
    honest.write(front).expect("the server reads");
    let before = server.rss_bytes();
    const PEERS: usize = 160;
    let greedy = Ipv4Addr::new(127, 0, 0, 2);
    let piece = beginning(MIB, MIB - 100);
    let mut peers: Vec<Peer> = (0..PEERS)
        .map(|number| {
            let mut peer = log_in(Peer::connect_from(greedy, server.wire), &format!("greedy{number}"));
            // Whoever is put out meanwhile is so because another one has come.
            peer.write(&piece).expect("the server reads");
            peer
        })
        .collect();
    // Three frames and what each may grow by have room.
    wait_until("all but three to be put out", || closed(&server) >= PEERS as f64 - 4.0);
    match peers[0].try_push(PATIENCE) {
        Ok(Push::Status(status)) => assert_eq!(status.code, 503, "{}", status.desc),
        other => panic!("the oldest was told {other:?}"),
    }
    peers[0].expect_closed();
    assert!(closed(&server) <= PEERS as f64 - 2.0, "more than had to go went");
    let held = metric(&server, "chatroom_unfinished_frames_bytes");
    assert!(held <= BOUND as f64, "{held} bytes are held");
    let grown = server.rss_bytes().saturating_sub(before);
    println!("memory grew by {} KiB", grown / 1024);
    // The allocator keeps some of what connections gave back, and not as much as they sent.
    assert!(grown <= (PEERS * MIB / 2) as u64, "memory grew by {grown} bytes");
    wait_until("the log to say so", || server.said().contains("frames that are not complete"));
    // The oldest of all is not the one that holds most.
    honest.write(rest).expect("the server reads");
    assert!(matches!(honest.response(77, PATIENCE), Ok(Response::MessageSend(answer)) if answer.code == 0));
    drop(peers);
    wait_until("the memory to come free", || metric(&server, "chatroom_unfinished_frames_bytes") == 0.0);
}

#[test]
fn half_a_frame_costs_what_has_come_of_it_and_at_most_a_kibibyte_beside() {
    const PEERS: usize = 8000;
    assert!(raise_open_files(PEERS as u64 + 500) >= PEERS as u64 + 500, "so many files must be open");
    let server = bounded();
    // What asking for metrics costs, it costs once.
    (0..50).for_each(|_| drop(server.admin().page("/metrics")));
    let mut peers: Vec<TcpStream> = (0..PEERS).map(|_| TcpStream::connect(server.wire).expect("the server accepts")).collect();
    wait_until("each to be there", || metric(&server, "chatroom_connections{") as usize == PEERS);
    let idle = server.rss_bytes();
    let half = beginning(4096, 16);
    peers.iter_mut().for_each(|peer| peer.write_all(&half).expect("the server reads"));
    let mut held = 0;
    wait_until("each beginning to be there", || {
        held = metric(&server, "chatroom_unfinished_frames_bytes") as usize;
        held >= PEERS * 100 && held % PEERS == 0
    });
    let grown = server.rss_bytes().saturating_sub(idle) as usize;
    println!("16 bytes of a frame: {} bytes are counted, memory grew by {} for each", held / PEERS, grown / PEERS);
    assert!(grown <= PEERS * (16 + 1024), "{grown} bytes for {PEERS} times 16");
    assert!(held / PEERS <= 16 + 256, "{held} bytes are counted");
}
