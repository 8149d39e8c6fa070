//! A batch of attribute operations is collected by the client and goes out as one change (chatroom.md §c.6).

use crate::link::*;
use chatroom::error::{Code, Status, Sub};
use chatroom::limits::CLIENT_BATCH_OPERATIONS_MAX;
use chatroom::session::{BatchConfig, RequestId};
use chatroom::wire::{Request, Response, pb};

fn begin(link: &mut Link, config: BatchConfig) -> Result<(), Status> {
    let mut outcome = None;
    link.drive(|client, _, _| outcome = Some(client.begin_batch(1, config)));
    outcome.unwrap()
}

fn end(link: &mut Link) -> Result<RequestId, Status> {
    let mut outcome = None;
    link.drive(|client, now, out| outcome = Some(client.end_batch(now, 1, out)));
    outcome.unwrap()
}

fn set(room_id: i64, key: &str) -> Request {
    let attributes = [(key.to_owned(), "v".to_owned())].into_iter().collect();
    Request::AttributesSet(pb::AttributesSetRequest { room_id, attributes, ..Default::default() })
}

fn delete(key: &str) -> Request {
    Request::AttributesDelete(pb::AttributesDeleteRequest { room_id: 1, keys: vec![key.into()], force: false })
}

// S004-148, S004-149
#[test]
fn operations_of_a_batch_succeed_at_once_and_go_out_together_in_order() {
    let mut link = Link::in_room_1();
    begin(&mut link, BatchConfig { force: true, ..BatchConfig::default() }).unwrap();
    let first = link.request(set(1, "a")).unwrap();
    let second = link.request(delete("b")).unwrap();
    assert_eq!(
        link.take_results(),
        [
            (first, Ok(Response::AttributesSet(pb::AttributesChangeResponse::default()))),
            (second, Ok(Response::AttributesDelete(pb::AttributesChangeResponse::default())))
        ]
    );
    // Another room has a batch of its own, or none.
    link.request(set(2, "c")).unwrap();
    link.turn();
    assert!(matches!(&link.asked[..], [(_, Request::AttributesSet(set))] if set.room_id == 2));
    link.asked.clear();

    let id = end(&mut link).unwrap();
    link.turn();
    let asked = link.asked.clone();
    let [(sequence, Request::AttributesBatch(batch))] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((batch.room_id, batch.force, batch.update_owner), (1, true, false));
    let [one, two] = &batch.operations[..] else { panic!("{batch:?}") };
    assert_eq!((one.set.get("a").map(String::as_str), &two.delete[..]), (Some("v"), &["b".to_owned()][..]));
    let answer = pb::AttributesChangeResponse { error_keys: vec!["b".into()], ..Default::default() };
    link.answer(*sequence, &Response::AttributesBatch(answer.clone()));
    link.turn();
    assert_eq!(link.take_results(), [(id, Ok(Response::AttributesBatch(answer)))]);
    link.request(set(1, "a")).unwrap();
    link.turn();
    assert!(matches!(&link.asked[..], [(_, Request::AttributesSet(_))]), "the batch is over");
}

#[test]
fn a_batch_begins_once_and_ends_once() {
    let mut link = Link::in_room_1();
    assert_eq!(end(&mut link).unwrap_err().code, Code::NoChange);
    begin(&mut link, BatchConfig::default()).unwrap();
    assert_eq!(begin(&mut link, BatchConfig::default()).unwrap_err().code, Code::Repeated);
    let id = end(&mut link).unwrap();
    assert!(link.to_server.is_empty(), "an empty batch is not sent");
    assert_eq!(link.take_results(), [(id, Ok(Response::AttributesBatch(pb::AttributesChangeResponse::default())))]);
    assert_eq!(end(&mut link).unwrap_err().code, Code::NoChange);
    let mut outside = None;
    link.drive(|client, _, _| outside = Some(client.begin_batch(2, BatchConfig::default())));
    assert_eq!(outside.unwrap().unwrap_err().sub, Some(Sub::NotInRoom));
}

#[test]
fn a_batch_has_fifty_operations_at_most() {
    let mut link = Link::in_room_1();
    begin(&mut link, BatchConfig::default()).unwrap();
    for _ in 0..CLIENT_BATCH_OPERATIONS_MAX {
        link.request(set(1, "a")).unwrap();
    }
    assert!(link.take_results().iter().all(|(_, result)| result.is_ok()));
    link.request(set(1, "a")).unwrap();
    assert_eq!(link.take_results()[0].1.as_ref().unwrap_err().code, Code::OverQuota);
    end(&mut link).unwrap();
    link.turn();
    assert!(matches!(&link.asked[..], [(_, Request::AttributesBatch(batch))] if batch.operations.len() == 50));
}

#[test]
fn a_batch_outlives_a_lost_connection_and_ends_with_the_room() {
    let mut link = Link::in_room_1();
    begin(&mut link, BatchConfig::default()).unwrap();
    link.request(set(1, "a")).unwrap();
    link.cut();
    link.up();
    link.turn();
    link.welcome(pb::LoginResponse { enter: Some(entered(1, 5, 10)), ..Default::default() });
    link.turn();
    link.request(set(1, "b")).unwrap();
    end(&mut link).unwrap();
    link.turn();
    assert!(matches!(&link.asked[..], [(_, Request::AttributesBatch(batch))] if batch.operations.len() == 2));
    link.asked.clear();

    begin(&mut link, BatchConfig::default()).unwrap();
    link.request(set(1, "a")).unwrap();
    link.request(Request::RoomExit(pb::RoomExitRequest { room_id: 1 })).unwrap();
    link.turn();
    let (sequence, _) = link.asked[0];
    link.answer(sequence, &Response::RoomExit(pb::RoomExitResponse::default()));
    link.turn();
    assert_eq!(end(&mut link).unwrap_err().code, Code::NoChange);
}
