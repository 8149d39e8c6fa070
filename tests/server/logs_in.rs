//! What a login must hold, over the wire (chatroom.md §c.1, §d.1).

use crate::support::admin::unix_ms;
use crate::support::peer::login;
use crate::support::process::{APP_KEY, APP_SECRET};
use crate::support::{PATIENCE, Peer, Server, Setup, wait_until};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chatroom::wire::pb::{self, KickReason, MemberType, NotificationType};
use chatroom::wire::{Push, Request, Response};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

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

/// A dynamic token of one account, cut anew so that it logs in as another and never ends: needs no secret.
fn recut(token: &str, account: &str, victim: &str) -> String {
    let claims: Value = serde_json::from_slice(&STANDARD.decode(token).unwrap()).unwrap();
    let digits = format!("{}{}{}", &account[victim.len()..], claims["curTime"], claims["ttl"]);
    let (time, life) = digits.split_at(1);
    assert!(digits.bytes().all(|digit| digit.is_ascii_digit()) && !life.starts_with('0'));
    let (time, life): (i64, u64) = (time.parse().unwrap(), life.parse().unwrap());
    STANDARD.encode(json!({ "signature": claims["signature"], "curTime": time, "ttl": life }).to_string())
}

#[test]
fn a_token_that_is_cut_anew_logs_in_as_nobody_else() {
    let server = Server::start(Setup { memory: true, ..Setup::default() });
    server.admin().create_user("alice");
    let room = server.admin().create_room("alice", "hall");
    let own = login("alice1", Some(room));
    let stolen = recut(&own.token, "alice1", "alice");
    let thief = pb::LoginRequest { token: stolen, ..login("alice", Some(room)) };
    assert_eq!(code(&server, thief), (302, 102302));
    // Nor does it log in as itself for ever.
    assert_eq!(code(&server, pb::LoginRequest { token: recut(&own.token, "alice1", "alice1"), ..own.clone() }), (302, 102302));
    assert_eq!(code(&server, own).0, 0);
}

#[test]
fn a_jwt_of_a_key_that_is_configured_logs_in_and_keys_change_on_sighup() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let (one, two) = (rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap());
    std::fs::write(&path, one.public_key_pem()).unwrap();
    let config =
        format!("[[apps]]\nkey = \"{APP_KEY}\"\nsecret = \"{APP_SECRET}\"\nvendor_tokens = false\njwt_keys = {path:?}\n");
    let server = Server::start(Setup { config: config.clone(), no_app: true, memory: true, ..Setup::default() });
    let token = |key: &rcgen::KeyPair| {
        let header = json!({ "alg": "ES256", "typ": "JWT" }).to_string();
        let claims = json!({ "sub": "alice", "exp": unix_ms() / 1000 + 60, "aud": APP_KEY }).to_string();
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let random = ring::rand::SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.serialize_der(), &random).unwrap();
        let signature = pair.sign(&random, message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    let with = |token: String| code(&server, pb::LoginRequest { token, ..login("alice", None) }).0;
    assert_eq!((with(token(&one)), with(token(&two))), (0, 302));
    assert_eq!(with(login("alice", None).token), 302, "the vendor's format is switched off");
    // Another key under the same name, then a file that cannot be used: the last good keys stay.
    std::fs::write(&path, two.public_key_pem()).unwrap();
    server.reconfigure(&config);
    wait_until("the new key to be in force", || with(token(&two)) == 0);
    assert_eq!(with(token(&one)), 302);
    std::fs::write(&path, "no key").unwrap();
    server.reconfigure(&config);
    wait_until("the refusal to be counted", || {
        server.admin().page("/metrics").1.contains("chatroom_reloads_total{result=\"refused\"} 1")
    });
    assert_eq!(with(token(&two)), 0);
}

#[test]
fn a_session_is_renewed_by_a_token_of_its_own_kind_only() {
    let server = Server::start(Setup { memory: true, ..Setup::default() });
    let fixed = server.admin().create_user("alice");
    let vendor = || login("alice", None).token;
    let jwt = chatroom::account::jwt(APP_KEY, APP_SECRET, "alice", chatroom::id::UnixMs(unix_ms() as i64), 600);
    let renew =
        |peer: &mut Peer, token: &str| match peer.call(Request::RenewToken(pb::RenewTokenRequest { token: token.into() })) {
            Response::RenewToken(status) => status.code,
            other => panic!("{other:?}"),
        };
    let (mut dynamic, _) = Peer::log_in(&server, login("alice", None));
    assert_eq!((renew(&mut dynamic, &fixed), renew(&mut dynamic, &vendor()), renew(&mut dynamic, &jwt)), (302, 0, 0));
    let request = pb::LoginRequest { token: fixed.clone(), auth_type: 0, ..login("alice", None) };
    let (mut constant, _) = Peer::log_in(&server, request);
    assert_eq!((renew(&mut constant, &vendor()), renew(&mut constant, &jwt), renew(&mut constant, &fixed)), (302, 302, 0));
    // Who has shown no token has none to renew, even if somebody registers under that name and lends one.
    let anonymous = pb::LoginRequest { anonymous: true, token: String::new(), ..login("", None) };
    let (mut guest, _) = Peer::log_in(&server, anonymous);
    assert_eq!((renew(&mut guest, &fixed), renew(&mut guest, &jwt)), (302, 302));
}

