//! The queue of a room (chatroom.md §f): a vector, searched from the front.

use bytes::Bytes;
use chatroom::error::{Code, Sub};
use chatroom::room::{Actor, Origin};
use chatroom::wire::pb::{self, NotificationType, QueueEvent};
use chatroom::wire::{Push, Response};

use super::rules::{self, Right};
use super::{Element, Model, Refusal, Verdict, Want, account, chars};

fn fits(key: &str, value: &[u8]) -> bool {
    (1..=128).contains(&key.len()) && value.len() <= 4096 && std::str::from_utf8(value).is_ok()
}

pub fn to_pb(element: &Element) -> pb::QueueElement {
    pb::QueueElement {
        key: element.key.clone(),
        value: Bytes::copy_from_slice(&element.value),
        owner: element.owner.clone(),
        transient: element.transient,
    }
}

impl Model {
    fn element(&self, key: &str) -> Option<&Element> {
        self.queue.iter().find(|element| element.key == key)
    }

    /// An update keeps its place, a new key goes to the tail. True if it was there.
    fn put(&mut self, element: Element) -> bool {
        match self.queue.iter_mut().find(|old| old.key == element.key) {
            Some(old) => {
                *old = element;
                true
            }
            None => {
                self.queue.push(element);
                false
            }
        }
    }

    fn has_room_for(&self, key: &str) -> bool {
        self.element(key).is_some() || self.queue.len() < self.queue_size as usize
    }

    /// Rows 4 to 9 of §c.0; over HTTP an operator who is not here must be the creator (§f.2).
    fn check_queue(&self, actor: &Actor, right: Right) -> Result<(), Refusal> {
        self.check_here(actor)?;
        let is_outside = actor.origin == Origin::Http && !self.is_here(actor.account.as_str());
        self.check_not_blocked(actor)?;
        let right = if right == Right::QueueChange && self.queue_level == 1 { Right::QueueChangeLevelOne } else { right };
        rules::permitted(right, self.class_of(actor))?;
        if is_outside && actor.account.as_str() != self.creator {
            return Err(Refusal::sub(Code::Forbidden, Sub::NotInRoom));
        }
        Ok(())
    }

    fn queue_push(
        &self,
        want: &mut Want,
        kind: NotificationType,
        event: QueueEvent,
        operator: &str,
        ext: &str,
        elements: &[Element],
    ) {
        let change = |element: &Element| pb::QueueElementChange {
            key: element.key.clone(),
            value: Bytes::copy_from_slice(&element.value),
        };
        let mut notice = self.notice(kind, operator, &[], ext);
        notice.queue_changed = Some(pb::QueueChanged { event: event as i32, elements: elements.iter().map(change).collect() });
        want.push = Some(Push::Notification(notice));
        want.in_history = true;
        want.receivers = self.everybody();
    }

    pub fn queue_init(&mut self, actor: &Actor, request: &pb::QueueInitRequest) -> Verdict {
        let size = request.size_limit.unwrap_or(50);
        if size > 1000 {
            return Err(Refusal::bad());
        }
        self.check_queue(actor, Right::QueueInit)?;
        self.queue_size = size;
        Ok(Want::durable(Response::QueueInit(pb::Status::default())))
    }

    /// The owner an element gets, checked.
    fn owner_for(&self, actor: &Actor, named: &str, transient: bool) -> Result<String, Refusal> {
        let caller = actor.account.as_str();
        let owner = if named.is_empty() { caller.to_owned() } else { account(named)? };
        if owner != caller {
            rules::permitted(Right::QueueOfferForOther, self.class_of(actor))?;
        }
        if transient && !self.is_here(&owner) {
            return Err(match actor.origin {
                Origin::Http => Refusal::sub(Code::WrongToken, Sub::TargetOffline),
                _ => Refusal::sub(Code::NotFound, Sub::TargetOffline),
            });
        }
        Ok(owner)
    }

    pub fn queue_offer(&mut self, actor: &Actor, request: &pb::QueueOfferRequest) -> Verdict {
        if !fits(&request.key, &request.value) {
            return Err(Refusal::bad());
        }
        if !request.owner.is_empty() {
            account(&request.owner)?;
        }
        self.check_queue(actor, Right::QueueChange)?;
        let owner = self.owner_for(actor, &request.owner, request.transient)?;
        if !self.has_room_for(&request.key) {
            return Err(Refusal::code(Code::OverQuota));
        }
        let element = Element { key: request.key.clone(), value: request.value.to_vec(), owner, transient: request.transient };
        let updated = self.put(element.clone());
        let mut want = Want::durable(Response::QueueOffer(pb::QueueOfferResponse { updated, ..Default::default() }));
        let kind = NotificationType::QueueChanged;
        self.queue_push(&mut want, kind, QueueEvent::Offer, actor.account.as_str(), "", &[element]);
        Ok(want)
    }

