//! Whatever is done with tags and places, those hear a message whom asking each connection finds (chatroom.md §a.10).

use std::collections::BTreeMap;

use crate::tagged::{by_tag, count, id, tag, update, with_tags};
use crate::world::{World, enter, http, send, text};
use chatroom::id::ConnId;
use chatroom::room::{Actor, Enter, Expression, Op};
use chatroom::wire::pb;
use proptest::prelude::*;

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
                    for gone in crate::world::left(&outcome) {
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
                        for gone in crate::world::left(&outcome) {
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
