/* Segments in fragmented MP4 (ISO 14496-12 8.8, CMAF): a moof, the head of an mdat, the samples.
 * The init segment is the helper's; it describes one track with the id 1, in the index's timescale,
 * and its edit list drops the priming, so decode times here begin at 0. [any thread] */
#ifndef SEGMENTS_FMP4_H
#define SEGMENTS_FMP4_H

#include "segments/part.h"

bool fmp4_fits(const struct index *x);
bool fmp4_by_span(const struct index *x); /* false: samples lose their ADTS headers first */
uint64_t fmp4_size(const struct part *p);
void fmp4_head(const struct part *p, struct buf *out);
/* ERR_MEDIA: a frame is not what the index says */
MUST_USE enum err fmp4_build(const struct part *p, struct str payload, struct buf *out);

#endif
