/* edge/loop/timer: the wheel, turned by the test's own time. */
#include "edge/loop/timer.h"

#include "tests/unit/loop/turn.h"

#include <event2/event.h>

#define SECOND CLOCK_SECOND
#define HOUR (3600 * SECOND)

static struct timers *wheel;
static uint64_t now;

struct probe {
    struct timer timer; /* first */
    unsigned fired;
    uint64_t at; /* when it fired last */
    struct timer *other;
};

static void on_time(struct timer *t)
{
    struct probe *p = (struct probe *)t;
    p->fired++;
    p->at = now;
}

static struct probe probe_of(void (*fn)(struct timer *))
{
    return (struct probe){.timer = {.on_time = fn}};
}

static void go_to(uint64_t time)
{
    now = time;
    timers_advance(wheel, now);
}

/* In steps of 10 ms, as often as the loop could possibly turn. */
static void pass(uint64_t until)
{
    while (now < until)
        go_to(now + 10 * CLOCK_MS);
}

static int new_wheel(void **state)
{
    (void)state;
    assert_int_equal(timers_new(NULL, &wheel), ERR_NONE);
    go_to(1000 * SECOND);
    return 0;
}

static int free_wheel(void **state)
{
    (void)state;
    timers_free(wheel);
    return 0;
}

static void fires_once_never_early_and_up_to_a_tick_late(void **state)
{
    (void)state;
    static const uint64_t after[] = {1,           CLOCK_MS,         TIMER_TICK - 1,
                                     TIMER_TICK,  TIMER_TICK + 1,   3 * SECOND / 2,
                                     51 * SECOND, 51200 * CLOCK_MS, 51200 * CLOCK_MS + 1,
                                     60 * SECOND, 103 * SECOND,     1000 * SECOND};
    for (size_t i = 0; i < sizeof after / sizeof after[0]; i++) {
        struct probe p = probe_of(on_time);
        uint64_t deadline = now + after[i];
        timer_set(wheel, &p.timer, deadline);
        pass(deadline + SECOND);
        assert_int_equal(p.fired, 1);
        assert_true(p.at >= deadline);
        assert_true(p.at <= deadline + TIMER_TICK);
    }
}

static void moved_later_it_waits_for_the_later_deadline(void **state)
{
    (void)state;
    struct probe p = probe_of(on_time);
    uint64_t deadline = now + SECOND;
    timer_set(wheel, &p.timer, deadline);
    for (int i = 0; i < 200; i++) {
        deadline = now + SECOND;
        timer_set(wheel, &p.timer, deadline);
        go_to(now + SECOND / 2);
    }
    assert_int_equal(p.fired, 0);
    pass(deadline + SECOND);
    assert_int_equal(p.fired, 1);
    assert_true(p.at >= deadline && p.at <= deadline + TIMER_TICK);
}

static void moved_sooner_it_fires_by_the_sooner_deadline(void **state)
{
    (void)state;
    static const uint64_t from[] = {2 * TIMER_TICK, 5 * TIMER_TICK, 30 * SECOND, 200 * SECOND};
    for (size_t i = 0; i < sizeof from / sizeof from[0]; i++) {
        for (uint64_t back = 1; back < 2 * TIMER_TICK; back += TIMER_TICK / 7) {
            struct probe p = probe_of(on_time);
            uint64_t deadline = now + from[i] - back;
            timer_set(wheel, &p.timer, now + from[i]);
            timer_set(wheel, &p.timer, deadline);
            pass(deadline + TIMER_TICK + 10 * CLOCK_MS);
            assert_int_equal(p.fired, 1);
            assert_true(p.at >= deadline && p.at <= deadline + TIMER_TICK + 10 * CLOCK_MS);
        }
    }
}

static void moved_from_far_away_to_soon(void **state)
{
    (void)state;
    struct probe p = probe_of(on_time);
    uint64_t deadline = now + SECOND;
    timer_set(wheel, &p.timer, now + 30 * SECOND);
    timer_set(wheel, &p.timer, deadline);
    pass(deadline + TIMER_TICK);
    assert_int_equal(p.fired, 1);
}

static void one_that_is_past_fires_at_the_next_tick(void **state)
{
    (void)state;
    struct probe p = probe_of(on_time);
    timer_set(wheel, &p.timer, now - 5 * SECOND);
    assert_int_equal(p.fired, 0);
    go_to(now + TIMER_TICK);
    assert_int_equal(p.fired, 1);
}

