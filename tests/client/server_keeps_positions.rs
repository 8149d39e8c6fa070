//! Restarts with everybody connected: nobody is told of a gap that is none, and what was said meanwhile comes once (chatroom.md §d.7).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use crate::peer::{event, soon};
use crate::support::admin::dynamic_token;
use crate::support::peer::{login, text_message};
use crate::support::process::{APP_KEY, APP_SECRET, UNLIMITED};
use crate::support::{Peer, Server, Setup, raise_open_files};
use chatroom::client::{ClientOptions, Event, Events, State, start};
use chatroom::error::Code;
use chatroom::wire::pb::{self, KickReason, RoomPosition};
use chatroom::wire::{Push, Request, Response};
use parking_lot::Mutex;

const ROOMS: usize = 20;
const CLIENTS: usize = 1_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a folder, at an address of its choice or at the one it had.
fn serve(data: &Path, address: Option<&str>) -> Server {
    let arguments = address.map(|address| vec!["--listen".to_owned(), address.to_owned()]).unwrap_or_default();
    Server::start(Setup {
        config: UNLIMITED.into(),
        data: Some(data.to_owned()),
        no_listen: address.is_some(),
        arguments,
        ..Setup::default()
    })
}

/// What one client has been told.
#[derive(Default)]
struct Heard {
    messages: BTreeMap<String, usize>,
    gaps: Vec<String>,
    entries: usize,
}

