//! Who may do what: the matrix of chatroom.md §b and the target rules of §b.1, each as one table. No other file knows a rule.

use crate::error::{Code, Status, Sub};

macro_rules! operations {
    ($($name:ident: [$($cell:expr),* $(,)?],)*) => {
        /// The rows of the matrix.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(missing_docs)]
        pub enum Operation { $($name,)* }

        /// The matrix of chatroom.md §b; the columns are those of [`Column`].
        pub const MATRIX: &[(Operation, [Cell; COLUMNS])] = &[$((Operation::$name, [$($cell),*]),)*];
    };
}

/// Columns of the matrix.
pub const COLUMNS: usize = 12;

/// What a column of the matrix stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Column {
    /// The room's creator.
    Creator,
    /// An administrator.
    Administrator,
    /// An ordinary member.
    Common,
    /// A visitor, and whoever is only on a list.
    Visitor,
    /// A visitor without account.
    Anonymous,
    /// Permanently muted.
    Muted,
    /// Temporarily muted.
    TempMuted,
    /// Carrying a muted tag.
    TagMuted,
    /// In a muted room.
    RoomMuted,
    /// On the blocklist.
    Blocklisted,
    /// A robot, through HTTP.
    Robot,
    /// Not in the room.
    Outside,
}

/// A cell of the matrix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cell {
    /// Allowed.
    Yes,
    /// Allowed while the application lets anonymous visitors in; otherwise 403.
    IfAnonymousEnabled,
    /// Allowed, but the message is an ordinary one.
    WithoutPriority,
    /// Allowed unless the author is the creator or another administrator.
    UnlessAuthorProtected,
    /// The modifier changes nothing.
    Same,
    /// Cannot occur.
    Never,
    /// Refused.
    No(Code, Option<Sub>),
}

const Y: Cell = Cell::Yes;
const S: Cell = Cell::Same;
const N: Cell = Cell::Never;
const ANON: Cell = Cell::No(Code::Forbidden, Some(Sub::AnonymousRefused));
const OWNER: Cell = Cell::No(Code::Forbidden, Some(Sub::OwnerOnly));
const MANAGE: Cell = Cell::No(Code::Forbidden, Some(Sub::OwnerOrManagerOnly));
const QUEUE: Cell = Cell::No(Code::Forbidden, Some(Sub::ManagersOnly));
const RECALL: Cell = Cell::No(Code::Forbidden, Some(Sub::RecallNotAllowed));
const OUT: Cell = Cell::No(Code::Forbidden, Some(Sub::NotInRoom));
const MUTED: Cell = Cell::No(Code::Muted, Some(Sub::MemberMuted));
const TEMP: Cell = Cell::No(Code::Muted, Some(Sub::TempMuted));
const TAG: Cell = Cell::No(Code::Muted, Some(Sub::TagMuted));
const ROOM: Cell = Cell::No(Code::RoomMuted, Some(Sub::RoomMuted));
const BLOCK: Cell = Cell::No(Code::Blocklisted, Some(Sub::MemberBlocklisted));
const FLAG: Cell = Cell::WithoutPriority;

