//! What is to be done by whom, fixed before anything starts; and the schedule of the messages.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;

use super::super::failure::Failure;
use super::super::who::token;
use super::Flags;
use super::tally::Live;
use crate::wire::frame::VERSIONS;
use crate::wire::pb;

/// Bytes of what a message says of itself: run, number and the time it was due.
pub(super) const MESSAGE_BYTES_MIN: u32 = 8 + 1 + 8 + 1 + 16;
/// Messages of one room in one run: bounds the bits a receiver keeps to 2 MiB.
pub(super) const MESSAGES_PER_ROOM_MAX: u32 = 16 * 1024 * 1024;
/// Between two looks at the counters while the schedule is kept.
const LOOK: Duration = Duration::from_millis(200);

/// How fast messages go out.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Pace {
    /// So many per second of all senders together, on a schedule that waits for nobody.
    Rate(f64),
    /// So many unanswered per sender.
    Window(u32),
}

/// One of those who send: which connection, and which of its room's senders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sender {
    /// Its place among all senders.
    pub(super) place: usize,
    /// Its place among its room's.
    pub(super) in_room: u32,
}

/// A run.
pub(super) struct Plan {
    /// Names this run's accounts and messages, so that two runs never take each other's for their own.
    pub(super) run: u32,
    pub(super) servers: Vec<SocketAddr>,
    pub(super) sources: Vec<IpAddr>,
    pub(super) app: String,
    secret: String,
    pub(super) rooms: Vec<i64>,
    pub(super) connections: usize,
    /// The connection of each sender.
    pub(super) senders: Vec<usize>,
    pub(super) pace: Pace,
    pub(super) size: usize,
    pub(super) duration: Duration,
    pub(super) threads: usize,
}

/// The longest time to send or to wait, in seconds: ten days.
const SECONDS_MAX: f64 = 864_000.0;

impl Plan {
    pub(super) fn new(flags: &Flags, rooms: Vec<i64>) -> Result<Plan, Failure> {
        let connections = flags.connections as usize;
        if connections < rooms.len() {
            return Err(Failure::usage(format!(
                "{connections} connections cannot be in {} rooms: give more of them",
                rooms.len()
            )));
        }
        let senders = flags.senders.map_or(rooms.len(), |senders| senders as usize);
        if senders > connections {
            return Err(Failure::usage(format!("{senders} of {connections} connections cannot send: give fewer --senders")));
        }
        let positive = |value: f64| value.is_finite() && value > 0.0;
        if !positive(flags.duration) || !positive(flags.rate) || !flags.drain.is_finite() || flags.drain < 0.0 {
            return Err(Failure::usage("--duration and --rate must be more than 0, --drain not less"));
        }
        if flags.duration.max(flags.drain) > SECONDS_MAX {
            return Err(Failure::usage(format!("--duration and --drain are at most {SECONDS_MAX} seconds")));
        }
        let pace = flags.window.map_or(Pace::Rate(flags.rate), Pace::Window);
        if flags.rate * flags.duration > f64::from(MESSAGES_PER_ROOM_MAX) {
            return Err(Failure::usage(format!("more than {MESSAGES_PER_ROOM_MAX} messages: give less --rate or --duration")));
        }
        let mut servers = Vec::new();
        for server in &flags.place.server {
            if server.starts_with("tls://") {
                return Err(Failure::usage("load speaks no TLS: give --server an address without tls://"));
            }
            servers.extend(look_up(server.clone(), flags.place.timeout)?);
        }
        if servers.is_empty() {
            return Err(Failure::unreachable(format!("{}: no such host", flags.place.server.join(", "))));
        }
        Ok(Plan {
            run: fastrand::u32(..),
            servers,
            sources: flags.source.clone(),
            app: flags.place.app.clone(),
            secret: flags.secret.clone(),
            rooms,
            connections,
            // Connection c is in room c modulo rooms, so that the first ones are spread over the rooms already.
            senders: (0..senders).collect(),
            pace,
            size: flags.size as usize,
            duration: Duration::from_secs_f64(flags.duration),
            threads: flags.threads as usize,
        })
    }

