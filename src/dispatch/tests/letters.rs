//! Letters between subjects that are trays: what is put into one is sent to another, and lies there unless it says "no".

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use bytes::Bytes;
use parking_lot::Mutex;

use super::Read;
use crate::dispatch::accounts::AccountRooms;
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
    Actor, Address, Answer, Ask, Class, Command, Entry, Key, Letter, Link, Operation, Outcome, Part, PushBody, Rules, ServerId,
    ServerIds, Shard, Stamp, Standing, Subject,
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
        let accounts = Arc::new(AccountRooms::new([1, 2]));
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
                accounts: accounts.clone(),
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

fn done(text: &str) -> (String, Result<String, Code>) {
    (text.into(), Ok("done".into()))
}

// L1, L2, L6
#[test]
fn a_letter_leaves_after_its_commit_and_its_verdict_after_the_other_one() {
    let mut world = World::new();
    let (from, to) = (owner_of(world.trays[0], WORKERS), owner_of(world.trays[1], WORKERS));
    assert_ne!(from, to);
    world.send(0, 1, "hello");
    world.turn(from);
    assert!(world.posts.is_empty() && world.disk.letters() == 0, "nothing leaves before the commit");
    world.commit(from);
    assert_eq!((world.answered(), world.disk.letters()), (vec![done("hello")], 1));
    world.turn(from);
    assert!(matches!(&world.posts[..], [(worker, Post::Letter(_))] if *worker == to));
    world.deliver();
    world.turn(to);
    world.turn(to);
    assert!(world.posts.is_empty() && world.tray(1).taken.is_empty(), "no verdict before the commit");
    world.commit(to);
    assert_eq!(world.tray(1).taken, ["hello"]);
    world.turn(to);
    assert!(matches!(&world.posts[..], [(worker, Post::Verdict(_, Verdict::Accepted))] if *worker == from));
    world.deliver();
    world.settle();
    assert_eq!(world.hubs[from].letters_waiting(), 0);
    // It is taken out with the next commit.
    world.send(0, 1, "again");
    world.settle();
    world.hubs.iter_mut().for_each(Hub::save_subjects);
    world.settle();
    assert_eq!((world.disk.letters(), world.tray(1).taken), (0, vec!["hello".into(), "again".into()]));
}

// L5, L7
#[test]
fn a_refusal_is_an_entry_of_both_before_anybody_is_told() {
    let mut world = World::new();
    let (from, to) = (owner_of(world.trays[0], WORKERS), owner_of(world.trays[1], WORKERS));
    world.send(0, 1, "?no");
    world.turn(from);
    world.commit(from);
    world.turn(from);
    world.deliver();
    world.turn(to);
    world.commit(to);
    let (op, note) = world.disk.entries.get(&(world.trays[1], Seq(1))).expect("a refused letter is an entry");
    assert!(op.is_none() && note.len() < 64, "{op:?} {}", note.len());
    world.turn(to);
    world.deliver();
    world.turn(from);
    assert!(world.answered().is_empty() && world.tray(0).returned.is_empty());
    world.commit(from);
    assert_eq!(world.answered(), [("?no".into(), Err(Code::Forbidden))]);
    assert_eq!((world.tray(0).returned, world.disk.letters()), (vec!["?no".into()], 0));
    assert_eq!(world.tray(1).taken, [""; 0]);
}

#[test]
fn an_answer_waits_for_the_verdict_no_longer_than_so_long() {
    let mut world = World::new();
    world.send(0, 1, "?yes");
    let from = owner_of(world.trays[0], WORKERS);
    world.turn(from);
    world.commit(from);
    world.turn(from);
    world.posts.clear();
    world.pass(VERDICT_TIMEOUT_MS - 1);
    assert!(world.answered().is_empty());
    world.pass(1);
    assert_eq!(world.answered(), [("?yes".into(), Ok("pending".into()))]);
    world.settle();
    assert_eq!((world.tray(1).taken, world.answered()), (vec!["?yes".into()], vec![]));
    // In time, it says what became of it.
    world.send(0, 1, "?soon");
    world.settle();
    assert_eq!(world.answered(), [done("?soon")]);
}

