//! Turns arbitrary bytes into a room's life and checks after every step what must always hold. Which commands the bytes stand for
//! is in `draw.rs`.

mod draw;
mod expression;

use super::entry::{Command, Entry, Outcome};
use crate::subject::{Origin, Presence, Stamp};
use std::collections::BTreeSet;
use std::sync::Arc;

use prost::Message as _;

use self::draw::{ACCOUNTS, Draw, actor, create, open};
pub use self::expression::fuzz_expression;
use super::command::{Op, Query};
use super::settings::Settings;
use super::state::Room;
use crate::id::{ConnId, Epoch, RoomId, Seq, UnixMs};
use crate::wire::{Push, pb, store};

/// Applies the commands that `data` stands for to a room, and panics if anything breaks a promise of the room: a place of the
/// log is used exactly when something came of a command, a refused command leaves no trace, counts fit the connections, the
/// snapshot restores the state, the same entries have the same outcomes, and the log replayed gives the same state.
#[doc(hidden)]
pub fn fuzz_commands(data: &[u8]) {
    let mut draw = Draw(data);
    let is_strict = draw.flag();
    let mut life = Life::new(is_strict, draw.below(4) == 0);
    for place in 0..draw.below(7) {
        let account = ACCOUNTS[usize::from(place % 6)];
        life.step(Command { actor: actor(account, Some(place), Origin::Member), op: Op::Enter(Box::new(draw::enter())) });
    }
    while !draw.0.is_empty() {
        let command = draw.command(life.sent);
        life.time_ms += i64::from(draw.byte()) * 7;
        life.step(command);
        if draw.below(16) == 0 {
            life.saved = life.room.snapshot();
        }
    }
    life.check_replay();
}

/// A room, and what was learned about it from its outcomes.
struct Life {
    room: Room,
    /// Lives through the same entries, and must come to the same.
    twin: Room,
    settings: Arc<Settings>,
    log: Vec<Entry>,
    /// The lasting state at some moment of this life.
    saved: Vec<u8>,
    here: BTreeSet<ConnId>,
    /// The place of the last message.
    sent: Option<Seq>,
    time_ms: i64,
    random: u64,
}

impl Life {
    fn new(is_strict: bool, is_of_client: bool) -> Life {
        let mut settings = Settings { fixed_members_max: 4, connections_per_account_max: 2, ..Settings::default() };
        if !is_strict {
            settings = Settings { sends_per_second: 0, anonymous_enabled: false, ..settings };
        }
        let settings = Arc::new(settings);
        let id = if is_of_client { RoomId::of_client(7) } else { RoomId::new(7).expect("7 is positive") };
        let new = || Room::new(id, settings.clone());
        let mut life = Life {
            room: new(),
            twin: new(),
            saved: new().snapshot(),
            settings,
            log: Vec::new(),
            here: BTreeSet::new(),
            sent: None,
            time_ms: 1_700_000_000_000,
            random: 1,
        };
        life.step(Command { actor: actor("boss", None, Origin::Http), op: Op::Exit });
        life.step(match is_of_client {
            true => Command { actor: actor("boss", Some(0), Origin::Member), op: open(false, 0) },
            false => Command { actor: actor("boss", None, Origin::Http), op: Op::Create(Box::new(create())) },
        });
        life
    }

    fn step(&mut self, command: Command) {
        let mut waiting = vec![command];
        while let Some(command) = waiting.pop() {
            let mut follow_ups = self.apply(command);
            follow_ups.reverse();
            waiting.extend(follow_ups);
        }
    }

