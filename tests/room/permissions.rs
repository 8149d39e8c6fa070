//! The tables of permissions against the tables of the specification, copied here as they stand there.

use chatroom::error::Code;
use chatroom::room::permissions::{
    Action, COLUMNS, Cell, Class, Column, Grant, MATRIX, Operation, Standing, TARGETS, Target, cell, check, check_target,
};
use chatroom::room::role::{Standpoint, TRANSITIONS, Transition, transition};

/// chatroom.md §b, with the operations of this house in front. Columns: Cr Ad Cm Vi An Mu Tm Tg Rm Bl Ro Out.
const MATRIX_TEXT: &str = "
Enter | ✓ | ✓ | ✓ | ✓ | ✓ or 403 (114303) when anonymous is off | = | = | = | = | 13003 (114426) | n/a | ✓
Exit | ✓ | ✓ | ✓ | ✓ | ✓ | = | = | = | = | n/a | n/a | 403 (6000321)
Receive | ✓ | ✓ | ✓ | ✓ | ✓ | = | = | = | = | n/a | n/a | n/a
Info | ✓ | ✓ | ✓ | ✓ | ✓ | = | = | = | = | n/a | n/a | 403
Members | ✓ | ✓ | ✓ | ✓ | ✓ | = | = | = | = | n/a | n/a | 403
Update | ✓ | ✓ | 403 (114432) | 403 | 403 | 403 | = | = | = | n/a | 403 | 403
Close | ✓ | 403 (114427) | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403
UpdateTags | ✓ | ✓ | ✓ | ✓ | ✓ | = | = | = | = | n/a | n/a | 403
UpdateLocation | ✓ | ✓ | ✓ | ✓ | ✓ | = | = | = | = | n/a | n/a | 403
UpdateSelf | ✓ | ✓ | ✓ | ✓ | 403 (114303) | = | = | = | = | n/a | ✓ (HTTP) | 403
SetAdministrator | ✓ | 403 (114427) | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403
SetCommon | ✓ | ✓ | 403 (114432) | 403 | 403 | 403 | = | = | = | n/a | 403 | 403
Blocklist | ✓ | ✓ | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403
Mute | ✓ | ✓ | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403
TempMute | ✓ | ✓ | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403
TagTempMute | ✓ | ✓ | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403
MuteRoom | ✓ | ✓ | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403
Kick | ✓ | ✓ | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403
Send | ✓ | ✓ | ✓ | ✓ | 403 (114303) | 13004 (114421) | 13004 (113301) | 13004 (113302) | 13006 (113423) | 13003 (114426) | ✓ (HTTP) | 403
SendDirected | ✓ | ✓ | ✓ | ✓ | 403 | 13004 | 13004 | 13004 | 13006 | 13003 | ✓ (HTTP) | 403
SendHighPriority | ✓ | ✓ | flag cleared | flag cleared | 403 | 13004 | 13004 | 13004 | 13006 | 13003 | ✓ (HTTP) | 403
RecallOwn | ✓ | ✓ | ✓ | ✓ | n/a | = | = | = | = | n/a | ✓ (HTTP) | 403
RecallOther | ✓ | ✓, not the creator's or another administrator's | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403
History | ✓ | ✓ | ✓ | ✓ | ✓ | = | = | = | = | n/a | n/a | 403
QueueChange | ✓ | ✓ | ✓ | ✓ | 403 (114303) | = | = | = | = | n/a | ✓ (HTTP) | 403
QueueChangeManaged | ✓ | ✓ | 403 (113428) | 403 | 403 | 403 | = | = | = | n/a | 403 | 403
QueueOfferForOther | ✓ | ✓ | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403
QueueRead | ✓ | ✓ | ✓ | ✓ | ✓ | = | = | = | = | n/a | n/a | 403
QueueDrop | ✓ | ✓ | 403 (ext) | 403 | 403 | 403 | = | = | = | n/a | 403 | 403
QueueInit | ✓ | ✓ | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403
SetAttributes | ✓ | ✓ | ✓ | ✓ | 403 | = | = | = | = | n/a | n/a | 403 (6000321)
SetMemberAttributes | ✓ | ✓ | ✓ | ✓ | 403 | = | = | = | = | n/a | n/a | 403 (6000321)
QueryAttributes | ✓ | ✓ | ✓ | ✓ | ✓ | = | = | = | = | n/a | n/a | 403 (6000321)
Upload | ✓ | ✓ | ✓ | ✓ | 403 | = | = | = | = | n/a | n/a | ✓ when logged in
";

