/* A supply with a Redis behind it: supply_kit.h and redis_kit.h together. */
#ifndef TESTS_UNIT_STORE_SUPPLY_REDIS_H
#define TESTS_UNIT_STORE_SUPPLY_REDIS_H

#include "edge/store/redis.h"
#include "edge/store/work.h"
#include "tests/unit/store/redis_kit.h"
#include "tests/unit/store/supply_kit.h"

static struct timers *timers;
static struct histogram *answers;
static struct redis_opts redis_opts;

static inline int begin_with_redis(void **state)
{
    int rc = begin(state);
    freeReplyObject(redisCommand(direct, "FLUSHALL"));
    assert_int_equal(timers_new(loop, &timers), ERR_NONE);
    answers = histogram_new();
    redis_opts = (struct redis_opts){
        .timeout = 10 * CLOCK_SECOND, .ttl = 100, .max_object = 8 << 20, .io = io};
    snprintf(redis_opts.url.path, sizeof redis_opts.url.path, "%s/redis.sock", redis_tree.root);
    snprintf(redis_opts.generation, sizeof redis_opts.generation, "test");
    struct redis_seat rs = {loop, timers, seat.mailbox, seat.counters, answers};
    assert_int_equal(redis_new(&redis_opts, &rs, &seat.redis), ERR_NONE);
    return rc;
}

static inline int end_with_redis(void **state)
{
    struct redis *redis = seat.redis;
    hold_release();
    redis_stop(redis);
    pool_free(io);
    mailbox_settle(seat.mailbox);
    redis_free(redis);
    timers_free(timers);
    histogram_free(answers);
    assert_int_equal(pool_new(1, "io", &io), ERR_NONE); /* for end() */
    return end(state);
}

static inline int start_redis_too(void **state)
{
    int rc = start_helpers(state);
    return rc ? rc : begin_server(state);
}

static inline int stop_redis_too(void **state)
{
    end_server(state);
    return stop_helpers(state);
}

static inline long long keys_in_redis(void)
{
    redisReply *r = redisCommand(direct, "DBSIZE");
    long long n = r->integer;
    freeReplyObject(r);
    return n;
}

/* Until a counter is there. */
static inline void until_counted(enum counter which, uint64_t n)
{
    while (counted(which) < n)
        turn_once(loop);
}

#define WITH_REDIS(test) cmocka_unit_test_setup_teardown(test, begin_with_redis, end_with_redis)

#endif
