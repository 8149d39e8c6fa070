//! Requests whose answer takes more than one step: an application is asked, or several rooms one after the other. Each of them is a
//! journey, found by its connection and its sequence, under which every step is asked; the answer leaves with the last.

use std::sync::Arc;

use super::calls::{Call, Callback, Called, NoAnswer, Question, Verdict};
use super::connection::{Connection, Pause, Phase};
use super::login::{Arrival, Attempt};
use super::presend::Held;
use super::steps::Step;
use super::{Effect, Front, Line, find};
use crate::dispatch::{Answer, Asked};
use crate::id::{AccountId, ConnId};

/// The step that is waited for.
pub(super) enum Journey {
    /// The application's word about the account that wants to log in.
    Proof(Box<Attempt>, AccountId),
    /// The room that is entered with the login.
    Arrival(Box<Arrival>),
    /// The application's word about a new token.
    Renewal,
    /// The word of its room about a message, then that of the application.
    Message(Box<Held>),
    /// Rooms, one after the other or several at a time.
    Rooms(Step),
}

impl Journey {
    fn moves(&self) -> bool {
        let Journey::Rooms(step) = self else { return false };
        matches!(step, Step::Enter { .. } | Step::Leave { .. } | Step::LeaveAll { .. } | Step::FindRooms { .. })
    }
}

impl<L> Connection<L> {
    /// True if the request with this sequence takes several steps, of which one is waited for.
    pub(super) fn is_on_journey(&self, sequence: u32) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.journeys.iter().any(|(known, _)| *known == sequence))
    }

    /// Takes out what the request with this sequence waits for, if it takes several steps.
    pub(super) fn take_journey(&mut self, sequence: u32) -> Option<Journey> {
        let place = self.rare.as_ref()?.journeys.iter().position(|(known, _)| *known == sequence)?;
        Some(self.change_rare(|rare| rare.journeys.swap_remove(place).1))
    }

    /// True while the connection is on its way out of rooms, or from one to another.
    pub(super) fn is_moving(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.journeys.iter().any(|(_, journey)| journey.moves()))
    }

    /// A message that waits to be permitted.
    pub(super) fn held_mut(&mut self) -> Option<&mut Held> {
        self.rare.as_mut()?.journeys.iter_mut().find_map(|(_, journey)| match journey {
            Journey::Message(held) => Some(&mut **held),
            _ => None,
        })
    }
}

impl<L: Line> Front<L> {
    /// The request with this sequence waits for its next step.
    pub(super) fn wait_for(&mut self, id: ConnId, sequence: u32, next: Journey) {
        let Some(connection) = self.connection(id) else { return };
        let moves = next.moves();
        connection.change_rare(|rare| rare.journeys.push((sequence, next)));
        if moves && connection.pause != Pause::Moving {
            self.pause(id, Pause::Moving);
        }
    }

    /// A room has answered: goes on with the request, or stages its answer. The caller writes what is staged.
    pub(super) fn answer(&mut self, asked: Asked, answer: Answer) {
        let Some(connection) = find(&mut self.connections, asked.connection) else { return };
        match connection.take_journey(asked.sequence) {
            None => self.stage(asked.connection, asked.sequence, asked.kind, answer),
            Some(Journey::Arrival(arrival)) => self.complete_login(asked, *arrival, answer),
            Some(Journey::Message(held)) if !held.is_asked => self.on_may_send(asked.connection, held, answer),
            Some(Journey::Rooms(step)) => match self.step(asked, step, answer) {
                Ok(next) => self.wait_for(asked.connection, asked.sequence, Journey::Rooms(next)),
                Err(answer) => {
                    self.stage(asked.connection, asked.sequence, asked.kind, *answer);
                    self.hub.release(asked.connection, asked.sequence);
                    self.arrived(asked.connection);
                }
            },
            // It is the application that is waited for.
            Some(other) => self.wait_for(asked.connection, asked.sequence, other),
        }
    }

    /// Asks an application for the sake of a request, which has to wait for the verdict. False: too many are being asked.
    pub(super) fn call(
        &mut self,
        (id, sequence): (ConnId, u32),
        app_key: Arc<str>,
        about: Callback,
        question: Question,
    ) -> bool {
        let asking = (app_key, about);
        let is_begun = self.calls.begin(&asking);
        if is_begun {
            let called = Called { connection: id, sequence, asking };
            self.effects.push(Effect::Call(Box::new(Call { called, question })));
        }
        is_begun
    }

    /// An application has answered, or has not: goes on with the request, if its connection still waits.
    pub fn on_verdict(&mut self, called: Called, verdict: Result<Verdict, NoAnswer>) {
        self.calls.end(&called.asking);
        let (id, sequence) = (called.connection, called.sequence);
        let Some(connection) = self.connection(id).filter(|connection| connection.phase == Phase::Open) else { return };
        match connection.take_journey(sequence) {
            Some(Journey::Proof(attempt, account)) => self.on_proof(id, *attempt, account, verdict),
            Some(Journey::Renewal) => self.on_renewal(id, sequence, verdict),
            Some(Journey::Message(held)) => self.on_judged(id, *held, verdict),
            Some(other) => self.wait_for(id, sequence, other),
            None => {}
        }
    }
}
