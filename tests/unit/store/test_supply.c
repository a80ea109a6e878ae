/* edge/store/supply: what is asked for at the one door, and who leaves. */
#include "edge/store/supply.h"

#include "tests/unit/store/supply_kit.h"

/* Files */

static void a_small_file_is_read_once_and_then_kept(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", SMALL);
    for (int i = 0; i < 3; i++) {
        struct wish w = got(WISH_FILE, "/a.mp3");
        assert_int_equal(w.err, ERR_NONE);
        assert_int_equal(w.how, i ? WISH_HIT : WISH_MISS);
        assert_int_equal(w.object->key.kind, OBJECT_BODY);
        assert_int_equal(w.object->body_len, SMALL);
        assert_int_equal(w.object->body[SMALL - 1], tree_byte(SMALL - 1));
        supply_leave(&w);
        supply_leave(&w);
    }
    assert_int_equal(counted(COUNTER_ORIGIN_OPENS), 1);
    assert_int_equal(counted(COUNTER_ORIGIN_READS), 1);
    assert_int_equal(counted(COUNTER_CACHE_MEMORY_HIT), 2);
}

static void a_larger_file_is_its_own_source(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", SMALL + 1);
    for (int i = 0; i < 2; i++) {
        struct wish w = got(WISH_FILE, "/a.mp3");
        assert_int_equal(w.err, ERR_NONE);
        assert_int_equal(w.how, i ? WISH_HIT : WISH_MISS);
        assert_ptr_equal(w.object, w.source);
        assert_int_equal(w.object->span_count, 1);
        supply_leave(&w);
    }
    assert_int_equal(counted(COUNTER_ORIGIN_READS), 0);
    assert_int_equal(counted(COUNTER_CACHE_MEMORY_HIT), 1);
    assert_int_equal(counted(COUNTER_CACHE_MEMORY_MISS), 1);
}

static void an_empty_file_is_found_too(void **state)
{
    (void)state;
    tree_text(&tree, "a.mp3", "");
    struct wish w = got(WISH_FILE, "/a.mp3");
    assert_int_equal(w.err, ERR_NONE);
    assert_int_equal(w.object->size, 0);
    supply_leave(&w);
}

static void who_asks_meanwhile_joins(void **state)
{
    (void)state;
    struct wish w[4];
    tree_fill(&tree, "a.mp3", SMALL + 1);
    granted_count = 0;
    hold(io);
    for (int i = 0; i < 4; i++) {
        w[i] = wish_of(WISH_FILE, "/a.mp3");
        assert_false(supply_ask(&seat, &w[i], now));
    }
    release();
    while (granted_count < 4)
        loop_run(loop);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(w[i].err, ERR_NONE);
        assert_int_equal(w[i].how, i ? WISH_JOINED : WISH_MISS);
        assert_ptr_equal(w[i].object, w[0].object);
    }
    for (int i = 0; i < 4; i++)
        supply_leave(&w[i]);
    assert_int_equal(counted(COUNTER_FLIGHTS), 1);
    assert_int_equal(counted(COUNTER_FLIGHTS_JOINED), 3);
    assert_int_equal(counted(COUNTER_ORIGIN_OPENS), 1);
}

/* Freshness */

static void a_replaced_file_is_a_new_version(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", 1000);
    struct wish old = got(WISH_FILE, "/a.mp3");
    tree_fill(&tree, "a.mp3", 2000);
    struct wish w = got(WISH_FILE, "/a.mp3");
    assert_int_equal(w.object->size, 1000); /* believed for a second */
    supply_leave(&w);
    now += 2 * CLOCK_SECOND;
    w = got(WISH_FILE, "/a.mp3");
    assert_int_equal(w.object->size, 2000);
    assert_int_not_equal(w.source->source->version, old.source->source->version);
    assert_false(str_eq(object_etag(w.object), object_etag(old.object)));
    assert_int_equal(old.object->size, 1000); /* who holds the old one has it whole */
    supply_leave(&w);
    supply_leave(&old);
}

static void a_removed_file_is_gone_a_second_later_and_from_the_cache(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", SMALL + 1);
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NONE);
    assert_int_equal(supply_stats(seat.supply).objects, 1);
    assert_int_equal(unlink(tree_path(&tree, "a.mp3")), 0);
    now += 2 * CLOCK_SECOND;
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NOT_FOUND);
    supply_publish(seat.supply);
    assert_int_equal(counted(COUNTER_CACHE_GONE_CHANGED), 1);
}

/* Leaving */

static void who_left_hears_nothing(void **state)
{
    (void)state;
    struct wish w = wish_of(WISH_FILE, "/a.mp3");
    tree_fill(&tree, "a.mp3", SMALL + 1);
    for (int i = 0; i < 50; i++) { /* before, while or after it is opened: as it comes */
        granted_count = 0;
        now += 2 * CLOCK_SECOND;
        assert_false(supply_ask(&seat, &w, now));
        if (i % 2)
            sched_yield();
        supply_leave(&w);
        supply_leave(&w);
        turn_once(loop);
        assert_int_equal(granted_count, 0);
        assert_null(w.object);
    }
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NONE);
}

