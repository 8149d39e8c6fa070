//! Messages about which the application is asked before they are sent (chatroom.md §e.9).

use std::time::Duration;

use crate::receiver::{Gate, Receiver};
use crate::support::peer::text_message;
use crate::support::process::{APP_KEY, APP_SECRET};
use crate::support::{PATIENCE, Peer, Server, Setup, wait_until};
use bytes::BytesMut;
use chatroom::account::Secret;
use chatroom::config::{AppConfig, CallbackUrl, Config};
use chatroom::id::{AccountId, RoomId};
use chatroom::limits;
use chatroom::room::{Actor, Command, Create, Op};
use chatroom::server::Node;
use chatroom::wire::pb::{self, MessageSendRequest};
use chatroom::wire::{Push, Request, Response};
use serde_json::{Value, json};

const YES: &str = "{\"code\":200}";

struct Scene {
    server: Server,
    room: i64,
}

/// A server whose application is asked at `url`, with a quiet room.
fn scene(url: &str, more: &str) -> Scene {
    let app = format!("[[apps]]\nkey = \"{APP_KEY}\"\nsecret = \"{APP_SECRET}\"\nsend_callback = \"{url}\"\n{more}\n");
    let config = format!("{}{app}", crate::support::process::UNLIMITED);
    let server = Server::start(Setup { config, memory: true, no_app: true, workers: Some(1), ..Setup::default() });
    server.admin().create_user("owner");
    let room = server.admin().create_quiet_room("owner", "judged");
    Scene { server, room }
}

fn body(question: &Value) -> &str {
    question["body"].as_str().expect("a body is a text")
}

fn info(room: i64) -> Request {
    Request::RoomInfo(pb::RoomInfoRequest { room_id: room })
}

#[test]
fn the_application_passes_rewrites_or_refuses_a_message() {
    let receiver = Receiver::start(|question| match body(question) {
        "rewrite" => (200, "{\"code\":200,\"body\":\"rewritten\"}".into()),
        "refuse" => (200, "{\"code\":500}".into()),
        "choose" => (200, "{\"code\":20042}".into()),
        "clash" => (200, "{\"code\":20001}".into()),
        "beyond" => (200, "{\"code\":20100}".into()),
        _ => (200, YES.into()),
    });
    let Scene { server, room } = scene(&receiver.url(), "");
    let (mut alice, mut bob) = (Peer::join(&server, "alice", room), Peer::join(&server, "bob", room));
    let message = MessageSendRequest { ext: "ext".into(), callback_ext: "for you".into(), ..text_message(room, "m1", "pass") };
    let Response::MessageSend(answer) = alice.call(Request::MessageSend(Box::new(message))) else { panic!("a send") };
    assert_eq!((answer.code, answer.message_id.as_str()), (0, "m1"));
    let expected = json!({
        "appKey": APP_KEY, "roomId": room, "from": "alice", "fromClientType": 1, "msgId": "m1", "type": 0, "subType": 0,
        "body": "pass", "attach": "", "ext": "ext", "toAccids": [], "env": "", "callbackExt": "for you",
    });
    assert_eq!(receiver.asked(), [expected]);
    assert_eq!(&bob.message().body[..], b"pass");
    assert_eq!(alice.send_text(room, "m2", "rewrite").code, 0);
    assert_eq!(&bob.message().body[..], b"rewritten");
    for (text, code) in [("refuse", 463), ("choose", 20042), ("clash", 20001), ("beyond", 463)] {
        assert_eq!(alice.send_text(room, text, text).code, code, "{text}");
    }
    assert_eq!(alice.send_text(room, "m3", "last").code, 0);
    assert_eq!(&bob.message().body[..], b"last", "nothing that was refused has come");
}

