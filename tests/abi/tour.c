/* Every operation of the client, against a real server. Arguments: address, app key, room, the creator's account and token,
 * another account and token. */
#include "check.h"

static const char *address, *app_key;
static int64_t room;

/* One client's host: the last completion, and what it heard. */
struct host {
    chatroom_client_t *client;
    struct count completed;
    struct count messages;
    struct count notifications;
    struct count kicks;
    struct count entered;
    struct count mutes; /* of oneself, and their ends */
    long expected; /* completions so far */
    int32_t code;
    int32_t sub;
    size_t found;  /* elements of the last list */
    char seen[64]; /* what stood first in it */
    uint64_t seq;
    int64_t last_time_ms;
    const chatroom_message_t *kept;
    int32_t notification_type;
    int32_t kick_reason;
};
#define HOST_INITIALIZER                                                                                               \
    {NULL, COUNT_INITIALIZER, COUNT_INITIALIZER, COUNT_INITIALIZER, COUNT_INITIALIZER, COUNT_INITIALIZER,               \
     COUNT_INITIALIZER, 0, 0, 0, 0, "", 0, 0, NULL, 0, 0}

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

static void on_done(void *user_data, const chatroom_status_t *status)
{
    complete(user_data, status);
}

static void on_room(void *user_data, const chatroom_status_t *status, const chatroom_room_t *info)
{
    struct host *host = user_data;
    CHECK((info != NULL) == (status->code == CHATROOM_RESULT_OK));
    if (info != NULL) {
        CHECK(info->room_id == room && info->valid == 1);
        saw(host, info->name);
        host->found = (size_t)info->online_count;
    }
    complete(host, status);
}

static void on_entering(void *user_data, const chatroom_status_t *status, const chatroom_entered_t *entered)
{
    struct host *host = user_data;
    CHECK((entered != NULL) == (status->code == CHATROOM_RESULT_OK));
    if (entered != NULL) {
        CHECK(entered->room->room_id == room && entered->member->online == 1);
        saw(host, entered->member->nick);
    }
    complete(host, status);
}

static void on_sent(void *user_data, const chatroom_status_t *status, const chatroom_sent_t *sent)
{
    struct host *host = user_data;
    CHECK((sent != NULL) == (status->code == CHATROOM_RESULT_OK));
    if (sent != NULL) {
        CHECK(sent->time_ms > 0 && sent->seq > 0 && sent->message_id.len > 0);
        host->seq = sent->seq;
        host->found = sent->flags;
    }
    complete(host, status);
}

static void on_history(void *user_data, const chatroom_status_t *status, const chatroom_history_t *page)
{
    struct host *host = user_data;
    size_t i;
    host->found = 0;
    for (i = 0; page != NULL && i < page->item_count; i++) {
        CHECK((page->items[i].message == NULL) != (page->items[i].notification == NULL));
        if (page->items[i].message != NULL) {
            saw(host, page->items[i].message->body);
            host->found++;
        }
    }
    complete(host, status);
}

