//! What applications are told over HTTP: copies of messages, and who comes and goes (chatroom.md §e.9, docs/webhooks.md).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::hook::{Hook, Says, Told, nobody};
use crate::support::peer::{login, text_message};
use crate::support::process::{APP_KEY, APP_SECRET, UNLIMITED};
use crate::support::{Peer, Server, Setup, quantile, wait_until};
use chatroom::limits;
use chatroom::wire::pb::{self, MessageSendRequest, MessageType};
use chatroom::wire::{Request, Response};
use serde_json::json;

/// A configuration in which the application of the tests has this webhook; `more` are further sections.
fn config(webhook: &str, more: &str) -> String {
    format!("{UNLIMITED}{more}\n[[apps]]\nkey = \"{APP_KEY}\"\nsecret = \"{APP_SECRET}\"\nwebhook = {{ {webhook} }}\n")
}

pub fn setup(webhook: &str, more: &str) -> Setup {
    Setup { config: config(webhook, more), memory: true, no_app: true, ..Setup::default() }
}

pub fn room(server: &Server) -> i64 {
    server.admin().create_user("owner");
    server.admin().create_quiet_room("owner", "reported")
}

/// The sum of a metric over those of its series that hold `label`.
pub fn metric(server: &Server, name: &str, label: &str) -> f64 {
    let of = |line: &str| {
        let (series, value) = line.rsplit_once(' ')?;
        (series.split('{').next() == Some(name) && series.contains(label)).then(|| value.parse::<f64>().ok())?
    };
    server.admin().page("/metrics").1.lines().filter_map(of).sum()
}

fn send(peer: &mut Peer, message: MessageSendRequest) -> pb::MessageSendResponse {
    match peer.call(Request::MessageSend(Box::new(message))) {
        Response::MessageSend(answer) => {
            assert_eq!(answer.code, 0, "{}", answer.desc);
            answer
        }
        other => panic!("a send was answered with {other:?}"),
    }
}

pub fn say(peer: &mut Peer, room: i64, id: &str) -> pb::MessageSendResponse {
    send(peer, text_message(room, id, id))
}

/// Sends messages named `0`, `1` and so on.
pub fn say_many(peer: &mut Peer, room: i64, count: usize) {
    (0..count).for_each(|number| drop(say(peer, room, &number.to_string())));
}

/// What was told, without what was told before.
fn once(told: &[Told]) -> Vec<Told> {
    let mut seen = std::collections::HashSet::new();
    told.iter().filter(|told| seen.insert(told.text("eventId"))).cloned().collect()
}

