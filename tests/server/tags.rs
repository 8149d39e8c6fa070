//! Tags, places and what depends on them, as members of a real server see it (chatroom.md §a.10, §a.11).

use crate::support::peer::{item_seq, login, text_message};
use crate::support::process::UNLIMITED;
use crate::support::{PATIENCE, Peer, Server, Setup};
use chatroom::wire::pb::{self, NotificationType};
use chatroom::wire::{Push, Request, Response};

fn tag(name: &str) -> String {
    format!("{{\"tag\":\"{name}\"}}")
}

/// Logs in and enters with tags.
fn join(server: &Server, account: &str, room: i64, tags: &[&str]) -> Peer {
    let enter =
        pb::RoomEnterRequest { room_id: room, tags: tags.iter().map(|tag| tag.to_string()).collect(), ..Default::default() };
    join_as(server, account, enter)
}

fn join_as(server: &Server, account: &str, enter: pb::RoomEnterRequest) -> Peer {
    let device_id = format!("device-{}-{}", account, fastrand::u32(..));
    let (peer, answer) = Peer::log_in(server, pb::LoginRequest { enter: Some(enter), device_id, ..login(account, None) });
    assert_eq!((answer.code, answer.enter.as_ref().map(|enter| enter.code)), (0, Some(0)), "{answer:?}");
    peer
}

fn say(peer: &mut Peer, request: pb::MessageSendRequest) -> pb::MessageSendResponse {
    match peer.call(Request::MessageSend(Box::new(request))) {
        Response::MessageSend(answer) => answer,
        other => panic!("a send was answered with {other:?}"),
    }
}

fn to(room: i64, id: &str, target: &str) -> pb::MessageSendRequest {
    pb::MessageSendRequest { notify_target_tags: Some(target.into()), ..text_message(room, id, id) }
}

/// Ids of the messages that have come so far.
fn heard(peer: &mut Peer) -> Vec<String> {
    let message = |push| match push {
        Push::Message(message) => Some(message.message_id),
        _ => None,
    };
    peer.pushes_so_far().into_iter().filter_map(message).collect()
}

/// The ids of the messages up to and with the one called `end`, which all of these hear.
fn heard_until(peer: &mut Peer, end: &str) -> Vec<String> {
    let mut ids = Vec::new();
    while ids.last().is_none_or(|last| last != end) {
        ids.push(peer.message().message_id);
    }
    ids.pop();
    ids
}

fn update_tags(peer: &mut Peer, request: pb::MemberUpdateTagsRequest) -> i32 {
    match peer.call(Request::MemberUpdateTags(Box::new(request))) {
        Response::MemberUpdateTags(status) => status.code,
        other => panic!("a change of tags was answered with {other:?}"),
    }
}

fn by_tag(peer: &mut Peer, room: i64, tag: &str) -> Vec<pb::Member> {
    let request = pb::MemberListByTagRequest { room_id: room, tag: tag.into(), ..Default::default() };
    match peer.call(Request::MemberListByTag(request)) {
        Response::MemberListByTag(page) => page.members,
        other => panic!("a list by tag was answered with {other:?}"),
    }
}

fn count(peer: &mut Peer, room: i64, tag: &str) -> u64 {
    match peer.call(Request::MemberCountByTag(pb::MemberCountByTagRequest { room_id: room, tag: tag.into() })) {
        Response::MemberCountByTag(answer) => answer.count,
        other => panic!("a count by tag was answered with {other:?}"),
    }
}

struct Scene {
    server: Server,
    room: i64,
    owner: Peer,
}

fn scene() -> Scene {
    let server = Server::start(Setup { config: UNLIMITED.into(), memory: true, workers: Some(3), ..Setup::default() });
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_quiet_room("owner", "tags");
    let owner = Peer::join(&server, "owner", room);
    Scene { server, room, owner }
}

