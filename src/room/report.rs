//! Reports that an application receives about its rooms over HTTP: copies of messages, joins and leaves, and changes of the queue
//! (chatroom.md §e.9). A room makes reports of the latter two only if its application wants to know.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use crate::id::{AccountId, Epoch, RoomId, UnixMs};
use crate::wire::pb::{MemberType, QueueElementChange, QueueEvent};
use crate::wire::store;

/// What an application wants to be told of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reports {
    /// Which application: each report names it.
    pub app_key: Arc<str>,
    /// True if there is an address for what names none of `envs`.
    pub by_default: bool,
    /// Copies of messages.
    pub messages: bool,
    /// Who comes and goes.
    pub in_out: bool,
    /// Changes of the queue.
    pub queue: bool,
    /// The environments a message may name that have an address of their own.
    pub envs: BTreeSet<Box<str>>,
}

impl Reports {
    /// True if the application receives joins and leaves.
    pub fn tells_in_out(&self) -> bool {
        self.in_out && self.by_default
    }

    /// Where the copy of a message goes that names this environment: into the one it names, else into the default, which has no name.
    /// `None`: nowhere.
    pub fn env_of(&self, named: &str) -> Option<&str> {
        match self.envs.get(named) {
            Some(env) => Some(env),
            None => self.by_default.then_some(""),
        }
    }
}

impl Report {
    /// Bytes that an outbox keeps of it beside its line and its number.
    pub fn into_kept(self) -> store::Report {
        let what = match self.what {
            Reported::Message { body, resend, to } => store::report::What::Message(store::ReportedMessage { body, resend, to }),
            Reported::InOut(passage) => store::report::What::InOut(in_out(*passage)),
            Reported::Queue(change) => store::report::What::Queue(store::QueueChange {
                operator: change.operator.to_string(),
                event: change.event as i32,
                again: change.again,
                elements: change.elements,
            }),
        };
        store::Report { app_key: self.app_key.as_ref().into(), time_ms: self.time.0, what: Some(what) }
    }
}

fn in_out(passage: InOut) -> store::InOut {
    store::InOut {
        account: passage.account.as_str().into(),
        way: match passage.way {
            Way::In => store::Way::In,
            Way::Exit => store::Way::Exit,
            Way::Offline => store::Way::Offline,
            Way::Kick => store::Way::Kick,
            Way::LoginKick => store::Way::LoginKick,
        } as i32,
        client_type: passage.client_type,
        role: passage.role as i32,
        anonymous: passage.anonymous,
        tags: passage.tags.iter().map(|tag: &Arc<str>| tag.as_ref().into()).collect(),
        target: passage.target,
        ext: passage.ext,
        client_ip: passage.client.as_ref().map(|client| client.address.to_string()).unwrap_or_default(),
        sdk_version: passage.client.as_ref().map(|client| client.sdk_version.to_string()).unwrap_or_default(),
    }
}

/// One thing that an application is told.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// In which room it happened.
    pub room: RoomId,
    /// Whose room it is.
    pub app_key: Arc<str>,
    /// To which environment it goes; empty: the default.
    pub env: Box<str>,
    /// The epoch of the node that saw it.
    pub epoch: Epoch,
    /// Grows with each report of the room in one epoch.
    pub number: u64,
    /// When it happened.
    pub time: UnixMs,
    /// What happened.
    pub what: Reported,
}

/// What an application is told.
#[derive(Clone, PartialEq, Debug)]
pub enum Reported {
    /// A message was accepted.
    Message {
        /// Body of the push, kind 0x0380.
        body: Bytes,
        /// The sender said that it sends it again.
        resend: bool,
        /// Whom alone it is for; empty: the room.
        to: Vec<String>,
    },
    /// Somebody came or went.
    InOut(Box<InOut>),
    /// The queue has changed.
    Queue(Box<QueueReport>),
}

/// Noted of an entry for the application beside the push, if the application wants to know.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Noted {
    /// Comings and goings, in order.
    pub in_out: Vec<InOut>,
    /// Change of the queue.
    pub queue: Option<Box<QueueReport>>,
}

/// A change of the queue.
#[derive(Clone, PartialEq, Debug)]
pub struct QueueReport {
    /// Account that changed the queue.
    pub operator: AccountId,
    /// Kind of change to its elements.
    pub event: QueueEvent,
    /// It was offered under a key that was there, or taken by its key.
    pub again: bool,
    /// Which elements; of a drop only the keys.
    pub elements: Vec<QueueElementChange>,
}

impl QueueReport {
    /// About how many bytes it keeps.
    pub fn weight(&self) -> usize {
        self.elements.iter().map(|element| element.key.len() + element.value.len()).sum()
    }
}

/// Facts about the client of a connection beside its type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientFacts {
    /// The address it comes from, as a text.
    pub address: Box<str>,
    /// The version of its library, in its own words.
    pub sdk_version: Box<str>,
}

/// A connection of an account, or a robot, comes or goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InOut {
    /// Who.
    pub account: AccountId,
    /// How.
    pub way: Way,
    /// Number of the client type; 32 for robots, which come over HTTP.
    pub client_type: u32,
    /// What the account is in the room.
    pub role: MemberType,
    /// It has no account of its own.
    pub anonymous: bool,
    /// The tags of the connection, as far as they are still known.
    pub tags: Vec<Arc<str>>,
    /// Its expression, likewise.
    pub target: String,
    /// What was said with it.
    pub ext: String,
    /// The client of who enters, if it is known.
    pub client: Option<Arc<ClientFacts>>,
}

impl InOut {
    /// About how many bytes of texts it keeps.
    pub fn weight(&self) -> usize {
        self.tags.iter().map(|tag| tag.len()).sum::<usize>() + self.target.len() + self.ext.len()
    }
}

/// How somebody comes or goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// It enters.
    In,
    /// It leaves on purpose.
    Exit,
    /// Its connection was lost, and the grace is over.
    Offline,
    /// It is put out.
    Kick,
    /// It gives way to another connection of its account.
    LoginKick,
}