#[test]
fn copies_of_messages_look_as_receivers_of_nim_expect_and_are_signed() {
    let hook = Hook::start();
    let server = Server::start(setup(&format!("url = \"{}\", in_out = false", hook.url("copies")), ""));
    let room = room(&server);
    let enter = pb::RoomEnterRequest {
        room_id: room,
        nick: "Ann".into(),
        avatar: "face.png".into(),
        ext: "vip".into(),
        ..Default::default()
    };
    let (mut ann, _) = Peer::log_in(&server, pb::LoginRequest { enter: Some(enter), ..login("ann", None) });
    let text = MessageSendRequest { ext: "e".into(), resend: true, sub_type: 7, ..text_message(room, "m1", "hello ✓") };
    let text = send(&mut ann, text);
    let custom = MessageSendRequest {
        r#type: MessageType::Custom as i32,
        body: Default::default(),
        attach: "{\"value\":3}".into(),
        to_accounts: vec!["owner".into()],
        ..text_message(room, "m2", "")
    };
    let custom = send(&mut ann, custom);
    let geo = "{\"lng\":1.5,\"lat\":2.5,\"title\":\"here\"}";
    let place = [("roomid", room.to_string()), ("fromAccid", "owner".into()), ("msgType", "4".into()), ("msgId", "m3".into())];
    let mut place: Vec<(&str, &str)> = place.iter().map(|(name, value)| (*name, value.as_str())).collect();
    place.push(("attach", geo));
    assert_eq!(server.admin().call("chatroom/sendMsg", &place)["code"], 200);
    wait_until("three copies", || hook.told().len() == 3);
    let told = hook.told();
    let id = |number: usize| told[number].text("eventId");
    let (seq, time) = (text.seq, text.time_ms);
    assert_eq!(
        told[0].json(),
        json!({
            "eventType": "4", "eventId": id(0), "roomId": room.to_string(), "seq": seq.to_string(), "msgTimestamp": time.to_string(),
            "msgType": "TEXT", "subType": "7", "msgidClient": "m1", "resendFlag": "1", "fromAccount": "ann", "fromNick": "Ann",
            "fromAvator": "face.png", "fromExt": "vip", "fromClientType": "AOS", "roleInfoTimetag": "0", "attach": "hello ✓",
            "ext": "e",
        })
    );
    assert_eq!(
        told[1].json(),
        json!({
            "eventType": "4", "eventId": id(1), "roomId": room.to_string(), "seq": custom.seq.to_string(),
            "msgTimestamp": custom.time_ms.to_string(), "msgType": "CUSTOM", "msgidClient": "m2", "resendFlag": "0",
            "fromAccount": "ann", "fromNick": "Ann", "fromAvator": "face.png", "fromExt": "vip", "fromClientType": "AOS",
            "roleInfoTimetag": "0", "attach": "{\"value\":3}", "ext": "", "toAccids": "[\"owner\"]",
        })
    );
    assert_eq!([told[2].text("msgType"), told[2].text("fromClientType")], ["LOCATION", "REST"]);
    assert_eq!([told[2].text("attach"), told[2].text("fromAccount")], [geo, "owner"]);
    assert_eq!(once(&told).len(), 3, "each has a name of its own");
    for told in &told {
        assert_eq!((told.path.as_str(), told.header("Content-Type")), ("copies", "application/json; charset=utf-8"));
        assert!(told.is_signed(APP_KEY, APP_SECRET), "{told:?}");
        assert!(!told.is_signed(APP_KEY, "another secret"));
    }
    wait_until("the metrics to follow", || {
        metric(&server, "chatroom_webhooks_delivered_total", "") == 3.0
            && metric(&server, "chatroom_webhooks_queued", "") == 0.0
    });
}

#[test]
fn only_what_was_accepted_is_copied_and_only_once() {
    let hook = Hook::start();
    let server = Server::start(setup(&format!("url = \"{}\", in_out = false", hook.url("")), ""));
    let room = room(&server);
    let mut ann = Peer::join(&server, "ann", room);
    let again = MessageSendRequest { resend: true, ..text_message(room, "again", "again") };
    assert!(!send(&mut ann, again.clone()).duplicate && send(&mut ann, again).duplicate);
    // r < 9999 of 10000: all but never heard.
    let unheard = MessageSendRequest { abandon_ratio: Some(9999), ..text_message(room, "unheard", "unheard") };
    let is_unheard = send(&mut ann, unheard).abandoned;
    send(&mut ann, MessageSendRequest { route: Some(false), ..text_message(room, "private", "private") });
    send(&mut ann, MessageSendRequest { skip_history: true, ..text_message(room, "unkept", "unkept") });
    assert_eq!(ann.send_text(room, "empty", "").code, 414);
    let broadcast = [("msgId", "to all"), ("fromAccid", "owner"), ("msgType", "0"), ("attach", "to all")];
    assert_eq!(server.admin().call("chatroom/broadcast", &broadcast)["code"], 200);
    assert_eq!([ann.message().message_id], ["to all"], "everybody hears it, and no room has it copied");
    say(&mut ann, room, "last");
    wait_until("the last copy", || hook.texts("msgidClient").contains(&"last".to_owned()));
    let expected: &[&str] = if is_unheard { &["again", "unkept", "last"] } else { &["again", "unheard", "unkept", "last"] };
    assert_eq!(hook.texts("msgidClient"), expected);
}

