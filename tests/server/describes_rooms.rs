//! What a room says of itself, and for how long a login is good (chatroom.md §a.3, §c.1, §d.1).

use std::time::{Duration, Instant};

use crate::support::admin::{dynamic_token, unix_ms};
use crate::support::ask;
use crate::support::peer::login;
use crate::support::process::{APP_KEY, APP_SECRET};
use crate::support::{LocalNode, PATIENCE, Peer};
use chatroom::wire::pb::{self, KickReason};
use chatroom::wire::{Push, Request, Response};

fn info(peer: &mut Peer, room: i64) -> pb::RoomInfo {
    match peer.done(ask::info(room)) {
        Response::RoomInfo(answer) => answer.room.expect("a room describes itself"),
        other => panic!("a question about a room was answered with {other:?}"),
    }
}

// S000-020, S003-003
#[test]
fn a_room_returns_all_fields_of_its_profile() {
    let node = LocalNode::start(|_| {});
    node.create_account("owner");
    let before_ms = unix_ms() as i64;
    let room = node.create_room_with("owner", |create| {
        create.name = "a name".into();
        create.announcement = Some("hear, hear".into());
        create.broadcast_url = "rtmp://stream".into();
        create.ext = "{\"a\":1}".into();
        create.queue_level = 1;
        create.moderation_id = "{\"textbid\":\"b\"}".into();
        create.silent_in_out = false;
    });
    let mut owner = node.join("owner", room);
    let _guest = node.join("guest", room);
    let _second = node.join_anonymously("ghost", room);
    let found = info(&mut owner, room);
    assert!((before_ms..=unix_ms() as i64).contains(&found.create_time_ms));
    assert_eq!(found.update_time_ms, found.create_time_ms, "nothing was changed since");
    let expected = pb::RoomInfo {
        room_id: room,
        creator: "owner".into(),
        name: "a name".into(),
        announcement: Some("hear, hear".into()),
        broadcast_url: "rtmp://stream".into(),
        ext: "{\"a\":1}".into(),
        queue_level: 1,
        valid: true,
        muted: false,
        in_out_notification: true,
        // Accounts, the anonymous visitor among them.
        online_count: 3,
        create_time_ms: found.create_time_ms,
        update_time_ms: found.update_time_ms,
        queue_size_limit: 1000,
        moderation_id: "{\"textbid\":\"b\"}".into(),
        ..Default::default()
    };
    assert_eq!(found, expected);
    owner.done(ask::mute_room(room, true));
    owner.done(ask::update_ext(room, "changed"));
    owner.done(Request::QueueInit(pb::QueueInitRequest { room_id: room, size_limit: Some(7) }));
    let changed = info(&mut owner, room);
    assert!(changed.update_time_ms >= found.update_time_ms);
    let expected = pb::RoomInfo {
        muted: true,
        ext: "changed".into(),
        queue_size_limit: 7,
        update_time_ms: changed.update_time_ms,
        ..expected
    };
    assert_eq!(changed, expected);
}

#[test]
fn a_field_that_was_never_set_is_absent_and_one_that_was_cleared_is_empty() {
    let node = LocalNode::start(|_| {});
    node.create_account("owner");
    let room = node.create_room("owner");
    let mut owner = node.join("owner", room);
    assert_eq!(info(&mut owner, room).announcement, None);
    for text in ["words", ""] {
        let update = pb::RoomUpdateRequest { room_id: room, announcement: Some(text.into()), ..Default::default() };
        owner.done(Request::RoomUpdate(Box::new(update)));
        assert_eq!(info(&mut owner, room).announcement.as_deref(), Some(text));
    }
}

/// A node whose application mints tokens of these lives.
fn minting(lives: [u64; 2]) -> LocalNode {
    LocalNode::start(|config| config.apps[0].token_ttls = Some(lives.to_vec()))
}

/// Logs in with a token of so many seconds and enters a room.
fn join_for(node: &LocalNode, name: &str, room: i64, seconds: u64) -> Peer {
    let token = dynamic_token(APP_KEY, APP_SECRET, name, seconds);
    let (peer, answer) = node.log_in(pb::LoginRequest { token, ..login(name, Some(room)) });
    assert_eq!(answer.code, 0, "{answer:?}");
    peer
}

// S004-160
#[test]
fn a_token_s_end_is_announced_and_a_new_one_keeps_the_session() {
    let node = minting([3, 3600]);
    node.create_account("owner");
    let room = node.create_room("owner");
    let mut peer = join_for(&node, "guest", room, 3);
    let ends = Instant::now() + Duration::from_secs(3);
    let Push::TokenWillExpire(warning) = peer.push() else { panic!("less than 30 s are left, so it is told at once") };
    assert!((1..=3).contains(&warning.seconds), "{warning:?}");
    let renew = |token: String| Request::RenewToken(pb::RenewTokenRequest { token });
    assert_eq!(peer.came(renew("none".into())), (302, 102302), "a bad token leaves the old one in force");
    peer.done(renew(dynamic_token(APP_KEY, APP_SECRET, "guest", 3600)));
    // The old token's end comes and passes; meanwhile the session is used.
    while Instant::now() < ends + Duration::from_millis(1500) {
        assert_eq!(peer.came(ask::info(room)), ask::OK);
        std::thread::sleep(Duration::from_millis(20));
    }
}

// S004-159
#[test]
fn rooms_made_by_clients_are_not_entered_with_a_token_of_more_than_24_days() {
    const DAYS_24: u64 = 2_073_600;
    let node = minting([DAYS_24, DAYS_24 + 1]);
    node.create_account("owner");
    let lasting = node.create_room("owner");
    let make = |alias: &str, enter_existing| {
        Request::RoomCreate(Box::new(pb::RoomCreateRequest { alias: alias.into(), enter_existing, ..Default::default() }))
    };
    let by_alias = || pb::RoomEnterRequest { alias: "lobby".into(), ..Default::default() };
    let mut short = join_for(&node, "short", lasting, DAYS_24);
    short.done(make("lobby", false));
    // Rooms that last know no such bound, so the token itself is good.
    let mut long = join_for(&node, "long", lasting, DAYS_24 + 1);
    for request in [make("other", false), make("lobby", true), Request::RoomEnter(Box::new(by_alias()))] {
        assert_eq!(long.came(request.clone()), (302, 102302), "{request:?}");
    }
    let token = dynamic_token(APP_KEY, APP_SECRET, "long", DAYS_24 + 1);
    let (_, answer) = node.log_in(pb::LoginRequest { token, enter: Some(by_alias()), ..login("long", None) });
    assert_eq!((answer.code, answer.sub), (302, 102302));
    assert_eq!(long.came(ask::info(lasting)), ask::OK, "where it is, it stays");
    // A shorter one opens them.
    let token = dynamic_token(APP_KEY, APP_SECRET, "long", DAYS_24);
    long.done(Request::RenewToken(pb::RenewTokenRequest { token }));
    long.done(Request::RoomEnter(Box::new(by_alias())));
}

#[test]
fn a_token_that_is_not_renewed_ends_the_session() {
    let node = minting([3, 3600]);
    node.create_account("owner");
    let room = node.create_room("owner");
    let mut peer = join_for(&node, "guest", room, 3);
    let Push::TokenWillExpire(_) = peer.push() else { panic!("it is told at once") };
    let Push::Kicked(kicked) = peer.try_push(PATIENCE).expect("the session ends") else { panic!("by a kick") };
    assert_eq!((kicked.reason(), kicked.may_reconnect, kicked.room_id), (KickReason::TokenExpired, false, 0));
    peer.expect_closed();
}
