//! A client whose connection is lost says so, comes back, resumes, and repeats what was not acknowledged.

use crate::peer::{Peer, connect, event, listen, message, options, options_entering, soon, state, welcome};
use chatroom::client::{ClientOptions, Event, State, start};
use chatroom::error::{Code, Status};
use chatroom::wire::{Push, Request, Response, pb};

fn accepted(seq: u64) -> Response {
    Response::MessageSend(pb::MessageSendResponse { seq, ..Default::default() })
}

#[tokio::test]
async fn a_cut_is_announced_resumed_and_an_unacknowledged_message_repeated() {
    let (listener, address) = listen().await;
    let (client, mut events) = start(options_entering(&address));
    let connecting = connect(&client);
    let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    peer.push(message(11, "m11")).await;
    event(&mut events, |event| matches!(event, Event::Message(_)).then_some(())).await;

    let sender = client.clone();
    let sending = tokio::spawn(async move {
        sender.send(pb::MessageSendRequest { room_id: 1, body: "hello".into(), ..Default::default() }).await
    });
    let (_, sent) = peer.send_request().await;
    assert!(!sent.resend);
    let asker = client.clone();
    let asking = tokio::spawn(async move { asker.room_info(1).await });
    peer.request().await;
    drop(peer);

    // S000-009
    let retry = event(&mut events, |event| match event {
        Event::WillReconnect { retry_count, delay_ms } => Some((retry_count, delay_ms)),
        _ => None,
    });
    let (retry_count, delay_ms) = retry.await;
    assert!(retry_count == 1 && delay_ms <= 20, "the first delay comes out of its whole range: {delay_ms} ms");
    assert_eq!(soon(asking).await.unwrap().unwrap_err(), Status::new(Code::NoServer, "connection lost before the answer"));

    let mut peer = Peer::accept(&listener).await;
    let (sequence, request) = peer.request().await;
    let Request::Login(login) = request else { panic!("{request:?}") };
    let resume = login.resume.clone().unwrap();
    assert_eq!((resume.token.as_str(), resume.rooms[0].last_seq), ("r1", 11));
    let mut response = welcome(&login, "r2");
    response.resumed = true;
    response.enter = Some(pb::RoomEnterResponse { resumed: true, ..crate::peer::entered(1, 5, 12) });
    peer.respond(sequence, Response::Login(Box::new(response))).await;

    // S001-047
    let (sequence, again) = peer.send_request().await;
    assert_eq!((&again.message_id, again.resend), (&sent.message_id, true));
    peer.respond(sequence, accepted(12)).await;
    assert_eq!(soon(sending).await.unwrap().unwrap().seq, 12);

    // S002-033: what was seen before the cut is not shown again.
    peer.push(message(11, "m11")).await;
    peer.push(message(12, "m12")).await;
    let logged_in = event(&mut events, |event| match event {
        Event::LoggedIn { resumed, .. } => Some(resumed),
        _ => None,
    });
    assert!(logged_in.await);
    let shown = event(&mut events, |event| match event {
        Event::Message(message) => Some(message.message_id),
        _ => None,
    });
    assert_eq!(shown.await, "m12");
}

#[tokio::test]
async fn a_message_sent_while_away_is_sent_on_return() {
    let (listener, address) = listen().await;
    let (client, mut events) = start(options(&address));
    let connecting = connect(&client);
    let (peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    drop(peer);
    state(&mut events, State::Waiting).await;
    let sender = client.clone();
    let sending = tokio::spawn(async move {
        sender.send(pb::MessageSendRequest { room_id: 1, message_id: "own".into(), ..Default::default() }).await
    });
    let (mut peer, _) = Peer::accept_login(&listener, "r2").await;
    let (sequence, sent) = peer.send_request().await;
    assert_eq!((sent.message_id.as_str(), sent.resend), ("own", false), "it never went out before");
    peer.respond(sequence, accepted(1)).await;
    assert!(soon(sending).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_fresh_token_given_in_time_serves_the_next_login() {
    let (listener, address) = listen().await;
    let (client, mut events) =
        start(ClientOptions { reconnect_ms_min: 1000, reconnect_ms_max: 1000, seed: Some(3), ..options(&address) });
    let connecting = connect(&client);
    let (peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    drop(peer);
    let delay = event(&mut events, |event| match event {
        Event::WillReconnect { delay_ms, .. } => Some(delay_ms),
        _ => None,
    });
    assert!(delay.await > 500, "time enough, by the seed");
    client.set_token("fresh").await;
    let (_peer, login) = Peer::accept_login(&listener, "r2").await;
    assert_eq!(login.token, "fresh");
}

fn kick(reason: pb::KickReason, may_reconnect: bool) -> Push {
    Push::Kicked(Box::new(pb::Kicked { reason: reason.into(), may_reconnect, ..Default::default() }))
}

#[tokio::test]
async fn a_silent_kick_brings_the_client_back_without_a_word() {
    let (listener, address) = listen().await;
    let (client, mut events) = start(options(&address));
    let connecting = connect(&client);
    let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    peer.push(kick(pb::KickReason::Silent, true)).await;
    let (_peer, login) = Peer::accept_login(&listener, "r2").await;
    assert_eq!(login.resume.unwrap().token, "r1");
    let mut logins = 0;
    event(&mut events, |event| {
        assert!(!matches!(event, Event::Kicked(_)));
        logins += u32::from(matches!(event, Event::LoggedIn { .. }));
        (logins == 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn any_other_kick_is_final() {
    let (listener, address) = listen().await;
    let (client, mut events) = start(options(&address));
    let connecting = connect(&client);
    let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    let asker = client.clone();
    let asking = tokio::spawn(async move { asker.room_info(1).await });
    peer.request().await;
    peer.push(kick(pb::KickReason::SamePlatform, false)).await;
    assert!(peer.next().await.is_none(), "the client closes");
    let kicked = event(&mut events, |event| match event {
        Event::Kicked(kicked) => Some(kicked.reason()),
        _ => None,
    });
    assert_eq!(kicked.await, pb::KickReason::SamePlatform);
    assert!(matches!(soon(events.next()).await, Some(Event::Disconnected(status)) if status.code == Code::NotLoggedIn));
    assert_eq!(soon(events.next()).await, Some(Event::State(State::Exited)));
    assert_eq!(soon(asking).await.unwrap().unwrap_err().code, Code::NoServer);
    assert_eq!(soon(client.room_info(1)).await.unwrap_err().code, Code::NotLoggedIn);

    // The host may come back explicitly: as a first login.
    let connecting = connect(&client);
    let (_peer, login) = Peer::accept_login(&listener, "r2").await;
    soon(connecting).await.unwrap().unwrap();
    assert_eq!(login.resume, None);
}

#[tokio::test]
async fn a_server_that_stops_answering_is_left() {
    let (listener, address) = listen().await;
    let (client, _events) = start(ClientOptions { heartbeat_ms: 30, ping_timeout_ms: 30, ..options(&address) });
    let connecting = connect(&client);
    let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    let (sequence, request) = peer.request().await;
    let Request::Ping(body) = request else { panic!("{request:?}") };
    peer.respond(sequence, Response::Ping(body)).await;
    // The next beats stay without answer; the client gives this connection up and comes back.
    let (_peer, login) = Peer::accept_login(&listener, "r2").await;
    assert_eq!(login.resume.unwrap().token, "r1");
}
