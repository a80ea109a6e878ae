/* edge/store/make_segment: a head and spans, or built from bytes, or encrypted. */
#include "edge/store/make.h"

#include "tests/unit/store/make_kit.h"

static enum err segment(struct track *t, unsigned container, uint32_t number, const char *ending,
                        struct object **out)
{
    struct key key = key_of(OBJECT_SEGMENT, container, number);
    *out = NULL;
    return make_segment(&OPTS, &key, str_of(ending), &t->r, out);
}

static void check_spans(struct track *t, enum container in, const char *ending, const char *type)
{
    struct cut cut = cut_make(t->index->index, 6000);
    char line[64];
    snprintf(line, sizeof line, "Content-Type: %s\r\n", type);
    for (uint32_t i = 0; i < cut.count; i++) {
        struct object *o;
        uint32_t from, to;
        cut_segment(&cut, i, &from, &to);
        assert_int_equal(segment(t, in, i, ending, &o), ERR_NONE);
        assert_int_equal(o->failure, ERR_NONE);
        assert_int_equal(o->span_count, 1);
        assert_int_equal(o->spans[0].offset, 1000 + index_bytes(t->index->index, 0, from));
        assert_int_equal(o->spans[0].length, index_bytes(t->index->index, from, to));
        assert_int_equal(o->size, o->body_len + o->spans[0].length);
        assert_int_equal(o->size, segment_size(&cut, in, i));
        assert_int_equal(o->modified, t->source->modified);
        assert_true(says(o, line));
        assert_true(says(o, "Cache-Control: public, max-age=31536000, immutable\r\n"));
        object_unref(o);
    }
}

static void a_segment_is_a_short_head_and_a_span_of_the_file(void **state)
{
    (void)state;
    struct track t = aac(), m = mp3();
    check_spans(&t, CONTAINER_FMP4, "m4s", "audio/mp4");
    check_spans(&m, CONTAINER_PACKED, "mp3", "audio/mpeg");
    track_free(&t);
    track_free(&m);
}

/* Pacing needs no index at hand: made here, or found in Redis, a segment says it itself. */
static void a_segment_knows_how_long_it_is_heard(void **state)
{
    (void)state;
    struct track t = aac();
    struct cut cut = cut_make(t.index->index, 6000);
    assert_true(cut.count > 1);
    for (uint32_t i = 0; i < cut.count; i++) {
        struct key key = key_of(OBJECT_SEGMENT, CONTAINER_FMP4, i);
        struct object *made, *again;
        uint32_t from, to;
        cut_segment(&cut, i, &from, &to);
        assert_int_equal(segment(&t, CONTAINER_FMP4, i, "m4s", &made), ERR_NONE);
        assert_int_equal(made->sound_ms, (uint64_t)(to - from) * 1024 * 1000 / 44100);
        assert_int_equal(make_again(&OPTS, &key, &t.r, calloc(1, 100), 100, &again), ERR_NONE);
        assert_int_equal(again->sound_ms, made->sound_ms);
        object_unref(made);
        object_unref(again);
    }
    struct key beyond = key_of(OBJECT_SEGMENT, CONTAINER_FMP4, cut.count);
    struct object *o; /* of an edge that cuts otherwise */
    assert_int_equal(make_again(&OPTS, &beyond, &t.r, calloc(1, 100), 100, &o), ERR_NONE);
    assert_int_equal(o->sound_ms, 0);
    object_unref(o);
    track_free(&t);
}

static void segments_differ_in_etag_by_number_version_and_container(void **state)
{
    (void)state;
    struct track t = aac();
    struct object *o[4];
    struct key other = key_make(OBJECT_SEGMENT, STR("/a.m4a"), GIVEN + 1, CONTAINER_FMP4, 0);
    assert_int_equal(segment(&t, CONTAINER_FMP4, 0, "m4s", &o[0]), ERR_NONE);
    assert_int_equal(segment(&t, CONTAINER_FMP4, 0, "m4s", &o[1]), ERR_NONE);
    assert_int_equal(segment(&t, CONTAINER_FMP4, 1, "m4s", &o[2]), ERR_NONE);
    assert_int_equal(make_segment(&OPTS, &other, STR("m4s"), &t.r, &o[3]), ERR_NONE);
    assert_true(str_eq(object_etag(o[0]), object_etag(o[1])));
    assert_false(str_eq(object_etag(o[0]), object_etag(o[2])));
    assert_false(str_eq(object_etag(o[0]), object_etag(o[3])));
    for (int i = 0; i < 4; i++)
        object_unref(o[i]);
    track_free(&t);
}

