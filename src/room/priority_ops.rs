//! Who hears messages of high priority again on entering (chatroom.md §e.4).

use super::entry::Record;
use crate::subject::{Audience, PushBody};
use prost::Message as _;

use super::command::Op;
use super::priority::Pending;
use super::state::Room;
use crate::id::{AccountId, ConnId, UnixMs};
use crate::wire::pb;

impl Room {
    /// Notes what of the backlog a connection has heard, before it ceases to hear the room. One that is lost was noted when that
    /// happened, and has heard nothing since.
    pub(super) fn note_heard(&mut self, account: &AccountId, connection: ConnId, now: UnixMs) {
        let Some(person) = self.people.person(account) else { return };
        let Some(own) = person.connections.iter().find(|own| own.id == connection && !own.detached) else { return };
        if let Some(priority) = self.priority.present() {
            priority.note_heard(account, connection, own.after, now);
        }
    }

    /// As [`Room::note_heard`], for one that another takes the place of: what it missed since it was lost is replayed.
    pub(super) fn note_replaced(&mut self, account: &AccountId, connection: ConnId, now: UnixMs) {
        let Some(person) = self.people.person(account) else { return };
        let Some(own) = person.connections.iter().find(|own| own.id == connection) else { return };
        if let Some(priority) = self.priority.present() {
            priority.note_heard(account, connection, own.after, now);
        }
    }

    /// The messages that a connection which has just entered hears once more, oldest first: those that its account has not heard
    /// and did not send, and that are for it. If they are more than a fresh connection should be sent, the newest.
    pub(super) fn resend(&mut self, account: &AccountId, connection: ConnId, now: UnixMs) -> Vec<pb::Message> {
        if self.priority.is_empty() {
            return Vec::new();
        }
        let Some(person) = self.people.person(account) else { return Vec::new() };
        let Some(own) = person.connections.iter().find(|own| own.id == connection) else { return Vec::new() };
        let others = || person.connections.iter().filter(|other| other.id != connection && !other.detached);
        let is_for = |pending: &Pending| {
            pending.message.from != account.as_str()
                && !others().any(|other| pending.is_heard_by(other.id, other.after))
                && self.is_for(&pending.message, own.id)
        };
        let chosen = self.priority.unheard(account, is_for);
        let resent = chosen.iter().map(|pending| pb::Message { resent: true, ..(*pending.message).clone() }).collect();
        let numbers: Vec<u64> = chosen.iter().map(|pending| pending.number).collect();
        self.priority.note(account, &numbers, now);
        resent
    }

    /// Brings a message of high priority back that the log holds; to follow the [`Room::replay`] of its entry. Who had heard it is
    /// no longer known.
    pub fn replay_push(&mut self, record: &Record) {
        let (Op::Send(request), Some(PushBody::Message { body, .. })) = (&record.entry.command.op, &record.push) else {
            return;
        };
        // What was said before the room began was said in another.
        let is_ours = self.exists() && record.entry.seq > self.born;
        if is_ours
            && request.high_priority
            && request.high_priority_resend == Some(true)
            && let Ok(message) = pb::Message::decode(body.clone())
        {
            self.priority.keep(&message, &Audience::Only([].into()), record.entry.stamp.clock);
        }
    }
}
