/* segments/walk_mp3: frame headers, and what encoders note in the first frame. */
#include "segments/walk_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include <stdlib.h>

static void heads_say_size_duration_and_rate(void **state)
{
    (void)state;
    static const struct {
        unsigned char h[4];
        uint32_t size, ticks, rate;
    } cases[] = {
        {{0xff, 0xfb, 0x90, 0x00}, 417, 1152, 44100}, {{0xff, 0xfb, 0x92, 0x00}, 418, 1152, 44100},
        {{0xff, 0xfb, 0xe4, 0x00}, 960, 1152, 48000}, {{0xff, 0xfb, 0xe8, 0x00}, 1440, 1152, 32000},
        {{0xff, 0xf3, 0x80, 0xc0}, 208, 576, 22050},  {{0xff, 0xf3, 0x14, 0x00}, 24, 576, 24000},
        {{0xff, 0xe3, 0x18, 0xc0}, 72, 576, 8000},    {{0xff, 0xe3, 0x10, 0x00}, 52, 576, 11025},
        {{0xff, 0xfb, 0x00, 0x00}, 0, 0, 0}, /* free format */
        {{0xff, 0xfb, 0xf0, 0x00}, 0, 0, 0}, /* no bit rate */
        {{0xff, 0xfb, 0x9c, 0x00}, 0, 0, 0}, /* no sample rate */
        {{0xff, 0xeb, 0x90, 0x00}, 0, 0, 0}, /* no version */
        {{0xff, 0xfd, 0x90, 0x00}, 0, 0, 0}, /* layer II */
        {{0xfe, 0xfb, 0x90, 0x00}, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct walk_frame f;
        bool is = walk_mp3_head((struct str){(const char *)cases[i].h, 4}, &f);
        assert_int_equal(is, cases[i].size > 0);
        if (!is)
            continue;
        assert_int_equal(f.size, cases[i].size);
        assert_int_equal(f.ticks, cases[i].ticks);
        assert_int_equal(f.rate, cases[i].rate);
    }
}

static void bits_of_frames_before_are_told(void **state)
{
    (void)state;
    struct walk_frame f;
    unsigned char plain[8] = {0xff, 0xfb, 0x90, 0x00, 0x00, 0x7f}; /* main_data_begin: 9 bits */
    unsigned char crc[8] = {0xff, 0xfa, 0x90, 0x00, 0xab, 0xcd, 0x00, 0x7f};
    unsigned char lsf[8] = {0xff, 0xf3, 0x80, 0xc0, 0x00, 0xff}; /* 8 bits */
    assert_true(walk_mp3_head((struct str){(char *)plain, 8}, &f) && f.alone);
    assert_true(walk_mp3_head((struct str){(char *)crc, 8}, &f) && f.alone);
    assert_true(walk_mp3_head((struct str){(char *)lsf, 8}, &f) && f.alone);
    plain[5] = 0x80;
    crc[6] = 1;
    lsf[4] = 1;
    assert_true(walk_mp3_head((struct str){(char *)plain, 8}, &f) && !f.alone);
    assert_true(walk_mp3_head((struct str){(char *)crc, 8}, &f) && !f.alone);
    assert_true(walk_mp3_head((struct str){(char *)lsf, 8}, &f) && !f.alone);
    assert_true(walk_mp3_head((struct str){(char *)plain, 5}, &f) && !f.alone); /* not seen */
}

static void a_note_stands_behind_the_side_information(void **state)
{
    static const struct {
        unsigned char h[4];
        size_t at;
    } cases[] = {{{0xff, 0xfb, 0x90, 0x00}, 36},  /* MPEG-1, stereo */
                 {{0xff, 0xfb, 0x90, 0xc0}, 21},  /* mono */
                 {{0xff, 0xf3, 0x80, 0x00}, 21},  /* MPEG-2, stereo */
                 {{0xff, 0xf3, 0x80, 0xc0}, 13}}; /* mono */
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t at = 4; at < 60; at++) {
            char frame[417] = "";
            struct walk_note note;
            memcpy(frame, cases[i].h, 4);
            memcpy(frame + at, "Xing\0\0\0\x01\0\0\0\x2a", 12);
            bool found = walk_mp3_note((struct str){frame, sizeof frame}, &note);
            assert_int_equal(found, at == cases[i].at);
            assert_int_equal(note.frames, found ? 42 : 0);
        }
}

/* Whatever a frame holds, and wherever it ends, nothing behind its end is read. */
static void a_note_that_is_cut_off_says_no_more_than_it_has(void **state)
{
    char frame[417] = "\xff\xfb\x90";
    struct walk_note note;
    (void)state;
    memcpy(frame + 36, "Info\0\0\0\x0f\0\0\x01\x2c", 12);
    memcpy(frame + 36 + 120, "LAME", 4);
    memcpy(frame + 36 + 120 + 21, "\x24\x04\xd2", 3); /* 576, 1234 */
    for (size_t n = 4; n <= sizeof frame; n++) {
        char *exact = malloc(n);
        memcpy(exact, frame, n);
        bool found = walk_mp3_note((struct str){exact, n}, &note);
        assert_int_equal(found, n >= 40);
        assert_int_equal(note.frames, n >= 48 ? 300 : 0);
        assert_int_equal(note.trims, n >= 36 + 120 + 24);
        assert_int_equal(note.delay, note.trims ? 576 : 0);
        assert_int_equal(note.padding, note.trims ? 1234 : 0);
        free(exact);
    }
    memcpy(frame + 36, "VBRI", 4);
    assert_true(walk_mp3_note((struct str){frame, sizeof frame}, &note));
    assert_false(note.trims);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_say_size_duration_and_rate),
        cmocka_unit_test(bits_of_frames_before_are_told),
        cmocka_unit_test(a_note_stands_behind_the_side_information),
        cmocka_unit_test(a_note_that_is_cut_off_says_no_more_than_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