    /// The place among the rooms of the one a connection is in.
    pub(super) fn room_of(&self, connection: usize) -> usize {
        connection % self.rooms.len()
    }

    /// Connections of a room.
    pub(super) fn members_of(&self, room: usize) -> u64 {
        spread(self.connections, self.rooms.len(), room) as u64
    }

    /// Senders of a room.
    pub(super) fn senders_of(&self, room: usize) -> u32 {
        u32::try_from(spread(self.senders.len(), self.rooms.len(), room)).unwrap_or(u32::MAX)
    }

    /// What a connection sends, if it does.
    pub(super) fn sender(&self, connection: usize) -> Option<Sender> {
        let in_room = u32::try_from(connection / self.rooms.len()).unwrap_or(u32::MAX);
        (connection < self.senders.len()).then_some(Sender { place: connection, in_room })
    }

    /// How a connection logs in and enters its room.
    pub(super) fn login(&self, connection: usize) -> pb::LoginRequest {
        let account = format!("load-{:08x}-{connection}", self.run);
        let room_id = self.rooms[self.room_of(connection)];
        pb::LoginRequest {
            app_key: self.app.clone(),
            token: token(&self.app, &self.secret, &account),
            auth_type: pb::AuthType::Dynamic.into(),
            client_type: 4,
            device_id: account.clone(),
            account,
            sdk_version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol_version: VERSIONS[0],
            enter: Some(pb::RoomEnterRequest { room_id, ..Default::default() }),
            ..Default::default()
        }
    }

    /// The text of a message: what a receiver must know of it, and as much more as the size asks for.
    pub(super) fn body(&self, number: u32, due: Duration) -> Bytes {
        let due_us = u64::try_from(due.as_micros()).unwrap_or(u64::MAX);
        let mut body = format!("{:08x} {number:08x} {due_us:016x}", self.run);
        body.extend(std::iter::repeat_n('.', self.size.saturating_sub(body.len())));
        body.into()
    }

    /// Number and due time of a message of this run; `None` for anybody else's.
    pub(super) fn read_body(&self, body: &[u8]) -> Option<(u32, Duration)> {
        let text = str::from_utf8(body.get(..MESSAGE_BYTES_MIN as usize)?).ok()?;
        let mut words = text.split(' ');
        let run = u32::from_str_radix(words.next()?, 16).ok()?;
        let number = u32::from_str_radix(words.next()?, 16).ok()?;
        let due_us = u64::from_str_radix(words.next()?, 16).ok()?;
        (run == self.run && number < MESSAGES_PER_ROOM_MAX).then_some((number, Duration::from_micros(due_us)))
    }
}

/// How many of `count` things dealt out over `places` lie on `place`.
fn spread(count: usize, places: usize, place: usize) -> usize {
    count / places + usize::from(place < count % places)
}

/// The senders' triggers, pulled on schedule.
pub(super) struct Shots {
    triggers: Vec<Option<UnboundedSender<Duration>>>,
}

impl Shots {
    pub(super) fn new(senders: usize) -> Shots {
        Shots { triggers: (0..senders).map(|_| None).collect() }
    }

    pub(super) fn put(&mut self, sender: usize, trigger: UnboundedSender<Duration>) {
        if let Some(place) = self.triggers.get_mut(sender) {
            *place = Some(trigger);
        }
    }

