/* edge/http/head: lines copied into memory of the caller's, and never past it. */
#include "edge/http/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect_bytes(struct str s, const char *want)
{
    assert_int_equal(s.n, strlen(want));
    assert_memory_equal(s.p, want, s.n);
}

static void a_head_is_written_line_by_line(void **state)
{
    (void)state;
    char memory[256];
    struct head h;
    head_init(&h, memory, sizeof memory);
    head_status(&h, 206);
    head_field(&h, STR("Content-Type"), STR("audio/mpeg"));
    head_field_u64(&h, STR("Content-Length: "), 100);
    head_content_range(&h, 0, 100, 1000);
    head_lit(&h, STR("Accept-Ranges: bytes\r\n"));
    expect_bytes(head_end(&h), "HTTP/1.1 206 Partial Content\r\nContent-Type: audio/mpeg\r\n"
                               "Content-Length: 100\r\nContent-Range: bytes 0-99/1000\r\n"
                               "Accept-Ranges: bytes\r\n\r\n");
}

static void a_range_of_the_whole_ends_with_its_last_byte(void **state)
{
    (void)state;
    char memory[64];
    struct head h;
    head_init(&h, memory, sizeof memory);
    head_content_range(&h, 0, 1000, 1000);
    expect_bytes(head_bytes(&h), "Content-Range: bytes 0-999/1000\r\n");
}

/* RFC 9110 14.4 */
static void an_unsatisfied_range_names_the_size_alone(void **state)
{
    (void)state;
    char memory[64];
    struct head h;
    head_init(&h, memory, sizeof memory);
    head_content_range_none(&h, 47022);
    expect_bytes(head_bytes(&h), "Content-Range: bytes */47022\r\n");
}

static void numbers_are_decimal_to_their_ends(void **state)
{
    (void)state;
    char memory[64];
    struct head h;
    head_init(&h, memory, sizeof memory);
    head_field_u64(&h, STR("A: "), 0);
    head_field_u64(&h, STR("B: "), UINT64_MAX);
    expect_bytes(head_bytes(&h), "A: 0\r\nB: 18446744073709551615\r\n");
}

static void what_does_not_fit_fails_and_stays_inside(void **state)
{
    (void)state;
    char memory[16];
    for (size_t room = 0; room <= 6; room++) {
        struct head h;
        memset(memory, '#', sizeof memory);
        head_init(&h, memory, room);
        head_field(&h, STR("A"), STR("b"));
        assert_int_equal(h.failed, room < 6);
        assert_int_equal(head_bytes(&h).p == NULL, room < 6);
        for (size_t i = room; i < sizeof memory; i++)
            assert_int_equal(memory[i], '#');
    }
}

static void a_failure_stays_when_later_lines_would_fit(void **state)
{
    (void)state;
    char memory[16];
    struct head h;
    head_init(&h, memory, sizeof memory);
    head_lit(&h, STR("seventeen bytes.."));
    head_lit(&h, STR("x"));
    assert_true(h.failed);
    assert_null(head_end(&h).p);
}

/* RFC 9110 5.5: a value cannot bring a line of its own. */
static void a_value_with_a_control_byte_fails_the_head(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char memory[64];
        char value[] = "https://a ?";
        struct head h;
        value[sizeof value - 2] = (char)c;
        head_init(&h, memory, sizeof memory);
        head_field(&h, STR("A"), (struct str){value, sizeof value - 1});
        assert_int_equal(h.failed, (c < 0x20 && c != '\t') || c == 0x7f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_written_line_by_line),
        cmocka_unit_test(a_range_of_the_whole_ends_with_its_last_byte),
        cmocka_unit_test(an_unsatisfied_range_names_the_size_alone),
        cmocka_unit_test(numbers_are_decimal_to_their_ends),
        cmocka_unit_test(what_does_not_fit_fails_and_stays_inside),
        cmocka_unit_test(a_failure_stays_when_later_lines_would_fit),
        cmocka_unit_test(a_value_with_a_control_byte_fails_the_head),
    };
    return cmocka_run_group_tests_name("http/head", tests, NULL, NULL);
}
