//! Who sends faster than the log commits is read more slowly, and refused only when waiting would take longer than clients wait
//! (architecture.md §5.8). The disk is made slow by a library that holds up every sync.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::ask::{came, text};
use crate::support::process::UNLIMITED;
use crate::support::{PATIENCE, Peer, Server, Setup, wait_until};
use bytes::BytesMut;
use chatroom::limits::{PING_TIMEOUT_MS, REQUESTS_IN_FLIGHT_MAX};
use chatroom::wire::{Request, Response, pb};
use socket2::SockRef;
use tempfile::TempDir;

const SLOW_SYNC: &str = r#"
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
static void wait_for_it(void) {
    const char *path = getenv("SLOW_SYNC");
    while (path && access(path, F_OK) == 0) usleep(2000);
}
int fdatasync(int file) { wait_for_it(); return (int)syscall(SYS_fdatasync, file); }
int fsync(int file) { wait_for_it(); return (int)syscall(SYS_fsync, file); }
"#;

/// A server whose disk can be made to hang.
struct SlowDisk {
    server: Server,
    switch: PathBuf,
    _folder: TempDir,
}

impl SlowDisk {
    fn new() -> SlowDisk {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (source, library, switch) =
            (folder.path().join("slow.c"), folder.path().join("slow.so"), folder.path().join("slow"));
        std::fs::write(&source, SLOW_SYNC).expect("the folder is writable");
        let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
        assert!(built.expect("a C compiler is there").success());
        let leaked = |path: &Path| -> &'static str { path.to_str().expect("the path is text").to_owned().leak() };
        let environment = vec![("LD_PRELOAD", leaked(&library)), ("SLOW_SYNC", leaked(&switch))];
        let config = UNLIMITED.to_owned();
        let server = Server::start(Setup { config, environment, workers: Some(2), ..Setup::default() });
        server.admin().create_user("owner");
        SlowDisk { server, switch, _folder: folder }
    }

    /// Every sync hangs, from now on.
    fn hang(&self) {
        std::fs::write(&self.switch, "").expect("the folder is writable");
    }

    fn go_on(&self) {
        std::fs::remove_file(&self.switch).expect("the disk hangs");
    }

    fn paused(&self) -> f64 {
        let (_, page) = self.server.admin().page("/metrics");
        let of = |line: &str| {
            line.strip_prefix("chatroom_reads_paused_total{reason=\"busy\"")?.rsplit_once(' ')?.1.parse::<f64>().ok()
        };
        page.lines().filter_map(of).sum()
    }
}

fn sends(room: i64, count: u32) -> BytesMut {
    let mut frames = BytesMut::new();
    for sequence in 1..=count {
        let send = Request::MessageSend(Box::new(text(room, &sequence.to_string(), "text")));
        send.encode(1000 + sequence, &mut frames);
    }
    frames
}

fn ping(sequence: u32) -> BytesMut {
    let mut frame = BytesMut::new();
    Request::Ping(Default::default()).encode(sequence, &mut frame);
    frame
}

#[test]
fn three_times_as_many_sends_as_may_wait_are_all_acknowledged_after_one_slow_sync() {
    let disk = SlowDisk::new();
    let room = disk.server.admin().create_quiet_room("owner", "room");
    let mut peer = Peer::join(&disk.server, "sender", room);
    let count = 3 * REQUESTS_IN_FLIGHT_MAX as u32;
    disk.hang();
    peer.write(&sends(room, count)).expect("the sockets hold so much");
    wait_until("the sender to be held back", || disk.paused() > 0.0);
    disk.go_on();
    let mut sequences = Vec::new();
    for _ in 0..count {
        let (sequence, response) = peer.any_response(PATIENCE).expect("each is answered");
        assert_eq!(came(&response).0, 200, "{response:?}");
        sequences.push(sequence);
    }
    assert!(sequences.into_iter().eq(1001..=1000 + count), "each once, in the order they were asked");
    let stored = peer.whole_history(room).len();
    assert_eq!(stored, count as usize, "each is stored once");
}

