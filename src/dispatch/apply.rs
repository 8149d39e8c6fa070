//! Applies commands: gives them their place, time and random number, and sees to it that the log, the one who asked and everybody
//! who follows get what is theirs (architecture.md §3, §4).

use std::collections::VecDeque;

use bytes::Bytes;

use super::commit::{Held, broken};
use super::hub::Hub;
use super::item::Item;
use super::live::Owned;
use super::mail::{Asker, Mail};
use super::owner::busy;
use super::replay::{CatchUp, Named, Source, asked_by};
use crate::error::{Code, Status};
use crate::id::{AccountId, ConnId, Seq};
use crate::limits::{HEADER_BYTES, WRITES_WAITING_BYTES_MAX, WRITES_WAITING_MAX};
use crate::planted::{self, Bug};
use crate::subject::{
    AccountHash, Admission, Audience, Command, Entering, Entry, Key, Kick, Note, Operation, Origin, Outcome, Presence,
    PushBody, Stamp, Subject,
};
use crate::wire::{Push, Response, pb};

/// An account that is about to enter a subject.
#[derive(Clone, Copy)]
struct Entrance {
    hash: AccountHash,
    /// The subject is reserved for it.
    is_reserved: bool,
    /// The subject is of its application, or does not exist yet.
    is_of_app: bool,
}

impl<S: Subject> Hub<S> {
    /// Applies a command and, one after the other, what follows from it.
    pub(super) fn command(
        &mut self,
        subject: S::Key,
        asker: Asker<S::Key>,
        command: Command<S::Op>,
        resume: Option<Box<pb::RoomPosition>>,
    ) {
        let mut command = command;
        let is_read_only = self.is_read_only(subject);
        if is_read_only && command.op.is_logged() {
            self.free_reservation(subject, &mut command);
            return self.answer(asker, Err(broken()));
        }
        let waits_for_no_disk = command.op.admission() == Admission::Always || is_read_only;
        let is_ours = command.actor.origin == Origin::Server || waits_for_no_disk;
        if self.commit.is_beyond(WRITES_WAITING_MAX, WRITES_WAITING_BYTES_MAX) && !is_ours {
            self.free_reservation(subject, &mut command);
            return self.answer(asker, Err(busy("the log is behind")));
        }
        if command.op.writes_letters()
            && !is_ours
            && let Some(refused) = self.too_many_letters(subject, &command)
        {
            self.free_reservation(subject, &mut command);
            return self.answer(asker, Err(refused));
        }
        let entering = self.entering(subject, &mut command);
        let account = entering.map(|_| command.actor.account.clone());
        let mut next = Some((asker, command, resume));
        let mut follow_ups = VecDeque::new();
        while let Some((asker, command, resume)) = next {
            self.apply(subject, asker, command, resume, &mut follow_ups);
            if is_read_only {
                // What the log cannot take is caught up with when it is back: see `Hub::on_log_back`.
                follow_ups.retain(|command: &Command<S::Op>| !command.op.is_logged());
            }
            next = follow_ups.pop_front().map(|command| (Asker::Nobody, command, None));
        }
        if let (Some(entering), Some(account)) = (entering, account) {
            self.note_entering(subject, account, entering);
        }
    }

    /// True if the writes waiting for a commit have reached half of their limit: senders are better read more slowly.
    pub fn is_behind(&self) -> bool {
        self.commit.is_beyond(WRITES_WAITING_MAX / 2, WRITES_WAITING_BYTES_MAX / 2)
    }

    /// The account that enters with a command, if any does. A subject made by a client is reserved for it, unless the account is in as many
    /// as it may be.
    fn entering(&self, subject: S::Key, command: &mut Command<S::Op>) -> Option<Entrance> {
        let Entering { app_key, over_quota, .. } = command.op.entering()?;
        let is_reserved = !subject.is_counted() && !*over_quota;
        let is_of_app = match self.owner.subjects.get(&subject) {
            Some(Owned::Live(live)) => !live.subject.exists() || live.subject.app_key() == app_key,
            _ => false,
        };
        Some(Entrance { hash: self.config.accounts.account(app_key, &command.actor.account), is_reserved, is_of_app })
    }

