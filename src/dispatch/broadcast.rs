//! A message of an application to all its rooms: each owner hands it to those of its rooms in which somebody is, some at a turn.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::hub::Hub;
use super::live::Owned;
use super::mail::Asker;
use crate::limits::{BROADCAST_STEPS_PER_ROOM, BROADCAST_STEPS_PER_TURN};
use crate::subject::{Actor, Command, Operation, Subject};

/// A broadcast on its way through the rooms of one worker.
pub struct Broadcasting<S: Subject> {
    /// Whose rooms.
    pub app_key: Box<str>,
    /// In whose name.
    pub actor: Actor,
    /// The operation. Handed to every room anew, so it must be cheap to clone.
    pub op: S::Op,
    /// What it has come to so far, on all workers.
    pub told: Arc<Told>,
    /// Called once every room of this worker has it; must not block.
    pub done: Box<dyn FnOnce() + Send>,
}

/// What a broadcast has come to.
#[derive(Debug, Default)]
pub struct Told {
    /// Rooms that have it.
    pub rooms: AtomicU64,
    /// Those among them where it is an ordinary message.
    pub ordinary: AtomicU64,
    /// Rooms that refused it, as all of them do once the store has failed.
    pub refused: AtomicU64,
}

/// The broadcasts of one worker, and its rooms for them.
pub(super) struct Broadcasts<S: Subject> {
    /// The first is under way: with the last room it has been in.
    waiting: VecDeque<(Broadcasting<S>, Option<S::Key>)>,
    /// Every owned room with connections, and some that the last one has left since.
    peopled: BTreeSet<S::Key>,
}

impl<S: Subject> Default for Broadcasts<S> {
    fn default() -> Broadcasts<S> {
        Broadcasts { waiting: VecDeque::new(), peopled: BTreeSet::new() }
    }
}

impl<S: Subject> Broadcasts<S> {
    pub(super) fn begin(&mut self, broadcasting: Broadcasting<S>) {
        self.waiting.push_back((broadcasting, None));
    }

    /// Somebody has come into a room.
    pub(super) fn note_peopled(&mut self, subject: S::Key) {
        self.peopled.insert(subject);
    }

    /// A room leaves memory, or nobody is in it.
    pub(super) fn forget(&mut self, subject: S::Key) {
        self.peopled.remove(&subject);
    }
}

impl<S: Subject> Hub<S> {
    /// Goes on with the broadcasts under way, for as many rooms and connections as a turn may serve. To be called once a turn.
    pub fn go_on_broadcasting(&mut self) {
        let mut steps = 0;
        while steps < BROADCAST_STEPS_PER_TURN {
            let Broadcasts { waiting, peopled } = &mut self.owner.broadcasts;
            let Some((_, last)) = waiting.front_mut() else { return };
            let after = last.map_or(Bound::Unbounded, Bound::Excluded);
            let next = peopled.range((after, Bound::Unbounded)).next().copied();
            *last = next;
            steps += match next {
                Some(subject) => self.broadcast_in(subject),
                None => self.end_broadcast(),
            };
        }
    }

    /// True if there is more of that to do.
    pub fn is_broadcasting(&self) -> bool {
        !self.owner.broadcasts.waiting.is_empty()
    }

    /// Hands the first broadcast to a room, if it is one of its application in which somebody is. What that costs, in steps.
    fn broadcast_in(&mut self, subject: S::Key) -> usize {
        let Some((broadcasting, _)) = self.owner.broadcasts.waiting.front() else { return 1 };
        let Some(Owned::Live(live)) =
            self.owner.subjects.get(&subject).filter(|owned| !matches!(owned, Owned::Live(live) if live.is_deserted()))
        else {
            self.owner.broadcasts.forget(subject);
            return 1;
        };
        if live.subject.app_key() != &*broadcasting.app_key {
            return 1;
        }
        let steps = BROADCAST_STEPS_PER_ROOM + live.subject.connections();
        let told = broadcasting.told.clone();
        let asker = Asker::Caller(Box::new(move |answer| {
            let count = match answer {
                Ok(reply) if S::Op::is_ordinary(&reply) => {
                    told.ordinary.fetch_add(1, Ordering::Relaxed);
                    &told.rooms
                }
                Ok(_) => &told.rooms,
                Err(_) => &told.refused,
            };
            count.fetch_add(1, Ordering::Relaxed);
        }));
        let command = Command { actor: broadcasting.actor.clone(), op: broadcasting.op.clone() };
        self.command(subject, asker, command, None);
        steps
    }

    fn end_broadcast(&mut self) -> usize {
        if let Some((broadcasting, _)) = self.owner.broadcasts.waiting.pop_front() {
            (broadcasting.done)();
        }
        1
    }
}
