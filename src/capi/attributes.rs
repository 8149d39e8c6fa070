//! Attributes as C sees them: those of a room, those of its members, and how they change.

use super::answer::Lend;
use super::lend::{Row, first, texts};
use super::types::chatroom_bytes_t;
use crate::wire::pb;

/// An attribute of a room or of a member. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_attribute_t {
    /// Its name.
    pub key: chatroom_bytes_t,
    /// What it says.
    pub value: chatroom_bytes_t,
    /// Of a room: whose it is, who may change it without force. Of a member: who set it last.
    pub owner: chatroom_bytes_t,
    /// 1: it goes when its owner, or the member it belongs to, has left.
    pub delete_after_owner_left: u32,
    /// Always 0.
    pub reserved: u32,
}

fn attribute(attribute: &pb::Attribute) -> chatroom_attribute_t {
    chatroom_attribute_t {
        key: chatroom_bytes_t::text(&attribute.key),
        value: chatroom_bytes_t::text(&attribute.value),
        owner: chatroom_bytes_t::text(&attribute.owner),
        delete_after_owner_left: attribute.delete_after_owner_left.into(),
        reserved: 0,
    }
}

/// Attributes in an array of pointers.
pub(super) fn attributes(attributes: &[pb::Attribute]) -> Row<chatroom_attribute_t> {
    Row::new(attributes, attribute)
}

/// The attributes of a room. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_attributes_t {
    /// The attributes in the order of their keys, in an array of pointers, none of them NULL.
    pub attributes: *const *const chatroom_attribute_t,
    /// How many attributes there are.
    pub attribute_count: usize,
}

impl Lend for pb::AttributesListResponse {
    type View = chatroom_attributes_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_attributes_t)) {
        let row = attributes(&self.attributes);
        body(&chatroom_attributes_t { attributes: row.first(), attribute_count: row.len() });
    }
}

/// What happened to attributes of a room. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_attributes_change_t {
    /// A `chatroom_attributes_action`, or a number this library does not know.
    pub action: i32,
    /// Always 0.
    pub reserved: u32,
    /// The attributes that changed, of a deletion with their last values, in an array of pointers, none of them NULL.
    pub attributes: *const *const chatroom_attribute_t,
    /// How many attributes there are.
    pub attribute_count: usize,
}

/// The attributes of a member. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_member_attributes_t {
    /// The member's account.
    pub account: chatroom_bytes_t,
    /// Its attributes, in an array of pointers, none of them NULL. In a notification of a deletion the value is empty.
    pub attributes: *const *const chatroom_attribute_t,
    /// How many attributes there are.
    pub attribute_count: usize,
    /// Keys that stayed as they were, because others have set them.
    pub error_keys: *const chatroom_bytes_t,
    /// How many such keys there are.
    pub error_key_count: usize,
}

/// Members with attributes. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_member_attributes_page_t {
    /// The members, in an array of pointers, none of them NULL.
    pub members: *const *const chatroom_member_attributes_t,
    /// How many members there are.
    pub member_count: usize,
    /// Where the next page begins; empty: that was all.
    pub next: chatroom_bytes_t,
    /// Of a change: accounts that are not in the room.
    pub error_accounts: *const chatroom_bytes_t,
    /// How many such accounts there are.
    pub error_account_count: usize,
}

/// Changes of a room's attributes, with what their views need besides the packet.
pub(super) struct LentChanges {
    pub(super) row: Row<chatroom_attributes_change_t>,
    _attributes: Vec<Row<chatroom_attribute_t>>,
}

impl LentChanges {
    pub(super) fn new<'a>(changes: impl Iterator<Item = &'a pb::AttributesChanged>) -> LentChanges {
        let (actions, rows): (Vec<i32>, Vec<_>) = changes.map(|change| (change.action, attributes(&change.attributes))).unzip();
        let views = actions.into_iter().zip(&rows).map(|(action, row)| chatroom_attributes_change_t {
            action,
            reserved: 0,
            attributes: row.first(),
            attribute_count: row.len(),
        });
        LentChanges { row: Row::of(views.collect()), _attributes: rows }
    }
}

/// Attributes of members, with what their views need besides the packet.
pub(super) struct LentMemberAttributes {
    pub(super) row: Row<chatroom_member_attributes_t>,
    _parts: Vec<(Row<chatroom_attribute_t>, Vec<chatroom_bytes_t>)>,
}

impl LentMemberAttributes {
    pub(super) fn new(members: &[pb::MemberAttributes]) -> LentMemberAttributes {
        let parts: Vec<_> = members.iter().map(|member| (attributes(&member.attributes), texts(&member.error_keys))).collect();
        let views = members.iter().zip(&parts).map(|(member, (row, error_keys))| chatroom_member_attributes_t {
            account: chatroom_bytes_t::text(&member.account),
            attributes: row.first(),
            attribute_count: row.len(),
            error_keys: first(error_keys),
            error_key_count: error_keys.len(),
        });
        LentMemberAttributes { row: Row::of(views.collect()), _parts: parts }
    }

    fn lend_page(&self, next: &str, error_accounts: &[String], body: impl FnOnce(&chatroom_member_attributes_page_t)) {
        let error_accounts = texts(error_accounts);
        body(&chatroom_member_attributes_page_t {
            members: self.row.first(),
            member_count: self.row.len(),
            next: chatroom_bytes_t::text(next),
            error_accounts: first(&error_accounts),
            error_account_count: error_accounts.len(),
        });
    }
}

impl Lend for pb::MemberAttributesListResponse {
    type View = chatroom_member_attributes_page_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_member_attributes_page_t)) {
        LentMemberAttributes::new(&self.members).lend_page(&self.next, &[], body);
    }
}

impl Lend for pb::MemberAttributesSetResponse {
    type View = chatroom_member_attributes_page_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_member_attributes_page_t)) {
        LentMemberAttributes::new(&self.members).lend_page("", &self.error_accounts, body);
    }
}
