/* segments/index.c, index_open.c, index_build.c: what is written comes back, and a record that lies
 * is not opened. */
#include "segments/index.h"

#include "segments/index_layout.h"
#include "tests/unit/segments/make.h"

static struct index *open_of(struct index_builder *b)
{
    return make_open(b, make_info(CODEC_AAC, 44100), MAKE_ASC);
}

static void what_was_built_comes_back(void **state)
{
    (void)state;
    struct index *x = make_aac(1000);
    assert_int_equal(index_info(x)->packets, 1000);
    assert_int_equal(index_info(x)->frame_ticks, 1024);
    assert_int_equal(index_info(x)->duration, 1000 * 1024);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(index_size(x, i), make_size(i, 370));
        assert_int_equal(index_ticks(x, i), 1024);
        assert_int_equal(index_start(x, i), i * 1024u);
        assert_int_equal(index_bytes(x, 0, i), sum);
        assert_int_equal(index_bytes(x, i, i), 0);
        sum += index_size(x, i);
    }
    assert_int_equal(index_info(x)->payload, sum);
    assert_int_equal(index_bytes(x, 0, 1000), sum);
    assert_int_equal(index_start(x, 1000), 1000 * 1024);
    assert_true(str_eq(index_init(x), STR("INIT")));
    assert_true(str_eq(index_config(x), MAKE_ASC));
    assert_true(str_eq(index_tags(x), STR("title=A Song\n")));
    assert_int_equal(index_memory(x) - index_record(x).n, sizeof(struct index));
    index_free(x);
}

