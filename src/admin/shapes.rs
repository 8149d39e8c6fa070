//! What the answers of the endpoints look like when all is well (rest-api.md §1.2, §3), as JSON schemas.
//!
//! Every object is closed: a key that is answered and does not stand here, or stands here and is not answered, fails
//! `tests/admin/openapi.rs`, which holds each schema against the real server.

use serde_json::{Map, Value, json};

/// The schema of a successful answer.
pub(super) type Shape = fn() -> Value;

/// The objects several answers share, by name.
pub(super) fn shared() -> Value {
    json!({
        "Room": room(),
        "Member": member(number(), &[]),
        "TaggedMember": member(text(), &[("tags", text()), ("notifyTargetTags", text())]),
        "SentMessage": sent(&[("roomId", text())]),
        "BroadcastMessage": sent(&[]),
        "HistoryMessage": object(
            &[
                ("from", text()),
                ("msgid", text()),
                ("sendtime", number()),
                ("type", number()),
                ("fromclienttype", number()),
                ("body", json!({ "type": ["string", "object"] })),
                ("ext", text()),
            ],
            &[],
        ),
    })
}

pub(super) fn bare() -> Value {
    with(&[])
}

pub(super) fn empty() -> Value {
    desc(&[])
}

pub(super) fn chatroom() -> Value {
    with(&[("chatroom", named("Room"))])
}

pub(super) fn room_in_desc() -> Value {
    with(&[("desc", named("Room"))])
}

pub(super) fn rooms() -> Value {
    with(&[("noExistRooms", list(number())), ("succRooms", list(named("Room"))), ("failRooms", list(number()))])
}

pub(super) fn success() -> Value {
    desc(&[("success", flag())])
}

pub(super) fn room_ids() -> Value {
    desc(&[("roomids", list(text()))])
}

pub(super) fn addresses() -> Value {
    with(&[("addr", list(text()))])
}

pub(super) fn role() -> Value {
    let role = object(&[("roomid", number()), ("level", number()), ("accid", text()), ("type", member_type())], &[]);
    with(&[("desc", role)])
}

pub(super) fn mute_duration() -> Value {
    desc(&[("muteDuration", number())])
}

pub(super) fn members() -> Value {
    desc(&[("data", list(named("Member")))])
}

pub(super) fn tagged_members() -> Value {
    desc(&[("data", list(named("TaggedMember")))])
}

pub(super) fn robots_added() -> Value {
    desc(&[("failAccids", json_text()), ("successAccids", json_text()), ("oldAccids", json_text())])
}

pub(super) fn robots_removed() -> Value {
    desc(&[("failAccids", json_text()), ("successAccids", json_text())])
}

pub(super) fn size() -> Value {
    desc(&[("size", number())])
}

pub(super) fn tag_count() -> Value {
    with(&[("data", object(&[("tag", text()), ("onlineUserCount", number())], &[]))])
}

pub(super) fn history() -> Value {
    with(&[("size", number()), ("msgs", list(named("HistoryMessage")))])
}

pub(super) fn tag_history() -> Value {
    with(&[("msgs", list(named("HistoryMessage")))])
}

pub(super) fn sent_message() -> Value {
    with(&[("desc", named("SentMessage"))])
}

pub(super) fn broadcast_message() -> Value {
    with(&[("desc", named("BroadcastMessage"))])
}

pub(super) fn sent_messages() -> Value {
    with(&[("success", list(pair(named("SentMessage")))), ("fail", list(pair(text())))])
}

pub(super) fn queue_changed() -> Value {
    desc(&[("highPriority", flag())])
}

pub(super) fn queue_offered() -> Value {
    desc(&[("failedKeys", list(text())), ("highPriority", flag())])
}

pub(super) fn queue_updated() -> Value {
    desc(&[("noExistElementKey", list(text())), ("highPriority", flag())])
}

pub(super) fn queue_elements() -> Value {
    desc(&[("list", list(pair(text())))])
}

pub(super) fn queue_polled() -> Value {
    desc(&[("key", text()), ("value", text()), ("highPriority", flag())])
}

pub(super) fn account_made() -> Value {
    with(&[("info", object(&[("accid", text()), ("name", text()), ("token", text())], &[]))])
}

pub(super) fn token_made() -> Value {
    with(&[("info", object(&[("accid", text()), ("token", text())], &[]))])
}

