/* Every operation that tour.c has not, against a server that knows what each request must say, and every field of the answers
 * and notifications. Argument: the server's address. */
#include "check.h"

struct host {
    chatroom_client_t *client;
    struct count completed;
    struct count notifications;
    struct count events;
    struct count changes; /* of the state of rooms */
    long expected;
    int32_t code;
    int32_t sub;
    size_t found;
    uint64_t number;
    char seen[64];
    int32_t states[8]; /* state and cause of the rooms made here, in order */
    size_t state_count;
    int32_t event_types[32];
    int destroyed;
};

static void saw(struct host *host, chatroom_bytes_t bytes)
{
    size_t len = bytes.len < sizeof host->seen ? bytes.len : sizeof host->seen - 1;
    if (len > 0)
        memcpy(host->seen, bytes.data, len);
    host->seen[len] = '\0';
}

static void complete(struct host *host, const chatroom_status_t *status)
{
    host->code = status->code;
    host->sub = status->sub;
    if (status->code != CHATROOM_RESULT_OK)
        fprintf(stderr, "completed with %d/%d %.*s\n", (int)status->code, (int)status->sub, (int)status->desc.len,
                (const char *)status->desc.data);
    count_add(&host->completed, 1);
}

static void destroy(void *user_data)
{
    ((struct host *)user_data)->destroyed++;
}

/* Waits for the completion of the last request, which came to success. */
static void done(struct host *host)
{
    CHECK(count_reaches(&host->completed, ++host->expected));
    CHECK(host->code == CHATROOM_RESULT_OK);
}

static void came_to(struct host *host, int32_t code)
{
    CHECK(count_reaches(&host->completed, ++host->expected));
    CHECK(host->code == code);
}

static void on_done(void *user_data, const chatroom_status_t *status)
{
    complete(user_data, status);
}

static void on_count(void *user_data, const chatroom_status_t *status, uint64_t count)
{
    ((struct host *)user_data)->number = count;
    complete(user_data, status);
}

static void on_keys(void *user_data, const chatroom_status_t *status, const chatroom_keys_t *keys)
{
    struct host *host = user_data;
    CHECK((keys != NULL) == (status->code == CHATROOM_RESULT_OK));
    host->found = keys == NULL ? 0 : keys->key_count;
    if (host->found > 0)
        saw(host, keys->keys[0]);
    complete(host, status);
}

static void on_elements(void *user_data, const chatroom_status_t *status, const chatroom_elements_t *page)
{
    struct host *host = user_data;
    host->found = page == NULL ? 0 : page->element_count;
    if (host->found > 0)
        saw(host, page->elements[0]->value);
    complete(host, status);
}

static void on_entered(void *user_data, const chatroom_status_t *status, const chatroom_entered_t *entered)
{
    struct host *host = user_data;
    CHECK((entered != NULL) == (status->code == CHATROOM_RESULT_OK));
    if (entered != NULL) {
        CHECK(entered->created == 1 && entered->attribute_count == 1 && bytes_are(entered->attributes[0]->key, "k"));
        CHECK(entered->room->destroy_delay_seconds == 60 && bytes_are(entered->member->account, "amy"));
        host->number = (uint64_t)entered->room->room_id;
        saw(host, entered->room->alias);
    }
    complete(host, status);
}

static void on_rooms(void *user_data, const chatroom_status_t *status, const chatroom_rooms_t *rooms)
{
    struct host *host = user_data;
    host->found = rooms == NULL ? 0 : rooms->room_count;
    if (host->found > 0) {
        host->number = (uint64_t)rooms->room_ids[0];
        saw(host, rooms->aliases[0]);
    }
    complete(host, status);
}

static void on_room(void *user_data, const chatroom_status_t *status, const chatroom_room_t *room)
{
    struct host *host = user_data;
    CHECK(room != NULL && room->queue_level == 1);
    saw(host, room->name);
    complete(host, status);
}

