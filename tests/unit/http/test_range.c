/* edge/http/range: RFC 9110 14, clause by clause. */
#include "edge/http/range.h"

#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *value;
    uint64_t size;
    enum err want;
    const char *ranges; /* half-open, as "0-5 9-10"; NULL when refused */
};

static const char *text_of(const struct range_set *set, char *out, size_t room)
{
    size_t n = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < set->count; i++) {
        int m = snprintf(out + n, room - n, "%s%ju-%ju", i ? " " : "", (uintmax_t)set->list[i].from,
                         (uintmax_t)set->list[i].to);
        n += (size_t)m;
    }
    return out;
}

static void expect_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char text[1024];
        struct range_set set;
        enum err e = range_resolve(str_of(rows[i].value), rows[i].size, &set);
        if (e != rows[i].want)
            print_error("%s of %ju: %s\n", rows[i].value, (uintmax_t)rows[i].size, err_name(e));
        assert_int_equal(e, rows[i].want);
        if (rows[i].ranges)
            assert_string_equal(text_of(&set, text, sizeof text), rows[i].ranges);
    }
}

#define EXPECT_ROWS(rows) expect_rows(rows, sizeof(rows) / sizeof(rows)[0])

/* RFC 9110 14.1.2 */
static void one_range_is_first_and_last_byte(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bytes=0-0", 1000, ERR_NONE, "0-1"},
        {"bytes=0-499", 1000, ERR_NONE, "0-500"},
        {"bytes=500-999", 1000, ERR_NONE, "500-1000"},
        {"bytes=999-999", 1000, ERR_NONE, "999-1000"},
        {"bytes=500-", 1000, ERR_NONE, "500-1000"},
        {"bytes=0-", 1000, ERR_NONE, "0-1000"},
        {"bytes=007-0010", 1000, ERR_NONE, "7-11"},
    };
    EXPECT_ROWS(rows);
}

/* RFC 9110 14.1.2: a last byte behind the end means the end. */
static void a_last_byte_behind_the_end_is_the_end(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bytes=500-1000", 1000, ERR_NONE, "500-1000"},
        {"bytes=500-18446744073709551614", 1000, ERR_NONE, "500-1000"},
        {"bytes=500-18446744073709551615", 1000, ERR_NONE, "500-1000"},
        {"bytes=500-99999999999999999999999", 1000, ERR_NONE, "500-1000"},
        {"bytes=0-18446744073709551615", UINT64_MAX, ERR_NONE, "0-18446744073709551615"},
    };
    EXPECT_ROWS(rows);
}

/* RFC 9110 14.1.2: suffix-range */
static void a_suffix_is_the_last_bytes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bytes=-1", 1000, ERR_NONE, "999-1000"},
        {"bytes=-500", 1000, ERR_NONE, "500-1000"},
        {"bytes=-1000", 1000, ERR_NONE, "0-1000"},
        {"bytes=-9999", 1000, ERR_NONE, "0-1000"},
        {"bytes=-99999999999999999999999", 1000, ERR_NONE, "0-1000"},
        {"bytes=-0", 1000, ERR_RANGE, NULL},
    };
    EXPECT_ROWS(rows);
}

/* RFC 9110 14.1 (units have no case) and 14.2 (unknown ones are ignored) */
static void other_units_are_ignored(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"Bytes=0-4", 1000, ERR_NONE, "0-5"},    {"BYTES=0-4", 1000, ERR_NONE, "0-5"},
        {"seconds=1-2", 1000, ERR_IGNORE, NULL}, {"items=5-1", 1000, ERR_IGNORE, NULL},
        {"bytesx=0-4", 1000, ERR_IGNORE, NULL},  {"byte=0-4", 1000, ERR_IGNORE, NULL},
        {"bytes", 1000, ERR_IGNORE, NULL},       {"", 1000, ERR_IGNORE, NULL},
        {"0-4", 1000, ERR_IGNORE, NULL},
    };
    EXPECT_ROWS(rows);
}

