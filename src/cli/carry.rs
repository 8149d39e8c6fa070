//! Doing what a line typed into `chatroom join` asks for. What comes back is for the screen.

use super::order::{AttributeOrder, Field, HELP, Order, QueueOrder};
use super::text;
use crate::client::{BatchConfig, Client};
use crate::error::{Code, Status};
use crate::wire::pb::{self, MemberQuery};

impl Order {
    /// Does it. An empty text is nothing to show: the room's notification says it.
    pub(super) async fn carry_out(self, client: &Client, room_id: i64) -> Result<String, Status> {
        match self {
            Order::Nothing | Order::Quit => Ok(String::new()),
            Order::Help => Ok(HELP.to_owned()),
            Order::Say(line) => {
                let request = pb::MessageSendRequest { room_id, body: line.into(), ..Default::default() };
                silent(client.send(request).await)
            }
            Order::Members => members(client, room_id).await,
            Order::ByTag(tag) => members_by_tag(client, room_id, tag).await,
            Order::Who(accounts) => {
                let members = look_up(client, room_id, accounts).await?;
                Ok(lines_or(members.iter().map(text::member), "* none of them is known here"))
            }
            Order::Room => client.room_info(room_id).await.map(|room| text::room(&room)),
            Order::History(limit) => {
                let request = pb::MessageHistoryRequest { room_id, limit, ..Default::default() };
                Ok(history(&client.history(request).await?))
            }
            Order::HistoryByTags(tags) => {
                let request = pb::MessageHistoryByTagsRequest { room_id, tags, ..Default::default() };
                Ok(history(&client.history_by_tags(request).await?))
            }
            Order::Recall { seq, words } => recall(client, room_id, seq, words).await,
            Order::Nick(nick) => {
                let request = pb::MemberUpdateSelfRequest { room_id, nick: Some(nick), ..Default::default() };
                silent(client.update_self(request).await)
            }
            Order::Tags(tags) => {
                let line = format!("* your tags: {}", if tags.is_empty() { "none".to_owned() } else { tags.join(", ") });
                let request = pb::MemberUpdateTagsRequest { room_id, tags, set_tags: true, ..Default::default() };
                client.update_tags(request).await.map(|_| line)
            }
            Order::Hear(expression) => {
                let line = if expression.is_empty() { "* everybody hears you" } else { "* those with these tags hear you" };
                let notify_target_tags = Some(expression);
                let request = pb::MemberUpdateTagsRequest { room_id, notify_target_tags, ..Default::default() };
                client.update_tags(request).await.map(|_| line.to_owned())
            }
            Order::Near(location) => {
                let line = if location.enabled() { "* you hear what is said near you" } else { "* you hear everything" };
                let request = pb::MemberUpdateLocationRequest { room_id, location: Some(location) };
                client.update_location(request).await.map(|_| line.to_owned())
            }
            Order::Queue(order) => carry_out_queue(order, client, room_id).await,
            Order::Attributes(order) => carry_out_attributes(order, client, room_id).await,
            Order::MemberAttributes(accounts) => {
                let page = if accounts.is_empty() {
                    client.member_attributes(pb::MemberAttributesListRequest { room_id, ..Default::default() }).await?
                } else {
                    client.lookup_member_attributes(pb::MemberAttributesLookupRequest { room_id, accounts }).await?
                };
                let more = (!page.next.is_empty()).then(|| "  … and more".to_owned());
                Ok(lines_or(page.members.iter().map(text::member_attributes).chain(more), "* no member carries anything"))
            }
            Order::SetMemberAttribute { account, key, value } => {
                let attributes = [(key, value)].into_iter().collect();
                let accounts = vec![account];
                let request = pb::MemberAttributesSetRequest { room_id, accounts, attributes, ..Default::default() };
                let answer = client.set_member_attributes(request).await?;
                let refused = answer.members.iter().any(|member| !member.error_keys.is_empty());
                Ok(match (answer.error_accounts.first(), refused) {
                    (Some(account), _) => format!("* {} is not in the room", text::printable(account)),
                    (None, true) => "* somebody else set that, and it stays".to_owned(),
                    (None, false) => String::new(),
                })
            }
            Order::Role { account, change, set, level, words } => {
                let change = change.into();
                silent(
                    client.set_role(pb::MemberSetRoleRequest { room_id, account, change, set, level, notify_ext: words }).await,
                )
            }
            Order::MuteRoom(mute) => {
                silent(client.mute_room(pb::RoomMuteRequest { room_id, mute, ..Default::default() }).await)
            }
            Order::TempMute { account, seconds } => {
                silent(client.temp_mute(pb::MemberTempMuteRequest { room_id, account, seconds, ..Default::default() }).await)
            }
            Order::TagMute { tag, seconds } => {
                let request = pb::MemberTagTempMuteRequest { room_id, tag, seconds, ..Default::default() };
                let answer = client.tag_temp_mute(request).await?;
                Ok(if seconds > 0 {
                    format!("* muted for {} s", answer.seconds)
                } else {
                    format!("* the mute is lifted; {} s of it remained", answer.seconds)
                })
            }
            Order::Kick { account, words } => {
                silent(client.kick(pb::MemberKickRequest { room_id, account, notify_ext: words }).await)
            }
            Order::Update(field) => silent(client.update_room(update_of(room_id, field)).await),
            Order::Close(words) => silent(client.close_room(pb::RoomCloseRequest { room_id, notify_ext: words }).await),
        }
    }
}

