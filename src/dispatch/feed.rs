//! A subject's recent frames on one worker, and where each of the worker's connections stands in them (architecture.md §5).
//!
//! Connections that are up to date share one position and own nothing. One that falls behind gets a cursor; it catches up from
//! the ring when its socket takes bytes again, and is told the gap if the ring has overtaken it.

use std::collections::VecDeque;
use std::num::NonZeroU32;

use bytes::Bytes;
use slab::Slab;

use super::downlink::Allowance;
use super::item::Item;
use super::saved::Saved;
use crate::id::{ConnId, Seq, Time};
use crate::limits::{FEED_AGE_MS, FEED_FRAMES_MAX, READ_BYTES, RESUME_ITEMS_MAX};
use crate::planted::{self, Bug};
use crate::subject::{Audience, Class, Downlink, Lazy};

/// Where bytes for a connection go. A connection that is gone takes everything.
pub trait Outlet {
    /// Hands `bytes` to the connection's socket and returns how many it took; fewer than all means it is blocked.
    fn write(&mut self, connection: ConnId, bytes: &[u8]) -> usize;

    /// Keeps what is left of a frame that was begun, to be written before anything else.
    fn hold(&mut self, connection: ConnId, rest: Bytes);
}

/// A connection's place in a feed, stable for as long as it stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place(NonZeroU32);

impl Place {
    /// One more than the index, so that "no place" needs no room of its own.
    fn new(index: u32) -> Place {
        Place(NonZeroU32::MIN.saturating_add(index))
    }

    fn number(self) -> u32 {
        self.0.get() - 1
    }

    fn index(self) -> usize {
        self.number() as usize
    }
}

#[derive(Clone, Copy)]
struct Seat {
    connection: Option<ConnId>,
    /// Key of the cursor in `laggards`; `UP_TO_DATE` for nearly everybody.
    lag: u32,
    /// Some frame of this turn is for this connection and not for the many, or the other way round.
    apart: bool,
    /// The frames the reader missed are being read: until they are, it receives nothing, and it has a cursor.
    held: bool,
}

/// Who reads, and what it has been sent where that is limited.
#[derive(Clone, Copy)]
struct Reader {
    connection: ConnId,
    downlink: Downlink,
    allowance: Allowance,
}

impl Reader {
    /// True if it hears a frame; to be asked once for each, in their order.
    fn hears(&mut self, item: &Item) -> bool {
        item.is_for(self.connection)
            && (!self.downlink.is_set()
                || self.allowance.takes(&self.downlink, self.connection, item.seq.0, item.class, item.at))
    }
}

const UP_TO_DATE: u32 = u32::MAX;

/// What a reader that fell behind misses for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Missed {
    /// First number missed.
    pub first: Seq,
    /// Last number missed.
    pub last: Seq,
    /// Even notifications are lost: the connection has to go (chatroom.md §e.7).
    pub is_hopeless: bool,
}

/// Where a reader stands that is not up to date.
#[derive(Clone, Copy)]
struct Cursor {
    /// Running number of the frame it goes on with.
    next: u64,
    /// Number of the last frame it was served.
    heard: Seq,
    /// Whose it is.
    connection: ConnId,
}

/// The recent frames of one subject on one worker, and its readers there.
pub struct Feed {
    /// Frames in order; the first has the running number `first`.
    ring: VecDeque<Item>,
    first: u64,
    ring_bytes: usize,
    bytes_max: usize,
    /// Running number up to which everybody who is up to date has been served.
    flushed: u64,
    saved: Lazy<Saved>,
    /// Readers that stand before this running number have lost a notification for good.
    saved_from: u64,
    /// Last number of what has left the ring.
    dropped: Seq,
    seats: Vec<Seat>,
    free: Vec<u32>,
    laggards: Slab<Cursor>,
    /// Seats that are `apart`.
    apart: Vec<u32>,
    /// Seats whose cursor was set while frames waited to be flushed.
    unsettled: Vec<u32>,
    /// How many of the frames that wait are for the many.
    common: u64,
    downlink: Downlink,
    /// What each seat was sent lately; empty while nothing is limited.
    allowances: Vec<Allowance>,
}

