/* segments/measure.c: every frame is measured once, in short orders, and the index then says what
 * was found. */
#include "segments/measure.h"

#include "segments/order.h"
#include "tests/unit/segments/encoded.h"

enum { FRAMES = 700 };
#define SAMPLES (FRAMES * (uint64_t)ENCODED_FRAME - 96)

/* Takes part in a measurement as a helper would; how many orders there were. */
static unsigned answer_all(struct measure *m)
{
    uint32_t at = 0, frames;
    for (unsigned orders = 0;; orders++) {
        struct buf b;
        struct order o;
        buf_init(&b, ORDER_MAX);
        assert_int_equal(measure_next(m, &b, &frames), ERR_NONE);
        if (frames == 0) {
            assert_int_equal(at, FRAMES);
            buf_fini(&b);
            return orders;
        }
        assert_int_equal(order_read(buf_str(&b), &o), ERR_NONE);
        assert_true(o.sizes_only && o.first == at && o.frames == frames && frames <= 256);
        struct buf reply = encoded_reply(at, frames, true);
        assert_int_equal(measure_take(m, buf_str(&reply)), ERR_NONE);
        at += frames;
        buf_fini(&reply);
        buf_fini(&b);
    }
}

static void sizes_that_were_found_are_in_the_index(void **state)
{
    (void)state;
    struct index *x = encoded_track(false, SAMPLES), *exact;
    struct measure *m = measure_new(x);
    struct buf out;
    size_t len;
    assert_int_equal(answer_all(m), 3);
    buf_init(&out, BUF_MAX_INDEX);
    assert_int_equal(measure_finish(m, &out), ERR_NONE);
    measure_free(m);
    unsigned char *record = buf_take(&out, &len);
    assert_int_equal(index_open(record, len, &exact), ERR_NONE);
    assert_int_equal(index_info(exact)->encoded, ENCODED_EXACT);
    assert_int_equal(index_info(exact)->duration, index_info(x)->duration);
    for (uint32_t i = 0; i < FRAMES; i++)
        assert_int_equal(index_size(exact, i), make_size(i, 900));
    assert_true(str_eq(index_init(exact), index_init(x)));
    assert_true(str_eq(index_tags(exact), index_tags(x)));
    assert_true(str_eq(index_config(exact), index_config(x)));
    assert_false(measure_wanted(exact));
    index_free(exact);
    index_free(x);
}

static void an_answer_to_something_else_is_refused(void **state)
{
    (void)state;
    struct index *x = encoded_track(false, SAMPLES);
    struct measure *m = measure_new(x);
    struct buf b, reply = encoded_reply(0, 255, true);
    uint32_t frames;
    buf_init(&b, ORDER_MAX);
    assert_int_equal(measure_next(m, &b, &frames), ERR_NONE);
    assert_int_equal(frames, 256);
    assert_int_equal(measure_take(m, buf_str(&reply)), ERR_MEDIA);
    buf_fini(&b);
    buf_fini(&reply);
    measure_free(m);
    index_free(x);
}

static void only_encoded_tracks_that_are_not_too_long_are_measured(void **state)
{
    (void)state;
    struct index *x = make_aac(10);
    assert_false(measure_wanted(x));
    index_free(x);
    x = encoded_track(false, MEASURE_MAX / 2);
    assert_true(measure_wanted(x));
    index_free(x);
    x = encoded_track(false, MEASURE_MAX / 2 + 1);
    assert_false(measure_wanted(x));
    index_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_that_were_found_are_in_the_index),
        cmocka_unit_test(an_answer_to_something_else_is_refused),
        cmocka_unit_test(only_encoded_tracks_that_are_not_too_long_are_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
