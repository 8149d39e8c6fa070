//! How rooms are rebuilt and histories read, over any ordered tables of kept records: one per day, and one of what days left behind.
//!
//! Per room, time never decreases with seq. So the key (room, seq) is the only index, and a time is found by bisection.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use prost::Message as _;

use super::record::{open, unpack};
use super::{Anchor, FindQuery, HistoryPage, HistoryQuery, Loaded, LogError, Snapshot};
use crate::id::{RoomId, Seq, UnixMs};
use crate::limits;
use crate::room::{Expression, HistoryFilter, Op, Record};
use crate::wire::pb::{self, MessageType};
use crate::wire::store;

const DAY_MS: i64 = 86_400_000;

/// The day of a time, counted from 1970 in UTC.
pub(super) fn day_of(time: UnixMs) -> i64 {
    time.0.div_euclid(DAY_MS)
}

/// The first day that stays when all days older than `days` go. Never a day the deduplication window reaches into.
pub(super) fn first_day_kept(now: UnixMs, days: u32) -> i64 {
    (day_of(now) - i64::from(days)).min(day_of(UnixMs(now.0.saturating_sub(limits::DEDUP_WINDOW_MS))))
}

/// An entry as it was found: its place, and the kept form of its record.
pub(super) type Found = Result<(Seq, Bytes), LogError>;

/// Kept records in the order of (room, seq).
pub(super) trait Table {
    /// The entries of a room from `first` to `last`, both included.
    fn range(&self, room: RoomId, first: Seq, last: Seq) -> impl DoubleEndedIterator<Item = Found>;
}

/// All that a query looks at. Days are ascending.
pub(super) struct Reader<T> {
    /// What dropped days left behind because no snapshot covered it: state, not history.
    pub carried: T,
    /// One table per day.
    pub days: Vec<(i64, T)>,
}

const FIRST: Seq = Seq(0);
const LAST: Seq = Seq(u64::MAX);

impl<T: Table> Reader<T> {
    /// See [`RoomLog::load`](super::RoomLog::load).
    pub fn load(&self, room: RoomId, snapshot: Option<Snapshot>, now: UnixMs) -> Result<Option<Loaded>, LogError> {
        let covered = snapshot.as_ref().map(|snapshot| snapshot.seq);
        let after = covered.map_or(FIRST, Seq::next);
        let mut records = match covered {
            Some(covered) => self.recent_sends(room, covered, now)?,
            None => Vec::new(),
        };
        let sends = records.len();
        for found in self.ascending(room, after) {
            let (_, bytes) = found?;
            records.push(unpack(room, open(bytes)?)?);
        }
        // A day that was being dropped when the node died stands in both places.
        records[sends..].sort_by_key(|record| record.entry.seq);
        records.dedup_by_key(|record| record.entry.seq);
        let known = snapshot.is_some() || !records.is_empty();
        Ok(known.then_some(Loaded { snapshot, records }))
    }

    /// See [`RoomLog::follow`](super::RoomLog::follow).
    pub fn follow(&self, room: RoomId, after: Seq, limit: usize) -> Result<Vec<Record>, LogError> {
        let mut records: Vec<Record> = Vec::new();
        for found in self.ascending(room, after.next()) {
            let (seq, bytes) = found?;
            if records.last().is_some_and(|last| last.entry.seq >= seq) {
                continue;
            }
            if records.len() >= limit {
                break;
            }
            records.push(unpack(room, open(bytes)?)?);
        }
        Ok(records)
    }

    /// See [`RoomLog::history`](super::RoomLog::history).
    pub fn history(&self, query: &HistoryQuery) -> Result<HistoryPage, LogError> {
        if query.oldest_first {
            let mut first = match query.anchor {
                None => FIRST,
                Some(Anchor::Seq(seq)) => seq.next(),
                Some(Anchor::Time(time)) => match self.first_at(query.room, UnixMs(time.0.saturating_add(1)))? {
                    Some(seq) => seq,
                    None => return Ok(HistoryPage::default()),
                },
            };
            match self.first_at(query.room, query.not_before)? {
                Some(seq) => first = first.max(seq).max(query.scope.first),
                None => return Ok(HistoryPage::default()),
            }
            let days = self.days.iter().filter(|(day, _)| *day >= day_of(query.not_before));
            page(query, days.flat_map(|(_, table)| table.range(query.room, first, LAST)))
        } else {
            let mut last = match query.anchor {
                None => LAST,
                Some(Anchor::Seq(Seq(seq))) => Seq(seq.saturating_sub(1)),
                Some(Anchor::Time(time)) => match self.first_at(query.room, time)? {
                    Some(Seq(seq)) => Seq(seq.saturating_sub(1)),
                    None => LAST,
                },
            };
            if let Some(time) = query.not_after
                && let Some(Seq(seq)) = self.first_at(query.room, UnixMs(time.0.saturating_add(1)))?
            {
                last = last.min(Seq(seq.saturating_sub(1)));
            }
            let first = query.scope.first;
            let days = self.days.iter().rev().filter(|(day, _)| *day >= day_of(query.not_before));
            page(query, days.flat_map(|(_, table)| table.range(query.room, first, last).rev()))
        }
    }

