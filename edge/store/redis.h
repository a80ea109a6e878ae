/* The tier behind the memory cache: objects in a Redis that several edges share. [loop]
 * One of these a loop. Asking costs at most the configured time (for each half megabyte, where an
 * object is larger) and never fails a request: what is missing, late, wrong or cannot be asked for
 * is simply not there. Writing goes on behind; past a bound of bytes under way it is dropped and
 * counted. */
#ifndef EDGE_STORE_REDIS_H
#define EDGE_STORE_REDIS_H

#include "edge/store/object.h"
#include "edge/store/redis_link.h"
#include "edge/watch/counters.h"

enum {
    REDIS_UNDER_WAY = 16 * 1024 * 1024, /* bytes of objects that are being written, a loop */
    REDIS_AHEAD = 2,                    /* chunks of one object that are asked for at a time */
    REDIS_LENT = 256,                   /* chunks that answers are sent from: 64 MB a loop */
};

/* The same for all loops; borrowed for the process' life. */
struct redis_opts {
    struct redis_url url;
    struct tls_trust *trust; /* of a rediss:// URL; else NULL */
    uint64_t timeout;        /* ns: of each command, and of a look-up of up to 512 KB */
    uint32_t ttl;            /* seconds; jittered by a tenth */
    size_t max_object;       /* bytes */
    char generation[64];     /* edges with another one don't share: other products, other bytes */
    struct pool *io;
    struct purges *purges; /* whose salts go into keys; NULL: none */
    atomic_uint broken;    /* loops that leave Redis alone at the moment */
};

struct purges;
struct redis;
struct redis_seat {
    struct loop *loop;
    struct timers *timers;
    struct mailbox *mailbox;
    struct counters *counters;
    struct histogram *answers;
};

/* ERR_NOMEM, ERR_SYSTEM */
MUST_USE enum err redis_new(struct redis_opts *opts, const struct redis_seat *seat,
                            struct redis **out);
/* Before the loop stops: who waits is answered (ERR_CANCELLED), nothing is taken any more. */
void redis_stop(struct redis *r);
void redis_free(struct redis *r); /* after the pool has ended; NULL is fine */

/* May it be asked at the moment? NULL: never. */
bool redis_is_up(const struct redis *r);
/* Are objects of that kind kept there? NULL: nothing is. */
bool redis_keeps(const struct redis *r, enum object_kind kind);

/* ERR_NONE: `bytes` (malloc) are the caller's, and are what was written for this key; *etag is
 * borrowed for the call. ERR_NOT_FOUND: it is not there. ERR_CANCELLED: the end. Anything else:
 * Redis failed, or what it has is no good. */
struct redis_found {
    unsigned char *bytes;
    size_t len;
    uint64_t size; /* bytes of the object: `len`, unless a chunk was asked for */
    struct str etag;
};
typedef void redis_found_fn(void *owner, enum err e, const struct redis_found *found);
/* Look for it; `key` is borrowed until the answer. False: it was not asked, and there is no
 * answer. Else found() is called once, later. */
bool redis_get(struct redis *r, const struct key *key, redis_found_fn *found, void *owner);
/* The same for one chunk (redis_record.h) of an object: its record and that chunk are fetched. */
bool redis_get_chunk(struct redis *r, const struct key *key, uint32_t chunk, redis_found_fn *found,
                     void *owner);
/* Write it, if it is of a kind and size that is kept; takes a reference of its own. */
void redis_put(struct redis *r, struct object *o);

/* For what is written bit by bit: one chunk of `key`'s object, or its record, which goes last.
 * ERR_NONE: `written` is called once, later, with ERR_NONE or why it is not there. Anything else:
 * it is not. `value` is borrowed for the call. */
enum { REDIS_RECORD = UINT16_MAX };
typedef void redis_written_fn(void *owner, enum err e);
struct redis_write {
    const struct key *key;
    uint32_t chunk; /* or REDIS_RECORD */
    unsigned ttl;   /* redis_ttl's, the same for all of an object */
    struct str value;
};
MUST_USE enum err redis_write(struct redis *r, const struct redis_write *what,
                              redis_written_fn *written, void *owner);
unsigned redis_ttl(const struct redis *r, const struct key *key); /* seconds, jittered */
bool redis_holds(const struct redis *r, uint64_t size); /* is an object of that many bytes kept? */
/* Room among the bytes that are being written; false: there is none. */
bool redis_room_take(struct redis *r, size_t n);
void redis_room_give(struct redis *r, size_t n);
/* Room among the chunks that senders hold of it, REDIS_LENT of them. */
bool redis_lend(struct redis *r);
void redis_lend_back(struct redis *r);

#endif
