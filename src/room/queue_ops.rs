//! What members do with the room's queue (chatroom.md §f.2-§f.5).

use super::entry::{Command, Entry, Outcome};
use crate::subject::{Actor, NoticePriority, Origin};
use bytes::Bytes;
use prost::Message as _;

use super::check;
use super::command::Op;
use super::permissions::{Class, Operation};
use super::queue::Element;
use super::report::{Noted, QueueReport};
use super::state::Room;
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, UnixMs};
use crate::limits;
use crate::wire::Response;
use crate::wire::pb::{self, NotificationType, QueueEvent};

impl Room {
    pub(super) fn queue_init(&mut self, entry: &Entry, request: &pb::QueueInitRequest) -> Result<Outcome, Status> {
        if request.size_limit.is_some_and(|size| size > limits::QUEUE_SIZE_MAX) {
            return Err(Status::bad_parameter(format!("size_limit must not exceed {}", limits::QUEUE_SIZE_MAX)));
        }
        self.reach_queue(&entry.command.actor, entry.stamp.clock, Some(Operation::QueueInit))?;
        self.note_queue_init(entry, request);
        Ok(Outcome::lasting(Response::QueueInit(pb::Status::default())))
    }

    pub(super) fn note_queue_init(&mut self, _: &Entry, request: &pb::QueueInitRequest) {
        self.queue.set_size_limit(request.size_limit.unwrap_or(limits::QUEUE_SIZE_DEFAULT));
    }

