/* segments/index: what was written comes back: sizes, times, places. */
#include "segments/index.h"

#include "segments/index_layout.h"
#include "tests/unit/segments/encoded.h"

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

/* Encoded tracks */

enum { LONG = 10 * ENCODED_FRAME + 7 };

static void an_encoded_track_knows_its_source(void **state)
{
    (void)state;
    for (int vorbis = 0; vorbis < 2; vorbis++) {
        struct index *x = encoded_track(vorbis, LONG);
        const struct index *source = index_source(x);
        assert_int_equal(index_info(x)->encoded, ENCODED_BOUND);
        assert_int_equal(index_info(x)->packets, 11);
        assert_int_equal(index_info(source)->codec, vorbis ? CODEC_VORBIS : CODEC_PCM);
        assert_true(str_eq(index_record(source), index_config(x)));
        assert_int_equal(index_memory(x),
                         2 * sizeof *x + index_record(x).n + index_record(source).n);
        assert_null(index_source(source));
        index_free(x);
    }
    struct index *x = make_aac(10);
    assert_null(index_source(x));
    index_free(x);
}

static enum err open_copy(struct str record, size_t length, struct index **out)
{
    unsigned char *copy = malloc(length ? length : 1);
    memcpy(copy, record.p, length);
    return index_open(copy, length, out);
}

/* What index_open says to a track of `frames` around `source`. */
static enum err open_around(struct index_builder *frames, struct index_info info, struct str source)
{
    struct buf out;
    struct index *x;
    buf_init(&out, BUF_MAX_INDEX);
    enum err e = index_build_finish(frames, info, STR("INIT"), source, STR(""), &out);
    if (!e)
        e = open_copy(buf_str(&out), out.len, &x);
    if (!e)
        index_free(x);
    buf_fini(&out);
    index_build_free(frames);
    return e;
}

static void a_source_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct buf source = encoded_source(true, LONG), other = encoded_source(true, LONG + 1);
    struct index *x = encoded_track(true, LONG), *plain = make_aac(10);
    struct index_info info = encoded_info(ENCODED_EXACT), mono = info;
    struct str s = buf_str(&source);
    mono.channels = 1;
    assert_int_equal(open_around(encoded_frames(LONG), info, s), ERR_NONE);
    assert_int_equal(open_around(encoded_frames(LONG), mono, s), ERR_MEDIA);
    assert_int_equal(open_around(encoded_frames(LONG), info, STR("")), ERR_MEDIA);
    assert_int_equal(open_around(encoded_frames(LONG), info, STR("dfLa")), ERR_MEDIA);
    assert_int_equal(open_around(encoded_frames(LONG), info, str_from(s, 1)), ERR_MEDIA);
    assert_int_equal(open_around(encoded_frames(LONG), info, buf_str(&other)), ERR_MEDIA);
    assert_int_equal(open_around(encoded_frames(LONG), info, index_record(x)), ERR_MEDIA);
    assert_int_equal(open_around(encoded_frames(LONG), info, index_record(plain)), ERR_MEDIA);
    index_free(plain);
    index_free(x);
    buf_fini(&source);
    buf_fini(&other);
}

static void frames_that_are_no_encoder_s_are_refused(void **state)
{
    (void)state;
    struct buf source = encoded_source(false, LONG);
    struct index_info info = encoded_info(ENCODED_BOUND), bad[6];
    for (size_t i = 0; i < 6; i++)
        bad[i] = info;
    bad[0].codec = CODEC_ALAC;
    bad[1].bits = 32;
    bad[2].priming = 1;
    bad[3].preroll = 1;
    bad[4].timescale = 48000;
    bad[5].encoded = ENCODED_COUNT;
    for (size_t i = 0; i < 6; i++)
        if (open_around(encoded_frames(LONG), bad[i], buf_str(&source)) != ERR_MEDIA)
            fail_msg("%zu", i);
    struct index_builder *b = index_build(); /* a short frame that is not the last */
    uint64_t at = 0;
    for (uint32_t i = 0; i < 11; i++, at += 100)
        assert_int_equal(index_build_packet(b, at, 100, i == 3 ? 7 : ENCODED_FRAME), ERR_NONE);
    assert_int_equal(open_around(b, info, buf_str(&source)), ERR_MEDIA);
    buf_fini(&source);
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
        cmocka_unit_test(times_are_right_with_exceptions),
        cmocka_unit_test(times_are_right_when_every_packet_differs),
        cmocka_unit_test(the_middle_between_two_packets_goes_up),
        cmocka_unit_test(packets_over_pages_are_found_in_pieces),
        cmocka_unit_test(the_packet_at_each_byte_of_the_file),
        cmocka_unit_test(packets_side_by_side_are_one_span),
        cmocka_unit_test(a_track_without_packets_is_an_index),
        cmocka_unit_test(an_encoded_track_knows_its_source),
        cmocka_unit_test(a_source_that_does_not_fit_is_refused),
        cmocka_unit_test(frames_that_are_no_encoder_s_are_refused),
        cmocka_unit_test(every_codec_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
