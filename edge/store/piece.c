/* A chunk is an object of its own in the memory cache, so that everybody who hears the same cold
 * song shares it; asking Redis for one is a flight of the loop that began it. */
#include "edge/store/piece.h"

#include "edge/base/must.h"
#include "edge/store/deposit.h"
#include "edge/store/redis_record.h"

#include <stdlib.h>
#include <string.h>

struct fetch {
    struct flight flight; /* first */
    const struct supply_seat *seat;
    struct object *source; /* a reference; the keys' path is its */
    struct key key;        /* of the file's body, in Redis */
};

/* ---- asking Redis ---- */

/* The chunk as an object, in *out; takes the bytes over. */
static enum err keep(struct fetch *f, const struct redis_found *found, struct object **out)
{
    const struct object *source = f->source;
    if (found->size != source->size || !str_eq(found->etag, object_etag(source))) {
        free(found->bytes);
        return ERR_MEDIA;
    }
    *out = object_of_bytes(&f->flight.key, found->bytes, found->len);
    if (!*out)
        return ERR_NOMEM;
    cache_put(supply_work(f->seat->supply)->cache, *out);
    return ERR_NONE;
}

static void land(struct fetch *f, struct object *chunk)
{
    f->flight.remote = chunk != NULL;
    flight_land(supply_work(f->seat->supply)->flights, &f->flight, chunk);
    object_unref(chunk);
    object_unref(f->source);
    free(f);
}

static void on_found(void *owner, enum err e, const struct redis_found *found)
{
    struct fetch *f = owner;
    const struct supply_seat *seat = f->seat;
    struct object *chunk = NULL;
    if (!e)
        e = keep(f, found, &chunk);
    if (e != ERR_CANCELLED)
        counters_add(seat->counters,
                     !e                   ? COUNTER_CACHE_REDIS_HIT
                     : e == ERR_NOT_FOUND ? COUNTER_CACHE_REDIS_MISS
                                          : COUNTER_CACHE_REDIS_ERROR,
                     1);
    if (e == ERR_NOT_FOUND || e == ERR_MEDIA)
        deposit_begin(supply_work(seat->supply), seat->redis, seat->mailbox, f->source);
    land(f, chunk);
}

static struct fetch *fetch_new(const struct supply_seat *seat, struct object *source,
                               const struct key *key)
{
    struct fetch *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->seat = seat;
    f->source = object_ref(source);
    f->flight.key = *key;
    f->flight.key.path = source->key.path;
    f->key = key_make(OBJECT_BODY, source->key.path, key->version, CONTAINER_COUNT, 0);
    return f;
}

static bool fetch_start(const struct supply_seat *seat, struct object *source,
                        const struct key *key, struct waiter *waiter)
{
    struct flights *flights = supply_work(seat->supply)->flights;
    if (flight_join(flights, key, waiter))
        return true;
    struct fetch *f = fetch_new(seat, source, key);
    if (!f)
        return false;
    if (!flight_start(flights, &f->flight, waiter)) { /* somebody was faster, and is joined */
        object_unref(f->source);
        free(f);
    } else if (!redis_get_chunk(seat->redis, &f->key, key->number, on_found, f)) {
        land(f, NULL);
    }
    return true;
}

/* ---- the sender's side ---- */

static void give_back(struct piece *p)
{
    object_unref(p->chunk);
    p->chunk = NULL;
    if (p->lent)
        redis_lend_back(p->seat->redis);
    p->lent = false;
}

static void on_landed(void *owner, struct object *result)
{
    struct piece *p = owner;
    p->waiter = NULL;
    p->chunk = result;
    p->nowhere = !result;
    if (!result)
        give_back(p);
    p->came(p);
}

static bool wait_for(struct piece *p, struct object *source, const struct key *key)
{
    struct waiter *waiter = calloc(1, sizeof *waiter);
    if (!waiter)
        return false;
    waiter->home = p->seat->mailbox;
    waiter->owner = p;
    waiter->landed = on_landed;
    p->waiter = waiter;
    if (fetch_start(p->seat, source, key, waiter))
        return true;
    p->waiter = NULL;
    free(waiter);
    return false;
}

enum piece_is piece_ask(const struct supply_seat *seat, struct object *source, uint64_t offset,
                        struct piece *p)
{
    must(p->came && !p->waiter);
    give_back(p);
    p->seat = seat;
    if (p->nowhere || !redis_holds(seat->redis, source->size) || !redis_lend(seat->redis))
        return PIECE_NOWHERE;
    p->lent = true;
    struct key key = key_make(OBJECT_CHUNK, source->key.path, source->source->version,
                              CONTAINER_COUNT, (uint32_t)(offset / RECORD_CHUNK));
    p->chunk = cache_get(supply_work(seat->supply)->cache, &key);
    counters_add(seat->counters, p->chunk ? COUNTER_CACHE_MEMORY_HIT : COUNTER_CACHE_MEMORY_MISS,
                 1);
    if (p->chunk)
        return PIECE_HERE;
    if (redis_is_up(seat->redis) && wait_for(p, source, &key))
        return PIECE_COMES;
    give_back(p);
    return PIECE_NOWHERE;
}

const unsigned char *piece_at(const struct piece *p, uint64_t offset, uint64_t *n)
{
    if (!p->chunk)
        return NULL;
    uint64_t from = (uint64_t)p->chunk->key.number * RECORD_CHUNK;
    if (offset < from || offset - from >= p->chunk->body_len)
        return NULL;
    *n = p->chunk->body_len - (offset - from);
    return p->chunk->body + (offset - from);
}

void piece_leave(struct piece *p)
{
    if (p->waiter)
        flight_leave(supply_work(p->seat->supply)->flights, p->waiter);
    p->waiter = NULL;
    give_back(p);
}
