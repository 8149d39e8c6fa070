//! What lends C its views of packets.
//!
//! Made from `proto/` by `tests/c/generate`: change it there, then `CHATROOM_BLESS=1 cargo test --test c generate`.

use super::*;

/// Lends a `Attribute`.
pub(in crate::capi) fn lend_attribute(packet: &pb::Attribute) -> chatroom_attribute_t {
    chatroom_attribute_t {
        key: chatroom_bytes_t::text(&packet.key),
        value: chatroom_bytes_t::text(&packet.value),
        owner: chatroom_bytes_t::text(&packet.owner),
        delete_after_owner_left: packet.delete_after_owner_left.into(),
        reserved: 0,
    }
}

/// Lends a `AttributesChangeResponse`.
pub(in crate::capi) fn lend_attributes_change_response(
    packet: &pb::AttributesChangeResponse,
    arena: &mut Arena,
) -> chatroom_keys_t {
    let (keys, key_count) = arena.texts(&packet.error_keys);
    chatroom_keys_t { keys, key_count }
}

impl Lend for pb::AttributesChangeResponse {
    type View = chatroom_keys_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_keys_t)) {
        body(&lend_attributes_change_response(&self, &mut Arena::default()));
    }
}

/// Lends a `AttributesListResponse`.
pub(in crate::capi) fn lend_attributes_list_response(
    packet: &pb::AttributesListResponse,
    arena: &mut Arena,
) -> chatroom_attributes_t {
    let attributes = packet.attributes.iter().map(lend_attribute).collect();
    let (attributes, attribute_count) = arena.row(attributes);
    chatroom_attributes_t { attributes, attribute_count }
}

impl Lend for pb::AttributesListResponse {
    type View = chatroom_attributes_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_attributes_t)) {
        body(&lend_attributes_list_response(&self, &mut Arena::default()));
    }
}

/// Lends a `MemberAttributes`.
pub(in crate::capi) fn lend_member_attributes(
    packet: &pb::MemberAttributes,
    arena: &mut Arena,
) -> chatroom_member_attributes_t {
    let attributes = packet.attributes.iter().map(lend_attribute).collect();
    let (attributes, attribute_count) = arena.row(attributes);
    let (error_keys, error_key_count) = arena.texts(&packet.error_keys);
    chatroom_member_attributes_t {
        account: chatroom_bytes_t::text(&packet.account),
        attributes,
        attribute_count,
        error_keys,
        error_key_count,
    }
}

/// Lends a `MemberAttributesSetResponse`.
pub(in crate::capi) fn lend_member_attributes_set_response(
    packet: &pb::MemberAttributesSetResponse,
    arena: &mut Arena,
) -> chatroom_member_attributes_page_t {
    let members = packet.members.iter().map(|one| lend_member_attributes(one, arena)).collect();
    let (members, member_count) = arena.row(members);
    let (error_accounts, error_account_count) = arena.texts(&packet.error_accounts);
    chatroom_member_attributes_page_t {
        members,
        member_count,
        next: chatroom_bytes_t::EMPTY,
        error_accounts,
        error_account_count,
    }
}

impl Lend for pb::MemberAttributesSetResponse {
    type View = chatroom_member_attributes_page_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_member_attributes_page_t)) {
        body(&lend_member_attributes_set_response(&self, &mut Arena::default()));
    }
}

/// Lends a `MemberAttributesListResponse`.
pub(in crate::capi) fn lend_member_attributes_list_response(
    packet: &pb::MemberAttributesListResponse,
    arena: &mut Arena,
) -> chatroom_member_attributes_page_t {
    let members = packet.members.iter().map(|one| lend_member_attributes(one, arena)).collect();
    let (members, member_count) = arena.row(members);
    chatroom_member_attributes_page_t {
        members,
        member_count,
        next: chatroom_bytes_t::text(&packet.next),
        error_accounts: std::ptr::null(),
        error_account_count: 0,
    }
}

impl Lend for pb::MemberAttributesListResponse {
    type View = chatroom_member_attributes_page_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_member_attributes_page_t)) {
        body(&lend_member_attributes_list_response(&self, &mut Arena::default()));
    }
}