/* RFC 9110 14.1.1 */
static void a_malformed_or_reversed_set_is_416(void **state)
{
    (void)state;
    static const char *const values[] = {
        "bytes=",          "bytes=,",       "bytes=-",      "bytes=5",
        "bytes=5-4",       "bytes=a-b",     "bytes=0x0-5",  "bytes=+0-5",
        "bytes=0-+5",      "bytes=0--5",    "bytes=--5",    "bytes=0-5-9",
        "bytes=0 -5",      "bytes=0- 5",    "bytes=- 5",    "bytes=0-5;",
        "bytes=0-5 9-",    "bytes=0-1,5-4", "bytes=5-4,0-", "bytes=0-1,x",
        "bytes=0-1.5",     "bytes==0-1",    "bytes=1-0",    "bytes=-5-",
        "bytes=\xc2\xb2-", "bytes=99999-5", "bytes=0-1,-",  "bytes=99999999999999999999-5",
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        const struct row row = {values[i], 1000, ERR_RANGE, NULL};
        expect_rows(&row, 1);
    }
}

/* RFC 9110 14.1.2 and 15.5.17 */
static void nothing_in_the_object_is_416(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bytes=1000-", 1000, ERR_RANGE, NULL},
        {"bytes=1000-1000", 1000, ERR_RANGE, NULL},
        {"bytes=1000-2000,5000-", 1000, ERR_RANGE, NULL},
        {"bytes=18446744073709551615-", 1000, ERR_RANGE, NULL},
        {"bytes=99999999999999999999999-", 1000, ERR_RANGE, NULL},
        {"bytes=18446744073709551615-", UINT64_MAX, ERR_RANGE, NULL},
    };
    EXPECT_ROWS(rows);
}

static void ranges_behind_the_end_are_dropped_from_a_set(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bytes=2000-,0-4", 1000, ERR_NONE, "0-5"},
        {"bytes=0-4,-0,2000-3000,8-9", 1000, ERR_NONE, "0-5 8-10"},
    };
    EXPECT_ROWS(rows);
}

/* RFC 9110 5.6.1.2 */
static void empty_elements_and_blanks_around_commas_are_passed_over(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bytes=0-4, 8-9", 1000, ERR_NONE, "0-5 8-10"},
        {"bytes=0-4\t,\t8-9", 1000, ERR_NONE, "0-5 8-10"},
        {"bytes=,0-4,,8-9, ,", 1000, ERR_NONE, "0-5 8-10"},
    };
    EXPECT_ROWS(rows);
}

static void ranges_apart_keep_the_order_they_were_asked_in(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bytes=500-509,0-9", 1000, ERR_NONE, "500-510 0-10"},
        {"bytes=-1,0-0,500-500", 1000, ERR_NONE, "999-1000 0-1 500-501"},
        {"bytes=0-4,6-9", 1000, ERR_NONE, "0-5 6-10"},
    };
    EXPECT_ROWS(rows);
}

/* RFC 9110 15.3.7.2 */
static void ranges_that_overlap_or_touch_are_joined(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bytes=0-4,5-9", 1000, ERR_NONE, "0-10"},
        {"bytes=5-9,0-4", 1000, ERR_NONE, "0-10"},
        {"bytes=0-9,5-14", 1000, ERR_NONE, "0-15"},
        {"bytes=0-99,10-19", 1000, ERR_NONE, "0-100"},
        {"bytes=10-19,0-99", 1000, ERR_NONE, "0-100"},
        {"bytes=7-7,7-7", 1000, ERR_NONE, "7-8"},
        {"bytes=500-509,0-4,10-14,5-9", 1000, ERR_NONE, "500-510 0-15"},
        {"bytes=0-0,2-2,4-4,6-6,0-6", 1000, ERR_NONE, "0-7"},
        {"bytes=4-4,900-900,0-0,2-5", 1000, ERR_NONE, "2-6 900-901 0-1"},
    };
    EXPECT_ROWS(rows);
}

/* RFC 9110 14.2: a server may ignore sets that only cost */
static void a_set_that_asks_for_more_than_the_whole_is_ignored(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bytes=0-499,500-999", 1000, ERR_NONE, "0-1000"},
        {"bytes=0-500,500-999", 1000, ERR_IGNORE, NULL},
        {"bytes=0-,0-", 1000, ERR_IGNORE, NULL},
        {"bytes=0-,-1", 1000, ERR_IGNORE, NULL},
        {"bytes=0-,0-,0-", UINT64_C(1) << 63, ERR_IGNORE, NULL},
    };
    EXPECT_ROWS(rows);
}

