/* clock_gettime, in one place. */
#include "edge/base/clock.h"

#include "edge/base/must.h"

#include <time.h>

static uint64_t now(clockid_t id)
{
    struct timespec t;
    must(clock_gettime(id, &t) == 0);
    return (uint64_t)t.tv_sec * CLOCK_SECOND + (uint64_t)t.tv_nsec;
}

uint64_t clock_mono(void) { return now(CLOCK_MONOTONIC); }
uint64_t clock_wall_ns(void) { return now(CLOCK_REALTIME); }
int64_t clock_wall(void) { return (int64_t)(clock_wall_ns() / CLOCK_SECOND); }
