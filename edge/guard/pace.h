/* How much of a track may go now: arithmetic on one number. [any thread: values only]
 * Everything is counted in *worth*: nanoseconds that sending something takes at the pace. At 1.5x a
 * second of sound is worth 2/3 of a second; at a fixed rate bytes are worth their share of one.
 * A listener has one bucket, kept as the time at which it will be full again (GCRA, ITU-T I.371,
 * as in limiter.h): a full one holds `after`, it fills by a second a second, and whoever sends
 * takes out what that is worth. So no rounding and no late timer adds up: what has gone by a time
 * is what may have gone by then. */
#ifndef EDGE_GUARD_PACE_H
#define EDGE_GUARD_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_QUANTUM UINT64_C(1000000000) /* worth that is waited for before more is sent, ns */

struct pace_terms {
    uint32_t permille; /* of the media's own rate: 1500 is one and a half; 0: `rate` counts */
    uint64_t rate;     /* bytes a second; with neither, nothing is paced */
    uint64_t after;    /* ns of sound, or of the fixed rate, that a full bucket holds */
};

static inline bool pace_is_on(const struct pace_terms *t) { return t->permille || t->rate; }

/* What a full bucket holds: at least two quanta, so that one that is waited for fits beside the
 * time that its timer is late. */
uint64_t pace_depth(const struct pace_terms *t);

/* What a bucket that is full at `full` holds now, and when it is full after `worth` was taken out
 * (which may be more than there is: then it is empty for longer). */
uint64_t pace_holds(const struct pace_terms *t, uint64_t full, uint64_t now);
uint64_t pace_take(uint64_t full, uint64_t now, uint64_t worth);

/* Sound in ns; for terms with `permille`. Past what 64 bits hold it is UINT64_MAX. */
uint64_t pace_worth_of_sound(const struct pace_terms *t, uint64_t sound);
uint64_t pace_sound_of(const struct pace_terms *t, uint64_t worth);
/* The same for a fixed rate. */
uint64_t pace_worth_of_bytes(const struct pace_terms *t, uint64_t bytes);
uint64_t pace_bytes_of(const struct pace_terms *t, uint64_t worth);

/* value * by / of without overflow: what does not fit is UINT64_MAX. must(of > 0) */
uint64_t pace_share(uint64_t value, uint64_t by, uint64_t of);

#endif
