//! Threads that give way to the workers.

/// Lowers the priority of this thread, and of those it starts, by [`HTTP_NICE`](crate::limits::HTTP_NICE) from what the process was
/// started with.
pub(crate) fn give_way() {
    // Of the whole process on systems other than Linux, which is more than is meant.
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getpriority_process, setpriority_process};
        const NICE_MAX: i32 = 19;
        let this = Some(rustix::thread::gettid());
        let lowered = getpriority_process(this)
            .and_then(|nice| setpriority_process(this, nice.saturating_add(crate::limits::HTTP_NICE).min(NICE_MAX)));
        if let Err(error) = lowered {
            tracing::warn!(%error, "a thread that should give way to the workers runs with their priority");
        }
    }
}
