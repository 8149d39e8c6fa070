//! How much memory this process may use.

use std::fs;
use std::path::Path;

use crate::limits::{UNFINISHED_BYTES_MIN, UNFINISHED_SHARE};

/// Bytes that unfinished frames of all connections may take unless the configuration says how many: a share of the memory.
pub(super) fn unfinished_bytes() -> usize {
    (memory_bytes() / UNFINISHED_SHARE).max(UNFINISHED_BYTES_MIN)
}

/// Bytes of memory this process may use: the machine's, or what its control group grants.
fn memory_bytes() -> usize {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()?.checked_mul(1024)
    });
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let folder = Path::new("/sys/fs/cgroup").join(group);
    let granted = folder.ancestors().take_while(|folder| folder.starts_with("/sys/fs/cgroup"));
    let granted = granted.filter_map(|folder| fs::read_to_string(folder.join("memory.max")).ok()?.trim().parse::<usize>().ok());
    machine.into_iter().chain(granted).min().unwrap_or(0)
}

/// Declines pages of 2 MiB for the whole process. The kernel would put them, by and by, where the allocator has given most of the
/// 2 MiB back: a node whose connections come and go would grow for hours after it has reached its level. Where the kernel does not
/// take the word the node runs all the same, and a warning says so.
pub(super) fn decline_huge_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::warn!(%error, "the kernel may use huge pages: memory can grow beyond what the node needs");
    }
}
