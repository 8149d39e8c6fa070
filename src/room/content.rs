//! Contents that a message may hold, whatever becomes of it (chatroom.md §a.6, §c.3).

use crate::subject::Origin;
use std::borrow::Cow;

use serde::Deserialize;

use super::check;
use super::moderator::stand_in;
use crate::error::Status;
use crate::id::AccountId;
use crate::limits;
use crate::wire::pb::{self, MessageType};

/// A text that came as `{"msg":"…"}` in the attachment, as one that came in the body (chatroom.md §a.6).
pub(super) fn plain(request: &pb::MessageSendRequest) -> Cow<'_, pb::MessageSendRequest> {
    #[derive(Deserialize)]
    struct Text {
        msg: String,
    }
    if request.r#type != MessageType::Text as i32 || !request.body.is_empty() || request.attach.is_empty() {
        return Cow::Borrowed(request);
    }
    match serde_json::from_slice(&request.attach) {
        Ok(Text { msg }) => {
            Cow::Owned(pb::MessageSendRequest { body: msg.into(), attach: Default::default(), ..request.clone() })
        }
        Err(_) => Cow::Borrowed(request),
    }
}

pub(super) fn check_content(origin: Origin, request: &pb::MessageSendRequest) -> Result<(), Status> {
    let kind = MessageType::try_from(request.r#type).map_err(|_| Status::bad_parameter("type is no message type"))?;
    let body = check::text("body", &request.body, limits::BODY_CHARS_MAX)?;
    let attach = check::text("attach", &request.attach, limits::BODY_CHARS_MAX)?;
    check::text("ext", &request.ext, limits::EXT_CHARS_MAX)?;
    match kind {
        // Over HTTP a text may be empty (chatroom.md §c.3).
        MessageType::Text if origin == Origin::Http => {}
        MessageType::Text => check::chars_some("body", body, limits::BODY_CHARS_MAX)?,
        MessageType::Image | MessageType::Audio | MessageType::Video | MessageType::Geo | MessageType::File => {
            if !check::is_object(attach.as_bytes()) {
                return Err(Status::bad_parameter("attach must be a JSON object"));
            }
        }
        MessageType::Barrage => check::chars_some("body", body, limits::BODY_CHARS_MAX)?,
        MessageType::Tip | MessageType::Custom | MessageType::Notification | MessageType::Robot => {}
    }
    if request.abandon_ratio.is_some_and(|ratio| ratio > 9999) {
        return Err(Status::bad_parameter("abandon_ratio must be 0-9999"));
    }
    check::chars("env", &request.env, limits::MESSAGE_ENV_CHARS_MAX)?;
    check::chars("callback_ext", &request.callback_ext, limits::CALLBACK_EXT_CHARS_MAX)?;
    request.moderation.as_ref().map_or(Ok(()), |moderation| check_moderation(kind, moderation))
}

fn check_moderation(kind: MessageType, moderation: &pb::Moderation) -> Result<(), Status> {
    if moderation.use_yidun.is_some_and(|number| number != 0) {
        return Err(Status::bad_parameter("use_yidun must be 0"));
    }
    if moderation.antispam && kind != MessageType::Custom {
        return Err(Status::bad_parameter("antispam goes with type 100 only"));
    }
    check::chars("bid", &moderation.bid, limits::MODERATION_ID_CHARS_MAX)?;
    check::chars("antispam_custom", &moderation.antispam_custom, limits::ANTISPAM_CUSTOM_CHARS_MAX)?;
    if moderation.antispam && !moderation.antispam_custom.is_empty() {
        stand_in(&moderation.antispam_custom)?;
    }
    check::chars("yidun_anti_cheating", &moderation.yidun_anti_cheating, limits::MODERATION_ID_CHARS_MAX)?;
    check::chars("yidun_antispam_ext", &moderation.yidun_antispam_ext, limits::MODERATION_ID_CHARS_MAX)
}

pub(super) fn check_receivers(request: &pb::MessageSendRequest) -> Result<Vec<AccountId>, Status> {
    if request.to_accounts.len() > limits::DIRECTED_ACCOUNTS_MAX {
        return Err(Status::bad_parameter(format!("to_accounts must not be more than {}", limits::DIRECTED_ACCOUNTS_MAX)));
    }
    let has_tags = request.notify_target_tags.as_ref().is_some_and(|expression| !expression.is_empty());
    if !request.to_accounts.is_empty() && (has_tags || request.at.is_some()) {
        return Err(Status::bad_parameter("a directed message has neither tags nor coordinates"));
    }
    request.to_accounts.iter().map(|name| check::account("to_accounts", name)).collect()
}