static void on_members(void *user_data, const chatroom_status_t *status, const chatroom_members_t *page)
{
    struct host *host = user_data;
    const chatroom_member_t *member;
    CHECK(page != NULL && page->member_count == 2 && page->has_more == 1);
    member = page->members[0];
    CHECK(bytes_are(member->account, "bob") && member->tag_count == 1 && bytes_are(member->tags[0], "vip"));
    CHECK(bytes_are(member->notify_target_tags, "{\"tag\":\"vip\"}"));
    CHECK(member->robot == 1 && member->robot_expire_seconds == 33);
    CHECK(member->connection_count == 1 && bytes_are(member->connections[0]->connection_id, "c9"));
    CHECK(member->connections[0]->client_type == 2);
    CHECK(page->members[1]->connection_count == 0 && page->members[1]->tags == NULL);
    complete(host, status);
}

static void on_history(void *user_data, const chatroom_status_t *status, const chatroom_history_t *page)
{
    CHECK(page != NULL && page->item_count == 2 && page->has_more == 1 && page->reached_seq == 42);
    CHECK(bytes_are(page->items[0].message->body, "old"));
    CHECK(page->items[0].message->flags == CHATROOM_MESSAGE_RESEND_ON_ENTER);
    CHECK(bytes_are(page->items[1].notification->target_tag, "vip"));
    complete(user_data, status);
}

static void on_sent(void *user_data, const chatroom_status_t *status, const chatroom_sent_t *sent)
{
    CHECK(sent != NULL && sent->flags == CHATROOM_SENT_HIGH_PRIORITY);
    complete(user_data, status);
}

static void on_attributes(void *user_data, const chatroom_status_t *status, const chatroom_attributes_t *attributes)
{
    CHECK(attributes != NULL && attributes->attribute_count == 2);
    CHECK(bytes_are(attributes->attributes[1]->key, "b") && bytes_are(attributes->attributes[1]->value, "2"));
    CHECK(bytes_are(attributes->attributes[1]->owner, "amy") && attributes->attributes[1]->delete_after_owner_left == 1);
    complete(user_data, status);
}

static void of_bob(const chatroom_member_attributes_t *member)
{
    CHECK(bytes_are(member->account, "bob") && member->attribute_count == 2);
    CHECK(bytes_are(member->attributes[0]->key, "hp") && bytes_are(member->attributes[0]->value, "9"));
    CHECK(bytes_are(member->attributes[1]->value, "") && bytes_are(member->error_keys[0], "xp"));
}

static void on_member_attributes(void *user_data, const chatroom_status_t *status,
                                 const chatroom_member_attributes_page_t *page)
{
    struct host *host = user_data;
    CHECK(page != NULL && page->member_count == 1);
    of_bob(page->members[0]);
    host->found = page->error_account_count;
    saw(host, page->error_account_count > 0 ? page->error_accounts[0] : page->next);
    complete(host, status);
}

static void on_notification(void *user_data, const chatroom_notification_t *it)
{
    struct host *host = user_data;
    switch (it->type) {
    case CHATROOM_NOTIFICATION_TYPE_MEMBER_ENTER:
        CHECK(it->temp_mute_seconds == 7 && it->client_type == 2 && bytes_are(it->avatar, "a.png"));
        break;
    case CHATROOM_NOTIFICATION_TYPE_ADMINISTRATOR_ADD:
        CHECK(it->member_type == CHATROOM_MEMBER_TYPE_ADMINISTRATOR && it->level == 3);
        break;
    case CHATROOM_NOTIFICATION_TYPE_TEMP_MUTE_ADD:
        CHECK(it->mute_seconds == 60 && it->target_count == 1 && bytes_are(it->targets[0], "amy"));
        break;
    case CHATROOM_NOTIFICATION_TYPE_TAG_TEMP_MUTE_ADD:
    case CHATROOM_NOTIFICATION_TYPE_TAG_TEMP_MUTE_REMOVE:
        CHECK(it->mute_seconds == 60 && bytes_are(it->target_tag, "vip"));
        break;
    case CHATROOM_NOTIFICATION_TYPE_MESSAGE_RECALLED:
        CHECK(bytes_are(it->recalled_message_id, "m-1") && bytes_are(it->recalled_from, "bob"));
        CHECK(it->recalled_time_ms == 77);
        break;
    case CHATROOM_NOTIFICATION_TYPE_QUEUE_BATCH_OFFERED:
        CHECK(it->queue_event == CHATROOM_QUEUE_EVENT_BATCH_OFFER && it->element_count == 2);
        CHECK(bytes_are(it->elements[1]->key, "q") && bytes_are(it->elements[1]->value, "v"));
        break;
    case CHATROOM_NOTIFICATION_TYPE_TAGS_UPDATED:
        CHECK(it->tag_count == 2 && bytes_are(it->tags[1], "y"));
        CHECK(bytes_are(it->tags_notify_target_tags, "{\"tag\":\"x\"}"));
        break;
    case CHATROOM_NOTIFICATION_TYPE_ATTRIBUTES_CHANGED:
        CHECK(it->attribute_change_count == 1 && it->attribute_changes[0]->action == CHATROOM_ATTRIBUTES_ACTION_SET);
        CHECK(bytes_are(it->attribute_changes[0]->attributes[0]->key, "k"));
        break;
    case CHATROOM_NOTIFICATION_TYPE_ATTRIBUTES_BATCH_CHANGED:
        CHECK(it->attribute_change_count == 2 && it->attribute_changes[1]->action == CHATROOM_ATTRIBUTES_ACTION_DELETE);
        CHECK(bytes_are(it->attribute_changes[1]->attributes[0]->key, "old"));
        break;
    case CHATROOM_NOTIFICATION_TYPE_MEMBER_ATTRIBUTES_CHANGED:
        CHECK(it->member_attributes_count == 1);
        of_bob(it->member_attributes[0]);
        break;
    default:
        break;
    }
    count_add(&host->notifications, 1);
}

