//! One table of codes for wire, C and HTTP: number, meaning, whose doing, what follows (chatroom.md §h).

use std::borrow::Cow;
use std::fmt;

/// Whose doing a code is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// Nobody's: success.
    None,
    /// The caller asked for something that cannot be.
    Caller,
    /// This machine: no network, no time, no memory.
    Local,
    /// The peer broke the protocol.
    Peer,
    /// A rule of the room or the server refused.
    Rule,
    /// The connection is over.
    Connection,
    /// A defect of ours.
    Bug,
}

/// What one does about a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Remedy {
    /// Nothing.
    None,
    /// Correct the program.
    Fix,
    /// Send the same request, with the same id, again.
    Retry,
    /// Send it again after the time the answer names.
    RetryLater,
    /// Log in again, with a new token where that has expired.
    LogIn,
    /// Do not come back by yourself.
    StayAway,
    /// Tell us.
    Report,
}

/// One row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodeRow {
    /// The code this row is about.
    pub code: Code,
    /// Its number on the wire, in C and in HTTP.
    pub number: i32,
    /// For people, in the fewest words.
    pub meaning: &'static str,
    /// Whose doing it is.
    pub cause: Cause,
    /// What follows.
    pub remedy: Remedy,
    /// True if the connection ends with it.
    pub closes: bool,
}

macro_rules! codes {
    ($($name:ident = $number:literal, $meaning:literal, $cause:ident, $remedy:ident, $closes:literal;)*) => {
        /// The numeric result of every request.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(i32)]
        pub enum Code {
            $(#[doc = $meaning] $name = $number,)*
        }

        /// Every code there is, in the order of its number.
        pub const CODES: &[CodeRow] = &[
            $(CodeRow {
                code: Code::$name,
                number: $number,
                meaning: $meaning,
                cause: Cause::$cause,
                remedy: Remedy::$remedy,
                closes: $closes,
            },)*
        ];
    };
}

codes! {
    Ok = 200, "success", None, None, false;
    VersionTooOld = 201, "protocol version not supported", Caller, Fix, true;
    Banned = 301, "banned (reserved)", Rule, StayAway, true;
    WrongToken = 302, "wrong account or token", Caller, LogIn, true;
    AddressRefused = 315, "address not allowed", Rule, StayAway, true;
    Forbidden = 403, "forbidden", Rule, Fix, false;
    NotFound = 404, "not found", Caller, Fix, false;
    TooLong = 405, "parameter too long (not produced: 414)", Caller, Fix, false;
    NoChange = 406, "nothing would change", Caller, Fix, false;
    Timeout = 408, "no answer in time", Local, Retry, false;
    VerifyFailed = 413, "verification failed or too large", Rule, Fix, false;
    BadParameter = 414, "bad parameter", Caller, Fix, false;
    NoServer = 415, "no server could be reached", Local, Retry, true;
    TooFrequent = 416, "too frequent", Rule, RetryLater, false;
    Repeated = 417, "already so", Caller, Fix, false;
    ChannelUnavailable = 418, "channel unavailable (reserved)", Local, Retry, false;
    OverQuota = 419, "over a quantity limit", Rule, Fix, false;
    AccountDisabled = 422, "account disabled", Rule, StayAway, true;
    AccountMuted = 423, "account muted", Rule, Fix, false;
    DuplicateRequest = 431, "duplicate request", Caller, Fix, false;
    TryAgain = 449, "transient condition, try again", Peer, Retry, false;
    CallbackRefused = 463, "refused by the application's callback", Rule, Fix, false;
    ServerError = 500, "server error", Bug, Report, false;
    ClientRestricted = 501, "client restricted (reserved)", Rule, StayAway, false;
    Busy = 503, "busy", Peer, Retry, false;
    TokenExpired = 508, "token expired", Caller, LogIn, true;
    InvalidProtocol = 509, "invalid protocol", Peer, Fix, true;
    Unavailable = 514, "service unavailable", Peer, Fix, false;
    UnpackFailed = 998, "cannot unpack", Local, Report, false;
    PackFailed = 999, "cannot pack", Local, Report, false;
    PeerBlocklisted = 7101, "blocklisted by peer", Rule, StayAway, false;
    LinkAbnormal = 13001, "IM link abnormal (reserved)", Local, Retry, false;
    RoomClosed = 13002, "room closed", Rule, StayAway, false;
    Blocklisted = 13003, "on the room's blocklist", Rule, StayAway, false;
    Muted = 13004, "muted in the room", Rule, Fix, false;
    ProfileRefused = 13005, "nick, avatar or ext refused by moderation", Rule, Fix, false;
    RoomMuted = 13006, "the whole room is muted", Rule, Fix, false;
    NotInitialised = 20000, "client not initialised or destroyed", Local, Fix, false;
    NotLoggedIn = 20001, "not logged in", Local, LogIn, false;
    AlreadyLoggedIn = 20002, "already logged in", Local, Fix, false;
    Cancelled = 191002, "cancelled by the caller", Local, None, false;
}

impl Code {
    /// The row of the table.
    pub fn row(self) -> &'static CodeRow {
        let place = CODES.binary_search_by_key(&(self as i32), |row| row.number);
        &CODES[place.expect("every code has a row: both come from one list")]
    }

    /// The code with this number, if there is one.
    pub fn from_number(number: i32) -> Option<Code> {
        CODES.binary_search_by_key(&number, |row| row.number).ok().map(|place| CODES[place].code)
    }

    /// The number on the wire, in C and in HTTP.
    pub fn number(self) -> i32 {
        self as i32
    }

    /// True if the same request, sent again, may succeed without anybody changing anything.
    pub fn is_retryable(self) -> bool {
        matches!(self.row().remedy, Remedy::Retry | Remedy::RetryLater)
    }
}