    pub(super) fn queue_offer(&mut self, entry: &Entry, request: &pb::QueueOfferRequest) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        check_element(&request.key, &request.value)?;
        let owner = check_owner(actor, &request.owner)?;
        self.reach_queue(actor, entry.stamp.clock, None)?;
        self.check_owners(actor, entry.stamp.clock, &[(owner, request.transient)])?;
        if !self.queue.has_room_for(&request.key) {
            return Err(full());
        }
        let high_priority = self.admit_notice(entry)?;
        let updated = self.queue.element(&request.key).is_some();
        self.note_queue_offer(entry, request);
        let changed = || vec![change(&request.key, &request.value)];
        let report = self.note_queue(&actor.account, QueueEvent::Offer, updated, changed);
        let notice = self.queue_notice(entry, QueueEvent::Offer, vec![change(&request.key, &request.value)], "");
        let reply = pb::QueueOfferResponse { updated, high_priority, ..Default::default() };
        Ok(Outcome { told: noted(report), ..Outcome::notified(Response::QueueOffer(reply), Some(notice)) })
    }

    pub(super) fn note_queue_offer(&mut self, entry: &Entry, request: &pb::QueueOfferRequest) {
        let owner = AccountId::parse(&request.owner).unwrap_or_else(|_| entry.command.actor.account.clone());
        let value = Bytes::copy_from_slice(&request.value);
        self.queue.offer(Element { key: request.key.as_str().into(), value, owner, transient: request.transient });
    }

    pub(super) fn queue_batch_offer(&mut self, entry: &Entry, request: &pb::QueueBatchOfferRequest) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        check_batch(request.elements.len())?;
        check::notify_ext(&request.notify_ext)?;
        let owners = request.elements.iter().map(|element| Ok((check_owner(actor, &element.owner)?, element.transient)));
        let owners = owners.collect::<Result<Vec<_>, Status>>()?;
        self.reach_queue(actor, entry.stamp.clock, None)?;
        self.check_owners(actor, entry.stamp.clock, &owners)?;
        self.check_notice(entry, request.notify)?;
        let (failed_keys, changes) = self.note_queue_batch_offer(entry, request);
        self.batch_outcome(entry, QueueEvent::BatchOffer, changes, failed_keys, request.notify, &request.notify_ext)
    }

    /// Offers what can be offered; gives the keys of the rest, and what was offered. A key may be among both.
    pub(super) fn note_queue_batch_offer(
        &mut self,
        entry: &Entry,
        request: &pb::QueueBatchOfferRequest,
    ) -> (Vec<String>, Vec<pb::QueueElementChange>) {
        let actor = &entry.command.actor;
        let (mut failed, mut offered) = (Vec::new(), Vec::new());
        for element in &request.elements {
            if check_element(&element.key, &element.value).is_err() || !self.queue.has_room_for(&element.key) {
                failed.push(element.key.clone());
                continue;
            }
            let owner = AccountId::parse(&element.owner).unwrap_or_else(|_| actor.account.clone());
            let value = Bytes::copy_from_slice(&element.value);
            self.queue.offer(Element { key: element.key.as_str().into(), value, owner, transient: element.transient });
            offered.push(change(&element.key, &element.value));
        }
        (failed, offered)
    }

    pub(super) fn queue_change(&mut self, entry: &Entry, request: &pb::QueueChangeRequest) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        check_batch(request.elements.len())?;
        request.elements.iter().try_for_each(|element| check_element(&element.key, &element.value))?;
        check::notify_ext(&request.notify_ext)?;
        if request.notify && request.notify_ext.is_empty() {
            return Err(Status::bad_parameter("notify_ext must be given with notify"));
        }
        self.reach_queue(actor, entry.stamp.clock, None)?;
        self.check_notice(entry, request.notify)?;
        let failed_keys = self.note_queue_change(entry, request);
        let done = request.elements.iter().filter(|element| !failed_keys.contains(&element.key));
        let changes: Vec<_> = done.map(|element| change(&element.key, &element.value)).collect();
        self.batch_outcome(entry, QueueEvent::BatchUpdate, changes, failed_keys, request.notify, &request.notify_ext)
    }

    /// Changes the elements that are there, and gives the keys of the rest.
    pub(super) fn note_queue_change(&mut self, entry: &Entry, request: &pb::QueueChangeRequest) -> Vec<String> {
        let actor = &entry.command.actor;
        let mut failed = Vec::new();
        for element in &request.elements {
            let Some(old) = self.queue.element(&element.key) else {
                failed.push(element.key.clone());
                continue;
            };
            // The element now belongs to whoever changed it, who may not be here to lose it again.
            let transient = old.transient && old.owner == actor.account;
            let (key, value) = (old.key.clone(), Bytes::copy_from_slice(&element.value));
            self.queue.offer(Element { key, value, owner: actor.account.clone(), transient });
        }
        failed
    }

    pub(super) fn queue_poll(&mut self, entry: &Entry, request: &pb::QueuePollRequest) -> Result<Outcome, Status> {
        if request.key.len() > limits::QUEUE_KEY_BYTES_MAX {
            return Err(bad_key());
        }
        self.reach_queue(&entry.command.actor, entry.stamp.clock, None)?;
        let is_there = if request.key.is_empty() { self.queue.head() } else { self.queue.element(&request.key) }.is_some();
        if !is_there {
            return Err(no_element());
        }
        let high_priority = self.admit_notice(entry)?;
        let element = self.note_queue_poll(entry, request).ok_or_else(no_element)?;
        let changed = || vec![change(&element.key, &element.value)];
        let report = self.note_queue(&entry.command.actor.account, QueueEvent::Poll, !request.key.is_empty(), changed);
        let notice = self.queue_notice(entry, QueueEvent::Poll, changed(), "");
        let reply = pb::QueueElementResponse { element: Some(element.to_pb()), high_priority, ..Default::default() };
        Ok(Outcome { told: noted(report), ..Outcome::notified(Response::QueuePoll(reply), Some(notice)) })
    }

    pub(super) fn note_queue_poll(&mut self, _: &Entry, request: &pb::QueuePollRequest) -> Option<Element> {
        self.queue.poll(&request.key)
    }

    pub(super) fn queue_drop(&mut self, entry: &Entry, request: &pb::QueueDropRequest) -> Result<Outcome, Status> {
        self.reach_queue(&entry.command.actor, entry.stamp.clock, Some(Operation::QueueDrop))?;
        if self.queue.len() == 0 {
            return Ok(Outcome::reply(Response::QueueDrop(pb::QueueDropResponse::default())));
        }
        let high_priority = self.admit_notice(entry)?;
        let keys = || self.queue.iter().map(|element| change(&element.key, b"")).collect();
        let report = self.note_queue(&entry.command.actor.account, QueueEvent::Drop, false, keys);
        self.note_queue_drop(entry, request);
        let reply = Response::QueueDrop(pb::QueueDropResponse { high_priority, ..Default::default() });
        let notice = self.queue_notice(entry, QueueEvent::Drop, Vec::new(), "");
        Ok(Outcome { told: noted(report), ..Outcome::notified(reply, Some(notice)) })
    }

    pub(super) fn note_queue_drop(&mut self, _: &Entry, _: &pb::QueueDropRequest) {
        self.queue.drop_all();
    }

    pub(super) fn queue_clear_owner(&mut self, entry: &Entry) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        if actor.origin != Origin::Server {
            return Err(Status::new(Code::Forbidden, "only the server clears an owner's elements"));
        }
        self.reach(actor)?;
        let reply = Response::QueueDrop(pb::QueueDropResponse::default());
        // What one notification has no room for follows with the next.
        let cleared = self.queue.clear_owner(&actor.account, limits::QUEUE_BATCH_MAX);
        if cleared.is_empty() {
            return Ok(Outcome::reply(reply));
        }
        let changes: Vec<_> = cleared.iter().map(|element| change(&element.key, &element.value)).collect();
        let report = self.note_queue(&actor.account, QueueEvent::PartClear, false, || changes.clone());
        let notice = self.queue_notice(entry, QueueEvent::PartClear, changes, "");
        let mut outcome = Outcome { told: noted(report), ..Outcome::notified(reply, Some(notice)) };
        if self.queue.has_transient_of(&actor.account) {
            outcome.kept = u32::try_from(cleared.len()).ok().map(|count| Box::new(Op::QueueClearSome(count)));
            outcome.follow_ups.push(Command { actor: Actor::server(actor.account.clone()), op: Op::QueueClearOwner });
        }
        Ok(outcome)
    }

    /// The queue in its order, over the wire in pages that fit into a frame.
    pub(super) fn queue_list_query(
        &self,
        now: UnixMs,
        actor: &Actor,
        request: &pb::QueueListRequest,
    ) -> Result<Response, Status> {
        if request.limit > limits::QUEUE_SIZE_MAX {
            return Err(Status::bad_parameter(format!("limit must not exceed {}", limits::QUEUE_SIZE_MAX)));
        }
        self.reach_to_read(actor, Operation::QueueRead, now)?;
        let limit = if request.limit == 0 { usize::MAX } else { request.limit as usize };
        let bytes_max = if actor.origin == Origin::Http { usize::MAX } else { limits::PAGE_BYTES_MAX };
        let (mut page, mut bytes) = (pb::QueueListResponse::default(), 0);
        for (place, element) in self.queue.behind(request.after) {
            let element = element.to_pb();
            bytes += element.encoded_len() + limits::PAGE_ITEM_BYTES;
            if page.elements.len() >= limit || bytes > bytes_max {
                page.has_more = true;
                break;
            }
            page.reached = place;
            page.elements.push(element);
        }
        if !page.has_more {
            page.reached = 0;
        }
        Ok(Response::QueueList(page))
    }

    pub(super) fn queue_peek_query(&self, now: UnixMs, actor: &Actor, _: &pb::QueuePeekRequest) -> Result<Response, Status> {
        self.reach_to_read(actor, Operation::QueueRead, now)?;
        let element = Some(self.queue.head().ok_or_else(no_element)?.to_pb());
        Ok(Response::QueuePeek(pb::QueueElementResponse { element, ..Default::default() }))
    }

    pub(super) fn queue_multi_get_query(
        &self,
        now: UnixMs,
        actor: &Actor,
        request: &pb::QueueMultiGetRequest,
    ) -> Result<Response, Status> {
        check_batch(request.keys.len())?;
        self.reach_to_read(actor, Operation::QueueRead, now)?;
        let elements = request.keys.iter().filter_map(|key| self.queue.element(key)).map(Element::to_pb).collect();
        Ok(Response::QueueMultiGet(pb::QueueListResponse { elements, ..Default::default() }))
    }

    /// Rows 4 to 9 of chatroom.md §c.0 for the queue. Without an operation the room's queue level says which row of the matrix
    /// it is.
    fn reach_queue(&self, actor: &Actor, now: UnixMs, operation: Option<Operation>) -> Result<(), Status> {
        self.reach(actor)?;
        let by_level = if self.info.queue_level == 0 { Operation::QueueChange } else { Operation::QueueChangeManaged };
        let (_, class) = self.permit(actor, operation.unwrap_or(by_level), now)?;
        let is_here = actor.origin != Origin::Http || class == Class::Creator || self.people.person(&actor.account).is_some();
        if is_here { Ok(()) } else { Err(Status::with_sub(Code::Forbidden, Sub::NotInRoom)) }
    }

    /// Elements for somebody else need power, and transient ones need an owner who is here.
    fn check_owners(&self, actor: &Actor, now: UnixMs, owners: &[(AccountId, bool)]) -> Result<(), Status> {
        if owners.iter().any(|(owner, _)| *owner != actor.account) {
            self.permit(actor, Operation::QueueOfferForOther, now)?;
        }
        owners.iter().try_for_each(|(owner, _)| self.check_known(actor, owner))?;
        if owners.iter().any(|(owner, transient)| *transient && self.people.person(owner).is_none()) {
            let code = if actor.origin == Origin::Http { Code::WrongToken } else { Code::NotFound };
            return Err(Status::with_sub(code, Sub::TargetOffline));
        }
        Ok(())
    }

    /// 416 where the notification of a change has to be of high priority and may not be. Nothing has changed yet.
    fn check_notice(&mut self, entry: &Entry, notify: bool) -> Result<(), Status> {
        let wish = entry.command.actor.on_behalf.as_ref().map(|wishes| wishes.notice).unwrap_or_default();
        let must_be_high = notify && wish == NoticePriority::HighOrNever;
        if must_be_high && !self.priority.admits(entry.stamp.clock, self.settings.high_priority_per_second) {
            return Err(Status::with_sub(Code::TooFrequent, Sub::HighPriorityRate));
        }
        Ok(())
    }

    /// True if the notification of a change is of high priority, in which case it counts among the room's; refuses as
    /// [`Room::check_notice`] does.
    fn admit_notice(&mut self, entry: &Entry) -> Result<bool, Status> {
        self.check_notice(entry, true)?;
        let wish = entry.command.actor.on_behalf.as_ref().map(|wishes| wishes.notice).unwrap_or_default();
        let is_wanted = wish != NoticePriority::Ordinary;
        Ok(is_wanted && self.priority.admit(entry.stamp.clock, self.settings.high_priority_per_second))
    }

    fn queue_notice(
        &self,
        entry: &Entry,
        event: QueueEvent,
        elements: Vec<pb::QueueElementChange>,
        ext: &str,
    ) -> Box<pb::Notification> {
        let kind = match event {
            QueueEvent::PartClear | QueueEvent::BatchUpdate => NotificationType::QueueBatchChanged,
            QueueEvent::BatchOffer => NotificationType::QueueBatchOffered,
            _ => NotificationType::QueueChanged,
        };
        let mut notice = self.notice(entry, kind, ext);
        notice.queue_changed = Some(pb::QueueChanged { event: event as i32, elements });
        notice
    }

    fn batch_outcome(
        &mut self,
        entry: &Entry,
        event: QueueEvent,
        changes: Vec<pb::QueueElementChange>,
        failed_keys: Vec<String>,
        notify: bool,
        ext: &str,
    ) -> Result<Outcome, Status> {
        let high_priority = notify && !changes.is_empty() && self.admit_notice(entry)?;
        let response = pb::QueueBatchResponse { failed_keys, high_priority, ..Default::default() };
        let reply =
            if event == QueueEvent::BatchOffer { Response::QueueBatchOffer(response) } else { Response::QueueChange(response) };
        if changes.is_empty() {
            return Ok(Outcome::reply(reply));
        }
        let report = self.note_queue(&entry.command.actor.account, event, false, || changes.clone());
        let notice = notify.then(|| self.queue_notice(entry, event, changes, ext));
        Ok(Outcome { told: noted(report), ..Outcome::notified(reply, notice) })
    }
}

