//! The notifications of chatroom.md §g that go by tags: of who comes and goes, of muted tags, of changed tags.

use crate::cast::{CAST, Stage, join_with, login_of, notification};
use crate::support::ask;
use chatroom::wire::pb::{self, NotificationType};
use chatroom::wire::{Push, Request, Response};

/// Who carries what; owner/1 and guest/2 carry nothing.
const TAGS: &[(&str, &[&str])] =
    &[("owner/2", &["red"]), ("chief/1", &["red", "blue"]), ("guest/1", &["blue"]), ("ghost/1", &["green"])];
/// Who carries red.
const RED: [&str; 2] = ["owner/2", "chief/1"];

fn tag_mute(room: i64, tag: &str, seconds: u32, expression: Option<&str>) -> Request {
    Request::MemberTagTempMute(pb::MemberTagTempMuteRequest {
        room_id: room,
        tag: tag.into(),
        seconds,
        silent: false,
        notify_ext: "why".into(),
        notify_target_tags: expression.map(str::to_owned),
    })
}

fn seconds_of(response: Response) -> u32 {
    match response {
        Response::MemberTagTempMute(answer) => answer.seconds,
        other => panic!("a tag mute was answered with {other:?}"),
    }
}

/// The one notification each member has heard, of those who have heard one. What a lift tells of the time left is checked here.
fn heard_by(stage: &mut Stage) -> Vec<(&'static str, pb::Notification)> {
    let heard = stage.heard().into_iter().flat_map(|(name, heard)| heard.into_iter().map(move |push| (name, push)));
    heard.map(|(name, push)| (name, notification(push))).collect()
}

