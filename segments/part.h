/* One segment as the container writers see it, and the clock that TS and packed audio share. Only
 * the writers (fmp4, ts, packed) and segment.c include this. [any thread] */
#ifndef SEGMENTS_PART_H
#define SEGMENTS_PART_H

#include "segments/segment.h"

struct part {
    const struct cut *cut;
    uint32_t number;
    uint32_t from; /* packets [from, to): never empty */
    uint32_t to;
    const struct str *frames; /* what a helper encoded (order_check), where that is at hand */
};

/* Timestamps of 33 bits at 90 kHz (ISO 13818-1 2.4.3.7). A track begins at ten seconds, so that
 * what has to lie ahead of it (a clock reference) needs no negative time; TS and packed audio
 * agree, which lets a player go from one to the other. */
#define PART_CLOCK 90000
#define PART_FIRST (UINT64_C(10) * PART_CLOCK)
#define PART_CLOCK_MASK ((UINT64_C(1) << 33) - 1)

static inline uint64_t part_stamp(const struct index *x, uint32_t packet)
{
    uint64_t ticks = index_start(x, packet); /* seconds are limited: no overflow */
    return (PART_FIRST + ticks * PART_CLOCK / index_info(x)->timescale) & PART_CLOCK_MASK;
}

#endif
