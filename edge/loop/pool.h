/* Threads for what may block: opens, cold reads, waiting for a media helper.
 * A job is embedded in what it is about. `run` is called on a pool thread; then `done`, if there is
 * one, on the loop that the job was given (through its mailbox), and without one nothing: `run` was
 * the last that touched it. Jobs start in order. Nobody may free a job between submit and its end;
 * cancelling sets a flag that `run` looks at at least once per 64 KB or 1,000 packets. */
#ifndef EDGE_LOOP_POOL_H
#define EDGE_LOOP_POOL_H

#include "edge/loop/mailbox.h"

#include <stdatomic.h>

struct pool;

struct job {
    struct letter letter;       /* private; first */
    struct job *next;           /* private */
    void (*run)(struct job *);  /* [pool] */
    void (*done)(struct job *); /* [loop] or NULL */
    struct mailbox *home;       /* where `done` runs; may be NULL when done is */
    atomic_bool cancelled;
};

/* `threads` of them, their names starting with `name` (at most 10 bytes).  ERR_NOMEM, ERR_SYSTEM */
MUST_USE enum err pool_new(unsigned threads, const char *name, struct pool **out);
void pool_free(struct pool *p);                    /* runs what is queued, then joins */
void pool_submit(struct pool *p, struct job *job); /* [any thread] */
/* For a job that is long: `run` calls this last and returns, and is called once more after those
 * that wait at the moment. It is not at its end then. [pool, within run] */
void pool_again(void);

static inline void job_cancel(struct job *job) /* [any thread] */
{
    atomic_store_explicit(&job->cancelled, true, memory_order_relaxed);
}

static inline bool job_is_cancelled(struct job *job) /* [any thread] */
{
    return atomic_load_explicit(&job->cancelled, memory_order_relaxed);
}

#endif
