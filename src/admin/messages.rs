//! Calls that send messages (rest-api.md §4.8, §5).

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Rooms;
use super::answer::{self, Answer};
use super::call::{Call, no_answer, now};
use super::form::{Form, in_number};
use super::objects::SentMessage;
use super::rooms::account_missing;
use crate::account::Known;
use crate::error::{Code, Status};
use crate::id::{AccountId, RoomId};
use crate::limits;
use crate::room::{Actor, Command, OnBehalf, Op, is_stand_in};
use crate::wire::Response;
use crate::wire::pb::{self, MessageType};

/// `/chatroom/sendMsg.action`.
pub(super) async fn send<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (room, from) = (call.room()?, call.form.account("fromAccid")?);
    let request = to_all(room, &call.form)?;
    Ok(answer::desc(&Sender::of(call, room, &from).await?.send_one(call, request).await?))
}

/// `/chatroom/sendMsgToSomeone.action`.
pub(super) async fn send_to_some<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (room, from) = (call.room()?, call.form.account("fromAccid")?);
    let receivers = call.form.accounts("toAccids", limits::DIRECTED_ACCOUNTS_MAX)?;
    let request = to_some(room, &call.form, &receivers)?;
    Ok(answer::desc(&Sender::of(call, room, &from).await?.send_one(call, request).await?))
}

/// `/chatroom/batchSendMsg.action`.
pub(super) async fn send_batch<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    batch(call, to_all).await
}

/// `/chatroom/batchSendMsgToSomeone.action`.
pub(super) async fn send_batch_to_some<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let receivers = call.form.accounts("toAccids", limits::DIRECTED_ACCOUNTS_MAX)?;
    batch(call, |room, form| to_some(room, form, &receivers)).await
}

/// `/chatroom/broadcast.action`.
pub(super) async fn broadcast<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (form, from) = (&call.form, call.form.account("fromAccid")?);
    let request = pb::MessageSendRequest {
        high_priority: form.flag("highPriority")?.unwrap_or(false),
        high_priority_resend: form.flag("needHighPriorityMsgResend")?,
        notify_target_tags: form.text("notifyTargetTags").map(str::to_owned),
        ..message(form)?
    };
    let account = sending(call, &from).await?;
    let (nick, avatar) = (account.nick().to_owned(), account.avatar().to_owned());
    let on_behalf = OnBehalf { nick, avatar, ..OnBehalf::default() };
    let sender = Sender::with(account, None, on_behalf, from);
    let kind = request.r#type;
    let sent = call.api.rooms.broadcast(call.app_key, sender.actor.clone(), request).await?;
    Ok(answer::desc(&sender.print(form, kind, sent)))
}

/// Sends the messages of `msgList` one after the other, whatever becomes of the others.
async fn batch<R: Rooms>(
    call: &Call<'_, R>,
    read: impl Fn(RoomId, &Form) -> Result<pb::MessageSendRequest, Status>,
) -> Result<Answer, Status> {
    #[derive(Default, Serialize)]
    struct Batch {
        success: Vec<BTreeMap<String, SentMessage>>,
        fail: Vec<BTreeMap<String, String>>,
    }
    let (room, from) = (call.room()?, call.form.account("fromAccid")?);
    let messages: Vec<Map<String, Value>> = call.form.required_json("msgList")?;
    in_number("msgList", messages.len(), limits::BATCH_MESSAGES_MAX)?;
    let mut sender = Sender::of(call, room, &from).await?;
    sender.show(call.members(room, std::slice::from_ref(&from)).await?.pop());
    let mut batch = Batch::default();
    for message in &messages {
        let form = call.form.with(message);
        let sent = match read(room, &form) {
            Ok(request) => sender.send(call, &form, request).await,
            Err(status) => Err(status),
        };
        let id = form.owned("msgId");
        match sent {
            Ok(sent) => batch.success.push(BTreeMap::from([(id, sent)])),
            Err(status) => batch.fail.push(BTreeMap::from([(id, call.described.spell(status).to_string())])),
        }
    }
    Ok(answer::top(&batch))
}

/// Who sends, and what stands for it in the answer.
struct Sender {
    /// Absent: to all rooms.
    room: Option<RoomId>,
    actor: Actor,
    account: Known,
    nick: String,
    avatar: String,
}