    /// Gives back what was reserved for a command that its subject will not see.
    pub(super) fn free_reservation(&mut self, subject: S::Key, command: &mut Command<S::Op>) {
        if let Some(Entrance { hash, is_reserved: true, .. }) = self.entering(subject, command) {
            self.notes.push(Note::Refused { hash, subject });
        }
    }

    /// Has the owner of an account know whether it got in.
    fn note_entering(&mut self, subject: S::Key, account: AccountId, entrance: Entrance) {
        let Entrance { hash, is_reserved, is_of_app } = entrance;
        match self.owner.subjects.get(&subject) {
            Some(Owned::Live(live)) if is_of_app && live.subject.is_connected(&account) => {
                let entered_max = u32::try_from(S::quota(live.subject.settings()).entered).unwrap_or(u32::MAX);
                self.notes.push(Note::Entered { hash, account, subject, entered_max, is_reserved });
            }
            _ if is_reserved && !planted::is(Bug::ReservedForGood) => self.notes.push(Note::Refused { hash, subject }),
            _ => {}
        }
    }

    fn apply(
        &mut self,
        id: S::Key,
        asker: Asker<S::Key>,
        command: Command<S::Op>,
        resume: Option<Box<pb::RoomPosition>>,
        follow_ups: &mut VecDeque<Command<S::Op>>,
    ) {
        let Some(Owned::Live(live)) = self.owner.subjects.get_mut(&id) else { return };
        let time = self.clock.unix.max(live.subject.last_time());
        let stamp = Stamp { time, clock: live.clock(self.clock.steady), random: self.owner.random.u64(..) };
        let heard = live.last_seq();
        let entry = Entry { seq: live.subject.next_seq(), epoch: live.epoch, stamp, command };
        if let (Some(app_key), false) = (entry.command.op.may_begin(), live.subject.exists()) {
            // Whose the subject is about to be: what its application has been told holds from its first entry on.
            live.subject.set_settings(self.config.rules.settings(app_key));
        }
        let named = Named::of(&entry.command, resume.as_deref());
        if let (Some(kicked), Some(connection)) =
            (live.kick_met(self.clock.now, &entry.command), entry.command.actor.connection)
        {
            self.counters.refused += 1;
            let status = Status::new(Code::Forbidden, format!("put out while away: {}", kicked.message));
            self.send(connection.worker(), Mail::Left { subject: id, connection, kicked: Some(kicked) });
            return self.answer(asker, Err(status));
        }
        let outcome = match live.subject.decide(&entry) {
            Ok(outcome) => outcome,
            Err(status) => {
                self.counters.refused += 1;
                return match asker {
                    Asker::Letter(sent) => self.note_evaluated(id, sent, Some(status)),
                    // Its source has nothing to say to it.
                    Asker::Refused(refusal) => self.settle(refusal, true),
                    asker => self.answer(asker, Err(status)),
                };
            }
        };
        let (downlink, tells, is_passing) = (live.subject.downlink(), live.subject.tells(), live.subject.is_passing());
        self.counters.entries += 1;
        self.owner.tally.count(self.clock.unix, &live.subject, &entry, &outcome);
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
            letters,
            ..
        } = outcome;
        let told = outcome.told;
        for account in &departed {
            let hash = self.config.accounts.account(live.subject.app_key(), account);
            if !planted::is(Bug::LeftStillCounts) {
                self.notes.push(Note::Left { hash, subject: id });
            }
        }
        follow_ups.extend(outcome.follow_ups);
        if entry.command.op.loses_connection()
            && let Some(connection) = entry.command.actor.connection
            && live.unfollow(connection)
        {
            live.lost.detached.insert(connection, entry.command.actor.clone());
            self.owner.grace.push_back((self.clock.now.plus_ms(self.config.detach_grace_ms), id, connection));
        }
        let asker = match asker {
            Asker::Letter(sent) if durable => {
                self.note_accepted(id, &sent, entry.seq, link.previous, entry.stamp.time);
                Asker::Letter(sent)
            }
            Asker::Letter(sent) => {
                self.note_evaluated(id, sent, None);
                Asker::Nobody
            }
            Asker::Refused(refusal) => {
                self.settle(refusal, true);
                Asker::Nobody
            }
            // The apply of a letter writes none (im.md §0.3 L8).
            asker => {
                if durable && !letters.is_empty() {
                    self.write_letters(id, letters);
                }
                asker
            }
        };
        let missed = self.missed(id, heard, &entry.command, named.as_ref(), &presence, &mut reply);
        let joins_late = (durable && !presence.is_empty()).then_some(heard);
        let encode = |message: Box<pb::Message>| (Seq(message.seq), self.encode(&Push::Message(message)));
        let resent: Vec<(Seq, Bytes)> = resent.into_iter().map(encode).collect();
        match (missed, asked_by(&asker)) {
            // Where the answer waits for a commit the subject is new, and nothing was missed.
            (Source::Log(missing), Some(asked)) if !durable => {
                let (scope, told) = *missing;
                self.arrive(id, &presence, Vec::new(), Some(asked.sequence), joins_late);
                self.catch_up_later(CatchUp { asked, scope, reply, told, resent });
            }
            (missed, _) => {
                let mut replay = if let Source::Ring(frames) = missed { frames } else { Vec::new() };
                replay.extend(resent.into_iter().map(|(_, frame)| frame));
                // Whoever leaves before it was told that it is in hears of that first.
                let own = entry.command.actor.connection;
                let waits = waits || !durable && own.is_some_and(|own| self.commit.joins_late(id, own));
                self.reply(asker, reply, durable, waits);
                self.arrive(id, &presence, replay, None, joins_late);
            }
        }
        self.part(id, &presence, &kicks, false, None);
        let push = push.map(|push| {
            let frame = self.encode(&push);
            let class = S::class_of(&push);
            let body = S::push_body(&push, frame.slice(HEADER_BYTES..));
            let item = Item { frame, seq: entry.seq, audience, class, downlink, at: self.clock.now };
            self.publish(id, item);
            (push, body)
        });
        self.part(id, &presence, &kicks, true, entry.command.actor.connection.filter(|_| durable));
        if tells && let Some(Owned::Live(live)) = self.owner.subjects.get(&id) {
            let tellings = live.subject.reports(&entry, push.as_ref().map(|(_, body)| body), told, durable);
            self.report(tellings);
        }
        if is_passing && (!presence.is_empty() || entry.command.op.opens() == Some(false)) {
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
            self.commit.add(id, S::record(id, entry, push, in_history, link), bytes);
            self.note_durable(id, bytes);
        }
        self.letters.deciding = None;
    }

    /// Answers a request that was granted, after the commit if the answer has to wait for one.
    fn reply(&mut self, asker: Asker<S::Key>, reply: Response, durable: bool, waits: bool) {
        if durable && !planted::is(Bug::AnswerBeforeCommit) {
            let held = self.letters.hold(Held::Answer(asker, Ok(reply)));
            self.commit.writes.held.extend(held);
        } else if waits {
            // Whoever asks again for what is on its way to the disk must not be told earlier than the first time.
            self.after_writes(Held::Answer(asker, Ok(reply)));
        } else {
            self.answer(asker, Ok(reply));
        }
    }

    /// Lets in those who come, with the frames that they missed; with `held` they hear the subject once that request is answered. With
    /// `joins_late` they hear the subject, from there on, once the answer that waits for a commit has told them that they are in it.
    fn arrive(
        &mut self,
        subject: S::Key,
        presence: &[Presence],
        mut replay: Vec<Bytes>,
        held: Option<u32>,
        joins_late: Option<Seq>,
    ) {
        if presence.iter().any(|change| !matches!(change, Presence::Left(_))) {
            self.owner.broadcasts.note_peopled(subject);
        }
        for change in presence {
            let Some(Owned::Live(live)) = self.owner.subjects.get_mut(&subject) else { return };
            let connection = match *change {
                Presence::Joined(connection) => connection,
                Presence::Resumed { connection, replaces } => {
                    let was_attached = live.unfollow(replaces);
                    live.follow(connection);
                    self.commit.late_joins(|joins| {
                        joins.iter_mut().filter(|join| (join.0, join.1) == (subject, replaces)).for_each(|join| join.2 = None);
                    });
                    if was_attached {
                        let kicked = Some(Box::new(S::taken_over(subject)));
                        let mail = Mail::Left { subject, connection: replaces, kicked };
                        self.send(replaces.worker(), mail);
                    }
                    let mail = Mail::Joined { subject, connection, replay: std::mem::take(&mut replay), held };
                    self.send(connection.worker(), mail);
                    continue;
                }
                Presence::Left(_) => continue,
            };
            live.follow(connection);
            self.commit.late_joins(|joins| joins.retain(|join| (join.0, join.1) != (subject, connection)));
            match joins_late {
                Some(heard) => self.commit.writes.joins.push((subject, connection, Some(heard))),
                None => self
                    .send(connection.worker(), Mail::Joined { subject, connection, replay: std::mem::take(&mut replay), held }),
            }
        }
    }

    /// Lets go those who leave: with `kicked` those who must, after they have heard why, else those who want to.
    /// Who is told to go by its own command, `own`, has an answer to come, and goes after it.
    fn part(&mut self, subject: S::Key, presence: &[Presence], kicks: &[Kick], kicked: bool, own: Option<ConnId>) {
        // Kicks stand in the order of those who leave by them.
        let mut kicks = kicks.iter().peekable();
        for change in presence {
            let Presence::Left(connection) = *change else { continue };
            let kick = kicks.next_if(|kick| kick.connection == connection);
            if kick.is_some() != kicked {
                continue;
            }
            let Some(Owned::Live(live)) = self.owner.subjects.get_mut(&subject) else { return };
            if let Some(kick) = kick {
                let until = self.clock.now.plus_ms(self.config.detach_grace_ms);
                live.remember_kick((self.clock.now, until), connection, &kick.kicked);
            }
            if live.unfollow(connection) {
                self.commit.late_joins(|joins| {
                    joins.iter_mut().filter(|join| (join.0, join.1) == (subject, connection)).for_each(|join| join.2 = None);
                });
                let kicked = kick.map(|kick| Box::new(kick.kicked.clone()));
                let mail = Mail::Left { subject, connection, kicked };
                if own == Some(connection) {
                    let held = self.letters.hold(Held::Left(mail));
                    self.commit.writes.held.extend(held);
                } else {
                    self.send(connection.worker(), mail);
                }
            }
        }
    }

    /// Adds a frame to the subject's feed here, from which resumes are served, and on every worker with members of the subject.
    pub(super) fn publish(&mut self, subject: S::Key, item: Item) {
        let Some(Owned::Live(live)) = self.owner.subjects.get(&subject) else { return };
        if live.is_deserted() {
            // Nobody hears it, and the feed goes on without it.
            if let Some(feed) = self.desk.feed_mut(subject.into()) {
                feed.distrust(item.seq);
            }
            return;
        }
        let only = matches!(item.audience, Audience::Only(_));
        for worker in 0..self.config.workers {
            let Some(Owned::Live(live)) = self.owner.subjects.get(&subject) else { return };
            let hears = live.followers[worker] > 0 && !(only && item.audience.named_on(worker).is_empty());
            if worker != self.config.worker && hears {
                // Only here, where resumes are served, the whole list is needed.
                let item = Item { audience: item.audience.on(worker), ..item.clone() };
                self.send(worker, Mail::Frame { subject, item });
            }
        }
        self.desk.append(subject.into(), item);
    }

    /// An entry, whose push has so many bytes, is on its way to the log.
    pub(super) fn note_durable(&mut self, id: S::Key, bytes: usize) {
        let Some(Owned::Live(live)) = self.owner.subjects.get_mut(&id) else { return };
        live.cover.note_entry(live.last_seq(), bytes);
        if live.cover.is_long() {
            self.commit.writes.snapshots.push((id, live.last_seq(), live.take_snapshot(false)));
        }
    }
}
