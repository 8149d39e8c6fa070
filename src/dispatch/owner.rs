//! The subjects this worker owns: loading them, and asking those that are there (architecture.md §3, §4).

use std::collections::{BTreeSet, VecDeque};

use super::broadcast::Broadcasts;
use super::commit::{Find, Held};
use super::cover::{Cover, Rebuilt};
use super::endings::Endings;
use super::hub::{Effect, Hub};
use super::live::{Live, Owned};
use super::mail::{Asker, Mail, Request};
use super::tally::Tally;
use crate::error::{Code, Status};
use crate::id::{ByNumber, ConnId, Seq, Time};
use crate::limits::LOADING_COMMANDS_MAX;
use crate::subject::{Admission, Ask, Command, Entry, Operation, Origin, Question, Stamp, Subject};

/// The subjects of one worker.
pub(super) struct Owner<S: Subject> {
    pub subjects: ByNumber<S::Key, Owned<S>>,
    /// Lost connections that keep their place, and until when.
    pub grace: VecDeque<(Time, S::Key, ConnId)>,
    /// Subjects that were rebuilt, and when those who were in them before must have come back.
    pub vacated: VecDeque<(Time, S::Key)>,
    /// Those that wait for their end.
    pub endings: Endings<S::Key>,
    /// Those whose state in memory is ahead of the log, because the log refused something.
    pub ahead: BTreeSet<S::Key>,
    /// State that memory had of those that are being read again.
    pub stale: ByNumber<S::Key, Box<Live<S>>>,
    pub broadcasts: Broadcasts<S>,
    /// Counts of what has happened in them since [`Hub::take_tallies`].
    pub tally: Tally<S::Key>,
    /// The random numbers that entries carry.
    pub random: fastrand::Rng,
    /// The version of the rules that they go by.
    pub rules_version: u64,
    /// Reports made so far: the number of the next one.
    pub reports_made: u64,
    /// Ticks so far.
    pub ticks: u32,
}

impl<S: Subject> Owner<S> {
    pub fn new(seed: u64, rules_version: u64) -> Owner<S> {
        Owner {
            subjects: ByNumber::default(),
            grace: VecDeque::new(),
            vacated: VecDeque::new(),
            endings: Endings::default(),
            ahead: BTreeSet::new(),
            stale: ByNumber::default(),
            broadcasts: Broadcasts::default(),
            tally: Tally::default(),
            random: fastrand::Rng::with_seed(seed),
            rules_version,
            reports_made: 0,
            ticks: 0,
        }
    }
}

impl<S: Subject> Hub<S> {
    /// A request for a subject of this worker.
    pub(super) fn own(&mut self, request: Request<S>) {
        let (subject, workers, now) = (request.subject, self.config.workers, self.clock.now);
        match self.owner.subjects.get_mut(&subject) {
            Some(Owned::Live(_)) => self.ask(request),
            Some(Owned::Loading(waiting)) if waiting.len() < LOADING_COMMANDS_MAX || is_ours(&request) => waiting.push(request),
            Some(Owned::Loading(_)) => self.turn_away(request, busy("the room is being loaded")),
            None if let Ask::Command(op) = &request.ask
                && let Some(app_key) = op.begins() =>
            {
                let fresh = S::vacant(subject, self.config.rules.settings(app_key));
                self.owner.subjects.insert(
                    subject,
                    Owned::Live(Box::new(Live::new(fresh, workers, self.config.epoch, now, self.clock.steady))),
                );
                self.ask(request);
            }
            None => {
                self.owner.subjects.insert(subject, Owned::Loading(vec![request]));
                self.effects.push(Effect::Load(subject));
            }
        }
    }

    /// Refuses a request for a subject that never was. What is wrong with the request itself comes before that (chatroom.md §c.0), and
    /// only a subject knows it, so one that does not exist is asked.
    pub(super) fn refuse_nowhere(&mut self, request: Request<S>) {
        let mut nowhere = S::vacant(request.subject, self.config.rules.settings(""));
        let answer = match request.ask {
            Ask::Command(op) => {
                let stamp = Stamp { time: self.clock.unix, clock: self.clock.steady, random: 0 };
                let command = Command { actor: request.actor, op };
                let entry = Entry { seq: nowhere.next_seq(), epoch: self.config.epoch, stamp, command };
                nowhere.decide(&entry).map(|_| S::missing_subject())
            }
            Ask::Query(query) => nowhere.answer(self.clock.steady, &request.actor, &query).map(|_| S::missing_subject()),
        };
        let (Ok(refused) | Err(refused)) = answer;
        self.answer(request.asker, Err(refused));
    }

