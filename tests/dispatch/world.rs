//! A node of two workers without sockets, disk or clock, but with a log: it can be restarted, and rooms are rebuilt from what was
//! committed. What the tests of the dispatch share.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use bytes::{Bytes, BytesMut};
use chatroom::dispatch::{Answer, Asked, Asker, CatchUp, Effect, Hub, HubConfig, Outlet, Post, Request, Verdict, owner_of};
use chatroom::error::{Code, Sub};
use chatroom::id::{AccountId, ConnId, Epoch, RoomId, Time, UnixMs};
use chatroom::limits::FEED_BYTES_MAX;
use chatroom::room::{
    Actor, Ask, Collector, Create, Enter, Op, Open, Origin, Query, Record, Replay, ReplayScope, Room, Settings,
};
use chatroom::subject::{AccountKey, Operation as _};
use chatroom::user::Passing;
use chatroom::wire::{FrameCodec, Push, Response, pb};
use prost::Message as _;
use tokio_util::codec::Decoder;

pub const WORKERS: usize = 2;
pub const GRACE_MS: u64 = 10_000;

/// What reaches the connections, as bytes.
#[derive(Default)]
struct Wires(BTreeMap<ConnId, BytesMut>, HashSet<ConnId>);

impl Outlet for Wires {
    fn write(&mut self, connection: ConnId, bytes: &[u8]) -> usize {
        if self.1.contains(&connection) {
            return 0;
        }
        self.keep(connection, bytes);
        bytes.len()
    }

    fn hold(&mut self, connection: ConnId, rest: Bytes) {
        self.keep(connection, &rest);
    }
}

impl Wires {
    fn keep(&mut self, connection: ConnId, bytes: &[u8]) {
        self.0.entry(connection).or_default().extend_from_slice(bytes);
    }
}

/// What the log has of one room.
#[derive(Default)]
struct Logged {
    snapshot: Option<(u64, Vec<u8>)>,
    records: Vec<Record>,
}

/// The node.
pub struct World {
    pub hubs: Vec<Hub>,
    /// Stands in for the owner of every account.
    pub accounts: Passing,
    pub key: AccountKey,
    pub settings: Arc<Settings>,
    pub commits: bool,
    /// How often a room was rebuilt from the log.
    pub loads: usize,
    /// How often a replay was read out of the log.
    pub replays: usize,
    /// Replays are not read before [`World::read_replays`].
    pub holds_replays: bool,
    held_replays: Vec<(usize, CatchUp)>,
    /// How often a message was looked for in the log.
    pub finds: usize,
    /// States of rooms that were written down.
    pub snapshots: usize,
    /// Who was told to go, and why.
    pub kicked: Vec<(ConnId, pb::Kicked)>,
    answers: HashMap<(ConnId, u32), Answer>,
    wires: Wires,
    log: HashMap<RoomId, Logged>,
    last_room: Arc<AtomicI64>,
    epoch: u64,
    now_ms: u64,
    /// How far the calendar's clock is ahead of the true time.
    pub calendar_ahead_ms: i64,
    sequence: u32,
    connections: u32,
}

impl World {
    pub fn new(settings: Settings) -> World {
        let settings = Arc::new(settings);
        let mut world = World {
            hubs: Vec::new(),
            accounts: Passing::default(),
            key: AccountKey::new([1, 2]),
            settings,
            commits: true,
            loads: 0,
            finds: 0,
            replays: 0,
            holds_replays: false,
            held_replays: Vec::new(),
            snapshots: 0,
            kicked: Vec::new(),
            answers: HashMap::new(),
            wires: Wires::default(),
            log: HashMap::new(),
            last_room: Arc::new(AtomicI64::new(1000)),
            epoch: 0,
            now_ms: 1000,
            calendar_ahead_ms: 0,
            sequence: 0,
            connections: 0,
        };
        world.restart();
        world
    }

