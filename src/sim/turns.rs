//! The node's side of the world: who has a turn, what it reads and writes, how it dies and begins again.

use core::net::{IpAddr, Ipv4Addr};

use super::client::Doing;
use super::network::SimLine;
use super::node::{Node, health};
use super::world::{Event, World};
use crate::dispatch::Asker;
use crate::front::{Callback, Effect, NoAnswer, Verdict, Want};
use crate::id::{RoomId, Seq, Time, UnixMs};
use crate::log::{Batch, Log as _};
use crate::server::logbook;

/// States of all clients.
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Turns in one moment after which workers are taken to have none to come to rest.
const TURNS_MAX: usize = 20_000;
/// How long a node that is stopped in order waits for its connections.
const DRAIN_MS: u64 = 5_000;

impl World {
    /// The node begins a life.
    pub(super) fn start(&mut self) {
        if self.node.is_some() {
            return;
        }
        self.lives += 1;
        let seed = self.random.u64(..);
        self.note(|| String::from("the node starts"));
        match Node::start(&self.plan, &self.disk, self.lives, (self.now, self.unix()), seed) {
            Ok(node) => {
                for worker in 0..node.workers.len() {
                    let at = Time(self.now.0 + self.random.u64(0..1_000_000));
                    self.plan_event(at, Event::Tick(node.life, worker));
                }
                self.node = Some(node);
            }
            Err(error) => self.watch.fail(format!("the node does not start: {error}")),
        }
    }

    /// The node dies: only what is synced is left, and perhaps some of what is on its way.
    pub(super) fn kill(&mut self) {
        let Some(node) = self.node.take() else { return };
        let lasting = self.random.usize(0..=self.unsynced.len());
        let waiting = self.unsynced.len();
        self.note(|| format!("the node dies; {lasting} of {waiting} batches last"));
        for batch in self.unsynced.drain(..).take(lasting).collect::<Vec<_>>() {
            self.watch.on_sync(&batch);
        }
        self.disk.kill(lasting);
        self.watch.on_loss();
        self.begun.clear();
        self.http.clear();
        let silently = self.random.u8(..) < 40 && !self.is_calm;
        for link in 0..self.links.len() {
            let at = self.after_a_way();
            let Some(held) = &mut self.links[link] else { continue };
            if held.life != node.life || !held.is_open {
                continue;
            }
            held.taken = None;
            if silently {
                (held.up.is_dead, held.down.is_dead) = (true, true);
            } else {
                let at = at.max(held.down.last);
                self.plan_event(at, Event::ClientHearsEnd(u32::try_from(link).unwrap_or(u32::MAX)));
            }
        }
        let pause = if self.is_calm { 1_000 } else { self.random.u64(1_000..6_000_000) };
        self.plan_event(Time(self.now.0 + pause), Event::Start);
    }

    /// The node is stopped in order.
    pub(super) fn stop(&mut self) {
        let until = self.now.plus_ms(DRAIN_MS);
        let Some(node) = &mut self.node else { return };
        if node.draining_until.is_none() {
            node.draining_until = Some(until);
            node.workers.iter_mut().for_each(|worker| (worker.inbox.drain, worker.is_due) = (true, true));
            self.note(|| String::from("the node is stopped"));
        }
    }

    /// Every worker takes a turn.
    pub(super) fn wake_workers(&mut self) {
        if let Some(node) = &mut self.node {
            node.workers.iter_mut().for_each(|worker| worker.is_due = true);
        }
    }

    /// A worker takes a turn, if it still lives.
    pub(super) fn make_due(&mut self, life: u64, worker: usize) {
        if let Some(node) = self.node.as_mut().filter(|node| node.life == life)
            && let Some(worker) = node.workers.get_mut(worker)
        {
            worker.is_due = true;
        }
    }

