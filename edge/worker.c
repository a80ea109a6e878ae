/* A worker owns its loop and all that runs on it. Others reach it by three letters. It stops its
 * loop when it drains and the last connection has gone. */
#include "edge/worker.h"

#include "edge/base/must.h"
#include "edge/store/near.h"
#include "edge/wire/listen.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { LISTENERS_MAX = 16 };

struct worker {
    struct loop *loop;
    struct timers *timers;
    struct mailbox *mailbox;
    struct redis *redis;
    struct near *near; /* NULL: there is none */
    struct service service;
    struct listener *listeners[LISTENERS_MAX];
    size_t listener_count;
    struct mailbox *owner;
    struct letter *drained;
    struct letter drain_letter, cut_letter, retune_letter;
    _Atomic(const struct service_opts *) retuned;
    pthread_t thread;
    bool running;
    bool settled;
};

#define WORKER_OF(letter, member) \
    ((struct worker *)(void *)((char *)(letter)-offsetof(struct worker, member)))

static void on_accepted(void *arg, int fd, const struct address *peer)
{
    struct worker *w = arg;
    service_accept(&w->service, fd, peer);
}

static void on_paused(void *arg)
{
    struct worker *w = arg;
    counters_add(w->service.counters, COUNTER_ACCEPT_PAUSED, 1);
}

static void end_if_drained(struct worker *w)
{
    if (!w->service.draining || w->service.conn_count || !w->drained)
        return;
    struct letter *letter = w->drained;
    w->drained = NULL;
    redis_stop(w->redis); /* others may wait for what was asked of it here */
    loop_stop(w->loop);
    mailbox_post(w->owner, letter);
}

static void on_close(void *arg)
{
    struct worker *w = arg;
    for (size_t i = 0; i < w->listener_count; i++)
        listen_resume(w->listeners[i]);
    end_if_drained(w);
}

static void deliver_drain(struct letter *letter)
{
    struct worker *w = WORKER_OF(letter, drain_letter);
    for (size_t i = 0; i < w->listener_count; i++)
        listen_drain(w->listeners[i]);
    service_drain(&w->service);
    end_if_drained(w);
}

static void deliver_cut(struct letter *letter)
{
    struct worker *w = WORKER_OF(letter, cut_letter);
    service_cut(&w->service);
    end_if_drained(w);
}

static void deliver_retune(struct letter *letter)
{
    struct worker *w = WORKER_OF(letter, retune_letter);
    w->service.opts = atomic_exchange(&w->retuned, NULL);
}

void worker_drain(struct worker *w) { mailbox_post(w->mailbox, &w->drain_letter); }
void worker_cut(struct worker *w) { mailbox_post(w->mailbox, &w->cut_letter); }

void worker_retune(struct worker *w, const struct service_opts *opts)
{
    /* A letter that is still under way will bring these. */
    if (!atomic_exchange(&w->retuned, opts))
        mailbox_post(w->mailbox, &w->retune_letter);
}

struct loop *worker_loop(struct worker *w) { return w->loop; }
struct timers *worker_timers(struct worker *w) { return w->timers; }
struct mailbox *worker_mailbox(struct worker *w) { return w->mailbox; }
struct redis *worker_redis(struct worker *w) { return w->redis; }

static enum err start_listeners(struct worker *w, const struct worker_opts *opts)
{
    enum err e = ERR_NONE;
    struct listen_opts lo = {w->loop, w->timers, on_accepted, on_paused, w};
    must(opts->listener_count <= LISTENERS_MAX);
    for (size_t i = 0; i < opts->listener_count; i++) {
        if (!e)
            e = listen_start(opts->listeners[i], &lo, &w->listeners[i]);
        if (e)
            close(opts->listeners[i]);
        else
            w->listener_count++;
    }
    return e;
}

static enum err build_redis(struct worker *w, const struct worker_opts *opts)
{
    struct redis_seat seat = {w->loop, w->timers, w->mailbox, opts->counters, opts->redis_answers};
    return opts->redis ? redis_new(opts->redis, &seat, &w->redis) : ERR_NONE;
}

static enum err build(struct worker *w, const struct worker_opts *opts)
{
    TRY(loop_new(&w->loop));
    TRY(timers_new(w->loop, &w->timers));
    TRY(mailbox_new(w->loop, &w->mailbox));
    TRY(build_redis(w, opts));
    TRY(near_new(w->loop, w->timers, &w->near));
    w->service = (struct service){
        .loop = w->loop,
        .timers = w->timers,
        .seat = {opts->supply, w->mailbox, opts->counters, w->redis, w->near},
        .counters = opts->counters,
        .histogram = opts->histogram,
        .access = opts->access,
        .open = opts->open,
        .opts = opts->service,
        .routes = opts->routes,
        .admin = opts->admin,
        .on_close = on_close,
        .arg = w,
    };
    return service_init(&w->service);
}

enum err worker_new(const struct worker_opts *opts, struct worker **out)
{
    struct worker *w = calloc(1, sizeof *w);
    enum err e = w ? build(w, opts) : ERR_NOMEM;
    if (e) {
        for (size_t i = 0; i < opts->listener_count; i++)
            close(opts->listeners[i]);
        worker_free(w);
        return e;
    }
    w->owner = opts->owner;
    w->drained = opts->drained;
    w->drain_letter.deliver = deliver_drain;
    w->cut_letter.deliver = deliver_cut;
    w->retune_letter.deliver = deliver_retune;
    e = start_listeners(w, opts);
    if (e)
        worker_free(w);
    else
        *out = w;
    return e;
}

static void *worker_thread(void *arg)
{
    struct worker *w = arg;
    loop_run(w->loop);
    loop_settle(w->loop);
    return NULL;
}

enum err worker_start(struct worker *w)
{
    if (pthread_create(&w->thread, NULL, worker_thread, w))
        return ERR_SYSTEM;
    pthread_setname_np(w->thread, "worker");
    w->running = true;
    return ERR_NONE;
}

void worker_join(struct worker *w)
{
    if (!w || !w->running)
        return;
    must(pthread_join(w->thread, NULL) == 0);
    w->running = false;
}

void worker_stop(struct worker *w)
{
    if (w)
        redis_stop(w->redis);
}

void worker_settle(struct worker *w)
{
    if (!w || w->settled)
        return;
    must(!w->running);
    w->settled = true;
    service_cut(&w->service); /* first: a close looks at the listeners */
    for (size_t i = 0; i < w->listener_count; i++)
        listen_free(w->listeners[i]);
    if (w->mailbox) {
        mailbox_settle(w->mailbox);
        loop_settle(w->loop);
        service_fini(&w->service);
    }
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    worker_settle(w);
    redis_free(w->redis);
    near_free(w->near);
    mailbox_free(w->mailbox);
    timers_free(w->timers);
    loop_free(w->loop);
    free(w);
}
