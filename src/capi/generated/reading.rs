//! What reads the structs that C filled in.
//!
//! Made from `proto/` by `tests/c/generate`: change it there, then `CHATROOM_BLESS=1 cargo test --test c generate`.

use super::*;

impl chatroom_attributes_edit_t {
    /// The packet that says what the struct says.
    ///
    /// # Safety
    /// `theirs` is NULL or a struct as its documentation has it.
    pub(in crate::capi) unsafe fn read(theirs: *const chatroom_attributes_edit_t) -> Result<pb::AttributesSetRequest, Error> {
        // SAFETY: the caller promises the struct, which has the header's promise of `struct_size`.
        let ours = unsafe { input::plain(theirs, "edit") }?;
        input::reserved(ours.reserved, "edit")?;
        // SAFETY: the caller promises each pointer in the struct.
        unsafe {
            Ok(pb::AttributesSetRequest {
                room_id: ours.room_id,
                attributes: input::pairs(ours.attributes, ours.attribute_count, "attributes")?,
                force: ours.force != 0,
                update_owner: ours.update_owner != 0,
                delete_after_owner_left: ours.delete_after_owner_left != 0,
            })
        }
    }
}

impl chatroom_member_attributes_edit_t {
    /// The packet that says what the struct says.
    ///
    /// # Safety
    /// `theirs` is NULL or a struct as its documentation has it.
    pub(in crate::capi) unsafe fn read(
        theirs: *const chatroom_member_attributes_edit_t,
    ) -> Result<pb::MemberAttributesSetRequest, Error> {
        // SAFETY: the caller promises the struct, which has the header's promise of `struct_size`.
        let ours = unsafe { input::plain(theirs, "edit") }?;
        // SAFETY: the caller promises each pointer in the struct.
        unsafe {
            Ok(pb::MemberAttributesSetRequest {
                room_id: ours.room_id,
                accounts: input::texts(ours.accounts, ours.account_count, "accounts")?,
                attributes: input::pairs(ours.attributes, ours.attribute_count, "attributes")?,
                force: ours.force != 0,
                delete_after_owner_left: (ours.keep_after_member_left != 0).then_some(false),
            })
        }
    }
}

impl chatroom_location_t {
    /// The packet that says what the struct says.
    ///
    /// # Safety
    /// `theirs` is NULL or a struct as its documentation has it.
    pub(in crate::capi) unsafe fn read(theirs: *const chatroom_location_t) -> Result<pb::Location, Error> {
        // SAFETY: the caller promises the struct, which has the header's promise of `struct_size`.
        let ours = unsafe { input::plain(theirs, "location") }?;
        let known = CHATROOM_LOCATION_X
            | CHATROOM_LOCATION_Y
            | CHATROOM_LOCATION_Z
            | CHATROOM_LOCATION_DISTANCE
            | CHATROOM_LOCATION_ENABLED;
        input::flags(ours.flags, known, "flags of location")?;
        let has = |flag: u32| ours.flags & flag != 0;
        Ok(pb::Location {
            x: has(CHATROOM_LOCATION_X).then_some(ours.x),
            y: has(CHATROOM_LOCATION_Y).then_some(ours.y),
            z: has(CHATROOM_LOCATION_Z).then_some(ours.z),
            distance: has(CHATROOM_LOCATION_DISTANCE).then_some(ours.distance),
            enabled: has(CHATROOM_LOCATION_ENABLED).then_some(ours.enabled != 0),
        })
    }
}

