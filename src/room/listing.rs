//! Lists of members (chatroom.md §c.2).

use crate::subject::Actor;
use std::collections::BTreeSet;
use std::ops::Bound;

use super::check;
use super::paging::{fill, page_bytes, place_after, weight};
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
        let next = place_after::<AccountId>(&request.next)?;
        self.reach_to_read(actor, Operation::Members, now)?;
        let before = match (&next, request.time_ms) {
            (Some(place), _) => Bound::Excluded(place.clone()),
            (None, 0) => Bound::Unbounded,
            (None, time_ms) => Bound::Excluded(first_at(time_ms)),
        };
        let after = match next {
            Some(place) => Bound::Excluded(place),
            None => Bound::Included(first_at(request.time_ms.saturating_add(1))),
        };
        let (fixed, visitors) = (self.roster.by_update(), self.people.visitors());
        let fixed_before = match &before {
            Bound::Excluded(place) => &fixed[..fixed.partition_point(|fixed| fixed < place)],
            _ => fixed,
        };
        // Of a big room made by a client the lists show those who came first, in all (chatroom.md §c.6).
        let first = match self.is_of_client && visitors.len() > limits::CLIENT_ROOM_LISTED_MAX {
            true => visitors.iter().take(limits::CLIENT_ROOM_LISTED_MAX).cloned().collect(),
            false => BTreeSet::new(),
        };
        let visitors = if first.is_empty() { visitors } else { &first };
        let show = |account: &AccountId| Some(self.member(account, now));
        let bytes_max = page_bytes(actor);
        let page = match query {
            MemberQuery::Fixed => fill(fixed_before.iter().rev(), limit, usize::MAX, bytes_max, show),
            MemberQuery::FixedOnline => {
                let online = fixed_before.iter().rev().filter(|(_, account)| self.people.person(account).is_some());
                fill(online, limit, usize::MAX, bytes_max, show)
            }
            MemberQuery::VisitorsNewest => {
                fill(visitors.range((Bound::Unbounded, before)).rev(), limit, usize::MAX, bytes_max, show)
            }
            MemberQuery::VisitorsOldest => fill(visitors.range((after, Bound::Unbounded)), limit, usize::MAX, bytes_max, show),
        };
        Ok(Response::MemberList(page))
    }

    pub(super) fn lookup_query(
        &self,
        now: UnixMs,
        actor: &Actor,
        request: &pb::MemberLookupRequest,
    ) -> Result<Response, Status> {
        if self.is_of_client && request.accounts.len() > limits::CLIENT_ROOM_LOOKUP_MAX {
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
        let (mut page, mut bytes) = (pb::MemberListResponse::default(), 0);
        for account in accounts.iter().filter(known) {
            let member = self.member(account, now);
            bytes += weight(&member);
            if bytes > page_bytes(actor) && !page.members.is_empty() {
                (page.has_more, page.next) = (true, account.to_string());
                break;
            }
            page.members.push(member);
        }
        Ok(Response::MemberLookup(page))
    }
}

/// The least place of a time.
fn first_at(time_ms: i64) -> Place {
    (UnixMs(time_ms), AccountId::parse("!").expect("the least of the names there can be"))
}
