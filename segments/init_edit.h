/* What has to be changed in an init segment before it is served. [any thread] */
#ifndef SEGMENTS_INIT_EDIT_H
#define SEGMENTS_INIT_EDIT_H

#include "edge/base/buf.h"

/* Copy `init` (ftyp and moov of one track without an edit list) to `out` with the media's
 * timescale set, and, where priming is not 0, with an edit list that starts the presentation
 * `priming` ticks into the media (ISO 14496-12 8.6.6; its duration is 0, as it is in a fragmented
 * file, where it means "to the end").
 *   ERR_MEDIA  the boxes are not as a muxer writes them   ERR_NOMEM, ERR_TOO_BIG */
MUST_USE enum err init_edit(struct str init, uint32_t timescale, uint32_t priming, struct buf *out);

#endif
