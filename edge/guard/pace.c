/* Buckets as values: see pace.h. */
#include "edge/guard/pace.h"

#include "edge/base/must.h"

#define SECOND UINT64_C(1000000000)

uint64_t pace_share(uint64_t value, uint64_t by, uint64_t of)
{
    must(of);
    unsigned __int128 share = (unsigned __int128)value * by / of;
    return share > UINT64_MAX ? UINT64_MAX : (uint64_t)share;
}

uint64_t pace_depth(const struct pace_terms *t)
{
    uint64_t depth = t->permille ? pace_worth_of_sound(t, t->after) : t->after;
    return depth > 2 * PACE_QUANTUM ? depth : 2 * PACE_QUANTUM;
}

uint64_t pace_holds(const struct pace_terms *t, uint64_t full, uint64_t now)
{
    uint64_t depth = pace_depth(t), lacks = full > now ? full - now : 0;
    return lacks < depth ? depth - lacks : 0;
}

uint64_t pace_take(uint64_t full, uint64_t now, uint64_t worth)
{
    uint64_t from = full > now ? full : now;
    return worth < UINT64_MAX - from ? from + worth : UINT64_MAX;
}

uint64_t pace_worth_of_sound(const struct pace_terms *t, uint64_t sound)
{
    return pace_share(sound, 1000, t->permille);
}

uint64_t pace_sound_of(const struct pace_terms *t, uint64_t worth)
{
    return pace_share(worth, t->permille, 1000);
}

uint64_t pace_worth_of_bytes(const struct pace_terms *t, uint64_t bytes)
{
    return pace_share(bytes, SECOND, t->rate);
}

uint64_t pace_bytes_of(const struct pace_terms *t, uint64_t worth)
{
    return pace_share(worth, t->rate, SECOND);
}
