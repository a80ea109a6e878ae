/* edge/http/precond: RFC 9110 13, in the order of 13.2.2. */
#include "edge/http/precond.h"

#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SAME "Sun, 06 Nov 1994 08:49:37 GMT"
#define EARLIER "Sun, 06 Nov 1994 08:49:36 GMT"
#define LATER "Sun, 06 Nov 1994 08:49:38 GMT"

static const int64_t MODIFIED = 784111777;
static const int64_t NOW = 1700000000;
static const struct h1_limits LIMITS = {.max_head = 16384, .max_line = 8192};

static enum precond decide_at(const char *fields, struct str etag, int64_t modified, int64_t now,
                              bool safe)
{
    char bytes[1024];
    struct h1_request r;
    size_t searched = 0;
    snprintf(bytes, sizeof bytes, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    enum err e = h1_parse(str_of(bytes), &LIMITS, false, &searched, &r);
    assert_int_equal(e, ERR_NONE);
    return precond_decide(&r, etag, modified, now, safe);
}

static enum precond decide_for(const char *fields, struct str etag, int64_t modified, bool safe)
{
    return decide_at(fields, etag, modified, NOW, safe);
}

struct row {
    const char *fields;
    enum precond want;
};

static void expect_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        enum precond got = decide_for(rows[i].fields, STR("\"tag\""), MODIFIED, true);
        if (got != rows[i].want)
            print_error("%s gave %d\n", rows[i].fields, (int)got);
        assert_int_equal(got, rows[i].want);
    }
}

#define EXPECT_ROWS(rows) expect_rows(rows, sizeof(rows) / sizeof(rows)[0])
#define PROCEED PRECOND_PROCEED
#define KNOWN PRECOND_NOT_MODIFIED
#define FAILED PRECOND_FAILED
#define WHOLE PRECOND_IGNORE_RANGE

static void without_conditions_everything_proceeds(void **state)
{
    (void)state;
    static const struct row rows[] = {{"", PROCEED}, {"Range: bytes=0-\r\n", PROCEED}};
    EXPECT_ROWS(rows);
}

/* RFC 9110 13.1.1: strong comparison */
static void if_match_needs_a_strong_match(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"If-Match: \"tag\"\r\n", PROCEED},
        {"If-Match: *\r\n", PROCEED},
        {"If-Match: \"x\", \"tag\"\r\n", PROCEED},
        {"If-Match: \"x\"\r\nIf-Match: \"tag\"\r\n", PROCEED},
        {"If-Match: \"x\"\r\n", FAILED},
        {"If-Match: W/\"tag\"\r\n", FAILED},
        {"If-Match: \"TAG\"\r\n", FAILED},
        {"If-Match: tag\r\n", FAILED},
        {"If-Match:\r\n", FAILED},
    };
    EXPECT_ROWS(rows);
}

/* RFC 9110 13.1.4 */
static void if_unmodified_since_fails_when_it_was_modified_since(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"If-Unmodified-Since: " SAME "\r\n", PROCEED},
        {"If-Unmodified-Since: " LATER "\r\n", PROCEED},
        {"If-Unmodified-Since: " EARLIER "\r\n", FAILED},
        {"If-Unmodified-Since: yesterday\r\n", PROCEED},
        {"If-Unmodified-Since: " EARLIER "\r\nIf-Unmodified-Since: " SAME "\r\n", PROCEED},
    };
    EXPECT_ROWS(rows);
}

