//! What members do with attributes: those of the room and those of its members (chatroom.md §a.9, §c.6).

use super::entry::{Entry, Outcome};
use crate::subject::{Actor, Origin};
use std::collections::{BTreeMap, BTreeSet};

use super::attributes::{self, Edit, Manner, Map};
use super::check;
use super::command::{Op, Query};
use super::permissions::Operation;
use super::queries::Kind;
use super::state::Room;
use crate::error::{Code, FailedKeys, Status, Sub};
use crate::id::{AccountId, UnixMs};
use crate::limits;
use crate::wire::Response;
use crate::wire::pb::{self, AttributesAction, NotificationType};

impl Room {
    pub(super) fn set_attributes(&mut self, entry: &Entry, request: &pb::AttributesSetRequest) -> Result<Outcome, Status> {
        let account = &entry.command.actor.account;
        check_set(&request.attributes)?;
        self.reach_attributes(entry, Operation::SetAttributes)?;
        let edit = self.edit(account, manner_of_set(request)).set(&request.attributes);
        let (map, changes, reply) = finish(edit)?;
        self.changed(entry, map, changes, false, Response::AttributesSet(reply))
    }

    pub(super) fn note_set_attributes(&mut self, entry: &Entry, request: &pb::AttributesSetRequest) {
        *self.attributes = self.edit(&entry.command.actor.account, manner_of_set(request)).set(&request.attributes).map;
    }

    pub(super) fn delete_attributes(
        &mut self,
        entry: &Entry,
        request: &pb::AttributesDeleteRequest,
    ) -> Result<Outcome, Status> {
        let account = &entry.command.actor.account;
        check_delete(&request.keys)?;
        self.reach_attributes(entry, Operation::SetAttributes)?;
        let edit = self.edit(account, manner_of_delete(request)).delete(&request.keys);
        let (map, changes, reply) = finish(edit)?;
        self.changed(entry, map, changes, false, Response::AttributesDelete(reply))
    }

    pub(super) fn note_delete_attributes(&mut self, entry: &Entry, request: &pb::AttributesDeleteRequest) {
        *self.attributes = self.edit(&entry.command.actor.account, manner_of_delete(request)).delete(&request.keys).map;
    }

    pub(super) fn batch_attributes(&mut self, entry: &Entry, request: &pb::AttributesBatchRequest) -> Result<Outcome, Status> {
        check_operations(&request.operations)?;
        self.reach_attributes(entry, Operation::SetAttributes)?;
        let (map, changes, reply) = finish(self.edit_batch(&entry.command.actor.account, request))?;
        // The map has its limits, the way to it has not: what is told of it must fit into a frame, and into a page of history.
        let told: usize = changes.iter().map(prost::Message::encoded_len).sum();
        if told > limits::ATTRIBUTES_TOLD_BYTES_MAX {
            return Err(Status::with_sub(Code::OverQuota, Sub::AttributesTotal));
        }
        self.changed(entry, map, changes, true, Response::AttributesBatch(reply))
    }

    pub(super) fn note_batch_attributes(&mut self, entry: &Entry, request: &pb::AttributesBatchRequest) {
        *self.attributes = self.edit_batch(&entry.command.actor.account, request).map;
    }

