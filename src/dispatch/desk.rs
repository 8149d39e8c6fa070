//! The connections of this worker, and their seats in the feeds of subjects: who hears what. Which subjects there are, and what
//! they are about, it does not know.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use smallvec::SmallVec;

use super::feed::{Feed, Outlet, Place};
use super::item::Item;
use crate::id::{ByNumber, ConnId, NumberHash, SubjectId, Time};

/// A connection's place in one subject.
#[derive(Clone, Copy)]
struct Membership {
    subject: SubjectId,
    /// `None` while the subject has not yet said yes.
    place: Option<Place>,
    /// Requests to enter that are unanswered. While there are any, the word on earlier ones does not end the membership.
    asking: u32,
}

/// The subjects of one connection: nearly always one.
#[derive(Default)]
struct Reader {
    connection: Option<ConnId>,
    subjects: SmallVec<[Membership; 1]>,
}

/// A connection that ceases to hear a subject.
pub(super) struct Left {
    /// Places that it has missed for good, and has not been told of.
    pub missed: Option<super::feed::Missed>,
    /// Frames for it that it has not heard yet.
    pub unheard: Vec<Bytes>,
    /// It hears no other subject and is about to hear none.
    pub is_last: bool,
}

/// A seat, or one to come, that waits for the answer to a request.
struct Wait {
    sequence: u32,
    /// Frames for the connection that wait with it.
    frames: Vec<Bytes>,
}

/// The desk of one worker.
pub(super) struct Desk {
    worker: usize,
    feed_bytes_max: usize,
    // The box keeps the places small that a table has for no feed yet.
    feeds: ByNumber<SubjectId, Box<Feed>>,
    /// Feeds with frames of this turn.
    dirty: Vec<SubjectId>,
    readers: Vec<Reader>,
    scratch: Vec<u8>,
    /// Places of the readers that a frame names; empty between frames.
    places: Vec<Place>,
    /// Connections that hear a subject only once a request is answered.
    held_seats: HashMap<(ConnId, SubjectId), Wait, NumberHash>,
    /// Connections that hear their subject from the next flush on.
    released: Vec<(ConnId, SubjectId)>,
    /// Requests to enter that are unanswered.
    entering: HashSet<(ConnId, u32), NumberHash>,
}

impl Desk {
    pub fn new(worker: usize, feed_bytes_max: usize) -> Desk {
        Desk {
            worker,
            feed_bytes_max,
            feeds: ByNumber::default(),
            dirty: Vec::new(),
            readers: Vec::new(),
            scratch: Vec::new(),
            places: Vec::new(),
            held_seats: HashMap::default(),
            released: Vec::new(),
            entering: HashSet::default(),
        }
    }

    /// A connection has asked to hear a subject.
    pub fn await_seat(&mut self, subject: SubjectId, connection: ConnId, sequence: u32) {
        let memberships = self.memberships(connection);
        match memberships.iter_mut().find(|membership| membership.subject == subject) {
            Some(membership) => membership.asking += 1,
            None => memberships.push(Membership { subject, place: None, asking: 1 }),
        }
        self.entering.insert((connection, sequence));
    }

    /// A request is answered. Who was refused a seat, and asks no more, has none.
    pub fn note_answered(&mut self, subject: SubjectId, connection: ConnId, sequence: u32, is_granted: bool) {
        if self.entering.is_empty() || !self.entering.remove(&(connection, sequence)) {
            return;
        }
        let Some(reader) = self.reader_mut(connection) else { return };
        let Some(index) = reader.subjects.iter().position(|membership| membership.subject == subject) else { return };
        let membership = &mut reader.subjects[index];
        membership.asking = membership.asking.saturating_sub(1);
        if !is_granted && membership.asking == 0 && membership.place.is_none() {
            reader.subjects.swap_remove(index);
        }
    }

    /// A connection is gone: the subjects that it heard or was about to hear.
    pub fn remove(&mut self, connection: ConnId) -> impl Iterator<Item = SubjectId> + use<> {
        let subjects = self.reader_mut(connection).map(|reader| std::mem::take(reader).subjects).unwrap_or_default();
        if !self.held_seats.is_empty() {
            self.held_seats.retain(|(held, _), _| *held != connection);
        }
        for Membership { subject, place, .. } in &subjects {
            if let (Some(place), Some(feed)) = (place, self.feeds.get_mut(subject)) {
                feed.leave(*place);
            }
        }
        subjects.into_iter().map(|membership| membership.subject)
    }

