/* Packed audio (RFC 8216 3.4): frames behind an ID3 tag that says when they begin. [any thread] */
#ifndef SEGMENTS_PACKED_H
#define SEGMENTS_PACKED_H

#include "segments/part.h"

enum { PACKED_TAG = 73 };

bool packed_fits(const struct index *x);
bool packed_by_span(const struct index *x);
uint64_t packed_size(const struct part *p);
void packed_head(const struct part *p, struct buf *out); /* the tag alone */
MUST_USE enum err packed_build(const struct part *p, struct str payload, struct buf *out);

#endif
