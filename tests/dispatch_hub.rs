//! Two workers without sockets, disk or clock: what a room's members hear and what those who ask are answered, wherever
//! connection and room live.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use bytes::{Bytes, BytesMut};
use chatroom::dispatch::{AccountRooms, Answer, Asked, Asker, Effect, Hub, HubConfig, Outlet, Request, owner_of};
use chatroom::error::{Code, Sub};
use chatroom::id::{AccountId, ConnId, Epoch, RoomId, Time, UnixMs};
use chatroom::limits::{DETACH_GRACE_MS, FEED_BYTES_MAX, ROBOT_TTL_SECONDS, ROOM_IDLE_MS, SNAPSHOT_ENTRIES};
use chatroom::room::{Actor, AddRobots, Ask, Create, Enter, Op, Origin, Query, Recall, RobotProfile, Room, Settings};
use chatroom::wire::{Frame, FrameCodec, PacketKind, Push, Response, pb};
use tokio_util::codec::Decoder;

const WORKERS: usize = 2;

/// What reaches the connections, as bytes.
#[derive(Default)]
struct Wires(BTreeMap<ConnId, BytesMut>);

impl Outlet for Wires {
    fn write(&mut self, connection: ConnId, bytes: &[u8]) -> usize {
        self.0.entry(connection).or_default().extend_from_slice(bytes);
        bytes.len()
    }

    fn hold(&mut self, connection: ConnId, rest: Bytes) {
        self.write(connection, &rest);
    }
}

/// Hubs, linked by hand.
struct World {
    hubs: Vec<Hub>,
    wires: Wires,
    answers: HashMap<(ConnId, u32), Answer>,
    kicked: Vec<(ConnId, pb::Kicked)>,
    now_ms: u64,
    commits: bool,
    records: Vec<chatroom::room::Record>,
    snapshots: usize,
    finds: usize,
    sequence: u32,
}

impl World {
    fn new() -> World {
        let settings = Arc::new(Settings { sends_per_second: 0, room_intake_per_second: 0, ..Settings::default() });
        let last_room = Arc::new(AtomicI64::new(100));
        let accounts = Arc::new(AccountRooms::new([1, 2]));
        let hub = |worker| {
            Hub::new(HubConfig {
                worker,
                workers: WORKERS,
                epoch: Epoch(1),
                seed: 1,
                rules: settings.clone(),
                feed_bytes_max: FEED_BYTES_MAX,
                detach_grace_ms: DETACH_GRACE_MS,
                last_room: last_room.clone(),
                accounts: accounts.clone(),
            })
        };
        World {
            hubs: (0..WORKERS).map(hub).collect(),
            wires: Wires::default(),
            answers: HashMap::new(),
            kicked: Vec::new(),
            now_ms: 1_000,
            commits: true,
            records: Vec::new(),
            snapshots: 0,
            finds: 0,
            sequence: 0,
        }
    }

    /// A room that the given worker owns.
    fn room_of(worker: usize) -> RoomId {
        (1..100).map(|id| RoomId::new(id).unwrap()).find(|id| owner_of(*id, WORKERS) == worker).unwrap()
    }

    fn ask(&mut self, actor: &Actor, room: RoomId, ask: Ask) -> u32 {
        self.sequence += 1;
        let connection = actor.connection.unwrap();
        let asked = Asked { connection, sequence: self.sequence, kind: PacketKind::MessageSend as u16, room };
        let request = Request { room, asker: Asker::Connection(asked), actor: actor.clone(), ask, app_key: None, resume: None };
        self.hubs[connection.worker()].request(request);
        self.sequence
    }

    fn command(&mut self, actor: &Actor, room: RoomId, op: Op) -> Answer {
        let sequence = self.ask(actor, room, Ask::Command(op));
        self.settle();
        self.answers.remove(&(actor.connection.unwrap(), sequence)).expect("every request is answered")
    }

