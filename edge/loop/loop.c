/* The event loop of one thread: libevent without locks, plus a queue of "later in this turn".
 * A loop lives from before its thread is started until after it was joined. */
#include "edge/loop/loop.h"

#include "edge/base/clock.h"
#include "edge/base/must.h"

#include <event2/event.h>
#include <stdlib.h>

struct loop {
    struct event_base *base;
    struct event kick; /* a timer of no time while there are tasks: libevent looks at descriptors
                          before it, so tasks that queue themselves again starve nobody */
    struct loop_task *first;
    struct loop_task **last;
    uint64_t now;
};

static void kick(struct loop *l)
{
    static const struct timeval at_once = {0, 0};
    must(event_add(&l->kick, &at_once) == 0);
}

/* As many as are queued now; those that they queue wait for the next turn. One at a time off the
 * front, since a task may cancel another. */
static void run_tasks(struct loop *l)
{
    size_t count = 0;
    for (struct loop_task *t = l->first; t; t = t->next)
        count++;
    while (count-- && l->first) {
        struct loop_task *task = l->first;
        loop_later_cancel(l, task);
        task->run(task);
    }
    if (l->first)
        kick(l);
}

static void on_kick(evutil_socket_t fd, short what, void *arg)
{
    struct loop *l = arg;
    (void)fd;
    (void)what;
    l->now = clock_mono();
    run_tasks(l);
}

static struct event_base *base_new(void)
{
    struct event_config *config = event_config_new();
    if (!config)
        return NULL;
    /* A base belongs to one thread: no locks. Changes go to the kernel at once: a connection is
     * added once and dropped by close, so there is nothing for a change list to save. */
    struct event_base *base = NULL;
    if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0 &&
        event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE) == 0)
        base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

enum err loop_new(struct loop **out)
{
    struct loop *l = calloc(1, sizeof *l);
    if (!l)
        return ERR_NOMEM;
    l->base = base_new();
    if (!l->base) {
        free(l);
        return ERR_SYSTEM;
    }
    l->last = &l->first;
    l->now = clock_mono();
    must(evtimer_assign(&l->kick, l->base, on_kick, l) == 0);
    *out = l;
    return ERR_NONE;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    event_base_free(l->base);
    free(l);
}

void loop_run(struct loop *l) { must(event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY) >= 0); }

void loop_stop(struct loop *l) { must(event_base_loopbreak(l->base) == 0); }

uint64_t loop_now(const struct loop *l) { return l->now; }

uint64_t loop_refresh(struct loop *l)
{
    l->now = clock_mono();
    return l->now;
}

struct event_base *loop_base(struct loop *l) { return l->base; }

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    struct loop_io *io = arg;
    (void)fd;
    io->loop->now = clock_mono();
    io->on_io(io, (what & EV_READ ? LOOP_READ : 0u) | (what & EV_WRITE ? LOOP_WRITE : 0u) |
                      (what & EV_CLOSED ? LOOP_CLOSED : 0u));
}

static enum err watch(struct loop *l, struct loop_io *io, int fd, short events)
{
    io->loop = l;
    if (event_assign(&io->event, l->base, fd, events, on_event, io) != 0)
        return ERR_SYSTEM;
    return event_add(&io->event, NULL) == 0 ? ERR_NONE : ERR_SYSTEM;
}

enum err loop_watch(struct loop *l, struct loop_io *io, int fd, loop_io_fn *on_io)
{
    io->on_io = on_io;
    return watch(l, io, fd, (short)(EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST));
}

enum err loop_watch_level(struct loop *l, struct loop_io *io, int fd, loop_io_fn *on_io)
{
    io->on_io = on_io;
    return watch(l, io, fd, EV_READ | EV_PERSIST);
}

void loop_unwatch(struct loop_io *io)
{
    if (event_initialized(&io->event))
        event_del(&io->event);
}

void loop_later(struct loop *l, struct loop_task *task)
{
    must(task->run);
    if (task->queued)
        return;
    task->queued = true;
    task->next = NULL;
    if (!l->first)
        kick(l);
    *l->last = task;
    l->last = &task->next;
}

void loop_later_cancel(struct loop *l, struct loop_task *task)
{
    if (!task->queued)
        return;
    struct loop_task **at = &l->first;
    while (*at != task) {
        must(*at);
        at = &(*at)->next;
    }
    *at = task->next;
    if (l->last == &task->next)
        l->last = at;
    task->queued = false;
}

void loop_settle(struct loop *l)
{
    while (l->first) {
        struct loop_task *task = l->first;
        loop_later_cancel(l, task);
        task->run(task);
    }
}

const char *loop_backend_version(void) { return event_get_version(); }

bool loop_backend_is_old(void) { return event_get_version_number() < 0x02010c00; }
