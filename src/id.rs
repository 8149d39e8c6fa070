//! Identifiers as types, parsed once at the edge. Open to every module.

use std::cmp::Ordering;
use std::fmt;
#[cfg(feature = "server")]
use std::hash::BuildHasherDefault;
#[cfg(not(feature = "sim"))]
use std::hash::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};
use std::num::NonZeroU64;
use std::sync::Arc;
#[cfg(not(feature = "sim"))]
use std::sync::LazyLock;

use crate::error::{Code, Status};
use crate::limits;

/// A room, unique on a server. Positive. Rooms made over HTTP count up from 1 and are never reused; those made by clients lie in
/// the upper half of the numbers, each name always at the same one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RoomId(i64);

impl RoomId {
    /// The room with this number; 414 unless it is positive (chatroom.md §a.3).
    pub fn new(number: i64) -> Result<RoomId, Status> {
        if number > 0 { Ok(RoomId(number)) } else { Err(Status::bad_parameter("room_id must be positive")) }
    }

    /// The room made by a client for whose name `hash` stands.
    pub fn of_client(hash: u64) -> RoomId {
        RoomId(i64::try_from(hash >> 2).unwrap_or(0) | CLIENT_ROOMS)
    }

    /// True if a client made this room (chatroom.md §c.6), and the last to leave ends it.
    pub fn is_of_client(self) -> bool {
        self.0 >= CLIENT_ROOMS
    }

    /// The number behind the id.
    pub fn get(self) -> i64 {
        self.0
    }
}

/// Where the numbers of rooms made by clients begin.
const CLIENT_ROOMS: i64 = 1 << 62;

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A kind of subject (im.md §0.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum SubjectKind {
    /// A room.
    Room = 0,
    /// An account, and everything that belongs to it.
    User = 1,
    /// A group.
    Group = 2,
    /// A call.
    Call = 3,
}

/// A subject: its kind, and its number among its kind. As small as a number, for there is one for everybody in every subject: a room is
/// its number, the others are below zero, with the kind in the bits behind the sign.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectId(i64);

/// Position of the kind in the number of a subject that is no room.
const SUBJECT_KIND_BIT: u32 = 60;

impl SubjectId {
    /// The subject of this kind with this number; 414 unless the number is positive, and below 2^60 if it is no room's.
    pub fn new(kind: SubjectKind, number: i64) -> Result<SubjectId, Status> {
        let has_room = kind == SubjectKind::Room || number < 1 << SUBJECT_KIND_BIT;
        if number <= 0 || !has_room {
            return Err(Status::bad_parameter("the number of a subject must be positive, and below 2^60 if it is no room's"));
        }
        Ok(match kind {
            SubjectKind::Room => SubjectId(number),
            _ => SubjectId(i64::MIN | i64::from(kind as u8) << SUBJECT_KIND_BIT | number),
        })
    }

    /// Its kind.
    pub fn kind(self) -> SubjectKind {
        match (self.0 >= 0, self.0 >> SUBJECT_KIND_BIT & 0b111) {
            (true, _) => SubjectKind::Room,
            (false, 1) => SubjectKind::User,
            (false, 2) => SubjectKind::Group,
            (false, _) => SubjectKind::Call,
        }
    }

    /// Its number among its kind.
    pub fn number(self) -> i64 {
        if self.0 >= 0 { self.0 } else { self.0 & ((1 << SUBJECT_KIND_BIT) - 1) }
    }

    /// The number it has in keys on disk: a room's own, the others' with their kind above it, where no room's number reaches: counted ones
    /// lie below 2^60, those made by clients above 2^62.
    pub fn to_key(self) -> u64 {
        self.0.cast_unsigned() & !(1 << 63)
    }

    /// The subject behind a number that [`SubjectId::to_key`] gave.
    pub fn of_key(key: u64) -> Option<SubjectId> {
        let id = i64::try_from(key).ok().filter(|id| *id > 0)?;
        let is_room = matches!(id >> SUBJECT_KIND_BIT, 0 | 4..);
        Some(SubjectId(if is_room { id } else { i64::MIN | id }))
    }

    /// The room it is, if it is one.
    pub fn room(self) -> Option<RoomId> {
        (self.0 > 0).then_some(RoomId(self.0))
    }
}

impl From<RoomId> for SubjectId {
    fn from(room: RoomId) -> SubjectId {
        SubjectId(room.0)
    }
}

/// A user: the number of its account in the directory, and behind it in the low six bits its shard, so that its owner is known from it
/// alone, as from every id a server makes (im.md §0.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UserId(SubjectId);

/// Bits of a user's number that are its shard.
const USER_SHARD_BITS: u32 = 6;

impl UserId {
    /// The user of the account with this number, which falls into this shard; 414 unless the number is positive and below 2^54.
    pub fn new(number: i64, shard: u8) -> Result<UserId, Status> {
        let fits = (1..1 << (SUBJECT_KIND_BIT - USER_SHARD_BITS)).contains(&number);
        let shard = i64::from(shard) & ((1 << USER_SHARD_BITS) - 1);
        let number = if fits { number << USER_SHARD_BITS | shard } else { 0 };
        SubjectId::new(SubjectKind::User, number).map(UserId)
    }

    /// The user that a subject is, if it is one.
    pub fn of(subject: SubjectId) -> Option<UserId> {
        (subject.kind() == SubjectKind::User).then_some(UserId(subject))
    }

    /// Number of its account in the directory.
    pub fn number(self) -> i64 {
        self.0.number() >> USER_SHARD_BITS
    }

    /// Number of its shard.
    pub fn shard(self) -> u8 {
        u8::try_from(self.0.number() & ((1 << USER_SHARD_BITS) - 1)).unwrap_or(0)
    }
}

impl From<UserId> for SubjectId {
    fn from(user: UserId) -> SubjectId {
        user.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

impl fmt::Debug for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.kind(), self.number())
    }
}

