//! All hours and days that are not over, of all applications: what is added, what is asked, what is written down, what is over.
//! Reads no clock and no disk.

use std::collections::{BTreeMap, HashMap};

use super::calendar::{Period, Span, days_before};
use super::period::{Addition, Counted, Held, RoomFigures, Rooms, TopOrder};
use super::rows::{self, Change};
use crate::error::Status;
use crate::id::{RoomId, UnixMs};
use crate::limits;

/// Which rooms lead is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TopQuery {
    /// Within an hour or within a day.
    pub period: Period,
    /// A moment in it; `None`: now.
    pub at: Option<UnixMs>,
    /// By what.
    pub order: TopOrder,
    /// How many, at most [`TOP_ROOMS_MAX`](limits::TOP_ROOMS_MAX).
    pub count: usize,
}

/// Which rooms lead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopRooms {
    /// Within an hour or within a day.
    pub period: Period,
    /// When it began.
    pub start: UnixMs,
    /// The first rooms in the order that was asked for; of equal ones the room with the smaller number first.
    pub rooms: Vec<RoomFigures>,
}

/// Where the answer to a question is.
pub(super) enum Found {
    /// Here.
    Here(Vec<RoomFigures>),
    /// In the store, if there is one.
    InStore,
}

/// What happened in a room, with hashes in place of the accounts.
pub(super) struct Hashed {
    pub app_key: Box<str>,
    pub room: RoomId,
    pub enters: u32,
    pub messages: u32,
    pub accounts: Vec<u64>,
}

/// An application, and the rooms that lead in it.
pub(super) type Leaders = (Box<str>, Vec<RoomFigures>);

/// The hours and days that are not over.
pub(super) struct Book {
    /// How far the clocks of its hours and days are ahead of UTC.
    ahead_ms: i64,
    open: BTreeMap<Span, HashMap<Box<str>, Rooms>>,
    held: Held,
    /// Accounts of a room that are counted exactly, as long as all of them together are not too many.
    exact_max: usize,
    accounts_max: usize,
    rooms_max: usize,
}

impl Book {
    pub fn new(ahead_ms: i64) -> Book {
        Book::bounded(ahead_ms, limits::FIGURES_ROOMS_MAX, limits::FIGURES_ACCOUNTS_MAX)
    }

    fn bounded(ahead_ms: i64, rooms_max: usize, accounts_max: usize) -> Book {
        let exact_max = limits::FIGURES_EXACT_MAX;
        Book { ahead_ms, open: BTreeMap::new(), held: Held::default(), exact_max, accounts_max, rooms_max }
    }

    pub fn ahead_ms(&self) -> i64 {
        self.ahead_ms
    }

    /// Adds what happened in a room within a quarter of an hour. False if there is no place for the room, or if the hour is long
    /// over: then that, or the part of it that is over, is lost.
    pub fn add(&mut self, now: UnixMs, quarter: UnixMs, tally: &Hashed) -> bool {
        let mut is_whole = true;
        for period in Period::ALL {
            let span = Span::of(period, quarter, self.ahead_ms);
            if is_over(span, now) {
                is_whole = false;
                continue;
            }
            let apps = self.open.entry(span).or_default();
            if !apps.contains_key(&tally.app_key) {
                apps.insert(tally.app_key.clone(), Rooms::default());
            }
            let Some(rooms) = apps.get_mut(&tally.app_key) else { continue };
            let Hashed { room, enters, messages, ref accounts, .. } = *tally;
            let may_grow = self.held.rooms < self.rooms_max;
            let more = rooms.add(&Addition { room, enters, messages, accounts }, self.exact_max, may_grow);
            is_whole &= may_grow || rooms.has(room);
            self.held.rooms += more.rooms;
            self.held.accounts += more.accounts;
        }
        while self.held.accounts > self.accounts_max && self.exact_max > limits::FIGURES_EXACT_MIN {
            self.exact_max = (self.exact_max / 2).max(limits::FIGURES_EXACT_MIN);
            let gone: usize =
                self.open.values_mut().flat_map(HashMap::values_mut).map(|rooms| rooms.trim(self.exact_max)).sum();
            self.held.accounts -= gone.min(self.held.accounts);
        }
        is_whole
    }

    /// Takes a room over that was written down before the node started.
    pub fn restore(&mut self, span: Span, app_key: &str, counted: Counted) {
        let rooms = self.open.entry(span).or_default().entry(app_key.into()).or_default();
        let more = rooms.restore(counted);
        self.held.rooms += more.rooms;
        self.held.accounts += more.accounts;
    }

