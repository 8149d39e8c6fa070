//! A client tries its addresses in turn and is in when one of them answers.

use std::time::Duration;

use crate::peer::{Peer, connect, event, listen, nowhere, options, options_entering, soon};
use chatroom::client::{ClientOptions, Event, State, start};
use chatroom::error::{Code, Status};
use chatroom::wire::{Request, Response, pb};

// S000-005
#[tokio::test]
async fn only_the_last_address_is_reachable() {
    let (listener, address) = listen().await;
    let addresses = vec![nowhere().await, nowhere().await, address];
    let (client, mut events) = start(ClientOptions { addresses, ..options_entering("") });
    let connecting = connect(&client);
    let (_peer, login) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();

    assert_eq!((login.account.as_str(), login.token.as_str(), login.app_key.as_str()), ("alice", "secret", "app"));
    assert_eq!(login.protocol_version, 1);
    assert_eq!(login.device_id.len(), 36, "one is made up");
    assert_eq!(login.enter.unwrap().room_id, 1);

    for state in [State::Connecting, State::Connected, State::Entering] {
        assert_eq!(soon(events.next()).await, Some(Event::State(state)));
    }
    assert!(matches!(soon(events.next()).await, Some(Event::LoggedIn { resumed: false, .. })));
    assert_eq!(soon(events.next()).await, Some(Event::State(State::Entered)));
    assert!(matches!(soon(events.next()).await, Some(Event::Entered(room)) if room.last_seq == 10 && !room.gap));
    assert_eq!(client.state(), State::Entered);
    // S001-015
    assert!((1_700_000_000_000..1_700_000_001_000).contains(&client.server_time_ms().unwrap()));
    assert_eq!(soon(client.connect()).await.unwrap_err().code, Code::AlreadyLoggedIn);
}

#[tokio::test]
async fn attempts_run_out_and_the_client_says_why() {
    let (client, mut events) = start(ClientOptions { reconnect_attempts_max: Some(2), ..options(&nowhere().await) });
    let status = soon(client.connect()).await.unwrap_err();
    assert_eq!(status.code, Code::NoServer);
    let mut retries = Vec::new();
    let end = event(&mut events, |event| match event {
        Event::WillReconnect { retry_count, delay_ms } => {
            retries.push((retry_count, delay_ms));
            None
        }
        Event::Disconnected(status) => Some(status),
        _ => None,
    });
    // S000-010
    assert_eq!(end.await.code, Code::NoServer);
    // S000-009: up to 20 ms, then the upper half of a range twice as wide.
    let [(1, first), (2, second)] = retries[..] else { panic!("{retries:?}") };
    assert!(first <= 20 && (20..=40).contains(&second), "{retries:?}");
    assert_eq!(soon(events.next()).await, Some(Event::State(State::Exited)));
}

#[tokio::test]
async fn a_login_that_may_pass_later_is_tried_again_and_any_other_refusal_is_final() {
    let (listener, address) = listen().await;
    let (client, mut events) = start(options(&address));
    let connecting = connect(&client);
    for code in [Code::Busy, Code::TryAgain, Code::ServerError, Code::Unavailable] {
        let mut peer = Peer::accept(&listener).await;
        let (sequence, request) = peer.request().await;
        peer.refuse(&request, sequence, &Status::new(code, "later")).await;
        event(&mut events, |event| matches!(event, Event::WillReconnect { .. }).then_some(())).await;
    }
    let mut peer = Peer::accept(&listener).await;
    let (sequence, request) = peer.request().await;
    peer.refuse(&request, sequence, &Status::new(Code::WrongToken, "no")).await;
    assert_eq!(soon(connecting).await.unwrap().unwrap_err().code, Code::WrongToken);
    let status = event(&mut events, |event| match event {
        Event::WillReconnect { .. } => panic!("a wrong token is not tried again"),
        Event::Disconnected(status) => Some(status),
        _ => None,
    });
    assert_eq!(status.await.code, Code::WrongToken);

    // The client survives, and may be told to connect again.
    let connecting = connect(&client);
    let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    let asking = tokio::spawn(async move { client.ping().await });
    let (sequence, request) = peer.request().await;
    let Request::Ping(body) = request else { panic!("{request:?}") };
    peer.respond(sequence, Response::Ping(body)).await;
    assert!(soon(asking).await.unwrap().unwrap() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_room_that_refuses_the_login_ends_it() {
    let (listener, address) = listen().await;
    let (client, _events) = start(options_entering(&address));
    let connecting = connect(&client);
    let mut peer = Peer::accept(&listener).await;
    let (sequence, request) = peer.request().await;
    let Request::Login(request) = request else { panic!("{request:?}") };
    let mut response = crate::peer::welcome(&request, "r1");
    response.enter = Some(chatroom::wire::pb::RoomEnterResponse { code: 13003, ..Default::default() });
    peer.respond(sequence, Response::Login(Box::new(response))).await;
    assert_eq!(soon(connecting).await.unwrap().unwrap_err().code, Code::Blocklisted);
    assert_eq!(client.state(), State::Exited);
}

#[tokio::test]
async fn what_is_asked_of_a_client_that_does_not_connect_ends_at_once() {
    let (client, _events) = start(options("127.0.0.1:1"));
    assert_eq!(soon(client.exit(1)).await.unwrap_err().code, Code::NotLoggedIn);
    assert_eq!(client.state(), State::Disconnected);
    assert_eq!(client.server_time_ms(), None);
    soon(client.disconnect()).await;
}

// S000-013
#[tokio::test]
async fn each_configuration_makes_one_client_which_connects_when_it_is_told_to_and_shares_nothing_with_another() {
    let ((first_listener, first), (second_listener, second)) = (listen().await, listen().await);
    let (client, _events) = start(ClientOptions { account: "alice".into(), ..options(&first) });
    let (other, _other_events) = start(ClientOptions { account: "bob".into(), ..options(&second) });
    assert_eq!((client.state(), other.state()), (State::Disconnected, State::Disconnected), "it is made before it connects");
    let connecting = connect(&client);
    // It connects at once, to its address and with its account; whoever has a copy of it has the same client.
    let (mut peer, login) = Peer::accept_login(&first_listener, "r1").await;
    assert_eq!(login.account, "alice");
    soon(connecting).await.unwrap().unwrap();
    let copy = client.clone();
    assert_eq!((copy.state(), other.state()), (State::Entered, State::Disconnected));
    let asking = tokio::spawn(async move { copy.renew_token("new").await });
    let (sequence, request) = peer.request().await;
    assert!(matches!(request, Request::RenewToken(_)), "over the one connection there is: {request:?}");
    peer.respond(sequence, Response::RenewToken(pb::Status::default())).await;
    soon(asking).await.unwrap().unwrap();
    let connecting = connect(&other);
    let (_other_peer, login) = Peer::accept_login(&second_listener, "r2").await;
    assert_eq!(login.account, "bob");
    soon(connecting).await.unwrap().unwrap();
    other.close();
    assert_eq!(client.state(), State::Entered, "what becomes of one is nothing to another");
}
