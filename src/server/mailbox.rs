//! Where a worker finds what others have for it: one lock and one wake-up per batch, never per member.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::dispatch::Bundle;
use crate::front::{AccountMail, Inbox, Order, Pressure};
use crate::id::ConnId;

/// A worker's mailbox. Any thread may post.
pub(crate) struct Mailbox {
    worker: usize,
    inbox: Mutex<Inbox>,
    wake: Notify,
    /// Pressure on the mailboxes of all workers.
    pressures: Arc<[Pressure]>,
}

impl Mailbox {
    /// One for each worker.
    pub(crate) fn of_workers(pressures: &Arc<[Pressure]>) -> Arc<[Mailbox]> {
        let mailbox = |worker| {
            let (inbox, wake) = (Mutex::default(), Notify::new());
            Mailbox { worker, inbox, wake, pressures: pressures.clone() }
        };
        (0..pressures.len()).map(mailbox).collect()
    }

    fn pressure(&self) -> &Pressure {
        &self.pressures[self.worker]
    }

    /// Adds a batch. What one worker posts stays in order.
    pub(crate) fn post(&self, batch: Bundle) {
        let weight = batch.weight();
        let mut inbox = self.inbox.lock();
        self.pressure().add(weight);
        inbox.mail.append(batch);
        drop(inbox);
        self.wake.notify_one();
    }

    /// Adds a batch about accounts, which is read before everything else.
    pub(crate) fn post_about_accounts(&self, batch: Vec<AccountMail>) {
        let weight = batch.iter().map(AccountMail::weight).sum();
        let mut inbox = self.inbox.lock();
        self.pressure().add(weight);
        inbox.accounts.extend(batch);
        drop(inbox);
        self.wake.notify_one();
    }

    /// True if so much waits that further requests are better refused.
    pub(crate) fn is_full(&self) -> bool {
        self.pressure().is_full()
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
        self.pressure().clear();
        std::mem::take(&mut *inbox)
    }
}
