/* What the pools run. One function a kind of object, all of one shape: bytes from the disk or a
 * helper in, an object or a remembered failure out. Then the result is put in the cache, the flight
 * lands, and the work is gone. */
#include "edge/store/work.h"

#include "edge/base/log.h"
#include "edge/base/must.h"
#include "edge/store/library.h"
#include "edge/store/media.h"
#include "segments/measure.h"
#include "segments/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes from Redis that are checked and opened on the loop: an index of this size takes it less
 * than a millisecond. */
enum { FOUND_INLINE = 512 * 1024 };
#define LIBRARY_KEPT UINT64_C(1000000000)       /* ns */
#define MISSING_KEPT (5 * UINT64_C(1000000000)) /* ns; a second where nobody tells that it came */
#define ERROR_KEPT UINT64_C(1000000000)
#define FAILURE_KEPT                                                            \
    (60 * UINT64_C(1000000000)) /* a broken file is not tried again so soon, ns \
                                 */

struct work {
    struct flight flight; /* first */
    const struct work_opts *opts;
    struct object *source;
    struct object *index;
    struct object *hot;   /* a segment to be put on the shelf; a reference */
    struct redis *redis;  /* of the loop that asked; NULL: nothing is looked for or kept there */
    struct object *made;  /* to be written there; a reference */
    unsigned char *bytes; /* what was found there, too long to be looked at on the loop */
    size_t len;
    struct media_task task;
    struct measure *measure; /* while a track is measured, slice by slice */
    uint64_t now;            /* when it was asked for */
    uint32_t turn;           /* of the cache then */
    uint32_t mark;           /* of the path that was opened */
    char path[];
};

/* The pools share one set of counters, so additions there are real ones. */
static void count(struct work *w, enum counter which, uint64_t n)
{
    atomic_fetch_add_explicit(&w->opts->supply->counters->value[which], n, memory_order_relaxed);
}

static void log_failure(struct work *w, struct str why)
{
    char path[512], text[512];
    log_write(LOG_WARN, "media: %s: %s", log_text(path, sizeof path, w->flight.key.path),
              log_text(text, sizeof text, why));
}

/* What was begun before a purge is not kept. */
static void put(struct work *w, struct object *o)
{
    w->flight.stored = cache_put_since(w->opts->cache, o, w->turn);
}

static bool is_remembered(enum err e) { return e == ERR_MEDIA || e == ERR_UNSUPPORTED; }

/* ---- opening ---- */

/* The same file as before: what was made from it stays good, and so does its object. */
static struct object *still_the_same(struct work *w, struct object *fresh)
{
    struct source *old = w->source->source;
    if (!identity_eq(&old->id, &fresh->source->id) || old->fd < 0)
        return fresh;
    atomic_store_explicit(&w->source->mark, w->mark, memory_order_relaxed);
    atomic_store_explicit(&old->checked, w->now, memory_order_relaxed);
    object_unref(fresh);
    return object_ref(w->source);
}

static enum err run_open(struct work *w, struct object **out)
{
    enum err e = disk_open(w->opts->disk, w->flight.key.path, w->now, &w->mark, out);
    count(w, w->source ? COUNTER_ORIGIN_CHECKS : COUNTER_ORIGIN_OPENS, 1);
    if (!e && w->source)
        *out = still_the_same(w, *out);
    if (!e && *out != w->source)
        put(w, *out);
    if (e && w->source)
        cache_drop(w->opts->cache, w->source);
    return e;
}

/* ---- indexing ---- */

static enum err remember_failure(struct work *w, enum err e, const char *why, struct object **out)
{
    log_failure(w, str_of(why));
    *out = object_of_failure(&w->flight.key, e, str_of(why));
    if (!*out)
        return ERR_NOMEM;
    (*out)->expires = w->now + (is_remembered(e) ? FAILURE_KEPT : ERROR_KEPT);
    put(w, *out);
    return ERR_NONE;
}

