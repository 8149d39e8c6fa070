//! Coming and going (chatroom.md §c.1, §d.4, §d.7).

use std::collections::BTreeSet;

use chatroom::error::{Code, Sub};
use chatroom::id::{ConnId, DeviceId};
use chatroom::room::{Actor, Enter, MultiClient, Presence};
use chatroom::wire::pb::{self, KickReason, NotificationType};
use chatroom::wire::{Push, Response};

use super::client_rooms::check_alias;
use super::rules::Class;
use super::tags;
use super::{Conn, EPOCH, Kicked, Model, Profile, Refusal, Verdict, Want, chars};

impl Model {
    /// Row 3 of §c.0; gives the tags.
    pub fn check_entering(&self, actor: &Actor, enter: &Enter) -> Result<Vec<String>, Refusal> {
        let request = &enter.request;
        chars(&request.nick, 64)?;
        chars(&request.avatar, 1024)?;
        chars(&request.ext, 4096)?;
        chars(&request.enter_ext, 2048)?;
        chars(&request.moderation_id, 1024)?;
        // Of several bad parameters §c.0 says not which is named; only this one has a sub code.
        if !request.alias.is_empty() {
            check_alias(&request.alias)?;
        }
        let tags = tags::checked_tags(&request.tags)?;
        tags::checked_expression(&request.notify_target_tags)?;
        if let Some(location) = &request.location {
            tags::checked_location(location)?;
        }
        if actor.anonymous && request.nick.is_empty() && enter.replaces.is_none() {
            return Err(Refusal::bad());
        }
        if actor.anonymous && !self.settings.anonymous_enabled {
            return Err(Refusal::sub(Code::Forbidden, Sub::AnonymousRefused));
        }
        Ok(tags)
    }

    pub fn enter(&mut self, actor: &Actor, enter: &Enter) -> Verdict {
        let tags = self.check_entering(actor, enter)?;
        if !self.is_this(&enter.app_key, &enter.request.alias) {
            return Err(self.missing());
        }
        self.check_open()?;
        self.check_not_blocked(actor)?;
        let Some(id) = actor.connection else { return Err(Refusal::bad()) };
        if self.conns.iter().any(|conn| conn.id == id) {
            let sub = if self.of_client { Sub::AlreadyInRoom } else { Sub::RoomRepeated };
            return Err(Refusal::sub(Code::Repeated, sub));
        }
        self.let_in(actor, enter, id, tags)
    }

