//! When every log says that a batch is kept, or that it is not: once for each, in order, to the end.

use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;

use super::every_log::Home;
use super::records::*;
use chatroom::id::UnixMs;
use chatroom::limits;
use chatroom::log::{Batch, LogError};

fn a_batch_that_cannot_be_kept_leaves_no_trace(log: &dyn Kept) {
    let release = block(log);
    let good = append_later(log, vec![text(room(2), 1, NOON)], vec![]);
    let mut records = written(vec![create(room(1), NOON)]);
    records.push(impossible(room(1), 2));
    let bad = hand_over(log, records, vec![snapshot(room(1), 2)]);
    let also_good = append_later(log, vec![text(room(2), 2, NOON)], vec![]);
    drop(release);
    // One commit takes all three.
    assert_eq!(good.recv_timeout(DEADLINE).unwrap(), Ok(()));
    assert!(matches!(bad.recv_timeout(DEADLINE).unwrap(), Err(LogError::Store(_))));
    assert_eq!(also_good.recv_timeout(DEADLINE).unwrap(), Ok(()));
    assert_eq!(log.rebuilding(room(1), UnixMs(NOON)).unwrap(), None);
    assert_eq!(seqs(&log.rebuilding(room(2), UnixMs(NOON)).unwrap().unwrap().records), [1, 2]);
    let stats = log.stats().unwrap();
    assert_eq!((stats.failed.load(Ordering::Relaxed), stats.records.load(Ordering::Relaxed)), (1, 2));
}

fn a_full_queue_refuses_at_once_and_answers_each_batch_once(log: &dyn Kept) {
    let release = block(log);
    let accept = |seq| {
        assert!(!log.is_full());
        append_later(log, vec![text(room(1), seq, NOON)], vec![])
    };
    let accepted: Vec<_> = (1..=limits::LOG_QUEUE_MAX as u64).map(accept).collect();
    assert!(log.is_full());
    let refused = append_later(log, vec![text(room(1), 5000, NOON)], vec![]);
    // The writer is still blocked.
    assert_eq!(refused.recv_timeout(DEADLINE).unwrap(), Err(LogError::Busy));
    drop(release);
    for told in accepted {
        assert_eq!(told.recv_timeout(DEADLINE).unwrap(), Ok(()));
        assert!(told.recv_timeout(DEADLINE).is_err(), "the callback is gone after its one call");
    }
    assert!(refused.recv_timeout(DEADLINE).is_err(), "the callback is gone after its one call");
    assert!(!log.is_full());
    let kept = log.rebuilding(room(1), UnixMs(NOON)).unwrap().unwrap().records;
    assert_eq!(seqs(&kept), (1..=limits::LOG_QUEUE_MAX as u64).collect::<Vec<_>>());
}

fn callbacks_come_in_order_and_never_from_within_append(log: &dyn Kept) {
    let (tell, told) = channel();
    for number in 0..500_u64 {
        let tell = tell.clone();
        let committed = Box::new(move |result| drop(tell.send((number, result, std::thread::current().id()))));
        log.append(Batch {
            records: written(vec![text(room(1), number + 1, NOON)]),
            snapshots: vec![],
            reports: Vec::new(),
            shards: Vec::new(),
            committed,
        });
    }
    for number in 0..500 {
        let (at, result, thread) = told.recv_timeout(DEADLINE).unwrap();
        assert_eq!((at, result), (number, Ok(())));
        assert_ne!(thread, std::thread::current().id());
    }
}

fn a_callback_that_panics_takes_nothing_along(log: &dyn Kept) {
    log.append(Batch {
        records: vec![],
        snapshots: vec![],
        reports: Vec::new(),
        shards: Vec::new(),
        committed: Box::new(|_| panic!("the panic this test is about")),
    });
    append(log, vec![text(room(1), 1, NOON)], vec![]);
}

fn closing_answers_all_that_was_accepted(home: &dyn Home) {
    let log = home.open();
    let release = block(&*log);
    let told: Vec<_> = (1..=100).map(|seq| append_later(&*log, vec![text(room(1), seq, NOON)], vec![])).collect();
    drop(release);
    drop(log);
    for told in told {
        assert_eq!(told.try_recv(), Ok(Ok(())), "dropping the log waits for the answers");
    }
}

fn the_last_owner_may_be_a_callback(home: &dyn Home) {
    let log = home.open();
    let (tell, told) = channel();
    let (start, started) = channel::<()>();
    let own = log.clone();
    let committed = Box::new(move |result| {
        let _ = started.recv_timeout(DEADLINE);
        drop(own);
        drop(tell.send(result));
    });
    log.append(Batch {
        records: written(vec![text(room(1), 1, NOON)]),
        snapshots: vec![],
        reports: Vec::new(),
        shards: Vec::new(),
        committed,
    });
    drop(log);
    drop(start);
    assert_eq!(told.recv_timeout(DEADLINE).unwrap(), Ok(()));
}

checks! {
    [
        a_batch_that_cannot_be_kept_leaves_no_trace
        a_full_queue_refuses_at_once_and_answers_each_batch_once
        callbacks_come_in_order_and_never_from_within_append
        a_callback_that_panics_takes_nothing_along
    ],
    [
        closing_answers_all_that_was_accepted
        the_last_owner_may_be_a_callback
    ]
}
