//! Whom an operation is aimed at (chatroom.md §b.1), and what becomes of the target (§c.2).

use chatroom::wire::pb::{self, KickReason, MemberQuery, MemberType, NotificationType, RoleChange};
use chatroom::wire::{Push, Request, Response};

use super::scene::{Scene, expect_kicked};
use super::spec::{Change, Column, STATES, Transition};
use crate::support::Peer;
use crate::support::ask::{self, Came};

/// Who acts, and what the target is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Is {
    /// The creator.
    Creator,
    /// An administrator.
    Administrator,
    /// An ordinary member who is here.
    Common,
    /// An ordinary member who is not.
    CommonOffline,
    /// A visitor who is here.
    Visitor,
    /// An account the room has never seen.
    Stranger,
    /// On the blocklist.
    Blocklisted,
    /// Permanently muted, and here.
    Muted,
    /// Both.
    Both,
    /// A visitor without an account.
    Anonymous,
    /// Temporarily muted, and here.
    TempMuted,
    /// The operator.
    Oneself,
}

use Is::{
    Administrator, Anonymous, Blocklisted, Both, Common, CommonOffline, Creator, Muted, Oneself, Stranger, TempMuted, Visitor,
};

/// What an operator may do to a target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// A role or restriction is given or taken.
    Role(RoleChange, bool),
    /// A temporary mute is set.
    TempMute,
    /// A temporary mute is lifted.
    Lift,
    /// The target is put out.
    Kick,
}

const SET_ADMINISTRATOR: Action = Action::Role(RoleChange::Administrator, true);
const UNSET_ADMINISTRATOR: Action = Action::Role(RoleChange::Administrator, false);
const SET_COMMON: Action = Action::Role(RoleChange::Common, true);
const UNSET_COMMON: Action = Action::Role(RoleChange::Common, false);
const BLOCK: Action = Action::Role(RoleChange::Blocklist, true);
const UNBLOCK: Action = Action::Role(RoleChange::Blocklist, false);
const MUTE: Action = Action::Role(RoleChange::Mute, true);
const UNMUTE: Action = Action::Role(RoleChange::Mute, false);

/// One thing tried: who acts, on whom, how, and what it has to come to.
pub struct Case {
    pub operator: Is,
    pub action: Action,
    pub target: Is,
    pub expected: Came,
}

