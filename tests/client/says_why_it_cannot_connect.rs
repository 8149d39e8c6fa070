//! Whatever keeps a client from getting in is told with the first attempt that fails for it, and what no attempt can mend ends them.

use std::time::{Duration, Instant};

use crate::peer::{Peer, connect, event, listen, nowhere, options, soon};
use chatroom::client::{ClientOptions, Event, Events, LogLevel, State, Trust, start};
use chatroom::error::{Code, Status};
use chatroom::wire::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Why the first attempt failed, and whether another follows.
async fn first_failure(events: &mut Events) -> (Status, bool, u64) {
    event(events, |event| match event {
        Event::ConnectFailed { status, will_retry, delay_ms } => Some((status, will_retry, delay_ms)),
        Event::WillReconnect { .. } | Event::Disconnected(_) => panic!("the reason comes first: {event:?}"),
        _ => None,
    })
    .await
}

async fn failure_of(options: ClientOptions) -> (Status, bool, u64) {
    let (client, mut events) = start(options);
    let connecting = connect(&client);
    let (status, will_retry, delay_ms) = first_failure(&mut events).await;
    if will_retry {
        let announced = soon(event(&mut events, |event| match event {
            Event::WillReconnect { delay_ms, .. } => Some(delay_ms),
            _ => None,
        }));
        assert_eq!(announced.await, delay_ms);
    } else {
        assert_eq!(soon(connecting).await.unwrap().unwrap_err(), status);
        assert_eq!(soon(events.next()).await, Some(Event::Disconnected(status.clone())));
        assert_eq!((soon(events.next()).await, delay_ms), (Some(Event::State(State::Exited)), 0));
    }
    (status, will_retry, delay_ms)
}

/// A listener that does this with each connection.
async fn served<F: Future<Output = ()> + Send>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream).await;
        }
    });
    address
}

/// Reads a little, says this, and closes.
async fn saying(words: &'static [u8]) -> String {
    served(move |mut stream| async move {
        let _ = stream.read(&mut [0; 64]).await;
        let _ = stream.write_all(words).await;
    })
    .await
}

#[tokio::test]
async fn what_may_pass_is_told_and_tried_again() {
    let refused = nowhere().await;
    let (status, will_retry, _) = failure_of(options(&refused)).await;
    assert_eq!((status.code, will_retry), (Code::NoServer, true));
    assert!(status.desc.contains(&refused) && status.desc.contains("refused"), "{status}");

    let (status, will_retry, _) = failure_of(options("nosuch.invalid:7400")).await;
    assert_eq!((status.code, will_retry), (Code::NoServer, true));
    assert!(status.desc.contains("nosuch.invalid:7400"), "{status}");

    let closing = served(|stream| async move { drop(stream) }).await;
    let (status, will_retry, _) = failure_of(options(&closing)).await;
    assert_eq!((status.code, will_retry), (Code::NoServer, true));
    assert!(status.desc.contains(&closing), "{status}");

    let (_silent, address) = listen().await;
    let patient = ClientOptions { response_timeout_ms: 50, ..options(&address) };
    let (status, will_retry, _) = failure_of(patient).await;
    assert_eq!((status.code, will_retry), (Code::Timeout, true));
}

#[tokio::test]
async fn every_address_that_was_tried_is_named() {
    let addresses = vec![nowhere().await, nowhere().await];
    let (status, ..) = failure_of(ClientOptions { addresses: addresses.clone(), ..options("") }).await;
    assert!(addresses.iter().all(|address| status.desc.contains(address)), "{status}");
}

