//! Rooms made by clients: begun by who comes first, flat while they last, gone with who leaves last (chatroom.md §c.6). And who is
//! put out of a room for a reason outside it.

use crate::world::{World, create, http, kind, left, message, send, text};
use chatroom::error::{Code, Status, Sub};
use chatroom::id::{AccountId, RoomId, UnixMs};
use chatroom::limits;
use chatroom::room::{Actor, Audience, Enter, Op, Open, Origin, Outcome, Query, Room, Settings};
use chatroom::wire::Response;
use chatroom::wire::pb::{self, KickReason, MessageType, NotificationType};

fn world() -> World {
    World::of_client(Settings { sends_per_second: 0, room_intake_per_second: 0, ..Settings::default() })
}

fn wishes() -> pb::RoomCreateRequest {
    pb::RoomCreateRequest { alias: "lobby".into(), ..Default::default() }
}

fn with(request: pb::RoomCreateRequest) -> Open {
    let enter = Enter { app_key: "app".into(), ..Enter::from_request(pb::RoomEnterRequest::default()) };
    Open { request, enter, must_exist: false }
}

fn open(request: pb::RoomCreateRequest) -> Op {
    Op::Open(Box::new(with(request)))
}

fn entering(name: &str) -> pb::RoomCreateRequest {
    pb::RoomCreateRequest { name: name.into(), enter_existing: true, ..wishes() }
}

fn join() -> Op {
    let request = pb::RoomEnterRequest { alias: "lobby".into(), ..Default::default() };
    Op::Enter(Box::new(Enter { app_key: "app".into(), ..Enter::from_request(request) }))
}

fn entered(outcome: &Outcome) -> &pb::RoomEnterResponse {
    match &outcome.reply {
        Response::RoomEnter(entered) => entered,
        other => panic!("who enters is answered with {other:?}"),
    }
}

fn refusal(result: Result<Outcome, Status>) -> (Code, Option<Sub>) {
    let status = result.expect_err("it is to be refused");
    (status.code, status.sub)
}

const MISSING: (Code, Option<Sub>) = (Code::NotFound, Some(Sub::ClientRoomMissing));
const EXISTS: (Code, Option<Sub>) = (Code::Repeated, Some(Sub::RoomExists));
const FULL: (Code, Option<Sub>) = (Code::OverQuota, Some(Sub::JoinedRoomsQuota));

/// A room that alice has made, and her connection in it.
fn lobby() -> (World, Actor) {
    let mut world = world();
    let alice = world.connection("alice");
    world.apply(&alice, open(wishes())).expect("the name is free");
    (world, alice)
}

#[test]
fn who_makes_a_room_is_in_it_and_nobody_else_makes_it_again() {
    // S004-136
    let mut world = world();
    let alice = world.connection("alice");
    let attributes = [("mode".to_owned(), "quiz".to_owned())].into();
    let outcome =
        world.apply(&alice, open(pb::RoomCreateRequest { name: "The Lobby".into(), attributes, ..wishes() })).unwrap();
    assert!(outcome.durable, "the room is on the disk before it is acknowledged");
    assert_eq!(kind(&outcome), NotificationType::MemberEnter);
    let reply = entered(&outcome);
    let room = reply.room.as_ref().unwrap();
    assert!(reply.created && room.valid);
    assert_eq!((room.name.as_str(), room.alias.as_str(), room.creator.as_str()), ("The Lobby", "lobby", "alice"));
    assert_eq!((room.online_count, reply.attributes.len()), (1, 1));
    assert_eq!((reply.attributes[0].owner.as_str(), reply.attributes[0].delete_after_owner_left), ("alice", false));
    let bob = world.connection("bob");
    assert_eq!(refusal(world.apply(&bob, open(wishes()))), EXISTS);
    assert_eq!(refusal(world.apply(&alice, open(wishes()))), EXISTS);
    world.assert_lasting();
}

