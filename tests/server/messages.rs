//! Messages on a real server: every type of them, recalls that outlast a kill, high priority and who hears it again, moderation, and
//! the limits on what a room takes and what a connection is sent.

use std::time::{Duration, Instant};

use crate::support::peer::{login, text_message};
use crate::support::process::UNLIMITED;
use crate::support::{PATIENCE, Peer, Server, Setup};
use chatroom::wire::pb::{self, MessageSendRequest, NotificationType, RoleChange};
use chatroom::wire::{PacketKind, Push, Request, Response};
use prost::Message as _;

struct Scene {
    server: Server,
    room: i64,
    owner: Peer,
    guest: Peer,
}

fn scene(server: Server) -> Scene {
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_quiet_room("owner", "messages");
    let owner = Peer::join(&server, "owner", room);
    let guest = Peer::join(&server, "guest", room);
    Scene { server, room, owner, guest }
}

fn send(peer: &mut Peer, request: MessageSendRequest) -> pb::MessageSendResponse {
    match peer.call(Request::MessageSend(Box::new(request))) {
        Response::MessageSend(answer) => answer,
        other => panic!("a send was answered with {other:?}"),
    }
}

fn recall(peer: &mut Peer, room: i64, from: &str, sent: &pb::MessageSendResponse) -> (i32, i32) {
    let request = pb::MessageRecallRequest {
        room_id: room,
        message_id: sent.message_id.clone(),
        time_ms: sent.time_ms,
        from: from.into(),
        notify_ext: "why".into(),
    };
    match peer.call(Request::MessageRecall(Box::new(request))) {
        Response::MessageRecall(answer) => (answer.code, answer.sub),
        other => panic!("a recall was answered with {other:?}"),
    }
}

fn history(peer: &mut Peer, room: i64) -> Vec<String> {
    let name = |item: &pb::HistoryItem| match item.item.as_ref().expect("an item is something") {
        pb::history_item::Item::Message(message) => message.message_id.clone(),
        pb::history_item::Item::Notification(notice) => notice.r#type.to_string(),
    };
    peer.whole_history(room).iter().map(name).collect()
}

