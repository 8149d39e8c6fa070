//! Taking requests more slowly: a connection is not read while its answers wait for it, while large answers of others are being made,
//! and while the log or a worker is behind (architecture.md §5.8). What it sends meanwhile stays in its socket, and holds it back by TCP.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use super::budgets::{Weight, weight_of};
use super::connection::{Connection, Pause, Phase};
use super::worker::{State, Worker, overloaded};
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
    under_way: usize,
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

impl State {
    /// Sends a request on its way to its room: at once, or later, or not at all if its room's worker has too much waiting and it has
    /// waited long enough.
    pub(super) fn ask(&mut self, worker: &Rc<Worker>, asked: Asked, ask: Ask) {
        match self.admission(worker, &asked) {
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
            Admission::Refuse => return self.turn_away(worker, asked),
        }
        if !matches!(weight_of(asked.kind), Weight::Large(_)) || worker.shared.owner_of(asked.room) != worker.index {
            return self.ask_on(worker, asked, ask);
        }
        let (begun, spent_us) = (worker.shared.now(), self.paused.spent_us);
        self.ask_on(worker, asked, ask);
        // Written before the next one is made.
        self.carry_out_now(worker);
        let now = worker.shared.now();
        self.paused.note_spent(spent_us + now.0.saturating_sub(begun.0), now);
    }

    /// Refuses what has waited long enough, whatever it is a step of.
    fn turn_away(&mut self, worker: &Rc<Worker>, asked: Asked) {
        let Some(connection) = self.connection(asked.connection) else { return };
        if connection.pending_login().is_some_and(|pending| pending.sequence == asked.sequence) {
            return self.complete_login(worker, asked, Err(overloaded()));
        }
        // An answer that is staged gives back what was set aside for it.
        let set_aside = match weight_of(asked.kind) {
            Weight::Middle(bytes) => bytes,
            Weight::Small | Weight::Large(_) => 0,
        };
        connection.reserved = connection.reserved.saturating_add(set_aside);
        match self.take_step(worker, asked, Err(overloaded())) {
            // While answers are being carried out it is this connection's that are staged.
            None if self.is_carrying_out => {}
            None => self.write_staged(Some(asked.connection)),
            Some(_) => {
                if let Some(connection) = self.connection(asked.connection) {
                    connection.reserved = connection.reserved.saturating_sub(set_aside);
                }
                self.refuse(asked.connection, asked.kind, asked.sequence, &overloaded());
            }
        }
    }

