//! What an application is told of its rooms over HTTP: copies of messages, and who comes and goes (chatroom.md §e.9). A room says who
//! comes and goes only where its application wants to know.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use super::entry::Outcome;
use super::presence::{Connection, Person};
use super::state::Room;
use crate::id::{AccountId, ConnId, Epoch, RoomId, UnixMs};
use crate::wire::pb::MemberType;

/// What an application wants to be told of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reports {
    /// Which application: each report names it.
    pub app_key: Arc<str>,
    /// Whether there is an address for what names none of `envs`.
    pub by_default: bool,
    /// Copies of messages.
    pub messages: bool,
    /// Who comes and goes.
    pub in_out: bool,
    /// The environments a message may name that have an address of their own.
    pub envs: BTreeSet<Box<str>>,
}

impl Reports {
    /// Where the copy of a message goes that names this environment: into the one it names, else into the default, which has no name.
    /// `None`: nowhere.
    pub fn env_of(&self, named: &str) -> Option<&str> {
        match self.envs.get(named) {
            Some(env) => Some(env),
            None => self.by_default.then_some(""),
        }
    }
}

/// One thing that an application is told.
#[derive(Clone, PartialEq, Eq, Debug)]
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
#[derive(Clone, PartialEq, Eq, Debug)]
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

/// Number of the client type of what comes over HTTP.
const CLIENT_HTTP: u32 = 32;

impl Room {
    /// Whether the application of the room wants to know who comes and goes.
    fn reports_in_out(&self) -> bool {
        self.settings.reports.as_ref().is_some_and(|reports| reports.in_out && reports.by_default)
    }

    /// Notes that one connection comes or goes. To be called while it is here.
    pub(super) fn note_passage(&self, account: &AccountId, connection: ConnId, way: Way, ext: &str, outcome: &mut Outcome) {
        if !self.reports_in_out() {
            return;
        }
        if let Some(person) = self.people.person(account)
            && let Some(own) = person.connections.iter().find(|own| own.id == connection)
        {
            outcome.in_out.push(self.passage(account, person, Some(own), way, ext));
        }
    }

    /// Notes that an account goes, with all its connections and as a robot. Its tags are known only while it is here.
    pub(super) fn note_passages(&self, account: &AccountId, person: &Person, way: Way, ext: &str, outcome: &mut Outcome) {
        if !self.reports_in_out() {
            return;
        }
        let connections = person.connections.iter().map(Some);
        for own in connections.chain((person.robot && person.connections.is_empty()).then_some(None)) {
            outcome.in_out.push(self.passage(account, person, own, way, ext));
        }
    }

    /// Notes that a robot comes or goes. To be called while it is here.
    pub(super) fn note_robot(&self, account: &AccountId, way: Way, ext: &str, outcome: &mut Outcome) {
        if let (true, Some(person)) = (self.reports_in_out(), self.people.person(account)) {
            outcome.in_out.push(self.passage(account, person, None, way, ext));
        }
    }

    fn passage(&self, account: &AccountId, person: &Person, own: Option<&Connection>, way: Way, ext: &str) -> InOut {
        let role = match self.member_type(account) {
            // Who has just gone is known no more.
            MemberType::Unset if person.anonymous => MemberType::Anonymous,
            MemberType::Unset => MemberType::Visitor,
            role => role,
        };
        InOut {
            account: account.clone(),
            way,
            client_type: own.map_or(CLIENT_HTTP, |own| own.client_type.into()),
            role,
            anonymous: person.anonymous,
            tags: own.map_or_else(Vec::new, |own| self.people.tags().of(own.id).to_vec()),
            target: own.map_or_else(String::new, |own| self.people.tags().target(own.id)),
            ext: ext.into(),
        }
    }
}
