//! Robots (chatroom.md §a.8): accounts that HTTP puts into a room for a day.

use chatroom::error::{Code, Sub};
use chatroom::room::command::{AddRobots, RemoveRobots, Robot as Seat};
use chatroom::room::{Actor, Origin};
use chatroom::wire::pb::{self, NotificationType};
use chatroom::wire::{Push, Response};

use super::rules::Class;
use super::{Model, Profile, Refusal, Verdict, Want, chars};

/// A robot in its place.
#[derive(Clone, PartialEq, Debug)]
pub struct Robot {
    pub since: i64,
    pub until: i64,
}

impl Model {
    pub fn add_robots(&mut self, actor: &Actor, request: &AddRobots) -> Verdict {
        if request.robots.is_empty() || request.robots.len() > 100 {
            return Err(Refusal::bad());
        }
        chars(&request.ext, 4096)?;
        chars(&request.notify_ext, 2048)?;
        self.check_open()?;
        if actor.origin != Origin::Http {
            return Err(Refusal::code(Code::Forbidden));
        }
        let (mut added, mut old) = (Vec::new(), Vec::new());
        // Why nobody came is told by the first of them.
        let mut reason = None;
        let (mut follow_ups, mut renewed) = (Vec::new(), Vec::new());
        for (account, _) in &request.robots {
            let name = account.as_str().to_owned();
            if matches!(self.class(&name), Class::Limited { blocked: true, .. }) {
                reason.get_or_insert(Refusal::sub(Code::Blocklisted, Sub::MemberBlocklisted));
            } else if self.robots.contains_key(&name) {
                renewed.push(name.clone());
                old.push(name);
            } else if self.is_here(&name) {
                old.push(name);
            } else if self.robots.len() + added.len() < self.settings.robots_max {
                follow_ups.push((name.clone(), "SeatRobot"));
                added.push(name);
            } else {
                reason.get_or_insert(Refusal::code(Code::OverQuota));
            }
        }
        if added.is_empty() && old.is_empty() {
            return Err(reason.unwrap_or(Refusal::bad()));
        }
        follow_ups.sort();
        for name in renewed {
            let until = self.now + self.settings.robot_ttl_ms;
            self.robots.entry(name).and_modify(|robot| robot.until = until);
        }
        let member = |name: &String| pb::Member { account: name.clone(), robot: true, ..Default::default() };
        let members = added.iter().map(member).collect();
        let reply = pb::MemberListResponse { members, already_here: old, ..Default::default() };
        Ok(Want { follow_ups, ..Want::reply(Response::MemberList(reply)) })
    }

    pub fn remove_robots(&mut self, actor: &Actor, request: &RemoveRobots) -> Verdict {
        if request.accounts.as_ref().is_some_and(|all| all.is_empty() || all.len() > 100) {
            return Err(Refusal::bad());
        }
        self.check_open()?;
        if actor.origin != Origin::Http {
            return Err(Refusal::code(Code::Forbidden));
        }
        let is_meant = |name: &&String| match &request.accounts {
            Some(all) => all.iter().any(|account| account.as_str() == name.as_str()),
            None => true,
        };
        let gone: Vec<String> = self.robots.keys().filter(is_meant).cloned().collect();
        let follow_ups = gone.iter().map(|name| (name.clone(), "UnseatRobot")).collect();
        let member = |name: &String| pb::Member { account: name.clone(), robot: true, ..Default::default() };
        let members = gone.iter().map(member).collect();
        let reply = pb::MemberListResponse { members, ..Default::default() };
        Ok(Want { follow_ups, ..Want::reply(Response::MemberList(reply)) })
    }

    pub fn seat_robot(&mut self, actor: &Actor, seat: &Seat) -> Verdict {
        self.check_open()?;
        if actor.origin != Origin::Server {
            return Err(Refusal::code(Code::Forbidden));
        }
        let name = actor.account.as_str().to_owned();
        let was_here = self.is_here(&name);
        let known = self.robots.get(&name).map(|robot| robot.since);
        let since = known.unwrap_or_else(|| if was_here { self.now } else { self.arrive() });
        let until = self.now + self.settings.robot_ttl_ms;
        self.robots.insert(name.clone(), Robot { since, until });
        let mut want = Want::reply(Response::MemberList(pb::MemberListResponse::default()));
        if was_here {
            return Ok(want);
        }
        let saved = self.fixed.get(&name).map(|fixed| fixed.profile.clone()).unwrap_or_default();
        let first = |texts: [&String; 2]| texts.into_iter().find(|text| !text.is_empty()).cloned().unwrap_or_default();
        let profile = Profile {
            nick: first([&saved.nick, &seat.profile.nick]),
            avatar: first([&saved.avatar, &seat.profile.avatar]),
            ext: first([&seat.ext, &saved.ext]),
        };
        self.profiles.insert(name.clone(), profile);
        if let Some(fixed) = self.fixed.get_mut(&name) {
            fixed.enter_time = since;
        }
        if self.in_out {
            let mut notice = self.notice(NotificationType::MemberEnter, &name, &[&name], &seat.notify_ext);
            notice.entered = Some(self.entered(&name, actor.client_type));
            want.push = Some(Push::Notification(notice));
            want.receivers = self.everybody();
        }
        Ok(want)
    }

    pub fn unseat_robot(&mut self, actor: &Actor, silent: bool) -> Verdict {
        self.check_open()?;
        if actor.origin != Origin::Server {
            return Err(Refusal::code(Code::Forbidden));
        }
        let name = actor.account.as_str().to_owned();
        let mut want = Want::reply(Response::MemberList(pb::MemberListResponse::default()));
        if !self.robots.contains_key(&name) {
            return Ok(want);
        }
        let mut notice = self.notice(NotificationType::MemberExit, &name, &[&name], "");
        notice.entered = Some(self.entered(&name, actor.client_type));
        self.robots.remove(&name);
        if self.is_here(&name) {
            return Ok(want);
        }
        self.profiles.remove(&name);
        want.follow_ups = self.consequences(&[name]);
        if self.in_out && !silent {
            want.push = Some(Push::Notification(notice));
            want.receivers = self.everybody();
        }
        Ok(want)
    }

    /// The robot whose time is over, the one that was to go first.
    pub fn robot_over(&self) -> Option<String> {
        let over = self.robots.iter().filter(|(_, robot)| robot.until <= self.now);
        over.min_by_key(|(name, robot)| (robot.until, (*name).clone())).map(|(name, _)| name.clone())
    }
}