#[test]
fn entering_makes_the_room_if_it_is_missing_and_joins_it_otherwise() {
    // S004-137
    let mut world = world();
    let (alice, bob) = (world.connection("alice"), world.connection("bob"));
    let outcome = world.apply(&alice, open(entering(""))).unwrap();
    assert!(entered(&outcome).created);
    assert_eq!(entered(&outcome).room.as_ref().unwrap().name, "lobby", "a room without a name goes by its alias");
    let attributes = [("late".to_owned(), "1".to_owned())].into();
    let outcome = world.apply(&bob, open(pb::RoomCreateRequest { attributes, ..entering("Other") })).unwrap();
    let reply = entered(&outcome);
    assert!(!reply.created && !outcome.durable && reply.attributes.is_empty(), "the wishes of who comes later do not count");
    assert_eq!(reply.room.as_ref().unwrap().name, "lobby");
    assert_eq!(kind(&outcome), NotificationType::MemberEnter);
    let again = world.apply(&bob, open(entering(""))).unwrap();
    assert!(again.push.is_none() && again.presence.is_empty(), "who is in already is in, and nobody hears of it");
    assert_eq!(entered(&again).room.as_ref().unwrap().online_count, 2);
    world.assert_lasting();
}

#[test]
fn name_and_configuration_of_a_room_are_those_of_its_maker_whatever_later_ones_ask_for() {
    // S004-156
    let mut world = world();
    let alice = world.connection("alice");
    let config = |name: &str, destroy_delay_seconds, key: &str| {
        let attributes = [(key.to_owned(), name.to_owned())].into();
        open(pb::RoomCreateRequest { destroy_delay_seconds, attributes, ..entering(name) })
    };
    assert!(entered(&world.apply(&alice, config("Quiz", 60, "mode")).unwrap()).created);
    for (late, name) in [("bob", "Other"), ("carol", "")] {
        let late = world.connection(late);
        let outcome = world.apply(&late, config(name, 3_600, "late")).unwrap();
        let reply = entered(&outcome);
        assert_eq!((reply.created, &*reply.room.as_ref().unwrap().name), (false, "Quiz"));
        let attributes: Vec<_> = reply.attributes.iter().map(|attribute| (&*attribute.key, &*attribute.value)).collect();
        assert_eq!(attributes, [("mode", "Quiz")]);
        assert!(!outcome.durable, "nothing of the room has changed");
        world.apply(&late, Op::Exit).unwrap();
    }
    world.apply(&alice, Op::Exit).unwrap();
    assert_eq!(world.room.deadline(), Some(UnixMs(world.time_ms + 60_000)), "the delay of who made it");
    world.assert_lasting();
}

#[test]
fn joining_wants_a_room_that_is_there() {
    // S004-139
    let mut world = world();
    let (alice, bob) = (world.connection("alice"), world.connection("bob"));
    assert_eq!(refusal(world.apply(&bob, join())), MISSING);
    let attributes = [("mode".to_owned(), "quiz".to_owned())].into();
    world.apply(&alice, open(pb::RoomCreateRequest { attributes, ..wishes() })).unwrap();
    let outcome = world.apply(&bob, join()).unwrap();
    assert_eq!((kind(&outcome), entered(&outcome).attributes.len()), (NotificationType::MemberEnter, 1));
    assert_eq!(refusal(world.apply(&bob, join())), (Code::Repeated, Some(Sub::AlreadyInRoom)));
    // A number that another name or another application shares is not this room.
    let carol = world.connection("carol");
    let Op::Enter(mut other) = join() else { unreachable!() };
    other.request.alias = "cellar".into();
    assert_eq!(refusal(world.apply(&carol, Op::Enter(other))), MISSING);
    let Op::Enter(mut other) = join() else { unreachable!() };
    other.app_key = "elsewhere".into();
    assert_eq!(refusal(world.apply(&carol, Op::Enter(other))), MISSING);
    let mut elsewhere = with(entering(""));
    elsewhere.enter.app_key = "elsewhere".into();
    assert_eq!(refusal(world.apply(&carol, Op::Open(Box::new(elsewhere)))), EXISTS);
    // Nobody is in a room by another name, not even who is in the one that has its number.
    let other = pb::RoomCreateRequest { alias: "cellar".into(), ..entering("") };
    assert_eq!(refusal(world.apply(&bob, open(other.clone()))), EXISTS);
    let must = Op::Open(Box::new(Open { must_exist: true, ..with(other) }));
    assert_eq!(refusal(world.apply(&bob, must.clone())), MISSING, "it is only to be entered, and it is not there");
    assert_eq!(refusal(world.apply(&carol, must)), MISSING);
    // With `must_exist`, as when switching, nothing is made.
    let mut nothing = self::world();
    let dave = nothing.connection("dave");
    let must = Op::Open(Box::new(Open { must_exist: true, ..with(entering("")) }));
    assert_eq!(refusal(nothing.apply(&dave, must.clone())), MISSING);
    assert_eq!(world.code(&carol, must), Code::Ok);
}