#[test]
fn a_name_that_becomes_an_account_s_is_given_up_by_who_goes_by_it_without_one() {
    let server = Server::start(Setup { memory: true, ..Setup::default() });
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_room("owner", "hall");
    let anonymous = |account: &str, room: Option<i64>| {
        let mut request = pb::LoginRequest { anonymous: true, token: String::new(), ..login(account, room) };
        request.enter.iter_mut().for_each(|enter| enter.nick = "Guest".into());
        request
    };
    // One is registered over HTTP, one by its first token; and one that is in a room, one that is in none.
    let register: [(&str, &dyn Fn()); 2] = [
        ("dora", &|| drop(admin.create_user("dora"))),
        ("emil", &|| assert_eq!(Peer::log_in(&server, login("emil", None)).1.code, 0)),
    ];
    for (name, register) in register {
        let mut guests: Vec<Peer> = [None, Some(room)]
            .map(|room| {
                let (peer, answer) = Peer::log_in(&server, anonymous(name, room));
                assert_eq!(answer.code, 0, "{name}: {}", answer.desc);
                peer
            })
            .into();
        register();
        for guest in &mut guests {
            let kicked = loop {
                match guest.try_push(PATIENCE).expect("it is told") {
                    Push::Kicked(kicked) => break kicked,
                    _ => continue,
                }
            };
            assert_eq!((kicked.reason(), kicked.may_reconnect), (KickReason::TokenExpired, false), "{name}");
            guest.expect_closed();
        }
        for room in [None, Some(room)] {
            assert_eq!(code(&server, anonymous(name, room)).0, 302, "{name}");
        }
        assert_eq!(code(&server, login(name, Some(room))).0, 0, "{name}");
    }
}

#[test]
fn a_nick_in_which_nothing_can_be_seen_is_refused_wherever_one_is_taken() {
    let server = Server::start(Setup { memory: true, ..Setup::default() });
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_room("owner", "hall").to_string();
    let number = room.parse().unwrap();
    let mut bob = Peer::join(&server, "bob", number);
    for blank in
        [" ", "\t", "\u{200B}", "\u{200D}\u{2060}", "\u{3164}", "\u{2800}", "\u{E0041}\u{E007F}", "\u{3000}\u{AD}", "\u{202E}"]
    {
        let entering = |anonymous: bool, account: &str| {
            let mut request = pb::LoginRequest { anonymous, ..login(account, Some(number)) };
            request.enter.as_mut().unwrap().nick = blank.into();
            request
        };
        assert_eq!(code(&server, entering(true, "")).0, 414, "{blank:?}");
        assert_eq!(code(&server, entering(false, "carl")).0, 414, "{blank:?}");
        let enter = pb::RoomEnterRequest { room_id: number, nick: blank.into(), ..Default::default() };
        match bob.call(Request::RoomEnter(Box::new(enter.clone()))) {
            Response::RoomEnter(answer) => assert_eq!(answer.code, 414, "{blank:?}"),
            other => panic!("{other:?}"),
        }
        let create = pb::RoomCreateRequest { alias: "lobby".into(), enter: Some(enter), ..Default::default() };
        match bob.call(Request::RoomCreate(Box::new(create))) {
            Response::RoomCreate(answer) => assert_eq!(answer.code, 414, "{blank:?}"),
            other => panic!("{other:?}"),
        }
        let update = pb::MemberUpdateSelfRequest { room_id: number, nick: Some(blank.into()), ..Default::default() };
        match bob.call(Request::MemberUpdateSelf(Box::new(update))) {
            Response::MemberUpdateSelf(status) => assert_eq!(status.code, 414, "{blank:?}"),
            other => panic!("{other:?}"),
        }
        for (path, parameters) in [
            ("chatroom/updateMyRoomRole", vec![("roomid", room.as_str()), ("accid", "bob"), ("nick", blank)]),
            ("user/create", vec![("accid", "dora"), ("name", blank)]),
            ("user/updateUinfo", vec![("accid", "owner"), ("name", blank)]),
        ] {
            assert_eq!(admin.call(path, &parameters)["code"], 414, "{path} {blank:?}");
        }
    }
    // One character that is seen is enough, and a name may be taken away.
    for (path, parameters) in [
        ("user/updateUinfo", vec![("accid", "owner"), ("name", "\u{200B}\u{754C}")]),
        ("user/create", vec![("accid", "dora"), ("name", "")]),
    ] {
        assert_eq!(admin.call(path, &parameters)["code"], 200, "{path}");
    }
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