static enum err run_index(struct work *w, struct object **out)
{
    struct media_result r = {0};
    const struct source *s = w->source->source;
    enum err e =
        media_index(w->opts->supply->media, &w->task, s->fd, s->id.size, w->flight.key.path, &r);
    count(w, COUNTER_INDEX_PACKETS, r.packets);
    count(w, COUNTER_ABORT_PACKETS_LATE, r.packets_late);
    if (e == ERR_CANCELLED) {
        count(w, COUNTER_ABORT_PACKETS_SKIPPED, r.packets_left);
        return e;
    }
    if (!e) {
        snprintf(r.why, sizeof r.why, "the helper's record is not consistent");
        e = make_index(&w->flight.key, r.record, r.len, out);
    }
    if (!e && !source_is_whole(s)) { /* it was written to meanwhile: this is nobody's index */
        object_unref(*out);
        *out = NULL;
        return ERR_IO;
    }
    if (e) {
        count(w, COUNTER_INDEX_FAILURES, 1);
        return remember_failure(w, e, r.why[0] ? r.why : err_text(e), out);
    }
    count(w, COUNTER_INDEX_BUILDS, 1);
    put(w, *out);
    return ERR_NONE;
}

/* ---- encoding ---- */

/* One order to a helper; what it answers is the caller's to free. On ERR_IGNORE *out says why there
 * is nothing. */
static enum err encode(struct work *w, struct str order, struct media_result *r,
                       struct object **out)
{
    const struct source *s = w->source->source;
    enum err e = media_encode(w->opts->supply->media, &w->task, s->fd, s->id.size, order,
                              w->flight.key.path, r);
    count(w, COUNTER_ENCODE_FRAMES, r->packets);
    count(w, COUNTER_ABORT_PACKETS_LATE, r->packets_late);
    if (e == ERR_CANCELLED)
        count(w, COUNTER_ABORT_PACKETS_SKIPPED, r->packets_left);
    if (!e || e == ERR_CANCELLED)
        return e;
    TRY(remember_failure(w, e, r->why, out));
    return ERR_IGNORE;
}

static enum err encode_segment(struct work *w, struct str order, struct object **out)
{
    struct media_result r = {0};
    struct make_rendition track = {w->source, w->index};
    count(w, COUNTER_ENCODES_SEGMENT, 1);
    enum err e = encode(w, order, &r, out);
    if (!e)
        e = make_segment_encoded(&w->opts->supply->make, &w->flight.key, &track,
                                 (struct str){(const char *)r.record, r.len}, out);
    free(r.record);
    return e;
}

/* What was made of a file that was written to meanwhile is nobody's; a failure is kept already. */
static enum err keep(struct work *w, enum err e, struct object **out)
{
    if (e == ERR_IGNORE)
        return ERR_NONE;
    if (!e && !source_is_whole(w->source->source)) {
        object_unref(*out);
        *out = NULL;
        e = ERR_IO;
    }
    if (!e)
        put(w, *out);
    return e;
}

static bool is_encoded(const struct work *w)
{
    return w->flight.key.kind == OBJECT_SEGMENT && w->index && index_source(w->index->index);
}

static enum err run_encoded(struct work *w, struct object **out)
{
    struct buf order;
    struct make_rendition track = {w->source, w->index};
    buf_init(&order, ORDER_MAX);
    enum err e = make_order(&w->opts->supply->make, &w->flight.key, &track, &order);
    if (!e)
        e = encode_segment(w, buf_str(&order), out);
    buf_fini(&order);
    return keep(w, e, out);
}

/* ERR_AGAIN: there is more to measure. */
static enum err measure_slice(struct work *w, struct object **out)
{
    struct media_result r = {0};
    struct buf order;
    uint32_t frames;
    buf_init(&order, ORDER_MAX);
    enum err e = measure_next(w->measure, &order, &frames);
    if (!e && frames) {
        e = encode(w, buf_str(&order), &r, out);
        if (!e)
            e = measure_take(w->measure, (struct str){(const char *)r.record, r.len});
        free(r.record);
        e = e ? e : ERR_AGAIN;
    }
    buf_fini(&order);
    return e;
}

static enum err measured(struct work *w, struct object **out)
{
    struct buf record;
    size_t len;
    buf_init(&record, BUF_MAX_INDEX);
    enum err e = measure_finish(w->measure, &record);
    unsigned char *bytes = e ? NULL : buf_take(&record, &len);
    buf_fini(&record);
    return e ? e : make_index(&w->flight.key, bytes, len, out);
}

/* A slice each time it is run: between them the helper is for whoever else waits for one. */
static enum err run_measure(struct work *w, struct object **out)
{
    if (!w->measure) {
        count(w, COUNTER_ENCODES_MEASURE, 1);
        w->measure = measure_new(w->index->index);
    }
    enum err e = w->measure ? measure_slice(w, out) : ERR_NOMEM;
    if (e == ERR_AGAIN)
        return e;
    if (!e)
        e = measured(w, out);
    return keep(w, e, out);
}

/* ---- building from bytes ---- */