    /// A connection takes its place once nothing else stands against it.
    pub fn let_in(&mut self, actor: &Actor, enter: &Enter, id: ConnId, tags: Vec<String>) -> Verdict {
        let request = &enter.request;
        let account = actor.account.as_str().to_owned();
        let was_here = self.is_here(&account);
        let taken = enter.replaces.and_then(|old| self.conns.iter().position(|conn| conn.id == old && conn.account == account));
        if actor.anonymous && request.nick.is_empty() && taken.is_none() {
            return Err(Refusal::bad());
        }
        self.check_quota(&account, enter.over_quota)?;
        let base = match (self.profiles.get(&account), self.fixed.get(&account)) {
            (Some(live), _) => live.clone(),
            (None, saved) => {
                let saved = saved.map(|fixed| fixed.profile.clone()).unwrap_or_default();
                Profile {
                    nick: first(&[&saved.nick, &enter.account_nick]),
                    avatar: first(&[&saved.avatar, &enter.account_avatar]),
                    ext: saved.ext,
                }
            }
        };
        let profile = Profile {
            nick: first(&[&request.nick, &base.nick]),
            avatar: first(&[&request.avatar, &base.avatar]),
            ext: first(&[&request.ext, &base.ext]),
        };
        self.profiles.insert(account.clone(), profile);
        let entered = if taken.is_some() { self.now } else { self.arrive() };
        let conn = Conn {
            id,
            account: account.clone(),
            anonymous: actor.anonymous,
            client_type: actor.client_type,
            custom: enter.custom_client_type,
            device: enter.device_id,
            entered,
            detached: false,
            tags,
            expression: request.notify_target_tags.clone(),
            location: request.location.unwrap_or_default(),
        };
        let mut presence = Vec::new();
        if let Some(place) = taken {
            let old = &mut self.conns[place];
            presence.push(Presence::Resumed { connection: id, replaces: old.id });
            // What it does not say anew stays as it was.
            let tags = if conn.tags.is_empty() { old.tags.clone() } else { conn.tags };
            let expression = conn.expression.or(old.expression.clone());
            let location = tags::moved(&old.location, &conn.location);
            *old = Conn { entered: old.entered, tags, expression, location, ..conn };
        } else {
            presence.push(Presence::Joined(id));
            self.conns.push(conn);
        }
        let last_seq = self.seq;
        let kicks = self.give_way(id, enter.device_id, actor.client_type, taken.is_some());
        presence.extend(kicks.iter().map(|kick| Presence::Left(kick.connection)));
        let gone: Vec<ConnId> = kicks.iter().map(|kick| kick.connection).collect();
        self.remove(&gone);
        if taken.is_none()
            && let Some(fixed) = self.fixed.get_mut(&account)
        {
            fixed.enter_time = entered;
        }
        let reply = self.entered_reply(actor, id, last_seq, taken.is_some());
        let mut want = Want { presence, kicks, ..Want::reply(reply) };
        if !was_here && self.in_out {
            let mut notice = self.notice(NotificationType::MemberEnter, &account, &[&account], &request.enter_ext);
            notice.entered = Some(self.entered(&account, actor.client_type));
            let own = self.conn_of(actor).cloned();
            notice.notify_target_tags = own.as_ref().map(tags::expression_of).unwrap_or_default();
            want.push = Some(Push::Notification(notice));
            want.receivers = self.who_hears_of(own.as_ref());
            want.receivers.insert(id);
        }
        if let Some(conn) = self.conn_of(actor).cloned() {
            match (taken, enter.replaces) {
                (Some(_), Some(old)) => self.replayed_to(&account, old),
                _ => want.resent = self.resent_to(&conn),
            }
        }
        Ok(want)
    }

    pub fn entered_reply(&self, actor: &Actor, id: ConnId, last_seq: u64, resumed: bool) -> Response {
        let member = self.conn_of(actor).and_then(|conn| {
            let notify_target_tags = conn.expression.clone().unwrap_or_default();
            Some(pb::Member { tags: conn.tags.clone(), notify_target_tags, ..self.member(&conn.account)? })
        });
        Response::RoomEnter(Box::new(pb::RoomEnterResponse {
            room: Some(self.info()),
            member,
            epoch: EPOCH,
            last_seq,
            resumed,
            connection_id: id.to_string(),
            attributes: self.attribute_list(),
            ..Default::default()
        }))
    }

    /// The connections that a connection's own expression admits.
    pub fn who_hears_of(&self, conn: Option<&Conn>) -> BTreeSet<ConnId> {
        let heard = |other: &&Conn| conn.is_none_or(|conn| tags::hears(conn, &other.tags));
        self.conns.iter().filter(heard).map(|conn| conn.id).collect()
    }

    pub fn entered(&self, account: &str, client_type: u32) -> pb::Entered {
        let class = self.class(account);
        pb::Entered {
            muted: matches!(class, Class::Limited { muted: true, .. }),
            temp_mute_seconds: self.temp_mute_left(account),
            client_type,
            member_type: self.shown_type(account) as i32,
            avatar: self.profile(account).avatar,
        }
    }

