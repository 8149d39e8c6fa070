//! Dispatch with a subject that is no room: a board that shows the last line somebody has written on it. What works here works for
//! every kind.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use bytes::Bytes;
use parking_lot::Mutex;

use super::commit::Writes;
use super::feed::Outlet;
use super::hub::{Config, Effect, Hub};
use super::mail::{Asked, Asker, Request, owner_of};
use crate::error::{Code, Status};
use crate::id::{AccountId, ConnId, Epoch, Seq, SubjectId, SubjectKind, Time, UnixMs};
use crate::limits::FEED_BYTES_MAX;
use crate::subject::{
    AccountKey, Actor, Answer, Ask, Audience, Class, Entry, Key, Link, Operation, Origin, Outcome, Part, Presence, PushBody,
    Question, Quota, Rules, Standing, Subject,
};
use crate::wire::{Push, Response, pb};

/// An operation on a board.
#[derive(Clone, Debug)]
enum Stroke {
    Make,
    Come,
    Go,
    /// Writes a line.
    Write(String),
    /// Takes the line back if the log knows where it stands.
    Wipe(Option<Seq>),
}

impl Operation for Stroke {
    type Key = BoardId;
    type LookUp = ();

    fn of_gone(_at_once: bool) -> Stroke {
        Stroke::Go
    }

    fn is_logged(&self) -> bool {
        !matches!(self, Stroke::Come | Stroke::Go)
    }

    fn follows(&self) -> bool {
        matches!(self, Stroke::Come)
    }

    fn begins(&self) -> Option<&str> {
        matches!(self, Stroke::Make).then_some("app")
    }

    fn opens(&self) -> Option<bool> {
        matches!(self, Stroke::Make).then_some(true)
    }

    fn needs_look_up(&self) -> bool {
        matches!(self, Stroke::Wipe(None))
    }

    fn into_look_up(self) -> Option<()> {
        Some(())
    }

    fn found((): (), seq: Option<Seq>) -> Result<Stroke, Status> {
        seq.map(|seq| Stroke::Wipe(Some(seq))).ok_or_else(|| Status::new(Code::NotFound, "there is no such line"))
    }
}

/// A question to a board.
#[derive(Debug)]
struct Read;

impl Question for Read {}

/// The rules of boards: how long a line may be, in bytes.
#[derive(Debug)]
struct LineMax(usize);

impl Rules<LineMax> for LineMax {
    fn settings(&self, _app_key: &str) -> Arc<LineMax> {
        Arc::new(LineMax(self.0))
    }

    fn version(&self) -> u64 {
        0
    }
}

/// A board goes by its number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct BoardId(SubjectId);

impl From<BoardId> for SubjectId {
    fn from(board: BoardId) -> SubjectId {
        board.0
    }
}

impl Key for BoardId {
    fn of(subject: SubjectId) -> Option<BoardId> {
        (subject.kind() == SubjectKind::Call).then_some(BoardId(subject))
    }

    fn is_counted(self) -> bool {
        true
    }
}

/// Shows one line to whoever looks at it.
struct Board {
    id: BoardId,
    settings: Arc<LineMax>,
    exists: bool,
    line: String,
    seq: Seq,
    lookers: BTreeMap<AccountId, Vec<ConnId>>,
}

impl Board {
    fn reply(&self) -> Response {
        Response::MessageSend(pb::MessageSendResponse { message_id: self.line.clone(), ..Default::default() })
    }
}

impl Subject for Board {
    type Key = BoardId;
    type Op = Stroke;
    type Query = Read;
    type Settings = LineMax;
    type Told = ();
    type Report = ();
    type Record = (Seq, Stroke);
    type Scope = Infallible;
    type History = ();

    fn vacant(id: BoardId, settings: Arc<LineMax>) -> Board {
        Board { id, settings, exists: false, line: String::new(), seq: Seq(0), lookers: BTreeMap::new() }
    }

    fn id(&self) -> BoardId {
        self.id
    }

    fn exists(&self) -> bool {
        self.exists
    }

    fn app_key(&self) -> &str {
        "app"
    }

    fn settings(&self) -> &LineMax {
        &self.settings
    }

