/* The admin listener: /metrics for Prometheus, /health for whoever asks whether we live. */
#include "edge/base/clock.h"
#include "edge/serve/route.h"
#include "edge/store/root.h"
#include "edge/watch/expose.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static enum step give_text(struct exchange *x, int status, unsigned char *text, size_t n,
                           const char *type)
{
    struct key key = key_make(OBJECT_REPLY, x->path, 0, CONTAINER_COUNT, 0);
    struct object *o = text ? object_of_bytes(&key, text, n) : NULL;
    if (o && object_describe(o, type, "no-store")) {
        object_unref(o);
        o = NULL;
    }
    return exchange_give(x, status, o);
}

static bool redis_is_down(const struct admin_view *v)
{
    return v->redis_broken && atomic_load(v->redis_broken) > 0;
}

enum step get_metrics(struct exchange *x, struct str rest)
{
    const struct admin_view *v = x->service->admin;
    struct cache_stats cache = supply_stats(v->supply);
    struct expose_in in = {
        .counters = v->counters,
        .histograms = v->histograms,
        .redis = v->redis_answers,
        .threads = v->threads,
        .version = v->version,
        .cache_bytes = cache.bytes,
        .cache_objects = cache.objects,
        .redis_breaker_open = redis_is_down(v),
        .access = access_stats(v->access),
        .workers = v->workers,
    };
    struct buf b;
    size_t n;
    (void)rest;
    supply_publish(v->supply);
    buf_init(&b, BUF_MAX_METRICS);
    expose_metrics(&b, &in);
    if (buf_status(&b))
        buf_fini(&b);
    unsigned char *text = buf_take(&b, &n);
    return give_text(x, 200, text, n, EXPOSE_TYPE);
}

/* What was asked while the tree was looked at is asked again: a handler that parks is. */
static void on_looked(void *arg)
{
    struct service *s = arg;
    struct conn *next;
    for (struct conn *c = s->conns; c; c = next) {
        next = c->next;
        if (c->exchange && c->exchange->looks)
            exchange_go(c->exchange);
    }
}

static enum step give_health(struct exchange *x, const char *status, const char *why)
{
    const struct admin_view *v = x->service->admin;
    uint64_t seconds = (loop_now(x->service->loop) - v->started) / CLOCK_SECOND;
    json_t *all = json_pack("{s:s,s:s,s:s,s:I}", "status", status, "reason", why, "version",
                            v->version, "uptime", (json_int_t)seconds);
    char *text = all ? json_dumps(all, JSON_COMPACT) : NULL;
    json_decref(all);
    return give_text(x, strcmp(status, "fail") == 0 ? 503 : 200, (unsigned char *)text,
                     text ? strlen(text) : 0, "application/json");
}

/* What it can't do its job without: the tree it serves, and being willing to. Without Redis it can:
 * that is a warning. */
enum step get_health(struct exchange *x, struct str rest)
{
    const struct admin_view *v = x->service->admin;
    (void)rest;
    x->looks = false;
    if (atomic_load(v->draining))
        return give_health(x, "fail", "draining");
    switch (root_look(v->root, x->started, on_looked, x->service)) {
    case ROOT_ASKED:
        x->looks = true;
        return STEP_PARK;
    case ROOT_GONE:
        return give_health(x, "fail", "media.root is no directory");
    case ROOT_HANGS:
        return give_health(x, "fail", "media.root does not answer");
    default:
        return redis_is_down(v) ? give_health(x, "warn", "Redis does not answer")
                                : give_health(x, "pass", "");
    }
}
