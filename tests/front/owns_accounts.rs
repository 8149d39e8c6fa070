//! Accounts that are on several workers at once: their owner counts their rooms, whatever crosses on its way (chatroom.md §c.6, §d.5).

use chatroom::error::{Code, Sub};
use chatroom::front::AppRow;
use chatroom::id::{AccountId, ConnId, RoomId};
use chatroom::room::Settings;
use chatroom::subject::AccountHash;
use chatroom::user::Passing;
use chatroom::wire::{Packet, Request, Response, pb};

use crate::runs_alone::{Node, WORKERS, login};

/// Requests that are on their way to a room take fewer turns than this.
const TURNS: usize = 12;

fn making(alias: &str) -> Request {
    let alias = alias.to_owned();
    Request::RoomCreate(Box::new(pb::RoomCreateRequest { alias, enter_existing: true, ..Default::default() }))
}

/// Codes of the answers that have come, by sequence.
fn answers(node: &mut Node, id: ConnId) -> Vec<(u32, i32, i32, i64)> {
    let answer = |packet| match packet {
        Packet::Response { sequence, response: Response::RoomCreate(made) } => {
            let room = made.room.map_or(0, |room| room.room_id);
            Some((sequence, made.code, made.sub, room))
        }
        Packet::Response { sequence, response: Response::MessageSend(sent) } => Some((sequence, sent.code, sent.sub, 0)),
        _ => None,
    };
    node.heard(id).into_iter().filter_map(answer).collect()
}

fn alice(node: &mut Node, worker: usize) -> ConnId {
    let id = node.connect(worker);
    node.send(id, 1, &Request::Login(Box::new(login("alice"))));
    node.heard(id);
    id
}

/// The account's number, and what its owner knows.
fn known(node: &Node) -> (AccountHash, &Passing) {
    let hash = node.common.account_key().account("demo", &AccountId::parse("alice").unwrap());
    (hash, node.fronts[hash.owner(WORKERS)].passing())
}

#[test]
fn of_two_devices_that_ask_at_once_for_the_last_room_one_gets_it() {
    for (first, second) in [(0, 1), (1, 0), (0, 0), (1, 1)] {
        let mut node = Node::new(AppRow::default());
        let devices = [alice(&mut node, first), alice(&mut node, second)];
        let rooms_max = Settings::default().client_rooms_per_account_max;
        for number in 1..rooms_max {
            node.send(devices[0], 2, &making(&format!("room{number}")));
        }
        devices.iter().for_each(|id| drop(node.heard(*id)));
        node.hand(devices[0], 3, &making("one"));
        node.hand(devices[1], 3, &making("other"));
        node.settle();
        let answers: Vec<(u32, i32, i32, i64)> = devices.iter().flat_map(|id| answers(&mut node, *id)).collect();
        let (let_in, refused): (Vec<_>, Vec<_>) = answers.iter().copied().partition(|(_, code, ..)| *code == 0);
        assert_eq!((let_in.len(), refused.len()), (1, 1), "{answers:?}");
        let full = (Code::OverQuota as i32, Sub::JoinedRoomsQuota as i32);
        assert_eq!((refused[0].1, refused[0].2), full);
        let (hash, passing) = known(&node);
        assert_eq!((passing.rooms(hash).len(), passing.reserved(hash)), (rooms_max, 0));
        // Where one is left there is room for one.
        let room_id = let_in[0].3;
        node.send(devices[0], 4, &Request::RoomLeaveAll(pb::RoomLeaveAllRequest::default()));
        node.send(devices[1], 4, &Request::RoomLeaveAll(pb::RoomLeaveAllRequest::default()));
        let (hash, passing) = known(&node);
        assert!(!passing.rooms(hash).contains(&RoomId::new(room_id).unwrap()));
        assert_eq!((passing.rooms(hash).len(), passing.reserved(hash)), (0, 0));
        assert_eq!(passing.sessions(hash).len(), 2);
    }
}

#[test]
fn a_device_that_is_lost_on_its_way_into_a_room_leaves_nothing_reserved() {
    for turns in 0..TURNS {
        let mut node = Node::new(AppRow::default());
        let (phone, desktop) = (alice(&mut node, 0), alice(&mut node, 1));
        for (number, alias) in ["one", "two", "three"].into_iter().enumerate() {
            node.hand(phone, 2 + u32::try_from(number).unwrap(), &making(alias));
        }
        // It may be lost before the owner of the account is asked, before that has answered, and so on.
        for turn in 0..turns {
            node.turn(turn % WORKERS);
        }
        node.lose(phone);
        node.fronts[0].remove(phone);
        node.settle();
        let (hash, passing) = known(&node);
        assert_eq!(passing.reserved(hash), 0, "after {turns} turns");
        assert_eq!(passing.sessions(hash).iter().map(|session| session.connection).collect::<Vec<_>>(), [desktop]);
        // Rooms that it got into keep its place for the grace; the others can be entered.
        let rooms_max = Settings::default().client_rooms_per_account_max;
        let free = rooms_max - passing.rooms(hash).len();
        for number in 0..=free {
            node.send(desktop, 2, &making(&format!("room{number}")));
            let is_let_in = answers(&mut node, desktop)[0].1 == 0;
            assert_eq!(is_let_in, number < free, "after {turns} turns");
        }
    }
}

#[test]
fn what_is_asked_behind_an_entry_that_waits_for_the_accounts_owner_comes_behind_it() {
    for worker in 0..WORKERS {
        let mut node = Node::new(AppRow::default());
        let id = alice(&mut node, worker);
        node.send(id, 2, &making("den"));
        let room_id = answers(&mut node, id)[0].3;
        node.send(id, 3, &Request::RoomLeaveAll(pb::RoomLeaveAllRequest::default()));
        let message = pb::MessageSendRequest { room_id, message_id: "m".into(), body: "hello".into(), ..Default::default() };
        node.hand(id, 4, &making("den"));
        node.hand(id, 5, &Request::MessageSend(Box::new(message)));
        node.settle();
        let answers = answers(&mut node, id);
        assert_eq!(answers.iter().map(|answer| (answer.0, answer.1)).collect::<Vec<_>>(), [(4, 0), (5, 0)]);
    }
}
