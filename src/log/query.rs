//! How entries are found, over any ordered tables of them: one per day, and one of what days left behind.
//!
//! Per subject, time never decreases with seq. So a time is found by bisection of the key (subject, seq).

use bytes::Bytes;

use super::record::{Stored, open, time_of};
use super::{Loaded, LogError, Snapshot, Span, Visit};
use crate::id::{Seq, SubjectId, UnixMs};
use crate::limits;

const DAY_MS: i64 = 86_400_000;

/// The day of a time, counted from 1970 in UTC.
pub(super) fn day_of(time: UnixMs) -> i64 {
    time.0.div_euclid(DAY_MS)
}

/// The first day that stays when all days older than `days` go. Never a day with entries that are kept whatever the retention.
pub(super) fn first_day_kept(now: UnixMs, days: u32) -> i64 {
    (day_of(now) - i64::from(days)).min(day_of(UnixMs(now.0.saturating_sub(limits::LOG_KEPT_MS))))
}

/// An entry as it was found: its place, and its kept form.
pub(super) type Found = Result<(Seq, Bytes), LogError>;

/// Kept entries in the order of (subject, seq), and the rows of their index.
pub(super) trait Table {
    /// The entries of a subject from `first` to `last`, both included.
    fn range(&self, subject: SubjectId, first: Seq, last: Seq) -> impl DoubleEndedIterator<Item = Found>;

    /// The places of the entries among these that are found under a key.
    fn under(
        &self,
        subject: SubjectId,
        key: &[u8],
        first: Seq,
        last: Seq,
    ) -> impl DoubleEndedIterator<Item = Result<Seq, LogError>>;
}

/// All that a query looks at. Days are ascending.
pub(super) struct Reader<T> {
    /// Entries that dropped days left behind because no snapshot covered them: state, not history.
    pub carried: T,
    /// One table per day.
    pub days: Vec<(i64, T)>,
}

const FIRST: Seq = Seq(0);
const LAST: Seq = Seq(u64::MAX);

impl<T: Table> Reader<T> {
    /// See [`Log::load`](super::Log::load).
    pub fn load(&self, subject: SubjectId, snapshot: Option<Snapshot>) -> Result<Option<Loaded>, LogError> {
        let after = snapshot.as_ref().map_or(FIRST, |snapshot| snapshot.seq.next());
        let mut entries = Vec::new();
        for found in self.ascending(subject, after) {
            let (seq, kept) = found?;
            entries.push(open(seq, kept)?);
        }
        // A day that was being dropped when the node died stands in both places.
        entries.sort_by_key(|entry| entry.seq);
        entries.dedup_by_key(|entry| entry.seq);
        let known = snapshot.is_some() || !entries.is_empty();
        Ok(known.then_some(Loaded { snapshot, entries }))
    }

    /// See [`Log::follow`](super::Log::follow).
    pub fn follow(&self, subject: SubjectId, after: Seq, limit: usize) -> Result<Vec<Stored>, LogError> {
        let mut entries: Vec<Stored> = Vec::new();
        for found in self.ascending(subject, after.next()) {
            let (seq, kept) = found?;
            if entries.last().is_some_and(|last| last.seq >= seq) {
                continue;
            }
            if entries.len() >= limit {
                break;
            }
            entries.push(open(seq, kept)?);
        }
        Ok(entries)
    }

    /// See [`Log::read`](super::Log::read).
    pub fn read(&self, span: &Span, visit: Visit<'_>) -> Result<(), LogError> {
        let (mut first, mut last) = (span.first, span.last);
        // Only the end at which reading begins has to be found; the other is noticed on the way.
        if span.oldest_first {
            match self.first_at(span.subject, span.not_before)? {
                Some(seq) => first = first.max(seq),
                None => return Ok(()),
            }
        } else if let Some(beyond) = span.not_after.0.checked_add(1)
            && let Some(Seq(seq)) = self.first_at(span.subject, UnixMs(beyond))?
        {
            last = last.min(Seq(seq.saturating_sub(1)));
        }
        let is_in = |day: i64| (day_of(span.not_before)..=day_of(span.not_after)).contains(&day);
        let tables = || self.days.iter().filter(|(day, _)| is_in(*day)).map(|(_, table)| table);
        match (span.oldest_first, &span.key) {
            (true, None) => visit_all(span, tables().flat_map(|table| table.range(span.subject, first, last)), visit),
            (false, None) => {
                visit_all(span, tables().rev().flat_map(|table| table.range(span.subject, first, last).rev()), visit)
            }
            (true, Some(key)) => {
                let found = tables().flat_map(|table| {
                    table.under(span.subject, key, first, last).filter_map(move |seq| entry_at(table, span.subject, seq))
                });
                visit_all(span, found, visit)
            }
            (false, Some(key)) => {
                let found = tables().rev().flat_map(|table| {
                    table.under(span.subject, key, first, last).rev().filter_map(move |seq| entry_at(table, span.subject, seq))
                });
                visit_all(span, found, visit)
            }
        }
    }

    fn ascending(&self, subject: SubjectId, first: Seq) -> impl Iterator<Item = Found> {
        let tables = std::iter::once(&self.carried).chain(self.days.iter().map(|(_, table)| table));
        tables.flat_map(move |table| table.range(subject, first, LAST))
    }

    /// The first entry of a subject at `time` or later.
    fn first_at(&self, subject: SubjectId, time: UnixMs) -> Result<Option<Seq>, LogError> {
        for (day, table) in &self.days {
            if *day < day_of(time) {
                continue;
            }
            if let Some(seq) = first_in(table, subject, time)? {
                return Ok(Some(seq));
            }
        }
        Ok(None)
    }
}

/// Shows entries that come in the order asked for, until one is enough or beyond the times.
fn visit_all(span: &Span, entries: impl Iterator<Item = Found>, visit: Visit<'_>) -> Result<(), LogError> {
    for found in entries {
        let (seq, kept) = found?;
        let entry = open(seq, kept)?;
        let (is_early, is_late) = (entry.time < span.not_before, entry.time > span.not_after);
        if (is_early && !span.oldest_first) || (is_late && span.oldest_first) {
            return Ok(());
        }
        if !is_early && !is_late && visit(entry)?.is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// The entry that a row of the index names, if it is still there.
fn entry_at(table: &impl Table, subject: SubjectId, seq: Result<Seq, LogError>) -> Option<Found> {
    match seq {
        Ok(seq) => table.range(subject, seq, seq).next(),
        Err(error) => Some(Err(error)),
    }
}

/// The first entry of a subject at `time` or later in one table: about twenty seeks for a million entries.
fn first_in(table: &impl Table, subject: SubjectId, time: UnixMs) -> Result<Option<Seq>, LogError> {
    let Some(end) = table.range(subject, FIRST, LAST).next_back() else { return Ok(None) };
    let (end, kept) = end?;
    if time_of(end, kept)? < time {
        return Ok(None);
    }
    let Some(start) = table.range(subject, FIRST, LAST).next() else { return Ok(None) };
    let (start, kept) = start?;
    if time_of(start, kept)? >= time {
        return Ok(Some(start));
    }
    // All before `low` are earlier; all from `high` on are not.
    let (mut low, mut high) = (start.next().0, end.0);
    while low < high {
        let middle = low + (high - low) / 2;
        let Some(probe) = table.range(subject, Seq(middle), Seq(high)).next() else { break };
        let (seq, kept) = probe?;
        if time_of(seq, kept)? >= time {
            high = middle;
        } else {
            low = seq.next().0;
        }
    }
    table.range(subject, Seq(low), LAST).next().map(|found| found.map(|(seq, _)| seq)).transpose()
}
