/* The rows of counters.def as a table, and sums over threads: see counters.h. */
#include "edge/watch/counters.h"

#include "edge/base/must.h"

#include <stdlib.h>

static const struct counter_row ROWS[COUNTER_COUNT] = {
#define COUNTER(name, metric, labels, type, help) {metric, labels, #type, help},
#include "edge/watch/counters.def"
#undef COUNTER
};

enum { LOWEST_CODE = 100, CODES = 500 };

/* 0 (the row of code 200, which needs no entry to be found) stands for "no row of its own". */
static const unsigned char CODE_ROW[CODES] = {
#define CODE(status) [status - LOWEST_CODE] = COUNTER_CODE_##status,
#include "edge/watch/code.def"
#undef CODE
};

_Static_assert(COUNTER_CODE_200 == 0, "CODE_ROW takes 0 for a code without a row");
_Static_assert(COUNTER_CODE_OTHER <= UINT8_MAX, "CODE_ROW holds bytes");

struct counters *counters_new(void)
{
    struct counters *c = aligned_alloc(alignof(struct counters), sizeof *c);
    if (!c)
        return NULL;
    for (size_t i = 0; i < COUNTER_COUNT; i++)
        atomic_init(&c->value[i], 0);
    return c;
}

void counters_free(struct counters *c) { free(c); }

enum counter counters_code(int status)
{
    if (status == 200)
        return COUNTER_CODE_200;
    if (status < LOWEST_CODE || status >= LOWEST_CODE + CODES)
        return COUNTER_CODE_OTHER;
    unsigned char row = CODE_ROW[status - LOWEST_CODE];
    return row ? (enum counter)row : COUNTER_CODE_OTHER;
}

enum counter counters_closed(enum close_reason reason)
{
    must((unsigned)reason < CLOSE_COUNT);
    return (enum counter)(COUNTER_CLOSED_DONE + reason);
}

uint64_t counters_sum(struct counters *const *all, size_t threads, enum counter which)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < threads; i++)
        sum += atomic_load_explicit(&all[i]->value[which], memory_order_relaxed);
    return sum;
}

const struct counter_row *counters_row(enum counter which)
{
    must((unsigned)which < COUNTER_COUNT);
    return &ROWS[which];
}
