//! One packet of each kind and role, and the dialogue of docs/protocol.md. Kinds that are not here have one that is made up.

use std::collections::BTreeMap;

use bytes::Bytes;
use chatroom::error::{Code, Status, Sub};
use chatroom::wire::{Packet, Push, Request, Response, pb};

pub const ROOM: i64 = 1_000_001;
pub const TIME_MS: i64 = 1_790_000_000_000;

/// Packets under the names of their files, sorted as they are written.
pub fn samples() -> Vec<(String, Packet)> {
    let mut all: Vec<(String, Packet)> = Vec::new();
    for (place, request) in requests().into_iter().enumerate() {
        let name = format!("{}_request", name_of(request.kind()));
        all.push((name, Packet::Request { sequence: place as u32 + 1, request }));
    }
    for (place, response) in responses().into_iter().enumerate() {
        let name = format!("{}_response", name_of(response.kind()));
        all.push((name, Packet::Response { sequence: place as u32 + 1, response }));
    }
    for push in pushes() {
        all.push((format!("{}_push", name_of(push.kind())), Packet::Push(push)));
    }
    all.extend(dialogue().into_iter().map(|(name, packet)| (name.to_owned(), packet)));
    all
}

pub fn name_of(kind: pb::PacketKind) -> String {
    kind.as_str_name().trim_start_matches("PACKET_KIND_").to_ascii_lowercase()
}

