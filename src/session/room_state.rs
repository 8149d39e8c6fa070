//! Where a room made by a client stands for this client, and why (chatroom.md §g, "roomStateChanged").

use crate::error::Code;
use crate::wire::pb::KickReason;

/// Where a room stands for this client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub enum RoomState {
    /// Out of it.
    Disconnected = 0,
    /// On the way back into it, after a lost connection.
    Connecting = 1,
    /// In it.
    Connected = 2,
}

/// Why it stands there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub enum RoomStateCause {
    /// Left, or back after a lost connection.
    Success = 0,
    /// The connection is lost, and will be tried again.
    NetInterrupted = 1,
    /// The connection is over.
    NetDisconnected = 2,
    /// There is no such room, or no longer.
    RoomNotExist = 3,
    /// Made by this client.
    ActiveCreate = 4,
    /// It could not be made.
    CreateFailed = 5,
    /// Entered by a request.
    ActiveEnter = 6,
    /// It could not be entered.
    EnterFailed = 7,
    /// Taken out.
    KickedOut = 8,
    /// No answer came in time.
    ConnectTimeout = 9,
    /// The account came in from another device.
    KickedOutByOtherDevice = 10,
    /// Left for another room, or entered from another one.
    ActiveSwitch = 11,
    /// It could not be switched to.
    SwitchFailed = 12,
}

impl RoomStateCause {
    /// Why a client is not in a room that refused it with this code; `otherwise` for a code without a cause of its own.
    pub(super) fn of_refusal(code: Code, otherwise: RoomStateCause) -> RoomStateCause {
        match code {
            Code::NotFound => RoomStateCause::RoomNotExist,
            Code::Timeout => RoomStateCause::ConnectTimeout,
            _ => otherwise,
        }
    }

    /// Why a client is not in a room any more that it was taken out of for this reason.
    pub(super) fn of_kick(reason: i32) -> RoomStateCause {
        match KickReason::try_from(reason) {
            Ok(KickReason::RoomClosed) => RoomStateCause::RoomNotExist,
            Ok(KickReason::SamePlatform) => RoomStateCause::KickedOutByOtherDevice,
            Ok(KickReason::TokenExpired) => RoomStateCause::NetDisconnected,
            _ => RoomStateCause::KickedOut,
        }
    }
}

/// A room made by a client stands elsewhere than before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoomStateChange {
    /// The room; 0 where it never came to one.
    pub room_id: i64,
    /// The name its maker gave it.
    pub alias: String,
    /// Where it stands.
    pub state: RoomState,
    /// Why.
    pub cause: RoomStateCause,
}
