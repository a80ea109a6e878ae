/* Loading tracks ahead of a release: what a listener asks for first (playlists, the init segment,
 * the first segments, a small file whole) is asked for as a listener would, a few tracks at a time.
 * [loop] One of these a process; it does one prefix after the other's end. */
#ifndef EDGE_STORE_WARM_H
#define EDGE_STORE_WARM_H

#include "edge/store/supply.h"

enum { WARM_AT_ONCE = 4, WARM_SEGMENTS = 2, WARM_TRACKS_MAX = 1000000 };

struct warm;

struct warm_opts {
    const struct supply_seat *seat; /* borrowed, as all here */
    struct loop *loop;
    struct pool *io;
};

struct warm_state {
    bool running;
    uint64_t tracks; /* that have the prefix; 0 while they are being listed */
    uint64_t done;   /* of them, the failed included */
    uint64_t failed; /* no playlist could be made of them */
    enum err err;    /* why the tracks could not be listed */
};

MUST_USE enum err warm_new(const struct warm_opts *opts, struct warm **out); /* ERR_NOMEM */
void warm_stop(struct warm *w); /* gives all up; before the pools end; repeatable */
void warm_free(struct warm *w); /* after they have ended; NULL is fine */

/* Begin with all tracks whose path starts with `prefix` ("/album/").   ERR_BUSY: one is under way
 *   ERR_NOMEM, ERR_URI_LONG */
MUST_USE enum err warm_start(struct warm *w, struct str prefix);
struct warm_state warm_state(const struct warm *w);

#endif
