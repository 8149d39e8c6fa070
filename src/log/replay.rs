//! Reads what a connection missed from the log (chatroom.md §d.7), newest items first, until there are enough.

use bytes::Bytes;
use prost::Message as _;

use super::query::{Judge, Reader, Table};
use super::record::open;
use super::{LogError, ReplayQuery};
use crate::id::Seq;
use crate::limits::{HEADER_BYTES, HISTORY_SCAN_MAX, REPLAY_BYTES_MAX, REPLAY_ITEMS_MAX};
use crate::room::{HistoryFilter, Missed, PushBody, Replay, ReplayScope};
use crate::wire::{pb, store};

impl<T: Table> Reader<T> {
    /// See [`RoomLog::replay`](super::RoomLog::replay).
    pub fn replay(&self, query: &ReplayQuery) -> Result<Replay, LogError> {
        let scope = &query.scope;
        let filter = HistoryFilter::Listener(scope.tags.clone());
        let mut judge = Judge::new(&filter);
        let (mut items, mut bytes, mut looked_at) = (Vec::new(), 0_usize, 0_usize);
        // The entry that the log had before the oldest one looked at. What is not there any more is older than the history.
        let mut previous = scope.logged;
        let mut end = None;
        let tables = self.days.iter().rev().map(|(_, table)| table);
        for found in tables.flat_map(|table| table.range(query.room, scope.after.next(), scope.last).rev()) {
            let (seq, record) = found?;
            let kept = open(record)?;
            looked_at += 1;
            if judge.work(looked_at) > HISTORY_SCAN_MAX {
                end = Some(seq);
                break;
            }
            previous = Seq(seq.0.saturating_sub(1).saturating_sub(kept.skipped));
            let Some(push) = missed(scope, &mut judge, kept)? else { continue };
            bytes += HEADER_BYTES + body(&push).len();
            if items.len() >= REPLAY_ITEMS_MAX || bytes > REPLAY_BYTES_MAX {
                end = Some(seq);
                break;
            }
            items.push(Missed { seq, push });
        }
        items.reverse();
        let end = end.or_else(|| (previous > scope.after).then_some(previous));
        Ok(Replay { items, gap: end.map(|last| (scope.after.next(), last)) })
    }
}

fn body(push: &PushBody) -> &Bytes {
    match push {
        PushBody::Message { body, .. } | PushBody::Notification(body) => body,
    }
}

/// The push of an entry, if it is for the connection.
fn missed(scope: &ReplayScope, judge: &mut Judge<'_>, kept: store::Record) -> Result<Option<PushBody>, LogError> {
    if kept.recalled || (kept.message.is_empty() && kept.notification.is_empty()) {
        return Ok(None);
    }
    if kept.message.is_empty() {
        return Ok(judge.admits(&kept.notify_target_tags).then_some(PushBody::Notification(kept.notification)));
    }
    if kept.sender != 0 && scope.replaces.is_some_and(|replaced| replaced.get() == kept.sender) {
        return Ok(None);
    }
    let message = pb::Message::decode(kept.message.clone())
        .map_err(|error| LogError::Corrupt(format!("the body of a message: {error}")))?;
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
