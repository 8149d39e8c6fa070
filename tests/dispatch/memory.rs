//! Bytes a room costs in memory, counted at the allocator of the thread that owns it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use bytes::Bytes;
use chatroom::dispatch::{Asked, Asker, Effect, Hub, HubConfig, Outlet, Post, Request, Rules, Verdict};
use chatroom::id::{AccountId, ConnId, Epoch, RoomId, Time, UnixMs};
use chatroom::limits::{FEED_AGE_MS, FEED_BYTES_MAX};
use chatroom::room::{Actor, Ask, Op, Origin, Settings};
use chatroom::subject::AccountKey;

use super::world;

/// Rooms in memory at once.
const ROOMS: usize = 10_000;
/// Rooms with members in them at once.
const LIVE: usize = 1000;
/// Connections in each of those.
const MEMBERS: usize = 10;
/// The room that everybody has been in before.
const LOBBY: usize = ROOMS;

/// The system's allocator, which counts the bytes each thread holds.
struct Counting;

thread_local! {
    static HELD_BYTES: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: usize, is_held: bool) {
    let bytes = isize::try_from(bytes).unwrap_or(isize::MAX);
    // A thread that ends gives memory back when its count is gone.
    let _ = HELD_BYTES.try_with(|held| held.set(if is_held { held.get() + bytes } else { held.get() - bytes }));
}

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), true);
        // SAFETY: the caller keeps to the contract of `GlobalAlloc`, which is that of the system's allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(layout.size(), false);
        // SAFETY: as above; the place came from the system's allocator.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn held_bytes() -> usize {
    HELD_BYTES.with(|held| usize::try_from(held.get()).unwrap_or_default())
}

/// Sockets that take everything.
struct Taking;

impl Outlet for Taking {
    fn write(&mut self, _connection: ConnId, bytes: &[u8]) -> usize {
        bytes.len()
    }

    fn hold(&mut self, _connection: ConnId, _rest: Bytes) {}
}

/// One copy of the settings for all rooms, as a node has it.
#[derive(Debug)]
struct Shared(Arc<Settings>);

impl Rules<Settings> for Shared {
    fn settings(&self, _app_key: &str) -> Arc<Settings> {
        self.0.clone()
    }

    fn version(&self) -> u64 {
        0
    }
}

/// The one worker of a node, whose log keeps nothing.
struct Node {
    hub: Hub,
    sequence: u32,
    now_ms: u64,
}

impl Node {
    fn new() -> Node {
        let hub = Hub::new(HubConfig {
            worker: 0,
            workers: 1,
            epoch: Epoch(1),
            seed: 1,
            rules: Arc::new(Shared(Arc::new(Settings::default()))),
            feed_bytes_max: FEED_BYTES_MAX,
            detach_grace_ms: world::GRACE_MS,
            last_room: Arc::new(AtomicI64::new(i64::MAX)),
            accounts: AccountKey::new([1, 2]),
            ids: Arc::default(),
        });
        let mut node = Node { hub, sequence: 0, now_ms: 0 };
        node.pass(1000);
        node
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        let unix = UnixMs(1_700_000_000_000 + i64::try_from(self.now_ms).unwrap());
        self.hub.set_clock(Time(self.now_ms * 1000), unix);
        self.hub.on_tick();
        drop(self.hub.take_tallies());
        self.turn();
    }

    fn command(&mut self, actor: &Actor, room: RoomId, op: Op) {
        self.sequence += 1;
        let connection = actor.connection.unwrap_or_else(|| ConnId::new(0, 0, 0));
        let asker = Asker::Connection(Asked { connection, sequence: self.sequence, kind: 0, subject: room });
        self.hub.request(Request {
            subject: room,
            asker,
            actor: actor.clone(),
            ask: Ask::Command(op),
            app_key: None,
            resume: None,
        });
        self.turn();
    }

    fn turn(&mut self) {
        loop {
            let mut effects = self.hub.take_effects();
            for effect in effects.drain(..) {
                match effect {
                    Effect::Answer(_, answer) => drop(answer.expect("everything asked here is granted")),
                    _ => panic!("nothing has to be read"),
                }
            }
            self.hub.recycle(effects);
            drop(self.hub.take_notes());
            self.hub.flush(&mut Taking);
            if self.hub.take_writes().is_some() {
                self.hub.on_committed(true);
                continue;
            }
            // The users of creators accept every letter.
            let post = self.hub.take_post(0);
            if post.is_empty() {
                return;
            }
            for post in post {
                let Post::Letter(sent) = post else { panic!("no letter is for a room") };
                self.hub.on_post(Post::Verdict(sent, Verdict::Accepted));
            }
        }
    }
}

