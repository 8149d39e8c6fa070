//! What a worker does for the rooms it owns: gives commands their place, time and random number, applies them, and sees to it
//! that the log, the one who asked and everybody in the room get what is theirs (design.md §3, §4).

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use super::accounts::Reserved;
use super::downlink::{Class, Downlink};
use super::feed::Item;
use super::hub::{Effect, Hub};
use super::mail::{Answer, Asker, Mail, Request};
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, ConnId, RoomId, Seq, Time, UnixMs};
use crate::limits::{DUE_COMMANDS_MAX, HEADER_BYTES, LOADING_COMMANDS_MAX, ROOM_IDLE_MS, SNAPSHOT_ENTRIES, WRITES_WAITING_MAX};
use crate::room::{
    Actor, Ask, Audience, Command, Entry, Kick, Op, Origin, Outcome, Presence, PushBody, Query, Recall, Record, Room, Stamp,
};
use crate::wire::pb::{self, NotificationType};
use crate::wire::{Push, Response};

/// What one commit covers: what is to be written, and the answers that wait for it.
#[derive(Default)]
pub struct Writes {
    /// Entries in the order they were applied.
    pub records: Vec<Record>,
    /// States of rooms, each with the number of the last entry in it.
    pub snapshots: Vec<(RoomId, Seq, Vec<u8>)>,
    held: Vec<Held>,
    /// Connections that hear their room once they have been told that they are in it, and from where on; `None`: they have left
    /// again meanwhile.
    joins: Vec<(RoomId, ConnId, Option<Seq>)>,
    saved: Vec<(RoomId, Seq)>,
}

impl Writes {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.snapshots.is_empty()
    }
}

/// What waits for a commit.
enum Held {
    /// An answer.
    Answer(Asker, Answer),
    /// A look into the log that has to see what the commit covers.
    Find(Box<Find>),
    /// Who has put itself out of a room, by closing it, is told so after its answer.
    Left(Mail),
}

/// A recall on its way: the room lets it pass as far as it knows, and the log has to say where the message stands.
pub struct Find {
    /// In which room.
    pub room: RoomId,
    /// Who waits.
    pub asker: Asker,
    /// On whose behalf.
    pub actor: Actor,
    /// Which message.
    pub request: pb::MessageRecallRequest,
}

/// A room this worker owns.
pub(super) enum Owned {
    /// Its state is on its way; these wait for it.
    Loading(Vec<Request>),
    /// In memory.
    Live(Box<Live>),
}

/// A room in memory and what surrounds it.
pub(super) struct Live {
    room: Room,
    /// How many connections hear it, by worker.
    followers: Vec<u32>,
    /// Lost connections that keep their place, and on whose behalf they leave in the end.
    detached: HashMap<ConnId, Actor>,
    /// Entries in the log that no snapshot covers.
    entries_since_snapshot: u64,
    /// The last number a durable snapshot covers.
    saved: Seq,
    used: Time,
}

impl Live {
    fn new(room: Room, workers: usize, now: Time) -> Live {
        let followers = vec![0; workers];
        Live { room, followers, detached: HashMap::new(), entries_since_snapshot: 0, saved: Seq(0), used: now }
    }

    fn answer(&mut self, now: UnixMs, actor: &Actor, query: &Query) -> Answer {
        self.room.count_query(now, actor, query)?;
        self.room.query(now, actor, query)
    }

    fn is_deserted(&self) -> bool {
        self.detached.is_empty() && self.followers.iter().all(|count| *count == 0)
    }

    fn last_seq(&self) -> Seq {
        Seq(self.room.next_seq().0.saturating_sub(1))
    }

    fn follow(&mut self, connection: ConnId) {
        if let Some(count) = self.followers.get_mut(connection.worker()) {
            *count += 1;
        }
    }

    /// True if the connection was still attached.
    fn unfollow(&mut self, connection: ConnId) -> bool {
        if self.detached.remove(&connection).is_some() {
            return false;
        }
        if let Some(count) = self.followers.get_mut(connection.worker()) {
            *count = count.saturating_sub(1);
        }
        true
    }
}

