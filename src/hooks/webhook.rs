//! Telling applications over HTTP what happens in their rooms (chatroom.md §e.9): each report at least once, those of a room in
//! order. The workers write reports into the outbox, with the commit they belong to; a thread of its own reads them there, posts
//! them, and removes what has arrived. Whatever a receiver does, no room waits for it.

mod payload;
mod receiver;
mod sender;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use axum::http::Uri;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::outgoing::HttpClient;
use crate::account::Secret;
use crate::id::UnixMs;
use crate::limits::{CALLBACK_NAME_THREADS_MAX, WEBHOOK_LINES_MAX};
use crate::log::{Line, Outbox, SpoolPosition};
use crate::room::Report;
use sender::Sender;

/// Receivers of webhooks. The answers may change while the node runs.
pub(crate) trait Receivers: Send + Sync {
    /// Grows whenever an answer changes.
    fn version(&self) -> u64;

    /// Address to which an environment's reports are posted, and with which secret it is signed.
    fn webhook(&self, app_key: &str, env: &str) -> Option<(Uri, Secret)>;

    /// Parts that are the same for all of them.
    fn terms(&self) -> Terms;
}

/// How the node deals with receivers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Terms {
    /// How long a receiver may take to answer.
    pub(crate) timeout_ms: u64,
    /// How long what cannot be delivered is kept.
    pub(crate) keep_hours: u64,
    /// How long what a receiver refuses with a status of 4xx is sent again.
    pub(crate) refused_seconds: u64,
}

/// How the workers tell the sender what has come into the spool.
#[derive(Default)]
pub(crate) struct Webhooks {
    inbox: Mutex<Inbox>,
    woken: Notify,
    stops: AtomicBool,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What has come into the spool since the sender last looked.
#[derive(Default)]
struct Inbox {
    /// The first report of each line.
    lines: HashMap<Line, Head>,
    /// More lines than are kept in mind: the spool has to be looked through.
    has_overflowed: bool,
}

/// The first report of a line that is not delivered yet.
#[derive(Clone, PartialEq, Debug)]
struct Head {
    position: SpoolPosition,
    app_key: Arc<str>,
    since: UnixMs,
}

/// A line with new reports.
pub(crate) struct Fresh {
    line: Line,
    head: Head,
}

impl Fresh {
    /// The lines that these reports, which stand in order, come into.
    pub(crate) fn of(reports: &[Report]) -> Vec<Fresh> {
        let mut fresh: Vec<Fresh> = Vec::new();
        for report in reports {
            // Most of a batch is of few rooms; what stands here twice is put together later.
            if fresh.last().is_some_and(|last| last.line.room == report.room && last.line.env == report.env) {
                continue;
            }
            let position = SpoolPosition { epoch: report.epoch.0, number: report.number };
            let line = Line { room: report.room, env: report.env.clone() };
            fresh.push(Fresh { line, head: Head { position, app_key: report.app_key.clone(), since: report.time } });
        }
        fresh
    }
}

impl Webhooks {
    /// Starts the thread that sends. What the spool holds from before is sent first. By `clock` nothing is older than it is.
    pub(crate) fn start(
        self: &Arc<Self>,
        outbox: Arc<dyn Outbox>,
        apps: Arc<dyn Receivers>,
        client: HttpClient,
        clock: fn() -> UnixMs,
    ) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(CALLBACK_NAME_THREADS_MAX)
            .thread_name("webhook-names")
            .build()?;
        let sender = Sender::new(self.clone(), outbox, apps, client, clock);
        let thread = std::thread::Builder::new().name("webhooks".into()).spawn(move || {
            runtime.block_on(sender.run());
            runtime.shutdown_background();
        })?;
        *self.thread.lock() = Some(thread);
        Ok(())
    }

    /// Reports that have become durable. Any thread; does not wait for anything.
    pub(crate) fn add(&self, fresh: Vec<Fresh>) {
        let mut inbox = self.inbox.lock();
        for Fresh { line, head } in fresh {
            if inbox.lines.len() >= WEBHOOK_LINES_MAX && !inbox.lines.contains_key(&line) {
                inbox.has_overflowed = true;
                continue;
            }
            // Batches come in the order of their commits: what is here already is earlier.
            inbox.lines.entry(line).or_insert(head);
        }
        drop(inbox);
        self.woken.notify_one();
    }

    /// Has the sender look again at what it has been told.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Ends the thread; what is not delivered stays in the spool. Blocks for a moment.
    pub(crate) fn stop(&self) {
        self.stops.store(true, Ordering::Release);
        self.woken.notify_one();
        let thread = self.thread.lock().take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the sender of webhooks ended by a panic");
        }
    }
}
