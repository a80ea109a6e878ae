/* segments/order.c: an order names the packets that its frames are made of, no more and no fewer,
 * and one that lies is not read. */
#include "segments/order.h"

#include "tests/unit/segments/encoded.h"

enum { FRAMES = 50, SHORT = 1000 };
#define SAMPLES ((FRAMES - 1) * (uint64_t)ENCODED_FRAME + SHORT)

static struct buf write_order(const struct index *x, uint32_t from, uint32_t to)
{
    struct buf b;
    buf_init(&b, ORDER_MAX);
    assert_int_equal(order_write(x, from, to, false, &b), ERR_NONE);
    return b;
}

static struct order read_order(const struct buf *b)
{
    struct order o;
    assert_int_equal(order_read(buf_str(b), &o), ERR_NONE);
    return o;
}

static void pcm_is_one_run_of_samples(void **state)
{
    (void)state;
    struct index *x = encoded_track(false, SAMPLES);
    struct buf b = write_order(x, 10, 20);
    struct order o = read_order(&b);
    assert_true(o.codec == CODEC_PCM && !o.sizes_only && o.first == 10 && o.frames == 10);
    assert_true(o.skip == 0 && o.packets == 10 && o.spans == 1 && o.last == ENCODED_FRAME);
    assert_int_equal(order_samples(&o), 10 * ENCODED_FRAME);
    struct index_span s = order_span(&o, 0);
    assert_int_equal(s.offset, 44 + 10 * 4 * ENCODED_FRAME);
    assert_int_equal(s.length, 10 * 4 * ENCODED_FRAME);
    assert_true(str_eq(o.config, STR("pcm_s16le")));
    assert_true(o.shape.rate == 44100 && o.shape.channels == 2 && o.shape.bits == 16);
    buf_fini(&b);
    index_free(x);
}

static void the_last_frame_is_short(void **state)
{
    (void)state;
    struct index *x = encoded_track(false, SAMPLES);
    struct buf b = write_order(x, 48, FRAMES);
    struct order o = read_order(&b);
    assert_true(o.frames == 2 && o.last == SHORT && o.packets == 2);
    assert_int_equal(order_span(&o, 0).length, 4 * (ENCODED_FRAME + SHORT));
    buf_fini(&b);
    index_free(x);
}

/* What comes out of the packets of an order when they are decoded: all but the first. */
static uint64_t decoded(const struct order *o, const struct index *source, uint32_t p)
{
    return index_start(source, p + o->packets) - index_start(source, p + 1);
}

/* The packet whose bytes begin there. */
static uint32_t packet_in(const struct index *source, uint64_t offset)
{
    uint32_t p = 0;
    struct index_span s;
    do {
        assert_true(p < index_info(source)->packets);
        index_spans(source, p, p + 1, &s, 1);
        p++;
    } while (s.offset != offset);
    return p - 1;
}

static void vorbis_begins_a_packet_early_and_drops_what_is_ahead(void **state)
{
    (void)state;
    struct index *x = encoded_track(true, SAMPLES);
    const struct index *source = index_source(x);
    for (uint32_t from = 0; from < FRAMES; from += 7) {
        uint32_t to = from + 7 < FRAMES ? from + 7 : FRAMES;
        struct buf b = write_order(x, from, to);
        struct order o = read_order(&b);
        uint32_t p = packet_in(source, order_span(&o, 0).offset);
        uint64_t first = index_start(source, p + 1) - 1; /* sample: the first packet has none */
        assert_int_equal(first + o.skip, (uint64_t)from * ENCODED_FRAME);
        assert_true(o.skip < index_ticks(source, p + 1));
        uint64_t left = decoded(&o, source, p) - o.skip;
        assert_true(left >= order_samples(&o));
        assert_int_equal(order_ticks(&o, 0), 0);
        for (uint32_t i = 1; i < o.packets; i++)
            assert_int_equal(order_ticks(&o, i), index_ticks(source, p + i));
        assert_true(left - order_samples(&o) < index_ticks(source, p + o.packets - 1));
        buf_fini(&b);
    }
    index_free(x);
}

static void an_order_that_is_cut_or_longer_is_refused(void **state)
{
    (void)state;
    struct index *x = encoded_track(true, SAMPLES);
    struct buf b = write_order(x, 3, 9);
    struct order o;
    for (size_t n = 0; n < b.len; n++)
        assert_int_equal(order_read(str_slice(buf_str(&b), 0, n), &o), ERR_SYNTAX);
    buf_addc(&b, 0);
    assert_int_equal(order_read(buf_str(&b), &o), ERR_SYNTAX);
    buf_fini(&b);
    index_free(x);
}

