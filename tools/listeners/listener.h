/* One listener: a connection of its own, over which it plays one track after the other at the pace
 * of the sound. [loop thread] It asks for the master playlist, the media playlist, the init segment
 * and then for segments, so that some are always ready; it hears a track from when its first
 * segment is there, and stalls when what is ready has been heard and the next piece is not there
 * yet. After an error it waits a second and begins the next track. */
#ifndef TOOLS_LISTENERS_LISTENER_H
#define TOOLS_LISTENERS_LISTENER_H

#include "tools/listeners/options.h"
#include "tools/listeners/plan.h"
#include "tools/listeners/stats.h"

struct event_base;

/* What all listeners of a run share; outlives them. */
struct run {
    struct event_base *base;
    const struct options *options;
    struct stats *stats;
    struct plan_table *plans;
    uint64_t random; /* state; never 0 */
    unsigned said;   /* faults that were printed */
};

struct listener;

/* The one of that number, which will come `after` nanoseconds from now; NULL when out of memory. */
struct listener *listener_new(struct run *run, uint64_t number, uint64_t after);
void listener_free(struct listener *l); /* counts what it has heard until now */

uint64_t run_random(struct run *run); /* 64 random bits */

#endif
