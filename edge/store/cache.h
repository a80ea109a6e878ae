/* The memory cache: objects by key, shared by all workers, in shards with a lock each. [any thread]
 * Two classes with a bound each: sources, by how many descriptors they may hold, and all else, by
 * bytes of memory. An object that leaves the cache lives on as long as somebody holds it. */
#ifndef EDGE_STORE_CACHE_H
#define EDGE_STORE_CACHE_H

#include "edge/store/object.h"

struct cache;

struct cache_opts {
    size_t bytes;      /* of all objects but sources */
    size_t max_object; /* bytes; a larger one is not kept, unless it is an index */
    size_t sources;    /* how many */
};

struct cache_stats {
    uint64_t bytes; /* held */
    uint64_t objects;
    uint64_t evictions; /* since the start */
};

MUST_USE enum err cache_new(const struct cache_opts *opts, struct cache **out); /* ERR_NOMEM */
void cache_free(struct cache *c);

/* The object, with a reference for the caller, or NULL. */
struct object *cache_get(struct cache *c, const struct key *key);
/* Keep it (the cache takes a reference of its own), in place of one with the same key. One that is
 * larger than max_object, or than a shard's room (32 MB, or all there is), is not kept. */
void cache_put(struct cache *c, struct object *o);
/* Drop this very object, if it is still there. */
void cache_drop(struct cache *c, struct object *o);

struct cache_stats cache_stats(struct cache *c);

#endif
