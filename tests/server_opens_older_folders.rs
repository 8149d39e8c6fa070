//! A data folder that an earlier program left opens with everything in it. One folder of each earlier format is kept in
//! `tests/data/folders`: a backup of a running node, so that rooms are rebuilt from snapshots and from entries.
#![cfg(feature = "server")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use chatroom::id::{RoomId, UnixMs};
use chatroom::wire::pb::{self, RoleChange};
use chatroom::wire::{Request, Response};
use serde_json::{Value, json};
use support::ask::*;
use support::peer::{login, text_message};
use support::process::{APP_KEY, APP_SECRET, UNLIMITED};
use support::{Admin, Peer, Server, Setup, wait_until};

/// Times of the folder of format 2: nothing of it is younger.
const MADE_MS: i64 = 0;
/// Seconds of the longest mute a room takes.
const MUTE_SECONDS: u32 = 2_592_000;

/// Nothing is refused for its pace, no history goes, and an application waits for webhooks that nobody takes.
fn config() -> String {
    format!(
        "{UNLIMITED}\n[history]\ndays = 3650\n[[apps]]\nkey = \"{APP_KEY}\"\nsecret = \"{APP_SECRET}\"\n\
         webhook = {{ url = \"http://127.0.0.1:9/\" }}\n"
    )
}

fn folder(format: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/folders").join(format)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() { copy(&entry.path(), &target) } else { drop(fs::copy(entry.path(), target).unwrap()) }
    }
}

/// A server on a folder: of this build, or the one of an earlier program.
fn start(data: &Path, program: Option<PathBuf>) -> Server {
    Server::start(Setup { config: config(), data: Some(data.to_owned()), no_app: true, program, ..Setup::default() })
}

fn said(peer: &mut Peer, message: pb::MessageSendRequest) -> pb::MessageSendResponse {
    match peer.done(send(message)) {
        Response::MessageSend(answer) => answer,
        other => panic!("who sends is answered with {other:?}"),
    }
}

/// Writes a folder with something of everything a node keeps. To be run by a program that writes the format the folder is kept for.
#[test]
#[ignore = "writes a folder for tests/data/folders: name it in KEPT_FOLDER"]
fn a_folder_to_keep_is_written() {
    let target = PathBuf::from(std::env::var_os("KEPT_FOLDER").expect("KEPT_FOLDER names the new folder"));
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let server = start(&data);
    let admin = server.admin();
    for account in ["owner", "admin", "common", "muted", "blocked", "guest"] {
        admin.create_user(account);
    }
    let hall = admin.create_room("owner", "hall");
    let mut owner = Peer::join(&server, "owner", hall);
    let mut guest = Peer::join(&server, "guest", hall);
    owner.done(set_role(hall, "admin", RoleChange::Administrator, true));
    owner.done(set_role(hall, "common", RoleChange::Common, true));
    owner.done(set_role(hall, "muted", RoleChange::Mute, true));
    owner.done(set_role(hall, "blocked", RoleChange::Blocklist, true));
    owner.done(temp_mute(hall, "common", MUTE_SECONDS));
    owner.done(tag_temp_mute(hall, "red", MUTE_SECONDS));
    owner.done(update_ext(hall, "before"));
    owner.done(offer(hall, "one", "first"));
    owner.done(offer(hall, "two", "second"));
    owner.done(set_attributes(hall, &[("topic", "old")]));
    for number in 1..=3 {
        said(&mut guest, text_message(hall, &format!("early {number}"), &format!("words {number}")));
    }
    drop((owner, guest));
    // A clean stop leaves a snapshot of each room; what follows is in no snapshot.
    server.terminate();
    assert!(server.wait(support::PATIENCE).success());
    let server = start(&data);
    let admin = server.admin();
    let late = admin.create_room("owner", "late");
    let mut owner = Peer::join(&server, "owner", hall);
    let mut guest = Peer::join(&server, "guest", hall);
    owner.done(update_ext(hall, "after"));
    owner.done(poll(hall, "one"));
    owner.done(offer(hall, "three", "third"));
    owner.done(set_attributes(hall, &[("topic", "new")]));
    let gone = said(&mut guest, text_message(hall, "taken back", "a secret"));
    guest.done(recall(hall, "taken back", "guest", gone.time_ms));
    let tagged = pb::MessageSendRequest { notify_target_tags: Some("{\"tag\":\"red\"}".into()), ..text_message(hall, "tagged", "for red") };
    said(&mut owner, tagged);
    said(&mut owner, pb::MessageSendRequest { to_accounts: vec!["guest".into()], ..text_message(hall, "directed", "for guest") });
    said(&mut owner, pb::MessageSendRequest { skip_history: true, ..text_message(hall, "unkept", "not for the history") });
    said(&mut owner, pb::MessageSendRequest { r#type: 100, body: Default::default(), attach: "{}".into(), ..text_message(hall, "custom", "") });
    let mut maker = Peer::join(&server, "common", late);
    let made = maker.done(Request::RoomCreate(Box::new(pb::RoomCreateRequest { alias: "stage".into(), ..Default::default() })));
    let Response::RoomCreate(made) = made else { panic!("who makes a room is answered with {made:?}") };
    let stage = made.room.unwrap().room_id;
    maker.done(set_attributes(stage, &[("scene", "one")]));
    assert_eq!(admin.call("chatroom/delete", &[("roomid", &late.to_string()), ("operator", "owner")])["code"].as_i64().is_some(), true);
    wait_until("the figures", || admin.call("stats/chatroom/topn", &[])["data"].as_array().is_some_and(|rows| rows.len() == 2));
    let output = Command::new(env!("CARGO_BIN_EXE_chatroomd")).args(["backup", "--data"]).arg(&data).arg(&target).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    println!("hall {hall}, late {late}, stage {stage}, made {}", support::admin::unix_ms());
}
