//! What happens in a room, as lines of text.

use std::fmt::Write;

use crate::wire::pb::{self, KickReason, MemberType, MessageType, NotificationType, QueueEvent};

/// Text of somebody else's, safe for a terminal: what would move the cursor or turn the line around is shown as an escape.
pub(super) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

fn printable_bytes(bytes: &[u8]) -> String {
    printable(&String::from_utf8_lossy(bytes))
}

/// An account, with the nick it goes by where that says more. The nick alone could be anybody's.
fn name(account: &str, nick: &str) -> String {
    if nick.is_empty() || nick == account {
        printable(account)
    } else {
        format!("{} ({})", printable(nick), printable(account))
    }
}

/// A message as a line.
pub(super) fn message(message: &pb::Message) -> String {
    let from = name(&message.from, &message.from_nick);
    let body = printable_bytes(&message.body);
    match MessageType::try_from(message.r#type) {
        Ok(MessageType::Text) => format!("{from}: {body}"),
        Ok(MessageType::Tip) => format!("* {from} tips: {body}"),
        Ok(kind) => format!("{from} [{}]: {}", plain(kind.as_str_name(), "MESSAGE_TYPE_"), printable_bytes(&message.attach)),
        Err(_) => format!("{from} [type {}]: {}", message.r#type, printable_bytes(&message.attach)),
    }
}

/// What happened in a room as a line.
pub(super) fn notification(notification: &pb::Notification) -> String {
    use NotificationType as Type;
    let nick_of = |place: usize| notification.target_nicks.get(place).map_or("", String::as_str);
    let targets: Vec<String> =
        notification.targets.iter().enumerate().map(|(place, account)| name(account, nick_of(place))).collect();
    let by = name(&notification.operator, &notification.operator_nick);
    // Who comes and goes is the operator of it, and the target as well.
    let whom = if targets.is_empty() { by.clone() } else { targets.join(", ") };
    let seconds = notification.mute_seconds;
    let mut line = match notification.r#type() {
        Type::MemberEnter => format!("{whom} came in"),
        Type::MemberExit => format!("{whom} left"),
        Type::BlocklistAdd => format!("{by} put {whom} on the blocklist"),
        Type::BlocklistRemove => format!("{by} took {whom} off the blocklist"),
        Type::MuteAdd => format!("{by} muted {whom}"),
        Type::MuteRemove => format!("{by} unmuted {whom}"),
        Type::AdministratorAdd => format!("{by} made {whom} an administrator"),
        Type::AdministratorRemove => format!("{whom} is no administrator any more, says {by}"),
        Type::CommonAdd => format!("{by} made {whom} a member"),
        Type::CommonRemove => format!("{whom} is no member any more, says {by}"),
        Type::RoomClosed => format!("{by} closed the room"),
        Type::RoomUpdated => format!("{by} changed the room's profile"),
        Type::MemberKicked => format!("{by} kicked {whom}"),
        Type::TempMuteAdd => format!("{by} muted {whom} for {seconds} s"),
        Type::TempMuteRemove => format!("{by} unmuted {whom}"),
        Type::MemberUpdated => format!("{whom} changed their profile"),
        Type::QueueChanged | Type::QueueBatchChanged | Type::QueueBatchOffered => queue_change(&by, notification),
        Type::RoomMuted => format!("{by} muted the room"),
        Type::RoomUnmuted => format!("{by} unmuted the room"),
        Type::TagTempMuteAdd => format!("{by} muted the tag {} for {seconds} s", printable(&notification.target_tag)),
        Type::TagTempMuteRemove => format!("{by} unmuted the tag {}", printable(&notification.target_tag)),
        Type::AttributesChanged | Type::AttributesBatchChanged => format!("{by} changed what the room carries"),
        Type::MemberAttributesChanged => format!("{by} changed what members carry"),
        Type::MessageRecalled => format!("{by} recalled a message"),
        Type::TagsUpdated => format!("{by} changed their tags"),
        Type::Unspecified => "something happened that this version does not know".to_owned(),
    };
    if !notification.ext.is_empty() {
        let _ = write!(line, " ({})", printable(&notification.ext));
    }
    format!("* {line}")
}

