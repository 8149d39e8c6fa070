//! Taking a message back: who may, for how long, and what the others hear (chatroom.md §b, §c.3).

use crate::world::*;
use chatroom::error::{Code, Status, Sub};
use chatroom::id::{Seq, UnixMs};
use chatroom::room::{Actor, Audience, Op, Outcome, Recall};
use chatroom::wire::Response;
use chatroom::wire::pb::{self, MessageRecallRequest, NotificationType, RoleChange};

/// A message in the log.
#[derive(Clone)]
struct Said {
    id: String,
    from: String,
    time_ms: i64,
    seq: u64,
}

fn say(world: &mut World, actor: &Actor, id: &str) -> Said {
    match world.apply(actor, send(text(id, "hello"))).unwrap().reply {
        Response::MessageSend(sent) => {
            Said { id: id.into(), from: actor.account.as_str().into(), time_ms: sent.time_ms, seq: sent.seq }
        }
        other => panic!("a send answers {other:?}"),
    }
}

fn request(said: &Said) -> MessageRecallRequest {
    MessageRecallRequest {
        room_id: 7,
        message_id: said.id.clone(),
        time_ms: said.time_ms,
        from: said.from.clone(),
        notify_ext: String::new(),
    }
}

/// As the log answers for a message that it has.
fn recall(world: &mut World, actor: &Actor, said: &Said) -> Result<Outcome, Status> {
    world.apply(actor, Op::Recall(Box::new(Recall { request: request(said), seq: Some(Seq(said.seq)) })))
}

fn refusal(world: &mut World, actor: &Actor, said: &Said) -> (Code, Option<Sub>) {
    let status = recall(world, actor, said).expect_err("this is refused");
    (status.code, status.sub)
}

/// The room, with an administrator, another one, an ordinary member and a visitor in it, and the creator.
fn people(world: &mut World) -> [Actor; 5] {
    for (account, change) in
        [("admin", RoleChange::Administrator), ("other", RoleChange::Administrator), ("common", RoleChange::Common)]
    {
        world.set_role(&http("boss"), account, change, true).unwrap();
    }
    ["boss", "admin", "other", "common", "visitor"].map(|account| world.enter(account))
}

const NOT_ALLOWED: (Code, Option<Sub>) = (Code::Forbidden, Some(Sub::RecallNotAllowed));
const TOO_LATE: (Code, Option<Sub>) = (Code::Forbidden, Some(Sub::RecallTooLate));
const MISSING: (Code, Option<Sub>) = (Code::NotFound, Some(Sub::MessageMissing));

