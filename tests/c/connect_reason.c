/* connect_reason ADDRESS [CA-FILE [TOKEN]]: a client that cannot get in, with the default options. Prints the first reason it is
 * told as "connect_failed CODE WILL-RETRY RETRYABLE WORDS", and the log lines on stderr. */
#include "check.h"

static struct count told = COUNT_INITIALIZER;
static int32_t code = -1;
static uint32_t retries;

static void on_connect_failed(void *user_data, const chatroom_status_t *status, uint32_t will_retry, uint64_t delay_ms)
{
    (void)user_data;
    CHECK(status->code != CHATROOM_RESULT_OK && status->desc.len > 0);
    CHECK(will_retry == 1 || (will_retry == 0 && delay_ms == 0));
    if (count_read(&told) == 0) {
        code = status->code;
        retries = will_retry;
        printf("connect_failed %ld %u %u %.*s\n", (long)status->code, (unsigned)will_retry, (unsigned)status->retryable,
               (int)status->desc.len, (const char *)status->desc.data);
        fflush(stdout);
    }
    count_add(&told, 1);
}

static void on_disconnected(void *user_data, const chatroom_status_t *status)
{
    (void)user_data;
    CHECK(count_read(&told) > 0 && (status->code == code || status->code == CHATROOM_RESULT_OK)); /* or freed meanwhile */
}

static void on_will_reconnect(void *user_data, uint32_t retry_count, uint64_t delay_ms)
{
    (void)user_data;
    (void)delay_ms;
    CHECK(retry_count > 0 && count_read(&told) > 0 && retries == 1); /* the reason comes first */
}

static void on_log(void *user_data, int32_t level, chatroom_bytes_t target, chatroom_bytes_t message)
{
    (void)user_data;
    CHECK(level >= CHATROOM_LOG_LEVEL_ERROR && level <= CHATROOM_LOG_LEVEL_DEBUG && target.len > 0);
    fprintf(stderr, "log %ld %.*s\n", (long)level, (int)message.len, (const char *)message.data);
}

int main(int argc, char **argv)
{
    chatroom_client_t *client;
    chatroom_options_t options = options_for(argc > 1 ? argv[1] : "");
    options.ca_file = argc > 2 && argv[2][0] != 0 ? argv[2] : NULL;
    options.token = argc > 3 ? argv[3] : "secret";
    options.on_connect_failed = on_connect_failed;
    options.on_disconnected = on_disconnected;
    options.on_will_reconnect = on_will_reconnect;
    options.on_log = on_log;
    options.log_level = CHATROOM_LOG_LEVEL_DEBUG;
    client = connecting(&options);
    CHECK(count_reaches(&told, 1));
    chatroom_client_free(client);
    return 0;
}
