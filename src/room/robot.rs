//! Robots: accounts the HTTP API puts into a room, without connections and for a time (chatroom.md §a.8). Presence: none of it is
//! in the log.
//!
//! A call may concern a hundred accounts, and an entry has one push: the call itself only says who comes or goes, and each of
//! them does so by a consequence of its own, with its own 301 or 302.

use super::entry::{Command, Entry, Outcome};
use crate::subject::{Actor, Origin, Stamp};
use std::collections::BTreeSet;

use super::check;
use super::command::{AddRobots, Op, RemoveRobots, Robot};
use super::presence::Profile;
use super::report::Way;
use super::state::Room;
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, UnixMs};
use crate::limits;
use crate::wire::pb::{self, NotificationType};
use crate::wire::{Push, Response};

impl Room {
    /// Who comes, who was here already and who cannot come; robots that were here stay for a full time again.
    ///
    /// The answer lists those who come as members and those who were here as `already_here`. When nobody comes and nobody was
    /// here, the reason of the first is the answer: 13003 or 419.
    pub(super) fn add_robots(&mut self, entry: &Entry, request: &AddRobots) -> Result<Outcome, Status> {
        let (actor, Stamp { time, clock, .. }) = (&entry.command.actor, entry.stamp);
        check_count(request.robots.len())?;
        check::chars("role_ext", &request.ext, limits::EXT_CHARS_MAX)?;
        check::notify_ext(&request.notify_ext)?;
        for (_, profile) in &request.robots {
            check::nick(&profile.nick)?;
            check::chars("avatar", &profile.avatar, limits::AVATAR_CHARS_MAX)?;
        }
        self.check_robots(actor)?;
        let mut outcome = Outcome::reply(Response::MemberList(pb::MemberListResponse::default()));
        let (mut coming, mut here, mut refused) = (Vec::new(), Vec::new(), None);
        let mut places = self.settings.robots_max.saturating_sub(self.people.robots());
        for (account, profile) in &request.robots {
            let name = || account.as_str().to_owned();
            if self.people.person(account).is_some() {
                if self.people.is_robot(account) {
                    let until = self.robot_until(clock);
                    self.people.seat_robot(account, time, until, false);
                }
                here.push(name());
            } else if self.roster.record(account).is_some_and(|record| record.blocklisted) {
                refused.get_or_insert(Status::with_sub(Code::Blocklisted, Sub::MemberBlocklisted));
            } else if places == 0 {
                refused.get_or_insert(Status::new(Code::OverQuota, "the room has as many robots as it may have"));
            } else {
                places -= 1;
                coming.push(pb::Member { account: name(), robot: true, ..Default::default() });
                let robot =
                    Robot { profile: profile.clone(), ext: request.ext.clone(), notify_ext: request.notify_ext.clone() };
                outcome.follow_ups.push(by_itself(account.clone(), Op::SeatRobot(Box::new(robot))));
            }
        }
        if let (true, true, Some(status)) = (coming.is_empty(), here.is_empty(), refused) {
            return Err(status);
        }
        let reply = pb::MemberListResponse { members: coming, already_here: here, ..Default::default() };
        outcome.reply = Response::MemberList(reply);
        Ok(outcome)
    }

    /// Who goes: the answer lists them as members. Accounts that are no robots here are passed over.
    pub(super) fn remove_robots(&mut self, entry: &Entry, request: &RemoveRobots) -> Result<Outcome, Status> {
        if let Some(accounts) = &request.accounts {
            check_count(accounts.len())?;
        }
        self.check_robots(&entry.command.actor)?;
        let going: Vec<AccountId> = match &request.accounts {
            // Named twice in one call, it goes once.
            Some(accounts) => {
                let named: BTreeSet<&AccountId> = accounts.iter().collect();
                named.into_iter().filter(|account| self.people.is_robot(account)).cloned().collect()
            }
            None => self.people.robots_by_end().iter().map(|(_, account)| account.clone()).collect(),
        };
        let member = |account: &AccountId| pb::Member { account: account.as_str().into(), robot: true, ..Default::default() };
        let members = going.iter().map(member).collect();
        let reply = Response::MemberList(pb::MemberListResponse { members, ..Default::default() });
        let op = Op::UnseatRobot { silent: request.silent };
        let follow_ups = going.into_iter().map(|account| by_itself(account, op.clone())).collect();
        Ok(Outcome { follow_ups, ..Outcome::reply(reply) })
    }

