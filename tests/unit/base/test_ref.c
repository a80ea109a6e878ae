/* edge/base/ref: the last one out is told so. */
#include "edge/base/ref.h"

#include "tests/unit/base/dies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void only_the_last_drop_answers_true(void **state)
{
    (void)state;
    struct ref r;
    ref_init(&r);
    ref_take(&r);
    ref_take(&r);
    assert_false(ref_drop(&r));
    assert_false(ref_drop(&r));
    assert_true(ref_drop(&r));
}

static void take_a_dead_one(void)
{
    struct ref r;
    ref_init(&r);
    if (ref_drop(&r))
        ref_take(&r);
}

static void drop_once_too_often(void)
{
    struct ref r;
    ref_init(&r);
    if (ref_drop(&r))
        ref_drop(&r);
}

static void what_is_gone_is_not_taken_or_dropped_again(void **state)
{
    (void)state;
    assert_true(dies(take_a_dead_one));
    assert_true(dies(drop_once_too_often));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_last_drop_answers_true),
        cmocka_unit_test(what_is_gone_is_not_taken_or_dropped_again),
    };
    return cmocka_run_group_tests_name("base/ref", tests, NULL, NULL);
}
