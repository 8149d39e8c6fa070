//! A room under a steady load of messages, and beside it a flood of HTTP calls that cannot prove who makes them.
#![allow(dead_code)]

use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::net::TcpStream as Socket;
use mio::{Events, Interest, Poll, Token};

use crate::support::{Admin, Peer, Server, ask};

/// Members that listen.
const RECEIVERS: usize = 100;
/// Bytes of a message's text.
const TEXT_BYTES: usize = 128;

/// How fast messages are sent.
#[derive(Clone, Copy)]
pub enum Pace {
    /// So many deliveries a second are asked for, by the clock.
    Deliveries(u64),
    /// The next message leaves when all but so many have arrived everywhere.
    Outstanding(u64),
}

/// A room with listeners and somebody who speaks.
pub struct Crowd {
    publisher: Peer,
    room: i64,
    sockets: Vec<Socket>,
    poll: Poll,
    events: Events,
    /// Bytes of one delivery.
    frame_bytes: u64,
    /// Bytes that have arrived, in all.
    arrived: u64,
    sent: u64,
    text: String,
}

impl Crowd {
    pub fn gather(server: &Server) -> Crowd {
        let admin = server.admin();
        admin.create_user("publisher");
        let room = admin.create_quiet_room("publisher", "crowd");
        let mut publisher = Peer::join(server, "publisher", room);
        let mut receivers: Vec<Peer> =
            (0..RECEIVERS).map(|number| Peer::join(server, &format!("member{number}"), room)).collect();
        let text = "x".repeat(TEXT_BYTES);
        // Numbers of the first messages take fewer bytes than those of later ones.
        for _ in 0..200 {
            publisher.done(ask::send(ask::text(room, "m", &text)));
        }
        for receiver in &mut receivers {
            (0..200).for_each(|_| drop(receiver.message()));
        }
        publisher.done(ask::send(ask::text(room, "m", &text)));
        let frame_bytes = receivers
            .iter_mut()
            .map(|receiver| {
                let frame = receiver.frame(Instant::now() + crate::support::PATIENCE).expect("a message arrives");
                (chatroom::limits::HEADER_BYTES + frame.body.len()) as u64
            })
            .max()
            .unwrap();
        let poll = Poll::new().unwrap();
        // Answers to the publisher: read, and thrown away. Its socket blocks, so that no request goes half.
        let mut own = publisher.stream().try_clone().unwrap();
        std::thread::spawn(move || while own.read(&mut [0; 16 * 1024]).is_ok_and(|read| read > 0) {});
        let streams = receivers.into_iter().map(|receiver| receiver.stream().try_clone().unwrap());
        let mut sockets: Vec<Socket> = streams
            .map(|stream| {
                stream.set_nonblocking(true).unwrap();
                Socket::from_std(stream)
            })
            .collect();
        for (number, socket) in sockets.iter_mut().enumerate() {
            poll.registry().register(socket, Token(number), Interest::READABLE).unwrap();
        }
        Crowd { publisher, room, sockets, poll, events: Events::with_capacity(256), frame_bytes, arrived: 0, sent: 0, text }
    }

    /// Deliveries per second over a time, once the pace is reached.
    pub fn rate(&mut self, pace: Pace, time: Duration) -> f64 {
        let began = Instant::now();
        let warm = time / 5;
        let (arrived_before, sent_before) = (self.arrived, self.sent);
        let (mut counted_from, mut counted) = (began, None);
        loop {
            let passed = began.elapsed();
            if counted.is_none() && passed >= warm {
                (counted_from, counted) = (Instant::now(), Some(self.arrived));
            }
            if passed >= warm + time {
                break;
            }
            let due = match pace {
                Pace::Deliveries(per_second) => {
                    let all = passed.as_micros() as u64 * per_second / RECEIVERS as u64 / 1_000_000;
                    all.saturating_sub(self.sent - sent_before)
                }
                Pace::Outstanding(window) => {
                    let everywhere = (self.arrived - arrived_before) / self.frame_bytes / RECEIVERS as u64;
                    window.saturating_sub((self.sent - sent_before).saturating_sub(everywhere))
                }
            };
            for _ in 0..due.min(64) {
                self.publish();
            }
            self.read();
        }
        let deliveries = (self.arrived - counted.unwrap()) / self.frame_bytes;
        let rate = deliveries as f64 / counted_from.elapsed().as_secs_f64();
        self.settle(sent_before, arrived_before);
        rate
    }

