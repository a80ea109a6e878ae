/* segments/helper/describe: what a stream is, and the configuration that the init segment has. */
#include "segments/helper/track.h"

#include "tests/unit/helper/kit.h"

static struct kit_result described(const char *muxer, const char *encoder, int rate, int channels,
                                   const char *options)
{
    struct recipe r = {muxer, encoder, rate, channels, 1, options, CODEC_NONE};
    struct str file = kit_file(&r, NULL);
    struct kit_result got = kit_probe(file);
    kit_file_free(file);
    return got;
}

static void aac_has_its_audio_specific_config(void **state)
{
    /* ISO 14496-3 1.6.2.1: object type 2, the rate's index, channels, three zero bits. */
    static const struct {
        int rate, channels;
        const char *config;
    } cases[] = {{44100, 2, "\x12\x10"},
                 {48000, 2, "\x11\x90"},
                 {48000, 1, "\x11\x88"},
                 {32000, 2, "\x12\x90"},
                 {44100, 6, "\x12\x30"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int adts = 0; adts < 2; adts++) {
            struct kit_result r =
                described(adts ? "adts" : "mp4", "aac", cases[i].rate, cases[i].channels, NULL);
            assert_int_equal(r.e, ERR_NONE);
            const struct index_info *info = index_info(r.x);
            assert_int_equal(info->aac_object_type, 2);
            assert_int_equal(info->channels, cases[i].channels);
            assert_int_equal(info->preroll, 1);
            assert_true(info->independent);
            assert_true(str_starts(index_config(r.x), (struct str){cases[i].config, 2}));
            kit_free(&r);
        }
}

static void lossless_codecs_say_their_depth(void **state)
{
    (void)state;
    struct kit_result r = described("flac", "flac", 44100, 2, NULL);
    assert_int_equal(r.e, ERR_NONE);
    assert_int_equal(index_info(r.x)->bits, 16);
    assert_int_equal(index_config(r.x).n, 34); /* STREAMINFO */
    kit_free(&r);
    r = described("mp4", "alac", 44100, 2, NULL);
    assert_int_equal(r.e, ERR_NONE);
    assert_int_equal(index_config(r.x).n, 24); /* ALACSpecificConfig */
    assert_int_equal(index_info(r.x)->bits, (unsigned char)index_config(r.x).p[5]);
    assert_true(index_info(r.x)->bits == 16 || index_info(r.x)->bits == 24 ||
                index_info(r.x)->bits == 32);
    kit_free(&r);
}

/* Of dOps, the numbers of OpusHead the other way round (RFC 7845 5.1). */
static void opus_has_its_head(void **state)
{
    (void)state;
    for (int webm = 0; webm < 2; webm++) {
        struct kit_result r = described(webm ? "webm" : "ogg", "libopus", 48000, 2, NULL);
        assert_int_equal(r.e, ERR_NONE);
        struct str c = index_config(r.x);
        assert_int_equal(c.n, 11);
        assert_int_equal(c.p[0], 0); /* version */
        assert_int_equal(c.p[1], 2); /* channels */
        assert_int_equal((unsigned char)c.p[2] << 8 | (unsigned char)c.p[3],
                         index_info(r.x)->priming);          /* pre-skip */
        assert_memory_equal(c.p + 4, "\x00\x00\xbb\x80", 4); /* 48000 */
        assert_int_equal(c.p[10], 0);                        /* family */
        kit_free(&r);
    }
}

static void mp3_of_half_rate_is_told(void **state)
{
    (void)state;
    struct kit_result full = described("mp3", "libmp3lame", 44100, 2, NULL);
    struct kit_result half = described("mp3", "libmp3lame", 22050, 1, NULL);
    assert_int_equal(index_info(full.x)->mpeg_layer3_lsf, 0);
    assert_int_equal(index_info(full.x)->frame_ticks, 1152);
    assert_int_equal(index_info(half.x)->mpeg_layer3_lsf, 1);
    assert_int_equal(index_info(half.x)->frame_ticks, 576);
    assert_int_equal(index_info(half.x)->channels, 1);
    assert_int_equal(index_init(full.x).n, 0); /* it plays nowhere in MP4 */
    kit_free(&full);
    kit_free(&half);
}

static void what_hls_cannot_carry_is_named(void **state)
{
    (void)state;
    struct kit_result r = described("matroska", "mp2", 44100, 2, NULL);
    assert_int_equal(r.e, ERR_UNSUPPORTED);
    assert_string_equal(r.why, "HLS cannot carry mp2");
    r = described("matroska", "ac3", 48000, 2, NULL);
    assert_int_equal(r.e, ERR_UNSUPPORTED);
    assert_non_null(strstr(r.why, "is not packaged from a matroska"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aac_has_its_audio_specific_config),
        cmocka_unit_test(lossless_codecs_say_their_depth),
        cmocka_unit_test(opus_has_its_head),
        cmocka_unit_test(mp3_of_half_rate_is_told),
        cmocka_unit_test(what_hls_cannot_carry_is_named),
    };
    probe_warm_up();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
