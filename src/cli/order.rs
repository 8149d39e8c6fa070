//! What a line typed into `chatroom join` asks for.

use super::text;
use crate::limits;
use crate::wire::pb::{Location, RoleChange};

/// What `/help` prints.
pub(super) const HELP: &str = "\
Lines are sent to the room; a line that begins with // is sent with one / less. These are for you:
 Who is here
  /members                   who belongs to the room, and who is just here
  /members-by-tag TAG        which connections carry a tag, and how many accounts
  /who ACCOUNT...            certain members
  /room                      what the room says of itself
 Messages
  /history [N]               the last N items of the room, 20 unless said otherwise
  /history tags TAG...       what was sent to certain tags
  /recall SEQ [WORDS]        take the message with that # back; /history shows it
 Yourself
  /nick NAME                 what others see you as
  /tags [TAG...]             carry these tags and no others
  /hear [EXPRESSION]         who hears you: {\"tag\":\"vip\"}; nothing: everybody
  /near X Y Z DISTANCE       stand there and hear what is said that near;  /near off  hear all
 The queue
  /queue                     the room's queue
  /queue offer KEY VALUE     put an element into it, or change it;  /queue transient KEY VALUE  gone when you are
  /queue change KEY VALUE    change an element that is there
  /queue poll [KEY]          take an element out: the first, or the one of that key
  /queue peek                look at the first;          /queue get KEY...  at certain ones
  /queue drop                empty it;                   /queue size N      how many it may have
 What the room and its members carry
  /attr                      the room's attributes;      /attr force KEY VALUE  change somebody else's
  /attr set KEY VALUE        set one;                    /attr del KEY...       delete some
  /attr begin                collect what follows;       /attr end              send it as one change
  /memberattr [ACCOUNT...]   the members' attributes
  /memberattr set ACCOUNT KEY [VALUE]  set one; without a value delete it
 For those who run the room
  /admin ACCOUNT [off]       make an administrator, or no longer
  /role ACCOUNT [LEVEL]      make an ordinary member;    /role ACCOUNT off      or no longer
  /block ACCOUNT [WORDS]     put out for good;           /unblock ACCOUNT
  /mute ACCOUNT [SECONDS]    mute a member;              /unmute ACCOUNT
  /tempmute ACCOUNT SECONDS  mute for a while; 0 lifts it
  /tagmute TAG SECONDS       mute everybody with a tag; 0 lifts it
  /kick ACCOUNT [WORDS]      take a member out; they may come back
  /mute                      mute the room;              /unmute                unmute it
  /update FIELD [VALUE]      change name, announcement, url, ext, queue-level (0 or 1) or notices (on or off)
  /close [WORDS]             close the room
 Else
  /help                      this
  /quit                      leave";

/// Items of `/history` without a number.
const HISTORY_ITEMS: u32 = 20;

/// What a line asks for.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Order {
    Nothing,
    Say(String),
    Members,
    ByTag(String),
    Who(Vec<String>),
    Room,
    History(u32),
    HistoryByTags(Vec<String>),
    Recall { seq: u64, words: String },
    Nick(String),
    Tags(Vec<String>),
    Hear(String),
    Near(Location),
    Queue(QueueOrder),
    Attributes(AttributeOrder),
    MemberAttributes(Vec<String>),
    SetMemberAttribute { account: String, key: String, value: String },
    Role { account: String, change: RoleChange, set: bool, level: u32, words: String },
    MuteRoom(bool),
    TempMute { account: String, seconds: u32 },
    TagMute { tag: String, seconds: u32 },
    Kick { account: String, words: String },
    Update(Field),
    Close(String),
    Help,
    Quit,
}

/// What is to be done to the queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum QueueOrder {
    List,
    Offer { key: String, value: String, transient: bool },
    Change { key: String, value: String },
    Poll(String),
    Peek,
    Get(Vec<String>),
    Drop,
    Size(u32),
}

/// What is to be done to the room's attributes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum AttributeOrder {
    List,
    Set { key: String, value: String, force: bool },
    Delete(Vec<String>),
    Begin,
    End,
}

