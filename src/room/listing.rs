//! Lists of members (chatroom.md §c.2).

use std::collections::BTreeSet;
use std::ops::Bound;

use super::check;
use super::command::Actor;
use super::permissions::Operation;
use super::state::Room;
use crate::error::{Status, Sub};
use crate::id::{AccountId, UnixMs};
use crate::limits;
use crate::wire::Response;
use crate::wire::pb::{self, MemberQuery};

type Place = (UnixMs, AccountId);

impl Room {
    pub(super) fn members_query(
        &self,
        now: UnixMs,
        actor: &Actor,
        request: &pb::MemberListRequest,
    ) -> Result<Response, Status> {
        let query = MemberQuery::try_from(request.query).map_err(|_| Status::bad_parameter("query is not one of 0-3"))?;
        let limit = check::page(request.limit)?;
        check::anchor(request.time_ms)?;
        self.reach_to_read(actor, Operation::Members, now)?;
        let before = match request.time_ms {
            0 => Bound::Unbounded,
            time_ms => Bound::Excluded(first_at(time_ms)),
        };
        let after = Bound::Included(first_at(request.time_ms.saturating_add(1)));
        let (fixed, visitors) = (self.roster.by_update(), self.people.visitors());
        // Of a big room made by a client the lists show those who came first, in all (chatroom.md §c.6).
        let first = match self.id.is_of_client() && visitors.len() > limits::CLIENT_ROOM_LISTED_MAX {
            true => visitors.iter().take(limits::CLIENT_ROOM_LISTED_MAX).cloned().collect(),
            false => BTreeSet::new(),
        };
        let visitors = if first.is_empty() { visitors } else { &first };
        let (accounts, has_more) = match query {
            MemberQuery::Fixed => page(fixed.range((Bound::Unbounded, before)).rev(), limit),
            MemberQuery::FixedOnline => {
                let online = fixed.range((Bound::Unbounded, before)).rev();
                page(online.filter(|(_, account)| self.people.person(account).is_some()), limit)
            }
            MemberQuery::VisitorsNewest => page(visitors.range((Bound::Unbounded, before)).rev(), limit),
            MemberQuery::VisitorsOldest => page(visitors.range((after, Bound::Unbounded)), limit),
        };
        let members = accounts.into_iter().map(|account| self.member(account, now)).collect();
        Ok(Response::MemberList(pb::MemberListResponse { members, has_more, ..Default::default() }))
    }

    pub(super) fn lookup_query(
        &self,
        now: UnixMs,
        actor: &Actor,
        request: &pb::MemberLookupRequest,
    ) -> Result<Response, Status> {
        if self.id.is_of_client() && request.accounts.len() > limits::CLIENT_ROOM_LOOKUP_MAX {
            let status = Status::bad_parameter(format!("accounts must be 1-{} here", limits::CLIENT_ROOM_LOOKUP_MAX));
            return Err(status.refined(Sub::TooManyUsers));
        }
        if request.accounts.is_empty() || request.accounts.len() > limits::LOOKUP_ACCOUNTS_MAX {
            return Err(Status::bad_parameter(format!("accounts must be 1-{}", limits::LOOKUP_ACCOUNTS_MAX)));
        }
        let accounts = request.accounts.iter().map(|name| check::account("accounts", name));
        let accounts = accounts.collect::<Result<Vec<AccountId>, Status>>()?;
        self.reach_to_read(actor, Operation::Members, now)?;
        let known = |account: &&AccountId| self.roster.record(account).is_some() || self.people.person(account).is_some();
        let members = accounts.iter().filter(known).map(|account| self.member(account, now)).collect();
        Ok(Response::MemberLookup(pb::MemberListResponse { members, ..Default::default() }))
    }
}

/// The least place of a time.
fn first_at(time_ms: i64) -> Place {
    (UnixMs(time_ms), AccountId::parse("!").expect("the least of the names there can be"))
}

/// The first `limit` accounts, and those that share the time of the last of them; and whether there are more.
fn page<'a>(places: impl Iterator<Item = &'a Place>, limit: usize) -> (Vec<&'a AccountId>, bool) {
    let mut accounts = Vec::new();
    let mut last_time = None;
    for (time, account) in places {
        if accounts.len() >= limit && last_time != Some(*time) {
            return (accounts, true);
        }
        accounts.push(account);
        last_time = Some(*time);
    }
    (accounts, false)
}
