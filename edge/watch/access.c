/* The access log's rings and its writer thread: see access.h. Rings are put in front of a list and
 * stay there until access_free, so the writer takes the lock for its beginning only and walks it
 * without. A pass of the writer empties each ring of what it held when the pass began, writes the
 * lines, reopens the file when asked to, and then tells those who wait. Between passes it waits for
 * 50 ms or for a post: a worker posts when its ring passes half, once until the writer has
 * seen it. */
#include "edge/watch/access.h"

#include "edge/base/buf.h"
#include "edge/base/clock.h"
#include "edge/base/lock.h"
#include "edge/base/log.h"
#include "edge/base/must.h"
#include "edge/base/ring.h"
#include "edge/watch/line.h"
#include "edge/watch/access_record.h"
#include "edge/watch/sink.h"
#include "edge/watch/slow.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    RING_SIZE = 256 * 1024,
    RING_SMALLEST = 16 * 1024,
    BATCH = 64 * 1024, /* bytes of text that are worth a write */
    PERIOD_MS = 50,
    PATIENCE_MS = 1000,
};

_Static_assert(BATCH + LINE_MAX_BYTES < BUF_MAX_LOG_BATCH, "a batch takes one line more");

struct access_ring {
    struct ring ring;         /* without memory when nothing is to be written at all */
    struct access *access;    /* borrowed */
    struct access_ring *next; /* fixed once the ring is in the list */
    uint64_t only_over_ns;    /* entries with a shorter wait are of no use; 0: all are wanted */
    bool silent;
    _Atomic uint64_t dropped; /* written by the ring's owner */
};

struct access {
    struct access_opts opts; /* .where is not kept */
    bool to_sink;
    bool running; /* there is a thread */
    pthread_t thread;
    sem_t work;
    atomic_bool nudged; /* a worker has posted and the writer has not looked yet */
    _Atomic uint64_t lost;

    struct lock lock; /* for what follows, up to the line */
    pthread_cond_t passed;
    struct access_ring *rings; /* owned */
    uint64_t asked;            /* number of the last access_flush */
    uint64_t done;             /* every flush up to this one is done */
    bool reopen;
    bool stop;

    /* the writer's own */
    struct sink sink;
    struct line line;
    struct slow slow;
    struct buf batch;
};

/* What the others wanted when a pass began. */
struct orders {
    struct access_ring *rings;
    uint64_t asked;
    bool reopen;
    bool stop;
};

/* The writer */

static void write_batch(struct access *a)
{
    size_t lost = sink_write(&a->sink, buf_str(&a->batch), PATIENCE_MS);
    atomic_fetch_add_explicit(&a->lost, lost, memory_order_relaxed);
    buf_reset(&a->batch);
}

static void take_entry(struct access *a, const struct access_entry *e)
{
    slow_note(&a->slow, e);
    if (!a->to_sink)
        return;
    size_t before = a->batch.len;
    line_add(&a->line, &a->batch, e);
    if (buf_status(&a->batch)) { /* out of memory: what is whole goes out, this line does not */
        a->batch.len = before;
        atomic_fetch_add_explicit(&a->lost, 1, memory_order_relaxed);
        write_batch(a);
    }
    if (a->batch.len >= BATCH)
        write_batch(a);
}

/* Stops after what was there at the start, so that a busy ring does not keep the others waiting. */
static void drain_ring(struct access *a, struct access_ring *r)
{
    size_t left = ring_used(&r->ring);
    size_t n;
    const void *record;
    while (left > 0 && (record = ring_peek(&r->ring, &n))) {
        struct access_entry e = access_record_unpack(record);
        take_entry(a, &e);
        ring_pop(&r->ring);
        left -= n < left ? n : left;
    }
}

static struct orders take_orders(struct access *a)
{
    lock_take(&a->lock);
    struct orders o = {a->rings, a->asked, a->reopen, a->stop};
    a->reopen = false;
    lock_give(&a->lock);
    return o;
}

static void report_done(struct access *a, uint64_t asked)
{
    lock_take(&a->lock);
    a->done = asked;
    pthread_cond_broadcast(&a->passed);
    lock_give(&a->lock);
}

/* True when that was the last one. */
static bool run_pass(struct access *a)
{
    struct orders o = take_orders(a);
    atomic_store(&a->nudged, false); /* first: a ring that fills up from here on posts again */
    for (struct access_ring *r = o.rings; r; r = r->next)
        drain_ring(a, r);
    write_batch(a);
    if (o.reopen)
        sink_reopen(&a->sink);
    report_done(a, o.asked);
    return o.stop;
}

static void wait_for_work(struct access *a)
{
    uint64_t ns = clock_mono() + PERIOD_MS * CLOCK_MS;
    struct timespec until = {(time_t)(ns / CLOCK_SECOND), (long)(ns % CLOCK_SECOND)};
    sem_clockwait(&a->work, CLOCK_MONOTONIC, &until);
}

static void *run_writer(void *arg)
{
    struct access *a = arg;
    pthread_setname_np(pthread_self(), "segue-access");
    do
        wait_for_work(a);
    while (!run_pass(a));
    return NULL;
}

