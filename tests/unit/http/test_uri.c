/* edge/http/uri: decoded once, resolved after, never above the root. */
#include "edge/http/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *raw, *path;
};

static void expect_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char out[256];
        struct str path;
        enum err e = uri_decode_path(str_of(rows[i].raw), out, sizeof out, &path);
        if (e || !str_eq(path, str_of(rows[i].path)))
            print_error("%s: %s\n", rows[i].raw, err_name(e));
        assert_int_equal(e, ERR_NONE);
        assert_true(str_eq(path, str_of(rows[i].path)));
        assert_ptr_equal(path.p, out);
    }
}

static void expect_refused(const struct str *raw, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char out[256];
        struct str path;
        enum err e = uri_decode_path(raw[i], out, sizeof out, &path);
        if (e != ERR_TARGET)
            print_error("%.*s: %s\n", STR_ARG(raw[i]), err_name(e));
        assert_int_equal(e, ERR_TARGET);
    }
}

#define IN(literal)                    \
    {                                  \
        (literal), sizeof(literal) - 1 \
    }
#define EXPECT_ROWS(rows) expect_rows(rows, sizeof(rows) / sizeof(rows)[0])
#define EXPECT_REFUSED(rows) expect_refused(rows, sizeof(rows) / sizeof(rows)[0])

/* RFC 3986 2.1 and 2.4 */
static void escapes_are_decoded_once(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/", "/"},
        {"/a/b.mp3", "/a/b.mp3"},
        {"/a%20b", "/a b"},
        {"/%41%6d%6D", "/Amm"},
        {"/%2541", "/%41"},
        {"/%252e%252e/a", "/%2e%2e/a"},
        {"/%25", "/%"},
        {"/a+b", "/a+b"},
        {"/Sigur%20R%C3%B3s", "/Sigur R\xc3\xb3s"},
        {"/R\xc3\xb3s", "/R\xc3\xb3s"},
        {"/%F0%9F%8E%B5", "/\xf0\x9f\x8e\xb5"},
        {"/a%5Cb\\c", "/a\\b\\c"},
        {"/a;b:c@d", "/a;b:c@d"},
        {"/\"<>^`{|}", "/\"<>^`{|}"},
    };
    EXPECT_ROWS(rows);
}

/* RFC 3986 5.2.4 */
static void dot_segments_are_resolved(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/a/./b", "/a/b"},
        {"/a/.", "/a/"},
        {"/.", "/"},
        {"/./", "/"},
        {"/a/..", "/"},
        {"/a/../", "/"},
        {"/a/b/..", "/a/"},
        {"/a/b/../c", "/a/c"},
        {"/a/b/../../c", "/c"},
        {"/a/%2e%2e/c", "/c"},
        {"/a/.%2E/c", "/c"},
        {"/a/%2E/c", "/a/c"},
        {"/a/...", "/a/..."},
        {"/a/..b/.c", "/a/..b/.c"},
        {"/a/b../c", "/a/b../c"},
    };
    EXPECT_ROWS(rows);
}

static void empty_segments_are_joined_and_the_last_slash_stays(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"//", "/"},      {"//a", "/a"},      {"/a//b", "/a/b"},     {"/a/", "/a/"},
        {"/a///", "/a/"}, {"/a//../b", "/b"}, {"/a/.//./b", "/a/b"},
    };
    EXPECT_ROWS(rows);
}

static void nothing_climbs_over_the_root(void **state)
{
    (void)state;
    static const struct str rows[] = {
        IN("/.."),          IN("/../a"),  IN("/a/../../b"), IN("/%2e%2e/a"), IN("/.%2e/a"),
        IN("/a/../../a/b"), IN("//../a"), IN("/./../a"),    IN("/%2e./etc"), IN("/a/b/../../../c"),
    };
    EXPECT_REFUSED(rows);
}

static void what_hides_a_byte_is_refused(void **state)
{
    (void)state;
    static const struct str rows[] = {
        IN(""),          IN("a"),     IN("*"),        IN("/%"),     IN("/%4"),         IN("/%4g"),
        IN("/%G4"),      IN("/% 41"), IN("/%-1"),     IN("/a%2Fb"), IN("/a%2f..%2fb"), IN("/a%00"),
        IN("/%00/../a"), IN("/a\0b"), IN("/a%0d%0a"), IN("/a%1f"),  IN("/a%7F"),       IN("/a\x7f"),
        IN("/a\tb"),
    };
    EXPECT_REFUSED(rows);
}

/* RFC 3629 3 and 4 */
static void what_is_not_utf8_is_refused(void **state)
{
    (void)state;
    static const struct str rows[] = {
        IN("/%c0%ae%c0%ae/a"), /* ".." in overlong form */
        IN("/%c0%af"),         /* "/" in overlong form */
        IN("/%c1%bf"),
        IN("/%e0%80%af"),
        IN("/%e0%9f%bf"),
        IN("/%f0%80%80%af"),
        IN("/%f0%8f%bf%bf"),
        IN("/%ed%a0%80"), /* a surrogate */
        IN("/%f4%90%80%80"),
        IN("/%f5%80%80%80"),
        IN("/%ff"),
        IN("/%80"),
        IN("/%c3"),
        IN("/%c3/%b3"),
        IN("/%e2%82"),
        IN("/%e2%28%a1"),
        IN("/%e2%82%28"),
        IN("/\xe9"),
        IN("/%ff/../a"),
    };
    EXPECT_REFUSED(rows);
}