/* A byte of its head, and of the sizes and places behind it, is one that says something. */
static void an_order_that_lies_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at; /* byte of the head, little-endian numbers */
        unsigned char byte;
    } bad[] = {
        {0, 0}, /* magic */
        {4, CODEC_AAC}, {5, 2},  {6, 0},  {6, 9},
        {7, 8},         {7, 32}, {11, 1}, /* rate over what FLAC can name */
        {14, 1},                          /* frame over FLAC_FRAME_MAX */
        {20, 0},                          /* no frames */
        {23, 1},                          /* frames over ORDER_FRAMES_MAX */
        {26, 1},                          /* last over frame */
        {32, 99},                         /* packets */
        {36, 99},                         /* spans */
        {40, 99},                         /* config */
        {44, 1},                          /* zero */
        {48 + 7, 0x80},                   /* a place past 2^63 */
        {48 + 8, 99},                     /* a length that the packets don't fill */
    };
    struct index *x = encoded_track(false, SAMPLES);
    struct buf b = write_order(x, 3, 9);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct order o;
        unsigned char was = b.data[bad[i].at];
        b.data[bad[i].at] = bad[i].byte;
        if (order_read(buf_str(&b), &o) != ERR_SYNTAX)
            fail_msg("byte %zu", bad[i].at);
        b.data[bad[i].at] = was;
    }
    (void)read_order(&b);
    buf_fini(&b);
    index_free(x);
}

static void packets_that_are_nothing_or_too_little_are_refused(void **state)
{
    (void)state;
    struct index *x = encoded_track(false, SAMPLES);
    struct buf b = write_order(x, 3, 9);
    struct order o = read_order(&b);
    size_t size = (size_t)(o.sizes - b.data), ticks = (size_t)(o.ticks - b.data);
    assert_int_equal(order_size(&o, 0), 0x4000);
    b.data[size + 1] = 0x00;     /* the first packet is empty, */
    b.data[size + 4 + 1] = 0x80; /* the second twice as long */
    assert_int_equal(order_read(buf_str(&b), &o), ERR_SYNTAX);
    buf_fini(&b);
    b = write_order(x, 3, 9);
    (void)read_order(&b);
    b.data[ticks] = 0xff; /* 4096 is 0x1000: now it is more, */
    (void)read_order(&b);
    b.data[ticks + 1] = 0x0f; /* now less */
    assert_int_equal(order_read(buf_str(&b), &o), ERR_SYNTAX);
    buf_fini(&b);
    index_free(x);
}

static void replies_are_what_was_asked_for_or_refused(void **state)
{
    (void)state;
    struct buf b = encoded_reply(5, 10, false), sizes = encoded_reply(5, 10, true);
    struct str reply = buf_str(&b);
    assert_int_equal(order_check(reply, 10, false), ERR_NONE);
    assert_int_equal(order_check(buf_str(&sizes), 10, true), ERR_NONE);
    assert_int_equal(order_frame(reply, 3), make_size(8, 900));
    assert_int_equal(order_frames(reply, 10).n, reply.n - 40);
    assert_int_equal(order_check(reply, 9, false), ERR_MEDIA);
    assert_int_equal(order_check(reply, 11, false), ERR_MEDIA);
    assert_int_equal(order_check(reply, 10, true), ERR_MEDIA);
    assert_int_equal(order_check(buf_str(&sizes), 10, false), ERR_MEDIA);
    assert_int_equal(order_check(str_slice(reply, 0, reply.n - 1), 10, false), ERR_MEDIA);
    assert_int_equal(order_check(str_slice(reply, 0, 39), 10, false), ERR_MEDIA);
    memset(sizes.data + 8, 0, 4);
    assert_int_equal(order_check(buf_str(&sizes), 10, true), ERR_MEDIA);
    memset(sizes.data + 8, 0xff, 4);
    assert_int_equal(order_check(buf_str(&sizes), 10, true), ERR_MEDIA);
    buf_fini(&b);
    buf_fini(&sizes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pcm_is_one_run_of_samples),
        cmocka_unit_test(the_last_frame_is_short),
        cmocka_unit_test(vorbis_begins_a_packet_early_and_drops_what_is_ahead),
        cmocka_unit_test(an_order_that_is_cut_or_longer_is_refused),
        cmocka_unit_test(an_order_that_lies_is_refused),
        cmocka_unit_test(packets_that_are_nothing_or_too_little_are_refused),
        cmocka_unit_test(replies_are_what_was_asked_for_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
