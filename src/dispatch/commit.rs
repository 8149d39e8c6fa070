//! What waits for the disk: entries on their way to the log, and the answers that leave when they are durable (architecture.md §6).

use bytes::Bytes;
use smallvec::SmallVec;

use super::hub::{Effect, Hub};
use super::inbox::Unnoted;
use super::letters::{Note, Post, Sent, ShardChange, Source, Verdict};
use super::live::Owned;
use super::mail::{Asker, Mail};
use super::outbox::Waiting;
use super::replay::CatchUp;
use super::verdicts::Settled;
use crate::error::{Code, Status};
use crate::id::{ConnId, Seq};
use crate::planted::{self, Bug};
use crate::subject::{Actor, Answer, Operation, Part, Subject};

/// What one commit covers: what is to be written, and the answers that wait for it.
pub struct Writes<S: Subject> {
    /// Entries in the order they were applied.
    pub records: Vec<S::Record>,
    /// States of subjects, each with the number of the last entry in it.
    pub snapshots: Vec<(S::Key, Seq, Vec<Part>)>,
    /// What the applications are told, in the order it happened.
    pub reports: Vec<S::Report>,
    /// Changes that letters have made in the envelopes of subjects.
    pub notes: Vec<Note<S::Key>>,
    /// Changes of the states of shards, in their order.
    pub shards: Vec<ShardChange>,
    /// The letters among them, which leave once they are durable.
    pub(super) letters: Vec<(Source, Waiting)>,
    /// Refused letters that are done with once this is durable.
    pub(super) settled: Vec<Settled>,
    /// Bytes of what the records tell the members.
    pub(super) bytes: usize,
    pub(super) held: Vec<Held<S>>,
    /// Connections that hear their subject once they have been told that they are in it, and from where on; `None`: they have left
    /// again meanwhile.
    pub(super) joins: Vec<(S::Key, ConnId, Option<Seq>)>,
    saved: Vec<(S::Key, Seq)>,
    /// The subjects that are ahead of the log if this fails.
    pub(super) rooms: SmallVec<[S::Key; 4]>,
}

impl<S: Subject> Default for Writes<S> {
    fn default() -> Writes<S> {
        Writes {
            records: Vec::new(),
            snapshots: Vec::new(),
            reports: Vec::new(),
            notes: Vec::new(),
            shards: Vec::new(),
            letters: Vec::new(),
            settled: Vec::new(),
            bytes: 0,
            held: Vec::new(),
            joins: Vec::new(),
            saved: Vec::new(),
            rooms: SmallVec::new(),
        }
    }
}

impl<S: Subject> Writes<S> {
    /// True if there is nothing to write.
    pub fn is_empty(&self) -> bool {
        !self.has_changes() && self.snapshots.is_empty() && self.reports.is_empty()
    }

    /// True if anything waits to be written that somebody may be told of.
    fn has_changes(&self) -> bool {
        !(self.records.is_empty() && self.notes.is_empty() && self.shards.is_empty())
    }
}

/// What waits for a commit.
pub(super) enum Held<S: Subject> {
    /// An answer.
    Answer(Asker<S::Key>, Answer),
    /// A look into the log that has to see what the commit covers.
    Find(Box<Find<S>>),
    /// A catch-up, to be read once the log has everything the connection missed.
    CatchUp(Box<CatchUp<S>>),
    /// Who has put itself out of a subject, by closing it, is told so after its answer.
    Left(Mail<S>),
    /// The verdict on a letter.
    Verdict(Box<Sent>, Verdict),
}

/// A command on its way whose subject lets it pass as far as it knows, and for which the log has to say where something stands.
pub struct Find<S: Subject> {
    /// In which subject.
    pub subject: S::Key,
    /// Waits for the answer.
    pub asker: Asker<S::Key>,
    /// On whose behalf.
    pub actor: Actor,
    /// The question to the log.
    pub request: <S::Op as Operation>::LookUp,
}

