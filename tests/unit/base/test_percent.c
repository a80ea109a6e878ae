/* edge/base/percent.c */
#include "edge/base/percent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void only_unreserved_bytes_and_slashes_stay(void **state)
{
    (void)state;
    static const struct {
        struct str in, out;
    } cases[] = {
        {STR(""), STR("")},
        {STR("a/b-c._~Z9"), STR("a/b-c._~Z9")},
        {STR("a b\"c\n"), STR("a%20b%22c%0A")},
        {STR("100%?#&:"), STR("100%25%3F%23%26%3A")},
        {STR("\xc3\xa9\0\xff"), STR("%C3%A9%00%FF")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b;
        buf_init(&b, 1000);
        percent_path(&b, cases[i].in);
        assert_true(str_eq(buf_str(&b), cases[i].out));
        buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_unreserved_bytes_and_slashes_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
