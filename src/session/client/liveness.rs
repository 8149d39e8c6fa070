//! Watches whether the connection is alive: heartbeats, deadlines, and the consequences of silence (chatroom.md §d.3).

use bytes::{Bytes, BytesMut};

use super::{ClientOutput, ClientSession, Link, Loss};
use crate::error::{Code, Status};
use crate::id::Time;
use crate::limits;
use crate::session::CloseReason;
use crate::wire::Request;

impl ClientSession {
    /// Reading stops because the host is slow: silence is no sign of death now.
    pub fn pause(&mut self) {
        self.is_paused = true;
    }

    /// Reading goes on.
    pub fn unpause(&mut self, now: Time) {
        self.is_paused = false;
        // The silence until now was ours.
        self.heard = now;
        if self.dead_at.is_some() {
            self.dead_at = Some(now.plus_ms(self.config.ping_timeout_ms));
        }
    }

    /// The host has reason to doubt the connection: a network was changed, an application came back to the foreground. Asks the
    /// server for a sign of life at once, and allows it [`limits::PROBE_TIMEOUT_MS`] instead of the usual patience.
    pub fn probe(&mut self, now: Time, out: &mut Vec<ClientOutput>) {
        if self.is_logged_in() {
            self.ping(now, out);
            let at = now.plus_ms(limits::PROBE_TIMEOUT_MS.min(self.config.ping_timeout_ms));
            self.dead_at = self.dead_at.map_or(Some(at), |usual| Some(usual.min(at)));
            self.is_probing = true;
        }
    }

    /// `deadline` has come.
    pub fn on_timeout(&mut self, now: Time, out: &mut Vec<ClientOutput>) {
        let mut was_unheard = false;
        while let Some(id) = self.pending.overdue(now) {
            // Nothing at all has arrived since it was sent.
            was_unheard |= self.pending.sent_at(id).is_some_and(|sent| sent >= self.heard);
            self.finish(now, id, Err(Status::new(Code::Timeout, "no answer in time")), out);
        }
        match self.link {
            Link::LoggingIn { deadline, .. } if now >= deadline => {
                out.push(ClientOutput::LoginRefused(Status::new(Code::Timeout, "the login was not answered in time")));
                self.close(CloseReason::LoginTimeout, out);
            }
            Link::Entering | Link::In => {
                if !self.is_paused && self.dead_at.is_some_and(|at| now >= at) {
                    if self.is_probing {
                        self.loss = Loss::Again;
                    }
                    return self.close(CloseReason::PingTimeout, out);
                }
                for room_id in self.rooms.take_due(now) {
                    self.enter(now, room_id, out);
                }
                let is_doubtful = was_unheard && !self.is_paused && self.dead_at.is_none();
                if is_doubtful || self.beat_at().is_some_and(|at| now >= at) {
                    self.ping(now, out);
                }
            }
            _ => {}
        }
    }

    /// When to call `on_timeout`; `None` while nothing can time out.
    pub fn deadline(&self) -> Option<Time> {
        let link = match self.link {
            Link::LoggingIn { deadline, .. } => Some(deadline),
            Link::Entering | Link::In => {
                let dead_at = self.dead_at.filter(|_| !self.is_paused);
                [dead_at, self.rooms.enter_at(), self.beat_at()].into_iter().flatten().min()
            }
            _ => None,
        };
        [link, self.pending.deadline()].into_iter().flatten().min()
    }

    /// When the next beat is due: after a silence of this side, so that the server does not call it dead, and after a silence of
    /// the server, for one who keeps talking into a dead connection must notice it too.
    fn beat_at(&self) -> Option<Time> {
        let own = self.sent.plus_ms(self.heartbeat_ms);
        // What is not read is not missed, and a beat on its way has a deadline of its own.
        let is_listening = !self.is_paused && self.dead_at.is_none();
        let theirs = is_listening.then(|| self.heard.plus_ms(self.heartbeat_ms));
        [Some(own), theirs].into_iter().flatten().min()
    }

    fn ping(&mut self, now: Time, out: &mut Vec<ClientOutput>) {
        let mut bytes = BytesMut::new();
        self.ping_sequence = self.pending.next_sequence();
        Request::Ping(Bytes::new()).encode(self.ping_sequence, &mut bytes);
        self.transmit(now, bytes, out);
        // An older ping that is still unanswered keeps its deadline.
        self.dead_at.get_or_insert(now.plus_ms(self.config.ping_timeout_ms));
    }
}
