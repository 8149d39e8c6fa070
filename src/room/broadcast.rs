//! A message of the application to all its rooms (rest-api.md §5).

use crate::subject::Actor;
use std::sync::Arc;

use super::content::{check_content, plain};
use super::expression::Expression;
use super::settings::Settings;
use crate::error::{Code, Status, Sub};
use crate::id::MessageId;
use crate::wire::pb;

/// A message to all rooms of an application, checked once for all of them.
#[derive(Clone, Debug)]
pub struct Broadcast {
    pub(super) id: MessageId,
    pub(super) request: pb::MessageSendRequest,
    /// What `notify_target_tags` says, compiled once; `None`: everyone.
    pub(super) expression: Option<Arc<Expression>>,
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
        let rewritten = settings.moderate_message(&request)?;
        rewritten.body.into_iter().for_each(|body| request.body = body);
        rewritten.attach.into_iter().for_each(|attach| request.attach = attach);
        Ok(Broadcast { id, request, expression })
    }
}
