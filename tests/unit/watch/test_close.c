/* edge/watch/close: names of the reasons. */
#include "edge/watch/close.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_reason_has_its_own_name_and_text(void **state)
{
    (void)state;
    assert_string_equal(close_name(CLOSE_HEADER_TIMEOUT), "header_timeout");
    assert_string_equal(close_text(CLOSE_HEADER_TIMEOUT),
                        "a request head took longer than header_timeout");
    for (unsigned a = 0; a < CLOSE_COUNT; a++) {
        for (unsigned b = 0; b < a; b++)
            assert_string_not_equal(close_name((enum close_reason)a),
                                    close_name((enum close_reason)b));
    }
}

/* They go into a label and into JSON as they are. */
static void names_need_no_escaping(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CLOSE_COUNT; i++) {
        const char *name = close_name((enum close_reason)i);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reason_has_its_own_name_and_text),
        cmocka_unit_test(names_need_no_escaping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
