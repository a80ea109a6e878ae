/* A wish goes up a ladder of steps: the source, then what is kept under its version, then the
 * index, then making it. A step answers true when the wish is settled or another step is set, false
 * when it waits; it is run again when what it waited for has landed, and takes that instead of
 * looking in the cache, so that what the cache would not keep is served all the same.
 *
 * Freshness: while the tree is watched a source is believed as long as its path's mark stands; past
 * its TTL it is served while somebody looks again, should a change have gone unnoticed. Where
 * nobody watches, one that was seen on disk less than CHECK_AGE ago is believed; between half of
 * that and CHECK_AGE it is served while somebody looks again; after that the request waits for the
 * look. */
#include "edge/store/supply.h"

#include "edge/base/must.h"
#include "edge/store/ahead.h"
#include "edge/store/ladder.h"
#include "edge/store/media.h"
#include "edge/store/redis.h"
#include "edge/store/steps.h"
#include "edge/store/work.h"

#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)
#define CHECK_AGE SECOND /* ns */

enum {
    HOT_ASKED = 8,            /* times it is found before it is copied into memory */
    HOT_SEGMENT = 256 * 1024, /* bytes of the largest segment that is */
};

struct supply {
    struct supply_opts opts;
    struct cache *cache;
    struct disk *disk;
    struct flights *flights;
    struct work_opts work;
};

void supply_free(struct supply *s)
{
    if (!s)
        return;
    flights_free(s->flights);
    cache_free(s->cache);
    disk_free(s->disk);
    free(s);
}

enum err supply_new(const struct supply_opts *opts, struct supply **out)
{
    struct supply *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->opts = *opts;
    enum err e = cache_new(&opts->cache, &s->cache);
    if (!e)
        e = flights_new(&s->flights);
    if (!e)
        e = disk_new(&opts->disk, &s->disk);
    if (e) {
        supply_free(s);
        return e;
    }
    s->work = (struct work_opts){&s->opts, s->cache, s->disk, s->flights};
    *out = s;
    return ERR_NONE;
}

static bool is_purged(const void *arg, const struct object *o)
{
    return purge_covers(arg, o->key.path);
}

uint64_t supply_purge(struct supply *s, const struct purge *what)
{
    atomic_fetch_add(&s->opts.counters->value[COUNTER_PURGES], 1);
    return cache_purge(s->cache, is_purged, what, what->soft);
}

enum err supply_walk(struct supply *s, disk_folder_fn *on_folder, void *arg)
{
    return disk_walk(s->disk, LIBRARY_DEPTH_MAX, on_folder, arg);
}

const struct work_opts *supply_work(const struct supply *s) { return &s->work; }

struct cache_stats supply_stats(struct supply *s) { return cache_stats(s->cache); }

void supply_publish(struct supply *s)
{
    _Atomic uint64_t *value = s->opts.counters->value;
    atomic_store(&value[COUNTER_HELPER_STARTS], media_starts(s->opts.media));
    atomic_store(&value[COUNTER_HELPER_DEATHS], media_deaths(s->opts.media));
    struct cache_stats cache = cache_stats(s->cache);
    for (unsigned why = 0; why < CACHE_REASONS; why++)
        atomic_store(&value[COUNTER_CACHE_GONE_ROOM + why], cache.gone[why]);
    atomic_store(&value[COUNTER_ORIGIN_WATCHED], disk_watched(s->disk));
}

/* ---- settling and waiting ---- */

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

static void climb(struct wish *w)
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
        climb(w);
    if (!w->step)
        w->granted(w);
}

/* What landed, once; a reference. */
static struct object *take_landed(struct wish *w)
{
    struct object *o = w->landed;
    w->landed = NULL;
    return o;
}

