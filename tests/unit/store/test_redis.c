/* edge/store/redis and redis_link, against a real redis-server on a unix socket of the test's own,
 * and against sockets that are none. */
#include "edge/store/redis.h"

#include "edge/base/log.h"
#include "edge/store/redis_record.h"
#include "tests/unit/store/redis_kit.h"

enum { LONG = 2 * RECORD_CHUNK + 77 };

static struct loop *loop;
static struct timers *timers;
static struct pool *io;
static struct redis_opts opts;
static struct redis_seat seat;
static struct redis *redis;

/* The rig */

static int begin_at(const char *path, uint64_t timeout)
{
    loop = turn_loop();
    assert_int_equal(timers_new(loop, &timers), ERR_NONE);
    assert_int_equal(pool_new(1, "io", &io), ERR_NONE);
    opts = (struct redis_opts){.timeout = timeout, .ttl = 100, .max_object = LONG, .io = io};
    snprintf(opts.url.path, sizeof opts.url.path, "%s", path);
    snprintf(opts.generation, sizeof opts.generation, "test");
    seat = (struct redis_seat){loop, timers, turn_mailbox(loop), counters_new(), histogram_new()};
    assert_int_equal(redis_new(&opts, &seat, &redis), ERR_NONE);
    return 0;
}

static int begin(void **state)
{
    (void)state;
    freeReplyObject(redisCommand(direct, "FLUSHALL"));
    return begin_at(tree_path(&redis_tree, "redis.sock"), 10 * CLOCK_SECOND);
}

static int begin_nowhere(void **state)
{
    (void)state;
    return begin_at("/tmp/segue-there-is-nothing-here", 10 * CLOCK_SECOND);
}

static int end(void **state)
{
    (void)state;
    redis_stop(redis);
    pool_free(io);
    mailbox_settle(seat.mailbox);
    redis_free(redis);
    assert_int_equal(atomic_load(&opts.broken), 0);
    mailbox_free(seat.mailbox);
    timers_free(timers);
    loop_free(loop);
    counters_free(seat.counters);
    histogram_free(seat.answers);
    return 0;
}

/* What came of a look-up. */

static struct {
    unsigned times;
    enum err e;
    unsigned char *bytes;
    size_t len;
    uint64_t size;
    char etag[OBJECT_ETAG + 1];
} got;

static void on_found(void *owner, enum err e, const struct redis_found *found)
{
    (void)owner;
    got.times++;
    got.e = e;
    got.bytes = found ? found->bytes : NULL;
    got.len = found ? found->len : 0;
    got.size = found ? found->size : 0;
    snprintf(got.etag, sizeof got.etag, "%.*s", found ? (int)found->etag.n : 0,
             found ? found->etag.p : "");
    loop_stop(loop);
}

static enum err get(const struct key *key)
{
    free(got.bytes);
    memset(&got, 0, sizeof got);
    if (!redis_get(redis, key, on_found, NULL))
        return ERR_BUSY;
    while (!got.times)
        loop_run(loop);
    turn_once(loop);
    assert_int_equal(got.times, 1);
    return got.e;
}

static struct object *object_of(const char *path, size_t n)
{
    struct key key = key_make(OBJECT_SEGMENT, str_of(path), 5, CONTAINER_TS, 1);
    unsigned char *bytes = malloc(n + 1);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)(tree_byte(i) + (i >> 16));
    struct object *o = object_of_bytes(&key, bytes, n);
    object_set_etag(o, hash_stable(str_of(path)));
    return o;
}

static uint64_t counted(enum counter which) { return atomic_load(&seat.counters->value[which]); }

static void put(struct object *o)
{
    uint64_t before = counted(COUNTER_REDIS_WRITES_STORED);
    redis_put(redis, o);
    while (counted(COUNTER_REDIS_WRITES_STORED) == before)
        turn_once(loop);
}

static void command(const char *format, const char *key, size_t n)
{
    char name[RECORD_KEY + 8];
    snprintf(name, sizeof name, "%.*s", (int)n, key);
    redisReply *r = redisCommand(direct, format, name);
    assert_non_null(r);
    if (r->type == REDIS_REPLY_ERROR)
        fail_msg("%s", r->str);
    freeReplyObject(r);
}

/* The tests */

