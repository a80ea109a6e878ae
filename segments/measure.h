/* How large an encoded track's frames are. Nobody knows before they are encoded: the index that a
 * helper makes of such a track says how large they can be, and is enough for media playlists and
 * segments. A multivariant playlist has to name true rates (RFC 8216 4.3.4.2), so for it the frames
 * are encoded once, some at a time, and only their sizes kept. [one thread at a time] */
#ifndef SEGMENTS_MEASURE_H
#define SEGMENTS_MEASURE_H

#include "segments/index.h"

/* Samples, of all channels, of the longest track that is measured: three quarters of an hour of
 * stereo at 48 kHz, some six seconds of one core. Longer ones keep their bounds. */
#define MEASURE_MAX (UINT64_C(1) << 28)

struct measure;

/* Is it an encoded track whose frames' sizes are bounds and can be measured? */
bool measure_wanted(const struct index *x);
/* `x` is borrowed as long as this lives. NULL: out of memory. */
struct measure *measure_new(const struct index *x);
void measure_free(struct measure *m); /* NULL is fine */

/* The next order, and how many frames it is for; 0 when all frames are measured. */
MUST_USE enum err measure_next(struct measure *m, struct buf *order, uint32_t *frames);
/* What came back for it.   ERR_MEDIA */
MUST_USE enum err measure_take(struct measure *m, struct str reply);
/* The record of the index with the true sizes, when there are no orders left.
 *   ERR_MEDIA, ERR_TOO_BIG, ERR_NOMEM */
MUST_USE enum err measure_finish(struct measure *m, struct buf *out);

#endif
