//! Attributes of a room and of its members: owners, limits, what others hear, what goes with who leaves (chatroom.md §a.9, §c.6).

use std::collections::BTreeMap;

use crate::world::{World, http, kind, notice};
use chatroom::error::{Code, Status, Sub};
use chatroom::id::UnixMs;
use chatroom::limits;
use chatroom::room::{Actor, Op, Outcome, Query, Settings};
use chatroom::wire::Response;
use chatroom::wire::pb::{self, AttributesAction, NotificationType};

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

fn numbered(count: usize) -> BTreeMap<String, String> {
    (0..count).map(|number| (format!("k{number}"), "v".to_owned())).collect()
}

fn set(pairs: &[(&str, &str)]) -> pb::AttributesSetRequest {
    pb::AttributesSetRequest { room_id: 7, attributes: map(pairs), ..Default::default() }
}

fn delete(keys: &[&str], force: bool) -> Op {
    let keys = keys.iter().map(|key| key.to_string()).collect();
    Op::DeleteAttributes(pb::AttributesDeleteRequest { room_id: 7, keys, force })
}

fn member_set(accounts: &[&str], pairs: &[(&str, &str)]) -> pb::MemberAttributesSetRequest {
    let accounts = accounts.iter().map(|account| account.to_string()).collect();
    pb::MemberAttributesSetRequest { room_id: 7, accounts, attributes: map(pairs), ..Default::default() }
}

fn set_members(request: pb::MemberAttributesSetRequest) -> Op {
    Op::SetMemberAttributes(Box::new(request))
}

fn change(outcome: &Outcome) -> (AttributesAction, Vec<(String, String)>) {
    let changed = notice(outcome).attributes_changed.clone().expect("401 says what changed");
    (changed.action(), pairs(&changed.attributes))
}

