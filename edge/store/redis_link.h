/* One connection to Redis, of one loop: commands in, answers out, in order. [loop]
 * It connects by itself, keeps on trying, authenticates, selects the database; commands that come
 * before it is up wait for it. Every command is answered exactly once: by Redis, or with an error
 * at its deadline, when the connection breaks, or at the end. A reply that comes after its
 * deadline is dropped. A circuit breaker watches: while it is open nothing may be sent. */
#ifndef EDGE_STORE_REDIS_LINK_H
#define EDGE_STORE_REDIS_LINK_H

#include "edge/loop/pool.h"
#include "edge/loop/timer.h"
#include "edge/store/redis_url.h"
#include "edge/store/redis_words.h"
#include "edge/watch/histogram.h"

struct redis_link;
struct tls_trust;

struct redis_link_opts {
    struct loop *loop;
    struct timers *timers;
    struct mailbox *mailbox;
    struct pool *io; /* looks names up */
    const struct redis_url *url;
    struct tls_trust *trust;   /* for rediss://; else NULL */
    uint64_t timeout;          /* ns: of each command */
    atomic_uint *broken;       /* links whose breaker is open, of the process */
    struct histogram *answers; /* how long they took; the loop's own */
    /* For a link that subscribes; else NULL. It was greeted, once a connection: may send. */
    void (*ready)(void *owner);
    /* A message of the channel came; `payload` is borrowed for the call. */
    void (*push)(void *owner, struct str payload);
    void *owner;
};

/* e: ERR_NONE and a reply; ERR_DEADLINE, ERR_IO or ERR_CANCELLED (the end) and none. It may send,
 * but must not stop or free the link. */
typedef void redis_answer_fn(void *owner, enum err e, const struct redis_reply *reply);

/* All that opts point to is borrowed for the link's life. Begins to connect.  ERR_NOMEM, ERR_SYSTEM
 */
MUST_USE enum err redis_link_new(const struct redis_link_opts *opts, struct redis_link **out);
/* Give up: what waits is answered with ERR_CANCELLED, nothing is taken any more. Repeatable. */
void redis_link_stop(struct redis_link *l);
void redis_link_free(struct redis_link *l); /* after the pool has ended; NULL is fine */

bool redis_link_usable(const struct redis_link *l);
bool redis_link_ready(const struct redis_link *l); /* Redis has answered on this connection */
/* Send a command of `count` words, to be answered by `deadline` (ns, monotonic).
 *   ERR_BUSY  the breaker is open, or too much waits to be sent   ERR_NOMEM */
MUST_USE enum err redis_link_send(struct redis_link *l, const struct str *words, unsigned count,
                                  uint64_t deadline, redis_answer_fn *answer, void *owner);
/* An answer was such that Redis counts as failing (it loads, it refuses us). */
void redis_link_fault(struct redis_link *l);

#endif
