/* The pool of media helpers: who holds which, and nothing else (media_helper.c speaks with them).
 * One lock guards the `busy` flags; a thread that holds a helper uses it without the lock. */
#include "edge/store/media.h"

#include "edge/base/lock.h"
#include "edge/base/log.h"
#include "edge/base/must.h"
#include "edge/store/media_helper.h"

#include <stdlib.h>

struct media {
    struct media_opts opts;
    struct lock lock;
    pthread_cond_t idle; /* a helper was given back */
    unsigned count;      /* helpers that were set up: fini is for these */
    struct media_helper helpers[MEDIA_HELPERS_MAX];
};

static enum err start_all(struct media *m)
{
    while (m->count < m->opts.helpers) {
        struct media_helper *h = &m->helpers[m->count++];
        TRY(media_helper_init(h, &m->opts));
    }
    return ERR_NONE;
}

enum err media_new(const struct media_opts *opts, struct media **out)
{
    must(opts->helpers >= 1 && opts->helpers <= MEDIA_HELPERS_MAX && opts->deadline_ms > 0);
    struct media *m = calloc(1, sizeof *m);
    if (!m)
        return ERR_NOMEM;
    m->opts = *opts;
    lock_init(&m->lock, LOCK_MEDIA);
    int rc = pthread_cond_init(&m->idle, NULL);
    must(rc == 0);
    enum err e = start_all(m);
    if (e) {
        media_free(m);
        return e;
    }
    *out = m;
    return ERR_NONE;
}

void media_free(struct media *m)
{
    if (!m)
        return;
    for (unsigned i = 0; i < m->count; i++) {
        must(!m->helpers[i].busy);
        media_helper_fini(&m->helpers[i]);
    }
    pthread_cond_destroy(&m->idle);
    lock_fini(&m->lock);
    free(m);
}

void media_task_init(struct media_task *task)
{
    atomic_init(&task->cancelled, false);
    atomic_init(&task->job, 0);
    atomic_init(&task->read, UINT64_MAX);
    atomic_init(&task->helper, NULL);
}

void media_cancel(struct media_task *task)
{
    atomic_store(&task->cancelled, true);
    struct media_helper *h = atomic_load(&task->helper);
    if (!h)
        return;
    atomic_store(&task->read, atomic_load(&h->page->packets));
    media_helper_stop(h, atomic_load(&task->job));
}

static struct media_helper *find_idle(struct media *m)
{
    for (unsigned i = 0; i < m->count; i++) {
        if (!m->helpers[i].busy)
            return &m->helpers[i];
    }
    return NULL;
}

static struct media_helper *check_out(struct media *m)
{
    struct media_helper *h;
    lock_take(&m->lock);
    while (!(h = find_idle(m)))
        lock_wait(&m->lock, &m->idle);
    h->busy = true;
    lock_give(&m->lock);
    return h;
}

static void check_in(struct media *m, struct media_helper *h)
{
    lock_take(&m->lock);
    h->busy = false;
    pthread_cond_signal(&m->idle);
    lock_give(&m->lock);
}

static enum err run(struct media *m, struct media_task *task, const struct media_ask *ask,
                    struct str name, struct media_result *out)
{
    char text[256];
    *out = (struct media_result){0};
    must(ask->fd >= 0);
    struct media_helper *h = check_out(m);
    uint64_t deaths = atomic_load(&h->deaths);
    enum err rc = media_helper_run(h, task, ask, out);
    if (atomic_load(&h->deaths) != deaths)
        log_write(LOG_WARN, "media: a helper was replaced at %s: %s",
                  log_text(text, sizeof text, name), out->why);
    check_in(m, h);
    return rc;
}

enum err media_index(struct media *m, struct media_task *task, int fd, uint64_t size,
                     struct str name, struct media_result *out)
{
    return run(m, task, &(struct media_ask){RECORD_INDEX, fd, size, {NULL, 0}}, name, out);
}

enum err media_encode(struct media *m, struct media_task *task, int fd, uint64_t size,
                      struct str order, struct str name, struct media_result *out)
{
    return run(m, task, &(struct media_ask){RECORD_ENCODE, fd, size, order}, name, out);
}

static uint64_t sum_starts(const struct media_helper *h) { return atomic_load(&h->starts); }
static uint64_t sum_deaths(const struct media_helper *h) { return atomic_load(&h->deaths); }

static uint64_t sum(const struct media *m, uint64_t (*count)(const struct media_helper *))
{
    uint64_t total = 0;
    for (unsigned i = 0; i < m->count; i++)
        total += count(&m->helpers[i]);
    return total;
}

uint64_t media_starts(const struct media *m) { return sum(m, sum_starts); }
uint64_t media_deaths(const struct media *m) { return sum(m, sum_deaths); }
