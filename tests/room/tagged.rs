//! Short ways to carry tags, to change them, and to ask who carries them. Shared by the tests of tags.

use chatroom::id::ConnId;
use chatroom::room::{Actor, Enter, Op, Outcome, Query};
use chatroom::wire::{Response, pb};

use crate::world::{World, enter, send, text};

pub fn tag(name: &str) -> String {
    format!("{{\"tag\":\"{name}\"}}")
}

pub fn with_tags(tags: &[&str], target: Option<&str>) -> Enter {
    let mut asked = enter("");
    asked.request.tags = tags.iter().map(|tag| tag.to_string()).collect();
    asked.request.notify_target_tags = target.map(str::to_owned);
    asked
}

pub fn enter_tagged(world: &mut World, account: &str, tags: &[&str], target: Option<&str>) -> Actor {
    let actor = world.connection(account);
    world.apply(&actor, Op::Enter(Box::new(with_tags(tags, target)))).expect("it may enter");
    actor
}

pub fn to(target: Option<&str>) -> Op {
    send(pb::MessageSendRequest { notify_target_tags: target.map(str::to_owned), ..text("m", "hello") })
}

pub fn id(actor: &Actor) -> ConnId {
    actor.connection.expect("it has a connection")
}

/// Whom of these an outcome's push is for.
pub fn hearers<'a>(outcome: &Outcome, among: &[(&'a str, &Actor)]) -> Vec<&'a str> {
    among.iter().filter(|(_, actor)| outcome.audience.admits(id(actor))).map(|(name, _)| *name).collect()
}

pub fn update(tags: Option<&[&str]>, target: Option<&str>, notify: bool) -> Op {
    Op::UpdateTags(Box::new(pb::MemberUpdateTagsRequest {
        room_id: 7,
        tags: tags.unwrap_or_default().iter().map(|tag| tag.to_string()).collect(),
        set_tags: tags.is_some(),
        notify_target_tags: target.map(str::to_owned),
        notify,
        notify_ext: "why".into(),
    }))
}

pub fn by_tag(world: &World, asking: &Actor, tag: &str, time_ms: i64, limit: u32) -> (Vec<pb::Member>, bool) {
    let request = pb::MemberListByTagRequest { room_id: 7, tag: tag.into(), time_ms, limit, ..Default::default() };
    match world.query(asking, &Query::MembersByTag(request)) {
        Ok(Response::MemberListByTag(page)) => (page.members, page.has_more),
        other => panic!("a list by tag answers {other:?}"),
    }
}

pub fn count(world: &World, asking: &Actor, tag: &str) -> u64 {
    match world.query(asking, &Query::CountByTag(pb::MemberCountByTagRequest { room_id: 7, tag: tag.into() })) {
        Ok(Response::MemberCountByTag(answer)) => answer.count,
        other => panic!("a count answers {other:?}"),
    }
}

pub fn mute_tag(tag: &str, seconds: u32) -> pb::MemberTagTempMuteRequest {
    pb::MemberTagTempMuteRequest { room_id: 7, tag: tag.into(), seconds, ..Default::default() }
}

pub fn muted_seconds(outcome: &Outcome) -> u32 {
    match &outcome.reply {
        Response::MemberTagTempMute(answer) => answer.seconds,
        other => panic!("a mute answers {other:?}"),
    }
}
