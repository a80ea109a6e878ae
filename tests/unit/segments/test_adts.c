/* segments/adts.c, packed.c */
#include "segments/adts.h"

#include "tests/unit/segments/make.h"

static void a_config_becomes_a_header(void **state)
{
    (void)state;
    static const struct {
        struct str config;
        bool ok;
        struct adts want;
    } cases[] = {
        {STR("\x12\x10"), true, {1, 4, 2}},         /* LC 44100 stereo */
        {STR("\x11\x88"), true, {1, 3, 1}},         /* LC 48000 mono */
        {STR("\x2b\x92\x08\x00"), true, {1, 7, 2}}, /* HE-AAC: core 22050, 44100 outside */
        {STR("\xeb\x8a\x08\x00"), true, {1, 7, 1}}, /* HE-AAC v2 */
        {STR("\x12\x14"), false, {0, 0, 0}},        /* 960 */
        {STR("\x12\x00"), false, {0, 0, 0}},        /* program config element */
        {STR("\x0a\x10"), false, {0, 0, 0}},        /* AAC Main */
        {STR("\xf9\x46\x40"), false, {0, 0, 0}},    /* USAC */
        {STR("\x12"), false, {0, 0, 0}},
        {STR(""), false, {0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct adts a = {0, 0, 0};
        if (adts_read_config(cases[i].config, &a) != cases[i].ok)
            fail_msg("config %zu", i);
        assert_memory_equal(&a, &cases[i].want, sizeof a);
    }
}

static void a_header_says_what_it_heads(void **state)
{
    (void)state;
    unsigned char header[ADTS_HEADER];
    adts_write(&(struct adts){1, 4, 2}, 0x123, header);
    assert_memory_equal(header, "\xff\xf1\x50\x80\x25\x5f\xfc", sizeof header);
    adts_write(&(struct adts){1, 3, 7}, ADTS_FRAME_MAX - ADTS_HEADER, header);
    assert_memory_equal(header, "\xff\xf1\x4d\xc3\xff\xff\xfc", sizeof header);
}

static void a_frame_is_told_from_what_is_none(void **state)
{
    (void)state;
    unsigned char frame[100] = {0};
    struct str whole = {(char *)frame, sizeof frame};
    adts_write(&(struct adts){1, 4, 2}, sizeof frame - ADTS_HEADER, frame);
    assert_true(adts_frame_fits(whole, 7));
    assert_false(adts_frame_fits(whole, 9));
    assert_false(adts_frame_fits(str_slice(whole, 0, 99), 7));
    assert_false(adts_frame_fits(str_slice(whole, 0, 7), 7));
    frame[1] = 0xf0;
    assert_true(adts_frame_fits(whole, 9)); /* a CRC follows */
    assert_false(adts_frame_fits(whole, 7));
    frame[1] = 0xf1;
    frame[6] |= 1; /* two blocks */
    assert_false(adts_frame_fits(whole, 7));
    frame[6] &= 0xfe;
    frame[1] = 0xf3; /* layer 1: MP3 and its like */
    assert_false(adts_frame_fits(whole, 7));
    frame[1] = 0xf1;
    frame[0] = 0xfe;
    assert_false(adts_frame_fits(whole, 7));
}

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
        cmocka_unit_test(a_config_becomes_a_header),
        cmocka_unit_test(a_header_says_what_it_heads),
        cmocka_unit_test(a_frame_is_told_from_what_is_none),
        cmocka_unit_test(the_tag_is_the_canonical_one),
        cmocka_unit_test(raw_aac_gets_headers),
        cmocka_unit_test(stamps_wrap_after_26_hours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
