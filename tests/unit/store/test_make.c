/* edge/store/make: from synthetic indexes to playlists and segments, and why there is none. */
#include "edge/store/make.h"

#include "edge/store/disk.h"
#include "tests/unit/segments/make.h"
#include "tests/unit/store/tree.h"

#define PACKETS 1000                       /* of 1024 ticks: 23 s */
#define GIVEN UINT64_C(0x00ab54a98ceb1f0a) /* the version of every source here */

static const struct make_opts OPTS = {6000,           false,          CONTAINER_FMP4,
                                      {"/audio/", 7}, {"/x/hls/", 7}, {NULL, 0}};
static struct tree tree;

struct track {
    struct object *source;
    struct object *index;
    struct make_rendition r;
};

/* A track at `path` that has `x`, which is taken over. Its file is there only after fill_file. */
static struct track track_of(const char *path, struct index *x)
{
    struct track t;
    struct key source = key_make(OBJECT_SOURCE, str_of(path), 0, CONTAINER_COUNT, 0);
    struct key index = key_make(OBJECT_INDEX, str_of(path), GIVEN, CONTAINER_COUNT, 0);
    t.source = object_new(&source);
    t.index = object_new(&index);
    t.source->modified = 784111777;
    t.source->source = calloc(1, sizeof *t.source->source);
    t.source->source->fd = -1;
    t.source->source->version = GIVEN;
    t.index->index = x;
    t.r = (struct make_rendition){t.source, t.index};
    return t;
}

static void track_free(struct track *t)
{
    object_unref(t->source);
    object_unref(t->index);
}

static struct track aac(void) { return track_of("/a.m4a", make_aac(PACKETS)); }

static struct index *mp3_index(void)
{
    return make_track(make_info(CODEC_MP3, 44100), PACKETS, 1152, 417, STR(""));
}

static struct track mp3(void) { return track_of("/a.mp3", mp3_index()); }

static struct key key_of(enum object_kind kind, unsigned container, uint32_t number)
{
    return key_make(kind, STR("/a.m4a"), GIVEN, container, number);
}

static bool has(const struct object *o, const char *text)
{
    return memmem(o->body, o->body_len, text, strlen(text)) != NULL;
}

static bool says(const struct object *o, const char *line)
{
    return memmem(o->fields.p, o->fields.n, line, strlen(line)) != NULL;
}

static void expect_failure(struct object *o, enum err failure, const char *why)
{
    assert_int_equal(o->failure, failure);
    if (!str_eq(object_why(o), str_of(why)))
        fail_msg("%.*s", STR_ARG(object_why(o)));
    object_unref(o);
}

/* Masters */

static struct object *master(unsigned container, const struct make_rendition *list, size_t count,
                             bool folder)
{
    struct object *o = NULL;
    struct key key = key_of(OBJECT_MASTER, container, 0);
    assert_int_equal(make_master(&OPTS, &key, list, count, folder, &o), ERR_NONE);
    assert_true(key_eq(&o->key, &key));
    return o;
}

static void the_master_of_one_file_names_its_playlist(void **state)
{
    (void)state;
    struct track t = aac();
    struct object *o = master(CONTAINER_COUNT, &t.r, 1, false);
    assert_true(has(o, "CODECS=\"mp4a.40.2\""));
    assert_true(has(o, "\nindex.m3u8\n"));
    assert_true(says(o, "Content-Type: application/vnd.apple.mpegurl\r\n"));
    assert_true(says(o, "Cache-Control: public, max-age=10\r\n"));
    object_unref(o);
    track_free(&t);
}

