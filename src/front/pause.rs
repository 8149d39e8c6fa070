//! Taking requests more slowly: a connection is not read while its answers wait for it, while large answers of others are being made,
//! and while the log or a worker is behind (architecture.md §5.8). What it sends meanwhile stays in its socket, and holds it back by TCP.

use std::collections::VecDeque;
use std::time::Duration;

use super::budgets::{Weight, weight_of};
use super::connection::{Connection, Pause, Phase};
use super::{Front, Line, find, overloaded};
use crate::dispatch::Asked;
use crate::id::{ConnId, Time};
use crate::limits::{ANSWER_BYTES_PER_TURN, ANSWERS_REST, ANSWERS_UNDER_WAY_MAX, PAUSE_LOOK_MS, REQUEST_WAIT_MS};
use crate::room::Ask;
use crate::session::{CloseReason, ServerOutput};

/// Input that was taken and waits for its turn.
pub(crate) enum Parked {
    /// A request, and of which room it is asked.
    Request(Asked, Ask),
    /// Input that was in line behind such a request, or behind a message that was being judged.
    Behind(ServerOutput),
}

/// The connections of a worker that are not read.
#[derive(Default)]
pub(super) struct Paused {
    /// Those that can go on at the next turn.
    ready: Vec<ConnId>,
    /// Those that want a large answer, in the order they came.
    line: VecDeque<ConnId>,
    /// It is the line's turn.
    is_serving: bool,
    /// Connections are gone on with.
    is_resuming: bool,
    /// Those that wait for others. Some may go on meanwhile, and are passed over.
    busy: Vec<ConnId>,
    looked: Time,
    /// Bytes of large answers made in this turn, and the microseconds that took.
    made: usize,
    spent_us: u64,
    /// Until when no more of them are made, so that others have most of the worker's time.
    rest_until: Time,
    /// Bytes set aside for large answers that are under way.
    pub(super) under_way: usize,
    /// There is no room for the large answer that is next in line.
    lacks_room: bool,
}

impl Paused {
    /// True if some connection waits for others, which may not wake this worker.
    pub(super) fn is_waiting(&self) -> bool {
        !self.busy.is_empty() || !self.line.is_empty() || !self.ready.is_empty()
    }

    /// True if some connection can go on at the next turn.
    pub(super) fn is_eager(&self, now: Time) -> bool {
        !self.ready.is_empty() || !self.line.is_empty() && !self.lacks_room && now >= self.rest_until
    }

    /// How long the worker may sleep while somebody waits.
    pub(super) fn next_look(&self, now: Time) -> Duration {
        let rest_us = self.rest_until.0.saturating_sub(now.0);
        let is_resting = !self.line.is_empty() && !self.lacks_room;
        Duration::from_micros(if is_resting { rest_us.min(PAUSE_LOOK_MS * 1000) } else { PAUSE_LOOK_MS * 1000 })
    }

    /// A new turn: large answers may be made again.
    pub(super) fn begin_turn(&mut self) {
        (self.made, self.spent_us) = (0, 0);
    }

    /// No more large answers in this turn, nor soon.
    fn is_sated(&self, now: Time) -> bool {
        self.made >= ANSWER_BYTES_PER_TURN || now < self.rest_until
    }

    /// Large answers have taken so long in this turn.
    fn note_spent(&mut self, spent_us: u64, now: Time) {
        self.spent_us = spent_us;
        if self.made >= ANSWER_BYTES_PER_TURN {
            self.rest_until = Time(now.0.saturating_add(spent_us.saturating_mul(ANSWERS_REST)));
        }
    }
}

/// Decision on a request: pass it on, park it, or refuse it.
enum Admission {
    Ask,
    Park(Pause),
    Refuse,
}

