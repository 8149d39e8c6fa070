//! Roles, lists, kicks, temporary mutes and what members show (chatroom.md §c.2).

use chatroom::error::{Code, Sub};
use chatroom::id::ConnId;
use chatroom::room::{Actor, Origin, Presence};
use chatroom::wire::pb::{self, KickReason, NotificationType, RoleChange};
use chatroom::wire::{Push, Response};

use super::profile::kicks;
use super::rules::{self, Change, Class, Next, Right};
use super::shown::member_type;
use super::{Fixed, Model, Profile, Refusal, Verdict, Want, account, chars, chars_opt};

impl Model {
    pub fn connections_of(&self, account: &str) -> Vec<ConnId> {
        self.conns.iter().filter(|conn| conn.account == account).map(|conn| conn.id).collect()
    }

    /// A fixed member's record has changed now; no two have at the same time (rest-api.md §4.15).
    pub fn touch(&mut self, account: &str) {
        let others = self.fixed.iter().filter(|(name, _)| *name != account).map(|(_, fixed)| fixed.update_time + 1);
        let time = others.max().unwrap_or_default().max(self.now);
        if let Some(fixed) = self.fixed.get_mut(account) {
            fixed.update_time = time;
        }
    }

    /// The time at which somebody enters now; no two who are here have entered at the same time.
    pub fn arrive(&mut self) -> i64 {
        let is_empty = self.conns.is_empty() && self.robots.is_empty();
        self.last_enter = if is_empty { self.now } else { self.now.max(self.last_enter + 1) };
        self.last_enter
    }

    /// Takes all connections of an account out.
    fn put_out(&mut self, want: &mut Want, account: &str, reason: KickReason, ext: &str) {
        let all = self.connections_of(account);
        want.kicks = kicks(&all, reason, ext);
        want.presence = all.iter().map(|id| Presence::Left(*id)).collect();
        let mut departed = self.remove(&all);
        if self.robots.remove(account).is_some() {
            self.profiles.remove(account);
            departed = vec![account.to_owned()];
        }
        want.follow_ups = self.consequences(&departed);
    }

