/* edge/store/work: what the pools do, and what is remembered of it. */
#include "edge/store/work.h"

#include "tests/unit/store/supply_kit.h"

static void two_who_want_the_index_share_it(void **state)
{
    (void)state;
    struct wish a = wish_of(WISH_PLAYLIST, "/a.mp3"), b = wish_of(WISH_MASTER, "/a.mp3");
    silence("a.mp3", FRAMES);
    granted_count = 0;
    hold(media_pool);
    supply_ask(&seat, &a, now);
    supply_ask(&seat, &b, now);
    while (!a.source || !b.source)
        turn_once(loop);
    release();
    while (granted_count < 2)
        loop_run(loop);
    assert_int_equal(a.err, ERR_NONE);
    assert_int_equal(b.err, ERR_NONE);
    assert_true(a.how == WISH_JOINED || b.how == WISH_JOINED);
    assert_int_equal(counted(COUNTER_INDEX_BUILDS), 1);
    supply_leave(&a);
    supply_leave(&b);
}

static void a_broken_file_is_remembered_for_a_minute(void **state)
{
    (void)state;
    tree_text(&tree, "a.mp3", "this is no music");
    for (int i = 0; i < 3; i++) {
        struct wish w = got(WISH_PLAYLIST, "/a.mp3");
        assert_int_equal(w.err, ERR_MEDIA);
        assert_true(object_why(w.object).n > 0);
        supply_leave(&w);
    }
    assert_int_equal(counted(COUNTER_INDEX_FAILURES), 1);
    now += 59 * CLOCK_SECOND;
    expect_err(wish_of(WISH_PLAYLIST, "/a.mp3"), ERR_MEDIA);
    assert_int_equal(counted(COUNTER_INDEX_FAILURES), 1);
    now += CLOCK_SECOND;
    expect_err(wish_of(WISH_PLAYLIST, "/a.mp3"), ERR_MEDIA);
    assert_int_equal(counted(COUNTER_INDEX_FAILURES), 2);
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NONE); /* the bytes are there all the same */
}

static void a_mended_file_is_indexed_anew(void **state)
{
    (void)state;
    tree_text(&tree, "a.mp3", "this is no music");
    expect_err(wish_of(WISH_PLAYLIST, "/a.mp3"), ERR_MEDIA);
    silence("a.mp3", FRAMES);
    now += 2 * CLOCK_SECOND;
    expect_err(wish_of(WISH_PLAYLIST, "/a.mp3"), ERR_NONE);
}

static void the_list_of_tracks_is_kept_for_a_second(void **state)
{
    (void)state;
    tree_text(&tree, "a.mp3", "x");
    struct wish w = got(WISH_LIBRARY, "/");
    assert_true(body_has(&w, "\"a.mp3\""));
    assert_int_equal(w.how, WISH_MISS);
    supply_leave(&w);
    tree_text(&tree, "b.mp3", "x");
    now += CLOCK_SECOND - 1;
    w = got(WISH_LIBRARY, "/");
    assert_int_equal(w.how, WISH_HIT);
    assert_false(body_has(&w, "\"b.mp3\""));
    supply_leave(&w);
    now += 1;
    w = got(WISH_LIBRARY, "/");
    assert_true(body_has(&w, "\"b.mp3\""));
    supply_leave(&w);
}

static void leaving_cancels_an_index_that_waits_for_a_helper(void **state)
{
    (void)state;
    struct wish w = wish_of(WISH_PLAYLIST, "/a.mp3");
    silence("a.mp3", FRAMES);
    hold(media_pool);
    assert_false(supply_ask(&seat, &w, now));
    while (!w.source)
        turn_once(loop);
    supply_leave(&w);
    release();
    assert_int_equal(counted(COUNTER_FLIGHTS_CANCELLED), 1);
    expect_err(wish_of(WISH_PLAYLIST, "/a.mp3"), ERR_NONE);
    assert_int_equal(counted(COUNTER_INDEX_BUILDS), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(two_who_want_the_index_share_it),
        WITH_RIG(a_broken_file_is_remembered_for_a_minute),
        WITH_RIG(a_mended_file_is_indexed_anew),
        WITH_RIG(the_list_of_tracks_is_kept_for_a_second),
        WITH_RIG(leaving_cancels_an_index_that_waits_for_a_helper),
    };
    return cmocka_run_group_tests(tests, start_helpers, stop_helpers);
}
