//! What a member who is only there costs: rooms hold a million of them.

use crate::world::{World, enter, http};
use std::process::Command;

use chatroom::room::{Actor, Op, Settings};

/// Bytes of memory this process has in use.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells about the process");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("the resident size is among it");
    let kib: usize = line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number of KiB");
    kib * 1024
}

/// Set in the process that is measured.
const MEASURED: &str = "CHATROOM_TEST_MEMORY";

/// The memory of a process is measured where no other test uses any: this program starts itself again for this test alone.
#[test]
fn an_idle_member_costs_less_than_three_hundred_bytes_all_told() {
    if std::env::var_os(MEASURED).is_some() {
        return measure();
    }
    let this = std::env::current_exe().expect("this program has a file");
    let test = "memory::an_idle_member_costs_less_than_three_hundred_bytes_all_told";
    let output = Command::new(this).args(["--exact", test, "--nocapture"]).env(MEASURED, "1").output();
    let output = output.expect("this program can be started again");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success() && said.contains(" bytes"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

fn measure() {
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
