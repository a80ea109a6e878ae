/* edge/store/notice: what changes a mark, and what does not. Real files; nobody sleeps: a mark is
 * looked at until it is another one. */
#include "edge/store/notice.h"

#include "edge/store/object.h"
#include "tests/unit/store/tree.h"

#include <sched.h>

static struct tree tree;
static struct notice *notice;
static int root;

static uint64_t hash_of(const char *path)
{
    return key_make(OBJECT_SOURCE, str_of(path), 0, CONTAINER_COUNT, 0).hash;
}

static uint32_t mark_of(const char *path) { return notice_mark(notice, hash_of(path)); }

static void wait_for_sight(size_t folders)
{
    while (notice_folders(notice) < folders)
        sched_yield();
}

/* Until the mark is no longer `before`, and somebody sees again. */
static void wait_for_change(const char *path, uint32_t before)
{
    uint32_t now;
    while ((now = mark_of(path)) == before || now == NOTICE_BLIND)
        sched_yield();
}

static int begin(void **state)
{
    (void)state;
    tree_make(&tree);
    tree_folder(&tree, "album");
    tree_fill(&tree, "album/song.m4a", 100);
    tree_fill(&tree, "other.m4a", 100);
    root = open(tree.root, O_PATH | O_DIRECTORY);
    assert_int_equal(notice_new(root, &notice), ERR_NONE);
    wait_for_sight(2);
    return 0;
}

static int end(void **state)
{
    (void)state;
    notice_free(notice);
    close(root);
    tree_remove(&tree);
    return 0;
}

static void a_write_changes_the_mark_of_its_path(void **state)
{
    (void)state;
    uint32_t song = mark_of("/album/song.m4a"), other = mark_of("/other.m4a");
    assert_int_not_equal(song, NOTICE_BLIND);
    tree_fill(&tree, "album/song.m4a", 50);
    wait_for_change("/album/song.m4a", song);
    assert_int_equal(mark_of("/other.m4a"), other);
}

static void renames_and_removals_change_it_too(void **state)
{
    (void)state;
    char to[512];
    uint32_t song = mark_of("/album/song.m4a"), next = mark_of("/album/next.m4a");
    snprintf(to, sizeof to, "%s", tree_path(&tree, "album/next.m4a"));
    assert_int_equal(rename(tree_path(&tree, "album/song.m4a"), to), 0);
    wait_for_change("/album/song.m4a", song);
    wait_for_change("/album/next.m4a", next);
    next = mark_of("/album/next.m4a");
    assert_int_equal(unlink(to), 0);
    wait_for_change("/album/next.m4a", next);
}

static void a_folder_is_changed_by_what_is_in_it(void **state)
{
    (void)state;
    uint32_t album = mark_of("/album");
    tree_fill(&tree, "album/more.m4a", 10);
    wait_for_change("/album", album);
}

static void a_new_folder_is_watched_with_all_in_it(void **state)
{
    (void)state;
    uint32_t any = mark_of("/new/deep/song.m4a");
    tree_folder(&tree, "new");
    tree_folder(&tree, "new/deep");
    wait_for_change("/new/deep/song.m4a", any);
    wait_for_sight(4);
    any = mark_of("/new/deep/song.m4a");
    tree_fill(&tree, "new/deep/song.m4a", 10);
    wait_for_change("/new/deep/song.m4a", any);
}

static void a_renamed_folder_is_watched_under_its_new_name(void **state)
{
    (void)state;
    char to[512];
    uint32_t song = mark_of("/album/song.m4a");
    snprintf(to, sizeof to, "%s", tree_path(&tree, "else"));
    assert_int_equal(rename(tree_path(&tree, "album"), to), 0);
    wait_for_change("/album/song.m4a", song);
    wait_for_sight(2);
    song = mark_of("/else/song.m4a");
    tree_fill(&tree, "else/song.m4a", 10);
    wait_for_change("/else/song.m4a", song);
}

static void a_folder_that_went_is_forgotten(void **state)
{
    (void)state;
    uint32_t song = mark_of("/album/song.m4a");
    unlink(tree_path(&tree, "album/song.m4a"));
    assert_int_equal(rmdir(tree_path(&tree, "album")), 0);
    wait_for_change("/album/song.m4a", song);
    while (notice_folders(notice) != 1)
        sched_yield();
}

static void reading_changes_nothing(void **state)
{
    (void)state;
    char byte;
    uint32_t song = mark_of("/album/song.m4a"), other = mark_of("/other.m4a");
    int fd = open(tree_path(&tree, "album/song.m4a"), O_RDONLY);
    assert_int_equal(read(fd, &byte, 1), 1);
    close(fd);
    tree_fill(&tree, "other.m4a", 10); /* comes after it */
    wait_for_change("/other.m4a", other);
    assert_int_equal(mark_of("/album/song.m4a"), song);
}

static void nobody_sees_without_one(void **state)
{
    (void)state;
    assert_int_equal(notice_mark(NULL, 1), NOTICE_BLIND);
    assert_int_equal(notice_folders(NULL), 0);
    notice_free(NULL);
}

int main(void)
{
    alarm(120);
#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        WITH_TREE(a_write_changes_the_mark_of_its_path),
        WITH_TREE(renames_and_removals_change_it_too),
        WITH_TREE(a_folder_is_changed_by_what_is_in_it),
        WITH_TREE(a_new_folder_is_watched_with_all_in_it),
        WITH_TREE(a_renamed_folder_is_watched_under_its_new_name),
        WITH_TREE(a_folder_that_went_is_forgotten),
        WITH_TREE(reading_changes_nothing),
        cmocka_unit_test(nobody_sees_without_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
