//! One connection of a worker: its line, its session, and what waits to be written when the line is full.

use core::net::IpAddr;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use bytes::Bytes;
use slab::Slab;

use super::budgets::Budgets;
use super::ledger::Claim;
use super::line::{Line, Lost, Sent};
use super::rare::{End, Rare};
use super::unread::Unread;
use crate::account::TokenKind;
use crate::dispatch::Outlet;
use crate::id::{AccountId, ConnId, DeviceId, Time};
use crate::room::{Actor, Origin};
use crate::session::{CloseReason, ServerSession};
use crate::wire::pb;

/// Bytes below which a rest is copied rather than keep the whole buffer it lies in alive.
const COPY_BYTES: usize = 4096;

/// Where a connection is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// Read, write.
    Open,
    /// Nothing more is taken in. What waits is written, then the write side is shut.
    Closing,
    /// The write side is shut; what the peer still sends is thrown away until it closes too, so that no reset overtakes our last word.
    Lingering,
    /// To be removed.
    Dead,
}

/// Why nothing more is taken from an open connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pause {
    /// It is read.
    No,
    /// It has to read its answers first.
    Answers,
    /// It stands in the worker's line: its turn comes.
    InLine,
    /// A request of its own, or of others, is not done yet. Checked every now and then.
    Busy,
    /// Accounts that its request names are being read.
    Accounts,
    /// It is on its way out of rooms, or from one to another, or looks for those it is in: what it asks next is asked of where it is then.
    Moving,
    /// The owner of its account is asked whether it may enter a room.
    Reserving,
}

/// Who is on a connection, from its login on.
pub(crate) struct Identity {
    pub(crate) account: AccountId,
    pub(crate) app_key: Arc<str>,
    pub(crate) anonymous: bool,
    pub(crate) globally_muted: bool,
    pub(crate) client_type: u32,
    pub(crate) custom_client_type: u32,
    /// How it has proved itself, and therefore by what a new token is judged.
    pub(crate) token_kind: TokenKind,
    /// Its token was made for longer than rooms made by clients take (chatroom.md §d.1).
    pub(crate) long_token: bool,
    /// Nick and avatar of the account's profile; absent where both are empty.
    pub(crate) face: Option<Box<(Box<str>, Box<str>)>>,
    pub(crate) device_id: DeviceId,
}

/// The connection a client asks to take over from.
pub(crate) struct Resume {
    /// Absent where the proof was not good: what the client has seen counts all the same.
    pub(crate) replaces: Option<ConnId>,
    pub(crate) rooms: Vec<pb::RoomPosition>,
}

/// One connection. What every delivery looks at stands first, in one cache line.
#[repr(C, align(64))]
pub(crate) struct Connection<L> {
    pub(crate) id: ConnId,
    pub(crate) line: L,
    backlog: Option<Box<Backlog>>,
    pub(crate) phase: Phase,
    /// The line took less than it was given; wait until it is writable.
    pub(crate) is_blocked: bool,
    pub(crate) pause: Pause,
    /// Bytes set aside for answers that are under way.
    pub(crate) reserved: u32,
    pub(crate) session: ServerSession,
    /// Wakes whoever polls this connection.
    pub(crate) waker: Option<Waker>,
    /// Bytes received and not acted on: the beginning of a frame, or input held up by a pause.
    pub(crate) unread: Option<Box<Unread>>,
    pub(crate) identity: Option<Box<Identity>>,
    pub(super) rare: Option<Box<Rare>>,
    pub(super) budgets: Arc<Budgets>,
    /// Bytes of `reserved` that are also set aside in the budget of all connections.
    pub(super) reserved_of_all: u32,
    pub(crate) address: IpAddr,
}

struct Backlog {
    chunks: VecDeque<Bytes>,
    bytes: usize,
    claim: Claim,
}

impl<L: Line> Connection<L> {
    pub(super) fn new(id: ConnId, line: L, session: ServerSession, address: IpAddr, budgets: Arc<Budgets>) -> Connection<L> {
        Connection {
            id,
            line,
            session,
            phase: Phase::Open,
            address,
            budgets,
            waker: None,
            unread: None,
            backlog: None,
            is_blocked: false,
            pause: Pause::No,
            reserved: 0,
            reserved_of_all: 0,
            identity: None,
            rare: None,
        }
    }

    /// On whose behalf the connection acts, once it has logged in.
    pub(crate) fn actor(&self) -> Option<Actor> {
        let identity = self.identity.as_deref()?;
        Some(Actor {
            account: identity.account.clone(),
            connection: Some(self.id),
            origin: Origin::Member,
            anonymous: identity.anonymous,
            globally_muted: identity.globally_muted,
            names_nobody: false,
            client_type: identity.client_type,
            on_behalf: None,
        })
    }

    /// True if something waits to be written.
    pub(crate) fn has_backlog(&self) -> bool {
        self.backlog.is_some()
    }

    /// Bytes that wait to be written.
    pub(crate) fn backlog_bytes(&self) -> usize {
        self.backlog.as_ref().map_or(0, |backlog| backlog.bytes)
    }

    /// True if so much waits to be read by the peer, or is about to, that no more input is taken from it.
    pub(crate) fn owes_enough(&self) -> bool {
        self.backlog_bytes() + self.reserved as usize > self.budgets.backlog_bytes_max
    }

    /// True if `bytes` more had better not be added to the output that waits to be written.
    pub(crate) fn would_owe_too_much(&self, bytes: usize) -> bool {
        self.has_backlog() && self.backlog_bytes() + bytes > self.budgets.backlog_bytes_max
    }

