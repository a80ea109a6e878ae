/* How long requests took: counts in fixed buckets, one struct a thread, with that thread as its
 * only writer; read from anywhere, as counters are.
 * The upper bounds are 0.5 ms to 10 s in steps of 2 or 2.5, inclusive as Prometheus' `le`; so an
 * octave holds at most one bound, and a bucket is found with one table look-up and one compare. */
#ifndef EDGE_WATCH_HISTOGRAM_H
#define EDGE_WATCH_HISTOGRAM_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HISTOGRAM_BOUNDS = 14,
    HISTOGRAM_BUCKETS, /* one more: what is over the last bound */
};

struct histogram {
    alignas(64) _Atomic uint64_t bucket[HISTOGRAM_BUCKETS];
    _Atomic uint64_t sum_ns;
};

/* The sum of several threads at one moment. */
struct histogram_totals {
    uint64_t bucket[HISTOGRAM_BUCKETS]; /* not cumulative */
    uint64_t count;                     /* the sum of bucket[] */
    uint64_t sum_ns;
};

/* All zero, on the heap; NULL when out of memory. [any thread] */
struct histogram *histogram_new(void);
void histogram_free(struct histogram *h); /* NULL is fine */

void histogram_add(struct histogram *h, uint64_t ns); /* [the owning thread] */

void histogram_sum(struct histogram *const *all, size_t threads, struct histogram_totals *out);

/* The upper bound of a bucket below HISTOGRAM_BOUNDS, in nanoseconds and as Prometheus text. */
uint64_t histogram_bound(size_t bucket);
const char *histogram_bound_text(size_t bucket);

/* Nanoseconds under which `permille` (0 to 1000) of a thousand requests lie: linear within a
 * bucket; the last bound for what is over it; 0 when there is nothing. */
uint64_t histogram_quantile(const struct histogram_totals *t, unsigned permille);

#endif
