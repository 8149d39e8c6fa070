//! What a login must hold, over the wire (chatroom.md §c.1, §d.1).
#![cfg(feature = "server")]

mod support;

use chatroom::wire::pb::{self, MemberType, NotificationType};
use chatroom::wire::{Request, Response};
use support::peer::login;
use support::process::{APP_KEY, APP_SECRET};
use support::{Peer, Server, Setup};

fn code(server: &Server, request: pb::LoginRequest) -> (i32, i32) {
    let (mut peer, answer) = Peer::log_in(server, request);
    if answer.code != 0 {
        peer.expect_closed();
    }
    (answer.code, answer.sub)
}

#[test]
fn application_account_token_and_room_are_checked_in_this_order() {
    let config = format!(
        "auto_register = false\n[[apps]]\nkey = \"{APP_KEY}\"\nsecret = \"{APP_SECRET}\"\n\
         [[apps]]\nkey = \"off\"\nsecret = \"s\"\ndisabled = true\n"
    );
    let server = Server::start(Setup { config, memory: true, no_app: true, ..Setup::default() });
    let token = server.admin().create_user("alice");
    let room = server.admin().create_room("alice", "hall");
    let request = |room| pb::LoginRequest { token: token.clone(), auth_type: 0, ..login("alice", room) };
    // S000-001
    for (app_key, refused) in [("", 414), ("nobody", 403), ("off", 403)] {
        assert_eq!(code(&server, pb::LoginRequest { app_key: app_key.into(), ..request(None) }).0, refused, "{app_key}");
    }
    // S000-002
    assert_eq!(code(&server, pb::LoginRequest { account: String::new(), ..request(None) }).0, 414);
    assert_eq!(code(&server, pb::LoginRequest { account: "stranger".into(), ..request(None) }), (302, 102302));
    assert_eq!(code(&server, login("stranger", None)), (302, 102302), "a good dynamic token of an unknown account");
    // S000-003
    assert_eq!(code(&server, pb::LoginRequest { token: "wrong".into(), ..request(None) }), (302, 102302));
    assert_eq!(code(&server, pb::LoginRequest { token: String::new(), ..request(None) }).0, 414);
    assert_eq!(code(&server, request(None)).0, 0);
    // S000-004
    assert_eq!(code(&server, request(Some(0))).0, 414);
    assert_eq!(code(&server, request(Some(room + 1))), (404, 113404));
    assert_eq!(code(&server, request(Some(room))).0, 0);
    // The first that fails is the one told: the account comes before the room.
    assert_eq!(code(&server, pb::LoginRequest { token: "wrong".into(), ..request(Some(room + 1)) }).0, 302);
}

// S000-006, S003-025
#[test]
fn an_anonymous_visitor_needs_a_nick_and_no_token_and_has_no_voice() {
    let server = Server::start(Setup { memory: true, ..Setup::default() });
    server.admin().create_user("owner");
    let room = server.admin().create_room("owner", "hall");
    let anonymous = |account: &str, nick: &str| {
        let mut request = pb::LoginRequest { anonymous: true, token: String::new(), ..login(account, Some(room)) };
        request.enter.as_mut().unwrap().nick = nick.into();
        request
    };
    assert_eq!(code(&server, anonymous("", "")).0, 414);
    assert_eq!(code(&server, anonymous("owner", "Guest")).0, 302, "the name of a registered account is taken");
    let (mut guest, answer) = Peer::log_in(&server, anonymous("", "Guest"));
    let name = answer.account.strip_prefix("anon_").expect("a name is made up");
    assert!(name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    let member = answer.enter.unwrap().member.unwrap();
    assert_eq!((member.r#type(), member.nick.as_str()), (MemberType::Anonymous, "Guest"));
    let sent = guest.send_text(room, "m1", "hello");
    assert_eq!((sent.code, sent.sub), (403, 114303));
    let mute = Request::RoomMute(pb::RoomMuteRequest { room_id: room, mute: true, ..Default::default() });
    assert!(matches!(guest.call(mute), Response::RoomMute(status) if status.code == 403));
}

// S000-015
#[test]
fn a_logout_leaves_the_room_at_once_and_the_others_hear_of_it() {
    let server = Server::start(Setup { memory: true, ..Setup::default() });
    server.admin().create_user("owner");
    let room = server.admin().create_room("owner", "hall");
    let mut bob = Peer::join(&server, "bob", room);
    let mut alice = Peer::join(&server, "alice", room);
    let came = std::iter::repeat_with(|| bob.notification()).find(|notice| notice.targets == ["alice"]).unwrap();
    assert_eq!(came.r#type(), NotificationType::MemberEnter);
    alice.call(Request::Logout(pb::LogoutRequest::default()));
    alice.expect_closed_after_pushes();
    let gone = bob.notification();
    assert_eq!((gone.r#type(), gone.targets), (NotificationType::MemberExit, vec!["alice".to_owned()]));
    let Response::RoomInfo(info) = bob.call(Request::RoomInfo(pb::RoomInfoRequest { room_id: room })) else { panic!() };
    assert_eq!(info.room.unwrap().online_count, 1);
}
