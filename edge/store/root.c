/* One look at a time: while it hangs, others are told so and no more threads are spent on it. */
#include "edge/store/root.h"

#include "edge/base/must.h"

#include <stdlib.h>
#include <sys/stat.h>

struct root {
    struct job job; /* first */
    struct root_opts opts;
    struct timer slow;
    uint64_t begun; /* when the look that is under way, or was the last one, began; 0: never */
    bool under_way;
    bool stopped;
    bool there; /* what it said */
    void (*looked)(void *arg);
    void *arg;
};

static void look(struct job *job)
{
    struct root *r = (struct root *)job;
    struct stat st;
    r->there = stat(r->opts.path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void tell(struct root *r)
{
    if (r->looked && !r->stopped)
        r->looked(r->arg);
}

static void on_looked(struct job *job)
{
    struct root *r = (struct root *)job;
    r->under_way = false;
    timer_off(&r->slow);
    tell(r);
}

static void on_slow(struct timer *t)
{
    struct root *r = (struct root *)(void *)((char *)t - offsetof(struct root, slow));
    loop_refresh(r->opts.loop);
    tell(r);
}

enum err root_new(const struct root_opts *opts, struct root **out)
{
    struct root *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    r->opts = *opts;
    r->job.run = look;
    r->job.done = on_looked;
    r->job.home = opts->mailbox;
    r->slow.on_time = on_slow;
    *out = r;
    return ERR_NONE;
}

void root_stop(struct root *r)
{
    if (!r)
        return;
    r->stopped = true;
    timer_drop(&r->slow);
}

void root_free(struct root *r)
{
    if (!r)
        return;
    root_stop(r);
    must(!r->under_way);
    free(r);
}

enum root_is root_look(struct root *r, uint64_t since, void (*looked)(void *arg), void *arg)
{
    uint64_t now = loop_now(r->opts.loop);
    if (!r->under_way && r->begun && r->begun >= since)
        return r->there ? ROOT_THERE : ROOT_GONE;
    if (r->stopped)
        return ROOT_HANGS;
    r->looked = looked;
    r->arg = arg;
    if (!r->under_way) {
        r->under_way = true;
        r->begun = now;
        timer_set(r->opts.timers, &r->slow, now + ROOT_SLOW);
        pool_submit(r->opts.io, &r->job);
    }
    return now - r->begun >= ROOT_SLOW ? ROOT_HANGS : ROOT_ASKED;
}
