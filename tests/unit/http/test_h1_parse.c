/* edge/http/h1_parse: what is a request head, and what must be refused. */
#include "edge/http/h1_parse.h"

#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HOST "Host: a\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST

static const struct h1_limits LIMITS = {.max_head = 16384, .max_line = 8192};

static enum err parse(struct str bytes, bool posts, struct h1_request *r)
{
    size_t searched = 0;
    return h1_parse(bytes, &LIMITS, posts, &searched, r);
}

static struct h1_request good(struct str bytes)
{
    struct h1_request r;
    enum err e = parse(bytes, false, &r);
    if (e)
        print_error("%s: %s\n", err_name(e), r.why ? r.why : "");
    assert_int_equal(e, ERR_NONE);
    assert_null(r.why);
    return r;
}

static void expect_str(struct str s, const char *text)
{
    assert_int_equal(s.n, strlen(text));
    assert_memory_equal(s.p, text, s.n);
}

struct row {
    struct str bytes;
    enum err want;
};

#define ROW(literal, error)                     \
    {                                           \
        {(literal), sizeof(literal) - 1}, error \
    }

static void expect_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct h1_request r;
        enum err e = parse(rows[i].bytes, false, &r);
        if (e != rows[i].want)
            print_error("%.*s gave %s\n", STR_ARG(rows[i].bytes), err_name(e));
        assert_int_equal(e, rows[i].want);
        assert_int_equal(e != ERR_NONE && e != ERR_AGAIN, r.why != NULL);
    }
}

#define EXPECT_ROWS(rows) expect_rows(rows, sizeof(rows) / sizeof(rows)[0])

/* What comes out of a good one. */

static void a_request_is_told_in_all_its_parts(void **state)
{
    (void)state;
    struct h1_request r =
        good(STR("GET /audio/a%20b.mp3?x=1&y HTTP/1.1\r\n"
                 "Host: example.org:8080\r\nX-Other: 1\r\nRange:bytes=0-\r\n\r\n"));
    assert_int_equal(r.method, METHOD_GET);
    assert_int_equal(r.minor, 1);
    assert_true(r.keep_alive);
    assert_false(r.expect_continue);
    assert_int_equal(r.body, 0);
    expect_str(r.method_text, "GET");
    expect_str(r.target, "/audio/a%20b.mp3?x=1&y");
    expect_str(r.path, "/audio/a%20b.mp3");
    expect_str(r.query, "x=1&y");
    expect_str(r.authority, "example.org:8080");
    assert_int_equal(r.kept_count, 2);
}

static void the_head_ends_where_the_next_request_begins(void **state)
{
    (void)state;
    static const char two[] = GET "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n";
    struct h1_request r = good((struct str){two, sizeof two - 1});
    assert_ptr_equal(r.head.p, two);
    assert_int_equal(r.head.n, sizeof(GET "\r\n") - 1);
    r = good(str_from((struct str){two, sizeof two - 1}, r.head.n));
    expect_str(r.path, "/2");
}

/* RFC 9110 9.1: methods have case. */
static void methods_are_known_by_their_exact_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum method method;
    } rows[] = {
        {"GET", METHOD_GET},
        {"HEAD", METHOD_HEAD},
        {"OPTIONS", METHOD_OPTIONS},
        {"POST", METHOD_POST},
        {"PUT", METHOD_OTHER},
        {"get", METHOD_OTHER},
        {"GETT", METHOD_OTHER},
        {"GE", METHOD_OTHER},
        {"DELETE", METHOD_OTHER},
        {"M-SEARCH", METHOD_OTHER},
        {"!#$%&'*+-.^_`|~", METHOD_OTHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char bytes[128];
        snprintf(bytes, sizeof bytes, "%s / HTTP/1.1\r\n" HOST "\r\n", rows[i].name);
        assert_int_equal(good(str_of(bytes)).method, rows[i].method);
    }
}

/* RFC 9112 3.2.2: the target's authority goes before Host. */
static void the_absolute_form_is_taken(void **state)
{
    (void)state;
    struct h1_request r = good(STR("GET http://b:80/p?q HTTP/1.1\r\n" HOST "\r\n"));
    expect_str(r.authority, "b:80");
    expect_str(r.path, "/p");
    expect_str(r.query, "q");
}

