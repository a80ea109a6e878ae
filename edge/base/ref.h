/* A count of references, shared between threads. [any thread]
 * Taking one needs no order; the last release sees all that the others did. */
#ifndef EDGE_BASE_REF_H
#define EDGE_BASE_REF_H

#include "edge/base/must.h"

#include <stdatomic.h>
#include <stdbool.h>

struct ref {
    atomic_int count;
};

static inline void ref_init(struct ref *r) { atomic_init(&r->count, 1); }

static inline void ref_take(struct ref *r)
{
    int before = atomic_fetch_add_explicit(&r->count, 1, memory_order_relaxed);
    must(before > 0);
}

/* True when that was the last one: the caller frees what it guarded. */
static inline bool ref_drop(struct ref *r)
{
    int before = atomic_fetch_sub_explicit(&r->count, 1, memory_order_acq_rel);
    must(before > 0);
    return before == 1;
}

#endif
