//! What the tests of the HTTP API share: a real server, an application's own server that calls it, and accounts to call about.

use serde_json::{Value, json};

use crate::support::{Peer, Server};

/// A server with a room, its creator `alice`, and the accounts `bob` and `carol`.
pub struct World {
    pub server: Server,
    pub room: i64,
}

impl World {
    pub fn new() -> World {
        World::on(Server::start_unlimited())
    }

    /// The same on a server of one's own.
    pub fn on(server: Server) -> World {
        let admin = server.admin();
        for account in ["alice", "bob", "carol"] {
            let name = format!("{}{}", account[..1].to_uppercase(), &account[1..]);
            let created = admin.call("user/create", &[("accid", account), ("name", &name)]);
            assert_eq!(created["code"], 200, "{created}");
        }
        let room = admin.create_quiet_room("alice", "lobby");
        World { server, room }
    }

    /// Calls an endpoint, of any group, without a room.
    pub fn call(&self, endpoint: &str, parameters: &[(&str, &str)]) -> Value {
        self.server.admin().call(endpoint, parameters)
    }

    /// Calls an endpoint about the room.
    pub fn room(&self, endpoint: &str, parameters: &[(&str, &str)]) -> Value {
        let room = self.room.to_string();
        let mut all = vec![("roomid", room.as_str())];
        all.extend_from_slice(parameters);
        self.server.admin().call(&format!("chatroom/{endpoint}"), &all)
    }

    /// The code of a call about the room.
    pub fn code(&self, endpoint: &str, parameters: &[(&str, &str)]) -> i64 {
        self.room(endpoint, parameters)["code"].as_i64().unwrap()
    }

    /// A member of the room.
    pub fn join(&self, account: &str) -> Peer {
        Peer::join(&self.server, account, self.room)
    }

    /// A call that must be answered like this.
    #[track_caller]
    pub fn expect(&self, endpoint: &str, parameters: &[(&str, &str)], expected: Value) {
        assert_eq!(self.room(endpoint, parameters), expected, "{endpoint} {parameters:?}");
    }

    /// A call that must be answered by nothing but success.
    #[track_caller]
    pub fn done(&self, endpoint: &str, parameters: &[(&str, &str)]) {
        self.expect(endpoint, parameters, json!({ "code": 200 }));
    }

    /// A call that must fail with this code; the answer's `desc` is a text.
    #[track_caller]
    pub fn refused(&self, code: i64, endpoint: &str, parameters: &[(&str, &str)]) -> Value {
        let answer = self.room(endpoint, parameters);
        assert!(answer["code"] == code && answer["desc"].is_string(), "{endpoint} {parameters:?}: {answer}");
        answer
    }
}

/// The value under `key`, taken out: for times, which no test knows beforehand.
pub fn take(object: &mut Value, key: &str) -> Value {
    object.as_object_mut().unwrap().remove(key).unwrap_or_else(|| panic!("{key} is missing"))
}
