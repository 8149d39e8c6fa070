//! `chatroom call`: any operation by its name, against the real server.

use std::process::Output;

use crate::support::process::{APP_KEY, APP_SECRET, UNLIMITED};
use crate::support::{Server, Setup};
use crate::terminal::{chatroom, complained, said};

fn call(server: &Server, account: &str, rest: &[&str]) -> Output {
    let wire = server.wire.to_string();
    let who = ["call", "--server", &wire, "--app", APP_KEY, "--secret", APP_SECRET, "--account", account];
    chatroom(&[&who, rest].concat(), "")
}

#[test]
fn an_operation_is_called_by_its_name_and_its_answer_printed() {
    let server = Server::start(Setup { config: UNLIMITED.into(), memory: true, ..Setup::default() });
    let admin = server.admin();
    admin.create_user("owner");
    admin.create_user("bob");
    let room = admin.create_room("owner", "Hall").to_string();

    let offer = call(&server, "owner", &["--room", &room, "queue_offer", "key=mic", "value=alice"]);
    assert_eq!((offer.status.code(), said(&offer).lines().next()), (Some(0), Some("status: 200 success")), "{offer:?}");
    let list = said(&call(&server, "bob", &["--room", &room, "queue_list"]));
    for line in ["elements:", "key: \"mic\"", "value: \"alice\"", "owner: \"owner\""] {
        assert!(list.contains(line), "{list}");
    }

    let refused = call(&server, "bob", &["--room", &room, "close_room"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(complained(&refused).contains("403"), "{}", complained(&refused));
    // Of the account, not of a room.
    let kick = call(&server, "bob", &["kick_devices"]);
    assert_eq!((kick.status.code(), said(&kick).trim()), (Some(0), "status: 200 success"), "{kick:?}");
}

#[test]
fn operations_and_their_fields_are_listed_without_a_server() {
    let all = said(&chatroom(&["operations"], ""));
    for name in ["queue_offer", "set_role", "member_attributes"] {
        assert!(all.lines().any(|line| line.starts_with(&format!("{name} "))), "{name}: {all}");
    }
    let one = said(&chatroom(&["operations", "queue_offer"], ""));
    assert!(one.starts_with("Adds an element to the queue of a room, or changes it.\n"), "{one}");
    assert!(one.contains("transient") && one.contains("true or false"), "{one}");
    let unknown = chatroom(&["operations", "sing"], "");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(complained(&unknown).contains("chatroom operations"), "{}", complained(&unknown));
}
