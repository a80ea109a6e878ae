/* Buckets of pace as values: what has gone by a time is what may have gone by then. */
#include "edge/guard/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define SECOND UINT64_C(1000000000)

static const struct pace_terms half_again = {1500, 0, 30 * SECOND};
static const struct pace_terms by_bytes = {0, 1000, 4 * SECOND};

static void a_full_bucket_holds_the_first_seconds(void **state)
{
    (void)state;
    uint64_t holds = pace_holds(&half_again, 0, 100 * SECOND);
    assert_int_equal(holds, 20 * SECOND); /* at one and a half: 30 seconds of sound */
    assert_int_equal(pace_sound_of(&half_again, holds), 30 * SECOND);
    assert_int_equal(pace_bytes_of(&by_bytes, pace_holds(&by_bytes, 0, SECOND)), 4000);
}

static void what_was_taken_comes_back_in_time(void **state)
{
    (void)state;
    uint64_t now = 100 * SECOND;
    uint64_t worth = pace_worth_of_sound(&half_again, 30 * SECOND);
    uint64_t full = pace_take(0, now, worth);
    assert_int_equal(pace_holds(&half_again, full, now), 0);
    assert_int_equal(pace_holds(&half_again, full, now + 2 * SECOND), 2 * SECOND);
    assert_int_equal(pace_sound_of(&half_again, 2 * SECOND), 3 * SECOND);
    assert_int_equal(pace_holds(&half_again, full, now + 20 * SECOND), 20 * SECOND);
    assert_int_equal(pace_holds(&half_again, full, now + 3600 * SECOND), 20 * SECOND);
}

static void more_than_there_is_makes_it_empty_for_longer(void **state)
{
    (void)state;
    uint64_t full = pace_take(0, SECOND, 25 * SECOND);
    assert_int_equal(pace_holds(&half_again, full, SECOND), 0);
    assert_int_equal(pace_holds(&half_again, full, 6 * SECOND), 0);
    assert_int_equal(pace_holds(&half_again, full, 7 * SECOND), SECOND);
}

/* A sender that wakes up to 100 ms late and sends what there is, for an hour. */
static void late_timers_do_not_add_up(void **state)
{
    (void)state;
    const uint64_t start = 5 * SECOND, end = start + 3600 * SECOND;
    uint64_t full = 0, sent = 0, now = start;
    uint32_t seed = 1;
    while (now < end) {
        uint64_t sound = pace_sound_of(&half_again, pace_holds(&half_again, full, now));
        full = pace_take(full, now, pace_worth_of_sound(&half_again, sound));
        sent += sound;
        assert_in_range(sent, 0, 30 * SECOND + (now - start) * 3 / 2);
        seed = seed * 1664525 + 1013904223;
        now += PACE_QUANTUM + seed % 100 * 1000 * 1000;
    }
    assert_in_range(sent, 30 * SECOND + 3597 * SECOND * 3 / 2, 30 * SECOND + 3600 * SECOND * 3 / 2);
}

static void a_shallow_bucket_has_room_for_lateness(void **state)
{
    (void)state;
    static const struct pace_terms none[] = {{1000, 0, 0}, {0, 5000, 0}, {3000, 0, SECOND}};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(pace_depth(&none[i]), 2 * PACE_QUANTUM);
}

static void only_terms_that_say_so_are_on(void **state)
{
    (void)state;
    static const struct pace_terms off = {0, 0, 30 * SECOND};
    assert_false(pace_is_on(&off));
    assert_true(pace_is_on(&half_again));
    assert_true(pace_is_on(&by_bytes));
}

static void nothing_overflows(void **state)
{
    (void)state;
    assert_int_equal(pace_share(UINT64_MAX, 3, 2), UINT64_MAX);
    assert_int_equal(pace_share(UINT64_MAX, UINT64_MAX, 1), UINT64_MAX);
    assert_int_equal(pace_share(UINT64_MAX - 1, 2, 4), UINT64_MAX / 2);
    assert_int_equal(pace_take(UINT64_MAX - 5, 1, 100), UINT64_MAX);
    assert_int_equal(pace_holds(&half_again, UINT64_MAX, 1), 0);
    assert_int_equal(pace_worth_of_sound(&half_again, UINT64_MAX), UINT64_MAX / 3 * 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_bucket_holds_the_first_seconds),
        cmocka_unit_test(what_was_taken_comes_back_in_time),
        cmocka_unit_test(more_than_there_is_makes_it_empty_for_longer),
        cmocka_unit_test(late_timers_do_not_add_up),
        cmocka_unit_test(a_shallow_bucket_has_room_for_lateness),
        cmocka_unit_test(only_terms_that_say_so_are_on),
        cmocka_unit_test(nothing_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
