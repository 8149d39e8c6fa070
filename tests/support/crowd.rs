//! One room with as many members as a machine lets it have, and what a message costs the server for each of them.
#![allow(dead_code)] // The test asks for no most.

use crate::support::process::{UNLIMITED, cpu_ns};
use crate::support::{Peer, Server, Setup, raise_open_files};

/// Messages of one look, and looks of which the cheapest counts: what else the machine does makes a look dearer, never cheaper.
const MESSAGES: usize = 8;
const LOOKS: usize = 5;
/// Files that a process needs beside the connections of its members.
const OTHER_FILES: u64 = 300;

/// What was measured at one size.
pub struct Cost {
    pub members: usize,
    /// Processor time of the server for each delivery, in nanoseconds.
    pub delivery_ns: f64,
    /// Memory of the server in use, in bytes.
    pub rss_bytes: u64,
}

/// A room that grows.
pub struct Crowd {
    server: Server,
    room: i64,
    publisher: Peer,
    members: Vec<Peer>,
    sent: usize,
}

impl Crowd {
    /// An empty room, on a server for which nobody says nothing for too long.
    pub fn new() -> Crowd {
        let config = format!("{UNLIMITED}\n[timers]\nidle_timeout_ms = 86400000\n");
        let server = Server::start(Setup { config, memory: true, workers: Some(2), ..Setup::default() });
        server.admin().create_user("owner");
        let room = server.admin().create_quiet_room("owner", "crowd");
        let publisher = Peer::join(&server, "owner", room);
        Crowd { server, room, publisher, members: Vec::new(), sent: 0 }
    }

    /// The most members there can be here: each costs this process a file, and the server another.
    pub fn most(&self) -> usize {
        let metrics = self.server.admin().page("/metrics").1;
        let line = metrics.lines().find_map(|line| line.strip_prefix("chatroom_connections_max "));
        let of_server: u64 = line.and_then(|number| number.parse().ok()).expect("the server knows how many it can hold");
        raise_open_files(u64::MAX).min(of_server).saturating_sub(OTHER_FILES) as usize
    }

    /// Lets members come until there are so many, and measures.
    pub fn measure(&mut self, members: usize) -> Cost {
        for number in self.members.len()..members {
            self.members.push(Peer::join(&self.server, &format!("member{number}"), self.room));
        }
        let online =
            self.server.admin().call("chatroom/get", &[("roomid", &self.room.to_string()), ("needOnlineUserCount", "true")]);
        assert_eq!(online["chatroom"]["onlineusercount"], members + 1, "{online}");
        let looks = (0..LOOKS).map(|_| self.look());
        let delivery_ns = looks.fold(f64::INFINITY, f64::min);
        Cost { members, delivery_ns, rss_bytes: self.server.rss_bytes() }
    }

    /// Processor time of the server for each delivery of a few messages, every one of which arrives.
    fn look(&mut self) -> f64 {
        let before = cpu_ns(self.server.pid());
        for _ in 0..MESSAGES {
            self.sent += 1;
            let answer = self.publisher.send_text(self.room, &self.sent.to_string(), &"m".repeat(128));
            assert_eq!(answer.code, 0, "{}", answer.desc);
        }
        for member in &mut self.members {
            for number in self.sent - MESSAGES..self.sent {
                assert_eq!(member.message().message_id, (number + 1).to_string(), "each message, in order");
            }
        }
        (cpu_ns(self.server.pid()) - before) as f64 / (MESSAGES * self.members.len()) as f64
    }
}
