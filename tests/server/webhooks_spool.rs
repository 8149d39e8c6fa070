//! What waits for a receiver: it is kept on disk up to a bound, survives the node, and is given up when it has waited for too long.

use crate::hook::{Hook, Says, nobody};
use crate::support::process::APP_KEY;
use crate::support::{Peer, Server, Setup, wait_until};
use crate::webhooks::{metric, passages, room, say, say_many, setup};
use chatroom::id::{Epoch, RoomId, UnixMs};
use chatroom::limits;
use chatroom::log::{Batch, FjallLog, Log as _, Options};
use chatroom::room::{Report, Reported};
use chatroom::server::logbook::write_report;
use chatroom::wire::pb;

#[test]
fn a_full_spool_keeps_what_it_has_and_counts_what_it_drops() {
    let address = nobody();
    let webhook = format!("url = \"http://{address}/\", in_out = false");
    let server = Server::start(setup(&webhook, "[webhooks]\nspool_bytes_max = 3000\n"));
    let room = room(&server);
    let mut ann = Peer::join(&server, "ann", room);
    say_many(&mut ann, room, 100);
    let value = |name: &str| metric(&server, name, "");
    wait_until("the metrics to follow", || {
        value("chatroom_webhooks_dropped_total") + value("chatroom_webhooks_queued") == 100.0
            && value("chatroom_webhooks_dropped_total") > 0.0
    });
    wait_until("the age of the oldest", || value("chatroom_webhooks_oldest_seconds") > 0.0);
    let (kept, bytes) = (value("chatroom_webhooks_queued") as usize, value("chatroom_webhooks_queued_bytes"));
    assert!(kept > 5 && bytes <= 3000.0, "{kept} reports of {bytes} bytes");
    wait_until("the log to say so", || server.said().contains("the spool of webhooks is full"));
    assert_eq!(server.said().matches("the spool of webhooks is full").count(), 1, "{}", server.said());
    let hook = Hook::at(address, |_| Says::Status(200));
    wait_until("what was kept", || hook.told().len() == kept);
    let expected: Vec<String> = (0..kept).map(|number| number.to_string()).collect();
    assert_eq!(hook.texts("msgidClient"), expected, "the earliest are kept, in order");
    wait_until("the spool to be empty", || value("chatroom_webhooks_queued_bytes") == 0.0);
    say(&mut ann, room, "after");
    wait_until("what comes then", || hook.texts("msgidClient").contains(&"after".to_owned()));
}

#[test]
fn what_is_not_delivered_survives_a_restart_and_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let address = nobody();
    let start = || {
        let webhook = format!("url = \"http://{address}/\"");
        let setup = setup(&webhook, "[timers]\ndrain_ms = 100\n");
        Server::start(Setup { memory: false, data: Some(folder.path().join("data")), ..setup })
    };
    let server = start();
    let room = room(&server);
    let mut ann = Peer::join(&server, "ann", room);
    say_many(&mut ann, room, 20);
    server.kill();
    let server = start();
    let mut bob = Peer::join(&server, "bob", room);
    (20..40).for_each(|number| drop(say(&mut bob, room, &number.to_string())));
    server.terminate();
    assert!(server.wait(crate::support::PATIENCE).success());
    let server = start();
    wait_until("the spool to be known", || metric(&server, "chatroom_webhooks_queued", "") >= 42.0);
    let hook = Hook::at(address, |_| Says::Status(200));
    let mut carol = Peer::join(&server, "carol", room);
    (40..50).for_each(|number| drop(say(&mut carol, room, &number.to_string())));
    let copies = |hook: &Hook| -> Vec<String> { hook.texts("msgidClient").into_iter().filter(|id| !id.is_empty()).collect() };
    wait_until("all of it", || copies(&hook).len() >= 50);
    let expected: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    assert_eq!(copies(&hook), expected, "each once, and in order");
    assert_eq!(passages(&hook), ["IN ann", "IN bob", "IN carol"]);
    wait_until("the spool to be empty", || metric(&server, "chatroom_webhooks_queued", "") == 0.0);
    server.kill();
    let server = start();
    let mut dave = Peer::join(&server, "dave", room);
    say(&mut dave, room, "once more");
    wait_until("the next", || copies(&hook).contains(&"once more".to_owned()));
    assert_eq!(copies(&hook).len(), 51, "what was delivered is not sent again");
}

/// A report as an earlier life of the node left it.
fn left_behind(number: u64, time_ms: i64) -> Report {
    let message = pb::Message { room_id: 1, time_ms, message_id: number.to_string(), from: "ann".into(), ..Default::default() };
    let body = prost::Message::encode_to_vec(&message).into();
    Report {
        room: RoomId::new(1).unwrap(),
        app_key: APP_KEY.into(),
        env: "".into(),
        epoch: Epoch(1),
        number,
        time: UnixMs(time_ms),
        what: Reported::Message { body, resend: false, to: vec![] },
    }
}

#[test]
fn what_has_waited_for_too_long_is_given_up_and_the_rest_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let now = crate::support::admin::unix_ms() as i64;
    let hours = |ago: i64| now - ago * 3_600_000;
    let log = FjallLog::open(folder.path(), &Options::default()).unwrap();
    let reports =
        [hours(73), hours(73), hours(71), hours(0)].into_iter().zip(0..).map(|(time, number)| left_behind(number, time));
    let reports = reports.chain((10..100).map(|number| left_behind(number, hours(80))));
    let reports = reports.map(write_report).collect();
    log.append(Batch { records: vec![], snapshots: vec![], reports, shards: Vec::new(), committed: Box::new(|_| {}) });
    drop(log);
    let hook = Hook::start();
    let setup = setup(&format!("url = \"{}\"", hook.url("")), "");
    let server = Server::start(Setup { memory: false, data: Some(folder.path().into()), ..setup });
    wait_until("the spool to be empty", || {
        metric(&server, "chatroom_webhooks_given_up_total", "reason=\"expired\"") == 92.0
            && metric(&server, "chatroom_webhooks_queued", "") == 0.0
    });
    assert_eq!(hook.texts("msgidClient"), ["2", "3"]);
}

#[test]
fn what_has_waited_for_too_long_is_given_up_while_the_receiver_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let now = crate::support::admin::unix_ms() as i64;
    let log = FjallLog::open(folder.path(), &Options::default()).unwrap();
    let (young, all) = (limits::WEBHOOK_CALLS_MAX as i64, 1000);
    let of_room = |room: i64| {
        let time = if room <= young { now } else { now - 73 * 3_600_000 };
        Report { room: RoomId::new(room).unwrap(), ..left_behind(0, time) }
    };
    let reports = (1..=all).map(of_room);
    let reports = reports.map(write_report).collect();
    log.append(Batch { records: vec![], snapshots: vec![], reports, shards: Vec::new(), committed: Box::new(|_| {}) });
    drop(log);
    let hook = Hook::judging(|_| Says::Hangs);
    let setup = setup(&format!("url = \"{}\"", hook.url("")), "[webhooks]\ntimeout_ms = 60000\n");
    let server = Server::start(Setup { memory: false, data: Some(folder.path().into()), ..setup });
    wait_until("the old ones to be given up", || {
        metric(&server, "chatroom_webhooks_given_up_total", "reason=\"expired\"") == (all - young) as f64
            && metric(&server, "chatroom_webhooks_queued", "") == young as f64
    });
    assert_eq!(hook.told().len(), limits::WEBHOOK_CALLS_MAX, "as many calls as there may be, all of which hang");
}
