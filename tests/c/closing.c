/* Closing and freeing, at every moment that has gone wrong elsewhere. Argument: the address of a server that accepts logins and
 * then answers nothing. */
#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

static const char *silent;

/* What one client's host holds. */
struct host {
    chatroom_client_t *client;
    struct count connected;
    struct count completed;
    struct count destroyed;
    struct count closed;
    struct count freed;
    struct count reconnects;
    pthread_t thread; /* which one called last */
    int with_closed;  /* completions with 20000 */
    int free_inside;  /* free the client in the next completion */
    int close_inside; /* close it there */
};
#define HOST_INITIALIZER                                                                                               \
    {NULL, COUNT_INITIALIZER, COUNT_INITIALIZER, COUNT_INITIALIZER, COUNT_INITIALIZER, COUNT_INITIALIZER,               \
     COUNT_INITIALIZER, 0, 0, 0, 0}

static void on_closed(void *user_data)
{
    struct host *host = user_data;
    count_add(&host->closed, 1);
}

static void on_will_reconnect(void *user_data, uint32_t retry_count, uint64_t delay_ms)
{
    struct host *host = user_data;
    CHECK(retry_count >= 1 && delay_ms <= 8000);
    count_add(&host->reconnects, 1);
}

static void listener_freed(void *user_data)
{
    struct host *host = user_data;
    CHECK(count_read(&host->closed) == 1); /* closed comes before */
    count_add(&host->freed, 1);
}

static void on_connected(void *user_data, const chatroom_status_t *status)
{
    struct host *host = user_data;
    count_add(&host->connected, status->code == CHATROOM_RESULT_OK ? 1 : 1000);
}

/* Counted when it goes back, so that registrations and destructions can be compared. */
static void request_freed(void *user_data)
{
    struct host *host = user_data;
    count_add(&host->destroyed, 1);
}

static void on_sent(void *user_data, const chatroom_status_t *status, const chatroom_sent_t *sent)
{
    struct host *host = user_data;
    CHECK(count_read(&host->closed) == 0); /* nothing comes after on_closed */
    CHECK(status->code != CHATROOM_RESULT_OK && sent == NULL && status->desc.len > 0);
    host->with_closed += status->code == CHATROOM_RESULT_NOT_INITIALISED;
    host->thread = pthread_self();
    if (host->close_inside)
        OK(chatroom_client_close(host->client));
    if (host->free_inside) {
        host->free_inside = 0;
        chatroom_client_free(host->client);
        host->client = NULL;
    }
    count_add(&host->completed, 1);
}

static void start(struct host *host, uint32_t host_pumped, uint32_t response_timeout_ms)
{
    chatroom_options_t options = options_for(silent);
    options.host_pumped = host_pumped;
    options.response_timeout_ms = response_timeout_ms;
    options.user_data = host;
    options.destructor = listener_freed;
    options.on_closed = on_closed;
    options.on_will_reconnect = on_will_reconnect;
    OK(chatroom_client_new(&options, &host->client));
    OK(chatroom_client_connect(host->client, on_connected, host, NULL));
    while (host_pumped && count_read(&host->connected) == 0)
        OK(chatroom_client_dispatch(host->client, -1, NULL));
    CHECK(count_reaches(&host->connected, 1) && host->connected.value == 1);
    CHECK(chatroom_client_state(host->client) == CHATROOM_STATE_ENTERED);
}

static void send_some(struct host *host, int how_many)
{
    chatroom_draft_t draft;
    memset(&draft, 0, sizeof draft);
    draft.struct_size = sizeof draft;
    draft.room_id = 1;
    draft.body = "hello";
    draft.body_len = 5;
    while (how_many-- > 0)
        OK(chatroom_client_send(host->client, &draft, on_sent, host, request_freed));
}

static void free_with_a_hundred_requests_in_flight_completes_each_once(void)
{
    struct host host = HOST_INITIALIZER;
    start(&host, 0, 60000);
    send_some(&host, 100);
    chatroom_client_free(host.client);
    CHECK(host.completed.value == 100 && host.with_closed == 100 && host.destroyed.value == 100);
    CHECK(host.closed.value == 1 && host.freed.value == 1);
}

