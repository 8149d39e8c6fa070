//! Presence and resume: who comes and goes is told; a connection that comes back within the grace has never been away.

use crate::support::peer::login;
use crate::support::{Peer, Server, Setup};
use chatroom::wire::pb::{self, NotificationType};
use chatroom::wire::{Push, Request, Response};

const ENTER: i32 = NotificationType::MemberEnter as i32;
const EXIT: i32 = NotificationType::MemberExit as i32;

fn start(grace_ms: u64) -> (Server, i64) {
    let config = format!("{}\n[timers]\ndetach_grace_ms = {grace_ms}\n", crate::support::process::UNLIMITED);
    let server = Server::start(Setup { config, ..Setup::default() });
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_room("owner", "presence");
    (server, room)
}

/// The next enter or exit notification about this account.
fn presence_of(peer: &mut Peer, account: &str) -> i32 {
    loop {
        let notification = peer.notification();
        let is_about = notification.operator == account || notification.targets.iter().any(|target| target == account);
        if is_about && matches!(notification.r#type, ENTER | EXIT) {
            return notification.r#type;
        }
    }
}

#[test]
fn members_hear_who_comes_and_who_leaves() {
    // S000-015
    let (server, room) = start(10_000);
    let mut watcher = Peer::join(&server, "watcher", room);
    let mut guest = Peer::join(&server, "guest", room);
    assert_eq!(presence_of(&mut watcher, "guest"), ENTER);
    // A second connection of the same account is no second coming, and the first leaving is no going.
    let mut request = login("guest", Some(room));
    request.device_id = "another device".into();
    let (mut second, answer) = Peer::log_in(&server, request);
    assert_eq!(answer.code, 0, "{}", answer.desc);
    assert!(matches!(guest.call(Request::Logout(Default::default())), Response::Logout(status) if status.code == 0));
    guest.expect_closed_after_pushes();
    assert!(matches!(second.call(Request::Logout(Default::default())), Response::Logout(status) if status.code == 0));
    assert_eq!(presence_of(&mut watcher, "guest"), EXIT);
}

#[test]
fn a_connection_that_resumes_within_the_grace_gets_what_it_missed_and_nobody_notices() {
    let (server, room) = start(60_000);
    let mut watcher = Peer::join(&server, "watcher", room);
    let (mut guest, first) = Peer::log_in(&server, login("guest", Some(room)));
    let entered = first.enter.expect("a login that enters is told how that went");
    assert_eq!((first.code, entered.code), (0, 0));
    assert_eq!(presence_of(&mut watcher, "guest"), ENTER);
    let mut sender = Peer::join(&server, "sender", room);
    assert_eq!(presence_of(&mut watcher, "sender"), ENTER);
    assert_eq!(sender.send_text(room, "before", "text").code, 0);
    let last_seq = loop {
        let message = guest.message();
        if message.message_id == "before" {
            break message.seq;
        }
    };
    guest.cut();
    let missed: Vec<u64> = (0..10).map(|number| sender.send_text(room, &format!("missed{number}"), "text").seq).collect();
    let resume = pb::Resume {
        token: first.resume_token.clone(),
        rooms: vec![pb::RoomPosition { room_id: room, epoch: entered.epoch, last_seq }],
    };
    let mut request = login("guest", Some(room));
    request.resume = Some(resume);
    let (mut back, second) = Peer::log_in(&server, request);
    let entered = second.enter.expect("a login that enters is told how that went");
    assert_eq!((second.code, entered.code), (0, 0), "{}", second.desc);
    assert!(second.resumed && entered.resumed && !entered.gap, "{entered:?}");
    assert_eq!(second.connection_id, first.connection_id);
    assert_ne!(second.resume_token, first.resume_token);
    let replayed: Vec<u64> = missed.iter().map(|_| back.message().seq).collect();
    assert_eq!(replayed, missed);
    assert!(entered.replayed as usize >= missed.len());
    assert_eq!(sender.send_text(room, "after", "text").code, 0);
    assert_eq!(back.message().message_id, "after");
    let noticed = watcher.pushes_so_far().into_iter().any(|push| match push {
        Push::Notification(notification) => matches!(notification.r#type, ENTER | EXIT),
        _ => false,
    });
    assert!(!noticed, "somebody noticed that the guest was away");
}

#[test]
fn after_the_grace_the_exit_is_told_and_a_resume_is_an_ordinary_login() {
    let (server, room) = start(100);
    let mut watcher = Peer::join(&server, "watcher", room);
    let (guest, first) = Peer::log_in(&server, login("guest", Some(room)));
    assert_eq!(first.code, 0);
    let epoch = first.enter.as_ref().map_or(0, |enter| enter.epoch);
    assert_eq!(presence_of(&mut watcher, "guest"), ENTER);
    guest.cut();
    assert_eq!(presence_of(&mut watcher, "guest"), EXIT);
    let mut request = login("guest", Some(room));
    let position = pb::RoomPosition { room_id: room, epoch, last_seq: first.enter.as_ref().map_or(0, |enter| enter.last_seq) };
    request.resume = Some(pb::Resume { token: first.resume_token, rooms: vec![position] });
    let (_back, second) = Peer::log_in(&server, request);
    assert_eq!(second.code, 0, "{}", second.desc);
    assert!(!second.resumed, "there was nothing left to resume");
    assert_eq!(presence_of(&mut watcher, "guest"), ENTER);
}

#[test]
fn a_forged_resume_token_is_an_ordinary_login() {
    let (server, room) = start(60_000);
    let mut request = login("guest", Some(room));
    request.resume = Some(pb::Resume { token: "made up".into(), rooms: vec![] });
    let (_guest, answer) = Peer::log_in(&server, request);
    assert_eq!(answer.code, 0, "{}", answer.desc);
    assert!(!answer.resumed && answer.enter.is_some_and(|enter| enter.code == 0 && !enter.resumed));
}

#[test]
fn one_account_in_two_rooms_hears_both() {
    // S003-014
    let (server, room) = start(10_000);
    let other = server.admin().create_quiet_room("owner", "other");
    let mut guest = Peer::join(&server, "guest", room);
    let enter = pb::RoomEnterRequest { room_id: other, ..Default::default() };
    let Response::RoomEnter(entered) = guest.call(Request::RoomEnter(Box::new(enter))) else { panic!("no answer") };
    assert_eq!(entered.code, 0, "{}", entered.desc);
    let mut sender = Peer::join(&server, "sender", room);
    let mut second = Peer::join(&server, "second", other);
    assert_eq!(sender.send_text(room, "a", "text").code, 0);
    assert_eq!(second.send_text(other, "b", "text").code, 0);
    let mut heard = [guest.message(), guest.message()].map(|message| (message.room_id, message.message_id));
    heard.sort();
    let mut expected = [(room, "a".to_owned()), (other, "b".to_owned())];
    expected.sort();
    assert_eq!(heard, expected);
}