fn queue_change(by: &str, notification: &pb::Notification) -> String {
    let Some(change) = &notification.queue_changed else { return format!("{by} changed the queue") };
    let elements: Vec<String> = change.elements.iter().map(|element| pair(&element.key, &element.value)).collect();
    let elements = elements.join(", ");
    match change.event() {
        QueueEvent::Offer | QueueEvent::BatchOffer => format!("{by} offers {elements}"),
        QueueEvent::Poll => format!("{by} took {elements} out of the queue"),
        QueueEvent::Drop => format!("{by} emptied the queue"),
        QueueEvent::PartClear => format!("{elements} left the queue with its owner"),
        QueueEvent::BatchUpdate => format!("{by} changed {elements}"),
        QueueEvent::Unspecified => format!("{by} changed the queue"),
    }
}

/// A key and its value.
pub(super) fn pair(key: &str, value: &[u8]) -> String {
    format!("{}={}", printable(key), printable_bytes(value))
}

/// An item of the history as a line with its number.
pub(super) fn history_item(item: &pb::HistoryItem) -> Option<String> {
    use pb::history_item::Item;
    Some(match item.item.as_ref()? {
        Item::Message(found) => format!("#{} {}", found.seq, message(found)),
        Item::Notification(found) => format!("#{} {}", found.seq, notification(found)),
    })
}

/// A member as a line.
pub(super) fn member(member: &pb::Member) -> String {
    let role = match member.r#type() {
        MemberType::Creator => "creator",
        MemberType::Administrator => "administrator",
        MemberType::Common => "member",
        MemberType::Visitor => "visitor",
        MemberType::Anonymous => "anonymous",
        MemberType::Virtual => "robot",
        MemberType::Limited if member.blocklisted => "blocklisted",
        MemberType::Limited => "muted",
        MemberType::Unset => "unknown",
    };
    let mut line = format!("  {}, {role}", name(&member.account, &member.nick));
    if !member.online {
        line.push_str(", away");
    }
    if member.temp_mute_seconds > 0 {
        let _ = write!(line, ", muted for {} s", member.temp_mute_seconds);
    }
    line
}

/// Why somebody was taken out, as the end of a sentence.
pub(super) fn kick(kicked: &pb::Kicked) -> String {
    let reason = match kicked.reason() {
        KickReason::SelfExit => "you left",
        KickReason::RoomClosed => "the room was closed",
        KickReason::ManagerKick => "an administrator kicked you",
        KickReason::SamePlatform => "the account came in from another device",
        KickReason::Silent => "the server moved you out",
        KickReason::Blocklisted => "you are on the room's blocklist",
        KickReason::AccountBlocked => "the account is blocked",
        KickReason::TokenExpired => "the token has expired",
    };
    match (kicked.message.as_str(), kicked.ext.as_str()) {
        ("", "") => reason.to_owned(),
        (words, "") | ("", words) => format!("{reason}: {}", printable(words)),
        (message, ext) => format!("{reason}: {} ({})", printable(message), printable(ext)),
    }
}

/// The name of a protobuf value without its prefix, in small letters.
fn plain(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: MessageType, body: &'static str, attach: &'static str) -> pb::Message {
        pb::Message {
            from: "alice".into(),
            r#type: kind as i32,
            body: body.into(),
            attach: attach.into(),
            ..Default::default()
        }
    }

    #[test]
    fn text_of_others_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(printable("evil\u{202e}txt"), "evil\\u{202e}txt");
        assert_eq!(printable("grüße, 你好 🎉"), "grüße, 你好 🎉");
        assert_eq!(message(&said(MessageType::Text, "x\ry", "")), "alice: x\\ry");
    }

    #[test]
    fn a_nick_never_hides_the_account() {
        let disguised = pb::Message { from_nick: "bob".into(), ..said(MessageType::Text, "hi", "") };
        assert_eq!(message(&disguised), "bob (alice): hi");
    }

    #[test]
    fn messages_without_text_show_their_attachment() {
        assert_eq!(message(&said(MessageType::Custom, "", "{\"a\":1}")), "alice [custom]: {\"a\":1}");
        assert_eq!(message(&said(MessageType::Tip, "careful", "")), "* alice tips: careful");
        assert_eq!(message(&pb::Message { r#type: 77, ..said(MessageType::Text, "", "z") }), "alice [type 77]: z");
    }

    #[test]
    fn a_notification_is_a_sentence() {
        let kicked = pb::Notification {
            r#type: NotificationType::MemberKicked.into(),
            operator: "alice".into(),
            targets: vec!["bob".into()],
            ext: "spam".into(),
            ..Default::default()
        };
        assert_eq!(notification(&kicked), "* alice kicked bob (spam)");
        let came =
            pb::Notification { r#type: NotificationType::MemberEnter.into(), operator: "carol".into(), ..Default::default() };
        assert_eq!(notification(&came), "* carol came in");
    }
}
