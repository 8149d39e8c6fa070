//! Which rooms each account is in, over all workers of the node (chatroom.md §d.5). Changes as accounts come and go, never with a
//! message. An account here is a keyed hash of application and name, so that one that is in a single room costs about 48 bytes.

use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use parking_lot::Mutex;

use crate::id::{AccountId, ByNumber};
use crate::subject::Key;

/// Shards, so that workers seldom wait for each other.
const SHARDS: usize = 64;

/// The rooms of every account that is in one.
pub struct AccountRooms<K> {
    shards: Box<[Shard<K>]>,
    /// How many rooms made by clients wait for their end, by who made them and by application.
    left: Mutex<ByNumber<u64, u32>>,
    /// Keeps outsiders from finding names that share a hash.
    key: [u64; 2],
}

type Shard<K> = Mutex<ByNumber<u64, Rooms<K>>>;

/// The rooms of one account, in the order it entered them.
enum Rooms<K> {
    One(K),
    // The box keeps the many accounts that are in one room small.
    #[allow(clippy::box_collection)]
    Many(Box<Vec<K>>),
}

/// Creator of a room: an account, and its application.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Maker {
    account: u64,
    app: u64,
}

/// What a reservation came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reserved {
    /// The account is in the room already.
    Before,
    /// From now on it counts as being in the room.
    Now {
        /// It is in more rooms made over HTTP than it may be: see `AccountRooms::take_beyond`.
        is_beyond: bool,
    },
    /// It is in as many rooms made by clients as it may be.
    OverQuota,
}

impl<K> fmt::Debug for AccountRooms<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the key nor who is where is for others' eyes.
        f.debug_struct("AccountRooms").finish_non_exhaustive()
    }
}

impl<K: Key> AccountRooms<K> {
    /// A registry of nobody. `key` should come from the system's randomness.
    pub fn new(key: [u64; 2]) -> AccountRooms<K> {
        AccountRooms { shards: (0..SHARDS).map(|_| Shard::default()).collect(), left: Mutex::default(), key }
    }

    /// Counts a room that the account is about to enter. It may be in so many rooms made over HTTP and in so many made by clients;
    /// `leaves` is one of these that does not count any more.
    pub fn reserve(
        &self,
        app_key: &str,
        account: &AccountId,
        room: K,
        leaves: Option<K>,
        (rooms_max, client_rooms_max): (usize, usize),
    ) -> Reserved {
        let hash = self.hash(app_key, account.as_str());
        let mut shard = self.shard(hash).lock();
        match shard.entry(hash) {
            Entry::Vacant(vacant) => {
                vacant.insert(Rooms::One(room));
                Reserved::Now { is_beyond: false }
            }
            Entry::Occupied(mut occupied) => {
                let rooms = occupied.get_mut();
                if rooms.as_slice().contains(&room) {
                    return Reserved::Before;
                }
                let of_clients = rooms.as_slice().iter().filter(|own| !own.is_counted() && Some(**own) != leaves);
                if !room.is_counted() && of_clients.count() >= client_rooms_max.max(1) {
                    return Reserved::OverQuota;
                }
                rooms.push(room);
                Reserved::Now { is_beyond: rooms.made_over_http().count() > rooms_max.max(1) }
            }
        }
    }

    /// Counts a room no more: the account has left it, or did not get in.
    pub fn release(&self, app_key: &str, account: &AccountId, room: K) {
        let hash = self.hash(app_key, account.as_str());
        let mut shard = self.shard(hash).lock();
        if let Entry::Occupied(mut occupied) = shard.entry(hash)
            && occupied.get_mut().remove(room)
        {
            occupied.remove();
        }
    }

    /// The room made over HTTP that the account entered earliest, if it is in more than `rooms_max` of them. It counts no more.
    pub fn take_beyond(&self, app_key: &str, account: &AccountId, rooms_max: usize) -> Option<K> {
        let hash = self.hash(app_key, account.as_str());
        let mut shard = self.shard(hash).lock();
        let rooms = shard.get_mut(&hash)?;
        let mut counted = rooms.made_over_http();
        let earliest = counted.next()?;
        if counted.count() < rooms_max.max(1) {
            return None;
        }
        rooms.remove(earliest);
        Some(earliest)
    }

    /// The rooms the account is in, in the order it entered them.
    pub fn rooms(&self, app_key: &str, account: &AccountId) -> Vec<K> {
        let hash = self.hash(app_key, account.as_str());
        self.shard(hash).lock().get(&hash).map(|rooms| rooms.as_slice().to_vec()).unwrap_or_default()
    }

    /// An account as a maker of rooms.
    pub(super) fn maker(&self, app_key: &str, account: &AccountId) -> Maker {
        Maker { account: self.hash(app_key, account.as_str()), app: self.hash(app_key, "") }
    }

    /// Counts a room that everybody has left, or counts it no more.
    pub(super) fn count_left(&self, maker: Maker, is_left: bool) {
        let mut left = self.left.lock();
        for hash in [maker.account, maker.app] {
            let count = left.entry(hash).or_default();
            *count = if is_left { count.saturating_add(1) } else { count.saturating_sub(1) };
            if *count == 0 {
                left.remove(&hash);
            }
        }
    }

    /// True if this account, or its application, has as many rooms waiting for their end as it may have.
    pub(super) fn has_left_too_many(&self, app_key: &str, account: &AccountId, (own_max, app_max): (usize, usize)) -> bool {
        let Maker { account, app } = self.maker(app_key, account);
        let left = self.left.lock();
        let reaches = |hash, max| left.get(&hash).is_some_and(|count| *count as usize >= max);
        reaches(account, own_max) || reaches(app, app_max)
    }

    /// Accounts that are in a room.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// True if nobody is in a room.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, hash: u64) -> &Shard<K> {
        &self.shards[(hash >> 32) as usize % self.shards.len()]
    }

    fn hash(&self, app_key: &str, account: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.key.hash(&mut hasher);
        app_key.hash(&mut hasher);
        account.hash(&mut hasher);
        hasher.finish()
    }
}

impl<K: Key> Rooms<K> {
    fn as_slice(&self) -> &[K] {
        match self {
            Rooms::One(room) => std::slice::from_ref(room),
            Rooms::Many(rooms) => rooms,
        }
    }

    fn made_over_http(&self) -> impl Iterator<Item = K> {
        self.as_slice().iter().copied().filter(|room| room.is_counted())
    }

    fn push(&mut self, room: K) {
        match self {
            Rooms::One(first) => *self = Rooms::Many(Box::new(vec![*first, room])),
            Rooms::Many(rooms) => rooms.push(room),
        }
    }

    /// True: none is left.
    fn remove(&mut self, room: K) -> bool {
        match self {
            Rooms::One(only) => *only == room,
            Rooms::Many(rooms) => {
                rooms.retain(|own| *own != room);
                if let [only] = rooms[..] {
                    *self = Rooms::One(only);
                }
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_for_an_account_in_one_room_is_small() {
        assert!(size_of::<(u64, Rooms<crate::id::SubjectId>)>() <= 24);
    }
}
