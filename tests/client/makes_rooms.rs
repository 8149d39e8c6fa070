//! Rooms made by clients, through the real client and the real server: made, found, come back to, switched, left; and what they
//! and their members carry.

use std::collections::BTreeMap;

use crate::hall::{Hall, notification};
use crate::peer::{event, soon};
use chatroom::client::{BatchConfig, Client, Event, Events, RoomEvent, RoomState, RoomStateCause, derive, start};
use chatroom::error::Code;
use chatroom::wire::pb::{self, AttributesAction, NotificationType};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

async fn connect(hall: &Hall, account: &str, address: &str) -> (Client, Events) {
    let (client, events) = start(hall.options(account, address));
    soon(client.connect()).await.unwrap();
    (client, events)
}

fn create(alias: &str, enter_existing: bool) -> pb::RoomCreateRequest {
    pb::RoomCreateRequest { alias: alias.into(), enter_existing, ..Default::default() }
}

/// The next change of where a room stands.
async fn change(events: &mut Events) -> (String, RoomState, RoomStateCause) {
    event(events, |event| match event {
        Event::RoomState(change) => Some((change.alias, change.state, change.cause)),
        _ => None,
    })
    .await
}

// S004-136, S004-137, S004-138, S004-140, S004-141
#[tokio::test]
async fn rooms_are_made_found_switched_and_left() {
    let hall = Hall::new();
    let address = hall.server.wire.to_string();
    let (amy, mut events) = connect(&hall, "amy", &address).await;
    let (bob, _) = connect(&hall, "bob", &address).await;
    let made = soon(amy.create_room(create("party", false))).await.unwrap();
    assert!(made.created);
    assert_eq!(change(&mut events).await, ("party".into(), RoomState::Connected, RoomStateCause::ActiveCreate));
    let refused = soon(bob.create_room(create("party", false))).await.unwrap_err();
    assert_eq!((refused.code, refused.sub_number()), (Code::Repeated, 6_000_323));
    let found = soon(bob.create_room(create("party", true))).await.unwrap();
    assert_eq!((found.created, found.room.unwrap().room_id), (false, made.room.as_ref().unwrap().room_id));

    let party = made.room.unwrap().room_id;
    let switch =
        |create_missing| pb::RoomSwitchRequest { from_room_id: party, to: Some(create("hall", false)), create_missing };
    assert_eq!(soon(amy.switch_room(switch(false))).await.unwrap_err().code, Code::NotFound);
    assert_eq!(change(&mut events).await.2, RoomStateCause::RoomNotExist);
    assert!(soon(amy.switch_room(switch(true))).await.unwrap().created);
    assert_eq!(change(&mut events).await, ("party".into(), RoomState::Disconnected, RoomStateCause::ActiveSwitch));
    assert_eq!(change(&mut events).await, ("hall".into(), RoomState::Connected, RoomStateCause::ActiveSwitch));
    assert_eq!(soon(amy.leave_all()).await.unwrap().aliases, ["hall"]);
    assert_eq!(change(&mut events).await, ("hall".into(), RoomState::Disconnected, RoomStateCause::Success));
    assert_eq!(soon(bob.exit(party)).await.unwrap().alias, "party");
    let gone = pb::RoomEnterRequest { alias: "party".into(), ..Default::default() };
    assert_eq!(soon(bob.enter(gone)).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn a_client_comes_back_to_the_room_it_made() {
    // Without a grace a lost connection leaves at once, so that the room is entered anew.
    let hall = Hall::configured("[timers]\ndetach_grace_ms = 0\n");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let link = listener.local_addr().unwrap().to_string();
    let (cut, mut cuts) = tokio::sync::mpsc::unbounded_channel::<()>();
    let server = hall.server.wire;
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let Ok(mut far) = TcpStream::connect(server).await else { continue };
            tokio::select! {
                _ = copy_bidirectional(&mut near, &mut far) => {}
                _ = cuts.recv() => {}
            }
        }
    });
    let (amy, mut events) = connect(&hall, "amy", &link).await;
    let (bob, mut heard) = connect(&hall, "bob", &hall.server.wire.to_string()).await;
    let made = soon(amy.create_room(create("party", false))).await.unwrap();
    let room_id = made.room.unwrap().room_id;
    soon(bob.create_room(create("party", true))).await.unwrap();
    change(&mut events).await;
    cut.send(()).unwrap();
    assert_eq!(change(&mut events).await, ("party".into(), RoomState::Connecting, RoomStateCause::NetInterrupted));
    assert_eq!(change(&mut events).await, ("party".into(), RoomState::Connected, RoomStateCause::Success));
    soon(amy.send(pb::MessageSendRequest { room_id, body: "back".into(), ..Default::default() })).await.unwrap();
    let message = event(&mut heard, |event| match event {
        Event::Message(message) => Some(message),
        _ => None,
    });
    assert_eq!(&message.await.body[..], b"back");
}

