//! Tags and places through the real client and the real server: changed, told to the own devices, carried again after a loss.

use crate::hall::{Hall, notification};
use crate::peer::{event, soon};
use chatroom::client::{Event, RoomEvent, derive};
use chatroom::wire::pb::{self, NotificationType};

fn tags(room_id: i64, tags: &[&str]) -> pb::MemberUpdateTagsRequest {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    pb::MemberUpdateTagsRequest { room_id, tags, set_tags: true, ..Default::default() }
}

// S000-012, S000-019
#[tokio::test]
async fn new_tags_are_told_to_the_own_devices_and_to_nobody_else() {
    let hall = Hall::new();
    let room_id = hall.room_id;
    let (client, mut events) = hall.enter("bob").await;
    let (_device, mut on_device) = hall.enter("bob").await;
    let (owner, mut others) = hall.enter("owner").await;
    soon(client.update_tags(tags(room_id, &["vip"]))).await.unwrap();
    for events in [&mut events, &mut on_device] {
        let updated = notification(events, NotificationType::TagsUpdated).await;
        let [RoomEvent::OwnTagsUpdated { tags, .. }] = derive(&updated, "bob")[..] else { panic!("{updated:?}") };
        assert_eq!(tags, ["vip"]);
    }
    // The other device did not get the tag: it belongs to the connection.
    let by_tag = pb::MemberListByTagRequest { room_id, tag: "vip".into(), ..Default::default() };
    assert_eq!(soon(owner.members_by_tag(by_tag.clone())).await.unwrap().members.len(), 1);
    let count = pb::MemberCountByTagRequest { room_id, tag: "vip".into() };
    assert_eq!(soon(owner.count_by_tag(count)).await.unwrap().count, 1);
    // What comes next to the others is something else.
    soon(client.send(pb::MessageSendRequest {
        room_id,
        body: "hi".into(),
        notify_target_tags: Some(String::new()),
        ..Default::default()
    }))
    .await
    .unwrap();
    event(&mut others, |event| {
        let is_told = matches!(&event, Event::Notification(told) if told.r#type() == NotificationType::TagsUpdated);
        assert!(!is_told, "tags are nobody else's business unless `notify` says so");
        matches!(event, Event::Message(_)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_muted_tag_silences_those_who_carry_it_and_they_are_told() {
    let hall = Hall::new();
    let room_id = hall.room_id;
    let (owner, _told) = hall.enter("owner").await;
    let (client, mut events) = hall.enter("bob").await;
    soon(client.update_tags(tags(room_id, &["loud"]))).await.unwrap();
    let mute = |seconds| pb::MemberTagTempMuteRequest { room_id, tag: "loud".into(), seconds, ..Default::default() };
    assert_eq!(soon(owner.tag_temp_mute(mute(60))).await.unwrap().seconds, 60);
    let muted = notification(&mut events, NotificationType::TagTempMuteAdd).await;
    assert_eq!(derive(&muted, "bob"), [RoomEvent::TagMuteChanged { tag: "loud", seconds: 60 }]);
    let send = || pb::MessageSendRequest { room_id, body: "hi".into(), ..Default::default() };
    assert_eq!(soon(client.send(send())).await.unwrap_err().sub_number(), 113_302);
    assert!((1..=60).contains(&soon(owner.tag_temp_mute(mute(0))).await.unwrap().seconds));
    let lifted = notification(&mut events, NotificationType::TagTempMuteRemove).await;
    assert_eq!(derive(&lifted, "bob"), [RoomEvent::TagMuteChanged { tag: "loud", seconds: 0 }]);
    soon(client.send(send())).await.unwrap();
}

#[tokio::test]
async fn the_history_is_read_by_tags() {
    let hall = Hall::new();
    let room_id = hall.room_id;
    let (client, _events) = hall.enter("bob").await;
    let send = |body: &'static str, expression: Option<&str>| pb::MessageSendRequest {
        room_id,
        body: body.into(),
        notify_target_tags: expression.map(str::to_owned),
        ..Default::default()
    };
    soon(client.send(send("for all", None))).await.unwrap();
    soon(client.send(send("for some", Some("{\"tag\":\"vip\"}")))).await.unwrap();
    let query = pb::MessageHistoryByTagsRequest { room_id, tags: vec!["vip".into()], ..Default::default() };
    let page = soon(client.history_by_tags(query)).await.unwrap();
    let bodies: Vec<_> = page
        .items
        .iter()
        .filter_map(|item| match item.item.as_ref()? {
            pb::history_item::Item::Message(message) => Some(&message.body[..]),
            pb::history_item::Item::Notification(_) => None,
        })
        .collect();
    assert_eq!(bodies, [b"for some"]);
}
