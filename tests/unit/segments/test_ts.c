/* segments/ts.c: a small demultiplexer reads every segment back. */
#include "segments/segment.h"

#include "segments/adts.h"
#include "tests/unit/segments/make.h"

enum { PAT, PMT, AUDIO, STREAMS };

struct demux {
    int counter[STREAMS]; /* of the last packet; -1 before any */
    unsigned stream_type;
    struct buf sound;    /* what was in the PES packets */
    uint64_t stamps[64]; /* of this segment's */
    size_t pes;
    uint64_t clock; /* of the last PCR */
};

static uint32_t crc(const unsigned char *at, size_t n)
{
    uint32_t c = UINT32_MAX;
    for (size_t i = 0; i < n * 8; i++) {
        uint32_t bit = at[i / 8] >> (7 - i % 8) & 1u;
        c = (c >> 31 ^ bit) ? c << 1 ^ 0x04c11db7u : c << 1;
    }
    return c;
}

static void read_section(struct demux *d, int stream, const unsigned char *at)
{
    assert_int_equal(at[0], 0);
    assert_int_equal(at[1], stream == PAT ? 0x00 : 0x02);
    size_t length = make_be(at + 2, 2) & 0xfff;
    assert_int_equal(crc(at + 1, 3 + length), 0);
    if (stream == PMT)
        d->stream_type = at[13];
}

static uint64_t read_stamp(const unsigned char *at)
{
    assert_int_equal(at[0] & 0xf1, 0x21);
    assert_true(at[2] & at[4] & 1);
    return (uint64_t)(at[0] & 0x0e) << 29 | (uint64_t)at[1] << 22 | (uint64_t)(at[2] & 0xfe) << 14 |
           (uint64_t)at[3] << 7 | at[4] >> 1;
}

static void read_adaptation(struct demux *d, const unsigned char *at)
{
    if (at[0] == 0 || !(at[1] & 0x10))
        return;
    d->clock = (uint64_t)make_be(at + 2, 4) << 1 | at[6] >> 7;
}

static void read_audio(struct demux *d, const unsigned char *at, size_t n, bool start)
{
    if (!start) {
        buf_add(&d->sound, at, n);
        return;
    }
    assert_memory_equal(at, "\0\0\1", 3);
    assert_true(at[3] == 0xc0 || at[3] == 0xbd);
    assert_int_equal(at[8], 5);
    assert_true(d->pes < 64);
    d->stamps[d->pes++] = read_stamp(at + 9);
    buf_add(&d->sound, at + 14, n - 14);
}

static void read_packet(struct demux *d, const unsigned char *at)
{
    uint32_t pid = make_be(at + 1, 2) & 0x1fff;
    int stream = pid == 0 ? PAT : pid == 0x1000 ? PMT : AUDIO;
    assert_int_equal(at[0], 0x47);
    assert_true(stream != AUDIO || pid == 0x100);
    int counter = at[3] & 15;
    assert_true(d->counter[stream] < 0 || counter == (d->counter[stream] + 1) % 16);
    d->counter[stream] = counter;
    size_t skip = at[3] & 0x20 ? 1u + at[4] : 0;
    assert_true(skip < 184);
    if (skip)
        read_adaptation(d, at + 4);
    if (stream == AUDIO)
        read_audio(d, at + 4 + skip, 184 - skip, at[1] & 0x40);
    else
        read_section(d, stream, at + 4);
}

static struct demux demux_start(void)
{
    struct demux d = {.counter = {-1, -1, -1}};
    buf_init(&d.sound, BUF_MAX_SEGMENT);
    return d;
}

static struct buf segment_of(const struct cut *c, uint32_t k)
{
    uint32_t from, to;
    struct buf out;
    buf_init(&out, BUF_MAX_SEGMENT);
    bool by_span = true;
    assert_int_equal(segment_head(c, CONTAINER_TS, k, &out, &from, &to, &by_span), ERR_NONE);
    assert_false(by_span);
    struct buf payload = make_payload(c->index, from, to);
    assert_int_equal(segment_build(c, CONTAINER_TS, k, buf_str(&payload), &out), ERR_NONE);
    buf_fini(&payload);
    assert_int_equal(out.len, segment_size(c, CONTAINER_TS, k));
    return out;
}

