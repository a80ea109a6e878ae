/* edge/store/deposit: a file into Redis, chunk by chunk, behind an answer. */
#include "edge/store/deposit.h"

#include "edge/store/redis_record.h"
#include "tests/unit/store/supply_redis.h"

enum { SIZE = 2 * RECORD_CHUNK + 1000 };

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

static void deposit(struct object *source)
{
    deposit_begin(supply_work(seat.supply), seat.redis, seat.mailbox, source);
}

static struct {
    bool came;
    enum err e;
    uint64_t size;
    size_t len;
    unsigned char *bytes;
} found;

static void on_found(void *owner, enum err e, const struct redis_found *f)
{
    (void)owner;
    found.came = true;
    found.e = e;
    found.bytes = f ? f->bytes : NULL;
    found.len = f ? f->len : 0;
    found.size = f ? f->size : 0;
    loop_stop(loop);
}

static enum err look(const struct object *source, uint32_t chunk)
{
    struct key key =
        key_make(OBJECT_BODY, source->key.path, source->source->version, CONTAINER_COUNT, 0);
    found.came = false;
    assert_true(redis_get_chunk(seat.redis, &key, chunk, on_found, NULL));
    while (!found.came)
        loop_run(loop);
    return found.e;
}

static void a_file_is_there_whole_when_its_record_is(void **state)
{
    (void)state;
    struct object *source = source_of("a.mp3", SIZE);
    deposit(source);
    until_counted(COUNTER_REDIS_WRITES_STORED, 1);
    assert_int_equal(keys_in_redis(), 1 + 3);
    for (uint32_t chunk = 0; chunk < 3; chunk++) {
        assert_int_equal(look(source, chunk), ERR_NONE);
        assert_int_equal(found.size, SIZE);
        assert_int_equal(found.len, chunk < 2 ? RECORD_CHUNK : 1000);
        for (size_t i = 0; i < found.len; i++)
            assert_int_equal(found.bytes[i], tree_byte(chunk * (size_t)RECORD_CHUNK + i));
        free(found.bytes);
    }
    object_unref(source);
}

static void two_do_it_once(void **state)
{
    (void)state;
    struct object *source = source_of("a.mp3", SIZE);
    hold(io);
    deposit(source);
    deposit(source);
    deposit(source);
    release();
    until_counted(COUNTER_REDIS_WRITES_STORED, 1);
    turn_once(loop);
    assert_int_equal(counted(COUNTER_REDIS_WRITES_STORED), 1);
    assert_int_equal(counted(COUNTER_REDIS_WRITES_DROPPED), 0);
    object_unref(source);
}

/* It would be of two versions. */
static void a_file_that_was_written_to_has_no_record(void **state)
{
    (void)state;
    struct object *source = source_of("a.mp3", SIZE);
    tree_touch(&tree, "a.mp3", 1000000000, 1);
    deposit(source);
    until_counted(COUNTER_REDIS_WRITES_DROPPED, 1);
    assert_int_equal(look(source, 0), ERR_NOT_FOUND);
    object_unref(source);
}

/* Memory under way has a bound; what finds no room is counted, and nothing is held. */
static void without_room_it_is_dropped(void **state)
{
    (void)state;
    struct object *source = source_of("a.mp3", SIZE);
    size_t taken = 0;
    while (redis_room_take(seat.redis, RECORD_CHUNK))
        taken += RECORD_CHUNK;
    assert_true(taken > 0);
    deposit(source);
    assert_int_equal(counted(COUNTER_REDIS_WRITES_DROPPED), 1);
    redis_room_give(seat.redis, taken);
    deposit(source);
    until_counted(COUNTER_REDIS_WRITES_STORED, 1);
    taken = 0;
    while (redis_room_take(seat.redis, RECORD_CHUNK)) /* it gave back what it took */
        taken += RECORD_CHUNK;
    assert_int_equal(taken, REDIS_UNDER_WAY);
    redis_room_give(seat.redis, taken);
    object_unref(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_REDIS(a_file_is_there_whole_when_its_record_is),
        WITH_REDIS(two_do_it_once),
        WITH_REDIS(a_file_that_was_written_to_has_no_record),
        WITH_REDIS(without_room_it_is_dropped),
    };
    return cmocka_run_group_tests(tests, start_redis_too, stop_redis_too);
}