static void the_ends_of_utf8_are_taken(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/%C2%80", "/\xc2\x80"},
        {"/%DF%BF", "/\xdf\xbf"},
        {"/%E0%A0%80", "/\xe0\xa0\x80"},
        {"/%ED%9F%BF", "/\xed\x9f\xbf"},
        {"/%EF%BF%BF", "/\xef\xbf\xbf"},
        {"/%F0%90%80%80", "/\xf0\x90\x80\x80"},
        {"/%F4%8F%BF%BF", "/\xf4\x8f\xbf\xbf"},
    };
    EXPECT_ROWS(rows);
}

static void a_path_that_does_not_fit_is_too_long(void **state)
{
    (void)state;
    char out[4];
    struct str path;
    assert_int_equal(uri_decode_path(STR("/abc"), out, 4, &path), ERR_NONE);
    assert_int_equal(uri_decode_path(STR("/%61%62%63"), out, 4, &path), ERR_NONE);
    assert_int_equal(uri_decode_path(STR("/abcd"), out, 4, &path), ERR_URI_LONG);
    assert_int_equal(uri_decode_path(STR("/%61bcd"), out, 4, &path), ERR_URI_LONG);
    assert_int_equal(uri_decode_path(STR("/abc/"), out, 4, &path), ERR_URI_LONG);
    assert_int_equal(uri_decode_path(STR("/"), out, 0, &path), ERR_URI_LONG);
}

static void expect_encoded(struct str path, const char *want)
{
    struct buf b;
    buf_init(&b, 1024);
    uri_encode_path(&b, path);
    assert_int_equal(buf_status(&b), ERR_NONE);
    assert_true(str_eq(buf_str(&b), str_of(want)));
    buf_fini(&b);
}

/* RFC 3986 3.3 */
static void encoding_keeps_pchar_and_slashes(void **state)
{
    (void)state;
    expect_encoded(STR(""), "");
    expect_encoded(STR("/aZ09-._~!$&'()*+,;=:@/"), "/aZ09-._~!$&'()*+,;=:@/");
    expect_encoded(STR("/a b?c#d%e\"<>[\\]^`{|}"),
                   "/a%20b%3Fc%23d%25e%22%3C%3E%5B%5C%5D%5E%60%7B%7C%7D");
    expect_encoded(STR("\0\x7f\xc3\xb3"), "%00%7F%C3%B3");
}

static void what_was_encoded_decodes_to_the_same(void **state)
{
    (void)state;
    struct str path, again;
    char name[256], out[256];
    struct buf b;
    buf_init(&b, 1024);
    size_t n = 0;
    name[n++] = '/';
    for (int c = 0x20; c < 0x7f; c++)
        if (c != '/')
            name[n++] = (char)c;
    path = (struct str){name, n};
    uri_encode_path(&b, path);
    assert_int_equal(uri_decode_path(buf_str(&b), out, sizeof out, &again), ERR_NONE);
    assert_true(str_eq(path, again));
    buf_fini(&b);
}

/* RFC 3986 3.4 */
static void query_values_are_found_by_their_exact_name(void **state)
{
    (void)state;
    struct str v, q = STR("a=1&bb=2=3&c&a=4&=5&&d=");
    static const struct row rows[] = {{"a", "1"}, {"bb", "2=3"}, {"c", ""}, {"d", ""}, {"", "5"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(uri_query(q, str_of(rows[i].raw), &v));
        assert_true(str_eq(v, str_of(rows[i].path)));
    }
    assert_false(uri_query(q, STR("b"), &v));
    assert_false(uri_query(q, STR("A"), &v));
    assert_false(uri_query((struct str){NULL, 0}, STR("a"), &v));
}

static void query_values_are_decoded(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 16);
    assert_int_equal(uri_decode(STR("a+b%2Fc%3d\xff%FF"), &b), ERR_NONE);
    assert_true(str_eq(buf_str(&b), STR("a+b/c=\xff\xff")));
    buf_reset(&b);
    assert_int_equal(uri_decode(STR(""), &b), ERR_NONE);
    assert_int_equal(uri_decode(STR("a%"), &b), ERR_TARGET);
    assert_int_equal(uri_decode(STR("%zz"), &b), ERR_TARGET);
    assert_int_equal(uri_decode(STR("%00"), &b), ERR_TARGET);
    assert_int_equal(uri_decode(STR("a\0"), &b), ERR_TARGET);
    assert_int_equal(uri_decode(STR("0123456789abcdefg"), &b), ERR_TOO_BIG);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_are_decoded_once),
        cmocka_unit_test(dot_segments_are_resolved),
        cmocka_unit_test(empty_segments_are_joined_and_the_last_slash_stays),
        cmocka_unit_test(nothing_climbs_over_the_root),
        cmocka_unit_test(what_hides_a_byte_is_refused),
        cmocka_unit_test(what_is_not_utf8_is_refused),
        cmocka_unit_test(the_ends_of_utf8_are_taken),
        cmocka_unit_test(a_path_that_does_not_fit_is_too_long),
        cmocka_unit_test(encoding_keeps_pchar_and_slashes),
        cmocka_unit_test(what_was_encoded_decodes_to_the_same),
        cmocka_unit_test(query_values_are_found_by_their_exact_name),
        cmocka_unit_test(query_values_are_decoded),
    };
    return cmocka_run_group_tests_name("http/uri", tests, NULL, NULL);
}