static void on_event(void *user_data, const chatroom_event_t *event)
{
    struct host *host = user_data;
    long place = count_read(&host->events);
    CHECK(event->notification != NULL && event->notification->room_id == 1);
    switch (event->type) {
    case CHATROOM_EVENT_TYPE_OWN_ROLE_CHANGED:
        CHECK(event->member_type == CHATROOM_MEMBER_TYPE_ADMINISTRATOR && event->level == 3);
        break;
    case CHATROOM_EVENT_TYPE_OWN_MUTE_CHANGED:
    case CHATROOM_EVENT_TYPE_ROOM_MUTE_CHANGED:
        CHECK(event->set == 1);
        break;
    case CHATROOM_EVENT_TYPE_OWN_TEMP_MUTE_CHANGED:
        CHECK(event->seconds == 60);
        break;
    case CHATROOM_EVENT_TYPE_MESSAGE_RECALLED:
        CHECK(bytes_are(event->key, "m-1") && bytes_are(event->account, "bob") && event->time_ms == 77);
        break;
    case CHATROOM_EVENT_TYPE_ATTRIBUTES_CHANGED:
        CHECK(event->index < event->notification->attribute_change_count);
        break;
    case CHATROOM_EVENT_TYPE_MEMBER_ATTRIBUTES_CHANGED:
        CHECK(event->index == 0 && bytes_are(event->account, "bob"));
        break;
    default:
        break;
    }
    CHECK(place < 32);
    host->event_types[place] = event->type;
    count_add(&host->events, 1);
}

static void on_room_state(void *user_data, const chatroom_room_change_t *change)
{
    struct host *host = user_data;
    CHECK(host->state_count + 2 <= 8);
    host->states[host->state_count++] = change->state;
    host->states[host->state_count++] = change->cause;
    count_add(&host->changes, 1);
}

