/* How often, and how often at once, a client may: token buckets and counts by address, in a table
 * that never grows. [any thread] No lock: an entry is two words.
 * A bucket is one number, the time at which it will be full again (GCRA, ITU-T I.371): one that is
 * full needs no entry, and where a set of entries is taken the one that is nearest to full makes
 * room. So a flood of addresses pushes out its own kind, and whoever is held back stays held back.
 * An IPv6 client is its /64. */
#ifndef EDGE_GUARD_LIMITER_H
#define EDGE_GUARD_LIMITER_H

#include "edge/base/err.h"
#include "edge/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LIMITER_ENTRIES = 1 << 20 }; /* 16 MB, touched as they are used */

struct limiter;
struct limiter_entry;

struct limiter_rate {
    uint64_t interval; /* ns from one to the next; 0: there is no limit */
    uint32_t burst;    /* at least 1: at once, from a full bucket */
};

/* `entries` is a power of two, at least 8.   ERR_NOMEM */
MUST_USE enum err limiter_new(size_t entries, struct limiter **out);
void limiter_free(struct limiter *l); /* NULL is fine */

/* Take one from the client's bucket; 0, or how many ns it has to wait for the next. */
uint64_t limiter_take(struct limiter *l, const uint8_t ip[16], const struct limiter_rate *rate,
                      uint64_t now);

/* One more at once, of `most`. False: too many. *held is for limiter_leave; NULL where the table
 * had no room and it is not counted. A table is for limiter_take, for this or for debts alone. */
bool limiter_join(struct limiter *l, const uint8_t ip[16], uint32_t most,
                  struct limiter_entry **held);
void limiter_leave(struct limiter_entry *held); /* NULL is fine */

/* What a listener of a track owes to its pace when the connection ends, for the next one to take
 * over: the time at which its bucket is full again, in a table of its own. It is kept where the set
 * has room for it or something smaller, since what is lost only makes somebody faster. */
void limiter_leave_debt(struct limiter *l, uint64_t whose, uint64_t full);
uint64_t limiter_take_debt(struct limiter *l, uint64_t whose); /* 0: none; it is gone then */
/* Whose: of an address (an IPv6 one's /64) and what it listens to. Never 0. */
uint64_t limiter_listener(const uint8_t ip[16], struct str track);

#endif