macro_rules! subs {
    ($($name:ident = $number:literal, $meaning:literal;)*) => {
        /// Refines a code (chatroom.md §h, "`sub` values").
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(i32)]
        pub enum Sub {
            $(#[doc = $meaning] $name = $number,)*
        }

        /// Every sub code with its meaning.
        pub const SUBS: &[(Sub, i32, &str)] = &[$((Sub::$name, $number, $meaning),)*];
    };
}

subs! {
    InvalidToken = 102302, "invalid token";
    AccountMissing = 102404, "account missing";
    AccountMuted = 102421, "account muted";
    AccountBanned = 102422, "account banned";
    ProfileMissing = 103404, "profile missing";
    HighPriorityRate = 107304, "high-priority rate";
    DuplicateMessageId = 107306, "duplicate client message id";
    RecallTooLate = 107314, "recall too late";
    RecallNotAllowed = 107315, "recall not allowed";
    MessageRate = 107323, "message rate";
    MessageMissing = 107404, "message missing";
    MessageModerated = 107451, "message hit moderation";
    TempMuted = 113301, "temporarily muted";
    TagMuted = 113302, "tag muted";
    RoomClosing = 113303, "room closing";
    IdenticalFields = 113307, "identical field values";
    RoomMissing = 113404, "room missing";
    RoomClosed = 113406, "room closed";
    RoomRepeated = 113409, "repeated";
    RoomMuted = 113423, "room muted";
    ManagersOnly = 113428, "manager operation only";
    RoomQuota = 113434, "room count limit";
    RoomModerated = 113451, "moderated";
    TargetListed = 114301, "target on block or mute list";
    AnonymousRefused = 114303, "anonymous not permitted";
    TargetOffline = 114304, "target offline";
    MemberMissing = 114404, "member missing";
    MemberRepeated = 114405, "repeated";
    MemberDeleted = 114408, "already deleted";
    MemberMuted = 114421, "member muted";
    MemberBlocklisted = 114426, "member blocklisted";
    OwnerOnly = 114427, "owner only";
    OperatorIsTarget = 114429, "operator is the target";
    OwnerOrManagerOnly = 114432, "owner or manager only";
    MemberQuota = 114437, "member limit";
    ConcurrentChange = 114449, "concurrent change";
    ProfileModerated = 114451, "moderated";
    Parameter = 6000001, "bad parameter";
    QueryRate = 6000004, "asked too often";
    NotForClientRooms = 6000013, "not supported in rooms made by clients";
    AlreadyInRoom = 6000320, "already in the room";
    NotInRoom = 6000321, "not in the room";
    ClientRoomMissing = 6000322, "room made by a client missing";
    RoomExists = 6000323, "room exists";
    RoomsQuota = 6000324, "rooms limit: too many that were left wait for their end";
    JoinedRoomsQuota = 6000325, "joined rooms limit";
    AttributesRefused = 6000330, "attributes refused";
    AttributesAllFailed = 6000331, "every attribute failed";
    AttributesPartlyFailed = 6000332, "some attributes failed";
    AttributesUnreadable = 6000333, "attributes cannot be read";
    AttributesCount = 6000334, "count of attributes";
    AttributeKey = 6000335, "length of an attribute's key";
    AttributeValue = 6000336, "length of an attribute's value";
    AttributesTotal = 6000337, "length of all attributes";
    MemberAttributesRefused = 6000350, "attributes of members refused";
    MemberAttributesTotal = 6000351, "length of all attributes of a member";
    MemberAttributeKey = 6000352, "length of the key of a member's attribute";
    MemberAttributeValue = 6000353, "length of the value of a member's attribute";
    TooManyUsers = 6000357, "too many users";
}

