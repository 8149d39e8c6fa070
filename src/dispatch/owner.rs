//! What a worker does for the rooms it owns: gives commands their place, time and random number, applies them, and sees to it
//! that the log, the one who asked and everybody in the room get what is theirs (architecture.md §5, §6).

use std::collections::VecDeque;

use bytes::Bytes;

use super::accounts::Reserved;
use super::commit::{Find, Held};
use super::cover::{Cover, Rebuilt};
use super::hub::{Effect, Hub};
use super::item::Item;
use super::mail::{Asker, Mail, Request};
use super::replay::{CatchUp, Named, Source, asked_by};
use crate::error::{Code, Status};
use crate::id::{AccountId, ByNumber, ConnId, Epoch, RoomId, Seq, Time, UnixMs};
use crate::limits::{HEADER_BYTES, KICKS_KEPT_MAX, LOADING_COMMANDS_MAX, WRITES_WAITING_BYTES_MAX, WRITES_WAITING_MAX};
use crate::subject::{
    Actor, Admission, Ask, Audience, Command, Entering, Entry, Kick, Operation, Origin, Outcome, Part, Presence, PushBody,
    Question, Stamp, Subject,
};
use crate::wire::pb;
use crate::wire::{Push, Response};

/// A room this worker owns.
pub(super) enum Owned<S: Subject> {
    /// Its state is on its way; these wait for it.
    Loading(Vec<Request<S>>),
    /// In memory.
    Live(Box<Live<S>>),
}

/// A room in memory and what surrounds it.
pub(super) struct Live<S: Subject> {
    pub(super) subject: S,
    /// The epoch of its new entries: that in which it was last read from the log.
    pub(super) epoch: Epoch,
    /// How far the room's clock of durations is ahead of the hub's.
    pub(super) ahead_ms: i64,
    /// How many connections hear it, by worker.
    pub(super) followers: Vec<u32>,
    /// Lost connections that keep their place, and on whose behalf they leave in the end.
    pub(super) detached: ByNumber<ConnId, Actor>,
    /// Kick notices of disconnected connections, oldest first, each with the time until which a connection that takes one over
    /// receives it: the notice may have gone to a connection that was lost already.
    pub(super) kicked: VecDeque<(Time, ConnId, Box<pb::Kicked>)>,
    pub(super) cover: Cover,
    pub(super) used: Time,
}

impl<S: Subject> Live<S> {
    /// A room, and by how much its clock of durations is ahead of `steady`: one that has gone further does not stand still until
    /// that has caught up.
    pub(super) fn new(subject: S, workers: usize, epoch: Epoch, now: Time, steady: UnixMs) -> Live<S> {
        let followers = vec![0; workers];
        let ahead_ms = subject.last_clock().0.saturating_sub(steady.0).max(0);
        Live {
            subject,
            epoch,
            ahead_ms,
            followers,
            detached: ByNumber::default(),
            kicked: VecDeque::new(),
            cover: Cover::default(),
            used: now,
        }
    }

    /// The room's clock of durations.
    pub(super) fn clock(&self, steady: UnixMs) -> UnixMs {
        UnixMs(steady.0.saturating_add(self.ahead_ms)).max(self.subject.last_clock())
    }

    pub(super) fn is_deserted(&self) -> bool {
        self.detached.is_empty() && self.followers.iter().all(|count| *count == 0)
    }

    pub(super) fn last_seq(&self) -> Seq {
        Seq(self.subject.next_seq().0.saturating_sub(1))
    }

    /// True if the log alone does not tell cheaply enough what is in memory, or not at all: numbers of presence, a time since which
    /// nobody is here.
    pub(super) fn is_worth_saving(&self) -> bool {
        let last = self.last_seq();
        self.cover.is_worth_it(last) || self.cover.saved < last && self.subject.ends_at().is_some()
    }

    /// The state as it is to be written down.
    pub(super) fn take_snapshot(&mut self, with_end: bool) -> Vec<Part> {
        let parts = self.subject.snapshot(self.cover.saved, with_end);
        self.cover.note_snapshot(&parts);
        parts
    }

    /// A connection was put out: whoever takes it over before that time is told.
    fn remember_kick(&mut self, (now, until): (Time, Time), connection: ConnId, kicked: &pb::Kicked) {
        while self.kicked.len() >= KICKS_KEPT_MAX || self.kicked.front().is_some_and(|(until, ..)| *until <= now) {
            self.kicked.pop_front();
        }
        if !kicked.may_reconnect {
            self.kicked.push_back((until, connection, Box::new(kicked.clone())));
        }
    }

