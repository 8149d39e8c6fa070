/* put_out ADDRESS APP ROOM ACCOUNT TOKEN: enters, is put out of its only room, and prints what it is told until it has been in
 * state 6 for a second. */
#include "check.h"

static struct count over = COUNT_INITIALIZER;

static void on_state(void *user_data, int32_t state)
{
    (void)user_data;
    printf("state %ld\n", (long)state);
    fflush(stdout);
    if (state == CHATROOM_STATE_EXITED)
        count_add(&over, 1);
}

static void on_will_reconnect(void *user_data, uint32_t retry_count, uint64_t delay_ms)
{
    (void)user_data;
    printf("will_reconnect %u in %llu\n", (unsigned)retry_count, (unsigned long long)delay_ms);
    fflush(stdout);
}

static void on_entered(void *user_data, const chatroom_entered_t *entered)
{
    (void)user_data;
    (void)entered;
    puts("entered");
    fflush(stdout);
}

static void on_kicked(void *user_data, const chatroom_kicked_t *kicked)
{
    (void)user_data;
    printf("kicked %ld\n", (long)kicked->reason);
    fflush(stdout);
}

static void on_disconnected(void *user_data, const chatroom_status_t *status)
{
    (void)user_data;
    printf("disconnected %ld\n", (long)status->code);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    chatroom_client_t *client;
    chatroom_enter_t enter;
    chatroom_options_t options;
    struct timespec second = {1, 0};
    options = options_of(argc, argv, &enter);
    options.on_state = on_state;
    options.on_will_reconnect = on_will_reconnect;
    options.on_entered = on_entered;
    options.on_kicked = on_kicked;
    options.on_disconnected = on_disconnected;
    client = connecting(&options);
    CHECK(count_reaches(&over, 1));
    nanosleep(&second, NULL);
    printf("final %ld\n", (long)chatroom_client_state(client));
    chatroom_client_free(client);
    return 0;
}