static void rooms(struct host *amy)
{
    static const int32_t states[] = {
        CHATROOM_ROOM_STATE_CONNECTED,    CHATROOM_ROOM_CAUSE_ACTIVE_CREATE, CHATROOM_ROOM_STATE_DISCONNECTED,
        CHATROOM_ROOM_CAUSE_ACTIVE_SWITCH, CHATROOM_ROOM_STATE_CONNECTED,    CHATROOM_ROOM_CAUSE_ACTIVE_SWITCH,
        CHATROOM_ROOM_STATE_DISCONNECTED, CHATROOM_ROOM_CAUSE_SUCCESS};
    const char *tags[2] = {"a", "b"};
    chatroom_pair_t pair = {"k", "v"};
    chatroom_location_t location;
    chatroom_enter_t enter;
    chatroom_create_t create;
    chatroom_room_edit_t edit;

    ZERO(location);
    location.flags = CHATROOM_LOCATION_X | CHATROOM_LOCATION_DISTANCE | CHATROOM_LOCATION_ENABLED;
    location.x = 1;
    location.distance = 5;
    location.enabled = 1;
    ZERO(enter);
    enter.nick = "Al";
    enter.tags = tags;
    enter.tag_count = 2;
    enter.location = &location;
    ZERO(create);
    create.alias = "party";
    create.name = "Party";
    create.enter_existing = 1;
    create.destroy_delay_seconds = 60;
    create.attributes = &pair;
    create.attribute_count = 1;
    create.enter = &enter;
    OK(chatroom_client_create_room(amy->client, &create, on_entered, amy, destroy));
    done(amy);
    CHECK(amy->number == 7 && strcmp(amy->seen, "party") == 0);
    ZERO(create);
    create.alias = "hall";
    OK(chatroom_client_switch_room(amy->client, 7, &create, 1, on_entered, amy, destroy));
    done(amy);
    CHECK(amy->number == 8 && strcmp(amy->seen, "hall") == 0);
    OK(chatroom_client_leave_all(amy->client, on_rooms, amy, destroy));
    done(amy);
    CHECK(amy->found == 1 && amy->number == 8 && strcmp(amy->seen, "hall") == 0);
    CHECK(count_reaches(&amy->changes, 4));
    CHECK(amy->state_count == 8 && memcmp(amy->states, states, sizeof states) == 0);

    ZERO(edit);
    edit.room_id = 1;
    edit.name = "New";
    edit.announcement = "";
    edit.flags = CHATROOM_ROOM_QUEUE_LEVEL;
    edit.queue_level = 1;
    edit.silent = 1;
    edit.notify_ext = "why";
    OK(chatroom_client_update_room(amy->client, &edit, on_room, amy, destroy));
    done(amy);
    CHECK(strcmp(amy->seen, "New") == 0);
    OK(chatroom_client_close_room(amy->client, 1, "why", on_done, amy, destroy));
    done(amy);
}

static void members(struct host *amy)
{
    const char *tags[2] = {"x", "y"}, *devices[2] = {"d1", "d2"};
    chatroom_self_edit_t self;
    chatroom_tags_edit_t edit;
    chatroom_location_t location;

    OK(chatroom_client_members_by_tag(amy->client, 1, "vip", 9, 10, on_members, amy, destroy));
    done(amy);
    OK(chatroom_client_count_by_tag(amy->client, 1, "vip", on_count, amy, destroy));
    done(amy);
    CHECK(amy->number == UINT64_C(5000000000));
    OK(chatroom_client_temp_mute(amy->client, 1, "bob", 60, 0, "why", on_count, amy, destroy));
    done(amy);
    CHECK(amy->number == 60);
    OK(chatroom_client_tag_temp_mute(amy->client, 1, "vip", 0, 1, NULL, "", on_count, amy, destroy));
    done(amy);
    CHECK(amy->number == 59);
    ZERO(self);
    self.room_id = 1;
    self.nick = "Amy";
    self.ext = "";
    self.save = 1;
    self.notify_ext = "why";
    OK(chatroom_client_update_self(amy->client, &self, on_done, amy, destroy));
    done(amy);
    ZERO(edit);
    edit.room_id = 1;
    edit.tags = tags;
    edit.tag_count = 2;
    edit.set_tags = 1;
    edit.notify = 1;
    edit.notify_ext = "why";
    OK(chatroom_client_update_tags(amy->client, &edit, on_done, amy, destroy));
    done(amy);
    ZERO(location);
    location.flags = CHATROOM_LOCATION_Y | CHATROOM_LOCATION_ENABLED;
    location.y = -2.5;
    OK(chatroom_client_update_location(amy->client, 1, &location, on_done, amy, destroy));
    done(amy);
    OK(chatroom_client_kick_devices(amy->client, devices, 2, on_done, amy, destroy));
    done(amy);
    OK(chatroom_client_ping(amy->client, on_count, amy, destroy));
    done(amy);
    OK(chatroom_client_check_connection(amy->client));
}

