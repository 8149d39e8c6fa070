//! `chatroom join` and `chatroom send` against the real server.

use crate::support::process::{APP_KEY, APP_SECRET};
use crate::support::{Server, Setup};
use crate::terminal::{Terminal, chatroom, complained, said};

/// A server with a room that `owner` created.
fn server_with_room() -> (Server, String, String) {
    let server = Server::start(Setup { memory: true, ..Setup::default() });
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_room("owner", "Lobby").to_string();
    let wire = server.wire.to_string();
    (server, wire, room)
}

/// The arguments of a command for this server's test application.
fn arguments<'a>(command: &'a str, wire: &'a str, room: &'a str, account: &'a str) -> Vec<&'a str> {
    vec![command, "--server", wire, "--app", APP_KEY, "--secret", APP_SECRET, "--room", room, "--account", account]
}

#[test]
fn two_terminals_chat() {
    let (_server, wire, room) = server_with_room();
    let mut alice = Terminal::open(&arguments("join", &wire, &room, "alice"));
    let greeting = alice.expect("entered room");
    assert!(greeting.contains("\"Lobby\" as alice, 1 online"), "{greeting}");
    let mut bob = Terminal::open(&arguments("join", &wire, &room, "bob"));
    bob.expect("entered room");
    alice.expect("* bob came in");
    alice.type_line("hello bob");
    bob.expect("alice: hello bob");
    bob.type_line("//hello \u{1b}[2J");
    alice.expect("bob: /hello \\u{1b}[2J");
    bob.type_line("/members");
    bob.expect("owner, creator, away");
    bob.expect("alice, visitor");
    bob.type_line("/history");
    bob.expect("alice: hello bob");
    bob.type_line("/queue offer song some words");
    alice.expect("* bob offers song=some words");
    alice.type_line("/queue");
    alice.expect("song=some words (of bob)");
    alice.type_line("/queue poll");
    alice.expect("* taken: song=some words");
    alice.type_line("/queue");
    alice.expect("* the queue is empty");
    alice.type_line("/histroy");
    alice.expect("there is no /histroy");
    assert_eq!(bob.close(), 0);
    alice.expect("* bob left");
    alice.type_line("/quit");
    assert_eq!(alice.wait(), 0);
}

#[test]
fn the_creator_mutes_the_room_and_kicks() {
    let (_server, wire, room) = server_with_room();
    let mut owner = Terminal::open(&arguments("join", &wire, &room, "owner"));
    owner.expect("entered room");
    let mut bob = Terminal::open(&arguments("join", &wire, &room, "bob"));
    bob.expect("entered room");
    bob.type_line("/mute");
    bob.expect("403/114432");
    owner.type_line("/mute");
    bob.expect("* owner muted the room");
    bob.type_line("may I");
    bob.expect("13006/113423");
    owner.type_line("/unmute");
    bob.expect("* owner unmuted the room");
    owner.type_line("/kick bob enough");
    bob.expect("out of the room: an administrator kicked you");
    assert_eq!(bob.wait(), 1);
    owner.expect("* owner kicked bob (enough)");
    assert_eq!(owner.close(), 0);
}

#[test]
fn a_pipe_is_sent_line_by_line_and_slows_down_when_told_to() {
    let (server, wire, room) = server_with_room();
    let mut reader = Terminal::open(&arguments("join", &wire, &room, "reader"));
    reader.expect("entered room");
    // More than the burst the server allows.
    let lines: String = (0..24).map(|number| format!("line {number}.\n")).collect();
    let output = chatroom(&arguments("join", &wire, &room, "writer"), &lines);
    assert_eq!(output.status.code(), Some(0), "{}", complained(&output));
    reader.expect("writer: line 23.");
    let heard: Vec<String> = reader.screen().iter().filter(|line| line.starts_with("writer:")).cloned().collect();
    let expected: Vec<String> = (0..24).map(|number| format!("writer: line {number}.")).collect();
    assert_eq!(heard, expected);
    drop(server);
}

#[test]
fn send_prints_the_seq_of_its_message() {
    let (_server, wire, room) = server_with_room();
    let mut reader = Terminal::open(&arguments("join", &wire, &room, "reader"));
    reader.expect("entered room");
    let mut command = arguments("send", &wire, &room, "sender");
    command.push("a single message");
    let output = chatroom(&command, "");
    assert_eq!(output.status.code(), Some(0), "{}", complained(&output));
    let seq: u64 = said(&output).trim().parse().expect("send prints a number");
    reader.expect("sender: a single message");
    reader.type_line("/history");
    reader.expect(&format!("#{seq} sender: a single message"));

    let mut command = arguments("send", &wire, &room, "sender");
    command.extend(["--kind", "custom", "-"]);
    let output = chatroom(&command, "{\"piped\":true}\n");
    assert_eq!(output.status.code(), Some(0), "{}", complained(&output));
    reader.expect("sender [custom]: {\"piped\":true}");
}

