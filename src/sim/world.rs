//! The world: a clock it turns, what is on its way, and the order in which things happen. All of it comes out of one seed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use bytes::Bytes;

use super::client::Client;
use super::disk::Disk;
use super::driver::piece;
use super::network::Link;
use super::node::Node;
use super::plan::Plan;
use super::truth::digest;
use super::watch::Watch;
use crate::front::Effect;
use crate::id::{RoomId, Seq, Time, UnixMs};
use crate::server::reader::Reader;
use crate::session::RequestId;

/// How far the history reaches back.
const HISTORY_DAYS: u32 = 10;
/// The calendar's time at which worlds begin.
pub(super) const BEGIN_MS: i64 = 1_700_000_000_000;

/// Something that happens at its time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Event {
    /// A connection arrives at the node.
    Arrives(u32),
    /// The client learns that its connection is up.
    IsUp(u32),
    /// The client learns that its connection is over.
    ClientHearsEnd(u32),
    /// The node learns that a connection is over.
    NodeHearsEnd(u32),
    /// The next piece arrives at the node.
    Up(u32),
    /// The next piece arrives at the client.
    Down(u32),
    /// The disk syncs what waits.
    Commit,
    /// The disk works again.
    Mend,
    /// What a worker has begun to read, or to ask, is there.
    Done(u64),
    /// A worker looks at what is due.
    Tick(u64, usize),
    /// A worker is to take a turn.
    Look(u64, usize),
    /// The node begins its next life.
    Start,
}

/// A world.
pub(super) struct World {
    pub now: Time,
    pub random: fastrand::Rng,
    pub plan: Plan,
    pub clients: Vec<Client>,
    pub links: Vec<Option<Link>>,
    pub node: Option<Node>,
    pub disk: Arc<Disk>,
    pub reader: Reader,
    pub watch: Watch,
    /// By how much the calendar was set, in milliseconds.
    pub calendar_ms: i64,
    /// What workers have begun, with life and worker.
    pub begun: BTreeMap<u64, (u64, usize, Effect)>,
    /// Entries of the batches that wait for the disk, in the order of these.
    pub unsynced: std::collections::VecDeque<Vec<(RoomId, Seq)>>,
    /// What the HTTP API waits for.
    pub http: BTreeMap<u64, super::client::Doing>,
    /// Rooms there are, or were.
    pub rooms: Vec<RoomId>,
    /// Rooms that nobody enters, and who made them over HTTP.
    pub shops: Vec<(RoomId, crate::id::AccountId)>,
    /// Mail between subjects that is late, by the worker it is for.
    pub late: Vec<(usize, crate::dispatch::Post)>,
    pub lives: u64,
    pub numbers: u64,
    pub commit_is_due: bool,
    pub finished_at_once: Vec<RequestId>,
    /// Nothing goes wrong any more.
    pub is_calm: bool,
    /// Answers of the HTTP API that somebody waits for.
    pub answers: BTreeMap<u64, crate::wire::Response>,
    /// What has happened so far, as one number.
    pub digest: u64,
    pub trace: Option<Vec<String>>,
    queue: BinaryHeap<Reverse<(u64, u64, Event)>>,
    order: u64,
}

impl World {
    /// The world of a seed, before its first step.
    pub fn new(seed: u64, is_traced: bool) -> Result<World, String> {
        let mut random = fastrand::Rng::with_seed(seed);
        let plan = Plan::draw(&mut random);
        let disk = Arc::new(Disk::new().map_err(|error| error.to_string())?);
        let clients = plan.clients.iter().enumerate().map(|(number, account)| {
            let window = if plan.small_windows && random.bool() { random.usize(64..2_000) } else { plan.window };
            let asks_login = plan.asks_logins && random.bool();
            Client::new(number, account.clone(), asks_login, window, random.u64(..))
        });
        let clients = clients.collect();
        let reader = Reader::new(disk.clone(), plan.settings.clone(), HISTORY_DAYS);
        let mut world = World {
            now: Time(1_000_000),
            plan,
            clients,
            links: Vec::new(),
            node: None,
            disk,
            reader,
            watch: Watch::default(),
            calendar_ms: 0,
            begun: BTreeMap::new(),
            unsynced: std::collections::VecDeque::new(),
            http: BTreeMap::new(),
            rooms: Vec::new(),
            shops: Vec::new(),
            late: Vec::new(),
            lives: 0,
            numbers: 0,
            commit_is_due: false,
            finished_at_once: Vec::new(),
            is_calm: false,
            answers: BTreeMap::new(),
            digest: seed,
            trace: is_traced.then(Vec::new),
            queue: BinaryHeap::new(),
            order: 0,
            random,
        };
        world.note(|| String::from("the world begins"));
        world.start();
        world.furnish();
        Ok(world)
    }

    /// The calendar.
    pub fn unix(&self) -> UnixMs {
        UnixMs(BEGIN_MS + self.now.ms() + self.calendar_ms)
    }