impl Hub {
    /// A request for a room of this worker.
    pub(super) fn own(&mut self, request: Request) {
        let (room, workers, now) = (request.room, self.config.workers, self.now);
        match self.rooms.get_mut(&room) {
            Some(Owned::Live(_)) => self.ask(request),
            Some(Owned::Loading(waiting)) if waiting.len() < LOADING_COMMANDS_MAX => waiting.push(request),
            Some(Owned::Loading(_)) => self.answer(request.asker, Err(busy("the room is being loaded"))),
            None if let Ask::Command(Op::Create(create)) = &request.ask => {
                let fresh = Room::new(room, self.config.rules.settings(&create.app_key));
                self.rooms.insert(room, Owned::Live(Box::new(Live::new(fresh, workers, now))));
                self.ask(request);
            }
            None => {
                self.rooms.insert(room, Owned::Loading(vec![request]));
                self.effects.push(Effect::Load(room));
            }
        }
    }

    /// Refuses a request for a room that never was. What is wrong with the request itself comes before that (chatroom.md §c.0), and
    /// only a room knows it, so one that does not exist is asked.
    pub(super) fn refuse_nowhere(&mut self, request: Request) {
        let mut nowhere = Room::new(request.room, self.config.rules.settings(""));
        let answer = match request.ask {
            Ask::Command(op) => {
                let stamp = Stamp { time: self.unix, random: 0 };
                let command = Command { actor: request.actor, op };
                let entry = Entry { seq: nowhere.next_seq(), epoch: self.config.epoch, stamp, command };
                nowhere.apply(&entry).map(|_| room_missing())
            }
            Ask::Query(query) => nowhere.query(self.unix, &request.actor, &query).map(|_| room_missing()),
        };
        let (Ok(refused) | Err(refused)) = answer;
        self.answer(request.asker, Err(refused));
    }

    /// The state of a room that [`Effect::Load`] asked for, rebuilt from the log; a room that never was comes as one that does
    /// not exist.
    pub fn on_loaded(&mut self, id: RoomId, loaded: Result<Room, Status>) {
        let Some(Owned::Loading(waiting)) = self.rooms.remove(&id) else { return };
        match loaded {
            Ok(mut room) => {
                room.set_settings(self.config.rules.settings(room.app_key()));
                let mut live = Live::new(room, self.config.workers, self.now);
                live.saved = live.last_seq();
                self.rooms.insert(id, Owned::Live(Box::new(live)));
                self.tidy_after_load(id);
                self.do_due(id);
                waiting.into_iter().for_each(|request| self.ask(request));
            }
            Err(status) => waiting.into_iter().for_each(|request| self.answer(request.asker, Err(status.clone()))),
        }
    }

    /// What is to be written, if anything is and no commit is under way. [`Hub::on_committed`] must follow.
    pub fn take_writes(&mut self) -> Option<Writes> {
        if self.writes.is_empty() || self.in_flight.is_some() {
            return None;
        }
        let mut writes = std::mem::take(&mut self.writes);
        let saved = writes.snapshots.iter().map(|(room, seq, _)| (*room, *seq)).collect();
        let (held, joins) = (std::mem::take(&mut writes.held), std::mem::take(&mut writes.joins));
        self.in_flight = Some(Writes { held, joins, saved, ..Writes::default() });
        Some(writes)
    }

    /// The commit that covers the last [`Hub::take_writes`] is done: its answers leave. If it failed, nothing is acknowledged any
    /// more: what is in memory is no longer what is on disk, and only a restart brings both together.
    pub fn on_committed(&mut self, is_durable: bool) {
        let Some(done) = self.in_flight.take() else { return };
        self.is_broken |= !is_durable;
        for held in done.held {
            match held {
                Held::Answer(asker, answer) => self.answer(asker, if is_durable { answer } else { Err(broken()) }),
                Held::Find(find) if is_durable => self.effects.push(Effect::Find(find)),
                Held::Find(find) => self.answer(find.asker, Err(broken())),
                Held::Left(mail) => self.tell_left(mail),
            }
        }
        for (room, connection, heard) in done.joins {
            let replay = |heard| self.feeds.get(&room)?.replay(heard, connection);
            let mail = match heard {
                Some(heard) => Mail::Joined { room, connection, replay: replay(heard).unwrap_or_default() },
                None => Mail::Left { room, connection, kicked: None },
            };
            self.send(connection.worker(), mail);
        }
        for (room, seq) in done.saved {
            if let (Some(Owned::Live(live)), true) = (self.rooms.get_mut(&room), is_durable) {
                live.saved = seq;
            }
        }
    }

