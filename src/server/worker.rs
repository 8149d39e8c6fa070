//! A worker: one thread, which polls its sockets and carries out what its front wants done (architecture.md §4).
//!
//! Tasks of connections read what is ready and leave the consequences in the front. Once all ready sockets have been read, a turn
//! applies them; then other workers and the log get one batch each, and what has to be waited for is begun.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;

use super::logbook;
use super::mailbox::Mailbox;
use super::shared::Shared;
use super::transport::{Handshakes, Transport};
use crate::dispatch::{Counters, Hub};
use crate::front::{Front, FrontConfig, LogHealth, Pause, Phase, Stopwatch};
use crate::hooks::Fresh;
use crate::id::ConnId;
use crate::limits::READ_BYTES;
use crate::log::{Batch, Pen};
use crate::session::CloseReason;
use crate::subject::Shard;

/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(1000);

/// The rows the store has of each shard.
pub(super) type ShardRows = [(Shard, Vec<(Bytes, Bytes)>)];

/// A worker, shared by the tasks of its thread.
pub(crate) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) index: usize,
    state: RefCell<State>,
}

/// What the tasks of a worker share.
pub(super) struct State {
    pub(super) front: Front<Transport>,
    /// Writes entries for the log.
    pen: Pen,
    turn_is_due: bool,
    handshakes: Handshakes,
    pub(super) reported: Counters,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, index: usize, hub: Hub, shards: &ShardRows) -> Rc<Worker> {
        let clock = shared.clone();
        let mut front = Front::new(FrontConfig {
            worker: index,
            common: shared.common.clone(),
            hub,
            seed: fastrand::u64(..),
            stopwatch: Stopwatch::new(move || clock.now()),
        });
        let unread: usize = shards.iter().map(|(shard, rows)| front.restore_shard(*shard, rows)).sum();
        if unread > 0 {
            tracing::error!(rows = unread, "rows of shards cannot be read: letters between subjects may be lost");
        }
        let state = State {
            front,
            pen: Pen::default(),
            turn_is_due: false,
            handshakes: Handshakes::default(),
            reported: Counters::default(),
        };
        Rc::new(Worker { shared, index, state: RefCell::new(state) })
    }

    fn mailbox(&self) -> &Mailbox {
        &self.shared.mailboxes[self.index]
    }

    /// Takes turns until the server is down; `accepting` ends with the drain.
    pub(crate) async fn run(self: Rc<Self>, accepting: tokio::task::JoinHandle<()>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut is_draining = false;
        loop {
            let next_look = self.state.borrow().front.next_look();
            tokio::select! {
                biased;
                () = self.mailbox().woken() => {}
                _ = tick.tick() => self.on_tick(),
                () = async { tokio::time::sleep(next_look.unwrap_or_default()).await }, if next_look.is_some() => {}
            }
            if self.turn() {
                is_draining = true;
                accepting.abort();
            }
            if is_draining && self.is_done() {
                return self.hand_over_figures(&mut self.state.borrow_mut());
            }
            if self.state.borrow().front.has_more() {
                // The rest at the next turn; sockets that are ready come first.
                self.mailbox().wake();
                tokio::task::yield_now().await;
                // A wake-up always comes first above.
                if std::future::poll_fn(|context| Poll::Ready(tick.poll_tick(context).is_ready())).await {
                    self.on_tick();
                }
            }
        }
    }

    /// Takes a connection in and polls it until it ends.
    pub(crate) fn adopt(self: &Rc<Self>, stream: Transport, address: std::net::IpAddr) {
        let worker = self.clone();
        let id = {
            let state = &mut *self.state.borrow_mut();
            self.set_clock(state);
            state.front.adopt(stream, address)
        };
        tokio::task::spawn_local(std::future::poll_fn(move |context| worker.poll(id, context)));
    }

    fn set_clock(&self, state: &mut State) {
        state.front.set_clock(self.shared.now(), self.shared.unix());
    }

    /// Does for a connection whatever its socket is ready for.
    fn poll(&self, id: ConnId, context: &mut Context<'_>) -> Poll<()> {
        let state = &mut *self.state.borrow_mut();
        self.set_clock(state);
        let poll = state.poll(id, context);
        self.schedule(state);
        poll
    }

    /// Sees to it that a turn follows once every socket that is ready has been read.
    fn schedule(&self, state: &mut State) {
        if !std::mem::replace(&mut state.turn_is_due, true) {
            self.mailbox().wake();
        }
    }

    /// Runs `body` with the worker's front, and a turn after it.
    pub(super) fn with(&self, body: impl FnOnce(&mut Front<Transport>)) {
        let state = &mut *self.state.borrow_mut();
        self.set_clock(state);
        body(&mut state.front);
        self.schedule(state);
    }

    /// Returns true if the server is going down.
    fn turn(self: &Rc<Self>) -> bool {
        let state = &mut *self.state.borrow_mut();
        state.turn_is_due = false;
        let State { handshakes, front, .. } = state;
        handshakes.renew(|id| {
            let connection = front.connection(id);
            connection.map(|connection| (connection.line.grant(), connection.wake())).is_some()
        });
        self.set_clock(state);
        let inbox = self.mailbox().take();
        let is_draining = inbox.drain;
        state.front.turn(inbox, self.log_health());
        if state.front.wants_turn() {
            self.schedule(state);
        }
        for (index, mailbox) in self.shared.mailboxes.iter().enumerate() {
            let mut batch = state.front.take_mail(index);
            if mailbox.is_full() {
                // They come again.
                batch.post.clear();
            }
            if !batch.is_empty() {
                mailbox.post(batch);
            }
        }
        self.write(state);
        for effect in state.front.take_effects() {
            self.begin(effect);
        }
        is_draining
    }

    fn log_health(&self) -> LogHealth {
        let log = &self.shared.storage.log;
        if log.failure().is_some() { LogHealth::Failed } else { LogHealth::Well(log.epoch()) }
    }

    fn write(&self, state: &mut State) {
        let Some(writes) = state.front.take_writes() else { return };
        let (shared, index) = (self.shared.clone(), self.index);
        let reported = Fresh::of(&writes.rooms.reports);
        let written = match logbook::write_all(&mut state.pen, writes) {
            Ok(written) => written,
            Err(error) => {
                tracing::error!(%error, "a batch cannot be written; its changes are refused");
                return self.mailbox().committed(false);
            }
        };
        self.shared.storage.log.append(Batch {
            records: written.records,
            snapshots: written.snapshots,
            reports: written.reports,
            shards: written.shards,
            committed: Box::new(move |result| {
                if let Err(error) = &result {
                    tracing::error!(%error, "a batch was not written; its changes are refused");
                }
                if result.is_ok() && !reported.is_empty() {
                    shared.webhooks.add(reported);
                }
                shared.mailboxes[index].committed(result.is_ok());
            }),
        });
    }

    fn on_tick(&self) {
        let state = &mut *self.state.borrow_mut();
        self.set_clock(state);
        state.front.on_tick();
        self.hand_over_figures(state);
        self.report(state);
    }

    /// True if a draining worker has nothing left to do.
    fn is_done(&self) -> bool {
        let state = &mut *self.state.borrow_mut();
        if state.front.connections() > 0 && self.shared.now() < self.shared.drain_until() {
            return false;
        }
        if state.front.hub.is_broken() {
            return true;
        }
        if state.front.has_uncommitted() {
            return false;
        }
        state.front.save_subjects();
        self.write(state);
        !state.front.has_uncommitted()
    }
}

