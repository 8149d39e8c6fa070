//! The first of several things wrong is the one told, in the order of chatroom.md §c.0: parameters, the room, whether it is open,
//! whether the caller is in it, the caller's restrictions and role, the target, mutes, the state.

use crate::support::ask;
use crate::support::{LocalNode, Peer};
use chatroom::limits;
use chatroom::wire::Request;
use chatroom::wire::pb::{self, RoleChange};

/// A command, as it should be and, where it has a parameter that may be wrong, with a wrong one.
struct Command {
    name: &'static str,
    good: fn(i64) -> Request,
    bad: Option<fn(i64) -> Request>,
}

const fn command(name: &'static str, good: fn(i64) -> Request, bad: fn(i64) -> Request) -> Command {
    Command { name, good, bad: Some(bad) }
}

const fn plain(name: &'static str, good: fn(i64) -> Request) -> Command {
    Command { name, good, bad: None }
}

/// Longer than any `notify_ext` may be.
fn long() -> String {
    "x".repeat(limits::NOTIFY_EXT_CHARS_MAX + 1)
}

const COMMANDS: &[Command] = &[
    command("enter", ask::enter, |room| {
        Request::RoomEnter(Box::new(pb::RoomEnterRequest { room_id: room, enter_ext: long(), ..Default::default() }))
    }),
    plain("exit", ask::exit),
    plain("info", ask::info),
    command(
        "update",
        |room| ask::update_ext(room, "x"),
        |room| Request::RoomUpdate(Box::new(pb::RoomUpdateRequest { room_id: room, ..Default::default() })),
    ),
    command("close", ask::close, |room| Request::RoomClose(pb::RoomCloseRequest { room_id: room, notify_ext: long() })),
    command(
        "mute room",
        |room| ask::mute_room(room, true),
        |room| Request::RoomMute(pb::RoomMuteRequest { room_id: room, notify_ext: long(), ..Default::default() }),
    ),
    command("list", |room| list(room, 100), |room| list(room, 101)),
    command("look up", |room| look_up(room, 20), |room| look_up(room, 21)),
    command("list by tag", |room| list_by_tag(room, "tag"), |room| list_by_tag(room, "")),
    command("count by tag", |room| count_by_tag(room, "tag"), |room| count_by_tag(room, "")),
    command(
        "set role",
        |room| ask::set_role(room, "known", RoleChange::Common, true),
        |room| ask::set_role(room, "known", RoleChange::Unspecified, true),
    ),
    command("kick", |room| ask::kick(room, "known"), |room| ask::kick(room, "")),
    command(
        "temporary mute",
        |room| ask::temp_mute(room, "known", 1),
        |room| ask::temp_mute(room, "known", limits::TEMP_MUTE_SECONDS_MAX + 1),
    ),
    command("tag mute", |room| ask::tag_temp_mute(room, "tag", 1), |room| ask::tag_temp_mute(room, "", 1)),
    command(
        "update self",
        |room| ask::update_nick(room, "x"),
        |room| Request::MemberUpdateSelf(Box::new(pb::MemberUpdateSelfRequest { room_id: room, ..Default::default() })),
    ),
    command("update tags", |room| ask::update_tags(room, &["x"]), |room| ask::update_tags(room, &[""])),
    command("update location", |room| ask::update_location(room, 1.0, 1.0), |room| ask::update_location(room, f64::NAN, 1.0)),
    command("send", |room| ask::send(ask::text(room, "id", "words")), |room| ask::send(ask::text(room, "id", ""))),
    command("history", |room| history(room, 100), |room| history(room, 101)),
    command("history by tags", |room| history_by_tags(room, &["tag"]), |room| history_by_tags(room, &[])),
    command("recall", |room| ask::recall(room, "id", "known", 1), |room| ask::recall(room, "", "known", 1)),
    command("init queue", |room| init(room, 1000), |room| init(room, 1001)),
    command("offer", |room| ask::offer(room, "key", "value"), |room| ask::offer(room, "", "value")),
    command(
        "batch offer",
        |room| ask::batch_offer(room, vec![ask::element("k", "v")], ""),
        |room| ask::batch_offer(room, vec![], ""),
    ),
    command("poll", |room| ask::poll(room, "key"), |room| ask::poll(room, &"k".repeat(limits::QUEUE_KEY_BYTES_MAX + 1))),
    command("change", |room| ask::change(room, vec![ask::element("k", "v")], ""), |room| ask::change(room, vec![], "")),
    plain("list queue", |room| Request::QueueList(pb::QueueListRequest { room_id: room, ..Default::default() })),
    plain("peek", |room| Request::QueuePeek(pb::QueuePeekRequest { room_id: room })),
    command("multi-get", |room| multi_get(room, 1), |room| multi_get(room, limits::QUEUE_BATCH_MAX + 1)),
    plain("drop queue", |room| Request::QueueDrop(pb::QueueDropRequest { room_id: room })),
    command("set attributes", |room| ask::set_attributes(room, &[("k", "v")]), |room| ask::set_attributes(room, &[])),
    command(
        "delete attributes",
        |room| ask::delete_attributes(room, &["k"], false),
        |room| ask::delete_attributes(room, &[], false),
    ),
    command("batch of attributes", |room| batch(room, 1), |room| batch(room, 0)),
    plain("list attributes", |room| Request::AttributesList(pb::AttributesListRequest { room_id: room })),
    command(
        "set attributes of members",
        |room| ask::set_member_attributes(room, &["known"], &[("k", "v")]),
        |room| ask::set_member_attributes(room, &[], &[("k", "v")]),
    ),
    command("attributes of members by name", |room| attributes_of(room, 1), |room| attributes_of(room, 101)),
    command("attributes of members by page", |room| attributes_by_page(room, 100), |room| attributes_by_page(room, 101)),
];