    fn admission(&mut self, worker: &Worker, asked: &Asked) -> Admission {
        if let Some(connection) = self.connection(asked.connection).filter(|connection| connection.pause != Pause::No) {
            // Behind what waits already: that was in line behind a message that was being judged.
            return Admission::Park(connection.pause);
        }
        let mailbox = worker.shared.mailbox_of(asked.room);
        let is_pressed = mailbox.is_pressed();
        if is_pressed {
            match self.may_wait(worker, asked.connection) {
                true => return Admission::Park(Pause::Busy),
                false if mailbox.is_full() => return Admission::Refuse,
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
        let Some(connection) = self.connections.get_mut(asked.connection.slot()).filter(|held| held.id == asked.connection)
        else {
            return Admission::Ask;
        };
        let (owed, weight) = (connection.backlog_bytes() + connection.reserved as usize, bytes as usize);
        if owed > 0 && owed + weight > connection.budgets.backlog_bytes_max {
            return Admission::Park(Pause::Answers);
        }
        if is_large {
            let paused = &mut self.paused;
            if paused.is_sated(worker.shared.now()) || !paused.is_serving && !paused.line.is_empty() {
                return Admission::Park(Pause::InLine);
            }
            let is_crowded = paused.under_way > 0 && paused.under_way + weight > ANSWERS_UNDER_WAY_MAX;
            if is_crowded || !worker.shared.budgets.answers.reserve(weight) {
                paused.lacks_room = true;
                return match self.may_wait(worker, asked.connection) {
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
    pub(super) fn may_wait(&mut self, worker: &Worker, id: ConnId) -> bool {
        let (now, is_short) = (worker.shared.now(), worker.shared.budgets.unfinished.is_half_full());
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
            Pause::No | Pause::Answers => {}
        }
        if !self.paused.is_resuming {
            metrics::counter!("chatroom_reads_paused_total", "reason" => reason(pause)).increment(1);
        }
    }

    /// A request has its answer, or none will come: what was set aside for it comes free, and its connection may go on.
    pub(super) fn release(&mut self, worker: &Rc<Worker>, id: ConnId, kind: u16) {
        let weight = weight_of(kind);
        let Some(connection) = self.connections.get_mut(id.slot()).filter(|held| held.id == id) else { return };
        if let Weight::Middle(bytes) | Weight::Large(bytes) = weight {
            connection.reserved = connection.reserved.saturating_sub(bytes);
        }
        if let Weight::Large(bytes) = weight {
            // Never more than it has: the budget is everybody's.
            let bytes = bytes.min(connection.reserved_of_all);
            connection.reserved_of_all -= bytes;
            self.paused.under_way = self.paused.under_way.saturating_sub(bytes as usize);
            worker.shared.budgets.answers.release(bytes as usize);
        }
        if matches!(connection.pause, Pause::Answers | Pause::Busy) {
            connection.pause = Pause::InLine;
            self.paused.ready.push(id);
        }
    }

    /// Releases the bytes set aside for a connection that is gone.
    pub(super) fn release_all(&mut self, worker: &Worker, connection: &Connection) {
        let bytes = connection.reserved_of_all as usize;
        self.paused.under_way = self.paused.under_way.saturating_sub(bytes);
        worker.shared.budgets.answers.release(bytes);
    }

    /// An answer of so many bytes was encoded. If it is a large one, it counts, with the time for that and as much again for what came
    /// before and comes after.
    pub(super) fn note_made(&mut self, worker: &Worker, kind: u16, bytes: usize, begun: Time) {
        if matches!(weight_of(kind), Weight::Large(_)) {
            let now = worker.shared.now();
            self.paused.made += bytes;
            self.paused.note_spent(self.paused.spent_us + 2 * now.0.saturating_sub(begun.0), now);
        }
    }

    /// The turn of those who wait in line, as far as it goes; and now and then a look at those who wait for others.
    pub(super) fn go_on_with_paused(&mut self, worker: &Rc<Worker>, has_committed: bool) {
        let now = worker.shared.now();
        self.paused.lacks_room = false;
        for id in std::mem::take(&mut self.paused.ready) {
            if self.connection(id).is_some_and(|connection| connection.pause == Pause::InLine) {
                self.resume(worker, id);
            }
        }
        self.paused.is_serving = true;
        for _ in 0..self.paused.line.len() {
            if self.paused.is_sated(worker.shared.now()) || self.paused.lacks_room {
                break;
            }
            let Some(id) = self.paused.line.pop_front() else { break };
            if self.connection(id).is_some_and(|connection| connection.pause == Pause::InLine) {
                self.resume(worker, id);
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
                self.resume(worker, id);
            }
        }
    }

    /// Goes on with a connection: with the request that waits, then with what else has come.
    pub(super) fn resume(&mut self, worker: &Rc<Worker>, id: ConnId) {
        let now = worker.shared.now();
        let Some(connection) = self.connection(id).filter(|connection| connection.phase == Phase::Open) else { return };
        if connection.pause != Pause::Answers {
            connection.session.on_life(&worker.shared.session, now);
        }
        connection.pause = Pause::No;
        let parked = match connection.rare {
            Some(_) => connection.change_rare(|rare| std::mem::take(&mut rare.parked)),
            None => Vec::new(),
        };
        self.paused.is_resuming = true;
        for parked in parked {
            match parked {
                Parked::Request(asked, ask) => self.ask(worker, asked, ask),
                Parked::Behind(output) => {
                    if let Some(output) = self.park_behind(id, output).and_then(|output| self.hold_back(id, output)) {
                        self.dispatch(worker, id, output);
                    }
                }
            }
        }
        self.paused.is_resuming = false;
        self.on_bytes(worker, id);
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
    pub(super) fn watch_paused(&mut self, worker: &Worker) {
        let now = worker.shared.now();
        for (_, connection) in &mut self.connections {
            if connection.pause == Pause::No || connection.phase != Phase::Open {
                continue;
            }
            let owes_answers = connection.pause == Pause::Answers;
            if !owes_answers {
                connection.session.on_life(&worker.shared.session, now);
            }
            // Who has said its last word and reads nothing has gone; who waits for us may still have to say something.
            if connection.stream.has_gone(owes_answers) {
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
    }
}

#[cfg(test)]
mod tests {
    use super::super::steps::tests::{on_other_worker, worker};
    use super::*;
    use crate::room::Query;
    use crate::wire::{PacketKind, Request, pb};

    #[tokio::test]
    async fn what_stood_behind_a_judged_message_does_not_overtake_a_request_that_waits() {
        let (worker, id, _client) = worker();
        let room = on_other_worker();
        worker.shared.mailbox_of(room).set_behind(true);
        let offer = pb::QueueOfferRequest { room_id: room.get(), key: "song".into(), ..Default::default() };
        let offer = ServerOutput::Request { sequence: 1, request: Request::QueueOffer(Box::new(offer)) };
        worker.with(|state| {
            state.go_on(&worker, id, [offer, ServerOutput::Logout { sequence: 2 }].into());
            assert!(state.hub.take_mail(1).is_empty());
            let connection = state.connection(id).unwrap();
            assert_eq!((connection.phase, connection.pause), (Phase::Open, Pause::Busy));
            worker.shared.mailbox_of(room).set_behind(false);
            state.resume(&worker, id);
            assert_eq!(state.hub.take_mail(1).len(), 1, "the offer, before the logout");
            assert_eq!(state.connection(id).unwrap().phase, Phase::Closing);
        });
    }

    const LARGE: u16 = PacketKind::QueueList as u16;

    /// Asks a large question of a room of the other worker.
    fn ask_for_much(state: &mut State, worker: &Rc<Worker>, id: ConnId, sequence: u32) {
        let room = on_other_worker();
        let ask = Ask::Query(Query::QueueList(pb::QueueListRequest { room_id: room.get(), ..Default::default() }));
        state.ask(worker, Asked { connection: id, sequence, kind: LARGE, room }, ask);
    }

    /// Nobody may wait any more, as when frames that wait take too much memory.
    fn end_patience(worker: &Worker) {
        while !worker.shared.budgets.unfinished.is_half_full() {
            assert!(worker.shared.budgets.unfinished.reserve(1 << 20));
        }
    }

    #[tokio::test]
    async fn a_large_question_that_is_refused_gives_back_nothing_it_has_not_taken() {
        let (worker, id, _client) = worker();
        let answers = &worker.shared.budgets.answers;
        worker.with(|state| {
            ask_for_much(state, &worker, id, 1);
            let (taken, under_way) = (answers.bytes(), state.paused.under_way);
            assert!(taken > 0 && under_way == taken);
            end_patience(&worker);
            // No more are under way at a time than a worker may have.
            state.paused.under_way = ANSWERS_UNDER_WAY_MAX;
            state.connection(id).unwrap().reserved = 0;
            ask_for_much(state, &worker, id, 2);
            assert_eq!((answers.bytes(), state.paused.under_way), (taken, ANSWERS_UNDER_WAY_MAX));
            state.release(&worker, id, LARGE);
            assert_eq!(answers.bytes(), 0, "the first one has its answer");
        });
    }

    #[tokio::test]
    async fn a_large_question_that_has_waited_long_enough_for_the_log_is_within_the_budgets() {
        let (worker, id, _client) = worker();
        let answers = &worker.shared.budgets.answers;
        worker.shared.mailbox_of(on_other_worker()).set_behind(true);
        end_patience(&worker);
        worker.with(|state| {
            ask_for_much(state, &worker, id, 1);
            assert!(answers.bytes() > 0 && state.connection(id).unwrap().reserved > 0);
            state.release(&worker, id, LARGE);
            assert_eq!((answers.bytes(), state.paused.under_way), (0, 0));
        });
    }
}
