/* A wish goes up a ladder of steps: the source, then what is kept under its version, then the
 * index, then making it. A step answers true when the wish is settled or another step is set, false
 * when it waits; it is run again when what it waited for has landed, and takes that instead of
 * looking in the cache, so that what the cache would not keep is served all the same. */
#include "edge/store/supply.h"

#include "edge/base/must.h"
#include "edge/store/ahead.h"
#include "edge/store/ladder.h"
#include "edge/store/media.h"
#include "edge/store/near.h"
#include "edge/store/product.h"
#include "edge/store/steps.h"

#include <stdlib.h>

void supply_free(struct supply *s)
{
    if (!s)
        return;
    flights_free(s->flights);
    cache_free(s->cache);
    disk_free(s->disk);
    shelf_free(s->shelf);
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
    if (!e)
        e = shelf_new(&s->shelf);
    if (e) {
        supply_free(s);
        return e;
    }
    s->work = (struct work_opts){&s->opts, s->cache, s->disk, s->flights, s->shelf};
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

struct ahead_opts supply_ahead(const struct supply *s)
{
    return (struct ahead_opts){s->flights, s->opts.io, s->opts.counters};
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
    return o->source->fd < 0 ? ladder_start(w) : product_start(w);
}

/* The list of what there is. */
static bool step_library(struct wish *w)
{
    struct key key = key_make(OBJECT_LIBRARY, STR("/"), 0, CONTAINER_COUNT, 0);
    struct object *o = wish_take_landed(w);
    if (!o)
        o = wish_look(w, &key);
    if (!o)
        return wish_wait(w, &key, NULL, NULL);
    return o->failure ? wish_settle_failure(w, o) : wish_settle(w, ERR_NONE, o);
}

bool supply_ask(const struct supply_seat *seat, struct wish *wish, uint64_t now)
{
    must(wish->granted && !wish->object && !wish->source && !wish->waiter);
    wish->seat = seat;
    wish->now = now;
    wish->step = wish->kind == WISH_LIBRARY ? step_library : step_source;
    wish->how = WISH_HIT;
    if (seat->near && near_find(seat->near, wish)) {
        counters_add(seat->counters, COUNTER_CACHE_MEMORY_HIT, 1);
        return wish_settle(wish, ERR_NONE, wish->object);
    }
    enum coding coding = wish->coding;
    wish->turn = cache_turn(seat->supply->cache);
    wish_climb(wish);
    if (seat->near && !wish->step)
        near_note(seat->near, wish, coding);
    return wish->step == NULL;
}

bool supply_index(const struct supply_seat *seat, struct wish *wish, struct object *source,
                  uint64_t now)
{
    must(wish->granted && !wish->object && !wish->source && !wish->waiter && !wish->held);
    wish->seat = seat;
    wish->now = now;
    wish->kind = WISH_INDEX;
    wish->how = WISH_HIT;
    wish->turn = cache_turn(seat->supply->cache);
    wish->source = object_ref(source);
    product_start_index(wish);
    wish_climb(wish);
    return wish->step == NULL;
}

void supply_give_back(struct object *object, struct object *source, struct near_entry *held)
{
    if (held) {
        near_give(held);
        return;
    }
    object_unref(object);
    object_unref(source);
}

/* A file that is being looked for is counted by who finds it. */
static void count_lost(struct wish *w)
{
    if (w->whole && w->source)
        counters_add(w->seat->counters, COUNTER_ABORT_BYTES_UNSENT, w->source->size);
    else if (w->waiter)
        w->waiter->whole = w->whole;
    w->whole = false;
}

void supply_leave(struct wish *w)
{
    count_lost(w);
    if (w->waiter && flight_leave(w->seat->supply->flights, w->waiter))
        counters_add(w->seat->counters, COUNTER_FLIGHTS_CANCELLED, 1);
    supply_give_back(w->object, w->source, w->held);
    object_unref(w->landed);
    object_unref(w->index);
    object_unref(w->plain);
    ladder_free(w->ladder);
    w->waiter = NULL;
    w->object = w->source = w->landed = w->index = w->plain = NULL;
    w->ladder = NULL;
    w->held = NULL;
    w->step = NULL;
}