/// Lends a `AttributesChanged`.
pub(in crate::capi) fn lend_attributes_changed(
    packet: &pb::AttributesChanged,
    arena: &mut Arena,
) -> chatroom_attributes_change_t {
    let attributes = packet.attributes.iter().map(lend_attribute).collect();
    let (attributes, attribute_count) = arena.row(attributes);
    chatroom_attributes_change_t { action: packet.action, reserved: 0, attributes, attribute_count }
}

/// Lends a `Member`.
pub(in crate::capi) fn lend_member(packet: &pb::Member, arena: &mut Arena) -> chatroom_member_t {
    let (tags, tag_count) = arena.texts(&packet.tags);
    let connections = packet.connections.iter().map(lend_online_connection).collect();
    let (connections, connection_count) = arena.row(connections);
    chatroom_member_t {
        account: chatroom_bytes_t::text(&packet.account),
        nick: chatroom_bytes_t::text(&packet.nick),
        avatar: chatroom_bytes_t::text(&packet.avatar),
        ext: chatroom_bytes_t::text(&packet.ext),
        tags,
        tag_count,
        enter_time_ms: packet.enter_time_ms,
        update_time_ms: packet.update_time_ms,
        r#type: packet.r#type,
        level: packet.level.unwrap_or_default(),
        online: packet.online.into(),
        blocklisted: packet.blocklisted.into(),
        muted: packet.muted.into(),
        temp_mute_seconds: packet.temp_mute_seconds,
        robot: packet.robot.into(),
        robot_expire_seconds: packet.robot_expire_seconds,
        notify_target_tags: chatroom_bytes_t::text(&packet.notify_target_tags),
        connections,
        connection_count,
    }
}

/// Lends a `OnlineConnection`.
pub(in crate::capi) fn lend_online_connection(packet: &pb::OnlineConnection) -> chatroom_connection_t {
    chatroom_connection_t {
        connection_id: chatroom_bytes_t::text(&packet.connection_id),
        nick: chatroom_bytes_t::text(&packet.nick),
        avatar: chatroom_bytes_t::text(&packet.avatar),
        enter_time_ms: packet.enter_time_ms,
        client_type: packet.client_type,
        reserved: 0,
    }
}

/// Lends a `MemberListResponse`.
pub(in crate::capi) fn lend_member_list_response(packet: &pb::MemberListResponse, arena: &mut Arena) -> chatroom_members_t {
    let members = packet.members.iter().map(|one| lend_member(one, arena)).collect();
    let (members, member_count) = arena.row(members);
    chatroom_members_t {
        members,
        member_count,
        has_more: packet.has_more.into(),
        reserved: 0,
        next: chatroom_bytes_t::text(&packet.next),
    }
}

impl Lend for pb::MemberListResponse {
    type View = chatroom_members_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_members_t)) {
        body(&lend_member_list_response(&self, &mut Arena::default()));
    }
}

/// Lends a `RoomInfo`.
pub(in crate::capi) fn lend_room_info(packet: &pb::RoomInfo) -> chatroom_room_t {
    let none = pb::DelayClose::default();
    let delay_close = packet.delay_close.as_ref().unwrap_or(&none);
    chatroom_room_t {
        room_id: packet.room_id,
        online_count: packet.online_count,
        create_time_ms: packet.create_time_ms,
        update_time_ms: packet.update_time_ms,
        creator: chatroom_bytes_t::text(&packet.creator),
        name: chatroom_bytes_t::text(&packet.name),
        announcement: chatroom_bytes_t::maybe(packet.announcement.as_deref()),
        broadcast_url: chatroom_bytes_t::text(&packet.broadcast_url),
        ext: chatroom_bytes_t::text(&packet.ext),
        queue_level: packet.queue_level,
        queue_size_limit: packet.queue_size_limit,
        valid: packet.valid.into(),
        muted: packet.muted.into(),
        in_out_notification: packet.in_out_notification.into(),
        destroy_delay_seconds: packet.destroy_delay_seconds,
        alias: chatroom_bytes_t::text(&packet.alias),
        moderation_id: chatroom_bytes_t::text(&packet.moderation_id),
        delay_close_policy: delay_close.policy,
        delay_close_seconds: delay_close.delay_seconds,
        delay_close_start_ms: delay_close.start_time_ms,
    }
}

