//! What changes a user, and what it is asked.

use std::convert::Infallible;

use crate::error::{Code, Status};
use crate::id::{RoomId, Seq, UserId};
use crate::subject::{Admission, Operation, Question};

/// A change of a user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// A connection that followed the user is gone. Presence, never in the log.
    Gone,
    /// A room that the account has created is open, or is not open any more. Said by the server.
    NoteRoom {
        /// The room.
        room: RoomId,
        /// True if it is open.
        is_open: bool,
    },
}

impl Operation for Op {
    type Key = UserId;
    type LookUp = Infallible;

    fn of_gone(_at_once: bool) -> Op {
        Op::Gone
    }

    fn is_logged(&self) -> bool {
        !matches!(self, Op::Gone)
    }

    fn admission(&self) -> Admission {
        if self.is_logged() { Admission::IfThereIsRoom } else { Admission::Always }
    }

    fn found(look_up: Infallible, _seq: Option<Seq>) -> Result<Op, Status> {
        match look_up {}
    }
}

/// A question to a user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Query {}

impl Question for Query {}

/// The refusal of a command that is the server's own.
pub(super) fn not_yours() -> Status {
    Status::new(Code::Forbidden, "only the server says so")
}
