//! Profiles of users: changed by their accounts, kept in their logs, shown where the directory is read.

use crate::support::peer::login;
use crate::support::{PATIENCE, Peer, Server, Setup};
use chatroom::wire::pb::{self, UserProfile, UserUpdateSelfRequest};
use chatroom::wire::{Request, Response};
use serde_json::{Value, json};

fn server(data: &std::path::Path) -> Server {
    Server::start(Setup { workers: Some(3), data: Some(data.to_owned()), ..Setup::default() })
}

fn peer(server: &Server, account: &str) -> Peer {
    let (peer, answer) = Peer::log_in(server, login(account, None));
    assert_eq!(answer.code, 0, "{account}: {}", answer.desc);
    peer
}

fn update(peer: &mut Peer, request: UserUpdateSelfRequest) -> pb::UserUpdateSelfResponse {
    match peer.call(Request::UserUpdateSelf(Box::new(request))) {
        Response::UserUpdateSelf(answer) => *answer,
        other => panic!("an update was answered with {other:?}"),
    }
}

fn nick(nick: &str) -> UserUpdateSelfRequest {
    UserUpdateSelfRequest { nick: Some(nick.into()), ..Default::default() }
}

/// What the HTTP API shows of accounts.
fn shown(server: &Server, accounts: &[&str]) -> Vec<Value> {
    let all = server.admin().call("user/getUinfos", &[("accids", &json!(accounts).to_string())]);
    all["uinfos"].as_array().cloned().unwrap_or_default()
}

// S001-020
#[test]
fn a_profile_changes_where_it_is_shown_and_outlives_a_kill_right_after_the_answer() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let server_before = server(&data);
    server_before.admin().create_user("owner");
    let room = server_before.admin().create_room("owner", "hall");
    // On every worker: their users lie in different shards.
    let names: Vec<String> = (0..12).map(|number| format!("user{number}")).collect();
    let mut peers: Vec<Peer> = names.iter().map(|name| peer(&server_before, name)).collect();
    let mut seen = Vec::new();
    for (name, peer) in names.iter().zip(&mut peers) {
        let request = UserUpdateSelfRequest {
            avatar: Some(format!("http://avatars/{name}")),
            sign: Some("here".into()),
            gender: Some(2),
            ..nick(&format!("Nick of {name}"))
        };
        let answer = update(peer, request);
        let user = answer.user.expect("the new profile");
        let expected = UserProfile {
            account: name.clone(),
            nick: format!("Nick of {name}"),
            avatar: format!("http://avatars/{name}"),
            sign: "here".into(),
            gender: 2,
            update_time_ms: user.update_time_ms,
            ..Default::default()
        };
        assert_eq!((answer.code, &user), (0, &expected), "{}", answer.desc);
        assert!(answer.epoch > 0 && answer.seq > 0 && user.update_time_ms > 0);
        seen.push(user);
    }
    // Absent fields stay, empty ones are cleared.
    let cleared = update(&mut peers[0], UserUpdateSelfRequest { sign: Some(String::new()), ..Default::default() });
    let cleared = cleared.user.expect("the new profile");
    assert!(cleared.update_time_ms > seen[0].update_time_ms);
    assert_eq!(cleared, UserProfile { sign: String::new(), update_time_ms: cleared.update_time_ms, ..seen[0].clone() });
    server_before.kill();

    let server = server(&data);
    let accounts: Vec<&str> = names.iter().map(String::as_str).collect();
    for (name, row) in names.iter().zip(shown(&server, &accounts)) {
        assert_eq!((&row["accid"], &row["name"]), (&json!(name), &json!(format!("Nick of {name}"))));
        assert_eq!((&row["icon"], &row["gender"]), (&json!(format!("http://avatars/{name}")), &json!(2)));
    }
    for name in &names {
        let (mut peer, answer) = Peer::log_in(&server, login(name, Some(room)));
        let member = answer.enter.and_then(|enter| enter.member).expect("it is in the room");
        assert_eq!((member.nick, member.avatar), (format!("Nick of {name}"), format!("http://avatars/{name}")));
        assert_eq!(update(&mut peer, nick(&format!("Nick of {name}"))).code, 406, "the log has it already");
        assert_eq!(update(&mut peer, nick("Another")).code, 0);
    }
}

// S001-020
#[test]
fn an_update_is_shown_by_the_next_enter_of_the_connection_that_asked() {
    let home = tempfile::tempdir().unwrap();
    let server = server(&home.path().join("data"));
    server.admin().create_user("owner");
    let room = server.admin().create_room("owner", "hall");
    let mut alice = peer(&server, "alice");
    // Both at once: what comes behind the update waits for it to be on its way.
    assert_eq!(update(&mut alice, nick("Alice")).code, 0);
    let Response::RoomEnter(entered) =
        alice.call(Request::RoomEnter(Box::new(pb::RoomEnterRequest { room_id: room, ..Default::default() })))
    else {
        panic!("an enter is answered as one");
    };
    assert_eq!(entered.member.map(|member| member.nick), Some("Alice".to_owned()));
    // The name inside the room stays.
    assert_eq!(update(&mut alice, nick("Alicia")).code, 0);
    let request = pb::MemberLookupRequest { room_id: room, accounts: vec!["alice".into()] };
    let Response::MemberLookup(found) = alice.call(Request::MemberLookup(request)) else { panic!("it is answered") };
    assert_eq!(found.members[0].nick, "Alice");
}