static void what_was_put_is_got(void **state)
{
    static const size_t sizes[] = {1, 1000, RECORD_CHUNK, RECORD_CHUNK + 1, LONG};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct object *o = object_of("/a.m4a", sizes[i]);
        put(o);
        assert_int_equal(get(&o->key), ERR_NONE);
        assert_int_equal(got.len, sizes[i]);
        assert_memory_equal(got.bytes, o->body, sizes[i]);
        assert_int_equal(strncmp(got.etag, o->etag, OBJECT_ETAG), 0);
        object_unref(o);
    }
}

static void what_was_not_put_is_not_there(void **state)
{
    struct object *o = object_of("/a.m4a", 10), *other = object_of("/b.m4a", 10);
    (void)state;
    put(o);
    assert_int_equal(get(&other->key), ERR_NOT_FOUND);
    object_unref(o);
    object_unref(other);
}

static void it_stays_for_its_time_give_or_take_a_tenth(void **state)
{
    struct object *o = object_of("/a.m4a", LONG);
    char name[RECORD_KEY], chunk[RECORD_KEY];
    (void)state;
    put(o);
    size_t n = record_key(&o->key, STR("test"), name);
    record_chunk_key((struct str){name, n}, 2, chunk);
    for (int i = 0; i < 2; i++) {
        redisReply *r = redisCommand(direct, "TTL %s", i ? chunk : name);
        assert_in_range(r->integer, 89, 110);
        freeReplyObject(r);
    }
    object_unref(o);
}

static void what_is_too_large_or_of_no_kind_is_not_put(void **state)
{
    struct object *large = object_of("/a.m4a", LONG + 1), *empty = object_of("/b.m4a", 0);
    struct key key = key_make(OBJECT_LIBRARY, STR("/"), 0, CONTAINER_COUNT, 0);
    struct object *library = object_of_bytes(&key, malloc(1), 1);
    (void)state;
    redis_put(redis, large);
    redis_put(redis, empty);
    redis_put(redis, library);
    assert_int_equal(get(&large->key), ERR_NOT_FOUND);
    redisReply *r = redisCommand(direct, "DBSIZE");
    assert_int_equal(r->integer, 0);
    freeReplyObject(r);
    object_unref(large);
    object_unref(empty);
    object_unref(library);
}

static void writes_past_the_bound_are_dropped_and_counted(void **state)
{
    struct object *o = object_of("/a.m4a", LONG);
    (void)state;
    for (int i = 0; i <= REDIS_UNDER_WAY / LONG; i++)
        redis_put(redis, o);
    assert_int_equal(counted(COUNTER_REDIS_WRITES_DROPPED), 1);
    while (counted(COUNTER_REDIS_WRITES_STORED) < REDIS_UNDER_WAY / LONG)
        turn_once(loop);
    put(o);
    object_unref(o);
}

static void a_key_of_another_type_is_no_failure_of_redis(void **state)
{
    struct object *o = object_of("/a.m4a", 10);
    char name[RECORD_KEY];
    (void)state;
    size_t n = record_key(&o->key, STR("test"), name);
    for (int i = 0; i < 10; i++) {
        command("DEL %s", name, n);
        command("LPUSH %s x", name, n);
        assert_int_equal(get(&o->key), ERR_MEDIA);
    }
    put(o);
    assert_int_equal(get(&o->key), ERR_NONE);
    object_unref(o);
}

static void a_chunk_that_is_missing_is_as_wrong_as_a_broken_one(void **state)
{
    struct object *o = object_of("/a.m4a", LONG);
    char name[RECORD_KEY], chunk[RECORD_KEY];
    (void)state;
    size_t n = record_key(&o->key, STR("test"), name);
    for (uint32_t i = 0; i < 3; i++) {
        put(o);
        size_t m = record_chunk_key((struct str){name, n}, i, chunk);
        command("SETRANGE %s 3 x", chunk, m);
        assert_int_equal(get(&o->key), ERR_MEDIA);
        command("DEL %s", chunk, m);
        assert_int_equal(get(&o->key), ERR_MEDIA);
    }
    object_unref(o);
}

static enum err get_chunk(const struct key *key, uint32_t chunk)
{
    free(got.bytes);
    memset(&got, 0, sizeof got);
    assert_true(redis_get_chunk(redis, key, chunk, on_found, NULL));
    while (!got.times)
        loop_run(loop);
    turn_once(loop);
    assert_int_equal(got.times, 1);
    return got.e;
}