    /// The hour or day a question is about, and where its answer is. 414 if that has not begun or lies further back than figures
    /// are kept. A day has no figures until it is over.
    pub fn find(&self, now: UnixMs, app_key: &str, query: &TopQuery) -> Result<(Span, Found), Status> {
        let at = query.at.unwrap_or(now);
        let span = Span::of(query.period, at, self.ahead_ms);
        if span.start > now {
            return Err(Status::bad_parameter("timestamp lies in the future"));
        }
        if at < days_before(now, limits::FIGURES_DAYS, self.ahead_ms) {
            return Err(Status::bad_parameter(format!("timestamp lies more than {} days back", limits::FIGURES_DAYS)));
        }
        if query.period == Period::Day && span.end() > now {
            return Ok((span, Found::Here(Vec::new())));
        }
        let found = match self.open.get(&span) {
            Some(apps) => Found::Here(apps.get(app_key).map(|rooms| rooms.top(query.order, query.count)).unwrap_or_default()),
            None => Found::InStore,
        };
        Ok((span, found))
    }

    /// The rows of some rooms that have changed since they were last written down, as many as one write should hold; none:
    /// everything is written.
    pub fn take_changes(&mut self) -> Vec<Change> {
        let (mut changes, mut bytes) = (Vec::new(), 0);
        for (span, apps) in &mut self.open {
            for (app_key, rooms) in apps {
                while changes.len() < limits::FIGURES_STEP && bytes < limits::FIGURES_STEP_BYTES {
                    let Some((counted, fresh)) = rooms.pop_changed() else { break };
                    bytes += rows::write_room(*span, app_key, counted, &fresh, &mut changes);
                }
            }
        }
        changes
    }

    /// The hours and days that are over, and what is to be kept of each for each application.
    pub fn over(&self, now: UnixMs) -> Vec<(Span, Vec<Leaders>)> {
        let over = self.open.iter().filter(|(span, _)| is_over(**span, now));
        let leaders =
            |apps: &HashMap<Box<str>, Rooms>| apps.iter().map(|(app_key, rooms)| (app_key.clone(), rooms.leaders())).collect();
        over.map(|(span, apps)| (*span, leaders(apps))).collect()
    }

    /// Lets go of an hour or day that is over, once the store has what is to be kept of it.
    pub fn close(&mut self, span: Span) -> HashMap<Box<str>, Rooms> {
        self.open.remove(&span).unwrap_or_default()
    }

    /// So much less is held. Once there is room again, rooms are counted as exactly as before; what is a sample stays one.
    pub fn release(&mut self, held: Held) {
        self.held.rooms -= held.rooms.min(self.held.rooms);
        self.held.accounts -= held.accounts.min(self.held.accounts);
        if self.held.accounts < self.accounts_max / 4 {
            self.exact_max = limits::FIGURES_EXACT_MAX;
        }
    }
}

/// True if nothing more is taken for an hour or day.
pub(super) fn is_over(span: Span, now: UnixMs) -> bool {
    span.end().0.saturating_add(limits::FIGURES_LATE_MS) <= now.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_699_999_200_000);

    fn tally(room: i64, accounts: std::ops::Range<u64>) -> Hashed {
        // Spread as hashes are.
        let accounts = accounts.map(|number| number.wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
        Hashed { app_key: "app".into(), room: RoomId::new(room).unwrap(), enters: 1, messages: 0, accounts }
    }

    #[test]
    fn no_more_rooms_are_held_than_the_bound() {
        // Each room counts twice: in its hour and in its day.
        let mut book = Book::bounded(0, 4, 1000);
        assert!(book.add(NOW, NOW, &tally(1, 0..1)) && book.add(NOW, NOW, &tally(2, 0..1)));
        assert!(!book.add(NOW, NOW, &tally(3, 0..1)), "there is no place for it");
        assert!(book.add(NOW, NOW, &tally(2, 1..2)), "but for what is here already");
        assert_eq!(book.held, Held { rooms: 4, accounts: 6 });
        let later = UnixMs(NOW.0 + 3 * 3_600_000);
        for (span, _) in book.over(later) {
            for rooms in book.close(span).into_values() {
                book.release(rooms.held());
            }
        }
        assert_eq!(book.held, Held::default());
        assert!(book.add(later, later, &tally(3, 0..1)));
    }

    #[test]
    fn too_many_accounts_make_the_figures_less_exact_but_never_more_than_the_bound() {
        let mut book = Book::bounded(0, 1000, 4000);
        for room in 1..=40 {
            book.add(NOW, NOW, &tally(room, 0..100));
            assert!(book.held.accounts <= 4000);
        }
        assert_eq!(book.exact_max, 32);
        let query = TopQuery { period: Period::Hour, at: None, order: TopOrder::Active, count: 40 };
        let Ok((_, Found::Here(rooms))) = book.find(NOW, "app", &query) else { panic!("the hour is not over") };
        // A sample of 32 has a standard error of one in 5.5.
        assert!(rooms.len() == 40 && rooms.iter().all(|room| (60..200).contains(&room.active)), "{rooms:?}");
        let held = book.open.values().flat_map(HashMap::values).map(|rooms| rooms.held().accounts).sum::<usize>();
        assert_eq!(book.held.accounts, held);
    }
}
