//! What happens in rooms by hours and days, and which rooms lead (rest-api.md §4.14).
//!
//! The owners of rooms count as they apply entries and hand over what they have counted once a second; a thread of its own adds
//! that up, writes it down every two seconds, and closes hours and days. Of one that is over only the leaders are kept.

mod book;
mod calendar;
mod distinct;
mod period;
mod rows;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use siphasher::sip::SipHasher24;

use self::book::{Book, Found, Hashed, is_over};
use self::calendar::{Span, days_before};
use self::rows::Change;
use crate::dispatch::{RoomTally, Tallies};
use crate::error::{Code, Status};
use crate::id::{AccountId, RoomId, UnixMs};
use crate::limits::{FIGURES_DAYS, FIGURES_QUEUE_MAX, FIGURES_STEP, FIGURES_WRITE_MS, TALLY_QUARTER_MS};
use crate::log::{LogError, Space, Store};

pub use book::{TopQuery, TopRooms};
pub use calendar::Period;
pub use period::{RoomFigures, TopOrder};

/// Where the key is kept that accounts are hashed with, so that nobody can choose names that count as few or as many.
pub(crate) const KEY: &[u8] = b"figures_key";
/// Bytes of that key.
pub(crate) const KEY_BYTES: usize = 16;

/// The rest the store gets between two of many writes.
const PAUSE: Duration = Duration::from_millis(1);

/// What can be asked of, and added to, the figures of a node.
pub(crate) struct Figures {
    keeper: Arc<Keeper>,
    orders: SyncSender<Order>,
}

/// What the thread is told.
enum Order {
    /// To add this.
    Add(Vec<Tallies>),
    /// To write down what there is and end.
    Stop,
}

impl Figures {
    /// The figures that the store holds, of hours and days where clocks are so far ahead of UTC, and the thread that goes on with them.
    /// Reads the disk.
    pub(crate) fn start(
        store: Arc<dyn Store>,
        key: [u8; KEY_BYTES],
        ahead_ms: i64,
        now: fn() -> UnixMs,
    ) -> Result<(Figures, JoinHandle<()>), Status> {
        let keeper = Arc::new(Keeper::load(store, key, ahead_ms, now())?);
        let (orders, inbox) = sync_channel(FIGURES_QUEUE_MAX);
        let body = keeper.clone();
        let thread = std::thread::Builder::new().name("figures".to_owned()).spawn(move || run(&body, &inbox, now));
        let thread = thread.map_err(|error| Status::new(Code::ServerError, format!("no thread for figures: {error}")))?;
        Ok((Figures { keeper, orders }, thread))
    }

    /// Takes what a worker has counted. Returns at once; what there is no place for is lost.
    pub(crate) fn add(&self, tallies: Vec<Tallies>) {
        if !tallies.is_empty() && matches!(self.orders.try_send(Order::Add(tallies)), Err(TrySendError::Full(_))) {
            lost();
        }
    }

    /// Writes down what was added and ends the thread. Nothing may be added any more.
    pub(crate) fn stop(&self) {
        // A thread that is gone needs no word.
        let _ = self.orders.send(Order::Stop);
    }

    /// The rooms of an application that lead. Reads the disk.
    pub(crate) fn top(&self, now: UnixMs, app_key: &str, query: &TopQuery) -> Result<TopRooms, Status> {
        self.keeper.top(now, app_key, query)
    }
}

fn lost() {
    metrics::counter!("chatroom_figures_lost_total").increment(1);
}

/// Adds up and writes down until it is told to stop.
fn run(keeper: &Keeper, inbox: &Receiver<Order>, now: fn() -> UnixMs) {
    let pause = Duration::from_millis(FIGURES_WRITE_MS);
    let mut write_at = Instant::now() + pause;
    loop {
        match inbox.recv_timeout(write_at.saturating_duration_since(Instant::now())) {
            Ok(Order::Add(tallies)) => keeper.add(now(), tallies),
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return report(keeper.write()),
        }
        if Instant::now() >= write_at {
            report(keeper.write().and_then(|()| keeper.close(now())));
            write_at = Instant::now() + pause;
        }
    }
}

fn report(written: Result<(), LogError>) {
    if let Err(error) = written {
        lost();
        tracing::error!(%error, "figures could not be written down");
    }
}

/// The figures and their store.
struct Keeper {
    store: Arc<dyn Store>,
    key: SipHasher24,
    book: Mutex<Book>,
}

impl Keeper {
    fn load(store: Arc<dyn Store>, key: [u8; KEY_BYTES], ahead_ms: i64, now: UnixMs) -> Result<Keeper, Status> {
        let key = SipHasher24::new_with_key(&key);
        let mut book = Book::new(ahead_ms);
        let mut over = Vec::new();
        let mut rooms: BTreeMap<(Span, String, RoomId), Vec<(u16, bytes::Bytes)>> = BTreeMap::new();
        for (key, value) in store.scan_prefix(Space::Figures, rows::OPEN).map_err(failed)? {
            match rows::read_room_key(&key) {
                Some((span, app_key, room, row)) => {
                    rooms.entry((span, app_key.to_owned(), room)).or_default().push((row, value));
                }
                None => tracing::error!("a row of figures in the store cannot be read"),
            }
        }
        let mut kept: Option<((Span, String), bool)> = None;
        for ((span, app_key, room), found) in rooms {
            let of = (span, app_key);
            let is_kept = match &kept {
                Some((known, is_kept)) if *known == of => *is_kept,
                // A node that went down as it closed an hour may have removed some of its rows.
                _ if is_over(span, now) => {
                    !store.scan_prefix(Space::Figures, &rows::kept_key(span, &of.1)).map_err(failed)?.is_empty()
                }
                _ => false,
            };
            let Ok(counted) = rows::read_room(room, &found) else {
                // Figures may be lost; that rooms are served matters more.
                lost();
                continue;
            };
            if is_kept {
                over.extend(rows::remove_room(span, &of.1, room, counted.rows));
            } else {
                book.restore(span, &of.1, counted);
            }
            kept = Some((of, is_kept));
        }
        store.change(Space::Figures, over).map_err(failed)?;
        Ok(Keeper { store, key, book: Mutex::new(book) })
    }

