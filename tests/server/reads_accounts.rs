//! A node with many more accounts than it holds in memory: they log in, are named, renewed, shown and changed as if it held all.

use crate::support::ask::set_role;
use crate::support::peer::login;
use crate::support::process::UNLIMITED;
use crate::support::{PATIENCE, Peer, Server, Setup, wait_until};
use chatroom::wire::pb::{self, RoleChange};
use chatroom::wire::{Request, Response};
use serde_json::json;

/// Accounts; memory has room for some 700.
const ACCOUNTS: usize = 1500;
/// The least that may be configured.
const CACHED_BYTES: &str = "65536";

fn setup(data: &std::path::Path) -> Setup {
    let config = UNLIMITED.replace("[limits]\n", &format!("[limits]\naccount_cache_bytes = {CACHED_BYTES}\n"));
    Setup { config, data: Some(data.to_owned()), ..Setup::default() }
}

fn answer(server: &Server, request: pb::LoginRequest) -> pb::LoginResponse {
    Peer::log_in(server, request).1
}

#[test]
fn accounts_that_are_not_in_memory_do_everything_they_do_when_they_are() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let server = Server::start(setup(&data));
    server.admin().create_user("owner");
    let room = server.admin().create_room("owner", "hall");
    // Each registers itself with its first login.
    for number in 0..ACCOUNTS {
        assert_eq!(answer(&server, login(&format!("user{number}"), None)).code, 0);
    }
    server.terminate();
    assert!(server.wait(PATIENCE).success());

    let server = Server::start(setup(&data));
    let admin = server.admin();
    for number in 0..ACCOUNTS {
        let answer = answer(&server, login(&format!("user{number}"), Some(room)));
        assert_eq!((answer.code, answer.enter.map(|enter| enter.code)), (0, Some(0)), "user{number}");
    }
    // By HTTP: a token, a profile, a block.
    let name = |number: usize| format!("user{number}");
    let token = admin.call("user/refreshToken", &[("accid", "user3")])["info"]["token"].as_str().unwrap().to_owned();
    admin.call("user/updateUinfo", &[("accid", "user3"), ("name", "Three"), ("sign", "three")]);
    assert_eq!(admin.call("user/block", &[("accid", "user4")])["code"], 200);
    for number in 100..ACCOUNTS {
        assert_eq!(answer(&server, login(&name(number), None)).code, 0);
    }
    let by_token = |token: &str| pb::LoginRequest { token: token.into(), auth_type: 0, ..login("user3", Some(room)) };
    assert_eq!(answer(&server, by_token("wrong")).code, 302);
    assert_eq!(answer(&server, login("user4", None)).code, 422);
    let shown = admin.call("user/getUinfos", &[("accids", &json!(["user3", "user5", "nobody"]).to_string())]);
    assert_eq!((&shown["uinfos"][0]["name"], &shown["uinfos"][0]["sign"]), (&json!("Three"), &json!("three")));
    assert_eq!(shown["uinfos"].as_array().map(Vec::len), Some(2));
    let online = admin.call("user/userOnlineStatus", &[("accids", &json!(["user6", "nobody"]).to_string())]);
    assert_eq!(online["data"]["invalidAccids"], json!(["nobody"]));

    let (mut three, entered) = Peer::log_in(&server, by_token(&token));
    assert_eq!(entered.code, 0);
    for number in 100..ACCOUNTS {
        assert_eq!(answer(&server, login(&name(number), None)).code, 0);
    }
    let renewed = three.call(Request::RenewToken(pb::RenewTokenRequest { token: token.clone() }));
    assert!(matches!(&renewed, Response::RenewToken(status) if status.code == 0), "{renewed:?}");
    let mut owner = Peer::join(&server, "owner", room);
    let code = |response: Response| match response {
        Response::MemberSetRole(answer) => answer.code,
        other => panic!("a role is answered with {other:?}"),
    };
    assert_eq!(code(owner.call(set_role(room, "user7", RoleChange::Common, true))), 0);
    assert_eq!(code(owner.call(set_role(room, "nobody", RoleChange::Common, true))), 404);
    // Who has a name is put out of it when it becomes an account's.
    let anonymous = pb::LoginRequest { anonymous: true, token: String::new(), ..login("user8", None) };
    assert_eq!(answer(&server, anonymous).code, 302);
    let cached = || -> Option<f64> {
        let page = admin.page("/metrics").1;
        page.lines().find_map(|line| line.strip_prefix("chatroom_account_cache_bytes ")?.parse().ok())
    };
    wait_until("the metric", || cached().is_some_and(|bytes| bytes > 10_000.0 && bytes <= 65_536.0));
}
