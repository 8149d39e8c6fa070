//! Tags, and who hears what by them (chatroom.md §a.10, §c.1, §c.2).

use crate::tagged::{by_tag, count, enter_tagged, hearers, id, tag, to, update, with_tags};
use crate::world::{World, enter, http, kind, message, notice, send, text};
use chatroom::error::{Code, Sub};
use chatroom::room::{Actor, Audience, Enter, Op, Presence};
use chatroom::wire::pb::{self, NotificationType};

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
