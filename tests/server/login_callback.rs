//! Logins about which the application is asked (chatroom.md §d.1, auth_type 2).

use std::time::{Duration, Instant};

use crate::receiver::{Gate, Receiver};
use crate::support::admin::unix_ms;
use crate::support::process::{APP_KEY, APP_SECRET};
use crate::support::{PATIENCE, Peer, Server, Setup, peer, raise_open_files, wait_until};
use chatroom::account::{Account, Secret};
use chatroom::config::{AppConfig, CallbackUrl, Config};
use chatroom::id::AccountId;
use chatroom::limits;
use chatroom::server::Node;
use chatroom::wire::pb::{self, AuthType, KickReason};
use chatroom::wire::{Push, Request, Response};
use serde_json::json;

const YES: &str = "{\"code\":200}";

/// A server whose application is asked at `url`, and what else its configuration says.
fn server(url: &str, more: &str) -> Server {
    let config = format!("{more}\n[[apps]]\nkey = \"{APP_KEY}\"\nsecret = \"{APP_SECRET}\"\nlogin_callback = \"{url}\"\n");
    Server::start(Setup { config, memory: true, no_app: true, ..Setup::default() })
}

fn login(account: &str, token: &str, room: Option<i64>) -> pb::LoginRequest {
    pb::LoginRequest {
        auth_type: AuthType::Callback as i32,
        token: token.into(),
        login_ext: "extra".into(),
        ..peer::login(account, room)
    }
}

#[test]
fn whom_the_application_vouches_for_gets_in() {
    let receiver = Receiver::start(|_| (201, YES.into()));
    let server = server(&receiver.url(), "");
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_room("owner", "hall");
    let (mut alice, answer) = Peer::log_in(&server, login("Alice", "word", Some(room)));
    assert_eq!((answer.code, answer.account.as_str()), (0, "alice"), "{}", answer.desc);
    assert_eq!(answer.enter.unwrap().member.unwrap().account, "alice");
    let expected = json!({
        "appKey": APP_KEY, "accid": "alice", "token": "word", "loginExt": "extra", "clientType": 1, "ip": "127.0.0.1",
    });
    assert_eq!(receiver.asked(), [expected]);
    let taken = admin.call("user/create", &[("accid", "alice")]);
    assert_eq!(taken["code"], 414, "the account was created as with any first valid token");
    assert_eq!(alice.send_text(room, "m1", "hello").code, 0);
}

#[test]
fn everything_but_a_yes_is_302() {
    let receiver = Receiver::start(|question| match question["token"].as_str().unwrap() {
        "no" => (200, "{\"code\":403}".into()),
        "error" => (500, YES.into()),
        "garbage" => (200, "yes".into()),
        "long" => (200, format!("{{\"code\":200,\"pad\":\"{}\"}}", "x".repeat(100_000))),
        _ => (200, YES.into()),
    });
    let server = server(&receiver.url(), "");
    for token in ["no", "error", "garbage", "long"] {
        let (mut peer, answer) = Peer::log_in(&server, login("alice", token, None));
        assert_eq!((answer.code, answer.sub), (302, 102302), "{token}");
        peer.expect_closed();
    }
    let (_peer, answer) = Peer::log_in(&server, login("alice", "yes", None));
    assert_eq!(answer.code, 0);

    let unreachable = self::server("http://127.0.0.1:1/nobody", "");
    let (_peer, answer) = Peer::log_in(&unreachable, login("alice", "yes", None));
    assert_eq!(answer.code, 302);
    let without = Server::start(Setup { memory: true, ..Setup::default() });
    let (_peer, answer) = Peer::log_in(&without, login("alice", "yes", None));
    assert_eq!(answer.code, 514);
    let closed = self::server(&receiver.url(), "auto_register = false");
    let (_peer, answer) = Peer::log_in(&closed, login("stranger", "yes", None));
    assert_eq!(answer.code, 302, "an unknown account where none may register itself");
    closed.admin().create_user("known");
    let (_peer, answer) = Peer::log_in(&closed, login("known", "yes", None));
    assert_eq!(answer.code, 0);
}