    /// A connection comes to the node.
    pub(super) fn on_arrival(&mut self, link: u32) {
        let at = self.after_a_way();
        let Some(Some(held)) = self.links.get_mut(link as usize) else { return };
        let node = self.node.as_mut().filter(|node| node.life == held.life && node.draining_until.is_none());
        let Some(node) = node.filter(|node| node.common.let_in(ADDRESS).is_ok()) else {
            return self.plan_event(at, Event::ClientHearsEnd(link));
        };
        let worker = self.random.usize(0..node.workers.len());
        let own = Time(self.now.0.saturating_sub(node.started.0));
        let unix = UnixMs(self.calendar_ms + super::world::BEGIN_MS + self.now.ms());
        let taking = &mut node.workers[worker];
        taking.front.set_clock(own, unix);
        let id = taking.front.adopt(SimLine(held.pipe.clone()), ADDRESS);
        taking.links.insert(id, link);
        taking.is_due = true;
        held.taken = Some((worker, id));
        self.plan_event(at, Event::IsUp(link));
    }

    /// The node learns that a client has closed a connection.
    pub(super) fn on_end(&mut self, link: u32) {
        let Some(Some(held)) = self.links.get_mut(link as usize) else { return };
        held.pipe.borrow_mut().is_over = true;
        if let Some((worker, _)) = held.taken {
            let life = held.life;
            self.make_due(life, worker);
        }
    }

    /// Workers take turns, in any order, until none has anything to do.
    pub(super) fn take_turns(&mut self) {
        for _ in 0..TURNS_MAX {
            let now = self.now;
            let Some(node) = &mut self.node else { return };
            node.sort();
            let due = |worker: &super::node::Worker| worker.is_due && worker.stalled <= now;
            let ready: Vec<usize> = (0..node.workers.len()).filter(|worker| due(&node.workers[*worker])).collect();
            if ready.is_empty() || self.watch.violation.is_some() {
                return;
            }
            let worker = ready[self.random.usize(0..ready.len())];
            self.mix(worker as u64);
            if let Some(mut node) = self.node.take() {
                self.turn(&mut node, worker);
                let (is_down, answers) = (node.is_down(), node.take_answers());
                self.node = Some(node);
                for (number, answer) in answers {
                    self.on_http_answer(number, answer);
                }
                if is_down {
                    self.note(|| String::from("the node is down"));
                    self.kill();
                }
            }
        }
        self.watch.fail(String::from("workers take turns without an end"));
    }

    fn turn(&mut self, node: &mut Node, worker: usize) {
        let unix = self.unix();
        node.set_clock(worker, self.now, unix);
        self.serve(node, worker);
        let own = &mut node.workers[worker];
        own.is_due = false;
        let inbox = std::mem::take(&mut own.inbox);
        node.common.pressure(worker).clear();
        own.front.turn(inbox, health(&self.disk));
        self.serve(node, worker);
        for to in 0..node.workers.len() {
            let batch = node.workers[worker].front.take_mail(to);
            if !batch.is_empty() {
                node.post(to, batch);
            }
        }
        self.write(node, worker);
        for effect in node.workers[worker].front.take_effects() {
            self.begin(node.life, worker, effect);
        }
        let own = &mut node.workers[worker];
        own.is_due |= own.front.wants_turn() || own.front.has_more();
        if let Some(wait) = own.front.next_look() {
            let at = Time(self.now.0 + u64::try_from(wait.as_micros()).unwrap_or(0).max(1));
            self.plan_event(at, Event::Look(node.life, worker));
        }
        let links: Vec<u32> = own.links.values().copied().collect();
        links.into_iter().for_each(|link| self.send_down(link));
        self.drain(node, worker);
    }

