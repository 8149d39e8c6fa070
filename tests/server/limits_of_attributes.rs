//! The limits of chatroom.md §i on tags, attributes and rooms made by clients, each at the limit and one beyond it, over the wire.

use std::collections::BTreeMap;

use crate::bounds::{Limit, Stage, bytes, chars, limit, quota, try_all};
use crate::support::ask::{self, Came};
use crate::support::{LocalNode, Peer};
use chatroom::limits;
use chatroom::wire::pb::{self, KickReason};
use chatroom::wire::{Push, Request, Response};

/// So many pairs of a key and a value of these lengths.
fn pairs(count: usize, key_bytes: usize, value_bytes: usize) -> BTreeMap<String, String> {
    let key = |number: usize| format!("{number:0key_bytes$}");
    (0..count).map(|number| (key(number), bytes(value_bytes))).collect()
}

fn set(stage: &mut Stage<'_>, attributes: BTreeMap<String, String>) -> Came {
    let request = pb::AttributesSetRequest { room_id: stage.room, attributes, ..Default::default() };
    stage.owner.came(Request::AttributesSet(request))
}

fn set_of_member(stage: &mut Stage<'_>, attributes: BTreeMap<String, String>) -> Came {
    let accounts = vec![stage.named("owner")];
    let request = pb::MemberAttributesSetRequest { room_id: stage.room, accounts, attributes, ..Default::default() };
    stage.owner.came(Request::MemberAttributesSet(Box::new(request)))
}

fn create(adjust: impl FnOnce(&mut pb::RoomCreateRequest), alias: String) -> Request {
    let mut request = pb::RoomCreateRequest { alias, ..Default::default() };
    adjust(&mut request);
    Request::RoomCreate(Box::new(request))
}

/// A name for a room made by a client that nobody else has.
fn alias(stage: &Stage<'_>) -> String {
    stage.named("lobby")
}

/// Makes a room as a client does, and gives its number.
fn made(peer: &mut Peer, alias: &str) -> i64 {
    match peer.done(create(|_| {}, alias.into())) {
        Response::RoomCreate(made) => made.room.expect("a room that is made describes itself").room_id,
        other => panic!("making a room was answered with {other:?}"),
    }
}

fn update_tags(stage: &mut Stage<'_>, tags: Vec<String>, expression: Option<String>, notify_ext: String) -> Came {
    let request = pb::MemberUpdateTagsRequest {
        room_id: stage.room,
        set_tags: !tags.is_empty(),
        tags,
        notify_target_tags: expression,
        notify: true,
        notify_ext,
    };
    stage.owner.came(Request::MemberUpdateTags(Box::new(request)))
}

/// A tag expression of so many characters.
fn expression(count: usize) -> String {
    let (head, tail) = ("{\"tag\":\"a\"}", " or {\"tag\":\"b\"}");
    format!("{head}{}{tail}", " ".repeat(count - head.len() - tail.len()))
}

