/* Shards: a chained hash table, the two policies, one lock. References are given up after unlock,
 * since the last one frees, which may close a descriptor.
 * A shard is chosen by the high bits of the hash, a chain by the low ones. */
#include "edge/store/cache.h"

#include "edge/base/lock.h"
#include "edge/base/must.h"

#include <stdalign.h>
#include <stdlib.h>

/* As many shards as leave each SHARD_ROOM bytes: an index of a 100-hour book has to fit into one.
 */
#define SHARD_ROOM ((size_t)32 << 20)
enum {
    SHARDS_MAX = 16,
    CHAINS_MIN = 64,
    GHOSTS = 4096,
    PURGE_CHAINS = 256, /* looked at under one lock by a purge */
};

struct shard {
    alignas(64) struct lock lock;
    struct object **chains; /* chain_count, a power of two; doubled when full */
    size_t chain_count;
    size_t count;
    struct s3fifo bytes, sources;
    size_t source_bytes; /* of memory that the sources hold: they count by number as well */
    uint64_t gone[CACHE_REASONS];
    uint32_t ghosts[2][GHOSTS];
};

struct cache {
    size_t shard_count;
    size_t max_object;
    _Atomic uint32_t turn; /* purges so far */
    struct shard shards[SHARDS_MAX];
};

static struct shard *shard_of(struct cache *c, const struct key *key)
{
    return &c->shards[(key->hash >> 56) % c->shard_count];
}

/* One that holds a descriptor; a missing file is a few bytes like any other. */
static bool is_source(const struct object *o)
{
    return o->key.kind == OBJECT_SOURCE && !o->failure;
}

static struct s3fifo *class_of(struct shard *s, const struct object *o)
{
    return is_source(o) ? &s->sources : &s->bytes;
}

static struct object *object_of_node(struct s3fifo_node *n)
{
    return (struct object *)((char *)n - offsetof(struct object, node));
}

static struct object **find(struct shard *s, const struct key *key)
{
    struct object **at = &s->chains[key->hash & (s->chain_count - 1)];
    while (*at && !key_eq(&(*at)->key, key))
        at = &(*at)->chain;
    return at;
}

static void unchain(struct shard *s, struct object *o)
{
    struct object **at = find(s, &o->key);
    must(*at == o);
    *at = o->chain;
    s->count--;
    atomic_store_explicit(&o->gone, true, memory_order_relaxed);
    if (is_source(o))
        s->source_bytes -= o->memory;
}

static void rehash(struct shard *s)
{
    size_t more = s->chain_count * 2;
    struct object **chains = calloc(more, sizeof(struct object *));
    if (!chains)
        return; /* longer chains are slower, nothing else */
    for (size_t i = 0; i < s->chain_count; i++) {
        struct object *o = s->chains[i];
        while (o) {
            struct object *next = o->chain;
            struct object **at = &chains[o->key.hash & (more - 1)];
            o->chain = *at;
            *at = o;
            o = next;
        }
    }
    free(s->chains);
    s->chains = chains;
    s->chain_count = more;
}

static enum err shard_init(struct shard *s, const struct cache_opts *opts, size_t shards)
{
    size_t sources = opts->sources / shards;
    lock_init(&s->lock, LOCK_SHARD);
    s->chains = calloc(CHAINS_MIN, sizeof(struct object *));
    s->chain_count = CHAINS_MIN;
    s3fifo_init(&s->bytes, opts->bytes / shards, s->ghosts[0], GHOSTS);
    s3fifo_init(&s->sources, sources ? sources : 1, s->ghosts[1], GHOSTS);
    return s->chains ? ERR_NONE : ERR_NOMEM;
}

enum err cache_new(const struct cache_opts *opts, struct cache **out)
{
    struct cache *c = aligned_alloc(64, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    *c = (struct cache){.shard_count = opts->bytes / SHARD_ROOM, .max_object = opts->max_object};
    if (c->shard_count < 1)
        c->shard_count = 1;
    if (c->shard_count > SHARDS_MAX)
        c->shard_count = SHARDS_MAX;
    for (size_t i = 0; i < c->shard_count; i++) {
        if (shard_init(&c->shards[i], opts, c->shard_count)) {
            cache_free(c);
            return ERR_NOMEM;
        }
    }
    *out = c;
    return ERR_NONE;
}

static void shard_fini(struct shard *s)
{
    for (size_t i = 0; s->chains && i < s->chain_count; i++) {
        while (s->chains[i]) {
            struct object *o = s->chains[i];
            s->chains[i] = o->chain;
            object_unref(o);
        }
    }
    free(s->chains);
}

void cache_free(struct cache *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->shard_count; i++)
        shard_fini(&c->shards[i]);
    free(c);
}

struct object *cache_get(struct cache *c, const struct key *key)
{
    struct shard *s = shard_of(c, key);
    lock_take(&s->lock);
    struct object *o = *find(s, key);
    if (o) {
        object_ref(o);
        s3fifo_hit(&o->node);
    }
    lock_give(&s->lock);
    return o;
}

/* Puts what has to go for `incoming` more before `gone`, a list for after the unlock. */
static struct object *make_room(struct shard *s, struct s3fifo *policy, size_t incoming,
                                struct object *gone)
{
    struct s3fifo_node *n;
    while ((n = s3fifo_evict(policy, incoming))) {
        struct object *o = object_of_node(n);
        unchain(s, o);
        s->gone[CACHE_ROOM]++;
        o->chain = gone;
        gone = o;
    }
    return gone;
}