impl Lend for pb::RoomInfo {
    type View = chatroom_room_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_room_t)) {
        body(&lend_room_info(&self));
    }
}

/// Lends a `RoomEnterResponse`.
pub(in crate::capi) fn lend_room_enter_response(packet: &pb::RoomEnterResponse, arena: &mut Arena) -> chatroom_entered_t {
    let room = lend_room_info(packet.room.as_ref().unwrap_or(&pb::RoomInfo::default()));
    let member = lend_member(packet.member.as_ref().unwrap_or(&pb::Member::default()), arena);
    let attributes = packet.attributes.iter().map(lend_attribute).collect();
    let (attributes, attribute_count) = arena.row(attributes);
    chatroom_entered_t {
        room: arena.one(room),
        member: arena.one(member),
        connection_id: chatroom_bytes_t::text(&packet.connection_id),
        epoch: packet.epoch,
        last_seq: packet.last_seq,
        resumed: packet.resumed.into(),
        gap: packet.gap.into(),
        replayed: packet.replayed,
        created: packet.created.into(),
        attributes,
        attribute_count,
        gap_first: packet.gap_first,
        gap_last: packet.gap_last,
    }
}

impl Lend for pb::RoomEnterResponse {
    type View = chatroom_entered_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_entered_t)) {
        body(&lend_room_enter_response(&self, &mut Arena::default()));
    }
}

/// Lends a `RoomUpdateRequest`.
pub(in crate::capi) fn lend_room_update_request(packet: &pb::RoomUpdateRequest) -> chatroom_room_update_t {
    chatroom_room_update_t {
        name: chatroom_bytes_t::maybe(packet.name.as_deref()),
        announcement: chatroom_bytes_t::maybe(packet.announcement.as_deref()),
        broadcast_url: chatroom_bytes_t::maybe(packet.broadcast_url.as_deref()),
        ext: chatroom_bytes_t::maybe(packet.ext.as_deref()),
        queue_level: packet.queue_level.map_or(-1, |it| i32::try_from(it).unwrap_or(i32::MAX)),
        in_out_notification: packet.in_out_notification.map_or(-1, i32::from),
    }
}

/// Lends a `Message`.
pub(in crate::capi) fn lend_message(packet: &pb::Message) -> chatroom_message_t {
    let none = pb::Point::default();
    let at = packet.at.as_ref().unwrap_or(&none);
    chatroom_message_t {
        room_id: packet.room_id,
        seq: packet.seq,
        epoch: packet.epoch,
        time_ms: packet.time_ms,
        message_id: chatroom_bytes_t::text(&packet.message_id),
        from: chatroom_bytes_t::text(&packet.from),
        from_nick: chatroom_bytes_t::text(&packet.from_nick),
        from_avatar: chatroom_bytes_t::text(&packet.from_avatar),
        from_ext: chatroom_bytes_t::text(&packet.from_ext),
        body: chatroom_bytes_t::lend(&packet.body),
        attach: chatroom_bytes_t::lend(&packet.attach),
        ext: chatroom_bytes_t::lend(&packet.ext),
        notify_target_tags: chatroom_bytes_t::text(&packet.notify_target_tags),
        r#type: packet.r#type,
        sub_type: packet.sub_type,
        from_client_type: packet.from_client_type,
        flags: flag(packet.high_priority, CHATROOM_MESSAGE_HIGH_PRIORITY)
            | flag(packet.resent, CHATROOM_MESSAGE_RESENT)
            | flag(packet.skip_history, CHATROOM_MESSAGE_SKIP_HISTORY)
            | flag(packet.directed, CHATROOM_MESSAGE_DIRECTED)
            | flag(packet.at.is_some(), CHATROOM_MESSAGE_AT)
            | flag(packet.resend_on_enter, CHATROOM_MESSAGE_RESEND_ON_ENTER),
        x: at.x,
        y: at.y,
        z: at.z,
    }
}

