//! What applying a command costs the thread that owns the room, by members in it. Budgets: a send under 1 microsecond, and
//! nothing that grows with the members but by the depth of a tree.

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use chatroom::id::{AccountId, ConnId, Epoch, RoomId, UnixMs};
use chatroom::room::{Actor, Command, Create, Enter, Entry, Op, Origin, Query, Room, Settings, Stamp};
use chatroom::wire::pb;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn actor(number: u32) -> Actor {
    Actor {
        account: AccountId::parse(&format!("member-{number:08}")).expect("the name is well-formed"),
        connection: Some(ConnId::new(0, number, number & 0x00FF_FFFF)),
        origin: Origin::Member,
        anonymous: false,
        globally_muted: false,
        client_type: 16,
    }
}

fn enter() -> Op {
    let request = pb::RoomEnterRequest { room_id: 1, ..Default::default() };
    Op::Enter(Box::new(Enter { app_key: "app".into(), ..Enter::from_request(request) }))
}

fn entry(room: &Room, command: Command) -> Entry {
    let time = UnixMs(room.last_time().0.max(1_800_000_000_000));
    Entry { seq: room.next_seq(), epoch: Epoch(1), stamp: Stamp { time, random: 1 }, command }
}

/// A room with so many members in it.
fn room(members: u32) -> Room {
    let settings = Settings { sends_per_second: 0, room_intake_per_second: 0, ..Settings::default() };
    let mut room = Room::new(RoomId::new(1).expect("1 is positive"), Arc::new(settings));
    let creator = actor(0);
    let create = Create {
        app_key: "app".into(),
        creator: creator.account.clone(),
        name: "bench".into(),
        announcement: None,
        broadcast_url: String::new(),
        ext: String::new(),
        queue_level: 0,
        moderation_id: String::new(),
        silent_in_out: false,
    };
    let commands = (0..members).map(|number| Command { actor: actor(number), op: enter() });
    for command in [Command { actor: creator, op: Op::Create(Box::new(create)) }].into_iter().chain(commands) {
        let entry = entry(&room, command);
        room.apply(&entry).expect("the room takes everybody in");
    }
    room
}

/// Gives the entry the next place and applies it, a hundred of them in a millisecond.
fn next(room: &mut Room, entry: &mut Entry) {
    entry.seq = room.next_seq();
    entry.stamp.time.0 = 1_800_000_000_000 + (entry.seq.0 / 100) as i64;
    black_box(room.apply(entry).expect("the command is in order"));
}

fn commands(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("room");
    group.throughput(Throughput::Elements(1));
    for members in [10, 10_000, 1_000_000] {
        let mut room = room(members);
        let sender = actor(members / 2);

        let message = pb::MessageSendRequest { room_id: 1, body: vec![b'x'; 100].into(), ..Default::default() };
        let mut send = entry(&room, Command { actor: sender.clone(), op: Op::Send(Box::new(message)) });
        let mut count = 0_u64;
        group.bench_function(BenchmarkId::new("send", members), |bencher| {
            bencher.iter(|| {
                let Op::Send(request) = &mut send.command.op else { return };
                count += 1;
                request.message_id.clear();
                let _ = write!(request.message_id, "0b5a1c9e-{count:027}");
                next(&mut room, &mut send);
            });
        });

        let newcomer = actor(members + 1);
        let mut coming = entry(&room, Command { actor: newcomer.clone(), op: enter() });
        let mut going = entry(&room, Command { actor: newcomer, op: Op::Exit });
        group.bench_function(BenchmarkId::new("enter and exit", members), |bencher| {
            bencher.iter(|| {
                next(&mut room, &mut coming);
                next(&mut room, &mut going);
            });
        });

        let offered = pb::QueueOfferRequest { room_id: 1, value: vec![b'v'; 64].into(), ..Default::default() };
        let mut offer = entry(&room, Command { actor: sender.clone(), op: Op::QueueOffer(Box::new(offered)) });
        group.bench_function(BenchmarkId::new("queue offer", members), |bencher| {
            bencher.iter(|| {
                let Op::QueueOffer(request) = &mut offer.command.op else { return };
                count += 1;
                request.key.clear();
                let _ = write!(request.key, "seat {}", count % 1000);
                next(&mut room, &mut offer);
            });
        });

        let page = Query::Members(pb::MemberListRequest { room_id: 1, query: 1, time_ms: 0, limit: 20 });
        // Everybody has entered in one moment, which no page splits, so only the small room is asked for one.
        if members == 10 {
            group.bench_function(BenchmarkId::new("page of members", members), |bencher| {
                bencher.iter(|| black_box(room.query(UnixMs(1_800_000_000_000), &sender, &page)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, commands);
criterion_main!(benches);
