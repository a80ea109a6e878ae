/* segments/cut.c */
#include "segments/segment.h"

#include "tests/unit/segments/make.h"

/* A track of equal packets. */
static struct index *steady(enum codec codec, uint32_t rate, uint32_t packets, uint32_t ticks)
{
    struct index_builder *b = index_build();
    for (uint32_t i = 0; i < packets; i++)
        assert_int_equal(index_build_packet(b, (uint64_t)i * 400, 400, ticks), ERR_NONE);
    return make_open(b, make_info(codec, rate), STR(""));
}

static void six_seconds_are_the_usual_counts_of_frames(void **state)
{
    (void)state;
    static const struct {
        enum codec codec;
        uint32_t rate, ticks, frames;
    } cases[] = {
        {CODEC_AAC, 44100, 1024, 258},  {CODEC_MP3, 44100, 1152, 230},
        {CODEC_FLAC, 44100, 4096, 65},  {CODEC_AAC, 48000, 1024, 281},
        {CODEC_OPUS, 48000, 960, 300},  {CODEC_AC3, 48000, 1536, 188},
        {CODEC_FLAC, 96000, 4096, 141},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct index *x = steady(cases[i].codec, cases[i].rate, 10000, cases[i].ticks);
        struct cut c = cut_make(x, 6000);
        uint32_t from, to;
        cut_segment(&c, 0, &from, &to);
        assert_int_equal(from, 0);
        assert_int_equal(to, cases[i].frames);
        index_free(x);
    }
}

/* Segments follow each other without a gap, none is empty, each boundary is the packet boundary
 * nearest to its multiple of the target. */
static void check_cut(const struct index *x, uint32_t target_ms)
{
    const struct index_info *info = index_info(x);
    struct cut c = cut_make(x, target_ms);
    uint32_t next = 0;
    double target = (double)c.target_ms * info->timescale / 1000, packet = index_max_ticks(x);
    for (uint32_t k = 0; k < c.count; k++) {
        uint32_t from, to;
        cut_segment(&c, k, &from, &to);
        assert_int_equal(from, next);
        assert_true(to > from);
        double off = (double)index_start(x, from) - k * target;
        assert_true(off <= packet / 2 + 1 && -off <= packet / 2 + 1);
        assert_true((double)(index_start(x, to) - index_start(x, from)) <= target + packet + 1);
        next = to;
    }
    assert_int_equal(next, info->packets);
}

static void check_fast(const struct index *x, uint32_t target_ms, uint32_t ramp)
{
    static const double ends[] = {0, 1, 3, 7};
    struct cut c = cut_make_fast(x, target_ms);
    double second = index_info(x)->timescale, half = index_max_ticks(x) / 2.0 + 1;
    assert_int_equal(c.ramp, ramp);
    assert_int_equal(cut_boundary(&c, c.count), index_info(x)->packets);
    for (uint32_t k = 0; k < c.count; k++) {
        double wanted = k <= ramp ? ends[k] : ends[ramp] + (k - ramp) * c.target_ms / 1000.0;
        assert_true(cut_boundary(&c, k) < cut_boundary(&c, k + 1));
        double off = (double)index_start(x, cut_boundary(&c, k)) - wanted * second;
        assert_true(off <= half && -off <= half);
    }
}

static void a_fast_start_is_1_2_4_seconds_below_the_target(void **state)
{
    (void)state;
    static const struct {
        uint32_t target_ms, ramp;
    } cases[] = {{6000, 3}, {4000, 2}, {2000, 1}, {1000, 0}, {500, 0}, {10000, 3}};
    static const uint32_t lengths[] = {1, 2, 20, 43, 44, 130, 301, 302, 303, 2000};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t n = 0; n < sizeof lengths / sizeof *lengths; n++) {
            struct index *x = make_aac(lengths[n]);
            check_fast(x, cases[i].target_ms, cases[i].ramp);
            index_free(x);
        }
    }
}

static void packets_over_a_second_have_no_fast_start(void **state)
{
    (void)state;
    struct index *x = make_track(make_info(CODEC_FLAC, 8000), 100, 12000, 400, STR(""));
    struct cut fast = cut_make_fast(x, 6000), plain = cut_make(x, 6000);
    assert_int_equal(fast.ramp, 0);
    assert_int_equal(fast.count, plain.count);
    index_free(x);
}

