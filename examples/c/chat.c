/* Chats in a room: what is typed goes out, what is said comes in, and the end of the input ends it.
 *
 *     cc -std=c99 -Wall -Wextra chat.c -o chat -lchatroom -pthread
 *     ./chat 127.0.0.1:7400 APP-KEY ACCOUNT TOKEN ROOM
 */
#define _POSIX_C_SOURCE 200809L
#include <chatroom.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lent bytes as printf's %.*s takes them. */
#define TEXT(bytes) (int)(bytes).len, (const char *)(bytes).data

struct chat {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int connected;  /* 1: in the room, -1: it will never be */
    int unanswered; /* messages on their way */
    int failed;     /* messages the server refused */
};

/* The callbacks below run on the client's callback thread, one at a time. What they are lent is gone when they return. */

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

static void on_will_reconnect(void *user_data, uint32_t retry_count, uint64_t delay_ms)
{
    (void)user_data;
    fprintf(stderr, "* no connection, attempt %lu in %lu ms\n", (unsigned long)retry_count, (unsigned long)delay_ms);
}

static void on_connected(void *user_data, const chatroom_status_t *status)
{
    struct chat *chat = user_data;
    if (status->code != CHATROOM_RESULT_OK)
        fprintf(stderr, "cannot connect: %ld %.*s\n", (long)status->code, TEXT(status->desc));
    pthread_mutex_lock(&chat->mutex);
    chat->connected = status->code == CHATROOM_RESULT_OK ? 1 : -1;
    pthread_cond_signal(&chat->changed);
    pthread_mutex_unlock(&chat->mutex);
}

static void on_sent(void *user_data, const chatroom_status_t *status, const chatroom_sent_t *sent)
{
    struct chat *chat = user_data;
    (void)sent; /* NULL unless the code is 0: then the message is in the room's log, and will not be lost */
    if (status->code != CHATROOM_RESULT_OK)
        fprintf(stderr, "not sent: %ld %.*s\n", (long)status->code, TEXT(status->desc));
    pthread_mutex_lock(&chat->mutex);
    chat->failed += status->code != CHATROOM_RESULT_OK;
    chat->unanswered--;
    pthread_cond_signal(&chat->changed);
    pthread_mutex_unlock(&chat->mutex);
}

static int check(chatroom_result result)
{
    char words[256];
    if (result == CHATROOM_RESULT_OK)
        return 1;
    chatroom_last_error_message(words, sizeof words);
    fprintf(stderr, "%ld %s\n", (long)result, words);
    return 0;
}

static void send_line(chatroom_client_t *client, struct chat *chat, int64_t room, const char *line)
{
    chatroom_draft_t draft = {0};
    draft.struct_size = sizeof draft;
    draft.room_id = room;
    draft.body = line;
    draft.body_len = strlen(line);
    pthread_mutex_lock(&chat->mutex);
    chat->unanswered++;
    pthread_mutex_unlock(&chat->mutex);
    /* Copies the draft and returns at once; a call that fails completes nothing. */
    if (!check(chatroom_client_send(client, &draft, on_sent, chat, NULL))) {
        pthread_mutex_lock(&chat->mutex);
        chat->unanswered--;
        chat->failed++;
        pthread_mutex_unlock(&chat->mutex);
    }
}

int main(int argc, char **argv)
{
    struct chat chat = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0};
    chatroom_client_t *client = NULL;
    chatroom_enter_t enter = {0};
    chatroom_options_t options = {0};
    char line[4096];

    if (argc != 6 || chatroom_abi_version() < CHATROOM_ABI_VERSION) {
        fprintf(stderr, "usage: %s HOST:PORT APP-KEY ACCOUNT TOKEN ROOM\n", argv[0]);
        return 2;
    }
    enter.struct_size = sizeof enter; /* everything else that is 0 means its default */
    enter.room_id = strtoll(argv[5], NULL, 10);
    options.struct_size = sizeof options;
    options.addresses = argv[1];
    options.app_key = argv[2];
    options.account = argv[3];
    options.token = argv[4];
    options.enter = &enter;
    options.on_message = on_message;
    options.on_notification = on_notification;
    options.on_will_reconnect = on_will_reconnect;

    if (!check(chatroom_client_new(&options, &client)) ||
        !check(chatroom_client_connect(client, on_connected, &chat, NULL))) {
        chatroom_client_free(client);
        return 1;
    }
    pthread_mutex_lock(&chat.mutex);
    while (chat.connected == 0)
        pthread_cond_wait(&chat.changed, &chat.mutex);
    pthread_mutex_unlock(&chat.mutex);

    while (chat.connected == 1 && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '\0')
            send_line(client, &chat, enter.room_id, line);
    }
    pthread_mutex_lock(&chat.mutex);
    while (chat.unanswered > 0)
        pthread_cond_wait(&chat.changed, &chat.mutex);
    pthread_mutex_unlock(&chat.mutex);

    /* Logs out, and returns when the last callback has: from here on `chat` may go. */
    chatroom_client_free(client);
    return chat.connected == 1 && chat.failed == 0 ? 0 : 1;
}