fn set(room_id: i64, key: &str, value: &str) -> pb::AttributesSetRequest {
    let attributes = [(key.to_owned(), value.to_owned())].into_iter().collect();
    pb::AttributesSetRequest { room_id, attributes, ..Default::default() }
}

// S004-148, S004-149
#[tokio::test]
async fn attributes_are_changed_one_by_one_and_in_batches_and_everybody_is_told() {
    let hall = Hall::new();
    let address = hall.server.wire.to_string();
    let (amy, _) = connect(&hall, "amy", &address).await;
    let (bob, mut told) = connect(&hall, "bob", &address).await;
    let room_id = soon(amy.create_room(create("party", false))).await.unwrap().room.unwrap().room_id;
    soon(bob.create_room(create("party", true))).await.unwrap();

    soon(amy.set_attributes(set(room_id, "k", "v"))).await.unwrap();
    let changed = notification(&mut told, NotificationType::AttributesChanged).await;
    let [RoomEvent::AttributesChanged(step)] = derive(&changed, "bob")[..] else { panic!("{changed:?}") };
    assert_eq!((step.action(), step.attributes[0].key.as_str()), (AttributesAction::Set, "k"));
    let refused = soon(bob.set_attributes(set(room_id, "k", "mine"))).await.unwrap_err();
    assert_eq!((refused.code, refused.sub_number()), (Code::Forbidden, 6_000_331));

    soon(amy.begin_attributes_batch(room_id, BatchConfig::default())).await.unwrap();
    soon(amy.set_attributes(set(room_id, "a", "1"))).await.unwrap();
    let delete = pb::AttributesDeleteRequest { room_id, keys: vec!["k".into()], force: false };
    soon(amy.delete_attributes(delete)).await.unwrap();
    let list = || pb::AttributesListRequest { room_id };
    let keys = |list: pb::AttributesListResponse| list.attributes.into_iter().map(|one| one.key).collect::<Vec<_>>();
    assert_eq!(keys(soon(amy.attributes(list())).await.unwrap()), ["k"], "nothing is sent before the end");
    assert!(soon(amy.end_attributes_batch(room_id)).await.unwrap().error_keys.is_empty());
    let changed = notification(&mut told, NotificationType::AttributesBatchChanged).await;
    let steps: Vec<AttributesAction> = derive(&changed, "bob")
        .iter()
        .map(|event| match event {
            RoomEvent::AttributesChanged(step) => step.action(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(steps, [AttributesAction::Set, AttributesAction::Delete]);
    assert_eq!(keys(soon(bob.attributes(list())).await.unwrap()), ["a"]);
}

#[tokio::test]
async fn members_carry_attributes_of_their_own() {
    let hall = Hall::new();
    let address = hall.server.wire.to_string();
    let (amy, mut told) = connect(&hall, "amy", &address).await;
    let (bob, _) = connect(&hall, "bob", &address).await;
    let room_id = soon(amy.create_room(create("party", false))).await.unwrap().room.unwrap().room_id;
    soon(bob.create_room(create("party", true))).await.unwrap();
    let request = pb::MemberAttributesSetRequest {
        room_id,
        accounts: vec!["amy".into(), "nobody".into()],
        attributes: [("hp".to_owned(), "9".to_owned())].into_iter().collect(),
        ..Default::default()
    };
    assert_eq!(soon(bob.set_member_attributes(request)).await.unwrap().error_accounts, ["nobody"]);
    let changed = notification(&mut told, NotificationType::MemberAttributesChanged).await;
    let [RoomEvent::MemberAttributesChanged(member)] = derive(&changed, "amy")[..] else { panic!("{changed:?}") };
    assert_eq!((member.account.as_str(), member.attributes[0].value.as_str()), ("amy", "9"));
    let lookup = pb::MemberAttributesLookupRequest { room_id, accounts: vec!["amy".into()] };
    let page = soon(amy.lookup_member_attributes(lookup)).await.unwrap();
    let carried: BTreeMap<&str, &str> =
        page.members[0].attributes.iter().map(|one| (one.key.as_str(), one.value.as_str())).collect();
    assert_eq!(carried, BTreeMap::from([("hp", "9")]));
    let page = soon(amy.member_attributes(pb::MemberAttributesListRequest { room_id, ..Default::default() })).await.unwrap();
    assert_eq!((page.members.len(), page.next.as_str()), (1, ""));
}
