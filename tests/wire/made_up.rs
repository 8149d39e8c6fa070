//! Packets made up from the tables, for kinds that need no particular one.

use std::collections::BTreeSet;

use chatroom::wire::fields::{self, Value};
use chatroom::wire::operations::{Message, OPERATIONS, Operation, PUSHES, Shape};
use chatroom::wire::{Packet, Push, Request, Response, pb};

use crate::samples::{ROOM, TIME_MS, name_of, text};

/// The names of the files that every kind has.
pub fn names() -> BTreeSet<String> {
    let requests = OPERATIONS.iter().map(|operation| operation.kind).chain([pb::PacketKind::Ping]).map(name_of);
    let pushes = PUSHES.iter().map(|push| format!("{}_push", name_of(push.kind)));
    requests.flat_map(|name| [format!("{name}_request"), format!("{name}_response")]).chain(pushes).collect()
}

/// The packet of a name that has no sample below: each field has a value that its name and its type suggest. Once written, its
/// file is what counts: a field that comes later changes nothing.
pub fn made_up(name: &str) -> Packet {
    let body = text("life");
    match name {
        "ping_request" => return Packet::Request { sequence: 1, request: Request::Ping(body) },
        "ping_response" => return Packet::Response { sequence: 1, response: Response::Ping(body) },
        _ => {}
    }
    let operation = |role| OPERATIONS.iter().find(|operation| format!("{}_{role}", name_of(operation.kind)) == name);
    let sequence = |operation: &Operation| operation.kind as u32;
    if let Some(asked) = operation("request") {
        let request = Request::decode(asked.kind as u16, filled(asked.request, &[]).into()).expect("a made up request");
        return Packet::Request { sequence: sequence(asked), request };
    }
    if let Some(asked) = operation("response") {
        // A success says nothing of itself.
        let body = filled(asked.response, &["code", "sub", "desc"]);
        let response = Response::decode(asked.kind as u16, body.into()).expect("a made up response");
        return Packet::Response { sequence: sequence(asked), response };
    }
    let push = PUSHES.iter().find(|push| format!("{}_push", name_of(push.kind)) == name).expect("a kind");
    Packet::Push(Push::decode(push.kind as u16, filled(push.message, &[]).into()).expect("a made up push"))
}

/// The body of a message in which every field has a value, but for those left out; of a choice only the first has.
fn filled(message: &Message, left_out: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut chosen = BTreeSet::new();
    for field in message.fields {
        if left_out.contains(&field.name) || !field.oneof.is_empty() && !chosen.insert(field.oneof) {
            continue;
        }
        fields::append(&mut out, field.number, &field.shape, &value(field.name, &field.shape));
    }
    out
}

fn value(name: &str, shape: &Shape) -> Value {
    match shape {
        Shape::Double | Shape::Float => Value::Real(1.5),
        Shape::Bool => Value::Whole(1),
        Shape::Text | Shape::Bytes => Value::Bytes(name.as_bytes().to_vec()),
        Shape::Enum(it) => Value::Whole(it.values.iter().map(|value| value.number).max().unwrap_or_default().into()),
        Shape::Message(message) => Value::Bytes(filled(message, &[])),
        Shape::Map(key, held) => Value::Pair(Box::new(value("key", key)), Box::new(value("value", held))),
        _ if name == "room_id" => Value::Whole(ROOM.into()),
        _ if name.ends_with("time_ms") => Value::Whole(TIME_MS.into()),
        _ => Value::Whole(7),
    }
}
