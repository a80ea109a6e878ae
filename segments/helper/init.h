/* The fMP4 init segment of a track, by libavformat's mp4 muxer. [the helper's one thread] */
#ifndef SEGMENTS_HELPER_INIT_H
#define SEGMENTS_HELPER_INIT_H

#include "segments/index.h"

#include <libavcodec/avcodec.h>

/* ftyp and moov for `par`, in `timescale`, with an edit list that drops `priming` ticks. `frame` is
 * the first packet where the codec is configured by its frames (AC-3, E-AC-3), else empty.
 *   ERR_MEDIA  the muxer refuses what the file says of itself   ERR_NOMEM */
MUST_USE enum err init_write(const AVCodecParameters *par, uint32_t timescale, uint32_t priming,
                             struct str frame, struct buf *out);

#endif