const LIMITS: &[Limit] = &[
    limit("tags of a connection", limits::TAGS_MAX, |stage, n| {
        let tags = (0..n).map(|number| format!("tag{number}")).collect();
        update_tags(stage, tags, None, String::new())
    }),
    limit("tag", limits::TAG_CHARS_MAX, |stage, n| update_tags(stage, vec![chars(n)], None, String::new())),
    limit("tags at entry", limits::TAGS_MAX, |stage, n| {
        stage.enter(|_, enter| enter.tags = (0..n).map(|number| format!("tag{number}")).collect())
    }),
    limit("tag at entry", limits::TAG_CHARS_MAX, |stage, n| stage.enter(|_, enter| enter.tags = vec![chars(n)])),
    limit("expression at entry", limits::EXPRESSION_CHARS_MAX, |stage, n| {
        stage.enter(|_, enter| enter.notify_target_tags = Some(expression(n)))
    }),
    limit("expression of new tags", limits::EXPRESSION_CHARS_MAX, |stage, n| {
        update_tags(stage, vec![], Some(expression(n)), String::new())
    }),
    limit("expression of a message", limits::EXPRESSION_CHARS_MAX, |stage, n| {
        stage.send(|message| message.notify_target_tags = Some(expression(n)))
    }),
    limit("parentheses of an expression", 8, |stage, n| {
        let expression = format!("{}{{tag:\"a\"}}{}", "(".repeat(n), ")".repeat(n));
        stage.send(|message| message.notify_target_tags = Some(expression))
    }),
    limit("notifyExt of new tags", limits::NOTIFY_EXT_CHARS_MAX, |stage, n| {
        update_tags(stage, vec!["tag".into()], None, chars(n))
    }),
    limit("tag of a tag mute", limits::TAG_CHARS_MAX, |stage, n| {
        stage.owner.came(ask::tag_temp_mute(stage.room, &chars(n), 60))
    }),
    limit("seconds of a tag mute", limits::TEMP_MUTE_SECONDS_MAX as usize, |stage, n| {
        stage.owner.came(ask::tag_temp_mute(stage.room, "tag", n as u32))
    }),
    limit("notifyExt of a tag mute", limits::NOTIFY_EXT_CHARS_MAX, |stage, n| {
        let notify_ext = chars(n);
        let request = pb::MemberTagTempMuteRequest {
            room_id: stage.room,
            tag: "tag".into(),
            seconds: 60,
            notify_ext,
            ..Default::default()
        };
        stage.owner.came(Request::MemberTagTempMute(request))
    }),
    limit("members of a page by tag", limits::PAGE_MAX as usize, |stage, n| {
        let (room_id, tag, limit) = (stage.room, "tag".into(), n as u32);
        stage.owner.came(Request::MemberListByTag(pb::MemberListByTagRequest {
            room_id,
            tag,
            limit,
            time_ms: 0,
            ..Default::default()
        }))
    }),
    limit("tags of a history by tags", limits::TAGS_MAX, |stage, n| {
        let tags = (0..n).map(|number| format!("tag{number}")).collect();
        let request = pb::MessageHistoryByTagsRequest { room_id: stage.room, tags, ..Default::default() };
        stage.owner.came(Request::MessageHistoryByTags(request))
    }),
    limit("messages of a page by tags", limits::PAGE_MAX as usize, |stage, n| {
        let (room_id, tags, limit) = (stage.room, vec!["tag".into()], n as u32);
        let request = pb::MessageHistoryByTagsRequest { room_id, tags, limit, ..Default::default() };
        stage.owner.came(Request::MessageHistoryByTags(request))
    }),
    limit("notifyExt of a recall", limits::RECALL_EXT_CHARS_MAX, |stage, n| {
        let response = stage.owner.done(ask::send(ask::text(stage.room, "gone", "words")));
        let Response::MessageSend(sent) = response else { panic!("a send is answered so") };
        let request = pb::MessageRecallRequest {
            room_id: stage.room,
            message_id: "gone".into(),
            time_ms: sent.time_ms,
            from: stage.named("owner"),
            notify_ext: chars(n),
        };
        stage.owner.came(Request::MessageRecall(Box::new(request)))
    }),
    quota("attributes of a room", limits::ATTRIBUTES_MAX, |stage, n| set(stage, pairs(n, 4, 4))),
    quota("attributes of a room, one after the other", limits::ATTRIBUTES_MAX, |stage, n| {
        assert_eq!(set(stage, pairs(n - 1, 4, 4)), ask::OK);
        set(stage, ask::map(&[("last", "one")]))
    }),
    limit("key of an attribute", limits::ATTRIBUTE_KEY_BYTES_MAX, |stage, n| set(stage, pairs(1, n, 4))),
    limit("value of an attribute", limits::ATTRIBUTE_VALUE_BYTES_MAX, |stage, n| set(stage, pairs(1, 4, n))),
    quota("all attributes of a room", limits::ATTRIBUTES_BYTES_MAX, |stage, n| {
        // Five of 1024 bytes with their keys, and the rest in the last one's value.
        let mut attributes = pairs(5, 16, 1000);
        attributes.insert("rest".into(), bytes(n - 5 * 1016 - 4));
        set(stage, attributes)
    }),
    limit("operations of a batch", 50, |stage, n| {
        let operation = pb::AttributesOperation { set: ask::map(&[("key", "value")]), ..Default::default() };
        let request = pb::AttributesBatchRequest { room_id: stage.room, operations: vec![operation; n], ..Default::default() };
        stage.owner.came(Request::AttributesBatch(request))
    }),
    limit("attributes of a member", limits::MEMBER_ATTRIBUTES_MAX, |stage, n| set_of_member(stage, pairs(n, 2, 1))),
    limit("key of a member's attribute", limits::MEMBER_ATTRIBUTE_KEY_BYTES_MAX, |stage, n| {
        set_of_member(stage, pairs(1, n, 4))
    }),
    limit("value of a member's attribute", limits::MEMBER_ATTRIBUTE_VALUE_BYTES_MAX, |stage, n| {
        set_of_member(stage, pairs(1, 4, n))
    }),
    quota("all attributes of a member", limits::MEMBER_ATTRIBUTES_BYTES_MAX, |stage, n| {
        let mut attributes = pairs(2, 4, 60);
        attributes.insert("rest".into(), bytes(n - 2 * 64 - 4));
        set_of_member(stage, attributes)
    }),
    limit("accounts whose attributes are set", limits::MEMBER_ATTRIBUTES_ACCOUNTS_MAX, |stage, n| {
        let mut accounts: Vec<String> = (1..n).map(|number| format!("absent{number}")).collect();
        accounts.push(stage.named("owner"));
        let attributes = ask::map(&[("key", "value")]);
        let request = pb::MemberAttributesSetRequest { room_id: stage.room, accounts, attributes, ..Default::default() };
        stage.owner.came(Request::MemberAttributesSet(Box::new(request)))
    }),
    limit("accounts whose attributes are asked for", limits::MEMBER_ATTRIBUTES_ACCOUNTS_MAX, |stage, n| {
        let accounts = (0..n).map(|number| format!("absent{number}")).collect();
        let request = pb::MemberAttributesLookupRequest { room_id: stage.room, accounts };
        stage.owner.came(Request::MemberAttributesLookup(request))
    }),
    limit("members with attributes of a page", limits::PAGE_MAX as usize, |stage, n| {
        let request = pb::MemberAttributesListRequest { room_id: stage.room, limit: n as u32, ..Default::default() };
        stage.owner.came(Request::MemberAttributesList(request))
    }),
    quota("members with attributes", limits::MEMBERS_WITH_ATTRIBUTES_MAX, |stage, n| {
        let names: Vec<String> = (0..n).map(|number| format!("bearer{number}of{}", stage.room)).collect();
        let _bearers: Vec<Peer> = names.iter().map(|name| stage.node.join(name, stage.room)).collect();
        let mut last = ask::OK;
        for names in names.chunks(limits::MEMBER_ATTRIBUTES_ACCOUNTS_MAX) {
            let (accounts, attributes) = (names.to_vec(), ask::map(&[("k", "v")]));
            let request = pb::MemberAttributesSetRequest { room_id: stage.room, accounts, attributes, ..Default::default() };
            last = stage.owner.came(Request::MemberAttributesSet(Box::new(request)));
        }
        last
    }),
    Limit {
        name: "queries for attributes of members by name",
        value: 5,
        beyond: chatroom::error::Code::TooFrequent,
        tried: |stage, n| {
            let accounts = vec![stage.named("owner")];
            let request = Request::MemberAttributesLookup(pb::MemberAttributesLookupRequest { room_id: stage.room, accounts });
            (0..n).map(|_| stage.owner.came(request.clone())).last().expect("there is one at least")
        },
    },
    Limit {
        name: "queries for attributes of members by page",
        value: 5,
        beyond: chatroom::error::Code::TooFrequent,
        tried: |stage, n| {
            let request = pb::MemberAttributesListRequest { room_id: stage.room, ..Default::default() };
            let request = Request::MemberAttributesList(request);
            (0..n).map(|_| stage.owner.came(request.clone())).last().expect("there is one at least")
        },
    },
    limit("name of a room made by a client", limits::CLIENT_ROOM_NAME_BYTES_MAX, |stage, n| {
        let alias = alias(stage);
        stage.owner.came(create(|request| request.name = bytes(n), alias))
    }),
    limit("id of a room made by a client", limits::ALIAS_BYTES_MAX, |stage, n| {
        let alias = format!("{:0n$}", stage.room);
        stage.owner.came(create(|_| {}, alias))
    }),
    limit("delay until such a room ends", limits::DESTROY_DELAY_SECONDS_MAX as usize, |stage, n| {
        let alias = alias(stage);
        stage.owner.came(create(|request| request.destroy_delay_seconds = n as u32, alias))
    }),
    quota("attributes a room is made with", limits::ATTRIBUTES_MAX, |stage, n| {
        let alias = alias(stage);
        stage.owner.came(create(|request| request.attributes = pairs(n, 4, 4), alias))
    }),
    limit("members looked up in such a room", limits::CLIENT_ROOM_LOOKUP_MAX, |stage, n| {
        let alias = alias(stage);
        let room_id = made(&mut stage.owner, &alias);
        let accounts = (0..n).map(|number| format!("member{number}")).collect();
        stage.owner.came(Request::MemberLookup(pb::MemberLookupRequest { room_id, accounts }))
    }),
    quota("rooms made by clients of an account", limits::CLIENT_ROOMS_PER_ACCOUNT_MAX, |stage, n| {
        let alias = alias(stage);
        let make = |number: usize| create(|_| {}, format!("{alias}-{number}"));
        (0..n).map(|number| stage.owner.came(make(number))).last().expect("there is one at least")
    }),
];

