//! Which connections each account has logged in on, over all workers of the node. Changes as connections come and go, never with a
//! message; an account here is a keyed hash of application and name, so that one with a single connection costs about 48 bytes.

use std::collections::hash_map::{DefaultHasher, Entry};
use std::hash::{Hash, Hasher};

use parking_lot::Mutex;

use crate::id::{AccountId, ByNumber, ConnId};

/// Shards, so that workers seldom wait for each other.
const SHARDS: usize = 64;

/// A connection on which an account has logged in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Session {
    /// Which.
    pub connection: ConnId,
    /// Number of its client type (chatroom.md §a.5).
    pub client_type: u16,
    /// When it logged in, in seconds since 1970.
    pub since_seconds: u32,
}

/// The connections of every account that has one. Bounded by the limit on connections.
pub(crate) struct Sessions {
    shards: Box<[Shard]>,
    /// Keeps outsiders from finding names that share a hash.
    key: [u64; 2],
}

type Shard = Mutex<ByNumber<u64, Several>>;

/// Nearly every account has one connection: the others, where there are any, stand in a box.
struct Several {
    first: Session,
    // The box keeps the many accounts that have one connection small.
    #[allow(clippy::box_collection)]
    others: Option<Box<Vec<Session>>>,
}

impl Sessions {
    pub(super) fn new(key: [u64; 2]) -> Sessions {
        Sessions { shards: (0..SHARDS).map(|_| Shard::default()).collect(), key }
    }

    /// An account has logged in.
    pub(crate) fn enter(&self, app_key: &str, account: &AccountId, session: Session) {
        let hash = self.hash(app_key, account);
        match self.shard(hash).lock().entry(hash) {
            Entry::Vacant(vacant) => {
                vacant.insert(Several { first: session, others: None });
            }
            Entry::Occupied(mut occupied) => occupied.get_mut().others.get_or_insert_default().push(session),
        }
    }

    /// A connection is gone.
    pub(crate) fn leave(&self, app_key: &str, account: &AccountId, connection: ConnId) {
        let hash = self.hash(app_key, account);
        let mut shard = self.shard(hash).lock();
        let Entry::Occupied(mut occupied) = shard.entry(hash) else { return };
        let Several { first, others } = occupied.get_mut();
        if first.connection != connection {
            others.iter_mut().for_each(|others| others.retain(|session| session.connection != connection));
            return;
        }
        match others.as_mut().filter(|others| !others.is_empty()) {
            Some(others) => *first = others.remove(0),
            None => drop(occupied.remove()),
        }
    }

    /// The connections of an account, in the order of their logins.
    pub(crate) fn of(&self, app_key: &str, account: &AccountId) -> Vec<Session> {
        let hash = self.hash(app_key, account);
        let shard = self.shard(hash).lock();
        let Some(Several { first, others }) = shard.get(&hash) else { return Vec::new() };
        std::iter::once(first).chain(others.iter().flat_map(|others| others.iter())).copied().collect()
    }

    fn shard(&self, hash: u64) -> &Shard {
        &self.shards[(hash >> 32) as usize % SHARDS]
    }

    fn hash(&self, app_key: &str, account: &AccountId) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.key, app_key, account).hash(&mut hasher);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_the_connections_that_have_not_left() {
        let sessions = Sessions::new([1, 2]);
        let alice = AccountId::parse("alice").unwrap();
        let session = |slot| Session { connection: ConnId::new(0, 1, slot), client_type: 1, since_seconds: slot };
        assert_eq!(sessions.of("app", &alice), []);
        (1..4).for_each(|slot| sessions.enter("app", &alice, session(slot)));
        assert_eq!(sessions.of("app", &alice), [session(1), session(2), session(3)]);
        assert_eq!(sessions.of("other", &alice), []);
        sessions.leave("app", &alice, session(2).connection);
        assert_eq!(sessions.of("app", &alice), [session(1), session(3)]);
        (1..4).for_each(|slot| sessions.leave("app", &alice, session(slot).connection));
        assert!(sessions.shards.iter().all(|shard| shard.lock().is_empty()));
    }
}
