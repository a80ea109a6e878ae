/* Reading a run of a file into the page cache, once for all who want that run at the moment.
 * A flight like others: who asks first begins it, who asks meanwhile joins, and the last one who
 * leaves ends it within 64 KB. */
#ifndef EDGE_STORE_AHEAD_H
#define EDGE_STORE_AHEAD_H

#include "edge/store/supply.h"

struct ahead_opts {
    struct flights *flights;
    struct pool *io;
    struct counters *counters; /* added to atomically */
};

/* Wait until the run of the source is in memory; it is read through a buffer of `room` bytes.
 * `landed` is called on the seat's loop with the source, or with NULL or a failure. NULL: out of
 * memory. The waiter frees itself after `landed`, unless it is left before. [loop] */
struct waiter *ahead_read(const struct supply_seat *seat, struct object *source,
                          struct index_span span, size_t room, waiter_fn *landed, void *owner);
void ahead_leave(const struct supply_seat *seat, struct waiter *waiter);

#endif
