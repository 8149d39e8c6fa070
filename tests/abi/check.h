/* What the C tests share: checks that say where they failed, and counters that can be waited for. */
#ifndef CHECK_H
#define CHECK_H

#define _POSIX_C_SOURCE 200809L
#include <chatroom.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            char words_[512];                                                                                          \
            chatroom_last_error_message(words_, sizeof words_);                                                        \
            fprintf(stderr, "%s:%d: %s does not hold; last error: %s\n", __FILE__, __LINE__, #condition, words_);      \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

/* A struct that begins with struct_size, and of which everything else is 0. */
#define ZERO(it)                                                                                                       \
    do {                                                                                                               \
        memset(&(it), 0, sizeof(it));                                                                                  \
        (it).struct_size = sizeof(it);                                                                                 \
    } while (0)

#define OK(call) CHECK((call) == CHATROOM_RESULT_OK)

/* A number that threads change and wait for. */
struct count {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    long value;
};
#define COUNT_INITIALIZER {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0}

static inline void count_add(struct count *count, long more)
{
    pthread_mutex_lock(&count->mutex);
    count->value += more;
    pthread_cond_broadcast(&count->changed);
    pthread_mutex_unlock(&count->mutex);
}

static inline long count_read(struct count *count)
{
    long value;
    pthread_mutex_lock(&count->mutex);
    value = count->value;
    pthread_mutex_unlock(&count->mutex);
    return value;
}

/* Waits until the number is at least `wanted`, for a minute at most: Valgrind takes its time. */
static inline int count_reaches(struct count *count, long wanted)
{
    struct timespec deadline;
    int in_time = 0;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 60;
    pthread_mutex_lock(&count->mutex);
    while (count->value < wanted && in_time == 0)
        in_time = pthread_cond_timedwait(&count->changed, &count->mutex, &deadline);
    in_time = count->value >= wanted;
    pthread_mutex_unlock(&count->mutex);
    return in_time;
}

static inline int bytes_are(chatroom_bytes_t bytes, const char *text)
{
    return bytes.len == strlen(text) && (bytes.len == 0 || memcmp(bytes.data, text, bytes.len) == 0);
}

static inline chatroom_options_t options_for(const char *address)
{
    chatroom_options_t options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.addresses = address;
    options.app_key = "app";
    options.account = "amy";
    options.token = "secret";
    return options;
}

#endif
