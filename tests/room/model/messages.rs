//! Messages: what they may hold, who may send them, who hears them (chatroom.md §a.6, §c.3, §e).

use std::collections::BTreeSet;

use bytes::Bytes;
use chatroom::error::{Code, Sub};
use chatroom::room::{Actor, Origin};
use chatroom::wire::pb;
use chatroom::wire::{Push, Response};

use super::recall::{Aim, Waiting};
use super::rules::{Class, Right};
use super::tags;
use super::{Accepted, Conn, EPOCH, Model, Refusal, Verdict, Want, account, chars};

const DEDUP_MS: i64 = 600_000;

fn text(bytes: &Bytes, max: usize) -> Result<&str, Refusal> {
    let text = std::str::from_utf8(bytes).map_err(|_| Refusal::bad())?;
    chars(text, max)?;
    Ok(text)
}

fn json(text: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
    serde_json::from_str(text).ok()
}

/// Row 3 of §c.0.
fn check(origin: Origin, request: &pb::MessageSendRequest, of_client: bool) -> Result<Vec<String>, Refusal> {
    if request.message_id.is_empty() {
        return Err(Refusal::bad());
    }
    chars(&request.message_id, 64)?;
    let body = text(&request.body, 4096)?;
    let attach = text(&request.attach, 4096)?;
    text(&request.ext, 4096)?;
    match request.r#type {
        0 if body.is_empty() && origin == Origin::Http => {}
        0 | 20 if body.is_empty() => return Err(Refusal::bad()),
        0 | 5 | 10 | 11 | 100 => {}
        20 if of_client => {}
        1..=4 | 6 => {
            json(attach).ok_or(Refusal::bad())?;
        }
        _ => return Err(Refusal::bad()),
    }
    if request.abandon_ratio.is_some_and(|ratio| ratio > 9999) || request.to_accounts.len() > 100 {
        return Err(Refusal::bad());
    }
    tags::checked_expression(&request.notify_target_tags)?;
    if request.at.is_some_and(|at| !(at.x.is_finite() && at.y.is_finite() && at.z.is_finite())) {
        return Err(Refusal::bad());
    }
    // Directed messages know neither tags nor places (§a.6).
    let is_aimed = request.at.is_some() || request.notify_target_tags.as_ref().is_some_and(|text| !text.is_empty());
    if !request.to_accounts.is_empty() && is_aimed {
        return Err(Refusal::bad());
    }
    chars(&request.env, 32)?;
    chars(&request.callback_ext, 1024)?;
    if let Some(moderation) = &request.moderation {
        if moderation.use_yidun.is_some_and(|number| number != 0) || (moderation.antispam && request.r#type != 100) {
            return Err(Refusal::bad());
        }
        chars(&moderation.bid, 1024)?;
        chars(&moderation.antispam_custom, 5000)?;
        chars(&moderation.yidun_anti_cheating, 1024)?;
        chars(&moderation.yidun_antispam_ext, 1024)?;
    }
    request.to_accounts.iter().map(|name| account(name)).collect()
}

/// Takes one message out of a bucket that holds thousandths; gives what is left or how long to wait.
fn take(bucket: Option<(i64, i64)>, now: i64, per_second: u32, burst: u32) -> Result<(i64, i64), Refusal> {
    let full = i64::from(burst) * 1000;
    let tokens = bucket.map_or(full, |(tokens, since)| (tokens + (now - since) * i64::from(per_second)).min(full));
    if tokens < 1000 {
        let missing = 1000 - tokens;
        let wait = (missing + i64::from(per_second) - 1) / i64::from(per_second);
        let retry = Some(u32::try_from(wait).unwrap_or(u32::MAX));
        return Err(Refusal { retry, ..Refusal::sub(Code::TooFrequent, Sub::MessageRate) });
    }
    Ok((tokens - 1000, now))
}

impl Model {
    /// Row 11 of §c.0.
    fn check_mutes(&self, actor: &Actor, class: Class) -> Result<(), Refusal> {
        if actor.globally_muted {
            return Err(Refusal::sub(Code::AccountMuted, Sub::AccountMuted));
        }
        if matches!(class, Class::Limited { muted: true, .. }) {
            return Err(Refusal::sub(Code::Muted, Sub::MemberMuted));
        }
        if self.temp_mute_left(actor.account.as_str()) > 0 {
            return Err(Refusal::sub(Code::Muted, Sub::TempMuted));
        }
        if class.is_manager() {
            return Ok(());
        }
        let own = self.conn_of(actor).map(|conn| conn.tags.as_slice()).unwrap_or_default();
        if own.iter().any(|tag| self.tag_mute_left(tag) > 0) {
            return Err(Refusal::sub(Code::Muted, Sub::TagMuted));
        }
        if self.muted {
            return Err(Refusal::sub(Code::RoomMuted, Sub::RoomMuted));
        }
        Ok(())
    }

