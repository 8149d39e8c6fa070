//! A log that takes nothing, and its return. While it fails, what needs no disk goes on: who comes and goes, questions about what
//! is in memory. Subjects of which an entry was refused are ahead of the log; they are read again when it is back, and those in them
//! stay where they are.

use super::commit::{Held, Writes, broken};
use super::cover::Cover;
use super::envelope::Envelope;
use super::hub::{Effect, Hub};
use super::item::Item;
use super::live::{Live, Owned};
use super::mail::{Asker, Mail};
use crate::id::{ConnId, Epoch, Seq};
use crate::planted::{self, Bug};
use crate::subject::{Actor, Audience, Class, Command, Note, Operation, Subject};

impl<S: Subject> Hub<S> {
    /// The log takes nothing any more: what waits for it is refused, and so is every change until [`Hub::on_log_back`].
    pub fn on_log_failed(&mut self) {
        self.fail(None);
    }

    /// Refuses what a commit that failed would have covered, and what waits for the next.
    pub(super) fn fail(&mut self, mut under_way: Option<Writes<S>>) {
        let was_broken = std::mem::replace(&mut self.commit.is_broken, true);
        if let Some(writes) = &mut under_way {
            self.commit.removals.append(&mut writes.shards);
        }
        let waiting = (!was_broken).then(|| std::mem::take(&mut self.commit.writes));
        self.owner.ahead.extend(self.commit.unnoted.drain(..).map(|unnoted| unnoted.subject));
        under_way.into_iter().chain(waiting).for_each(|writes| self.refuse(writes));
    }

    /// The log works again, in a new epoch. Subjects that are ahead of it are read anew.
    pub fn on_log_back(&mut self, epoch: Epoch) {
        self.commit.is_broken = false;
        if !planted::is(Bug::EpochStays) {
            self.config.epoch = epoch;
        }
        for (id, owned) in &self.owner.subjects {
            // Who left meanwhile may have left something behind that only an entry takes out.
            if matches!(owned, Owned::Live(_)) {
                self.owner.vacated.push_front((self.clock.now, *id));
            }
        }
        self.reload_ahead();
    }

    /// Has the subjects read that are ahead of the log.
    pub(super) fn reload_ahead(&mut self) {
        if self.commit.is_broken {
            return;
        }
        for id in std::mem::take(&mut self.owner.ahead) {
            match self.owner.subjects.remove(&id) {
                Some(Owned::Live(live)) => {
                    self.owner.stale.insert(id, live);
                    self.owner.subjects.insert(id, Owned::Loading(Vec::new()));
                    self.effects.push(Effect::Load(id));
                }
                Some(loading) => drop(self.owner.subjects.insert(id, loading)),
                None => {}
            }
        }
    }

    /// True if changes of this subject are refused at present.
    pub(super) fn is_read_only(&self, subject: S::Key) -> bool {
        self.commit.is_broken || (!self.owner.ahead.is_empty() && self.owner.ahead.contains(&subject))
    }

    /// A subject that could not be read again stays as it is in memory, without changes, until the next attempt.
    pub(super) fn keep_stale(&mut self, id: S::Key, live: Box<Live<S>>) {
        self.owner.subjects.insert(id, Owned::Live(live));
        self.owner.ahead.insert(id);
    }

    /// Puts what the log has of a subject in place of what memory had, with the same people in it, who learn that something is lost.
    pub(super) fn renew(&mut self, id: S::Key, (mut subject, envelope): (S, Envelope), old: Live<S>) {
        if !subject.exists() {
            return self.disband(id, subject, envelope, &old);
        }
        let (held, lost) = (Seq(subject.next_seq().0.saturating_sub(1)), old.last_seq());
        subject.set_settings(self.config.rules.settings(subject.app_key()));
        subject.take_people(old.subject);
        // What was seen beyond is gone, although its numbers are not given again.
        subject.note_epoch(self.config.epoch, held.next());
        let downlink = subject.downlink();
        let mut live = Live::new(subject, self.config.workers, self.config.epoch, self.clock.now, self.clock.steady);
        (live.followers, live.lost) = (old.followers, old.lost);
        live.envelope = envelope;
        let (seq, parts) = (live.last_seq(), live.parts(Seq(0), false));
        live.cover = Cover::whole(held, &parts);
        self.owner.subjects.insert(id, Owned::Live(Box::new(live)));
        self.note_left(id);
        // So that no number is given twice, whatever comes.
        self.commit.writes.snapshots.push((id, seq, parts));
        if let Some(feed) = self.desk.feed_mut(id.into()) {
            feed.distrust(lost);
        }
        for push in [S::gap(id, held.next(), lost), S::epoch_begun(id, self.config.epoch, held)].into_iter().flatten() {
            let frame = self.encode(&push);
            self.publish(id, Item { frame, seq, audience: Audience::All, class: Class::Kept, downlink, at: self.clock.now });
        }
        // Who came in by what is lost goes.
        self.tidy(id);
    }

    /// The subject was never made as far as the log knows: nobody is in it.
    fn disband(&mut self, id: S::Key, subject: S, envelope: Envelope, old: &Live<S>) {
        let mut live = Live::new(subject, self.config.workers, self.config.epoch, self.clock.now, self.clock.steady);
        live.envelope = envelope;
        self.owner.subjects.insert(id, Owned::Live(Box::new(live)));
        self.note_left(id);
        for (account, connections) in old.subject.everybody() {
            let hash = self.config.accounts.account(old.subject.app_key(), &account);
            self.notes.push(Note::Left { hash, subject: id });
            for connection in connections {
                self.send(connection.worker(), Mail::Left { subject: id, connection, kicked: None });
            }
        }
    }

    /// Tells those who wait for a commit that there was none.
    fn refuse(&mut self, writes: Writes<S>) {
        self.owner.ahead.extend(writes.rooms);
        self.on_letters_committed(writes.letters, writes.settled, false);
        for held in writes.held {
            match held {
                Held::Answer(asker, _) => self.answer(asker, Err(broken())),
                // The letter comes again.
                Held::Verdict(..) => {}
                Held::Find(find) => self.answer(find.asker, Err(broken())),
                Held::CatchUp(waiting) => self.read_missed(waiting),
                Held::Left(mail) => self.tell_left(mail),
            }
        }
        // Who was let in by an entry that was refused goes with it.
        for (subject, connection, heard) in writes.joins {
            match heard {
                Some(_) => self.let_go(subject, connection),
                None => self.send(connection.worker(), Mail::Left { subject, connection, kicked: None }),
            }
        }
    }

    /// A connection leaves a subject as if it had gone.
    fn let_go(&mut self, id: S::Key, connection: ConnId) {
        let Some(Owned::Live(live)) = self.owner.subjects.get(&id) else { return };
        let mut people = live.subject.everybody().into_iter();
        let Some((account, _)) = people.find(|(_, connections)| connections.contains(&connection)) else { return };
        let actor = Actor { connection: Some(connection), ..Actor::server(account) };
        self.command(id, Asker::Nobody, Command { actor, op: S::Op::of_gone(true) }, None);
    }
}
