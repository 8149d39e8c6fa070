//! A client's open requests: those on their way, and those that wait for a connection.

use std::collections::{BTreeMap, BTreeSet};

use super::client::RequestId;
use crate::id::Time;
use crate::wire::Request;

/// Why a request is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// The host asked.
    Host,
    /// The session itself enters this room again.
    Enter {
        /// The room.
        room_id: i64,
    },
}

/// One open request.
#[derive(Debug)]
pub(super) struct Open {
    pub purpose: Purpose,
    /// The kind its response must have.
    pub kind: u16,
    /// The sequence it was sent with; 0 while it waits for a connection.
    pub sequence: u32,
    /// When it ends with 408, as things are; `None` for one that may wait.
    pub deadline: Option<Time>,
    /// When it ends with 408 if no connection comes; for a send, wherever it is by then.
    expires: Option<Time>,
    /// When it was sent over the present connection.
    sent_at: Option<Time>,
    /// It was sent, over this connection or an earlier one.
    pub was_sent: bool,
    /// The request, while it waits and where its answer or its repetition needs it.
    pub request: Option<Request>,
}

/// All open requests, by the order in which they were made, by sequence and by deadline.
#[derive(Debug, Default)]
pub(super) struct Pending {
    open: BTreeMap<RequestId, Open>,
    sequences: BTreeMap<u32, RequestId>,
    deadlines: BTreeSet<(Time, RequestId)>,
    last_sequence: u32,
}

impl Pending {
    /// How many requests are open.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Adds a request that was not sent yet.
    pub fn insert(&mut self, id: RequestId, purpose: Purpose, request: Request, deadline: Option<Time>) {
        self.deadlines.extend(deadline.map(|at| (at, id)));
        let kind = request.kind() as u16;
        let open = Open {
            purpose,
            kind,
            sequence: 0,
            deadline,
            expires: deadline,
            sent_at: None,
            was_sent: false,
            request: Some(request),
        };
        self.open.insert(id, open);
    }

    /// Takes a request out.
    pub fn remove(&mut self, id: RequestId) -> Option<Open> {
        let open = self.open.remove(&id)?;
        self.sequences.remove(&open.sequence);
        if let Some(at) = open.deadline {
            self.deadlines.remove(&(at, id));
        }
        Some(open)
    }

    /// One open request, to change its request; sequence and deadline change through the methods here.
    pub fn open_mut(&mut self, id: RequestId) -> Option<&mut Open> {
        self.open.get_mut(&id)
    }

    /// A sequence that no open request has.
    pub fn next_sequence(&mut self) -> u32 {
        loop {
            self.last_sequence = self.last_sequence.wrapping_add(1);
            if self.last_sequence != 0 && !self.sequences.contains_key(&self.last_sequence) {
                return self.last_sequence;
            }
        }
    }

    /// The request goes out with this sequence, and ends at this time; a send no later than it expires.
    pub fn sent(&mut self, id: RequestId, sequence: u32, now: Time, mut deadline: Time) {
        self.sequences.insert(sequence, id);
        if let Some(open) = self.open.get_mut(&id) {
            open.sequence = sequence;
            open.sent_at = Some(now);
            open.was_sent = true;
            if let (Some(Request::MessageSend(_)), Some(expires)) = (&open.request, open.expires) {
                deadline = deadline.min(expires);
            }
        }
        self.set_deadline(id, Some(deadline));
    }

    /// True if a request's time has passed, whether or not its timer has fired.
    pub fn has_expired(&self, id: RequestId, now: Time) -> bool {
        self.open.get(&id).and_then(|open| open.expires).is_some_and(|at| at <= now)
    }

    /// When a request was sent over the present connection.
    pub fn sent_at(&self, id: RequestId) -> Option<Time> {
        self.open.get(&id)?.sent_at
    }

    /// The request waits for another connection, until it expires.
    pub fn unsent(&mut self, id: RequestId) {
        let Some(open) = self.open.get_mut(&id) else { return };
        self.sequences.remove(&open.sequence);
        open.sequence = 0;
        open.sent_at = None;
        let expires = open.expires;
        self.set_deadline(id, expires);
    }

    fn set_deadline(&mut self, id: RequestId, deadline: Option<Time>) {
        let Some(open) = self.open.get_mut(&id) else { return };
        if let Some(at) = open.deadline {
            self.deadlines.remove(&(at, id));
        }
        open.deadline = deadline;
        self.deadlines.extend(deadline.map(|at| (at, id)));
    }

    /// The request that was sent with this sequence and expects a response of this kind.
    pub fn awaited(&self, sequence: u32, kind: u16) -> Option<RequestId> {
        let id = self.sequences.get(&sequence)?;
        self.open.get(id).filter(|open| open.kind == kind).map(|_| *id)
    }

    /// The requests that were sent, in the order in which they were made.
    pub fn sent_ids(&self) -> Vec<RequestId> {
        self.open.iter().filter(|(_, open)| open.sequence != 0).map(|(id, _)| *id).collect()
    }

    /// The requests that wait for a connection, in the order in which they were made.
    pub fn unsent_ids(&self) -> Vec<RequestId> {
        self.open.iter().filter(|(_, open)| open.sequence == 0).map(|(id, _)| *id).collect()
    }

    /// The oldest open request.
    pub fn first(&self) -> Option<RequestId> {
        self.open.keys().next().copied()
    }

    /// True if a request of the session's own that enters rooms is open.
    pub fn is_entering(&self) -> bool {
        self.open.values().any(|open| open.purpose != Purpose::Host)
    }

    /// True if a request that leads into a room is on its way.
    pub fn is_coming_in(&self) -> bool {
        let leads_in = |open: &Open| {
            matches!(&open.request, Some(Request::RoomEnter(_) | Request::RoomCreate(_) | Request::RoomSwitch(_)))
        };
        self.open.values().any(|open| open.sequence != 0 && leads_in(open))
    }

    /// The earliest deadline.
    pub fn deadline(&self) -> Option<Time> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// A request whose deadline has passed.
    pub fn overdue(&self, now: Time) -> Option<RequestId> {
        self.deadlines.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }
}
