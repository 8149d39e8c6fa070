//! Calls about accounts, whole answers: rest-api.md §6.

use crate::support::peer::login;
use crate::support::{Peer, Server, Setup, wait_until};
use crate::world::{World, take};
use chatroom::wire::Push;
use chatroom::wire::pb::KickReason;
use serde_json::{Value, json};

fn log_in_with(world: &World, token: &str) -> i32 {
    let mut request = login("bob", Some(world.room));
    (request.auth_type, request.token) = (0, token.into());
    Peer::log_in(&world.server, request).1.code
}

#[test]
fn a_token_is_replaced_by_a_given_one_or_a_fresh_one() {
    let world = World::new();
    assert_eq!(world.call("user/update", &[("accid", "bob"), ("token", "t1")]), json!({ "code": 200 }));
    assert_eq!(log_in_with(&world, "t1"), 0);
    let mut fresh = world.call("user/refreshToken", &[("accid", "Bob")]);
    let token = take(&mut fresh["info"], "token").as_str().unwrap().to_owned();
    assert_eq!(fresh, json!({ "code": 200, "info": { "accid": "bob" } }));
    assert_eq!((token.len(), log_in_with(&world, &token), log_in_with(&world, "t1")), (32, 0, 302));
    let long = "t".repeat(129);
    for (accid, token) in [("bob", &long[..]), ("", "t")] {
        assert_eq!(world.call("user/update", &[("accid", accid), ("token", token)])["code"], 414, "{accid}");
    }
    assert_eq!(world.call("user/update", &[("accid", "bob"), ("token", "")]), json!({ "code": 200 }), "it stays");
    assert_eq!(log_in_with(&world, &token), 0);
}