static void a_folder_is_one_variant_a_file_from_wherever_it_is_asked(void **state)
{
    (void)state;
    struct track t[2] = {track_of("/song/128 k.m4a", make_aac(PACKETS)),
                         track_of("/song/l.flac", NULL)};
    t[1].index->index = make_track(make_info(CODEC_FLAC, 44100), 300, 4096, 9000, STR("dfLa"));
    struct make_rendition list[2] = {t[0].r, t[1].r};
    struct object *o = master(CONTAINER_COUNT, list, 2, true);
    assert_true(has(o, "\n128%20k.m4a/index.m3u8\n"));
    assert_true(has(o, "\nl.flac/index.m3u8\n"));
    object_unref(o);
    o = master(CONTAINER_FMP4, list, 2, true);
    assert_true(has(o, "\n../128%20k.m4a/fmp4/index.m3u8\n"));
    assert_true(has(o, "\n../l.flac/fmp4/index.m3u8\n"));
    object_unref(o);
    o = master(CONTAINER_TS, list, 2, true); /* FLAC does not go there: the other one does */
    assert_true(has(o, "\n../128%20k.m4a/ts/index.m3u8\n"));
    assert_false(has(o, "flac"));
    object_unref(o);
    track_free(&t[0]);
    track_free(&t[1]);
}

static void a_master_without_any_variant_says_why(void **state)
{
    (void)state;
    struct track t = mp3();
    expect_failure(master(CONTAINER_FMP4, &t.r, 1, false), ERR_NOT_ACCEPTABLE,
                   "mp3 does not go into fmp4; it goes into ts, packed, bytes");
    track_free(&t);
}

static void equal_content_has_an_equal_etag(void **state)
{
    (void)state;
    struct track t = aac(), longer = track_of("/a.m4a", make_aac(PACKETS + 1));
    struct object *a = master(CONTAINER_COUNT, &t.r, 1, false);
    struct object *b = master(CONTAINER_COUNT, &t.r, 1, false);
    struct object *c = master(CONTAINER_COUNT, &longer.r, 1, false);
    assert_true(str_eq(object_etag(a), object_etag(b)));
    assert_int_equal(object_etag(a).n, OBJECT_ETAG);
    assert_false(str_eq(object_etag(a), object_etag(c)));
    object_unref(a);
    object_unref(b);
    object_unref(c);
    track_free(&t);
    track_free(&longer);
}

/* Playlists */

static struct object *playlist(const struct make_opts *opts, unsigned container, struct track *t)
{
    struct object *o = NULL;
    struct key key = key_of(OBJECT_PLAYLIST, container, 0);
    assert_int_equal(make_playlist(opts, &key, &t->r, &o), ERR_NONE);
    return o;
}