static void segments_of_other_kinds_are_not_found(void **state)
{
    (void)state;
    static const struct {
        unsigned container;
        const char *ending;
    } cases[] = {
        {CONTAINER_FMP4, "ts"},    {CONTAINER_FMP4, "aac"},    {CONTAINER_TS, "m4s"},
        {CONTAINER_PACKED, "mp3"}, {CONTAINER_PACKED, "flac"}, {CONTAINER_FMP4, "m4s.m4s"},
        {CONTAINER_FMP4, ""},      {CONTAINER_FMP4, "M4S"},    {CONTAINER_PACKED, "m4s"},
    };
    struct track t = aac();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct object *o;
        assert_int_equal(segment(&t, cases[i].container, 0, cases[i].ending, &o), ERR_NONE);
        expect_failure(o, ERR_NOT_FOUND, "the track has no segments of that kind");
    }
    track_free(&t);
}

static void numbers_past_the_last_are_not_found(void **state)
{
    (void)state;
    struct track t = aac(), empty = track_of("/e.m4a", make_aac(0));
    struct object *o;
    uint32_t count = cut_make(t.index->index, 6000).count;
    assert_int_equal(segment(&t, CONTAINER_FMP4, count, "m4s", &o), ERR_NONE);
    expect_failure(o, ERR_NOT_FOUND, "the track has fewer segments");
    assert_int_equal(segment(&t, CONTAINER_TS, UINT32_MAX, "ts", &o), ERR_NONE);
    expect_failure(o, ERR_NOT_FOUND, "the track has fewer segments");
    assert_int_equal(segment(&empty, CONTAINER_FMP4, 0, "m4s", &o), ERR_NONE);
    expect_failure(o, ERR_NOT_FOUND, "the track has fewer segments");
    track_free(&t);
    track_free(&empty);
}

static void encrypted_segments_are_built_and_their_key_is_not_kept(void **state)
{
    (void)state;
    struct track t = aac();
    struct make_opts opts = OPTS;
    struct object *o = NULL;
    struct key key = key_of(OBJECT_REPLY, CONTAINER_COUNT, 0);
    assert_int_equal(make_key(&opts, &key, t.source, &o), ERR_NONE);
    expect_failure(o, ERR_NOT_FOUND, "segments are not encrypted here");
    opts.secret = STR("a secret of sixteen bytes or more");
    assert_int_equal(make_key(&opts, &key, t.source, &o), ERR_NONE);
    assert_int_equal(o->body_len, 16);
    assert_int_equal(o->etag[0], 0);
    object_unref(o);
    key = key_of(OBJECT_SEGMENT, CONTAINER_FMP4, 0);
    assert_int_equal(make_segment(&opts, &key, STR("m4s"), &t.r, &o), ERR_AGAIN);
    o = playlist(&opts, CONTAINER_COUNT, &t);
    assert_true(has(o, "\n#EXT-X-KEY:METHOD=AES-128,URI=\"v-00ab54a98ceb1f0a/key\","
                       "IV=0x00000000000000000000000000000001\n#EXTINF:"));
    assert_true(has(o, "init.mp4\"\n#EXT-X-KEY"));
    object_unref(o);
    track_free(&t);
}

/* The file behind a track: each packet's bytes where the index says, nothing between. */
static void fill_file(struct track *t)
{
    const struct index *x = t->index->index;
    FILE *f = fopen(tree_path(&tree, "track"), "wb");
    assert_non_null(f);
    for (uint32_t i = 0; i < index_info(x)->packets; i++) {
        struct index_span at;
        struct buf b = make_payload(x, i, i + 1);
        assert_int_equal(index_spans(x, i, i + 1, &at, 1), 1);
        assert_int_equal(fseek(f, (long)at.offset, SEEK_SET), 0);
        assert_int_equal(fwrite(b.data, 1, b.len, f), b.len);
        buf_fini(&b);
    }
    fclose(f);
    t->source->source->fd = open(tree_path(&tree, "track"), O_RDONLY | O_CLOEXEC);
    assert_true(t->source->source->fd >= 0);
}

