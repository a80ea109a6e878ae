/* edge/store/piece: chunks of cold files, from memory or from Redis. */
#include "edge/store/piece.h"

#include "edge/store/deposit.h"
#include "edge/store/redis_record.h"
#include "tests/unit/store/supply_redis.h"

enum { SIZE = 2 * RECORD_CHUNK + 1000 };

static unsigned came_count;

static void came(struct piece *p)
{
    (void)p;
    came_count++;
    loop_stop(loop);
}

static enum piece_is ask(struct piece *p, struct object *source, uint64_t offset)
{
    p->came = came;
    return piece_ask(&seat, source, offset, p);
}

/* The file's source, which is the caller's. */
static struct object *source_of(const char *name, size_t size)
{
    char path[64];
    tree_fill(&tree, name, size);
    snprintf(path, sizeof path, "/%s", name);
    struct wish w = got(WISH_FILE, path);
    assert_int_equal(w.err, ERR_NONE);
    struct object *source = object_ref(w.source);
    supply_leave(&w);
    return source;
}

/* As another edge leaves it there. */
static void into_redis(struct object *source)
{
    uint64_t before = counted(COUNTER_REDIS_WRITES_STORED);
    deposit_begin(supply_work(seat.supply), seat.redis, seat.mailbox, source);
    until_counted(COUNTER_REDIS_WRITES_STORED, before + 1);
}

static void expect_bytes(const struct piece *p, uint64_t offset, uint64_t expected)
{
    uint64_t n;
    const unsigned char *at = piece_at(p, offset, &n);
    assert_non_null(at);
    assert_int_equal(n, expected);
    for (uint64_t i = 0; i < n; i++)
        if (at[i] != tree_byte(offset + i))
            fail_msg("byte %llu", (unsigned long long)(offset + i));
}

static void a_chunk_comes_from_redis_and_then_from_memory(void **state)
{
    (void)state;
    struct piece p = {.came = came}, q = {.came = came};
    struct object *source = source_of("a.mp3", SIZE);
    uint64_t n;
    into_redis(source);
    came_count = 0;
    assert_int_equal(ask(&p, source, RECORD_CHUNK + 5), PIECE_COMES);
    loop_run(loop);
    assert_int_equal(came_count, 1);
    expect_bytes(&p, RECORD_CHUNK + 5, RECORD_CHUNK - 5);
    expect_bytes(&p, RECORD_CHUNK, RECORD_CHUNK);
    assert_null(piece_at(&p, RECORD_CHUNK - 1, &n));
    assert_null(piece_at(&p, 2 * RECORD_CHUNK, &n));
    assert_int_equal(counted(COUNTER_CACHE_REDIS_HIT), 1);
    assert_int_equal(ask(&q, source, 2 * RECORD_CHUNK - 1), PIECE_HERE); /* the same one */
    expect_bytes(&q, 2 * RECORD_CHUNK - 1, 1);
    assert_int_equal(counted(COUNTER_CACHE_REDIS_HIT), 1);
    assert_int_equal(ask(&p, source, SIZE - 1), PIECE_COMES);
    loop_run(loop);
    expect_bytes(&p, 2 * RECORD_CHUNK, 1000); /* the last one is short */
    piece_leave(&p);
    piece_leave(&q);
    assert_null(piece_at(&p, 0, &n));
    object_unref(source);
}

/* Then the disk is read, for the rest of this answer, and the file goes to Redis behind it. */
static void what_redis_lacks_is_the_disks_and_goes_there(void **state)
{
    (void)state;
    struct piece p = {.came = came};
    struct object *source = source_of("a.mp3", SIZE);
    came_count = 0;
    assert_int_equal(ask(&p, source, 0), PIECE_COMES);
    loop_run(loop);
    uint64_t n;
    assert_null(piece_at(&p, 0, &n));
    assert_int_equal(counted(COUNTER_CACHE_REDIS_MISS), 1);
    until_counted(COUNTER_REDIS_WRITES_STORED, 1);
    assert_int_equal(keys_in_redis(), 1 + 3);
    assert_int_equal(ask(&p, source, 0), PIECE_NOWHERE); /* although it is there by now */
    piece_leave(&p);
    struct piece next = {.came = came};
    assert_int_equal(ask(&next, source, 0), PIECE_COMES);
    loop_run(loop);
    expect_bytes(&next, 0, RECORD_CHUNK);
    piece_leave(&next);
    object_unref(source);
}

