//! How much of a room's history somebody may read (chatroom.md §c.3, §e.6). The items themselves come from the log.

use std::sync::Arc;

use super::expression::Expression;
use crate::id::Seq;

/// What of a room's log a query of the history may return.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HistoryScope {
    /// Nothing before this place: it belongs to an earlier room of the same name.
    pub first: Seq,
    /// Which items.
    pub filter: HistoryFilter,
}

/// Which items of a history are returned, by the expression they were sent with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum HistoryFilter {
    /// All of them.
    #[default]
    Everything,
    /// What somebody with these tags may hear: items sent without an expression, and those whose expression holds for the tags.
    Listener(Arc<[Arc<str>]>),
    /// Items sent with an expression that holds for all of these tags together or for any single one of them.
    Tags(Arc<[Arc<str>]>),
}

impl HistoryFilter {
    /// True if an item belongs to it that was sent with this expression, or without any.
    pub fn admits(&self, expression: Option<&Expression>) -> bool {
        match (self, expression) {
            (HistoryFilter::Everything, _) | (HistoryFilter::Listener(_), None) => true,
            (HistoryFilter::Tags(_), None) => false,
            (HistoryFilter::Listener(tags), Some(expression)) => expression.matches(tags),
            (HistoryFilter::Tags(tags), Some(expression)) => {
                expression.matches(tags) || tags.chunks(1).any(|single| expression.matches(single))
            }
        }
    }
}