    /// Everything that was not committed is gone, and so is everybody.
    pub fn restart(&mut self) {
        self.epoch += 1;
        self.accounts = Passing::default();
        let hub = |worker| {
            Hub::new(HubConfig {
                worker,
                workers: WORKERS,
                epoch: Epoch(self.epoch),
                seed: 1,
                rules: self.settings.clone(),
                feed_bytes_max: FEED_BYTES_MAX,
                detach_grace_ms: GRACE_MS,
                last_room: self.last_room.clone(),
                accounts: self.key,
                ids: Arc::default(),
            })
        };
        self.hubs = (0..WORKERS).map(hub).collect();
        let exists = |logged: &Logged| {
            let last = logged.records.iter().rev().find_map(|record| match record.entry.command.op {
                Op::Open(_) => Some(true),
                Op::Destroy => Some(false),
                _ => None,
            });
            last == Some(true)
        };
        let rooms: Vec<RoomId> = self.log.iter().filter(|(_, logged)| exists(logged)).map(|(id, _)| *id).collect();
        self.hubs.iter_mut().for_each(|hub| hub.expect_endings(&rooms));
        self.answers.clear();
        self.held_replays.clear();
        self.wires = Wires::default();
        self.pass(0);
    }

    /// A new connection on one of the workers.
    pub fn connect(&mut self, account: &str) -> Actor {
        self.connect_to(((self.connections + 1) % WORKERS as u32) as u8, account)
    }

    /// A new connection on this worker.
    pub fn connect_to(&mut self, worker: u8, account: &str) -> Actor {
        self.connections += 1;
        Actor {
            connection: Some(ConnId::new(worker, self.connections, self.connections)),
            origin: Origin::Member,
            client_type: 4,
            ..Actor::http(AccountId::parse(account).unwrap())
        }
    }

    pub fn ask(&mut self, actor: &Actor, room: RoomId, op: Op) -> u32 {
        self.sequence += 1;
        let connection = actor.connection.expect("only connections ask");
        let asked = Asked { connection, sequence: self.sequence, kind: 0, subject: room };
        self.request(asked, actor.clone(), Ask::Command(op));
        self.sequence
    }

    fn request(&mut self, asked: Asked, actor: Actor, mut ask: Ask) {
        if let Ask::Command(op) = &mut ask
            && asked.subject.is_of_client()
        {
            self.reserve(&actor.account, asked.subject, op);
        }
        let (room, asker) = (asked.subject, Asker::Connection(asked));
        let request = Request { subject: room, asker, actor, ask, app_key: None, resume: None };
        self.hubs[asked.connection.worker()].request(request);
    }

    /// What the owner of an account does before a room made by a client is entered.
    fn reserve(&mut self, account: &AccountId, room: RoomId, op: &mut Op) {
        let (makes, settings) = (op.may_begin().is_some(), self.settings.clone());
        let Some(entering) = op.entering() else { return };
        let (hash, app) = (self.key.account(entering.app_key, account), self.key.app(entering.app_key));
        let is_full = |hash, max| self.accounts.waiting(hash) >= max;
        let own_max = settings.client_rooms_left_per_account_max;
        *entering.is_barred = makes && (is_full(hash, own_max) || is_full(app, settings.client_rooms_left_per_app_max));
        let rooms_max = settings.client_rooms_per_account_max;
        *entering.over_quota = !self.accounts.reserve(hash, room, entering.leaves, rooms_max);
    }

    /// What the owners of accounts do with what rooms say.
    fn take_notes(&mut self, worker: usize) -> bool {
        let notes = self.hubs[worker].take_notes();
        let is_busy = !notes.is_empty();
        for note in notes {
            if let Some(beyond) = self.accounts.note(note) {
                let (actor, ask) = (Actor::server(beyond.account), Ask::Command(Op::beyond_quota().unwrap()));
                let request = Request { subject: beyond.room, asker: Asker::Nobody, actor, ask, app_key: None, resume: None };
                self.hubs[worker].request(request);
            }
        }
        is_busy
    }

    /// Whether the room itself says that the account is in it.
    pub fn is_here(&mut self, account: &str, room: RoomId) -> bool {
        self.look_up(account, room).is_some_and(|member| member.online)
    }

    /// What the room says of an account that it knows.
    pub fn member(&mut self, account: &str, room: RoomId) -> pb::Member {
        self.look_up(account, room).expect("the room knows the account")
    }

