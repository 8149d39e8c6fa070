//! How a member's role and restrictions change: the transitions of chatroom.md §c.2 as one table.

use super::permissions::Action;
use crate::error::{Code, Status, Sub};

/// What a room knows of an account: the rows of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standpoint {
    /// Nothing.
    Visitor,
    /// An ordinary member.
    Common,
    /// An administrator.
    Administrator,
    /// On the blocklist.
    Blocklisted,
    /// Permanently muted.
    Muted,
    /// Both.
    BlocklistedAndMuted,
    /// The creator.
    Creator,
}

/// A cell of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transition {
    /// The member becomes this.
    To(Standpoint),
    /// Refused.
    No(Code, Option<Sub>),
}

const fn to(standpoint: Standpoint) -> Transition {
    Transition::To(standpoint)
}

const SAME: Transition = Transition::No(Code::Repeated, Some(Sub::MemberRepeated));
const NO: Transition = Transition::No(Code::Forbidden, None);
const ON_B: Transition = Transition::No(Code::Blocklisted, Some(Sub::TargetListed));
const ON_M: Transition = Transition::No(Code::Muted, Some(Sub::TargetListed));
const VISI: Transition = to(Standpoint::Visitor);
const COMM: Transition = to(Standpoint::Common);
const ADMI: Transition = to(Standpoint::Administrator);
const BLOC: Transition = to(Standpoint::Blocklisted);
const MUTE: Transition = to(Standpoint::Muted);
const BOTH: Transition = to(Standpoint::BlocklistedAndMuted);

/// Columns: set and unset administrator, set and unset ordinary member, block, unblock, mute, unmute.
#[rustfmt::skip]
pub const TRANSITIONS: &[(Standpoint, [Transition; 8])] = &[
    (Standpoint::Visitor,             [ADMI, SAME, COMM, SAME, BLOC, SAME, MUTE, SAME]),
    (Standpoint::Common,              [ADMI, SAME, SAME, VISI, BLOC, SAME, MUTE, SAME]),
    (Standpoint::Administrator,       [SAME, COMM, NO,   NO,   BLOC, SAME, MUTE, SAME]),
    (Standpoint::Blocklisted,         [ON_B, SAME, ON_B, SAME, SAME, VISI, BOTH, SAME]),
    (Standpoint::Muted,               [ON_M, SAME, ON_M, SAME, BOTH, SAME, SAME, VISI]),
    (Standpoint::BlocklistedAndMuted, [ON_B, SAME, ON_B, SAME, SAME, MUTE, SAME, BLOC]),
    (Standpoint::Creator,             [NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO]),
];

/// What a member becomes.
pub fn transition(from: Standpoint, action: Action) -> Result<Standpoint, Status> {
    let column = match action {
        Action::SetAdministrator => 0,
        Action::UnsetAdministrator => 1,
        Action::SetCommon => 2,
        Action::UnsetCommon => 3,
        Action::Block => 4,
        Action::Unblock => 5,
        Action::Mute => 6,
        Action::Unmute => 7,
        Action::TempMute | Action::Kick => return Ok(from),
    };
    match TRANSITIONS[from as usize].1[column] {
        Transition::To(standpoint) => Ok(standpoint),
        Transition::No(code, Some(sub)) => Err(Status::with_sub(code, sub)),
        Transition::No(code, None) => Err(Status::new(code, "take the administrator's role first")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_at_the_place_of_their_standpoint() {
        assert!(TRANSITIONS.iter().enumerate().all(|(place, row)| row.0 as usize == place));
    }
}