/// What is to be changed about the room, and to what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Field {
    Name(String),
    Announcement(String),
    Url(String),
    Ext(String),
    QueueLevel(u32),
    Notices(bool),
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
        let (first, more) = split(rest);
        let role = |change, set, level| {
            let words = if set { more.to_owned() } else { String::new() };
            Ok(Order::Role { account: first.to_owned(), change, set, level, words })
        };
        match (verb, first, more) {
            ("members", "", _) => Ok(Order::Members),
            ("members-by-tag", tag, "") if !tag.is_empty() => Ok(Order::ByTag(tag.to_owned())),
            ("members-by-tag", ..) => expected("/members-by-tag TAG"),
            ("who", "", _) => expected("/who ACCOUNT..."),
            ("who", ..) => Ok(Order::Who(words(rest))),
            ("room", "", _) => Ok(Order::Room),
            ("history", "", _) => Ok(Order::History(HISTORY_ITEMS)),
            ("history", "tags", "") => expected("/history tags TAG..."),
            ("history", "tags", tags) => Ok(Order::HistoryByTags(words(tags))),
            ("history", count, "") => match count.parse() {
                Ok(count @ 1..=limits::PAGE_MAX) => Ok(Order::History(count)),
                _ => expected(&format!("/history N, with N from 1 to {}, or /history tags TAG...", limits::PAGE_MAX)),
            },
            ("recall", seq, more) => match seq.trim_start_matches('#').parse() {
                Ok(seq) => Ok(Order::Recall { seq, words: more.to_owned() }),
                Err(_) => expected("/recall SEQ [WORDS], with the number that /history shows behind #"),
            },
            ("nick", "", _) => expected("/nick NAME"),
            ("nick", ..) => Ok(Order::Nick(rest.to_owned())),
            ("tags", ..) => Ok(Order::Tags(words(rest))),
            ("hear", ..) => Ok(Order::Hear(rest.to_owned())),
            ("near", "off", "") => Ok(Order::Near(Location { enabled: Some(false), ..Default::default() })),
            ("near", ..) => near(rest),
            ("queue", verb, more) => queue(verb, more).map(Order::Queue),
            ("attr", verb, more) => attributes(verb, more).map(Order::Attributes),
            ("memberattr", "set", more) => match (split(more).0, split(split(more).1)) {
                (account, (key, value)) if !account.is_empty() && !key.is_empty() => {
                    Ok(Order::SetMemberAttribute { account: account.to_owned(), key: key.to_owned(), value: value.to_owned() })
                }
                _ => expected("/memberattr set ACCOUNT KEY [VALUE]"),
            },
            ("memberattr", ..) => Ok(Order::MemberAttributes(words(rest))),
            ("mute" | "unmute", "", _) => Ok(Order::MuteRoom(verb == "mute")),
            ("mute", account, seconds) if !seconds.is_empty() => temp_mute(account, seconds, 1),
            ("mute", ..) => role(RoleChange::Mute, true, 0),
            ("unmute", ..) => role(RoleChange::Mute, false, 0),
            ("tempmute", account, seconds) => temp_mute(account, seconds, 0),
            ("tagmute", tag, seconds) => match seconds.parse() {
                Ok(seconds) => Ok(Order::TagMute { tag: tag.to_owned(), seconds }),
                Err(_) => expected("/tagmute TAG SECONDS, with a number of seconds; 0 lifts the mute"),
            },
            ("admin" | "role" | "block" | "unblock" | "kick", "", _) => expected(&format!("/{verb} ACCOUNT")),
            ("admin", _, "off") => role(RoleChange::Administrator, false, 0),
            ("admin", _, "") => role(RoleChange::Administrator, true, 0),
            ("admin", ..) => expected("/admin ACCOUNT or /admin ACCOUNT off"),
            ("role", _, "off") => role(RoleChange::Common, false, 0),
            ("role", account, level) => match if level.is_empty() { Ok(0) } else { level.parse() } {
                Ok(level) => Ok(Order::Role {
                    account: account.to_owned(),
                    change: RoleChange::Common,
                    set: true,
                    level,
                    words: String::new(),
                }),
                Err(_) => expected("/role ACCOUNT, /role ACCOUNT LEVEL or /role ACCOUNT off"),
            },
            ("block", ..) => role(RoleChange::Blocklist, true, 0),
            ("unblock", ..) => role(RoleChange::Blocklist, false, 0),
            ("kick", account, more) => Ok(Order::Kick { account: account.to_owned(), words: more.to_owned() }),
            ("update", field, value) => update(field, value).map(Order::Update),
            ("close", ..) => Ok(Order::Close(rest.to_owned())),
            ("help", ..) => Ok(Order::Help),
            ("quit", ..) => Ok(Order::Quit),
            ("members" | "room" | "history", ..) => expected(&format!("/{verb} alone; /help lists what there is")),
            _ => Err(format!("there is no /{}; /help lists what there is", text::printable(verb))),
        }
    }
}

