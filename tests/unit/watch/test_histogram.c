/* edge/watch/histogram: buckets, sums and quantiles. */
#include "edge/watch/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

/* What the table must come to: the first bucket whose bound is not under ns. */
static size_t bucket_by_search(uint64_t ns)
{
    size_t bucket = 0;
    while (bucket < HISTOGRAM_BOUNDS && ns > histogram_bound(bucket))
        bucket++;
    return bucket;
}

static void expect_bucket(uint64_t ns)
{
    struct histogram *h = histogram_new();
    struct histogram_totals t;
    histogram_add(h, ns);
    histogram_sum(&h, 1, &t);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.sum_ns, ns);
    assert_int_equal(t.bucket[bucket_by_search(ns)], 1);
    histogram_free(h);
}

static void a_bound_belongs_to_its_own_bucket(void **state)
{
    (void)state;
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        expect_bucket(histogram_bound(i) - 1);
        expect_bucket(histogram_bound(i));
        expect_bucket(histogram_bound(i) + 1);
    }
}

static void every_octave_is_found_at_both_ends(void **state)
{
    (void)state;
    expect_bucket(0);
    for (int k = 0; k < 64; k++) {
        expect_bucket(UINT64_C(1) << k);
        expect_bucket((UINT64_C(1) << k) - 1);
        expect_bucket((UINT64_C(1) << k) + 1);
    }
    expect_bucket(UINT64_MAX);
}

/* The table look-up holds because no octave has two bounds. */
static void bounds_rise_at_least_twofold_and_match_their_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        if (i)
            assert_true(histogram_bound(i) >= 2 * histogram_bound(i - 1));
        double seconds = strtod(histogram_bound_text(i), NULL);
        assert_int_equal((uint64_t)(seconds * 1e9 + 0.5), histogram_bound(i));
    }
    assert_int_equal(histogram_bound(0), MS / 2);
    assert_int_equal(histogram_bound(HISTOGRAM_BOUNDS - 1), 10000 * MS);
}

static void a_sum_is_over_all_threads(void **state)
{
    (void)state;
    struct histogram *all[] = {histogram_new(), histogram_new()};
    struct histogram_totals t;
    histogram_add(all[0], 2 * MS);
    histogram_add(all[1], 2 * MS);
    histogram_add(all[1], 20000 * MS);
    histogram_sum(all, 2, &t);
    assert_int_equal(t.count, 3);
    assert_int_equal(t.sum_ns, 20004 * MS);
    assert_int_equal(t.bucket[2], 2);
    assert_int_equal(t.bucket[HISTOGRAM_BOUNDS], 1);
    histogram_free(all[0]);
    histogram_free(all[1]);
}

static void a_quantile_is_linear_within_its_bucket(void **state)
{
    (void)state;
    struct histogram_totals t = {.bucket = {[0] = 50, [3] = 50}, .count = 100};
    static const struct {
        unsigned permille;
        uint64_t ns;
    } cases[] = {
        {10, MS / 100},
        {500, MS / 2},
        {750, 3750000},
        {1000, 5 * MS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(histogram_quantile(&t, cases[i].permille), cases[i].ns);
}

static void a_quantile_never_leaves_the_bounds(void **state)
{
    (void)state;
    struct histogram_totals none = {0};
    struct histogram_totals over = {.bucket = {[HISTOGRAM_BOUNDS] = 7}, .count = 7};
    assert_int_equal(histogram_quantile(&none, 990), 0);
    assert_int_equal(histogram_quantile(&over, 500), 10000 * MS);
    assert_int_equal(histogram_quantile(&over, 0), 10000 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bound_belongs_to_its_own_bucket),
        cmocka_unit_test(every_octave_is_found_at_both_ends),
        cmocka_unit_test(bounds_rise_at_least_twofold_and_match_their_text),
        cmocka_unit_test(a_sum_is_over_all_threads),
        cmocka_unit_test(a_quantile_is_linear_within_its_bucket),
        cmocka_unit_test(a_quantile_never_leaves_the_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
