//! A message of the application to all its rooms: the part of one room in it (rest-api.md §5). Not stored, and nothing of it lasts.

use super::broadcast::Broadcast;
use super::dedup::Accepted;
use super::entry::{Entry, Outcome};
use super::message::sent;
use super::state::Room;
use crate::error::{Code, Status};
use crate::subject::Origin;
use crate::wire::Push;

impl Room {
    /// The message reaches who is here. It carries the application's authority: what the room has against its sender does not hold
    /// it back, and it costs nobody's allowance but that of the room's messages of high priority.
    pub(super) fn broadcast(&mut self, entry: &Entry, broadcast: &Broadcast) -> Result<Outcome, Status> {
        let (actor, now, request) = (&entry.command.actor, entry.stamp.clock, &broadcast.request);
        if actor.origin != Origin::Http {
            return Err(Status::new(Code::Forbidden, "only the application speaks to all its rooms"));
        }
        self.reach(actor)?;
        let mut message = self.message(entry, request, false);
        message.notify_target_tags = request.notify_target_tags.clone().unwrap_or_default();
        message.skip_history = true;
        if let Some(expression) = &broadcast.expression {
            self.expressions.lend(&message.notify_target_tags, expression);
        }
        let audience = self.hearers(actor, &message.notify_target_tags, None);
        message.high_priority = request.high_priority && self.priority.admit(now, self.settings.high_priority_per_second);
        message.resend_on_enter = message.high_priority && request.high_priority_resend.unwrap_or(true);
        if message.resend_on_enter {
            self.priority.keep(&message, &audience, now);
        }
        let high_priority = message.high_priority;
        let accepted =
            Accepted { id: broadcast.id.clone(), seq: entry.seq, epoch: entry.epoch, stamp: entry.stamp.into(), high_priority };
        Ok(Outcome { push: Some(Push::Message(message)), audience, ..Outcome::reply(sent(&accepted, false)) })
    }
}
