//! A data folder that an earlier program left opens with everything in it. One folder of each earlier format is kept in
//! `tests/data/folders`: a backup of a running node, so that rooms are rebuilt from snapshots and from entries.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::store_files::copy;
use crate::support::ask::*;
use crate::support::peer::text_message;
use crate::support::process::{APP_KEY, APP_SECRET, UNLIMITED};
use crate::support::{Peer, Server, Setup, wait_until};
use chatroom::id::{RoomId, UnixMs};
use chatroom::log::{FjallLog, Log as _, Options, Outbox as _, Space, Store as _};
use chatroom::room::{HistoryQuery, HistoryScope, Settings};
use chatroom::server::logbook;
use chatroom::wire::pb::{self, RoleChange};
use chatroom::wire::{Request, Response, store};
use prost::Message as _;

/// When the folder of format 2 was made: nothing of it is younger.
const MADE_MS: i64 = 1_796_071_278_108;
/// Its rooms: made over HTTP, deleted again, made by a client.
const ROOMS: [i64; 3] = [1, 2, 9_211_995_514_316_470_750];
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

/// Writes a folder for `tests/data/folders` with something of everything a node keeps: `KEPT_PROGRAM` names the `chatroomd` that
/// writes it, `KEPT_FOLDER` the new folder. Without them there is nothing to do.
#[test]
fn a_folder_to_keep_is_written() {
    let named = |variable: &str| std::env::var_os(variable).map(PathBuf::from);
    let (Some(program), Some(target)) = (named("KEPT_PROGRAM"), named("KEPT_FOLDER")) else { return };
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let server = start(&data, Some(program.clone()));
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
    assert!(server.wait(crate::support::PATIENCE).success());
    let server = start(&data, Some(program.clone()));
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
    let tagged = pb::MessageSendRequest {
        notify_target_tags: Some("{\"tag\":\"red\"}".into()),
        ..text_message(hall, "tagged", "for red")
    };
    said(&mut owner, tagged);
    said(
        &mut owner,
        pb::MessageSendRequest { to_accounts: vec!["guest".into()], ..text_message(hall, "directed", "for guest") },
    );
    said(&mut owner, pb::MessageSendRequest { skip_history: true, ..text_message(hall, "unkept", "not for the history") });
    said(
        &mut owner,
        pb::MessageSendRequest {
            r#type: 100,
            body: Default::default(),
            attach: "{}".into(),
            ..text_message(hall, "custom", "")
        },
    );
    let mut maker = Peer::join(&server, "common", late);
    let made = maker.done(Request::RoomCreate(Box::new(pb::RoomCreateRequest { alias: "stage".into(), ..Default::default() })));
    let Response::RoomCreate(made) = made else { panic!("who makes a room is answered with {made:?}") };
    let stage = made.room.unwrap().room_id;
    maker.done(set_attributes(stage, &[("scene", "one")]));
    admin.call("chatroom/delete", &[("roomid", &late.to_string()), ("operator", "owner")]);
    wait_until("the figures", || admin.call("stats/chatroom/topn", &[])["data"].as_array().is_some_and(|rows| rows.len() == 2));
    let output = Command::new(&program).args(["backup", "--data"]).arg(&data).arg(&target).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    println!("hall {hall}, late {late}, stage {stage}, made {}", crate::support::admin::unix_ms());
}

/// The lasting state of a room as the log rebuilds it.
fn state(log: &FjallLog, room: i64) -> store::Snapshot {
    let (id, settings) = (RoomId::new(room).unwrap(), Arc::new(Settings::default()));
    let room = logbook::rebuild(log, id, UnixMs(MADE_MS), settings).unwrap();
    store::Snapshot::decode(&*room.subject.snapshot()).unwrap()
}