    fn add(&self, now: UnixMs, tallies: Vec<Tallies>) {
        for Tallies { quarter, rooms } in tallies {
            let mut hashed = rooms.into_iter().map(|(room, tally)| self.hashed(room, tally)).peekable();
            while hashed.peek().is_some() {
                // The hashing is done before the lock is taken, and the lock is given up in between.
                let some: Vec<Hashed> = hashed.by_ref().take(FIGURES_STEP / 16).collect();
                let mut book = self.book.lock();
                some.iter().filter(|tally| !book.add(now, quarter, tally)).for_each(|_| lost());
            }
        }
    }

    fn hashed(&self, room: RoomId, tally: RoomTally) -> Hashed {
        let hash = |account: &AccountId| self.key.hash(account.as_str().as_bytes());
        let RoomTally { app_key, messages, enters, accounts } = tally;
        Hashed { app_key, room, enters, messages, accounts: accounts.iter().map(hash).collect() }
    }

    fn top(&self, now: UnixMs, app_key: &str, query: &TopQuery) -> Result<TopRooms, Status> {
        let (span, found) = self.book.lock().find(now, app_key, query)?;
        let rooms = match found {
            Found::Here(rooms) => rooms,
            Found::InStore => {
                let key = rows::kept_key(span, app_key);
                let kept = self.store.scan_prefix(Space::Figures, &key).map_err(failed)?;
                let mut rooms = kept.into_iter().next().map(|(_, row)| rows::read_kept(row)).transpose()?.unwrap_or_default();
                period::rank(&mut rooms, query.order);
                rooms.truncate(query.count);
                rooms
            }
        };
        Ok(TopRooms { period: span.period, start: span.start, rooms })
    }

    /// Writes down what has changed.
    fn write(&self) -> Result<(), LogError> {
        loop {
            let changes = self.book.lock().take_changes();
            if changes.is_empty() {
                return Ok(());
            }
            self.store.change(Space::Figures, changes)?;
            std::thread::sleep(PAUSE);
        }
    }

    /// Keeps the leaders of the hours and days that are over, removes everything else of them, and what is older than figures are
    /// kept.
    fn close(&self, now: UnixMs) -> Result<(), LogError> {
        let over = self.book.lock().over(now);
        for (span, apps) in over {
            let kept = apps.iter().filter(|(_, rooms)| !rooms.is_empty());
            let rows = kept.map(|(app_key, rooms)| (rows::kept_key(span, app_key), Some(rows::write_kept(rooms)))).collect();
            self.store.change(Space::Figures, rows)?;
            let closed = self.book.lock().close(span);
            for (app_key, rooms) in closed {
                let gone = rooms.rows().flat_map(|(room, count)| rows::remove_room(span, &app_key, room, count));
                self.remove(gone)?;
                let held = rooms.held();
                drop(rooms);
                self.book.lock().release(held);
            }
        }
        self.sweep(now)
    }

    fn remove(&self, rows: impl Iterator<Item = Change>) -> Result<(), LogError> {
        let mut rows = rows.peekable();
        while rows.peek().is_some() {
            self.store.change(Space::Figures, rows.by_ref().take(FIGURES_STEP).collect())?;
            // What members wait for goes first.
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Removes what is older than figures are kept, once a day.
    fn sweep(&self, now: UnixMs) -> Result<(), LogError> {
        let ahead_ms = self.book.lock().ahead_ms();
        let oldest = days_before(now, FIGURES_DAYS, ahead_ms);
        let swept = self.store.scan_prefix(Space::Figures, rows::SWEPT)?;
        let swept = swept.first().and_then(|(_, value)| value[..].try_into().ok()).map(i64::from_be_bytes);
        if swept == Some(oldest.0) {
            return Ok(());
        }
        // Nothing was kept before the first time.
        let mut quarter = swept.unwrap_or(oldest.0);
        while quarter < oldest.0 {
            for period in Period::ALL {
                let prefix = rows::kept_prefix(Span { period, start: UnixMs(quarter) });
                let old = self.store.scan_prefix(Space::Figures, &prefix)?;
                self.remove(old.into_iter().map(|(key, _)| (key.to_vec(), None)))?;
            }
            quarter += TALLY_QUARTER_MS;
        }
        let row = (rows::SWEPT.to_vec(), Some(oldest.0.to_be_bytes().to_vec()));
        self.store.change(Space::Figures, vec![row])
    }
}

fn failed(error: LogError) -> Status {
    tracing::error!(%error, "the store failed");
    Status::new(Code::ServerError, "the store failed")
}

#[cfg(test)]
mod tests;
