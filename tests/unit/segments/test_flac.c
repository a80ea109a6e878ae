/* segments/flac.c: frames get other numbers and stay frames. The frame is that of RFC 9639's
 * example D.1; checksums are computed here bit by bit. */
#include "segments/flac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define FRAME STR("\xff\xf8\x69\x18\x00\x00\xbf\x03\x58\xfd\x03\x12\x8b\xaa\x9a")

enum { HEAD = 4, BLOCK = 1, BODY = 7, FOOT = 2 };

static unsigned crc(const unsigned char *p, size_t n, unsigned bits, unsigned poly)
{
    unsigned value = 0, top = 1u << (bits - 1), mask = (top << 1) - 1;
    for (size_t i = 0; i < n; i++) {
        value ^= (unsigned)p[i] << (bits - 8);
        for (int bit = 0; bit < 8; bit++)
            value = (value << 1 ^ (value & top ? poly : 0)) & mask;
    }
    return value;
}

static void numbers_are_written_as_the_rfc_has_them(void **state)
{
    (void)state;
    static const struct {
        uint32_t number;
        struct str bytes;
    } rows[] = {
        {0, {"\x00", 1}},
        {127, {"\x7f", 1}},
        {128, {"\xc2\x80", 2}},
        {2047, {"\xdf\xbf", 2}},
        {2048, {"\xe0\xa0\x80", 3}},
        {65535, {"\xef\xbf\xbf", 3}},
        {65536, {"\xf0\x90\x80\x80", 4}},
        {2097151, {"\xf7\xbf\xbf\xbf", 4}},
        {2097152, {"\xf8\x88\x80\x80\x80", 5}},
        {67108864, {"\xfc\x84\x80\x80\x80\x80", 6}},
        {2147483647, {"\xfd\xbf\xbf\xbf\xbf\xbf", 6}},
        {2147483648, {"\xfe\x82\x80\x80\x80\x80\x80", 7}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out;
        size_t n = rows[i].bytes.n;
        buf_init(&out, 64);
        assert_int_equal(flac_renumber(FRAME, rows[i].number, &out), ERR_NONE);
        assert_int_equal(out.len, FRAME.n - 1 + n);
        assert_memory_equal(out.data, FRAME.p, HEAD);
        assert_memory_equal(out.data + HEAD, rows[i].bytes.p, n);
        size_t head = HEAD + n + BLOCK;
        assert_int_equal(out.data[head], crc(out.data, head, 8, 0x07));
        assert_memory_equal(out.data + head + 1, FRAME.p + BODY, FRAME.n - BODY - FOOT);
        unsigned foot = (unsigned)out.data[out.len - 2] << 8 | out.data[out.len - 1];
        assert_int_equal(foot, crc(out.data, out.len - FOOT, 16, 0x8005));
        buf_fini(&out);
    }
}

static void its_own_number_leaves_a_frame_as_it_is(void **state)
{
    (void)state;
    struct buf out, back;
    buf_init(&out, 64);
    buf_init(&back, 64);
    assert_int_equal(flac_renumber(FRAME, 0, &out), ERR_NONE);
    assert_true(str_eq(buf_str(&out), FRAME));
    buf_reset(&out);
    assert_int_equal(flac_renumber(FRAME, 99999, &out), ERR_NONE);
    assert_int_equal(flac_renumber(buf_str(&out), 0, &back), ERR_NONE);
    assert_true(str_eq(buf_str(&back), FRAME));
    buf_fini(&out);
    buf_fini(&back);
}

static void what_is_no_frame_is_refused(void **state)
{
    (void)state;
    char bytes[15];
    struct buf out;
    buf_init(&out, 64);
    for (size_t n = 0; n < 10; n++)
        assert_int_equal(flac_renumber(str_slice(FRAME, 0, n), 1, &out),
                         n < 9 ? ERR_MEDIA : ERR_NONE);
    static const struct {
        size_t at;
        unsigned char byte;
    } bad[] = {{0, 0xfe}, {1, 0xf9}, {1, 0xf0}, {4, 0x80}, {4, 0xff}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memcpy(bytes, FRAME.p, FRAME.n);
        bytes[bad[i].at] = (char)bad[i].byte;
        assert_int_equal(flac_renumber((struct str){bytes, FRAME.n}, 1, &out), ERR_MEDIA);
    }
    buf_fini(&out);
}

static void a_buffer_that_is_full_is_an_error(void **state)
{
    (void)state;
    for (size_t room = 1; room < FRAME.n; room++) {
        struct buf out;
        buf_init(&out, room);
        assert_int_equal(flac_renumber(FRAME, 0, &out), ERR_TOO_BIG);
        buf_fini(&out);
    }
}

static void streaminfo_holds_the_shape(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, FLAC_STREAMINFO);
    flac_streaminfo(&(struct flac_shape){96000, 6, 24, 4096, UINT64_C(0x912345678)}, &out);
    assert_int_equal(buf_status(&out), ERR_NONE);
    assert_int_equal(out.len, FLAC_STREAMINFO);
    /* RFC 9639 8.2: 16+16 block sizes, 24+24 frame sizes, 20 rate, 3 channels-1, 5 bits-1, 36
     * samples */
    static const unsigned char want[18] = {0x10, 0x00, 0x10, 0x00, 0,    0,    0,    0,    0,
                                           0,    0x17, 0x70, 0x0b, 0x79, 0x12, 0x34, 0x56, 0x78};
    assert_memory_equal(out.data, want, sizeof want);
    for (size_t i = sizeof want; i < FLAC_STREAMINFO; i++)
        assert_int_equal(out.data[i], 0);
    buf_fini(&out);
}

static void shapes_that_no_frame_can_name_are_refused(void **state)
{
    (void)state;
    static const struct {
        struct flac_shape shape;
        bool fits;
    } rows[] = {
        {{44100, 2, 16, 4096, 0}, true},   {{8000, 1, 24, 1024, 0}, true},
        {{192000, 8, 24, 4096, 0}, true},  {{655350, 1, 16, 1, 0}, true},
        {{65535, 1, 16, 4096, 0}, true},   {{65537, 1, 16, 4096, 0}, false},
        {{655360, 1, 16, 4096, 0}, false}, {{0, 1, 16, 4096, 0}, false},
        {{44100, 9, 16, 4096, 0}, false},  {{44100, 0, 16, 4096, 0}, false},
        {{44100, 2, 32, 4096, 0}, false},  {{44100, 2, 8, 4096, 0}, false},
        {{44100, 2, 16, 4097, 0}, false},  {{44100, 2, 16, 0, 0}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(flac_fits(&rows[i].shape), rows[i].fits);
}

/* RFC 9639 7: up to 48 kHz a streamable frame has at most 4608 samples. */
static void frames_last_about_a_tenth_of_a_second(void **state)
{
    (void)state;
    static const uint32_t rates[] = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        double seconds = (double)flac_frame(rates[i]) / rates[i];
        assert_true(seconds > 0.08 && seconds < 0.14);
        assert_true(flac_frame(rates[i]) <= 4608);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_as_the_rfc_has_them),
        cmocka_unit_test(its_own_number_leaves_a_frame_as_it_is),
        cmocka_unit_test(what_is_no_frame_is_refused),
        cmocka_unit_test(a_buffer_that_is_full_is_an_error),
        cmocka_unit_test(streaminfo_holds_the_shape),
        cmocka_unit_test(shapes_that_no_frame_can_name_are_refused),
        cmocka_unit_test(frames_last_about_a_tenth_of_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