    fn edit<'a>(&self, account: &'a AccountId, manner: Manner) -> Edit<'a> {
        Edit::new(&self.attributes, account, manner)
    }

    fn edit_batch<'a>(&self, account: &'a AccountId, request: &pb::AttributesBatchRequest) -> Edit<'a> {
        let goes = request.delete_after_owner_left;
        let manner = Manner { force: request.force, update_owner: request.update_owner, goes };
        request.operations.iter().fold(self.edit(account, manner), |edit, operation| {
            if operation.delete.is_empty() { edit.set(&operation.set) } else { edit.delete(&operation.delete) }
        })
    }

    /// The outcome of a change of the room's attributes that was found good.
    fn changed(
        &mut self,
        entry: &Entry,
        map: Map,
        mut changes: Vec<pb::AttributesChanged>,
        is_batch: bool,
        reply: Response,
    ) -> Result<Outcome, Status> {
        if changes.is_empty() {
            return Ok(Outcome::reply(reply));
        }
        *self.attributes = map;
        let kind = if is_batch { NotificationType::AttributesBatchChanged } else { NotificationType::AttributesChanged };
        let mut notice = self.notice(entry, kind, "");
        if is_batch {
            notice.attributes_batch_changed = Some(pb::AttributesBatchChanged { changes });
        } else {
            notice.attributes_changed = changes.pop();
        }
        Ok(Outcome::notified(reply, Some(notice)))
    }

    pub(super) fn clear_owner_attributes(&mut self, entry: &Entry) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        self.reach_clearing(actor)?;
        let reply = Response::AttributesDelete(pb::AttributesChangeResponse::default());
        let attributes = attributes::take_out(&mut self.attributes, |own| own.goes && own.owner == actor.account);
        if attributes.is_empty() {
            return Ok(Outcome::reply(reply));
        }
        let mut notice = self.notice(entry, NotificationType::AttributesChanged, "");
        notice.attributes_changed = Some(pb::AttributesChanged { action: AttributesAction::Delete as i32, attributes });
        Ok(Outcome::notified(reply, Some(notice)))
    }

    pub(super) fn note_clear_owner_attributes(&mut self, account: &AccountId) {
        attributes::take_out(&mut self.attributes, |own| own.goes && own.owner == *account);
    }

    /// True if the account owns attributes of the room that go with it.
    pub(super) fn owns_going_attributes(&self, account: &AccountId) -> bool {
        self.attributes.values().any(|own| own.goes && own.owner == *account)
    }

    pub(super) fn set_member_attributes(
        &mut self,
        entry: &Entry,
        request: &pb::MemberAttributesSetRequest,
    ) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        let accounts = check_accounts(&request.accounts)?;
        check_member_set(&request.attributes)?;
        self.reach_attributes(entry, Operation::SetMemberAttributes)?;
        let (here, away): (Vec<_>, Vec<_>) = accounts.into_iter().partition(|account| self.people.person(account).is_some());
        let mut edits = Vec::with_capacity(here.len());
        let mut newcomers = 0;
        for account in &here {
            let edit = self.edit_member(&actor.account, account, request);
            attributes::check_member(&edit.map)?;
            newcomers += usize::from(self.member_attributes.of(account).is_none() && !edit.map.is_empty());
            edits.push(edit);
        }
        if !edits.is_empty() && edits.iter().all(|edit| !edit.succeeded) {
            let keys = |edit: Edit<'_>| edit.failed.into_iter().collect();
            let failed = here.iter().zip(edits);
            let failed = failed.map(|(account, edit)| FailedKeys { account: account.to_string(), keys: keys(edit) }).collect();
            let status = Status::with_sub(Code::Forbidden, Sub::MemberAttributesRefused);
            return Err(Status { failed: Some(failed), ..status });
        }
        if newcomers > 0 && self.member_attributes.len() + newcomers > limits::MEMBERS_WITH_ATTRIBUTES_MAX {
            let most = limits::MEMBERS_WITH_ATTRIBUTES_MAX;
            return Err(Status::new(Code::OverQuota, format!("at most {most} accounts of a room carry attributes")));
        }
        let (mut members, mut changed) = (Vec::new(), Vec::new());
        for (account, edit) in here.iter().zip(edits) {
            let name = || account.as_str().to_owned();
            let changes: Vec<pb::Attribute> = edit.changes.into_iter().flat_map(heard).collect();
            if !changes.is_empty() {
                changed.push(pb::MemberAttributes { account: name(), attributes: changes, error_keys: Vec::new() });
            }
            let (attributes, error_keys) = (attributes::list(&edit.map), edit.failed.into_iter().collect());
            members.push(pb::MemberAttributes { account: name(), attributes, error_keys });
            self.member_attributes.put(account, edit.map);
        }
        let error_accounts: Vec<String> = away.iter().map(|account| account.as_str().to_owned()).collect();
        let is_partial = !error_accounts.is_empty();
        let reply = pb::MemberAttributesSetResponse { members, error_accounts, ..Default::default() };
        let reply = Response::MemberAttributesSet(reply);
        if changed.is_empty() {
            return Ok(Outcome::reply(reply));
        }
        let mut outcome = Outcome::notified(reply, Some(self.member_notice(entry, changed)));
        if is_partial {
            let accounts = here.iter().map(|account| account.as_str().to_owned()).collect();
            outcome.kept = Some(Box::new(Op::SetMemberAttributes(Box::new(pb::MemberAttributesSetRequest {
                accounts,
                ..request.clone()
            }))));
        }
        Ok(outcome)
    }

    pub(super) fn note_set_member_attributes(&mut self, entry: &Entry, request: &pb::MemberAttributesSetRequest) {
        let setter = &entry.command.actor.account;
        let accounts: BTreeSet<AccountId> = request.accounts.iter().filter_map(|name| AccountId::parse(name).ok()).collect();
        for account in &accounts {
            let map = self.edit_member(setter, account, request).map;
            self.member_attributes.put(account, map);
        }
    }

    fn edit_member<'a>(
        &self,
        setter: &'a AccountId,
        account: &AccountId,
        request: &pb::MemberAttributesSetRequest,
    ) -> Edit<'a> {
        let goes = request.delete_after_owner_left.unwrap_or(true);
        let manner = Manner { force: request.force, update_owner: request.force, goes };
        let none = Map::new();
        let edit = Edit::new(self.member_attributes.of(account).unwrap_or(&none), setter, manner);
        let (deleted, set): (BTreeMap<_, _>, BTreeMap<_, _>) =
            request.attributes.clone().into_iter().partition(|(_, value)| value.is_empty());
        // A key that is not there is as deleted as it can be.
        let (there, gone): (Vec<_>, Vec<_>) = deleted.into_keys().partition(|key| edit.map.contains_key(key.as_str()));
        let mut edit = edit.set(&set).delete(&there);
        edit.succeeded |= !gone.is_empty();
        edit
    }

    pub(super) fn clear_member_attributes(&mut self, entry: &Entry) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        self.reach_clearing(actor)?;
        let reply = Response::MemberAttributesSet(pb::MemberAttributesSetResponse::default());
        let cleared = self.member_attributes.clear_going(&actor.account);
        if cleared.is_empty() {
            return Ok(Outcome::reply(reply));
        }
        let attributes = cleared.into_iter().map(emptied).collect();
        let account = actor.account.as_str().to_owned();
        let changed = vec![pb::MemberAttributes { account, attributes, error_keys: Vec::new() }];
        Ok(Outcome::notified(reply, Some(self.member_notice(entry, changed))))
    }

    pub(super) fn note_clear_member_attributes(&mut self, account: &AccountId) {
        self.member_attributes.clear_going(account);
    }

    fn member_notice(&self, entry: &Entry, members: Vec<pb::MemberAttributes>) -> Box<pb::Notification> {
        let mut notice = self.notice(entry, NotificationType::MemberAttributesChanged, "");
        notice.member_attributes_changed = Some(pb::MemberAttributesChanged { members });
        notice
    }

    pub(super) fn attributes_query(
        &self,
        now: UnixMs,
        actor: &Actor,
        _: &pb::AttributesListRequest,
    ) -> Result<Response, Status> {
        self.reach(actor)?;
        self.permit(actor, Operation::QueryAttributes, now)?;
        let attributes = attributes::list(&self.attributes);
        Ok(Response::AttributesList(pb::AttributesListResponse { attributes, ..Default::default() }))
    }

    pub(super) fn member_attributes_query(
        &self,
        now: UnixMs,
        actor: &Actor,
        request: &pb::MemberAttributesLookupRequest,
    ) -> Result<Response, Status> {
        let accounts = check_accounts(&request.accounts)?;
        self.reach(actor)?;
        self.permit(actor, Operation::QueryAttributes, now)?;
        let known =
            |account: &&AccountId| self.member_attributes.of(account).is_some() || self.people.person(account).is_some();
        let carried = |account: &AccountId| self.carried(account, self.member_attributes.of(account));
        let members = accounts.iter().filter(known).map(carried).collect();
        Ok(Response::MemberAttributesLookup(pb::MemberAttributesListResponse { members, ..Default::default() }))
    }

    pub(super) fn member_attributes_list_query(
        &self,
        now: UnixMs,
        actor: &Actor,
        request: &pb::MemberAttributesListRequest,
    ) -> Result<Response, Status> {
        let limit = check::page(request.limit)?;
        let after = match request.next.as_str() {
            "" => None,
            next => Some(check::account("next", next)?),
        };
        self.reach(actor)?;
        self.permit(actor, Operation::QueryAttributes, now)?;
        let mut following = self.member_attributes.after(after.as_ref());
        let page: Vec<_> = following.by_ref().take(limit).collect();
        let next = match page.last() {
            Some((last, _)) if following.next().is_some() => last.as_str().to_owned(),
            _ => String::new(),
        };
        let members = page.into_iter().map(|(account, map)| self.carried(account, Some(map))).collect();
        Ok(Response::MemberAttributesList(pb::MemberAttributesListResponse { members, next, ..Default::default() }))
    }

    fn carried(&self, account: &AccountId, map: Option<&Map>) -> pb::MemberAttributes {
        let attributes = map.map(attributes::list).unwrap_or_default();
        pb::MemberAttributes { account: account.as_str().into(), attributes, error_keys: Vec::new() }
    }

    /// Counts a question against what its asker may ask, where that is bounded: 416 beyond it. To be called before
    /// [`Room::query`]. What is counted is neither lasting nor in the log.
    pub fn count_query(&mut self, now: UnixMs, actor: &Actor, query: &Query) -> Result<(), Status> {
        let kind = match query {
            Query::MemberAttributes(_) => Kind::Lookup,
            Query::MemberAttributesList(_) => Kind::List,
            _ => return Ok(()),
        };
        // Who is not here is refused by the query itself, and must not be able to fill what is remembered.
        if actor.origin != Origin::Member || self.people.person(&actor.account).is_none() {
            return Ok(());
        }
        self.queries.take(&actor.account, kind, now)
    }

    /// Rows 4 to 9 of chatroom.md §c.0.
    fn reach_attributes(&self, entry: &Entry, operation: Operation) -> Result<(), Status> {
        self.reach(&entry.command.actor)?;
        self.permit(&entry.command.actor, operation, entry.stamp.clock).map(drop)
    }

    /// As [`Room::reach`], for what only the server does.
    pub(super) fn reach_clearing(&self, actor: &Actor) -> Result<(), Status> {
        if actor.origin != Origin::Server {
            return Err(Status::new(Code::Forbidden, "only the server takes out what somebody left behind"));
        }
        self.reach(actor)
    }
}