static enum err built(struct track *t, enum container in, uint32_t number, atomic_bool *cancelled,
                      struct object **out)
{
    struct key key = key_of(OBJECT_SEGMENT, in, number);
    *out = NULL;
    return make_segment_built(&OPTS, &key, &t->r, cancelled, out);
}

static void ts_is_built_from_the_bytes(void **state)
{
    (void)state;
    struct track t = mp3();
    struct cut cut = cut_make(t.index->index, 6000);
    fill_file(&t);
    for (uint32_t i = 0; i < cut.count; i++) {
        struct object *o;
        assert_int_equal(segment(&t, CONTAINER_TS, i, "ts", &o), ERR_AGAIN);
        assert_null(o);
        assert_int_equal(built(&t, CONTAINER_TS, i, NULL, &o), ERR_NONE);
        assert_int_equal(o->size, segment_size(&cut, CONTAINER_TS, i));
        assert_int_equal(o->body_len, o->size);
        assert_int_equal(o->span_count, 0);
        assert_int_equal(o->body[0], 0x47);
        assert_true(says(o, "Content-Type: video/mp2t\r\n"));
        object_unref(o);
    }
    track_free(&t);
}

/* Every packet apart from its neighbours. */
static struct track scattered(void)
{
    struct index_builder *b = index_build();
    uint64_t offset = 0;
    for (uint32_t i = 0; i < PACKETS; i++) {
        uint32_t size = make_size(i, 400);
        assert_int_equal(index_build_packet(b, offset, size, 1024), ERR_NONE);
        offset += size + 10;
    }
    return track_of("/a.m4a", make_open(b, make_info(CODEC_AAC, 44100), MAKE_ASC));
}

static void packets_in_many_places_are_read_together(void **state)
{
    (void)state;
    struct track t = scattered();
    struct object *o;
    struct buf head, payload;
    uint32_t from, to;
    bool by_span;
    struct cut cut = cut_make(t.index->index, 6000);
    fill_file(&t);
    assert_int_equal(segment(&t, CONTAINER_FMP4, 1, "m4s", &o), ERR_AGAIN);
    assert_int_equal(built(&t, CONTAINER_FMP4, 1, NULL, &o), ERR_NONE);
    buf_init(&head, BUF_MAX_SEGMENT);
    assert_int_equal(segment_head(&cut, CONTAINER_FMP4, 1, &head, &from, &to, &by_span), ERR_NONE);
    payload = make_payload(t.index->index, from, to);
    assert_int_equal(o->body_len, head.len + payload.len);
    assert_memory_equal(o->body, head.data, head.len);
    assert_memory_equal(o->body + head.len, payload.data, payload.len);
    buf_fini(&head);
    buf_fini(&payload);
    object_unref(o);
    track_free(&t);
}

static void a_file_that_ends_too_soon_is_an_error(void **state)
{
    (void)state;
    struct track t = mp3();
    struct object *o;
    fill_file(&t);
    assert_int_equal(truncate(tree_path(&tree, "track"), 50000), 0);
    assert_int_equal(built(&t, CONTAINER_TS, 0, NULL, &o), ERR_IO);
    assert_null(o);
    track_free(&t);
}

static void building_can_be_cancelled(void **state)
{
    (void)state;
    struct track t = mp3();
    struct object *o;
    atomic_bool cancelled = true;
    fill_file(&t);
    assert_int_equal(built(&t, CONTAINER_TS, 0, &cancelled, &o), ERR_CANCELLED);
    assert_null(o);
    track_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_is_a_short_head_and_a_span_of_the_file),
        cmocka_unit_test(a_segment_knows_how_long_it_is_heard),
        cmocka_unit_test(segments_differ_in_etag_by_number_version_and_container),
        cmocka_unit_test(segments_of_other_kinds_are_not_found),
        cmocka_unit_test(numbers_past_the_last_are_not_found),
        cmocka_unit_test(encrypted_segments_are_built_and_their_key_is_not_kept),
        IN_TREE(ts_is_built_from_the_bytes),
        IN_TREE(packets_in_many_places_are_read_together),
        IN_TREE(a_file_that_ends_too_soon_is_an_error),
        IN_TREE(building_can_be_cancelled),
    };
    hash_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
