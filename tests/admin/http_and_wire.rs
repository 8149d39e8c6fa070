//! A room driven half over HTTP and half over the wire is one room: what either does the other sees at once. Notifications are those
//! of chatroom.md §g, answers those of rest-api.md.

use crate::support::peer::{item_seq, login};
use crate::support::{Admin, Peer, Server, ask, wait_until};
use chatroom::wire::pb::{self, KickReason, MemberType, MessageType, QueueEvent, RoleChange};
use chatroom::wire::{Push, Request, Response};
use serde_json::{Value, json};

/// A server, a room that tells who comes and goes, its creator alice, and bob and carol who are in it.
struct World {
    server: Server,
    admin: Admin,
    room: i64,
    alice: Peer,
    bob: Peer,
    carol: Peer,
}

/// What members are told: number, operator, targets, the caller's own words, and what is particular about it.
type Told<'a> = (i32, &'a str, &'a [&'a str], &'a str, &'a str);

impl World {
    fn new() -> World {
        let server = Server::start_unlimited();
        let admin = server.admin();
        for account in ["alice", "bob", "carol", "dave", "erin"] {
            admin.create_user(account);
        }
        let room = admin.create_quiet_room("alice", "lobby");
        let join = |account: &str| Peer::join(&server, account, room);
        let (alice, bob, carol) = (join("alice"), join("bob"), join("carol"));
        World { admin, room, alice, bob, carol, server }
    }

    fn http(&self, endpoint: &str, parameters: &[(&str, &str)]) -> Value {
        let room = self.room.to_string();
        let mut all = vec![("roomid", room.as_str())];
        all.extend_from_slice(parameters);
        self.admin.call(endpoint, &all)
    }

    /// A call that succeeds; its answer without the code.
    #[track_caller]
    fn done(&self, endpoint: &str, parameters: &[(&str, &str)]) -> Value {
        let mut answer = self.http(endpoint, parameters);
        assert_eq!(answer["code"], 200, "{endpoint} {parameters:?}: {answer}");
        answer.as_object_mut().unwrap().remove("code");
        answer
    }

    #[track_caller]
    fn code(&self, endpoint: &str, parameters: &[(&str, &str)]) -> i64 {
        self.http(endpoint, parameters)["code"].as_i64().unwrap()
    }

    /// The next thing each member hears is this, with one place in the room's order for all.
    #[track_caller]
    fn all_hear(&mut self, told: Told<'_>) {
        let heard = [&mut self.alice, &mut self.bob, &mut self.carol].map(Peer::notification);
        for notice in &heard {
            expect(notice, told);
        }
        assert!(heard.iter().all(|notice| notice.seq == heard[0].seq && notice.time_ms == heard[0].time_ms), "{heard:?}");
    }

    #[track_caller]
    fn nobody_hears(&mut self) {
        for peer in [&mut self.alice, &mut self.bob, &mut self.carol] {
            let heard = peer.pushes_so_far();
            assert!(heard.is_empty(), "{heard:?}");
        }
    }

    fn room_object(&self) -> Value {
        self.done("chatroom/get", &[("needOnlineUserCount", "true")])["chatroom"].clone()
    }

    fn member(&self, accid: &str) -> Value {
        self.done("chatroom/queryMembers", &[("accids", &format!("[\"{accid}\"]"))])["desc"]["data"][0].clone()
    }

    /// Ids of the messages in the history, oldest first, as HTTP has them.
    fn said(&self) -> Vec<String> {
        let page = [("accid", "alice"), ("timetag", "0"), ("limit", "200"), ("reverse", "1"), ("type", "0,10,100")];
        let found = self.done("history/queryChatroomMsg", &page);
        found["msgs"].as_array().unwrap().iter().map(|message| message["msgid"].as_str().unwrap().to_owned()).collect()
    }
}

