/* The wheel: 512 slots of 100 ms. A deadline further away than one turn (51 s) waits in its slot
 * for later turns. The loop ticks only while the wheel holds timers. */
#include "edge/loop/timer.h"

#include "edge/base/must.h"

#include <event2/event.h>
#include <stdlib.h>

enum { SLOTS = 512 };

struct timers {
    struct event tick;
    struct loop *loop;
    uint64_t done; /* all slots up to this tick have been looked at */
    bool ticking;
    struct timer *slots[SLOTS];
    struct timer *due; /* taken from the slot that is looked at */
};

static void unlink_timer(struct timer *t)
{
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    t->link = NULL;
}

static void push(struct timer **head, struct timer *t)
{
    t->next = *head;
    if (t->next)
        t->next->link = &t->next;
    t->link = head;
    *head = t;
}

static void start_ticking(struct timers *w)
{
    static const struct timeval period = {0, TIMER_TICK / 1000};
    if (w->ticking || !w->loop)
        return;
    must(event_add(&w->tick, &period) == 0);
    w->ticking = true;
}

/* The first tick that begins at or after the deadline, and is still to come. */
static void place(struct timers *w, struct timer *t)
{
    uint64_t tick = (t->deadline + TIMER_TICK - 1) / TIMER_TICK;
    if (tick <= w->done)
        tick = w->done + 1;
    t->slot_tick = tick;
    push(&w->slots[tick % SLOTS], t);
}

static void visit(struct timers *w, struct timer *t, uint64_t now)
{
    unlink_timer(t);
    if (t->deadline && t->deadline > now) {
        place(w, t);
        return;
    }
    if (t->deadline) {
        t->deadline = 0;
        t->on_time(t);
    }
}

/* A slot is emptied into `due` first: a callback may set or drop any timer meanwhile. */
static void look_at_slot(struct timers *w, uint64_t tick, uint64_t now)
{
    must(w->due == NULL);
    struct timer *t;
    while ((t = w->slots[tick % SLOTS])) {
        unlink_timer(t);
        push(&w->due, t);
    }
    while (w->due)
        visit(w, w->due, now);
}

void timers_advance(struct timers *w, uint64_t now)
{
    uint64_t tick = now / TIMER_TICK;
    if (tick > w->done + SLOTS)
        w->done = tick - SLOTS; /* once round looks at every slot */
    while (w->done < tick) {
        w->done++;
        look_at_slot(w, w->done, now);
    }
}

static bool is_empty(const struct timers *w)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (w->slots[i])
            return false;
    return true;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct timers *w = arg;
    (void)fd;
    (void)what;
    timers_advance(w, loop_refresh(w->loop));
    if (is_empty(w)) {
        event_del(&w->tick);
        w->ticking = false;
    }
}

enum err timers_new(struct loop *l, struct timers **out)
{
    struct timers *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->loop = l;
    if (l) {
        w->done = loop_now(l) / TIMER_TICK;
        must(event_assign(&w->tick, loop_base(l), -1, EV_PERSIST, on_tick, w) == 0);
    }
    *out = w;
    return ERR_NONE;
}

void timers_free(struct timers *w)
{
    if (!w)
        return;
    if (w->ticking)
        event_del(&w->tick);
    free(w);
}

void timer_set(struct timers *w, struct timer *t, uint64_t deadline)
{
    must(deadline && t->on_time);
    bool sooner = t->link && deadline / TIMER_TICK + 1 < t->slot_tick;
    t->deadline = deadline;
    if (t->link && !sooner)
        return;
    if (t->link)
        unlink_timer(t);
    if (!w->ticking && w->loop)
        w->done = loop_now(w->loop) / TIMER_TICK;
    place(w, t);
    start_ticking(w);
}

bool timer_is_on(const struct timer *t) { return t->deadline != 0; }
void timer_off(struct timer *t) { t->deadline = 0; }

void timer_drop(struct timer *t)
{
    t->deadline = 0;
    if (t->link)
        unlink_timer(t);
}