impl Feed {
    /// An empty feed that keeps at most `bytes_max` bytes of frames.
    pub fn new(bytes_max: usize) -> Feed {
        Feed {
            ring: VecDeque::new(),
            first: 0,
            ring_bytes: 0,
            bytes_max,
            flushed: 0,
            saved: Lazy::default(),
            saved_from: 0,
            dropped: Seq(0),
            seats: Vec::new(),
            free: Vec::new(),
            laggards: Slab::new(),
            apart: Vec::new(),
            unsettled: Vec::new(),
            common: 0,
            downlink: Downlink::default(),
            allowances: Vec::new(),
        }
    }

    /// How many connections read this feed.
    pub fn readers(&self) -> usize {
        self.seats.len() - self.free.len()
    }

    /// How many readers lag.
    pub fn laggards(&self) -> usize {
        self.laggards.len()
    }

    /// True if frames wait for [`Feed::flush`].
    pub fn is_dirty(&self) -> bool {
        self.flushed < self.end()
    }

    /// True if nobody reads it and nothing is kept.
    pub fn is_spent(&self) -> bool {
        self.readers() == 0 && self.ring.is_empty()
    }

    fn end(&self) -> u64 {
        self.first + self.ring.len() as u64
    }

    /// Seats a connection that hears everything from here on, and nothing before.
    pub fn join(&mut self, connection: ConnId) -> Place {
        self.seat(connection, false)
    }

    /// As [`Feed::join`], for a connection that hears what comes only from [`Feed::release`] on: until then it lags.
    pub fn join_held(&mut self, connection: ConnId) -> Place {
        self.seat(connection, true)
    }

    /// A held reader may hear what has come.
    pub fn release(&mut self, place: Place) {
        if let Some(seat) = self.seats.get_mut(place.index()) {
            seat.held = false;
        }
    }

    /// The ring does not have what stands, up to this entry: no reader resumes from before it without the log.
    pub fn distrust(&mut self, last: Seq) {
        self.dropped = self.dropped.max(last);
    }

    fn seat(&mut self, connection: ConnId, held: bool) -> Place {
        // Frames of this turn came before it: its cursor stands behind them, and `flush` knows it by that.
        let lag = if held || self.is_dirty() { self.cursor(self.end(), connection) } else { UP_TO_DATE };
        let seat = Seat { connection: Some(connection), lag, apart: false, held };
        let place = match self.free.pop() {
            Some(place) => {
                self.seats[place as usize] = seat;
                self.allow(place as usize, Allowance::default());
                place
            }
            None => {
                if self.seats.len() == self.seats.capacity() {
                    self.seats.reserve_exact(self.seats.len() / 4 + 2);
                }
                self.seats.push(seat);
                if self.downlink.is_set() {
                    self.allowances.push(Allowance::default());
                }
                u32::try_from(self.seats.len() - 1).expect("a worker holds at most 16 M connections")
            }
        };
        if lag != UP_TO_DATE {
            self.unsettled.push(place);
        }
        Place::new(place)
    }

    /// Unseats a connection and returns the frames it has yet to hear.
    pub fn leave(&mut self, place: Place) -> Vec<Bytes> {
        let Some(seat) = self.seats.get_mut(place.index()) else { return Vec::new() };
        let Some(connection) = seat.connection.take() else { return Vec::new() };
        let is_held = std::mem::take(&mut seat.held);
        let lag = std::mem::replace(&mut seat.lag, UP_TO_DATE);
        let next = if lag == UP_TO_DATE { self.flushed } else { self.laggards.remove(lag as usize).next };
        let mut reader = self.reader(place.index(), connection);
        self.free.push(place.number());
        if self.free.len() == self.seats.len() {
            self.allowances = Vec::new();
            self.seats = Vec::new();
            self.free = Vec::new();
            self.apart.clear();
            self.unsettled.clear();
        }
        if is_held {
            return Vec::new();
        }
        let unheard = self.saved.since(next).chain(self.ring.range(self.index(next)..));
        unheard.filter(|item| reader.hears(item)).map(|item| item.frame.clone()).collect()
    }

