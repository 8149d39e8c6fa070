//! Calls about tags, whole answers: rest-api.md §4.8, §4.20-§4.22, §5.

use crate::support::Peer;
use crate::support::peer::login;
use crate::world::{World, take};
use chatroom::wire::Push;
use chatroom::wire::pb::NotificationType;
use serde_json::{Value, json};

/// A member with tags; each of its devices has a name of its own.
fn join(world: &World, account: &str, device: &str, tags: &[&str]) -> Peer {
    let mut request = login(account, Some(world.room));
    request.device_id = device.into();
    request.enter.as_mut().unwrap().tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    let (peer, answer) = Peer::log_in(&world.server, request);
    assert_eq!(answer.code, 0, "{}", answer.desc);
    peer
}

fn messages(peer: &mut Peer) -> Vec<String> {
    let heard = peer.pushes_so_far().into_iter();
    heard.filter_map(|push| if let Push::Message(message) = push { Some(message.message_id) } else { None }).collect()
}

#[test]
fn an_expression_says_who_hears_a_message() {
    // S002-039, S002-049
    let world = World::new();
    let (mut both, mut one) = (join(&world, "bob", "b", &["abc", "def"]), join(&world, "carol", "c", &["abc"]));
    let send = |id: &str, tags: &str| {
        let text = [("msgId", id), ("fromAccid", "alice"), ("msgType", "0"), ("attach", "hi"), ("notifyTargetTags", tags)];
        world.code("sendMsg", &text)
    };
    assert_eq!(send("m1", r#"{"tag": "abc"} and {"tag": "def"}"#), 200);
    assert_eq!(send("m2", r#"{"tag":"abc"}"#), 200);
    assert_eq!(send("m3", ""), 200);
    assert_eq!(messages(&mut both), ["m1", "m2", "m3"]);
    assert_eq!(messages(&mut one), ["m2", "m3"]);
    for tags in [r#"{"tag":"abc"} and"#, "abc", &format!(r#"{{"tag":"{}"}}"#, "a".repeat(128))] {
        assert_eq!(send("m4", tags), 414, "{tags}");
    }
}

#[test]
fn a_tag_is_muted_for_a_time_and_lifted() {
    // S002-027, S002-045
    let world = World::new();
    let (mut bob, mut carol) = (join(&world, "bob", "b", &["abc"]), join(&world, "carol", "c", &[]));
    let by = |operator, tag, seconds| [("operator", operator), ("targetTag", tag), ("muteDuration", seconds)];
    let seconds = |number: u32| json!({ "code": 200, "desc": { "muteDuration": number } });
    world.expect("tagTemporaryMute", &by("alice", "abc", "0"), seconds(0));
    world.expect("tagTemporaryMute", &[&by("alice", "abc", "1000")[..], &[("notifyExt", "why")]].concat(), seconds(1000));
    let heard = bob.notification();
    assert_eq!((heard.r#type, heard.ext.as_str()), (NotificationType::TagTempMuteAdd as i32, "why"));
    assert!(carol.pushes_so_far().is_empty(), "those without the tag hear nothing");
    assert_eq!(bob.send_text(world.room, "m1", "hear me").code, 13004);
    let mut lifted = world.room("tagTemporaryMute", &[&by("alice", "abc", "0")[..], &[("needNotify", "false")]].concat());
    let left = take(&mut lifted["desc"], "muteDuration").as_i64().unwrap();
    assert!((980..=1000).contains(&left) && lifted == json!({ "code": 200, "desc": {} }), "{left} {lifted}");
    assert!(bob.pushes_so_far().is_empty());
    assert_eq!(bob.send_text(world.room, "m2", "hear me").code, 0);
    world.refused(403, "tagTemporaryMute", &by("bob", "abc", "5"));
    let long = "é".repeat(33);
    for parameters in [by("alice", "", "5"), by("alice", &long, "5"), by("alice", "abc", "-1"), by("alice", "abc", "2592001")] {
        world.refused(414, "tagTemporaryMute", &parameters);
    }
    world.room("toggleCloseStat", &[("operator", "alice"), ("valid", "false")]);
    assert_eq!(world.refused(403, "tagTemporaryMute", &by("alice", "abc", "5"))["sub_code"], 113406);
}

#[test]
fn members_with_a_tag_are_counted_once_and_listed_by_connection() {
    // S002-028, S002-029
    let world = World::new();
    let _first = join(&world, "bob", "one", &["abc"]);
    let _second = join(&world, "bob", "two", &["abc", "def"]);
    let _third = join(&world, "carol", "c", &["def"]);
    let count = |tag: &str, number: u32| json!({ "code": 200, "data": { "tag": tag, "onlineUserCount": number } });
    world.expect("tagMembersCount", &[("tag", "abc")], count("abc", 1));
    world.expect("tagMembersCount", &[("tag", "def")], count("def", 2));
    world.expect("tagMembersCount", &[("tag", "none")], count("none", 0));
    world.refused(414, "tagMembersCount", &[]);

    let query = [("tag", "abc"), ("endTime", "0"), ("limit", "100")];
    let mut answer = world.room("tagMembersQuery", &query);
    let mut data = take(&mut answer["desc"], "data");
    assert_eq!(answer, json!({ "code": 200, "desc": {} }));
    let mut times = Vec::new();
    for member in data.as_array_mut().unwrap() {
        let entered = take(member, "enterTime");
        assert_eq!(take(member, "joinTime"), entered);
        times.push(entered.as_str().expect("here a time is a text").parse::<i64>().unwrap());
    }
    assert!(times[0] > times[1] && times[1] > 1_700_000_000_000, "{times:?}");
    let object = |tags: &str, target: &str| {
        json!({
            "roomid": world.room, "accid": "bob", "nick": "Bob", "avator": "", "ext": "", "type": "TEMPORARY",
            "level": 0, "onlineStat": true, "tags": tags, "notifyTargetTags": target,
        })
    };
    data.as_array_mut().unwrap().sort_by_key(|member| member["tags"].as_str().unwrap().len());
    assert_eq!(data, Value::from(vec![object("abc", ""), object(r#"["abc","def"]"#, "")]));
    for parameters in [
        [("tag", "abc"), ("endTime", "0"), ("limit", "101")],
        [("tag", "abc"), ("endTime", "0"), ("limit", "0")],
        [("tag", "abc"), ("endTime", "x"), ("limit", "5")],
        [("tag", ""), ("endTime", "0"), ("limit", "5")],
    ] {
        world.refused(414, "tagMembersQuery", &parameters);
    }
}

#[test]
fn the_tags_of_a_member_are_changed_on_all_its_connections() {
    let world = World::new();
    let mut first = join(&world, "bob", "one", &["abc"]);
    let _second = join(&world, "bob", "two", &[]);
    let mut carol = join(&world, "carol", "c", &[]);
    fn change<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        [&[("accid", "bob")], more].concat()
    }
    world.done("updateChatRoomRoleTag", &change(&[("tags", r#"["x","y"]"#)]));
    let heard = first.notification();
    assert_eq!(heard.r#type, NotificationType::TagsUpdated as i32);
    assert_eq!(heard.tags_updated.unwrap().tags, ["x", "y"]);
    assert_eq!(carol.notification().r#type, NotificationType::TagsUpdated as i32);
    assert!(carol.pushes_so_far().is_empty(), "the room hears of it once");
    let listed = world.room("tagMembersQuery", &[("tag", "x"), ("endTime", "0"), ("limit", "5")]);
    assert_eq!(listed["desc"]["data"].as_array().unwrap().len(), 2);
    world.done("updateChatRoomRoleTag", &change(&[("tags", r#"["x","y"]"#)]));
    world.done("updateChatRoomRoleTag", &change(&[("tags", "[]"), ("notifyTargetTags", "")]));
    assert_eq!(world.room("tagMembersCount", &[("tag", "x")])["data"]["onlineUserCount"], 0);
    for more in [&[][..], &[("tags", "x")], &[("tags", r#"[""]"#)], &[("notifyTargetTags", "x")]] {
        world.refused(414, "updateChatRoomRoleTag", &change(more));
    }
    // Of an account without a connection here there is nothing to change.
    for accid in ["alice", "nobody"] {
        world.done("updateChatRoomRoleTag", &[("accid", accid), ("tags", r#"["x"]"#)]);
    }
    assert_eq!(world.room("tagMembersCount", &[("tag", "x")])["data"]["onlineUserCount"], 0);
}
