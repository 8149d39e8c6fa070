//! SIGTERM: everybody is told to come back later, what was asked is answered, what was acknowledged is kept, and the exit is clean.

use std::time::Duration;

use crate::support::peer::{item_seq, login, text_message};
use crate::support::process::UNLIMITED;
use crate::support::{PATIENCE, Peer, Server, Setup};
use chatroom::wire::pb::KickReason;
use chatroom::wire::{Push, Request, Response};

#[test]
fn members_are_told_to_come_back_and_the_process_ends_well() {
    let server = Server::start_unlimited();
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_quiet_room("owner", "drain");
    let mut members: Vec<Peer> = (0..20).map(|number| Peer::join(&server, &format!("member{number}"), room)).collect();
    let address = server.wire;
    server.terminate();
    let mut delays_ms = Vec::new();
    for member in &mut members {
        let Push::Kicked(kicked) = member.push() else { panic!("no goodbye") };
        assert_eq!(kicked.reason, KickReason::Silent as i32);
        assert!(kicked.may_reconnect && kicked.retry_after_ms <= 8000 && kicked.spread_ms == 8000, "{kicked:?}");
        delays_ms.push(kicked.retry_after_ms);
        member.expect_closed_after_pushes();
    }
    delays_ms.sort_unstable();
    // Twenty draws out of 0 to 8 s: one chance in a million that a half of it has none.
    assert!(delays_ms[0] < 4000 && delays_ms[19] > 4000, "spread over 8 s: {delays_ms:?}");
    drop(members);
    let status = server.wait(PATIENCE);
    assert_eq!(status.code(), Some(0));
    assert!(Peer::try_connect(address).is_err(), "nobody listens any more");
}

#[test]
fn what_was_asked_before_the_signal_is_answered_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let setup = || Setup { config: UNLIMITED.into(), data: Some(folder.path().join("data")), ..Setup::default() };
    let server = Server::start(setup());
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_quiet_room("owner", "drain");
    let mut sender = Peer::join(&server, "sender", room);
    let asked: Vec<u32> = (0..200)
        .map(|number| {
            let request = text_message(room, &format!("m{number}"), "text");
            sender.ask(&Request::MessageSend(Box::new(request))).expect("the server reads")
        })
        .collect();
    // The first answer proves that the server is at work on them; the rest is in flight.
    let first = sender.response(asked[0], PATIENCE).expect("the first is answered");
    server.terminate();
    let mut acknowledged = vec![first];
    while let Ok((_, response)) = sender.any_response(PATIENCE) {
        acknowledged.push(response);
    }
    drop(sender);
    assert_eq!(server.wait(PATIENCE).code(), Some(0));
    let server = Server::start(setup());
    let mut member = Peer::join(&server, "member", room);
    let kept: Vec<u64> = member.whole_history(room).iter().map(item_seq).collect();
    for response in &acknowledged {
        let Response::MessageSend(answer) = response else { panic!("a send was answered with {response:?}") };
        assert!(answer.code != 0 || kept.contains(&answer.seq), "seq {} was acknowledged and is gone", answer.seq);
    }
    println!("{} of {} were answered before the end", acknowledged.len(), asked.len());
}

#[test]
fn a_peer_that_does_not_go_is_not_waited_for_longer_than_the_drain() {
    let config = format!("{UNLIMITED}\n[timers]\ndrain_ms = 300\n");
    let server = Server::start(Setup { config, ..Setup::default() });
    let (mut stubborn, answer) = Peer::log_in(&server, login("stubborn", None));
    assert_eq!(answer.code, 0);
    server.terminate();
    assert!(matches!(stubborn.push(), Push::Kicked(_)));
    // The connection stays open on our side.
    assert_eq!(server.wait(Duration::from_secs(10)).code(), Some(0));
    drop(stubborn);
}

#[test]
fn a_second_signal_changes_nothing() {
    let server = Server::start_unlimited();
    server.terminate();
    server.terminate();
    assert_eq!(server.wait(PATIENCE).code(), Some(0));
}
