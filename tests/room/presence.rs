//! Entering, leaving, coming back, and what the others hear of it.

use crate::world::*;
use chatroom::error::{Code, Sub};
use chatroom::room::{Audience, Enter, Op, Presence, Query, Settings};
use chatroom::wire::Response;
use chatroom::wire::pb::{self, KickReason, MemberQuery, MemberType, NotificationType, RoleChange};

fn enter_op(enter: Enter) -> Op {
    Op::Enter(Box::new(enter))
}

fn entered(reply: &Response) -> &pb::RoomEnterResponse {
    match reply {
        Response::RoomEnter(response) => response,
        other => panic!("an enter answers {other:?}"),
    }
}

/// Accounts of one page of a list, and whether there is another.
fn page(world: &World, query: MemberQuery, time_ms: i64, limit: u32) -> (Vec<String>, bool) {
    let request = pb::MemberListRequest { room_id: 7, query: query as i32, time_ms, limit, ..Default::default() };
    match world.query(&http("boss"), &Query::Members(request)) {
        Ok(Response::MemberList(page)) => (page.members.into_iter().map(|member| member.account).collect(), page.has_more),
        other => panic!("a list answers {other:?}"),
    }
}

// S003-020
#[test]
fn entering_tells_everybody_the_newcomer_included() {
    let mut world = World::new();
    world.enter("alice");
    let bob = world.connection("bob");
    let mut request = enter("Bobby");
    request.request.enter_ext = "by the window".into();
    let outcome = world.apply(&bob, enter_op(request)).unwrap();
    assert_eq!(kind(&outcome), NotificationType::MemberEnter);
    assert_eq!((outcome.audience.clone(), outcome.durable, outcome.in_history), (Audience::All, false, false));
    assert_eq!(outcome.presence, [Presence::Joined(bob.connection.unwrap())]);
    let notice = notice(&outcome);
    assert_eq!(
        (notice.operator.as_str(), notice.operator_nick.as_str(), notice.ext.as_str()),
        ("bob", "Bobby", "by the window")
    );
    assert_eq!(notice.entered.as_ref().unwrap().member_type(), MemberType::Visitor);
    let response = entered(&outcome.reply);
    assert_eq!(response.member.as_ref().unwrap().nick, "Bobby");
    assert_eq!(response.room.as_ref().unwrap().online_count, 2);
    assert_eq!((response.epoch, response.last_seq), (5, notice.seq - 1), "deliveries follow from before its own entry");
}

// S000-015, S003-024
#[test]
fn the_last_connection_to_leave_takes_the_visitor_with_it() {
    let mut world = World::new();
    let (phone, desk) = (world.enter("alice"), world.enter("alice"));
    assert_eq!((world.room.online_count(), world.room.connections()), (1, 2));
    let outcome = world.apply(&phone, Op::Exit).unwrap();
    assert!(outcome.push.is_none(), "the account is still here");
    let outcome = world.apply(&desk, Op::Exit).unwrap();
    assert_eq!(kind(&outcome), NotificationType::MemberExit);
    assert_eq!(outcome.audience, Audience::AllBut(desk.connection.unwrap()));
    assert!(world.room.is_empty_of_people() && world.member(&http("boss"), "alice").is_none());
    let status = world.apply(&desk, Op::Exit).unwrap_err();
    assert_eq!((status.code, status.sub), (Code::Forbidden, Some(Sub::NotInRoom)));
}

#[test]
fn a_second_connection_of_an_account_is_not_announced() {
    let mut world = World::new();
    world.enter("alice");
    let desk = world.connection("alice");
    let seq = world.room.next_seq();
    let outcome = world.apply(&desk, enter_op(enter(""))).unwrap();
    assert!(outcome.push.is_none());
    assert_eq!(world.room.next_seq(), seq, "what nobody hears takes no number");
    assert_eq!(world.code(&desk, enter_op(enter(""))), Code::Repeated);
}

// S002-026
#[test]
fn a_room_with_its_notifications_off_is_silent_about_coming_and_going() {
    let mut world = World::new();
    let request = pb::RoomUpdateRequest { room_id: 7, in_out_notification: Some(false), ..Default::default() };
    world.apply(&http("boss"), Op::Update(Box::new(request))).unwrap();
    let alice = world.connection("alice");
    assert!(world.apply(&alice, enter_op(enter(""))).unwrap().push.is_none());
    assert!(world.apply(&alice, Op::Exit).unwrap().push.is_none());
    assert!(!world.info().in_out_notification);
}