    /// The state of a subject that [`Effect::Load`] asked for, rebuilt from the log; a subject that never was comes as one that does
    /// not exist.
    pub fn on_loaded(&mut self, id: S::Key, loaded: Result<impl Into<Rebuilt<S>>, Status>) {
        let waiting = match self.owner.subjects.remove(&id) {
            Some(Owned::Loading(waiting)) => waiting,
            Some(live) => return drop(self.owner.subjects.insert(id, live)),
            None => return,
        };
        match (loaded.map(Into::into), self.owner.stale.remove(&id)) {
            (Ok(rebuilt), Some(old)) => {
                self.renew(id, rebuilt.subject, *old);
                self.do_due(id);
                waiting.into_iter().for_each(|request| self.ask(request));
            }
            (Err(_), Some(old)) => {
                self.keep_stale(id, old);
                waiting.into_iter().for_each(|request| self.ask(request));
            }
            (Ok(rebuilt), None) => {
                let cover = Cover::of(&rebuilt, Seq(rebuilt.subject.next_seq().0.saturating_sub(1)));
                let mut subject = rebuilt.subject;
                subject.set_settings(self.config.rules.settings(subject.app_key()));
                let mut live = Live::new(subject, self.config.workers, self.config.epoch, self.clock.now, self.clock.steady);
                live.cover = cover;
                self.owner.subjects.insert(id, Owned::Live(Box::new(live)));
                self.tidy_after_load(id);
                self.do_due(id);
                waiting.into_iter().for_each(|request| self.ask(request));
            }
            (Err(status), None) => waiting.into_iter().for_each(|request| self.turn_away(request, status.clone())),
        }
    }

    /// Refuses a request that its subject will not see.
    fn turn_away(&mut self, request: Request<S>, status: Status) {
        let Request { subject, asker, actor, ask, .. } = request;
        if let Ask::Command(op) = ask {
            self.free_reservation(subject, &mut Command { actor, op });
        }
        self.answer(asker, Err(status));
    }

    fn ask(&mut self, request: Request<S>) {
        let Some(Owned::Live(live)) = self.owner.subjects.get_mut(&request.subject) else { return };
        live.used = self.clock.now;
        let is_elsewhere = |app_key: &str| *app_key != *live.subject.app_key() && live.subject.exists();
        if request.app_key.as_deref().is_some_and(is_elsewhere) {
            return self.turn_away(request, S::missing_subject());
        }
        let Request { subject, asker, actor, ask, resume, .. } = request;
        let clock = live.clock(self.clock.steady);
        match ask {
            Ask::Command(op) if op.needs_look_up() => {
                let Some(request) = op.into_look_up() else { return };
                match live.subject.may_look_up(clock, &actor, &request) {
                    Ok(()) => self.after_writes(Held::Find(Box::new(Find { subject, asker, actor, request }))),
                    Err(status) => self.answer(asker, Err(status)),
                }
            }
            Ask::Command(op) => self.command(subject, asker, Command { actor, op }, resume),
            Ask::Query(query) if query.reads_log() => {
                match (live.subject.history(clock, &actor, &query), asker) {
                    // Whoever holds the connection looks it up, because only there it can be written.
                    (Ok(scope), Asker::Connection(asked)) => {
                        let mail = Mail::History { asked, query: Box::new(query), scope };
                        self.send(asked.connection.worker(), mail);
                    }
                    (Ok(scope), asker) => self.effects.push(Effect::History { asker, subject, query: Box::new(query), scope }),
                    (Err(status), asker) => self.answer(asker, Err(status)),
                }
            }
            Ask::Query(query) => {
                let answer = live.subject.answer(clock, &actor, &query);
                self.answer(asker, answer);
            }
        }
    }

    /// Where the log has the message of [`Effect::Find`], if it has it.
    pub fn on_found(&mut self, find: Find<S>, found: Result<Option<Seq>, Status>) {
        let Find { subject, asker, actor, request } = find;
        match found.and_then(|seq| S::Op::found(request, seq)) {
            Ok(op) => self.own(Request { subject, asker, actor, ask: Ask::Command(op), app_key: None, resume: None }),
            Err(status) => self.answer(asker, Err(status)),
        }
    }
}

/// True if a request is none of a client's wishes but what has happened: that may not be lost. There is one for each connection
/// that asked before.
fn is_ours<S: Subject>(request: &Request<S>) -> bool {
    request.actor.origin == Origin::Server || matches!(&request.ask, Ask::Command(op) if op.admission() == Admission::Always)
}

pub(super) fn busy(reason: &'static str) -> Status {
    Status::new(Code::Busy, reason)
}
