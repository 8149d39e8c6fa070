//! docs/protocol.md and docs/errors.md say what the program does. `CHATROOM_BLESS=1` writes the generated parts anew.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::sync::{Mutex, PoisonError};

use crate::wire_files::{expect_file, golden, hex, path};
use bytes::BytesMut;
use chatroom::error::{CODES, Cause, Remedy, SUBS};
use chatroom::wire::operations::{OPERATIONS, PUSHES};
use chatroom::wire::{FrameCodec, PacketKind, describe};
use tokio_util::codec::Decoder;

const DIALOGUE_BEGINS: &str = "<!-- The golden frames tests/data/wire/dialogue_*.hex, written by tests/wire/docs.rs. -->\n";
const DIALOGUE_ENDS: &str = "<!-- End of the golden frames. -->\n";

/// Held while docs/protocol.md is read and written: two tests write their parts of it.
static PAGE: Mutex<()> = Mutex::new(());

/// The head of the table that is written here; it ends with a blank line.
const KINDS: &str = "| Kind | Name | Role | Body | Meaning |\n|---|---|---|---|---|\n";

#[test]
fn the_table_of_kinds_lists_every_kind() {
    let _held = PAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let page = fs::read_to_string(path("docs/protocol.md")).unwrap();
    let (before, rest) = page.split_once(KINDS).expect("the head of the table");
    let (_, behind) = rest.split_once("\n\n").expect("the end of the table");
    let mut rows: Vec<(PacketKind, String)> =
        vec![(PacketKind::Ping, "request, both ways | at most 64 bytes, any | Shows life: the response echoes it".to_owned())];
    // Sections are for those who read the specification.
    let plain = |sentence: &'static str| sentence.split(" (").next().unwrap_or_default();
    for operation in OPERATIONS {
        let (request, response) = (operation.request, operation.response);
        let body = format!("`{}` / `{}`", request.name, response.name);
        rows.push((operation.kind, format!("request | {body} | {}", plain(request.sentence()))));
    }
    for push in PUSHES {
        rows.push((push.kind, format!("push | `{}` | {}", push.message.name, plain(push.message.sentence()))));
    }
    rows.sort_by_key(|(kind, _)| *kind as u16);
    let name = |kind: PacketKind| kind.as_str_name().trim_start_matches("PACKET_KIND_");
    let rows: Vec<String> =
        rows.into_iter().map(|(kind, row)| format!("| `0x{:04X}` | `{}` | {row} |", kind as u16, name(kind))).collect();
    let kinds = (0..=u16::MAX).filter(|number| PacketKind::try_from(i32::from(*number)).is_ok());
    assert_eq!(rows.len(), kinds.count());
    expect_file("docs/protocol.md", &format!("{before}{KINDS}{}\n\n{behind}", rows.join("\n")));
}

#[test]
fn the_dialogue_is_made_of_golden_frames() {
    let _held = PAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let page = fs::read_to_string(path("docs/protocol.md")).unwrap();
    let (before, rest) = page.split_once(DIALOGUE_BEGINS).expect("the mark where the dialogue begins");
    let (_, behind) = rest.split_once(DIALOGUE_ENDS).expect("the mark where the dialogue ends");
    let mut dialogue = String::new();
    for (_, bytes) in golden().into_iter().filter(|(name, _)| name.starts_with("dialogue_")) {
        let frame = FrameCodec::default().decode(&mut BytesMut::from(&bytes[..])).unwrap().unwrap();
        let speaker = match (frame.header.sequence, frame.is_response()) {
            (0, _) | (_, true) => "Server",
            _ => "Client",
        };
        let _ = write!(dialogue, "\n{speaker}:\n\n```text\n{}\n{}```\n", hex(&bytes), describe(&frame));
    }
    expect_file("docs/protocol.md", &format!("{before}{DIALOGUE_BEGINS}{dialogue}\n{DIALOGUE_ENDS}{behind}"));
}

#[test]
fn the_page_of_errors_lists_every_code() {
    let mut page = String::from(
        "# Codes\n\n\
         Every request is answered with a code: the same number on the wire, in C and in HTTP (C has `OK` = 0 where the wire has 200). \
         Where a rule has several grounds, a `sub` code names the one. A message that the application's callback refuses is answered \
         with 463, or with a number from 20000 to 20099 that the callback chose: on the wire these are always a callback's, for the \
         codes of that range below are a client's own. This page is written by `tests/wire/docs.rs` from the table in \
         `src/error.rs`; `CHATROOM_BLESS=1 cargo test --test wire docs` writes it anew.\n\n\
         | code | meaning | whose doing | what follows | connection |\n|---|---|---|---|---|\n",
    );
    for row in CODES {
        let cause = match row.cause {
            Cause::None => "-",
            Cause::Caller => "the caller",
            Cause::Local => "this machine",
            Cause::Peer => "the peer",
            Cause::Rule => "refused by rule",
            Cause::Connection => "the connection is over",
            Cause::Bug => "a defect of ours",
        };
        let remedy = match row.remedy {
            Remedy::None => "-",
            Remedy::Fix => "correct the program or the request",
            Remedy::Retry => "send it again, with the same id",
            Remedy::RetryLater => "send it again after `retry_after_ms`",
            Remedy::LogIn => "log in again",
            Remedy::StayAway => "do not come back by yourself",
            Remedy::Report => "report it",
        };
        let connection = if row.closes { "closes" } else { "lives" };
        let _ = writeln!(page, "| {} | {} | {cause} | {remedy} | {connection} |", row.number, row.meaning);
    }
    page.push_str("\n## Sub codes\n\n| sub | meaning |\n|---|---|\n");
    for (_, number, meaning) in SUBS {
        let _ = writeln!(page, "| {number} | {meaning} |");
    }
    expect_file("docs/errors.md", &page);
    let numbers: BTreeSet<i32> = SUBS.iter().map(|row| row.1).collect();
    assert_eq!(numbers.len(), SUBS.len(), "no sub code stands twice");
}