    fn set_settings(&mut self, settings: Arc<LineMax>) {
        self.settings = settings;
    }

    fn next_seq(&self) -> Seq {
        self.seq.next()
    }

    fn last_time(&self) -> UnixMs {
        UnixMs(0)
    }

    fn last_clock(&self) -> UnixMs {
        UnixMs(0)
    }

    fn decide(&mut self, entry: &Entry<Stroke>) -> Result<Outcome<Stroke, ()>, Status> {
        if !self.exists && !matches!(entry.command.op, Stroke::Make) {
            return Err(Board::missing_subject());
        }
        let actor = &entry.command.actor;
        let shown = |line: &str| {
            let message =
                pb::Message { room_id: self.id.0.number(), seq: entry.seq.0, message_id: line.into(), ..Default::default() };
            Some(Push::Message(Box::new(message)))
        };
        let mut outcome = Outcome::reply(self.reply());
        match (&entry.command.op, actor.connection) {
            (Stroke::Make, _) => (self.exists, outcome.durable) = (true, true),
            (Stroke::Come, Some(connection)) => {
                self.lookers.entry(actor.account.clone()).or_default().push(connection);
                outcome.presence = vec![Presence::Joined(connection)];
            }
            (Stroke::Go, Some(connection)) => {
                self.lookers.remove(&actor.account);
                outcome.presence = vec![Presence::Left(connection)];
            }
            (Stroke::Come | Stroke::Go, None) => return Err(Status::bad_parameter("nobody comes or goes")),
            (Stroke::Write(line), _) if line.len() > self.settings.0 => {
                return Err(Status::bad_parameter("the line is too long"));
            }
            (Stroke::Write(line), connection) => {
                (outcome.push, outcome.durable) = (shown(line), true);
                outcome.audience = connection.map_or(Audience::All, Audience::AllBut);
                self.line = line.clone();
            }
            (Stroke::Wipe(_), _) => {
                (outcome.push, outcome.durable) = (shown(""), true);
                self.line = String::new();
            }
        }
        if outcome.durable {
            self.seq = entry.seq;
        }
        Ok(outcome)
    }

    fn may_look_up(&self, _now: UnixMs, actor: &Actor, (): &()) -> Result<(), Status> {
        let looks = self.lookers.contains_key(&actor.account);
        if looks { Ok(()) } else { Err(Status::new(Code::Forbidden, "who does not look at it wipes nothing")) }
    }

    fn answer(&mut self, _now: UnixMs, _actor: &Actor, Read: &Read) -> Answer {
        if self.exists { Ok(self.reply()) } else { Err(Board::missing_subject()) }
    }

    fn history(&self, _now: UnixMs, _actor: &Actor, Read: &Read) -> Result<(), Status> {
        Ok(())
    }

    fn snapshot(&self, _since: Seq, _with_end: bool) -> Vec<Part> {
        vec![Part::head(self.line.clone().into_bytes())]
    }

    fn record(_: BoardId, entry: Entry<Stroke>, _: Option<(Push, PushBody)>, _: bool, _: Link) -> (Seq, Stroke) {
        (entry.seq, entry.command.op)
    }

    fn is_empty_of_people(&self) -> bool {
        self.lookers.is_empty()
    }

    fn is_connected(&self, account: &AccountId) -> bool {
        self.lookers.contains_key(account)
    }

    fn connections(&self) -> usize {
        self.lookers.len()
    }

    fn everybody(&self) -> Vec<(AccountId, Vec<ConnId>)> {
        self.lookers.clone().into_iter().collect()
    }

    fn take_people(&mut self, old: Board) {
        (self.lookers, self.seq) = (old.lookers, self.seq.max(old.seq.next()));
    }

    fn standing(&self, _: Epoch, _: (Epoch, Seq), _: Seq) -> Standing {
        Standing::Unknown
    }

    fn note_epoch(&mut self, _: Epoch, _: Seq) {}

    fn missing_subject() -> Status {
        Status::new(Code::NotFound, "there is no such board")
    }

    fn gap(id: BoardId, first: Seq, last: Seq) -> Option<Push> {
        Some(Push::Gap(pb::Gap { room_id: id.0.number(), first_seq: first.0, last_seq: last.0 }))
    }

