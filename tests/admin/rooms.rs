//! Calls about rooms, whole answers: rest-api.md §4.3-§4.5, §4.7, §4.13, §4.18, §4.19.

use crate::support::{Peer, Server, Setup, wait_until};
use crate::world::{World, take};
use chatroom::wire::Push;
use chatroom::wire::pb::{KickReason, NotificationType};
use serde_json::json;

#[test]
fn a_batch_of_rooms_is_sorted_into_found_and_missing() {
    // S002-010, S002-007
    let world = World::new();
    let second = world.server.admin().create_room("bob", "second");
    let _bob = Peer::join(&world.server, "bob", second);
    let object = |room: i64, name: &str, creator: &str, notify: bool, online: i64| {
        json!({
            "roomid": room, "valid": true, "muted": false, "announcement": null, "name": name, "broadcasturl": "",
            "onlineusercount": online, "ext": "", "creator": creator, "queuelevel": 0, "ionotify": notify,
        })
    };
    let ids = format!("[{second}, 99, \"{}\", {second}]", world.room);
    let found = world.call("chatroom/getBatch", &[("roomids", &ids), ("needOnlineUserCount", "true")]);
    let expected = json!({
        "succRooms": [object(second, "second", "bob", true, 1), object(world.room, "lobby", "alice", false, 0)],
        "noExistRooms": [99], "failRooms": [], "code": 200,
    });
    assert_eq!(found, expected);
    let none = json!({ "succRooms": [], "noExistRooms": [98, 99], "failRooms": [], "code": 200 });
    assert_eq!(world.call("chatroom/getBatch", &[("roomids", "[98,99]")]), none);
    // Numbers that no room can have are numbers of no room.
    let impossible = json!({ "succRooms": [], "noExistRooms": [0, -5, 99], "failRooms": [], "code": 200 });
    assert_eq!(world.call("chatroom/getBatch", &[("roomids", "[0,-5,99,\"0\"]")]), impossible);
    let many = |count: i64| format!("[{}]", (1..=count).map(|id| id.to_string()).collect::<Vec<_>>().join(","));
    let code = |ids: &str| world.call("chatroom/getBatch", &[("roomids", ids)])["code"].clone();
    assert_eq!(code(&many(20)), 200);
    for ids in [&many(21)[..], "[]", "", "1", "[1", "[1.5]", "[\"a\"]", "{}"] {
        assert_eq!(code(ids), 414, "{ids}");
    }
}

