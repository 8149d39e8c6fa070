//! A host that does not read its events stops the client from reading, and so the server from sending: memory is bounded.

use std::time::Duration;

use crate::peer::{Peer, connect, event, listen, options_entering, soon};
use bytes::BytesMut;
use chatroom::client::{Event, start};
use chatroom::wire::{Push, pb};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

/// More than the sockets' buffers of both sides hold, together with everything the client keeps.
const MESSAGES: u64 = 20_000;

fn large(seq: u64) -> Push {
    Push::Message(Box::new(pb::Message {
        room_id: 1,
        seq,
        epoch: 5,
        message_id: seq.to_string(),
        from: "bob".into(),
        body: vec![b'x'; 4096].into(),
        ..Default::default()
    }))
}

#[tokio::test]
async fn the_server_is_stopped_and_nothing_is_lost() {
    let (listener, address) = listen().await;
    let (client, mut events) = start(options_entering(&address));
    let connecting = connect(&client);
    let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();

    let mut written = 0;
    let mut bytes = BytesMut::new();
    while written < MESSAGES {
        bytes.clear();
        large(11 + written).encode(&mut bytes);
        // Stuck for so long, with everybody on one thread, means that nobody takes what is sent.
        if timeout(Duration::from_millis(300), peer.stream.write_all(&bytes)).await.is_err() {
            break;
        }
        written += 1;
    }
    assert!(written < MESSAGES, "all {MESSAGES} messages were taken from the server, {} bytes", written * 4096);

    let mut next = 11;
    while next < 11 + written {
        let seq = event(&mut events, |event| match event {
            Event::Message(message) => Some(message.seq),
            _ => None,
        });
        assert_eq!(seq.await, next);
        next += 1;
    }
}

#[tokio::test]
async fn a_server_that_talks_in_place_of_answering_the_login_is_stopped_too() {
    let (listener, address) = listen().await;
    let (client, _events) = start(options_entering(&address));
    let _connecting = connect(&client);
    let mut peer = Peer::accept(&listener).await;
    peer.request().await;
    let mut bytes = BytesMut::new();
    let mut written = 0;
    while written < MESSAGES {
        bytes.clear();
        large(11 + written).encode(&mut bytes);
        // As above; or the client has left this server, and what was kept of it does not grow any more.
        match timeout(Duration::from_millis(300), peer.stream.write_all(&bytes)).await {
            Ok(Ok(())) => written += 1,
            _ => break,
        }
    }
    assert!(written < MESSAGES, "all {MESSAGES} messages were taken from the server, {} bytes", written * 4096);
}

#[tokio::test]
async fn a_host_that_wants_no_events_drops_them_and_the_client_goes_on() {
    let (listener, address) = listen().await;
    let (client, events) = start(options_entering(&address));
    drop(events);
    let connecting = connect(&client);
    let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    let writing = tokio::spawn(async move {
        for seq in 11..3000 {
            peer.push(large(seq)).await;
        }
        peer
    });
    let mut peer = soon(writing).await.unwrap();
    let asking = tokio::spawn(async move { client.exit(1).await });
    let (sequence, request) = peer.request().await;
    peer.refuse(&request, sequence, &chatroom::error::Status::OK).await;
    soon(asking).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_slow_host_may_still_close() {
    let (listener, address) = listen().await;
    let (client, mut events) = start(options_entering(&address));
    let connecting = connect(&client);
    let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    for seq in 11..600 {
        peer.push(large(seq)).await;
    }
    client.close();
    soon(peer.see_off()).await;
    event(&mut events, |event| (event == Event::Closed).then_some(())).await;
}
