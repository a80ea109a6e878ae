/* edge/watch/line: formats, compiled and written. */
#include "edge/watch/line.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static struct access_entry entry(void)
{
    static struct sockaddr_in client = {.sin_family = AF_INET};
    client.sin_addr.s_addr = htonl(0xcb007107); /* 203.0.113.7 */
    return (struct access_entry){
        .when_ns = UINT64_C(971211336000000000) + 42000000, /* 2000-10-10T20:55:36.042Z */
        .duration_ns = 1234567890,
        .wait_ns = 1500000,
        .bytes = 2326,
        .client = (const struct sockaddr *)&client,
        .method = STR("GET"),
        .target = STR("/audio/a%20b.mp3?x=\""),
        .version = STR("HTTP/1.1"),
        .referer = STR("http://example.com/"),
        .user_agent = STR("mpv 0.35"),
        .range = STR("bytes=0-"),
        .cache = STR("hit"),
        .status = 206,
        .close = CLOSE_COUNT,
    };
}

static void expect_line(struct line *l, struct access_entry e, const char *want)
{
    struct buf out;
    buf_init(&out, BUF_MAX_LOG_BATCH);
    line_add(l, &out, &e);
    buf_addc(&out, '\0');
    assert_int_equal(buf_status(&out), ERR_NONE);
    assert_string_equal((const char *)out.data, want);
    buf_fini(&out);
}

static struct line line_of(struct str format, enum line_style style)
{
    struct line l;
    assert_int_equal(line_init(&l, format, style), ERR_NONE);
    return l;
}

static void combined_is_what_log_readers_expect(void **state)
{
    (void)state;
    struct line l = line_of(LINE_COMBINED, LINE_PLAIN);
    expect_line(&l, entry(),
                "203.0.113.7 - - [10/Oct/2000:20:55:36 +0000] \"GET /audio/a%20b.mp3?x=\\x22 "
                "HTTP/1.1\" 206 2326 \"http://example.com/\" \"mpv 0.35\"\n");
}

static void what_is_missing_is_a_dash_in_combined(void **state)
{
    (void)state;
    struct line l = line_of(LINE_COMBINED, LINE_PLAIN);
    expect_line(&l, (struct access_entry){.status = 400, .close = CLOSE_BAD_REQUEST},
                "- - - [01/Jan/1970:00:00:00 +0000] \"-\" 400 0 \"-\" \"-\"\n");
}

static void json_has_every_field_in_one_line(void **state)
{
    (void)state;
    struct line l = line_of(LINE_JSON, LINE_QUOTED_JSON);
    struct access_entry e = entry();
    e.close = CLOSE_HANGUP;
    e.aborted = true;
    expect_line(&l, e,
                "{\"time\":\"2000-10-10T20:55:36.042Z\",\"client\":\"203.0.113.7\","
                "\"method\":\"GET\",\"target\":\"/audio/a%20b.mp3?x=\\\"\","
                "\"version\":\"HTTP/1.1\",\"status\":206,\"bytes\":2326,"
                "\"duration_ms\":1234.567,\"wait_ms\":1.500,\"referer\":\"http://example.com/\","
                "\"user_agent\":\"mpv 0.35\",\"range\":\"bytes=0-\",\"cache\":\"hit\","
                "\"close\":\"hangup\",\"aborted\":true,\"denied\":\"\"}\n");
}

static void an_empty_entry_is_a_json_object_with_the_same_names(void **state)
{
    (void)state;
    struct line l = line_of(LINE_JSON, LINE_QUOTED_JSON);
    struct access_entry e = {.status = 400, .close = CLOSE_COUNT};
    struct buf out;
    buf_init(&out, BUF_MAX_LOG_BATCH);
    line_add(&l, &out, &e);
    json_t *object = json_loadb((const char *)out.data, out.len, 0, NULL);
    assert_non_null(object);
    assert_int_equal(json_object_size(object), 16);
    assert_string_equal(json_string_value(json_object_get(object, "referer")), "");
    assert_string_equal(json_string_value(json_object_get(object, "close")), "");
    assert_true(json_is_false(json_object_get(object, "aborted")));
    json_decref(object);
    buf_fini(&out);
}