/// The cases of a cell of §b.1, worked out from its words, which stand beside each. Codes without a sub code in §b.1 have that of
/// the first cell of their column, except that what an administrator may not do to another is the creator's alone: 114427.
pub fn cases(operation: &str, column: usize, words: &str) -> Vec<Case> {
    const SAME: Came = (417, 114405);
    const NOBODY: Came = (404, 114303);
    const ONESELF: Came = (403, 114429);
    const OWNER: Came = (403, 114427);
    const ON_BLOCKLIST: Came = (13003, 114301);
    const ON_MUTE_LIST: Came = (13004, 114301);
    // The creator is protected by what it is; no sub code of §h says so.
    const PROTECTED: Came = (403, 0);
    const OFFLINE: Came = (404, 114304);

    let both = [Creator, Administrator];
    let only = [Creator];
    let mut cases = Vec::new();
    let mut add = |operators: &[Is], action: Action, targets: &[Is], expected: Came| {
        for operator in operators {
            cases.extend(targets.iter().map(|target| Case { operator: *operator, action, target: *target, expected }));
        }
    };
    match (operation, column, words) {
        // What only the creator may, an administrator may not do to anybody, the creator included (§b, set/unset administrator).
        ("set administrator", 0, "403") => add(&[Administrator], SET_ADMINISTRATOR, &[Creator], OWNER),
        ("set administrator", 1, "Cr: 417 (114405)") => {
            add(&only, SET_ADMINISTRATOR, &[Administrator], SAME);
            add(&[Administrator], SET_ADMINISTRATOR, &[Administrator], OWNER);
        }
        ("set administrator", 2, "Cr ✓; LIMITED ⇒ 13003 or 13004 (ext)") => {
            add(&only, SET_ADMINISTRATOR, &[Common, Visitor, Stranger], ask::OK);
            add(&only, SET_ADMINISTRATOR, &[Blocklisted, Both], ON_BLOCKLIST);
            add(&only, SET_ADMINISTRATOR, &[Muted], ON_MUTE_LIST);
            add(&[Administrator], SET_ADMINISTRATOR, &[Common], OWNER);
        }
        ("set administrator", 3, "404 (114303)") => add(&only, SET_ADMINISTRATOR, &[Anonymous], NOBODY),
        ("set administrator", 4, "403 (114429)") => {
            add(&only, SET_ADMINISTRATOR, &[Oneself], ONESELF);
            add(&[Administrator], SET_ADMINISTRATOR, &[Oneself], OWNER);
        }
        ("unset administrator", 0, "403") => add(&[Administrator], UNSET_ADMINISTRATOR, &[Creator], OWNER),
        ("unset administrator", 1, "Cr ✓ ⇒ becomes COMMON (ext)") => {
            add(&only, UNSET_ADMINISTRATOR, &[Administrator], ask::OK);
            add(&[Administrator], UNSET_ADMINISTRATOR, &[Administrator], OWNER);
        }
        ("unset administrator", 2, "417") => {
            add(&only, UNSET_ADMINISTRATOR, &[Common, Visitor, Stranger, Blocklisted, Muted, Both], SAME);
        }
        ("unset administrator", 3, "404") => add(&only, UNSET_ADMINISTRATOR, &[Anonymous], NOBODY),
        ("unset administrator", 4, "403") => {
            add(&only, UNSET_ADMINISTRATOR, &[Oneself], ONESELF);
            add(&[Administrator], UNSET_ADMINISTRATOR, &[Oneself], OWNER);
        }
        ("set ordinary", 0, "403") => add(&[Administrator], SET_COMMON, &[Creator], PROTECTED),
        ("set ordinary", 1, "403 (ext: unset administrator first)") => add(&both, SET_COMMON, &[Administrator], PROTECTED),
        ("set ordinary", 2, "Vi ✓; Cm 417; LIMITED ⇒ 13003/13004 (ext)") => {
            add(&both, SET_COMMON, &[Visitor, Stranger], ask::OK);
            add(&both, SET_COMMON, &[Common, CommonOffline], SAME);
            add(&both, SET_COMMON, &[Blocklisted, Both], ON_BLOCKLIST);
            add(&both, SET_COMMON, &[Muted], ON_MUTE_LIST);
        }
        ("set ordinary", 3, "404") => add(&both, SET_COMMON, &[Anonymous], NOBODY),
        ("set ordinary", 4, "403") => add(&both, SET_COMMON, &[Oneself], ONESELF),
        ("unset ordinary", 0, "403") => add(&[Administrator], UNSET_COMMON, &[Creator], PROTECTED),
        ("unset ordinary", 1, "403") => add(&both, UNSET_COMMON, &[Administrator], PROTECTED),
        ("unset ordinary", 2, "Cm ✓ ⇒ visitor; others 417") => {
            add(&both, UNSET_COMMON, &[Common, CommonOffline], ask::OK);
            add(&both, UNSET_COMMON, &[Visitor, Stranger, Blocklisted, Muted, Both], SAME);
        }
        ("unset ordinary", 3, "404") => add(&both, UNSET_COMMON, &[Anonymous], NOBODY),
        ("unset ordinary", 4, "403") => add(&both, UNSET_COMMON, &[Oneself], ONESELF),
        ("blocklist / mute", 0, "403") => {
            add(&[Administrator], BLOCK, &[Creator], PROTECTED);
            add(&[Administrator], MUTE, &[Creator], PROTECTED);
        }
        ("blocklist / mute", 1, "Cr ✓, Ad 403 (ext)") => {
            for action in [BLOCK, MUTE] {
                add(&only, action, &[Administrator], ask::OK);
                add(&[Administrator], action, &[Administrator], OWNER);
            }
        }
        ("blocklist / mute", 2, "✓; already set 417") => {
            add(&both, BLOCK, &[Common, CommonOffline, Visitor, Stranger, Muted], ask::OK);
            add(&both, BLOCK, &[Blocklisted, Both], SAME);
            add(&both, MUTE, &[Common, CommonOffline, Visitor, Stranger, Blocklisted], ask::OK);
            add(&both, MUTE, &[Muted, Both], SAME);
        }
        ("blocklist / mute", 3, "block ✓ by connection (kick only, nothing persisted); mute 404") => {
            add(&both, BLOCK, &[Anonymous], ask::OK);
            add(&both, MUTE, &[Anonymous], NOBODY);
        }
        ("blocklist / mute", 4, "403") => {
            add(&both, BLOCK, &[Oneself], ONESELF);
            add(&both, MUTE, &[Oneself], ONESELF);
        }
        ("unblocklist / unmute", 0, "403") => {
            add(&[Administrator], UNBLOCK, &[Creator], PROTECTED);
            add(&[Administrator], UNMUTE, &[Creator], PROTECTED);
        }
        // Cannot occur: who is put on a list is an administrator no more (§c.2), so there is nothing to take back.
        ("unblocklist / unmute", 1, "n/a") => {
            add(&both, UNBLOCK, &[Administrator], SAME);
            add(&both, UNMUTE, &[Administrator], SAME);
        }
        ("unblocklist / unmute", 2, "✓; not set 417") => {
            add(&both, UNBLOCK, &[Blocklisted, Both], ask::OK);
            add(&both, UNBLOCK, &[Common, Visitor, Stranger, Muted], SAME);
            add(&both, UNMUTE, &[Muted, Both], ask::OK);
            add(&both, UNMUTE, &[Common, Visitor, Stranger, Blocklisted], SAME);
        }
        ("unblocklist / unmute", 3, "404") => {
            add(&both, UNBLOCK, &[Anonymous], NOBODY);
            add(&both, UNMUTE, &[Anonymous], NOBODY);
        }
        ("unblocklist / unmute", 4, "403") => {
            add(&both, UNBLOCK, &[Oneself], ONESELF);
            add(&both, UNMUTE, &[Oneself], ONESELF);
        }
        ("temporary mute", 0, "403") => {
            add(&[Administrator], Action::TempMute, &[Creator], PROTECTED);
            add(&[Administrator], Action::Lift, &[Creator], PROTECTED);
        }
        ("temporary mute", 1, "Cr ✓, Ad 403 (ext)") => {
            add(&only, Action::TempMute, &[Administrator], ask::OK);
            add(&[Administrator], Action::TempMute, &[Administrator], OWNER);
            add(&[Administrator], Action::Lift, &[Administrator], OWNER);
        }
        (
            "temporary mute",
            2,
            "✓, in the room or not: the mute waits for him (vendor's tests); blocklisted or permanently muted ⇒ 417 (ext); unknown account ⇒ 404",
        ) => {
            add(&both, Action::TempMute, &[Common, CommonOffline, Visitor, TempMuted, Stranger], ask::OK);
            add(&both, Action::Lift, &[TempMuted], ask::OK);
            add(&both, Action::Lift, &[Common, Visitor], SAME);
            add(&both, Action::TempMute, &[Blocklisted, Muted, Both], SAME);
            add(&both, Action::Lift, &[Stranger], SAME);
        }
        ("temporary mute", 3, "404") => {
            add(&both, Action::TempMute, &[Anonymous], NOBODY);
            add(&both, Action::Lift, &[Anonymous], NOBODY);
        }
        ("temporary mute", 4, "403 (ext)") => add(&both, Action::TempMute, &[Oneself], ONESELF),
        ("kick", 0, "403") => add(&[Administrator], Action::Kick, &[Creator], PROTECTED),
        ("kick", 1, "Cr ✓, Ad 403") => {
            add(&only, Action::Kick, &[Administrator], ask::OK);
            add(&[Administrator], Action::Kick, &[Administrator], OWNER);
        }
        ("kick", 2, "in room ✓; offline ⇒ 404 (114304) (ext)") => {
            add(&both, Action::Kick, &[Common, Visitor, Muted, TempMuted], ask::OK);
            add(&both, Action::Kick, &[CommonOffline, Stranger, Blocklisted, Both], OFFLINE);
        }
        ("kick", 3, "✓") => add(&both, Action::Kick, &[Anonymous], ask::OK),
        ("kick", 4, "403") => add(&both, Action::Kick, &[Oneself], ONESELF),
        _ => panic!("no cases for {operation}, column {column}: {words}"),
    }
    cases
}

