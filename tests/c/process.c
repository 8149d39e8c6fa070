/* What the library does to the process of its host: threads, signals, stacks, forks. Argument: an address where nobody listens. */
#define _GNU_SOURCE
#include "check.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct count checked = COUNT_INITIALIZER, handled = COUNT_INITIALIZER, failed = COUNT_INITIALIZER;
static pthread_t main_thread;
static volatile sig_atomic_t on_main, elsewhere;

static void on_signal(int number)
{
    (void)number;
    if (pthread_equal(pthread_self(), main_thread))
        on_main = 1;
    else
        elsewhere = 1;
}

/* Uses six of the eight megabytes that the page promises. */
static int dig(int depth)
{
    volatile char here[64 * 1024];
    here[0] = here[sizeof here - 1] = (char)depth;
    return depth == 0 ? here[0] : dig(depth - 1) + here[sizeof here - 1] - (char)depth;
}

static void on_thread_start(void *user_data)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGKILL, SIGSTOP};
    pthread_attr_t attributes;
    size_t bytes = 0, i;
    sigset_t mask;
    int number;
    (void)user_data;
    CHECK(pthread_getattr_np(pthread_self(), &attributes) == 0);
    CHECK(pthread_attr_getstacksize(&attributes, &bytes) == 0 && bytes >= 8u * 1024 * 1024);
    pthread_attr_destroy(&attributes);
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0);
    for (number = 1; number < 32; number++) {
        int is_fault = 0;
        for (i = 0; i < sizeof faults / sizeof faults[0]; i++)
            is_fault |= faults[i] == number;
        CHECK(sigismember(&mask, number) == !is_fault);
    }
    CHECK(dig(96) == 0);
    count_add(&checked, 1);
}

static void on_connect_failed(void *user_data, const chatroom_status_t *status, uint32_t will_retry, uint64_t delay_ms)
{
    (void)user_data;
    (void)status;
    (void)will_retry;
    (void)delay_ms;
    count_add(&failed, 1);
}

static void refused_in_child(void *user_data)
{
    (void)user_data;
    count_add(&handled, 1);
}

static void counted(void *user_data)
{
    count_add(user_data, 1);
}

static void ask_and_fail(chatroom_client_t *client)
{
    struct count given_back = COUNT_INITIALIZER;
    char words[8];
    CHECK(chatroom_client_kick(client, 1, NULL, NULL, NULL, &given_back, counted) == CHATROOM_RESULT_BAD_PARAMETER);
    chatroom_last_error_message(words, sizeof words);
    OK(chatroom_client_leave(client, 1, NULL, &given_back, counted));
    OK(chatroom_client_cancel(client, chatroom_last_request()));
    OK(chatroom_client_flush(client, 1000, NULL, &given_back, counted));
    CHECK(count_reaches(&given_back, 3));
    count_add(&handled, 1);
}

/* What a virtual machine does when a thread leaves it: after the library's own values of that thread are gone. */
static void at_the_end_of_a_thread(void *user_data)
{
    ask_and_fail(user_data);
}

static pthread_key_t last_words;

static void *leaving(void *client)
{
    ask_and_fail(client);
    CHECK(pthread_setspecific(last_words, client) == 0);
    return NULL;
}

int main(int argc, char **argv)
{
    chatroom_client_t *client = NULL;
    chatroom_options_t options;
    chatroom_draft_t draft;
    struct sigaction action;
    sigset_t before, after, one, pending;
    pthread_t thread;
    pid_t child;
    int status = 0, number;

    CHECK(argc == 2);
    main_thread = pthread_self();
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &before) == 0);
    options = options_for(argv[1]);
    options.on_thread_start = on_thread_start;
    options.on_connect_failed = on_connect_failed;
    OK(chatroom_client_new(&options, &client));
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &after) == 0);
    for (number = 1; number < 32; number++)
        CHECK(sigismember(&before, number) == sigismember(&after, number)); /* the host's own mask is as it was */
    OK(chatroom_client_connect(client, NULL, NULL, NULL));
    CHECK(count_reaches(&checked, 1) && count_reaches(&failed, 1));
    CHECK(pthread_key_create(&last_words, at_the_end_of_a_thread) == 0);
    CHECK(pthread_create(&thread, NULL, leaving, client) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(count_read(&handled) == 2);

    /* A signal of the process that the host's threads block waits for one of them: no thread of the library takes it. */
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    CHECK(pthread_sigmask(SIG_BLOCK, &one, NULL) == 0);
    CHECK(kill(getpid(), SIGUSR1) == 0);
    CHECK(count_reaches(&failed, 2));
    CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 1 && !elsewhere && !on_main);
    CHECK(pthread_sigmask(SIG_UNBLOCK, &one, NULL) == 0);
    CHECK(on_main && !elsewhere);

    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        ZERO(draft);
        draft.room_id = 1;
        draft.body = "x";
        draft.body_len = 1;
        CHECK(chatroom_client_state(client) == CHATROOM_STATE_EXITED);
        CHECK(chatroom_client_connect(client, NULL, NULL, NULL) == CHATROOM_RESULT_NOT_INITIALISED);
        CHECK(chatroom_client_send(client, &draft, NULL, NULL, refused_in_child) == CHATROOM_RESULT_NOT_INITIALISED);
        CHECK(chatroom_client_cancel(client, 1) == CHATROOM_RESULT_NOT_INITIALISED);
        CHECK(chatroom_client_flush(client, 1, NULL, NULL, refused_in_child) == CHATROOM_RESULT_NOT_INITIALISED);
        CHECK(count_read(&handled) == 4);
        chatroom_client_free(client);
        execl("/bin/true", "true", (char *)NULL);
        _exit(5);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(chatroom_client_state(client) != CHATROOM_STATE_EXITED);
    chatroom_client_free(client);
    return 0;
}