/* Both stamps are kept for a second: they must change with it, and back. */
static void the_date_follows_the_entry(void **state)
{
    (void)state;
    struct line l = line_of(STR("$time_iso $time_local"), LINE_PLAIN);
    static const struct {
        uint64_t ms;
        const char *want;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z 01/Jan/1970:00:00:00 +0000\n"},
        {999, "1970-01-01T00:00:00.999Z 01/Jan/1970:00:00:00 +0000\n"},
        {1000, "1970-01-01T00:00:01.000Z 01/Jan/1970:00:00:01 +0000\n"},
        {951827696007, "2000-02-29T12:34:56.007Z 29/Feb/2000:12:34:56 +0000\n"},
        {4107542399999, "2100-02-28T23:59:59.999Z 28/Feb/2100:23:59:59 +0000\n"},
        {4107542400000, "2100-03-01T00:00:00.000Z 01/Mar/2100:00:00:00 +0000\n"},
        {0, "1970-01-01T00:00:00.000Z 01/Jan/1970:00:00:00 +0000\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_line(&l, (struct access_entry){.when_ns = cases[i].ms * 1000000}, cases[i].want);
}

static void an_ipv6_client_is_written_short_and_a_mapped_one_as_ipv4(void **state)
{
    (void)state;
    struct line l = line_of(STR("$client"), LINE_PLAIN);
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct access_entry e = {.client = (const struct sockaddr *)&v6};
    static const char *const cases[][2] = {
        {"2001:db8:0:0:0:0:0:1", "2001:db8::1\n"},
        {"::1", "::1\n"},
        {"::ffff:192.0.2.255", "192.0.2.255\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(inet_pton(AF_INET6, cases[i][0], &v6.sin6_addr), 1);
        expect_line(&l, e, cases[i][1]);
    }
}

static void a_format_may_begin_and_end_with_text_or_a_field(void **state)
{
    (void)state;
    static const struct {
        struct str format;
        const char *want;
    } cases[] = {
        {{"", 0}, "\n"},
        {{"text", 4}, "text\n"},
        {{"$status", 7}, "206\n"},
        {{"$status$bytes", 13}, "2062326\n"},
        {{"<$status>", 9}, "<206>\n"},
        {{"$duration_ms ms", 15}, "1234.567 ms\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct line l = line_of(cases[i].format, LINE_PLAIN);
        expect_line(&l, entry(), cases[i].want);
    }
}

static void an_unknown_name_is_refused(void **state)
{
    (void)state;
    struct line l;
    assert_int_equal(line_init(&l, STR("$status $nothing"), LINE_PLAIN), ERR_CONFIG);
    assert_int_equal(line_init(&l, STR("costs $ 5"), LINE_PLAIN), ERR_CONFIG);
    assert_int_equal(line_init(&l, STR("$"), LINE_PLAIN), ERR_CONFIG);
}

static void too_many_fields_are_refused(void **state)
{
    (void)state;
    struct line l;
    char format[7 * (LINE_ELEMENTS + 1)];
    for (size_t i = 0; i <= LINE_ELEMENTS; i++)
        memcpy(format + 7 * i, "$status", 7);
    assert_int_equal(line_init(&l, (struct str){format, 7 * LINE_ELEMENTS}, LINE_PLAIN), ERR_NONE);
    assert_int_equal(line_init(&l, (struct str){format, sizeof format}, LINE_PLAIN), ERR_TOO_BIG);
}

static void the_longest_line_keeps_to_its_ceiling(void **state)
{
    (void)state;
    static char zeros[ACCESS_MAX_TARGET];
    struct line l = line_of(LINE_JSON, LINE_QUOTED_JSON);
    struct access_entry e = {
        UINT64_MAX,
        UINT64_MAX,
        UINT64_MAX,
        UINT64_MAX,
        NULL,
        {zeros, ACCESS_MAX_METHOD},
        {zeros, ACCESS_MAX_TARGET},
        {zeros, ACCESS_MAX_VERSION},
        {zeros, ACCESS_MAX_REFERER},
        {zeros, ACCESS_MAX_AGENT},
        {zeros, ACCESS_MAX_RANGE},
        {zeros, ACCESS_MAX_CACHE},
        {zeros, ACCESS_MAX_DENIED},
        599,
        CLOSE_HEADER_TIMEOUT,
        true,
    };
    struct buf out;
    buf_init(&out, BUF_MAX_LOG_BATCH);
    line_add(&l, &out, &e);
    assert_int_equal(buf_status(&out), ERR_NONE);
    assert_true(out.len > LINE_MAX_BYTES - 1024);
    assert_true(out.len <= LINE_MAX_BYTES);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(combined_is_what_log_readers_expect),
        cmocka_unit_test(what_is_missing_is_a_dash_in_combined),
        cmocka_unit_test(json_has_every_field_in_one_line),
        cmocka_unit_test(an_empty_entry_is_a_json_object_with_the_same_names),
        cmocka_unit_test(the_date_follows_the_entry),
        cmocka_unit_test(an_ipv6_client_is_written_short_and_a_mapped_one_as_ipv4),
        cmocka_unit_test(a_format_may_begin_and_end_with_text_or_a_field),
        cmocka_unit_test(an_unknown_name_is_refused),
        cmocka_unit_test(too_many_fields_are_refused),
        cmocka_unit_test(the_longest_line_keeps_to_its_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
