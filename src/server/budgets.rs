//! How much memory connections may hold, each and all together, and what becomes of those who hold too much.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::ledger::Ledger;
use super::mailbox::{Mailbox, Order};
use crate::config::Limits;
use crate::id::ConnId;
use crate::limits::{ANSWERS_STALL_MS, UNFINISHED_BYTES_MIN, UNFINISHED_SHARE};
use crate::wire::PacketKind;

/// Memory budgets for the connections of a node.
pub(crate) struct Budgets {
    /// Bytes of answers and personal pushes that may wait for one connection.
    pub(crate) backlog_bytes_max: usize,
    /// Bytes of answers that wait for all of them, and of large ones that are under way.
    pub(crate) answers: Arc<Ledger>,
    /// Bytes that have come of frames that are not complete, or that wait to be acted on.
    pub(crate) unfinished: Arc<Ledger>,
}

impl Budgets {
    pub(crate) fn new(limits: &Limits, mailboxes: &Arc<[Mailbox]>) -> Budgets {
        let unfinished = match limits.unfinished_bytes_max {
            0 => (memory_bytes() / UNFINISHED_SHARE).max(UNFINISHED_BYTES_MIN),
            bytes => bytes,
        };
        // Who sends one frame, and nobody else does, is not in anybody's way.
        let unfinished = unfinished.max(2 * limits.frame_bytes_max);
        let ledger = |bytes: usize, patience: Duration, order: fn() -> Order| {
            let mailboxes = mailboxes.clone();
            let dismiss = move |connection: ConnId| {
                if let Some(mailbox) = mailboxes.get(connection.worker()) {
                    mailbox.order(connection, order());
                }
            };
            Arc::new(Ledger::new(bytes, patience, Box::new(dismiss)))
        };
        Budgets {
            backlog_bytes_max: limits.backlog_bytes_max,
            answers: ledger(limits.answers_bytes_max, Duration::from_millis(ANSWERS_STALL_MS), || Order::DropSlow),
            unfinished: ledger(unfinished, Duration::ZERO, || Order::DropUnfinished),
        }
    }

    /// Tells the metrics.
    pub(crate) fn report(&self) {
        metrics::gauge!("chatroom_answers_waiting_bytes").set(self.answers.bytes() as f64);
        metrics::gauge!("chatroom_unfinished_frames_bytes").set(self.unfinished.bytes() as f64);
    }
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

/// Upper bound on the size of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Weight {
    /// Some hundred bytes at most: the bound on requests under way is bound enough.
    Small,
    /// So many bytes at most. They are set aside in the budget of the connection before it is made.
    Middle(u32),
    /// So many, and there may be many such questions at once: in the budget of all connections too.
    Large(u32),
}

const KIB: u32 = 1024;

/// Upper bound on the answer to a request of this kind, as the rooms build it: cutting it to a frame comes after that.
pub(crate) fn weight_of(kind: u16) -> Weight {
    // The one that comes most often comes first.
    if kind == PacketKind::MessageSend as u16 {
        return Weight::Small;
    }
    let Ok(kind) = PacketKind::try_from(i32::from(kind)) else { return Weight::Small };
    match kind {
        PacketKind::QueueList
        | PacketKind::MemberList
        | PacketKind::MemberListByTag
        | PacketKind::MessageHistory
        | PacketKind::MessageHistoryByTags => Weight::Large(1024 * KIB),
        PacketKind::QueueMultiGet | PacketKind::MemberLookup => Weight::Large(512 * KIB),
        PacketKind::MemberAttributesList | PacketKind::MemberAttributesLookup => Weight::Large(64 * KIB),
        PacketKind::RoomEnter | PacketKind::RoomCreate | PacketKind::RoomSwitch => Weight::Middle(96 * KIB),
        PacketKind::RoomInfo | PacketKind::RoomUpdate => Weight::Large(48 * KIB),
        PacketKind::MemberSetRole => Weight::Middle(32 * KIB),
        PacketKind::MemberAttributesSet => Weight::Middle(64 * KIB),
        PacketKind::QueueBatchOffer | PacketKind::QueueChange => Weight::Middle(16 * KIB),
        PacketKind::QueuePoll
        | PacketKind::QueuePeek
        | PacketKind::AttributesList
        | PacketKind::AttributesSet
        | PacketKind::AttributesDelete
        | PacketKind::AttributesBatch => Weight::Middle(8 * KIB),
        _ => Weight::Small,
    }
}