    pub fn set_role(&mut self, actor: &Actor, request: &pb::MemberSetRoleRequest) -> Verdict {
        let target = account(&request.account)?;
        let (right, change, kinds) = match request.change() {
            RoleChange::Administrator => (
                Right::SetAdministrator,
                Change::Administrator,
                (NotificationType::AdministratorAdd, NotificationType::AdministratorRemove),
            ),
            RoleChange::Common => {
                (Right::SetCommon, Change::Common, (NotificationType::CommonAdd, NotificationType::CommonRemove))
            }
            RoleChange::Blocklist => {
                (Right::Blocklist, Change::Block, (NotificationType::BlocklistAdd, NotificationType::BlocklistRemove))
            }
            RoleChange::Mute => (Right::Mute, Change::Mute, (NotificationType::MuteAdd, NotificationType::MuteRemove)),
            RoleChange::Unspecified => return Err(Refusal::bad()),
        };
        if !(1..=4).contains(&request.change) {
            return Err(Refusal::bad());
        }
        chars(&request.notify_ext, 2048)?;
        self.check_right(actor, right)?;
        let operator = actor.account.as_str();
        let from = self.class(&target);
        rules::protection(change, request.set, self.class_of(actor), from, target == operator)?;
        let next = rules::transition(from, change, request.set)?;
        let to = match next {
            Next::Becomes(class) => class,
            Next::KickOnly => Class::Anonymous,
        };
        if to != Class::Anonymous
            && to != Class::Visitor
            && !self.fixed.contains_key(&target)
            && self.fixed.len() >= self.settings.fixed_members_max
        {
            return Err(Refusal::sub(Code::OverQuota, Sub::MemberQuota));
        }
        let kind = if request.set { kinds.0 } else { kinds.1 };
        let mut notice = self.notice(kind, operator, &[&target], &request.notify_ext);
        match to {
            Class::Anonymous => {}
            Class::Visitor => {
                self.fixed.remove(&target);
            }
            class => {
                let connected = self.conns.iter().filter(|conn| conn.account == target).map(|conn| conn.entered);
                let entered = connected.chain(self.robots.get(&target).map(|robot| robot.since));
                let entered = entered.max();
                let fixed = self.fixed.entry(target.clone()).or_insert_with(|| Fixed {
                    class,
                    level: None,
                    profile: Profile::default(),
                    enter_time: entered.unwrap_or(0),
                    update_time: 0,
                });
                fixed.class = class;
                // A level is for ordinary members (§c.2); 0 is none.
                fixed.level = match (change, request.set, class) {
                    (Change::Common, true, _) => Some(request.level).filter(|level| *level > 0),
                    (_, _, Class::Limited { .. }) => None,
                    _ => fixed.level,
                };
                self.touch(&target);
            }
        }
        let level = self.fixed.get(&target).and_then(|fixed| fixed.level);
        let shown = match to {
            Class::Visitor if !self.is_here(&target) => pb::MemberType::Unset,
            Class::Visitor => self.shown_type(&target),
            class => member_type(class),
        };
        notice.role_changed = Some(pb::RoleChanged { r#type: shown as i32, level: level.unwrap_or(0) });
        let mut want = Want::durable(Response::MemberKick(pb::Status::default()));
        want.durable = next != Next::KickOnly;
        want.push = Some(Push::Notification(notice));
        want.in_history = want.durable;
        want.receivers = self.everybody();
        if change == Change::Block && request.set {
            self.put_out(&mut want, &target, KickReason::Blocklisted, &request.notify_ext);
        }
        let member = self.member(&target).unwrap_or_else(|| pb::Member {
            account: target.clone(),
            r#type: pb::MemberType::Unset as i32,
            temp_mute_seconds: self.temp_mute_left(&target),
            ..Default::default()
        });
        let reply = pb::MemberSetRoleResponse { member: Some(member), ..Default::default() };
        want.reply = Response::MemberSetRole(Box::new(reply));
        Ok(want)
    }

    pub fn kick(&mut self, actor: &Actor, request: &pb::MemberKickRequest) -> Verdict {
        let target = account(&request.account)?;
        chars(&request.notify_ext, 2048)?;
        self.check_right(actor, Right::Kick)?;
        let operator = actor.account.as_str();
        let class = self.class(&target);
        if target == operator {
            return Err(Refusal::sub(Code::Forbidden, Sub::OperatorIsTarget));
        }
        match class {
            Class::Creator => return Err(Refusal::code(Code::Forbidden)),
            Class::Administrator if self.class_of(actor) != Class::Creator => {
                return Err(Refusal::sub(Code::Forbidden, Sub::OwnerOnly));
            }
            _ => {}
        }
        if !self.is_here(&target) {
            return Err(Refusal::sub(Code::NotFound, Sub::TargetOffline));
        }
        let notice = self.notice(NotificationType::MemberKicked, operator, &[&target], &request.notify_ext);
        let mut want = Want::durable(Response::MemberKick(pb::Status::default()));
        want.push = Some(Push::Notification(notice));
        want.in_history = true;
        want.receivers = self.everybody();
        self.put_out(&mut want, &target, KickReason::ManagerKick, &request.notify_ext);
        Ok(want)
    }

    pub fn temp_mute(&mut self, actor: &Actor, request: &pb::MemberTempMuteRequest) -> Verdict {
        let target = account(&request.account)?;
        chars(&request.notify_ext, 2048)?;
        if request.seconds > 2_592_000 {
            return Err(Refusal::bad());
        }
        self.check_right(actor, Right::TempMute)?;
        let operator = actor.account.as_str();
        let class = self.class(&target);
        if target == operator {
            return Err(Refusal::sub(Code::Forbidden, Sub::OperatorIsTarget));
        }
        match class {
            Class::Creator => return Err(Refusal::code(Code::Forbidden)),
            Class::Administrator if self.class_of(actor) != Class::Creator => {
                return Err(Refusal::sub(Code::Forbidden, Sub::OwnerOnly));
            }
            Class::Anonymous => return Err(Refusal::sub(Code::NotFound, Sub::AnonymousRefused)),
            Class::Limited { .. } => {
                return Err(Refusal::sub(Code::Repeated, Sub::MemberRepeated));
            }
            _ => {}
        }
        let left = self.temp_mute_left(&target);
        let (kind, seconds) = if request.seconds == 0 {
            if left == 0 {
                return Err(Refusal::sub(Code::Repeated, Sub::MemberRepeated));
            }
            self.temp_mutes.remove(&target);
            (NotificationType::TempMuteRemove, left)
        } else {
            self.temp_mutes.insert(target.clone(), self.now + i64::from(request.seconds) * 1000);
            (NotificationType::TempMuteAdd, request.seconds)
        };
        let reply = pb::MemberTempMuteResponse { seconds, ..Default::default() };
        let mut want = Want::durable(Response::MemberTempMute(reply));
        if !request.silent {
            let mut notice = self.notice(kind, operator, &[&target], &request.notify_ext);
            notice.mute_seconds = seconds;
            want.push = Some(Push::Notification(notice));
            want.in_history = true;
            want.receivers = self.everybody();
        }
        Ok(want)
    }

    pub fn update_self(&mut self, actor: &Actor, request: &pb::MemberUpdateSelfRequest) -> Verdict {
        let is_nothing = request.nick.is_none() && request.avatar.is_none() && request.ext.is_none();
        if is_nothing && actor.origin != Origin::Http {
            return Err(Refusal::bad());
        }
        chars_opt(&request.nick, 64)?;
        chars_opt(&request.avatar, 1024)?;
        chars_opt(&request.ext, 4096)?;
        chars(&request.notify_ext, 2048)?;
        self.check_right(actor, Right::UpdateSelf)?;
        let operator = actor.account.as_str().to_owned();
        let change = |profile: &Profile| Profile {
            nick: request.nick.clone().unwrap_or_else(|| profile.nick.clone()),
            avatar: request.avatar.clone().unwrap_or_else(|| profile.avatar.clone()),
            ext: request.ext.clone().unwrap_or_else(|| profile.ext.clone()),
        };
        if !self.is_here(&operator) && !self.fixed.contains_key(&operator) {
            return Err(Refusal::sub(Code::NotFound, Sub::MemberMissing));
        }
        if is_nothing {
            return Err(Refusal::sub(Code::NoChange, Sub::IdenticalFields));
        }
        // §c.0 row 12: what would be written is what stands there.
        let kept = self.fixed.get(&operator).filter(|_| request.save).map(|fixed| &fixed.profile);
        let written: Vec<&Profile> = self.profiles.get(&operator).into_iter().chain(kept).collect();
        if !written.is_empty() && written.iter().all(|profile| change(profile) == **profile) {
            return Err(Refusal::sub(Code::NoChange, Sub::IdenticalFields));
        }
        let mut durable = false;
        if let Some(live) = self.profiles.get_mut(&operator) {
            *live = change(live);
        }
        if request.save
            && let Some(fixed) = self.fixed.get_mut(&operator)
        {
            fixed.profile = change(&fixed.profile);
            self.touch(&operator);
            durable = true;
        }
        let mut want = Want::reply(Response::MemberUpdateSelf(pb::Status::default()));
        if !request.silent {
            let mut notice = self.notice(NotificationType::MemberUpdated, &operator, &[&operator], &request.notify_ext);
            let shown = self.profile(&operator);
            let all = pb::MemberUpdated { nick: Some(shown.nick), avatar: Some(shown.avatar), ext: Some(shown.ext) };
            notice.member_updated = Some(all);
            want.push = Some(Push::Notification(notice));
            want.in_history = true;
            want.receivers = self.everybody();
            durable = true;
        }
        want.durable = durable;
        Ok(want)
    }
}
