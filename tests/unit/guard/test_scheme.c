/* edge/guard/scheme: what the styles read requests with. */
#include "edge/guard/scheme.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static void expect(struct buf *b, const char *text)
{
    if (!str_eq(buf_str(b), str_of(text)))
        fail_msg("not \"%s\" but \"%.*s\"", text, STR_ARG(buf_str(b)));
    buf_reset(b);
}

static void a_parameter_counts_how_often_it_is_there(void **state)
{
    (void)state;
    struct str v = STR("untouched");
    assert_int_equal(param(STR("a=1&b=2"), STR("c"), &v), 0);
    assert_true(str_eq(v, STR("untouched")));
    assert_int_equal(param(STR("a=1&b=2=3&c"), STR("b"), &v), 1);
    assert_true(str_eq(v, STR("2=3")));
    assert_int_equal(param(STR("a=1&c"), STR("c"), &v), 1);
    assert_int_equal(v.n, 0);
    assert_int_equal(param(STR("a=1&b=2&a=3&a=4"), STR("a"), &v), 2);
    assert_int_equal(param(STR("aa=1&A=2"), STR("a"), &v), 0);
    assert_int_equal(param(STR(""), STR("a"), &v), 0);
}

static bool cookies(void *arg, struct str name, size_t at, struct str *value)
{
    const char *const *lines = arg;
    if (!str_eq(name, STR("Cookie")) || !lines[at])
        return false;
    *value = str_of(lines[at]);
    return true;
}

static void cookies_are_read_from_every_line(void **state)
{
    (void)state;
    const char *lines[] = {"a=1; b=2;c=3", "d=x=y; b2=4", NULL};
    struct guard_request r = {.field = cookies, .arg = lines};
    struct str v;
    assert_int_equal(cookie(&r, STR("b"), &v), 1);
    assert_true(str_eq(v, STR("2")));
    assert_int_equal(cookie(&r, STR("c"), &v), 1);
    assert_true(str_eq(v, STR("3")));
    assert_int_equal(cookie(&r, STR("d"), &v), 1);
    assert_true(str_eq(v, STR("x=y")));
    assert_int_equal(cookie(&r, STR("e"), &v), 0);
    lines[1] = "a=2";
    assert_int_equal(cookie(&r, STR("a"), &v), 2);
    r.field = NULL;
    assert_int_equal(cookie(&r, STR("a"), &v), 0);
}

static void a_time_is_digits_alone(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",   "01", "+1",  "-1",  "1 ",
                                        " 1", "1a", "0x1", "1.0", "9007199254740992"};
    int64_t t;
    assert_true(read_time(STR("0"), &t) && t == 0);
    assert_true(read_time(STR("1700000000"), &t) && t == 1700000000);
    assert_true(read_time(STR("9007199254740991"), &t) && t == 9007199254740991);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (read_time(str_of(wrong[i]), &t))
            fail_msg("\"%s\" is a time", wrong[i]);
}

/* RFC 4648 10, without the padding. */
static void base64_is_the_standards(void **state)
{
    static const char *const pairs[][2] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},         {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        put_base64(&b, (const unsigned char *)pairs[i][0], strlen(pairs[i][0]), "-_");
        expect(&b, pairs[i][1]);
    }
    put_base64(&b, (const unsigned char *)"\xfb\xff\xbf", 3, "-_");
    expect(&b, "-_-_");
    put_base64(&b, (const unsigned char *)"\xfb\xff\xbf", 3, "+/");
    expect(&b, "+/+/");
    buf_fini(&b);
}

static void escapes_are_read_and_written(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    assert_true(put_decoded(&b, STR("a%20b+c%2f%C3%a9")));
    expect(&b, "a b+c/\xc3\xa9");
    assert_false(put_decoded(&b, STR("a%2")));
    buf_reset(&b);
    assert_false(put_decoded(&b, STR("%zz")));
    buf_reset(&b);
    put_encoded(&b, STR("/a b~c-d._e/\xc3\xa9+"), true);
    expect(&b, "/a%20b~c-d._e/%C3%A9%2B");
    put_encoded(&b, STR("/a"), false);
    expect(&b, "%2Fa");
    put_encoded(&b, (struct str){"a\0b", 3}, false);
    expect(&b, "a%00b");
    put_hex(&b, (const unsigned char *)"\x00\x7f\xff", 3);
    expect(&b, "007fff");
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parameter_counts_how_often_it_is_there),
        cmocka_unit_test(cookies_are_read_from_every_line),
        cmocka_unit_test(a_time_is_digits_alone),
        cmocka_unit_test(base64_is_the_standards),
        cmocka_unit_test(escapes_are_read_and_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
