/* segments/fmp4.c: what is written is read back box by box. */
#include "segments/segment.h"

#include "segments/adts.h"
#include "segments/order.h"
#include "tests/unit/segments/encoded.h"

/* A box of that type among the boxes at `in`; fails the test when it is not there. */
static struct str find(struct str in, const char *type)
{
    while (in.n >= 8) {
        uint32_t size = make_be((const unsigned char *)in.p, 4);
        assert_true(size >= 8 && size <= in.n);
        if (memcmp(in.p + 4, type, 4) == 0)
            return str_slice(in, 8, size);
        in = str_from(in, size);
    }
    fail_msg("no %s", type);
    return in;
}

static uint32_t number(struct str s, size_t at)
{
    assert_true(at + 4 <= s.n);
    return make_be((const unsigned char *)s.p + at, 4);
}

static struct str inside(struct str head, const char *type)
{
    return find(find(find(head, "moof"), "traf"), type);
}

/* The mdat is the last box: its head must be all that stands behind the moof. */
static void check_mdat(struct str head, uint64_t data)
{
    uint32_t moof = number(head, 0);
    assert_int_equal(head.n, moof + 8);
    assert_int_equal(number(head, moof), data + 8);
    assert_memory_equal(head.p + moof + 4, "mdat", 4);
    assert_int_equal(number(inside(head, "trun"), 8), head.n);
}

static struct buf head_of(const struct cut *c, uint32_t k, uint32_t *from, uint32_t *to)
{
    struct buf head;
    bool by_span = false;
    buf_init(&head, BUF_MAX_SEGMENT);
    assert_int_equal(segment_head(c, CONTAINER_FMP4, k, &head, from, to, &by_span), ERR_NONE);
    assert_true(by_span);
    assert_int_equal(segment_size(c, CONTAINER_FMP4, k),
                     head.len + index_bytes(c->index, *from, *to));
    return head;
}

static void every_segment_describes_its_samples(void **state)
{
    (void)state;
    struct index *x = make_aac(2000);
    struct cut c = cut_make(x, 6000);
    for (uint32_t k = 0; k < c.count; k++) {
        uint32_t from, to;
        struct buf b = head_of(&c, k, &from, &to);
        struct str head = buf_str(&b), trun = inside(head, "trun"), tfhd = inside(head, "tfhd");
        check_mdat(head, index_bytes(x, from, to));
        assert_int_equal(number(find(find(head, "moof"), "mfhd"), 4), k + 1);
        assert_int_equal(number(tfhd, 0), 0x020028);
        assert_int_equal(number(tfhd, 4), 1);
        assert_int_equal(number(tfhd, 8), 1024);
        assert_int_equal(number(inside(head, "tfdt"), 0), 0x01000000);
        assert_int_equal(number(inside(head, "tfdt"), 8), index_start(x, from));
        assert_int_equal(number(trun, 0), 0x201);
        assert_int_equal(number(trun, 4), to - from);
        assert_int_equal(trun.n, 12 + 4 * (to - from));
        for (uint32_t i = from; i < to; i++)
            assert_int_equal(number(trun, 12 + 4 * (i - from)), index_size(x, i));
        buf_fini(&b);
    }
    index_free(x);
}

static void what_does_not_vary_is_said_once(void **state)
{
    (void)state;
    struct index_builder *b = index_build();
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(index_build_packet(b, i * 1792u, 1792, 1536), ERR_NONE);
    struct index *x = make_open(b, make_info(CODEC_AC3, 48000), STR(""));
    struct cut c = cut_make(x, 6000);
    uint32_t from, to;
    struct buf head = head_of(&c, 0, &from, &to);
    struct str tfhd = inside(buf_str(&head), "tfhd"), trun = inside(buf_str(&head), "trun");
    assert_int_equal(number(tfhd, 0), 0x020038);
    assert_int_equal(number(tfhd, 12), 1792);
    assert_int_equal(number(tfhd, 16), 0x02000000);
    assert_int_equal(trun.n, 12);
    check_mdat(buf_str(&head), 100 * 1792);
    buf_fini(&head);
    index_free(x);
}

