/* edge/store/breaker: failures in a row, waits that double and differ, and the way back. */
#include "edge/store/breaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define LATER UINT64_C(1000000000000) /* ns */

static struct breaker open_breaker(void)
{
    struct breaker b = {0};
    for (int i = 0; i < BREAKER_LIMIT; i++)
        breaker_failed(&b, LATER, 0);
    return b;
}

static void it_opens_at_the_limit_and_not_before(void **state)
{
    struct breaker b = {0};
    (void)state;
    for (int i = 0; i < BREAKER_LIMIT; i++) {
        assert_false(breaker_is_open(&b));
        breaker_failed(&b, LATER, 0);
    }
    assert_true(breaker_is_open(&b));
}

static void what_works_in_between_begins_the_count_anew(void **state)
{
    struct breaker b = {0};
    (void)state;
    for (int i = 0; i < 3 * BREAKER_LIMIT; i++) {
        breaker_failed(&b, LATER, 0);
        if (i % (BREAKER_LIMIT - 1) == 0)
            breaker_worked(&b);
    }
    assert_false(breaker_is_open(&b));
}

static void waits_double_up_to_the_longest(void **state)
{
    struct breaker b = open_breaker();
    uint64_t wait = BREAKER_FIRST;
    (void)state;
    for (int i = 0; i < 100; i++) {
        uint64_t half = (wait < BREAKER_LAST ? wait : BREAKER_LAST) / 2;
        assert_int_equal(b.due, LATER + half);
        breaker_failed(&b, LATER, 0);
        wait = wait < BREAKER_LAST ? 2 * wait : wait;
    }
}

static void waits_lie_between_the_half_and_the_whole(void **state)
{
    (void)state;
    uint64_t low = UINT64_MAX, high = 0;
    for (uint64_t random = 0; random < 1000; random++) {
        struct breaker b = {.failures = BREAKER_LIMIT - 1};
        breaker_failed(&b, LATER, random * UINT64_C(0x9e3779b97f4a7c15));
        low = b.due < low ? b.due : low;
        high = b.due > high ? b.due : high;
    }
    assert_true(low >= LATER + BREAKER_FIRST / 2 && high <= LATER + BREAKER_FIRST);
    assert_true(high - low > BREAKER_FIRST / 3);
}

static void a_probe_that_works_closes_it_for_good(void **state)
{
    struct breaker b = open_breaker();
    (void)state;
    breaker_failed(&b, LATER, 0);
    breaker_worked(&b);
    assert_false(breaker_is_open(&b));
    for (int i = 0; i < BREAKER_LIMIT; i++)
        breaker_failed(&b, 2 * LATER, 0);
    assert_int_equal(b.due, 2 * LATER + BREAKER_FIRST / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_opens_at_the_limit_and_not_before),
        cmocka_unit_test(what_works_in_between_begins_the_count_anew),
        cmocka_unit_test(waits_double_up_to_the_longest),
        cmocka_unit_test(waits_lie_between_the_half_and_the_whole),
        cmocka_unit_test(a_probe_that_works_closes_it_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
