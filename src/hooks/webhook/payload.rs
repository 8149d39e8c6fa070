//! What a report looks like to its receiver: the JSON that receivers of NIM's copies read, and their signature. Every value is a text.

use axum::http::{Request, Uri, header};
use bytes::Bytes;
use http_body_util::Full;
use prost::Message as _;
use serde::Serialize;

use crate::account::{Secret, body_digest, check_sum};
use crate::id::UnixMs;
use crate::log::{Line, SpoolPosition, Spooled};
use crate::wire::{pb, store};

/// `eventType` of a message.
const MESSAGE: &str = "4";
/// `eventType` of somebody who comes or goes.
const IN_OUT: &str = "9";
/// `eventType` of a change of the queue.
const QUEUE: &str = "14";

/// A message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    event_type: &'static str,
    event_id: String,
    room_id: String,
    seq: String,
    msg_timestamp: String,
    msg_type: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    sub_type: String,
    #[serde(rename = "msgidClient")]
    message_id: String,
    resend_flag: &'static str,
    from_account: String,
    from_nick: String,
    #[serde(rename = "fromAvator")]
    from_avatar: String,
    from_ext: String,
    from_client_type: String,
    /// Of no use here, but receivers read it as a number.
    role_info_timetag: &'static str,
    attach: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    body: String,
    ext: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    notify_target_tags: String,
    #[serde(rename = "toAccids", skip_serializing_if = "String::is_empty")]
    to: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    high_priority_flag: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    env: String,
}

/// Somebody who comes or goes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InOut {
    event_type: &'static str,
    event_id: String,
    room_id: String,
    event: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    log_out_reason: &'static str,
    accid: String,
    client_type: String,
    code: &'static str,
    timestamp: String,
    role_type: String,
    anonymous: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    tags: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    notify_target_tags: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    ext: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    client_ip: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    sdk_version: String,
}

/// A change of the queue.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QueueChange {
    event_type: &'static str,
    event_id: String,
    room_id: String,
    operator: String,
    q_event: &'static str,
    event: &'static str,
    elements: String,
    timestamp: String,
}

/// A report of the spool; `None` if it does not hold what was written.
pub(super) fn read(spooled: &Spooled) -> Option<store::Report> {
    store::Report::decode(spooled.record.clone()).ok().filter(|report| report.what.is_some())
}

/// The body that is posted.
pub(super) fn body(spooled: &Spooled, report: &store::Report) -> Option<Bytes> {
    let (line, event_id) = (&spooled.line, event_id(&spooled.line, spooled.position));
    let body = match report.what.as_ref()? {
        store::report::What::Message(reported) => serde_json::to_vec(&message(line, event_id, reported)?),
        store::report::What::InOut(passage) => serde_json::to_vec(&in_out(line, event_id, report.time_ms, passage)),
        store::report::What::Queue(change) => serde_json::to_vec(&queue(line, event_id, report.time_ms, change)),
    };
    body.ok().map(Bytes::from)
}

/// The same for every attempt, and for no other report.
fn event_id(line: &Line, SpoolPosition { epoch, number }: SpoolPosition) -> String {
    format!("{}-{epoch}-{number}", line.room)
}

