//! The rows of chatroom.md §b as requests. A row that names several operations has a variant for each.

use chatroom::wire::pb::{self, MessageType, RoleChange};
use chatroom::wire::{Request, Response};

use super::scene::Scene;
use crate::support::ask;

/// What a variant does.
pub enum Act {
    /// The caller asks for something.
    Ask(fn(&Scene<'_>) -> Request),
    /// The creator does something that the caller hears, if it hears anything.
    Hear(fn(&Scene<'_>) -> Request),
}

/// One operation of a row.
pub struct Variant {
    pub name: &'static str,
    pub act: Act,
    /// The room's queue level.
    pub queue_level: u32,
    /// What has to be so before the caller is muted, blocklisted or whatever the column says.
    pub before: fn(&mut Scene<'_>),
    /// What has to be so after that.
    pub after: fn(&mut Scene<'_>),
    /// For recalls: whether the message is the creator's or an administrator's.
    pub protected: bool,
}

fn ask(name: &'static str, request: fn(&Scene<'_>) -> Request) -> Variant {
    let (before, after) = (|_: &mut Scene<'_>| {}, |_: &mut Scene<'_>| {});
    Variant { name, act: Act::Ask(request), queue_level: 0, before, after, protected: false }
}

fn hear(name: &'static str, request: fn(&Scene<'_>) -> Request) -> Variant {
    Variant { act: Act::Hear(request), ..ask(name, request) }
}

impl Variant {
    fn before(self, before: fn(&mut Scene<'_>)) -> Variant {
        Variant { before, ..self }
    }

    fn after(self, after: fn(&mut Scene<'_>)) -> Variant {
        Variant { after, ..self }
    }

    fn level(self, queue_level: u32) -> Variant {
        Variant { queue_level, ..self }
    }

    fn protected(self) -> Variant {
        Variant { protected: true, ..self }
    }
}

/// The variants of a row; `None` for the one row that is no operation of a room.
pub fn variants(operation: &str) -> Option<Vec<Variant>> {
    Some(match operation {
        "enter (connect/login)" => vec![ask("enter", |scene| ask::enter(scene.room)).after(|scene| {
            let room = scene.room;
            if scene.has_connection() {
                scene.caller().came(ask::exit(room));
            }
        })],
        "exit (logout/disconnect)" => vec![ask("exit", |scene| ask::exit(scene.room))],
        "receive messages and notifications" => vec![
            hear("a message", |scene| ask::send(ask::text(scene.room, "heard", "words"))),
            hear("a notification", |scene| ask::update_ext(scene.room, "heard")),
        ],
        "getChatroom" => vec![ask("info", |scene| ask::info(scene.room))],
        "getChatroomMembers / by tag / count by tag / by ids" => vec![
            ask("list", |scene| Request::MemberList(pb::MemberListRequest { room_id: scene.room, ..Default::default() })),
            ask("by tag", |scene| {
                Request::MemberListByTag(pb::MemberListByTagRequest {
                    room_id: scene.room,
                    tag: "any".into(),
                    ..Default::default()
                })
            }),
            ask("count by tag", |scene| {
                Request::MemberCountByTag(pb::MemberCountByTagRequest { room_id: scene.room, tag: "any".into() })
            }),
            ask("by ids", |scene| {
                Request::MemberLookup(pb::MemberLookupRequest { room_id: scene.room, accounts: vec![scene.name.clone()] })
            }),
        ],
        "updateChatroom" => vec![ask("update", |scene| ask::update_ext(scene.room, "changed"))],
        "closeChatroom" => vec![ask("close", |scene| ask::close(scene.room))],
        "updateTags (own connection)" => vec![ask("tags", |scene| ask::update_tags(scene.room, &["other"]))],
        "updateCoordinate (own connection)" => vec![ask("location", |scene| ask::update_location(scene.room, 1.0, 2.0))],
        "updateMyChatroomMemberInfo" => vec![ask("nick", |scene| ask::update_nick(scene.room, "changed"))],
        "set/unset administrator" => roles(RoleChange::Administrator),
        "set/unset ordinary member" => roles(RoleChange::Common),
        "blocklist / unblocklist" => roles(RoleChange::Blocklist),
        "permanent mute / unmute" => roles(RoleChange::Mute),
        "temporary mute / lift" => vec![
            ask("mute", |scene| ask::temp_mute(scene.room, &scene.named("target"), 60)).before(invite_target),
            ask("lift", |scene| ask::temp_mute(scene.room, &scene.named("target"), 0)).before(|scene| {
                invite_target(scene);
                let request = ask::temp_mute(scene.room, &scene.named("target"), 60);
                scene.creator.done(request);
            }),
        ],
        "tag temporary mute / lift" => vec![
            ask("mute", |scene| ask::tag_temp_mute(scene.room, "other", 60)),
            ask("lift", |scene| ask::tag_temp_mute(scene.room, "other", 0)).before(|scene| {
                let request = ask::tag_temp_mute(scene.room, "other", 60);
                scene.creator.done(request);
            }),
        ],
        "room mute / unmute" => vec![
            ask("mute", |scene| ask::mute_room(scene.room, true)),
            ask("unmute", |scene| ask::mute_room(scene.room, false)).before(|scene| {
                let request = ask::mute_room(scene.room, true);
                scene.creator.done(request);
            }),
        ],
        "kick" => vec![ask("kick", |scene| ask::kick(scene.room, &scene.named("target"))).before(invite_target)],
        "send text/file/geo/tip/custom" => vec![
            ask("text", |scene| ask::send(ask::text(scene.room, "sent", "words"))),
            ask("file", |scene| ask::send(attached(scene, MessageType::File, "{\"name\":\"n\",\"md5\":\"m\",\"url\":\"u\"}"))),
            ask("geo", |scene| ask::send(attached(scene, MessageType::Geo, "{\"lng\":1.5,\"lat\":2.5,\"title\":\"t\"}"))),
            ask("tip", |scene| {
                ask::send(pb::MessageSendRequest { r#type: MessageType::Tip as i32, ..ask::text(scene.room, "sent", "a tip") })
            }),
            ask("custom", |scene| ask::send(attached(scene, MessageType::Custom, "anything"))),
        ],
        "send directed (`toAccids`)" => vec![ask("directed", |scene| {
            ask::send(pb::MessageSendRequest {
                to_accounts: vec![scene.named("bystander")],
                ..ask::text(scene.room, "sent", "words")
            })
        })],
        "send with highPriority" => vec![ask("high priority", |scene| {
            ask::send(pb::MessageSendRequest { high_priority: true, ..ask::text(scene.room, "sent", "words") })
        })],
        "resendMsg" => vec![ask("one that was never accepted", |scene| {
            ask::send(pb::MessageSendRequest { resend: true, ..ask::text(scene.room, "sent", "words") })
        })],
        "recall own message (≤120 s)" => vec![
            ask("own", |scene| ask::recall(scene.room, "own", &scene.name, scene.said_ms)).before(|scene| scene.say("own")),
        ],
        "recall someone else's message" => vec![
            ask("a visitor's", |scene| ask::recall(scene.room, "theirs", &scene.named("target"), scene.said_ms))
                .before(|scene| scene.have_said(&scene.named("target"), None, "theirs")),
            ask("an administrator's", |scene| ask::recall(scene.room, "theirs", &scene.named("target"), scene.said_ms))
                .before(|scene| scene.have_said(&scene.named("target"), Some(RoleChange::Administrator), "theirs"))
                .protected(),
            ask("the creator's", |scene| ask::recall(scene.room, "theirs", &scene.named("creator"), scene.said_ms))
                .before(|scene| {
                    let request = ask::send(ask::text(scene.room, "theirs", "words"));
                    let Response::MessageSend(sent) = scene.creator.done(request) else { panic!("a send is answered so") };
                    scene.said_ms = sent.time_ms;
                })
                .protected(),
        ],
        "getHistoryMsgs / by tags" => vec![
            ask("history", |scene| {
                Request::MessageHistory(pb::MessageHistoryRequest { room_id: scene.room, ..Default::default() })
            }),
            ask("by tags", |scene| {
                Request::MessageHistoryByTags(pb::MessageHistoryByTagsRequest {
                    room_id: scene.room,
                    tags: vec!["any".into()],
                    ..Default::default()
                })
            }),
        ],
        "queueOffer / queueChange / queuePoll, queuelevel 0" => queue_changes(0),
        "queueOffer / queueChange / queuePoll, queuelevel 1" => queue_changes(1),
        "queueOffer on behalf of another owner" => vec![ask("offer", |scene| {
            Request::QueueOffer(Box::new(pb::QueueOfferRequest {
                room_id: scene.room,
                key: "key".into(),
                owner: scene.named("bystander"),
                ..Default::default()
            }))
        })],
        "queueList / peak / multiGet" => vec![
            ask("list", |scene| Request::QueueList(pb::QueueListRequest { room_id: scene.room, ..Default::default() })),
            ask("peek", |scene| Request::QueuePeek(pb::QueuePeekRequest { room_id: scene.room })).before(offer_element),
            ask("multi-get", |scene| {
                Request::QueueMultiGet(pb::QueueMultiGetRequest { room_id: scene.room, keys: vec!["key".into()] })
            }),
        ],
        "queueDrop" => {
            vec![ask("drop", |scene| Request::QueueDrop(pb::QueueDropRequest { room_id: scene.room })).before(offer_element)]
        }
        "queueInit" => {
            vec![ask("init", |scene| Request::QueueInit(pb::QueueInitRequest { room_id: scene.room, size_limit: Some(7) }))]
        }
        "set/delete room attributes" => vec![
            ask("set", |scene| ask::set_attributes(scene.room, &[("key", "value")])),
            ask("delete", |scene| ask::delete_attributes(scene.room, &["key"], true)).before(set_attribute),
            ask("batch", |scene| {
                let operations = vec![pb::AttributesOperation { set: ask::map(&[("other", "value")]), ..Default::default() }];
                Request::AttributesBatch(pb::AttributesBatchRequest { room_id: scene.room, operations, ..Default::default() })
            }),
        ],
        "set room-member attributes (any member)" => vec![ask("of the bystander", |scene| {
            ask::set_member_attributes(scene.room, &[&scene.named("bystander")], &[("key", "value")])
        })],
        "query (member) attributes" => vec![
            ask("of the room", |scene| Request::AttributesList(pb::AttributesListRequest { room_id: scene.room })),
            ask("of members by name", |scene| {
                Request::MemberAttributesLookup(pb::MemberAttributesLookupRequest {
                    room_id: scene.room,
                    accounts: vec![scene.named("bystander")],
                })
            }),
            ask("of members by page", |scene| {
                Request::MemberAttributesList(pb::MemberAttributesListRequest { room_id: scene.room, ..Default::default() })
            }),
        ],
        // File storage is no operation of a room and has no packet here.
        "upload (previewFile)" => return None,
        other => panic!("{other:?} is no row of the matrix"),
    })
}

/// Giving and taking a role: three roles stand for themselves, and a function pointer holds no role, so each has its own.
fn roles(change: RoleChange) -> Vec<Variant> {
    macro_rules! both {
        ($change:expr) => {
            vec![
                ask("set", |scene| ask::set_role(scene.room, &scene.named("target"), $change, true))
                    .before(|scene| scene.node.create_account(&scene.named("target"))),
                ask("unset", |scene| ask::set_role(scene.room, &scene.named("target"), $change, false))
                    .before(|scene| scene.grant(&scene.named("target"), $change)),
            ]
        };
    }
    match change {
        RoleChange::Administrator => both!(RoleChange::Administrator),
        RoleChange::Common => both!(RoleChange::Common),
        RoleChange::Blocklist => both!(RoleChange::Blocklist),
        _ => both!(RoleChange::Mute),
    }
}

fn queue_changes(level: u32) -> Vec<Variant> {
    vec![
        ask("offer", |scene| ask::offer(scene.room, "new", "value")).level(level),
        ask("change", |scene| ask::change(scene.room, vec![ask::element("key", "other")], ""))
            .before(offer_element)
            .level(level),
        ask("poll", |scene| ask::poll(scene.room, "key")).before(offer_element).level(level),
    ]
}

fn attached(scene: &Scene<'_>, kind: MessageType, attach: &str) -> pb::MessageSendRequest {
    let (body, attach) = (Default::default(), attach.to_owned().into_bytes().into());
    pb::MessageSendRequest { r#type: kind as i32, body, attach, ..ask::text(scene.room, "sent", "") }
}

fn invite_target(scene: &mut Scene<'_>) {
    scene.invite(&scene.named("target"));
}

fn offer_element(scene: &mut Scene<'_>) {
    let request = ask::offer(scene.room, "key", "value");
    scene.creator.done(request);
}

fn set_attribute(scene: &mut Scene<'_>) {
    let request = ask::set_attributes(scene.room, &[("key", "value")]);
    scene.creator.done(request);
}
