//! A worker: one thread, its connections, the rooms it owns (architecture.md §4).
//!
//! Tasks of connections read and decode what is ready and leave the consequences in the hub. Once all ready sockets have been
//! read, the turn applies them: answers are written, each dirty room is flushed once, other workers and the log get one batch each.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use slab::Slab;

use super::apps::AppTable;
use super::connection::{Connection, Pause, Phase, Sockets};
use super::logbook;
use super::mailbox::Mailbox;
use super::pause::Paused;
use super::replay::Replays;
use super::shared::Shared;
use super::transport::{Handshakes, Transport};
use crate::dispatch::{Counters, Effect, Find, Hub, Rules};
use crate::error::{Code, Status};
use crate::hooks::CallsUnderWay;
use crate::hooks::Fresh;
use crate::id::{ConnId, RoomId, Seq};
use crate::limits::{HISTORY_QUERIES_MAX, READ_BYTES};
use crate::log::{Batch, Pen, Snapshot};
use crate::room::{Actor, Origin};
use crate::session::{CloseReason, ServerOutput, ServerSession};

/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(1000);
/// How long a closing connection may take to take our last word.
pub(super) const LINGER_MS: u64 = 2000;

/// A worker, shared by the tasks of its thread.
pub(crate) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) index: usize,
    state: RefCell<State>,
}

