/* Finding an object: the one door to everything that is kept, opened or made.
 * A wish says what is wanted; it is looked up in the memory cache, and what is missing is fetched
 * step by step (the file, its index, what is made from it), each step a flight that others may
 * share. A wish is part of whoever asked and lives on one loop. */
#ifndef EDGE_STORE_SUPPLY_H
#define EDGE_STORE_SUPPLY_H

#include "edge/loop/pool.h"
#include "edge/store/cache.h"
#include "edge/store/disk.h"
#include "edge/store/flight.h"
#include "edge/store/library.h"
#include "edge/store/make.h"
#include "edge/store/purge.h"
#include "edge/watch/counters.h"

struct ahead_opts;
struct near;
struct near_entry;
struct supply;
struct media;
struct redis;

struct supply_opts {
    struct cache_opts cache;
    struct disk_opts disk;
    struct make_opts make;
    struct library_opts library;
    size_t small_file;         /* bytes: files up to this are kept in memory */
    uint64_t ttl;              /* ns: then a file is looked at again, whatever inotify says */
    uint64_t metadata_ttl;     /* the same for playlists and init segments */
    struct pool *io;           /* for opens and reads; borrowed */
    struct pool *media_pool;   /* as many threads as helpers; borrowed */
    struct media *media;       /* borrowed */
    struct counters *counters; /* for what the pools count: added to atomically; borrowed */
};

MUST_USE enum err supply_new(const struct supply_opts *opts, struct supply **out);
void supply_free(struct supply *s); /* after the pools have ended */

/* What one loop brings along. */
struct supply_seat {
    struct supply *supply;
    struct mailbox *mailbox;
    struct counters *counters;
    struct redis *redis; /* NULL: there is none */
    struct near *near;   /* what it sends most (near.h); NULL: it is not looked after */
};

enum wish_kind {
    WISH_FILE,
    WISH_MASTER,
    WISH_PLAYLIST,
    WISH_INIT,
    WISH_SEGMENT,
    WISH_KEY,     /* that segments are encrypted with */
    WISH_LIBRARY, /* the list of all tracks, as JSON, for the player page */
    WISH_INDEX,   /* supply_index's */
};
enum wish_how { WISH_HIT, WISH_MISS, WISH_JOINED, WISH_REDIS };

struct wish {
    /* What is wanted; borrowed until it is granted or left. */
    enum wish_kind kind;
    unsigned container; /* CONTAINER_COUNT: nobody chose */
    uint32_t number;  /* of the segment; of a playlist: seconds that it is to name as its target */
    uint64_t version; /* in the URL of an init or media segment */
    enum coding coding;             /* that a playlist may be sent in */
    struct str track;               /* decoded path below the root: "/album/song.m4a" */
    struct str ending;              /* of a segment's name */
    void (*granted)(struct wish *); /* [loop] when supply_ask could not answer at once */
    bool whole; /* set before it is left: the client would have got all of the file, which counts */

    /* What came: references, given back by supply_leave. On ERR_NONE `object` is what to send and
     * `source` the file that its spans are of. Else object is NULL or remembers why. */
    enum err err;
    enum wish_how how;
    struct object *object;
    struct object *source;
    struct near_entry *held; /* if set, holds both instead: they are no references */
    bool doubted;            /* its file is being looked at again meanwhile */
    uint32_t age;            /* then: seconds since that was done last */
    bool stored;             /* on WISH_MISS: the cache has it now */

    /* private */
    const struct supply_seat *seat;
    bool (*step)(struct wish *);
    struct waiter *waiter;
    struct object *landed;
    struct object *index;
    struct object *plain; /* what is sent should it not come encoded */
    struct ladder *ladder;
    bool remote;   /* what landed last was found in Redis */
    bool first;    /* it began the flight it waits for, or waited for last */
    bool writes;   /* what it makes goes to Redis */
    uint32_t turn; /* of the cache when it began */
    uint64_t now;
};

/* Look for it. True: it is granted (or refused: wish->err) already; false: `granted` will be
 * called. The caller has filled the first block and zeroed the rest. */
bool supply_ask(const struct supply_seat *seat, struct wish *wish, uint64_t now);
/* The index of that very file, which may have been replaced meanwhile: wish->object has it, and
 * there is nothing to send. Else as supply_ask; of the wish only `granted` has to be set. */
bool supply_index(const struct supply_seat *seat, struct wish *wish, struct object *source,
                  uint64_t now);
/* What a wish was granted, once it is taken from there. `held` is NULL: the others are references.
 */
void supply_give_back(struct object *object, struct object *source, struct near_entry *held);
/* Give back what it holds and stop waiting, in any state; may be repeated. */
void supply_leave(struct wish *wish);

struct ahead_opts supply_ahead(const struct supply *s); /* for ahead.c */
/* Drop what it is of from memory, or doubt it; how many objects. [any thread] */
uint64_t supply_purge(struct supply *s, const struct purge *what);

/* disk_walk over its tree. [pool] */
MUST_USE enum err supply_walk(struct supply *s, disk_folder_fn *on_folder, void *arg);

struct cache_stats supply_stats(struct supply *s); /* [any thread] */
/* Bring the counters up to what is counted elsewhere: the helpers' lives, evictions. [any thread]
 */
void supply_publish(struct supply *s);

#endif
