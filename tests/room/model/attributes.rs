//! Attributes of rooms and of members (chatroom.md §a.9, §c.6): every change is made on a copy, and the copy is measured.

use std::collections::BTreeMap;

use chatroom::error::Code;
use chatroom::room::{Actor, Origin};
use chatroom::wire::pb::{self, AttributesAction, NotificationType};
use chatroom::wire::{Push, Response};

use super::rules::Right;
use super::{Model, Refusal, Verdict, Want, account};

/// An attribute, and who set it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attribute {
    pub value: String,
    pub owner: String,
    /// It goes with its owner; of a member: with the member.
    pub transient: bool,
}

pub type Attributes = BTreeMap<String, Attribute>;

fn refused(code: Code, sub: i32) -> Refusal {
    Refusal { code, sub, retry: None }
}

fn to_pb(key: &str, attribute: &Attribute) -> pb::Attribute {
    pb::Attribute {
        key: key.into(),
        value: attribute.value.clone(),
        owner: attribute.owner.clone(),
        delete_after_owner_left: attribute.transient,
    }
}

fn bytes(attributes: &Attributes) -> usize {
    attributes.iter().map(|(key, attribute)| key.len() + attribute.value.len()).sum()
}

/// How attributes are set.
#[derive(Clone, Copy)]
struct Wish {
    force: bool,
    update_owner: bool,
    transient: bool,
}

/// The table of §c.6 setRoomAttributes, key by key; gives what changed and what failed.
fn set(map: &mut Attributes, caller: &str, asked: &BTreeMap<String, String>, wish: Wish) -> (Vec<pb::Attribute>, Vec<String>) {
    let (mut changed, mut failed) = (Vec::new(), Vec::new());
    let mut keys: Vec<&String> = asked.keys().collect();
    keys.sort();
    for key in keys {
        let value = asked[key].clone();
        let next = match map.get(key) {
            None => Attribute { value, owner: caller.into(), transient: wish.transient },
            Some(old) if old.owner == caller => Attribute { value, owner: caller.into(), transient: wish.transient },
            Some(_) if !wish.force => {
                failed.push(key.clone());
                continue;
            }
            Some(_) if wish.update_owner => Attribute { value, owner: caller.into(), transient: wish.transient },
            Some(old) => Attribute { value, ..old.clone() },
        };
        if map.get(key) != Some(&next) {
            changed.push(to_pb(key, &next));
            map.insert(key.clone(), next);
        }
    }
    (changed, failed)
}

fn delete(map: &mut Attributes, caller: &str, keys: &[String], force: bool) -> (Vec<pb::Attribute>, Vec<String>) {
    let (mut changed, mut failed) = (Vec::new(), Vec::new());
    let keys: std::collections::BTreeSet<&String> = keys.iter().collect();
    for key in keys {
        match map.get(key) {
            Some(old) if force || old.owner == caller => {
                changed.push(to_pb(key, old));
                map.remove(key);
            }
            _ => failed.push(key.clone()),
        }
    }
    (changed, failed)
}

/// Keys and values in the order of keys, then how many there are.
pub fn check_set(asked: &BTreeMap<String, String>) -> Result<(), Refusal> {
    for (key, value) in asked {
        if key.is_empty() || key.len() > 16 {
            return Err(refused(Code::BadParameter, 6000335));
        }
        if value.len() > 1024 {
            return Err(refused(Code::BadParameter, 6000336));
        }
    }
    if asked.len() > 20 {
        return Err(refused(Code::OverQuota, 6000334));
    }
    Ok(())
}

pub fn check_whole(map: &Attributes) -> Result<(), Refusal> {
    if map.len() > 20 {
        return Err(refused(Code::OverQuota, 6000334));
    }
    if bytes(map) > 5120 {
        return Err(refused(Code::OverQuota, 6000337));
    }
    Ok(())
}

impl Model {
    /// The answer, the new state and the event of a change that was worked out on a copy.
    #[allow(clippy::too_many_arguments)]
    fn attributes_changed(
        &mut self,
        actor: &Actor,
        reply: fn(pb::AttributesChangeResponse) -> Response,
        map: Attributes,
        changes: Vec<pb::AttributesChanged>,
        mut failed: Vec<String>,
        all_failed: bool,
        is_batch: bool,
    ) -> Verdict {
        failed.sort();
        failed.dedup();
        if all_failed {
            return Err(refused(Code::Forbidden, 6000331));
        }
        check_whole(&map)?;
        let is_change = !changes.is_empty();
        let sub = if failed.is_empty() { 0 } else { 6000332 };
        let answer = pb::AttributesChangeResponse { sub, error_keys: failed, ..Default::default() };
        self.attributes = map;
        let kind = if is_batch { NotificationType::AttributesBatchChanged } else { NotificationType::AttributesChanged };
        let mut notice = self.notice(kind, actor.account.as_str(), &[], "");
        if is_batch {
            notice.attributes_batch_changed = Some(pb::AttributesBatchChanged { changes });
        } else {
            notice.attributes_changed = changes.into_iter().next();
        }
        let mut want = Want::reply(reply(answer));
        if !is_change {
            return Ok(want);
        }
        want.durable = true;
        want.push = Some(Push::Notification(notice));
        want.receivers = self.everybody();
        want.in_history = true;
        Ok(want)
    }

