//! Records, and short ways to hand them to a log and to read what comes back. Shared by the tests of the log.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use chatroom::id::{AccountId, Epoch, RoomId, Seq, UnixMs};
use chatroom::log::{self, Batch, Log, LogError, Outbox, Pen, Snapshot, Store};
use chatroom::room::{
    Actor, Command, Create, Entry, FindQuery, HistoryPage, HistoryQuery, Link, Op, Origin, PushBody, Recall, Record, Replay,
    ReplayScope, Stamp,
};
use chatroom::server::logbook::{self, Rebuilding};
use chatroom::wire::{pb, store};
use prost::Message as _;

pub const DAY_MS: i64 = 86_400_000;
/// Noon of some day, so that a test may move an hour either way.
pub const NOON: i64 = 20_000 * DAY_MS + DAY_MS / 2;
pub const DEADLINE: Duration = Duration::from_secs(20);

/// All that a node keeps.
pub trait Kept: Log + Store + Outbox {}

impl<K: Log + Store + Outbox> Kept for K {}

/// A log as rooms see it.
pub trait Rooms: Log {
    fn rebuilding(&self, room: RoomId, now: UnixMs) -> Result<Option<Rebuilding>, LogError> {
        logbook::load(self, room, now)
    }

    fn records(&self, room: RoomId, after: Seq, limit: usize) -> Result<Vec<Record>, LogError> {
        self.follow(room.into(), after, limit)?.into_iter().map(|entry| logbook::read(room, entry)).collect()
    }

    fn history(&self, query: &HistoryQuery) -> Result<HistoryPage, LogError> {
        logbook::history(self, query)
    }

    fn replay(&self, room: RoomId, scope: &ReplayScope) -> Result<Replay, LogError> {
        logbook::replay(self, room, scope)
    }

    fn find(&self, query: &FindQuery) -> Result<Option<Seq>, LogError> {
        logbook::find(self, query)
    }
}

impl<L: Log + ?Sized> Rooms for L {}

/// Records in the form they are handed to the log in.
pub fn written(records: Vec<Record>) -> Vec<log::Record> {
    let mut pen = Pen::default();
    records.into_iter().map(|record| logbook::write(&mut pen, record).unwrap()).collect()
}

/// An entry that no log keeps: it names too many keys.
pub fn impossible(room: RoomId, seq: u64) -> log::Record {
    let mut record = written(vec![text(room, seq, NOON)]).remove(0);
    record.facts.keys = vec![Box::from(*b"key"); chatroom::limits::INDEX_KEYS_MAX + 1];
    record
}

pub fn room(number: i64) -> RoomId {
    RoomId::new(number).unwrap()
}

pub fn record_of(room: RoomId, seq: u64, time: i64, op: Op, push: Option<PushBody>) -> Record {
    let actor = Actor {
        account: AccountId::parse("alice").unwrap(),
        connection: None,
        origin: Origin::Member,
        anonymous: false,
        globally_muted: false,
        names_nobody: false,
        client_type: 16,
        on_behalf: None,
    };
    let stamp = Stamp { time: UnixMs(time), clock: UnixMs(time), random: seq };
    let entry = Entry { seq: Seq(seq), epoch: Epoch(1), stamp, command: Command { actor, op } };
    Record { room, entry, push, notify_target_tags: String::new(), in_history: true, link: Link::default() }
}

pub fn message(room: RoomId, seq: u64, time: i64, message_type: i32) -> Record {
    let message = pb::Message {
        room_id: room.get(),
        seq,
        time_ms: time,
        message_id: format!("m{seq}"),
        from: "alice".into(),
        from_client_type: 16,
        r#type: message_type,
        body: format!("body {seq}").into_bytes().into(),
        ..Default::default()
    };
    let push = PushBody::Message { message_type, body: message.encode_to_vec().into() };
    record_of(room, seq, time, Command::send_from_message(&message).op, Some(push))
}

pub fn text(room: RoomId, seq: u64, time: i64) -> Record {
    message(room, seq, time, 0)
}

pub fn notification(room: RoomId, seq: u64, time: i64) -> Record {
    let body = pb::Notification { room_id: room.get(), seq, time_ms: time, ..Default::default() }.encode_to_vec();
    let op = Op::MuteRoom(pb::RoomMuteRequest { room_id: room.get(), ..Default::default() });
    record_of(room, seq, time, op, Some(PushBody::Notification(body.into())))
}

