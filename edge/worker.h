/* One thread that serves: a loop, its listeners, its connections. The main thread has one too, for
 * the admin listener, which it runs itself. */
#ifndef EDGE_WORKER_H
#define EDGE_WORKER_H

#include "edge/serve/service.h"
#include "edge/store/redis.h"

struct worker;

struct worker_opts {
    const struct service_opts *service;
    const struct route *routes;
    const struct admin_view *admin; /* NULL on public workers */
    struct supply *supply;
    struct pool *io;
    struct redis_opts *redis; /* NULL: there is none */
    struct counters *counters;
    struct histogram *histogram;
    struct histogram *redis_answers;
    struct access_ring *access;
    atomic_size_t *open;  /* connections that count towards max_connections; shared */
    const int *listeners; /* descriptors, taken over */
    size_t listener_count;
    const bool *proxied;    /* of each: it speaks the PROXY protocol; NULL: none does */
    struct mailbox *owner;  /* where the owner is told that the worker has drained */
    struct letter *drained; /* what is posted there; may be NULL */
};

/* [main thread] ERR_NOMEM, ERR_SYSTEM. The listeners' descriptors are closed on error too. */
MUST_USE enum err worker_new(const struct worker_opts *opts, struct worker **out);
MUST_USE enum err worker_start(struct worker *w); /* a thread of its own; ERR_SYSTEM */
void worker_join(struct worker *w);               /* after it has drained */
/* Its Redis answers all who wait, and takes nothing any more: before the pools end. A worker with
 * `drained` does it itself. */
void worker_stop(struct worker *w);
/* After worker_join and the end of the pools: delivers what they still sent, and gives up all but
 * the loop and what it is made of, which others may have to take leave of; worker_free does it too.
 */
void worker_settle(struct worker *w);
void worker_free(struct worker *w);

struct loop *worker_loop(struct worker *w);
struct timers *worker_timers(struct worker *w);
struct mailbox *worker_mailbox(struct worker *w);
struct redis *worker_redis(struct worker *w); /* NULL: there is none */

/* [any thread] Each at most once until it was delivered. */
void worker_drain(struct worker *w); /* stop accepting, end after the last answer */
void worker_cut(struct worker *w);   /* end what is left */
void worker_retune(struct worker *w, const struct service_opts *opts); /* from now on */

#endif
