//! The numbers of rooms made by clients: a keyed hash of application and name, so that every node start finds the same room under
//! a name without a directory, and nobody can choose names that share a number (chatroom.md §c.6).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::error::{Code, Status};
use crate::id::RoomId;
use crate::log::{Space, Store};

/// Where the key is kept.
const KEY: &[u8] = b"client_rooms_key";
const KEY_BYTES: usize = 32;

/// A random key that lasts as long as the store, kept under `name`; made at the first start.
pub(super) fn node_key<const BYTES: usize>(store: &dyn Store, name: &[u8]) -> Result<[u8; BYTES], Status> {
    let failed = |error: &dyn std::fmt::Display| Status::new(Code::ServerError, error.to_string());
    let kept = store.scan(Space::Node).map_err(|error| failed(&error))?;
    if let Some((_, value)) = kept.iter().find(|(key, _)| &key[..] == name) {
        let name = String::from_utf8_lossy(name);
        return value[..].try_into().map_err(|_| failed(&format!("{name} in the store is no key")));
    }
    let mut key = [0; BYTES];
    getrandom::fill(&mut key).map_err(|_| failed(&"the system gives no random numbers"))?;
    store.put(Space::Node, name, &key).map_err(|error| failed(&error))?;
    Ok(key)
}

/// The key names are hashed with. It lasts as long as the store.
pub(crate) struct AliasKey([u8; KEY_BYTES]);

impl AliasKey {
    /// The key of this store; made, and kept, at the first start.
    pub(crate) fn of(store: &dyn Store) -> Result<AliasKey, Status> {
        node_key(store, KEY).map(AliasKey)
    }

    /// The room that goes by a name in an application.
    pub(crate) fn room(&self, app_key: &str, alias: &str) -> RoomId {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(app_key.as_bytes());
        mac.update(&[0]);
        mac.update(alias.as_bytes());
        let hash = mac.finalize().into_bytes();
        RoomId::of_client(hash.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::MemoryLog;

    #[test]
    fn a_name_has_one_number_for_as_long_as_its_store() {
        let (log, other) = (MemoryLog::new().unwrap(), MemoryLog::new().unwrap());
        let room = AliasKey::of(&log).unwrap().room("app", "lobby");
        assert!(room.is_of_client());
        assert_eq!(AliasKey::of(&log).unwrap().room("app", "lobby"), room);
        assert_ne!(AliasKey::of(&log).unwrap().room("app", "Lobby"), room);
        assert_ne!(AliasKey::of(&log).unwrap().room("other", "lobby"), room);
        assert_ne!(AliasKey::of(&other).unwrap().room("app", "lobby"), room);
    }
}