    /// The subjects that a connection hears or is about to hear.
    pub fn subjects(&self, connection: ConnId) -> impl Iterator<Item = SubjectId> {
        let memberships = self.reader(connection).map_or(&[][..], |reader| &reader.subjects);
        memberships.iter().map(|membership| membership.subject)
    }

    /// A connection is about to hear a subject, but not before the request with this sequence is answered.
    pub fn hold(&mut self, subject: SubjectId, connection: ConnId, sequence: u32) {
        self.held_seats.insert((connection, subject), Wait { sequence, frames: Vec::new() });
    }

    /// From here on a connection hears a subject; with `held` once the request with this sequence is answered. Gives back the frames
    /// that it is to hear at once; none if it does not want to any more.
    pub fn join(&mut self, subject: SubjectId, connection: ConnId, held: Option<u32>, mut frames: Vec<Bytes>) -> Vec<Bytes> {
        let Some(reader) = self.readers.get_mut(connection.slot()).filter(|reader| reader.connection == Some(connection))
        else {
            return Vec::new();
        };
        let Some(membership) = reader.subjects.iter_mut().find(|membership| membership.subject == subject) else {
            return Vec::new();
        };
        if membership.place.is_none() {
            let feed = self.feeds.entry(subject).or_insert_with(|| Box::new(Feed::new(self.feed_bytes_max)));
            if let Some(sequence) = held {
                self.held_seats.insert((connection, subject), Wait { sequence, frames: Vec::new() });
            }
            let wait = if self.held_seats.is_empty() { None } else { self.held_seats.get_mut(&(connection, subject)) };
            membership.place = Some(match wait {
                Some(wait) => {
                    wait.frames.append(&mut frames);
                    feed.join_held(connection)
                }
                None => feed.join(connection),
            });
        }
        frames
    }

    /// A connection ceases to hear a subject; `None` if it did not.
    pub fn leave(&mut self, subject: SubjectId, connection: ConnId) -> Option<Left> {
        let reader = self.readers.get_mut(connection.slot()).filter(|reader| reader.connection == Some(connection))?;
        let index = reader.subjects.iter().position(|membership| membership.subject == subject)?;
        let place = reader.subjects[index].place.take();
        if reader.subjects[index].asking == 0 {
            reader.subjects.swap_remove(index);
        }
        let is_last = reader.subjects.is_empty();
        if !self.held_seats.is_empty() {
            self.held_seats.remove(&(connection, subject));
        }
        let (missed, unheard) = match (place, self.feeds.get_mut(&subject)) {
            (Some(place), Some(feed)) => (feed.missed(place), feed.leave(place)),
            _ => (None, Vec::new()),
        };
        Some(Left { missed, unheard, is_last })
    }

    /// Has a connection hear a subject from the next flush on, for what it missed is on its way. False if it waits for
    /// another request, or not at all.
    pub fn release(&mut self, subject: SubjectId, connection: ConnId, sequence: u32) -> bool {
        let key = (connection, subject);
        if self.held_seats.get(&key).is_none_or(|wait| wait.sequence != sequence) {
            return false;
        }
        self.held_seats.remove(&key);
        self.released.push(key);
        true
    }

    /// The same for all subjects that wait for this request. Gives the frames that waited.
    pub fn release_all(&mut self, connection: ConnId, sequence: u32) -> Vec<Bytes> {
        let mut frames = Vec::new();
        let released = &mut self.released;
        self.held_seats.retain(|key, wait| {
            let is_over = key.0 == connection && wait.sequence == sequence;
            if is_over {
                frames.append(&mut wait.frames);
                released.push(*key);
            }
            !is_over
        });
        frames
    }