fn list(room: i64, limit: u32) -> Request {
    Request::MemberList(pb::MemberListRequest { room_id: room, limit, ..Default::default() })
}

fn look_up(room: i64, count: usize) -> Request {
    Request::MemberLookup(pb::MemberLookupRequest { room_id: room, accounts: vec!["known".into(); count] })
}

fn list_by_tag(room: i64, tag: &str) -> Request {
    Request::MemberListByTag(pb::MemberListByTagRequest { room_id: room, tag: tag.into(), ..Default::default() })
}

fn count_by_tag(room: i64, tag: &str) -> Request {
    Request::MemberCountByTag(pb::MemberCountByTagRequest { room_id: room, tag: tag.into() })
}

fn history(room: i64, limit: u32) -> Request {
    Request::MessageHistory(pb::MessageHistoryRequest { room_id: room, limit, ..Default::default() })
}

fn history_by_tags(room: i64, tags: &[&str]) -> Request {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    Request::MessageHistoryByTags(pb::MessageHistoryByTagsRequest { room_id: room, tags, ..Default::default() })
}

fn init(room: i64, size: u32) -> Request {
    Request::QueueInit(pb::QueueInitRequest { room_id: room, size_limit: Some(size) })
}

fn multi_get(room: i64, count: usize) -> Request {
    Request::QueueMultiGet(pb::QueueMultiGetRequest { room_id: room, keys: vec!["key".into(); count] })
}

fn batch(room: i64, count: usize) -> Request {
    let operation = pb::AttributesOperation { set: ask::map(&[("k", "v")]), ..Default::default() };
    let operations = vec![operation; count];
    Request::AttributesBatch(pb::AttributesBatchRequest { room_id: room, operations, ..Default::default() })
}

fn attributes_of(room: i64, count: usize) -> Request {
    let accounts = (0..count).map(|number| format!("member{number}")).collect();
    Request::MemberAttributesLookup(pb::MemberAttributesLookupRequest { room_id: room, accounts })
}

fn attributes_by_page(room: i64, limit: u32) -> Request {
    Request::MemberAttributesList(pb::MemberAttributesListRequest { room_id: room, limit, ..Default::default() })
}

