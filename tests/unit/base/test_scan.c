/* edge/base/scan: what matches is eaten, what does not stays. */
#include "edge/base/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect_rest(struct str s, const char *want) { assert_true(str_eq(s, str_of(want))); }

static void a_character_or_word_is_eaten_or_left(void **state)
{
    (void)state;
    struct str s = STR("bytes=1");
    assert_false(scan_char(&s, 'B'));
    assert_false(scan_lit(&s, STR("Bytes")));
    assert_false(scan_lit(&s, STR("bytes=12")));
    expect_rest(s, "bytes=1");
    assert_true(scan_char(&s, 'b'));
    assert_true(scan_lit(&s, STR("ytes=")));
    expect_rest(s, "1");
    assert_true(scan_char(&s, '1'));
    assert_false(scan_char(&s, '1'));
}

static void words_may_be_taken_without_case(void **state)
{
    (void)state;
    struct str s = STR("BYtes=1");
    assert_false(scan_icase(&s, STR("bytes=2")));
    assert_false(scan_icase(&s, STR("bytes=1-")));
    expect_rest(s, "BYtes=1");
    assert_true(scan_icase(&s, STR("bytes=")));
    expect_rest(s, "1");
}

static void numbers_go_to_64_bits_and_no_further(void **state)
{
    (void)state;
    uint64_t n = 7;
    struct str s = STR("18446744073709551615x");
    assert_true(scan_u64(&s, &n));
    assert_true(n == UINT64_MAX);
    expect_rest(s, "x");
    s = STR("18446744073709551616");
    assert_false(scan_u64(&s, &n));
    expect_rest(s, "18446744073709551616");
    s = STR("99999999999999999999");
    assert_false(scan_u64(&s, &n));
    s = STR("007");
    assert_true(scan_u64(&s, &n));
    assert_int_equal(n, 7);
}

static void a_number_begins_with_a_digit(void **state)
{
    (void)state;
    static const char *const rows[] = {"", "+1", "-1", " 1", "x", "/", ":"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t n;
        struct str s = str_of(rows[i]);
        assert_false(scan_u64(&s, &n));
        expect_rest(s, rows[i]);
    }
}

static void digits_are_counted(void **state)
{
    (void)state;
    unsigned n = 0;
    struct str s = STR("0123");
    assert_true(scan_digits(&s, 2, &n));
    assert_int_equal(n, 1);
    expect_rest(s, "23");
    assert_false(scan_digits(&s, 3, &n));
    s = STR("1x");
    assert_false(scan_digits(&s, 2, &n));
    expect_rest(s, "1x");
    s = STR("999999999");
    assert_true(scan_digits(&s, 9, &n));
    assert_int_equal(n, 999999999);
}

static void hexadecimal_digits_have_values(void **state)
{
    (void)state;
    const char *digits = "0123456789abcdef", *upper = "0123456789ABCDEF";
    for (int c = 0; c < 256; c++) {
        int want = -1;
        for (int v = 0; v < 16; v++)
            if (c == digits[v] || c == upper[v])
                want = v;
        assert_int_equal(scan_hex((char)c), want);
    }
}

static void two_hexadecimal_digits_are_a_byte(void **state)
{
    (void)state;
    unsigned char b = 0;
    struct str s = STR("fF0");
    assert_true(scan_hex2(&s, &b));
    assert_int_equal(b, 255);
    assert_false(scan_hex2(&s, &b));
    expect_rest(s, "0");
    s = STR("0g");
    assert_false(scan_hex2(&s, &b));
    s = STR("g0");
    assert_false(scan_hex2(&s, &b));
    expect_rest(s, "g0");
}

/* RFC 9110 5.6.2 */
static void token_characters_are_letters_digits_and_fifteen_marks(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool mark = c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
        assert_int_equal(scan_is_tchar((unsigned char)c), alnum || mark);
    }
}

static void a_token_ends_at_the_first_other_byte(void **state)
{
    (void)state;
    struct str token, s = STR("keep-alive, x");
    assert_true(scan_token(&s, &token));
    assert_true(str_eq(token, STR("keep-alive")));
    expect_rest(s, ", x");
    assert_false(scan_token(&s, &token));
    expect_rest(s, ", x");
}

static void blanks_are_eaten_and_counted(void **state)
{
    (void)state;
    struct str s = STR(" \t x");
    assert_int_equal(scan_blank(&s), 3);
    assert_int_equal(scan_blank(&s), 0);
    expect_rest(s, "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_character_or_word_is_eaten_or_left),
        cmocka_unit_test(words_may_be_taken_without_case),
        cmocka_unit_test(numbers_go_to_64_bits_and_no_further),
        cmocka_unit_test(a_number_begins_with_a_digit),
        cmocka_unit_test(digits_are_counted),
        cmocka_unit_test(hexadecimal_digits_have_values),
        cmocka_unit_test(two_hexadecimal_digits_are_a_byte),
        cmocka_unit_test(token_characters_are_letters_digits_and_fifteen_marks),
        cmocka_unit_test(a_token_ends_at_the_first_other_byte),
        cmocka_unit_test(blanks_are_eaten_and_counted),
    };
    return cmocka_run_group_tests_name("base/scan", tests, NULL, NULL);
}