/* RFC 9110 13.1.2: weak comparison */
static void if_none_match_needs_a_weak_match(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"If-None-Match: \"tag\"\r\n", KNOWN},
        {"If-None-Match: W/\"tag\"\r\n", KNOWN},
        {"If-None-Match: *\r\n", KNOWN},
        {"If-None-Match: \"x\", W/\"tag\"\r\n", KNOWN},
        {"If-None-Match: ,, \"x\" ,\"tag\"\r\n", KNOWN},
        {"If-None-Match: \"x\"\r\nIf-None-Match: \"tag\"\r\n", KNOWN},
        {"If-None-Match: \"a,b\", \"tag\"\r\n", KNOWN},
        {"If-None-Match: \"x\"\r\n", PROCEED},
        {"If-None-Match: \"tag\r\n", PROCEED},
        {"If-None-Match: \"x, \\\"tag\\\"\"\r\n", PROCEED},
        {"If-None-Match: w/\"tag\"\r\n", PROCEED},
        {"If-None-Match: \"x\" \"tag\"\r\n", PROCEED},
        {"If-None-Match: \"tag\"x\r\n", PROCEED},
        {"If-None-Match: x, \"tag\"\r\n", PROCEED},
        {"If-None-Match:\r\n", PROCEED},
    };
    EXPECT_ROWS(rows);
}

/* RFC 9110 13.1.3 */
static void if_modified_since_spares_what_the_client_has(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"If-Modified-Since: " SAME "\r\n", KNOWN},
        {"If-Modified-Since: " LATER "\r\n", KNOWN},
        {"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n", KNOWN},
        {"If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n", KNOWN},
        {"If-Modified-Since: " EARLIER "\r\n", PROCEED},
        {"If-Modified-Since: 784111777\r\n", PROCEED},
    };
    EXPECT_ROWS(rows);
}

/* RFC 9110 13.1.5: strong comparison of tags, the very same date */
static void if_range_guards_a_range(void **state)
{
    (void)state;
#define RANGE "Range: bytes=0-\r\n"
    static const struct row rows[] = {
        {RANGE "If-Range: \"tag\"\r\n", PROCEED},   {RANGE "If-Range: W/\"tag\"\r\n", WHOLE},
        {RANGE "If-Range: \"x\"\r\n", WHOLE},       {RANGE "If-Range: \"tag\", \"x\"\r\n", WHOLE},
        {RANGE "If-Range: *\r\n", WHOLE},           {RANGE "If-Range:\r\n", WHOLE},
        {RANGE "If-Range: " SAME "\r\n", PROCEED},  {RANGE "If-Range: " LATER "\r\n", WHOLE},
        {RANGE "If-Range: " EARLIER "\r\n", WHOLE}, {"If-Range: \"x\"\r\n", PROCEED},
    };
#undef RANGE
    EXPECT_ROWS(rows);
}

/* RFC 9110 8.8.2.2: within its second the file may have been written twice. */
static void a_date_is_strong_when_its_second_is_over(void **state)
{
    (void)state;
    static const char date[] = "Range: bytes=0-\r\nIf-Range: " SAME "\r\n",
                      etag[] = "Range: bytes=0-\r\nIf-Range: \"tag\"\r\n";
    struct str tag = STR("\"tag\"");
    assert_int_equal(decide_at(date, tag, MODIFIED, MODIFIED - 1, true), WHOLE);
    assert_int_equal(decide_at(date, tag, MODIFIED, MODIFIED, true), WHOLE);
    assert_int_equal(decide_at(date, tag, MODIFIED, MODIFIED + 1, true), PROCEED);
    assert_int_equal(decide_at(etag, tag, MODIFIED, MODIFIED, true), PROCEED);
}

