//! Where a worker finds what others have for it: one lock and one wake-up per batch, never per member.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::dispatch::Mail;
use crate::id::{ConnId, DeviceId};
use crate::limits::MAILBOX_BYTES_MAX;

/// A worker's mailbox. Any thread may post.
#[derive(Default)]
pub(crate) struct Mailbox {
    inbox: Mutex<Inbox>,
    wake: Notify,
    /// About how many bytes wait in it.
    weight: AtomicUsize,
    /// The log commits what the worker has for it more slowly than it comes.
    is_behind: AtomicBool,
}

/// What has come since the worker last looked.
#[derive(Default)]
pub(crate) struct Inbox {
    /// Batches of other workers and callers, in the order they came.
    pub(crate) mail: Vec<Mail>,
    /// The commit that was under way is done: whether it is durable.
    pub(crate) committed: Option<bool>,
    /// What the application wants with connections of an account.
    pub(crate) orders: Vec<(ConnId, Order)>,
    /// The server is going down.
    pub(crate) drain: bool,
}

/// What the application wants with a connection.
pub(crate) enum Order {
    /// Its account is blocked: it is told so, with these words, and closed.
    PutOut(Box<str>),
    /// Its account may, or may not, send anywhere.
    SetMuted(bool),
    /// The answers that wait for it are needed room: it is gone.
    DropSlow,
    /// The memory of its unfinished frame is needed: it receives a notice, and is closed.
    DropUnfinished,
    /// Its name is an account's now: it is closed if it goes by it without having shown a token.
    GiveUpName,
    /// Another connection of its account puts these devices out, or all others where none is named; with the words for it.
    KickDevice(Arc<[DeviceId]>, Box<str>),
}

impl Mailbox {
    /// Adds a batch. What one worker posts stays in order.
    pub(crate) fn post(&self, batch: Vec<Mail>) {
        let weight: usize = batch.iter().map(Mail::weight).sum();
        let mut inbox = self.inbox.lock();
        self.weight.fetch_add(weight, Ordering::Relaxed);
        inbox.mail.extend(batch);
        drop(inbox);
        self.wake.notify_one();
    }

    /// Whether so much waits that further requests are better refused.
    pub(crate) fn is_full(&self) -> bool {
        self.weight.load(Ordering::Relaxed) >= MAILBOX_BYTES_MAX
    }

    /// True if half of that waits, or the log is behind: senders are better read more slowly.
    pub(crate) fn is_pressed(&self) -> bool {
        self.is_behind.load(Ordering::Relaxed) || self.weight.load(Ordering::Relaxed) >= MAILBOX_BYTES_MAX / 2
    }

    /// The worker says whether the log is behind.
    pub(crate) fn set_behind(&self, is_behind: bool) {
        if self.is_behind.load(Ordering::Relaxed) != is_behind {
            self.is_behind.store(is_behind, Ordering::Relaxed);
        }
    }

    /// The worker's commit is done.
    pub(crate) fn committed(&self, is_durable: bool) {
        self.inbox.lock().committed = Some(is_durable);
        self.wake.notify_one();
    }

    /// Tells the worker what is wanted with a connection of its own.
    pub(crate) fn order(&self, connection: ConnId, order: Order) {
        self.inbox.lock().orders.push((connection, order));
        self.wake.notify_one();
    }

    /// Asks the worker to send its connections away.
    pub(crate) fn drain(&self) {
        self.inbox.lock().drain = true;
        self.wake.notify_one();
    }

    /// Wakes the worker for a turn.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits for the next reason to take a turn.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Takes everything.
    pub(crate) fn take(&self) -> Inbox {
        let mut inbox = self.inbox.lock();
        self.weight.store(0, Ordering::Relaxed);
        std::mem::take(&mut *inbox)
    }
}