static void playlists_name_segments_by_version_number_and_ending(void **state)
{
    (void)state;
    static const struct {
        unsigned container;
        const char *has;
        const char * not ;
    } cases[] = {
        {CONTAINER_COUNT, "\nv-00ab54a98ceb1f0a/3.m4s\n", "4.m4s"},
        {CONTAINER_COUNT, "#EXT-X-MAP:URI=\"v-00ab54a98ceb1f0a/init.mp4\"\n", ".ts"},
        {CONTAINER_TS, "\nv-00ab54a98ceb1f0a/0.ts\n", "EXT-X-MAP"},
        {CONTAINER_PACKED, "\nv-00ab54a98ceb1f0a/0.aac\n", "EXT-X-MAP"},
    };
    struct track t = aac();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct object *o = playlist(&OPTS, cases[i].container, &t);
        assert_true(has(o, cases[i].has));
        assert_false(has(o, cases[i].not ));
        assert_true(says(o, "Content-Type: application/vnd.apple.mpegurl\r\n"));
        assert_true(says(o, "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
        object_unref(o);
    }
    track_free(&t);
}

static void where_nobody_chose_the_configuration_does_if_the_codec_allows(void **state)
{
    (void)state;
    static const struct {
        enum container configured;
        enum codec codec;
        const char *has;
    } cases[] = {
        {CONTAINER_FMP4, CODEC_AAC, "/0.m4s"},    {CONTAINER_TS, CODEC_AAC, "/0.ts"},
        {CONTAINER_PACKED, CODEC_AAC, "/0.aac"},  {CONTAINER_FMP4, CODEC_MP3, "/0.mp3"},
        {CONTAINER_TS, CODEC_MP3, "/0.ts"},       {CONTAINER_TS, CODEC_FLAC, "/0.m4s"},
        {CONTAINER_PACKED, CODEC_OPUS, "/0.m4s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool is_aac = cases[i].codec == CODEC_AAC;
        struct track t = track_of("/a", make_track(make_info(cases[i].codec, 44100), PACKETS, 1024,
                                                   400, is_aac ? MAKE_ASC : STR("")));
        struct make_opts opts = OPTS;
        opts.container = cases[i].configured;
        struct object *o = playlist(&opts, CONTAINER_COUNT, &t);
        assert_true(has(o, cases[i].has));
        object_unref(o);
        track_free(&t);
    }
}

static void a_track_that_ts_cannot_say_gets_fmp4_unless_ts_was_chosen(void **state)
{
    (void)state;
    struct index_info info = make_info(CODEC_AAC, 44100);
    info.aac_object_type = 42; /* xHE-AAC */
    struct track t =
        track_of("/a.m4a", make_track(info, PACKETS, 1024, 400, STR("\xf9\x46\x43\x22")));
    struct make_opts opts = OPTS;
    opts.container = CONTAINER_TS;
    struct object *o = playlist(&opts, CONTAINER_COUNT, &t);
    assert_true(has(o, "/0.m4s"));
    object_unref(o);
    expect_failure(playlist(&opts, CONTAINER_TS, &t), ERR_NOT_ACCEPTABLE,
                   "aac does not go into ts; it goes into fmp4");
    track_free(&t);
}

static void what_hls_cannot_carry_is_unsupported(void **state)
{
    (void)state;
    struct track t =
        track_of("/a.ogg", make_track(make_info(CODEC_VORBIS, 44100), 10, 1024, 400, STR("")));
    expect_failure(playlist(&OPTS, CONTAINER_COUNT, &t), ERR_UNSUPPORTED,
                   err_text(ERR_UNSUPPORTED));
    expect_failure(master(CONTAINER_COUNT, &t.r, 1, false), ERR_UNSUPPORTED,
                   err_text(ERR_UNSUPPORTED));
    track_free(&t);
}

static void byte_ranges_are_of_the_file_s_own_url(void **state)
{
    (void)state;
    struct track t = track_of("/an album/a.mp3", mp3_index());
    struct object *o = playlist(&OPTS, CONTAINER_BYTES, &t);
    assert_int_equal(o->failure, ERR_NONE);
    assert_true(has(o, "\n../../../../../audio/an%20album/a.mp3\n"));
    object_unref(o);
    track_free(&t);
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

static void what_is_refused_names_what_is_taken(void **state)
{
    (void)state;
    struct track t = mp3();
    expect_failure(playlist(&OPTS, CONTAINER_FMP4, &t), ERR_NOT_ACCEPTABLE,
                   "mp3 does not go into fmp4; it goes into ts, packed, bytes");
    track_free(&t);
}

/* Init segments */

static void the_init_segment_is_the_index_s_own(void **state)
{
    (void)state;
    struct object *o = NULL;
    struct track t = aac();
    struct key key = key_of(OBJECT_INIT, CONTAINER_FMP4, 0);
    assert_int_equal(make_init(&key, &t.r, &o), ERR_NONE);
    assert_int_equal(o->body_len, 4);
    assert_memory_equal(o->body, "INIT", 4);
    assert_true(says(o, "Content-Type: audio/mp4\r\n"));
    assert_true(says(o, "Cache-Control: public, max-age=31536000, immutable\r\n"));
    object_unref(o);
    track_free(&t);
}

static void mp3_has_no_init_segment(void **state)
{
    (void)state;
    struct object *o = NULL;
    struct track t = mp3();
    struct key key = key_of(OBJECT_INIT, CONTAINER_FMP4, 0);
    assert_int_equal(make_init(&key, &t.r, &o), ERR_NONE);
    expect_failure(o, ERR_NOT_ACCEPTABLE,
                   "mp3 does not go into fmp4; it goes into ts, packed, bytes");
    track_free(&t);
}

/* Segments */

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

/* Segments from the file's bytes */

static int begin(void **state)
{
    (void)state;
    tree_make(&tree);
    return 0;
}

static int end(void **state)
{
    (void)state;
    tree_remove(&tree);
    return 0;
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

/* Small files */

static struct object *open_small(struct disk **disk)
{
    struct object *o = NULL;
    struct disk_opts opts = {tree.root, "public, max-age=5", 6000, false, false, NULL};
    tree_fill(&tree, "small.mp3", 70000);
    assert_int_equal(disk_new(&opts, disk), ERR_NONE);
    uint32_t mark;
    assert_int_equal(disk_open(*disk, STR("/small.mp3"), 0, &mark, &o), ERR_NONE);
    return o;
}

static void a_small_file_is_said_to_be_what_it_is(void **state)
{
    (void)state;
    struct disk *disk;
    struct object *source = open_small(&disk), *o = NULL;
    struct key key = key_make(OBJECT_BODY, STR("/small.mp3"), 1, CONTAINER_COUNT, 0);
    assert_int_equal(make_body(&key, source, NULL, &o), ERR_NONE);
    assert_int_equal(o->body_len, 70000);
    for (size_t i = 0; i < 70000; i++)
        assert_int_equal(o->body[i], tree_byte(i));
    assert_true(str_eq(object_etag(o), object_etag(source)));
    assert_true(str_eq(o->fields, source->fields));
    assert_int_equal(o->fields_304, source->fields_304);
    assert_int_equal(o->modified, source->modified);
    object_unref(o);
    object_unref(source);
    disk_free(disk);
}

static void a_small_file_that_changes_while_it_is_read_is_no_body(void **state)
{
    (void)state;
    struct disk *disk;
    struct object *source = open_small(&disk), *o = NULL;
    struct key key = key_make(OBJECT_BODY, STR("/small.mp3"), 1, CONTAINER_COUNT, 0);
    atomic_bool cancelled = true;
    assert_int_equal(make_body(&key, source, &cancelled, &o), ERR_CANCELLED);
    tree_touch(&tree, "small.mp3", 5, 0); /* as a writer does between open and the last read */
    assert_int_equal(make_body(&key, source, NULL, &o), ERR_IO);
    tree_fill(&tree, "small.mp3", 60000);
    assert_int_equal(make_body(&key, source, NULL, &o), ERR_IO);
    assert_null(o);
    object_unref(source);
    disk_free(disk);
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_master_of_one_file_names_its_playlist),
        cmocka_unit_test(a_folder_is_one_variant_a_file_from_wherever_it_is_asked),
        cmocka_unit_test(a_master_without_any_variant_says_why),
        cmocka_unit_test(equal_content_has_an_equal_etag),
        cmocka_unit_test(playlists_name_segments_by_version_number_and_ending),
        cmocka_unit_test(where_nobody_chose_the_configuration_does_if_the_codec_allows),
        cmocka_unit_test(a_track_that_ts_cannot_say_gets_fmp4_unless_ts_was_chosen),
        cmocka_unit_test(what_hls_cannot_carry_is_unsupported),
        cmocka_unit_test(byte_ranges_are_of_the_file_s_own_url),
        cmocka_unit_test(what_is_refused_names_what_is_taken),
        cmocka_unit_test(encrypted_segments_are_built_and_their_key_is_not_kept),
        cmocka_unit_test(the_init_segment_is_the_index_s_own),
        cmocka_unit_test(mp3_has_no_init_segment),
        cmocka_unit_test(a_segment_is_a_short_head_and_a_span_of_the_file),
        cmocka_unit_test(a_segment_knows_how_long_it_is_heard),
        cmocka_unit_test(segments_differ_in_etag_by_number_version_and_container),
        cmocka_unit_test(segments_of_other_kinds_are_not_found),
        cmocka_unit_test(numbers_past_the_last_are_not_found),
        IN_TREE(ts_is_built_from_the_bytes),
        IN_TREE(packets_in_many_places_are_read_together),
        IN_TREE(a_file_that_ends_too_soon_is_an_error),
        IN_TREE(building_can_be_cancelled),
        IN_TREE(a_small_file_is_said_to_be_what_it_is),
        IN_TREE(a_small_file_that_changes_while_it_is_read_is_no_body),
    };
    hash_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
