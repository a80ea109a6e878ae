/* Ranked mutexes: the ranks a thread holds are a bit set of its own. */
#include "edge/base/lock.h"

#include "edge/base/must.h"

#ifdef SEGUE_AUDIT
static _Thread_local unsigned held;
#endif

static void note_take(const struct lock *l)
{
#ifdef SEGUE_AUDIT
    must(held >> l->rank == 0);
    held |= 1u << l->rank;
#else
    (void)l;
#endif
}

static void note_give(const struct lock *l)
{
#ifdef SEGUE_AUDIT
    must(held & 1u << l->rank);
    held &= ~(1u << l->rank);
#else
    (void)l;
#endif
}

void lock_init(struct lock *l, enum lock_rank rank)
{
    l->rank = rank;
    must(pthread_mutex_init(&l->mutex, NULL) == 0);
}

void lock_fini(struct lock *l) { must(pthread_mutex_destroy(&l->mutex) == 0); }

void lock_take(struct lock *l)
{
    note_take(l);
    must(pthread_mutex_lock(&l->mutex) == 0);
}

void lock_give(struct lock *l)
{
    note_give(l);
    must(pthread_mutex_unlock(&l->mutex) == 0);
}

void lock_wait(struct lock *l, pthread_cond_t *condition)
{
    note_give(l);
    must(pthread_cond_wait(condition, &l->mutex) == 0);
    note_take(l);
}
