//! How much memory connections may hold, each and all together, and what becomes of those who hold too much.

use std::sync::Arc;

use super::common::Post;
use super::ledger::Ledger;
use super::orders::Order;
use crate::limits::ANSWERS_STALL_MS;
use crate::wire::PacketKind;

/// How much connections may hold, and how many there may be.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Connections of the node.
    pub connections_max: usize,
    /// Connections of one address that is not of the machine itself.
    pub connections_per_address_max: usize,
    /// Bytes of answers and personal pushes that may wait for one connection.
    pub backlog_bytes_max: usize,
    /// Bytes of answers that may wait for all of them, and of large ones that are under way.
    pub answers_bytes_max: usize,
    /// Bytes of frames that are not complete, or that wait to be acted on, of all of them.
    pub unfinished_bytes_max: usize,
}

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
    pub(super) fn new(bounds: &Bounds, post: &Post) -> Budgets {
        let ledger = |bytes: usize, patience_ms: u64, order: fn() -> Order| {
            let post = post.clone();
            Arc::new(Ledger::new(bytes, patience_ms, Box::new(move |connection| post(connection, order()))))
        };
        Budgets {
            backlog_bytes_max: bounds.backlog_bytes_max,
            answers: ledger(bounds.answers_bytes_max, ANSWERS_STALL_MS, || Order::DropSlow),
            unfinished: ledger(bounds.unfinished_bytes_max, 0, || Order::DropUnfinished),
        }
    }

    /// Tells the metrics.
    pub(crate) fn report(&self) {
        metrics::gauge!("chatroom_answers_waiting_bytes").set(self.answers.bytes() as f64);
        metrics::gauge!("chatroom_unfinished_frames_bytes").set(self.unfinished.bytes() as f64);
    }
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
        | PacketKind::MessageHistoryByTags
        | PacketKind::UserLookup => Weight::Large(1024 * KIB),
        PacketKind::QueueMultiGet | PacketKind::MemberLookup => Weight::Large(512 * KIB),
        PacketKind::MemberAttributesList | PacketKind::MemberAttributesLookup => Weight::Large(64 * KIB),
        PacketKind::RoomEnter | PacketKind::RoomCreate | PacketKind::RoomSwitch => Weight::Middle(96 * KIB),
        PacketKind::RoomInfo | PacketKind::RoomUpdate => Weight::Large(48 * KIB),
        PacketKind::QueuePeek | PacketKind::AttributesList => Weight::Large(8 * KIB),
        PacketKind::MemberSetRole => Weight::Middle(32 * KIB),
        PacketKind::MemberAttributesSet => Weight::Middle(64 * KIB),
        PacketKind::QueueBatchOffer | PacketKind::QueueChange => Weight::Middle(16 * KIB),
        PacketKind::QueuePoll | PacketKind::AttributesSet | PacketKind::AttributesDelete | PacketKind::AttributesBatch => {
            Weight::Middle(8 * KIB)
        }
        _ => Weight::Small,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_question_with_a_long_answer_is_answered_out_of_line() {
        let asks = ["List", "Lookup", "Peek", "MultiGet", "Info", "History", "ByTag", "ByTags"];
        let kinds = (0..=u16::MAX).filter_map(|number| PacketKind::try_from(i32::from(number)).ok());
        let questions = kinds.filter(|kind| asks.iter().any(|end| format!("{kind:?}").ends_with(end)));
        let out_of_line = questions.filter(|kind| matches!(weight_of(*kind as u16), Weight::Middle(_)));
        assert_eq!(out_of_line.collect::<Vec<_>>(), []);
    }
}
