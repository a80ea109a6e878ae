/* segments/helper/init: ftyp and moov, and nothing behind them. */
#include "segments/helper/init.h"

#include "tests/unit/helper/kit.h"

#include <libavutil/mem.h>

static uint32_t be32(struct str s, size_t at)
{
    uint32_t v = 0;
    for (size_t i = 0; i < 4; i++)
        v = v << 8 | (unsigned char)s.p[at + i];
    return v;
}

/* The boxes of the top, one letter each behind the other's: "ftyp moov ". */
static void expect_boxes(struct str init, const char *expected)
{
    char names[64] = "";
    size_t at = 0;
    while (at < init.n) {
        uint32_t size = be32(init, at);
        assert_true(size >= 8 && size <= init.n - at);
        snprintf(names + strlen(names), sizeof names - strlen(names), "%.4s ", init.p + at + 4);
        at += size;
    }
    assert_string_equal(names, expected);
}

static void every_codec_that_mp4_takes_has_one(void **state)
{
    static const char *const entries[CODEC_COUNT] = {
        [CODEC_AAC] = "mp4a",  [CODEC_ALAC] = "alac", [CODEC_FLAC] = "fLaC",
        [CODEC_OPUS] = "Opus", [CODEC_AC3] = "ac-3",  [CODEC_EAC3] = "ec-3"};
    (void)state;
    for (size_t i = 0; i < KIT_RECIPES; i++) {
        struct str file = kit_file(&kit_recipes[i], NULL);
        struct kit_result r = kit_probe(file);
        const char *entry = entries[kit_recipes[i].codec];
        struct str init = index_init(r.x);
        if (!entry) {
            assert_int_equal(init.n, 0);
        } else {
            expect_boxes(init, "ftyp moov ");
            assert_non_null(memmem(init.p, init.n, entry, 4));
            assert_non_null(memmem(init.p, init.n, "trex", 4)); /* fragments follow */
            const char *mdhd = memmem(init.p, init.n, "mdhd", 4);
            assert_non_null(mdhd);
            assert_int_equal(be32(str_from(init, (size_t)(mdhd - init.p)), 16),
                             index_info(r.x)->timescale);
        }
        kit_free(&r);
        kit_file_free(file);
    }
}

static void priming_becomes_an_edit(void **state)
{
    (void)state;
    struct recipe recipe = {"mp4", "aac", 44100, 2, 1, NULL, CODEC_AAC};
    struct str file = kit_file(&recipe, NULL);
    struct kit_result r = kit_probe(file);
    struct str init = index_init(r.x);
    const char *elst = memmem(init.p, init.n, "elst", 4);
    assert_non_null(elst);
    struct str box = str_from(init, (size_t)(elst - init.p) + 4);
    assert_int_equal(be32(box, 4), 1);                                         /* one edit */
    assert_int_equal(be32(box, box.p[0] ? 20 : 12), index_info(r.x)->priming); /* media_time */
    kit_free(&r);
    kit_file_free(file);
}

static void what_the_muxer_refuses_is_the_medias_fault(void **state)
{
    (void)state;
    struct buf out;
    AVCodecParameters *par = avcodec_parameters_alloc();
    par->codec_type = AVMEDIA_TYPE_AUDIO;
    par->codec_id = AV_CODEC_ID_WMAV2; /* no MP4 has that */
    par->sample_rate = 44100;
    av_channel_layout_default(&par->ch_layout, 2);
    buf_init(&out, INDEX_INIT_MAX);
    av_log_set_level(AV_LOG_QUIET);
    assert_int_equal(init_write(par, 44100, 0, STR(""), &out), ERR_MEDIA);
    assert_int_equal(out.len, 0);
    buf_fini(&out);
    avcodec_parameters_free(&par);
}

static void there_is_a_ceiling(void **state)
{
    (void)state;
    struct buf out;
    AVCodecParameters *par = avcodec_parameters_alloc();
    par->codec_type = AVMEDIA_TYPE_AUDIO;
    par->codec_id = AV_CODEC_ID_AAC;
    par->sample_rate = 44100;
    par->frame_size = 1024;
    av_channel_layout_default(&par->ch_layout, 2);
    par->extradata = av_mallocz(2 + AV_INPUT_BUFFER_PADDING_SIZE);
    memcpy(par->extradata, "\x12\x10", 2);
    par->extradata_size = 2;
    buf_init(&out, 100);
    assert_int_equal(init_write(par, 44100, 0, STR(""), &out), ERR_TOO_BIG);
    buf_fini(&out);
    buf_init(&out, INDEX_INIT_MAX);
    assert_int_equal(init_write(par, 44100, 0, STR(""), &out), ERR_NONE);
    expect_boxes(buf_str(&out), "ftyp moov ");
    assert_null(memmem(out.data, out.len, "elst", 4)); /* nothing is to be dropped */
    buf_fini(&out);
    avcodec_parameters_free(&par);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_codec_that_mp4_takes_has_one),
        cmocka_unit_test(priming_becomes_an_edit),
        cmocka_unit_test(what_the_muxer_refuses_is_the_medias_fault),
        cmocka_unit_test(there_is_a_ceiling),
    };
    probe_warm_up();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
