//! Where connections stand, and who hears what is said at a place (chatroom.md §a.11, §c.2).

use crate::world::{World, enter, http, message, send, text};
use chatroom::error::{Code, Sub};
use chatroom::room::{Actor, Audience, Op, Outcome};
use chatroom::wire::pb;

fn at(x: f64, y: f64, z: f64) -> pb::MessageSendRequest {
    pb::MessageSendRequest { at: Some(pb::Point { x, y, z }), ..text("m", "hello") }
}

fn location(x: f64, y: f64, z: f64, distance: f64) -> pb::Location {
    pb::Location { x: Some(x), y: Some(y), z: Some(z), distance: Some(distance), enabled: Some(true) }
}

fn place(location: pb::Location) -> Op {
    Op::UpdateLocation(pb::MemberUpdateLocationRequest { room_id: 7, location: Some(location) })
}

fn enter_at(world: &mut World, account: &str, location: pb::Location) -> Actor {
    let actor = world.connection(account);
    let mut asked = enter("");
    asked.request.location = Some(location);
    world.apply(&actor, Op::Enter(Box::new(asked))).expect("it may enter");
    actor
}

fn hears(outcome: &Outcome, actor: &Actor) -> bool {
    outcome.audience.admits(actor.connection.expect("it has a connection"))
}

#[test]
fn a_message_with_coordinates_reaches_who_is_near_and_who_is_nowhere() {
    let mut world = World::new();
    let boss = world.enter("boss");
    let near = enter_at(&mut world, "near", location(3.0, 4.0, 0.0, 5.0));
    let far = enter_at(&mut world, "far", location(3.0, 4.0, 0.1, 5.0));
    let off = enter_at(&mut world, "off", pb::Location { enabled: Some(false), ..location(1e9, 0.0, 0.0, 0.0) });
    let nowhere = world.enter("nowhere");
    let outcome = world.apply(&boss, send(at(0.0, 0.0, 0.0))).unwrap();
    assert_eq!(message(&outcome).at, Some(pb::Point::default()), "the push says where");
    let heard = [&near, &far, &off, &nowhere].map(|actor| hears(&outcome, actor));
    assert_eq!(heard, [true, false, true, true], "the distance is inclusive; who is not located is not filtered");
    // Without coordinates everybody hears it.
    let outcome = world.apply(&boss, send(text("m", "hello"))).unwrap();
    assert_eq!((&outcome.audience, message(&outcome).at), (&Audience::AllBut(boss.connection.unwrap()), None));
}

// S000-035
#[test]
fn a_new_place_counts_at_once_and_nobody_is_told() {
    let mut world = World::new();
    let (boss, alice) = (world.enter("boss"), world.enter("alice"));
    let says = |world: &mut World, x| world.apply(&boss, send(at(x, 0.0, 0.0))).unwrap();
    let outcome = world.apply(&alice, place(location(10.0, 0.0, 0.0, 2.0))).unwrap();
    assert!(outcome.push.is_none() && !outcome.durable);
    assert_eq!([7.9, 8.0, 12.0, 12.1].map(|x| hears(&says(&mut world, x), &alice)), [false, true, true, false]);
    // What is not given stays.
    world.apply(&alice, place(pb::Location { distance: Some(3.0), ..Default::default() })).unwrap();
    assert!(hears(&says(&mut world, 13.0), &alice));
    world.apply(&alice, place(pb::Location { x: Some(-1.0), ..Default::default() })).unwrap();
    assert!(!hears(&says(&mut world, 13.0), &alice) && hears(&says(&mut world, 2.0), &alice));
    world.apply(&alice, place(pb::Location { enabled: Some(false), ..Default::default() })).unwrap();
    assert!(hears(&says(&mut world, 13.0), &alice));
    world.apply(&alice, place(pb::Location { enabled: Some(true), ..Default::default() })).unwrap();
    assert!(!hears(&says(&mut world, 13.0), &alice), "the place is remembered while it does not count");
}

