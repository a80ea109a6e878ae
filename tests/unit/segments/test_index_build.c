/* segments/index_build: what a record costs, and what is not put into one. */
#include "segments/index.h"

#include "tests/unit/segments/make.h"

static struct index *open_of(struct index_builder *b)
{
    return make_open(b, make_info(CODEC_AAC, 44100), MAKE_ASC);
}

static void two_bytes_a_packet_suffice(void **state)
{
    (void)state;
    struct index *x = make_aac(100000);
    assert_true(index_record(x).n < 100000 * 2.1);
    index_free(x);
}

static void equal_packets_cost_nothing(void **state)
{
    (void)state;
    struct index_builder *b = index_build();
    for (uint32_t i = 0; i < 100000; i++)
        assert_int_equal(index_build_packet(b, i * 1792u, 1792, 1536), ERR_NONE);
    struct index *x = open_of(b);
    assert_true(index_record(x).n < 200);
    assert_int_equal(index_size(x, 99999), 1792);
    assert_int_equal(index_bytes(x, 5, 70000), 69995u * 1792);
    index_free(x);
}

static void a_large_packet_needs_wide_sizes(void **state)
{
    (void)state;
    struct index_builder *b = index_build();
    uint64_t offset = 0;
    for (uint32_t i = 0; i < 600; i++) {
        uint32_t size = i == 300 ? 70000 : 10 + i;
        assert_int_equal(index_build_packet(b, offset, size, 4096), ERR_NONE);
        offset += size;
    }
    struct index *x = open_of(b);
    assert_int_equal(index_size(x, 300), 70000);
    assert_int_equal(index_size(x, 301), 311);
    assert_int_equal(index_bytes(x, 0, 600), offset);
    assert_int_equal(index_info(x)->max_size, 70000);
    index_free(x);
}

static void the_commonest_duration_is_the_frame(void **state)
{
    (void)state;
    struct index_builder *b = index_build();
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(index_build_packet(b, i, 1, i < 10 ? 5 : i < 99 ? 960 : 7), ERR_NONE);
    struct index *x = open_of(b);
    assert_int_equal(index_info(x)->frame_ticks, 960);
    assert_int_equal(index_max_ticks(x), 960);
    index_free(x);
}

static void the_builder_refuses_impossible_packets(void **state)
{
    (void)state;
    struct index_builder *b = index_build();
    struct index_span nothing = {5, 0};
    assert_int_equal(index_build_packet(b, 0, 0, 1024), ERR_MEDIA);
    assert_int_equal(index_build_packet(b, 0, 10, 0), ERR_MEDIA);
    assert_int_equal(index_build_packet(b, 0, INDEX_SIZE_MAX + 1, 1), ERR_MEDIA);
    assert_int_equal(index_build_packet(b, INT64_MAX, 1, 1), ERR_MEDIA);
    assert_int_equal(index_build_packet(b, UINT64_MAX, 1, 1), ERR_MEDIA);
    assert_int_equal(index_build_pieces(b, NULL, 0, 1), ERR_MEDIA);
    assert_int_equal(index_build_pieces(b, &nothing, 1, 1), ERR_MEDIA);
    index_build_free(b);
}

static enum err finish_with(struct index_info info, struct str init, struct str tags)
{
    struct buf out;
    buf_init(&out, BUF_MAX_INDEX);
    struct index_builder *b = index_build();
    assert_int_equal(index_build_packet(b, 0, 100, 1024), ERR_NONE);
    enum err e = index_build_finish(b, info, init, STR(""), tags, &out);
    index_build_free(b);
    buf_fini(&out);
    return e;
}

static void the_builder_refuses_what_could_not_be_opened(void **state)
{
    (void)state;
    struct index_info good = make_info(CODEC_AAC, 44100), bad = good;
    static const char big[INDEX_INIT_MAX + 1];
    assert_int_equal(finish_with(good, STR(""), STR("")), ERR_NONE);
    assert_int_equal(finish_with(good, (struct str){big, sizeof big}, STR("")), ERR_TOO_BIG);
    assert_int_equal(finish_with(good, STR(""), STR("no line end=1")), ERR_MEDIA);
    assert_int_equal(finish_with(good, STR(""), STR("no equals sign\n")), ERR_MEDIA);
    assert_int_equal(finish_with(good, STR(""), STR("a=\x01\n")), ERR_MEDIA);
    assert_int_equal(finish_with(good, STR(""), STR("a=\xc0\xaf\n")), ERR_MEDIA);
    assert_int_equal(finish_with(good, STR(""), STR("a=\xe2\x82\xac\xf0\x9f\x8e\xb5\n")), ERR_NONE);
    assert_int_equal(finish_with(good, STR(""), STR("a=\xed\xa0\x80\n")), ERR_MEDIA);
    assert_int_equal(finish_with(good, STR(""), STR("a=\xe2\x82\n")), ERR_MEDIA);
    bad.timescale = 1000001;
    assert_int_equal(finish_with(bad, STR(""), STR("")), ERR_MEDIA);
    bad = good;
    bad.priming = 1000;
    bad.padding = 25;
    assert_int_equal(finish_with(bad, STR(""), STR("")), ERR_MEDIA);
    bad = good;
    bad.codec = CODEC_COUNT;
    assert_int_equal(finish_with(bad, STR(""), STR("")), ERR_MEDIA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_bytes_a_packet_suffice),
        cmocka_unit_test(equal_packets_cost_nothing),
        cmocka_unit_test(a_large_packet_needs_wide_sizes),
        cmocka_unit_test(the_commonest_duration_is_the_frame),
        cmocka_unit_test(the_builder_refuses_impossible_packets),
        cmocka_unit_test(the_builder_refuses_what_could_not_be_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
