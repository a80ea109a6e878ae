/* The wheel: 512 slots of 100 ms. A deadline further away than one turn (51 s) waits in its slot
 * for later turns. The loop ticks only while the wheel holds timers. Ten thousand paced listeners
 * are a thousand callbacks a tick, each of them a system call or two: the loop has its turn after
 * some.
 */
#include "edge/loop/timer.h"

#include "edge/base/must.h"

#include <event2/event.h>
#include <stdlib.h>

enum {
    SLOTS = 512,
    TURN = 64, /* callbacks before others get their turn */
};

struct timers {
    struct event tick;
    struct loop *loop;
    uint64_t done; /* all slots up to this tick have been looked at */
    bool ticking;
    struct loop_task again; /* for what is left of `due` */
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

/* True: it was its time, and its owner was called. */
static bool visit(struct timers *w, struct timer *t, uint64_t now)
{
    unlink_timer(t);
    if (t->deadline > now) {
        place(w, t);
        return false;
    }
    if (!t->deadline)
        return false;
    t->deadline = 0;
    t->on_time(t);
    return true;
}

/* A slot is emptied into `due` first: a callback may set or drop any timer meanwhile. */
static void empty_slot(struct timers *w, uint64_t tick)
{
    struct timer *t;
    while ((t = w->slots[tick % SLOTS])) {
        unlink_timer(t);
        push(&w->due, t);
    }
}

/* At most `turn` callbacks. False: there are more. */
static bool advance(struct timers *w, uint64_t now, size_t turn)
{
    uint64_t tick = now / TIMER_TICK;
    if (tick > w->done + SLOTS)
        w->done = tick - SLOTS; /* once round looks at every slot */
    for (;;) {
        while (w->due && turn)
            turn -= visit(w, w->due, now);
        if (w->due)
            return false;
        if (w->done >= tick)
            return true;
        empty_slot(w, ++w->done);
    }
}

void timers_advance(struct timers *w, uint64_t now) { (void)advance(w, now, SIZE_MAX); }

static bool is_empty(const struct timers *w)
{
    if (w->due)
        return false;
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
    if (!advance(w, loop_refresh(w->loop), TURN))
        loop_later(w->loop, &w->again);
    else if (is_empty(w)) {
        event_del(&w->tick);
        w->ticking = false;
    }
}

static void on_again(struct loop_task *task)
{
    struct timers *w = (struct timers *)(void *)((char *)task - offsetof(struct timers, again));
    if (!advance(w, loop_now(w->loop), TURN))
        loop_later(w->loop, task);
}

enum err timers_new(struct loop *l, struct timers **out)
{
    struct timers *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->loop = l;
    w->again.run = on_again;
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
    if (w->loop)
        loop_later_cancel(w->loop, &w->again);
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
