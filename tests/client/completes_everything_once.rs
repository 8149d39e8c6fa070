//! A request that was accepted ends exactly once, whatever becomes of the client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::peer::{Peer, connect, event, listen, options, soon, state};
use chatroom::client::{Client, Event, State, start};
use chatroom::error::{Code, Status};
use chatroom::limits::CLIENT_QUEUE_MAX;
use chatroom::wire::{Request, Response, pb};
use tokio::sync::mpsc;

fn info() -> Request {
    Request::RoomInfo(pb::RoomInfoRequest { room_id: 1 })
}

/// Counts how often each of some requests was completed.
#[derive(Clone)]
struct Tally {
    counts: Arc<Vec<AtomicUsize>>,
    results: mpsc::UnboundedSender<Result<Response, Status>>,
}

impl Tally {
    fn new(requests: usize) -> (Tally, mpsc::UnboundedReceiver<Result<Response, Status>>) {
        let (results, out) = mpsc::unbounded_channel();
        (Tally { counts: Arc::new((0..requests).map(|_| AtomicUsize::new(0)).collect()), results }, out)
    }

    fn ask(&self, client: &Client, place: usize, request: Request) -> Result<(), Status> {
        let tally = self.clone();
        let done = move |result| {
            tally.counts[place].fetch_add(1, Ordering::SeqCst);
            tally.results.send(result).expect("the test listens");
        };
        client.request_with(request, done).map(drop)
    }

    fn counts(&self) -> Vec<usize> {
        self.counts.iter().map(|count| count.load(Ordering::SeqCst)).collect()
    }
}

#[tokio::test]
async fn closing_with_a_hundred_requests_in_flight_completes_each_of_them() {
    let (listener, address) = listen().await;
    let (client, mut events) = start(options(&address));
    let connecting = connect(&client);
    let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();

    let (tally, mut results) = Tally::new(100);
    for place in 0..100 {
        let send = pb::MessageSendRequest { room_id: 1, ..Default::default() };
        let request = if place % 2 == 0 { info() } else { Request::MessageSend(Box::new(send)) };
        tally.ask(&client, place, request).unwrap();
    }
    // Three are answered, the others are on their way.
    for _ in 0..3 {
        match peer.request().await {
            (sequence, Request::RoomInfo(_)) => peer.respond(sequence, Response::RoomInfo(Box::default())).await,
            (sequence, _) => peer.respond(sequence, Response::MessageSend(pb::MessageSendResponse::default())).await,
        }
    }
    for _ in 0..3 {
        assert!(soon(results.recv()).await.unwrap().is_ok());
    }
    client.close();
    soon(peer.see_off()).await;
    for _ in 3..100 {
        let status = soon(results.recv()).await.unwrap().unwrap_err();
        assert_eq!(status.code, Code::NotInitialised, "{status}");
    }
    event(&mut events, |event| (event == Event::Closed).then_some(())).await;
    assert_eq!(soon(events.next()).await, None, "nothing comes after the end");
    assert_eq!(tally.counts(), vec![1; 100]);
    // S000-017, S001-004
    assert_eq!(tally.ask(&client, 0, info()).unwrap_err().code, Code::NotInitialised);
    assert_eq!(soon(client.connect()).await.unwrap_err().code, Code::NotInitialised);
    assert_eq!(tally.counts(), vec![1; 100]);
}

#[tokio::test]
async fn a_client_without_handles_closes_and_completes() {
    let (listener, address) = listen().await;
    let (client, mut events) = start(options(&address));
    let connecting = connect(&client);
    let (peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    let (tally, mut results) = Tally::new(1);
    tally.ask(&client, 0, info()).unwrap();
    drop(client);
    soon(peer.see_off()).await;
    assert!(soon(results.recv()).await.unwrap().is_err());
    event(&mut events, |event| (event == Event::Closed).then_some(())).await;
    assert_eq!(tally.counts(), [1]);
}

#[tokio::test]
async fn a_client_that_is_closed_while_it_connects_gives_up() {
    let (listener, address) = listen().await;
    let (client, mut events) = start(options(&address));
    let connecting = connect(&client);
    let _silent = Peer::accept(&listener).await;
    state(&mut events, State::Entering).await;
    let (tally, mut results) = Tally::new(1);
    tally.ask(&client, 0, info()).unwrap();
    client.close();
    assert_eq!(soon(connecting).await.unwrap().unwrap_err().code, Code::NotInitialised);
    assert_eq!(soon(results.recv()).await.unwrap().unwrap_err().code, Code::NotInitialised);
    assert_eq!(tally.counts(), [1]);
}

#[test]
fn a_runtime_that_ends_completes_what_was_open() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (tally, mut results) = Tally::new(2);
    let (client, _events) = runtime.block_on(async {
        let (listener, address) = listen().await;
        let (client, events) = start(options(&address));
        let connecting = connect(&client);
        let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
        soon(connecting).await.unwrap().unwrap();
        tally.ask(&client, 0, info()).unwrap();
        peer.request().await;
        (client, events)
    });
    tally.ask(&client, 1, info()).unwrap();
    drop(runtime);
    for _ in 0..2 {
        assert_eq!(results.blocking_recv().unwrap().unwrap_err().code, Code::NotInitialised);
    }
    assert_eq!(tally.counts(), [1, 1]);
}

