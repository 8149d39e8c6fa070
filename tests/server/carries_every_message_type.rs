//! Every type of message a client may send arrives as it was sent and is found in the history; what a client may not send does
//! neither (chatroom.md §a.6, §c.3).

use crate::support::ask;
use crate::support::{LocalNode, Peer};
use chatroom::wire::pb::{self, MessageType};
use chatroom::wire::{Push, Response};

/// Types with what they carry in `body` and `attach`.
const CARRIED: &[(MessageType, &str, &str)] = &[
    (MessageType::Text, "plain words, ünïcode and 𝄞", ""),
    (MessageType::Image, "", "{\"md5\":\"m\",\"url\":\"https://a/b.png\",\"ext\":\"png\",\"w\":6,\"h\":8,\"size\":388245}"),
    (MessageType::Audio, "", "{\"dur\":4551,\"md5\":\"m\",\"url\":\"https://a/b.aac\",\"ext\":\"aac\",\"size\":16420}"),
    (
        MessageType::Video,
        "",
        "{\"dur\":8003,\"md5\":\"m\",\"url\":\"https://a/b.mp4\",\"w\":360,\"h\":480,\"ext\":\"mp4\",\"size\":16420}",
    ),
    (MessageType::Geo, "", "{\"lng\":120.1908686708565,\"lat\":-30.18704515647036,\"title\":\"a bridge\"}"),
    (MessageType::File, "", "{\"name\":\"b.pdf\",\"md5\":\"m\",\"url\":\"https://a/b.pdf\",\"ext\":\"pdf\",\"size\":9}"),
    (MessageType::Tip, "somebody has joined the stage", ""),
    (MessageType::Custom, "", "anything {that} is [text]"),
];

struct Stage {
    node: LocalNode,
    room: i64,
    sender: Peer,
    receiver: Peer,
}

fn stage() -> Stage {
    let node = LocalNode::start(|_| {});
    node.create_account("owner");
    let room = node.create_room("owner");
    let (sender, receiver) = (node.join("owner", room), node.join("guest", room));
    Stage { node, room, sender, receiver }
}

fn message(room: i64, kind: MessageType, body: &str, attach: &str) -> pb::MessageSendRequest {
    pb::MessageSendRequest {
        r#type: kind as i32,
        attach: attach.to_owned().into_bytes().into(),
        ext: "{\"more\":1}".to_owned().into_bytes().into(),
        sub_type: 7,
        ..ask::text(room, &format!("{kind:?}"), body)
    }
}