pub(super) fn profiles() -> Value {
    let texts = ["accid", "name", "icon", "sign", "email", "birth", "mobile", "ex"].map(|name| (name, text()));
    let more = [("gender", number()), ("valid", flag()), ("mute", flag())];
    let fields: Vec<_> = texts.into_iter().chain(more).collect();
    with(&[("uinfos", list(object(&fields, &[])))])
}

pub(super) fn muted_modules() -> Value {
    let flags = ["muteP2P", "muteTeam", "muteRoom", "muteQChat"].map(|name| (name, flag()));
    with(&[("data", object(&flags, &[]))])
}

pub(super) fn online_status() -> Value {
    let login = object(&[("clientType", number()), ("loginTime", number())], &[]);
    let status = json!({ "type": "object", "additionalProperties": list(login) });
    with(&[("data", object(&[("invalidAccids", list(text())), ("status", status)], &[]))])
}

pub(super) fn top_rooms() -> Value {
    let counts = ["activeNums", "datetime", "enterNums", "msgs", "roomId"].map(|name| (name, number()));
    let period = ("period", json!({ "type": "string", "enum": ["HOUR", "DAY"] }));
    let fields: Vec<_> = counts.into_iter().chain([period]).collect();
    with(&[("data", list(object(&fields, &[("joinNums", number())])))])
}

fn room() -> Value {
    let delay = object(
        &[
            ("delayCloseEnable", flag()),
            ("delayClosePolicy", number()),
            ("delaySeconds", number()),
            ("status", number()),
            ("startTime", number()),
        ],
        &[],
    );
    object(
        &[
            ("roomid", number()),
            ("valid", flag()),
            ("muted", flag()),
            ("announcement", json!({ "type": ["string", "null"] })),
            ("name", text()),
            ("broadcasturl", text()),
            ("ext", text()),
            ("creator", text()),
            ("queuelevel", number()),
        ],
        &[("onlineusercount", number()), ("ionotify", flag()), ("delayInfo", delay)],
    )
}

fn member(time: Value, more: &[(&str, Value)]) -> Value {
    let mut fields = vec![
        ("roomid", number()),
        ("accid", text()),
        ("nick", text()),
        ("avator", text()),
        ("ext", text()),
        ("type", member_type()),
        ("level", number()),
        ("onlineStat", flag()),
        ("enterTime", time.clone()),
    ];
    fields.extend_from_slice(more);
    object(
        &fields,
        &[
            ("joinTime", time),
            ("blacklisted", flag()),
            ("Blocklisted", flag()),
            ("muted", flag()),
            ("tempMuted", flag()),
            ("tempMuteTtl", number()),
            ("isRobot", flag()),
            ("robotExpirAt", number()),
        ],
    )
}

fn member_type() -> Value {
    json!({ "type": "string", "enum": ["UNSET", "LIMITED", "COMMON", "CREATOR", "MANAGER", "TEMPORARY", "ANONYMOUS"] })
}

fn sent(more: &[(&str, Value)]) -> Value {
    let quoted = || json!({ "type": "string", "pattern": "^[0-9]+$" });
    let mut fields = vec![
        ("time", quoted()),
        ("msgid_client", text()),
        ("fromAccount", text()),
        ("fromNick", text()),
        ("fromAvator", text()),
        ("fromClientType", json!({ "const": "REST" })),
        ("type", quoted()),
        ("attach", text()),
        ("ext", text()),
    ];
    fields.extend_from_slice(more);
    object(&fields, &[("highPriorityFlag", json!({ "const": 1 })), ("msgAbandonFlag", json!({ "const": "1" }))])
}

/// A successful answer with these keys beside the code.
fn with(fields: &[(&str, Value)]) -> Value {
    let code = ("code", json!({ "const": 200 }));
    object(&[fields, &[code]].concat(), &[])
}

/// A successful answer with an object of these keys under `desc`.
fn desc(fields: &[(&str, Value)]) -> Value {
    with(&[("desc", object(fields, &[]))])
}

fn object(required: &[(&str, Value)], optional: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = required.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> =
        required.iter().chain(optional).map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": names, "additionalProperties": false })
}

/// An object of exactly one pair.
fn pair(value: Value) -> Value {
    json!({ "type": "object", "additionalProperties": value, "minProperties": 1, "maxProperties": 1 })
}

fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn number() -> Value {
    json!({ "type": "integer", "format": "int64" })
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

/// A JSON array in a text.
fn json_text() -> Value {
    json!({ "type": "string", "contentMediaType": "application/json" })
}