#[test]
fn without_an_answer_the_configuration_decides() {
    let odd = |question: &Value| match body(question) {
        "garbage" => (200, "yes".to_owned()),
        "error" => (503, YES.to_owned()),
        "too long" => (200, json!({ "code": 200, "body": "x".repeat(4097) }).to_string()),
        "empty" => (200, json!({ "code": 200, "body": "" }).to_string()),
        _ => {
            std::thread::sleep(Duration::from_millis(limits::SEND_CALLBACK_MS + 1000));
            (200, YES.to_owned())
        }
    };
    let (closed, open) = (Receiver::start(odd), Receiver::start(odd));
    let closed = scene(&closed.url(), "");
    let open = scene(&open.url(), "send_callback_fail = \"open\"");
    for (Scene { server, room }, code) in [(closed, 463), (open, 0)] {
        let mut alice = Peer::join(&server, "alice", room);
        for text in ["garbage", "error", "too long", "empty", "slow"] {
            assert_eq!(alice.send_text(room, text, text).code, code, "{text}");
        }
    }
    let Scene { server, room } = scene("http://127.0.0.1:1/nobody", "send_callback_fail = \"closed\"");
    assert_eq!(Peer::join(&server, "alice", room).send_text(room, "m", "hello").code, 463);
}

#[test]
fn what_a_connection_asks_next_waits_behind_its_message_and_others_do_not_wait() {
    let gate = Gate::default();
    let held = gate.clone();
    let receiver = Receiver::start(move |question| {
        if body(question) == "slow" {
            held.pass();
        }
        (200, YES.into())
    });
    let Scene { server, room } = scene(&receiver.url(), "");
    let mut peers = ["alice", "bob", "carol"].map(|name| Peer::join(&server, name, room));
    let [alice, bob, carol] = &mut peers;
    let first = alice.ask(&Request::MessageSend(Box::new(text_message(room, "a1", "slow")))).unwrap();
    let second = alice.ask(&Request::MessageSend(Box::new(text_message(room, "a2", "quick")))).unwrap();
    let third = alice.ask(&info(room)).unwrap();
    carol.ask(&Request::MessageSend(Box::new(text_message(room, "c1", "slow")))).unwrap();
    carol.ask(&Request::Logout(pb::LogoutRequest::default())).unwrap();
    wait_until("the application to be asked about both", || receiver.asked().len() == 2);
    assert_eq!(bob.send_text(room, "b1", "beside it").code, 0, "another connection goes on");
    assert!(alice.pushes_so_far().iter().any(|push| matches!(push, Push::Message(_))), "and is heard by the one that waits");
    assert_eq!(receiver.asked().len(), 3, "the second message has not been asked about yet");
    assert!(alice.any_response(Duration::ZERO).is_err(), "nor has the question behind it been answered");
    gate.open();
    // A send is answered after its commit, a question at once: the order of the answers is not that of the requests.
    let mut answered: Vec<u32> = (0..3).map(|_| alice.any_response(PATIENCE).unwrap().0).collect();
    answered.sort_unstable();
    assert_eq!(answered, [first, second, third]);
    let mut heard: Vec<_> = (0..3).map(|_| bob.message().message_id).collect();
    heard.retain(|id| id != "c1");
    assert_eq!(heard, ["a1", "a2"], "in order, and what was said before a logout is said");
}

#[test]
fn a_message_whose_connection_is_lost_meanwhile_is_sent_once_its_sender_sends_it_again() {
    let gate = Gate::default();
    let held = gate.clone();
    let receiver = Receiver::start(move |_| {
        held.pass();
        (200, YES.into())
    });
    let Scene { server, room } = scene(&receiver.url(), "");
    let (mut alice, mut bob) = (Peer::join(&server, "alice", room), Peer::join(&server, "bob", room));
    let message = MessageSendRequest { resend: true, ..text_message(room, "m1", "hello") };
    alice.ask(&Request::MessageSend(Box::new(message.clone()))).unwrap();
    wait_until("the application to be asked", || gate.is_reached());
    alice.cut();
    let mut alice = Peer::join(&server, "alice", room);
    let sequence = alice.ask(&Request::MessageSend(Box::new(message))).unwrap();
    wait_until("the application to be asked again", || receiver.asked().len() == 2);
    gate.open();
    let answer = alice.response(sequence, PATIENCE).unwrap();
    assert!(matches!(answer, Response::MessageSend(answer) if answer.code == 0));
    assert_eq!(alice.send_text(room, "m2", "next").code, 0);
    assert_eq!([bob.message().message_id, bob.message().message_id], ["m1", "m2"], "each of them once");
}

