//! What few connections have at a time. It stands apart, so that the many that are idle pay a pointer for it.

use std::sync::Arc;

use super::connection::{Connection, Resume};
use super::journey::Journey;
use super::ledger::Claim;
use super::pause::Parked;
use crate::dispatch::Asked;
use crate::id::{RoomId, Time};
use crate::room::{Ask, ClientFacts};
use crate::session::CloseReason;
use crate::wire::pb;

/// What few connections have at a time.
#[derive(Default)]
pub(crate) struct Rare {
    pub(crate) resume: Option<Box<Resume>>,
    /// Requests of several steps that wait for one, by their sequences: nearly always one.
    pub(super) journeys: Vec<(u32, Journey)>,
    /// Requests to enter rooms made by clients that wait for the account's owner: nearly always one.
    pub(super) reserving: Vec<(Asked, Ask)>,
    /// Requests that wait for their turn: nearly always one.
    pub(super) parked: Vec<Parked>,
    /// Since when the connection waits for what is none of its fault, or is refused because it has waited long enough.
    pub(super) busy_since: Option<Time>,
    /// Address and library of the client; only if its application wants joins and leaves.
    pub(super) client: Option<Arc<ClientFacts>>,
    /// Bytes received of an incomplete TLS record or handshake.
    pub(super) undeciphered: Option<Box<Claim>>,
    pub(super) end: Option<Box<End>>,
}

/// How a connection ends.
pub(super) struct End {
    pub(super) reason: CloseReason,
    /// Until when it may take to say its last word.
    pub(super) by: Time,
}

impl Rare {
    fn is_empty(&self) -> bool {
        let Rare { resume, journeys, reserving, parked, busy_since, undeciphered, client, end } = self;
        let is_calm = parked.is_empty() && busy_since.is_none() && undeciphered.is_none() && client.is_none() && end.is_none();
        is_calm && resume.is_none() && journeys.is_empty() && reserving.is_empty()
    }
}

impl<L> Connection<L> {
    /// Changes what is rare of the connection.
    pub(crate) fn change_rare<T>(&mut self, change: impl FnOnce(&mut Rare) -> T) -> T {
        let rare = self.rare.get_or_insert_default();
        let result = change(rare);
        if rare.is_empty() {
            self.rare = None;
        }
        result
    }

    /// The connection the client asks to take over from.
    pub(crate) fn resume(&self) -> Option<&Resume> {
        self.rare.as_ref()?.resume.as_deref()
    }

    /// Takes out how far the client was in a room it takes over: that counts for one entry, and later ones begin anew.
    pub(super) fn take_position(&mut self, room: RoomId) -> Option<pb::RoomPosition> {
        let rooms = &mut self.rare.as_mut()?.resume.as_mut()?.rooms;
        let at = rooms.iter().position(|position| position.room_id == room.get())?;
        Some(rooms.swap_remove(at))
    }

    /// Why the connection ends, once it does.
    pub(crate) fn close_reason(&self) -> Option<CloseReason> {
        Some(self.end()?.reason)
    }

    /// Until when a closing connection may take.
    pub(crate) fn close_by(&self) -> Time {
        self.end().map_or(Time::default(), |end| end.by)
    }

    fn end(&self) -> Option<&End> {
        self.rare.as_ref()?.end.as_deref()
    }
}
