//! What wants to change a room, and who wants it (chatroom.md §c).

use std::sync::Arc;

use super::broadcast::Broadcast;
use super::report::ClientFacts;
use crate::id::{AccountId, ConnId, DeviceId, RoomId, Seq};
use crate::wire::pb;

// Both enumerations go on with the requests that a room takes as they are (`build/subjects.rs`).
commands! {
    /// A change somebody wants. Requests of the wire protocol stand here as they are; what they may hold is checked by `Room::apply`.
    #[derive(Clone, PartialEq, Debug)]
    pub enum Op {
        /// The first entry of every room.
        Create(Box<Create>),
        /// A connection enters: presence, never in the log.
        Enter(Box<Enter>),
        /// A connection leaves on purpose, or its grace is over: presence, never in the log.
        Exit,
        /// A connection was lost; its member stays for the grace (chatroom.md §d.7): presence, never in the log.
        Detach,
        /// HTTP toggleCloseStat with valid=true.
        Reopen,
        /// §a.3 delayInfo: the room closes by itself later, or does not any more.
        DelayClose(pb::DelayClose),
        /// §c.6 createRoom and enterRoom: a connection enters a room made by a client, which begins with it if it is not there.
        Open(Box<Open>),
        /// §c.6: nobody is left in a room made by a client. Said by the server.
        Destroy,
        /// §a.8: robots come, or stay longer. Said over HTTP; presence, never in the log.
        AddRobots(Box<AddRobots>),
        /// §a.8: robots go. Said over HTTP; presence, never in the log.
        RemoveRobots(RemoveRobots),
        /// The actor takes its place as a robot, a consequence of `AddRobots`: presence, never in the log.
        SeatRobot(Box<Robot>),
        /// The actor ceases to be a robot, a consequence of `RemoveRobots` or because its time is over: presence, never in the log.
        UnseatRobot {
            /// No 302.
            silent: bool,
        },
        /// §d.5: the account has entered more rooms than it may, and leaves this one. Said by the server; presence, never in the log.
        Expel,
        /// §d.4: the actor puts other devices of its own account out: presence, never in the log.
        KickDevices(pb::KickDevicesRequest),
        /// A message of the application to all its rooms. Said over HTTP; never in the log.
        Broadcast(Arc<Broadcast>),
        /// §c.3 recallMsg.
        Recall(Box<Recall>),
        /// §f.4: the actor's last connection is gone, its transient elements go.
        QueueClearOwner,
        /// As `QueueClearOwner` stands in the log where one notification could not tell of all: so many went, from the head on.
        QueueClearSome(u32),
        /// §c.6: the actor's last connection is gone, and with it the attributes it owns that go with their owner.
        ClearOwnerAttributes,
        /// §c.6: the actor's last connection is gone, and with it those of its own attributes that go with it.
        ClearMemberAttributes,
    }
}

impl Op {
    /// True if all accounts that the command is about, and that must exist (chatroom.md §c.2, §f.2), are known.
    pub fn names_known(&self, is_known: impl Fn(&str) -> bool) -> bool {
        match self {
            Op::SetRole(request) => is_known(&request.account),
            Op::TempMute(request) => is_known(&request.account),
            Op::QueueOffer(request) => request.owner.is_empty() || is_known(&request.owner),
            Op::QueueBatchOffer(request) => {
                let owners = request.elements.iter().map(|element| &element.owner);
                owners.filter(|owner| !owner.is_empty()).all(|owner| is_known(owner))
            }
            _ => true,
        }
    }
}

/// A recall, and where the log has the message. A room does not know its messages: the log is asked before the command is applied.
#[derive(Clone, PartialEq, Debug)]
pub struct Recall {
    /// The question.
    pub request: pb::MessageRecallRequest,
    /// Where the message stands; `None`: there is none such.
    pub seq: Option<Seq>,
}

/// A room made by a client, and the connection that makes or enters it.
#[derive(Clone, PartialEq, Debug)]
pub struct Open {
    /// The wishes of the client.
    pub request: pb::RoomCreateRequest,
    /// With the room it enters.
    pub enter: Enter,
    /// The room is only entered, and not made if it is missing.
    pub must_exist: bool,
}

/// What a room is born with.
#[derive(Clone, PartialEq, Debug)]
pub struct Create {
    /// The application the room belongs to.
    pub app_key: String,
    /// Becomes the first fixed member.
    pub creator: AccountId,
    /// 1-128 char.
    pub name: String,
    /// At most 4096 char.
    pub announcement: Option<String>,
    /// At most 1024 char.
    pub broadcast_url: String,
    /// At most 4096 char.
    pub ext: String,
    /// 0 or 1.
    pub queue_level: u32,
    /// JSON text.
    pub moderation_id: String,
    /// Enter and leave notifications start switched off.
    pub silent_in_out: bool,
}

/// Accounts that are to be robots in a room (chatroom.md §a.8). That they exist and are not blocked is for the caller to see to.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct AddRobots {
    /// 1-100, each once.
    pub robots: Vec<(AccountId, RobotProfile)>,
    /// What they show as `ext`, at most 4096 char.
    pub ext: String,
    /// Goes into their enter notifications, at most 2048 char.
    pub notify_ext: String,
}

/// What an account's profile gives a robot to show.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RobotProfile {
    /// Its nick.
    pub nick: String,
    /// The address of its avatar.
    pub avatar: String,
}

/// Robots that are to go.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RemoveRobots {
    /// Which, at most 100; `None`: all of them.
    pub accounts: Option<Vec<AccountId>>,
    /// No 302 for those who go.
    pub silent: bool,
}

/// One robot on its way to its place.
#[derive(Clone, PartialEq, Debug)]
pub struct Robot {
    /// What it shows.
    pub profile: RobotProfile,
    /// See [`AddRobots::ext`].
    pub ext: String,
    /// See [`AddRobots::notify_ext`].
    pub notify_ext: String,
}

/// What a connection brings along when it enters.
#[derive(Clone, PartialEq, Debug)]
pub struct Enter {
    /// The wishes of the client.
    pub request: pb::RoomEnterRequest,
    /// Nick and avatar of the account's profile: defaults for what the request leaves empty.
    pub account_nick: String,
    /// See `account_nick`.
    pub account_avatar: String,
    /// The application the connection has logged in to: must be the room's, else 404.
    pub app_key: String,
    /// The device, for the multi-client policy.
    pub device_id: DeviceId,
    /// The application's own client type, for the multi-client policy; 0: none.
    pub custom_client_type: u32,
    /// The connection this one takes over from, if its resume token was right and it is still there.
    pub replaces: Option<ConnId>,
    /// The room made by a client which the account leaves for this one, and which does not count any more (§c.6 switchRoom).
    pub leaves: Option<RoomId>,
    /// The account is in as many rooms made by clients as it may be, and not in this one. Said by the owner of the account.
    pub over_quota: bool,
    /// The account makes no room at present: too many that were made wait for their end. Said likewise.
    pub is_barred: bool,
    /// The client of the connection, if the application wants to know who comes.
    pub client: Option<Arc<ClientFacts>>,
}

queries! {
    /// A question about a room: changes nothing, is never in the log.
    #[derive(Clone, PartialEq, Debug)]
    pub enum Query {
        /// Would this message be accepted now? Runs every check of [`Op::Send`] and changes nothing: whoever asks an outside party
        /// about messages asks it only about those the room would take.
        MaySend(Box<pb::MessageSendRequest>),
    }
}