pub fn text(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

/// Alice logs in and enters, says something, both sides show life, and she is put out.
fn dialogue() -> Vec<(&'static str, Packet)> {
    let room = pb::RoomInfo {
        room_id: ROOM,
        creator: "owner".into(),
        name: "Lobby".into(),
        valid: true,
        online_count: 2,
        create_time_ms: TIME_MS,
        update_time_ms: TIME_MS,
        queue_size_limit: 1000,
        ..Default::default()
    };
    let phone = pb::OnlineConnection {
        nick: "Alice".into(),
        enter_time_ms: TIME_MS,
        client_type: 1,
        connection_id: "0100000001000000".into(),
        ..Default::default()
    };
    let alice = pb::Member {
        account: "alice".into(),
        r#type: pb::MemberType::Visitor as i32,
        nick: "Alice".into(),
        online: true,
        enter_time_ms: TIME_MS,
        connections: vec![phone],
        ..Default::default()
    };
    let enter = pb::RoomEnterRequest { room_id: ROOM, nick: "Alice".into(), ..Default::default() };
    let login = pb::LoginRequest {
        app_key: "demo".into(),
        account: "alice".into(),
        token: "secret".into(),
        client_type: 1,
        device_id: "alice-phone".into(),
        protocol_version: 1,
        enter: Some(enter),
        ..Default::default()
    };
    let entered = pb::RoomEnterResponse {
        room: Some(room),
        member: Some(alice),
        epoch: 1,
        last_seq: 41,
        connection_id: "0100000001000000".into(),
        ..Default::default()
    };
    let logged_in = pb::LoginResponse {
        account: "alice".into(),
        connection_id: "0100000001000000".into(),
        server_time_ms: TIME_MS,
        heartbeat_seconds: 30,
        idle_timeout_seconds: 90,
        frame_bytes_max: 1024 * 1024,
        resume_token: "YW4gb3BhcXVlIHRleHQ".into(),
        enter: Some(entered),
        ..Default::default()
    };
    let send = pb::MessageSendRequest { room_id: ROOM, message_id: "a-1".into(), body: text("hello"), ..Default::default() };
    let sent =
        pb::MessageSendResponse { message_id: "a-1".into(), time_ms: TIME_MS + 5, seq: 42, epoch: 1, ..Default::default() };
    let heard = pb::Message {
        room_id: ROOM,
        seq: 43,
        time_ms: TIME_MS + 900,
        message_id: "b-7".into(),
        from: "bob".into(),
        from_nick: "Bob".into(),
        from_client_type: 1,
        body: text("hello, Alice"),
        epoch: 1,
        ..Default::default()
    };
    let put_out = pb::Notification {
        room_id: ROOM,
        seq: 44,
        time_ms: TIME_MS + 5000,
        epoch: 1,
        r#type: pb::NotificationType::MemberKicked as i32,
        operator: "owner".into(),
        targets: vec!["alice".into()],
        target_nicks: vec!["Alice".into()],
        ..Default::default()
    };
    let kicked = pb::Kicked {
        reason: pb::KickReason::ManagerKick as i32,
        message: "put out of the room".into(),
        room_id: ROOM,
        ..Default::default()
    };
    vec![
        ("dialogue_1_login_request", Packet::Request { sequence: 1, request: Request::Login(Box::new(login)) }),
        ("dialogue_2_login_response", Packet::Response { sequence: 1, response: Response::Login(Box::new(logged_in)) }),
        ("dialogue_3_send_request", Packet::Request { sequence: 2, request: Request::MessageSend(Box::new(send)) }),
        ("dialogue_4_send_response", Packet::Response { sequence: 2, response: Response::MessageSend(sent) }),
        ("dialogue_5_message_push", Packet::Push(Push::Message(Box::new(heard)))),
        ("dialogue_6_ping_request", Packet::Request { sequence: 3, request: Request::Ping(Bytes::new()) }),
        ("dialogue_7_ping_response", Packet::Response { sequence: 3, response: Response::Ping(Bytes::new()) }),
        ("dialogue_8_notification_push", Packet::Push(Push::Notification(Box::new(put_out)))),
        ("dialogue_9_kicked_push", Packet::Push(Push::Kicked(Box::new(kicked)))),
    ]
}

fn location() -> pb::Location {
    pb::Location { x: Some(1.5), y: Some(-2.25), z: Some(0.0), distance: Some(100.0), enabled: Some(true) }
}

fn enter() -> pb::RoomEnterRequest {
    pb::RoomEnterRequest {
        room_id: ROOM,
        nick: "Alice 爱丽丝".into(),
        avatar: "https://example.org/alice.png".into(),
        ext: "{\"team\":1}".into(),
        enter_ext: "hello".into(),
        tags: vec!["red".into(), "front".into()],
        notify_target_tags: Some("{\"tag\":\"red\"}".into()),
        location: Some(location()),
        ..Default::default()
    }
}

fn room() -> pb::RoomInfo {
    pb::RoomInfo {
        room_id: ROOM,
        creator: "owner".into(),
        name: "Lobby".into(),
        announcement: Some("Welcome".into()),
        broadcast_url: "rtmp://example.org/live".into(),
        ext: "{}".into(),
        queue_level: 1,
        valid: true,
        muted: true,
        in_out_notification: true,
        online_count: 12_345,
        create_time_ms: TIME_MS,
        update_time_ms: TIME_MS + 1,
        delay_close: Some(pb::DelayClose { policy: 2, delay_seconds: 60, start_time_ms: TIME_MS }),
        queue_size_limit: 50,
        ..Default::default()
    }
}

fn member() -> pb::Member {
    pb::Member {
        account: "alice".into(),
        r#type: pb::MemberType::Limited as i32,
        level: Some(0),
        nick: "Alice".into(),
        online: true,
        enter_time_ms: TIME_MS,
        muted: true,
        temp_mute_seconds: 30,
        tags: vec!["red".into()],
        connections: vec![pb::OnlineConnection { nick: "Alice".into(), client_type: 4, ..Default::default() }],
        ..Default::default()
    }
}

fn entered() -> pb::RoomEnterResponse {
    pb::RoomEnterResponse {
        room: Some(room()),
        member: Some(member()),
        epoch: 3,
        last_seq: 4711,
        connection_id: "0100000001000000".into(),
        ..Default::default()
    }
}

fn element() -> pb::QueueElement {
    pb::QueueElement { key: "seat-1".into(), value: text("alice"), owner: "alice".into(), transient: true }
}

fn message() -> pb::Message {
    pb::Message {
        room_id: ROOM,
        seq: 4712,
        time_ms: TIME_MS,
        message_id: "0b6f9a2e-7d1c-4c55-9f3a-5f1f2f6f0a11".into(),
        from: "alice".into(),
        from_nick: "Alice".into(),
        from_client_type: 4,
        r#type: pb::MessageType::Geo as i32,
        sub_type: 9,
        body: text("你好"),
        attach: text("{\"lat\":1}"),
        ext: text("{}"),
        at: Some(pb::Point { x: 1.0, y: 2.0, z: -0.5 }),
        epoch: 3,
        ..Default::default()
    }
}

fn notification() -> pb::Notification {
    pb::Notification {
        room_id: ROOM,
        seq: 4713,
        time_ms: TIME_MS,
        epoch: 3,
        r#type: pb::NotificationType::MemberEnter as i32,
        operator: "alice".into(),
        targets: vec!["alice".into()],
        target_nicks: vec!["Alice".into()],
        entered: Some(pb::Entered { client_type: 4, ..Default::default() }),
        queue_changed: Some(pb::QueueChanged {
            event: pb::QueueEvent::Offer as i32,
            elements: vec![pb::QueueElementChange { key: "seat-1".into(), value: text("alice") }],
        }),
        ..Default::default()
    }
}

pub fn history() -> pb::MessageHistoryResponse {
    use pb::history_item::Item;
    let items = [Item::Message(message()), Item::Notification(notification())];
    let items = items.into_iter().map(|item| pb::HistoryItem { item: Some(item) }).collect();
    pb::MessageHistoryResponse { items, has_more: true, ..Default::default() }
}

fn requests() -> Vec<Request> {
    let (room_id, account, notify_ext) = (ROOM, || "bob".to_owned(), || "because".to_owned());
    vec![
        Request::Ping(Bytes::new()),
        Request::Login(Box::new(pb::LoginRequest {
            app_key: "demo".into(),
            account: "alice".into(),
            token: "secret".into(),
            auth_type: pb::AuthType::Dynamic as i32,
            client_type: 4,
            custom_tag: "tv".into(),
            device_id: "device-1".into(),
            sdk_version: "0.1.0".into(),
            protocol_version: 1,
            enter: Some(enter()),
            resume: Some(pb::Resume {
                token: "resume".into(),
                rooms: vec![pb::RoomPosition { room_id, epoch: 3, last_seq: 4711 }],
            }),
            compression: vec!["zstd".into()],
            ..Default::default()
        })),
        Request::Logout(pb::LogoutRequest {}),
        Request::RenewToken(pb::RenewTokenRequest { token: "fresh".into() }),
        Request::KickDevices(pb::KickDevicesRequest { device_ids: vec!["device-2".into()] }),
        Request::RoomEnter(Box::new(enter())),
        Request::RoomExit(pb::RoomExitRequest { room_id }),
        Request::RoomInfo(pb::RoomInfoRequest { room_id }),
        Request::RoomUpdate(Box::new(pb::RoomUpdateRequest {
            room_id,
            name: Some("Hall".into()),
            announcement: Some(String::new()),
            notify_ext: notify_ext(),
            ..Default::default()
        })),
        Request::RoomClose(pb::RoomCloseRequest { room_id, notify_ext: notify_ext() }),
        Request::RoomMute(pb::RoomMuteRequest { room_id, mute: true, silent: false, notify_ext: notify_ext() }),
        Request::MemberList(pb::MemberListRequest {
            room_id,
            query: pb::MemberQuery::VisitorsOldest as i32,
            time_ms: TIME_MS,
            limit: 100,
            ..Default::default()
        }),
        Request::MemberLookup(pb::MemberLookupRequest { room_id, accounts: vec!["alice".into(), account()] }),
        Request::MemberListByTag(pb::MemberListByTagRequest {
            room_id,
            tag: "red".into(),
            time_ms: 0,
            limit: 20,
            ..Default::default()
        }),
        Request::MemberCountByTag(pb::MemberCountByTagRequest { room_id, tag: "red".into() }),
        Request::MemberSetRole(pb::MemberSetRoleRequest {
            room_id,
            account: account(),
            change: pb::RoleChange::Administrator as i32,
            set: true,
            level: 1,
            notify_ext: notify_ext(),
        }),
        Request::MemberKick(pb::MemberKickRequest { room_id, account: account(), notify_ext: notify_ext() }),
        Request::MemberTempMute(pb::MemberTempMuteRequest {
            room_id,
            account: account(),
            seconds: 60,
            silent: true,
            notify_ext: notify_ext(),
        }),
        Request::MemberTagTempMute(pb::MemberTagTempMuteRequest {
            room_id,
            tag: "red".into(),
            seconds: 60,
            silent: true,
            notify_ext: notify_ext(),
            notify_target_tags: Some("red".into()),
        }),
        Request::MemberUpdateSelf(Box::new(pb::MemberUpdateSelfRequest {
            room_id,
            nick: Some("Ally".into()),
            save: true,
            ..Default::default()
        })),
        Request::MemberUpdateTags(Box::new(pb::MemberUpdateTagsRequest {
            room_id,
            tags: vec!["blue".into()],
            set_tags: true,
            notify: true,
            ..Default::default()
        })),
        Request::MemberUpdateLocation(pb::MemberUpdateLocationRequest { room_id, location: Some(location()) }),
        Request::MessageSend(Box::new(pb::MessageSendRequest {
            room_id,
            message_id: "m-1".into(),
            r#type: pb::MessageType::Custom as i32,
            body: text("你好"),
            attach: text("{\"gift\":1}"),
            ext: text("{}"),
            resend: true,
            abandon_ratio: Some(0),
            high_priority_resend: Some(false),
            to_accounts: vec![account()],
            at: Some(pb::Point { x: 1.0, y: 2.0, z: 3.0 }),
            moderation: Some(pb::Moderation { use_yidun: Some(0), ..Default::default() }),
            route: Some(true),
            ..Default::default()
        })),
        Request::MessageHistory(pb::MessageHistoryRequest {
            room_id,
            time_ms: TIME_MS,
            limit: 50,
            reverse: true,
            types: vec![0, 100],
            last_seq: 4711,
        }),
        Request::MessageHistoryByTags(pb::MessageHistoryByTagsRequest {
            room_id,
            tags: vec!["red".into()],
            types: vec![0],
            from_time_ms: TIME_MS,
            to_time_ms: TIME_MS + 1000,
            limit: 10,
            reverse: false,
            last_seq: 41,
        }),
        Request::MessageRecall(Box::new(pb::MessageRecallRequest {
            room_id,
            message_id: "m-1".into(),
            time_ms: TIME_MS,
            from: account(),
            notify_ext: notify_ext(),
        })),
        Request::QueueInit(pb::QueueInitRequest { room_id, size_limit: Some(0) }),
        Request::QueueOffer(Box::new(pb::QueueOfferRequest {
            room_id,
            key: "seat-1".into(),
            value: text("alice"),
            transient: true,
            owner: "alice".into(),
        })),
        Request::QueueBatchOffer(pb::QueueBatchOfferRequest {
            room_id,
            elements: vec![element()],
            notify: true,
            notify_ext: notify_ext(),
        }),
        Request::QueuePoll(pb::QueuePollRequest { room_id, key: "seat-1".into() }),
        Request::QueueList(pb::QueueListRequest { room_id, ..Default::default() }),
        Request::QueuePeek(pb::QueuePeekRequest { room_id }),
        Request::QueueMultiGet(pb::QueueMultiGetRequest { room_id, keys: vec!["seat-1".into(), "seat-2".into()] }),
        Request::QueueChange(pb::QueueChangeRequest {
            room_id,
            elements: vec![element()],
            notify: true,
            notify_ext: notify_ext(),
        }),
        Request::QueueDrop(pb::QueueDropRequest { room_id }),
        Request::RoomCreate(Box::new(create())),
        Request::RoomSwitch(Box::new(pb::RoomSwitchRequest {
            from_room_id: room_id,
            to: Some(create()),
            create_missing: true,
        })),
        Request::RoomLeaveAll(pb::RoomLeaveAllRequest {}),
        Request::AttributesSet(pb::AttributesSetRequest {
            room_id,
            attributes: attributes(),
            force: true,
            update_owner: true,
            delete_after_owner_left: true,
        }),
        Request::AttributesDelete(pb::AttributesDeleteRequest { room_id, keys: vec!["topic".into()], force: true }),
        Request::AttributesBatch(pb::AttributesBatchRequest {
            room_id,
            operations: vec![
                pb::AttributesOperation { set: attributes(), delete: vec![] },
                pb::AttributesOperation { set: Default::default(), delete: vec!["old".into()] },
            ],
            force: true,
            update_owner: true,
            delete_after_owner_left: true,
        }),
        Request::AttributesList(pb::AttributesListRequest { room_id }),
        Request::MemberAttributesSet(Box::new(pb::MemberAttributesSetRequest {
            room_id,
            accounts: vec!["alice".into()],
            attributes: attributes(),
            force: true,
            delete_after_owner_left: Some(false),
        })),
        Request::MemberAttributesLookup(pb::MemberAttributesLookupRequest { room_id, accounts: vec!["alice".into()] }),
        Request::MemberAttributesList(pb::MemberAttributesListRequest { room_id, next: "alice".into(), limit: 10 }),
    ]
}

fn create() -> pb::RoomCreateRequest {
    pb::RoomCreateRequest {
        alias: "lobby".into(),
        name: "Lobby".into(),
        enter_existing: true,
        destroy_delay_seconds: 60,
        attributes: attributes(),
        enter: Some(pb::RoomEnterRequest { nick: "Alice".into(), ..Default::default() }),
    }
}

fn attributes() -> BTreeMap<String, String> {
    BTreeMap::from([("topic".into(), "tea".into())])
}

fn attribute() -> pb::Attribute {
    pb::Attribute { key: "topic".into(), value: "tea".into(), owner: "alice".into(), delete_after_owner_left: true }
}

fn carrying() -> pb::MemberAttributes {
    pb::MemberAttributes { account: "alice".into(), attributes: vec![attribute()], error_keys: vec!["rank".into()] }
}

fn responses() -> Vec<Response> {
    let ok = pb::Status::default;
    let refused = || pb::Status::from(&Status::with_sub(Code::Forbidden, Sub::ManagersOnly));
    let members = || pb::MemberListResponse { members: vec![member()], has_more: true, ..Default::default() };
    let info = || Box::new(pb::RoomInfoResponse { room: Some(room()), ..Default::default() });
    let muted = || pb::MemberTempMuteResponse { seconds: 60, ..Default::default() };
    let queue = || pb::QueueListResponse { elements: vec![element()], ..Default::default() };
    let batch = || pb::QueueBatchResponse { failed_keys: vec!["seat-9".into()], ..Default::default() };
    let change = || pb::AttributesChangeResponse { error_keys: vec!["topic".into()], ..Default::default() };
    let carriers =
        || pb::MemberAttributesListResponse { members: vec![carrying()], next: "alice".into(), ..Default::default() };
    let one = || pb::QueueElementResponse { element: Some(element()), ..Default::default() };
    vec![
        Response::Ping(text("tick")),
        Response::Login(Box::new(pb::LoginResponse {
            account: "alice".into(),
            connection_id: "0100000001000000".into(),
            server_time_ms: TIME_MS,
            heartbeat_seconds: 30,
            idle_timeout_seconds: 90,
            frame_bytes_max: 1024 * 1024,
            resume_token: "resume".into(),
            enter: Some(entered()),
            ..Default::default()
        })),
        Response::Logout(ok()),
        Response::RenewToken(ok()),
        Response::KickDevices(ok()),
        Response::RoomEnter(Box::new(entered())),
        Response::RoomExit(pb::RoomExitResponse { room_id: ROOM, alias: "lobby".into(), ..Default::default() }),
        Response::RoomInfo(info()),
        Response::RoomUpdate(info()),
        Response::RoomClose(refused()),
        Response::RoomMute(ok()),
        Response::MemberList(members()),
        Response::MemberLookup(members()),
        Response::MemberListByTag(members()),
        Response::MemberCountByTag(pb::MemberCountByTagResponse { count: 17, ..Default::default() }),
        Response::MemberSetRole(Box::new(pb::MemberSetRoleResponse { member: Some(member()), ..Default::default() })),
        Response::MemberKick(refused()),
        Response::MemberTempMute(muted()),
        Response::MemberTagTempMute(muted()),
        Response::MemberUpdateSelf(ok()),
        Response::MemberUpdateTags(ok()),
        Response::MemberUpdateLocation(ok()),
        Response::MessageSend(pb::MessageSendResponse {
            message_id: "m-1".into(),
            time_ms: TIME_MS,
            seq: 4712,
            epoch: 3,
            duplicate: true,
            ..Default::default()
        }),
        Response::MessageHistory(history()),
        Response::MessageHistoryByTags(history()),
        Response::MessageRecall(ok()),
        Response::QueueInit(ok()),
        Response::QueueOffer(pb::QueueOfferResponse { updated: true, ..Default::default() }),
        Response::QueueBatchOffer(batch()),
        Response::QueuePoll(one()),
        Response::QueueList(queue()),
        Response::QueuePeek(one()),
        Response::QueueMultiGet(queue()),
        Response::QueueChange(batch()),
        Response::QueueDrop(pb::QueueDropResponse::default()),
        Response::RoomCreate(Box::new(pb::RoomEnterResponse { created: true, ..entered() })),
        Response::RoomSwitch(Box::new(entered())),
        Response::RoomLeaveAll(pb::RoomLeaveAllResponse {
            room_ids: vec![ROOM],
            aliases: vec!["lobby".into()],
            ..Default::default()
        }),
        Response::AttributesSet(change()),
        Response::AttributesDelete(change()),
        Response::AttributesBatch(change()),
        Response::AttributesList(pb::AttributesListResponse { attributes: vec![attribute()], ..Default::default() }),
        Response::MemberAttributesSet(pb::MemberAttributesSetResponse {
            members: vec![carrying()],
            error_accounts: vec!["nobody".into()],
            ..Default::default()
        }),
        Response::MemberAttributesLookup(carriers()),
        Response::MemberAttributesList(carriers()),
    ]
}

fn pushes() -> Vec<Push> {
    let too_old = Status::new(Code::VersionTooOld, "this server speaks version 1");
    vec![
        Push::Status(Box::new(pb::Status { supported_versions: vec![1], ..pb::Status::from(&too_old) })),
        Push::Kicked(Box::new(pb::Kicked {
            reason: pb::KickReason::TokenExpired as i32,
            message: "log in again".into(),
            ext: "{}".into(),
            may_reconnect: true,
            retry_after_ms: 1500,
            room_id: 0,
            spread_ms: 0,
        })),
        Push::TokenWillExpire(pb::TokenWillExpire { seconds: 30 }),
        Push::Message(Box::new(message())),
        Push::Notification(Box::new(notification())),
        Push::Gap(pb::Gap { room_id: ROOM, first_seq: 10, last_seq: 20 }),
        Push::RoomEpoch(pb::RoomEpoch { room_id: ROOM, epoch: 4, log_seq: 20 }),
    ]
}