impl<L: Line> Front<L> {
    /// Sends a request on its way to its room: at once, or later, or not at all if its room's worker has too much waiting and it has
    /// waited long enough.
    pub(super) fn ask(&mut self, asked: Asked, ask: Ask) {
        match self.admission(&asked) {
            Admission::Ask => {}
            Admission::Park(pause) => {
                let Some(connection) = self.connection(asked.connection) else { return };
                let is_first = connection.pause == Pause::No;
                connection.change_rare(|rare| rare.parked.push(Parked::Request(asked, ask)));
                if is_first {
                    self.pause(asked.connection, pause);
                }
                return;
            }
            Admission::Refuse => return self.turn_away(asked),
        }
        if !matches!(weight_of(asked.kind), Weight::Large(_)) || self.common.owner_of(asked.subject) != self.worker {
            return self.ask_on(asked, ask);
        }
        let (begun, spent_us) = (self.stopwatch.read(), self.paused.spent_us);
        self.ask_on(asked, ask);
        // Written before the next one is made.
        self.carry_out_now();
        let now = self.stopwatch.read();
        self.paused.note_spent(spent_us + now.0.saturating_sub(begun.0), now);
    }

    /// Refuses what has waited long enough, whatever it is a step of.
    fn turn_away(&mut self, asked: Asked) {
        let Some(connection) = self.connection(asked.connection) else { return };
        if !connection.is_on_journey(asked.sequence) {
            return self.refuse(asked.connection, asked.kind, asked.sequence, &overloaded());
        }
        // An answer that is staged gives back what was set aside for it.
        if let Weight::Middle(bytes) = weight_of(asked.kind) {
            connection.reserved = connection.reserved.saturating_add(bytes);
        }
        self.answer(asked, Err(overloaded()));
        // While answers are being carried out it is this connection's that are staged.
        if !self.is_carrying_out {
            self.write_staged(Some(asked.connection));
        }
    }

    fn admission(&mut self, asked: &Asked) -> Admission {
        if let Some(connection) = self.connection(asked.connection).filter(|connection| connection.pause != Pause::No) {
            // Behind what waits already: that was in line behind a message that was being judged.
            return Admission::Park(connection.pause);
        }
        let pressure = self.common.pressure_of(asked.subject);
        let (is_pressed, is_full) = (pressure.is_pressed(), pressure.is_full());
        if is_pressed {
            match self.may_wait(asked.connection) {
                true => return Admission::Park(Pause::Busy),
                false if is_full => return Admission::Refuse,
                // It has waited long enough: it goes on, within the budgets all the same.
                false => {}
            }
        }
        let (bytes, is_large) = match weight_of(asked.kind) {
            Weight::Small if is_pressed => return Admission::Ask,
            Weight::Small => {
                self.calm(asked.connection);
                return Admission::Ask;
            }
            Weight::Middle(bytes) => (bytes, false),
            Weight::Large(bytes) => (bytes, true),
        };
        let Some(connection) = find(&mut self.connections, asked.connection) else { return Admission::Ask };
        let (owed, weight) = (connection.backlog_bytes() + connection.reserved as usize, bytes as usize);
        if owed > 0 && owed + weight > connection.budgets.backlog_bytes_max {
            return Admission::Park(Pause::Answers);
        }
        if is_large {
            let paused = &mut self.paused;
            if paused.is_sated(self.stopwatch.read()) || !paused.is_serving && !paused.line.is_empty() {
                return Admission::Park(Pause::InLine);
            }
            let is_crowded = paused.under_way > 0 && paused.under_way + weight > ANSWERS_UNDER_WAY_MAX;
            if is_crowded || !self.common.budgets.answers.reserve(self.now, weight) {
                paused.lacks_room = true;
                return match self.may_wait(asked.connection) {
                    true => Admission::Park(Pause::InLine),
                    false => Admission::Refuse,
                };
            }
            paused.under_way += weight;
            connection.reserved_of_all += bytes;
        }
        connection.reserved += bytes;
        if !is_pressed {
            self.calm(asked.connection);
        }
        Admission::Ask
    }