#[test]
fn what_a_room_is_made_with_ends_at_its_limits() {
    // S004-136
    let code = |request: pb::RoomCreateRequest| {
        let mut world = world();
        let alice = world.connection("alice");
        world.apply(&alice, open(request)).map_or_else(|status| (status.code, status.sub), |_| (Code::Ok, None))
    };
    const BAD: (Code, Option<Sub>) = (Code::BadParameter, Some(Sub::Parameter));
    const OK: (Code, Option<Sub>) = (Code::Ok, None);
    let alias = |alias: &str| code(pb::RoomCreateRequest { alias: alias.into(), ..wishes() });
    assert_eq!(alias(&"a".repeat(limits::ALIAS_BYTES_MAX)), OK);
    assert_eq!(alias(&"a".repeat(limits::ALIAS_BYTES_MAX + 1)), BAD);
    assert_eq!(alias("~!@#$%^&*()_+=-`;',.<>/\\"), OK);
    assert_eq!((alias(""), alias("a b"), alias("ä"), alias("a\"b"), alias("{a}")), (BAD, BAD, BAD, BAD, BAD));
    assert_eq!(code(pb::RoomCreateRequest { name: "é".repeat(32), ..wishes() }), OK, "64 bytes");
    assert_eq!(code(pb::RoomCreateRequest { name: "n".repeat(65), ..wishes() }), BAD);
    let delay = |seconds| code(pb::RoomCreateRequest { destroy_delay_seconds: seconds, ..wishes() });
    assert_eq!((delay(3600), delay(3601)), (OK, BAD));
    let attributes = |attributes| code(pb::RoomCreateRequest { attributes, ..wishes() });
    let many = |count: usize| (0..count).map(|number| (format!("k{number}"), "v".to_owned())).collect();
    assert_eq!(attributes(many(20)), OK);
    assert_eq!(attributes(many(21)), (Code::OverQuota, Some(Sub::AttributesCount)));
    let one = |key: usize, value: usize| [("k".repeat(key), "v".repeat(value))].into();
    assert_eq!(attributes(one(17, 1)), (Code::BadParameter, Some(Sub::AttributeKey)));
    assert_eq!(attributes(one(16, 1025)), (Code::BadParameter, Some(Sub::AttributeValue)));
    let long = (0..6).map(|number| (format!("k{number}"), "v".repeat(900))).collect();
    assert_eq!(attributes(long), (Code::OverQuota, Some(Sub::AttributesTotal)));
    // A room over HTTP is not one of these.
    let mut hall = World::new();
    let alice = hall.connection("alice");
    assert_eq!(hall.code(&alice, open(wishes())), Code::BadParameter);
}