// Columns:                Cr  Ad  Cm      Vi      An      Mu      Tm    Tg   Rm    Bl     Ro      Out
operations! {
    Enter:                [Y,  Y,  Y,      Y,      Cell::IfAnonymousEnabled, S, S, S, S, BLOCK, N, Y],
    Exit:                 [Y,  Y,  Y,      Y,      Y,      S,      S,    S,   S,    N,     N,      OUT],
    Receive:              [Y,  Y,  Y,      Y,      Y,      S,      S,    S,   S,    N,     N,      N],
    Info:                 [Y,  Y,  Y,      Y,      Y,      S,      S,    S,   S,    N,     N,      OUT],
    Members:              [Y,  Y,  Y,      Y,      Y,      S,      S,    S,   S,    N,     N,      OUT],
    Update:               [Y,  Y,  MANAGE, MANAGE, MANAGE, MANAGE, S,    S,   S,    N,     MANAGE, OUT],
    Close:                [Y,  OWNER, OWNER, OWNER, OWNER, OWNER,  S,    S,   S,    N,     OWNER,  OUT],
    UpdateTags:           [Y,  Y,  Y,      Y,      Y,      S,      S,    S,   S,    N,     N,      OUT],
    UpdateLocation:       [Y,  Y,  Y,      Y,      Y,      S,      S,    S,   S,    N,     N,      OUT],
    UpdateSelf:           [Y,  Y,  Y,      Y,      ANON,   S,      S,    S,   S,    N,     Y,      OUT],
    SetAdministrator:     [Y,  OWNER, OWNER, OWNER, OWNER, OWNER,  S,    S,   S,    N,     OWNER,  OUT],
    SetCommon:            [Y,  Y,  MANAGE, MANAGE, MANAGE, MANAGE, S,    S,   S,    N,     MANAGE, OUT],
    Blocklist:            [Y,  Y,  MANAGE, MANAGE, MANAGE, MANAGE, S,    S,   S,    N,     MANAGE, OUT],
    Mute:                 [Y,  Y,  MANAGE, MANAGE, MANAGE, MANAGE, S,    S,   S,    N,     MANAGE, OUT],
    TempMute:             [Y,  Y,  MANAGE, MANAGE, MANAGE, MANAGE, S,    S,   S,    N,     MANAGE, OUT],
    TagTempMute:          [Y,  Y,  MANAGE, MANAGE, MANAGE, MANAGE, S,    S,   S,    N,     MANAGE, OUT],
    MuteRoom:             [Y,  Y,  MANAGE, MANAGE, MANAGE, MANAGE, S,    S,   S,    N,     MANAGE, OUT],
    Kick:                 [Y,  Y,  MANAGE, MANAGE, MANAGE, MANAGE, S,    S,   S,    N,     MANAGE, OUT],
    Send:                 [Y,  Y,  Y,      Y,      ANON,   MUTED,  TEMP, TAG, ROOM, BLOCK, Y,      OUT],
    SendDirected:         [Y,  Y,  Y,      Y,      ANON,   MUTED,  TEMP, TAG, ROOM, BLOCK, Y,      OUT],
    SendHighPriority:     [Y,  Y,  FLAG,   FLAG,   ANON,   MUTED,  TEMP, TAG, ROOM, BLOCK, Y,      OUT],
    RecallOwn:            [Y,  Y,  Y,      Y,      N,      S,      S,    S,   S,    N,     Y,      OUT],
    RecallOther:          [Y,  Cell::UnlessAuthorProtected, RECALL, RECALL, RECALL, RECALL, S, S, S, N, RECALL, OUT],
    History:              [Y,  Y,  Y,      Y,      Y,      S,      S,    S,   S,    N,     N,      OUT],
    QueueChange:          [Y,  Y,  Y,      Y,      ANON,   S,      S,    S,   S,    N,     Y,      OUT],
    QueueChangeManaged:   [Y,  Y,  QUEUE,  QUEUE,  QUEUE,  QUEUE,  S,    S,   S,    N,     QUEUE,  OUT],
    QueueOfferForOther:   [Y,  Y,  MANAGE, MANAGE, MANAGE, MANAGE, S,    S,   S,    N,     MANAGE, OUT],
    QueueRead:            [Y,  Y,  Y,      Y,      Y,      S,      S,    S,   S,    N,     N,      OUT],
    QueueDrop:            [Y,  Y,  MANAGE, MANAGE, MANAGE, MANAGE, S,    S,   S,    N,     MANAGE, OUT],
    QueueInit:            [Y,  Y,  MANAGE, MANAGE, MANAGE, MANAGE, S,    S,   S,    N,     MANAGE, OUT],
    SetAttributes:        [Y,  Y,  Y,      Y,      ANON,   S,      S,    S,   S,    N,     N,      OUT],
    SetMemberAttributes:  [Y,  Y,  Y,      Y,      ANON,   S,      S,    S,   S,    N,     N,      OUT],
    QueryAttributes:      [Y,  Y,  Y,      Y,      Y,      S,      S,    S,   S,    N,     N,      OUT],
    Upload:               [Y,  Y,  Y,      Y,      ANON,   S,      S,    S,   S,    N,     N,      Y],
}

