/*
 * The least a policy service can do, in C: finds the end of a request and answers DUNNO. How far a service could get
 * that does nothing else.
 *
 *   epoll-service PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 16384
static const char answer[] = "action=DUNNO\n\n";

struct connection {
    int fd;
    int length;
    char request[REQUEST_MAX];
};

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void watch(int epoll, int fd, void *data) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

static void serve(struct connection *c) {
    ssize_t got = read(c->fd, c->request + c->length, (size_t)(REQUEST_MAX - c->length));
    if (got <= 0) {
        close(c->fd);
        free(c);
        return;
    }
    c->length += (int)got;
    if (c->length < 2 || memcmp(c->request + c->length - 2, "\n\n", 2) != 0) return;
    c->length = 0;
    if (write(c->fd, answer, sizeof answer - 1) < 0) die("write");
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);
    if (argc != 2) return fprintf(stderr, "usage: epoll-service PORT\n"), 2;
    address.sin_port = htons((uint16_t)atoi(argv[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 64) < 0) die("listen");
    watch(epoll, listener, NULL);
    for (;;) {
        struct epoll_event events[64];
        int ready = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr != NULL) {
                serve(events[i].data.ptr);
                continue;
            }
            struct connection *c = calloc(1, sizeof *c);
            if (c == NULL || (c->fd = accept(listener, NULL, NULL)) < 0) die("accept");
            setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            watch(epoll, c->fd, c);
        }
    }
}