#[test]
fn more_than_the_line_holds_is_busy() {
    let gate = Gate::default();
    let held = gate.clone();
    let receiver = Receiver::start(move |_| {
        held.pass();
        (200, YES.into())
    });
    let Scene { server, room } = scene(&receiver.url(), "");
    let mut alice = Peer::join(&server, "alice", room);
    alice.ask(&Request::MessageSend(Box::new(text_message(room, "m1", "slow")))).unwrap();
    wait_until("the application to be asked", || gate.is_reached());
    for _ in 0..limits::REQUESTS_HELD_MAX {
        alice.ask(&info(room)).unwrap();
    }
    let excess = alice.ask(&info(room)).unwrap();
    let (sequence, Response::RoomInfo(answer)) = alice.any_response(PATIENCE).unwrap() else { panic!("an info") };
    assert_eq!((sequence, answer.code), (excess, 503));
    gate.open();
    for _ in 0..=limits::REQUESTS_HELD_MAX {
        alice.any_response(PATIENCE).unwrap();
    }
}

#[test]
fn more_bytes_than_the_line_holds_are_busy() {
    let (first, second) = (Gate::default(), Gate::default());
    let (first_held, second_held) = (first.clone(), second.clone());
    let receiver = Receiver::start(move |_| {
        let gate = if first_held.is_reached() { &second_held } else { &first_held };
        gate.pass();
        (200, YES.into())
    });
    let Scene { server, room } = scene(&receiver.url(), "");
    let mut alice = Peer::join(&server, "alice", room);
    let long = |number: usize| {
        let ext = "x".repeat(limits::EXT_CHARS_MAX).into();
        Request::MessageSend(Box::new(MessageSendRequest { ext, ..text_message(room, &format!("m{number:03}"), "long") }))
    };
    let sent = |peer: &mut Peer| match peer.any_response(PATIENCE).unwrap() {
        (sequence, Response::MessageSend(answer)) => (sequence, answer.code),
        (_, other) => panic!("not an answer to a send: {other:?}"),
    };
    let mut frame = BytesMut::new();
    long(0).encode(1, &mut frame);
    let fits = limits::HELD_BYTES_MAX / frame.len();
    assert!(fits < limits::REQUESTS_HELD_MAX, "it is the bytes that count here");
    alice.ask(&long(0)).unwrap();
    wait_until("the application to be asked", || first.is_reached());
    let mut expected: Vec<u32> = (1..=fits).map(|number| alice.ask(&long(number)).unwrap()).collect();
    expected.insert(0, expected[0] - 1);
    let excess = alice.ask(&long(fits + 1)).unwrap();
    assert_eq!(sent(&mut alice), (excess, 503));
    first.open();
    let mut answered = vec![sent(&mut alice)];
    wait_until("the application to be asked about the next", || second.is_reached());
    // What has left the line has given back its bytes: there is place for one again, and for no more.
    expected.push(alice.ask(&long(fits + 2)).unwrap());
    let excess = alice.ask(&long(fits + 3)).unwrap();
    assert_eq!(sent(&mut alice), (excess, 503));
    second.open();
    answered.extend((0..=fits).map(|_| sent(&mut alice)));
    assert!(answered.iter().all(|(_, code)| *code == 0));
    let mut answered: Vec<u32> = answered.into_iter().map(|(sequence, _)| sequence).collect();
    answered.sort_unstable();
    assert_eq!(answered, expected);
}