    /// Bytes of the room's last snapshot.
    pub fn snapshot_bytes(&self, room: RoomId) -> usize {
        let logged = self.log.get(&room);
        logged.and_then(|logged| logged.snapshot.as_ref()).map_or(0, |(_, state)| state.len())
    }

    fn look_up(&mut self, account: &str, room: RoomId) -> Option<pb::Member> {
        self.sequence += 1;
        let (connection, sequence) = (ConnId::new(0, 0, 0), self.sequence);
        let lookup = pb::MemberLookupRequest { room_id: room.get(), accounts: vec![account.into()] };
        let actor = Actor::http(AccountId::parse(account).unwrap());
        self.request(Asked { connection, sequence, kind: 0, subject: room }, actor, Ask::Query(Query::Lookup(lookup)));
        self.settle();
        match self.answers.remove(&(connection, sequence)).expect("every question is answered") {
            Ok(Response::MemberLookup(mut found)) => found.members.pop(),
            _ => None,
        }
    }

    pub fn command(&mut self, actor: &Actor, room: RoomId, op: Op) -> Answer {
        let sequence = self.ask(actor, room, op);
        self.settle();
        self.take_answer(actor, sequence).expect("every request is answered")
    }

    pub fn take_answer(&mut self, actor: &Actor, sequence: u32) -> Option<Answer> {
        self.answer_to(actor.connection.unwrap(), sequence)
    }

    pub fn answer_to(&mut self, connection: ConnId, sequence: u32) -> Option<Answer> {
        self.answers.remove(&(connection, sequence))
    }

    /// The code and the sub code a command comes to.
    pub fn came_to(&mut self, actor: &Actor, room: RoomId, op: Op) -> (Code, Option<Sub>) {
        self.command(actor, room, op).map_or_else(|status| (status.code, status.sub), |_| (Code::Ok, None))
    }

    pub fn create(&mut self, number: i64) -> RoomId {
        let room = RoomId::new(number).unwrap();
        self.create_by("boss", room);
        room
    }

    /// Makes a room over HTTP whose owner this account is.
    pub fn create_by(&mut self, creator: &str, room: RoomId) {
        self.command(&over_http(creator), room, creation(creator)).expect("the room is new");
    }

    /// Enters a room made over HTTP.
    pub fn enter(&mut self, actor: &Actor, room: RoomId) -> pb::RoomEnterResponse {
        entered(self.command(actor, room, enter(room)))
    }

    /// The rooms an account counts as being in.
    pub fn rooms(&self, account: &str) -> Vec<RoomId> {
        self.accounts.rooms(self.key.account("app", &AccountId::parse(account).unwrap()))
    }

    /// A connection is lost, or has logged out.
    pub fn lose(&mut self, actor: &Actor, at_once: bool) {
        self.hubs[actor.connection.unwrap().worker()].on_connection_gone(actor, at_once);
        self.settle();
    }

