/* What the admin listener may look at: everybody's counters, read-only. [any thread] */
#ifndef EDGE_SERVE_ADMIN_H
#define EDGE_SERVE_ADMIN_H

#include "edge/watch/access.h"
#include "edge/watch/counters.h"
#include "edge/watch/histogram.h"

struct supply;
struct purges;
struct root;
struct warm;

/* Owned by the server; valid as long as any service. */
struct admin_view {
    struct counters *const *counters;
    struct histogram *const *histograms;
    struct histogram *const *redis_answers; /* how long Redis took; the same */
    size_t threads;                         /* the workers, the pools, the main thread */
    size_t workers;                         /* of them, the first ones */
    const atomic_uint *redis_broken; /* workers that leave Redis alone; NULL: there is no Redis */
    struct supply *supply;
    struct access *access;
    const char *version;
    uint64_t started; /* monotonic ns */
    const atomic_bool *draining;
    struct root *root; /* of the media tree [main thread] */
    const char *audio_prefix;
    const char *hls_prefix;
    struct purges *purges; /* [main thread], as the next */
    struct warm *warm;
};

#endif
