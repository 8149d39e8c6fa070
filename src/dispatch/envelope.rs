//! The envelope of a subject: what every kind has around it, whatever it is about. `dispatch` keeps it and writes it down beside the
//! subject's own parts, so that a kind may refuse a letter without a trace of its own, and the refusal lasts all the same (im.md §0.3 L5).

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message as _;

use super::letters::{Source, Verdict};
use crate::error::{Code, Status, Sub};
use crate::limits::LETTERS_REFUSED_MAX;
use crate::planted::{self, Bug};
use crate::subject::{LetterId, Part, ServerId};
use crate::wire::store;

/// Number of the part of a snapshot that is the envelope.
pub const ENVELOPE_PART: u32 = u32::MAX;

/// The envelope of one subject.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Envelope {
    marks: BTreeMap<Source, Mark>,
}

/// The letters that one shard has sent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Mark {
    /// The highest one evaluated.
    evaluated: LetterId,
    /// Up to here the source has all verdicts for good, and asks no more.
    confirmed: LetterId,
    /// Those beyond that were refused.
    refused: BTreeMap<LetterId, Status>,
}

/// A letter as its destination meets it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Met {
    /// To be evaluated.
    New,
    /// Evaluated already, with this verdict.
    Known(Verdict),
}

impl Envelope {
    /// Looks at a letter that has come, before it is evaluated.
    pub fn meet(&mut self, source: Source, id: LetterId, predecessor: LetterId, confirmed: LetterId) -> Met {
        let mark = self.marks.entry(source).or_default();
        mark.confirm(confirmed);
        if id <= mark.evaluated && !planted::is(Bug::LetterTwice) {
            return Met::Known(mark.refused.get(&id).cloned().map_or(Verdict::Accepted, Verdict::Refused));
        }
        let is_in_order = predecessor <= mark.evaluated.max(confirmed);
        if is_in_order && mark.refused.len() < LETTERS_REFUSED_MAX { Met::New } else { Met::Known(Verdict::Gap) }
    }

    /// Notes what became of a letter, once and for all. Gives the note for the entry by which it was evaluated.
    pub fn evaluated(&mut self, source: Source, id: LetterId, refused: Option<Status>) -> store::EvaluatedLetter {
        let mark = self.marks.entry(source).or_default();
        mark.evaluated = mark.evaluated.max(id);
        let letter = kept(id, refused.as_ref());
        mark.refused.extend(refused.map(|status| (id, status)));
        letter
    }

    /// The note of an entry by which letters were evaluated.
    pub fn note(&self, source: Source, letters: Vec<store::EvaluatedLetter>) -> Bytes {
        let confirmed = self.marks.get(&source).map(|mark| mark.confirmed).unwrap_or_default();
        let note = store::Note {
            shard: source.shard.number().into(),
            kind: source.kind as u32,
            letters,
            confirmed_id: confirmed.entry.get().unsigned_abs(),
            confirmed_index: confirmed.index,
        };
        note.encode_to_vec().into()
    }

    /// Applies the note of an entry that the log has; 500 if it is none of ours.
    pub fn replay(&mut self, note: &[u8]) -> Result<(), Status> {
        if note.is_empty() {
            return Ok(());
        }
        let note = store::Note::decode(note).map_err(|_| unreadable())?;
        let source = Source::of_kept(note.shard, note.kind).ok_or_else(unreadable)?;
        let mark = self.marks.entry(source).or_default();
        for letter in note.letters {
            let (id, refused) = letter_of(letter);
            mark.evaluated = mark.evaluated.max(id);
            mark.refused.extend(refused.map(|status| (id, status)));
        }
        mark.confirm(id_of(note.confirmed_id, note.confirmed_index));
        Ok(())
    }

    /// It as part of a snapshot; none while there is nothing to keep.
    pub fn part(&self) -> Option<Part> {
        if self.marks.is_empty() {
            return None;
        }
        let mark = |(source, mark): (&Source, &Mark)| store::Mark {
            shard: source.shard.number().into(),
            kind: source.kind as u32,
            id: mark.evaluated.entry.get().unsigned_abs(),
            index: mark.evaluated.index,
            confirmed_id: mark.confirmed.entry.get().unsigned_abs(),
            confirmed_index: mark.confirmed.index,
            refused: mark.refused.iter().map(|(id, status)| kept(*id, Some(status))).collect(),
        };
        let state = store::Envelope { marks: self.marks.iter().map(mark).collect() }.encode_to_vec();
        Some(Part { number: ENVELOPE_PART, state })
    }

    /// The envelope behind the part of a snapshot; 500 if the bytes are none of ours.
    pub fn restore(state: &[u8]) -> Result<Envelope, Status> {
        let mut envelope = Envelope::default();
        for kept in store::Envelope::decode(state).map_err(|_| unreadable())?.marks {
            let source = Source::of_kept(kept.shard, kept.kind).ok_or_else(unreadable)?;
            let refused = kept.refused.into_iter().map(letter_of).filter_map(|(id, status)| Some((id, status?)));
            let mark = Mark {
                evaluated: id_of(kept.id, kept.index),
                confirmed: id_of(kept.confirmed_id, kept.confirmed_index),
                refused: refused.collect(),
            };
            envelope.marks.insert(source, mark);
        }
        Ok(envelope)
    }
}

