/* The few objects that one loop sends most, at hand: found without a lock, held without a count
 * that other threads touch, so that workers which send the same object don't take its memory from
 * each other. Private to store/, but for its making. [loop]
 * What is found here is as true as what the cache would say: the source has to be believed as ever,
 * and neither may have left the cache since. It is looked up there again every NEAR_TRUST, so that
 * the cache knows what is in use, and is given back when a second has gone by without a request.
 * A song that is sent from its file is not kept here: it is its own source. */
#ifndef EDGE_STORE_NEAR_H
#define EDGE_STORE_NEAR_H

#include "edge/loop/timer.h"
#include "edge/store/supply.h"

enum { NEAR_SLOTS = 128 };

#define NEAR_TRUST (100 * CLOCK_MS)

MUST_USE enum err near_new(struct loop *l, struct timers *timers,
                           struct near **out); /* ERR_NOMEM */
void near_free(struct near *n);                /* all have been given back; NULL is fine */

/* True: the wish has `object`, `source` and, instead of references of its own, `held`. */
bool near_find(struct near *n, struct wish *w);
void near_give(struct near_entry *e);
/* The cache had what the wish asked for, in `coding` at first: the second time in a row it is kept
 * here, in place of what shares its slot. */
void near_note(struct near *n, const struct wish *w, enum coding coding);

#endif