#[test]
fn a_folder_of_format_2_opens_with_everything_in_it() {
    let home = tempfile::tempdir().unwrap();
    copy(&folder("format-2"), home.path());
    let log = FjallLog::open(home.path(), &Options::default()).unwrap();
    let [hall, late, stage] = ROOMS;

    // What stands in the snapshot, and what in the entries after it.
    let kept = state(&log, hall);
    let info = kept.info.unwrap();
    assert_eq!((info.name.as_str(), info.creator.as_str(), info.ext.as_str()), ("hall", "owner", "after"));
    let is = |name: &str, role: u32, blocklisted: bool, muted: bool| {
        let member = kept.members.iter().find(|member| member.account == name);
        member.is_some_and(|member| (member.role, member.blocklisted, member.muted) == (role, blocklisted, muted))
    };
    assert!(
        is("owner", 3, false, false) && is("admin", 2, false, false) && is("common", 1, false, false),
        "{:?}",
        kept.members
    );
    assert!(is("muted", 0, false, true) && is("blocked", 0, true, false), "{:?}", kept.members);
    let lasts = |mute: &store::TempMute| mute.until_ms > MADE_MS && mute.until_ms <= MADE_MS + i64::from(MUTE_SECONDS) * 1000;
    assert!(kept.temp_mutes.len() == 1 && kept.temp_mutes[0].name == "common" && lasts(&kept.temp_mutes[0]));
    assert!(kept.tag_mutes.len() == 1 && kept.tag_mutes[0].name == "red" && lasts(&kept.tag_mutes[0]));
    let queue: Vec<(&str, &[u8])> = kept.queue.iter().map(|element| (element.key.as_str(), &element.value[..])).collect();
    assert_eq!(queue, [("two", &b"second"[..]), ("three", b"third")]);
    assert_eq!(kept.attributes.iter().map(|set| (&*set.key, &*set.value)).collect::<Vec<_>>(), [("topic", "new")]);
    assert_eq!(log.listed().unwrap(), [RoomId::new(stage).unwrap()]);
    assert_eq!(
        state(&log, stage).attributes.iter().map(|set| (&*set.key, &*set.value)).collect::<Vec<_>>(),
        [("scene", "one")]
    );
    assert_eq!(log.last_number(), late);
    assert!(log.scan(Space::Figures).unwrap().len() > 2 && log.scan(Space::Accounts).unwrap().len() == 6);
    assert!(log.spool().records() > 0 && log.next_line(None).unwrap().is_some());

    // The history, with what was taken back gone for good.
    let ids = |kept: &FjallLog| -> Vec<String> {
        let room = RoomId::new(hall).unwrap();
        let (anchor, scope) = (None, HistoryScope::default());
        let query = HistoryQuery {
            room,
            anchor,
            limit: 100,
            oldest_first: true,
            types: vec![],
            not_before: UnixMs(0),
            not_after: None,
            scope,
        };
        let items = logbook::history(kept, &query).unwrap().items;
        let message = |item: store::RawHistoryItem| Some(pb::Message::decode(item.message?).unwrap().message_id);
        items.into_iter().filter_map(message).collect()
    };
    let said = ["early 1", "early 2", "early 3", "tagged", "custom"];
    assert_eq!(ids(&log), said);
    drop(log);

    // A server goes on with it, and what it adds stands in one log with what was there.
    let server = start(home.path(), None);
    let mut owner = Peer::join(&server, "owner", hall);
    owner.done(send(text_message(hall, "said since", "words")));
    let made = pb::RoomEnterRequest { alias: "stage".into(), ..Default::default() };
    let Response::RoomEnter(entered) = owner.done(Request::RoomEnter(Box::new(made))) else {
        panic!("an enter is answered as one")
    };
    assert_eq!(entered.room.unwrap().room_id, stage);
    drop(owner);
    server.terminate();
    assert!(server.wait(crate::support::PATIENCE).success());
    let log = FjallLog::open(home.path(), &Options::default()).unwrap();
    assert_eq!(ids(&log), said.iter().copied().chain(["said since"]).collect::<Vec<_>>());
}

/// The numbers of the accounts in a store, by name.
fn numbers(folder: &Path) -> Vec<(String, i64)> {
    let log = FjallLog::open(folder, &Options::default()).unwrap();
    let rows = log.scan(Space::Accounts).unwrap();
    rows.into_iter().map(|(_, row)| store::Account::decode(row).unwrap()).map(|row| (row.account, row.number)).collect()
}

#[test]
fn the_accounts_of_an_older_folder_get_numbers_and_keep_them() {
    let home = tempfile::tempdir().unwrap();
    copy(&folder("format-2"), home.path());
    assert!(numbers(home.path()).iter().all(|(_, number)| *number == 0));
    let mut given = Vec::new();
    for _ in 0..2 {
        let server = start(home.path(), None);
        server.terminate();
        assert!(server.wait(crate::support::PATIENCE).success());
        given.push(numbers(home.path()));
    }
    assert!(given[0].is_sorted_by(|one, next| one.1 < next.1) && given[0].iter().all(|(_, number)| *number > 0), "{given:?}");
    assert_eq!(given[0], given[1]);
}

/// The program that wrote the folder would refuse it from here on, with words.
#[test]
fn a_folder_of_format_2_is_raised_for_good() {
    let home = tempfile::tempdir().unwrap();
    copy(&folder("format-2"), home.path());
    drop(FjallLog::open(home.path(), &Options::default()).unwrap());
    let state = fs::read_to_string(home.path().join("store.state")).unwrap();
    assert!(state.contains("\"format\":3"), "{state}");
}
