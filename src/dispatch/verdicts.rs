//! Letters that the subjects of this worker have written: into the commit of their entry, from there into the outbox, and out of it
//! with their verdict (im.md §0.3 L1 to L3, L7). Commands that wait for a verdict are answered here.

use std::collections::BTreeMap;

use super::commit::{Held, broken};
use super::hub::Hub;
use super::letters::{Post, Row, Sent, ShardChange, Source, Verdict, last_id_key, letter_key, letter_row, read_row};
use super::mail::{Asker, Request};
use super::outbox::{Outbox, Waiting};
use crate::error::{Code, Status};
use crate::id::Time;
use crate::limits::VERDICT_TIMEOUT_MS;
use crate::planted::{self, Bug};
use crate::subject::{Ask, Command, Key, Letter, LetterId, Operation, Shard, Subject};
use bytes::Bytes;

/// The part of a worker in letters.
pub(super) struct Letters<S: Subject> {
    pub outbox: Outbox,
    /// Answers that wait for the verdict on a letter.
    decisive: BTreeMap<LetterId, Decisive<S>>,
    /// The decisive letter of the entry that is being applied.
    pub deciding: Option<LetterId>,
    /// Mail between subjects, by the worker it is for.
    posts: Vec<Vec<Post>>,
}

/// Everything that waits for one verdict, in its order.
struct Decisive<S: Subject> {
    /// Not longer than this, from the commit of the letter on.
    until: Time,
    held: Vec<Held<S>>,
}

/// A letter that is refused, on its way to become an entry of its source.
pub struct Refusal {
    source: Source,
    letter: Waiting,
    refused: Status,
}

/// A refusal that is written down by a commit.
pub(super) struct Settled {
    refusal: Box<Refusal>,
    /// True if its source wants it known.
    is_told: bool,
}

impl<S: Subject> Letters<S> {
    pub fn new(workers: usize) -> Letters<S> {
        let posts = (0..workers).map(|_| Vec::new()).collect();
        Letters { outbox: Outbox::default(), decisive: BTreeMap::new(), deciding: None, posts }
    }

    /// Has something wait for the verdict on the letter of the entry that is being applied; gives it back if there is none.
    pub fn hold(&mut self, held: Held<S>) -> Option<Held<S>> {
        let Some(letter) = self.deciding else { return Some(held) };
        let fresh = || Decisive { until: Time(u64::MAX), held: Vec::new() };
        self.decisive.entry(letter).or_insert_with(fresh).held.push(held);
        None
    }
}

/// The source that a subject's letters are of.
fn source_of(subject: impl Key) -> Source {
    Source { shard: subject.shard(), kind: subject.into().kind() }
}

fn removal(source: Source, id: LetterId) -> ShardChange {
    ShardChange { shard: source.shard, key: letter_key(id), value: None }
}

impl<S: Subject> Hub<S> {
    /// Takes in what the store has of a shard, at the start. Shards of other workers are passed over. Gives how many rows cannot be read.
    pub fn restore_shard(&mut self, shard: Shard, rows: &[(Bytes, Bytes)]) -> usize {
        let is_own = shard.owner(self.config.workers) == self.config.worker;
        let mut unread = 0;
        for (key, value) in rows.iter().filter(|_| is_own) {
            match read_row(key, value) {
                Some(Row::LastId(last)) => self.config.ids.note(last),
                Some(Row::Letter(_)) if planted::is(Bug::LetterForgotten) => {}
                Some(Row::Letter(letter)) => {
                    self.config.ids.note(letter.id.entry);
                    if let Some(subject) = S::Key::of(letter.source) {
                        self.letters.outbox.add(source_of(subject), letter);
                    }
                }
                None => unread += 1,
            }
        }
        unread
    }

    /// Letters that wait for their verdict.
    pub fn letters_waiting(&self) -> usize {
        self.letters.outbox.len()
    }

    /// When letters are to be sent next, or an answer has waited long enough for its verdict.
    pub fn letters_due(&self) -> Option<Time> {
        let decisive = self.letters.decisive.values().map(|decisive| decisive.until).min();
        self.letters.outbox.next_due().into_iter().chain(decisive.filter(|until| until.0 < u64::MAX)).min()
    }