// S000-036, S000-038, S000-039, S000-040, S002-030, S003-006
#[test]
fn every_type_arrives_as_it_was_sent() {
    let Scene { server: _server, room, mut owner, mut guest } = scene(Server::start_unlimited());
    let file = r#"{"name":"a.bin","md5":"d41d8cd9","url":"http://host/a","ext":"bin","size":1,"w":2,"h":3,"dur":4}"#;
    let cases = [
        (0, "good evening \u{1F319}", ""),
        (1, "", file),
        (2, "", file),
        (3, "", file),
        (4, "", r#"{"lng":-180,"lat":90,"title":"up there"}"#),
        (6, "", file),
        (10, "somebody is typing", ""),
        (100, "", "free <text>, not JSON"),
    ];
    for (number, (kind, body, attach)) in cases.into_iter().enumerate() {
        let request = MessageSendRequest {
            r#type: kind,
            sub_type: 7,
            body: body.into(),
            attach: attach.into(),
            ext: r#"{"key":1}"#.into(),
            ..text_message(room, &format!("m{number}"), "")
        };
        let answer = send(&mut owner, request);
        assert_eq!(answer.code, 0, "type {kind}: {}", answer.desc);
        let heard = guest.message();
        assert_eq!((heard.r#type, heard.sub_type, heard.seq, heard.time_ms), (kind, 7, answer.seq, answer.time_ms));
        assert_eq!((&heard.body[..], &heard.attach[..]), (body.as_bytes(), attach.as_bytes()), "type {kind}");
        assert_eq!((&heard.ext[..], heard.from.as_str()), (&br#"{"key":1}"#[..], "owner"));
    }
    let of = |kind, body: &'static str, attach: &'static str| MessageSendRequest {
        r#type: kind,
        attach: attach.into(),
        ..text_message(room, "bad", body)
    };
    for (bad, code) in [
        (of(0, "", ""), 414),
        (of(4, "", "here"), 414),
        (of(4, "", "[181,0]"), 414),
        (of(1, "", "[]"), 414),
        (of(7, "x", ""), 414),
        (of(20, "x", ""), 414),
        (of(5, "x", ""), 403),
        (of(11, "x", ""), 403),
    ] {
        let kind = bad.r#type;
        assert_eq!(send(&mut guest, bad).code, code, "type {kind}");
    }
    let expected: Vec<String> = (0..8).map(|number| format!("m{number}")).collect();
    assert_eq!(history(&mut guest, room), expected);
}

// S001-053: the message disappears, and stays away.
#[test]
fn a_recalled_message_is_gone_for_good_even_when_the_server_is_killed() {
    let kept = tempfile::tempdir().unwrap();
    let setup = || Setup { config: UNLIMITED.into(), data: Some(kept.path().join("data")), ..Setup::default() };
    let Scene { server, room, mut owner, mut guest } = scene(Server::start(setup()));
    let sent: Vec<_> = ["m1", "m2", "m3"].into_iter().map(|id| guest.send_text(room, id, "secret words")).collect();
    let by_owner = owner.send_text(room, "m4", "mine");
    assert_eq!(recall(&mut guest, room, "guest", &sent[0]), (0, 0));
    assert_eq!(recall(&mut owner, room, "guest", &sent[2]), (0, 0));
    assert_eq!(recall(&mut guest, room, "owner", &by_owner), (403, 107315));
    for peer in [&mut owner, &mut guest] {
        let first = peer.notification();
        assert_eq!((first.r#type(), first.operator.as_str()), (NotificationType::MessageRecalled, "guest"));
        let recalled = first.recalled.expect("it says which");
        assert_eq!((recalled.message_id.as_str(), recalled.message_time_ms), ("m1", sent[0].time_ms));
        assert_eq!((recalled.from.as_str(), first.ext.as_str()), ("guest", "why"));
        assert_eq!(peer.notification().recalled.expect("it says which").message_id, "m3");
    }
    assert_eq!(recall(&mut guest, room, "guest", &sent[0]), (404, 107404));
    let never = pb::MessageSendResponse { message_id: "never".into(), ..sent[0].clone() };
    assert_eq!(recall(&mut owner, room, "guest", &never), (404, 107404));
    assert_eq!(history(&mut guest, room), ["m2", "m4", "323", "323"]);
    drop((owner, guest));
    server.kill();
    let server = Server::start(setup());
    let mut guest = Peer::join(&server, "guest", room);
    assert_eq!(history(&mut guest, room), ["m2", "m4", "323", "323"]);
    assert_eq!(recall(&mut guest, room, "guest", &sent[2]), (404, 107404));
    // S000-043: its id is remembered all the same.
    let again = send(&mut guest, MessageSendRequest { resend: true, ..text_message(room, "m1", "secret words") });
    assert_eq!((again.code, again.seq, again.time_ms, again.duplicate), (0, sent[0].seq, sent[0].time_ms, true));
    assert_eq!(recall(&mut guest, room, "guest", &sent[1]), (0, 0), "what was not recalled still can be");
    assert_eq!(history(&mut guest, room), ["m4", "323", "323", "323"]);
}

/// Two recalls of one message, on their way at the same time: one finds it.
#[test]
fn a_message_is_recalled_once_however_many_try() {
    let Scene { server: _server, room, mut owner, mut guest } =
        scene(Server::start(Setup { config: UNLIMITED.into(), ..Setup::default() }));
    for round in 0..20 {
        let sent = guest.send_text(room, &format!("m{round}"), "hello");
        let request = pb::MessageRecallRequest {
            room_id: room,
            message_id: sent.message_id,
            time_ms: sent.time_ms,
            from: "guest".into(),
            ..Default::default()
        };
        let request = Request::MessageRecall(Box::new(request));
        let asked = [owner.ask(&request).unwrap(), owner.ask(&request).unwrap()];
        let own = guest.ask(&request).unwrap();
        let mut codes: Vec<i32> =
            asked.map(|sequence| owner.response(sequence, PATIENCE).unwrap()).into_iter().map(code).collect();
        codes.push(code(guest.response(own, PATIENCE).unwrap()));
        codes.sort_unstable();
        assert_eq!(codes, [0, 404, 404]);
    }
    let recalls = history(&mut guest, room);
    assert!(recalls.len() == 20 && recalls.iter().all(|name| name == "323"));
}

fn code(response: Response) -> i32 {
    match response {
        Response::MessageRecall(answer) => answer.code,
        other => panic!("a recall was answered with {other:?}"),
    }
}

fn high(room: i64, id: &str) -> MessageSendRequest {
    MessageSendRequest { high_priority: true, ..text_message(room, id, "read all about it") }
}

/// What a connection has been told by now of messages that are sent again.
fn resent(peer: &mut Peer) -> Vec<String> {
    let resent = |push| match push {
        Push::Message(message) if message.resent => Some(message.message_id),
        _ => None,
    };
    peer.pushes_so_far().into_iter().filter_map(resent).collect()
}

// S002-036, S002-037
#[test]
fn high_priority_is_for_ten_a_second_and_reaches_who_comes_later() {
    let kept = tempfile::tempdir().unwrap();
    let setup = || Setup { config: UNLIMITED.into(), data: Some(kept.path().join("data")), ..Setup::default() };
    let Scene { server, room, mut owner, mut guest } = scene(Server::start(setup()));
    // All at once, so that they fall into one second; whoever is slow has them fall into two.
    let asked: Vec<u32> = (0..11)
        .map(|number| owner.ask(&Request::MessageSend(Box::new(high(room, &format!("m{number:02}"))))).unwrap())
        .collect();
    let answers: Vec<_> = asked
        .into_iter()
        .map(|sequence| match owner.response(sequence, PATIENCE).unwrap() {
            Response::MessageSend(answer) => answer,
            other => panic!("a send was answered with {other:?}"),
        })
        .collect();
    assert!(answers[..10].iter().all(|answer| answer.code == 0 && answer.high_priority));
    let is_one_second = answers[10].time_ms - answers[0].time_ms < 1000;
    assert!(answers[10].code == 0 && answers[10].high_priority != is_one_second);
    for answer in &answers {
        let heard = guest.message();
        assert_eq!((&heard.message_id, heard.high_priority, heard.resent), (&answer.message_id, answer.high_priority, false));
    }
    // S002-036: a guest's wish is not granted.
    assert!(!send(&mut guest, high(room, "own")).high_priority);
    let expected: Vec<String> =
        answers.iter().filter(|answer| answer.high_priority).map(|answer| answer.message_id.clone()).collect();
    let mut late = Peer::join(&server, "late", room);
    assert_eq!(resent(&mut late), expected);
    let mut once_more = Peer::log_in(&server, pb::LoginRequest { device_id: "other".into(), ..login("late", Some(room)) }).0;
    assert_eq!(resent(&mut once_more), [""; 0], "the account has heard it");
    for peer in [&mut late, &mut once_more] {
        peer.call(Request::Logout(Default::default()));
    }
    assert_eq!(resent(&mut Peer::join(&server, "late", room)), [""; 0]);
    assert_eq!(recall(&mut owner, room, "owner", &answers[0]), (0, 0));
    assert_eq!(resent(&mut Peer::join(&server, "later", room)), expected[1..]);
    assert_eq!(history(&mut guest, room).iter().filter(|name| name.starts_with('m')).count(), 10);
    drop((owner, guest, late, once_more));
    server.kill();
    let server = Server::start(setup());
    let is_valid = |answer: &pb::MessageSendResponse| unix_ms() - answer.time_ms < 25_000;
    let in_time = is_valid(&answers[0]);
    let heard = resent(&mut Peer::join(&server, "latest", room));
    assert!(!in_time || heard == expected[1..], "a restart forgets neither what is valid nor what was recalled: {heard:?}");
}

fn unix_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_millis() as i64
}

#[test]
fn who_sends_too_much_is_told_how_long_to_wait() {
    let config = "[limits]\nclient_send_per_second = 5\nclient_send_burst = 3\n";
    let Scene { server: _server, room, mut owner, .. } =
        scene(Server::start(Setup { config: config.into(), memory: true, ..Setup::default() }));
    // The wait stands in the status alone, so the frame is read as one.
    let refused = (0..50).map(|number| status(&mut owner, room, number)).find(|status| status.code != 0);
    let refused = refused.expect("fifty messages are more than three and five a second");
    assert_eq!((refused.code, refused.sub), (416, 107323));
    assert!((1..=200).contains(&refused.retry_after_ms), "five a second are one every 200 ms: {}", refused.retry_after_ms);
    // Whoever waits as long is let through.
    let told = Instant::now();
    crate::support::wait_until("the time that was named", || {
        told.elapsed() >= Duration::from_millis(refused.retry_after_ms.into())
    });
    assert_eq!(owner.send_text(room, "late", "x").code, 0);
}

fn status(peer: &mut Peer, room: i64, number: usize) -> pb::Status {
    peer.ask(&Request::MessageSend(Box::new(text_message(room, &format!("m{number}"), "x")))).unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let frame = peer.frame(deadline).expect("a send is answered");
        if frame.header.kind == PacketKind::MessageSend as u16 {
            return pb::Status::decode(frame.body).expect("every response begins as a status");
        }
    }
}

#[test]
fn a_room_takes_so_many_messages_a_second_from_all_its_clients() {
    let config = "[limits]\nclient_send_per_second = 0\nrequests_per_second = 0\nroom_intake_per_second = 10\n";
    let Scene { server: _server, room, mut owner, mut guest } =
        scene(Server::start(Setup { config: config.into(), memory: true, ..Setup::default() }));
    let started = Instant::now();
    let mut accepted = 0;
    let mut refused = 0;
    while refused < 20 && started.elapsed() < Duration::from_secs(10) {
        for peer in [&mut owner, &mut guest] {
            let answer = peer.send_text(room, "m", "x");
            match answer.code {
                0 => accepted += 1,
                _ => {
                    assert_eq!((answer.code, answer.sub), (416, 107323), "{}", answer.desc);
                    refused += 1;
                }
            }
        }
    }
    assert_eq!(refused, 20);
    let seconds = started.elapsed().as_secs_f64();
    assert!(f64::from(accepted) <= 10.0 * seconds + 11.0, "{accepted} in {seconds} s");
}

#[test]
fn a_connection_is_sent_no_more_than_the_application_allows_but_every_notification() {
    let limits = ["--set", "limits.downlink_normal_per_second=5", "--set", "limits.downlink_high_per_second=2"];
    let arguments = limits.map(str::to_owned).to_vec();
    let Scene { server: _server, room, mut owner, mut guest } =
        scene(Server::start(Setup { config: UNLIMITED.into(), arguments, memory: true, ..Setup::default() }));
    let mute = |mute| Request::RoomMute(pb::RoomMuteRequest { room_id: room, mute, ..Default::default() });
    let started = Instant::now();
    for number in 0..100 {
        assert_eq!(owner.send_text(room, &format!("m{number}"), "x").code, 0);
        if number % 10 == 0 {
            owner.call(mute(true));
            owner.call(mute(false));
            assert_eq!(send(&mut owner, high(room, &format!("h{number}"))).code, 0);
        }
    }
    let seconds = started.elapsed().as_secs() + 2;
    let pushes = guest.pushes_so_far();
    let notices = pushes.iter().filter(|push| matches!(push, Push::Notification(_))).count();
    let count = |is_high| {
        let is_it = |push: &&Push| matches!(push, Push::Message(message) if message.high_priority == is_high);
        pushes.iter().filter(is_it).count() as u64
    };
    assert_eq!(notices, 20, "notifications are never left out");
    assert!((1..=5 * seconds).contains(&count(false)), "{} normal ones in {seconds} s", count(false));
    assert!((1..=2 * seconds).contains(&count(true)), "{} of high priority in {seconds} s", count(true));
    assert_eq!(history(&mut guest, room).len(), 130, "the history has them all");
}

// S002-038
#[test]
fn words_are_refused_or_masked_for_those_who_hear_and_for_the_history() {
    let folder = tempfile::tempdir().unwrap();
    let (refused, masked) = (folder.path().join("refused"), folder.path().join("masked"));
    std::fs::write(&refused, "# what nobody wants to read\n\nscam\n").unwrap();
    std::fs::write(&masked, "darn\n").unwrap();
    let config = format!(
        "{UNLIMITED}[moderation]\nrefused_words = \"{}\"\nmasked_words = \"{}\"\n",
        refused.display(),
        masked.display()
    );
    let kept = folder.path().join("data");
    let setup = || Setup { config: config.clone(), data: Some(kept.clone()), ..Setup::default() };
    let Scene { server, room, mut owner, mut guest } = scene(Server::start(setup()));
    let answer = owner.send_text(room, "m1", "a SCAM");
    assert_eq!((answer.code, answer.sub), (403, 113451));
    assert_eq!(owner.send_text(room, "m2", "oh darn").code, 0);
    assert_eq!(guest.message().body, "oh ****");
    let update = pb::MemberUpdateSelfRequest { room_id: room, nick: Some("scammer".into()), ..Default::default() };
    let Response::MemberUpdateSelf(answer) = guest.call(Request::MemberUpdateSelf(Box::new(update))) else {
        panic!("no answer")
    };
    assert_eq!((answer.code, answer.sub), (13005, 114451));
    let update = pb::RoomUpdateRequest { room_id: room, name: Some("scam central".into()), ..Default::default() };
    let Response::RoomUpdate(answer) = owner.call(Request::RoomUpdate(Box::new(update))) else { panic!("no answer") };
    assert_eq!((answer.code, answer.sub), (403, 113451));
    let mut request = login("other", Some(room));
    request.enter.as_mut().unwrap().nick = "darn".into();
    let (_, answer) = Peer::log_in(&server, request);
    assert_eq!(answer.enter.map_or(answer.code, |enter| enter.code), 13005);
    drop((owner, guest));
    server.kill();
    let server = Server::start(setup());
    let mut guest = Peer::join(&server, "guest", room);
    let bodies: Vec<_> = guest.whole_history(room).into_iter().filter_map(body).collect();
    assert_eq!(bodies, ["oh ****"]);
    let mut bad = setup();
    bad.config = "[moderation]\nrefused_words = \"/nowhere/at/all\"\n".into();
    bad.data = None;
    assert!(Server::try_start(bad).is_err_and(|words| words.contains("/nowhere/at/all")));
}

fn body(item: pb::HistoryItem) -> Option<String> {
    match item.item {
        Some(pb::history_item::Item::Message(message)) => Some(String::from_utf8(message.body.to_vec()).unwrap()),
        _ => None,
    }
}

// S003-007: a message may choose not to be stored; S002-034.
#[test]
fn what_is_kept_out_of_the_history_is_delivered_all_the_same() {
    let Scene { server, room, mut owner, mut guest } = scene(Server::start_unlimited());
    let mut third = Peer::join(&server, "third", room);
    assert_eq!(send(&mut owner, MessageSendRequest { skip_history: true, ..text_message(room, "m1", "psst") }).code, 0);
    let to = |account: &str| MessageSendRequest {
        to_accounts: vec![account.into(), "absent".into()],
        ..text_message(room, "m2", "you")
    };
    assert_eq!(send(&mut owner, to("guest")).code, 0);
    assert_eq!(owner.send_text(room, "m3", "all").code, 0);
    let ids = |peer: &mut Peer, count: usize| (0..count).map(|_| peer.message().message_id).collect::<Vec<_>>();
    assert_eq!(ids(&mut guest, 3), ["m1", "m2", "m3"]);
    assert_eq!(ids(&mut third, 2), ["m1", "m3"]);
    // S002-035
    let abandoned = send(&mut owner, MessageSendRequest { abandon_ratio: Some(9999), ..text_message(room, "m4", "lost") });
    assert_eq!((abandoned.code, abandoned.abandoned, abandoned.seq), (0, true, 0));
    assert_eq!(history(&mut guest, room), ["m3"]);
}

// An administrator by role, on a real server.
#[test]
fn an_administrator_recalls_what_others_said_but_not_the_creator() {
    let Scene { server, room, mut owner, mut guest } = scene(Server::start_unlimited());
    server.admin().create_user("deputy");
    let role = pb::MemberSetRoleRequest {
        room_id: room,
        account: "deputy".into(),
        change: RoleChange::Administrator as i32,
        set: true,
        ..Default::default()
    };
    let Response::MemberSetRole(answer) = owner.call(Request::MemberSetRole(role)) else { panic!("no answer") };
    assert_eq!(answer.code, 0);
    let mut deputy = Peer::join(&server, "deputy", room);
    let (by_owner, by_guest) = (owner.send_text(room, "m1", "x"), guest.send_text(room, "m2", "x"));
    assert_eq!(recall(&mut deputy, room, "owner", &by_owner), (403, 107315));
    assert_eq!(recall(&mut deputy, room, "guest", &by_guest), (0, 0));
    assert_eq!(recall(&mut owner, room, "owner", &by_owner), (0, 0));
}