    fn create(&mut self, room: RoomId, creator: &str) {
        let create = Create {
            app_key: "app".into(),
            creator: AccountId::parse(creator).unwrap(),
            name: "room".into(),
            announcement: None,
            broadcast_url: String::new(),
            ext: String::new(),
            queue_level: 0,
            moderation_id: String::new(),
            silent_in_out: false,
        };
        let actor = Actor { connection: Some(ConnId::new(0, 999, 999)), ..Actor::http(create.creator.clone()) };
        self.command(&actor, room, Op::Create(Box::new(create))).unwrap();
    }

    fn enter(&mut self, actor: &Actor, room: RoomId) -> pb::RoomEnterResponse {
        match self.command(actor, room, enter(room, None)).unwrap() {
            Response::RoomEnter(response) => *response,
            other => panic!("not an answer to an enter: {other:?}"),
        }
    }

    /// Turns and mail until everything is quiet.
    fn settle(&mut self) {
        for _ in 0..50 {
            let mut is_quiet = true;
            for worker in 0..WORKERS {
                self.now_ms += 1;
                self.hubs[worker].set_clock(Time(self.now_ms * 1000), UnixMs(1_700_000_000_000 + self.now_ms as i64));
                is_quiet &= !self.turn(worker);
            }
            if is_quiet {
                return;
            }
        }
        panic!("the hubs never fall quiet");
    }

    fn turn(&mut self, worker: usize) -> bool {
        let effects = self.hubs[worker].take_effects();
        let mut was_busy = !effects.is_empty();
        for effect in effects {
            match effect {
                Effect::Answer(asked, answer) => {
                    let doubled = self.answers.insert((asked.connection, asked.sequence), *answer);
                    assert!(doubled.is_none(), "a request is answered twice");
                }
                Effect::Transmit { connection, bytes } => drop(self.wires.write(connection, &bytes)),
                Effect::Kicked { connection, kicked, .. } => {
                    let mut frame = BytesMut::new();
                    Push::Kicked(kicked.clone()).encode(&mut frame);
                    self.wires.write(connection, &frame);
                    self.kicked.push((connection, *kicked));
                }
                Effect::Load(room) => {
                    let settings = Arc::new(Settings::default());
                    self.hubs[worker].on_loaded(room, Ok(Room::new(room, settings)));
                }
                Effect::Find(find) => {
                    self.finds += 1;
                    let is_it = |record: &&chatroom::room::Record| match &record.entry.command.op {
                        Op::Send(request) => record.room == find.room && request.message_id == find.request.message_id,
                        _ => false,
                    };
                    let found = self.records.iter().find(is_it).map(|record| record.entry.seq);
                    self.hubs[worker].on_found(*find, Ok(found));
                }
                Effect::History { .. } => {}
            }
        }
        self.hubs[worker].flush(&mut self.wires);
        for other in 0..WORKERS {
            let mail = self.hubs[worker].take_mail(other);
            was_busy |= !mail.is_empty();
            self.hubs[other].on_mail(mail);
        }
        if self.commits
            && let Some(writes) = self.hubs[worker].take_writes()
        {
            self.records.extend(writes.records);
            self.snapshots += writes.snapshots.len();
            self.hubs[worker].on_committed(true);
            was_busy = true;
        }
        was_busy
    }

    /// What a connection has heard since the last look, each push by its kind and number.
    fn heard(&mut self, connection: ConnId) -> Vec<String> {
        let mut bytes = self.wires.0.remove(&connection).unwrap_or_default();
        let mut heard = Vec::new();
        while let Some(frame) = FrameCodec::default().decode(&mut bytes).unwrap() {
            heard.push(name(frame));
        }
        assert!(bytes.is_empty(), "only whole frames are written");
        heard
    }
}

fn name(frame: Frame) -> String {
    match Push::decode(frame.header.kind, frame.body).unwrap() {
        Push::Message(message) => String::from_utf8(message.body.to_vec()).unwrap(),
        Push::Notification(notification) => notification.r#type.to_string(),
        Push::Kicked(kicked) => format!("kicked {}", kicked.reason),
        other => format!("{other:?}"),
    }
}

