/* segments/walk_adts: the heads of AAC that stands alone. */
#include "segments/walk_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

/* 44.1 kHz, stereo, AAC-LC, 100 bytes. */
static const unsigned char good[7] = {0xff, 0xf1, 0x50, 0x80, 100 >> 3, (100 & 7) << 5 | 0x1f,
                                      0xfc};

static bool head(const unsigned char *h, size_t n, struct walk_frame *f)
{
    return walk_adts_head((struct str){(const char *)h, n}, f);
}

static void a_head_says_what_it_heads(void **state)
{
    (void)state;
    struct walk_frame f;
    assert_true(head(good, 7, &f));
    assert_int_equal(f.size, 100);
    assert_int_equal(f.ticks, 1024);
    assert_int_equal(f.rate, 44100);
    assert_int_equal(f.strip, 7);
    assert_int_equal(f.type, 2);
    assert_int_equal(f.channels, 2);
    assert_true(f.alone);
}

static void every_field_is_read(void **state)
{
    static const uint32_t rates[] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                     22050, 16000, 12000, 11025, 8000,  7350}; /* 14496-3 1.18 */
    (void)state;
    struct walk_frame f;
    unsigned char h[7];
    for (unsigned rate = 0; rate < 16; rate++) {
        memcpy(h, good, sizeof h);
        h[2] = (unsigned char)((h[2] & 0xc3) | rate << 2);
        assert_int_equal(head(h, 7, &f), rate < 13);
        if (rate < 13)
            assert_int_equal(f.rate, rates[rate]);
    }
    for (unsigned channels = 0; channels < 8; channels++) {
        memcpy(h, good, sizeof h);
        h[2] = (unsigned char)((h[2] & 0xfe) | channels >> 2);
        h[3] = (unsigned char)((h[3] & 0x3f) | (channels & 3) << 6);
        assert_true(head(h, 7, &f));
        assert_int_equal(f.channels, channels);
    }
    memcpy(h, good, sizeof h);
    h[1] = 0xf8; /* MPEG-2, with a CRC */
    assert_true(head(h, 7, &f));
    assert_int_equal(f.strip, 9);
    h[3] |= 3;
    h[4] = 0xff;
    h[5] = 0xff;
    assert_true(head(h, 7, &f));
    assert_int_equal(f.size, 8191);
}

static void what_is_no_head_is_none(void **state)
{
    (void)state;
    struct walk_frame f;
    unsigned char h[7];
    for (size_t n = 0; n < 7; n++)
        assert_false(head(good, n, &f));
    for (unsigned bit = 0; bit < 12; bit++) { /* the sync word */
        memcpy(h, good, sizeof h);
        h[bit / 8] ^= (unsigned char)(0x80 >> bit % 8);
        assert_false(head(h, 7, &f));
    }
    memcpy(h, good, sizeof h);
    h[1] |= 2; /* layer 1: MP3 and its like */
    assert_false(head(h, 7, &f));
    memcpy(h, good, sizeof h);
    h[6] |= 1; /* two blocks */
    assert_false(head(h, 7, &f));
    memcpy(h, good, sizeof h);
    h[4] = 0;
    h[5] = 7 << 5; /* a header alone */
    assert_false(head(h, 7, &f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_says_what_it_heads),
        cmocka_unit_test(every_field_is_read),
        cmocka_unit_test(what_is_no_head_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