fn expected<T>(form: &str) -> Result<T, String> {
    Err(format!("write {form}"))
}

fn temp_mute(account: &str, seconds: &str, least: u32) -> Result<Order, String> {
    match seconds.parse() {
        Ok(seconds) if seconds >= least && !account.is_empty() => Ok(Order::TempMute { account: account.to_owned(), seconds }),
        _ => expected("/tempmute ACCOUNT SECONDS, with a number of seconds; 0 lifts the mute"),
    }
}

fn near(rest: &str) -> Result<Order, String> {
    let numbers: Vec<f64> = rest.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match (&numbers[..], rest.split_whitespace().count()) {
        (&[x, y, z, distance], 4) => {
            let (x, y, z, distance) = (Some(x), Some(y), Some(z), Some(distance));
            Ok(Order::Near(Location { x, y, z, distance, enabled: Some(true) }))
        }
        _ => expected("/near X Y Z DISTANCE, with four numbers, or /near off"),
    }
}

fn queue(verb: &str, rest: &str) -> Result<QueueOrder, String> {
    let (key, value) = split(rest);
    let (key_owned, value_owned) = (key.to_owned(), value.to_owned());
    match (verb, key, value) {
        ("", ..) => Ok(QueueOrder::List),
        ("offer" | "transient", key, value) if !key.is_empty() && !value.is_empty() => {
            Ok(QueueOrder::Offer { key: key_owned, value: value_owned, transient: verb == "transient" })
        }
        ("change", key, value) if !key.is_empty() && !value.is_empty() => {
            Ok(QueueOrder::Change { key: key_owned, value: value_owned })
        }
        ("offer" | "transient" | "change", ..) => expected(&format!("/queue {verb} KEY VALUE")),
        ("poll", ..) => Ok(QueueOrder::Poll(rest.to_owned())),
        ("peek", "", _) => Ok(QueueOrder::Peek),
        ("get", key, _) if !key.is_empty() => Ok(QueueOrder::Get(words(rest))),
        ("drop", "", _) => Ok(QueueOrder::Drop),
        ("size", size, "") => match size.parse() {
            Ok(size) => Ok(QueueOrder::Size(size)),
            Err(_) => expected("/queue size N, with a number"),
        },
        _ => expected("/queue, or behind it offer, transient, change, poll, peek, get, drop or size: /help says how"),
    }
}

fn attributes(verb: &str, rest: &str) -> Result<AttributeOrder, String> {
    let (key, value) = split(rest);
    match (verb, key, value) {
        ("", ..) => Ok(AttributeOrder::List),
        ("set" | "force", key, value) if !key.is_empty() && !value.is_empty() => {
            Ok(AttributeOrder::Set { key: key.to_owned(), value: value.to_owned(), force: verb == "force" })
        }
        ("set" | "force", ..) => expected(&format!("/attr {verb} KEY VALUE")),
        ("del", key, _) if !key.is_empty() => Ok(AttributeOrder::Delete(words(rest))),
        ("begin", "", _) => Ok(AttributeOrder::Begin),
        ("end", "", _) => Ok(AttributeOrder::End),
        _ => expected("/attr, or behind it set, force, del, begin or end: /help says how"),
    }
}

