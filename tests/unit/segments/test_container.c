/* segments/container.c, and what segment.c makes of it for a given track. */
#include "segments/segment.h"

#include "tests/unit/segments/make.h"

static void names_go_both_ways(void **state)
{
    (void)state;
    for (int c = 0; c < CONTAINER_COUNT; c++) {
        enum container back = CONTAINER_COUNT;
        assert_true(container_of_name(str_of(container_name((enum container)c)), &back));
        assert_int_equal(back, c);
    }
    enum container none = CONTAINER_TS;
    assert_false(container_of_name(STR("mkv"), &none));
    assert_false(container_of_name(STR(""), &none));
    assert_int_equal(none, CONTAINER_TS);
}

static void each_codec_goes_where_players_take_it(void **state)
{
    (void)state;
    static const struct {
        enum codec codec;
        bool takes[CONTAINER_COUNT]; /* fmp4, ts, packed, bytes */
    } cases[] = {
        {CODEC_AAC, {1, 1, 1, 1}},    {CODEC_MP3, {0, 1, 1, 1}},   {CODEC_FLAC, {1, 0, 0, 0}},
        {CODEC_ALAC, {1, 0, 0, 0}},   {CODEC_OPUS, {1, 0, 0, 0}},  {CODEC_AC3, {1, 1, 1, 1}},
        {CODEC_EAC3, {1, 1, 1, 1}},   {CODEC_PCM, {0, 0, 0, 0}},   {CODEC_NONE, {0, 0, 0, 0}},
        {CODEC_VORBIS, {0, 0, 0, 0}}, {CODEC_COUNT, {0, 0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int c = 0; c < CONTAINER_COUNT; c++)
            assert_int_equal(container_takes((enum container)c, cases[i].codec), cases[i].takes[c]);
}

static void the_choice_falls_back(void **state)
{
    (void)state;
    static const struct {
        enum container wanted;
        enum codec codec;
        enum err e;
        enum container got;
    } cases[] = {
        {CONTAINER_FMP4, CODEC_AAC, ERR_NONE, CONTAINER_FMP4},
        {CONTAINER_TS, CODEC_AAC, ERR_NONE, CONTAINER_TS},
        {CONTAINER_FMP4, CODEC_MP3, ERR_NONE, CONTAINER_PACKED},
        {CONTAINER_TS, CODEC_MP3, ERR_NONE, CONTAINER_TS},
        {CONTAINER_TS, CODEC_FLAC, ERR_NONE, CONTAINER_FMP4},
        {CONTAINER_PACKED, CODEC_OPUS, ERR_NONE, CONTAINER_FMP4},
        {CONTAINER_FMP4, CODEC_VORBIS, ERR_UNSUPPORTED, CONTAINER_COUNT},
        {CONTAINER_TS, CODEC_PCM, ERR_UNSUPPORTED, CONTAINER_COUNT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum container got = CONTAINER_COUNT;
        assert_int_equal(container_choose(cases[i].wanted, cases[i].codec, &got), cases[i].e);
        assert_int_equal(got, cases[i].got);
    }
}

static void pieces_are_named_after_their_container(void **state)
{
    (void)state;
    assert_string_equal(container_ending(CONTAINER_FMP4, CODEC_AAC), "m4s");
    assert_string_equal(container_ending(CONTAINER_TS, CODEC_MP3), "ts");
    assert_string_equal(container_ending(CONTAINER_PACKED, CODEC_MP3), "mp3");
    assert_string_equal(container_ending(CONTAINER_PACKED, CODEC_EAC3), "ec3");
    assert_string_equal(container_type(CONTAINER_FMP4, CODEC_FLAC), "audio/mp4");
    assert_string_equal(container_type(CONTAINER_TS, CODEC_AAC), "video/mp2t");
    assert_string_equal(container_type(CONTAINER_PACKED, CODEC_AAC), "audio/aac");
    assert_string_equal(container_type(CONTAINER_PACKED, CODEC_MP3), "audio/mpeg");
}

static bool fits(struct index_info info, struct str config, uint32_t size, enum container in)
{
    struct index *x = make_track(info, 10, 1024, size, config);
    bool is = segment_fits(x, in);
    uint32_t from, to;
    bool by_span;
    struct buf head;
    buf_init(&head, BUF_MAX_SEGMENT);
    struct cut c = cut_make(x, 6000);
    assert_int_equal(segment_head(&c, in, 0, &head, &from, &to, &by_span),
                     is ? ERR_NONE : ERR_NOT_ACCEPTABLE);
    assert_int_equal(segment_size(&c, in, 0) > 0, is);
    buf_fini(&head);
    index_free(x);
    return is;
}

static void a_track_may_not_go_where_its_codec_does(void **state)
{
    (void)state;
    struct index_info lc = make_info(CODEC_AAC, 44100), xhe = lc, adts = lc;
    xhe.aac_object_type = 42;
    adts.strip = 7;
    assert_true(fits(lc, MAKE_ASC, 300, CONTAINER_TS));
    assert_true(fits(lc, MAKE_ASC, 300, CONTAINER_PACKED));
    assert_false(fits(lc, MAKE_ASC, 300, CONTAINER_BYTES)); /* no headers in the file */
    assert_false(fits(lc, STR(""), 300, CONTAINER_TS));
    assert_false(fits(lc, STR("\x12\x14"), 300, CONTAINER_TS));     /* frames of 960 */
    assert_false(fits(lc, STR("\x12\x00"), 300, CONTAINER_PACKED)); /* channels elsewhere */
    assert_false(fits(lc, MAKE_ASC, 9000, CONTAINER_TS));           /* 13 bits of frame length */
    assert_true(fits(lc, MAKE_ASC, 9000, CONTAINER_FMP4));
    assert_true(fits(xhe, MAKE_ASC, 300, CONTAINER_FMP4));
    assert_false(fits(xhe, MAKE_ASC, 300, CONTAINER_TS));
    assert_false(fits(xhe, MAKE_ASC, 300, CONTAINER_PACKED));
    assert_true(fits(adts, STR(""), 300, CONTAINER_TS));
    assert_true(fits(adts, STR(""), 300, CONTAINER_BYTES));
    assert_false(fits(make_info(CODEC_MP3, 44100), STR(""), 300, CONTAINER_FMP4));
    assert_false(fits(make_info(CODEC_MP3, 44100), STR(""), 80000, CONTAINER_TS)); /* PES length */
}

static void a_segment_past_the_last_is_not_found(void **state)
{
    (void)state;
    struct index *x = make_aac(300);
    struct cut c = cut_make(x, 6000);
    uint32_t from, to;
    bool by_span;
    struct buf head;
    buf_init(&head, BUF_MAX_SEGMENT);
    static const uint32_t numbers[] = {2, 3, UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(segment_head(&c, CONTAINER_FMP4, numbers[i], &head, &from, &to, &by_span),
                         ERR_NOT_FOUND);
        assert_int_equal(segment_build(&c, CONTAINER_TS, numbers[i], STR(""), &head),
                         ERR_NOT_FOUND);
        assert_int_equal(segment_size(&c, CONTAINER_TS, numbers[i]), 0);
    }
    index_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(each_codec_goes_where_players_take_it),
        cmocka_unit_test(the_choice_falls_back),
        cmocka_unit_test(pieces_are_named_after_their_container),
        cmocka_unit_test(a_track_may_not_go_where_its_codec_does),
        cmocka_unit_test(a_segment_past_the_last_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
