//! Facts about commands and questions, so that nobody but the room has to know which ones there are.

use super::command::{Enter, Op, Query, Recall};
use super::recall::message_missing;
use crate::error::Status;
use crate::id::{ConnId, RoomId, Seq, UnixMs};
use crate::subject::{Admission, Entering, Operation, Question};
use crate::wire::{Response, pb};

impl Operation for Op {
    type Key = RoomId;
    type LookUp = pb::MessageRecallRequest;

    fn of_gone(at_once: bool) -> Op {
        if at_once { Op::Exit } else { Op::Detach }
    }

    fn beyond_quota() -> Option<Op> {
        Some(Op::Expel)
    }

    fn is_logged(&self) -> bool {
        match self {
            Op::Enter(_) | Op::Exit | Op::Detach | Op::Expel | Op::KickDevices(_) => false,
            Op::AddRobots(_) | Op::RemoveRobots(_) | Op::SeatRobot(_) | Op::UnseatRobot { .. } => false,
            Op::UpdateTags(_) | Op::UpdateLocation(_) | Op::Broadcast(_) => false,
            Op::Send(request) => request.r#type != pb::MessageType::Barrage as i32,
            _ => true,
        }
    }

    fn admission(&self) -> Admission {
        match self {
            Op::Exit | Op::Detach | Op::Broadcast(_) => Admission::Always,
            _ => Admission::IfThereIsRoom,
        }
    }

    fn follows(&self) -> bool {
        matches!(self, Op::Enter(_) | Op::Open(_))
    }

    fn loses_connection(&self) -> bool {
        matches!(self, Op::Detach)
    }

    fn begins(&self) -> Option<&str> {
        match self {
            Op::Create(create) => Some(&create.app_key),
            _ => None,
        }
    }

    fn may_begin(&self) -> Option<&str> {
        match self {
            Op::Open(open) => Some(&open.enter.app_key),
            _ => None,
        }
    }

    fn opens(&self) -> Option<bool> {
        match self {
            Op::Create(_) | Op::Open(_) => Some(true),
            Op::Destroy => Some(false),
            _ => None,
        }
    }

    fn entering(&mut self) -> Option<Entering<'_, RoomId>> {
        let Enter { app_key, leaves, over_quota, is_barred, .. } = match self {
            Op::Enter(enter) => enter.as_mut(),
            Op::Open(open) => &mut open.enter,
            _ => return None,
        };
        Some(Entering { app_key, leaves: *leaves, over_quota, is_barred })
    }

    fn takes_over(&self) -> Option<ConnId> {
        match self {
            Op::Enter(enter) => enter.replaces,
            _ => None,
        }
    }

    fn position(&self) -> Option<Option<&pb::RoomPosition>> {
        match self {
            Op::Enter(enter) => Some(enter.request.position.as_ref()),
            Op::Open(open) => Some(open.enter.request.position.as_ref()),
            _ => None,
        }
    }

    fn needs_look_up(&self) -> bool {
        matches!(self, Op::Recall(recall) if recall.seq.is_none())
    }

    fn into_look_up(self) -> Option<pb::MessageRecallRequest> {
        match self {
            Op::Recall(recall) => Some(recall.request),
            _ => None,
        }
    }

    fn found(request: pb::MessageRecallRequest, seq: Option<Seq>) -> Result<Op, Status> {
        let seq = Some(seq.ok_or_else(message_missing)?);
        Ok(Op::Recall(Box::new(Recall { request, seq })))
    }

    fn is_ordinary(reply: &Response) -> bool {
        matches!(reply, Response::MessageSend(sent) if !sent.high_priority)
    }
}

impl Question for Query {
    fn reads_log(&self) -> bool {
        matches!(self, Query::History(_) | Query::HistoryByTags(_))
    }
}

impl Op {
    /// Once it has become an entry of the log: place and time of the message that it takes back.
    pub fn redacts(&self) -> Option<(Seq, UnixMs)> {
        match self {
            Op::Recall(recall) => recall.seq.map(|seq| (seq, UnixMs(recall.request.time_ms))),
            _ => None,
        }
    }
}
