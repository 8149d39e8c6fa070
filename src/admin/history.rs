//! Calls about what was said before (rest-api.md §5): reading it, taking a message back, deleting one.

use serde::Serialize;
use serde_json::Value;

use super::Rooms;
use super::answer::{self, Answer};
use super::call::{Call, no_answer};
use super::notification;
use super::rooms::account_missing;
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, Seq};
use crate::limits;
use crate::room::{Actor, Command, OnBehalf, Op, Query, Recall};
use crate::wire::Response;
use crate::wire::pb::history_item::Item;
use crate::wire::pb::{self, MessageType};

/// An item of the history.
#[derive(Serialize)]
struct Said {
    from: String,
    msgid: String,
    sendtime: i64,
    r#type: i32,
    fromclienttype: u32,
    body: Value,
    ext: String,
}

/// `/history/queryChatroomMsg.action`.
pub(super) async fn page<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Serialize)]
    struct Page {
        size: usize,
        msgs: Vec<Said>,
    }
    let (form, room, account) = (&call.form, call.room()?, call.form.account("accid")?);
    let request = pb::MessageHistoryRequest {
        room_id: room.get(),
        time_ms: form.required_number("timetag")?,
        limit: form.limit(limits::HTTP_HISTORY_MAX)?,
        reverse: match form.number("reverse")?.unwrap_or(2) {
            1 => true,
            2 => false,
            _ => return Err(Status::bad_parameter("reverse must be 1 or 2")),
        },
        types: form.numbers("type")?,
        last_seq: 0,
    };
    call.account(&account).await?.ok_or_else(account_missing)?;
    let msgs = ask(call, Query::History(request)).await?;
    Ok(answer::top(&Page { size: msgs.len(), msgs }))
}

/// `/history/queryTagHistoryMsg.action`.
pub(super) async fn page_by_tags<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Serialize)]
    struct Page {
        msgs: Vec<Said>,
    }
    let (form, room) = (&call.form, call.room()?);
    let request = pb::MessageHistoryByTagsRequest {
        room_id: room.get(),
        tags: form.required_json("tags")?,
        types: form.numbers("types")?,
        from_time_ms: form.number("fromTime")?.unwrap_or_default(),
        to_time_ms: form.number("toTime")?.unwrap_or_default(),
        limit: form.number("limit")?.unwrap_or(limits::PAGE_MAX),
        reverse: form.flag("reverse")?.unwrap_or(false),
        last_seq: 0,
    };
    if request.limit == 0 {
        return Err(Status::bad_parameter(format!("limit must be 1-{}", limits::PAGE_MAX)));
    }
    Ok(answer::top(&Page { msgs: ask(call, Query::HistoryByTags(request)).await? }))
}

/// `/chatroom/recall.action`.
pub(super) async fn recall<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (form, room, operator) = (&call.form, call.room()?, call.form.account("operatorAcc")?);
    let request = pb::MessageRecallRequest {
        room_id: room.get(),
        message_id: form.required("msgId")?.to_owned(),
        time_ms: form.required_number("msgTimetag")?,
        from: form.account("fromAcc")?.to_string(),
        notify_ext: form.owned("notifyExt"),
    };
    call.command(room, operator, Op::Recall(Box::new(Recall { request, seq: None }))).await?;
    Ok(answer::done())
}

/// `/chatroom/deleteHistoryMessage.action`: a recall nobody is told of.
pub(super) async fn delete<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (form, room, from) = (&call.form, call.room()?, call.form.account("fromAcc")?);
    let time_ms: i64 = form.required_number("msgTimetag")?;
    if time_ms <= 0 {
        return Err(Status::bad_parameter("msgTimetag must be the time of a message"));
    }
    let mut at_that_time = pb::MessageHistoryRequest {
        room_id: room.get(),
        time_ms: time_ms - 1,
        limit: limits::HTTP_HISTORY_MAX,
        reverse: true,
        types: MESSAGES.iter().map(|kind| *kind as i32).collect(),
        last_seq: 0,
    };
    let mut found = None;
    // One time may have more messages than a page.
    for _ in 0..limits::FIND_SCAN_MAX / limits::HTTP_HISTORY_MAX as usize {
        let page = read(call, Query::History(at_that_time.clone())).await?;
        let messages = page.items.into_iter().filter_map(|item| match item.item {
            Some(Item::Message(message)) => Some(message),
            _ => None,
        });
        let mut of_that_time = messages.take_while(|message| message.time_ms == time_ms).peekable();
        let goes_on = page.has_more && of_that_time.peek().is_some();
        found = of_that_time.find(|message| message.from == from.as_str());
        if found.is_some() || !goes_on {
            break;
        }
        at_that_time.last_seq = page.reached_seq;
    }
    let message = found.ok_or_else(|| Status::with_sub(Code::NotFound, Sub::MessageMissing))?;
    let request = pb::MessageRecallRequest {
        room_id: room.get(),
        message_id: message.message_id,
        time_ms,
        from: message.from,
        notify_ext: String::new(),
    };
    let op = Op::Recall(Box::new(Recall { request, seq: Some(Seq(message.seq)) }));
    let silently = OnBehalf { silent: true, ..OnBehalf::default() };
    let creator = AccountId::parse(&call.info(room).await?.creator)?;
    let actor = Actor { on_behalf: Some(Box::new(silently)), ..Actor::http(creator) };
    call.api.rooms.command(call.app_key, room, Command { actor, op }).await?;
    Ok(answer::done())
}

/// Every type but that of notifications.
const MESSAGES: [MessageType; 10] = [
    MessageType::Text,
    MessageType::Image,
    MessageType::Audio,
    MessageType::Video,
    MessageType::Geo,
    MessageType::File,
    MessageType::Tip,
    MessageType::Robot,
    MessageType::Barrage,
    MessageType::Custom,
];

async fn ask<R: Rooms>(call: &Call<'_, R>, query: Query) -> Result<Vec<Said>, Status> {
    let page = read(call, query).await?;
    Ok(page.items.into_iter().filter_map(|item| item.item).map(said).collect())
}

async fn read<R: Rooms>(call: &Call<'_, R>, query: Query) -> Result<pb::MessageHistoryResponse, Status> {
    match call.query(call.room()?, query).await? {
        Response::MessageHistory(found) | Response::MessageHistoryByTags(found) => Ok(found),
        _ => Err(no_answer()),
    }
}

fn said(item: Item) -> Said {
    match item {
        Item::Message(message) => {
            let is_text = [MessageType::Text as i32, MessageType::Tip as i32].contains(&message.r#type);
            let content = text(if is_text { &message.body } else { &message.attach });
            let object = (!is_text).then(|| serde_json::from_str(&content).ok().filter(Value::is_object)).flatten();
            Said {
                from: message.from,
                msgid: message.message_id,
                sendtime: message.time_ms,
                r#type: message.r#type,
                fromclienttype: message.from_client_type,
                body: object.unwrap_or(Value::String(content)),
                ext: text(&message.ext),
            }
        }
        Item::Notification(notice) => Said {
            sendtime: notice.time_ms,
            r#type: MessageType::Notification as i32,
            fromclienttype: 0,
            msgid: String::new(),
            ext: String::new(),
            body: notification::print(&notice),
            from: notice.operator,
        },
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
