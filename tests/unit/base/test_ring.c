/* edge/base/ring: messages between two threads. */
#include "edge/base/ring.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool put(struct ring *r, const void *bytes, size_t n)
{
    void *place = ring_claim(r, n);
    if (!place)
        return false;
    memcpy(place, bytes, n);
    ring_push(r);
    return true;
}

static void expect_next(struct ring *r, const void *bytes, size_t n)
{
    size_t got = 0;
    const void *message = ring_peek(r, &got);
    assert_non_null(message);
    assert_int_equal(got, n);
    assert_memory_equal(message, bytes, n);
    ring_pop(r);
}

static void an_empty_ring_gives_nothing(void **state)
{
    (void)state;
    struct ring r;
    size_t n;
    assert_true(ring_init(&r, 64));
    assert_null(ring_peek(&r, &n));
    assert_int_equal(ring_used(&r), 0);
    ring_fini(&r);
}

static void messages_come_out_in_the_order_they_went_in(void **state)
{
    (void)state;
    struct ring r;
    size_t n;
    assert_true(ring_init(&r, 256));
    assert_true(put(&r, "one", 3));
    assert_true(put(&r, "twotwotwo", 9));
    assert_int_equal(ring_used(&r), 16 + 24);
    expect_next(&r, "one", 3);
    expect_next(&r, "twotwotwo", 9);
    assert_null(ring_peek(&r, &n));
    ring_fini(&r);
}

static void a_message_is_aligned_to_eight(void **state)
{
    (void)state;
    struct ring r;
    assert_true(ring_init(&r, 256));
    for (size_t n = 1; n < 20; n++) {
        void *place = ring_claim(&r, n);
        assert_non_null(place);
        assert_int_equal((uintptr_t)place % 8, 0);
        memset(place, 7, n);
        ring_push(&r);
        ring_peek(&r, &(size_t){0});
        ring_pop(&r);
    }
    ring_fini(&r);
}

static void a_claim_that_is_not_pushed_is_never_seen(void **state)
{
    (void)state;
    struct ring r;
    size_t n;
    assert_true(ring_init(&r, 64));
    memcpy(ring_claim(&r, 5), "wrong", 5);
    assert_null(ring_peek(&r, &n));
    assert_true(put(&r, "right", 5));
    expect_next(&r, "right", 5);
    assert_null(ring_peek(&r, &n));
    ring_fini(&r);
}

static void a_full_ring_refuses_until_something_is_taken(void **state)
{
    (void)state;
    struct ring r;
    assert_true(ring_init(&r, 64));
    for (int i = 0; i < 4; i++)
        assert_true(put(&r, "12345678", 8));
    assert_int_equal(ring_used(&r), 64);
    assert_false(put(&r, "x", 1));
    expect_next(&r, "12345678", 8);
    assert_true(put(&r, "x", 1));
    assert_false(put(&r, "y", 1));
    ring_fini(&r);
}

static void a_message_larger_than_the_ring_is_refused(void **state)
{
    (void)state;
    struct ring r;
    assert_true(ring_init(&r, 64));
    assert_non_null(ring_claim(&r, 56));
    assert_null(ring_claim(&r, 57));
    assert_null(ring_claim(&r, SIZE_MAX));
    assert_null(ring_claim(&r, SIZE_MAX - 7));
    ring_fini(&r);
}

/* 48 of 64 bytes used and given back: 32 do not fit in the last 16 but do at the start. */
static void a_message_is_never_split_by_the_end(void **state)
{
    (void)state;
    struct ring r;
    char filler[40] = {0};
    assert_true(ring_init(&r, 64));
    assert_true(put(&r, filler, sizeof filler));
    expect_next(&r, filler, sizeof filler);
    assert_true(put(&r, "abcdefghijklmnopqrstuvwx", 24));
    assert_int_equal(ring_used(&r), 16 + 32);
    expect_next(&r, "abcdefghijklmnopqrstuvwx", 24);
    assert_int_equal(ring_used(&r), 0);
    ring_fini(&r);
}

/* The n-th message: its length and bytes follow from n. */
static size_t make(unsigned char *to, uint32_t n)
{
    size_t length = 4 + n * 7919 % 97;
    memset(to, (int)(n & 0xff), length);
    memcpy(to, &n, 4);
    return length;
}

static void every_length_survives_going_round_many_times(void **state)
{
    (void)state;
    struct ring r;
    unsigned char bytes[128];
    uint32_t in = 0, out = 0;
    assert_true(ring_init(&r, 512));
    while (out < 20000) {
        while (put(&r, bytes, make(bytes, in)))
            in++;
        for (uint32_t stop = out + 1 + out % 3; out < stop && out < in; out++)
            expect_next(&r, bytes, make(bytes, out));
    }
    assert_true(in > out);
    ring_fini(&r);
}

enum { THROUGH = 200000 };

static void *put_many(void *arg)
{
    struct ring *r = arg;
    unsigned char bytes[128];
    for (uint32_t i = 0; i < THROUGH;) {
        if (put(r, bytes, make(bytes, i)))
            i++;
        else
            sched_yield();
    }
    return NULL;
}

static void two_threads_pass_messages_whole_and_in_order(void **state)
{
    (void)state;
    struct ring r;
    pthread_t putter;
    unsigned char bytes[128];
    size_t n;
    assert_true(ring_init(&r, 4096));
    assert_int_equal(pthread_create(&putter, NULL, put_many, &r), 0);
    for (uint32_t i = 0; i < THROUGH;) {
        if (!ring_peek(&r, &n)) {
            sched_yield();
            continue;
        }
        expect_next(&r, bytes, make(bytes, i));
        i++;
    }
    pthread_join(putter, NULL);
    assert_null(ring_peek(&r, &n));
    ring_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_ring_gives_nothing),
        cmocka_unit_test(messages_come_out_in_the_order_they_went_in),
        cmocka_unit_test(a_message_is_aligned_to_eight),
        cmocka_unit_test(a_claim_that_is_not_pushed_is_never_seen),
        cmocka_unit_test(a_full_ring_refuses_until_something_is_taken),
        cmocka_unit_test(a_message_larger_than_the_ring_is_refused),
        cmocka_unit_test(a_message_is_never_split_by_the_end),
        cmocka_unit_test(every_length_survives_going_round_many_times),
        cmocka_unit_test(two_threads_pass_messages_whole_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