impl State {
    fn poll(&mut self, id: ConnId, context: &mut Context<'_>) -> Poll<()> {
        let State { front, handshakes, .. } = self;
        let now = front.now();
        loop {
            let Some(connection) = front.connections.get_mut(id.slot()).filter(|held| held.id == id) else {
                return Poll::Ready(());
            };
            if connection.waker.as_ref().is_none_or(|waker| !waker.will_wake(context.waker())) {
                connection.waker = Some(context.waker().clone());
            }
            if connection.phase == Phase::Dead {
                front.remove(id);
                return Poll::Ready(());
            }
            if connection.is_blocked
                && let Poll::Ready(ready) = connection.line.poll_write_ready(context)
            {
                match ready {
                    Err(_) => connection.die(CloseReason::TransportLost),
                    Ok(()) => front.on_writable(id),
                }
                continue;
            }
            if connection.phase == Phase::Closing && !connection.has_backlog() && connection.line.finish(context) {
                connection.phase = Phase::Lingering;
            }
            if connection.pause != Pause::No && connection.phase == Phase::Open {
                return Poll::Pending;
            }
            front.read.reserve(READ_BYTES);
            match connection.line.poll_read(context, &mut front.read, id, handshakes) {
                Poll::Pending => {
                    connection.note_undeciphered(now);
                    return Poll::Pending;
                }
                Poll::Ready(Err(error)) if error.kind() == ErrorKind::InvalidData && connection.phase == Phase::Open => {
                    tracing::debug!(address = %connection.address, %error, "not TLS");
                    front.read.clear();
                    let is_established = connection.line.is_established();
                    front.end(id, if is_established { CloseReason::TransportLost } else { CloseReason::NotOurs });
                }
                Poll::Ready(Ok(0)) | Poll::Ready(Err(_)) => {
                    front.read.clear();
                    connection.die(CloseReason::TransportLost);
                }
                Poll::Ready(Ok(_)) if connection.phase != Phase::Open => front.read.clear(),
                Poll::Ready(Ok(_)) => front.on_read(id),
            }
        }
    }
}