    /// Adds a frame; it is written at the next [`Feed::flush`]. `named` are the places of those readers here that its audience
    /// names.
    pub fn append(&mut self, item: Item, named: &[Place]) {
        if self.end() == 0 {
            // What came before this feed began is not here: nobody resumes from it without a gap.
            self.dropped = Seq(item.seq.0.saturating_sub(1));
        }
        self.common += u64::from(item.is_common());
        for place in named {
            if let Some(seat) = self.seats.get_mut(place.index()).filter(|seat| !seat.apart) {
                seat.apart = true;
                self.apart.push(place.number());
            }
        }
        if item.downlink != self.downlink {
            self.limit(item.downlink);
        }
        self.ring_bytes += item.weight();
        if self.ring.len() == self.ring.capacity() {
            // A quarter more instead of twice as much: every busy room of a node has one of these.
            self.ring.reserve_exact(self.ring.len() / 4 + 2);
        }
        self.ring.push_back(item);
        if planted::is(Bug::FeedOvertakes)
            && let Some(before) = self.ring.len().checked_sub(2).filter(|_| self.flushed + 1 < self.end())
        {
            self.ring.swap(before, before + 1);
        }
    }

    /// Writes the frames of this turn to every reader that is up to date, one write each for those who hear what the many hear.
    /// Readers that hear none of them are not visited where no frame is for the many. Returns how many deliveries the sockets
    /// took. `scratch` is the worker's.
    pub fn flush(&mut self, scratch: &mut Vec<u8>, outlet: &mut impl Outlet) -> u64 {
        let (from, end, common) = (self.flushed, self.end(), self.common);
        let mut deliveries = 0;
        if common > 0 {
            let mut whole = std::mem::take(scratch);
            whole.clear();
            let fresh = self.ring.range(self.index(from)..);
            fresh.filter(|item| item.is_common()).for_each(|item| whole.extend_from_slice(&item.frame));
            for index in 0..self.seats.len() {
                let Seat { connection: Some(connection), lag, apart, .. } = self.seats[index] else { continue };
                if lag == UP_TO_DATE && self.downlink.is_set() {
                    // Where readers are limited, nobody hears just what the many hear.
                    self.seats[index].apart = true;
                }
                if lag != UP_TO_DATE || apart || self.downlink.is_set() {
                    self.flush_apart(index, scratch, outlet, &mut deliveries);
                    continue;
                }
                let taken = outlet.write(connection, &whole);
                if taken == whole.len() {
                    deliveries += common;
                    continue;
                }
                let (next, rest) = self.reached(from, taken, Item::is_common);
                let heard = self.ring.range(self.index(from)..self.index(next)).filter(|item| item.is_common());
                deliveries += heard.count() as u64;
                if let Some(rest) = rest {
                    outlet.hold(connection, rest);
                }
                if next < end {
                    self.seats[index].lag = self.cursor(next, connection);
                }
            }
            *scratch = whole;
        } else {
            for index in 0..self.apart.len() {
                self.flush_apart(self.apart[index] as usize, scratch, outlet, &mut deliveries);
            }
            for index in 0..self.unsettled.len() {
                self.flush_apart(self.unsettled[index] as usize, scratch, outlet, &mut deliveries);
            }
        }
        self.flushed = end;
        for place in self.apart.drain(..) {
            if let Some(seat) = self.seats.get_mut(place as usize) {
                seat.apart = false;
            }
        }
        self.unsettled.clear();
        self.common = 0;
        deliveries
    }

    /// Writes the frames of this turn to a reader that may not hear what the many hear, or has heard some of them. Nothing
    /// happens to one that has fallen behind, and nothing happens twice.
    fn flush_apart(&mut self, index: usize, scratch: &mut Vec<u8>, outlet: &mut impl Outlet, deliveries: &mut u64) {
        let from = self.flushed;
        let Some(&Seat { connection: Some(connection), lag, apart, held: false }) = self.seats.get(index) else { return };
        let start = if lag != UP_TO_DATE {
            let cursor = self.laggards[lag as usize].next;
            if cursor < from {
                return;
            }
            self.laggards.remove(lag as usize);
            cursor
        } else if apart {
            from
        } else {
            return;
        };
        let next = self.serve(start, index, connection, scratch, outlet, deliveries);
        let lag = if next < self.end() { self.cursor(next, connection) } else { UP_TO_DATE };
        let seat = &mut self.seats[index];
        (seat.lag, seat.apart) = (lag, false);
    }