    /// Tells the senders in turn when each message is due, at that time, and counts it as unanswered. A sender that cannot keep up
    /// has them waiting, each with the time at which it should have left; `look` is called now and then.
    ///
    /// A plain thread wakes within some fifty microseconds, a timer of the runtime within a millisecond.
    pub(super) fn keep_pace(&self, plan: &Plan, per_second: f64, start: Instant, live: &Live, mut look: impl FnMut(Duration)) {
        let mut looked = Duration::ZERO;
        for (trigger, sent) in self.triggers.iter().cycle().zip(0_u32..) {
            let due = Duration::from_secs_f64(f64::from(sent) / per_second);
            if due >= plan.duration {
                break;
            }
            let mut elapsed = start.elapsed();
            while elapsed < due {
                std::thread::sleep((due - elapsed).min(LOOK));
                elapsed = start.elapsed();
                if elapsed > looked + LOOK {
                    looked = elapsed;
                    look(elapsed);
                }
            }
            // A connection that is gone shows in the report.
            if let Some(trigger) = trigger.as_ref().filter(|trigger| !trigger.is_closed()) {
                Live::count(&live.unanswered, 1);
                let _ = trigger.send(due);
            }
        }
    }
}

/// The first address a name stands for. The thread that asks the system ends with the process, wherever it waits.
fn look_up(server: String, patience: Duration) -> Result<Option<SocketAddr>, Failure> {
    let (sender, found) = mpsc::channel();
    let name = server.clone();
    // Nobody listens any more after `patience`.
    let ask = move || drop(sender.send(name.to_socket_addrs().map(|mut found| found.next())));
    let thread = std::thread::Builder::new().name("names".to_owned()).spawn(ask);
    thread.map_err(|error| Failure::failed(format!("no thread: {error}")))?;
    match found.recv_timeout(patience) {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(Failure::unreachable(format!("{server}: {error}"))),
        Err(_) => Err(Failure::unreachable(format!("{server}: the name was not looked up in time"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(connections: usize, rooms: usize, senders: usize) -> Plan {
        Plan {
            run: 7,
            servers: Vec::new(),
            sources: Vec::new(),
            app: String::new(),
            secret: String::new(),
            rooms: (1..).take(rooms).collect(),
            connections,
            senders: (0..senders).collect(),
            pace: Pace::Rate(1.0),
            size: 40,
            duration: Duration::from_secs(1),
            threads: 1,
        }
    }

    #[test]
    fn connections_and_senders_are_spread_evenly_over_the_rooms() {
        let plan = plan(10, 4, 6);
        assert_eq!((0..4).map(|room| plan.members_of(room)).collect::<Vec<_>>(), [3, 3, 2, 2]);
        assert_eq!((0..4).map(|room| plan.senders_of(room)).collect::<Vec<_>>(), [2, 2, 1, 1]);
        assert_eq!(plan.sender(5), Some(Sender { place: 5, in_room: 1 }));
        assert_eq!(plan.sender(6), None);
        for room in 0..4 {
            let members = (0..10).filter(|connection| plan.room_of(*connection) == room).count() as u64;
            assert_eq!(members, plan.members_of(room));
        }
    }

    #[test]
    fn a_message_says_its_number_and_when_it_was_due() {
        let plan = plan(1, 1, 1);
        let body = plan.body(5, Duration::from_micros(1234));
        assert_eq!(body.len(), 40);
        assert_eq!(plan.read_body(&body), Some((5, Duration::from_micros(1234))));
        assert_eq!(plan.read_body(b"hello"), None);
        assert_eq!(Plan { run: 8, ..plan }.read_body(&body), None);
    }

    #[test]
    fn the_schedule_is_even_and_in_turn() {
        let mut shots = Shots::new(2);
        let mut heard = Vec::new();
        for place in 0..2 {
            let (trigger, shots_out) = tokio::sync::mpsc::unbounded_channel();
            shots.put(place, trigger);
            heard.push(shots_out);
        }
        let plan = Plan { duration: Duration::from_millis(5), ..plan(2, 1, 2) };
        let live = Live::default();
        shots.keep_pace(&plan, 1000.0, Instant::now(), &live, |_| {});
        assert_eq!(live.unanswered.into_inner(), 5);
        let mut due = |place: usize| std::iter::from_fn(|| heard[place].try_recv().ok()).collect::<Vec<_>>();
        let ms = Duration::from_millis;
        assert_eq!(due(0), [ms(0), ms(2), ms(4)]);
        assert_eq!(due(1), [ms(1), ms(3)]);
    }
}
