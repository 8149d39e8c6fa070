//! Numbers with names: the enumerations of `proto/` and of the client, the codes, and the flags.

use std::fmt::Write as _;

use chatroom::error::CODES;

use super::described::{Described, Message, camel, doc, going_on, sentence, snake};
use super::given::{flag_of, flagged};

/// The enumerations of the client that C sees: file, name, name in C.
const OF_THE_CLIENT: [(&str, &str, &str); 4] = [
    ("client/event.rs", "State", "state"),
    ("client/event.rs", "LogLevel", "log_level"),
    ("session/room_state.rs", "RoomState", "room_state"),
    ("session/room_state.rs", "RoomStateCause", "room_cause"),
];

/// One enumeration: its name, what it says, and the same of each value, with its number.
struct Numbers {
    name: String,
    says: String,
    values: Vec<(String, i32, String)>,
}

/// Every enumeration, in the order of the header.
fn all(described: &Described) -> Vec<Numbers> {
    let mut all: Vec<Numbers> = described
        .enums
        .iter()
        .map(|it| {
            let prefix = format!("{}_", snake(&it.name).to_uppercase());
            let value =
                |(name, number, says): &(String, i32, String)| (camel(name.trim_start_matches(&prefix)), *number, says.clone());
            let values: Vec<_> = it.values.iter().map(value).collect();
            if it.name == "PacketKind" {
                let values = values.into_iter().map(|(name, number, _)| (name, number, kind(described, number))).collect();
                return Numbers { name: "kind".to_owned(), says: it.says.clone(), values };
            }
            Numbers { name: snake(&it.name), says: it.says.clone(), values }
        })
        .collect();
    all.extend(OF_THE_CLIENT.map(|(file, rust, name)| of_the_client(file, rust, name)));
    all
}

/// What a kind is the kind of.
fn kind(described: &Described, number: i32) -> String {
    let is = |message: &&Message| message.operation.as_ref().is_some_and(|operation| operation.kind == number);
    let is_push = |message: &&Message| message.push == Some(number);
    match (described.messages.iter().find(is), described.messages.iter().find(is_push)) {
        (Some(request), _) => {
            let operation = request.operation.as_ref().expect("it is a request");
            format!("A `{}`, answered with a `{}`.", request.name, described.answer(request, operation).name)
        }
        (_, Some(push)) => format!("A push, a `{}`.", push.name),
        _ => "Anything, which comes back.".to_owned(),
    }
}

/// The names of the enumerations, of which the header would show only those that functions take.
pub fn names(described: &Described) -> Vec<String> {
    all(described).into_iter().map(|it| format!("chatroom_{}", it.name)).collect()
}

/// An enumeration in Rust, read as it is written there.
fn of_the_client(file: &str, rust: &str, name: &str) -> Numbers {
    let path = format!("{}/src/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (before, after) = text.split_once(&format!("pub enum {rust} {{\n")).unwrap_or_else(|| panic!("{path} has no {rust}"));
    let body = after.split_once("\n}").map_or(after, |(body, _)| body);
    let said = |lines: &mut dyn Iterator<Item = &str>| {
        lines.filter_map(|line| line.trim().strip_prefix("///")).map(str::trim).collect::<Vec<_>>().join(" ")
    };
    let head = before.rsplit("\n\n").next().unwrap_or_default();
    let mut values = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    for line in body.lines() {
        match line.trim().trim_end_matches(',').split_once(" = ") {
            Some((name, number)) if !line.trim().starts_with("///") => {
                let says = said(&mut comment.drain(..));
                // What only the specification calls it is for readers of the source.
                let says = match says.split_once(": ") {
                    Some((place, says)) if place.starts_with('S') && place.len() == 2 => says.to_owned(),
                    _ => says,
                };
                values.push((name.to_owned(), number.parse().expect("a number"), sentence(&says)));
            }
            _ => comment.push(line),
        }
    }
    let says = said(&mut head.lines());
    let says = says
        .split_once(" (chatroom.md \u{a7}")
        .map_or(says.clone(), |(says, rest)| format!("{says}{}", rest.split_once(')').map_or("", |(_, rest)| rest)));
    Numbers { name: name.to_owned(), says, values }
}

fn enumeration(it: &Numbers) -> String {
    let mut out = doc("", &it.says);
    let _ = writeln!(out, "#[repr(i32)]\n#[derive(Clone, Copy, PartialEq, Eq, Debug)]\npub enum chatroom_{} {{", it.name);
    for (name, number, says) in &it.values {
        assert!(!says.is_empty(), "{name} of {} needs a comment", it.name);
        out += &doc("    ", says);
        let _ = writeln!(out, "    {name} = {number},");
    }
    out + "}\n"
}

/// The codes, where success is 0.
pub fn results() -> String {
    let values = CODES.iter().map(|row| {
        let number = if row.number == 200 { 0 } else { row.number };
        (format!("{:?}", row.code), number, sentence(row.meaning))
    });
    let says = "What every fallible call returns, and what `code` of a status is. The numbers are those of the wire and of HTTP; success, \
                which the wire calls 200, is 0.\n\nOf a call of this library 500 is a defect of the library, whose handle is then of no \
                more use; 503 says that too much is open at once, and nothing was taken on; 20000 that the client is closed, which is \
                also what closing makes of open requests.";
    let mut out = String::from("use crate::error::Code;\n\n");
    out += &enumeration(&Numbers { name: "result".into(), says: says.into(), values: values.collect() });
    out += "\nimpl From<Code> for chatroom_result {\n    fn from(code: Code) -> chatroom_result {\n        match code {\n";
    for row in CODES {
        let _ = writeln!(out, "            Code::{:?} => chatroom_result::{:?},", row.code, row.code);
    }
    out + "        }\n    }\n}\n"
}

/// The flags of all structs that have some.
fn flags(described: &Described) -> String {
    let mut out = String::new();
    for message in &described.messages {
        for of in message.given.iter().chain(&message.lent).filter(|of| !of.flags.is_empty()) {
            out.push('\n');
            for field in flagged(described, message) {
                let says = match &*field.c.flag_says {
                    "" if field.optional => format!("`{}` counts.", field.name),
                    "" => field.says.clone(),
                    says => sentence(says),
                };
                out += &doc("", &format!("Flag of {}: {}", of.flags_of, going_on(&says)));
                let _ = writeln!(out, "pub const {}: u32 = {};", flag_of(field, &of.flags), field.c.bit);
            }
        }
    }
    out
}

/// Enumerations and flags.
pub fn constants(described: &Described) -> String {
    let all: String = all(described).iter().map(|it| format!("{}\n", enumeration(it))).collect();
    format!("{all}{}", flags(described))
}
