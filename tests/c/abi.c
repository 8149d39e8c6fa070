/* Without a network: versions, the codec, NULL for each pointer, shorter and longer options. */
#include "check.h"

static int destroyed;

static void destroy(void *user_data)
{
    (void)user_data;
    destroyed++;
}

static void versions_agree(void)
{
    CHECK(chatroom_abi_version() >= CHATROOM_ABI_VERSION);
    CHECK(strlen(chatroom_version()) >= 5);
    CHECK(bytes_are(chatroom_result_meaning(CHATROOM_RESULT_OK), "success"));
    CHECK(bytes_are(chatroom_result_meaning(CHATROOM_RESULT_BUSY), "busy"));
    CHECK(chatroom_result_meaning(7).data == NULL);
    CHECK(chatroom_result_is_retryable(CHATROOM_RESULT_BUSY) == 1);
    CHECK(chatroom_result_is_retryable(CHATROOM_RESULT_FORBIDDEN) == 0);
    CHECK(chatroom_result_is_retryable(7) == 0);
}

/* The golden frame of the wire protocol, fed byte by byte, built again, and kept beyond its codec. */
static void the_codec_takes_frames_out_of_bytes_however_they_are_cut(void)
{
    static const uint8_t golden[16] = {0xC1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x4B, 0x5E, 0xAA, 0xE7};
    static const uint8_t body[3] = {1, 2, 3};
    uint8_t built[64];
    size_t len = 0, i;
    chatroom_codec_t *codec = NULL;
    chatroom_frame_t *frame = NULL, *kept;

    OK(chatroom_codec_new(0, &codec));
    for (i = 0; i < sizeof golden; i++) {
        OK(chatroom_codec_next(codec, &frame));
        CHECK(frame == NULL);
        OK(chatroom_codec_feed(codec, golden + i, 1));
    }
    OK(chatroom_codec_next(codec, &frame));
    CHECK(frame != NULL);
    CHECK(chatroom_frame_kind(frame) == 1 && chatroom_frame_flags(frame) == 0 && chatroom_frame_sequence(frame) == 1);
    CHECK(chatroom_frame_body(frame).len == 0);
    chatroom_frame_unref(frame);

    OK(chatroom_frame_build(1, 0, 1, NULL, 0, built, sizeof built, &len));
    CHECK(len == sizeof golden && memcmp(built, golden, len) == 0);

    OK(chatroom_frame_build(0x0380, CHATROOM_FRAME_RESPONSE, 77, body, sizeof body, built, sizeof built, &len));
    CHECK(len == CHATROOM_HEADER_BYTES + sizeof body);
    OK(chatroom_codec_feed(codec, built, len));
    OK(chatroom_codec_next(codec, &frame));
    kept = chatroom_frame_ref(frame);
    CHECK(kept == frame);
    chatroom_frame_unref(frame);
    chatroom_codec_free(codec);
    CHECK(chatroom_frame_kind(kept) == 0x0380 && chatroom_frame_sequence(kept) == 77);
    CHECK(chatroom_frame_body(kept).len == 3 && memcmp(chatroom_frame_body(kept).data, body, 3) == 0);
    chatroom_frame_unref(kept);
}

