//! Several clients of one account, the policy of its application, and settings that change while the server runs.

use crate::support::peer::login;
use crate::support::process::{APP_KEY, APP_SECRET};
use crate::support::{Peer, Server, Setup, wait_until};
use chatroom::wire::pb::{self, KickReason};
use chatroom::wire::{Push, Request};

/// The configuration with these lines in the block of the application.
fn config(of_app: &str) -> String {
    format!("{}\n[[apps]]\nkey = \"{APP_KEY}\"\nsecret = \"{APP_SECRET}\"\n{of_app}\n", crate::support::process::UNLIMITED)
        .replace("level = \"warn\"", "level = \"info\"")
}

fn start(of_app: &str) -> (Server, i64) {
    let server = Server::start(Setup { config: config(of_app), memory: true, no_app: true, ..Setup::default() });
    server.admin().create_user("owner");
    let room = server.admin().create_quiet_room("owner", "clients");
    (server, room)
}

/// Logs "alice" in from a device of its own.
fn join(server: &Server, room: i64, device: &str, client_type: u32, custom_client_type: u32) -> Peer {
    let request = pb::LoginRequest { device_id: device.into(), client_type, custom_client_type, ..login("alice", Some(room)) };
    let (peer, answer) = Peer::log_in(server, request);
    assert_eq!(answer.code, 0, "{}", answer.desc);
    peer
}

fn expect_replaced(peer: &mut Peer, by: u32) {
    loop {
        if let Push::Kicked(kicked) = peer.push() {
            assert_eq!((kicked.reason(), kicked.may_reconnect), (KickReason::SamePlatform, false));
            assert_eq!(kicked.ext, format!("{{\"clientType\":{by}}}"));
            return peer.expect_closed_after_pushes();
        }
    }
}

fn is_in(peer: &mut Peer, room: i64, id: &str) -> bool {
    peer.send_text(room, id, "here").code == 0
}

// S003-015
#[test]
fn one_account_is_in_one_room_from_two_clients_and_both_hear_all() {
    let (server, room) = start("");
    let (mut phone, mut desk) = (join(&server, room, "phone", 1, 0), join(&server, room, "desk", 4, 0));
    assert!(is_in(&mut phone, room, "m1"));
    assert_eq!(desk.message().message_id, "m1", "a copy for the account's other client");
    assert!(is_in(&mut desk, room, "m2"));
    assert_eq!(phone.message().message_id, "m2");
}

// S000-018
#[test]
fn under_the_single_policy_a_second_login_puts_the_first_out() {
    let (server, room) = start("multi_client = \"single\"");
    let mut phone = join(&server, room, "phone", 1, 0);
    let mut desk = join(&server, room, "desk", 0, 0);
    expect_replaced(&mut phone, 4);
    assert!(is_in(&mut desk, room, "m1"), "a client that does not say its type counts as a desktop");
}

// S003-016
#[test]
fn a_changed_policy_bears_on_later_logins_and_a_bad_configuration_on_nothing() {
    let (server, room) = start("");
    let (mut phone, mut desk) = (join(&server, room, "phone", 1, 0), join(&server, room, "desk", 4, 0));
    server.reconfigure(&config("multi_client = \"same_type\""));
    wait_until("the configuration to be read", || server.said().contains("application changed"));
    wait_until("the new policy to hold", || {
        let mut watch = join(&server, room, "watch", 2, 7);
        let mut other = join(&server, room, "other watch", 1, 7);
        other.call(Request::Logout(pb::LogoutRequest::default()));
        // Who was put out cannot ask any more; who was not is answered.
        watch.try_call(&Request::Logout(pb::LogoutRequest::default())).is_err()
    });
    assert!(is_in(&mut phone, room, "m1") && is_in(&mut desk, room, "m2"), "who was in stays");
    let _tablet = join(&server, room, "tablet", 1, 0);
    expect_replaced(&mut phone, 1);

    server.reconfigure(&config("multi_client = \"nobody knows\""));
    wait_until("the refusal", || server.said().contains("the old one stays in force"));
    let _laptop = join(&server, room, "laptop", 4, 0);
    expect_replaced(&mut desk, 4);

    server.reconfigure(&config("anonymous = false"));
    wait_until("the last change", || server.said().matches("the configuration was read again").count() >= 2);
    let guest = pb::LoginRequest { anonymous: true, ..login("", Some(room)) };
    assert_eq!(Peer::log_in(&server, guest).1.code, 414, "a nick comes first");
    let mut guest = pb::LoginRequest { anonymous: true, ..login("", Some(room)) };
    guest.enter.as_mut().unwrap().nick = "Guest".into();
    assert_eq!(Peer::log_in(&server, guest).1.code, 403);
}

#[test]
fn settings_of_sends_change_within_a_second_for_who_is_in() {
    let (server, room) = start("");
    let mut alice = join(&server, room, "phone", 1, 0);
    for number in 0..100 {
        assert!(is_in(&mut alice, room, &format!("m{number}")), "there is no limit yet");
    }
    server.reconfigure(&config("client_send_per_second = 1\nclient_send_burst = 1"));
    let mut number = 0;
    wait_until("the limit to hold", || {
        number += 1;
        alice.send_text(room, &format!("n{number}"), "more").code == 416
    });
    let mut bob = Peer::join(&server, "bob", room);
    assert_eq!(bob.send_text(room, "b1", "hello").code, 0, "the limit is each account's own");
}

#[test]
fn an_application_can_be_added_and_switched_off_while_the_server_runs() {
    let (server, room) = start("");
    let mut alice = join(&server, room, "phone", 1, 0);
    let with_second =
        |disabled: bool| format!("{}[[apps]]\nkey = \"second\"\nsecret = \"2\"\ndisabled = {disabled}\n", config(""));
    let log_in = || {
        let mut request = pb::LoginRequest { app_key: "second".into(), ..login("bob", None) };
        request.token = crate::support::admin::dynamic_token("second", "2", "bob", 3600);
        Peer::log_in(&server, request).1.code
    };
    assert_eq!(log_in(), 403);
    server.reconfigure(&with_second(false));
    wait_until("the application to be added", || server.said().contains("application added"));
    wait_until("the configuration to be read", || server.said().contains("was read again"));
    assert_eq!(log_in(), 0);
    server.reconfigure(&with_second(true));
    wait_until("the application to be switched off", || server.said().contains("application changed"));
    assert_eq!(log_in(), 403);
    server.reconfigure(&config(""));
    wait_until("the warning", || server.said().contains("application no longer named"));
    assert!(is_in(&mut alice, room, "m1") && !server.said().contains("secret"), "nobody else is touched");
}
