/* edge/store/library: the list of tracks as JSON. */
#include "edge/store/library.h"

#include "tests/unit/store/tree.h"

#include <jansson.h>

#define START "{\"audio_prefix\":\"/audio/\",\"hls_prefix\":\"/h/\",\"tracks\":["

static const struct library_opts PREFIXES = {"/audio/", "/h/"};
static struct tree tree;
static struct disk *disk;
static struct key key;

static int begin(void **state)
{
    (void)state;
    tree_make(&tree);
    struct disk_opts opts = {tree.root, "", 6000, false, false, NULL};
    assert_int_equal(disk_new(&opts, &disk), ERR_NONE);
    key = key_make(OBJECT_LIBRARY, STR("/"), 0, CONTAINER_COUNT, 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    disk_free(disk);
    tree_remove(&tree);
    return 0;
}

static json_t *library(void)
{
    struct object *o = NULL;
    assert_int_equal(library_make(disk, &PREFIXES, &key, NULL, &o), ERR_NONE);
    const char *type = "Content-Type: application/json\r\n";
    assert_non_null(memmem(o->fields.p, o->fields.n, type, strlen(type)));
    json_t *all = json_loadb((const char *)o->body, o->body_len, 0, NULL);
    assert_non_null(all);
    object_unref(o);
    return all;
}

static void expect_text(const char *want)
{
    json_t *all = library();
    char *text = json_dumps(all, JSON_COMPACT);
    assert_string_equal(text, want);
    free(text);
    json_decref(all);
}

static void an_empty_tree_is_an_empty_list(void **state)
{
    (void)state;
    expect_text(START "],\"ladders\":[],\"complete\":true}");
}

static void tracks_have_path_name_type_and_size(void **state)
{
    (void)state;
    tree_folder(&tree, "an album");
    tree_text(&tree, "an album/\xc3\xa9tude \"1\".flac", "12345");
    tree_text(&tree, "first.mp3", "123");
    tree_text(&tree, "notes.txt", "123");
    expect_text(START
                "{\"path\":\"first.mp3\",\"name\":\"first.mp3\","
                "\"type\":\"audio/mpeg\",\"size\":3},"
                "{\"path\":\"an album/\xc3\xa9tude \\\"1\\\".flac\","
                "\"name\":\"\xc3\xa9tude \\\"1\\\".flac\",\"type\":\"audio/flac\",\"size\":5}],"
                "\"ladders\":[],\"complete\":true}");
}

static void expect_ladders(const char *const *want, size_t count)
{
    json_t *all = library();
    json_t *ladders = json_object_get(all, "ladders");
    assert_int_equal(json_array_size(ladders), count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(json_string_value(json_array_get(ladders, i)), want[i]);
    json_decref(all);
}

static void folders_of_numbers_are_ladders(void **state)
{
    (void)state;
    static const char *const files[] = {"song/128.m4a",   "song/256.m4a", "song/LOSSLESS.flac",
                                        "song/cover.jpg", "album/1.mp3",  "album/b.mp3",
                                        "one/320.opus",   "128.mp3",      "mixed/12a.mp3",
                                        "nothing/x.txt"};
    static const char *const folders[] = {"song", "album", "one", "mixed", "nothing"};
    static const char *const want[] = {"one", "song"};
    for (size_t i = 0; i < 5; i++)
        tree_folder(&tree, folders[i]);
    for (size_t i = 0; i < 10; i++)
        tree_text(&tree, files[i], "x");
    expect_ladders(want, 2); /* not the root, though its only file is 128.mp3 */
}

static void a_name_that_is_not_utf8_is_left_out(void **state)
{
    (void)state;
    tree_text(&tree, "bad\xff.mp3", "x");
    tree_text(&tree, "good.mp3", "x");
    json_t *all = library();
    assert_int_equal(json_array_size(json_object_get(all, "tracks")), 1);
    json_decref(all);
}

static void more_than_the_most_is_said_to_be_incomplete(void **state)
{
    (void)state;
    char name[32];
    tree_folder(&tree, "more");
    tree_text(&tree, "more/x.mp3", "x");
    for (int i = 0; i < LIBRARY_TRACKS_MAX - 1; i++) {
        snprintf(name, sizeof name, "%05d.mp3", i);
        tree_text(&tree, name, "x");
    }
    for (int more = 0; more < 2; more++) {
        json_t *all = library();
        assert_int_equal(json_array_size(json_object_get(all, "tracks")), LIBRARY_TRACKS_MAX);
        assert_int_equal(json_is_true(json_object_get(all, "complete")), !more);
        json_decref(all);
        tree_text(&tree, "more/y.mp3", "x");
    }
}

static void it_can_be_cancelled(void **state)
{
    (void)state;
    struct object *o = NULL;
    atomic_bool cancelled = true;
    assert_int_equal(library_make(disk, &PREFIXES, &key, &cancelled, &o), ERR_CANCELLED);
    assert_null(o);
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TREE(an_empty_tree_is_an_empty_list),
        IN_TREE(tracks_have_path_name_type_and_size),
        IN_TREE(folders_of_numbers_are_ladders),
        IN_TREE(a_name_that_is_not_utf8_is_left_out),
        IN_TREE(more_than_the_most_is_said_to_be_incomplete),
        IN_TREE(it_can_be_cancelled),
    };
    hash_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
