/* segments/asc.c: every way of signalling SBR is understood, one is written. */
#include "segments/asc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const struct {
    const char *name;
    const char *bytes;
    size_t n;
    struct asc want;
} CASES[] = {
    {"LC, 44.1 kHz, stereo", "\x12\x10", 2, {2, 2, 44100, 44100, 2, false}},
    {"LC that says it has no SBR", "\x13\x90\x56\xe5\x00", 5, {2, 2, 22050, 22050, 2, false}},
    {"LC with SBR behind it", "\x13\x90\x56\xe5\xa0", 5, {5, 2, 22050, 44100, 2, false}},
    {"... and PS", "\x13\x88\x56\xe5\xa5\x48\x80", 7, {29, 2, 22050, 44100, 1, false}},
    {"SBR in front", "\x2b\x92\x08\x00", 4, {5, 2, 22050, 44100, 2, false}},
    {"PS in front", "\xeb\x8a\x08\x00", 4, {29, 2, 22050, 44100, 1, false}},
    {"frames of 960", "\x12\x14", 2, {2, 2, 44100, 44100, 2, true}},
    {"a rate in full", "\x17\x80\x56\x22\x10", 5, {2, 2, 44100, 44100, 2, false}},
    {"USAC", "\xf9\x48\x40\x22", 4, {42, 42, 44100, 44100, 2, false}},
};

static void configs_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct asc got;
        struct asc want = CASES[i].want;
        print_message("  %s\n", CASES[i].name);
        assert_int_equal(asc_read((struct str){CASES[i].bytes, CASES[i].n}, &got), ERR_NONE);
        assert_int_equal(got.object_type, want.object_type);
        assert_int_equal(got.core_type, want.core_type);
        assert_int_equal(got.core_rate, want.core_rate);
        assert_int_equal(got.rate, want.rate);
        assert_int_equal(got.channels, want.channels);
        assert_int_equal(got.short_frames, want.short_frames);
    }
}

static void what_is_cut_off_is_refused(void **state)
{
    (void)state;
    struct asc got;
    assert_int_equal(asc_read(STR(""), &got), ERR_MEDIA);
    assert_int_equal(asc_read(STR("\x12"), &got), ERR_MEDIA);
    assert_int_equal(asc_read(STR("\x2b\x92"), &got), ERR_MEDIA);
    assert_int_equal(asc_read(STR("\x16\x90"), &got), ERR_MEDIA); /* a reserved rate */
}

static void sbr_is_written_in_front(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 16);
    struct asc he = {5, 2, 22050, 44100, 2, false};
    assert_int_equal(asc_write(&he, &b), ERR_NONE);
    assert_true(str_eq(buf_str(&b), (struct str){"\x2b\x92\x08\x00", 4}));
    buf_reset(&b);
    struct asc lc = {2, 2, 48000, 48000, 6, false};
    assert_int_equal(asc_write(&lc, &b), ERR_NONE);
    assert_true(str_eq(buf_str(&b), STR("\x11\xb0")));
    buf_fini(&b);
}

static void what_cannot_be_written_is_refused(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 16);
    static const struct asc BAD[] = {
        {42, 42, 44100, 44100, 2, false}, {1, 1, 44100, 44100, 2, false},
        {2, 2, 44000, 44000, 2, false},   {5, 2, 22050, 44000, 2, false},
        {2, 2, 44100, 44100, 16, false},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        assert_int_equal(asc_write(&BAD[i], &b), ERR_UNSUPPORTED);
    assert_int_equal(b.len, 0);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configs_are_read),
        cmocka_unit_test(what_is_cut_off_is_refused),
        cmocka_unit_test(sbr_is_written_in_front),
        cmocka_unit_test(what_cannot_be_written_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