    /// See [`RoomLog::find`](super::RoomLog::find).
    pub fn find(&self, query: &FindQuery) -> Result<Option<Seq>, LogError> {
        let Some((_, table)) = self.days.iter().find(|(day, _)| *day == day_of(query.time)) else { return Ok(None) };
        let Some(first) = first_in(table, query.room, query.time)? else { return Ok(None) };
        for found in table.range(query.room, first, LAST).take(limits::FIND_SCAN_MAX) {
            let (seq, bytes) = found?;
            let kept = open(bytes)?;
            if kept.time_ms > query.time.0 {
                break;
            }
            if !kept.message.is_empty() && !kept.recalled && is_message(&kept.message, query)? {
                return Ok(Some(seq));
            }
        }
        Ok(None)
    }

    fn ascending(&self, room: RoomId, first: Seq) -> impl Iterator<Item = Found> {
        let tables = std::iter::once(&self.carried).chain(self.days.iter().map(|(_, table)| table));
        tables.flat_map(move |table| table.range(room, first, LAST))
    }

    /// The sends up to `last` whose ids a room still has to know, ascending.
    fn recent_sends(&self, room: RoomId, last: Seq, now: UnixMs) -> Result<Vec<Record>, LogError> {
        let oldest = UnixMs(now.0.saturating_sub(limits::DEDUP_WINDOW_MS));
        let mut sends = VecDeque::new();
        let days = self.days.iter().rev().take_while(|(day, _)| *day >= day_of(oldest));
        for found in days.flat_map(|(_, table)| table.range(room, FIRST, last).rev()) {
            let kept = open(found?.1)?;
            if kept.time_ms < oldest.0 || sends.len() >= limits::DEDUP_IDS_PER_ROOM {
                break;
            }
            let mut record = unpack(room, kept)?;
            let Op::Send(request) = &mut record.entry.command.op else { continue };
            if !request.high_priority {
                // Of these only the ids are needed, and there may be very many.
                record.push = None;
                (request.body, request.attach, request.ext) = Default::default();
            }
            sends.push_front(record);
        }
        Ok(sends.into())
    }

    /// The first entry of a room at `time` or later.
    fn first_at(&self, room: RoomId, time: UnixMs) -> Result<Option<Seq>, LogError> {
        for (day, table) in &self.days {
            if *day < day_of(time) {
                continue;
            }
            if let Some(seq) = first_in(table, room, time)? {
                return Ok(Some(seq));
            }
        }
        Ok(None)
    }
}

/// The first entry of a room at `time` or later in one table: about twenty seeks for a million entries.
fn first_in(table: &impl Table, room: RoomId, time: UnixMs) -> Result<Option<Seq>, LogError> {
    let time_of = |bytes| open(bytes).map(|kept| kept.time_ms);
    let Some(end) = table.range(room, FIRST, LAST).next_back() else { return Ok(None) };
    let (end, bytes) = end?;
    if time_of(bytes)? < time.0 {
        return Ok(None);
    }
    let Some(start) = table.range(room, FIRST, LAST).next() else { return Ok(None) };
    let (start, bytes) = start?;
    if time_of(bytes)? >= time.0 {
        return Ok(Some(start));
    }
    // All before `low` are earlier; all from `high` on are not.
    let (mut low, mut high) = (start.next().0, end.0);
    while low < high {
        let middle = low + (high - low) / 2;
        let Some(probe) = table.range(room, Seq(middle), Seq(high)).next() else { break };
        let (seq, bytes) = probe?;
        if time_of(bytes)? >= time.0 {
            high = middle;
        } else {
            low = seq.next().0;
        }
    }
    table.range(room, Seq(low), LAST).next().map(|found| found.map(|(seq, _)| seq)).transpose()
}

fn is_message(body: &Bytes, query: &FindQuery) -> Result<bool, LogError> {
    let message =
        pb::Message::decode(body.clone()).map_err(|error| LogError::Corrupt(format!("the body of a message: {error}")))?;
    Ok(message.message_id == query.message_id && message.from == query.from.as_str())
}

