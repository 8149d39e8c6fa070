//! A message of the application to all its rooms: the part of one room in it (rest-api.md §5). Not stored, and nothing of it lasts.

use std::sync::Arc;

use super::command::{Actor, Origin};
use super::dedup::Accepted;
use super::entry::{Entry, Outcome};
use super::expression::Expression;
use super::message::{check_content, plain, sent};
use super::settings::Settings;
use super::state::Room;
use crate::error::{Code, Status, Sub};
use crate::id::{MessageId, RoomId};
use crate::wire::{Push, pb};

/// A message to all rooms of an application, checked once for all of them.
#[derive(Clone, Debug)]
pub struct Broadcast {
    id: MessageId,
    request: pb::MessageSendRequest,
    /// What `notify_target_tags` says, compiled once; `None`: everyone.
    expression: Option<Arc<Expression>>,
}

impl PartialEq for Broadcast {
    fn eq(&self, other: &Broadcast) -> bool {
        self.request == other.request
    }
}

impl Broadcast {
    /// Checks what does not depend on a room, against the settings of the application's rooms: 414 for what the message holds, 423
    /// if its sender is muted everywhere, 403 if their moderator refuses it. A broadcast has neither receivers nor coordinates, and
    /// cannot be abandoned.
    pub fn new(settings: &Arc<Settings>, actor: &Actor, request: &pb::MessageSendRequest) -> Result<Broadcast, Status> {
        let id = MessageId::parse(&request.message_id)?;
        let mut request = plain(request).into_owned();
        check_content(actor.origin, &request)?;
        let target = request.notify_target_tags.clone().unwrap_or_default();
        let expression = match target.as_str() {
            "" => None,
            text => Some(Arc::new(Expression::parse("notify_target_tags", text)?)),
        };
        if actor.globally_muted {
            return Err(Status::with_sub(Code::AccountMuted, Sub::AccountMuted));
        }
        // No room is asked: what is refused here is refused everywhere.
        let rewritten = Room::new(RoomId::new(1)?, settings.clone()).moderate_message(&request)?;
        rewritten.body.into_iter().for_each(|body| request.body = body);
        rewritten.attach.into_iter().for_each(|attach| request.attach = attach);
        Ok(Broadcast { id, request, expression })
    }
}

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