#[test]
fn requests_of_one_connection_are_applied_in_their_order() {
    let home = tempfile::tempdir().unwrap();
    let server = server(&home.path().join("data"));
    let mut alice = peer(&server, "alice");
    let requests: Vec<u32> = (0..20)
        .map(|number| alice.ask(&Request::UserUpdateSelf(Box::new(nick(&format!("Alice {number}"))))).unwrap())
        .collect();
    let mut places = Vec::new();
    for sequence in requests {
        match alice.response(sequence, PATIENCE).unwrap() {
            Response::UserUpdateSelf(answer) => places.push((answer.seq, answer.user.unwrap().nick)),
            other => panic!("an update was answered with {other:?}"),
        }
    }
    assert!(places.windows(2).all(|pair| pair[0].0 < pair[1].0), "{places:?}");
    assert_eq!(shown(&server, &["alice"])[0]["name"], json!("Alice 19"), "the last copy is the last change");
}

#[test]
fn what_is_no_profile_is_refused_and_leaves_no_trace() {
    let home = tempfile::tempdir().unwrap();
    let server = server(&home.path().join("data"));
    let mut alice = peer(&server, "alice");
    let text = |chars: usize| Some("é".repeat(chars));
    type Put = fn(&mut UserUpdateSelfRequest, Option<String>);
    let fields: [(&str, usize, Put); 8] = [
        ("nick", 64, |request, text| request.nick = text),
        ("avatar", 1024, |request, text| request.avatar = text),
        ("sign", 256, |request, text| request.sign = text),
        ("email", 64, |request, text| request.email = text),
        ("birth", 16, |request, text| request.birth = text),
        ("tel", 32, |request, text| request.tel = text),
        ("ext", 1024, |request, text| request.ext = text),
        ("moderation_id", 1024, |request, text| request.moderation_id = text),
    ];
    for (field, chars_max, put) in fields {
        let mut request = UserUpdateSelfRequest::default();
        put(&mut request, text(chars_max + 1));
        let answer = update(&mut alice, request.clone());
        assert_eq!((answer.code, answer.desc.contains(field)), (414, true), "{field}: {}", answer.desc);
        put(&mut request, text(chars_max));
        assert_eq!(update(&mut alice, request).code, 0, "{field}");
    }
    assert_eq!(update(&mut alice, UserUpdateSelfRequest { gender: Some(3), ..Default::default() }).code, 414);
    assert_eq!(update(&mut alice, UserUpdateSelfRequest::default()).code, 414, "nothing is given");
    assert_eq!(update(&mut alice, nick("\u{200B}")).code, 414, "nothing can be seen of it");
    assert_eq!(update(&mut alice, nick("")).code, 0, "no nick is one that is cleared");
}

#[test]
fn an_anonymous_session_has_no_profile_to_change() {
    let home = tempfile::tempdir().unwrap();
    let server = server(&home.path().join("data"));
    let anonymous = pb::LoginRequest { anonymous: true, token: String::new(), ..login("stranger", None) };
    let (mut stranger, answer) = Peer::log_in(&server, anonymous);
    assert_eq!(answer.code, 0, "{}", answer.desc);
    let answer = update(&mut stranger, nick("Somebody"));
    assert_eq!((answer.code, answer.sub), (403, 114_303));
    assert!(shown(&server, &["stranger"]).is_empty());
}

#[test]
fn moderation_judges_a_profile_as_it_judges_what_members_show() {
    let home = tempfile::tempdir().unwrap();
    let words = home.path().join("words");
    std::fs::write(&words, "rude\n").unwrap();
    let config = format!("[moderation]\nrefused_words = {words:?}\n");
    let setup = Setup { config, data: Some(home.path().join("data")), workers: Some(2), ..Setup::default() };
    let server = Server::start(setup);
    let mut alice = peer(&server, "alice");
    assert_eq!(update(&mut alice, nick("Alice")).code, 0);
    let answer = update(&mut alice, UserUpdateSelfRequest { sign: Some("so RUDE".into()), ..Default::default() });
    assert_eq!((answer.code, answer.sub), (13_005, 114_451));
    // From the first update on.
    let mut bob = peer(&server, "bob");
    assert_eq!(update(&mut bob, nick("rude")).code, 13_005);
    assert_eq!(shown(&server, &["alice", "bob"]).iter().map(|row| &row["name"]).collect::<Vec<_>>(), ["Alice", ""]);
}

fn look_up(peer: &mut Peer, accounts: &[&str]) -> pb::UserLookupResponse {
    let accounts = accounts.iter().map(|account| (*account).to_owned()).collect();
    match peer.call(Request::UserLookup(pb::UserLookupRequest { accounts })) {
        Response::UserLookup(answer) => answer,
        other => panic!("a look-up was answered with {other:?}"),
    }
}

