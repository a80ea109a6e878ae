/* Buckets and counts by address, and what a flood of addresses does to them. */
#include "edge/guard/limiter.h"

#include "edge/base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

static const struct limiter_rate ten_a_second = {SECOND / 10, 5};

static struct limiter *table(size_t entries)
{
    struct limiter *l = NULL;
    assert_int_equal(limiter_new(entries, &l), ERR_NONE);
    return l;
}

static void v4(uint8_t ip[16], uint32_t address)
{
    memset(ip, 0, 16);
    ip[10] = ip[11] = 0xff;
    memcpy(ip + 12, &address, 4);
}

static void a_bucket_gives_its_burst_and_then_its_rate(void **state)
{
    (void)state;
    struct limiter *l = table(64);
    uint8_t ip[16];
    v4(ip, 1);
    for (int i = 0; i < 5; i++)
        assert_int_equal(limiter_take(l, ip, &ten_a_second, SECOND), 0);
    assert_int_equal(limiter_take(l, ip, &ten_a_second, SECOND), SECOND / 10);
    assert_int_equal(limiter_take(l, ip, &ten_a_second, SECOND + SECOND / 10 - 1), 1);
    assert_int_equal(limiter_take(l, ip, &ten_a_second, SECOND + SECOND / 10), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(limiter_take(l, ip, &ten_a_second, 3 * SECOND), 0);
    assert_int_not_equal(limiter_take(l, ip, &ten_a_second, 3 * SECOND), 0);
    limiter_free(l);
}

static void clients_are_addresses_and_networks_of_64_bits(void **state)
{
    (void)state;
    const struct limiter_rate one = {SECOND, 1};
    struct limiter *l = table(64);
    uint8_t a[16], b[16];
    v4(a, 1);
    v4(b, 2);
    assert_int_equal(limiter_take(l, a, &one, SECOND), 0);
    assert_int_equal(limiter_take(l, b, &one, SECOND), 0);
    assert_int_not_equal(limiter_take(l, a, &one, SECOND), 0);
    memset(a, 0x20, 16);
    memcpy(b, a, 16);
    b[15]++;
    assert_int_equal(limiter_take(l, a, &one, SECOND), 0);
    assert_int_not_equal(limiter_take(l, b, &one, SECOND), 0);
    b[7]++;
    assert_int_equal(limiter_take(l, b, &one, SECOND), 0);
    limiter_free(l);
}

static void a_million_addresses_push_out_only_each_other(void **state)
{
    (void)state;
    struct limiter *l = table(1 << 12);
    uint8_t ip[16], held[16];
    v4(held, 0xffffffff);
    for (int i = 0; i < 5; i++)
        assert_int_equal(limiter_take(l, held, &ten_a_second, SECOND), 0);
    for (uint32_t i = 0; i < 1000000; i++) {
        v4(ip, i);
        assert_int_equal(limiter_take(l, ip, &ten_a_second, SECOND), 0);
    }
    assert_int_not_equal(limiter_take(l, held, &ten_a_second, SECOND), 0);
    limiter_free(l);
}

static void a_count_is_kept_until_all_have_left(void **state)
{
    (void)state;
    struct limiter *l = table(64);
    struct limiter_entry *first, *second, *third;
    uint8_t ip[16];
    v4(ip, 1);
    assert_true(limiter_join(l, ip, 2, &first));
    assert_true(limiter_join(l, ip, 2, &second));
    assert_false(limiter_join(l, ip, 2, &third));
    assert_null(third);
    limiter_leave(first);
    assert_true(limiter_join(l, ip, 2, &third));
    limiter_leave(second);
    limiter_leave(third);
    limiter_leave(NULL);
    limiter_free(l);
}

static void a_full_table_of_counts_refuses_nobody(void **state)
{
    (void)state;
    struct limiter *l = table(8);
    struct limiter_entry *held[20], *more;
    uint8_t ip[16];
    unsigned counted = 0;
    for (uint32_t i = 0; i < 20; i++) {
        v4(ip, i);
        assert_true(limiter_join(l, ip, 1, &held[i]));
        counted += held[i] != NULL;
    }
    assert_int_equal(counted, 8);
    v4(ip, 0);
    assert_false(limiter_join(l, ip, 1, &more));
    for (int i = 0; i < 20; i++)
        limiter_leave(held[i]);
    limiter_free(l);
}

static void a_debt_is_taken_over_once(void **state)
{
    (void)state;
    struct limiter *l = table(64);
    uint8_t ip[16], other[16];
    v4(ip, 1);
    v4(other, 2);
    uint64_t a = limiter_listener(ip, STR("/a.mp3"));
    assert_int_equal(a, limiter_listener(ip, STR("/a.mp3")));
    assert_int_not_equal(a, limiter_listener(ip, STR("/b.mp3")));
    assert_int_not_equal(a, limiter_listener(other, STR("/a.mp3")));
    limiter_leave_debt(l, a, 7 * SECOND);
    limiter_leave_debt(l, a, 5 * SECOND); /* of a shorter one on another connection */
    assert_int_equal(limiter_take_debt(l, limiter_listener(other, STR("/a.mp3"))), 0);
    assert_int_equal(limiter_take_debt(l, a), 7 * SECOND);
    assert_int_equal(limiter_take_debt(l, a), 0);
    limiter_free(l);
}

static void listeners_of_ipv6_are_networks_of_64_bits(void **state)
{
    (void)state;
    uint8_t a[16], b[16];
    memset(a, 0x20, 16);
    memcpy(b, a, 16);
    b[15]++;
    assert_int_equal(limiter_listener(a, STR("/a")), limiter_listener(b, STR("/a")));
    b[7]++;
    assert_int_not_equal(limiter_listener(a, STR("/a")), limiter_listener(b, STR("/a")));
}

/* A set has eight places; all of these go into the one set. */
static void the_smallest_debt_makes_room(void **state)
{
    (void)state;
    struct limiter *l = table(8);
    for (uint64_t i = 1; i <= 8; i++)
        limiter_leave_debt(l, i, 10 * SECOND + i);
    limiter_leave_debt(l, 9, 10 * SECOND); /* smaller than all: not kept */
    assert_int_equal(limiter_take_debt(l, 9), 0);
    limiter_leave_debt(l, 10, 20 * SECOND); /* in the place of 1 */
    assert_int_equal(limiter_take_debt(l, 1), 0);
    for (uint64_t i = 2; i <= 8; i++)
        assert_int_equal(limiter_take_debt(l, i), 10 * SECOND + i);
    assert_int_equal(limiter_take_debt(l, 10), 20 * SECOND);
    limiter_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_debt_is_taken_over_once),
        cmocka_unit_test(listeners_of_ipv6_are_networks_of_64_bits),
        cmocka_unit_test(the_smallest_debt_makes_room),
        cmocka_unit_test(a_bucket_gives_its_burst_and_then_its_rate),
        cmocka_unit_test(clients_are_addresses_and_networks_of_64_bits),
        cmocka_unit_test(a_million_addresses_push_out_only_each_other),
        cmocka_unit_test(a_count_is_kept_until_all_have_left),
        cmocka_unit_test(a_full_table_of_counts_refuses_nobody),
    };
    hash_seed();
    return cmocka_run_group_tests_name("guard/limiter", tests, NULL, NULL);
}
