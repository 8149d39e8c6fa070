//! The room's queue: order, ownership, levels, and elements that go with their owner.

use crate::world::*;
use bytes::Bytes;
use chatroom::error::{Code, Sub};
use chatroom::limits;
use chatroom::room::{Actor, NoticePriority, OnBehalf, Op, Outcome, Query, Settings};
use chatroom::wire::Response;
use chatroom::wire::pb::{self, NotificationType, QueueEvent, QueueOfferRequest, RoleChange};

fn request(key: &str, value: &str) -> QueueOfferRequest {
    QueueOfferRequest { room_id: 7, key: key.into(), value: value.to_owned().into(), ..Default::default() }
}

fn offer(key: &str) -> Op {
    Op::QueueOffer(Box::new(request(key, "v")))
}

fn transient(key: &str) -> Op {
    Op::QueueOffer(Box::new(QueueOfferRequest { transient: true, ..request(key, "v") }))
}

fn poll(key: &str) -> Op {
    Op::QueuePoll(pb::QueuePollRequest { room_id: 7, key: key.into() })
}

fn keys(world: &World, actor: &Actor) -> Vec<String> {
    match world.query(actor, &Query::QueueList(pb::QueueListRequest { room_id: 7, ..Default::default() })) {
        Ok(Response::QueueList(list)) => list.elements.into_iter().map(|element| element.key).collect(),
        other => panic!("a list answers {other:?}"),
    }
}

fn event(outcome: &chatroom::room::Outcome) -> (NotificationType, QueueEvent, Vec<String>) {
    let changed = notice(outcome).queue_changed.as_ref().expect("a change of the queue");
    (kind(outcome), changed.event(), changed.elements.iter().map(|element| element.key.clone()).collect())
}

// S000-044, S000-046
#[test]
fn new_keys_queue_up_and_known_ones_change_in_place() {
    let mut world = World::new();
    let (alice, bob) = (world.enter("alice"), world.enter("bob"));
    for key in ["a", "b", "c"] {
        world.apply(&alice, offer(key)).unwrap();
    }
    let outcome = world.apply(&bob, Op::QueueOffer(Box::new(request("b", "new")))).unwrap();
    assert_eq!(event(&outcome), (NotificationType::QueueChanged, QueueEvent::Offer, vec!["b".into()]));
    assert!(outcome.durable && outcome.in_history);
    assert!(matches!(outcome.reply, Response::QueueOffer(pb::QueueOfferResponse { updated: true, .. })));
    assert_eq!(keys(&world, &alice), ["a", "b", "c"]);
    let Ok(Response::QueueMultiGet(found)) =
        world.query(&alice, &Query::QueueMultiGet(pb::QueueMultiGetRequest { room_id: 7, keys: vec!["b".into(), "x".into()] }))
    else {
        panic!("the elements were not found")
    };
    assert_eq!(found.elements.len(), 1);
    assert_eq!((found.elements[0].owner.as_str(), &found.elements[0].value[..]), ("bob", &b"new"[..]));
}

// S000-045, S000-047
#[test]
fn poll_takes_the_head_or_the_named_one_and_peek_takes_nothing() {
    let mut world = World::new();
    let alice = world.enter("alice");
    let peek = Query::QueuePeek(pb::QueuePeekRequest { room_id: 7 });
    assert_eq!(world.query(&alice, &peek).unwrap_err().code, Code::NotFound);
    assert_eq!(world.code(&alice, poll("")), Code::NotFound);
    for key in ["a", "b", "c"] {
        world.apply(&alice, offer(key)).unwrap();
    }
    let Ok(Response::QueuePeek(head)) = world.query(&alice, &peek) else { panic!("the queue has a head") };
    assert_eq!(head.element.unwrap().key, "a");
    let outcome = world.apply(&alice, poll("b")).unwrap();
    assert_eq!(event(&outcome), (NotificationType::QueueChanged, QueueEvent::Poll, vec!["b".into()]));
    world.apply(&alice, poll("")).unwrap();
    assert_eq!(keys(&world, &alice), ["c"]);
    assert_eq!(world.code(&alice, poll("b")), Code::NotFound);
}