    /// Time passes, and everybody looks at the clock.
    pub fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.set_clocks();
        self.hubs.iter_mut().for_each(Hub::on_tick);
        self.settle();
    }

    /// What was committed of a room, in order.
    pub fn records(&self, room: RoomId) -> &[Record] {
        self.log.get(&room).map_or(&[], |logged| &logged.records)
    }

    /// Rooms in memory.
    pub fn rooms_in_memory(&self) -> usize {
        self.hubs.iter().map(|hub| hub.gauges().0).sum()
    }

    /// Notification types and bodies of messages a connection has heard since the last look.
    pub fn heard(&mut self, actor: &Actor) -> Vec<String> {
        let mut bytes = self.wires.0.remove(&actor.connection.unwrap()).unwrap_or_default();
        let mut heard = Vec::new();
        while let Some(frame) = FrameCodec::default().decode(&mut bytes).unwrap() {
            heard.push(match Push::decode(frame.header.kind, frame.body).unwrap() {
                Push::Message(message) => String::from_utf8(message.body.to_vec()).unwrap(),
                Push::Notification(notice) => notice.r#type.to_string(),
                Push::Kicked(kicked) => format!("kicked {} {}", kicked.reason, kicked.may_reconnect),
                other => format!("{other:?}"),
            });
        }
        assert!(bytes.is_empty(), "only whole frames are written");
        heard
    }

    /// The socket of a connection takes nothing any more.
    pub fn block(&mut self, actor: &Actor) {
        self.wires.1.extend(actor.connection);
    }

    /// What a connection has heard since the last look.
    pub fn heard_pushes(&mut self, actor: &Actor) -> Vec<Push> {
        let mut bytes = self.wires.0.remove(&actor.connection.unwrap()).unwrap_or_default();
        let mut heard = Vec::new();
        while let Some(frame) = FrameCodec::default().decode(&mut bytes).unwrap() {
            heard.push(Push::decode(frame.header.kind, frame.body).unwrap());
        }
        heard
    }

    /// Reads the replays that wait.
    pub fn read_replays(&mut self) {
        for (worker, waiting) in std::mem::take(&mut self.held_replays) {
            let read = self.replay(waiting.asked.subject, &waiting.scope);
            self.hubs[worker].on_caught_up(waiting, Ok(read));
        }
    }

    /// Everything is written down, and then the node starts anew.
    pub fn stop_and_start(&mut self) {
        self.hubs.iter_mut().for_each(Hub::save_subjects);
        self.settle();
        self.restart();
    }

    /// What was not committed is dropped, while everybody stays.
    pub fn reopen_store(&mut self) {
        self.epoch += 1;
        let epoch = Epoch(self.epoch);
        self.hubs.iter_mut().for_each(|hub| {
            hub.on_log_failed();
            hub.on_log_back(epoch);
        });
        self.commits = true;
        self.settle();
    }

    fn set_clocks(&mut self) {
        let unix = UnixMs(1_700_000_000_000 + i64::try_from(self.now_ms).unwrap() + self.calendar_ahead_ms);
        self.hubs.iter_mut().for_each(|hub| hub.set_clock(Time(self.now_ms * 1000), unix));
    }

    /// Turns and mail until everything is quiet.
    pub fn settle(&mut self) {
        for _ in 0..200 {
            self.now_ms += 1;
            self.set_clocks();
            let busy: Vec<bool> = (0..WORKERS).map(|worker| self.turn(worker)).collect();
            if !busy.contains(&true) {
                return;
            }
        }
        panic!("the hubs never fall quiet");
    }

    fn turn(&mut self, worker: usize) -> bool {
        let mut was_busy = self.hubs[worker].is_broadcasting();
        self.hubs[worker].go_on_broadcasting();
        let effects = self.hubs[worker].take_effects();
        was_busy |= !effects.is_empty();
        for effect in effects {
            match effect {
                Effect::Answer(asked, answer) => {
                    let doubled = self.answers.insert((asked.connection, asked.sequence), *answer);
                    assert!(doubled.is_none(), "a request is answered once");
                }
                Effect::Transmit { connection, bytes } => self.wires.keep(connection, &bytes),
                Effect::Kicked { connection, kicked, .. } => {
                    let mut frame = BytesMut::new();
                    Push::Kicked(kicked.clone()).encode(&mut frame);
                    self.wires.keep(connection, &frame);
                    self.kicked.push((connection, *kicked));
                }
                Effect::Load(room) => {
                    self.loads += 1;
                    let loaded = self.load(room);
                    self.hubs[worker].on_loaded(room, Ok(loaded));
                }
                Effect::Find(find) => {
                    self.finds += 1;
                    let is_it = |record: &&Record| match &record.entry.command.op {
                        Op::Send(request) => request.message_id == find.request.message_id,
                        _ => false,
                    };
                    let found = self.records(find.subject).iter().find(is_it).map(|record| record.entry.seq);
                    self.hubs[worker].on_found(*find, Ok(found));
                }
                Effect::CatchUp(waiting) => {
                    self.replays += 1;
                    self.held_replays.push((worker, *waiting));
                    if !self.holds_replays {
                        self.read_replays();
                    }
                }
                Effect::History { .. } => {}
                Effect::Locate(_) => panic!("no letter is for a room"),
            }
        }
        was_busy |= self.take_notes(worker);
        self.hubs[worker].flush(&mut self.wires);
        for other in 0..WORKERS {
            let mail = self.hubs[worker].take_mail(other);
            was_busy |= !mail.is_empty();
            self.hubs[other].on_mail(mail);
            // The users of creators accept every letter.
            for post in self.hubs[worker].take_post(other) {
                let Post::Letter(sent) = post else { panic!("no letter is for a room") };
                self.hubs[worker].on_post(Post::Verdict(sent, Verdict::Accepted));
                was_busy = true;
            }
        }
        if self.commits
            && let Some(writes) = self.hubs[worker].take_writes()
        {
            for record in writes.records {
                self.log.entry(record.room).or_default().records.push(record);
            }
            self.snapshots += writes.snapshots.len();
            for (room, seq, mut parts) in writes.snapshots {
                self.log.entry(room).or_default().snapshot = Some((seq.0, parts.remove(0).state));
            }
            self.hubs[worker].on_committed(true);
            was_busy = true;
        }
        was_busy
    }

    fn load(&self, room: RoomId) -> Room {
        let Some(logged) = self.log.get(&room) else { return Room::new(room, self.settings.clone()) };
        let mut rebuilt = match &logged.snapshot {
            Some((_, state)) => Room::restore(room, self.settings.clone(), state).expect("our own snapshot is readable"),
            None => Room::new(room, self.settings.clone()),
        };
        for record in &logged.records {
            rebuilt.replay_epoch(record.entry.epoch, record.entry.seq, &record.link);
            rebuilt.replay(&record.entry);
        }
        rebuilt
    }

    /// What was committed of a room between two places, without regard to whom it is for.
    fn replay(&self, room: RoomId, scope: &ReplayScope) -> Replay {
        let filter = scope.filter();
        let mut collector = Collector::new(scope, &filter);
        let within =
            self.records(room).iter().filter(|record| record.entry.seq > scope.after && record.entry.seq <= scope.last);
        for record in within.rev() {
            let (seq, previous) = (record.entry.seq, record.link.previous);
            let kept = record.clone().into_kept().expect("an entry of the log").encode_to_vec();
            if collector.take((previous, seq), kept.into()).expect("a record").is_break() {
                break;
            }
        }
        collector.into_replay()
    }
}