#[test]
fn the_quota_of_an_account_stands_where_the_operations_have_it() {
    // S004-136, S004-154
    let over = |open: Open| Op::Open(Box::new(Open { enter: Enter { over_quota: true, ..open.enter.clone() }, ..open }));
    let (mut world, alice) = lobby();
    let bob = world.connection("bob");
    assert_eq!(refusal(world.apply(&bob, over(with(wishes())))), FULL, "before the room is found to be there");
    assert_eq!(refusal(world.apply(&bob, over(with(entering(""))))), FULL);
    let Op::Enter(mut enter) = join() else { unreachable!() };
    enter.over_quota = true;
    assert_eq!(refusal(world.apply(&bob, Op::Enter(enter.clone()))), FULL);
    let second = world.connection("alice");
    assert_eq!(world.code(&second, Op::Enter(enter.clone())), Code::Ok, "a room she is in counts already");
    assert_eq!(refusal(world.apply(&alice, Op::Enter(enter.clone()))), (Code::Repeated, Some(Sub::AlreadyInRoom)));
    let mut nothing = self::world();
    let carol = nothing.connection("carol");
    assert_eq!(refusal(nothing.apply(&carol, over(with(wishes())))), FULL);
    assert_eq!(refusal(nothing.apply(&carol, Op::Enter(enter))), MISSING, "what is missing is missing first");
    let bad = pb::RoomCreateRequest { alias: "a b".into(), ..wishes() };
    assert_eq!(refusal(nothing.apply(&carol, over(with(bad)))), (Code::BadParameter, Some(Sub::Parameter)));
}