// S000-007, S002-039, S002-049
#[test]
fn messages_go_to_the_tags_they_name_across_workers() {
    let Scene { server, room, mut owner } = scene();
    let mut peers: Vec<(Vec<&str>, Peer)> = Vec::new();
    for (number, tags) in [vec![], vec!["a"], vec!["b"], vec!["a", "b"]].into_iter().cycle().take(16).enumerate() {
        let peer = join(&server, &format!("u{number}"), room, &tags);
        peers.push((tags, peer));
    }
    for (id, target) in [("1", tag("a")), ("2", format!("{} and {}", tag("a"), tag("b"))), ("3", format!("not {}", tag("a")))] {
        assert_eq!(say(&mut owner, to(room, id, &target)).code, 0);
    }
    assert_eq!(say(&mut owner, to(room, "bad", "{")).code, 414);
    // By its own tag, which is the default.
    assert_eq!(say(&mut peers[1].1, text_message(room, "4", "to my own")).code, 0);
    assert_eq!(say(&mut owner, text_message(room, "end", "to all")).code, 0);
    for (number, (tags, peer)) in peers.iter_mut().enumerate() {
        let (a, b) = (tags.contains(&"a"), tags.contains(&"b"));
        let expected = [("1", a), ("2", a && b), ("3", !a), ("4", a && number != 1)];
        let expected: Vec<&str> = expected.into_iter().filter(|(_, hears)| *hears).map(|(id, _)| id).collect();
        assert_eq!(heard_until(peer, "end"), expected, "{tags:?}");
    }
    // The sender's own words to its own tag come as any of its tag to others, with the expression on them.
    assert_eq!(heard(&mut owner), [""; 0]);
}

