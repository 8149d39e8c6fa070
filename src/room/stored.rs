//! Commands in the form the log keeps.

use super::command::{Create, Enter, Op, Open, Recall};
use super::entry::Command;
use crate::error::{Code, Status};
use crate::id::{AccountId, ConnId, Seq};
use crate::subject::{Actor, Origin};
use crate::wire::pb;
use crate::wire::store::{self, command::Op as Stored};

impl Command {
    /// The form the log keeps; `None` for presence, which is never in the log, and for messages, which are rebuilt from the
    /// body of their push (see [`Command::send_from_message`]).
    pub fn to_store(&self) -> Option<store::Command> {
        if matches!(self.op, Op::Send(_)) { None } else { self.with_request() }
    }

    /// The same, of a message with its request.
    pub(super) fn with_request(&self) -> Option<store::Command> {
        let op = to_store!(() &self.op => {
            Op::Enter(_) | Op::Exit | Op::Detach | Op::Expel | Op::KickDevices(_) | Op::Broadcast(_) => return None,
            Op::AddRobots(_) | Op::RemoveRobots(_) | Op::SeatRobot(_) | Op::UnseatRobot { .. } => return None,
            Op::Create(create) => Stored::Create(create.to_store()),
            Op::Reopen => Stored::Reopen(store::RoomReopen {}),
            Op::DelayClose(delay) => Stored::DelayClose(*delay),
            Op::Open(open) => {
                Stored::Open(store::RoomOpen { request: Some(open.request.clone()), app_key: open.enter.app_key.clone() })
            }
            Op::Destroy => Stored::Destroy(store::RoomDestroy {}),
            Op::Recall(recall) => Stored::Recall(store::MessageRecall {
                request: Some(recall.request.clone()),
                seq: recall.seq.map_or(0, |seq| seq.0),
            }),
            Op::QueueClearOwner => {
                Stored::QueueClearOwner(store::QueueClearOwner { owner: self.actor.account.as_str().into(), count: 0 })
            }
            Op::QueueClearSome(count) => {
                let owner = self.actor.account.as_str().into();
                Stored::QueueClearOwner(store::QueueClearOwner { owner, count: *count })
            }
            Op::ClearOwnerAttributes => Stored::AttributesClearOwner(self.to_clear()),
            Op::ClearMemberAttributes => Stored::MemberAttributesClear(self.to_clear()),
        });
        Some(store::Command { actor: Some(self.actor.to_store()), op: Some(op) })
    }

    /// The command behind what [`Command::to_store`] gave; 500 if it never gave that.
    pub fn from_store(stored: store::Command) -> Result<Command, Status> {
        let actor = Actor::from_store(&stored.actor.ok_or_else(|| corrupt("a command without actor"))?)?;
        let op = from_store!(() stored.op.ok_or_else(|| corrupt("a command without operation"))? => {
            Stored::Create(create) => Op::Create(Box::new(Create::from_store(create)?)),
            Stored::Reopen(_) => Op::Reopen,
            Stored::DelayClose(delay) => Op::DelayClose(delay),
            Stored::Open(open) => {
                let request = open.request.ok_or_else(|| corrupt("a room of a client without its wishes"))?;
                let enter = Enter::from_request(request.enter.clone().unwrap_or_default());
                Op::Open(Box::new(Open { request, enter: Enter { app_key: open.app_key, ..enter }, must_exist: false }))
            }
            Stored::Destroy(_) => Op::Destroy,
            Stored::Recall(recall) => {
                let request = recall.request.ok_or_else(|| corrupt("a recall without its request"))?;
                Op::Recall(Box::new(Recall { request, seq: (recall.seq != 0).then_some(Seq(recall.seq)) }))
            }
            Stored::QueueClearOwner(store::QueueClearOwner { count: 0, .. }) => Op::QueueClearOwner,
            Stored::QueueClearOwner(cleared) => Op::QueueClearSome(cleared.count),
            Stored::AttributesClearOwner(_) => Op::ClearOwnerAttributes,
            Stored::MemberAttributesClear(_) => Op::ClearMemberAttributes,
        });
        Ok(Command { actor, op })
    }

    fn to_clear(&self) -> store::AttributesClearOwner {
        store::AttributesClearOwner { owner: self.actor.account.as_str().into() }
    }

    /// The command that made a message: as much of it as a room needs to remember the message's id.
    ///
    /// A sender that is no account, which only a damaged log can hold, is remembered as `-`.
    pub fn send_from_message(message: &pb::Message) -> Command {
        let nobody = || AccountId::parse("-").expect("a hyphen is a name");
        let actor = Actor {
            account: AccountId::parse(&message.from).unwrap_or_else(|_| nobody()),
            connection: None,
            origin: Origin::Member,
            anonymous: false,
            globally_muted: false,
            names_nobody: false,
            client_type: message.from_client_type,
            on_behalf: None,
        };
        let request = pb::MessageSendRequest {
            room_id: message.room_id,
            message_id: message.message_id.clone(),
            r#type: message.r#type,
            body: message.body.clone(),
            attach: message.attach.clone(),
            ext: message.ext.clone(),
            sub_type: message.sub_type,
            skip_history: message.skip_history,
            high_priority: message.high_priority,
            high_priority_resend: message.high_priority.then_some(message.resend_on_enter),
            ..Default::default()
        };
        Command { actor, op: Op::Send(Box::new(request)) }
    }
}

impl Actor {
    fn to_store(&self) -> store::Actor {
        store::Actor {
            account: self.account.as_str().into(),
            connection: self.connection.map_or(0, ConnId::get),
            origin: match self.origin {
                Origin::Member => 0,
                Origin::Http => 1,
                Origin::Server => 2,
            },
            anonymous: self.anonymous,
            client_type: self.client_type,
        }
    }

    fn from_store(stored: &store::Actor) -> Result<Actor, Status> {
        Ok(Actor {
            account: AccountId::parse(&stored.account).map_err(|_| corrupt("an actor without account"))?,
            connection: (stored.connection != 0).then(|| ConnId::from_raw(stored.connection)),
            origin: match stored.origin {
                0 => Origin::Member,
                1 => Origin::Http,
                2 => Origin::Server,
                _ => return Err(corrupt("an unknown origin")),
            },
            anonymous: stored.anonymous,
            globally_muted: false,
            names_nobody: false,
            client_type: stored.client_type,
            on_behalf: None,
        })
    }
}

impl Create {
    fn to_store(&self) -> store::RoomCreate {
        store::RoomCreate {
            creator: self.creator.as_str().into(),
            name: self.name.clone(),
            announcement: self.announcement.clone(),
            broadcast_url: self.broadcast_url.clone(),
            ext: self.ext.clone(),
            queue_level: self.queue_level,
            moderation_id: self.moderation_id.clone(),
            silent_in_out: self.silent_in_out,
            app_key: self.app_key.clone(),
        }
    }

    fn from_store(stored: store::RoomCreate) -> Result<Create, Status> {
        Ok(Create {
            app_key: stored.app_key,
            creator: AccountId::parse(&stored.creator).map_err(|_| corrupt("a room without creator"))?,
            name: stored.name,
            announcement: stored.announcement,
            broadcast_url: stored.broadcast_url,
            ext: stored.ext,
            queue_level: stored.queue_level,
            moderation_id: stored.moderation_id,
            silent_in_out: stored.silent_in_out,
        })
    }
}

/// 500: the log holds what was never written.
pub(super) fn corrupt(what: &str) -> Status {
    Status::new(Code::ServerError, format!("the log holds {what}"))
}