static void on_members(void *user_data, const chatroom_status_t *status, const chatroom_members_t *page)
{
    struct host *host = user_data;
    host->found = page == NULL ? 0 : page->member_count;
    if (host->found > 0)
        saw(host, page->members[0]->tag_count > 0 ? page->members[0]->tags[0] : page->members[0]->account);
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

static void on_count(void *user_data, const chatroom_status_t *status, uint64_t count)
{
    struct host *host = user_data;
    host->found = (size_t)count;
    complete(host, status);
}

static void on_keys(void *user_data, const chatroom_status_t *status, const chatroom_keys_t *keys)
{
    struct host *host = user_data;
    host->found = keys == NULL ? 0 : keys->key_count;
    if (host->found > 0)
        saw(host, keys->keys[0]);
    complete(host, status);
}

static void on_event(void *user_data, const chatroom_event_t *event)
{
    struct host *host = user_data;
    CHECK(event->notification->room_id == room);
    if (event->type == CHATROOM_EVENT_TYPE_OWN_MUTE_CHANGED || event->type == CHATROOM_EVENT_TYPE_OWN_TEMP_MUTE_CHANGED)
        count_add(&host->mutes, 1);
}

static void on_message(void *user_data, const chatroom_message_t *message)
{
    struct host *host = user_data;
    chatroom_message_unref(host->kept);
    host->kept = chatroom_message_ref(message);
    count_add(&host->messages, 1);
}

static void on_notification(void *user_data, const chatroom_notification_t *notification)
{
    struct host *host = user_data;
    CHECK(notification->room_id == room);
    host->notification_type = notification->type;
    count_add(&host->notifications, 1);
}

static void on_kicked(void *user_data, const chatroom_kicked_t *kicked)
{
    struct host *host = user_data;
    host->kick_reason = kicked->reason;
    count_add(&host->kicks, 1);
}

static void on_entered(void *user_data, const chatroom_entered_t *entered)
{
    struct host *host = user_data;
    CHECK(entered->room->room_id == room);
    count_add(&host->entered, 1);
}

/* Waits for the completion of the last request, which came to `code`. */
static void came_to(struct host *host, int32_t code)
{
    CHECK(count_reaches(&host->completed, ++host->expected));
    CHECK(host->code == code);
}

static void connect_as(struct host *host, const char *account, const char *token, const chatroom_enter_t *enter)
{
    chatroom_options_t options = options_for(address);
    options.app_key = app_key;
    options.account = account;
    options.token = token;
    options.enter = enter;
    options.user_data = host;
    options.on_message = on_message;
    options.on_notification = on_notification;
    options.on_kicked = on_kicked;
    options.on_entered = on_entered;
    options.on_event = on_event;
    OK(chatroom_client_new(&options, &host->client));
    OK(chatroom_client_connect(host->client, on_done, host, NULL));
    came_to(host, CHATROOM_RESULT_OK);
}

static chatroom_draft_t draft_of(const char *body)
{
    chatroom_draft_t draft;
    memset(&draft, 0, sizeof draft);
    draft.struct_size = sizeof draft;
    draft.room_id = room;
    draft.body = body;
    draft.body_len = strlen(body);
    return draft;
}

static void wrong_token(const char *account)
{
    struct host host = HOST_INITIALIZER;
    chatroom_options_t options = options_for(address);
    options.app_key = app_key;
    options.account = account;
    options.token = "not the token";
    OK(chatroom_client_new(&options, &host.client));
    OK(chatroom_client_connect(host.client, on_done, &host, NULL));
    came_to(&host, CHATROOM_RESULT_WRONG_TOKEN);
    chatroom_client_free(host.client);
}

int main(int argc, char **argv)
{
    struct host amy = HOST_INITIALIZER, bob = HOST_INITIALIZER;
    const char *accounts[1];
    chatroom_enter_t enter;
    chatroom_draft_t draft;
    chatroom_history_query_t query;
    chatroom_room_edit_t edit;
    chatroom_self_edit_t self;
    const chatroom_offer_t offers[2] = {{"c", "third", 5, NULL, 0, 0}, {"d", "fourth", 6, NULL, 0, 0}};
    const char *const keys[2] = {"c", "nowhere"};
    uint64_t first_seq;

    CHECK(argc == 8);
    address = argv[1];
    app_key = argv[2];
    room = strtoll(argv[3], NULL, 10);
    wrong_token(argv[4]);

    /* Into the room: one with the login, the other by a request. */
    memset(&enter, 0, sizeof enter);
    enter.struct_size = sizeof enter;
    enter.room_id = room;
    connect_as(&amy, argv[4], argv[5], &enter);
    CHECK(count_reaches(&amy.entered, 1));
    connect_as(&bob, argv[6], argv[7], NULL);
    draft = draft_of("from outside");
    OK(chatroom_client_send(bob.client, &draft, on_sent, &bob, NULL));
    came_to(&bob, CHATROOM_RESULT_FORBIDDEN);
    CHECK(bob.sub == 6000321);
    enter.nick = "Bob";
    OK(chatroom_client_enter(bob.client, &enter, on_entering, &bob, NULL));
    came_to(&bob, CHATROOM_RESULT_OK);
    CHECK(strcmp(bob.seen, "Bob") == 0);
    OK(chatroom_client_room_info(bob.client, room, on_room, &bob, NULL));
    came_to(&bob, CHATROOM_RESULT_OK);
    CHECK(strcmp(bob.seen, "tour") == 0 && bob.found == 2);

    /* Messages: sent, heard, kept beyond the callback, repeated under their id, and read again. */
    draft = draft_of("gr\xc3\xbc\xc3\x9f dich");
    draft.message_id = "m-1";
    OK(chatroom_client_send(amy.client, &draft, on_sent, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);
    first_seq = amy.seq;
    CHECK(count_reaches(&bob.messages, 1));
    CHECK(bytes_are(bob.kept->body, "gr\xc3\xbc\xc3\x9f dich") && bytes_are(bob.kept->from, argv[4]));
    CHECK(bytes_are(bob.kept->message_id, "m-1") && bob.kept->seq == first_seq && bob.kept->type == 0);
    draft.flags = CHATROOM_SEND_RESEND;
    OK(chatroom_client_send(amy.client, &draft, on_sent, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);
    CHECK(amy.seq == first_seq && (amy.found & CHATROOM_SENT_DUPLICATE) != 0);
    draft = draft_of("");
    draft.type = CHATROOM_MESSAGE_TYPE_CUSTOM;
    draft.attach = "{\"dice\":6}";
    draft.attach_len = 10;
    OK(chatroom_client_send(bob.client, &draft, on_sent, &bob, NULL));
    came_to(&bob, CHATROOM_RESULT_OK);
    CHECK(bob.seq > first_seq);
    memset(&query, 0, sizeof query);
    query.struct_size = sizeof query;
    query.room_id = room;
    OK(chatroom_client_history(amy.client, &query, on_history, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);
    CHECK(amy.found == 2 && strcmp(amy.seen, "gr\xc3\xbc\xc3\x9f dich") == 0);
    query.last_seq = bob.seq;
    query.limit = 1;
    OK(chatroom_client_history(amy.client, &query, on_history, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);
    CHECK(amy.found == 1);

    /* Members and roles. */
    OK(chatroom_client_members(amy.client, room, CHATROOM_MEMBER_QUERY_FIXED, 0, 0, on_members, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);
    CHECK(amy.found == 1 && strcmp(amy.seen, argv[4]) == 0);
    accounts[0] = argv[6];
    OK(chatroom_client_lookup_members(amy.client, room, accounts, 1, on_members, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);
    CHECK(amy.found == 1 && strcmp(amy.seen, argv[6]) == 0);
    OK(chatroom_client_set_role(bob.client, room, argv[4], CHATROOM_ROLE_CHANGE_MUTE, 1, 0, NULL, on_done, &bob, NULL));
    came_to(&bob, CHATROOM_RESULT_FORBIDDEN);
    OK(chatroom_client_set_role(amy.client, room, argv[6], CHATROOM_ROLE_CHANGE_MUTE, 1, 0, "hush", on_done, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);
    draft = draft_of("muted");
    OK(chatroom_client_send(bob.client, &draft, on_sent, &bob, NULL));
    came_to(&bob, CHATROOM_RESULT_MUTED);
    OK(chatroom_client_set_role(amy.client, room, argv[6], CHATROOM_ROLE_CHANGE_MUTE, 0, 0, NULL, on_done, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);

    OK(chatroom_client_temp_mute(amy.client, room, argv[6], 60, 0, NULL, on_count, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);
    CHECK(amy.found == 60);
    OK(chatroom_client_temp_mute(amy.client, room, argv[6], 0, 0, NULL, on_count, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);
    /* It was told what they meant to it, four times, and nobody else was. */
    CHECK(count_reaches(&bob.mutes, 4) && count_read(&amy.mutes) == 0);

    /* What the room and a member say of themselves. */
    ZERO(edit);
    edit.room_id = room;
    edit.announcement = "welcome";
    OK(chatroom_client_update_room(bob.client, &edit, on_room, &bob, NULL));
    came_to(&bob, CHATROOM_RESULT_FORBIDDEN);
    OK(chatroom_client_update_room(amy.client, &edit, on_room, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);
    ZERO(self);
    self.room_id = room;
    self.nick = "Bobby";
    OK(chatroom_client_update_self(bob.client, &self, on_done, &bob, NULL));
    came_to(&bob, CHATROOM_RESULT_OK);

    /* The queue. */
    OK(chatroom_client_queue_offer(amy.client, room, "a", "first", 5, 0, NULL, on_done, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);
    OK(chatroom_client_queue_offer(bob.client, room, "b", "second", 6, 1, NULL, on_done, &bob, NULL));
    came_to(&bob, CHATROOM_RESULT_OK);
    OK(chatroom_client_queue_list(bob.client, room, on_elements, &bob, NULL));
    came_to(&bob, CHATROOM_RESULT_OK);
    CHECK(bob.found == 2 && strcmp(bob.seen, "first") == 0);
    OK(chatroom_client_queue_peek(bob.client, room, on_elements, &bob, NULL));
    came_to(&bob, CHATROOM_RESULT_OK);
    CHECK(bob.found == 1 && strcmp(bob.seen, "first") == 0);
    OK(chatroom_client_queue_poll(amy.client, room, "b", on_elements, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);
    CHECK(amy.found == 1 && strcmp(amy.seen, "second") == 0);
    OK(chatroom_client_queue_init(amy.client, room, 2, on_done, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);
    OK(chatroom_client_queue_batch_offer(amy.client, room, offers, 2, 1, "both", on_keys, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);
    CHECK(amy.found == 1 && strcmp(amy.seen, "d") == 0); /* there was place for one */
    OK(chatroom_client_queue_change(bob.client, room, offers, 2, 0, NULL, on_keys, &bob, NULL));
    came_to(&bob, CHATROOM_RESULT_OK);
    CHECK(bob.found == 1 && strcmp(bob.seen, "d") == 0);
    OK(chatroom_client_queue_multi_get(bob.client, room, keys, 2, on_elements, &bob, NULL));
    came_to(&bob, CHATROOM_RESULT_OK);
    CHECK(bob.found == 1 && strcmp(bob.seen, "third") == 0);
    OK(chatroom_client_queue_drop(amy.client, room, on_done, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);
    OK(chatroom_client_queue_poll(amy.client, room, NULL, on_elements, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_NOT_FOUND);
    CHECK(count_reaches(&bob.notifications, 5));

    /* Out again: kicked, and of one's own will. */
    OK(chatroom_client_kick(amy.client, room, argv[6], "bye", on_done, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);
    CHECK(count_reaches(&bob.kicks, 1));
    CHECK(bob.kick_reason == CHATROOM_KICK_REASON_MANAGER_KICK);
    OK(chatroom_client_leave(amy.client, room, on_done, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);
    OK(chatroom_client_disconnect(amy.client, on_done, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);
    CHECK(chatroom_client_state(amy.client) == CHATROOM_STATE_EXITED);
    OK(chatroom_client_set_token(amy.client, argv[5]));
    OK(chatroom_client_connect(amy.client, on_done, &amy, NULL));
    came_to(&amy, CHATROOM_RESULT_OK);

    chatroom_client_free(bob.client);
    chatroom_client_free(amy.client);
    /* A kept message outlives its client. */
    CHECK(bob.kept != NULL && bob.kept->room_id == room);
    chatroom_message_unref(bob.kept);
    chatroom_message_unref(amy.kept);
    puts("ok");
    return 0;
}
