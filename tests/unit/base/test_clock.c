/* edge/base/clock: two clocks, one of which never goes back. */
#include "edge/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <time.h>

static void the_monotonic_clock_goes_on(void **state)
{
    (void)state;
    struct timespec t;
    uint64_t last = clock_mono();
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_mono();
        assert_true(now >= last);
        last = now;
    }
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    assert_true(last <= (uint64_t)t.tv_sec * CLOCK_SECOND + (uint64_t)t.tv_nsec);
    assert_true(last + 60 * CLOCK_SECOND > (uint64_t)t.tv_sec * CLOCK_SECOND);
}

static void the_clock_on_the_wall_counts_from_1970(void **state)
{
    (void)state;
    time_t before = time(NULL);
    int64_t wall = clock_wall();
    uint64_t ns = clock_wall_ns();
    time_t after = time(NULL);
    assert_true(wall >= before - 1 && wall <= after + 1);
    assert_true((int64_t)(ns / CLOCK_SECOND) >= wall && (int64_t)(ns / CLOCK_SECOND) <= after + 1);
    assert_int_equal(CLOCK_SECOND, 1000 * CLOCK_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_monotonic_clock_goes_on),
        cmocka_unit_test(the_clock_on_the_wall_counts_from_1970),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