#[test]
fn everybody_is_equal_and_anonymous_visitors_only_watch() {
    let (mut world, alice) = lobby();
    let bob = world.connection("bob");
    world.apply(&bob, join()).unwrap();
    assert_eq!(world.code(&bob, send(text("m", "hello"))), Code::Ok);
    let set = |key: &str| {
        Op::SetAttributes(pb::AttributesSetRequest { attributes: [(key.into(), "1".into())].into(), ..Default::default() })
    };
    assert_eq!(world.code(&bob, set("a")), Code::Ok);
    let member = match world
        .query(&bob, &Query::Lookup(pb::MemberLookupRequest { accounts: vec!["alice".into()], ..Default::default() }))
    {
        Ok(Response::MemberLookup(found)) => found.members[0].clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(member.r#type(), pb::MemberType::Visitor, "whoever makes a room has no power by it");
    // Commands of management are not known here, whoever gives them.
    let unknown = [
        Op::Create(Box::new(create())),
        Op::Update(Box::new(pb::RoomUpdateRequest { name: Some("x".into()), ..Default::default() })),
        Op::Close(Default::default()),
        Op::Reopen,
        Op::MuteRoom(pb::RoomMuteRequest { mute: true, ..Default::default() }),
        Op::SetRole(crate::world::role("bob", pb::RoleChange::Administrator, true)),
        Op::Kick(pb::MemberKickRequest { account: "bob".into(), ..Default::default() }),
        Op::TempMute(pb::MemberTempMuteRequest { account: "bob".into(), seconds: 1, ..Default::default() }),
        Op::TagTempMute(Default::default()),
        Op::QueueInit(Default::default()),
        Op::QueueOffer(Box::new(pb::QueueOfferRequest { key: "k".into(), ..Default::default() })),
        Op::QueueBatchOffer(Default::default()),
        Op::QueuePoll(Default::default()),
        Op::QueueChange(Default::default()),
        Op::QueueDrop(Default::default()),
    ];
    for op in unknown {
        assert_eq!(world.code(&alice, op.clone()), Code::NotFound, "{op:?}");
        assert_eq!(world.code(&http("alice"), op.clone()), Code::NotFound, "{op:?}");
    }
    assert_eq!(world.query(&alice, &Query::QueueList(Default::default())).unwrap_err().code, Code::NotFound);
    // S004-158
    let recall = Op::Recall(Box::new(chatroom::room::Recall { request: Default::default(), seq: None }));
    assert_eq!(refusal(world.apply(&alice, recall)), (Code::Unavailable, Some(Sub::NotForClientRooms)));
    let anonymous = Actor { anonymous: true, ..world.connection("anon_1") };
    let Op::Enter(mut enter) = join() else { unreachable!() };
    enter.request.nick = "Ann".into();
    world.apply(&anonymous, Op::Enter(enter)).unwrap();
    assert_eq!(world.code(&anonymous, send(text("n", "hello"))), Code::Forbidden);
    assert_eq!(world.code(&anonymous, set("b")), Code::Forbidden);
    let mut nothing = self::world();
    let anonymous = Actor { anonymous: true, ..nothing.connection("anon_2") };
    let mut first = with(entering(""));
    first.enter.request.nick = "Ann".into();
    assert_eq!(refusal(nothing.apply(&anonymous, Op::Open(Box::new(first)))), (Code::Forbidden, Some(Sub::AnonymousRefused)));
}

#[test]
fn barrage_is_for_these_rooms_only_and_is_neither_kept_nor_counted() {
    let mut world = World::of_client(Settings { sends_per_second: 1, sends_burst: 1, ..Settings::default() });
    let (alice, bob) = (world.connection("alice"), world.connection("bob"));
    world.apply(&alice, open(wishes())).unwrap();
    world.apply(&bob, join()).unwrap();
    let entries = world.log.len();
    let barrage = || pb::MessageSendRequest { r#type: MessageType::Barrage as i32, ..text("b", "wow") };
    for _ in 0..100 {
        let outcome = world.apply(&alice, send(barrage())).unwrap();
        assert_eq!(message(&outcome).r#type, MessageType::Barrage as i32);
        assert!(!outcome.durable && !outcome.in_history);
        assert_eq!(outcome.audience, Audience::AllBut(alice.connection.unwrap()));
    }
    assert_eq!(world.log.len(), entries);
    assert_eq!(world.code(&alice, send(text("m", "hello"))), Code::Ok);
    assert_eq!(world.code(&alice, send(text("n", "hello"))), Code::TooFrequent, "other messages have their rate");
    assert_eq!(world.code(&alice, send(pb::MessageSendRequest { body: Default::default(), ..barrage() })), Code::BadParameter);
    let mut hall = World::new();
    let alice = hall.enter("alice");
    assert_eq!(hall.code(&alice, send(barrage())), Code::BadParameter);
}

#[test]
fn everybody_may_wish_for_high_priority_up_to_the_rate_of_the_room() {
    let (mut world, alice) = lobby();
    let bob = world.connection("bob");
    world.apply(&bob, join()).unwrap();
    let urgent = |id: usize| pb::MessageSendRequest { high_priority: true, ..text(&format!("m{id}"), "look") };
    for number in 0..limits::HIGH_PRIORITY_PER_SECOND {
        let by = if number % 2 == 0 { &alice } else { &bob };
        let outcome = world.apply(by, send(urgent(number))).unwrap();
        assert!(message(&outcome).high_priority && message(&outcome).resend_on_enter, "number {number}");
    }
    let outcome = world.apply(&alice, send(urgent(99))).unwrap();
    assert!(!message(&outcome).high_priority, "over the rate it is an ordinary one, whoever made the room");
    let carol = world.connection("carol");
    let outcome = world.apply(&carol, join()).unwrap();
    assert_eq!(outcome.resent.len(), limits::HIGH_PRIORITY_PER_SECOND, "who comes later hears them once more");
    // In a room made over HTTP a visitor's wish does not count.
    let mut hall = World::new();
    let dave = hall.enter("dave");
    let outcome = hall.apply(&dave, send(urgent(0))).unwrap();
    assert!(!message(&outcome).high_priority);
}

#[test]
fn the_history_is_off_unless_the_application_wants_it() {
    // S004-157, S004-070
    for wanted in [false, true] {
        let mut world = World::of_client(Settings { client_rooms_have_history: wanted, ..Settings::default() });
        let alice = world.connection("alice");
        world.apply(&alice, open(wishes())).unwrap();
        let outcome = world.apply(&alice, send(text("m", "hello"))).unwrap();
        assert!(outcome.durable, "an acknowledged message is not lost");
        assert_eq!(outcome.in_history, wanted);
        let set = pb::AttributesSetRequest { attributes: [("a".into(), "1".into())].into(), ..Default::default() };
        assert_eq!(world.apply(&alice, Op::SetAttributes(set)).unwrap().in_history, wanted);
    }
}

#[test]
fn the_last_to_leave_ends_the_room_with_everything_in_it() {
    // S004-140, S004-153, S004-161
    let (mut world, alice) = lobby();
    let bob = world.connection("bob");
    world.apply(&bob, join()).unwrap();
    let attributes = || [("a".to_owned(), "1".to_owned())].into();
    let going = pb::AttributesSetRequest { attributes: attributes(), delete_after_owner_left: true, ..Default::default() };
    world.apply(&bob, Op::SetAttributes(going)).unwrap();
    let staying = pb::MemberAttributesSetRequest {
        accounts: vec!["bob".into()],
        attributes: attributes(),
        delete_after_owner_left: Some(false),
        ..Default::default()
    };
    world.apply(&bob, Op::SetMemberAttributes(Box::new(staying))).unwrap();
    world.apply(&bob, send(text("m", "hello"))).unwrap();
    let outside = world.connection("carol");
    assert_eq!(refusal(world.apply(&outside, Op::Exit)), (Code::Forbidden, Some(Sub::NotInRoom)));
    let outcome = world.apply(&alice, Op::Exit).unwrap();
    let Response::RoomExit(reply) = &outcome.reply else { panic!("{:?}", outcome.reply) };
    assert_eq!((reply.room_id, reply.alias.as_str()), (world.room.id().get(), "lobby"));
    assert!(world.consequences.is_empty() && world.room.exists());
    let outcome = world.apply(&bob, Op::Exit).unwrap();
    assert_eq!(outcome.departed, std::slice::from_ref(&bob.account));
    let [end] = &world.consequences[..] else { panic!("the end of the room and nothing else: {:?}", world.consequences) };
    assert!(end.durable && end.push.is_none(), "nobody is there to hear of it");
    assert!(!world.room.exists());
    assert_eq!(refusal(world.apply(&bob, Op::Exit)), MISSING);
    assert_eq!(refusal(world.apply(&bob, join())), MISSING);
    assert_eq!(refusal(world.apply(&bob, send(text("m", "x")))), MISSING);
    world.assert_lasting();
    // The next life under that name knows nothing of this one, but its numbers go on.
    let before = world.room.next_seq();
    let outcome = world.apply(&bob, open(wishes())).unwrap();
    let reply = entered(&outcome);
    assert!(reply.attributes.is_empty() && reply.created);
    assert_eq!(reply.room.as_ref().unwrap().creator, "bob");
    assert_eq!(reply.last_seq.checked_add(1), Some(before.0));
    let again = world.apply(&bob, send(pb::MessageSendRequest { resend: true, ..text("m", "hello") })).unwrap();
    assert!(again.push.is_some(), "ids of another life are free");
    world.assert_lasting();
}

#[test]
fn a_room_with_a_delay_waits_for_somebody_to_come_back() {
    // S004-140, S004-153
    let mut world = world();
    let alice = world.connection("alice");
    let attributes = [("a".to_owned(), "1".to_owned())].into();
    world.apply(&alice, open(pb::RoomCreateRequest { destroy_delay_seconds: 60, attributes, ..wishes() })).unwrap();
    assert_eq!(world.room.deadline(), None);
    world.apply(&alice, Op::Exit).unwrap();
    assert!(world.consequences.is_empty() && world.room.exists());
    let deadline = UnixMs(world.time_ms + 60_000);
    assert_eq!(world.room.deadline(), Some(deadline));
    assert_eq!(world.room.due(UnixMs(deadline.0 - 1)), None);
    world.time_ms += 59_000;
    let outcome = world.apply(&alice, join()).unwrap();
    assert_eq!((world.room.deadline(), entered(&outcome).attributes.len()), (None, 1));
    world.apply(&alice, Op::Exit).unwrap();
    let deadline = UnixMs(world.time_ms + 60_000);
    let end = world.room.due(deadline).expect("the time has come");
    assert_eq!(world.room.due(UnixMs(deadline.0 - 1)), None, "the time starts anew with each last leave");
    world.time_ms = deadline.0;
    assert_eq!(world.code(&Actor { origin: Origin::Member, ..end.actor.clone() }, end.op.clone()), Code::Forbidden);
    world.apply(&end.actor, end.op).unwrap();
    assert!(!world.room.exists());
    world.assert_lasting();
}

#[test]
fn a_room_in_which_somebody_is_does_not_end() {
    let (mut world, alice) = lobby();
    assert_eq!(world.code(&Actor::server(alice.account), Op::Destroy), Code::Forbidden);
    let mut hall = World::new();
    assert_eq!(hall.code(&Actor::server(AccountId::parse("boss").unwrap()), Op::Destroy), Code::Forbidden);
    // One that was rebuilt from the log has lost everybody; it ends unless somebody comes back in time.
    let mut rebuilt = Room::restore(world.room.id(), world.settings.clone(), &world.room.snapshot()).unwrap();
    assert_eq!(rebuilt.deadline(), Some(rebuilt.last_time()), "nobody is in it");
    rebuilt.vacated(UnixMs(world.time_ms + 10_000));
    assert_eq!(rebuilt.deadline(), Some(UnixMs(world.time_ms + 10_000)));
}

#[test]
fn the_lists_of_a_big_room_show_the_first_five_hundred() {
    // S004-142
    let (mut world, alice) = lobby();
    for number in 0..519 {
        world.time_ms += 1;
        let guest = world.connection(&format!("guest{number}"));
        world.apply(&guest, join()).unwrap();
    }
    for query in [pb::MemberQuery::VisitorsOldest, pb::MemberQuery::VisitorsNewest] {
        let (mut found, mut time_ms) = (Vec::new(), 0);
        loop {
            let request = pb::MemberListRequest { query: query as i32, time_ms, ..Default::default() };
            let Ok(Response::MemberList(page)) = world.query(&alice, &Query::Members(request)) else { panic!("no page") };
            time_ms = page.members.last().expect("a page holds somebody").enter_time_ms;
            found.extend(page.members.into_iter().map(|member| member.account));
            if !page.has_more {
                break;
            }
        }
        assert_eq!(found.len(), 500);
        assert!(found.contains(&"alice".into()) && found.contains(&"guest498".into()) && !found.contains(&"guest499".into()));
    }
    // S004-143
    let lookup = |count: usize| {
        let accounts = (0..count).map(|number| format!("guest{number}")).collect();
        Query::Lookup(pb::MemberLookupRequest { accounts, ..Default::default() })
    };
    assert!(matches!(world.query(&alice, &lookup(10)), Ok(Response::MemberLookup(found)) if found.members.len() == 10));
    for count in [11, 21] {
        let refused = world.query(&alice, &lookup(count)).unwrap_err();
        assert_eq!((refused.code, refused.sub), (Code::BadParameter, Some(Sub::TooManyUsers)), "{count} accounts");
    }
    // S004-144
    let Ok(Response::RoomInfo(info)) = world.query(&alice, &Query::Info(Default::default())) else { panic!("no info") };
    assert_eq!(info.room.unwrap().online_count, 520);
    let outside = world.connection("outside");
    let refused = world.query(&outside, &Query::Info(Default::default())).unwrap_err();
    assert_eq!((refused.code, refused.sub), (Code::Forbidden, Some(Sub::NotInRoom)));
}

#[test]
fn who_has_entered_too_many_rooms_leaves_the_first_without_coming_back() {
    let mut world = World::new();
    let (alice, second, bob) = (world.enter("alice"), world.enter("alice"), world.enter("bob"));
    assert_eq!(world.code(&alice, Op::Expel), Code::Forbidden, "only the server says so");
    let outcome = world.apply(&Actor::server(alice.account.clone()), Op::Expel).unwrap();
    assert_eq!(kind(&outcome), NotificationType::MemberExit);
    assert!(!outcome.durable && outcome.departed == [alice.account.clone()]);
    assert_eq!(left(&outcome), [alice.connection.unwrap(), second.connection.unwrap()]);
    assert!(!outcome.audience.admits(alice.connection.unwrap()) && outcome.audience.admits(bob.connection.unwrap()));
    for kick in &outcome.kicks {
        assert_eq!((kick.kicked.reason(), kick.kicked.may_reconnect), (KickReason::Silent, false));
    }
    assert_eq!(world.code(&Actor::server(alice.account), Op::Expel), Code::NotFound);
}

#[test]
fn an_account_puts_its_other_devices_out() {
    // S003-015
    let mut world = World::new();
    let bob = world.enter("bob");
    let on = |world: &mut World, device: &str| {
        let actor = world.connection("alice");
        let enter = Enter { device_id: device.into(), ..crate::world::enter("") };
        world.apply(&actor, Op::Enter(Box::new(enter))).unwrap();
        actor
    };
    let kick = |devices: &[&str]| {
        Op::KickDevices(pb::KickDevicesRequest { device_ids: devices.iter().map(|device| device.to_string()).collect() })
    };
    let (phone, desk, pad) = (on(&mut world, "phone"), on(&mut world, "desk"), on(&mut world, "pad"));
    let outcome = world.apply(&phone, kick(&["desk", "phone", "fridge"])).unwrap();
    assert_eq!(left(&outcome), [desk.connection.unwrap()], "the connection that asks stays, even if it is named");
    assert_eq!(outcome.kicks[0].kicked.reason(), KickReason::SamePlatform);
    assert!(outcome.push.is_none() && outcome.departed.is_empty(), "the account has not left");
    let desk = on(&mut world, "desk");
    let outcome = world.apply(&phone, kick(&[])).unwrap();
    assert_eq!(left(&outcome), [pad.connection.unwrap(), desk.connection.unwrap()], "without names all others go");
    // From a connection that is elsewhere, the account leaves the room.
    let outside = world.connection("alice");
    let outcome = world.apply(&outside, kick(&[])).unwrap();
    assert_eq!((left(&outcome), kind(&outcome)), (vec![phone.connection.unwrap()], NotificationType::MemberExit));
    assert_eq!(outcome.departed, std::slice::from_ref(&phone.account));
    assert!(outcome.audience.admits(bob.connection.unwrap()) && !outcome.audience.admits(phone.connection.unwrap()));
    let outcome = world.apply(&outside, kick(&[])).unwrap();
    assert!(outcome.push.is_none() && outcome.presence.is_empty());
    let names: Vec<String> = (0..=limits::KICK_DEVICES_MAX).map(|number| number.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(world.code(&bob, kick(&names[..limits::KICK_DEVICES_MAX])), Code::Ok);
    assert_eq!(world.code(&bob, kick(&names)), Code::BadParameter);
    assert_eq!(world.code(&bob, kick(&[""])), Code::BadParameter);
}

#[test]
fn numbers_of_client_rooms_and_of_others_never_meet() {
    assert!(RoomId::of_client(0).is_of_client() && RoomId::of_client(u64::MAX).is_of_client());
    assert!(!RoomId::new(i64::MAX >> 2).unwrap().is_of_client());
}