fn actor(account: &str, worker: u8, slot: u32) -> Actor {
    Actor {
        account: AccountId::parse(account).unwrap(),
        connection: Some(ConnId::new(worker, slot, slot)),
        origin: Origin::Member,
        anonymous: false,
        globally_muted: false,
        names_nobody: false,
        client_type: 4,
        on_behalf: None,
    }
}

fn enter(room: RoomId, replaces: Option<ConnId>) -> Op {
    let request = pb::RoomEnterRequest { room_id: room.get(), ..Default::default() };
    Op::Enter(Box::new(Enter { app_key: "app".into(), replaces, ..Enter::from_request(request) }))
}

fn text(room: RoomId, body: &str) -> Op {
    Op::Send(Box::new(pb::MessageSendRequest {
        room_id: room.get(),
        message_id: body.to_owned(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        ..Default::default()
    }))
}

#[test]
fn members_on_every_worker_hear_a_room_in_one_order_whoever_owns_it() {
    for owner in 0..WORKERS {
        let mut world = World::new();
        let room = World::room_of(owner);
        world.create(room, "carol");
        let people = [actor("ann", 0, 1), actor("bob", 1, 2), actor("carol", 0, 3), actor("dan", 1, 4)];
        people.iter().for_each(|person| drop(world.enter(person, room)));
        people.iter().for_each(|person| drop(world.heard(person.connection.unwrap())));
        // S000-011: in seq order; the sender has its response and no echo.
        for body in ["one", "two"] {
            world.command(&people[0], room, text(room, body)).unwrap();
        }
        world.command(&people[1], room, text(room, "three")).unwrap();
        assert_eq!(world.heard(people[0].connection.unwrap()), ["three"]);
        assert_eq!(world.heard(people[1].connection.unwrap()), ["one", "two"]);
        assert_eq!(world.heard(people[2].connection.unwrap()), ["one", "two", "three"]);
        assert_eq!(world.heard(people[3].connection.unwrap()), ["one", "two", "three"]);
    }
}

#[test]
fn what_is_for_a_tag_goes_to_workers_that_hold_a_carrier_and_the_record_says_for_whom() {
    let mut world = World::new();
    let room = World::room_of(0);
    world.create(room, "carol");
    let tagged = |tags: &[&str]| {
        let tags = tags.iter().map(|tag| tag.to_string()).collect();
        let request = pb::RoomEnterRequest { room_id: room.get(), tags, ..Default::default() };
        Op::Enter(Box::new(Enter { app_key: "app".into(), ..Enter::from_request(request) }))
    };
    let people = [actor("ann", 0, 1), actor("bob", 0, 2), actor("dan", 1, 3), actor("eve", 1, 4)];
    for (person, tags) in people.iter().zip([&["a"][..], &[], &[], &["b"]]) {
        world.command(person, room, tagged(tags)).unwrap();
    }
    people.iter().for_each(|person| drop(world.heard(person.connection.unwrap())));
    let to = |tag: &str, body: &str| match text(room, body) {
        Op::Send(send) => {
            let notify_target_tags = Some(format!("{{\"tag\":\"{tag}\"}}"));
            Op::Send(Box::new(pb::MessageSendRequest { notify_target_tags, ..*send }))
        }
        other => other,
    };
    // Room and sender are of worker 0, and so is the only carrier: the other worker need not know.
    world.ask(&people[1], room, Ask::Command(to("a", "to a")));
    assert!(world.hubs[0].take_mail(1).is_empty());
    world.settle();
    world.command(&people[1], room, to("b", "to b")).unwrap();
    world.command(&people[1], room, text(room, "to all")).unwrap();
    let heard = people.each_ref().map(|person| world.heard(person.connection.unwrap()));
    assert_eq!(heard, [vec!["to a", "to all"], vec![], vec!["to all"], vec!["to b", "to all"]]);
    let records = world.records.iter().filter(|record| matches!(record.entry.command.op, Op::Send(_)));
    let targets: Vec<&str> = records.map(|record| &*record.notify_target_tags).collect();
    assert_eq!(targets, ["{\"tag\":\"a\"}", "{\"tag\":\"b\"}", ""]);
}

#[test]
fn who_enters_hears_its_own_arrival_and_nothing_older() {
    let mut world = World::new();
    let room = World::room_of(1);
    world.create(room, "carol");
    let (ann, bob) = (actor("ann", 0, 1), actor("bob", 0, 2));
    world.enter(&ann, room);
    world.ask(&ann, room, Ask::Command(text(room, "before")));
    let response = world.enter(&bob, room);
    assert_eq!(world.heard(bob.connection.unwrap()), ["301"]);
    assert_eq!(world.heard(ann.connection.unwrap()), ["301", "301"]);
    // Deliveries follow from the number the answer names.
    assert_eq!(response.last_seq, 3);
}

#[test]
fn an_answer_waits_for_the_commit_and_the_delivery_does_not() {
    let mut world = World::new();
    let room = World::room_of(0);
    world.create(room, "carol");
    let (ann, bob) = (actor("ann", 0, 1), actor("bob", 1, 2));
    world.enter(&ann, room);
    world.enter(&bob, room);
    world.heard(bob.connection.unwrap());
    world.commits = false;
    let sequence = world.ask(&ann, room, Ask::Command(text(room, "hello")));
    world.settle();
    assert_eq!(world.heard(bob.connection.unwrap()), ["hello"]);
    assert!(!world.answers.contains_key(&(ann.connection.unwrap(), sequence)));
    world.commits = true;
    world.settle();
    assert!(world.answers[&(ann.connection.unwrap(), sequence)].is_ok());
    assert!(world.records.iter().any(|record| record.in_history));
}

#[test]
fn a_message_sent_again_is_not_acknowledged_before_the_first_one_is_durable() {
    let mut world = World::new();
    let room = World::room_of(0);
    world.create(room, "carol");
    let ann = actor("ann", 0, 1);
    world.enter(&ann, room);
    world.commits = false;
    let again = || match text(room, "hello") {
        Op::Send(send) => Op::Send(Box::new(pb::MessageSendRequest { resend: true, ..*send })),
        other => other,
    };
    let first = world.ask(&ann, room, Ask::Command(again()));
    let second = world.ask(&ann, room, Ask::Command(again()));
    world.settle();
    let _under_way = world.hubs[0].take_writes().expect("the first one is to be written");
    let third = world.ask(&ann, room, Ask::Command(again()));
    world.settle();
    assert!(world.answers.is_empty());
    world.hubs[0].on_committed(true);
    world.settle();
    let seqs = [first, second, third].map(|sequence| match world.answers.remove(&(ann.connection.unwrap(), sequence)) {
        Some(Ok(Response::MessageSend(response))) => (response.seq, response.duplicate),
        other => panic!("not an answer to a send: {other:?}"),
    });
    // S000-043
    assert_eq!(seqs, [(3, false), (3, true), (3, true)]);
}

#[test]
fn a_failed_commit_acknowledges_nothing_and_nothing_after_it() {
    let mut world = World::new();
    let room = World::room_of(0);
    world.create(room, "carol");
    let ann = actor("ann", 0, 1);
    world.enter(&ann, room);
    world.commits = false;
    let sequence = world.ask(&ann, room, Ask::Command(text(room, "lost")));
    world.settle();
    world.hubs[0].take_writes().expect("something is to be written");
    world.hubs[0].on_committed(false);
    world.settle();
    let answer = world.answers.remove(&(ann.connection.unwrap(), sequence)).unwrap();
    assert_eq!(answer.unwrap_err().code, Code::ServerError);
    assert_eq!(world.command(&ann, room, text(room, "next")).unwrap_err().code, Code::ServerError);
    assert!(world.hubs[0].is_broken());
}

#[test]
fn who_is_kicked_hears_why_before_it_goes_and_nothing_after() {
    // S000-032
    let mut world = World::new();
    let room = World::room_of(0);
    world.create(room, "carol");
    let (carol, bob) = (actor("carol", 0, 1), actor("bob", 1, 2));
    world.enter(&carol, room);
    world.enter(&bob, room);
    world.heard(bob.connection.unwrap());
    let kick = pb::MemberKickRequest { room_id: room.get(), account: "bob".into(), ..Default::default() };
    world.command(&carol, room, Op::Kick(kick)).unwrap();
    world.command(&carol, room, text(room, "gone")).unwrap();
    assert_eq!(world.heard(bob.connection.unwrap()), ["313", "kicked 2"]);
    assert_eq!(world.kicked[0].1.room_id, room.get());
    // May enter again.
    world.enter(&bob, room);
}

#[test]
fn a_lost_connection_keeps_its_place_for_the_grace_and_leaves_after_it() {
    let mut world = World::new();
    let room = World::room_of(1);
    world.create(room, "carol");
    let (ann, bob) = (actor("ann", 0, 1), actor("bob", 0, 2));
    world.enter(&ann, room);
    world.enter(&bob, room);
    world.heard(ann.connection.unwrap());
    world.hubs[0].on_connection_gone(&bob, false);
    world.settle();
    world.now_ms += DETACH_GRACE_MS / 2;
    world.settle();
    world.hubs.iter_mut().for_each(Hub::on_tick);
    world.settle();
    assert_eq!(world.heard(ann.connection.unwrap()), [""; 0]);
    world.now_ms += DETACH_GRACE_MS;
    world.settle();
    world.hubs.iter_mut().for_each(Hub::on_tick);
    world.settle();
    assert_eq!(world.heard(ann.connection.unwrap()), ["302"]);
}

#[test]
fn a_resume_within_the_grace_replays_what_was_missed_and_nobody_notices() {
    for (owner, new_worker) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let mut world = World::new();
        let room = World::room_of(owner);
        world.create(room, "carol");
        let (ann, bob) = (actor("ann", 0, 1), actor("bob", 0, 2));
        world.enter(&ann, room);
        let heard_to = world.enter(&bob, room).last_seq + 1;
        world.heard(ann.connection.unwrap());
        world.hubs[0].on_connection_gone(&bob, false);
        world.command(&ann, room, text(room, "missed")).unwrap();
        let again = Actor { connection: Some(ConnId::new(new_worker, 50, 50)), ..bob.clone() };
        let asked = Asked { connection: again.connection.unwrap(), sequence: 7, kind: 0, room };
        let position = pb::RoomPosition { room_id: room.get(), epoch: 1, last_seq: heard_to };
        world.hubs[usize::from(new_worker)].request(Request {
            room,
            asker: Asker::Connection(asked),
            actor: again.clone(),
            ask: Ask::Command(enter(room, bob.connection)),
            app_key: None,
            resume: Some(Box::new(position)),
        });
        world.settle();
        let Ok(Response::RoomEnter(response)) = world.answers.remove(&(again.connection.unwrap(), 7)).unwrap() else {
            panic!("the resume is not answered as an enter");
        };
        assert!(response.resumed && !response.gap);
        assert_eq!(response.replayed, 1);
        world.command(&ann, room, text(room, "after")).unwrap();
        assert_eq!(world.heard(again.connection.unwrap()), ["missed", "after"]);
        assert_eq!(world.heard(ann.connection.unwrap()), [""; 0], "nobody left and nobody came");
    }
}

