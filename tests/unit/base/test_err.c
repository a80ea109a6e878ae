/* edge/base/err: every error has a name, a text and a status. */
#include "edge/base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_error_is_told_in_words_and_as_a_status(void **state)
{
    (void)state;
    for (unsigned e = 0; e < ERR_COUNT; e++) {
        assert_true(strlen(err_name((enum err)e)) > 0);
        assert_true(strlen(err_text((enum err)e)) > 0);
        assert_in_range(err_status((enum err)e), 200, 599);
    }
}

static void no_error_is_zero(void **state)
{
    (void)state;
    assert_int_equal(ERR_NONE, 0);
    assert_string_equal(err_name(ERR_NONE), "NONE");
}

static void refusals_have_the_status_that_rfc_9110_gives(void **state)
{
    (void)state;
    assert_int_equal(err_status(ERR_SYNTAX), 400);
    assert_int_equal(err_status(ERR_METHOD), 405);
    assert_int_equal(err_status(ERR_SLOW_HEAD), 408);
    assert_int_equal(err_status(ERR_PRECONDITION), 412);
    assert_int_equal(err_status(ERR_URI_LONG), 414);
    assert_int_equal(err_status(ERR_RANGE), 416);
    assert_int_equal(err_status(ERR_HEAD_LARGE), 431);
    assert_int_equal(err_status(ERR_CODING), 501);
    assert_int_equal(err_status(ERR_VERSION), 505);
}

static enum err leave_with(enum err e)
{
    TRY(e);
    return ERR_NONE;
}

static void try_leaves_with_the_error(void **state)
{
    (void)state;
    assert_int_equal(leave_with(ERR_RANGE), ERR_RANGE);
    assert_int_equal(leave_with(ERR_NONE), ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_is_told_in_words_and_as_a_status),
        cmocka_unit_test(no_error_is_zero),
        cmocka_unit_test(refusals_have_the_status_that_rfc_9110_gives),
        cmocka_unit_test(try_leaves_with_the_error),
    };
    return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
