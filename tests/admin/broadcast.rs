//! `/chatroom/broadcast.action` over real HTTP: rest-api.md §5, §8.

use crate::support::process::UNLIMITED;
use crate::support::{Admin, Peer, Server, Setup};
use crate::world::{World, take};
use chatroom::wire::Push;
use serde_json::{Value, json};

/// A server on which broadcasts, too, have no limit.
fn world() -> World {
    world_with(&UNLIMITED.replace("[http]\n", "[http]\nbroadcast_calls_per_minute = 0\n"), Vec::new())
}

fn world_with(config: &str, arguments: Vec<String>) -> World {
    World::on(Server::start(Setup { config: config.into(), memory: true, workers: Some(2), arguments, ..Setup::default() }))
}

/// A broadcast of bob's.
fn news<'a>(id: &'a str, attach: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("msgId", id), ("fromAccid", "bob"), ("msgType", "0"), ("attach", attach)]
}

fn call(world: &World, parameters: &[(&str, &str)]) -> Value {
    world.call("chatroom/broadcast", parameters)
}

#[track_caller]
fn refused(world: &World, code: i64, parameters: &[(&str, &str)]) -> Value {
    let answer = call(world, parameters);
    assert!(answer["code"] == code && answer["desc"].is_string(), "{parameters:?}: {answer}");
    answer
}

/// The answer without its time, which must be a quoted number.
fn timeless(mut answer: Value) -> Value {
    let time = take(&mut answer["desc"], "time");
    let time: i64 = time.as_str().unwrap_or_else(|| panic!("{time} is not a text")).parse().unwrap();
    assert!(time > 1_700_000_000_000);
    answer
}

fn answered(id: &str, attach: &str) -> Value {
    json!({ "code": 200, "desc": {
        "msgid_client": id, "fromAccount": "bob", "fromNick": "Bob", "fromAvator": "", "fromClientType": "REST", "type": "0",
        "attach": attach, "ext": "",
    } })
}

fn bodies(pushes: &[Push]) -> Vec<String> {
    let body = |push: &Push| match push {
        Push::Message(message) => Some(String::from_utf8(message.body.to_vec()).unwrap()),
        _ => None,
    };
    pushes.iter().filter_map(body).collect()
}

#[test]
fn everybody_in_every_room_of_the_application_hears_it_and_no_history_has_it() {
    let world = world_with(
        &UNLIMITED.replace("[http]\n", "[http]\nbroadcast_calls_per_minute = 0\n"),
        vec!["--app".into(), "second:another-secret".into()],
    );
    let admin = world.server.admin();
    let rooms: Vec<i64> = (0..8).map(|_| admin.create_quiet_room("alice", "r")).collect();
    let mut members: Vec<(i64, Peer)> = rooms
        .iter()
        .take(6)
        .enumerate()
        .map(|(at, room)| (*room, Peer::join(&world.server, &format!("m{at}"), *room)))
        .collect();
    let second = Admin::new(world.server.admin, "second", "another-secret");
    second.create_user("bob");
    assert_eq!(timeless(call(&world, &news("b1", "hear, hear"))), answered("b1", "hear, hear"));
    for (room, peer) in &mut members {
        let heard = peer.message();
        assert_eq!((heard.room_id, &heard.body[..], heard.message_id.as_str()), (*room, &b"hear, hear"[..], "b1"));
        assert_eq!((heard.from.as_str(), heard.from_nick.as_str(), heard.from_client_type), ("bob", "Bob", 32));
        assert!(heard.skip_history && !heard.high_priority && !heard.directed);
        assert_eq!(peer.whole_history(*room), [], "it is not stored");
    }
    // Another application's does not reach them, and the answer is there when everybody's is on its way.
    assert_eq!(second.call("chatroom/broadcast", &news("b2", "psst"))["code"], 200);
    for number in 0..5 {
        assert_eq!(call(&world, &news(&format!("b3-{number}"), "again"))["code"], 200);
    }
    for (room, peer) in &mut members {
        assert_eq!(bodies(&(0..5).map(|_| peer.push()).collect::<Vec<_>>()), ["again"; 5]);
        assert!(peer.pushes_so_far().is_empty());
        let sent = peer.send_text(*room, "mine", "an ordinary one");
        assert_eq!(sent.code, 0, "the room goes on");
        assert_eq!(peer.whole_history(*room).len(), 1);
    }
}

