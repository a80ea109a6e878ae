/* edge/http/status: ready-made status lines. */
#include "edge/http/status.h"

#include "edge/base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* RFC 9112 4 */
static void lines_are_version_code_and_reason(void **state)
{
    (void)state;
    assert_true(str_eq(status_line(206), STR("HTTP/1.1 206 Partial Content\r\n")));
    assert_true(str_eq(status_line(505), STR("HTTP/1.1 505 HTTP Version Not Supported\r\n")));
}

static void texts_are_those_of_rfc_9110(void **state)
{
    (void)state;
    assert_string_equal(status_text(404), "Not Found");
    assert_string_equal(status_text(416), "Range Not Satisfiable");
    assert_string_equal(status_text(799), "Unknown");
}

static void every_error_has_a_status_line(void **state)
{
    (void)state;
    for (unsigned e = 0; e < ERR_COUNT; e++) {
        struct str line = status_line(err_status((enum err)e));
        assert_true(str_starts(line, STR("HTTP/1.1 ")));
        assert_true(str_ends(line, STR("\r\n")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_version_code_and_reason),
        cmocka_unit_test(texts_are_those_of_rfc_9110),
        cmocka_unit_test(every_error_has_a_status_line),
    };
    return cmocka_run_group_tests_name("http/status", tests, NULL, NULL);
}