/// Lends a `MessageSendResponse`.
pub(in crate::capi) fn lend_message_send_response(packet: &pb::MessageSendResponse) -> chatroom_sent_t {
    chatroom_sent_t {
        message_id: chatroom_bytes_t::text(&packet.message_id),
        time_ms: packet.time_ms,
        seq: packet.seq,
        epoch: packet.epoch,
        flags: flag(packet.high_priority, CHATROOM_SENT_HIGH_PRIORITY)
            | flag(packet.abandoned, CHATROOM_SENT_ABANDONED)
            | flag(packet.duplicate, CHATROOM_SENT_DUPLICATE),
        reserved: 0,
    }
}

impl Lend for pb::MessageSendResponse {
    type View = chatroom_sent_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_sent_t)) {
        body(&lend_message_send_response(&self));
    }
}

/// Lends a `Notification`.
pub(in crate::capi) fn lend_notification(packet: &pb::Notification, arena: &mut Arena) -> chatroom_notification_t {
    let none = pb::TagsUpdated::default();
    let tags_updated = packet.tags_updated.as_ref().unwrap_or(&none);
    let none = pb::QueueChanged::default();
    let queue_changed = packet.queue_changed.as_ref().unwrap_or(&none);
    let none = pb::Recalled::default();
    let recalled = packet.recalled.as_ref().unwrap_or(&none);
    let none = pb::RoleChanged::default();
    let role_changed = packet.role_changed.as_ref().unwrap_or(&none);
    let none = pb::Entered::default();
    let entered = packet.entered.as_ref().unwrap_or(&none);
    let none = pb::AttributesBatchChanged::default();
    let attributes_batch_changed = packet.attributes_batch_changed.as_ref().unwrap_or(&none);
    let none = pb::MemberAttributesChanged::default();
    let member_attributes_changed = packet.member_attributes_changed.as_ref().unwrap_or(&none);
    let (targets, target_count) = arena.texts(&packet.targets);
    let (target_nicks, target_nick_count) = arena.texts(&packet.target_nicks);
    let (tags, tag_count) = arena.texts(&tags_updated.tags);
    let room_update = packet.room_updated.as_ref().map(lend_room_update_request);
    let profile = packet.member_updated.as_ref().map(lend_member_updated);
    let elements = queue_changed.elements.iter().map(lend_queue_element_change).collect();
    let (elements, element_count) = arena.row(elements);
    let attribute_changes = attributes_batch_changed
        .changes
        .iter()
        .chain(packet.attributes_changed.iter())
        .map(|one| lend_attributes_changed(one, arena))
        .collect();
    let (attribute_changes, attribute_change_count) = arena.row(attribute_changes);
    let member_attributes = member_attributes_changed.members.iter().map(|one| lend_member_attributes(one, arena)).collect();
    let (member_attributes, member_attributes_count) = arena.row(member_attributes);
    chatroom_notification_t {
        room_id: packet.room_id,
        seq: packet.seq,
        epoch: packet.epoch,
        time_ms: packet.time_ms,
        r#type: packet.r#type,
        mute_seconds: packet.mute_seconds,
        operator_account: chatroom_bytes_t::text(&packet.operator),
        operator_nick: chatroom_bytes_t::text(&packet.operator_nick),
        ext: chatroom_bytes_t::text(&packet.ext),
        targets,
        target_count,
        target_nicks,
        target_nick_count,
        target_tag: chatroom_bytes_t::text(&packet.target_tag),
        tags,
        tag_count,
        room_update: room_update.map_or(std::ptr::null(), |one| arena.one(one)),
        profile: profile.map_or(std::ptr::null(), |one| arena.one(one)),
        elements,
        element_count,
        recalled_message_id: chatroom_bytes_t::text(&recalled.message_id),
        recalled_from: chatroom_bytes_t::text(&recalled.from),
        recalled_time_ms: recalled.message_time_ms,
        queue_event: queue_changed.event,
        member_type: if packet.role_changed.is_some() { role_changed.r#type } else { entered.member_type },
        level: role_changed.level,
        muted: entered.muted.into(),
        temp_mute_seconds: entered.temp_mute_seconds,
        client_type: entered.client_type,
        avatar: chatroom_bytes_t::text(&entered.avatar),
        notify_target_tags: chatroom_bytes_t::text(&packet.notify_target_tags),
        tags_notify_target_tags: chatroom_bytes_t::text(&tags_updated.notify_target_tags),
        attribute_changes,
        attribute_change_count,
        member_attributes,
        member_attributes_count,
    }
}

/// Lends a `MemberUpdated`.
pub(in crate::capi) fn lend_member_updated(packet: &pb::MemberUpdated) -> chatroom_profile_t {
    chatroom_profile_t {
        nick: chatroom_bytes_t::maybe(packet.nick.as_deref()),
        avatar: chatroom_bytes_t::maybe(packet.avatar.as_deref()),
        ext: chatroom_bytes_t::maybe(packet.ext.as_deref()),
    }
}

/// Lends a `QueueElementChange`.
pub(in crate::capi) fn lend_queue_element_change(packet: &pb::QueueElementChange) -> chatroom_element_t {
    chatroom_element_t {
        key: chatroom_bytes_t::text(&packet.key),
        value: chatroom_bytes_t::lend(&packet.value),
        owner: chatroom_bytes_t::EMPTY,
        transient: 0,
        reserved: 0,
    }
}

/// Lends a `QueueElement`.
pub(in crate::capi) fn lend_queue_element(packet: &pb::QueueElement) -> chatroom_element_t {
    chatroom_element_t {
        key: chatroom_bytes_t::text(&packet.key),
        value: chatroom_bytes_t::lend(&packet.value),
        owner: chatroom_bytes_t::text(&packet.owner),
        transient: packet.transient.into(),
        reserved: 0,
    }
}

/// Lends a `QueueBatchResponse`.
pub(in crate::capi) fn lend_queue_batch_response(packet: &pb::QueueBatchResponse, arena: &mut Arena) -> chatroom_keys_t {
    let (keys, key_count) = arena.texts(&packet.failed_keys);
    chatroom_keys_t { keys, key_count }
}

impl Lend for pb::QueueBatchResponse {
    type View = chatroom_keys_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_keys_t)) {
        body(&lend_queue_batch_response(&self, &mut Arena::default()));
    }
}

