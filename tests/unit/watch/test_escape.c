/* edge/watch/escape: nothing a peer sends breaks a log line. */
#include "edge/watch/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

struct row {
    struct str in;
    const char *out;
};

#define IN(literal)                    \
    {                                  \
        (literal), sizeof(literal) - 1 \
    }

static void expect_rows(void (*escape)(struct buf *, struct str), const struct row *rows, size_t n)
{
    struct buf out;
    buf_init(&out, 4096);
    for (size_t i = 0; i < n; i++) {
        buf_reset(&out);
        escape(&out, rows[i].in);
        buf_addc(&out, '\0');
        assert_int_equal(buf_status(&out), ERR_NONE);
        assert_string_equal((const char *)out.data, rows[i].out);
    }
    buf_fini(&out);
}

static void combined_is_written_as_nginx_does(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {IN(""), ""},
        {IN("/a b~!"), "/a b~!"},
        {IN("\""), "\\x22"},
        {IN("\\"), "\\x5C"},
        {IN("a\r\nb"), "a\\x0D\\x0Ab"},
        {IN("\0"), "\\x00"},
        {IN("\x1f \x7e\x7f\x80\xff"), "\\x1F ~\\x7F\\x80\\xFF"},
        {IN("\xc3\xa9"), "\\xC3\\xA9"},
        {IN("\" 200 5 \"x"), "\\x22 200 5 \\x22x"},
    };
    expect_rows(escape_combined, rows, sizeof rows / sizeof rows[0]);
}

static void json_escapes_what_it_must(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {IN(""), ""},
        {IN("/a b~!"), "/a b~!"},
        {IN("\""), "\\\""},
        {IN("\\"), "\\\\"},
        {IN("a\r\nb"), "a\\u000D\\u000Ab"},
        {IN("\0x"), "\\u0000x"},
        {IN("\x7f"), "\\u007F"},
        {IN("\",\"status\":200,\"x\":\""), "\\\",\\\"status\\\":200,\\\"x\\\":\\\""},
    };
    expect_rows(escape_json, rows, sizeof rows / sizeof rows[0]);
}

/* RFC 3629 section 4. */
static void json_keeps_well_formed_utf8_and_escapes_the_rest_byte_by_byte(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {IN("\xc3\xa9"), "\xc3\xa9"},
        {IN("\xe2\x82\xac"), "\xe2\x82\xac"},
        {IN("\xf0\x9f\x8e\xb5"), "\xf0\x9f\x8e\xb5"},
        {IN("\xed\x9f\xbf\xee\x80\x80"), "\xed\x9f\xbf\xee\x80\x80"},
        {IN("\xf4\x8f\xbf\xbf"), "\xf4\x8f\xbf\xbf"},
        {IN("\x80"), "\\u0080"},
        {IN("\xc3"), "\\u00C3"},
        {IN("\xc3z"), "\\u00C3z"},
        {IN("\xc0\xaf"), "\\u00C0\\u00AF"},
        {IN("\xc1\xbf"), "\\u00C1\\u00BF"},
        {IN("\xe0\x80\xaf"), "\\u00E0\\u0080\\u00AF"},
        {IN("\xe2\x82"), "\\u00E2\\u0082"},
        {IN("\xe2\x82\""), "\\u00E2\\u0082\\\""},
        {IN("\xed\xa0\x80"), "\\u00ED\\u00A0\\u0080"},
        {IN("\xf0\x80\x80\xaf"), "\\u00F0\\u0080\\u0080\\u00AF"},
        {IN("\xf4\x90\x80\x80"), "\\u00F4\\u0090\\u0080\\u0080"},
        {IN("\xf5\x80\x80\x80"), "\\u00F5\\u0080\\u0080\\u0080"},
        {IN("\xff\xc3\xa9"), "\\u00FF\xc3\xa9"},
    };
    expect_rows(escape_json, rows, sizeof rows / sizeof rows[0]);
}

static void expect_json_string(struct buf *out, struct str in)
{
    json_error_t error;
    buf_reset(out);
    buf_adds(out, STR("[\""));
    escape_json(out, in);
    buf_adds(out, STR("\"]"));
    assert_true(out->len <= 6 * in.n + 4);
    json_t *array = json_loadb((const char *)out->data, out->len, JSON_ALLOW_NUL, &error);
    if (!array)
        fail_msg("%s: %.*s", error.text, STR_ARG(buf_str(out)));
    json_decref(array);
}

/* All runs of four of the bytes at which UTF-8 changes its mind. */
static void json_is_valid_for_every_combination_of_awkward_bytes(void **state)
{
    (void)state;
    static const unsigned char odd[] = {0x00, '"',  '\\', 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                        0xc0, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xff};
    enum { N = sizeof odd };
    struct buf out;
    buf_init(&out, 4096);
    for (unsigned i = 0; i < N * N * N * N; i++) {
        const char in[4] = {(char)odd[i % N], (char)odd[i / N % N], (char)odd[i / N / N % N],
                            (char)odd[i / N / N / N]};
        expect_json_string(&out, (struct str){in, sizeof in});
    }
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(combined_is_written_as_nginx_does),
        cmocka_unit_test(json_escapes_what_it_must),
        cmocka_unit_test(json_keeps_well_formed_utf8_and_escapes_the_rest_byte_by_byte),
        cmocka_unit_test(json_is_valid_for_every_combination_of_awkward_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
