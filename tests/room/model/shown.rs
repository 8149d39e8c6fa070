//! Who somebody is, what the room shows of it, and the first rows of chatroom.md §c.0.

use std::collections::BTreeSet;

use chatroom::error::{Code, Sub};
use chatroom::id::ConnId;
use chatroom::room::{Actor, Origin};
use chatroom::wire::pb::{self, MemberType, NotificationType};

use super::rules::{self, Class, Right};
use super::{Conn, EPOCH, Model, Profile, Refusal};

impl Model {
    /// Rows 4 and 5 of §c.0.
    pub fn check_open(&self) -> Result<(), Refusal> {
        if !self.exists {
            return Err(self.missing());
        }
        if !self.open {
            return Err(Refusal::sub(Code::RoomClosed, Sub::RoomClosed));
        }
        Ok(())
    }

    /// Rows 4 to 6 of §c.0. HTTP needs nobody in the room (§b, note 5).
    pub fn check_here(&self, actor: &Actor) -> Result<(), Refusal> {
        self.check_open()?;
        if actor.origin != Origin::Http && self.conn_of(actor).is_none() {
            return Err(Refusal::sub(Code::Forbidden, Sub::NotInRoom));
        }
        Ok(())
    }

    /// Row 8 of §c.0.
    pub fn check_not_blocked(&self, actor: &Actor) -> Result<(), Refusal> {
        match self.class_of(actor) {
            Class::Limited { blocked: true, .. } => Err(Refusal::sub(Code::Blocklisted, Sub::MemberBlocklisted)),
            _ => Ok(()),
        }
    }

    /// Rows 4 to 9 of §c.0.
    pub fn check_right(&self, actor: &Actor, right: Right) -> Result<(), Refusal> {
        self.check_here(actor)?;
        self.check_not_blocked(actor)?;
        rules::permitted(right, self.class_of(actor))
    }

    pub fn class_of(&self, actor: &Actor) -> Class {
        match self.fixed.get(actor.account.as_str()) {
            Some(fixed) => fixed.class,
            None if actor.anonymous => Class::Anonymous,
            None => Class::Visitor,
        }
    }

    /// §a.4: a robot without a role is shown as one.
    pub fn shown_type(&self, account: &str) -> MemberType {
        match self.class(account) {
            Class::Visitor if self.robots.contains_key(account) => MemberType::Virtual,
            class => member_type(class),
        }
    }

    /// What the account is, seen from the room.
    pub fn class(&self, account: &str) -> Class {
        match self.fixed.get(account) {
            Some(fixed) => fixed.class,
            None if self.conns.iter().any(|conn| conn.account == account && conn.anonymous) => Class::Anonymous,
            None => Class::Visitor,
        }
    }

    pub fn conn_of(&self, actor: &Actor) -> Option<&Conn> {
        self.conns.iter().find(|conn| Some(conn.id) == actor.connection && conn.account == actor.account.as_str())
    }

    pub fn is_here(&self, account: &str) -> bool {
        self.robots.contains_key(account) || self.conns.iter().any(|conn| conn.account == account)
    }

    pub fn online(&self) -> u64 {
        let connected = self.conns.iter().map(|conn| conn.account.as_str());
        connected.chain(self.robots.keys().map(String::as_str)).collect::<BTreeSet<_>>().len() as u64
    }

    pub fn temp_mute_left(&self, account: &str) -> u32 {
        self.temp_mutes.get(account).map_or(0, |until| seconds_left(*until, self.now))
    }

    pub fn profile(&self, account: &str) -> Profile {
        if let Some(profile) = self.profiles.get(account) {
            return profile.clone();
        }
        self.fixed.get(account).map(|fixed| fixed.profile.clone()).unwrap_or_default()
    }

    /// Every connection that is here.
    pub fn everybody(&self) -> BTreeSet<ConnId> {
        self.conns.iter().map(|conn| conn.id).collect()
    }

    pub fn notice(&self, kind: NotificationType, operator: &str, targets: &[&str], ext: &str) -> Box<pb::Notification> {
        Box::new(pb::Notification {
            room_id: self.id(),
            seq: self.seq + 1,
            time_ms: self.now,
            epoch: EPOCH,
            r#type: kind as i32,
            operator: operator.into(),
            operator_nick: self.profile(operator).nick,
            targets: targets.iter().map(|target| target.to_string()).collect(),
            target_nicks: targets.iter().map(|target| self.profile(target).nick).collect(),
            ext: ext.into(),
            ..Default::default()
        })
    }