static void off_is_silent_and_may_be_set_again(void **state)
{
    (void)state;
    struct probe p = probe_of(on_time);
    timer_set(wheel, &p.timer, now + SECOND);
    timer_off(&p.timer);
    timer_off(&p.timer);
    pass(now + 3 * SECOND);
    assert_int_equal(p.fired, 0);
    assert_null(p.timer.link); /* its slot has come up */
    timer_set(wheel, &p.timer, now + SECOND);
    timer_off(&p.timer);
    timer_set(wheel, &p.timer, now + SECOND); /* still in its slot */
    pass(now + 3 * SECOND);
    assert_int_equal(p.fired, 1);
}

static void dropped_it_may_be_freed(void **state)
{
    (void)state;
    struct probe *p[3], *all[3];
    for (int i = 0; i < 3; i++) { /* neighbours in one slot: first, middle and last leave */
        for (int j = 0; j < 3; j++) {
            all[j] = p[j] = malloc(sizeof *p[j]);
            *p[j] = probe_of(on_time);
            timer_set(wheel, &p[j]->timer, now + SECOND);
        }
        timer_drop(&p[i]->timer);
        timer_drop(&p[i]->timer);
        free(p[i]);
        all[i] = NULL;
        pass(now + 2 * SECOND);
        for (int j = 0; j < 3; j++) {
            assert_true(!all[j] || all[j]->fired == 1);
            free(all[j]);
        }
    }
}

static void set_again(struct timer *t)
{
    on_time(t);
    if (((struct probe *)t)->fired < 5)
        timer_set(wheel, t, now + SECOND);
}

static void it_may_be_set_again_from_its_callback(void **state)
{
    (void)state;
    struct probe p = probe_of(set_again);
    timer_set(wheel, &p.timer, now + SECOND);
    pass(now + 30 * SECOND);
    assert_int_equal(p.fired, 5);
}

static void drop_other(struct timer *t)
{
    on_time(t);
    timer_drop(((struct probe *)t)->other);
}

static void move_other(struct timer *t)
{
    on_time(t);
    timer_set(wheel, ((struct probe *)t)->other, now + SECOND);
}

static void a_neighbour_may_be_dropped_from_a_callback(void **state)
{
    (void)state;
    struct probe a = probe_of(drop_other), b = probe_of(drop_other);
    a.other = &b.timer;
    b.other = &a.timer;
    timer_set(wheel, &a.timer, now + SECOND);
    timer_set(wheel, &b.timer, now + SECOND);
    pass(now + 2 * SECOND);
    assert_int_equal(a.fired + b.fired, 1); /* who came first has silenced the other */
}

static void a_neighbour_may_be_moved_from_a_callback(void **state)
{
    (void)state;
    struct probe a = probe_of(move_other), b = probe_of(on_time), c = probe_of(on_time);
    a.other = &b.timer;
    uint64_t first = now + SECOND;
    timer_set(wheel, &c.timer, first);
    timer_set(wheel, &b.timer, first);
    timer_set(wheel, &a.timer, first);
    pass(first + TIMER_TICK);
    assert_int_equal(a.fired, 1);
    pass(first + 3 * SECOND);
    assert_true(b.at >= first + SECOND);
    assert_int_equal(c.fired, 1);
}

static void a_jump_of_hours_fires_what_is_due_and_nothing_else(void **state)
{
    (void)state;
    struct probe due[4], later[2];
    static const uint64_t when[] = {1, 10 * SECOND, HOUR, 5 * HOUR};
    for (int i = 0; i < 4; i++) {
        due[i] = probe_of(on_time);
        timer_set(wheel, &due[i].timer, now + when[i]);
    }
    uint64_t target = now + 5 * HOUR;
    for (int i = 0; i < 2; i++) {
        later[i] = probe_of(on_time);
        timer_set(wheel, &later[i].timer, target + (i ? 1 : HOUR));
    }
    go_to(target);
    for (int i = 0; i < 4; i++)
        assert_int_equal(due[i].fired, 1);
    assert_int_equal(later[0].fired + later[1].fired, 0);
    pass(target + TIMER_TICK + 10 * CLOCK_MS);
    assert_int_equal(later[1].fired, 1);
    go_to(target + HOUR);
    assert_int_equal(later[0].fired, 1);
}

static void a_jump_of_a_century_costs_one_turn(void **state)
{
    (void)state;
    struct probe p = probe_of(on_time);
    timer_set(wheel, &p.timer, now + SECOND);
    go_to(now + 100 * 365 * 24 * HOUR); /* tick by tick it would take an hour */
    assert_int_equal(p.fired, 1);
}