#[test]
fn a_lost_connection_keeps_its_place_until_it_is_taken_over() {
    let mut world = World::new();
    let lost = world.enter("alice");
    let entered_ms = world.time_ms;
    world.time_ms += 5_000;
    let outcome = world.apply(&lost, Op::Detach).unwrap();
    assert!(outcome.push.is_none() && outcome.presence.is_empty());
    assert_eq!(world.room.online_count(), 1);
    let back = world.connection("alice");
    let outcome = world.apply(&back, enter_op(Enter { replaces: lost.connection, ..enter("") })).unwrap();
    let (connection, replaces) = (back.connection.unwrap(), lost.connection.unwrap());
    assert_eq!(outcome.presence, [Presence::Resumed { connection, replaces }]);
    assert!(outcome.push.is_none(), "nobody hears of a resume");
    assert!(entered(&outcome.reply).resumed);
    assert_eq!(world.member(&back, "alice").unwrap().enter_time_ms, entered_ms);
    assert_eq!(world.code(&lost, Op::Exit), Code::Forbidden);
}

#[test]
fn a_resume_of_what_is_gone_is_an_ordinary_entry() {
    let mut world = World::new();
    let lost = world.enter("alice");
    world.apply(&lost, Op::Exit).unwrap();
    let back = world.connection("alice");
    let outcome = world.apply(&back, enter_op(Enter { replaces: lost.connection, ..enter("") })).unwrap();
    assert_eq!(kind(&outcome), NotificationType::MemberEnter);
    assert!(!entered(&outcome.reply).resumed);
}

#[test]
fn nobody_takes_over_the_place_of_another_account() {
    let mut world = World::new();
    let alice = world.enter("alice");
    let mallory = world.connection("mallory");
    let outcome = world.apply(&mallory, enter_op(Enter { replaces: alice.connection, ..enter("") })).unwrap();
    assert!(!entered(&outcome.reply).resumed);
    assert_eq!(world.room.online_count(), 2);
}

#[test]
fn the_same_device_takes_the_place_of_its_older_connection() {
    let mut world = World::new();
    let old = world.connection("alice");
    world.apply(&old, enter_op(Enter { device_id: "phone".into(), ..enter("") })).unwrap();
    world.enter("alice");
    let new = world.connection("alice");
    let outcome = world.apply(&new, enter_op(Enter { device_id: "phone".into(), ..enter("") })).unwrap();
    assert_eq!(left(&outcome), [old.connection.unwrap()]);
    assert_eq!(outcome.kicks[0].kicked.reason(), KickReason::SamePlatform);
    assert!(outcome.push.is_none() && world.room.connections() == 2);
}

// S003-015
#[test]
fn one_connection_too_many_puts_out_the_oldest() {
    let mut world = World::with(Settings { connections_per_account_max: 2, ..Settings::default() });
    let (first, _second) = (world.enter("alice"), world.enter("alice"));
    let third = world.connection("alice");
    let outcome = world.apply(&third, enter_op(enter(""))).unwrap();
    assert_eq!(left(&outcome), [first.connection.unwrap()]);
    assert_eq!((world.room.connections(), world.room.online_count()), (2, 1));
}

#[test]
fn a_room_is_found_only_by_its_own_application() {
    let mut world = World::new();
    let alice = world.connection("alice");
    let status = world.apply(&alice, enter_op(Enter { app_key: "other".into(), ..enter("") })).unwrap_err();
    assert_eq!((status.code, status.sub), (Code::NotFound, Some(Sub::RoomMissing)));
    let mut nothing = World::nothing(Settings::default());
    assert_eq!(nothing.code(&alice, enter_op(Enter { app_key: String::new(), ..enter("") })), Code::NotFound);
    assert_eq!(nothing.code(&alice, Op::Exit), Code::NotFound);
}