static void a_chunk_is_got_without_the_others(void **state)
{
    struct object *o = object_of("/a.m4a", LONG);
    char name[RECORD_KEY];
    (void)state;
    size_t n = record_key(&o->key, STR("test"), name);
    put(o);
    for (uint32_t i = 0; i < 3; i++) {
        size_t from = (size_t)i * RECORD_CHUNK;
        assert_int_equal(get_chunk(&o->key, i), ERR_NONE);
        assert_int_equal(got.len, i < 2 ? RECORD_CHUNK : 77);
        assert_int_equal(got.size, LONG);
        assert_memory_equal(got.bytes, o->body + from, got.len);
    }
    assert_int_equal(get_chunk(&o->key, 3), ERR_MEDIA);
    assert_int_equal(get_chunk(&o->key, UINT32_MAX), ERR_MEDIA);
    command("DEL %s:0", name, n);
    command("DEL %s:2", name, n);
    assert_int_equal(get_chunk(&o->key, 1), ERR_NONE);
    assert_int_equal(get_chunk(&o->key, 2), ERR_MEDIA);
    command("DEL %s", name, n);
    assert_int_equal(get_chunk(&o->key, 1), ERR_NOT_FOUND);
    object_unref(o);
}

static unsigned bits_written;

static void on_bit(void *owner, enum err e)
{
    assert_int_equal(e, *(enum err *)owner);
    bits_written++;
}

/* The last chunk first: the order is the writer's. */
static void what_was_written_bit_by_bit_is_got(void **state)
{
    struct object *o = object_of("/a.m4a", LONG);
    struct str all = {(const char *)o->body, LONG};
    struct buf record;
    enum err expected = ERR_NONE;
    (void)state;
    buf_init(&record, RECORD_MAX);
    assert_int_equal(record_pack(&o->key, object_etag(o), all, &record), ERR_NONE);
    struct redis_write what = {&o->key, REDIS_RECORD, 50, buf_str(&record)};
    bits_written = 0;
    for (uint32_t i = 3; i--;) {
        size_t from = (size_t)i * RECORD_CHUNK;
        what.chunk = i;
        what.value = str_slice(all, from, from + RECORD_CHUNK);
        assert_int_equal(redis_write(redis, &what, on_bit, &expected), ERR_NONE);
    }
    while (bits_written < 3)
        turn_once(loop);
    assert_int_equal(get(&o->key), ERR_NOT_FOUND);
    what.chunk = REDIS_RECORD;
    what.value = buf_str(&record);
    assert_int_equal(redis_write(redis, &what, on_bit, &expected), ERR_NONE);
    assert_int_equal(get(&o->key), ERR_NONE);
    assert_memory_equal(got.bytes, o->body, LONG);
    expected = ERR_CANCELLED;
    assert_int_equal(redis_write(redis, &what, on_bit, &expected), ERR_NONE);
    redis_stop(redis);
    assert_int_equal(bits_written, 5);
    assert_int_equal(redis_write(redis, &what, on_bit, &expected), ERR_BUSY);
    buf_fini(&record);
    object_unref(o);
}

static void chunks_are_lent_up_to_a_bound(void **state)
{
    (void)state;
    for (unsigned i = 0; i < REDIS_LENT; i++)
        assert_true(redis_lend(redis));
    assert_false(redis_lend(redis));
    redis_lend_back(redis);
    assert_true(redis_lend(redis));
    for (unsigned i = 0; i < REDIS_LENT; i++)
        redis_lend_back(redis);
}

static void at_the_end_who_waits_is_told(void **state)
{
    struct object *o = object_of("/a.m4a", 10);
    (void)state;
    free(got.bytes);
    memset(&got, 0, sizeof got);
    assert_true(redis_get(redis, &o->key, on_found, NULL));
    redis_stop(redis);
    assert_int_equal(got.times, 1);
    assert_int_equal(got.e, ERR_CANCELLED);
    assert_false(redis_is_up(redis));
    assert_false(redis_get(redis, &o->key, on_found, NULL));
    redis_put(redis, o);
    object_unref(o);
}