/// Lends a `QueueElementResponse`.
pub(in crate::capi) fn lend_queue_element_response(
    packet: &pb::QueueElementResponse,
    arena: &mut Arena,
) -> chatroom_elements_t {
    let elements = packet.element.iter().map(lend_queue_element).collect();
    let (elements, element_count) = arena.row(elements);
    chatroom_elements_t { elements, element_count }
}

impl Lend for pb::QueueElementResponse {
    type View = chatroom_elements_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_elements_t)) {
        body(&lend_queue_element_response(&self, &mut Arena::default()));
    }
}

/// Lends a `QueueListResponse`.
pub(in crate::capi) fn lend_queue_list_response(packet: &pb::QueueListResponse, arena: &mut Arena) -> chatroom_elements_t {
    let elements = packet.elements.iter().map(lend_queue_element).collect();
    let (elements, element_count) = arena.row(elements);
    chatroom_elements_t { elements, element_count }
}

impl Lend for pb::QueueListResponse {
    type View = chatroom_elements_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_elements_t)) {
        body(&lend_queue_list_response(&self, &mut Arena::default()));
    }
}

/// Lends a `LoginResponse`.
pub(in crate::capi) fn lend_login_response(packet: &pb::LoginResponse) -> chatroom_login_t {
    chatroom_login_t {
        account: chatroom_bytes_t::text(&packet.account),
        connection_id: chatroom_bytes_t::text(&packet.connection_id),
        server_time_ms: packet.server_time_ms,
        resumed: packet.resumed.into(),
        reserved: 0,
    }
}

impl Lend for pb::LoginResponse {
    type View = chatroom_login_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_login_t)) {
        body(&lend_login_response(&self));
    }
}

/// Lends a `Kicked`.
pub(in crate::capi) fn lend_kicked(packet: &pb::Kicked) -> chatroom_kicked_t {
    chatroom_kicked_t {
        room_id: packet.room_id,
        message: chatroom_bytes_t::text(&packet.message),
        ext: chatroom_bytes_t::text(&packet.ext),
        reason: packet.reason,
        may_reconnect: packet.may_reconnect.into(),
        retry_after_ms: packet.retry_after_ms,
        reserved: 0,
    }
}