/// An account, in lower case: accounts are compared without regard to case. Cheap to clone, and to look up: its hash is made once.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountId(Arc<[u8]>);

/// Bytes of the hash that stands before the name.
const HASH_BYTES: usize = 8;

impl AccountId {
    /// Parses a name of 1-32 bytes out of letters, digits and the punctuation chatroom.md §a.2 allows; 414 otherwise.
    pub fn parse(name: &str) -> Result<AccountId, Status> {
        if name.is_empty() || name.len() > limits::ACCOUNT_BYTES_MAX {
            return Err(Status::bad_parameter("account must be 1-32 bytes"));
        }
        if !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Status::bad_parameter("account must be printable ASCII without blanks"));
        }
        let mut bytes = [0; HASH_BYTES + limits::ACCOUNT_BYTES_MAX];
        let bytes = &mut bytes[..HASH_BYTES + name.len()];
        bytes[HASH_BYTES..].copy_from_slice(name.as_bytes());
        bytes[HASH_BYTES..].make_ascii_lowercase();
        let hash = hash_of(&bytes[HASH_BYTES..]);
        bytes[..HASH_BYTES].copy_from_slice(&hash.to_le_bytes());
        Ok(AccountId(Arc::from(&*bytes)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.name()).unwrap_or_default()
    }

    /// A number that stands for the account in tables of this process; the next one has others.
    pub fn hashed(&self) -> u64 {
        u64::from_le_bytes(self.0.first_chunk::<HASH_BYTES>().copied().unwrap_or_default())
    }

    fn name(&self) -> &[u8] {
        self.0.get(HASH_BYTES..).unwrap_or_default()
    }
}

/// The hash of an account's name, under a key that nobody outside this process knows.
#[cfg(not(feature = "sim"))]
fn hash_of(name: &[u8]) -> u64 {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    KEY.hash_one(name)
}

/// The hash of an account's name: in a simulation the same in every process.
#[cfg(feature = "sim")]
fn hash_of(name: &[u8]) -> u64 {
    std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default().hash_one(name)
}

impl Hash for AccountId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hashed());
    }
}

impl Ord for AccountId {
    fn cmp(&self, other: &AccountId) -> Ordering {
        self.name().cmp(other.name())
    }
}

impl PartialOrd for AccountId {
    fn partial_cmp(&self, other: &AccountId) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AccountId").field(&self.as_str()).finish()
    }
}