/// chatroom.md §b.1, one line per action. Columns: target is the creator, an administrator, anybody else, anonymous, oneself.
/// `t` leaves it to the transitions, `Cr` allows it to the creator and refuses it to administrators.
const TARGETS_TEXT: &str = "
SetAdministrator | 403 | t | t | 404 (114303) | 403 (114429)
UnsetAdministrator | 403 | t | t | 404 | 403
SetCommon | 403 | 403 | t | 404 | 403
UnsetCommon | 403 | 403 | t | 404 | 403
Block | 403 | Cr | t | kick only | 403
Unblock | 403 | t | t | 404 | 403
Mute | 403 | Cr | t | 404 | 403
Unmute | 403 | t | t | 404 | 403
TempMute | 403 | Cr | t | 404 | 403
Kick | 403 | Cr | t | t | 403
";

/// chatroom.md §c.2. Columns: set mgr, unset mgr, set common, unset common, block, unblock, mute, unmute.
const TRANSITIONS_TEXT: &str = "
Visitor | Administrator | 417 | Common | 417 | Blocklisted | 417 | Muted | 417
Common | Administrator | 417 | 417 | Visitor | Blocklisted | 417 | Muted | 417
Administrator | 417 | Common | 403 | 403 | Blocklisted | 417 | Muted | 417
Blocklisted | 13003 | 417 | 13003 | 417 | 417 | Visitor | BlocklistedAndMuted | 417
Muted | 13004 | 417 | 13004 | 417 | BlocklistedAndMuted | 417 | 417 | Visitor
BlocklistedAndMuted | 13003 | 417 | 13003 | 417 | 417 | Muted | 417 | Blocklisted
Creator | 403 | 403 | 403 | 403 | 403 | 403 | 403 | 403
";

const PLAIN: Standing = Standing {
    class: Class::Visitor,
    blocklisted: false,
    globally_muted: false,
    muted: false,
    temp_muted: false,
    tag_muted: false,
    room_muted: false,
    anonymous_enabled: true,
};

fn rows(text: &str) -> Vec<(&str, Vec<&str>)> {
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| {
            let mut cells = line.split('|').map(str::trim);
            (cells.next().expect("a line has a first cell"), cells.collect())
        })
        .collect()
}

/// The code of a cell, and its sub code where one stands.
fn code(cell: &str) -> (i32, Option<i32>) {
    let mut words = cell.split([' ', '(', ')']).filter(|word| !word.is_empty());
    let code = words.next().and_then(|word| word.parse().ok()).unwrap_or(200);
    (code, words.next().and_then(|word| word.parse().ok()))
}

fn assert_cell(found: Cell, expected: &str, place: &str) {
    match (found, expected) {
        (Cell::Same, "=") | (Cell::Never, "n/a") | (Cell::WithoutPriority, "flag cleared") => {}
        (Cell::Yes, "✓" | "✓ (HTTP)" | "✓ when logged in") => {}
        (Cell::IfAnonymousEnabled, "✓ or 403 (114303) when anonymous is off") => {}
        (Cell::UnlessAuthorProtected, "✓, not the creator's or another administrator's") => {}
        (Cell::No(found, sub), _) => {
            let (code, stated) = code(expected);
            assert_eq!(found.number(), code, "{place}");
            assert!(stated.is_none() || stated == sub.map(|sub| sub.number()), "{place}: {sub:?}, not {stated:?}");
        }
        _ => panic!("{place}: {found:?}, not {expected}"),
    }
}