    /// What a reader misses for good because the ring has overtaken it; `None` if nothing. Notifications in between come all
    /// the same, unless it is hopeless.
    pub fn missed(&self, place: Place) -> Option<Missed> {
        let seat = self.seats.get(place.index()).filter(|seat| seat.connection.is_some() && seat.lag != UP_TO_DATE)?;
        if seat.held {
            return None;
        }
        let Cursor { next, heard, .. } = self.laggards[seat.lag as usize];
        let is_hopeless = next < self.saved_from;
        (next < self.first).then_some(Missed { first: heard.next(), last: self.dropped, is_hopeless })
    }

    /// Writes on to a reader whose socket takes bytes again. Returns how many deliveries the socket took.
    pub fn catch_up(&mut self, place: Place, scratch: &mut Vec<u8>, outlet: &mut impl Outlet) -> u64 {
        let mut deliveries = 0;
        let Some(&Seat { connection: Some(connection), lag, held: false, .. }) = self.seats.get(place.index()) else {
            return 0;
        };
        if lag == UP_TO_DATE {
            return 0;
        }
        let Cursor { mut next, .. } = self.laggards[lag as usize];
        let index = place.index();
        if next < self.first {
            let mut reader = self.reader(index, connection);
            for item in self.saved.since(next) {
                if reader.hears(item) {
                    let taken = outlet.write(connection, &item.frame);
                    if taken < item.frame.len() {
                        outlet.hold(connection, item.frame.slice(taken..));
                    }
                    deliveries += 1;
                }
            }
            self.allow(index, reader.allowance);
            next = self.first;
        }
        next = self.serve(next, index, connection, scratch, outlet, &mut deliveries);
        self.laggards.remove(lag as usize);
        self.seats[place.index()].lag =
            if next == self.flushed && !self.is_dirty() { UP_TO_DATE } else { self.cursor(next, connection) };
        if self.is_dirty() {
            self.unsettled.push(place.number());
        }
        deliveries
    }

    /// Frames after `seq` for a connection that resumes in place of `replaces`; `None` when some are no longer here.
    pub fn replay(&self, seq: Seq, replaces: ConnId) -> Option<Vec<Bytes>> {
        // A feed that never had a frame knows nothing of what came before it.
        if seq < self.dropped || self.end() == 0 {
            return None;
        }
        let missed: Vec<_> = self.ring.iter().filter(|item| item.seq > seq && item.is_for(replaces)).collect();
        (missed.len() <= RESUME_ITEMS_MAX).then(|| missed.into_iter().map(|item| item.frame.clone()).collect())
    }

    /// Drops what no reader and no resume needs any more.
    pub fn trim(&mut self, now: Time) {
        let slowest = self.laggards.iter().map(|(_, cursor)| cursor.next).min().unwrap_or(u64::MAX).min(self.flushed);
        while let Some(item) = self.ring.front() {
            let is_needed = slowest <= self.first;
            let is_recent = now.ms_since(item.at) < FEED_AGE_MS && self.ring.len() <= RESUME_ITEMS_MAX;
            let has_room = self.ring_bytes <= self.bytes_max && self.ring.len() <= FEED_FRAMES_MAX;
            if self.first >= self.flushed || has_room && (is_needed || is_recent) {
                break;
            }
            self.drop_oldest();
        }
        if self.laggards.is_empty() && self.saved.present().is_some() {
            self.saved = Lazy::default();
        }
        if self.ring.is_empty() && self.ring.capacity() > 0 {
            self.ring = VecDeque::new();
        }
    }

    fn drop_oldest(&mut self) {
        let Some(item) = self.ring.pop_front() else { return };
        self.ring_bytes -= item.weight();
        self.dropped = self.dropped.max(item.seq);
        let number = self.first;
        self.first += 1;
        if item.class == Class::Normal {
            return;
        }
        let lacking = self.laggards.iter().filter(|(_, cursor)| cursor.next <= number && item.is_for(cursor.connection));
        let mut lacking: Vec<ConnId> = lacking.map(|(_, cursor)| cursor.connection).collect();
        if !lacking.is_empty() {
            lacking.sort_unstable();
            let item = Item { audience: Audience::Only(lacking.into()), ..item };
            if let Some(lost) = self.saved.add(number, item) {
                self.saved_from = lost + 1;
            }
        }
    }