#[test]
fn everybody_hears_which_message_is_gone() {
    let mut world = World::new();
    let [boss, _, _, common, _] = people(&mut world);
    let said = say(&mut world, &common, "m1");
    world.time_ms += 1000;
    let recall =
        Recall { request: MessageRecallRequest { notify_ext: "off topic".into(), ..request(&said) }, seq: Some(Seq(said.seq)) };
    let outcome = world.apply(&boss, Op::Recall(Box::new(recall))).unwrap();
    assert_eq!(kind(&outcome), NotificationType::MessageRecalled);
    assert_eq!((outcome.audience.clone(), outcome.durable, outcome.in_history), (Audience::All, true, true));
    let notice = notice(&outcome);
    let expected = pb::Recalled { message_id: "m1".into(), message_time_ms: said.time_ms, from: "common".into() };
    assert_eq!(notice.recalled, Some(expected));
    assert_eq!((notice.operator.as_str(), notice.ext.as_str()), ("boss", "off topic"));
    assert_eq!((notice.r#type, notice.seq), (323, said.seq + 1));
}

// S001-053
#[test]
fn ones_own_message_can_be_recalled_for_two_minutes() {
    let mut world = World::new();
    let [_, _, _, common, visitor] = people(&mut world);
    for author in [&common, &visitor] {
        let (first, second) = (say(&mut world, author, "m1"), say(&mut world, author, "m2"));
        world.time_ms += 120_000;
        recall(&mut world, author, &first).unwrap();
        world.time_ms += 1;
        assert_eq!(refusal(&mut world, author, &second), TOO_LATE);
    }
}

#[test]
fn power_knows_no_time_but_not_over_equals() {
    let mut world = World::new();
    let all @ [boss, admin, other, common, visitor] = &people(&mut world);
    let said: Vec<Said> = all.iter().map(|actor| say(&mut world, actor, "m")).collect();
    let [by_boss, by_admin, by_other, by_common, by_visitor] = &said[..] else { panic!("five have spoken") };
    world.time_ms += 600_000;
    for (actor, said) in
        [(admin, by_boss), (admin, by_other), (common, by_visitor), (visitor, by_common), (common, by_boss), (other, by_admin)]
    {
        assert_eq!(refusal(&mut world, actor, said), NOT_ALLOWED, "{} of {}", actor.account, said.from);
    }
    for (actor, said) in [(boss, by_boss), (boss, by_admin), (admin, by_common), (other, by_other), (other, by_visitor)] {
        recall(&mut world, actor, said).unwrap();
    }
}

#[test]
fn what_the_author_is_now_counts_not_what_it_was() {
    let mut world = World::new();
    let [boss, admin, other, common, _] = people(&mut world);
    let (by_other, by_common) = (say(&mut world, &other, "m1"), say(&mut world, &common, "m2"));
    world.set_role(&boss, "other", RoleChange::Administrator, false).unwrap();
    world.set_role(&boss, "common", RoleChange::Administrator, true).unwrap();
    recall(&mut world, &admin, &by_other).unwrap();
    assert_eq!(refusal(&mut world, &admin, &by_common), NOT_ALLOWED);
}

#[test]
fn who_is_muted_still_takes_back_what_is_its_own_and_nothing_else() {
    let mut world = World::new();
    let [boss, admin, _, common, visitor] = people(&mut world);
    let (own, old, foreign) = (say(&mut world, &admin, "m1"), say(&mut world, &admin, "m2"), say(&mut world, &visitor, "m3"));
    let by_common = say(&mut world, &common, "m4");
    for account in ["admin", "common"] {
        world.set_role(&boss, account, RoleChange::Mute, true).unwrap();
    }
    recall(&mut world, &admin, &own).unwrap();
    recall(&mut world, &common, &by_common).unwrap();
    assert_eq!(refusal(&mut world, &admin, &foreign), NOT_ALLOWED, "a muted administrator has no power");
    world.time_ms += 120_001;
    assert_eq!(refusal(&mut world, &admin, &old), TOO_LATE);
}

#[test]
fn a_message_is_recalled_once_and_one_that_never_was_not_at_all() {
    let mut world = World::new();
    let [boss, admin, _, common, _] = people(&mut world);
    let said = say(&mut world, &common, "m1");
    recall(&mut world, &admin, &said).unwrap();
    for actor in [&admin, &boss, &common] {
        // The log that was asked before the first recall reached it still has it.
        assert_eq!(refusal(&mut world, actor, &said), MISSING);
    }
    let gone = Recall { request: request(&said), seq: None };
    let status = world.apply(&boss, Op::Recall(Box::new(gone))).unwrap_err();
    assert_eq!((status.code, status.sub), MISSING);
    let ahead = Said { seq: u64::MAX, ..said };
    assert_eq!(refusal(&mut world, &boss, &ahead), MISSING);
}

// S000-043: the duplicate of an accepted message is answered as before, whatever became of it.
#[test]
fn a_recalled_message_that_is_sent_again_is_answered_as_before_and_stays_gone() {
    let mut world = World::new();
    let [_, _, _, common, _] = people(&mut world);
    let said = say(&mut world, &common, "m1");
    recall(&mut world, &common, &said).unwrap();
    let again = pb::MessageSendRequest { resend: true, ..text("m1", "hello") };
    let outcome = world.apply(&common, send(again)).unwrap();
    let Response::MessageSend(reply) = outcome.reply else { panic!("a send is answered as one") };
    assert_eq!((reply.seq, reply.time_ms, reply.duplicate), (said.seq, said.time_ms, true));
    assert!(outcome.push.is_none());
}

#[test]
fn refusals_come_in_the_order_of_the_checks() {
    let mut world = World::new();
    let [boss, _, _, common, _] = people(&mut world);
    let said = say(&mut world, &common, "m1");
    let outside = world.connection("nobody");
    let code = |world: &World, actor: &Actor, request: &MessageRecallRequest| {
        world.room.may_recall(UnixMs(world.time_ms), actor, request).map_err(|status| (status.code, status.sub))
    };
    let good = request(&said);
    for bad in [
        MessageRecallRequest { message_id: String::new(), ..good.clone() },
        MessageRecallRequest { message_id: "x".repeat(65), ..good.clone() },
        MessageRecallRequest { from: "no account!".into(), ..good.clone() },
        MessageRecallRequest { time_ms: 0, ..good.clone() },
        MessageRecallRequest { notify_ext: "é".repeat(1025), ..good.clone() },
    ] {
        assert_eq!(code(&world, &outside, &bad), Err((Code::BadParameter, None)));
    }
    assert_eq!(code(&world, &outside, &good), Err((Code::Forbidden, Some(Sub::NotInRoom))));
    assert_eq!(code(&world, &boss, &MessageRecallRequest { notify_ext: "é".repeat(1024), ..good.clone() }), Ok(()));
    assert_eq!(code(&world, &boss, &MessageRecallRequest { from: "COMMON".into(), ..good.clone() }), Ok(()));
    world.apply(&boss, Op::Close(pb::RoomCloseRequest::default())).unwrap();
    assert_eq!(code(&world, &common, &good), Err((Code::RoomClosed, Some(Sub::RoomClosed))));
    let nothing = World::nothing(Default::default());
    assert_eq!(code(&nothing, &common, &good), Err((Code::NotFound, Some(Sub::RoomMissing))));
}

#[test]
fn over_http_the_roles_of_the_operator_count() {
    let mut world = World::new();
    let [_, _, _, common, visitor] = people(&mut world);
    let (first, second) = (say(&mut world, &common, "m1"), say(&mut world, &visitor, "m2"));
    assert_eq!(refusal(&mut world, &http("common"), &second), NOT_ALLOWED);
    recall(&mut world, &http("common"), &first).unwrap();
    recall(&mut world, &http("admin"), &second).unwrap();
}