#[test]
fn places_are_checked() {
    let mut world = World::new();
    let (boss, alice) = (world.enter("boss"), world.connection("alice"));
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for which in 0..3 {
            let mut sides = [0.0; 3];
            sides[which] = bad;
            let [x, y, z] = sides;
            assert_eq!(world.code(&boss, send(at(x, y, z))), Code::BadParameter);
            assert_eq!(world.code(&boss, place(location(x, y, z, 1.0))), Code::BadParameter);
            let mut asked = enter("");
            asked.request.location = Some(location(x, y, z, 1.0));
            assert_eq!(world.code(&alice, Op::Enter(Box::new(asked))), Code::BadParameter);
        }
        assert_eq!(world.code(&boss, place(location(0.0, 0.0, 0.0, bad))), Code::BadParameter);
    }
    let status = world.apply(&boss, place(location(0.0, 0.0, 0.0, -0.1))).unwrap_err();
    assert_eq!((status.code, status.desc.contains("distance")), (Code::BadParameter, true));
    assert_eq!(world.code(&boss, place(pb::Location::default())), Code::BadParameter, "something must be given");
    let nothing = Op::UpdateLocation(pb::MemberUpdateLocationRequest { room_id: 7, location: None });
    assert_eq!(world.code(&boss, nothing), Code::BadParameter);
    assert_eq!(world.code(&boss, place(location(1.0, 0.0, 0.0, 0.0))), Code::Ok);
    let same = world.apply(&boss, place(location(1.0, 0.0, 0.0, 0.0))).unwrap_err();
    assert_eq!((same.code, same.sub), (Code::NoChange, Some(Sub::IdenticalFields)));
    assert_eq!(world.code(&alice, place(location(0.0, 0.0, 0.0, 0.0))), Code::Forbidden);
    assert_eq!(world.code(&http("boss"), place(location(0.0, 0.0, 0.0, 0.0))), Code::Forbidden);
}

#[test]
fn both_filters_must_pass_and_own_connections_hear_all_the_same() {
    let mut world = World::new();
    let tagged = |world: &mut World, account: &str, tags: &[&str], x: f64| {
        let actor = world.connection(account);
        let mut asked = enter("");
        asked.request.tags = tags.iter().map(|tag| tag.to_string()).collect();
        asked.request.location = Some(location(x, 0.0, 0.0, 1.0));
        world.apply(&actor, Op::Enter(Box::new(asked))).unwrap();
        actor
    };
    let boss = world.enter("boss");
    let own = tagged(&mut world, "boss", &[], 100.0);
    let (both, elsewhere) = (tagged(&mut world, "both", &["a"], 0.0), tagged(&mut world, "elsewhere", &["a"], 9.0));
    let (untagged, neither) = (tagged(&mut world, "untagged", &[], 0.0), tagged(&mut world, "neither", &[], 9.0));
    let all = [&own, &both, &elsewhere, &untagged, &neither];
    for (target, expected) in [
        (r#"{tag:"a"}"#, [true, true, false, false, false]),
        (r#"not {tag:"a"}"#, [true, false, false, true, false]),
        ("", [true, true, false, true, false]),
    ] {
        let request = pb::MessageSendRequest { notify_target_tags: Some(target.into()), ..at(0.0, 0.0, 0.0) };
        let outcome = world.apply(&boss, send(request)).unwrap();
        assert_eq!(all.map(|actor| hears(&outcome, actor)), expected, "{target}");
        assert!(!hears(&outcome, &boss));
    }
}

#[test]
fn directed_messages_and_notifications_know_no_distance() {
    let mut world = World::new();
    let boss = world.enter("boss");
    let far = enter_at(&mut world, "far", location(1e6, 0.0, 0.0, 0.0));
    let directed = pb::MessageSendRequest { to_accounts: vec!["far".into()], ..text("m", "hello") };
    assert!(hears(&world.apply(&boss, send(directed)).unwrap(), &far));
    let with_place = pb::MessageSendRequest { to_accounts: vec!["far".into()], ..at(0.0, 0.0, 0.0) };
    assert_eq!(world.code(&boss, send(with_place)), Code::BadParameter);
    let muted = world.apply(&boss, Op::MuteRoom(pb::RoomMuteRequest { mute: true, ..Default::default() })).unwrap();
    assert!(hears(&muted, &far));
}

/// However many are located, the audience names no more connections than the fewer of both sides.
#[test]
fn an_audience_is_kept_in_its_shorter_form() {
    let mut world = World::new();
    let boss = world.enter("boss");
    let named = |world: &mut World| world.apply(&boss, send(at(0.0, 0.0, 0.0))).unwrap().audience;
    (0..40).for_each(|number| drop(world.enter(&format!("plain{number}"))));
    let located: Vec<Actor> = (0..100)
        .map(|number| enter_at(&mut world, &format!("far{number}"), location(f64::from(number) + 2.0, 0.0, 0.0, 1.0)))
        .collect();
    let audience = named(&mut world);
    assert!(matches!(&audience, Audience::Only(only) if only.len() == 40), "{audience:?}");
    for (number, actor) in located.iter().enumerate() {
        if number >= 20 {
            world.apply(actor, Op::Exit).unwrap();
        }
    }
    let audience = named(&mut world);
    assert!(matches!(&audience, Audience::Except(except) if except.len() == 21), "{audience:?}");
    located.iter().take(20).for_each(|actor| drop(world.apply(actor, Op::Exit).unwrap()));
    assert_eq!(named(&mut world), Audience::AllBut(boss.connection.unwrap()));
}