static void it_is_on_until_it_fires_or_is_turned_off(void **state)
{
    (void)state;
    struct probe p = probe_of(on_time);
    assert_false(timer_is_on(&p.timer));
    timer_set(wheel, &p.timer, now + SECOND);
    assert_true(timer_is_on(&p.timer));
    pass(now + 2 * SECOND);
    assert_false(timer_is_on(&p.timer));
    timer_set(wheel, &p.timer, now + SECOND);
    timer_off(&p.timer);
    assert_false(timer_is_on(&p.timer));
    timer_set(wheel, &p.timer, now + SECOND);
    timer_drop(&p.timer);
    assert_false(timer_is_on(&p.timer));
}

/* What some hundred timers do under random orders is what each would do alone. */
static void many_timers_keep_to_the_model(void **state)
{
    enum { COUNT = 300, STEPS = 4000 };
    (void)state;
    static struct probe p[COUNT];
    static uint64_t wanted[COUNT];
    uint32_t seed = 1;
    for (int i = 0; i < COUNT; i++) {
        p[i] = probe_of(on_time);
        wanted[i] = 0;
    }
    for (int step = 0; step < STEPS; step++) {
        seed = seed * 1664525u + 1013904223u;
        unsigned i = (seed >> 8) % COUNT;
        switch (seed >> 29) {
        case 0:
            timer_off(&p[i].timer);
            wanted[i] = 0;
            break;
        case 1:
            timer_drop(&p[i].timer);
            wanted[i] = 0;
            break;
        default:
            wanted[i] = now + (uint64_t)(seed >> 12) * 100 * 1000; /* up to 105 s */
            timer_set(wheel, &p[i].timer, wanted[i] ? wanted[i] : 1);
        }
        uint64_t before = now;
        go_to(now + 50 * CLOCK_MS + seed % 100 * CLOCK_MS);
        for (int j = 0; j < COUNT; j++) {
            if (p[j].fired) {
                assert_true(wanted[j] && p[j].at >= wanted[j]);
                assert_true(before < wanted[j] + TIMER_TICK);
                p[j].fired = 0;
                wanted[j] = 0;
            }
            assert_true(!wanted[j] || now < wanted[j] + 2 * TIMER_TICK);
        }
    }
    for (int i = 0; i < COUNT; i++)
        timer_drop(&p[i].timer);
}

/* As many as paced listeners may be: each its own deadline within a minute, a third turned off, a
 * third moved to half the time. */

enum { CROWD = 1000 * 1000 };
static struct timer *crowd;
static uint64_t *due;
static size_t fired_in_time;

static uint64_t crowd_after(uint32_t i) { return (1 + i * 2654435761u % (60 * 1000)) * CLOCK_MS; }

static void on_crowd(struct timer *t)
{
    size_t i = (size_t)(t - crowd);
    fired_in_time += now >= due[i] && now < due[i] + 2 * TIMER_TICK;
    due[i] = 0;
}

static void a_million_timers_fire_each_in_its_time(void **state)
{
    (void)state;
    uint64_t start = now;
    size_t off = 0;
    crowd = calloc(CROWD, sizeof *crowd);
    due = calloc(CROWD, sizeof *due);
    fired_in_time = 0;
    for (uint32_t i = 0; i < CROWD; i++) {
        crowd[i].on_time = on_crowd;
        due[i] = start + crowd_after(i);
        timer_set(wheel, &crowd[i], due[i]);
    }
    for (uint32_t i = 0; i < CROWD; i++) {
        due[i] = start + crowd_after(i) / (i % 3 == 1 ? 2 : 1);
        if (i % 3 == 1)
            timer_set(wheel, &crowd[i], due[i]);
        if (i % 3 == 2)
            timer_off(&crowd[i]);
        off += i % 3 == 2;
    }
    while (now < start + 61 * SECOND)
        go_to(now + TIMER_TICK);
    assert_int_equal(fired_in_time, CROWD - off);
    for (uint32_t i = 0; i < CROWD; i++)
        timer_drop(&crowd[i]);
    free(crowd);
    free(due);
}

/* With a loop */

static struct loop *loop;

static void stop_loop(struct timer *t)
{
    struct probe *p = (struct probe *)t;
    p->fired++;
    p->at = loop_now(loop);
    loop_stop(loop);
}

