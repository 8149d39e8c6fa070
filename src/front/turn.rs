//! What a front does in a turn, and once a second. What is ready has been read by then; the turn applies its consequences: answers
//! are written, and each dirty room is flushed once.

use super::connection::{Connection, Lines, Pause, Phase};
use super::passing::AccountMail;
use super::pressure::Inbox;
use super::{Effect, Front, Line, find, is_on_purpose};
use crate::dispatch::{self, UserEffect};
use crate::id::{ConnId, Epoch};
use crate::room::{Actor, Origin};
use crate::session::CloseReason;
use crate::subject::Subject;

/// How the log is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogHealth {
    /// It takes nothing.
    Failed,
    /// It takes what comes; with the epoch of its last opening.
    Well(Epoch),
}

/// Has a hub know what became of its commit, and how the log is.
fn look_at_log<S: Subject>(hub: &mut dispatch::HubOf<S>, committed: Option<bool>, log: LogHealth) {
    if let Some(is_durable) = committed {
        hub.on_committed(is_durable);
    }
    match log {
        LogHealth::Failed => hub.on_log_failed(),
        // Not while a commit from before is under way.
        LogHealth::Well(epoch) if hub.is_broken() && !hub.is_committing() => hub.on_log_back(epoch),
        LogHealth::Well(_) => {}
    }
}

impl<L: Line> Front<L> {
    /// Applies what has been read and what has come from others.
    pub fn turn(&mut self, inbox: Inbox, log: LogHealth) {
        let Inbox { accounts, mail, committed, orders, drain } = inbox;
        self.paused.begin_turn();
        self.settle_notes();
        accounts.into_iter().for_each(|mail| self.on_account_mail(mail));
        self.hub.on_mail(mail.rooms);
        self.users.on_mail(mail.users);
        look_at_log(&mut self.hub, committed, log);
        look_at_log(&mut self.users, committed, log);
        for (connection, order) in orders {
            self.obey(connection, order);
        }
        if drain {
            self.send_everybody_away();
        }
        self.hub.go_on_broadcasting();
        self.carry_out();
        if self.paused.is_waiting() {
            self.go_on_with_paused(committed.is_some());
            self.carry_out();
        }
        self.post_about_accounts();
        self.common.pressure(self.worker).set_behind(self.hub.is_behind() || self.users.is_behind());
        let mut lines = Lines { connections: &mut self.connections, now: self.now };
        self.hub.flush(&mut lines);
        self.users.flush(&mut lines);
    }

    /// Looks at what is due. To be called once a second, before a turn.
    pub fn on_tick(&mut self) {
        self.hub.on_tick();
        self.users.on_tick();
        self.watch_paused();
        let (now, session) = (self.now, &self.common.session);
        let is_due = |connection: &Connection<L>| match connection.phase {
            Phase::Open => connection.session.deadline(session) <= now,
            Phase::Closing | Phase::Lingering => connection.close_by() <= now,
            Phase::Dead => false,
        };
        let due = self.connections.iter().map(|(_, connection)| connection).filter(|connection| is_due(connection));
        for id in due.map(|connection| connection.id).collect::<Vec<_>>() {
            self.on_deadline(id);
        }
    }

    /// The line takes bytes again: writes what waits, as far as it takes it. Who reads is alive, and may ask again.
    pub fn on_writable(&mut self, id: ConnId) {
        let Some(connection) = find(&mut self.connections, id) else { return };
        let before = connection.backlog_bytes();
        let is_written = connection.write_backlog(self.now);
        if connection.phase != Phase::Open {
            return;
        }
        let is_paused = connection.pause == Pause::Answers;
        if is_paused && connection.backlog_bytes() < before {
            connection.session.on_life(&self.common.session, self.now);
        }
        let may_go_on = is_paused && !connection.owes_enough();
        if is_written {
            self.hub.on_writable(id, &mut Lines { connections: &mut self.connections, now: self.now });
        }
        if may_go_on {
            self.resume(id);
        }
    }