/* RFC 9110 13.2.2 */
static void tags_go_before_dates_and_failures_before_304(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"If-Match: \"tag\"\r\nIf-Unmodified-Since: " EARLIER "\r\n", PROCEED},
        {"If-Match: \"x\"\r\nIf-Unmodified-Since: " SAME "\r\n", FAILED},
        {"If-Match: \"x\"\r\nIf-None-Match: \"tag\"\r\n", FAILED},
        {"If-Match: \"tag\"\r\nIf-None-Match: \"tag\"\r\n", KNOWN},
        {"If-Unmodified-Since: " EARLIER "\r\nIf-None-Match: \"tag\"\r\n", FAILED},
        {"If-None-Match: \"x\"\r\nIf-Modified-Since: " SAME "\r\n", PROCEED},
        {"If-None-Match: \"tag\"\r\nIf-Modified-Since: " EARLIER "\r\n", KNOWN},
        {"If-None-Match: \"tag\"\r\nRange: bytes=0-\r\nIf-Range: \"x\"\r\n", KNOWN},
        {"If-None-Match: \"x\"\r\nRange: bytes=0-\r\nIf-Range: \"x\"\r\n", WHOLE},
    };
    EXPECT_ROWS(rows);
}

/* RFC 9110 13.1.2 and 13.1.3: 304 is for GET and HEAD */
static void other_methods_fail_instead_of_304(void **state)
{
    (void)state;
    struct str tag = STR("\"tag\"");
    assert_int_equal(decide_for("If-None-Match: *\r\n", tag, MODIFIED, false), FAILED);
    assert_int_equal(decide_for("If-None-Match: \"x\"\r\n", tag, MODIFIED, false), PROCEED);
    assert_int_equal(decide_for("If-Modified-Since: " SAME "\r\n", tag, MODIFIED, false), PROCEED);
}

static void an_object_without_a_date_is_no_reason_to_fail(void **state)
{
    (void)state;
    struct str tag = STR("\"tag\"");
    const int64_t none = PRECOND_NO_DATE;
    assert_int_equal(decide_for("If-Unmodified-Since: " EARLIER "\r\n", tag, none, true), PROCEED);
    assert_int_equal(decide_for("If-Modified-Since: " LATER "\r\n", tag, none, true), PROCEED);
    assert_int_equal(decide_for("Range: bytes=0-\r\nIf-Range: " SAME "\r\n", tag, none, true),
                     WHOLE);
}

/* RFC 9110 8.8.3.2 */
static void a_weak_tag_of_ours_matches_weakly_only(void **state)
{
    (void)state;
    struct str weak = STR("W/\"tag\"");
    assert_int_equal(decide_for("If-None-Match: \"tag\"\r\n", weak, MODIFIED, true), KNOWN);
    assert_int_equal(decide_for("If-Match: \"tag\"\r\n", weak, MODIFIED, true), FAILED);
    assert_int_equal(decide_for("If-Match: W/\"tag\"\r\n", weak, MODIFIED, true), FAILED);
}

static void an_object_without_a_tag_matches_none_but_the_asterisk(void **state)
{
    (void)state;
    struct str none = {NULL, 0};
    assert_int_equal(decide_for("If-None-Match: \"\"\r\n", none, MODIFIED, true), PROCEED);
    assert_int_equal(decide_for("If-None-Match: *\r\n", none, MODIFIED, true), KNOWN);
    assert_int_equal(decide_for("If-Match: \"tag\"\r\n", none, MODIFIED, true), FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_conditions_everything_proceeds),
        cmocka_unit_test(if_match_needs_a_strong_match),
        cmocka_unit_test(if_unmodified_since_fails_when_it_was_modified_since),
        cmocka_unit_test(if_none_match_needs_a_weak_match),
        cmocka_unit_test(if_modified_since_spares_what_the_client_has),
        cmocka_unit_test(if_range_guards_a_range),
        cmocka_unit_test(a_date_is_strong_when_its_second_is_over),
        cmocka_unit_test(tags_go_before_dates_and_failures_before_304),
        cmocka_unit_test(other_methods_fail_instead_of_304),
        cmocka_unit_test(an_object_without_a_date_is_no_reason_to_fail),
        cmocka_unit_test(a_weak_tag_of_ours_matches_weakly_only),
        cmocka_unit_test(an_object_without_a_tag_matches_none_but_the_asterisk),
    };
    return cmocka_run_group_tests_name("http/precond", tests, NULL, NULL);
}
