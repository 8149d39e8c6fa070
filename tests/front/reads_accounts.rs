//! A front whose accounts are not in memory: what waits for them, how many are read at a time, and what counts that changes meanwhile.

use chatroom::account::Account;
use chatroom::front::Want;
use chatroom::id::{AccountId, ConnId};
use chatroom::limits::ACCOUNT_LOOKUPS_AT_ONCE;
use chatroom::wire::{Packet, Request, Response, pb};

use crate::runs_alone::{Node, hall, login};

#[test]
fn a_login_waits_for_its_account_to_be_read_and_a_change_meanwhile_counts() {
    let mut node = Node::without_memory();
    let room = hall();
    node.create(room);
    let code = |heard: Vec<Packet>| match &heard[..] {
        [Packet::Response { sequence: 1, response: Response::Login(login) }] => login.code,
        other => panic!("one answer: {other:?}"),
    };
    let (alice, bob, stranger) = (node.connect(0), node.connect(0), node.connect(1));
    for (id, name) in [(alice, "alice"), (bob, "bob"), (stranger, "stranger")] {
        node.send(id, 1, &Request::Login(Box::new(login(name))));
        assert!(node.heard(id).is_empty(), "it waits");
    }
    let bob_name = AccountId::parse("bob").unwrap();
    // Bob is read before he is blocked, and judged after.
    let at = node.reads.iter().position(|(_, read)| read.accounts[0] == bob_name).unwrap();
    let (worker, read) = node.reads.remove(at);
    let look = node.common.directory().read_for("demo", &bob_name, false);
    let block = |account: &mut Account| {
        account.blocked = true;
        Ok(())
    };
    node.common.directory().change_account("demo", &bob_name, block).unwrap();
    node.fronts[worker].on_accounts(read, Ok(vec![look.unwrap()]));
    node.settle();
    assert!(node.heard(bob).is_empty(), "it is read again");
    assert_eq!(node.read_accounts(), 3);
    assert_eq!((code(node.heard(alice)), code(node.heard(bob)), code(node.heard(stranger))), (0, 422, 302));
    let renewal = Request::RenewToken(pb::RenewTokenRequest { token: "t0k3n".into() });
    node.send(alice, 2, &renewal);
    assert!(node.heard(alice).is_empty() && node.read_accounts() == 1);
    let heard = node.heard(alice);
    assert!(
        matches!(&heard[..], [Packet::Response { sequence: 2, response: Response::RenewToken(status) }] if status.code == 0)
    );
}

#[test]
fn only_so_many_accounts_are_read_at_a_time() {
    let mut node = Node::without_memory();
    let ids: Vec<ConnId> = (0..40).map(|_| node.connect(0)).collect();
    for (number, id) in ids.iter().enumerate() {
        node.send(*id, 1, &Request::Login(Box::new(login(&format!("nobody{number}")))));
    }
    assert_eq!(node.reads.len(), ACCOUNT_LOOKUPS_AT_ONCE);
    assert_eq!(node.read_accounts(), ids.len());
    assert!(ids.iter().all(|id| !node.heard(*id).is_empty()), "each is answered");
}

fn code_of(response: &Response) -> i32 {
    match response {
        Response::MemberSetRole(answer) => answer.code,
        Response::RoomInfo(answer) => answer.code,
        other => panic!("not asked for: {other:?}"),
    }
}

#[test]
fn a_command_waits_for_the_accounts_it_names_and_what_is_asked_next_waits_behind_it() {
    let mut node = Node::without_memory();
    let room = hall();
    node.create(room);
    let boss = node.connect(0);
    let enter = Some(pb::RoomEnterRequest { room_id: room.get(), ..Default::default() });
    node.send(boss, 1, &Request::Login(Box::new(pb::LoginRequest { enter, ..login("boss") })));
    assert_eq!(node.read_accounts(), 1);
    node.heard(boss);
    let role = |account: &str| {
        let (room_id, account, change) = (room.get(), account.to_owned(), pb::RoleChange::Administrator as i32);
        Request::MemberSetRole(pb::MemberSetRoleRequest { room_id, account, change, set: true, ..Default::default() })
    };
    node.send(boss, 2, &role("bob"));
    node.send(boss, 3, &role("nobody"));
    node.send(boss, 4, &Request::RoomInfo(pb::RoomInfoRequest { room_id: room.get() }));
    assert!(node.heard(boss).is_empty(), "none is answered");
    assert_eq!(node.fronts[0].want(boss), Some(Want::Rest { write: false }), "nothing more is taken from it");
    assert_eq!(node.read_accounts(), 2);
    let mut answered: Vec<(u32, i32)> = node
        .heard(boss)
        .into_iter()
        .filter_map(|packet| match packet {
            Packet::Response { sequence, response } => Some((sequence, code_of(&response))),
            _ => None,
        })
        .collect();
    answered.sort_unstable();
    assert_eq!(answered, [(2, 0), (3, 404), (4, 0)]);
    assert_eq!(node.fronts[0].want(boss), Some(Want::Input { write: false }));
    // Whoever is gone asks nothing any more.
    node.send(boss, 5, &role("alice"));
    node.lose(boss);
    node.fronts[0].remove(boss);
    assert_eq!(node.read_accounts(), 1);
}
