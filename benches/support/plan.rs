//! What one generator is to do, as the parent process writes it down for it, and what it reports.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// Whom the generator talks to.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// `chatroomd`.
    Chatroom,
    /// The bare loop of `bare.rs`.
    Bare,
    /// `redis-server`, publish and subscribe.
    Redis,
}

/// When a publisher sends its next message.
#[derive(Serialize, Deserialize, Clone, Copy, Debug)]
pub enum Pace {
    /// When all receivers have the message sent this many messages ago.
    Outstanding(u32),
    /// By the clock, so many times a second, whatever has arrived.
    PerSecond(f64),
}

/// One generator's work.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Plan {
    /// Whom to talk to.
    pub target: Target,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its process, whose processor time is read.
    pub server_pid: u32,
    /// The rooms; their number is what matters to a target that has none.
    pub rooms: Vec<i64>,
    /// Members of each room that send, in turn. What they hear of each other counts for nothing.
    pub publishers: u32,
    /// Receiving members of each room, beside them.
    pub receivers: u32,
    /// When messages are sent.
    pub pace: Pace,
    /// Bytes of a message's body.
    pub body_bytes: usize,
    /// One delivery in so many has its latency measured.
    pub sample_every: u32,
}

impl Plan {
    /// Connections of one room, of which the publishers come first.
    pub fn per_room(&self) -> usize {
        (self.publishers + self.receivers) as usize
    }

    /// True for a connection that sends, counted within its room.
    pub fn is_publisher(&self, who: usize) -> bool {
        who < self.publishers as usize
    }
}

/// What one round came to.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Round {
    /// Messages that reached a receiver within the measured time.
    pub deliveries: u64,
    /// Processor time the server used in that time, all threads, user and system.
    pub server_cpu_ns: u64,
    /// The measured time.
    pub wall_ns: u64,
    /// Median of the sampled latencies.
    pub p50_us: u64,
    /// The latency 99 of 100 sampled deliveries stayed within.
    pub p99_us: u64,
}

impl Round {
    /// Deliveries per second of the server's processor time.
    pub fn per_cpu_second(&self) -> f64 {
        self.deliveries as f64 * 1e9 / self.server_cpu_ns.max(1) as f64
    }

    /// Deliveries per second of the clock.
    pub fn per_second(&self) -> f64 {
        self.deliveries as f64 * 1e9 / self.wall_ns.max(1) as f64
    }
}
