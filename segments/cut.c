/* Where segments begin and end. Nothing is stored: boundary k is computed from k, so that a cut is
 * three words however long the track is, every edge cuts alike, and no error adds up.
 *
 * Two boundaries never fall on the same packet, since the target is at least as long as the longest
 * packet: points a packet or more apart have different nearest packet boundaries. */
#include "edge/base/must.h"
#include "segments/segment.h"

/* A fast start: milliseconds of the first segments, and where they end. */
static const uint32_t RAMP[] = {1000, 2000, 4000};
static const uint32_t RAMP_END[] = {0, 1000, 3000, 7000};

enum { RAMP_COUNT = sizeof RAMP / sizeof *RAMP };

static uint64_t ms_of(const struct cut *c, uint32_t k)
{
    uint32_t short_ones = k < c->ramp ? k : c->ramp;
    return RAMP_END[short_ones] + (uint64_t)(k - short_ones) * c->target_ms;
}

/* Boundary k in ticks. An index lasts at most INDEX_SECONDS_MAX and k targets at most one target
 * longer, so this stays far below 2^64. */
static uint64_t ticks_of(const struct cut *c, uint32_t k)
{
    uint64_t timescale = index_info(c->index)->timescale;
    return (ms_of(c, k) * timescale + 500) / 1000;
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

static uint32_t count_segments(const struct cut *c)
{
    const struct index_info *info = index_info(c->index);
    uint64_t target = (uint64_t)c->target_ms * info->timescale, whole = info->duration * 1000;
    uint64_t ramp = ms_of(c, c->ramp) * info->timescale;
    uint32_t count = c->ramp;
    if (info->packets == 0)
        return 0;
    if (whole > ramp)
        count += (uint32_t)((whole - ramp + target - 1) / target);
    /* Less than half a packet would remain, or a part of the fast start is all there is. */
    while (count > 1 && nearest(c, count - 1) == info->packets)
        count--;
    return count;
}

struct cut cut_make(const struct index *x, uint32_t target_ms)
{
    uint32_t least = longest_ms(x);
    struct cut c = {.index = x, .target_ms = target_ms > least ? target_ms : least};
    c.count = count_segments(&c);
    return c;
}

struct cut cut_make_fast(const struct index *x, uint32_t target_ms)
{
    struct cut c = cut_make(x, target_ms);
    if (longest_ms(x) > RAMP[0])
        return c;
    while (c.ramp < RAMP_COUNT && RAMP[c.ramp] < c.target_ms)
        c.ramp++;
    c.count = count_segments(&c);
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
