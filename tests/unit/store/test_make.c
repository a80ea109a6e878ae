/* edge/store/make: from synthetic indexes to playlists and segments, and why there is none. */
#include "edge/store/make.h"

#include "tests/unit/store/make_kit.h"

/* Playlists */

static void playlists_name_segments_by_version_number_and_ending(void **state)
{
    (void)state;
    static const struct {
        unsigned container;
        const char *has;
        const char * not ;
    } cases[] = {
        {CONTAINER_COUNT, "\nv-00ab54a98ceb1f0a/3.m4s\n", "4.m4s"},
        {CONTAINER_COUNT, "#EXT-X-MAP:URI=\"v-00ab54a98ceb1f0a/init.mp4\"\n", ".ts"},
        {CONTAINER_TS, "\nv-00ab54a98ceb1f0a/0.ts\n", "EXT-X-MAP"},
        {CONTAINER_PACKED, "\nv-00ab54a98ceb1f0a/0.aac\n", "EXT-X-MAP"},
    };
    struct track t = aac();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct object *o = playlist(&OPTS, cases[i].container, &t);
        assert_true(has(o, cases[i].has));
        assert_false(has(o, cases[i].not ));
        assert_true(says(o, "Content-Type: application/vnd.apple.mpegurl\r\n"));
        assert_true(says(o, "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
        object_unref(o);
    }
    track_free(&t);
}

static void byte_ranges_are_of_the_file_s_own_url(void **state)
{
    (void)state;
    struct track t = track_of("/an album/a.mp3", mp3_index());
    struct object *o = playlist(&OPTS, CONTAINER_BYTES, &t);
    assert_int_equal(o->failure, ERR_NONE);
    assert_true(has(o, "\n../../../../../audio/an%20album/a.mp3\n"));
    object_unref(o);
    track_free(&t);
}

/* Init segments */

static void the_init_segment_is_the_index_s_own(void **state)
{
    (void)state;
    struct object *o = NULL;
    struct track t = aac();
    struct key key = key_of(OBJECT_INIT, CONTAINER_FMP4, 0);
    assert_int_equal(make_init(&key, &t.r, &o), ERR_NONE);
    assert_int_equal(o->body_len, 4);
    assert_memory_equal(o->body, "INIT", 4);
    assert_true(says(o, "Content-Type: audio/mp4\r\n"));
    assert_true(says(o, "Cache-Control: public, max-age=31536000, immutable\r\n"));
    object_unref(o);
    track_free(&t);
}

static void mp3_has_no_init_segment(void **state)
{
    (void)state;
    struct object *o = NULL;
    struct track t = mp3();
    struct key key = key_of(OBJECT_INIT, CONTAINER_FMP4, 0);
    assert_int_equal(make_init(&key, &t.r, &o), ERR_NONE);
    expect_failure(o, ERR_NOT_ACCEPTABLE,
                   "mp3 does not go into fmp4; it goes into ts, packed, bytes");
    track_free(&t);
}

/* Small files */

static struct object *open_small(struct disk **disk)
{
    struct object *o = NULL;
    struct disk_opts opts = {tree.root, "public, max-age=5", 6000, false, false, NULL};
    tree_fill(&tree, "small.mp3", 70000);
    assert_int_equal(disk_new(&opts, disk), ERR_NONE);
    uint32_t mark;
    assert_int_equal(disk_open(*disk, STR("/small.mp3"), 0, &mark, &o), ERR_NONE);
    return o;
}

static void a_small_file_is_said_to_be_what_it_is(void **state)
{
    (void)state;
    struct disk *disk;
    struct object *source = open_small(&disk), *o = NULL;
    struct key key = key_make(OBJECT_BODY, STR("/small.mp3"), 1, CONTAINER_COUNT, 0);
    assert_int_equal(make_body(&key, source, NULL, &o), ERR_NONE);
    assert_int_equal(o->body_len, 70000);
    for (size_t i = 0; i < 70000; i++)
        assert_int_equal(o->body[i], tree_byte(i));
    assert_true(str_eq(object_etag(o), object_etag(source)));
    assert_true(str_eq(o->fields, source->fields));
    assert_int_equal(o->fields_304, source->fields_304);
    assert_int_equal(o->modified, source->modified);
    object_unref(o);
    object_unref(source);
    disk_free(disk);
}

static void a_small_file_that_changes_while_it_is_read_is_no_body(void **state)
{
    (void)state;
    struct disk *disk;
    struct object *source = open_small(&disk), *o = NULL;
    struct key key = key_make(OBJECT_BODY, STR("/small.mp3"), 1, CONTAINER_COUNT, 0);
    atomic_bool cancelled = true;
    assert_int_equal(make_body(&key, source, &cancelled, &o), ERR_CANCELLED);
    tree_touch(&tree, "small.mp3", 5, 0); /* as a writer does between open and the last read */
    assert_int_equal(make_body(&key, source, NULL, &o), ERR_IO);
    tree_fill(&tree, "small.mp3", 60000);
    assert_int_equal(make_body(&key, source, NULL, &o), ERR_IO);
    assert_null(o);
    object_unref(source);
    disk_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(playlists_name_segments_by_version_number_and_ending),
        cmocka_unit_test(byte_ranges_are_of_the_file_s_own_url),
        cmocka_unit_test(the_init_segment_is_the_index_s_own),
        cmocka_unit_test(mp3_has_no_init_segment),
        IN_TREE(a_small_file_is_said_to_be_what_it_is),
        IN_TREE(a_small_file_that_changes_while_it_is_read_is_no_body),
    };
    hash_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