#[track_caller]
fn expect(notice: &pb::Notification, (number, operator, targets, ext, detail): Told<'_>) {
    let found = (notice.r#type, notice.operator.as_str(), notice.targets.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(found, (number, operator, targets.to_vec()), "{notice:?}");
    assert_eq!((notice.ext.as_str(), particular(notice).as_str()), (ext, detail), "{notice:?}");
}

/// What is particular about a notification, as chatroom.md §g lists it.
fn particular(notice: &pb::Notification) -> String {
    let mut parts = Vec::new();
    if let Some(changed) = &notice.room_updated {
        let texts = [("name", &changed.name), ("announcement", &changed.announcement), ("ext", &changed.ext)];
        parts.extend(texts.iter().filter_map(|(key, text)| text.as_ref().map(|text| format!("{key}={text}"))));
        parts.extend(changed.queue_level.map(|level| format!("queuelevel={level}")));
    }
    if let Some(changed) = &notice.member_updated {
        parts.extend(changed.nick.iter().map(|nick| format!("nick={nick}")));
    }
    if let Some(changed) = &notice.queue_changed {
        parts.push(format!("{:?}", changed.event()));
        parts.extend(
            changed.elements.iter().map(|element| format!("{}={}", element.key, String::from_utf8_lossy(&element.value))),
        );
    }
    if notice.mute_seconds > 0 {
        parts.push(format!("{}s", notice.mute_seconds));
    }
    if !notice.target_tag.is_empty() {
        parts.push(notice.target_tag.clone());
    }
    parts.extend(notice.recalled.iter().map(|recalled| format!("{} of {}", recalled.message_id, recalled.from)));
    parts.extend(notice.tags_updated.iter().map(|updated| format!("tags={}", updated.tags.join("+"))));
    parts.join(" ")
}

#[test]
fn members_hear_at_once_what_is_done_to_the_room_over_http() {
    // S002-011, S002-012, S002-020, S002-026
    let mut world = World::new();
    world.done("chatroom/update", &[("name", "hall"), ("ext", "e"), ("notifyExt", "why")]);
    world.all_hear((312, "alice", &[], "why", "name=hall ext=e"));
    let Response::RoomInfo(info) = world.bob.done(ask::info(world.room)) else { panic!("a room is answered so") };
    assert_eq!(info.room.unwrap().name, "hall");
    world.done("chatroom/update", &[("name", "quietly"), ("needNotify", "false")]);
    world.nobody_hears();

    let muted = |mute| [("operator", "alice"), ("mute", mute), ("notifyExt", "hush")];
    world.done("chatroom/muteRoom", &muted("true"));
    world.all_hear((318, "alice", &[], "hush", ""));
    assert_eq!(world.bob.send_text(world.room, "m", "hi").code, 13006);
    world.done("chatroom/muteRoom", &muted("false"));
    world.all_hear((319, "alice", &[], "hush", ""));
    assert_eq!(world.bob.send_text(world.room, "m", "hi").code, 0);
    assert_eq!((world.alice.message().body, world.carol.message().body), ("hi".into(), "hi".into()));

    world.done("chatroom/updateInOutNotification", &[("close", "false")]);
    let dave = Peer::join(&world.server, "dave", world.room);
    world.all_hear((301, "dave", &["dave"], "", ""));
    world.done("chatroom/updateInOutNotification", &[("close", "true")]);
    drop(dave);
    world.done("chatroom/updateDelayClosePolicy", &[("delayClosePolicy", "1"), ("delaySeconds", "600")]);
    world.nobody_hears();
    let Response::RoomInfo(info) = world.bob.done(ask::info(world.room)) else { panic!("a room is answered so") };
    assert_eq!(info.room.unwrap().delay_close.map(|delay| (delay.policy, delay.delay_seconds)), Some((1, 600)));

    world.done("chatroom/toggleCloseStat", &[("operator", "alice"), ("valid", "false")]);
    world.all_hear((311, "alice", &[], "", ""));
    for peer in [&mut world.alice, &mut world.bob, &mut world.carol] {
        assert!(matches!(peer.push(), Push::Kicked(kicked) if kicked.reason == KickReason::RoomClosed as i32));
        peer.expect_closed_after_pushes();
    }
    let refused = Peer::log_in(&world.server, login("bob", Some(world.room))).1;
    assert_eq!((refused.code, refused.sub), (13002, 113406));
    world.done("chatroom/toggleCloseStat", &[("operator", "alice"), ("valid", "true")]);
    world.bob = Peer::join(&world.server, "bob", world.room);
    assert_eq!(world.room_object()["onlineusercount"], 1);
    world.done("chatroom/toggleCloseStat", &[("operator", "alice"), ("valid", "false")]);
    world.done("chatroom/delete", &[("operator", "alice")]);
    assert_eq!(Peer::log_in(&world.server, login("bob", Some(world.room))).1.code, 404);
}

#[test]
fn members_hear_at_once_what_is_done_to_members_over_http() {
    // S002-013, S002-019, S002-024
    let mut world = World::new();
    for (opt, set, unset) in [("1", 307, 308), ("2", 309, 310), ("-1", 303, 304), ("-2", 305, 306)] {
        for (value, number) in [("true", set), ("false", unset)] {
            // Who was an administrator is an ordinary member after that, and who was one of these a visitor.
            let role = [("operator", "alice"), ("target", "dave"), ("opt", opt), ("optvalue", value), ("notifyExt", "why")];
            world.done("chatroom/setMemberRole", &role);
            world.all_hear((number, "alice", &["dave"], "why", ""));
        }
        if opt == "1" {
            let role = [("operator", "alice"), ("target", "dave"), ("opt", "2"), ("optvalue", "false")];
            world.done("chatroom/setMemberRole", &role);
            world.all_hear((310, "alice", &["dave"], "", ""));
        }
    }
    let mute = |seconds| [("operator", "alice"), ("target", "bob"), ("muteDuration", seconds), ("notifyExt", "why")];
    world.done("chatroom/temporaryMute", &mute("60"));
    world.all_hear((314, "alice", &["bob"], "why", "60s"));
    let refused = world.bob.send_text(world.room, "m", "hi");
    assert_eq!((refused.code, refused.sub), (13004, 113301));
    let lifted = world.done("chatroom/temporaryMute", &mute("0"))["desc"]["muteDuration"].as_u64().unwrap();
    assert!((1..=60).contains(&lifted));
    world.all_hear((315, "alice", &["bob"], "why", &format!("{lifted}s")));
    assert_eq!(world.bob.send_text(world.room, "m", "hi").code, 0);
    world.alice.message();
    world.carol.message();

    let face = [("accid", "bob"), ("nick", "Bobby"), ("needNotify", "true"), ("notifyExt", "why")];
    world.done("chatroom/updateMyRoomRole", &face);
    world.all_hear((316, "bob", &["bob"], "why", "nick=Bobby"));
    assert_eq!(world.bob.send_text(world.room, "m2", "hi").code, 0);
    assert_eq!((world.alice.message().from_nick, world.carol.message().from_nick), ("Bobby".into(), "Bobby".into()));

    // An account that may not speak anywhere, and may again.
    assert_eq!(world.admin.call("user/mute", &[("accid", "bob"), ("mute", "true")])["code"], 200);
    assert_eq!(world.bob.send_text(world.room, "m3", "hi").code, 423);
    assert_eq!(world.admin.call("user/mute", &[("accid", "bob"), ("mute", "false")])["code"], 200);
    assert_eq!(world.admin.call("user/muteModule", &[("accid", "bob"), ("muteRoom", "true")])["code"], 200);
    assert_eq!(world.bob.send_text(world.room, "m3", "hi").code, 423);
    assert_eq!(world.admin.call("user/muteModule", &[("accid", "bob"), ("muteRoom", "false")])["code"], 200);
    assert_eq!(world.bob.send_text(world.room, "m4", "hi").code, 0);
    world.alice.message();
    world.carol.message();

    world.done("chatroom/kickMember", &[("accid", "alice"), ("targetAccid", "carol"), ("notifyExt", "why")]);
    world.all_hear((313, "alice", &["carol"], "why", ""));
    assert!(matches!(world.carol.push(), Push::Kicked(kicked) if kicked.reason == KickReason::ManagerKick as i32));
    world.carol.expect_closed_after_pushes();
    assert_eq!(world.member("carol"), Value::Null);
    world.carol = Peer::join(&world.server, "carol", world.room);
    assert_eq!(world.admin.call("user/block", &[("accid", "carol"), ("needkick", "true")])["code"], 200);
    assert!(matches!(world.carol.push(), Push::Kicked(kicked) if kicked.reason == KickReason::AccountBlocked as i32));
    assert_eq!(Peer::log_in(&world.server, login("carol", Some(world.room))).1.code, 422);
    assert_eq!(world.admin.call("user/unblock", &[("accid", "carol")])["code"], 200);
    world.carol = Peer::join(&world.server, "carol", world.room);
    // A block in the room: told first, then put out.
    let block = [("operator", "alice"), ("target", "carol"), ("opt", "-1"), ("optvalue", "true")];
    world.done("chatroom/setMemberRole", &block);
    world.all_hear((303, "alice", &["carol"], "", ""));
    assert!(matches!(world.carol.push(), Push::Kicked(kicked) if kicked.reason == KickReason::Blocklisted as i32));
    assert_eq!(Peer::log_in(&world.server, login("carol", Some(world.room))).1.code, 13003);
}

#[test]
fn members_hear_at_once_of_robots_and_tags_over_http() {
    // S002-016, S002-017, S002-018, S002-027, S002-028, S002-029
    let mut world = World::new();
    world.done("chatroom/updateInOutNotification", &[("close", "false")]);
    world.done("chatroom/addRobot", &[("accids", "[\"erin\"]"), ("notifyExt", "why")]);
    world.all_hear((301, "erin", &["erin"], "why", ""));
    let Response::MemberList(found) = world.bob.done(Request::MemberList(pb::MemberListRequest {
        room_id: world.room,
        query: pb::MemberQuery::VisitorsNewest as i32,
        limit: 100,
        ..Default::default()
    })) else {
        panic!("members are answered so")
    };
    assert!(found.members.iter().any(|member| member.account == "erin" && member.robot));
    world.done("chatroom/removeRobot", &[("accids", "[\"erin\"]")]);
    world.all_hear((302, "erin", &["erin"], "", ""));
    world.done("chatroom/addRobot", &[("accids", "[\"erin\"]")]);
    world.all_hear((301, "erin", &["erin"], "", ""));
    assert_eq!(world.done("chatroom/cleanRobot", &[("notify", "true")]), json!({ "desc": { "size": 1 } }));
    world.all_hear((302, "erin", &["erin"], "", ""));

    world.done("chatroom/updateChatRoomRoleTag", &[("accid", "bob"), ("tags", "[\"t\"]")]);
    world.all_hear((325, "bob", &["bob"], "", "tags=t"));
    let mute = |seconds| [("operator", "alice"), ("targetTag", "t"), ("muteDuration", seconds), ("notifyExt", "why")];
    world.done("chatroom/tagTemporaryMute", &mute("60"));
    expect(&world.bob.notification(), (321, "alice", &[], "why", "60s t"));
    let refused = world.bob.send_text(world.room, "m", "hi");
    assert_eq!((refused.code, refused.sub), (13004, 113302));
    let lifted = world.done("chatroom/tagTemporaryMute", &mute("0"))["desc"]["muteDuration"].as_u64().unwrap();
    assert!((1..=60).contains(&lifted));
    expect(&world.bob.notification(), (322, "alice", &[], "why", &format!("{lifted}s t")));
    world.nobody_hears();

    // What the wire does to tags, HTTP counts, lists and lifts.
    world.carol.done(ask::update_tags(world.room, &["t", "u"]));
    expect(&world.carol.notification(), (325, "carol", &["carol"], "", "tags=t+u"));
    assert_eq!(
        world.done("chatroom/tagMembersCount", &[("tag", "t")]),
        json!({ "data": { "tag": "t", "onlineUserCount": 2 } })
    );
    let listed = world.done("chatroom/tagMembersQuery", &[("tag", "u"), ("endTime", "0"), ("limit", "10")]);
    assert_eq!(
        (&listed["desc"]["data"][0]["accid"], &listed["desc"]["data"][0]["tags"]),
        (&json!("carol"), &json!("[\"t\",\"u\"]"))
    );
    world.alice.done(ask::tag_temp_mute(world.room, "u", 60));
    expect(&world.carol.notification(), (321, "alice", &[], "", "60s u"));
    let lifted = world.done("chatroom/tagTemporaryMute", &[("operator", "alice"), ("targetTag", "u"), ("muteDuration", "0")]);
    assert!((1..=60).contains(&lifted["desc"]["muteDuration"].as_u64().unwrap()));
    assert_eq!(world.carol.notification().r#type, 322);
    // A message over HTTP to a tag reaches who carries it now.
    let message =
        [("fromAccid", "dave"), ("msgId", "m"), ("msgType", "0"), ("attach", "u?"), ("notifyTargetTags", "{\"tag\":\"u\"}")];
    world.done("chatroom/sendMsg", &message);
    assert_eq!(world.carol.message().body, "u?");
    world.nobody_hears();
    let found = world.done("history/queryTagHistoryMsg", &[("tags", "[\"u\"]"), ("types", "0")]);
    assert_eq!(found["msgs"][0]["body"], "u?");
}

#[test]
fn messages_are_one_conversation() {
    // S002-015, S002-030, S002-031, S002-032
    let mut world = World::new();
    let room = world.room;
    let text = |from: &'static str, id: &'static str, body: &'static str| {
        [("fromAccid", from), ("msgId", id), ("msgType", "0"), ("attach", body)]
    };
    // The sender's connections hear what it says over HTTP, as all do.
    let sent = world.done("chatroom/sendMsg", &text("bob", "h1", "over HTTP"));
    let heard = [&mut world.alice, &mut world.bob, &mut world.carol].map(Peer::message);
    for message in &heard {
        assert_eq!((message.message_id.as_str(), &message.body[..], message.from_client_type), ("h1", &b"over HTTP"[..], 32));
        assert_eq!(sent["desc"]["time"], message.time_ms.to_string());
        assert_eq!(message.seq, heard[0].seq);
    }
    let over_the_wire = world.bob.send_text(room, "w1", "over the wire");
    let next = world.alice.message();
    assert_eq!((next.message_id.as_str(), next.seq), ("w1", heard[0].seq + 1), "one order for both ways");
    world.carol.message();
    assert_eq!(world.said(), ["h1", "w1"]);
    let stored: Vec<u64> = world.carol.whole_history(room).iter().map(item_seq).collect();
    assert_eq!(stored, [heard[0].seq, over_the_wire.seq]);

    // What was accepted on one way is a duplicate on the other.
    let again = world.done("chatroom/sendMsg", &[&text("bob", "w1", "over the wire")[..], &[("resendFlag", "1")]].concat());
    assert_eq!(again["desc"]["time"], over_the_wire.time_ms.to_string());
    let mut resent = ask::text(room, "h1", "over HTTP");
    resent.resend = true;
    let Response::MessageSend(answer) = world.bob.done(ask::send(resent)) else { panic!("a send is answered so") };
    assert_eq!((answer.seq, answer.time_ms), (heard[0].seq, heard[0].time_ms));
    world.nobody_hears();

    // To some, and several at once.
    world.done("chatroom/sendMsgToSomeone", &[&text("dave", "d1", "psst")[..], &[("toAccids", "[\"carol\"]")]].concat());
    assert_eq!(world.carol.message().body, "psst");
    let list = r#"[{"msgId":"b1","msgType":0,"attach":"one"},{"msgId":"b2","msgType":10,"attach":"two"}]"#;
    let batch = [("fromAccid", "dave"), ("msgList", list)];
    world.done("chatroom/batchSendMsgToSomeone", &[&batch[..], &[("toAccids", "[\"bob\"]")]].concat());
    assert_eq!((world.bob.message().message_id, world.bob.message().message_id), ("b1".into(), "b2".into()));
    world.nobody_hears();
    world.done("chatroom/batchSendMsg", &batch);
    for peer in [&mut world.alice, &mut world.bob, &mut world.carol] {
        let (one, two) = (peer.message(), peer.message());
        assert_eq!((one.message_id.as_str(), two.message_id.as_str(), two.r#type), ("b1", "b2", MessageType::Tip as i32));
        assert_eq!(two.seq, one.seq + 1);
    }
    assert_eq!(world.said(), ["h1", "w1", "b1", "b2"], "what was for some is not kept");
    let everywhere = world.admin.call("chatroom/broadcast", &text("dave", "e1", "everybody"));
    assert_eq!(everywhere["code"], 200);
    for peer in [&mut world.alice, &mut world.bob, &mut world.carol] {
        assert_eq!(peer.message().message_id, "e1");
    }
    assert_eq!(world.said(), ["h1", "w1", "b1", "b2"], "nor is what was for everybody");

    // Taken back on the other way.
    let time = over_the_wire.time_ms.to_string();
    let recall =
        [("msgTimetag", &time[..]), ("msgId", "w1"), ("fromAcc", "bob"), ("operatorAcc", "alice"), ("notifyExt", "why")];
    world.done("chatroom/recall", &recall);
    world.all_hear((323, "alice", &[], "why", "w1 of bob"));
    world.alice.done(ask::recall(room, "h1", "bob", heard[0].time_ms));
    world.all_hear((323, "alice", &[], "", "h1 of bob"));
    assert_eq!(world.said(), ["b1", "b2"]);
    let time = world.done("chatroom/sendMsg", &text("bob", "h2", "never mind"))["desc"]["time"].as_str().unwrap().to_owned();
    for peer in [&mut world.alice, &mut world.bob, &mut world.carol] {
        assert_eq!(peer.message().message_id, "h2");
    }
    world.done("chatroom/deleteHistoryMessage", &[("fromAcc", "bob"), ("msgTimetag", &time)]);
    world.nobody_hears();
    let items = world.carol.whole_history(room);
    let kept: Vec<&str> = items.iter().filter_map(message_id).collect();
    assert_eq!((kept, world.said()), (vec!["b1", "b2"], vec!["b1".to_owned(), "b2".to_owned()]));
}

fn message_id(item: &pb::HistoryItem) -> Option<&str> {
    match item.item.as_ref()? {
        pb::history_item::Item::Message(message) => Some(&message.message_id),
        pb::history_item::Item::Notification(_) => None,
    }
}

#[test]
fn the_queue_is_one_queue() {
    // S002-042
    let mut world = World::new();
    let room = world.room;
    world.done("chatroom/queueOffer", &[("key", "a"), ("value", "1")]);
    world.all_hear((317, "alice", &[], "", "Offer a=1"));
    world.bob.done(ask::offer(room, "b", "2"));
    world.all_hear((317, "bob", &[], "", "Offer b=2"));
    let elements = r#"[{"key":"c","value":"3"},{"key":"a","value":"4"}]"#;
    world.done("chatroom/queueBatchOffer", &[("elements", elements), ("needNotify", "true"), ("notifyExt", "why")]);
    world.all_hear((324, "alice", &[], "why", "BatchOffer c=3 a=4"));
    let change = [("operator", "bob"), ("elements", r#"{"b":"5","none":"0"}"#), ("needNotify", "true"), ("notifyExt", "why")];
    assert_eq!(world.done("chatroom/queueBatchUpdateElements", &change)["desc"]["noExistElementKey"], json!(["none"]));
    world.all_hear((320, "bob", &[], "why", "BatchUpdate b=5"));
    let list = |world: &World| world.done("chatroom/queueList", &[])["desc"]["list"].clone();
    assert_eq!(list(&world), json!([{ "a": "4" }, { "b": "5" }, { "c": "3" }]));
    let found = world.done("chatroom/queueMultiGet", &[("keys", "[\"b\"]")]);
    assert_eq!(found["desc"]["list"], json!([{ "b": "5" }]));
    world.carol.done(ask::poll(room, "b"));
    world.all_hear((317, "carol", &[], "", "Poll b=5"));
    assert_eq!(world.code("chatroom/queuePoll", &[("key", "b")]), 404);
    assert_eq!(world.done("chatroom/queuePoll", &[])["desc"]["value"], "4");
    world.all_hear((317, "alice", &[], "", "Poll a=4"));
    assert_eq!(world.carol.came(ask::poll(room, "a")).0, 404);
    // Capacity, and who may change it, hold for both.
    world.done("chatroom/queueInit", &[("sizeLimit", "1")]);
    assert_eq!(world.bob.came(ask::offer(room, "d", "6")).0, 419);
    world.alice.done(Request::RoomUpdate(Box::new(pb::RoomUpdateRequest {
        room_id: room,
        queue_level: Some(1),
        silent: true,
        ..Default::default()
    })));
    assert_eq!(world.code("chatroom/queueOffer", &[("operator", "bob"), ("key", "c"), ("value", "7")]), 403);
    // An element of the wire's goes with its owner, and HTTP sees it gone.
    world.done("chatroom/update", &[("queuelevel", "0"), ("needNotify", "false")]);
    let elements = r#"[{"key":"c","value":"8","accid":"carol","transient":true}]"#;
    world.done("chatroom/queueBatchOffer", &[("elements", elements)]);
    world.carol.done(ask::exit(room));
    for peer in [&mut world.alice, &mut world.bob] {
        let heard = peer.notification();
        assert_eq!((heard.r#type, particular(&heard)), (320, format!("{:?} c=8", QueueEvent::PartClear)));
    }
    assert_eq!(list(&world), json!([]));
    world.done("chatroom/queueOffer", &[("key", "e"), ("value", "9")]);
    world.done("chatroom/queueDrop", &[]);
    for peer in [&mut world.alice, &mut world.bob] {
        assert_eq!(particular(&peer.notification()), "Offer e=9");
        assert_eq!(particular(&peer.notification()), "Drop");
    }
    let request = Request::QueueList(pb::QueueListRequest { room_id: room, ..Default::default() });
    let Response::QueueList(found) = world.bob.done(request) else { panic!("a queue is answered so") };
    assert!(found.elements.is_empty());
}

#[test]
fn http_sees_at_once_what_the_wire_has_done() {
    // S002-009, S002-010, S002-021, S002-022, S002-023, S002-025
    let mut world = World::new();
    let room = world.room;
    assert_eq!(world.room_object()["onlineusercount"], 3);
    let ids = format!("[{room}]");
    let batch = world.admin.call("chatroom/getBatch", &[("roomids", &ids), ("needOnlineUserCount", "1")]);
    assert_eq!(batch["succRooms"][0], world.room_object());
    let online = world.admin.call("user/userOnlineStatus", &[("accids", "[\"bob\",\"dave\"]")]);
    assert_eq!(
        (online["data"]["status"]["bob"].as_array().unwrap().len(), &online["data"]["status"]["dave"]),
        (1, &json!(null))
    );
    let address =
        world.done("chatroom/requestAddr", &[("accid", "dave"), ("clienttype", "2")])["addr"][0].as_str().unwrap().to_owned();
    let mut dave = Peer::connect(address.parse().unwrap());
    dave.done(Request::Login(Box::new(login("dave", Some(room)))));
    assert_eq!(world.room_object()["onlineusercount"], 4);
    assert_eq!(world.member("dave")["type"], "TEMPORARY");

    world.alice.done(ask::update_ext(room, "from the wire"));
    assert_eq!(world.room_object()["ext"], "from the wire");
    world.alice.done(ask::mute_room(room, true));
    assert_eq!(world.room_object()["muted"], true);
    let send = [("fromAccid", "bob"), ("msgId", "m"), ("msgType", "0"), ("attach", "hi")];
    assert_eq!(world.http("chatroom/sendMsg", &send)["sub_code"], 113423);
    world.alice.done(ask::mute_room(room, false));
    assert_eq!(world.code("chatroom/sendMsg", &send), 200);

    let mute = [("operator", "bob"), ("target", "dave"), ("muteDuration", "60")];
    assert_eq!(world.code("chatroom/temporaryMute", &mute), 403);
    world.alice.done(ask::set_role(room, "bob", RoleChange::Administrator, true));
    assert_eq!(world.member("bob")["type"], "MANAGER");
    assert_eq!(world.code("chatroom/temporaryMute", &mute), 200);
    let managers = world.done("chatroom/queryMembersByRole", &[("roles", "{\"manager\":true}")]);
    assert_eq!(managers["desc"]["data"], json!([world.member("bob")]));
    world.bob.done(ask::temp_mute(room, "carol", 60));
    let carol = world.member("carol");
    assert_eq!(carol["tempMuted"], true);
    assert!((1..=60).contains(&carol["tempMuteTtl"].as_u64().unwrap()));
    let by_carol = [("fromAccid", "carol"), ("msgId", "m"), ("msgType", "0"), ("attach", "hi")];
    assert_eq!(world.http("chatroom/sendMsg", &by_carol)["sub_code"], 113301);
    world.bob.done(ask::set_role(room, "carol", RoleChange::Blocklist, true));
    assert_eq!(world.http("chatroom/sendMsg", &by_carol)["sub_code"], 114426);
    let listed = world.done("chatroom/queryMembersByRole", &[("roles", "{\"blacklist\":true}")])["desc"]["data"][0].clone();
    assert_eq!((&listed["accid"], &listed["type"], &listed["onlineStat"]), (&json!("carol"), &json!("LIMITED"), &json!(false)));
    let fixed = world.done("chatroom/membersByPage", &[("type", "0"), ("endtime", "0"), ("limit", "100")]);
    let names: Vec<&str> =
        fixed["desc"]["data"].as_array().unwrap().iter().map(|member| member["accid"].as_str().unwrap()).collect();
    assert_eq!(names, ["carol", "bob", "alice"]);

    world.bob.done(ask::update_nick(room, "Bobby"));
    assert_eq!(world.member("bob")["nick"], "Bobby");
    assert_eq!(world.done("chatroom/sendMsg", &send)["desc"]["fromNick"], "Bobby");
    world.bob.done(ask::kick(room, "dave"));
    assert_eq!((world.member("dave"), world.room_object()["onlineusercount"].clone()), (Value::Null, json!(2)));
    assert_eq!(world.http("chatroom/kickMember", &[("accid", "alice"), ("targetAccid", "dave")])["sub_code"], 114304);
    world.bob.done(ask::exit(room));
    assert_eq!(world.room_object()["onlineusercount"], 1);
    let Response::MemberLookup(found) =
        world.alice.done(Request::MemberLookup(pb::MemberLookupRequest { room_id: room, accounts: vec!["bob".into()] }))
    else {
        panic!("members are answered so")
    };
    assert_eq!((found.members[0].r#type, found.members[0].online), (MemberType::Administrator as i32, false));

    assert_eq!(
        world.admin.call("chatroom/queryUserRoomIds", &[("creator", "alice")])["desc"]["roomids"],
        json!([room.to_string()])
    );
    world.alice.done(ask::close(room));
    assert_eq!(world.room_object()["valid"], false);
    assert_eq!(world.http("chatroom/sendMsg", &send)["sub_code"], 113406);
    assert_eq!(world.admin.call("chatroom/queryUserRoomIds", &[("creator", "alice")])["desc"]["roomids"], json!([]));
    world.done("chatroom/toggleCloseStat", &[("operator", "alice"), ("valid", "true")]);
    world.alice = Peer::join(&world.server, "alice", room);
    assert_eq!(world.alice.send_text(room, "m9", "back").code, 0);
}

#[test]
fn what_is_done_on_either_way_counts() {
    let mut world = World::new();
    assert_eq!(world.bob.send_text(world.room, "w", "over the wire").code, 0);
    world.done("chatroom/sendMsg", &[("fromAccid", "dave"), ("msgId", "h"), ("msgType", "0"), ("attach", "over HTTP")]);
    // Three have entered, and one more has spoken.
    let expected = json!({ "activeNums": 4, "enterNums": 3, "joinNums": 3, "msgs": 2, "period": "HOUR", "roomId": world.room });
    let without_time = |mut answer: Value| {
        let leading = answer["data"].get_mut(0)?.as_object_mut()?;
        let datetime = leading.remove("datetime")?.as_i64()?;
        assert_eq!(datetime % 3600, 0);
        Some(Value::Object(leading.clone()))
    };
    wait_until("the room to be counted", || {
        without_time(world.admin.call("stats/chatroom/topn", &[])).as_ref() == Some(&expected)
    });
}

#[test]
fn every_endpoint_about_rooms_has_its_part_here() {
    let here = include_str!("http_and_wire.rs");
    // Every one of these rooms is created over HTTP, by the support.
    let is_here = |path: &&str| !path.starts_with("/user/") && !path.ends_with("/create.action");
    let of_rooms = chatroom::admin::endpoints().into_iter().map(|(path, _)| path).filter(is_here);
    let name = |path: &str| path.trim_start_matches('/').trim_end_matches(".action").to_owned();
    let absent: Vec<String> = of_rooms.map(name).filter(|name| !here.contains(&format!("\"{name}\""))).collect();
    assert!(absent.is_empty(), "{absent:?}");
}
