/* Purges of this process and of all edges on the same Redis.
 * A purge drops what is kept in memory here and tells the others, who do the same. What lies in
 * Redis is not looked for: keys there are made with the salt of the newest purge of their path, so
 * what was written before is never asked for again and goes with its time. So that all agree on
 * salts, Redis has a log of the purges ("segue:1:purges", one line each); every edge reads it when
 * its subscription begins and now and then after that, does what it missed, and adds what is
 * missing there. A purge is of no more use when all that was written before it has expired in
 * Redis. */
#ifndef EDGE_STORE_PURGES_H
#define EDGE_STORE_PURGES_H

#include "edge/store/purge.h"
#include "edge/store/redis_link.h"

struct purges;
struct supply;

enum {
    PURGES_MAX = 512, /* remembered; more become one of everything */
    PURGES_SALT = 24, /* room for a salt's text */
};

struct purges_opts {
    struct supply *supply; /* whose memory is purged */
    struct loop *loop;     /* of the main thread, as all that follows */
    struct timers *timers;
    struct mailbox *mailbox;
    struct pool *io;
    const struct redis_url *url; /* NULL: there is no Redis, nobody is told */
    struct tls_trust *trust;     /* see redis_link.h */
    uint64_t timeout;            /* ns */
    uint64_t ttl;                /* ns: how long Redis keeps an object at most */
    atomic_uint *broken;         /* see redis_link.h */
    struct histogram *answers;
    uint64_t (*wall_ns)(void); /* the clock on the wall */
};

/* What opts point to is borrowed.   ERR_NOMEM, ERR_SYSTEM [main thread] */
MUST_USE enum err purges_new(const struct purges_opts *opts, struct purges **out);
void purges_stop(struct purges *p); /* while the loop can still run; repeatable */
void purges_free(struct purges *p); /* after the pool has ended; NULL is fine */

/* Carry it out here and tell the others; its id is given here. How many objects were dropped from
 * memory, or doubted. [main thread] */
uint64_t purges_run(struct purges *p, const struct purge *what);
/* Who is told of a purge now? */
enum purges_reach { PURGES_ALONE, PURGES_LATER, PURGES_TOLD };
enum purges_reach purges_reach(const struct purges *p); /* [main thread] */

/* The salt of a path: "" when it was never purged. NULL never was. Returns its length.
 * [any thread] */
size_t purges_salt(struct purges *p, struct str path, char out[PURGES_SALT]);

#endif