    /// Whether a commit is under way or something waits for one.
    pub fn has_uncommitted(&self) -> bool {
        self.in_flight.is_some() || !self.writes.is_empty()
    }

    /// Asks for a snapshot of every room that has changed, as a draining server does.
    pub fn save_rooms(&mut self) {
        for (id, owned) in &self.rooms {
            if let Owned::Live(live) = owned
                && live.saved < live.last_seq()
            {
                self.writes.snapshots.push((*id, live.last_seq(), live.room.snapshot()));
            }
        }
    }

    fn ask(&mut self, request: Request) {
        let Some(Owned::Live(live)) = self.rooms.get_mut(&request.room) else { return };
        live.used = self.now;
        let Request { room, asker, actor, ask, app_key, resume } = request;
        if app_key.is_some_and(|app_key| *app_key != *live.room.app_key()) && live.room.exists() {
            return self.answer(asker, Err(room_missing()));
        }
        match ask {
            Ask::Command(Op::Recall(recall)) if recall.seq.is_none() => {
                let request = recall.request;
                match live.room.may_recall(self.unix, &actor, &request) {
                    Ok(()) => self.after_writes(Held::Find(Box::new(Find { room, asker, actor, request }))),
                    Err(status) => self.answer(asker, Err(status)),
                }
            }
            Ask::Command(op) => self.command(room, asker, Command { actor, op }, resume),
            Ask::Query(query @ (Query::History(_) | Query::HistoryByTags(_))) => {
                match (live.room.history_scope(self.unix, &actor, &query), asker) {
                    // Whoever holds the connection looks it up, because only there it can be written.
                    (Ok(scope), Asker::Connection(asked)) => {
                        let mail = Mail::History { asked, query: Box::new(query), scope };
                        self.send(asked.connection.worker(), mail);
                    }
                    (Ok(scope), asker) => self.effects.push(Effect::History { asker, room, query: Box::new(query), scope }),
                    (Err(status), asker) => self.answer(asker, Err(status)),
                }
            }
            Ask::Query(query) => {
                let answer = live.answer(self.unix, &actor, &query);
                self.answer(asker, answer);
            }
        }
    }

    /// Where the log has the message of [`Effect::Find`], if it has it.
    pub fn on_found(&mut self, find: Find, found: Result<Option<Seq>, Status>) {
        let Find { room, asker, actor, request } = find;
        match found {
            Ok(Some(seq)) => {
                let ask = Ask::Command(Op::Recall(Box::new(Recall { request, seq: Some(seq) })));
                self.own(Request { room, asker, actor, ask, app_key: None, resume: None });
            }
            Ok(None) => self.answer(asker, Err(Status::with_sub(Code::NotFound, Sub::MessageMissing))),
            Err(status) => self.answer(asker, Err(status)),
        }
    }

    /// Applies a command and, one after the other, what follows from it.
    fn command(&mut self, room: RoomId, asker: Asker, command: Command, resume: Option<Box<pb::RoomPosition>>) {
        if self.is_broken {
            return self.answer(asker, Err(broken()));
        }
        let is_ours = command.actor.origin == Origin::Server || matches!(command.op, Op::Exit | Op::Detach);
        if self.writes.records.len() >= WRITES_WAITING_MAX && !is_ours {
            return self.answer(asker, Err(busy("the log is behind")));
        }
        let mut command = command;
        let reserved = self.reserve(room, &mut command);
        let account = command.actor.account.clone();
        let mut next = Some((asker, command, resume));
        let mut follow_ups = VecDeque::new();
        while let Some((asker, command, resume)) = next {
            self.apply(room, asker, command, resume, &mut follow_ups);
            next = follow_ups.pop_front().map(|command| (Asker::Nobody, command, None));
        }
        if let Some(app_key) = reserved {
            self.settle_reservation(room, &app_key, account);
        }
    }

