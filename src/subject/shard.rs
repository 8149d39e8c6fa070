//! Shards: every subject falls into one of 64, each of which has one owner at a time (im.md §0.1 rule 2). On disk and in every id a
//! server makes, so nothing here may ever change.

use std::hash::Hasher as _;

use siphasher::sip::SipHasher24;

use super::server_id::ServerId;
use crate::id::{AccountId, RoomId, SubjectId, SubjectKind, UserId};
use crate::limits::SHARDS;

/// The key under which subjects are hashed, as docs/protocol.md has it.
const KEY: &[u8; 16] = b"chatroom/shard/1";

/// One of the [`SHARDS`] shards.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Shard(u8);

impl Shard {
    /// The shard with this number; `None` beyond the last.
    pub fn new(number: u8) -> Option<Shard> {
        (usize::from(number) < SHARDS).then_some(Shard(number))
    }

    /// The shard of a room. A room's number is unique over all applications, and whoever asks for it may name another's: the
    /// application is left empty.
    pub fn of_room(room: RoomId) -> Shard {
        Shard::hashed("", SubjectKind::Room, &room.get().to_be_bytes())
    }

    /// The shard of a user: of everything that belongs to an account.
    pub fn of_account(app_key: &str, account: &AccountId) -> Shard {
        Shard::hashed(app_key, SubjectKind::User, account.as_str().as_bytes())
    }

    /// The shard of a subject: of a room that its number falls into, of a user that its id carries, of a group or call that the
    /// [`ServerId`] names which is its number.
    pub fn of_subject(subject: SubjectId) -> Shard {
        match (subject.room(), UserId::of(subject)) {
            (Some(room), _) => Shard::of_room(room),
            (_, Some(user)) => Shard(user.shard()),
            _ => ServerId::of_number(subject.number()).shard(),
        }
    }

    /// The worker that owns the shard, of so many. Another number of workers at the next start gives other owners.
    pub fn owner(self, workers: usize) -> usize {
        usize::from(self.0) % workers.max(1)
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self.0
    }

    fn hashed(app_key: &str, kind: SubjectKind, key: &[u8]) -> Shard {
        let mut hasher = SipHasher24::new_with_key(KEY);
        hasher.write(app_key.as_bytes());
        hasher.write(&[0, kind as u8]);
        hasher.write(key);
        Shard::masked(hasher.finish())
    }

    pub(super) fn masked(bits: u64) -> Shard {
        Shard((bits % SHARDS as u64) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Values of another implementation (OpenSSL 3, `openssl mac SIPHASH`): they are on disk.
    #[test]
    fn subjects_fall_where_the_document_says() {
        let room = |number| Shard::of_room(RoomId::new(number).unwrap()).number();
        let account = |app, name| Shard::of_account(app, &AccountId::parse(name).unwrap()).number();
        assert_eq!([room(1), room(2), room(4_611_686_018_427_387_905)], [39, 10, 42]);
        assert_eq!([account("demo", "alice"), account("demo", "bob"), account("other", "alice")], [46, 26, 54]);
    }

    #[test]
    fn an_account_has_one_shard_whatever_its_case() {
        let account = |name| Shard::of_account("demo", &AccountId::parse(name).unwrap());
        assert_eq!(account("Alice"), account("aLICE"));
    }

    #[test]
    fn rooms_spread_over_all_shards_and_over_any_number_of_workers() {
        let shard = |number| Shard::of_room(RoomId::new(number).unwrap());
        let mut counts = [0; SHARDS];
        (1..=6400).for_each(|number| counts[usize::from(shard(number).number())] += 1);
        assert!(counts.iter().all(|count| (50..200).contains(count)), "{counts:?}");
        for workers in 1..=9 {
            let mut owned = vec![0; workers];
            (1..=6400).for_each(|number| owned[shard(number).owner(workers)] += 1);
            assert!(owned.iter().all(|count| count * workers > 4800), "{owned:?}");
        }
    }

    #[test]
    fn a_group_and_a_call_say_their_shard_in_their_number() {
        let shard = Shard::new(37).unwrap();
        let id = ServerId::first(shard, crate::id::UnixMs(1_800_000_000_000));
        for kind in [SubjectKind::Group, SubjectKind::Call] {
            assert_eq!(Shard::of_subject(SubjectId::new(kind, id.get()).unwrap()), shard);
        }
        let user = UserId::new(9, shard.number()).unwrap();
        assert_eq!(Shard::of_subject(user.into()), shard);
        assert!(Shard::new(64).is_none());
    }
}
