//! How far snapshots of a subject go, and whether a new one is worth what it costs (architecture.md §6).

use super::envelope::Envelope;
use crate::id::Seq;
use crate::limits::{ENTRY_BYTES, SNAPSHOT_ENTRIES};
use crate::subject::{Part, Subject};

/// A subject as it was rebuilt from the log.
pub struct Rebuilt<S> {
    /// The subject.
    pub subject: S,
    /// The envelope around it.
    pub envelope: Envelope,
    /// The last number its snapshot covers; 0 if it has none.
    pub covered: Seq,
    /// Bytes of that snapshot.
    pub snapshot_bytes: usize,
    /// Entries of the log after it.
    pub entries: usize,
    /// Bytes of them.
    pub bytes: usize,
}

impl<S: Subject> Rebuilt<S> {
    /// The parts of a snapshot of all of it.
    pub fn parts(&self) -> Vec<Part> {
        let mut parts = self.subject.snapshot(Seq(0), false);
        parts.extend(self.envelope.part());
        parts
    }
}

impl<S: Subject> From<S> for Rebuilt<S> {
    /// A subject that a snapshot covers whole.
    fn from(subject: S) -> Rebuilt<S> {
        let covered = Seq(subject.next_seq().0.saturating_sub(1));
        Rebuilt { subject, envelope: Envelope::default(), covered, snapshot_bytes: 0, entries: 0, bytes: 0 }
    }
}

/// How a subject in memory is covered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cover {
    /// The last number that a durable snapshot covers.
    pub saved: Seq,
    /// The last number that a snapshot or an entry of the log holds: beyond it there is nothing but presence.
    held: Seq,
    /// The last number known to be presence's. What it left behind, a member's time of entering, stands in no entry.
    presence: Seq,
    /// Entries of the log since the last snapshot that was taken.
    entries: usize,
    /// Bytes of them, about.
    bytes: usize,
    /// Bytes of that snapshot.
    snapshot_bytes: usize,
}

impl Cover {
    /// That of a subject which was rebuilt and goes up to `last`.
    pub fn of<S>(rebuilt: &Rebuilt<S>, last: Seq) -> Cover {
        let Rebuilt { covered, snapshot_bytes, entries, bytes, .. } = *rebuilt;
        Cover { saved: covered, held: last, presence: Seq(0), entries, bytes, snapshot_bytes }
    }

    /// That of a subject of which a snapshot is about to be written.
    pub fn whole(last: Seq, parts: &[Part]) -> Cover {
        let mut cover = Cover { saved: last, held: last, ..Cover::default() };
        cover.note_snapshot(parts);
        cover
    }

    /// Notes an entry of the log, whose push has so many bytes.
    pub fn note_entry(&mut self, seq: Seq, bytes: usize) {
        if seq > self.held.next() {
            self.presence = Seq(seq.0.saturating_sub(1));
        }
        (self.held, self.entries) = (seq, self.entries + 1);
        self.bytes += bytes + ENTRY_BYTES;
    }

    /// Notes that a snapshot was taken.
    pub fn note_snapshot(&mut self, parts: &[Part]) {
        (self.entries, self.bytes) = (0, 0);
        self.snapshot_bytes = parts.iter().map(|part| part.state.len()).sum();
    }

    /// True if the log since the last snapshot has as many entries as a load should replay at most.
    pub fn is_long(&self) -> bool {
        self.entries >= SNAPSHOT_ENTRIES
    }

    /// True if a subject that goes up to `last` and leaves memory is worth a snapshot: the log since the last one is longer than that,
    /// or than so many entries; or presence has taken numbers that no snapshot covers.
    pub fn is_worth_it(&self, last: Seq) -> bool {
        let is_costly = self.is_long() || self.bytes > self.snapshot_bytes;
        last > self.saved && (last > self.held || self.presence > self.saved || is_costly)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(bytes: usize) -> Vec<Part> {
        vec![Part::head(vec![0; bytes])]
    }

    #[test]
    fn a_snapshot_is_worth_it_when_the_log_since_the_last_is_longer() {
        let mut cover = Cover::whole(Seq(10), &parts(1000));
        assert!(!cover.is_worth_it(Seq(10)), "nothing has happened");
        cover.note_entry(Seq(11), 500);
        assert!(!cover.is_worth_it(Seq(11)), "the entry is shorter than the snapshot");
        cover.note_entry(Seq(12), 500);
        assert!(cover.is_worth_it(Seq(12)));
        cover.note_snapshot(&parts(1100));
        assert!(!cover.is_worth_it(Seq(12)));
    }

    #[test]
    fn so_many_entries_are_worth_a_snapshot_however_long_it_is() {
        let mut cover = Cover::whole(Seq(0), &parts(10 << 20));
        (1..SNAPSHOT_ENTRIES as u64).for_each(|seq| cover.note_entry(Seq(seq), 0));
        let last = Seq(SNAPSHOT_ENTRIES as u64);
        assert!(!cover.is_worth_it(Seq(last.0 - 1)));
        cover.note_entry(last, 0);
        assert!(cover.is_long() && cover.is_worth_it(last));
    }

    #[test]
    fn numbers_that_presence_took_are_written_down() {
        let mut cover = Cover::whole(Seq(10), &parts(1000));
        assert!(cover.is_worth_it(Seq(11)), "the log does not have it");
        cover.note_entry(Seq(12), 0);
        assert!(cover.is_worth_it(Seq(12)), "the entry says how far the numbers go, and not who was here");
        cover.note_snapshot(&parts(1000));
        assert!(cover.is_worth_it(Seq(12)), "the snapshot is not durable yet");
        cover.saved = Seq(12);
        cover.note_entry(Seq(13), 0);
        assert!(!cover.is_worth_it(Seq(13)));
    }

    #[test]
    fn a_subject_that_was_rebuilt_counts_the_log_it_was_rebuilt_from() {
        let rebuilt =
            Rebuilt { subject: (), envelope: Envelope::default(), covered: Seq(0), snapshot_bytes: 0, entries: 1, bytes: 50 };
        assert!(Cover::of(&rebuilt, Seq(1)).is_worth_it(Seq(1)), "there is no snapshot yet");
        let rebuilt = Rebuilt { covered: Seq(5), snapshot_bytes: 100, ..rebuilt };
        assert!(!Cover::of(&rebuilt, Seq(6)).is_worth_it(Seq(6)));
    }
}