    /// Counts the room that somebody is about to enter. Gives the key of the application if it did not count before.
    fn reserve(&mut self, room: RoomId, command: &mut Command) -> Option<String> {
        let account = &command.actor.account;
        let enter = match &mut command.op {
            Op::Enter(enter) => enter.as_mut(),
            Op::Open(open) => &mut open.enter,
            _ => return None,
        };
        let client_rooms_max = self.config.rules.settings(&enter.app_key).client_rooms_per_account_max;
        match self.config.accounts.reserve(&enter.app_key, account, room, enter.leaves, client_rooms_max) {
            Reserved::Before => None,
            Reserved::Now => Some(enter.app_key.clone()),
            Reserved::OverQuota => {
                enter.over_quota = true;
                None
            }
        }
    }

    /// Who did not get in does not count; who did, and is in too many rooms now, leaves the one it entered first.
    fn settle_reservation(&mut self, room: RoomId, app_key: &str, account: AccountId) {
        let accounts = self.config.accounts.clone();
        let is_in = match self.rooms.get(&room) {
            Some(Owned::Live(live)) => live.room.app_key() == app_key && live.room.is_connected(&account),
            _ => false,
        };
        if !is_in {
            return accounts.release(app_key, &account, room);
        }
        let rooms_max = self.config.rules.settings(app_key).rooms_per_account_max;
        if let Some(room) = accounts.take_beyond(app_key, &account, rooms_max) {
            let (asker, actor, ask) = (Asker::Nobody, Actor::server(account), Ask::Command(Op::Expel));
            self.request(Request { room, asker, actor, ask, app_key: None, resume: None });
        }
    }

