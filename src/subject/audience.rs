//! Audiences: those of the connections following a subject that hear a push.

use std::sync::Arc;

use crate::id::ConnId;

/// Who of a subject's connections hears a push.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Audience {
    /// Every connection that follows.
    #[default]
    All,
    /// Every connection but the one whose request it was: it has its response.
    AllBut(ConnId),
    /// Only these, in ascending order.
    Only(Arc<[ConnId]>),
    /// Every connection but these, which stand in ascending order.
    Except(Arc<[ConnId]>),
}

impl Audience {
    /// The connections it names, in ascending order: those it is for, or those it is not for.
    pub fn named(&self) -> &[ConnId] {
        match self {
            Audience::All => &[],
            Audience::AllBut(sender) => std::slice::from_ref(sender),
            Audience::Only(connections) | Audience::Except(connections) => connections,
        }
    }

    /// Those of the connections it names that a worker holds.
    pub fn named_on(&self, worker: usize) -> &[ConnId] {
        let named = self.named();
        // The worker stands in the highest bits of a connection's number.
        let start = named.partition_point(|connection| connection.worker() < worker);
        let end = named.partition_point(|connection| connection.worker() <= worker);
        named.get(start..end).unwrap_or_default()
    }

    /// The same for the connections of one worker: it names no others.
    pub fn on(&self, worker: usize) -> Audience {
        match (self, self.named_on(worker)) {
            (Audience::Only(_), named) => Audience::Only(named.into()),
            (Audience::Except(_), []) => Audience::All,
            (Audience::Except(_), named) => Audience::Except(named.into()),
            (Audience::All | Audience::AllBut(_), _) => self.clone(),
        }
    }

    /// True if this connection hears it.
    pub fn admits(&self, connection: ConnId) -> bool {
        match self {
            Audience::All => true,
            Audience::AllBut(sender) => *sender != connection,
            Audience::Only(connections) => connections.binary_search(&connection).is_ok(),
            Audience::Except(connections) => connections.binary_search(&connection).is_err(),
        }
    }
}
