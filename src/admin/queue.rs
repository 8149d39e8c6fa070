//! Calls about a room's queue (rest-api.md §5, chatroom.md §f).

use bytes::Bytes;
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Rooms;
use super::answer::{self, Answer};
use super::call::{Call, no_answer};
use super::form::in_number;
use super::rooms::account_missing;
use crate::error::Status;
use crate::id::{AccountId, RoomId};
use crate::limits;
use crate::room::{Actor, NoticePriority, OnBehalf, Op, Query};
use crate::wire::Response;
use crate::wire::pb;

/// What calls that change the queue say about the notification: whether it was of high priority.
#[derive(Serialize)]
struct Changed {
    #[serde(rename = "highPriority")]
    high_priority: bool,
}

/// `/chatroom/queueInit.action`.
pub(super) async fn init<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (room, size_limit) = (call.room()?, call.form.number("sizeLimit")?);
    let request = pb::QueueInitRequest { room_id: room.get(), size_limit };
    call.command_as_creator(room, Op::QueueInit(request)).await?;
    Ok(answer::desc(&serde_json::Map::new()))
}

/// `/chatroom/queueOffer.action`.
pub(super) async fn offer<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (form, room) = (&call.form, call.room()?);
    let notice = notice(call)?;
    let request = pb::QueueOfferRequest {
        room_id: room.get(),
        key: form.required("key")?.to_owned(),
        value: Bytes::from(form.required("value")?.to_owned()),
        transient: form.flag("transient")?.unwrap_or(false),
        owner: String::new(),
    };
    let operator = acting(operator(call, room, form.text("operator")).await?, notice);
    match call.command_as(room, operator, Op::QueueOffer(Box::new(request))).await? {
        Response::QueueOffer(response) => Ok(answer::desc(&Changed { high_priority: response.high_priority })),
        _ => Err(no_answer()),
    }
}

/// `/chatroom/queueBatchOffer.action`.
pub(super) async fn offer_batch<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Deserialize)]
    struct Element {
        key: String,
        value: String,
        #[serde(default)]
        accid: String,
        transient: Option<bool>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Offered {
        failed_keys: Vec<String>,
        high_priority: bool,
    }
    let (form, room) = (&call.form, call.room()?);
    let notice = notice(call)?;
    let transient = form.flag("transient")?.unwrap_or(false);
    let elements: Vec<Element> = form.required_json("elements")?;
    in_number("elements", elements.len(), limits::QUEUE_BATCH_MAX)?;
    let element = |element: Element| pb::QueueElement {
        key: element.key,
        value: Bytes::from(element.value),
        owner: element.accid,
        transient: element.transient.unwrap_or(transient),
    };
    let request = pb::QueueBatchOfferRequest {
        room_id: room.get(),
        elements: elements.into_iter().map(element).collect(),
        notify: form.flag("needNotify")?.unwrap_or(false),
        notify_ext: form.owned("notifyExt"),
    };
    let operator = acting(operator(call, room, form.text("operator")).await?, notice);
    match call.command_as(room, operator, Op::QueueBatchOffer(request)).await? {
        Response::QueueBatchOffer(response) => {
            let (failed_keys, high_priority) = (response.failed_keys, response.high_priority);
            Ok(answer::desc(&Offered { failed_keys, high_priority }))
        }
        _ => Err(no_answer()),
    }
}

/// `/chatroom/queueBatchUpdateElements.action`.
pub(super) async fn change<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Updated {
        no_exist_element_key: Vec<String>,
        high_priority: bool,
    }
    let (form, room) = (&call.form, call.room()?);
    let notice = notice(call)?;
    let Pairs(pairs) = form.required_json("elements")?;
    in_number("elements", pairs.len(), limits::QUEUE_BATCH_MAX)?;
    let element = |(key, value)| pb::QueueElement { key, value: Bytes::from(value), ..pb::QueueElement::default() };
    let request = pb::QueueChangeRequest {
        room_id: room.get(),
        elements: pairs.into_iter().map(element).collect(),
        notify: form.flag("needNotify")?.unwrap_or(false),
        notify_ext: form.owned("notifyExt"),
    };
    let operator = acting(operator(call, room, Some(form.required("operator")?)).await?, notice);
    match call.command_as(room, operator, Op::QueueChange(request)).await? {
        Response::QueueChange(response) => {
            let (no_exist_element_key, high_priority) = (response.failed_keys, response.high_priority);
            Ok(answer::desc(&Updated { no_exist_element_key, high_priority }))
        }
        _ => Err(no_answer()),
    }
}

