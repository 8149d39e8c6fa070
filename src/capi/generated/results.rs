//! The numeric result of everything.
//!
//! Made from `proto/` by `tests/c/generate`: change it there, then `CHATROOM_BLESS=1 cargo test --test c generate`.

use crate::error::Code;

/// What every fallible call returns, and what `code` of a status is. The numbers are those of the wire and of HTTP; success,
/// which the wire calls 200, is 0.
///
/// Of a call of this library 500 is a defect of the library, whose handle is then of no more use; 503 says that too much is
/// open at once, and nothing was taken on; 20000 that the client is closed, which is also what closing makes of open requests.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_result {
    /// Success.
    Ok = 0,
    /// Protocol version not supported.
    VersionTooOld = 201,
    /// Banned (reserved).
    Banned = 301,
    /// Wrong account or token.
    WrongToken = 302,
    /// Address not allowed.
    AddressRefused = 315,
    /// Forbidden.
    Forbidden = 403,
    /// Not found.
    NotFound = 404,
    /// Parameter too long (not produced: 414).
    TooLong = 405,
    /// Nothing would change.
    NoChange = 406,
    /// No answer in time.
    Timeout = 408,
    /// Verification failed or too large.
    VerifyFailed = 413,
    /// Bad parameter.
    BadParameter = 414,
    /// No server could be reached.
    NoServer = 415,
    /// Too frequent.
    TooFrequent = 416,
    /// Already so.
    Repeated = 417,
    /// Channel unavailable (reserved).
    ChannelUnavailable = 418,
    /// Over a quantity limit.
    OverQuota = 419,
    /// Account disabled.
    AccountDisabled = 422,
    /// Account muted.
    AccountMuted = 423,
    /// Duplicate request.
    DuplicateRequest = 431,
    /// Transient condition, try again.
    TryAgain = 449,
    /// Refused by the application's callback.
    CallbackRefused = 463,
    /// Server error.
    ServerError = 500,
    /// Client restricted (reserved).
    ClientRestricted = 501,
    /// Busy.
    Busy = 503,
    /// Token expired.
    TokenExpired = 508,
    /// Invalid protocol.
    InvalidProtocol = 509,
    /// Service unavailable.
    Unavailable = 514,
    /// Cannot unpack.
    UnpackFailed = 998,
    /// Cannot pack.
    PackFailed = 999,
    /// Blocklisted by peer.
    PeerBlocklisted = 7101,
    /// IM link abnormal (reserved).
    LinkAbnormal = 13001,
    /// Room closed.
    RoomClosed = 13002,
    /// On the room's blocklist.
    Blocklisted = 13003,
    /// Muted in the room.
    Muted = 13004,
    /// Nick, avatar or ext refused by moderation.
    ProfileRefused = 13005,
    /// The whole room is muted.
    RoomMuted = 13006,
    /// Client not initialised or destroyed.
    NotInitialised = 20000,
    /// Not logged in.
    NotLoggedIn = 20001,
    /// Already logged in.
    AlreadyLoggedIn = 20002,
    /// Cancelled by the caller.
    Cancelled = 191002,
}

impl From<Code> for chatroom_result {
    fn from(code: Code) -> chatroom_result {
        match code {
            Code::Ok => chatroom_result::Ok,
            Code::VersionTooOld => chatroom_result::VersionTooOld,
            Code::Banned => chatroom_result::Banned,
            Code::WrongToken => chatroom_result::WrongToken,
            Code::AddressRefused => chatroom_result::AddressRefused,
            Code::Forbidden => chatroom_result::Forbidden,
            Code::NotFound => chatroom_result::NotFound,
            Code::TooLong => chatroom_result::TooLong,
            Code::NoChange => chatroom_result::NoChange,
            Code::Timeout => chatroom_result::Timeout,
            Code::VerifyFailed => chatroom_result::VerifyFailed,
            Code::BadParameter => chatroom_result::BadParameter,
            Code::NoServer => chatroom_result::NoServer,
            Code::TooFrequent => chatroom_result::TooFrequent,
            Code::Repeated => chatroom_result::Repeated,
            Code::ChannelUnavailable => chatroom_result::ChannelUnavailable,
            Code::OverQuota => chatroom_result::OverQuota,
            Code::AccountDisabled => chatroom_result::AccountDisabled,
            Code::AccountMuted => chatroom_result::AccountMuted,
            Code::DuplicateRequest => chatroom_result::DuplicateRequest,
            Code::TryAgain => chatroom_result::TryAgain,
            Code::CallbackRefused => chatroom_result::CallbackRefused,
            Code::ServerError => chatroom_result::ServerError,
            Code::ClientRestricted => chatroom_result::ClientRestricted,
            Code::Busy => chatroom_result::Busy,
            Code::TokenExpired => chatroom_result::TokenExpired,
            Code::InvalidProtocol => chatroom_result::InvalidProtocol,
            Code::Unavailable => chatroom_result::Unavailable,
            Code::UnpackFailed => chatroom_result::UnpackFailed,
            Code::PackFailed => chatroom_result::PackFailed,
            Code::PeerBlocklisted => chatroom_result::PeerBlocklisted,
            Code::LinkAbnormal => chatroom_result::LinkAbnormal,
            Code::RoomClosed => chatroom_result::RoomClosed,
            Code::Blocklisted => chatroom_result::Blocklisted,
            Code::Muted => chatroom_result::Muted,
            Code::ProfileRefused => chatroom_result::ProfileRefused,
            Code::RoomMuted => chatroom_result::RoomMuted,
            Code::NotInitialised => chatroom_result::NotInitialised,
            Code::NotLoggedIn => chatroom_result::NotLoggedIn,
            Code::AlreadyLoggedIn => chatroom_result::AlreadyLoggedIn,
            Code::Cancelled => chatroom_result::Cancelled,
        }
    }
}