#[tokio::test]
async fn one_request_too_many_is_refused_at_once_and_a_place_comes_free_with_an_answer() {
    let (listener, address) = listen().await;
    let (client, _events) = start(options(&address));
    let connecting = connect(&client);
    let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    let (tally, mut results) = Tally::new(CLIENT_QUEUE_MAX + 1);
    for place in 0..CLIENT_QUEUE_MAX {
        tally.ask(&client, place, info()).unwrap();
    }
    assert_eq!(tally.ask(&client, CLIENT_QUEUE_MAX, info()).unwrap_err().code, Code::Busy);
    let (sequence, _) = peer.request().await;
    peer.respond(sequence, Response::RoomInfo(Box::default())).await;
    assert!(soon(results.recv()).await.unwrap().is_ok());
    // The place is given back right after the completion was called.
    soon(async {
        while tally.ask(&client, CLIENT_QUEUE_MAX, info()).is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    client.close();
    soon(peer.see_off()).await;
    for _ in 0..CLIENT_QUEUE_MAX {
        soon(results.recv()).await.unwrap().unwrap_err();
    }
    assert_eq!(tally.counts(), vec![1; CLIENT_QUEUE_MAX + 1]);
}

#[tokio::test]
async fn what_a_disconnect_ends_ends_alike_whether_it_was_sent_or_waited() {
    let (listener, address) = listen().await;
    let (client, mut events) = start(options(&address));
    let connecting = connect(&client);
    let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    let (tally, mut results) = Tally::new(4);
    let send = || Request::MessageSend(Box::new(pb::MessageSendRequest { room_id: 1, ..Default::default() }));
    tally.ask(&client, 0, info()).unwrap();
    tally.ask(&client, 1, send()).unwrap();
    peer.request().await;
    peer.request().await;
    let leaver = client.clone();
    let leaving = tokio::spawn(async move { leaver.disconnect().await });
    peer.see_off().await;
    soon(leaving).await.unwrap();
    // And over a connection that is gone.
    let connecting = connect(&client);
    let (peer, _) = Peer::accept_login(&listener, "r2").await;
    soon(connecting).await.unwrap().unwrap();
    drop((peer, listener));
    state(&mut events, State::Waiting).await;
    tally.ask(&client, 2, info()).unwrap();
    tally.ask(&client, 3, send()).unwrap();
    soon(client.disconnect()).await;
    for _ in 0..4 {
        let status = soon(results.recv()).await.unwrap().unwrap_err();
        assert_eq!((status.code, &*status.desc), (Code::NotLoggedIn, "disconnected by the host"));
    }
    assert_eq!(tally.counts(), [1; 4]);
}

#[tokio::test]
async fn a_cancelled_request_completes_at_once_and_one_that_waited_is_never_sent() {
    let (listener, address) = listen().await;
    let (client, mut events) = start(options(&address));
    let connecting = connect(&client);
    let (peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    drop(peer);
    state(&mut events, State::Waiting).await;
    let (done, mut results) = tokio::sync::mpsc::unbounded_channel();
    let send = |id: &str| {
        let (done, request) =
            (done.clone(), pb::MessageSendRequest { room_id: 1, message_id: id.into(), ..Default::default() });
        client.request_with(Request::MessageSend(Box::new(request)), move |result| done.send(result).unwrap()).unwrap()
    };
    let (first, second) = (send("m1"), send("m2"));
    assert_ne!(first, second);
    client.cancel(first).unwrap();
    client.cancel(first).unwrap();
    assert_eq!(soon(results.recv()).await.unwrap().unwrap_err().code, Code::Cancelled);
    let (mut peer, _) = Peer::accept_login(&listener, "r2").await;
    let (sequence, sent) = peer.send_request().await;
    assert_eq!(sent.message_id, "m2");
    peer.respond(sequence, Response::MessageSend(pb::MessageSendResponse::default())).await;
    assert!(soon(results.recv()).await.unwrap().is_ok());
    // What is complete cannot be cancelled any more, and nothing completes twice.
    client.cancel(second).unwrap();
    client.flush(Duration::from_secs(20)).await.unwrap();
    assert!(results.try_recv().is_err());
}

#[tokio::test]
async fn a_flush_waits_for_the_sends_before_it_and_no_longer_than_it_is_told() {
    let (listener, address) = listen().await;
    let (client, _events) = start(options(&address));
    soon(client.flush(Duration::from_secs(20))).await.unwrap();
    let connecting = connect(&client);
    let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    let (tally, mut results) = Tally::new(3);
    let send = || Request::MessageSend(Box::new(pb::MessageSendRequest { room_id: 1, ..Default::default() }));
    tally.ask(&client, 0, send()).unwrap();
    tally.ask(&client, 1, info()).unwrap();
    let (sequence, _) = peer.send_request().await;
    let late = soon(client.flush(Duration::from_millis(30))).await.unwrap_err();
    assert_eq!((late.code, &*late.desc), (Code::Timeout, "1 sends are not complete"));
    let waiting = client.try_flush(Duration::from_secs(20)).unwrap();
    tally.ask(&client, 2, send()).unwrap();
    peer.respond(sequence, Response::MessageSend(pb::MessageSendResponse::default())).await;
    // Neither the request that is no send nor the send behind it is waited for.
    soon(waiting).await.unwrap().unwrap();
    assert!(soon(results.recv()).await.unwrap().is_ok(), "the send was complete before the flush");
    assert_eq!(tally.counts(), [1, 0, 0]);
    client.close();
    soon(peer.see_off()).await;
}

// S000-016, S001-003
#[tokio::test]
async fn a_disconnect_logs_out_and_the_client_can_connect_again() {
    let (listener, address) = listen().await;
    let (client, mut events) = start(options(&address));
    let connecting = connect(&client);
    let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    let leaver = client.clone();
    let leaving = tokio::spawn(async move { leaver.disconnect().await });
    let (sequence, request) = peer.request().await;
    assert!(matches!(request, Request::Logout(_)));
    peer.respond(sequence, Response::Logout(pb::Status::default())).await;
    assert!(peer.next().await.is_none());
    soon(leaving).await.unwrap();
    assert_eq!(client.state(), State::Exited);
    let status = event(&mut events, |event| match event {
        Event::Disconnected(status) => Some(status),
        _ => None,
    });
    assert!(status.await.is_ok(), "it was wanted");
    assert_eq!(soon(events.next()).await, Some(Event::State(State::Exited)));

    let connecting = connect(&client);
    let (_peer, login) = Peer::accept_login(&listener, "r2").await;
    soon(connecting).await.unwrap().unwrap();
    assert_eq!(login.resume, None, "who logged out has nothing to resume");
}

#[tokio::test]
async fn a_list_that_is_asked_for_in_pages_ends_where_it_is_cancelled_also_between_two_of_them() {
    let (listener, address) = listen().await;
    let (client, _events) = start(options(&address));
    let connecting = connect(&client);
    let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();

    let (done, outcome) = tokio::sync::oneshot::channel();
    let list = client.whole_queue_with(1, move |result| drop(done.send(result))).unwrap();
    let (first, _) = peer.request().await;
    // What is told first cancels the list, while its first page lies there already.
    let canceller = client.clone();
    client.request_with(info(), move |_| canceller.cancel(list).unwrap()).unwrap();
    let (sequence, _) = peer.request().await;
    let page = |key: &str, has_more| {
        let elements = vec![pb::QueueElement { key: key.into(), ..Default::default() }];
        Response::QueueList(pb::QueueListResponse { elements, has_more, reached: 1, ..Default::default() })
    };
    let mut bytes = bytes::BytesMut::new();
    Response::RoomInfo(Box::default()).encode(sequence, &mut bytes);
    page("a", true).encode(first, &mut bytes);
    tokio::io::AsyncWriteExt::write_all(&mut peer.stream, &bytes).await.unwrap();
    let playing = tokio::spawn(async move {
        while let Some(chatroom::wire::Packet::Request { sequence, .. }) = peer.next().await {
            peer.respond(sequence, page("b", false)).await;
        }
    });
    assert_eq!(soon(outcome).await.unwrap().unwrap_err().code, Code::Cancelled);
    playing.abort();
}

#[tokio::test]
async fn a_list_that_is_asked_for_in_pages_keeps_its_place_among_as_many_requests_as_there_may_be() {
    let (listener, address) = listen().await;
    let (client, _events) = start(options(&address));
    let connecting = connect(&client);
    let (mut peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();

    let (done, outcome) = tokio::sync::oneshot::channel();
    client.whole_queue_with(1, move |result| drop(done.send(result))).unwrap();
    for _ in 1..CLIENT_QUEUE_MAX {
        client.request_with(info(), drop).unwrap();
    }
    let playing = tokio::spawn(async move {
        let mut pages = 0;
        while pages < 2 {
            let (sequence, request) = peer.request().await;
            if matches!(request, Request::QueueList(_)) {
                pages += 1;
                let elements = vec![pb::QueueElement { key: pages.to_string(), ..Default::default() }];
                let page = pb::QueueListResponse { elements, has_more: pages < 2, reached: 1, ..Default::default() };
                peer.respond(sequence, Response::QueueList(page)).await;
            }
        }
        peer
    });
    let Response::QueueList(list) = soon(outcome).await.unwrap().unwrap() else { panic!("a list was asked for") };
    assert_eq!(list.elements.len(), 2);
    drop(soon(playing).await);
}
