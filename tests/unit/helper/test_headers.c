/* segments/helper/headers: MP3 and ADTS, by the headers of their frames. */
#include "segments/helper/track.h"

#include "tests/unit/helper/kit.h"

enum { FRAME = 417 };

/* MPEG-1 layer III, 128 kbit/s, stereo, of silence: 44.1 kHz, or 48 (384 bytes). */
static void add_mp3(struct buf *b, unsigned frames, bool other)
{
    unsigned char frame[FRAME] = {0xff, 0xfb, other ? 0x94 : 0x90, 0x00};
    for (unsigned i = 0; i < frames; i++)
        buf_add(b, frame, other ? 384 : FRAME);
}

static struct kit_result probe(const struct buf *b) { return kit_probe(buf_str(b)); }

static void frames_are_counted_and_placed(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 24);
    add_mp3(&b, 1000, false);
    struct kit_result r = probe(&b);
    assert_int_equal(r.e, ERR_NONE);
    assert_int_equal(index_info(r.x)->codec, CODEC_MP3);
    assert_int_equal(index_info(r.x)->packets, 1000);
    assert_int_equal(index_info(r.x)->duration, 1000 * 1152);
    assert_int_equal(index_info(r.x)->timescale, 44100);
    assert_true(index_info(r.x)->independent); /* no frame needs bits of another */
    struct index_span at;
    assert_int_equal(index_spans(r.x, 999, 1000, &at, 1), 1);
    assert_int_equal(at.offset, 999 * FRAME);
    kit_free(&r);
    buf_fini(&b);
}

static void a_frame_that_leans_on_others_is_told(void **state)
{
    (void)state;
    struct buf b;
    unsigned char leaning[FRAME] = {0xff, 0xfb, 0x90, 0x00, 0x10};
    buf_init(&b, 1 << 24);
    add_mp3(&b, 50, false);
    buf_add(&b, leaning, sizeof leaning);
    add_mp3(&b, 50, false);
    struct kit_result r = probe(&b);
    assert_int_equal(r.e, ERR_NONE);
    assert_int_equal(index_info(r.x)->packets, 101);
    assert_false(index_info(r.x)->independent);
    kit_free(&r);
    buf_fini(&b);
}

static void frames_of_another_form_are_refused(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 24);
    add_mp3(&b, 100, false);
    add_mp3(&b, 100, true);
    kit_refused(buf_str(&b), ERR_UNSUPPORTED, "its frames change their form at packet 100");
    buf_fini(&b);
}

static void what_is_mostly_something_else_is_refused(void **state)
{
    (void)state;
    struct buf b;
    unsigned char noise[2000];
    buf_init(&b, 1 << 24);
    memset(noise, 0x55, sizeof noise);
    add_mp3(&b, 100, false);
    for (int i = 0; i < 100; i++) {
        buf_add(&b, noise, sizeof noise);
        add_mp3(&b, 2, false);
    }
    kit_refused(buf_str(&b), ERR_MEDIA, "most of it is not mp3");
    buf_fini(&b);
}

/* The last frame is not there whole, so it is not there. */
static void a_file_that_was_cut_off_ends_with_its_last_whole_frame(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 24);
    add_mp3(&b, 100, false);
    for (size_t cut = 1; cut < FRAME; cut += 83) {
        struct kit_result r = kit_probe(str_slice(buf_str(&b), 0, b.len - cut));
        assert_int_equal(r.e, ERR_NONE);
        assert_int_equal(index_info(r.x)->packets, 99);
        kit_free(&r);
    }
    buf_fini(&b);
}

/* LAME's note says 1105 (576 and the decoder's 529) samples ahead and what is behind; of a file
 * that was cut off nothing behind is to be dropped. */
static void an_encoders_delay_is_dropped(void **state)
{
    (void)state;
    struct str file = {NULL, 0};
    for (size_t i = 0; i < KIT_RECIPES; i++)
        if (kit_recipes[i].codec == CODEC_MP3)
            file = kit_file(&kit_recipes[i], NULL);
    struct kit_result whole = kit_probe(file), cut = kit_probe(str_slice(file, 0, file.n / 2));
    assert_int_equal(whole.e, ERR_NONE);
    assert_int_equal(index_info(whole.x)->priming, 576 + 529);
    assert_true(index_info(whole.x)->padding > 0);
    assert_int_equal(index_info(whole.x)->duration - index_info(whole.x)->priming -
                         index_info(whole.x)->padding,
                     (3 * 44100 + 1151) / 1152 * 1152); /* what the test has encoded */
    assert_int_equal(cut.e, ERR_NONE);
    assert_int_equal(index_info(cut.x)->priming, 576 + 529);
    assert_int_equal(index_info(cut.x)->padding, 0);
    kit_free(&whole);
    kit_free(&cut);
    kit_file_free(file);
}

static void adts_says_what_aac_it_is(void **state)
{
    (void)state;
    struct recipe r = {"adts", "aac", 22050, 1, 2, NULL, CODEC_AAC};
    struct str file = kit_file(&r, NULL);
    struct kit_result got = kit_probe(file);
    assert_int_equal(got.e, ERR_NONE);
    const struct index_info *info = index_info(got.x);
    assert_int_equal(info->strip, 7);
    assert_int_equal(info->aac_object_type, 2);
    assert_int_equal(info->sample_rate, 22050);
    assert_int_equal(info->channels, 1);
    assert_true(str_eq(index_config(got.x), STR("\x13\x88"))); /* AAC-LC, 22050 Hz, mono */
    kit_free(&got);
    kit_file_free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_counted_and_placed),
        cmocka_unit_test(a_frame_that_leans_on_others_is_told),
        cmocka_unit_test(frames_of_another_form_are_refused),
        cmocka_unit_test(what_is_mostly_something_else_is_refused),
        cmocka_unit_test(a_file_that_was_cut_off_ends_with_its_last_whole_frame),
        cmocka_unit_test(an_encoders_delay_is_dropped),
        cmocka_unit_test(adts_says_what_aac_it_is),
    };
    probe_warm_up();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
