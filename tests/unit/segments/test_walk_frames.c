/* segments/walk_frames: where the frames of MP3 and ADTS files lie. */
#include "segments/walk_frames.h"

#include "edge/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SEEN_MAX = 4096 };

struct seen {
    struct walk_frame list[SEEN_MAX];
    size_t count;
    enum err answer;
};

static enum err on_frame(void *context, const struct walk_frame *f)
{
    struct seen *s = context;
    assert_true(s->count < SEEN_MAX);
    s->list[s->count++] = *f;
    return s->answer;
}

/* Walk over `file` through a window of `window` bytes. */
static enum err walk(struct walk_frames *w, enum walk_kind kind, struct str file, size_t window,
                     struct seen *seen)
{
    uint64_t at = 0, used;
    walk_frames_init(w, kind, seen, on_frame);
    while (at < file.n) {
        struct str some = str_slice(file, (size_t)at, (size_t)at + window);
        TRY(walk_frames_take(w, some, at, at + some.n == file.n, &used));
        if (used == 0)
            break;
        at += used;
    }
    return ERR_NONE;
}

/* MPEG-1 layer III, 128 kbit/s, 44.1 kHz, stereo: 417 bytes. `begin`: main_data_begin. */
static void add_mp3(struct buf *b, unsigned begin)
{
    unsigned char frame[417] = {0xff, 0xfb, 0x90, 0x00};
    frame[4] = (unsigned char)(begin >> 1);
    frame[5] = (unsigned char)(begin << 7);
    buf_add(b, frame, sizeof frame);
}

/* AAC-LC, 44.1 kHz, stereo, no CRC. */
static void add_adts(struct buf *b, unsigned size)
{
    unsigned char frame[8191] = {0xff,
                                 0xf1,
                                 0x50,
                                 (unsigned char)(0x80 | size >> 11),
                                 (unsigned char)(size >> 3),
                                 (unsigned char)(size << 5 | 0x1f),
                                 0xfc};
    memset(frame + 7, 0x21, size - 7);
    buf_add(b, frame, size);
}

static void frames_are_found_whatever_the_window(void **state)
{
    (void)state;
    struct buf b;
    struct walk_frames w;
    buf_init(&b, 1 << 24);
    for (unsigned i = 0; i < 300; i++)
        add_adts(&b, 8 + i * 27 % 8180);
    static const size_t windows[] = {WALK_WINDOW_MIN, 40000, 1 << 24};
    for (size_t k = 0; k < 3; k++) {
        struct seen *seen = calloc(1, sizeof *seen);
        assert_int_equal(walk(&w, WALK_ADTS, buf_str(&b), windows[k], seen), ERR_NONE);
        assert_int_equal(seen->count, 300);
        uint64_t at = 0;
        for (unsigned i = 0; i < 300; i++) {
            assert_int_equal(seen->list[i].offset, at);
            assert_int_equal(seen->list[i].size, 8 + i * 27 % 8180);
            at += seen->list[i].size;
        }
        assert_int_equal(seen->list[0].type, 2);
        assert_int_equal(seen->list[0].channels, 2);
        assert_int_equal(seen->list[0].strip, 7);
        assert_int_equal(w.skipped, 0);
        free(seen);
    }
    buf_fini(&b);
}

/* A tag of ID3v2 in front and between, APE and ID3v1 behind: no frame is in them. */
static void tags_are_passed_over(void **state)
{
    (void)state;
    static struct seen seen;
    struct walk_frames w;
    struct buf b, inside;
    seen = (struct seen){.count = 0};
    buf_init(&b, 1 << 20);
    buf_init(&inside, 1 << 20);
    for (int i = 0; i < 120; i++)
        add_mp3(&inside, 0); /* 50040 bytes that look like sound, as covers may */
    for (int i = 0; i < 2; i++) {
        buf_adds(&b, STR("ID3\x04\0\0\0\x03\x06\x78")); /* 0x3 << 14 | 6 << 7 | 0x78 = 50040 */
        buf_adds(&b, buf_str(&inside));
        add_mp3(&b, 0);
        add_mp3(&b, 3);
    }
    buf_adds(&b, STR("APETAGEX\xd0\x07\0\0\x60\0\0\0\x02\0\0\0\0\0\0\xa0\0\0\0\0\0\0\0\0"));
    for (int i = 0; i < 64; i++)
        buf_addc(&b, '\0');
    buf_adds(&b, STR("APETAGEX\xd0\x07\0\0\x60\0\0\0\x02\0\0\0\0\0\0\x80\0\0\0\0\0\0\0\0"));
    buf_adds(&b, STR("TAG"));
    for (int i = 0; i < 125; i++)
        buf_addc(&b, ' ');
    assert_int_equal(walk(&w, WALK_MP3, buf_str(&b), WALK_WINDOW_MIN, &seen), ERR_NONE);
    assert_int_equal(seen.count, 4);
    assert_int_equal(seen.list[0].offset, 50050);
    assert_true(seen.list[0].alone);
    assert_false(seen.list[1].alone);
    assert_int_equal(seen.list[2].offset, 50050 + 2 * 417 + 50050);
    assert_int_equal(w.skipped, 0);
    buf_fini(&b);
    buf_fini(&inside);
}