// L9
#[test]
fn a_letter_to_nobody_is_refused() {
    let mut world = World::new();
    world.send(0, 99, "?lost");
    world.send(0, 99, "-lost");
    world.settle();
    assert_eq!(world.answered(), [done("-lost"), ("?lost".into(), Err(Code::NotFound))]);
    assert_eq!((world.tray(0).returned, world.disk.letters()), (vec!["?lost".into()], 0));
}

// L4, L5
#[test]
fn letters_are_evaluated_in_order_and_once_however_they_come() {
    let mut world = World::new();
    let (from, to) = (owner_of(world.trays[0], WORKERS), owner_of(world.trays[1], WORKERS));
    let texts = ["a", "-no", "same", "b", "-no more", "c"];
    texts.iter().for_each(|text| world.send(0, 1, text));
    world.turn(from);
    world.commit(from);
    world.turn(from);
    let letters = std::mem::take(&mut world.posts);
    assert_eq!(letters.len(), texts.len());
    for at in [5, 1, 0, 0, 2, 3, 1, 4] {
        world.hubs[to].on_post(letters[at].1.clone());
        world.turn(to);
        world.commit(to);
    }
    world.turn(to);
    let verdict = |(_, post): &(usize, Post)| match post {
        Post::Verdict(sent, verdict) => (String::from_utf8(sent.body.to_vec()).unwrap(), verdict.clone()),
        Post::Letter(_) => panic!("only verdicts come back"),
    };
    let mut verdicts: Vec<(String, Verdict)> = world.posts.iter().map(verdict).collect();
    let refused = || Verdict::Refused(Status::new(Code::Forbidden, "not wanted"));
    let said = |text: &str, verdict| (text.to_owned(), verdict);
    let gaps: Vec<String> = verdicts.extract_if(.., |(_, verdict)| *verdict == Verdict::Gap).map(|(text, _)| text).collect();
    assert_eq!(gaps, ["c", "-no", "same", "b", "-no more"]);
    assert_eq!(verdicts, [said("a", Verdict::Accepted), said("a", Verdict::Accepted), said("-no", refused())]);
    world.settle();
    assert_eq!(world.tray(1).taken, ["a", "b", "c"]);
    assert_eq!(world.hubs[from].letters_waiting(), 0);
}

#[test]
fn too_many_letters_for_one_destination_refuse_the_next_command() {
    let mut world = World::new();
    let from = owner_of(world.trays[0], WORKERS);
    for number in 0..LETTERS_WAITING_MAX {
        world.send(0, 1, "x");
        if number == 0 {
            world.turn(from);
        }
    }
    world.turn(from);
    world.commit(from);
    world.turn(from);
    world.commit(from);
    world.answered();
    world.send(0, 1, "y");
    world.send(0, 2, "z");
    world.turn(from);
    world.commit(from);
    assert_eq!(world.answered(), [("y".into(), Err(Code::Busy)), done("z")]);
    world.settle();
    assert_eq!(world.tray(1).taken.len(), LETTERS_WAITING_MAX);
}

#[test]
fn a_subject_that_leaves_memory_knows_its_letters_when_it_comes_back() {
    let mut world = World::new();
    let to = owner_of(world.trays[1], WORKERS);
    world.send(0, 1, "one");
    world.send(0, 1, "-no");
    world.settle();
    let letters: Vec<Bytes> = world.disk.shards.values().cloned().collect();
    assert!(!letters.is_empty());
    world.hubs.iter_mut().for_each(Hub::save_subjects);
    let rows = world.disk.shards.clone();
    world.settle();
    assert!(world.disk.snapshots.contains_key(&world.trays[1]));
    // Old letters once more, from an outbox that has forgotten that they are done with.
    world.disk.shards = rows;
    world.start();
    world.settle();
    assert_eq!(world.tray(1).taken, ["one"]);
    assert_eq!(world.hubs[to].letters_waiting(), 0);
}

