/* raw ADDRESS APP ROOM ACCOUNT TOKEN: requests made with protobuf of the host's own, through the one call for all of them. */
#include "check.h"

static struct count entered = COUNT_INITIALIZER, completed = COUNT_INITIALIZER;
static int32_t code;
static uint8_t answer[256];
static size_t answer_len;
static int destroyed;

static void on_entered(void *user_data, const chatroom_entered_t *into)
{
    (void)user_data;
    (void)into;
    count_add(&entered, 1);
}

static void on_answer(void *user_data, const chatroom_status_t *status, chatroom_bytes_t body)
{
    CHECK(user_data == &destroyed);
    code = status->code;
    CHECK(body.len <= sizeof answer);
    answer_len = body.len;
    if (body.len > 0)
        memcpy(answer, body.data, body.len);
    count_add(&completed, 1);
}

static void destroy(void *user_data)
{
    ++*(int *)user_data;
}

/* Appends a field of protobuf: a number, or text. */
static size_t number(uint8_t *out, uint8_t field, uint64_t value)
{
    size_t len = 0;
    out[len++] = (uint8_t)(field << 3);
    for (; value >= 0x80; value >>= 7)
        out[len++] = (uint8_t)(value | 0x80);
    out[len++] = (uint8_t)value;
    return len;
}

static size_t text(uint8_t *out, uint8_t field, const char *value)
{
    size_t len = strlen(value);
    out[0] = (uint8_t)(field << 3 | 2);
    out[1] = (uint8_t)len;
    memcpy(out + 2, value, len);
    return len + 2;
}

static int answer_has(const uint8_t *bytes, size_t len)
{
    size_t at;
    for (at = 0; at + len <= answer_len; at++)
        if (memcmp(answer + at, bytes, len) == 0)
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    chatroom_client_t *client;
    chatroom_enter_t enter;
    chatroom_options_t options = options_of(argc, argv, &enter);
    uint8_t body[128], expected[128];
    size_t len;
    options.on_entered = on_entered;
    client = connecting(&options);
    CHECK(count_reaches(&entered, 1));

    /* QueueOfferRequest: room_id, key, value. */
    len = number(body, 1, (uint64_t)enter.room_id);
    len += text(body + len, 2, "seat");
    len += text(body + len, 3, "taken");
    OK(chatroom_client_call(client, CHATROOM_KIND_QUEUE_OFFER, body, len, on_answer, &destroyed, destroy));
    CHECK(chatroom_last_request() != 0);
    CHECK(count_reaches(&completed, 1) && code == CHATROOM_RESULT_OK);

    /* QueuePeekRequest: room_id. Its answer has the element's key and value, one behind the other. */
    len = number(body, 1, (uint64_t)enter.room_id);
    OK(chatroom_client_call(client, CHATROOM_KIND_QUEUE_PEEK, body, len, on_answer, &destroyed, destroy));
    CHECK(count_reaches(&completed, 2) && code == CHATROOM_RESULT_OK);
    len = text(expected, 1, "seat");
    len += text(expected + len, 2, "taken");
    CHECK(answer_has(expected, len));

    /* MemberKickRequest: room_id, account. A refusal is a status without a body. */
    len = number(body, 1, (uint64_t)enter.room_id);
    len += text(body + len, 2, "nobody");
    OK(chatroom_client_call(client, CHATROOM_KIND_MEMBER_KICK, body, len, on_answer, &destroyed, destroy));
    CHECK(count_reaches(&completed, 3) && code == CHATROOM_RESULT_NOT_FOUND && answer_len == 0);

    /* A ping may have no body. */
    OK(chatroom_client_call(client, CHATROOM_KIND_PING, NULL, 0, on_answer, &destroyed, destroy));
    CHECK(count_reaches(&completed, 4) && code == CHATROOM_RESULT_OK && answer_len == 0);

    /* Nothing that is no request, that the client does by itself, or that cannot be read. */
    CHECK(chatroom_client_call(client, 0xffff, NULL, 0, on_answer, &destroyed, destroy) == CHATROOM_RESULT_BAD_PARAMETER);
    CHECK(chatroom_client_call(client, CHATROOM_KIND_MESSAGE, NULL, 0, on_answer, &destroyed, destroy) ==
          CHATROOM_RESULT_BAD_PARAMETER);
    CHECK(chatroom_client_call(client, CHATROOM_KIND_LOGIN, NULL, 0, on_answer, &destroyed, destroy) ==
          CHATROOM_RESULT_BAD_PARAMETER);
    CHECK(chatroom_client_call(client, CHATROOM_KIND_LOGOUT, NULL, 0, on_answer, &destroyed, destroy) ==
          CHATROOM_RESULT_BAD_PARAMETER);
    body[0] = 0xff;
    CHECK(chatroom_client_call(client, CHATROOM_KIND_QUEUE_PEEK, body, 1, on_answer, &destroyed, destroy) ==
          CHATROOM_RESULT_BAD_PARAMETER);
    CHECK(chatroom_client_call(client, CHATROOM_KIND_QUEUE_PEEK, NULL, 1, on_answer, &destroyed, destroy) ==
          CHATROOM_RESULT_BAD_PARAMETER);
    CHECK(chatroom_client_call(NULL, CHATROOM_KIND_PING, NULL, 0, on_answer, &destroyed, destroy) ==
          CHATROOM_RESULT_BAD_PARAMETER);

    chatroom_client_free(client);
    CHECK(destroyed == 11 && count_read(&completed) == 4);
    puts("ok");
    return 0;
}
