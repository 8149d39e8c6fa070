//! What members with power do to others: roles, lists, mutes, kicks (chatroom.md §b.1, §c.2).

use super::check;
use super::entry::{Entry, Farewell, Outcome};
use super::mutes::seconds_left;
use super::permissions::{Action, Class, Operation, check_target};
use super::presence::Person;
use super::role::{Standpoint, transition};
use super::state::Room;
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, UnixMs};
use crate::limits;
use crate::subject::Actor;
use crate::wire::Response;
use crate::wire::pb::{self, KickReason, NotificationType, RoleChange};

impl Room {
    pub(super) fn set_role(&mut self, entry: &Entry, request: &pb::MemberSetRoleRequest) -> Result<Outcome, Status> {
        let (actor, time) = (&entry.command.actor, entry.stamp.clock);
        let (action, operation, kind) = what_change(request)?;
        let target = check::account("account", &request.account)?;
        check::notify_ext(&request.notify_ext)?;
        self.reach(actor)?;
        let (_, class) = self.permit(actor, operation, time)?;
        self.check_known(actor, &target)?;
        let is_kept = !self.check_target(action, class, &actor.account, &target)?;
        let before = Standpoint::of(self.roster.record(&target));
        let was_fixed = self.roster.record(&target).is_some();
        let after = transition(before, action)?;
        if is_kept && self.roster.record(&target).is_none() && self.roster.len() >= self.settings.fixed_members_max {
            return Err(Status::with_sub(Code::OverQuota, Sub::MemberQuota));
        }
        // Read before the record goes, with which an absent member's name would go.
        let mut notice = self.notice_about(entry, kind, &target, &request.notify_ext);
        if is_kept {
            self.settle_role(&target, after, request, entry.stamp.time);
            if let Some(people) = self.people.present() {
                people.set_fixed(&target, after != Standpoint::Visitor);
            }
            if !was_fixed && let Some(enter_time) = self.people.person(&target).map(Person::last_enter_time) {
                self.roster.set_enter_time(&target, enter_time);
            }
        }
        let member = self.member(&target, time);
        notice.role_changed = Some(pb::RoleChanged { r#type: member.r#type, level: member.level.unwrap_or_default() });
        let mut outcome = Outcome::notified(Response::MemberSetRole(Box::default()), Some(notice));
        // Of an anonymous visitor nothing is kept, so the log must not hold that it was put on a list.
        (outcome.durable, outcome.in_history) = (is_kept, is_kept);
        if action == Action::Block {
            let farewell =
                Farewell { reason: KickReason::Blocklisted, message: "put on the room's blocklist", ext: &request.notify_ext };
            self.expel(&target, &farewell, time, &mut outcome);
        }
        let member = self.member(&target, time);
        outcome.reply =
            Response::MemberSetRole(Box::new(pb::MemberSetRoleResponse { member: Some(member), ..Default::default() }));
        Ok(outcome)
    }

    fn settle_role(&mut self, target: &AccountId, after: Standpoint, request: &pb::MemberSetRoleRequest, time: UnixMs) {
        let before = self.roster.record(target).and_then(|record| record.level);
        let level = match after {
            Standpoint::Common if request.set => (request.level > 0).then_some(request.level),
            Standpoint::Common | Standpoint::Administrator | Standpoint::Creator => before,
            _ => None,
        };
        self.roster.set_standpoint(target, after, level, time);
    }

    pub(super) fn note_set_role(&mut self, entry: &Entry, request: &pb::MemberSetRoleRequest) {
        let (Ok((action, ..)), Ok(target)) = (what_change(request), AccountId::parse(&request.account)) else { return };
        if let Ok(after) = transition(Standpoint::of(self.roster.record(&target)), action) {
            self.settle_role(&target, after, request, entry.stamp.time);
        }
    }

    pub(super) fn kick(&mut self, entry: &Entry, request: &pb::MemberKickRequest) -> Result<Outcome, Status> {
        let (actor, time) = (&entry.command.actor, entry.stamp.clock);
        let target = check::account("account", &request.account)?;
        check::notify_ext(&request.notify_ext)?;
        self.reach(actor)?;
        let (_, class) = self.permit(actor, Operation::Kick, time)?;
        self.check_target(Action::Kick, class, &actor.account, &target)?;
        if self.people.person(&target).is_none() {
            return Err(Status::with_sub(Code::NotFound, Sub::TargetOffline));
        }
        let notice = self.notice_about(entry, NotificationType::MemberKicked, &target, &request.notify_ext);
        let mut outcome = Outcome::notified(Response::MemberKick(pb::Status::default()), Some(notice));
        let farewell = Farewell { reason: KickReason::ManagerKick, message: "put out of the room", ext: &request.notify_ext };
        self.expel(&target, &farewell, time, &mut outcome);
        Ok(outcome)
    }

    /// A kick takes connections out, and changes nothing that lasts.
    pub(super) fn note_kick(&mut self, _: &Entry, _: &pb::MemberKickRequest) {}

    pub(super) fn temp_mute(&mut self, entry: &Entry, request: &pb::MemberTempMuteRequest) -> Result<Outcome, Status> {
        let (actor, time) = (&entry.command.actor, entry.stamp.clock);
        let target = check::account("account", &request.account)?;
        if request.seconds > limits::TEMP_MUTE_SECONDS_MAX {
            return Err(Status::bad_parameter(format!("seconds must not exceed {}", limits::TEMP_MUTE_SECONDS_MAX)));
        }
        check::notify_ext(&request.notify_ext)?;
        self.reach(actor)?;
        let (_, class) = self.permit(actor, Operation::TempMute, time)?;
        self.check_known(actor, &target)?;
        self.check_target(Action::TempMute, class, &actor.account, &target)?;
        // Whoever is not here is muted all the same: the mute waits (chatroom.md §b.1).
        let record = self.roster.record(&target);
        if record.is_some_and(|record| record.blocklisted || record.muted) {
            return Err(Status::with_sub(Code::Repeated, Sub::MemberRepeated));
        }
        let until = self.roster.muted_until(&target, time);
        let (kind, seconds) = match (request.seconds, until) {
            (0, None) => return Err(Status::with_sub(Code::Repeated, Sub::MemberRepeated)),
            (0, Some(until)) => (NotificationType::TempMuteRemove, seconds_left(until, time)),
            (seconds, _) => (NotificationType::TempMuteAdd, seconds),
        };
        if request.seconds > 0 && !self.roster.has_room_for_mute(&target, time) {
            return Err(Status::new(Code::OverQuota, "too many temporary mutes in this room"));
        }
        self.note_temp_mute(entry, request);
        let notice = (!request.silent).then(|| {
            let mut notice = self.notice_about(entry, kind, &target, &request.notify_ext);
            notice.mute_seconds = seconds;
            notice
        });
        let reply = Response::MemberTempMute(pb::MemberTempMuteResponse { seconds, ..Default::default() });
        Ok(Outcome::notified(reply, notice))
    }

    pub(super) fn note_temp_mute(&mut self, entry: &Entry, request: &pb::MemberTempMuteRequest) {
        let time = entry.stamp.clock;
        let Ok(target) = AccountId::parse(&request.account) else { return };
        let until = UnixMs(time.0.saturating_add(i64::from(request.seconds) * 1000));
        self.roster.mute_until(&target, until, time);
    }

    /// Row 10 of chatroom.md §c.0: there is such an account, or somebody is here under that name without one.
    pub(super) fn check_known(&self, actor: &Actor, target: &AccountId) -> Result<(), Status> {
        if actor.names_nobody && self.people.person(target).is_none() && self.roster.record(target).is_none() {
            return Err(Status::with_sub(Code::NotFound, Sub::AccountMissing));
        }
        Ok(())
    }

    /// Row 10 of chatroom.md §c.0, as far as it is a question of who the target is.
    fn check_target(&self, action: Action, operator: Class, own: &AccountId, target: &AccountId) -> Result<bool, Status> {
        check_target(action, operator, self.class_of(target), own == target)
    }
}

/// What a change of role is: to the target rules, to the matrix, and to the members.
fn what_change(request: &pb::MemberSetRoleRequest) -> Result<(Action, Operation, NotificationType), Status> {
    let change = RoleChange::try_from(request.change).unwrap_or(RoleChange::Unspecified);
    Ok(match (change, request.set) {
        (RoleChange::Administrator, true) => {
            (Action::SetAdministrator, Operation::SetAdministrator, NotificationType::AdministratorAdd)
        }
        (RoleChange::Administrator, false) => {
            (Action::UnsetAdministrator, Operation::SetAdministrator, NotificationType::AdministratorRemove)
        }
        (RoleChange::Common, true) => (Action::SetCommon, Operation::SetCommon, NotificationType::CommonAdd),
        (RoleChange::Common, false) => (Action::UnsetCommon, Operation::SetCommon, NotificationType::CommonRemove),
        (RoleChange::Blocklist, true) => (Action::Block, Operation::Blocklist, NotificationType::BlocklistAdd),
        (RoleChange::Blocklist, false) => (Action::Unblock, Operation::Blocklist, NotificationType::BlocklistRemove),
        (RoleChange::Mute, true) => (Action::Mute, Operation::Mute, NotificationType::MuteAdd),
        (RoleChange::Mute, false) => (Action::Unmute, Operation::Mute, NotificationType::MuteRemove),
        (RoleChange::Unspecified, _) => return Err(Status::bad_parameter("change is not one of 1-4")),
    })
}