fn manner_of_set(request: &pb::AttributesSetRequest) -> Manner {
    Manner { force: request.force, update_owner: request.update_owner, goes: request.delete_after_owner_left }
}

fn manner_of_delete(request: &pb::AttributesDeleteRequest) -> Manner {
    Manner { force: request.force, update_owner: false, goes: false }
}

/// The attributes as they will be, what others hear, and the answer; refused if every key failed, and beyond the limits.
fn finish(edit: Edit<'_>) -> Result<(Map, Vec<pb::AttributesChanged>, pb::AttributesChangeResponse), Status> {
    if !edit.succeeded {
        let failed = FailedKeys { account: String::new(), keys: edit.failed.into_iter().collect() };
        return Err(Status { failed: Some([failed].into()), ..Status::with_sub(Code::Forbidden, Sub::AttributesAllFailed) });
    }
    attributes::check_room(&edit.map)?;
    let sub = if edit.failed.is_empty() { 0 } else { Sub::AttributesPartlyFailed.number() };
    let error_keys = edit.failed.into_iter().collect();
    Ok((edit.map, edit.changes, pb::AttributesChangeResponse { sub, error_keys, ..Default::default() }))
}

/// What others hear of a change of a member's attributes: a deleted key has no value.
fn heard(change: pb::AttributesChanged) -> Vec<pb::Attribute> {
    match change.action() {
        AttributesAction::Set => change.attributes,
        AttributesAction::Delete => change.attributes.into_iter().map(emptied).collect(),
    }
}

