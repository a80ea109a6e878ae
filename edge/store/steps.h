/* What the steps of a wish have in common, and the room they share. Private to store/: the steps
 * are in supply.c, product.c and ladder.c. [loop]
 * A step answers true when the wish is settled or another step is set, false when it waits. */
#ifndef EDGE_STORE_STEPS_H
#define EDGE_STORE_STEPS_H

#include "edge/store/supply.h"
#include "edge/store/work.h"

struct supply {
    struct supply_opts opts;
    struct cache *cache;
    struct disk *disk;
    struct shelf *shelf; /* outlives what the cache and the flights hold */
    struct flights *flights;
    struct work_opts work;
};

/* Step by step, until it is settled or waits. */
void wish_climb(struct wish *w);

/* Settle. Both take the reference over; a failure of NULL is out of memory. */
bool wish_settle(struct wish *w, enum err e, struct object *object);
bool wish_settle_failure(struct wish *w, struct object *failure);

/* What the memory cache has and is not too old: a reference, or NULL. */
struct object *wish_look(struct wish *w, const struct key *key);

/* Wait for whoever makes `key`, or begin. False (the step waits) or, without memory, settled. */
bool wish_wait(struct wish *w, const struct key *key, struct object *source, struct object *index);
/* What the step waited for, once; a reference, or NULL: it has not waited. */
struct object *wish_take_landed(struct wish *w);

/* True: *out is a reference. False: the step waits, or (*waits is false) the wish is settled. */
bool wish_find_source(struct wish *w, struct str path, struct object **out, bool *waits);
bool wish_find_index(struct wish *w, struct object *source, struct object **out, bool *waits);

/* Keep what was made (or remember that it could not be), and settle with it. */
bool wish_keep(struct wish *w, enum err e, struct object *made);
/* Settle with an object, or with its encoded form where that was asked for. Takes the reference
 * over. */
bool wish_deliver(struct wish *w, struct object *o);

/* A source that is served without being looked at again. */
bool wish_believes(const struct wish *w, const struct object *source);

const struct make_opts *wish_make_opts(const struct wish *w);

#endif