    /// Does for the connections of a worker whatever their lines are ready for.
    fn serve(&mut self, node: &mut Node, worker: usize) {
        let own = &mut node.workers[worker];
        let mut ended = Vec::new();
        for (id, number) in own.links.clone() {
            let Some(Some(link)) = self.links.get_mut(number as usize) else { continue };
            loop {
                let (is_over, has_space) = {
                    let pipe = link.pipe.borrow();
                    (pipe.is_over, pipe.held < pipe.window)
                };
                match own.front.want(id) {
                    None => break,
                    Some(Want::Removal) => {
                        own.front.remove(id);
                        own.links.remove(&id);
                        own.is_due = true;
                        link.taken = None;
                        ended.push(number);
                        break;
                    }
                    Some(Want::Finish) => {
                        own.front.on_finished(id);
                        ended.push(number);
                    }
                    Some(Want::Input { write: true } | Want::Rest { write: true }) if has_space => {
                        let before = link.pipe.borrow().held;
                        own.front.on_writable(id);
                        if link.pipe.borrow().held == before
                            && matches!(own.front.want(id), Some(Want::Input { write: true } | Want::Rest { write: true }))
                        {
                            break;
                        }
                    }
                    Some(Want::Input { .. }) if !link.arrived.is_empty() => {
                        let bytes = link.arrived.split().freeze();
                        own.front.on_bytes(id, &bytes);
                    }
                    Some(Want::Input { .. }) if is_over => own.front.on_lost(id),
                    Some(Want::Input { .. } | Want::Rest { .. }) => break,
                }
            }
        }
        for number in ended {
            self.send_down(number);
            let at = self.after_a_way();
            let Some(Some(link)) = self.links.get_mut(number as usize) else { continue };
            if !std::mem::replace(&mut link.is_finished, true) && !link.down.is_dead {
                let at = at.max(link.down.last);
                link.down.last = at;
                self.plan_event(at, Event::ClientHearsEnd(number));
            }
        }
    }

    fn write(&mut self, node: &mut Node, worker: usize) {
        let Some(writes) = node.workers[worker].front.take_writes() else { return };
        self.watch.on_append(&writes.rooms.records);
        let places: Vec<(RoomId, Seq)> = writes.rooms.records.iter().map(|record| (record.room, record.entry.seq)).collect();
        self.note(|| format!("worker {worker} writes {places:?} and {} snapshots", writes.rooms.snapshots.len()));
        self.unsynced.push_back(places);
        let tell = node.teller(worker);
        let pen = &mut node.workers[worker].pen;
        let written = match logbook::write_all(pen, writes) {
            Ok(written) => written,
            Err(status) => return self.watch.fail(format!("an entry cannot be written: {status}")),
        };
        self.disk.append(Batch {
            records: written.records,
            snapshots: written.snapshots,
            reports: written.reports,
            committed: Box::new(move |result| tell(result.is_ok())),
        });
        self.expect_commit();
    }

    fn expect_commit(&mut self) {
        if self.disk.pending() > 0 && !std::mem::replace(&mut self.commit_is_due, true) {
            let longest = if self.random.u8(..) < 4 { 3_000_000 } else { self.plan.commit_us };
            let at = Time(self.now.0 + self.random.u64(50..longest));
            self.plan_event(at, Event::Commit);
        }
    }

    /// The disk comes to some of what waits.
    pub(super) fn commit(&mut self) {
        self.commit_is_due = false;
        let pending = self.disk.pending();
        let count = if pending > 1 && self.random.bool() { self.random.usize(1..=pending) } else { pending };
        for _ in 0..count {
            let Some(batch) = self.unsynced.pop_front() else { return };
            if self.disk.commit() {
                self.watch.on_sync(&batch);
            } else {
                self.note(|| format!("the disk does not take {batch:?}"));
                self.watch.on_refused(&batch);
            }
        }
        self.expect_commit();
    }

    /// Begins what a worker wants read or asked.
    fn begin(&mut self, life: u64, worker: usize, effect: Effect) {
        let number = self.next_number();
        let delay_us = match &effect {
            Effect::Call(call) => match self.random.u8(0..20) {
                0 => call.called.callback().patience_ms() * 1000,
                1..=3 => self.random.u64(1_000..call.called.callback().patience_ms() * 1000),
                _ => self.random.u64(500..30_000),
            },
            _ => self.random.u64(20..self.plan.commit_us),
        };
        self.begun.insert(number, (life, worker, effect));
        self.plan_event(Time(self.now.0 + delay_us), Event::Done(number));
    }

