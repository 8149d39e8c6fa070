//! Calls about a room's queue, whole answers: rest-api.md §5.

use crate::support::process::UNLIMITED;
use crate::support::{Server, Setup};
use crate::world::World;
use chatroom::wire::pb::{NotificationType, QueueEvent};
use serde_json::json;

#[test]
fn elements_are_offered_listed_found_polled_and_dropped() {
    let world = World::new();
    let mut bob = world.join("bob");
    let changed = json!({ "code": 200, "desc": { "highPriority": false } });
    let list = |elements: serde_json::Value| json!({ "code": 200, "desc": { "list": elements } });
    world.expect("queueList", &[], list(json!([])));
    for (key, value) in [("z", "1"), ("a", "2"), ("z", "3")] {
        world.expect("queueOffer", &[("key", key), ("value", value)], changed.clone());
        let heard = bob.notification();
        assert_eq!((heard.r#type, heard.operator.as_str()), (NotificationType::QueueChanged as i32, "alice"));
    }
    world.expect("queueOffer", &[("key", "b"), ("value", "4"), ("operator", "bob"), ("transient", "true")], changed.clone());
    world.expect("queueList", &[], list(json!([{ "z": "3" }, { "a": "2" }, { "b": "4" }])));
    world.expect("queueMultiGet", &[("keys", "[\"b\",\"none\",\"z\"]")], list(json!([{ "b": "4" }, { "z": "3" }])));
    let polled = |key: &str, value: &str| json!({ "code": 200, "desc": { "key": key, "value": value, "highPriority": false } });
    world.expect("queuePoll", &[], polled("z", "3"));
    world.expect("queuePoll", &[("key", "b")], polled("b", "4"));
    world.refused(404, "queuePoll", &[("key", "b")]);
    world.expect("queueDrop", &[], changed);
    world.expect("queueList", &[], list(json!([])));
    world.refused(404, "queuePoll", &[]);
}

#[test]
fn who_may_change_the_queue_and_how_much_fits() {
    // S002-042
    let world = World::new();
    let _bob = world.join("bob");
    let offer = |key, value, operator| [("key", key), ("value", value), ("operator", operator)];
    world.refused(404, "queueOffer", &offer("k", "v", "nobody"));
    world.refused(403, "queueOffer", &offer("k", "v", "carol"));
    assert_eq!(world.code("queueOffer", &offer("k", "v", "bob")), 200);
    world.refused(302, "queueOffer", &[("key", "k"), ("value", "v"), ("transient", "true")]);
    assert_eq!(world.code("update", &[("queuelevel", "1")]), 200);
    world.refused(403, "queueOffer", &offer("k", "v", "bob"));
    assert_eq!(world.code("queueOffer", &offer("k", "v", "")), 200);
    let (key, value) = ("k".repeat(129), "v".repeat(4097));
    for parameters in [&[("key", "k")][..], &[("value", "v")], &offer(&key, "v", "alice"), &offer("k", &value, "alice")] {
        world.refused(414, "queueOffer", parameters);
    }
    // The answer as it was recorded.
    world.expect("queueInit", &[("sizeLimit", "1")], json!({ "code": 200, "desc": {} }));
    world.refused(419, "queueOffer", &offer("more", "v", "alice"));
    assert_eq!(world.code("queueOffer", &offer("k", "w", "alice")), 200);
    world.expect("queueInit", &[], json!({ "code": 200, "desc": {} }));
    for size in ["1001", "-1", "x"] {
        world.refused(414, "queueInit", &[("sizeLimit", size)]);
    }
    assert_eq!(world.call("chatroom/queueList", &[("roomid", "99")])["code"], 404);
}

#[test]
fn batches_say_what_did_not_go_in() {
    let world = World::new();
    let mut bob = world.join("bob");
    assert_eq!(world.code("queueInit", &[("sizeLimit", "2")]), 200);
    let elements =
        r#"[{"key":"a","value":"1"},{"key":"b","value":"2","accid":"bob","transient":true},{"key":"c","value":"3"}]"#;
    let offered = json!({ "code": 200, "desc": { "failedKeys": ["c"], "highPriority": false } });
    world.expect("queueBatchOffer", &[("elements", elements), ("needNotify", "true"), ("notifyExt", "why")], offered);
    let heard = bob.notification();
    let changed = heard.queue_changed.unwrap();
    assert_eq!((heard.ext.as_str(), changed.event, changed.elements.len()), ("why", QueueEvent::BatchOffer as i32, 2));
    let updated = json!({ "code": 200, "desc": { "noExistElementKey": ["x"], "highPriority": false } });
    let update = [("operator", "alice"), ("elements", r#"{"x":"0","b":"9","a":"8"}"#)];
    world.expect("queueBatchUpdateElements", &update, updated);
    assert!(bob.pushes_so_far().is_empty());
    world.expect("queueList", &[], json!({ "code": 200, "desc": { "list": [{ "a": "8" }, { "b": "9" }] } }));
    let many = (0..101).map(|number| format!("\"{number}\":\"\"")).collect::<Vec<_>>().join(",");
    for elements in ["", "{}", "[]", "{\"a\":1}", "{\"a\"", &format!("{{{many}}}")] {
        world.refused(414, "queueBatchUpdateElements", &[("operator", "alice"), ("elements", elements)]);
    }
    world.refused(414, "queueBatchUpdateElements", &[("elements", r#"{"a":"1"}"#)]);
    world.refused(414, "queueBatchUpdateElements", &[&update[..], &[("needNotify", "true")]].concat());
    let many = (0..101).map(|number| format!(r#"{{"key":"{number}","value":""}}"#)).collect::<Vec<_>>().join(",");
    for elements in ["", "[]", "{}", r#"[{"key":"a"}]"#, &format!("[{many}]")] {
        world.refused(414, "queueBatchOffer", &[("elements", elements)]);
    }
    world.refused(404, "queueBatchOffer", &[("elements", r#"[{"key":"a","value":"1","accid":"nobody"}]"#)]);
    for keys in ["", "[]", "[1]", "{}"] {
        world.refused(414, "queueMultiGet", &[("keys", keys)]);
    }
}

#[test]
fn an_answer_says_whether_the_notification_was_of_high_priority() {
    let world = World::new();
    let mut bob = world.join("bob");
    let (wish, insist) = ([("highPriority", "1")], [("highPriority", "true"), ("highPriorityPolicy", "1")]);
    let with = |parameters: &[(&'static str, &'static str)], more: &[(&'static str, &'static str)]| [parameters, more].concat();
    let desc = |desc: serde_json::Value| json!({ "code": 200, "desc": desc });
    let (offer, update) = ([("key", "a"), ("value", "1")], [("operator", "alice"), ("elements", r#"{"a":"2"}"#)]);
    let batch = [("elements", r#"[{"key":"b","value":"1"}]"#), ("needNotify", "true")];
    let told = [("needNotify", "true"), ("notifyExt", "why")];
    world.expect("queueOffer", &with(&offer, &wish), desc(json!({ "highPriority": true })));
    world.expect("queueBatchOffer", &with(&batch, &insist), desc(json!({ "failedKeys": [], "highPriority": true })));
    let updated = |high: bool| desc(json!({ "noExistElementKey": [], "highPriority": high }));
    world.expect("queueBatchUpdateElements", &with(&with(&update, &told), &insist), updated(true));
    world.expect("queueBatchUpdateElements", &with(&update, &insist), updated(false));
    let polled = json!({ "key": "a", "value": "2", "highPriority": true });
    world.expect("queuePoll", &with(&[("key", "a")], &wish), desc(polled));
    world.expect("queueDrop", &insist, desc(json!({ "highPriority": true })));
    world.expect("queueDrop", &insist, desc(json!({ "highPriority": false })));
    // The policy alone is no wish.
    world.expect("queueOffer", &with(&offer, &insist[1..]), desc(json!({ "highPriority": false })));
    for parameters in [[("highPriority", "2")], [("highPriorityPolicy", "x")]] {
        world.refused(414, "queueOffer", &with(&offer, &parameters));
        world.refused(414, "queuePoll", &parameters);
        world.refused(414, "queueDrop", &parameters);
        world.refused(414, "queueBatchOffer", &with(&batch, &parameters));
        world.refused(414, "queueBatchUpdateElements", &with(&update, &parameters));
    }
    assert!(!bob.pushes_so_far().is_empty());
}

#[test]
fn over_the_rate_of_high_priority_a_notification_is_ordinary_or_the_call_is_416() {
    let config = UNLIMITED.replace("[limits]\n", "[limits]\nhigh_priority_per_second = 1\n");
    let world = World::on(Server::start(Setup { config, memory: true, ..Setup::default() }));
    let offer = |more: &[(&'static str, &'static str)]| [&[("key", "a"), ("value", "1")], more].concat();
    // A slow machine may take a second for a call or two; not for sixty in a row.
    let insist = offer(&[("highPriority", "1"), ("highPriorityPolicy", "1")]);
    let refused = (0..60).map(|_| world.room("queueOffer", &insist)).find(|answer| answer["code"] != 200).unwrap();
    assert_eq!((&refused["code"], &refused["sub_code"]), (&json!(416), &json!(107304)));
    assert!(refused["desc"].is_string(), "{refused}");
    let wish = offer(&[("highPriority", "1")]);
    let ordinary = json!({ "code": 200, "desc": { "highPriority": false } });
    assert!((0..60).any(|_| world.room("queueOffer", &wish) == ordinary));
}

#[test]
fn an_owner_who_is_nobody_is_looked_for_after_everything_about_the_caller() {
    let world = World::new();
    let _bob = world.join("bob");
    let elements = r#"[{"key":"a","value":"1","accid":"nobody"}]"#;
    let offer = |operator| [("elements", elements), ("operator", operator)];
    world.refused(403, "queueBatchOffer", &offer("bob"));
    world.refused(404, "queueBatchOffer", &offer("alice"));
    world.refused(414, "queueBatchOffer", &[&offer("alice")[..], &[("notifyExt", &"x".repeat(2049))]].concat());
    world.refused(404, "queueBatchOffer", &offer("alice"));
}
