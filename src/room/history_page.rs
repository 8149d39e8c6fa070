//! Pages of a room's history (chatroom.md §c.3, §e.6), filled from the entries of its log in the order asked for.

use std::collections::HashMap;
use std::ops::ControlFlow;

use bytes::Bytes;

use super::expression::Expression;
use super::history::{HistoryFilter, HistoryScope};
use super::record;
use crate::error::Status;
use crate::id::{RoomId, Seq, UnixMs};
use crate::limits;
use crate::wire::pb::MessageType;
use crate::wire::store;

/// A page of history.
#[derive(Clone, PartialEq, Debug)]
pub struct HistoryQuery {
    /// Of which room.
    pub room: RoomId,
    /// Exclusive anchor; `None` starts at the newest (or the oldest when `oldest_first`).
    pub anchor: Option<Anchor>,
    /// 1-200 items; a page may grow to twice as much so as not to split equal times.
    pub limit: u32,
    /// Direction.
    pub oldest_first: bool,
    /// Numbers of message types wanted; empty: everything, notifications (5) included.
    pub types: Vec<i32>,
    /// Nothing older than this is returned: now minus the retention, or later.
    pub not_before: UnixMs,
    /// Nothing younger than this is returned; `None`: there is no bound.
    pub not_after: Option<UnixMs>,
    /// How much of the room's log the one who asks may read.
    pub scope: HistoryScope,
}

/// Start of a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Anchor {
    /// Beyond this time.
    Time(UnixMs),
    /// Beyond this item.
    Seq(Seq),
}

/// The items of one page, each as the members received it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct HistoryPage {
    /// In the order asked for.
    pub items: Vec<store::RawHistoryItem>,
    /// True if another page may hold more.
    pub has_more: bool,
    /// The last entry looked at, whether it became an item or not. Where `has_more` comes with few items or none, because the
    /// bound on entries ended the page, the query goes on with this as its [`Anchor::Seq`].
    pub reached: Option<Seq>,
}

impl HistoryQuery {
    /// The first and the last place that its items can have.
    pub fn places(&self) -> (Seq, Seq) {
        match self.anchor {
            Some(Anchor::Seq(seq)) if self.oldest_first => (self.scope.first.max(seq.next()), Seq(u64::MAX)),
            Some(Anchor::Seq(Seq(seq))) => (self.scope.first, Seq(seq.saturating_sub(1))),
            _ => (self.scope.first, Seq(u64::MAX)),
        }
    }

    /// The earliest and the latest time that its items can have.
    pub fn times(&self) -> (UnixMs, UnixMs) {
        let not_after = self.not_after.unwrap_or(UnixMs(i64::MAX));
        match self.anchor {
            Some(Anchor::Time(time)) if self.oldest_first => (self.not_before.max(UnixMs(time.0.saturating_add(1))), not_after),
            Some(Anchor::Time(time)) => (self.not_before, not_after.min(UnixMs(time.0.saturating_sub(1)))),
            _ => (self.not_before, not_after),
        }
    }
}

/// Fills a page from entries of the log that come in the order asked for, within the query's places and times.
///
/// The page ends before the items of one time that would not all fit, so that the time of its last item is an anchor that loses
/// nothing. Only items of one time that stand alone on their page grow it, to twice its limit, and are split beyond.
pub struct Pager<'a> {
    query: &'a HistoryQuery,
    judge: Judge<'a>,
    looked_at: usize,
    bytes: usize,
    group: Group,
    page: HistoryPage,
}

impl<'a> Pager<'a> {
    /// An empty page.
    pub fn new(query: &'a HistoryQuery) -> Pager<'a> {
        let (judge, group, page) = (Judge::new(&query.scope.filter), Group::default(), HistoryPage::default());
        Pager { query, judge, looked_at: 0, bytes: 0, group, page }
    }

    /// Takes the next entry; the page is full when it breaks. At most some twice
    /// [`HISTORY_SCAN_MAX`](limits::HISTORY_SCAN_MAX) entries are taken.
    pub fn take(&mut self, seq: Seq, time: UnixMs, kept: Bytes) -> Result<ControlFlow<()>, Status> {
        let belongs = self.group.time == Some(time);
        self.looked_at += 1;
        let work_max = if belongs { 2 * limits::HISTORY_SCAN_MAX } else { limits::HISTORY_SCAN_MAX };
        if self.judge.work(self.looked_at) > work_max {
            return Ok(self.end(belongs));
        }
        let kept = record::open(kept)?;
        let Some(item) = wanted(self.query, &kept).filter(|_| self.judge.admits(&kept.notify_target_tags)) else {
            self.page.reached = Some(seq);
            return Ok(ControlFlow::Continue(()));
        };
        let is_alone = belongs && self.group.first == 0;
        let limit = (self.query.limit as usize).max(1);
        let items_max = if is_alone { limit.saturating_mul(2) } else { limit };
        self.bytes += weight(&item);
        let is_heavy = self.bytes > limits::HISTORY_PAGE_BYTES_MAX && !self.page.items.is_empty();
        if self.page.items.len() >= items_max || is_heavy {
            return Ok(self.end(belongs));
        }
        if !belongs {
            self.group = Group { time: Some(time), first: self.page.items.len(), reached: self.page.reached };
        }
        self.page.reached = Some(seq);
        self.page.items.push(item);
        Ok(ControlFlow::Continue(()))
    }

    /// The page as it is.
    pub fn into_page(self) -> HistoryPage {
        self.page
    }

    fn end(&mut self, belongs: bool) -> ControlFlow<()> {
        if belongs {
            self.group.take_back(&mut self.page);
        }
        self.page.has_more = true;
        ControlFlow::Break(())
    }
}

/// The items of a page that share the time of its last one.
#[derive(Default)]
struct Group {
    time: Option<UnixMs>,
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