// S001-018, S001-019
#[test]
fn users_of_every_worker_are_looked_up_in_the_order_asked_before_and_after_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let server_before = server(&data);
    let admin = server_before.admin();
    let names: Vec<String> = (0..12).map(|number| format!("user{number}")).collect();
    for name in &names {
        let sign = format!("sign of {name}");
        admin.call("user/create", &[("accid", name), ("name", name), ("sign", &sign), ("mobile", "123")]);
    }
    // Every second one has a log of its own.
    for name in names.iter().step_by(2) {
        assert_eq!(update(&mut peer(&server_before, name), nick(&format!("Nick of {name}"))).code, 0);
    }
    let mut looker = peer(&server_before, "looker");
    let mut asked: Vec<&str> = names.iter().rev().map(String::as_str).collect();
    asked.insert(3, "nobody");
    asked.insert(5, "no name at all");
    asked.push("USER3");
    let found = look_up(&mut looker, &asked);
    assert_eq!(found.code, 0, "{}", found.desc);
    assert_eq!(found.users.len(), names.len());
    for (name, user) in names.iter().rev().zip(&found.users) {
        let number: usize = name[4..].parse().unwrap();
        let nick = if number.is_multiple_of(2) { format!("Nick of {name}") } else { name.clone() };
        let expected = UserProfile {
            account: name.clone(),
            nick,
            sign: format!("sign of {name}"),
            tel: "123".into(),
            update_time_ms: user.update_time_ms,
            ..Default::default()
        };
        assert_eq!((user, user.update_time_ms > 0), (&expected, number.is_multiple_of(2)));
    }
    server_before.kill();
    let server = server(&data);
    assert_eq!(look_up(&mut peer(&server, "looker"), &asked).users, found.users);
}

// S001-019
#[test]
fn a_look_up_names_150_accounts_at_most_and_one_of_them_exists() {
    let home = tempfile::tempdir().unwrap();
    let server = server(&home.path().join("data"));
    let mut alice = peer(&server, "alice");
    let names: Vec<String> = (0..150).map(|number| format!("user{number}")).collect();
    names.iter().take(20).for_each(|name| drop(server.admin().create_user(name)));
    let mut accounts: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = look_up(&mut alice, &accounts);
    assert_eq!((found.code, found.users.len()), (0, 20));
    accounts.push("alice");
    for accounts in [&accounts[..], &[]] {
        let answer = look_up(&mut alice, accounts);
        assert_eq!((answer.code, answer.users.len()), (414, 0), "{}", answer.desc);
    }
    // S001-018
    let unknown = look_up(&mut alice, &["nobody"]);
    assert_eq!((unknown.code, unknown.sub), (404, 103_404));
    assert_eq!(look_up(&mut alice, &["no name at all"]).code, 404);
    assert_eq!(look_up(&mut alice, &["alice"]).users[0].account, "alice");
}

#[test]
fn an_anonymous_session_looks_nobody_up() {
    let home = tempfile::tempdir().unwrap();
    let server = server(&home.path().join("data"));
    server.admin().create_user("alice");
    let anonymous = pb::LoginRequest { anonymous: true, token: String::new(), ..login("stranger", None) };
    let (mut stranger, _) = Peer::log_in(&server, anonymous);
    let answer = look_up(&mut stranger, &["alice"]);
    assert_eq!((answer.code, answer.sub, answer.users.len()), (403, 114_303, 0));
}

#[test]
fn what_the_application_changes_over_http_is_in_the_log_of_the_user() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let server_before = server(&data);
    let admin = server_before.admin();
    admin.call("user/create", &[("accid", "alice"), ("name", "Alice"), ("sign", "first")]);
    let changed = |parameters: &[(&str, &str)]| {
        let answer = admin.call("user/updateUinfo", &[&[("accid", "alice")], parameters].concat());
        assert_eq!(answer["code"], 200, "{answer}");
    };
    let mut alice = peer(&server_before, "alice");
    // Before there is a log, after it, and to what it is already.
    changed(&[("sign", "second")]);
    assert_eq!(look_up(&mut alice, &["alice"]).users[0].sign, "second");
    assert_eq!(update(&mut alice, nick("Alicia")).user.unwrap().sign, "second");
    changed(&[("sign", "third"), ("gender", "2")]);
    changed(&[("sign", "third")]);
    let token = admin.call("user/update", &[("accid", "alice"), ("token", "secret"), ("mobile", "123")]);
    assert_eq!(token["code"], 200, "{token}");
    let user = look_up(&mut alice, &["alice"]).users.remove(0);
    assert_eq!((&*user.nick, &*user.sign, user.gender, &*user.tel), ("Alicia", "third", 2, "123"));
    server_before.kill();
    let server = server(&data);
    assert_eq!(look_up(&mut peer(&server, "alice"), &["alice"]).users, [user]);
    let row = &shown(&server, &["alice"])[0];
    assert_eq!((&row["name"], &row["sign"], &row["mobile"]), (&json!("Alicia"), &json!("third"), &json!("123")));
}
