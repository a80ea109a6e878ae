/* Mutexes with ranks. [any thread]
 * A thread takes locks in rising rank only; builds with -DSEGUE_AUDIT abort where it does not.
 * Callbacks and frees run after unlock. */
#ifndef EDGE_BASE_LOCK_H
#define EDGE_BASE_LOCK_H

#include <pthread.h>

enum lock_rank {
    LOCK_SERVER = 1,
    LOCK_PURGES,  /* store/purges: the log, which look-ups in Redis read */
    LOCK_FLIGHTS, /* store/flight: the table of what is being made */
    LOCK_SHARD,   /* store/shard: one shard of the memory cache */
    LOCK_POOL,    /* loop/pool: the queue of jobs */
    LOCK_MEDIA,   /* store/media: the helpers' table */
    LOCK_ACCESS,  /* watch/access: the list of rings */
    LOCK_MAILBOX, /* loop/mailbox: always the last one */
};

struct lock {
    pthread_mutex_t mutex;
    enum lock_rank rank;
};

void lock_init(struct lock *l, enum lock_rank rank);
void lock_fini(struct lock *l);
void lock_take(struct lock *l);
void lock_give(struct lock *l);
/* Wait on a condition with the lock held, as pthread_cond_wait. */
void lock_wait(struct lock *l, pthread_cond_t *condition);

#endif
