//! The client has a typed call for every request there is, and each comes back with what the server answers.

use std::collections::BTreeSet;

use crate::peer::{Peer, connect, listen, options_entering, soon};
use bytes::Bytes;
use chatroom::client::{BatchConfig, Client, start};
use chatroom::error::{Code, Status, Sub};
use chatroom::wire::{PacketKind, Request, Response, pb};
use tokio::net::TcpListener;

/// Every kind that can be asked for.
fn requests() -> BTreeSet<u16> {
    (0..=u16::MAX).filter(|kind| Request::decode(*kind, Bytes::new()).is_ok()).collect()
}

/// Answers everything with the emptiest answer of its kind; returns what it was asked once the client has gone.
async fn answer_all(listener: TcpListener) -> BTreeSet<u16> {
    let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
    let mut asked = BTreeSet::from([PacketKind::Login as u16]);
    while let Some(packet) = peer.next().await {
        let chatroom::wire::Packet::Request { sequence, request } = packet else { panic!("{packet:?}") };
        let kind = request.kind() as u16;
        asked.insert(kind);
        let response = match Response::decode(kind, Bytes::new()).unwrap() {
            Response::RoomInfo(_) => {
                Response::RoomInfo(Box::new(pb::RoomInfoResponse { room: Some(pb::RoomInfo::default()), ..Default::default() }))
            }
            response => response,
        };
        peer.respond(sequence, response).await;
    }
    asked
}

async fn ask_for_everything(client: &Client) -> Result<(), Status> {
    client.renew_token("t").await?;
    client.kick_devices(vec!["d".into()]).await?;
    client.ping().await?;
    client.leave_all().await?;
    client.exit(2).await?;
    client.room_info(1).await?;
    client.ask_for_everything().await
}

#[tokio::test]
async fn every_request_has_a_call_of_its_own() {
    let (listener, address) = listen().await;
    let serving = tokio::spawn(answer_all(listener));
    let (client, _events) = start(options_entering(&address));
    soon(client.connect()).await.unwrap();
    soon(ask_for_everything(&client)).await.unwrap();
    // Login and logout are what connecting and disconnecting do.
    soon(client.disconnect()).await;
    assert_eq!(soon(serving).await.unwrap(), requests());
}

#[tokio::test]
async fn attributes_of_a_batch_go_out_as_one_request() {
    let (listener, address) = listen().await;
    let (client, _events) = start(options_entering(&address));
    assert_eq!(soon(client.begin_attributes_batch(1, BatchConfig::default())).await.unwrap_err().code, Code::NotLoggedIn);
    assert_eq!(soon(client.end_attributes_batch(1)).await.unwrap_err().code, Code::NotLoggedIn);
    let connecting = connect(&client);
    let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    let outside = soon(client.begin_attributes_batch(2, BatchConfig::default())).await.unwrap_err();
    assert_eq!((outside.code, outside.sub), (Code::Forbidden, Some(Sub::NotInRoom)));
    assert_eq!(soon(client.end_attributes_batch(1)).await.unwrap_err().code, Code::NoChange);

    let config = BatchConfig { delete_after_owner_left: true, ..BatchConfig::default() };
    soon(client.begin_attributes_batch(1, config)).await.unwrap();
    assert_eq!(soon(client.begin_attributes_batch(1, config)).await.unwrap_err().code, Code::Repeated);
    let attributes = [("k".to_owned(), "v".to_owned())].into_iter().collect();
    soon(client.set_attributes(pb::AttributesSetRequest { room_id: 1, attributes, ..Default::default() })).await.unwrap();
    let ender = client.clone();
    let ending = tokio::spawn(async move { ender.end_attributes_batch(1).await });
    let (sequence, request) = peer.request().await;
    let Request::AttributesBatch(batch) = request else { panic!("{request:?}") };
    assert!(batch.delete_after_owner_left && batch.operations.len() == 1);
    let answer = pb::AttributesChangeResponse { error_keys: vec!["k".into()], ..Default::default() };
    peer.respond(sequence, Response::AttributesBatch(answer)).await;
    assert_eq!(soon(ending).await.unwrap().unwrap().error_keys, ["k"]);
}

// chatroom.md §e.7, frequencyControlDuration.
#[tokio::test]
async fn a_refusal_for_haste_says_how_long_to_wait() {
    let (listener, address) = listen().await;
    let (client, _events) = start(options_entering(&address));
    let connecting = connect(&client);
    let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    let sending = tokio::spawn(async move { client.send(pb::MessageSendRequest { room_id: 1, ..Default::default() }).await });
    let (sequence, request) = peer.request().await;
    let mut status = Status::with_sub(Code::TooFrequent, Sub::MessageRate);
    status.retry_after_ms = 340;
    peer.refuse(&request, sequence, &status).await;
    assert_eq!(soon(sending).await.unwrap().unwrap_err(), status);
}
