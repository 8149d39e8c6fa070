//! Messages: one order for everybody, one place for each message id, the history as the members saw it.

use crate::support::peer::text_message;
use crate::support::{Peer, Server};
use chatroom::wire::{Push, Request, Response, pb};

fn room(server: &Server) -> i64 {
    let admin = server.admin();
    admin.create_user("owner");
    admin.create_quiet_room("owner", "orders")
}

fn send(peer: &mut Peer, request: pb::MessageSendRequest) -> pb::MessageSendResponse {
    match peer.call(Request::MessageSend(Box::new(request))) {
        Response::MessageSend(answer) => answer,
        other => panic!("a send was answered with {other:?}"),
    }
}

#[test]
fn all_members_see_the_messages_of_many_senders_in_one_order() {
    // S000-011
    let server = Server::start_unlimited();
    let room = room(&server);
    let mut watchers: Vec<Peer> = (0..3).map(|number| Peer::join(&server, &format!("watcher{number}"), room)).collect();
    let senders: Vec<Peer> = (0..4).map(|number| Peer::join(&server, &format!("sender{number}"), room)).collect();
    let acknowledged: Vec<(u64, String)> = std::thread::scope(|scope| {
        let sending = |(number, mut peer): (usize, Peer)| {
            scope.spawn(move || {
                let one = |turn| {
                    let id = format!("{number}-{turn}");
                    let answer = peer.send_text(room, &id, "text");
                    assert_eq!((answer.code, answer.message_id.as_str()), (0, id.as_str()), "{}", answer.desc);
                    (answer.seq, id)
                };
                (0..100).map(one).collect::<Vec<_>>()
            })
        };
        let threads: Vec<_> = senders.into_iter().enumerate().map(sending).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a sender finishes")).collect()
    });
    let mut expected = acknowledged;
    expected.sort();
    assert!(expected.windows(2).all(|pair| pair[0].0 < pair[1].0), "a seq belongs to one message");
    for watcher in &mut watchers {
        let seen: Vec<pb::Message> = expected.iter().map(|_| watcher.message()).collect();
        let order: Vec<(u64, String)> = seen.iter().map(|message| (message.seq, message.message_id.clone())).collect();
        assert_eq!(order, expected);
        assert!(seen.windows(2).all(|pair| pair[0].time_ms <= pair[1].time_ms), "time never decreases");
    }
    // S001-068: the history is what the members saw.
    let history = watchers[0].whole_history(room);
    let kept: Vec<u64> = history.iter().map(crate::support::peer::item_seq).collect();
    let all: Vec<u64> = expected.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(kept.iter().filter(|seq| all.contains(seq)).copied().collect::<Vec<_>>(), all);
}

#[test]
fn a_resend_with_the_same_id_answers_the_first_place_and_delivers_nothing() {
    // S002-032
    let server = Server::start_unlimited();
    let room = room(&server);
    let mut watcher = Peer::join(&server, "watcher", room);
    let mut sender = Peer::join(&server, "sender", room);
    let draft = pb::MessageSendRequest { resend: true, ..text_message(room, "once", "text") };
    let first = send(&mut sender, draft.clone());
    assert_eq!((first.code, first.duplicate), (0, false));
    let again = send(&mut sender, draft.clone());
    assert_eq!((again.code, again.duplicate, again.seq, again.time_ms), (0, true, first.seq, first.time_ms));
    // Another connection of the sender, after the first one is lost, is answered the same.
    sender.cut();
    let mut second = Peer::join(&server, "sender", room);
    let again = send(&mut second, draft.clone());
    assert_eq!((again.duplicate, again.seq), (true, first.seq));
    // Another member's message with that id is another message.
    let mut other = Peer::join(&server, "other", room);
    let others = send(&mut other, draft);
    assert_eq!((others.code, others.duplicate), (0, false));
    assert!(others.seq > first.seq);
    assert_eq!([watcher.message().seq, watcher.message().seq], [first.seq, others.seq]);
    assert!(!watcher.pushes_so_far().iter().any(|push| matches!(push, Push::Message(_))));
}

#[test]
fn without_the_resend_flag_the_same_id_is_a_new_message() {
    // S002-032
    let server = Server::start_unlimited();
    let room = room(&server);
    let mut sender = Peer::join(&server, "sender", room);
    let (first, second) = (sender.send_text(room, "twice", "a"), sender.send_text(room, "twice", "a"));
    assert_eq!((first.code, second.code), (0, 0));
    assert!(second.seq > first.seq && !second.duplicate);
}

#[test]
fn a_history_page_follows_its_anchor_in_both_directions() {
    // S000-041
    let server = Server::start_unlimited();
    let room = room(&server);
    let mut member = Peer::join(&server, "member", room);
    let sent: Vec<u64> = (0..250).map(|number| member.send_text(room, &format!("m{number}"), "text").seq).collect();
    let history = member.whole_history(room);
    let forward: Vec<u64> = history.iter().map(crate::support::peer::item_seq).collect();
    assert_eq!(forward.iter().filter(|seq| sent.contains(seq)).copied().collect::<Vec<_>>(), sent);
    let newest = pb::MessageHistoryRequest { room_id: room, limit: 10, ..Default::default() };
    let Response::MessageHistory(page) = member.call(Request::MessageHistory(newest)) else { panic!("no history") };
    let backward: Vec<u64> = page.items.iter().map(crate::support::peer::item_seq).collect();
    assert!(page.has_more, "{backward:?}");
    // Newest first, and whole groups of equal times: as many as fit, the newest one in any case (chatroom.md §e.6).
    let groups =
        history.chunk_by(|one, next| crate::support::peer::item_time_ms(one) == crate::support::peer::item_time_ms(next));
    let mut sizes = groups.map(<[_]>::len).rev();
    let mut expected = sizes.next().expect("there is a history");
    for size in sizes {
        if expected + size > 10 {
            break;
        }
        expected += size;
    }
    assert_eq!(backward, forward.iter().rev().take(expected.min(20)).copied().collect::<Vec<_>>());
}

#[test]
fn a_message_outside_the_history_is_delivered_all_the_same() {
    // S002-034
    let server = Server::start_unlimited();
    let room = room(&server);
    let mut watcher = Peer::join(&server, "watcher", room);
    let mut sender = Peer::join(&server, "sender", room);
    let draft = pb::MessageSendRequest { skip_history: true, ..text_message(room, "fleeting", "text") };
    let answer = send(&mut sender, draft);
    assert_eq!(answer.code, 0);
    assert_eq!(watcher.message().message_id, "fleeting");
    assert!(watcher.whole_history(room).iter().all(|item| crate::support::peer::item_seq(item) != answer.seq));
}