    /// Gives memory back that a burst of frames or of laggards took; to be called now and then.
    pub fn shrink(&mut self) {
        if self.laggards.is_empty() {
            self.laggards = Slab::new();
        }
        if self.ring.len() < self.ring.capacity() / 4 {
            self.ring.shrink_to(2 * self.ring.len());
        }
        self.apart.shrink_to_fit();
        self.unsettled.shrink_to_fit();
    }

    fn cursor(&mut self, next: u64, connection: ConnId) -> u32 {
        let heard = match self.index(next).checked_sub(1) {
            Some(before) => self.ring[before].seq,
            None => self.dropped,
        };
        u32::try_from(self.laggards.insert(Cursor { next, heard, connection }))
            .expect("a worker holds at most 16 M connections")
    }

    fn index(&self, number: u64) -> usize {
        usize::try_from(number.saturating_sub(self.first)).map_or(self.ring.len(), |index| index.min(self.ring.len()))
    }

    fn reader(&self, index: usize, connection: ConnId) -> Reader {
        let allowance = self.allowances.get(index).copied().unwrap_or_default();
        Reader { connection, downlink: self.downlink, allowance }
    }

    /// From now on a reader is sent no more than this.
    fn limit(&mut self, downlink: Downlink) {
        self.downlink = downlink;
        if downlink.is_set() {
            self.allowances.resize(self.seats.len(), Allowance::default());
        } else {
            self.allowances = Vec::new();
        }
    }

    fn allow(&mut self, index: usize, allowance: Allowance) {
        if let Some(own) = self.allowances.get_mut(index) {
            *own = allowance;
        }
    }

    /// Writes what the reader at `index` may hear from running number `from` on, several frames a write, until the end or until
    /// it is blocked. Returns where it stands then.
    fn serve(
        &mut self,
        from: u64,
        index: usize,
        connection: ConnId,
        scratch: &mut Vec<u8>,
        outlet: &mut impl Outlet,
        deliveries: &mut u64,
    ) -> u64 {
        let mut next = from;
        let mut reader = self.reader(index, connection);
        if self.downlink.is_set() {
            let normal = |item: &&Item| item.class == Class::Normal && item.is_for(connection);
            reader.allowance.look_at(self.ring.range(self.index(from)..).filter(normal).map(|item| &item.at));
        }
        while next < self.end() {
            scratch.clear();
            let before = reader;
            let (mut until, mut heard) = (next, 0);
            for item in self.ring.range(self.index(next)..) {
                if reader.hears(item) {
                    scratch.extend_from_slice(&item.frame);
                    heard += 1;
                }
                until += 1;
                if scratch.len() >= READ_BYTES {
                    break;
                }
            }
            let taken = if scratch.is_empty() { 0 } else { outlet.write(connection, scratch) };
            if taken < scratch.len() {
                (reader, heard) = (before, 0);
                let (reached, rest) = self.reached(next, taken, |item| {
                    let hears = reader.hears(item);
                    heard += u64::from(hears);
                    hears
                });
                *deliveries += heard;
                if let Some(rest) = rest {
                    outlet.hold(connection, rest);
                }
                self.allow(index, reader.allowance);
                return reached;
            }
            *deliveries += heard;
            next = until;
        }
        self.allow(index, reader.allowance);
        next
    }

    /// How far `taken` bytes reach when the frames that `is_for` admits are written from running number `from` on: the frame to
    /// go on with, and what is left of the one that was begun.
    fn reached(&self, from: u64, taken: usize, mut is_for: impl FnMut(&Item) -> bool) -> (u64, Option<Bytes>) {
        let mut left = taken;
        let mut next = from;
        for item in self.ring.range(self.index(from)..) {
            if left == 0 {
                break;
            }
            if is_for(item) {
                if left < item.frame.len() {
                    return (next + 1, Some(item.frame.slice(left..)));
                }
                left -= item.frame.len();
            }
            next += 1;
        }
        (next, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_small_and_no_place_takes_no_room() {
        assert_eq!((size_of::<Seat>(), size_of::<Option<Place>>()), (16, 4));
    }
}
