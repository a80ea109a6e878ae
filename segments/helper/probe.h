/* Making the index of a media file with libavformat. [the helper's one thread]
 * Runs inside the sandbox: nothing here opens, connects or starts anything. */
#ifndef SEGMENTS_HELPER_PROBE_H
#define SEGMENTS_HELPER_PROBE_H

#include "segments/helper/avio.h"
#include "segments/index.h"

/* Use once what libraries set up lazily, while files may still be opened. */
void probe_warm_up(void);

/* The index record of `source` into `out`. `why` (RECORD_WHY + 1 bytes) holds the reason on error.
 *   ERR_UNSUPPORTED  sound that HLS cannot carry   ERR_MEDIA  broken, or no sound
 *   ERR_CANCELLED   ERR_IO   ERR_NOMEM  it needs more than a helper may have */
MUST_USE enum err probe_index(struct source *source, struct buf *out, char *why);

#endif
