/* edge/guard/proxy: headers as the protocol's text has them, and what is none. */
#include "edge/guard/proxy.h"

#include "edge/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(literal) ((struct str){literal, sizeof(literal) - 1})

static const uint8_t v4[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1};

static void a_line_says_who_the_client_is(void **state)
{
    (void)state;
    static const uint8_t v6[16] = {0x20, 1, 0x0d, 0xb8, [15] = 1};
    struct proxy p;
    struct str line = STR("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\n");
    assert_int_equal(proxy_parse(line, &p), ERR_NONE);
    assert_true(p.known);
    assert_memory_equal(p.ip, v4, 16);
    assert_int_equal(p.port, 56324);
    assert_true(str_starts(str_from(line, p.n), STR("GET / ")));
    assert_int_equal(proxy_parse(STR("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n"), &p), ERR_NONE);
    assert_memory_equal(p.ip, v6, 16);
}

static void a_proxy_may_not_know_or_speak_for_itself(void **state)
{
    (void)state;
    struct proxy p;
    const struct str texts[] = {
        STR("PROXY UNKNOWN\r\n"),
        STR("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"),
        BYTES(V2 "\x20\x00\x00\x00"),
        BYTES(V2 "\x20\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb"),
        BYTES(V2 "\x20\xff\x00\x03xyz"), /* LOCAL: what follows is passed over */
        BYTES(V2 "\x21\x00\x00\x00"),
        BYTES(V2 "\x21\x00\x00\x05zzzzz"),
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(proxy_parse(texts[i], &p), ERR_NONE);
        assert_false(p.known);
        assert_int_equal(p.n, texts[i].n);
    }
}

#define TCP4 "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb"
#define TCP6                                                     \
    "\x21\x21\x00\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01" \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xdc\x04\x01\xbb"

static void bytes_say_who_the_client_is(void **state)
{
    (void)state;
    struct proxy p;
    assert_int_equal(proxy_parse(BYTES(V2 TCP4 "GET"), &p), ERR_NONE);
    assert_true(p.known);
    assert_memory_equal(p.ip, v4, 16);
    assert_int_equal(p.port, 56324);
    assert_int_equal(p.n, 28);
    assert_int_equal(proxy_parse(BYTES(V2 TCP6), &p), ERR_NONE);
    assert_int_equal(p.ip[0], 0x20);
    assert_int_equal(p.ip[15], 1);
    assert_int_equal(p.port, 56324);
    assert_int_equal(p.n, 52);
}

static void what_is_said_beside_is_passed_over(void **state)
{
    (void)state;
    struct proxy p;
    struct str said = BYTES(V2 "\x21\x11\x00\x14\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb"
                               "\x01\x00\x02h2\x04\x00\x00");
    assert_int_equal(proxy_parse(said, &p), ERR_NONE);
    assert_true(p.known);
    assert_int_equal(p.n, said.n);
}

/* However it comes in pieces, it is whole once and not before. */
static void a_header_is_awaited_to_its_end(void **state)
{
    (void)state;
    struct proxy p;
    const struct str whole[] = {STR("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"),
                                STR("PROXY UNKNOWN\r\n"), BYTES(V2 TCP4), BYTES(V2 TCP6)};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        for (size_t n = 0; n < whole[i].n; n++)
            assert_int_equal(proxy_parse(str_slice(whole[i], 0, n), &p), ERR_AGAIN);
        assert_int_equal(proxy_parse(whole[i], &p), ERR_NONE);
    }
}

static void what_is_no_header_is_refused(void **state)
{
    (void)state;
    const struct str wrong[] = {
        STR("GET / HTTP/1.1\r\n"),
        STR("\r\n\r\nGET"),
        STR("PROXY\r\n"),
        STR("PROXY  TCP4 192.0.2.1 198.51.100.1 1 2\r\n"),
        STR("proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n"),
        STR("PROXY TCP5 192.0.2.1 198.51.100.1 1 2\r\n"),
        STR("PROXY UNKNOWNS\r\n"),
        STR("PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n"),
        STR("PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n"),
        STR("PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n"),
        STR("PROXY TCP4 192.0.2.1 198.51.100.1 1 65536\r\n"),
        STR("PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n"),
        STR("PROXY TCP4 192.0.2.1 198.51.100.1 -1 2\r\n"),
        STR("PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n"),
        STR("PROXY TCP4 192.0.2.1/24 198.51.100.1 1 2\r\n"),
        STR("PROXY TCP4 2001:db8::1 ::1 1 2\r\n"),
        STR("PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n"),
        STR("PROXY TCP4 x 198.51.100.1 1 2\r\n"),
        BYTES(V2 "\x11\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb"), /* version */
        BYTES(V2 "\x22\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb"), /* command */
        BYTES(V2 "\x21\x12\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb"), /* UDP */
        BYTES(V2 "\x21\x41\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb"),
        BYTES(V2 "\x21\x11\x00\x0b\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01"), /* too short */
        BYTES(V2 "\x21\x21\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb"),
        BYTES(V2 "\x21\x11\x00\x0f\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb\x01\x00\x01"),
        BYTES(V2 "\x21\x11\x00\x0d\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb\x01"),
        BYTES(V2 "\x21\x11\xff\xff"), /* more than is waited for */
    };
    struct proxy p;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (proxy_parse(wrong[i], &p) != ERR_SYNTAX)
            fail_msg("taken: %zu", i);
}

static void a_line_without_end_is_not_waited_for(void **state)
{
    (void)state;
    char line[200] = "PROXY UNKNOWN ";
    struct proxy p;
    memset(line + 14, 'x', sizeof line - 14);
    assert_int_equal(proxy_parse((struct str){line, 106}, &p), ERR_AGAIN);
    assert_int_equal(proxy_parse((struct str){line, 107}, &p), ERR_SYNTAX);
    assert_int_equal(proxy_parse((struct str){line, sizeof line}, &p), ERR_SYNTAX);
    memcpy(line + 105, "\r\n", 2);
    assert_int_equal(proxy_parse((struct str){line, 107}, &p), ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_says_who_the_client_is),
        cmocka_unit_test(a_proxy_may_not_know_or_speak_for_itself),
        cmocka_unit_test(bytes_say_who_the_client_is),
        cmocka_unit_test(what_is_said_beside_is_passed_over),
        cmocka_unit_test(a_header_is_awaited_to_its_end),
        cmocka_unit_test(what_is_no_header_is_refused),
        cmocka_unit_test(a_line_without_end_is_not_waited_for),
    };
    return cmocka_run_group_tests_name("guard/proxy", tests, NULL, NULL);
}
