//! Letters between subjects that are trays: what is put into one is sent to another, and lies there unless it says "no".

mod cases;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use bytes::Bytes;
use parking_lot::Mutex;

use super::Read;
use crate::dispatch::commit::Writes;
use crate::dispatch::cover::Rebuilt;
use crate::dispatch::envelope::{ENVELOPE_PART, Envelope};
use crate::dispatch::hub::{Config, Effect, Hub};
use crate::dispatch::letters::{Post, Verdict};
use crate::dispatch::mail::{Asker, Request, owner_of};
use crate::error::{Code, Status};
use crate::id::{AccountId, ConnId, Epoch, Seq, SubjectId, SubjectKind, Time, UnixMs};
use crate::limits::{FEED_BYTES_MAX, LETTERS_WAITING_MAX, VERDICT_TIMEOUT_MS};
use crate::subject::{
    AccountKey, Actor, Address, Answer, Ask, Class, Command, Entry, Key, Letter, Link, Operation, Outcome, Part, PushBody,
    Rules, ServerId, ServerIds, Shard, Stamp, Standing, Subject,
};
use crate::wire::{Push, Response, pb};

#[derive(Clone, PartialEq, Eq, Debug)]
enum Move {
    /// Somebody goes.
    Go,
    /// Sends a text to another tray: one that begins with "?" is decisive, the refusal of one with "-" is not wanted back.
    Send(TrayId, String),
    /// A text has come.
    Take(String),
    /// A text was refused.
    Returned(String),
}

fn post_office() -> Actor {
    Actor::server(AccountId::parse("post").unwrap())
}

fn text(body: &Bytes) -> Result<String, Status> {
    String::from_utf8(body.to_vec()).map_err(|_| Status::bad_parameter("no text"))
}

impl Operation for Move {
    type Key = TrayId;
    type LookUp = ();

    fn of_gone(_: bool) -> Move {
        Move::Go
    }

    fn is_logged(&self) -> bool {
        *self != Move::Go
    }

    fn writes_letters(&self) -> bool {
        matches!(self, Move::Send(..))
    }

    fn of_letter(_: &Address, body: &Bytes) -> Result<Command<Move>, Status> {
        Ok(Command { actor: post_office(), op: Move::Take(text(body)?) })
    }

    fn of_refusal(body: &Bytes, _: &Status) -> Option<Command<Move>> {
        let text = text(body).ok().filter(|text| !text.starts_with('-'))?;
        Some(Command { actor: post_office(), op: Move::Returned(text) })
    }

    fn found((): (), _: Option<Seq>) -> Result<Move, Status> {
        Err(Status::bad_parameter("nothing is looked up"))
    }
}

/// A tray goes by a number that names its shard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct TrayId(SubjectId);

impl TrayId {
    fn address(self) -> Address {
        Address { app_key: "app".into(), kind: SubjectKind::Call, key: self.0.number().to_be_bytes().into() }
    }
}

impl From<TrayId> for SubjectId {
    fn from(tray: TrayId) -> SubjectId {
        tray.0
    }
}

impl Key for TrayId {
    fn of(subject: SubjectId) -> Option<TrayId> {
        (subject.kind() == SubjectKind::Call).then_some(TrayId(subject))
    }

    fn is_counted(self) -> bool {
        false
    }
}

#[derive(Debug)]
struct NoRules;

impl Rules<NoRules> for NoRules {
    fn settings(&self, _: &str) -> Arc<NoRules> {
        Arc::new(NoRules)
    }

