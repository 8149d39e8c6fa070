//! Webhooks while messages flow: the receiver is killed again and again, or the node is, and no acknowledged message goes untold.
//!
//! The test program starts itself again as the receiver that is killed: an environment variable says where it listens and writes.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::hook::{Hook, Says, Told, nobody, serve};
use crate::support::peer::text_message;
use crate::support::process::{APP_KEY, APP_SECRET, UNLIMITED};
use crate::support::{Peer, Server, Setup, wait_until};
use chatroom::wire::{Request, Response};

const PLACE: &str = "CHATROOM_TEST_RECEIVER";
const ROOMS: usize = 4;

/// One line for each call, in one write, before it is answered.
fn note(file: &Mutex<File>, told: &Told) -> Says {
    assert!(told.is_signed(APP_KEY, APP_SECRET), "{told:?}");
    let words = ["roomId", "seq", "msgidClient", "eventId"].map(|word| told.text(word));
    let line = format!("{}\n", words.join(" "));
    file.lock().expect("nobody panics here").write_all(line.as_bytes()).expect("the file takes a line");
    Says::Status(200)
}

/// The process that is killed: a receiver that writes down what it takes.
///
/// An ordinary run of the tests gives it no place and it has nothing to do.
#[test]
fn receiver_that_is_killed() {
    let Ok(place) = std::env::var(PLACE) else { return };
    let (address, path) = place.split_once(' ').expect("an address and a file");
    let file = Mutex::new(OpenOptions::new().create(true).append(true).open(path).expect("the file can be opened"));
    let listener = TcpListener::bind(address.parse::<SocketAddr>().expect("an address")).expect("the port is free again");
    std::thread::scope(|scope| {
        for stream in listener.incoming() {
            let (stream, file) = (stream.expect("a connection"), &file);
            // Whose other side is gone is of no interest.
            scope.spawn(move || drop(serve_with(stream, file)));
        }
    });
}

fn serve_with(stream: std::net::TcpStream, file: &Mutex<File>) -> std::io::Result<()> {
    serve(stream, &|told: &Told| note(file, told), &|_| {})
}

struct ReceiverProcess(Child);

impl ReceiverProcess {
    fn start(address: SocketAddr, path: &Path) -> ReceiverProcess {
        let program = std::env::current_exe().expect("this program has a file");
        let mut command = Command::new(program);
        command.args(["--exact", "webhooks_under_load::receiver_that_is_killed", "--nocapture"]);
        command.env(PLACE, format!("{address} {}", path.display())).stdout(Stdio::null());
        ReceiverProcess(command.spawn().expect("this program can be started again"))
    }
}

impl Drop for ReceiverProcess {
    fn drop(&mut self) {
        self.0.kill().expect("our own child can be killed");
        self.0.wait().expect("a child can be waited for");
    }
}

/// One line of the file: room, seq, message id, event id.
type Line = (i64, u64, String, String);

fn lines(path: &Path) -> Vec<Line> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let [room, seq, id, event] = words[..] else { panic!("a line of four words: {line}") };
        (room.parse().expect("a room"), seq.parse().expect("a seq"), id.to_owned(), event.to_owned())
    };
    text.lines().map(line).collect()
}

fn start(address: SocketAddr, data: PathBuf) -> Server {
    let webhook = format!("webhook = {{ url = \"http://{address}/\", in_out = false }}");
    let config = format!("{UNLIMITED}\n[[apps]]\nkey = \"{APP_KEY}\"\nsecret = \"{APP_SECRET}\"\n{webhook}\n");
    Server::start(Setup { config, data: Some(data), no_app: true, ..Setup::default() })
}

fn rooms(server: &Server) -> Vec<i64> {
    server.admin().create_user("owner");
    (0..ROOMS).map(|_| server.admin().create_quiet_room("owner", "loaded")).collect()
}

/// What was acknowledged: room, seq and message id.
#[derive(Default)]
struct Acknowledged {
    messages: Mutex<BTreeSet<(i64, u64, String)>>,
    count: AtomicUsize,
}