static void close_returns_and_free_waits(void)
{
    struct host host = HOST_INITIALIZER;
    start(&host, 0, 60000);
    send_some(&host, 3);
    OK(chatroom_client_close(host.client));
    OK(chatroom_client_close(host.client));
    CHECK(count_reaches(&host.closed, 1));
    CHECK(host.completed.value == 3 && host.with_closed == 3);
    CHECK(chatroom_client_state(host.client) == CHATROOM_STATE_EXITED);
    CHECK(chatroom_client_leave(host.client, 1, NULL, &host, request_freed) == CHATROOM_RESULT_NOT_INITIALISED);
    CHECK(chatroom_client_connect(host.client, NULL, &host, request_freed) == CHATROOM_RESULT_NOT_INITIALISED);
    CHECK(host.destroyed.value == 5);
    chatroom_client_free(host.client);
    CHECK(host.freed.value == 1 && host.closed.value == 1);
}

static void close_inside_a_callback(void)
{
    struct host host = HOST_INITIALIZER;
    host.close_inside = 1;
    start(&host, 0, 50);
    send_some(&host, 10);
    CHECK(count_reaches(&host.closed, 1));
    CHECK(host.completed.value == 10 && host.destroyed.value == 10);
    chatroom_client_free(host.client);
    CHECK(host.freed.value == 1 && host.closed.value == 1);
}

static void free_inside_a_callback_runs_the_rest_on_that_thread(void)
{
    struct host host = HOST_INITIALIZER;
    host.free_inside = 1;
    start(&host, 0, 50);
    send_some(&host, 10);
    CHECK(count_reaches(&host.freed, 1));
    CHECK(host.completed.value == 10 && host.destroyed.value == 10 && host.closed.value == 1);
    CHECK(host.client == NULL && !pthread_equal(host.thread, pthread_self()));
}

static void a_pumped_client_calls_on_the_thread_that_pumps(void)
{
    struct host host = HOST_INITIALIZER;
    size_t made = 0;
    start(&host, 1, 50);
    send_some(&host, 5);
    while (host.completed.value < 5) {
        OK(chatroom_client_dispatch(host.client, 1000, &made));
    }
    CHECK(pthread_equal(host.thread, pthread_self()));
    OK(chatroom_client_dispatch(host.client, 0, &made));
    OK(chatroom_client_close(host.client));
    while (host.closed.value == 0)
        OK(chatroom_client_dispatch(host.client, -1, NULL));
    CHECK(chatroom_client_dispatch(host.client, -1, NULL) == CHATROOM_RESULT_NOT_INITIALISED);
    chatroom_client_free(host.client);
    CHECK(host.freed.value == 1 && host.destroyed.value == 5);
}

static void a_pumped_client_can_be_freed_inside_and_outside_its_callbacks(void)
{
    struct host inside = HOST_INITIALIZER, outside = HOST_INITIALIZER;
    inside.free_inside = 1;
    start(&inside, 1, 50);
    send_some(&inside, 10);
    while (inside.client != NULL)
        OK(chatroom_client_dispatch(inside.client, -1, NULL));
    CHECK(inside.completed.value == 10 && inside.destroyed.value == 10);
    CHECK(inside.closed.value == 1 && inside.freed.value == 1);

    start(&outside, 1, 60000);
    send_some(&outside, 10);
    chatroom_client_free(outside.client);
    CHECK(outside.completed.value == 10 && outside.with_closed == 10 && outside.destroyed.value == 10);
    CHECK(outside.closed.value == 1 && outside.freed.value == 1);
}

static void a_full_queue_says_busy_at_once(void)
{
    struct host host = HOST_INITIALIZER;
    chatroom_result result;
    int accepted = 0;
    start(&host, 0, 60000);
    while ((result = chatroom_client_leave(host.client, 1, NULL, &host, request_freed)) == CHATROOM_RESULT_OK)
        CHECK(++accepted <= 1024);
    CHECK(result == CHATROOM_RESULT_BUSY && accepted > 900);
    CHECK(host.destroyed.value >= 1); /* the refused one has its data back */
    chatroom_client_free(host.client);
    CHECK(host.destroyed.value == accepted + 1);
}