#[test]
fn the_matrix_is_that_of_the_specification() {
    let expected = rows(MATRIX_TEXT);
    assert_eq!(expected.len(), MATRIX.len());
    for ((operation, cells), (name, texts)) in MATRIX.iter().zip(expected) {
        assert_eq!(format!("{operation:?}"), name);
        assert_eq!(texts.len(), COLUMNS);
        for (place, (found, text)) in cells.iter().zip(texts).enumerate() {
            assert_cell(*found, text, &format!("{name}, column {place}"));
        }
    }
}

/// What a check of the operation comes to for somebody.
fn checked(operation: Operation, who: &Standing) -> i32 {
    check(operation, who).map_or_else(|status| status.code.number(), |_| 200)
}

#[test]
fn every_class_and_modifier_is_judged_by_its_column() {
    let classes = [Class::Creator, Class::Administrator, Class::Common, Class::Visitor, Class::Anonymous];
    for (operation, (name, texts)) in MATRIX.iter().map(|row| row.0).zip(rows(MATRIX_TEXT)) {
        for (class, text) in classes.into_iter().zip(&texts) {
            assert_eq!(checked(operation, &Standing { class, ..PLAIN }), code(text).0, "{name} by {class:?}");
        }
        // A modifier bears on common members and visitors who may do the thing otherwise.
        for class in [Class::Common, Class::Visitor] {
            let base = checked(operation, &Standing { class, ..PLAIN });
            let modified = [
                (texts[5], Standing { class, muted: true, ..PLAIN }),
                (texts[6], Standing { class, temp_muted: true, ..PLAIN }),
                (texts[7], Standing { class, tag_muted: true, ..PLAIN }),
                (texts[8], Standing { class, room_muted: true, ..PLAIN }),
            ];
            for (text, standing) in modified {
                let expected = if base == 200 { code(text).0 } else { base };
                assert_eq!(checked(operation, &standing), expected, "{name} by {standing:?}");
            }
        }
    }
}

#[test]
fn a_robot_is_judged_by_its_column_and_the_mutes_bear_on_it_as_on_a_visitor() {
    let robot = Standing { class: Class::Robot, ..PLAIN };
    for (operation, (name, texts)) in MATRIX.iter().map(|row| row.0).zip(rows(MATRIX_TEXT)) {
        if texts[10] != "n/a" {
            assert_eq!(checked(operation, &robot), code(texts[10]).0, "{name} by a robot");
        }
    }
    assert_eq!(check(Operation::SendHighPriority, &robot), Ok(Grant::Full), "its message keeps its priority");
    assert_eq!(checked(Operation::Send, &Standing { room_muted: true, ..robot }), 13006);
    assert_eq!(checked(Operation::Send, &Standing { temp_muted: true, ..robot }), 13004);
}

#[test]
fn the_first_of_several_restrictions_is_the_one_told() {
    let mut who =
        Standing { blocklisted: true, globally_muted: true, muted: true, temp_muted: true, room_muted: true, ..PLAIN };
    who.tag_muted = true;
    let mut told = Vec::new();
    let steps: [fn(&mut Standing); 6] = [
        |who| who.blocklisted = false,
        |who| who.globally_muted = false,
        |who| who.muted = false,
        |who| who.temp_muted = false,
        |who| who.tag_muted = false,
        |who| who.room_muted = false,
    ];
    for lift in steps {
        let status = check(Operation::Send, &who).unwrap_err();
        told.push((status.code.number(), status.sub_number()));
        lift(&mut who);
    }
    assert_eq!(told, [(13003, 114426), (423, 102421), (13004, 114421), (13004, 113301), (13004, 113302), (13006, 113423)]);
    assert_eq!(check(Operation::Send, &who), Ok(Grant::Full));
}