    fn apply(
        &mut self,
        id: RoomId,
        asker: Asker,
        command: Command,
        resume: Option<Box<pb::RoomPosition>>,
        follow_ups: &mut VecDeque<Command>,
    ) {
        let Some(Owned::Live(live)) = self.rooms.get_mut(&id) else { return };
        let stamp = Stamp { time: UnixMs(self.unix.0.max(live.room.last_time().0)), random: self.random.u64(..) };
        let heard = live.last_seq();
        let entry = Entry { seq: live.room.next_seq(), epoch: self.config.epoch, stamp, command };
        let outcome = match live.room.apply(&entry) {
            Ok(outcome) => outcome,
            Err(status) => {
                self.counters.refused += 1;
                return self.answer(asker, Err(status));
            }
        };
        let downlink = Downlink::new(live.room.settings());
        self.counters.entries += 1;
        if matches!(entry.command.op, Op::Create(_) | Op::Open(_)) && outcome.durable {
            let settings = self.config.rules.settings(live.room.app_key());
            live.room.set_settings(settings);
        }
        let Outcome { mut reply, push, audience, durable, in_history, presence, kicks, kept, departed, resent, .. } = outcome;
        for account in &departed {
            self.config.accounts.release(live.room.app_key(), account, id);
        }
        follow_ups.extend(outcome.follow_ups);
        if matches!(entry.command.op, Op::Detach)
            && let Some(connection) = entry.command.actor.connection
            && live.unfollow(connection)
        {
            live.detached.insert(connection, entry.command.actor.clone());
            self.grace.push_back((self.now.plus_ms(self.config.detach_grace_ms), id, connection));
        }
        let mut replay = self.replay(id, heard, resume.as_deref(), &presence, &mut reply);
        replay.extend(resent.into_iter().map(|message| self.encode(&Push::Message(message))));
        if durable {
            self.writes.held.push(Held::Answer(asker, Ok(reply)));
        } else if matches!(&reply, Response::MessageSend(reply) if reply.duplicate) {
            // Whoever asks again for a message that is on its way to the disk must not be told earlier than the first time.
            self.after_writes(Held::Answer(asker, Ok(reply)));
        } else {
            self.answer(asker, Ok(reply));
        }
        let joins_late = (durable && !presence.is_empty()).then_some(heard);
        self.arrive(id, &presence, replay, joins_late);
        self.part(id, &presence, &kicks, false, None);
        let mut notify_target_tags = String::new();
        let push = push.map(|push| {
            let frame = self.encode(&push);
            let class = class_of(&push);
            let body = frame.slice(HEADER_BYTES..);
            let item = Item { frame, seq: entry.seq, audience, class, downlink, at: self.now };
            self.publish(id, item);
            match push {
                Push::Message(message) => {
                    notify_target_tags = message.notify_target_tags;
                    PushBody::Message { message_type: message.r#type, body }
                }
                Push::Notification(notice) => {
                    notify_target_tags = notice.notify_target_tags;
                    PushBody::Notification(body)
                }
                _ => PushBody::Notification(body),
            }
        });
        self.part(id, &presence, &kicks, true, entry.command.actor.connection.filter(|_| durable));
        if durable {
            let mut entry = entry;
            if let Some(op) = kept {
                entry.command.op = *op;
            }
            self.writes.records.push(Record { room: id, entry, push, notify_target_tags, in_history });
            self.note_durable(id);
        }
    }

    /// Does something once everything applied so far is durable.
    fn after_writes(&mut self, held: Held) {
        match (&mut self.in_flight, held) {
            (_, held) if !self.writes.records.is_empty() => self.writes.held.push(held),
            (Some(in_flight), held) => in_flight.held.push(held),
            (None, Held::Answer(asker, answer)) => self.answer(asker, answer),
            (None, Held::Find(find)) if self.is_broken => self.answer(find.asker, Err(broken())),
            (None, Held::Find(find)) => self.effects.push(Effect::Find(find)),
            (None, Held::Left(mail)) => self.tell_left(mail),
        }
    }

    fn tell_left(&mut self, mail: Mail) {
        if let Mail::Left { connection, .. } = &mail {
            self.send(connection.worker(), mail);
        }
    }

    /// Completes the answer to an enter with what a resume came to, and returns the frames it replays.
    fn replay(
        &self,
        id: RoomId,
        heard: Seq,
        resume: Option<&pb::RoomPosition>,
        presence: &[Presence],
        reply: &mut Response,
    ) -> Vec<Bytes> {
        let (Response::RoomEnter(reply), Some(position)) = (reply, resume) else { return Vec::new() };
        let replaced = presence.iter().find_map(|change| match change {
            Presence::Resumed { replaces, .. } => Some(*replaces),
            _ => None,
        });
        let frames = match replaced {
            Some(replaces) if position.epoch == self.config.epoch.0 => match self.feeds.get(&id) {
                Some(feed) => feed.replay(Seq(position.last_seq), replaces),
                None => (position.last_seq == heard.0).then(Vec::new),
            },
            _ => None,
        };
        reply.resumed = replaced.is_some();
        reply.gap = frames.is_none() && (position.epoch != self.config.epoch.0 || position.last_seq < heard.0);
        let frames = frames.unwrap_or_default();
        reply.replayed = u32::try_from(frames.len()).unwrap_or(u32::MAX);
        frames
    }

    /// Lets in those who come. With `joins_late` they hear the room, from there on, once the answer that waits for a commit has
    /// told them that they are in it.
    fn arrive(&mut self, room: RoomId, presence: &[Presence], mut replay: Vec<Bytes>, joins_late: Option<Seq>) {
        for change in presence {
            let Some(Owned::Live(live)) = self.rooms.get_mut(&room) else { return };
            let connection = match *change {
                Presence::Joined(connection) => connection,
                Presence::Resumed { connection, replaces } => {
                    let was_attached = live.unfollow(replaces);
                    live.follow(connection);
                    if was_attached {
                        let kicked = pb::Kicked {
                            reason: pb::KickReason::SamePlatform as i32,
                            message: "taken over by a newer connection".into(),
                            room_id: room.get(),
                            ..pb::Kicked::default()
                        };
                        let mail = Mail::Left { room, connection: replaces, kicked: Some(Box::new(kicked)) };
                        self.send(replaces.worker(), mail);
                    }
                    let mail = Mail::Joined { room, connection, replay: std::mem::take(&mut replay) };
                    self.send(connection.worker(), mail);
                    continue;
                }
                Presence::Left(_) => continue,
            };
            live.follow(connection);
            self.late_joins(|joins| joins.retain(|join| (join.0, join.1) != (room, connection)));
            match joins_late {
                Some(heard) => self.writes.joins.push((room, connection, Some(heard))),
                None => self.send(connection.worker(), Mail::Joined { room, connection, replay: std::mem::take(&mut replay) }),
            }
        }
    }

    /// Lets go those who leave: with `kicked` those who must, after they have heard why, else those who want to.
    /// Who is told to go by its own command, `own`, has an answer to come, and goes after it.
    fn part(&mut self, room: RoomId, presence: &[Presence], kicks: &[Kick], kicked: bool, own: Option<ConnId>) {
        // Kicks stand in the order of those who leave by them.
        let mut kicks = kicks.iter().peekable();
        for change in presence {
            let Presence::Left(connection) = *change else { continue };
            let kick = kicks.next_if(|kick| kick.connection == connection);
            if kick.is_some() != kicked {
                continue;
            }
            let Some(Owned::Live(live)) = self.rooms.get_mut(&room) else { return };
            if live.unfollow(connection) {
                self.late_joins(|joins| {
                    joins.iter_mut().filter(|join| (join.0, join.1) == (room, connection)).for_each(|join| join.2 = None);
                });
                let kicked = kick.map(|kick| Box::new(kick.kicked.clone()));
                let mail = Mail::Left { room, connection, kicked };
                if own == Some(connection) {
                    self.writes.held.push(Held::Left(mail));
                } else {
                    self.send(connection.worker(), mail);
                }
            }
        }
    }

    /// Changes the list of those who hear their room after a commit; there are none but where rooms are being made.
    fn late_joins(&mut self, mut change: impl FnMut(&mut Vec<(RoomId, ConnId, Option<Seq>)>)) {
        change(&mut self.writes.joins);
        if let Some(in_flight) = &mut self.in_flight {
            change(&mut in_flight.joins);
        }
    }

    /// Adds a frame to the room's feed here, from which resumes are served, and on every worker with members of the room.
    fn publish(&mut self, room: RoomId, item: Item) {
        let Some(Owned::Live(live)) = self.rooms.get(&room) else { return };
        if live.is_deserted() {
            return;
        }
        let only = matches!(item.audience, Audience::Only(_));
        for worker in 0..self.config.workers {
            let Some(Owned::Live(live)) = self.rooms.get(&room) else { return };
            let hears = live.followers[worker] > 0 && !(only && item.audience.named_on(worker).is_empty());
            if worker != self.config.worker && hears {
                // Only here, where resumes are served, the whole list is needed.
                let item = Item { audience: item.audience.on(worker), ..item.clone() };
                self.send(worker, Mail::Frame { room, item });
            }
        }
        self.append(room, item);
    }

    fn note_durable(&mut self, id: RoomId) {
        let Some(Owned::Live(live)) = self.rooms.get_mut(&id) else { return };
        live.entries_since_snapshot += 1;
        if live.entries_since_snapshot >= SNAPSHOT_ENTRIES {
            live.entries_since_snapshot = 0;
            self.writes.snapshots.push((id, live.last_seq(), live.room.snapshot()));
        }
    }

    pub(super) fn end_graces(&mut self) {
        while let Some((_, room, connection)) = self.grace.pop_front_if(|(deadline, _, _)| *deadline <= self.now) {
            let Some(Owned::Live(live)) = self.rooms.get(&room) else { continue };
            let Some(actor) = live.detached.get(&connection) else { continue };
            let command = Command { actor: Actor { origin: Origin::Server, ..actor.clone() }, op: Op::Exit };
            self.command(room, Asker::Nobody, command, None);
        }
    }

    /// Puts changed settings in force: what a room decides from now on goes by them.
    pub(super) fn refresh_rules(&mut self) {
        let version = self.config.rules.version();
        if std::mem::replace(&mut self.rules_version, version) == version {
            return;
        }
        for owned in self.rooms.values_mut() {
            if let Owned::Live(live) = owned {
                live.room.set_settings(self.config.rules.settings(live.room.app_key()));
            }
        }
    }

    /// Lets rooms do what they do by themselves when its time has come. A room that is not in memory does it when it is loaded.
    pub(super) fn do_what_is_due(&mut self) {
        let is_due = |live: &Live| live.room.deadline().is_some_and(|at| at <= self.unix);
        let due = self.rooms.iter().filter(|(_, owned)| matches!(owned, Owned::Live(live) if is_due(live)));
        let mut due: Vec<RoomId> = due.map(|(id, _)| *id).collect();
        due.sort_unstable();
        due.into_iter().for_each(|id| self.do_due(id));
    }

    fn do_due(&mut self, id: RoomId) {
        for _ in 0..DUE_COMMANDS_MAX {
            let Some(Owned::Live(live)) = self.rooms.get(&id) else { return };
            let Some(command) = live.room.due(self.unix) else { return };
            let refused = self.counters.refused;
            self.command(id, Asker::Nobody, command, None);
            if self.is_broken || self.counters.refused > refused {
                return;
            }
        }
    }

    /// Takes out what those left behind who vanished with the node and have not come back.
    pub(super) fn tidy_vacated(&mut self) {
        while let Some((_, id)) = self.vacated.pop_front_if(|(deadline, _)| *deadline <= self.now) {
            let Some(Owned::Live(live)) = self.rooms.get(&id) else { continue };
            for command in live.room.left_behind() {
                self.command(id, Asker::Nobody, command, None);
            }
        }
    }

    /// Everybody who was in a room as the node went down has vanished. They have the grace of a lost connection to come back; for
    /// a room made by a client it counts from the start of the node, since before that nobody could.
    fn tidy_after_load(&mut self, id: RoomId) {
        let Some(Owned::Live(live)) = self.rooms.get_mut(&id) else { return };
        if !live.room.exists() {
            return;
        }
        let grace_ms = self.config.detach_grace_ms;
        if !live.room.left_behind().is_empty() {
            self.vacated.push_back((self.now.plus_ms(grace_ms), id));
        }
        if !id.is_of_client() {
            return;
        }
        let up_ms = self.now.ms_since(self.started.unwrap_or(self.now));
        let left_ms = i64::try_from(grace_ms).unwrap_or(i64::MAX).saturating_sub(i64::try_from(up_ms).unwrap_or(i64::MAX));
        live.room.vacated(UnixMs(self.unix.0.saturating_add(left_ms)));
    }

    pub(super) fn evict_idle_rooms(&mut self) {
        let (now, writes, feeds) = (self.now, &mut self.writes, &mut self.feeds);
        let is_behind = self.in_flight.is_some();
        self.rooms.retain(|id, owned| {
            let Owned::Live(live) = owned else { return true };
            // Anybody may ask for rooms by names nobody has used; they must not stay. One that is about to end waits for it here.
            let idle_ms = if live.room.exists() { ROOM_IDLE_MS } else { 0 };
            let is_to_end = live.room.exists() && id.is_of_client();
            let is_in_use = !live.is_deserted() || !live.room.is_empty_of_people() || is_to_end;
            if is_in_use || now.ms_since(live.used) < idle_ms {
                return true;
            }
            if live.saved < live.last_seq() {
                if !is_behind {
                    writes.snapshots.push((*id, live.last_seq(), live.room.snapshot()));
                }
                return true;
            }
            feeds.remove(id);
            false
        });
    }
}

/// How dear a push is to readers that do not get everything (chatroom.md §e.7).
fn class_of(push: &Push) -> Class {
    match push {
        Push::Message(message) if message.high_priority => Class::High,
        Push::Notification(notice)
            if !matches!(notice.r#type(), NotificationType::MemberEnter | NotificationType::MemberExit) =>
        {
            Class::Kept
        }
        _ => Class::Normal,
    }
}

fn busy(reason: &'static str) -> Status {
    Status::new(Code::Busy, reason)
}

fn broken() -> Status {
    Status::new(Code::ServerError, "the store failed: the operator must restart the server")
}

/// What a request for a room that does not exist comes to.
fn room_missing() -> Status {
    Status::with_sub(Code::NotFound, Sub::RoomMissing)
}
