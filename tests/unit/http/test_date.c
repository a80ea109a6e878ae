/* edge/http/date: RFC 9110 5.6.7, against the C library's own calendar. */
#include "edge/http/date.h"

#include <time.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const int64_t EXAMPLE = 784111777; /* the RFC's own: 1994-11-06T08:49:37Z */
static const int64_t NOW = 1700000000;    /* 2023-11-14 */

static int64_t parsed(const char *text, int64_t now)
{
    int64_t t = -1;
    if (date_parse(str_of(text), now, &t))
        print_error("%s: refused\n", text);
    assert_int_equal(date_parse(str_of(text), now, &t), ERR_NONE);
    return t;
}

static void expect_format(int64_t t, const char *want)
{
    char out[DATE_LENGTH];
    date_format(t, out);
    assert_memory_equal(out, want, DATE_LENGTH);
}

static void all_three_forms_are_read(void **state)
{
    (void)state;
    assert_int_equal(parsed("Sun, 06 Nov 1994 08:49:37 GMT", NOW), EXAMPLE);
    assert_int_equal(parsed("Sunday, 06-Nov-94 08:49:37 GMT", NOW), EXAMPLE);
    assert_int_equal(parsed("Sun Nov  6 08:49:37 1994", NOW), EXAMPLE);
    assert_int_equal(parsed("Wed Nov 16 08:49:37 1994", NOW), EXAMPLE + 10 * 86400);
}

static void dates_are_written_as_imf_fixdate(void **state)
{
    (void)state;
    expect_format(EXAMPLE, "Sun, 06 Nov 1994 08:49:37 GMT");
    expect_format(0, "Thu, 01 Jan 1970 00:00:00 GMT");
    expect_format(-1, "Wed, 31 Dec 1969 23:59:59 GMT");
    expect_format(951782400, "Tue, 29 Feb 2000 00:00:00 GMT");
    expect_format(4107542400, "Mon, 01 Mar 2100 00:00:00 GMT");
}

static void times_outside_the_calendar_are_written_as_its_ends(void **state)
{
    (void)state;
    expect_format(INT64_C(253402300799), "Fri, 31 Dec 9999 23:59:59 GMT");
    expect_format(INT64_C(253402300800), "Fri, 31 Dec 9999 23:59:59 GMT");
    expect_format(INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT");
    expect_format(INT64_C(-62135596800), "Mon, 01 Jan 0001 00:00:00 GMT");
    expect_format(INT64_MIN, "Mon, 01 Jan 0001 00:00:00 GMT");
}

/* Every 19 hours and a bit from 1900 to 2400, so that every day of 500 years comes up. */
static void every_day_agrees_with_the_c_library_and_comes_back(void **state)
{
    (void)state;
    for (int64_t t = INT64_C(-2208988800); t < INT64_C(13569465600); t += 68399) {
        char ours[DATE_LENGTH + 1] = "", theirs[64];
        time_t at = (time_t)t;
        struct tm tm;
        int64_t back = 0;
        date_format(t, ours);
        strftime(theirs, sizeof theirs, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &tm));
        assert_string_equal(ours, theirs);
        assert_int_equal(date_parse(str_of(ours), NOW, &back), ERR_NONE);
        assert_int_equal(back, t);
    }
}

/* "more than 50 years in the future" is the most recent past year with these digits. */
static void two_digit_years_lie_within_50_years_from_now(void **state)
{
    (void)state;
    const int64_t in_2023 = 1686830400; /* 2023-06-15T12:00:00Z */
    const int64_t in_1970 = 1000, in_2090 = INT64_C(3800000000);
    assert_int_equal(parsed("Sunday, 06-Nov-94 08:49:37 GMT", in_2023), EXAMPLE);
    assert_int_equal(parsed("Thursday, 15-Jun-73 12:00:00 GMT", in_2023),
                     parsed("Thu, 15 Jun 2073 12:00:00 GMT", in_2023));
    assert_int_equal(parsed("Friday, 15-Jun-73 12:00:01 GMT", in_2023),
                     parsed("Fri, 15 Jun 1973 12:00:01 GMT", in_2023));
    assert_int_equal(parsed("Saturday, 01-Jan-00 00:00:00 GMT", in_2023),
                     parsed("Sat, 01 Jan 2000 00:00:00 GMT", in_2023));
    assert_int_equal(parsed("Friday, 01-Jan-10 00:00:00 GMT", in_1970),
                     parsed("Fri, 01 Jan 2010 00:00:00 GMT", in_1970));
    assert_int_equal(parsed("Wednesday, 01-Jan-10 00:00:00 GMT", in_2090),
                     parsed("Wed, 01 Jan 2110 00:00:00 GMT", in_2090));
}

static void two_digit_years_end_with_the_calendar(void **state)
{
    (void)state;
    const int64_t in_9999 = INT64_C(253402300799);
    assert_int_equal(parsed("Monday, 01-Jan-00 00:00:00 GMT", in_9999),
                     parsed("Mon, 01 Jan 9900 00:00:00 GMT", in_9999));
    assert_int_equal(parsed("Friday, 31-Dec-99 00:00:00 GMT", INT64_MAX),
                     parsed("Fri, 31 Dec 9999 00:00:00 GMT", 0));
}

static void the_last_day_of_a_month_is_known(void **state)
{
    (void)state;
    parsed("Tue, 29 Feb 2000 00:00:00 GMT", NOW);
    parsed("Thu, 29 Feb 2024 00:00:00 GMT", NOW);
    parsed("Fri, 31 Dec 9999 23:59:59 GMT", NOW);
    parsed("Mon, 01 Jan 0001 00:00:00 GMT", NOW);
    assert_int_equal(parsed("Sat, 31 Dec 2016 23:59:60 GMT", NOW), 1483228800); /* a leap second */
}

static void anything_else_is_malformed(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "0",
        "1994-11-06T08:49:37Z",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun,  6 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Son, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 1994 08-49-37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 32 Jan 1994 08:49:37 GMT",
        "Tue, 29 Feb 1900 00:00:00 GMT",
        "Wed, 29 Feb 2023 00:00:00 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov +994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sunday, 06 Nov 94 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 UTC",
        "Sunday, 06-Nov-94 08:49:7 GMT",
        "Sun, 06 Nox 1994 08:49:37 GMT",
        "Sun Nox  6 08:49:37 1994",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 94",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Sun, Nov  6 08:49:37 1994",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t t;
        if (date_parse(str_of(rows[i]), NOW, &t) == ERR_NONE)
            print_error("taken: %s\n", rows[i]);
        assert_int_equal(date_parse(str_of(rows[i]), NOW, &t), ERR_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_three_forms_are_read),
        cmocka_unit_test(dates_are_written_as_imf_fixdate),
        cmocka_unit_test(times_outside_the_calendar_are_written_as_its_ends),
        cmocka_unit_test(every_day_agrees_with_the_c_library_and_comes_back),
        cmocka_unit_test(two_digit_years_lie_within_50_years_from_now),
        cmocka_unit_test(two_digit_years_end_with_the_calendar),
        cmocka_unit_test(the_last_day_of_a_month_is_known),
        cmocka_unit_test(anything_else_is_malformed),
    };
    return cmocka_run_group_tests_name("http/date", tests, NULL, NULL);
}
