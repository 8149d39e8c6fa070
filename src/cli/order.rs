//! What a line typed into `chatroom join` asks for, and doing it.

use super::text;
use crate::client::Client;
use crate::error::Status;
use crate::limits;
use crate::wire::pb::{self, MemberQuery, RoleChange};

/// What `/help` prints.
pub(super) const HELP: &str = "\
Lines are sent to the room; a line that begins with // is sent with one / less. These are for you:
  /members                   who is here
  /history [N]               the last N items of the room, 20 unless said otherwise
  /queue                     the room's queue
  /queue offer KEY VALUE     put an element into the queue, or change it
  /queue poll [KEY]          take an element out: the first, or the one of that key
  /queue drop                empty the queue
  /mute                      mute the room;      /unmute          unmute it
  /mute ACCOUNT [SECONDS]    mute a member;      /unmute ACCOUNT  unmute them
  /kick ACCOUNT [WORDS]      take a member out
  /help                      this
  /quit                      leave";

/// Items of `/history` without a number.
const HISTORY_ITEMS: u32 = 20;

/// What a line asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Order {
    Nothing,
    Say(String),
    Members,
    History(u32),
    Queue,
    Offer { key: String, value: String },
    Poll(String),
    Drop,
    MuteRoom(bool),
    Mute { account: String, mute: bool, seconds: Option<u32> },
    Kick { account: String, words: String },
    Help,
    Quit,
}

impl Order {
    /// Reads a line; the error says what was expected.
    pub(super) fn parse(line: &str) -> Result<Order, String> {
        let line = line.trim_end_matches(['\r', '\n']);
        if line.trim().is_empty() {
            return Ok(Order::Nothing);
        }
        let Some(order) = line.strip_prefix('/') else { return Ok(Order::Say(line.to_owned())) };
        if order.starts_with('/') {
            return Ok(Order::Say(order.to_owned()));
        }
        let (verb, rest) = split(order);
        let expected = |form: &str| Err(format!("write {form}"));
        match (verb, rest) {
            ("members", "") => Ok(Order::Members),
            ("history", "") => Ok(Order::History(HISTORY_ITEMS)),
            ("history", count) => match count.parse() {
                Ok(count @ 1..=limits::PAGE_MAX) => Ok(Order::History(count)),
                _ => expected(&format!("/history N, with N from 1 to {}", limits::PAGE_MAX)),
            },
            ("queue", rest) => match split(rest) {
                ("", "") => Ok(Order::Queue),
                ("offer", rest) => match split(rest) {
                    (key, value) if !key.is_empty() && !value.is_empty() => {
                        Ok(Order::Offer { key: key.to_owned(), value: value.to_owned() })
                    }
                    _ => expected("/queue offer KEY VALUE"),
                },
                ("poll", key) => Ok(Order::Poll(key.to_owned())),
                ("drop", "") => Ok(Order::Drop),
                _ => expected("/queue, /queue offer KEY VALUE, /queue poll [KEY] or /queue drop"),
            },
            ("mute" | "unmute", "") => Ok(Order::MuteRoom(verb == "mute")),
            ("mute", rest) => match split(rest) {
                (account, "") => Ok(Order::Mute { account: account.to_owned(), mute: true, seconds: None }),
                (account, seconds) => match seconds.parse() {
                    Ok(seconds) if seconds > 0 => {
                        Ok(Order::Mute { account: account.to_owned(), mute: true, seconds: Some(seconds) })
                    }
                    _ => expected("/mute ACCOUNT SECONDS, with a number of seconds"),
                },
            },
            ("unmute", account) => Ok(Order::Mute { account: account.to_owned(), mute: false, seconds: None }),
            ("kick", rest) => match split(rest) {
                ("", _) => expected("/kick ACCOUNT"),
                (account, words) => Ok(Order::Kick { account: account.to_owned(), words: words.to_owned() }),
            },
            ("help", _) => Ok(Order::Help),
            ("quit", _) => Ok(Order::Quit),
            _ => Err(format!("there is no /{}; /help lists what there is", text::printable(verb))),
        }
    }

