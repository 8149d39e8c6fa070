//! The tables of chatroom.md §b, §b.1 and §c.2 as data, written down a second time.

use chatroom::error::{Code, Sub};

use super::Refusal;

/// What somebody is in the room, as far as the tables ask (chatroom.md §a.4, §b).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    Creator,
    Administrator,
    Common,
    Visitor,
    Anonymous,
    /// On the blocklist, muted for good, or both.
    Limited {
        blocked: bool,
        muted: bool,
    },
}

impl Class {
    pub fn is_manager(self) -> bool {
        matches!(self, Class::Creator | Class::Administrator)
    }

    fn column(self) -> usize {
        match self {
            Class::Creator => 0,
            Class::Administrator => 1,
            Class::Common => 2,
            Class::Visitor => 3,
            Class::Anonymous => 4,
            Class::Limited { .. } => 5,
        }
    }
}

/// A row of the matrix of §b.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Right {
    Update,
    Close,
    UpdateTags,
    UpdateLocation,
    UpdateSelf,
    SetAdministrator,
    SetCommon,
    Blocklist,
    Mute,
    TempMute,
    TagTempMute,
    MuteRoom,
    Kick,
    Send,
    RecallOwn,
    RecallOther,
    QueueChange,
    QueueChangeLevelOne,
    QueueOfferForOther,
    QueueDrop,
    QueueInit,
    SetAttributes,
}

/// A cell: 0 allows, anything else is the sub code of the 403.
type Cell = i32;

const OK: Cell = 0;
/// 403 without a sub code.
const NO: Cell = -1;

/// Columns: creator, administrator, ordinary member, visitor, anonymous, permanently muted. Where a row of the matrix names a sub
/// code once, it goes for the cells to its right; where a row names none, refusals of those without power say so (114432).
const MATRIX: &[(Right, [Cell; 6])] = &[
    (Right::Update, [OK, OK, 114432, 114432, 114432, 114432]),
    (Right::Close, [OK, 114427, 114427, 114427, 114427, 114427]),
    (Right::UpdateTags, [OK, OK, OK, OK, OK, OK]),
    (Right::UpdateLocation, [OK, OK, OK, OK, OK, OK]),
    (Right::UpdateSelf, [OK, OK, OK, OK, 114303, OK]),
    (Right::SetAdministrator, [OK, 114427, 114427, 114427, 114427, 114427]),
    (Right::SetCommon, [OK, OK, 114432, 114432, 114432, 114432]),
    (Right::Blocklist, [OK, OK, 114432, 114432, 114432, 114432]),
    (Right::Mute, [OK, OK, 114432, 114432, 114432, 114432]),
    (Right::TempMute, [OK, OK, 114432, 114432, 114432, 114432]),
    (Right::TagTempMute, [OK, OK, 114432, 114432, 114432, 114432]),
    (Right::MuteRoom, [OK, OK, 114432, 114432, 114432, 114432]),
    (Right::Kick, [OK, OK, 114432, 114432, 114432, 114432]),
    (Right::Send, [OK, OK, OK, OK, 114303, OK]),
    (Right::RecallOwn, [OK, OK, OK, OK, OK, OK]),
    (Right::RecallOther, [OK, OK, 107315, 107315, 107315, 107315]),
    (Right::QueueChange, [OK, OK, OK, OK, 114303, OK]),
    (Right::QueueChangeLevelOne, [OK, OK, 113428, 113428, 113428, 113428]),
    (Right::QueueOfferForOther, [OK, OK, 114432, 114432, 114432, 114432]),
    (Right::QueueDrop, [OK, OK, 114432, 114432, 114432, 114432]),
    (Right::QueueInit, [OK, OK, 114432, 114432, 114432, 114432]),
    (Right::SetAttributes, [OK, OK, OK, OK, 114303, OK]),
];

/// Row 9 of §c.0.
pub fn permitted(right: Right, class: Class) -> Result<(), Refusal> {
    let row = MATRIX.iter().find(|row| row.0 == right).expect("every right has a row");
    match row.1[class.column()] {
        OK => Ok(()),
        NO => Err(Refusal::code(Code::Forbidden)),
        sub => Err(Refusal { code: Code::Forbidden, sub, retry: None }),
    }
}

/// A change of role: which list, and whether it is set or unset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    Administrator,
    Common,
    Block,
    Mute,
}

/// What a change of role comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    Becomes(Class),
    /// A connection is put out, and nothing is kept (§b.1: block of an anonymous visitor).
    KickOnly,
}

/// §b.1: protection of the target. Called when the operator's own role permits the operation.
pub fn protection(change: Change, set: bool, operator: Class, target: Class, is_self: bool) -> Result<(), Refusal> {
    if is_self {
        return Err(Refusal::sub(Code::Forbidden, Sub::OperatorIsTarget));
    }
    match (target, change, set) {
        (Class::Creator, ..) => Err(Refusal::code(Code::Forbidden)),
        (Class::Anonymous, Change::Block, true) => Ok(()),
        (Class::Anonymous, ..) => Err(Refusal::sub(Code::NotFound, Sub::AnonymousRefused)),
        (Class::Administrator, Change::Common, _) => Err(Refusal::code(Code::Forbidden)),
        (Class::Administrator, Change::Block | Change::Mute, true) if operator != Class::Creator => {
            Err(Refusal::sub(Code::Forbidden, Sub::OwnerOnly))
        }
        _ => Ok(()),
    }
}

/// §c.2, table of state transitions.
pub fn transition(from: Class, change: Change, set: bool) -> Result<Next, Refusal> {
    let repeated = Err(Refusal::sub(Code::Repeated, Sub::MemberRepeated));
    let becomes = |class| Ok(Next::Becomes(class));
    let limited = |blocked, muted| {
        if blocked || muted { becomes(Class::Limited { blocked, muted }) } else { becomes(Class::Visitor) }
    };
    match (from, change, set) {
        (Class::Creator, ..) => Err(Refusal::code(Code::Forbidden)),
        (Class::Anonymous, Change::Block, true) => Ok(Next::KickOnly),
        (Class::Anonymous, ..) => Err(Refusal::code(Code::NotFound)),
        (Class::Limited { blocked, muted }, Change::Block, _) if blocked != set => limited(set, muted),
        (Class::Limited { blocked, muted }, Change::Mute, _) if muted != set => limited(blocked, set),
        (Class::Limited { blocked, .. }, Change::Administrator | Change::Common, true) => {
            Err(Refusal::sub(if blocked { Code::Blocklisted } else { Code::Muted }, Sub::TargetListed))
        }
        (Class::Limited { .. }, ..) => repeated,
        (_, Change::Block, true) => limited(true, false),
        (_, Change::Mute, true) => limited(false, true),
        (Class::Visitor | Class::Common, Change::Administrator, true) => becomes(Class::Administrator),
        (Class::Administrator, Change::Administrator, false) => becomes(Class::Common),
        (Class::Visitor, Change::Common, true) => becomes(Class::Common),
        (Class::Common, Change::Common, false) => becomes(Class::Visitor),
        (Class::Administrator, Change::Common, _) => Err(Refusal::code(Code::Forbidden)),
        _ => repeated,
    }
}
