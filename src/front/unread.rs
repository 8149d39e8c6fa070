//! Keeps bytes that a connection has sent and nobody has acted on: the beginning of a frame, or frames that have to wait.

use bytes::BytesMut;

use super::ledger::Claim;
use crate::id::Time;
use crate::limits::UNREAD_SPARE_BYTES;

/// Bytes that have come and wait. Keeps little beside them: a peer gets as much memory as it has sent.
pub(crate) struct Unread {
    bytes: BytesMut,
    /// Bytes of memory that `bytes` stands in, with what has been cut off its front.
    allocated: usize,
    claim: Claim,
}

impl Unread {
    pub(crate) fn new(bytes: &[u8], claim: Claim) -> Unread {
        Unread { bytes: BytesMut::from(bytes), allocated: bytes.len(), claim }
    }

    /// Adds what has come since. Grows by a fifth, so that it is moved a few times only, whatever the pieces it comes in.
    pub(crate) fn extend(&mut self, more: &[u8]) {
        let len = self.bytes.len() + more.len();
        if self.bytes.capacity() < len {
            self.move_to(len + (len / 5).max(UNREAD_SPARE_BYTES / 2));
        }
        self.bytes.extend_from_slice(more);
    }

    /// Bytes that wait, for the caller to act on.
    pub(crate) fn bytes(&mut self) -> &mut BytesMut {
        &mut self.bytes
    }

    /// Leaves the remaining bytes waiting. `is_new`: some of those that waited before have been acted on. `is_ours`: they wait
    /// because we let them.
    pub(crate) fn settle(&mut self, now: Time, is_new: bool, is_ours: bool) {
        if self.allocated > 2 * self.bytes.len() + UNREAD_SPARE_BYTES {
            self.move_to(self.bytes.len());
        }
        self.claim.set(now, self.allocated + size_of::<Unread>(), is_new, is_ours);
    }

    fn move_to(&mut self, capacity: usize) {
        let mut bytes = BytesMut::with_capacity(capacity);
        bytes.extend_from_slice(&self.bytes);
        self.allocated = bytes.capacity();
        self.bytes = bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::ledger::Ledger;
    use crate::id::ConnId;
    use core::net::Ipv4Addr;
    use std::sync::Arc;

    fn unread(bytes: &[u8]) -> (Arc<Ledger>, Unread) {
        let ledger = Arc::new(Ledger::new(usize::MAX, 0, Box::new(|_| panic!("nobody has to go"))));
        let claim = Claim::new(ledger.clone(), Ipv4Addr::LOCALHOST.into(), ConnId::new(0, 1, 0));
        (ledger, Unread::new(bytes, claim))
    }

    #[test]
    fn the_beginning_of_a_frame_is_kept_as_it_came_and_little_beside_it() {
        let (ledger, mut unread) = unread(&[1; 16]);
        for _ in 0..3000 {
            unread.extend(&[2]);
            unread.settle(Time::default(), false, false);
            assert!(ledger.bytes() <= unread.bytes.len() + unread.bytes.len() / 5 + UNREAD_SPARE_BYTES, "{}", ledger.bytes());
        }
        assert_eq!((unread.bytes().len(), unread.bytes()[15], unread.bytes()[16]), (3016, 1, 2));
    }

    #[test]
    fn what_was_acted_on_keeps_no_memory() {
        let (ledger, mut unread) = unread(&[0; 64 * 1024]);
        let (_front, rest) = (unread.bytes().split_to(60 * 1024), 4 * 1024);
        unread.settle(Time::default(), true, false);
        assert!(ledger.bytes() < rest + UNREAD_SPARE_BYTES);
        drop(unread);
        assert_eq!(ledger.bytes(), 0);
    }
}