static void read_segment(struct demux *d, const struct cut *c, uint32_t k)
{
    struct buf out = segment_of(c, k);
    assert_int_equal(out.len % 188, 0);
    assert_int_equal(make_be(out.data + 1, 2), 0x4000);       /* PAT first, */
    assert_int_equal(make_be(out.data + 188 + 1, 2), 0x5000); /* then PMT */
    d->pes = 0;
    buf_reset(&d->sound);
    for (size_t at = 0; at < out.len; at += 188)
        read_packet(d, out.data + at);
    buf_fini(&out);
}

static void check_track(const struct index *x, unsigned stream_type)
{
    struct cut c = cut_make(x, 6000);
    struct demux d = demux_start();
    for (uint32_t k = 0; k < c.count; k++) {
        uint32_t from, to;
        cut_segment(&c, k, &from, &to);
        read_segment(&d, &c, k);
        struct buf want = make_payload(x, from, to), framed;
        buf_init(&framed, BUF_MAX_SEGMENT);
        adts_frames(x, from, to, buf_str(&want), &framed);
        assert_true(str_eq(buf_str(&framed), buf_str(&d.sound)));
        uint64_t first = 900000 + index_start(x, from) * 90000 / index_info(x)->timescale;
        assert_int_equal(d.stamps[0], first % (UINT64_C(1) << 33));
        buf_fini(&want);
        buf_fini(&framed);
    }
    assert_int_equal(d.stream_type, stream_type);
    buf_fini(&d.sound);
}

static void counters_and_sound_go_on_over_all_segments(void **state)
{
    (void)state;
    struct index_info lsf = make_info(CODEC_MP3, 22050), adts = make_info(CODEC_AAC, 44100);
    lsf.mpeg_layer3_lsf = 1;
    adts.strip = 7;
    const struct {
        struct index_info info;
        uint32_t ticks, size;
        unsigned stream_type;
    } cases[] = {
        {make_info(CODEC_AAC, 44100), 1024, 370, 0x0f},
        {make_info(CODEC_AAC, 44100), 1024, 8, 0x0f},
        {adts, 1024, 370, 0x0f},
        {make_info(CODEC_MP3, 44100), 1152, 1044, 0x03},
        {lsf, 576, 100, 0x04},
        {make_info(CODEC_AC3, 48000), 1536, 1792, 0x81},
        {make_info(CODEC_EAC3, 48000), 1536, 3000, 0x87},
        {make_info(CODEC_AAC, 44100), 1024, 5400, 0x0f}, /* PES packets of fewer frames */
        {make_info(CODEC_MP3, 1000), 5000, 50000, 0x03}, /* of one */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct index *x = make_track(cases[i].info, 1500, cases[i].ticks, cases[i].size, MAKE_ASC);
        check_track(x, cases[i].stream_type);
        index_free(x);
    }
}

static void every_amount_of_stuffing_is_right(void **state)
{
    (void)state;
    for (uint32_t size = 1; size < 400; size++) {
        struct index_builder *b = index_build();
        assert_int_equal(index_build_packet(b, 0, size, 1152), ERR_NONE);
        struct index *x = make_open(b, make_info(CODEC_MP3, 44100), STR(""));
        check_track(x, 0x03);
        index_free(x);
    }
}

static void ac3_is_registered(void **state)
{
    (void)state;
    struct index *x = make_track(make_info(CODEC_AC3, 48000), 10, 1536, 1792, STR(""));
    struct cut c = cut_make(x, 6000);
    struct buf out = segment_of(&c, 0);
    assert_memory_equal(out.data + 188 + 5 + 12,
                        "\x81\xe1\x00\xf0\x06\x05\x04"
                        "AC-3",
                        11);
    buf_fini(&out);
    index_free(x);
}