// S000-048
#[test]
fn only_those_with_power_empty_the_queue() {
    let mut world = World::new();
    let (boss, alice) = (world.enter("boss"), world.enter("alice"));
    world.apply(&alice, offer("a")).unwrap();
    assert_eq!(world.code(&alice, Op::QueueDrop(pb::QueueDropRequest::default())), Code::Forbidden);
    let outcome = world.apply(&boss, Op::QueueDrop(pb::QueueDropRequest::default())).unwrap();
    assert_eq!(event(&outcome).1, QueueEvent::Drop);
    let outcome = world.apply(&boss, Op::QueueDrop(pb::QueueDropRequest::default())).unwrap();
    assert!(outcome.push.is_none() && !outcome.durable, "an empty queue cannot be emptied");
}

// S002-042
#[test]
fn at_level_one_only_those_with_power_change_the_queue() {
    let mut world = World::new();
    let (boss, alice, bob) = (world.enter("boss"), world.enter("alice"), world.enter("bob"));
    world.set_role(&boss, "alice", RoleChange::Administrator, true).unwrap();
    let level = pb::RoomUpdateRequest { room_id: 7, queue_level: Some(1), ..Default::default() };
    world.apply(&boss, Op::Update(Box::new(level))).unwrap();
    let status = world.apply(&bob, offer("a")).unwrap_err();
    assert_eq!((status.code, status.sub), (Code::Forbidden, Some(Sub::ManagersOnly)));
    assert_eq!(world.code(&bob, poll("")), Code::Forbidden);
    world.apply(&alice, offer("a")).unwrap();
    assert_eq!(keys(&world, &bob), ["a"], "everybody may look");
}

#[test]
fn offering_for_somebody_else_needs_power_and_a_transient_element_an_owner_who_is_here() {
    let mut world = World::new();
    let (boss, alice) = (world.enter("boss"), world.enter("alice"));
    let for_other = |owner: &str, transient| {
        Op::QueueOffer(Box::new(QueueOfferRequest { owner: owner.into(), transient, ..request("seat", "v") }))
    };
    assert_eq!(world.code(&alice, for_other("boss", false)), Code::Forbidden);
    assert_eq!(world.code(&boss, for_other("alice", true)), Code::Ok);
    assert_eq!(world.code(&boss, for_other("nobody", true)), Code::NotFound);
    assert_eq!(world.code(&http("boss"), for_other("nobody", true)), Code::WrongToken);
    assert_eq!(world.code(&http("stranger"), offer("a")), Code::Forbidden);
}

#[test]
fn transient_elements_go_with_the_last_connection_of_their_owner() {
    let mut world = World::new();
    let (boss, phone, desk) = (world.enter("boss"), world.enter("alice"), world.enter("alice"));
    for op in [transient("seat1"), offer("wish"), transient("seat2")] {
        world.apply(&phone, op).unwrap();
    }
    world.apply(&phone, Op::Exit).unwrap();
    assert!(world.consequences.is_empty(), "the account is still here");
    world.apply(&desk, Op::Exit).unwrap();
    let cleared = (NotificationType::QueueBatchChanged, QueueEvent::PartClear, vec!["seat1".into(), "seat2".into()]);
    assert_eq!(world.consequences.iter().map(event).collect::<Vec<_>>(), [cleared]);
    assert_eq!(keys(&world, &boss), ["wish"]);
    let alice = world.enter("alice");
    world.apply(&alice, transient("seat1")).unwrap();
    let kick = pb::MemberKickRequest { room_id: 7, account: "alice".into(), ..Default::default() };
    world.apply(&boss, Op::Kick(kick)).unwrap();
    assert_eq!(world.consequences.len(), 1, "who is put out loses them too");
    assert_eq!(world.code(&alice, Op::QueueClearOwner), Code::Forbidden);
}

