/* slow_names GOOD-PORT: names that nobody answers for stand in the list before one that is known. The client gets as far as a login
 * at that one while the others are still looked up. */
#include "check.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

static struct count told = COUNT_INITIALIZER;

/* In place of the system's: "hang…" is not answered for, and everything else stands for this machine. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    struct addrinfo *one;
    struct sockaddr_in *address;
    (void)service;
    (void)hints;
    if (node != NULL && strncmp(node, "hang", 4) == 0) {
        sleep(60);
        return EAI_AGAIN;
    }
    one = calloc(1, sizeof *one + sizeof *address);
    if (one == NULL)
        return EAI_MEMORY;
    address = (struct sockaddr_in *)(void *)(one + 1);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    one->ai_family = AF_INET;
    one->ai_socktype = SOCK_STREAM;
    one->ai_addrlen = sizeof *address;
    one->ai_addr = (struct sockaddr *)address;
    *found = one;
    return 0;
}

void freeaddrinfo(struct addrinfo *found)
{
    free(found);
}

static void on_connect_failed(void *user_data, const chatroom_status_t *status, uint32_t will_retry, uint64_t delay_ms)
{
    (void)user_data;
    (void)will_retry;
    (void)delay_ms;
    printf("connect_failed %ld %.*s\n", (long)status->code, (int)status->desc.len, (const char *)status->desc.data);
    count_add(&told, 1);
}

int main(int argc, char **argv)
{
    char addresses[200];
    chatroom_client_t *client;
    chatroom_options_t options;
    snprintf(addresses, sizeof addresses, "hang1.test:1,hang2.test:1,hang3.test:1,good.test:%s", argc > 1 ? argv[1] : "1");
    options = options_for(addresses);
    options.on_connect_failed = on_connect_failed;
    client = connecting(&options);
    CHECK(count_reaches(&told, 1));
    chatroom_client_free(client);
    return 0;
}