/// A room made over HTTP that the given worker owns.
pub fn room_of(worker: usize) -> RoomId {
    (1..100).map(|id| RoomId::new(id).unwrap()).find(|id| owner_of(*id, WORKERS) == worker).unwrap()
}

/// An account that asks over HTTP.
pub fn over_http(account: &str) -> Actor {
    Actor { connection: Some(ConnId::new(0, 0, 0)), ..Actor::http(AccountId::parse(account).unwrap()) }
}

/// Makes a room with this owner.
pub fn creation(creator: &str) -> Op {
    Op::Create(Box::new(Create {
        app_key: "app".into(),
        creator: AccountId::parse(creator).unwrap(),
        name: "hall".into(),
        announcement: None,
        broadcast_url: String::new(),
        ext: String::new(),
        queue_level: 0,
        moderation_id: String::new(),
        silent_in_out: false,
    }))
}

pub fn entered(answer: Answer) -> pb::RoomEnterResponse {
    match answer {
        Ok(Response::RoomEnter(entered)) => *entered,
        other => panic!("not an answer to an enter: {other:?}"),
    }
}

pub fn enter(room: RoomId) -> Op {
    let request = pb::RoomEnterRequest { room_id: room.get(), ..Default::default() };
    Op::Enter(Box::new(Enter { app_key: "app".into(), ..Enter::from_request(request) }))
}

/// A room made by a client, by a number in place of the hash of its name.
pub fn client_room(number: u64) -> RoomId {
    RoomId::of_client(number << 2)
}

pub fn open(room: RoomId) -> pb::RoomCreateRequest {
    pb::RoomCreateRequest { alias: room.get().to_string(), ..Default::default() }
}

pub fn opening(request: pb::RoomCreateRequest) -> Op {
    let enter = Enter { app_key: "app".into(), ..Enter::from_request(pb::RoomEnterRequest::default()) };
    Op::Open(Box::new(Open { request, enter, must_exist: false }))
}

pub fn text(body: &str) -> Op {
    Op::Send(Box::new(pb::MessageSendRequest {
        message_id: body.to_owned(),
        body: body.to_owned().into(),
        ..Default::default()
    }))
}