fn room(number: usize) -> RoomId {
    RoomId::new(i64::try_from(number).unwrap() + 1).unwrap()
}

fn creation(node: &mut Node, number: usize) {
    node.command(&world::over_http("boss"), room(number), world::creation("boss"));
}

/// Connections of as many accounts, which are in no room but have been in one.
fn members(node: &mut Node, count: usize) -> Vec<Actor> {
    let member = |number: usize| {
        let slot = u32::try_from(number).unwrap();
        let account = AccountId::parse(&format!("member{number}")).unwrap();
        Actor { connection: Some(ConnId::new(0, slot, slot)), origin: Origin::Member, client_type: 4, ..Actor::http(account) }
    };
    let members: Vec<Actor> = (1..=count).map(member).collect();
    let mut lobby = world::creation("boss");
    if let Op::Create(create) = &mut lobby {
        create.silent_in_out = true;
    }
    node.command(&world::over_http("boss"), room(LOBBY), lobby);
    members.iter().for_each(|actor| node.command(actor, room(LOBBY), world::enter(room(LOBBY))));
    members.iter().for_each(|actor| node.command(actor, room(LOBBY), Op::Exit));
    node.pass(FEED_AGE_MS + 1000);
    members
}

#[test]
fn a_room_with_nobody_in_it_takes_less_than_a_kibibyte() {
    let mut node = Node::new();
    let before = held_bytes();
    (0..ROOMS).for_each(|number| creation(&mut node, number));
    let each = (held_bytes() - before) / ROOMS;
    println!("{each} bytes");
    assert!(each < 1024, "{each} bytes");
}

#[test]
fn a_room_that_everybody_has_left_takes_less_than_two_kibibytes() {
    let mut node = Node::new();
    let members = members(&mut node, LIVE * MEMBERS);
    let before = held_bytes();
    for (number, actors) in members.chunks(MEMBERS).enumerate() {
        creation(&mut node, number);
        actors.iter().for_each(|actor| node.command(actor, room(number), world::enter(room(number))));
        node.command(&actors[0], room(number), world::text(&"x".repeat(36)));
        actors.iter().for_each(|actor| node.command(actor, room(number), Op::Exit));
    }
    node.pass(FEED_AGE_MS + 1000);
    let each = (held_bytes() - before) / LIVE;
    println!("{each} bytes");
    assert!(each < 2048, "{each} bytes");
}

#[test]
fn a_room_of_ten_members_takes_less_than_four_kibibytes() {
    let mut node = Node::new();
    let members = members(&mut node, LIVE * MEMBERS);
    let before = held_bytes();
    for (number, actors) in members.chunks(MEMBERS).enumerate() {
        creation(&mut node, number);
        actors.iter().for_each(|actor| node.command(actor, room(number), world::enter(room(number))));
    }
    // Notifications of those who entered are content, and pass.
    node.pass(FEED_AGE_MS + 1000);
    for (number, actors) in members.chunks(MEMBERS).enumerate() {
        node.command(&actors[0], room(number), world::text(&"x".repeat(36)));
    }
    let each = (held_bytes() - before) / LIVE;
    println!("{each} bytes");
    assert!(each < 4096, "{each} bytes");
}

#[test]
fn a_message_that_is_remembered_takes_less_than_a_fifth_of_a_kibibyte() {
    let mut node = Node::new();
    let members = members(&mut node, MEMBERS);
    creation(&mut node, 0);
    members.iter().for_each(|actor| node.command(actor, room(0), world::enter(room(0))));
    node.pass(FEED_AGE_MS + 1000);
    let before = held_bytes();
    const MESSAGES: usize = 1000;
    for number in 0..MESSAGES {
        node.pass(100);
        node.command(&members[number % MEMBERS], room(0), world::text(&format!("{number:036}")));
    }
    node.pass(FEED_AGE_MS + 1000);
    let each = (held_bytes() - before) / MESSAGES;
    println!("{each} bytes");
    assert!(each < 205, "{each} bytes");
}
