/* Packed audio: one tag of 73 bytes, then frames that stand alone. */
#include "segments/packed.h"

#include "segments/adts.h"

bool packed_fits(const struct index *x) { return adts_stands_alone(x); }

bool packed_by_span(const struct index *x) { return adts_missing(x) == 0; }

uint64_t packed_size(const struct part *p)
{
    const struct index *x = p->cut->index;
    return PACKED_TAG + index_bytes(x, p->from, p->to) +
           (uint64_t)(p->to - p->from) * adts_missing(x);
}

/* RFC 8216 3.4: a PRIV frame whose owner is Apple's, with the timestamp in eight octets. The sizes
 * are below 128, so ID3v2.4's seven-bit integers look like usual ones. */
void packed_head(const struct part *p, struct buf *out)
{
    static const char owner[] = "com.apple.streaming.transportStreamTimestamp";
    enum { FRAME = sizeof owner + 8, TAG = 10 + FRAME };
    _Static_assert(10 + TAG == PACKED_TAG, "the tag has its canonical size");
    buf_adds(out, STR("ID3\x04\0\0"));
    buf_be32(out, TAG);
    buf_adds(out, STR("PRIV"));
    buf_be32(out, FRAME);
    buf_be16(out, 0);
    buf_add(out, owner, sizeof owner);
    buf_be64(out, part_stamp(p->cut->index, p->from));
}

enum err packed_build(const struct part *p, struct str payload, struct buf *out)
{
    packed_head(p, out);
    adts_frames(p->cut->index, p->from, p->to, payload, out);
    return buf_status(out);
}
