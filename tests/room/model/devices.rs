//! Who is put out for a reason outside the room: another device, too many rooms (chatroom.md §d.4, §d.5).

use chatroom::error::{Code, Sub};
use chatroom::id::{ConnId, DeviceId};
use chatroom::room::{Actor, Origin, Presence};
use chatroom::wire::pb::{self, KickReason, NotificationType};
use chatroom::wire::{Push, Response};

use super::profile::kicks;
use super::{Conn, Model, Refusal, Verdict, Want, chars, tags};

impl Model {
    /// §d.4 `kick`: the named other connections of the account, or all of them.
    pub fn kick_devices(&mut self, actor: &Actor, request: &pb::KickDevicesRequest) -> Verdict {
        if request.device_ids.len() > 100 || request.device_ids.iter().any(String::is_empty) {
            return Err(Refusal::bad());
        }
        request.device_ids.iter().try_for_each(|device| chars(device, 64))?;
        if !self.exists {
            return Err(self.missing());
        }
        let named: Vec<DeviceId> = request.device_ids.iter().map(|device| device.as_str().into()).collect();
        let is_meant = |conn: &&Conn| {
            let is_other = conn.account == actor.account.as_str() && Some(conn.id) != actor.connection;
            is_other && (named.is_empty() || named.contains(&conn.device))
        };
        let gone: Vec<Conn> = self.conns.iter().filter(is_meant).cloned().collect();
        let ext = format!("{{\"clientType\":{}}}", actor.client_type);
        Ok(self.turn_out(actor, &gone, KickReason::SamePlatform, &ext))
    }

    /// §d.5: the account has entered one room too many, and this is the one it entered first.
    pub fn expel(&mut self, actor: &Actor) -> Verdict {
        if actor.origin != Origin::Server {
            return Err(Refusal::code(Code::Forbidden));
        }
        self.check_open()?;
        let gone: Vec<Conn> = self.conns.iter().filter(|conn| conn.account == actor.account.as_str()).cloned().collect();
        if gone.is_empty() {
            return Err(Refusal::sub(Code::NotFound, Sub::TargetOffline));
        }
        Ok(self.turn_out(actor, &gone, KickReason::Silent, ""))
    }

    /// Connections of the actor's own account go; 302 tells it if it is gone with them.
    fn turn_out(&mut self, actor: &Actor, gone: &[Conn], reason: KickReason, ext: &str) -> Want {
        let account = actor.account.as_str();
        let mut notice = self.notice(NotificationType::MemberExit, account, &[account], "");
        notice.entered = Some(self.entered(account, actor.client_type));
        notice.notify_target_tags = gone.last().map(tags::expression_of).unwrap_or_default();
        let ids: Vec<ConnId> = gone.iter().map(|conn| conn.id).collect();
        let departed = self.remove(&ids);
        let mut want = Want::reply(Response::KickDevices(pb::Status::default()));
        want.kicks = kicks(&ids, reason, ext);
        want.presence = ids.iter().map(|id| Presence::Left(*id)).collect();
        if !departed.is_empty() && self.in_out {
            want.push = Some(Push::Notification(notice));
            want.receivers = self.who_hears_of(gone.last());
        }
        want.follow_ups = self.consequences(&departed);
        want
    }
}
