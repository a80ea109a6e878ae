/* Segments in an MPEG transport stream (ISO 13818-1; RFC 8216 3.2): PAT, PMT, then frames in PES
 * packets. Continuity counters go on from segment to segment; where they stand is computed, so any
 * edge makes any segment with the same bytes. [any thread] */
#ifndef SEGMENTS_TS_H
#define SEGMENTS_TS_H

#include "segments/part.h"

bool ts_fits(const struct index *x);
bool ts_by_span(const struct index *x); /* never */
uint64_t ts_size(const struct part *p);
void ts_head(const struct part *p, struct buf *out); /* nothing: TS is built as a whole */
MUST_USE enum err ts_build(const struct part *p, struct str payload, struct buf *out);

#endif