/// Everything on one worker that waits for the disk.
pub(super) struct Commit<S: Subject> {
    /// Covered by the next commit.
    pub writes: Writes<S>,
    /// Waits for the commit that is under way.
    pub in_flight: Option<Writes<S>>,
    /// A commit has failed: nothing is acknowledged.
    pub is_broken: bool,
    /// Letters that are done with, to be taken out of their shards by the next commit there is.
    pub removals: Vec<ShardChange>,
    /// True: there may be no other commit, so they are worth one of their own.
    is_last: bool,
    /// Letters that were evaluated, and that no entry tells of yet.
    pub unnoted: Vec<Unnoted<S::Key>>,
}

impl<S: Subject> Default for Commit<S> {
    fn default() -> Commit<S> {
        Commit {
            writes: Writes::default(),
            in_flight: None,
            is_broken: false,
            removals: Vec::new(),
            is_last: false,
            unnoted: Vec::new(),
        }
    }
}

impl<S: Subject> Commit<S> {
    /// Takes what is to be written, if anything is and no commit is under way.
    fn take(&mut self) -> Option<Writes<S>> {
        let removes = self.is_last && !self.removals.is_empty();
        if self.writes.is_empty() && !removes || self.in_flight.is_some() || self.is_broken {
            return None;
        }
        let mut writes = std::mem::take(&mut self.writes);
        let removals = std::mem::take(&mut self.removals);
        writes.shards.extend(removals.iter().cloned());
        let saved = writes.snapshots.iter().map(|(subject, seq, _)| (*subject, *seq)).collect();
        let (held, joins) = (std::mem::take(&mut writes.held), std::mem::take(&mut writes.joins));
        let rooms = std::mem::take(&mut writes.rooms);
        let (letters, settled) = (std::mem::take(&mut writes.letters), std::mem::take(&mut writes.settled));
        // What is only removed is removed by a later commit if this one fails.
        let shards = removals;
        self.in_flight = Some(Writes { held, joins, saved, rooms, letters, settled, shards, ..Writes::default() });
        Some(writes)
    }

    /// Has something wait until everything applied so far is durable; gives it back if all of that is.
    fn hold(&mut self, held: Held<S>) -> Option<Held<S>> {
        match &mut self.in_flight {
            _ if self.writes.has_changes() || !self.unnoted.is_empty() => self.writes.held.push(held),
            Some(in_flight) => in_flight.held.push(held),
            None => return Some(held),
        }
        None
    }

    /// True if the next commit would write so much, in entries and reports or in bytes.
    pub fn is_beyond(&self, count: usize, bytes: usize) -> bool {
        self.writes.records.len() + self.writes.reports.len() >= count || self.writes.bytes >= bytes
    }

    /// Adds an entry to the next commit.
    pub fn add(&mut self, id: S::Key, record: S::Record, bytes: usize) {
        self.writes.bytes += bytes;
        self.writes.records.push(record);
        self.note_ahead(id);
    }

    /// Adds an entry that is nothing but a note.
    pub fn note(&mut self, note: Note<S::Key>) {
        self.note_ahead(note.subject);
        self.writes.notes.push(note);
    }

    /// A subject is ahead of the log if the next commit fails.
    fn note_ahead(&mut self, id: S::Key) {
        if self.writes.rooms.last() != Some(&id) {
            self.writes.rooms.push(id);
        }
    }

    /// True for a connection that is let in and hears so only after a commit.
    pub fn joins_late(&self, subject: S::Key, connection: ConnId) -> bool {
        let mut joins = self.writes.joins.iter().chain(self.in_flight.iter().flat_map(|in_flight| &in_flight.joins));
        joins.any(|join| (join.0, join.1) == (subject, connection))
    }

    /// Changes the list of those who hear their subject after a commit; there are none but where subjects are being made.
    pub fn late_joins(&mut self, mut change: impl FnMut(&mut Vec<(S::Key, ConnId, Option<Seq>)>)) {
        change(&mut self.writes.joins);
        if let Some(in_flight) = &mut self.in_flight {
            change(&mut in_flight.joins);
        }
    }
}

impl<S: Subject> Hub<S> {
    /// Everything to be written, if anything is and no commit is under way. [`Hub::on_committed`] must follow.
    pub fn take_writes(&mut self) -> Option<Writes<S>> {
        self.write_notes();
        self.commit.take()
    }