async fn listen(mut events: Events, heard: Arc<Mutex<Heard>>) {
    while let Some(event) = events.next().await {
        let mut heard = heard.lock();
        match event {
            Event::Message(message) => *heard.messages.entry(message.message_id.clone()).or_default() += 1,
            Event::Gap(gap) => heard.gaps.push(format!("{gap:?}")),
            Event::Entered(entered) => {
                heard.entries += 1;
                if entered.gap {
                    heard.gaps.push(format!("{entered:?}"));
                }
            }
            Event::Left { status, .. } => heard.gaps.push(status.to_string()),
            _ => {}
        }
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Clients on a thread of their own, one for each of these; returns when all of them are in their rooms.
fn connect_all(address: String, rooms: Vec<i64>, heard: Vec<Arc<Mutex<Heard>>>) {
    let (connected, all_connected) = mpsc::channel();
    let body = async move {
        let mut clients = Vec::new();
        for (number, heard) in heard.into_iter().enumerate() {
            let account = format!("client{number}");
            let enter = pb::RoomEnterRequest { room_id: rooms[number % ROOMS], ..Default::default() };
            let (client, events) = start(ClientOptions {
                app_key: APP_KEY.into(),
                token: dynamic_token(APP_KEY, APP_SECRET, &account, 3600),
                auth_type: pb::AuthType::Dynamic,
                account,
                enter: Some(enter),
                reconnect_ms_min: 200,
                reconnect_ms_max: 400,
                return_spread_ms: 500,
                seed: None,
                ..crate::peer::options(&address)
            });
            tokio::spawn(listen(events, heard));
            clients.push(client);
        }
        for client in &clients {
            tokio::time::timeout(PATIENCE, client.connect()).await.unwrap().unwrap();
        }
        connected.send(()).unwrap();
        std::future::pending::<()>().await;
    };
    std::thread::spawn(move || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(body));
    all_connected.recv().expect("everybody is in");
}

#[test]
fn a_thousand_clients_come_through_restarts_without_a_gap_and_with_every_message_once() {
    raise_open_files(8 * CLIENTS as u64);
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path(), None);
    let address = server.wire.to_string();
    server.admin().create_user("owner");
    let rooms: Vec<i64> = (0..ROOMS).map(|number| server.admin().create_room("owner", &format!("room {number}"))).collect();
    let heard: Vec<Arc<Mutex<Heard>>> = (0..CLIENTS).map(|_| Arc::default()).collect();
    connect_all(address.clone(), rooms.clone(), heard.clone());
    let say = |server: &Server, from: &str, round: &str| {
        for (place, room) in rooms.iter().enumerate() {
            let mut speaker = Peer::join(server, from, *room);
            for number in 0..3 {
                assert_eq!(speaker.send_text(*room, &format!("{round}-{number} in {place}"), "text").code, 0);
            }
        }
    };
    let mut rounds = Vec::new();
    let all_heard = |rounds: &[String]| {
        heard.iter().enumerate().all(|(number, heard)| {
            let heard = heard.lock();
            let wanted = rounds.iter().flat_map(|round| (0..3).map(move |n| format!("{round}-{n} in {}", number % ROOMS)));
            heard.messages.len() >= 3 * rounds.len() && wanted.into_iter().all(|id| heard.messages.contains_key(&id))
        })
    };
    rounds.push("before".to_owned());
    say(&server, "speaker", "before");
    until("everybody to hear what is said before", || all_heard(&rounds));
    let mut server = server;
    for (restart, kind) in ["clean", "killed"].into_iter().enumerate() {
        if kind == "killed" {
            server.kill();
        } else {
            server.terminate();
            assert_eq!(server.wait(PATIENCE).code(), Some(0));
        }
        server = serve(folder.path(), Some(&address));
        // While nearly everybody is still away, and again when they are back.
        rounds.push(format!("{kind}, meanwhile"));
        say(&server, "speaker", rounds.last().unwrap());
        until("everybody to be back", || heard.iter().all(|heard| heard.lock().entries >= restart + 2));
        rounds.push(format!("{kind}, after"));
        say(&server, "speaker", rounds.last().unwrap());
        until("everybody to hear what is said over the restart", || all_heard(&rounds));
    }
    let gaps: usize = heard.iter().map(|heard| heard.lock().gaps.len()).sum();
    let doubles: usize = heard.iter().map(|heard| heard.lock().messages.values().filter(|count| **count != 1).count()).sum();
    println!("{CLIENTS} clients, 2 restarts, {} messages each: {gaps} gaps, {doubles} doubles", 3 * rounds.len());
    let first = heard.iter().find_map(|heard| heard.lock().gaps.first().cloned());
    assert_eq!((gaps, doubles), (0, 0), "{first:?}");
    assert!(heard.iter().all(|heard| heard.lock().messages.len() == 3 * rounds.len()), "and nothing else");
}

fn entry(room_id: i64, epoch: u64, last_seq: u64) -> Request {
    let position = Some(RoomPosition { room_id, epoch, last_seq });
    Request::RoomEnter(Box::new(pb::RoomEnterRequest { room_id, position, ..Default::default() }))
}

fn entered(response: Response) -> pb::RoomEnterResponse {
    let Response::RoomEnter(answer) = response else { panic!("not an answer to an enter: {response:?}") };
    assert_eq!(answer.code, 0, "{answer:?}");
    *answer
}

/// A connection that is in no room yet.
fn outside(server: &Server, account: &str) -> Peer {
    let (peer, answer) = Peer::log_in(server, login(account, None));
    assert_eq!(answer.code, 0, "{answer:?}");
    peer
}

#[test]
fn a_replay_has_what_the_connection_may_hear_in_order_and_says_what_is_beyond_its_bounds() {
    let server = Server::start(Setup { config: UNLIMITED.into(), ..Setup::default() });
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_quiet_room("owner", "replay");
    let mut watcher = outside(&server, "watcher");
    let start = entered(watcher.call(Request::RoomEnter(Box::new(pb::RoomEnterRequest {
        room_id: room,
        tags: vec!["red".into()],
        ..Default::default()
    }))));
    watcher.call(Request::RoomExit(pb::RoomExitRequest { room_id: room }));
    let mut speaker = Peer::join(&server, "speaker", room);
    Peer::join(&server, "other", room);
    let tagged = |id: &str, tag: &str| pb::MessageSendRequest {
        notify_target_tags: Some(format!("{{\"tag\": \"{tag}\"}}")),
        ..text_message(room, id, "text")
    };
    let directed =
        |id: &str, to: &str| pb::MessageSendRequest { to_accounts: vec![to.into()], ..text_message(room, id, "text") };
    let unkept = pb::MessageSendRequest { skip_history: true, ..text_message(room, "unkept", "text") };
    let far = pb::MessageSendRequest { at: Some(pb::Point { x: 1000.0, y: 0.0, z: 0.0 }), ..text_message(room, "far", "text") };
    let requests = [
        tagged("red", "red"),
        tagged("blue", "blue"),
        directed("to other", "other"),
        directed("to me", "watcher"),
        unkept,
        far,
    ];
    let mut place = BTreeMap::new();
    for request in requests.into_iter().chain([text_message(room, "last", "text")]) {
        let id = request.message_id.clone();
        let Response::MessageSend(sent) = speaker.call(Request::MessageSend(Box::new(request))) else { panic!("no answer") };
        assert_eq!(sent.code, 0, "{id}: {sent:?}");
        place.insert(id, sent.seq);
    }
    let Request::RoomEnter(request) = entry(room, start.epoch, start.last_seq) else { panic!("an enter") };
    let location = Some(pb::Location { distance: Some(10.0), enabled: Some(true), x: Some(0.0), y: Some(0.0), z: Some(0.0) });
    let back = Request::RoomEnter(Box::new(pb::RoomEnterRequest { tags: vec!["red".into()], location, ..*request }));
    let answer = entered(watcher.call(back));
    let replayed: Vec<String> = (0..answer.replayed).map(|_| watcher.message().message_id).collect();
    assert_eq!(replayed, ["red", "to me", "unkept", "last"]);
    assert!(!answer.gap && answer.log_seq >= Some(place["last"]), "{answer:?}");
    // More than a replay holds: the newest thousand come, and the answer names the rest.
    watcher.call(Request::RoomExit(pb::RoomExitRequest { room_id: room }));
    let seqs: Vec<u64> = (0..1100).map(|number| speaker.send_text(room, &format!("many{number}"), "text").seq).collect();
    let answer = entered(watcher.call(entry(room, answer.epoch, place["last"])));
    assert_eq!((answer.replayed, answer.gap), (1000, true));
    assert_eq!((answer.gap_first, answer.gap_last), (place["last"] + 1, seqs[99]));
    let replayed: Vec<u64> = (0..1000).map(|_| watcher.message().seq).collect();
    assert_eq!(replayed, seqs[100..]);
}

#[test]
fn a_client_of_before_is_told_of_a_gap_where_presence_was_lost_and_one_of_now_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path(), None);
    server.admin().create_user("owner");
    let room = server.admin().create_room("owner", "presence");
    let mut speaker = Peer::join(&server, "speaker", room);
    let logged = speaker.send_text(room, "kept", "text").seq;
    let (mut guest, answer) = Peer::log_in(&server, login("guest", Some(room)));
    let epoch = answer.enter.unwrap().epoch;
    let seen = guest.notification().seq;
    assert!(seen > logged, "its own coming takes a number that no log holds");
    server.kill();
    let server = serve(folder.path(), None);
    let position = RoomPosition { room_id: room, epoch, last_seq: seen };
    let before = pb::LoginRequest {
        resume: Some(pb::Resume { token: answer.resume_token, rooms: vec![position] }),
        ..login("guest", Some(room))
    };
    let answer = Peer::log_in(&server, before).1.enter.unwrap();
    assert!(answer.gap && !answer.resumed, "{answer:?}");
    let answer = entered(outside(&server, "guest").call(entry(room, epoch, seen)));
    assert_eq!((answer.gap, answer.log_seq, answer.replayed), (false, Some(logged), 0), "{answer:?}");
}