/* "bytes=0-0,2-2,..." of so many ranges, `step` from one to the next. */
static struct str many(unsigned count, unsigned step)
{
    static char text[4096];
    size_t n = (size_t)snprintf(text, sizeof text, "bytes=");
    for (unsigned i = 0; i < count; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%u-%u,", i * step, i * step);
    return (struct str){text, n};
}

static void sixteen_ranges_are_answered_and_no_more(void **state)
{
    (void)state;
    struct range_set set;
    assert_int_equal(range_resolve(many(16, 2), 1000, &set), ERR_NONE);
    assert_int_equal(set.count, 16);
    assert_int_equal(set.list[15].from, 30);
    assert_int_equal(range_resolve(many(17, 2), 1000, &set), ERR_IGNORE);
    assert_int_equal(range_resolve(many(200, 2), 1000, &set), ERR_IGNORE);
}

static void ranges_are_counted_after_joining(void **state)
{
    (void)state;
    struct range_set set;
    char text[2048];
    assert_int_equal(range_resolve(many(200, 1), 1000, &set), ERR_NONE);
    assert_int_equal(set.count, 1);
    assert_int_equal(set.list[0].to, 200);
    snprintf(text, sizeof text, "%.*s0-100", STR_ARG(many(50, 2)));
    assert_int_equal(range_resolve(str_of(text), 1000, &set), ERR_NONE);
    assert_int_equal(set.count, 1);
    assert_int_equal(set.list[0].to, 101);
}

/* One that found no place is not forgotten when others are joined after it. */
static void more_ranges_apart_than_are_held_are_ignored(void **state)
{
    (void)state;
    struct range_set set;
    char text[4096];
    snprintf(text, sizeof text, "%.*s900-900,0-200", STR_ARG(many(RANGE_WORK, 2)));
    assert_int_equal(range_resolve(str_of(text), 1000, &set), ERR_IGNORE);
    snprintf(text, sizeof text, "%.*s900-900,0-200", STR_ARG(many(RANGE_WORK - 1, 2)));
    assert_int_equal(range_resolve(str_of(text), 1000, &set), ERR_NONE);
    assert_int_equal(set.count, 2);
}

static void a_fault_behind_too_many_ranges_is_still_a_fault(void **state)
{
    (void)state;
    struct range_set set;
    char text[4096];
    snprintf(text, sizeof text, "%.*sx", STR_ARG(many(100, 2)));
    assert_int_equal(range_resolve(str_of(text), 1000, &set), ERR_RANGE);
}

/* Players ask for the start of whatever they open. */
static void an_empty_object_is_sent_whole_to_who_asks_for_its_start_or_end(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bytes=0-", 0, ERR_IGNORE, NULL}, {"bytes=0-99", 0, ERR_IGNORE, NULL},
        {"bytes=-5", 0, ERR_IGNORE, NULL}, {"bytes=1-", 0, ERR_RANGE, NULL},
        {"bytes=-0", 0, ERR_RANGE, NULL},  {"bytes=0-,x", 0, ERR_RANGE, NULL},
        {"bytes=5-4", 0, ERR_RANGE, NULL},
    };
    EXPECT_ROWS(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_range_is_first_and_last_byte),
        cmocka_unit_test(a_last_byte_behind_the_end_is_the_end),
        cmocka_unit_test(a_suffix_is_the_last_bytes),
        cmocka_unit_test(other_units_are_ignored),
        cmocka_unit_test(a_malformed_or_reversed_set_is_416),
        cmocka_unit_test(nothing_in_the_object_is_416),
        cmocka_unit_test(ranges_behind_the_end_are_dropped_from_a_set),
        cmocka_unit_test(empty_elements_and_blanks_around_commas_are_passed_over),
        cmocka_unit_test(ranges_apart_keep_the_order_they_were_asked_in),
        cmocka_unit_test(ranges_that_overlap_or_touch_are_joined),
        cmocka_unit_test(a_set_that_asks_for_more_than_the_whole_is_ignored),
        cmocka_unit_test(sixteen_ranges_are_answered_and_no_more),
        cmocka_unit_test(ranges_are_counted_after_joining),
        cmocka_unit_test(more_ranges_apart_than_are_held_are_ignored),
        cmocka_unit_test(a_fault_behind_too_many_ranges_is_still_a_fault),
        cmocka_unit_test(an_empty_object_is_sent_whole_to_who_asks_for_its_start_or_end),
    };
    return cmocka_run_group_tests_name("http/range", tests, NULL, NULL);
}
