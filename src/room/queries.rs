//! How often accounts ask for the attributes of members (chatroom.md §c.6). Neither lasting nor in the log; outlives the presence
//! of who asks, so that entering again gives no fresh allowance.

use std::collections::VecDeque;

use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, ByAccount, UnixMs};
use crate::limits::{MEMBER_ATTRIBUTE_QUERIES_MAX, MEMBER_ATTRIBUTE_QUERIES_MS, QUERYING_ACCOUNTS_MAX};

/// The two kinds of query, counted apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Lookup,
    List,
}

/// The queries of the last half minute.
#[derive(Default)]
pub(super) struct Queries {
    /// Of each account the times of its queries by kind, oldest first. Accounts without any are absent.
    by_account: ByAccount<[VecDeque<UnixMs>; 2]>,
    /// Every query that counts, oldest first.
    order: VecDeque<(UnixMs, AccountId, Kind)>,
}

impl Queries {
    /// Counts a query, or says how long to wait.
    pub fn take(&mut self, account: &AccountId, kind: Kind, now: UnixMs) -> Result<(), Status> {
        let over = UnixMs(now.0.saturating_sub(MEMBER_ATTRIBUTE_QUERIES_MS));
        while let Some((_, account, kind)) = self.order.pop_front_if(|(time, ..)| *time <= over) {
            self.forget(&account, kind);
        }
        let oldest = match self.by_account.get(account) {
            Some(own) if own[kind as usize].len() >= MEMBER_ATTRIBUTE_QUERIES_MAX => own[kind as usize].front().copied(),
            None if self.by_account.len() >= QUERYING_ACCOUNTS_MAX => self.order.front().map(|(time, ..)| *time),
            _ => None,
        };
        if let Some(oldest) = oldest {
            let wait_ms = u32::try_from(oldest.0.saturating_sub(over.0)).unwrap_or(u32::MAX);
            return Err(Status { retry_after_ms: wait_ms, ..Status::with_sub(Code::TooFrequent, Sub::QueryRate) });
        }
        self.by_account.entry(account.clone()).or_default()[kind as usize].push_back(now);
        self.order.push_back((now, account.clone(), kind));
        Ok(())
    }

    fn forget(&mut self, account: &AccountId, kind: Kind) {
        let Some(own) = self.by_account.get_mut(account) else { return };
        own[kind as usize].pop_front();
        if own.iter().all(VecDeque::is_empty) {
            self.by_account.remove(account);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_pass_and_the_sixth_waits_until_the_first_is_half_a_minute_old() {
        let (mut queries, alice) = (Queries::default(), AccountId::parse("alice").unwrap());
        for second in 0..5 {
            queries.take(&alice, Kind::Lookup, UnixMs(second * 1000)).unwrap();
        }
        let refused = queries.take(&alice, Kind::Lookup, UnixMs(29_999)).unwrap_err();
        assert_eq!((refused.code, refused.sub, refused.retry_after_ms), (Code::TooFrequent, Some(Sub::QueryRate), 1));
        queries.take(&alice, Kind::List, UnixMs(29_999)).expect("the other kind counts apart");
        queries.take(&alice, Kind::Lookup, UnixMs(30_000)).unwrap();
        assert_eq!(queries.take(&alice, Kind::Lookup, UnixMs(30_000)).unwrap_err().retry_after_ms, 1000);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_passes() {
        let mut queries = Queries::default();
        for number in 0..QUERYING_ACCOUNTS_MAX {
            queries.take(&AccountId::parse(&format!("a{number}")).unwrap(), Kind::List, UnixMs(0)).unwrap();
        }
        let late = AccountId::parse("late").unwrap();
        assert_eq!(queries.take(&late, Kind::List, UnixMs(1)).unwrap_err().code, Code::TooFrequent);
        queries.take(&AccountId::parse("a0").unwrap(), Kind::List, UnixMs(1)).expect("who is counted goes on");
        queries.take(&late, Kind::List, UnixMs(30_000)).unwrap();
        assert_eq!((queries.by_account.len(), queries.order.len()), (2, 2));
    }
}