static enum err run_build(struct work *w, struct object **out)
{
    const struct key *key = &w->flight.key;
    struct make_rendition track = {w->source, w->index};
    atomic_bool *cancelled = &w->flight.job.cancelled;
    enum err e = key->kind == OBJECT_BODY
                     ? make_body(key, w->source, cancelled, out)
                     : make_segment_built(&w->opts->supply->make, key, &track, cancelled, out);
    count(w, COUNTER_ORIGIN_READS, 1);
    if (!e && !source_is_whole(w->source->source)) { /* it may be of two versions */
        object_unref(*out);
        *out = NULL;
        e = ERR_IO;
    }
    if (!e)
        put(w, *out);
    return e;
}

/* ---- a segment that is sent often ---- */

static enum err run_shelve(struct work *w, struct object **out)
{
    *out = object_shelved(w->hot, w->opts->shelf);
    if (*out)
        put(w, *out);
    else /* there is no room: it stays where it is */
        *out = object_ref(w->hot);
    return ERR_NONE;
}

/* ---- the list of tracks ---- */

static enum err run_library(struct work *w, struct object **out)
{
    TRY(library_make(w->opts->disk, &w->opts->supply->library, &w->flight.key,
                     &w->flight.job.cancelled, out));
    (*out)->expires = w->now + LIBRARY_KEPT;
    put(w, *out);
    return ERR_NONE;
}

static enum err run_encode(struct work *w, struct object **out)
{
    enum err e = make_encoded(&w->flight.key, w->source, out);
    if (!e)
        put(w, *out);
    return e;
}

static enum err run_kind(struct work *w, struct object **out)
{
    if (w->flight.key.coding)
        return run_encode(w, out);
    if (w->hot)
        return run_shelve(w, out);
    switch (w->flight.key.kind) {
    case OBJECT_SOURCE:
        return run_open(w, out);
    case OBJECT_INDEX:
        return w->flight.key.number == INDEX_MEASURED ? run_measure(w, out) : run_index(w, out);
    case OBJECT_LIBRARY:
        return run_library(w, out);
    default:
        return is_encoded(w) ? run_encoded(w, out) : run_build(w, out);
    }
}

/* An error that would be the same a moment later is not asked for again by everybody. */
static void remember_error(struct work *w, enum err e, struct object *o)
{
    bool ours = e == ERR_CANCELLED || e == ERR_IGNORE || e == ERR_NOMEM;
    if (ours || !o)
        return;
    bool source = w->flight.key.kind == OBJECT_SOURCE;
    uint64_t kept = source && e == ERR_NOT_FOUND && w->mark ? MISSING_KEPT : ERROR_KEPT;
    atomic_store_explicit(&o->mark, w->mark, memory_order_relaxed);
    o->expires = w->now + kept;
    put(w, o);
}

static void land(struct work *w, enum err e, struct object *out)
{
    if (e && !out) {
        out = object_of_failure(&w->flight.key, e, str_of(err_text(e)));
        remember_error(w, e, out);
    }
    flight_land(w->opts->flights, &w->flight, out);
    if (w->flight.lost && out && out->source && out->source->fd >= 0)
        count(w, COUNTER_ABORT_BYTES_UNSENT, w->flight.lost * out->size);
    object_unref(out);
}

/* ---- what Redis has ---- */

/* Takes the bytes over. */
static enum err run_found(struct work *w, unsigned char *bytes, size_t len, struct object **out)
{
    struct make_rendition track = {w->source, w->index};
    enum err e = make_again(&w->opts->supply->make, &w->flight.key, &track, bytes, len, out);
    count(w, e ? COUNTER_CACHE_REDIS_ERROR : COUNTER_CACHE_REDIS_HIT, 1);
    if (!e)
        put(w, *out);
    w->flight.remote = !e;
    return e;
}

/* These are made by who asked, from the index: there is nothing to do but to say that they are not
 * there. */
static bool only_found(const struct work *w)
{
    unsigned kind = w->flight.key.kind;
    if (w->flight.key.coding)
        return false;
    return kind == OBJECT_MASTER || kind == OBJECT_PLAYLIST || kind == OBJECT_INIT;
}

void work_free(struct work *w)
{
    if (w->source && w->flight.key.kind == OBJECT_SOURCE) /* it was looked at again */
        atomic_store(&w->source->source->checking, false);
    object_unref(w->source);
    object_unref(w->index);
    object_unref(w->hot);
    object_unref(w->made);
    measure_free(w->measure);
    free(w->bytes);
    free(w);
}