/// `/chatroom/queueList.action`.
pub(super) async fn list<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let room = call.room()?;
    match call.query(room, Query::QueueList(pb::QueueListRequest { room_id: room.get(), ..Default::default() })).await? {
        Response::QueueList(found) => Ok(print(&found.elements)),
        _ => Err(no_answer()),
    }
}

/// `/chatroom/queueMultiGet.action`.
pub(super) async fn get_some<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (room, keys) = (call.room()?, call.form.required_json::<Vec<String>>("keys")?);
    match call.query(room, Query::QueueMultiGet(pb::QueueMultiGetRequest { room_id: room.get(), keys })).await? {
        Response::QueueMultiGet(found) => Ok(print(&found.elements)),
        _ => Err(no_answer()),
    }
}

/// `/chatroom/queuePoll.action`.
pub(super) async fn poll<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Polled<'a> {
        key: &'a str,
        value: &'a str,
        high_priority: bool,
    }
    let (room, notice) = (call.room()?, notice(call)?);
    let request = pb::QueuePollRequest { room_id: room.get(), key: call.form.owned("key") };
    let creator = acting(operator(call, room, None).await?, notice);
    let Response::QueuePoll(response) = call.command_as(room, creator, Op::QueuePoll(request)).await? else {
        return Err(no_answer());
    };
    let element = response.element.unwrap_or_default();
    Ok(answer::desc(&Polled { key: &element.key, value: text(&element), high_priority: response.high_priority }))
}

/// `/chatroom/queueDrop.action`.
pub(super) async fn drop_all<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (room, notice) = (call.room()?, notice(call)?);
    let creator = acting(operator(call, room, None).await?, notice);
    match call.command_as(room, creator, Op::QueueDrop(pb::QueueDropRequest { room_id: room.get() })).await? {
        Response::QueueDrop(response) => Ok(answer::desc(&Changed { high_priority: response.high_priority })),
        _ => Err(no_answer()),
    }
}

/// Who changes the queue: an account that exists, else the room's creator.
async fn operator<R: Rooms>(call: &Call<'_, R>, room: RoomId, name: Option<&str>) -> Result<AccountId, Status> {
    match name {
        Some(name) => {
            let operator = AccountId::parse(name)?;
            call.account(&operator).await?.map(|_| operator).ok_or_else(account_missing)
        }
        None => AccountId::parse(&call.info(room).await?.creator),
    }
}

/// What the notification of the change is to be: with `highPriority` one of high priority, with `highPriorityPolicy` that or nothing.
fn notice<R: Rooms>(call: &Call<'_, R>) -> Result<NoticePriority, Status> {
    let (wanted, or_refuse) = (call.form.flag("highPriority")?, call.form.flag("highPriorityPolicy")?);
    Ok(match (wanted.unwrap_or(false), or_refuse.unwrap_or(false)) {
        (false, _) => NoticePriority::Ordinary,
        (true, false) => NoticePriority::High,
        (true, true) => NoticePriority::HighOrNever,
    })
}

/// An account that changes the queue, with what it wants of the notification.
fn acting(account: AccountId, notice: NoticePriority) -> Actor {
    Actor { on_behalf: Some(Box::new(OnBehalf { notice, ..OnBehalf::default() })), ..Actor::http(account) }
}

/// Elements, each an object of one pair, in the order of the queue.
fn print(elements: &[pb::QueueElement]) -> Answer {
    struct Pair<'a>(&'a pb::QueueElement);
    impl Serialize for Pair<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry(&self.0.key, text(self.0))?;
            map.end()
        }
    }
    #[derive(Serialize)]
    struct List<'a> {
        list: Vec<Pair<'a>>,
    }
    answer::desc(&List { list: elements.iter().map(Pair).collect() })
}

fn text(element: &pb::QueueElement) -> &str {
    std::str::from_utf8(&element.value).unwrap_or_default()
}

/// A JSON object of texts, in the order its pairs stand there.
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pairs, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Pairs;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
