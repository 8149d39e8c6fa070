//! What a seed decides before the first step: how large the world is, and what may go wrong in it.

use std::sync::Arc;

use crate::front::Unanswered;
use crate::id::AccountId;
use crate::room::Settings;

/// Names of the accounts; the first makes the rooms.
const NAMES: [&str; 5] = ["owner", "ann", "bob", "cid", "dot"];

/// Chances out of 1,000 a step that something goes wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chances {
    /// A connection is cut.
    pub cut: u32,
    /// A connection swallows what one side, or both, send.
    pub half_open: u32,
    /// A client reads nothing for a while.
    pub slow_reader: u32,
    /// The node dies.
    pub kill: u32,
    /// The node is stopped in order.
    pub stop: u32,
    /// The disk takes nothing for a while.
    pub disk: u32,
    /// The calendar is set.
    pub calendar: u32,
    /// A worker does nothing for a while.
    pub stall: u32,
}

/// A world, before its first step.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub workers: usize,
    pub accounts: Vec<AccountId>,
    /// Whose each client is.
    pub clients: Vec<AccountId>,
    /// Rooms made over HTTP at the start.
    pub rooms: usize,
    pub settings: Arc<Settings>,
    pub feed_bytes: usize,
    pub asks_logins: bool,
    pub asks_sends: Option<Unanswered>,
    /// The shortest way between a client and the node, in microseconds.
    pub distance_us: u64,
    /// Bytes on their way to a client.
    pub window: usize,
    /// Clients with very little of that.
    pub small_windows: bool,
    /// The longest usual commit, in microseconds.
    pub commit_us: u64,
    pub chances: Chances,
}

impl Plan {
    /// Draws a world.
    pub fn draw(random: &mut fastrand::Rng) -> Plan {
        let accounts: Vec<AccountId> = NAMES.iter().filter_map(|name| AccountId::parse(name).ok()).collect();
        let count = random.usize(3..=6);
        // Some accounts have two devices.
        let clients = (0..count).map(|client| accounts[client % random.usize(3..=accounts.len())].clone()).collect();
        // Each seed has some of the troubles only: all of them at once hide each other.
        let mut chance = |most: u32| if random.bool() { random.u32(1..=most) } else { 0 };
        let chances = Chances {
            cut: chance(40),
            half_open: chance(15),
            slow_reader: chance(30),
            kill: chance(10),
            stop: chance(5),
            disk: chance(8),
            calendar: chance(10),
            stall: chance(30),
        };
        // Drawn apart, and in some worlds only: in those an account may be in few rooms.
        let mut apart = fastrand::Rng::with_seed(random.clone().u64(..));
        let is_tight = apart.u8(..) < 96;
        let quota = |most: usize, apart: &mut fastrand::Rng| if is_tight { apart.usize(1..=2) } else { most };
        let usual = Settings::default();
        let settings = Settings {
            sends_per_second: 0,
            rooms_per_account_max: quota(usual.rooms_per_account_max, &mut apart),
            client_rooms_per_account_max: quota(usual.client_rooms_per_account_max, &mut apart),
            client_rooms_left_per_account_max: quota(usual.client_rooms_left_per_account_max, &mut apart),
            ..usual
        };
        Plan {
            workers: random.usize(1..=3),
            accounts,
            clients,
            rooms: random.usize(1..=2),
            settings: Arc::new(settings),
            feed_bytes: if random.u8(..) < 64 { random.usize(2_000..20_000) } else { limits_feed() },
            asks_logins: random.u8(..) < 64,
            asks_sends: match random.u8(0..8) {
                0 => Some(Unanswered::Sent),
                1 => Some(Unanswered::Refused),
                _ => None,
            },
            distance_us: random.u64(50..40_000),
            window: random.usize(16_000..128_000),
            small_windows: random.u8(..) < 96,
            commit_us: if random.u8(..) < 64 { 2_000_000 } else { 20_000 },
            chances,
        }
    }
}

fn limits_feed() -> usize {
    crate::limits::FEED_BYTES_MAX
}
