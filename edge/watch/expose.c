/* Prometheus text: see expose.h. The rows of counters.def are walked in their order; where the
 * metric changes a new family begins with its HELP and TYPE, so the rows of a metric have to stand
 * together (a test sees to it). Help texts and labels of the table need no escaping. */
#include "edge/watch/expose.h"

#include "edge/base/clock.h"

#include <string.h>

static void add_family(struct buf *out, const char *metric, const char *type, const char *help)
{
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", metric, help, metric, type);
}

static void add_series(struct buf *out, const struct counter_row *row, uint64_t value)
{
    if (row->labels[0])
        buf_addf(out, "%s{%s} ", row->metric, row->labels);
    else
        buf_addf(out, "%s ", row->metric);
    buf_add_u64(out, value);
    buf_addc(out, '\n');
}

/* What is not counted per thread: the rows marked (given). */
static uint64_t value_of(const struct expose_in *in, enum counter which)
{
    uint64_t sum = counters_sum(in->counters, in->threads, which);
    switch (which) {
    case COUNTER_CACHE_BYTES:
        return sum + in->cache_bytes;
    case COUNTER_CACHE_OBJECTS:
        return sum + in->cache_objects;
    case COUNTER_REDIS_BREAKER_OPEN:
        return sum + in->redis_breaker_open;
    case COUNTER_ACCESS_DROPPED:
        return sum + in->access.dropped;
    case COUNTER_ACCESS_LOST:
        return sum + in->access.lost;
    default:
        return sum;
    }
}

static void add_counters(struct buf *out, const struct expose_in *in)
{
    const char *family = "";
    for (unsigned i = 0; i < COUNTER_COUNT; i++) {
        const struct counter_row *row = counters_row((enum counter)i);
        if (strcmp(row->metric, family) != 0)
            add_family(out, row->metric, row->type, row->help);
        family = row->metric;
        add_series(out, row, value_of(in, (enum counter)i));
    }
}

/* How the kernel shares connections between the workers' listeners; an uneven share is a core that
 * the others wait for. */
static void add_workers(struct buf *out, const struct expose_in *in)
{
    add_family(out, "segue_worker_connections", "gauge",
               "Connections that are open now, by worker");
    for (size_t i = 0; i < in->workers; i++)
        buf_addf(out, "segue_worker_connections{worker=\"%zu\"} %llu\n", i,
                 (unsigned long long)counters_sum(in->counters + i, 1, COUNTER_CONNECTIONS));
}

/* Seconds with all their nanoseconds, without a floating point number on the way. */
static void add_seconds(struct buf *out, uint64_t ns)
{
    buf_addf(out, "%llu.%09llu", (unsigned long long)(ns / CLOCK_SECOND),
             (unsigned long long)(ns % CLOCK_SECOND));
}

static void add_durations(struct buf *out, const char *name, const char *help,
                          const struct histogram_totals *t)
{
    uint64_t below = 0;
    add_family(out, name, "histogram", help);
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        below += t->bucket[i];
        buf_addf(out, "%s_bucket{le=\"%s\"} %llu\n", name, histogram_bound_text(i),
                 (unsigned long long)below);
    }
    buf_addf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum ", name, (unsigned long long)t->count, name);
    add_seconds(out, t->sum_ns);
    buf_addf(out, "\n%s_count %llu\n", name, (unsigned long long)t->count);
}

static void add_histograms(struct buf *out, const struct expose_in *in)
{
    struct histogram_totals requests, redis = {0};
    histogram_sum(in->histograms, in->threads, &requests);
    if (in->redis)
        histogram_sum(in->redis, in->threads, &redis);
    add_durations(out, "segue_request_duration_seconds",
                  "From the first byte of a request to the end of its answer", &requests);
    add_durations(out, "segue_redis_duration_seconds",
                  "From sending a command to Redis to its answer", &redis);
}

/* The format escapes backslash, double quote and line feed in a label's value, and nothing else. */
static void add_label_value(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '\\' || c == '"' || c == '\n')
            buf_addc(out, '\\');
        buf_addc(out, c == '\n' ? 'n' : c);
    }
}

static void add_build(struct buf *out, const char *version)
{
    add_family(out, "segue_build_info", "gauge", "Always 1; the labels say what is running");
    buf_adds(out, STR("segue_build_info{version=\""));
    add_label_value(out, str_of(version));
    buf_adds(out, STR("\"} 1\n"));
}

void expose_metrics(struct buf *out, const struct expose_in *in)
{
    add_counters(out, in);
    add_workers(out, in);
    add_histograms(out, in);
    add_build(out, in->version);
}