/* RFC 9110 5.6.3: optional white space around a value is not part of it. */
static void values_lose_the_blanks_around_them(void **state)
{
    (void)state;
    struct str v;
    struct h1_request r = good(STR(GET "Referer: \t a b\t \r\nCookie:\r\n"
                                       "Range:bytes=1-\r\nOrigin:   \r\n\r\n"));
    assert_true(h1_field(&r, FIELD_REFERER, &v));
    expect_str(v, "a b");
    assert_true(h1_field(&r, FIELD_COOKIE, &v));
    expect_str(v, "");
    assert_true(h1_field(&r, FIELD_RANGE, &v));
    expect_str(v, "bytes=1-");
    assert_true(h1_field(&r, FIELD_ORIGIN, &v));
    expect_str(v, "");
    assert_false(h1_field(&r, FIELD_IF_RANGE, &v));
}

static void repeated_fields_come_in_order(void **state)
{
    (void)state;
    struct str v;
    size_t cursor = 0;
    struct h1_request r =
        good(STR(GET "If-None-Match: \"1\"\r\nX: y\r\nif-none-match: \"2\"\r\n\r\n"));
    assert_true(h1_field_next(&r, FIELD_IF_NONE_MATCH, &cursor, &v));
    expect_str(v, "\"1\"");
    assert_true(h1_field_next(&r, FIELD_IF_NONE_MATCH, &cursor, &v));
    expect_str(v, "\"2\"");
    assert_false(h1_field_next(&r, FIELD_IF_NONE_MATCH, &cursor, &v));
}

static void any_field_is_found_by_name(void **state)
{
    (void)state;
    struct str v;
    size_t cursor = 0;
    struct h1_request r =
        good(STR("\r\n" GET "X-Amz-Date: 1\r\nB: x-amz-date:\r\nx-amz-date:2 \r\n\r\n"));
    assert_true(h1_other(&r, STR("x-amz-date"), &cursor, &v));
    expect_str(v, "1");
    assert_true(h1_other(&r, STR("x-amz-date"), &cursor, &v));
    expect_str(v, "2");
    assert_false(h1_other(&r, STR("x-amz-date"), &cursor, &v));
    cursor = 0;
    assert_true(h1_other(&r, STR("host"), &cursor, &v));
    expect_str(v, "a");
    cursor = 0;
    assert_false(h1_other(&r, STR("GET / HTTP/1.1"), &cursor, &v));
}

/* RFC 9112 9.3 */
static void the_connection_stays_unless_one_side_says_no(void **state)
{
    (void)state;
    assert_true(good(STR(GET "\r\n")).keep_alive);
    assert_true(good(STR(GET "Connection: foo, upgrade\r\n\r\n")).keep_alive);
    assert_false(good(STR(GET "Connection: close\r\n\r\n")).keep_alive);
    assert_false(good(STR(GET "Connection: foo ,Close\r\n\r\n")).keep_alive);
    assert_false(good(STR(GET "Connection: keep-alive\r\nConnection: close\r\n\r\n")).keep_alive);
    assert_false(good(STR(GET "Connection: close, foo\r\n\r\n")).keep_alive);
    assert_false(good(STR("GET / HTTP/1.0\r\n\r\n")).keep_alive);
    assert_true(good(STR("GET / HTTP/1.0\r\nConnection: keep-alive, foo\r\n\r\n")).keep_alive);
    assert_true(good(STR("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")).keep_alive);
    assert_false(good(STR("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n")).keep_alive);
}

/* RFC 9110 10.1.1: 1.0 clients cannot mean it. */
static void only_1_1_waits_for_a_100(void **state)
{
    (void)state;
    assert_true(good(STR(GET "Expect: 100-Continue\r\n\r\n")).expect_continue);
    assert_true(good(STR(GET "Expect: 100-continue\r\nExpect: x\r\n\r\n")).expect_continue);
    assert_false(good(STR(GET "Expect: something\r\n\r\n")).expect_continue);
    assert_false(good(STR("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n")).expect_continue);
}

/* RFC 9110 5.5 */
static void bytes_from_0x80_on_are_let_through_in_values(void **state)
{
    (void)state;
    struct str v;
    struct h1_request r = good(STR(GET "User-Agent: \x80\xff caf\xc3\xa9\t!\r\n\r\n"));
    assert_true(h1_field(&r, FIELD_USER_AGENT, &v));
    expect_str(v, "\x80\xff caf\xc3\xa9\t!");
}

