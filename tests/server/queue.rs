//! The queue of a room under several hands at once, as where speakers wait for a microphone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{Peer, Server, ask};
use chatroom::wire::pb::{self, QueueEvent, RoleChange};
use chatroom::wire::{Push, Request, Response};

const USERS: usize = 6;
const WISHES: usize = 30;

fn listed(peer: &mut Peer, room: i64) -> Vec<String> {
    let list = Request::QueueList(pb::QueueListRequest { room_id: room, ..Default::default() });
    let Response::QueueList(list) = peer.done(list) else { panic!("a list answers a list") };
    assert!(!list.has_more, "so few elements fit one answer");
    list.elements.into_iter().map(|element| element.key).collect()
}

/// The head of the queue, taken; nothing when it is empty.
fn polled(peer: &mut Peer, room: i64) -> Option<String> {
    match peer.call(ask::poll(room, "")) {
        Response::QueuePoll(answer) if answer.code == 0 => answer.element.map(|element| element.key),
        Response::QueuePoll(answer) => {
            assert_eq!(answer.code, 404, "{}", answer.desc);
            None
        }
        other => panic!("a poll was answered with {other:?}"),
    }
}

/// The queue as somebody has it who only hears of its changes.
fn followed(pushes: &[Push]) -> (VecDeque<String>, Vec<String>) {
    let (mut queue, mut taken) = (VecDeque::new(), Vec::new());
    for push in pushes {
        let Push::Notification(notice) = push else { continue };
        let Some(changed) = &notice.queue_changed else { continue };
        for element in &changed.elements {
            match changed.event() {
                QueueEvent::Offer => queue.push_back(element.key.clone()),
                QueueEvent::Poll => {
                    assert_eq!(queue.pop_front().as_ref(), Some(&element.key), "the head is taken");
                    taken.push(element.key.clone());
                }
                other => panic!("nobody asked for {other:?}"),
            }
        }
    }
    (queue, taken)
}

#[test]
fn several_users_offer_poll_and_list_at_once_and_each_place_is_taken_once_and_in_turn() {
    // S003-019
    let server = Server::start_unlimited();
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_quiet_room("owner", "microphone");
    let mut owner = Peer::join(&server, "owner", room);
    let mut listener = Peer::join(&server, "listener", room);
    let hosts: Vec<Peer> = (0..2)
        .map(|number| {
            let host = Peer::join(&server, &format!("host{number}"), room);
            owner.done(ask::set_role(room, &format!("host{number}"), RoleChange::Administrator, true));
            host
        })
        .collect();
    let users: Vec<Peer> = (0..USERS).map(|number| Peer::join(&server, &format!("user{number}"), room)).collect();
    let taken = AtomicUsize::new(0);
    let by_hosts: Vec<Vec<String>> = std::thread::scope(|scope| {
        for (number, mut user) in users.into_iter().enumerate() {
            scope.spawn(move || {
                for wish in 0..WISHES {
                    user.done(ask::offer(room, &format!("user{number}-{wish:02}"), "a song"));
                    let keys = listed(&mut user, room);
                    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "nobody stands in line twice: {keys:?}");
                    let own: Vec<_> = keys.iter().filter(|key| key.starts_with(&format!("user{number}-"))).collect();
                    assert!(own.is_sorted(), "{own:?}");
                }
            });
        }
        let host = |mut host: Peer| {
            let mut own = Vec::new();
            while taken.load(Ordering::Relaxed) < USERS * WISHES {
                if let Some(key) = polled(&mut host, room) {
                    taken.fetch_add(1, Ordering::Relaxed);
                    own.push(key);
                }
            }
            own
        };
        let hosts: Vec<_> = hosts.into_iter().map(|peer| scope.spawn(move || host(peer))).collect();
        hosts.into_iter().map(|host| host.join().expect("a host goes on to the end")).collect()
    });
    let mut all: Vec<&String> = by_hosts.iter().flatten().collect();
    all.sort();
    let wishes = |user: usize| (0..WISHES).map(move |wish| format!("user{user}-{wish:02}"));
    let expected: Vec<String> = (0..USERS).flat_map(wishes).collect();
    assert_eq!(all, expected.iter().collect::<Vec<_>>(), "each is taken by one host");
    assert_eq!(listed(&mut owner, room), Vec::<String>::new());

    let (left, heard) = followed(&listener.pushes_so_far());
    assert!(left.is_empty(), "{left:?}");
    let mut turns: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for key in &heard {
        turns.entry(key.split('-').next().unwrap_or_default()).or_default().push(key);
    }
    assert_eq!(heard.len(), USERS * WISHES);
    assert!(turns.values().all(|keys| keys.is_sorted()), "who comes first is served first: {turns:?}");
}