/// Everything that may happen to letters, in any order: lost, repeated, late, in the wrong order, a kill between the two commits, a disk
/// that takes nothing for a while. At the end each is evaluated once, in the order in which it was written.
#[test]
fn whatever_happens_each_letter_is_evaluated_once_and_in_order() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = World::new();
        let mut sent = 0;
        for _ in 0..200 {
            match random.u8(0..24) {
                0..5 => {
                    let (from, to) = (random.usize(0..4), random.usize(0..4));
                    let kind = random.choice(["", "?", "no ", "-no ", "?no ", "same "]).unwrap();
                    sent += 1;
                    world.send(from, to, &format!("{kind}{from}-{sent}"));
                }
                5..12 => world.turn(random.usize(0..WORKERS)),
                12..16 => world.commit(random.usize(0..WORKERS)),
                16..19 => {
                    random.shuffle(&mut world.posts);
                    let posts = std::mem::take(&mut world.posts);
                    for (worker, post) in posts {
                        match random.u8(0..8) {
                            0 => {}
                            1 => world.posts.push((worker, post)),
                            2 => {
                                world.hubs[worker].on_post(post.clone());
                                world.posts.push((worker, post));
                            }
                            _ => world.hubs[worker].on_post(post),
                        }
                    }
                }
                19..21 => world.pass(random.u64(1..2000)),
                21 => {
                    // Part of what was on its way has reached the disk all the same.
                    for worker in 0..WORKERS {
                        let writes = world.writing[worker].take().filter(|_| random.bool());
                        writes.into_iter().for_each(|writes| world.disk.write(writes));
                    }
                    world.start();
                }
                22 => {
                    let worker = random.usize(0..WORKERS);
                    if world.writing[worker].take().is_some() {
                        world.hubs[worker].on_committed(false);
                        world.epoch += 1;
                        world.hubs[worker].on_log_back(Epoch(world.epoch));
                    }
                }
                _ => world.hubs[random.usize(0..WORKERS)].save_subjects(),
            }
        }
        // Whoever waits longest waits half a minute.
        for _ in 0..40 {
            world.settle();
            world.pass(1000);
        }
        world.hubs.iter_mut().for_each(Hub::save_subjects);
        world.settle();
        let waiting: usize = world.hubs.iter().map(Hub::letters_waiting).sum();
        assert_eq!((waiting, world.disk.letters()), (0, 0), "seed {seed}");
        let mut expected: BTreeMap<TrayId, Vec<String>> = BTreeMap::new();
        let mut returned: BTreeMap<TrayId, Vec<String>> = BTreeMap::new();
        for ((tray, _), (op, _)) in &world.disk.entries {
            let Some(Move::Send(to, text)) = op else { continue };
            match text {
                text if text.contains("no") && !text.starts_with('-') => returned.entry(*tray).or_default().push(text.clone()),
                text if text.contains("no") || text.contains("same") => {}
                text => expected.entry(*to).or_default().push(text.clone()),
            }
        }
        for (number, id) in world.trays.iter().enumerate() {
            let tray = world.tray(number);
            let sorted = |mut texts: Vec<String>| {
                texts.sort();
                texts
            };
            let of = |all: &BTreeMap<TrayId, Vec<String>>| all.get(id).cloned().unwrap_or_default();
            assert_eq!(sorted(tray.taken.clone()), sorted(of(&expected)), "seed {seed}, tray {number}");
            assert_eq!(sorted(tray.returned), sorted(of(&returned)), "seed {seed}, tray {number}");
            // From each source in its order.
            for from in 0..4 {
                let from = format!("{from}-");
                let own = |texts: &[String]| -> Vec<String> {
                    texts.iter().filter(|text| text.trim_start_matches('?').starts_with(&from)).cloned().collect()
                };
                assert_eq!(own(&tray.taken), own(&of(&expected)), "seed {seed}, tray {number}, from {from}");
            }
        }
        let names: BTreeSet<String> = world.answered().into_iter().map(|(text, _)| text).collect();
        assert!(names.len() <= sent, "nobody is answered who has not asked");
    }
}