static void run(struct job *job)
{
    struct work *w = (struct work *)job;
    struct object *out = NULL;
    unsigned char *bytes = w->bytes;
    bool found = false;
    enum err e = ERR_NONE;
    w->bytes = NULL;
    if (bytes)
        found = run_found(w, bytes, w->len, &out) == ERR_NONE;
    if (!found)
        e = job_is_cancelled(job) ? ERR_CANCELLED : only_found(w) ? ERR_IGNORE : run_kind(w, &out);
    if (e == ERR_AGAIN && w->measure) {
        pool_again();
        return;
    }
    if (w->redis && out && !found)
        w->made = object_ref(out);
    land(w, e, out);
    if (!w->redis)
        work_free(w); /* else `done` does */
}

void work_submit(struct work *w)
{
    bool media = w->flight.key.kind == OBJECT_INDEX || is_encoded(w);
    pool_submit(media ? w->opts->supply->media_pool : w->opts->supply->io, &w->flight.job);
}

static void on_done(struct job *job)
{
    struct work *w = (struct work *)job;
    if (w->made)
        redis_put(w->redis, w->made);
    work_free(w);
}

static void on_found(void *owner, enum err e, const struct redis_found *found)
{
    struct work *w = owner;
    struct object *out = NULL;
    if (e != ERR_NONE && e != ERR_CANCELLED)
        count(w, e == ERR_NOT_FOUND ? COUNTER_CACHE_REDIS_MISS : COUNTER_CACHE_REDIS_ERROR, 1);
    if (!e && w->flight.key.kind == OBJECT_BODY && !str_eq(found->etag, object_etag(w->source))) {
        free(found->bytes);
        count(w, COUNTER_CACHE_REDIS_ERROR, 1);
        e = ERR_MEDIA;
    }
    if (!e && found->len > FOUND_INLINE) {
        w->bytes = found->bytes;
        w->len = found->len;
    } else if (!e) {
        e = run_found(w, found->bytes, found->len, &out);
    }
    bool cancelled = job_is_cancelled(&w->flight.job);
    if (!out && !cancelled && !(e && only_found(w))) {
        work_submit(w);
        return;
    }
    land(w, out ? ERR_NONE : cancelled ? ERR_CANCELLED : ERR_IGNORE, out);
    work_free(w);
}

void work_start(struct work *w, struct redis *redis, struct mailbox *home)
{
    bool coded = w->flight.key.coding; /* Redis has the plain one, which is smaller than a trip */
    if (!coded && redis_keeps(redis, (enum object_kind)w->flight.key.kind)) {
        w->redis = redis;
        w->flight.job.done = on_done;
        w->flight.job.home = home;
        if (redis_get(redis, &w->flight.key, on_found, w))
            return;
    }
    work_submit(w);
}

static void on_abandon(struct flight *flight)
{
    struct work *w = (struct work *)flight;
    media_cancel(&w->task);
}

struct work *work_new(const struct work_opts *opts, const struct key *key, struct object *source,
                      struct object *index, uint64_t now)
{
    struct work *w = calloc(1, sizeof *w + key->path.n + 1);
    if (!w)
        return NULL;
    memcpy(w->path, key->path.p, key->path.n);
    w->flight.key = *key;
    w->flight.key.path.p = w->path;
    w->flight.job.run = run;
    w->flight.on_abandon = on_abandon;
    media_task_init(&w->task);
    w->opts = opts;
    w->source = source ? object_ref(source) : NULL;
    w->index = index ? object_ref(index) : NULL;
    w->now = now;
    w->turn = cache_turn(opts->cache);
    return w;
}

struct flight *work_flight(struct work *w) { return &w->flight; }

/* For nobody who waits, unless somebody waits for the same. */
static void fly(struct work *w)
{
    w->flight.kept = true;
    if (flight_start(w->opts->flights, &w->flight, NULL))
        work_submit(w);
    else
        work_free(w);
}

void work_behind(const struct work_opts *opts, const struct key *key, struct object *source,
                 struct object *index, uint64_t now)
{
    struct work *w = work_new(opts, key, source, index, now);
    if (w)
        fly(w);
}

void work_shelve(const struct work_opts *opts, struct object *segment, struct object *source,
                 uint64_t now, uint32_t turn)
{
    struct work *w = work_new(opts, &segment->key, source, NULL, now);
    if (!w)
        return;
    w->hot = object_ref(segment);
    w->turn = turn;
    fly(w);
}