fn emptied(attribute: pb::Attribute) -> pb::Attribute {
    pb::Attribute { value: String::new(), ..attribute }
}

/// What a room's attributes may be set to; 414 names what is wrong, more than a room may have at all is 419.
pub(super) fn check_set(attributes: &BTreeMap<String, String>) -> Result<(), Status> {
    if attributes.is_empty() {
        return Err(Status::bad_parameter("attributes must not be empty"));
    }
    for (key, value) in attributes {
        if key.is_empty() || key.len() > limits::ATTRIBUTE_KEY_BYTES_MAX {
            let most = limits::ATTRIBUTE_KEY_BYTES_MAX;
            return Err(Status::bad_parameter(format!("a key must be 1-{most} bytes")).refined(Sub::AttributeKey));
        }
        if value.len() > limits::ATTRIBUTE_VALUE_BYTES_MAX {
            let most = limits::ATTRIBUTE_VALUE_BYTES_MAX;
            return Err(Status::bad_parameter(format!("a value must not exceed {most} bytes")).refined(Sub::AttributeValue));
        }
    }
    if attributes.len() > limits::ATTRIBUTES_MAX {
        return Err(Status::with_sub(Code::OverQuota, Sub::AttributesCount));
    }
    Ok(())
}

fn check_delete(keys: &[String]) -> Result<(), Status> {
    if keys.is_empty() || keys.len() > limits::ATTRIBUTES_MAX {
        return Err(Status::bad_parameter(format!("keys must be 1-{}", limits::ATTRIBUTES_MAX)));
    }
    Ok(())
}

