/* segments/helper/pages: Ogg, page by page. */
#include "segments/helper/track.h"

#include "tests/unit/helper/kit.h"

static const struct recipe opus = {"ogg", "libopus", 48000, 2, 4, NULL, CODEC_OPUS};
static const struct recipe flac = {"ogg", "flac", 44100, 2, 4, NULL, CODEC_FLAC};
static struct str opus_file, flac_file;

static int begin(void **state)
{
    (void)state;
    probe_warm_up();
    opus_file = kit_file(&opus, NULL);
    flac_file = kit_file(&flac, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    kit_file_free(opus_file);
    kit_file_free(flac_file);
    return 0;
}

/* Where page `number` begins. */
static size_t page_at(struct str file, unsigned number)
{
    size_t at = 0;
    for (;;) {
        assert_true(at + 27 < file.n && memcmp(file.p + at, "OggS", 4) == 0);
        if (number-- == 0)
            return at;
        size_t segments = (unsigned char)file.p[at + 26], n = 27 + segments;
        for (size_t i = 0; i < segments; i++)
            n += (unsigned char)file.p[at + 27 + i];
        at += n;
    }
}

/* RFC 7845: pre-skip is dropped in front, and what the last page does not count at the end. */
static void opus_is_trimmed_to_what_was_encoded(void **state)
{
    (void)state;
    struct kit_result r = kit_probe(opus_file);
    assert_int_equal(r.e, ERR_NONE);
    const struct index_info *info = index_info(r.x);
    assert_int_equal(info->timescale, 48000);
    uint32_t pre_skip =
        (unsigned char)opus_file.p[28 + 10] | (uint32_t)(unsigned char)opus_file.p[28 + 11] << 8;
    assert_int_equal(info->priming, pre_skip);
    assert_int_equal(info->preroll, 4); /* 80 ms of 20 */
    uint64_t sound = info->duration - info->priming - info->padding;
    assert_true(sound >= 4 * 48000 && sound < 4 * 48000 + 960);
    kit_free(&r);
}

static void flac_is_of_its_own_rate(void **state)
{
    (void)state;
    struct kit_result r = kit_probe(flac_file);
    assert_int_equal(r.e, ERR_NONE);
    assert_int_equal(index_info(r.x)->timescale, 44100);
    assert_int_equal(index_info(r.x)->priming, 0);
    assert_true(index_info(r.x)->independent);
    kit_same_packets(flac_file, r.x);
    kit_free(&r);
}

static void a_file_that_was_cut_off_ends_with_its_last_whole_page(void **state)
{
    (void)state;
    size_t third = page_at(opus_file, 3), fourth = page_at(opus_file, 4);
    struct kit_result exact = kit_probe(str_slice(opus_file, 0, third));
    assert_int_equal(exact.e, ERR_NONE);
    for (size_t n = third; n < fourth; n += (fourth - third) / 7) {
        struct kit_result r = kit_probe(str_slice(opus_file, 0, n));
        assert_int_equal(r.e, ERR_NONE);
        assert_int_equal(index_info(r.x)->packets, index_info(exact.x)->packets);
        kit_free(&r);
    }
    kit_free(&exact);
}

static void bytes_that_are_no_page_are_damage(void **state)
{
    (void)state;
    size_t at = page_at(opus_file, 3);
    char expected[64], *bytes = malloc(opus_file.n);
    memcpy(bytes, opus_file.p, opus_file.n);
    bytes[at] = 'X';
    snprintf(expected, sizeof expected, "no Ogg page at byte %zu", at);
    kit_refused((struct str){bytes, opus_file.n}, ERR_MEDIA, expected);
    free(bytes);
}

/* A position that is beyond reason must not become a duration. */
static void positions_may_lie(void **state)
{
    static const uint64_t lies[] = {0, 1, UINT64_MAX, INT64_MAX, UINT64_C(1) << 62, 7};
    (void)state;
    char *bytes = malloc(opus_file.n);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
        for (unsigned page = 2; page < 5; page++) {
            memcpy(bytes, opus_file.p, opus_file.n);
            memcpy(bytes + page_at(opus_file, page) + 6, &lies[i], 8);
            struct kit_result r = kit_probe((struct str){bytes, opus_file.n});
            if (r.e == ERR_NONE) {
                const struct index_info *info = index_info(r.x);
                assert_true((uint64_t)info->priming + info->padding < info->duration);
            }
            kit_free(&r);
        }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opus_is_trimmed_to_what_was_encoded),
        cmocka_unit_test(flac_is_of_its_own_rate),
        cmocka_unit_test(a_file_that_was_cut_off_ends_with_its_last_whole_page),
        cmocka_unit_test(bytes_that_are_no_page_are_damage),
        cmocka_unit_test(positions_may_lie),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
