//! Rooms made by clients, and the rooms and devices of an account, on a real server (chatroom.md §c.6, §d.4, §d.5).

use crate::support::peer::{login, text_message};
use crate::support::process::UNLIMITED;
use crate::support::{Peer, Server, Setup, wait_until};
use chatroom::wire::pb::{self, KickReason, NotificationType};
use chatroom::wire::{Push, Request, Response};

/// A connection that is logged in and in no room.
fn connect(server: &Server, account: &str) -> Peer {
    connect_from(server, account, &format!("device-{account}"))
}

fn connect_from(server: &Server, account: &str, device: &str) -> Peer {
    let request = pb::LoginRequest { device_id: device.into(), ..login(account, None) };
    let (peer, answer) = Peer::log_in(server, request);
    assert_eq!(answer.code, 0, "{}", answer.desc);
    peer
}

fn wishes(alias: &str) -> pb::RoomCreateRequest {
    pb::RoomCreateRequest { alias: alias.into(), ..Default::default() }
}

fn make(peer: &mut Peer, request: pb::RoomCreateRequest) -> pb::RoomEnterResponse {
    match peer.call(Request::RoomCreate(Box::new(request))) {
        Response::RoomCreate(answer) => *answer,
        other => panic!("who makes a room is answered with {other:?}"),
    }
}

fn join(peer: &mut Peer, alias: &str) -> pb::RoomEnterResponse {
    let request = pb::RoomEnterRequest { alias: alias.into(), ..Default::default() };
    match peer.call(Request::RoomEnter(Box::new(request))) {
        Response::RoomEnter(answer) => *answer,
        other => panic!("who joins a room is answered with {other:?}"),
    }
}

fn leave(peer: &mut Peer, room_id: i64) -> pb::RoomExitResponse {
    match peer.call(Request::RoomExit(pb::RoomExitRequest { room_id })) {
        Response::RoomExit(answer) => answer,
        other => panic!("who leaves a room is answered with {other:?}"),
    }
}

fn switch(peer: &mut Peer, from: i64, to: pb::RoomCreateRequest, create_missing: bool) -> pb::RoomEnterResponse {
    let request = pb::RoomSwitchRequest { from_room_id: from, to: Some(to), create_missing };
    match peer.call(Request::RoomSwitch(Box::new(request))) {
        Response::RoomSwitch(answer) => *answer,
        other => panic!("who switches rooms is answered with {other:?}"),
    }
}

fn number(answer: &pb::RoomEnterResponse) -> i64 {
    assert_eq!((answer.code, answer.sub), (0, 0), "{}", answer.desc);
    answer.room.as_ref().expect("who enters is told the room").room_id
}

fn result(answer: &pb::RoomEnterResponse) -> (i32, i32) {
    (answer.code, answer.sub)
}

fn is_in(peer: &mut Peer, room_id: i64) -> bool {
    match peer.call(Request::RoomInfo(pb::RoomInfoRequest { room_id })) {
        Response::RoomInfo(answer) => answer.code == 0,
        other => panic!("a question about a room is answered with {other:?}"),
    }
}

fn kicked(peer: &mut Peer) -> pb::Kicked {
    loop {
        if let Push::Kicked(kicked) = peer.push() {
            return *kicked;
        }
    }
}

#[test]
fn a_room_is_made_joined_left_and_made_again() {
    // S004-136, S004-137, S004-139, S004-140, S004-153
    let server = Server::start_unlimited();
    let (mut ann, mut bob) = (connect(&server, "ann"), connect(&server, "bob"));
    assert_eq!(result(&join(&mut bob, "lobby")), (404, 6000322));
    let made = make(&mut ann, pb::RoomCreateRequest { name: "The Lobby".into(), ..wishes("lobby") });
    let room = number(&made);
    assert!(made.created);
    assert_eq!(result(&make(&mut bob, wishes("lobby"))), (417, 6000323));
    let joined = make(&mut bob, pb::RoomCreateRequest { enter_existing: true, name: "Mine".into(), ..wishes("lobby") });
    assert_eq!((number(&joined), joined.created), (room, false));
    assert_eq!(joined.room.unwrap().name, "The Lobby", "the wishes of who comes later do not count");
    assert_eq!(result(&join(&mut bob, "lobby")), (417, 6000320));
    assert_eq!(ann.send_text(room, "m", "hello").code, 0);
    assert_eq!(bob.message().body, "hello");
    let left = leave(&mut bob, room);
    assert_eq!((left.code, left.room_id, left.alias.as_str()), (0, room, "lobby"));
    assert_eq!((leave(&mut bob, room).code, leave(&mut bob, room).sub), (403, 6000321));
    leave(&mut ann, room);
    let gone = leave(&mut ann, room);
    assert_eq!((gone.code, gone.sub), (404, 6000322));
    assert_eq!(result(&join(&mut bob, "lobby")), (404, 6000322));
    assert_eq!(number(&make(&mut bob, wishes("lobby"))), room, "a name always has the same number");
    // Names are per application and checked.
    assert_eq!(result(&make(&mut bob, wishes("a b"))), (414, 6000001));
    assert_eq!(result(&make(&mut bob, wishes(&"a".repeat(33)))), (414, 6000001));
    assert_eq!(result(&join(&mut bob, "a b")), (414, 6000001));
    // S003-002: there is no command by which a client makes a room of the other family.
    let other = bob.call(Request::RoomEnter(Box::new(pb::RoomEnterRequest { room_id: 4711, ..Default::default() })));
    assert!(matches!(other, Response::RoomEnter(answer) if (answer.code, answer.sub) == (404, 113404)));
}