#[test]
fn the_queue_fills_up_to_its_size() {
    let mut world = World::new();
    let (boss, alice) = (world.enter("boss"), world.enter("alice"));
    let init = |size_limit| Op::QueueInit(pb::QueueInitRequest { room_id: 7, size_limit });
    assert_eq!(world.info().queue_size_limit, 1000);
    for key in ["a", "b", "c"] {
        world.apply(&alice, offer(key)).unwrap();
    }
    let outcome = world.apply(&boss, init(Some(2))).unwrap();
    assert!(outcome.push.is_none() && outcome.durable);
    assert_eq!(world.code(&alice, offer("d")), Code::OverQuota);
    assert_eq!(world.code(&alice, offer("a")), Code::Ok, "a known key needs no room");
    assert_eq!(keys(&world, &alice), ["a", "b", "c"]);
    assert_eq!(world.code(&boss, init(Some(1001))), Code::BadParameter);
    assert_eq!(world.code(&alice, init(None)), Code::Forbidden);
    world.apply(&boss, init(None)).unwrap();
    assert_eq!(world.info().queue_size_limit, 50);
}

#[test]
fn keys_and_values_end_at_their_limits() {
    let mut world = World::new();
    let alice = world.enter("alice");
    for (key, value, code) in [
        ("k".repeat(128), "v".repeat(4096), Code::Ok),
        ("k".repeat(129), String::new(), Code::BadParameter),
        (String::new(), String::new(), Code::BadParameter),
        ("k".into(), "v".repeat(4097), Code::BadParameter),
    ] {
        assert_eq!(world.code(&alice, Op::QueueOffer(Box::new(request(&key, &value)))), code);
    }
}

// S000-049
#[test]
fn a_batch_changes_what_is_there_and_names_what_is_not() {
    let mut world = World::new();
    let alice = world.enter("alice");
    let element = |key: &str, value: &str| pb::QueueElement {
        key: key.into(),
        value: Bytes::copy_from_slice(value.as_bytes()),
        ..Default::default()
    };
    let batch =
        pb::QueueBatchOfferRequest { elements: vec![element("a", "1"), element("b", "2")], notify: true, ..Default::default() };
    let outcome = world.apply(&alice, Op::QueueBatchOffer(batch)).unwrap();
    assert_eq!(event(&outcome), (NotificationType::QueueBatchOffered, QueueEvent::BatchOffer, vec!["a".into(), "b".into()]));
    let change = pb::QueueChangeRequest {
        elements: vec![element("b", "3"), element("x", "4")],
        notify: true,
        notify_ext: "why".into(),
        ..Default::default()
    };
    let outcome = world.apply(&alice, Op::QueueChange(change.clone())).unwrap();
    let Response::QueueChange(reply) = &outcome.reply else { panic!("{:?}", outcome.reply) };
    assert_eq!(reply.failed_keys, ["x"]);
    assert_eq!(event(&outcome), (NotificationType::QueueBatchChanged, QueueEvent::BatchUpdate, vec!["b".into()]));
    let silent = pb::QueueChangeRequest { notify: false, ..change.clone() };
    assert!(world.apply(&alice, Op::QueueChange(silent)).unwrap().push.is_none());
    let wordless = pb::QueueChangeRequest { notify_ext: String::new(), ..change };
    assert_eq!(world.code(&alice, Op::QueueChange(wordless)), Code::BadParameter);
    let too_many = pb::QueueChangeRequest { elements: vec![element("a", ""); 101], ..Default::default() };
    assert_eq!(world.code(&alice, Op::QueueChange(too_many)), Code::BadParameter);
}