    fn epoch_begun(id: BoardId, epoch: Epoch, log_seq: Seq) -> Option<Push> {
        Some(Push::RoomEpoch(pb::RoomEpoch { room_id: id.0.number(), epoch: epoch.0, log_seq: log_seq.0 }))
    }

    fn taken_over(_: BoardId) -> pb::Kicked {
        pb::Kicked::default()
    }

    fn class_of(_: &Push) -> Class {
        Class::Kept
    }

    fn push_body(_: &Push, body: Bytes) -> PushBody {
        PushBody::Notification(body)
    }

    fn quota(_: &LineMax) -> Quota {
        Quota { entered: 1, entered_of_clients: 1, left_of_account: 1, left_of_app: 1 }
    }
}

const WORKERS: usize = 2;

/// Two workers, their sockets, and what callers were answered.
struct World {
    hubs: Vec<Hub<Board>>,
    written: BTreeMap<ConnId, Vec<u8>>,
    /// Answers that connections have got, oldest first.
    answers: Vec<(ConnId, Answer)>,
    /// Records that are durable.
    log: Vec<(Seq, Stroke)>,
}

impl Outlet for BTreeMap<ConnId, Vec<u8>> {
    fn write(&mut self, connection: ConnId, bytes: &[u8]) -> usize {
        self.entry(connection).or_default().extend_from_slice(bytes);
        bytes.len()
    }

    fn hold(&mut self, connection: ConnId, rest: Bytes) {
        self.entry(connection).or_default().extend_from_slice(&rest);
    }
}

impl World {
    fn new() -> World {
        let last_room = Arc::new(AtomicI64::new(100));
        let hub = |worker| {
            let (last_room, accounts) = (last_room.clone(), AccountKey::new([1, 2]));
            let mut hub = Hub::new(Config {
                worker,
                workers: WORKERS,
                epoch: Epoch(1),
                seed: 7,
                rules: Arc::new(LineMax(12)),
                feed_bytes_max: FEED_BYTES_MAX,
                detach_grace_ms: 1000,
                last_room,
                accounts,
            });
            hub.set_clock(Time(1_000_000), UnixMs(1_000_000));
            hub
        };
        World { hubs: (0..WORKERS).map(hub).collect(), written: BTreeMap::new(), answers: Vec::new(), log: Vec::new() }
    }

    /// Carries mail about and effects out until nothing is left to do; commits only if told so.
    fn settle(&mut self, commits: bool) {
        loop {
            let mut is_quiet = true;
            for from in 0..WORKERS {
                for to in 0..WORKERS {
                    let mail = self.hubs[from].take_mail(to);
                    is_quiet &= mail.is_empty();
                    self.hubs[to].on_mail(mail);
                }
                for effect in self.hubs[from].take_effects() {
                    is_quiet = false;
                    match effect {
                        Effect::Answer(asked, answer) => self.answers.push((asked.connection, *answer)),
                        Effect::Load(id) => self.hubs[from].on_loaded(id, Ok(Board::vacant(id, Arc::new(LineMax(12))))),
                        Effect::Find(find) => {
                            let written = self.log.iter().rev().find(|(_, stroke)| matches!(stroke, Stroke::Write(_)));
                            let found = written.map(|(seq, _)| *seq);
                            self.hubs[from].on_found(*find, Ok(found));
                        }
                        _ => panic!("a board has no use for this"),
                    }
                }
                if commits && let Some(writes) = self.hubs[from].take_writes() {
                    is_quiet = false;
                    let Writes { records, .. } = writes;
                    self.log.extend(records);
                    self.hubs[from].on_committed(true);
                }
                self.hubs[from].flush(&mut self.written);
            }
            if is_quiet {
                return;
            }
        }
    }

    fn ask(&mut self, who: ConnId, account: &str, board: BoardId, ask: Ask<Stroke, Read>) {
        let actor =
            Actor { connection: Some(who), origin: Origin::Member, ..Actor::server(AccountId::parse(account).unwrap()) };
        let asker = Asker::Connection(Asked { connection: who, sequence: 1, kind: 0, subject: board });
        self.hubs[who.worker()].request(Request { subject: board, asker, actor, ask, app_key: None, resume: None });
    }