/// A map by accounts, which bring their hash along.
#[cfg(feature = "server")]
pub type ByAccount<V> = std::collections::HashMap<AccountId, V, BuildHasherDefault<BroughtAlong>>;

/// A set of accounts, which bring their hash along.
#[cfg(feature = "server")]
pub type AccountSet = std::collections::HashSet<AccountId, BuildHasherDefault<BroughtAlong>>;

/// Takes the hash that an [`AccountId`] brings along as it is.
#[cfg(feature = "server")]
#[derive(Default)]
pub struct BroughtAlong(u64);

#[cfg(feature = "server")]
impl Hasher for BroughtAlong {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Nothing but accounts is looked up here; whatever else came would collide and still be found.
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// A message's id, chosen by its sender: 1-64 characters. The key of deduplication together with room and sender.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct MessageId(Box<str>);

impl MessageId {
    /// Checks the length; 414 otherwise.
    pub fn parse(id: &str) -> Result<MessageId, Status> {
        if id.is_empty() || id.chars().nth(limits::MESSAGE_ID_CHARS_MAX).is_some() {
            return Err(Status::bad_parameter("message_id must be 1-64 characters"));
        }
        Ok(MessageId(id.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The place of an entry in its room's log, and of what members hear of it: 1, 2, 3 … per room.
///
/// Within one epoch a number never means two things. Numbers members do not see belong to silent changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Seq(pub u64);

impl Seq {
    /// The number that follows.
    pub fn next(self) -> Seq {
        Seq(self.0.saturating_add(1))
    }
}

/// Counts the starts of a node: what was not durable before a start may have been numbered in an older epoch only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Epoch(pub u64);

/// Milliseconds since 1970, from the server's clock; carried by entries, never read inside the core.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct UnixMs(pub i64);

/// Microseconds on a monotonic clock of the caller's choosing, for deadlines of the sans-IO core.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(pub u64);

impl Time {
    /// This time and `ms` milliseconds more.
    pub fn plus_ms(self, ms: u64) -> Time {
        Time(self.0.saturating_add(ms.saturating_mul(1000)))
    }

    /// Milliseconds from the clock's 0 to this time.
    pub fn ms(self) -> i64 {
        i64::try_from(self.0 / 1000).unwrap_or(i64::MAX)
    }

    /// Milliseconds that have passed since `earlier`, 0 if it lies ahead.
    pub fn ms_since(self, earlier: Time) -> u64 {
        self.0.saturating_sub(earlier.0) / 1000
    }
}

/// A device of an account (chatroom.md §a.5): a number that stands for the name the client gives it, the same on every machine. Two
/// devices of one account that shared a number would take each other's place, and nobody else's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct DeviceId(u64);

impl DeviceId {
    /// True if the device has a name.
    pub fn is_named(self) -> bool {
        self != DeviceId::default()
    }
}

impl From<&str> for DeviceId {
    /// The device with this name; none for an empty one.
    fn from(name: &str) -> DeviceId {
        if name.is_empty() {
            return DeviceId::default();
        }
        let hash =
            name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
        DeviceId(hash.max(1))
    }
}

/// A map by numbers that the node makes itself, so that nobody outside can choose keys that collide; faster than one that has to
/// fear that.
#[cfg(feature = "server")]
pub type ByNumber<K, V> = std::collections::HashMap<K, V, NumberHash>;

/// How numbers are hashed: otherwise in every process, but for simulations.
#[cfg(all(feature = "server", not(feature = "sim")))]
pub type NumberHash = foldhash::fast::RandomState;
/// How numbers are hashed: otherwise in every process, but for simulations.
#[cfg(feature = "sim")]
pub type NumberHash = foldhash::fast::FixedState;

/// One connection of a node: which worker holds it, in which slot, and the how-manieth of that worker.
///
/// Never reused while the process lives, so that a late answer cannot reach a newcomer in the same slot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnId(NonZeroU64);

impl ConnId {
    /// Packs worker (8 bits), running number (32 bits) and slot (24 bits).
    pub fn new(worker: u8, number: u32, slot: u32) -> ConnId {
        debug_assert!(slot < 1 << 24, "a worker holds at most 16 M connections");
        ConnId::from_raw(u64::from(worker) << 56 | u64::from(number) << 24 | u64::from(slot & 0x00FF_FFFF))
    }

    /// The id as a number, for the log.
    pub fn get(self) -> u64 {
        self.0.get() - 1
    }

    /// The id behind a number that [`ConnId::get`] gave.
    pub fn from_raw(raw: u64) -> ConnId {
        // One more, so that "no connection" needs no room of its own: there is a place of this size for everybody in every room.
        ConnId(NonZeroU64::MIN.saturating_add(raw))
    }

    /// The worker that holds the connection.
    pub fn worker(self) -> usize {
        (self.get() >> 56) as usize
    }

    /// The connection's slot on its worker.
    pub fn slot(self) -> usize {
        (self.get() & 0x00FF_FFFF) as usize
    }
}

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.get())
    }
}

impl std::str::FromStr for ConnId {
    type Err = Status;