static void a_broken_stream_stays_broken(void)
{
    static const uint8_t foreign[4] = {'G', 'E', 'T', ' '};
    static const uint8_t future[4] = {0xC2, 0, 0, 0};
    uint8_t built[CHATROOM_HEADER_BYTES + 20] = {0};
    static const uint8_t body[20] = {7};
    size_t len = 0;
    chatroom_codec_t *codec = NULL;
    chatroom_frame_t *frame = (chatroom_frame_t *)&codec;
    char words[200];

    OK(chatroom_codec_new(0, &codec));
    OK(chatroom_codec_feed(codec, foreign, sizeof foreign));
    CHECK(chatroom_codec_next(codec, &frame) == CHATROOM_RESULT_INVALID_PROTOCOL);
    CHECK(chatroom_codec_next(codec, &frame) == CHATROOM_RESULT_INVALID_PROTOCOL);
    CHECK(chatroom_codec_feed(codec, foreign, 1) == CHATROOM_RESULT_INVALID_PROTOCOL);
    CHECK(frame == (chatroom_frame_t *)&codec); /* an output is written on success only */
    CHECK(chatroom_last_error_message(words, sizeof words) == strlen(words) && strstr(words, "0x47") != NULL);
    chatroom_codec_free(codec);

    OK(chatroom_codec_new(0, &codec));
    OK(chatroom_codec_feed(codec, future, sizeof future));
    CHECK(chatroom_codec_next(codec, &frame) == CHATROOM_RESULT_VERSION_TOO_OLD);
    chatroom_codec_free(codec);

    /* One flipped bit, and a frame over the limit. */
    OK(chatroom_frame_build(1, 0, 1, body, sizeof body, built, sizeof built, &len));
    built[len - 1] ^= 1;
    OK(chatroom_codec_new(36, &codec));
    OK(chatroom_codec_feed(codec, built, len));
    CHECK(chatroom_codec_next(codec, &frame) == CHATROOM_RESULT_INVALID_PROTOCOL);
    chatroom_codec_free(codec);
    built[len - 1] ^= 1;
    OK(chatroom_codec_new(0, &codec));
    OK(chatroom_codec_set_frame_bytes_max(codec, 35));
    OK(chatroom_codec_feed(codec, built, len));
    CHECK(chatroom_codec_next(codec, &frame) == CHATROOM_RESULT_INVALID_PROTOCOL);
    chatroom_codec_free(codec);
}

static void a_codec_that_nobody_empties_says_busy(void)
{
    static uint8_t zeros[1 << 20];
    chatroom_codec_t *codec = NULL;
    int fed = 0;
    chatroom_result result;
    OK(chatroom_codec_new(0, &codec));
    while ((result = chatroom_codec_feed(codec, zeros, sizeof zeros)) == CHATROOM_RESULT_OK)
        CHECK(++fed <= 32);
    CHECK(result == CHATROOM_RESULT_BUSY && fed == 32);
    chatroom_codec_free(codec);
}