fn check_operations(operations: &[pb::AttributesOperation]) -> Result<(), Status> {
    if operations.is_empty() || operations.len() > limits::ATTRIBUTE_OPERATIONS_MAX {
        return Err(Status::bad_parameter(format!("operations must be 1-{}", limits::ATTRIBUTE_OPERATIONS_MAX)));
    }
    operations.iter().try_for_each(|operation| match (operation.set.is_empty(), operation.delete.is_empty()) {
        (false, true) => check_set(&operation.set),
        (true, false) => check_delete(&operation.delete),
        _ => Err(Status::bad_parameter("an operation must either set or delete")),
    })
}

fn check_accounts(names: &[String]) -> Result<BTreeSet<AccountId>, Status> {
    let most = limits::MEMBER_ATTRIBUTES_ACCOUNTS_MAX;
    if names.is_empty() {
        return Err(Status::bad_parameter("accounts must not be empty"));
    }
    if names.len() > most {
        return Err(Status::bad_parameter(format!("accounts must be 1-{most}")).refined(Sub::TooManyUsers));
    }
    names.iter().map(|name| check::account("accounts", name)).collect()
}

fn check_member_set(attributes: &BTreeMap<String, String>) -> Result<(), Status> {
    if attributes.is_empty() || attributes.len() > limits::MEMBER_ATTRIBUTES_MAX {
        return Err(Status::bad_parameter(format!("attributes must be 1-{}", limits::MEMBER_ATTRIBUTES_MAX)));
    }
    for (key, value) in attributes {
        if key.is_empty() || key.len() > limits::MEMBER_ATTRIBUTE_KEY_BYTES_MAX {
            let most = limits::MEMBER_ATTRIBUTE_KEY_BYTES_MAX;
            return Err(Status::bad_parameter(format!("a key must be 1-{most} bytes")).refined(Sub::MemberAttributeKey));
        }
        if value.len() > limits::MEMBER_ATTRIBUTE_VALUE_BYTES_MAX {
            let most = limits::MEMBER_ATTRIBUTE_VALUE_BYTES_MAX;
            let status = Status::bad_parameter(format!("a value must not exceed {most} bytes"));
            return Err(status.refined(Sub::MemberAttributeValue));
        }
    }
    Ok(())
}