/// The eight columns of §c.2.
pub const CHANGES: [Action; 8] =
    [SET_ADMINISTRATOR, UNSET_ADMINISTRATOR, SET_COMMON, UNSET_COMMON, BLOCK, UNBLOCK, MUTE, UNMUTE];

/// The members of a scene of this part: an operator, and a target with its connection, if it has one.
struct Pair {
    operator: Option<Peer>,
    target: Option<Peer>,
    target_name: String,
}

impl Scene<'_> {
    /// Brings operator and target to where a case wants them.
    fn bring(&mut self, operator: Is, target: Is) -> Pair {
        let operator_name = self.named("operator");
        let operator = (operator == Administrator).then(|| {
            let peer = self.node.join(&operator_name, self.room);
            self.grant(&operator_name, RoleChange::Administrator);
            peer
        });
        let name = self.named("target");
        let is_here = matches!(target, Administrator | Common | Visitor | Muted | TempMuted | Both);
        let peer = match target {
            Anonymous => Some(self.node.join_anonymously(&name, self.room)),
            _ if is_here => Some(self.node.join(&name, self.room)),
            _ => None,
        };
        match target {
            Administrator => self.grant(&name, RoleChange::Administrator),
            Common | CommonOffline => self.grant(&name, RoleChange::Common),
            Blocklisted => self.grant(&name, RoleChange::Blocklist),
            Muted => self.grant(&name, RoleChange::Mute),
            Both => {
                self.grant(&name, RoleChange::Mute);
                self.grant(&name, RoleChange::Blocklist);
            }
            TempMuted => {
                let request = ask::temp_mute(self.room, &name, 60);
                self.creator.done(request);
            }
            Stranger => self.node.create_account(&name),
            Creator | Visitor | Anonymous | Oneself => {}
        }
        let target_name = match target {
            Creator => self.named("creator"),
            Oneself if operator.is_some() => operator_name,
            Oneself => self.named("creator"),
            _ => name,
        };
        let target = if target == Both { None } else { peer };
        Pair { operator, target, target_name }
    }

    /// What the room shows of an account, to whoever reads the list of fixed members: one of [`STATES`].
    fn state_of(&mut self, name: &str) -> &'static str {
        let query = MemberQuery::Fixed as i32;
        let request = Request::MemberList(pb::MemberListRequest { room_id: self.room, query, ..Default::default() });
        let Response::MemberList(list) = self.creator.done(request) else { panic!("a list is answered with a list") };
        let Some(member) = list.members.iter().find(|member| member.account == name) else { return STATES[0] };
        match (member.r#type(), member.blocklisted, member.muted) {
            (MemberType::Common, false, false) => "COMMON",
            (MemberType::Administrator, false, false) => "MANAGER",
            (MemberType::Creator, false, false) => "CREATOR",
            (MemberType::Limited, true, false) => "LIMITED(b)",
            (MemberType::Limited, false, true) => "LIMITED(m)",
            (MemberType::Limited, true, true) => "LIMITED(b+m)",
            (other, blocklisted, muted) => panic!("{other:?} with {blocklisted} and {muted} is no state of §c.2"),
        }
    }

    fn is_here(&mut self, name: &str) -> bool {
        let request = pb::MemberLookupRequest { room_id: self.room, accounts: vec![name.into()] };
        let Response::MemberLookup(found) = self.creator.done(Request::MemberLookup(request)) else {
            panic!("a look-up is answered with a list")
        };
        found.members.iter().any(|member| member.online)
    }
}

