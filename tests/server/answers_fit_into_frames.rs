//! At the smallest frame a server may be configured to: the largest messages and notifications, and every list of the largest things,
//! arrive in frames that fit, and nothing is missing (chatroom.md §c.2, §e.6, §f, wire.md §1).

use std::collections::BTreeSet;

use crate::support::peer::{login, text_message};
use crate::support::process::UNLIMITED;
use crate::support::{Peer, Server, Setup, ask};
use chatroom::limits::{self, FRAME_BYTES_MIN};
use chatroom::wire::pb::{self, MemberQuery, QueueEvent};
use chatroom::wire::{Request, Response};

/// A character of four bytes.
const WIDE: &str = "\u{1F319}";

fn smallest() -> Server {
    let config = UNLIMITED.replace("[limits]\n", &format!("[limits]\nframe_bytes_max = {FRAME_BYTES_MIN}\n"));
    Server::start(Setup { config, memory: true, ..Setup::default() })
}

/// Enters with the longest words there may be.
fn enter_large(server: &Server, account: &str, device: &str, room: i64) -> Peer {
    let (mut peer, answer) = Peer::log_in(server, pb::LoginRequest { device_id: device.into(), ..login(account, None) });
    assert_eq!((answer.code, answer.frame_bytes_max as usize), (0, FRAME_BYTES_MIN));
    peer.set_frame_bytes_max(FRAME_BYTES_MIN);
    let enter = pb::RoomEnterRequest {
        room_id: room,
        nick: WIDE.repeat(limits::NICK_CHARS_MAX),
        avatar: WIDE.repeat(limits::AVATAR_CHARS_MAX),
        ext: WIDE.repeat(limits::EXT_CHARS_MAX),
        tags: vec!["large".into()],
        notify_target_tags: Some(String::new()),
        ..Default::default()
    };
    peer.done(Request::RoomEnter(Box::new(enter)));
    peer
}

fn members(response: Response) -> pb::MemberListResponse {
    match response {
        Response::MemberList(page) | Response::MemberLookup(page) | Response::MemberListByTag(page) => page,
        other => panic!("members are {other:?}"),
    }
}

/// All that pages have, each asked for with the `next` of the one before.
fn paged(peer: &mut Peer, mut request: impl FnMut(String) -> Request) -> (Vec<pb::Member>, usize) {
    let (mut all, mut next, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = members(peer.done(request(next)));
        assert_eq!(page.has_more, !page.next.is_empty());
        all.extend(page.members);
        (next, pages) = (page.next, pages + 1);
        if !page.has_more {
            return (all, pages);
        }
    }
}