static void junk_is_counted_and_a_header_by_chance_is_no_frame(void **state)
{
    (void)state;
    static struct seen seen;
    struct walk_frames w;
    struct buf b;
    seen = (struct seen){.count = 0};
    buf_init(&b, 1 << 20);
    buf_adds(&b, STR("junk\xff\xfb\x90\x40 in front"));
    add_mp3(&b, 0);
    add_mp3(&b, 0);
    buf_adds(&b, STR("\xff\xff\xfb\x90\x44 hello"));
    add_mp3(&b, 0);
    add_mp3(&b, 0);
    buf_adds(&b, STR("\xff\xfb\x90\x44 cut off"));
    assert_int_equal(walk(&w, WALK_MP3, buf_str(&b), WALK_WINDOW_MIN, &seen), ERR_NONE);
    assert_int_equal(seen.count, 4);
    assert_int_equal(seen.list[0].offset, 17);
    assert_int_equal(seen.list[2].offset, 17 + 2 * 417 + 11);
    assert_int_equal(w.skipped, 11);
    buf_fini(&b);
}

static void one_frame_is_a_file(void **state)
{
    (void)state;
    static struct seen seen;
    struct walk_frames w;
    struct buf b;
    seen = (struct seen){.count = 0};
    buf_init(&b, 1 << 20);
    add_mp3(&b, 0);
    assert_int_equal(walk(&w, WALK_MP3, buf_str(&b), WALK_WINDOW_MIN, &seen), ERR_NONE);
    assert_int_equal(seen.count, 1);
    seen = (struct seen){.count = 0};
    assert_int_equal(walk(&w, WALK_MP3, str_slice(buf_str(&b), 0, 416), WALK_WINDOW_MIN, &seen),
                     ERR_NONE);
    assert_int_equal(seen.count, 0);
    buf_fini(&b);
}

static void add_note(struct buf *b, const char *who, unsigned delay, unsigned padding)
{
    unsigned char frame[417] = {0xff, 0xfb, 0x90, 0x00};
    memcpy(frame + 36, "Info\0\0\0\x0f\0\0\x01\x2c", 12); /* 300 frames */
    unsigned char *at = frame + 36 + 8 + 4 + 4 + 100 + 4;
    memcpy(at, who, 4);
    at[21] = (unsigned char)(delay >> 4);
    at[22] = (unsigned char)(delay << 4 | padding >> 8);
    at[23] = (unsigned char)padding;
    buf_add(b, frame, sizeof frame);
}

static void an_encoder_s_note_is_no_sound(void **state)
{
    (void)state;
    static const struct {
        const char *who;
        bool trims;
    } cases[] = {{"LAME", true}, {"Lavc", true}, {"Lavf", true}, {"\0\0\0\0", false}};
    for (size_t i = 0; i < 4; i++) {
        static struct seen seen;
        struct walk_frames w;
        struct buf b;
        seen = (struct seen){.count = 0};
        buf_init(&b, 1 << 20);
        add_note(&b, cases[i].who, 576, 1234);
        add_mp3(&b, 0);
        assert_int_equal(walk(&w, WALK_MP3, buf_str(&b), WALK_WINDOW_MIN, &seen), ERR_NONE);
        assert_int_equal(seen.count, 1);
        assert_true(w.note.found);
        assert_int_equal(w.note.frames, 300);
        assert_int_equal(w.note.trims, cases[i].trims);
        assert_int_equal(w.note.delay, cases[i].trims ? 576 : 0);
        assert_int_equal(w.note.padding, cases[i].trims ? 1234 : 0);
        buf_fini(&b);
    }
}

static void another_form_is_told(void **state)
{
    (void)state;
    static struct seen seen;
    struct walk_frames w;
    struct buf b;
    unsigned char other[384] = {0xff, 0xfb, 0x94, 0x00}; /* 48 kHz */
    seen = (struct seen){.count = 0};
    buf_init(&b, 1 << 20);
    add_mp3(&b, 0);
    add_mp3(&b, 0);
    buf_add(&b, other, sizeof other);
    buf_add(&b, other, sizeof other);
    assert_int_equal(walk(&w, WALK_MP3, buf_str(&b), WALK_WINDOW_MIN, &seen), ERR_NONE);
    assert_int_equal(seen.count, 4);
    assert_int_equal(seen.list[2].rate, 48000);
    buf_fini(&b);
}

static void an_error_ends_the_walk(void **state)
{
    (void)state;
    static struct seen seen;
    struct walk_frames w;
    struct buf b;
    seen = (struct seen){.answer = ERR_CANCELLED};
    buf_init(&b, 1 << 20);
    add_mp3(&b, 0);
    add_mp3(&b, 0);
    assert_int_equal(walk(&w, WALK_MP3, buf_str(&b), WALK_WINDOW_MIN, &seen), ERR_CANCELLED);
    assert_int_equal(seen.count, 1);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_found_whatever_the_window),
        cmocka_unit_test(tags_are_passed_over),
        cmocka_unit_test(junk_is_counted_and_a_header_by_chance_is_no_frame),
        cmocka_unit_test(one_frame_is_a_file),
        cmocka_unit_test(an_encoder_s_note_is_no_sound),
        cmocka_unit_test(another_form_is_told),
        cmocka_unit_test(an_error_ends_the_walk),
    };
    return cmocka_run_group_tests_name("segments/walk_frames", tests, NULL, NULL);
}