/// Recalls a message of [`text`].
pub fn recall(room: RoomId, seq: u64, time: i64, said: &Record) -> Record {
    let request = pb::MessageRecallRequest {
        room_id: room.get(),
        message_id: format!("m{}", said.entry.seq.0),
        time_ms: said.entry.stamp.time.0,
        from: "alice".into(),
        ..Default::default()
    };
    let body = pb::Notification { room_id: room.get(), seq, time_ms: time, ..Default::default() }.encode_to_vec();
    let op = Op::Recall(Box::new(Recall { request, seq: Some(said.entry.seq) }));
    record_of(room, seq, time, op, Some(PushBody::Notification(body.into())))
}

/// Asks for a message of [`text`].
pub fn find(said: &Record) -> FindQuery {
    let entry = &said.entry;
    let (message_id, from) = (format!("m{}", entry.seq.0), entry.command.actor.account.clone());
    FindQuery { room: said.room, time: entry.stamp.time, message_id, from }
}

pub fn create(room: RoomId, time: i64) -> Record {
    let create = Create {
        app_key: "app".into(),
        creator: AccountId::parse("alice").unwrap(),
        name: "room".into(),
        announcement: None,
        broadcast_url: String::new(),
        ext: String::new(),
        queue_level: 0,
        moderation_id: String::new(),
        silent_in_out: false,
    };
    record_of(room, 1, time, Op::Create(Box::new(create)), None)
}

pub fn snapshot(room: RoomId, seq: u64) -> Snapshot {
    Snapshot::whole(room, Seq(seq), format!("state {seq}").into_bytes().into())
}

/// Appends, and gives what the log will say of it.
pub fn hand_over(
    log: &(impl Log + ?Sized),
    records: Vec<log::Record>,
    snapshots: Vec<Snapshot>,
) -> Receiver<Result<(), LogError>> {
    let (tell, told) = channel();
    // The receiver may have gone.
    let committed = Box::new(move |result| drop(tell.send(result)));
    log.append(Batch { records, snapshots, reports: Vec::new(), committed });
    told
}

/// The same with records of rooms.
pub fn append_later(
    log: &(impl Log + ?Sized),
    records: Vec<Record>,
    snapshots: Vec<Snapshot>,
) -> Receiver<Result<(), LogError>> {
    hand_over(log, written(records), snapshots)
}

/// Appends, and waits until it is durable.
#[track_caller]
pub fn append(log: &(impl Log + ?Sized), records: Vec<Record>, snapshots: Vec<Snapshot>) {
    assert_eq!(append_later(log, records, snapshots).recv_timeout(DEADLINE).expect("an answer in time"), Ok(()));
}

pub fn seqs(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.entry.seq.0).collect()
}

/// The newest entries of a room.
pub fn query(room: RoomId, limit: u32) -> HistoryQuery {
    HistoryQuery {
        room,
        anchor: None,
        limit,
        oldest_first: false,
        types: Vec::new(),
        not_before: UnixMs(0),
        not_after: None,
        scope: Default::default(),
    }
}

/// The seqs of a page's items, read from the bodies the members received.
pub fn items(page: &HistoryPage) -> Vec<u64> {
    let seq = |item: &store::RawHistoryItem| match (&item.message, &item.notification) {
        (Some(body), None) => pb::Message::decode(body.clone()).unwrap().seq,
        (None, Some(body)) => pb::Notification::decode(body.clone()).unwrap().seq,
        _ => panic!("an item is either a message or a notification"),
    };
    page.items.iter().map(seq).collect()
}

/// Blocks the writer in a callback until the returned sender is dropped.
pub fn block(log: &(impl Log + ?Sized)) -> Sender<()> {
    let (release, released) = channel::<()>();
    let (tell, blocked) = channel();
    let committed = Box::new(move |_| {
        let _ = tell.send(());
        let _ = released.recv_timeout(DEADLINE);
    });
    log.append(Batch { records: vec![], snapshots: vec![], reports: Vec::new(), committed });
    blocked.recv_timeout(DEADLINE).unwrap();
    release
}
