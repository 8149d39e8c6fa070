//! The load generator: one thread, one poll, nonblocking sockets, counting whole frames by their headers.
//!
//! It runs as a process of its own, so that its sockets and those of another generator need not share one limit of open files.
//! It opens its connections, says so, and then does one round for each line it reads from stdin.

use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use prost::Message as _;

use crate::plan::{Pace, Plan, Round};
use crate::support::process::cpu_ns;
use crate::support::quantile;
use crate::target;
use crate::wire_bytes::{FrameHeader, HEADER_BYTES};

const KIND_STATUS: u16 = 0x0000;
const KIND_KICKED: u16 = 0x0080;
const KIND_MESSAGE: u16 = 0x0380;
const KIND_GAP: u16 = 0x0382;
/// Time before the measured part of a round, in which queues fill and caches warm.
const WARM_UP: Duration = Duration::from_millis(300);
/// Without any delivery for so long a round has failed.
const STALL: Duration = Duration::from_secs(10);
/// Messages a room may have outstanding when sends go by the clock.
const OUTSTANDING_MAX: usize = 4096;

/// Opens the plan's connections and serves rounds: a line of milliseconds on stdin, a line of JSON on stdout.
pub fn run(plan: Plan) -> io::Result<()> {
    let mut generator = Generator::connect(plan)?;
    println!("connected {}", generator.lines.len());
    for line in io::stdin().lock().lines() {
        let measured = Duration::from_millis(line?.trim().parse().map_err(io::Error::other)?);
        let round = generator.round(measured)?;
        println!("{}", serde_json::to_string(&round)?);
    }
    Ok(())
}

/// One connection.
struct Line {
    stream: TcpStream,
    room: u32,
    publisher: bool,
    /// The header being read, as far as it has arrived.
    head: [u8; HEADER_BYTES],
    head_len: u8,
    header: FrameHeader,
    /// Bytes of the current frame's body still to come.
    body_left: u32,
    /// Messages that have arrived on this connection.
    received: u64,
}

/// One room: what was sent, and who still lacks it.
struct Room {
    sent: u64,
    done: u64,
    /// For each outstanding message, how many receivers do not have it yet.
    missing: Box<[u32]>,
    /// For each outstanding message, when it was sent or should have been.
    sent_at: Box<[Instant]>,
    touched: bool,
}

struct Generator {
    plan: Plan,
    poll: Poll,
    lines: Vec<Line>,
    rooms: Vec<Room>,
    touched: Vec<u32>,
    fixed_bytes: Option<u32>,
    deliveries: u64,
    latencies_us: Vec<u64>,
    sampling: bool,
}

impl Generator {
    fn connect(plan: Plan) -> io::Result<Generator> {
        let poll = Poll::new()?;
        let mut lines = Vec::new();
        let per_room = plan.per_room();
        for (index, stream) in target::open_all(&plan)?.into_iter().enumerate() {
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
            lines.push(Line {
                stream,
                room: (index / per_room) as u32,
                publisher: plan.is_publisher(index % per_room),
                head: [0; HEADER_BYTES],
                head_len: 0,
                header: FrameHeader::default(),
                body_left: 0,
                received: 0,
            });
        }
        let ring = match plan.pace {
            Pace::Outstanding(window) => window as usize,
            Pace::PerSecond(_) => OUTSTANDING_MAX,
        };
        let now = Instant::now();
        let room = || Room { sent: 0, done: 0, missing: vec![0; ring].into(), sent_at: vec![now; ring].into(), touched: false };
        let rooms = plan.rooms.iter().map(|_| room()).collect();
        let fixed_bytes = target::fixed_delivery_bytes(&plan);
        Ok(Generator {
            plan,
            poll,
            lines,
            rooms,
            touched: Vec::new(),
            fixed_bytes,
            deliveries: 0,
            latencies_us: Vec::new(),
            sampling: false,
        })
    }