#[test]
fn parameters_come_before_the_room_its_state_and_the_caller_s_place() {
    let node = LocalNode::start(|_| {});
    node.create_account("owner");
    node.create_account("known");
    let (open, closed) = (node.create_room("owner"), node.create_room("owner"));
    let _owner = node.join("owner", open);
    node.join("owner", closed).done(ask::close(closed));
    let missing = closed + 1000;
    let mut outsider = node.log_in_only("outsider");
    let mut wrong = Vec::new();
    for command in COMMANDS {
        let mut check = |what: &str, request: Request, expected: (i32, i32)| {
            let found = outsider.came(request);
            // Of a wrong parameter the sub code says which kind, for attributes; the code says that it is wrong.
            if found.0 != expected.0 || (expected.0 != 414 && found != expected) {
                wrong.push(format!("{} {what}: {found:?}, not {expected:?}", command.name));
            }
        };
        if let Some(bad) = command.bad {
            check("wrongly, in a room that is missing", bad(missing), (414, 0));
            check("wrongly, in a room that is closed", bad(closed), (414, 0));
            check("wrongly, from outside", bad(open), (414, 0));
        }
        check("in a room that is missing", (command.good)(missing), (404, 113404));
        check("in a room that is closed", (command.good)(closed), (13002, 113406));
        if command.name != "enter" {
            check("from outside", (command.good)(open), (403, 6000321));
        }
    }
    println!("{} commands asked in the wrong place", COMMANDS.len());
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Somebody who may manage nothing, and the room's creator.
fn scene(node: &LocalNode) -> (i64, Peer, Peer) {
    node.create_account("owner");
    let room = node.create_room("owner");
    (room, node.join("owner", room), node.join("guest", room))
}

#[test]
fn the_role_comes_before_the_target_and_the_target_before_the_state() {
    let node = LocalNode::start(|_| {});
    let (room, mut owner, mut guest) = scene(&node);
    let _chief = node.join("chief", room);
    owner.done(ask::set_role(room, "chief", RoleChange::Administrator, true));
    // A visitor who would mute the creator is told of its role, an administrator of the target.
    assert_eq!(guest.came(ask::temp_mute(room, "owner", 60)), (403, 114432));
    assert_eq!(guest.came(ask::kick(room, "guest")), (403, 114432), "its role comes before that it is itself the target");
    owner.done(ask::set_role(room, "guest", RoleChange::Administrator, true));
    assert_eq!(guest.came(ask::temp_mute(room, "owner", 60)), (403, 0));
    // Who is protected is protected, whether or not there would be anything to change.
    assert_eq!(guest.came(ask::set_role(room, "owner", RoleChange::Mute, false)), (403, 0));
    assert_eq!(guest.came(ask::temp_mute(room, "chief", 0)), (403, 114427));
    assert_eq!(owner.came(ask::temp_mute(room, "chief", 0)), (417, 114405), "then what there is to change");
}

#[test]
fn mutes_are_told_from_the_widest_to_the_narrowest() {
    let node = LocalNode::start(|_| {});
    node.create_account("owner");
    let room = node.create_room("owner");
    let mut owner = node.join("owner", room);
    let enter = pb::RoomEnterRequest { room_id: room, tags: vec!["loud".into()], ..Default::default() };
    node.change_account("silenced", |account| account.muted = true);
    let mut silenced = node.join_with("silenced", enter.clone());
    let mut guest = node.join_with("guest", enter);
    owner.done(ask::mute_room(room, true));
    owner.done(ask::tag_temp_mute(room, "loud", 600));
    for name in ["guest", "silenced"] {
        owner.done(ask::temp_mute(room, name, 600));
        owner.done(ask::set_role(room, name, RoleChange::Mute, true));
    }
    let send = || ask::send(ask::text(room, "id", "words"));
    assert_eq!(silenced.came(send()), (423, 102421), "everywhere");
    assert_eq!(guest.came(send()), (13004, 114421), "in this room, for good");
    owner.done(ask::set_role(room, "guest", RoleChange::Mute, false));
    assert_eq!(guest.came(send()), (13004, 113301), "for a time");
    owner.done(ask::temp_mute(room, "guest", 0));
    assert_eq!(guest.came(send()), (13004, 113302), "by its tag");
    owner.done(ask::tag_temp_mute(room, "loud", 0));
    assert_eq!(guest.came(send()), (13006, 113423), "with everybody");
    owner.done(ask::mute_room(room, false));
    assert_eq!(guest.came(send()), ask::OK);
}