    pub fn send(&mut self, actor: &Actor, request: &pb::MessageSendRequest) -> Verdict {
        let directed = check(actor.origin, request, self.of_client)?;
        self.check_here(actor)?;
        let from = actor.account.as_str().to_owned();
        if request.resend {
            let now = self.now;
            let known = |one: &&Accepted| one.from == from && one.id == request.message_id && now - one.time <= DEDUP_MS;
            if let Some(original) = self.accepted.iter().rev().find(known) {
                let reply = pb::MessageSendResponse {
                    message_id: request.message_id.clone(),
                    time_ms: original.time,
                    seq: original.seq,
                    high_priority: original.high,
                    epoch: EPOCH,
                    duplicate: true,
                    ..Default::default()
                };
                return Ok(Want::reply(Response::MessageSend(reply)));
            }
        }
        if matches!(request.r#type, 5 | 11) {
            return Err(Refusal::code(Code::Forbidden));
        }
        self.check_right(actor, Right::Send)?;
        self.check_mutes(actor, self.class_of(actor))?;
        let is_barrage = request.r#type == 20;
        if actor.origin == Origin::Member {
            self.pace(&from, is_barrage)?;
        }
        let mut reply = pb::MessageSendResponse {
            message_id: request.message_id.clone(),
            time_ms: self.now,
            epoch: EPOCH,
            ..Default::default()
        };
        if request.abandon_ratio.is_some_and(|ratio| self.random % 10_000 < u64::from(ratio)) {
            reply.abandoned = true;
            return Ok(Want::reply(Response::MessageSend(reply)));
        }
        reply.seq = self.seq + 1;
        let profile = self.profile(&from);
        let expression = match (&request.notify_target_tags, self.conn_of(actor)) {
            _ if !directed.is_empty() => String::new(),
            (Some(text), _) => text.clone(),
            (None, Some(own)) => tags::expression_of(own),
            (None, None) => String::new(),
        };
        let is_high = self.is_high(actor, request, self.class_of(actor));
        reply.high_priority = is_high;
        // Directed messages are for who is here (§e.8).
        let is_resent = is_high && directed.is_empty() && request.high_priority_resend != Some(false);
        let message = pb::Message {
            high_priority: is_high,
            resend_on_enter: is_resent,
            room_id: self.id(),
            seq: self.seq + 1,
            time_ms: self.now,
            message_id: request.message_id.clone(),
            from: from.clone(),
            from_nick: profile.nick,
            from_avatar: profile.avatar,
            from_ext: profile.ext,
            from_client_type: actor.client_type,
            r#type: request.r#type,
            sub_type: request.sub_type,
            body: request.body.clone(),
            attach: request.attach.clone(),
            ext: request.ext.clone(),
            epoch: EPOCH,
            skip_history: request.skip_history,
            directed: !directed.is_empty(),
            notify_target_tags: expression.clone(),
            at: request.at,
            ..Default::default()
        };
        let aim = match (&request.notify_target_tags, self.conn_of(actor)) {
            _ if !directed.is_empty() => Aim::Named(directed.clone()),
            (Some(text), _) => Aim::Expression(text.clone()),
            (None, Some(Conn { expression: Some(text), .. })) => Aim::Expression(text.clone()),
            (None, Some(own)) => Aim::AllOf(own.tags.clone()),
            (None, None) => Aim::Everyone,
        };
        let heard = |conn: &&Conn| {
            let is_near = || request.at.is_none_or(|at| tags::is_near(conn, &at));
            Some(conn.id) != actor.connection && (conn.account == from || aim.admits(conn) && is_near())
        };
        let receivers: BTreeSet<_> = self.conns.iter().filter(heard).map(|conn| conn.id).collect();
        if is_high {
            self.high.retain(|time| self.now - time < 1000);
            self.high.push(self.now);
        }
        if is_resent {
            let mut heard: Vec<String> = self
                .conns
                .iter()
                .filter(|conn| receivers.contains(&conn.id) && !conn.detached)
                .map(|conn| conn.account.clone())
                .collect();
            heard.push(from.clone());
            self.waiting.push(Waiting { message: message.clone(), aim, heard, receivers: receivers.clone() });
        }
        if is_barrage {
            // §c.6, §e.6: it is not stored, nor is its id.
            let push = Some(Push::Message(Box::new(message)));
            return Ok(Want { push, receivers, ..Want::reply(Response::MessageSend(reply)) });
        }
        self.accepted.retain(|one| self.now - one.time <= DEDUP_MS);
        self.accepted.push(Accepted { from, id: request.message_id.clone(), seq: self.seq + 1, time: self.now, high: is_high });
        let mut want = Want::durable(Response::MessageSend(reply));
        want.push = Some(Push::Message(Box::new(message)));
        want.receivers = receivers;
        want.in_history = !request.skip_history && directed.is_empty();
        Ok(want)
    }

    /// §e.7: the rate of the account in the room, and what the room takes.
    fn pace(&mut self, from: &str, is_barrage: bool) -> Result<(), Refusal> {
        let settings = &self.settings;
        let mut own = None;
        // §c.6: barrage is unlimited; what the room takes goes for all.
        if settings.sends_per_second > 0 && !is_barrage {
            let bucket = self.buckets.get(from).copied();
            own = Some(take(bucket, self.now, settings.sends_per_second, settings.sends_burst)?);
        }
        if settings.room_intake_per_second > 0 {
            let rate = settings.room_intake_per_second;
            self.intake = Some(take(self.intake, self.now, rate, rate)?);
        }
        if let Some(bucket) = own {
            self.buckets.insert(from.into(), bucket);
        }
        Ok(())
    }
}
