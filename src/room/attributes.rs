//! Attributes as a room keeps them: keys and values with owners, within their limits (chatroom.md §a.9). Knows no rule about who may do what.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::error::{Code, Status, Sub};
use crate::id::AccountId;
use crate::limits;
use crate::wire::pb::{self, AttributesAction};

/// One attribute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Attribute {
    pub value: Box<str>,
    /// Who may change it without force: of a member's attribute, who set it last.
    pub owner: AccountId,
    /// A room's attribute goes when its owner leaves, a member's when that member does.
    pub goes: bool,
}

/// Attributes by key.
pub(super) type Map = BTreeMap<Box<str>, Attribute>;

/// How a caller treats what is there, and what becomes of what it sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Manner {
    /// Changes those of other owners too.
    pub force: bool,
    /// With force: they become the caller's.
    pub update_owner: bool,
    pub goes: bool,
}

/// A change under way: the attributes as they will be, and what that means for the others.
pub(super) struct Edit<'a> {
    account: &'a AccountId,
    manner: Manner,
    pub map: Map,
    /// What others hear of it.
    pub changes: Vec<pb::AttributesChanged>,
    /// Keys that stay as they were.
    pub failed: BTreeSet<String>,
    /// Whether any key was the caller's to change, even if nothing changed by it.
    pub succeeded: bool,
}

impl<'a> Edit<'a> {
    /// Begins with the attributes as they are.
    pub fn new(map: &Map, account: &'a AccountId, manner: Manner) -> Edit<'a> {
        Edit { account, manner, map: map.clone(), changes: Vec::new(), failed: BTreeSet::new(), succeeded: false }
    }

    /// Sets these.
    pub fn set(mut self, attributes: &BTreeMap<String, String>) -> Edit<'a> {
        let mut changed = Vec::new();
        for (key, value) in attributes {
            match self.set_one(key, value) {
                Some(true) => changed.extend(self.map.get(key.as_str()).map(|attribute| to_pb(key, attribute))),
                Some(false) => {}
                None => drop(self.failed.insert(key.clone())),
            }
        }
        self.note(AttributesAction::Set, changed)
    }

    /// Deletes these.
    pub fn delete(mut self, keys: &[String]) -> Edit<'a> {
        let mut changed = Vec::new();
        for key in keys.iter().collect::<BTreeSet<_>>() {
            match self.map.get(key.as_str()) {
                Some(attribute) if attribute.owner == *self.account || self.manner.force => {
                    changed.push(to_pb(key, attribute));
                    self.map.remove(key.as_str());
                    self.succeeded = true;
                }
                _ => drop(self.failed.insert(key.clone())),
            }
        }
        self.note(AttributesAction::Delete, changed)
    }

    /// Whether the attribute is another than before; `None` if it is not the caller's to change.
    fn set_one(&mut self, key: &str, value: &str) -> Option<bool> {
        let Manner { force, update_owner, goes } = self.manner;
        let (account, old) = (self.account, self.map.get(key));
        let new = match old {
            Some(old) if old.owner != *account && !force => return None,
            Some(old) if old.owner != *account && !update_owner => Attribute { value: value.into(), ..old.clone() },
            _ => Attribute { value: value.into(), owner: account.clone(), goes },
        };
        self.succeeded = true;
        let is_other = old != Some(&new);
        self.map.insert(key.into(), new);
        Some(is_other)
    }

    fn note(mut self, action: AttributesAction, attributes: Vec<pb::Attribute>) -> Edit<'a> {
        if !attributes.is_empty() {
            self.changes.push(pb::AttributesChanged { action: action as i32, attributes });
        }
        self
    }
}

/// The limits on all attributes of a room: 419 beyond them.
pub(super) fn check_room(map: &Map) -> Result<(), Status> {
    if map.len() > limits::ATTRIBUTES_MAX {
        return Err(Status::with_sub(Code::OverQuota, Sub::AttributesCount));
    }
    if bytes(map) > limits::ATTRIBUTES_BYTES_MAX {
        return Err(Status::with_sub(Code::OverQuota, Sub::AttributesTotal));
    }
    Ok(())
}