// S000-007, S004-142, S004-143, S004-146, S004-150, S004-151, S004-152, S004-154
#[test]
fn each_limit_admits_its_value_and_refuses_one_more() {
    crate::support::raise_open_files(4096);
    try_all(&LocalNode::start(|_| {}), LIMITS);
}

#[test]
fn the_limits_have_the_values_of_the_specification() {
    // The numbers as chatroom.md §a.9, §a.10 and §i have them.
    let expected = [
        ("tags of a connection", 10),
        ("tag", 32),
        ("expression of a message", 128),
        ("seconds of a tag mute", 2_592_000),
        ("notifyExt of a recall", 1024),
        ("attributes of a room", 20),
        ("key of an attribute", 16),
        ("value of an attribute", 1024),
        ("all attributes of a room", 5120),
        ("attributes of a member", 30),
        ("key of a member's attribute", 8),
        ("value of a member's attribute", 64),
        ("all attributes of a member", 144),
        ("members with attributes", 500),
        ("accounts whose attributes are asked for", 100),
        ("queries for attributes of members by name", 5),
        ("id of a room made by a client", 32),
        ("name of a room made by a client", 64),
        ("delay until such a room ends", 3600),
        ("members looked up in such a room", 10),
        ("rooms made by clients of an account", 5),
    ];
    for (name, value) in expected {
        let found = LIMITS.iter().find(|limit| limit.name == name).unwrap_or_else(|| panic!("{name} is not tried"));
        assert_eq!(found.value, value, "{name}");
    }
}

