//! Questions (chatroom.md §c.1, §c.2, §f.2): full scans, sorted afterwards.

use std::collections::BTreeSet;

use chatroom::error::Code;
use chatroom::room::{Actor, Origin, Query};
use chatroom::wire::Response;
use chatroom::wire::pb::{self, MemberQuery};

use super::queue::to_pb;
use super::tags::checked_tag;
use super::{Conn, Model, Refusal, account};

impl Model {
    /// What the question has to be answered; `Ok(None)` where only success is foretold.
    pub fn query(&mut self, now: i64, actor: &Actor, query: &Query) -> Result<Option<Response>, Refusal> {
        self.now = now;
        self.check_family_of_query(query)?;
        match query {
            Query::Info(_) => {
                self.check_asker(actor)?;
                let reply = pb::RoomInfoResponse { room: Some(self.info()), ..Default::default() };
                Ok(Some(Response::RoomInfo(Box::new(reply))))
            }
            Query::Members(request) => self.members(actor, request).map(Some),
            Query::MembersByTag(request) => {
                let limit = page(request.limit)?;
                checked_tag(&request.tag)?;
                if request.time_ms < 0 {
                    return Err(Refusal::bad());
                }
                self.check_asker(actor)?;
                let (members, next) = self.members_by_tag(&request.tag, request.time_ms, limit);
                let has_more = !next.is_empty();
                Ok(Some(Response::MemberListByTag(pb::MemberListResponse { members, has_more, next, ..Default::default() })))
            }
            Query::CountByTag(request) => {
                checked_tag(&request.tag)?;
                self.check_asker(actor)?;
                let with = |conn: &&Conn| conn.tags.contains(&request.tag);
                let names: BTreeSet<&str> = self.conns.iter().filter(with).map(|conn| conn.account.as_str()).collect();
                let count = names.len() as u64;
                Ok(Some(Response::MemberCountByTag(pb::MemberCountByTagResponse { count, ..Default::default() })))
            }
            Query::Attributes(_) => {
                self.check_member(actor)?;
                let reply = pb::AttributesListResponse { attributes: self.attribute_list(), ..Default::default() };
                Ok(Some(Response::AttributesList(reply)))
            }
            Query::MemberAttributes(request) => {
                if request.accounts.is_empty() {
                    return Err(Refusal::bad());
                }
                if request.accounts.len() > 100 {
                    return Err(Refusal { code: Code::BadParameter, sub: 6000357, retry: None });
                }
                let mut names = request.accounts.iter().map(|name| account(name)).collect::<Result<Vec<_>, _>>()?;
                self.check_member(actor)?;
                names.sort();
                names.dedup();
                let with = names.iter().filter(|name| self.is_here(name) || self.member_attributes.contains_key(*name));
                let members = with.map(|name| self.member_attribute_list(name)).collect();
                let reply = pb::MemberAttributesListResponse { members, ..Default::default() };
                Ok(Some(Response::MemberAttributesLookup(reply)))
            }
            Query::MemberAttributesList(request) => {
                let limit = page(request.limit)?;
                self.check_member(actor)?;
                let beyond = |name: &&String| name.as_str() > request.next.as_str();
                let all: Vec<&String> = self.member_attributes.keys().filter(beyond).collect();
                let members: Vec<_> = all.iter().take(limit).map(|name| self.member_attribute_list(name)).collect();
                let next = if all.len() > limit { all[limit - 1].clone() } else { String::new() };
                let reply = pb::MemberAttributesListResponse { members, next, ..Default::default() };
                Ok(Some(Response::MemberAttributesList(reply)))
            }
            Query::Lookup(request) => self.lookup(actor, request).map(Some),
            Query::QueueList(_) => {
                self.check_asker(actor)?;
                let elements = self.queue.iter().map(to_pb).collect();
                Ok(Some(Response::QueueList(pb::QueueListResponse { elements, ..Default::default() })))
            }
            Query::QueuePeek(_) => {
                self.check_asker(actor)?;
                let head = self.queue.first().ok_or(Refusal::code(Code::NotFound))?;
                let reply = pb::QueueElementResponse { element: Some(to_pb(head)), ..Default::default() };
                Ok(Some(Response::QueuePeek(reply)))
            }
            Query::QueueMultiGet(request) => {
                if request.keys.is_empty() || request.keys.len() > 100 {
                    return Err(Refusal::bad());
                }
                self.check_asker(actor)?;
                let found = request.keys.iter().filter_map(|key| self.queue.iter().find(|element| element.key == *key));
                let elements = found.map(to_pb).collect();
                Ok(Some(Response::QueueMultiGet(pb::QueueListResponse { elements, ..Default::default() })))
            }
            Query::History(request) => {
                let is_http = actor.origin == Origin::Http;
                if !(is_http && request.limit <= 200) {
                    page(request.limit)?;
                }
                if request.time_ms < 0 || request.types.iter().any(|kind| !is_message_type(*kind)) {
                    return Err(Refusal::bad());
                }
                self.check_asker(actor)?;
                Ok(None)
            }
            other => panic!("the model knows no {other:?}"),
        }
    }