impl Sender {
    /// An account that exists and is not blocked; it need not be in the room.
    async fn of<R: Rooms>(call: &Call<'_, R>, room: RoomId, from: &AccountId) -> Result<Sender, Status> {
        let account = sending(call, from).await?;
        let on_behalf = OnBehalf {
            nick: account.nick().to_owned(),
            avatar: account.avatar().to_owned(),
            ignores_mutes: call.form.flag("ignoreMute")?.unwrap_or(false),
            high_or_never: call.form.flag("forbiddenIfHighPriorityMsgFreq")?.unwrap_or(false),
            ..OnBehalf::default()
        };
        Ok(Sender::with(account, Some(room), on_behalf, from.clone()))
    }

    fn with(account: Known, room: Option<RoomId>, on_behalf: OnBehalf, from: AccountId) -> Sender {
        let (nick, avatar) = (account.nick().to_owned(), account.avatar().to_owned());
        let globally_muted = account.is_muted_in_rooms();
        let actor = Actor { globally_muted, on_behalf: Some(Box::new(on_behalf)), ..Actor::http(from) };
        Sender { room, actor, account, nick, avatar }
    }

    /// From now on the answers show the sender as the member that it is in the room, if it is one.
    fn show(&mut self, member: Option<pb::Member>) {
        (self.nick, self.avatar) = shown(member, &self.account);
    }