/// What the tasks of a worker share.
pub(super) struct State {
    pub(super) hub: Hub,
    pub(super) connections: Slab<Connection>,
    /// Where sockets are read into; whole frames are cut out of it.
    pub(super) read: BytesMut,
    pub(super) outputs: Vec<ServerOutput>,
    /// Answers on their way into a socket.
    pub(super) staging: BytesMut,
    /// Writes entries for the log.
    pen: Pen,
    connections_made: u32,
    turn_is_due: bool,
    handshakes: Handshakes,
    pub(super) paused: Paused,
    /// Answers are being staged.
    pub(super) is_carrying_out: bool,
    pub(super) histories: usize,
    pub(super) replays: Replays,
    /// Callbacks that have not answered yet.
    pub(super) callbacks: CallsUnderWay,
    /// What the applications have been told, as of the version last seen.
    pub(super) apps: (u64, Arc<AppTable>),
    pub(super) reported: Counters,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, index: usize, hub: Hub) -> Rc<Worker> {
        let state = RefCell::new(State {
            hub,
            connections: Slab::new(),
            read: BytesMut::with_capacity(READ_BYTES),
            outputs: Vec::new(),
            staging: BytesMut::new(),
            pen: Pen::default(),
            connections_made: 0,
            turn_is_due: false,
            handshakes: Handshakes::default(),
            paused: Paused::default(),
            is_carrying_out: false,
            histories: 0,
            replays: Replays::default(),
            callbacks: CallsUnderWay::default(),
            apps: (shared.apps.version(), shared.apps.table()),
            reported: Counters::default(),
        });
        Rc::new(Worker { shared, index, state })
    }

    pub(super) fn mailbox(&self) -> &Mailbox {
        &self.shared.mailboxes[self.index]
    }

    /// Takes turns until the server is down; `accepting` ends with the drain.
    pub(crate) async fn run(self: Rc<Self>, accepting: tokio::task::JoinHandle<()>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut is_draining = false;
        loop {
            let next_look = {
                let paused = &self.state.borrow().paused;
                paused.is_waiting().then(|| paused.next_look(self.shared.now()))
            };
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
            let has_more = |state: &State| {
                state.hub.is_broadcasting() || state.paused.is_waiting() && state.paused.is_eager(self.shared.now())
            };
            if has_more(&self.state.borrow()) {
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
            let entry = state.connections.vacant_entry();
            let slot = u32::try_from(entry.key()).expect("a worker holds at most 16 M connections");
            state.connections_made = state.connections_made.wrapping_add(1);
            let number = u8::try_from(self.index).expect("WORKERS_MAX is 256");
            let id = ConnId::new(number, state.connections_made, slot);
            let session = ServerSession::new(&self.shared.session, self.shared.now());
            entry.insert(Connection::new(id, stream, session, address, self.shared.budgets.clone()));
            id
        };
        tokio::task::spawn_local(std::future::poll_fn(move |context| worker.poll(id, context)));
    }

    /// Does for a connection whatever its socket is ready for.
    fn poll(self: &Rc<Self>, id: ConnId, context: &mut Context<'_>) -> Poll<()> {
        let state = &mut *self.state.borrow_mut();
        state.hub.set_clock(self.shared.now(), self.shared.unix());
        let poll = state.poll(self, id, context);
        self.schedule(state);
        poll
    }

    /// Sees to it that a turn follows once every socket that is ready has been read.
    pub(super) fn schedule(&self, state: &mut State) {
        if !std::mem::replace(&mut state.turn_is_due, true) {
            self.mailbox().wake();
        }
    }

    /// Runs `body` with the worker's state, and a turn after it.
    pub(super) fn with(self: &Rc<Self>, body: impl FnOnce(&mut State)) {
        let state = &mut *self.state.borrow_mut();
        state.hub.set_clock(self.shared.now(), self.shared.unix());
        body(state);
        self.schedule(state);
    }

    /// Returns true if the server is going down.
    fn turn(self: &Rc<Self>) -> bool {
        let state = &mut *self.state.borrow_mut();
        state.turn_is_due = false;
        let State { handshakes, connections, .. } = state;
        handshakes.renew(|id| {
            let connection = connections.get_mut(id.slot()).filter(|connection| connection.id == id);
            connection.map(Connection::shake_hands).is_some()
        });
        state.hub.set_clock(self.shared.now(), self.shared.unix());
        state.paused.begin_turn();
        let inbox = self.mailbox().take();
        state.hub.on_mail(inbox.mail);
        let has_committed = inbox.committed.is_some();
        if let Some(is_durable) = inbox.committed {
            state.hub.on_committed(is_durable);
        }
        self.look_after_log(state);
        for (connection, order) in inbox.orders {
            state.obey(self, connection, order);
        }
        if inbox.drain {
            state.send_everybody_away(self);
        }
        state.hub.go_on_broadcasting();
        state.carry_out(self);
        if state.paused.is_waiting() {
            state.go_on_with_paused(self, has_committed);
            state.carry_out(self);
        }
        self.mailbox().set_behind(state.hub.is_behind());
        state.hub.flush(&mut Sockets(&mut state.connections));
        if state.hub.has_effects() {
            self.schedule(state);
        }
        for (index, mailbox) in self.shared.mailboxes.iter().enumerate() {
            let batch = state.hub.take_mail(index);
            if !batch.is_empty() {
                mailbox.post(batch);
            }
        }
        self.write(state);
        inbox.drain
    }

    /// Tells the hub that the log has failed, and that it is back once no commit from before is under way.
    fn look_after_log(&self, state: &mut State) {
        let log = &self.shared.storage.log;
        if log.failure().is_some() {
            state.hub.on_log_failed();
        } else if state.hub.is_broken() && !state.hub.is_committing() {
            state.hub.on_log_back(log.epoch());
        }
    }

    /// Hands what the hub has for the log over, in the form it is kept in.
    fn write(&self, state: &mut State) {
        let Some(writes) = state.hub.take_writes() else { return };
        let (shared, index) = (self.shared.clone(), self.index);
        let reported = Fresh::of(&writes.reports);
        let records = writes.records.into_iter().map(|record| logbook::write(&mut state.pen, record)).collect();
        let records = match records {
            Ok(records) => records,
            Err(error) => {
                tracing::error!(%error, "a batch cannot be written; its changes are refused");
                return self.mailbox().committed(false);
            }
        };
        let snapshot = |(room, seq, state): (RoomId, Seq, Vec<u8>)| Snapshot::whole(room, seq, state.into());
        self.shared.storage.log.append(Batch {
            records,
            snapshots: writes.snapshots.into_iter().map(snapshot).collect(),
            reports: writes.reports.into_iter().map(logbook::write_report).collect(),
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

    fn on_tick(self: &Rc<Self>) {
        let state = &mut *self.state.borrow_mut();
        let now = self.shared.now();
        state.hub.set_clock(now, self.shared.unix());
        state.hub.on_tick();
        state.watch_paused(self);
        let session = &self.shared.session;
        let due: Vec<ConnId> = state
            .connections
            .iter()
            .filter(|(_, connection)| match connection.phase {
                Phase::Open => connection.session.deadline(session) <= now,
                Phase::Closing | Phase::Lingering => connection.close_by() <= now,
                Phase::Dead => false,
            })
            .map(|(_, connection)| connection.id)
            .collect();
        for id in due {
            state.on_deadline(self, id);
        }
        self.hand_over_figures(state);
        self.report(state);
    }

    /// Whether a draining worker has nothing left to do.
    fn is_done(&self) -> bool {
        let state = &mut *self.state.borrow_mut();
        if !state.connections.is_empty() && self.shared.now() < self.shared.drain_until() {
            return false;
        }
        if state.hub.is_broken() {
            return true;
        }
        if state.hub.has_uncommitted() {
            return false;
        }
        state.hub.save_rooms();
        self.write(state);
        !state.hub.has_uncommitted()
    }
}

impl State {
    pub(super) fn connection(&mut self, id: ConnId) -> Option<&mut Connection> {
        self.connections.get_mut(id.slot()).filter(|connection| connection.id == id)
    }

    /// What the applications have been told.
    pub(super) fn apps(&mut self, worker: &Worker) -> &AppTable {
        let version = worker.shared.apps.version();
        if self.apps.0 != version {
            self.apps = (version, worker.shared.apps.table());
        }
        &self.apps.1
    }

    fn poll(&mut self, worker: &Rc<Worker>, id: ConnId, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let Some(connection) = self.connections.get_mut(id.slot()).filter(|held| held.id == id) else {
                return Poll::Ready(());
            };
            if connection.waker.as_ref().is_none_or(|waker| !waker.will_wake(context.waker())) {
                connection.waker = Some(context.waker().clone());
            }
            if connection.phase == Phase::Dead {
                self.remove(worker, id);
                return Poll::Ready(());
            }
            if connection.is_blocked
                && let Poll::Ready(ready) = connection.stream.poll_write_ready(context)
            {
                match ready {
                    Err(_) => connection.die(CloseReason::TransportLost),
                    Ok(()) => self.write_on(worker, id),
                }
                continue;
            }
            if connection.phase == Phase::Closing && !connection.has_backlog() && connection.stream.finish(context) {
                connection.phase = Phase::Lingering;
            }
            if connection.pause != Pause::No && connection.phase == Phase::Open {
                return Poll::Pending;
            }
            self.read.reserve(READ_BYTES);
            match connection.stream.poll_read(context, &mut self.read, id, &mut self.handshakes) {
                Poll::Pending => {
                    connection.note_undeciphered();
                    return Poll::Pending;
                }
                Poll::Ready(Err(error)) if error.kind() == ErrorKind::InvalidData && connection.phase == Phase::Open => {
                    tracing::debug!(address = %connection.address, %error, "not TLS");
                    self.read.clear();
                    let is_established = connection.stream.is_established();
                    self.end(worker, id, if is_established { CloseReason::TransportLost } else { CloseReason::NotOurs });
                }
                Poll::Ready(Ok(0)) | Poll::Ready(Err(_)) => {
                    self.read.clear();
                    connection.die(CloseReason::TransportLost);
                }
                Poll::Ready(Ok(_)) if connection.phase != Phase::Open => self.read.clear(),
                Poll::Ready(Ok(_)) => self.on_bytes(worker, id),
            }
        }
    }

    /// Writes what waits, as far as the socket takes it. Who reads is alive, and may ask again.
    fn write_on(&mut self, worker: &Rc<Worker>, id: ConnId) {
        let Some(connection) = self.connections.get_mut(id.slot()).filter(|held| held.id == id) else { return };
        let before = connection.backlog_bytes();
        let is_written = connection.write_backlog();
        if connection.phase != Phase::Open {
            return;
        }
        let is_paused = connection.pause == Pause::Answers;
        if is_paused && connection.backlog_bytes() < before {
            connection.session.on_life(&worker.shared.session, worker.shared.now());
        }
        let may_go_on = is_paused && !connection.owes_enough();
        if is_written {
            self.hub.on_writable(id, &mut Sockets(&mut self.connections));
        }
        if may_go_on {
            self.resume(worker, id);
        }
    }

    fn on_deadline(&mut self, worker: &Rc<Worker>, id: ConnId) {
        let now = worker.shared.now();
        let Some(connection) = self.connections.get_mut(id.slot()).filter(|held| held.id == id) else { return };
        if connection.pause == Pause::Answers && connection.session.is_silent(&worker.shared.session, now) {
            connection.die(CloseReason::Slow);
        } else if connection.phase == Phase::Open {
            let mut outputs = std::mem::take(&mut self.outputs);
            connection.session.on_timeout(&worker.shared.session, now, &mut outputs);
            self.handle(worker, id, &mut outputs);
            self.outputs = outputs;
        } else {
            connection.die(CloseReason::TransportLost);
        }
        worker.schedule(self);
    }

    /// Carries out what the hub wants done, unless that is being done.
    pub(super) fn carry_out_now(&mut self, worker: &Rc<Worker>) {
        if !self.is_carrying_out {
            self.carry_out(worker);
        }
    }

    /// Carries out what the hub wants done, until it wants nothing more.
    fn carry_out(&mut self, worker: &Rc<Worker>) {
        self.is_carrying_out = true;
        self.carry_out_all(worker);
        self.is_carrying_out = false;
    }

    fn carry_out_all(&mut self, worker: &Rc<Worker>) {
        loop {
            let mut effects = self.hub.take_effects();
            if effects.is_empty() {
                return self.hub.recycle(effects);
            }
            let mut writing: Option<ConnId> = None;
            self.staging.clear();
            for effect in effects.drain(..) {
                match effect {
                    Effect::Answer(asked, answer) => {
                        if writing != Some(asked.connection) {
                            self.write_staged(writing.replace(asked.connection));
                        }
                        self.answer(worker, asked, *answer);
                    }
                    Effect::Transmit { connection, bytes } => {
                        if writing != Some(connection) {
                            self.write_staged(writing.replace(connection));
                        }
                        self.staging.extend_from_slice(&bytes);
                    }
                    Effect::Kicked { connection, kicked, is_last_room } => {
                        self.write_staged(writing.take());
                        self.kick(worker, connection, kicked, is_last_room);
                    }
                    Effect::Load(room) => worker.load(room),
                    Effect::Find(find) => worker.find(self, *find),
                    Effect::CatchUp(waiting) => worker.catch_up(self, waiting),
                    Effect::History { asker, room, query, scope } => worker.history(self, asker, room, *query, scope),
                }
            }
            self.write_staged(writing);
            self.hub.recycle(effects);
        }
    }

    /// Writes the staged answers in one go.
    pub(super) fn write_staged(&mut self, id: Option<ConnId>) {
        if let Some(id) = id
            && let Some(connection) = self.connections.get_mut(id.slot()).filter(|connection| connection.id == id)
            && !self.staging.is_empty()
        {
            connection.transmit(&self.staging);
        }
        self.staging.clear();
    }

    fn remove(&mut self, worker: &Rc<Worker>, id: ConnId) {
        let connection = self.connections.remove(id.slot());
        if let Some(identity) = &connection.identity {
            worker.shared.sessions.leave(&identity.app_key, &identity.account, id);
        }
        worker.shared.gate.leave(connection.address);
        self.release_all(worker, &connection);
        let reason = connection.close_reason().unwrap_or(CloseReason::TransportLost);
        metrics::counter!("chatroom_connections_closed_total", "reason" => reason.as_str()).increment(1);
        if let Some(actor) = connection.actor() {
            let origin = match reason {
                CloseReason::LoggedOut => Origin::Member,
                CloseReason::Kicked => Origin::Http,
                _ => Origin::Server,
            };
            let actor = Actor { origin, ..actor };
            // Who was sent away, or left, has no grace.
            self.hub.on_connection_gone(&actor, is_on_purpose(reason));
        }
    }
}

/// What a request is refused with whose room's worker cannot keep up.
pub(super) fn overloaded() -> Status {
    Status::new(Code::Busy, "the server has too much waiting; try again")
}

impl Worker {
    /// Reads a room's state on a thread that may wait for the disk.
    fn load(self: &Rc<Self>, room: RoomId) {
        let worker = self.clone();
        let shared = self.shared.clone();
        tokio::task::spawn_local(async move {
            let loaded = tokio::task::spawn_blocking(move || shared.load(room)).await;
            let loaded = loaded.unwrap_or_else(|_| Err(Status::new(Code::ServerError, "the room could not be rebuilt")));
            worker.with(|state| state.hub.on_loaded(room, loaded));
        });
    }
}

impl Worker {
    /// Asks the log where a message stands, on a thread that may wait for the disk.
    fn find(self: &Rc<Self>, state: &mut State, find: Find) {
        if state.histories >= HISTORY_QUERIES_MAX {
            return state.hub.answer(find.asker, Err(overloaded()));
        }
        state.histories += 1;
        let (worker, shared) = (self.clone(), self.shared.clone());
        tokio::task::spawn_local(async move {
            let (room, request) = (find.room, find.request.clone());
            let found = tokio::task::spawn_blocking(move || shared.find(room, &request)).await;
            let found = found.unwrap_or_else(|_| Err(Status::new(Code::ServerError, "the log could not be read")));
            worker.with(|state| {
                state.histories -= 1;
                state.hub.on_found(find, found);
            });
        });
    }
}

/// Whether who is on the connection leaves for good, without the grace of a lost connection.
pub(super) fn is_on_purpose(reason: CloseReason) -> bool {
    matches!(reason, CloseReason::LoggedOut | CloseReason::Kicked | CloseReason::LoginRefused | CloseReason::TokenExpired)
}
