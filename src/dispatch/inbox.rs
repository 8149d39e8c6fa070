//! Letters that have come: each is evaluated once and is an entry of its destination, accepted or refused; its verdict leaves after the
//! commit of that entry (im.md §0.3 L4 to L6).

use super::commit::Held;
use super::envelope::Met;
use super::hub::{Effect, Hub};
use super::letters::{Note, Post, Sent, Source, Verdict};
use super::live::Owned;
use super::mail::{Asker, Request};
use crate::error::Status;
use crate::id::{Seq, UnixMs};
use crate::limits::{WRITES_WAITING_BYTES_MAX, WRITES_WAITING_MAX};
use crate::subject::{Ask, Command, Operation, Stamp, Subject};
use crate::wire::store;

/// A letter that was evaluated, and that no entry tells of yet.
pub(super) struct Unnoted<K> {
    pub subject: K,
    source: Source,
    letter: store::EvaluatedLetter,
}

impl<S: Subject> Hub<S> {
    /// A piece of mail between subjects has come, for the kind of this hub.
    pub fn on_post(&mut self, post: Post) {
        match post {
            Post::Letter(sent) => self.effects.push(Effect::Locate(sent)),
            Post::Verdict(sent, verdict) => self.on_verdict(&sent, verdict),
        }
    }

    /// The subject that [`Effect::Locate`] asked for: `None` if there is none by that name. A failed look-up counts as a letter that was
    /// lost.
    pub fn on_located(&mut self, sent: Box<Sent>, found: Result<Option<S::Key>, Status>) {
        let Ok(found) = found else { return };
        let command = found.ok_or_else(S::missing_subject).and_then(|key| Ok((key, S::Op::of_letter(&sent.to, &sent.body)?)));
        match command {
            Ok((subject, Command { actor, op })) => {
                let (asker, ask) = (Asker::Letter(sent), Ask::Command(op));
                self.own(Request { subject, asker, actor, ask, app_key: None, resume: None });
            }
            // Nothing can be noted of it, and nothing needs to be: it is refused the same whenever it comes.
            Err(status) => self.post(Post::Verdict(sent, Verdict::Refused(status))),
        }
    }

    /// Evaluates a letter, unless that has been done.
    pub(super) fn evaluate(&mut self, subject: S::Key, sent: Box<Sent>, command: Command<S::Op>) {
        let is_behind = self.commit.is_beyond(WRITES_WAITING_MAX, WRITES_WAITING_BYTES_MAX);
        if is_behind || self.is_read_only(subject) {
            // It comes again.
            return;
        }
        let Some(Owned::Live(live)) = self.owner.subjects.get_mut(&subject) else { return };
        match live.envelope.meet(sent.source, sent.id, sent.predecessor, sent.confirmed) {
            Met::New => self.command(subject, Asker::Letter(sent), command, None),
            Met::Known(Verdict::Gap) => self.post(Post::Verdict(sent, Verdict::Gap)),
            // What it was told may not be durable yet.
            Met::Known(verdict) => self.after_writes(Held::Verdict(sent, verdict)),
        }
    }

    /// Notes a letter that left no entry of its own; its verdict leaves with the commit.
    pub(super) fn note_evaluated(&mut self, subject: S::Key, sent: Box<Sent>, refused: Option<Status>) {
        let Some(Owned::Live(live)) = self.owner.subjects.get_mut(&subject) else { return };
        let letter = live.envelope.evaluated(sent.source, sent.id, refused.clone());
        self.commit.unnoted.push(Unnoted { subject, source: sent.source, letter });
        let verdict = refused.map_or(Verdict::Accepted, Verdict::Refused);
        self.commit.writes.held.push(Held::Verdict(sent, verdict));
    }

    /// Notes a letter that has become an entry, which is at this place.
    pub(super) fn note_accepted(&mut self, subject: S::Key, sent: &Sent, seq: Seq, previous: Seq, time: UnixMs) {
        let Some(Owned::Live(live)) = self.owner.subjects.get_mut(&subject) else { return };
        let letter = live.envelope.evaluated(sent.source, sent.id, None);
        let bytes = live.envelope.note(sent.source, vec![letter]);
        let epoch = live.epoch;
        self.commit.writes.notes.push(Note { subject, seq, previous, epoch, time, bytes, is_alone: false });
    }

    /// Makes entries of what was evaluated without one: those of one source and subject share it.
    pub(super) fn write_notes(&mut self) {
        if self.commit.unnoted.is_empty() || self.commit.is_broken {
            return;
        }
        let mut unnoted = std::mem::take(&mut self.commit.unnoted);
        unnoted.sort_by_key(|unnoted| (unnoted.subject, unnoted.source));
        for same in unnoted.chunk_by(|one, next| (one.subject, one.source) == (next.subject, next.source)) {
            let Some(Unnoted { subject, source, .. }) = same.first() else { continue };
            let letters = same.iter().map(|unnoted| unnoted.letter.clone()).collect();
            let random = self.owner.random.u64(..);
            let Some(Owned::Live(live)) = self.owner.subjects.get_mut(subject) else { continue };
            let bytes = live.envelope.note(*source, letters);
            let time = self.clock.unix.max(live.subject.last_time());
            let stamp = Stamp { time, clock: live.clock(self.clock.steady), random };
            let (seq, epoch) = (live.subject.next_seq(), live.epoch);
            let Some(link) = live.subject.pass(seq, epoch, stamp) else { continue };
            let note = Note { subject: *subject, seq, previous: link.previous, epoch, time, bytes, is_alone: true };
            self.commit.note(note);
            self.note_durable(*subject, 0);
        }
    }
}