// S000-006, S003-025
#[test]
fn anonymous_visitors_need_a_nick_and_have_no_voice() {
    let mut world = World::new();
    let guest = chatroom::room::Actor { anonymous: true, ..world.connection("anon_1") };
    assert_eq!(world.code(&guest, enter_op(enter(""))), Code::BadParameter);
    let outcome = world.apply(&guest, enter_op(enter("Guest"))).unwrap();
    assert_eq!(entered(&outcome.reply).member.as_ref().unwrap().r#type(), MemberType::Anonymous);
    for op in [send(text("m", "hello")), Op::Kick(pb::MemberKickRequest { account: "boss".into(), ..Default::default() })] {
        assert_eq!(world.code(&guest, op), Code::Forbidden);
    }
    let mut closed_off = World::with(Settings { anonymous_enabled: false, ..Settings::default() });
    let status = closed_off.apply(&guest, enter_op(enter("Guest"))).unwrap_err();
    assert_eq!((status.code, status.sub), (Code::Forbidden, Some(Sub::AnonymousRefused)));
}

#[test]
fn what_a_member_shows_is_what_it_asked_for_or_else_its_account() {
    let mut world = World::new();
    let alice = world.connection("alice");
    let profile = Enter { account_nick: "Alice".into(), account_avatar: "https://a/1".into(), ..enter("") };
    world.apply(&alice, enter_op(profile)).unwrap();
    assert_eq!(world.member(&alice, "alice").unwrap().nick, "Alice");
    let desk = world.connection("alice");
    world.apply(&desk, enter_op(enter("Al"))).unwrap();
    let member = world.member(&alice, "alice").unwrap();
    assert_eq!((member.nick.as_str(), member.avatar.as_str(), member.connections.len()), ("Al", "https://a/1", 2));
}

#[test]
fn entry_parameters_end_at_their_limits() {
    let mut world = World::new();
    let alice = world.connection("alice");
    let with = |change: fn(&mut pb::RoomEnterRequest)| {
        let mut asked = enter("");
        change(&mut asked.request);
        enter_op(asked)
    };
    for refused in [
        with(|request| request.nick = "é".repeat(65)),
        with(|request| request.avatar = "a".repeat(1025)),
        with(|request| request.ext = "a".repeat(4097)),
        with(|request| request.enter_ext = "a".repeat(2049)),
        // S000-007
        with(|request| request.tags = vec!["a".into(); 11]),
        with(|request| request.tags = vec!["a".repeat(33)]),
    ] {
        assert_eq!(world.code(&alice, refused), Code::BadParameter);
    }
    assert_eq!(world.code(&alice, with(|request| request.nick = "é".repeat(64))), Code::Ok);
}

// S003-023
#[test]
fn fixed_members_are_listed_whether_here_or_not_and_visitors_while_here() {
    let mut world = World::new();
    let boss = world.enter("boss");
    let (alice, _bob) = (world.enter("alice"), world.enter("bob"));
    world.time_ms += 1;
    world.set_role(&boss, "alice", RoleChange::Common, true).unwrap();
    world.apply(&alice, Op::Exit).unwrap();
    assert_eq!(page(&world, MemberQuery::Fixed, 0, 0), (vec!["alice".into(), "boss".into()], false));
    assert_eq!(page(&world, MemberQuery::FixedOnline, 0, 0), (vec!["boss".into()], false));
    assert_eq!(page(&world, MemberQuery::VisitorsNewest, 0, 0), (vec!["bob".into()], false));
    let member = world.member(&boss, "alice").unwrap();
    assert_eq!((member.online, member.r#type(), member.enter_time_ms), (false, MemberType::Common, START_MS + 1));
    assert_eq!(world.member(&boss, "nobody"), None);
}

#[test]
fn lists_have_no_two_equal_times_and_pages_never_exceed_their_limit() {
    // rest-api.md §4.15: all of this happens in one millisecond.
    let mut world = World::new();
    let boss = world.enter("boss");
    let names = |letter: char| (0..9).map(|number| format!("{letter}{number}")).collect::<Vec<String>>();
    for name in names('f') {
        world.set_role(&boss, &name, RoleChange::Common, true).unwrap();
    }
    for name in names('v') {
        world.enter(&name);
        // A second connection of an account is no second member.
        world.enter(&name);
    }
    let newest_first = |letter: char| names(letter).into_iter().rev().collect::<Vec<_>>();
    let fixed = [newest_first('f'), vec!["boss".to_owned()]].concat();
    for (query, all) in [(MemberQuery::Fixed, fixed), (MemberQuery::VisitorsNewest, newest_first('v'))] {
        let (mut found, mut time) = (Vec::new(), 0);
        loop {
            let request =
                pb::MemberListRequest { room_id: 7, query: query as i32, time_ms: time, limit: 4, ..Default::default() };
            let Ok(Response::MemberList(page)) = world.query(&boss, &Query::Members(request)) else { panic!("a list") };
            assert!(page.members.len() <= 4);
            let times = page.members.iter().map(|member| match query {
                MemberQuery::Fixed => member.update_time_ms,
                _ => member.enter_time_ms,
            });
            let times: Vec<i64> = times.collect();
            assert!(times.is_sorted_by(|newer, older| newer > older), "{times:?}");
            found.extend(page.members.iter().map(|member| member.account.clone()));
            time = times.last().copied().unwrap_or(time);
            if !page.has_more {
                break;
            }
        }
        assert_eq!(found, all);
    }
}

#[test]
fn a_fixed_member_who_is_away_shows_when_it_entered_last() {
    let mut world = World::new();
    let boss = world.enter("boss");
    let phone = world.enter("alice");
    world.set_role(&boss, "alice", RoleChange::Common, true).unwrap();
    world.time_ms += 1_000;
    let (desk, entered_ms) = (world.enter("alice"), world.time_ms);
    world.set_role(&boss, "alice", RoleChange::Mute, true).unwrap();
    for connection in [&phone, &desk] {
        world.time_ms += 1_000;
        world.apply(connection, Op::Exit).unwrap();
        assert_eq!(world.member(&boss, "alice").unwrap().enter_time_ms, entered_ms);
    }
}

#[test]
fn an_anonymous_visitor_whose_old_place_is_gone_says_what_it_is_called() {
    let mut world = World::new();
    let guest = |world: &mut World| chatroom::room::Actor { anonymous: true, ..world.connection("anon_1") };
    let lost = guest(&mut world);
    world.apply(&lost, enter_op(enter("Guest"))).unwrap();
    let back = guest(&mut world);
    let takeover = |replaces: &chatroom::room::Actor| enter_op(Enter { replaces: replaces.connection, ..enter("") });
    assert!(entered(&world.apply(&back, takeover(&lost)).unwrap().reply).resumed);
    world.apply(&back, Op::Exit).unwrap();
    let again = guest(&mut world);
    assert_eq!(world.code(&again, takeover(&back)), Code::BadParameter);
}

#[test]
fn pages_lose_nobody_repeat_nobody_and_never_split_one_moment() {
    let mut world = World::new();
    for number in 0..25 {
        world.enter(&format!("v{number:02}"));
        // Three at a time enter in the same millisecond.
        world.time_ms += i64::from(number % 3 == 2);
    }
    for (query, step) in [(MemberQuery::VisitorsNewest, -1), (MemberQuery::VisitorsOldest, 1)] {
        let (mut all, mut anchor) = (Vec::new(), 0);
        loop {
            let (accounts, has_more) = page(&world, query, anchor, 4);
            assert!(accounts.len() <= 6, "a page of four grows by what is left of one moment");
            anchor = world.member(&http("boss"), accounts.last().unwrap()).unwrap().enter_time_ms;
            all.extend(accounts);
            if !has_more {
                break;
            }
        }
        let mut expected: Vec<String> = (0..25).map(|number| format!("v{number:02}")).collect();
        if step < 0 {
            expected.reverse();
        }
        assert_eq!(all, expected);
    }
}

#[test]
fn questions_are_for_those_in_the_room_and_within_limits() {
    let mut world = World::new();
    let (alice, outside) = (world.enter("alice"), world.connection("bob"));
    let list =
        |limit, query| Query::Members(pb::MemberListRequest { room_id: 7, query, time_ms: 0, limit, ..Default::default() });
    let history = |limit, types| Query::History(pb::MessageHistoryRequest { room_id: 7, limit, types, ..Default::default() });
    let lookup = |count| Query::Lookup(pb::MemberLookupRequest { room_id: 7, accounts: vec!["bob".into(); count] });
    for query in [list(100, 0), history(100, vec![0, 5, 100]), lookup(20), Query::Info(pb::RoomInfoRequest { room_id: 7 })] {
        assert!(world.query(&alice, &query).is_ok(), "{query:?}");
        assert_eq!(world.query(&outside, &query).unwrap_err().sub, Some(Sub::NotInRoom));
    }
    for query in [list(101, 0), list(1, 4), history(101, vec![]), history(1, vec![7]), lookup(21), lookup(0)] {
        assert_eq!(world.query(&alice, &query).unwrap_err().code, Code::BadParameter, "{query:?}");
    }
}

// S003-026
#[test]
fn creator_administrators_and_ordinary_members_are_fixed_and_visitors_and_anonymous_ones_are_not() {
    let mut world = World::new();
    let boss = world.enter("boss");
    for (name, change) in [("adam", RoleChange::Administrator), ("carl", RoleChange::Common)] {
        world.enter(name);
        world.set_role(&boss, name, change, true).unwrap();
    }
    world.enter("vera");
    let nameless = chatroom::room::Actor { anonymous: true, ..world.connection("anon_1") };
    world.apply(&nameless, enter_op(enter("Nobody"))).unwrap();
    let sorted = |query| {
        let (mut accounts, has_more) = page(&world, query, 0, 100);
        accounts.sort();
        assert!(!has_more);
        accounts
    };
    assert_eq!(sorted(MemberQuery::Fixed), ["adam", "boss", "carl"]);
    assert_eq!(sorted(MemberQuery::FixedOnline), ["adam", "boss", "carl"]);
    for query in [MemberQuery::VisitorsNewest, MemberQuery::VisitorsOldest] {
        assert_eq!(sorted(query), ["anon_1", "vera"]);
    }
    let types = ["boss", "adam", "carl", "vera", "anon_1"].map(|name| world.member(&boss, name).unwrap().r#type());
    let expected =
        [MemberType::Creator, MemberType::Administrator, MemberType::Common, MemberType::Visitor, MemberType::Anonymous];
    assert_eq!(types, expected);
}

// S000-024
#[test]
fn pages_of_a_hundred_show_every_fixed_member_here_or_not_and_every_visitor_here_once() {
    const EACH: usize = 250;
    let mut world = World::new();
    let boss = world.enter("boss");
    for number in 0..EACH {
        let fixed = world.enter(&format!("fixed{number:03}"));
        world.set_role(&boss, &format!("fixed{number:03}"), RoleChange::Common, true).unwrap();
        let visitor = world.enter(&format!("visitor{number:03}"));
        // Every second one leaves: a fixed member stays in the list, a visitor does not.
        if number % 2 == 0 {
            world.apply(&fixed, Op::Exit).unwrap();
            world.apply(&visitor, Op::Exit).unwrap();
        }
        world.time_ms += 1;
    }
    let names =
        |kind: &str, step: usize| (0..EACH).skip(step - 1).step_by(step).map(|number| format!("{kind}{number:03}")).collect();
    let fixed: Vec<String> = [names("fixed", 1), vec!["boss".to_owned()]].concat();
    let visitors: Vec<String> = names("visitor", 2);
    for (query, mut expected) in [(MemberQuery::Fixed, fixed), (MemberQuery::VisitorsNewest, visitors)] {
        let (mut found, mut pages, mut time_ms) = (Vec::new(), Vec::new(), 0);
        loop {
            let (accounts, has_more) = page(&world, query, time_ms, 100);
            let last = world.member(&boss, accounts.last().expect("no page is empty")).unwrap();
            time_ms = if query == MemberQuery::Fixed { last.update_time_ms } else { last.enter_time_ms };
            pages.push(accounts.len());
            found.extend(accounts);
            if !has_more {
                break;
            }
        }
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "nobody is lost and nobody repeated");
        assert!(pages.iter().all(|count| *count <= 100) && pages[0] == 100, "{pages:?}");
    }
    let list = pb::MemberListRequest { room_id: 7, query: MemberQuery::Fixed as i32, limit: 101, ..Default::default() };
    assert_eq!(world.query(&boss, &Query::Members(list)).unwrap_err().code, Code::BadParameter);
}