/// Certain members, by as many requests as it takes.
async fn look_up(client: &Client, room_id: i64, mut accounts: Vec<String>) -> Result<Vec<pb::Member>, Status> {
    let mut members = Vec::new();
    loop {
        let page = client.lookup_members(pb::MemberLookupRequest { room_id, accounts: accounts.clone() }).await?;
        members.extend(page.members);
        match accounts.iter().position(|account| page.has_more && account.eq_ignore_ascii_case(&page.next)) {
            Some(done) if done > 0 => drop(accounts.drain(..done)),
            _ => return Ok(members),
        }
    }
}

async fn carry_out_queue(order: QueueOrder, client: &Client, room_id: i64) -> Result<String, Status> {
    match order {
        QueueOrder::List => {
            let elements = client.whole_queue(room_id).await?;
            Ok(lines_or(elements.iter().map(text::element), "* the queue is empty"))
        }
        QueueOrder::Offer { key, value, transient } => {
            let request = pb::QueueOfferRequest { room_id, key, value: value.into(), transient, ..Default::default() };
            silent(client.queue_offer(request).await)
        }
        QueueOrder::Change { key, value } => {
            let elements = vec![pb::QueueElement { key, value: value.into(), ..Default::default() }];
            let answer = client.queue_change(pb::QueueChangeRequest { room_id, elements, ..Default::default() }).await?;
            Ok(if answer.failed_keys.is_empty() { "* changed" } else { "* there is no element of that key" }.to_owned())
        }
        QueueOrder::Poll(key) => {
            let element = client.queue_poll(pb::QueuePollRequest { room_id, key }).await?.element.unwrap_or_default();
            Ok(format!("* taken: {}", text::pair(&element.key, &element.value)))
        }
        QueueOrder::Peek => {
            let element = client.queue_peek(pb::QueuePeekRequest { room_id }).await?.element.unwrap_or_default();
            Ok(text::element(&element))
        }
        QueueOrder::Get(keys) => {
            let answer = client.queue_multi_get(pb::QueueMultiGetRequest { room_id, keys }).await?;
            Ok(lines_or(answer.elements.iter().map(text::element), "* none of them is in the queue"))
        }
        QueueOrder::Drop => silent(client.queue_drop(pb::QueueDropRequest { room_id }).await),
        QueueOrder::Size(size) => {
            let answer = client.queue_init(pb::QueueInitRequest { room_id, size_limit: Some(size) }).await;
            answer.map(|_| format!("* the queue may have {size} elements"))
        }
    }
}

