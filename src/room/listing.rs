//! Lists of members (chatroom.md §c.2).

use std::collections::BTreeSet;
use std::ops::Bound;

use prost::Message as _;

use super::check;
use super::command::{Actor, Origin};
use super::permissions::Operation;
use super::state::Room;
use crate::error::{Status, Sub};
use crate::id::{AccountId, ConnId, UnixMs};
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
        // Of a big room made by a client the lists show those who came first, in all (chatroom.md §c.6).
        let first = match self.id.is_of_client() && visitors.len() > limits::CLIENT_ROOM_LISTED_MAX {
            true => visitors.iter().take(limits::CLIENT_ROOM_LISTED_MAX).cloned().collect(),
            false => BTreeSet::new(),
        };
        let visitors = if first.is_empty() { visitors } else { &first };
        let show = |account: &AccountId| Some(self.member(account, now));
        let bytes_max = page_bytes(actor);
        let page = match query {
            MemberQuery::Fixed => fill(fixed.range((Bound::Unbounded, before)).rev(), limit, usize::MAX, bytes_max, show),
            MemberQuery::FixedOnline => {
                let online = fixed.range((Bound::Unbounded, before)).rev();
                let online = online.filter(|(_, account)| self.people.person(account).is_some());
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

/// How many bytes of members a page holds: over HTTP no frame bounds it.
pub(super) fn page_bytes(actor: &Actor) -> usize {
    if actor.origin == Origin::Http { limits::HTTP_PAGE_BYTES_MAX } else { limits::PAGE_BYTES_MAX }
}

fn weight(member: &pb::Member) -> usize {
    member.encoded_len() + limits::PAGE_ITEM_BYTES
}

/// Tells places of one time apart.
pub(super) trait Tie: Clone {
    /// As `next` of a page says it.
    fn print(&self) -> String;
    /// Reads that again.
    fn read(text: &str) -> Option<Self>;
}

impl Tie for AccountId {
    fn print(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<AccountId> {
        AccountId::parse(text).ok()
    }
}

impl Tie for ConnId {
    fn print(&self) -> String {
        self.get().to_string()
    }

    fn read(text: &str) -> Option<ConnId> {
        text.parse().ok().map(ConnId::from_raw)
    }
}

/// The place that `next` of an earlier page names: the page begins behind it. Empty: none is named.
pub(super) fn place_after<K: Tie>(next: &str) -> Result<Option<(UnixMs, K)>, Status> {
    if next.is_empty() {
        return Ok(None);
    }
    let place = next.split_once(' ').and_then(|(time, tie)| Some((UnixMs(time.parse().ok()?), K::read(tie)?)));
    place.map(Some).ok_or_else(|| Status::bad_parameter("next must be what an earlier page gave"))
}

/// Fills a page with those who stand at places, in the order these come. It holds `limit` members, and all that share the time of
/// the last of them. It ends before members of one time with whom it would exceed `count_max` or `bytes_max`, and splits only such
/// as would fill a page of their own.
pub(super) fn fill<'a, K: Tie + 'a>(
    places: impl Iterator<Item = &'a (UnixMs, K)>,
    limit: usize,
    count_max: usize,
    bytes_max: usize,
    show: impl Fn(&K) -> Option<pb::Member>,
) -> pb::MemberListResponse {
    let mut page = pb::MemberListResponse::default();
    let (mut bytes, mut last) = (0, None::<&(UnixMs, K)>);
    // Where the members of the last time begin, and the place before them.
    let mut group = (0, None);
    let mut more = None;
    for place in places {
        let belongs = last.is_some_and(|last| last.0 == place.0);
        if !belongs && page.members.len() >= limit {
            more = last;
            break;
        }
        let Some(member) = show(&place.1) else { continue };
        bytes += weight(&member);
        if page.members.len() >= count_max || (bytes > bytes_max && !page.members.is_empty()) {
            more = last;
            if belongs && group.0 > 0 {
                page.members.truncate(group.0);
                more = group.1;
            }
            break;
        }
        if !belongs {
            group = (page.members.len(), last);
        }
        page.members.push(member);
        last = Some(place);
    }
    if let Some((time, tie)) = more {
        (page.has_more, page.next) = (true, format!("{} {}", time.0, tie.print()));
    }
    page
}

/// The least place of a time.
fn first_at(time_ms: i64) -> Place {
    (UnixMs(time_ms), AccountId::parse("!").expect("the least of the names there can be"))
}