    /// §d.4 with the policy `coexist`: the same device gives way, and above the limit the oldest.
    fn give_way(&self, new: ConnId, device: DeviceId, client_type: u32, resumed: bool) -> Vec<Kicked> {
        let account = self.conns.iter().find(|conn| conn.id == new).map(|conn| conn.account.clone()).unwrap_or_default();
        let others: Vec<&Conn> = self.conns.iter().filter(|conn| conn.account == account && conn.id != new).collect();
        let own_custom = self.conns.iter().find(|conn| conn.id == new).map_or(0, |conn| conn.custom);
        let gives_way = |conn: &Conn| {
            !resumed
                && match &self.settings.multi_client {
                    MultiClient::Coexist => false,
                    MultiClient::Single => true,
                    MultiClient::OneDesktopOneMobile => {
                        group(conn.client_type).is_some() && group(conn.client_type) == group(client_type)
                    }
                    MultiClient::SameType if conn.custom != 0 || own_custom != 0 => conn.custom == own_custom,
                    MultiClient::SameType => conn.client_type == client_type,
                    MultiClient::Custom(pairs) => pairs.contains(&(client_type, conn.client_type)),
                }
        };
        let same =
            |conn: &Conn| gives_way(conn) || (device.is_named() && conn.device == device && conn.client_type == client_type);
        let mut gone: Vec<ConnId> = others.iter().filter(|conn| same(conn)).map(|conn| conn.id).collect();
        let mut rest: Vec<&&Conn> = others.iter().filter(|conn| !same(conn)).collect();
        rest.sort_by_key(|conn| conn.entered);
        let too_many = (rest.len() + 1).saturating_sub(self.settings.connections_per_account_max);
        gone.extend(rest.iter().take(too_many).map(|conn| conn.id));
        let ext = format!("{{\"clientType\":{client_type}}}");
        let kicked =
            |connection| Kicked { connection, reason: KickReason::SamePlatform, ext: ext.clone(), may_reconnect: false };
        gone.into_iter().map(kicked).collect()
    }

    pub fn exit(&mut self, actor: &Actor) -> Verdict {
        self.check_here(actor)?;
        let Some(conn) = self.conn_of(actor).cloned() else {
            return Err(Refusal::sub(Code::Forbidden, Sub::NotInRoom));
        };
        let mut notice = self.notice(NotificationType::MemberExit, &conn.account, &[&conn.account], "");
        notice.entered = Some(self.entered(&conn.account, actor.client_type));
        notice.notify_target_tags = tags::expression_of(&conn);
        let departed = self.remove(&[conn.id]);
        let reply = Response::RoomExit(self.exited());
        let mut want = Want { presence: vec![Presence::Left(conn.id)], ..Want::reply(reply) };
        if !departed.is_empty() && self.in_out {
            want.push = Some(Push::Notification(notice));
            want.receivers = self.who_hears_of(Some(&conn));
        }
        want.follow_ups = self.consequences(&departed);
        Ok(want)
    }

    fn exited(&self) -> pb::RoomExitResponse {
        pb::RoomExitResponse { room_id: self.id(), alias: self.alias.clone(), ..Default::default() }
    }

    pub fn detach(&mut self, actor: &Actor) -> Verdict {
        self.check_here(actor)?;
        let id = actor.connection;
        let Some(conn) = self.conns.iter_mut().find(|conn| Some(conn.id) == id && conn.account == actor.account.as_str())
        else {
            return Err(Refusal::sub(Code::Forbidden, Sub::NotInRoom));
        };
        conn.detached = true;
        Ok(Want::reply(Response::RoomExit(self.exited())))
    }
}

/// §d.4: desktops and browsers, telephones, and neither.
fn group(client_type: u32) -> Option<u32> {
    match client_type {
        4 | 16 | 64 => Some(0),
        1 | 2 | 65 => Some(1),
        _ => None,
    }
}

/// The first text that is not empty.
fn first(texts: &[&str]) -> String {
    texts.iter().find(|text| !text.is_empty()).map(|text| text.to_string()).unwrap_or_default()
}