static void null_is_refused_for_each_pointer(void)
{
    const chatroom_result bad = CHATROOM_RESULT_BAD_PARAMETER;
    chatroom_codec_t *codec = NULL;
    chatroom_frame_t *frame = NULL;
    chatroom_client_t *client = NULL;
    chatroom_options_t options = options_for("127.0.0.1:1");
    chatroom_enter_t enter;
    chatroom_draft_t draft;
    chatroom_history_query_t query;
    chatroom_create_t create;
    chatroom_room_edit_t room;
    chatroom_self_edit_t self;
    chatroom_tags_edit_t tags;
    chatroom_location_t location;
    chatroom_tag_history_query_t tag_query;
    chatroom_attributes_edit_t attributes;
    chatroom_member_attributes_edit_t of_members;
    chatroom_offer_t offer = {"k", "v", 1, NULL, 0, 0};
    chatroom_pair_t pair = {"k", NULL};
    const char *accounts[1] = {NULL};
    uint8_t out[64];
    size_t len = 99;
    long calls = 0;

    CHECK(chatroom_codec_new(0, NULL) == bad);
    CHECK(chatroom_codec_new(15, &codec) == bad && codec == NULL);
    CHECK(chatroom_codec_new((size_t)1 << 25, &codec) == bad && codec == NULL);
    OK(chatroom_codec_new(0, &codec));
    CHECK(chatroom_codec_feed(NULL, out, 1) == bad);
    CHECK(chatroom_codec_feed(codec, NULL, 1) == bad);
    OK(chatroom_codec_feed(codec, NULL, 0));
    CHECK(chatroom_codec_next(NULL, &frame) == bad);
    CHECK(chatroom_codec_next(codec, NULL) == bad);
    CHECK(chatroom_codec_set_frame_bytes_max(NULL, 0) == bad);
    chatroom_codec_free(codec);
    chatroom_codec_free(NULL);
    CHECK(chatroom_frame_build(1, 0, 1, NULL, 1, out, sizeof out, &len) == bad);
    CHECK(chatroom_frame_build(1, 0, 1, out, 1, NULL, sizeof out, &len) == bad);
    CHECK(chatroom_frame_build(1, 0, 1, out, 1, out, sizeof out, NULL) == bad);
    CHECK(chatroom_frame_build(1, 2, 1, out, 1, out, sizeof out, &len) == bad);
    CHECK(chatroom_frame_build(1, 0, 1, out, 1, out, 16, &len) == bad && len == 99);
    CHECK(chatroom_frame_kind(NULL) == 0 && chatroom_frame_flags(NULL) == 0 && chatroom_frame_sequence(NULL) == 0);
    CHECK(chatroom_frame_body(NULL).data == NULL && chatroom_frame_ref(NULL) == NULL);
    chatroom_frame_unref(NULL);
    CHECK(chatroom_message_ref(NULL) == NULL);
    chatroom_message_unref(NULL);
    CHECK(chatroom_last_error_message(NULL, 0) > 0);

    ZERO(enter);
    ZERO(draft);
    ZERO(query);
    ZERO(create);
    ZERO(room);
    ZERO(self);
    ZERO(tags);
    ZERO(location);
    ZERO(tag_query);
    ZERO(attributes);
    ZERO(of_members);
    create.alias = "party";

    CHECK(chatroom_client_new(NULL, &client) == bad);
    CHECK(chatroom_client_new(&options, NULL) == bad);
    destroyed = 0;
#define CALLS(client, result)                                                                                          \
    CHECK(chatroom_client_connect(client, NULL, &calls, destroy) == result);                                           \
    CHECK(chatroom_client_disconnect(client, NULL, &calls, destroy) == result);                                        \
    CHECK(chatroom_client_enter(client, &enter, NULL, &calls, destroy) == result);                                     \
    CHECK(chatroom_client_leave(client, 1, NULL, &calls, destroy) == result);                                          \
    CHECK(chatroom_client_send(client, &draft, NULL, &calls, destroy) == result);                                      \
    CHECK(chatroom_client_history(client, &query, NULL, &calls, destroy) == result);                                   \
    CHECK(chatroom_client_renew_token(client, "t", NULL, &calls, destroy) == result);                                  \
    CHECK(chatroom_client_room_info(client, 1, NULL, &calls, destroy) == result);                                      \
    CHECK(chatroom_client_members(client, 1, 0, 0, 0, NULL, &calls, destroy) == result);                               \
    CHECK(chatroom_client_lookup_members(client, 1, NULL, 0, NULL, &calls, destroy) == result);                        \
    CHECK(chatroom_client_set_role(client, 1, "a", 1, 1, 0, NULL, NULL, &calls, destroy) == result);                   \
    CHECK(chatroom_client_kick(client, 1, "a", NULL, NULL, &calls, destroy) == result);                                \
    CHECK(chatroom_client_mute_room(client, 1, 1, NULL, NULL, &calls, destroy) == result);                             \
    CHECK(chatroom_client_queue_offer(client, 1, "k", "v", 1, 0, NULL, NULL, &calls, destroy) == result);              \
    CHECK(chatroom_client_queue_poll(client, 1, NULL, NULL, &calls, destroy) == result);                               \
    CHECK(chatroom_client_queue_list(client, 1, NULL, &calls, destroy) == result);                                     \
    CHECK(chatroom_client_queue_peek(client, 1, NULL, &calls, destroy) == result);                                     \
    CHECK(chatroom_client_queue_drop(client, 1, NULL, &calls, destroy) == result);                                     \
    CHECK(chatroom_client_create_room(client, &create, NULL, &calls, destroy) == result);                              \
    CHECK(chatroom_client_switch_room(client, 1, &create, 0, NULL, &calls, destroy) == result);                        \
    CHECK(chatroom_client_leave_all(client, NULL, &calls, destroy) == result);                                         \
    CHECK(chatroom_client_update_room(client, &room, NULL, &calls, destroy) == result);                                \
    CHECK(chatroom_client_close_room(client, 1, NULL, NULL, &calls, destroy) == result);                               \
    CHECK(chatroom_client_members_by_tag(client, 1, "t", 0, 0, NULL, &calls, destroy) == result);                      \
    CHECK(chatroom_client_count_by_tag(client, 1, "t", NULL, &calls, destroy) == result);                              \
    CHECK(chatroom_client_temp_mute(client, 1, "a", 1, 0, NULL, NULL, &calls, destroy) == result);                     \
    CHECK(chatroom_client_tag_temp_mute(client, 1, "t", 1, 0, NULL, NULL, NULL, &calls, destroy) == result);           \
    CHECK(chatroom_client_update_self(client, &self, NULL, &calls, destroy) == result);                                \
    CHECK(chatroom_client_update_tags(client, &tags, NULL, &calls, destroy) == result);                                \
    CHECK(chatroom_client_update_location(client, 1, &location, NULL, &calls, destroy) == result);                     \
    CHECK(chatroom_client_history_by_tags(client, &tag_query, NULL, &calls, destroy) == result);                       \
    CHECK(chatroom_client_recall(client, 1, "m", 1, "a", NULL, NULL, &calls, destroy) == result);                      \
    CHECK(chatroom_client_queue_init(client, 1, 1, NULL, &calls, destroy) == result);                                  \
    CHECK(chatroom_client_queue_batch_offer(client, 1, &offer, 1, 0, NULL, NULL, &calls, destroy) == result);          \
    CHECK(chatroom_client_queue_multi_get(client, 1, NULL, 0, NULL, &calls, destroy) == result);                       \
    CHECK(chatroom_client_queue_change(client, 1, &offer, 1, 0, NULL, NULL, &calls, destroy) == result);               \
    CHECK(chatroom_client_set_attributes(client, &attributes, NULL, &calls, destroy) == result);                       \
    CHECK(chatroom_client_delete_attributes(client, 1, NULL, 0, 0, NULL, &calls, destroy) == result);                  \
    CHECK(chatroom_client_begin_attributes_batch(client, 1, 0, 0, 0, NULL, &calls, destroy) == result);                \
    CHECK(chatroom_client_end_attributes_batch(client, 1, NULL, &calls, destroy) == result);                           \
    CHECK(chatroom_client_attributes(client, 1, NULL, &calls, destroy) == result);                                     \
    CHECK(chatroom_client_set_member_attributes(client, &of_members, NULL, &calls, destroy) == result);                \
    CHECK(chatroom_client_lookup_member_attributes(client, 1, NULL, 0, NULL, &calls, destroy) == result);              \
    CHECK(chatroom_client_member_attributes(client, 1, NULL, 0, NULL, &calls, destroy) == result);                     \
    CHECK(chatroom_client_kick_devices(client, NULL, 0, NULL, &calls, destroy) == result);                             \
    CHECK(chatroom_client_flush(client, 0, NULL, &calls, destroy) == result);                                          \
    CHECK(chatroom_client_ping(client, NULL, &calls, destroy) == result)
    CALLS(NULL, bad);
    CHECK(destroyed == 47); /* once each, though each call failed */
    CHECK(chatroom_client_check_connection(NULL) == bad);
    CHECK(chatroom_client_cancel(NULL, 1) == bad);
    CHECK(chatroom_client_set_token(NULL, "t") == bad);
    CHECK(chatroom_client_close(NULL) == bad);
    CHECK(chatroom_client_dispatch(NULL, 0, NULL) == bad);
    CHECK(chatroom_client_state(NULL) == CHATROOM_STATE_EXITED);
    chatroom_client_free(NULL);

    /* Within the structs and the arguments of a client that is. */
    OK(chatroom_client_new(&options, &client));
    destroyed = 0;
    CHECK(chatroom_client_state(client) == CHATROOM_STATE_DISCONNECTED);
    CHECK(chatroom_client_dispatch(client, 0, NULL) == bad);
    CHECK(chatroom_client_set_token(client, NULL) == bad);
    CHECK(chatroom_client_enter(client, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_send(client, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_history(client, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_renew_token(client, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_lookup_members(client, 1, NULL, 1, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_lookup_members(client, 1, accounts, 1, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_set_role(client, 1, NULL, 1, 1, 0, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_kick(client, 1, NULL, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_queue_offer(client, 1, NULL, "v", 1, 0, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_queue_offer(client, 1, "k", NULL, 1, 0, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_queue_poll(client, 1, "", NULL, &calls, destroy) == bad);
    draft.body_len = 1;
    CHECK(chatroom_client_send(client, &draft, NULL, &calls, destroy) == bad);
    draft.body = "\xff";
    draft.flags = 1u << 31;
    CHECK(chatroom_client_send(client, &draft, NULL, &calls, destroy) == bad);
    draft.flags = 0;
    draft.message_id = "\xff";
    CHECK(chatroom_client_send(client, &draft, NULL, &calls, destroy) == bad);
    enter.tag_count = 1;
    CHECK(chatroom_client_enter(client, &enter, NULL, &calls, destroy) == bad);
    query.type_count = 1;
    CHECK(chatroom_client_history(client, &query, NULL, &calls, destroy) == bad);
    CHECK(destroyed == 16);

    /* Each pointer of the calls that came with rooms made by clients, tags and attributes. */
    destroyed = 0;
    CHECK(chatroom_client_create_room(client, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_switch_room(client, 1, NULL, 0, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_update_room(client, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_members_by_tag(client, 1, NULL, 0, 0, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_count_by_tag(client, 1, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_temp_mute(client, 1, NULL, 1, 0, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_tag_temp_mute(client, 1, NULL, 1, 0, NULL, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_update_self(client, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_update_tags(client, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_update_location(client, 1, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_history_by_tags(client, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_recall(client, 1, NULL, 1, "a", NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_recall(client, 1, "m", 1, NULL, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_queue_batch_offer(client, 1, NULL, 1, 0, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_queue_multi_get(client, 1, NULL, 1, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_queue_multi_get(client, 1, accounts, 1, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_queue_change(client, 1, NULL, 1, 0, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_set_attributes(client, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_delete_attributes(client, 1, NULL, 1, 0, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_set_member_attributes(client, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_lookup_member_attributes(client, 1, NULL, 1, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_kick_devices(client, NULL, 1, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_kick_devices(client, accounts, 1, NULL, &calls, destroy) == bad);
    CHECK(destroyed == 23);
    create.alias = NULL;
    CHECK(chatroom_client_create_room(client, &create, NULL, &calls, destroy) == bad);
    create.alias = "party";
    create.attribute_count = 1;
    CHECK(chatroom_client_create_room(client, &create, NULL, &calls, destroy) == bad);
    create.attributes = &pair;
    CHECK(chatroom_client_create_room(client, &create, NULL, &calls, destroy) == bad);
    create.attribute_count = 0;
    enter.struct_size = 0;
    create.enter = &enter;
    CHECK(chatroom_client_create_room(client, &create, NULL, &calls, destroy) == bad);
    ZERO(enter);
    location.flags = 1u << 31;
    enter.location = &location;
    CHECK(chatroom_client_enter(client, &enter, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_update_location(client, 1, &location, NULL, &calls, destroy) == bad);
    room.flags = 1u << 31;
    CHECK(chatroom_client_update_room(client, &room, NULL, &calls, destroy) == bad);
    self.nick = "\xff";
    CHECK(chatroom_client_update_self(client, &self, NULL, &calls, destroy) == bad);
    tags.tag_count = 1;
    CHECK(chatroom_client_update_tags(client, &tags, NULL, &calls, destroy) == bad);
    tag_query.tag_count = 1;
    CHECK(chatroom_client_history_by_tags(client, &tag_query, NULL, &calls, destroy) == bad);
    tag_query.tag_count = 0;
    tag_query.type_count = 1;
    CHECK(chatroom_client_history_by_tags(client, &tag_query, NULL, &calls, destroy) == bad);
    attributes.reserved = 1;
    CHECK(chatroom_client_set_attributes(client, &attributes, NULL, &calls, destroy) == bad);
    attributes.reserved = 0;
    offer.reserved = 1;
    CHECK(chatroom_client_queue_change(client, 1, &offer, 1, 0, NULL, NULL, &calls, destroy) == bad);
    CHECK(chatroom_client_queue_batch_offer(client, 1, &offer, 1, 0, NULL, NULL, &calls, destroy) == bad);
    offer.reserved = 0;
    attributes.attribute_count = 1;
    CHECK(chatroom_client_set_attributes(client, &attributes, NULL, &calls, destroy) == bad);
    of_members.account_count = 1;
    CHECK(chatroom_client_set_member_attributes(client, &of_members, NULL, &calls, destroy) == bad);
    offer.value = NULL;
    CHECK(chatroom_client_queue_change(client, 1, &offer, 1, 0, NULL, NULL, &calls, destroy) == bad);
    offer.key = NULL;
    CHECK(chatroom_client_queue_batch_offer(client, 1, &offer, 1, 0, NULL, NULL, &calls, destroy) == bad);
    CHECK(destroyed == 41);
    OK(chatroom_client_check_connection(client)); /* not connected: nothing to check */
    chatroom_client_free(client);
}

/* A request is refused whose struct ends where no struct can: within a field, before it begins, or beyond all memory. */
static void a_struct_ends_between_its_fields(void)
{
    const chatroom_result bad = CHATROOM_RESULT_BAD_PARAMETER;
    static const size_t wrong[] = {0, 1, 7, 9, 12, 20, 44, 4096 - 4, 4096 + 8, (size_t)-1, (size_t)-8};
    chatroom_options_t options = options_for("127.0.0.1:1");
    chatroom_client_t *client = NULL;
    struct {
        chatroom_enter_t enter;
        uint64_t newer[2];
    } longer;
    chatroom_location_t location;
    chatroom_create_t create;
    long calls = 0;
    size_t i;

    OK(chatroom_client_new(&options, &client));
    destroyed = 0;
    memset(&longer, 0, sizeof longer);
    memset(&location, 0, sizeof location);
    ZERO(create);
    create.alias = "party";
    create.enter = &longer.enter;
    longer.enter.nick = "nick";
    longer.enter.avatar = longer.enter.ext = longer.enter.enter_ext = "text";
    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        longer.enter.location = NULL;
        longer.enter.struct_size = wrong[i];
        CHECK(chatroom_client_enter(client, &longer.enter, NULL, &calls, destroy) == bad);
        CHECK(chatroom_client_create_room(client, &create, NULL, &calls, destroy) == bad);
        longer.enter.struct_size = sizeof longer.enter;
        longer.enter.location = &location;
        location.struct_size = wrong[i];
        CHECK(chatroom_client_enter(client, &longer.enter, NULL, &calls, destroy) == bad);
        CHECK(chatroom_client_update_location(client, 1, &location, NULL, &calls, destroy) == bad);
        CHECK(destroyed == 4 * (int)(i + 1));
    }
    longer.enter.location = NULL;
    longer.enter.struct_size = sizeof longer;
    longer.newer[1] = 1;
    CHECK(chatroom_client_enter(client, &longer.enter, NULL, &calls, destroy) == bad);
    longer.newer[1] = 0;
    OK(chatroom_client_enter(client, &longer.enter, NULL, &calls, destroy)); /* what a newer host leaves at 0 */
    longer.enter.struct_size = offsetof(chatroom_enter_t, tags);
    longer.enter.tag_count = 1; /* beyond the end of a shorter one: not looked at */
    OK(chatroom_client_enter(client, &longer.enter, NULL, &calls, destroy));
    chatroom_client_free(client);
    CHECK(destroyed == 4 * (int)(sizeof wrong / sizeof wrong[0]) + 3);
}

/* What an older host knew of the options, and what a newer one may. */
static void options_may_be_shorter_and_longer_than_ours(void)
{
    const chatroom_result bad = CHATROOM_RESULT_BAD_PARAMETER;
    struct {
        chatroom_options_t options;
        uint8_t newer[16];
    } longer;
    chatroom_client_t *client = NULL;
    char words[200];
    static const size_t wrong[] = {0, 1, sizeof(size_t), offsetof(chatroom_options_t, user_data),
                                   offsetof(chatroom_options_t, destructor), 1 << 20, (size_t)-1};
    size_t i;

    memset(&longer, 0, sizeof longer);
    longer.options = options_for("127.0.0.1:1, localhost:2");
    longer.options.destructor = destroy;
    destroyed = 0;

    longer.options.struct_size = offsetof(chatroom_options_t, on_gap);
    OK(chatroom_client_new(&longer.options, &client));
    chatroom_client_free(client);
    CHECK(destroyed == 1);
    longer.options.struct_size = offsetof(chatroom_options_t, on_state);
    OK(chatroom_client_new(&longer.options, &client));
    chatroom_client_free(client);
    CHECK(destroyed == 2);
    longer.options.struct_size = sizeof longer;
    OK(chatroom_client_new(&longer.options, &client));
    chatroom_client_free(client);
    CHECK(destroyed == 3);

    client = NULL;
    longer.newer[15] = 1;
    CHECK(chatroom_client_new(&longer.options, &client) == bad && client == NULL);
    chatroom_last_error_message(words, sizeof words);
    CHECK(strstr(words, "newer than this library") != NULL);
    CHECK(destroyed == 4); /* ownership passed with the call, though it failed */
    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) { /* so it does when the size cannot be */
        longer.options.struct_size = wrong[i];
        CHECK(chatroom_client_new(&longer.options, &client) == bad && destroyed == 5 + (int)i);
        chatroom_last_error_message(words, sizeof words);
        CHECK(strstr(words, "struct_size") != NULL);
    }
    destroyed = 3;
    longer.options.struct_size = sizeof longer.options;
    longer.options.send_timeout_ms = 60001;
    CHECK(chatroom_client_new(&longer.options, &client) == bad && destroyed == 4);
    longer.options.send_timeout_ms = 60000;
    longer.options.log_level = 5;
    CHECK(chatroom_client_new(&longer.options, &client) == bad && destroyed == 5);
    longer.options.log_level = CHATROOM_LOG_LEVEL_DEBUG;
    destroyed = 3;

    longer.options.struct_size = sizeof longer.options;
    longer.options.addresses = "nowhere";
    CHECK(chatroom_client_new(&longer.options, &client) == bad && destroyed == 4);
    longer.options.addresses = NULL;
    CHECK(chatroom_client_new(&longer.options, &client) == bad && destroyed == 5);
    longer.options.addresses = "127.0.0.1:1";
    longer.options.account = NULL;
    CHECK(chatroom_client_new(&longer.options, &client) == bad && destroyed == 6);
    longer.options.anonymous = 1;
    longer.options.auth_type = 9;
    CHECK(chatroom_client_new(&longer.options, &client) == bad && destroyed == 7);
    longer.options.auth_type = 0;
    OK(chatroom_client_new(&longer.options, &client));
    chatroom_client_free(client);
    CHECK(destroyed == 8);
}

int main(void)
{
    versions_agree();
    the_codec_takes_frames_out_of_bytes_however_they_are_cut();
    a_broken_stream_stays_broken();
    a_codec_that_nobody_empties_says_busy();
    null_is_refused_for_each_pointer();
    a_struct_ends_between_its_fields();
    options_may_be_shorter_and_longer_than_ours();
    puts("ok");
    return 0;
}
