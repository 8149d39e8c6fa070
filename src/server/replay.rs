//! Reads what connections missed out of the log (chatroom.md §d.7), on threads that may wait for the disk and a bounded number at a
//! time: after a restart everybody comes at once.

use std::collections::VecDeque;
use std::rc::Rc;

use super::logbook;
use super::shared::{Shared, store_failed};
use super::worker::{State, Worker, overloaded};
use crate::dispatch::CatchUp;
use crate::error::{Code, Status};
use crate::id::RoomId;
use crate::limits::{REPLAYS_AT_ONCE, REPLAYS_WAITING_MAX};
use crate::room::{Replay, ReplayScope};

/// The replays of one worker.
#[derive(Default)]
pub(super) struct Replays {
    reading: usize,
    waiting: VecDeque<Box<CatchUp>>,
}

impl Worker {
    /// Reads what a connection missed, now or when others are done.
    pub(super) fn catch_up(self: &Rc<Self>, state: &mut State, waiting: Box<CatchUp>) {
        if state.replays.reading < REPLAYS_AT_ONCE {
            self.read_missed(state, waiting);
        } else if state.replays.waiting.len() < REPLAYS_WAITING_MAX {
            state.replays.waiting.push_back(waiting);
        } else {
            state.hub.on_caught_up(*waiting, Err(overloaded()));
        }
    }

    fn read_missed(self: &Rc<Self>, state: &mut State, waiting: Box<CatchUp>) {
        state.replays.reading += 1;
        let (worker, shared) = (self.clone(), self.shared.clone());
        tokio::task::spawn_local(async move {
            let (room, scope) = (waiting.asked.room, waiting.scope.clone());
            let read = tokio::task::spawn_blocking(move || shared.replay(room, scope)).await;
            let read = read.unwrap_or_else(|_| Err(Status::new(Code::ServerError, "the log could not be read")));
            worker.with(|state| {
                state.replays.reading -= 1;
                // Who has not read what waits already is told the gap instead of more on top of it.
                let bytes = read.as_ref().map_or(0, Replay::bytes);
                let connection = state.connection(waiting.asked.connection);
                let is_too_much = connection.is_some_and(|connection| connection.would_owe_too_much(bytes));
                let read = if is_too_much { Err(overloaded()) } else { read };
                state.hub.on_caught_up(*waiting, read);
                if let Some(next) = state.replays.waiting.pop_front() {
                    worker.read_missed(state, next);
                }
            });
        });
    }
}

impl Shared {
    /// Reads what a connection missed of a room. Waits for the disk.
    fn replay(&self, room: RoomId, scope: ReplayScope) -> Result<Replay, Status> {
        logbook::replay(self.storage.log.as_ref(), room, &scope).map_err(|error| store_failed(&error))
    }
}