/* Sources have a bound by number, and hold a quarter of the room at most; the others have what they
 * leave. */
static struct object *make_room_for(struct shard *s, const struct object *o, size_t weight)
{
    struct object *gone = NULL;
    if (!is_source(o))
        return make_room(s, &s->bytes, weight + s->source_bytes, NULL);
    gone = make_room(s, &s->sources, weight, NULL);
    while (s->source_bytes + o->memory > s->bytes.capacity / 4 && s3fifo_weight(&s->sources))
        gone =
            make_room(s, &s->sources, s->sources.capacity - s3fifo_weight(&s->sources) + 1, gone);
    return make_room(s, &s->bytes, s->source_bytes + o->memory, gone);
}

static void unref_list(struct object *o)
{
    while (o) {
        struct object *next = o->chain;
        object_unref(o);
        o = next;
    }
}

static struct object *take_out(struct shard *s, const struct key *key, enum cache_reason why)
{
    struct object *o = *find(s, key);
    if (!o)
        return NULL;
    unchain(s, o);
    s3fifo_remove(class_of(s, o), &o->node);
    s->gone[why]++;
    return o;
}

/* An index is dear to make: it is kept whatever its weight. */
static bool fits(const struct cache *c, struct s3fifo *policy, const struct object *o,
                 size_t weight)
{
    if (weight > policy->capacity)
        return false;
    if (is_source(o) || o->key.kind == OBJECT_INDEX)
        return true;
    return o->body_len <= c->max_object && s3fifo_admits(policy, o->key.hash, weight);
}

bool cache_put(struct cache *c, struct object *o) { return cache_put_since(c, o, cache_turn(c)); }

uint32_t cache_turn(const struct cache *c) { return atomic_load(&c->turn); }

bool cache_put_since(struct cache *c, struct object *o, uint32_t turn)
{
    struct shard *s = shard_of(c, &o->key);
    size_t weight = is_source(o) ? 1 : o->memory;
    bool kept = false;
    lock_take(&s->lock);
    struct s3fifo *policy = class_of(s, o);
    struct object *old = take_out(s, &o->key, CACHE_REPLACED);
    struct object *gone = NULL;
    if (turn == cache_turn(c) && fits(c, policy, o, weight)) {
        kept = true;
        gone = make_room_for(s, o, weight);
        if (s->count > s->chain_count)
            rehash(s);
        struct object **at = find(s, &o->key);
        o->chain = NULL;
        *at = object_ref(o);
        atomic_store_explicit(&o->gone, false, memory_order_relaxed);
        s->count++;
        if (is_source(o))
            s->source_bytes += o->memory;
        s3fifo_insert(policy, &o->node, o->key.hash, weight);
    }
    lock_give(&s->lock);
    object_unref(old);
    unref_list(gone);
    return kept;
}

void cache_drop(struct cache *c, struct object *o)
{
    struct shard *s = shard_of(c, &o->key);
    lock_take(&s->lock);
    struct object *there = *find(s, &o->key) == o ? take_out(s, &o->key, CACHE_CHANGED) : NULL;
    lock_give(&s->lock);
    object_unref(there);
}

/* Those of some chains; a list of what was taken out. */
static struct object *purge_chain(struct shard *s, size_t chain, cache_pick_fn *picks,
                                  const void *arg, bool soft, uint64_t *count)
{
    struct object *gone = NULL;
    for (struct object *o = s->chains[chain], *next; o; o = next) {
        next = o->chain;
        if (!picks(arg, o))
            continue;
        (*count)++;
        if (soft && o->source)
            atomic_store_explicit(&o->source->checked, 0, memory_order_relaxed);
        if (soft)
            continue;
        must(take_out(s, &o->key, CACHE_PURGED) == o);
        o->chain = gone;
        gone = o;
    }
    return gone;
}

/* A table that doubles meanwhile is looked at from the same place on, which is more than needed. */
static uint64_t purge_shard(struct shard *s, cache_pick_fn *picks, const void *arg, bool soft)
{
    uint64_t count = 0;
    bool more = true;
    for (size_t at = 0; more;) {
        struct object *lists[PURGE_CHAINS];
        size_t n = 0;
        lock_take(&s->lock);
        for (; n < PURGE_CHAINS && at < s->chain_count; n++)
            lists[n] = purge_chain(s, at++, picks, arg, soft, &count);
        more = at < s->chain_count;
        lock_give(&s->lock);
        for (size_t i = 0; i < n; i++)
            unref_list(lists[i]);
    }
    return count;
}

/* The turn first: what is put from now on is either refused or seen here. */
uint64_t cache_purge(struct cache *c, cache_pick_fn *picks, const void *arg, bool soft)
{
    uint64_t count = 0;
    if (!soft)
        atomic_fetch_add(&c->turn, 1);
    for (size_t i = 0; i < c->shard_count; i++)
        count += purge_shard(&c->shards[i], picks, arg, soft);
    return count;
}

struct cache_stats cache_stats(struct cache *c)
{
    struct cache_stats sum = {0};
    for (size_t i = 0; i < c->shard_count; i++) {
        struct shard *s = &c->shards[i];
        lock_take(&s->lock);
        sum.bytes += s3fifo_weight(&s->bytes) + s->source_bytes;
        sum.objects += s->count;
        for (unsigned why = 0; why < CACHE_REASONS; why++)
            sum.gone[why] += s->gone[why];
        lock_give(&s->lock);
    }
    return sum;
}
