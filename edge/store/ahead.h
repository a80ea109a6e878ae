/* Reading a run of a file into the page cache, once for all who want that run at the moment.
 * Private to store/: supply.h is the door. A flight like others: who asks first begins it, the last
 * one who leaves ends it within 64 KB. What lands is the source, or a failure. */
#ifndef EDGE_STORE_AHEAD_H
#define EDGE_STORE_AHEAD_H

#include "edge/store/flight.h"
#include "edge/watch/counters.h"

struct ahead_opts {
    struct flights *flights;
    struct pool *io;
    struct counters *counters; /* added to atomically */
};

/* `waiter` joins, or begins it; false: out of memory, and the waiter is the caller's still. `room`:
 * bytes of the buffer that it is read through. *joined: somebody was at it already. */
MUST_USE bool ahead_wait(const struct ahead_opts *opts, struct object *source,
                         struct index_span span, size_t room, struct waiter *waiter, bool *joined);

#endif
