//! Who gives way when an account enters a room once more (chatroom.md §d.4).

use crate::world::*;
use chatroom::id::ConnId;
use chatroom::room::{Actor, Enter, MultiClient, Op, Settings};
use chatroom::wire::pb::KickReason;

const ANDROID: u32 = 1;
const IOS: u32 = 2;
const PC: u32 = 4;
const PHONE: u32 = 8;
const WEB: u32 = 16;
const MAC: u32 = 64;
const HARMONY: u32 = 65;

fn world(multi_client: MultiClient) -> World {
    World::with(Settings { multi_client, ..Settings::default() })
}

struct Came {
    actor: Actor,
    /// Who had to go, in ascending order.
    gone: Vec<ConnId>,
}

/// Enters "alice" from a device of its own.
fn come(world: &mut World, client_type: u32) -> Came {
    come_as(world, client_type, 0, "")
}

fn come_as(world: &mut World, client_type: u32, custom_client_type: u32, device: &str) -> Came {
    let actor = Actor { client_type, ..world.connection("alice") };
    let own = format!("{:?}", actor.connection);
    let device_id = if device.is_empty() { own.as_str() } else { device }.into();
    let enter = Enter { device_id, custom_client_type, ..enter("") };
    let outcome = world.apply(&actor, Op::Enter(Box::new(enter))).expect("the newest login wins");
    let mut gone = left(&outcome);
    gone.sort_unstable();
    let mut kicked: Vec<_> = outcome.kicks.iter().map(|kick| kick.connection).collect();
    kicked.sort_unstable();
    assert_eq!(gone, kicked, "whoever goes is told why");
    for kick in &outcome.kicks {
        assert_eq!(kick.kicked.reason(), KickReason::SamePlatform);
        assert_eq!(kick.kicked.ext, format!("{{\"clientType\":{client_type}}}"), "the notice names the new client's type");
        assert!(!kick.kicked.may_reconnect);
    }
    assert!(outcome.push.is_none() || gone.is_empty(), "nobody hears that an account left which is still there");
    Came { actor, gone }
}

fn id(came: &Came) -> ConnId {
    came.actor.connection.unwrap()
}

// S000-018, S003-016
#[test]
fn single_leaves_the_newest_alone() {
    let mut world = world(MultiClient::Single);
    let first = come(&mut world, WEB);
    let second = come(&mut world, ANDROID);
    assert_eq!(second.gone, [id(&first)]);
    assert_eq!(come(&mut world, WEB).gone, [id(&second)]);
    assert_eq!((world.room.connections(), world.room.online_count()), (1, 1));
}

// S003-016
#[test]
fn one_desktop_and_one_mobile_stand_side_by_side() {
    let mut world = world(MultiClient::OneDesktopOneMobile);
    let (pc, android) = (come(&mut world, PC), come(&mut world, ANDROID));
    assert!(android.gone.is_empty());
    let web = come(&mut world, WEB);
    assert_eq!(web.gone, [id(&pc)]);
    let mac = come(&mut world, MAC);
    assert_eq!(mac.gone, [id(&web)]);
    let ios = come(&mut world, IOS);
    assert_eq!(ios.gone, [id(&android)]);
    assert_eq!(come(&mut world, HARMONY).gone, [id(&ios)]);
    assert!(come(&mut world, PHONE).gone.is_empty(), "a type in neither group puts nobody out");
    assert_eq!(world.room.connections(), 3);
}

// S003-016
#[test]
fn of_the_same_type_there_is_one() {
    let mut world = world(MultiClient::SameType);
    let (web, android) = (come(&mut world, WEB), come(&mut world, ANDROID));
    assert!(android.gone.is_empty());
    assert_eq!(come(&mut world, WEB).gone, [id(&web)]);
    let watch = come_as(&mut world, ANDROID, 7, "");
    assert!(watch.gone.is_empty(), "a custom type is another type");
    assert_eq!(come_as(&mut world, IOS, 7, "").gone, [id(&watch)], "the same custom type counts, whatever it runs on");
    assert_eq!(come(&mut world, ANDROID).gone, [id(&android)]);
}

// S003-015
#[test]
fn coexisting_ends_at_ten_where_the_eleventh_puts_out_the_oldest() {
    let mut world = world(MultiClient::Coexist);
    let first = come(&mut world, WEB);
    for _ in 0..9 {
        assert!(come(&mut world, WEB).gone.is_empty());
    }
    assert_eq!(come(&mut world, WEB).gone, [id(&first)]);
    assert_eq!((world.room.connections(), world.room.online_count()), (10, 1));
}

// S003-016
#[test]
fn a_custom_policy_names_who_puts_out_whom() {
    let mut world = world(MultiClient::Custom(vec![(WEB, PC), (WEB, MAC)]));
    let (pc, mac) = (come(&mut world, PC), come(&mut world, MAC));
    let web = come(&mut world, WEB);
    assert_eq!(web.gone, [id(&pc), id(&mac)]);
    assert!(come(&mut world, PC).gone.is_empty(), "the pair holds one way only");
    assert!(come(&mut world, WEB).gone.len() == 1, "the PC again, not the other browser");
}

#[test]
fn the_same_device_with_the_same_type_takes_its_own_place_under_every_policy() {
    let policies = [
        MultiClient::Coexist,
        MultiClient::Single,
        MultiClient::OneDesktopOneMobile,
        MultiClient::SameType,
        MultiClient::Custom(vec![]),
    ];
    for policy in policies {
        let mut world = world(policy);
        let old = come_as(&mut world, PHONE, 0, "mine");
        assert_eq!(come_as(&mut world, PHONE, 0, "mine").gone, [id(&old)]);
    }
    let mut world = world(MultiClient::Coexist);
    come_as(&mut world, PHONE, 0, "mine");
    assert!(come_as(&mut world, WEB, 0, "mine").gone.is_empty(), "the same device with another type is another client");
}

// S003-016
#[test]
fn a_changed_policy_bears_on_later_logins_only() {
    let mut world = world(MultiClient::Coexist);
    let (first, second) = (come(&mut world, WEB), come(&mut world, WEB));
    world.room.set_settings(Settings { multi_client: MultiClient::Single, ..Settings::default() }.into());
    assert_eq!(world.room.connections(), 2, "who is in stays");
    assert_eq!(come(&mut world, WEB).gone, [id(&first), id(&second)]);
}