fn check_element(key: &str, value: &[u8]) -> Result<(), Status> {
    if key.is_empty() || key.len() > limits::QUEUE_KEY_BYTES_MAX {
        return Err(bad_key());
    }
    if value.len() > limits::QUEUE_VALUE_BYTES_MAX {
        return Err(Status::bad_parameter(format!("value must not exceed {} bytes", limits::QUEUE_VALUE_BYTES_MAX)));
    }
    std::str::from_utf8(value).map(drop).map_err(|_| Status::bad_parameter("value must be UTF-8"))
}

fn check_owner(actor: &Actor, owner: &str) -> Result<AccountId, Status> {
    if owner.is_empty() { Ok(actor.account.clone()) } else { check::account("owner", owner) }
}

fn check_batch(len: usize) -> Result<(), Status> {
    if (1..=limits::QUEUE_BATCH_MAX).contains(&len) {
        return Ok(());
    }
    Err(Status::bad_parameter(format!("a batch holds 1-{} elements", limits::QUEUE_BATCH_MAX)))
}

fn change(key: &str, value: &[u8]) -> pb::QueueElementChange {
    pb::QueueElementChange { key: key.into(), value: Bytes::copy_from_slice(value) }
}

fn bad_key() -> Status {
    Status::bad_parameter(format!("key must be 1-{} bytes", limits::QUEUE_KEY_BYTES_MAX))
}

fn no_element() -> Status {
    Status::new(Code::NotFound, "no such element in the queue")
}

fn full() -> Status {
    Status::new(Code::OverQuota, "the queue is full")
}

fn noted(queue: Option<Box<QueueReport>>) -> Noted {
    Noted { in_out: Vec::new(), queue }
}