#[test]
fn a_queue_holds_what_its_limits_promise_and_is_read_in_pages() {
    let mut world = World::new();
    let alice = world.enter("alice");
    let value = "v".repeat(limits::QUEUE_VALUE_BYTES_MAX);
    let offer = |key: u32| {
        Op::QueueOffer(Box::new(pb::QueueOfferRequest { transient: true, ..request(&format!("{key:0128}"), &value) }))
    };
    (0..limits::QUEUE_SIZE_MAX).for_each(|key| drop(world.apply(&alice, offer(key)).unwrap()));
    assert_eq!(world.apply(&alice, offer(u32::MAX)).unwrap_err().code, Code::OverQuota);
    // A value that is there already may be replaced in a full queue.
    world.apply(&alice, offer(7)).unwrap();
    let read = |world: &World, limit: u32| {
        let (mut keys, mut after, mut pages) = (Vec::new(), 0, 0);
        loop {
            let asked = pb::QueueListRequest { room_id: 7, after, limit };
            let answer = world.query(&alice, &Query::QueueList(asked)).unwrap();
            let mut frame = bytes::BytesMut::new();
            answer.encode(1, &mut frame);
            assert!(frame.len() <= limits::FRAME_BYTES_MIN);
            let Response::QueueList(page) = answer else { panic!("{answer:?}") };
            assert!(limit == 0 || page.elements.len() <= limit as usize);
            keys.extend(page.elements.into_iter().map(|element| element.key.trim_start_matches('0').to_owned()));
            (after, pages) = (page.reached, pages + 1);
            if !page.has_more {
                return (keys, pages);
            }
        }
    };
    let all: Vec<String> = (0..limits::QUEUE_SIZE_MAX).map(|key| key.to_string().trim_start_matches('0').into()).collect();
    let (keys, pages) = read(&world, 0);
    assert!(keys == all && pages < 12, "{} keys in {pages} pages", keys.len());
    assert!(read(&world, 7) == (all.clone(), 1000_u32.div_ceil(7)));
    let beyond = Query::QueueList(pb::QueueListRequest { room_id: 7, after: 0, limit: 1001 });
    assert_eq!(world.query(&alice, &beyond).unwrap_err().code, Code::BadParameter);
    // Where a page ended stays a place to go on from, whatever is taken out before it, and after a restart.
    let first = Query::QueueList(pb::QueueListRequest { room_id: 7, after: 0, limit: 10 });
    let Response::QueueList(page) = world.query(&alice, &first).unwrap() else { panic!("no list") };
    for _ in 0..20 {
        world.apply(&alice, poll("")).unwrap();
    }
    let rebuilt = chatroom::room::Room::restore(world.room.id(), Default::default(), &world.room.snapshot()).unwrap();
    assert_eq!(rebuilt.snapshot(), world.room.snapshot());
    let rest = Query::QueueList(pb::QueueListRequest { room_id: 7, after: page.reached, limit: 1 });
    let Response::QueueList(page) = world.query(&alice, &rest).unwrap() else { panic!("no list") };
    assert_eq!(page.elements[0].key.trim_start_matches('0'), "20");
    // All of them go with their owner, and those who are here are told of each.
    let bob = world.enter("bob");
    world.apply(&alice, Op::Exit).unwrap();
    let mut told = Vec::new();
    for outcome in &world.consequences {
        let Some(chatroom::wire::Push::Notification(notice)) = &outcome.push else { continue };
        let Some(changed) = &notice.queue_changed else { continue };
        assert_eq!(changed.event(), QueueEvent::PartClear);
        let mut frame = bytes::BytesMut::new();
        chatroom::wire::Push::Notification(notice.clone()).encode(&mut frame);
        assert!(frame.len() <= limits::FRAME_BYTES_MIN);
        told.extend(changed.elements.iter().map(|element| element.key.trim_start_matches('0').to_owned()));
    }
    assert!(told == all[20..], "{} were told of", told.len());
    let list = Query::QueueList(pb::QueueListRequest { room_id: 7, ..Default::default() });
    let Response::QueueList(page) = world.query(&bob, &list).unwrap() else { panic!("no list") };
    assert_eq!(page, pb::QueueListResponse::default());
    world.assert_lasting();
}

#[test]
fn members_hear_what_a_batch_offered_even_where_the_same_key_fails_later() {
    let mut world = World::new();
    let boss = world.enter("boss");
    let element = |key: &str, value: &[u8]| pb::QueueElement {
        key: key.into(),
        value: Bytes::copy_from_slice(value),
        ..Default::default()
    };
    let elements = vec![element("b", b"1"), element("b", b"\xff"), element("e", b"1")];
    let batch = pb::QueueBatchOfferRequest { room_id: 7, elements, notify: true, ..Default::default() };
    let outcome = world.apply(&boss, Op::QueueBatchOffer(batch)).unwrap();
    let offered = (NotificationType::QueueBatchOffered, QueueEvent::BatchOffer, vec!["b".into(), "e".into()]);
    assert_eq!(event(&outcome), offered);
    assert!(matches!(outcome.reply, Response::QueueBatchOffer(answer) if answer.failed_keys == ["b"]));
}

/// The creator over HTTP, which wants the notification so urgent.
fn urgent(notice: NoticePriority) -> Actor {
    Actor { on_behalf: Some(Box::new(OnBehalf { notice, ..OnBehalf::default() })), ..http("boss") }
}

