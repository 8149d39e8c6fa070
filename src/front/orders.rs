//! Connections that have to go: because the node goes down, because a room or an application wants it, because others need the
//! memory they hold.

use std::sync::Arc;

use super::connection::{Connection, Pause, Phase};
use super::{Front, LINGER_MS, Line};
use crate::error::{Code, Status};
use crate::id::{ConnId, DeviceId};
use crate::limits::RETURN_SPREAD_MS;
use crate::session::CloseReason;
use crate::wire::{Push, pb};

/// Order to a connection.
#[derive(Clone)]
pub enum Order {
    /// Its account is blocked: it is told so, with these words, and closed.
    PutOut(Box<str>),
    /// Its account may, or may not, send anywhere.
    SetMuted(bool),
    /// The answers that wait for it are needed room: it is gone.
    DropSlow,
    /// The memory of its unfinished frame is needed: it receives a notice, and is closed.
    DropUnfinished,
    /// What its login knows of its account is out of date: it is closed, and may come back.
    LogInAgain,
    /// Its name is an account's now: it is closed if it goes by it without having shown a token.
    GiveUpName,
    /// Another connection of its account puts these devices out, or all others where none is named; with the words for it.
    KickDevice(Arc<[DeviceId]>, Box<str>),
}

impl<L: Line> Front<L> {
    /// Tells every connection that the node goes down.
    pub(super) fn send_everybody_away(&mut self) {
        let (now, close_by) = (self.now, self.now.plus_ms(LINGER_MS));
        let spread_ms = u32::try_from(RETURN_SPREAD_MS).unwrap_or(u32::MAX);
        for (_, connection) in &mut self.connections {
            let kicked = pb::Kicked {
                reason: pb::KickReason::Silent as i32,
                message: "the server is going down".into(),
                may_reconnect: true,
                // Spread over 8 s (chatroom.md §d.3), so that the clients do not come back all at once.
                retry_after_ms: self.random.u32(0..=spread_ms),
                spread_ms,
                ..pb::Kicked::default()
            };
            self.staging.clear();
            Push::Kicked(Box::new(kicked)).encode(&mut self.staging);
            connection.transmit(now, &self.staging);
            connection.close(CloseReason::Draining, close_by);
        }
    }

    /// Tells a connection that it has to go, and closes it if it is left without a room.
    pub(super) fn kick(&mut self, id: ConnId, kicked: Box<pb::Kicked>, is_last_room: bool) {
        let may_return = kicked.may_reconnect;
        self.staging.clear();
        Push::Kicked(kicked).encode(&mut self.staging);
        let close_by = self.now.plus_ms(LINGER_MS);
        if let Some(connection) = self.connections.get_mut(id.slot()).filter(|connection| connection.id == id) {
            connection.transmit(self.now, &self.staging);
            if is_last_room {
                // Who is sent away to come back at once keeps its place for the grace.
                connection.close(if may_return { CloseReason::Slow } else { CloseReason::Kicked }, close_by);
            }
        }
        self.staging.clear();
    }

    /// Does what the application wants with a connection, if it is still there.
    pub(super) fn obey(&mut self, id: ConnId, order: Order) {
        match order {
            Order::PutOut(ext) => {
                let kicked = pb::Kicked {
                    reason: pb::KickReason::AccountBlocked as i32,
                    message: "the account is blocked".into(),
                    ext: ext.into(),
                    ..pb::Kicked::default()
                };
                self.kick(id, Box::new(kicked), true);
            }
            Order::GiveUpName => {
                let is_anonymous =
                    |connection: &mut Connection<L>| connection.identity.as_ref().is_some_and(|who| who.anonymous);
                if !self.connection(id).is_some_and(is_anonymous) {
                    return;
                }
                let kicked = pb::Kicked {
                    reason: pb::KickReason::TokenExpired as i32,
                    message: "the name is an account's now: come again under another one".into(),
                    ..pb::Kicked::default()
                };
                self.kick(id, Box::new(kicked), true);
            }
            Order::LogInAgain => {
                let kicked = pb::Kicked {
                    reason: pb::KickReason::Silent as i32,
                    message: "the account has changed: log in again".into(),
                    may_reconnect: true,
                    ..pb::Kicked::default()
                };
                self.kick(id, Box::new(kicked), true);
            }
            Order::KickDevice(devices, ext) => {
                let Some(connection) = self.connection(id).filter(|connection| connection.phase == Phase::Open) else { return };
                let Some(identity) = connection.identity.as_deref() else { return };
                if !devices.is_empty() && !devices.contains(&identity.device_id) {
                    return;
                }
                let kicked = pb::Kicked {
                    reason: pb::KickReason::SamePlatform as i32,
                    message: "put out by another device of the account".into(),
                    ext: ext.into(),
                    ..pb::Kicked::default()
                };
                self.kick(id, Box::new(kicked), true);
            }
            Order::SetMuted(muted) => {
                if let Some(identity) = self.connection(id).and_then(|connection| connection.identity.as_deref_mut()) {
                    identity.globally_muted = muted;
                }
            }
            Order::DropSlow => {
                if let Some(connection) = self.connection(id) {
                    tracing::info!(%id, address = %connection.address, "closed: its answers took the room others need");
                    connection.die(CloseReason::Slow);
                }
            }
            Order::DropUnfinished => {
                let Some(connection) = self.connection(id) else { return };
                if !connection.holds_unfinished() || matches!(connection.pause, Pause::InLine | Pause::Busy | Pause::Reserving)
                {
                    return;
                }
                tracing::warn!(%id, address = %connection.address, "closed: frames that are not complete take too much memory");
                let status = Status::new(Code::Busy, "unfinished frames take too much memory: send each frame in one go");
                self.staging.clear();
                Push::Status(Box::new(pb::Status::from(&status))).encode(&mut self.staging);
                self.write_staged(Some(id));
                self.end(id, CloseReason::Unfinished);
            }
        }
    }
}
