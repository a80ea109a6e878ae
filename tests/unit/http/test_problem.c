/* edge/http/problem: RFC 9457 bodies that are JSON whatever the detail holds. */
#include "edge/http/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect_problem(int status, struct str detail, const char *want)
{
    struct buf b;
    buf_init(&b, BUF_MAX_PROBLEM);
    problem_write(&b, status, detail);
    assert_int_equal(buf_status(&b), ERR_NONE);
    assert_int_equal(b.len, strlen(want));
    assert_memory_equal(b.data, want, b.len);
    buf_fini(&b);
}

/* RFC 9457 3.1 and 4.2.1 */
static void a_problem_has_type_title_status_and_detail(void **state)
{
    (void)state;
    expect_problem(404, STR("there is nothing here"),
                   "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                   "\"detail\":\"there is nothing here\"}\n");
}

static void an_empty_detail_is_left_out(void **state)
{
    (void)state;
    expect_problem(416, STR(""),
                   "{\"type\":\"about:blank\",\"title\":\"Range Not Satisfiable\","
                   "\"status\":416}\n");
}

static void expect_text(struct str in, const char *want)
{
    struct buf b;
    buf_init(&b, BUF_MAX_PROBLEM);
    problem_json_text(&b, in);
    assert_true(str_eq(buf_str(&b), str_of(want)));
    buf_fini(&b);
}

/* RFC 8259 7 */
static void what_json_cannot_hold_is_escaped(void **state)
{
    (void)state;
    expect_text(STR("a\"b\\c/d"), "a\\\"b\\\\c/d");
    expect_text(STR("\0\r\n\x1f\x7f"), "\\u0000\\u000d\\u000a\\u001f\\u007f");
}

/* RFC 8259 8.1 */
static void what_is_not_utf8_is_replaced(void **state)
{
    (void)state;
    expect_text(STR("R\xc3\xb3s \xf0\x9f\x8e\xb5"), "R\xc3\xb3s \xf0\x9f\x8e\xb5");
    expect_text(STR("a\xff\xc3z\xc3"), "a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd");
    expect_text(STR("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd");
}

static void a_detail_over_the_ceiling_fails_the_buffer(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 64);
    problem_write(&b, 400, STR("a detail that is longer than what the buffer can hold"));
    assert_int_equal(buf_status(&b), ERR_TOO_BIG);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_problem_has_type_title_status_and_detail),
        cmocka_unit_test(an_empty_detail_is_left_out),
        cmocka_unit_test(what_json_cannot_hold_is_escaped),
        cmocka_unit_test(what_is_not_utf8_is_replaced),
        cmocka_unit_test(a_detail_over_the_ceiling_fails_the_buffer),
    };
    return cmocka_run_group_tests_name("http/problem", tests, NULL, NULL);
}