static void sums_agree_over_every_stride(void **state)
{
    (void)state;
    struct index *x = make_aac(4 * INDEX_STRIDE);
    for (uint32_t from = 0; from <= 4 * INDEX_STRIDE; from += 64) {
        uint64_t sum = 0;
        for (uint32_t to = from; to < 4 * INDEX_STRIDE; to++) {
            assert_int_equal(index_bytes(x, from, to), sum);
            sum += index_size(x, to);
        }
        assert_int_equal(index_bytes(x, from, 4 * INDEX_STRIDE), sum);
    }
    index_free(x);
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

/* Durations of packet i, for the two forms. */
static uint32_t few_differ(uint32_t i) { return i % 100 == 7 ? 300 + i : 1024; }
static uint32_t all_differ(uint32_t i) { return 1 + (i * 2654435761u >> 16) % 900; }
static uint32_t all_differ_widely(uint32_t i) { return 1 + (i * 2654435761u >> 12); }

static void check_times(uint32_t (*ticks)(uint32_t), uint32_t packets)
{
    struct index_builder *b = index_build();
    for (uint32_t i = 0; i < packets; i++)
        assert_int_equal(index_build_packet(b, i * 10u, 10, ticks(i)), ERR_NONE);
    struct index *x = open_of(b);
    uint64_t start = 0;
    for (uint32_t i = 0; i < packets; i++) {
        assert_int_equal(index_ticks(x, i), ticks(i));
        assert_int_equal(index_start(x, i), start);
        assert_int_equal(index_at(x, start), i);
        uint32_t half = (ticks(i) - 1) / 2;
        assert_int_equal(index_at(x, start + half), i); /* just below the middle */
        assert_int_equal(index_at(x, start + ticks(i) - half), i + 1);
        start += ticks(i);
    }
    assert_int_equal(index_info(x)->duration, start);
    assert_int_equal(index_at(x, start), packets);
    assert_int_equal(index_at(x, UINT64_MAX), packets);
    index_free(x);
}

static void times_are_right_with_exceptions(void **state)
{
    (void)state;
    check_times(few_differ, 2000);
}

static void times_are_right_when_every_packet_differs(void **state)
{
    (void)state;
    check_times(all_differ, 2000);
    check_times(all_differ, 2 * INDEX_STRIDE);
    check_times(all_differ_widely, 2000);
}

static void the_middle_between_two_packets_goes_up(void **state)
{
    (void)state;
    struct index *x = make_aac(10);
    assert_int_equal(index_at(x, 511), 0);
    assert_int_equal(index_at(x, 512), 1);
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

/* Pages of 1000 bytes with 30 bytes of head, packets of 130 that go on over them. */
static struct index *ogg_like(void)
{
    struct index_builder *b = index_build();
    uint64_t at = 30;
    for (uint32_t i = 0; i < 200; i++) {
        uint64_t room = 1000 - at % 1000;
        if (room > 130) {
            assert_int_equal(index_build_packet(b, at, 130, 960), ERR_NONE);
            at += 130;
            continue;
        }
        struct index_span two[2] = {{at, room}, {at + room + 30, 130 - room}};
        assert_int_equal(index_build_pieces(b, two, room < 130 ? 2 : 1, 960), ERR_NONE);
        at += 130 + 30;
    }
    return open_of(b);
}

static void packets_over_pages_are_found_in_pieces(void **state)
{
    (void)state;
    struct index *x = ogg_like();
    struct index_span spans[64];
    for (uint32_t from = 0; from < 200; from++)
        for (uint32_t to = from; to <= 200; to += 7) {
            size_t n = index_spans(x, from, to, spans, 64);
            assert_int_equal(n, index_spans(x, from, to, NULL, 0));
            uint64_t sum = 0;
            for (size_t i = 0; i < n; i++) {
                assert_true(spans[i].offset % 1000 >= 30);
                assert_true(spans[i].offset % 1000 + spans[i].length <= 1000);
                assert_true(i == 0 ||
                            spans[i].offset == spans[i - 1].offset + spans[i - 1].length + 30);
                sum += spans[i].length;
            }
            assert_int_equal(sum, index_bytes(x, from, to));
            assert_true(from == to ||
                        spans[0].offset == 30 + from * 130 / 970 * 1000 + from * 130 % 970);
        }
    index_free(x);
}

/* Each byte of the file, told by where the spans of the packets lie. */
static void check_packet_at(const struct index *x, uint64_t end)
{
    struct index_span pieces[4];
    uint32_t packets = index_info(x)->packets, next = 0;
    uint64_t behind = 0; /* the last byte of `next - 1` is before it */
    for (uint64_t at = 0; at < end; at++) {
        for (; next < packets && at >= behind; next++) {
            size_t count = index_spans(x, next, next + 1, pieces, 4);
            assert_in_range(count, 1, 4);
            if (at < pieces[0].offset)
                break;
            behind = pieces[count - 1].offset + pieces[count - 1].length;
        }
        uint32_t expected = at < behind ? next - 1 : next;
        assert_int_equal(index_packet_at(x, at), expected);
    }
    assert_int_equal(index_packet_at(x, end), packets);
    assert_int_equal(index_packet_at(x, UINT64_MAX), packets);
}

static void the_packet_at_each_byte_of_the_file(void **state)
{
    (void)state;
    struct index *x = make_aac(3 * INDEX_STRIDE + 17);
    check_packet_at(x, 1000 + index_info(x)->payload);
    index_free(x);
    x = make_aac(INDEX_STRIDE);
    check_packet_at(x, 1000 + index_info(x)->payload);
    index_free(x);
    struct index_builder *b = index_build();
    for (uint32_t i = 0; i < 300; i++) /* of one size, with gaps after every tenth */
        assert_int_equal(index_build_packet(b, 50 + i * 20u + i / 10 * 7u, 20, 1024), ERR_NONE);
    x = open_of(b);
    check_packet_at(x, 50 + 300 * 20u + 29 * 7u);
    index_free(x);
    x = ogg_like(); /* page headers belong to the packet that goes on behind them, or follows */
    struct index_span last[2];
    size_t count = index_spans(x, 199, 200, last, 2);
    check_packet_at(x, last[count - 1].offset + last[count - 1].length);
    index_free(x);
}

static void packets_side_by_side_are_one_span(void **state)
{
    (void)state;
    struct index *x = make_aac(5000);
    struct index_span span;
    assert_int_equal(index_spans(x, 10, 4000, &span, 1), 1);
    assert_int_equal(span.offset, 1000 + index_bytes(x, 0, 10));
    assert_int_equal(span.length, index_bytes(x, 10, 4000));
    index_free(x);
}

static void a_track_without_packets_is_an_index(void **state)
{
    (void)state;
    struct index *x = open_of(index_build());
    assert_int_equal(index_info(x)->packets, 0);
    assert_int_equal(index_start(x, 0), 0);
    assert_int_equal(index_at(x, 0), 0);
    assert_int_equal(index_bytes(x, 0, 0), 0);
    assert_int_equal(index_spans(x, 0, 0, NULL, 0), 0);
    assert_int_equal(index_max_ticks(x), 0);
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

/* A record with every section in use. */
static struct str full_record(struct index **keep)
{
    struct index_builder *b = index_build();
    for (uint32_t i = 0; i < 300; i++)
        assert_int_equal(
            index_build_packet(b, i * 500u + i / 100, 100 + i % 7 * 57, i == 150 ? 20 : 1024),
            ERR_NONE);
    *keep = open_of(b);
    return index_record(*keep);
}

static enum err open_copy(struct str record, size_t length, struct index **out)
{
    unsigned char *copy = malloc(length ? length : 1);
    memcpy(copy, record.p, length);
    return index_open(copy, length, out);
}

static void a_cut_record_is_refused(void **state)
{
    (void)state;
    struct index *x, *cut;
    struct str record = full_record(&x);
    for (size_t n = 0; n < record.n; n++) {
        assert_int_equal(open_copy(record, n, &cut), ERR_MEDIA);
        assert_null(cut);
    }
    index_free(x);
}

static void patch(unsigned char *record, size_t at, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++)
        record[at + i] = (unsigned char)(value >> (8 * i));
}

#define AT(field) offsetof(struct layout_head, field), sizeof((struct layout_head *)0)->field

static void each_lie_is_found(void **state)
{
    (void)state;
    static const struct {
        size_t at, width;
        uint64_t value;
    } lies[] = {
        {AT(magic), 1},
        {AT(version), 2},
        {AT(length), 5},
        {AT(codec), CODEC_NONE},
        {AT(codec), CODEC_COUNT},
        {AT(aac_object_type), 3},
        {AT(mpeg_layer3_lsf), 1},
        {AT(independent), 2},
        {AT(size_width), 3},
        {AT(size_width), 0},
        {AT(ticks_width), 2},
        {AT(zero), 1},
        {AT(strip), 8},
        {AT(timescale), 0},
        {AT(timescale), 1000001},
        {AT(frame_ticks), 0},
        {AT(frame_ticks), 1023},
        {AT(packets), 299},
        {AT(packets), 1u << 26},
        {AT(priming), 1u << 30},
        {AT(padding), 1u << 30},
        {AT(preroll), 40000},
        {AT(duration), 1},
        {AT(payload), 1},
        {AT(max_size), 1000},
        {AT(exceptions), 0},
        {AT(exceptions), UINT32_MAX},
        {AT(extents), 2},
        {AT(extents), UINT32_MAX},
        {AT(init), INDEX_INIT_MAX + 1},
        {AT(config), UINT32_MAX},
        {AT(tags), 3},
        {AT(channels), 0},
        {AT(sample_rate), 0},
        {96, 8, 1},
        {96 + 16, 2, 99},
    };
    struct index *x, *lie;
    struct str record = full_record(&x);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        unsigned char *copy = malloc(record.n);
        memcpy(copy, record.p, record.n);
        patch(copy, lies[i].at, lies[i].value, lies[i].width);
        if (index_open(copy, record.n, &lie) != ERR_MEDIA)
            fail_msg("lie %zu at %zu was believed", i, lies[i].at);
    }
    index_free(x);
}

/* Where the sections of full_record lie: two sums, 300 sizes, one exception, 300 extents. */
enum { EXCEPTION = 96 + 16 + 600, EXTENTS = EXCEPTION + 16 };

static void places_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at, width;
        uint64_t value;
    } lies[] = {
        {EXCEPTION, 4, 300},              /* no such packet */
        {EXCEPTION + 4, 4, 0},            /* no duration */
        {EXCEPTION + 8, 8, 7},            /* a wrong start */
        {EXTENTS, 8, 1},                  /* does not begin at 0 */
        {EXTENTS + 16, 8, 0},             /* not rising */
        {EXTENTS + 24, 8, INT64_MAX},     /* ends past 2^63 */
        {EXTENTS + 24, 8, UINT64_MAX},    /* begins past it */
        {EXTENTS + 24, 8, 100},           /* touches the one before: not canonical */
        {EXTENTS + 299 * 16, 8, 1 << 30}, /* past the payload */
    };
    struct index *x, *lie;
    struct str record = full_record(&x);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        unsigned char *copy = malloc(record.n);
        memcpy(copy, record.p, record.n);
        patch(copy, lies[i].at, lies[i].value, lies[i].width);
        if (index_open(copy, record.n, &lie) != ERR_MEDIA)
            fail_msg("lie %zu at %zu was believed", i, lies[i].at);
    }
    index_free(x);
}