    /// Does it. What comes back is for the screen.
    pub(super) async fn carry_out(self, client: &Client, room_id: i64) -> Result<String, Status> {
        match self {
            Order::Nothing | Order::Quit => Ok(String::new()),
            Order::Help => Ok(HELP.to_owned()),
            Order::Say(line) => {
                let request = pb::MessageSendRequest { room_id, body: line.into(), ..Default::default() };
                client.send(request).await.map(|_| String::new())
            }
            Order::Members => members(client, room_id).await,
            Order::History(limit) => {
                let request = pb::MessageHistoryRequest { room_id, limit, ..Default::default() };
                let answer = client.history(request).await?;
                let lines: Vec<String> = answer.items.iter().rev().filter_map(text::history_item).collect();
                Ok(lines_or(&lines, "* nothing has been said yet"))
            }
            Order::Queue => {
                let answer = client.queue_list(pb::QueueListRequest { room_id }).await?;
                let line = |element: &pb::QueueElement| {
                    format!("  {} (of {})", text::pair(&element.key, &element.value), text::printable(&element.owner))
                };
                Ok(lines_or(&answer.elements.iter().map(line).collect::<Vec<_>>(), "* the queue is empty"))
            }
            Order::Offer { key, value } => {
                let request = pb::QueueOfferRequest { room_id, key, value: value.into(), ..Default::default() };
                client.queue_offer(request).await.map(|_| String::new())
            }
            Order::Poll(key) => {
                let answer = client.queue_poll(pb::QueuePollRequest { room_id, key }).await?;
                let element = answer.element.unwrap_or_default();
                Ok(format!("* taken: {}", text::pair(&element.key, &element.value)))
            }
            Order::Drop => client.queue_drop(pb::QueueDropRequest { room_id }).await.map(|_| String::new()),
            Order::MuteRoom(mute) => {
                let request = pb::RoomMuteRequest { room_id, mute, ..Default::default() };
                client.mute_room(request).await.map(|_| String::new())
            }
            Order::Mute { account, seconds: Some(seconds), .. } => {
                let request = pb::MemberTempMuteRequest { room_id, account, seconds, ..Default::default() };
                client.temp_mute(request).await.map(|_| String::new())
            }
            Order::Mute { account, mute, seconds: None } => {
                let request = pb::MemberSetRoleRequest {
                    room_id,
                    account,
                    change: RoleChange::Mute.into(),
                    set: mute,
                    ..Default::default()
                };
                client.set_role(request).await.map(|_| String::new())
            }
            Order::Kick { account, words } => {
                let request = pb::MemberKickRequest { room_id, account, notify_ext: words };
                client.kick(request).await.map(|_| String::new())
            }
        }
    }
}

/// The first word and what follows it.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(first, rest)| (first, rest.trim_start()))
}

fn lines_or(lines: &[String], nothing: &str) -> String {
    if lines.is_empty() { nothing.to_owned() } else { lines.join("\n") }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_said_unless_it_is_an_order() {
        assert_eq!(Order::parse("hello /quit\n"), Ok(Order::Say("hello /quit".into())));
        assert_eq!(Order::parse("//quit"), Ok(Order::Say("/quit".into())));
        assert_eq!(Order::parse("   "), Ok(Order::Nothing));
        assert_eq!(Order::parse(" /quit"), Ok(Order::Say(" /quit".into())));
        assert_eq!(Order::parse("/quit"), Ok(Order::Quit));
    }

    #[test]
    fn orders_take_their_words() {
        let owned = str::to_owned;
        for (line, order) in [
            ("/members", Order::Members),
            ("/history", Order::History(20)),
            ("/history 5", Order::History(5)),
            ("/queue", Order::Queue),
            ("/queue offer k some value", Order::Offer { key: owned("k"), value: owned("some value") }),
            ("/queue poll", Order::Poll(String::new())),
            ("/queue  poll  k", Order::Poll(owned("k"))),
            ("/queue drop", Order::Drop),
            ("/mute", Order::MuteRoom(true)),
            ("/unmute", Order::MuteRoom(false)),
            ("/mute bob", Order::Mute { account: owned("bob"), mute: true, seconds: None }),
            ("/mute bob 60", Order::Mute { account: owned("bob"), mute: true, seconds: Some(60) }),
            ("/unmute bob", Order::Mute { account: owned("bob"), mute: false, seconds: None }),
            ("/kick bob no spam", Order::Kick { account: owned("bob"), words: owned("no spam") }),
            ("/help", Order::Help),
        ] {
            assert_eq!(Order::parse(line), Ok(order), "{line}");
        }
    }

    #[test]
    fn what_is_no_order_is_said_so_and_never_sent_to_the_room() {
        for line in
            ["/histroy", "/history 0", "/history 101", "/history x", "/queue offer k", "/queue x", "/mute bob soon", "/kick"]
        {
            assert!(Order::parse(line).is_err(), "{line}");
        }
    }
}