#[test]
fn parameters_come_before_the_question() {
    let receiver = Receiver::start(|_| (200, YES.into()));
    let server = server(&receiver.url(), "");
    let log_in = |request: pb::LoginRequest| Peer::log_in(&server, request).1.code;
    assert_eq!(log_in(login("", "word", None)), 414);
    assert_eq!(log_in(login("alice", "", None)), 414);
    assert_eq!(log_in(login("alice", "word", Some(0))), 414);
    assert_eq!(log_in(pb::LoginRequest { app_key: "nobody".into(), ..login("alice", "word", None) }), 403);
    assert_eq!(log_in(pb::LoginRequest { protocol_version: 9, ..login("alice", "word", None) }), 201);
    assert!(receiver.asked().is_empty());
    assert_eq!(log_in(login("alice", "word", Some(4711))), 404, "the room comes after the account");
    assert_eq!(receiver.asked().len(), 1);
}

#[test]
fn a_blocked_account_stays_out_whatever_the_application_says() {
    let receiver = Receiver::start(|_| (200, YES.into()));
    let url = CallbackUrl::try_from(receiver.url()).unwrap();
    let app = AppConfig { login_callback: Some(url), ..AppConfig::new(APP_KEY, Secret::new(APP_SECRET)) };
    let listen = "127.0.0.1:0".parse().unwrap();
    let node = Node::start(&Config { memory: true, workers: 1, apps: vec![app], listen, ..Config::default() }).unwrap();
    let alice = Account { blocked: true, ..Account::new(AccountId::parse("alice").unwrap()) };
    node.accounts.load_account(APP_KEY, alice).unwrap();
    let mut peer = Peer::connect(node.wire);
    let Response::Login(answer) = peer.call(Request::Login(Box::new(login("alice", "word", None)))) else {
        panic!("a login was answered with something else");
    };
    assert_eq!((answer.code, answer.sub), (422, 102422));
    node.stop();
}

#[test]
fn a_slow_application_holds_up_nobody_else_and_five_seconds_are_the_most() {
    let gate = Gate::default();
    let held = gate.clone();
    let receiver = Receiver::start(move |question| {
        if question["token"] == "slow" {
            held.pass();
        }
        (200, YES.into())
    });
    // One worker, so that all of it goes on beside the one that waits.
    let server = server(&receiver.url(), "workers = 1");
    let mut slow = Peer::connect(server.wire);
    let began = Instant::now();
    let sequence = slow.ask(&Request::Login(Box::new(login("slow", "slow", None)))).unwrap();
    wait_until("the application to be asked", || gate.is_reached());
    for name in ["one", "two", "three"] {
        assert_eq!(Peer::log_in(&server, login(name, "word", None)).1.code, 0);
    }
    assert_eq!(Peer::log_in(&server, peer::login("dynamic", None)).1.code, 0);
    let Response::Login(answer) = slow.response(sequence, PATIENCE).unwrap() else { panic!("a login has one answer") };
    assert_eq!(answer.code, 302);
    assert!(began.elapsed() >= Duration::from_secs(5), "it was given its five seconds");
    slow.expect_closed();
    gate.open();
}

#[test]
fn one_question_too_many_at_once_is_busy() {
    let limit = limits::CALLBACKS_IN_FLIGHT_MAX;
    raise_open_files(4 * limit as u64);
    // Nobody accepts, so nobody answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = server(&format!("http://{}/silent", silent.local_addr().unwrap()), "workers = 1");
    let mut waiting = Vec::with_capacity(limit);
    for number in 0..limit {
        let mut peer = Peer::connect(server.wire);
        peer.ask(&Request::Login(Box::new(login(&format!("a{number}"), "word", None)))).unwrap();
        // Answered after the login before it has been looked at.
        peer.call(Request::Ping(Default::default()));
        waiting.push(peer);
    }
    let (mut refused, answer) = Peer::log_in(&server, login("late", "word", None));
    assert_eq!(answer.code, 503);
    refused.expect_closed();
    assert_eq!(Peer::log_in(&server, peer::login("dynamic", None)).1.code, 0, "who needs no question gets in");
    let first = waiting.first_mut().unwrap();
    assert!(matches!(first.any_response(PATIENCE), Ok((_, Response::Login(answer))) if answer.code == 302));
}

