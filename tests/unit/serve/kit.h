/* A service on a real loop: a tree, its supply, routes. Its clients: client.h. */
#ifndef TESTS_UNIT_SERVE_KIT_H
#define TESTS_UNIT_SERVE_KIT_H

#include "edge/base/buf.h"
#include "edge/base/clock.h"
#include "edge/base/log.h"
#include "edge/serve/conn.h"
#include "edge/serve/exchange.h"
#include "edge/serve/route.h"
#include "edge/store/media.h"
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
static struct media *media;
static struct supply *supply;
static struct service_opts opts;
static struct service service;
static struct route routes[16];
static atomic_size_t open_count;
static unsigned closes;

static inline void kit_on_close(void *arg)
{
    (void)arg;
    closes++;
}

/* segue-media lies in the build folder, three above this program. */
static inline void kit_media(void)
{
    char program[4096 + 16];
    ssize_t n = readlink("/proc/self/exe", program, 4096);
    assert_true(n > 0);
    program[n] = '\0';
    for (int up = 0; up < 4; up++)
        *strrchr(program, '/') = '\0';
    memcpy(program + strlen(program), "/segue-media", sizeof "/segue-media");
    struct media_opts mo = {program, 1, (size_t)256 << 20, 30000};
    assert_int_equal(media_new(&mo, &media), ERR_NONE);
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
        .media = media,
        .counters = shared,
    };
    assert_int_equal(supply_new(&so, &supply), ERR_NONE);
}

static inline int kit_begin(void **state)
{
    (void)state;
    alarm(120);
    (void)signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_ERROR);
    tree_make(&tree);
    loop = turn_loop();
    assert_int_equal(timers_new(loop, &timers), ERR_NONE);
    assert_int_equal(pool_new(KIT_THREADS, "io", &io), ERR_NONE);
    shared = counters_new();
    kit_media();
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
    media_free(media);
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

#endif
