//! docs/protocol.md can be followed: its dialogue, played to a real server frame by frame, is answered with the frames it shows.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::peer::login;
use crate::support::{Admin, PATIENCE, Peer, Server, Setup};
use crate::wire_files::{golden, meaning};
use bytes::BytesMut;
use chatroom::wire::{Frame, FrameCodec, Packet, Request};
use tokio_util::codec::Decoder;

/// A request of the page, for a room of this server.
fn for_room(frame: Frame, room: i64) -> BytesMut {
    let Ok(Packet::Request { sequence, mut request }) = Packet::decode(frame) else { panic!("a client sends requests") };
    match &mut request {
        Request::Login(login) => login.enter.as_mut().expect("the page enters with its login").room_id = room,
        Request::MessageSend(send) => send.room_id = room,
        _ => {}
    }
    let mut bytes = BytesMut::new();
    request.encode(sequence, &mut bytes);
    bytes
}

#[test]
fn the_dialogue_of_the_page_is_accepted_and_answered_as_the_page_shows() {
    let config = "[[apps]]\nkey = \"demo\"\nsecret = \"0123456789\"\n[http]\ncalls_per_second = 0\n".to_owned();
    let server = Server::start(Setup { config, memory: true, no_app: true, ..Setup::default() });
    let admin = Admin::new(server.admin, "demo", "0123456789");
    admin.create_user("owner");
    for (account, token) in [("alice", "secret"), ("bob", "word")] {
        assert_eq!(admin.call("user/create", &[("accid", account), ("token", token)])["code"], 200);
    }
    let room = admin.create_quiet_room("owner", "Lobby");
    let mut request = login("bob", Some(room));
    request.app_key = "demo".into();
    request.token = "word".into();
    request.auth_type = 0;
    request.enter.as_mut().expect("asked for").nick = "Bob".into();
    let (mut bob, answer) = Peer::log_in(&server, request);
    assert_eq!(answer.code, 0, "{}", answer.desc);

    let mut alice = TcpStream::connect(server.wire).expect("the server accepts");
    alice.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
    let (mut codec, mut inbox) = (FrameCodec::default(), BytesMut::new());
    for (name, bytes) in golden().into_iter().filter(|(name, _)| name.starts_with("dialogue_")) {
        let frame = FrameCodec::default().decode(&mut BytesMut::from(&bytes[..])).expect("a golden frame").expect("is whole");
        if name.ends_with("_request") {
            alice.write_all(&for_room(frame, room)).expect("the server reads");
            continue;
        }
        if name.ends_with("message_push") {
            assert_eq!(bob.send_text(room, "b-7", "hello, Alice").code, 0);
        }
        if name.ends_with("notification_push") {
            let kick = [("roomid", room.to_string()), ("accid", "owner".into()), ("targetAccid", "alice".into())];
            let kick: Vec<(&str, &str)> = kick.iter().map(|(key, value)| (*key, value.as_str())).collect();
            assert_eq!(admin.call("chatroom/kickMember", &kick)["code"], 200);
        }
        let heard = loop {
            if let Some(frame) = codec.decode(&mut inbox).expect("the server speaks the protocol") {
                break frame;
            }
            let mut bytes = [0; 4096];
            let count = alice.read(&mut bytes).expect("the server goes on");
            assert!(count > 0, "the server closed instead of {name}");
            inbox.extend_from_slice(&bytes[..count]);
        };
        assert_eq!(meaning(&heard), meaning(&frame), "{name}");
    }
    let mut rest = Vec::new();
    alice.read_to_end(&mut rest).expect("the server closes a connection that is in no room any more");
    assert!(rest.is_empty(), "the page ends here: {rest:02x?}");
}
