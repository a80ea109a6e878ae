/* The one way to a segment of any container: look the number up, ask the container's writer. */
#include "segments/segment.h"

#include "edge/base/must.h"
#include "segments/adts.h"
#include "segments/crypt.h"
#include "segments/fmp4.h"
#include "segments/order.h"
#include "segments/packed.h"
#include "segments/ts.h"

struct writer {
    bool (*fits)(const struct index *x); /* can this track go in there? */
    bool (*by_span)(const struct index *x);
    uint64_t (*size)(const struct part *p);
    void (*head)(const struct part *p, struct buf *out); /* what stands before the spans */
    enum err (*build)(const struct part *p, struct str payload, struct buf *out);
};

/* Bytes: frames as they stand in the file. AAC that has no headers there could not be played, and
 * what lies between two runs of frames would be played too. */
static bool bytes_fits(const struct index *x)
{
    enum codec codec = index_info(x)->codec;
    return (codec == CODEC_MP3 || codec == CODEC_AAC) && adts_stands_alone(x) &&
           adts_missing(x) == 0 && index_spans(x, 0, index_info(x)->packets, NULL, 0) <= 1;
}

static bool bytes_by_span(const struct index *x)
{
    (void)x;
    return true;
}

static uint64_t bytes_size(const struct part *p)
{
    return index_bytes(p->cut->index, p->from, p->to);
}

static void bytes_head(const struct part *p, struct buf *out)
{
    (void)p;
    (void)out;
}

static enum err bytes_build(const struct part *p, struct str payload, struct buf *out)
{
    (void)p;
    buf_adds(out, payload);
    return buf_status(out);
}

static const struct writer WRITERS[CONTAINER_COUNT] = {
    [CONTAINER_FMP4] = {fmp4_fits, fmp4_by_span, fmp4_size, fmp4_head, fmp4_build},
    [CONTAINER_TS] = {ts_fits, ts_by_span, ts_size, ts_head, ts_build},
    [CONTAINER_PACKED] = {packed_fits, packed_by_span, packed_size, packed_head, packed_build},
    [CONTAINER_BYTES] = {bytes_fits, bytes_by_span, bytes_size, bytes_head, bytes_build},
};

static enum err find_part(const struct cut *c, enum container in, uint32_t number, struct part *out)
{
    must((unsigned)in < CONTAINER_COUNT);
    if (!WRITERS[in].fits(c->index))
        return ERR_NOT_ACCEPTABLE;
    if (number >= c->count)
        return ERR_NOT_FOUND;
    *out = (struct part){.cut = c, .number = number};
    cut_segment(c, number, &out->from, &out->to);
    return ERR_NONE;
}

bool segment_fits(const struct index *x, enum container in)
{
    must((unsigned)in < CONTAINER_COUNT);
    return WRITERS[in].fits(x);
}

enum err segment_head(const struct cut *c, enum container in, uint32_t number, struct buf *head,
                      uint32_t *from, uint32_t *to, bool *by_span)
{
    struct part p;
    TRY(find_part(c, in, number, &p));
    *from = p.from;
    *to = p.to;
    *by_span = WRITERS[in].by_span(c->index);
    if (*by_span)
        WRITERS[in].head(&p, head);
    return buf_status(head);
}

enum err segment_build(const struct cut *c, enum container in, uint32_t number, struct str payload,
                       struct buf *out)
{
    struct part p;
    TRY(find_part(c, in, number, &p));
    must(payload.n == index_bytes(c->index, p.from, p.to));
    return WRITERS[in].build(&p, payload, out);
}

enum err segment_of_frames(const struct cut *c, enum container in, uint32_t number,
                           struct str reply, struct buf *out)
{
    struct part p;
    must(index_source(c->index));
    TRY(find_part(c, in, number, &p));
    TRY(order_check(reply, p.to - p.from, false));
    p.frames = &reply;
    return WRITERS[in].build(&p, order_frames(reply, p.to - p.from), out);
}

uint64_t segment_size(const struct cut *c, enum container in, uint32_t number)
{
    struct part p;
    if (find_part(c, in, number, &p))
        return 0;
    uint64_t size = WRITERS[in].size(&p);
    return c->sealed ? crypt_size(size) : size;
}