// S000-036, S000-038, S000-039, S000-040, S003-006
#[test]
fn what_is_sent_arrives_and_stays_as_it_is() {
    let mut stage = stage();
    for (kind, body, attach) in CARRIED {
        let Response::MessageSend(sent) = stage.sender.done(ask::send(message(stage.room, *kind, body, attach))) else {
            panic!("a send is answered so")
        };
        let received = stage.receiver.message();
        let what = (received.r#type, &received.body[..], &received.attach[..], &received.ext[..], received.sub_type);
        assert_eq!(what, (*kind as i32, body.as_bytes(), attach.as_bytes(), &b"{\"more\":1}"[..], 7), "{kind:?}");
        assert_eq!((received.seq, received.time_ms, &*received.from), (sent.seq, sent.time_ms, "owner"), "{kind:?}");
        assert_eq!(received.message_id, sent.message_id);
    }
    let kept = stage.receiver.whole_history(stage.room);
    let kept: Vec<_> = kept.into_iter().map(|item| item.item.expect("an item is something")).collect();
    assert_eq!(kept.len(), CARRIED.len());
    for (item, (kind, body, attach)) in kept.into_iter().zip(CARRIED) {
        let pb::history_item::Item::Message(message) = item else { panic!("{item:?} is no message") };
        assert_eq!(
            (message.r#type, &message.body[..], &message.attach[..]),
            (*kind as i32, body.as_bytes(), attach.as_bytes())
        );
    }
}

// S000-036, S000-040
#[test]
fn what_does_not_fit_its_type_is_refused() {
    let mut stage = stage();
    let refused = [
        (414, MessageType::Text, "", ""),
        (414, MessageType::Image, "", "no JSON"),
        (414, MessageType::Audio, "", "[1]"),
        (414, MessageType::Video, "", ""),
        (414, MessageType::File, "", "\"text\""),
        (414, MessageType::Geo, "", ""),
        (414, MessageType::Geo, "", "[1.5,2.5]"),
        // What the server alone may say (chatroom.md §a.6).
        (403, MessageType::Notification, "words", ""),
        (403, MessageType::Robot, "words", ""),
    ];
    for (code, kind, body, attach) in refused {
        let came = stage.sender.came(ask::send(message(stage.room, kind, body, attach)));
        assert_eq!(came.0, code, "{kind:?} with {body:?} and {attach:?}");
    }
    for number in [7, 9, 12, 99, 101, -1] {
        let message = pb::MessageSendRequest { r#type: number, ..ask::text(stage.room, "id", "words") };
        assert_eq!(stage.sender.came(ask::send(message)).0, 414, "type {number}");
    }
    stage.sender.done(ask::send(ask::text(stage.room, "mark", "mark")));
    assert_eq!(stage.receiver.message().message_id, "mark", "nothing that was refused arrives");
}

// S000-011
#[test]
fn the_sender_s_other_devices_get_a_copy_and_the_sending_one_gets_none() {
    let mut stage = stage();
    let request = pb::LoginRequest { device_id: "another".into(), ..crate::support::peer::login("owner", Some(stage.room)) };
    let (mut other, answer) = stage.node.log_in(request);
    assert_eq!(answer.code, 0, "{answer:?}");
    stage.sender.done(ask::send(ask::text(stage.room, "mine", "words")));
    assert_eq!(other.message().message_id, "mine");
    stage.receiver.done(ask::send(ask::text(stage.room, "mark", "mark")));
    assert_eq!(stage.sender.message().message_id, "mark", "no echo comes before it");
}

// S000-004
#[test]
fn a_login_names_a_room_that_is_there() {
    let stage = stage();
    for (room, expected) in [(0, (414, 0)), (-1, (414, 0)), (stage.room + 1, (404, 113404))] {
        let (_, answer) = stage.node.log_in(crate::support::peer::login("guest", Some(room)));
        assert_eq!((answer.code, answer.sub), expected, "room {room}");
    }
}

// S003-002
#[test]
fn clients_cannot_make_a_room_that_lasts() {
    let mut stage = stage();
    let number = stage.room + 1;
    for request in [ask::enter(number), ask::info(number), ask::update_ext(number, "x")] {
        assert_eq!(stage.sender.came(request), (404, 113404));
    }
    assert_eq!(stage.node.try_create_room("owner", |_| {}).expect("the HTTP API makes one"), number);
}

// S003-020
#[test]
fn a_room_takes_in_whoever_comes_without_asking() {
    // No setting limits it; a thousand show that no small number is built in.
    const VISITORS: usize = 1000;
    crate::support::raise_open_files(2 * VISITORS as u64 + 200);
    let mut stage = stage();
    let visitors: Vec<Peer> = (0..VISITORS).map(|number| stage.node.join(&format!("visitor{number}"), stage.room)).collect();
    let Response::RoomInfo(info) = stage.sender.done(ask::info(stage.room)) else { panic!("a room describes itself") };
    assert_eq!(info.room.map(|room| room.online_count), Some(VISITORS as u64 + 2));
    stage.sender.done(ask::send(ask::text(stage.room, "all", "words")));
    for mut visitor in visitors {
        assert_eq!(visitor.message().message_id, "all");
    }
    assert!(!matches!(stage.receiver.push(), Push::Gap(_)));
}