    /// Writes bytes meant for this connection alone, after whatever waits already.
    pub(crate) fn transmit(&mut self, now: Time, bytes: &[u8]) {
        if matches!(self.phase, Phase::Lingering | Phase::Dead) {
            return;
        }
        let taken = if self.is_blocked || self.has_backlog() { 0 } else { self.try_write(bytes) };
        if taken < bytes.len() {
            self.keep(now, Bytes::copy_from_slice(&bytes[taken..]));
        }
    }

    /// Writes what waits. True when nothing is left.
    pub(crate) fn write_backlog(&mut self, now: Time) -> bool {
        self.is_blocked = false;
        if !self.flush() {
            return false;
        }
        let before = self.backlog_bytes();
        while let Some(mut backlog) = self.backlog.take() {
            let Some(chunk) = backlog.chunks.pop_front() else { break };
            let taken = self.try_write(&chunk);
            backlog.bytes -= taken;
            if taken < chunk.len() {
                backlog.chunks.push_front(chunk.slice(taken..));
                if backlog.bytes < before {
                    // Who makes progress is not stuck.
                    backlog.claim.set(now, backlog.bytes, true, false);
                }
                self.backlog = Some(backlog);
                return false;
            }
            if !backlog.chunks.is_empty() {
                self.backlog = Some(backlog);
            }
        }
        true
    }

    /// Ends the connection after what waits has been written, and says why for logs and metrics.
    pub(crate) fn close(&mut self, reason: CloseReason, close_by: Time) {
        if self.phase == Phase::Open {
            self.phase = Phase::Closing;
            self.unread = None;
            self.change_rare(|rare| rare.end = Some(Box::new(End { reason, by: close_by })));
            self.wake();
        }
    }

    /// Ends the connection now.
    pub(crate) fn die(&mut self, reason: CloseReason) {
        self.phase = Phase::Dead;
        self.unread = None;
        self.change_rare(|rare| _ = rare.end.get_or_insert_with(|| Box::new(End { reason, by: Time::default() })));
        self.backlog = None;
        self.wake();
    }

    pub(crate) fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    fn try_write(&mut self, bytes: &[u8]) -> usize {
        let taken = match self.line.send(bytes) {
            Sent::All => return bytes.len(),
            Sent::Part(taken) => taken,
            Sent::Lost => {
                self.die(CloseReason::TransportLost);
                return bytes.len();
            }
        };
        self.is_blocked = true;
        self.wake();
        taken
    }

    /// Counts the bytes the line holds of an incomplete record like the beginning of a frame.
    pub(crate) fn note_undeciphered(&mut self, now: Time) {
        let bytes = self.line.undeciphered();
        if bytes == 0 && self.rare.as_ref().is_none_or(|rare| rare.undeciphered.is_none()) {
            return;
        }
        let (budgets, address, id) = (self.budgets.clone(), self.address, self.id);
        self.change_rare(|rare| match bytes {
            0 => rare.undeciphered = None,
            _ => rare
                .undeciphered
                .get_or_insert_with(|| Box::new(Claim::new(budgets.unfinished.clone(), address, id)))
                .set(now, bytes, false, false),
        });
    }

    /// True if it holds the beginning of something that is not complete.
    pub(crate) fn holds_unfinished(&self) -> bool {
        self.unread.is_some() || self.rare.as_ref().is_some_and(|rare| rare.undeciphered.is_some())
    }

    /// Writes what the line has taken earlier. True when nothing of that is left.
    fn flush(&mut self) -> bool {
        match self.line.flush() {
            Ok(is_empty) => self.is_blocked = !is_empty,
            Err(Lost) => self.die(CloseReason::TransportLost),
        }
        !self.is_blocked && self.phase != Phase::Dead
    }

    fn keep(&mut self, now: Time, rest: Bytes) {
        let (budgets, address, id) = (&self.budgets, self.address, self.id);
        let backlog = self.backlog.get_or_insert_with(|| {
            let claim = Claim::new(budgets.answers.clone(), address, id);
            Box::new(Backlog { chunks: VecDeque::new(), bytes: 0, claim })
        });
        // One answer may be as long as a frame may be; what comes unasked on top of a long backlog is too much.
        if backlog.bytes > budgets.backlog_bytes_max {
            return self.die(CloseReason::Slow);
        }
        backlog.bytes += rest.len();
        backlog.chunks.push_back(rest);
        backlog.claim.set(now, backlog.bytes, false, false);
    }
}

/// The connections of a worker, as the outlet of its hub.
pub(super) struct Lines<'a, L> {
    pub(super) connections: &'a mut Slab<Connection<L>>,
    pub(super) now: Time,
}

impl<L> Lines<'_, L> {
    fn open(&mut self, connection: ConnId) -> Option<&mut Connection<L>> {
        let held = self.connections.get_mut(connection.slot());
        held.filter(|held| held.id == connection && held.phase == Phase::Open)
    }
}

impl<L: Line> Outlet for Lines<'_, L> {
    fn write(&mut self, connection: ConnId, bytes: &[u8]) -> usize {
        match self.open(connection) {
            Some(connection) if connection.is_blocked || connection.has_backlog() => 0,
            Some(connection) => connection.try_write(bytes),
            None => bytes.len(),
        }
    }

    fn hold(&mut self, connection: ConnId, rest: Bytes) {
        let now = self.now;
        if let Some(connection) = self.open(connection) {
            let rest = if rest.len() < COPY_BYTES { Bytes::copy_from_slice(&rest) } else { rest };
            connection.keep(now, rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_surrounds_the_line_of_an_idle_connection_is_small() {
        // As many bytes as a socket has.
        assert!(size_of::<Connection<[u64; 4]>>() <= 192 && size_of::<Identity>() <= 64);
    }
}
