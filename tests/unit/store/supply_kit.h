/* Wishes on a real loop: pools, a tree, a media helper, a supply over them. Time is the test's. */
#ifndef TESTS_UNIT_STORE_SUPPLY_KIT_H
#define TESTS_UNIT_STORE_SUPPLY_KIT_H

#include "edge/base/clock.h"
#include "edge/base/log.h"
#include "edge/store/media.h"
#include "edge/store/supply.h"
#include "tests/unit/loop/turn.h"
#include "tests/unit/store/hold.h"
#include "tests/unit/store/tree.h"

#include <sched.h>

enum { SMALL = 64 * 1024, FRAME = 417, FRAMES = 400, THREADS = 2 };

static struct tree tree;
static struct loop *loop;
static struct pool *io, *media_pool;
static struct media *media;
static struct counters *shared; /* what the pools count */
static struct supply_seat seat;
static uint64_t now;
static bool watched;
static unsigned granted_count;

static inline void start_supply(size_t cache_bytes)
{
    struct supply_opts opts = {
        .cache = {.bytes = cache_bytes, .max_object = cache_bytes, .sources = 100},
        .disk = {tree.root, "public, max-age=5", 6000, watched, false, NULL},
        .make = {6000, CONTAINER_FMP4},
        .library = {"/audio/", "/hls/"},
        .small_file = SMALL,
        .ttl = 60 * CLOCK_SECOND,
        .metadata_ttl = 3600 * CLOCK_SECOND,
        .io = io,
        .media_pool = media_pool,
        .media = media,
        .counters = shared,
    };
    assert_int_equal(supply_new(&opts, &seat.supply), ERR_NONE);
}

static inline int begin(void **state)
{
    (void)state;
    tree_make(&tree);
    loop = turn_loop();
    seat = (struct supply_seat){NULL, turn_mailbox(loop), counters_new(), NULL, NULL};
    shared = counters_new();
    assert_int_equal(pool_new(THREADS, "io", &io), ERR_NONE);
    assert_int_equal(pool_new(THREADS, "media", &media_pool), ERR_NONE);
    start_supply((size_t)16 << 20);
    now = 1000 * CLOCK_SECOND;
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    hold_release(); /* the test may have failed */
    pool_free(io);
    pool_free(media_pool);
    mailbox_settle(seat.mailbox);
    supply_free(seat.supply);
    mailbox_free(seat.mailbox);
    counters_free(seat.counters);
    counters_free(shared);
    loop_free(loop);
    tree_remove(&tree);
    return 0;
}

/* With another cache: of so many bytes. */
static inline void restart_supply(size_t cache_bytes)
{
    supply_free(seat.supply);
    start_supply(cache_bytes);
}

static inline uint64_t counted(enum counter which)
{
    return atomic_load(&shared->value[which]) + atomic_load(&seat.counters->value[which]);
}

static inline void on_granted(struct wish *w)
{
    (void)w;
    granted_count++;
    loop_stop(loop);
}

static inline struct wish wish_of(enum wish_kind kind, const char *track)
{
    return (struct wish){
        .kind = kind, .container = CONTAINER_COUNT, .track = str_of(track), .granted = on_granted};
}

/* Until it is granted or refused. */
static inline void get(struct wish *w)
{
    if (!supply_ask(&seat, w, now))
        loop_run(loop);
}

static inline struct wish got(enum wish_kind kind, const char *track)
{
    struct wish w = wish_of(kind, track);
    get(&w);
    return w;
}

static inline void expect_err(struct wish w, enum err e)
{
    get(&w);
    if (w.err != e)
        fail_msg("%.*s: %s, not %s", STR_ARG(w.track), err_name(w.err), err_name(e));
    supply_leave(&w);
}

/* Frames of silence in MPEG-1 layer 3: 44100 Hz, mono, 128 kbit/s. */
static inline void silence(const char *name, size_t frames)
{
    static const unsigned char head[4] = {0xff, 0xfb, 0x90, 0xc4};
    unsigned char *bytes = calloc(frames, FRAME);
    for (size_t i = 0; i < frames; i++)
        memcpy(bytes + i * FRAME, head, sizeof head);
    tree_write(&tree, name, bytes, frames * FRAME);
    free(bytes);
}

static inline bool body_has(const struct wish *w, const char *text)
{
    return w->object && memmem(w->object->body, w->object->body_len, text, strlen(text));
}

/* Pools that are held: what is submitted meanwhile waits. */
static inline void hold(struct pool *pool) { hold_pool(pool, THREADS); }
static inline void release(void) { hold_release(); }

/* The look that was begun behind an answer at this time has ended. */
static inline void wait_for_look(struct source *s)
{
    while (atomic_load(&s->checked) != now || atomic_load(&s->checking))
        sched_yield();
}

static inline void watch_the_tree(void)
{
    supply_free(seat.supply);
    watched = true;
    start_supply((size_t)16 << 20);
    watched = false;
    uint64_t folders = 0;
    while (!folders) {
        supply_publish(seat.supply);
        folders = atomic_load(&shared->value[COUNTER_ORIGIN_WATCHED]);
    }
}

/* Asked until the answer is another one, at the same time on the clock. */
static inline void until(const char *track, enum err e)
{
    enum err got_now;
    do {
        struct wish w = got(WISH_FILE, track);
        got_now = w.err;
        supply_leave(&w);
    } while (got_now != e);
}

static inline int start_helpers(void **state)
{
    static char program[512];
    const char *build = getenv("SEGUE_BUILD");
    snprintf(program, sizeof program, "%s/segue-media", build ? build : "build");
    struct media_opts opts = {program, 2, (size_t)256 << 20, 30000};
    log_set_level(LOG_ERROR);
    hash_seed();
    return turn_setup(state) || media_new(&opts, &media);
}

static inline int stop_helpers(void **state)
{
    (void)state;
    media_free(media);
    return 0;
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, begin, end)

#endif