/// `in` of whom, and why it went.
pub fn passages(hook: &Hook) -> Vec<String> {
    let words = ["event", "logOutReason", "accid"];
    let of = |told: &Told| words.map(|word| told.text(word)).join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    hook.told().iter().filter(|told| told.text("eventType") == "9").map(of).collect()
}

#[test]
fn who_comes_and_goes_is_told_with_the_reason() {
    let hook = Hook::start();
    let setup = setup(&format!("url = \"{}\", messages = false", hook.url("")), "[timers]\ndetach_grace_ms = 0\n");
    let server = Server::start(setup);
    let admin = server.admin();
    let room = room(&server);
    let expect = |expected: &[&str]| wait_until(&format!("{expected:?}"), || passages(&hook) == expected);
    let enter = pb::RoomEnterRequest { room_id: room, tags: vec!["red".into()], enter_ext: "hi".into(), ..Default::default() };
    let (mut ann, answer) = Peer::log_in(&server, pb::LoginRequest { enter: Some(enter), ..login("ann", None) });
    let member = answer.enter.unwrap().member.unwrap();
    expect(&["IN ann"]);
    let told = &hook.told()[0];
    assert!(told.is_signed(APP_KEY, APP_SECRET));
    assert_eq!(
        told.json(),
        json!({
            "eventType": "9", "eventId": told.text("eventId"), "roomId": room.to_string(), "event": "IN", "accid": "ann",
            "clientType": "AOS", "code": "200", "timestamp": member.enter_time_ms.to_string(), "roleType": "3",
            "anonymous": "false", "tags": "[\"red\"]", "notifyTargetTags": "{\"tag\":\"red\"}", "ext": "hi",
            "clientIp": "127.0.0.1",
        })
    );
    say(&mut ann, room, "not copied");
    ann.call(Request::RoomExit(pb::RoomExitRequest { room_id: room }));
    expect(&["IN ann", "OUT EXIT ann"]);
    assert_eq!(hook.told()[1].json()["timestamp"].as_str().map(|time| time.parse::<i64>().is_ok()), Some(true));
    let mut owner = Peer::join(&server, "owner", room);
    Peer::join(&server, "bob", room).cut();
    expect(&["IN ann", "OUT EXIT ann", "IN owner", "IN bob", "OUT OFFLINE bob"]);
    assert_eq!(hook.told()[2].text("roleType"), "1", "who made the room");
    let mut first = Peer::join(&server, "carol", room);
    // The same device: the new connection takes the place of the old one.
    let _second = Peer::join(&server, "carol", room);
    first.expect_closed_after_pushes();
    let kick = pb::MemberKickRequest { room_id: room, account: "carol".into(), ..Default::default() };
    owner.call(Request::MemberKick(kick));
    let so_far =
        ["IN ann", "OUT EXIT ann", "IN owner", "IN bob", "OUT OFFLINE bob", "IN carol", "KICK LOGIN_KICK carol", "IN carol"];
    expect(&[&so_far[..], &["KICK KICK carol"]].concat());
    admin.create_user("bot");
    let room_text = room.to_string();
    let robots = [("roomid", room_text.as_str()), ("accids", "[\"bot\"]")];
    assert_eq!(admin.call("chatroom/addRobot", &robots)["code"], 200);
    assert_eq!(admin.call("chatroom/removeRobot", &robots)["code"], 200);
    let close = [("roomid", room_text.as_str()), ("operator", "owner"), ("valid", "false")];
    assert_eq!(admin.call("chatroom/toggleCloseStat", &close)["code"], 200);
    let mut so_far = [&so_far[..], &["KICK KICK carol", "IN bot", "OUT EXIT bot", "KICK KICK owner"]].concat();
    expect(&so_far);
    let open = admin.create_quiet_room("owner", "another");
    let mut dave = Peer::join(&server, "dave", open);
    assert_eq!(admin.call("user/block", &[("accid", "dave"), ("needkick", "true")])["code"], 200);
    dave.expect_closed_after_pushes();
    so_far.extend(["IN dave", "KICK KICK dave"]);
    expect(&so_far);
    assert!(hook.told().iter().all(|told| told.text("eventType") == "9"), "messages are not wanted");
}