// S000-034
#[test]
fn n321_and_n322_tell_those_who_carry_the_tag() {
    let mut stage = Stage::tagged(false, TAGS);
    let room = stage.room;
    assert_eq!(seconds_of(stage.owner().done(tag_mute(room, "red", 600, None))), 600);
    let heard = heard_by(&mut stage);
    assert_eq!(heard.iter().map(|(name, _)| *name).collect::<Vec<_>>(), RED);
    for (name, notice) in heard {
        let what = (notice.r#type(), &*notice.target_tag, notice.mute_seconds, &*notice.ext, &*notice.operator);
        assert_eq!(what, (NotificationType::TagTempMuteAdd, "red", 600, "why", "owner"), "as {name} hears it");
    }
    let left = seconds_of(stage.owner().done(tag_mute(room, "red", 0, None)));
    assert!((500..=600).contains(&left), "the answer tells the seconds that were left: {left}");
    let heard = heard_by(&mut stage);
    assert_eq!(heard.iter().map(|(name, _)| *name).collect::<Vec<_>>(), RED);
    for (name, notice) in heard {
        let what = (notice.r#type(), &*notice.target_tag, notice.mute_seconds, &*notice.ext);
        assert_eq!(what, (NotificationType::TagTempMuteRemove, "red", left, "why"), "as {name} hears it");
    }
    // A lift of what is not muted is no error and is not told.
    assert_eq!(seconds_of(stage.owner().done(tag_mute(room, "red", 0, None))), 0);
    stage.expect_silence();
}

// S000-034
#[test]
fn n321_and_n322_tell_those_who_are_named_when_somebody_is_named() {
    let mut stage = Stage::tagged(false, TAGS);
    let room = stage.room;
    let expression = "{\"tag\":\"green\"} or {\"tag\":\"b.*\",\"matchType\":\"regex\"}";
    for (seconds, kind) in [(600, NotificationType::TagTempMuteAdd), (0, NotificationType::TagTempMuteRemove)] {
        stage.member("chief/1").done(tag_mute(room, "red", seconds, Some(expression)));
        let heard = heard_by(&mut stage);
        assert_eq!(heard.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["chief/1", "guest/1", "ghost/1"]);
        for (name, notice) in heard {
            let what = (notice.r#type(), &*notice.target_tag, &*notice.operator, &*notice.notify_target_tags);
            assert_eq!(what, (kind, "red", "chief", expression), "as {name} hears it");
        }
    }
}

#[test]
fn a_silent_tag_mute_is_not_told() {
    let mut stage = Stage::tagged(false, TAGS);
    let request = pb::MemberTagTempMuteRequest {
        room_id: stage.room,
        tag: "red".into(),
        seconds: 60,
        silent: true,
        ..Default::default()
    };
    stage.owner().done(Request::MemberTagTempMute(request));
    stage.expect_silence();
    let room = stage.room;
    assert_eq!(stage.member("chief/1").came(ask::send(ask::text(room, "a", "words"))), ask::OK, "administrators are exempt");
}

fn update_tags(room: i64, tags: &[&str], expression: Option<&str>, notify: bool) -> Request {
    Request::MemberUpdateTags(Box::new(pb::MemberUpdateTagsRequest {
        room_id: room,
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        set_tags: true,
        notify_target_tags: expression.map(str::to_owned),
        notify,
        notify_ext: "why".into(),
    }))
}

// S000-019
#[test]
fn n325_tells_everybody_of_new_tags_when_asked_to() {
    let mut stage = Stage::tagged(false, TAGS);
    let room = stage.room;
    stage.member("guest/1").done(update_tags(room, &["violet", "grey"], None, true));
    let heard = heard_by(&mut stage);
    assert_eq!(heard.iter().map(|(name, _)| *name).collect::<Vec<_>>(), CAST);
    for (name, notice) in heard {
        let what = (notice.r#type(), &*notice.operator, &*notice.ext);
        assert_eq!(what, (NotificationType::TagsUpdated, "guest", "why"), "as {name} hears it");
        let updated = notice.tags_updated.expect("it says which tags");
        assert_eq!(updated.tags.iter().collect::<std::collections::BTreeSet<_>>().len(), 2);
        assert!(updated.tags.contains(&"violet".into()) && updated.tags.contains(&"grey".into()), "{updated:?}");
    }
}

// S000-019
#[test]
fn n325_tells_those_the_update_names() {
    let mut stage = Stage::tagged(false, TAGS);
    let room = stage.room;
    stage.member("guest/1").done(update_tags(room, &["violet"], Some("{\"tag\":\"red\"}"), true));
    let heard = heard_by(&mut stage);
    // Those who are named, and in any case the account's own connections (chatroom.md §c.1).
    assert_eq!(heard.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["owner/2", "chief/1", "guest/1", "guest/2"]);
    for (_, notice) in heard {
        let updated = notice.tags_updated.expect("it says which tags");
        assert_eq!((updated.tags, &*updated.notify_target_tags), (vec!["violet".into()], "{\"tag\":\"red\"}"));
    }
}

/// What the room itself says; a connection's own events are not of the room.
fn of_the_room(heard: Vec<Push>) -> Vec<Push> {
    heard.into_iter().filter(|push| matches!(push, Push::Notification(_))).collect()
}

// S000-019, S000-012
#[test]
fn new_tags_are_told_to_the_account_s_own_connections_alone_unless_asked_otherwise() {
    let mut stage = Stage::tagged(false, TAGS);
    let room = stage.room;
    stage.member("guest/1").done(update_tags(room, &["violet"], None, false));
    for (name, heard) in stage.heard() {
        let heard = of_the_room(heard);
        let is_own = name.starts_with("guest/");
        assert!(heard.is_empty() || is_own, "{name} hears {heard:?}");
        assert_eq!(heard.len(), usize::from(is_own), "{name} hears {heard:?}");
    }
    // A change of one device's tags is a change of that device's tags only.
    stage.owner().done(tag_mute(room, "violet", 60, None));
    let heard = heard_by(&mut stage);
    assert_eq!(heard.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["guest/1"]);
}

// S000-007, S000-015
#[test]
fn n301_and_n302_go_by_the_expression_of_who_comes() {
    let mut stage = Stage::tagged(true, TAGS);
    let room = stage.room;
    let cases: [(&[&str], Option<&str>, &[&str]); 4] = [
        // Without an expression, who carries all the tags of the newcomer hears of it.
        (&["red"], None, &RED),
        (&["red", "blue"], None, &["chief/1"]),
        (&["red"], Some("not {tag:\"red\"}"), &["owner/1", "guest/1", "guest/2", "ghost/1"]),
        // An empty expression is everybody.
        (&["red"], Some(""), &CAST),
    ];
    for (number, (tags, expression, receivers)) in cases.into_iter().enumerate() {
        let account = format!("newcomer{number}");
        let mut request = login_of(&account, room);
        if let Some(enter) = &mut request.enter {
            enter.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
            enter.notify_target_tags = expression.map(str::to_owned);
        }
        let mut newcomer = join_with(&stage.server, request);
        let own = notification(newcomer.push());
        assert_eq!((own.r#type(), &*own.operator), (NotificationType::MemberEnter, &*account), "it always hears it itself");
        newcomer.done(ask::exit(room));
        let heard = heard_by(&mut stage);
        for (kind, what) in [(NotificationType::MemberEnter, "enters"), (NotificationType::MemberExit, "leaves")] {
            let told = heard.iter().filter(|(_, notice)| notice.r#type() == kind && notice.operator == account);
            let told: Vec<_> = told.map(|(name, _)| *name).collect();
            assert_eq!(told, receivers, "who hears that somebody {what} with {tags:?} and {expression:?}");
        }
    }
}