#[test]
fn the_time_for_a_login_holds_while_the_application_is_asked() {
    let gate = Gate::default();
    let held = gate.clone();
    let receiver = Receiver::start(move |question| {
        if question["accid"] == "slow" {
            held.pass();
        }
        (200, YES.into())
    });
    let server = server(&receiver.url(), "[timers]\nlogin_timeout_ms = 300");
    let mut slow = Peer::connect(server.wire);
    slow.ask(&Request::Login(Box::new(login("slow", "word", None)))).unwrap();
    wait_until("the application to be asked", || gate.is_reached());
    let Push::Kicked(kicked) = slow.push() else { panic!("who is closed is told why") };
    assert_eq!(kicked.reason(), KickReason::Silent);
    slow.expect_closed();
    // The answer comes to a connection that is gone.
    gate.open();
    assert_eq!(Peer::log_in(&server, login("next", "word", None)).1.code, 0);
}

#[test]
fn what_the_application_vouches_for_ends_when_it_says_and_is_renewed_by_asking_again() {
    let receiver = Receiver::start(|question| {
        let seconds = match question["token"].as_str().unwrap() {
            "short" => 2,
            "over" => 0,
            "refused" => return (200, "{\"code\":302}".into()),
            _ => 3600,
        };
        (200, format!("{{\"code\":200,\"expireAt\":{}}}", unix_ms() + seconds * 1000))
    });
    let server = server(&receiver.url(), "");
    assert_eq!(Peer::log_in(&server, login("alice", "over", None)).1.code, 508);
    let (mut alice, answer) = Peer::log_in(&server, login("alice", "short", None));
    assert_eq!(answer.code, 0);
    let Push::TokenWillExpire(told) = alice.push() else { panic!("less than 30 s remain") };
    assert!(told.seconds <= 2);
    let Push::Kicked(kicked) = alice.push() else { panic!("the token has expired") };
    assert_eq!(kicked.reason(), KickReason::TokenExpired);
    alice.expect_closed();

    let (mut bob, answer) = Peer::log_in(&server, login("bob", "short", None));
    assert_eq!(answer.code, 0);
    let mut renew = |token: &str| match bob.call(Request::RenewToken(pb::RenewTokenRequest { token: token.into() })) {
        Response::RenewToken(status) => status.code,
        other => panic!("a renewal was answered with {other:?}"),
    };
    assert_eq!((renew("refused"), renew("over"), renew(""), renew("long")), (302, 302, 414, 0));
    let deadline = Instant::now() + Duration::from_millis(2500);
    while let Ok(push) = bob.try_push(deadline.saturating_duration_since(Instant::now())) {
        assert!(matches!(push, Push::TokenWillExpire(_)), "the new token holds: {push:?}");
    }
}

#[test]
fn a_node_that_goes_down_while_an_application_is_asked_ends_without_a_panic() {
    let gate = Gate::default();
    let held = gate.clone();
    let receiver = Receiver::start(move |_| {
        held.pass();
        (200, YES.into())
    });
    let server = server(&receiver.url(), "[timers]\ndrain_ms = 200");
    let mut peers: Vec<Peer> = (0..4).map(|_| Peer::connect(server.wire)).collect();
    for (number, peer) in peers.iter_mut().enumerate() {
        peer.ask(&Request::Login(Box::new(login(&format!("caller-{number}"), "word", None)))).unwrap();
    }
    wait_until("the questions", || receiver.asked().len() == peers.len());
    let said = server.end();
    gate.open();
    assert!(!said.contains("panicked"), "{said}");
}
