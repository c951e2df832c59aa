/*
 * Load for a policy service: N connections to 127.0.0.1, each with at most one request in flight, as Postfix's smtpd
 * processes ask. Written in C so that it costs little of the machine it shares with the service.
 *
 *   load PORT CONNECTIONS SECONDS RATE CLIENTS
 *
 * RATE 0: as fast as the answers come. Otherwise so many requests a second in all, at fixed times: a request that is
 * sent late because its connection still waits counts from the time it was due. Each request is about another of
 * CLIENTS addresses, chosen by a seeded generator. Prints a figure a line.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256
#define MICROSECONDS_MAX 1000000
#define ANSWER_MAX 512

/* What a Postfix 3.7 sends at RCPT; the address and the second part of the instance are overwritten for each request. */
static const char request_text[] =
    "request=smtpd_access_policy\n"
    "protocol_state=RCPT\n"
    "protocol_name=ESMTP\n"
    "client_address=100.100.100.100\n"
    "client_name=mail.example.org\n"
    "client_port=40022\n"
    "reverse_client_name=mail.example.org\n"
    "server_address=192.0.2.25\n"
    "server_port=25\n"
    "helo_name=mail.example.org\n"
    "sender=newsletter-bounces@example.org\n"
    "recipient=alice.smith@lab.test\n"
    "recipient_count=0\n"
    "queue_id=\n"
    "instance=1669.00000000.3c4d.0\n"
    "size=18342\n"
    "etrn_domain=\n"
    "stress=\n"
    "sasl_method=\n"
    "sasl_username=\n"
    "sasl_sender=\n"
    "ccert_subject=\n"
    "ccert_issuer=\n"
    "ccert_fingerprint=\n"
    "ccert_pubkey_fingerprint=\n"
    "encryption_protocol=TLSv1.3\n"
    "encryption_cipher=TLS_AES_256_GCM_SHA384\n"
    "encryption_keysize=256\n"
    "policy_context=\n"
    "\n";

struct connection {
    int fd;
    int waiting;
    int answer_length;
    int64_t due_ns;
    char request[sizeof request_text];
    char answer[ANSWER_MAX];
};

static struct connection connections[CONNECTIONS_MAX];
static uint32_t histogram[MICROSECONDS_MAX + 1];
static uint64_t answers, refused;
static uint32_t clients, serial;
static uint64_t dice = 88172645463325252ull;
static int address_at, instance_at;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static uint32_t next_client(void) {
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (uint32_t)(dice >> 16) % clients;
}

/* Client 1234 is 100.100.112.134: two digits a part, each with a 1 before it, so that the length stays. */
static void write_client(char *request, uint32_t client) {
    for (int part = 3; part >= 0; part--, client /= 100) {
        char *digits = request + address_at + part * 4;
        digits[1] = (char)('0' + client / 10 % 10);
        digits[2] = (char)('0' + client % 10);
    }
}

static void send_request(struct connection *c) {
    write_client(c->request, next_client());
    uint32_t number = serial++;
    for (int i = 7; i >= 0; i--, number >>= 4) c->request[instance_at + i] = "0123456789abcdef"[number & 15];
    if (write(c->fd, c->request, sizeof request_text - 1) != sizeof request_text - 1) die("write");
    c->waiting = 1;
    c->answer_length = 0;
}

/* True when the answer is whole. */
static int read_answer(struct connection *c) {
    ssize_t got = read(c->fd, c->answer + c->answer_length, ANSWER_MAX - c->answer_length);
    if (got <= 0) die("the service closed a connection");
    c->answer_length += (int)got;
    if (c->answer_length < 2 || memcmp(c->answer + c->answer_length - 2, "\n\n", 2) != 0) return 0;
    if (memcmp(c->answer, "action=", 7) != 0) die("no answer");
    if (c->answer_length < 14 || memcmp(c->answer, "action=DUNNO\n\n", 14) != 0) refused++;
    c->waiting = 0;
    return 1;
}

static uint32_t percentile(double share) {
    uint64_t wanted = (uint64_t)((double)answers * share), seen = 0;
    for (uint32_t us = 0; us <= MICROSECONDS_MAX; us++) {
        seen += histogram[us];
        if (seen > wanted) return us;
    }
    return MICROSECONDS_MAX;
}

static void connect_all(int count, int port, int epoll) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < count; i++) {
        struct connection *c = &connections[i];
        int on = 1;
        c->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0) die("connect");
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        memcpy(c->request, request_text, sizeof request_text);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) < 0) die("epoll_ctl");
    }
}

/* Sends what is due; returns the time of the next. */
static int64_t send_due(int count, int64_t now) {
    int64_t next = INT64_MAX;
    for (int i = 0; i < count; i++) {
        struct connection *c = &connections[i];
        if (c->waiting) continue;
        if (c->due_ns <= now) send_request(c);
        else if (c->due_ns < next) next = c->due_ns;
    }
    return next;
}

int main(int argc, char **argv) {
    if (argc != 6) return fprintf(stderr, "usage: load PORT CONNECTIONS SECONDS RATE CLIENTS\n"), 2;
    int count = atoi(argv[2]);
    double seconds = atof(argv[3]), rate = atof(argv[4]);
    clients = (uint32_t)strtoul(argv[5], NULL, 10);
    if (count < 1 || count > CONNECTIONS_MAX || clients < 1) return 2;
    address_at = (int)(strstr(request_text, "client_address=") - request_text) + 15;
    instance_at = (int)(strstr(request_text, "instance=1669.") - request_text) + 14;
    prctl(PR_SET_TIMERSLACK, 1);
    int epoll = epoll_create1(0);
    connect_all(count, atoi(argv[1]), epoll);

    int64_t start = now_ns(), end = start + (int64_t)(seconds * 1e9);
    int64_t period = rate > 0 ? (int64_t)(1e9 * count / rate) : 0;
    for (int i = 0; i < count; i++) connections[i].due_ns = start + period * i / count;

    int64_t now = start;
    while (now < end) {
        int64_t next = send_due(count, now);
        struct epoll_event events[CONNECTIONS_MAX];
        int64_t wait = (next < end ? next : end) - now;
        if (wait < 0) wait = 0;
        struct timespec timeout = {.tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000};
        int ready = epoll_pwait2(epoll, events, CONNECTIONS_MAX, &timeout, NULL);
        if (ready < 0 && errno != EINTR) die("epoll_pwait2");
        now = now_ns();
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (!read_answer(c)) continue;
            int64_t us = (now - c->due_ns) / 1000;
            histogram[us < MICROSECONDS_MAX ? us : MICROSECONDS_MAX]++;
            answers++;
            c->due_ns = period > 0 ? c->due_ns + period : now;
        }
    }
    struct rusage own;
    getrusage(RUSAGE_SELF, &own);
    double cpu = (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
                 (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6;
    printf("answers %llu\nrefused %llu\nseconds %.3f\np50us %u\np99us %u\ncpuSeconds %.3f\n",
           (unsigned long long)answers, (unsigned long long)refused, (double)(now - start) / 1e9, percentile(0.5),
           percentile(0.99), cpu);
    return 0;
}
