//! Every code and sub code of chatroom.md §h that this server gives over the wire is given here; every other one stands in a list
//! with the reason why not. Both together are the tables of `chatroom::error`, so a new code without a test is noticed.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::ask::{self, Came};
use crate::support::local::{APP_WITHOUT_ANONYMOUS, anonymous};
use crate::support::peer::login;
use crate::support::process::{APP_KEY, APP_SECRET};
use crate::support::{LocalNode, Peer};
use base64::Engine;
use bytes::Bytes;
use chatroom::error::{CODES, SUBS};
use chatroom::limits;
use chatroom::wire::pb::{self, RoleChange};
use chatroom::wire::{Push, Request, Response};
use sha1::{Digest, Sha1};

/// A room with its creator and a guest, for one scenario.
struct Stage<'a> {
    node: &'a LocalNode,
    room: i64,
    number: usize,
    owner: Peer,
    guest: Peer,
    /// The room the owner has made as clients do; 0: none.
    made: i64,
}

impl<'a> Stage<'a> {
    fn new(node: &'a LocalNode, number: usize) -> Stage<'a> {
        let owner = format!("owner{number}");
        node.create_account(&owner);
        let room = node.create_room(&owner);
        Stage { node, room, number, owner: node.join(&owner, room), guest: node.join(&format!("guest{number}"), room), made: 0 }
    }

    fn guest_name(&self) -> String {
        format!("guest{}", self.number)
    }

    fn restrict_guest(&mut self, change: RoleChange) {
        let request = ask::set_role(self.room, &self.guest_name(), change, true);
        self.owner.done(request);
    }

    fn text(&self) -> Request {
        ask::send(ask::text(self.room, "id", "words"))
    }

    /// What a login comes to that is as it should be, but for what is changed.
    fn log_in(&self, adjust: impl FnOnce(&mut pb::LoginRequest)) -> Came {
        let mut request = login(&format!("newcomer{}", self.number), Some(self.room));
        adjust(&mut request);
        let (_, answer) = self.node.log_in(request);
        ask::came(&Response::Login(Box::new(answer)))
    }

    /// Has the owner make a room as clients do, and gives its name.
    fn make_room(&mut self) -> String {
        let alias = format!("lobby{}", self.number);
        let Response::RoomCreate(made) = self.owner.done(make(&alias, false)) else { panic!("a room is made so") };
        self.made = made.room.map_or(0, |room| room.room_id);
        alias
    }

    /// Sets attributes of the room with values of so many bytes.
    fn set_each(&mut self, keys: impl IntoIterator<Item = (String, usize)>) -> Came {
        let attributes = keys.into_iter().map(|(key, bytes)| (key, "v".repeat(bytes))).collect();
        let request = pb::AttributesSetRequest { room_id: self.room, attributes, ..Default::default() };
        self.owner.came(Request::AttributesSet(request))
    }

    /// Sets attributes of the guest with values of so many bytes.
    fn set_of_guest(&mut self, keys: impl IntoIterator<Item = (String, usize)>) -> Came {
        let attributes = keys.into_iter().map(|(key, bytes)| (key, "v".repeat(bytes))).collect();
        let accounts = vec![self.guest_name()];
        let request = pb::MemberAttributesSetRequest { room_id: self.room, accounts, attributes, ..Default::default() };
        self.owner.came(Request::MemberAttributesSet(Box::new(request)))
    }

    /// A room that has no member left.
    fn close(&mut self) {
        // A second room keeps the creator's connection.
        let elsewhere = self.node.create_room(&format!("owner{}", self.number));
        self.owner.done(ask::enter(elsewhere));
        self.owner.done(ask::close(self.room));
    }
}

/// What is done, and what it has to come to.
type Scenario = (Came, &'static str, fn(&mut Stage<'_>) -> Came);