    pub fn set_attributes(&mut self, actor: &Actor, request: &pb::AttributesSetRequest) -> Verdict {
        if request.attributes.is_empty() {
            return Err(Refusal::bad());
        }
        check_set(&request.attributes)?;
        self.check_right(actor, Right::SetAttributes)?;
        let mut map = self.attributes.clone();
        let wish =
            Wish { force: request.force, update_owner: request.update_owner, transient: request.delete_after_owner_left };
        let (attributes, failed) = set(&mut map, actor.account.as_str(), &request.attributes, wish);
        let changes = changes_of(AttributesAction::Set, attributes);
        let all_failed = failed.len() == request.attributes.len();
        self.attributes_changed(actor, Response::AttributesSet, map, changes, failed, all_failed, false)
    }

    pub fn delete_attributes(&mut self, actor: &Actor, request: &pb::AttributesDeleteRequest) -> Verdict {
        if request.keys.is_empty() || request.keys.len() > 20 {
            return Err(Refusal::bad());
        }
        self.check_right(actor, Right::SetAttributes)?;
        let mut map = self.attributes.clone();
        let (attributes, failed) = delete(&mut map, actor.account.as_str(), &request.keys, request.force);
        let changes = changes_of(AttributesAction::Delete, attributes);
        let all_failed = changes.is_empty();
        self.attributes_changed(actor, Response::AttributesDelete, map, changes, failed, all_failed, false)
    }

    pub fn batch_attributes(&mut self, actor: &Actor, request: &pb::AttributesBatchRequest) -> Verdict {
        if request.operations.is_empty() || request.operations.len() > 50 {
            return Err(Refusal::bad());
        }
        for operation in &request.operations {
            if operation.set.is_empty() == operation.delete.is_empty() || operation.delete.len() > 20 {
                return Err(Refusal::bad());
            }
            check_set(&operation.set)?;
        }
        self.check_right(actor, Right::SetAttributes)?;
        let caller = actor.account.as_str();
        let mut map = self.attributes.clone();
        let (mut changes, mut failed, mut all_failed) = (Vec::new(), Vec::new(), true);
        for operation in &request.operations {
            let (action, (attributes, errors)) = if operation.delete.is_empty() {
                let wish = Wish {
                    force: request.force,
                    update_owner: request.update_owner,
                    transient: request.delete_after_owner_left,
                };
                (AttributesAction::Set, set(&mut map, caller, &operation.set, wish))
            } else {
                (AttributesAction::Delete, delete(&mut map, caller, &operation.delete, request.force))
            };
            all_failed &= attributes.is_empty() && (operation.set.is_empty() || errors.len() == operation.set.len());
            changes.extend(changes_of(action, attributes));
            failed.extend(errors);
        }
        self.attributes_changed(actor, Response::AttributesBatch, map, changes, failed, all_failed, true)
    }

    /// Said by the server when the owner's last connection is gone.
    pub fn clear_owner_attributes(&mut self, actor: &Actor) -> Verdict {
        self.check_open()?;
        if actor.origin != Origin::Server {
            return Err(Refusal::code(Code::Forbidden));
        }
        let owner = actor.account.as_str();
        let gone: Vec<pb::Attribute> = self
            .attributes
            .iter()
            .filter(|(_, attribute)| attribute.transient && attribute.owner == owner)
            .map(|(key, attribute)| to_pb(key, attribute))
            .collect();
        self.attributes.retain(|_, attribute| !(attribute.transient && attribute.owner == owner));
        let mut want = Want::reply(Response::AttributesDelete(pb::AttributesChangeResponse::default()));
        if gone.is_empty() {
            return Ok(want);
        }
        let mut notice = self.notice(NotificationType::AttributesChanged, owner, &[], "");
        notice.attributes_changed = changes_of(AttributesAction::Delete, gone).into_iter().next();
        want.push = Some(Push::Notification(notice));
        want.receivers = self.everybody();
        (want.durable, want.in_history) = (true, true);
        Ok(want)
    }

