/* edge/base/lock: ranked mutexes. */
#include "edge/base/lock.h"

#include "tests/unit/base/dies.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct counter {
    struct lock lock;
    pthread_cond_t full;
    unsigned count;
};

enum { THREADS = 4, EACH = 10000 };

static void *count_up(void *arg)
{
    struct counter *c = arg;
    for (int i = 0; i < EACH; i++) {
        lock_take(&c->lock);
        if (++c->count == THREADS * EACH)
            pthread_cond_signal(&c->full);
        lock_give(&c->lock);
    }
    return NULL;
}

static void only_one_thread_is_inside_and_waiting_lets_the_others_in(void **state)
{
    (void)state;
    struct counter c = {.count = 0};
    pthread_t threads[THREADS];
    lock_init(&c.lock, LOCK_POOL);
    pthread_cond_init(&c.full, NULL);
    lock_take(&c.lock);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, &c), 0);
    while (c.count < THREADS * EACH)
        lock_wait(&c.lock, &c.full);
    lock_give(&c.lock);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(c.count, THREADS * EACH);
    pthread_cond_destroy(&c.full);
    lock_fini(&c.lock);
}

static void take_both(enum lock_rank first, enum lock_rank second)
{
    struct lock a, b;
    lock_init(&a, first);
    lock_init(&b, second);
    lock_take(&a);
    lock_take(&b);
    lock_give(&a); /* giving back needs no order */
    lock_give(&b);
}

static void take_rising(void) { take_both(LOCK_FLIGHTS, LOCK_SHARD); }
static void take_falling(void) { take_both(LOCK_MAILBOX, LOCK_POOL); }
static void take_equal(void) { take_both(LOCK_SHARD, LOCK_SHARD); }

static void rising_ranks_are_taken(void **state)
{
    (void)state;
    assert_false(dies(take_rising));
    take_rising();
    take_rising();
}

static void falling_or_equal_ranks_abort_in_audited_builds(void **state)
{
    (void)state;
#ifdef SEGUE_AUDIT
    assert_true(dies(take_falling));
    assert_true(dies(take_equal));
#else
    (void)take_falling;
    (void)take_equal;
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_one_thread_is_inside_and_waiting_lets_the_others_in),
        cmocka_unit_test(rising_ranks_are_taken),
        cmocka_unit_test(falling_or_equal_ranks_abort_in_audited_builds),
    };
    return cmocka_run_group_tests_name("base/lock", tests, NULL, NULL);
}