impl chatroom_self_edit_t {
    /// The packet that says what the struct says.
    ///
    /// # Safety
    /// `theirs` is NULL or a struct as its documentation has it.
    pub(in crate::capi) unsafe fn read(theirs: *const chatroom_self_edit_t) -> Result<pb::MemberUpdateSelfRequest, Error> {
        // SAFETY: the caller promises the struct, which has the header's promise of `struct_size`.
        let ours = unsafe { input::plain(theirs, "edit") }?;
        // SAFETY: the caller promises each pointer in the struct.
        unsafe {
            Ok(pb::MemberUpdateSelfRequest {
                room_id: ours.room_id,
                nick: input::maybe_text(ours.nick, "nick")?.map(str::to_owned),
                avatar: input::maybe_text(ours.avatar, "avatar")?.map(str::to_owned),
                ext: input::maybe_text(ours.ext, "ext")?.map(str::to_owned),
                silent: ours.silent != 0,
                save: ours.save != 0,
                notify_ext: input::text(ours.notify_ext, "notify_ext")?,
            })
        }
    }
}

impl chatroom_tags_edit_t {
    /// The packet that says what the struct says.
    ///
    /// # Safety
    /// `theirs` is NULL or a struct as its documentation has it.
    pub(in crate::capi) unsafe fn read(theirs: *const chatroom_tags_edit_t) -> Result<pb::MemberUpdateTagsRequest, Error> {
        // SAFETY: the caller promises the struct, which has the header's promise of `struct_size`.
        let ours = unsafe { input::plain(theirs, "edit") }?;
        // SAFETY: the caller promises each pointer in the struct.
        unsafe {
            Ok(pb::MemberUpdateTagsRequest {
                room_id: ours.room_id,
                tags: input::texts(ours.tags, ours.tag_count, "tags")?,
                set_tags: ours.set_tags != 0,
                notify_target_tags: input::maybe_text(ours.notify_target_tags, "notify_target_tags")?.map(str::to_owned),
                notify: ours.notify != 0,
                notify_ext: input::text(ours.notify_ext, "notify_ext")?,
            })
        }
    }
}

impl chatroom_enter_t {
    /// The packet that says what the struct says.
    ///
    /// # Safety
    /// `theirs` is NULL or a struct as its documentation has it.
    pub(in crate::capi) unsafe fn read(theirs: *const chatroom_enter_t) -> Result<pb::RoomEnterRequest, Error> {
        // SAFETY: the caller promises the struct, which has the header's promise of `struct_size`.
        let ours = unsafe { input::plain(theirs, "enter") }?;
        // SAFETY: the caller promises each pointer in the struct.
        unsafe {
            Ok(pb::RoomEnterRequest {
                room_id: ours.room_id,
                nick: input::text(ours.nick, "nick")?,
                avatar: input::text(ours.avatar, "avatar")?,
                ext: input::text(ours.ext, "ext")?,
                enter_ext: input::text(ours.enter_ext, "enter_ext")?,
                tags: input::texts(ours.tags, ours.tag_count, "tags")?,
                notify_target_tags: input::maybe_text(ours.notify_target_tags, "notify_target_tags")?.map(str::to_owned),
                location: if ours.location.is_null() { None } else { Some(chatroom_location_t::read(ours.location)?) },
                moderation_id: input::text(ours.moderation_id, "moderation_id")?,
                alias: input::text(ours.alias, "alias")?,
                position: (ours.position_epoch != 0).then_some(pb::RoomPosition {
                    epoch: ours.position_epoch,
                    last_seq: ours.position_seq,
                    ..Default::default()
                }),
            })
        }
    }
}

