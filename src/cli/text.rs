//! What happens in a room, as lines of text.

use std::fmt::Write;

use crate::text::is_hidden;
use crate::wire::pb::{self, AttributesAction, KickReason, MemberType, MessageType, NotificationType, QueueEvent};

/// Text of somebody else's, safe for a terminal: what would move the cursor, turn the line around, or stand there unseen is shown as an
/// escape. One selector of a form stays with a character that has forms, as emoji have.
pub(super) fn printable(text: &str) -> String {
    let (mut out, mut before) = (String::with_capacity(text.len()), ' ');
    for c in text.chars() {
        let is_form = matches!(c, '\u{FE0E}' | '\u{FE0F}') && !before.is_ascii() && !is_hidden(before);
        if is_hidden(c) && !is_form {
            out.extend(c.escape_default())
        } else {
            out.push(c)
        }
        before = c;
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
        Type::RoomUpdated => format!("{by} changed the room's {}", changed_fields(notification)),
        Type::MemberKicked => format!("{by} kicked {whom}"),
        Type::TempMuteAdd => format!("{by} muted {whom} for {seconds} s"),
        Type::TempMuteRemove => format!("{by} unmuted {whom}"),
        Type::MemberUpdated => match notification.member_updated.as_ref().and_then(|updated| updated.nick.as_deref()) {
            Some(nick) => format!("{} goes by {} now", printable(account_of(notification)), printable(nick)),
            None => format!("{whom} changed their profile"),
        },
        Type::QueueChanged | Type::QueueBatchChanged | Type::QueueBatchOffered => queue_change(&by, notification),
        Type::RoomMuted => format!("{by} muted the room"),
        Type::RoomUnmuted => format!("{by} unmuted the room"),
        Type::TagTempMuteAdd => format!("{by} muted the tag {} for {seconds} s", printable(&notification.target_tag)),
        Type::TagTempMuteRemove => format!("{by} unmuted the tag {}", printable(&notification.target_tag)),
        Type::AttributesChanged | Type::AttributesBatchChanged => attributes_change(&by, notification),
        Type::MemberAttributesChanged => {
            let members = notification.member_attributes_changed.iter().flat_map(|change| &change.members);
            let members: Vec<String> = members.map(|member| member_attributes(member).trim_start().to_owned()).collect();
            format!("{by} changed what members carry: {}", members.join("; "))
        }
        Type::MessageRecalled => match &notification.recalled {
            Some(recalled) if recalled.from != notification.operator => {
                format!("{by} took a message of {} back", printable(&recalled.from))
            }
            _ => format!("{by} took a message back"),
        },
        Type::TagsUpdated => {
            let tags = notification.tags_updated.as_ref().map_or(&[][..], |updated| &updated.tags);
            let tags: Vec<String> = tags.iter().map(|tag| printable(tag)).collect();
            format!("{by} changed their tags: {}", if tags.is_empty() { "none".to_owned() } else { tags.join(", ") })
        }
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

/// The account a notification about one member is about.
fn account_of(notification: &pb::Notification) -> &str {
    notification.targets.first().unwrap_or(&notification.operator)
}

/// Which fields of a room's profile changed, and to what where that is short.
fn changed_fields(notification: &pb::Notification) -> String {
    let Some(update) = &notification.room_updated else { return "profile".to_owned() };
    let text = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("{name} to \"{}\"", printable(value)));
    let fields = [
        text("name", &update.name),
        text("announcement", &update.announcement),
        text("stream", &update.broadcast_url),
        text("ext", &update.ext),
        update.queue_level.map(|level| format!("queue level to {level}")),
        update.in_out_notification.map(|on| format!("notices of coming and going: {}", if on { "on" } else { "off" })),
    ];
    let fields: Vec<String> = fields.into_iter().flatten().collect();
    if fields.is_empty() { "profile".to_owned() } else { fields.join(", ") }
}

fn attributes_change(by: &str, notification: &pb::Notification) -> String {
    let steps = notification.attributes_batch_changed.iter().flat_map(|batch| &batch.changes);
    let mut parts = Vec::new();
    for change in notification.attributes_changed.iter().chain(steps) {
        for attribute in &change.attributes {
            parts.push(match change.action() {
                AttributesAction::Set => format!("sets {}", pair(&attribute.key, attribute.value.as_bytes())),
                AttributesAction::Delete => format!("deletes {}", printable(&attribute.key)),
            });
        }
    }
    if parts.is_empty() { format!("{by} changed what the room carries") } else { format!("{by} {}", parts.join(", ")) }
}

/// An element of the queue as a line.
pub(super) fn element(element: &pb::QueueElement) -> String {
    let gone = if element.transient { ", gone when they are" } else { "" };
    format!("  {} (of {}{gone})", pair(&element.key, &element.value), printable(&element.owner))
}

/// An attribute of the room as a line.
pub(super) fn attribute(attribute: &pb::Attribute) -> String {
    let gone = if attribute.delete_after_owner_left { ", gone when they are" } else { "" };
    format!("  {} (of {}{gone})", pair(&attribute.key, attribute.value.as_bytes()), printable(&attribute.owner))
}

/// What a member carries, as a line.
pub(super) fn member_attributes(member: &pb::MemberAttributes) -> String {
    let shown = |attribute: &pb::Attribute| pair(&attribute.key, attribute.value.as_bytes());
    let attributes: Vec<String> = member.attributes.iter().map(shown).collect();
    let attributes = if attributes.is_empty() { "nothing".to_owned() } else { attributes.join(", ") };
    format!("  {}: {attributes}", printable(&member.account))
}

/// A room as a few lines.
pub(super) fn room(room: &pb::RoomInfo) -> String {
    let mut lines =
        vec![format!("  room {} \"{}\", made by {}", room.room_id, printable(&room.name), printable(&room.creator))];
    let mut say = |name: &str, value: &str| {
        if !value.is_empty() {
            lines.push(format!("  {name}: {}", printable(value)));
        }
    };
    say("alias", &room.alias);
    say("announcement", room.announcement());
    say("stream", &room.broadcast_url);
    say("ext", &room.ext);
    let who = if room.queue_level == 0 { "everybody" } else { "those who run the room" };
    let mut facts = vec![format!("{} online", room.online_count), format!("{who} may change the queue")];
    facts.extend(room.muted.then(|| "muted".to_owned()));
    facts.extend((!room.in_out_notification).then(|| "nobody hears who comes and goes".to_owned()));
    lines.push(format!("  {}", facts.join(", ")));
    lines.join("\n")
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
    if let Some(level) = member.level.filter(|level| *level > 0) {
        let _ = write!(line, ", level {level}");
    }
    if !member.tags.is_empty() {
        let tags: Vec<String> = member.tags.iter().map(|tag| printable(tag)).collect();
        let _ = write!(line, ", tags {}", tags.join(" "));
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
        for hidden in [
            '\u{61C}',
            '\u{200B}',
            '\u{200D}',
            '\u{200E}',
            '\u{2028}',
            '\u{2029}',
            '\u{2060}',
            '\u{2066}',
            '\u{206A}',
            '\u{FEFF}',
            '\u{AD}',
            '\u{3164}',
            '\u{FFF9}',
            '\u{E0041}',
            '\u{E007F}',
            '\u{E0100}',
            '\u{FE01}',
        ] {
            assert_eq!(printable(&format!("a{hidden}b")), format!("a\\u{{{:x}}}b", u32::from(hidden)));
        }
        // One selector makes an emoji of a heart; a second one, or one on a letter, hides something.
        assert_eq!(printable("\u{2764}\u{FE0F}\u{FE0F} a\u{FE0F}"), "\u{2764}\u{FE0F}\\u{fe0f} a\\u{fe0f}");
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

    #[test]
    fn a_notification_says_what_changed() {
        let of =
            |kind: NotificationType| pb::Notification { r#type: kind.into(), operator: "amy".into(), ..Default::default() };
        let update = pb::RoomUpdateRequest { name: Some("New".into()), queue_level: Some(1), ..Default::default() };
        let updated = pb::Notification { room_updated: Some(update), ..of(NotificationType::RoomUpdated) };
        assert_eq!(notification(&updated), "* amy changed the room's name to \"New\", queue level to 1");
        let renamed = pb::MemberUpdated { nick: Some("Amy".into()), ..Default::default() };
        let renamed = pb::Notification { member_updated: Some(renamed), ..of(NotificationType::MemberUpdated) };
        assert_eq!(notification(&renamed), "* amy goes by Amy now");
        let recalled = pb::Recalled { message_id: "m".into(), from: "bob".into(), ..Default::default() };
        let recalled = pb::Notification { recalled: Some(recalled), ..of(NotificationType::MessageRecalled) };
        assert_eq!(notification(&recalled), "* amy took a message of bob back");
        let tagged = pb::Notification { target_tag: "vip".into(), mute_seconds: 60, ..of(NotificationType::TagTempMuteAdd) };
        assert_eq!(notification(&tagged), "* amy muted the tag vip for 60 s");
        let tags = pb::TagsUpdated { tags: vec!["a".into(), "b".into()], ..Default::default() };
        let tags = pb::Notification { tags_updated: Some(tags), ..of(NotificationType::TagsUpdated) };
        assert_eq!(notification(&tags), "* amy changed their tags: a, b");
        let attribute = |key: &str| pb::Attribute { key: key.into(), value: "v".into(), ..Default::default() };
        let change =
            |action: AttributesAction, key| pb::AttributesChanged { action: action.into(), attributes: vec![attribute(key)] };
        let batch = pb::AttributesBatchChanged {
            changes: vec![change(AttributesAction::Set, "k"), change(AttributesAction::Delete, "old")],
        };
        let batch = pb::Notification { attributes_batch_changed: Some(batch), ..of(NotificationType::AttributesBatchChanged) };
        assert_eq!(notification(&batch), "* amy sets k=v, deletes old");
        let member = pb::MemberAttributes { account: "bob".into(), attributes: vec![attribute("hp")], error_keys: Vec::new() };
        let change = pb::MemberAttributesChanged { members: vec![member] };
        let change =
            pb::Notification { member_attributes_changed: Some(change), ..of(NotificationType::MemberAttributesChanged) };
        assert_eq!(notification(&change), "* amy changed what members carry: bob: hp=v");
    }

    #[test]
    fn every_type_of_notification_has_its_words() {
        let unknown = notification(&pb::Notification { r#type: 999, ..Default::default() });
        for kind in (301..=325).chain(401..=403) {
            let words = notification(&pb::Notification { r#type: kind, operator: "amy".into(), ..Default::default() });
            assert!(words != unknown && words.len() > 5, "{kind}: {words}");
        }
    }
}