fn request(room: i64, action: Action, target: &str) -> Request {
    match action {
        Action::Role(change, set) => ask::set_role(room, target, change, set),
        Action::TempMute => ask::temp_mute(room, target, 60),
        Action::Lift => ask::temp_mute(room, target, 0),
        Action::Kick => ask::kick(room, target),
    }
}

/// Tries a case; the words say what is wrong.
pub fn try_case(mut scene: Scene<'_>, case: &Case) -> Result<(), String> {
    let mut pair = scene.bring(case.operator, case.target);
    let before = scene.state_of(&pair.target_name);
    let asked = request(scene.room, case.action, &pair.target_name);
    let operator = pair.operator.as_mut().unwrap_or(&mut scene.creator);
    let found = operator.came(asked);
    if found != case.expected {
        return Err(format!("came to {found:?}, not {:?}", case.expected));
    }
    let after = scene.state_of(&pair.target_name);
    if case.expected != ask::OK {
        return if after == before { Ok(()) } else { Err(format!("refused, and yet {before} became {after}")) };
    }
    let reason = match case.action {
        Action::Kick => Some(KickReason::ManagerKick),
        Action::Role(RoleChange::Blocklist, true) => Some(KickReason::Blocklisted),
        _ => None,
    };
    if let (Some(reason), Some(target)) = (reason, &mut pair.target) {
        expect_kicked(target, scene.room, reason);
    }
    if case.target == Anonymous && after != before {
        return Err(format!("of an anonymous visitor {after} is kept"));
    }
    Ok(())
}

