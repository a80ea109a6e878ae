/* edge/store/warm: tracks that are loaded ahead of a release. */
#include "edge/store/warm.h"

#include "tests/unit/store/supply_kit.h"

static struct warm *warm;

static int begin_warm(void **state)
{
    int rc = begin(state);
    struct warm_opts opts = {&seat, loop, io};
    assert_int_equal(warm_new(&opts, &warm), ERR_NONE);
    tree_folder(&tree, "album");
    silence("album/one.mp3", FRAMES);
    silence("album/two.mp3", 5 * FRAMES);
    silence("other.mp3", FRAMES);
    return rc;
}

/* As the server ends: it gives up, then the pools end, then it goes. */
static int end_warm(void **state)
{
    hold_release();
    warm_stop(warm);
    pool_free(io);
    pool_free(media_pool);
    mailbox_settle(seat.mailbox);
    warm_free(warm);
    assert_int_equal(pool_new(1, "io", &io), ERR_NONE);
    assert_int_equal(pool_new(1, "media", &media_pool), ERR_NONE);
    return end(state);
}

static void run(const char *prefix)
{
    assert_int_equal(warm_start(warm, str_of(prefix)), ERR_NONE);
    assert_true(warm_state(warm).running);
    while (warm_state(warm).running)
        turn_once(loop);
}

/* What a listener asks for first is in memory. */
static void expect_hit(struct wish w)
{
    if (!supply_ask(&seat, &w, clock_mono()) || w.err || w.how != WISH_HIT)
        fail_msg("%.*s, %d: not there", STR_ARG(w.track), w.kind);
    supply_leave(&w);
}

static void what_a_listener_asks_for_first_is_there(void **state)
{
    (void)state;
    run("/album/");
    struct warm_state s = warm_state(warm);
    assert_int_equal(s.tracks, 2);
    assert_int_equal(s.done, 2);
    assert_int_equal(s.failed, 0);
    assert_int_equal(s.err, ERR_NONE);
    assert_int_equal(counted(COUNTER_INDEX_BUILDS), 2);
    expect_hit(wish_of(WISH_MASTER, "/album/one.mp3"));
    expect_hit(wish_of(WISH_PLAYLIST, "/album/two.mp3"));
    struct wish w = wish_of(WISH_PLAYLIST, "/album/two.mp3");
    assert_true(supply_ask(&seat, &w, clock_mono()));
    uint64_t version = w.source->source->version;
    supply_leave(&w);
    for (uint32_t i = 0; i < WARM_SEGMENTS; i++) {
        w = wish_of(WISH_SEGMENT, "/album/two.mp3");
        w.container = CONTAINER_PACKED;
        w.ending = STR("mp3");
        w.version = version;
        w.number = i;
        expect_hit(w);
    }
    assert_int_equal(counted(COUNTER_INDEX_BUILDS), 2);
}

/* Only what was named: others are as cold as before. */
static void nothing_else_is_loaded(void **state)
{
    (void)state;
    run("/album/o");
    assert_int_equal(warm_state(warm).tracks, 1);
    assert_int_equal(counted(COUNTER_INDEX_BUILDS), 1);
    run("/none/");
    assert_int_equal(warm_state(warm).tracks, 0);
    assert_int_equal(counted(COUNTER_INDEX_BUILDS), 1);
}

static void what_is_no_audio_counts_as_failed(void **state)
{
    (void)state;
    tree_fill(&tree, "album/three.mp3", 5000);
    run("/album/");
    assert_int_equal(warm_state(warm).tracks, 3);
    assert_int_equal(warm_state(warm).done, 3);
    assert_int_equal(warm_state(warm).failed, 1);
    expect_hit(wish_of(WISH_MASTER, "/album/one.mp3"));
}

static void one_prefix_at_a_time(void **state)
{
    (void)state;
    char long_prefix[BUF_MAX_PATH + 1];
    memset(long_prefix, '/', sizeof long_prefix);
    assert_int_equal(warm_start(warm, (struct str){long_prefix, sizeof long_prefix}), ERR_URI_LONG);
    hold(io);
    assert_int_equal(warm_start(warm, STR("/album/")), ERR_NONE);
    assert_int_equal(warm_start(warm, STR("/")), ERR_BUSY);
    release();
    while (warm_state(warm).running)
        turn_once(loop);
    run("/");
    assert_int_equal(warm_state(warm).tracks, 3);
}

static void it_can_be_given_up_at_any_time(void **state)
{
    (void)state;
    hold(media_pool); /* it waits for an index */
    assert_int_equal(warm_start(warm, STR("/")), ERR_NONE);
    while (!warm_state(warm).tracks)
        turn_once(loop);
    for (int i = 0; i < 20; i++)
        turn_once(loop);
    warm_stop(warm);
    warm_stop(warm);
    assert_false(warm_state(warm).running);
    assert_int_equal(warm_start(warm, STR("/")), ERR_BUSY);
    release();
    for (int i = 0; i < 5; i++)
        turn_once(loop);
    assert_int_equal(warm_state(warm).done, 0);
    warm_stop(NULL);
    warm_free(NULL);
}

int main(void)
{
#define WARM(test) cmocka_unit_test_setup_teardown(test, begin_warm, end_warm)
    const struct CMUnitTest tests[] = {
        WARM(what_a_listener_asks_for_first_is_there), WARM(nothing_else_is_loaded),
        WARM(what_is_no_audio_counts_as_failed),       WARM(one_prefix_at_a_time),
        WARM(it_can_be_given_up_at_any_time),
    };
    return cmocka_run_group_tests(tests, start_helpers, stop_helpers);
}