#[test]
fn a_kick_met_while_away_is_told_with_its_reason_and_other_rooms_are_kept() {
    let server = Server::start(Setup { config: UNLIMITED.into(), ..Setup::default() });
    let admin = server.admin();
    admin.create_user("owner");
    let (hall, lobby) = (admin.create_quiet_room("owner", "hall"), admin.create_quiet_room("owner", "lobby"));
    for rooms in [&[hall][..], &[hall, lobby]] {
        let (mut guest, first) = Peer::log_in(&server, login("guest", Some(hall)));
        let epoch = first.enter.expect("the login enters").epoch;
        if rooms.contains(&lobby) {
            entered(guest.call(Request::RoomEnter(Box::new(pb::RoomEnterRequest { room_id: lobby, ..Default::default() }))));
        }
        guest.cut();
        let room = hall.to_string();
        let kick = [("roomid", room.as_str()), ("accid", "owner"), ("targetAccid", "guest")];
        assert_eq!(admin.call("chatroom/kickMember", &kick)["code"], 200);
        let positions = rooms.iter().map(|room_id| RoomPosition { room_id: *room_id, epoch, last_seq: 1 }).collect();
        let resume = Some(pb::Resume { token: first.resume_token, rooms: positions });
        let mut back = Peer::connect(server.wire);
        let sequence = back.ask(&Request::Login(Box::new(pb::LoginRequest { resume, ..login("guest", Some(hall)) }))).unwrap();
        let Push::Kicked(kicked) = back.push() else { panic!("the kick is told") };
        assert_eq!((kicked.reason(), kicked.room_id, kicked.may_reconnect), (KickReason::ManagerKick, hall, false));
        let Ok(Response::Login(answer)) = back.response(sequence, PATIENCE) else { panic!("the login is answered") };
        assert_eq!(answer.enter.as_ref().map(|enter| enter.code), Some(403));
        if rooms.len() == 1 {
            assert_eq!(answer.code, 403);
            back.expect_closed_after_pushes();
        } else {
            assert_eq!(answer.code, 0, "{answer:?}");
            assert!(entered(back.call(entry(lobby, epoch, 1))).resumed);
        }
    }
}

