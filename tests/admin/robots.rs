//! Calls about robots, whole answers: rest-api.md §4.9-§4.11.

use crate::support::process::UNLIMITED;
use crate::support::{Server, Setup};
use crate::world::{World, take};
use chatroom::wire::pb::NotificationType;
use serde_json::{Value, json};

#[test]
fn robots_come_are_known_as_such_and_go() {
    // S002-016, S002-017, S002-018, S002-046, S002-048
    let world = World::new();
    world.done("updateInOutNotification", &[("close", "false")]);
    let mut dave = world.join("dave");
    dave.pushes_so_far();
    let add = |accids: &str| world.room("addRobot", &[("accids", accids), ("roleExt", "{\"robot\":1}"), ("notifyExt", "beep")]);
    let added = |fail: &str, success: &str, old: &str| json!({ "code": 200, "desc": { "failAccids": fail, "successAccids": success, "oldAccids": old } });
    assert_eq!(add(r#"["Bob","nobody","carol","dave","bob"]"#), added(r#"["nobody"]"#, r#"["bob","carol"]"#, r#"["dave"]"#));
    for _ in 0..2 {
        let heard = dave.notification();
        assert_eq!((heard.r#type, heard.ext.as_str()), (NotificationType::MemberEnter as i32, "beep"));
    }
    assert_eq!(add(r#"["bob"]"#), added("[]", "[]", r#"["bob"]"#));
    let mut found = world.room("queryMembers", &[("accids", r#"["bob"]"#)])["desc"]["data"][0].clone();
    take(&mut found, "enterTime");
    take(&mut found, "joinTime");
    let left = take(&mut found, "robotExpirAt").as_i64().unwrap();
    assert!((86_300..=86_400).contains(&left), "{left}");
    let expected = json!({
        "roomid": world.room, "accid": "bob", "nick": "Bob", "avator": "", "ext": "{\"robot\":1}", "type": "TEMPORARY",
        "level": 0, "onlineStat": true, "isRobot": true,
    });
    assert_eq!(found, expected);
    let sent = world.room("sendMsg", &[("msgId", "m"), ("fromAccid", "bob"), ("msgType", "0"), ("attach", "beep")]);
    assert_eq!((&sent["code"], &sent["desc"]["fromNick"]), (&json!(200), &json!("Bob")));

    let removed = |fail: &str, success: &str| json!({ "code": 200, "desc": { "failAccids": fail, "successAccids": success } });
    world.expect("removeRobot", &[("accids", r#"["bob","dave","nobody"]"#)], removed(r#"["dave","nobody"]"#, r#"["bob"]"#));
    dave.message();
    let heard = dave.notification();
    assert_eq!((heard.r#type, heard.targets), (NotificationType::MemberExit as i32, vec!["bob".to_owned()]));
    assert_eq!(add(r#"["bob"]"#), added("[]", r#"["bob"]"#, "[]"));
    dave.notification();
    world.expect("cleanRobot", &[], json!({ "code": 200, "desc": { "size": 2 } }));
    assert!(dave.pushes_so_far().is_empty(), "a clean sweep is silent unless it is to be heard");
    world.expect("cleanRobot", &[], json!({ "code": 200, "desc": { "size": 0 } }));
    add(r#"["bob"]"#);
    dave.notification();
    world.expect("cleanRobot", &[("notify", "true")], json!({ "code": 200, "desc": { "size": 1 } }));
    assert_eq!(dave.notification().r#type, NotificationType::MemberExit as i32);
}

#[test]
fn what_robots_cannot_be() {
    // S002-016, S002-007
    let world = World::new();
    let many = |count: usize| -> String {
        Value::from((0..count).map(|number| format!("robot{number}")).collect::<Vec<_>>()).to_string()
    };
    let fail =
        |accids: &str| json!({ "code": 200, "desc": { "failAccids": accids, "successAccids": "[]", "oldAccids": "[]" } });
    world.expect("addRobot", &[("accids", &many(100))], fail(&many(100)));
    let long = "é".repeat(4097);
    for parameters in [
        &[("accids", &many(101)[..])][..],
        &[("accids", "[]")],
        &[("accids", "bob")],
        &[],
        &[("accids", r#"["bob"]"#), ("roleExt", &long)],
        &[("accids", r#"["bob"]"#), ("notifyExt", &long[..4098])],
    ] {
        world.refused(414, "addRobot", parameters);
    }
    world.refused(414, "removeRobot", &[("accids", &many(101))]);
    let block = [("operator", "alice"), ("target", "bob"), ("opt", "-1"), ("optvalue", "true")];
    assert_eq!(world.code("setMemberRole", &block), 200);
    world.refused(13003, "addRobot", &[("accids", r#"["bob"]"#)]);
    world.expect("addRobot", &[("accids", r#"["bob","nobody"]"#)], fail(r#"["bob","nobody"]"#));
    let nowhere = |endpoint: &str| world.call(endpoint, &[("roomid", "99"), ("accids", r#"["bob"]"#)])["code"].clone();
    assert_eq!((nowhere("chatroom/addRobot"), nowhere("chatroom/removeRobot")), (json!(414), json!(404)));
    assert_eq!(nowhere("chatroom/cleanRobot"), 414);
    world.room("toggleCloseStat", &[("operator", "alice"), ("valid", "false")]);
    world.refused(403, "addRobot", &[("accids", r#"["carol"]"#)]);

    let config = format!("{UNLIMITED}\n[rooms]\nrobots_max = 1\n");
    let world = World::on(Server::start(Setup { config, memory: true, ..Setup::default() }));
    let both = json!({ "code": 200, "desc": { "failAccids": "[\"carol\"]", "successAccids": "[\"bob\"]", "oldAccids": "[]" } });
    world.expect("addRobot", &[("accids", r#"["bob","carol"]"#)], both);
    world.refused(419, "addRobot", &[("accids", r#"["carol"]"#)]);
}
