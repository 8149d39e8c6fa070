//! Calls about robots (rest-api.md §4.9-§4.11, chatroom.md §a.8).

use std::collections::HashSet;

use serde::Serialize;

use super::Rooms;
use super::answer::{self, Answer};
use super::call::{Call, no_answer};
use crate::account::Known;
use crate::error::{Code, Status};
use crate::id::{AccountId, RoomId};
use crate::limits;
use crate::room::{AddRobots, Op, RemoveRobots, RobotProfile};
use crate::wire::{Response, pb};

/// `/chatroom/addRobot.action`.
pub(super) async fn add<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Added {
        fail_accids: String,
        success_accids: String,
        old_accids: String,
    }
    let (form, room) = (&call.form, call.room()?);
    let accounts = once(form.accounts("accids", limits::ROBOTS_PER_CALL_MAX)?);
    let known = call.accounts(&accounts).await?;
    let robots: Vec<(AccountId, RobotProfile)> =
        accounts.iter().zip(known).filter_map(|(id, known)| robot(id, &known?)).collect();
    let has_strangers = robots.len() < accounts.len();
    let request = AddRobots { robots, ext: form.owned("roleExt"), notify_ext: form.owned("notifyExt") };
    let found = if request.robots.is_empty() {
        call.info(room).await?;
        pb::MemberListResponse::default()
    } else {
        match ask(call, room, Op::AddRobots(Box::new(request))).await {
            // The reason of some is not that of all.
            Err(status) if has_strangers && matches!(status.code, Code::Blocklisted | Code::OverQuota) => Default::default(),
            found => found?,
        }
    };
    let (come, old) = (names(&found), found.already_here.iter().map(String::as_str).collect::<Vec<_>>());
    let failed = accounts.iter().map(AccountId::as_str).filter(|name| !come.contains(name) && !old.contains(name));
    Ok(answer::desc(&Added {
        fail_accids: text(&failed.collect::<Vec<_>>()),
        success_accids: text(&come),
        old_accids: text(&old),
    }))
}

/// `/chatroom/removeRobot.action`.
pub(super) async fn remove<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Removed {
        fail_accids: String,
        success_accids: String,
    }
    let room = call.room()?;
    let accounts = once(call.form.accounts("accids", limits::ROBOTS_PER_CALL_MAX)?);
    let op = Op::RemoveRobots(RemoveRobots { accounts: Some(accounts.clone()), silent: false });
    let found = ask(call, room, op).await?;
    let gone = names(&found);
    let failed: Vec<&str> = accounts.iter().map(AccountId::as_str).filter(|name| !gone.contains(name)).collect();
    Ok(answer::desc(&Removed { fail_accids: text(&failed), success_accids: text(&gone) }))
}

/// `/chatroom/cleanRobot.action`.
pub(super) async fn clean<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Serialize)]
    struct Cleaned {
        size: usize,
    }
    let (room, notify) = (call.room()?, call.form.flag("notify")?.unwrap_or(false));
    let found = ask(call, room, Op::RemoveRobots(RemoveRobots { accounts: None, silent: !notify })).await?;
    Ok(answer::desc(&Cleaned { size: found.members.len() }))
}

async fn ask<R: Rooms>(call: &Call<'_, R>, room: RoomId, op: Op) -> Result<pb::MemberListResponse, Status> {
    match call.command_as_creator(room, op).await? {
        Response::MemberList(found) => Ok(found),
        _ => Err(no_answer()),
    }
}

/// An account that may be a robot, and what it shows.
fn robot(id: &AccountId, account: &Known) -> Option<(AccountId, RobotProfile)> {
    let profile = || RobotProfile { nick: account.nick().to_owned(), avatar: account.avatar().to_owned() };
    (!account.is_blocked()).then(|| (id.clone(), profile()))
}

/// Each account once, in the order given.
fn once(accounts: Vec<AccountId>) -> Vec<AccountId> {
    let mut seen = HashSet::new();
    accounts.into_iter().filter(|account| seen.insert(account.clone())).collect()
}

fn names(found: &pb::MemberListResponse) -> Vec<&str> {
    found.members.iter().map(|member| member.account.as_str()).collect()
}

/// A JSON array as a text: typed clients declare it as one.
fn text(names: &[&str]) -> String {
    serde_json::to_string(names).expect("names are texts")
}
