/* segments/packed: frames behind a tag that says when they begin. */
#include "segments/packed.h"

#include "segments/adts.h"
#include "tests/unit/segments/make.h"

static void the_tag_is_the_canonical_one(void **state)
{
    (void)state;
    static const unsigned char tag[] =
        "ID3\x04\0\0\0\0\0\x3fPRIV\0\0\0\x35\0\0com.apple.streaming.transportStreamTimestamp\0"
        "\0\0\0\0\0\x0d\xbb\xa0";
    struct index *x = make_track(make_info(CODEC_MP3, 44100), 1000, 1152, 417, STR(""));
    struct cut c = cut_make(x, 6000);
    struct buf head;
    buf_init(&head, 1000);
    uint32_t from, to;
    bool by_span;
    assert_int_equal(segment_head(&c, CONTAINER_PACKED, 0, &head, &from, &to, &by_span), ERR_NONE);
    assert_true(by_span);
    assert_int_equal(head.len, 73);
    assert_memory_equal(head.data, tag, 73);
    assert_int_equal(segment_size(&c, CONTAINER_PACKED, 0), 73 + index_bytes(x, from, to));
    buf_reset(&head);
    assert_int_equal(segment_head(&c, CONTAINER_PACKED, 1, &head, &from, &to, &by_span), ERR_NONE);
    assert_int_equal(make_be(head.data + 69, 4), 900000 + 230ull * 1152 * 90000 / 44100);
    buf_fini(&head);
    index_free(x);
}

static void raw_aac_gets_headers(void **state)
{
    (void)state;
    struct index *x = make_aac(600);
    struct cut c = cut_make(x, 6000);
    struct buf out;
    buf_init(&out, BUF_MAX_SEGMENT);
    uint32_t from, to;
    bool by_span;
    assert_int_equal(segment_head(&c, CONTAINER_PACKED, 1, &out, &from, &to, &by_span), ERR_NONE);
    assert_false(by_span);
    assert_int_equal(out.len, 0);
    struct buf payload = make_payload(x, from, to);
    struct str left = buf_str(&payload);
    assert_int_equal(segment_build(&c, CONTAINER_PACKED, 1, left, &out), ERR_NONE);
    assert_int_equal(segment_size(&c, CONTAINER_PACKED, 1), out.len);
    struct str frames = str_from(buf_str(&out), 73);
    for (uint32_t i = from; i < to; i++) {
        uint32_t size = index_size(x, i);
        assert_true(adts_frame_fits(str_slice(frames, 0, size + 7), 7));
        assert_true(str_eq(str_slice(frames, 7, size + 7), str_slice(left, 0, size)));
        frames = str_from(frames, size + 7);
        left = str_from(left, size);
    }
    assert_int_equal(frames.n, 0);
    buf_fini(&payload);
    buf_fini(&out);
    index_free(x);
}

static void stamps_wrap_after_26_hours(void **state)
{
    (void)state;
    struct index *x = make_track(make_info(CODEC_MP3, 44100), 28 * 3600 * 39, 1152, 4, STR(""));
    struct cut c = cut_make(x, 6000);
    uint32_t last = (uint32_t)((UINT64_C(1) << 33) / 90000 - 10) / 6;
    struct buf head;
    buf_init(&head, 1000);
    uint32_t from, to;
    bool by_span;
    for (uint32_t k = last; k <= last + 1; k++) {
        buf_reset(&head);
        assert_int_equal(segment_head(&c, CONTAINER_PACKED, k, &head, &from, &to, &by_span), 0);
        uint64_t stamp = (uint64_t)make_be(head.data + 65, 4) << 32 | make_be(head.data + 69, 4);
        uint64_t whole = 900000 + index_start(x, from) * 90000 / 44100;
        assert_int_equal(stamp, whole % (UINT64_C(1) << 33));
        assert_int_equal(whole >> 33, k - last);
    }
    buf_fini(&head);
    index_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tag_is_the_canonical_one),
        cmocka_unit_test(raw_aac_gets_headers),
        cmocka_unit_test(stamps_wrap_after_26_hours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
