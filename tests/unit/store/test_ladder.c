/* edge/store/ladder: folders of renditions. */
#include "edge/store/ladder.h"

#include "tests/unit/store/supply_kit.h"

static void a_folder_is_a_master_of_what_can_be_used(void **state)
{
    (void)state;
    tree_folder(&tree, "song");
    tree_folder(&tree, "song/folder.mp3");
    silence("song/128.mp3", FRAMES);
    silence("song/64.mp3", FRAMES);
    tree_text(&tree, "song/broken.mp3", "this is no music");
    tree_text(&tree, "song/cover.jpg", "nor is this");
    for (int i = 0; i < 2; i++) {
        struct wish w = got(WISH_MASTER, "/song");
        assert_int_equal(w.err, ERR_NONE);
        assert_true(body_has(&w, "\n128.mp3/index.m3u8\n"));
        assert_true(body_has(&w, "\n64.mp3/index.m3u8\n"));
        assert_false(body_has(&w, "broken"));
        assert_false(body_has(&w, "folder"));
        supply_leave(&w);
    }
    assert_int_equal(counted(COUNTER_INDEX_BUILDS), 2);
    silence("song/64.mp3", FRAMES / 2); /* any file makes another master */
    now += 2 * CLOCK_SECOND;
    struct wish again = got(WISH_MASTER, "/song");
    assert_int_equal(again.err, ERR_NONE);
    supply_leave(&again);
    assert_int_equal(counted(COUNTER_INDEX_BUILDS), 3);
}

static void a_folder_without_a_rendition_is_not_found_or_says_why(void **state)
{
    (void)state;
    tree_folder(&tree, "empty");
    tree_folder(&tree, "broken");
    tree_text(&tree, "broken/a.mp3", "this is no music");
    expect_err(wish_of(WISH_MASTER, "/empty"), ERR_NOT_FOUND);
    expect_err(wish_of(WISH_MASTER, "/broken"), ERR_MEDIA);
    expect_err(wish_of(WISH_PLAYLIST, "/broken"), ERR_NOT_FOUND);
    expect_err(wish_of(WISH_MASTER, "/nothing"), ERR_NOT_FOUND);
}

static void leaving_a_ladder_half_way_up_gives_all_back(void **state)
{
    (void)state;
    tree_folder(&tree, "song");
    silence("song/1.mp3", FRAMES);
    silence("song/2.mp3", FRAMES);
    expect_err(wish_of(WISH_PLAYLIST, "/song/1.mp3"), ERR_NONE); /* the first is known already */
    struct wish w = wish_of(WISH_MASTER, "/song");
    granted_count = 0;
    assert_false(supply_ask(&seat, &w, now));
    while (!w.ladder)
        turn_once(loop);
    supply_leave(&w);
    turn_once(loop);
    assert_int_equal(granted_count, 0);
    expect_err(wish_of(WISH_MASTER, "/song"), ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(a_folder_is_a_master_of_what_can_be_used),
        WITH_RIG(a_folder_without_a_rendition_is_not_found_or_says_why),
        WITH_RIG(leaving_a_ladder_half_way_up_gives_all_back),
    };
    return cmocka_run_group_tests(tests, start_helpers, stop_helpers);
}