struct ahead_opts supply_ahead(const struct supply *s)
{
    return (struct ahead_opts){s->flights, s->opts.io, s->opts.counters};
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

/* Wait for whoever makes `key`, or begin. False (the step waits) or, without memory, settled. */
static bool wait_for(struct wish *w, const struct key *key, struct object *source,
                     struct object *index)
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
    struct object *o = take_landed(w);
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
    *waits = !wait_for(w, &key, o, NULL);
    object_unref(o);
    return false;
}

bool wish_find_index(struct wish *w, struct object *source, struct object **out, bool *waits)
{
    struct key key =
        key_make(OBJECT_INDEX, source->key.path, source->source->version, CONTAINER_COUNT, 0);
    struct object *o = take_landed(w);
    *waits = false;
    if (!o)
        o = wish_look(w, &key);
    if (o) {
        *out = o;
        return true;
    }
    *waits = !wait_for(w, &key, source, NULL);
    return false;
}

/* ---- the product ---- */

static enum object_kind product_kind(const struct wish *w)
{
    static const enum object_kind kinds[] = {
        [WISH_FILE] = OBJECT_BODY,         [WISH_MASTER] = OBJECT_MASTER,
        [WISH_PLAYLIST] = OBJECT_PLAYLIST, [WISH_INIT] = OBJECT_INIT,
        [WISH_SEGMENT] = OBJECT_SEGMENT,
    };
    return kinds[w->kind];
}

static struct key product_key(const struct wish *w)
{
    return key_make(product_kind(w), w->source->key.path, w->source->source->version,
                    w->kind == WISH_FILE ? CONTAINER_COUNT : w->container, w->number);
}

static bool step_encoded(struct wish *w)
{
    struct object *o = take_landed(w), *plain = w->plain;
    w->plain = NULL;
    bool failed = o->failure;
    object_unref(failed ? o : plain);
    return wish_settle(w, ERR_NONE, failed ? plain : o);
}

bool wish_deliver(struct wish *w, struct object *o)
{
    if (!w->coding)
        return wish_settle(w, ERR_NONE, o);
    enum wish_how how = w->how;
    struct key key = key_coded(&o->key, w->coding);
    struct object *coded = wish_look(w, &key);
    if (coded) {
        object_unref(o);
        return wish_settle(w, ERR_NONE, coded);
    }
    w->plain = o;
    w->step = step_encoded;
    bool settled = wait_for(w, &key, o, NULL);
    w->how = how == WISH_REDIS ? how : w->how;
    return settled;
}

const struct make_opts *wish_make_opts(const struct wish *w) { return &w->seat->supply->opts.make; }

bool wish_keep(struct wish *w, enum err e, struct object *made)
{
    if (e)
        return wish_settle(w, e, NULL);
    if (made->failure)
        return wish_settle_failure(w, made);
    w->stored = cache_put_since(w->seat->supply->cache, made, w->turn);
    if (w->writes)
        redis_put(w->seat->redis, made);
    return wish_deliver(w, made);
}

static bool settle_landed(struct wish *w, struct object *o)
{
    if (w->remote && w->how == WISH_MISS)
        w->how = WISH_REDIS;
    return wish_deliver(w, o);
}

static bool step_built(struct wish *w)
{
    struct object *o = take_landed(w);
    return o->failure ? wish_settle_failure(w, o) : settle_landed(w, o);
}

static bool build(struct wish *w, const struct key *key)
{
    w->step = step_built;
    return wait_for(w, key, w->source, w->index);
}

static bool step_make(struct wish *w)
{
    const struct make_opts *opts = &w->seat->supply->opts.make;
    struct make_rendition track = {w->source, w->index};
    struct key key = product_key(w);
    struct object *made = NULL;
    enum err e = ERR_NONE;
    if (w->kind == WISH_MASTER)
        e = make_master(opts, &key, &track, 1, false, &made);
    else if (w->kind == WISH_PLAYLIST)
        e = make_playlist(opts, &key, &track, &made);
    else if (w->kind == WISH_INIT)
        e = make_init(&key, &track, &made);
    else
        e = make_segment(opts, &key, w->ending, &track, &made);
    return e == ERR_AGAIN ? build(w, &key) : wish_keep(w, e, made);
}