#[test]
fn a_room_that_never_was_is_missing_and_one_that_is_busy_says_so() {
    let mut world = World::new();
    let ann = actor("ann", 0, 1);
    let beyond = RoomId::new(101).unwrap();
    assert_eq!(world.command(&ann, beyond, enter(beyond, None)).unwrap_err().code, Code::NotFound);
    let never = RoomId::new(5).unwrap();
    assert_eq!(world.command(&ann, never, enter(never, None)).unwrap_err().code, Code::NotFound);
    assert!(!world.hubs[0].is_in_a_room(ann.connection.unwrap()), "a refused enter leaves no trace");
}

#[test]
fn another_application_s_room_is_missing() {
    let mut world = World::new();
    let room = World::room_of(0);
    world.create(room, "carol");
    for (app_key, expected) in [("app", None), ("other", Some(Code::NotFound))] {
        let connection = ConnId::new(0, 77, 77);
        let asked = Asked { connection, sequence: 1, kind: 0, room };
        world.hubs[0].request(Request {
            room,
            asker: Asker::Connection(asked),
            actor: Actor::http(AccountId::parse("x").unwrap()),
            ask: Ask::Query(Query::Info(pb::RoomInfoRequest { room_id: room.get() })),
            app_key: Some(app_key.into()),
            resume: None,
        });
        world.settle();
        let answer = world.answers.remove(&(connection, 1)).unwrap();
        assert_eq!(answer.err().map(|status| status.code), expected);
    }
}