    /// The connections to be released, and where they sit. They have to catch up.
    pub fn take_released(&mut self) -> Vec<(ConnId, SubjectId)> {
        let mut released = std::mem::take(&mut self.released);
        released.retain(|(connection, subject)| {
            let Some(place) = self.place(*connection, *subject) else { return false };
            if let Some(feed) = self.feeds.get_mut(subject) {
                feed.release(place);
            }
            true
        });
        released
    }

    /// Adds a frame to a subject's feed.
    pub fn append(&mut self, subject: SubjectId, item: Item) {
        let mut places = std::mem::take(&mut self.places);
        let named = item.audience.named_on(self.worker);
        places.extend(named.iter().filter_map(|connection| self.place(*connection, subject)));
        let feed = self.feeds.entry(subject).or_insert_with(|| Box::new(Feed::new(self.feed_bytes_max)));
        if !feed.is_dirty() {
            self.dirty.push(subject);
        }
        feed.append(item, &places);
        places.clear();
        self.places = places;
    }

    /// Writes the frames of this turn: each dirty feed once, one write per reader that is up to date. Gives the deliveries.
    pub fn flush(&mut self, now: Time, outlet: &mut impl Outlet) -> u64 {
        let mut deliveries = 0;
        for subject in std::mem::take(&mut self.dirty) {
            if let Some(feed) = self.feeds.get_mut(&subject) {
                deliveries += feed.flush(&mut self.scratch, outlet);
                feed.trim(now);
            }
        }
        deliveries
    }

    /// Writes on to a reader that lags. Gives the deliveries.
    pub fn catch_up(&mut self, connection: ConnId, subject: SubjectId, outlet: &mut impl Outlet) -> u64 {
        match (self.place(connection, subject), self.feeds.get_mut(&subject)) {
            (Some(place), Some(feed)) => feed.catch_up(place, &mut self.scratch, outlet),
            _ => 0,
        }
    }

    /// Items that a reader has missed for good.
    pub fn missed(&self, connection: ConnId, subject: SubjectId) -> Option<super::feed::Missed> {
        self.feeds.get(&subject)?.missed(self.place(connection, subject)?)
    }

    /// The feed of a subject, if this worker has one.
    pub fn feed(&self, subject: SubjectId) -> Option<&Feed> {
        self.feeds.get(&subject).map(|feed| &**feed)
    }

    /// The same, to be changed.
    pub fn feed_mut(&mut self, subject: SubjectId) -> Option<&mut Feed> {
        self.feeds.get_mut(&subject).map(|feed| &mut **feed)
    }

    /// A subject leaves memory: nobody hears it.
    pub fn forget(&mut self, subject: SubjectId) {
        self.feeds.remove(&subject);
    }

    /// Drops frames that are old, and feeds that nobody needs.
    pub fn trim(&mut self, now: Time) {
        self.feeds.retain(|_, feed| {
            feed.trim(now);
            feed.shrink();
            !feed.is_spent()
        });
    }

    /// Readers seated, and readers that lag.
    pub fn readers(&self) -> (usize, usize) {
        (self.feeds.values().map(|feed| feed.readers()).sum(), self.feeds.values().map(|feed| feed.laggards()).sum())
    }

    fn place(&self, connection: ConnId, subject: SubjectId) -> Option<Place> {
        if connection.worker() != self.worker {
            return None;
        }
        self.reader(connection)?.subjects.iter().find(|membership| membership.subject == subject)?.place
    }

    fn reader(&self, connection: ConnId) -> Option<&Reader> {
        self.readers.get(connection.slot()).filter(|reader| reader.connection == Some(connection))
    }

    fn reader_mut(&mut self, connection: ConnId) -> Option<&mut Reader> {
        self.readers.get_mut(connection.slot()).filter(|reader| reader.connection == Some(connection))
    }

    fn memberships(&mut self, connection: ConnId) -> &mut SmallVec<[Membership; 1]> {
        let slot = connection.slot();
        if self.readers.len() <= slot {
            self.readers.resize_with(slot + 1, Reader::default);
        }
        let reader = &mut self.readers[slot];
        if reader.connection != Some(connection) {
            *reader = Reader { connection: Some(connection), subjects: SmallVec::new() };
        }
        &mut reader.subjects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_of_one_subject_is_small() {
        assert!(size_of::<Reader>() <= 32);
    }
}