    fn from_str(text: &str) -> Result<ConnId, Status> {
        u64::from_str_radix(text, 16).map(ConnId::from_raw).map_err(|_| Status::new(Code::BadParameter, "not a connection id"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_compared_without_regard_to_case() {
        assert_eq!(AccountId::parse("Alice").unwrap(), AccountId::parse("aLICE").unwrap());
    }

    #[test]
    fn account_and_message_ids_end_at_their_limits() {
        assert!(AccountId::parse(&"a".repeat(32)).is_ok());
        assert_eq!(AccountId::parse(&"a".repeat(33)).unwrap_err().code, Code::BadParameter);
        assert!(AccountId::parse("").is_err());
        assert!(MessageId::parse(&"é".repeat(64)).is_ok());
        assert!(MessageId::parse(&"é".repeat(65)).is_err());
    }

    #[test]
    fn a_subject_keeps_its_kind_and_number_and_a_room_is_its_number() {
        use SubjectKind::{Call, Group, Room, User};
        for kind in [Room, User, Group, Call] {
            for number in [1, 77, (1 << 60) - 1] {
                let id = SubjectId::new(kind, number).unwrap();
                assert_eq!((id.kind(), id.number()), (kind, number));
                assert_eq!(id.room().map(RoomId::get), (kind == Room).then_some(number));
            }
            assert!(SubjectId::new(kind, 0).is_err() && SubjectId::new(kind, -1).is_err());
        }
        let keys = [Room, User, Group, Call].map(|kind| SubjectId::new(kind, 77).unwrap().to_key());
        assert_eq!(keys, [77, 1 << 60 | 77, 2 << 60 | 77, 3 << 60 | 77]);
        for key in [1, 77, (1 << 60) - 1, 1 << 60 | 1, 2 << 60 | 77, (4 << 60) - 1, 1 << 62, i64::MAX.cast_unsigned()] {
            assert_eq!(SubjectId::of_key(key).map(SubjectId::to_key), Some(key));
        }
        assert!(SubjectId::of_key(0).is_none() && SubjectId::of_key(1 << 63).is_none());
        let room = RoomId::of_client(u64::MAX);
        assert_eq!(SubjectId::from(room).room(), Some(room));
        assert_eq!(SubjectId::new(Room, room.get()).unwrap(), room.into());
        assert!(SubjectId::new(User, 1 << 60).is_err());
        assert_eq!(size_of::<SubjectId>(), 8);
    }

    #[test]
    fn a_user_says_its_account_and_its_shard() {
        for (number, shard) in [(1, 0), (77, 63), ((1 << 54) - 1, 37)] {
            let user = UserId::new(number, shard).unwrap();
            assert_eq!((user.number(), user.shard()), (number, shard));
            assert_eq!(UserId::of(user.into()), Some(user));
        }
        assert!(UserId::new(0, 1).is_err() && UserId::new(1 << 54, 1).is_err());
        assert!(UserId::of(RoomId::new(77).unwrap().into()).is_none());
    }

    #[test]
    fn connection_ids_keep_their_parts() {
        let id = ConnId::new(3, u32::MAX, 77);
        assert_eq!((id.worker(), id.slot()), (3, 77));
        assert_eq!(id.to_string().parse::<ConnId>().unwrap(), id);
    }
}