    /// The one answer since the last look.
    fn answer(&mut self) -> Result<String, Status> {
        let (_, answer) = self.answers.pop().expect("the request is answered");
        assert!(self.answers.is_empty(), "and answered once");
        answer.map(|reply| match reply {
            Response::MessageSend(sent) => sent.message_id,
            other => panic!("{other:?} is no board's answer"),
        })
    }
}

/// A board of this worker.
fn board_of(worker: usize) -> BoardId {
    (1..100)
        .map(|number| BoardId(SubjectId::new(SubjectKind::Call, number).unwrap()))
        .find(|id| owner_of(*id, WORKERS) == worker)
        .unwrap()
}

#[test]
fn a_subject_that_is_no_room_is_dispatched_like_one() {
    let mut world = World::new();
    let board = board_of(1);
    let (near, far) = (ConnId::new(1, 1, 0), ConnId::new(0, 1, 0));
    world.ask(far, "ann", board, Ask::Query(Read));
    world.settle(true);
    assert_eq!(world.answer().unwrap_err().code, Code::NotFound);
    world.ask(near, "bob", board, Ask::Command(Stroke::Make));
    world.settle(true);
    assert_eq!(world.answer().unwrap(), "");
    for (who, account) in [(near, "bob"), (far, "ann")] {
        world.ask(who, account, board, Ask::Command(Stroke::Come));
        world.settle(true);
        assert_eq!(world.answer().unwrap(), "");
    }
    // A line reaches the other one at once, on another worker, and is acknowledged when it is durable.
    world.ask(near, "bob", board, Ask::Command(Stroke::Write("hello".into())));
    world.settle(false);
    assert!(world.answers.is_empty() && world.written.keys().eq([&far]));
    world.settle(true);
    assert_eq!(world.answer().unwrap(), "");
    world.ask(far, "ann", board, Ask::Query(Read));
    world.settle(true);
    assert_eq!(world.answer().unwrap(), "hello");
    // Its settings hold, and what is refused leaves no trace.
    world.ask(far, "ann", board, Ask::Command(Stroke::Write("much too long".into())));
    world.settle(true);
    assert_eq!(world.answer().unwrap_err().code, Code::BadParameter);
    assert_eq!(world.log.iter().map(|(seq, _)| seq.0).collect::<Vec<_>>(), [1, 2]);
    // A command that needs a look-up is decided once the log has answered.
    world.ask(far, "ann", board, Ask::Command(Stroke::Wipe(None)));
    world.settle(true);
    assert_eq!(world.answer().unwrap(), "hello");
    assert!(matches!(world.log.last(), Some((Seq(3), Stroke::Wipe(Some(Seq(2)))))));
    // Who is gone hears nothing more.
    let gone = Actor { connection: Some(far), ..Actor::server(AccountId::parse("ann").unwrap()) };
    world.hubs[0].on_connection_gone(&gone, true);
    world.settle(true);
    world.written.clear();
    world.ask(near, "bob", board, Ask::Command(Stroke::Write("alone".into())));
    world.settle(true);
    assert!(world.written.is_empty() && world.answer().is_ok());
}

#[test]
fn a_caller_within_the_process_reaches_every_kind() {
    let mut world = World::new();
    let board = board_of(0);
    let answered: Arc<Mutex<Vec<Answer>>> = Arc::default();
    for op in [Stroke::Make, Stroke::Write("news".into())] {
        let told = answered.clone();
        let asker = Asker::Caller(Box::new(move |answer| told.lock().push(answer)));
        let actor = Actor::http(AccountId::parse("news").unwrap());
        let (ask, app_key) = (Ask::Command(op), Some("app".into()));
        world.hubs[1].request(Request { subject: board, asker, actor, ask, app_key, resume: None });
    }
    world.settle(true);
    assert_eq!(answered.lock().iter().filter(|answer| answer.is_ok()).count(), 2);
    assert_eq!(world.hubs[0].counters().entries, 2);
    assert!(matches!(&world.log[..], [(Seq(1), Stroke::Make), (Seq(2), Stroke::Write(_))]));
}
