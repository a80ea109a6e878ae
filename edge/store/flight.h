/* One flight a missing key: who asks first starts the work, who comes later joins, anybody may
 * leave, and when the last one leaves the work is cancelled. [any thread]
 *
 * A flight is embedded in the work's own struct and lives from flight_join (which makes it known)
 * until its job ends with flight_land, on a pool thread. An abandoned flight is unlisted at once,
 * so that the next asker starts afresh; its job still ends with flight_land and finds nobody. A
 * waiter is a small allocation of its own, because its letter may be under way to the loop when its
 * owner leaves: leaving clears `owner`, delivery frees the waiter. */
#ifndef EDGE_STORE_FLIGHT_H
#define EDGE_STORE_FLIGHT_H

#include "edge/loop/pool.h"
#include "edge/store/object.h"

struct flights;
struct waiter;

struct flight {
    struct job job;                      /* first */
    struct key key;                      /* its path is the work's */
    void (*on_abandon)(struct flight *); /* under the lock: sets flags, nothing else */
    struct flight *chain;                /* private */
    struct waiter *waiters;              /* private */
    bool listed;                         /* private */
    bool kept;                           /* goes on without waiters (a check behind an answer) */
    bool remote;                         /* what lands was found in Redis, not made */
    bool stored;                         /* and the cache has it */
    uint32_t lost;                       /* that left with `whole` set; to be read once it landed */
};

/* [loop] result: a reference, or NULL: no memory */
typedef void waiter_fn(void *owner, struct object *result);

struct waiter {
    struct letter letter; /* first */
    struct mailbox *home;
    void *owner; /* NULL after flight_leave */
    waiter_fn *landed;
    struct object *result;
    bool remote;           /* the flight's, when it landed */
    bool stored;           /* the same */
    bool whole;            /* set before it leaves: all of what lands is lost on it */
    struct flight *flight; /* private: NULL once the letter is under way */
    struct waiter *next;   /* private */
};

MUST_USE enum err flights_new(struct flights **out); /* ERR_NOMEM */
void flights_free(struct flights *f);                /* must be empty */

/* NULL: out of memory. It is freed by flight_leave or after `landed`. */
struct waiter *waiter_new(struct mailbox *home, waiter_fn *landed, void *owner);
/* If somebody is at work for the key, wait with the others and answer true. `waiter` is taken. */
bool flight_join(struct flights *f, const struct key *key, struct waiter *waiter);
/* The same when there was nobody: list `mine`, with `waiter` as its first (NULL: `mine->kept` is
 * set). Answers false when somebody else was faster; then the waiter has joined that one and `mine`
 * is the caller's to free. On true the caller submits the job. */
bool flight_start(struct flights *f, struct flight *mine, struct waiter *waiter);
/* Leave, wherever the waiter is; it is freed here or on delivery. True when that cancelled work.
 * [the loop of waiter->home] */
bool flight_leave(struct flights *f, struct waiter *waiter);
/* The end of the job: everybody who waits is sent `result` (borrowed; may be NULL). [pool] */
void flight_land(struct flights *f, struct flight *flight, struct object *result);

#endif
