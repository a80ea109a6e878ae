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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_config_becomes_a_header),
        cmocka_unit_test(a_header_says_what_it_heads),
        cmocka_unit_test(a_frame_is_told_from_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