    fn check_asker(&self, actor: &Actor) -> Result<(), Refusal> {
        // HTTP reads closed rooms too (rest-api.md §1.3), and has no operator to judge (chatroom.md §b, note 5).
        if self.exists && actor.origin == Origin::Http {
            return Ok(());
        }
        self.check_member(actor)
    }

    /// HTTP has no call that reads attributes.
    fn check_member(&self, actor: &Actor) -> Result<(), Refusal> {
        self.check_here(actor)?;
        self.check_not_blocked(actor)
    }

    fn members(&self, actor: &Actor, request: &pb::MemberListRequest) -> Result<Response, Refusal> {
        let limit = page(request.limit)?;
        if !(0..=3).contains(&request.query) || request.time_ms < 0 {
            return Err(Refusal::bad());
        }
        self.check_asker(actor)?;
        let query = request.query();
        let is_guests = matches!(query, MemberQuery::VisitorsNewest | MemberQuery::VisitorsOldest);
        let mut accounts: Vec<&str> = if is_guests {
            {
                let connected = self.conns.iter().map(|conn| conn.account.as_str());
                let all = connected.chain(self.robots.keys().map(String::as_str));
                all.filter(|name| !self.fixed.contains_key(*name)).collect()
            }
        } else {
            self.fixed.keys().map(String::as_str).collect()
        };
        accounts.sort_unstable();
        accounts.dedup();
        let time = |member: &pb::Member| if is_guests { member.enter_time_ms } else { member.update_time_ms };
        let is_ascending = query == MemberQuery::VisitorsOldest;
        let anchor = request.time_ms;
        let mut members: Vec<pb::Member> = accounts.iter().filter_map(|name| self.member(name)).collect();
        members.retain(|member| query != MemberQuery::FixedOnline || member.online);
        members.retain(|member| anchor == 0 || if is_ascending { time(member) > anchor } else { time(member) < anchor });
        members.sort_by_key(|member| if is_ascending { time(member) } else { -time(member) });
        let mut count = limit.min(members.len());
        while count > 0 && count < members.len() && time(&members[count]) == time(&members[count - 1]) {
            count += 1;
        }
        let has_more = count < members.len();
        members.truncate(count);
        // Among equal times newest first is the order of names backwards.
        let last_time = members.last().filter(|_| has_more).map(time);
        let names = members.iter().filter(|member| last_time == Some(time(member))).map(|member| &member.account);
        let last = if is_ascending { names.max() } else { names.min() };
        let next = last.zip(last_time).map_or(String::new(), |(name, time)| format!("{time} {name}"));
        Ok(Response::MemberList(pb::MemberListResponse { members, has_more, next, ..Default::default() }))
    }

    fn lookup(&self, actor: &Actor, request: &pb::MemberLookupRequest) -> Result<Response, Refusal> {
        if self.of_client && request.accounts.len() > 10 {
            return Err(Refusal { code: Code::BadParameter, sub: 6000357, retry: None });
        }
        if request.accounts.is_empty() || request.accounts.len() > 20 {
            return Err(Refusal::bad());
        }
        let names = request.accounts.iter().map(|name| account(name)).collect::<Result<Vec<_>, _>>()?;
        self.check_asker(actor)?;
        let members = names.iter().filter_map(|name| self.member(name)).collect();
        Ok(Response::MemberLookup(pb::MemberListResponse { members, ..Default::default() }))
    }
}

pub fn is_message_type(kind: i32) -> bool {
    matches!(kind, 0..=6 | 10 | 11 | 20 | 100)
}

pub fn page(limit: u32) -> Result<usize, Refusal> {
    match limit {
        0 => Ok(100),
        1..=100 => Ok(limit as usize),
        _ => Err(Refusal::bad()),
    }
}