#[test]
fn an_update_changes_what_is_given_and_members_hear_of_it_unless_they_must_not() {
    // S002-011, S002-043, S002-044, S002-045
    let world = World::new();
    let mut bob = world.join("bob");
    let object = |name: &str, announcement: serde_json::Value, ext: &str, level: u32| {
        json!({ "code": 200, "chatroom": {
            "roomid": world.room, "valid": true, "muted": false, "announcement": announcement, "name": name,
            "broadcasturl": "", "ext": ext, "creator": "alice", "queuelevel": level,
        }})
    };
    world.expect("update", &[("name", "hall"), ("ext", "e"), ("notifyExt", "why")], object("hall", json!(null), "e", 0));
    let heard = bob.notification();
    assert_eq!(heard.r#type, NotificationType::RoomUpdated as i32);
    assert_eq!((heard.operator.as_str(), heard.ext.as_str()), ("alice", "why"));
    world.expect("update", &[("announcement", "a"), ("needNotify", "false")], object("hall", json!("a"), "e", 0));
    // An empty text clears; what is equal already changes nothing, and is no failure here.
    let cleared = object("hall", json!(""), "", 1);
    world.expect("update", &[("announcement", ""), ("ext", ""), ("queuelevel", "1"), ("needNotify", "false")], cleared.clone());
    world.expect("update", &[("queuelevel", "1")], cleared);
    assert!(bob.pushes_so_far().is_empty());

    let text = |chars: usize| "é".repeat(chars);
    for parameters in [
        &[][..],
        &[("needNotify", "true")],
        &[("name", "")],
        &[("queuelevel", "2")],
        &[("queuelevel", "x")],
        &[("ext", "x"), ("needNotify", "maybe")],
        &[("name", &text(129))],
        &[("announcement", &text(4097))],
        &[("broadcasturl", &text(1025))],
        &[("ext", &text(4097))],
        &[("ext", "x"), ("notifyExt", &text(2049))],
    ] {
        world.refused(414, "update", parameters);
    }
    world.done("updateInOutNotification", &[("close", "true")]);
    world.room("toggleCloseStat", &[("operator", "alice"), ("valid", "false")]);
    assert_eq!(world.refused(13002, "update", &[("name", "n")])["sub_code"], 113406);
    assert_eq!(world.call("chatroom/update", &[("roomid", "99"), ("name", "n")])["code"], 404);
}

#[test]
fn only_the_creator_closes_and_opens_a_room() {
    // S002-012
    let world = World::new();
    let mut bob = world.join("bob");
    let toggle = |operator: &str, valid: &str| world.room("toggleCloseStat", &[("operator", operator), ("valid", valid)]);
    let object = |valid: bool| {
        json!({ "code": 200, "desc": {
            "roomid": world.room, "valid": valid, "muted": false, "announcement": null, "name": "lobby",
            "broadcasturl": "", "ext": "", "creator": "alice", "queuelevel": 0,
        }})
    };
    assert_eq!(toggle("bob", "false")["code"], 403);
    assert_eq!(toggle("alice", "true"), json!({ "code": 417, "desc": "repeated", "sub_code": 113409 }));
    assert_eq!(toggle("alice", "false"), object(false));
    assert_eq!(bob.notification().r#type, NotificationType::RoomClosed as i32);
    assert!(matches!(bob.push(), Push::Kicked(kicked) if kicked.reason == KickReason::RoomClosed as i32));
    bob.expect_closed_after_pushes();
    assert_eq!(toggle("alice", "false"), json!({ "code": 417, "desc": "repeated", "sub_code": 113409 }));
    assert_eq!(world.room("get", &[])["chatroom"]["valid"], false);
    assert_eq!(toggle("alice", "TRUE"), object(true));
    world.join("bob");
    for (operator, valid) in [("", "true"), ("alice", ""), ("alice", "maybe"), ("a b", "true")] {
        assert_eq!(toggle(operator, valid)["code"], 414, "{operator} {valid}");
    }
    let nowhere = world.call("chatroom/toggleCloseStat", &[("roomid", "99"), ("operator", "alice"), ("valid", "true")]);
    assert_eq!(nowhere["code"], 404);
}

#[test]
fn a_muted_room_lets_its_creator_and_administrators_speak() {
    // S002-020, S002-045
    let world = World::new();
    let mut bob = world.join("bob");
    let success = json!({ "code": 200, "desc": { "success": true } });
    let by = |operator, mute| [("operator", operator), ("mute", mute)];
    world.expect("muteRoom", &by("alice", "true"), success.clone());
    assert_eq!(bob.notification().r#type, NotificationType::RoomMuted as i32);
    assert_eq!(bob.send_text(world.room, "m1", "hear me").code, 13006);
    world.expect("muteRoom", &by("alice", "true"), success.clone());
    world.expect("muteRoom", &[("operator", "alice"), ("mute", "false"), ("needNotify", "false")], success);
    assert!(bob.pushes_so_far().is_empty());
    assert_eq!(bob.send_text(world.room, "m2", "hear me").code, 0);
    world.refused(403, "muteRoom", &by("bob", "true"));
    world.refused(403, "muteRoom", &by("nobody", "true"));
    world.refused(414, "muteRoom", &by("alice", ""));
    // The endpoint has neither 404 nor 13002.
    let nowhere = world.call("chatroom/muteRoom", &[("roomid", "99"), ("operator", "alice"), ("mute", "true")]);
    assert_eq!(nowhere, json!({ "code": 414, "desc": "room missing", "sub_code": 113404 }));
    world.room("toggleCloseStat", &[("operator", "alice"), ("valid", "false")]);
    assert_eq!(world.refused(403, "muteRoom", &by("alice", "true"))["sub_code"], 113406);
}

#[test]
fn who_comes_and_goes_is_told_or_not() {
    // S002-026
    let world = World::new();
    let mut bob = world.join("bob");
    world.done("updateInOutNotification", &[("close", "false")]);
    world.done("updateInOutNotification", &[("close", "false")]);
    assert_eq!(world.room("get", &[])["chatroom"]["ionotify"], true);
    let carol = world.join("carol");
    assert_eq!(bob.notification().r#type, NotificationType::MemberEnter as i32);
    world.done("updateInOutNotification", &[("close", "true")]);
    assert_eq!(world.room("get", &[])["chatroom"]["ionotify"], false);
    carol.cut();
    world.join("carol");
    assert!(bob.pushes_so_far().is_empty());
    world.refused(414, "updateInOutNotification", &[]);
    assert_eq!(world.call("chatroom/updateInOutNotification", &[("roomid", "99"), ("close", "true")])["code"], 414);
}

#[test]
fn the_open_rooms_of_a_creator_are_listed_as_texts() {
    // S002-025
    let folder = tempfile::tempdir().unwrap();
    let setup = || Setup {
        config: crate::support::process::UNLIMITED.into(),
        data: Some(folder.path().join("data")),
        ..Setup::default()
    };
    let world = World::on(Server::start(setup()));
    let admin = world.server.admin();
    let mut rooms = vec![world.room];
    rooms.extend((0..10).map(|number| admin.create_room("alice", &format!("room {number}"))));
    admin.create_room("bob", "not hers");
    let listed = |admin: &crate::support::Admin| admin.call("chatroom/queryUserRoomIds", &[("creator", "Alice")]);
    let expected = |rooms: &[i64]| {
        let ids: Vec<String> = rooms.iter().map(i64::to_string).collect();
        json!({ "code": 200, "desc": { "roomids": ids } })
    };
    assert_eq!(listed(&admin), expected(&rooms));
    let toggle = |valid| world.room("toggleCloseStat", &[("operator", "alice"), ("valid", valid)])["code"].clone();
    assert_eq!(toggle("false"), 200);
    assert_eq!(listed(&admin), expected(&rooms[1..]));
    assert_eq!(toggle("true"), 200);
    assert_eq!(listed(&admin), expected(&rooms));
    assert_eq!(toggle("false"), 200);
    assert_eq!(listed(&admin), expected(&rooms[1..]));
    drop(world);

    let server = Server::start(setup());
    let admin = server.admin();
    assert_eq!(listed(&admin), expected(&rooms[1..]));
    let of = |creator: &str| admin.call("chatroom/queryUserRoomIds", &[("creator", creator)]);
    assert_eq!(of("carol"), json!({ "code": 200, "desc": { "roomids": [] } }));
    assert_eq!(of("nobody"), json!({ "code": 414, "desc": "account missing", "sub_code": 102404 }));
    assert_eq!(of("")["code"], 414);
}

#[test]
fn a_deleted_room_is_gone_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let setup = || Setup {
        config: crate::support::process::UNLIMITED.into(),
        data: Some(folder.path().join("data")),
        ..Setup::default()
    };
    let world = World::on(Server::start(setup()));
    let sent = world.room("sendMsg", &[("msgId", "m"), ("fromAccid", "bob"), ("msgType", "0"), ("attach", "farewell, all")]);
    assert_eq!(sent["code"], 200);
    world.refused(403, "delete", &[("operator", "alice")]);
    assert_eq!(world.code("toggleCloseStat", &[("operator", "alice"), ("valid", "false")]), 200);
    world.refused(403, "delete", &[("operator", "bob")]);
    world.refused(414, "delete", &[]);
    world.done("delete", &[("operator", "alice")]);
    let is_gone = |admin: &crate::support::Admin| {
        let room = world.room.to_string();
        let missing = json!({ "code": 404, "desc": "room missing", "sub_code": 113404 });
        assert_eq!(admin.call("chatroom/get", &[("roomid", &room)]), missing);
        assert_eq!(admin.call("chatroom/delete", &[("roomid", &room), ("operator", "alice")]), missing);
        let open = [("roomid", &room[..]), ("operator", "alice"), ("valid", "true")];
        assert_eq!(admin.call("chatroom/toggleCloseStat", &open)["code"], 404);
        let history = [("roomid", &room[..]), ("accid", "bob"), ("timetag", "0"), ("limit", "5")];
        assert_eq!(admin.call("history/queryChatroomMsg", &history), missing);
        let listed = admin.call("chatroom/queryUserRoomIds", &[("creator", "alice")]);
        assert_eq!(listed, json!({ "code": 200, "desc": { "roomids": [] } }));
    };
    is_gone(&world.server.admin());
    let room = world.room;
    drop(world.server);
    let server = Server::start(setup());
    is_gone(&server.admin());
    assert_eq!(server.admin().create_room("bob", "another"), room + 1, "its number is not used again");
}

#[test]
fn clients_are_told_where_to_connect() {
    // S002-014
    let world = World::new();
    let listening = json!({ "code": 200, "addr": [world.server.wire.to_string()] });
    world.expect("requestAddr", &[("accid", "bob"), ("clienttype", "2")], listening.clone());
    world.expect("requestAddr", &[("accid", "bob"), ("clientType", "2"), ("clientip", "2001:db8::1")], listening);
    // While there are no addresses for WebSocket those who ask for some get the others, so that the default call succeeds.
    for kind in [&[("accid", "bob")][..], &[("accid", "bob"), ("clienttype", "1")], &[("accid", "bob"), ("clienttype", "3")]] {
        let listening = json!({ "code": 200, "addr": [world.server.wire.to_string()] });
        world.expect("requestAddr", kind, listening);
    }
    for parameters in [
        &[("clienttype", "2")][..],
        &[("accid", "bob"), ("clienttype", "4")],
        &[("accid", "bob"), ("clienttype", "2"), ("clientip", "here")],
        &[("accid", "nobody"), ("clienttype", "2")],
    ] {
        world.refused(414, "requestAddr", parameters);
    }
    assert_eq!(world.call("chatroom/requestAddr", &[("roomid", "99"), ("accid", "bob"), ("clienttype", "2")])["code"], 414);
    world.room("toggleCloseStat", &[("operator", "alice"), ("valid", "false")]);
    world.refused(13002, "requestAddr", &[("accid", "bob"), ("clienttype", "2")]);

    let config = "[http]\nclient_addresses = \"chat.example.org:7400, [2001:db8::2]:7400\"";
    let world = World::on(Server::start(Setup { config: config.into(), memory: true, ..Setup::default() }));
    let given = json!({ "code": 200, "addr": ["chat.example.org:7400", "[2001:db8::2]:7400"] });
    world.expect("requestAddr", &[("accid", "bob"), ("clienttype", "2")], given.clone());
    world.expect("requestAddr", &[("accid", "bob")], given);

    let config = "[http]\nclient_addresses = \"none\"\nwebsocket_addresses = \"gate.example.org:443\"";
    let world = World::on(Server::start(Setup { config: config.into(), memory: true, ..Setup::default() }));
    let given = json!({ "code": 200, "addr": ["gate.example.org:443"] });
    world.expect("requestAddr", &[("accid", "bob")], given.clone());
    world.expect("requestAddr", &[("accid", "bob"), ("clienttype", "3")], given);
    world.refused(514, "requestAddr", &[("accid", "bob"), ("clienttype", "2")]);
}

#[test]
fn clients_are_never_told_to_connect_to_an_unspecified_address() {
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let arguments = ["--listen", listen].map(str::to_owned).to_vec();
        let world = World::on(Server::start(Setup { arguments, no_listen: true, memory: true, ..Setup::default() }));
        let port = world.server.wire.port();
        for kind in ["1", "2", "3"] {
            let answer = world.room("requestAddr", &[("accid", "bob"), ("clienttype", kind)]);
            assert_eq!(answer, json!({ "code": 200, "addr": [format!("127.0.0.1:{port}")] }), "{listen} {kind}");
        }
        let addr = world.room("requestAddr", &[("accid", "bob")])["addr"][0].as_str().unwrap().to_owned();
        assert!(std::net::TcpStream::connect(addr).is_ok(), "it is an address that can be reached");
    }
}

#[test]
fn a_room_closes_by_itself_when_it_was_told_to() {
    let world = World::new();
    let created = world.call(
        "chatroom/create",
        &[("creator", "alice"), ("name", "n"), ("delayClosePolicy", "2"), ("delaySeconds", "100"), ("inOutNotification", "0")],
    );
    assert_eq!(created["chatroom"]["delayInfo"]["delayClosePolicy"], 2, "{created}");
    let told = |policy: &str, seconds: &str| {
        world.room("updateDelayClosePolicy", &[("delayClosePolicy", policy), ("delaySeconds", seconds)])
    };
    let mut answer = told("1", "");
    let start = take(&mut answer["chatroom"]["delayInfo"], "startTime");
    assert!(start.as_i64().unwrap() > 1_700_000_000_000);
    let object = |delay: serde_json::Value| {
        let mut object = json!({
            "roomid": world.room, "valid": true, "muted": false, "announcement": null, "name": "lobby", "broadcasturl": "",
            "ext": "", "creator": "alice", "queuelevel": 0,
        });
        if !delay.is_null() {
            object["delayInfo"] = delay;
        }
        json!({ "code": 200, "chatroom": object })
    };
    let delay = json!({ "delayCloseEnable": true, "delayClosePolicy": 1, "delaySeconds": 604_800, "status": 1 });
    assert_eq!(answer, object(delay));
    assert_eq!(told("0", ""), object(json!(null)));
    for (policy, seconds) in [("", "5"), ("3", "5"), ("x", "5"), ("1", "604801"), ("1", "-1")] {
        assert_eq!(told(policy, seconds)["code"], 414, "{policy} {seconds}");
    }
    let mut bob = world.join("bob");
    assert_eq!(told("1", "1")["code"], 200);
    let heard = bob.notification();
    assert_eq!((heard.r#type, heard.operator.as_str()), (NotificationType::RoomClosed as i32, "alice"));
    wait_until("the room to be closed", || world.room("get", &[])["chatroom"]["valid"] == false);
    assert_eq!(told("1", "1")["code"], 13002);
    let opened = [("operator", "alice"), ("valid", "true"), ("delayClosePolicy", "1"), ("delaySeconds", "60")];
    assert_eq!(world.room("toggleCloseStat", &opened)["desc"]["delayInfo"]["delaySeconds"], 60);
}