impl Sub {
    /// The sub code with this number, if there is one.
    pub fn from_number(number: i32) -> Option<Sub> {
        SUBS.iter().find(|row| row.1 == number).map(|row| row.0)
    }

    /// The number on the wire, in C and in HTTP.
    pub fn number(self) -> i32 {
        self as i32
    }
}

/// What a request came to: a code, perhaps a sub code, and words that say what to do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    /// The code.
    pub code: Code,
    /// What refines it.
    pub sub: Option<Sub>,
    /// For people; empty where the code says it all.
    pub desc: Cow<'static, str>,
    /// How long to wait before trying again, in milliseconds; 0 unless the code is 416.
    pub retry_after_ms: u32,
    /// A number that stands on the wire in place of the code's: one of [`CALLBACK_CODES`], and only with 463.
    pub chosen: Option<i32>,
    /// Attributes that made a change of attributes fail.
    pub failed: Option<Box<[FailedKeys]>>,
}

/// The attributes that one carries and somebody may not change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FailedKeys {
    /// The member that carries them; empty for the room.
    pub account: String,
    /// Their keys.
    pub keys: Vec<String>,
}

/// Numbers an application's callback may choose for a message it refuses (chatroom.md §e.9). The first of them are also numbers of
/// codes that a client gives itself; no server ever sends those.
pub const CALLBACK_CODES: std::ops::RangeInclusive<i32> = 20_000..=20_099;

impl Status {
    /// Success.
    pub const OK: Status =
        Status { code: Code::Ok, sub: None, desc: Cow::Borrowed(""), retry_after_ms: 0, chosen: None, failed: None };

    /// A status with words for people.
    pub fn new(code: Code, desc: impl Into<Cow<'static, str>>) -> Status {
        Status { code, sub: None, desc: desc.into(), retry_after_ms: 0, chosen: None, failed: None }
    }

    /// A status refined by a sub code, in whose meaning the words are.
    pub fn with_sub(code: Code, sub: Sub) -> Status {
        let (_, _, meaning) = SUBS.iter().find(|row| row.0 == sub).expect("every sub code has a row: both come from one list");
        Status { code, sub: Some(sub), desc: Cow::Borrowed(meaning), retry_after_ms: 0, chosen: None, failed: None }
    }

    /// The same refusal, refined by a sub code; the words stay.
    pub fn refined(self, sub: Sub) -> Status {
        Status { sub: Some(sub), ..self }
    }

    /// 414, naming the field.
    pub fn bad_parameter(desc: impl Into<Cow<'static, str>>) -> Status {
        Status::new(Code::BadParameter, desc)
    }

    /// 463, under the number the callback chose if that is one it may choose.
    pub fn refused_by_callback(number: i64) -> Status {
        let chosen = i32::try_from(number).ok().filter(|number| CALLBACK_CODES.contains(number));
        let desc = chosen.map_or(Cow::Borrowed(""), |chosen| format!("the application's callback answered {chosen}").into());
        Status { chosen, ..Status::new(Code::CallbackRefused, desc) }
    }

    /// The number on the wire, in C and in HTTP.
    pub fn number(&self) -> i32 {
        self.chosen.unwrap_or(self.code.number())
    }

    /// True if this is success.
    pub fn is_ok(&self) -> bool {
        self.code == Code::Ok
    }

    /// The number of the sub code, 0 for none: its form on the wire.
    pub fn sub_number(&self) -> i32 {
        self.sub.map_or(0, Sub::number)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())?;
        if let Some(sub) = self.sub {
            write!(f, "/{}", sub.number())?;
        }
        write!(f, " {}", if self.desc.is_empty() { self.code.row().meaning } else { &self.desc })
    }
}

impl std::error::Error for Status {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_in_the_order_of_their_numbers_and_are_found_by_them() {
        assert!(CODES.windows(2).all(|pair| pair[0].number < pair[1].number));
        for row in CODES {
            assert_eq!(Code::from_number(row.number), Some(row.code));
            assert_eq!(row.code.row(), row);
        }
        assert_eq!(Code::from_number(7), None);
    }

    #[test]
    fn a_callback_chooses_among_its_own_numbers_only() {
        for (said, number) in [(20_000, 20_000), (20_099, 20_099), (20_100, 463), (403, 463), (i64::MAX, 463)] {
            let status = Status::refused_by_callback(said);
            assert_eq!((status.code, status.number()), (Code::CallbackRefused, number));
        }
    }

    #[test]
    fn only_what_may_succeed_unchanged_is_retryable() {
        assert!(Code::TooFrequent.is_retryable() && Code::TryAgain.is_retryable() && Code::Busy.is_retryable());
        assert!(!Code::Forbidden.is_retryable() && !Code::TokenExpired.is_retryable());
    }
}
