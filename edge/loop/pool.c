/* A queue, a condition and some threads. */
#include "edge/loop/pool.h"

#include "edge/base/lock.h"
#include "edge/base/must.h"

#include <stdio.h>
#include <stdlib.h>

struct pool {
    struct lock lock;
    pthread_cond_t more;
    struct job *first; /* under the lock */
    struct job **last; /* under the lock */
    bool ending;       /* under the lock */
    unsigned count;
    char name[12];
    pthread_t threads[];
};

static struct job *next_job(struct pool *p)
{
    lock_take(&p->lock);
    while (!p->first && !p->ending)
        lock_wait(&p->lock, &p->more);
    struct job *job = p->first;
    if (job) {
        p->first = job->next;
        if (!p->first)
            p->last = &p->first;
    }
    lock_give(&p->lock);
    return job;
}

/* Behind all that wait, also while the pool ends: it ends when nothing waits any more. */
static void put_last(struct pool *p, struct job *job)
{
    job->next = NULL;
    *p->last = job;
    p->last = &job->next;
    pthread_cond_signal(&p->more);
}

/* What the job that this thread runs has asked for. */
static _Thread_local bool once_more;

void pool_again(void) { once_more = true; }

static void run_again(struct pool *p, struct job *job)
{
    once_more = false;
    lock_take(&p->lock);
    put_last(p, job);
    lock_give(&p->lock);
}

static void deliver_done(struct letter *letter)
{
    struct job *job = (struct job *)letter;
    job->done(job);
}

static void *pool_thread(void *arg)
{
    struct pool *p = arg;
    struct job *job;
    pthread_setname_np(pthread_self(), p->name);
    while ((job = next_job(p))) {
        struct mailbox *home = job->done ? job->home : NULL;
        job->run(job);
        if (once_more) {
            run_again(p, job);
        } else if (home) {
            job->letter.deliver = deliver_done;
            mailbox_post(home, &job->letter);
        }
    }
    return NULL;
}

static void join_all(struct pool *p)
{
    lock_take(&p->lock);
    p->ending = true;
    pthread_cond_broadcast(&p->more);
    lock_give(&p->lock);
    for (unsigned i = 0; i < p->count; i++)
        must(pthread_join(p->threads[i], NULL) == 0);
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    join_all(p);
    must(pthread_cond_destroy(&p->more) == 0);
    lock_fini(&p->lock);
    free(p);
}

enum err pool_new(unsigned threads, const char *name, struct pool **out)
{
    struct pool *p = calloc(1, sizeof *p + threads * sizeof p->threads[0]);
    if (!p)
        return ERR_NOMEM;
    lock_init(&p->lock, LOCK_POOL);
    must(pthread_cond_init(&p->more, NULL) == 0);
    p->last = &p->first;
    snprintf(p->name, sizeof p->name, "%s", name);
    for (; p->count < threads; p->count++) {
        if (pthread_create(&p->threads[p->count], NULL, pool_thread, p)) {
            pool_free(p);
            return ERR_SYSTEM;
        }
    }
    *out = p;
    return ERR_NONE;
}

void pool_submit(struct pool *p, struct job *job)
{
    must(job->run && (!job->done || job->home));
    lock_take(&p->lock);
    must(!p->ending);
    put_last(p, job);
    lock_give(&p->lock);
}