static void on_a_loop_it_fires_and_the_loop_knows_the_time(void **state)
{
    (void)state;
    struct timers *w;
    struct probe p = probe_of(stop_loop);
    loop = turn_loop();
    assert_int_equal(timers_new(loop, &w), ERR_NONE);
    uint64_t deadline = clock_mono() + 150 * CLOCK_MS;
    timer_set(w, &p.timer, deadline);
    loop_run(loop);
    assert_int_equal(p.fired, 1);
    assert_true(p.at >= deadline); /* what a callback adds to loop_now is not in the past */
    timers_free(w);
    loop_free(loop);
}

static size_t fired_all, fired_when_others_ran;
static struct timer herd[1000];

static void on_others_turn(struct loop_task *task)
{
    (void)task;
    fired_when_others_ran = fired_all;
}

static struct loop_task others_turn = {NULL, on_others_turn, false};

static void on_herd(struct timer *t)
{
    (void)t;
    if (++fired_all == 1)
        loop_later(loop, &others_turn);
    if (fired_all == sizeof herd / sizeof *herd)
        loop_stop(loop);
}

static void a_thousand_that_are_due_let_others_have_their_turn(void **state)
{
    (void)state;
    struct timers *w;
    loop = turn_loop();
    assert_int_equal(timers_new(loop, &w), ERR_NONE);
    for (size_t i = 0; i < sizeof herd / sizeof *herd; i++) {
        herd[i].on_time = on_herd;
        timer_set(w, &herd[i], clock_mono() + 1);
    }
    loop_run(loop);
    assert_true(fired_when_others_ran > 0 && fired_when_others_ran < 200);
    assert_int_equal(fired_all, sizeof herd / sizeof *herd);
    timers_free(w);
    loop_free(loop);
}

static void an_empty_wheel_does_not_tick(void **state)
{
    (void)state;
    struct timers *w;
    struct probe p = probe_of(stop_loop);
    loop = turn_loop();
    assert_int_equal(timers_new(loop, &w), ERR_NONE);
    assert_int_equal(event_base_get_num_events(loop_base(loop), EVENT_BASE_COUNT_ADDED), 0);
    for (int i = 0; i < 2; i++) { /* it starts again, too */
        timer_set(w, &p.timer, clock_mono() + 1);
        assert_int_equal(event_base_get_num_events(loop_base(loop), EVENT_BASE_COUNT_ADDED), 1);
        loop_run(loop);
        assert_int_equal(event_base_get_num_events(loop_base(loop), EVENT_BASE_COUNT_ADDED), 0);
    }
    assert_int_equal(p.fired, 2);
    timers_free(w);
    loop_free(loop);
}

static void a_wheel_with_timers_in_it_may_be_freed(void **state)
{
    (void)state;
    struct timers *w;
    struct probe p = probe_of(on_time);
    loop = turn_loop();
    assert_int_equal(timers_new(loop, &w), ERR_NONE);
    timer_set(w, &p.timer, clock_mono() + SECOND);
    timers_free(w);
    timers_free(NULL);
    loop_free(loop);
}

#define ON_A_WHEEL(test) cmocka_unit_test_setup_teardown(test, new_wheel, free_wheel)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_WHEEL(fires_once_never_early_and_up_to_a_tick_late),
        ON_A_WHEEL(moved_later_it_waits_for_the_later_deadline),
        ON_A_WHEEL(moved_sooner_it_fires_by_the_sooner_deadline),
        ON_A_WHEEL(moved_from_far_away_to_soon),
        ON_A_WHEEL(one_that_is_past_fires_at_the_next_tick),
        ON_A_WHEEL(off_is_silent_and_may_be_set_again),
        ON_A_WHEEL(dropped_it_may_be_freed),
        ON_A_WHEEL(it_may_be_set_again_from_its_callback),
        ON_A_WHEEL(a_neighbour_may_be_dropped_from_a_callback),
        ON_A_WHEEL(a_neighbour_may_be_moved_from_a_callback),
        ON_A_WHEEL(a_jump_of_hours_fires_what_is_due_and_nothing_else),
        ON_A_WHEEL(a_jump_of_a_century_costs_one_turn),
        ON_A_WHEEL(it_is_on_until_it_fires_or_is_turned_off),
        ON_A_WHEEL(many_timers_keep_to_the_model),
        ON_A_WHEEL(a_million_timers_fire_each_in_its_time),
        cmocka_unit_test(a_thousand_that_are_due_let_others_have_their_turn),
        cmocka_unit_test(on_a_loop_it_fires_and_the_loop_knows_the_time),
        cmocka_unit_test(an_empty_wheel_does_not_tick),
        cmocka_unit_test(a_wheel_with_timers_in_it_may_be_freed),
    };
    return cmocka_run_group_tests(tests, turn_setup, NULL);
}
