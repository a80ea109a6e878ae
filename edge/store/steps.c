/* What a wish asks of: the caches, whether it is fresh, and flights of what is missing.
 *
 * Freshness: while the tree is watched a source is believed as long as its path's mark stands; past
 * its TTL it is served while somebody looks again, should a change have gone unnoticed. Where
 * nobody watches, one that was seen on disk less than CHECK_AGE ago is believed; between half of
 * that and CHECK_AGE it is served while somebody looks again; after that the request waits for the
 * look. */
#include "edge/store/steps.h"

#include <stdlib.h>

#define SECOND UINT64_C(1000000000)
#define CHECK_AGE SECOND /* ns */

bool wish_settle(struct wish *w, enum err e, struct object *object)
{
    w->err = e;
    w->object = object;
    w->step = NULL;
    return true;
}

bool wish_settle_failure(struct wish *w, struct object *failure)
{
    return wish_settle(w, failure ? failure->failure : ERR_NOMEM, failure);
}

void wish_climb(struct wish *w)
{
    while (w->step && w->step(w))
        ;
}

static void on_landed(void *owner, struct object *result)
{
    struct wish *w = owner;
    w->remote = w->waiter->remote;
    w->stored = w->waiter->stored;
    w->waiter = NULL;
    w->landed = result;
    if (!result)
        wish_settle(w, ERR_NOMEM, NULL);
    else
        wish_climb(w);
    if (!w->step)
        w->granted(w);
}

struct object *wish_take_landed(struct wish *w)
{
    struct object *o = w->landed;
    w->landed = NULL;
    return o;
}

static void joined(struct wish *w)
{
    w->how = WISH_JOINED;
    counters_add(w->seat->counters, COUNTER_FLIGHTS_JOINED, 1);
}

/* ---- looking ---- */

struct object *wish_look(struct wish *w, const struct key *key)
{
    struct object *o = cache_get(w->seat->supply->cache, key);
    if (o && o->expires && o->expires <= w->now) {
        cache_drop(w->seat->supply->cache, o);
        object_unref(o);
        o = NULL;
    }
    return o;
}

static uint64_t ttl_of(const struct wish *w)
{
    const struct supply_opts *opts = &w->seat->supply->opts;
    bool media = w->kind == WISH_FILE || w->kind == WISH_SEGMENT;
    return media ? opts->ttl : opts->metadata_ttl;
}

enum trust { BELIEVED, SOON_OLD, DOUBTED, NOT_BELIEVED };

static enum trust trust(const struct wish *w, const struct object *o)
{
    uint32_t seen = atomic_load_explicit(&o->mark, memory_order_relaxed);
    uint32_t mark = disk_mark(w->seat->supply->disk, o->key.hash);
    bool told = seen != NOTICE_BLIND && mark != NOTICE_BLIND;
    if (told && seen != mark)
        return NOT_BELIEVED;
    if (o->failure)
        return BELIEVED; /* until it expires */
    uint64_t checked = atomic_load_explicit(&o->source->checked, memory_order_relaxed);
    uint64_t age = w->now > checked ? w->now - checked : 0;
    if (told)
        return age < ttl_of(w) ? BELIEVED : DOUBTED;
    return age < CHECK_AGE / 2 ? BELIEVED : age < CHECK_AGE ? SOON_OLD : NOT_BELIEVED;
}

bool wish_believes(const struct wish *w, const struct object *source)
{
    return trust(w, source) == BELIEVED;
}

/* ---- flights ---- */

/* What landed between our look into the cache and the beginning of our flight: when we looked it
 * was not there yet, and when we joined nobody was at it any more. */
static struct object *landed_meanwhile(struct wish *w, const struct key *key)
{
    struct object *o = wish_look(w, key);
    bool good = o && !o->failure && (!o->source || trust(w, o) == BELIEVED);
    if (!good) {
        object_unref(o);
        o = NULL;
    }
    return o;
}

static bool fly(struct wish *w, const struct key *key, struct object *source, struct object *index)
{
    struct supply *s = w->seat->supply;
    struct work *work = work_new(&s->work, key, source, index, w->now);
    if (!work)
        return false;
    bool mine = flight_start(s->flights, work_flight(work), w->waiter);
    struct object *there = mine ? landed_meanwhile(w, key) : NULL;
    if (there) {
        flight_land(s->flights, work_flight(work), there);
        object_unref(there);
        mine = false;
    }
    if (mine) {
        w->how = w->how == WISH_JOINED ? WISH_JOINED : WISH_MISS;
        counters_add(w->seat->counters, COUNTER_FLIGHTS, 1);
        w->first = true;
        work_start(work, w->seat->redis, w->seat->mailbox);
    } else { /* somebody was faster */
        work_free(work);
        joined(w);
    }
    return true;
}

bool wish_wait(struct wish *w, const struct key *key, struct object *source, struct object *index)
{
    struct waiter *waiter = w->waiter = waiter_new(w->seat->mailbox, on_landed, w);
    w->first = false;
    if (!waiter)
        return wish_settle(w, ERR_NOMEM, NULL);
    if (flight_join(w->seat->supply->flights, key, waiter)) {
        joined(w);
        return false;
    }
    if (fly(w, key, source, index))
        return false;
    w->waiter = NULL;
    free(waiter);
    return wish_settle(w, ERR_NOMEM, NULL);
}

static void look_again_behind(struct wish *w, struct object *source)
{
    if (!atomic_exchange(&source->source->checking, true))
        work_behind(&w->seat->supply->work, &source->key, source, NULL, w->now);
}

/* That an old one was last seen unchanged; a purge may have wiped that out. */
static uint32_t seconds_since(const struct wish *w, const struct object *o)
{
    uint64_t checked = atomic_load_explicit(&o->source->checked, memory_order_relaxed);
    uint64_t age = checked && w->now > checked ? w->now - checked : ttl_of(w);
    return (uint32_t)(age / SECOND);
}

bool wish_find_source(struct wish *w, struct str path, struct object **out, bool *waits)
{
    struct key key = key_make(OBJECT_SOURCE, path, 0, CONTAINER_COUNT, 0);
    struct object *o = wish_take_landed(w);
    *waits = false;
    if (o) {
        *out = o;
        return true;
    }
    o = wish_look(w, &key);
    enum trust how = o ? trust(w, o) : NOT_BELIEVED;
    if (how == DOUBTED) {
        w->age = seconds_since(w, o);
        w->doubted = true;
        counters_add(w->seat->counters, COUNTER_CACHE_MEMORY_STALE, 1);
    }
    if (how == DOUBTED || how == SOON_OLD)
        look_again_behind(w, o);
    if (how != NOT_BELIEVED) {
        *out = o;
        return true;
    }
    if (o && o->failure) {
        object_unref(o);
        o = NULL;
    }
    counters_add(w->seat->counters, o ? COUNTER_CACHE_MEMORY_STALE : COUNTER_CACHE_MEMORY_MISS, 1);
    *waits = !wish_wait(w, &key, o, NULL);
    object_unref(o);
    return false;
}

bool wish_find_index(struct wish *w, struct object *source, struct object **out, bool *waits)
{
    struct key key =
        key_make(OBJECT_INDEX, source->key.path, source->source->version, CONTAINER_COUNT, 0);
    struct object *o = wish_take_landed(w);
    *waits = false;
    if (!o)
        o = wish_look(w, &key);
    if (o) {
        *out = o;
        return true;
    }
    *waits = !wish_wait(w, &key, source, NULL);
    return false;
}
