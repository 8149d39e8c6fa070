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
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, RoomId};
use crate::limits;
use crate::room::{Op, Query};
use crate::wire::Response;
use crate::wire::pb;

/// What calls that change the queue say about the notification: that it was an ordinary one.
#[derive(Serialize)]
struct Changed {
    #[serde(rename = "highPriority")]
    high_priority: bool,
}

const CHANGED: Changed = Changed { high_priority: false };

/// `/chatroom/queueInit.action`.
pub(super) async fn init<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (room, size_limit) = (call.room()?, call.form.number("sizeLimit")?);
    let request = pb::QueueInitRequest { room_id: room.get(), size_limit };
    call.command_as_creator(room, Op::QueueInit(request)).await?;
    Ok(answer::done())
}

/// `/chatroom/queueOffer.action`.
pub(super) async fn offer<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (form, room) = (&call.form, call.room()?);
    check_priority(call)?;
    let request = pb::QueueOfferRequest {
        room_id: room.get(),
        key: form.required("key")?.to_owned(),
        value: Bytes::from(form.required("value")?.to_owned()),
        transient: form.flag("transient")?.unwrap_or(false),
        owner: String::new(),
    };
    let operator = operator(call, room, form.text("operator")).await?;
    call.command(room, operator, Op::QueueOffer(Box::new(request))).await?;
    Ok(answer::desc(&CHANGED))
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
    check_priority(call)?;
    let transient = form.flag("transient")?.unwrap_or(false);
    let elements: Vec<Element> = form.required_json("elements")?;
    in_number("elements", elements.len(), limits::QUEUE_BATCH_MAX)?;
    for owner in elements.iter().map(|element| &element.accid).filter(|owner| !owner.is_empty()) {
        call.check_known(room, &AccountId::parse(owner)?).await?;
    }
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
    let operator = operator(call, room, form.text("operator")).await?;
    match call.command(room, operator, Op::QueueBatchOffer(request)).await? {
        Response::QueueBatchOffer(response) => {
            Ok(answer::desc(&Offered { failed_keys: response.failed_keys, high_priority: false }))
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
    check_priority(call)?;
    let Pairs(pairs) = form.required_json("elements")?;
    in_number("elements", pairs.len(), limits::QUEUE_BATCH_MAX)?;
    let element = |(key, value)| pb::QueueElement { key, value: Bytes::from(value), ..pb::QueueElement::default() };
    let request = pb::QueueChangeRequest {
        room_id: room.get(),
        elements: pairs.into_iter().map(element).collect(),
        notify: form.flag("needNotify")?.unwrap_or(false),
        notify_ext: form.owned("notifyExt"),
    };
    let operator = operator(call, room, Some(form.required("operator")?)).await?;
    match call.command(room, operator, Op::QueueChange(request)).await? {
        Response::QueueChange(response) => {
            Ok(answer::desc(&Updated { no_exist_element_key: response.failed_keys, high_priority: false }))
        }
        _ => Err(no_answer()),
    }
}

/// `/chatroom/queueList.action`.
pub(super) async fn list<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let room = call.room()?;
    match call.query(room, Query::QueueList(pb::QueueListRequest { room_id: room.get() })).await? {
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
    let room = call.room()?;
    check_priority(call)?;
    let request = pb::QueuePollRequest { room_id: room.get(), key: call.form.owned("key") };
    let Response::QueuePoll(response) = call.command_as_creator(room, Op::QueuePoll(request)).await? else {
        return Err(no_answer());
    };
    let element = response.element.unwrap_or_default();
    Ok(answer::desc(&Polled { key: &element.key, value: text(&element), high_priority: false }))
}

/// `/chatroom/queueDrop.action`.
pub(super) async fn drop_all<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let room = call.room()?;
    check_priority(call)?;
    call.command_as_creator(room, Op::QueueDrop(pb::QueueDropRequest { room_id: room.get() })).await?;
    Ok(answer::desc(&CHANGED))
}

/// Who changes the queue: an account that exists, else the room's creator.
async fn operator<R: Rooms>(call: &Call<'_, R>, room: RoomId, name: Option<&str>) -> Result<AccountId, Status> {
    match name {
        Some(name) => {
            let operator = AccountId::parse(name)?;
            call.account(&operator).map(|_| operator).ok_or_else(account_missing)
        }
        None => AccountId::parse(&call.info(room).await?.creator),
    }
}

/// Notifications of the queue are ordinary ones, which are never dropped: a wish for high priority is degraded, or refused where
/// the caller wants that.
fn check_priority<R: Rooms>(call: &Call<'_, R>) -> Result<(), Status> {
    let (wanted, or_refuse) = (call.form.flag("highPriority")?, call.form.flag("highPriorityPolicy")?);
    if wanted == Some(true) && or_refuse == Some(true) {
        let why = "notifications of the queue have no high priority: leave highPriorityPolicy at 0";
        return Err(Status { sub: Some(Sub::HighPriorityRate), ..Status::new(Code::Unavailable, why) });
    }
    Ok(())
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
