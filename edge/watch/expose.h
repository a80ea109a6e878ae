/* /metrics: everything counted, as Prometheus text (exposition format 0.0.4). [any thread] */
#ifndef EDGE_WATCH_EXPOSE_H
#define EDGE_WATCH_EXPOSE_H

#include "edge/base/buf.h"
#include "edge/watch/access.h"
#include "edge/watch/counters.h"
#include "edge/watch/histogram.h"

#define EXPOSE_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct expose_in {
    struct counters *const *counters;    /* one for each of `threads` */
    struct histogram *const *histograms; /* the same */
    struct histogram *const *redis;      /* the same, of Redis' answers; NULL: all 0 */
    size_t threads;
    const char *version; /* of the program, any text */
    uint64_t cache_bytes;
    uint64_t cache_objects;
    bool redis_breaker_open;
    struct access_stats access;
    size_t workers; /* of the threads, the first ones: what is said of each alone */
};

/* Adds the whole text. Out of room or memory is in buf_status(out); BUF_MAX_METRICS is plenty. */
void expose_metrics(struct buf *out, const struct expose_in *in);

#endif
