/* Frames of FLAC from sound that HLS cannot carry as it is: PCM and Vorbis. [the helper's one
 * thread] */
#ifndef SEGMENTS_HELPER_ENCODE_H
#define SEGMENTS_HELPER_ENCODE_H

#include "segments/helper/avio.h"
#include "segments/order.h"

/* Use once what the libraries set up lazily, and have them compute alike on every processor. */
void encode_warm_up(void);

/* The frames of `order` into `out`, as order_check has them. `why` (RECORD_WHY + 1 bytes) holds the
 * reason on error.
 *   ERR_MEDIA  the file is not what the order says   ERR_CANCELLED   ERR_IO   ERR_UNSUPPORTED */
MUST_USE enum err encode_frames(struct source *source, struct str order, struct buf *out,
                                char *why);

#endif