// S000-012, S000-019
#[test]
fn all_connections_of_an_account_learn_of_its_new_tags() {
    let Scene { server, room, mut owner } = scene();
    let (mut phone, mut desk) = (join(&server, "alice", room, &["x"]), join(&server, "alice", room, &[]));
    let request = pb::MemberUpdateTagsRequest { room_id: room, tags: vec!["y".into()], set_tags: true, ..Default::default() };
    assert_eq!(update_tags(&mut phone, request.clone()), 0);
    for peer in [&mut phone, &mut desk] {
        let told = peer.notification();
        assert_eq!(told.r#type(), NotificationType::TagsUpdated);
        assert_eq!(told.tags_updated.map(|updated| updated.tags), Some(vec!["y".to_owned()]));
    }
    assert!(owner.pushes_so_far().is_empty(), "nobody else hears of it");
    assert_eq!((count(&mut owner, room, "x"), count(&mut owner, room, "y")), (0, 1));
    let request = pb::MemberUpdateTagsRequest { tags: vec![], notify: true, ..request };
    assert_eq!(update_tags(&mut phone, request), 0);
    assert_eq!(owner.notification().r#type(), NotificationType::TagsUpdated);
    assert_eq!(update_tags(&mut phone, pb::MemberUpdateTagsRequest { room_id: room, ..Default::default() }), 414);
}

// S000-025, S000-026
#[test]
fn members_are_found_and_counted_by_tag() {
    let Scene { server, room, mut owner } = scene();
    let _peers =
        [join(&server, "alice", room, &["t"]), join(&server, "alice", room, &["t", "u"]), join(&server, "bob", room, &["t"])];
    let found = by_tag(&mut owner, room, "t");
    let mut accounts: Vec<&str> = found.iter().map(|member| &*member.account).collect();
    accounts.sort();
    assert_eq!(accounts, ["alice", "alice", "bob"]);
    assert!(found.windows(2).all(|pair| pair[0].enter_time_ms >= pair[1].enter_time_ms), "newest first");
    assert_eq!(by_tag(&mut owner, room, "u")[0].tags, ["t", "u"]);
    assert_eq!((count(&mut owner, room, "t"), count(&mut owner, room, "u")), (2, 1));
}

// S000-034
#[test]
fn a_muted_tag_silences_its_carriers_until_it_is_lifted_and_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let setup = || Setup { data: Some(folder.path().to_path_buf()), ..Setup::default() };
    let server = Server::start(setup());
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_quiet_room("owner", "tags");
    let (mut owner, mut loud) = (Peer::join(&server, "owner", room), join(&server, "loud", room, &["loud"]));
    let mute = |peer: &mut Peer, seconds| {
        let request = pb::MemberTagTempMuteRequest { room_id: room, tag: "loud".into(), seconds, ..Default::default() };
        match peer.call(Request::MemberTagTempMute(request)) {
            Response::MemberTagTempMute(answer) => (answer.code, answer.seconds),
            other => panic!("a mute was answered with {other:?}"),
        }
    };
    assert_eq!(mute(&mut loud, 600).0, 403);
    assert_eq!(mute(&mut owner, 600), (0, 600));
    let told = loud.notification();
    assert_eq!((told.r#type(), told.mute_seconds, &*told.target_tag), (NotificationType::TagTempMuteAdd, 600, "loud"));
    let refused = say(&mut loud, to(room, "1", ""));
    assert_eq!((refused.code, refused.sub), (13004, 113302));
    drop((owner, loud));
    server.terminate();
    server.wait(PATIENCE);

    let server = Server::start(setup());
    let (mut owner, mut loud) = (Peer::join(&server, "owner", room), join(&server, "loud", room, &["loud"]));
    assert_eq!(say(&mut loud, to(room, "2", "")).code, 13004);
    let (code, left) = mute(&mut owner, 0);
    assert!(code == 0 && (1..=600).contains(&left), "what remained: {left}");
    assert_eq!(loud.notification().r#type(), NotificationType::TagTempMuteRemove);
    assert_eq!(say(&mut loud, to(room, "3", "")).code, 0);
    assert_eq!(mute(&mut owner, 0), (0, 0));
}

// S000-041, S000-042
#[test]
fn the_history_shows_what_is_for_the_reader_and_by_tags_what_was_for_them() {
    let Scene { server, room, mut owner } = scene();
    let mut sent = Vec::new();
    let targets = ["", &*tag("a"), &*tag("b"), &*format!("{} and {}", tag("a"), tag("b"))];
    for number in 0..20 {
        let answer = say(&mut owner, to(room, &format!("m{number}"), targets[number % 4]));
        assert_eq!(answer.code, 0);
        sent.push((number % 4, answer.seq, answer.time_ms));
    }
    let of = |kinds: &[usize]| -> Vec<u64> {
        sent.iter().filter(|(kind, ..)| kinds.contains(kind)).map(|(_, seq, _)| *seq).collect()
    };
    let seqs = |items: &[pb::HistoryItem]| items.iter().map(item_seq).collect::<Vec<u64>>();
    let (mut a, mut both) = (join(&server, "a", room, &["a"]), join(&server, "both", room, &["a", "b"]));
    assert_eq!(seqs(&a.whole_history(room)), of(&[0, 1]));
    assert_eq!(seqs(&both.whole_history(room)), of(&[0, 1, 2, 3]));
    assert_eq!(seqs(&owner.whole_history(room)), of(&[0]), "even what it has said itself, if it is for others");

    let mut by_tags = |request: pb::MessageHistoryByTagsRequest| {
        let request = pb::MessageHistoryByTagsRequest { room_id: room, ..request };
        match owner.call(Request::MessageHistoryByTags(request)) {
            Response::MessageHistoryByTags(page) => page,
            other => panic!("history by tags was answered with {other:?}"),
        }
    };
    let tags = |tags: &[&str]| tags.iter().map(|tag| tag.to_string()).collect::<Vec<_>>();
    let request = |names: &[&str]| pb::MessageHistoryByTagsRequest { tags: tags(names), reverse: true, ..Default::default() };
    assert_eq!(seqs(&by_tags(request(&["a"])).items), of(&[1]));
    assert_eq!(seqs(&by_tags(request(&["a", "b"])).items), of(&[1, 2, 3]));
    assert_eq!(by_tags(request(&[])).code, 414);
    let newest_first = pb::MessageHistoryByTagsRequest { reverse: false, limit: 1, ..request(&["b"]) };
    assert_eq!(seqs(&by_tags(newest_first).items)[0], *of(&[2]).last().unwrap());
    // Pages chain by the place that was reached.
    let (mut all, mut last_seq) = (Vec::new(), 0);
    loop {
        let page = by_tags(pb::MessageHistoryByTagsRequest { limit: 2, last_seq, ..request(&["a", "b"]) });
        all.extend(seqs(&page.items));
        last_seq = page.reached_seq;
        if !page.has_more {
            break;
        }
    }
    assert_eq!(all, of(&[1, 2, 3]));
    // Within two times: where reading begins is exclusive, where it ends is not.
    let (from, to) = (sent[5].2, sent[13].2);
    let within = |keep: &dyn Fn(i64) -> bool| -> Vec<u64> {
        sent.iter().filter(|(kind, _, time)| *kind == 1 && keep(*time)).map(|(_, seq, _)| *seq).collect()
    };
    let span = pb::MessageHistoryByTagsRequest { from_time_ms: from, to_time_ms: to, ..request(&["a"]) };
    assert_eq!(seqs(&by_tags(span.clone()).items), within(&|time| time > from && time <= to));
    let mut backwards = seqs(&by_tags(pb::MessageHistoryByTagsRequest { reverse: false, ..span }).items);
    backwards.reverse();
    assert_eq!(backwards, within(&|time| time >= from && time < to));
}

// S000-035
#[test]
fn only_what_is_said_near_is_heard_after_a_new_place() {
    let Scene { server, room, mut owner } = scene();
    let location = pb::Location { x: Some(0.0), distance: Some(10.0), enabled: Some(true), ..Default::default() };
    let enter = pb::RoomEnterRequest { room_id: room, location: Some(location), ..Default::default() };
    let mut alice = join_as(&server, "alice", enter);
    let mut bob = Peer::join(&server, "bob", room);
    let at =
        |id: &str, x| pb::MessageSendRequest { at: Some(pb::Point { x, ..Default::default() }), ..text_message(room, id, id) };
    assert_eq!(say(&mut owner, at("1", 10.0)).code, 0);
    assert_eq!(say(&mut owner, at("2", 11.0)).code, 0);
    assert_eq!(say(&mut owner, at("bad", f64::NAN)).code, 414);
    let location = Some(pb::Location { distance: Some(12.0), ..Default::default() });
    match alice.call(Request::MemberUpdateLocation(pb::MemberUpdateLocationRequest { room_id: room, location })) {
        Response::MemberUpdateLocation(status) => assert_eq!(status.code, 0),
        other => panic!("a new place was answered with {other:?}"),
    }
    assert_eq!(say(&mut owner, at("3", 11.0)).code, 0);
    assert_eq!(say(&mut owner, text_message(room, "end", "to all")).code, 0);
    assert_eq!(heard_until(&mut alice, "end"), ["1", "3"]);
    assert_eq!(heard_until(&mut bob, "end"), ["1", "2", "3"], "who is not located is not filtered");
}

#[test]
fn a_connection_that_comes_back_keeps_its_tags_and_hears_what_was_for_them() {
    let Scene { server, room, mut owner } = scene();
    let enter = pb::RoomEnterRequest { room_id: room, tags: vec!["a".into()], ..Default::default() };
    let request = pb::LoginRequest { enter: Some(enter.clone()), ..login("alice", None) };
    let (peer, answer) = Peer::log_in(&server, request.clone());
    let entered = answer.enter.expect("it has entered");
    peer.cut();
    for (id, target) in [("1", tag("a")), ("2", tag("b")), ("3", String::new())] {
        assert_eq!(say(&mut owner, to(room, id, &target)).code, 0);
    }
    let position = pb::RoomPosition { room_id: room, last_seq: entered.last_seq, epoch: entered.epoch };
    let resume = Some(pb::Resume { token: answer.resume_token, rooms: vec![position] });
    let enter = Some(pb::RoomEnterRequest { tags: vec![], ..enter });
    let (mut peer, answer) = Peer::log_in(&server, pb::LoginRequest { resume, enter, ..request });
    assert!(answer.enter.is_some_and(|enter| enter.resumed && !enter.gap));
    assert_eq!(say(&mut owner, to(room, "4", &tag("a"))).code, 0);
    assert_eq!(say(&mut owner, to(room, "end", "")).code, 0);
    assert_eq!(heard_until(&mut peer, "end"), ["1", "3", "4"]);
    assert_eq!(count(&mut owner, room, "a"), 1);
}