#[test]
fn an_update_changes_token_and_profile_together_or_either_alone() {
    let world = World::new();
    let more = [("accid", "bob"), ("token", "t1"), ("name", "Bobby"), ("gender", "1"), ("ex", "x")];
    assert_eq!(world.call("user/update", &more), json!({ "code": 200 }));
    assert_eq!(world.call("user/update", &[("accid", "bob"), ("sign", "s")]), json!({ "code": 200 }));
    assert_eq!(log_in_with(&world, "t1"), 0);
    let found = world.call("user/getUinfos", &[("accids", r#"["bob"]"#)])["uinfos"][0].clone();
    assert_eq!(
        (&found["name"], &found["gender"], &found["ex"], &found["sign"]),
        (&json!("Bobby"), &json!(1), &json!("x"), &json!("s"))
    );
    assert_eq!(world.call("user/update", &[("accid", "bob"), ("gender", "3")])["code"], 414);
}

#[test]
fn an_account_that_does_not_exist_is_not_registered() {
    let world = World::new();
    let missing = json!({ "code": 414, "desc": "nobody not register", "sub_code": 102404 });
    for (endpoint, more) in [
        ("update", ("token", "t")),
        ("refreshToken", ("", "")),
        ("block", ("needkick", "true")),
        ("unblock", ("", "")),
        ("mute", ("mute", "true")),
        ("muteModule", ("muteRoom", "true")),
        ("updateUinfo", ("name", "n")),
    ] {
        assert_eq!(world.call(&format!("user/{endpoint}"), &[("accid", "nobody"), more]), missing, "{endpoint}");
    }
    assert_eq!(world.call("user/getUinfos", &[("accids", r#"["nobody","neither"]"#)]), missing);
    let some = world.call("user/getUinfos", &[("accids", r#"["nobody","bob"]"#)]);
    assert_eq!(some["uinfos"].as_array().map(Vec::len), Some(1), "{some}");
}

#[test]
fn a_blocked_account_is_put_out_everywhere_and_kept_out_until_unblocked() {
    let world = World::new();
    let other = world.server.admin().create_room("alice", "other");
    let (mut here, mut there) = (world.join("bob"), Peer::join(&world.server, "bob", other));
    let (mut nowhere, _) = Peer::log_in(&world.server, login("bob", None));
    let mut carol = world.join("carol");
    let block = |more: &[(&str, &str)]| world.call("user/block", &[&[("accid", "bob")], more].concat());
    assert_eq!(block(&[("needkick", "true"), ("kickNotifyExt", "why")]), json!({ "code": 200 }));
    for peer in [&mut here, &mut there, &mut nowhere] {
        let kicked = loop {
            if let Push::Kicked(kicked) = peer.push() {
                break kicked;
            }
        };
        assert_eq!((kicked.reason, kicked.ext.as_str()), (KickReason::AccountBlocked as i32, "why"));
        assert!(!kicked.may_reconnect);
        peer.expect_closed_after_pushes();
    }
    assert_eq!(Peer::log_in(&world.server, login("bob", Some(world.room))).1.code, 422);
    assert_eq!(block(&[])["code"], 403);
    assert_eq!(block(&[("needkick", "x")])["code"], 414);
    assert!(carol.pushes_so_far().is_empty(), "others stay");
    assert_eq!(world.call("user/unblock", &[("accid", "bob")]), json!({ "code": 200 }));
    let mut bob = world.join("bob");
    assert_eq!(block(&[]), json!({ "code": 200 }));
    assert!(bob.pushes_so_far().is_empty(), "without needkick it stays");
}

#[test]
fn a_muted_account_cannot_send_from_the_next_moment_on() {
    let world = World::new();
    let mut bob = world.join("bob");
    let mut sent = 0;
    let mut code = || {
        sent += 1;
        bob.send_text(world.room, &format!("m{sent}"), "hear me").code
    };
    let mute = |mute| world.call("user/mute", &[("accid", "bob"), ("mute", mute)]);
    assert_eq!(mute("true"), json!({ "code": 200 }));
    wait_until("the mute", || code() == 423);
    assert_eq!(Peer::join(&world.server, "bob", world.room).send_text(world.room, "n1", "hear me").code, 423);
    assert_eq!(mute("false"), json!({ "code": 200 }));
    assert_eq!(mute("")["code"], 414);
    let modules = |more: &[(&str, &str)]| world.call("user/muteModule", &[&[("accid", "bob")], more].concat());
    let flags = |team: bool, room: bool| json!({ "code": 200, "data": { "muteP2P": false, "muteTeam": team, "muteRoom": room, "muteQChat": false } });
    assert_eq!(modules(&[("muteRoom", "true"), ("muteP2P", "false")]), flags(false, true));
    let mut second = Peer::join(&world.server, "bob", world.room);
    assert_eq!(second.send_text(world.room, "n2", "hear me").code, 423);
    assert_eq!(modules(&[("muteRoom", "false")]), flags(false, false));
    wait_until("the end of the mute", || second.send_text(world.room, "n3", "hear me").code == 0);
    assert_eq!(modules(&[("muteTeam", "true")]), flags(true, false));
    assert_eq!(second.send_text(world.room, "n4", "hear me").code, 0);
    assert_eq!(modules(&[]), flags(true, false), "what is missing stays");
}

#[test]
fn profiles_are_changed_and_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let setup = || Setup {
        config: crate::support::process::UNLIMITED.into(),
        data: Some(folder.path().join("data")),
        ..Setup::default()
    };
    let world = World::on(Server::start(setup()));
    let update = |more: &[(&str, &str)]| world.call("user/updateUinfo", &[&[("accid", "bob")], more].concat());
    let profile =
        [("icon", "http://b"), ("sign", "s"), ("email", "e"), ("birth", "b"), ("mobile", "m"), ("gender", "1"), ("ex", "x")];
    assert_eq!(update(&profile), json!({ "code": 200 }));
    assert_eq!(update(&[("name", "Bobby"), ("sign", "")]), json!({ "code": 200 }));
    assert_eq!(world.call("user/mute", &[("accid", "bob"), ("mute", "true")])["code"], 200);
    assert_eq!(world.call("user/block", &[("accid", "alice")])["code"], 200);
    let long = "é".repeat(1025);
    for more in [&[][..], &[("gender", "3")], &[("name", &long)], &[("icon", &long)], &[("ex", &long)]] {
        assert_eq!(update(more)["code"], 414, "{more:?}");
    }
    drop(world);
    let server = Server::start(setup());
    let found = server.admin().call("user/getUinfos", &[("accids", r#"["bob","nobody","alice"]"#)]);
    let object = |accid: &str, name: &str, valid: bool, mute: bool| {
        json!({
            "accid": accid, "name": name, "icon": "", "sign": "", "email": "", "birth": "", "mobile": "", "gender": 0, "ex": "",
            "valid": valid, "mute": mute,
        })
    };
    let mut bob = object("bob", "Bobby", true, true);
    for (key, value) in [("icon", "http://b"), ("sign", "s"), ("email", "e"), ("birth", "b"), ("mobile", "m"), ("ex", "x")] {
        bob[key] = json!(value);
    }
    bob["gender"] = json!(1);
    assert_eq!(found, json!({ "code": 200, "uinfos": [bob, object("alice", "Alice", false, false)] }));
    assert_eq!(server.admin().call("user/getUinfos", &[("accids", "bob")])["code"], 414);
}

#[test]
fn it_is_known_where_an_account_has_logged_in() {
    let world = World::new();
    let bob = world.join("bob");
    let second = Peer::log_in(&world.server, login("bob", None)).0;
    let status = || world.call("user/userOnlineStatus", &[("accids", r#"["bob","carol","nobody"]"#)]);
    let logins = |answer: &Value| answer["data"]["status"]["bob"].as_array().map_or(0, Vec::len);
    let mut answer = status();
    assert_eq!(logins(&answer), 2);
    for login in answer["data"]["status"]["bob"].as_array_mut().unwrap() {
        assert!(take(login, "loginTime").as_i64().unwrap() > 1_700_000_000_000);
    }
    let expected = json!({
        "invalidAccids": ["nobody"], "status": { "bob": [{ "clientType": 1 }, { "clientType": 1 }] },
    });
    assert_eq!(answer, json!({ "code": 200, "data": expected }));
    second.cut();
    wait_until("the second connection to be gone", || logins(&status()) == 1);
    bob.cut();
    wait_until("the first connection to be gone", || logins(&status()) == 0);
    // Who is offline has no entry.
    assert_eq!(status(), json!({ "code": 200, "data": { "invalidAccids": ["nobody"], "status": {} } }));
    assert_eq!(world.call("user/userOnlineStatus", &[("accids", "[]")])["code"], 414);
}