static void messages(struct host *amy)
{
    const char *tags[1] = {"vip"};
    const int32_t types[2] = {CHATROOM_MESSAGE_TYPE_TEXT, CHATROOM_MESSAGE_TYPE_CUSTOM};
    chatroom_draft_t draft;
    chatroom_tag_history_query_t query;

    ZERO(draft);
    draft.room_id = 1;
    draft.message_id = "m-2";
    draft.body = "hi";
    draft.body_len = 2;
    draft.flags = CHATROOM_SEND_HIGH_PRIORITY | CHATROOM_SEND_NO_RESEND_ON_ENTER | CHATROOM_SEND_NO_ROUTE |
                  CHATROOM_SEND_GENERIC_MODERATION;
    draft.moderation_id = "{}";
    draft.env = "test";
    draft.callback_ext = "cb";
    OK(chatroom_client_send(amy->client, &draft, on_sent, amy, destroy));
    done(amy);
    ZERO(query);
    query.room_id = 1;
    query.from_time_ms = 3;
    query.to_time_ms = 4;
    query.last_seq = 41;
    query.tags = tags;
    query.tag_count = 1;
    query.types = types;
    query.type_count = 2;
    query.limit = 5;
    query.oldest_first = 1;
    OK(chatroom_client_history_by_tags(amy->client, &query, on_history, amy, destroy));
    done(amy);
    OK(chatroom_client_recall(amy->client, 1, "m-1", 77, "bob", "why", on_done, amy, destroy));
    done(amy);
}

static void queue(struct host *amy)
{
    const char *keys[2] = {"a", "b"};
    chatroom_offer_t offers[2] = {{"a", "1", 1, NULL, 0, 0}, {"b", "2", 1, "bob", 1, 0}};
    chatroom_offer_t change = {"z", "9", 1, NULL, 0, 0};

    OK(chatroom_client_queue_init(amy->client, 1, -1, on_done, amy, destroy));
    done(amy);
    OK(chatroom_client_queue_batch_offer(amy->client, 1, offers, 2, 1, "why", on_keys, amy, destroy));
    done(amy);
    CHECK(amy->found == 1 && strcmp(amy->seen, "b") == 0);
    OK(chatroom_client_queue_multi_get(amy->client, 1, keys, 2, on_elements, amy, destroy));
    done(amy);
    CHECK(amy->found == 1 && strcmp(amy->seen, "1") == 0);
    OK(chatroom_client_queue_change(amy->client, 1, &change, 1, 0, NULL, on_keys, amy, destroy));
    done(amy);
    CHECK(amy->found == 1 && strcmp(amy->seen, "z") == 0);
}