static void segments_cover_the_track(void **state)
{
    (void)state;
    static const uint32_t targets[] = {1, 20, 500, 2000, 6000, 6001, 10000, 3600000, UINT32_MAX};
    static const uint32_t packets[] = {1, 2, 128, 129, 130, 257, 258, 259, 386, 387, 388, 5000};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        for (size_t j = 0; j < sizeof packets / sizeof *packets; j++) {
            struct index *x = make_aac(packets[j]);
            check_cut(x, targets[i]);
            index_free(x);
        }
}

static uint32_t wild(uint32_t i) { return 1 + (i * 2654435761u >> 7) % 200000; }

static void segments_cover_a_track_of_wild_packets(void **state)
{
    (void)state;
    static const uint32_t targets[] = {1, 500, 4536, 6000, 60000};
    for (size_t t = 0; t < sizeof targets / sizeof *targets; t++) {
        struct index_builder *b = index_build();
        for (uint32_t i = 0; i < 3000; i++)
            assert_int_equal(index_build_packet(b, i, 1, wild(i)), ERR_NONE);
        struct index *x = make_open(b, make_info(CODEC_FLAC, 44100), STR(""));
        check_cut(x, targets[t]);
        index_free(x);
    }
}

static void a_sliver_is_a_segment_of_its_own(void **state)
{
    (void)state;
    struct index *x = make_aac(258 * 2 + 1); /* 516.8 packets would be 12 s: nearest is 517 */
    assert_int_equal(cut_make(x, 6000).count, 2);
    index_free(x);
    x = make_aac(517 + 1);
    assert_int_equal(cut_make(x, 6000).count, 3);
    index_free(x);
}

static void no_packets_no_segments(void **state)
{
    (void)state;
    struct index *x = make_aac(0);
    assert_int_equal(cut_make(x, 6000).count, 0);
    index_free(x);
}

static void long_packets_raise_the_target(void **state)
{
    (void)state;
    struct index *x = steady(CODEC_FLAC, 8000, 10, 65535);
    struct cut c = cut_make(x, 6000);
    assert_int_equal(c.target_ms, 8192);
    assert_int_equal(c.count, 10);
    index_free(x);
}

static void boundaries_do_not_drift_in_a_hundred_hours(void **state)
{
    (void)state;
    struct index *x = steady(CODEC_AAC, 44100, 100 * 3600 * 43, 1024);
    struct cut c = cut_make(x, 6000);
    uint32_t from, to;
    cut_segment(&c, 50000, &from, &to);
    double seconds = (double)index_start(x, from) / 44100;
    assert_true(seconds > 300000 - 0.0117 && seconds < 300000 + 0.0117);
    index_free(x);
}

static void renditions_are_cut_at_the_same_packets(void **state)
{
    (void)state;
    struct index *x = make_track(make_info(CODEC_AAC, 44100), 9000, 1024, 180, MAKE_ASC);
    struct index *y = make_track(make_info(CODEC_AAC, 44100), 9000, 1024, 900, MAKE_ASC);
    struct cut a = cut_make(x, 6000), b = cut_make(y, 6000);
    assert_int_equal(a.count, b.count);
    for (uint32_t k = 0; k < a.count; k++) {
        uint32_t af, at, bf, bt;
        cut_segment(&a, k, &af, &at);
        cut_segment(&b, k, &bf, &bt);
        assert_true(af == bf && at == bt);
    }
    index_free(x);
    index_free(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(six_seconds_are_the_usual_counts_of_frames),
        cmocka_unit_test(segments_cover_the_track),
        cmocka_unit_test(a_fast_start_is_1_2_4_seconds_below_the_target),
        cmocka_unit_test(packets_over_a_second_have_no_fast_start),
        cmocka_unit_test(segments_cover_a_track_of_wild_packets),
        cmocka_unit_test(a_sliver_is_a_segment_of_its_own),
        cmocka_unit_test(no_packets_no_segments),
        cmocka_unit_test(long_packets_raise_the_target),
        cmocka_unit_test(boundaries_do_not_drift_in_a_hundred_hours),
        cmocka_unit_test(renditions_are_cut_at_the_same_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
