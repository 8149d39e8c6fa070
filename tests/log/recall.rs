//! How every log finds a message that is recalled, and what is left of it.

use super::records::*;
use chatroom::id::{AccountId, Epoch, Seq, UnixMs};
use chatroom::log::LogError;
use chatroom::room::{FindQuery, HistoryQuery, Op, PushBody, Record};
use chatroom::wire::pb;
use prost::Message;

fn a_message_is_found_by_what_its_members_know(log: &dyn Kept) {
    // Five in each millisecond, over more than a day, and others in between.
    let at = |seq: u64| NOON + (seq / 5) as i64 * DAY_MS / 60;
    let entry =
        |seq: u64| if seq.is_multiple_of(7) { notification(room(1), seq, at(seq)) } else { text(room(1), seq, at(seq)) };
    append(log, (1..=500).map(entry).collect(), vec![]);
    append(log, (1..=20).map(|seq| text(room(2), seq, NOON)).collect(), vec![]);
    for seq in 1..=500_u64 {
        let expected = (!seq.is_multiple_of(7)).then_some(Seq(seq));
        assert_eq!(log.find(&find(&text(room(1), seq, at(seq)))).unwrap(), expected, "{seq}");
    }
    let said = text(room(1), 100, at(100));
    let nowhere = [
        FindQuery { room: room(3), ..find(&said) },
        FindQuery { room: room(2), ..find(&said) },
        FindQuery { time: UnixMs(at(100) - 1), ..find(&said) },
        FindQuery { time: UnixMs(at(100) + 1), ..find(&said) },
        FindQuery { time: UnixMs(i64::MAX), ..find(&said) },
        FindQuery { time: UnixMs(i64::MIN), ..find(&said) },
        FindQuery { message_id: "m1000".into(), ..find(&said) },
        FindQuery { from: AccountId::parse("bob").unwrap(), ..find(&said) },
    ];
    for query in nowhere {
        assert_eq!(log.find(&query).unwrap(), None, "{query:?}");
    }
}

// S001-053: what was said is gone; that it was said, by whom and under which id, is not.
fn a_recalled_message_loses_what_it_said(log: &dyn Kept) {
    let said: Vec<Record> = (1..=4).map(|seq| text(room(1), seq, NOON + seq as i64)).collect();
    append(log, said.clone(), vec![]);
    // One that an earlier commit holds, one that comes with its recall, and one recalled twice.
    let late = text(room(1), 6, NOON + 6);
    append(log, vec![recall(room(1), 5, NOON + 5, &said[1])], vec![]);
    append(log, vec![late.clone(), recall(room(1), 7, NOON + 7, &late), recall(room(1), 8, NOON + 8, &said[1])], vec![]);
    assert_eq!(items(&log.history(&query(room(1), 100)).unwrap()), [8, 7, 5, 4, 3, 1]);
    let texts = HistoryQuery { types: vec![0], oldest_first: true, ..query(room(1), 2) };
    assert_eq!(items(&log.history(&texts).unwrap()), [1, 3]);
    assert_eq!(log.find(&find(&said[1])).unwrap(), None);
    assert_eq!(log.find(&find(&late)).unwrap(), None);
    assert_eq!(log.find(&find(&said[0])).unwrap(), Some(Seq(1)));
    let records = log.rebuilding(room(1), UnixMs(NOON)).unwrap().unwrap().records;
    assert_eq!(seqs(&records), [1, 2, 3, 4, 5, 6, 7, 8]);
    for (place, before) in [(1, &said[1]), (5, &late)] {
        let after = &records[place];
        assert_eq!((after.entry.seq, after.entry.stamp, after.entry.epoch), (before.entry.seq, before.entry.stamp, Epoch(1)));
        let (Op::Send(request), Some(PushBody::Message { message_type: 0, body })) = (&after.entry.command.op, &after.push)
        else {
            panic!("a recalled message is still a message: {after:?}");
        };
        assert_eq!((request.message_id.clone(), &request.body[..]), (format!("m{}", place + 1), &b""[..]));
        let message = pb::Message::decode(body.clone()).unwrap();
        assert_eq!((message.seq, message.from.as_str(), &message.body[..]), (after.entry.seq.0, "alice", &b""[..]));
    }
}

fn a_recall_of_what_is_not_there_changes_nothing(log: &dyn Kept) {
    let said = text(room(1), 1, NOON);
    let notice = notification(room(1), 2, NOON);
    append(log, vec![said.clone(), notice.clone()], vec![]);
    let unknown = text(room(1), 9, NOON + 40 * DAY_MS);
    let recalls = vec![recall(room(1), 3, NOON, &unknown), recall(room(1), 4, NOON, &notice)];
    append(log, recalls, vec![]);
    assert_eq!(log.records(room(1), Seq(0), 2).unwrap(), [said, notice]);
}

/// What a day that went has left behind is recalled as well.
fn a_recall_reaches_what_was_carried(log: &dyn Kept) {
    let said = text(room(1), 1, NOON);
    append(log, vec![said.clone(), text(room(1), 2, NOON + 30 * DAY_MS)], vec![]);
    assert_eq!(log.expire(UnixMs(NOON + 30 * DAY_MS), 10).unwrap(), 1);
    append(log, vec![recall(room(1), 3, NOON + 30 * DAY_MS, &said)], vec![]);
    let records = log.records(room(1), Seq(0), 10).unwrap();
    assert_eq!(seqs(&records), [1, 2, 3]);
    let Op::Send(request) = &records[0].entry.command.op else { panic!("a message is a message") };
    assert_eq!((request.message_id.as_str(), &request.body[..]), ("m1", &b""[..]));
}

/// A batch that is not kept recalls nothing, in whatever company it comes.
fn a_recall_that_fails_leaves_the_message(log: &dyn Kept) {
    let said = text(room(1), 1, NOON);
    append(log, vec![said.clone()], vec![]);
    let release = block(log);
    let mut recalled = written(vec![recall(room(1), 2, NOON, &said)]);
    recalled.push(impossible(room(1), 3));
    let failing = hand_over(log, recalled, vec![]);
    let other = append_later(log, vec![text(room(2), 1, NOON)], vec![]);
    drop(release);
    assert!(matches!(failing.recv_timeout(DEADLINE).unwrap(), Err(LogError::Store(_))));
    assert_eq!(other.recv_timeout(DEADLINE).unwrap(), Ok(()));
    assert_eq!(log.records(room(1), Seq(0), 10).unwrap(), [said]);
}

checks! {
    [
        a_message_is_found_by_what_its_members_know
        a_recalled_message_loses_what_it_said
        a_recall_of_what_is_not_there_changes_nothing
        a_recall_reaches_what_was_carried
        a_recall_that_fails_leaves_the_message
    ],
    []
}
