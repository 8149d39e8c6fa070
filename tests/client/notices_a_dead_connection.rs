//! A host that changes networks or wakes up asks whether its connection lives, and has a new one within three seconds if not.

use std::time::{Duration, Instant};

use crate::peer::{Peer, connect, event, listen, options, soon, state};
use chatroom::client::{ClientOptions, Event, State, start};
use chatroom::wire::{Request, Response};

/// Delays that a test would not wait for.
fn patient(address: &str) -> ClientOptions {
    ClientOptions { reconnect_ms_min: 60_000, reconnect_ms_max: 60_000, ..options(address) }
}

#[tokio::test]
async fn a_connection_that_answers_stays() {
    let (listener, address) = listen().await;
    let (client, mut events) = start(patient(&address));
    // Not connected: there is nothing to check.
    client.check_connection().unwrap();
    let connecting = connect(&client);
    let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    state(&mut events, State::Entered).await;
    client.check_connection().unwrap();
    let (sequence, request) = peer.request().await;
    let Request::Ping(body) = request else { panic!("{request:?}") };
    peer.respond(sequence, Response::Ping(body)).await;
    // The same connection serves what comes next.
    let asker = client.clone();
    let asking = tokio::spawn(async move { asker.ping().await });
    let (sequence, _) = peer.request().await;
    peer.respond(sequence, Response::Ping(Default::default())).await;
    soon(asking).await.unwrap().unwrap();
    assert_eq!(client.state(), State::Entered);
}

#[tokio::test]
async fn a_dead_connection_is_replaced_at_once() {
    let (listener, address) = listen().await;
    let (client, mut events) = start(patient(&address));
    let connecting = connect(&client);
    let (_dead, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    let asked = Instant::now();
    client.check_connection().unwrap();
    let (_peer, login) = Peer::accept_login(&listener, "r2").await;
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    assert_eq!(login.resume.unwrap().token, "r1");
    let delay = event(&mut events, |event| match event {
        Event::WillReconnect { delay_ms, .. } => Some(delay_ms),
        _ => None,
    });
    assert_eq!(delay.await, 0);
}

#[tokio::test]
async fn a_client_that_waits_before_it_tries_again_waits_no_longer() {
    let (listener, address) = listen().await;
    let (client, mut events) = start(patient(&address));
    let connecting = connect(&client);
    let (peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    drop(peer);
    state(&mut events, State::Waiting).await;
    client.check_connection().unwrap();
    Peer::accept_login(&listener, "r2").await;
    state(&mut events, State::Entered).await;
}
