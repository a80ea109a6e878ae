/* edge/base/buf: bytes that grow up to a ceiling. */
#include "edge/base/buf.h"

#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect_bytes(struct buf *b, const char *want)
{
    assert_int_equal(buf_status(b), ERR_NONE);
    assert_int_equal(b->len, strlen(want));
    assert_memory_equal(b->data, want, b->len);
    buf_fini(b);
}

static void what_is_added_stands_side_by_side(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1024);
    buf_add(&b, "ab", 2);
    buf_adds(&b, STR("cd"));
    buf_addc(&b, 'e');
    buf_add_u64(&b, 0);
    buf_add_u64(&b, UINT64_MAX);
    buf_addf(&b, "<%s %d>", "x", -5);
    buf_add(&b, NULL, 0);
    expect_bytes(&b, "abcde018446744073709551615<x -5>");
}

static void integers_are_written_big_end_first(void **state)
{
    (void)state;
    static const unsigned char want[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2, 3, 4, 5, 6, 7, 8};
    struct buf b;
    buf_init(&b, 64);
    buf_be8(&b, 0x01);
    buf_be16(&b, 0x0203);
    buf_be24(&b, 0x040506);
    buf_be32(&b, 0x0708090a);
    buf_be64(&b, UINT64_C(0x0102030405060708));
    assert_int_equal(b.len, sizeof want);
    assert_memory_equal(b.data, want, sizeof want);
    buf_fini(&b);
}

static void it_fills_to_its_ceiling_and_not_a_byte_further(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    for (int i = 0; i < 100; i++)
        buf_addc(&b, 'x');
    assert_int_equal(buf_status(&b), ERR_NONE);
    assert_int_equal(b.len, 100);
    buf_addc(&b, 'y');
    assert_int_equal(buf_status(&b), ERR_TOO_BIG);
    assert_int_equal(b.len, 100);
    assert_true(b.room <= 100);
    buf_fini(&b);
}

static void a_failed_buffer_takes_nothing_more_until_reset(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4);
    buf_adds(&b, STR("hello"));
    assert_int_equal(buf_status(&b), ERR_TOO_BIG);
    buf_addc(&b, 'x');
    assert_int_equal(b.len, 0);
    assert_null(buf_reserve(&b, 1));
    buf_reset(&b);
    buf_addc(&b, 'x');
    expect_bytes(&b, "x");
}

static void a_size_that_would_wrap_is_too_big(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 64);
    buf_addc(&b, 'x');
    assert_null(buf_reserve(&b, SIZE_MAX));
    assert_int_equal(buf_status(&b), ERR_TOO_BIG);
    buf_fini(&b);
}

static void reserved_room_is_written_in_place(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1024);
    unsigned char *at = buf_reserve(&b, 500);
    assert_non_null(at);
    memcpy(at, "abc", 3);
    buf_wrote(&b, 3);
    expect_bytes(&b, "abc");
}

static void taken_bytes_leave_the_buffer_empty_with_its_ceiling(void **state)
{
    (void)state;
    struct buf b;
    size_t n = 9;
    buf_init(&b, 8);
    assert_null(buf_take(&b, &n));
    assert_int_equal(n, 0);
    buf_adds(&b, STR("abc"));
    unsigned char *bytes = buf_take(&b, &n);
    assert_int_equal(n, 3);
    assert_memory_equal(bytes, "abc", 3);
    free(bytes);
    assert_int_equal(b.len, 0);
    buf_adds(&b, STR("12345678"));
    expect_bytes(&b, "12345678");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_stands_side_by_side),
        cmocka_unit_test(integers_are_written_big_end_first),
        cmocka_unit_test(it_fills_to_its_ceiling_and_not_a_byte_further),
        cmocka_unit_test(a_failed_buffer_takes_nothing_more_until_reset),
        cmocka_unit_test(a_size_that_would_wrap_is_too_big),
        cmocka_unit_test(reserved_room_is_written_in_place),
        cmocka_unit_test(taken_bytes_leave_the_buffer_empty_with_its_ceiling),
    };
    return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
