/* segments/init_edit.c: the edit list stands where it belongs and every size around it is right. */
#include "segments/init_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void add_box(struct buf *b, const char *type, uint32_t payload)
{
    buf_be32(b, 8 + payload);
    buf_add(b, type, 4);
}

/* ftyp, moov[mvhd, trak[tkhd, mdia[mdhd]], mvex] */
static void make_init(struct buf *b, unsigned version)
{
    static const char ZEROES[64];
    uint32_t mdhd = version == 1 ? 36 : 24;
    buf_init(b, 4096);
    add_box(b, "ftyp", 4);
    buf_add(b, "iso6", 4);
    add_box(b, "moov", 8 + 16 + 8 + 8 + 20 + 8 + 8 + mdhd + 8);
    add_box(b, "mvhd", 16);
    buf_add(b, ZEROES, 16);
    add_box(b, "trak", 8 + 20 + 8 + 8 + mdhd);
    add_box(b, "tkhd", 20);
    buf_add(b, ZEROES, 20);
    add_box(b, "mdia", 8 + mdhd);
    add_box(b, "mdhd", mdhd);
    buf_be8(b, version);
    buf_add(b, ZEROES, mdhd - 1);
    add_box(b, "mvex", 0);
}

static uint32_t be32(const struct buf *b, size_t at)
{
    const unsigned char *p = b->data + at;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static size_t place(const struct buf *b, const char *type)
{
    for (size_t i = 4; i + 4 <= b->len; i++) {
        if (memcmp(b->data + i, type, 4) == 0)
            return i - 4;
    }
    fail_msg("no %s", type);
    return 0;
}

static void edit_list_names_the_priming(void **state)
{
    (void)state;
    struct buf in, out;
    make_init(&in, 0);
    buf_init(&out, 4096);
    assert_int_equal(init_edit(buf_str(&in), 48000, 312, &out), ERR_NONE);
    size_t edts = place(&out, "edts");
    assert_int_equal(edts, place(&out, "tkhd") + 28);
    assert_int_equal(place(&out, "mdia"), edts + 36);
    assert_int_equal(be32(&out, edts + 20), 1);   /* entries */
    assert_int_equal(be32(&out, edts + 24), 0);   /* duration */
    assert_int_equal(be32(&out, edts + 28), 312); /* media time */
    assert_int_equal(be32(&out, edts + 32), 0x00010000);
    buf_fini(&in);
    buf_fini(&out);
}

static void boxes_around_it_grow(void **state)
{
    (void)state;
    struct buf in, out;
    make_init(&in, 0);
    buf_init(&out, 4096);
    assert_int_equal(init_edit(buf_str(&in), 48000, 312, &out), ERR_NONE);
    assert_int_equal(out.len, in.len + 36);
    assert_int_equal(be32(&out, place(&out, "moov")), be32(&in, place(&in, "moov")) + 36);
    assert_int_equal(be32(&out, place(&out, "trak")), be32(&in, place(&in, "trak")) + 36);
    assert_int_equal(be32(&out, place(&out, "mdia")), be32(&in, place(&in, "mdia")));
    buf_fini(&in);
    buf_fini(&out);
}

static void timescale_is_set_in_both_versions(void **state)
{
    (void)state;
    for (unsigned version = 0; version < 2; version++) {
        struct buf in, out;
        make_init(&in, version);
        buf_init(&out, 4096);
        assert_int_equal(init_edit(buf_str(&in), 22050, 1024, &out), ERR_NONE);
        assert_int_equal(be32(&out, place(&out, "mdhd") + (version ? 28 : 20)), 22050);
        buf_fini(&in);
        buf_fini(&out);
    }
}

static void without_priming_there_is_no_edit_list(void **state)
{
    (void)state;
    struct buf in, out;
    make_init(&in, 0);
    buf_init(&out, 4096);
    assert_int_equal(init_edit(buf_str(&in), 0, 0, &out), ERR_NONE);
    assert_true(str_eq(buf_str(&in), buf_str(&out)));
    buf_fini(&in);
    buf_fini(&out);
}

static void what_is_cut_off_is_refused(void **state)
{
    (void)state;
    struct buf in, out;
    make_init(&in, 0);
    for (size_t n = 0; n < in.len; n++) {
        buf_init(&out, 4096);
        assert_int_equal(init_edit(str_slice(buf_str(&in), 0, n), 48000, 1, &out), ERR_MEDIA);
        buf_fini(&out);
    }
    buf_fini(&in);
}

static void a_second_edit_list_is_refused(void **state)
{
    (void)state;
    struct buf in, once, twice;
    make_init(&in, 0);
    buf_init(&once, 4096);
    buf_init(&twice, 4096);
    assert_int_equal(init_edit(buf_str(&in), 48000, 1, &once), ERR_NONE);
    assert_int_equal(init_edit(buf_str(&once), 48000, 1, &twice), ERR_MEDIA);
    buf_fini(&in);
    buf_fini(&once);
    buf_fini(&twice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edit_list_names_the_priming),
        cmocka_unit_test(boxes_around_it_grow),
        cmocka_unit_test(timescale_is_set_in_both_versions),
        cmocka_unit_test(without_priming_there_is_no_edit_list),
        cmocka_unit_test(what_is_cut_off_is_refused),
        cmocka_unit_test(a_second_edit_list_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