fn pairs(attributes: &[pb::Attribute]) -> Vec<(String, String)> {
    attributes.iter().map(|attribute| (attribute.key.clone(), attribute.value.clone())).collect()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

fn attributes(world: &World, actor: &Actor) -> Vec<pb::Attribute> {
    match world.query(actor, &Query::Attributes(pb::AttributesListRequest { room_id: 7 })) {
        Ok(Response::AttributesList(list)) => list.attributes,
        other => panic!("the attributes are {other:?}"),
    }
}

fn carried(world: &World, actor: &Actor, account: &str) -> Vec<pb::Attribute> {
    let accounts = vec![account.to_owned()];
    let query = Query::MemberAttributes(pb::MemberAttributesLookupRequest { room_id: 7, accounts });
    match world.query(actor, &query) {
        Ok(Response::MemberAttributesLookup(mut list)) => {
            list.members.pop().map(|member| member.attributes).unwrap_or_default()
        }
        other => panic!("a member's attributes are {other:?}"),
    }
}

fn answer(outcome: &Outcome) -> (i32, Vec<String>) {
    match &outcome.reply {
        Response::AttributesSet(reply) | Response::AttributesDelete(reply) | Response::AttributesBatch(reply) => {
            (reply.sub, reply.error_keys.clone())
        }
        other => panic!("a change of attributes is answered with {other:?}"),
    }
}

fn refusal(result: Result<Outcome, Status>) -> (Code, Option<Sub>) {
    let status = result.expect_err("it is to be refused");
    (status.code, status.sub)
}

#[test]
fn who_sets_an_attribute_owns_it_and_everybody_hears_of_it() {
    // S004-145, S004-146
    let mut world = World::new();
    let (alice, bob) = (world.enter("alice"), world.enter("bob"));
    let outcome = world.apply(&alice, Op::SetAttributes(set(&[("mode", "quiz"), ("round", "1")]))).unwrap();
    assert_eq!(kind(&outcome), NotificationType::AttributesChanged);
    assert_eq!(outcome.audience, chatroom::room::Audience::All, "the caller hears of it too");
    assert_eq!(change(&outcome), (AttributesAction::Set, owned(&[("mode", "quiz"), ("round", "1")])));
    assert_eq!(answer(&outcome), (0, vec![]));
    let kept = attributes(&world, &bob);
    assert_eq!(pairs(&kept), owned(&[("mode", "quiz"), ("round", "1")]));
    assert!(kept.iter().all(|attribute| attribute.owner == "alice" && !attribute.delete_after_owner_left));
    world.assert_lasting();
}

#[test]
fn what_belongs_to_another_is_changed_with_force_only() {
    // S004-146
    let mut world = World::new();
    let (alice, bob) = (world.enter("alice"), world.enter("bob"));
    world.apply(&alice, Op::SetAttributes(set(&[("a", "1")]))).unwrap();
    // Not the owner and no force: the key fails, the others do not.
    let outcome = world.apply(&bob, Op::SetAttributes(set(&[("a", "2"), ("b", "2")]))).unwrap();
    assert_eq!(answer(&outcome), (Sub::AttributesPartlyFailed.number(), vec!["a".to_owned()]));
    assert_eq!(change(&outcome), (AttributesAction::Set, owned(&[("b", "2")])), "others hear only of what changed");
    let all_failed = world.apply(&bob, Op::SetAttributes(set(&[("a", "2")])));
    assert_eq!(refusal(all_failed), (Code::Forbidden, Some(Sub::AttributesAllFailed)));
    // With force the value changes, owner and flag do not.
    let force = pb::AttributesSetRequest { force: true, delete_after_owner_left: true, ..set(&[("a", "3")]) };
    world.apply(&bob, Op::SetAttributes(force.clone())).unwrap();
    let found = attributes(&world, &bob);
    let a = |found: &[pb::Attribute]| (found[0].value.clone(), found[0].owner.clone(), found[0].delete_after_owner_left);
    assert_eq!(a(&found), ("3".into(), "alice".into(), false));
    // With update_owner, both.
    world.apply(&bob, Op::SetAttributes(pb::AttributesSetRequest { update_owner: true, ..force })).unwrap();
    assert_eq!(a(&attributes(&world, &bob)), ("3".into(), "bob".into(), true));
    // The owner replaces value and flag.
    world.apply(&bob, Op::SetAttributes(set(&[("a", "4")]))).unwrap();
    assert_eq!(a(&attributes(&world, &bob)), ("4".into(), "bob".into(), false));
    // What is as it was, is no change and nobody hears of it.
    let same = world.apply(&bob, Op::SetAttributes(set(&[("a", "4")]))).unwrap();
    assert!(same.push.is_none() && !same.durable);
    world.assert_lasting();
}

#[test]
fn attributes_are_deleted_by_their_owner_or_with_force() {
    // S004-147
    let mut world = World::new();
    let (alice, bob) = (world.enter("alice"), world.enter("bob"));
    world.apply(&alice, Op::SetAttributes(set(&[("a", "1"), ("b", "2"), ("c", "3")]))).unwrap();
    assert_eq!(refusal(world.apply(&bob, delete(&["a"], false))), (Code::Forbidden, Some(Sub::AttributesAllFailed)));
    let outcome = world.apply(&alice, delete(&["a", "x"], false)).unwrap();
    assert_eq!(answer(&outcome), (Sub::AttributesPartlyFailed.number(), vec!["x".to_owned()]), "an unknown key fails");
    assert_eq!(change(&outcome), (AttributesAction::Delete, owned(&[("a", "1")])), "with its last value");
    let outcome = world.apply(&bob, delete(&["b"], true)).unwrap();
    assert_eq!(change(&outcome), (AttributesAction::Delete, owned(&[("b", "2")])));
    assert_eq!(pairs(&attributes(&world, &bob)), owned(&[("c", "3")]));
    world.assert_lasting();
}

#[test]
fn a_batch_is_one_change_in_order() {
    // S004-149
    let mut world = World::new();
    let (alice, bob) = (world.enter("alice"), world.enter("bob"));
    world.apply(&alice, Op::SetAttributes(set(&[("mine", "1")]))).unwrap();
    let setting = |pairs: &[(&str, &str)]| pb::AttributesOperation { set: map(pairs), delete: vec![] };
    let deleting = |key: &str| pb::AttributesOperation { set: BTreeMap::new(), delete: vec![key.into()] };
    let operations = vec![setting(&[("a", "1"), ("b", "1")]), deleting("a"), setting(&[("mine", "2")]), setting(&[("c", "1")])];
    let request = pb::AttributesBatchRequest { room_id: 7, operations, ..Default::default() };
    let seq = world.room.next_seq();
    let outcome = world.apply(&bob, Op::BatchAttributes(request.clone())).unwrap();
    assert_eq!(world.room.next_seq(), seq.next(), "one entry, one event");
    assert_eq!(kind(&outcome), NotificationType::AttributesBatchChanged);
    assert_eq!(answer(&outcome), (Sub::AttributesPartlyFailed.number(), vec!["mine".to_owned()]));
    let batch = notice(&outcome).attributes_batch_changed.clone().unwrap();
    let changes: Vec<_> = batch.changes.iter().map(|change| (change.action(), pairs(&change.attributes))).collect();
    let expected = [
        (AttributesAction::Set, owned(&[("a", "1"), ("b", "1")])),
        (AttributesAction::Delete, owned(&[("a", "1")])),
        (AttributesAction::Set, owned(&[("c", "1")])),
    ];
    assert_eq!(changes, expected);
    assert_eq!(pairs(&attributes(&world, &bob)), owned(&[("b", "1"), ("c", "1"), ("mine", "1")]));
    world.assert_lasting();
    // 1 to 50 operations, each of which either sets or deletes.
    let many = |count: usize| {
        Op::BatchAttributes(pb::AttributesBatchRequest {
            operations: vec![setting(&[("z", "1")]); count],
            ..Default::default()
        })
    };
    assert_eq!(world.code(&bob, many(limits::ATTRIBUTE_OPERATIONS_MAX)), Code::Ok);
    assert_eq!(world.code(&bob, many(limits::ATTRIBUTE_OPERATIONS_MAX + 1)), Code::BadParameter);
    assert_eq!(world.code(&bob, many(0)), Code::BadParameter);
    let both = pb::AttributesOperation { set: map(&[("z", "1")]), delete: vec!["z".into()] };
    let odd = |operation| Op::BatchAttributes(pb::AttributesBatchRequest { operations: vec![operation], ..Default::default() });
    assert_eq!(world.code(&bob, odd(both)), Code::BadParameter);
    assert_eq!(world.code(&bob, odd(pb::AttributesOperation::default())), Code::BadParameter);
}

#[test]
fn limits_of_a_rooms_attributes_are_checked_before_anything_is_written() {
    // S004-146
    let mut world = World::new();
    let alice = world.enter("alice");
    let wide = |key: usize, value: usize| Op::SetAttributes(set(&[(&"k".repeat(key), &"v".repeat(value))]));
    assert_eq!(refusal(world.apply(&alice, wide(17, 1))), (Code::BadParameter, Some(Sub::AttributeKey)));
    assert_eq!(refusal(world.apply(&alice, wide(0, 1))), (Code::BadParameter, Some(Sub::AttributeKey)));
    assert_eq!(refusal(world.apply(&alice, wide(16, 1025))), (Code::BadParameter, Some(Sub::AttributeValue)));
    assert_eq!(world.code(&alice, Op::SetAttributes(set(&[]))), Code::BadParameter);
    assert!(attributes(&world, &alice).is_empty());
    assert_eq!(world.code(&alice, wide(16, 1024)), Code::Ok);
    // Twenty keys, whether at once or one after the other.
    let rest = pb::AttributesSetRequest { attributes: numbered(19), ..set(&[]) };
    assert_eq!(world.code(&alice, Op::SetAttributes(rest)), Code::Ok);
    let one_more = world.apply(&alice, Op::SetAttributes(set(&[("k0", "changed"), ("more", "1")])));
    assert_eq!(refusal(one_more), (Code::OverQuota, Some(Sub::AttributesCount)));
    assert!(attributes(&world, &alice).iter().all(|attribute| attribute.value != "changed"), "all or nothing");
    let at_once = pb::AttributesSetRequest { attributes: numbered(21), ..set(&[]) };
    let mut fresh = World::new();
    let bob = fresh.enter("bob");
    assert_eq!(refusal(fresh.apply(&bob, Op::SetAttributes(at_once))), (Code::OverQuota, Some(Sub::AttributesCount)));
    // 5120 bytes of keys and values: five of 1024.
    let value = "v".repeat(1022);
    let full: Vec<(&str, &str)> = ["a1", "a2", "a3", "a4", "a5"].iter().map(|key| (*key, value.as_str())).collect();
    assert_eq!(fresh.code(&bob, Op::SetAttributes(set(&full))), Code::Ok);
    let longer = format!("{value}v");
    let over = fresh.apply(&bob, Op::SetAttributes(set(&[("a1", &longer)])));
    assert_eq!(refusal(over), (Code::OverQuota, Some(Sub::AttributesTotal)));
    assert_eq!(fresh.code(&bob, delete(&[], false)), Code::BadParameter);
    let keys: Vec<String> = (0..21).map(|number| format!("k{number}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    assert_eq!(world.code(&alice, delete(&keys, false)), Code::BadParameter);
    assert_eq!(world.code(&alice, delete(&keys[..20], false)), Code::Ok);
}

#[test]
fn anonymous_visitors_read_attributes_and_outsiders_do_not() {
    let mut world = World::new();
    let alice = world.enter("alice");
    world.apply(&alice, Op::SetAttributes(set(&[("a", "1")]))).unwrap();
    let anonymous = Actor { anonymous: true, ..world.connection("anon_1") };
    world.apply(&anonymous, Op::Enter(Box::new(crate::world::enter("Ann")))).unwrap();
    assert_eq!(refusal(world.apply(&anonymous, Op::SetAttributes(set(&[("b", "1")])))).0, Code::Forbidden);
    assert_eq!(refusal(world.apply(&anonymous, set_members(member_set(&["alice"], &[("b", "1")])))).0, Code::Forbidden);
    assert_eq!(attributes(&world, &anonymous).len(), 1);
    let outside = world.connection("carol");
    let refused = world.apply(&outside, Op::SetAttributes(set(&[("b", "1")])));
    assert_eq!(refusal(refused), (Code::Forbidden, Some(Sub::NotInRoom)));
    let queries = [
        Query::Attributes(pb::AttributesListRequest { room_id: 7 }),
        Query::MemberAttributesList(pb::MemberAttributesListRequest { room_id: 7, ..Default::default() }),
    ];
    for query in &queries {
        assert_eq!(world.query(&outside, query).unwrap_err().sub, Some(Sub::NotInRoom));
    }
}

#[test]
fn attributes_go_with_their_owner_when_they_were_to() {
    // S004-155
    let mut world = World::new();
    let (alice, bob) = (world.enter("alice"), world.enter("bob"));
    let second = world.enter("alice");
    let going = pb::AttributesSetRequest { delete_after_owner_left: true, ..set(&[("a", "1"), ("b", "2")]) };
    world.apply(&alice, Op::SetAttributes(going)).unwrap();
    world.apply(&alice, Op::SetAttributes(set(&[("c", "3")]))).unwrap();
    let outcome = world.apply(&alice, Op::Exit).unwrap();
    assert!(outcome.departed.is_empty() && world.consequences.is_empty(), "another connection of hers is still here");
    let outcome = world.apply(&second, Op::Exit).unwrap();
    assert_eq!(outcome.departed, std::slice::from_ref(&second.account));
    let [cleared] = &world.consequences[..] else { panic!("one event for all of them") };
    assert_eq!(change(cleared), (AttributesAction::Delete, owned(&[("a", "1"), ("b", "2")])));
    assert_eq!(pairs(&attributes(&world, &bob)), owned(&[("c", "3")]));
    world.assert_lasting();
    let clear = Op::ClearOwnerAttributes;
    assert_eq!(world.code(&bob, clear.clone()), Code::Forbidden, "only the server says so");
    assert_eq!(world.code(&http("bob"), clear), Code::Forbidden);
}

#[test]
fn everything_that_belongs_to_who_is_put_out_goes_in_one_go() {
    let mut world = World::new();
    let (boss, alice) = (world.enter("boss"), world.enter("alice"));
    let going = pb::AttributesSetRequest { delete_after_owner_left: true, ..set(&[("a", "1")]) };
    world.apply(&alice, Op::SetAttributes(going)).unwrap();
    world.apply(&alice, set_members(member_set(&["alice"], &[("seat", "1")]))).unwrap();
    let offer =
        pb::QueueOfferRequest { room_id: 7, key: "mic".into(), value: "1".into(), transient: true, ..Default::default() };
    world.apply(&alice, Op::QueueOffer(Box::new(offer))).unwrap();
    let kick = pb::MemberKickRequest { room_id: 7, account: "alice".into(), ..Default::default() };
    let outcome = world.apply(&boss, Op::Kick(kick)).unwrap();
    assert_eq!(outcome.departed, std::slice::from_ref(&alice.account));
    let kinds: Vec<_> = world.consequences.iter().map(kind).collect();
    let expected =
        [NotificationType::QueueBatchChanged, NotificationType::AttributesChanged, NotificationType::MemberAttributesChanged];
    assert_eq!(kinds, expected);
    assert!(attributes(&world, &boss).is_empty() && carried(&world, &boss, "alice").is_empty());
    world.assert_lasting();
}

#[test]
fn a_room_that_closes_keeps_the_attributes_that_do_not_go_with_anybody() {
    let mut world = World::new();
    let (boss, alice) = (world.enter("boss"), world.enter("alice"));
    let going = pb::AttributesSetRequest { delete_after_owner_left: true, ..set(&[("a", "1")]) };
    world.apply(&alice, Op::SetAttributes(going)).unwrap();
    world.apply(&alice, Op::SetAttributes(set(&[("b", "2")]))).unwrap();
    world.apply(&alice, set_members(member_set(&["alice"], &[("seat", "1")]))).unwrap();
    let outcome = world.apply(&boss, Op::Close(Default::default())).unwrap();
    assert_eq!(outcome.departed, [alice.account.clone(), boss.account.clone()]);
    world.apply(&http("boss"), Op::Reopen).unwrap();
    let boss = world.enter("boss");
    assert_eq!(pairs(&attributes(&world, &boss)), owned(&[("b", "2")]));
    assert!(carried(&world, &boss, "alice").is_empty());
    world.assert_lasting();
}

#[test]
fn attributes_of_members_are_merged_key_by_key() {
    // S004-150
    let mut world = World::new();
    let (alice, bob) = (world.enter("alice"), world.enter("bob"));
    let outcome = world.apply(&alice, set_members(member_set(&["ALICE", "bob", "carol"], &[("a", "1"), ("b", "2")]))).unwrap();
    assert_eq!(kind(&outcome), NotificationType::MemberAttributesChanged);
    let Response::MemberAttributesSet(reply) = &outcome.reply else { panic!("{:?}", outcome.reply) };
    assert_eq!(reply.error_accounts, ["carol"], "who is not in the room fails");
    let accounts: Vec<&str> = reply.members.iter().map(|member| member.account.as_str()).collect();
    assert_eq!(accounts, ["alice", "bob"]);
    world.assert_lasting();
    // An empty value deletes; others hear of what changed, and of a deleted key without a value.
    let outcome = world.apply(&alice, set_members(member_set(&["bob"], &[("a", ""), ("b", "2"), ("c", "3")]))).unwrap();
    let changed = notice(&outcome).member_attributes_changed.clone().unwrap();
    let mut heard = pairs(&changed.members[0].attributes);
    heard.sort();
    assert_eq!((changed.members.len(), heard), (1, owned(&[("a", ""), ("c", "3")])));
    assert_eq!(pairs(&carried(&world, &bob, "bob")), owned(&[("b", "2"), ("c", "3")]));
    assert!(carried(&world, &bob, "bob").iter().all(|own| own.owner == "alice" && own.delete_after_owner_left));
    // Bob may not change what Alice set last, even about himself, unless he insists.
    let outcome = world.apply(&bob, set_members(member_set(&["bob"], &[("b", "9"), ("d", "4")]))).unwrap();
    let Response::MemberAttributesSet(reply) = &outcome.reply else { panic!("{:?}", outcome.reply) };
    assert_eq!(reply.members[0].error_keys, ["b"]);
    let refused = world.apply(&bob, set_members(member_set(&["bob"], &[("b", "9")])));
    assert_eq!(refusal(refused), (Code::Forbidden, Some(Sub::MemberAttributesRefused)));
    let force = pb::MemberAttributesSetRequest { force: true, ..member_set(&["bob"], &[("b", "9")]) };
    world.apply(&bob, set_members(force)).unwrap();
    let found = carried(&world, &bob, "bob");
    assert_eq!((found[0].value.as_str(), found[0].owner.as_str()), ("9", "bob"));
    world.assert_lasting();
}

#[test]
fn attributes_of_a_member_go_with_it_unless_they_were_to_stay() {
    // S004-150
    let mut world = World::new();
    let (alice, bob) = (world.enter("alice"), world.enter("bob"));
    world.apply(&alice, set_members(member_set(&["bob"], &[("a", "1")]))).unwrap();
    let staying = member_set(&["bob"], &[("b", "2")]);
    let staying = pb::MemberAttributesSetRequest { delete_after_owner_left: Some(false), ..staying };
    world.apply(&alice, set_members(staying)).unwrap();
    world.apply(&bob, Op::Exit).unwrap();
    let [cleared] = &world.consequences[..] else { panic!("one event") };
    let changed = notice(cleared).member_attributes_changed.clone().unwrap();
    assert_eq!(pairs(&changed.members[0].attributes), owned(&[("a", "")]));
    assert_eq!(pairs(&carried(&world, &alice, "bob")), owned(&[("b", "2")]));
    world.apply(&alice, Op::Exit).unwrap();
    assert!(world.consequences.is_empty(), "what Alice has set goes with Bob, not with her");
    world.assert_lasting();
}

#[test]
fn limits_of_members_attributes_end_where_they_should() {
    // S004-150
    let mut world = World::new();
    let alice = world.enter("alice");
    let wide = |key: usize, value: usize| set_members(member_set(&["alice"], &[(&"k".repeat(key), &"v".repeat(value))]));
    assert_eq!(refusal(world.apply(&alice, wide(9, 1))), (Code::BadParameter, Some(Sub::MemberAttributeKey)));
    assert_eq!(refusal(world.apply(&alice, wide(8, 65))), (Code::BadParameter, Some(Sub::MemberAttributeValue)));
    // 72 of 144 bytes, and the other 72.
    assert_eq!(world.code(&alice, wide(8, 64)), Code::Ok);
    let other = |value: usize| set_members(member_set(&["alice"], &[("other567", &"v".repeat(value))]));
    assert_eq!(world.code(&alice, other(64)), Code::Ok);
    let over = world.apply(&alice, set_members(member_set(&["alice"], &[("", "x")])));
    assert_eq!(refusal(over), (Code::BadParameter, Some(Sub::MemberAttributeKey)));
    let over = world.apply(&alice, set_members(member_set(&["alice"], &[("x", "")])));
    assert!(over.is_ok(), "deleting what is not there is no failure");
    let over = world.apply(&alice, set_members(member_set(&["alice"], &[("x", "y")])));
    assert_eq!(refusal(over), (Code::OverQuota, Some(Sub::MemberAttributesTotal)));
    // 145 bytes exactly.
    let mut fresh = World::new();
    let bob = fresh.enter("bob");
    let value = "v".repeat(64);
    let pairs = [("k1", value.as_str()), ("k2", value.as_str()), ("k3", "12345678901")];
    let over = fresh.apply(&bob, set_members(member_set(&["bob"], &pairs)));
    assert_eq!(refusal(over), (Code::OverQuota, Some(Sub::MemberAttributesTotal)));
    let pairs = [pairs[0], pairs[1], ("k3", "1234567890")];
    assert_eq!(fresh.code(&bob, set_members(member_set(&["bob"], &pairs))), Code::Ok);
    // 30 pairs at once and in all.
    let mut fresh = World::new();
    let carol = fresh.enter("carol");
    let many = |count| {
        let attributes = numbered(count);
        set_members(pb::MemberAttributesSetRequest { attributes, ..member_set(&["carol"], &[]) })
    };
    assert_eq!(fresh.code(&carol, many(31)), Code::BadParameter);
    assert_eq!(fresh.code(&carol, many(0)), Code::BadParameter);
    assert_eq!(fresh.code(&carol, many(30)), Code::Ok);
    assert_eq!(fresh.code(&carol, set_members(member_set(&["carol"], &[("more", "1")]))), Code::BadParameter);
    // 100 accounts a request.
    let names: Vec<String> = (0..101).map(|number| format!("u{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(fresh.code(&carol, set_members(member_set(&names[..100], &[("a", "1")]))), Code::Ok);
    let over = fresh.apply(&carol, set_members(member_set(&names, &[("a", "1")])));
    assert_eq!(refusal(over), (Code::BadParameter, Some(Sub::TooManyUsers)));
    assert_eq!(fresh.code(&carol, set_members(member_set(&[], &[("a", "1")]))), Code::BadParameter);
}

#[test]
fn five_hundred_accounts_of_a_room_carry_attributes_and_are_listed_in_pages() {
    // S004-152
    let mut world = World::new();
    let asking = world.enter("asking");
    let names: Vec<String> = (0..501).map(|number| format!("u{number:03}")).collect();
    names.iter().for_each(|name| drop(world.enter(name)));
    for part in names[..500].chunks(100) {
        let part: Vec<&str> = part.iter().map(String::as_str).collect();
        assert_eq!(world.code(&asking, set_members(member_set(&part, &[("a", "1")]))), Code::Ok);
    }
    let one_more = world.apply(&asking, set_members(member_set(&["u500"], &[("a", "1")])));
    assert_eq!(refusal(one_more).0, Code::OverQuota);
    assert_eq!(world.code(&asking, set_members(member_set(&["u000"], &[("a", "2")]))), Code::Ok);
    world.assert_lasting();
    let mut found = Vec::new();
    let mut next = String::new();
    loop {
        let request = pb::MemberAttributesListRequest { room_id: 7, next, limit: 64 };
        let Ok(Response::MemberAttributesList(page)) = world.query(&asking, &Query::MemberAttributesList(request)) else {
            panic!("a page is answered with something else");
        };
        assert!(page.members.len() <= 64);
        found.extend(page.members.into_iter().map(|member| member.account));
        next = page.next;
        if next.is_empty() {
            break;
        }
    }
    assert_eq!(found, names[..500], "in the order of accounts, and whoever carries none is left out");
    let too_many = pb::MemberAttributesListRequest { limit: 101, ..Default::default() };
    assert_eq!(world.query(&asking, &Query::MemberAttributesList(too_many)).unwrap_err().code, Code::BadParameter);
}

#[test]
fn the_sixth_query_for_members_attributes_within_half_a_minute_waits() {
    // S004-151, S004-152
    let mut world = World::new();
    let (alice, bob) = (world.enter("alice"), world.enter("bob"));
    let second = world.enter("alice");
    let lookup =
        Query::MemberAttributes(pb::MemberAttributesLookupRequest { accounts: vec!["bob".into()], ..Default::default() });
    let list = Query::MemberAttributesList(pb::MemberAttributesListRequest::default());
    let mut count = |actor: &Actor, query: &Query, after_ms: i64| {
        world.room.count_query(UnixMs(crate::world::START_MS + after_ms), actor, query)
    };
    for _ in 0..5 {
        count(&alice, &lookup, 0).unwrap();
    }
    let refused = count(&second, &lookup, 10_000).unwrap_err();
    assert_eq!((refused.code, refused.sub), (Code::TooFrequent, Some(Sub::QueryRate)), "per account, not per connection");
    assert_eq!(refused.retry_after_ms, 20_000);
    count(&alice, &list, 10_000).expect("the kinds are counted apart");
    count(&bob, &lookup, 10_000).expect("and so are the accounts");
    count(&alice, &lookup, 30_000).expect("half a minute later it may");
    for _ in 0..10 {
        count(&http("alice"), &lookup, 30_000).expect("over HTTP there is no such limit");
    }
}

#[test]
fn who_vanished_with_the_node_leaves_behind_what_goes_with_it() {
    let mut world = World::with(Settings { sends_per_second: 0, ..Settings::default() });
    let (alice, bob) = (world.enter("alice"), world.enter("bob"));
    for actor in [&alice, &bob] {
        let key = actor.account.as_str().to_owned();
        let going = pb::AttributesSetRequest { delete_after_owner_left: true, ..set(&[(&key, "1")]) };
        world.apply(actor, Op::SetAttributes(going)).unwrap();
        world.apply(actor, set_members(member_set(&[&key], &[("seat", "1")]))).unwrap();
    }
    assert!(world.room.left_behind().is_empty(), "both are here");
    world.room = world.replayed();
    let bob = world.enter("bob");
    let left = world.room.left_behind();
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|command| command.actor.account == alice.account), "Bob has come back");
    left.into_iter().for_each(|command| drop(world.apply(&command.actor, command.op).unwrap()));
    assert_eq!(pairs(&attributes(&world, &bob)), owned(&[("bob", "1")]));
    assert!(carried(&world, &bob, "alice").is_empty() && !carried(&world, &bob, "bob").is_empty());
    assert!(world.room.left_behind().is_empty());
}

#[test]
fn a_batch_whose_telling_would_not_fit_into_a_frame_is_refused_as_a_whole() {
    let mut world = World::new();
    let alice = world.enter("alice");
    let value = "v".repeat(limits::ATTRIBUTE_VALUE_BYTES_MAX);
    let keys: Vec<String> = (0..limits::ATTRIBUTES_MAX).map(|number| format!("k{number}")).collect();
    let set: BTreeMap<String, String> = keys.iter().map(|key| (key.clone(), value.clone())).collect();
    // At the end nothing is left, and so the limits on the map do not speak.
    let there_and_back =
        [pb::AttributesOperation { set, delete: Vec::new() }, pb::AttributesOperation { set: BTreeMap::new(), delete: keys }];
    let batch = |times: usize| {
        let operations = (0..times).flat_map(|_| there_and_back.clone()).collect();
        Op::BatchAttributes(pb::AttributesBatchRequest { room_id: 7, operations, ..Default::default() })
    };
    let told = |times: usize| times * 2 * limits::ATTRIBUTES_MAX * limits::ATTRIBUTE_VALUE_BYTES_MAX;
    assert!(told(5) < limits::ATTRIBUTES_TOLD_BYTES_MAX && told(25) > limits::ATTRIBUTES_TOLD_BYTES_MAX);
    world.apply(&alice, batch(5)).expect("so much may be told");
    let refused = world.apply(&alice, batch(25)).unwrap_err();
    assert_eq!((refused.code, refused.sub), (Code::OverQuota, Some(Sub::AttributesTotal)));
}
