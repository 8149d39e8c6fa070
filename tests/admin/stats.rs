//! `/stats/chatroom/topn.action` over real HTTP: rest-api.md §4.14. Hours, days and their ends stand in the tests of the figures
//! themselves, where time is made to pass.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::process::UNLIMITED;
use crate::support::{Admin, PATIENCE, Peer, Server, Setup, wait_until};
use crate::world::World;
use serde_json::{Value, json};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// Runs a test within one hour of the clock: again, from its beginning, if an hour ends meanwhile.
fn within_an_hour(test: impl Fn(i64)) {
    loop {
        let hour = now() / HOUR * HOUR;
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(hour)));
        match result {
            _ if now() / HOUR * HOUR != hour => {}
            Ok(()) => return,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

fn top(admin: &Admin, parameters: &[(&str, &str)]) -> Value {
    admin.call("stats/chatroom/topn", parameters)
}

fn row(room: i64, start: i64, [active, enters, messages]: [u32; 3]) -> Value {
    json!({
        "activeNums": active, "datetime": start, "enterNums": enters, "joinNums": enters, "msgs": messages, "period": "HOUR",
        "roomId": room,
    })
}

/// Waits until this is the answer: what happens is added up once a second.
#[track_caller]
fn becomes(admin: &Admin, parameters: &[(&str, &str)], rows: &[Value]) {
    let expected = json!({ "code": 200, "data": rows });
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let found = top(admin, parameters);
        if found == expected {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "{parameters:?}: {found} instead of {expected}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn rooms(answer: &Value) -> Vec<i64> {
    answer["data"].as_array().unwrap().iter().map(|row| row["roomId"].as_i64().unwrap()).collect()
}

#[test]
fn rooms_stand_in_the_order_that_is_asked_for() {
    // S002-021
    within_an_hour(|hour| {
        let world = World::on(Server::start(Setup {
            config: UNLIMITED.into(),
            memory: true,
            workers: Some(2),
            arguments: vec!["--app".into(), "second:another-secret".into()],
            ..Setup::default()
        }));
        let admin = world.server.admin();
        assert_eq!(top(&admin, &[]), json!({ "code": 200, "data": [] }));
        let [loud, busy, quiet] = ["loud", "busy", "quiet"].map(|name| admin.create_quiet_room("alice", name));
        admin.create_quiet_room("alice", "empty");
        let mut bob = Peer::join(&world.server, "bob", loud);
        for number in 0..5 {
            assert_eq!(bob.send_text(loud, &format!("m{number}"), "x").code, 0);
        }
        let members: Vec<Peer> = (0..4).map(|number| Peer::join(&world.server, &format!("b{number}"), busy)).collect();
        let _once = Peer::join(&world.server, "quiet1", quiet);
        let sent = [("fromAccid", "carol"), ("msgId", "c1"), ("msgType", "0"), ("attach", "x")];
        let room = loud.to_string();
        assert_eq!(admin.call("chatroom/sendMsg", &[&sent[..], &[("roomid", &room)]].concat())["code"], 200);
        let (loud, busy, quiet) = (row(loud, hour, [2, 1, 6]), row(busy, hour, [4, 4, 0]), row(quiet, hour, [1, 1, 0]));
        let by_active = [busy.clone(), loud.clone(), quiet.clone()];
        becomes(&admin, &[], &by_active);
        becomes(&admin, &[("orderby", "active"), ("period", "hour"), ("topn", "500")], &by_active);
        // Of equal ones the room with the smaller number comes first.
        for orderby in ["join", "enter"] {
            becomes(&admin, &[("orderby", orderby)], &[busy.clone(), loud.clone(), quiet.clone()]);
        }
        becomes(&admin, &[("orderby", "message")], &[loud.clone(), busy.clone(), quiet.clone()]);
        becomes(&admin, &[("orderby", "message"), ("topn", "1")], std::slice::from_ref(&loud));
        let second = Admin::new(world.server.admin, "second", "another-secret");
        assert_eq!(top(&second, &[]), json!({ "code": 200, "data": [] }), "of another application nothing is known");
        drop(members);
    });
}

#[test]
fn robots_and_broadcasts_do_not_count_and_who_comes_twice_is_one() {
    // S002-021
    within_an_hour(|hour| {
        let world = World::new();
        let robots = world.room("addRobot", &[("accids", r#"["bob"]"#)]);
        assert_eq!(robots["code"], 200);
        let send = |from, id| [("fromAccid", from), ("msgId", id), ("msgType", "0"), ("attach", "x")];
        assert_eq!(world.code("sendMsg", &send("bob", "m1")), 200);
        assert_eq!(world.call("chatroom/broadcast", &send("alice", "m2"))["code"], 200);
        let mut dave = world.join("dave");
        assert!(matches!(dave.call(exit(world.room)), chatroom::wire::Response::RoomExit(_)));
        let _dave = world.join("dave");
        becomes(&world.server.admin(), &[], &[row(world.room, hour, [1, 2, 0])]);
    });
}

fn exit(room_id: i64) -> chatroom::wire::Request {
    chatroom::wire::Request::RoomExit(chatroom::wire::pb::RoomExitRequest { room_id })
}

#[test]
fn times_may_be_in_seconds_or_milliseconds_and_reach_back_thirty_days() {
    // S002-021
    within_an_hour(|hour| {
        let world = World::new();
        let _bob = world.join("bob");
        let admin = world.server.admin();
        let rows = [row(world.room, hour, [1, 1, 0])];
        let text = |number: i64| number.to_string();
        for time in [text(now()), text(now() * 1000), text(hour), text((hour + HOUR) * 1000 - 1)] {
            becomes(&admin, &[("timestamp", &time)], &rows);
        }
        let empty = json!({ "code": 200, "data": [] });
        let today = now() / DAY * DAY;
        for period in ["hour", "day"] {
            for time in [today - 30 * DAY, (today - 30 * DAY) * 1000, today - DAY] {
                assert_eq!(top(&admin, &[("timestamp", &text(time)), ("period", period)]), empty, "{period} {time}");
            }
            let beyond = [
                today - 30 * DAY - 1,
                (today - 30 * DAY) * 1000 - 1,
                today + DAY,
                (today + DAY) * 1000,
                -1,
                0,
                i64::MAX,
                i64::MIN,
            ];
            for time in beyond {
                let answer = top(&admin, &[("timestamp", &text(time)), ("period", period)]);
                assert!(answer["code"] == 414 && answer["desc"].is_string(), "{period} {time}: {answer}");
            }
        }
        // What happens today is told tomorrow.
        assert_eq!(top(&admin, &[("period", "day")]), empty);
        assert_eq!(top(&admin, &[("period", "day"), ("timestamp", &text(now()))]), empty);
    });
}

#[test]
fn parameters_out_of_bounds_are_414() {
    // S002-021
    let world = World::new();
    let admin = world.server.admin();
    for good in [("topn", "1"), ("topn", "500"), ("topn", ""), ("period", ""), ("orderby", ""), ("timestamp", "")] {
        assert_eq!(top(&admin, &[good])["code"], 200, "{good:?}");
    }
    let bad = [
        ("topn", "0"),
        ("topn", "501"),
        ("topn", "-1"),
        ("topn", "x"),
        ("period", "week"),
        ("period", "DAYS"),
        ("orderby", "name"),
        ("orderby", "messages"),
        ("timestamp", "now"),
        ("timestamp", "1.5"),
        ("timestamp", "99999999999999999999"),
    ];
    for parameter in bad {
        let answer = top(&admin, &[parameter]);
        assert!(answer["code"] == 414 && answer["desc"].is_string(), "{parameter:?}: {answer}");
    }
}

#[test]
fn without_the_old_names_joins_are_told_once() {
    let arguments = vec!["--set".into(), "http.seed_aliases=false".into()];
    let world = World::on(Server::start(Setup { config: UNLIMITED.into(), memory: true, arguments, ..Setup::default() }));
    let _bob = world.join("bob");
    let admin = world.server.admin();
    wait_until("the figures", || top(&admin, &[])["data"].as_array().is_some_and(|rows| !rows.is_empty()));
    let row = &top(&admin, &[])["data"][0];
    assert!(row.get("joinNums").is_none() && row["enterNums"] == 1, "{row}");
}

#[test]
fn five_hundred_rooms_are_told_and_no_more() {
    let world = World::new();
    let admin = world.server.admin();
    let send = [("fromAccid", "bob"), ("msgId", "m"), ("msgType", "0"), ("attach", "x")];
    for _ in 0..503 {
        let room = admin.create_quiet_room("alice", "r").to_string();
        assert_eq!(admin.call("chatroom/sendMsg", &[&send[..], &[("roomid", &room)]].concat())["code"], 200);
    }
    // An hour may end meanwhile: then the rest is in the next one.
    within_an_hour(|_| {
        for (topn, most) in [("500", 500), ("499", 499), ("", 100)] {
            let found = rooms(&top(&admin, &[("topn", topn)]));
            assert!(found.len() <= most && found.is_sorted(), "{topn}: {found:?}");
        }
    });
    let all = |time: i64| rooms(&top(&admin, &[("topn", "500"), ("timestamp", &time.to_string())])).len();
    wait_until("the figures", || all(now()) == 500 || all(now()) + all(now() - HOUR) >= 503);
}

#[test]
fn a_restart_keeps_the_figures_and_goes_on_with_them() {
    // S002-021
    within_an_hour(|hour| {
        let folder = tempfile::tempdir().unwrap();
        let setup = || Setup { config: UNLIMITED.into(), data: Some(folder.path().join("data")), ..Setup::default() };
        let server = Server::start(setup());
        for account in ["alice", "bob"] {
            server.admin().create_user(account);
        }
        let room = server.admin().create_quiet_room("alice", "lasting");
        let mut bob = Peer::join(&server, "bob", room);
        assert_eq!(bob.send_text(room, "m1", "x").code, 0);
        drop(bob);
        // A server that is told to stop writes down what it has counted by then.
        server.terminate();
        assert!(server.wait(PATIENCE).success());
        let server = Server::start(setup());
        becomes(&server.admin(), &[], &[row(room, hour, [1, 1, 1])]);
        let _bob = Peer::join(&server, "bob", room);
        let _carol = Peer::join(&server, "carol", room);
        becomes(&server.admin(), &[], &[row(room, hour, [2, 3, 1])]);
    });
}

#[test]
fn a_killed_server_loses_the_last_seconds_at_most() {
    // S002-021
    within_an_hour(|hour| {
        let folder = tempfile::tempdir().unwrap();
        let setup = || Setup { config: UNLIMITED.into(), data: Some(folder.path().join("data")), ..Setup::default() };
        let server = Server::start(setup());
        server.admin().create_user("alice");
        let room = server.admin().create_quiet_room("alice", "lasting");
        let mut alice = Peer::join(&server, "alice", room);
        // It goes on being busy for far longer than there is between two writes; the first half must be there.
        let (begun, mut sent, mut early) = (std::time::Instant::now(), 0_u32, 0);
        while begun.elapsed() < std::time::Duration::from_secs(10) {
            sent += 1;
            assert_eq!(alice.send_text(room, &format!("m{sent}"), "x").code, 0);
            if begun.elapsed() < std::time::Duration::from_secs(5) {
                early = sent;
            }
        }
        server.kill();
        let server = Server::start(setup());
        let found = top(&server.admin(), &[]);
        let messages = found["data"][0]["msgs"].as_u64().unwrap_or_else(|| panic!("{found}"));
        assert!((u64::from(early)..=u64::from(sent)).contains(&messages), "{early} <= {messages} <= {sent}");
        assert_eq!(found["data"], json!([row(room, hour, [1, 1, u32::try_from(messages).unwrap()])]));
    });
}

#[test]
fn too_many_calls_are_416() {
    let config = UNLIMITED.replace("calls_per_second = 0", "calls_per_second = 2\nblock_ms = 600000");
    let server = Server::start(Setup { config, memory: true, ..Setup::default() });
    let codes: Vec<Value> = (0..60).map(|_| top(&server.admin(), &[])["code"].clone()).collect();
    assert!(codes[0] == 200 && codes.contains(&json!(416)), "{codes:?}");
}