/// Tries a cell of §c.2 with an operator and a target who is here or not; the words say what is wrong.
pub fn try_transition(
    mut scene: Scene<'_>,
    operator: Is,
    state: &'static str,
    target_is: Is,
    action: Action,
    cell: Transition,
) -> Result<(), String> {
    let mut pair = scene.bring(operator, target_is);
    let found = scene.state_of(&pair.target_name);
    if found != state {
        return Err(format!("stands as {found} before anything is done, not as {state}"));
    }
    let name = pair.target_name.clone();
    let was_here = target_is == Creator || scene.is_here(&name);
    let is_managers = matches!(action, Action::Role(RoleChange::Administrator, _));
    let is_refused = operator == Administrator && (is_managers || cell.by_creator);
    let expected = match (cell.change, state) {
        _ if is_refused => (403, 114427),
        (_, "CREATOR") if operator == Creator => (403, 114429),
        (Change::To(_), _) => ask::OK,
        (Change::No(417), _) => (417, 114405),
        (Change::No(code @ (13003 | 13004)), _) => (code, 114301),
        (Change::No(code), _) => (code, 0),
    };
    let asked = request(scene.room, action, &name);
    let response = pair.operator.as_mut().unwrap_or(&mut scene.creator).call(asked);
    if ask::came(&response) != expected {
        return Err(format!("came to {:?}, not {expected:?}", ask::came(&response)));
    }
    let after = scene.state_of(&name);
    let (Change::To(becomes), false) = (cell.change, is_refused || state == "CREATOR") else {
        return if after == state { Ok(()) } else { Err(format!("refused, and yet it became {after}")) };
    };
    if after != becomes {
        return Err(format!("became {after}, not {becomes}"));
    }
    if let Some(target) = &mut pair.target {
        let expected_notice = notice_of(action);
        // What made it what it is may still be on its way.
        loop {
            match target.push() {
                Push::Notification(notice) if notice.targets == [name.clone()] && notice.r#type() == expected_notice => break,
                Push::Kicked(kicked) => return Err(format!("kicked before it was told: {kicked:?}")),
                _ => {}
            }
        }
        if cell.kicked {
            expect_kicked(target, scene.room, KickReason::Blocklisted);
        }
    }
    match (cell.kicked, was_here, scene.is_here(&name)) {
        (true, _, true) => Err("is still here".into()),
        (false, true, false) => Err("is not here any more".into()),
        _ => Ok(()),
    }
}

fn notice_of(action: Action) -> NotificationType {
    match action {
        SET_ADMINISTRATOR => NotificationType::AdministratorAdd,
        UNSET_ADMINISTRATOR => NotificationType::AdministratorRemove,
        SET_COMMON => NotificationType::CommonAdd,
        UNSET_COMMON => NotificationType::CommonRemove,
        BLOCK => NotificationType::BlocklistAdd,
        UNBLOCK => NotificationType::BlocklistRemove,
        MUTE => NotificationType::MuteAdd,
        _ => NotificationType::MuteRemove,
    }
}

/// The targets that stand in a state of §c.2: where that makes a difference, one who is here and one who is not.
pub fn targets_in(state: &str) -> &'static [Is] {
    match state {
        "visitor / never seen" => &[Visitor, Stranger],
        "COMMON" => &[Common, CommonOffline],
        "MANAGER" => &[Administrator],
        "LIMITED(b)" => &[Blocklisted],
        "LIMITED(m)" => &[Muted],
        "LIMITED(b+m)" => &[Both],
        _ => &[Creator],
    }
}

/// Scenes of this part have no caller of their own.
pub const NO_COLUMN: Column = Column::Cr;
