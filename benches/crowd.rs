//! What a delivery costs in one room of more and more members, up to as many connections as the files allow that this process and the
//! server may open. Explained in docs/performance.md.

#[path = "../tests/support/crowd.rs"]
mod crowd;
#[path = "../tests/support/mod.rs"]
mod support;

use crowd::Crowd;

fn main() {
    let mut crowd = Crowd::new();
    let most = crowd.most();
    println!("| members | server's CPU for each delivery | server's memory |");
    println!("|---|---|---|");
    let sizes = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000];
    for members in sizes.into_iter().take_while(|members| *members < most).chain([most]) {
        let cost = crowd.measure(members);
        println!("| {} | {:.0} ns | {} MiB |", cost.members, cost.delivery_ns, cost.rss_bytes >> 20);
    }
    println!("\n{most} members are as many as the files allow that a process may open here; more were not tried.");
}