async fn carry_out_attributes(order: AttributeOrder, client: &Client, room_id: i64) -> Result<String, Status> {
    match order {
        AttributeOrder::List => {
            let answer = client.attributes(pb::AttributesListRequest { room_id }).await?;
            Ok(lines_or(answer.attributes.iter().map(text::attribute), "* the room carries nothing"))
        }
        AttributeOrder::Set { key, value, force } => {
            let attributes = [(key, value)].into_iter().collect();
            let request = pb::AttributesSetRequest { room_id, attributes, force, ..Default::default() };
            client.set_attributes(request).await.map(|answer| failed(&answer.error_keys))
        }
        AttributeOrder::Delete(keys) => {
            let request = pb::AttributesDeleteRequest { room_id, keys, force: false };
            client.delete_attributes(request).await.map(|answer| failed(&answer.error_keys))
        }
        AttributeOrder::Begin => {
            client.begin_attributes_batch(room_id, BatchConfig::default()).await?;
            Ok("* what you set and delete is collected now; /attr end sends it".to_owned())
        }
        AttributeOrder::End => client.end_attributes_batch(room_id).await.map(|answer| failed(&answer.error_keys)),
    }
}

/// The keys a change failed for, as a line; nothing where all went well.
fn failed(keys: &[String]) -> String {
    if keys.is_empty() {
        return String::new();
    }
    let keys: Vec<String> = keys.iter().map(|key| text::printable(key)).collect();
    format!("* not yours to change, or not there: {}; /attr force changes what is somebody else's", keys.join(", "))
}

fn silent<T>(answer: Result<T, Status>) -> Result<String, Status> {
    answer.map(|_| String::new())
}

fn lines_or(lines: impl Iterator<Item = String>, nothing: &str) -> String {
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() { nothing.to_owned() } else { lines.join("\n") }
}

/// A page of the history, the newest last.
fn history(page: &pb::MessageHistoryResponse) -> String {
    lines_or(page.items.iter().rev().filter_map(text::history_item), "* nothing has been said yet")
}

fn update_of(room_id: i64, field: Field) -> pb::RoomUpdateRequest {
    let mut request = pb::RoomUpdateRequest { room_id, ..Default::default() };
    match field {
        Field::Name(name) => request.name = Some(name),
        Field::Announcement(announcement) => request.announcement = Some(announcement),
        Field::Url(url) => request.broadcast_url = Some(url),
        Field::Ext(ext) => request.ext = Some(ext),
        Field::QueueLevel(level) => request.queue_level = Some(level),
        Field::Notices(on) => request.in_out_notification = Some(on),
    }
    request
}

/// The first page of those who belong to the room, here or not, and of those who are just here.
async fn members(client: &Client, room_id: i64) -> Result<String, Status> {
    let mut lines = Vec::new();
    for query in [MemberQuery::Fixed, MemberQuery::VisitorsOldest] {
        let request = pb::MemberListRequest { room_id, query: query.into(), ..Default::default() };
        let page = client.members(request).await?;
        lines.extend(page.members.iter().map(text::member));
        if page.has_more {
            lines.push("  … and more".to_owned());
        }
    }
    Ok(lines.join("\n"))
}

async fn members_by_tag(client: &Client, room_id: i64, tag: String) -> Result<String, Status> {
    let count = client.count_by_tag(pb::MemberCountByTagRequest { room_id, tag: tag.clone() }).await?.count;
    let page = client.members_by_tag(pb::MemberListByTagRequest { room_id, tag, ..Default::default() }).await?;
    let mut lines: Vec<String> = page.members.iter().map(text::member).collect();
    if page.has_more {
        lines.push("  … and more".to_owned());
    }
    lines.push(format!("* {count} {} it", if count == 1 { "account carries" } else { "accounts carry" }));
    Ok(lines.join("\n"))
}

/// Recalls the message at a place of the room's order, which a person knows better than its id.
async fn recall(client: &Client, room_id: i64, seq: u64, words: String) -> Result<String, Status> {
    // The page of one that ends right before the next item.
    let request = pb::MessageHistoryRequest { room_id, last_seq: seq.saturating_add(1), limit: 1, ..Default::default() };
    let page = client.history(request).await?;
    let message = page.items.into_iter().find_map(|item| match item.item {
        Some(pb::history_item::Item::Message(message)) if message.seq == seq => Some(message),
        _ => None,
    });
    let Some(message) = message else {
        return Err(Status::new(Code::NotFound, format!("there is no message #{seq}: /history shows which there are")));
    };
    let pb::Message { message_id, time_ms, from, .. } = message;
    silent(client.recall(pb::MessageRecallRequest { room_id, message_id, time_ms, from, notify_ext: words }).await)
}
