/* Counting failures, and how long to wait after them. */
#include "edge/store/breaker.h"

bool breaker_is_open(const struct breaker *b) { return b->failures >= BREAKER_LIMIT; }

static uint64_t wait_after(unsigned probes)
{
    uint64_t wait = BREAKER_FIRST;
    while (probes-- && wait < BREAKER_LAST)
        wait *= 2;
    return wait < BREAKER_LAST ? wait : BREAKER_LAST;
}

void breaker_failed(struct breaker *b, uint64_t now, uint64_t random)
{
    if (b->failures < BREAKER_LIMIT)
        b->failures++;
    if (!breaker_is_open(b))
        return;
    uint64_t half = wait_after(b->probes) / 2;
    b->due = now + half + random % (half + 1);
    if (b->probes < 16)
        b->probes++;
}

void breaker_worked(struct breaker *b) { *b = (struct breaker){0}; }