const MADE: &[Scenario] = &[
    ((200, 0), "a message is accepted", |stage| {
        let request = stage.text();
        stage.owner.came(request)
    }),
    ((201, 0), "a login speaks a version of another time", |stage| stage.log_in(|login| login.protocol_version = 9)),
    ((201, 0), "a login says no version", |stage| stage.log_in(|login| login.protocol_version = 0)),
    ((302, 102302), "a login with a token that is none", |stage| stage.log_in(|login| login.token = "none".into())),
    ((302, 102302), "an unknown account logs in with a static token", |stage| {
        stage.log_in(|login| (login.token, login.auth_type) = ("none".into(), pb::AuthType::Static as i32))
    }),
    ((403, 0), "an unknown application", |stage| stage.log_in(|login| login.app_key = "nobody".into())),
    ((403, 6000321), "a room the caller is not in", |stage| {
        stage.guest.done(ask::exit(stage.room));
        stage.guest.came(ask::info(stage.room))
    }),
    ((403, 114303), "an anonymous visitor sends", |stage| {
        let mut ghost = stage.node.join_anonymously(&format!("ghost{}", stage.number), stage.room);
        ghost.came(stage.text())
    }),
    ((403, 114303), "an anonymous visitor where the application wants none", |stage| {
        stage.log_in(|login| {
            *login = pb::LoginRequest { app_key: APP_WITHOUT_ANONYMOUS.into(), ..anonymous("", None) };
        })
    }),
    ((404, 114303), "an anonymous visitor is made a member", |stage| {
        let name = format!("ghost{}", stage.number);
        let _ghost = stage.node.join_anonymously(&name, stage.room);
        stage.owner.came(ask::set_role(stage.room, &name, RoleChange::Common, true))
    }),
    ((403, 114427), "what only the creator may", |stage| stage.guest.came(ask::close(stage.room))),
    ((403, 114432), "what only creator and administrators may", |stage| stage.guest.came(ask::update_ext(stage.room, "x"))),
    ((403, 114429), "something done to oneself", |stage| {
        let name = format!("owner{}", stage.number);
        stage.owner.came(ask::kick(stage.room, &name))
    }),
    ((403, 113428), "the queue of a room where only managers change it", |stage| {
        let level = pb::RoomUpdateRequest { room_id: stage.room, queue_level: Some(1), ..Default::default() };
        stage.owner.done(Request::RoomUpdate(Box::new(level)));
        stage.guest.came(ask::offer(stage.room, "key", "value"))
    }),
    ((403, 0), "a message of a type that is the server's", |stage| {
        let message = ask::text(stage.room, "id", "words");
        stage.owner.came(ask::send(pb::MessageSendRequest { r#type: pb::MessageType::Notification as i32, ..message }))
    }),
    ((404, 113404), "a room that never was", |stage| stage.owner.came(ask::info(1_000_000))),
    ((404, 114304), "a member who is not here is put out", |stage| {
        stage.node.create_account("absent");
        stage.owner.came(ask::kick(stage.room, "absent"))
    }),
    ((404, 102404), "somebody is muted for a time who is no account", |stage| {
        stage.owner.came(ask::temp_mute(stage.room, "nobody", 60))
    }),
    ((404, 0), "an element that is not in the queue", |stage| stage.owner.came(ask::poll(stage.room, "nothing"))),
    ((404, 102404), "somebody is made a member who is no account", |stage| {
        stage.owner.came(ask::set_role(stage.room, "nobody", RoleChange::Common, true))
    }),
    ((406, 113307), "an update that changes nothing", |stage| {
        stage.owner.done(ask::update_ext(stage.room, "same"));
        stage.owner.came(ask::update_ext(stage.room, "same"))
    }),
    ((414, 0), "a text that is empty", |stage| stage.owner.came(ask::send(ask::text(stage.room, "id", "")))),
    ((417, 113409), "a room is entered twice", |stage| stage.owner.came(ask::enter(stage.room))),
    ((417, 114405), "a restriction is set twice", |stage| {
        stage.restrict_guest(RoleChange::Mute);
        stage.owner.came(ask::set_role(stage.room, &stage.guest_name(), RoleChange::Mute, true))
    }),
    ((419, 0), "the queue is full", |stage| {
        stage.owner.done(Request::QueueInit(pb::QueueInitRequest { room_id: stage.room, size_limit: Some(0) }));
        stage.owner.came(ask::offer(stage.room, "key", "value"))
    }),
    ((419, 114437), "one fixed member too many", |stage| {
        for number in 1..limits::FIXED_MEMBERS_MAX {
            let name = format!("fixed{number}");
            stage.node.create_account(&name);
            stage.owner.done(ask::set_role(stage.room, &name, RoleChange::Common, true));
        }
        stage.owner.came(ask::set_role(stage.room, &stage.guest_name(), RoleChange::Common, true))
    }),
    ((422, 102422), "a blocked account logs in", |stage| {
        stage.node.change_account("blocked", |account| account.blocked = true);
        stage.log_in(|request| *request = login("blocked", None))
    }),
    ((423, 102421), "a muted account sends", |stage| {
        stage.node.change_account("silenced", |account| account.muted = true);
        let mut silenced = stage.node.join("silenced", stage.room);
        silenced.came(stage.text())
    }),
    ((508, 0), "a token that was good once", |stage| {
        let name = format!("newcomer{}", stage.number);
        stage.log_in(|login| login.token = token_of(&name, crate::support::admin::unix_ms() - 120_000, 60))
    }),
    ((509, 0), "something is asked before login", |stage| {
        let mut stranger = Peer::connect(stage.node.wire);
        stranger.ask(&ask::info(stage.room)).expect("the server reads");
        let Push::Status(status) = stranger.push() else { panic!("the last word is a status") };
        (status.code, status.sub)
    }),
    ((514, 0), "a login by callback, where the application has none", |stage| {
        stage.log_in(|login| login.auth_type = pb::AuthType::Callback as i32)
    }),
    ((13002, 113406), "a room that is closed", |stage| {
        stage.close();
        stage.owner.came(ask::info(stage.room))
    }),
    ((13003, 114426), "somebody on the blocklist enters", |stage| {
        stage.restrict_guest(RoleChange::Blocklist);
        let name = stage.guest_name();
        stage.log_in(|request| *request = login(&name, request.enter.as_ref().map(|enter| enter.room_id)))
    }),
    ((13003, 114301), "somebody on the blocklist is made a member", |stage| {
        stage.restrict_guest(RoleChange::Blocklist);
        stage.owner.came(ask::set_role(stage.room, &stage.guest_name(), RoleChange::Common, true))
    }),
    ((13004, 114301), "somebody who is muted is made a member", |stage| {
        stage.restrict_guest(RoleChange::Mute);
        stage.owner.came(ask::set_role(stage.room, &stage.guest_name(), RoleChange::Common, true))
    }),
    ((13004, 114421), "somebody sends who is muted", |stage| {
        stage.restrict_guest(RoleChange::Mute);
        let request = stage.text();
        stage.guest.came(request)
    }),
    ((13004, 113301), "somebody sends who is muted for a time", |stage| {
        stage.owner.done(ask::temp_mute(stage.room, &stage.guest_name(), 60));
        let request = stage.text();
        stage.guest.came(request)
    }),
    ((13004, 113302), "somebody sends who carries a muted tag", |stage| {
        stage.guest.done(ask::update_tags(stage.room, &["loud"]));
        stage.owner.done(ask::tag_temp_mute(stage.room, "loud", 60));
        let request = stage.text();
        stage.guest.came(request)
    }),
    ((403, 107315), "a visitor takes back what another has said", |stage| {
        let Response::MessageSend(sent) = stage.owner.done(stage.text()) else { panic!("a send is answered so") };
        stage.guest.came(ask::recall(stage.room, "id", &format!("owner{}", stage.number), sent.time_ms))
    }),
    ((404, 107404), "a message that is not there is taken back", |stage| {
        let name = format!("owner{}", stage.number);
        stage.owner.came(ask::recall(stage.room, "nothing", &name, crate::support::admin::unix_ms() as i64))
    }),
    ((13006, 113423), "somebody sends in a muted room", |stage| {
        stage.owner.done(ask::mute_room(stage.room, true));
        let request = stage.text();
        stage.guest.came(request)
    }),
];

/// Of rooms made by clients, and of attributes: chatroom.md §h, "Ephemeral-family map".
const MADE_IN_ROOMS_OF_CLIENTS: &[Scenario] = &[
    ((414, 6000001), "a room with a name that is too long", |stage| stage.owner.came(make(&"a".repeat(33), false))),
    ((404, 6000322), "a room nobody has made is entered", |stage| stage.owner.came(join("nowhere"))),
    ((417, 6000320), "a room is entered twice", |stage| {
        let alias = stage.make_room();
        stage.owner.came(join(&alias))
    }),
    ((417, 6000323), "a room is made that is there", |stage| {
        let alias = stage.make_room();
        stage.guest.came(make(&alias, false))
    }),
    ((419, 6000325), "one room more than an account may be in", |stage| {
        let alias = stage.make_room();
        for number in 1..limits::CLIENT_ROOMS_PER_ACCOUNT_MAX {
            stage.owner.done(make(&format!("{alias}-{number}"), false));
        }
        stage.owner.came(make(&format!("{alias}-last"), false))
    }),
    ((419, 6000324), "too many rooms that were left wait for their end", |stage| {
        let make = |number: usize, owner: usize| {
            let alias = format!("left{owner}-{number}");
            let request = pb::RoomCreateRequest { alias, destroy_delay_seconds: 3600, ..Default::default() };
            Request::RoomCreate(Box::new(request))
        };
        for number in 0..limits::CLIENT_ROOMS_LEFT_PER_ACCOUNT_MAX {
            stage.owner.done(make(number, stage.number));
            stage.owner.done(Request::RoomLeaveAll(pb::RoomLeaveAllRequest {}));
        }
        stage.owner.came(make(limits::CLIENT_ROOMS_LEFT_PER_ACCOUNT_MAX, stage.number))
    }),
    ((404, 0), "a command of management, which these rooms do not know", |stage| {
        stage.make_room();
        stage.owner.came(ask::mute_room(stage.made, true))
    }),
    ((514, 6000013), "a message is taken back where that is not supported", |stage| {
        stage.make_room();
        let name = format!("owner{}", stage.number);
        stage.owner.came(ask::recall(stage.made, "id", &name, 1))
    }),
    ((414, 6000357), "more members are looked up at once than may be", |stage| {
        stage.make_room();
        let accounts = (0..=limits::CLIENT_ROOM_LOOKUP_MAX).map(|number| format!("member{number}")).collect();
        stage.owner.came(Request::MemberLookup(pb::MemberLookupRequest { room_id: stage.made, accounts }))
    }),
    ((200, 6000332), "of two attributes one is another's", |stage| {
        stage.guest.done(ask::set_attributes(stage.room, &[("theirs", "1")]));
        stage.owner.came(ask::set_attributes(stage.room, &[("theirs", "2"), ("mine", "2")]))
    }),
    ((403, 6000331), "all attributes are another's", |stage| {
        stage.guest.done(ask::set_attributes(stage.room, &[("theirs", "1")]));
        stage.owner.came(ask::set_attributes(stage.room, &[("theirs", "2")]))
    }),
    ((419, 6000334), "one attribute too many", |stage| {
        stage.set_each((0..=limits::ATTRIBUTES_MAX).map(|n| (n.to_string(), 1)))
    }),
    ((414, 6000335), "a key that is too long", |stage| stage.set_each([("k".repeat(17), 1)])),
    ((414, 6000336), "a value that is too long", |stage| stage.set_each([("k".into(), 1025)])),
    ((419, 6000337), "attributes that are too long together", |stage| {
        stage.set_each((0..6).map(|n| (n.to_string(), limits::ATTRIBUTE_VALUE_BYTES_MAX)))
    }),
    ((403, 6000350), "an attribute of a member is another's", |stage| {
        let name = stage.guest_name();
        stage.guest.done(ask::set_member_attributes(stage.room, &[&name], &[("k", "1")]));
        stage.set_of_guest([("k".into(), 1)])
    }),
    ((419, 6000351), "attributes of a member that are too long together", |stage| {
        stage.set_of_guest((0..3).map(|n| (n.to_string(), limits::MEMBER_ATTRIBUTE_VALUE_BYTES_MAX)))
    }),
    ((414, 6000352), "a key of a member's attribute that is too long", |stage| stage.set_of_guest([("k".repeat(9), 1)])),
    ((414, 6000353), "a value of a member's attribute that is too long", |stage| stage.set_of_guest([("k".into(), 65)])),
    ((416, 6000004), "attributes of members are asked for too often", |stage| {
        let accounts = vec![stage.guest_name()];
        let request = pb::MemberAttributesLookupRequest { room_id: stage.room, accounts };
        let request = Request::MemberAttributesLookup(request);
        (0..=limits::MEMBER_ATTRIBUTE_QUERIES_MAX).map(|_| stage.owner.came(request.clone())).last().expect("some were made")
    }),
];

/// Makes a room as a client does; `enter` lets it be there.
fn make(alias: &str, enter: bool) -> Request {
    let request = pb::RoomCreateRequest { alias: alias.into(), enter_existing: enter, ..Default::default() };
    Request::RoomCreate(Box::new(request))
}

/// Enters a room made by a client.
fn join(alias: &str) -> Request {
    Request::RoomEnter(Box::new(pb::RoomEnterRequest { alias: alias.into(), ..Default::default() }))
}

/// Scenarios that need a node of their own.
const MADE_ELSEWHERE_HERE: &[Came] = &[(416, 0), (416, 107323), (403, 113451), (13005, 114451)];

/// Codes that are given, and shown by a test of another file, because it takes more than a connection to bring them about.
const SHOWN: &[(i32, &str, &str)] = &[
    (500, "dispatch/hub.rs", "a_failed_commit_acknowledges_nothing_and_nothing_after_it"),
    (503, "session/answers_each_request_once.rs", "one_request_too_many_is_refused_and_leaves_no_trace"),
    (463, "server/send_callback.rs", "the_application_passes_rewrites_or_refuses_a_message"),
    (315, "admin/http_calls.rs", "every_endpoint_refuses_addresses_its_application_does_not_allow"),
    (413, "admin/headers.rs", "a_body_may_have_a_mebibyte_and_a_larger_one_is_413_and_its_caller_hears_so"),
    (431, "admin/headers.rs", "a_call_that_was_made_before_is_431_and_changes_nothing"),
    (408, "client/comes_back_after_a_cut.rs", "a_server_that_stops_answering_is_left"),
    (415, "client/connects_to_the_address_that_works.rs", "attempts_run_out_and_the_client_says_why"),
    (20000, "client/completes_everything_once.rs", "closing_with_a_hundred_requests_in_flight_completes_each_of_them"),
    (20001, "client/connects_to_the_address_that_works.rs", "what_is_asked_of_a_client_that_does_not_connect_ends_at_once"),
];

/// Codes this server never gives over the wire, and why.
const NOT_GIVEN: &[(i32, &str)] = &[
    (301, "reserved: a blocked account is 422"),
    (405, "not produced: 414 is used"),
    (418, "reserved"),
    (449, "all changes of a room are serialised, so none meets another half way; reserved for several nodes"),
    (501, "reserved"),
    (998, "local to a client that cannot unpack"),
    (999, "local to a client that cannot pack"),
    (7101, "beyond rooms: messages between two accounts"),
    (13001, "reserved for clients that tunnel through an IM link"),
    (20002, "local to the client library"),
    (191002, "local to the client library"),
];

/// Sub codes this server never gives over the wire, and why.
const SUBS_NOT_GIVEN: &[(i32, &str)] = &[
    (114404, "HTTP only: who is neither here nor a fixed member changes nothing about itself (tests/admin/members.rs)"),
    (107304, "HTTP only: a client's excess of high priority goes out as ordinary messages"),
    (107306, "a duplicate is answered 200 with the first result (chatroom.md §e.2)"),
    (107451, "a message that moderation refuses is 113451, as chatroom.md §e.9 says"),
    (113303, "a room closes in one step, so nobody meets one that is closing"),
    (113434, "rooms of an application are without limit (chatroom.md §a.1), and so no client makes one too many"),
    (6000330, "each attribute fails for itself: 6000331 or 6000332"),
    (6000333, "attributes lie in memory with their room: reading them does not fail"),
    (114408, "what is deleted twice is 417 or 404 here"),
    (114449, "all changes of a room are serialised"),
];

/// Sub codes that are given, and shown by a test of another file, because it takes more than a connection to bring them about.
const SUBS_SHOWN: &[(i32, &str, &str)] = &[
    (107314, "room/recall.rs", "ones_own_message_can_be_recalled_for_two_minutes"),
    (103404, "server/profiles.rs", "a_look_up_names_150_accounts_at_most_and_one_of_them_exists"),
];

/// A dynamic token (chatroom.md §d.1) of a time of one's choice.
fn token_of(account: &str, time_ms: u64, ttl_seconds: u64) -> String {
    let mut hasher = Sha1::new();
    hasher.update(format!("{APP_KEY}{account}{time_ms}{ttl_seconds}{APP_SECRET}"));
    let signature: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let json = format!("{{\"signature\":\"{signature}\",\"curTime\":{time_ms},\"ttl\":{ttl_seconds}}}");
    base64::engine::general_purpose::STANDARD.encode(json)
}

/// Every scenario of this file.
fn made() -> impl Iterator<Item = &'static Scenario> {
    MADE.iter().chain(MADE_IN_ROOMS_OF_CLIENTS)
}

#[test]
fn each_scenario_comes_to_its_code() {
    let node = LocalNode::start(|_| {});
    let mut wrong = Vec::new();
    for (number, (expected, what, scenario)) in made().enumerate() {
        let found = scenario(&mut Stage::new(&node, number));
        if found != *expected {
            wrong.push(format!("{what}: {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} scenarios are wrong:\n{}", wrong.len(), made().count(), wrong.join("\n"));
}

#[test]
fn too_much_of_a_session_and_too_much_of_a_member_are_416_each_with_its_time_to_wait() {
    let limited = LocalNode::start(|config| (config.limits.requests_per_second, config.limits.requests_burst) = (1, 3));
    let mut stage = Stage::new(&limited, 0);
    let request = ask::info(stage.room);
    let refused = std::iter::repeat_with(|| stage.owner.status(&request)).find(|status| status.code != 0);
    let refused = refused.expect("sooner or later it is too much");
    assert_eq!((refused.code, refused.sub), MADE_ELSEWHERE_HERE[0]);
    assert!((1..=1000).contains(&refused.retry_after_ms));

    let limited = LocalNode::start(|config| (config.limits.client_send_per_second, config.limits.client_send_burst) = (1, 3));
    let mut stage = Stage::new(&limited, 0);
    let request = stage.text();
    let refused = std::iter::repeat_with(|| stage.owner.status(&request)).find(|status| status.code != 0);
    let refused = refused.expect("sooner or later it is too much");
    assert_eq!((refused.code, refused.sub), MADE_ELSEWHERE_HERE[1]);
    assert!((1..=1000).contains(&refused.retry_after_ms));
}

#[test]
fn what_the_operator_does_not_want_said_or_shown_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("words");
    std::fs::write(&path, "forbidden\n").expect("the temporary folder is writable");
    let node = LocalNode::start(|config| config.moderation.refused_words = path);
    let mut stage = Stage::new(&node, 0);
    assert_eq!(stage.owner.came(ask::send(ask::text(stage.room, "id", "a Forbidden word"))), MADE_ELSEWHERE_HERE[2]);
    assert_eq!(stage.owner.came(ask::update_ext(stage.room, "forbidden")), MADE_ELSEWHERE_HERE[2]);
    assert_eq!(stage.owner.came(ask::update_nick(stage.room, "forbidden")), MADE_ELSEWHERE_HERE[3]);
}

#[test]
fn every_code_is_given_here_or_has_a_reason_why_not() {
    let given = made().map(|(came, ..)| came.0).chain(MADE_ELSEWHERE_HERE.iter().map(|came| came.0));
    let shown = SHOWN.iter().map(|row| row.0);
    let not_given = NOT_GIVEN.iter().map(|row| row.0);
    let given: BTreeSet<i32> = given.collect();
    let accounted: BTreeSet<i32> = given.iter().copied().chain(shown).chain(not_given).collect();
    let table: BTreeSet<i32> = CODES.iter().map(|row| row.number).collect();
    assert_eq!(accounted, table, "every code of the table, and none besides");
    let twice = given.iter().filter(|code| NOT_GIVEN.iter().any(|row| row.0 == **code)).collect::<Vec<_>>();
    assert!(twice.is_empty(), "given after all: {twice:?}");
    println!(
        "{} codes: {} given here, {} shown elsewhere, {} not given",
        table.len(),
        given.len(),
        SHOWN.len(),
        NOT_GIVEN.len()
    );
}

#[test]
fn every_sub_code_is_given_here_or_has_a_reason_why_not() {
    let given = made().map(|(came, ..)| came.1).chain(MADE_ELSEWHERE_HERE.iter().map(|came| came.1));
    let given: BTreeSet<i32> = given.filter(|sub| *sub != 0).collect();
    let not_given = SUBS_NOT_GIVEN.iter().map(|row| row.0);
    let accounted: BTreeSet<i32> = given.iter().copied().chain(not_given).chain(SUBS_SHOWN.iter().map(|row| row.0)).collect();
    let table: BTreeSet<i32> = SUBS.iter().map(|row| row.1).collect();
    assert_eq!(accounted, table, "every sub code of the table, and none besides");
    let twice = given.iter().filter(|sub| SUBS_NOT_GIVEN.iter().any(|row| row.0 == **sub)).collect::<Vec<_>>();
    assert!(twice.is_empty(), "given after all: {twice:?}");
    println!("{} sub codes: {} given here, {} not given", table.len(), given.len(), SUBS_NOT_GIVEN.len());
}

#[test]
fn tests_that_show_a_code_elsewhere_are_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for (code, file, test) in SHOWN.iter().chain(SUBS_SHOWN) {
        let text = std::fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(text.contains(&format!("fn {test}(")), "{code}: {file} has no {test}");
    }
}

#[test]
fn a_request_nobody_knows_is_404_and_a_body_that_is_none_414() {
    let node = LocalNode::start(|_| {});
    let mut peer = node.log_in_only("somebody");
    for (kind, body, expected) in [(0x0FFF_u16, Bytes::new(), 404), (0x0102, Bytes::from_static(&[0xFF]), 414)] {
        let mut frame = bytes::BytesMut::new();
        chatroom::wire::Frame::new(kind, 0, 77, body).encode(&mut frame);
        peer.write(&frame).expect("the server reads");
        let deadline = std::time::Instant::now() + crate::support::PATIENCE;
        let answer = peer.frame(deadline).expect("it answers");
        let status = <pb::Status as prost::Message>::decode(answer.body).expect("any response can be read as a Status");
        assert_eq!((answer.header.kind, answer.header.sequence, status.code), (kind, 77, expected));
    }
}
