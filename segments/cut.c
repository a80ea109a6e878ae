/* Where segments begin and end. Nothing is stored: boundary k is computed from k, so that a cut is
 * three words however long the track is, every edge cuts alike, and no error adds up.
 *
 * Two boundaries never fall on the same packet, since the target is at least as long as the longest
 * packet: points a packet or more apart have different nearest packet boundaries. */
#include "edge/base/must.h"
#include "segments/segment.h"

/* Boundary k in ticks. An index lasts at most INDEX_SECONDS_MAX and k targets at most one target
 * longer, so this stays far below 2^64. */
static uint64_t ticks_of(const struct cut *c, uint32_t k)
{
    uint64_t timescale = index_info(c->index)->timescale;
    return ((uint64_t)k * c->target_ms * timescale + 500) / 1000;
}

static uint32_t nearest(const struct cut *c, uint32_t k)
{
    return index_at(c->index, ticks_of(c, k));
}

/* The longest packet, in milliseconds rounded up. */
static uint32_t longest_ms(const struct index *x)
{
    uint64_t timescale = index_info(x)->timescale;
    return (uint32_t)((index_max_ticks(x) * UINT64_C(1000) + timescale - 1) / timescale);
}

struct cut cut_make(const struct index *x, uint32_t target_ms)
{
    const struct index_info *info = index_info(x);
    uint32_t least = longest_ms(x);
    struct cut c = {x, target_ms > least ? target_ms : least, 0};
    if (info->packets == 0)
        return c;
    uint64_t target = (uint64_t)c.target_ms * info->timescale;
    c.count = (uint32_t)((info->duration * 1000 + target - 1) / target);
    while (c.count > 1 && nearest(&c, c.count - 1) == info->packets)
        c.count--; /* less than half a packet would remain */
    return c;
}

uint32_t cut_boundary(const struct cut *c, uint32_t k)
{
    must(k <= c->count);
    return k < c->count ? nearest(c, k) : index_info(c->index)->packets;
}

void cut_segment(const struct cut *c, uint32_t number, uint32_t *from, uint32_t *to)
{
    must(number < c->count);
    *from = cut_boundary(c, number);
    *to = cut_boundary(c, number + 1);
}