#[test]
fn nothing_that_waits_in_line_is_done_for_a_connection_that_has_ended() {
    let receiver = Receiver::start(|_| (200, YES.into()));
    let Scene { server, room } = scene(&receiver.url(), "");
    let hall = server.admin().create_room("owner", "hall");
    let mut bob = Peer::join(&server, "bob", hall);
    let mut alice = Peer::join(&server, "alice", room);
    // The room refuses the message when the connection, in the same breath, has already broken the protocol.
    let mut frames = BytesMut::new();
    let enter = pb::RoomEnterRequest { room_id: hall, ..Default::default() };
    Request::MessageSend(Box::new(text_message(room, "m1", ""))).encode(101, &mut frames);
    Request::RoomEnter(Box::new(enter)).encode(102, &mut frames);
    frames.extend_from_slice(&[0xff; 64]);
    alice.write(&frames).unwrap();
    alice.expect_closed_after_pushes();
    let _carol = Peer::join(&server, "carol", hall);
    let arrived: Vec<String> = [bob.notification(), bob.notification()].map(|notice| notice.operator).into();
    assert_eq!(arrived, ["bob", "carol"], "alice has not come");
    assert!(receiver.asked().is_empty());
}

#[test]
fn only_what_the_room_would_take_is_asked_about_and_nothing_twice() {
    let receiver = Receiver::start(|_| (200, YES.into()));
    let Scene { server, room } = scene(&receiver.url(), "");
    let (mut owner, mut alice) = (Peer::join(&server, "owner", room), Peer::join(&server, "alice", room));
    let message = MessageSendRequest { resend: true, ..text_message(room, "m1", "hello") };
    let mut send = |request: &MessageSendRequest| match alice.call(Request::MessageSend(Box::new(request.clone()))) {
        Response::MessageSend(answer) => answer,
        other => panic!("a send was answered with {other:?}"),
    };
    let (first, again) = (send(&message), send(&message));
    assert_eq!((first.code, first.duplicate, again.code, again.duplicate), (0, false, 0, true));
    assert_eq!((first.seq, first.time_ms), (again.seq, again.time_ms));
    assert_eq!(receiver.asked().len(), 1, "what was accepted is not asked about again");
    assert_eq!(send(&text_message(room, "m2", "")).code, 414);
    assert_eq!(send(&text_message(room + 1, "m2", "hello")).code, 404);
    assert_eq!(send(&text_message(0, "m2", "hello")).code, 414);
    let mute = pb::RoomMuteRequest { room_id: room, mute: true, ..Default::default() };
    owner.call(Request::RoomMute(mute));
    assert_eq!(send(&text_message(room, "m2", "hello")).code, 13006);
    assert_eq!(receiver.asked().len(), 1, "what the room refuses is nobody else's business");
    assert_eq!(owner.send_text(room, "o1", "hello").code, 0);
    assert_eq!(receiver.asked().len(), 2);
}

#[test]
fn messages_over_http_are_not_asked_about() {
    let receiver = Receiver::start(|_| (200, "{\"code\":0}".into()));
    let url = CallbackUrl::try_from(receiver.url()).unwrap();
    let app = AppConfig { send_callback: Some(url), ..AppConfig::new(APP_KEY, Secret::new(APP_SECRET)) };
    let listen = "127.0.0.1:0".parse().unwrap();
    let node = Node::start(&Config { memory: true, workers: 1, apps: vec![app], listen, ..Config::default() }).unwrap();
    let boss = Actor::http(AccountId::parse("boss").unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let create = Create {
            app_key: APP_KEY.into(),
            creator: boss.account.clone(),
            name: "hall".into(),
            announcement: None,
            broadcast_url: String::new(),
            ext: String::new(),
            queue_level: 0,
            moderation_id: String::new(),
            silent_in_out: true,
        };
        let room: RoomId = node.engine.create(boss.clone(), create).await.unwrap();
        let op = Op::Send(Box::new(text_message(room.get(), "m1", "hello")));
        node.engine.command(APP_KEY, room, Command { actor: boss.clone(), op }).await.unwrap();
    });
    assert!(receiver.asked().is_empty());
    node.stop();
}