/* Of a request that is refused, on the thread that asks: what it belongs to may be the last that holds the client. */
static void request_frees(void *user_data)
{
    struct host *host = user_data;
    chatroom_client_t *client = host->client;
    count_add(&host->destroyed, 1);
    host->client = NULL;
    chatroom_client_free(client);
}

static void a_refused_request_that_gives_its_data_back_may_free_the_client(const char *refused)
{
    struct host host = HOST_INITIALIZER;
    chatroom_options_t options = options_for(refused);
    chatroom_result result;
    int accepted = 0;
    options.host_pumped = 1;
    options.user_data = &host;
    options.destructor = listener_freed;
    options.on_closed = on_closed;
    OK(chatroom_client_new(&options, &host.client));
    OK(chatroom_client_connect(host.client, NULL, NULL, NULL));
    do {
        /* Nobody takes the events, so in the end nobody takes the orders: each of these makes an attempt, which fails. */
        while (chatroom_client_check_connection(host.client) == CHATROOM_RESULT_OK)
            ;
        result = chatroom_client_leave(host.client, 1, NULL, &host, request_frees);
    } while (result == CHATROOM_RESULT_OK && ++accepted < 1024);
    CHECK(result == CHATROOM_RESULT_BUSY && host.client == NULL);
    CHECK(host.closed.value == 1 && host.freed.value == 1 && host.destroyed.value == accepted + 1);
}

/* A callback that does not return delays its own client, and no other. */
static void slow_connected(void *user_data, const chatroom_status_t *status)
{
    struct count *gate = user_data;
    (void)status;
    CHECK(count_reaches(gate, 1));
}

static void a_slow_callback_delays_only_its_own_client(void)
{
    struct count gate = COUNT_INITIALIZER;
    struct host quick = HOST_INITIALIZER;
    chatroom_client_t *slow = NULL;
    chatroom_options_t options = options_for(silent);
    OK(chatroom_client_new(&options, &slow));
    OK(chatroom_client_connect(slow, slow_connected, &gate, NULL));
    start(&quick, 0, 50);
    send_some(&quick, 20);
    CHECK(count_reaches(&quick.completed, 20));
    chatroom_client_free(quick.client);
    count_add(&gate, 1);
    chatroom_client_free(slow);
}

static void a_refused_port_is_tried_again_until_the_client_is_closed(const char *refused)
{
    struct host host = HOST_INITIALIZER;
    chatroom_options_t options = options_for(refused);
    options.user_data = &host;
    options.on_will_reconnect = on_will_reconnect;
    options.on_closed = on_closed;
    OK(chatroom_client_new(&options, &host.client));
    OK(chatroom_client_connect(host.client, on_connected, &host, request_freed));
    CHECK(count_reaches(&host.reconnects, 1));
    chatroom_client_free(host.client);
    CHECK(host.connected.value == 1000 && host.destroyed.value == 1 && host.closed.value == 1);
}

static void a_forked_child_may_exec(void)
{
    struct host host = HOST_INITIALIZER;
    int status = -1;
    pid_t child;
    start(&host, 0, 60000);
    send_some(&host, 3);
    child = fork();
    if (child == 0) {
        if (chatroom_client_close(host.client) != CHATROOM_RESULT_NOT_INITIALISED)
            _exit(3);
        chatroom_client_free(host.client); /* does nothing here, and does not wait for threads that are not here */
        if (host.completed.value != 0)
            _exit(4);
        execl("/bin/true", "true", (char *)NULL);
        _exit(5);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    chatroom_client_free(host.client);
    CHECK(host.completed.value == 3 && host.destroyed.value == 3);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    silent = argv[1];
    free_with_a_hundred_requests_in_flight_completes_each_once();
    close_returns_and_free_waits();
    close_inside_a_callback();
    free_inside_a_callback_runs_the_rest_on_that_thread();
    a_pumped_client_calls_on_the_thread_that_pumps();
    a_pumped_client_can_be_freed_inside_and_outside_its_callbacks();
    a_full_queue_says_busy_at_once();
    a_refused_request_that_gives_its_data_back_may_free_the_client(argv[2]);
    a_slow_callback_delays_only_its_own_client();
    a_refused_port_is_tried_again_until_the_client_is_closed(argv[2]);
    a_forked_child_may_exec();
    puts("ok");
    return 0;
}
