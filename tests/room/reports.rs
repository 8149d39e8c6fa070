//! What a room says of who comes and goes where its application wants to know (chatroom.md §e.9), and that it says nothing elsewhere.

use std::sync::Arc;

use crate::world::*;
use chatroom::id::AccountId;
use chatroom::room::{AddRobots, Enter, InOut, Op, Outcome, Reports, RobotProfile, Settings, Way};
use chatroom::wire::pb::{self, MemberType, RoleChange};

fn reports(in_out: bool) -> Settings {
    let reports =
        Reports { app_key: "app".into(), by_default: true, messages: true, in_out, queue: in_out, envs: Default::default() };
    Settings { reports: Some(Arc::new(reports)), ..Settings::default() }
}

fn said(outcome: &Outcome) -> Vec<(&str, Way)> {
    outcome.told.in_out.iter().map(|passage| (passage.account.as_str(), passage.way)).collect()
}

#[test]
fn nothing_is_said_where_nobody_wants_to_know() {
    let without_address = Reports { by_default: false, ..(**reports(true).reports.as_ref().unwrap()).clone() };
    let without_address = Settings { reports: Some(Arc::new(without_address)), ..Settings::default() };
    for settings in [Settings::default(), reports(false), without_address] {
        let mut world = World::with(settings);
        let ann = world.connection("ann");
        assert_eq!(world.apply(&ann, Op::Enter(Box::new(enter("")))).unwrap().told.in_out, []);
        assert_eq!(world.apply(&ann, Op::Exit).unwrap().told.in_out, []);
    }
}

#[test]
fn each_connection_comes_and_goes_with_its_tags_and_its_role() {
    let mut world = World::with(reports(true));
    let ann = world.connection("ann");
    let request = pb::RoomEnterRequest { tags: vec!["red".into()], enter_ext: "hi".into(), ..enter("").request };
    let entered = world.apply(&ann, Op::Enter(Box::new(Enter { request, ..enter("") }))).unwrap();
    let passage = |way: Way, ext: &str| InOut {
        account: ann.account.clone(),
        way,
        client_type: 16,
        role: MemberType::Visitor,
        anonymous: false,
        tags: vec!["red".into()],
        target: "{\"tag\":\"red\"}".into(),
        ext: ext.into(),
        client: None,
    };
    assert_eq!(entered.told.in_out, [passage(Way::In, "hi")]);
    let second = world.connection("ann");
    assert_eq!(said(&world.apply(&second, Op::Enter(Box::new(enter("")))).unwrap()), [("ann", Way::In)]);
    assert_eq!(said(&world.apply(&second, Op::Exit).unwrap()), [("ann", Way::Exit)]);
    // A connection that is lost has not gone, nor has one that another takes over.
    assert_eq!(said(&world.apply(&ann, Op::Detach).unwrap()), []);
    let back = world.connection("ann");
    let resume = Enter { replaces: ann.connection, ..enter("") };
    assert_eq!(said(&world.apply(&back, Op::Enter(Box::new(resume))).unwrap()), []);
    let kick = pb::MemberKickRequest { account: "ann".into(), notify_ext: "rude".into(), ..Default::default() };
    let kicked = world.apply(&http("boss"), Op::Kick(kick)).unwrap();
    assert_eq!((said(&kicked), kicked.told.in_out[0].ext.as_str()), (vec![("ann", Way::Kick)], "rude"));
}

#[test]
fn who_is_blocked_and_who_is_there_as_the_room_closes_is_put_out() {
    let mut world = World::with(reports(true));
    world.enter("ann");
    let mut stranger = world.connection("anon");
    stranger.anonymous = true;
    let named = Enter { request: pb::RoomEnterRequest { nick: "x".into(), ..enter("").request }, ..enter("") };
    world.apply(&stranger, Op::Enter(Box::new(named))).unwrap();
    world.enter("bob");
    let blocked = world.set_role(&http("boss"), "ann", RoleChange::Blocklist, true).unwrap();
    assert_eq!(said(&blocked), [("ann", Way::Kick)]);
    let robots = vec![(AccountId::parse("bot").unwrap(), RobotProfile::default())];
    world.apply(&http("boss"), Op::AddRobots(Box::new(AddRobots { robots, ..Default::default() }))).unwrap();
    assert_eq!(said(&world.consequences[0]), [("bot", Way::In)]);
    let closed = world.apply(&http("boss"), Op::Close(Default::default())).unwrap();
    assert_eq!(said(&closed), [("anon", Way::Kick), ("bob", Way::Kick), ("bot", Way::Kick)]);
    assert_eq!((closed.told.in_out[0].anonymous, closed.told.in_out[0].role), (true, MemberType::Anonymous));
    assert_eq!(closed.told.in_out[2].client_type, 32);
}

#[test]
fn who_gives_way_to_another_connection_of_its_own_is_told_of_before_that_comes() {
    let mut world = World::with(Settings { connections_per_account_max: 1, ..reports(true) });
    world.enter("ann");
    let second = world.connection("ann");
    let entered = world.apply(&second, Op::Enter(Box::new(enter("")))).unwrap();
    assert_eq!(said(&entered), [("ann", Way::LoginKick), ("ann", Way::In)]);
}
