//! Accounts as subjects and their owners speak of them: by a number of this process, with which they tell the account's owner what
//! becomes of it.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::shard::Shard;
use crate::id::AccountId;
use crate::limits::SHARDS;

/// The key under which a node hashes accounts. It lasts as long as the process and keeps outsiders from finding names that share a
/// hash.
#[derive(Clone, Copy)]
pub struct AccountKey([u64; 2]);

/// An account of an application, or the application itself: a number of this process, whose remainder by [`SHARDS`] is the shard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AccountHash(u64);

impl std::fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountKey").finish_non_exhaustive()
    }
}

impl AccountKey {
    /// `key` should come from the system's randomness.
    pub fn new(key: [u64; 2]) -> AccountKey {
        AccountKey(key)
    }

    /// An account, in the shard of its user.
    pub fn account(&self, app_key: &str, account: &AccountId) -> AccountHash {
        let shard = u64::from(Shard::of_account(app_key, account).number());
        let hash = self.hash(app_key, account.as_str());
        AccountHash(hash - hash % SHARDS as u64 + shard)
    }

    /// The application itself, which is counted like an account. Its shard lasts no longer than the key.
    pub fn app(&self, app_key: &str) -> AccountHash {
        AccountHash(self.hash(app_key, ""))
    }

    fn hash(&self, app_key: &str, account: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.0, app_key, account).hash(&mut hasher);
        hasher.finish()
    }
}

impl AccountHash {
    /// The worker that owns it, of so many.
    pub fn owner(self, workers: usize) -> usize {
        Shard::masked(self.0).owner(workers)
    }
}

/// A fact about an account, from the owner of a subject to the owner of the account. Facts of one subject arrive in the order in which
/// they became true, and before anybody is answered who could act on them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note<K> {
    /// The account is in the subject.
    Entered {
        /// Which account.
        hash: AccountHash,
        /// Its name.
        account: AccountId,
        /// The subject.
        subject: K,
        /// Subjects made over HTTP that it may be in.
        entered_max: u32,
        /// The subject was reserved for it, and counts from now on as entered.
        is_reserved: bool,
    },
    /// A reserved subject was not entered.
    Refused {
        /// Which account.
        hash: AccountHash,
        /// The subject.
        subject: K,
    },
    /// The account is in the subject no more.
    Left {
        /// Which account.
        hash: AccountHash,
        /// The subject.
        subject: K,
    },
    /// One more subject that the account, or the application, has made waits for its end, or one less.
    Waits {
        /// Which account, or which application.
        hash: AccountHash,
        /// True for one more.
        is_one_more: bool,
    },
}

impl<K> Note<K> {
    /// The account that it is about.
    pub fn hash(&self) -> AccountHash {
        match self {
            Note::Entered { hash, .. } | Note::Refused { hash, .. } | Note::Left { hash, .. } | Note::Waits { hash, .. } => {
                *hash
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_owned_where_its_user_is() {
        let key = AccountKey::new([1, 2]);
        for name in ["alice", "bob", "carol", "Dave"] {
            let account = AccountId::parse(name).unwrap();
            let shard = Shard::of_account("app", &account);
            (1..=5).for_each(|workers| assert_eq!(key.account("app", &account).owner(workers), shard.owner(workers)));
            assert_ne!(key.account("app", &account), key.account("other", &account));
            assert_ne!(key.account("app", &account), AccountKey::new([1, 3]).account("app", &account));
        }
    }
}
