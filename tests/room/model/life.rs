//! Both rooms live through the same steps; the first difference ends it.

use std::collections::BTreeSet;
use std::sync::Arc;

use chatroom::error::Status;
use chatroom::id::{Epoch, UnixMs};
use chatroom::room::{Command, Entry, Op, Origin, Outcome, Query, Room, Settings, Stamp};
use chatroom::wire::{Push, Response, pb, store};
use prost::Message as _;

use super::commands::{Step, What, actor};
use super::{EPOCH, Kicked, Model, ROOM, Refusal, Verdict, Want, World, room_id};

pub const START_MS: i64 = 1_800_000_000_000;

/// Where the two rooms differ.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Which step.
    pub step: usize,
    /// The operation and what of it differs: while shrinking this stays the same.
    pub kind: String,
    pub expected: String,
    pub got: String,
}

pub struct Life {
    pub model: Model,
    room: Room,
    settings: Arc<Settings>,
    time_ms: i64,
    log: Vec<Entry>,
    steps: usize,
    pub commands: usize,
    /// Go on after a difference that leaves both rooms in the same state, and keep it here.
    pub survey: Option<Vec<Difference>>,
}

impl Life {
    pub fn new(world: &World) -> Life {
        let settings = Arc::new(world.settings.clone());
        Life {
            model: Model::new((*settings).clone(), world.of_client),
            room: Room::new(room_id(world.of_client), settings.clone()),
            settings,
            time_ms: START_MS,
            log: Vec::new(),
            steps: 0,
            commands: 0,
            survey: None,
        }
    }

    pub fn step(&mut self, step: &Step) -> Result<(), Difference> {
        self.steps += 1;
        self.time_ms += step.advance;
        self.tick()?;
        match &step.what {
            What::Query(actor, query) => {
                if let Err(difference) = self.ask(actor, query) {
                    match &mut self.survey {
                        Some(found) => found.push(difference),
                        None => return Err(difference),
                    }
                }
            }
            What::Command(command) => {
                let mut waiting = vec![command.clone()];
                while let Some(command) = waiting.pop() {
                    self.commands += 1;
                    let mut follow_ups = self.apply(step.random, command)?;
                    follow_ups.reverse();
                    waiting.extend(follow_ups);
                }
            }
        }
        if self.steps.is_multiple_of(32) {
            self.check_state()?;
        }
        if self.steps.is_multiple_of(128) {
            self.check_snapshot()?;
        }
        Ok(())
    }

    /// What the room does by itself by now.
    fn tick(&mut self) -> Result<(), Difference> {
        loop {
            let got = self.room.due(UnixMs(self.time_ms));
            let want = self.model.due(self.time_ms);
            let named = got.as_ref().map(|command| (command.actor.account.as_str().to_owned(), op_name(&command.op)));
            if want != named {
                return self.differs("due", &want, &got);
            }
            let Some(command) = got else { return Ok(()) };
            let mut waiting = vec![command];
            while let Some(command) = waiting.pop() {
                let mut follow_ups = self.apply(0, command)?;
                follow_ups.reverse();
                waiting.extend(follow_ups);
            }
        }
    }

    pub fn end(&mut self) -> Result<(), Difference> {
        self.check_state()?;
        self.check_snapshot()?;
        let mut replayed = Room::new(self.room.id(), self.settings.clone());
        self.log.iter().for_each(|entry| replayed.replay(entry));
        if lasting(&replayed) != lasting(&self.room) {
            return self.differs("replay", &lasting(&self.room), &lasting(&replayed));
        }
        Ok(())
    }

    fn differs<T>(&self, kind: &str, expected: &dyn std::fmt::Debug, got: &dyn std::fmt::Debug) -> Result<T, Difference> {
        Err(Difference {
            step: self.steps.saturating_sub(1),
            kind: kind.into(),
            expected: super::shrink::terse(&format!("{expected:?}")),
            got: super::shrink::terse(&format!("{got:?}")),
        })
    }