static void a_record_survives_a_copy(void **state)
{
    (void)state;
    struct index *x, *y;
    struct str record = full_record(&x);
    assert_int_equal(open_copy(record, record.n, &y), ERR_NONE);
    assert_true(str_eq(index_record(x), index_record(y)));
    index_free(x);
    index_free(y);
}

static void every_codec_has_a_name(void **state)
{
    (void)state;
    for (int c = 0; c < CODEC_COUNT; c++)
        assert_non_null(codec_name((enum codec)c));
    assert_string_equal(codec_name(CODEC_EAC3), "eac3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_built_comes_back),
        cmocka_unit_test(sums_agree_over_every_stride),
        cmocka_unit_test(two_bytes_a_packet_suffice),
        cmocka_unit_test(equal_packets_cost_nothing),
        cmocka_unit_test(a_large_packet_needs_wide_sizes),
        cmocka_unit_test(times_are_right_with_exceptions),
        cmocka_unit_test(times_are_right_when_every_packet_differs),
        cmocka_unit_test(the_middle_between_two_packets_goes_up),
        cmocka_unit_test(the_commonest_duration_is_the_frame),
        cmocka_unit_test(packets_over_pages_are_found_in_pieces),
        cmocka_unit_test(the_packet_at_each_byte_of_the_file),
        cmocka_unit_test(packets_side_by_side_are_one_span),
        cmocka_unit_test(a_track_without_packets_is_an_index),
        cmocka_unit_test(the_builder_refuses_impossible_packets),
        cmocka_unit_test(the_builder_refuses_what_could_not_be_opened),
        cmocka_unit_test(a_cut_record_is_refused),
        cmocka_unit_test(each_lie_is_found),
        cmocka_unit_test(places_that_cannot_be_are_refused),
        cmocka_unit_test(a_record_survives_a_copy),
        cmocka_unit_test(every_codec_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
