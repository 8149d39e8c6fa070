//! What a room notes for its application: who comes and goes, and what becomes of the queue (chatroom.md §e.9).

use super::entry::Outcome;
use super::presence::{Connection, Person};
use super::report::{InOut, QueueReport, Way};
use super::state::Room;
use crate::id::{AccountId, ConnId};
use crate::wire::pb::{MemberType, QueueElementChange, QueueEvent};

/// Number of the client type of what comes over HTTP.
const CLIENT_HTTP: u32 = 32;

impl Room {
    /// True if the application of the room wants to know who comes and goes.
    fn reports_in_out(&self) -> bool {
        self.settings.reports.as_ref().is_some_and(|reports| reports.tells_in_out())
    }

    /// Notes that one connection comes or goes. To be called while it is here.
    pub(super) fn note_passage(&self, account: &AccountId, connection: ConnId, way: Way, ext: &str, outcome: &mut Outcome) {
        if !self.reports_in_out() {
            return;
        }
        if let Some(person) = self.people.person(account)
            && let Some(own) = person.connections.iter().find(|own| own.id == connection)
        {
            outcome.told.in_out.push(self.passage(account, person, Some(own), way, ext));
        }
    }

    /// Notes that an account goes, with all its connections and as a robot. Its tags are known only while it is here.
    pub(super) fn note_passages(&self, account: &AccountId, person: &Person, way: Way, ext: &str, outcome: &mut Outcome) {
        if !self.reports_in_out() {
            return;
        }
        let connections = person.connections.iter().map(Some);
        for own in connections.chain((person.robot && person.connections.is_empty()).then_some(None)) {
            outcome.told.in_out.push(self.passage(account, person, own, way, ext));
        }
    }

    /// Notes that a robot comes or goes. To be called while it is here.
    pub(super) fn note_robot(&self, account: &AccountId, way: Way, ext: &str, outcome: &mut Outcome) {
        if let (true, Some(person)) = (self.reports_in_out(), self.people.person(account)) {
            outcome.told.in_out.push(self.passage(account, person, None, way, ext));
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
            client: None,
        }
    }

    /// Notes what has become of the queue, if the application of the room wants to know.
    pub(super) fn note_queue(
        &self,
        operator: &AccountId,
        event: QueueEvent,
        again: bool,
        elements: impl FnOnce() -> Vec<QueueElementChange>,
    ) -> Option<Box<QueueReport>> {
        let is_wanted = self.settings.reports.as_ref().is_some_and(|reports| reports.queue && reports.by_default);
        is_wanted.then(|| Box::new(QueueReport { operator: operator.clone(), event, again, elements: elements() }))
    }
}