    /// The connection does not wait for others any more.
    pub(super) fn calm(&mut self, id: ConnId) {
        if let Some(connection) = self.connection(id)
            && connection.rare.as_ref().is_some_and(|rare| rare.busy_since.is_some())
        {
            connection.change_rare(|rare| rare.busy_since = None);
        }
    }

    /// True if a connection may be left waiting for others' sake: not for longer than clients wait for an answer, and not while
    /// unfinished input of others takes too much memory.
    pub(super) fn may_wait(&mut self, id: ConnId) -> bool {
        let (now, is_short) = (self.now, self.common.budgets.unfinished.is_half_full());
        let Some(connection) = self.connection(id) else { return false };
        let since = connection.change_rare(|rare| *rare.busy_since.get_or_insert(now));
        !is_short && now.ms_since(since) < REQUEST_WAIT_MS
    }

    /// Nothing more is taken from a connection until it goes on.
    pub(super) fn pause(&mut self, id: ConnId, pause: Pause) {
        let Some(connection) = self.connection(id) else { return };
        connection.pause = pause;
        match pause {
            // What stood first in line stands there again.
            Pause::InLine if self.paused.is_serving && self.paused.lacks_room => self.paused.line.push_front(id),
            Pause::InLine => self.paused.line.push_back(id),
            Pause::Busy => self.paused.busy.push(id),
            Pause::No | Pause::Answers | Pause::Accounts | Pause::Moving | Pause::Reserving => {}
        }
        if !self.paused.is_resuming {
            metrics::counter!("chatroom_reads_paused_total", "reason" => reason(pause)).increment(1);
        }
    }

    /// A request has its answer, or none will come: what was set aside for it comes free, and its connection may go on.
    pub(super) fn release(&mut self, id: ConnId, kind: u16) {
        let weight = weight_of(kind);
        let Some(connection) = find(&mut self.connections, id) else { return };
        if let Weight::Middle(bytes) | Weight::Large(bytes) = weight {
            connection.reserved = connection.reserved.saturating_sub(bytes);
        }
        if let Weight::Large(bytes) = weight {
            // Never more than it has: the budget is everybody's.
            let bytes = bytes.min(connection.reserved_of_all);
            connection.reserved_of_all -= bytes;
            self.paused.under_way = self.paused.under_way.saturating_sub(bytes as usize);
            self.common.budgets.answers.release(bytes as usize);
        }
        if matches!(connection.pause, Pause::Answers | Pause::Busy) {
            connection.pause = Pause::InLine;
            self.paused.ready.push(id);
        }
    }

    /// The answer to a request of several rooms is on its way: the connection goes on at the next turn.
    pub(super) fn arrived(&mut self, id: ConnId) {
        if let Some(connection) = find(&mut self.connections, id)
            && connection.pause == Pause::Moving
            && !connection.is_moving()
        {
            connection.pause = Pause::InLine;
            self.paused.ready.push(id);
        }
    }

    /// Releases the bytes set aside for a connection that is gone.
    pub(super) fn release_all(&mut self, connection: &Connection<L>) {
        let bytes = connection.reserved_of_all as usize;
        self.paused.under_way = self.paused.under_way.saturating_sub(bytes);
        self.common.budgets.answers.release(bytes);
    }

    /// An answer of so many bytes was encoded. If it is a large one, it counts, with the time for that and as much again for what came
    /// before and comes after.
    pub(super) fn note_made(&mut self, kind: u16, bytes: usize, begun: Time) {
        if matches!(weight_of(kind), Weight::Large(_)) {
            let now = self.stopwatch.read();
            self.paused.made += bytes;
            self.paused.note_spent(self.paused.spent_us + 2 * now.0.saturating_sub(begun.0), now);
        }
    }