    /// Kick notice of the connection that this entry takes over from.
    fn kick_met(&self, now: Time, command: &Command<S::Op>) -> Option<Box<pb::Kicked>> {
        if self.kicked.is_empty() {
            return None;
        }
        let replaces = command.op.takes_over()?;
        let met = self.kicked.iter().find(|(until, connection, _)| *until > now && *connection == replaces);
        met.map(|(_, _, kicked)| kicked.clone())
    }

    fn follow(&mut self, connection: ConnId) {
        if !self.kicked.is_empty() {
            self.kicked.retain(|(_, kicked, _)| *kicked != connection);
        }
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

impl<S: Subject> Hub<S> {
    /// A request for a room of this worker.
    pub(super) fn own(&mut self, request: Request<S>) {
        let (room, workers, now) = (request.room, self.config.workers, self.now);
        match self.rooms.get_mut(&room) {
            Some(Owned::Live(_)) => self.ask(request),
            Some(Owned::Loading(waiting)) if waiting.len() < LOADING_COMMANDS_MAX || is_ours(&request) => waiting.push(request),
            Some(Owned::Loading(_)) => self.answer(request.asker, Err(busy("the room is being loaded"))),
            None if let Ask::Command(op) = &request.ask
                && let Some(app_key) = op.begins() =>
            {
                let fresh = S::vacant(room, self.config.rules.settings(app_key));
                self.rooms.insert(room, Owned::Live(Box::new(Live::new(fresh, workers, self.config.epoch, now, self.steady))));
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
    pub(super) fn refuse_nowhere(&mut self, request: Request<S>) {
        let mut nowhere = S::vacant(request.room, self.config.rules.settings(""));
        let answer = match request.ask {
            Ask::Command(op) => {
                let stamp = Stamp { time: self.unix, clock: self.steady, random: 0 };
                let command = Command { actor: request.actor, op };
                let entry = Entry { seq: nowhere.next_seq(), epoch: self.config.epoch, stamp, command };
                nowhere.decide(&entry).map(|_| S::missing_subject())
            }
            Ask::Query(query) => nowhere.answer(self.steady, &request.actor, &query).map(|_| S::missing_subject()),
        };
        let (Ok(refused) | Err(refused)) = answer;
        self.answer(request.asker, Err(refused));
    }

    /// The state of a room that [`Effect::Load`] asked for, rebuilt from the log; a room that never was comes as one that does
    /// not exist.
    pub fn on_loaded(&mut self, id: RoomId, loaded: Result<impl Into<Rebuilt<S>>, Status>) {
        let waiting = match self.rooms.remove(&id) {
            Some(Owned::Loading(waiting)) => waiting,
            Some(live) => return drop(self.rooms.insert(id, live)),
            None => return,
        };
        match (loaded.map(Into::into), self.stale.remove(&id)) {
            (Ok(rebuilt), Some(old)) => {
                self.renew(id, rebuilt.subject, *old);
                self.do_due(id);
                waiting.into_iter().for_each(|request| self.ask(request));
            }
            (Err(_), Some(old)) => {
                self.keep_stale(id, old);
                waiting.into_iter().for_each(|request| self.ask(request));
            }
            (Ok(mut rebuilt), None) => {
                let cover = Cover::of(&rebuilt, Seq(rebuilt.subject.next_seq().0.saturating_sub(1)));
                rebuilt.subject.set_settings(self.config.rules.settings(rebuilt.subject.app_key()));
                let mut live = Live::new(rebuilt.subject, self.config.workers, self.config.epoch, self.now, self.steady);
                live.cover = cover;
                self.rooms.insert(id, Owned::Live(Box::new(live)));
                self.tidy_after_load(id);
                self.do_due(id);
                waiting.into_iter().for_each(|request| self.ask(request));
            }
            (Err(status), None) => waiting.into_iter().for_each(|request| self.answer(request.asker, Err(status.clone()))),
        }
    }

    fn ask(&mut self, request: Request<S>) {
        let Some(Owned::Live(live)) = self.rooms.get_mut(&request.room) else { return };
        live.used = self.now;
        let Request { room, asker, actor, ask, app_key, resume } = request;
        if app_key.is_some_and(|app_key| *app_key != *live.subject.app_key()) && live.subject.exists() {
            return self.answer(asker, Err(S::missing_subject()));
        }
        let clock = live.clock(self.steady);
        match ask {
            Ask::Command(op) if op.needs_look_up() => {
                let Some(request) = op.into_look_up() else { return };
                match live.subject.may_look_up(clock, &actor, &request) {
                    Ok(()) => self.after_writes(Held::Find(Box::new(Find { room, asker, actor, request }))),
                    Err(status) => self.answer(asker, Err(status)),
                }
            }
            Ask::Command(op) => self.command(room, asker, Command { actor, op }, resume),
            Ask::Query(query) if query.reads_log() => {
                match (live.subject.history(clock, &actor, &query), asker) {
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
                let answer = live.subject.answer(clock, &actor, &query);
                self.answer(asker, answer);
            }
        }
    }

    /// Where the log has the message of [`Effect::Find`], if it has it.
    pub fn on_found(&mut self, find: Find<S>, found: Result<Option<Seq>, Status>) {
        let Find { room, asker, actor, request } = find;
        match found.and_then(|seq| S::Op::found(request, seq)) {
            Ok(op) => self.own(Request { room, asker, actor, ask: Ask::Command(op), app_key: None, resume: None }),
            Err(status) => self.answer(asker, Err(status)),
        }
    }

    /// Applies a command and, one after the other, what follows from it.
    pub(super) fn command(
        &mut self,
        room: RoomId,
        asker: Asker,
        command: Command<S::Op>,
        resume: Option<Box<pb::RoomPosition>>,
    ) {
        let is_read_only = self.is_read_only(room);
        if is_read_only && command.op.is_logged() {
            return self.answer(asker, Err(broken()));
        }
        let waits_for_no_disk = command.op.admission() == Admission::Always || is_read_only;
        let is_ours = command.actor.origin == Origin::Server || waits_for_no_disk;
        if self.writes_are_beyond(WRITES_WAITING_MAX, WRITES_WAITING_BYTES_MAX) && !is_ours {
            return self.answer(asker, Err(busy("the log is behind")));
        }
        let mut command = command;
        let reserved = self.reserve(room, &mut command);
        let account = command.actor.account.clone();
        let mut next = Some((asker, command, resume));
        let mut follow_ups = VecDeque::new();
        while let Some((asker, command, resume)) = next {
            self.apply(room, asker, command, resume, &mut follow_ups);
            if is_read_only {
                // What the log cannot take is caught up with when it is back: see `Hub::on_log_back`.
                follow_ups.retain(|command: &Command<S::Op>| !command.op.is_logged());
            }
            next = follow_ups.pop_front().map(|command| (Asker::Nobody, command, None));
        }
        if let Some((app_key, is_beyond)) = reserved {
            self.settle_reservation(room, &app_key, account, is_beyond);
        }
    }

    /// True if the writes waiting for a commit have reached half of their limit: senders are better read more slowly.
    pub fn is_behind(&self) -> bool {
        self.writes_are_beyond(WRITES_WAITING_MAX / 2, WRITES_WAITING_BYTES_MAX / 2)
    }

    fn writes_are_beyond(&self, count: usize, bytes: usize) -> bool {
        self.writes.records.len() + self.writes.reports.len() >= count || self.writes.bytes >= bytes
    }

    /// Counts the room that somebody is about to enter. Says what it came to, with the key of the application, if it did not count
    /// before.
    fn reserve(&mut self, room: RoomId, command: &mut Command<S::Op>) -> Option<(String, bool)> {
        if let Some(app_key) = command.op.may_begin() {
            self.bar_makers(room, app_key, &command.actor.account);
        }
        let account = &command.actor.account;
        let Entering { app_key, leaves, over_quota } = command.op.entering()?;
        let maxima = |settings: &S::Settings| {
            let quota = S::quota(settings);
            (quota.entered, quota.entered_of_clients)
        };
        let maxima = match self.rooms.get(&room) {
            Some(Owned::Live(live)) if live.subject.app_key() == app_key => maxima(live.subject.settings()),
            _ => maxima(&self.config.rules.settings(app_key)),
        };
        match self.config.accounts.reserve(app_key, account, room, leaves, maxima) {
            Reserved::Before => None,
            Reserved::Now { is_beyond } => Some((app_key.to_owned(), is_beyond)),
            Reserved::OverQuota => {
                *over_quota = true;
                None
            }
        }
    }

    /// Who did not get in does not count; who did, and is in too many rooms now, leaves the one it entered first.
    fn settle_reservation(&mut self, room: RoomId, app_key: &str, account: AccountId, is_beyond: bool) {
        let is_in = match self.rooms.get(&room) {
            Some(Owned::Live(live)) => live.subject.app_key() == app_key && live.subject.is_connected(&account),
            _ => false,
        };
        if !is_in {
            return self.config.accounts.release(app_key, &account, room);
        }
        if !is_beyond {
            return;
        }
        let rooms_max = S::quota(&self.config.rules.settings(app_key)).entered;
        if let Some(op) = S::Op::beyond_quota()
            && let Some(room) = self.config.accounts.take_beyond(app_key, &account, rooms_max)
        {
            let (asker, actor, ask) = (Asker::Nobody, Actor::server(account), Ask::Command(op));
            self.request(Request { room, asker, actor, ask, app_key: None, resume: None });
        }
    }

    fn apply(
        &mut self,
        id: RoomId,
        asker: Asker,
        command: Command<S::Op>,
        resume: Option<Box<pb::RoomPosition>>,
        follow_ups: &mut VecDeque<Command<S::Op>>,
    ) {
        let Some(Owned::Live(live)) = self.rooms.get_mut(&id) else { return };
        let time = self.unix.max(live.subject.last_time());
        let stamp = Stamp { time, clock: live.clock(self.steady), random: self.random.u64(..) };
        let heard = live.last_seq();
        let entry = Entry { seq: live.subject.next_seq(), epoch: live.epoch, stamp, command };
        if let (Some(app_key), false) = (entry.command.op.may_begin(), live.subject.exists()) {
            // Whose the room is about to be: what its application has been told holds from its first entry on.
            live.subject.set_settings(self.config.rules.settings(app_key));
        }
        let named = Named::of(&entry.command, resume.as_deref());
        if let (Some(kicked), Some(connection)) = (live.kick_met(self.now, &entry.command), entry.command.actor.connection) {
            self.counters.refused += 1;
            let status = Status::new(Code::Forbidden, format!("put out while away: {}", kicked.message));
            self.send(connection.worker(), Mail::Left { room: id, connection, kicked: Some(kicked) });
            return self.answer(asker, Err(status));
        }
        let outcome = match live.subject.decide(&entry) {
            Ok(outcome) => outcome,
            Err(status) => {
                self.counters.refused += 1;
                return self.answer(asker, Err(status));
            }
        };
        let (downlink, tells) = (live.subject.downlink(), live.subject.tells());
        self.counters.entries += 1;
        self.tally.count(self.unix, &live.subject, &entry, &outcome);
        if outcome.durable && entry.command.op.opens() == Some(true) {
            let settings = self.config.rules.settings(live.subject.app_key());
            live.subject.set_settings(settings);
        }
        let Outcome {
            mut reply,
            waits,
            push,
            audience,
            durable,
            in_history,
            presence,
            kicks,
            kept,
            departed,
            resent,
            link,
            ..
        } = outcome;
        let told = outcome.told;
        for account in &departed {
            self.config.accounts.release(live.subject.app_key(), account, id);
        }
        follow_ups.extend(outcome.follow_ups);
        if entry.command.op.loses_connection()
            && let Some(connection) = entry.command.actor.connection
            && live.unfollow(connection)
        {
            live.detached.insert(connection, entry.command.actor.clone());
            self.grace.push_back((self.now.plus_ms(self.config.detach_grace_ms), id, connection));
        }
        let missed = self.missed(id, heard, &entry.command, named.as_ref(), &presence, &mut reply);
        let joins_late = (durable && !presence.is_empty()).then_some(heard);
        let encode = |message: Box<pb::Message>| (Seq(message.seq), self.encode(&Push::Message(message)));
        let resent: Vec<(Seq, Bytes)> = resent.into_iter().map(encode).collect();
        match (missed, asked_by(&asker)) {
            // Where the answer waits for a commit the room is new, and nothing was missed.
            (Source::Log(scope, told), Some(asked)) if !durable => {
                self.arrive(id, &presence, Vec::new(), Some(asked.sequence), joins_late);
                self.catch_up_later(CatchUp { asked, scope, reply, told, resent });
            }
            (missed, _) => {
                let mut replay = if let Source::Ring(frames) = missed { frames } else { Vec::new() };
                replay.extend(resent.into_iter().map(|(_, frame)| frame));
                self.reply(asker, reply, durable, waits);
                self.arrive(id, &presence, replay, None, joins_late);
            }
        }
        self.part(id, &presence, &kicks, false, None);
        let push = push.map(|push| {
            let frame = self.encode(&push);
            let class = S::class_of(&push);
            let body = S::push_body(&push, frame.slice(HEADER_BYTES..));
            let item = Item { frame, seq: entry.seq, audience, class, downlink, at: self.now };
            self.publish(id, item);
            (push, body)
        });
        self.part(id, &presence, &kicks, true, entry.command.actor.connection.filter(|_| durable));
        if tells && let Some(Owned::Live(live)) = self.rooms.get(&id) {
            let tellings = live.subject.reports(&entry, push.as_ref().map(|(_, body)| body), told, durable);
            self.report(tellings);
        }
        if id.is_of_client() && (!presence.is_empty() || entry.command.op.opens() == Some(false)) {
            self.note_left(id);
        }
        if durable {
            let mut entry = entry;
            if let Some(op) = kept {
                entry.command.op = *op;
            }
            let bytes = match &push {
                Some((_, PushBody::Message { body, .. } | PushBody::Notification(body))) => body.len(),
                None => 0,
            };
            self.writes.records.push(S::record(id, entry, push, in_history, link));
            if self.writes.rooms.last() != Some(&id) {
                self.writes.rooms.push(id);
            }
            self.note_durable(id, bytes);
        }
    }

    /// Answers a request that was granted, after the commit if the answer has to wait for one.
    fn reply(&mut self, asker: Asker, reply: Response, durable: bool, waits: bool) {
        if durable {
            self.writes.held.push(Held::Answer(asker, Ok(reply)));
        } else if waits {
            // Whoever asks again for what is on its way to the disk must not be told earlier than the first time.
            self.after_writes(Held::Answer(asker, Ok(reply)));
        } else {
            self.answer(asker, Ok(reply));
        }
    }

    /// Lets in those who come, with the frames that they missed; with `held` they hear the room once that request is answered. With
    /// `joins_late` they hear the room, from there on, once the answer that waits for a commit has told them that they are in it.
    fn arrive(
        &mut self,
        room: RoomId,
        presence: &[Presence],
        mut replay: Vec<Bytes>,
        held: Option<u32>,
        joins_late: Option<Seq>,
    ) {
        if presence.iter().any(|change| !matches!(change, Presence::Left(_))) {
            self.broadcasts.note_peopled(room);
        }
        for change in presence {
            let Some(Owned::Live(live)) = self.rooms.get_mut(&room) else { return };
            let connection = match *change {
                Presence::Joined(connection) => connection,
                Presence::Resumed { connection, replaces } => {
                    let was_attached = live.unfollow(replaces);
                    live.follow(connection);
                    self.late_joins(|joins| {
                        joins.iter_mut().filter(|join| (join.0, join.1) == (room, replaces)).for_each(|join| join.2 = None);
                    });
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
                    let mail = Mail::Joined { room, connection, replay: std::mem::take(&mut replay), held };
                    self.send(connection.worker(), mail);
                    continue;
                }
                Presence::Left(_) => continue,
            };
            live.follow(connection);
            self.late_joins(|joins| joins.retain(|join| (join.0, join.1) != (room, connection)));
            match joins_late {
                Some(heard) => self.writes.joins.push((room, connection, Some(heard))),
                None => {
                    self.send(connection.worker(), Mail::Joined { room, connection, replay: std::mem::take(&mut replay), held })
                }
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
            if let Some(kick) = kick {
                let until = self.now.plus_ms(self.config.detach_grace_ms);
                live.remember_kick((self.now, until), connection, &kick.kicked);
            }
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
    pub(super) fn publish(&mut self, room: RoomId, item: Item) {
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

    /// An entry, whose push has so many bytes, is on its way to the log.
    fn note_durable(&mut self, id: RoomId, bytes: usize) {
        self.writes.bytes += bytes;
        let Some(Owned::Live(live)) = self.rooms.get_mut(&id) else { return };
        live.cover.note_entry(live.last_seq(), bytes);
        if live.cover.is_long() {
            self.writes.snapshots.push((id, live.last_seq(), live.take_snapshot(false)));
        }
    }
}

/// Whether a request is none of a client's wishes but what has happened: that may not be lost. There is one for each connection
/// that asked before.
fn is_ours<S: Subject>(request: &Request<S>) -> bool {
    request.actor.origin == Origin::Server || matches!(&request.ask, Ask::Command(op) if op.admission() == Admission::Always)
}

fn busy(reason: &'static str) -> Status {
    Status::new(Code::Busy, reason)
}

pub(super) fn broken() -> Status {
    Status::new(Code::ServerError, "the store failed and takes no change at present; try again later")
}