    fn publish(&mut self) {
        let request = ask::send(ask::text(self.room, "m", &self.text));
        self.sent += 1;
        self.publisher.ask(&request).expect("the server reads");
    }

    fn read(&mut self) {
        self.poll.poll(&mut self.events, Some(Duration::from_millis(1))).unwrap();
        let mut chunk = [0; 64 * 1024];
        for event in &self.events {
            let Token(number) = event.token();
            loop {
                match self.sockets[number].read(&mut chunk) {
                    Ok(0) => panic!("the server closed the connection of member {number}"),
                    Ok(bytes) => self.arrived += bytes as u64,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => panic!("member {number}: {error}"),
                }
            }
        }
    }

    /// Lets everything arrive that is on its way.
    fn settle(&mut self, sent_before: u64, arrived_before: u64) {
        let deadline = Instant::now() + crate::support::PATIENCE;
        // A frame is a byte or two shorter where its numbers are.
        let all = (self.sent - sent_before) * RECEIVERS as u64 * (self.frame_bytes - 2);
        while self.arrived - arrived_before < all {
            assert!(Instant::now() < deadline, "messages were refused or lost");
            self.read();
        }
    }
}

/// Callers that send calls with wrong checksums by the clock, whatever becomes of them, until they are told to stop.
pub struct Flood {
    stop: Arc<AtomicBool>,
    pub sent: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Flood {
    /// `threads` callers that make `per_second` calls together, each call on a connection and from an address of its own: no
    /// address fails often enough to be made to wait.
    pub fn from_everywhere(server: SocketAddr, threads: u32, per_second: u32) -> Flood {
        let next = Arc::new(AtomicU32::new(0));
        Flood::start(threads, move |_| {
            let next = next.clone();
            let gap = Duration::from_secs(1) * threads / per_second;
            let mut due = Instant::now();
            move || {
                due += gap;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                let number = next.fetch_add(1, Ordering::Relaxed) % 60_000;
                let [_, _, high, low] = number.to_be_bytes();
                let address = Ipv4Addr::new(127, 7, high, low.max(1));
                let caller = crate::http_caller::Caller::from(server, address);
                caller.connect().write(&wrong().bytes());
            }
        })
    }

    /// `connections` callers at one address, each of which calls again as soon as it is answered.
    pub fn from_one_address(server: SocketAddr, connections: u32) -> Flood {
        Flood::start(connections, move |_| {
            let caller = crate::http_caller::Caller::from(server, Ipv4Addr::new(127, 8, 0, 1));
            let mut kept = caller.connect();
            move || {
                if kept.try_answer(&wrong()).is_none() {
                    kept = caller.connect();
                }
            }
        })
    }

    fn start<F: FnMut() + Send + 'static>(threads: u32, caller: impl Fn(u32) -> F) -> Flood {
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let spawn = |number| {
            let (stop, sent, mut call) = (stop.clone(), sent.clone(), caller(number));
            std::thread::spawn(move || {
                // They stand for other machines, and must take no processor from the server here.
                let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 15);
                while !stop.load(Ordering::Relaxed) {
                    call();
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let threads = (0..threads).map(spawn).collect();
        Flood { stop, sent, threads }
    }

    /// Stops the callers and says how many calls they made.
    pub fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
        self.sent.load(Ordering::Relaxed)
    }
}

fn wrong() -> crate::http_caller::Request {
    crate::http_caller::Request::signed("/chatroom/get.action", "roomid=1").with("CheckSum", &"0".repeat(40))
}

/// Calls that were refused with 414 so far, as the server counts them.
pub fn refused(admin: &Admin) -> u64 {
    let line = r#"chatroom_http_calls_total{endpoint="/chatroom/get.action",code="414"} "#;
    admin.page("/metrics").1.lines().find_map(|text| text.strip_prefix(line)?.parse().ok()).unwrap_or(0)
}

/// Names and nice values of the threads of a process.
pub fn priorities(pid: u32) -> Vec<(String, i32)> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs");
    let of_task = |task: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(task.path().join("stat")).ok()?;
        let (before, after) = stat.rsplit_once(')')?;
        let nice = after.split_whitespace().nth(16)?.parse().ok()?;
        Some((before.split_once('(')?.1.to_owned(), nice))
    };
    tasks.flatten().filter_map(of_task).collect()
}

/// The median.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