impl chatroom_room_edit_t {
    /// The packet that says what the struct says.
    ///
    /// # Safety
    /// `theirs` is NULL or a struct as its documentation has it.
    pub(in crate::capi) unsafe fn read(theirs: *const chatroom_room_edit_t) -> Result<pb::RoomUpdateRequest, Error> {
        // SAFETY: the caller promises the struct, which has the header's promise of `struct_size`.
        let ours = unsafe { input::plain(theirs, "edit") }?;
        let known = CHATROOM_ROOM_QUEUE_LEVEL | CHATROOM_ROOM_IN_OUT_NOTIFICATION;
        input::flags(ours.flags, known, "flags of edit")?;
        let has = |flag: u32| ours.flags & flag != 0;
        // SAFETY: the caller promises each pointer in the struct.
        unsafe {
            Ok(pb::RoomUpdateRequest {
                room_id: ours.room_id,
                name: input::maybe_text(ours.name, "name")?.map(str::to_owned),
                announcement: input::maybe_text(ours.announcement, "announcement")?.map(str::to_owned),
                broadcast_url: input::maybe_text(ours.broadcast_url, "broadcast_url")?.map(str::to_owned),
                ext: input::maybe_text(ours.ext, "ext")?.map(str::to_owned),
                queue_level: has(CHATROOM_ROOM_QUEUE_LEVEL).then_some(ours.queue_level),
                silent: ours.silent != 0,
                notify_ext: input::text(ours.notify_ext, "notify_ext")?,
                moderation_id: input::maybe_text(ours.moderation_id, "moderation_id")?.map(str::to_owned),
                in_out_notification: has(CHATROOM_ROOM_IN_OUT_NOTIFICATION).then_some(ours.in_out_notification != 0),
            })
        }
    }
}

impl chatroom_create_t {
    /// The packet that says what the struct says.
    ///
    /// # Safety
    /// `theirs` is NULL or a struct as its documentation has it.
    pub(in crate::capi) unsafe fn read(theirs: *const chatroom_create_t) -> Result<pb::RoomCreateRequest, Error> {
        // SAFETY: the caller promises the struct, which has the header's promise of `struct_size`.
        let ours = unsafe { input::plain(theirs, "create") }?;
        // SAFETY: the caller promises each pointer in the struct.
        unsafe {
            Ok(pb::RoomCreateRequest {
                alias: input::required(ours.alias, "alias")?,
                name: input::text(ours.name, "name")?,
                enter_existing: ours.enter_existing != 0,
                destroy_delay_seconds: ours.destroy_delay_seconds,
                attributes: input::pairs(ours.attributes, ours.attribute_count, "attributes")?,
                enter: if ours.enter.is_null() { None } else { Some(chatroom_enter_t::read(ours.enter)?) },
            })
        }
    }
}

impl chatroom_draft_t {
    /// The packet that says what the struct says.
    ///
    /// # Safety
    /// `theirs` is NULL or a struct as its documentation has it.
    pub(in crate::capi) unsafe fn read(theirs: *const chatroom_draft_t) -> Result<pb::MessageSendRequest, Error> {
        // SAFETY: the caller promises the struct, which has the header's promise of `struct_size`.
        let ours = unsafe { input::plain(theirs, "draft") }?;
        let known = CHATROOM_SEND_SKIP_HISTORY
            | CHATROOM_SEND_HIGH_PRIORITY
            | CHATROOM_SEND_RESEND
            | CHATROOM_SEND_AT
            | CHATROOM_SEND_NO_RESEND_ON_ENTER
            | CHATROOM_SEND_NO_ROUTE
            | CHATROOM_SEND_ANTISPAM
            | CHATROOM_SEND_GENERIC_MODERATION;
        input::flags(ours.flags, known, "flags of draft")?;
        let has = |flag: u32| ours.flags & flag != 0;
        // SAFETY: the caller promises each pointer in the struct.
        unsafe {
            let moderation = pb::Moderation {
                use_yidun: has(CHATROOM_SEND_GENERIC_MODERATION).then_some(0),
                bid: input::text(ours.moderation_id, "moderation_id")?,
                antispam: has(CHATROOM_SEND_ANTISPAM),
                antispam_custom: input::text(ours.antispam_custom, "antispam_custom")?,
                yidun_anti_cheating: input::text(ours.yidun_anti_cheating, "yidun_anti_cheating")?,
                yidun_antispam_ext: input::text(ours.yidun_antispam_ext, "yidun_antispam_ext")?,
            };
            Ok(pb::MessageSendRequest {
                room_id: ours.room_id,
                message_id: input::text(ours.message_id, "message_id")?,
                r#type: ours.r#type,
                body: Bytes::copy_from_slice(input::bytes(ours.body, ours.body_len, "body")?),
                attach: Bytes::copy_from_slice(input::bytes(ours.attach, ours.attach_len, "attach")?),
                ext: Bytes::copy_from_slice(input::bytes(ours.ext, ours.ext_len, "ext")?),
                sub_type: ours.sub_type,
                resend: has(CHATROOM_SEND_RESEND),
                skip_history: has(CHATROOM_SEND_SKIP_HISTORY),
                abandon_ratio: (ours.abandon_ratio != 0).then_some(ours.abandon_ratio),
                high_priority: has(CHATROOM_SEND_HIGH_PRIORITY),
                high_priority_resend: has(CHATROOM_SEND_NO_RESEND_ON_ENTER).then_some(false),
                notify_target_tags: input::maybe_text(ours.notify_target_tags, "notify_target_tags")?.map(str::to_owned),
                to_accounts: input::texts(ours.to_accounts, ours.to_account_count, "to_accounts")?,
                at: has(CHATROOM_SEND_AT).then_some(pb::Point { x: ours.x, y: ours.y, z: ours.z }),
                moderation: (moderation != pb::Moderation::default()).then_some(moderation),
                env: input::text(ours.env, "env")?,
                route: has(CHATROOM_SEND_NO_ROUTE).then_some(false),
                callback_ext: input::text(ours.callback_ext, "callback_ext")?,
            })
        }
    }
}