#[tokio::test]
async fn what_is_no_chatroomd_is_told_and_final() {
    for (words, said) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "speaks HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x16", "tls://"),
        (b"220 mail.example.com ESMTP\r\n", "not chatroomd"),
    ] {
        let (status, will_retry, _) = failure_of(options(&saying(words).await)).await;
        assert_eq!((status.code, will_retry), (Code::InvalidProtocol, false), "{status}");
        assert!(status.desc.contains(said), "{status}");
    }
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn tls_where_nobody_speaks_it_is_told() {
    let tls = |address: String| options(&format!("tls://{address}"));
    let (status, will_retry, _) = failure_of(tls(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n").await)).await;
    assert_eq!((status.code, will_retry), (Code::InvalidProtocol, false), "{status}");
    assert!(status.desc.contains("does not speak TLS"), "{status}");
    // A plain chatroomd says nothing to strangers: it may be a server that is about to come up.
    let (status, will_retry, _) = failure_of(tls(served(|stream| async move { drop(stream) }).await)).await;
    assert_eq!((status.code, will_retry), (Code::NoServer, true), "{status}");
    assert!(status.desc.contains("TLS"), "{status}");
}

#[tokio::test]
async fn a_foreign_answer_at_one_of_several_addresses_ends_nothing() {
    let foreign = saying(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let (listener, good) = listen().await;
    let (client, mut events) = start(ClientOptions { addresses: vec![foreign, good], ..options("") });
    let connecting = connect(&client);
    let (status, will_retry, _) = first_failure(&mut events).await;
    assert_eq!((status.code, will_retry), (Code::InvalidProtocol, true));
    let (_peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
}

#[tokio::test]
async fn addresses_and_files_that_cannot_be_are_told_before_anything_is_tried() {
    let (status, will_retry, _) = failure_of(options("nowhere")).await;
    assert_eq!((status.code, will_retry), (Code::BadParameter, false));
    let (status, ..) = failure_of(ClientOptions { addresses: Vec::new(), ..options("") }).await;
    assert_eq!(status.code, Code::BadParameter);
    // The first address is good: a wrong file is found out at once all the same.
    let (_listener, good) = listen().await;
    let addresses = vec![good, "tls://localhost:1".to_owned()];
    let trust = Trust::File("/nowhere/ca.pem".into());
    let (status, will_retry, _) = failure_of(ClientOptions { addresses, trust, ..options("") }).await;
    assert_eq!((status.code, will_retry), (Code::BadParameter, false));
    #[cfg(feature = "tls")]
    assert!(status.desc.contains("'/nowhere/ca.pem' cannot be read"), "{status}");
}

#[tokio::test]
async fn refusals_at_login_are_told_and_so_is_how_a_connection_was_lost() {
    for (code, retried) in
        [(Code::Busy, true), (Code::ServerError, true), (Code::WrongToken, false), (Code::VersionTooOld, false)]
    {
        let (listener, address) = listen().await;
        let (client, mut events) = start(options(&address));
        let _connecting = connect(&client);
        let mut peer = Peer::accept(&listener).await;
        let (sequence, request) = peer.request().await;
        peer.refuse(&request, sequence, &Status::new(code, "not you")).await;
        let (status, will_retry, _) = first_failure(&mut events).await;
        assert_eq!((status.code, &*status.desc, will_retry), (code, "not you", retried));
    }
    let (listener, address) = listen().await;
    let (client, mut events) = start(options(&address));
    let connecting = connect(&client);
    let (peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    drop(peer);
    let (status, will_retry, _) = first_failure(&mut events).await;
    assert_eq!((status.code, will_retry), (Code::NoServer, true));
    assert!(status.desc.contains(&address), "{status}");
}

#[tokio::test]
async fn the_last_attempt_says_that_none_follows() {
    let (client, mut events) = start(ClientOptions { reconnect_attempts_max: Some(1), ..options(&nowhere().await) });
    let connecting = connect(&client);
    assert!(first_failure(&mut events).await.1);
    let last = event(&mut events, |event| match event {
        Event::ConnectFailed { will_retry, .. } => Some(will_retry),
        _ => None,
    });
    assert!(!last.await);
    assert_eq!(soon(connecting).await.unwrap().unwrap_err().code, Code::NoServer);
}

#[tokio::test]
async fn the_log_is_off_unless_asked_for_and_names_no_token() {
    for log in [None, Some(LogLevel::Warn), Some(LogLevel::Debug)] {
        let (listener, good) = listen().await;
        let addresses = vec![nowhere().await, good];
        let (client, mut events) = start(ClientOptions { addresses, log, ..options("") });
        let connecting = connect(&client);
        let (peer, _) = Peer::accept_login(&listener, "r1").await;
        soon(connecting).await.unwrap().unwrap();
        drop(peer);
        let mut lines = Vec::new();
        event(&mut events, |event| match event {
            Event::Log(line) => {
                lines.push(line);
                None
            }
            Event::State(State::Waiting) => Some(()),
            _ => None,
        })
        .await;
        let levels = |level| lines.iter().filter(|line| line.level == level).count();
        assert_eq!(levels(LogLevel::Warn), usize::from(log.is_some()), "the lost connection: {lines:?}");
        assert_eq!(levels(LogLevel::Info), usize::from(log == Some(LogLevel::Debug)), "the login: {lines:?}");
        assert_eq!(levels(LogLevel::Debug) > 0, log == Some(LogLevel::Debug), "the addresses: {lines:?}");
        assert!(lines.iter().all(|line| !line.message.contains("secret") && line.target.starts_with("chatroom")), "{lines:?}");
    }
}

/// An address whose machine swallows what is sent to it: a listener that has more to accept than it may.
async fn black_hole() -> (String, Vec<Box<dyn std::any::Any + Send>>) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut held: Vec<Box<dyn std::any::Any + Send>> = vec![Box::new(listener)];
    // The first that does not come up at once shows that the queue is full.
    while let Ok(stream) = tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        held.push(Box::new(stream.unwrap()));
        assert!(held.len() < 64, "a queue of one is full by now");
    }
    (address.to_string(), held)
}

// chatroom.md §d.3, RFC 8305
#[tokio::test]
async fn an_address_that_swallows_everything_costs_a_quarter_of_a_second() {
    let (hole, _held) = black_hole().await;
    let (listener, good) = listen().await;
    let (client, _events) = start(ClientOptions { addresses: vec![hole, good], ..options("") });
    let begun = Instant::now();
    let connecting = connect(&client);
    let mut peer = Peer::accept(&listener).await;
    let took = begun.elapsed();
    println!("time to the second address: {} ms", took.as_millis());
    assert!(took >= Duration::from_millis(250) && took < Duration::from_secs(1), "{took:?}");
    let (sequence, request) = peer.request().await;
    let Request::Login(login) = request else { panic!("{request:?}") };
    peer.respond(sequence, chatroom::wire::Response::Login(Box::new(crate::peer::welcome(&login, "r1")))).await;
    soon(connecting).await.unwrap().unwrap();
    // The good one comes first from now on.
    drop(peer);
    let begun = Instant::now();
    Peer::accept(&listener).await;
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn an_address_that_is_silent_in_the_handshake_costs_as_little() {
    let (silent, hole) = listen().await;
    let (listener, good) = listen().await;
    let addresses = vec![format!("tls://{hole}"), good];
    let (client, _events) = start(ClientOptions { addresses, ..options("") });
    let begun = Instant::now();
    let connecting = connect(&client);
    let (_peer, _) = Peer::accept_login(&listener, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    drop(silent);
}

#[tokio::test]
async fn an_address_that_leads_to_no_login_is_left_for_the_next_one() {
    // Accepts and closes; is silent; refuses for now.
    for how in 0..3 {
        let (first, bad) = listen().await;
        let (second, good) = listen().await;
        let addresses = vec![bad, good];
        let (client, mut events) = start(ClientOptions { addresses, response_timeout_ms: 1_000, ..options("") });
        let connecting = connect(&client);
        let mut peer = Peer::accept(&first).await;
        match how {
            0 => drop(peer),
            1 => assert!(matches!(peer.request().await, (_, Request::Login(_)))),
            _ => {
                let (sequence, request) = peer.request().await;
                peer.refuse(&request, sequence, &Status::new(Code::Busy, "later")).await;
            }
        }
        first_failure(&mut events).await;
        let (peer, _) = Peer::accept_login(&second, "r1").await;
        soon(connecting).await.unwrap().unwrap();
        // The place where the login succeeded is the one to resume at, although it is not the first of the list.
        drop(peer);
        let (_peer, login) = Peer::accept_login(&second, "r2").await;
        assert_eq!(login.resume.unwrap().token, "r1");
        drop(first);
    }
}

#[tokio::test]
async fn one_that_answers_at_once_is_not_raced() {
    let (first, one) = listen().await;
    let (second, other) = listen().await;
    let (client, _events) = start(ClientOptions { addresses: vec![one, other], ..options("") });
    let connecting = connect(&client);
    let (_peer, _) = Peer::accept_login(&first, "r1").await;
    soon(connecting).await.unwrap().unwrap();
    let second = tokio::time::timeout(Duration::from_millis(400), second.accept()).await;
    assert!(second.is_err(), "the second address was left alone");
}