#[test]
fn a_snapshot_follows_every_so_many_entries() {
    let mut world = World::new();
    let room = World::room_of(0);
    world.create(room, "carol");
    let ann = actor("ann", 0, 1);
    world.enter(&ann, room);
    for number in 1..SNAPSHOT_ENTRIES {
        world.command(&ann, room, text(room, &number.to_string())).unwrap();
    }
    assert_eq!(world.snapshots, 1);
}

#[test]
fn a_room_does_what_is_due_at_the_tick_and_stays_in_memory_while_robots_are_in_it() {
    let mut world = World::new();
    let room = World::room_of(0);
    world.create(room, "carol");
    let carol = Actor { connection: Some(ConnId::new(0, 999, 999)), ..Actor::http(AccountId::parse("carol").unwrap()) };
    let robots = vec![(AccountId::parse("robot").unwrap(), RobotProfile::default())];
    world.command(&carol, room, Op::AddRobots(Box::new(AddRobots { robots, ..Default::default() }))).unwrap();
    let ann = actor("ann", 1, 1);
    let is_in_memory = |world: &mut World, ms_later: u64| {
        world.now_ms += ms_later;
        world.settle();
        // At the first tick the state is written down, at the second it may go.
        for _ in 0..2 {
            world.hubs[0].on_tick();
            world.settle();
        }
        world.hubs[0].gauges().0 == 1
    };
    assert!(is_in_memory(&mut world, 2 * ROOM_IDLE_MS), "nobody else would remember the robot");
    world.enter(&ann, room);
    world.heard(ann.connection.unwrap());
    assert!(is_in_memory(&mut world, ROBOT_TTL_SECONDS as u64 * 1000));
    assert_eq!(world.heard(ann.connection.unwrap()), ["302"], "its time is over");
    let delay = pb::DelayClose { policy: 1, delay_seconds: 5, start_time_ms: 0 };
    world.command(&carol, room, Op::DelayClose(delay)).unwrap();
    assert!(is_in_memory(&mut world, 4_000) && world.heard(ann.connection.unwrap()).is_empty());
    assert!(is_in_memory(&mut world, 1_000));
    assert_eq!(world.heard(ann.connection.unwrap()), ["311", "kicked 1"]);
    assert!(!is_in_memory(&mut world, 2 * ROOM_IDLE_MS));
}

