/* /status: what the server is doing, on one page that renews itself; /status.json: the same numbers
 * for programs. Both are of one list of rows, so neither has what the other lacks. */
#include "edge/base/clock.h"
#include "edge/serve/route.h"
#include "edge/store/purges.h"
#include "edge/store/warm.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_MAX = 32 * 1024 };

struct row {
    const char *section;
    const char *name;
    enum counter first, last; /* their sum, or one alone */
};

/* Counters; the rows of a section stand together. */
static const struct row rows[] = {
    {"requests", "answered", 0, COUNTER_CODE_OTHER},
    {"requests", "bytes sent", COUNTER_RESPONSE_BYTES, COUNTER_RESPONSE_BYTES},
    {"requests", "aborted by the client", COUNTER_ABORTS, COUNTER_ABORTS},
    {"connections", "open", COUNTER_CONNECTIONS, COUNTER_CONNECTIONS},
    {"connections", "accepted", COUNTER_CONNECTIONS_ACCEPTED, COUNTER_CONNECTIONS_ACCEPTED},
    {"connections", "paced", COUNTER_PACED, COUNTER_PACED},
    {"connections", "seconds waited for their pace", COUNTER_PACED_SECONDS, COUNTER_PACED_SECONDS},
    {"memory", "hits", COUNTER_CACHE_MEMORY_HIT, COUNTER_CACHE_MEMORY_HIT},
    {"memory", "misses", COUNTER_CACHE_MEMORY_MISS, COUNTER_CACHE_MEMORY_MISS},
    {"memory", "stale", COUNTER_CACHE_MEMORY_STALE, COUNTER_CACHE_MEMORY_STALE},
    {"memory", "left to make room", COUNTER_CACHE_GONE_ROOM, COUNTER_CACHE_GONE_ROOM},
    {"memory", "purged", COUNTER_CACHE_GONE_PURGED, COUNTER_CACHE_GONE_PURGED},
    {"redis", "hits", COUNTER_CACHE_REDIS_HIT, COUNTER_CACHE_REDIS_HIT},
    {"redis", "misses", COUNTER_CACHE_REDIS_MISS, COUNTER_CACHE_REDIS_MISS},
    {"redis", "errors", COUNTER_CACHE_REDIS_ERROR, COUNTER_CACHE_REDIS_ERROR},
    {"redis", "written", COUNTER_REDIS_WRITES_STORED, COUNTER_REDIS_WRITES_STORED},
    {"work", "flights", COUNTER_FLIGHTS, COUNTER_FLIGHTS},
    {"work", "joined", COUNTER_FLIGHTS_JOINED, COUNTER_FLIGHTS_JOINED},
    {"work", "cancelled", COUNTER_FLIGHTS_CANCELLED, COUNTER_FLIGHTS_CANCELLED},
    {"work", "indexes made", COUNTER_INDEX_BUILDS, COUNTER_INDEX_BUILDS},
    {"work", "files without an index", COUNTER_INDEX_FAILURES, COUNTER_INDEX_FAILURES},
    {"origin", "files opened", COUNTER_ORIGIN_OPENS, COUNTER_ORIGIN_OPENS},
    {"origin", "files looked at again", COUNTER_ORIGIN_CHECKS, COUNTER_ORIGIN_CHECKS},
    {"origin", "bytes read that were cold", COUNTER_ORIGIN_READ_BYTES, COUNTER_ORIGIN_READ_BYTES},
    {"origin", "folders watched", COUNTER_ORIGIN_WATCHED, COUNTER_ORIGIN_WATCHED},
};

static uint64_t value_of(const struct admin_view *v, const struct row *r)
{
    uint64_t sum = 0;
    for (unsigned which = r->first; which <= (unsigned)r->last; which++)
        sum += counters_sum(v->counters, v->threads, (enum counter)which);
    return sum;
}

