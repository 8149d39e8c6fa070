//! Connections that have to go: because the node goes down, because a room or an application wants it, because others need the
//! memory they hold.

use std::rc::Rc;

use super::connection::{Connection, Pause, Phase};
use super::mailbox::Order;
use super::worker::{LINGER_MS, State, Worker};
use crate::error::{Code, Status};
use crate::id::ConnId;
use crate::limits::RETURN_SPREAD_MS;
use crate::session::CloseReason;
use crate::wire::{Push, pb};

impl State {
    /// Tells every connection that the node goes down.
    pub(super) fn send_everybody_away(&mut self, worker: &Rc<Worker>) {
        let close_by = worker.shared.now().plus_ms(LINGER_MS);
        let spread_ms = u32::try_from(RETURN_SPREAD_MS).unwrap_or(u32::MAX);
        for (_, connection) in &mut self.connections {
            let kicked = pb::Kicked {
                reason: pb::KickReason::Silent as i32,
                message: "the server is going down".into(),
                may_reconnect: true,
                // Spread over 8 s (chatroom.md §d.3), so that the clients do not come back all at once.
                retry_after_ms: fastrand::u32(0..=spread_ms),
                spread_ms,
                ..pb::Kicked::default()
            };
            self.staging.clear();
            Push::Kicked(Box::new(kicked)).encode(&mut self.staging);
            connection.transmit(&self.staging);
            connection.close(CloseReason::Draining, close_by);
        }
    }

    /// Tells a connection that it has to go, and closes it if it is left without a room.
    pub(super) fn kick(&mut self, worker: &Rc<Worker>, id: ConnId, kicked: Box<pb::Kicked>, is_last_room: bool) {
        let may_return = kicked.may_reconnect;
        self.staging.clear();
        Push::Kicked(kicked).encode(&mut self.staging);
        let close_by = worker.shared.now().plus_ms(LINGER_MS);
        if let Some(connection) = self.connections.get_mut(id.slot()).filter(|connection| connection.id == id) {
            connection.transmit(&self.staging);
            if is_last_room {
                // Who is sent away to come back at once keeps its place for the grace.
                connection.close(if may_return { CloseReason::Slow } else { CloseReason::Kicked }, close_by);
            }
        }
        self.staging.clear();
    }

    /// Does what the application wants with a connection, if it is still there.
    pub(super) fn obey(&mut self, worker: &Rc<Worker>, id: ConnId, order: Order) {
        match order {
            Order::PutOut(ext) => {
                let kicked = pb::Kicked {
                    reason: pb::KickReason::AccountBlocked as i32,
                    message: "the account is blocked".into(),
                    ext: ext.into(),
                    ..pb::Kicked::default()
                };
                self.kick(worker, id, Box::new(kicked), true);
            }
            Order::GiveUpName => {
                let is_anonymous = |connection: &mut Connection| connection.identity.as_ref().is_some_and(|who| who.anonymous);
                if !self.connection(id).is_some_and(is_anonymous) {
                    return;
                }
                let kicked = pb::Kicked {
                    reason: pb::KickReason::TokenExpired as i32,
                    message: "the name is an account's now: come again under another one".into(),
                    ..pb::Kicked::default()
                };
                self.kick(worker, id, Box::new(kicked), true);
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
                self.kick(worker, id, Box::new(kicked), true);
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
                if !connection.holds_unfinished() || matches!(connection.pause, Pause::InLine | Pause::Busy) {
                    return;
                }
                tracing::warn!(%id, address = %connection.address, "closed: frames that are not complete take too much memory");
                let status = Status::new(Code::Busy, "unfinished frames take too much memory: send each frame in one go");
                self.staging.clear();
                Push::Status(Box::new(pb::Status::from(&status))).encode(&mut self.staging);
                self.write_staged(Some(id));
                self.end(worker, id, CloseReason::Unfinished);
            }
        }
    }
}
