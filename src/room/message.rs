//! Messages: what may be sent, and what becomes of it (chatroom.md §a.6, §c.3, §e).

use super::content::{check_content, check_receivers, plain};
use super::dedup::Accepted;
use super::entry::{Entry, Outcome};
use super::moderator::Rewritten;
use super::permissions::{Grant, Operation};
use super::rate::{Bucket, Pace, too_frequent};
use super::space::check_point;
use super::state::Room;
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, ConnId, MessageId, UnixMs};
use crate::limits;
use crate::planted::{self, Bug};
use crate::subject::{Actor, Audience, Origin};
use crate::wire::pb::{self, MessageType};
use crate::wire::{Push, Response};

/// What the checks of a message come to.
enum Checked {
    /// It was accepted before.
    Duplicate(Accepted),
    /// It may be sent.
    New(Sendable),
}

/// A message that may be sent.
struct Sendable {
    id: MessageId,
    /// Whom it is for; empty: the room.
    receivers: Vec<AccountId>,
    /// What the room's and the sender's allowances are after it, if it counts against them.
    paid: Option<(Bucket, Option<Bucket>)>,
    /// True if high priority is asked for, and by somebody who may have it.
    may_be_high: bool,
    /// What moderation has put in place of what was said.
    rewritten: Rewritten,
}

