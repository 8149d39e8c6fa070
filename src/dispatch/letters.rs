//! Letters between subjects (im.md §0.3), as they travel between workers: what waits in an outbox goes to the owner of its destination,
//! is evaluated there exactly once, and its verdict comes back when that is durable. Either may be lost on its way, and comes again.

use bytes::Bytes;
use prost::Message as _;

use super::outbox::Waiting;
use crate::error::Status;
use crate::id::{Epoch, Seq, SubjectId, SubjectKind, UnixMs};
use crate::subject::{Address, LetterId, ServerId, Shard};
use crate::wire::store;

/// A shard, and the kind of those of its subjects that wrote a letter: each has an outbox of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Source {
    /// The shard.
    pub shard: Shard,
    /// The kind.
    pub kind: SubjectKind,
}

impl Source {
    pub(super) fn of_kept(shard: u32, kind: u32) -> Option<Source> {
        Some(Source { shard: Shard::new(u8::try_from(shard).ok()?)?, kind: kind_of(kind)? })
    }
}

/// A letter on its way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sent {
    /// Its id.
    pub id: LetterId,
    /// The shard and kind that sends it.
    pub source: Source,
    /// The subject that it is for.
    pub to: Address,
    /// Its content.
    pub body: Bytes,
    /// The letter before it to the same destination; the default where the source knows of none.
    pub predecessor: LetterId,
    /// All letters up to here have verdicts at their source, for good.
    pub confirmed: LetterId,
    /// How often the source has begun anew; comes back with the verdict.
    pub attempt: u32,
}

/// The fate of a letter at its destination.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is an entry.
    Accepted,
    /// It is refused, for good.
    Refused(Status),
    /// It is not looked at: one before it has not come yet.
    Gap,
}

/// A piece of mail between subjects.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Post {
    /// To the owner of a letter's destination.
    Letter(Box<Sent>),
    /// To the owner of its source.
    Verdict(Box<Sent>, Verdict),
}

impl Post {
    /// The kind of the subjects it is for.
    pub fn kind(&self) -> SubjectKind {
        match self {
            Post::Letter(sent) => sent.to.kind,
            Post::Verdict(sent, _) => sent.source.kind,
        }
    }

    /// About how many bytes it keeps alive while it waits.
    pub fn weight(&self) -> usize {
        let (Post::Letter(sent) | Post::Verdict(sent, _)) = self;
        size_of::<Sent>() + sent.body.len()
    }

    /// The shard whose owner it goes to.
    pub(super) fn shard(&self) -> Shard {
        match self {
            Post::Letter(sent) => sent.to.shard(),
            Post::Verdict(sent, _) => sent.source.shard,
        }
    }
}

/// A change of the state of a shard, in the commit of what it comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShardChange {
    /// The shard.
    pub shard: Shard,
    /// The key of a row.
    pub key: Bytes,
    /// The content of the row from then on; `None`: it goes.
    pub value: Option<Bytes>,
}

/// An entry, or a part of one, that is the envelope's: letters that were evaluated by it.
pub struct Note<K> {
    /// The subject.
    pub subject: K,
    /// Place of the entry.
    pub seq: Seq,
    /// The entry that the log has before it.
    pub previous: Seq,
    /// Its epoch.
    pub epoch: Epoch,
    /// Its time.
    pub time: UnixMs,
    /// The note.
    pub bytes: Bytes,
    /// True if the entry is nothing but its note; false if there is a record with the same place.
    pub is_alone: bool,
}

fn kind_of(number: u32) -> Option<SubjectKind> {
    let kinds = [SubjectKind::Room, SubjectKind::User, SubjectKind::Group, SubjectKind::Call];
    kinds.into_iter().find(|kind| *kind as u32 == number)
}

// Rows of a shard: that of the last id, and those of letters.
const LAST_ID: u8 = 0;
const LETTER: u8 = 1;

/// The key of the row that has the last id that subjects of a kind were given.
pub(super) fn last_id_key(kind: SubjectKind) -> Bytes {
    Bytes::copy_from_slice(&[LAST_ID, kind as u8])
}

/// The key of a letter's row.
pub(super) fn letter_key(id: LetterId) -> Bytes {
    [&[LETTER], &id.entry.get().to_be_bytes()[..], &id.index.to_be_bytes()].concat().into()
}

/// The content of a letter's row.
pub(super) fn letter_row(source: SubjectId, to: &Address, body: Bytes) -> Bytes {
    let kept = store::Letter {
        source_kind: source.kind() as u32,
        source: source.number(),
        app_key: to.app_key.to_string(),
        kind: to.kind as u32,
        key: Bytes::copy_from_slice(&to.key),
        body,
    };
    kept.encode_to_vec().into()
}

/// A row of a shard.
pub(super) enum Row {
    LastId(ServerId),
    Letter(Waiting),
}

/// Reads a row of a shard; `None` if it is none of these.
pub(super) fn read_row(key: &[u8], value: &[u8]) -> Option<Row> {
    let (kind, key) = key.split_first()?;
    match *kind {
        LAST_ID => Some(Row::LastId(ServerId::of_number(i64::from_be_bytes(value.try_into().ok()?)))),
        LETTER => {
            let (entry, index) = key.split_first_chunk::<8>()?;
            let entry = ServerId::of_number(i64::from_be_bytes(*entry));
            let id = LetterId { entry, index: u32::from_be_bytes(index.try_into().ok()?) };
            let kept = store::Letter::decode(value).ok()?;
            let source = SubjectId::new(kind_of(kept.source_kind)?, kept.source).ok()?;
            let kind = kind_of(kept.kind)?;
            let to = Address { app_key: kept.app_key.into(), kind, key: Box::from(&kept.key[..]) };
            Some(Row::Letter(Waiting { id, source, to, body: kept.body }))
        }
        _ => None,
    }
}
