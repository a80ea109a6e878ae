/* Many coarse timers: a hashed wheel of one loop. [loop]
 * Deadlines of connections are seconds away and nearly always moved before they come, so moving
 * one is a store: the timer stays in its slot and is put where it belongs when the slot comes up.
 * Setting, moving and turning off cost the same among a million as for one. A timer fires up to
 * TIMER_TICK late, never early; later where so many are due that others get their turn in between.
 * Varghese and Lauck, "Hashed and hierarchical timing wheels" (1987), scheme 6. */
#ifndef EDGE_LOOP_TIMER_H
#define EDGE_LOOP_TIMER_H

#include "edge/base/clock.h"
#include "edge/loop/loop.h"

#define TIMER_TICK (100 * CLOCK_MS)

struct timers;

/* Embedded; zeroed before first use. */
struct timer {
    struct timer *next;
    struct timer **link; /* what points at this one; NULL when it is in no slot */
    uint64_t deadline;   /* nanoseconds, monotonic; 0 when it is off */
    uint64_t slot_tick;  /* the tick of the slot it is in */
    void (*on_time)(struct timer *);
};

MUST_USE enum err timers_new(struct loop *l, struct timers **out); /* ERR_NOMEM */
void timers_free(struct timers *w); /* timers still in it are forgotten */

/* Call on_time once at `deadline` or soon after; a timer that was set is moved. */
void timer_set(struct timers *w, struct timer *t, uint64_t deadline);
bool timer_is_on(const struct timer *t); /* it was set, has not fired and was not turned off */
void timer_off(struct timer *t);         /* cheap: it stays in its slot until that comes up */
void timer_drop(struct timer *t);        /* out of the wheel: before its memory goes */

/* What the loop's own tick does; public for tests, which bring their own time. */
void timers_advance(struct timers *w, uint64_t now);

#endif