#[test]
fn lists_of_the_largest_members_come_in_pages_that_fit() {
    let server = smallest();
    let admin = server.admin();
    admin.create_user("owner");
    let room_id = admin.create_quiet_room("owner", "large");
    let mut owner = Peer::join(&server, "owner", room_id);
    owner.set_frame_bytes_max(FRAME_BYTES_MIN);
    // Robots have one time where they come with one call.
    let robots: Vec<String> = (0..100).map(|number| format!("robot{number:02}")).collect();
    robots.iter().for_each(|robot| drop(admin.create_user(robot)));
    let (list, ext) = (serde_json::to_string(&robots).unwrap(), WIDE.repeat(limits::EXT_CHARS_MAX));
    let room = room_id.to_string();
    let added = admin.call("chatroom/addRobot", &[("roomid", &room), ("accids", &list), ("roleExt", &ext)]);
    assert_eq!(added["code"], 200, "{added}");
    let people: Vec<String> = (0..20).map(|number| format!("person{number:02}")).collect();
    let devices = people.iter().flat_map(|account| ["one", "two"].map(|device| (account, device)));
    let peers: Vec<Peer> = devices.map(|(account, device)| enter_large(&server, account, device, room_id)).collect();

    let everybody: BTreeSet<String> = robots.iter().chain(&people).cloned().collect();
    for query in [MemberQuery::VisitorsNewest, MemberQuery::VisitorsOldest] {
        let ask = |next| pb::MemberListRequest { room_id, query: query as i32, next, ..Default::default() };
        let (all, pages) = paged(&mut owner, |next| Request::MemberList(ask(next)));
        assert!(pages > 4 && all.len() == 120, "{} in {pages} pages", all.len());
        assert_eq!(all.into_iter().map(|member| member.account).collect::<BTreeSet<_>>(), everybody);
    }
    // By time alone, the people who came one by one are all seen as well.
    let (mut seen, mut time_ms) = (BTreeSet::new(), 0);
    loop {
        let query = MemberQuery::VisitorsNewest as i32;
        let page =
            members(owner.done(Request::MemberList(pb::MemberListRequest { room_id, query, time_ms, ..Default::default() })));
        time_ms = page.members.last().expect("a page with more behind it has somebody").enter_time_ms;
        seen.extend(page.members.into_iter().map(|member| member.account));
        if !page.has_more || people.iter().all(|account| seen.contains(account)) {
            break;
        }
    }
    assert!(people.iter().all(|account| seen.contains(account)));

    let tag = |next| pb::MemberListByTagRequest { room_id, tag: "large".into(), next, ..Default::default() };
    let (all, pages) = paged(&mut owner, |next| Request::MemberListByTag(tag(next)));
    let connections: BTreeSet<_> = all.iter().map(|member| member.connections[0].connection_id.clone()).collect();
    assert!(pages > 1 && all.len() == 40 && connections.len() == 40, "{} in {pages} pages", all.len());

    let mut left = people.clone();
    let (mut found, mut pages) = (Vec::new(), 0);
    while !left.is_empty() {
        let request = pb::MemberLookupRequest { room_id, accounts: left.clone() };
        let page = members(owner.done(Request::MemberLookup(request)));
        found.extend(page.members.into_iter().map(|member| member.account));
        let rest = left.iter().position(|account| *account == page.next).filter(|_| page.has_more);
        left = rest.map_or(Vec::new(), |rest| left.split_off(rest));
        pages += 1;
    }
    assert!(found == people && pages > 1, "{found:?} in {pages} pages");
    for next in ["x", "1", "1 ", "x person00", "99999999999999999999 person00"] {
        let request = pb::MemberListRequest { room_id, next: next.into(), ..Default::default() };
        assert_eq!(owner.came(Request::MemberList(request)).0, 414, "{next}");
    }
    drop(peers);
}

fn element(number: usize) -> pb::QueueElement {
    let (key, value) = (format!("{number:0128}"), "v".repeat(limits::QUEUE_VALUE_BYTES_MAX));
    pb::QueueElement { key, value: value.into(), transient: true, ..Default::default() }
}