#[test]
fn with_nobody_online_it_is_done_all_the_same() {
    let world = world();
    assert_eq!(timeless(call(&world, &news("b1", "is anybody there"))), answered("b1", "is anybody there"));
}

#[test]
fn what_the_room_has_against_its_sender_does_not_hold_it_back() {
    let world = world();
    let mut carol = world.join("carol");
    for opt in ["-2", "-1"] {
        let role = [("operator", "alice"), ("target", "bob"), ("opt", opt), ("optvalue", "true")];
        assert_eq!(world.code("setMemberRole", &role), 200);
    }
    assert_eq!(call(&world, &news("b1", "hear"))["code"], 200);
    assert_eq!(&carol.message().body[..], b"hear");
}

#[test]
fn its_flags_do_what_they_say() {
    let world = world();
    let mut carol = world.join("carol");
    fn with<'a>(id: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        [&news(id, "x")[..], more].concat()
    }
    // Of high priority, ten in a second; the flag is a number.
    let mut high = answered("b0", "x");
    high["desc"]["highPriorityFlag"] = json!(1);
    assert_eq!(timeless(call(&world, &with("b0", &[("highPriority", "true")]))), high);
    let heard = carol.message();
    assert!(heard.high_priority && heard.resend_on_enter);
    let unsent = [("highPriority", "true"), ("needHighPriorityMsgResend", "false")];
    assert_eq!(call(&world, &with("b1", &unsent))["desc"]["highPriorityFlag"], 1);
    let heard = carol.message();
    assert!(heard.high_priority && !heard.resend_on_enter);
    // To those its expression means.
    let to = |id, expression| call(&world, &[&news(id, id)[..], &[("notifyTargetTags", expression)]].concat())["code"].clone();
    assert_eq!((to("d1", r#"{"tag":"vip"}"#), to("d2", r#"not {"tag":"vip"}"#)), (json!(200), json!(200)));
    let heard = carol.message();
    assert_eq!((heard.message_id.as_str(), heard.notify_target_tags.as_str()), ("d2", r#"not {"tag":"vip"}"#));
    // Who enters within thirty seconds hears the last of high priority once more.
    let mut late = world.join("late");
    let heard = late.message();
    assert!(heard.resent && heard.high_priority);
    // Sent again, it is the first one.
    let first = call(&world, &with("e1", &[]));
    assert_eq!(call(&world, &with("e1", &[("resendFlag", "1")])), first);
    assert_eq!(call(&world, &with("e2", &[("resendFlag", "1")]))["code"], 200, "one that is new is sent");
    assert_eq!(call(&world, &with("e1", &[]))["code"], 200, "who does not say so sends it twice");
    let ids: Vec<String> = (0..3).map(|_| carol.message().message_id).collect();
    assert_eq!(ids, ["e1", "e2", "e1"]);
    // A text in JSON, another type, and what goes with it.
    let custom = [("msgId", "f1"), ("fromAccid", "bob"), ("msgType", "100"), ("attach", "{}"), ("ext", "e"), ("subType", "7")];
    let mut expected = answered("f1", "{}");
    (expected["desc"]["type"], expected["desc"]["ext"]) = (json!("100"), json!("e"));
    assert_eq!(timeless(call(&world, &custom)), expected);
    let heard = carol.message();
    assert_eq!((heard.r#type, &heard.attach[..], &heard.ext[..], heard.sub_type), (100, &b"{}"[..], &b"e"[..], 7));
    assert_eq!(call(&world, &news("f2", r#"{"msg":"plain"}"#))["code"], 200);
    assert_eq!(&carol.message().body[..], b"plain");
}

#[test]
fn over_the_rate_of_high_priority_it_is_an_ordinary_message() {
    let config = UNLIMITED.replace("[limits]\n", "[limits]\nhigh_priority_per_second = 1\n");
    let world = world_with(&config.replace("[http]\n", "[http]\nbroadcast_calls_per_minute = 0\n"), Vec::new());
    let mut carol = world.join("carol");
    let mut flag = |number: i32| {
        let id = format!("b{number}");
        let answer = call(&world, &[&news(&id, "x")[..], &[("highPriority", "1")]].concat());
        let flag = answer["desc"]["highPriorityFlag"].clone();
        assert_eq!((carol.message().high_priority, answer["code"].clone()), (!flag.is_null(), json!(200)));
        flag
    };
    assert_eq!(flag(0), 1);
    // A slow machine may take a second for a call or two; not for sixty in a row.
    assert!((1..=60).any(|number| flag(number).is_null()));
}

#[test]
fn each_parameter_ends_at_its_limit_and_nothing_is_sent_beyond_it() {
    let world = world();
    let mut carol = world.join("carol");
    let long = "é".repeat(4097);
    let cut = |chars: usize| &long[..2 * chars];
    let (most, tags) = ("i".repeat(64), format!(r#"{{"tag":"{}"}} or {{"tag":"{}"}}"#, "a".repeat(32), "b".repeat(32)));
    let tags = format!("{tags}{}", " ".repeat(128 - tags.len()));
    let good = [("msgId", most.as_str()), ("fromAccid", "bob"), ("msgType", "0"), ("attach", cut(4096)), ("ext", cut(4096))];
    assert_eq!(call(&world, &good)["code"], 200);
    assert_eq!(carol.message().body.len(), 8192);
    assert_eq!(call(&world, &[&good[..], &[("notifyTargetTags", &tags)]].concat())["code"], 200);
    let (id, tags) = ("i".repeat(65), format!("{tags} "));
    let replaced = |name: &'static str, value| -> Vec<(&str, &str)> {
        let kept = good.iter().copied().filter(|(known, _)| *known != name);
        kept.chain([(name, value)]).collect()
    };
    let bad = [
        ("msgId", id.as_str()),
        ("msgId", ""),
        ("fromAccid", ""),
        ("fromAccid", "a b"),
        ("msgType", ""),
        ("msgType", "5"),
        ("msgType", "20"),
        ("msgType", "x"),
        ("attach", cut(4097)),
        ("ext", cut(4097)),
        ("subType", "0"),
        ("resendFlag", "2"),
        ("highPriority", "yes"),
        ("needHighPriorityMsgResend", "2"),
        ("notifyTargetTags", tags.as_str()),
        ("notifyTargetTags", "{"),
        ("useYiDun", "x"),
        ("env", cut(33)),
    ];
    for (name, value) in bad {
        refused(&world, 414, &replaced(name, value));
    }
    assert!(bodies(&carol.pushes_so_far()).is_empty());
}

#[test]
fn who_may_not_send_anywhere_may_not_broadcast() {
    let world = world();
    let mut carol = world.join("carol");
    let from = |name| [("msgId", "b1"), ("fromAccid", name), ("msgType", "0"), ("attach", "x")];
    assert_eq!(refused(&world, 404, &from("nobody"))["sub_code"], 102404);
    assert_eq!(world.call("user/mute", &[("accid", "bob"), ("mute", "true")])["code"], 200);
    refused(&world, 423, &from("bob"));
    assert_eq!(world.call("user/block", &[("accid", "bob")])["code"], 200);
    refused(&world, 403, &from("bob"));
    assert!(bodies(&carol.pushes_so_far()).is_empty());
}

#[test]
fn what_the_word_list_refuses_reaches_nobody_and_what_it_masks_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let (refused_words, masked_words) = (folder.path().join("refused"), folder.path().join("masked"));
    std::fs::write(&refused_words, "scam\n").unwrap();
    std::fs::write(&masked_words, "darn\n").unwrap();
    let set = |key: &str, value: &std::path::Path| ["--set".to_owned(), format!("moderation.{key}={}", value.display())];
    let arguments = [set("refused_words", &refused_words), set("masked_words", &masked_words)].concat();
    let world = world_with(UNLIMITED, arguments);
    let mut carol = world.join("carol");
    assert_eq!(refused(&world, 403, &news("b1", "a scam"))["sub_code"], 113451);
    assert_eq!(call(&world, &news("b2", "darn it"))["code"], 200);
    assert_eq!(&carol.message().body[..], b"**** it");
}

#[test]
fn ten_a_minute_pass_and_the_next_is_416() {
    // rest-api.md §8
    let world = World::new();
    let codes: Vec<Value> = (0..11).map(|number| call(&world, &news(&format!("b{number}"), "x"))["code"].clone()).collect();
    assert_eq!(codes[..10], vec![json!(200); 10]);
    assert_eq!(codes[10], 416);
    assert_eq!(world.code("get", &[]), 200, "other endpoints have their own rate");
}
