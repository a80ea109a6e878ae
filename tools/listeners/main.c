/* listeners: many listeners of an audio server on one machine. See README.md.
 * One thread, one loop; all of them live until the run ends. */
#include "edge/base/clock.h"
#include "edge/base/must.h"
#include "tools/listeners/listener.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { OTHER_FILES = 32 }; /* descriptors beside the connections */

/* A run while it goes on. */
struct going {
    struct run run;
    struct stats stats;
    struct listener **listeners;
    uint64_t began, last_line;
};

/* One descriptor a listener. */
static bool raise_files(uint64_t listeners)
{
    struct rlimit limit;
    rlim_t need = listeners + OTHER_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return false;
    if (limit.rlim_cur < need && limit.rlim_max >= need) {
        limit.rlim_cur = need;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= need)
        return true;
    fprintf(stderr, "listeners: %llu descriptors are needed, %llu allowed (ulimit -n)\n",
            (unsigned long long)need, (unsigned long long)limit.rlim_cur);
    return false;
}

static double seconds_since(uint64_t then)
{
    return (double)(clock_mono() - then) / (double)CLOCK_SECOND;
}

static void on_second(evutil_socket_t fd, short what, void *arg)
{
    struct going *g = arg;
    (void)fd;
    (void)what;
    stats_live(&g->stats, stderr, seconds_since(g->began), seconds_since(g->last_line));
    g->last_line = clock_mono();
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    event_base_loopbreak(arg);
}

/* They come evenly over the ramp, each somewhere in its share of it. */
static bool invite(struct going *g)
{
    const struct options *o = g->run.options;
    uint64_t share = o->ramp * CLOCK_SECOND / o->listeners;
    g->listeners = calloc(o->listeners, sizeof(struct listener *));
    for (uint64_t i = 0; g->listeners && i < o->listeners; i++) {
        uint64_t after = share * i + (share ? run_random(&g->run) % share : 0);
        g->listeners[i] = listener_new(&g->run, i, after);
        if (!g->listeners[i])
            return false;
    }
    return g->listeners != NULL;
}

static void go_on(struct going *g)
{
    const struct options *o = g->run.options;
    struct event_base *base = g->run.base;
    const struct timeval second = {1, 0}, all = {(time_t)o->seconds, 0};
    struct event *line = event_new(base, -1, EV_PERSIST, on_second, g);
    struct event *interrupt = evsignal_new(base, SIGINT, on_stop, base);
    struct event *term = evsignal_new(base, SIGTERM, on_stop, base);
    must(line && interrupt && term);
    event_add(interrupt, NULL);
    event_add(term, NULL);
    if (!o->quiet)
        event_add(line, &second);
    event_base_loopexit(base, &all);
    must(event_base_dispatch(base) >= 0);
    event_free(line);
    event_free(interrupt);
    event_free(term);
}

static int report(struct going *g)
{
    const struct options *o = g->run.options;
    double seconds = seconds_since(g->began);
    for (uint64_t i = 0; i < o->listeners; i++)
        listener_free(g->listeners[i]);
    if (o->json)
        stats_json(&g->stats, stdout, o->listeners, seconds);
    else
        stats_report(&g->stats, stdout, o->listeners, seconds);
    return stats_faults(&g->stats) == 0 && g->stats.starts > 0 ? 0 : 1;
}

static int run(const struct options *o)
{
    static struct going g;
    g.run = (struct run){
        .options = o, .stats = &g.stats, .random = (o->seed * UINT64_C(2654435761)) | 1};
    g.run.base = event_base_new();
    g.run.plans = plan_table_new(o->max_bandwidth);
    g.began = g.last_line = clock_mono();
    if (!g.run.base || !g.run.plans || !invite(&g)) {
        fputs("listeners: out of memory\n", stderr);
        return 1;
    }
    go_on(&g);
    int status = report(&g);
    free(g.listeners);
    plan_table_free(g.run.plans);
    event_base_free(g.run.base);
    return status;
}

int main(int argc, char **argv)
{
    static struct options options;
    enum err e = options_parse(&options, argc, argv);
    if (e)
        return e == ERR_IGNORE ? 0 : 2;
    signal(SIGPIPE, SIG_IGN);
    return raise_files(options.listeners) ? run(&options) : 1;
}
