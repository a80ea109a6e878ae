/* The memory cache: objects by key, shared by all workers, in shards with a lock each. [any thread]
 * Two classes with a bound each: sources, by how many descriptors they may hold, and all else, by
 * bytes of memory. An object that leaves the cache lives on as long as somebody holds it. */
#ifndef EDGE_STORE_CACHE_H
#define EDGE_STORE_CACHE_H

#include "edge/store/object.h"

struct cache;

struct cache_opts {
    size_t bytes;      /* of memory, of all objects with their bookkeeping */
    size_t max_object; /* bytes; a larger one is not kept, unless it is an index */
    size_t sources;    /* how many: each holds a descriptor */
};

/* Why an object left: to make room for others, another one with its key took its place, it was no
 * longer true, somebody purged it. */
enum cache_reason { CACHE_ROOM, CACHE_REPLACED, CACHE_CHANGED, CACHE_PURGED, CACHE_REASONS };

struct cache_stats {
    uint64_t bytes; /* held */
    uint64_t objects;
    uint64_t gone[CACHE_REASONS]; /* left it since the start, by why */
};

MUST_USE enum err cache_new(const struct cache_opts *opts, struct cache **out); /* ERR_NOMEM */
void cache_free(struct cache *c);

/* The object, with a reference for the caller, or NULL. */
struct object *cache_get(struct cache *c, const struct key *key);
/* Keep it (the cache takes a reference of its own), in place of one with the same key. One that is
 * larger than max_object, or than a shard's room (32 MB, or all there is), is not kept, nor is a
 * large one that is seen for the first time: see s3fifo_admits. Answers whether it is kept. */
bool cache_put(struct cache *c, struct object *o);
/* The same for what was begun when cache_turn said `turn`: not kept if there was a purge since,
 * since it may be of what was purged. */
bool cache_put_since(struct cache *c, struct object *o, uint32_t turn);
uint32_t cache_turn(const struct cache *c);
/* Drop this very object, if it is still there. */
void cache_drop(struct cache *c, struct object *o);

/* Drop all objects that `picks` picks; how many there were. With `soft` they stay, and their
 * sources are doubted. Locks a shard for some hundred objects at a time; `picks` runs under that
 * lock. */
typedef bool cache_pick_fn(const void *arg, const struct object *o);
uint64_t cache_purge(struct cache *c, cache_pick_fn *picks, const void *arg, bool soft);

struct cache_stats cache_stats(struct cache *c);

#endif
