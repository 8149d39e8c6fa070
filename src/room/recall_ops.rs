//! Taking a message back (chatroom.md §c.3).
//!
//! A room does not know its messages: the log is asked where one stands, and only then the command is applied. What a room can say
//! without that, [`Room::may_recall`] says first.

use super::check;
use super::command::Recall;
use super::entry::{Entry, Outcome};
use super::permissions::{Class, Grant, Operation};
use super::recall::message_missing;
use super::state::Room;
use crate::error::{Code, Status, Sub};
use crate::id::{MessageId, UnixMs};
use crate::limits;
use crate::subject::Actor;
use crate::wire::Response;
use crate::wire::pb::{self, NotificationType};

impl Room {
    /// True if the actor may recall such a message, as far as that can be said before it is known whether there is one.
    pub fn may_recall(&self, now: UnixMs, actor: &Actor, request: &pb::MessageRecallRequest) -> Result<(), Status> {
        self.check_recalls()?;
        MessageId::parse(&request.message_id)?;
        let author = check::account("from", &request.from)?;
        if request.time_ms <= 0 {
            return Err(Status::bad_parameter("time_ms must be the time of the message"));
        }
        check::chars("notify_ext", &request.notify_ext, limits::RECALL_EXT_CHARS_MAX)?;
        self.reach(actor)?;
        let operation = if author == actor.account { Operation::RecallOwn } else { Operation::RecallOther };
        let (grant, _) = self.permit(actor, operation, now)?;
        let is_protected = matches!(self.class_of(&author), Class::Creator | Class::Administrator);
        if grant == Grant::UnlessAuthorProtected && is_protected {
            return Err(Status::with_sub(Code::Forbidden, Sub::RecallNotAllowed));
        }
        Ok(())
    }

    pub(super) fn recall(&mut self, entry: &Entry, recall: &Recall) -> Result<Outcome, Status> {
        let (actor, now, request) = (&entry.command.actor, entry.stamp.clock, &recall.request);
        self.may_recall(now, actor, request)?;
        let author = check::account("from", &request.from)?;
        let Some(seq) = recall.seq.filter(|seq| (self.born..entry.seq).contains(seq) && !self.recalled.has(*seq)) else {
            return Err(message_missing());
        };
        // The message's own clock is known for as long as a sender may send it again, which is longer than it may recall it.
        let accepted = self.senders.accepted(&author, &request.message_id, now);
        let age_ms = match accepted.filter(|accepted| accepted.stamp.time.0 == request.time_ms) {
            Some(accepted) => now.0.saturating_sub(accepted.stamp.clock.0),
            None => entry.stamp.time.0.saturating_sub(request.time_ms),
        };
        if age_ms > limits::RECALL_WINDOW_MS && author == actor.account && !self.has_power(actor) {
            return Err(Status::with_sub(Code::Forbidden, Sub::RecallTooLate));
        }
        self.note_recall(&Recall { request: request.clone(), seq: Some(seq) }, now);
        let reply = Response::MessageRecall(pb::Status::default());
        if actor.on_behalf.as_ref().is_some_and(|wishes| wishes.silent) {
            return Ok(Outcome::lasting(reply));
        }
        let mut notice = self.notice(entry, NotificationType::MessageRecalled, &request.notify_ext);
        notice.recalled = Some(pb::Recalled {
            message_id: request.message_id.clone(),
            message_time_ms: request.time_ms,
            from: author.as_str().into(),
        });
        Ok(Outcome::notified(reply, Some(notice)))
    }

    pub(super) fn note_recall(&mut self, recall: &Recall, time: UnixMs) {
        if let Some(seq) = recall.seq {
            if let Some(priority) = self.priority.present() {
                priority.forget(seq);
            }
            self.recalled.add(seq, time);
        }
    }

    /// Creator and administrators recall without a limit of time, their own messages too.
    fn has_power(&self, actor: &Actor) -> bool {
        let is_limited = self.roster.record(&actor.account).is_some_and(|record| record.muted || record.blocklisted);
        !is_limited && matches!(self.class_of(&actor.account), Class::Creator | Class::Administrator)
    }
}
