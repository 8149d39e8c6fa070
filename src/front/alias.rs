//! The numbers of rooms made by clients: a keyed hash of application and name, so that every node start finds the same room under
//! a name without a directory, and nobody can choose names that share a number (chatroom.md §c.6).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::id::RoomId;

/// The key names are hashed with. It lasts as long as the store.
pub(super) struct AliasKey([u8; 32]);

impl AliasKey {
    pub fn new(key: [u8; 32]) -> AliasKey {
        AliasKey(key)
    }

    /// The room that goes by a name in an application.
    pub fn room(&self, app_key: &str, alias: &str) -> RoomId {
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

    #[test]
    fn a_name_has_one_number_under_one_key() {
        let key = AliasKey::new([1; 32]);
        let room = key.room("app", "lobby");
        assert!(room.is_of_client());
        assert_eq!(AliasKey::new([1; 32]).room("app", "lobby"), room);
        assert_ne!(key.room("app", "Lobby"), room);
        assert_ne!(key.room("other", "lobby"), room);
        assert_ne!(AliasKey::new([2; 32]).room("app", "lobby"), room);
    }
}