/// The cell of an operation in a column.
pub fn cell(operation: Operation, column: Column) -> Cell {
    MATRIX[operation as usize].1[column as usize]
}

/// What an account is in a room, before any restriction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// The room's creator.
    Creator,
    /// An administrator.
    Administrator,
    /// An ordinary member.
    Common,
    /// A visitor, and whoever is only on a list.
    Visitor,
    /// A visitor without account.
    Anonymous,
    /// A robot without any role, through HTTP.
    Robot,
}

/// Everything about a caller that the matrix asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// What the caller is.
    pub class: Class,
    /// On the blocklist.
    pub blocklisted: bool,
    /// Muted in every room of the application.
    pub globally_muted: bool,
    /// Permanently muted here.
    pub muted: bool,
    /// Temporarily muted here.
    pub temp_muted: bool,
    /// Carrying a muted tag.
    pub tag_muted: bool,
    /// The room is muted.
    pub room_muted: bool,
    /// Whether the application lets anonymous visitors in.
    pub anonymous_enabled: bool,
}

impl Standing {
    /// The same caller, if nobody had muted it.
    pub fn unmuted(self) -> Standing {
        let (globally_muted, muted, temp_muted, tag_muted, room_muted) = (false, false, false, false, false);
        Standing { globally_muted, muted, temp_muted, tag_muted, room_muted, ..self }
    }
}

/// How far a permission goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grant {
    /// As asked.
    Full,
    /// As asked, but as an ordinary message.
    WithoutPriority,
    /// Only where the author of the message is neither the creator nor another administrator.
    UnlessAuthorProtected,
}

/// Rules on an operation by what the caller is (rows 8, 9 and 11 of chatroom.md §c.0, in that order).
pub fn check(operation: Operation, who: &Standing) -> Result<Grant, Status> {
    if who.blocklisted {
        refuse(cell(Operation::Send, Column::Blocklisted))?;
    }
    let column = match who.class {
        Class::Creator => Column::Creator,
        Class::Administrator => Column::Administrator,
        Class::Common => Column::Common,
        Class::Visitor => Column::Visitor,
        Class::Anonymous => Column::Anonymous,
        Class::Robot => Column::Robot,
    };
    let grant = match cell(operation, column) {
        Cell::WithoutPriority => Grant::WithoutPriority,
        Cell::UnlessAuthorProtected => Grant::UnlessAuthorProtected,
        Cell::IfAnonymousEnabled if !who.anonymous_enabled => return refuse(ANON),
        other => refuse(other)?,
    };
    if who.globally_muted && matches!(operation, Operation::Send | Operation::SendDirected | Operation::SendHighPriority) {
        return Err(Status::with_sub(Code::AccountMuted, Sub::AccountMuted));
    }
    if who.class == Class::Creator {
        return Ok(grant);
    }
    // Tag and room mutes spare administrators, a temporary mute does not (notes 2 and 3 of chatroom.md §b).
    let spared = who.class == Class::Administrator;
    let modifiers = [
        (who.muted, Column::Muted),
        (who.temp_muted, Column::TempMuted),
        (who.tag_muted && !spared, Column::TagMuted),
        (who.room_muted && !spared, Column::RoomMuted),
    ];
    for (applies, column) in modifiers {
        if applies {
            refuse(cell(operation, column))?;
        }
    }
    Ok(grant)
}

fn refuse(cell: Cell) -> Result<Grant, Status> {
    match cell {
        Cell::No(code, Some(sub)) => Err(Status::with_sub(code, sub)),
        Cell::No(code, None) => Err(Status::new(code, "")),
        _ => Ok(Grant::Full),
    }
}