static bool step_index(struct wish *w)
{
    bool waits;
    if (!wish_find_index(w, w->source, &w->index, &waits))
        return !waits;
    if (w->index->failure) {
        struct object *failure = w->index;
        w->index = NULL;
        return wish_settle_failure(w, failure);
    }
    if (w->kind == WISH_INDEX) {
        struct object *index = w->index;
        w->index = NULL;
        return wish_settle(w, ERR_NONE, index);
    }
    w->step = step_make;
    return true;
}

/* Sending a hundred kilobytes costs the kernel less from memory than page by page from a file at
 * an odd offset; so what is asked for again and again is read into one piece, behind the answer,
 * and takes the place of its spans. What is asked for now and then stays a head and a span. Should
 * the copy not be kept it is tried again at twice as many askings. */
static bool is_worth_copying(struct object *o, uint64_t largest)
{
    if (!o->span_count || o->size > largest)
        return false;
    unsigned asked = atomic_load_explicit(&o->asked, memory_order_relaxed);
    if (asked == UINT16_MAX)
        return false;
    asked = atomic_fetch_add_explicit(&o->asked, 1, memory_order_relaxed) + 1u;
    return asked >= HOT_ASKED && (asked & (asked - 1)) == 0;
}

static void copy_behind(struct wish *w, const struct key *key)
{
    struct supply *s = w->seat->supply;
    struct key index_key =
        key_make(OBJECT_INDEX, w->source->key.path, w->source->source->version, CONTAINER_COUNT, 0);
    struct object *index = key->kind == OBJECT_BODY ? NULL : wish_look(w, &index_key);
    struct work *work = NULL;
    if (key->kind == OBJECT_BODY || (index && index->index))
        work = work_new(&s->work, key, w->source, index, w->now);
    object_unref(index);
    if (!work)
        return;
    work_flight(work)->kept = true;
    if (!flight_start(s->flights, work_flight(work), NULL))
        work_free(work);
    else if (source_is_warm(w->source->source, 0, w->source->size, w->now))
        work_submit(work);
    else /* Redis may be sooner than the disk */
        work_start(work, w->seat->redis, w->seat->mailbox);
}

static bool step_found(struct wish *w)
{
    struct object *o = take_landed(w);
    if (!o->failure)
        return settle_landed(w, o);
    object_unref(o);
    w->step = step_index;
    return true;
}

/* What is made on the loop is looked for in Redis first, by one of all who miss it at the moment;
 * that one writes it, should it not be there. */
static bool step_find(struct wish *w)
{
    struct key key = product_key(w);
    w->step = step_found;
    bool settled = wait_for(w, &key, w->source, NULL);
    w->writes = w->first;
    return settled;
}

static bool step_product(struct wish *w)
{
    struct key key = product_key(w);
    struct key coded = key_coded(&key, w->coding);
    struct object *o = wish_look(w, &coded);
    if (o && w->coding)
        w->coding = CODING_NONE; /* it is encoded already */
    else if (w->coding)
        o = wish_look(w, &key);
    counters_add(w->seat->counters, o ? COUNTER_CACHE_MEMORY_HIT : COUNTER_CACHE_MEMORY_MISS, 1);
    if (o && o->failure)
        return wish_settle_failure(w, o);
    if (o && is_worth_copying(o, HOT_SEGMENT))
        copy_behind(w, &key);
    if (o)
        return wish_deliver(w, o);
    if (w->kind == WISH_FILE)
        return build(w, &key);
    bool found = w->kind != WISH_SEGMENT && redis_is_up(w->seat->redis);
    w->step = found ? step_find : step_index;
    return true;
}

/* ---- the source ---- */

/* A file of some size never waits for a copy: it is sent from itself, or from the copy that was
 * made behind earlier answers. */