static void durations_are_listed_where_they_vary(void **state)
{
    (void)state;
    struct index_builder *b = index_build();
    for (uint32_t i = 0; i < 200; i++)
        assert_int_equal(index_build_packet(b, i * 100u, 100, i == 199 ? 700 : 4096), ERR_NONE);
    struct index *x = make_open(b, make_info(CODEC_FLAC, 44100), STR(""));
    struct cut c = cut_make(x, 6000);
    uint32_t from, to;
    struct buf first = head_of(&c, 0, &from, &to);
    assert_int_equal(inside(buf_str(&first), "trun").n, 12);
    struct buf last = head_of(&c, c.count - 1, &from, &to);
    struct str trun = inside(buf_str(&last), "trun");
    assert_int_equal(number(trun, 0), 0x101);
    assert_int_equal(number(trun, 12), 4096);
    assert_int_equal(number(trun, trun.n - 4), 700);
    buf_fini(&first);
    buf_fini(&last);
    index_free(x);
}

static void preroll_is_a_roll_group(void **state)
{
    (void)state;
    struct index_info info = make_info(CODEC_OPUS, 48000);
    info.preroll = 4;
    struct index *x = make_track(info, 500, 960, 200, STR(""));
    struct cut c = cut_make(x, 6000);
    uint32_t from, to;
    struct buf b = head_of(&c, 1, &from, &to);
    struct str sgpd = inside(buf_str(&b), "sgpd"), sbgp = inside(buf_str(&b), "sbgp");
    assert_memory_equal(sgpd.p, "\1\0\0\0roll\0\0\0\2\0\0\0\1\xff\xfc", sgpd.n);
    assert_int_equal(sgpd.n, 18);
    assert_int_equal(sbgp.n, 20);
    assert_int_equal(number(sbgp, 12), to - from);
    assert_int_equal(number(sbgp, 16), 0x10001);
    check_mdat(buf_str(&b), index_bytes(x, from, to));
    buf_fini(&b);
    index_free(x);
}

static void a_mdat_over_4_gb_has_a_long_head(void **state)
{
    (void)state;
    struct index_builder *b = index_build();
    for (uint32_t i = 0; i < 300; i++)
        assert_int_equal(index_build_packet(b, i * UINT64_C(16777216), 16777216, 4096), ERR_NONE);
    struct index *x = make_open(b, make_info(CODEC_FLAC, 192000), STR(""));
    struct cut c = cut_make(x, 60000);
    uint32_t from, to;
    struct buf head = head_of(&c, 0, &from, &to);
    struct str mdat = str_from(buf_str(&head), number(buf_str(&head), 0));
    assert_int_equal(mdat.n, 16);
    assert_memory_equal(mdat.p, "\0\0\0\1mdat\0\0\0\1\x2c\0\0\x10", 16);
    assert_int_equal(number(inside(buf_str(&head), "trun"), 8), head.len);
    buf_fini(&head);
    index_free(x);
}

/* ADTS frames around make_payload's bytes. */
static struct buf adts_file(const struct index *x, uint32_t from, uint32_t to)
{
    struct buf b = make_payload(x, from, to);
    size_t at = 0;
    for (uint32_t i = from; i < to; at += index_size(x, i), i++)
        adts_write(&(struct adts){1, 4, 2}, index_size(x, i) - ADTS_HEADER, b.data + at);
    return b;
}