    /// The commit that covers the last [`Hub::take_writes`] is done: its answers leave. If it failed, they are refusals, and so is
    /// every change until [`Hub::on_log_back`].
    pub fn on_committed(&mut self, is_durable: bool) {
        let Some(done) = self.commit.in_flight.take() else { return };
        if !is_durable && !planted::is(Bug::FailureUnheard) {
            return self.fail(Some(done));
        }
        for held in done.held {
            match held {
                Held::Answer(asker, answer) => self.answer(asker, answer),
                Held::Find(find) => self.effects.push(Effect::Find(find)),
                Held::CatchUp(waiting) => self.read_missed(waiting),
                Held::Left(mail) => self.tell_left(mail),
                Held::Verdict(sent, verdict) => self.post(Post::Verdict(sent, verdict)),
            }
        }
        self.on_letters_committed(done.letters, done.settled, true);
        for (subject, connection, heard) in done.joins {
            let mail = match heard {
                Some(heard) => Mail::Joined { subject, connection, replay: self.since(subject, connection, heard), held: None },
                None => Mail::Left { subject, connection, kicked: None },
            };
            self.send(connection.worker(), mail);
        }
        for (subject, seq) in done.saved {
            if let Some(Owned::Live(live)) = self.owner.subjects.get_mut(&subject) {
                live.cover.saved = seq;
            }
        }
    }

    /// What a connection that joins late has not heard since then: the frames, or that they are no longer here.
    fn since(&mut self, subject: S::Key, connection: ConnId, heard: Seq) -> Vec<Bytes> {
        let Some(feed) = self.desk.feed(subject.into()) else { return Vec::new() };
        if let Some(frames) = feed.replay(heard, connection) {
            return frames;
        }
        let Some(Owned::Live(live)) = self.owner.subjects.get(&subject) else { return Vec::new() };
        let gap = S::gap(subject, heard.next(), live.last_seq());
        gap.map(|gap| self.encode(&gap)).into_iter().collect()
    }

    /// True if a commit is under way or something waits for one.
    pub fn has_uncommitted(&self) -> bool {
        let Commit { writes, in_flight, removals, is_last, unnoted, .. } = &self.commit;
        in_flight.is_some() || !writes.is_empty() || !unnoted.is_empty() || *is_last && !removals.is_empty()
    }

    /// Asks for a snapshot of every subject that is worth one, as a draining server does, and takes out what is done with.
    pub fn save_subjects(&mut self) {
        self.commit.is_last = true;
        for (id, owned) in &mut self.owner.subjects {
            if let Owned::Live(live) = owned
                && live.is_worth_saving()
            {
                self.commit.writes.snapshots.push((*id, live.last_seq(), live.take_snapshot(true)));
            }
        }
    }

    /// Does something once everything applied so far is durable.
    pub(super) fn after_writes(&mut self, held: Held<S>) {
        match self.commit.hold(held) {
            Some(Held::Answer(asker, answer)) => self.answer(asker, answer),
            Some(Held::Find(find)) if self.commit.is_broken => self.answer(find.asker, Err(broken())),
            Some(Held::Find(find)) => self.effects.push(Effect::Find(find)),
            Some(Held::CatchUp(waiting)) => self.read_missed(waiting),
            Some(Held::Left(mail)) => self.tell_left(mail),
            Some(Held::Verdict(sent, verdict)) => self.post(Post::Verdict(sent, verdict)),
            None => {}
        }
    }

    pub(super) fn read_missed(&mut self, waiting: Box<CatchUp<S>>) {
        self.send(waiting.asked.connection.worker(), Mail::CatchUp(waiting));
    }

    pub(super) fn tell_left(&mut self, mail: Mail<S>) {
        if let Mail::Left { connection, .. } = &mail {
            self.send(connection.worker(), mail);
        }
    }
}

/// The refusal of a change while the log takes none.
pub(super) fn broken() -> Status {
    Status::new(Code::ServerError, "the store failed and takes no change at present; try again later")
}