static bool settle_song(struct wish *w)
{
    const struct supply_opts *opts = &w->seat->supply->opts;
    struct key key = product_key(w);
    bool fits = w->source->size <= opts->cache.max_object;
    struct object *o = fits ? wish_look(w, &key) : NULL;
    if (w->how == WISH_HIT)
        counters_add(w->seat->counters, COUNTER_CACHE_MEMORY_HIT, 1);
    if (o && !o->failure)
        return wish_settle(w, ERR_NONE, o);
    object_unref(o);
    if (fits && is_worth_copying(w->source, opts->cache.max_object))
        copy_behind(w, &key);
    return wish_settle(w, ERR_NONE, object_ref(w->source));
}

/* Made anew each time: it is nowhere kept. */
static bool step_key(struct wish *w)
{
    struct key key = key_make(OBJECT_REPLY, w->source->key.path, w->version, CONTAINER_COUNT, 0);
    struct object *made = NULL;
    enum err e = make_key(wish_make_opts(w), &key, w->source, &made);
    if (!e && made->failure)
        return wish_settle_failure(w, made);
    return wish_settle(w, e, made);
}

static bool after_source(struct wish *w)
{
    if (w->source->source->fd < 0)
        return ladder_start(w);
    if ((w->kind == WISH_INIT || w->kind == WISH_SEGMENT || w->kind == WISH_KEY) &&
        w->version != w->source->source->version)
        return wish_settle(w, ERR_NOT_FOUND, NULL);
    if (w->kind == WISH_FILE &&
        (w->source->size > w->seat->supply->opts.small_file || w->source->size == 0))
        return settle_song(w);
    w->step = w->kind == WISH_KEY ? step_key : step_product;
    return true;
}

static bool step_source(struct wish *w)
{
    bool waits;
    struct object *o = NULL;
    if (!wish_find_source(w, w->track, &o, &waits))
        return !waits;
    if (o->failure)
        return wish_settle_failure(w, o);
    w->source = o;
    return after_source(w);
}

/* ---- the list of what there is ---- */

static bool step_library(struct wish *w)
{
    struct key key = key_make(OBJECT_LIBRARY, STR("/"), 0, CONTAINER_COUNT, 0);
    struct object *o = take_landed(w);
    if (!o)
        o = wish_look(w, &key);
    if (!o)
        return wait_for(w, &key, NULL, NULL);
    return o->failure ? wish_settle_failure(w, o) : wish_settle(w, ERR_NONE, o);
}

static bool begin(const struct supply_seat *seat, struct wish *wish, uint64_t now)
{
    must(wish->granted && !wish->object && !wish->waiter);
    wish->seat = seat;
    wish->now = now;
    wish->how = WISH_HIT;
    wish->turn = cache_turn(seat->supply->cache);
    climb(wish);
    return wish->step == NULL;
}

bool supply_ask(const struct supply_seat *seat, struct wish *wish, uint64_t now)
{
    must(!wish->source);
    wish->step = wish->kind == WISH_LIBRARY ? step_library : step_source;
    return begin(seat, wish, now);
}

bool supply_index(const struct supply_seat *seat, struct wish *wish, struct object *source,
                  uint64_t now)
{
    must(!wish->source);
    wish->kind = WISH_INDEX;
    wish->source = object_ref(source);
    wish->step = step_index;
    return begin(seat, wish, now);
}

void supply_leave(struct wish *w)
{
    if (w->waiter && flight_leave(w->seat->supply->flights, w->waiter))
        counters_add(w->seat->counters, COUNTER_FLIGHTS_CANCELLED, 1);
    object_unref(w->object);
    object_unref(w->source);
    object_unref(w->landed);
    object_unref(w->index);
    object_unref(w->plain);
    ladder_free(w->ladder);
    w->waiter = NULL;
    w->object = w->source = w->landed = w->index = w->plain = NULL;
    w->ladder = NULL;
    w->step = NULL;
}