#[test]
fn a_login_may_enter_a_room_by_its_name() {
    let server = Server::start_unlimited();
    let mut ann = connect(&server, "ann");
    let room = number(&make(&mut ann, wishes("lobby")));
    let by_name = |alias: &str| pb::LoginRequest {
        enter: Some(pb::RoomEnterRequest { alias: alias.into(), ..Default::default() }),
        ..login("bob", None)
    };
    let (mut bob, answer) = Peer::log_in(&server, by_name("lobby"));
    assert_eq!((answer.code, number(&answer.enter.unwrap())), (0, room));
    assert!(is_in(&mut bob, room));
    let (_, answer) = Peer::log_in(&server, by_name("nowhere"));
    assert_eq!((answer.code, answer.sub), (404, 6000322));
}

#[test]
fn switching_leaves_one_room_for_another_or_nothing_changes() {
    // S004-138
    let server = Server::start_unlimited();
    let (mut ann, mut bob) = (connect(&server, "ann"), connect(&server, "bob"));
    let from = number(&make(&mut ann, wishes("from")));
    assert_eq!(number(&join(&mut bob, "from")), from);
    assert_eq!(result(&switch(&mut bob, from, wishes("to"), false)), (404, 6000322));
    assert!(is_in(&mut bob, from), "a failure leaves everything as it was");
    assert_eq!(result(&switch(&mut bob, from, wishes("a b"), true)), (414, 6000001));
    assert!(is_in(&mut bob, from));
    ann.pushes_so_far();
    let switched = switch(&mut bob, from, wishes("to"), true);
    let to = number(&switched);
    assert!(switched.created && is_in(&mut bob, to) && !is_in(&mut bob, from));
    let heard = ann.notification();
    assert_eq!((heard.r#type(), heard.operator.as_str()), (NotificationType::MemberExit, "bob"));
    // Into a room that is there: its members hear of it, and the name and attributes of who comes do not count.
    let switched = switch(&mut ann, from, pb::RoomCreateRequest { name: "Mine".into(), ..wishes("to") }, false);
    assert_eq!((number(&switched), switched.room.unwrap().name.as_str()), (to, "to"));
    loop {
        let heard = bob.notification();
        if heard.operator == "ann" {
            break assert_eq!((heard.r#type(), heard.room_id), (NotificationType::MemberEnter, to));
        }
    }
    assert_eq!(result(&join(&mut ann, "from")), (404, 6000322), "nobody was left there");
    // To where one is already: nothing happens.
    let same = switch(&mut ann, to, wishes("to"), false);
    assert_eq!((number(&same), is_in(&mut ann, to)), (to, true));
    // From where one is not.
    assert_eq!(result(&switch(&mut ann, from, wishes("other"), true)), (403, 6000321));
    assert_eq!(result(&switch(&mut ann, 1, wishes("other"), true)), (414, 6000001));
    assert_eq!(result(&join(&mut ann, "other")), (404, 6000322));
}

#[test]
fn the_sixth_room_is_refused_unless_one_is_left_for_it() {
    // S004-138, S004-141, S004-154
    let server = Server::start_unlimited();
    let (mut ann, mut second) = (connect(&server, "ann"), connect_from(&server, "ann", "other"));
    let rooms: Vec<i64> = (1..=5).map(|name| number(&make(&mut ann, wishes(&format!("r{name}"))))).collect();
    assert_eq!(result(&make(&mut ann, wishes("r6"))), (419, 6000325));
    assert_eq!(result(&make(&mut second, wishes("r6"))), (419, 6000325), "over all connections of the account");
    let mut bob = connect(&server, "bob");
    number(&make(&mut bob, wishes("r6")));
    assert_eq!(result(&join(&mut ann, "r6")), (419, 6000325));
    // The limit counts as after leaving; but where another connection of the account stays, nothing is left.
    let sixth = number(&switch(&mut ann, rooms[0], wishes("r6"), false));
    assert_eq!(number(&join(&mut second, "r2")), rooms[1]);
    assert_eq!(result(&switch(&mut ann, rooms[1], wishes("r7"), true)), (419, 6000325));
    assert!(is_in(&mut ann, rooms[1]));
    // Leaving all leaves those of this connection, and of this family, only.
    let admin = server.admin();
    admin.create_user("owner");
    let hall = admin.create_room("owner", "hall");
    let entering = Request::RoomEnter(Box::new(pb::RoomEnterRequest { room_id: hall, ..Default::default() }));
    assert!(matches!(ann.call(entering), Response::RoomEnter(answer) if answer.code == 0));
    let Response::RoomLeaveAll(all) = ann.call(Request::RoomLeaveAll(Default::default())) else { panic!("not all was left") };
    assert_eq!((all.code, all.aliases), (0, ["r2", "r3", "r4", "r5", "r6"].map(str::to_owned).to_vec()));
    assert_eq!(all.room_ids, [&rooms[1..], &[sixth]].concat());
    assert!(is_in(&mut ann, hall) && is_in(&mut second, rooms[1]) && !is_in(&mut ann, rooms[1]));
    let Response::RoomLeaveAll(none) = ann.call(Request::RoomLeaveAll(Default::default())) else { panic!("not answered") };
    assert_eq!((none.code, none.aliases.len()), (0, 0));
    number(&make(&mut ann, wishes("r7")));
}

#[test]
fn the_history_of_these_rooms_is_empty_and_a_message_without_a_rate_is_for_them() {
    // S004-070, S004-157
    let server = Server::start_unlimited();
    let (mut ann, mut bob) = (connect(&server, "ann"), connect(&server, "bob"));
    let room = number(&make(&mut ann, wishes("lobby")));
    join(&mut bob, "lobby");
    ann.send_text(room, "m", "hello");
    let barrage = pb::MessageSendRequest { r#type: pb::MessageType::Barrage as i32, ..text_message(room, "b", "wow") };
    let answer = ann.call(Request::MessageSend(Box::new(barrage)));
    assert!(matches!(answer, Response::MessageSend(answer) if answer.code == 0));
    assert_eq!((bob.message().body, bob.message().body), ("hello".into(), "wow".into()));
    assert!(bob.whole_history(room).is_empty());
    let close = ann.call(Request::RoomClose(pb::RoomCloseRequest { room_id: room, ..Default::default() }));
    assert!(matches!(close, Response::RoomClose(status) if status.code == 404), "these rooms know no management");
}

#[test]
fn entering_the_eleventh_room_leaves_the_first_for_good() {
    let server = Server::start_unlimited();
    let admin = server.admin();
    admin.create_user("owner");
    let rooms: Vec<i64> = (1..=11).map(|name| admin.create_room("owner", &format!("r{name}"))).collect();
    let (mut ann, mut watcher) = (Peer::join(&server, "ann", rooms[0]), Peer::join(&server, "watcher", rooms[0]));
    for room in &rooms[1..] {
        let entering = Request::RoomEnter(Box::new(pb::RoomEnterRequest { room_id: *room, ..Default::default() }));
        assert!(matches!(ann.call(entering), Response::RoomEnter(answer) if answer.code == 0));
    }
    let told = kicked(&mut ann);
    assert_eq!((told.reason(), told.room_id, told.may_reconnect), (KickReason::Silent, rooms[0], false));
    loop {
        let heard = watcher.notification();
        if heard.operator == "ann" {
            break assert_eq!(heard.r#type(), NotificationType::MemberExit);
        }
    }
    assert!(!is_in(&mut ann, rooms[0]) && is_in(&mut ann, rooms[1]) && is_in(&mut ann, rooms[10]));
}

#[test]
fn an_account_puts_its_other_devices_out_of_every_room() {
    // S003-015
    let server = Server::start_unlimited();
    let admin = server.admin();
    admin.create_user("owner");
    let hall = admin.create_room("owner", "hall");
    let (mut phone, mut desk, mut pad) =
        (connect_from(&server, "ann", "phone"), connect_from(&server, "ann", "desk"), connect_from(&server, "ann", "pad"));
    let lobby = number(&make(&mut phone, wishes("lobby")));
    for peer in [&mut desk, &mut pad] {
        assert_eq!(number(&join(peer, "lobby")), lobby);
        let entering = Request::RoomEnter(Box::new(pb::RoomEnterRequest { room_id: hall, ..Default::default() }));
        assert!(matches!(peer.call(entering), Response::RoomEnter(answer) if answer.code == 0));
    }
    let kick = |peer: &mut Peer, devices: &[&str]| {
        let device_ids = devices.iter().map(|device| device.to_string()).collect();
        match peer.call(Request::KickDevices(pb::KickDevicesRequest { device_ids })) {
            Response::KickDevices(status) => status.code,
            other => panic!("not an answer to putting devices out: {other:?}"),
        }
    };
    assert_eq!(kick(&mut phone, &["desk"]), 0);
    // Each room says so, or the server for all of them.
    let told = kicked(&mut desk);
    assert!(told.reason() == KickReason::SamePlatform && !told.may_reconnect, "{told:?}");
    desk.expect_closed_after_pushes();
    assert!(is_in(&mut pad, hall) && is_in(&mut pad, lobby) && is_in(&mut phone, lobby));
    assert_eq!(kick(&mut phone, &[]), 0, "without names all others go");
    pad.expect_closed_after_pushes();
    assert!(is_in(&mut phone, lobby));
    assert_eq!(kick(&mut phone, &[&"d".repeat(65)]), 414);
    let mut nobody = connect(&server, "nobody");
    assert_eq!(kick(&mut nobody, &[]), 0, "where there is nothing to do it is done");
}

#[test]
fn a_room_is_found_under_its_name_after_a_restart_and_ends_when_nobody_comes_back() {
    let config = format!("{UNLIMITED}\n[timers]\ndetach_grace_ms = 1000\n");
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let data = Some(folder.path().join("data"));
        Server::start(Setup { config: config.clone(), data, ..Setup::default() })
    };
    let server = start();
    let mut ann = connect(&server, "ann");
    let attributes = [("mode".to_owned(), "quiz".to_owned())].into();
    let room = number(&make(&mut ann, pb::RoomCreateRequest { attributes, destroy_delay_seconds: 1, ..wishes("lobby") }));
    drop(server);
    let server = start();
    let mut ann = connect(&server, "ann");
    let found = join(&mut ann, "lobby");
    assert_eq!((number(&found), found.attributes.len()), (room, 1));
    ann.cut();
    let mut bob = connect(&server, "bob");
    wait_until("the room to end", || {
        let answer = make(&mut bob, wishes("lobby"));
        assert!(answer.code == 0 || result(&answer) == (417, 6000323), "{answer:?}");
        answer.code == 0
    });
}

/// A node that starts, after a clean stop or a kill, knows which rooms wait for their end, and ends them although nobody asks.
#[test]
fn rooms_that_were_left_end_after_a_restart_although_nobody_asks_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let config = format!("{UNLIMITED}\n[timers]\ndetach_grace_ms = 100\n");
        Server::start(Setup { config, data: Some(folder.path().join("data")), ..Setup::default() })
    };
    let waiting = |server: &Server| {
        let metrics = server.admin().page("/metrics").1;
        let lines = metrics.lines().filter(|line| line.starts_with("chatroom_rooms_waiting_for_end{"));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum::<f64>() as usize
    };
    let server = start();
    let mut ann = connect(&server, "ann");
    for (alias, destroy_delay_seconds) in [("long", 3600), ("short", 5), ("there", 3600)] {
        let room = number(&make(&mut ann, pb::RoomCreateRequest { destroy_delay_seconds, ..wishes(alias) }));
        if alias != "there" {
            leave(&mut ann, room);
        }
    }
    wait_until("two rooms wait for their end", || waiting(&server) == 2);
    server.end();
    let server = start();
    wait_until("both long ones are known, that which was in use included", || waiting(&server) >= 2);
    wait_until("the short one has ended", || waiting(&server) == 2);
    server.kill();
    let server = start();
    wait_until("the rooms are known after a kill", || waiting(&server) == 2);
    let mut bob = connect(&server, "bob");
    assert_eq!(result(&join(&mut bob, "short")), (404, 6000322));
    assert_eq!(result(&join(&mut bob, "long")).0, 0);
    wait_until("who comes keeps it", || waiting(&server) == 1);
}
