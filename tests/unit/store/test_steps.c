/* edge/store/steps: is what is kept still true? */
#include "edge/store/steps.h"

#include "tests/unit/store/supply_kit.h"

static void what_is_missing_is_looked_for_once_a_second(void **state)
{
    (void)state;
    struct wish w = wish_of(WISH_FILE, "/a.mp3");
    get(&w);
    assert_int_equal(w.err, ERR_NOT_FOUND);
    assert_int_equal(w.object->failure, ERR_NOT_FOUND);
    supply_leave(&w);
    uint64_t opens = counted(COUNTER_ORIGIN_OPENS);
    tree_fill(&tree, "a.mp3", 10);
    now += CLOCK_SECOND - 1;
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NOT_FOUND);
    assert_int_equal(counted(COUNTER_ORIGIN_OPENS), opens);
    now++;
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NONE);
    tree_folder(&tree, "album");
    expect_err(wish_of(WISH_FILE, "/album"), ERR_NOT_FOUND);
    expect_err(wish_of(WISH_FILE, "/../etc/passwd"), ERR_NOT_FOUND);
    assert_int_equal(supply_stats(seat.supply).objects, 4); /* a.mp3 twice, album, /../etc/passwd */
}

static void a_young_source_is_believed(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", SMALL + 1);
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NONE);
    now += CLOCK_SECOND / 2;
    struct wish w = wish_of(WISH_FILE, "/a.mp3");
    assert_true(supply_ask(&seat, &w, now));
    supply_leave(&w);
    assert_int_equal(counted(COUNTER_ORIGIN_OPENS), 1);
}

static void an_old_one_is_looked_at_before_the_answer(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", SMALL + 1);
    struct wish first = got(WISH_FILE, "/a.mp3"), w = wish_of(WISH_FILE, "/a.mp3");
    now += CLOCK_SECOND;
    assert_false(supply_ask(&seat, &w, now));
    loop_run(loop);
    assert_int_equal(w.err, ERR_NONE);
    assert_ptr_equal(w.object, first.object); /* the same file: the same object */
    assert_int_equal(w.how, WISH_MISS);
    assert_int_equal(atomic_load(&w.source->source->checked), now);
    assert_int_equal(counted(COUNTER_CACHE_MEMORY_STALE), 1);
    assert_int_equal(counted(COUNTER_ORIGIN_CHECKS), 1);
    supply_leave(&w);
    supply_leave(&first);
}

static void looking_behind_the_answers_keeps_a_busy_file_fresh(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", SMALL + 1);
    struct wish first = got(WISH_FILE, "/a.mp3");
    for (int i = 0; i < 20; i++) {
        struct wish w = wish_of(WISH_FILE, "/a.mp3");
        now += CLOCK_SECOND * 3 / 5;
        assert_true(supply_ask(&seat, &w, now)); /* none of them ever waits */
        supply_leave(&w);
        wait_for_look(first.source->source);
    }
    assert_int_equal(counted(COUNTER_ORIGIN_CHECKS), 20);
    assert_int_equal(counted(COUNTER_CACHE_MEMORY_STALE), 0);
    supply_leave(&first);
}

static void one_look_behind_is_enough(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", SMALL + 1);
    struct wish first = got(WISH_FILE, "/a.mp3");
    now += CLOCK_SECOND * 3 / 4;
    hold(io);
    for (int i = 0; i < 10; i++) {
        struct wish w = wish_of(WISH_FILE, "/a.mp3");
        assert_true(supply_ask(&seat, &w, now));
        supply_leave(&w);
    }
    release();
    wait_for_look(first.source->source);
    assert_int_equal(counted(COUNTER_ORIGIN_CHECKS), 1);
    supply_leave(&first);
}

static void a_watched_source_is_not_looked_at_again(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", SMALL + 1);
    watch_the_tree();
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NONE);
    now += 59 * CLOCK_SECOND;
    struct wish w = wish_of(WISH_FILE, "/a.mp3");
    assert_true(supply_ask(&seat, &w, now));
    assert_false(w.doubted);
    supply_leave(&w);
    assert_int_equal(counted(COUNTER_ORIGIN_OPENS) + counted(COUNTER_ORIGIN_CHECKS), 1);
}

static void past_its_ttl_it_is_served_and_looked_at(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", SMALL + 1);
    watch_the_tree();
    struct wish first = got(WISH_FILE, "/a.mp3"), w = wish_of(WISH_FILE, "/a.mp3");
    now += 60 * CLOCK_SECOND;
    assert_true(supply_ask(&seat, &w, now));
    assert_true(w.doubted && w.how == WISH_HIT);
    supply_leave(&w);
    wait_for_look(first.source->source);
    assert_int_equal(counted(COUNTER_CACHE_MEMORY_STALE), 1);
    assert_int_equal(counted(COUNTER_ORIGIN_CHECKS), 1);
    struct wish again = got(WISH_FILE, "/a.mp3");
    assert_false(again.doubted);
    supply_leave(&again);
    supply_leave(&first);
}

static void a_playlist_has_a_ttl_of_its_own(void **state)
{
    (void)state;
    silence("a.mp3", FRAMES);
    watch_the_tree();
    expect_err(wish_of(WISH_PLAYLIST, "/a.mp3"), ERR_NONE);
    now += 61 * CLOCK_SECOND;
    expect_err(wish_of(WISH_PLAYLIST, "/a.mp3"), ERR_NONE);
    assert_int_equal(counted(COUNTER_CACHE_MEMORY_STALE), 0);
    now += 3600 * CLOCK_SECOND;
    expect_err(wish_of(WISH_PLAYLIST, "/a.mp3"), ERR_NONE);
    assert_int_equal(counted(COUNTER_CACHE_MEMORY_STALE), 1);
}

static void what_inotify_tells_is_looked_at_at_once(void **state)
{
    (void)state;
    watch_the_tree();
    until("/a.mp3", ERR_NOT_FOUND);
    tree_fill(&tree, "a.mp3", 10);
    until("/a.mp3", ERR_NONE);
    assert_int_equal(unlink(tree_path(&tree, "a.mp3")), 0);
    until("/a.mp3", ERR_NOT_FOUND);
    tree_folder(&tree, "new");
    tree_fill(&tree, "new/a.mp3", 10);
    until("/new/a.mp3", ERR_NONE);
}

static void a_missing_file_is_remembered_for_five_seconds(void **state)
{
    (void)state;
    watch_the_tree();
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NOT_FOUND);
    now += 5 * CLOCK_SECOND - 1;
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NOT_FOUND);
    assert_int_equal(counted(COUNTER_ORIGIN_OPENS), 1);
    now++;
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NOT_FOUND);
    assert_int_equal(counted(COUNTER_ORIGIN_OPENS), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(what_is_missing_is_looked_for_once_a_second),
        WITH_RIG(a_young_source_is_believed),
        WITH_RIG(an_old_one_is_looked_at_before_the_answer),
        WITH_RIG(looking_behind_the_answers_keeps_a_busy_file_fresh),
        WITH_RIG(one_look_behind_is_enough),
        WITH_RIG(a_watched_source_is_not_looked_at_again),
        WITH_RIG(past_its_ttl_it_is_served_and_looked_at),
        WITH_RIG(a_playlist_has_a_ttl_of_its_own),
        WITH_RIG(what_inotify_tells_is_looked_at_at_once),
        WITH_RIG(a_missing_file_is_remembered_for_five_seconds),
    };
    return cmocka_run_group_tests(tests, start_helpers, stop_helpers);
}
