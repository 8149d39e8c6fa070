//! What a room does by itself when its time has come: closing after a delay, ending when it is empty (chatroom.md §a.3, §c.6).

use super::command::Op;
use super::entry::{Command, Entry, Outcome};
use super::permissions::Operation;
use super::state::Room;
use crate::error::{Code, Status};
use crate::id::{AccountId, UnixMs};
use crate::limits;
use crate::subject::{Actor, Origin};
use crate::wire::{Response, pb};

/// `DelayClose.policy`: does not close by itself.
const OFF: u32 = 0;
/// `DelayClose.policy`: closes that long after it was set.
const FIXED_TIME: u32 = 1;
/// `DelayClose.policy`: closes after nobody has been in the room that long.
const EMPTY_FOR: u32 = 2;

impl Room {
    /// When the room next does something by itself, as far as that is known now; `None`: nothing waits for a time.
    pub fn deadline(&self) -> Option<UnixMs> {
        [self.ends_at(), self.closes_at(), self.robot_goes_at()].into_iter().flatten().min()
    }

    /// What the room does by itself now, if its time has come: to be applied, and then asked for again.
    pub fn due(&self, now: UnixMs) -> Option<Command> {
        let is_over = |at: Option<UnixMs>| at.is_some_and(|at| at <= now);
        if let Some(end) = self.end_if_due(now) {
            return Some(end);
        }
        if is_over(self.closes_at()) {
            let op = Op::Close(pb::RoomCloseRequest::default());
            return Some(Command { actor: Actor::server(self.creator.clone()?), op });
        }
        if is_over(self.robot_goes_at()) {
            let op = Op::UnseatRobot { silent: false };
            return self.robot_that_goes().map(|robot| Command { actor: Actor::server(robot), op });
        }
        None
    }

    /// The end of a room made by a client, if its time has come.
    pub(super) fn end_if_due(&self, now: UnixMs) -> Option<Command> {
        let creator = self.ends_at().filter(|at| *at <= now).and(self.creator.clone())?;
        Some(Command { actor: Actor::server(creator), op: Op::Destroy })
    }

    /// When a room made by a client ends because nobody is in it.
    pub fn ends_at(&self) -> Option<UnixMs> {
        let is_left = self.exists() && self.is_of_client && self.is_empty_of_people();
        let delay_ms = i64::from(self.info.destroy_delay_seconds) * 1000;
        is_left.then(|| UnixMs(self.empty_since.0.saturating_add(delay_ms)))
    }

    /// Since when nobody is in the room, while nobody is.
    pub fn empty_since(&self) -> UnixMs {
        self.empty_since
    }

    /// Account that made the room; `None` while it does not exist.
    pub fn maker(&self) -> Option<&AccountId> {
        self.creator.as_ref()
    }

    /// Says since when nobody is here, of a room that has just been rebuilt from the log: everybody has vanished with the node. One
    /// that everybody had left before that ends when it would have, but no sooner than a room that ends as soon as it is empty.
    pub fn vacated(&mut self, since: UnixMs) {
        let delay_ms = i64::from(self.info.destroy_delay_seconds) * 1000;
        self.empty_since = match self.left_before.take() {
            Some(left) => left.max(UnixMs(since.0.saturating_sub(delay_ms))).min(since),
            None => since,
        };
    }

    /// The same of a room that was out of memory for a while, and that nobody was in.
    pub fn empty_for_long(&mut self, since: UnixMs) {
        self.empty_since = since;
    }

    /// When the room closes by itself.
    fn closes_at(&self) -> Option<UnixMs> {
        let delay = self.info.delay_close.as_ref().filter(|_| self.info.valid)?;
        let from = match delay.policy {
            FIXED_TIME => delay.start_time_ms,
            EMPTY_FOR if self.is_empty_of_people() => delay.start_time_ms.max(self.empty_since.0),
            _ => return None,
        };
        Some(UnixMs(from.saturating_add(i64::from(delay.delay_seconds) * 1000)))
    }

    pub(super) fn delay_close(&mut self, entry: &Entry, request: &pb::DelayClose) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        if request.policy > EMPTY_FOR {
            return Err(Status::bad_parameter("policy must be 0, 1 or 2"));
        }
        if request.delay_seconds > limits::DELAY_CLOSE_SECONDS_MAX {
            return Err(Status::bad_parameter(format!("delay_seconds must not exceed {}", limits::DELAY_CLOSE_SECONDS_MAX)));
        }
        self.reach(actor)?;
        if actor.origin == Origin::Member {
            return Err(Status::new(Code::Forbidden, "a room is told over HTTP to close later"));
        }
        self.permit(actor, Operation::Close, entry.stamp.clock)?;
        self.note_delay_close(request, entry.stamp.clock);
        Ok(Outcome::lasting(Response::RoomInfo(self.info_response())))
    }

    /// The timer starts anew, whatever it was set to before.
    pub(super) fn note_delay_close(&mut self, delay: &pb::DelayClose, time: UnixMs) {
        self.info.delay_close = (delay.policy != OFF).then_some(pb::DelayClose { start_time_ms: time.0, ..*delay });
    }
}
