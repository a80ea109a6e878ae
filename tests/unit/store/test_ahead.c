/* edge/store/ahead: reading a run of a file into the page cache, once for all who want it. */
#include "edge/store/ahead.h"

#include "tests/unit/store/supply_kit.h"

enum { SIZE = 600000, ROOM = 64 * 1024 };

static struct object *source, *last;
static unsigned landed_count;
static enum err landed_err;

static void landed(void *owner, struct object *result)
{
    struct object **out = owner;
    landed_count++;
    landed_err = result ? result->failure : ERR_NOMEM;
    object_unref(*out);
    *out = result;
    loop_stop(loop);
}

static int begin_with_file(void **state)
{
    int rc = begin(state);
    tree_fill(&tree, "a.mp3", SIZE);
    struct wish w = got(WISH_FILE, "/a.mp3");
    assert_int_equal(w.err, ERR_NONE);
    source = object_ref(w.source);
    supply_leave(&w);
    landed_count = 0;
    return rc;
}

static int end_with_file(void **state)
{
    object_unref(source);
    object_unref(last);
    last = NULL;
    return end(state);
}

static struct waiter *read_run(uint64_t from, uint64_t n)
{
    struct waiter *w = ahead_read(&seat, source, (struct index_span){from, n}, ROOM, landed, &last);
    assert_non_null(w);
    return w;
}

static void hear(unsigned count)
{
    while (landed_count < count)
        loop_run(loop);
}

static void a_run_is_read_and_its_source_handed_out(void **state)
{
    (void)state;
    struct index_span span = {1000, 500000};
    assert_non_null(ahead_read(&seat, source, span, ROOM, landed, &last));
    hear(1);
    assert_ptr_equal(last, source);
    assert_int_equal(counted(COUNTER_ORIGIN_READS), 1);
    assert_int_equal(counted(COUNTER_ORIGIN_READ_BYTES), 500000);
}

static void who_wants_the_same_run_joins(void **state)
{
    (void)state;
    hold(io);
    for (int i = 0; i < 3; i++)
        read_run(0, 100000);
    read_run(0, 100001); /* another one */
    release();
    hear(4);
    assert_int_equal(counted(COUNTER_ORIGIN_READS), 2);
    assert_int_equal(counted(COUNTER_ORIGIN_READ_BYTES), 200001);
    assert_int_equal(counted(COUNTER_FLIGHTS_JOINED), 2);
}

static void the_last_one_to_leave_ends_it(void **state)
{
    (void)state;
    hold(io);
    struct waiter *a = read_run(0, SIZE), *b = read_run(0, SIZE);
    ahead_leave(&seat, a);
    assert_int_equal(counted(COUNTER_FLIGHTS_CANCELLED), 0);
    ahead_leave(&seat, b);
    assert_int_equal(counted(COUNTER_FLIGHTS_CANCELLED), 1);
    release();
    hold(io); /* what was submitted before has ended */
    assert_int_equal(landed_count, 0);
    assert_true(counted(COUNTER_ORIGIN_READ_BYTES) <= ROOM);
    release();
}

static void a_file_that_ends_too_soon_is_told_of(void **state)
{
    (void)state;
    assert_int_equal(truncate(tree_path(&tree, "a.mp3"), 1000), 0);
    read_run(0, SIZE);
    hear(1);
    assert_int_equal(landed_err, ERR_IO);
}

int main(void)
{
#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, begin_with_file, end_with_file)
    const struct CMUnitTest tests[] = {
        WITH_FILE(a_run_is_read_and_its_source_handed_out),
        WITH_FILE(who_wants_the_same_run_joins),
        WITH_FILE(the_last_one_to_leave_ends_it),
        WITH_FILE(a_file_that_ends_too_soon_is_told_of),
    };
    return cmocka_run_group_tests(tests, start_helpers, stop_helpers);
}