    /// Sends the one message of a call. What the sender shows in the room comes along with the answer.
    async fn send_one<R: Rooms>(mut self, call: &Call<'_, R>, request: pb::MessageSendRequest) -> Result<SentMessage, Status> {
        let (kind, room) = (request.r#type, RoomId::new(request.room_id)?);
        let command = Command { actor: self.actor.clone(), op: Op::Send(Box::new(request)) };
        match call.api.rooms.command_seen(call.app_key, room, command).await? {
            (member, Response::MessageSend(sent)) => {
                self.show(member);
                Ok(self.print(&call.form, kind, sent))
            }
            _ => Err(no_answer()),
        }
    }

    async fn send<R: Rooms>(
        &self,
        call: &Call<'_, R>,
        form: &Form,
        request: pb::MessageSendRequest,
    ) -> Result<SentMessage, Status> {
        let (kind, room) = (request.r#type, RoomId::new(request.room_id)?);
        let command = Command { actor: self.actor.clone(), op: Op::Send(Box::new(request)) };
        match call.api.rooms.command(call.app_key, room, command).await? {
            Response::MessageSend(sent) => Ok(self.print(form, kind, sent)),
            _ => Err(no_answer()),
        }
    }

    fn print(&self, form: &Form, kind: i32, sent: pb::MessageSendResponse) -> SentMessage {
        // What was abandoned has no time.
        let time = if sent.time_ms == 0 { now().0 } else { sent.time_ms };
        SentMessage {
            time: time.to_string(),
            msgid_client: sent.message_id,
            room_id: self.room.map(|room| room.to_string()),
            from_account: self.actor.account.to_string(),
            from_nick: self.nick.clone(),
            from_avatar: self.avatar.clone(),
            from_client_type: "REST",
            r#type: kind.to_string(),
            attach: form.owned("attach"),
            ext: form.owned("ext"),
            high_priority_flag: sent.high_priority.then_some(1),
            abandon_flag: sent.abandoned.then_some("1"),
        }
    }
}

/// An account that may send: it exists, and is not blocked.
async fn sending<R: Rooms>(call: &Call<'_, R>, from: &AccountId) -> Result<Known, Status> {
    let account = call.account(from).await?.ok_or_else(account_missing)?;
    if account.is_blocked() {
        return Err(Status::new(Code::Forbidden, "fromAccid is blocked"));
    }
    Ok(account)
}

/// Nick and avatar of a sender: those of the member, else those of the account.
fn shown(member: Option<pb::Member>, account: &Known) -> (String, String) {
    match member {
        Some(member) if member.online => (member.nick, member.avatar),
        Some(member) => (or(member.nick, account.nick()), or(member.avatar, account.avatar())),
        None => (account.nick().to_owned(), account.avatar().to_owned()),
    }
}

fn or(own: String, other: &str) -> String {
    if own.is_empty() { other.to_owned() } else { own }
}

/// A message to whoever the expression and the coordinates let hear it.
fn to_all(room: RoomId, form: &Form) -> Result<pb::MessageSendRequest, Status> {
    let priority = form.number::<u32>("chatMsgPriority")?;
    if priority.is_some_and(|number| !(1..=3).contains(&number)) {
        return Err(Status::bad_parameter("chatMsgPriority must be 1, 2 or 3"));
    }
    let coordinate = |name| form.number::<f64>(name);
    let at = match (coordinate("locX")?, coordinate("locY")?, coordinate("locZ")?) {
        (None, None, None) => None,
        (x, y, z) => Some(pb::Point { x: x.unwrap_or(0.0), y: y.unwrap_or(0.0), z: z.unwrap_or(0.0) }),
    };
    Ok(pb::MessageSendRequest {
        abandon_ratio: form.number("abandonRatio")?,
        high_priority: form.flag("highPriority")?.unwrap_or(false) || priority == Some(3),
        high_priority_resend: form.flag("needHighPriorityMsgResend")?,
        notify_target_tags: form.text("notifyTargetTags").map(str::to_owned),
        at,
        room_id: room.get(),
        ..message(form)?
    })
}

/// A message to these accounts. It has neither priority nor tags nor coordinates.
fn to_some(room: RoomId, form: &Form, receivers: &[AccountId]) -> Result<pb::MessageSendRequest, Status> {
    let to_accounts = receivers.iter().map(AccountId::to_string).collect();
    Ok(pb::MessageSendRequest { room_id: room.get(), to_accounts, ..message(form)? })
}

fn message(form: &Form) -> Result<pb::MessageSendRequest, Status> {
    let kind: i32 = form.required_number("msgType")?;
    let is_text = kind == MessageType::Text as i32 || kind == MessageType::Tip as i32;
    if !is_text && !TYPES.contains(&kind) {
        return Err(Status::bad_parameter("msgType must be 0, 1, 2, 3, 4, 6, 10 or 100"));
    }
    let sub_type = form.number::<u32>("subType")?;
    if sub_type == Some(0) {
        return Err(Status::bad_parameter("subType must be more than 0"));
    }
    let attach = form.owned("attach");
    let (body, attach) = if is_text { (plain(attach), String::new()) } else { (String::new(), attach) };
    Ok(pb::MessageSendRequest {
        message_id: form.required("msgId")?.to_owned(),
        r#type: kind,
        body: Bytes::from(body),
        attach: Bytes::from(attach),
        ext: Bytes::from(form.owned("ext")),
        sub_type: sub_type.unwrap_or_default(),
        resend: form.flag("resendFlag")?.unwrap_or(false),
        skip_history: form.flag("skipHistory")?.unwrap_or(false),
        moderation: moderation(kind, form)?,
        env: form.owned("env"),
        route: form.flag("route")?,
        ..pb::MessageSendRequest::default()
    })
}

/// Types whose content is an attachment.
const TYPES: [i32; 6] = [
    MessageType::Image as i32,
    MessageType::Audio as i32,
    MessageType::Video as i32,
    MessageType::Geo as i32,
    MessageType::File as i32,
    MessageType::Custom as i32,
];

/// A text: as it is, or in `{"msg":"…"}` (chatroom.md §a.6).
fn plain(attach: String) -> String {
    let wrapped = attach.starts_with('{').then(|| serde_json::from_str::<Map<String, Value>>(&attach).ok()).flatten();
    match wrapped.as_ref().and_then(|object| object.get("msg").filter(|_| object.len() == 1)) {
        Some(Value::String(text)) => text.clone(),
        _ => attach,
    }
}

/// Builds the moderation fields of a message. Fields without effect (rest-api.md §4.8) do not reach the room: `antispam` on types
/// other than 100, and a stand-in for the content in a form that moderation does not know.
fn moderation(kind: i32, form: &Form) -> Result<Option<pb::Moderation>, Status> {
    let asked = form.flag("antispam")?.unwrap_or(false) && kind == MessageType::Custom as i32;
    let antispam_custom = form.owned("antispamCustom");
    let antispam = asked && (antispam_custom.is_empty() || is_stand_in(&antispam_custom));
    let moderation = pb::Moderation {
        // Of the numbers only 0 means something.
        use_yidun: form.text("useYiDun").and_then(|number| number.trim().parse().ok()).filter(|number| *number == 0),
        bid: form.owned("bid"),
        antispam,
        antispam_custom,
        yidun_anti_cheating: form.owned("yidunAntiCheating"),
        yidun_antispam_ext: form.owned("yidunAntiSpamExt"),
    };
    Ok((moderation != pb::Moderation::default()).then_some(moderation))
}