#[test]
fn a_sync_that_hangs_for_longer_than_clients_wait_has_the_rest_refused_and_pings_answered() {
    let disk = SlowDisk::new();
    let room = disk.server.admin().create_quiet_room("owner", "room");
    let mut peer = Peer::join(&disk.server, "sender", room);
    let (mut cut, mut other) = (Peer::join(&disk.server, "cut", room), Peer::join(&disk.server, "other", room));
    let count = 2 * REQUESTS_IN_FLIGHT_MAX as u32;
    disk.hang();
    let begin = Instant::now();
    peer.write(&sends(room, count)).expect("the sockets hold so much");
    peer.write(&ping(7)).expect("the sockets hold so much");
    cut.write(&sends(room, count)).expect("the sockets hold so much");
    wait_until("both to be held back", || disk.paused() >= 2.0);
    // Somebody else is served as ever, but for what needs the disk.
    assert!(matches!(other.call(Request::Ping(Default::default())), Response::Ping(_)));
    // Who has gone is noticed although it is not read.
    SockRef::from(cut.stream()).set_linger(Some(Duration::ZERO)).expect("a socket has this option");
    drop(cut);
    wait_until("the one that was cut to be missed", || {
        let (_, page) = disk.server.admin().page("/metrics");
        page.lines().any(|line| line.starts_with("chatroom_connections_closed_total{reason=\"transport_lost\"}"))
    });
    let cut_after = begin.elapsed();
    assert!(matches!(peer.response(7, PATIENCE), Ok(Response::Ping(_))));
    let waited = begin.elapsed();
    println!("noticed a cut after {cut_after:?}, answered a ping behind {count} sends after {waited:?}");
    assert!(waited < Duration::from_millis(PING_TIMEOUT_MS), "a client calls such a connection dead: {waited:?}");
    disk.go_on();
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..count {
        let (_, response) = peer.any_response(PATIENCE).expect("each is answered");
        match came(&response).0 {
            200 => accepted += 1,
            503 => refused += 1,
            other => panic!("{other}: {response:?}"),
        }
    }
    println!("{accepted} accepted, {refused} refused");
    assert!(accepted >= REQUESTS_IN_FLIGHT_MAX && refused > 0, "{accepted} were accepted, {refused} refused");
    // It is read as ever afterwards.
    let again = pb::MessageSendRequest { message_id: "again".into(), ..text(room, "again", "text") };
    assert_eq!(peer.came(Request::MessageSend(Box::new(again))).0, 200);
}

#[test]
fn who_is_not_read_is_not_called_silent() {
    let mut disk = SlowDisk::new();
    let config = format!("{UNLIMITED}[timers]\nheartbeat_ms = 1000\nidle_timeout_ms = 1100\n");
    let environment = vec![("SLOW_SYNC", disk.switch.to_str().expect("the path is text").to_owned().leak() as &'static str)];
    let library = disk.switch.with_file_name("slow.so");
    let preload: &'static str = library.to_str().expect("the path is text").to_owned().leak();
    let environment = [environment, vec![("LD_PRELOAD", preload)]].concat();
    disk.server = Server::start(Setup { config, environment, ..Setup::default() });
    disk.server.admin().create_user("owner");
    let room = disk.server.admin().create_quiet_room("owner", "room");
    let mut peer = Peer::join(&disk.server, "sender", room);
    let count = REQUESTS_IN_FLIGHT_MAX as u32 + 10;
    disk.hang();
    let begin = Instant::now();
    peer.write(&sends(room, count)).expect("the sockets hold so much");
    // As long as it would take to call it silent, and a tick more.
    wait_until("the time of a silent connection to pass", || begin.elapsed() > Duration::from_millis(2500));
    disk.go_on();
    for _ in 0..count {
        assert_eq!(came(&peer.any_response(PATIENCE).expect("each is answered").1).0, 200);
    }
}