    /// A number that nothing else has.
    pub fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Adds a line to the trace, if there is one.
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        let now = self.now.0;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>12} {}", now, line()));
        }
    }

    /// Mixes something that has happened into the digest.
    pub fn mix(&mut self, what: u64) {
        self.digest = (self.digest.rotate_left(5) ^ what).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    /// Has something happen then.
    pub fn plan_event(&mut self, at: Time, event: Event) {
        self.order += 1;
        self.queue.push(Reverse((at.0.max(self.now.0), self.order, event)));
    }

    /// When something that is sent now arrives on the other side.
    pub fn after_a_way(&mut self) -> Time {
        let usual = self.plan.distance_us + self.random.u64(0..=self.plan.distance_us);
        let late = if self.is_calm || self.random.u8(..) > 8 { 0 } else { self.random.u64(0..2_000_000) };
        Time(self.now.0 + usual + late)
    }

    /// Lets `us` microseconds pass, with everything that happens in them.
    pub fn pass(&mut self, us: u64) {
        let until = Time(self.now.0 + us);
        while self.watch.violation.is_none() {
            self.take_turns();
            let event = self.queue.peek().map(|Reverse((at, ..))| Time(*at));
            let client = self.next_client();
            let next = [event, client.map(|(at, _)| at)].into_iter().flatten().min();
            let Some(next) = next.filter(|at| *at <= until) else { break };
            self.now = self.now.max(next);
            match client {
                Some((at, client)) if at <= next => {
                    self.mix(client as u64);
                    self.wake_client(client);
                }
                _ => {
                    if let Some(Reverse((_, order, event))) = self.queue.pop() {
                        self.mix(order);
                        self.happen(event);
                    }
                }
            }
        }
        self.now = self.now.max(until);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrives(link) => self.on_arrival(link),
            Event::IsUp(link) => {
                if let Some(Some(held)) = self.links.get(link as usize) {
                    self.on_connected(held.client, link);
                }
            }
            Event::ClientHearsEnd(link) => {
                if let Some(Some(held)) = self.links.get(link as usize) {
                    self.on_link_over(held.client, link);
                }
            }
            Event::NodeHearsEnd(link) => self.on_end(link),
            Event::Up(link) => self.arrive_up(link),
            Event::Down(link) => self.arrive_down(link),
            Event::Commit => self.commit(),
            Event::Mend => {
                self.note(|| String::from("the disk works again"));
                self.disk.mend();
                self.wake_workers();
            }
            Event::Done(number) => self.on_done_reading(number),
            Event::Tick(life, worker) => self.tick(life, worker),
            Event::Look(life, worker) => self.make_due(life, worker),
            Event::Start => self.start(),
        }
    }

    /// Sends bytes of a client on their way.
    pub fn send_up(&mut self, link: u32, bytes: Bytes) {
        self.mix(digest(&bytes));
        let at = self.after_a_way();
        let Some(Some(held)) = self.links.get_mut(link as usize) else { return };
        if held.up.is_dead {
            return;
        }
        let at = at.max(held.up.last);
        held.up.last = at;
        held.up.flying.push_back(bytes);
        self.plan_event(at, Event::Up(link));
    }

    fn arrive_up(&mut self, link: u32) {
        let length = self.piece_length();
        let Some(Some(held)) = self.links.get_mut(link as usize) else { return };
        if held.up.is_dead {
            return;
        }
        let Some(mut bytes) = held.up.flying.pop_front() else { return };
        let first = piece(&mut bytes, length);
        held.arrived.extend_from_slice(&first);
        let (taken, life) = (held.taken, held.life);
        if !bytes.is_empty() {
            held.up.flying.push_front(bytes);
            self.plan_event(Time(self.now.0 + 1), Event::Up(link));
        }
        if let Some((worker, _)) = taken {
            self.make_due(life, worker);
        }
    }

    /// Sends what the node has written on its way to the client.
    pub fn send_down(&mut self, link: u32) {
        let at = self.after_a_way();
        let Some(Some(held)) = self.links.get_mut(link as usize) else { return };
        let out = std::mem::take(&mut held.pipe.borrow_mut().out);
        if out.is_empty() || held.down.is_dead {
            return;
        }
        let at = at.max(held.down.last);
        held.down.last = at;
        let bytes = Bytes::from(out);
        let mark = digest(&bytes);
        held.down.flying.push_back(bytes);
        self.mix(mark);
        self.plan_event(at, Event::Down(link));
    }

    fn arrive_down(&mut self, link: u32) {
        let length = self.piece_length();
        let Some(Some(held)) = self.links.get_mut(link as usize) else { return };
        if held.down.is_dead || !held.is_open {
            return;
        }
        let Some(mut bytes) = held.down.flying.pop_front() else { return };
        let (first, client) = (piece(&mut bytes, length), held.client);
        if !bytes.is_empty() {
            held.down.flying.push_front(bytes);
            self.plan_event(Time(self.now.0 + 1), Event::Down(link));
        }
        self.on_client_bytes(client, link, first);
    }

    /// The client has taken bytes: the node may send as many more.
    pub fn free_window(&mut self, link: u32, bytes: usize) {
        let Some(Some(held)) = self.links.get_mut(link as usize) else { return };
        let mut pipe = held.pipe.borrow_mut();
        pipe.held = pipe.held.saturating_sub(bytes);
        drop(pipe);
        if let Some((worker, _)) = held.taken {
            let life = held.life;
            self.make_due(life, worker);
        }
    }

    /// How much of what has come arrives at once.
    fn piece_length(&mut self) -> usize {
        if self.random.u8(..) < 24 { self.random.usize(1..40) } else { usize::MAX }
    }
}