static void adts_headers_are_taken_off(void **state)
{
    (void)state;
    struct index_info info = make_info(CODEC_AAC, 44100);
    info.strip = 7;
    struct index *x = make_track(info, 300, 1024, 370, MAKE_ASC);
    struct cut c = cut_make(x, 6000);
    struct buf file = adts_file(x, 0, 258), out;
    buf_init(&out, BUF_MAX_SEGMENT);
    uint32_t from, to;
    bool by_span = true;
    assert_int_equal(segment_head(&c, CONTAINER_FMP4, 0, &out, &from, &to, &by_span), ERR_NONE);
    assert_false(by_span);
    assert_int_equal(out.len, 0);
    assert_int_equal(segment_build(&c, CONTAINER_FMP4, 0, buf_str(&file), &out), ERR_NONE);
    assert_int_equal(out.len, segment_size(&c, CONTAINER_FMP4, 0));
    struct str mdat = find(str_from(buf_str(&out), number(buf_str(&out), 0)), "mdat");
    struct str trun = inside(buf_str(&out), "trun"), left = buf_str(&file);
    for (uint32_t i = 0; i < 258; i++) {
        uint32_t size = number(trun, 12 + 4 * i);
        assert_true(str_eq(str_slice(mdat, 0, size), str_slice(left, 7, size + 7)));
        mdat = str_from(mdat, size);
        left = str_from(left, size + 7);
    }
    assert_int_equal(mdat.n + left.n, 0);
    buf_reset(&out);
    file.data[index_bytes(x, 0, 200)] = 0;
    assert_int_equal(segment_build(&c, CONTAINER_FMP4, 0, buf_str(&file), &out), ERR_MEDIA);
    buf_fini(&file);
    buf_fini(&out);
    index_free(x);
}

static void a_full_buffer_is_an_error(void **state)
{
    (void)state;
    struct index *x = make_aac(300);
    struct cut c = cut_make(x, 6000);
    struct buf head;
    buf_init(&head, 500);
    uint32_t from, to;
    bool by_span;
    assert_int_equal(segment_head(&c, CONTAINER_FMP4, 0, &head, &from, &to, &by_span), ERR_TOO_BIG);
    buf_fini(&head);
    index_free(x);
}

/* A segment of an encoded track: what is known of sizes before it is made is a bound. */
static void frames_that_were_encoded_are_described_by_themselves(void **state)
{
    (void)state;
    struct index *x = encoded_track(false, 200 * ENCODED_FRAME);
    struct cut c = cut_make(x, 6000);
    uint32_t from, to;
    bool by_span = true;
    struct buf out, none;
    buf_init(&out, BUF_MAX_SEGMENT);
    buf_init(&none, BUF_MAX_SEGMENT);
    assert_int_equal(segment_head(&c, CONTAINER_FMP4, 1, &none, &from, &to, &by_span), ERR_NONE);
    assert_false(by_span);
    struct buf reply = encoded_reply(from, to - from, false);
    assert_int_equal(segment_of_frames(&c, CONTAINER_FMP4, 1, buf_str(&reply), &out), ERR_NONE);
    struct str whole = buf_str(&out), trun = inside(whole, "trun");
    struct str frames = order_frames(buf_str(&reply), to - from);
    assert_int_equal(number(trun, 4), to - from);
    for (uint32_t i = from; i < to; i++)
        assert_int_equal(number(trun, 12 + 4 * (i - from)), make_size(i, 900));
    assert_true(str_eq(find(whole, "mdat"), frames));
    assert_int_equal(number(trun, 8), whole.n - frames.n);
    assert_int_equal(number(inside(whole, "tfdt"), 8), from * ENCODED_FRAME);
    assert_true(segment_size(&c, CONTAINER_FMP4, 1) > whole.n);
    buf_fini(&out);
    buf_fini(&reply);
    reply = encoded_reply(from, to - from - 1, false);
    assert_int_equal(segment_of_frames(&c, CONTAINER_FMP4, 1, buf_str(&reply), &out), ERR_MEDIA);
    assert_int_equal(segment_of_frames(&c, CONTAINER_TS, 1, buf_str(&reply), &out),
                     ERR_NOT_ACCEPTABLE);
    assert_int_equal(segment_of_frames(&c, CONTAINER_FMP4, c.count, buf_str(&reply), &out),
                     ERR_NOT_FOUND);
    buf_fini(&reply);
    buf_fini(&out);
    buf_fini(&none);
    index_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_segment_describes_its_samples),
        cmocka_unit_test(what_does_not_vary_is_said_once),
        cmocka_unit_test(durations_are_listed_where_they_vary),
        cmocka_unit_test(preroll_is_a_roll_group),
        cmocka_unit_test(a_mdat_over_4_gb_has_a_long_head),
        cmocka_unit_test(adts_headers_are_taken_off),
        cmocka_unit_test(a_full_buffer_is_an_error),
        cmocka_unit_test(frames_that_were_encoded_are_described_by_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