/// Whether the answer says that the notification is of high priority.
fn is_urgent(outcome: &Outcome) -> bool {
    match &outcome.reply {
        Response::QueueOffer(reply) => reply.high_priority,
        Response::QueueBatchOffer(reply) | Response::QueueChange(reply) => reply.high_priority,
        Response::QueuePoll(reply) => reply.high_priority,
        Response::QueueDrop(reply) => reply.high_priority,
        other => panic!("not about the queue: {other:?}"),
    }
}

/// Every change of the queue, each of which tells the members.
fn changes() -> [Op; 5] {
    let element = pb::QueueElement { key: "k".into(), ..Default::default() };
    let (elements, notify_ext) = (vec![element], "why".to_owned());
    [
        Op::QueueOffer(Box::new(request("k", "v"))),
        Op::QueueBatchOffer(pb::QueueBatchOfferRequest {
            room_id: 7,
            elements: elements.clone(),
            notify: true,
            ..Default::default()
        }),
        Op::QueueChange(pb::QueueChangeRequest { room_id: 7, elements, notify: true, notify_ext }),
        poll("k"),
        Op::QueueDrop(pb::QueueDropRequest::default()),
    ]
}

#[test]
fn a_notification_of_high_priority_counts_among_the_rooms_and_over_the_rate_it_is_ordinary_or_refused() {
    for (number, change) in changes().into_iter().enumerate() {
        let mut world = World::new();
        for key in ["k", "l"] {
            world.apply(&http("boss"), Op::QueueOffer(Box::new(request(key, "v")))).unwrap();
        }
        assert!(!is_urgent(
            &world.apply(&urgent(NoticePriority::Ordinary), Op::QueueOffer(Box::new(request("k", "v")))).unwrap()
        ));
        let outcome = world.apply(&urgent(NoticePriority::HighOrNever), change.clone()).unwrap();
        assert!(is_urgent(&outcome) && outcome.push.is_some(), "{number}");
        world.apply(&http("boss"), Op::QueueOffer(Box::new(request("k", "v")))).unwrap();
        for _ in 0..9 {
            assert!(is_urgent(
                &world.apply(&urgent(NoticePriority::High), Op::QueueOffer(Box::new(request("k", "v")))).unwrap()
            ));
        }
        // The ten of this second are spent, for messages too.
        let before = world.room.snapshot();
        let refused = world.apply(&urgent(NoticePriority::HighOrNever), change.clone()).unwrap_err();
        assert_eq!((refused.code, refused.sub), (Code::TooFrequent, Some(Sub::HighPriorityRate)), "{number}");
        assert_eq!(world.room.snapshot(), before, "what is refused leaves no trace");
        let high = pb::MessageSendRequest { high_priority: true, ..text("m", "x") };
        assert!(!message(&world.apply(&http("boss"), send(high)).unwrap()).high_priority);
        let outcome = world.apply(&urgent(NoticePriority::High), change).unwrap();
        assert!(!is_urgent(&outcome) && outcome.push.is_some(), "{number}");
    }
}

#[test]
fn a_change_that_tells_nobody_needs_no_priority() {
    let settings = Settings { high_priority_per_second: 0, ..Settings::default() };
    let mut world = World::with(settings);
    let boss = urgent(NoticePriority::HighOrNever);
    let [offer, batch, change, poll, drop] = changes();
    assert_eq!(world.code(&boss, offer), Code::TooFrequent);
    assert_eq!(world.code(&boss, poll), Code::NotFound, "what is not there comes before what is too often");
    assert!(!is_urgent(&world.apply(&boss, drop).unwrap()), "the queue is empty");
    let (Op::QueueBatchOffer(batch), Op::QueueChange(change)) = (batch, change) else { panic!("they stand in this order") };
    let batch = pb::QueueBatchOfferRequest { notify: false, ..batch };
    assert!(!is_urgent(&world.apply(&boss, Op::QueueBatchOffer(batch)).unwrap()));
    let change = pb::QueueChangeRequest { notify: false, ..change };
    assert!(!is_urgent(&world.apply(&boss, Op::QueueChange(change)).unwrap()));
}
