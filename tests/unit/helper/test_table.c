/* segments/helper/table: MP4, from its sample table or its fragments. */
#include "segments/helper/track.h"

#include "tests/unit/helper/kit.h"

static struct str file_of(const char *encoder, const char *options)
{
    struct recipe r = {"mp4", encoder, 44100, 2, 4, options, CODEC_NONE};
    return kit_file(&r, NULL);
}

static void the_ways_to_write_it_have_one_index(void **state)
{
    static const char *const ways[] = {
        NULL, "moov_size=30000", "movflags=empty_moov+frag_every_frame",
        "movflags=empty_moov+default_base_moof,frag_duration=500000"};
    (void)state;
    struct kit_result first = {.x = NULL};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct str file = file_of("aac", ways[i]);
        struct kit_result r = kit_probe(file);
        if (r.e)
            fail_msg("%s: %s", ways[i] ? ways[i] : "", r.why);
        kit_same_packets(file, r.x);
        assert_int_equal(index_info(r.x)->frame_ticks, 1024);
        if (i == 0) {
            first = r;
        } else {
            assert_int_equal(index_info(r.x)->packets, index_info(first.x)->packets);
            assert_int_equal(index_info(r.x)->duration, index_info(first.x)->duration);
            assert_int_equal(index_info(r.x)->payload, index_info(first.x)->payload);
            kit_free(&r);
        }
        kit_file_free(file);
    }
    kit_free(&first);
}

/* The edit list says how much is the encoder's own, and the last packet how much is filled up. */
static void what_is_to_be_dropped_is_known(void **state)
{
    (void)state;
    struct str file = file_of("aac", NULL);
    struct kit_result r = kit_probe(file);
    const struct index_info *info = index_info(r.x);
    assert_int_equal(info->priming, 1024); /* of libavcodec's encoder */
    assert_int_equal(info->duration, (uint64_t)info->packets * 1024);
    assert_in_range(info->duration - info->priming - info->padding, 4 * 44100, 4 * 44100 + 1023);
    kit_free(&r);
    kit_file_free(file);
    file = file_of("alac", NULL);
    r = kit_probe(file);
    assert_int_equal(index_info(r.x)->priming, 0);
    assert_int_equal(index_info(r.x)->padding, 0);
    kit_free(&r);
    kit_file_free(file);
}

static void a_file_that_was_cut_off_ends_with_what_is_there(void **state)
{
    (void)state;
    struct str file = file_of("aac", "moov_size=30000");
    struct kit_result whole = kit_probe(file);
    uint32_t all = index_info(whole.x)->packets;
    struct index_span last;
    assert_int_equal(index_spans(whole.x, all / 2, all / 2 + 1, &last, 1), 1);
    struct kit_result cut = kit_probe(str_slice(file, 0, last.offset + last.length));
    assert_int_equal(cut.e, ERR_NONE);
    assert_int_equal(index_info(cut.x)->packets, all / 2 + 1);
    assert_int_equal(index_info(cut.x)->padding, 0); /* it is not there to be dropped */
    kit_free(&cut);
    cut = kit_probe(str_slice(file, 0, last.offset + last.length - 1)); /* within a packet */
    assert_int_equal(index_info(cut.x)->packets, all / 2);
    kit_free(&cut);
    assert_int_equal(index_spans(whole.x, 0, 1, &last, 1), 1);
    kit_refused(str_slice(file, 0, last.offset), ERR_MEDIA,
                "it was cut off before its first sample");
    kit_free(&whole);
    kit_file_free(file);
}

/* Where `type` stands in the file. */
static size_t find(struct str file, const char *type)
{
    const char *at = memmem(file.p, file.n, type, 4);
    assert_non_null(at);
    return (size_t)(at - file.p);
}

static void set_be32(char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(value >> (24 - 8 * i));
}

/* Tables that promise millions of samples in a few bytes: an error, and no memory. */
static void tables_may_lie(void **state)
{
    static const char *const boxes[] = {"stts", "stsz", "stsc", "stco", "elst", "mdhd"};
    static const uint32_t lies[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 1u << 24};
    (void)state;
    struct str file = file_of("aac", NULL);
    char *bytes = malloc(file.n);
    for (size_t b = 0; b < sizeof boxes / sizeof *boxes; b++)
        for (size_t at = 8; at < 24; at += 4)
            for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
                memcpy(bytes, file.p, file.n);
                set_be32(bytes + find(file, boxes[b]) + at, lies[i]);
                struct kit_result r = kit_probe((struct str){bytes, file.n});
                assert_true(is_an_answer(r.e));
                if (r.e == ERR_NONE)
                    assert_true(index_info(r.x)->payload <= file.n);
                kit_free(&r);
            }
    free(bytes);
    kit_file_free(file);
}

/* Boxes within boxes, and boxes that are longer than the file. */
static void boxes_may_lie(void **state)
{
    static const char *const boxes[] = {"moov", "trak", "mdia", "minf", "stbl", "mdat"};
    static const uint32_t lies[] = {0, 1, 7, 8, 0xffffffff, 0x10000};
    (void)state;
    struct str file = file_of("aac", NULL);
    char *bytes = malloc(file.n);
    for (size_t b = 0; b < sizeof boxes / sizeof *boxes; b++)
        for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
            memcpy(bytes, file.p, file.n);
            set_be32(bytes + find(file, boxes[b]) - 4, lies[i]);
            struct kit_result r = kit_probe((struct str){bytes, file.n});
            assert_true(is_an_answer(r.e));
            kit_free(&r);
        }
    free(bytes);
    kit_file_free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ways_to_write_it_have_one_index),
        cmocka_unit_test(what_is_to_be_dropped_is_known),
        cmocka_unit_test(a_file_that_was_cut_off_ends_with_what_is_there),
        cmocka_unit_test(tables_may_lie),
        cmocka_unit_test(boxes_may_lie),
    };
    alarm(250);
    probe_warm_up();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
