//! What a member who is only there costs: rooms hold a million of them.
#![cfg(target_os = "linux")]

mod room_world;

use chatroom::room::{Actor, Op, Settings};
use room_world::{World, enter, http};

/// Bytes of memory this process has in use.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells about the process");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("the resident size is among it");
    let kib: usize = line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number of KiB");
    kib * 1024
}

#[test]
fn an_idle_member_costs_less_than_three_hundred_bytes_all_told() {
    const MEMBERS: usize = 180_000;
    let mut world = World::with(Settings::default());
    world.enter("boss");
    let before = resident_bytes();
    for number in 0..MEMBERS {
        let actor = Actor { account: http(&format!("member-{number}")).account, ..world.connection("boss") };
        world.apply(&actor, Op::Enter(Box::new(enter("")))).expect("everybody may enter");
        world.time_ms += i64::from(number % 3 == 0);
    }
    let each = (resident_bytes() - before) / MEMBERS;
    assert_eq!(world.room.connections(), MEMBERS + 1);
    println!("{each} bytes");
    assert!(each < 300, "{each} bytes for each of {MEMBERS} members");
}
