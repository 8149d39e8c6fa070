//! Notifications: what a change looks like to the members (chatroom.md §g).

use super::command::{Actor, Command, Op, Origin};
use super::entry::{Entry, Kick, Outcome, Presence};
use super::presence::Person;
use super::state::Room;
use crate::id::AccountId;
use crate::wire::pb::{self, KickReason, NotificationType};
use crate::wire::{Push, Response};

/// Why somebody is taken out of the room, and the words that go with it.
pub(super) struct Farewell<'a> {
    pub reason: KickReason,
    pub message: &'a str,
    pub ext: &'a str,
}

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
    pub(super) fn expel(&mut self, account: &AccountId, farewell: &Farewell<'_>, outcome: &mut Outcome) {
        let connections = self.people.person(account).into_iter().flat_map(|person| &person.connections);
        for connection in connections.map(|own| own.id).collect::<Vec<_>>() {
            self.note_heard(account, connection, self.last_time);
        }
        if let Some(person) = self.people.remove_all(account) {
            self.say_farewell(&person, farewell, outcome);
            outcome.follow_ups.extend(self.clear_owner_command(account));
        }
    }

    /// Adds to an outcome that the connections of a person, which is no longer here, are told why.
    pub(super) fn say_farewell(&self, person: &Person, farewell: &Farewell<'_>, outcome: &mut Outcome) {
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
            room_id: self.id.get(),
        }
    }

    /// The consequence of an account's last connection leaving, if it has elements in the queue that go with it.
    pub(super) fn clear_owner_command(&self, account: &AccountId) -> Option<Command> {
        self.queue.has_transient_of(account).then(|| Command {
            actor: Actor {
                account: account.clone(),
                connection: None,
                origin: Origin::Server,
                anonymous: false,
                globally_muted: false,
                client_type: 0,
            },
            op: Op::QueueClearOwner,
        })
    }
}

impl Outcome {
    /// An outcome that lasts.
    pub(super) fn lasting(reply: Response) -> Outcome {
        Outcome { durable: true, ..Outcome::reply(reply) }
    }

    /// The same, and everybody in the room is notified, unless there is nothing to say; the history keeps it.
    pub(super) fn notified(reply: Response, notice: Option<Box<pb::Notification>>) -> Outcome {
        Outcome { in_history: notice.is_some(), push: notice.map(Push::Notification), ..Outcome::lasting(reply) }
    }
}
