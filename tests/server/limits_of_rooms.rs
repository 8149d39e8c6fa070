//! The limits of chatroom.md §i that rooms have, each at the limit and one beyond it, over the wire. Those of attributes, of rooms
//! made by clients and of tags stand in limits_of_attributes.rs.

use crate::bounds::{Limit, Stage, bytes, chars, limit, quota, raw, try_all};
use crate::support::ask::{self, Came};
use crate::support::local::anonymous;
use crate::support::peer::login;
use crate::support::{LocalNode, Peer};
use chatroom::limits;
use chatroom::wire::pb::{self, MessageType, RoleChange};
use chatroom::wire::{Push, Request, Response};

const LIMITS: &[Limit] = &[
    limit("room name", limits::ROOM_NAME_CHARS_MAX, |stage, n| stage.update(|update| update.name = Some(chars(n)))),
    limit("announcement", limits::ANNOUNCEMENT_CHARS_MAX, |stage, n| {
        stage.update(|update| update.announcement = Some(chars(n)))
    }),
    limit("broadcasturl", limits::BROADCAST_URL_CHARS_MAX, |stage, n| {
        stage.update(|update| update.broadcast_url = Some(chars(n)))
    }),
    limit("room ext", limits::EXT_CHARS_MAX, |stage, n| stage.update(|update| update.ext = Some(chars(n)))),
    limit("moderation id of a room", limits::MODERATION_ID_CHARS_MAX, |stage, n| {
        stage.update(|update| update.moderation_id = Some(chars(n)))
    }),
    limit("queue level", 1, |stage, n| stage.update(|update| update.queue_level = Some(n as u32))),
    limit("notifyExt of a room update", limits::NOTIFY_EXT_CHARS_MAX, |stage, n| {
        stage.update(|update| (update.ext, update.notify_ext) = (Some(format!("{n}")), chars(n)))
    }),
    limit("notifyExt of a role", limits::NOTIFY_EXT_CHARS_MAX, |stage, n| {
        let account = stage.named("stranger");
        stage.node.create_account(&account);
        stage.owner.came(Request::MemberSetRole(pb::MemberSetRoleRequest {
            room_id: stage.room,
            account,
            change: RoleChange::Common as i32,
            set: true,
            notify_ext: chars(n),
            ..Default::default()
        }))
    }),
    limit("notifyExt of a temporary mute", limits::NOTIFY_EXT_CHARS_MAX, |stage, n| {
        let (account, _guest) = stage.guest();
        stage.owner.came(Request::MemberTempMute(pb::MemberTempMuteRequest {
            room_id: stage.room,
            account,
            seconds: 60,
            notify_ext: chars(n),
            ..Default::default()
        }))
    }),
    limit("notifyExt of a room mute", limits::NOTIFY_EXT_CHARS_MAX, |stage, n| {
        let notify_ext = chars(n);
        let request = pb::RoomMuteRequest { room_id: stage.room, mute: true, notify_ext, ..Default::default() };
        stage.owner.came(Request::RoomMute(request))
    }),
    limit("notifyExt of a kick", limits::NOTIFY_EXT_CHARS_MAX, |stage, n| {
        let (account, _guest) = stage.guest();
        stage.owner.came(Request::MemberKick(pb::MemberKickRequest { room_id: stage.room, account, notify_ext: chars(n) }))
    }),
    limit("notifyExt of a member's profile", limits::NOTIFY_EXT_CHARS_MAX, |stage, n| {
        stage.update_self(|update| (update.ext, update.notify_ext) = (Some("x".into()), chars(n)))
    }),
    limit("notifyExt of a close", limits::NOTIFY_EXT_CHARS_MAX, |stage, n| {
        stage.owner.came(Request::RoomClose(pb::RoomCloseRequest { room_id: stage.room, notify_ext: chars(n) }))
    }),
    limit("notifyExt of a batch", limits::NOTIFY_EXT_CHARS_MAX, |stage, n| {
        let request = ask::batch_offer(stage.room, vec![ask::element("key", "value")], &chars(n));
        stage.owner.came(request)
    }),
    limit("members of a page", limits::PAGE_MAX as usize, |stage, n| {
        let request = pb::MemberListRequest { room_id: stage.room, limit: n as u32, ..Default::default() };
        stage.owner.came(Request::MemberList(request))
    }),
    limit("messages of a page", limits::PAGE_MAX as usize, |stage, n| {
        let request = pb::MessageHistoryRequest { room_id: stage.room, limit: n as u32, ..Default::default() };
        stage.owner.came(Request::MessageHistory(request))
    }),
    limit("members by ids", limits::LOOKUP_ACCOUNTS_MAX, |stage, n| {
        let accounts = (0..n).map(|number| format!("member{number}")).collect();
        stage.owner.came(Request::MemberLookup(pb::MemberLookupRequest { room_id: stage.room, accounts }))
    }),
    limit("nick", limits::NICK_CHARS_MAX, |stage, n| stage.update_self(|update| update.nick = Some(chars(n)))),
    limit("avatar", limits::AVATAR_CHARS_MAX, |stage, n| stage.update_self(|update| update.avatar = Some(chars(n)))),
    limit("member ext", limits::EXT_CHARS_MAX, |stage, n| stage.update_self(|update| update.ext = Some(chars(n)))),
    limit("nick at entry", limits::NICK_CHARS_MAX, |stage, n| stage.enter(|_, enter| enter.nick = chars(n))),
    limit("avatar at entry", limits::AVATAR_CHARS_MAX, |stage, n| stage.enter(|_, enter| enter.avatar = chars(n))),
    limit("member ext at entry", limits::EXT_CHARS_MAX, |stage, n| {
        let mut peer = stage.node.log_in_only(&stage.named("newcomer"));
        let request = pb::RoomEnterRequest { room_id: stage.room, ext: chars(n), ..Default::default() };
        peer.came(Request::RoomEnter(Box::new(request)))
    }),
    limit("notifyExt of an entry", limits::NOTIFY_EXT_CHARS_MAX, |stage, n| {
        let mut peer = stage.node.log_in_only(&stage.named("newcomer"));
        let request = pb::RoomEnterRequest { room_id: stage.room, enter_ext: chars(n), ..Default::default() };
        peer.came(Request::RoomEnter(Box::new(request)))
    }),
    limit("user id", limits::ACCOUNT_BYTES_MAX, |stage, n| {
        let name = bytes(n);
        stage.enter(|request, _| *request = pb::LoginRequest { device_id: "device".into(), ..login(&name, None) })
    }),
    limit("anonymous id", limits::ACCOUNT_BYTES_MAX, |stage, n| {
        let name = "n".repeat(n);
        stage.enter(|request, _| *request = anonymous(&name, None))
    }),
    limit("device id", limits::DEVICE_ID_CHARS_MAX, |stage, n| stage.enter(|request, _| request.device_id = chars(n))),
    limit("custom tag", limits::CUSTOM_TAG_CHARS_MAX, |stage, n| stage.enter(|request, _| request.custom_tag = chars(n))),
    limit("seconds of a temporary mute", limits::TEMP_MUTE_SECONDS_MAX as usize, |stage, n| {
        let (account, _guest) = stage.guest();
        stage.owner.came(ask::temp_mute(stage.room, &account, n as u32))
    }),
    limit("message id", limits::MESSAGE_ID_CHARS_MAX, |stage, n| stage.send(|message| message.message_id = chars(n))),
    limit("text", limits::BODY_CHARS_MAX, |stage, n| stage.send(|message| message.body = raw(chars(n)))),
    limit("message attach", limits::BODY_CHARS_MAX, |stage, n| {
        stage.send(|message| (message.r#type, message.attach) = (MessageType::Custom as i32, raw(chars(n))))
    }),
    limit("message ext", limits::EXT_CHARS_MAX, |stage, n| stage.send(|message| message.ext = raw(chars(n)))),
    limit("antispamCustom", limits::ANTISPAM_CUSTOM_CHARS_MAX, |stage, n| {
        stage.send(|message| {
            message.r#type = MessageType::Custom as i32;
            message.moderation = Some(pb::Moderation { antispam: true, antispam_custom: antispam(n), ..Default::default() });
        })
    }),
    limit("yidunAntiCheating", limits::MODERATION_ID_CHARS_MAX, |stage, n| {
        stage.send(|message| {
            message.moderation = Some(pb::Moderation { yidun_anti_cheating: chars(n), ..Default::default() });
        })
    }),
    limit("yidunAntiSpamExt", limits::MODERATION_ID_CHARS_MAX, |stage, n| {
        stage.send(|message| {
            message.moderation = Some(pb::Moderation { yidun_antispam_ext: chars(n), ..Default::default() });
        })
    }),
    limit("bid", limits::MODERATION_ID_CHARS_MAX, |stage, n| {
        stage.send(|message| message.moderation = Some(pb::Moderation { bid: chars(n), ..Default::default() }))
    }),
    limit("env", limits::MESSAGE_ENV_CHARS_MAX, |stage, n| stage.send(|message| message.env = chars(n))),
    limit("callbackExt", limits::CALLBACK_EXT_CHARS_MAX, |stage, n| stage.send(|message| message.callback_ext = chars(n))),
    limit("abandonRatio", 9999, |stage, n| stage.send(|message| message.abandon_ratio = Some(n as u32))),
    limit("directed receivers", limits::DIRECTED_ACCOUNTS_MAX, |stage, n| {
        stage.send(|message| message.to_accounts = (0..n).map(|number| format!("receiver{number}")).collect())
    }),
    limit("queue key", limits::QUEUE_KEY_BYTES_MAX, |stage, n| stage.owner.came(ask::offer(stage.room, &bytes(n), "value"))),
    limit("queue value", limits::QUEUE_VALUE_BYTES_MAX, |stage, n| stage.owner.came(ask::offer(stage.room, "key", &bytes(n)))),
    limit("queue size", limits::QUEUE_SIZE_MAX as usize, |stage, n| {
        stage.owner.came(Request::QueueInit(pb::QueueInitRequest { room_id: stage.room, size_limit: Some(n as u32) }))
    }),
    limit("elements of a batch offer", limits::QUEUE_BATCH_MAX, |stage, n| {
        let elements = (0..n).map(|number| ask::element(&format!("key{number}"), "value")).collect();
        stage.owner.came(ask::batch_offer(stage.room, elements, ""))
    }),
    limit("elements of a batch change", limits::QUEUE_BATCH_MAX, |stage, n| {
        let elements = (0..n).map(|number| ask::element(&format!("key{number}"), "value")).collect();
        stage.owner.came(ask::change(stage.room, elements, ""))
    }),
    limit("keys of a multi-get", limits::QUEUE_BATCH_MAX, |stage, n| {
        let keys = (0..n).map(|number| format!("key{number}")).collect();
        stage.owner.came(Request::QueueMultiGet(pb::QueueMultiGetRequest { room_id: stage.room, keys }))
    }),
    quota("elements of a queue never initialised", limits::QUEUE_SIZE_MAX as usize, fill_queue),
    quota("elements of a queue initialised without a size", limits::QUEUE_SIZE_DEFAULT as usize, |stage, n| {
        stage.owner.done(Request::QueueInit(pb::QueueInitRequest { room_id: stage.room, size_limit: None }));
        fill_queue(stage, n)
    }),
    quota("fixed members", limits::FIXED_MEMBERS_MAX, |stage, n| {
        // The creator is one of them.
        let mut last = ask::OK;
        for number in 1..n {
            let name = format!("fixed{}-{number}", stage.number);
            stage.node.create_account(&name);
            last = stage.owner.came(ask::set_role(stage.room, &name, RoleChange::Common, true));
            assert!(number + 1 == n || last == ask::OK, "member {number}: {last:?}");
        }
        last
    }),
];

/// What is moderated in place of a custom message, so many characters long.
fn antispam(count: usize) -> String {
    let frame = "{\"type\":1,\"data\":\"\"}";
    format!("{}{}\"}}", &frame[..frame.len() - 2], chars(count - frame.len()))
}

/// Offers so many elements and says what the last one came to.
fn fill_queue(stage: &mut Stage<'_>, count: usize) -> Came {
    let element = |number: usize| ask::element(&format!("key{number}"), "value");
    let before: Vec<_> = (1..count).map(element).collect();
    for batch in before.chunks(limits::QUEUE_BATCH_MAX) {
        stage.owner.done(ask::batch_offer(stage.room, batch.to_vec(), ""));
    }
    stage.owner.came(ask::offer(stage.room, "the last", "value"))
}

// S000-033, S000-036
#[test]
fn each_limit_admits_its_value_and_refuses_one_more() {
    try_all(&LocalNode::start(|_| {}), LIMITS);
}

#[test]
fn the_limits_have_the_values_of_the_specification() {
    // The numbers as chatroom.md §i has them, so that a constant that moves is noticed.
    let expected = [
        ("room name", 128),
        ("announcement", 4096),
        ("broadcasturl", 1024),
        ("room ext", 4096),
        ("notifyExt of a room update", 2048),
        ("members of a page", 100),
        ("members by ids", 20),
        ("nick", 64),
        ("avatar", 1024),
        ("member ext", 4096),
        ("user id", 32),
        ("seconds of a temporary mute", 2_592_000),
        ("message attach", 4096),
        ("message ext", 4096),
        ("antispamCustom", 5000),
        ("yidunAntiCheating", 1024),
        ("abandonRatio", 9999),
        ("directed receivers", 100),
        ("queue key", 128),
        ("queue value", 4096),
        ("queue size", 1000),
        ("elements of a batch offer", 100),
        ("fixed members", 1000),
        ("messages of a page", 100),
    ];
    for (name, value) in expected {
        let found = LIMITS.iter().find(|limit| limit.name == name).unwrap_or_else(|| panic!("{name} is not tried"));
        assert_eq!(found.value, value, "{name}");
    }
}

#[test]
fn a_text_limit_counts_characters_and_a_queue_bytes() {
    let node = LocalNode::start(|_| {});
    let mut stage = Stage::new(&node, 0);
    assert_eq!(stage.send(|message| message.body = raw("𝄞".repeat(limits::BODY_CHARS_MAX))), ask::OK);
    let key = "ä".repeat(limits::QUEUE_KEY_BYTES_MAX / 2);
    assert_eq!(stage.owner.came(ask::offer(stage.room, &key, "value")), ask::OK);
    assert_eq!(stage.owner.came(ask::offer(stage.room, &format!("{key}a"), "value")).0, 414);
}

// S002-041
#[test]
fn an_account_sends_so_many_messages_at_once_and_then_has_to_wait() {
    let node = LocalNode::start(|config| {
        config.limits.client_send_per_second = limits::SENDS_PER_SECOND;
        config.limits.client_send_burst = limits::SENDS_BURST;
    });
    let mut stage = Stage::new(&node, 0);
    let began = std::time::Instant::now();
    let mut accepted = 0;
    let refused = loop {
        let status = stage.owner.status(&ask::send(ask::text(stage.room, &format!("m{accepted}"), "words")));
        if status.code != 0 {
            break status;
        }
        accepted += 1;
    };
    // While they were sent, the allowance grew by ten a second.
    let grown = began.elapsed().as_secs_f64() * f64::from(limits::SENDS_PER_SECOND);
    let burst = limits::SENDS_BURST;
    assert!((burst..=burst + grown.ceil() as u32).contains(&accepted), "{accepted} were accepted, {grown} had been gained");
    assert_eq!((refused.code, refused.sub), (416, 107323));
    assert!((1..=100).contains(&refused.retry_after_ms), "a tenth of a second gains one message: {refused:?}");
}

#[test]
fn a_session_asks_so_much_at_once_and_then_has_to_wait() {
    let node = LocalNode::start(|config| {
        config.limits.requests_per_second = limits::SESSION_REQUESTS_PER_SECOND;
        config.limits.requests_burst = limits::SESSION_REQUESTS_BURST;
    });
    let mut stage = Stage::new(&node, 0);
    let began = std::time::Instant::now();
    let mut answered = 0;
    let refused = loop {
        let status = stage.owner.status(&ask::info(stage.room));
        if status.code != 0 {
            break status;
        }
        answered += 1;
    };
    let grown = began.elapsed().as_secs_f64() * f64::from(limits::SESSION_REQUESTS_PER_SECOND);
    let burst = limits::SESSION_REQUESTS_BURST;
    assert!((burst - 1..=burst + grown.ceil() as u32).contains(&answered), "{answered} were answered, {grown} had been gained");
    assert_eq!(refused.code, 416);
    assert!((1..=20).contains(&refused.retry_after_ms), "a fiftieth of a second gains one request: {refused:?}");
}

// S003-015
#[test]
fn one_more_connection_of_an_account_than_a_room_admits_takes_the_place_of_the_oldest() {
    let node = LocalNode::start(|_| {});
    let stage = Stage::new(&node, 0);
    let join = |number: usize| {
        let enter = Some(pb::RoomEnterRequest { room_id: stage.room, ..Default::default() });
        let (peer, answer) =
            node.log_in(pb::LoginRequest { device_id: format!("device{number}"), enter, ..login("many", None) });
        assert_eq!(answer.code, 0, "{answer:?}");
        peer
    };
    let mut devices: Vec<Peer> = (0..limits::CONNECTIONS_PER_ACCOUNT_MAX).map(join).collect();
    for device in &mut devices {
        assert_eq!(device.pushes_so_far(), [], "all of them stay");
    }
    join(limits::CONNECTIONS_PER_ACCOUNT_MAX);
    let Push::Kicked(kicked) = devices[0].push() else { panic!("the oldest goes") };
    assert_eq!(kicked.reason(), pb::KickReason::SamePlatform);
    for device in &mut devices[1..] {
        assert_eq!(device.pushes_so_far(), [], "the others stay");
    }
}

// S002-036
#[test]
fn a_room_admits_so_many_messages_of_high_priority_in_a_second_and_sends_the_rest_as_ordinary_ones() {
    let node = LocalNode::start(|_| {});
    let mut stage = Stage::new(&node, 0);
    let mut granted_ms: Vec<i64> = Vec::new();
    let mut ordinary = 0;
    for number in 0..3 * limits::HIGH_PRIORITY_PER_SECOND {
        let message = ask::text(stage.room, &format!("m{number}"), "words");
        let request = ask::send(pb::MessageSendRequest { high_priority: true, ..message });
        let Response::MessageSend(sent) = stage.owner.done(request) else { panic!("a send is answered so") };
        // The rule of chatroom.md §e.3, by the times the answers name.
        let recent = granted_ms.iter().filter(|granted| sent.time_ms - **granted < 1000).count();
        assert_eq!(sent.high_priority, recent < 10, "message {number}, after {recent} in the second before it");
        if sent.high_priority {
            granted_ms.push(sent.time_ms);
        } else {
            ordinary += 1;
        }
    }
    assert!(ordinary > 0, "thirty in a row took seconds");
}