    /// Sends for as long as the round lasts, then waits until everything sent has arrived.
    fn round(&mut self, measured: Duration) -> io::Result<Round> {
        let mut events = Events::with_capacity(2048);
        let mut buffer = vec![0; 256 * 1024];
        let begin = Instant::now();
        let (mut start, mut start_cpu, mut start_deliveries) = (begin, 0, 0);
        let mut round = None;
        let mut last_delivery = (self.deliveries, begin);
        self.latencies_us.clear();
        let mut clock = Clock::new(self.plan.pace, self.rooms.len(), begin);
        if let Pace::Outstanding(_) = self.plan.pace {
            for room in 0..self.rooms.len() {
                self.fill(room)?;
            }
        }
        loop {
            let now = Instant::now();
            if !self.sampling && round.is_none() && now >= begin + WARM_UP {
                self.sampling = true;
                (start, start_cpu, start_deliveries) = (Instant::now(), cpu_ns(self.plan.server_pid), self.deliveries);
            }
            if self.sampling && now >= start + measured {
                self.sampling = false;
                round = Some(Round {
                    deliveries: self.deliveries - start_deliveries,
                    server_cpu_ns: cpu_ns(self.plan.server_pid) - start_cpu,
                    wall_ns: (now - start).as_nanos() as u64,
                    p50_us: 0,
                    p99_us: 0,
                });
            }
            if round.is_some() && self.rooms.iter().all(|room| room.done == room.sent) {
                break;
            }
            if self.deliveries > last_delivery.0 {
                last_delivery = (self.deliveries, now);
            } else if now > last_delivery.1 + STALL {
                let lacking = self.rooms.iter().filter(|room| room.done < room.sent).count();
                return Err(io::Error::other(format!("no delivery for {STALL:?}; {lacking} rooms wait")));
            }
            let timeout = match clock.as_mut().filter(|_| round.is_none()) {
                Some(clock) => {
                    while let Some((room, due)) = clock.due(now) {
                        self.publish(room, 1, due)?;
                    }
                    clock.timeout(now)
                }
                None => Duration::from_millis(100),
            };
            match self.poll.poll(&mut events, Some(timeout)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            for event in &events {
                self.read(event.token().0, &mut buffer)?;
            }
            let mut touched = std::mem::take(&mut self.touched);
            for room in touched.drain(..) {
                self.rooms[room as usize].touched = false;
                if round.is_none() && matches!(self.plan.pace, Pace::Outstanding(_)) {
                    self.fill(room as usize)?;
                }
            }
            self.touched = touched;
        }
        let mut round = round.expect("the loop ends after the round is measured");
        round.p50_us = quantile(&mut self.latencies_us, 0.5);
        round.p99_us = quantile(&mut self.latencies_us, 0.99);
        Ok(round)
    }

    /// Sends what the window allows, in one write.
    fn fill(&mut self, room: usize) -> io::Result<()> {
        let state = &self.rooms[room];
        let free = state.missing.len() as u64 - (state.sent - state.done);
        self.publish(room, free, Instant::now())
    }

    fn publish(&mut self, room: usize, messages: u64, at: Instant) -> io::Result<()> {
        let publishers = u64::from(self.plan.publishers);
        let mut out = vec![Vec::new(); publishers.min(messages) as usize];
        let first = self.rooms[room].sent;
        for _ in 0..messages {
            let state = &mut self.rooms[room];
            let slot = (state.sent % state.missing.len() as u64) as usize;
            if state.missing[slot] != 0 {
                return Err(io::Error::other("too far behind: more messages are outstanding than the generator remembers"));
            }
            state.missing[slot] = self.plan.receivers;
            state.sent_at[slot] = at;
            let turn = (state.sent - first) % publishers;
            out[turn as usize].extend_from_slice(&target::message(&self.plan, room, state.sent));
            state.sent += 1;
        }
        for (bytes, turn) in out.iter().zip(first..) {
            let publisher = room * self.plan.per_room() + (turn % publishers) as usize;
            write_all(&mut self.lines[publisher].stream, bytes)?;
        }
        Ok(())
    }

    /// Reads all a socket has and counts the messages in it.
    fn read(&mut self, index: usize, buffer: &mut [u8]) -> io::Result<()> {
        loop {
            let len = match self.lines[index].stream.read(buffer) {
                Ok(0) => return Err(io::Error::other(format!("connection {index} was closed"))),
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let arrived = match self.fixed_bytes {
                None => self.lines[index].count_frames(&buffer[..len])?,
                Some(bytes) => self.lines[index].count_bytes(len, bytes),
            };
            if arrived > 0 && !self.lines[index].publisher {
                self.deliver(index, arrived);
            }
            if len < buffer.len() {
                return Ok(());
            }
        }
    }

    fn deliver(&mut self, index: usize, arrived: u64) {
        let now = Instant::now();
        let line = &mut self.lines[index];
        let room = &mut self.rooms[line.room as usize];
        let ring = room.missing.len() as u64;
        for number in line.received..line.received + arrived {
            let slot = (number % ring) as usize;
            room.missing[slot] -= 1;
            if room.missing[slot] == 0 {
                room.done += 1;
            }
            self.deliveries += 1;
            if self.sampling && self.deliveries.is_multiple_of(u64::from(self.plan.sample_every)) {
                self.latencies_us.push(now.saturating_duration_since(room.sent_at[slot]).as_micros() as u64);
            }
        }
        line.received += arrived;
        if !room.touched {
            room.touched = true;
            self.touched.push(line.room);
        }
    }
}

impl Line {
    /// Counts the messages whose last byte is among `bytes`.
    fn count_frames(&mut self, mut bytes: &[u8]) -> io::Result<u64> {
        let mut messages = 0;
        while !bytes.is_empty() {
            if self.body_left == 0 {
                let have = usize::from(self.head_len);
                let take = bytes.len().min(HEADER_BYTES - have);
                self.head[have..have + take].copy_from_slice(&bytes[..take]);
                self.head_len += take as u8;
                bytes = &bytes[take..];
                if usize::from(self.head_len) < HEADER_BYTES {
                    break;
                }
                self.head_len = 0;
                self.header = FrameHeader::decode(&self.head);
                self.body_left = self.header.length;
                self.check(bytes)?;
            }
            let take = bytes.len().min(self.body_left as usize);
            self.body_left -= take as u32;
            bytes = &bytes[take..];
            if self.body_left == 0 && self.header.kind == KIND_MESSAGE {
                messages += 1;
            }
        }
        Ok(messages)
    }

    /// Ends the benchmark when the server refuses a message or a connection, or has skipped something.
    fn check(&self, body: &[u8]) -> io::Result<()> {
        // Every response begins with field 1, its code, unless that is 200.
        let refused = self.header.response && body.first() == Some(&0x08) && self.header.length > 0;
        let ends = !self.header.response && matches!(self.header.kind, KIND_STATUS | KIND_KICKED | KIND_GAP);
        if refused || ends {
            let body = body.get(..self.header.length as usize).unwrap_or(body);
            let status = chatroom::wire::pb::Status::decode(body);
            return Err(io::Error::other(format!("the server said {:?}: {status:?}", self.header)));
        }
        Ok(())
    }

    /// As `count_frames`, for deliveries that all have one length.
    fn count_bytes(&mut self, len: usize, each: u32) -> u64 {
        if self.publisher {
            return 0;
        }
        let arrived = self.body_left as usize + len;
        self.body_left = (arrived % each as usize) as u32;
        (arrived / each as usize) as u64
    }
}

/// Names the messages that are due when sends go by the clock: the rooms take turns, evenly spread.
struct Clock {
    begin: Instant,
    step: Duration,
    rooms: usize,
    turn: u64,
}

impl Clock {
    fn new(pace: Pace, rooms: usize, begin: Instant) -> Option<Clock> {
        match pace {
            Pace::Outstanding(_) => None,
            Pace::PerSecond(rate) => {
                Some(Clock { begin, step: Duration::from_secs_f64(1.0 / rate / rooms as f64), rooms, turn: 0 })
            }
        }
    }

    fn next(&self) -> Instant {
        self.begin + Duration::from_nanos(self.step.as_nanos() as u64 * self.turn)
    }

    fn due(&mut self, now: Instant) -> Option<(usize, Instant)> {
        let next = self.next();
        if next > now {
            return None;
        }
        let room = (self.turn % self.rooms as u64) as usize;
        self.turn += 1;
        Some((room, next))
    }

    /// The poll's timeout counts whole milliseconds and may be late by one, so the last one is spent polling without waiting.
    fn timeout(&self, now: Instant) -> Duration {
        Duration::from_millis((self.next().saturating_duration_since(now).as_millis() as u64).saturating_sub(1))
    }
}

/// Writes everything; the server always reads, so a full socket empties soon.
fn write_all(stream: &mut TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    let deadline = Instant::now() + STALL;
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(len) => bytes = &bytes[len..],
            Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() < deadline => std::thread::yield_now(),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