static void attributes(struct host *amy)
{
    const char *keys[1] = {"k"}, *accounts[2] = {"bob", "carol"};
    chatroom_pair_t pair = {"k", "v"}, hp = {"hp", "9"};
    chatroom_attributes_edit_t edit;
    chatroom_member_attributes_edit_t of_members;

    ZERO(edit);
    edit.room_id = 1;
    edit.attributes = &pair;
    edit.attribute_count = 1;
    edit.force = 1;
    edit.update_owner = 1;
    edit.delete_after_owner_left = 1;
    OK(chatroom_client_set_attributes(amy->client, &edit, on_keys, amy, destroy));
    done(amy);
    CHECK(amy->sub == 6000332 && amy->found == 1 && strcmp(amy->seen, "k2") == 0);
    OK(chatroom_client_delete_attributes(amy->client, 1, keys, 1, 1, on_keys, amy, destroy));
    done(amy);
    CHECK(amy->sub == 0 && amy->found == 0);

    /* A batch: collected here, sent as one. */
    OK(chatroom_client_end_attributes_batch(amy->client, 1, on_keys, amy, destroy));
    came_to(amy, CHATROOM_RESULT_NO_CHANGE);
    OK(chatroom_client_begin_attributes_batch(amy->client, 2, 1, 0, 0, on_done, amy, destroy));
    came_to(amy, CHATROOM_RESULT_FORBIDDEN);
    OK(chatroom_client_begin_attributes_batch(amy->client, 1, 1, 0, 0, on_done, amy, destroy));
    done(amy);
    OK(chatroom_client_begin_attributes_batch(amy->client, 1, 1, 0, 0, on_done, amy, destroy));
    came_to(amy, CHATROOM_RESULT_REPEATED);
    OK(chatroom_client_set_attributes(amy->client, &edit, on_keys, amy, destroy));
    done(amy);
    CHECK(amy->found == 0);
    OK(chatroom_client_delete_attributes(amy->client, 1, keys, 1, 0, on_keys, amy, destroy));
    done(amy);
    OK(chatroom_client_end_attributes_batch(amy->client, 1, on_keys, amy, destroy));
    done(amy);
    CHECK(amy->found == 1 && strcmp(amy->seen, "k3") == 0);

    OK(chatroom_client_attributes(amy->client, 1, on_attributes, amy, destroy));
    done(amy);
    ZERO(of_members);
    of_members.room_id = 1;
    of_members.accounts = accounts;
    of_members.account_count = 2;
    of_members.attributes = &hp;
    of_members.attribute_count = 1;
    of_members.force = 1;
    of_members.keep_after_member_left = 1;
    OK(chatroom_client_set_member_attributes(amy->client, &of_members, on_member_attributes, amy, destroy));
    done(amy);
    CHECK(amy->found == 1 && strcmp(amy->seen, "carol") == 0);
    OK(chatroom_client_lookup_member_attributes(amy->client, 1, accounts, 2, on_member_attributes, amy, destroy));
    done(amy);
    OK(chatroom_client_member_attributes(amy->client, 1, "n1", 10, on_member_attributes, amy, destroy));
    done(amy);
    CHECK(amy->found == 0 && strcmp(amy->seen, "n2") == 0);
}

int main(int argc, char **argv)
{
    static const int32_t expected[] = {
        CHATROOM_EVENT_TYPE_MEMBER_ENTERED,     CHATROOM_EVENT_TYPE_OWN_ROLE_CHANGED,
        CHATROOM_EVENT_TYPE_OWN_MUTE_CHANGED,   CHATROOM_EVENT_TYPE_OWN_TEMP_MUTE_CHANGED,
        CHATROOM_EVENT_TYPE_ROOM_MUTE_CHANGED,  CHATROOM_EVENT_TYPE_TAG_MUTE_CHANGED,
        CHATROOM_EVENT_TYPE_TAG_MUTE_CHANGED,   CHATROOM_EVENT_TYPE_MESSAGE_RECALLED,
        CHATROOM_EVENT_TYPE_QUEUE_CHANGED,      CHATROOM_EVENT_TYPE_OWN_TAGS_UPDATED,
        CHATROOM_EVENT_TYPE_ATTRIBUTES_CHANGED, CHATROOM_EVENT_TYPE_ATTRIBUTES_CHANGED,
        CHATROOM_EVENT_TYPE_ATTRIBUTES_CHANGED, CHATROOM_EVENT_TYPE_MEMBER_ATTRIBUTES_CHANGED};
    static struct host amy = {NULL, COUNT_INITIALIZER, COUNT_INITIALIZER, COUNT_INITIALIZER, COUNT_INITIALIZER, 0, 0, 0, 0, 0, "", {0}, 0, {0}, 0};
    chatroom_enter_t enter;
    chatroom_options_t options;

    CHECK(argc == 2);
    options = options_for(argv[1]);
    ZERO(enter);
    enter.room_id = 1;
    options.enter = &enter;
    options.user_data = &amy;
    options.on_notification = on_notification;
    options.on_event = on_event;
    options.on_room_state = on_room_state;
    OK(chatroom_client_new(&options, &amy.client));
    OK(chatroom_client_connect(amy.client, on_done, &amy, destroy));
    done(&amy);
    CHECK(count_reaches(&amy.notifications, 13));
    CHECK(count_reaches(&amy.events, (long)(sizeof expected / sizeof *expected)));
    CHECK(memcmp(amy.event_types, expected, sizeof expected) == 0);

    rooms(&amy);
    members(&amy);
    messages(&amy);
    queue(&amy);
    attributes(&amy);

    chatroom_client_free(amy.client);
    CHECK(amy.destroyed == amy.expected); /* each user_data came back once */
    puts("ok");
    return 0;
}