/// The limits on all attributes of a member: 414 or 419 beyond them.
pub(super) fn check_member(map: &Map) -> Result<(), Status> {
    if map.len() > limits::MEMBER_ATTRIBUTES_MAX {
        return Err(Status::bad_parameter(format!("a member carries at most {} attributes", limits::MEMBER_ATTRIBUTES_MAX)));
    }
    if bytes(map) > limits::MEMBER_ATTRIBUTES_BYTES_MAX {
        return Err(Status::with_sub(Code::OverQuota, Sub::MemberAttributesTotal));
    }
    Ok(())
}

/// Takes out those that satisfy a condition.
pub(super) fn take_out(map: &mut Map, condition: impl Fn(&Attribute) -> bool) -> Vec<pb::Attribute> {
    let mut taken = Vec::new();
    map.retain(|key, attribute| {
        let goes = condition(attribute);
        if goes {
            taken.push(to_pb(key, attribute));
        }
        !goes
    });
    taken
}

/// As members see them, in the order of keys.
pub(super) fn list(map: &Map) -> Vec<pb::Attribute> {
    map.iter().map(|(key, attribute)| to_pb(key, attribute)).collect()
}

/// The attribute behind what [`list`] gave, with its key.
pub(super) fn from_pb(attribute: pb::Attribute) -> Result<(Box<str>, Attribute), Status> {
    let owner = AccountId::parse(&attribute.owner)?;
    let goes = attribute.delete_after_owner_left;
    Ok((attribute.key.into(), Attribute { value: attribute.value.into(), owner, goes }))
}

fn to_pb(key: &str, attribute: &Attribute) -> pb::Attribute {
    pb::Attribute {
        key: key.into(),
        value: attribute.value.to_string(),
        owner: attribute.owner.as_str().into(),
        delete_after_owner_left: attribute.goes,
    }
}

fn bytes(map: &Map) -> usize {
    map.iter().map(|(key, attribute)| key.len() + attribute.value.len()).sum()
}

/// The attributes of the members, here or not. Who carries none is absent.
#[derive(Default)]
pub(super) struct MemberAttributes {
    by_account: BTreeMap<AccountId, Map>,
}

impl MemberAttributes {
    /// Accounts that carry any.
    pub fn len(&self) -> usize {
        self.by_account.len()
    }

    /// What an account carries.
    pub fn of(&self, account: &AccountId) -> Option<&Map> {
        self.by_account.get(account)
    }

    /// Says what an account carries from now on.
    pub fn put(&mut self, account: &AccountId, map: Map) {
        if map.is_empty() {
            self.by_account.remove(account);
        } else {
            self.by_account.insert(account.clone(), map);
        }
    }

    /// Everybody that carries any and comes after an account, in the order of accounts.
    pub fn after(&self, account: Option<&AccountId>) -> impl Iterator<Item = (&AccountId, &Map)> {
        let begin = account.map_or(Bound::Unbounded, Bound::Excluded);
        self.by_account.range::<AccountId, _>((begin, Bound::Unbounded))
    }

    /// Whether an account carries any that go with it.
    pub fn has_going(&self, account: &AccountId) -> bool {
        self.of(account).is_some_and(|map| map.values().any(|attribute| attribute.goes))
    }

    /// Takes out those of an account that go with it.
    pub fn clear_going(&mut self, account: &AccountId) -> Vec<pb::Attribute> {
        let Some(map) = self.by_account.get_mut(account) else { return Vec::new() };
        let taken = take_out(map, |attribute| attribute.goes);
        if map.is_empty() {
            self.by_account.remove(account);
        }
        taken
    }

    /// Takes out those of everybody that go with who carries them.
    pub fn clear_all_going(&mut self) {
        self.by_account.retain(|_, map| {
            map.retain(|_, attribute| !attribute.goes);
            !map.is_empty()
        });
    }
}
