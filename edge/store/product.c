/* What a wish is granted once its source is known: looked up under the source's version, made of
 * its index, or copied. What is asked for again and again is read into memory, behind the answer.
 */
#include "edge/store/product.h"

#include "edge/store/media.h"
#include "edge/store/redis.h"
#include "edge/store/steps.h"

enum {
    HOT_ASKED = 8,           /* times it is found before it is copied */
    SHELF_LEAST = 80 * 1024, /* bytes of a segment: a shorter one goes out with its head, copied */
};

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
    struct object *o = wish_take_landed(w), *plain = w->plain;
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
    bool settled = wish_wait(w, &key, o, NULL);
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
    struct object *o = wish_take_landed(w);
    return o->failure ? wish_settle_failure(w, o) : settle_landed(w, o);
}

static bool build(struct wish *w, const struct key *key)
{
    w->step = step_built;
    return wish_wait(w, key, w->source, w->index);
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

/* Is it asked for again and again? Should the copy not be kept it is tried again at twice as many
 * askings. */
static bool is_hot(struct object *o)
{
    unsigned asked = atomic_load_explicit(&o->asked, memory_order_relaxed);
    if (asked == UINT16_MAX)
        return false;
    asked = atomic_fetch_add_explicit(&o->asked, 1, memory_order_relaxed) + 1u;
    return asked >= HOT_ASKED && (asked & (asked - 1)) == 0;
}

/* Bytes in memory have to be copied into the socket; pages of the shelf are handed over. One that
 * ends with a span of its file is handed over anyway. */
static void shelve_if_hot(struct wish *w, struct object *o)
{
    bool fits = o->size >= SHELF_LEAST && o->size <= w->seat->supply->opts.cache.max_object;
    if (o->key.kind == OBJECT_SEGMENT && !o->span_count && !o->shelf && fits && is_hot(o))
        work_shelve(&w->seat->supply->work, o, w->source, w->now, w->turn);
}

/* Short pieces of a song cost the kernel less from memory than page by page from a file; so a hot
 * one is read into one piece, behind the answer. */
static void copy_behind(struct wish *w, const struct key *key)
{
    struct supply *s = w->seat->supply;
    struct work *work = work_new(&s->work, key, w->source, NULL, w->now);
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
    struct object *o = wish_take_landed(w);
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
    bool settled = wish_wait(w, &key, w->source, NULL);
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
    if (o) {
        shelve_if_hot(w, o);
        return wish_deliver(w, o);
    }
    if (w->kind == WISH_FILE)
        return build(w, &key);
    bool found = w->kind != WISH_SEGMENT && redis_is_up(w->seat->redis);
    w->step = found ? step_find : step_index;
    return true;
}

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
    if (fits && w->source->span_count && is_hot(w->source))
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

bool product_start(struct wish *w)
{
    const struct supply_opts *opts = &w->seat->supply->opts;
    if ((w->kind == WISH_INIT || w->kind == WISH_SEGMENT || w->kind == WISH_KEY) &&
        w->version != w->source->source->version)
        return wish_settle(w, ERR_NOT_FOUND, NULL);
    if (w->kind == WISH_FILE && (w->source->size > opts->small_file || w->source->size == 0))
        return settle_song(w);
    w->step = w->kind == WISH_KEY ? step_key : step_product;
    return true;
}

void product_start_index(struct wish *w) { w->step = step_index; }