    /// Forgets a connection that has ended: its rooms hear of it.
    pub fn remove(&mut self, id: ConnId) {
        if self.connection(id).is_none() {
            return;
        }
        let connection = self.connections.remove(id.slot());
        if let Some(identity) = &connection.identity {
            let hash = self.common.account_key().account(&identity.app_key, &identity.account);
            self.send_to_owner(hash, AccountMail::Gone(hash, id));
        }
        self.common.gate.leave(connection.address);
        self.release_all(&connection);
        let reason = connection.close_reason().unwrap_or(CloseReason::TransportLost);
        metrics::counter!("chatroom_connections_closed_total", "reason" => reason.as_str()).increment(1);
        if let Some(actor) = connection.actor() {
            let origin = match reason {
                CloseReason::LoggedOut => Origin::Member,
                CloseReason::Kicked => Origin::Http,
                _ => Origin::Server,
            };
            let actor = Actor { origin, ..actor };
            // Who was sent away, or left, has no grace.
            self.hub.on_connection_gone(&actor, is_on_purpose(reason));
        }
    }

    fn on_deadline(&mut self, id: ConnId) {
        let (now, session) = (self.now, &self.common.session);
        let Some(connection) = find(&mut self.connections, id) else { return };
        if connection.pause == Pause::Answers && connection.session.is_silent(session, now) {
            connection.die(CloseReason::Slow);
        } else if connection.phase == Phase::Open {
            let mut outputs = std::mem::take(&mut self.outputs);
            connection.session.on_timeout(session, now, &mut outputs);
            self.handle(id, &mut outputs);
            self.outputs = outputs;
        } else {
            connection.die(CloseReason::TransportLost);
        }
    }

    /// Carries out what the hub wants done, unless that is being done.
    pub(super) fn carry_out_now(&mut self) {
        if !self.is_carrying_out {
            self.carry_out();
        }
    }

    /// Carries out what the hub wants done, until it wants nothing more.
    fn carry_out(&mut self) {
        self.is_carrying_out = true;
        self.carry_out_all();
        self.is_carrying_out = false;
    }

    fn carry_out_all(&mut self) {
        loop {
            // What others have to know of accounts arrives before answers leave.
            self.post_about_accounts();
            self.carry_out_users();
            let mut effects = self.hub.take_effects();
            if effects.is_empty() {
                return self.hub.recycle(effects);
            }
            let mut writing: Option<ConnId> = None;
            self.staging.clear();
            for effect in effects.drain(..) {
                match effect {
                    dispatch::Effect::Answer(asked, answer) => {
                        if writing != Some(asked.connection) {
                            self.write_staged(writing.replace(asked.connection));
                        }
                        self.answer(asked, *answer);
                    }
                    dispatch::Effect::Transmit { connection, bytes } => {
                        if writing != Some(connection) {
                            self.write_staged(writing.replace(connection));
                        }
                        self.staging.extend_from_slice(&bytes);
                    }
                    dispatch::Effect::Kicked { connection, kicked, is_last_room } => {
                        self.write_staged(writing.take());
                        self.kick(connection, kicked, is_last_room);
                    }
                    dispatch::Effect::Load(room) => self.effects.push(Effect::Load(room)),
                    dispatch::Effect::Find(find) => self.find_message(find),
                    dispatch::Effect::CatchUp(waiting) => self.catch_up(waiting),
                    dispatch::Effect::History { asker, subject: room, query, scope } => {
                        self.read_history(asker, room, *query, scope)
                    }
                }
            }
            self.write_staged(writing);
            self.hub.recycle(effects);
        }
    }

    /// Carries out what the hub of users wants done.
    fn carry_out_users(&mut self) {
        if !self.users.has_effects() {
            return;
        }
        for effect in self.users.take_effects() {
            self.staging.clear();
            match effect {
                UserEffect::Answer(asked, answer) => {
                    self.stage(asked.connection, asked.sequence, asked.kind, *answer);
                    self.write_staged(Some(asked.connection));
                }
                UserEffect::Transmit { connection, bytes } => {
                    self.staging.extend_from_slice(&bytes);
                    self.write_staged(Some(connection));
                }
                UserEffect::Kicked { connection, kicked, is_last_room } => self.kick(connection, kicked, is_last_room),
                UserEffect::Load(user) => self.effects.push(Effect::LoadUser(user)),
                UserEffect::Find(find) => match find.request {},
                UserEffect::CatchUp(waiting) => match waiting.scope {},
                UserEffect::History { scope, .. } => match scope {},
            }
        }
    }

    /// Writes the staged answers in one go.
    pub(super) fn write_staged(&mut self, id: Option<ConnId>) {
        if let Some(id) = id
            && let Some(connection) = find(&mut self.connections, id)
            && !self.staging.is_empty()
        {
            connection.transmit(self.now, &self.staging);
        }
        self.staging.clear();
    }
}
