/* What one thread has counted: an array of numbers with that thread as its only writer.
 * Adding is a relaxed load and a relaxed store, with no locked instruction; anybody may read at any
 * time and sees each number either before or after an addition. The rows are in counters.def. */
#ifndef EDGE_WATCH_COUNTERS_H
#define EDGE_WATCH_COUNTERS_H

#include "edge/watch/close.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum counter {
#define COUNTER(name, metric, labels, type, help) COUNTER_##name,
#include "edge/watch/counters.def"
#undef COUNTER
    COUNTER_COUNT
};

struct counters {
    alignas(64) _Atomic uint64_t value[COUNTER_COUNT]; /* shares no cache line */
};

/* One row of counters.def. */
struct counter_row {
    const char *metric; /* "segue_requests_total" */
    const char *labels; /* "code=\"200\"", or "" */
    const char *type;   /* "counter" or "gauge" */
    const char *help;
};

/* All zero, on the heap; NULL when out of memory. [any thread] */
struct counters *counters_new(void);
void counters_free(struct counters *c); /* NULL is fine */

/* [the owning thread] */
static inline void counters_add(struct counters *c, enum counter which, uint64_t n)
{
    uint64_t now = atomic_load_explicit(&c->value[which], memory_order_relaxed);
    atomic_store_explicit(&c->value[which], now + n, memory_order_relaxed);
}

/* For gauges. One thread may take away what another added: the sum is right all the same. */
static inline void counters_sub(struct counters *c, enum counter which, uint64_t n)
{
    counters_add(c, which, UINT64_C(0) - n);
}

/* The row of a status code (COUNTER_CODE_OTHER for one without its own), of a close reason. */
enum counter counters_code(int status);
enum counter counters_closed(enum close_reason reason);

/* The sum of one row over `threads` arrays. [any thread] */
uint64_t counters_sum(struct counters *const *all, size_t threads, enum counter which);

const struct counter_row *counters_row(enum counter which); /* static */

#endif