    fn apply(&mut self, random: u64, command: Command) -> Result<Vec<Command>, Difference> {
        let stamp = Stamp { time: UnixMs(self.time_ms), clock: UnixMs(self.time_ms), random };
        let entry = Entry { seq: self.room.next_seq(), epoch: Epoch(EPOCH), stamp, command };
        let got = self.room.apply(&entry);
        let before = self.model.everybody();
        let want = self.model.apply(self.time_ms, random, &entry.command);
        if let Err(difference) = self.compare(&entry.command.op, before, &want, &got) {
            match &mut self.survey {
                Some(found) if want.is_ok() == got.is_ok() => {
                    found.push(difference);
                    self.model.seq = self.room.next_seq().0 - 1;
                }
                _ => return Err(difference),
            }
        }
        let Ok(outcome) = got else { return Ok(Vec::new()) };
        if outcome.durable {
            self.log.push(stored(&entry, &outcome));
        }
        Ok(outcome.follow_ups)
    }

    fn compare(
        &self,
        op: &Op,
        mut before: BTreeSet<chatroom::id::ConnId>,
        want: &Verdict,
        got: &Result<Outcome, Status>,
    ) -> Result<(), Difference> {
        let kind = |what: &str| format!("{} {what}", op_name(op));
        let (want, got) = match (want, got) {
            (Err(want), Err(got)) => {
                let (code, sub) = (want.code == got.code, want.sub == got.sub_number());
                if !code || !sub || want.retry.is_some_and(|retry| retry != got.retry_after_ms) {
                    let kind = kind(&format!("refusal {:?}/{} for {:?}/{}", got.code, got.sub_number(), want.code, want.sub));
                    return self.differs(&kind, want, got);
                }
                return Ok(());
            }
            (Ok(want), Err(got)) => {
                return self.differs(&kind(&format!("refused {:?}/{}", got.code, got.sub_number())), want, got);
            }
            (Err(want), Ok(got)) => {
                return self.differs(&kind(&format!("allowed for {:?}/{}", want.code, want.sub)), want, got);
            }
            (Ok(want), Ok(got)) => (want, got),
        };
        if want.reply != got.reply && canonical(&want.reply) != canonical(&got.reply) {
            return self.differs(&kind("reply"), &canonical(&want.reply), &canonical(&got.reply));
        }
        if want.push != got.push {
            return self.differs(&kind("push"), &want.push, &got.push);
        }
        if want.push.is_some() {
            before.extend(self.model.conns.iter().map(|conn| conn.id));
            let heard: BTreeSet<_> = before.into_iter().filter(|id| got.audience.admits(*id)).collect();
            if want.receivers != heard {
                return self.differs(&kind("receivers"), &want.receivers, &heard);
            }
        }
        if (want.durable, want.in_history) != (got.durable, got.in_history) {
            return self.differs(
                &kind("durable, in_history"),
                &(want.durable, want.in_history),
                &(got.durable, got.in_history),
            );
        }
        if want.presence != got.presence && sorted(&want.presence) != sorted(&got.presence) {
            return self.differs(&kind("presence"), &want.presence, &got.presence);
        }
        self.compare_kicks(&kind, want, got)?;
        let departed: Vec<&str> = got.departed.iter().map(|account| account.as_str()).collect();
        // A robot that is put out may be among them: it had no connection, and has none.
        let is_here = |name: &&str| self.model.conns.iter().any(|conn| conn.account == *name);
        if want.departed.iter().any(|name| !departed.contains(&name.as_str())) || departed.iter().any(is_here) {
            return self.differs(&kind("departed"), &want.departed, &departed);
        }
        if !want.resent.iter().eq(got.resent.iter().map(AsRef::as_ref)) {
            return self.differs(&kind("resent"), &want.resent, &got.resent);
        }
        let name = |command: &Command| (command.actor.account.as_str().to_owned(), op_name(&command.op));
        let mut follow_ups: Vec<_> = got.follow_ups.iter().map(name).collect();
        follow_ups.sort();
        if want.follow_ups != follow_ups {
            return self.differs(&kind("follow_ups"), &want.follow_ups, &follow_ups);
        }
        let counts = (self.room.next_seq().0, self.room.connections(), self.room.online_count());
        let expected = (self.model.seq + 1, self.model.conns.len(), self.model.online());
        if counts != expected {
            return self.differs(&kind("next seq, connections, online"), &expected, &counts);
        }
        Ok(())
    }

