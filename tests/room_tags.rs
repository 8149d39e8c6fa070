//! Tags, and who hears what by them (chatroom.md §a.10, §c.1, §c.2).
#![cfg(feature = "server")]

mod room_world;

use std::collections::BTreeMap;

use chatroom::error::{Code, Sub};
use chatroom::id::{ConnId, RoomId, UnixMs};
use chatroom::room::{Actor, Audience, Enter, Expression, HistoryFilter, Op, Outcome, Presence, Query, Room};
use chatroom::wire::Response;
use chatroom::wire::pb::{self, NotificationType, RoleChange};
use proptest::prelude::*;
use room_world::{World, enter, http, kind, message, notice, role, send, text};

fn tag(name: &str) -> String {
    format!("{{\"tag\":\"{name}\"}}")
}

fn with_tags(tags: &[&str], target: Option<&str>) -> Enter {
    let mut asked = enter("");
    asked.request.tags = tags.iter().map(|tag| tag.to_string()).collect();
    asked.request.notify_target_tags = target.map(str::to_owned);
    asked
}

fn enter_tagged(world: &mut World, account: &str, tags: &[&str], target: Option<&str>) -> Actor {
    let actor = world.connection(account);
    world.apply(&actor, Op::Enter(Box::new(with_tags(tags, target)))).expect("it may enter");
    actor
}

fn to(target: Option<&str>) -> Op {
    send(pb::MessageSendRequest { notify_target_tags: target.map(str::to_owned), ..text("m", "hello") })
}

fn id(actor: &Actor) -> ConnId {
    actor.connection.expect("it has a connection")
}

/// Whom of these an outcome's push is for.
fn hearers<'a>(outcome: &Outcome, among: &[(&'a str, &Actor)]) -> Vec<&'a str> {
    among.iter().filter(|(_, actor)| outcome.audience.admits(id(actor))).map(|(name, _)| *name).collect()
}

fn update(tags: Option<&[&str]>, target: Option<&str>, notify: bool) -> Op {
    Op::UpdateTags(Box::new(pb::MemberUpdateTagsRequest {
        room_id: 7,
        tags: tags.unwrap_or_default().iter().map(|tag| tag.to_string()).collect(),
        set_tags: tags.is_some(),
        notify_target_tags: target.map(str::to_owned),
        notify,
        notify_ext: "why".into(),
    }))
}

fn by_tag(world: &World, asking: &Actor, tag: &str, time_ms: i64, limit: u32) -> (Vec<pb::Member>, bool) {
    let request = pb::MemberListByTagRequest { room_id: 7, tag: tag.into(), time_ms, limit };
    match world.query(asking, &Query::MembersByTag(request)) {
        Ok(Response::MemberListByTag(page)) => (page.members, page.has_more),
        other => panic!("a list by tag answers {other:?}"),
    }
}

fn count(world: &World, asking: &Actor, tag: &str) -> u64 {
    match world.query(asking, &Query::CountByTag(pb::MemberCountByTagRequest { room_id: 7, tag: tag.into() })) {
        Ok(Response::MemberCountByTag(answer)) => answer.count,
        other => panic!("a count answers {other:?}"),
    }
}

fn mute_tag(tag: &str, seconds: u32) -> pb::MemberTagTempMuteRequest {
    pb::MemberTagTempMuteRequest { room_id: 7, tag: tag.into(), seconds, ..Default::default() }
}

fn muted_seconds(outcome: &Outcome) -> u32 {
    match &outcome.reply {
        Response::MemberTagTempMute(answer) => answer.seconds,
        other => panic!("a mute answers {other:?}"),
    }
}

