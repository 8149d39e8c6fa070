//! Calls about what was said before, whole answers: rest-api.md §5. And messages of high priority, which are heard again.

use std::collections::BTreeSet;

use crate::support::PATIENCE;
use crate::support::peer::text_message;
use crate::world::{World, take};
use bytes::BytesMut;
use chatroom::wire::pb::{self, NotificationType};
use chatroom::wire::{Request, Response};
use serde_json::{Value, json};

fn say(world: &World, id: &str, kind: &str, attach: &str, more: &[(&str, &str)]) -> i64 {
    let message = [("msgId", id), ("fromAccid", "bob"), ("msgType", kind), ("attach", attach)];
    let sent = world.room("sendMsg", &[&message[..], more].concat());
    assert_eq!(sent["code"], 200, "{sent}");
    sent["desc"]["time"].as_str().unwrap().parse().unwrap()
}

fn ask(world: &World, endpoint: &str, more: &[(&str, &str)]) -> Value {
    let room = world.room.to_string();
    world.call(&format!("history/{endpoint}"), &[&[("roomid", room.as_str())], more].concat())
}

fn ids(answer: &Value) -> Vec<&str> {
    let messages = answer["msgs"].as_array().unwrap_or_else(|| panic!("{answer}"));
    messages.iter().map(|message| message["msgid"].as_str().unwrap()).collect()
}

#[test]
fn the_history_of_a_room_is_read_in_either_direction() {
    let world = World::new();
    let first = say(&world, "m1", "0", "one", &[("ext", "{}")]);
    let place = r#"{"lng":8.5,"lat":47.4}"#;
    let second = say(&world, "m2", "4", place, &[]);
    say(&world, "m3", "100", "plain", &[]);
    say(&world, "m4", "10", "{\"a\":1}", &[]);
    say(&world, "m5", "0", "unseen", &[("skipHistory", "1")]);
    assert_eq!(world.code("muteRoom", &[("operator", "alice"), ("mute", "true"), ("notifyExt", "hush")]), 200);
    let page = |more: &[(&str, &str)]| ask(&world, "queryChatroomMsg", &[&[("accid", "bob"), ("timetag", "0")], more].concat());
    let mut all = page(&[("limit", "200"), ("reverse", "1")]);
    assert_eq!((take(&mut all, "size"), take(&mut all, "code")), (json!(5), json!(200)));
    let mut items = take(&mut all, "msgs");
    assert_eq!(all, json!({}));
    let times: Vec<i64> =
        items.as_array_mut().unwrap().iter_mut().map(|item| take(item, "sendtime").as_i64().unwrap()).collect();
    assert!(times[0] == first && times[1] == second && times.is_sorted(), "{times:?}");
    let said = |id: &str, kind: i32, body: Value, ext: &str| json!({ "from": "bob", "msgid": id, "type": kind, "fromclienttype": 32, "body": body, "ext": ext });
    let muted = json!({
        "id": 318, "data": { "operator": "alice", "opeNick": "", "target": [], "tarNick": [], "ext": "hush" },
    });
    let expected = json!([
        said("m1", 0, json!("one"), "{}"),
        said("m2", 4, json!({ "lng": 8.5, "lat": 47.4 }), ""),
        said("m3", 100, json!("plain"), ""),
        said("m4", 10, json!("{\"a\":1}"), ""),
        { "from": "alice", "msgid": "", "type": 5, "fromclienttype": 0, "body": muted, "ext": "" },
    ]);
    assert_eq!(items, expected);
    assert_eq!(ids(&page(&[("limit", "200"), ("type", "0,100")])), ["m3", "m1"]);
    assert_eq!(ids(&page(&[("limit", "200"), ("type", "5"), ("reverse", "2")])), [""]);
    let after = [("accid", "bob"), ("timetag", &first.to_string()[..]), ("limit", "200"), ("reverse", "1"), ("type", "4")];
    assert_eq!(ids(&ask(&world, "queryChatroomMsg", &after)), if first == second { vec![] } else { vec!["m2"] });
    for more in [
        &[("limit", "0")][..],
        &[("limit", "201")],
        &[],
        &[("limit", "5"), ("reverse", "3")],
        &[("limit", "5"), ("type", "x")],
        &[("limit", "5"), ("type", "7")],
    ] {
        assert_eq!(page(more)["code"], 414, "{more:?}");
    }
    assert_eq!(ask(&world, "queryChatroomMsg", &[("accid", "nobody"), ("timetag", "0"), ("limit", "5")])["code"], 404);
    // What was said stays when the room is closed.
    world.room("toggleCloseStat", &[("operator", "alice"), ("valid", "false")]);
    assert_eq!(ids(&page(&[("limit", "5"), ("type", "0")])), ["m1"]);
}

