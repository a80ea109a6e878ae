/* edge/watch/counters: adding, summing, and the table. */
#include "edge/watch/counters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void a_sum_is_over_all_threads_and_one_row(void **state)
{
    (void)state;
    struct counters *all[] = {counters_new(), counters_new(), counters_new()};
    counters_add(all[0], COUNTER_ABORTS, 3);
    counters_add(all[2], COUNTER_ABORTS, 4);
    counters_add(all[2], COUNTER_ABORTS, 1);
    counters_add(all[1], COUNTER_FLIGHTS, 100);
    assert_int_equal(counters_sum(all, 3, COUNTER_ABORTS), 8);
    assert_int_equal(counters_sum(all, 3, COUNTER_FLIGHTS), 100);
    assert_int_equal(counters_sum(all, 3, COUNTER_INDEX_BUILDS), 0);
    for (int i = 0; i < 3; i++)
        counters_free(all[i]);
}

static void a_gauge_may_rise_on_one_thread_and_fall_on_another(void **state)
{
    (void)state;
    struct counters *all[] = {counters_new(), counters_new()};
    counters_add(all[0], COUNTER_CONNECTIONS, 5);
    counters_sub(all[1], COUNTER_CONNECTIONS, 3);
    assert_int_equal(counters_sum(all, 2, COUNTER_CONNECTIONS), 2);
    counters_free(all[0]);
    counters_free(all[1]);
}

static void threads_share_no_cache_line(void **state)
{
    (void)state;
    struct counters *c = counters_new();
    assert_int_equal((uintptr_t)c % 64, 0);
    assert_int_equal(sizeof *c % 64, 0);
    counters_free(c);
}

static void a_status_code_has_its_row_or_goes_to_other(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum counter row;
    } cases[] = {
        {200, COUNTER_CODE_200},   {206, COUNTER_CODE_206},         {304, COUNTER_CODE_304},
        {416, COUNTER_CODE_416},   {499, COUNTER_CODE_499},         {505, COUNTER_CODE_505},
        {418, COUNTER_CODE_OTHER}, {100, COUNTER_CODE_OTHER},       {599, COUNTER_CODE_OTHER},
        {99, COUNTER_CODE_OTHER},  {600, COUNTER_CODE_OTHER},       {0, COUNTER_CODE_OTHER},
        {-1, COUNTER_CODE_OTHER},  {INT32_MAX, COUNTER_CODE_OTHER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(counters_code(cases[i].status), cases[i].row);
}

static void the_row_of_a_code_carries_that_code(void **state)
{
    (void)state;
    for (int status = 100; status < 600; status++) {
        char label[32];
        enum counter row = counters_code(status);
        snprintf(label, sizeof label, "code=\"%d\"", status);
        assert_string_equal(counters_row(row)->metric, "segue_requests_total");
        if (row != COUNTER_CODE_OTHER)
            assert_string_equal(counters_row(row)->labels, label);
    }
}

static void every_close_reason_has_its_row(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CLOSE_COUNT; i++) {
        char label[64];
        const struct counter_row *row = counters_row(counters_closed((enum close_reason)i));
        snprintf(label, sizeof label, "reason=\"%s\"", close_name((enum close_reason)i));
        assert_string_equal(row->metric, "segue_connections_closed_total");
        assert_string_equal(row->labels, label);
    }
}

static const struct counter_row *row_at(unsigned i) { return counters_row((enum counter)i); }

static void expect_family_rules(unsigned row, unsigned earlier)
{
    if (strcmp(row_at(row)->metric, row_at(earlier)->metric) != 0)
        return;
    assert_string_equal(row_at(earlier + 1)->metric, row_at(row)->metric);
    assert_string_equal(row_at(earlier)->type, row_at(row)->type);
    assert_string_equal(row_at(earlier)->help, row_at(row)->help);
    assert_string_not_equal(row_at(earlier)->labels, row_at(row)->labels);
}

static void rows_of_a_metric_stand_together_and_agree(void **state)
{
    (void)state;
    for (unsigned row = 1; row < COUNTER_COUNT; row++) {
        for (unsigned earlier = 0; earlier < row; earlier++)
            expect_family_rules(row, earlier);
    }
}

static void counters_are_named_as_counters_and_gauges_are_not(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNTER_COUNT; i++) {
        const char *metric = row_at(i)->metric;
        bool total = strlen(metric) > 6 && strcmp(metric + strlen(metric) - 6, "_total") == 0;
        assert_int_equal(strncmp(metric, "segue_", 6), 0);
        assert_int_equal(total, strcmp(row_at(i)->type, "counter") == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sum_is_over_all_threads_and_one_row),
        cmocka_unit_test(a_gauge_may_rise_on_one_thread_and_fall_on_another),
        cmocka_unit_test(threads_share_no_cache_line),
        cmocka_unit_test(a_status_code_has_its_row_or_goes_to_other),
        cmocka_unit_test(the_row_of_a_code_carries_that_code),
        cmocka_unit_test(every_close_reason_has_its_row),
        cmocka_unit_test(rows_of_a_metric_stand_together_and_agree),
        cmocka_unit_test(counters_are_named_as_counters_and_gauges_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
