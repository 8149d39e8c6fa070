//! Mail between workers, in batches: requests to the worker that owns a subject, and what it has for the connections of others.

use bytes::Bytes;

use super::broadcast::Broadcasting;
use super::item::Item;
use super::replay::CatchUp;
use crate::id::ConnId;
use crate::subject::{Actor, Answer, Ask, Key, Subject};
use crate::wire::pb;

/// A request of a connection, as far as its answer needs it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asked<K> {
    /// Who asked.
    pub connection: ConnId,
    /// The request's id.
    pub sequence: u32,
    /// The request's kind, which is the answer's.
    pub kind: u16,
    /// Which subject.
    pub subject: K,
}

/// Who waits for an answer.
pub enum Asker<K> {
    /// A connection.
    Connection(Asked<K>),
    /// A caller within the process, such as the HTTP API. Called once, on the subject's worker; must not block.
    Caller(Box<dyn FnOnce(Answer) + Send>),
    /// Nobody: a consequence of something else.
    Nobody,
}

/// A request to a subject, on its way to the worker that owns it.
pub struct Request<S: Subject> {
    /// Which subject.
    pub subject: S::Key,
    /// The asker.
    pub asker: Asker<S::Key>,
    /// On whose behalf.
    pub actor: Actor,
    /// What.
    pub ask: Ask<S::Op, S::Query>,
    /// The application the subject must belong to, where the actor need not be in the subject.
    pub app_key: Option<Box<str>>,
    /// With a command that takes over from a lost connection: what it has heard of the subject.
    pub resume: Option<Box<pb::RoomPosition>>,
}

/// One piece of a batch.
pub enum Mail<S: Subject> {
    /// To the owner of a subject.
    Request(Box<Request<S>>),
    /// To every worker: a message for all subjects of an application.
    Broadcast(Box<Broadcasting<S>>),
    /// To the holder of a connection: the answer to its request.
    Answer(Asked<S::Key>, Box<Answer>),
    /// To the holder of a connection: the subject lets it read its history, which any worker can look up.
    History {
        /// Who asked.
        asked: Asked<S::Key>,
        /// What.
        query: Box<S::Query>,
        /// How much of it may be read.
        scope: S::History,
    },
    /// To the holder of a connection: from here on it hears the subject, after these frames that it missed.
    Joined {
        /// Which subject.
        subject: S::Key,
        /// Which connection.
        connection: ConnId,
        /// Frames to make up for.
        replay: Vec<Bytes>,
        /// It hears the subject only once the request with this sequence is answered: what it missed comes out of the log.
        held: Option<u32>,
    },
    /// To the holder of a connection: what it missed is to be read out of the log.
    CatchUp(Box<CatchUp<S>>),
    /// To the holder of a connection: it hears the subject no more, for this reason if it did not leave by itself.
    Left {
        /// Which subject.
        subject: S::Key,
        /// Which connection.
        connection: ConnId,
        /// What it is told.
        kicked: Option<Box<pb::Kicked>>,
    },
    /// To every worker that holds members of the subject.
    Frame {
        /// Which subject.
        subject: S::Key,
        /// The frame.
        item: Item,
    },
}

impl<S: Subject> Mail<S> {
    /// About how many bytes the mail keeps alive while it waits.
    pub fn weight(&self) -> usize {
        const FIXED: usize = 256;
        // A request may hold on to the buffer it was received in, which it shares with others.
        const REQUEST: usize = 4096;
        match self {
            Mail::Request(_) | Mail::Broadcast(_) => REQUEST,
            Mail::Frame { item, .. } => FIXED + item.weight(),
            Mail::Joined { replay, .. } => FIXED + replay.iter().map(Bytes::len).sum::<usize>(),
            _ => FIXED,
        }
    }
}

/// The worker that owns a subject: the owner of its shard.
pub fn owner_of(subject: impl Key, workers: usize) -> usize {
    subject.shard().owner(workers)
}
