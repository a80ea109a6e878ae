/* When to leave alone what keeps failing: values and arithmetic, no clock. [one thread at a time]
 * Closed, everybody may ask. After BREAKER_LIMIT failures in a row it opens: nobody asks, but one
 * probe when it is due; a probe that fails doubles the wait, one that works closes the breaker. */
#ifndef EDGE_STORE_BREAKER_H
#define EDGE_STORE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum { BREAKER_LIMIT = 5 };

#define BREAKER_FIRST UINT64_C(250000000) /* ns: the longest first wait */
#define BREAKER_LAST UINT64_C(4000000000) /* ns: the longest wait of all */

struct breaker {       /* zeroed: closed */
    unsigned failures; /* in a row */
    unsigned probes;   /* that failed, since it opened */
    uint64_t due;      /* when the next probe is, while it is open */
};

bool breaker_is_open(const struct breaker *b);
/* `random`: any 64 bits; waits lie between the half and the whole of what is doubled, so that
 * many edges do not knock at once. */
void breaker_failed(struct breaker *b, uint64_t now, uint64_t random);
void breaker_worked(struct breaker *b);

#endif