    /// A robot takes its place, and the room hears of it as of anybody who enters. Named twice in one call, it comes once.
    pub(super) fn seat_robot(&mut self, entry: &Entry, robot: &Robot) -> Result<Outcome, Status> {
        let (actor, Stamp { time, clock, .. }) = (&entry.command.actor, entry.stamp);
        self.check_robots(actor)?;
        let record = self.roster.record(&actor.account);
        let kept = |kept: Option<&str>, given: &str| kept.filter(|kept| !kept.is_empty()).unwrap_or(given).into();
        let profile = Profile {
            nick: kept(record.map(|record| &*record.nick), &robot.profile.nick),
            avatar: kept(record.map(|record| &*record.avatar), &robot.profile.avatar),
            ext: kept(Some(&robot.ext), record.map_or("", |record| &record.ext)),
        };
        let fixed = record.is_some();
        let mut outcome = Outcome::reply(Response::MemberList(pb::MemberListResponse::default()));
        let until = self.robot_until(clock);
        if self.people.seat_robot(&actor.account, time, until, fixed) {
            self.people.set_profile(&actor.account, profile);
            let enter_time = self.people.person(&actor.account).map_or(time, |person| person.enter_time);
            self.roster.set_enter_time(&actor.account, enter_time);
            self.note_robot(&actor.account, Way::In, &robot.notify_ext, &mut outcome);
            outcome.push = self.in_out_notice(entry, NotificationType::MemberEnter, &robot.notify_ext).map(Push::Notification);
        }
        Ok(outcome)
    }

    /// A robot's stay is over. If it is here with connections as well, it stays as what it is besides.
    pub(super) fn unseat_robot(&mut self, entry: &Entry, silent: bool) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        self.check_robots(actor)?;
        let mut outcome = Outcome::reply(Response::MemberList(pb::MemberListResponse::default()));
        let goes = self.people.person(&actor.account).is_some_and(|person| person.robot && person.connections.is_empty());
        if goes && !silent {
            outcome.push = self.in_out_notice(entry, NotificationType::MemberExit, "").map(Push::Notification);
        }
        if goes {
            self.note_robot(&actor.account, Way::Exit, "", &mut outcome);
        }
        self.people.unseat_robot(&actor.account);
        if goes {
            outcome.follow_ups.extend(self.left_by(&actor.account));
        }
        Ok(outcome)
    }

    /// True if an account is here as nothing but a robot.
    pub fn is_only_robot(&self, account: &AccountId) -> bool {
        self.people.is_robot(account) && !self.is_connected(account)
    }

    /// When the time of the next robot is over.
    pub(super) fn robot_goes_at(&self) -> Option<UnixMs> {
        self.people.robots_by_end().first().map(|(until, _)| *until)
    }

    /// The robot whose time is over next.
    pub(super) fn robot_that_goes(&self) -> Option<AccountId> {
        self.people.robots_by_end().first().map(|(_, account)| account.clone())
    }

    fn robot_until(&self, now: UnixMs) -> UnixMs {
        UnixMs(now.0.saturating_add(self.settings.robot_ttl_ms))
    }

    fn check_robots(&self, actor: &Actor) -> Result<(), Status> {
        self.reach(actor)?;
        match actor.origin {
            Origin::Member => Err(Status::new(Code::Forbidden, "robots come and go over HTTP")),
            Origin::Http | Origin::Server => Ok(()),
        }
    }
}

fn check_count(count: usize) -> Result<(), Status> {
    if (1..=limits::ROBOTS_PER_CALL_MAX).contains(&count) {
        return Ok(());
    }
    Err(Status::bad_parameter(format!("accounts must be 1-{}", limits::ROBOTS_PER_CALL_MAX)))
}

/// What a robot does at the server's word.
fn by_itself(account: AccountId, op: Op) -> Command {
    Command { actor: Actor::server(account), op }
}
