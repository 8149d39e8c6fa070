//! The client library and the real server, from the first entry to the end.

use std::time::Duration;

use crate::support::admin::dynamic_token;
use crate::support::process::{APP_KEY, APP_SECRET};
use crate::support::{PATIENCE, Peer, Server, Setup};
use chatroom::client::{ClientOptions, Event, Events, State, start};
use chatroom::error::Code;
use chatroom::wire::pb::{self, AuthType, NotificationType};

fn options(server: &Server, account: &str, room: i64) -> ClientOptions {
    ClientOptions {
        addresses: vec![server.wire.to_string()],
        app_key: APP_KEY.into(),
        account: account.into(),
        token: dynamic_token(APP_KEY, APP_SECRET, account, 3600),
        auth_type: AuthType::Dynamic,
        enter: Some(pb::RoomEnterRequest { room_id: room, ..Default::default() }),
        ..ClientOptions::default()
    }
}

/// The events up to the one that is waited for, which is the last of them.
async fn until(events: &mut Events, is_last: impl Fn(&Event) -> bool) -> Vec<Event> {
    let mut seen = Vec::new();
    loop {
        let next = tokio::time::timeout(PATIENCE, events.next()).await.expect("the event comes");
        let event = next.expect("the client is not closed");
        let ends = is_last(&event);
        seen.push(event);
        if ends {
            return seen;
        }
    }
}

#[tokio::test]
async fn it_enters_leaves_comes_back_and_ends() {
    let server = Server::start(Setup { memory: true, ..Setup::default() });
    server.admin().create_user("owner");
    let room = server.admin().create_room("owner", "hall");
    let mut bob = Peer::join(&server, "bob", room);
    let (client, mut events) = start(options(&server, "alice", room));
    let is_exited = |event: &Event| *event == Event::State(State::Exited);
    for round in 0..2 {
        // S000-014: the second round connects after a disconnect.
        client.connect().await.unwrap();
        let answer = client.room_info(room).await.unwrap();
        assert_eq!(answer.online_count, 2);
        client.disconnect().await;
        let seen = until(&mut events, is_exited).await;
        // S000-008: once, with the member and the room.
        let entered: Vec<_> =
            seen.iter().filter_map(|event| if let Event::Entered(room) = event { Some(room) } else { None }).collect();
        let [entered] = entered[..] else { panic!("round {round}: it has entered {} times", entered.len()) };
        let (member, info) = (entered.member.as_ref().unwrap(), entered.room.as_ref().unwrap());
        assert_eq!((member.account.as_str(), info.room_id, info.name.as_str()), ("alice", room, "hall"));
        // S000-010: once, with a code.
        let ended = seen.iter().filter(|event| matches!(event, Event::Disconnected(status) if status.is_ok())).count();
        assert_eq!(ended, 1);
    }
    // S000-015: at once, and the client stays away.
    let mut heard = Vec::new();
    while heard.len() < 4 {
        let notice = bob.notification();
        if notice.targets == ["alice"] {
            heard.push(notice.r#type());
        }
    }
    let (came, left) = (NotificationType::MemberEnter, NotificationType::MemberExit);
    assert_eq!(heard, [came, left, came, left]);
    assert!(bob.try_push(Duration::from_millis(200)).is_err(), "nobody comes back");
    assert_eq!(client.state(), State::Exited);

    // S000-017
    client.close();
    until(&mut events, |event| *event == Event::Closed).await;
    assert_eq!(events.next().await, None);
    assert_eq!(client.connect().await.unwrap_err().code, Code::NotInitialised);
    assert_eq!(client.room_info(room).await.unwrap_err().code, Code::NotInitialised);
}
