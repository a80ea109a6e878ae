/* One request a connection, HTTP/1.0 so that the end of the answer is the end of the stream. The
 * server is our own, on the address that the configuration names; its answers are read as if it
 * were not. */
#include "edge/remote.h"

#include "edge/base/buf.h"
#include "edge/base/scan.h"
#include "edge/http/uri.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MAX = 64 * 1024, WAIT_SECONDS = 30, LOOK_MS = 100, BAR = 30 };

static int fail(const struct conf_listen *at, const char *why)
{
    fprintf(stderr, "segue: the admin listener at %s: %s\n", at->address, why);
    return 1;
}

static int connect_one(const struct addrinfo *a)
{
    struct timeval limit = {WAIT_SECONDS, 0};
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
        return fd;
    int kept = errno;
    close(fd);
    errno = kept;
    return -1;
}

static int connect_to(const struct conf_listen *at)
{
    char port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    int fd = -1;
    snprintf(port, sizeof port, "%u", (unsigned)at->port);
    errno = EADDRNOTAVAIL;
    if (getaddrinfo(at->host, port, &hints, &list) != 0)
        return -1;
    for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
        fd = connect_one(a);
    freeaddrinfo(list);
    return fd;
}

static bool send_all(int fd, struct str s)
{
    while (s.n) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        s = str_from(s, (size_t)n);
    }
    return true;
}

static bool read_all(int fd, struct buf *b)
{
    for (;;) {
        unsigned char *at = buf_reserve(b, 4096);
        ssize_t n = at ? recv(fd, at, 4096, 0) : -1;
        if (n <= 0)
            return n == 0;
        buf_wrote(b, (size_t)n);
    }
}

/* The status and the body of the answer; false: it is none. */
static bool split(struct str answer, unsigned *status, struct str *body)
{
    const char *end = answer.n ? memmem(answer.p, answer.n, "\r\n\r\n", 4) : NULL;
    if (!end || !scan_lit(&answer, STR("HTTP/1.")) || answer.n < 2)
        return false;
    *body = str_from(answer, (size_t)(end + 4 - answer.p));
    answer = str_from(answer, 2);
    return scan_digits(&answer, 3, status);
}

/* One request; the JSON of a 200, else NULL: it was said why. */
static json_t *ask(const struct conf *conf, const char *method, struct str target)
{
    unsigned status;
    struct str body;
    struct buf b;
    json_t *answer = NULL;
    if (conf->admin.count == 0) {
        fputs("segue: admin is off in the configuration\n", stderr);
        return NULL;
    }
    const struct conf_listen *at = &conf->admin.items[0];
    int fd = connect_to(at);
    if (fd < 0) {
        (void)fail(at, strerror(errno));
        return NULL;
    }
    buf_init(&b, ANSWER_MAX);
    buf_addf(&b, "%s %.*s HTTP/1.0\r\nHost: segue\r\n\r\n", method, STR_ARG(target));
    bool sent = buf_status(&b) == ERR_NONE && send_all(fd, buf_str(&b));
    buf_reset(&b);
    if (!sent || !read_all(fd, &b) || !split(buf_str(&b), &status, &body))
        (void)fail(at, "no answer");
    else
        answer = json_loadb(body.p, body.n, 0, NULL);
    close(fd);
    if (answer && status != 200) {
        const char *why = json_string_value(json_object_get(answer, "detail"));
        (void)fail(at, why ? why : "it refused");
        json_decref(answer);
        answer = NULL;
    }
    buf_fini(&b);
    return answer;
}

static uint64_t number(const json_t *answer, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(answer, name));
    return n > 0 ? (uint64_t)n : 0;
}

/* "/purge?path=%2Falbum": all of the value that is not plain is encoded. */
static void write_target(struct buf *b, const char *path, const char *name, const char *value)
{
    buf_addf(b, "%s?%s=", path, name);
    for (const char *c = value; *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || strchr("-._~/:", *c);
        buf_addf(b, plain ? "%c" : "%%%02X", plain ? *c : (unsigned char)*c);
    }
}

static json_t *post(const struct conf *conf, const char *path, const char *name, const char *value,
                    bool soft)
{
    struct buf target;
    buf_init(&target, 4 * BUF_MAX_PATH);
    write_target(&target, path, name, value);
    if (soft)
        buf_adds(&target, STR("&soft"));
    json_t *answer = NULL;
    if (buf_status(&target))
        fputs("segue: the path is too long\n", stderr);
    else
        answer = ask(conf, "POST", buf_str(&target));
    buf_fini(&target);
    return answer;
}

int remote_purge(const struct conf *conf, const char *how, const char *what, bool soft)
{
    json_t *answer = post(conf, "/purge", how, what, soft);
    if (!answer)
        return 1;
    const char *others = json_string_value(json_object_get(answer, "others"));
    uint64_t count = number(answer, soft ? "doubted" : "dropped");
    printf("%" PRIu64 " %s %s%s\n", count, count == 1 ? "object" : "objects",
           soft ? "marked stale" : "dropped",
           others && strcmp(others, "told") == 0 ? "; the other edges are told"
           : others && strcmp(others, "later") == 0
               ? "; the other edges are told when Redis is back"
               : "");
    json_decref(answer);
    return 0;
}

/* ---- warming ---- */

static void show(uint64_t done, uint64_t tracks, bool terminal, uint64_t *shown)
{
    char bar[BAR + 1];
    if (!terminal && tracks && done * 10 / tracks == *shown && done != tracks)
        return;
    *shown = tracks ? done * 10 / tracks : 0;
    for (unsigned i = 0; i < BAR; i++)
        bar[i] = tracks && i < done * BAR / tracks ? '#' : '.';
    bar[BAR] = '\0';
    if (terminal)
        fprintf(stderr, "\r[%s] %" PRIu64 "/%" PRIu64 " tracks", bar, done, tracks);
    else if (tracks)
        fprintf(stderr, "%" PRIu64 "/%" PRIu64 " tracks\n", done, tracks);
    fflush(stderr);
}

static int finish(const json_t *answer, const char *prefix, bool terminal)
{
    const char *error = json_string_value(json_object_get(answer, "error"));
    uint64_t tracks = number(answer, "tracks"), failed = number(answer, "failed");
    if (terminal)
        fputc('\n', stderr);
    if (error && *error) {
        fprintf(stderr, "segue: the tracks could not be listed: %s\n", error);
        return 1;
    }
    if (!tracks) {
        fprintf(stderr, "segue: there is no track below %s\n", prefix);
        return 1;
    }
    printf("%" PRIu64 " tracks loaded, %" PRIu64 " without HLS\n", tracks - failed, failed);
    return 0;
}

int remote_warm(const struct conf *conf, const char *prefix)
{
    bool terminal = isatty(STDERR_FILENO);
    uint64_t shown = UINT64_MAX;
    json_t *answer = post(conf, "/warm", "prefix", prefix, false);
    while (answer && json_is_true(json_object_get(answer, "running"))) {
        struct timespec pause = {0, LOOK_MS * 1000000L};
        show(number(answer, "done"), number(answer, "tracks"), terminal, &shown);
        json_decref(answer);
        (void)nanosleep(&pause, NULL);
        answer = ask(conf, "GET", STR("/warm"));
    }
    if (!answer)
        return 1;
    show(number(answer, "done"), number(answer, "tracks"), terminal, &shown);
    int status = finish(answer, prefix, terminal);
    json_decref(answer);
    return status;
}
