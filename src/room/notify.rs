//! Notifications: what a change looks like to the members (chatroom.md §g).

use super::entry::{Command, Entry, Farewell, Outcome};
use crate::subject::{Actor, Kick, Presence};
use std::collections::BTreeSet;

use super::command::Op;
use super::presence::Person;
use super::report::Way;
use super::state::Room;
use crate::id::{AccountId, ConnId, UnixMs};
use crate::wire::pb::{self, NotificationType};

impl Room {
    /// A notification of what the entry's actor did, without particulars.
    pub(super) fn notice(&self, entry: &Entry, kind: NotificationType, ext: &str) -> Box<pb::Notification> {
        let operator = &entry.command.actor.account;
        Box::new(pb::Notification {
            room_id: self.id.get(),
            seq: entry.seq.0,
            time_ms: entry.stamp.time.0,
            epoch: entry.epoch.0,
            r#type: kind as i32,
            operator: operator.as_str().into(),
            operator_nick: self.nick_of(operator).into(),
            ext: ext.into(),
            ..Default::default()
        })
    }

    /// As [`Room::notice`], done to somebody.
    pub(super) fn notice_about(
        &self,
        entry: &Entry,
        kind: NotificationType,
        target: &AccountId,
        ext: &str,
    ) -> Box<pb::Notification> {
        let mut notice = self.notice(entry, kind, ext);
        notice.targets = vec![target.as_str().into()];
        notice.target_nicks = vec![self.nick_of(target).into()];
        notice
    }

    /// What an account is called here.
    pub(super) fn nick_of(&self, account: &AccountId) -> &str {
        self.shown(account).0
    }

    /// Takes an account out of the room, telling each of its connections why.
    pub(super) fn expel(&mut self, account: &AccountId, farewell: &Farewell<'_>, time: UnixMs, outcome: &mut Outcome) {
        let connections = self.people.person(account).into_iter().flat_map(|person| &person.connections);
        for connection in connections.map(|own| own.id).collect::<Vec<_>>() {
            self.note_heard(account, connection, time);
        }
        if let Some(person) = self.people.person(account) {
            self.say_farewell(account, person, farewell, outcome);
            self.people.remove_all(account);
            self.depart(account, time, outcome);
        }
    }

    /// Takes one connection out. A robot stays without its connections, and keeps what is its own.
    pub(super) fn leave(&mut self, account: &AccountId, connection: ConnId, time: UnixMs, outcome: &mut Outcome) {
        self.note_heard(account, connection, time);
        if self.people.remove(account, connection).is_some() {
            self.depart(account, time, outcome);
        } else if !self.is_connected(account) {
            outcome.departed.push(account.clone());
        }
    }

    /// Adds to an outcome what follows from the last connection of an account having left: everything that goes with it.
    pub(super) fn depart(&mut self, account: &AccountId, time: UnixMs, outcome: &mut Outcome) {
        outcome.departed.push(account.clone());
        if self.people.len() == 0 {
            self.empty_since = time;
        }
        match self.end_if_due(time) {
            // Nobody is left to hear of anything that goes before the room itself does.
            Some(end) => outcome.follow_ups.push(end),
            None => outcome.follow_ups.extend(self.left_by(account)),
        }
    }

    /// Adds to an outcome that the connections of a person that is put out are told why.
    pub(super) fn say_farewell(&self, account: &AccountId, person: &Person, farewell: &Farewell<'_>, outcome: &mut Outcome) {
        self.note_passages(account, person, Way::Kick, farewell.ext, outcome);
        for connection in &person.connections {
            outcome.presence.push(Presence::Left(connection.id));
            outcome.kicks.push(Kick { connection: connection.id, kicked: self.kicked(farewell) });
        }
    }

    /// What a connection that has to go is told.
    pub(super) fn kicked(&self, farewell: &Farewell<'_>) -> pb::Kicked {
        pb::Kicked {
            reason: farewell.reason as i32,
            message: farewell.message.into(),
            ext: farewell.ext.into(),
            may_reconnect: false,
            retry_after_ms: 0,
            spread_ms: 0,
            room_id: self.id.get(),
        }
    }

    /// The commands that take out what goes with an account that is here no more: its transient elements of the queue, the
    /// attributes of the room it owns, those it carries.
    pub(super) fn left_by(&self, account: &AccountId) -> Vec<Command> {
        let left = [
            (self.queue.has_transient_of(account), Op::QueueClearOwner),
            (self.owns_going_attributes(account), Op::ClearOwnerAttributes),
            (self.member_attributes.has_going(account), Op::ClearMemberAttributes),
        ];
        let command = |op| Command { actor: Actor::server(account.clone()), op };
        left.into_iter().filter(|(is_left, _)| *is_left).map(|(_, op)| command(op)).collect()
    }

    /// The commands that take out what belongs to accounts that are not here and goes with them, and those who are here and kept out.
    /// There are such only after a restart, when everybody has vanished at once, and after a loss. As many as there are elements in
    /// the queue and attributes and members on the blocklist, at most.
    pub fn left_behind(&self) -> Vec<Command> {
        let elements = self.queue.transient_owners();
        let owned = self.attributes.values().filter(|attribute| attribute.goes).map(|attribute| &attribute.owner);
        let carried = self.member_attributes.after(None).map(|(account, _)| account);
        let accounts: BTreeSet<&AccountId> = elements.chain(owned).chain(carried).collect();
        let absent = accounts.into_iter().filter(|account| self.people.person(account).is_none());
        let kept_out = self.roster.blocklisted().filter(|account| self.people.person(account).is_some());
        let expel = |account: &AccountId| Command { actor: Actor::server(account.clone()), op: Op::Expel };
        absent.flat_map(|account| self.left_by(account)).chain(kept_out.map(expel)).collect()
    }
}