#[test]
fn rooms_made_by_clients_are_told_of_from_the_first_entry_on() {
    let hook = Hook::start();
    let server = Server::start(setup(&format!("url = \"{}\"", hook.url("")), ""));
    let (mut ann, _) = Peer::log_in(&server, login("ann", None));
    let create = pb::RoomCreateRequest { alias: "den".into(), name: "den".into(), ..Default::default() };
    let room = match ann.call(Request::RoomCreate(Box::new(create))) {
        Response::RoomEnter(answer) => answer.room.expect("a room that is entered").room_id,
        Response::RoomCreate(answer) => answer.room.expect("a room that was made").room_id,
        other => panic!("{other:?}"),
    };
    let barrage = MessageSendRequest { r#type: MessageType::Barrage as i32, ..text_message(room, "b", "whoosh") };
    send(&mut ann, barrage);
    wait_until("both", || hook.told().len() == 2);
    assert_eq!(passages(&hook), ["IN ann"]);
    assert_eq!([hook.told()[1].text("msgType"), hook.told()[1].text("attach")], ["BARRAGE", "whoosh"]);
}

// S002-040
#[test]
fn a_copy_goes_to_the_address_of_the_environment_its_message_names() {
    let hook = Hook::start();
    let (url, test, only) = (hook.url("default"), hook.url("test"), hook.url("only"));
    let server = Server::start(setup(&format!("url = \"{url}\", envs = {{ test = \"{test}\", only = \"{only}\" }}"), ""));
    let room = room(&server);
    let mut ann = Peer::join(&server, "ann", room);
    for env in ["", "test", "unknown", "only"] {
        send(&mut ann, MessageSendRequest { env: env.into(), ..text_message(room, &format!("wire {env}"), "text") });
        let room = room.to_string();
        let parameters =
            [("roomid", &*room), ("fromAccid", "owner"), ("msgType", "0"), ("attach", "x"), ("msgId", "m"), ("env", env)];
        assert_eq!(server.admin().call("chatroom/sendMsg", &parameters)["code"], 200);
    }
    wait_until("all copies", || hook.told().len() == 9);
    let mut told: Vec<_> =
        hook.told().iter().map(|told| (told.path.clone(), told.text("msgidClient"), told.text("env"))).collect();
    told.sort();
    let expected = [
        ("default", "", ""),
        ("default", "m", ""),
        ("default", "m", ""),
        ("default", "wire ", ""),
        ("default", "wire unknown", ""),
        ("only", "m", "only"),
        ("only", "wire only", "only"),
        ("test", "m", "test"),
        ("test", "wire test", "test"),
    ];
    assert_eq!(told, expected.map(|(path, id, env)| (path.to_owned(), id.to_owned(), env.to_owned())));
    assert_eq!(passages(&hook), ["IN ann"], "who comes and goes goes to the default address");
}

#[test]
fn a_status_of_200_counts_whatever_becomes_of_the_body() {
    let hook = Hook::judging(|_| Says::Endlessly);
    let server = Server::start(setup(&format!("url = \"{}\", in_out = false", hook.url("")), ""));
    let room = room(&server);
    let mut peer = Peer::join(&server, "ann", room);
    (0..3).for_each(|number| drop(say(&mut peer, room, &format!("m{number}"))));
    wait_until("every report to be taken", || metric(&server, "chatroom_webhooks_delivered_total", "") == 3.0);
    assert_eq!(hook.told().len(), 3, "nothing is sent twice");
}

#[test]
fn each_room_is_told_in_order_whatever_its_receiver_answers() {
    let calls = AtomicUsize::new(0);
    let hook = Hook::judging(move |_| match calls.fetch_add(1, Ordering::Relaxed) % 23 {
        3 => Says::Status(500),
        11 => Says::Nothing,
        17 => Says::Status(429),
        _ => Says::Status(200),
    });
    let server = Server::start(Setup { workers: Some(2), ..setup(&format!("url = \"{}\", in_out = false", hook.url("")), "") });
    let first = room(&server);
    let rooms: Vec<i64> =
        std::iter::once(first).chain((1..4).map(|_| server.admin().create_quiet_room("owner", "more"))).collect();
    let (senders, each) = (3, 25);
    std::thread::scope(|scope| {
        for (room, sender) in rooms.iter().flat_map(|room| (0..senders).map(move |sender| (*room, sender))) {
            let server = &server;
            scope.spawn(move || {
                let name = format!("s{sender}r{room}");
                let mut peer = Peer::join(server, &name, room);
                (0..each).for_each(|number| drop(say(&mut peer, room, &format!("{name}m{number}"))));
            });
        }
    });
    let all = rooms.len() * senders * each;
    let delivered = |hook: &Hook| once(&hook.told()).len();
    wait_until("every copy", || delivered(&hook) == all && metric(&server, "chatroom_webhooks_queued", "") == 0.0);
    let mut seqs: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for told in once(&hook.told()) {
        seqs.entry(told.text("roomId")).or_default().push(told.text("seq").parse().expect("a seq is a number"));
    }
    assert_eq!(seqs.len(), rooms.len());
    for (room, seqs) in seqs {
        assert_eq!(seqs.len(), senders * each, "room {room}");
        assert!(seqs.is_sorted_by(|one, next| one < next), "room {room}: {seqs:?}");
    }
}

#[test]
fn a_receiver_that_hangs_slows_no_room() {
    let hook = Hook::judging(|_| Says::Hangs);
    let other = format!("[[apps]]\nkey = \"other\"\nsecret = \"{APP_SECRET}\"\n");
    let config = config(&format!("url = \"{}\"", hook.url("")), "[webhooks]\nspool_bytes_max = 100000\n") + &other;
    let server = Server::start(Setup { config, memory: true, no_app: true, workers: Some(1), ..Setup::default() });
    let plain = crate::support::Admin::new(server.admin, "other", APP_SECRET);
    plain.create_user("owner");
    let quiet = plain.create_quiet_room("owner", "not reported");
    let reported = room(&server);
    let mut ann = Peer::join(&server, "ann", reported);
    let token = crate::support::admin::dynamic_token("other", APP_SECRET, "bob", 3600);
    let (mut bob, answer) =
        Peer::log_in(&server, pb::LoginRequest { app_key: "other".into(), token, ..login("bob", Some(quiet)) });
    assert_eq!(answer.code, 0);
    say(&mut ann, reported, "first");
    wait_until("the receiver to hang", || !hook.told().is_empty());
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let timed = |peer: &mut Peer, room: i64, number: usize| {
        let begun = Instant::now();
        say(peer, room, &number.to_string());
        begun.elapsed().as_micros() as u64
    };
    // In turns, so that whatever else the machine does falls on both alike.
    for number in 0..500 {
        with.push(timed(&mut ann, reported, number));
        without.push(timed(&mut bob, quiet, number));
    }
    let (with, without) = (quantile(&mut with, 0.5), quantile(&mut without, 0.5));
    println!("half of the sends took {with} µs with a receiver that hangs, {without} µs without one");
    assert!(with < 2 * without + 2000, "{with} µs with a receiver that hangs, {without} µs without one");
    assert!(metric(&server, "chatroom_webhooks_queued_bytes", "") <= 100_000.0, "what waits is bounded");
}

#[test]
fn a_receiver_that_hangs_makes_the_node_hold_no_more_than_the_spool() {
    let hook = Hook::judging(|_| Says::Hangs);
    let (spool, each) = (1 << 20, 1000);
    let setup = setup(&format!("url = \"{}\"", hook.url("")), &format!("[webhooks]\nspool_bytes_max = {spool}\n"));
    let server = Server::start(Setup { workers: Some(1), ..setup });
    let room = room(&server);
    let mut ann = Peer::join(&server, "ann", room);
    let text = "x".repeat(each);
    let mut send_all = |count: usize| {
        for _ in 0..count / 100 {
            let asked: Vec<u32> = (0..100)
                .map(|number| ann.ask(&Request::MessageSend(Box::new(text_message(room, &number.to_string(), &text)))).unwrap())
                .collect();
            asked.into_iter().for_each(|sequence| drop(ann.response(sequence, crate::support::PATIENCE).unwrap()));
        }
    };
    // Until the log of `--memory` holds as much of the room as it ever does.
    send_all(2 * limits::MEMORY_LOG_ENTRIES);
    let before = server.rss_bytes();
    send_all(30_000);
    let grown = server.rss_bytes().saturating_sub(before);
    println!("{} MiB, {} KiB more after another 30 MB of messages", before >> 20, grown >> 10);
    assert!(grown < 15 << 20, "{grown} bytes more");
    assert!(metric(&server, "chatroom_webhooks_queued_bytes", "") <= f64::from(spool));
    wait_until("the metrics to follow", || metric(&server, "chatroom_webhooks_dropped_total", "") > 20_000.0);
}

#[test]
fn failures_of_every_kind_are_tried_again_after_growing_waits() {
    let address = nobody();
    let server =
        Server::start(setup(&format!("url = \"http://{address}/\", in_out = false"), "[webhooks]\ntimeout_ms = 300\n"));
    let room = room(&server);
    let mut ann = Peer::join(&server, "ann", room);
    say(&mut ann, room, "stubborn");
    let failed = |reason: &str| metric(&server, "chatroom_webhooks_failed_total", &format!("reason=\"{reason}\""));
    wait_until("attempts to reach nobody", || failed("unreachable") >= 2.0);
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let hook = Hook::at(address, move |_| match counted.fetch_add(1, Ordering::Relaxed) {
        0 => Says::Status(500),
        1 => Says::Hangs,
        _ => Says::Status(204),
    });
    say(&mut ann, room, "next");
    wait_until("both", || hook.texts("msgidClient").contains(&"next".to_owned()));
    assert_eq!(hook.texts("msgidClient"), ["stubborn", "stubborn", "stubborn", "next"]);
    let told = hook.told();
    let waits: Vec<Duration> = told.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    // After two failures before it, at the least.
    let doubled = Duration::from_millis(4 * limits::WEBHOOK_RETRY_MS_MIN);
    assert!(waits[0] >= doubled && waits[1] >= 2 * doubled, "{waits:?}");
    assert!(failed("status") >= 1.0 && failed("timeout") >= 1.0);
    let signed_at: Vec<&str> = told.iter().map(|told| told.header("CurTime")).collect();
    assert!(signed_at[0] < signed_at[1], "each attempt is signed anew");
    assert_eq!(told[0].text("eventId"), told[2].text("eventId"), "and is the same report");
}

#[test]
fn what_its_receiver_refuses_for_long_is_given_up_and_holds_up_no_other_room() {
    let hook = Hook::judging(|told| if told.text("attach") == "poison" { Says::Status(422) } else { Says::Status(200) });
    let server =
        Server::start(setup(&format!("url = \"{}\", in_out = false", hook.url("")), "[webhooks]\nrefused_seconds = 0\n"));
    let first = room(&server);
    let second = server.admin().create_quiet_room("owner", "second");
    let (mut ann, mut bob) = (Peer::join(&server, "ann", first), Peer::join(&server, "bob", second));
    send(&mut ann, text_message(first, "m1", "poison"));
    say(&mut ann, first, "m2");
    wait_until("the first refusal", || !hook.told().is_empty());
    say(&mut bob, second, "other room");
    wait_until("the other room", || hook.texts("msgidClient").contains(&"other room".to_owned()));
    assert!(!hook.texts("msgidClient").contains(&"m2".to_owned()), "the room itself waits");
    wait_until("the rest of the room", || hook.texts("msgidClient").contains(&"m2".to_owned()));
    let refused = hook.texts("msgidClient").iter().filter(|id| *id == "m1").count();
    assert_eq!(refused, limits::WEBHOOK_REFUSALS_MIN as usize);
    assert_eq!(metric(&server, "chatroom_webhooks_given_up_total", "reason=\"refused\""), 1.0);
    wait_until("the log to say so", || server.said().contains("a webhook is given up"));
}

#[test]
fn an_address_that_is_put_right_while_the_node_runs_is_sent_what_waits() {
    let hook = Hook::start();
    let server = Server::start(setup(&format!("url = \"http://{}/\", in_out = false", nobody()), ""));
    let room = room(&server);
    let (mut ann, mut bob) = (Peer::join(&server, "ann", room), Peer::join(&server, "bob", room));
    say_many(&mut ann, room, 3);
    wait_until("an attempt", || metric(&server, "chatroom_webhooks_failed_total", "") > 0.0);
    // Taken away: what waits still waits, and what comes is no longer reported. That the room goes by it is seen by its rate.
    server.reconfigure(&(config("in_out = false", "") + "client_send_per_second = 1\nclient_send_burst = 1\n"));
    wait_until("the room to go by it", || ann.send_text(room, "perhaps", "perhaps").code == 416);
    say(&mut bob, room, "unreported");
    server.reconfigure(&config(&format!("url = \"{}\", in_out = false", hook.url("")), ""));
    wait_until("the room to go by that", || {
        ann.send_text(room, "back", "back");
        hook.texts("msgidClient").contains(&"back".to_owned())
    });
    let mut told = hook.texts("msgidClient");
    told.retain(|id| id != "perhaps" && id != "back");
    assert_eq!(told, ["0", "1", "2"]);
}

const PAGE: &str = include_str!("../../docs/webhooks.md");

/// What stands between ``` lines that begin so, in order.
fn blocks(kind: &str) -> Vec<&'static str> {
    let blocks = PAGE.split("\n```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix(kind)?.strip_prefix('\n')).collect()
}

#[test]
fn the_documented_configuration_examples_and_check_of_a_signature_hold() {
    let hook = Hook::start();
    let [toml] = blocks("toml")[..] else { panic!("one block of toml") };
    let toml = toml.replace("http://127.0.0.1:8080/receive", &hook.url("receive")).replace("\"demo\"", &format!("{APP_KEY:?}"));
    let toml = toml.replace("at most 64 characters; keep it out of version control", APP_SECRET);
    let config = format!("{UNLIMITED}[timers]\ndetach_grace_ms = 0\n{toml}");
    let server = Server::start(Setup { config, memory: true, no_app: true, ..Setup::default() });
    let room = room(&server);
    let enter = pb::RoomEnterRequest { room_id: room, tags: vec!["red".into()], ..Default::default() };
    let (mut ann, _) = Peer::log_in(&server, pb::LoginRequest { enter: Some(enter), ..login("ann", None) });
    let own = MessageSendRequest { notify_target_tags: Some(String::new()), ..text_message(room, "m", "hello") };
    send(&mut ann, own);
    ann.cut();
    wait_until("all three", || hook.told().len() == 3);
    let told = hook.told();
    let fields = |json: &serde_json::Value| json.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    for (example, told) in blocks("json").into_iter().zip(&told[1..]) {
        let example = serde_json::from_str(example).expect("an example is JSON");
        assert_eq!(fields(&told.json()), fields(&example));
    }
    let [python] = blocks("python")[..] else { panic!("one block of Python") };
    let script = format!(
        "{python}\nimport json, sys\nasked = json.load(sys.stdin)\n\
         print(is_genuine(asked['headers'], asked['body'].encode(), asked['secret']))\n"
    );
    for (secret, expected) in [(APP_SECRET, "True"), ("another", "False")] {
        let headers = ["CurTime", "MD5", "CheckSum"].map(|name| (name.to_owned(), json!(told[1].header(name))));
        let body = String::from_utf8(told[1].body.clone()).expect("JSON is UTF-8");
        let asked = json!({ "headers": serde_json::Map::from_iter(headers), "body": body, "secret": secret });
        let mut child = std::process::Command::new("python3")
            .args(["-c", &script])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("python3 can be started; `make setup` installs it");
        serde_json::to_writer(child.stdin.take().expect("stdin is piped"), &asked).expect("python3 reads");
        let output = child.wait_with_output().expect("python3 ends");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected);
    }
}
