//! Calls that send messages, whole answers: rest-api.md §3, §4.8, §5.

use crate::world::{World, take};
use chatroom::wire::Push;
use serde_json::{Value, json};

/// A sent-message object without its time, which must be a quoted number.
fn timeless(mut object: Value) -> Value {
    let time = take(&mut object, "time");
    let time: i64 = time.as_str().unwrap_or_else(|| panic!("{time} is not a text")).parse().unwrap();
    assert!(time > 1_700_000_000_000);
    object
}

fn text<'a>(id: &'a str, attach: &'a str) -> [(&'a str, &'a str); 4] {
    [("msgId", id), ("fromAccid", "bob"), ("msgType", "0"), ("attach", attach)]
}

#[test]
fn a_message_is_delivered_and_answered_as_it_was_sent() {
    // S002-015, S002-030, S002-031
    let world = World::new();
    let mut carol = world.join("carol");
    let mut answer = world.room("sendMsg", &[&text("m-1", "hi")[..], &[("ext", "{}"), ("subType", "7")]].concat());
    let sent = timeless(take(&mut answer, "desc"));
    assert_eq!(answer, json!({ "code": 200 }));
    let room = world.room.to_string();
    let expected = |id: &str, kind: &str, attach: &str, ext: &str| {
        json!({
            "msgid_client": id, "roomId": room, "fromAccount": "bob", "fromNick": "Bob", "fromAvator": "",
            "fromClientType": "REST", "type": kind, "attach": attach, "ext": ext,
        })
    };
    assert_eq!(sent, expected("m-1", "0", "hi", "{}"));
    let heard = carol.message();
    assert_eq!((heard.from.as_str(), heard.from_client_type, heard.r#type, heard.sub_type), ("bob", 32, 0, 7));
    assert_eq!(heard.from_nick, "Bob", "who is not here shows its account's face");
    assert_eq!((&heard.body[..], &heard.attach[..], &heard.ext[..]), (&b"hi"[..], &b""[..], &b"{}"[..]));

    let place = r#"{"lng":8.5,"lat":47.4,"title":"here"}"#;
    for (kind, attach, is_body) in [
        ("0", r#"{"msg":"hi"}"#, true),
        ("1", "{}", false),
        ("2", "{}", false),
        ("3", "{}", false),
        ("4", place, false),
        ("6", "{}", false),
        ("10", "a tip", true),
        ("100", "anything", false),
    ] {
        let answer = world.room("sendMsg", &[("msgId", "m"), ("fromAccid", "bob"), ("msgType", kind), ("attach", attach)]);
        assert_eq!(timeless(answer["desc"].clone()), expected("m", kind, attach, ""), "{answer}");
        let heard = carol.message();
        let plain = if attach == r#"{"msg":"hi"}"# { "hi" } else { attach };
        let (body, rest) = if is_body { (plain, "") } else { ("", plain) };
        assert_eq!((&heard.body[..], &heard.attach[..]), (body.as_bytes(), rest.as_bytes()), "{kind}");
    }
    for kind in ["5", "11", "20", "7", "-1", "", "x"] {
        world.refused(414, "sendMsg", &[("msgId", "m"), ("fromAccid", "bob"), ("msgType", kind), ("attach", "{}")]);
    }
    for number in ["0", "-1", "x"] {
        world.refused(414, "sendMsg", &[&text("m", "hi")[..], &[("subType", number)]].concat());
    }
}

#[test]
fn a_member_sends_under_the_face_it_shows_in_the_room() {
    let world = World::new();
    let _bob = world.join("bob");
    world.done("updateMyRoomRole", &[("accid", "bob"), ("nick", "Bobby"), ("avator", "http://b")]);
    let mut carol = world.join("carol");
    let sent = &world.room("sendMsg", &text("m", "hi"))["desc"];
    let heard = carol.message();
    assert_eq!((heard.from_nick.as_str(), heard.from_avatar.as_str()), ("Bobby", "http://b"));
    assert_eq!((&sent["fromNick"], &sent["fromAvator"]), (&json!("Bobby"), &json!("http://b")));
}

#[test]
fn flags_of_a_message_do_what_they_say() {
    // S002-032, S002-034, S002-035, S002-038, S002-041
    let world = World::new();
    let mut carol = world.join("carol");
    let send = |more: &[(&str, &str)]| world.room("sendMsg", &[&text("again", "hi")[..], more].concat());
    let first = send(&[("resendFlag", "1")]);
    assert_eq!(send(&[("resendFlag", "1")]), first);
    assert_eq!(send(&[("resendFlag", "0")])["code"], 200);
    assert_eq!(send(&[("skipHistory", "1")])["code"], 200);
    let heard = carol.pushes_so_far().into_iter().filter(|push| matches!(push, Push::Message(_))).count();
    assert_eq!(heard, 3);
    assert_eq!(carol.whole_history(world.room).len(), 2);
    let kept = send(&[("abandonRatio", "0")]);
    assert!(kept["code"] == 200 && kept["desc"].get("msgAbandonFlag").is_none(), "{kept}");
    let dropped = (0..5).map(|_| send(&[("abandonRatio", "9999")])).filter(|answer| answer["desc"]["msgAbandonFlag"] == "1");
    assert!(dropped.count() >= 4);
    let long = |chars: usize| "é".repeat(chars);
    assert_eq!(world.room("sendMsg", &[&text("m", &long(4096))[..], &[("ext", &long(4096))]].concat())["code"], 200);
    world.refused(414, "sendMsg", &text("m", &long(4097)));
    for (name, value) in [
        ("ext", long(4097)),
        ("abandonRatio", "10000".into()),
        ("abandonRatio", "-1".into()),
        ("resendFlag", "2".into()),
        ("skipHistory", "x".into()),
        ("useYiDun", "x".into()),
        ("yidunAntiCheating", long(1025)),
        ("antispam", "yes".into()),
        ("antispamCustom", "{".into()),
        ("notifyTargetTags", long(129)),
        ("chatMsgPriority", "4".into()),
        ("locX", "north".into()),
        ("env", long(33)),
    ] {
        world.refused(414, "sendMsg", &[&text("m", "hi")[..], &[(name, &value)]].concat());
    }
    let custom = [("msgId", "m"), ("fromAccid", "bob"), ("msgType", "100"), ("attach", "{}"), ("antispam", "true")];
    assert_eq!(
        world.code("sendMsg", &[&custom[..], &[("antispamCustom", r#"{"type":1,"data":"text"}"#), ("useYidun", "0")]].concat()),
        200
    );
    world.refused(414, "sendMsg", &[&custom[..], &[("antispamCustom", &long(5001))]].concat());
    world.refused(414, "sendMsg", &text("", "hi"));
    world.refused(414, "sendMsg", &text(&long(65), "hi"));
}

#[test]
fn what_moderation_does_not_know_is_accepted_and_without_effect() {
    let world = World::new();
    let mut carol = world.join("carol");
    for (name, value) in [
        ("useYiDun", "1"),
        ("useYidun", "-7"),
        ("useYiDun", "123456789012345678901234567890"),
        ("antispam", "true"),
        ("antispamCustom", r#"{"type":9,"more":[1]}"#),
        ("antispamCustom", "null"),
    ] {
        assert_eq!(world.code("sendMsg", &[&text("m", "hi")[..], &[(name, value)]].concat()), 200, "{name}={value}");
        assert_eq!(carol.message().body, "hi");
    }
    let custom = [("msgId", "m"), ("fromAccid", "bob"), ("msgType", "100"), ("antispam", "true"), ("antispamCustom", "[]")];
    assert_eq!(world.code("sendMsg", &custom), 200);
}

#[test]
fn over_http_a_text_may_be_empty_and_media_and_places_hold_any_object() {
    let world = World::new();
    let mut carol = world.join("carol");
    for parameters in [&text("m", "")[..], &[("msgId", "m"), ("fromAccid", "bob"), ("msgType", "0")]] {
        assert_eq!(world.code("sendMsg", parameters), 200, "{parameters:?}");
        assert_eq!(carol.message().body, "");
    }
    for kind in ["1", "2", "3", "4", "6"] {
        let with = |attach| [("msgId", "m"), ("fromAccid", "bob"), ("msgType", kind), ("attach", attach)];
        for attach in ["{}", r#"{"lng":"far","lat":99}"#] {
            assert_eq!(world.code("sendMsg", &with(attach)), 200, "{kind} {attach}");
        }
        for attach in ["", "[]", "here", "null"] {
            let refused = world.refused(414, "sendMsg", &with(attach));
            assert_eq!(refused["desc"], "attach must be a JSON object", "{kind} {attach}");
        }
    }
}

#[test]
fn who_may_not_send_is_403_whatever_the_room_says() {
    // S002-015
    let world = World::new();
    let send = || text("m", "hi");
    let unknown = [("msgId", "m"), ("fromAccid", "nobody"), ("msgType", "0"), ("attach", "hi")];
    assert_eq!(world.refused(414, "sendMsg", &unknown)["sub_code"], 102404);
    let list = |opt, value| {
        world.code("setMemberRole", &[("operator", "alice"), ("target", "bob"), ("opt", opt), ("optvalue", value)])
    };
    assert_eq!(list("-2", "true"), 200);
    assert_eq!(world.refused(403, "sendMsg", &send())["sub_code"], 114421);
    assert_eq!(list("-1", "true"), 200);
    assert_eq!(world.refused(403, "sendMsg", &send())["sub_code"], 114426);
    assert_eq!((list("-1", "false"), list("-2", "false")), (200, 200));
    assert_eq!(world.call("user/mute", &[("accid", "bob"), ("mute", "true")])["code"], 200);
    assert_eq!(world.refused(403, "sendMsg", &send())["sub_code"], 102421);
    assert_eq!(world.call("user/mute", &[("accid", "bob"), ("mute", "false")])["code"], 200);
    assert_eq!(world.code("sendMsg", &send()), 200);
    // What is for all to hear passes every mute, but no blocklist.
    let loudly = || [&text("m", "hi")[..], &[("ignoreMute", "true")]].concat();
    assert_eq!(world.call("user/mute", &[("accid", "bob"), ("mute", "true")])["code"], 200);
    assert_eq!((list("-2", "true"), world.code("muteRoom", &[("operator", "alice"), ("mute", "true")])), (200, 200));
    assert_eq!(world.code("sendMsg", &loudly()), 200);
    assert_eq!(list("-1", "true"), 200);
    world.refused(403, "sendMsg", &loudly());
    assert_eq!((list("-1", "false"), list("-2", "false")), (200, 200));
    assert_eq!(world.code("muteRoom", &[("operator", "alice"), ("mute", "false")]), 200);
    assert_eq!(world.call("user/mute", &[("accid", "bob"), ("mute", "false")])["code"], 200);
    assert_eq!(world.call("user/block", &[("accid", "bob")])["code"], 200);
    world.refused(403, "sendMsg", &send());
    assert_eq!(world.call("user/unblock", &[("accid", "bob")])["code"], 200);
    assert_eq!(world.call("chatroom/sendMsg", &[&[("roomid", "99")][..], &send()].concat())["code"], 414);
    world.room("toggleCloseStat", &[("operator", "alice"), ("valid", "false")]);
    assert_eq!(world.refused(403, "sendMsg", &send())["sub_code"], 113406);
}

#[test]
fn a_batch_is_worked_on_one_message_after_the_other() {
    let world = World::new();
    let mut carol = world.join("carol");
    let list = r#"[{"msgId":"a","msgType":0,"attach":"one"},{"msgId":"b","msgType":"9","attach":"two"},
        {"msgId":"c","msgType":100,"attach":{"three":3},"ext":"own","subType":4}]"#;
    let mut answer = world.room("batchSendMsg", &[("fromAccid", "bob"), ("ext", "shared"), ("msgList", list)]);
    let room = world.room.to_string();
    let object = |id: &str, kind: &str, attach: &str, ext: &str| {
        json!({
            "msgid_client": id, "roomId": room, "fromAccount": "bob", "fromNick": "Bob", "fromAvator": "",
            "fromClientType": "REST", "type": kind, "attach": attach, "ext": ext,
        })
    };
    let success = take(&mut answer, "success");
    assert_eq!(timeless(success[0]["a"].clone()), object("a", "0", "one", "shared"));
    assert_eq!(timeless(success[1]["c"].clone()), object("c", "100", r#"{"three":3}"#, "own"));
    assert_eq!(success.as_array().unwrap().len(), 2);
    assert!(answer["fail"][0]["b"].is_string() && answer["fail"].as_array().unwrap().len() == 1, "{answer}");
    take(&mut answer, "fail");
    assert_eq!(answer, json!({ "code": 200 }));
    assert_eq!((carol.message().message_id, carol.message().message_id), ("a".into(), "c".into()));
    let many = [r#"{"msgId":"a","msgType":0,"attach":"one"}"#; 11].join(",");
    for list in ["", "[]", "{}", "[1]", &format!("[{many}]")] {
        world.refused(414, "batchSendMsg", &[("fromAccid", "bob"), ("msgList", list)]);
    }
}

#[test]
fn a_message_to_some_reaches_them_alone_and_is_never_stored() {
    let world = World::new();
    let (mut alice, mut carol) = (world.join("alice"), world.join("carol"));
    let to = [("toAccids", r#"["carol","dave"]"#), ("notifyTargetTags", "ignored"), ("highPriority", "true")];
    let answer = world.room("sendMsgToSomeone", &[&text("m", "psst")[..], &to].concat());
    assert_eq!((&answer["code"], &answer["desc"]["attach"]), (&json!(200), &json!("psst")));
    assert_eq!(carol.message().body, "psst");
    let list = r#"[{"msgId":"a","msgType":0,"attach":"one"},{"msgId":"b","msgType":0,"attach":"two"}]"#;
    let batch = [("fromAccid", "bob"), ("toAccids", r#"["carol"]"#), ("msgList", list)];
    assert_eq!(world.room("batchSendMsgToSomeone", &batch)["success"].as_array().unwrap().len(), 2);
    assert_eq!((carol.message().body, carol.message().body), ("one".into(), "two".into()));
    assert!(alice.pushes_so_far().is_empty());
    assert!(alice.whole_history(world.room).is_empty());
    let many = (0..101).map(|number| format!("\"a{number}\"")).collect::<Vec<_>>().join(",");
    for accids in ["", "[]", "carol", &format!("[{many}]")] {
        world.refused(414, "sendMsgToSomeone", &[&text("m", "hi")[..], &[("toAccids", accids)]].concat());
    }
}