impl Mark {
    fn confirm(&mut self, confirmed: LetterId) {
        if confirmed > self.confirmed {
            self.confirmed = confirmed;
            self.refused = self.refused.split_off(&LetterId { index: confirmed.index.saturating_add(1), ..confirmed });
        }
    }
}

fn id_of(id: u64, index: u32) -> LetterId {
    LetterId { entry: ServerId::of_number(i64::try_from(id).unwrap_or(i64::MAX)), index }
}

fn kept(id: LetterId, refused: Option<&Status>) -> store::EvaluatedLetter {
    store::EvaluatedLetter {
        id: id.entry.get().unsigned_abs(),
        index: id.index,
        refused_code: refused.map_or(0, |status| status.code.number()),
        refused_sub: refused.and_then(|status| status.sub).map_or(0, Sub::number),
        refused_desc: refused.map(|status| status.desc.clone().into_owned()).unwrap_or_default(),
    }
}

fn letter_of(kept: store::EvaluatedLetter) -> (LetterId, Option<Status>) {
    let refused = (kept.refused_code != 0).then(|| {
        let code = Code::from_number(kept.refused_code).unwrap_or(Code::ServerError);
        Status { sub: Sub::from_number(kept.refused_sub), ..Status::new(code, kept.refused_desc) }
    });
    (id_of(kept.id, kept.index), refused)
}

fn unreadable() -> Status {
    Status::new(Code::ServerError, "the log holds an envelope that cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SubjectKind;
    use crate::subject::Shard;

    fn source(shard: u8) -> Source {
        Source { shard: Shard::new(shard).unwrap(), kind: SubjectKind::Room }
    }

    fn id(entry: i64) -> LetterId {
        LetterId { entry: ServerId::of_number(entry), index: 0 }
    }

    fn refused() -> Status {
        Status::with_sub(Code::NotFound, Sub::AccountMissing)
    }

    const NONE: LetterId = LetterId { entry: ServerId::NONE, index: 0 };

    #[test]
    fn a_letter_is_new_once_and_known_ever_after() {
        let mut envelope = Envelope::default();
        assert_eq!(envelope.meet(source(1), id(5), NONE, NONE), Met::New);
        envelope.evaluated(source(1), id(5), None);
        envelope.evaluated(source(1), id(6), Some(refused()));
        assert_eq!(envelope.meet(source(1), id(5), NONE, NONE), Met::Known(Verdict::Accepted));
        assert_eq!(envelope.meet(source(1), id(6), id(5), NONE), Met::Known(Verdict::Refused(refused())));
        assert_eq!(envelope.meet(source(1), id(7), id(6), NONE), Met::New);
        assert_eq!(envelope.meet(source(2), id(5), NONE, NONE), Met::New, "each source has a mark of its own");
    }

    #[test]
    fn a_letter_whose_predecessor_is_missing_is_not_looked_at() {
        let mut envelope = Envelope::default();
        envelope.evaluated(source(1), id(5), None);
        assert_eq!(envelope.meet(source(1), id(9), id(8), NONE), Met::Known(Verdict::Gap));
        assert_eq!(envelope.meet(source(1), id(9), id(5), NONE), Met::New);
        assert_eq!(envelope.meet(source(1), id(9), id(8), id(8)), Met::New, "the source has all verdicts up to there");
    }

    #[test]
    fn it_remembers_refusals_until_they_are_confirmed_and_no_more_than_so_many() {
        let mut envelope = Envelope::default();
        let count = i64::try_from(LETTERS_REFUSED_MAX).unwrap();
        for entry in 1..=count {
            assert_eq!(envelope.meet(source(1), id(entry), id(entry - 1), NONE), Met::New);
            envelope.evaluated(source(1), id(entry), Some(refused()));
        }
        assert_eq!(envelope.meet(source(1), id(count + 1), id(count), NONE), Met::Known(Verdict::Gap));
        assert_eq!(envelope.meet(source(1), id(count + 1), id(count), id(count)), Met::New);
        assert_eq!(
            envelope.part().unwrap().state.len(),
            Envelope::restore(&envelope.part().unwrap().state).unwrap().part().unwrap().state.len()
        );
        assert!(envelope.part().unwrap().state.len() < 64, "nothing is left of them");
    }

    #[test]
    fn a_snapshot_and_the_notes_after_it_give_it_back() {
        let mut envelope = Envelope::default();
        let first = envelope.evaluated(source(1), id(5), None);
        let mut rebuilt = Envelope::default();
        rebuilt.replay(&envelope.note(source(1), vec![first])).unwrap();
        assert_eq!(rebuilt, envelope);
        let kept = envelope.part().unwrap();
        assert_eq!(kept.number, ENVELOPE_PART);
        envelope.meet(source(1), id(6), id(5), id(5));
        let letters = vec![envelope.evaluated(source(1), id(6), Some(refused())), envelope.evaluated(source(1), id(7), None)];
        let note = envelope.note(source(1), letters);
        let mut rebuilt = Envelope::restore(&kept.state).unwrap();
        rebuilt.replay(&note).unwrap();
        assert_eq!(rebuilt, envelope);
        // What a snapshot covers may be replayed once more.
        rebuilt.replay(&note).unwrap();
        assert_eq!(rebuilt, envelope);
        assert_eq!(Envelope::default().part(), None);
        assert!(Envelope::restore(b"\xFF").is_err() && rebuilt.replay(b"\xFF").is_err());
    }
}