    pub fn set_member_attributes(&mut self, actor: &Actor, request: &pb::MemberAttributesSetRequest) -> Verdict {
        if request.accounts.is_empty() {
            return Err(Refusal::bad());
        }
        if request.accounts.len() > 100 {
            return Err(refused(Code::BadParameter, 6000357));
        }
        let mut names = request.accounts.iter().map(|name| account(name)).collect::<Result<Vec<_>, _>>()?;
        names.sort();
        if request.attributes.is_empty() || request.attributes.len() > 30 {
            return Err(Refusal::bad());
        }
        for (key, value) in &request.attributes {
            if key.is_empty() || key.len() > 8 {
                return Err(refused(Code::BadParameter, 6000352));
            }
            if value.len() > 64 {
                return Err(refused(Code::BadParameter, 6000353));
            }
        }
        self.check_right(actor, Right::SetAttributes)?;
        let caller = actor.account.as_str();
        let transient = request.delete_after_owner_left.unwrap_or(true);
        let mut keys: Vec<&String> = request.attributes.keys().collect();
        keys.sort();
        let (mut members, mut error_accounts, mut events) = (Vec::new(), Vec::new(), Vec::new());
        let mut all = self.member_attributes.clone();
        let mut done: Vec<&String> = Vec::new();
        for name in &names {
            if done.contains(&name) {
                continue;
            }
            done.push(name);
            if !self.is_here(name) {
                error_accounts.push(name.clone());
                continue;
            }
            let own = all.entry(name.clone()).or_default();
            let mut member = pb::MemberAttributes { account: name.clone(), ..Default::default() };
            for key in &keys {
                let value = request.attributes[*key].clone();
                if own.get(*key).is_some_and(|old| old.owner != caller && !request.force) {
                    member.error_keys.push((*key).clone());
                    continue;
                }
                let next = Attribute { value, owner: caller.into(), transient };
                if next.value.is_empty() {
                    let Some(old) = own.remove(*key) else { continue };
                    member.attributes.push(to_pb(key, &Attribute { value: String::new(), ..old }));
                    continue;
                } else if own.get(*key) == Some(&next) {
                    continue;
                } else {
                    own.insert((*key).clone(), next.clone());
                }
                member.attributes.push(to_pb(key, &next));
            }
            if own.len() > 30 {
                return Err(Refusal::bad());
            }
            if bytes(own) > 144 {
                return Err(refused(Code::OverQuota, 6000351));
            }
            // What was set stands before what was deleted.
            member.attributes.sort_by_key(|attribute| attribute.value.is_empty());
            if !member.attributes.is_empty() {
                events.push(pb::MemberAttributes { error_keys: Vec::new(), ..member.clone() });
            }
            // The answer says what the member has now, the event what is new.
            member.attributes = own.iter().map(|(key, attribute)| to_pb(key, attribute)).collect();
            members.push(member);
        }
        all.retain(|_, own| !own.is_empty());
        if all.len() > 500 {
            return Err(Refusal::code(Code::OverQuota));
        }
        let has_failed = |member: &pb::MemberAttributes| member.error_keys.len() == keys.len();
        if !members.is_empty() && members.iter().all(has_failed) {
            return Err(refused(Code::Forbidden, 6000350));
        }
        self.member_attributes = all;
        let reply = pb::MemberAttributesSetResponse { members, error_accounts, ..Default::default() };
        let mut want = Want::reply(Response::MemberAttributesSet(reply));
        if !events.is_empty() {
            let mut notice = self.notice(NotificationType::MemberAttributesChanged, caller, &[], "");
            notice.member_attributes_changed = Some(pb::MemberAttributesChanged { members: events });
            want.push = Some(Push::Notification(notice));
            want.receivers = self.everybody();
            (want.durable, want.in_history) = (true, true);
        }
        Ok(want)
    }

    /// Said by the server when the member's last connection is gone.
    pub fn clear_member_attributes(&mut self, actor: &Actor) -> Verdict {
        self.check_open()?;
        if actor.origin != Origin::Server {
            return Err(Refusal::code(Code::Forbidden));
        }
        let name = actor.account.as_str();
        let mut want = Want::reply(Response::MemberAttributesSet(pb::MemberAttributesSetResponse::default()));
        let Some(own) = self.member_attributes.get_mut(name) else { return Ok(want) };
        let gone: Vec<pb::Attribute> = own
            .iter()
            .filter(|(_, attribute)| attribute.transient)
            .map(|(key, attribute)| pb::Attribute { value: String::new(), ..to_pb(key, attribute) })
            .collect();
        own.retain(|_, attribute| !attribute.transient);
        self.member_attributes.retain(|_, own| !own.is_empty());
        if gone.is_empty() {
            return Ok(want);
        }
        let member = pb::MemberAttributes { account: name.into(), attributes: gone, ..Default::default() };
        let mut notice = self.notice(NotificationType::MemberAttributesChanged, name, &[], "");
        notice.member_attributes_changed = Some(pb::MemberAttributesChanged { members: vec![member] });
        want.push = Some(Push::Notification(notice));
        want.receivers = self.everybody();
        (want.durable, want.in_history) = (true, true);
        Ok(want)
    }

    pub fn attribute_list(&self) -> Vec<pb::Attribute> {
        self.attributes.iter().map(|(key, attribute)| to_pb(key, attribute)).collect()
    }

    pub fn member_attribute_list(&self, name: &str) -> pb::MemberAttributes {
        let own = self.member_attributes.get(name);
        let attributes = own.iter().flat_map(|own| own.iter()).map(|(key, attribute)| to_pb(key, attribute)).collect();
        pb::MemberAttributes { account: name.into(), attributes, ..Default::default() }
    }
}

fn changes_of(action: AttributesAction, attributes: Vec<pb::Attribute>) -> Vec<pb::AttributesChanged> {
    if attributes.is_empty() {
        return Vec::new();
    }
    vec![pb::AttributesChanged { action: action as i32, attributes }]
}