// S000-010
#[tokio::test]
async fn a_client_kicked_while_away_ends_with_the_reason_and_stays_away() {
    let hall = crate::hall::Hall::new();
    let relay = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let enter = Some(pb::RoomEnterRequest { room_id: hall.room_id, ..Default::default() });
    let options = hall.options("guest", &relay.local_addr().unwrap().to_string());
    let (client, mut events) = start(ClientOptions { enter, ..options });
    let server = hall.server.wire;
    let forward = |mut near: tokio::net::TcpStream| {
        tokio::spawn(async move {
            let mut far = tokio::net::TcpStream::connect(server).await.unwrap();
            // A cut ends it.
            let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
        })
    };
    let connecting = tokio::spawn({
        let client = client.clone();
        async move { client.connect().await }
    });
    let link = forward(relay.accept().await.unwrap().0);
    soon(connecting).await.unwrap().unwrap();
    link.abort();
    assert!(link.await.unwrap_err().is_cancelled(), "the link is cut");
    let (admin, room) = (hall.server.admin(), hall.room_id.to_string());
    let kick = move || admin.call("chatroom/kickMember", &[("roomid", &room), ("accid", "owner"), ("targetAccid", "guest")]);
    assert_eq!(tokio::task::spawn_blocking(kick).await.unwrap()["code"], 200);
    forward(relay.accept().await.unwrap().0);
    let reason = event(&mut events, |event| match event {
        Event::Kicked(kicked) => Some(kicked.reason()),
        _ => None,
    });
    assert_eq!(reason.await, KickReason::ManagerKick);
    let end = event(&mut events, |event| match event {
        Event::Disconnected(status) => Some(status.code),
        Event::WillReconnect { .. } => panic!("it would come back"),
        _ => None,
    });
    assert!(matches!(end.await, Code::Forbidden | Code::NotLoggedIn), "by the refusal or by the kick itself");
    assert_eq!(soon(events.next()).await, Some(Event::State(State::Exited)));
}

#[test]
fn putting_devices_out_reaches_connections_in_no_room() {
    let server = Server::start_unlimited();
    let device = |name: &str| {
        let (peer, answer) = Peer::log_in(&server, pb::LoginRequest { device_id: name.into(), ..login("ann", None) });
        assert_eq!(answer.code, 0, "{answer:?}");
        peer
    };
    let (mut phone, mut desk, mut pad) = (device("phone"), device("desk"), device("pad"));
    let kick = |peer: &mut Peer, devices: &[&str]| {
        let device_ids = devices.iter().map(|device| device.to_string()).collect();
        let answer = peer.call(Request::KickDevices(pb::KickDevicesRequest { device_ids }));
        assert!(matches!(&answer, Response::KickDevices(status) if status.code == 0), "{answer:?}");
    };
    let expect_out = |peer: &mut Peer| {
        let Push::Kicked(kicked) = peer.push() else { panic!("a kick is told") };
        assert_eq!((kicked.reason(), kicked.room_id, kicked.may_reconnect), (KickReason::SamePlatform, 0, false));
        peer.expect_closed_after_pushes();
    };
    kick(&mut phone, &["desk"]);
    expect_out(&mut desk);
    kick(&mut phone, &[]);
    expect_out(&mut pad);
    kick(&mut phone, &["phone"]);
    assert!(matches!(phone.call(Request::Ping(Default::default())), Response::Ping(_)), "the one that asks stays");
}
