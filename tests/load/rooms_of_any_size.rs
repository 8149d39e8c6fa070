//! A room has no size that is built in: a delivery costs the same in a room of any size. The same up to what the machine's files
//! allow: `make crowd`.

use crate::crowd::Crowd;
use crate::support::raise_open_files;

#[test]
fn a_delivery_costs_as_much_in_a_room_of_four_thousand_as_in_one_of_a_thousand() {
    // S003-001
    let _alone = crate::alone();
    let (small, large) = (1_000, 4_000);
    assert!(raise_open_files(large as u64 + 300) >= large as u64 + 300, "raise the hard limit of open files (ulimit -Hn)");
    let mut seen = Vec::new();
    // A machine that is busy, and caches that four times as many sockets fill, make it dearer by a part; a cost that grows with the
    // room makes it four times as dear each time.
    while seen.len() < 3 {
        let mut crowd = Crowd::new();
        let [before, after] = [small, large].map(|members| crowd.measure(members).delivery_ns);
        println!("{before:.0} ns for each delivery to {small} members, {after:.0} ns to {large}");
        if after <= 1.5 * before {
            return;
        }
        seen.push(after / before);
    }
    panic!("four times as many members make a delivery dearer, times {seen:.2?}");
}
