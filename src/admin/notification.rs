//! A notification as an item of the history shows it: `{"id":…,"data":{…}}` (chatroom.md §g).

use serde_json::{Map, Value, json};

use super::objects::type_name;
use crate::wire::pb::{self, NotificationType, QueueEvent};

/// The body of a message of type 5.
pub(super) fn print(notice: &pb::Notification) -> Value {
    let mut data = Map::new();
    let mut put = |key: &str, value: Value| drop(data.insert(key.to_owned(), value));
    put("operator", json!(notice.operator));
    put("opeNick", json!(notice.operator_nick));
    put("target", json!(notice.targets));
    put("tarNick", json!(notice.target_nicks));
    put("ext", json!(notice.ext));
    if let Some(changed) = &notice.role_changed {
        put("level", json!(changed.level));
        put("type", json!(type_name(changed.r#type)));
    }
    if let Some(changed) = &notice.room_updated {
        put("chatroom", room(changed));
    }
    if let Some(member) = &notice.member_updated {
        let given = [("nick", &member.nick), ("avator", &member.avatar), ("ext", &member.ext)];
        put("member", given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value.as_ref()?)))).collect());
    }
    if let Some(changed) = &notice.queue_changed {
        put("queueChange", json!(queue(changed).to_string()));
    }
    if let Some(recalled) = &notice.recalled {
        put("msgId", json!(recalled.message_id));
        put("msgTime", json!(recalled.message_time_ms));
        put("from", json!(recalled.from));
    }
    if let Some(updated) = &notice.tags_updated {
        put("tags", json!(updated.tags));
        put("notifyTargetTags", json!(updated.notify_target_tags));
    }
    if !notice.target_tag.is_empty() {
        put("targetTag", json!(notice.target_tag));
    }
    let mutes = [
        NotificationType::TempMuteAdd,
        NotificationType::TempMuteRemove,
        NotificationType::TagTempMuteAdd,
        NotificationType::TagTempMuteRemove,
    ];
    if mutes.contains(&notice.r#type()) {
        put("muteDuration", json!(notice.mute_seconds));
    }
    json!({ "id": notice.r#type, "data": data })
}

/// The fields of a room that changed.
fn room(changed: &pb::RoomUpdateRequest) -> Value {
    let fields = [
        ("name", changed.name.as_ref().map(|text| json!(text))),
        ("announcement", changed.announcement.as_ref().map(|text| json!(text))),
        ("broadcasturl", changed.broadcast_url.as_ref().map(|text| json!(text))),
        ("ext", changed.ext.as_ref().map(|text| json!(text))),
        ("queuelevel", changed.queue_level.map(|level| json!(level))),
        ("ionotify", changed.in_out_notification.map(|on| json!(on))),
    ];
    fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

/// What happened to a queue: a single element, or several under `kvObject` (chatroom.md §f.5).
fn queue(changed: &pb::QueueChanged) -> Value {
    let text = |element: &pb::QueueElementChange| String::from_utf8_lossy(&element.value).into_owned();
    let event = match changed.event() {
        QueueEvent::Offer => "OFFER",
        QueueEvent::Poll => "POLL",
        QueueEvent::Drop => "DROP",
        QueueEvent::PartClear => "PARTCLEAR",
        QueueEvent::BatchUpdate => "BATCH_UPDATE",
        QueueEvent::BatchOffer => "BATCH_OFFER",
        QueueEvent::Unspecified => "",
    };
    match (changed.event(), changed.elements.first()) {
        (QueueEvent::Drop, _) => json!({ "_e": event }),
        (QueueEvent::Offer | QueueEvent::Poll, Some(element)) => {
            json!({ "_e": event, "key": element.key, "content": text(element) })
        }
        _ => {
            let pairs: Map<String, Value> =
                changed.elements.iter().map(|element| (element.key.clone(), json!(text(element)))).collect();
            json!({ "_e": event, "kvObject": pairs })
        }
    }
}
