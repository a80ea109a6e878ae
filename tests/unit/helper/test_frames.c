/* segments/helper/frames: files whose packets are read to be found, and places that are looked at
 * before they are believed. */
#include "segments/helper/track.h"

#include "tests/unit/helper/kit.h"

static struct str file_of(const char *muxer, const char *encoder, int rate)
{
    struct recipe r = {muxer, encoder, rate, 2, 3, NULL, CODEC_NONE};
    return kit_file(&r, NULL);
}

static void each_frame_lasts_what_its_head_says(void **state)
{
    static const struct {
        const char *muxer, *encoder;
        int rate;
        uint32_t ticks;
    } cases[] = {{"ac3", "ac3", 48000, 1536},
                 {"ac3", "ac3", 44100, 1536},
                 {"eac3", "eac3", 48000, 1536},
                 {"flac", "flac", 44100, 4608},
                 {"webm", "libopus", 48000, 960}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str file = file_of(cases[i].muxer, cases[i].encoder, cases[i].rate);
        struct kit_result r = kit_probe(file);
        if (r.e)
            fail_msg("%s: %s", cases[i].muxer, r.why);
        assert_int_equal(index_info(r.x)->frame_ticks, cases[i].ticks);
        assert_int_equal(index_info(r.x)->timescale, cases[i].rate);
        kit_same_packets(file, r.x);
        kit_free(&r);
        kit_file_free(file);
    }
}

static void a_tag_in_front_moves_every_place(void **state)
{
    (void)state;
    struct str file = file_of("flac", "flac", 44100);
    struct buf b;
    buf_init(&b, 1 << 24);
    buf_adds(&b, STR("ID3\x04\0\0\0\0\x07\x68")); /* 1000 bytes */
    for (int i = 0; i < 1000; i++)
        buf_addc(&b, '\0');
    buf_adds(&b, file);
    struct kit_result plain = kit_probe(file), moved = kit_probe(buf_str(&b));
    assert_int_equal(moved.e, ERR_NONE);
    struct index_span one, other;
    uint32_t n = index_info(plain.x)->packets;
    assert_int_equal(index_info(moved.x)->packets, n);
    for (uint32_t i = 0; i < n; i += 5) {
        assert_int_equal(index_spans(plain.x, i, i + 1, &one, 1), 1);
        assert_int_equal(index_spans(moved.x, i, i + 1, &other, 1), 1);
        assert_int_equal(other.offset, one.offset + 1010);
        assert_int_equal(other.length, one.length);
    }
    kit_free(&plain);
    kit_free(&moved);
    buf_fini(&b);
    kit_file_free(file);
}

static void a_file_that_was_cut_off_has_what_there_is(void **state)
{
    (void)state;
    struct str file = file_of("eac3", "eac3", 48000);
    struct kit_result whole = kit_probe(file), half = kit_probe(str_slice(file, 0, file.n / 2));
    assert_int_equal(half.e, ERR_NONE);
    uint32_t all = index_info(whole.x)->packets, some = index_info(half.x)->packets;
    assert_true(some >= all / 2 - 2 && some <= all / 2 + 1);
    kit_free(&whole);
    kit_free(&half);
    kit_file_free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_frame_lasts_what_its_head_says),
        cmocka_unit_test(a_tag_in_front_moves_every_place),
        cmocka_unit_test(a_file_that_was_cut_off_has_what_there_is),
    };
    probe_warm_up();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