/* With all signals blocked, so that they reach the thread that is there for them, and a pipe
 * without a reader is an error of write() and no more. */
static bool start_writer(struct access *a)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&a->thread, NULL, run_writer, a);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        log_write(LOG_ERROR, "access log: no thread: %s", strerror(error));
    return error == 0;
}

/* Workers */

static void nudge(struct access *a)
{
    if (atomic_load_explicit(&a->nudged, memory_order_relaxed))
        return;
    if (!atomic_exchange(&a->nudged, true))
        sem_post(&a->work);
}

static void count_drop(struct access_ring *r)
{
    uint64_t now = atomic_load_explicit(&r->dropped, memory_order_relaxed);
    atomic_store_explicit(&r->dropped, now + 1, memory_order_relaxed);
}

bool access_wants(const struct access_ring *r, uint64_t wait_ns)
{
    return r && !r->silent && (!r->only_over_ns || wait_ns > r->only_over_ns);
}

void access_write(struct access_ring *r, const struct access_entry *e)
{
    if (!access_wants(r, e->wait_ns))
        return;
    void *place = ring_claim(&r->ring, access_record_size(e));
    if (!place) {
        count_drop(r);
        nudge(r->access);
        return;
    }
    access_record_pack(place, e);
    ring_push(&r->ring);
    if (ring_used(&r->ring) >= r->ring.size / 2)
        nudge(r->access);
}

struct access_ring *access_join(struct access *a)
{
    struct access_ring *r = aligned_alloc(alignof(struct access_ring), sizeof *r);
    if (!r)
        return NULL;
    *r = (struct access_ring){
        .access = a,
        .silent = !a->running,
        .only_over_ns = a->to_sink ? 0 : a->opts.slow_ns,
    };
    if (a->running && !ring_init(&r->ring, a->opts.ring_size)) {
        free(r);
        return NULL;
    }
    lock_take(&a->lock);
    r->next = a->rings;
    a->rings = r;
    lock_give(&a->lock);
    return r;
}

/* Making and ending */

static void init_line(struct access *a)
{
    bool json = a->opts.format == ACCESS_JSON;
    enum err e =
        line_init(&a->line, json ? LINE_JSON : LINE_COMBINED, json ? LINE_QUOTED_JSON : LINE_PLAIN);
    must(e == ERR_NONE);
}

static void init_parts(struct access *a, const struct access_opts *opts)
{
    a->opts = *opts;
    a->opts.where = NULL;
    if (a->opts.ring_size == 0)
        a->opts.ring_size = RING_SIZE;
    must(a->opts.ring_size >= RING_SMALLEST);
    a->slow.limit_ns = opts->slow_ns;
    a->sink.fd = -1;
    lock_init(&a->lock, LOCK_ACCESS);
    pthread_cond_init(&a->passed, NULL);
    must(sem_init(&a->work, 0, 0) == 0);
    buf_init(&a->batch, BUF_MAX_LOG_BATCH);
    init_line(a);
}

struct access *access_new(const struct access_opts *opts)
{
    struct access *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    init_parts(a, opts);
    a->to_sink = strcmp(opts->where, "off") != 0;
    if (a->to_sink && !sink_open(&a->sink, opts->where))
        goto out;
    a->running = (a->to_sink || opts->slow_ns) && start_writer(a);
    if (a->running || !(a->to_sink || opts->slow_ns))
        return a;
out:
    access_free(a);
    return NULL;
}

void access_reopen(struct access *a)
{
    lock_take(&a->lock);
    a->reopen = true;
    lock_give(&a->lock);
    sem_post(&a->work);
}

void access_flush(struct access *a)
{
    if (!a->running)
        return;
    lock_take(&a->lock);
    uint64_t mine = ++a->asked;
    sem_post(&a->work);
    while (a->done < mine)
        lock_wait(&a->lock, &a->passed);
    lock_give(&a->lock);
}

struct access_stats access_stats(struct access *a)
{
    struct access_stats stats = {0};
    if (!a)
        return stats;
    lock_take(&a->lock);
    const struct access_ring *first = a->rings;
    lock_give(&a->lock);
    for (const struct access_ring *r = first; r; r = r->next)
        stats.dropped += atomic_load_explicit(&r->dropped, memory_order_relaxed);
    stats.lost = atomic_load_explicit(&a->lost, memory_order_relaxed);
    return stats;
}

static void stop_writer(struct access *a)
{
    lock_take(&a->lock);
    a->stop = true;
    lock_give(&a->lock);
    sem_post(&a->work);
    pthread_join(a->thread, NULL);
}

static void free_rings(struct access_ring *r)
{
    while (r) {
        struct access_ring *next = r->next;
        ring_fini(&r->ring);
        free(r);
        r = next;
    }
}

void access_free(struct access *a)
{
    if (!a)
        return;
    if (a->running)
        stop_writer(a);
    free_rings(a->rings);
    sink_close(&a->sink);
    buf_fini(&a->batch);
    pthread_cond_destroy(&a->passed);
    sem_destroy(&a->work);
    lock_fini(&a->lock);
    free(a);
}