    /// §a.4: the record of an account, if it has any relation to the room.
    pub fn member(&self, account: &str) -> Option<pb::Member> {
        let fixed = self.fixed.get(account);
        let here: Vec<&Conn> = self.conns.iter().filter(|conn| conn.account == account).collect();
        let robot = self.robots.get(account);
        if fixed.is_none() && here.is_empty() && robot.is_none() {
            return None;
        }
        let profile = self.profile(account);
        let class = self.class(account);
        let (blocked, muted) = match class {
            Class::Limited { blocked, muted } => (blocked, muted),
            _ => (false, false),
        };
        let earliest = here.iter().map(|conn| conn.entered).chain(robot.map(|robot| robot.since)).min();
        Some(pb::Member {
            account: account.into(),
            r#type: self.shown_type(account) as i32,
            level: fixed.and_then(|fixed| fixed.level),
            nick: profile.nick.clone(),
            avatar: profile.avatar.clone(),
            ext: profile.ext,
            online: !here.is_empty() || robot.is_some(),
            enter_time_ms: earliest.or(fixed.map(|fixed| fixed.enter_time)).unwrap_or(0),
            update_time_ms: fixed.map_or(0, |fixed| fixed.update_time),
            blocklisted: blocked,
            muted,
            temp_mute_seconds: self.temp_mute_left(account),
            robot: robot.is_some(),
            robot_expire_seconds: robot.map_or(0, |robot| seconds_left(robot.until, self.now)),
            tags: Vec::new(),
            notify_target_tags: String::new(),
            connections: here
                .iter()
                .map(|conn| pb::OnlineConnection {
                    nick: profile.nick.clone(),
                    avatar: profile.avatar.clone(),
                    enter_time_ms: conn.entered,
                    client_type: conn.client_type,
                    connection_id: conn.id.to_string(),
                })
                .collect(),
        })
    }

    /// §a.3.
    pub fn info(&self) -> pb::RoomInfo {
        pb::RoomInfo {
            room_id: self.id(),
            creator: self.creator.clone(),
            name: self.name.clone(),
            announcement: self.announcement.clone(),
            broadcast_url: self.broadcast_url.clone(),
            ext: self.ext.clone(),
            queue_level: self.queue_level,
            valid: self.open,
            muted: self.muted,
            in_out_notification: self.in_out,
            online_count: self.online(),
            create_time_ms: self.created,
            update_time_ms: self.updated,
            delay_close: self.delay,
            queue_size_limit: self.queue_size,
            moderation_id: self.moderation_id.clone(),
            alias: self.alias.clone(),
            destroy_delay_seconds: self.destroy_delay,
        }
    }

    /// Takes connections out; gives the accounts that are gone with them.
    pub fn remove(&mut self, gone: &[ConnId]) -> Vec<String> {
        let mut accounts: Vec<String> = Vec::new();
        let before = self.conns.clone();
        self.conns.retain(|conn| !gone.contains(&conn.id));
        for conn in before.iter().filter(|conn| gone.contains(&conn.id)) {
            if self.is_here(&conn.account) || accounts.contains(&conn.account) {
                continue;
            }
            self.profiles.remove(&conn.account);
            accounts.push(conn.account.clone());
        }
        accounts
    }

    /// What has to follow when the last connection of each account is gone.
    pub fn consequences(&self, departed: &[String]) -> Vec<(String, &'static str)> {
        // §c.6: of what goes with the room itself nothing is told.
        if !departed.is_empty() && self.of_client && self.conns.is_empty() && self.destroy_delay == 0 {
            return vec![(self.creator.clone(), "Destroy")];
        }
        let mut all = Vec::new();
        for account in departed {
            if self.queue.iter().any(|element| element.transient && element.owner == *account) {
                all.push((account.clone(), "QueueClearOwner"));
            }
        }
        for account in departed {
            if self.attributes.values().any(|attribute| attribute.transient && attribute.owner == *account) {
                all.push((account.clone(), "ClearOwnerAttributes"));
            }
            let own = self.member_attributes.get(account);
            if own.is_some_and(|own| own.values().any(|attribute| attribute.transient)) {
                all.push((account.clone(), "ClearMemberAttributes"));
            }
        }
        all.sort();
        all
    }
}

pub fn member_type(class: Class) -> MemberType {
    match class {
        Class::Creator => MemberType::Creator,
        Class::Administrator => MemberType::Administrator,
        Class::Common => MemberType::Common,
        Class::Visitor => MemberType::Visitor,
        Class::Anonymous => MemberType::Anonymous,
        Class::Limited { .. } => MemberType::Limited,
    }
}

/// Whole seconds until a moment, rounded up; 0 if it is past.
pub fn seconds_left(until: i64, now: i64) -> u32 {
    if until <= now { 0 } else { u32::try_from((until - now + 999) / 1000).unwrap_or(u32::MAX) }
}
