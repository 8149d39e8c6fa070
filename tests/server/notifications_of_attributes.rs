//! The notifications that tell of recalled messages (323) and of attributes (401-403).

use crate::cast::{Stage, join, notification};
use crate::support::ask;
use chatroom::wire::pb::{self, AttributesAction, NotificationType};
use chatroom::wire::{Push, Request, Response};

#[test]
fn n323_tells_everybody_which_message_is_gone() {
    let mut stage = Stage::new();
    let room = stage.room;
    let Response::MessageSend(sent) = stage.member("guest/1").done(ask::send(ask::text(room, "gone", "words"))) else {
        panic!("a send is answered so")
    };
    stage.heard();
    let request = pb::MessageRecallRequest {
        room_id: room,
        message_id: "gone".into(),
        time_ms: sent.time_ms,
        from: "guest".into(),
        notify_ext: "why".into(),
    };
    stage.member("chief/1").done(Request::MessageRecall(Box::new(request)));
    let mut expected = stage.by("chief", NotificationType::MessageRecalled, "why");
    expected.recalled = Some(pb::Recalled { message_id: "gone".into(), message_time_ms: sent.time_ms, from: "guest".into() });
    for (name, heard) in stage.heard() {
        let [push] = &heard[..] else { panic!("{name} must hear one notification, not {heard:?}") };
        let heard = notification(push.clone());
        assert_eq!((heard.r#type(), &heard.recalled), (expected.r#type(), &expected.recalled), "as {name} hears it");
        assert_eq!((&heard.operator, &heard.ext), (&expected.operator, &expected.ext), "as {name} hears it");
    }
    let history = stage.owner().whole_history(room);
    let has_it = history
        .iter()
        .any(|item| matches!(&item.item, Some(pb::history_item::Item::Message(message)) if message.message_id == "gone"));
    assert!(!has_it, "what is recalled is not in the history");
}

fn attribute(key: &str, value: &str, owner: &str, with_owner: bool) -> pb::Attribute {
    pb::Attribute { key: key.into(), value: value.into(), owner: owner.into(), delete_after_owner_left: with_owner }
}

fn changed(action: AttributesAction, attributes: Vec<pb::Attribute>) -> pb::AttributesChanged {
    pb::AttributesChanged { action: action as i32, attributes }
}

// S004-146, S004-147
#[test]
fn n401_tells_everybody_which_attributes_changed() {
    let mut stage = Stage::new();
    let room = stage.room;
    stage.member("guest/1").done(ask::set_attributes(room, &[("one", "1"), ("two", "2")]));
    let set =
        changed(AttributesAction::Set, vec![attribute("one", "1", "guest", false), attribute("two", "2", "guest", false)]);
    let notice = stage.by("guest", NotificationType::AttributesChanged, "");
    stage.expect_all(pb::Notification { attributes_changed: Some(set), ..notice });
    // Of the keys the owner may not touch, nothing is told.
    let Response::AttributesSet(answer) = stage.owner().done(ask::set_attributes(room, &[("one", "9"), ("new", "3")])) else {
        panic!("a change of attributes is answered so")
    };
    assert_eq!((answer.sub, answer.error_keys), (6000332, vec!["one".to_owned()]));
    let set = changed(AttributesAction::Set, vec![attribute("new", "3", "owner", false)]);
    let notice = stage.by_owner(NotificationType::AttributesChanged, "");
    stage.expect_all(pb::Notification { attributes_changed: Some(set), ..notice });
    stage.owner().done(ask::delete_attributes(room, &["one"], true));
    let deleted = changed(AttributesAction::Delete, vec![attribute("one", "1", "guest", false)]);
    let notice = stage.by_owner(NotificationType::AttributesChanged, "");
    stage.expect_all(pb::Notification { attributes_changed: Some(deleted), ..notice });
    // Where every key fails, nothing happens and nothing is told.
    assert_eq!(stage.owner().came(ask::set_attributes(room, &[("two", "9")])), (403, 6000331));
    stage.expect_silence();
}

// S004-149
#[test]
fn n402_tells_of_a_batch_as_one_change() {
    let mut stage = Stage::new();
    let room = stage.room;
    let operations = vec![
        pb::AttributesOperation { set: ask::map(&[("a", "1"), ("b", "2")]), ..Default::default() },
        pb::AttributesOperation { delete: vec!["a".into()], ..Default::default() },
    ];
    let request = pb::AttributesBatchRequest { room_id: room, operations, ..Default::default() };
    stage.member("guest/1").done(Request::AttributesBatch(request));
    let changes = vec![
        changed(AttributesAction::Set, vec![attribute("a", "1", "guest", false), attribute("b", "2", "guest", false)]),
        changed(AttributesAction::Delete, vec![attribute("a", "1", "guest", false)]),
    ];
    let notice = stage.by("guest", NotificationType::AttributesBatchChanged, "");
    stage.expect_all(pb::Notification { attributes_batch_changed: Some(pb::AttributesBatchChanged { changes }), ..notice });
}

// S004-150
#[test]
fn n403_tells_everybody_of_attributes_of_members() {
    let mut stage = Stage::new();
    let room = stage.room;
    stage.member("guest/1").done(ask::set_member_attributes(room, &["guest", "chief", "absent"], &[("k", "v")]));
    for (name, heard) in stage.heard() {
        let [push] = &heard[..] else { panic!("{name} must hear one notification, not {heard:?}") };
        let heard = notification(push.clone());
        assert_eq!((heard.r#type(), &*heard.operator), (NotificationType::MemberAttributesChanged, "guest"));
        let told = heard.member_attributes_changed.expect("it says which").members;
        let mut told: Vec<_> = told.into_iter().map(|member| (member.account, member.attributes)).collect();
        told.sort_by(|one, other| one.0.cmp(&other.0));
        // They go with the member unless told otherwise.
        let expected = ["chief", "guest"].map(|member| (member.to_owned(), vec![attribute("k", "v", "guest", true)]));
        assert_eq!(told, expected, "as {name} hears it");
    }
    // An empty value deletes its key, and is told as one.
    stage.member("guest/1").done(ask::set_member_attributes(room, &["guest"], &[("k", "")]));
    for (name, heard) in stage.heard() {
        let [Push::Notification(notice)] = &heard[..] else { panic!("{name} must hear one notification, not {heard:?}") };
        let told = &notice.member_attributes_changed.as_ref().expect("it says which").members;
        let told: Vec<_> = told.iter().flat_map(|member| &member.attributes).map(|own| (&*own.key, &*own.value)).collect();
        assert_eq!(told, [("k", "")], "as {name} hears it");
    }
}

// S004-155
#[test]
fn n401_tells_of_attributes_that_went_with_their_owner_in_one_step() {
    let mut stage = Stage::new();
    let room = stage.room;
    let mut passenger = join(&stage.server, "passenger/1", room);
    let set = |pairs: &[(&str, &str)], delete_after_owner_left| {
        Request::AttributesSet(pb::AttributesSetRequest {
            room_id: room,
            attributes: ask::map(pairs),
            delete_after_owner_left,
            ..Default::default()
        })
    };
    passenger.done(set(&[("goes", "1"), ("goes too", "2")], true));
    passenger.done(set(&[("stays", "3")], false));
    stage.heard();
    passenger.done(ask::exit(room));
    for (name, heard) in stage.heard() {
        let [push] = &heard[..] else { panic!("{name} must hear one notification, not {heard:?}") };
        let heard = notification(push.clone());
        assert_eq!(heard.r#type(), NotificationType::AttributesChanged, "as {name} hears it");
        let gone = vec![attribute("goes", "1", "passenger", true), attribute("goes too", "2", "passenger", true)];
        assert_eq!(heard.attributes_changed, Some(changed(AttributesAction::Delete, gone)), "as {name} hears it");
    }
    let Response::AttributesList(list) =
        stage.owner().done(Request::AttributesList(pb::AttributesListRequest { room_id: room }))
    else {
        panic!("a list is answered with a list")
    };
    assert_eq!(list.attributes.iter().map(|own| &*own.key).collect::<Vec<_>>(), ["stays"]);
}