    fn apply(&mut self, command: Command) -> Vec<Command> {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let stamp = Stamp { time: UnixMs(self.time_ms), clock: UnixMs(self.time_ms), random: self.random >> 20 };
        let entry = Entry { seq: self.room.next_seq(), epoch: Epoch(3), stamp, command };
        let before = (self.room.snapshot(), self.room.connections(), self.room.online_count());
        let result = self.room.apply(&entry);
        assert_eq!(result, self.twin.apply(&entry), "the same entry has the same outcome in the same state");
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(status) => {
                assert!(!status.is_ok(), "a refusal has a reason");
                assert_eq!(self.room.next_seq(), entry.seq, "a refused command takes no place");
                assert_eq!((self.room.snapshot(), self.room.connections(), self.room.online_count()), before);
                return Vec::new();
            }
        };
        let is_placed = outcome.push.is_some() || outcome.durable;
        assert_eq!(self.room.next_seq(), if is_placed { entry.seq.next() } else { entry.seq });
        assert!(outcome.durable || !outcome.in_history, "what the history holds is in the log");
        self.check_push(&entry, &outcome);
        if let Some(Push::Message(message)) = &outcome.push {
            self.sent = Some(Seq(message.seq));
        }
        self.follow_presence(&outcome);
        if outcome.durable {
            self.log.push(stored(&entry, &outcome));
        }
        self.check_state();
        outcome.follow_ups
    }

    fn check_push(&self, entry: &Entry, outcome: &Outcome) {
        let carried = match &outcome.push {
            Some(Push::Message(message)) => (message.room_id, message.seq, message.epoch, message.time_ms),
            Some(Push::Notification(notice)) => (notice.room_id, notice.seq, notice.epoch, notice.time_ms),
            Some(other) => panic!("a room pushes nothing like {other:?}"),
            None => return,
        };
        assert_eq!(carried, (self.room.id().get(), entry.seq.0, entry.epoch.0, entry.stamp.time.0));
    }

    fn follow_presence(&mut self, outcome: &Outcome) {
        for presence in &outcome.presence {
            match presence {
                Presence::Joined(connection) => assert!(self.here.insert(*connection)),
                Presence::Left(connection) => assert!(self.here.remove(connection)),
                Presence::Resumed { connection, replaces } => {
                    assert!(self.here.remove(replaces) && self.here.insert(*connection));
                }
            }
        }
        for kick in &outcome.kicks {
            assert!(outcome.presence.contains(&Presence::Left(kick.connection)), "who is kicked has left");
        }
    }

    fn check_state(&self) {
        assert_eq!(self.room.connections(), self.here.len());
        self.room.people.assert_consistent(|account| self.room.roster.record(account).is_some());
        self.room.queue.assert_consistent();
        assert!(self.room.roster.len() <= self.settings.fixed_members_max);
        let snapshot = self.room.snapshot();
        let restored = Room::restore(self.room.id(), self.settings.clone(), &snapshot).expect("our own snapshot is readable");
        assert_eq!(restored.snapshot(), snapshot);
        assert_eq!(restored.next_seq(), self.room.next_seq());
        let queries = [
            Query::Info(pb::RoomInfoRequest::default()),
            Query::Members(pb::MemberListRequest { query: 3, limit: 2, ..Default::default() }),
            Query::QueueList(pb::QueueListRequest::default()),
            Query::MembersByTag(pb::MemberListByTagRequest { tag: "a".into(), limit: 2, ..Default::default() }),
            Query::CountByTag(pb::MemberCountByTagRequest { tag: "a".into(), ..Default::default() }),
            Query::Attributes(pb::AttributesListRequest::default()),
        ];
        for query in &queries {
            let _ = self.room.query(UnixMs(self.time_ms), &actor("boss", None, Origin::Http), query);
        }
    }

    fn check_replay(&self) {
        assert_eq!(self.room.snapshot(), self.twin.snapshot());
        let new = Room::new(self.room.id(), self.settings.clone());
        let saved = Room::restore(self.room.id(), self.settings.clone(), &self.saved).expect("our own snapshot is readable");
        for mut replayed in [new, saved] {
            self.log.iter().for_each(|entry| replayed.replay(entry));
            assert_eq!(lasting(&replayed), lasting(&self.room));
            assert!(replayed.next_seq() <= self.room.next_seq());
        }
    }
}

/// What must be equal after a replay: presence takes places and times too, but is not in the log.
fn lasting(room: &Room) -> store::Snapshot {
    let mut snapshot = store::Snapshot::decode(&*room.snapshot()).expect("our own snapshot is readable");
    (snapshot.last_seq, snapshot.last_time_ms, snapshot.last_clock_ms) = (0, 0, 0);
    snapshot.epoch = 0;
    snapshot.boundaries.clear();
    snapshot.members.iter_mut().for_each(|member| member.enter_time_ms = 0);
    snapshot
}

/// The entry as the log gives it back.
fn stored(entry: &Entry, outcome: &Outcome) -> Entry {
    let op = outcome.kept.as_deref().unwrap_or(&entry.command.op).clone();
    let command = Command { op, ..entry.command.clone() };
    let command = match (command.to_store(), &outcome.push) {
        (Some(stored), _) => Command::from_store(stored).expect("what was stored is readable"),
        (None, Some(Push::Message(message))) => Command::send_from_message(message),
        (None, other) => panic!("a lasting command has no stored form: {other:?}"),
    };
    Entry { command, ..entry.clone() }
}
