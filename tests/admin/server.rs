//! The HTTP API of the real server: what it creates is what members find, and it outlives a restart.

use crate::support::peer::login;
use crate::support::{Peer, Server, Setup};
use serde_json::json;

#[test]
fn a_room_made_over_http_is_the_room_members_enter() {
    // S002-008, S002-009
    let server = Server::start(Setup { memory: true, ..Setup::default() });
    let admin = server.admin();
    let token = admin.create_user("Alice");
    let created = admin.call("chatroom/create", &[("creator", "alice"), ("name", "my chat room"), ("broadcasturl", "xxxxxx")]);
    let room = created["chatroom"]["roomid"].as_i64().unwrap();
    let object = json!({
        "roomid": room, "valid": true, "muted": false, "announcement": null, "name": "my chat room",
        "broadcasturl": "xxxxxx", "ext": "", "creator": "alice", "queuelevel": 0,
    });
    assert_eq!(created, json!({ "code": 200, "chatroom": object }));

    let number = room.to_string();
    let count = || {
        admin.call("chatroom/get", &[("roomid", &number), ("needOnlineUserCount", "true")])["chatroom"]["onlineusercount"]
            .clone()
    };
    assert_eq!(count(), 0);
    let mut request = login("alice", Some(room));
    (request.auth_type, request.token) = (0, token);
    let (_alice, answer) = Peer::log_in(&server, request);
    assert_eq!(answer.enter.unwrap().member.unwrap().r#type, chatroom::wire::pb::MemberType::Creator as i32);
    let _bob = Peer::join(&server, "bob", room);
    assert_eq!(count(), 2);

    let mut expected = object;
    expected["ionotify"] = json!(true);
    assert_eq!(admin.call("chatroom/get", &[("roomid", &number)]), json!({ "code": 200, "chatroom": expected }));
}

#[test]
fn the_rooms_rules_are_the_rules_of_http() {
    // S002-008, S002-009
    let server = Server::start(Setup { memory: true, ..Setup::default() });
    let admin = server.admin();
    admin.create_user("alice");
    let create = |parameters: &[(&str, &str)]| {
        let mut all = vec![("creator", "alice")];
        all.extend_from_slice(parameters);
        admin.call("chatroom/create", &all)["code"].clone()
    };
    let text = "é".repeat(4097);
    let cut = |chars: usize| &text[..chars * 2];
    assert_eq!(
        create(&[("name", cut(128)), ("announcement", cut(4096)), ("broadcasturl", cut(1024)), ("ext", cut(4096))]),
        200
    );
    assert_eq!(create(&[("name", cut(129))]), 414);
    for (parameter, chars_max) in [("announcement", 4096), ("broadcasturl", 1024), ("ext", 4096)] {
        assert_eq!(create(&[("name", "n"), (parameter, cut(chars_max + 1))]), 414, "{parameter}");
    }
    assert_eq!(create(&[("name", "n"), ("queuelevel", "2")]), 414);
    assert_eq!(create(&[("name", "n"), ("queuelevel", "1"), ("inOutNotification", "0")]), 200);
    let missing = admin.call("chatroom/get", &[("roomid", "4711")]);
    assert_eq!((&missing["code"], &missing["sub_code"]), (&json!(404), &json!(113404)));
}

#[test]
fn accounts_and_rooms_made_over_http_are_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let setup = || Setup { data: Some(folder.path().join("data")), ..Setup::default() };
    let server = Server::start(setup());
    let token = server.admin().create_user("alice");
    let room = server.admin().create_room("alice", "lasting");
    drop(server);

    let server = Server::start(setup());
    let again = server.admin().call("user/create", &[("accid", "alice")]);
    assert_eq!(again, json!({ "code": 414, "desc": "already register" }));
    let mut request = login("alice", Some(room));
    (request.auth_type, request.token) = (0, token);
    assert_eq!(Peer::log_in(&server, request).1.code, 0);
    let found = server.admin().call("chatroom/get", &[("roomid", &room.to_string())]);
    assert_eq!(found["chatroom"]["name"], "lasting");
    assert_eq!(server.admin().create_room("alice", "next"), room + 1);
}

#[test]
fn an_application_does_not_see_the_rooms_of_another() {
    let arguments = vec!["--app".to_owned(), "second:another-secret".to_owned()];
    let server = Server::start(Setup { memory: true, arguments, ..Setup::default() });
    server.admin().create_user("alice");
    let room = server.admin().create_room("alice", "ours").to_string();
    let second = crate::support::Admin::new(server.admin, "second", "another-secret");
    assert_eq!(second.call("chatroom/get", &[("roomid", &room)])["code"], 404);
    assert_eq!(second.call("chatroom/create", &[("creator", "alice"), ("name", "n")])["code"], 414);
}

#[test]
fn calls_are_counted_and_health_and_metrics_are_open() {
    let server = Server::start(Setup { memory: true, ..Setup::default() });
    let admin = server.admin();
    admin.create_user("alice");
    assert_eq!(admin.page("/healthz").0, 200);
    assert_eq!(admin.page("/readyz").0, 200);
    let (status, text) = admin.page("/metrics");
    let line = r#"chatroom_http_calls_total{endpoint="/user/create.action",code="200"} 1"#;
    assert!(status == 200 && text.contains(line), "{text}");
}

#[test]
fn the_documented_calls_get_the_documented_answers() {
    let server = Server::start(Setup { memory: true, ..Setup::default() });
    let mut lines = include_str!("../../docs/http.md").lines();
    let mut calls = 0;
    while let Some(line) = lines.next() {
        let Some(call) = line.strip_prefix("call ") else { continue };
        let mut words = words(call).into_iter();
        let endpoint = words.next().unwrap();
        let parameters: Vec<String> = words.collect();
        let pairs: Vec<_> = parameters.iter().filter_map(|parameter| parameter.split_once('=')).collect();
        let expected = lines.next().and_then(|line| line.strip_prefix("# ")).unwrap();
        let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
        assert_eq!(blurred(server.admin().call(&endpoint, &pairs)), blurred(expected), "{line}");
        calls += 1;
    }
    assert_eq!(calls, 62);
}

/// What a shell makes of a line in which whole words stand in single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (index, part) in line.split('\'').enumerate() {
        let last = words.last_mut().unwrap();
        if index % 2 == 1 {
            last.push_str(part);
        } else {
            let mut plain = part.split(' ');
            last.push_str(plain.next().unwrap());
            words.extend(plain.map(str::to_owned));
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// An answer without what differs from run to run: times, tokens and where the server listens.
fn blurred(answer: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match answer {
        Value::Array(items) => items.into_iter().map(blurred).collect(),
        Value::Object(object) => {
            let pair = |(key, value): (String, Value)| match (key.as_str(), &value) {
                ("time", Value::String(_)) => (key, json!("0")),
                ("sendtime", Value::Number(_)) => (key, json!(0)),
                ("enterTime" | "joinTime", Value::Number(time)) if *time != 0.into() => (key, json!(1)),
                ("addr", Value::Array(addresses)) => (key, json!(addresses.len())),
                ("token", Value::String(token)) if token.len() == 32 => (key, json!("")),
                _ => (key, blurred(value)),
            };
            object.into_iter().map(pair).collect()
        }
        other => other,
    }
}
