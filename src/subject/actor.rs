//! Actors: whoever wants to change a subject, or asks something of it.

use crate::id::{AccountId, ConnId};

/// Through which door a command comes (chatroom.md §b, note 5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A member's connection.
    Member,
    /// The HTTP API: carries the application's authority, the account need not be in the room.
    Http,
    /// The server itself: a vanished connection, a timer.
    Server,
}

/// Who a command comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Actor {
    /// The account; for the server itself the account concerned.
    pub account: AccountId,
    /// The connection, where there is one.
    pub connection: Option<ConnId>,
    /// Through which door.
    pub origin: Origin,
    /// Logged in without an account.
    pub anonymous: bool,
    /// The account is muted everywhere (chatroom.md §a.2): every send is 423.
    pub globally_muted: bool,
    /// An account the command is about is none of the application's. The room cannot know; it knows who is here without one.
    pub names_nobody: bool,
    /// Number of the client type (chatroom.md §a.5); 32 for HTTP.
    pub client_type: u32,
    /// What the HTTP API has to add.
    pub on_behalf: Option<Box<OnBehalf>>,
}

/// What the HTTP API says of the account it acts for, and what it may ask that no member may. Never in the log: it decides what a
/// push looks like and whether there is one, not what lasts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OnBehalf {
    /// Name of the account: the nick where the room knows no other.
    pub nick: String,
    /// Address of the account's avatar, likewise.
    pub avatar: String,
    /// No mute of any kind holds it back.
    pub ignores_mutes: bool,
    /// A message over the rate of high priority is refused instead of becoming an ordinary one.
    pub high_or_never: bool,
    /// A recall tells nobody.
    pub silent: bool,
    /// What the notification of a change of the queue is to be.
    pub notice: NoticePriority,
}

/// How urgent the HTTP API wants a notification to be (chatroom.md §f.2). Notifications are never dropped: one of high priority counts
/// among the room's messages of high priority, and the answer says that it was one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum NoticePriority {
    /// An ordinary one.
    #[default]
    Ordinary,
    /// One of high priority, or an ordinary one over the room's rate.
    High,
    /// One of high priority; over the room's rate nothing is changed, and the answer is 416.
    HighOrNever,
}

impl Actor {
    /// An account for which the HTTP API acts.
    pub fn http(account: AccountId) -> Actor {
        Actor { origin: Origin::Http, client_type: 32, ..Actor::server(account) }
    }

    /// The server itself, about an account.
    pub fn server(account: AccountId) -> Actor {
        Actor {
            account,
            connection: None,
            origin: Origin::Server,
            anonymous: false,
            globally_muted: false,
            names_nobody: false,
            client_type: 0,
            on_behalf: None,
        }
    }
}
