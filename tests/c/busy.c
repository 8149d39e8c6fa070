/* busy ADDRESS APP ROOM ACCOUNT TOKEN: enters and sends twice a second, until its connection has been lost and it is in again. */
#include "check.h"

static struct count logins = COUNT_INITIALIZER, lost = COUNT_INITIALIZER, done = COUNT_INITIALIZER;

static void on_logged_in(void *user_data, const chatroom_login_t *login)
{
    (void)user_data;
    (void)login;
    count_add(&logins, 1);
}

static void on_will_reconnect(void *user_data, uint32_t retry_count, uint64_t delay_ms)
{
    (void)user_data;
    (void)retry_count;
    (void)delay_ms;
    count_add(&lost, 1);
}

static void on_sent(void *user_data, const chatroom_status_t *status, const chatroom_sent_t *sent)
{
    (void)user_data;
    CHECK((status->code == CHATROOM_RESULT_OK) == (sent != NULL));
    count_add(&done, 1);
}

int main(int argc, char **argv)
{
    chatroom_client_t *client;
    chatroom_enter_t enter;
    chatroom_options_t options;
    chatroom_draft_t draft;
    struct timespec pause = {0, 500 * 1000 * 1000};
    long sent = 0;
    options = options_of(argc, argv, &enter);
    ZERO(draft);
    draft.room_id = enter.room_id;
    options.on_logged_in = on_logged_in;
    options.on_will_reconnect = on_will_reconnect;
    draft.body = "x";
    draft.body_len = 1;
    client = connecting(&options);
    CHECK(count_reaches(&logins, 1));
    puts("in");
    fflush(stdout);
    while (count_read(&logins) < 2 && sent < 120) {
        OK(chatroom_client_send(client, &draft, on_sent, NULL, NULL));
        sent++;
        nanosleep(&pause, NULL);
    }
    CHECK(count_read(&lost) > 0 && count_read(&logins) == 2);
    chatroom_client_free(client);
    CHECK(count_read(&done) == sent);
    return 0;
}