impl chatroom_history_query_t {
    /// The packet that says what the struct says.
    ///
    /// # Safety
    /// `theirs` is NULL or a struct as its documentation has it.
    pub(in crate::capi) unsafe fn read(theirs: *const chatroom_history_query_t) -> Result<pb::MessageHistoryRequest, Error> {
        // SAFETY: the caller promises the struct, which has the header's promise of `struct_size`.
        let ours = unsafe { input::plain(theirs, "query") }?;
        // SAFETY: the caller promises each pointer in the struct.
        unsafe {
            Ok(pb::MessageHistoryRequest {
                room_id: ours.room_id,
                time_ms: ours.time_ms,
                limit: ours.limit,
                reverse: ours.oldest_first != 0,
                types: input::array(ours.types, ours.type_count, "types")?.to_vec(),
                last_seq: ours.last_seq,
            })
        }
    }
}

impl chatroom_tag_history_query_t {
    /// The packet that says what the struct says.
    ///
    /// # Safety
    /// `theirs` is NULL or a struct as its documentation has it.
    pub(in crate::capi) unsafe fn read(
        theirs: *const chatroom_tag_history_query_t,
    ) -> Result<pb::MessageHistoryByTagsRequest, Error> {
        // SAFETY: the caller promises the struct, which has the header's promise of `struct_size`.
        let ours = unsafe { input::plain(theirs, "query") }?;
        // SAFETY: the caller promises each pointer in the struct.
        unsafe {
            Ok(pb::MessageHistoryByTagsRequest {
                room_id: ours.room_id,
                tags: input::texts(ours.tags, ours.tag_count, "tags")?,
                types: input::array(ours.types, ours.type_count, "types")?.to_vec(),
                from_time_ms: ours.from_time_ms,
                to_time_ms: ours.to_time_ms,
                limit: ours.limit,
                reverse: ours.oldest_first != 0,
                last_seq: ours.last_seq,
            })
        }
    }
}

impl chatroom_offer_t {
    /// The packet that says what the struct says.
    ///
    /// # Safety
    /// The struct is as its documentation has it.
    pub(in crate::capi) unsafe fn read(ours: &chatroom_offer_t) -> Result<pb::QueueElement, Error> {
        input::reserved(ours.reserved, "offers")?;
        // SAFETY: the caller promises each pointer in the struct.
        unsafe {
            Ok(pb::QueueElement {
                key: input::required(ours.key, "key")?,
                value: Bytes::copy_from_slice(input::bytes(ours.value, ours.value_len, "value")?),
                owner: input::text(ours.owner, "owner")?,
                transient: ours.transient != 0,
            })
        }
    }
}
