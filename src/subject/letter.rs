//! Letters: durable, idempotent commands from one subject to another (im.md §0.3), and where they go.

use bytes::Bytes;

use super::server_id::ServerId;
use super::shard::Shard;
use crate::id::{AccountId, SubjectKind};

/// The subject that a letter is for, by the name that everybody knows it by: its number may be known to its owner alone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Address {
    /// Its application.
    pub app_key: Box<str>,
    /// Its kind.
    pub kind: SubjectKind,
    /// A user's account in lower case; a number as 8 bytes, big-endian, of every other kind.
    pub key: Box<[u8]>,
}

impl Address {
    /// The user of an account.
    pub fn of_account(app_key: &str, account: &AccountId) -> Address {
        Address { app_key: app_key.into(), kind: SubjectKind::User, key: account.as_str().as_bytes().into() }
    }

    /// The account that it names, if it is that of a user.
    pub fn account(&self) -> Option<AccountId> {
        let name = std::str::from_utf8(&self.key).ok().filter(|_| self.kind == SubjectKind::User)?;
        AccountId::parse(name).ok()
    }

    /// The number that it names, if it is not that of a user.
    pub fn number(&self) -> Option<i64> {
        let number = <[u8; 8]>::try_from(&*self.key).ok().filter(|_| self.kind != SubjectKind::User)?;
        Some(i64::from_be_bytes(number))
    }

    /// The shard of the subject, whose owner gets the letter.
    pub fn shard(&self) -> Shard {
        match self.kind {
            SubjectKind::Group | SubjectKind::Call => ServerId::of_number(self.number().unwrap_or(0)).shard(),
            SubjectKind::Room => Shard::hashed("", self.kind, &self.key),
            SubjectKind::User => Shard::hashed(&self.app_key, self.kind, &self.key),
        }
    }
}

/// The news an entry has for another subject, once it is durable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Letter {
    /// The subject that it is for.
    pub to: Address,
    /// Its content, for its destination to read, and for its source if it is refused.
    pub body: Bytes,
    /// The command is answered when the verdict on the letter is in, or [`VERDICT_TIMEOUT_MS`](crate::limits::VERDICT_TIMEOUT_MS)
    /// after its commit.
    pub is_decisive: bool,
}

/// The id of a letter: the id of the entry that wrote it, and its place among that entry's letters. Letters of a shard are in the order
/// of their ids. The default stands for none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LetterId {
    /// Id of the entry.
    pub entry: ServerId,
    /// Place, from 0.
    pub index: u32,
}

impl LetterId {
    /// An id below this one and above every other one below it.
    pub fn before(self) -> LetterId {
        match self.index.checked_sub(1) {
            Some(index) => LetterId { index, ..self },
            None => LetterId { entry: ServerId::of_number(self.entry.get().saturating_sub(1)), index: u32::MAX },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RoomId;

    #[test]
    fn nothing_lies_between_an_id_and_the_one_before_it() {
        let id = |entry, index| LetterId { entry: ServerId::of_number(entry), index };
        assert_eq!(id(7, 3).before(), id(7, 2));
        assert!(id(7, 0).before() < id(7, 0) && id(7, 0).before() > id(6, 100));
    }

    #[test]
    fn an_address_falls_into_the_shard_of_its_subject() {
        let alice = AccountId::parse("Alice").unwrap();
        let address = Address::of_account("demo", &alice);
        assert_eq!((address.shard(), address.account()), (Shard::of_account("demo", &alice), Some(alice)));
        let to = |kind, number: i64| Address { app_key: "demo".into(), kind, key: number.to_be_bytes().into() };
        assert_eq!(to(SubjectKind::Room, 7).shard(), Shard::of_room(RoomId::new(7).unwrap()));
        let id = ServerId::first(Shard::new(9).unwrap(), crate::id::UnixMs(1_800_000_000_000));
        assert_eq!(to(SubjectKind::Group, id.get()).shard(), id.shard());
        assert_eq!((to(SubjectKind::Call, 8).number(), to(SubjectKind::User, 8).number()), (Some(8), None));
    }
}