#[test]
fn what_was_said_to_tags_is_found_by_tags() {
    let world = World::new();
    say(&world, "m1", "0", "to all", &[]);
    let second = say(&world, "m2", "0", "to abc", &[("notifyTargetTags", r#"{"tag":"abc"}"#)]);
    say(&world, "m3", "100", "to both", &[("notifyTargetTags", r#"{"tag":"abc"} and {"tag":"def"}"#)]);
    let found = |tags: &str, more: &[(&str, &str)]| ask(&world, "queryTagHistoryMsg", &[&[("tags", tags)], more].concat());
    assert_eq!(ids(&found(r#"["abc"]"#, &[])), ["m2"]);
    assert_eq!(ids(&found(r#"["abc","def"]"#, &[("reverse", "1"), ("limit", "100")])), ["m2", "m3"]);
    assert_eq!(ids(&found(r#"["abc","def"]"#, &[("types", "100")])), ["m3"]);
    let mut alone = found(r#"["abc"]"#, &[("fromTime", &second.to_string()), ("toTime", &(second + 1).to_string())]);
    let expected = json!({
        "code": 200,
        "msgs": [{
            "from": "bob", "msgid": "m2", "sendtime": second, "type": 0, "fromclienttype": 32, "body": "to abc", "ext": "",
        }],
    });
    assert_eq!(alone.take(), expected);
    for (tags, more) in [
        ("", &[][..]),
        ("[]", &[]),
        ("abc", &[]),
        (r#"["abc"]"#, &[("limit", "101")]),
        (r#"["abc"]"#, &[("limit", "0")]),
        (r#"["abc"]"#, &[("reverse", "2")]),
        (r#"["abc"]"#, &[("types", "x")]),
        (r#"["abc"]"#, &[("fromTime", "5"), ("toTime", "4")]),
    ] {
        assert_eq!(found(tags, more)["code"], 414, "{tags} {more:?}");
    }
}

#[test]
fn a_message_is_taken_back_with_a_word_and_deleted_without() {
    // S002-034
    let world = World::new();
    let mut carol = world.join("carol");
    let (first, second) = (say(&world, "m1", "0", "one", &[]), say(&world, "m2", "0", "two", &[]));
    let recall = |operator: &str, id: &str, time: i64| {
        let time = time.to_string();
        let parameters =
            [("msgTimetag", &time[..]), ("msgId", id), ("fromAcc", "bob"), ("operatorAcc", operator), ("notifyExt", "why")];
        world.room("recall", &parameters)
    };
    assert_eq!(recall("carol", "m1", first)["code"], 403);
    assert_eq!(recall("alice", "m3", first)["code"], 404);
    assert_eq!(recall("alice", "m1", 0)["code"], 414);
    assert_eq!(recall("alice", "m1", first), json!({ "code": 200 }));
    let heard = carol.notification();
    let recalled = heard.recalled.unwrap();
    assert_eq!((heard.r#type, heard.ext.as_str()), (NotificationType::MessageRecalled as i32, "why"));
    assert_eq!((recalled.message_id.as_str(), recalled.message_time_ms), ("m1", first));
    assert_eq!(recall("alice", "m1", first)["code"], 404);
    let long = "é".repeat(1025);
    let time = second.to_string();
    let wordy = [("msgTimetag", &time[..]), ("msgId", "m2"), ("fromAcc", "bob"), ("operatorAcc", "bob"), ("notifyExt", &long)];
    world.refused(414, "recall", &wordy);

    carol.pushes_so_far();
    world.refused(404, "deleteHistoryMessage", &[("fromAcc", "alice"), ("msgTimetag", &time)]);
    world.refused(414, "deleteHistoryMessage", &[("fromAcc", "bob"), ("msgTimetag", "0")]);
    world.done("deleteHistoryMessage", &[("fromAcc", "bob"), ("msgTimetag", &time)]);
    world.refused(404, "deleteHistoryMessage", &[("fromAcc", "bob"), ("msgTimetag", &time)]);
    assert!(carol.pushes_so_far().is_empty(), "nobody hears of a deletion");
    let left = ask(&world, "queryChatroomMsg", &[("accid", "bob"), ("timetag", "0"), ("limit", "5"), ("type", "0")]);
    assert_eq!(left, json!({ "code": 200, "size": 0, "msgs": [] }));
}

#[test]
fn ten_messages_a_second_are_of_high_priority_and_heard_again() {
    // S002-036, S002-037
    let world = World::new();
    let mut carol = world.join("carol");
    let send = |id: &str, more: &[(&str, &str)]| {
        let message = [("msgId", id), ("fromAccid", "bob"), ("msgType", "0"), ("attach", "hi"), ("highPriority", "true")];
        world.room("sendMsg", &[&message[..], more].concat())
    };
    let voided = send("void", &[("abandonRatio", "0")]);
    assert!(voided["code"] == 200 && voided["desc"].get("highPriorityFlag").is_none(), "{voided}");
    assert_eq!(send("unheard", &[("needHighPriorityMsgResend", "false")])["desc"]["highPriorityFlag"], 1);
    // A slow machine may take a second for a few calls; not for hundreds in a row.
    let ordinary = (0..500).map(|number| send(&format!("m{number}"), &[])).find(|sent| {
        assert_eq!(sent["code"], 200);
        sent["desc"].get("highPriorityFlag").is_none()
    });
    assert!(ordinary.is_some(), "the eleventh within a second is an ordinary message");
    let refused = (0..500).map(|number| send(&format!("r{number}"), &[("forbiddenIfHighPriorityMsgFreq", "1")]));
    let refused = refused.into_iter().find(|sent| sent["code"] != 200).unwrap();
    assert_eq!((&refused["code"], &refused["sub_code"]), (&json!(403), &json!(107304)));
    assert!(!carol.message().high_priority);
    assert!(carol.message().high_priority);
    let mut dave = world.join("dave");
    let again = dave.message();
    assert!(again.resent && again.high_priority && again.message_id.starts_with('m'), "{again:?}");
}

// chatroom.md §e.6: a page ends before equal times that would not fit, so the time of its last item leads to the next one.
#[test]
fn messages_of_one_millisecond_are_all_seen_by_who_pages_by_time() {
    const BURSTS: usize = 6;
    const EACH: usize = 45;
    let world = World::new();
    let mut carol = world.join("carol");
    for burst in 0..BURSTS {
        let send = |number: usize| {
            let id = format!("b{burst}n{number}");
            Request::MessageSend(Box::new(text_message(world.room, &id, "hi")))
        };
        // In one write, and so at nearly one time.
        let mut bytes = BytesMut::new();
        let sequences = 1000 * (burst as u32 + 1)..;
        sequences.zip(0..EACH).for_each(|(sequence, number)| send(number).encode(sequence, &mut bytes));
        carol.write(&bytes).unwrap();
        (0..EACH).for_each(|_| drop(carol.any_response(PATIENCE).unwrap()));
    }
    let expected: BTreeSet<String> =
        (0..BURSTS).flat_map(|burst| (0..EACH).map(move |number| format!("b{burst}n{number}"))).collect();
    let seen_once = |ids: Vec<String>| {
        assert_eq!(ids.len(), expected.len());
        assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), expected);
    };
    for (reverse, limit, kind) in [("1", "200", ""), ("2", "200", "0"), ("1", "50", "0"), ("2", "50", "")] {
        let (mut all, mut time) = (Vec::new(), String::from("0"));
        loop {
            let mut more = vec![("accid", "carol"), ("timetag", &time), ("limit", limit), ("reverse", reverse)];
            more.extend((!kind.is_empty()).then_some(("type", kind)));
            let page = ask(&world, "queryChatroomMsg", &more);
            all.extend(ids(&page).into_iter().map(String::from));
            let Some(last) = page["msgs"].as_array().unwrap().last() else { break };
            time = last["sendtime"].to_string();
        }
        seen_once(all);
    }
    for reverse in [false, true] {
        let (mut all, mut time_ms) = (Vec::new(), 0);
        loop {
            let request = pb::MessageHistoryRequest { room_id: world.room, time_ms, limit: 60, reverse, ..Default::default() };
            let Response::MessageHistory(page) = carol.call(Request::MessageHistory(request)) else { panic!("no history") };
            for item in &page.items {
                let Some(pb::history_item::Item::Message(message)) = &item.item else { panic!("{item:?}") };
                all.push(message.message_id.clone());
                time_ms = message.time_ms;
            }
            if !page.has_more {
                break;
            }
        }
        seen_once(all);
    }
}