    /// What a worker has begun is done.
    pub(super) fn on_done_reading(&mut self, number: u64) {
        let Some((life, worker, effect)) = self.begun.remove(&number) else { return };
        let (now, unix) = (self.now, self.unix());
        let said = self.random.u8(..);
        let Some(node) = self.node.as_mut().filter(|node| node.life == life) else { return };
        let (began, started) = (node.began, node.started);
        node.set_clock(worker, now, unix);
        let own = &mut node.workers[worker];
        own.is_due = true;
        let (reader, front) = (&self.reader, &mut own.front);
        match effect {
            Effect::Load(room) => {
                // As the server: by this clock nothing is older than it is, wherever the calendar was set meanwhile.
                let passed_ms = i64::try_from(now.ms_since(started)).unwrap_or(0);
                let at_most = unix.min(UnixMs(began.0.saturating_add(passed_ms)));
                front.on_loaded(room, reader.load(room, at_most));
            }
            Effect::LoadUser(user) => front.on_user_loaded(user, reader.load_user(user)),
            Effect::Find(find) => {
                let found = reader.find(find.subject, &find.request, unix);
                front.on_found(*find, found);
            }
            Effect::CatchUp(waiting) => {
                let read = reader.replay(waiting.asked.subject, &waiting.scope);
                front.on_caught_up(*waiting, read);
            }
            Effect::History(read) => {
                let reaches = matches!(read.asker, Asker::Connection(_));
                let page = reader.history((read.room, &read.query), read.scope, reaches, unix);
                front.on_history(read.asker, page);
            }
            Effect::Accounts(read) => {
                let looks = read.accounts.iter().map(|id| node.common.accounts.read_for(&read.app_key, id, read.registers));
                let looks = looks.collect();
                front.on_accounts(*read, looks);
            }
            Effect::Call(call) => {
                let verdict = match said {
                    0..16 => Err(NoAnswer::Timeout),
                    16..32 if call.called.callback() == Callback::Send => Ok(403),
                    _ => Ok(200),
                };
                let verdict = verdict.map(|code| Verdict { code, expire_at_ms: None, body: None });
                front.on_verdict(call.called, verdict);
            }
        }
    }

    /// A second is over for a worker.
    pub(super) fn tick(&mut self, life: u64, worker: usize) {
        let (now, unix) = (self.now, self.unix());
        let Some(node) = self.node.as_mut().filter(|node| node.life == life) else { return };
        let Some(own) = node.workers.get_mut(worker) else { return };
        if own.stalled > now {
            let at = own.stalled;
            return self.plan_event(at, Event::Tick(life, worker));
        }
        node.set_clock(worker, now, unix);
        let own = &mut node.workers[worker];
        own.front.on_tick();
        own.front.take_tallies();
        own.is_due = true;
        self.plan_event(Time(now.0 + 1_000_000), Event::Tick(life, worker));
    }

    /// Brings a worker of a node that is stopped nearer to its end.
    fn drain(&mut self, node: &mut Node, worker: usize) {
        let Some(until) = node.draining_until else { return };
        let own = &mut node.workers[worker];
        if own.is_down || own.front.connections() > 0 && self.now < until {
            return;
        }
        if own.front.hub().is_broken() {
            own.is_down = true;
            return;
        }
        if own.front.has_uncommitted() {
            return;
        }
        if std::mem::replace(&mut own.is_saved, true) {
            own.is_down = true;
            return;
        }
        own.front.save_subjects();
        own.is_due = true;
        self.write(node, worker);
    }

    /// The HTTP API has its answer.
    fn on_http_answer(&mut self, number: u64, answer: crate::dispatch::Answer) {
        self.note(|| match &answer {
            Ok(_) => format!("http {number} is done"),
            Err(status) => format!("http {number} is refused: {status}"),
        });
        match (self.http.remove(&number), answer) {
            (None, _) => self.watch.fail(format!("question {number} over HTTP is answered once more than it was asked")),
            (Some(Doing::Change { room, token }), Ok(response)) => self.watch.on_changed(room, token, &response),
            (Some(_), Ok(response)) => drop(self.answers.insert(number, response)),
            (Some(_), Err(_)) => {}
        }
    }
}
