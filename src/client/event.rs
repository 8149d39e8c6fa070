//! What a client tells its host unasked.

use crate::error::Status;
use crate::session::RoomStateChange;
use crate::wire::pb;

/// Where a client stands (chatroom.md §d.2). The numbers are those of the table's second column.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(i32)]
pub enum State {
    /// S0: never connected.
    Disconnected = 0,
    /// S1: waiting before it tries again.
    Waiting = 1,
    /// S2: bringing the transport up.
    Connecting = 2,
    /// S3: the transport is up.
    Connected = 3,
    /// S4: the login is sent.
    Entering = 4,
    /// S5: logged in, and in the room if one was asked for.
    Entered = 5,
    /// S6: over until the host connects again.
    Exited = 6,
}

/// How much a line of the log matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(i32)]
pub enum LogLevel {
    /// The client gives up.
    Error = 1,
    /// Something failed, and is tried again.
    Warn = 2,
    /// The client goes from one state to another.
    Info = 3,
    /// Each address, each step.
    Debug = 4,
}

/// A line of the log: for people, its words may change with any version. Tokens and what is said in rooms are never in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// Which part of the client says so.
    pub target: &'static str,
    /// The words.
    pub message: String,
}

/// What happened, in the order in which it did.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// The client stands elsewhere than before.
    State(State),
    /// A login was accepted, the first one or one after a lost connection.
    LoggedIn {
        /// The account: the one asked for, or the one the server gave an anonymous login.
        account: String,
        /// The server's name for the connection.
        connection_id: String,
        /// True if the lost connection was taken over: nobody saw it go.
        resumed: bool,
        /// The server's clock at the login.
        server_time_ms: i64,
    },
    /// The client is in a room without a request for it: by its login, or again after a lost connection. `gap` says that
    /// items were missed, and that the history has them.
    Entered(Box<pb::RoomEnterResponse>),
    /// The client could not come back into this room after a lost connection.
    Left {
        /// The room.
        room_id: i64,
        /// Why.
        status: Status,
    },
    /// A room made by a client stands elsewhere than before: entered, on the way back, left.
    RoomState(RoomStateChange),
    /// An attempt to get in has failed, or the connection that stood is lost and will be tried again; the status says why. Comes
    /// before the [`Event::WillReconnect`] or [`Event::Disconnected`] that follows from it.
    ConnectFailed {
        /// Why: 415 where no server is reached, 408 where it does not answer, 509 where something else does, 414 where a file
        /// cannot be read, or how the server refused the login. Its words name each address that was tried.
        status: Status,
        /// True if another attempt follows.
        will_retry: bool,
        /// Time until that attempt; 0 without one.
        delay_ms: u64,
    },
    /// The connection is lost and will be tried again. The moment to give a fresh token.
    WillReconnect {
        /// How many attempts have failed since the last login, this one included: 1, 2, 3 …
        retry_count: u32,
        /// Time until the attempt.
        delay_ms: u64,
    },
    /// The connection is over, and no reconnect follows. The status is 200 when the host wanted it.
    Disconnected(Status),
    /// A message.
    Message(Box<pb::Message>),
    /// Something happened in a room.
    Notification(Box<pb::Notification>),
    /// Items of a room were left out; the history has them.
    Gap(pb::Gap),
    /// The client was taken out of a room, or off the server if `room_id` is 0.
    Kicked(Box<pb::Kicked>),
    /// The token expires in so many seconds: renew it.
    TokenWillExpire(u32),
    /// A line of the log, with [`ClientOptions::log`](crate::client::ClientOptions::log).
    Log(LogLine),
    /// The last event of all.
    Closed,
}
