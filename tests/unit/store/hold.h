/* Pools that are held: what is submitted meanwhile waits. */
#ifndef TESTS_UNIT_STORE_HOLD_H
#define TESTS_UNIT_STORE_HOLD_H

#include "edge/loop/pool.h"

#include <semaphore.h>

enum { HOLD_MAX = 8 };

static struct job hold_jobs[HOLD_MAX];
static sem_t hold_held, hold_go, hold_gone;
static int hold_count; /* threads that are held */

static inline void hold_one(struct job *job)
{
    (void)job;
    sem_post(&hold_held);
    sem_wait(&hold_go);
    sem_post(&hold_gone);
}

static inline void hold_pool(struct pool *pool, int threads)
{
    hold_count = threads;
    for (int i = 0; i < threads; i++) {
        hold_jobs[i] = (struct job){.run = hold_one};
        pool_submit(pool, &hold_jobs[i]);
    }
    for (int i = 0; i < threads; i++)
        sem_wait(&hold_held);
}

/* Also in a teardown: a test that failed may hold one. */
static inline void hold_release(void)
{
    for (int i = 0; i < hold_count; i++)
        sem_post(&hold_go);
    for (int i = 0; i < hold_count; i++)
        sem_wait(&hold_gone);
    hold_count = 0;
}

#endif
