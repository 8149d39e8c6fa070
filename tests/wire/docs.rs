//! docs/protocol.md and docs/errors.md say what the program does. `CHATROOM_BLESS=1` writes the generated parts anew.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;

use crate::wire_files::{expect_file, golden, hex, path};
use bytes::BytesMut;
use chatroom::error::{CODES, Cause, Remedy, SUBS};
use chatroom::wire::{FrameCodec, PacketKind, describe};
use tokio_util::codec::Decoder;

const DIALOGUE_BEGINS: &str = "<!-- The golden frames tests/data/wire/dialogue_*.hex, written by tests/wire/docs.rs. -->\n";
const DIALOGUE_ENDS: &str = "<!-- End of the golden frames. -->\n";

#[test]
fn the_table_of_kinds_lists_every_kind() {
    let page = fs::read_to_string(path("docs/protocol.md")).unwrap();
    let rows: Vec<(String, String)> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `0x"))
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
            (format!("0x{}", cells[0]), cells[1].to_owned())
        })
        .collect();
    let kinds = (0..=u16::MAX).filter_map(|number| PacketKind::try_from(i32::from(number)).ok());
    let expected = kinds.map(|kind| (format!("0x{:04X}", kind as u16), kind.as_str_name().replace("PACKET_KIND_", "")));
    assert_eq!(rows, expected.collect::<Vec<_>>());
}

#[test]
fn the_dialogue_is_made_of_golden_frames() {
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