/// Fills a page from entries that come in the order asked for.
///
/// The page ends before the items of one time that would not all fit, so that the time of its last item is an anchor that loses
/// nothing. Only items of one time that stand alone on their page grow it, to twice its limit, and are split beyond.
fn page(query: &HistoryQuery, entries: impl Iterator<Item = Found>) -> Result<HistoryPage, LogError> {
    let limit = (query.limit as usize).max(1);
    let mut page = HistoryPage::default();
    let mut judge = Judge::new(&query.scope.filter);
    let (mut looked_at, mut bytes) = (0_usize, 0_usize);
    let mut group = Group::default();
    for found in entries {
        let (seq, record) = found?;
        let kept = open(record)?;
        if kept.time_ms < query.not_before.0 {
            if query.oldest_first {
                continue;
            }
            break;
        }
        if query.not_after.is_some_and(|time| kept.time_ms > time.0) {
            if query.oldest_first {
                break;
            }
            continue;
        }
        let belongs = group.time == Some(kept.time_ms);
        looked_at += 1;
        let work = judge.work(looked_at);
        if work > if belongs { 2 * limits::HISTORY_SCAN_MAX } else { limits::HISTORY_SCAN_MAX } {
            if belongs {
                group.take_back(&mut page);
            }
            page.has_more = true;
            break;
        }
        let Some(item) = wanted(query, &kept).filter(|_| judge.admits(&kept.notify_target_tags)) else {
            page.reached = Some(seq);
            continue;
        };
        let is_alone = belongs && group.first == 0;
        let items_max = if is_alone { limit.saturating_mul(2) } else { limit };
        bytes += weight(&item);
        if page.items.len() >= items_max || (bytes > limits::HISTORY_PAGE_BYTES_MAX && !page.items.is_empty()) {
            if belongs {
                group.take_back(&mut page);
            }
            page.has_more = true;
            break;
        }
        if !belongs {
            group = Group { time: Some(kept.time_ms), first: page.items.len(), reached: page.reached };
        }
        page.reached = Some(seq);
        page.items.push(item);
    }
    Ok(page)
}

/// The items of a page that share the time of its last one.
#[derive(Default)]
struct Group {
    time: Option<i64>,
    /// The index of the first of them.
    first: usize,
    /// Seq the page had reached before them.
    reached: Option<Seq>,
}

impl Group {
    /// Takes them out of the page again, unless the page has nothing else.
    fn take_back(&self, page: &mut HistoryPage) {
        if self.first > 0 {
            page.items.truncate(self.first);
            page.reached = self.reached;
        }
    }
}

/// Bytes of an item in an answer.
fn weight(item: &store::RawHistoryItem) -> usize {
    item.message.as_ref().or(item.notification.as_ref()).map_or(0, Bytes::len) + limits::PAGE_ITEM_BYTES
}

/// The item of an entry, if it belongs in the history and its type is asked for.
fn wanted(query: &HistoryQuery, kept: &store::Record) -> Option<store::RawHistoryItem> {
    if kept.skip_history || kept.recalled {
        return None;
    }
    let is_message = !kept.message.is_empty();
    if !is_message && kept.notification.is_empty() {
        return None;
    }
    let kind = if is_message { kept.message_type } else { MessageType::Notification as i32 };
    if !query.types.is_empty() && !query.types.contains(&kind) {
        return None;
    }
    Some(if is_message {
        store::RawHistoryItem { message: Some(kept.message.clone()), notification: None }
    } else {
        store::RawHistoryItem { message: None, notification: Some(kept.notification.clone()) }
    })
}

/// Says which expressions a filter admits, and reads each only once.
pub(super) struct Judge<'a> {
    filter: &'a HistoryFilter,
    verdicts: HashMap<String, bool>,
    /// Regular expressions that were compiled so far: they take longer than entries.
    expressions: usize,
}

impl<'a> Judge<'a> {
    /// Has read no expression yet.
    pub fn new(filter: &'a HistoryFilter) -> Judge<'a> {
        Judge { filter, verdicts: HashMap::new(), expressions: 0 }
    }

    /// Counts the work of a query that has looked at so many entries: an expression to compile costs as much as many of them.
    pub fn work(&self, looked_at: usize) -> usize {
        looked_at + self.expressions * limits::HISTORY_EXPRESSION_ENTRIES
    }

    pub fn admits(&mut self, text: &str) -> bool {
        if *self.filter == HistoryFilter::Everything || text.is_empty() {
            return self.filter.admits(None);
        }
        if let Some(verdict) = self.verdicts.get(text) {
            return *verdict;
        }
        // What cannot be read, which only a damaged log can hold, is shown to nobody.
        let verdict = Expression::read(text).is_ok_and(|expression| {
            self.expressions += usize::from(expression.has_regex());
            self.filter.admits(Some(&expression))
        });
        self.verdicts.insert(text.to_owned(), verdict);
        verdict
    }
}
