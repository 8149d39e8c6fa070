//! What is lent to callbacks: C's view of the packets, pointing into them. Most of these structs follow from `proto/`: see
//! `generated`. Here is what keeps them, and what has a shape of its own.
//!
//! The library makes these structs and C only reads them, so fields may be added at their ends.

use std::any::Any;
use std::sync::Arc;

use super::answer::Lend;
use super::boundary::value;
use super::generated::{chatroom_message_t, chatroom_notification_t, lend_message, lend_notification};
use super::types::chatroom_bytes_t;
use crate::wire::pb;

/// Memory that views need beside their packets. What is in it does not move with this value.
#[derive(Default)]
pub(super) struct Arena {
    kept: Vec<Box<dyn Any>>,
}

impl Arena {
    /// The address of an array's first value, NULL if there is none.
    pub(super) fn array<T: 'static>(&mut self, values: Vec<T>) -> *const T {
        if values.is_empty() {
            return std::ptr::null();
        }
        let first = values.as_ptr();
        self.kept.push(Box::new(values));
        first
    }

    /// The address of one value.
    pub(super) fn one<T: 'static>(&mut self, value: T) -> *const T {
        self.array(vec![value])
    }

    /// Several texts as C sees them.
    pub(super) fn texts(&mut self, texts: &[String]) -> (*const chatroom_bytes_t, usize) {
        (self.array(texts.iter().map(|text| chatroom_bytes_t::lend(text.as_bytes())).collect()), texts.len())
    }

    /// Structs in an array of pointers, as C gets those that may grow.
    pub(super) fn row<T: 'static>(&mut self, views: Vec<T>) -> (*const *const T, usize) {
        let pointers: Vec<*const T> = views.iter().map(|view| &raw const *view).collect();
        self.array(views);
        let count = pointers.len();
        (self.array(pointers), count)
    }
}

/// `flag` where `set` says so.
pub(super) fn flag(set: bool, flag: u32) -> u32 {
    if set { flag } else { 0 }
}

/// A message with what it points into. The view comes first, so that its address is the whole's.
#[repr(C)]
pub(super) struct LentMessage {
    view: chatroom_message_t,
    _packet: Box<pb::Message>,
}

// SAFETY: the view points into the message it is kept with, nothing changes either, and both are plain data.
unsafe impl Send for LentMessage {}
// SAFETY: as above: there is nothing to change through a shared reference.
unsafe impl Sync for LentMessage {}

impl LentMessage {
    pub(super) fn new(packet: Box<pb::Message>) -> Arc<LentMessage> {
        Arc::new(LentMessage { view: lend_message(&packet), _packet: packet })
    }

    /// The address C gets; good for counting, too.
    pub(super) fn lend(this: &Arc<LentMessage>) -> *const chatroom_message_t {
        Arc::as_ptr(this).cast()
    }
}

/// Keeps a lent message beyond its callback, and returns it. Counts the received buffer up and copies nothing. NULL for NULL.
///
/// A message keeps the whole buffer alive that it was received in: to keep many for long, copy what matters.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_message_ref(message: *const chatroom_message_t) -> *const chatroom_message_t {
    value(message, || {
        if !message.is_null() {
            // SAFETY: messages come from `LentMessage::lend` only, and the caller promises that this one is still counted.
            unsafe { Arc::increment_strong_count(message.cast::<LentMessage>()) };
        }
        message
    })
}

/// Lets a message go that chatroom_message_ref kept; also after its client has ended. NULL is nothing to do.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_message_unref(message: *const chatroom_message_t) {
    value((), || {
        if !message.is_null() {
            // SAFETY: messages come from `LentMessage::lend` only, and the caller gives up the count it took.
            unsafe { Arc::decrement_strong_count(message.cast::<LentMessage>()) };
        }
    });
}

/// A notification with what it points into.
pub(super) struct LentNotification {
    view: chatroom_notification_t,
    packet: pb::Notification,
    _arena: Arena,
}

impl LentNotification {
    pub(super) fn new(packet: pb::Notification) -> Box<LentNotification> {
        let mut arena = Arena::default();
        // The texts' own memory stays where it is when the packet moves in here.
        Box::new(LentNotification { view: lend_notification(&packet, &mut arena), packet, _arena: arena })
    }

    /// The packet behind the view.
    pub(super) fn packet(&self) -> &pb::Notification {
        &self.packet
    }

    pub(super) fn lend(&self) -> *const chatroom_notification_t {
        &raw const self.view
    }
}

/// An item of the history: one of the two is not NULL. Lent: valid until the callback returns. Never grows.
#[repr(C)]
pub struct chatroom_item_t {
    /// A message, or NULL. chatroom_message_ref keeps it.
    pub message: *const chatroom_message_t,
    /// Something that happened, or NULL.
    pub notification: *const chatroom_notification_t,
}

/// A page of the history. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_history_t {
    /// The items, in the order asked for.
    pub items: *const chatroom_item_t,
    /// How many items there are.
    pub item_count: usize,
    /// 1: there are more, from the last of these on.
    pub has_more: u32,
    /// Always 0.
    pub reserved: u32,
    /// With `has_more`: `last_seq` of the query for the next page, even where nothing matched.
    pub reached_seq: u64,
}

impl Lend for pb::MessageHistoryResponse {
    type View = chatroom_history_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_history_t)) {
        use pb::history_item::Item;
        let (mut messages, mut notifications) = (Vec::new(), Vec::new());
        // What a newer server adds to the kinds of items is left out.
        let view = |item| match item {
            Item::Message(packet) => {
                let kept = LentMessage::new(Box::new(packet));
                let item = chatroom_item_t { message: LentMessage::lend(&kept), notification: std::ptr::null() };
                messages.push(kept);
                item
            }
            Item::Notification(packet) => {
                let kept = LentNotification::new(packet);
                let item = chatroom_item_t { message: std::ptr::null(), notification: kept.lend() };
                notifications.push(kept);
                item
            }
        };
        let items: Vec<chatroom_item_t> = self.items.into_iter().filter_map(|item| item.item).map(view).collect();
        let (mut arena, item_count) = (Arena::default(), items.len());
        let items = arena.array(items);
        body(&chatroom_history_t {
            items,
            item_count,
            has_more: self.has_more.into(),
            reserved: 0,
            reached_seq: self.reached_seq,
        });
    }
}

/// Rooms that were left. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_rooms_t {
    /// Their numbers.
    pub room_ids: *const i64,
    /// The names their makers gave them, in the same order.
    pub aliases: *const chatroom_bytes_t,
    /// How many rooms there are.
    pub room_count: usize,
}

impl Lend for pb::RoomLeaveAllResponse {
    type View = chatroom_rooms_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_rooms_t)) {
        let mut arena = Arena::default();
        // The two belong together; a server that gives fewer names than rooms gives empty ones.
        let mut aliases: Vec<_> = self.aliases.iter().map(|alias| chatroom_bytes_t::lend(alias.as_bytes())).collect();
        aliases.resize(self.room_ids.len(), chatroom_bytes_t::EMPTY);
        let room_count = self.room_ids.len();
        body(&chatroom_rooms_t { room_ids: arena.array(self.room_ids), aliases: arena.array(aliases), room_count });
    }
}
