/* edge/store/make_master: multivariant playlists. */
#include "edge/store/make.h"

#include "tests/unit/store/make_kit.h"

static void the_master_of_one_file_names_its_playlist(void **state)
{
    (void)state;
    struct track t = aac();
    struct object *o = master(CONTAINER_COUNT, &t.r, 1, false);
    assert_true(has(o, "CODECS=\"mp4a.40.2\""));
    assert_true(has(o, "\nindex.m3u8\n"));
    assert_true(says(o, "Content-Type: application/vnd.apple.mpegurl\r\n"));
    assert_true(says(o, "Cache-Control: public, max-age=10\r\n"));
    object_unref(o);
    track_free(&t);
}

static void a_folder_is_one_variant_a_file_from_wherever_it_is_asked(void **state)
{
    (void)state;
    struct track t[2] = {track_of("/song/128 k.m4a", make_aac(PACKETS)),
                         track_of("/song/l.flac", NULL)};
    t[1].index->index = make_track(make_info(CODEC_FLAC, 44100), 300, 4096, 9000, STR("dfLa"));
    struct make_rendition list[2] = {t[0].r, t[1].r};
    struct object *o = master(CONTAINER_COUNT, list, 2, true);
    assert_true(has(o, "\n128%20k.m4a/index.m3u8\n"));
    assert_true(has(o, "\nl.flac/index.m3u8\n"));
    object_unref(o);
    o = master(CONTAINER_FMP4, list, 2, true);
    assert_true(has(o, "\n../128%20k.m4a/fmp4/index.m3u8\n"));
    assert_true(has(o, "\n../l.flac/fmp4/index.m3u8\n"));
    object_unref(o);
    o = master(CONTAINER_TS, list, 2, true); /* FLAC does not go there: the other one does */
    assert_true(has(o, "\n../128%20k.m4a/ts/index.m3u8\n"));
    assert_false(has(o, "flac"));
    object_unref(o);
    track_free(&t[0]);
    track_free(&t[1]);
}

static void a_master_without_any_variant_says_why(void **state)
{
    (void)state;
    struct track t = mp3();
    expect_failure(master(CONTAINER_FMP4, &t.r, 1, false), ERR_NOT_ACCEPTABLE,
                   "mp3 does not go into fmp4; it goes into ts, packed, bytes");
    track_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_master_of_one_file_names_its_playlist),
        cmocka_unit_test(a_folder_is_one_variant_a_file_from_wherever_it_is_asked),
        cmocka_unit_test(a_master_without_any_variant_says_why),
    };
    hash_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