fn message(line: &Line, event_id: String, reported: &store::ReportedMessage) -> Option<Message> {
    let message = pb::Message::decode(reported.body.clone()).ok()?;
    // The room has found the texts to be UTF-8.
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    let kind = pb::MessageType::try_from(message.r#type);
    let is_text = matches!(kind, Ok(pb::MessageType::Text | pb::MessageType::Tip | pb::MessageType::Barrage));
    let (attach, body) = match is_text {
        true => (text(&message.body), String::new()),
        false => (text(&message.attach), text(&message.body)),
    };
    let to = if reported.to.is_empty() { String::new() } else { list(&reported.to) };
    Some(Message {
        event_type: MESSAGE,
        event_id,
        room_id: line.room.to_string(),
        seq: message.seq.to_string(),
        msg_timestamp: message.time_ms.to_string(),
        msg_type: kind.map_or_else(|_| message.r#type.to_string(), |kind| type_name(kind).to_owned()),
        sub_type: if message.sub_type == 0 { String::new() } else { message.sub_type.to_string() },
        message_id: message.message_id,
        resend_flag: if reported.resend { "1" } else { "0" },
        from_account: message.from,
        from_nick: message.from_nick,
        from_avatar: message.from_avatar,
        from_ext: message.from_ext,
        from_client_type: client_name(message.from_client_type),
        role_info_timetag: "0",
        attach,
        body,
        ext: text(&message.ext),
        notify_target_tags: message.notify_target_tags,
        to,
        high_priority_flag: if message.high_priority { "1" } else { "" },
        env: line.env.to_string(),
    })
}

fn in_out(line: &Line, event_id: String, time_ms: i64, passage: &store::InOut) -> InOut {
    let (event, log_out_reason) = match passage.way() {
        store::Way::In => ("IN", ""),
        store::Way::Exit => ("OUT", "EXIT"),
        store::Way::Offline => ("OUT", "OFFLINE"),
        store::Way::Kick => ("KICK", "KICK"),
        store::Way::LoginKick => ("KICK", "LOGIN_KICK"),
    };
    // A robot is a visitor to those who know no robots.
    let visitor = pb::MemberType::Visitor as i32;
    let is_known = |role: i32| (pb::MemberType::Limited as i32..=pb::MemberType::Anonymous as i32).contains(&role);
    let role = if is_known(passage.role) { passage.role } else { visitor };
    InOut {
        event_type: IN_OUT,
        event_id,
        room_id: line.room.to_string(),
        event,
        log_out_reason,
        accid: passage.account.clone(),
        client_type: client_name(passage.client_type),
        code: "200",
        timestamp: time_ms.to_string(),
        role_type: role.to_string(),
        anonymous: if passage.anonymous { "true" } else { "false" },
        tags: if passage.tags.is_empty() { String::new() } else { list(&passage.tags) },
        notify_target_tags: passage.target.clone(),
        ext: passage.ext.clone(),
        client_ip: passage.client_ip.clone(),
        sdk_version: passage.sdk_version.clone(),
    }
}

fn queue(line: &Line, event_id: String, time_ms: i64, change: &store::QueueChange) -> QueueChange {
    let (q_event, event) = match (change.event(), change.again) {
        (pb::QueueEvent::Offer, false) => ("2", "OFFER"),
        (pb::QueueEvent::Offer, true) => ("3", "OFFER"),
        (pb::QueueEvent::Poll, false) => ("4", "POLL"),
        (pb::QueueEvent::Poll, true) => ("5", "POLL"),
        (pb::QueueEvent::BatchUpdate, _) => ("6", "BATCH_UPDATE"),
        (pb::QueueEvent::PartClear, _) => ("7", "PARTCLEAR"),
        (pb::QueueEvent::Drop, _) => ("8", "DROP"),
        (pb::QueueEvent::BatchOffer, _) => ("2", "BATCH_OFFER"),
        (pb::QueueEvent::Unspecified, _) => ("0", ""),
    };
    let value = |element: &pb::QueueElementChange| String::from_utf8_lossy(&element.value).into_owned().into();
    let elements: serde_json::Map<String, serde_json::Value> =
        change.elements.iter().map(|element| (element.key.clone(), value(element))).collect();
    QueueChange {
        event_type: QUEUE,
        event_id,
        room_id: line.room.to_string(),
        operator: change.operator.clone(),
        q_event,
        event,
        elements: serde_json::Value::Object(elements).to_string(),
        timestamp: time_ms.to_string(),
    }
}

/// Texts as the text of a JSON array.
fn list(texts: &[String]) -> String {
    serde_json::to_string(texts).unwrap_or_default()
}

/// What receivers call the types of messages.
fn type_name(kind: pb::MessageType) -> &'static str {
    match kind {
        pb::MessageType::Text => "TEXT",
        pb::MessageType::Image => "PICTURE",
        pb::MessageType::Audio => "AUDIO",
        pb::MessageType::Video => "VIDEO",
        pb::MessageType::Geo => "LOCATION",
        pb::MessageType::Notification => "NOTIFICATION",
        pb::MessageType::File => "FILE",
        pb::MessageType::Tip => "TIPS",
        pb::MessageType::Robot => "ROBOT",
        pb::MessageType::Barrage => "BARRAGE",
        pb::MessageType::Custom => "CUSTOM",
    }
}

/// What receivers call the types of clients (chatroom.md §a.5); another one is its number.
fn client_name(number: u32) -> String {
    match number {
        1 => "AOS",
        2 => "IOS",
        4 => "PC",
        8 => "WINPHONE",
        16 => "WEB",
        32 => "REST",
        64 => "MAC",
        65 => "HARMONY",
        other => return other.to_string(),
    }
    .to_owned()
}

/// The request that posts a body, signed at this moment.
pub(super) fn request(uri: &Uri, app_key: &str, secret: &Secret, body: Bytes, now: UnixMs) -> Option<Request<Full<Bytes>>> {
    let (digest, now) = (body_digest(&body), now.0.to_string());
    Request::post(uri.clone())
        .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
        .header("AppKey", app_key)
        .header("CurTime", &now)
        .header("CheckSum", check_sum(secret.reveal(), &digest, &now))
        .header("MD5", digest)
        .body(Full::new(body))
        .ok()
}