impl Room {
    pub(super) fn send(&mut self, entry: &Entry, request: &pb::MessageSendRequest) -> Result<Outcome, Status> {
        let (actor, now) = (&entry.command.actor, entry.stamp.clock);
        let request = &*plain(request);
        let Sendable { id, receivers, paid, may_be_high, rewritten } = match self.check_send(now, actor, request)? {
            Checked::Duplicate(accepted) => return Ok(Outcome { waits: true, ..Outcome::reply(sent(&accepted, true)) }),
            Checked::New(sendable) => sendable,
        };
        let bucket = paid.and_then(|(intake, bucket)| {
            self.intake = intake;
            bucket
        });
        if let Some(ratio) = request.abandon_ratio
            && entry.stamp.random % 10_000 < u64::from(ratio)
        {
            if let Some(bucket) = bucket {
                self.senders.charge(&actor.account, bucket, now);
            }
            let response = pb::MessageSendResponse {
                message_id: request.message_id.clone(),
                time_ms: entry.stamp.time.0,
                epoch: entry.epoch.0,
                abandoned: true,
                ..Default::default()
            };
            return Ok(Outcome::reply(Response::MessageSend(response)));
        }
        let mut message = self.message(entry, request, !receivers.is_empty());
        rewritten.body.into_iter().for_each(|body| message.body = body);
        rewritten.attach.into_iter().for_each(|attach| message.attach = attach);
        let audience = if receivers.is_empty() {
            message.notify_target_tags = self.target(actor, request.notify_target_tags.as_deref());
            self.hearers(actor, &message.notify_target_tags, request.at)
        } else {
            self.directed_audience(actor, &receivers)
        };
        // Over the rate a message is an ordinary one, unless its sender would rather be refused; nothing has changed yet.
        message.high_priority = may_be_high && self.priority.admit(now, self.settings.high_priority_per_second);
        if may_be_high && !message.high_priority && actor.on_behalf.as_ref().is_some_and(|wishes| wishes.high_or_never) {
            return Err(Status::with_sub(Code::Forbidden, Sub::HighPriorityRate));
        }
        message.resend_on_enter = message.high_priority && request.high_priority_resend.unwrap_or(true) && receivers.is_empty();
        if message.resend_on_enter {
            self.priority.keep(&message, &audience, now);
        }
        let high_priority = message.high_priority;
        let accepted = Accepted { id, seq: entry.seq, epoch: entry.epoch, stamp: entry.stamp.into(), high_priority };
        let reply = sent(&accepted, false);
        if request.r#type == MessageType::Barrage as i32 {
            return Ok(Outcome { push: Some(Push::Message(message)), audience, ..Outcome::reply(reply) });
        }
        self.senders.remember(&actor.account, accepted, bucket);
        Ok(Outcome {
            push: Some(Push::Message(message)),
            audience,
            in_history: !request.skip_history && receivers.is_empty(),
            ..Outcome::lasting(reply)
        })
    }

    /// True if a message would be accepted now: the checks of [`Room::send`] in their order, and nothing changes. Answers an empty
    /// response, or that of the first time where the message was accepted before.
    pub(super) fn may_send_query(
        &self,
        now: UnixMs,
        actor: &Actor,
        request: &pb::MessageSendRequest,
    ) -> Result<Response, Status> {
        Ok(match self.check_send(now, actor, &plain(request))? {
            Checked::Duplicate(accepted) => sent(&accepted, true),
            Checked::New(_) => Response::MessageSend(pb::MessageSendResponse::default()),
        })
    }

    /// The rows of chatroom.md §c.0 on a message, in their order.
    fn check_send(&self, now: UnixMs, actor: &Actor, request: &pb::MessageSendRequest) -> Result<Checked, Status> {
        let id = MessageId::parse(&request.message_id)?;
        check_content(actor.origin, request)?;
        let is_barrage = request.r#type == MessageType::Barrage as i32;
        if is_barrage && !self.is_of_client {
            return Err(Status::bad_parameter("type 20 belongs to rooms made by clients"));
        }
        let receivers = check_receivers(request)?;
        self.check_expression(request.notify_target_tags.as_deref())?;
        check_point(request.at.as_ref())?;
        self.reach(actor)?;
        if request.resend
            && !planted::is(Bug::ResendDoubles)
            && let Some(accepted) = self.senders.accepted(&actor.account, id.as_str(), now)
        {
            return Ok(Checked::Duplicate(accepted));
        }
        let operation = if receivers.is_empty() { Operation::Send } else { Operation::SendDirected };
        if matches!(MessageType::try_from(request.r#type), Ok(MessageType::Notification | MessageType::Robot)) {
            return Err(Status::new(Code::Forbidden, "messages of this type are made by the server"));
        }
        self.permit(actor, operation, now)?;
        // With `abandon_ratio` the wish for high priority is void (chatroom.md §e.3).
        let may_be_high = request.high_priority && request.abandon_ratio.is_none() && {
            let (grant, _) = self.permit(actor, Operation::SendHighPriority, now)?;
            // Rooms made by clients are flat: there the wish is everybody's (chatroom.md §b, note 6, and §c.6).
            grant == Grant::Full || actor.origin != Origin::Member || self.is_of_client
        };
        let paid = match actor.origin {
            // Without a rate of its own (chatroom.md §c.6): the session's and the room's bound it.
            Origin::Member if is_barrage => Some((self.room_intake(now)?, None)),
            Origin::Member => Some(self.pace(now, actor)?),
            Origin::Http | Origin::Server => None,
        };
        let rewritten = self.settings.moderate_message(request)?;
        Ok(Checked::New(Sendable { id, receivers, paid, may_be_high, rewritten }))
    }

    /// What the room's and the sender's allowances are after this message; 416 if either is used up.
    fn pace(&self, now: UnixMs, actor: &Actor) -> Result<(Bucket, Option<Bucket>), Status> {
        let settings = &self.settings;
        let own = Pace { per_second: settings.sends_per_second, burst: settings.sends_burst };
        let bucket = self.senders.bucket(&actor.account).take(now, own)?;
        if settings.sends_per_five_minutes > 0 {
            too_frequent(self.senders.wait_ms(&actor.account, now, settings.sends_per_five_minutes))?;
        }
        Ok((self.room_intake(now)?, Some(bucket)))
    }

    /// What the room's allowance is after this message.
    fn room_intake(&self, now: UnixMs) -> Result<Bucket, Status> {
        let per_second = self.settings.room_intake_per_second;
        self.intake.take(now, Pace { per_second, burst: per_second })
    }

    pub(super) fn message(&self, entry: &Entry, request: &pb::MessageSendRequest, directed: bool) -> Box<pb::Message> {
        let actor = &entry.command.actor;
        let (mut nick, mut avatar, ext) = self.shown(&actor.account);
        // Who is not here shows its account's face, unless the room has kept another.
        if let (Some(account), None) = (&actor.on_behalf, self.people.person(&actor.account)) {
            nick = if nick.is_empty() { &account.nick } else { nick };
            avatar = if avatar.is_empty() { &account.avatar } else { avatar };
        }
        Box::new(pb::Message {
            room_id: self.id.get(),
            seq: entry.seq.0,
            time_ms: entry.stamp.time.0,
            message_id: request.message_id.clone(),
            from: actor.account.as_str().into(),
            from_nick: nick.into(),
            from_avatar: avatar.into(),
            from_ext: ext.into(),
            from_client_type: actor.client_type,
            r#type: request.r#type,
            sub_type: request.sub_type,
            body: request.body.clone(),
            attach: request.attach.clone(),
            ext: request.ext.clone(),
            epoch: entry.epoch.0,
            skip_history: request.skip_history,
            at: request.at,
            directed,
            ..Default::default()
        })
    }

    /// Who hears a directed message: the named accounts and the sender's other connections.
    fn directed_audience(&self, actor: &Actor, receivers: &[AccountId]) -> Audience {
        let people = receivers.iter().chain([&actor.account]).filter_map(|account| self.people.person(account));
        let connections = people.flat_map(|person| &person.connections).map(|own| own.id);
        let mut only: Vec<ConnId> = connections.filter(|connection| Some(*connection) != actor.connection).collect();
        only.sort_unstable();
        only.dedup();
        Audience::Only(only.into())
    }

    pub(super) fn note_send(&mut self, entry: &Entry, request: &pb::MessageSendRequest) {
        if let Ok(id) = MessageId::parse(&request.message_id) {
            let high_priority = request.high_priority;
            let accepted = Accepted { id, seq: entry.seq, epoch: entry.epoch, stamp: entry.stamp.into(), high_priority };
            self.senders.remember(&entry.command.actor.account, accepted, None);
            if high_priority {
                self.priority.admit(entry.stamp.clock, limits::HIGH_PRIORITY_PER_SECOND_MAX);
            }
        }
    }
}

pub(super) fn sent(accepted: &Accepted, duplicate: bool) -> Response {
    Response::MessageSend(pb::MessageSendResponse {
        message_id: accepted.id.as_str().into(),
        time_ms: accepted.stamp.time.0,
        seq: accepted.seq.0,
        epoch: accepted.epoch.0,
        high_priority: accepted.high_priority,
        duplicate,
        ..Default::default()
    })
}