static void bytes_of_another_file_are_not_taken(void **state)
{
    (void)state;
    struct piece p = {.came = came};
    struct object *source = source_of("a.mp3", SIZE);
    into_redis(source);
    source->etag[5] ^= 1; /* as if it had been written with other content */
    assert_int_equal(ask(&p, source, 0), PIECE_COMES);
    loop_run(loop);
    uint64_t n;
    assert_null(piece_at(&p, 0, &n));
    assert_int_equal(counted(COUNTER_CACHE_REDIS_ERROR), 1);
    assert_int_equal(counted(COUNTER_CACHE_REDIS_HIT), 0);
    until_counted(COUNTER_REDIS_WRITES_STORED, 2); /* it is replaced */
    piece_leave(&p);
    object_unref(source);
}

static void who_waits_for_the_same_shares_it(void **state)
{
    (void)state;
    struct piece p[3];
    struct object *source = source_of("a.mp3", SIZE);
    into_redis(source);
    came_count = 0;
    memset(p, 0, sizeof p);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(&p[i], source, 7), PIECE_COMES);
    while (came_count < 3)
        loop_run(loop);
    assert_int_equal(counted(COUNTER_CACHE_REDIS_HIT), 1);
    for (int i = 0; i < 3; i++) {
        expect_bytes(&p[i], 7, RECORD_CHUNK - 7);
        piece_leave(&p[i]);
    }
    object_unref(source);
}

static void who_left_hears_nothing(void **state)
{
    (void)state;
    struct piece p = {.came = came};
    struct object *source = source_of("a.mp3", SIZE);
    into_redis(source);
    came_count = 0;
    assert_int_equal(ask(&p, source, 0), PIECE_COMES);
    piece_leave(&p);
    piece_leave(&p);
    until_counted(COUNTER_CACHE_REDIS_HIT, 1);
    turn_once(loop);
    assert_int_equal(came_count, 0);
    object_unref(source);
}

static void without_redis_it_is_the_disks(void **state)
{
    (void)state;
    struct piece p = {.came = came};
    struct object *source = source_of("a.mp3", SIZE);
    struct redis *redis = seat.redis;
    seat.redis = NULL;
    assert_int_equal(ask(&p, source, 0), PIECE_NOWHERE);
    piece_leave(&p);
    seat.redis = redis;
    struct object *large = source_of("b.mp3", (size_t)redis_opts.max_object + 1);
    assert_int_equal(ask(&p, large, 0), PIECE_NOWHERE);
    piece_leave(&p);
    object_unref(source);
    object_unref(large);
}

/* However many hear cold songs, they hold so much of them and no more. */
static void chunks_are_lent_up_to_a_bound(void **state)
{
    (void)state;
    static struct piece many[REDIS_LENT + 1];
    struct object *source = source_of("a.mp3", SIZE);
    into_redis(source);
    memset(many, 0, sizeof many);
    assert_int_equal(ask(&many[0], source, 0), PIECE_COMES);
    loop_run(loop);
    for (int i = 1; i < REDIS_LENT; i++)
        assert_int_equal(ask(&many[i], source, 0), PIECE_HERE);
    assert_int_equal(ask(&many[REDIS_LENT], source, 0), PIECE_NOWHERE);
    piece_leave(&many[3]);
    assert_int_equal(ask(&many[REDIS_LENT], source, 0), PIECE_HERE);
    for (int i = 0; i <= REDIS_LENT; i++)
        piece_leave(&many[i]);
    object_unref(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_REDIS(a_chunk_comes_from_redis_and_then_from_memory),
        WITH_REDIS(what_redis_lacks_is_the_disks_and_goes_there),
        WITH_REDIS(bytes_of_another_file_are_not_taken),
        WITH_REDIS(who_waits_for_the_same_shares_it),
        WITH_REDIS(who_left_hears_nothing),
        WITH_REDIS(without_redis_it_is_the_disks),
        WITH_REDIS(chunks_are_lent_up_to_a_bound),
    };
    return cmocka_run_group_tests(tests, start_redis_too, stop_redis_too);
}
