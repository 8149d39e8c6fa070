//! The real client against the real server: a room to be in, and clients to be there.

use crate::peer::{event, options, soon};
use crate::support::admin::dynamic_token;
use crate::support::process::{APP_KEY, APP_SECRET};
use crate::support::{Server, Setup};
use chatroom::client::{Client, ClientOptions, Event, Events, start};
use chatroom::wire::pb::{self, NotificationType};

/// A server with a room that `owner` made.
pub struct Hall {
    pub server: Server,
    pub room_id: i64,
}

impl Hall {
    pub fn new() -> Hall {
        Hall::configured("")
    }

    /// With more in its configuration file.
    pub fn configured(more: &str) -> Hall {
        let config = format!("{}\n{more}", crate::support::process::UNLIMITED);
        let server = Server::start(Setup { config, memory: true, ..Setup::default() });
        server.admin().create_user("owner");
        let room_id = server.admin().create_room("owner", "Hall");
        Hall { server, room_id }
    }

    /// A client that enters the room with each login, from a device of its own; not connected yet.
    pub fn client(&self, account: &str) -> (Client, Events) {
        let enter = Some(pb::RoomEnterRequest { room_id: self.room_id, ..Default::default() });
        start(ClientOptions { enter, ..self.options(account, &self.server.wire.to_string()) })
    }

    /// How an account connects there by this address, without a room to enter.
    pub fn options(&self, account: &str, address: &str) -> ClientOptions {
        ClientOptions {
            app_key: APP_KEY.to_owned(),
            account: account.to_owned(),
            token: dynamic_token(APP_KEY, APP_SECRET, account, 3600),
            auth_type: pb::AuthType::Dynamic,
            seed: None,
            ..options(address)
        }
    }

    /// The same, connected and in the room.
    pub async fn enter(&self, account: &str) -> (Client, Events) {
        let (client, mut events) = self.client(account);
        soon(client.connect()).await.unwrap();
        event(&mut events, |event| matches!(event, Event::Entered(_)).then_some(())).await;
        (client, events)
    }
}

/// The next notification of this type.
pub async fn notification(events: &mut Events, wanted: NotificationType) -> Box<pb::Notification> {
    event(events, |event| match event {
        Event::Notification(notification) if notification.r#type() == wanted => Some(notification),
        _ => None,
    })
    .await
}
