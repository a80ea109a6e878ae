/* segments/segment: the one way to a segment of any container. */
#include "segments/segment.h"

#include "segments/crypt.h"
#include "tests/unit/segments/make.h"

static struct index *mp3(uint32_t packets)
{
    return make_track(make_info(CODEC_MP3, 44100), packets, 1152, 417, STR(""));
}

static struct index *adts_aac(uint32_t packets)
{
    struct index_info info = make_info(CODEC_AAC, 44100);
    info.strip = 7;
    return make_track(info, packets, 1024, 370, MAKE_ASC);
}

static void each_container_takes_what_it_can_carry(void **state)
{
    (void)state;
    struct index *m = mp3(10), *raw = make_aac(10), *adts = adts_aac(10);
    struct index *flac = make_track(make_info(CODEC_FLAC, 44100), 10, 4096, 9000, STR(""));
    const struct {
        const struct index *x;
        bool fmp4, ts, packed, bytes;
    } cases[] = {{m, false, true, true, true},
                 {raw, true, true, true, false}, /* frames without headers cannot be played */
                 {adts, true, true, true, true},
                 {flac, true, false, false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(segment_fits(cases[i].x, CONTAINER_FMP4), cases[i].fmp4);
        assert_int_equal(segment_fits(cases[i].x, CONTAINER_TS), cases[i].ts);
        assert_int_equal(segment_fits(cases[i].x, CONTAINER_PACKED), cases[i].packed);
        assert_int_equal(segment_fits(cases[i].x, CONTAINER_BYTES), cases[i].bytes);
    }
    index_free(m);
    index_free(raw);
    index_free(adts);
    index_free(flac);
}

static void bytes_have_to_lie_side_by_side(void **state)
{
    (void)state;
    struct index_builder *b = index_build();
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(index_build_packet(b, i * 500u, 417, 1152), ERR_NONE);
    struct index *x = make_open(b, make_info(CODEC_MP3, 44100), STR(""));
    assert_false(segment_fits(x, CONTAINER_BYTES)); /* what lies between would be played */
    assert_true(segment_fits(x, CONTAINER_PACKED));
    index_free(x);
}

/* What a head and its spans hold is what building gives, and is as long as was said. */
static void check(const struct index *x, enum container in)
{
    struct cut c = cut_make(x, 6000);
    uint32_t next = 0, from, to;
    bool by_span;
    struct buf head, built;
    buf_init(&head, BUF_MAX_SEGMENT);
    buf_init(&built, BUF_MAX_SEGMENT);
    for (uint32_t k = 0; k < c.count; k++) {
        buf_reset(&head);
        buf_reset(&built);
        assert_int_equal(segment_head(&c, in, k, &head, &from, &to, &by_span), ERR_NONE);
        assert_int_equal(from, next);
        assert_true(to > from);
        next = to;
        struct buf payload = make_payload(x, from, to);
        if (by_span) {
            buf_adds(&head, buf_str(&payload));
            assert_int_equal(head.len, segment_size(&c, in, k));
        }
        if (!by_span) {
            assert_int_equal(segment_build(&c, in, k, buf_str(&payload), &built), ERR_NONE);
            assert_int_equal(built.len, segment_size(&c, in, k));
            assert_int_equal(head.len, 0);
        }
        buf_fini(&payload);
    }
    assert_int_equal(next, index_info(x)->packets);
    buf_fini(&head);
    buf_fini(&built);
}

static void segments_hold_every_packet_once_in_the_size_that_was_said(void **state)
{
    (void)state;
    struct index *m = mp3(1000), *raw = make_aac(1000);
    check(m, CONTAINER_TS);
    check(m, CONTAINER_PACKED);
    check(m, CONTAINER_BYTES);
    check(raw, CONTAINER_FMP4);
    check(raw, CONTAINER_TS);
    check(raw, CONTAINER_PACKED);
    index_free(m);
    index_free(raw);
}

static void what_there_is_not_is_said(void **state)
{
    (void)state;
    struct index *x = mp3(1000);
    struct cut c = cut_make(x, 6000);
    uint32_t from, to;
    bool by_span;
    struct buf out;
    buf_init(&out, BUF_MAX_SEGMENT);
    assert_int_equal(segment_head(&c, CONTAINER_TS, c.count, &out, &from, &to, &by_span),
                     ERR_NOT_FOUND);
    assert_int_equal(segment_head(&c, CONTAINER_FMP4, 0, &out, &from, &to, &by_span),
                     ERR_NOT_ACCEPTABLE);
    assert_int_equal(segment_build(&c, CONTAINER_TS, UINT32_MAX, STR(""), &out), ERR_NOT_FOUND);
    assert_int_equal(segment_build(&c, CONTAINER_FMP4, 0, STR(""), &out), ERR_NOT_ACCEPTABLE);
    assert_int_equal(segment_size(&c, CONTAINER_TS, c.count), 0);
    assert_int_equal(segment_size(&c, CONTAINER_FMP4, 0), 0);
    assert_int_equal(out.len, 0);
    buf_fini(&out);
    index_free(x);
}

static void encryption_is_in_the_size(void **state)
{
    (void)state;
    struct index *x = mp3(1000);
    struct cut c = cut_make(x, 6000), sealed = c;
    sealed.sealed = true;
    for (uint32_t k = 0; k < c.count; k++) {
        uint64_t plain = segment_size(&c, CONTAINER_PACKED, k);
        assert_int_equal(segment_size(&sealed, CONTAINER_PACKED, k), plain / 16 * 16 + 16);
    }
    index_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_container_takes_what_it_can_carry),
        cmocka_unit_test(bytes_have_to_lie_side_by_side),
        cmocka_unit_test(segments_hold_every_packet_once_in_the_size_that_was_said),
        cmocka_unit_test(what_there_is_not_is_said),
        cmocka_unit_test(encryption_is_in_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