    pub fn queue_batch_offer(&mut self, actor: &Actor, request: &pb::QueueBatchOfferRequest) -> Verdict {
        if request.elements.len() > 100 || request.elements.is_empty() {
            return Err(Refusal::bad());
        }
        chars(&request.notify_ext, 2048)?;
        for element in &request.elements {
            if !element.owner.is_empty() {
                account(&element.owner)?;
            }
        }
        self.check_queue(actor, Right::QueueChange)?;
        let mut owners = Vec::new();
        for element in &request.elements {
            owners.push(self.owner_for(actor, &element.owner, element.transient)?);
        }
        let (mut failed_keys, mut done) = (Vec::new(), Vec::new());
        for (asked, owner) in request.elements.iter().zip(owners) {
            if !fits(&asked.key, &asked.value) || !self.has_room_for(&asked.key) {
                failed_keys.push(asked.key.clone());
                continue;
            }
            let element = Element { key: asked.key.clone(), value: asked.value.to_vec(), owner, transient: asked.transient };
            self.put(element.clone());
            done.push(element);
        }
        let reply = Response::QueueBatchOffer(pb::QueueBatchResponse { failed_keys, ..Default::default() });
        let mut want = Want::reply(reply);
        want.durable = !done.is_empty();
        if request.notify && !done.is_empty() {
            let kind = NotificationType::QueueBatchOffered;
            self.queue_push(&mut want, kind, QueueEvent::BatchOffer, actor.account.as_str(), &request.notify_ext, &done);
        }
        Ok(want)
    }

    pub fn queue_poll(&mut self, actor: &Actor, request: &pb::QueuePollRequest) -> Verdict {
        if request.key.len() > 128 {
            return Err(Refusal::bad());
        }
        self.check_queue(actor, Right::QueueChange)?;
        let place = match request.key.as_str() {
            "" if self.queue.is_empty() => None,
            "" => Some(0),
            key => self.queue.iter().position(|element| element.key == key),
        };
        let Some(place) = place else { return Err(Refusal::code(Code::NotFound)) };
        let element = self.queue.remove(place);
        let reply = pb::QueueElementResponse { element: Some(to_pb(&element)), ..Default::default() };
        let mut want = Want::durable(Response::QueuePoll(reply));
        let kind = NotificationType::QueueChanged;
        self.queue_push(&mut want, kind, QueueEvent::Poll, actor.account.as_str(), "", &[element]);
        Ok(want)
    }

    pub fn queue_change(&mut self, actor: &Actor, request: &pb::QueueChangeRequest) -> Verdict {
        if request.elements.len() > 100 || request.elements.is_empty() {
            return Err(Refusal::bad());
        }
        if request.elements.iter().any(|element| !fits(&element.key, &element.value)) {
            return Err(Refusal::bad());
        }
        if request.notify && request.notify_ext.is_empty() {
            return Err(Refusal::bad());
        }
        chars(&request.notify_ext, 2048)?;
        self.check_queue(actor, Right::QueueChange)?;
        let (mut failed_keys, mut done) = (Vec::new(), Vec::new());
        for asked in &request.elements {
            if self.element(&asked.key).is_none() {
                failed_keys.push(asked.key.clone());
                continue;
            }
            let element = Element {
                key: asked.key.clone(),
                value: asked.value.to_vec(),
                owner: actor.account.as_str().into(),
                // §f.3 speaks of updates that carry the flag; this one does not, so it holds while the owner stays the same.
                transient: self
                    .element(&asked.key)
                    .is_some_and(|element| element.transient && element.owner == actor.account.as_str()),
            };
            self.put(element.clone());
            done.push(element);
        }
        let reply = Response::QueueChange(pb::QueueBatchResponse { failed_keys, ..Default::default() });
        let mut want = Want::reply(reply);
        want.durable = !done.is_empty();
        if request.notify && !done.is_empty() {
            let kind = NotificationType::QueueBatchChanged;
            self.queue_push(&mut want, kind, QueueEvent::BatchUpdate, actor.account.as_str(), &request.notify_ext, &done);
        }
        Ok(want)
    }

    pub fn queue_drop(&mut self, actor: &Actor) -> Verdict {
        self.check_queue(actor, Right::QueueDrop)?;
        let mut want = Want::reply(Response::QueueDrop(pb::QueueDropResponse::default()));
        if self.queue.is_empty() {
            return Ok(want);
        }
        self.queue.clear();
        want.durable = true;
        self.queue_push(&mut want, NotificationType::QueueChanged, QueueEvent::Drop, actor.account.as_str(), "", &[]);
        Ok(want)
    }

    /// §f.4: said by the server only.
    pub fn queue_clear_owner(&mut self, actor: &Actor) -> Verdict {
        self.check_open()?;
        if actor.origin != Origin::Server {
            return Err(Refusal::code(Code::Forbidden));
        }
        let owner = actor.account.as_str();
        let (gone, kept) =
            std::mem::take(&mut self.queue).into_iter().partition(|element| element.transient && element.owner == owner);
        self.queue = kept;
        let gone: Vec<Element> = gone;
        let mut want = Want::reply(Response::QueueDrop(pb::QueueDropResponse::default()));
        if gone.is_empty() {
            return Ok(want);
        }
        want.durable = true;
        self.queue_push(&mut want, NotificationType::QueueBatchChanged, QueueEvent::PartClear, owner, "", &gone);
        Ok(want)
    }
}
