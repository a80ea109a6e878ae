/* A service on a real loop: a tree, its supply, routes, and clients at the other end of real
 * sockets. What a client waits for ends the loop; nothing here sleeps. */
#ifndef TESTS_UNIT_SERVE_KIT_H
#define TESTS_UNIT_SERVE_KIT_H

#include "edge/base/buf.h"
#include "edge/base/clock.h"
#include "edge/serve/conn.h"
#include "edge/serve/exchange.h"
#include "edge/serve/route.h"
#include "tests/unit/loop/turn.h"
#include "tests/unit/store/tree.h"
#include "tests/unit/wire/sockets.h"

#include <signal.h>
#include <stdatomic.h>

enum { KIT_SMALL = 64 * 1024, KIT_THREADS = 2, KIT_MB = 1024 * 1024 };

/* Clients are 192.0.2.1. */
static const struct address kit_peer = {
    .ip = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1}, .port = 4711};

static struct tree tree;
static struct loop *loop;
static struct timers *timers;
static struct pool *io;
static struct counters *shared; /* what the pools count */
static struct supply *supply;
static struct service_opts opts;
static struct service service;
static struct route routes[8];
static atomic_size_t open_count;
static unsigned closes;

struct client {
    struct loop_io io; /* first */
    int fd;
    char *got; /* owned, terminated */
    size_t n, wanted;
    bool ended, reset;
    const char *until; /* text that is waited for; NULL: `wanted` bytes */
};

static inline void kit_on_close(void *arg)
{
    (void)arg;
    closes++;
}

static inline void kit_supply(void)
{
    struct supply_opts so = {
        .cache = {.bytes = 16 * KIT_MB, .max_object = 16 * KIT_MB, .sources = 100},
        .disk = {tree.root, "public, max-age=5", 6000, false, false, NULL},
        .make = {.segment_ms = 6000, .container = CONTAINER_FMP4},
        .library = {"/audio/", "/hls/"},
        .small_file = KIT_SMALL,
        .ttl = 60 * CLOCK_SECOND,
        .metadata_ttl = 3600 * CLOCK_SECOND,
        .io = io,
        .media_pool = io,
        .counters = shared,
    };
    assert_int_equal(supply_new(&so, &supply), ERR_NONE);
}

static inline int kit_begin(void **state)
{
    (void)state;
    alarm(120);
    (void)signal(SIGPIPE, SIG_IGN);
    tree_make(&tree);
    loop = turn_loop();
    assert_int_equal(timers_new(loop, &timers), ERR_NONE);
    assert_int_equal(pool_new(KIT_THREADS, "io", &io), ERR_NONE);
    shared = counters_new();
    kit_supply();
    closes = 0;
    atomic_store(&open_count, 0);
    memset(routes, 0, sizeof routes);
    routes[0] = (struct route){STR("/audio/"), false, false, get_audio};
    routes[1] = (struct route){STR("/ping"), true, false, get_ping};
    opts = (struct service_opts){
        .header_timeout = 10 * CLOCK_SECOND,
        .idle_timeout = 60 * CLOCK_SECOND,
        .write_timeout = 30 * CLOCK_SECOND,
        .max_header = 16 * 1024,
        .max_connections = 100,
        .buffer = 64 * 1024,
        .common = STR("Server: segue\r\n"),
        .preflight = STR("Access-Control-Max-Age: 86400\r\n"),
    };
    struct counters *own = counters_new();
    service = (struct service){
        .loop = loop,
        .timers = timers,
        .seat = {supply, turn_mailbox(loop), own, NULL, NULL},
        .counters = own,
        .histogram = histogram_new(),
        .opts = &opts,
        .routes = routes,
        .open = &open_count,
        .on_close = kit_on_close,
    };
    assert_int_equal(service_init(&service), ERR_NONE);
    return 0;
}

static inline int kit_end(void **state)
{
    (void)state;
    service_cut(&service);
    assert_int_equal(atomic_load(&open_count), 0);
    pool_free(io);
    mailbox_settle(service.seat.mailbox);
    loop_settle(loop);
    service_fini(&service);
    supply_free(supply);
    mailbox_free(service.seat.mailbox);
    timers_free(timers);
    loop_free(loop);
    counters_free(service.counters);
    counters_free(shared);
    histogram_free(service.histogram);
    tree_remove(&tree);
    return 0;
}

static inline uint64_t counted(enum counter which)
{
    return atomic_load(&service.counters->value[which]) + atomic_load(&shared->value[which]);
}

/* Events alone are not what a turn consists of: the first turns bring the sockets' news. */
static inline void turns(unsigned n)
{
    while (n--)
        turn_once(loop);
}

/* The clients */

static inline void client_read(struct client *c)
{
    for (;;) {
        c->got = realloc(c->got, c->n + 64 * 1024 + 1);
        ssize_t n = recv(c->fd, c->got + c->n, 64 * 1024, 0);
        c->reset |= n < 0 && errno == ECONNRESET;
        c->ended |= n == 0 || c->reset;
        c->n += n > 0 ? (size_t)n : 0;
        c->got[c->n] = '\0';
        if (n <= 0)
            return;
    }
}

static inline bool client_has(const struct client *c)
{
    return c->until ? memmem(c->got, c->n, c->until, strlen(c->until)) != NULL : c->n >= c->wanted;
}

static inline void client_on_io(struct loop_io *at, unsigned what)
{
    struct client *c = (struct client *)at;
    (void)what;
    client_read(c);
    if (c->ended || client_has(c))
        loop_stop(at->loop);
}

/* A connection of the service's. */
static inline struct client client_new(void)
{
    struct client c = {.fd = -1};
    int ours;
    sockets_pair(&ours, &c.fd);
    c.got = calloc(1, 1);
    service_accept(&service, ours, &kit_peer);
    return c;
}

static inline void client_free(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    free(c->got);
    *c = (struct client){.fd = -1};
}

static inline void say(const struct client *c, const char *text)
{
    assert_int_equal(send(c->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* A GET with more field lines. */
static inline void ask(const struct client *c, const char *path, const char *lines)
{
    char text[4096];
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: h\r\n%s\r\n", path, lines);
    say(c, text);
}

static inline void client_run(struct client *c)
{
    assert_int_equal(loop_watch_level(loop, &c->io, c->fd, client_on_io), ERR_NONE);
    loop_run(loop);
    loop_unwatch(&c->io);
}

/* Run until that has come, or the connection has ended. */
static inline void hear(struct client *c, const char *text)
{
    c->until = text;
    client_read(c);
    if (!client_has(c) && !c->ended)
        client_run(c);
    if (!client_has(c))
        fail_msg("not \"%s\" but: %s", text, c->got);
    c->until = NULL;
}

static inline void hear_bytes(struct client *c, size_t n)
{
    c->wanted = n;
    client_read(c);
    if (!client_has(c) && !c->ended)
        client_run(c);
    assert_true(c->n >= n);
}

static inline void hear_end(struct client *c)
{
    c->wanted = SIZE_MAX;
    client_read(c);
    while (!c->ended)
        client_run(c);
}

static inline void forget(struct client *c)
{
    c->n = 0;
    c->got[0] = '\0';
}

/* How often a text stands in what came. */
static inline unsigned times(const struct client *c, const char *text)
{
    unsigned n = 0;
    for (const char *at = c->got; (at = strstr(at, text)); at += strlen(text))
        n++;
    return n;
}

/* The connection that was accepted last. */
static inline struct conn *newest(void) { return service.conns; }

#endif