    fn compare_kicks(&self, kind: &dyn Fn(&str) -> String, want: &Want, got: &Outcome) -> Result<(), Difference> {
        if want.kicks.is_empty() && got.kicks.is_empty() {
            return Ok(());
        }
        let kicked = |kick: &chatroom::room::Kick| Kicked {
            connection: kick.connection,
            reason: kick.kicked.reason(),
            ext: kick.kicked.ext.clone(),
            may_reconnect: kick.kicked.may_reconnect,
        };
        let mut kicks: Vec<Kicked> = got.kicks.iter().map(kicked).collect();
        let mut expected = want.kicks.clone();
        kicks.sort_by_key(|kick| kick.connection);
        expected.sort_by_key(|kick| kick.connection);
        if kicks != expected || got.kicks.iter().any(|kick| kick.kicked.room_id != self.model.id()) {
            return self.differs(&kind("kicks"), &expected, &got.kicks);
        }
        Ok(())
    }

    fn ask(&mut self, actor: &chatroom::room::Actor, query: &Query) -> Result<(), Difference> {
        let got = self.room.query(UnixMs(self.time_ms), actor, query);
        let want = self.model.query(self.time_ms, actor, query);
        let name = format!("{query:?}");
        let name = format!("query {}", name.split(['(', ' ']).next().unwrap_or_default());
        match (want, got) {
            (Ok(None), Ok(_)) => Ok(()),
            (Ok(Some(want)), Ok(got)) => {
                if want != got && canonical(&want) != canonical(&got) {
                    return self.differs(&name, &canonical(&want), &canonical(&got));
                }
                Ok(())
            }
            (Err(want), Err(got)) if (want.code, want.sub) == (got.code, got.sub_number()) => Ok(()),
            (want, got) => {
                let code = |refusal: &Refusal| format!("{:?}/{}", refusal.code, refusal.sub);
                let status = |status: &Status| format!("{:?}/{}", status.code, status.sub_number());
                let (expected, answered) = (want.as_ref().err().map(code), got.as_ref().err().map(status));
                self.differs(&format!("{name} {answered:?} for {expected:?}"), &want, &got)
            }
        }
    }

    /// Everything that can be asked, asked with the authority of the application.
    fn check_state(&mut self) -> Result<(), Difference> {
        let boss = actor("boss", None, Origin::Http);
        self.ask(&boss, &Query::Info(pb::RoomInfoRequest { room_id: ROOM }))?;
        for query in 0..4 {
            self.ask(
                &boss,
                &Query::Members(pb::MemberListRequest { room_id: ROOM, query, time_ms: 0, limit: 0, ..Default::default() }),
            )?;
        }
        self.ask(&boss, &Query::Attributes(pb::AttributesListRequest { room_id: ROOM }))?;
        self.ask(&boss, &Query::QueueList(pb::QueueListRequest { room_id: ROOM, ..Default::default() }))
    }

    fn check_snapshot(&self) -> Result<(), Difference> {
        let snapshot = self.room.snapshot();
        match Room::restore(self.room.id(), self.settings.clone(), &snapshot) {
            Ok(restored) if restored.snapshot() == snapshot && restored.next_seq() == self.room.next_seq() => Ok(()),
            other => self.differs("snapshot", &self.room.next_seq(), &other.map(|room| room.next_seq())),
        }
    }
}