static void the_clock_runs_half_a_second_ahead(void **state)
{
    (void)state;
    struct index *x = make_aac(300);
    struct cut c = cut_make(x, 6000);
    struct demux d = demux_start();
    read_segment(&d, &c, 0);
    assert_int_equal(d.stamps[d.pes - 1] - d.clock, 45000);
    assert_int_equal(d.stamps[0], 900000);
    buf_fini(&d.sound);
    index_free(x);
}

static void stamps_and_counters_survive_26_hours(void **state)
{
    (void)state;
    struct index *x = make_track(make_info(CODEC_MP3, 44100), 27 * 3600 * 39, 1152, 4, STR(""));
    struct cut c = cut_make(x, 6000);
    uint32_t wrap = (uint32_t)((UINT64_C(1) << 33) / 90000 - 10) / 6;
    struct demux d = demux_start();
    uint64_t before = 0;
    for (uint32_t k = wrap - 1; k <= wrap + 1; k++) {
        read_segment(&d, &c, k);
        for (size_t i = 0; i < d.pes; i++) {
            uint64_t step = (d.stamps[i] - before) & ((UINT64_C(1) << 33) - 1);
            assert_true((k == wrap - 1 && i == 0) || (step > 0 && step <= 63000));
            before = d.stamps[i];
        }
    }
    assert_true(before < 90000 * 20);
    buf_fini(&d.sound);
    index_free(x);
}

/* What TS adds to the sound and its headers, in thousandths, over a minute. */
static uint64_t overhead(enum codec codec, uint32_t ticks, uint32_t about)
{
    uint32_t packets = 60 * 44100 / ticks;
    struct index *x = make_track(make_info(codec, 44100), packets, ticks, about,
                                 codec == CODEC_AAC ? MAKE_ASC : STR(""));
    struct cut c = cut_make(x, 6000);
    uint64_t size = 0;
    for (uint32_t k = 0; k < c.count; k++)
        size += segment_size(&c, CONTAINER_TS, k);
    uint64_t sound = index_info(x)->payload + packets * (codec == CODEC_AAC ? UINT64_C(7) : 0);
    index_free(x);
    return (size - sound) * 1000 / sound;
}

static void overhead_is_under_six_percent(void **state)
{
    (void)state;
    assert_true(overhead(CODEC_AAC, 1024, 371) < 35);  /* 128 kbit/s */
    assert_true(overhead(CODEC_AAC, 1024, 186) < 45);  /* 64 */
    assert_true(overhead(CODEC_AAC, 1024, 93) < 60);   /* 32 */
    assert_true(overhead(CODEC_MP3, 1152, 1045) < 30); /* 320 */
    assert_true(overhead(CODEC_MP3, 1152, 157) < 60);  /* 48 */
    assert_true(overhead(CODEC_MP3, 1152, 105) < 60);  /* 32 */
    /* The tables and a PES packet each 0.7 s alone are 3 % here. */
    assert_true(overhead(CODEC_AAC, 1024, 70) < 65); /* 24 */
}

/* ISO 13818-1 2.7.4. */
static void stamps_are_at_most_0_7_seconds_apart(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {20, 70, 371, 1500};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct index *x = make_track(make_info(CODEC_AAC, 44100), 1000, 1024, sizes[i], MAKE_ASC);
        struct cut c = cut_make(x, 6000);
        struct demux d = demux_start();
        uint64_t last = 0;
        for (uint32_t k = 0; k < c.count; k++) {
            read_segment(&d, &c, k);
            for (size_t n = 0; n < d.pes; n++) {
                assert_true(last == 0 || d.stamps[n] - last <= 63000);
                last = d.stamps[n];
            }
        }
        assert_true(900000 + index_info(x)->duration * 90000 / 44100 - last <= 63000);
        buf_fini(&d.sound);
        index_free(x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_and_sound_go_on_over_all_segments),
        cmocka_unit_test(every_amount_of_stuffing_is_right),
        cmocka_unit_test(ac3_is_registered),
        cmocka_unit_test(the_clock_runs_half_a_second_ahead),
        cmocka_unit_test(stamps_and_counters_survive_26_hours),
        cmocka_unit_test(overhead_is_under_six_percent),
        cmocka_unit_test(stamps_are_at_most_0_7_seconds_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
