/* edge/base/must: our own promises, kept or ended by. */
#include "edge/base/must.h"

#include "tests/unit/base/dies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void break_a_promise(void) { must(1 + 1 == 3); }
static void keep_a_promise(void) { must(1 + 1 == 2); }

static void break_an_audited_promise(void)
{
    volatile int one = 1;
    audit(one + 1 == 3);
}

static void a_broken_promise_aborts_in_every_build(void **state)
{
    (void)state;
    assert_true(dies(break_a_promise));
    assert_false(dies(keep_a_promise));
}

static void audits_are_for_audited_builds(void **state)
{
    (void)state;
#ifdef SEGUE_AUDIT
    assert_true(dies(break_an_audited_promise));
#else
    assert_false(dies(break_an_audited_promise));
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_promise_aborts_in_every_build),
        cmocka_unit_test(audits_are_for_audited_builds),
    };
    return cmocka_run_group_tests_name("base/must", tests, NULL, NULL);
}