    /// The turn of those who wait in line, as far as it goes; and now and then a look at those who wait for others.
    pub(super) fn go_on_with_paused(&mut self, has_committed: bool) {
        let now = self.now;
        self.paused.lacks_room = false;
        for id in std::mem::take(&mut self.paused.ready) {
            if self.connection(id).is_some_and(|connection| connection.pause == Pause::InLine) {
                self.resume(id);
            }
        }
        self.paused.is_serving = true;
        for _ in 0..self.paused.line.len() {
            if self.paused.is_sated(self.stopwatch.read()) || self.paused.lacks_room {
                break;
            }
            let Some(id) = self.paused.line.pop_front() else { break };
            if self.connection(id).is_some_and(|connection| connection.pause == Pause::InLine) {
                self.resume(id);
            }
        }
        self.paused.is_serving = false;
        if !has_committed && now < self.paused.looked.plus_ms(PAUSE_LOOK_MS) || self.paused.busy.is_empty() {
            return;
        }
        self.paused.looked = now;
        let mut busy = std::mem::take(&mut self.paused.busy);
        busy.sort_unstable();
        busy.dedup();
        for id in busy {
            if self.connection(id).is_some_and(|connection| connection.pause == Pause::Busy) {
                self.resume(id);
            }
        }
    }

    /// Goes on with a connection: with the request that waits, then with what else has come.
    pub(super) fn resume(&mut self, id: ConnId) {
        let now = self.now;
        let connection = find(&mut self.connections, id).filter(|connection| connection.phase == Phase::Open);
        let Some(connection) = connection else { return };
        if connection.is_moving() {
            connection.pause = Pause::Moving;
            return;
        }
        if connection.pause != Pause::Answers {
            connection.session.on_life(&self.common.session, now);
        }
        connection.pause = Pause::No;
        let parked = match connection.rare {
            Some(_) => connection.change_rare(|rare| std::mem::take(&mut rare.parked)),
            None => Vec::new(),
        };
        self.paused.is_resuming = true;
        for parked in parked {
            match parked {
                Parked::Request(asked, ask) => self.ask(asked, ask),
                Parked::Behind(output) => {
                    if let Some(output) = self.park_behind(id, output).and_then(|output| self.hold_back(id, output)) {
                        self.dispatch(id, output);
                    }
                }
            }
        }
        self.paused.is_resuming = false;
        self.on_read(id);
        if let Some(connection) = self.connection(id).filter(|connection| connection.pause == Pause::No) {
            connection.wake();
        }
    }

    /// Has something wait behind a request that waits; gives it back if none does.
    pub(super) fn park_behind(&mut self, id: ConnId, output: ServerOutput) -> Option<ServerOutput> {
        match self.connection(id).filter(|connection| connection.phase == Phase::Open) {
            Some(connection) if connection.pause == Pause::No => Some(output),
            Some(connection) => {
                connection.change_rare(|rare| rare.parked.push(Parked::Behind(output)));
                None
            }
            // Who has ended asks nothing any more.
            None => None,
        }
    }

    /// Once a second: who is not read is not silent, but whoever has gone is noticed all the same.
    pub(super) fn watch_paused(&mut self) {
        let now = self.now;
        for (_, connection) in &mut self.connections {
            if connection.pause == Pause::No || connection.phase != Phase::Open {
                continue;
            }
            let owes_answers = connection.pause == Pause::Answers;
            if !owes_answers {
                connection.session.on_life(&self.common.session, now);
            }
            // Who has said its last word and reads nothing has gone; who waits for us may still have to say something.
            if connection.line.has_gone(owes_answers) {
                connection.die(CloseReason::TransportLost);
            }
        }
    }
}

/// The pause as the label of a metric.
fn reason(pause: Pause) -> &'static str {
    match pause {
        Pause::No | Pause::InLine => "turn",
        Pause::Answers => "answers",
        Pause::Busy => "busy",
        Pause::Accounts => "accounts",
        Pause::Moving => "moving",
        Pause::Reserving => "account",
    }
}
