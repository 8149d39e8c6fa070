//! Calls about members, whole answers: rest-api.md §4.6, §4.12, §4.15-§4.17, §5.

use crate::support::{Server, Setup};
use crate::world::{World, take};
use chatroom::wire::Push;
use chatroom::wire::pb::{KickReason, NotificationType};
use serde_json::{Value, json};

fn role<'a>(operator: &'a str, target: &'a str, opt: &'a str, value: &'a str) -> [(&'a str, &'a str); 4] {
    [("operator", operator), ("target", target), ("opt", opt), ("optvalue", value)]
}

#[test]
fn roles_and_lists_follow_the_table_of_transitions() {
    // S002-013, S002-044, S002-047
    let world = World::new();
    let mut bob = world.join("bob");
    let is = |accid: &str, r#type: &str| json!({ "code": 200, "desc": { "roomid": world.room, "level": 0, "accid": accid, "type": r#type } });
    world.expect(
        "setMemberRole",
        &[&role("alice", "bob", "1", "true")[..], &[("notifyExt", "why")]].concat(),
        is("bob", "MANAGER"),
    );
    let heard = bob.notification();
    assert_eq!((heard.r#type, heard.ext.as_str()), (NotificationType::AdministratorAdd as i32, "why"));
    world.refused(417, "setMemberRole", &role("alice", "bob", "1", "true"));
    world.expect("setMemberRole", &role("bob", "carol", "2", "true"), is("carol", "COMMON"));
    world.refused(403, "setMemberRole", &role("bob", "carol", "1", "true"));
    world.refused(403, "setMemberRole", &role("carol", "bob", "-2", "true"));
    world.expect("setMemberRole", &role("bob", "Carol", "-2", "true"), is("carol", "LIMITED"));
    world.refused(13004, "setMemberRole", &role("bob", "carol", "2", "true"));
    world.expect("setMemberRole", &role("bob", "carol", "-1", "true"), is("carol", "LIMITED"));
    world.refused(13003, "setMemberRole", &role("bob", "carol", "2", "true"));
    world.expect("setMemberRole", &role("bob", "carol", "-1", "false"), is("carol", "LIMITED"));
    world.expect("setMemberRole", &role("bob", "carol", "-2", "false"), is("carol", "UNSET"));
    world.refused(417, "setMemberRole", &role("bob", "carol", "-2", "false"));
    world.expect("setMemberRole", &role("alice", "bob", "1", "false"), is("bob", "COMMON"));
    world.expect(
        "setMemberRole",
        &[("operator", "alice"), ("target", "bob"), ("opt", "2"), ("optValue", "0")],
        is("bob", "TEMPORARY"),
    );
    world.expect("setMemberRole", &role("alice", "bob", "-1", "true"), is("bob", "LIMITED"));
    while !matches!(bob.push(), Push::Kicked(kicked) if kicked.reason == KickReason::Blocklisted as i32) {}

    let missing = world.refused(404, "setMemberRole", &role("alice", "nobody", "1", "true"));
    assert_eq!(missing["sub_code"], 102404);
    for (target, opt, value) in
        [("", "1", "true"), ("bob", "", "true"), ("bob", "3", "true"), ("bob", "0", "true"), ("bob", "1", "")]
    {
        world.refused(414, "setMemberRole", &role("alice", target, opt, value));
    }
    world.room("toggleCloseStat", &[("operator", "alice"), ("valid", "false")]);
    world.refused(13002, "setMemberRole", &role("alice", "bob", "1", "true"));
}

#[test]
fn a_target_that_is_nobody_is_looked_for_after_everything_about_the_caller() {
    // chatroom.md §c.0: parameters, room, closed, role, and only then the target.
    let world = World::new();
    let role = |operator, target| [("operator", operator), ("target", target), ("opt", "-2"), ("optvalue", "true")];
    world.refused(414, "setMemberRole", &[&role("carol", "nobody")[..], &[("notifyExt", &"x".repeat(2049))]].concat());
    world.refused(403, "setMemberRole", &role("carol", "nobody"));
    world.refused(404, "setMemberRole", &role("alice", "nobody"));
    let missing = [&role("carol", "nobody")[..], &[("roomid", "99")]].concat();
    assert_eq!(world.call("chatroom/setMemberRole", &missing)["sub_code"], 113404);
    world.room("toggleCloseStat", &[("operator", "alice"), ("valid", "false")]);
    world.refused(13002, "setMemberRole", &role("alice", "nobody"));
}

#[test]
fn a_temporary_mute_is_answered_with_its_seconds() {
    // S002-019, S002-045
    let world = World::new();
    let mut bob = world.join("bob");
    let by = |operator, target, seconds| [("operator", operator), ("target", target), ("muteDuration", seconds)];
    let seconds = |number: u32| json!({ "code": 200, "desc": { "muteDuration": number } });
    world.refused(417, "temporaryMute", &by("alice", "bob", "0"));
    world.expect("temporaryMute", &by("alice", "bob", "2592000"), seconds(2_592_000));
    let heard = bob.notification();
    assert_eq!((heard.r#type, heard.mute_seconds), (NotificationType::TempMuteAdd as i32, 2_592_000));
    assert_eq!(bob.send_text(world.room, "m1", "hear me").code, 13004);
    world.expect("temporaryMute", &[&by("alice", "bob", "1000")[..], &[("needNotify", "false")]].concat(), seconds(1000));
    assert!(bob.pushes_so_far().is_empty());
    let mut lifted = world.room("temporaryMute", &by("alice", "bob", "0"));
    let left = take(&mut lifted["desc"], "muteDuration").as_i64().unwrap();
    assert!((980..=1000).contains(&left) && lifted == json!({ "code": 200, "desc": {} }), "{left} {lifted}");
    assert_eq!(world.refused(404, "temporaryMute", &by("alice", "nobody", "5"))["sub_code"], 102404);
    world.refused(403, "temporaryMute", &by("bob", "carol", "5"));
    for duration in ["", "-1", "2592001", "1.5"] {
        world.refused(414, "temporaryMute", &by("alice", "bob", duration));
    }
}

#[test]
fn a_temporary_mute_waits_for_an_account_that_is_not_in_the_room() {
    let world = World::new();
    let mute = |seconds| [("operator", "alice"), ("target", "bob"), ("muteDuration", seconds)];
    let seconds = |number: u32| json!({ "code": 200, "desc": { "muteDuration": number } });
    world.expect("temporaryMute", &mute("600"), seconds(600));
    let mut bob = world.join("bob");
    assert_eq!(bob.send_text(world.room, "m1", "hear me").code, 13004);
    bob.cut();
    world.join("bob").cut();
    let left = world.room("temporaryMute", &mute("0"))["desc"]["muteDuration"].as_i64().unwrap();
    assert!((560..=600).contains(&left), "{left}");
    world.refused(417, "temporaryMute", &mute("0"));
    assert_eq!(world.join("bob").send_text(world.room, "m2", "hear me").code, 0);
}

/// Every member of a kind, read in pages of so many by the time of the last one.
fn in_pages(world: &World, endpoint: &str, query: &[(&str, &str)], limit: usize) -> Vec<String> {
    let (mut names, mut time, end) =
        (Vec::new(), "0".to_owned(), if endpoint == "tagMembersQuery" { "endTime" } else { "endtime" });
    loop {
        let more = [(end, time.as_str()), ("limit", &limit.to_string())];
        let answer = world.room(endpoint, &[query, &more].concat());
        let page = answer["desc"]["data"].as_array().unwrap_or_else(|| panic!("{answer}"));
        assert!(page.len() <= limit, "a page of {limit} holds {}", page.len());
        let Some(last) = page.last() else { return names };
        let text = |time: &Value| time.as_str().map_or_else(|| time.to_string(), str::to_owned);
        time = text(&last["enterTime"]);
        assert_eq!(text(&last["joinTime"]), time);
        names.extend(page.iter().map(|member| member["accid"].as_str().unwrap().to_owned()));
        assert!(names.len() <= 400, "pages that never end");
    }
}

#[test]
fn pages_follow_the_time_that_is_shown_and_lose_and_repeat_nobody() {
    // rest-api.md §4.15
    let world = World::new();
    let names: Vec<String> = (0..25).map(|number| format!("user{number:02}")).collect();
    for name in &names {
        assert_eq!(world.call("user/create", &[("accid", name)])["code"], 200);
    }
    let (robots, fixed) = names.split_at(13);
    // All of one call come in the same millisecond.
    let accids = serde_json::to_string(robots).unwrap();
    assert_eq!(world.code("addRobot", &[("accids", &accids)]), 200);
    for name in fixed {
        assert_eq!(world.code("setMemberRole", &role("alice", name, "2", "true")), 200);
    }
    let newest_first = |names: &[String]| names.iter().rev().cloned().collect::<Vec<_>>();
    for limit in [1, 4, 100] {
        assert_eq!(in_pages(&world, "membersByPage", &[("type", "1")], limit), newest_first(robots), "visitors by {limit}");
        let mut members = newest_first(fixed);
        members.push("alice".to_owned());
        assert_eq!(in_pages(&world, "membersByPage", &[("type", "0")], limit), members, "fixed members by {limit}");
    }
    let mut peers: Vec<_> = ["bob", "carol", "dave"].map(|name| world.join(name)).into();
    peers.extend([world.join("bob"), world.join("bob")]);
    for name in ["bob", "carol", "dave"] {
        world.done("updateChatRoomRoleTag", &[("accid", name), ("tags", r#"["t"]"#)]);
    }
    let all = in_pages(&world, "tagMembersQuery", &[("tag", "t")], 100);
    assert!(all.len() >= 3, "{all:?}");
    assert_eq!(in_pages(&world, "tagMembersQuery", &[("tag", "t")], 1), all);
}

#[test]
fn each_kind_of_members_is_paged_by_time_a_hundred_at_most() {
    // S002-022
    const EACH: usize = 130;
    crate::support::raise_open_files(4 * EACH as u64);
    let world = World::new();
    let names = |kind: &str| (0..EACH).map(|number| format!("{kind}{number:03}")).collect::<Vec<_>>();
    let (away, here, visitors) = (names("away"), names("here"), names("visitor"));
    for name in &away {
        assert_eq!(world.call("user/create", &[("accid", name)])["code"], 200);
    }
    let _inside: Vec<_> = here.iter().chain(&visitors).map(|name| world.join(name)).collect();
    for name in away.iter().chain(&here) {
        assert_eq!(world.code("setMemberRole", &role("alice", name, "2", "true")), 200);
    }
    let newest_first = |names: &[String]| names.iter().rev().cloned().collect::<Vec<_>>();
    let fixed = [newest_first(&here), newest_first(&away), vec!["alice".to_owned()]].concat();
    for (kind, expected) in [("0", fixed), ("1", newest_first(&visitors)), ("2", newest_first(&here))] {
        for limit in [100, 33] {
            assert_eq!(in_pages(&world, "membersByPage", &[("type", kind)], limit), expected, "type {kind} by {limit}");
        }
        let first = world.room("membersByPage", &[("type", kind), ("endtime", "0"), ("limit", "100")]);
        assert_eq!(first["desc"]["data"].as_array().map(Vec::len), Some(100), "as many as are asked for");
        world.refused(414, "membersByPage", &[("type", kind), ("endtime", "0"), ("limit", "101")]);
    }
}

#[test]
fn members_are_paged_by_kind() {
    // S002-047, S002-048
    let world = World::new();
    for (target, opt) in [("bob", "1"), ("carol", "-2")] {
        assert_eq!(world.code("setMemberRole", &role("alice", target, opt, "true")), 200);
    }
    let _bob = world.join("bob");
    let _guest = world.join("dave");
    world.room("temporaryMute", &[("operator", "alice"), ("target", "dave"), ("muteDuration", "100")]);
    fn page<'a>(kind: &'a str, limit: &'a str) -> [(&'a str, &'a str); 3] {
        [("type", kind), ("endtime", "0"), ("limit", limit)]
    }
    let members = |kind: &str, limit: &str| {
        let mut answer = world.room("membersByPage", &page(kind, limit));
        assert_eq!(answer["code"], 200, "{answer}");
        let data = take(&mut answer["desc"], "data");
        assert_eq!(answer, json!({ "code": 200, "desc": {} }));
        data.as_array().unwrap().clone()
    };
    let plain = |mut member: Value| {
        let entered = take(&mut member, "enterTime");
        assert_eq!(take(&mut member, "joinTime"), entered);
        assert!(entered.as_i64().unwrap() > 1_700_000_000_000, "the time the list is ordered by");
        member
    };
    let fixed: Vec<Value> = members("0", "100").into_iter().map(plain).collect();
    let object = |accid: &str, nick: &str, r#type: &str, online: bool| {
        json!({
            "roomid": world.room, "accid": accid, "nick": nick, "avator": "", "ext": "", "type": r#type, "level": 0,
            "onlineStat": online,
        })
    };
    let mut carol = object("carol", "Carol", "LIMITED", false);
    carol["muted"] = json!(true);
    let (bob, alice) = (object("bob", "Bob", "MANAGER", true), object("alice", "Alice", "CREATOR", false));
    assert_eq!(fixed, [carol, bob.clone(), alice]);
    let mut dave = members("1", "100").into_iter().map(plain).collect::<Vec<_>>();
    let left = take(&mut dave[0], "tempMuteTtl").as_i64().unwrap();
    assert!((80..=100).contains(&left), "{left}");
    let mut expected = object("dave", "", "TEMPORARY", true);
    expected["tempMuted"] = json!(true);
    assert_eq!(dave, [expected]);
    assert_eq!(members("2", "100").into_iter().map(plain).collect::<Vec<_>>(), [bob]);
    assert_eq!(members("1", "1")[0]["accid"], "dave");
    for parameters in [page("3", "100"), page("", "100"), page("0", "101"), page("0", "0"), page("0", "")] {
        world.refused(414, "membersByPage", &parameters);
    }
    assert_eq!(world.code("membersByPage", &[("type", "0"), ("limit", "5")]), 200, "without a time from now on");
    assert_eq!(world.code("membersByPage", &[("type", "0"), ("endTime", "0"), ("limit", "5")]), 200);
    // A closed room answers questions; one that is missing is 414 here.
    world.room("toggleCloseStat", &[("operator", "alice"), ("valid", "false")]);
    assert_eq!(members("0", "100").len(), 3);
    let nowhere = [&[("roomid", "99")][..], &page("0", "5")].concat();
    assert_eq!(world.call("chatroom/membersByPage", &nowhere)["code"], 414);
}

#[test]
fn members_are_looked_up_in_the_order_asked_for() {
    // S002-023, S002-048, S002-007
    let world = World::new();
    let _bob = world.join("bob");
    let many: Vec<String> = (0..198).map(|number| format!("\"stranger{number}\"")).collect();
    let ids = format!("[\"Bob\",\"alice\",{}]", many.join(","));
    let answer = world.room("queryMembers", &[("accids", &ids)]);
    let found: Vec<&Value> = answer["desc"]["data"].as_array().unwrap().iter().map(|member| &member["accid"]).collect();
    assert_eq!(found, ["bob", "alice"]);
    world.refused(414, "queryMembers", &[("accids", &format!("[\"a\",\"b\",\"c\",{}]", many.join(",")))]);
    for ids in ["", "[]", "bob", "[1]", "[\"a b\"]", "{\"a\":1}"] {
        world.refused(414, "queryMembers", &[("accids", ids)]);
    }
    world.expect("queryMembers", &[("accids", "[\"carol\"]")], json!({ "code": 200, "desc": { "data": [] } }));
}

#[test]
fn members_are_found_by_role() {
    let world = World::new();
    for (target, opt) in [("bob", "1"), ("carol", "-1")] {
        assert_eq!(world.code("setMemberRole", &role("alice", target, opt, "true")), 200);
    }
    let found = |roles: &str| {
        let answer = world.room("queryMembersByRole", &[("roles", roles)]);
        let data = answer["desc"]["data"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        data.iter().map(|member| member["accid"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found(r#"{"creator":true}"#), ["alice"]);
    assert_eq!(found(r#"{"manager":true,"creator":false}"#), ["bob"]);
    assert_eq!(found(r#"{"blacklist":true,"manager":true}"#), ["carol", "bob"]);
    assert_eq!(found(r#"{"mute":true}"#), [""; 0]);
    for roles in ["", "{}", r#"{"creator":false}"#, "[", "true"] {
        world.refused(414, "queryMembersByRole", &[("roles", roles)]);
    }
    let carol = &world.room("queryMembersByRole", &[("roles", r#"{"blacklist":true}"#)])["desc"]["data"][0];
    assert_eq!((&carol["blacklisted"], &carol["Blocklisted"]), (&json!(true), &json!(true)));
}

#[test]
fn the_names_of_the_first_documents_can_be_switched_off() {
    let setup = Setup { config: "[http]\nseed_aliases = false".into(), memory: true, ..Setup::default() };
    let world = World::on(Server::start(setup));
    assert_eq!(world.code("setMemberRole", &role("alice", "carol", "-1", "true")), 200);
    let expected = json!({
        "roomid": world.room, "accid": "carol", "nick": "Carol", "avator": "", "ext": "", "type": "LIMITED", "level": 0,
        "onlineStat": false, "enterTime": 0, "blacklisted": true,
    });
    world.expect("queryMembers", &[("accids", "[\"carol\"]")], json!({ "code": 200, "desc": { "data": [expected] } }));
}

#[test]
fn a_member_is_given_a_new_face() {
    // S002-024
    let world = World::new();
    let mut bob = world.join("bob");
    let face = [("accid", "bob"), ("nick", "B"), ("avator", "http://b"), ("ext", "e")];
    world.done("updateMyRoomRole", &face);
    // What is so already is done (rest-api.md §1.3).
    world.done("updateMyRoomRole", &face);
    assert!(bob.pushes_so_far().is_empty());
    world.done("updateMyRoomRole", &[("accid", "bob"), ("nick", ""), ("needNotify", "true"), ("notifyExt", "why")]);
    let heard = bob.notification();
    assert_eq!((heard.r#type, heard.ext.as_str()), (NotificationType::MemberUpdated as i32, "why"));
    assert_eq!(heard.member_updated.unwrap().nick.as_deref(), Some(""));
    let shown = |accid: &str| {
        let found = world.room("queryMembers", &[("accids", &format!("[\"{accid}\"]"))])["desc"]["data"][0].clone();
        (found["nick"].clone(), found["avator"].clone(), found["ext"].clone())
    };
    assert_eq!(shown("bob"), (json!(""), json!("http://b"), json!("e")));
    // A fixed member need not be here; what is saved stays.
    world.done("updateMyRoomRole", &[("accid", "alice"), ("nick", "A"), ("save", "true")]);
    assert_eq!(shown("alice").0, "A");
    world.refused(403, "updateMyRoomRole", &[("accid", "carol"), ("nick", "C")]);
    let text = |chars: usize| "é".repeat(chars);
    let (nick, avatar, ext) = (text(65), text(1025), text(4097));
    // Nothing to change is nothing to refuse, but for who is no member.
    world.done("updateMyRoomRole", &[("accid", "bob"), ("needNotify", "true")]);
    world.done("updateMyRoomRole", &[("accid", "alice"), ("save", "true")]);
    assert!(bob.pushes_so_far().is_empty());
    world.refused(403, "updateMyRoomRole", &[("accid", "carol")]);
    for more in [&[("nick", &nick[..])][..], &[("avator", &avatar)], &[("ext", &ext)], &[("nick", "n"), ("save", "x")]] {
        world.refused(414, "updateMyRoomRole", &[&[("accid", "bob")], more].concat());
    }
}

#[test]
fn a_member_is_put_out() {
    let world = World::new();
    let mut bob = world.join("bob");
    let by = |operator, target| [("accid", operator), ("targetAccid", target)];
    world.refused(403, "kickMember", &by("carol", "bob"));
    world.done("kickMember", &[&by("alice", "bob")[..], &[("notifyExt", "why")]].concat());
    let heard = bob.notification();
    assert_eq!((heard.r#type, heard.ext.as_str()), (NotificationType::MemberKicked as i32, "why"));
    assert!(matches!(bob.push(), Push::Kicked(kicked) if kicked.reason == KickReason::ManagerKick as i32));
    assert_eq!(world.refused(404, "kickMember", &by("alice", "bob"))["sub_code"], 114304);
    world.refused(414, "kickMember", &[("accid", "alice")]);
    world.join("bob");
}