static void a_redis_that_stands_still_costs_its_time_and_no_more(void **state)
{
    struct object *o = object_of("/a.m4a", 10);
    (void)state;
    put(o); /* it is connected */
    kill(server, SIGSTOP);
    opts.timeout = 20 * CLOCK_MS;
    unsigned late = 0;
    while (redis_is_up(redis)) {
        uint64_t before = loop_refresh(loop);
        assert_int_equal(get(&o->key), ERR_DEADLINE);
        assert_true(clock_mono() - before >= 20 * CLOCK_MS);
        late++;
    }
    assert_int_equal(late, 5);
    assert_int_equal(get(&o->key), ERR_BUSY);
    assert_int_equal(atomic_load(&opts.broken), 1);
    kill(server, SIGCONT);
    while (!redis_is_up(redis)) /* a probe finds it */
        turn_once(loop);
    opts.timeout = 10 * CLOCK_SECOND;
    assert_int_equal(get(&o->key), ERR_NONE);
    object_unref(o);
}

static void where_nobody_listens_it_is_left_alone_soon(void **state)
{
    struct object *o = object_of("/a.m4a", 10);
    (void)state;
    unsigned asked = 0;
    while (redis_is_up(redis) && ++asked < 10)
        assert_int_equal(get(&o->key), ERR_IO);
    assert_true(asked <= 5);
    assert_int_equal(atomic_load(&opts.broken), 1);
    redis_put(redis, o);
    assert_int_equal(counted(COUNTER_REDIS_WRITES_DROPPED), 0);
    object_unref(o);
}

static void what_is_no_answer_ends_the_connection(void **state)
{
    static const char *const lies[] = {
        "*2147483647\r\n",
        "*1\r\n$1\r\nx\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "%1\r\n+a\r\n+b\r\n",
        "+PONG\r\n+more\r\n+and more\r\n+and more\r\n",
        "$-2\r\n",
        "$99999999999999999999\r\n",
        "-NOAUTH Authentication required.\r\n",
        "-LOADING\r\n",
        "$4\r\nPONG\r\n$3\r\nabcd\r\n",
        ":1\r\n*0\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct liar liar;
        begin_at(tree_path(&redis_tree, "liar.sock"), 200 * CLOCK_MS);
        lie(&liar, loop, opts.url.path, lies[i]);
        struct object *o = object_of("/a.m4a", 10);
        enum err e = get(&o->key);
        if (e != ERR_IO && e != ERR_MEDIA && e != ERR_DEADLINE)
            fail_msg("%s: %s", lies[i], err_name(e));
        object_unref(o);
        lie_no_more(&liar);
        end(NULL);
    }
}

/* Behind a whole answer, in a read of its own. */
static void what_is_no_answer_ends_the_connection_later_too(void **state)
{
    static const char array[] = "*2147483647\r\n";
    struct liar liar;
    (void)state;
    begin_at(tree_path(&redis_tree, "liar.sock"), 10 * CLOCK_SECOND);
    lie(&liar, loop, opts.url.path, "+PONG\r\n$-1\r\n$-1\r\n");
    struct object *o = object_of("/a.m4a", 10);
    assert_int_equal(get(&o->key), ERR_NOT_FOUND);
    assert_int_equal(liar.count, 1);
    assert_true(send(liar.clients[0], array, strlen(array), MSG_NOSIGNAL) > 0);
    assert_int_equal(get(&o->key), ERR_IO);
    object_unref(o);
    lie_no_more(&liar);
    end(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_put_is_got),
        TEST(what_was_not_put_is_not_there),
        TEST(it_stays_for_its_time_give_or_take_a_tenth),
        TEST(what_is_too_large_or_of_no_kind_is_not_put),
        TEST(writes_past_the_bound_are_dropped_and_counted),
        TEST(a_key_of_another_type_is_no_failure_of_redis),
        TEST(a_chunk_that_is_missing_is_as_wrong_as_a_broken_one),
        TEST(a_chunk_is_got_without_the_others),
        TEST(what_was_written_bit_by_bit_is_got),
        TEST(chunks_are_lent_up_to_a_bound),
        TEST(at_the_end_who_waits_is_told),
        TEST(a_redis_that_stands_still_costs_its_time_and_no_more),
        cmocka_unit_test_setup_teardown(where_nobody_listens_it_is_left_alone_soon, begin_nowhere,
                                        end),
        cmocka_unit_test(what_is_no_answer_ends_the_connection),
        cmocka_unit_test(what_is_no_answer_ends_the_connection_later_too),
    };
    return cmocka_run_group_tests(tests, begin_server, end_server);
}
