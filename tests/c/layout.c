/* Sizes and offsets. Compiling this is the test. A size grows with the ABI version; an offset never changes. */
#include <chatroom.h>

#define LAYOUT(name, condition) typedef char layout_##name[(condition) ? 1 : -1]

#if UINTPTR_MAX == UINT64_MAX
LAYOUT(bytes, sizeof(chatroom_bytes_t) == 16 && offsetof(chatroom_bytes_t, len) == 8);
LAYOUT(status, sizeof(chatroom_status_t) == 32 && offsetof(chatroom_status_t, desc) == 16);
LAYOUT(options, sizeof(chatroom_options_t) == 280 && offsetof(chatroom_options_t, enter) == 64);
LAYOUT(options_user_data, offsetof(chatroom_options_t, user_data) == 104);
LAYOUT(options_on_state, offsetof(chatroom_options_t, on_state) == 120);
LAYOUT(options_on_thread_stop, offsetof(chatroom_options_t, on_thread_stop) == 224);
LAYOUT(options_on_room_state, offsetof(chatroom_options_t, on_room_state) == 240);
LAYOUT(options_ca_file, offsetof(chatroom_options_t, ca_file) == 248);
LAYOUT(options_on_log, offsetof(chatroom_options_t, on_connect_failed) == 256 && offsetof(chatroom_options_t, on_log) == 264);
LAYOUT(options_send_timeout, offsetof(chatroom_options_t, send_timeout_ms) == 276);
LAYOUT(enter, sizeof(chatroom_enter_t) == 112 && offsetof(chatroom_enter_t, tags) == 48);
LAYOUT(draft, sizeof(chatroom_draft_t) == 184 && offsetof(chatroom_draft_t, body) == 32);
LAYOUT(draft_x, offsetof(chatroom_draft_t, x) == 112);
LAYOUT(query, sizeof(chatroom_history_query_t) == 56 && offsetof(chatroom_history_query_t, types) == 40);
LAYOUT(message, sizeof(chatroom_message_t) == 216 && offsetof(chatroom_message_t, type) == 176);
LAYOUT(message_body, offsetof(chatroom_message_t, body) == 112);
LAYOUT(notification_type, offsetof(chatroom_notification_t, type) == 32);
LAYOUT(item, sizeof(chatroom_item_t) == 16);
LAYOUT(pair, sizeof(chatroom_pair_t) == 16);
LAYOUT(offer, sizeof(chatroom_offer_t) == 40 && offsetof(chatroom_offer_t, transient) == 32);
LAYOUT(location, sizeof(chatroom_location_t) == 48 && offsetof(chatroom_location_t, distance) == 40);
LAYOUT(create, sizeof(chatroom_create_t) == 56 && offsetof(chatroom_create_t, attributes) == 32);
LAYOUT(room_edit, sizeof(chatroom_room_edit_t) == 80 && offsetof(chatroom_room_edit_t, flags) == 64);
LAYOUT(self_edit, sizeof(chatroom_self_edit_t) == 56 && offsetof(chatroom_self_edit_t, silent) == 48);
LAYOUT(tags_edit, sizeof(chatroom_tags_edit_t) == 56 && offsetof(chatroom_tags_edit_t, set_tags) == 48);
LAYOUT(tag_query, sizeof(chatroom_tag_history_query_t) == 80 && offsetof(chatroom_tag_history_query_t, limit) == 72);
LAYOUT(attributes_edit, sizeof(chatroom_attributes_edit_t) == 48 && offsetof(chatroom_attributes_edit_t, force) == 32);
LAYOUT(of_members, sizeof(chatroom_member_attributes_edit_t) == 56);
LAYOUT(of_members_force, offsetof(chatroom_member_attributes_edit_t, force) == 48);
LAYOUT(event, offsetof(chatroom_event_t, type) == 8 && offsetof(chatroom_event_t, account) == 32);
LAYOUT(notification_avatar, offsetof(chatroom_notification_t, muted) + 12 == offsetof(chatroom_notification_t, avatar));
LAYOUT(attribute, offsetof(chatroom_attribute_t, value) == 16);
LAYOUT(member_type, offsetof(chatroom_member_t, type) == 96);
LAYOUT(room, offsetof(chatroom_room_t, name) == 48);
#else
/* With 32-bit pointers a pointer and a length take half, and 64-bit numbers keep their own alignment. */
LAYOUT(bytes, sizeof(chatroom_bytes_t) == 8 && offsetof(chatroom_bytes_t, len) == 4);
LAYOUT(status, sizeof(chatroom_status_t) == 24 && offsetof(chatroom_status_t, desc) == 16);
LAYOUT(options, sizeof(chatroom_options_t) == 160 && offsetof(chatroom_options_t, user_data) == 68);
LAYOUT(item, sizeof(chatroom_item_t) == 8);
LAYOUT(pair, sizeof(chatroom_pair_t) == 8);
LAYOUT(offer, sizeof(chatroom_offer_t) == 24);
#endif