#[test]
fn power_spares_from_room_and_tag_mutes_and_only_the_creator_from_a_temporary_one() {
    let room_and_tag = Standing { tag_muted: true, room_muted: true, ..PLAIN };
    for class in [Class::Creator, Class::Administrator] {
        assert_eq!(checked(Operation::Send, &Standing { class, ..room_and_tag }), 200);
    }
    assert_eq!(checked(Operation::Send, &Standing { class: Class::Administrator, temp_muted: true, ..PLAIN }), 13004);
    assert_eq!(checked(Operation::Send, &Standing { class: Class::Creator, temp_muted: true, ..PLAIN }), 200);
    assert_eq!(checked(Operation::Send, &Standing { class: Class::Creator, globally_muted: true, ..PLAIN }), 423);
}

#[test]
fn anonymous_visitors_enter_only_while_they_may() {
    let who = Standing { class: Class::Anonymous, ..PLAIN };
    assert_eq!(check(Operation::Enter, &who), Ok(Grant::Full));
    let refused = check(Operation::Enter, &Standing { anonymous_enabled: false, ..who }).unwrap_err();
    assert_eq!((refused.code, refused.sub_number()), (Code::Forbidden, 114303));
    assert_eq!(cell(Operation::Enter, Column::Blocklisted), cell(Operation::Send, Column::Blocklisted));
}

#[test]
fn the_target_rules_are_those_of_the_specification() {
    for ((action, cells), (name, texts)) in TARGETS.iter().zip(rows(TARGETS_TEXT)) {
        assert_eq!(format!("{action:?}"), name);
        for (found, text) in cells.iter().zip(texts) {
            match (found, text) {
                (Target::Yes, "t") | (Target::CreatorOnly, "Cr") | (Target::KickOnly, "kick only") => {}
                (Target::No(found, sub), _) => {
                    let (code, stated) = code(text);
                    assert_eq!(found.number(), code, "{name}");
                    assert!(stated.is_none() || stated == sub.map(|sub| sub.number()), "{name}");
                }
                _ => panic!("{name}: {found:?}, not {text}"),
            }
        }
    }
    assert_eq!(TARGETS.len(), rows(TARGETS_TEXT).len());
}

// S003-012, S003-022
#[test]
fn administrators_have_no_power_over_each_other_and_the_creator_has() {
    for action in [Action::Block, Action::Mute, Action::TempMute, Action::Kick] {
        assert_eq!(check_target(action, Class::Creator, Class::Administrator, false), Ok(false));
        let refused = check_target(action, Class::Administrator, Class::Administrator, false).unwrap_err();
        assert_eq!(refused.code, Code::Forbidden);
    }
}

#[test]
fn the_transitions_are_those_of_the_specification() {
    let actions = [
        Action::SetAdministrator,
        Action::UnsetAdministrator,
        Action::SetCommon,
        Action::UnsetCommon,
        Action::Block,
        Action::Unblock,
        Action::Mute,
        Action::Unmute,
    ];
    assert_eq!(TRANSITIONS.len(), rows(TRANSITIONS_TEXT).len());
    for ((from, cells), (name, texts)) in TRANSITIONS.iter().zip(rows(TRANSITIONS_TEXT)) {
        assert_eq!(format!("{from:?}"), name);
        for ((found, text), action) in cells.iter().zip(texts).zip(actions) {
            match found {
                Transition::To(standpoint) => assert_eq!(format!("{standpoint:?}"), text, "{name}, {action:?}"),
                Transition::No(refused, _) => assert_eq!(refused.number(), code(text).0, "{name}, {action:?}"),
            }
            let reached = transition(*from, action).map_err(|status| status.code.number());
            assert_eq!(reached.map_or_else(|number| number.to_string(), |to: Standpoint| format!("{to:?}")), text.to_string());
        }
    }
}
