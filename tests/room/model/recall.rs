//! Messages of high priority for who comes later, and messages taken back (chatroom.md §e.3, §e.4, §c.3).

use std::collections::BTreeSet;

use chatroom::error::{Code, Sub};
use chatroom::id::ConnId;
use chatroom::room::{Actor, Origin, Recall};
use chatroom::wire::pb::{self, NotificationType};
use chatroom::wire::{Push, Response};

use super::expressions::admits;
use super::rules::{self, Class, Right};
use super::{Conn, Model, Refusal, Verdict, Want, account, chars, tags};

const RECALL_MS: i64 = 120_000;

/// Whom a message was for, besides its sender.
#[derive(Clone, PartialEq, Debug)]
pub enum Aim {
    Everyone,
    Expression(String),
    AllOf(Vec<String>),
    Named(Vec<String>),
}

impl Aim {
    pub fn admits(&self, conn: &Conn) -> bool {
        match self {
            Aim::Everyone => true,
            Aim::Expression(text) => admits(text, &conn.tags),
            Aim::AllOf(tags) => tags.iter().all(|tag| conn.tags.contains(tag)),
            Aim::Named(accounts) => accounts.contains(&conn.account),
        }
    }
}

/// A message of high priority that is sent again to who enters.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub message: pb::Message,
    pub aim: Aim,
    /// Accounts that it was sent to, its sender among them.
    pub heard: Vec<String>,
    /// Connections it was for, those that were lost at the time included.
    pub receivers: BTreeSet<ConnId>,
}

impl Model {
    /// §e.3: whether a message may be high, by its sender and by how many there were.
    pub fn is_high(&self, actor: &Actor, request: &pb::MessageSendRequest, class: Class) -> bool {
        // In a flat room everybody has every right to send (§b, note 6).
        let may = actor.origin == Origin::Http || class.is_manager() || self.of_client;
        let recent = self.high.iter().filter(|time| self.now - **time < 1000).count();
        request.high_priority && request.abandon_ratio.is_none() && may && recent < self.settings.high_priority_per_second
    }

    /// §e.4: what a connection that has entered hears once more.
    pub fn resent_to(&mut self, conn: &Conn) -> Vec<pb::Message> {
        let (now, valid) = (self.now, self.settings.high_priority_resend_ms);
        self.waiting.retain(|waiting| now - waiting.message.time_ms <= valid);
        let mut all = Vec::new();
        for waiting in &mut self.waiting {
            let is_near = waiting.message.at.is_none_or(|at| tags::is_near(conn, &at));
            if waiting.heard.contains(&conn.account) || !waiting.aim.admits(conn) || !is_near {
                continue;
            }
            waiting.heard.push(conn.account.clone());
            all.push(pb::Message { resent: true, ..waiting.message.clone() });
        }
        all
    }

    /// §d.7: who takes an old place over is sent what it missed by the replay.
    pub fn replayed_to(&mut self, account: &str, old: ConnId) {
        for waiting in &mut self.waiting {
            if waiting.receivers.contains(&old) && !waiting.heard.iter().any(|heard| heard == account) {
                waiting.heard.push(account.into());
            }
        }
    }

    pub fn recall(&mut self, actor: &Actor, recall: &Recall) -> Verdict {
        let request = &recall.request;
        if request.message_id.is_empty() || request.time_ms <= 0 {
            return Err(Refusal::bad());
        }
        chars(&request.message_id, 64)?;
        chars(&request.notify_ext, 1024)?;
        let from = account(&request.from)?;
        self.check_here(actor)?;
        self.check_not_blocked(actor)?;
        let operator = actor.account.as_str();
        let class = self.class_of(actor);
        let is_own = from == operator;
        rules::permitted(if is_own { Right::RecallOwn } else { Right::RecallOther }, class)?;
        if !is_own && class == Class::Administrator && self.class(&from).is_manager() {
            return Err(Refusal::sub(Code::Forbidden, Sub::RecallNotAllowed));
        }
        let seq = recall.seq.filter(|seq| !self.recalled.contains_key(&seq.0));
        let Some(seq) = seq else { return Err(Refusal::sub(Code::NotFound, Sub::MessageMissing)) };
        if is_own && !class.is_manager() && self.now - request.time_ms > RECALL_MS {
            return Err(Refusal::sub(Code::Forbidden, Sub::RecallTooLate));
        }
        self.recalled.insert(seq.0, self.now);
        self.waiting.retain(|waiting| waiting.message.seq != seq.0);
        let mut notice = self.notice(NotificationType::MessageRecalled, operator, &[], &request.notify_ext);
        notice.recalled =
            Some(pb::Recalled { message_id: request.message_id.clone(), message_time_ms: request.time_ms, from: from.clone() });
        let mut want = Want::durable(Response::MessageRecall(pb::Status::default()));
        want.push = Some(Push::Notification(notice));
        want.receivers = self.everybody();
        want.in_history = true;
        Ok(want)
    }
}
