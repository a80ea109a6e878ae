/* edge/base/arena: memory that is freed at once. */
#include "edge/base/arena.h"

#include <stdalign.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 65536);
    for (size_t n = 1; n < 200; n++) {
        unsigned char *p = arena_alloc(&a, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, n);
    }
    arena_fini(&a);
}

static void memory_is_zeroed_again_after_a_reset(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 65536);
    memset(arena_alloc(&a, 100), 0xff, 100);
    arena_reset(&a);
    unsigned char *p = arena_alloc(&a, 100);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(p[i], 0);
    arena_fini(&a);
}

static void a_reset_keeps_the_first_block_and_only_that(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 65536);
    void *first = arena_alloc(&a, 64);
    size_t total = a.total;
    for (int i = 0; i < 10; i++)
        assert_non_null(arena_alloc(&a, 3000));
    assert_true(a.total > total);
    arena_reset(&a);
    assert_int_equal(a.total, total);
    assert_ptr_equal(arena_alloc(&a, 64), first);
    arena_fini(&a);
}

static void there_is_nothing_past_the_ceiling(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 10000);
    assert_null(arena_alloc(&a, 10001));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_non_null(arena_alloc(&a, 6000));
    assert_null(arena_alloc(&a, 6000));
    assert_true(a.total <= 10000);
    arena_reset(&a);
    assert_non_null(arena_alloc(&a, 6000));
    arena_fini(&a);
}

static void large_pieces_get_a_block_of_their_own(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    unsigned char *p = arena_alloc(&a, 100000);
    assert_non_null(p);
    memset(p, 1, 100000);
    assert_non_null(arena_alloc(&a, 1));
    arena_fini(&a);
    assert_null(a.first);
}

static void a_copied_run_is_its_own(void **state)
{
    (void)state;
    struct arena a;
    char bytes[] = "abc";
    arena_init(&a, 8192);
    struct str copy = arena_str(&a, str_of(bytes));
    bytes[0] = 'x';
    assert_true(str_eq(copy, STR("abc")));
    assert_null(arena_str(&a, STR("")).p);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(memory_is_zeroed_again_after_a_reset),
        cmocka_unit_test(a_reset_keeps_the_first_block_and_only_that),
        cmocka_unit_test(there_is_nothing_past_the_ceiling),
        cmocka_unit_test(large_pieces_get_a_block_of_their_own),
        cmocka_unit_test(a_copied_run_is_its_own),
    };
    return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
