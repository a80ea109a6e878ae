/* Request durations in fixed buckets: see histogram.h. */
#include "edge/watch/histogram.h"

#include "edge/base/must.h"

#include <stdlib.h>

enum { OCTAVES = 64 };

static const struct {
    uint64_t ns;
    const char *seconds;
} BOUNDS[HISTOGRAM_BOUNDS] = {
    {500000, "0.0005"},  {1000000, "0.001"},  {2500000, "0.0025"}, {5000000, "0.005"},
    {10000000, "0.01"},  {25000000, "0.025"}, {50000000, "0.05"},  {100000000, "0.1"},
    {250000000, "0.25"}, {500000000, "0.5"},  {1000000000, "1"},   {2500000000, "2.5"},
    {5000000000, "5"},   {10000000000, "10"},
};

/* For a duration of 2^k to 2^(k+1) - 1 ns: the first bucket whose bound is at least 2^k. The
 * duration belongs there or, when it is over that bound, in the next. */
static const unsigned char FIRST[OCTAVES] = {
    0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  1,  2,  2,
    3,  4,  5,  6,  7,  8,  9,  10, 11, 11, 12, 13, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14,
    14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14,
};

struct histogram *histogram_new(void)
{
    struct histogram *h = aligned_alloc(alignof(struct histogram), sizeof *h);
    if (!h)
        return NULL;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        atomic_init(&h->bucket[i], 0);
    atomic_init(&h->sum_ns, 0);
    return h;
}

void histogram_free(struct histogram *h) { free(h); }

static size_t bucket_of(uint64_t ns)
{
    size_t bucket = FIRST[63 - __builtin_clzll(ns | 1)];
    if (bucket < HISTOGRAM_BOUNDS && ns > BOUNDS[bucket].ns)
        bucket++;
    return bucket;
}

static void add(_Atomic uint64_t *to, uint64_t n)
{
    uint64_t now = atomic_load_explicit(to, memory_order_relaxed);
    atomic_store_explicit(to, now + n, memory_order_relaxed);
}

void histogram_add(struct histogram *h, uint64_t ns)
{
    add(&h->bucket[bucket_of(ns)], 1);
    add(&h->sum_ns, ns);
}

static void add_one(const struct histogram *h, struct histogram_totals *out)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t n = atomic_load_explicit(&h->bucket[i], memory_order_relaxed);
        out->bucket[i] += n;
        out->count += n;
    }
    out->sum_ns += atomic_load_explicit(&h->sum_ns, memory_order_relaxed);
}

void histogram_sum(struct histogram *const *all, size_t threads, struct histogram_totals *out)
{
    *out = (struct histogram_totals){0};
    for (size_t i = 0; i < threads; i++)
        add_one(all[i], out);
}

uint64_t histogram_bound(size_t bucket)
{
    must(bucket < HISTOGRAM_BOUNDS);
    return BOUNDS[bucket].ns;
}

const char *histogram_bound_text(size_t bucket)
{
    must(bucket < HISTOGRAM_BOUNDS);
    return BOUNDS[bucket].seconds;
}

/* The point of a bucket that has `part` of its `whole` requests under it. */
static uint64_t within(size_t bucket, uint64_t part, uint64_t whole)
{
    uint64_t low = bucket ? BOUNDS[bucket - 1].ns : 0;
    double share = (double)part / (double)whole;
    return low + (uint64_t)((double)(BOUNDS[bucket].ns - low) * share);
}

uint64_t histogram_quantile(const struct histogram_totals *t, unsigned permille)
{
    must(permille <= 1000);
    uint64_t rank = (t->count * permille + 999) / 1000;
    uint64_t below = 0;
    if (t->count == 0)
        return 0;
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        if (t->bucket[i] && below + t->bucket[i] >= rank)
            return within(i, rank - below, t->bucket[i]);
        below += t->bucket[i];
    }
    return BOUNDS[HISTOGRAM_BOUNDS - 1].ns;
}