fn recall(room: RoomId, id: &str, time_ms: i64, from: &str) -> Op {
    let request = pb::MessageRecallRequest {
        room_id: room.get(),
        message_id: id.into(),
        time_ms,
        from: from.into(),
        ..Default::default()
    };
    Op::Recall(Box::new(Recall { request, seq: None }))
}

fn time_of(answer: Answer) -> i64 {
    match answer {
        Ok(Response::MessageSend(sent)) => sent.time_ms,
        other => panic!("not an answer to a send: {other:?}"),
    }
}

#[test]
fn a_recall_asks_the_log_once_everything_before_it_is_durable() {
    for worker in 0..WORKERS {
        let mut world = World::new();
        let room = World::room_of(worker);
        world.create(room, "boss");
        let (alice, bob) = (actor("alice", 0, 1), actor("bob", 1, 2));
        world.enter(&alice, room);
        world.enter(&bob, room);
        let time = time_of(world.command(&alice, room, text(room, "m1")));
        world.commits = false;
        world.ask(&alice, room, Ask::Command(text(room, "m2")));
        world.settle();
        let recalled = world.ask(&alice, room, Ask::Command(recall(room, "m1", time, "alice")));
        let unknown = world.ask(&alice, room, Ask::Command(recall(room, "m7", time, "alice")));
        world.settle();
        // The first commit is under way or waits; nothing may be looked up before it.
        assert_eq!(world.finds, 0);
        world.commits = true;
        world.settle();
        assert_eq!(world.finds, 2);
        let connection = alice.connection.unwrap();
        assert!(matches!(world.answers.remove(&(connection, recalled)), Some(Ok(Response::MessageRecall(_)))));
        let missing = world.answers.remove(&(connection, unknown)).unwrap().unwrap_err();
        assert_eq!((missing.code, missing.sub), (Code::NotFound, Some(Sub::MessageMissing)));
        // The log of this test still has it, as one that is slow to forget would.
        let again = world.command(&alice, room, recall(room, "m1", time, "alice")).unwrap_err();
        assert_eq!((again.code, again.sub), (Code::NotFound, Some(Sub::MessageMissing)));
        assert_eq!(world.heard(bob.connection.unwrap()), ["301", "m1", "m2", "323"]);
        // Who may not is told so without a look into the log.
        let finds = world.finds;
        assert_eq!(world.command(&bob, room, recall(room, "m2", time, "alice")).unwrap_err().code, Code::Forbidden);
        assert_eq!(world.finds, finds);
    }
}