/// The rows of the target rules.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Makes somebody an administrator.
    SetAdministrator,
    /// Takes that back.
    UnsetAdministrator,
    /// Makes somebody an ordinary member.
    SetCommon,
    /// Takes that back.
    UnsetCommon,
    /// Puts somebody on the blocklist.
    Block,
    /// Takes somebody off it.
    Unblock,
    /// Mutes somebody permanently.
    Mute,
    /// Takes that back.
    Unmute,
    /// Mutes somebody for a time, or lifts that.
    TempMute,
    /// Puts somebody out of the room.
    Kick,
}

/// A cell of the target rules. Refusals that depend on what the target already is stand in the table of transitions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// Allowed, as far as the target's present state lets it.
    Yes,
    /// Allowed to the creator, 403 to administrators.
    CreatorOnly,
    /// Nothing is kept: an anonymous visitor is only put out.
    KickOnly,
    /// Refused.
    No(Code, Option<Sub>),
}

const PROTECTED: Target = Target::No(Code::Forbidden, None);
const NOBODY: Target = Target::No(Code::NotFound, Some(Sub::AnonymousRefused));
const ONESELF: Target = Target::No(Code::Forbidden, Some(Sub::OperatorIsTarget));
const CREATOR: Target = Target::CreatorOnly;
const T: Target = Target::Yes;

/// The rules of chatroom.md §b.1. Columns: the creator, an administrator, anybody else with an account, an anonymous visitor,
/// the operator.
#[rustfmt::skip]
pub const TARGETS: &[(Action, [Target; 5])] = &[
    (Action::SetAdministrator,   [PROTECTED, T,         T, NOBODY,           ONESELF]),
    (Action::UnsetAdministrator, [PROTECTED, T,         T, NOBODY,           ONESELF]),
    (Action::SetCommon,          [PROTECTED, PROTECTED, T, NOBODY,           ONESELF]),
    (Action::UnsetCommon,        [PROTECTED, PROTECTED, T, NOBODY,           ONESELF]),
    (Action::Block,              [PROTECTED, CREATOR,   T, Target::KickOnly, ONESELF]),
    (Action::Unblock,            [PROTECTED, T,         T, NOBODY,           ONESELF]),
    (Action::Mute,               [PROTECTED, CREATOR,   T, NOBODY,           ONESELF]),
    (Action::Unmute,             [PROTECTED, T,         T, NOBODY,           ONESELF]),
    (Action::TempMute,           [PROTECTED, CREATOR,   T, NOBODY,           ONESELF]),
    (Action::Kick,               [PROTECTED, CREATOR,   T, T,                ONESELF]),
];

/// Rules on an action by whom it is aimed at (row 10 of chatroom.md §c.0). True: the target is only put out, nothing is kept.
pub fn check_target(action: Action, operator: Class, target: Class, is_self: bool) -> Result<bool, Status> {
    let column = match target {
        _ if is_self => 4,
        Class::Creator => 0,
        Class::Administrator => 1,
        Class::Common | Class::Visitor | Class::Robot => 2,
        Class::Anonymous => 3,
    };
    match TARGETS[action as usize].1[column] {
        Target::Yes => Ok(false),
        Target::KickOnly => Ok(true),
        Target::CreatorOnly if operator == Class::Creator => Ok(false),
        Target::CreatorOnly => Err(Status::with_sub(Code::Forbidden, Sub::OwnerOnly)),
        Target::No(code, Some(sub)) => Err(Status::with_sub(code, sub)),
        Target::No(code, None) => Err(Status::new(code, "this member is protected")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_at_the_place_of_their_operation() {
        assert!(MATRIX.iter().enumerate().all(|(place, row)| row.0 as usize == place));
        assert!(TARGETS.iter().enumerate().all(|(place, row)| row.0 as usize == place));
    }
}
