/* edge/store/make_parts: which container, how a refusal reads, what an answer says. */
#include "edge/store/make.h"

#include "tests/unit/store/make_kit.h"

static void where_nobody_chose_the_configuration_does_if_the_codec_allows(void **state)
{
    (void)state;
    static const struct {
        enum container configured;
        enum codec codec;
        const char *has;
    } cases[] = {
        {CONTAINER_FMP4, CODEC_AAC, "/0.m4s"},    {CONTAINER_TS, CODEC_AAC, "/0.ts"},
        {CONTAINER_PACKED, CODEC_AAC, "/0.aac"},  {CONTAINER_FMP4, CODEC_MP3, "/0.mp3"},
        {CONTAINER_TS, CODEC_MP3, "/0.ts"},       {CONTAINER_TS, CODEC_FLAC, "/0.m4s"},
        {CONTAINER_PACKED, CODEC_OPUS, "/0.m4s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool is_aac = cases[i].codec == CODEC_AAC;
        struct track t = track_of("/a", make_track(make_info(cases[i].codec, 44100), PACKETS, 1024,
                                                   400, is_aac ? MAKE_ASC : STR("")));
        struct make_opts opts = OPTS;
        opts.container = cases[i].configured;
        struct object *o = playlist(&opts, CONTAINER_COUNT, &t);
        assert_true(has(o, cases[i].has));
        object_unref(o);
        track_free(&t);
    }
}

static void a_track_that_ts_cannot_say_gets_fmp4_unless_ts_was_chosen(void **state)
{
    (void)state;
    struct index_info info = make_info(CODEC_AAC, 44100);
    info.aac_object_type = 42; /* xHE-AAC */
    struct track t =
        track_of("/a.m4a", make_track(info, PACKETS, 1024, 400, STR("\xf9\x46\x43\x22")));
    struct make_opts opts = OPTS;
    opts.container = CONTAINER_TS;
    struct object *o = playlist(&opts, CONTAINER_COUNT, &t);
    assert_true(has(o, "/0.m4s"));
    object_unref(o);
    expect_failure(playlist(&opts, CONTAINER_TS, &t), ERR_NOT_ACCEPTABLE,
                   "aac does not go into ts; it goes into fmp4");
    track_free(&t);
}

static void what_is_refused_names_what_is_taken(void **state)
{
    (void)state;
    struct track t = mp3();
    expect_failure(playlist(&OPTS, CONTAINER_FMP4, &t), ERR_NOT_ACCEPTABLE,
                   "mp3 does not go into fmp4; it goes into ts, packed, bytes");
    track_free(&t);
}

static void equal_content_has_an_equal_etag(void **state)
{
    (void)state;
    struct track t = aac(), longer = track_of("/a.m4a", make_aac(PACKETS + 1));
    struct object *a = master(CONTAINER_COUNT, &t.r, 1, false);
    struct object *b = master(CONTAINER_COUNT, &t.r, 1, false);
    struct object *c = master(CONTAINER_COUNT, &longer.r, 1, false);
    assert_true(str_eq(object_etag(a), object_etag(b)));
    assert_int_equal(object_etag(a).n, OBJECT_ETAG);
    assert_false(str_eq(object_etag(a), object_etag(c)));
    object_unref(a);
    object_unref(b);
    object_unref(c);
    track_free(&t);
    track_free(&longer);
}

static void what_hls_cannot_carry_is_unsupported(void **state)
{
    (void)state;
    struct track t =
        track_of("/a.ogg", make_track(make_info(CODEC_VORBIS, 44100), 10, 1024, 400, STR("")));
    expect_failure(playlist(&OPTS, CONTAINER_COUNT, &t), ERR_UNSUPPORTED,
                   err_text(ERR_UNSUPPORTED));
    expect_failure(master(CONTAINER_COUNT, &t.r, 1, false), ERR_UNSUPPORTED,
                   err_text(ERR_UNSUPPORTED));
    track_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_nobody_chose_the_configuration_does_if_the_codec_allows),
        cmocka_unit_test(a_track_that_ts_cannot_say_gets_fmp4_unless_ts_was_chosen),
        cmocka_unit_test(what_is_refused_names_what_is_taken),
        cmocka_unit_test(equal_content_has_an_equal_etag),
        cmocka_unit_test(what_hls_cannot_carry_is_unsupported),
    };
    hash_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