// S003-014
#[test]
fn one_room_more_than_an_account_may_be_in_takes_the_place_of_the_one_entered_first() {
    let node = LocalNode::start(|_| {});
    node.create_account("owner");
    let rooms: Vec<i64> = (0..=limits::ROOMS_PER_ACCOUNT_MAX).map(|_| node.create_room("owner")).collect();
    let mut guest = node.log_in_only("guest");
    for room in &rooms[..limits::ROOMS_PER_ACCOUNT_MAX] {
        guest.done(ask::enter(*room));
    }
    assert_eq!(guest.pushes_so_far(), [], "so many it may be in");
    guest.done(ask::enter(rooms[limits::ROOMS_PER_ACCOUNT_MAX]));
    let Push::Kicked(kicked) = guest.push() else { panic!("the first one is left") };
    assert_eq!((kicked.room_id, kicked.reason(), kicked.may_reconnect), (rooms[0], KickReason::Silent, false));
    assert_eq!(guest.came(ask::info(rooms[0])), (403, 6000321));
    for room in &rooms[1..] {
        assert_eq!(guest.came(ask::info(*room)), ask::OK, "room {room} is still entered");
    }
}

// S004-142
#[test]
fn the_lists_of_a_room_made_by_a_client_show_the_first_members_and_no_more() {
    const MEMBERS: usize = limits::CLIENT_ROOM_LISTED_MAX + 10;
    crate::support::raise_open_files(4096);
    let node = LocalNode::start(|_| {});
    let mut owner = node.log_in_only("owner");
    let room = made(&mut owner, "crowded");
    let _members: Vec<Peer> = (1..MEMBERS)
        .map(|number| {
            let mut peer = node.log_in_only(&format!("member{number}"));
            let enter = pb::RoomEnterRequest { alias: "crowded".into(), ..Default::default() };
            peer.done(Request::RoomEnter(Box::new(enter)));
            peer
        })
        .collect();
    let (mut listed, mut time_ms) = (Vec::new(), 0);
    loop {
        let query = pb::MemberQuery::VisitorsOldest as i32;
        let request = pb::MemberListRequest { room_id: room, query, time_ms, limit: 100, ..Default::default() };
        let Response::MemberList(page) = owner.done(Request::MemberList(request)) else { panic!("a list is answered so") };
        time_ms = page.members.last().map_or(time_ms, |member| member.enter_time_ms);
        listed.extend(page.members.into_iter().map(|member| (member.enter_time_ms, member.account)));
        if !page.has_more {
            break;
        }
    }
    assert_eq!(listed.len(), 500);
    assert!(listed.is_sorted_by_key(|(entered_ms, _)| *entered_ms), "by the time they entered");
    assert!(listed.iter().any(|(_, account)| account == "owner"), "who came first is among them");
    let Response::RoomInfo(info) = owner.done(ask::info(room)) else { panic!("a room describes itself") };
    assert_eq!(info.room.map(|room| room.online_count), Some(MEMBERS as u64), "the count knows all of them");
}