/* What is no counter. All have static names and no text of peers. */
static json_t *about(struct exchange *x)
{
    const struct admin_view *v = x->service->admin;
    struct cache_stats cache = supply_stats(v->supply);
    bool redis = v->redis_broken != NULL;
    const char *state = !redis                                   ? "off"
                        : atomic_load(v->redis_broken)           ? "left alone"
                        : purges_reach(v->purges) == PURGES_TOLD ? "up"
                                                                 : "connecting";
    return json_pack(
        "{s:s,s:I,s:I,s:b,s:I,s:I,s:s,s:I,s:b}", "version", v->version, "uptime seconds",
        (json_int_t)((loop_now(x->service->loop) - v->started) / CLOCK_SECOND), "workers",
        (json_int_t)v->workers, "draining", (int)atomic_load(v->draining), "bytes in memory",
        (json_int_t)cache.bytes, "objects in memory", (json_int_t)cache.objects, "redis state",
        state, "redis links left alone", (json_int_t)(redis ? atomic_load(v->redis_broken) : 0),
        "warming", (int)warm_state(v->warm).running);
}

static json_t *everything(struct exchange *x)
{
    const struct admin_view *v = x->service->admin;
    json_t *all = json_object();
    supply_publish(v->supply);
    (void)json_object_set_new(all, "server", about(x));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!json_object_get(all, rows[i].section))
            (void)json_object_set_new(all, rows[i].section, json_object());
        (void)json_object_set_new(json_object_get(all, rows[i].section), rows[i].name,
                                  json_integer((json_int_t)value_of(v, &rows[i])));
    }
    return all;
}

static enum step give(struct exchange *x, char *text, const char *type)
{
    struct key key = key_make(OBJECT_REPLY, x->path, 0, CONTAINER_COUNT, 0);
    struct object *o = text ? object_of_bytes(&key, (unsigned char *)text, strlen(text)) : NULL;
    if (o && object_describe(o, type, "no-store")) {
        object_unref(o);
        o = NULL;
    }
    return exchange_give(x, 200, o);
}

enum step get_status_json(struct exchange *x, struct str rest)
{
    json_t *all = everything(x);
    (void)rest;
    char *text = json_dumps(all, JSON_INDENT(1));
    json_decref(all);
    return give(x, text, "application/json");
}

/* ---- the page ---- */

static void add_value(struct buf *b, const json_t *value)
{
    if (json_is_string(value))
        buf_addf(b, "%s", json_string_value(value));
    else if (json_is_boolean(value))
        buf_addf(b, "%s", json_is_true(value) ? "yes" : "no");
    else
        buf_addf(b, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
}

static void add_section(struct buf *b, const char *title, json_t *section)
{
    const char *name;
    json_t *value;
    buf_addf(b, "<table><caption>%s</caption>\n", title);
    json_object_foreach(section, name, value)
    {
        buf_addf(b, "<tr><th scope=\"row\">%s</th><td>", name);
        add_value(b, value);
        buf_adds(b, STR("</td></tr>\n"));
    }
    buf_adds(b, STR("</table>\n"));
}

#define HEAD                                                                                  \
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"                       \
    "<meta name=\"viewport\" content=\"width=device-width\">"                                 \
    "<meta http-equiv=\"refresh\" content=\"2\"><title>Segue</title>\n<style>"                \
    "body{font:15px/1.4 system-ui,sans-serif;margin:2em;display:flex;flex-wrap:wrap;gap:2em;" \
    "align-items:flex-start;color-scheme:light dark}table{border-collapse:collapse}"          \
    "caption{text-align:left;font-weight:600;padding-bottom:.3em;text-transform:capitalize}"  \
    "th{text-align:left;font-weight:400;padding-right:2em}"                                   \
    "td{text-align:right;font-variant-numeric:tabular-nums}</style></head><body>\n"

enum step get_status(struct exchange *x, struct str rest)
{
    struct buf b;
    const char *title;
    json_t *section, *all = everything(x);
    size_t n;
    (void)rest;
    buf_init(&b, PAGE_MAX);
    buf_adds(&b, STR(HEAD));
    json_object_foreach(all, title, section) add_section(&b, title, section);
    buf_adds(&b, STR("</body></html>\n"));
    buf_addc(&b, '\0');
    json_decref(all);
    if (buf_status(&b))
        buf_fini(&b);
    x->reply.extra =
        STR("Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n");
    return give(x, (char *)buf_take(&b, &n), "text/html; charset=utf-8");
}