#[test]
fn a_full_queue_of_the_largest_elements_is_offered_listed_told_of_and_cleared() {
    let server = smallest();
    let admin = server.admin();
    admin.create_user("owner");
    let room_id = admin.create_quiet_room("owner", "queue");
    let (mut owner, mut guest) = (Peer::join(&server, "owner", room_id), Peer::join(&server, "guest", room_id));
    owner.set_frame_bytes_max(FRAME_BYTES_MIN);
    guest.set_frame_bytes_max(FRAME_BYTES_MIN);
    let keys: Vec<String> = (0..1000).map(|number| element(number).key).collect();
    let heard = |owner: &mut Peer, event: QueueEvent| {
        let mut told = Vec::new();
        while told.len() < keys.len() {
            let notice = owner.notification();
            let changed = notice.queue_changed.expect("the queue is all that changes");
            assert_eq!(changed.event(), event);
            assert!(changed.elements.iter().all(|element| element.value.len() == limits::QUEUE_VALUE_BYTES_MAX));
            told.extend(changed.elements.into_iter().map(|element| element.key));
        }
        assert!(told == keys);
    };
    for batch in 0..10 {
        let elements = (100 * batch..100 * (batch + 1)).map(element).collect();
        let notify_ext = WIDE.repeat(limits::NOTIFY_EXT_CHARS_MAX);
        let request = pb::QueueBatchOfferRequest { room_id, elements, notify: true, notify_ext };
        let Response::QueueBatchOffer(answer) = guest.done(Request::QueueBatchOffer(request)) else { panic!("no answer") };
        assert!(answer.failed_keys.is_empty(), "{:?}", answer.failed_keys);
    }
    heard(&mut owner, QueueEvent::BatchOffer);
    assert_eq!(owner.came(ask::offer(room_id, "one more", "v")).0, 419);

    let (mut listed, mut after) = (Vec::new(), 0);
    loop {
        let request = pb::QueueListRequest { room_id, after, limit: 0 };
        let Response::QueueList(page) = owner.done(Request::QueueList(request)) else { panic!("no list") };
        listed.extend(page.elements.into_iter().map(|element| element.key));
        after = page.reached;
        if !page.has_more {
            break;
        }
    }
    assert!(listed == keys);
    let request = pb::QueueMultiGetRequest { room_id, keys: keys[900..].to_vec() };
    let Response::QueueMultiGet(found) = owner.done(Request::QueueMultiGet(request)) else { panic!("no elements") };
    assert_eq!(found.elements.len(), 100);
    // Over HTTP, which has no frames, all of it is one answer.
    let all = admin.call("chatroom/queueList", &[("roomid", &room_id.to_string())]);
    assert_eq!(all["desc"]["list"].as_array().map(Vec::len), Some(1000), "{}", all["code"]);

    guest.done(ask::exit(room_id));
    heard(&mut owner, QueueEvent::PartClear);
    // The history has the notifications, and pages of it that fit.
    let items = owner.whole_history(room_id);
    assert_eq!(items.len(), 20);
    let found = admin.call("chatroom/queueList", &[("roomid", &room_id.to_string())]);
    assert_eq!(found["desc"]["list"].as_array().map(Vec::len), Some(0));
}

#[test]
fn the_largest_messages_arrive_and_are_read_again() {
    let server = smallest();
    let admin = server.admin();
    admin.create_user("owner");
    let room_id = admin.create_quiet_room("owner", "messages");
    let mut owner = Peer::join(&server, "owner", room_id);
    owner.set_frame_bytes_max(FRAME_BYTES_MIN);
    let mut speaker = enter_large(&server, "speaker", "one", room_id);
    for number in 0..20 {
        let message = pb::MessageSendRequest {
            attach: WIDE.repeat(limits::BODY_CHARS_MAX).into(),
            ext: WIDE.repeat(limits::EXT_CHARS_MAX).into(),
            ..text_message(room_id, &format!("{number:064}"), &WIDE.repeat(limits::BODY_CHARS_MAX))
        };
        speaker.done(Request::MessageSend(Box::new(message)));
        assert_eq!(owner.message().from_ext.len(), 4 * limits::EXT_CHARS_MAX);
    }
    assert_eq!(owner.whole_history(room_id).len(), 20);
    for limit in [1, 3, 100] {
        let (mut all, mut time_ms) = (0, 0);
        loop {
            let request = pb::MessageHistoryRequest { room_id, limit, time_ms, reverse: true, ..Default::default() };
            let Response::MessageHistory(page) = owner.done(Request::MessageHistory(request)) else { panic!("no history") };
            all += page.items.len();
            let last = page.items.last().and_then(|item| item.item.as_ref()).expect("a page has an item");
            let pb::history_item::Item::Message(last) = last else { panic!("{last:?}") };
            time_ms = last.time_ms;
            if !page.has_more {
                break;
            }
        }
        assert_eq!(all, 20, "by pages of {limit}");
    }
}

#[test]
fn a_server_that_would_cut_its_own_pushes_does_not_start_and_says_why() {
    let config = format!("[limits]\nframe_bytes_max = {}\n", FRAME_BYTES_MIN - 1);
    let refused = Server::try_start(Setup { config, memory: true, ..Setup::default() });
    let why = refused.err().expect("the server refuses");
    assert!(why.contains("limits.frame_bytes_max is 524287") && why.contains("the largest push needs as much"), "{why}");
}
