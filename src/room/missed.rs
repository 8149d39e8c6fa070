//! Collects what a connection missed out of the entries of a room's log (chatroom.md §d.7), newest first, until there is enough.

use std::ops::ControlFlow;

use bytes::Bytes;

use super::history::HistoryFilter;
use super::history_page::Judge;
use super::position::ReplayScope;
use super::record;
use crate::error::Status;
use crate::id::Seq;
use crate::limits::{HEADER_BYTES, HISTORY_SCAN_MAX, REPLAY_BYTES_MAX, REPLAY_ITEMS_MAX};
use crate::subject::{Missed, Predecessor, PushBody, Replay};
use crate::wire::store;

/// Collects the items of a scope from entries that come newest first, none beyond the scope's last place.
pub struct Collector<'a> {
    scope: &'a ReplayScope,
    judge: Judge<'a>,
    items: Vec<Missed>,
    bytes: usize,
    looked_at: usize,
    /// The newest entry that the log has: older than the room's last one if a commit has failed.
    newest: Option<Seq>,
    /// The entry that the log had before the oldest one looked at. What is not there any more is older than the history.
    previous: Seq,
    end: Option<Seq>,
}

impl ReplayScope {
    /// Which items its connection may hear, by their expressions.
    pub fn filter(&self) -> HistoryFilter {
        HistoryFilter::Listener(self.tags.clone())
    }
}

impl<'a> Collector<'a> {
    /// Has nothing yet. `filter` is that of the scope.
    pub fn new(scope: &'a ReplayScope, filter: &'a HistoryFilter) -> Collector<'a> {
        let judge = Judge::new(filter);
        Collector { scope, judge, items: Vec::new(), bytes: 0, looked_at: 0, newest: None, previous: scope.logged, end: None }
    }

    /// Takes the next entry, with the place of the one before it; there is enough when it breaks. At most
    /// [`HISTORY_SCAN_MAX`] entries are taken.
    pub fn take(&mut self, (previous, seq): (Seq, Seq), kept: Bytes) -> Result<ControlFlow<()>, Status> {
        self.looked_at += 1;
        self.newest.get_or_insert(seq);
        if self.judge.work(self.looked_at) > HISTORY_SCAN_MAX {
            self.end = Some(seq);
            return Ok(ControlFlow::Break(()));
        }
        self.previous = previous;
        let Some(push) = missed(self.scope, &mut self.judge, record::open(kept)?)? else {
            return Ok(ControlFlow::Continue(()));
        };
        self.bytes += HEADER_BYTES + body(&push).len();
        if self.items.len() >= REPLAY_ITEMS_MAX || self.bytes > REPLAY_BYTES_MAX {
            self.end = Some(seq);
            return Ok(ControlFlow::Break(()));
        }
        self.items.push(Missed { seq, push });
        Ok(ControlFlow::Continue(()))
    }

    /// The items, and among which places more may be missing: before them, or behind them if a commit has failed.
    pub fn into_replay(mut self) -> Replay {
        self.items.reverse();
        let (after, logged) = (self.scope.after, self.scope.logged);
        let end = self.end.or_else(|| (self.previous > after).then_some(self.previous));
        let lost = self.newest.filter(|newest| *newest < logged);
        let first = end.map(|_| after.next()).or(lost.map(Seq::next));
        Replay { items: self.items, gap: first.zip(lost.map(|_| logged).or(end)) }
    }
}

fn body(push: &PushBody) -> &Bytes {
    match push {
        PushBody::Message { body, .. } | PushBody::Notification(body) => body,
    }
}

/// The push of an entry, if it is for the connection.
fn missed(scope: &ReplayScope, judge: &mut Judge<'_>, kept: store::Record) -> Result<Option<PushBody>, Status> {
    if kept.recalled || (kept.message.is_empty() && kept.notification.is_empty()) {
        return Ok(None);
    }
    if kept.message.is_empty() {
        return Ok(judge.admits(&kept.notify_target_tags).then_some(PushBody::Notification(kept.notification)));
    }
    let message = record::message(kept.message.clone())?;
    let is_own = |lost: Predecessor| lost.connection.get() == kept.sender && message.epoch >= lost.since.0;
    if kept.sender != 0 && scope.replaces.is_some_and(is_own) {
        return Ok(None);
    }
    let account = scope.account.as_str();
    // Whatever tags, place and receivers say, the other connections of the sender hear it too.
    let is_for = message.from == account
        || if message.directed {
            kept.to_accounts.iter().any(|name| name.eq_ignore_ascii_case(account))
        } else {
            judge.admits(&kept.notify_target_tags) && message.at.is_none_or(|at| scope.reaches(at))
        };
    Ok(is_for.then_some(PushBody::Message { message_type: kept.message_type, body: kept.message }))
}
