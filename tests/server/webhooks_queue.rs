//! What applications are told over HTTP of changes of the queue, and of the client of who enters (chatroom.md §e.9, docs/webhooks.md).

use crate::hook::{Hook, Told};
use crate::support::peer::login;
use crate::support::process::{APP_KEY, APP_SECRET, UNLIMITED};
use crate::support::{Peer, Server, Setup, wait_until};
use chatroom::wire::pb;
use serde_json::{Value, json};

fn setup(webhook: &str) -> Setup {
    let app = format!("\n[[apps]]\nkey = \"{APP_KEY}\"\nsecret = \"{APP_SECRET}\"\nwebhook = {{ {webhook} }}\n");
    let config = format!("{UNLIMITED}[timers]\ndetach_grace_ms = 0\n{app}");
    Setup { config, memory: true, no_app: true, ..Setup::default() }
}

fn room(server: &Server) -> i64 {
    server.admin().create_user("owner");
    server.admin().create_quiet_room("owner", "reported")
}

fn changes(hook: &Hook) -> Vec<Told> {
    hook.told().into_iter().filter(|told| told.text("eventType") == "14").collect()
}

#[test]
fn every_change_of_the_queue_is_told_with_its_elements() {
    let hook = Hook::start();
    let server = Server::start(setup(&format!("url = \"{}\"", hook.url(""))));
    let (admin, room) = (server.admin(), room(&server));
    let number = room.to_string();
    let mut ann = Peer::join(&server, "ann", room);
    let call = |endpoint: &str, more: &[(&str, &str)]| {
        let answer = admin.call(&format!("chatroom/{endpoint}"), &[&[("roomid", number.as_str())][..], more].concat());
        assert_eq!(answer["code"], 200, "{endpoint}: {answer}");
    };
    call("queueInit", &[]);
    call("queueOffer", &[("key", "a"), ("value", "1")]);
    call("queueOffer", &[("key", "a"), ("value", "2")]);
    call("queueBatchOffer", &[("elements", r#"[{"key":"b","value":"3"},{"key":"c","value":"4"}]"#)]);
    call("queueBatchUpdateElements", &[("operator", "owner"), ("elements", r#"{"b":"5","none":"6"}"#)]);
    call("queuePoll", &[]);
    call("queuePoll", &[("key", "c")]);
    let own =
        pb::QueueOfferRequest { room_id: room, key: "seat".into(), value: "ann".into(), transient: true, ..Default::default() };
    ann.call(chatroom::wire::Request::QueueOffer(Box::new(own)));
    ann.cut();
    wait_until("her element to go", || changes(&hook).len() == 8);
    call("queueDrop", &[]);
    // Nothing there, nothing changed.
    call("queueDrop", &[]);
    call("queueBatchUpdateElements", &[("operator", "owner"), ("elements", r#"{"none":"6"}"#)]);
    call("queueOffer", &[("key", "last"), ("value", "7")]);
    wait_until("all ten", || changes(&hook).len() == 10);
    let told = changes(&hook);
    let said = |told: &Told| {
        let elements: Value = serde_json::from_str(&told.text("elements")).expect("a JSON object in a text");
        (told.text("qEvent"), told.text("event"), told.text("operator"), elements)
    };
    let expected = [
        ("2", "OFFER", "owner", json!({ "a": "1" })),
        ("3", "OFFER", "owner", json!({ "a": "2" })),
        ("2", "BATCH_OFFER", "owner", json!({ "b": "3", "c": "4" })),
        ("6", "BATCH_UPDATE", "owner", json!({ "b": "5" })),
        ("4", "POLL", "owner", json!({ "a": "2" })),
        ("5", "POLL", "owner", json!({ "c": "4" })),
        ("2", "OFFER", "ann", json!({ "seat": "ann" })),
        ("7", "PARTCLEAR", "ann", json!({ "seat": "ann" })),
        ("8", "DROP", "owner", json!({ "b": "" })),
        ("2", "OFFER", "owner", json!({ "last": "7" })),
    ];
    for (told, (code, event, operator, elements)) in told.iter().zip(expected) {
        assert_eq!(said(told), (code.to_owned(), event.to_owned(), operator.to_owned(), elements));
        assert!(told.is_signed(APP_KEY, APP_SECRET) && told.text("roomId") == number);
        assert!(told.text("timestamp").parse::<i64>().is_ok_and(|time| time > 1_700_000_000_000));
    }
    let page = include_str!("../../docs/webhooks.md");
    let examples = page.split("\n```json\n").skip(1).filter_map(|block| block.split("\n```").next());
    let example = examples.map(|text| serde_json::from_str::<Value>(text).expect("an example is JSON"));
    let example = example.into_iter().find(|example| example["eventType"] == "14").expect("an example of a change");
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&told[0].json()), keys(&example));
}

#[test]
fn who_wants_no_changes_of_the_queue_is_told_none() {
    let hook = Hook::start();
    let server = Server::start(setup(&format!("url = \"{}\", queue = false", hook.url(""))));
    let (admin, number) = (server.admin(), room(&server).to_string());
    let offer = [("roomid", number.as_str()), ("key", "a"), ("value", "1")];
    assert_eq!(admin.call("chatroom/queueOffer", &offer)["code"], 200);
    let send = [("roomid", number.as_str()), ("fromAccid", "owner"), ("msgId", "m"), ("msgType", "0"), ("attach", "hi")];
    assert_eq!(admin.call("chatroom/sendMsg", &send)["code"], 200);
    wait_until("the message", || hook.told().iter().any(|told| told.text("eventType") == "4"));
    assert!(changes(&hook).is_empty());
}

#[test]
fn who_enters_is_told_with_its_address_and_the_version_of_its_library() {
    let hook = Hook::start();
    let server = Server::start(setup(&format!("url = \"{}\"", hook.url(""))));
    let room = room(&server);
    for (account, version, kept) in
        [("ann", "9.8.7", "9.8.7".to_owned()), ("bob", "", String::new()), ("eve", &"é".repeat(500), "é".repeat(64))]
    {
        let enter = pb::RoomEnterRequest { room_id: room, ..Default::default() };
        let request = pb::LoginRequest { enter: Some(enter), sdk_version: version.into(), ..login(account, None) };
        let (peer, answer) = Peer::log_in(&server, request);
        assert_eq!(answer.code, 0, "{}", answer.desc);
        let of =
            |event: &str| hook.told().into_iter().find(|told| told.text("accid") == account && told.text("event") == event);
        wait_until("the IN", || of("IN").is_some());
        let told = of("IN").unwrap().json();
        assert_eq!(told["clientIp"], "127.0.0.1");
        assert_eq!(told.get("sdkVersion").and_then(Value::as_str).unwrap_or_default(), kept);
        peer.cut();
        wait_until("the OUT", || of("OUT").is_some());
        assert!(of("OUT").unwrap().json().get("clientIp").is_none(), "who goes is reported without");
    }
}
