/* Chats in a room: what is typed goes out, what is said comes in, and the end of the input ends it.
 *
 *     cc -std=c99 -Wall -Wextra chat.c -o chat -lchatroom -pthread
 *     ./chat 127.0.0.1:7400 APP-KEY ACCOUNT TOKEN ROOM
 *     ./chat tls://chat.example.com:7443 APP-KEY ACCOUNT TOKEN ROOM [CA-FILE]
 */
#define _POSIX_C_SOURCE 200809L
#include <chatroom.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(bytes) (int)(bytes).len, (const char *)(bytes).data /* lent bytes, as %.*s takes them */

static sem_t answered;  /* posted by each completion */
static int32_t outcome; /* the code of the last one */

/* The callbacks run on the client's callback thread, one at a time. What they are lent is gone when they return. */

static void on_message(void *user_data, const chatroom_message_t *message)
{
    (void)user_data;
    printf("%.*s: %.*s\n", TEXT(message->from), TEXT(message->body));
    fflush(stdout);
}

static void on_notification(void *user_data, const chatroom_notification_t *notification)
{
    (void)user_data;
    if (notification->type == CHATROOM_NOTIFICATION_TYPE_MEMBER_ENTER)
        fprintf(stderr, "* %.*s came in\n", TEXT(notification->operator_account));
    if (notification->type == CHATROOM_NOTIFICATION_TYPE_MEMBER_EXIT)
        fprintf(stderr, "* %.*s left\n", TEXT(notification->operator_account));
}

static void on_connect_failed(void *user_data, const chatroom_status_t *status, uint32_t will_retry, uint64_t delay_ms)
{
    (void)user_data;
    fprintf(stderr, "* no connection: %ld %.*s", (long)status->code, TEXT(status->desc));
    if (will_retry)
        fprintf(stderr, "; trying again in %.1f s\n", (double)delay_ms / 1000);
    else
        fprintf(stderr, "\n");
}

static void on_done(void *user_data, const chatroom_status_t *status)
{
    (void)user_data;
    if (status->code != CHATROOM_RESULT_OK)
        fprintf(stderr, "* %ld %.*s\n", (long)status->code, TEXT(status->desc));
    outcome = status->code;
    sem_post(&answered);
}

static void on_sent(void *user_data, const chatroom_status_t *status, const chatroom_sent_t *sent)
{
    (void)sent; /* NULL unless the code is 0: then the message is in the room's log, and will not be lost */
    on_done(user_data, status);
}

/* Waits for the completion that a call promised, unless the call itself failed: then there is none. */
static int finish(chatroom_result result)
{
    char words[256];
    if (result == CHATROOM_RESULT_OK) {
        sem_wait(&answered);
        return outcome == CHATROOM_RESULT_OK;
    }
    chatroom_last_error_message(words, sizeof words);
    fprintf(stderr, "* %ld %s\n", (long)result, words);
    return 0;
}

int main(int argc, char **argv)
{
    chatroom_client_t *client = NULL;
    chatroom_enter_t enter = {0}; /* everything that is 0 means its default */
    chatroom_options_t options = {0};
    chatroom_draft_t draft = {0};
    char line[4096];
    int connected, refused = 0;

    if (argc < 6 || argc > 7 || chatroom_abi_version() < CHATROOM_ABI_VERSION) {
        fprintf(stderr, "usage: %s [tls://]HOST:PORT APP-KEY ACCOUNT TOKEN ROOM [CA-FILE]\n", argv[0]);
        return 2;
    }
    sem_init(&answered, 0, 0);
    enter.struct_size = sizeof enter;
    options.struct_size = sizeof options;
    draft.struct_size = sizeof draft;
    enter.room_id = draft.room_id = strtoll(argv[5], NULL, 10);
    options.addresses = argv[1];
    options.ca_file = argv[6]; /* NULL unless given: then the system says whom to trust */
    options.app_key = argv[2];
    options.account = argv[3];
    options.token = argv[4];
    options.enter = &enter;
    options.on_message = on_message;
    options.on_notification = on_notification;
    options.on_connect_failed = on_connect_failed;

    if (chatroom_client_new(&options, &client) != CHATROOM_RESULT_OK)
        fprintf(stderr, "* HOST:PORT and ACCOUNT must be given\n");
    connected = client != NULL && finish(chatroom_client_connect(client, on_done, NULL, NULL));
    while (connected && fgets(line, sizeof line, stdin)) {
        draft.body = line;
        draft.body_len = strcspn(line, "\n");
        if (draft.body_len > 0) /* copies the draft and returns at once; the completion comes later */
            refused |= !finish(chatroom_client_send(client, &draft, on_sent, NULL, NULL));
    }
    chatroom_client_free(client); /* logs out, and returns when the last callback has */
    return connected && !refused ? 0 : 1;
}