#[test]
fn commands_that_cannot_get_in_end_with_the_reason() {
    use std::time::{Duration, Instant};
    let (server, wire, room) = server_with_room();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let silent = silent.local_addr().map(|address| (silent, address.to_string())).expect("a listener has an address");
    let http = server.admin.to_string();
    let nobody = "127.0.0.1:1".to_owned();
    let begun = Instant::now();
    for (server, exit, words) in [
        (&http, 1, "HTTP"),
        (&nobody, 3, "refused"),
        (&"nosuch.invalid:7400".to_owned(), 3, "nosuch.invalid"),
        (&silent.1, 3, "after 1 s"),
    ] {
        for verb in ["send", "join"] {
            let mut command = arguments(verb, server, &room, "alice");
            command.extend(["--timeout", "1"]);
            command.extend((verb == "send").then_some("hi"));
            let output = chatroom(&command, "");
            assert_eq!(output.status.code(), Some(exit), "{verb} {server}: {}", complained(&output));
            assert!(complained(&output).contains(words), "{verb} {server}: {}", complained(&output));
        }
        // The load generator speaks frames by itself.
        let connections = ["--rooms", &*room, "--connections", "2", "--timeout", "1"];
        let mut command = vec!["load", "--server", server, "--app", APP_KEY, "--secret", APP_SECRET];
        command.extend(connections);
        let output = chatroom(&command, "");
        assert!(matches!(output.status.code(), Some(1 | 3)), "load {server}: {}", complained(&output));
        assert!(!complained(&output).is_empty());
    }
    let account = |admin: &str| {
        chatroom(&["account", "--admin", admin, "--app", APP_KEY, "--secret", APP_SECRET, "--timeout", "1", "carol"], "")
    };
    for admin in [&silent.1, &nobody, &wire] {
        let output = account(admin);
        assert_eq!(output.status.code(), Some(3), "{}", complained(&output));
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "none of them has waited for its default of ten seconds");
}

#[test]
fn a_static_token_opens_too() {
    let (server, wire, room) = server_with_room();
    let token = server.admin().create_user("carol");
    let command = ["send", "--server", &wire, "--app", APP_KEY, "--account", "carol", "--token", &token, "--room", &room, "hi"];
    let output = chatroom(&command, "");
    assert_eq!(output.status.code(), Some(0), "{}", complained(&output));
}

#[test]
fn failures_say_what_to_do_and_end_with_their_code() {
    let (server, wire, room) = server_with_room();
    let send = |wire: &str, secret: &str, room: &str| {
        let command = ["send", "--server", wire, "--app", APP_KEY, "--secret", secret, "--room", room, "hi"];
        let output = chatroom(&command, "");
        (output.status.code(), complained(&output))
    };
    let (code, words) = send(&wire, "wrong", &room);
    assert!(code == Some(1) && words.contains("302") && words.contains("--secret"), "{code:?} {words}");
    let (code, words) = send(&wire, APP_SECRET, "999");
    assert!(code == Some(1) && words.contains("404") && words.contains("--room"), "{code:?} {words}");
    let (code, words) = send(&wire, APP_SECRET, "0");
    assert!(code == Some(2) && words.contains("--room"), "{code:?} {words}");
    drop(server);
    let (code, words) = send(&wire, APP_SECRET, &room);
    assert!(code == Some(3) && words.contains("Is chatroomd running there?"), "{code:?} {words}");
}

#[test]
fn calls_over_http_go_to_the_base_path_of_the_server() {
    for base in ["/api/v1", ""] {
        let config = format!("[http]\nbase = \"{base}\"");
        let server = Server::start(Setup { config, memory: true, ..Setup::default() });
        let admin = server.admin.to_string();
        for given in [admin.clone(), format!("http://{admin}")] {
            let name = format!("bot{}", given.len());
            let output = chatroom(&["account", "--admin", &given, "--app", APP_KEY, "--secret", APP_SECRET, &name], "");
            assert_eq!(output.status.code(), Some(0), "{base}: {}", complained(&output));
            assert_eq!(said(&output).trim().len(), 32, "a token");
        }
    }
}

#[test]
fn a_token_it_prints_logs_the_account_in() {
    let (_server, wire, room) = server_with_room();
    let printed = chatroom(&["token", "--app", APP_KEY, "--secret", APP_SECRET, "--ttl", "60", "carol"], "");
    assert_eq!(printed.status.code(), Some(0), "{}", complained(&printed));
    let (token, room) = (said(&printed).trim().to_owned(), room.parse().unwrap());
    let request = chatroom::wire::pb::LoginRequest { token, ..crate::support::peer::login("carol", Some(room)) };
    let mut peer = crate::support::Peer::connect(wire.parse().unwrap());
    match peer.call(chatroom::wire::Request::Login(Box::new(request))) {
        chatroom::wire::Response::Login(answer) => assert_eq!((answer.code, answer.account.as_str()), (0, "carol")),
        other => panic!("{other:?}"),
    }
    for wrong in [["--ttl", "0", "carol"], ["--ttl", "60", "no account"]] {
        let refused = chatroom(&[&["token", "--app", APP_KEY, "--secret", APP_SECRET][..], &wrong].concat(), "");
        assert_eq!(refused.status.code(), Some(2), "{}", complained(&refused));
    }
}