// S002-039, S002-049
#[test]
fn a_message_reaches_the_connections_its_expression_means() {
    let mut world = World::new();
    let alice = world.enter("alice");
    let (a, b) = (enter_tagged(&mut world, "a", &["abc"], None), enter_tagged(&mut world, "b", &["def"], None));
    let both = enter_tagged(&mut world, "both", &["abc", "def"], None);
    let none = world.enter("none");
    let all = [("alice", &alice), ("a", &a), ("b", &b), ("both", &both), ("none", &none)];
    let mut said = |target: &str| {
        let outcome = world.apply(&alice, to(Some(target))).unwrap();
        assert_eq!(message(&outcome).notify_target_tags, target, "the push says whom it is for");
        hearers(&outcome, &all)
    };
    assert_eq!(said(r#"{"tag": "abc"} and {"tag": "def"}"#), ["both"]);
    assert_eq!(said(&tag("abc")), ["a", "both"]);
    assert_eq!(said(r#"{"tag":"abc"} or {"tag":"def"}"#), ["a", "b", "both"]);
    assert_eq!(said(r#"not {"tag":"abc"}"#), ["b", "none"]);
    assert_eq!(said(r#"{"tag":".*","matchType":"regex"}"#), ["a", "b", "both"]);
    assert_eq!(said(&tag("nobody")), [""; 0]);
    // Empty: everyone.
    assert_eq!(said(""), ["a", "b", "both", "none"]);
    for refused in ["x", &tag(&"a".repeat(119)), r#"{"tag":"("  ,"matchType":"regex"}"#] {
        let status = world.apply(&alice, to(Some(refused))).unwrap_err();
        assert_eq!(status.code, Code::BadParameter);
        assert!(status.desc.contains("notify_target_tags"), "{}", status.desc);
    }
}

#[test]
fn without_an_expression_that_of_the_connection_goes_else_its_tags() {
    let mut world = World::new();
    let (a, b) = (enter_tagged(&mut world, "a", &["abc"], None), enter_tagged(&mut world, "b", &["def"], None));
    let both = enter_tagged(&mut world, "both", &["abc", "def"], None);
    let picky = enter_tagged(&mut world, "picky", &["abc"], Some(&tag("def")));
    let open = enter_tagged(&mut world, "open", &["abc"], Some(""));
    let none = world.enter("none");
    let all = [("a", &a), ("b", &b), ("both", &both), ("picky", &picky), ("open", &open), ("none", &none)];
    let mut said = |actor: &Actor| {
        let outcome = world.apply(actor, to(None)).unwrap();
        (hearers(&outcome, &all), message(&outcome).notify_target_tags.clone())
    };
    assert_eq!(said(&a), (vec!["both", "picky", "open"], tag("abc")));
    assert_eq!(said(&both), (vec![], format!("{} and {}", tag("abc"), tag("def"))));
    assert_eq!(said(&picky), (vec!["b", "both"], tag("def")));
    assert_eq!(said(&open), (vec!["a", "b", "both", "picky", "none"], String::new()));
    assert_eq!(said(&none), (vec!["a", "b", "both", "picky", "open"], String::new()));
    // HTTP has no connection and no default.
    assert_eq!(said(&http("a")).0.len(), 6);
}

#[test]
fn the_senders_other_connections_always_get_a_copy_and_the_sending_one_never() {
    let mut world = World::new();
    let (phone, desk) = (enter_tagged(&mut world, "alice", &["x"], None), world.enter("alice"));
    let bob = world.enter("bob");
    let all = [("phone", &phone), ("desk", &desk), ("bob", &bob)];
    for target in [tag("x"), tag("nobody"), format!("not {}", tag("x"))] {
        let outcome = world.apply(&phone, to(Some(&target))).unwrap();
        assert!(hearers(&outcome, &all).contains(&"desk"), "{target}");
        assert!(!hearers(&outcome, &all).contains(&"phone"), "{target}");
    }
    // What everybody may hear costs no list.
    assert_eq!(world.apply(&phone, to(Some(""))).unwrap().audience, Audience::AllBut(id(&phone)));
}

#[test]
fn comings_and_goings_are_told_by_the_expression_of_who_comes_and_goes() {
    let mut world = World::new();
    let (red, blue) = (enter_tagged(&mut world, "red", &["red"], None), enter_tagged(&mut world, "blue", &["blue"], None));
    let plain = world.enter("plain");
    let carol = world.connection("carol");
    let all = [("red", &red), ("blue", &blue), ("plain", &plain), ("carol", &carol)];
    let entered = world.apply(&carol, Op::Enter(Box::new(with_tags(&["green"], Some(&tag("blue")))))).unwrap();
    assert_eq!((kind(&entered), hearers(&entered, &all)), (NotificationType::MemberEnter, vec!["blue", "carol"]));
    assert_eq!(notice(&entered).notify_target_tags, tag("blue"));
    let left = world.apply(&carol, Op::Exit).unwrap();
    assert_eq!((kind(&left), hearers(&left, &all)), (NotificationType::MemberExit, vec!["blue"]));
    let left = world.apply(&red, Op::Exit).unwrap();
    assert_eq!(hearers(&left, &all), [""; 0], "whoever has its tag, which is nobody else");
    let left = world.apply(&plain, Op::Exit).unwrap();
    assert_eq!((hearers(&left, &all), &*notice(&left).notify_target_tags), (vec!["red", "blue", "carol"], ""));
}

// S000-007: tags given at login, at most ten of at most 32 characters.
#[test]
fn tags_are_checked_and_duplicates_are_one() {
    let mut world = World::new();
    let boss = world.enter("boss");
    let alice = world.connection("alice");
    let ten: Vec<String> = (0..10).map(|number| format!("{number}{}", "é".repeat(31))).collect();
    let ten: Vec<&str> = ten.iter().map(String::as_str).collect();
    let eleven: Vec<&str> = ten.iter().copied().chain(["a"]).collect();
    let refused: [&[&str]; 5] = [&eleven, &[&"é".repeat(33)], &[""], &["a\u{7}b"], &["a", "b\n"]];
    for tags in refused {
        assert_eq!(world.code(&alice, Op::Enter(Box::new(with_tags(tags, None)))), Code::BadParameter, "{tags:?}");
        assert_eq!(world.code(&boss, update(Some(tags), None, false)), Code::BadParameter, "{tags:?}");
    }
    assert_eq!(world.code(&alice, Op::Enter(Box::new(with_tags(&["a"], Some("{"))))), Code::BadParameter);
    world.apply(&alice, Op::Enter(Box::new(with_tags(&ten, None)))).unwrap();
    assert_eq!(by_tag(&world, &boss, ten[9], 0, 0).0[0].tags, ten);
    world.apply(&alice, update(Some(&["a", "b", "a"]), None, false)).unwrap();
    assert_eq!(by_tag(&world, &boss, "a", 0, 0).0[0].tags, ["a", "b"]);
    assert_eq!(count(&world, &boss, ten[9]), 0);
}

#[test]
fn a_resume_keeps_what_was_said_or_takes_what_is_said_anew() {
    let mut world = World::new();
    let boss = world.enter("boss");
    let first = enter_tagged(&mut world, "alice", &["a"], Some(&tag("x")));
    world
        .apply(
            &first,
            Op::UpdateLocation(pb::MemberUpdateLocationRequest {
                room_id: 7,
                location: Some(pb::Location { x: Some(1.0), enabled: Some(true), ..Default::default() }),
            }),
        )
        .unwrap();
    let resume = |world: &mut World, replaces: &Actor, asked: Enter| {
        let again = world.connection("alice");
        world.apply(replaces, Op::Detach).unwrap();
        let outcome = world.apply(&again, Op::Enter(Box::new(Enter { replaces: replaces.connection, ..asked }))).unwrap();
        assert!(matches!(outcome.presence[..], [Presence::Resumed { .. }]));
        again
    };
    let second = resume(&mut world, &first, enter(""));
    let (found, _) = by_tag(&world, &boss, "a", 0, 0);
    assert_eq!((found.len(), &*found[0].notify_target_tags), (1, &*tag("x")));
    assert_eq!(found[0].connections[0].connection_id, id(&second).to_string());
    let here = |x| send(pb::MessageSendRequest { at: Some(pb::Point { x, ..Default::default() }), ..text("m", "hello") });
    assert!(world.apply(&boss, here(1.0)).unwrap().audience.admits(id(&second)));
    assert!(!world.apply(&boss, here(2.0)).unwrap().audience.admits(id(&second)));
    let mut anew = with_tags(&["b"], None);
    anew.request.location = Some(pb::Location { x: Some(2.0), ..Default::default() });
    let third = resume(&mut world, &second, anew);
    assert_eq!((count(&world, &boss, "a"), count(&world, &boss, "b")), (0, 1));
    assert_eq!(by_tag(&world, &boss, "b", 0, 0).0[0].notify_target_tags, tag("x"), "it said nothing anew of that");
    assert!(world.apply(&boss, here(2.0)).unwrap().audience.admits(id(&third)));
}

// S000-012, S000-019
#[test]
fn a_change_of_tags_is_the_connections_own_and_its_account_learns_of_it() {
    let mut world = World::new();
    let (phone, desk) = (world.enter("alice"), enter_tagged(&mut world, "alice", &["desk"], None));
    let (red, bob) = (enter_tagged(&mut world, "red", &["red"], None), world.enter("bob"));
    let all = [("phone", &phone), ("desk", &desk), ("red", &red), ("bob", &bob)];

    let outcome = world.apply(&phone, update(Some(&["a", "b"]), None, false)).unwrap();
    assert_eq!((kind(&outcome), hearers(&outcome, &all)), (NotificationType::TagsUpdated, vec!["phone", "desk"]));
    assert!(!outcome.durable && !outcome.in_history, "presence is not in the log");
    let said = notice(&outcome);
    assert_eq!(said.tags_updated, Some(pb::TagsUpdated { tags: vec!["a".into(), "b".into()], ..Default::default() }));
    assert_eq!((&*said.ext, &said.targets[..]), ("why", &["alice".to_owned()][..]));
    assert_eq!((count(&world, &bob, "a"), count(&world, &bob, "desk")), (1, 1), "the other connection keeps its tags");

    // With needNotify everyone hears of it, or whom the expression means and the account's own.
    let outcome = world.apply(&phone, update(Some(&["c"]), None, true)).unwrap();
    assert_eq!(hearers(&outcome, &all), ["phone", "desk", "red", "bob"]);
    let outcome = world.apply(&phone, update(None, Some(&tag("red")), true)).unwrap();
    assert_eq!(hearers(&outcome, &all), ["phone", "desk", "red"]);
    assert_eq!(notice(&outcome).notify_target_tags, tag("red"));
    let updated = notice(&outcome).tags_updated.clone().unwrap();
    assert_eq!((updated.tags, updated.notify_target_tags), (vec!["c".to_owned()], tag("red")));
    assert_eq!(hearers(&world.apply(&phone, to(None)).unwrap(), &all), ["desk", "red"]);
    // "": everyone again; no tags: none.
    world.apply(&phone, update(Some(&[]), Some(""), false)).unwrap();
    assert_eq!((count(&world, &bob, "c"), count(&world, &bob, "desk")), (0, 1));
    assert_eq!(hearers(&world.apply(&phone, to(None)).unwrap(), &all), ["desk", "red", "bob"]);
}

#[test]
fn a_change_of_tags_is_checked() {
    let mut world = World::new();
    let alice = enter_tagged(&mut world, "alice", &["a"], None);
    let refused = |world: &mut World, op: Op| world.apply(&alice, op).unwrap_err();
    assert_eq!(refused(&mut world, update(None, None, true)).code, Code::BadParameter);
    assert_eq!(refused(&mut world, update(None, Some("{"), true)).code, Code::BadParameter);
    let stray = pb::MemberUpdateTagsRequest { room_id: 7, tags: vec!["b".into()], ..Default::default() };
    assert_eq!(refused(&mut world, Op::UpdateTags(Box::new(stray))).code, Code::BadParameter);
    let long = pb::MemberUpdateTagsRequest { room_id: 7, set_tags: true, notify_ext: "x".repeat(2049), ..Default::default() };
    assert_eq!(refused(&mut world, Op::UpdateTags(Box::new(long))).code, Code::BadParameter);
    let same = refused(&mut world, update(Some(&["a"]), None, true));
    assert_eq!((same.code, same.sub), (Code::NoChange, Some(Sub::IdenticalFields)));
    let outside = world.connection("bob");
    assert_eq!(world.code(&outside, update(Some(&["b"]), None, false)), Code::Forbidden);
    assert_eq!(world.code(&http("alice"), update(Some(&["b"]), None, false)), Code::Forbidden);
    assert_eq!(world.code(&alice, update(Some(&["b"]), None, false)), Code::Ok);
}

// S000-034
#[test]
fn a_muted_tag_silences_whoever_carries_it_now_or_later_but_no_manager() {
    let mut world = World::new();
    let boss = enter_tagged(&mut world, "boss", &["loud"], None);
    let (loud, other) = (enter_tagged(&mut world, "alice", &["loud"], None), world.enter("alice"));
    let (bob, red) = (world.enter("bob"), enter_tagged(&mut world, "red", &["red"], None));
    let all = [("boss", &boss), ("loud", &loud), ("other", &other), ("bob", &bob), ("red", &red)];

    let outcome = world.apply(&boss, Op::TagTempMute(mute_tag("loud", 60))).unwrap();
    assert_eq!((muted_seconds(&outcome), kind(&outcome)), (60, NotificationType::TagTempMuteAdd));
    let said = notice(&outcome);
    assert_eq!((said.mute_seconds, &*said.target_tag, &*said.notify_target_tags), (60, "loud", &*tag("loud")));
    assert_eq!(hearers(&outcome, &all), ["boss", "loud"]);
    assert!(outcome.durable && outcome.in_history);

    let status = world.apply(&loud, to(Some(""))).unwrap_err();
    assert_eq!((status.code, status.sub), (Code::Muted, Some(Sub::TagMuted)));
    assert_eq!(world.code(&other, to(None)), Code::Ok, "the connection without the tag may speak");
    assert_eq!(world.code(&http("alice"), to(None)), Code::Ok);
    assert_eq!(world.code(&boss, to(None)), Code::Ok);
    world.apply(&bob, update(Some(&["loud"]), None, false)).unwrap();
    assert_eq!(world.code(&bob, to(None)), Code::Muted);
    world.set_role(&boss, "bob", RoleChange::Administrator, true).unwrap();
    assert_eq!(world.code(&bob, to(None)), Code::Ok);

    // A lift answers what remained, and is told to whom the expression means.
    world.time_ms += 20_500;
    let lift = pb::MemberTagTempMuteRequest { notify_target_tags: Some(tag("red")), ..mute_tag("loud", 0) };
    let outcome = world.apply(&boss, Op::TagTempMute(lift.clone())).unwrap();
    assert_eq!((muted_seconds(&outcome), kind(&outcome)), (40, NotificationType::TagTempMuteRemove));
    assert_eq!((notice(&outcome).mute_seconds, hearers(&outcome, &all)), (40, vec!["red"]));
    assert_eq!(world.code(&loud, to(None)), Code::Ok);
    // Nothing to lift: 0, and nobody hears of it.
    let outcome = world.apply(&boss, Op::TagTempMute(lift)).unwrap();
    assert_eq!((muted_seconds(&outcome), outcome.push.is_none(), outcome.durable), (0, true, false));

    // It ends by itself, and silently.
    let silent = pb::MemberTagTempMuteRequest { silent: true, ..mute_tag("loud", 10) };
    assert!(world.apply(&boss, Op::TagTempMute(silent)).unwrap().push.is_none());
    assert_eq!(world.code(&loud, to(None)), Code::Muted);
    world.time_ms += 10_000;
    assert_eq!(world.code(&loud, to(None)), Code::Ok);
}

#[test]
fn muting_a_tag_is_for_managers_and_checked() {
    let mut world = World::new();
    let (boss, alice) = (world.enter("boss"), world.enter("alice"));
    let mut code = |actor: &Actor, request| world.code(actor, Op::TagTempMute(request));
    assert_eq!(code(&alice, mute_tag("a", 1)), Code::Forbidden);
    for (tag, seconds) in [("", 1), (&*"a".repeat(33), 1), ("a\0", 1), ("a", 2_592_001)] {
        assert_eq!(code(&boss, mute_tag(tag, seconds)), Code::BadParameter);
    }
    let bad = pb::MemberTagTempMuteRequest { notify_target_tags: Some("{}".into()), ..mute_tag("a", 1) };
    assert_eq!(code(&boss, bad), Code::BadParameter);
    assert_eq!(code(&boss, mute_tag(&"é".repeat(32), 2_592_000)), Code::Ok);
    world.set_role(&boss, "alice", RoleChange::Mute, true).unwrap();
    assert_eq!(world.code(&alice, Op::TagTempMute(mute_tag("a", 1))), Code::Forbidden);
}

#[test]
fn a_muted_tag_survives_a_snapshot() {
    let mut world = World::new();
    world.apply(&http("boss"), Op::TagTempMute(mute_tag("loud", 60))).unwrap();
    let (id, settings) = (RoomId::new(7).unwrap(), world.settings.clone());
    let kept = world.room.snapshot();
    let restored = Room::restore(id, settings, &kept).unwrap();
    assert_eq!(restored.snapshot(), kept);
    world.room = restored;
    let alice = enter_tagged(&mut world, "alice", &["loud"], None);
    assert_eq!(world.code(&alice, to(None)), Code::Muted);
    world.time_ms += 60_000;
    assert_eq!(world.code(&alice, to(None)), Code::Ok);
}

// S000-025
#[test]
fn members_by_tag_are_listed_by_connection_newest_first_and_pages_chain() {
    let mut world = World::new();
    let boss = world.enter("boss");
    // Two at each moment, one of each account's two connections at every second moment.
    let mut expected = Vec::new();
    for step in 0..10 {
        world.time_ms += 10;
        for account in ["alice", &format!("u{step}")] {
            let actor = enter_tagged(&mut world, account, &["t", "u"], Some(&tag("u")));
            expected.push((world.time_ms, id(&actor).to_string()));
        }
        enter_tagged(&mut world, &format!("other{step}"), &["u"], None);
    }
    let (all, has_more) = by_tag(&world, &boss, "t", 0, 0);
    assert_eq!((all.len(), has_more), (20, false));
    for member in &all {
        assert_eq!((&member.tags[..], &*member.notify_target_tags), (&["t".to_owned(), "u".to_owned()][..], &*tag("u")));
        assert_eq!(member.connections.len(), 1, "one record per connection shows that connection");
        assert_eq!(member.connections[0].enter_time_ms, member.enter_time_ms);
    }
    let shown = |page: &[pb::Member]| -> Vec<(i64, String)> {
        page.iter().map(|member| (member.enter_time_ms, member.connections[0].connection_id.clone())).collect()
    };
    expected.sort();
    expected.reverse();
    assert_eq!(shown(&all), expected);
    let (mut chained, mut anchor) = (Vec::new(), 0);
    loop {
        let (page, has_more) = by_tag(&world, &boss, "t", anchor, 3);
        assert!(page.len() <= 4, "equal times are not split");
        anchor = page.last().map_or(0, |member| member.enter_time_ms);
        chained.extend(shown(&page));
        if !has_more {
            break;
        }
    }
    assert_eq!(chained, expected);
    assert_eq!(by_tag(&world, &boss, "nobody", 0, 0), (vec![], false));
}

#[test]
fn a_page_of_members_by_tag_is_bounded() {
    let mut world = World::new();
    let boss = world.enter("boss");
    (0..30).for_each(|number| drop(enter_tagged(&mut world, &format!("u{number}"), &["t"], None)));
    let (page, has_more) = by_tag(&world, &boss, "t", 0, 10);
    assert_eq!((page.len(), has_more), (20, true), "at most twice the limit, however many came at once");
    let ask =
        |tag: &str, limit| Query::MembersByTag(pb::MemberListByTagRequest { room_id: 7, tag: tag.into(), time_ms: 0, limit });
    for refused in [ask("", 1), ask(&"a".repeat(33), 1), ask("t", 101)] {
        assert_eq!(world.query(&boss, &refused).unwrap_err().code, Code::BadParameter);
    }
    let outside = world.connection("x");
    assert_eq!(world.query(&outside, &ask("t", 1)).unwrap_err().code, Code::Forbidden);
}

// S000-026
#[test]
fn an_account_counts_once_however_many_devices_carry_the_tag() {
    let mut world = World::new();
    let boss = world.enter("boss");
    let (one, two) = (enter_tagged(&mut world, "alice", &["t"], None), enter_tagged(&mut world, "alice", &["t"], None));
    enter_tagged(&mut world, "bob", &["t"], None);
    assert_eq!((count(&world, &boss, "t"), count(&world, &boss, "x")), (2, 0));
    world.apply(&one, Op::Exit).unwrap();
    assert_eq!(count(&world, &boss, "t"), 2);
    world.apply(&two, update(Some(&[]), None, false)).unwrap();
    assert_eq!(count(&world, &boss, "t"), 1);
    world.apply(&boss, Op::Kick(pb::MemberKickRequest { account: "bob".into(), ..Default::default() })).unwrap();
    assert_eq!(count(&world, &boss, "t"), 0);
    let refused = Query::CountByTag(pb::MemberCountByTagRequest::default());
    assert_eq!(world.query(&boss, &refused).unwrap_err().code, Code::BadParameter);
}

#[test]
fn a_blocked_member_and_a_closed_room_leave_no_tags_behind() {
    let mut world = World::new();
    let boss = enter_tagged(&mut world, "boss", &["t"], None);
    enter_tagged(&mut world, "bob", &["t"], None);
    world.apply(&boss, Op::SetRole(role("bob", RoleChange::Blocklist, true))).unwrap();
    assert_eq!(count(&world, &boss, "t"), 1);
    world.apply(&boss, Op::Close(pb::RoomCloseRequest::default())).unwrap();
    world.apply(&http("boss"), Op::Reopen).unwrap();
    let boss = world.enter("boss");
    assert_eq!(count(&world, &boss, "t"), 0);
}

// S000-041, S000-042
#[test]
fn the_history_shows_a_listener_what_it_may_hear_and_by_tags_what_was_sent_to_them() {
    let mut world = World::new();
    let (alice, plain) = (enter_tagged(&mut world, "alice", &["a", "b"], None), world.enter("plain"));
    let all = Query::History(pb::MessageHistoryRequest { room_id: 7, ..Default::default() });
    let by_tags = |tags: &[&str]| {
        let tags = tags.iter().map(|tag| tag.to_string()).collect();
        Query::HistoryByTags(pb::MessageHistoryByTagsRequest { room_id: 7, tags, ..Default::default() })
    };
    let filter = |world: &World, actor: &Actor, query: &Query| {
        world.room.history_scope(UnixMs(world.time_ms), actor, query).map(|scope| scope.filter)
    };
    let admits = |filter: &HistoryFilter, text: &str| {
        let expression = (!text.is_empty()).then(|| Expression::read(text).unwrap());
        filter.admits(expression.as_ref())
    };
    let both = format!("{} and {}", tag("a"), tag("b"));
    let not = format!("not {}", tag("a"));
    let texts = ["", &*tag("a"), &*tag("c"), &*both, &*not];
    let of = |world: &World, actor: &Actor, query: &Query| {
        let filter = filter(world, actor, query).unwrap();
        texts.map(|text| admits(&filter, text))
    };
    assert_eq!(of(&world, &alice, &all), [true, true, false, true, false]);
    assert_eq!(of(&world, &plain, &all), [true, false, false, false, true]);
    assert_eq!(of(&world, &http("boss"), &all), [true; 5]);
    // True for all given tags together, or for any single one; never what was sent without an expression.
    assert_eq!(of(&world, &plain, &by_tags(&["a", "b"])), [false, true, false, true, true]);
    assert_eq!(of(&world, &plain, &by_tags(&["a"])), [false, true, false, false, false]);
    for refused in [by_tags(&[]), by_tags(&["a"; 11]), by_tags(&[""]), by_tags(&[&"a".repeat(33)])] {
        assert_eq!(filter(&world, &alice, &refused).unwrap_err().code, Code::BadParameter);
    }
    let span = |from_time_ms, to_time_ms| {
        let tags = vec!["a".into()];
        Query::HistoryByTags(pb::MessageHistoryByTagsRequest {
            room_id: 7,
            tags,
            from_time_ms,
            to_time_ms,
            ..Default::default()
        })
    };
    assert!(filter(&world, &alice, &span(5, 5)).is_ok() && filter(&world, &alice, &span(5, 0)).is_ok());
    assert_eq!(filter(&world, &alice, &span(6, 5)).unwrap_err().code, Code::BadParameter);
    assert_eq!(filter(&world, &alice, &span(-1, 0)).unwrap_err().code, Code::BadParameter);
    let outside = world.connection("x");
    assert_eq!(filter(&world, &outside, &by_tags(&["a"])).unwrap_err().code, Code::Forbidden);
}

/// What somebody may do with tags and places.
#[derive(Clone, Debug)]
enum Step {
    Enter { account: u8, tags: Vec<u8>, target: u8 },
    Exit { who: u8 },
    Resume { who: u8, tags: Vec<u8> },
    Update { who: u8, tags: Vec<u8>, target: u8 },
    Move { who: u8, x: i8, distance: u8, enabled: bool },
    Kick { account: u8 },
    Say { who: u8, target: u8, at: Option<i8> },
}

const NAMES: [&str; 4] = ["a", "b", "abc", "x1"];
const TARGETS: [Option<&str>; 8] = [
    None,
    Some(""),
    Some(r#"{tag:"a"}"#),
    Some(r#"not {tag:"a"}"#),
    Some(r#"{tag:"a"} or {tag:"abc"}"#),
    Some(r#"{tag:"a"} and not {tag:"b"}"#),
    Some(r#"{tag:".*",matchType:"regex"}"#),
    Some(r#"not ({tag:"[ab]+c?",matchType:"regex"} and {tag:"b"})"#),
];

fn step() -> impl Strategy<Value = Step> {
    let tags = || prop::collection::vec(0..4_u8, 0..4);
    prop_oneof![
        4 => (0..6_u8, tags(), 0..8_u8).prop_map(|(account, tags, target)| Step::Enter { account, tags, target }),
        1 => any::<u8>().prop_map(|who| Step::Exit { who }),
        1 => (any::<u8>(), tags()).prop_map(|(who, tags)| Step::Resume { who, tags }),
        2 => (any::<u8>(), tags(), 0..8_u8).prop_map(|(who, tags, target)| Step::Update { who, tags, target }),
        3 => (any::<u8>(), -4..5_i8, 0..4_u8, any::<bool>())
            .prop_map(|(who, x, distance, enabled)| Step::Move { who, x, distance, enabled }),
        1 => (0..6_u8).prop_map(|account| Step::Kick { account }),
        6 => (any::<u8>(), 0..8_u8, prop::option::of(-4..5_i8)).prop_map(|(who, target, at)| Step::Say { who, target, at }),
    ]
}

/// What the model knows of a connection.
#[derive(Clone, Default)]
struct Known {
    tags: Vec<String>,
    target: Option<String>,
    place: Option<(f64, f64, bool)>,
}

impl Known {
    fn target(&self) -> String {
        let own = || self.tags.iter().map(|own| tag(own)).collect::<Vec<_>>().join(" and ");
        self.target.clone().unwrap_or_else(own)
    }

    fn hears(&self, target: &str, at: Option<i8>) -> bool {
        let is_meant = target.is_empty() || Expression::read(target).unwrap().matches(&self.tags);
        let is_near =
            |at: i8| self.place.is_none_or(|(x, distance, enabled)| !enabled || (x - f64::from(at)).abs() <= distance);
        is_meant && at.is_none_or(is_near)
    }
}

fn names(numbers: &[u8]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for number in numbers {
        let name = NAMES[usize::from(*number)].to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever was done before: a message reaches exactly those whom asking each connection finds.
    #[test]
    fn a_message_reaches_whom_asking_each_connection_finds(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        let mut here: BTreeMap<ConnId, (Actor, Known)> = BTreeMap::new();
        for step in steps {
            world.time_ms += 1;
            let nth = |who: u8| here.values().nth(usize::from(who) % here.len().max(1)).cloned();
            match step {
                Step::Enter { account, tags, target } => {
                    let actor = world.connection(&format!("u{account}"));
                    let (tags, target) = (names(&tags), TARGETS[usize::from(target)]);
                    let mut asked = with_tags(&[], target);
                    asked.request.tags = tags.clone();
                    let outcome = world.apply(&actor, Op::Enter(Box::new(asked))).unwrap();
                    for gone in room_world::left(&outcome) {
                        here.remove(&gone);
                    }
                    let known = Known { tags, target: target.map(str::to_owned), place: None };
                    if outcome.push.is_some() {
                        let target = known.target();
                        for (connection, (_, other)) in &here {
                            prop_assert_eq!(outcome.audience.admits(*connection), other.hears(&target, None));
                        }
                        prop_assert!(outcome.audience.admits(id(&actor)));
                    }
                    here.insert(id(&actor), (actor, known));
                }
                Step::Exit { who } => {
                    let Some((actor, known)) = nth(who) else { continue };
                    let outcome = world.apply(&actor, Op::Exit).unwrap();
                    here.remove(&id(&actor));
                    if outcome.push.is_some() {
                        for (connection, (_, other)) in &here {
                            prop_assert_eq!(outcome.audience.admits(*connection), other.hears(&known.target(), None));
                        }
                    }
                }
                Step::Resume { who, tags } => {
                    let Some((old, mut known)) = nth(who) else { continue };
                    let actor = world.connection(old.account.as_str());
                    let mut asked = Enter { replaces: old.connection, ..enter("") };
                    asked.request.tags = names(&tags);
                    world.apply(&actor, Op::Enter(Box::new(asked))).unwrap();
                    if !tags.is_empty() {
                        known.tags = names(&tags);
                    }
                    here.remove(&id(&old));
                    here.insert(id(&actor), (actor, known));
                }
                Step::Update { who, tags, target } => {
                    let Some((actor, _)) = nth(who) else { continue };
                    let (tags, target) = (names(&tags), TARGETS[usize::from(target)]);
                    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
                    let known = &mut here.get_mut(&id(&actor)).unwrap().1;
                    if world.apply(&actor, update(Some(&tags), target, false)).is_ok() {
                        known.tags = tags.iter().map(|tag| tag.to_string()).collect();
                        known.target = target.map(str::to_owned).or(known.target.take());
                    }
                }
                Step::Move { who, x, distance, enabled } => {
                    let Some((actor, _)) = nth(who) else { continue };
                    let (x, distance) = (f64::from(x), f64::from(distance));
                    let location = pb::Location {
                        x: Some(x),
                        distance: Some(distance),
                        enabled: Some(enabled),
                        ..Default::default()
                    };
                    let op = Op::UpdateLocation(pb::MemberUpdateLocationRequest { room_id: 7, location: Some(location) });
                    let _ = world.apply(&actor, op);
                    here.get_mut(&id(&actor)).unwrap().1.place = Some((x, distance, enabled));
                }
                Step::Kick { account } => {
                    let request = pb::MemberKickRequest { account: format!("u{account}"), ..Default::default() };
                    if let Ok(outcome) = world.apply(&http("boss"), Op::Kick(request)) {
                        for gone in room_world::left(&outcome) {
                            here.remove(&gone);
                        }
                    }
                }
                Step::Say { who, target, at } => {
                    let Some((actor, known)) = nth(who) else { continue };
                    let target = TARGETS[usize::from(target)];
                    let request = pb::MessageSendRequest {
                        notify_target_tags: target.map(str::to_owned),
                        at: at.map(|x| pb::Point { x: f64::from(x), ..Default::default() }),
                        ..text("m", "hello")
                    };
                    let outcome = world.apply(&actor, send(request)).unwrap();
                    let target = target.map_or_else(|| known.target(), str::to_owned);
                    for (connection, (other, heard)) in &here {
                        let expected = *connection != id(&actor) && (other.account == actor.account || heard.hears(&target, at));
                        prop_assert_eq!(outcome.audience.admits(*connection), expected, "{} at {:?}", target, at);
                    }
                }
            }
            let carried = here.values().filter(|(_, known)| known.tags.contains(&"abc".to_owned()));
            let mut accounts: Vec<_> = carried.clone().map(|(actor, _)| actor.account.clone()).collect();
            accounts.sort();
            accounts.dedup();
            prop_assert_eq!(count(&world, &http("boss"), "abc"), accounts.len() as u64);
            prop_assert_eq!(by_tag(&world, &http("boss"), "abc", 0, 100).0.len(), carried.count());
        }
    }
}
