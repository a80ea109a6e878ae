/* edge/store/redis_flat: which arrays a reader may be given. */
#include "edge/store/redis_flat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define MESSAGE "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$4\r\na\r\nb\r\n"
#define SUBSCRIBED "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"
#define PONG "*2\r\n$4\r\npong\r\n$0\r\n\r\n"

static void what_redis_tells_is_whole_at_its_last_byte_only(void **state)
{
    (void)state;
    static const struct str whole[] = {
        {MESSAGE, sizeof MESSAGE - 1},
        {SUBSCRIBED, sizeof SUBSCRIBED - 1},
        {PONG, sizeof PONG - 1},
        {"*2\r\n:-1\r\n:18446744073709551615\r\n", 32},
    };
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        for (size_t n = 0; n < whole[i].n; n++)
            if (flat_array(str_slice(whole[i], 0, n)) != ERR_AGAIN)
                fail_msg("%zu bytes of %zu", n, i);
        assert_int_equal(flat_array(whole[i]), ERR_NONE);
    }
    assert_int_equal(flat_array(STR(PONG MESSAGE)), ERR_NONE);
}

static void what_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "+OK\r\n",
        "*2147483647\r\n",
        "*4\r\n",
        "*1\r\n",
        "*-1\r\n",
        "*3\r\n*3\r\n",
        "*3\r\n*2147483647\r\n",
        "*3\r\n$-1\r\n",
        "*3\r\n$65537\r\n",
        "*3\r\n$18446744073709551615\r\n",
        "*3\r\n$1\r\naXX",
        "*3\r\n:x\r\n",
        "*3\r\n: 1\r\n",
        "*3\rx",
        "*33333333333333333333333333",
        "*3\r\n%1\r\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (flat_array(str_of(rows[i])) != ERR_SYNTAX)
            fail_msg("row %zu", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_redis_tells_is_whole_at_its_last_byte_only),
        cmocka_unit_test(what_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
