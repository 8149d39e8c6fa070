//! Attributes of rooms and members on a real server (chatroom.md §a.9, §c.6).

use std::collections::BTreeMap;

use crate::support::peer::login;
use crate::support::process::UNLIMITED;
use crate::support::{Peer, Server, Setup};
use chatroom::wire::pb::{self, AttributesAction, NotificationType};
use chatroom::wire::{Push, Request, Response};

struct Scene {
    server: Server,
    room: i64,
    ann: Peer,
    bob: Peer,
}

fn scene() -> Scene {
    let config = format!("{UNLIMITED}\n[timers]\ndetach_grace_ms = 100\n");
    let server = Server::start(Setup { config, ..Setup::default() });
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_quiet_room("owner", "attributes");
    let (ann, bob) = (Peer::join(&server, "ann", room), Peer::join(&server, "bob", room));
    Scene { server, room, ann, bob }
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

fn set(room_id: i64, pairs: &[(&str, &str)]) -> pb::AttributesSetRequest {
    pb::AttributesSetRequest { room_id, attributes: map(pairs), ..Default::default() }
}

fn change(peer: &mut Peer, request: Request) -> (i32, i32, Vec<String>) {
    match peer.call(request) {
        Response::AttributesSet(answer) | Response::AttributesDelete(answer) | Response::AttributesBatch(answer) => {
            (answer.code, answer.sub, answer.error_keys)
        }
        other => panic!("a change of attributes is answered with {other:?}"),
    }
}

fn all(peer: &mut Peer, room_id: i64) -> Vec<(String, String)> {
    match peer.call(Request::AttributesList(pb::AttributesListRequest { room_id })) {
        Response::AttributesList(list) => {
            list.attributes.into_iter().map(|attribute| (attribute.key, attribute.value)).collect()
        }
        other => panic!("the attributes are {other:?}"),
    }
}

#[test]
fn attributes_are_set_read_and_deleted_and_all_hear_of_it() {
    // S004-145, S004-146, S004-147, S004-149
    let Scene { server, room, mut ann, mut bob } = scene();
    let force = |request: pb::AttributesSetRequest| pb::AttributesSetRequest { force: true, ..request };
    assert_eq!(change(&mut ann, Request::AttributesSet(set(room, &[("a", "1"), ("b", "2")]))), (0, 0, vec![]));
    for peer in [&mut ann, &mut bob] {
        let heard = peer.notification();
        let changed = heard.attributes_changed.expect("it says what changed");
        assert_eq!((heard.operator.as_str(), changed.action(), changed.attributes.len()), ("ann", AttributesAction::Set, 2));
    }
    assert_eq!(change(&mut bob, Request::AttributesSet(set(room, &[("a", "9")]))), (403, 6000331, vec!["a".to_owned()]));
    let partly = change(&mut bob, Request::AttributesSet(set(room, &[("a", "9"), ("c", "3")])));
    assert_eq!(partly, (0, 6000332, vec!["a".to_owned()]));
    assert_eq!(change(&mut bob, Request::AttributesSet(force(set(room, &[("a", "9")])))).0, 0);
    let delete = |keys: &[&str]| {
        let keys = keys.iter().map(|key| key.to_string()).collect();
        Request::AttributesDelete(pb::AttributesDeleteRequest { room_id: room, keys, force: false })
    };
    assert_eq!(
        change(&mut bob, delete(&["x", "a"])),
        (403, 6000331, vec!["a".into(), "x".into()]),
        "force has not made it his"
    );
    assert_eq!(change(&mut ann, delete(&["a", "x"])), (0, 6000332, vec!["x".to_owned()]));
    let operations = vec![
        pb::AttributesOperation { set: map(&[("d", "4")]), delete: vec![] },
        pb::AttributesOperation { set: map(&[]), delete: vec!["b".into()] },
    ];
    let batch = pb::AttributesBatchRequest { room_id: room, operations, ..Default::default() };
    ann.pushes_so_far();
    assert_eq!(change(&mut ann, Request::AttributesBatch(batch)), (0, 0, vec![]));
    let heard = ann.notification();
    assert_eq!(heard.r#type(), NotificationType::AttributesBatchChanged);
    assert_eq!(heard.attributes_batch_changed.unwrap().changes.len(), 2);
    let expected: Vec<(String, String)> = map(&[("c", "3"), ("d", "4")]).into_iter().collect();
    assert_eq!(all(&mut bob, room), expected);
    // Who enters is told what there is.
    let (_, answer) = Peer::log_in(&server, login("carol", Some(room)));
    assert_eq!(answer.enter.unwrap().attributes.len(), 2);
}

#[test]
fn limits_are_told_by_their_numbers() {
    // S004-146, S004-150
    let Scene { server: _server, room, mut ann, .. } = scene();
    let mut came = |request: Request| {
        let (code, sub, _) = change(&mut ann, request);
        (code, sub)
    };
    let one = |key: usize, value: usize| Request::AttributesSet(set(room, &[(&"k".repeat(key), &"v".repeat(value))]));
    assert_eq!((came(one(17, 1)), came(one(16, 1025)), came(one(16, 1024))), ((414, 6000335), (414, 6000336), (0, 0)));
    let many = |count: usize| {
        let attributes = (0..count).map(|number| (format!("k{number}"), "v".to_owned())).collect();
        Request::AttributesSet(pb::AttributesSetRequest { attributes, ..set(room, &[]) })
    };
    assert_eq!((came(many(20)), came(many(19))), ((419, 6000334), (0, 0)));
    let full: Vec<(String, String)> = (0..5).map(|number| (format!("k{number}"), "v".repeat(1024))).collect();
    let full = pb::AttributesSetRequest { attributes: full.into_iter().collect(), ..set(room, &[]) };
    assert_eq!(came(Request::AttributesSet(full)), (419, 6000337));
    let members = |peer: &mut Peer, pairs: &[(&str, &str)]| {
        let accounts = vec!["ann".to_owned()];
        let request = pb::MemberAttributesSetRequest { room_id: room, accounts, attributes: map(pairs), ..Default::default() };
        match peer.call(Request::MemberAttributesSet(Box::new(request))) {
            Response::MemberAttributesSet(answer) => (answer.code, answer.sub),
            other => panic!("{other:?}"),
        }
    };
    let value = "v".repeat(64);
    assert_eq!(members(&mut ann, &[("123456789", "v")]), (414, 6000352));
    assert_eq!(members(&mut ann, &[("k", &format!("{value}v"))]), (414, 6000353));
    assert_eq!(members(&mut ann, &[("12345678", &value), ("k2345678", &value)]), (0, 0));
    assert_eq!(members(&mut ann, &[("k", "v")]), (419, 6000351));
    let accounts = (0..101).map(|number| format!("u{number}")).collect();
    let lookup = Request::MemberAttributesLookup(pb::MemberAttributesLookupRequest { room_id: room, accounts });
    assert!(
        matches!(ann.call(lookup), Response::MemberAttributesLookup(answer) if (answer.code, answer.sub) == (414, 6000357))
    );
}

#[test]
fn attributes_of_members_are_set_found_and_counted() {
    // S004-150, S004-151, S004-152
    let Scene { server: _server, room, mut ann, mut bob } = scene();
    let accounts = vec!["bob".to_owned(), "nobody".to_owned()];
    let request =
        pb::MemberAttributesSetRequest { room_id: room, accounts, attributes: map(&[("seat", "3")]), ..Default::default() };
    let Response::MemberAttributesSet(answer) = ann.call(Request::MemberAttributesSet(Box::new(request))) else { panic!("no") };
    assert_eq!((answer.code, answer.error_accounts), (0, vec!["nobody".to_owned()]));
    assert_eq!(answer.members[0].attributes[0].value, "3");
    let heard = bob.notification().member_attributes_changed.expect("everybody hears of it");
    assert_eq!((heard.members[0].account.as_str(), heard.members[0].attributes[0].owner.as_str()), ("bob", "ann"));
    let lookup = || {
        let accounts = vec!["bob".to_owned(), "ann".to_owned()];
        Request::MemberAttributesLookup(pb::MemberAttributesLookupRequest { room_id: room, accounts })
    };
    let list = || Request::MemberAttributesList(pb::MemberAttributesListRequest { room_id: room, ..Default::default() });
    for _ in 0..5 {
        let Response::MemberAttributesLookup(found) = bob.call(lookup()) else { panic!("no") };
        let found: Vec<_> = found.members.iter().map(|member| (member.account.as_str(), member.attributes.len())).collect();
        assert_eq!(found, [("ann", 0), ("bob", 1)]);
        let Response::MemberAttributesList(found) = bob.call(list()) else { panic!("no") };
        assert_eq!((found.members.len(), found.next.as_str()), (1, ""), "who carries none is left out");
    }
    let Response::MemberAttributesLookup(refused) = bob.call(lookup()) else { panic!("no") };
    assert_eq!((refused.code, refused.sub), (416, 6000004));
    let Response::MemberAttributesList(refused) = bob.call(list()) else { panic!("no") };
    assert_eq!((refused.code, refused.sub), (416, 6000004));
    assert!(matches!(ann.call(lookup()), Response::MemberAttributesLookup(found) if found.code == 0));
}

#[test]
fn what_goes_with_who_leaves_goes_at_once_and_after_the_grace_of_a_lost_connection() {
    // S004-155
    let Scene { server, room, mut ann, mut bob } = scene();
    let going = |pairs: &[(&str, &str)]| {
        Request::AttributesSet(pb::AttributesSetRequest { delete_after_owner_left: true, ..set(room, pairs) })
    };
    assert_eq!(change(&mut ann, going(&[("ann", "1")])).0, 0);
    let mut carol = Peer::join(&server, "carol", room);
    assert_eq!(change(&mut carol, going(&[("carol", "1")])).0, 0);
    bob.pushes_so_far();
    assert!(matches!(ann.call(Request::Logout(Default::default())), Response::Logout(status) if status.code == 0));
    let gone = |peer: &mut Peer| loop {
        if let Push::Notification(notice) = peer.push()
            && let Some(changed) = notice.attributes_changed
        {
            assert_eq!(changed.action(), AttributesAction::Delete);
            break changed.attributes.into_iter().map(|attribute| attribute.key).collect::<Vec<_>>();
        }
    };
    assert_eq!(gone(&mut bob), ["ann"]);
    carol.cut();
    assert_eq!(gone(&mut bob), ["carol"]);
    assert!(all(&mut bob, room).is_empty());
}
