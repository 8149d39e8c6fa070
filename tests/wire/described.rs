//! Every kind is described in `proto/`, and the names in its description are those of the tables that they refer to.

use std::collections::BTreeSet;
use std::fs;

use crate::wire_files::path;
use chatroom::room::permissions::MATRIX;
use chatroom::wire::PacketKind;
use chatroom::wire::operations::{DESCRIPTORS, Does, OPERATIONS, PUSHES, Subject};

#[test]
fn every_kind_is_an_operation_a_push_or_a_ping() {
    let kinds: BTreeSet<i32> = (0..=u16::MAX).map(i32::from).filter(|number| PacketKind::try_from(*number).is_ok()).collect();
    let operations = OPERATIONS.iter().map(|operation| operation.kind as i32);
    let described: Vec<i32> =
        operations.chain(PUSHES.iter().map(|push| push.kind as i32)).chain([PacketKind::Ping as i32]).collect();
    assert_eq!(described.iter().copied().collect::<BTreeSet<_>>(), kinds);
    assert_eq!(described.len(), kinds.len(), "no kind is described twice");
    // wire.md §3: pushes of a block start at 0x80 within it; the last word before a close is 0.
    let is_pushed = |kind: i32| kind == 0 || kind & 0xFF >= 0x80;
    assert!(PUSHES.iter().all(|push| is_pushed(push.kind as i32)));
    assert!(!OPERATIONS.iter().any(|operation| is_pushed(operation.kind as i32)));
}

#[test]
fn a_request_to_a_room_names_it_first() {
    for operation in OPERATIONS.iter().filter(|operation| operation.subject == Subject::Room && operation.does != Does::Journey)
    {
        let room = operation.request.field("room_id").unwrap_or_else(|| panic!("{} names no room", operation.request.name));
        assert_eq!(room.number, 1, "{}", operation.request.name);
    }
}

#[test]
fn every_response_can_be_read_as_a_status() {
    for operation in OPERATIONS {
        let fields: Vec<_> = operation.response.fields.iter().map(|field| (field.name, field.number)).collect();
        assert!(fields.starts_with(&[("code", 1), ("sub", 2), ("desc", 3)]), "{}", operation.response.name);
        let own = fields.iter().skip(3).filter(|_| operation.response.name != "Status");
        assert!(own.clone().all(|(_, number)| *number >= 10), "{}: own fields begin with 10", operation.response.name);
    }
}

#[test]
fn names_are_given_once() {
    for name in [|at: usize| OPERATIONS[at].name, |at: usize| OPERATIONS[at].c_name] {
        let names: BTreeSet<&str> = (0..OPERATIONS.len()).map(name).collect();
        assert_eq!(names.len(), OPERATIONS.len());
    }
}

#[test]
fn rights_are_rows_of_the_permission_table() {
    let rows: BTreeSet<String> = MATRIX.iter().map(|(operation, _)| format!("{operation:?}")).collect();
    for operation in OPERATIONS {
        for right in operation.rights {
            assert!(rows.contains(*right), "{}: {right} is no row of the table", operation.request.name);
        }
        assert_eq!(operation.rights.is_empty(), operation.subject != Subject::Room, "{}", operation.request.name);
    }
}

#[test]
fn endpoints_are_those_of_the_http_api() {
    let page = fs::read_to_string(path("docs/http.md")).unwrap();
    for operation in OPERATIONS {
        for endpoint in operation.http {
            let name = endpoint.trim_start_matches('/').trim_end_matches(".action");
            assert!(page.contains(&format!("\n| `{name}` | ")), "{}: docs/http.md lacks {name}", operation.request.name);
        }
    }
}

#[test]
fn every_operation_has_a_description() {
    for operation in OPERATIONS {
        let says = operation.request.says;
        assert!(says.contains('.') && says.starts_with(char::is_uppercase), "{}: {says:?}", operation.request.name);
    }
    assert!(!DESCRIPTORS.is_empty());
}
