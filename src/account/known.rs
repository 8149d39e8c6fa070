//! An account as the node keeps it in memory: what a login and an enter need, in one allocation. The rest of its profile stays on
//! disk.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq as _;

use super::model::Account;
use crate::error::{Code, Status, Sub};
use crate::id::AccountId;

/// An account as the node keeps it in memory. Cheap to clone.
///
/// Number, hash, application, lengths and flags, then name, token, nick and avatar, one after the other.
#[derive(Clone, PartialEq, Eq)]
pub struct Known(Arc<[u8]>);

/// Bytes before the texts.
const HEAD: usize = 22;
/// Cannot log in.
const BLOCKED: u8 = 1;
/// Cannot send in rooms.
const MUTED: u8 = 2;

impl Known {
    pub(super) fn new(app: u32, account: &Account) -> Known {
        let name = account.id.as_str();
        let texts = [name, account.token.reveal(), &account.name, &account.icon];
        // Bounded far below this when they were set; what a damaged store has beyond it counts as not there.
        let texts = texts.map(|text| if text.len() > usize::from(u16::MAX) { "" } else { text });
        let [name_bytes, token_bytes, nick_bytes, _] = texts.map(|text| u16::try_from(text.len()).unwrap_or_default());
        let mut flags = if account.blocked { BLOCKED } else { 0 };
        flags |= if account.is_muted_in_rooms() { MUTED } else { 0 };
        let mut bytes = Vec::with_capacity(HEAD + texts.iter().map(|text| text.len()).sum::<usize>());
        bytes.extend_from_slice(&account.number.to_le_bytes());
        bytes.extend_from_slice(&hash(app, &account.id).to_le_bytes());
        bytes.extend_from_slice(&app.to_le_bytes());
        bytes.extend_from_slice(&token_bytes.to_le_bytes());
        bytes.extend_from_slice(&nick_bytes.to_le_bytes());
        bytes.extend_from_slice(&[u8::try_from(name_bytes).unwrap_or_default(), flags]);
        texts.iter().for_each(|text| bytes.extend_from_slice(text.as_bytes()));
        Known(bytes.into())
    }

    /// Number of the account's user among subjects.
    pub fn number(&self) -> i64 {
        i64::from_le_bytes(self.head(0))
    }

    /// Its name: the nick where a room knows no other.
    pub fn nick(&self) -> &str {
        self.text(2)
    }

    /// Address of its avatar.
    pub fn avatar(&self) -> &str {
        self.text(3)
    }

    /// True if it cannot log in: 422.
    pub fn is_blocked(&self) -> bool {
        self.flags() & BLOCKED != 0
    }

    /// True if every send in a room is 423.
    pub fn is_muted_in_rooms(&self) -> bool {
        self.flags() & MUTED != 0
    }

    /// True if `offered` is the account's static token, which takes the same time wherever two tokens of one length differ.
    pub(super) fn token_matches(&self, offered: &str) -> bool {
        let token = self.text(1).as_bytes();
        !token.is_empty() & bool::from(token.ct_eq(offered.as_bytes()))
    }

    /// 422 if the account is blocked.
    pub(super) fn check_open(&self) -> Result<(), Status> {
        if self.is_blocked() { Err(Status::with_sub(Code::AccountDisabled, Sub::AccountBanned)) } else { Ok(()) }
    }

    /// True if it is this account of this application.
    pub(super) fn is(&self, app: u32, id: &AccountId) -> bool {
        u32::from_le_bytes(self.head(12)) == app && self.text(0) == id.as_str()
    }

    /// True if it is the same account as another, whatever else is known of both.
    pub(super) fn is_same(&self, other: &Known) -> bool {
        self.head::<8>(8) == other.head::<8>(8) && self.text(0) == other.text(0)
    }

    /// Its place among the accounts of all applications.
    pub(super) fn hash(&self) -> u32 {
        u32::from_le_bytes(self.head(8))
    }

    /// Bytes it occupies, with the counts of those who share it.
    pub(super) fn bytes(&self) -> usize {
        2 * size_of::<usize>() + self.0.len()
    }

    fn flags(&self) -> u8 {
        self.head::<1>(21)[0]
    }

    fn head<const N: usize>(&self, at: usize) -> [u8; N] {
        self.0.get(at..).and_then(|bytes| bytes.first_chunk()).copied().unwrap_or([0; N])
    }

    /// Name, token, nick, avatar.
    fn text(&self, which: usize) -> &str {
        let lengths = [
            usize::from(self.head::<1>(20)[0]),
            usize::from(u16::from_le_bytes(self.head(16))),
            usize::from(u16::from_le_bytes(self.head(18))),
        ];
        let begin = HEAD + lengths.iter().take(which).sum::<usize>();
        let end = lengths.get(which).map_or(self.0.len(), |length| begin + length);
        self.0.get(begin..end).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").field("account", &self.text(0)).field("number", &self.number()).finish_non_exhaustive()
    }
}

/// The place of an account among those of all applications.
pub(super) fn hash(app: u32, id: &AccountId) -> u32 {
    // The low half: the high one says which part of the cache the account lies in.
    (id.hashed() as u32).wrapping_add(app.wrapping_mul(0x9E37_79B1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{MutedIn, Secret};

    #[test]
    fn what_a_login_needs_of_an_account_comes_back_out_of_its_bytes() {
        let id = AccountId::parse("Alice").unwrap();
        let account = Account {
            number: i64::MAX,
            token: Secret::new("t0k3n"),
            name: "Ä".repeat(64),
            icon: "i".repeat(1024),
            sign: "not here".into(),
            muted_in: MutedIn { rooms: true, ..MutedIn::default() },
            ..Account::new(id.clone())
        };
        let known = Known::new(7, &account);
        assert_eq!((known.number(), known.nick(), known.avatar()), (i64::MAX, &*account.name, &*account.icon));
        assert!(known.token_matches("t0k3n") && !known.token_matches("t0k3m") && !known.token_matches(""));
        assert!(known.is_muted_in_rooms() && !known.is_blocked() && known.check_open().is_ok());
        assert!(known.is(7, &id) && !known.is(8, &id) && !known.is(7, &AccountId::parse("alic").unwrap()));
        assert!(!format!("{known:?}").contains("t0k3n"));
        let plain = Known::new(0, &Account { blocked: true, ..Account::new(id) });
        assert!(!plain.token_matches("") && plain.is_blocked() && plain.check_open().is_err());
        assert_eq!((plain.nick(), plain.avatar()), ("", ""));
    }
}
