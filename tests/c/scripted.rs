//! A server of the tests' own making for C programs: it knows what each request must say, answers it with something to look at,
//! and tells what differs. What it was not asked as agreed it answers with 500 and the difference.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use bytes::BytesMut;
use chatroom::error::{Code, Status};
use chatroom::wire::packet::encode_status;
use chatroom::wire::pb::{self, NotificationType};
use chatroom::wire::{FrameCodec, Packet, Push, Request, Response};
use tokio_util::codec::Decoder;

/// Starts the server; it serves for as long as the process lives.
pub fn server() -> SocketAddr {
    serving(serve)
}

/// Listens, and serves each connection on a thread of its own, for as long as the process lives.
pub fn serving(serve: fn(TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("a listener has an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

fn serve(mut stream: TcpStream) {
    let (mut codec, mut inbox, mut chunk) = (FrameCodec::default(), BytesMut::new(), [0; 4096]);
    loop {
        match stream.read(&mut chunk) {
            Ok(len) if len > 0 => inbox.extend_from_slice(&chunk[..len]),
            _ => return,
        }
        while let Ok(Some(frame)) = codec.decode(&mut inbox) {
            let Ok(Packet::Request { sequence, request }) = Packet::decode(frame) else { return };
            let mut out = BytesMut::new();
            let kind = request.kind() as u16;
            let is_login = matches!(request, Request::Login(_));
            match answer(request) {
                Ok(response) => response.encode(sequence, &mut out),
                Err(difference) => encode_status(kind, sequence, &Status::new(Code::ServerError, difference), &mut out),
            }
            if is_login {
                notifications().iter().for_each(|push| push.encode(&mut out));
            }
            if stream.write_all(&out).is_err() {
                return;
            }
        }
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn attribute(key: &str, value: &str) -> pb::Attribute {
    pb::Attribute { key: key.into(), value: value.into(), owner: "amy".into(), delete_after_owner_left: true }
}

fn member_attributes() -> Vec<pb::MemberAttributes> {
    vec![pb::MemberAttributes {
        account: "bob".into(),
        attributes: vec![attribute("hp", "9"), attribute("mp", "")],
        error_keys: texts(&["xp"]),
    }]
}

fn element(key: &str, value: &'static str) -> pb::QueueElement {
    pb::QueueElement { key: key.into(), value: value.into(), ..Default::default() }
}

/// What happens in room 1 right after a login: one notification of each type whose fields C reads.
fn notifications() -> Vec<Push> {
    use NotificationType::*;
    let step = |action: pb::AttributesAction, key| pb::AttributesChanged {
        action: action.into(),
        attributes: vec![attribute(key, "v")],
    };
    let (set, delete) = (step(pb::AttributesAction::Set, "k"), step(pb::AttributesAction::Delete, "old"));
    let about = |kind: NotificationType| pb::Notification {
        room_id: 1,
        r#type: kind.into(),
        operator: "bob".into(),
        targets: texts(&["amy"]),
        ..Default::default()
    };
    let entered = pb::Entered { temp_mute_seconds: 7, client_type: 2, avatar: "a.png".into(), ..Default::default() };
    let role = Some(pb::RoleChanged { r#type: pb::MemberType::Administrator.into(), level: 3 });
    let tagged = |kind| pb::Notification { target_tag: "vip".into(), mute_seconds: 60, ..about(kind) };
    let all = vec![
        pb::Notification { entered: Some(entered), targets: Vec::new(), ..about(MemberEnter) },
        pb::Notification { role_changed: role, ..about(AdministratorAdd) },
        about(MuteAdd),
        pb::Notification { mute_seconds: 60, ..about(TempMuteAdd) },
        about(RoomMuted),
        tagged(TagTempMuteAdd),
        tagged(TagTempMuteRemove),
        pb::Notification {
            recalled: Some(pb::Recalled { message_id: "m-1".into(), message_time_ms: 77, from: "bob".into() }),
            ..about(MessageRecalled)
        },
        pb::Notification {
            queue_changed: Some(pb::QueueChanged {
                event: pb::QueueEvent::BatchOffer.into(),
                elements: vec![pb::QueueElementChange { key: "q".into(), value: "v".into() }; 2],
            }),
            ..about(QueueBatchOffered)
        },
        pb::Notification {
            operator: "amy".into(),
            tags_updated: Some(pb::TagsUpdated { tags: texts(&["x", "y"]), notify_target_tags: "{\"tag\":\"x\"}".into() }),
            ..about(TagsUpdated)
        },
        pb::Notification { attributes_changed: Some(set.clone()), ..about(AttributesChanged) },
        pb::Notification {
            attributes_batch_changed: Some(pb::AttributesBatchChanged { changes: vec![set, delete] }),
            ..about(AttributesBatchChanged)
        },
        pb::Notification {
            member_attributes_changed: Some(pb::MemberAttributesChanged { members: member_attributes() }),
            ..about(MemberAttributesChanged)
        },
    ];
    let numbered = all.into_iter().zip(11..).map(|(notification, seq)| pb::Notification { seq, epoch: 5, ..notification });
    numbered.map(|notification| Push::Notification(Box::new(notification))).collect()
}

/// `response` if the request is the one that was agreed on, else what differs.
fn agreed<T: PartialEq + std::fmt::Debug>(found: &T, agreed: &T, response: Response) -> Result<Response, String> {
    if found == agreed { Ok(response) } else { Err(format!("agreed was {agreed:?}, found {found:?}")) }
}

fn room(room_id: i64, alias: &str) -> pb::RoomInfo {
    pb::RoomInfo { room_id, alias: alias.into(), name: "Party".into(), destroy_delay_seconds: 60, ..Default::default() }
}

fn entered(room_id: i64, alias: &str, created: bool) -> Box<pb::RoomEnterResponse> {
    Box::new(pb::RoomEnterResponse {
        room: Some(room(room_id, alias)),
        member: Some(pb::Member { account: "amy".into(), online: true, ..Default::default() }),
        epoch: 5,
        last_seq: 10,
        created,
        attributes: vec![attribute("k", "v")],
        ..Default::default()
    })
}

fn answer(request: Request) -> Result<Response, String> {
    let room_id = 1;
    let notify_ext = String::from("why");
    let done = pb::Status::default();
    match request {
        Request::Login(login) => Ok(Response::Login(Box::new(pb::LoginResponse {
            account: login.account.clone(),
            heartbeat_seconds: 30,
            resume_token: "r".into(),
            enter: login.enter.as_ref().map(|enter| *entered(enter.room_id, "", false)),
            ..Default::default()
        }))),
        Request::Logout(_) => Ok(Response::Logout(done)),
        Request::Ping(body) => Ok(Response::Ping(body)),
        Request::KickDevices(found) => {
            agreed(&found, &pb::KickDevicesRequest { device_ids: texts(&["d1", "d2"]) }, Response::KickDevices(done))
        }
        Request::RoomCreate(found) => {
            let location = pb::Location { x: Some(1.0), distance: Some(5.0), enabled: Some(true), ..Default::default() };
            let enter = pb::RoomEnterRequest {
                nick: "Al".into(),
                tags: texts(&["a", "b"]),
                location: Some(location),
                ..Default::default()
            };
            let wanted = pb::RoomCreateRequest {
                alias: "party".into(),
                name: "Party".into(),
                enter_existing: true,
                destroy_delay_seconds: 60,
                attributes: [("k".to_owned(), "v".to_owned())].into_iter().collect(),
                enter: Some(enter),
            };
            agreed(&*found, &wanted, Response::RoomCreate(entered(7, "party", true)))
        }
        Request::RoomSwitch(found) => {
            let to = Some(pb::RoomCreateRequest { alias: "hall".into(), ..Default::default() });
            let wanted = pb::RoomSwitchRequest { from_room_id: 7, to, create_missing: true };
            agreed(&*found, &wanted, Response::RoomSwitch(entered(8, "hall", true)))
        }
        Request::RoomLeaveAll(found) => {
            let left = pb::RoomLeaveAllResponse { room_ids: vec![8], aliases: texts(&["hall"]), ..Default::default() };
            agreed(&found, &pb::RoomLeaveAllRequest {}, Response::RoomLeaveAll(left))
        }
        Request::RoomUpdate(found) => {
            let wanted = pb::RoomUpdateRequest {
                room_id,
                name: Some("New".into()),
                announcement: Some(String::new()),
                queue_level: Some(1),
                silent: true,
                notify_ext,
                ..Default::default()
            };
            let info = pb::RoomInfo { name: "New".into(), queue_level: 1, ..room(1, "") };
            let response = pb::RoomInfoResponse { room: Some(info), ..Default::default() };
            agreed(&*found, &wanted, Response::RoomUpdate(Box::new(response)))
        }
        Request::RoomClose(found) => agreed(&found, &pb::RoomCloseRequest { room_id, notify_ext }, Response::RoomClose(done)),
        Request::MemberListByTag(found) => {
            let wanted = pb::MemberListByTagRequest { room_id, tag: "vip".into(), time_ms: 9, limit: 10, ..Default::default() };
            let connection = pb::OnlineConnection { connection_id: "c9".into(), client_type: 2, ..Default::default() };
            let member = pb::Member {
                account: "bob".into(),
                tags: texts(&["vip"]),
                notify_target_tags: "{\"tag\":\"vip\"}".into(),
                connections: vec![connection],
                robot: true,
                robot_expire_seconds: 33,
                ..Default::default()
            };
            let members = vec![member, pb::Member { account: "carol".into(), ..Default::default() }];
            let page = pb::MemberListResponse { members, has_more: true, ..Default::default() };
            agreed(&found, &wanted, Response::MemberListByTag(page))
        }
        Request::MemberCountByTag(found) => {
            let response = pb::MemberCountByTagResponse { count: 5_000_000_000, ..Default::default() };
            let wanted = pb::MemberCountByTagRequest { room_id, tag: "vip".into() };
            agreed(&found, &wanted, Response::MemberCountByTag(response))
        }
        Request::MemberTempMute(found) => {
            let wanted = pb::MemberTempMuteRequest { room_id, account: "bob".into(), seconds: 60, silent: false, notify_ext };
            let response = pb::MemberTempMuteResponse { seconds: 60, ..Default::default() };
            agreed(&found, &wanted, Response::MemberTempMute(response))
        }
        Request::MemberTagTempMute(found) => {
            let wanted = pb::MemberTagTempMuteRequest {
                room_id,
                tag: "vip".into(),
                seconds: 0,
                silent: true,
                notify_target_tags: Some(String::new()),
                ..Default::default()
            };
            let response = pb::MemberTempMuteResponse { seconds: 59, ..Default::default() };
            agreed(&found, &wanted, Response::MemberTagTempMute(response))
        }
        Request::MemberUpdateSelf(found) => {
            let wanted = pb::MemberUpdateSelfRequest {
                room_id,
                nick: Some("Amy".into()),
                ext: Some(String::new()),
                save: true,
                notify_ext,
                ..Default::default()
            };
            agreed(&*found, &wanted, Response::MemberUpdateSelf(done))
        }
        Request::MemberUpdateTags(found) => {
            let wanted = pb::MemberUpdateTagsRequest {
                room_id,
                tags: texts(&["x", "y"]),
                set_tags: true,
                notify_target_tags: None,
                notify: true,
                notify_ext,
            };
            agreed(&*found, &wanted, Response::MemberUpdateTags(done))
        }
        Request::MemberUpdateLocation(found) => {
            let location = pb::Location { y: Some(-2.5), enabled: Some(false), ..Default::default() };
            let wanted = pb::MemberUpdateLocationRequest { room_id, location: Some(location) };
            agreed(&found, &wanted, Response::MemberUpdateLocation(done))
        }
        other => answer_more(other),
    }
}

/// Messages, the queue and attributes.
fn answer_more(request: Request) -> Result<Response, String> {
    let room_id = 1;
    let notify_ext = String::from("why");
    let pairs = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into_iter().collect();
    match request {
        Request::MessageSend(found) => {
            let moderation = pb::Moderation { use_yidun: Some(0), bid: "{}".into(), ..Default::default() };
            let wanted = pb::MessageSendRequest {
                room_id,
                message_id: "m-2".into(),
                body: "hi".into(),
                high_priority: true,
                high_priority_resend: Some(false),
                moderation: Some(moderation),
                env: "test".into(),
                route: Some(false),
                callback_ext: "cb".into(),
                ..Default::default()
            };
            let response = pb::MessageSendResponse { message_id: "m-2".into(), high_priority: true, ..Default::default() };
            agreed(&*found, &wanted, Response::MessageSend(response))
        }
        Request::MessageHistoryByTags(found) => {
            let wanted = pb::MessageHistoryByTagsRequest {
                room_id,
                tags: texts(&["vip"]),
                types: vec![0, 100],
                from_time_ms: 3,
                to_time_ms: 4,
                limit: 5,
                reverse: true,
                last_seq: 41,
            };
            use pb::history_item::Item;
            let message = Item::Message(pb::Message { body: "old".into(), resend_on_enter: true, ..Default::default() });
            let notification = Item::Notification(pb::Notification { target_tag: "vip".into(), ..Default::default() });
            let items = [message, notification].map(|item| pb::HistoryItem { item: Some(item) }).into();
            let page = pb::MessageHistoryResponse { items, has_more: true, reached_seq: 42, ..Default::default() };
            agreed(&found, &wanted, Response::MessageHistoryByTags(page))
        }
        Request::MessageRecall(found) => {
            let wanted =
                pb::MessageRecallRequest { room_id, message_id: "m-1".into(), time_ms: 77, from: "bob".into(), notify_ext };
            agreed(&*found, &wanted, Response::MessageRecall(pb::Status::default()))
        }
        Request::QueueInit(found) => {
            let wanted = pb::QueueInitRequest { room_id, size_limit: None };
            agreed(&found, &wanted, Response::QueueInit(pb::Status::default()))
        }
        Request::QueueBatchOffer(found) => {
            let second = pb::QueueElement { owner: "bob".into(), transient: true, ..element("b", "2") };
            let elements = vec![element("a", "1"), second];
            let wanted = pb::QueueBatchOfferRequest { room_id, elements, notify: true, notify_ext };
            let response = pb::QueueBatchResponse { failed_keys: texts(&["b"]), ..Default::default() };
            agreed(&found, &wanted, Response::QueueBatchOffer(response))
        }
        Request::QueueMultiGet(found) => {
            let wanted = pb::QueueMultiGetRequest { room_id, keys: texts(&["a", "b"]) };
            let response = pb::QueueListResponse { elements: vec![element("a", "1")], ..Default::default() };
            agreed(&found, &wanted, Response::QueueMultiGet(response))
        }
        Request::QueueChange(found) => {
            let wanted =
                pb::QueueChangeRequest { room_id, elements: vec![element("z", "9")], notify: false, ..Default::default() };
            let response = pb::QueueBatchResponse { failed_keys: texts(&["z"]), ..Default::default() };
            agreed(&found, &wanted, Response::QueueChange(response))
        }
        Request::AttributesSet(found) => {
            let wanted = pb::AttributesSetRequest {
                room_id,
                attributes: pairs("k", "v"),
                force: true,
                update_owner: true,
                delete_after_owner_left: true,
            };
            let response = pb::AttributesChangeResponse { sub: 6_000_332, error_keys: texts(&["k2"]), ..Default::default() };
            agreed(&found, &wanted, Response::AttributesSet(response))
        }
        Request::AttributesDelete(found) => {
            let wanted = pb::AttributesDeleteRequest { room_id, keys: texts(&["k"]), force: true };
            agreed(&found, &wanted, Response::AttributesDelete(pb::AttributesChangeResponse::default()))
        }
        Request::AttributesBatch(found) => {
            let set = pb::AttributesOperation { set: pairs("k", "v"), ..Default::default() };
            let delete = pb::AttributesOperation { delete: texts(&["k"]), ..Default::default() };
            let wanted =
                pb::AttributesBatchRequest { room_id, operations: vec![set, delete], force: true, ..Default::default() };
            let response = pb::AttributesChangeResponse { error_keys: texts(&["k3"]), ..Default::default() };
            agreed(&found, &wanted, Response::AttributesBatch(response))
        }
        Request::AttributesList(found) => {
            let attributes = vec![attribute("a", "1"), attribute("b", "2")];
            let response = pb::AttributesListResponse { attributes, ..Default::default() };
            agreed(&found, &pb::AttributesListRequest { room_id }, Response::AttributesList(response))
        }
        Request::MemberAttributesSet(found) => {
            let wanted = pb::MemberAttributesSetRequest {
                room_id,
                accounts: texts(&["bob", "carol"]),
                attributes: pairs("hp", "9"),
                force: true,
                delete_after_owner_left: Some(false),
            };
            let response = pb::MemberAttributesSetResponse {
                members: member_attributes(),
                error_accounts: texts(&["carol"]),
                ..Default::default()
            };
            agreed(&*found, &wanted, Response::MemberAttributesSet(response))
        }
        Request::MemberAttributesLookup(found) => {
            let wanted = pb::MemberAttributesLookupRequest { room_id, accounts: texts(&["bob", "carol"]) };
            let response = pb::MemberAttributesListResponse { members: member_attributes(), ..Default::default() };
            agreed(&found, &wanted, Response::MemberAttributesLookup(response))
        }
        Request::MemberAttributesList(found) => {
            let wanted = pb::MemberAttributesListRequest { room_id, next: "n1".into(), limit: 10 };
            let response =
                pb::MemberAttributesListResponse { members: member_attributes(), next: "n2".into(), ..Default::default() };
            agreed(&found, &wanted, Response::MemberAttributesList(response))
        }
        other => Err(format!("nothing was agreed on about {:?}", other.kind())),
    }
}
