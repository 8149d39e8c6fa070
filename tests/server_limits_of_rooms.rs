//! The limits of chatroom.md §i that rooms have, each at the limit and one beyond it, over the wire.
//!
//! A limit in characters is tried with characters of two bytes, so that one that counts bytes is found out; a limit in bytes
//! with characters of one.
#![cfg(feature = "server")]

mod support;

use chatroom::error::Code;
use chatroom::limits;
use chatroom::wire::pb::{self, MessageType, RoleChange};
use chatroom::wire::{Push, Request, Response};
use support::ask::{self, Came};
use support::local::anonymous;
use support::peer::login;
use support::{LocalNode, Peer};

/// A room and its creator, to try one limit in.
struct Stage<'a> {
    node: &'a LocalNode,
    room: i64,
    owner: Peer,
    number: usize,
}

impl<'a> Stage<'a> {
    fn new(node: &'a LocalNode, number: usize) -> Stage<'a> {
        let name = format!("owner{number}");
        node.create_account(&name);
        let room = node.create_room(&name);
        Stage { node, room, owner: node.join(&name, room), number }
    }

    fn named(&self, what: &str) -> String {
        format!("{what}{}", self.number)
    }

    /// Somebody else, who is in the room.
    fn guest(&self) -> (String, Peer) {
        let name = self.named("guest");
        let peer = self.node.join(&name, self.room);
        (name, peer)
    }

    fn send(&mut self, adjust: impl FnOnce(&mut pb::MessageSendRequest)) -> Came {
        let mut message = ask::text(self.room, "id", "words");
        adjust(&mut message);
        self.owner.came(ask::send(message))
    }

    fn update(&mut self, adjust: impl FnOnce(&mut pb::RoomUpdateRequest)) -> Came {
        let mut update = pb::RoomUpdateRequest { room_id: self.room, ..Default::default() };
        adjust(&mut update);
        self.owner.came(Request::RoomUpdate(Box::new(update)))
    }

    fn update_self(&mut self, adjust: impl FnOnce(&mut pb::MemberUpdateSelfRequest)) -> Came {
        let mut update = pb::MemberUpdateSelfRequest { room_id: self.room, ..Default::default() };
        adjust(&mut update);
        self.owner.came(Request::MemberUpdateSelf(Box::new(update)))
    }

    /// What a login that enters comes to.
    fn enter(&self, adjust: impl FnOnce(&mut pb::LoginRequest, &mut pb::RoomEnterRequest)) -> Came {
        let mut enter = pb::RoomEnterRequest { room_id: self.room, nick: "somebody".into(), ..Default::default() };
        let mut request = login(&self.named("newcomer"), None);
        adjust(&mut request, &mut enter);
        let (_, answer) = self.node.log_in(pb::LoginRequest { enter: Some(enter), ..request });
        ask::came(&Response::Login(Box::new(answer)))
    }
}

/// So many characters, of two bytes each.
fn chars(count: usize) -> String {
    "ä".repeat(count)
}

/// So many bytes of text.
fn bytes(count: usize) -> String {
    "a".repeat(count)
}

fn raw(text: String) -> bytes::Bytes {
    text.into_bytes().into()
}

/// A limit: what it is called, its value, and what using `n` of it comes to.
struct Limit {
    name: &'static str,
    value: usize,
    /// What one more than the limit comes to.
    beyond: Code,
    tried: fn(&mut Stage<'_>, usize) -> Came,
}

const fn limit(name: &'static str, value: usize, tried: fn(&mut Stage<'_>, usize) -> Came) -> Limit {
    Limit { name, value, beyond: Code::BadParameter, tried }
}

const fn quota(name: &'static str, value: usize, tried: fn(&mut Stage<'_>, usize) -> Came) -> Limit {
    Limit { name, value, beyond: Code::OverQuota, tried }
}

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
            message.moderation = Some(pb::Moderation { antispam: true, antispam_custom: chars(n), ..Default::default() });
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
    quota("elements of a queue never initialised", limits::QUEUE_SIZE_MAX as usize, |stage, n| fill_queue(stage, n)),
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
    let node = LocalNode::start(|_| {});
    let mut wrong = Vec::new();
    for (number, limit) in LIMITS.iter().enumerate() {
        let at = (limit.tried)(&mut Stage::new(&node, 2 * number), limit.value);
        let beyond = (limit.tried)(&mut Stage::new(&node, 2 * number + 1), limit.value + 1);
        if at != ask::OK || beyond.0 != limit.beyond.number() {
            wrong.push(format!("{}: {} comes to {at:?}, one more to {beyond:?}", limit.name, limit.value));
        }
    }
    println!("{} limits tried at their value and one beyond", LIMITS.len());
    assert!(wrong.is_empty(), "{} limits are wrong:\n{}", wrong.len(), wrong.join("\n"));
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