    fn version(&self) -> u64 {
        0
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Tray {
    id: TrayId,
    seq: Seq,
    taken: Vec<String>,
    returned: Vec<String>,
}

impl Tray {
    fn apply(&mut self, op: &Move) {
        match op {
            Move::Take(text) => self.taken.push(text.clone()),
            Move::Returned(text) => self.returned.push(text.clone()),
            Move::Go | Move::Send(..) => {}
        }
    }
}

fn reply(words: &str) -> Response {
    Response::MessageSend(pb::MessageSendResponse { message_id: words.into(), ..Default::default() })
}

impl Subject for Tray {
    type Key = TrayId;
    type Op = Move;
    type Query = Read;
    type Settings = NoRules;
    type Told = ();
    type Report = ();
    type Record = (TrayId, Seq, Move);
    type Scope = Infallible;
    type History = ();

    fn vacant(id: TrayId, _: Arc<NoRules>) -> Tray {
        Tray { id, seq: Seq(0), taken: Vec::new(), returned: Vec::new() }
    }

    fn id(&self) -> TrayId {
        self.id
    }

    fn exists(&self) -> bool {
        true
    }

    fn app_key(&self) -> &str {
        "app"
    }

    fn settings(&self) -> &NoRules {
        &NoRules
    }

    fn set_settings(&mut self, _: Arc<NoRules>) {}

    fn next_seq(&self) -> Seq {
        self.seq.next()
    }

    fn last_time(&self) -> UnixMs {
        UnixMs(0)
    }

    fn last_clock(&self) -> UnixMs {
        UnixMs(0)
    }

    fn decide(&mut self, entry: &Entry<Move>) -> Result<Outcome<Move, ()>, Status> {
        let mut outcome = Outcome::reply(reply("done"));
        match &entry.command.op {
            Move::Take(text) if text.contains("no") => return Err(Status::new(Code::Forbidden, "not wanted")),
            Move::Take(text) if text.contains("same") => return Ok(outcome),
            Move::Go => return Ok(outcome),
            Move::Send(to, text) => {
                let (to, is_decisive) = (to.address(), text.starts_with('?'));
                outcome.letters = vec![Letter { to, body: text.clone().into(), is_decisive }];
            }
            Move::Take(_) | Move::Returned(_) => {}
        }
        self.apply(&entry.command.op);
        (outcome.durable, outcome.link.previous, self.seq) = (true, self.seq, entry.seq);
        Ok(outcome)
    }

    fn addressee(&self, command: &Command<Move>) -> Option<Address> {
        match &command.op {
            Move::Send(to, _) => Some(to.address()),
            _ => None,
        }
    }

    fn pass(&mut self, seq: Seq, _: Epoch, _: Stamp) -> Option<Link> {
        Some(Link { previous: std::mem::replace(&mut self.seq, seq), epoch_first: None })
    }

    fn tell_pending(reply: &mut Response) {
        *reply = self::reply("pending");
    }

    fn may_look_up(&self, _: UnixMs, _: &Actor, (): &()) -> Result<(), Status> {
        Ok(())
    }

    fn answer(&mut self, _: UnixMs, _: &Actor, Read: &Read) -> Answer {
        Ok(reply(&self.taken.join(",")))
    }

    fn history(&self, _: UnixMs, _: &Actor, Read: &Read) -> Result<(), Status> {
        Ok(())
    }

    fn snapshot(&self, _: Seq, _: bool) -> Vec<Part> {
        vec![Part::head(format!("{};{};{}", self.seq.0, self.taken.join(","), self.returned.join(",")).into_bytes())]
    }

    fn record(id: TrayId, entry: Entry<Move>, _: Option<(Push, PushBody)>, _: bool, _: Link) -> (TrayId, Seq, Move) {
        (id, entry.seq, entry.command.op)
    }

    fn is_empty_of_people(&self) -> bool {
        true
    }

    fn is_connected(&self, _: &AccountId) -> bool {
        false
    }

    fn connections(&self) -> usize {
        0
    }

    fn everybody(&self) -> Vec<(AccountId, Vec<ConnId>)> {
        Vec::new()
    }

    fn take_people(&mut self, old: Tray) {
        self.seq = self.seq.max(old.seq);
    }

    fn standing(&self, _: Epoch, _: (Epoch, Seq), _: Seq) -> Standing {
        Standing::Unknown
    }

    fn note_epoch(&mut self, _: Epoch, _: Seq) {}

    fn missing_subject() -> Status {
        Status::new(Code::NotFound, "there is no such tray")
    }

    fn taken_over(_: TrayId) -> pb::Kicked {
        pb::Kicked::default()
    }

    fn class_of(_: &Push) -> Class {
        Class::Kept
    }

    fn push_body(_: &Push, body: Bytes) -> PushBody {
        PushBody::Notification(body)
    }
}

/// What lasts.
#[derive(Default)]
struct Disk {
    entries: BTreeMap<(TrayId, Seq), (Option<Move>, Bytes)>,
    snapshots: BTreeMap<TrayId, (Seq, Vec<Part>)>,
    shards: BTreeMap<(Shard, Bytes), Bytes>,
}

impl Disk {
    fn write(&mut self, writes: Writes<Tray>) {
        for (tray, seq, op) in writes.records {
            assert!(self.entries.insert((tray, seq), (Some(op), Bytes::new())).is_none(), "a place has one entry");
        }
        for note in writes.notes {
            let entry = self.entries.entry((note.subject, note.seq)).or_default();
            assert!(entry.0.is_some() != note.is_alone && entry.1.is_empty());
            entry.1 = note.bytes;
        }
        for (tray, seq, parts) in writes.snapshots {
            self.snapshots.insert(tray, (seq, parts));
        }
        for change in writes.shards {
            match change.value {
                Some(value) => drop(self.shards.insert((change.shard, change.key), value)),
                None => drop(self.shards.remove(&(change.shard, change.key))),
            }
        }
    }

    fn load(&self, id: TrayId) -> Rebuilt<Tray> {
        let mut rebuilt = Rebuilt::from(Tray::vacant(id, Arc::new(NoRules)));
        if let Some((covered, parts)) = self.snapshots.get(&id) {
            let head = String::from_utf8(parts[0].state.clone()).unwrap();
            let words: Vec<&str> = head.split(';').collect();
            let list = |words: &str| words.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
            rebuilt.subject = Tray { id, seq: *covered, taken: list(words[1]), returned: list(words[2]) };
            rebuilt.covered = *covered;
            let part = parts.iter().find(|part| part.number == ENVELOPE_PART);
            rebuilt.envelope = part.map(|part| Envelope::restore(&part.state).unwrap()).unwrap_or_default();
        }
        for ((_, seq), (op, note)) in self.entries.range((id, rebuilt.covered.next())..=(id, Seq(u64::MAX))) {
            rebuilt.envelope.replay(note).unwrap();
            op.iter().for_each(|op| rebuilt.subject.apply(op));
            (rebuilt.subject.seq, rebuilt.entries) = (*seq, rebuilt.entries + 1);
        }
        rebuilt
    }

    fn letters(&self) -> usize {
        self.shards.keys().filter(|(_, key)| key.first() == Some(&1)).count()
    }
}

const WORKERS: usize = 2;

struct World {
    hubs: Vec<Hub<Tray>>,
    disk: Disk,
    /// Batches on their way to the disk.
    writing: Vec<Option<Writes<Tray>>>,
    /// Mail on its way.
    posts: Vec<(usize, Post)>,
    answers: Arc<Mutex<Vec<(String, Answer)>>>,
    now: Time,
    epoch: u64,
    trays: Vec<TrayId>,
}

impl World {
    fn new() -> World {
        let tray = |shard| ServerId::first(Shard::new(shard).unwrap(), UnixMs(1_800_000_000_000));
        let trays = [8, 9, 10, 11].map(|shard| TrayId(SubjectId::new(SubjectKind::Call, tray(shard).get()).unwrap()));
        let mut world = World {
            hubs: Vec::new(),
            disk: Disk::default(),
            writing: Vec::new(),
            posts: Vec::new(),
            answers: Arc::default(),
            now: Time(0),
            epoch: 0,
            trays: trays.into(),
        };
        world.start();
        world
    }

    /// A node begins on what the disk has: everything else is gone.
    fn start(&mut self) {
        self.epoch += 1;
        (self.posts, self.writing) = (Vec::new(), (0..WORKERS).map(|_| None).collect());
        let ids = Arc::<ServerIds>::default();
        let accounts = AccountKey::new([1, 2]);
        let last_room = Arc::new(AtomicI64::new(0));
        let hub = |worker| {
            let mut hub = Hub::new(Config {
                worker,
                workers: WORKERS,
                epoch: Epoch(self.epoch),
                seed: 7,
                rules: Arc::new(NoRules),
                feed_bytes_max: FEED_BYTES_MAX,
                detach_grace_ms: 1000,
                last_room: last_room.clone(),
                accounts,
                ids: ids.clone(),
            });
            hub.set_clock(self.now, UnixMs(1_800_000_000_000 + self.now.ms()));
            for shard in (0..64).filter_map(Shard::new) {
                let rows = self.disk.shards.iter().filter(|((of, _), _)| *of == shard);
                let rows: Vec<(Bytes, Bytes)> = rows.map(|((_, key), value)| (key.clone(), value.clone())).collect();
                assert_eq!(hub.restore_shard(shard, &rows), 0);
            }
            hub
        };
        self.hubs = (0..WORKERS).map(hub).collect();
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
        let unix = UnixMs(1_800_000_000_000 + self.now.ms());
        for hub in &mut self.hubs {
            hub.set_clock(self.now, unix);
            hub.on_tick();
            hub.end_patience();
        }
    }

    fn send(&mut self, from: usize, to: usize, text: &str) {
        let to = self.trays.get(to).copied().unwrap_or(TrayId(SubjectId::new(SubjectKind::Call, 1).unwrap()));
        let (subject, op, answers, name) =
            (self.trays[from], Move::Send(to, text.into()), self.answers.clone(), text.to_owned());
        let asker = Asker::Caller(Box::new(move |answer| answers.lock().push((name, answer))));
        let request = Request {
            subject,
            asker,
            actor: Actor::http(post_office().account),
            ask: Ask::Command(op),
            app_key: None,
            resume: None,
        };
        self.hubs[owner_of(subject, WORKERS)].request(request);
    }

    /// One turn of a worker: everything but what the disk and the network do.
    fn turn(&mut self, worker: usize) {
        while self.hubs[worker].has_effects() {
            for effect in self.hubs[worker].take_effects() {
                match effect {
                    Effect::Load(id) => {
                        let loaded = self.disk.load(id);
                        self.hubs[worker].on_loaded(id, Ok(loaded));
                    }
                    Effect::Locate(sent) => {
                        let number = sent.to.number().and_then(|number| SubjectId::new(SubjectKind::Call, number).ok());
                        let found = number.map(TrayId).filter(|tray| self.trays.contains(tray));
                        self.hubs[worker].on_located(sent, Ok(found));
                    }
                    _ => panic!("a tray has no use for this"),
                }
            }
        }
        if self.writing[worker].is_none() {
            self.writing[worker] = self.hubs[worker].take_writes();
        }
        for to in 0..WORKERS {
            self.posts.extend(self.hubs[worker].take_post(to).into_iter().map(|post| (to, post)));
        }
        self.hubs[worker].flush(&mut BTreeMap::new());
    }

    fn commit(&mut self, worker: usize) {
        if let Some(writes) = self.writing[worker].take() {
            self.disk.write(writes);
            self.hubs[worker].on_committed(true);
        }
    }

    fn deliver(&mut self) {
        for (worker, post) in std::mem::take(&mut self.posts) {
            self.hubs[worker].on_post(post);
        }
    }

    /// Until nothing is left to do at this time.
    fn settle(&mut self) {
        for _ in 0..100 {
            (0..WORKERS).for_each(|worker| self.turn(worker));
            if self.posts.is_empty() && self.writing.iter().all(Option::is_none) {
                return;
            }
            (0..WORKERS).for_each(|worker| self.commit(worker));
            self.deliver();
        }
        panic!("it comes to rest");
    }

    fn tray(&self, number: usize) -> Tray {
        self.disk.load(self.trays[number]).subject
    }

    fn answered(&self) -> Vec<(String, Result<String, Code>)> {
        let words = |answer: Answer| match answer {
            Ok(Response::MessageSend(reply)) => Ok(reply.message_id),
            Ok(other) => panic!("{other:?} is no tray's answer"),
            Err(status) => Err(status.code),
        };
        std::mem::take(&mut *self.answers.lock()).into_iter().map(|(text, answer)| (text, words(answer))).collect()
    }
}
