//! Tags that are muted, listed and counted, and the history by them (chatroom.md §a.10, §c.1, §c.2).

use crate::tagged::{by_tag, count, enter_tagged, hearers, id, mute_tag, muted_seconds, tag, to, update};
use crate::world::{World, http, kind, notice, role};
use chatroom::error::{Code, Sub};
use chatroom::id::{RoomId, UnixMs};
use chatroom::room::{Actor, Expression, HistoryFilter, Op, Query, Room};
use chatroom::wire::pb::{self, NotificationType, RoleChange};

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
    // Two at each moment: the later one counts a millisecond more, so that no two times are equal.
    let mut expected = Vec::new();
    for step in 0..10 {
        world.time_ms += 10;
        for (later_ms, account) in [(0, "alice"), (1, &*format!("u{step}"))] {
            let actor = enter_tagged(&mut world, account, &["t", "u"], Some(&tag("u")));
            expected.push((world.time_ms + later_ms, id(&actor).to_string()));
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
        assert!(page.len() <= 3, "no page exceeds its limit");
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
    assert_eq!((page.len(), has_more), (10, true), "however many came at once");
    let ask = |tag: &str, limit| {
        Query::MembersByTag(pb::MemberListByTagRequest { room_id: 7, tag: tag.into(), time_ms: 0, limit, ..Default::default() })
    };
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