#[test]
fn a_recall_of_a_failed_log_is_refused() {
    let mut world = World::new();
    let room = World::room_of(0);
    world.create(room, "boss");
    let alice = actor("alice", 0, 1);
    world.enter(&alice, room);
    world.commits = false;
    world.ask(&alice, room, Ask::Command(text(room, "m1")));
    let recalled = world.ask(&alice, room, Ask::Command(recall(room, "m1", 1, "alice")));
    world.settle();
    world.hubs[0].take_writes().unwrap();
    world.hubs[0].on_committed(false);
    world.settle();
    let refused = world.answers.remove(&(alice.connection.unwrap(), recalled)).unwrap().unwrap_err();
    assert_eq!((refused.code, world.finds), (Code::ServerError, 0));
}

// S002-033: who enters hears what it has not heard, after the answer.
#[test]
fn messages_of_high_priority_reach_who_enters_later_on_any_worker() {
    for worker in 0..WORKERS {
        let mut world = World::new();
        let room = World::room_of(worker);
        world.create(room, "boss");
        let (boss, bob) = (actor("boss", 0, 1), actor("bob", 1, 2));
        world.enter(&boss, room);
        for id in ["m1", "m2"] {
            let Op::Send(request) = text(room, id) else { unreachable!() };
            let request = pb::MessageSendRequest { high_priority: id == "m2", ..*request };
            world.command(&boss, room, Op::Send(Box::new(request))).unwrap();
        }
        world.enter(&bob, room);
        assert_eq!(world.heard(bob.connection.unwrap()), ["m2", "301"]);
    }
}

// wire.md §3: every request is answered, and after `Kicked` nobody reads any more.
#[test]
fn who_closes_the_room_is_answered_before_it_has_to_go() {
    for worker in 0..WORKERS {
        let mut world = World::new();
        let room = World::room_of(worker);
        world.create(room, "boss");
        let (boss, bob) = (actor("boss", 0, 1), actor("bob", 1, 2));
        world.enter(&boss, room);
        world.enter(&bob, room);
        let (own, other) = (boss.connection.unwrap(), bob.connection.unwrap());
        world.heard(own);
        world.heard(other);
        world.commits = false;
        let close = Op::Close(pb::RoomCloseRequest { room_id: room.get(), ..Default::default() });
        let sequence = world.ask(&boss, room, Ask::Command(close));
        world.settle();
        assert_eq!(world.heard(other), ["311", "kicked 1"]);
        assert_eq!(world.heard(own), ["311"]);
        assert!(!world.answers.contains_key(&(own, sequence)));
        world.commits = true;
        world.settle();
        assert!(matches!(world.answers.remove(&(own, sequence)), Some(Ok(Response::RoomClose(_)))));
        assert_eq!(world.heard(own), ["kicked 1"]);
    }
}