static void the_last_one_to_leave_cancels_and_that_is_counted(void **state)
{
    (void)state;
    struct wish a = wish_of(WISH_FILE, "/a.mp3"), b = a;
    tree_fill(&tree, "a.mp3", SMALL + 1);
    hold(io);
    assert_false(supply_ask(&seat, &a, now));
    assert_false(supply_ask(&seat, &b, now));
    supply_leave(&a);
    assert_int_equal(counted(COUNTER_FLIGHTS_CANCELLED), 0);
    supply_leave(&b);
    assert_int_equal(counted(COUNTER_FLIGHTS_CANCELLED), 1);
    release();
    hold(io); /* so what was submitted before has ended */
    assert_int_equal(counted(COUNTER_ORIGIN_OPENS), 0);
    release();
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NONE);
}

static void what_the_cache_would_not_keep_is_served_all_the_same(void **state)
{
    (void)state;
    restart_supply(100);
    silence("a.mp3", 20);
    for (int i = 0; i < 2; i++) {
        struct wish w = got(WISH_FILE, "/a.mp3");
        assert_int_equal(w.err, ERR_NONE);
        assert_int_equal(w.object->body_len, 20 * FRAME);
        supply_leave(&w);
        expect_err(wish_of(WISH_PLAYLIST, "/a.mp3"), ERR_NONE);
    }
    assert_int_equal(supply_stats(seat.supply).objects, 1); /* the open file */
}

/* The list, and figures */

static void what_is_counted_elsewhere_is_published(void **state)
{
    (void)state;
    restart_supply(40000);
    for (int i = 0; i < 60; i++) {
        char name[16];
        snprintf(name, sizeof name, "/%d.mp3", i);
        tree_fill(&tree, name + 1, 1000);
        expect_err(wish_of(WISH_FILE, name), ERR_NONE);
    }
    supply_publish(seat.supply);
    assert_true(counted(COUNTER_HELPER_STARTS) >= 1);
    assert_int_equal(counted(COUNTER_HELPER_DEATHS), media_deaths(media));
    assert_true(counted(COUNTER_CACHE_GONE_ROOM) >= 2);
}

static void a_root_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct supply *s = NULL;
    struct supply_opts opts = {.cache = {.bytes = 1000},
                               .disk = {"/nonexistent/root", "", 6000, false, false, NULL}};
    assert_int_equal(supply_new(&opts, &s), ERR_CONFIG);
    supply_free(NULL);
}

static struct wish index_of(struct object *source)
{
    struct wish w = wish_of(WISH_FILE, "");
    granted_count = 0;
    if (!supply_index(&seat, &w, source, now))
        while (!granted_count)
            loop_run(loop);
    return w;
}

static void the_index_of_a_file_may_be_had_for_itself(void **state)
{
    (void)state;
    silence("a.mp3", FRAMES);
    struct wish file = got(WISH_FILE, "/a.mp3");
    silence("new.mp3", 2 * FRAMES);
    assert_int_equal(rename(tree_path(&tree, "new.mp3"), tree_path(&tree, "a.mp3")), 0);
    for (int i = 0; i < 2; i++) { /* of the file that is open, whatever has its name now */
        struct wish w = index_of(file.source);
        assert_int_equal(w.err, ERR_NONE);
        assert_int_equal(index_info(w.object->index)->packets, FRAMES);
        supply_leave(&w);
    }
    assert_int_equal(counted(COUNTER_INDEX_BUILDS), 1);
    supply_leave(&file);
}

static void there_is_no_index_of_what_is_no_track(void **state)
{
    (void)state;
    tree_text(&tree, "text.mp3", "no music at all");
    struct wish file = got(WISH_FILE, "/text.mp3");
    struct wish w = index_of(file.source);
    assert_int_equal(w.err, ERR_MEDIA);
    supply_leave(&w);
    supply_leave(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(the_index_of_a_file_may_be_had_for_itself),
        WITH_RIG(there_is_no_index_of_what_is_no_track),
        WITH_RIG(a_small_file_is_read_once_and_then_kept),
        WITH_RIG(a_larger_file_is_its_own_source),
        WITH_RIG(an_empty_file_is_found_too),
        WITH_RIG(who_asks_meanwhile_joins),
        WITH_RIG(a_replaced_file_is_a_new_version),
        WITH_RIG(a_removed_file_is_gone_a_second_later_and_from_the_cache),
        WITH_RIG(who_left_hears_nothing),
        WITH_RIG(the_last_one_to_leave_cancels_and_that_is_counted),
        WITH_RIG(what_the_cache_would_not_keep_is_served_all_the_same),
        WITH_RIG(what_is_counted_elsewhere_is_published),
        WITH_RIG(a_root_that_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests(tests, start_helpers, stop_helpers);
}
