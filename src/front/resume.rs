//! Resume tokens: proof that a client held a connection (chatroom.md §d.7). Nothing is stored: a token names the connection and is
//! sealed with a key that lasts as long as the process, like the places it could be good for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::id::{AccountId, ConnId};

/// The key tokens are sealed with.
pub(super) struct ResumeKey([u8; 32]);

impl ResumeKey {
    pub fn new(key: [u8; 32]) -> ResumeKey {
        ResumeKey(key)
    }

    /// The token of a connection. Single use follows from what it is for: once taken over, the connection is in no room.
    pub fn issue(&self, connection: ConnId, app_key: &str, account: &AccountId) -> String {
        let mut token = connection.get().to_be_bytes().to_vec();
        token.extend_from_slice(&self.seal(connection, app_key, account).finalize().into_bytes()[..16]);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The connection a token was issued for, if it was issued to this account by this process.
    pub fn verify(&self, token: &str, app_key: &str, account: &AccountId) -> Option<ConnId> {
        let token = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (name, proof) = token.split_first_chunk::<8>()?;
        let connection = ConnId::from_raw(u64::from_be_bytes(*name));
        if proof.len() != 16 {
            return None;
        }
        self.seal(connection, app_key, account).verify_truncated_left(proof).ok()?;
        Some(connection)
    }

    fn seal(&self, connection: ConnId, app_key: &str, account: &AccountId) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(&connection.get().to_be_bytes());
        mac.update(app_key.as_bytes());
        mac.update(&[0]);
        mac.update(account.as_str().as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_account_only_and_cannot_be_altered() {
        let key = ResumeKey::new([1; 32]);
        let (alice, bob) = (AccountId::parse("alice").unwrap(), AccountId::parse("bob").unwrap());
        let token = key.issue(ConnId::new(1, 2, 3), "app", &alice);
        assert_eq!(key.verify(&token, "app", &alice), Some(ConnId::new(1, 2, 3)));
        assert_eq!(key.verify(&token, "app", &bob), None);
        assert_eq!(key.verify(&token, "other", &alice), None);
        assert_eq!(ResumeKey::new([2; 32]).verify(&token, "app", &alice), None);
        let mut altered = URL_SAFE_NO_PAD.decode(&token).unwrap();
        altered[7] ^= 1;
        assert_eq!(key.verify(&URL_SAFE_NO_PAD.encode(altered), "app", &alice), None);
        assert_eq!(key.verify("", "app", &alice), None);
    }
}
