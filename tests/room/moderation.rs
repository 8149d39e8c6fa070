//! What a moderator lets pass, rewrites and refuses, and where it is asked at all (chatroom.md §e.9).

use std::sync::{Arc, Mutex};

use crate::world::*;
use chatroom::error::{Code, Sub};
use chatroom::room::{Actor, Moderated, Moderator, Op, Query, Settings, SharedModerator, Verdict, WordList};
use chatroom::wire::pb::{self, MessageSendRequest};

fn words() -> SharedModerator {
    SharedModerator::new(WordList::new(&["scam".into()], &["darn".into()]).unwrap())
}

fn world(moderator: SharedModerator) -> World {
    World::with(Settings { sends_per_second: 0, room_intake_per_second: 0, moderator: Some(moderator), ..Settings::default() })
}

/// Lets everything pass and remembers what it was asked.
#[derive(Clone, Default)]
struct Witness(Arc<Mutex<Vec<(Moderated, String)>>>);

impl Moderator for Witness {
    fn text(&self, kind: Moderated, text: &str) -> Verdict {
        self.0.lock().unwrap().push((kind, text.to_owned()));
        Verdict::Pass
    }
}

impl Witness {
    fn asked(&self) -> Vec<(Moderated, String)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn kind_of(kind: i32, attach: &'static str) -> MessageSendRequest {
    MessageSendRequest { r#type: kind, attach: attach.into(), ..text("m", "body") }
}

fn custom(antispam: bool, stand_in: &str) -> MessageSendRequest {
    let moderation = pb::Moderation { antispam, antispam_custom: stand_in.into(), ..Default::default() };
    MessageSendRequest { moderation: Some(moderation), ..kind_of(100, "anything") }
}

fn refusal(world: &mut World, actor: &Actor, op: Op) -> (Code, Option<Sub>) {
    let status = world.apply(actor, op).expect_err("this is refused");
    (status.code, status.sub)
}

const MESSAGE: (Code, Option<Sub>) = (Code::Forbidden, Some(Sub::RoomModerated));
const PROFILE: (Code, Option<Sub>) = (Code::ProfileRefused, Some(Sub::ProfileModerated));

// S002-038
#[test]
fn types_zero_to_three_are_always_judged_and_others_are_not() {
    let witness = Witness::default();
    let mut world = world(SharedModerator::new(witness.clone()));
    let alice = world.enter("alice");
    witness.asked();
    let body = (Moderated::Message, "body".to_owned());
    for kind in 1..=3 {
        world.apply(&alice, send(kind_of(kind, r#"{"name":"n"}"#))).unwrap();
        let mut asked = witness.asked();
        asked.sort_by_key(|(_, text)| text.clone());
        assert_eq!(asked, [body.clone(), (Moderated::Media, r#"{"name":"n"}"#.to_owned())]);
    }
    world.apply(&alice, send(text("m", "body"))).unwrap();
    assert_eq!(witness.asked(), [body]);
    for request in [kind_of(4, r#"{"lng":1,"lat":2}"#), kind_of(6, "{}"), kind_of(10, ""), kind_of(100, "x")] {
        world.apply(&alice, send(request)).unwrap();
    }
    world.apply(&alice, send(custom(false, r#"{"type":1,"data":"said"}"#))).unwrap();
    world.apply(&alice, send(custom(true, ""))).unwrap();
    assert_eq!(witness.asked(), []);
    world.apply(&alice, send(custom(true, r#"{"type":1,"data":"said"}"#))).unwrap();
    world.apply(&alice, send(custom(true, r#"{"type":2,"data":"http://x/y.png"}"#))).unwrap();
    assert_eq!(witness.asked(), [(Moderated::Message, "said".into()), (Moderated::Media, "http://x/y.png".into())]);
}

#[test]
fn what_stands_for_a_custom_message_must_be_well_formed_with_or_without_a_moderator() {
    for mut world in [World::new(), world(words())] {
        let alice = world.enter("alice");
        for bad in ["{", "[]", r#"{"type":0,"data":"x"}"#, r#"{"type":1}"#, r#"{"type":1,"data":{}}"#] {
            assert_eq!(world.code(&alice, send(custom(true, bad))), Code::BadParameter, "{bad}");
            assert_eq!(world.code(&alice, send(custom(false, bad))), Code::Ok, "without antispam it has no effect");
        }
        let over = format!(r#"{{"type":1,"data":"{}"}}"#, "x".repeat(5000));
        assert_eq!(world.code(&alice, send(custom(true, &over))), Code::BadParameter);
        let moderation = pb::Moderation { antispam: true, ..Default::default() };
        let request = MessageSendRequest { moderation: Some(moderation), ..text("m", "body") };
        assert_eq!(world.code(&alice, send(request)), Code::BadParameter, "antispam goes with type 100 only");
    }
}

#[test]
fn a_refused_message_reaches_nobody_and_leaves_no_trace() {
    let mut world = world(words());
    let alice = world.enter("alice");
    let next = world.room.next_seq();
    for request in [
        text("m1", "a Scam!"),
        MessageSendRequest { attach: "scam".into(), ..text("m1", "fine") },
        kind_of(1, r#"{"name":"scam"}"#),
        custom(true, r#"{"type":1,"data":"scam"}"#),
        custom(true, r#"{"type":1,"data":"darn"}"#),
        kind_of(1, r#"{"name":"n"}"#).clone_with_body("scam"),
    ] {
        assert_eq!(world.query(&alice, &Query::MaySend(Box::new(request.clone()))).unwrap_err().code, Code::Forbidden);
        assert_eq!(refusal(&mut world, &alice, send(request)), MESSAGE);
    }
    assert_eq!(world.room.next_seq(), next);
    // Its id is as good as new.
    world.apply(&alice, send(MessageSendRequest { resend: true, ..text("m1", "no offence") })).unwrap();
}

trait WithBody {
    fn clone_with_body(&self, body: &'static str) -> MessageSendRequest;
}

impl WithBody for MessageSendRequest {
    fn clone_with_body(&self, body: &'static str) -> MessageSendRequest {
        MessageSendRequest { body: body.into(), ..self.clone() }
    }
}

#[test]
fn what_is_rewritten_is_what_the_others_hear() {
    let mut world = world(words());
    let alice = world.enter("alice");
    let outcome = world.apply(&alice, send(text("m1", "well, Darn it"))).unwrap();
    assert_eq!(message(&outcome).body, "well, **** it");
    let outcome = world.apply(&alice, send(kind_of(1, r#"{"name":"darn.png"}"#))).unwrap();
    assert_eq!((&message(&outcome).attach[..], &message(&outcome).body[..]), (&br#"{"name":"****.png"}"#[..], &b"body"[..]));
    let outcome = world.apply(&alice, send(kind_of(100, "darn"))).unwrap();
    assert_eq!(message(&outcome).attach, "darn", "a custom message is the application's own affair");
}

#[test]
fn an_attachment_that_would_be_no_object_any_more_is_refused() {
    let list = WordList::new(&[], &[r#""}"#.into()]).unwrap();
    let mut world = world(SharedModerator::new(list));
    let alice = world.enter("alice");
    assert_eq!(refusal(&mut world, &alice, send(kind_of(1, r#"{"name":"n"}"#))), MESSAGE);
}

#[test]
fn use_yidun_zero_means_the_word_list_and_other_numbers_nothing() {
    let mut world = world(words());
    let alice = world.enter("alice");
    let with = |number, body| {
        let moderation = pb::Moderation { use_yidun: Some(number), ..Default::default() };
        send(MessageSendRequest { moderation: Some(moderation), ..text("m", body) })
    };
    assert_eq!(refusal(&mut world, &alice, with(0, "scam")), MESSAGE);
    assert_eq!(world.code(&alice, with(0, "fine")), Code::Ok);
    assert_eq!(world.code(&alice, with(1, "fine")), Code::BadParameter);
}

#[test]
fn a_muted_sender_is_told_that_and_not_what_the_moderator_thinks() {
    let mut world = world(words());
    let alice = world.enter("alice");
    world.set_role(&http("boss"), "alice", pb::RoleChange::Mute, true).unwrap();
    assert_eq!(world.code(&alice, send(text("m", "scam"))), Code::Muted);
}

#[test]
fn nick_avatar_and_ext_are_judged_on_entering_and_on_every_change() {
    let mut world = world(words());
    for change in [
        |request: &mut pb::RoomEnterRequest| request.nick = "Scam King".into(),
        |request: &mut pb::RoomEnterRequest| request.avatar = "http://scam".into(),
        |request: &mut pb::RoomEnterRequest| request.ext = "scam".into(),
        // Nothing of a profile is rewritten.
        |request: &mut pb::RoomEnterRequest| request.nick = "darn".into(),
    ] {
        let mut bad = enter("Al");
        change(&mut bad.request);
        let alice = world.connection("alice");
        assert_eq!(refusal(&mut world, &alice, Op::Enter(Box::new(bad))), PROFILE);
        assert_eq!(world.room.online_count(), 0);
    }
    let alice = world.enter("alice");
    for field in 0..3 {
        let text = |own| (own == field).then(|| "a scam".to_owned());
        let request = pb::MemberUpdateSelfRequest { nick: text(0), avatar: text(1), ext: text(2), ..Default::default() };
        assert_eq!(refusal(&mut world, &alice, Op::UpdateSelf(Box::new(request))), PROFILE);
    }
    let request = pb::MemberUpdateSelfRequest { nick: Some("Alice".into()), ..Default::default() };
    world.apply(&alice, Op::UpdateSelf(Box::new(request))).unwrap();
}

#[test]
fn a_rooms_texts_are_judged_when_it_is_made_and_when_they_change() {
    let mut world = world(words());
    let boss = world.enter("boss");
    for field in 0..4 {
        let text = |own| (own == field).then(|| "a scam".to_owned());
        let (name, announcement, broadcast_url, ext) = (text(0), text(1), text(2), text(3));
        let request = pb::RoomUpdateRequest { name, announcement, broadcast_url, ext, ..Default::default() };
        assert_eq!(refusal(&mut world, &boss, Op::Update(Box::new(request))), MESSAGE);
    }
    assert_eq!(world.info().name, "hall");
    let request = pb::RoomUpdateRequest { name: Some("parlour".into()), ..Default::default() };
    world.apply(&boss, Op::Update(Box::new(request))).unwrap();
    let mut nothing = World::nothing(Settings { moderator: Some(words()), ..Settings::default() });
    let bad = chatroom::room::Create { announcement: Some("scam".into()), ..create() };
    assert_eq!(refusal(&mut nothing, &http("boss"), Op::Create(Box::new(bad))), MESSAGE);
    assert!(!nothing.room.exists());
}

#[test]
fn without_a_moderator_anything_may_be_said() {
    let mut world = World::new();
    let alice = world.enter("alice");
    let outcome = world.apply(&alice, send(text("m", "scam, darn"))).unwrap();
    assert_eq!(message(&outcome).body, "scam, darn");
}
