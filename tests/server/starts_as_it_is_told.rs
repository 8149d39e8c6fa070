//! The command line and the configuration file, as whoever starts a server meets them.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::process::{APP_SECRET, UNLIMITED};
use crate::support::{PATIENCE, Peer, Server, Setup};

fn chatroomd(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chatroomd")).args(arguments).output().expect("chatroomd can be started")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn files(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { names.extend(files(&path)) } else { names.push(path.display().to_string()) }
    }
    names
}

#[test]
fn an_unknown_key_and_a_bad_value_are_refused_and_can_be_found() {
    for (text, named) in [
        ("liisten = \"127.0.0.1:0\"", "liisten"),
        ("[limits]\nconnections_max = \"many\"", "line 2"),
        ("[timers]\nlogin_timeout_ms = 1", "login_timeout_ms"),
        ("durability = \"sometimes\"", "sometimes"),
    ] {
        let why =
            Server::try_start(Setup { config: text.into(), ..Setup::default() }).err().expect("the server must not start");
        assert!(why.contains(named), "{text:?} was refused with {why}");
    }
}

#[test]
fn a_good_configuration_is_said_to_be_good_without_starting() {
    let output = chatroomd(&["--check-config", "--listen", "127.0.0.1:0"]);
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn an_address_in_use_is_named() {
    let server = Server::start_unlimited();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let output = chatroomd(&["--listen", &server.wire.to_string(), "--admin", "127.0.0.1:0", "--data", &data]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains(&server.wire.to_string()), "{}", said(&output));
}

#[test]
fn a_folder_in_use_is_refused() {
    let server = Server::start(Setup::default());
    let data = server.data().display().to_string();
    let output = chatroomd(&["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", &data]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}

#[test]
fn with_nothing_it_makes_an_application_and_a_room_and_prints_how_to_join() {
    let folder = tempfile::tempdir().unwrap();
    let setup = || Setup { data: Some(folder.path().join("data")), no_app: true, ..Setup::default() };
    let server = Server::start(setup());
    let line = server.line(PATIENCE).expect("a line to paste into another terminal");
    assert!(line.contains(&format!("join --server {}", server.wire)), "{line}");
    let word = |line: &str, flag: &str| -> String {
        let mut words = line.split_whitespace();
        words.find(|word| *word == flag);
        words.next().unwrap_or_else(|| panic!("no {flag} in {line}")).to_owned()
    };
    let (app, secret, room) = (word(&line, "--app"), word(&line, "--secret"), word(&line, "--room"));
    let mut request = crate::support::peer::login("guest", room.parse().ok());
    request.token = crate::support::admin::dynamic_token(&app, &secret, "guest", 60);
    request.app_key = app.clone();
    let (_guest, answer) = Peer::log_in(&server, request);
    assert_eq!((answer.code, answer.enter.map(|enter| enter.code)), (0, Some(0)), "{}", answer.desc);
    // The room's creator is somebody: nobody comes under that name without a token.
    for room in [None, room.parse().ok()] {
        let mut nobody = crate::support::peer::login("host", room);
        (nobody.app_key, nobody.anonymous, nobody.token) = (app.clone(), true, String::new());
        nobody.enter.iter_mut().for_each(|enter| enter.nick = "Host".into());
        assert_eq!(Peer::log_in(&server, nobody).1.code, 302);
    }
    server.terminate();
    server.wait(PATIENCE);
    // The next start on the folder has the same application, secret and room.
    let line = Server::start(setup()).line(PATIENCE).expect("a line to paste into another terminal");
    assert_eq!((word(&line, "--app"), word(&line, "--secret"), word(&line, "--room")), (app, secret, room));
}

#[test]
fn it_listens_on_loopback_unless_told_otherwise() {
    let output = chatroomd(&["--help"]);
    let help = said(&output);
    assert!(help.contains("127.0.0.1:7400") && help.contains("127.0.0.1:7480"), "{help}");
}

#[test]
fn memory_touches_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(Setup { memory: true, data: Some(data.clone()), config: UNLIMITED.into(), ..Setup::default() });
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_quiet_room("owner", "fleeting");
    let mut member = Peer::join(&server, "member", room);
    assert_eq!(member.send_text(room, "a", "text").code, 0);
    assert!(member.whole_history(room).len() == 1, "the history is there while the process lives");
    assert!(files(&data).is_empty(), "{:?}", files(&data));
}

#[test]
fn the_kernel_puts_no_huge_pages_where_memory_was_given_back() {
    let server = Server::start(Setup { memory: true, ..Setup::default() });
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let allowed = status.lines().find_map(|line| line.strip_prefix("THP_enabled:")).expect("the kernel says so since 5.0");
    assert_eq!(allowed.trim(), "0");
}

#[test]
fn no_secret_and_no_message_reaches_the_log() {
    let config = UNLIMITED.replace("\"warn\"", "\"trace\"");
    let server = Server::start(Setup { config, ..Setup::default() });
    let admin = server.admin();
    let token = admin.create_user("owner");
    let room = admin.create_quiet_room("owner", "discreet");
    let mut member = Peer::join(&server, "member", room);
    assert_eq!(member.send_text(room, "a", "a confidential body").code, 0);
    let used = crate::support::peer::login("other", Some(room));
    let (_other, answer) = Peer::log_in(&server, used.clone());
    assert_eq!(answer.code, 0);
    let said = server.end();
    assert!(!said.is_empty(), "a trace says something");
    for secret in [APP_SECRET, &token, &used.token, &answer.resume_token, "a confidential body"] {
        assert!(!said.contains(secret), "the log holds {secret:?}");
    }
}
