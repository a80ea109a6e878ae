/* The work of one flight: opening a file, indexing it, building what needs its bytes.
 * Private to store/: steps.c and product.c start these. Each is allocated for its flight and frees
 * itself after landing; it holds references to what it works on. */
#ifndef EDGE_STORE_WORK_H
#define EDGE_STORE_WORK_H

#include "edge/store/redis.h"
#include "edge/store/supply.h"

struct work;
struct supply;

/* What it needs; the references are taken, the rest is borrowed for the life of the process. */
struct work_opts {
    const struct supply_opts *supply;
    struct cache *cache;
    struct disk *disk;
    struct flights *flights;
    struct shelf *shelf;
};

/* The work that makes `key`. `old`: the source as it was known, when that is looked at again;
 * `source` (for a coded key the plain object), `index`: what it is made from; all may be NULL and
 * are referenced. NULL: out of memory. */
struct work *work_new(const struct work_opts *opts, const struct key *key, struct object *source,
                      struct object *index, uint64_t now);
struct flight *work_flight(struct work *w);
void work_submit(struct work *w);
/* The same, but look in Redis first (NULL: there is none), and write there what had to be made.
 * `home` is the mailbox of redis' loop. MASTER, PLAYLIST and INIT are looked for only: they land as
 * ERR_IGNORE where they are not found. [the loop of redis] */
void work_start(struct work *w, struct redis *redis, struct mailbox *home);
/* The same as a flight of its own, for nobody who waits: what is made, or looked at, behind an
 * answer. Nothing happens where somebody is at it. [any thread] */
void work_behind(const struct work_opts *opts, const struct key *key, struct object *source,
                 struct object *index, uint64_t now);
/* The same for a segment in memory that is sent again and again: it is put on the shelf, where it
 * costs less to send, and takes its own place in the cache. `turn` is the cache's from before it
 * was found there. */
void work_shelve(const struct work_opts *opts, struct object *segment, struct object *source,
                 uint64_t now, uint32_t turn);
void work_free(struct work *w); /* one that was never submitted */

const struct work_opts *supply_work(const struct supply *s); /* supply.c's */

#endif
