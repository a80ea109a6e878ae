/* segments/index_open: a record that lies is not opened. */
#include "segments/index.h"

#include "segments/index_layout.h"
#include "tests/unit/segments/make.h"

static struct index *open_of(struct index_builder *b)
{
    return make_open(b, make_info(CODEC_AAC, 44100), MAKE_ASC);
}

/* A record with every section in use. */
static struct str full_record(struct index **keep)
{
    struct index_builder *b = index_build();
    for (uint32_t i = 0; i < 300; i++)
        assert_int_equal(
            index_build_packet(b, i * 500u + i / 100, 100 + i % 7 * 57, i == 150 ? 20 : 1024),
            ERR_NONE);
    *keep = open_of(b);
    return index_record(*keep);
}

static enum err open_copy(struct str record, size_t length, struct index **out)
{
    unsigned char *copy = malloc(length ? length : 1);
    memcpy(copy, record.p, length);
    return index_open(copy, length, out);
}

static void a_cut_record_is_refused(void **state)
{
    (void)state;
    struct index *x, *cut;
    struct str record = full_record(&x);
    for (size_t n = 0; n < record.n; n++) {
        assert_int_equal(open_copy(record, n, &cut), ERR_MEDIA);
        assert_null(cut);
    }
    index_free(x);
}

static void patch(unsigned char *record, size_t at, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++)
        record[at + i] = (unsigned char)(value >> (8 * i));
}

#define AT(field) offsetof(struct layout_head, field), sizeof((struct layout_head *)0)->field

/* Where the sections of full_record lie: two sums, 300 sizes, one exception, 300 extents. */
enum { EXCEPTION = 96 + 16 + 600, EXTENTS = EXCEPTION + 16 };

static void each_lie_is_found(void **state)
{
    (void)state;
    static const struct {
        size_t at, width;
        uint64_t value;
    } lies[] = {
        {AT(magic), 1},
        {AT(version), 2},
        {AT(length), 5},
        {AT(codec), CODEC_NONE},
        {AT(codec), CODEC_COUNT},
        {AT(aac_object_type), 3},
        {AT(mpeg_layer3_lsf), 1},
        {AT(independent), 2},
        {AT(size_width), 3},
        {AT(size_width), 0},
        {AT(ticks_width), 2},
        {AT(encoded), ENCODED_COUNT},
        {AT(encoded), ENCODED_BOUND},
        {AT(strip), 8},
        {AT(timescale), 0},
        {AT(timescale), 1000001},
        {AT(frame_ticks), 0},
        {AT(frame_ticks), 1023},
        {AT(packets), 299},
        {AT(packets), 1u << 26},
        {AT(priming), 1u << 30},
        {AT(padding), 1u << 30},
        {AT(preroll), 40000},
        {AT(duration), 1},
        {AT(payload), 1},
        {AT(max_size), 1000},
        {AT(exceptions), 0},
        {AT(exceptions), UINT32_MAX},
        {AT(extents), 2},
        {AT(extents), UINT32_MAX},
        {AT(init), INDEX_INIT_MAX + 1},
        {AT(config), UINT32_MAX},
        {AT(tags), 3},
        {AT(channels), 0},
        {AT(sample_rate), 0},
        {96, 8, 1},
        {96 + 16, 2, 99},
    };
    struct index *x, *lie;
    struct str record = full_record(&x);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        unsigned char *copy = malloc(record.n);
        memcpy(copy, record.p, record.n);
        patch(copy, lies[i].at, lies[i].value, lies[i].width);
        if (index_open(copy, record.n, &lie) != ERR_MEDIA)
            fail_msg("lie %zu at %zu was believed", i, lies[i].at);
    }
    index_free(x);
}

static void places_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at, width;
        uint64_t value;
    } lies[] = {
        {EXCEPTION, 4, 300},              /* no such packet */
        {EXCEPTION + 4, 4, 0},            /* no duration */
        {EXCEPTION + 8, 8, 7},            /* a wrong start */
        {EXTENTS, 8, 1},                  /* does not begin at 0 */
        {EXTENTS + 16, 8, 0},             /* not rising */
        {EXTENTS + 24, 8, INT64_MAX},     /* ends past 2^63 */
        {EXTENTS + 24, 8, UINT64_MAX},    /* begins past it */
        {EXTENTS + 24, 8, 100},           /* touches the one before: not canonical */
        {EXTENTS + 299 * 16, 8, 1 << 30}, /* past the payload */
    };
    struct index *x, *lie;
    struct str record = full_record(&x);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        unsigned char *copy = malloc(record.n);
        memcpy(copy, record.p, record.n);
        patch(copy, lies[i].at, lies[i].value, lies[i].width);
        if (index_open(copy, record.n, &lie) != ERR_MEDIA)
            fail_msg("lie %zu at %zu was believed", i, lies[i].at);
    }
    index_free(x);
}

static void a_record_survives_a_copy(void **state)
{
    (void)state;
    struct index *x, *y;
    struct str record = full_record(&x);
    assert_int_equal(open_copy(record, record.n, &y), ERR_NONE);
    assert_true(str_eq(index_record(x), index_record(y)));
    index_free(x);
    index_free(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_record_is_refused),
        cmocka_unit_test(each_lie_is_found),
        cmocka_unit_test(places_that_cannot_be_are_refused),
        cmocka_unit_test(a_record_survives_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