/* RFC 9112 2.2 */
static void one_empty_line_before_the_request_is_passed_over(void **state)
{
    (void)state;
    struct h1_request r = good(STR("\r\n" GET "\r\n"));
    assert_int_equal(r.head.n, sizeof("\r\n" GET "\r\n") - 1);
    static const struct row rows[] = {
        ROW("\r\n", ERR_AGAIN),
        ROW("\r\n\r\n", ERR_SYNTAX),
        ROW("\r\n\r\n" GET "\r\n", ERR_SYNTAX),
    };
    EXPECT_ROWS(rows);
}

/* Bodies. */

/* RFC 9112 6.3; a body is what nobody here would read. */
static void get_head_and_options_have_no_body(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW(GET "Content-Length: 0\r\n\r\n", ERR_NONE),
        ROW(GET "Content-Length: 1\r\n\r\n", ERR_BODY),
        ROW(GET "Transfer-Encoding: chunked\r\n\r\n", ERR_BODY),
        ROW("HEAD / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", ERR_BODY),
        ROW("OPTIONS / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", ERR_BODY),
        ROW("OPTIONS / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", ERR_BODY),
    };
    EXPECT_ROWS(rows);
}

static void a_body_ends_the_connection_after_the_answer(void **state)
{
    (void)state;
    assert_false(good(STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n")).keep_alive);
    assert_false(good(STR("PUT / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n")).keep_alive);
    assert_false(
        good(STR("PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n")).keep_alive);
    assert_true(good(STR("PUT / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n")).keep_alive);
    assert_true(good(STR("POST / HTTP/1.1\r\n" HOST "\r\n")).keep_alive);
}

static void the_length_of_a_post_is_told_where_posts_are_allowed(void **state)
{
    (void)state;
    struct h1_request r;
    struct str post = STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
    assert_int_equal(parse(post, true, &r), ERR_NONE);
    assert_int_equal(r.body, 5);
    assert_int_equal(r.head.n, post.n - 5);
    assert_int_equal(parse(post, false, &r), ERR_NONE);
    assert_int_equal(r.body, 0);
}

/* What must be refused. */

/* RFC 9112 2.2 */
static void line_ends_are_crlf_and_nothing_else(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW("GET / HTTP/1.1\n" HOST "\r\n", ERR_SYNTAX),
        ROW("GET / HTTP/1.1\r\nHost: a\n\r\n", ERR_SYNTAX),
        ROW("GET / HTTP/1.1\r\nHost: a\n\n", ERR_SYNTAX),
        ROW(GET "\n", ERR_SYNTAX),
        ROW("\nGET / HTTP/1.1\r\n", ERR_SYNTAX),
        ROW("GET / HTTP/1.1\r" HOST "\r\n", ERR_SYNTAX),
        ROW(GET "X: a\rb\r\n\r\n", ERR_SYNTAX),
        ROW(GET "X: a\r-Y: b\r\n\r\n", ERR_SYNTAX),
        ROW(GET "X: a\r\r\n\r\n", ERR_SYNTAX),
        ROW(GET "\rX: a\r\n\r\n", ERR_SYNTAX),
        ROW(GET "X\r: a\r\n\r\n", ERR_SYNTAX),
        ROW("GET / HTTP/1.1\r\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW("GET /\r HTTP/1.1\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW(GET "\r\rX", ERR_AGAIN),
    };
    EXPECT_ROWS(rows);
}

/* RFC 9110 5.5 */
static void values_have_no_control_bytes(void **state)
{
    (void)state;
    for (int c = 0; c < 0x80; c++) {
        char bytes[] = GET "X: a?b\r\n\r\n";
        struct h1_request r;
        if (c >= 0x20 && c < 0x7f)
            continue;
        *strchr(bytes, '?') = (char)c;
        enum err e = parse((struct str){bytes, sizeof bytes - 1}, false, &r);
        assert_int_equal(e, c == '\t' ? ERR_NONE : ERR_SYNTAX);
    }
}

/* RFC 9112 5.1 and 5.2 */
static void field_lines_are_name_colon_value(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW(GET "X : a\r\n\r\n", ERR_SYNTAX),
        ROW(GET "X\t: a\r\n\r\n", ERR_SYNTAX),
        ROW("GET / HTTP/1.1\r\nHost : a\r\n\r\n", ERR_SYNTAX),
        ROW(GET "X: a\r\n folded\r\n\r\n", ERR_SYNTAX),
        ROW(GET "X: a\r\n\tfolded: b\r\n\r\n", ERR_SYNTAX),
        ROW(GET "X: a\r\n \r\n\r\n", ERR_SYNTAX),
        ROW("GET / HTTP/1.1\r\n " HOST "\r\n", ERR_SYNTAX),
        ROW(GET ": a\r\n\r\n", ERR_SYNTAX),
        ROW(GET "X\r\n\r\n", ERR_SYNTAX),
        ROW(GET "X y: a\r\n\r\n", ERR_SYNTAX),
        ROW(GET "X(y): a\r\n\r\n", ERR_SYNTAX),
        ROW(GET "X\xc3\xa9: a\r\n\r\n", ERR_SYNTAX),
        ROW(GET "X\0: a\r\n\r\n", ERR_SYNTAX),
        ROW(GET "X: \r\n\r\n", ERR_NONE),
        ROW(GET "X::a\r\n\r\n", ERR_NONE),
        ROW(GET "!#$%&'*+-.^_`|~: a\r\n\r\n", ERR_NONE),
    };
    EXPECT_ROWS(rows);
}

static void a_refused_line_is_told_by_its_fault(void **state)
{
    (void)state;
    static const struct {
        const char *line, *why;
    } rows[] = {
        {" a: b", "a line begins with white space: folded lines are not taken"},
        {"\ta: b", "a line begins with white space: folded lines are not taken"},
        {"a : b", "white space between a field name and its colon"},
        {"a\t: b", "white space between a field name and its colon"},
        {": b", "a field line must begin with its name"},
        {"a", "a field line without a colon"},
        {"a(: b", "a field name has a character that is not allowed there"},
        {"a: \x01", "a control byte (bare CR, NUL, ...) in a field value"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char bytes[128];
        struct h1_request r;
        snprintf(bytes, sizeof bytes, GET "%s\r\n\r\n", rows[i].line);
        assert_int_equal(parse(str_of(bytes), false, &r), ERR_SYNTAX);
        assert_string_equal(r.why, rows[i].why);
    }
}

/* RFC 9112 3 */
static void the_request_line_has_three_parts_and_two_spaces(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW("GET /\r\n\r\n", ERR_SYNTAX),
        ROW("GET\r\n\r\n", ERR_SYNTAX),
        ROW("GET  / HTTP/1.1\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW("GET /  HTTP/1.1\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW("GET\t/ HTTP/1.1\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW("GET / HTTP/1.1 \r\n" HOST "\r\n", ERR_SYNTAX),
        ROW(" GET / HTTP/1.1\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW("GET /a b HTTP/1.1\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW("GET /a\0b HTTP/1.1\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW("GET /a\x7f HTTP/1.1\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW("G(T / HTTP/1.1\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW("G\xc3\xa9T / HTTP/1.1\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW("GET /a#b HTTP/1.1\r\n" HOST "\r\n", ERR_TARGET),
        ROW("GET a HTTP/1.1\r\n" HOST "\r\n", ERR_TARGET),
        ROW("GET * HTTP/1.1\r\n" HOST "\r\n", ERR_TARGET),
        ROW("GET /caf\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", ERR_NONE),
    };
    EXPECT_ROWS(rows);
}

/* RFC 9112 2.3 */
static void versions_are_1_0_and_1_1(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW("GET / HTTP/1.0\r\n\r\n", ERR_NONE),
        ROW("GET / HTTP/1.2\r\n" HOST "\r\n", ERR_VERSION),
        ROW("GET / HTTP/1.9\r\n" HOST "\r\n", ERR_VERSION),
        ROW("GET / HTTP/0.9\r\n\r\n", ERR_VERSION),
        ROW("GET / HTTP/2.0\r\n" HOST "\r\n", ERR_VERSION),
        ROW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ERR_VERSION),
        ROW("GET / HTTP/1.10\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW("GET / HTTP/11\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW("GET / HTTP/1\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW("GET / HTTP/1.\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW("GET / HTTP/1x1\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW("GET / HTTP/1.x\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW("GET / HTTP/x.1\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW("GET / http/1.1\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW("GET / ICY/1.1\r\n" HOST "\r\n", ERR_SYNTAX),
        ROW("GET / \r\n\r\n", ERR_SYNTAX),
    };
    EXPECT_ROWS(rows);
}

/* RFC 9112 3.2 */
static void a_1_1_request_has_one_good_host(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW("GET / HTTP/1.1\r\n\r\n", ERR_HOST),
        ROW("GET http://a/ HTTP/1.1\r\n\r\n", ERR_HOST),
        ROW("GET / HTTP/1.1\r\n" HOST HOST "\r\n", ERR_HOST),
        ROW("GET / HTTP/1.0\r\n" HOST HOST "\r\n", ERR_HOST),
        ROW("GET / HTTP/1.1\r\nHost:\r\n\r\n", ERR_HOST),
        ROW("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", ERR_HOST),
        ROW("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", ERR_HOST),
        ROW("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", ERR_HOST),
        ROW("GET / HTTP/1.1\r\nHost: a:80x80\r\n\r\n", ERR_HOST),
        ROW("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", ERR_HOST),
        ROW("GET / HTTP/1.0\r\nHost: a/b\r\n\r\n", ERR_HOST),
        ROW("GET / HTTP/1.1\r\nhost: [::1]:8080\r\n\r\n", ERR_NONE),
        ROW("GET / HTTP/1.0\r\n\r\n", ERR_NONE),
    };
    EXPECT_ROWS(rows);
}

/* RFC 9110 8.6, RFC 9112 6.3 */
static void content_length_is_one_number(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW(GET "Content-Length: +3\r\n\r\n", ERR_LENGTH),
        ROW(GET "Content-Length: -3\r\n\r\n", ERR_LENGTH),
        ROW(GET "Content-Length: 0x3\r\n\r\n", ERR_LENGTH),
        ROW(GET "Content-Length: 3 4\r\n\r\n", ERR_LENGTH),
        ROW(GET "Content-Length: 0, 0\r\n\r\n", ERR_LENGTH),
        ROW(GET "Content-Length: 0;\r\n\r\n", ERR_LENGTH),
        ROW(GET "Content-Length:\r\n\r\n", ERR_LENGTH),
        ROW(GET "Content-Length: 18446744073709551616\r\n\r\n", ERR_LENGTH),
        ROW(GET "Content-Length: 0\r\nContent-Length: 1\r\n\r\n", ERR_LENGTH),
        ROW(GET "Content-Length: 1\r\nContent-Length: 0\r\n\r\n", ERR_LENGTH),
        ROW("PUT / HTTP/1.1\r\n" HOST "Content-Length: 3x\r\n\r\n", ERR_LENGTH),
        ROW(GET "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", ERR_NONE),
    };
    EXPECT_ROWS(rows);
}

/* RFC 9112 6.1 and 7.1 */
static void framing_can_be_read_in_one_way_only(void **state)
{
    (void)state;
#define PUT "PUT / HTTP/1.1\r\n" HOST
    static const struct row rows[] = {
        ROW(PUT "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", ERR_FRAMING),
        ROW(PUT "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", ERR_FRAMING),
        ROW(GET "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", ERR_FRAMING),
        ROW(PUT "Transfer-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", ERR_FRAMING),
        ROW("PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", ERR_FRAMING),
        ROW(PUT "Transfer-Encoding: chunked, chunked\r\n\r\n", ERR_FRAMING),
        ROW(PUT "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", ERR_FRAMING),
        ROW(PUT "Transfer-Encoding:\r\n\r\n", ERR_FRAMING),
        ROW(PUT "Transfer-Encoding: gzip\r\n\r\n", ERR_CODING),
        ROW(GET "Transfer-Encoding: gzip\r\n\r\n", ERR_CODING),
        ROW(PUT "Transfer-Encoding: gzip, chunked\r\n\r\n", ERR_CODING),
        ROW(PUT "Transfer-Encoding: chunked, identity\r\n\r\n", ERR_CODING),
        ROW(PUT "Transfer-Encoding: xchunked\r\n\r\n", ERR_CODING),
        ROW(PUT "Transfer-Encoding: \"chunked\"\r\n\r\n", ERR_CODING),
        ROW(PUT "Transfer-Encoding: chunked;a=b\r\n\r\n", ERR_CODING),
        ROW(PUT "Transfer-Encoding: , chunked\r\n\r\n", ERR_NONE),
    };
#undef PUT
    EXPECT_ROWS(rows);
}

/* Limits. */

static char big[40000];

/* "GET /aaa... HTTP/1.1\r\n" with a line of that many bytes, and what follows it. */
static struct str with_line(size_t line, const char *rest)
{
    size_t n = strlen(rest);
    memset(big, 'a', sizeof big);
    memcpy(big, "GET /", 5);
    memcpy(big + line - 9, " HTTP/1.1\r\n", 11);
    memcpy(big + line + 2, rest, n);
    return (struct str){big, line + 2 + n};
}

/* RFC 9112 3: 414, not 431, when it is the line alone. */
static void a_request_line_over_the_limit_is_refused(void **state)
{
    (void)state;
    struct h1_request r;
    assert_int_equal(parse(with_line(8192, HOST "\r\n"), false, &r), ERR_NONE);
    assert_int_equal(parse(with_line(8193, HOST "\r\n"), false, &r), ERR_URI_LONG);
    assert_non_null(r.why);
    assert_int_equal(parse(with_line(20000, HOST "\r\n"), false, &r), ERR_URI_LONG);
}

static void a_long_line_is_refused_before_it_ends(void **state)
{
    (void)state;
    struct h1_request r;
    struct str line = with_line(20000, "");
    assert_int_equal(parse(str_slice(line, 0, 8193), false, &r), ERR_AGAIN);
    assert_int_equal(parse(str_slice(line, 0, 8194), false, &r), ERR_URI_LONG);
    assert_int_equal(parse(str_slice(line, 0, 16384), false, &r), ERR_URI_LONG);
}

static void a_line_of_the_whole_limit_is_too_long_not_the_head_too_large(void **state)
{
    (void)state;
    struct h1_request r;
    size_t searched = 0;
    const struct h1_limits same = {.max_head = 1000, .max_line = 1000};
    struct str line = with_line(2000, "");
    enum err e = h1_parse(str_slice(line, 0, 1000), &same, false, &searched, &r);
    assert_int_equal(e, ERR_URI_LONG);
}

/* RFC 6585 5. A good head of that many bytes. */
static struct str with_fields(size_t total)
{
    memset(big, 'a', sizeof big);
    memcpy(big, GET "X: ", sizeof(GET "X: ") - 1);
    memcpy(big + total - 4, "\r\n\r\n", 4);
    return (struct str){big, total};
}

static void a_head_over_the_limit_is_refused(void **state)
{
    (void)state;
    struct h1_request r;
    assert_int_equal(parse(with_fields(16384), false, &r), ERR_NONE);
    assert_int_equal(parse(with_fields(16385), false, &r), ERR_HEAD_LARGE);
    assert_non_null(r.why);
    struct str large = with_fields(30000);
    assert_int_equal(parse(str_slice(large, 0, 16383), false, &r), ERR_AGAIN);
    assert_int_equal(parse(str_slice(large, 0, 16384), false, &r), ERR_HEAD_LARGE);
}

static struct str with_lines(const char *line, unsigned count)
{
    size_t n = sizeof(GET) - 1;
    memcpy(big, GET, n);
    for (unsigned i = 0; i < count; i++) {
        memcpy(big + n, line, strlen(line));
        n += strlen(line);
    }
    memcpy(big + n, "\r\n", 2);
    return (struct str){big, n + 2};
}

static void two_hundred_fields_are_taken_and_no_more(void **state)
{
    (void)state;
    struct h1_request r;
    assert_int_equal(parse(with_lines("X: y\r\n", H1_FIELDS_MAX - 1), false, &r), ERR_NONE);
    assert_int_equal(parse(with_lines("X: y\r\n", H1_FIELDS_MAX), false, &r), ERR_HEAD_LARGE);
}

static void known_fields_have_no_limit_of_their_own(void **state)
{
    (void)state;
    struct h1_request r;
    assert_int_equal(parse(with_lines("Cookie: y\r\n", H1_FIELDS_MAX - 1), false, &r), ERR_NONE);
    assert_int_equal(r.kept_count, H1_FIELDS_MAX);
    assert_int_equal(parse(with_lines("Cookie: y\r\n", H1_FIELDS_MAX), false, &r), ERR_HEAD_LARGE);
}

/* Bytes that come in pieces. */

static void a_head_that_comes_byte_by_byte_is_the_same(void **state)
{
    (void)state;
    struct h1_request r;
    struct str whole = STR("\r\n" GET "Range: bytes=0-\r\n\r\n");
    size_t searched = 0;
    for (size_t n = 0; n < whole.n; n++) {
        assert_int_equal(h1_parse(str_slice(whole, 0, n), &LIMITS, false, &searched, &r),
                         ERR_AGAIN);
        assert_int_equal(searched, n);
    }
    assert_int_equal(h1_parse(whole, &LIMITS, false, &searched, &r), ERR_NONE);
    assert_int_equal(r.head.n, whole.n);
    assert_int_equal(r.kept_count, 2);
}

static void a_refusal_that_comes_byte_by_byte_is_the_same(void **state)
{
    (void)state;
    struct h1_request r;
    struct str long_line = with_line(20000, "");
    size_t searched = 0, n = 0;
    enum err e = ERR_AGAIN;
    while (e == ERR_AGAIN && n < long_line.n)
        e = h1_parse(str_slice(long_line, 0, ++n), &LIMITS, false, &searched, &r);
    assert_int_equal(e, ERR_URI_LONG);
    assert_int_equal(n, 8194);
}

static void what_cannot_become_http_is_refused_at_once(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW("\x16\x03\x01", ERR_SYNTAX), /* a TLS hello */
        ROW("\r\n\x16", ERR_SYNTAX),
        ROW("\0", ERR_SYNTAX),
        ROW("GET / HTTP/1.1\n", ERR_SYNTAX),
        ROW("", ERR_AGAIN),
        ROW("\r", ERR_AGAIN),
        ROW("G", ERR_AGAIN),
    };
    EXPECT_ROWS(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_told_in_all_its_parts),
        cmocka_unit_test(the_head_ends_where_the_next_request_begins),
        cmocka_unit_test(methods_are_known_by_their_exact_name),
        cmocka_unit_test(the_absolute_form_is_taken),
        cmocka_unit_test(values_lose_the_blanks_around_them),
        cmocka_unit_test(repeated_fields_come_in_order),
        cmocka_unit_test(any_field_is_found_by_name),
        cmocka_unit_test(the_connection_stays_unless_one_side_says_no),
        cmocka_unit_test(only_1_1_waits_for_a_100),
        cmocka_unit_test(bytes_from_0x80_on_are_let_through_in_values),
        cmocka_unit_test(one_empty_line_before_the_request_is_passed_over),
        cmocka_unit_test(get_head_and_options_have_no_body),
        cmocka_unit_test(a_body_ends_the_connection_after_the_answer),
        cmocka_unit_test(the_length_of_a_post_is_told_where_posts_are_allowed),
        cmocka_unit_test(line_ends_are_crlf_and_nothing_else),
        cmocka_unit_test(values_have_no_control_bytes),
        cmocka_unit_test(field_lines_are_name_colon_value),
        cmocka_unit_test(a_refused_line_is_told_by_its_fault),
        cmocka_unit_test(the_request_line_has_three_parts_and_two_spaces),
        cmocka_unit_test(versions_are_1_0_and_1_1),
        cmocka_unit_test(a_1_1_request_has_one_good_host),
        cmocka_unit_test(content_length_is_one_number),
        cmocka_unit_test(framing_can_be_read_in_one_way_only),
        cmocka_unit_test(a_request_line_over_the_limit_is_refused),
        cmocka_unit_test(a_long_line_is_refused_before_it_ends),
        cmocka_unit_test(a_line_of_the_whole_limit_is_too_long_not_the_head_too_large),
        cmocka_unit_test(a_head_over_the_limit_is_refused),
        cmocka_unit_test(two_hundred_fields_are_taken_and_no_more),
        cmocka_unit_test(known_fields_have_no_limit_of_their_own),
        cmocka_unit_test(a_head_that_comes_byte_by_byte_is_the_same),
        cmocka_unit_test(a_refusal_that_comes_byte_by_byte_is_the_same),
        cmocka_unit_test(what_cannot_become_http_is_refused_at_once),
    };
    return cmocka_run_group_tests_name("http/h1_parse", tests, NULL, NULL);
}
