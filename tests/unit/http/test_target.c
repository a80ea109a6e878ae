/* edge/http/target: the four forms of a request target, and what an authority is. */
#include "edge/http/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct h1_request request(enum method method, const char *name, const char *target)
{
    struct h1_request r;
    memset(&r, 0, sizeof r);
    r.method = method;
    r.method_text = str_of(name);
    r.target = str_of(target);
    return r;
}

struct row {
    const char *target, *authority, *path, *query; /* query NULL: there is no '?' */
};

static void expect_str(struct str s, const char *text) { assert_true(str_eq(s, str_of(text))); }

static void expect_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct h1_request r = request(METHOD_GET, "GET", rows[i].target);
        assert_int_equal(target_parse(&r), ERR_NONE);
        expect_str(r.authority, rows[i].authority);
        expect_str(r.path, rows[i].path);
        expect_str(r.query, rows[i].query);
        assert_int_equal(r.query.p != NULL, rows[i].query != NULL);
    }
}

/* RFC 9112 3.2.1 */
static void the_origin_form_is_a_path_and_perhaps_a_query(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/", "", "/", NULL},        {"/a/b", "", "/a/b", NULL}, {"/a?", "", "/a", ""},
        {"/a?b=c", "", "/a", "b=c"}, {"/?a?b", "", "/", "a?b"},  {"//a/b", "", "//a/b", NULL},
    };
    expect_rows(rows, sizeof rows / sizeof rows[0]);
}

/* RFC 9112 3.2.2 */
static void the_absolute_form_has_an_authority_of_its_own(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"http://a/b?c", "a", "/b", "c"},
        {"HTTPS://a:443/", "a:443", "/", NULL},
        {"http://a", "a", "/", NULL},
        {"http://a?b", "a", "/", "b"},
        {"http://[::1]:1/x", "[::1]:1", "/x", NULL},
    };
    expect_rows(rows, sizeof rows / sizeof rows[0]);
}

/* RFC 9112 3.2.4 */
static void the_asterisk_is_for_options(void **state)
{
    (void)state;
    struct h1_request r = request(METHOD_OPTIONS, "OPTIONS", "*");
    assert_int_equal(target_parse(&r), ERR_NONE);
    expect_str(r.path, "*");
    r = request(METHOD_OPTIONS, "OPTIONS", "http://a");
    assert_int_equal(target_parse(&r), ERR_NONE);
    expect_str(r.path, "*");
    r = request(METHOD_GET, "GET", "*");
    assert_int_equal(target_parse(&r), ERR_TARGET);
    assert_non_null(r.why);
}

/* RFC 9112 3.2.3 */
static void connect_has_an_authority_and_nothing_else(void **state)
{
    (void)state;
    struct h1_request r = request(METHOD_OTHER, "CONNECT", "a:443");
    assert_int_equal(target_parse(&r), ERR_NONE);
    expect_str(r.authority, "a:443");
    assert_int_equal(r.path.n, 0);
    r = request(METHOD_OTHER, "CONNECT", "/a");
    assert_int_equal(target_parse(&r), ERR_TARGET);
}

static void other_targets_are_refused(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "a",
        "a/b",
        "?a",
        "http:/a",
        "http://",
        "http:///a",
        "http://u@a/",
        "http://a:b/",
        "ftp://a/b",
        "**",
        "http://?a",
        "http://a b/",
        "http://a:99999/",
        "example.org:80",
    };
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct h1_request r = request(METHOD_GET, "GET", targets[i]);
        assert_int_equal(target_parse(&r), ERR_TARGET);
        assert_non_null(r.why);
    }
}

/* RFC 3986 3.2.2 and 3.2.3, RFC 9110 4.2.1 */
static void an_authority_is_a_host_and_perhaps_a_port(void **state)
{
    (void)state;
    static const char *const good[] = {
        "a",   "a.b-c_d~e", "127.0.0.1:8080", "a:",           "[::1]", "[::ffff:1.2.3.4]:80",
        "a:0", "[fe80::0]", "a:65535",        "a!$&'()*+,;=b"};
    static const char *const bad[] = {
        "",     ":80",   "a:b",    "a:+1", "a:65536",  "a:1:2",
        "[::1", "[]",    "[g]",    "::1",  "a b",      "a@b",
        "a/b",  "a%20b", "[::1]a", "a\"b", "\xc3\xa9", "a:18446744073709551616"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(target_is_authority(str_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(target_is_authority(str_of(bad[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_origin_form_is_a_path_and_perhaps_a_query),
        cmocka_unit_test(the_absolute_form_has_an_authority_of_its_own),
        cmocka_unit_test(the_asterisk_is_for_options),
        cmocka_unit_test(connect_has_an_authority_and_nothing_else),
        cmocka_unit_test(other_targets_are_refused),
        cmocka_unit_test(an_authority_is_a_host_and_perhaps_a_port),
    };
    return cmocka_run_group_tests_name("http/target", tests, NULL, NULL);
}
