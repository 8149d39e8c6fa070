//! The real client in rooms of the real server: what other devices hear, and what notifications mean to whom.

use crate::hall::{Hall, notification};
use crate::peer::{event, soon};
use chatroom::client::{Event, RoomEvent, derive};
use chatroom::error::Code;
use chatroom::limits;
use chatroom::wire::pb::{self, MemberType, NotificationType, RoleChange};

// S000-011
#[tokio::test]
async fn other_devices_of_the_sender_hear_what_it_says_and_everybody_in_order() {
    let hall = Hall::new();
    let (speaker, mut own) = hall.enter("bob").await;
    let (_device, mut copies) = hall.enter("bob").await;
    let (_other, mut heard) = hall.enter("owner").await;
    let room_id = hall.room_id;
    for number in 0..20 {
        let (message_id, body) = (format!("m{number}"), format!("line {number}").into());
        soon(speaker.send(pb::MessageSendRequest { room_id, message_id, body, ..Default::default() })).await.unwrap();
    }
    for events in [&mut copies, &mut heard] {
        let mut last_seq = 0;
        for number in 0..20 {
            let message = event(events, |event| match event {
                Event::Message(message) => Some(message),
                _ => None,
            });
            let message = message.await;
            assert_eq!((message.message_id, message.from), (format!("m{number}"), "bob".into()));
            assert!(message.seq > last_seq);
            last_seq = message.seq;
        }
    }
    // The sender itself got answers, and no echo.
    speaker.close();
    event(&mut own, |event| {
        assert!(!matches!(event, Event::Message(_)), "an echo");
        (event == Event::Closed).then_some(())
    })
    .await;
}

#[tokio::test]
async fn notifications_mean_one_thing_to_their_target_and_another_to_the_others() {
    let hall = Hall::new();
    let room_id = hall.room_id;
    let (owner, mut told) = hall.enter("owner").await;
    let (_bob, mut events) = hall.enter("bob").await;
    let role = |change: RoleChange, set| {
        owner.set_role(pb::MemberSetRoleRequest {
            room_id,
            account: "bob".into(),
            change: change.into(),
            set,
            level: 3,
            ..Default::default()
        })
    };
    soon(role(RoleChange::Mute, true)).await.unwrap();
    let muted = notification(&mut events, NotificationType::MuteAdd).await;
    let own_role = |member_type, level| RoomEvent::OwnRoleChanged { member_type, level };
    assert_eq!(derive(&muted, "bob")[0], RoomEvent::OwnMuteChanged { muted: true });
    assert!(matches!(derive(&muted, "bob")[1..], [RoomEvent::OwnRoleChanged { member_type: MemberType::Limited, .. }] | []));
    assert_eq!(derive(&*notification(&mut told, NotificationType::MuteAdd).await, "owner"), []);
    soon(role(RoleChange::Mute, false)).await.unwrap();
    let unmuted = notification(&mut events, NotificationType::MuteRemove).await;
    assert_eq!(derive(&unmuted, "bob")[0], RoomEvent::OwnMuteChanged { muted: false });

    soon(role(RoleChange::Common, true)).await.unwrap();
    let common = notification(&mut events, NotificationType::CommonAdd).await;
    assert_eq!(derive(&common, "bob"), [own_role(MemberType::Common, 3)]);

    let account = || "bob".to_owned();
    soon(owner.temp_mute(pb::MemberTempMuteRequest { room_id, account: account(), seconds: 60, ..Default::default() }))
        .await
        .unwrap();
    let muted = notification(&mut events, NotificationType::TempMuteAdd).await;
    assert_eq!(derive(&muted, "bob"), [RoomEvent::OwnTempMuteChanged { seconds: 60 }]);
    soon(owner.temp_mute(pb::MemberTempMuteRequest { room_id, account: account(), ..Default::default() })).await.unwrap();
    let lifted = notification(&mut events, NotificationType::TempMuteRemove).await;
    assert_eq!(derive(&lifted, "bob"), [RoomEvent::OwnTempMuteChanged { seconds: 0 }]);

    soon(owner.mute_room(pb::RoomMuteRequest { room_id, mute: true, ..Default::default() })).await.unwrap();
    let muted = notification(&mut events, NotificationType::RoomMuted).await;
    assert_eq!(derive(&muted, "bob"), [RoomEvent::RoomMuteChanged { muted: true }]);

    let name = Some("Great Hall".to_owned());
    soon(owner.update_room(pb::RoomUpdateRequest { room_id, name: name.clone(), ..Default::default() })).await.unwrap();
    let updated = notification(&mut events, NotificationType::RoomUpdated).await;
    let [RoomEvent::RoomUpdated(update)] = derive(&updated, "bob")[..] else { panic!("{updated:?}") };
    assert_eq!((&update.name, &update.announcement), (&name, &None));

    soon(owner.close_room(pb::RoomCloseRequest { room_id, ..Default::default() })).await.unwrap();
    let closed = notification(&mut events, NotificationType::RoomClosed).await;
    assert_eq!(derive(&closed, "bob"), [RoomEvent::RoomClosed]);
    let kicked = event(&mut events, |event| match event {
        Event::Kicked(kicked) => Some(kicked),
        _ => None,
    });
    assert_eq!(kicked.await.reason(), pb::KickReason::RoomClosed);
}

/// The server lists a queue in pages that fit into a frame; the client gathers them.
#[tokio::test]
async fn a_whole_queue_of_the_largest_elements_is_asked_for_at_once() {
    let hall = Hall::new();
    let room_id = hall.room_id;
    let (owner, _events) = hall.enter("owner").await;
    assert_eq!(soon(owner.whole_queue(room_id)).await.unwrap(), []);
    let element = |number: usize| pb::QueueElement {
        key: format!("{number:0128}"),
        value: "v".repeat(limits::QUEUE_VALUE_BYTES_MAX).into(),
        ..Default::default()
    };
    for batch in 0..10 {
        let elements = (100 * batch..100 * (batch + 1)).map(element).collect();
        let request = pb::QueueBatchOfferRequest { room_id, elements, ..Default::default() };
        assert!(soon(owner.queue_batch_offer(request)).await.unwrap().failed_keys.is_empty());
    }
    let page = soon(owner.queue_list(pb::QueueListRequest { room_id, ..Default::default() })).await.unwrap();
    assert!(page.has_more && page.elements.len() > 100);
    let keys: Vec<String> = soon(owner.whole_queue(room_id)).await.unwrap().into_iter().map(|element| element.key).collect();
    assert!(keys == (0..1000).map(|number| element(number).key).collect::<Vec<_>>(), "{} keys", keys.len());
    assert_eq!(soon(owner.whole_queue(room_id + 1)).await.unwrap_err().code, Code::NotFound);
}
