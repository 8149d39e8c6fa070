//! The real client against the real server over a link that is cut again and again: everything sent arrives once and in order,
//! everything acknowledged is in the history once, and nobody sees the client leave.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::peer::{event, soon};
use crate::support::process::{APP_KEY, Server};
use crate::support::seed;
use chatroom::client::{Client, ClientOptions, Event, Events, start};
use chatroom::error::Code;
use chatroom::wire::pb;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

const ROUNDS: usize = 8;
const SENDS: usize = 10;

/// Passes bytes on to the server, until it is told to cut; then the next connection is passed on, and so forth. Counts its cuts.
async fn bad_link(server: SocketAddr, cut: Arc<Notify>, cuts: watch::Sender<usize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let Ok(mut far) = TcpStream::connect(server).await else { continue };
            tokio::select! {
                _ = copy_bidirectional(&mut near, &mut far) => {}
                () = cut.notified() => {
                    drop((near, far));
                    cuts.send_modify(|cuts| *cuts += 1);
                }
            }
        }
    });
    address
}

fn client(address: String, account: &str, token: String, room_id: i64, seed: u64) -> (Client, Events) {
    let enter = Some(pb::RoomEnterRequest { room_id, ..Default::default() });
    let (app_key, account) = (APP_KEY.to_owned(), account.to_owned());
    start(ClientOptions { app_key, account, token, enter, seed: Some(seed), ..crate::peer::options(&address) })
}

/// Reads events until this many messages of `from` were shown; each once, in order, and none announced as missing. Gives their
/// ids, and how often the client has logged in again meanwhile, always taking over its lost connection.
async fn read(events: &mut Events, from: &str, wanted: usize) -> (Vec<String>, usize) {
    let (mut ids, mut last_seq, mut logins) = (Vec::new(), 0, 0);
    while ids.len() < wanted {
        let id = event(events, |event| match event {
            Event::Message(message) if message.from == from => {
                assert!(message.seq > last_seq, "in order");
                last_seq = message.seq;
                Some(message.message_id)
            }
            Event::LoggedIn { resumed, .. } => {
                assert_eq!(resumed, logins > 0);
                logins += 1;
                None
            }
            Event::Gap(gap) => panic!("a gap: {gap:?}"),
            Event::Entered(room) => {
                assert!(!room.gap, "items were missed");
                None
            }
            Event::Notification(notification) => {
                assert_ne!(notification.r#type(), pb::NotificationType::MemberExit, "nobody has left");
                None
            }
            _ => None,
        });
        ids.push(id.await);
    }
    (ids, logins - 1)
}

// S000-043
#[tokio::test]
async fn cuts_lose_and_double_nothing() {
    let seed = seed();
    let server = Server::start_unlimited();
    let admin = server.admin();
    let (alice_token, bob_token) = (admin.create_user("alice"), admin.create_user("bob"));
    let room_id = admin.create_room("alice", "cuts");
    let cut = Arc::new(Notify::new());
    let (cuts_in, mut cuts) = watch::channel(0);
    let address = bad_link(server.wire, cut.clone(), cuts_in).await;
    let (alice, mut alice_events) = client(address, "alice", alice_token, room_id, seed);
    let (bob, mut bob_events) = client(server.wire.to_string(), "bob", bob_token, room_id, seed ^ 1);
    soon(alice.connect()).await.unwrap();
    soon(bob.connect()).await.unwrap();

    let hearing_bob = tokio::spawn(async move { read(&mut alice_events, "bob", ROUNDS * SENDS).await });
    let hearing_alice = tokio::spawn(async move { read(&mut bob_events, "alice", ROUNDS * SENDS).await });
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut sends = Vec::new();
        for (name, from) in [("alice", alice.clone()), ("bob", bob.clone())] {
            for place in 0..SENDS {
                let message_id = format!("{name}-{round}-{place}");
                let request = pb::MessageSendRequest { room_id, message_id, body: "x".into(), ..Default::default() };
                let from = from.clone();
                sends.push(tokio::spawn(async move { from.send(request).await }));
            }
        }
        // At another moment of each round: with sends queued, on their way, or answered.
        for _ in 0..round * 3 {
            tokio::task::yield_now().await;
        }
        cut.notify_one();
        for sending in sends {
            let response = soon(sending).await.unwrap().unwrap();
            assert!(acknowledged.insert(response.message_id));
        }
        // A cut that hits the answer to a login takes the right to resume with it, so the next one waits until she is back.
        soon(cuts.wait_for(|cuts| *cuts > round)).await.unwrap();
        while let Err(status) = soon(alice.ping()).await {
            assert_eq!(status.code, Code::NoServer);
        }
    }
    let (from_bob, returns) = soon(hearing_bob).await.unwrap();
    let (from_alice, _) = soon(hearing_alice).await.unwrap();
    assert!(returns >= ROUNDS - 1, "{returns} returns");
    let heard: BTreeSet<_> = from_alice.into_iter().chain(from_bob).collect();
    assert_eq!(heard, acknowledged, "each message reached the other once");

    let mut kept = BTreeSet::new();
    let mut last_seq = 0;
    loop {
        let request = pb::MessageHistoryRequest { room_id, reverse: true, last_seq, types: vec![0], ..Default::default() };
        let page = soon(bob.history(request)).await.unwrap();
        for item in &page.items {
            let Some(pb::history_item::Item::Message(message)) = &item.item else { continue };
            assert!(kept.insert(message.message_id.clone()), "{} is in the history twice", message.message_id);
            last_seq = message.seq;
        }
        if !page.has_more {
            break;
        }
    }
    assert_eq!(kept, acknowledged);
}