fn update(field: &str, value: &str) -> Result<Field, String> {
    let text = value.to_owned();
    match (field, value) {
        ("name", _) => Ok(Field::Name(text)),
        ("announcement", _) => Ok(Field::Announcement(text)),
        ("url", _) => Ok(Field::Url(text)),
        ("ext", _) => Ok(Field::Ext(text)),
        ("queue-level", "0") => Ok(Field::QueueLevel(0)),
        ("queue-level", "1") => Ok(Field::QueueLevel(1)),
        ("notices", "on") => Ok(Field::Notices(true)),
        ("notices", "off") => Ok(Field::Notices(false)),
        ("queue-level", _) => expected("/update queue-level 0, for everybody, or 1, for those who run the room"),
        ("notices", _) => expected("/update notices on or /update notices off"),
        _ => expected("/update FIELD VALUE, with one of name, announcement, url, ext, queue-level, notices"),
    }
}

/// The first word and what follows it.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(first, rest)| (first, rest.trim_start()))
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
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

    fn owned(text: &str) -> String {
        text.to_owned()
    }

    fn role(change: RoleChange, set: bool, level: u32, words: &str) -> Order {
        Order::Role { account: owned("bob"), change, set, level, words: owned(words) }
    }

    #[test]
    fn orders_take_their_words() {
        let two = vec![owned("a"), owned("b")];
        let near = Location { x: Some(1.0), y: Some(-2.0), z: Some(0.5), distance: Some(10.0), enabled: Some(true) };
        for (line, order) in [
            ("/members", Order::Members),
            ("/members-by-tag vip", Order::ByTag(owned("vip"))),
            ("/who a b", Order::Who(two.clone())),
            ("/room", Order::Room),
            ("/history", Order::History(20)),
            ("/history 5", Order::History(5)),
            ("/history tags a b", Order::HistoryByTags(two.clone())),
            ("/recall 17 a mistake", Order::Recall { seq: 17, words: owned("a mistake") }),
            ("/recall #17", Order::Recall { seq: 17, words: owned("") }),
            ("/nick Bob the Great", Order::Nick(owned("Bob the Great"))),
            ("/tags a b", Order::Tags(two.clone())),
            ("/tags", Order::Tags(Vec::new())),
            ("/hear {\"tag\": \"vip\"}", Order::Hear(owned("{\"tag\": \"vip\"}"))),
            ("/near 1 -2 0.5 10", Order::Near(near)),
            ("/near off", Order::Near(Location { enabled: Some(false), ..Default::default() })),
            ("/mute", Order::MuteRoom(true)),
            ("/unmute", Order::MuteRoom(false)),
            ("/mute bob", role(RoleChange::Mute, true, 0, "")),
            ("/mute bob 60", Order::TempMute { account: owned("bob"), seconds: 60 }),
            ("/tempmute bob 0", Order::TempMute { account: owned("bob"), seconds: 0 }),
            ("/tagmute vip 60", Order::TagMute { tag: owned("vip"), seconds: 60 }),
            ("/unmute bob", role(RoleChange::Mute, false, 0, "")),
            ("/admin bob", role(RoleChange::Administrator, true, 0, "")),
            ("/admin bob off", role(RoleChange::Administrator, false, 0, "")),
            ("/role bob", role(RoleChange::Common, true, 0, "")),
            ("/role bob 7", role(RoleChange::Common, true, 7, "")),
            ("/role bob off", role(RoleChange::Common, false, 0, "")),
            ("/block bob no spam", role(RoleChange::Blocklist, true, 0, "no spam")),
            ("/unblock bob", role(RoleChange::Blocklist, false, 0, "")),
            ("/kick bob no spam", Order::Kick { account: owned("bob"), words: owned("no spam") }),
            ("/update name A new name", Order::Update(Field::Name(owned("A new name")))),
            ("/update announcement", Order::Update(Field::Announcement(owned("")))),
            ("/update queue-level 1", Order::Update(Field::QueueLevel(1))),
            ("/update notices off", Order::Update(Field::Notices(false))),
            ("/close good night", Order::Close(owned("good night"))),
            ("/memberattr", Order::MemberAttributes(Vec::new())),
            ("/memberattr a b", Order::MemberAttributes(two)),
            (
                "/memberattr set bob hp 9",
                Order::SetMemberAttribute { account: owned("bob"), key: owned("hp"), value: owned("9") },
            ),
            ("/memberattr set bob hp", Order::SetMemberAttribute { account: owned("bob"), key: owned("hp"), value: owned("") }),
            ("/help", Order::Help),
        ] {
            assert_eq!(Order::parse(line), Ok(order), "{line}");
        }
    }

    #[test]
    fn orders_about_the_queue_and_attributes_take_their_words() {
        let (key, value) = (owned("k"), owned("some value"));
        let offer = |transient| QueueOrder::Offer { key: key.clone(), value: value.clone(), transient };
        for (line, order) in [
            ("/queue", QueueOrder::List),
            ("/queue offer k some value", offer(false)),
            ("/queue transient k some value", offer(true)),
            ("/queue change k some value", QueueOrder::Change { key: key.clone(), value: value.clone() }),
            ("/queue poll", QueueOrder::Poll(String::new())),
            ("/queue  poll  k", QueueOrder::Poll(key.clone())),
            ("/queue peek", QueueOrder::Peek),
            ("/queue get k l", QueueOrder::Get(vec![key.clone(), owned("l")])),
            ("/queue drop", QueueOrder::Drop),
            ("/queue size 10", QueueOrder::Size(10)),
        ] {
            assert_eq!(Order::parse(line), Ok(Order::Queue(order)), "{line}");
        }
        let set = |force| AttributeOrder::Set { key: key.clone(), value: value.clone(), force };
        for (line, order) in [
            ("/attr", AttributeOrder::List),
            ("/attr set k some value", set(false)),
            ("/attr force k some value", set(true)),
            ("/attr del k l", AttributeOrder::Delete(vec![key.clone(), owned("l")])),
            ("/attr begin", AttributeOrder::Begin),
            ("/attr end", AttributeOrder::End),
        ] {
            assert_eq!(Order::parse(line), Ok(Order::Attributes(order)), "{line}");
        }
    }

    #[test]
    fn what_is_no_order_is_said_so_and_never_sent_to_the_room() {
        for line in [
            "/histroy",
            "/history 0",
            "/history 101",
            "/history x",
            "/history tags",
            "/members now",
            "/members-by-tag",
            "/who",
            "/recall",
            "/recall it",
            "/nick",
            "/near 1 2 3",
            "/near here",
            "/queue offer k",
            "/queue change k",
            "/queue get",
            "/queue size big",
            "/queue x",
            "/attr set k",
            "/attr del",
            "/attr x",
            "/memberattr set bob",
            "/mute bob soon",
            "/mute bob 0",
            "/tempmute bob",
            "/tagmute vip",
            "/admin",
            "/admin bob please",
            "/role bob high",
            "/block",
            "/kick",
            "/update",
            "/update colour red",
            "/update queue-level 2",
            "/update notices maybe",
        ] {
            assert!(Order::parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_help_names_every_order() {
        for verb in [
            "members",
            "members-by-tag",
            "who",
            "room",
            "history",
            "recall",
            "nick",
            "tags",
            "hear",
            "near",
            "queue",
            "attr",
            "memberattr",
            "admin",
            "role",
            "block",
            "unblock",
            "mute",
            "unmute",
            "tempmute",
            "tagmute",
            "kick",
            "update",
            "close",
            "help",
            "quit",
        ] {
            assert!(HELP.contains(&format!("/{verb}")), "{verb}");
        }
    }
}