impl Acknowledged {
    /// Sends until it is told to stop, or the server is gone.
    fn send(&self, server: &Server, room: i64, name: &str, stops: &AtomicBool) {
        let mut peer = Peer::join(server, name, room);
        for number in 0.. {
            if stops.load(Ordering::Relaxed) {
                return;
            }
            let id = format!("{name}-{number}");
            let request = Request::MessageSend(Box::new(text_message(room, &id, "under load")));
            let Ok(Response::MessageSend(answer)) = peer.try_call(&request) else { return };
            assert_eq!(answer.code, 0, "{}", answer.desc);
            self.messages.lock().unwrap().insert((room, answer.seq, id));
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether all of it is among what was told.
    fn is_told(&self, told: &[Line]) -> bool {
        let told: HashSet<(i64, u64, &str)> = told.iter().map(|(room, seq, id, _)| (*room, *seq, id.as_str())).collect();
        self.messages.lock().unwrap().iter().all(|(room, seq, id)| told.contains(&(*room, *seq, id.as_str())))
    }
}

/// Without what came twice, each room was told in the order of its messages.
fn check_order(told: &[Line]) {
    let mut seen = HashSet::new();
    let mut last: BTreeMap<i64, u64> = BTreeMap::new();
    for (room, seq, id, event) in told {
        if seen.insert(event) {
            let before = last.insert(*room, *seq).unwrap_or(0);
            assert!(before < *seq, "room {room}: {id} at {seq} was told after {before}");
        }
    }
    assert_eq!(last.len(), ROOMS);
}

#[test]
fn a_receiver_killed_and_restarted_under_load_is_told_of_every_acknowledged_message_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (address, path) = (nobody(), folder.path().join("told"));
    let server = start(address, folder.path().join("data"));
    let rooms = rooms(&server);
    let (acknowledged, stops) = (Acknowledged::default(), AtomicBool::new(false));
    let mut told = Vec::new();
    std::thread::scope(|scope| {
        for (room, sender) in rooms.iter().flat_map(|room| [(*room, 0), (*room, 1)]) {
            let (server, acknowledged, stops) = (&server, &acknowledged, &stops);
            scope.spawn(move || acknowledged.send(server, room, &format!("s{sender}r{room}"), stops));
        }
        for round in 0..10 {
            let receiver = ReceiverProcess::start(address, &path);
            let (taken, wanted) = (lines(&path).len(), fastrand::usize(1..200));
            wait_until(&format!("the receiver to take something in round {round}"), || lines(&path).len() >= taken + wanted);
            drop(receiver);
            let before = acknowledged.count();
            wait_until("messages while there is no receiver", || acknowledged.count() >= before + 50);
        }
        let _receiver = ReceiverProcess::start(address, &path);
        stops.store(true, Ordering::Relaxed);
        wait_until("every copy", || {
            told = lines(&path);
            acknowledged.is_told(&told)
        });
    });
    println!("{} messages, {} calls", acknowledged.count(), told.len());
    check_order(&told);
}

#[test]
fn a_node_killed_under_load_tells_of_every_message_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // Slow, so that there is always something that is not told yet.
    let hook = Hook::judging(|_| {
        std::thread::sleep(std::time::Duration::from_millis(3));
        Says::Status(200)
    });
    let acknowledged = Acknowledged::default();
    let told = || -> Vec<Line> {
        let line = |told: &Told| {
            let number = |word: &str| told.text(word).parse::<u64>().expect("a number");
            (number("roomId") as i64, number("seq"), told.text("msgidClient"), told.text("eventId"))
        };
        hook.told().iter().map(line).collect()
    };
    let mut server = start(hook.address(), data.clone());
    let rooms = rooms(&server);
    for life in 0..3 {
        let before = acknowledged.count();
        std::thread::scope(|scope| {
            for room in &rooms {
                let (server, acknowledged) = (&server, &acknowledged);
                let stops = AtomicBool::new(false);
                scope.spawn(move || acknowledged.send(server, *room, &format!("l{life}r{room}"), &stops));
            }
            wait_until("messages", || acknowledged.count() >= before + 400);
            crate::support::process::kill_hard(server.pid());
        });
        server = start(hook.address(), data.clone());
    }
    wait_until("every copy", || acknowledged.is_told(&told()));
    println!("{} messages, {} calls", acknowledged.count(), told().len());
    check_order(&told());
}