/// What must be equal after a replay: presence takes places and times too, but is not in the log.
fn lasting(room: &Room) -> store::Snapshot {
    let mut snapshot = store::Snapshot::decode(&*room.snapshot()).expect("our own snapshot is readable");
    (snapshot.last_seq, snapshot.last_time_ms, snapshot.last_clock_ms, snapshot.epoch) = (0, 0, 0, 0);
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

/// Members of one moment stand in no promised order, nor do the connections of one account.
fn canonical(reply: &Response) -> Response {
    let mut reply = reply.clone();
    fn member(member: &mut pb::Member) {
        member.connections.sort_by(|a, b| a.connection_id.cmp(&b.connection_id));
    }
    match &mut reply {
        Response::MemberList(list) => {
            list.members.iter_mut().for_each(member);
            let is_fixed = list.members.iter().any(|member| member.update_time_ms != 0);
            let time = |member: &pb::Member| if is_fixed { member.update_time_ms } else { member.enter_time_ms };
            list.members.chunk_by_mut(|a, b| time(a) == time(b)).for_each(|moment| {
                moment.sort_by(|a, b| a.account.cmp(&b.account));
            });
        }
        Response::MemberListByTag(list) => {
            let key =
                |member: &pb::Member| (member.account.clone(), member.connections.first().map(|one| one.connection_id.clone()));
            list.members.chunk_by_mut(|a, b| a.enter_time_ms == b.enter_time_ms).for_each(|moment| {
                moment.sort_by_key(key);
            });
        }
        Response::MemberLookup(list) => {
            list.members.iter_mut().for_each(member);
        }
        Response::RoomEnter(entered) => {
            entered.member.iter_mut().for_each(member);
        }
        Response::MemberSetRole(changed) => changed.member.iter_mut().for_each(member),
        _ => {}
    }
    reply
}

fn sorted<T: std::fmt::Debug>(items: &[T]) -> Vec<String> {
    let mut names: Vec<String> = items.iter().map(|item| format!("{item:?}")).collect();
    names.sort();
    names
}

pub fn op_name(op: &Op) -> &'static str {
    match op {
        Op::Create(_) => "Create",
        Op::Enter(_) => "Enter",
        Op::Exit => "Exit",
        Op::Detach => "Detach",
        Op::Update(_) => "Update",
        Op::Close(_) => "Close",
        Op::Reopen => "Reopen",
        Op::AddRobots(_) => "AddRobots",
        Op::RemoveRobots(_) => "RemoveRobots",
        Op::SeatRobot(_) => "SeatRobot",
        Op::UnseatRobot { .. } => "UnseatRobot",
        Op::DelayClose(_) => "DelayClose",
        Op::Open(_) => "Open",
        Op::Destroy => "Destroy",
        Op::MuteRoom(_) => "MuteRoom",
        Op::SetRole(_) => "SetRole",
        Op::Kick(_) => "Kick",
        Op::Expel => "Expel",
        Op::KickDevices(_) => "KickDevices",
        Op::TempMute(_) => "TempMute",
        Op::TagTempMute(_) => "TagTempMute",
        Op::UpdateSelf(_) => "UpdateSelf",
        Op::UpdateTags(_) => "UpdateTags",
        Op::UpdateLocation(_) => "UpdateLocation",
        Op::Send(_) => "Send",
        Op::Broadcast(_) => "Broadcast",
        Op::Recall(_) => "Recall",
        Op::QueueInit(_) => "QueueInit",
        Op::QueueOffer(_) => "QueueOffer",
        Op::QueueBatchOffer(_) => "QueueBatchOffer",
        Op::QueuePoll(_) => "QueuePoll",
        Op::QueueChange(_) => "QueueChange",
        Op::QueueDrop(_) => "QueueDrop",
        Op::QueueClearOwner => "QueueClearOwner",
        Op::QueueClearSome(_) => "QueueClearSome",
        Op::SetAttributes(_) => "SetAttributes",
        Op::DeleteAttributes(_) => "DeleteAttributes",
        Op::BatchAttributes(_) => "BatchAttributes",
        Op::ClearOwnerAttributes => "ClearOwnerAttributes",
        Op::SetMemberAttributes(_) => "SetMemberAttributes",
        Op::ClearMemberAttributes => "ClearMemberAttributes",
        #[allow(unreachable_patterns)]
        _ => "another",
    }
}
