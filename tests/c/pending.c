/* Requests that wait: cancelled, flushed, ended by a disconnect. Argument: the address of a server that accepts logins and then
 * answers nothing. */
#include "check.h"

static struct count completed = COUNT_INITIALIZER, flushed = COUNT_INITIALIZER, connected = COUNT_INITIALIZER;
static struct count over = COUNT_INITIALIZER;
static int32_t last_code, flush_code;
static long completed_at_flush;

static void on_sent(void *user_data, const chatroom_status_t *status, const chatroom_sent_t *sent)
{
    (void)user_data;
    CHECK(sent == NULL && status->code != CHATROOM_RESULT_OK);
    last_code = status->code;
    count_add(&completed, 1);
}

static void on_info(void *user_data, const chatroom_status_t *status, const chatroom_room_t *room)
{
    (void)user_data;
    CHECK(room == NULL);
    CHECK(status->code == CHATROOM_RESULT_NOT_LOGGED_IN);
    count_add(&completed, 1);
}

static void on_flushed(void *user_data, const chatroom_status_t *status)
{
    (void)user_data;
    flush_code = status->code;
    completed_at_flush = count_read(&completed);
    count_add(&flushed, 1);
}

static void on_connected(void *user_data, const chatroom_status_t *status)
{
    (void)user_data;
    CHECK(status->code == CHATROOM_RESULT_OK);
    count_add(&connected, 1);
}

static void on_disconnected(void *user_data, const chatroom_status_t *status)
{
    (void)user_data;
    CHECK(status->code == CHATROOM_RESULT_OK);
    count_add(&over, 1);
}

int main(int argc, char **argv)
{
    chatroom_client_t *client = NULL;
    chatroom_options_t options;
    chatroom_draft_t draft;
    uint64_t first, second;

    CHECK(argc == 2);
    CHECK(chatroom_last_request() == 0);
    options = options_for(argv[1]);
    options.response_timeout_ms = 60000;
    options.on_disconnected = on_disconnected;
    ZERO(draft);
    draft.room_id = 1;
    draft.body = "x";
    draft.body_len = 1;
    OK(chatroom_client_new(&options, &client));
    CHECK(chatroom_client_cancel(NULL, 1) == CHATROOM_RESULT_BAD_PARAMETER);
    OK(chatroom_client_connect(client, on_connected, NULL, NULL));
    CHECK(count_reaches(&connected, 1));
    OK(chatroom_client_flush(client, 0, on_flushed, NULL, NULL)); /* nothing was sent */
    CHECK(count_reaches(&flushed, 1) && flush_code == CHATROOM_RESULT_OK);

    OK(chatroom_client_send(client, &draft, on_sent, NULL, NULL));
    first = chatroom_last_request();
    OK(chatroom_client_send(client, &draft, on_sent, NULL, NULL));
    second = chatroom_last_request();
    CHECK(first != 0 && second != 0 && first != second);
    OK(chatroom_client_flush(client, 20, on_flushed, NULL, NULL));
    CHECK(count_reaches(&flushed, 2) && flush_code == CHATROOM_RESULT_TIMEOUT && completed_at_flush == 0);

    OK(chatroom_client_flush(client, 60000, on_flushed, NULL, NULL));
    OK(chatroom_client_cancel(client, first));
    CHECK(count_reaches(&completed, 1) && last_code == CHATROOM_RESULT_CANCELLED && count_read(&flushed) == 2);
    OK(chatroom_client_cancel(client, first)); /* complete already */
    OK(chatroom_client_cancel(client, 123456)); /* nobody's */
    OK(chatroom_client_cancel(client, second));
    CHECK(count_reaches(&flushed, 3) && flush_code == CHATROOM_RESULT_OK);
    CHECK(completed_at_flush == 2 && last_code == CHATROOM_RESULT_CANCELLED);

    /* What a disconnect ends ends alike. */
    OK(chatroom_client_send(client, &draft, on_sent, NULL, NULL));
    OK(chatroom_client_room_info(client, 1, on_info, NULL, NULL));
    OK(chatroom_client_disconnect(client, NULL, NULL, NULL));
    CHECK(count_reaches(&completed, 4) && last_code == CHATROOM_RESULT_NOT_LOGGED_IN && count_reaches(&over, 1));
    chatroom_client_free(client);
    CHECK(count_read(&completed) == 4);
    return 0;
}
