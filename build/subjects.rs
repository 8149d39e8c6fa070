//! What a subject repeats of every request it is asked: macros that complete the enumerations and matches of its module.
//!
//! Each takes the variants or arms that the subject writes by hand, and adds those of the requests that it takes as they are. The
//! subject's functions go by the names of its variants: `queue_offer` decides on one, `note_queue_offer` notes one that was decided,
//! `queue_list_query` answers one.

use std::error::Error;
use std::fmt::Write;

use protox::prost_reflect::{DescriptorPool, Kind};

use crate::described::{Operation, Protocol, snake};

/// The message whose choice lists all that the log keeps.
const KEPT: &str = "chatroom.store.v1.Command";

/// The macros of the subject of this name in options.proto.
pub fn macros(protocol: &Protocol, pool: &DescriptorPool, subject: &str) -> Result<String, Box<dyn Error>> {
    let plain = |does: &'static str| {
        let own = protocol.operations.iter().filter(move |operation| operation.subject == subject && operation.does == does);
        own.filter(|operation| !operation.wrapped).collect::<Vec<_>>()
    };
    let (commands, queries) = (plain("COMMAND"), plain("QUERY"));

    let mut out = String::new();
    let variants = |all: &[&Operation]| -> String {
        let variant = |operation: &&Operation| {
            format!("/// {}\n            {}({}),", operation.sentence(), operation.variant, protocol.held(&operation.request))
        };
        all.iter().map(variant).collect::<Vec<_>>().join("\n            ")
    };
    enumeration(&mut out, "commands", &variants(&commands));
    enumeration(&mut out, "queries", &variants(&queries));

    let arms = |all: &[&Operation], arm: &dyn Fn(&Operation) -> String| -> String {
        all.iter().map(|operation| format!("            {}\n", arm(operation))).collect()
    };
    let asked = |ask: &'static str, of: &'static str| {
        move |operation: &Operation| {
            let (kind, variant) = (&operation.kind, &operation.variant);
            format!("Request::{kind}(asked) => (asked.room_id, Ask::{ask}({of}::{variant}(asked))),")
        }
    };
    let all_asked = arms(&commands, &asked("Command", "Op")) + &arms(&queries, &asked("Query", "Query"));
    matching(&mut out, "asked", "$otherwise:expr", &format!("{all_asked}            _ => $otherwise,\n"));

    let decide = |operation: &Operation| {
        let variant = &operation.variant;
        format!("Op::{variant}(request) => $subject.{}($entry, request),", snake(variant))
    };
    matching(&mut out, "decide", "$subject:expr, $entry:expr", &arms(&commands, &decide));

    let note = |operation: &Operation| {
        let variant = &operation.variant;
        match operation.logged {
            true => format!("Op::{variant}(request) => drop($subject.note_{}($entry, request)),", snake(variant)),
            false => format!("Op::{variant}(_) => {{}}"),
        }
    };
    matching(&mut out, "replay", "$subject:expr, $entry:expr", &arms(&commands, &note));

    let answer = |operation: &Operation| {
        let variant = &operation.variant;
        format!("Query::{variant}(request) => $subject.{}_query($now, $actor, request),", snake(variant))
    };
    matching(&mut out, "answer", "$subject:expr, $now:expr, $actor:expr", &arms(&queries, &answer));

    let mut kept = Vec::new();
    for operation in commands.iter().filter(|operation| operation.logged) {
        kept.push((*operation, kept_as(pool, operation)?));
    }
    let mut to_store: String = arms(&commands, &|operation| match kept.iter().find(|(kept, _)| kept.kind == operation.kind) {
        Some((_, stored)) => {
            let (variant, request) = (&operation.variant, operation.request.name());
            format!("Op::{variant}(request) => Stored::{stored}(pb::{request}::clone(request)),")
        }
        None => String::new(),
    });
    let passing: Vec<String> = commands.iter().filter(|it| !it.logged).map(|it| format!("Op::{}(_)", it.variant)).collect();
    if !passing.is_empty() {
        let _ = writeln!(to_store, "            {} => return None,", passing.join(" | "));
    }
    matching(&mut out, "to_store", "", &to_store);

    let mut from_store = String::new();
    for (operation, stored) in &kept {
        let held = if protocol.is_boxed(&operation.request) { "Box::new(request)" } else { "request" };
        let _ = writeln!(from_store, "            Stored::{stored}(request) => Op::{}({held}),", operation.variant);
    }
    matching(&mut out, "from_store", "", &from_store);
    Ok(out)
}

/// A macro that completes an enumeration.
fn enumeration(out: &mut String, name: &str, variants: &str) {
    let _ = writeln!(
        out,
        "macro_rules! {name} {{\n    ($(#[$meta:meta])* $vis:vis enum $name:ident {{ $($own:tt)* }}) => {{\n        \
         $(#[$meta])* $vis enum $name {{\n            $($own)*\n            {variants}\n        }}\n    }};\n}}\n"
    );
}

/// A macro that completes a match.
fn matching(out: &mut String, name: &str, context: &str, arms: &str) {
    let _ = writeln!(
        out,
        "macro_rules! {name} {{\n    (({context}) $on:expr => {{ $($own:tt)* }}) => {{\n        \
         match $on {{\n            $($own)*\n{arms}        }}\n    }};\n}}\n"
    );
}

/// The name of the choice under which the log keeps a request.
fn kept_as(pool: &DescriptorPool, operation: &Operation) -> Result<String, Box<dyn Error>> {
    let kept = pool.get_message_by_name(KEPT).ok_or_else(|| format!("proto/ lacks {KEPT}"))?;
    let field = kept.fields().find(|field| matches!(field.kind(), Kind::Message(message) if message == operation.request));
    let field = field.ok_or_else(|| format!("{KEPT} has no place for {}, which is logged", operation.request.name()))?;
    let words = field.name().split('_').map(|word| format!("{}{}", word[..1].to_ascii_uppercase(), &word[1..]));
    Ok(words.collect())
}