    /// Mail between subjects for a worker, this one or another. A piece that is lost comes again.
    pub fn take_post(&mut self, worker: usize) -> Vec<Post> {
        for sent in self.letters.outbox.take_due(self.clock.now) {
            self.post(Post::Letter(Box::new(sent)));
        }
        self.letters.posts.get_mut(worker).map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn post(&mut self, post: Post) {
        let worker = post.shard().owner(self.config.workers);
        if let Some(posts) = self.letters.posts.get_mut(worker) {
            posts.push(post);
        }
    }

    /// The refusal of a command that would write one letter too many, if it would.
    pub(super) fn too_many_letters(&self, subject: S::Key, command: &Command<S::Op>) -> Option<Status> {
        let super::live::Owned::Live(live) = self.owner.subjects.get(&subject)? else { return None };
        let to = live.subject.addressee(command)?;
        let is_full = self.letters.outbox.is_full(source_of(subject), &to);
        is_full.then(|| Status::new(Code::Busy, "too many letters wait for their destination"))
    }

    /// Adds the letters of an entry to its commit. The first decisive one of them is what the entry's answer waits for.
    pub(super) fn write_letters(&mut self, subject: S::Key, letters: Vec<Letter>) {
        let source = source_of(subject);
        let entry = self.config.ids.next(source.shard, self.clock.unix);
        let last = Bytes::copy_from_slice(&entry.get().to_be_bytes());
        let writes = &mut self.commit.writes;
        writes.shards.push(ShardChange { shard: source.shard, key: last_id_key(source.kind), value: Some(last) });
        for (index, Letter { to, body, is_decisive }) in (0..).zip(letters) {
            let id = LetterId { entry, index };
            if is_decisive && self.letters.deciding.is_none() {
                self.letters.deciding = Some(id);
            }
            let row = letter_row(subject.into(), &to, body.clone());
            writes.bytes += row.len();
            writes.shards.push(ShardChange { shard: source.shard, key: letter_key(id), value: Some(row) });
            writes.letters.push((source, Waiting { id, source: subject.into(), to, body }));
        }
    }

    /// A commit is done: its letters leave, or were never written.
    pub(super) fn on_letters_committed(&mut self, letters: Vec<(Source, Waiting)>, settled: Vec<Settled>, is_durable: bool) {
        for (source, letter) in letters {
            let id = letter.id;
            if is_durable {
                self.letters.outbox.add(source, letter);
                if let Some(decisive) = self.letters.decisive.get_mut(&id) {
                    decisive.until = self.clock.now.plus_ms(VERDICT_TIMEOUT_MS);
                }
            } else {
                self.decide(id, Some(broken()));
            }
        }
        for Settled { refusal, is_told } in settled {
            let Refusal { source, letter, refused } = *refusal;
            if is_durable {
                self.letters.outbox.settle(source, &letter.to, letter.id);
                self.decide(letter.id, is_told.then_some(refused));
            } else {
                self.letters.outbox.reopen(source, &letter.to, letter.id);
            }
        }
    }

    /// A verdict has come.
    pub(super) fn on_verdict(&mut self, sent: &Sent, verdict: Verdict) {
        match verdict {
            Verdict::Gap => self.letters.outbox.note_gap(sent),
            Verdict::Accepted => {
                let Some(letter) = self.letters.outbox.accept(sent) else { return };
                // Waits for nothing: it is taken out by the next commit there is.
                self.commit.removals.push(removal(sent.source, letter.id));
                self.decide(letter.id, None);
            }
            Verdict::Refused(refused) => {
                let Some(letter) = self.letters.outbox.refuse(sent) else { return };
                let command = S::Op::of_refusal(&letter.body, &refused);
                let refusal = Box::new(Refusal { source: sent.source, letter, refused });
                match (command, S::Key::of(refusal.letter.source)) {
                    (Some(Command { actor, op }), Some(subject)) => {
                        let (asker, ask) = (Asker::Refused(refusal), Ask::Command(op));
                        self.own(Request { subject, asker, actor, ask, app_key: None, resume: None });
                    }
                    _ => self.settle(refusal, false),
                }
            }
        }
    }

    /// Takes a refused letter out of the outbox, with the commit of the entry about it.
    pub(super) fn settle(&mut self, refusal: Box<Refusal>, is_told: bool) {
        self.commit.writes.shards.push(removal(refusal.source, refusal.letter.id));
        self.commit.writes.settled.push(Settled { refusal, is_told });
    }

    /// The refusal of a letter could not become an entry: the letter comes again.
    pub(super) fn reopen(&mut self, refusal: &Refusal) {
        self.letters.outbox.reopen(refusal.source, &refusal.letter.to, refusal.letter.id);
    }

    /// Answers what waits for the verdict on a letter.
    fn decide(&mut self, letter: LetterId, refused: Option<Status>) {
        let Some(decisive) = self.letters.decisive.remove(&letter) else { return };
        for held in decisive.held {
            match held {
                Held::Answer(asker, answer) => self.answer(asker, refused.clone().map_or(answer, Err)),
                Held::Left(mail) => self.tell_left(mail),
                Held::Find(_) | Held::CatchUp(_) | Held::Verdict(..) => {}
            }
        }
    }

    /// Answers what has waited long enough for its verdict: it is pending. To be called whenever [`Hub::letters_due`] is over.
    pub fn end_patience(&mut self) {
        let is_over = |decisive: &Decisive<S>| decisive.until <= self.clock.now;
        let over = self.letters.decisive.iter().filter(|(_, decisive)| is_over(decisive)).map(|(id, _)| *id);
        for id in over.collect::<Vec<_>>() {
            let Some(decisive) = self.letters.decisive.get_mut(&id) else { continue };
            for held in &mut decisive.held {
                if let Held::Answer(_, Ok(reply)) = held {
                    S::tell_pending(reply);
                }
            }
            self.decide(id, None);
        }
    }
}
