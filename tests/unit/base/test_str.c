/* edge/base/str: borrowed runs of bytes. */
#include "edge/base/str.h"

#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct str NOTHING = {NULL, 0};

static void slices_are_clamped_to_what_there_is(void **state)
{
    (void)state;
    struct str s = STR("abcdef");
    assert_true(str_eq(str_slice(s, 1, 3), STR("bc")));
    assert_true(str_eq(str_slice(s, 4, 99), STR("ef")));
    assert_int_equal(str_slice(s, 9, 99).n, 0);
    assert_int_equal(str_slice(s, 3, 1).n, 0);
    assert_true(str_eq(str_from(s, 4), STR("ef")));
    assert_int_equal(str_from(s, 7).n, 0);
    assert_null(str_slice(NOTHING, 0, 5).p);
}

static void a_null_pointer_is_the_empty_run(void **state)
{
    (void)state;
    assert_int_equal(str_of(NULL).n, 0);
    assert_true(str_eq(NOTHING, STR("")));
    assert_true(str_ieq(NOTHING, STR("")));
    assert_int_equal(str_cmp(NOTHING, STR("")), 0);
    assert_int_equal(str_find(NOTHING, 'a'), 0);
    assert_int_equal(str_rfind(NOTHING, 'a'), 0);
    assert_int_equal(str_trim(NOTHING).n, 0);
    assert_true(str_starts(STR("a"), NOTHING));
}

static void equality_is_of_bytes_and_length(void **state)
{
    (void)state;
    assert_true(str_eq(STR("a\0b"), STR("a\0b")));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_false(str_eq(STR("a"), STR("ab")));
    assert_false(str_eq(STR("a"), STR("A")));
}

static void case_is_of_ascii_letters_alone(void **state)
{
    (void)state;
    assert_true(str_ieq(STR("aZ-09"), STR("Az-09")));
    assert_false(str_ieq(STR("[@"), STR("{`")));
    assert_false(str_ieq(STR("\xc0"), STR("\xe0")));
    assert_false(str_ieq(STR("a"), STR("ab")));
}

static void both_ends_are_compared(void **state)
{
    (void)state;
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_false(str_starts(STR("a"), STR("ab")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_false(str_ends(STR("c"), STR("bc")));
    assert_false(str_ends(STR("abc"), STR("ab")));
}

static void order_is_of_bytes_then_shorter_first(void **state)
{
    (void)state;
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("b"), STR("ab")) > 0);
    assert_true(str_cmp(STR("a"), STR("aa")) < 0);
    assert_true(str_cmp(STR("aa"), STR("a")) > 0);
    assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
    assert_int_equal(str_cmp(STR("ab"), STR("ab")), 0);
}

static void a_byte_is_found_from_both_ends(void **state)
{
    (void)state;
    assert_int_equal(str_find(STR("a.b.c"), '.'), 1);
    assert_int_equal(str_rfind(STR("a.b.c"), '.'), 3);
    assert_int_equal(str_find(STR("abc"), '.'), 3);
    assert_int_equal(str_rfind(STR("abc"), '.'), 3);
}

static void cutting_takes_what_stands_before_the_byte(void **state)
{
    (void)state;
    struct str s = STR("a,,b");
    assert_true(str_eq(str_cut(&s, ','), STR("a")));
    assert_true(str_eq(str_cut(&s, ','), STR("")));
    assert_true(str_eq(str_cut(&s, ','), STR("b")));
    assert_int_equal(s.n, 0);
}

static void trimming_takes_blanks_and_tabs_only(void **state)
{
    (void)state;
    assert_true(str_eq(str_trim(STR(" \ta b\t ")), STR("a b")));
    assert_true(str_eq(str_trim(STR("\na\r")), STR("\na\r")));
    assert_int_equal(str_trim(STR(" \t ")).n, 0);
}

static void a_copy_has_a_terminator(void **state)
{
    (void)state;
    char *copy = str_dup(str_slice(STR("abc"), 0, 2));
    assert_string_equal(copy, "ab");
    free(copy);
    copy = str_dup(NOTHING);
    assert_string_equal(copy, "");
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_are_clamped_to_what_there_is),
        cmocka_unit_test(a_null_pointer_is_the_empty_run),
        cmocka_unit_test(equality_is_of_bytes_and_length),
        cmocka_unit_test(case_is_of_ascii_letters_alone),
        cmocka_unit_test(both_ends_are_compared),
        cmocka_unit_test(order_is_of_bytes_then_shorter_first),
        cmocka_unit_test(a_byte_is_found_from_both_ends),
        cmocka_unit_test(cutting_takes_what_stands_before_the_byte),
        cmocka_unit_test(trimming_takes_blanks_and_tabs_only),
        cmocka_unit_test(a_copy_has_a_terminator),
    };
    return cmocka_run_group_tests_name("base/str", tests, NULL, NULL);
}
